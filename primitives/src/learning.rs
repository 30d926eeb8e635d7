//! What a round measures, how a measurement is committed to, and the statistical gate.
//!
//! Rules: spec "Proof of learning". Losses are in *nanobits*: 1e-9 bits per byte of text, so that no
//! float reaches the chain.

use crate::{dag::SubmissionId, migration::Migration, Hash};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_core::{bounded::BoundedVec, ConstU32},
	sp_runtime::traits::{BlakeTwo256, Hash as _},
};
use scale_info::TypeInfo;

/// 1e-9 bits per byte.
pub type NanoBits = i64;
/// One bit per byte, in nanobits.
pub const BIT_PER_BYTE: NanoBits = 1_000_000_000;
/// The largest loss, error or parameter that is taken for a measurement: 64 bits per byte.
pub const MAX_NANOBITS: NanoBits = 64 * BIT_PER_BYTE;

/// Most domains a validation pool may have.
pub const MAX_DOMAINS: u32 = 16;

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
			shards >= 2 && self.shards_per_domain > 0 &&
			!pool.domains.is_empty() &&
			pool.domains.iter().all(|domain| domain.shards >= self.shards_per_domain)
	}
}

/// An evaluator's paired measurement of the baseline and the candidate on the drawn shards.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Report {
	/// Mean loss of the baseline.
	pub baseline: NanoBits,
	/// Mean over the shards of baseline less candidate: above zero is better.
	pub gain: NanoBits,
	/// Standard error of that mean.
	pub standard_error: NanoBits,
	/// Mean gain in each domain, in the pool's order.
	pub domain_gains: BoundedVec<NanoBits, ConstU32<MAX_DOMAINS>>,
	/// Merkle root over `(shard, baseline loss, candidate loss)`, in the order drawn.
	pub losses_root: Hash,
}

impl Report {
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
}

impl Purpose {
	/// What the gate says of what a committee measured.
	///
	/// # Errors
	/// The rule that does not hold.
	pub fn judge(&self, gate: &Gate, medians: &Medians) -> Result<(), RejectReason> {
		match self {
			Self::Improvement => passes(gate, medians),
			Self::Compaction => Ok(()),
			Self::Migration(_) => preserves(gate, medians),
		}
	}

	/// Whether a report is one that can be given on such a submission.
	pub fn takes(&self, report: &Report, domains: u32) -> bool {
		match self {
			Self::Improvement | Self::Migration(_) => report.is_valid(domains),
			Self::Compaction => *report == Report::of_equal_content(domains),
		}
	}

	/// The migration, if it is one.
	pub fn migration(&self) -> Option<Migration> {
		match self {
			Self::Migration(migration) => Some(*migration),
			Self::Improvement | Self::Compaction => None,
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
