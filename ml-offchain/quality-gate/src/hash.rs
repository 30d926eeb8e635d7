//! 64-bit hashes of words and sequences. Not keyed: who makes two texts collide makes his own samples look
//! alike, and gains nothing by it.

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// Mixes all bits of a number: the last step of SplitMix64 (Steele, Lea, Flood 2014). A bijection.
#[inline]
pub fn mix(mut number: u64) -> u64 {
	number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
	number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
	number ^ (number >> 31)
}

/// Hash of bytes: FNV-1a, mixed.
#[inline]
pub fn hash_bytes(bytes: &[u8]) -> u64 {
	mix(bytes.iter().fold(FNV_OFFSET, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(FNV_PRIME)))
}

/// Hash of a sequence of hashes; the order matters.
#[inline]
pub fn hash_sequence(hashes: &[u64]) -> u64 {
	hashes.iter().fold(FNV_OFFSET, |hash, next| mix(hash.rotate_left(5) ^ *next))
}
