//! What a round measures, how a measurement is committed to, and the statistical gate.
//!
//! Rules: spec "Proof of learning". Losses are in *nanobits*: 1e-9 bits per byte of text, so that no
//! float reaches the chain.

use crate::{
	dag::{BlockKind, NewBlock, SubmissionId},
	merkle,
	migration::Migration,
	sealed::LotId,
	Hash,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_core::{bounded::BoundedVec, ConstU32},
	sp_runtime::traits::{BlakeTwo256, Hash as _},
};
use scale_info::TypeInfo;

/// Names a dispute; they are numbered in sequence.
pub type DisputeId = u64;

/// 1e-9 bits per byte.
pub type NanoBits = i64;
/// One bit per byte, in nanobits.
pub const BIT_PER_BYTE: NanoBits = 1_000_000_000;
/// The largest loss, error or parameter that is taken for a measurement: 64 bits per byte.
pub const MAX_NANOBITS: NanoBits = 64 * BIT_PER_BYTE;

/// Most domains a validation pool may have.
pub const MAX_DOMAINS: u32 = 16;

/// Most shards that may be drawn for a round: a dispute opens the losses of all of them, in one call.
pub const MAX_SHARDS: u32 = 4_096;

/// Names a domain, for people.
pub type DomainName = BoundedVec<u8, ConstU32<32>>;

/// A consecutive run of shards of the same domain.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Domain {
	/// For people.
	pub name: DomainName,
	/// How many shards it has; they follow those of the domain before it.
	pub shards: u32,
}

/// The text that candidates are measured on: `content` is the shards, one after another, each of
/// exactly `shard_bytes` bytes.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ValidationPool {
	/// Where the shards are.
	pub content: crate::cid::Cid,
	/// Bytes of one shard.
	pub shard_bytes: u32,
	/// The domains, in the order of their shards.
	pub domains: BoundedVec<Domain, ConstU32<MAX_DOMAINS>>,
}

impl ValidationPool {
	/// Shards in all domains together.
	pub fn shard_count(&self) -> u32 {
		self.domains.iter().fold(0, |sum, domain| sum.saturating_add(domain.shards))
	}
}

/// What a model asks of a candidate.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Gate {
	/// How many standard errors the gain must stand clear of chance, in thousandths: 2,326 is one
	/// per cent, one-sided.
	pub z_milli: u32,
	/// Least gain beyond that.
	pub delta: NanoBits,
	/// How much worse any one domain may become.
	pub rho: NanoBits,
	/// How far an evaluator may be from the median.
	pub tolerance: NanoBits,
	/// Shards drawn from each domain for a round.
	pub shards_per_domain: u32,
}

impl Gate {
	/// How many shards are drawn for a round.
	pub fn drawn_shards(&self, pool: &ValidationPool) -> u32 {
		let of_domain = |domain: &Domain| self.shards_per_domain.min(domain.shards);
		pool.domains.iter().fold(0, |sum, domain| sum.saturating_add(of_domain(domain)))
	}

	/// Whether the numbers make sense for a pool of such domains.
	pub fn is_valid_for(&self, pool: &ValidationPool) -> bool {
		let in_range = |value: NanoBits| (0..=MAX_NANOBITS).contains(&value);
		let shards = u64::from(self.shards_per_domain).saturating_mul(pool.domains.len() as u64);
		in_range(self.delta) &&
			in_range(self.rho) &&
			self.tolerance > 0 &&
			in_range(self.tolerance) &&
			pool.shard_bytes > 0 &&
			// A standard error needs two shards at least.
			(2..=u64::from(MAX_SHARDS)).contains(&shards) && self.shards_per_domain > 0 &&
			!pool.domains.is_empty() &&
			pool.domains.iter().all(|domain| domain.shards >= self.shards_per_domain)
	}
}

/// An evaluator's paired measurement of the baseline and the candidate on the drawn shards.
///
/// Baseline, gain and standard error are over the shards that the gain is *judged* on: the sealed ones alone where
/// the round has any, since a candidate may have been fitted to the public pool; else all.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Report {
	/// Mean loss of the baseline.
	pub baseline: NanoBits,
	/// Mean over the shards of baseline less candidate: above zero is better.
	pub gain: NanoBits,
	/// Standard error of that mean.
	pub standard_error: NanoBits,
	/// Mean gain in each domain, in the pool's order, and last that of the sealed shards where there are any.
	pub domain_gains: BoundedVec<NanoBits, ConstU32<MAX_DOMAINS>>,
	/// Merkle root over `(shard, baseline loss, candidate loss)`, in the order drawn.
	pub losses_root: Hash,
}

/// The losses of one shard, in nanobits.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ShardLosses {
	/// Of the heads.
	pub baseline: NanoBits,
	/// Of the candidate.
	pub candidate: NanoBits,
}

impl ShardLosses {
	/// Whether both are losses that can be measured.
	pub fn is_valid(&self) -> bool {
		[self.baseline, self.candidate].iter().all(|loss| (0..=MAX_NANOBITS).contains(loss))
	}

	/// Whether neither is further than the tolerance from that of `other`.
	pub fn is_within(&self, tolerance: NanoBits, other: &Self) -> bool {
		let near = |a: NanoBits, b: NanoBits| a.abs_diff(b) <= tolerance.unsigned_abs();
		near(self.baseline, other.baseline) && near(self.candidate, other.candidate)
	}
}

/// The losses of all shards of a round, in the order drawn.
pub type AllLosses = BoundedVec<ShardLosses, ConstU32<MAX_SHARDS>>;

impl Report {
	/// The report over the losses of `shards`, both in the order drawn: domain by domain, as many of each as
	/// the gate says, and whatever follows them is sealed (see [`crate::draw::round_shards`]). Every sum is of
	/// integers, so that chain and workers come to the same.
	pub fn of_losses(pool: &ValidationPool, gate: &Gate, shards: &[u32], losses: &[ShardLosses]) -> Self {
		let gains: Vec<NanoBits> =
			losses.iter().map(|loss| loss.baseline.saturating_sub(loss.candidate)).collect();
		let mut rest = gains.as_slice();
		let domain_gains = pool.domains.iter().map(|domain| {
			let count = gate.shards_per_domain.min(domain.shards) as usize;
			let (of_domain, after) = rest.split_at(count.min(rest.len()));
			rest = after;
			mean(of_domain)
		});
		let mut domain_gains: Vec<NanoBits> = domain_gains.collect();
		let sealed = losses.len().saturating_sub(gate.drawn_shards(pool) as usize);
		let public = if sealed > 0 { losses.len().saturating_sub(sealed) } else { 0 };
		let (_, judged) = losses.split_at(public);
		let (_, judged_gains) = gains.split_at(public);
		if sealed > 0 {
			domain_gains.push(mean(judged_gains));
		}
		let domain_gains = BoundedVec::truncate_from(domain_gains);
		let leaves: Vec<Hash> = shards
			.iter()
			.zip(losses)
			.zip(0u32..)
			.map(|((shard, loss), place)| merkle::leaf(place, &(shard, loss.baseline, loss.candidate)))
			.collect();
		Self {
			baseline: mean(&judged.iter().map(|loss| loss.baseline).collect::<Vec<_>>()),
			gain: mean(judged_gains),
			standard_error: standard_error(judged_gains),
			domain_gains,
			losses_root: merkle::root(&leaves),
		}
	}

	/// Whether every number is in range and every domain is there.
	pub fn is_valid(&self, domains: u32) -> bool {
		let in_range = |value: &NanoBits| (-MAX_NANOBITS..=MAX_NANOBITS).contains(value);
		self.domain_gains.len() as u32 == domains
			&& self.domain_gains.iter().all(in_range)
			&& in_range(&self.gain)
			&& (0..=MAX_NANOBITS).contains(&self.baseline)
			&& (0..=MAX_NANOBITS).contains(&self.standard_error)
	}

	/// What is reported of a snapshot that is, byte for byte, what its chain replays to.
	pub fn of_equal_content(domains: u32) -> Self {
		Self {
			baseline: 0,
			gain: 0,
			standard_error: 0,
			domain_gains: BoundedVec::truncate_from(alloc::vec![0; domains as usize]),
			losses_root: Hash::zero(),
		}
	}
}

/// What a submission is for, and so what is asked of it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Purpose {
	/// To make the model better: see [`passes`].
	Improvement,
	/// To put whole weights in place of a chain of deltas. Nothing is measured but whether they are the
	/// same, byte for byte; content that is not is malformed.
	Compaction,
	/// To change the architecture without harm: see [`preserves`].
	Migration(Migration),
	/// To go back to former heads, because the present ones did harm: see [`regressed`]. What is measured as
	/// the candidate is the former heads.
	Rollback,
}

impl Purpose {
	/// What blocks are for that somebody sends, with the migration that they are to bring about.
	pub fn of(blocks: &[NewBlock], migration: Option<Migration>) -> Self {
		match migration {
			Some(migration) => Self::Migration(migration),
			None if blocks.iter().all(|block| block.kind == BlockKind::Snapshot) => Self::Compaction,
			None => Self::Improvement,
		}
	}

	/// Whether blocks of that kind are for it.
	pub fn takes_kind(&self, kind: BlockKind) -> bool {
		match self {
			Self::Improvement => matches!(kind, BlockKind::Update | BlockKind::Delta),
			Self::Compaction => kind == BlockKind::Snapshot,
			Self::Migration(_) => kind == BlockKind::Migration,
			Self::Rollback => kind == BlockKind::Rollback,
		}
	}

	/// What the gate says of what a committee measured.
	///
	/// # Errors
	/// The rule that does not hold.
	pub fn judge(&self, gate: &Gate, medians: &Medians) -> Result<(), RejectReason> {
		match self {
			Self::Improvement => passes(gate, medians),
			Self::Compaction => Ok(()),
			Self::Migration(_) => preserves(gate, medians),
			Self::Rollback => regressed(gate, medians),
		}
	}

	/// Whether a report is one that can be given on such a submission.
	pub fn takes(&self, report: &Report, domains: u32) -> bool {
		match self {
			Self::Improvement | Self::Migration(_) | Self::Rollback => report.is_valid(domains),
			Self::Compaction => *report == Report::of_equal_content(domains),
		}
	}

	/// The migration, if it is one.
	pub fn migration(&self) -> Option<Migration> {
		match self {
			Self::Migration(migration) => Some(*migration),
			Self::Improvement | Self::Compaction | Self::Rollback => None,
		}
	}
}

/// What an evaluator found.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Finding {
	/// It measured.
	Measured(Report),
	/// Nobody served the candidate's content within the time. No vote on its quality.
	Unfetchable,
	/// The content is there and is not what its block says: torn, of other shapes, or with weights
	/// that are not finite.
	Malformed,
	/// The sealed text of that lot is not to be had, or is not what its sealer promised, though its key is known:
	/// nothing could be measured, through no fault of the trainer.
	UnusableLot(LotId),
}

/// The hash that an evaluator commits to. Bound to the account and to what is measured, so a copied
/// commitment is worthless.
pub fn commitment<AccountId: Encode>(
	evaluator: &AccountId,
	round: SubmissionId,
	attempt: u32,
	blocks: &[Hash],
	finding: &Finding,
	salt: &[u8; 32],
) -> Hash {
	BlakeTwo256::hash_of(&(b"blyan/commitment", evaluator, round, attempt, blocks, finding, salt))
}

/// What a referee found of a contested shard.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum RefereeFinding {
	/// What the reference evaluator computes, to the last bit.
	Exact(ShardLosses),
	/// Nobody served the content, or the reference evaluator, within the time. No vote.
	Unable,
}

/// The hash that a referee commits to, bound to the account and to what is decided as [`commitment`] is.
pub fn referee_commitment<AccountId: Encode>(
	referee: &AccountId,
	dispute: DisputeId,
	attempt: u32,
	finding: &RefereeFinding,
	salt: &[u8; 32],
) -> Hash {
	BlakeTwo256::hash_of(&(b"blyan/referee", referee, dispute, attempt, finding, salt))
}

/// Why a submission did not become head.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum RejectReason {
	/// The gain did not stand clear of chance by the model's least gain.
	NoGain,
	/// A domain became worse by more than the model allows.
	DomainRegression {
		/// The first such domain.
		domain: u32,
	},
	/// The committee could not fetch the content.
	Unfetchable,
	/// The content is not what its block says.
	Malformed,
	/// Its planter showed it to be a canary.
	Canary,
}

/// How a round ended.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Verdict {
	/// The blocks became heads.
	Accepted,
	/// They did not.
	Rejected(RejectReason),
	/// No quorum measured in any attempt, or the heads moved under every one: nobody is to blame, and
	/// the blocks may be submitted again.
	Inconclusive,
}

/// How many of a committee of that size must come to the same kind of finding: two thirds, rounded up.
pub fn quorum(committee: u32) -> u32 {
	committee.saturating_mul(2).div_ceil(3)
}

/// The medians of what was revealed.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Medians {
	/// Of the baseline loss.
	pub baseline: NanoBits,
	/// Of the gain.
	pub gain: NanoBits,
	/// Of the standard error.
	pub standard_error: NanoBits,
	/// Of each domain's gain.
	pub domain_gains: BoundedVec<NanoBits, ConstU32<MAX_DOMAINS>>,
}

/// The middle value, or the mean of the two middle ones rounded towards minus infinity. Zero of none.
pub fn median(mut values: Vec<NanoBits>) -> NanoBits {
	values.sort_unstable();
	let middle = values.len() / 2;
	let upper = values.get(middle).copied().unwrap_or_default();
	if values.len() % 2 == 1 {
		return upper;
	}
	let lower = middle.checked_sub(1).and_then(|i| values.get(i)).copied().unwrap_or_default();
	// Fits: the mean of two i64 lies between them.
	i128::from(lower).saturating_add(upper.into()).div_euclid(2) as NanoBits
}

/// The mean, rounded towards minus infinity. Zero of none.
fn mean(values: &[NanoBits]) -> NanoBits {
	let sum = values.iter().fold(0i128, |sum, value| sum.saturating_add((*value).into()));
	// Lies between the least value and the greatest, so it fits.
	sum.div_euclid((values.len() as i128).max(1)) as NanoBits
}

/// The standard error of the mean: the root of the sample variance over the count, to the nearest nanobit.
/// Zero of fewer than two.
///
/// Exact for gains of losses in range of [`MAX_SHARDS`] shards: below 2^37 each, so that no product passes
/// 2^100.
fn standard_error(values: &[NanoBits]) -> NanoBits {
	let count = values.len() as i128;
	let (sum, squares) = values.iter().fold((0i128, 0i128), |(sum, squares), value| {
		let value = i128::from(*value);
		(sum.saturating_add(value), squares.saturating_add(value.saturating_mul(value)))
	});
	// count^2 times the sum of squared distances from the mean, over count.
	let spread = count.saturating_mul(squares).saturating_sub(sum.saturating_mul(sum));
	let divisor = count.saturating_mul(count).saturating_mul(count.saturating_sub(1));
	// The root of four times a number is twice its root, of which the last bit rounds.
	let quarters = spread.saturating_mul(4).checked_div(divisor).unwrap_or_default();
	let twice = u128::try_from(quarters).unwrap_or_default().isqrt();
	(twice.saturating_add(1) / 2).min(MAX_NANOBITS as u128) as NanoBits
}

/// The medians over reports that each have `domains` domains.
pub fn medians(reports: &[&Report]) -> Medians {
	let of = |read: &dyn Fn(&Report) -> NanoBits| median(reports.iter().map(|report| read(report)).collect());
	let domains = reports.iter().map(|report| report.domain_gains.len()).min().unwrap_or_default();
	let domain_gains = (0..domains)
		.map(|domain| of(&|report| report.domain_gains.get(domain).copied().unwrap_or_default()))
		.collect::<Vec<_>>();
	Medians {
		baseline: of(&|report| report.baseline),
		gain: of(&|report| report.gain),
		standard_error: of(&|report| report.standard_error),
		domain_gains: BoundedVec::truncate_from(domain_gains),
	}
}

/// `gain - z * error >= delta`, and no domain worse by more than rho.
///
/// # Errors
/// The rule that does not hold; a regression in a domain is named before a missing gain.
pub fn passes(gate: &Gate, medians: &Medians) -> Result<(), RejectReason> {
	if let Some(domain) = medians.domain_gains.iter().position(|gain| *gain < gate.rho.saturating_neg()) {
		// A noisy expert is worse everywhere: that is no gain, not a regression in one domain.
		if medians.gain > 0 {
			return Err(RejectReason::DomainRegression { domain: domain as u32 });
		}
	}
	let margin = i128::from(gate.z_milli).saturating_mul(medians.standard_error.into());
	let clear = i128::from(medians.gain).saturating_mul(1_000).saturating_sub(margin);
	if medians.gain > 0 && clear >= i128::from(gate.delta).saturating_mul(1_000) {
		Ok(())
	} else {
		Err(RejectReason::NoGain)
	}
}

/// `gain - z * error >= -rho`, and no domain worse by more than rho: what a migration has to keep.
///
/// # Errors
/// The rule that does not hold.
pub fn preserves(gate: &Gate, medians: &Medians) -> Result<(), RejectReason> {
	if let Some(domain) = medians.domain_gains.iter().position(|gain| *gain < gate.rho.saturating_neg()) {
		return Err(RejectReason::DomainRegression { domain: domain as u32 });
	}
	let margin = i128::from(gate.z_milli).saturating_mul(medians.standard_error.into());
	let worst = i128::from(medians.gain).saturating_mul(1_000).saturating_sub(margin);
	if worst >= i128::from(gate.rho).saturating_mul(-1_000) {
		Ok(())
	} else {
		Err(RejectReason::NoGain)
	}
}

/// Whether the former heads are better than the present ones, beyond chance: on the whole as [`passes`] asks,
/// or by more than rho in a domain, `gain - z * error * sqrt(domains) > rho`. A report has one error for all
/// shards; that of a domain's share of them is larger by the root of the number of domains, which have equally
/// many shards each. Where it is the error of sealed shards alone, there are no more of those than that many times a
/// domain's (see [`crate::traits::SealedReserve::draw`]), so that what is asked is no less.
///
/// # Errors
/// [`RejectReason::NoGain`].
pub fn regressed(gate: &Gate, medians: &Medians) -> Result<(), RejectReason> {
	let overall = Gate { rho: MAX_NANOBITS, ..*gate };
	if passes(&overall, medians).is_ok() {
		return Ok(());
	}
	let margin = u128::from(gate.z_milli).saturating_mul(medians.standard_error.unsigned_abs().into());
	let margin_squared = margin.saturating_mul(margin).saturating_mul(medians.domain_gains.len() as u128);
	let is_worse = |gain: &NanoBits| {
		let clear = u128::try_from(i128::from(*gain).saturating_sub(gate.rho.into())).unwrap_or_default();
		let clear = clear.saturating_mul(1_000);
		clear > 0 && clear.saturating_mul(clear) > margin_squared
	};
	if medians.domain_gains.iter().any(is_worse) {
		Ok(())
	} else {
		Err(RejectReason::NoGain)
	}
}

/// Whether an evaluator's report is further from the medians than the tolerance.
pub fn is_outside_tolerance(gate: &Gate, medians: &Medians, report: &Report) -> bool {
	let far = |a: NanoBits, b: NanoBits| a.abs_diff(b) > gate.tolerance.unsigned_abs();
	far(report.baseline, medians.baseline)
		|| far(report.gain, medians.gain)
		|| far(report.standard_error, medians.standard_error)
		|| report.domain_gains.iter().zip(medians.domain_gains.iter()).any(|(a, b)| far(*a, *b))
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::vec;
	use proptest::prelude::*;

	fn gate() -> Gate {
		Gate { z_milli: 2_326, delta: 1_000_000, rho: 20_000_000, tolerance: 1_000_000, shards_per_domain: 4 }
	}

	fn report(gain: NanoBits, standard_error: NanoBits, domain_gains: Vec<NanoBits>) -> Report {
		Report {
			baseline: 3 * BIT_PER_BYTE,
			gain,
			standard_error,
			domain_gains: BoundedVec::truncate_from(domain_gains),
			losses_root: Hash::zero(),
		}
	}

	#[test]
	fn quorum_should_be_two_thirds_rounded_up() {
		let expected = [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (21, 14)];
		for (size, wanted) in expected {
			assert_eq!(quorum(size), wanted, "committee of {size}");
		}
	}

	#[test]
	fn passes_should_stand_on_the_edge_of_the_inequality() {
		let edge = |gain| passes(&gate(), &medians(&[&report(gain, 1_000_000, vec![gain])]));
		// 1e6 + 2.326 * 1e6
		assert_eq!(edge(3_326_000), Ok(()));
		assert_eq!(edge(3_325_999), Err(RejectReason::NoGain));
	}

	#[test]
	fn passes_should_refuse_zero_gain_even_when_nothing_is_asked() {
		let lax = Gate { delta: 0, ..gate() };
		assert_eq!(passes(&lax, &medians(&[&report(0, 0, vec![0])])), Err(RejectReason::NoGain));
		assert_eq!(passes(&lax, &medians(&[&report(1, 0, vec![1])])), Ok(()));
	}

	#[test]
	fn passes_should_name_the_domain_that_regressed() {
		let m = medians(&[&report(50_000_000, 0, vec![120_000_000, -20_000_001])]);
		assert_eq!(passes(&gate(), &m), Err(RejectReason::DomainRegression { domain: 1 }));
		let m = medians(&[&report(50_000_000, 0, vec![120_000_000, -20_000_000])]);
		assert_eq!(passes(&gate(), &m), Ok(()));
	}

	#[test]
	fn preserves_should_stand_on_the_edge_of_rho() {
		let edge = |gain, domain| preserves(&gate(), &medians(&[&report(gain, 1_000_000, vec![domain])]));
		assert_eq!(edge(0, 0), Ok(()), "a migration need not gain");
		// -20e6 + 2.326e6
		assert_eq!(edge(-17_674_000, -20_000_000), Ok(()));
		assert_eq!(edge(-17_674_001, -20_000_000), Err(RejectReason::NoGain));
		assert_eq!(edge(0, -20_000_001), Err(RejectReason::DomainRegression { domain: 0 }));
	}

	#[test]
	fn regressed_should_stand_clear_of_chance_on_the_whole_or_in_a_domain() {
		let of = |gain, error, domains: &[NanoBits]| {
			regressed(&gate(), &medians(&[&report(gain, error, domains.to_vec())]))
		};
		assert_eq!(of(0, 0, &[0, 0]), Err(RejectReason::NoGain));
		// On the whole, as an improvement: 1e6 + 2.326 * 1e6.
		assert_eq!(of(3_326_000, 1_000_000, &[3_326_000]), Ok(()));
		assert_eq!(of(3_325_999, 1_000_000, &[3_325_999]), Err(RejectReason::NoGain));
		// What the former heads are worse in does not keep the present ones.
		assert_eq!(of(50_000_000, 0, &[200_000_000, -100_000_000]), Ok(()));
		// In one domain of four: 20e6 + 2 * 2.326 * 1e6.
		assert_eq!(of(-9_000_000, 1_000_000, &[24_652_001, 0, 0, -60_000_000]), Ok(()));
		assert_eq!(of(-9_000_000, 1_000_000, &[24_652_000, 0, 0, -60_000_000]), Err(RejectReason::NoGain));
		// A loss is no reason, however large.
		assert_eq!(of(-MAX_NANOBITS, 0, &[-MAX_NANOBITS]), Err(RejectReason::NoGain));
		assert_eq!(of(-1, MAX_NANOBITS, &[MAX_NANOBITS]), Err(RejectReason::NoGain));
	}

	#[test]
	fn purpose_should_take_the_reports_that_it_asks_for() {
		let (equal, measured) = (Report::of_equal_content(2), report(1, 1, vec![1, 1]));
		assert!(Purpose::Compaction.takes(&equal, 2) && !Purpose::Compaction.takes(&equal, 3));
		assert!(!Purpose::Compaction.takes(&measured, 2));
		assert!(Purpose::Improvement.takes(&measured, 2) && !Purpose::Improvement.takes(&measured, 1));
		let none = medians(&[&equal]);
		assert_eq!(Purpose::Compaction.judge(&gate(), &none), Ok(()));
		assert_eq!(Purpose::Improvement.judge(&gate(), &none), Err(RejectReason::NoGain));
		let migration = Purpose::Migration(Migration::AddLayer);
		assert_eq!(
			(migration.judge(&gate(), &none), migration.migration()),
			(Ok(()), Some(Migration::AddLayer))
		);
	}

	#[test]
	fn medians_should_not_follow_a_lying_minority() {
		let honest = report(5_000_000, 100, vec![5_000_000]);
		let liar = report(MAX_NANOBITS, 0, vec![MAX_NANOBITS]);
		let m = medians(&[&honest, &liar, &honest]);
		assert_eq!(m.gain, 5_000_000);
		assert!(is_outside_tolerance(&gate(), &m, &liar));
		assert!(!is_outside_tolerance(&gate(), &m, &honest));
	}

	#[test]
	fn report_should_be_invalid_out_of_range_or_with_missing_domains() {
		assert!(report(1, 1, vec![1]).is_valid(1));
		assert!(!report(1, 1, vec![1]).is_valid(2));
		assert!(!report(MAX_NANOBITS + 1, 1, vec![1]).is_valid(1));
		assert!(!report(1, -1, vec![1]).is_valid(1));
		assert!(!report(1, 1, vec![NanoBits::MIN]).is_valid(1));
	}

	fn pool(domains: usize) -> ValidationPool {
		let domain = Domain { name: DomainName::default(), shards: 100 };
		ValidationPool {
			content: crate::cid::Cid { codec: crate::cid::CidCodec::Raw, digest: [0; 32] },
			shard_bytes: 4,
			domains: BoundedVec::truncate_from(vec![domain; domains]),
		}
	}

	fn losses(pairs: &[(NanoBits, NanoBits)]) -> Vec<ShardLosses> {
		pairs
			.iter()
			.map(|(baseline, candidate)| ShardLosses { baseline: *baseline, candidate: *candidate })
			.collect()
	}

	#[test]
	fn report_of_losses_should_be_what_one_computes_by_hand() {
		let gate = Gate { shards_per_domain: 2, ..gate() };
		let losses = losses(&[(10, 4), (10, 6), (20, 20), (20, 22)]);
		let report = Report::of_losses(&pool(2), &gate, &[3, 9, 100, 140], &losses);
		// Gains 6, 4, 0, -2: mean 2, sample variance 40/3, error sqrt(10/3) = 1.83.
		assert_eq!((report.baseline, report.gain, report.standard_error), (15, 2, 2));
		assert_eq!(report.domain_gains.to_vec(), [5, -1]);
		let leaf = |place: u32, content: (u32, NanoBits, NanoBits)| merkle::leaf(place, &content);
		let left = merkle::node(leaf(0, (3, 10, 4)), leaf(1, (9, 10, 6)));
		let right = merkle::node(leaf(2, (100, 20, 20)), leaf(3, (140, 20, 22)));
		assert_eq!(report.losses_root, merkle::node(left, right));
	}

	#[test]
	fn report_of_losses_should_judge_by_the_sealed_shards_alone_when_there_are_any() {
		let gate = Gate { shards_per_domain: 2, ..gate() };
		// On the public shards far better, on the sealed ones 1, -3 and 5: mean 1, sample variance 16.
		let losses = losses(&[(900, 4), (900, 6), (900, 20), (900, 22), (31, 30), (31, 34), (35, 30)]);
		let report = Report::of_losses(&pool(2), &gate, &[3, 9, 100, 140, 200, 201, 202], &losses);
		assert_eq!((report.baseline, report.gain, report.standard_error), (32, 1, 2));
		assert_eq!(report.domain_gains.to_vec(), [895, 879, 1]);
		assert!(report.is_valid(3) && !report.is_valid(2));
		let of_root = Report::of_losses(&pool(2), &gate, &[3, 9, 100, 140, 200, 201, 203], &losses);
		assert_ne!(report.losses_root, of_root.losses_root, "a shard of a lot is a leaf as any other");
	}

	#[test]
	fn passes_should_hold_every_public_domain_to_rho_when_the_gain_is_of_sealed_shards() {
		let m = medians(&[&report(50_000_000, 0, vec![-20_000_001, 0, 50_000_000])]);
		assert_eq!(passes(&gate(), &m), Err(RejectReason::DomainRegression { domain: 0 }));
		let m = medians(&[&report(0, 0, vec![90_000_000, 90_000_000, 0])]);
		assert_eq!(
			passes(&gate(), &m),
			Err(RejectReason::NoGain),
			"what it gains in public counts for nothing"
		);
	}

	#[test]
	fn standard_error_should_be_zero_when_every_gain_is_the_same() {
		assert_eq!(standard_error(&[MAX_NANOBITS; 1_000]), 0);
		assert_eq!(standard_error(&[-7; 4_096]), 0);
		assert_eq!((standard_error(&[5]), standard_error(&[])), (0, 0));
		// The root of 1/4 is a half, which rounds up.
		assert_eq!(standard_error(&[0, 1]), 1);
	}

	#[test]
	fn gate_should_be_invalid_when_more_shards_are_drawn_than_a_dispute_can_open() {
		let wide = ValidationPool {
			domains: BoundedVec::truncate_from(vec![
				Domain { name: DomainName::default(), shards: 10_000 };
				2
			]),
			..pool(2)
		};
		assert!(Gate { shards_per_domain: MAX_SHARDS / 2, ..gate() }.is_valid_for(&wide));
		assert!(!Gate { shards_per_domain: MAX_SHARDS / 2 + 1, ..gate() }.is_valid_for(&wide));
	}

	#[test]
	fn shard_losses_should_be_within_the_tolerance_only_when_both_are() {
		let exact = ShardLosses { baseline: 100, candidate: 50 };
		let at = |baseline, candidate| ShardLosses { baseline, candidate }.is_within(5, &exact);
		assert!(at(105, 45) && at(95, 55) && !at(106, 50) && !at(100, 44));
		assert!(!ShardLosses { baseline: -1, candidate: 0 }.is_valid());
		assert!(!ShardLosses { baseline: 0, candidate: MAX_NANOBITS + 1 }.is_valid());
		assert!(ShardLosses { baseline: 0, candidate: MAX_NANOBITS }.is_valid());
	}

	#[test]
	fn referee_commitment_should_be_bound_to_account_dispute_attempt_finding_and_salt() {
		let finding = RefereeFinding::Exact(ShardLosses { baseline: 1, candidate: 2 });
		let base = referee_commitment(&1u64, 1, 0, &finding, &[0; 32]);
		for other in [
			referee_commitment(&2u64, 1, 0, &finding, &[0; 32]),
			referee_commitment(&1u64, 2, 0, &finding, &[0; 32]),
			referee_commitment(&1u64, 1, 1, &finding, &[0; 32]),
			referee_commitment(&1u64, 1, 0, &RefereeFinding::Unable, &[0; 32]),
			referee_commitment(&1u64, 1, 0, &finding, &[1; 32]),
		] {
			assert_ne!(base, other);
		}
	}

	#[test]
	fn commitment_should_be_bound_to_account_round_attempt_blocks_finding_and_salt() {
		let finding = Finding::Measured(report(1, 1, vec![1]));
		let blocks = [Hash::repeat_byte(1)];
		let base = commitment(&1u64, 1, 0, &blocks, &finding, &[0; 32]);
		for other in [
			commitment(&2u64, 1, 0, &blocks, &finding, &[0; 32]),
			commitment(&1u64, 2, 0, &blocks, &finding, &[0; 32]),
			commitment(&1u64, 1, 1, &blocks, &finding, &[0; 32]),
			commitment(&1u64, 1, 0, &[Hash::repeat_byte(2)], &finding, &[0; 32]),
			commitment(&1u64, 1, 0, &blocks, &Finding::Unfetchable, &[0; 32]),
			commitment(&1u64, 1, 0, &blocks, &finding, &[1; 32]),
		] {
			assert_ne!(base, other);
		}
	}

	proptest! {
		#[test]
		fn report_of_losses_should_be_valid_and_its_error_that_of_floats(
			pairs in proptest::collection::vec((0..=MAX_NANOBITS, 0..=MAX_NANOBITS), 4..40),
		) {
			let shards = (0..pairs.len() as u32).collect::<Vec<_>>();
			let gate = Gate { shards_per_domain: 2, ..gate() };
			let report = Report::of_losses(&pool(2), &gate, &shards, &losses(&pairs));
			let is_sealed = pairs.len() > 4;
			prop_assert!(report.is_valid(2 + u32::from(is_sealed)), "{:?}", report);
			let judged = if is_sealed { &pairs[4..] } else { &pairs[..] };
			prop_assume!(judged.len() > 1);
			let gains: Vec<f64> = judged.iter().map(|(b, c)| (b - c) as f64).collect();
			let n = gains.len() as f64;
			let mean = gains.iter().sum::<f64>() / n;
			let error = (gains.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
			prop_assert!((report.standard_error as f64 - error).abs() <= 1.0 + error * 1e-9);
			prop_assert!((report.gain as f64 - mean).abs() <= 1.0);
		}

		#[test]
		fn median_should_lie_within_and_not_depend_on_order(mut values in proptest::collection::vec(any::<i64>(), 1..9)) {
			let m = median(values.clone());
			prop_assert!(*values.iter().min().unwrap() <= m && m <= *values.iter().max().unwrap());
			values.reverse();
			prop_assert_eq!(m, median(values));
		}

		#[test]
		fn passes_should_never_accept_a_loss(gain in -MAX_NANOBITS..=0, error in 0..MAX_NANOBITS) {
			let m = medians(&[&report(gain, error, vec![gain])]);
			prop_assert!(passes(&gate(), &m).is_err());
		}
	}
}
