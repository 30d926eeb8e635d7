//! The text of a lot under its key, and back. The form is that of [`blyan_primitives::sealed`].

use super::Key;
use blyan_primitives::{
	cid::Cid,
	learning::DomainName,
	sealed::{key_hash, text_root, LotKey, NewLot},
};
use chacha20poly1305::{
	aead::{Aead, KeyInit},
	ChaCha20Poly1305, Nonce,
};

/// Why the text of a lot cannot be had from its ciphertext and key. The same bytes give everybody the same answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LotError {
	/// The key is not the one whose hash the chain has.
	#[error("the key is not the lot's")]
	WrongKey,
	/// The ciphertext was not made with that key.
	#[error("the ciphertext does not open with the lot's key")]
	NotSealedWithKey,
	/// The text is shorter or longer than was promised, or another.
	#[error("the text is not the one that was promised")]
	AnotherText,
}

/// Seals shards of equal length. Give each lot a key of its own: the nonce is always the same.
pub fn seal(shards: &[Vec<u8>], key: &Key) -> Vec<u8> {
	let text = shards.concat();
	// Fails above 256 GiB alone, which no text in memory has.
	cipher(key.expose()).encrypt(&Nonce::default(), text.as_slice()).expect("a lot is far below 256 GiB")
}

/// What the chain is told of a lot whose ciphertext is stored as `content`.
pub fn describe(shards: &[Vec<u8>], key: &Key, content: Cid, domain: DomainName) -> NewLot {
	NewLot {
		content,
		shards: shards.len() as u32,
		shard_bytes: shards.first().map_or(0, |shard| shard.len() as u32),
		root: text_root(shards.iter().map(Vec::as_slice)),
		key_hash: key.hash(),
		domain,
	}
}

/// The shards of a lot.
///
/// # Errors
/// [`LotError`]: the lot is no good, whoever looks at it.
pub fn open(lot: &NewLot, key: &LotKey, ciphertext: &[u8]) -> Result<Vec<Vec<u8>>, LotError> {
	if key_hash(key) != lot.key_hash {
		return Err(LotError::WrongKey);
	}
	let text = cipher(key).decrypt(&Nonce::default(), ciphertext).map_err(|_| LotError::NotSealedWithKey)?;
	if text.len() as u64 != lot.text_bytes() {
		return Err(LotError::AnotherText);
	}
	// Zero bytes would be no lot that the chain takes.
	let shards: Vec<Vec<u8>> = text.chunks(lot.shard_bytes.max(1) as usize).map(<[u8]>::to_vec).collect();
	if text_root(shards.iter().map(Vec::as_slice)) != lot.root {
		return Err(LotError::AnotherText);
	}
	Ok(shards)
}

fn cipher(key: &LotKey) -> ChaCha20Poly1305 {
	ChaCha20Poly1305::new(key.into())
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::{cid::CidCodec, Hash};

	fn shards() -> Vec<Vec<u8>> {
		vec![b"the first shard.".to_vec(), b"and the second. ".to_vec()]
	}

	fn lot(key: &Key) -> NewLot {
		describe(&shards(), key, Cid { codec: CidCodec::Raw, digest: [0; 32] }, DomainName::default())
	}

	#[test]
	fn open_should_return_what_was_sealed() {
		let key = Key::random();
		let (ciphertext, lot) = (seal(&shards(), &key), lot(&key));
		assert_eq!(ciphertext.len() as u64, lot.bytes());
		assert!(!ciphertext.windows(9).any(|window| window == b"the first"));
		assert_eq!(open(&lot, key.expose(), &ciphertext), Ok(shards()));
	}

	#[test]
	fn seal_should_be_what_other_implementations_of_rfc_8439_come_to() {
		let key: Key = serde_json::from_value(serde_json::json!(Hash::repeat_byte(7))).unwrap();
		// OpenSSL's, of that key and a nonce of zeros.
		let expected = "55e8506d0e23a672caf80632b6a36d205e5a83d6e7";
		let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
		assert_eq!(hex(&seal(&[b"blyan".to_vec()], &key)), expected);
	}

	#[test]
	fn open_should_refuse_another_key_bytes_length_or_text() {
		let key = Key::random();
		let (ciphertext, lot) = (seal(&shards(), &key), lot(&key));
		assert_eq!(open(&lot, Key::random().expose(), &ciphertext), Err(LotError::WrongKey));
		let mut torn = ciphertext.clone();
		torn[3] ^= 1;
		assert_eq!(open(&lot, key.expose(), &torn), Err(LotError::NotSealedWithKey));
		assert_eq!(open(&lot, key.expose(), &ciphertext[..10]), Err(LotError::NotSealedWithKey));
		let longer = seal(&[shards(), shards()].concat(), &key);
		assert_eq!(open(&lot, key.expose(), &longer), Err(LotError::AnotherText));
		let other = NewLot { root: Hash::repeat_byte(1), ..lot };
		assert_eq!(open(&other, key.expose(), &ciphertext), Err(LotError::AnotherText));
	}
}
