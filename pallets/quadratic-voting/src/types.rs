//! Records, and what is asked of voters.

use crate::{Config, Error};
use blyan_primitives::Balance;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::Inspect, Polling},
		BoundedVec, CloneNoBound, DebugNoBound, DefaultNoBound, EqNoBound, PartialEqNoBound,
	},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_core::ConstU32,
	sp_runtime::ArithmeticError,
};
use scale_info::TypeInfo;

/// Votes. A token voter's are roots of the smallest unit of BLY, a worker's roots of credits.
pub type Votes = u128;
/// A poll of the runtime `T`.
pub type PollIndexOf<T> = <<T as Config>::Polls as Polling<crate::Tally<T>>>::Index;
/// A track of the runtime `T`.
pub type ClassOf<T> = <<T as Config>::Polls as Polling<crate::Tally<T>>>::Class;
/// A delegation of the runtime `T`.
pub type DelegationOf<T> = Delegation<<T as frame_system::Config>::AccountId>;

/// The unit of credits that a worker has in each period; whole, it makes [`VOTES_PER_PERIOD`] votes.
pub const CREDITS_PER_PERIOD: Balance = 1_000_000;
/// The votes of a worker that spends its whole period on one poll.
pub const VOTES_PER_PERIOD: Votes = 1_000;
/// Longest lock period, about two years: the longest lock is 32 of them.
pub const MAX_LOCK_PERIOD_BLOCKS: u32 = 1 << 25;
/// Longest period of credits, about two years.
pub const MAX_CREDIT_PERIOD_BLOCKS: u32 = 1 << 25;

/// Who votes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Electorate {
	/// Holders of BLY, by what they lock.
	Token,
	/// Registered workers, each with the same credits.
	Worker,
}

impl Electorate {
	/// The votes that `amount` buys: n of them cost n^2 credits. Rounded down.
	pub const fn votes(self, amount: Balance, conviction: Conviction) -> Votes {
		match self {
			Electorate::Token => conviction.credits(amount).isqrt(),
			Electorate::Worker => amount.isqrt(),
		}
	}
}

/// What is voted about. Delegations, and what is locked, are by topic.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Topic {
	/// Upgrades of the runtime, and parameters.
	Root,
	/// Spends of the treasury, small and large.
	Treasury,
	/// Models: deltas, budgets, actions of owners, migrations.
	Learning,
	/// Appeals about datasets.
	Datasets,
}

impl Topic {
	/// Every topic.
	pub const ALL: [Topic; 4] = [Topic::Root, Topic::Treasury, Topic::Learning, Topic::Datasets];
	/// Those that workers vote about.
	pub const OF_WORKERS: [Topic; 2] = [Topic::Learning, Topic::Datasets];

	/// Who votes about it.
	pub const fn electorate(self) -> Electorate {
		match self {
			Topic::Root | Topic::Treasury => Electorate::Token,
			Topic::Learning | Topic::Datasets => Electorate::Worker,
		}
	}
}

/// For how long tokens stay locked if their vote wins, and what that is worth. As in `pallet-conviction-voting`, but it
/// multiplies credits, not votes.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum Conviction {
	/// A tenth of the credits; not locked once the poll is over.
	#[default]
	None,
	/// Locked for a period.
	Locked1x,
	/// Twice the credits for 2 periods.
	Locked2x,
	/// Three times for 4.
	Locked3x,
	/// Four times for 8.
	Locked4x,
	/// Five times for 16.
	Locked5x,
	/// Six times for 32.
	Locked6x,
}

impl Conviction {
	/// Periods for which tokens stay locked.
	pub const fn lock_periods(self) -> u32 {
		match self {
			Conviction::None => 0,
			Conviction::Locked1x => 1,
			Conviction::Locked2x => 2,
			Conviction::Locked3x => 4,
			Conviction::Locked4x => 8,
			Conviction::Locked5x => 16,
			Conviction::Locked6x => 32,
		}
	}

	/// The credits that so many tokens are. More than fit are as many as fit: with the supply below 2^125 units,
	/// that does not happen.
	pub const fn credits(self, tokens: Balance) -> Balance {
		match self {
			Conviction::None => tokens.saturating_div(10),
			Conviction::Locked1x => tokens,
			Conviction::Locked2x => tokens.saturating_mul(2),
			Conviction::Locked3x => tokens.saturating_mul(3),
			Conviction::Locked4x => tokens.saturating_mul(4),
			Conviction::Locked5x => tokens.saturating_mul(5),
			Conviction::Locked6x => tokens.saturating_mul(6),
		}
	}
}

/// Where a vote that is not split goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
	/// For the proposal.
	Aye,
	/// Against it.
	Nay,
	/// Neither: it counts as support alone.
	Abstain,
}

/// A vote: what is put on each side, in the smallest unit of BLY or in a worker's credits. Votes for and against are
/// paid apart, so n of one side cost n^2.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub struct Ballot {
	/// For the proposal.
	pub aye: Balance,
	/// Against it.
	pub nay: Balance,
	/// Neither, but that the poll counts.
	pub abstain: Balance,
	/// For how long tokens stay locked. Of votes for or against alone.
	pub conviction: Conviction,
}

impl Ballot {
	/// All that is put on it.
	///
	/// # Errors
	/// More than any account has.
	pub fn total(&self) -> Result<Balance, ArithmeticError> {
		let sides = self.aye.checked_add(self.nay).and_then(|sum| sum.checked_add(self.abstain));
		sides.ok_or(ArithmeticError::Overflow)
	}

	/// The one side that all is put on, and how much it is; `None` of a split vote.
	pub const fn whole(&self) -> Option<(Side, Balance)> {
		match (self.aye, self.nay, self.abstain) {
			(aye, 0, 0) => Some((Side::Aye, aye)),
			(0, nay, 0) => Some((Side::Nay, nay)),
			(0, 0, abstain) => Some((Side::Abstain, abstain)),
			_ => None,
		}
	}

	/// Whether its conviction, if it has any, has a side that can win.
	pub const fn may_be_locked(&self) -> bool {
		matches!(self.conviction, Conviction::None)
			|| matches!(self.whole(), Some((Side::Aye | Side::Nay, _)))
	}
}

/// What a vote was paid with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Payment<BlockNumber> {
	/// Tokens, which stay locked for so many blocks after the poll if the vote wins: what was asked when it was cast.
	Tokens {
		/// Blocks.
		lock_blocks: u32,
	},
	/// Credits of the worker's period that ends in this block.
	Credits {
		/// The first block of the next period.
		renews_at: BlockNumber,
	},
}

/// A vote that was cast.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct CastVote<BlockNumber> {
	/// The vote.
	pub ballot: Ballot,
	/// What was paid for it.
	pub payment: Payment<BlockNumber>,
}

/// What delegators add to the votes of whom they delegate to, when all goes on one side.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Power {
	/// The sum of the votes that each would have. Of workers: if all of the delegate's period is spent on one poll.
	pub votes: Votes,
	/// What it adds to the support: tokens, or workers.
	pub support: u128,
}

impl Power {
	/// The sum of two.
	///
	/// # Errors
	/// It does not fit.
	pub fn plus(self, other: Power) -> Result<Power, ArithmeticError> {
		let votes = self.votes.checked_add(other.votes).ok_or(ArithmeticError::Overflow)?;
		let support = self.support.checked_add(other.support).ok_or(ArithmeticError::Overflow)?;
		Ok(Power { votes, support })
	}

	/// What is left without `other`.
	///
	/// # Errors
	/// `other` was never a part of it.
	pub fn minus(self, other: Power) -> Result<Power, ArithmeticError> {
		let votes = self.votes.checked_sub(other.votes).ok_or(ArithmeticError::Underflow)?;
		let support = self.support.checked_sub(other.support).ok_or(ArithmeticError::Underflow)?;
		Ok(Power { votes, support })
	}
}

/// A delegation in one topic.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Delegation<AccountId> {
	/// Who votes with it.
	pub delegate: AccountId,
	/// Tokens that are locked, or credits of each period that are set aside.
	pub amount: Balance,
	/// For how long tokens stay locked after it ends.
	pub conviction: Conviction,
	/// The same in blocks, as it was when it began.
	pub lock_blocks: u32,
}

impl<AccountId> Delegation<AccountId> {
	/// What it adds to the delegate's votes.
	pub const fn power(&self, electorate: Electorate) -> Power {
		let support = match electorate {
			Electorate::Token => self.amount,
			Electorate::Worker => 1,
		};
		Power { votes: electorate.votes(self.amount, self.conviction), support }
	}
}

/// Most steps by which what stays locked goes down; there are six convictions that lock.
pub const MAX_LOCK_STEPS: u32 = 8;

/// What stays locked for votes and delegations that are no more: steps down, each a block from which less is locked and
/// what is locked before it. So little that is locked for long does not keep much for as long.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct PriorLocks<BlockNumber>(pub(crate) BoundedVec<(BlockNumber, Balance), ConstU32<MAX_LOCK_STEPS>>);

impl<BlockNumber> Default for PriorLocks<BlockNumber> {
	fn default() -> Self {
		PriorLocks(BoundedVec::new())
	}
}

impl<BlockNumber: Copy + Ord> PriorLocks<BlockNumber> {
	/// What is locked until the first step.
	pub fn amount(&self) -> Balance {
		self.0.first().map_or(0, |(_, amount)| *amount)
	}

	/// Takes another lock up. Of more steps than are kept the first two become one, in which the larger amount is
	/// locked for the longer time.
	pub fn extend(&mut self, until: BlockNumber, amount: Balance) {
		if self.0.iter().any(|step| step.0 >= until && step.1 >= amount) {
			return;
		}
		let mut steps = core::mem::take(&mut self.0).into_inner();
		steps.retain(|step| step.0 > until || step.1 > amount);
		let place = steps.partition_point(|step| step.0 < until);
		steps.insert(place, (until, amount));
		if steps.len() > MAX_LOCK_STEPS as usize {
			let (_, most) = steps.remove(0);
			if let Some(first) = steps.first_mut() {
				first.1 = most;
			}
		}
		self.0 = BoundedVec::truncate_from(steps);
	}

	/// Forgets what is over.
	pub fn expire(&mut self, now: BlockNumber) {
		self.0.retain(|(until, _)| *until > now);
	}

	/// Whether every step is later and lower than the one before it.
	pub fn goes_down(&self) -> bool {
		self.0.iter().zip(self.0.iter().skip(1)).all(|(a, b)| a.0 < b.0 && a.1 > b.1)
	}
}

/// What an account does in one topic: it votes, or has another vote.
#[derive(
	CloneNoBound,
	PartialEqNoBound,
	EqNoBound,
	DebugNoBound,
	DefaultNoBound,
	Encode,
	Decode,
	MaxEncodedLen,
	TypeInfo,
)]
#[scale_info(skip_type_params(T))]
#[codec(mel_bound(T: Config))]
pub struct Voting<T: Config> {
	/// Its votes, by rising poll; those of polls that are over until they are removed.
	pub votes: BoundedVec<(PollIndexOf<T>, CastVote<BlockNumberFor<T>>), T::MaxVotes>,
	/// Whom it has vote in its place.
	pub delegation: Option<DelegationOf<T>>,
	/// What others delegate to it. While it delegates itself, that is worth nothing: it is not passed on.
	pub delegated: Power,
	/// What stays locked of what is no more.
	pub prior: PriorLocks<BlockNumberFor<T>>,
}

impl<T: Config> Voting<T> {
	/// Where the vote in a poll is, or would be.
	///
	/// # Errors
	/// There is none.
	pub fn place_of(&self, poll: PollIndexOf<T>) -> Result<usize, usize> {
		self.votes.binary_search_by_key(&poll, |(poll, _)| *poll)
	}

	/// The tokens that have to be locked for it.
	pub fn locked(&self) -> Balance {
		let cast = self.votes.iter().map(|(_, cast)| cast.ballot.total().unwrap_or(Balance::MAX));
		let delegated = self.delegation.iter().map(|delegation| delegation.amount);
		cast.chain(delegated).fold(self.prior.amount(), Balance::max)
	}

	/// Whether there is nothing to keep.
	pub fn is_empty(&self) -> bool {
		*self == Self::default()
	}
}

/// The credits of a worker.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub struct Credits<BlockNumber> {
	/// The first block in which nothing is spent.
	pub renews_at: BlockNumber,
	/// What is, of [`CREDITS_PER_PERIOD`].
	pub spent: Balance,
	/// What delegations set aside in every period.
	pub reserved: Balance,
	/// The first block in which it may vote again after a slash.
	pub suspended_until: BlockNumber,
}

impl<BlockNumber> Credits<BlockNumber> {
	/// What may be spent or set aside, in the period that this is of.
	pub const fn left(&self) -> Balance {
		CREDITS_PER_PERIOD.saturating_sub(self.spent).saturating_sub(self.reserved)
	}
}

/// How votes are paid. Governance changes it by `force_set_parameters`.
#[derive(
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	serde::Serialize,
	serde::Deserialize,
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VotingParameters {
	/// The lock period that a conviction is counted in, in blocks. At least as long as an enactment takes, so that
	/// who decides is there when it is felt.
	pub lock_period_blocks: u32,
	/// How long a worker's unit of credits has to last, in blocks; and for how long a slashed worker does not vote.
	pub credit_period_blocks: u32,
	/// Fewest tokens of a vote or a delegation, in the smallest unit of BLY.
	pub min_lock: Balance,
}

impl Default for VotingParameters {
	/// A week of 2-second blocks each, and 10 BLY.
	fn default() -> Self {
		Self {
			lock_period_blocks: 302_400,
			credit_period_blocks: 302_400,
			min_lock: blyan_primitives::economy::BLY.saturating_mul(10),
		}
	}
}

impl VotingParameters {
	/// Whether they make sense.
	///
	/// # Errors
	/// What does not.
	pub fn validate<T: Config>(&self) -> Result<(), Error<T>> {
		let is_period = |blocks, most| (1..=most).contains(&blocks);
		ensure!(is_period(self.lock_period_blocks, MAX_LOCK_PERIOD_BLOCKS), Error::<T>::LockPeriodOutOfRange);
		ensure!(
			is_period(self.credit_period_blocks, MAX_CREDIT_PERIOD_BLOCKS),
			Error::<T>::CreditPeriodOutOfRange
		);
		ensure!(self.min_lock >= T::Currency::minimum_balance(), Error::<T>::LeastLockTooSmall);
		Ok(())
	}

	/// Blocks for which a conviction locks.
	pub const fn lock_blocks(&self, conviction: Conviction) -> u32 {
		self.lock_period_blocks.saturating_mul(conviction.lock_periods())
	}
}
