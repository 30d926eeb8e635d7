//! What is drawn by lot from a seed that the chain's randomness gives.

use crate::{
	learning::{Gate, ValidationPool},
	sealed::SealedShards,
	Hash,
};
use alloc::{collections::BTreeSet, vec::Vec};
use codec::Encode;
use polkadot_sdk::sp_runtime::traits::{BlakeTwo256, Hash as _};

/// An endless sequence of numbers derived from a seed, the same everywhere.
pub struct Lots {
	seed: Hash,
	counter: u64,
}

impl Lots {
	/// Lots for one `purpose`; different purposes give unrelated sequences.
	pub fn new(seed: Hash, purpose: impl Encode) -> Self {
		Self { seed: BlakeTwo256::hash_of(&(b"blyan/lots", seed, purpose)), counter: 0 }
	}

	/// The next number below `bound`, or 0 if `bound` is 0. Unbiased to within 2^-64 for bounds up to
	/// 2^64, and never by more than `bound / 2^128`.
	pub fn below(&mut self, bound: u128) -> u128 {
		let hash = BlakeTwo256::hash_of(&(self.seed, self.counter));
		self.counter = self.counter.saturating_add(1);
		let (half, _) = hash.as_bytes().split_at(16);
		let number = <[u8; 16]>::try_from(half).map(u128::from_le_bytes).unwrap_or_default();
		number.checked_rem(bound).unwrap_or_default()
	}
}

/// The shards of a round: `gate.shards_per_domain` distinct ones from each domain, domain by domain,
/// each domain's in rising order. Indices count from 0 over the whole pool.
///
/// Floyd's sampling without replacement (R. Floyd, CACM 30(9), 1987): one lot a shard.
pub fn draw_shards(seed: Hash, pool: &ValidationPool, gate: &Gate) -> Vec<u32> {
	let mut first = 0u32;
	let mut drawn = Vec::new();
	for (number, domain) in pool.domains.iter().enumerate() {
		let mut lots = Lots::new(seed, (b"shards", number as u32));
		let wanted = gate.shards_per_domain.min(domain.shards);
		let mut chosen = BTreeSet::new();
		for upper in domain.shards.saturating_sub(wanted)..domain.shards {
			let lot = lots.below(u128::from(upper).saturating_add(1)) as u32;
			if !chosen.insert(lot) {
				chosen.insert(upper);
			}
		}
		drawn.extend(chosen.into_iter().map(|shard| first.saturating_add(shard)));
		first = first.saturating_add(domain.shards);
	}
	drawn
}

/// Every shard that a round measures, in the order of its report: those drawn of the public pool, and then all of the
/// lots that were opened for it, numbered on from the pool's last. See [`crate::sealed::ShardPlace`] for where each is.
pub fn round_shards(seed: Hash, pool: &ValidationPool, gate: &Gate, sealed: &SealedShards) -> Vec<u32> {
	let mut shards = draw_shards(seed, pool, gate);
	let first = pool.shard_count();
	shards.extend((0..sealed.shards()).map(|shard| first.saturating_add(shard)));
	shards
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		cid::{Cid, CidCodec},
		learning::{Domain, DomainName},
	};
	use alloc::vec;
	use polkadot_sdk::sp_core::bounded::BoundedVec;
	use proptest::prelude::*;

	fn pool(shards: &[u32]) -> ValidationPool {
		let domains = shards
			.iter()
			.map(|shards| Domain { name: DomainName::default(), shards: *shards })
			.collect::<Vec<_>>();
		ValidationPool {
			content: Cid { codec: CidCodec::Raw, digest: [0; 32] },
			shard_bytes: 512,
			domains: BoundedVec::truncate_from(domains),
		}
	}

	fn gate(shards_per_domain: u32) -> Gate {
		Gate { z_milli: 0, delta: 0, rho: 0, tolerance: 1, shards_per_domain }
	}

	proptest! {
		#[test]
		fn draw_shards_should_be_distinct_and_within_each_domain(seed in any::<[u8; 32]>(), n in 1u32..20) {
			let pool = pool(&[20, 40]);
			let drawn = draw_shards(seed.into(), &pool, &gate(n));
			prop_assert_eq!(drawn.len() as u32, 2 * n);
			prop_assert!(drawn.windows(2).all(|w| w[0] < w[1]));
			prop_assert!(drawn[..n as usize].iter().all(|s| *s < 20));
			prop_assert!(drawn[n as usize..].iter().all(|s| (20..60).contains(s)));
		}
	}

	#[test]
	fn draw_shards_should_take_each_shard_about_equally_often() {
		let pool = pool(&[10]);
		let mut counts = vec![0u32; 10];
		for n in 0u32..5_000 {
			for shard in draw_shards(BlakeTwo256::hash_of(&n), &pool, &gate(3)) {
				counts[shard as usize] += 1;
			}
		}
		// 1,500 each are expected, with a standard deviation of 32.
		assert!(counts.iter().all(|count| (1_340..1_660).contains(count)), "{counts:?}");
	}

	#[test]
	fn round_shards_should_end_with_all_that_was_sealed() {
		let (pool, seed) = (pool(&[20, 40]), Hash::repeat_byte(1));
		let shards = round_shards(seed, &pool, &gate(2), &SealedShards { lots: 2, shards_per_lot: 2 });
		assert_eq!(shards[..4], draw_shards(seed, &pool, &gate(2)));
		assert_eq!(shards[4..], [60, 61, 62, 63]);
		assert_eq!(
			round_shards(seed, &pool, &gate(2), &SealedShards::default()),
			draw_shards(seed, &pool, &gate(2))
		);
	}

	#[test]
	fn draw_shards_should_depend_on_the_seed() {
		let pool = pool(&[1_000]);
		assert_ne!(
			draw_shards(Hash::repeat_byte(1), &pool, &gate(8)),
			draw_shards(Hash::repeat_byte(2), &pool, &gate(8))
		);
	}
}
