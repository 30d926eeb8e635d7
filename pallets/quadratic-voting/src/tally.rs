//! What votes come to, and what one adds to that: pure, and the same for whoever recounts.

use crate::{types::*, Config};
use blyan_primitives::traits::VotingWorkers;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{
		traits::{fungible::Inspect, VoteTally},
		CloneNoBound, DebugNoBound, EqNoBound, PartialEqNoBound,
	},
	sp_runtime::{traits::Convert, ArithmeticError, Perbill},
};
use scale_info::TypeInfo;

/// What a vote adds to a tally.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
	/// Votes for the proposal.
	pub ayes: Votes,
	/// Votes against it.
	pub nays: Votes,
	/// What is for it, or wants it to count: tokens, or workers.
	pub support: u128,
}

impl Counts {
	/// What a ballot adds, together with what is delegated to its voter.
	///
	/// A split vote is the voter's own. One that is whole carries the delegations: those of tokens entirely, those of
	/// workers by the part of its period that the delegate spends on it. Then its delegators spend the same part of
	/// what they set aside, since roots are multiplicative, and never more than that over a period.
	///
	/// # Errors
	/// It does not fit.
	pub fn of(ballot: &Ballot, electorate: Electorate, delegated: Power) -> Result<Self, ArithmeticError> {
		let supporting = ballot.aye.checked_add(ballot.abstain).ok_or(ArithmeticError::Overflow)?;
		let mut counts = Counts {
			ayes: electorate.votes(ballot.aye, ballot.conviction),
			nays: electorate.votes(ballot.nay, ballot.conviction),
			support: match electorate {
				Electorate::Token => supporting,
				Electorate::Worker => u128::from(supporting > 0),
			},
		};
		let Some((side, amount)) = ballot.whole() else { return Ok(counts) };
		let carried = match electorate {
			Electorate::Token => delegated.votes,
			Electorate::Worker => delegated
				.votes
				.checked_mul(electorate.votes(amount, ballot.conviction))
				.and_then(|votes| votes.checked_div(VOTES_PER_PERIOD))
				.ok_or(ArithmeticError::Overflow)?,
		};
		let add = |sum: &mut u128, part: u128| {
			sum.checked_add(part).map(|more| *sum = more).ok_or(ArithmeticError::Overflow)
		};
		match side {
			Side::Aye => {
				add(&mut counts.ayes, carried)?;
				add(&mut counts.support, delegated.support)?;
			}
			Side::Nay => add(&mut counts.nays, carried)?,
			Side::Abstain => add(&mut counts.support, delegated.support)?,
		}
		Ok(counts)
	}
}

/// What the votes in a poll come to. For `pallet_referenda::Config::Tally`.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(T))]
#[codec(mel_bound())]
pub struct Tally<T> {
	/// Votes for the proposal.
	pub ayes: Votes,
	/// Votes against it.
	pub nays: Votes,
	/// What is for it, or wants it to count: tokens in the smallest unit of BLY, or workers.
	pub support: u128,
	marker: PhantomData<T>,
}

impl<T> Tally<T> {
	/// A tally of so much.
	pub const fn from_counts(counts: Counts) -> Self {
		let Counts { ayes, nays, support } = counts;
		Tally { ayes, nays, support, marker: PhantomData }
	}

	/// What it comes to.
	pub const fn counts(&self) -> Counts {
		Counts { ayes: self.ayes, nays: self.nays, support: self.support }
	}

	/// Takes what a vote was out, and puts what it is in.
	///
	/// # Errors
	/// It does not fit, or was never in. Nothing has changed then.
	pub fn replace(&mut self, was: Counts, is: Counts) -> Result<(), ArithmeticError> {
		let one = |sum: u128, was: u128, is: u128| {
			let rest = sum.checked_sub(was).ok_or(ArithmeticError::Underflow)?;
			rest.checked_add(is).ok_or(ArithmeticError::Overflow)
		};
		let ayes = one(self.ayes, was.ayes, is.ayes)?;
		let nays = one(self.nays, was.nays, is.nays)?;
		let support = one(self.support, was.support, is.support)?;
		*self = Self::from_counts(Counts { ayes, nays, support });
		Ok(())
	}
}

/// All that could support a poll of that class: every token that is not inactive, or every worker.
fn electorate_size<T: Config>(class: ClassOf<T>) -> u128 {
	match T::Topics::convert(class).map(Topic::electorate) {
		Some(Electorate::Token) => T::Currency::active_issuance(),
		Some(Electorate::Worker) => T::Workers::count().into(),
		None => 0,
	}
}

/// A part of nothing is nothing: nobody there to vote approves of nothing.
fn share(part: u128, whole: u128) -> Perbill {
	match whole {
		0 => Perbill::zero(),
		_ => Perbill::from_rational(part, whole),
	}
}

impl<T: Config> VoteTally<Votes, ClassOf<T>> for Tally<T> {
	fn new(_: ClassOf<T>) -> Self {
		Self::from_counts(Counts::default())
	}

	fn ayes(&self, _: ClassOf<T>) -> Votes {
		self.ayes
	}

	fn support(&self, class: ClassOf<T>) -> Perbill {
		share(self.support, electorate_size::<T>(class))
	}

	fn approval(&self, _: ClassOf<T>) -> Perbill {
		share(self.ayes, self.ayes.saturating_add(self.nays))
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn unanimity(class: ClassOf<T>) -> Self {
		let support = electorate_size::<T>(class);
		Self::from_counts(Counts { ayes: support, nays: 0, support })
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn rejection(class: ClassOf<T>) -> Self {
		let support = electorate_size::<T>(class);
		Self::from_counts(Counts { ayes: 0, nays: support, support })
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn from_requirements(support: Perbill, approval: Perbill, class: ClassOf<T>) -> Self {
		let all = Perbill::one().deconstruct();
		let ayes = approval.deconstruct();
		let support = support.mul_ceil(electorate_size::<T>(class));
		Self::from_counts(Counts { ayes: ayes.into(), nays: all.saturating_sub(ayes).into(), support })
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn setup(class: ClassOf<T>, granularity: Perbill) {
		// So many at most: a benchmark that needs finer parts cannot be set up.
		let parts = granularity.saturating_reciprocal_mul(1_u32).min(1_000);
		if T::Topics::convert(class).map(Topic::electorate) == Some(Electorate::Worker) {
			for number in T::Workers::count()..parts {
				let who = polkadot_sdk::frame_benchmarking::v2::account("voter", number, 0);
				T::Workers::benchmark_worker(&who);
			}
		}
	}
}
