//! A runtime of balances and votes, with polls and workers that tests make.

use crate::{self as pallet_quadratic_voting, pallet::*, tally::Tally, types::*};
use blyan_primitives::{
	economy::{BLY, EXISTENTIAL_DEPOSIT},
	traits::VotingWorkers,
	Balance, Hash,
};
use codec::{Decode, Encode};
use polkadot_sdk::{
	frame_support::{
		construct_runtime, derive_impl, parameter_types, storage_alias,
		traits::{fungible::InspectFreeze, ConstU32, PollStatus, Polling, VariantCountOf, VoteTally},
		Blake2_128Concat, Twox64Concat,
	},
	frame_system, pallet_balances, sp_io,
	sp_runtime::{
		traits::{BlakeTwo256, Convert, IdentityLookup},
		BuildStorage, DispatchError, DispatchResult,
	},
};

pub type AccountId = u64;
pub type Block = frame_system::mocking::MockBlock<Test>;
pub type PollIndex = u32;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CAROL: AccountId = 3;
/// Workers as well as holders; the accounts before them are holders alone.
pub const WORKER: AccountId = 11;
pub const OTHER_WORKER: AccountId = 12;
pub const THIRD_WORKER: AccountId = 13;
pub const WORKERS: u32 = 10;
pub const STRANGER: AccountId = 99;
/// Of each account from 1 to 20.
pub const ENDOWMENT: Balance = 1_000 * BLY;
pub const HOLDERS: u64 = 20;
pub const MAX_VOTES: u32 = 4;
/// Blocks.
pub const LOCK_PERIOD: u64 = 10;
pub const CREDIT_PERIOD: u64 = 20;
pub const MIN_LOCK: Balance = BLY;

/// Tracks, as the spec has them.
pub const ROOT: u16 = 0;
pub const SMALL_SPENDER: u16 = 1;
pub const BIG_SPENDER: u16 = 2;
pub const LEARNING: u16 = 3;
pub const APPEAL: u16 = 4;
pub const EMERGENCY: u16 = 5;

construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		QuadraticVoting: pallet_quadratic_voting,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<AccountId>;
	type Hash = Hash;
	type Hashing = BlakeTwo256;
	type AccountData = pallet_balances::AccountData<Balance>;
}

parameter_types! {
	pub const ExistentialDeposit: Balance = EXISTENTIAL_DEPOSIT;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type AccountStore = System;
	type ExistentialDeposit = ExistentialDeposit;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type FreezeIdentifier = RuntimeFreezeReason;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
}

impl Config for Test {
	type Currency = Balances;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type Polls = World;
	type Topics = World;
	type Workers = World;
	type MaxVotes = ConstU32<MAX_VOTES>;
	type WeightInfo = ();
}

/// The pallets that the runtime has and this mock has not.
pub struct World;

#[derive(Clone, Debug, Encode, Decode)]
pub enum Poll {
	Ongoing(Tally<Test>, u16),
	Completed(u64, bool),
}

/// The polls.
#[storage_alias]
pub type AllPolls = StorageMap<Mock, Twox64Concat, PollIndex, Poll>;
/// Who is a worker.
#[storage_alias]
pub type WorkerSet = StorageMap<Mock, Blake2_128Concat, AccountId, ()>;
/// How many are.
#[storage_alias]
pub type WorkerCount = StorageValue<Mock, u32>;

impl Convert<u16, Option<Topic>> for World {
	fn convert(track: u16) -> Option<Topic> {
		match track {
			ROOT => Some(Topic::Root),
			SMALL_SPENDER | BIG_SPENDER => Some(Topic::Treasury),
			LEARNING => Some(Topic::Learning),
			APPEAL => Some(Topic::Datasets),
			_ => None,
		}
	}
}

impl VotingWorkers<AccountId> for World {
	fn is_worker(who: &AccountId) -> bool {
		WorkerSet::contains_key(who)
	}

	fn count() -> u32 {
		WorkerCount::get().unwrap_or_default()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_worker(who: &AccountId) {
		set_worker(*who, true);
	}
}

impl Polling<Tally<Test>> for World {
	type Index = PollIndex;
	type Votes = Votes;
	type Class = u16;
	type Moment = u64;

	fn classes() -> Vec<u16> {
		vec![ROOT, SMALL_SPENDER, BIG_SPENDER, LEARNING, APPEAL, EMERGENCY]
	}

	fn as_ongoing(index: PollIndex) -> Option<(Tally<Test>, u16)> {
		match AllPolls::get(index)? {
			Poll::Ongoing(tally, class) => Some((tally, class)),
			Poll::Completed(..) => None,
		}
	}

	fn access_poll<R>(index: PollIndex, f: impl FnOnce(PollStatus<&mut Tally<Test>, u64, u16>) -> R) -> R {
		match AllPolls::get(index) {
			Some(Poll::Ongoing(mut tally, class)) => {
				let result = f(PollStatus::Ongoing(&mut tally, class));
				AllPolls::insert(index, Poll::Ongoing(tally, class));
				result
			}
			Some(Poll::Completed(end, is_approved)) => f(PollStatus::Completed(end, is_approved)),
			None => f(PollStatus::None),
		}
	}

	fn try_access_poll<R>(
		index: PollIndex,
		f: impl FnOnce(PollStatus<&mut Tally<Test>, u64, u16>) -> Result<R, DispatchError>,
	) -> Result<R, DispatchError> {
		Self::access_poll(index, f)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn create_ongoing(class: u16) -> Result<PollIndex, ()> {
		let index = AllPolls::iter_keys().max().map_or(0, |last| last + 1);
		open(index, class);
		Ok(index)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn end_ongoing(index: PollIndex, approved: bool) -> Result<(), ()> {
		close(index, approved);
		Ok(())
	}
}

pub fn parameters() -> VotingParameters {
	VotingParameters {
		lock_period_blocks: LOCK_PERIOD as u32,
		credit_period_blocks: CREDIT_PERIOD as u32,
		min_lock: MIN_LOCK,
	}
}

/// A chain of holders with those balances, in its first block, with a poll for each track, numbered as the track is.
pub fn new_ext_with(balances: Vec<(AccountId, Balance)>) -> sp_io::TestExternalities {
	let genesis = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		quadratic_voting: GenesisConfig { parameters: parameters(), ..Default::default() },
		..Default::default()
	};
	let mut ext: sp_io::TestExternalities = genesis.build_storage().expect("genesis is valid").into();
	ext.execute_with(|| {
		System::set_block_number(1);
		(WORKER..).take(WORKERS as usize).for_each(|who| set_worker(who, true));
		<World as Polling<_>>::classes().into_iter().for_each(|track| open(track.into(), track));
	});
	ext
}

/// The default chain.
pub fn new_ext() -> sp_io::TestExternalities {
	new_ext_with((1..=HOLDERS).map(|who| (who, ENDOWMENT)).collect())
}

/// Runs a test on the default chain, and checks every invariant after it.
pub fn build_and_execute(test: impl FnOnce()) {
	new_ext().execute_with(|| {
		test();
		QuadraticVoting::do_try_state().expect("every invariant holds");
	});
}

pub fn run_to(block: u64) {
	System::set_block_number(block);
}

pub fn now() -> u64 {
	System::block_number()
}

pub fn set_worker(who: AccountId, is_worker: bool) {
	if WorkerSet::contains_key(who) != is_worker {
		let count = <World as VotingWorkers<AccountId>>::count();
		WorkerCount::put(if is_worker { count + 1 } else { count - 1 });
	}
	if is_worker {
		WorkerSet::insert(who, ());
	} else {
		WorkerSet::remove(who);
	}
}

pub fn open(poll: PollIndex, track: u16) {
	AllPolls::insert(poll, Poll::Ongoing(Tally::new(track), track));
}

/// Ends a poll now.
pub fn close(poll: PollIndex, is_approved: bool) {
	AllPolls::insert(poll, Poll::Completed(now(), is_approved));
}

pub fn cancel(poll: PollIndex) {
	AllPolls::remove(poll);
}

/// Votes for, votes against, support.
pub fn tally(poll: impl Into<PollIndex>) -> (Votes, Votes, u128) {
	let (tally, _) = World::as_ongoing(poll.into()).expect("the poll is ongoing");
	(tally.ayes, tally.nays, tally.support)
}

pub fn aye(amount: Balance) -> Ballot {
	Ballot { aye: amount, ..Ballot::default() }
}

pub fn nay(amount: Balance) -> Ballot {
	Ballot { nay: amount, ..Ballot::default() }
}

pub fn abstain(amount: Balance) -> Ballot {
	Ballot { abstain: amount, ..Ballot::default() }
}

pub fn split(aye: Balance, nay: Balance, abstain: Balance) -> Ballot {
	Ballot { aye, nay, abstain, conviction: Conviction::None }
}

pub fn with(conviction: Conviction, ballot: Ballot) -> Ballot {
	Ballot { conviction, ..ballot }
}

pub fn vote(who: AccountId, poll: impl Into<PollIndex>, ballot: Ballot) -> DispatchResult {
	QuadraticVoting::vote(RuntimeOrigin::signed(who), poll.into(), ballot)
}

/// Removes one's own vote.
pub fn remove(who: AccountId, topic: Topic, poll: impl Into<PollIndex>) -> DispatchResult {
	QuadraticVoting::remove_vote(RuntimeOrigin::signed(who), who, topic, poll.into())
}

/// Removes the vote of another.
pub fn remove_of(
	caller: AccountId,
	who: AccountId,
	topic: Topic,
	poll: impl Into<PollIndex>,
) -> DispatchResult {
	QuadraticVoting::remove_vote(RuntimeOrigin::signed(caller), who, topic, poll.into())
}

pub fn delegate(
	who: AccountId,
	topic: Topic,
	to: AccountId,
	amount: Balance,
	conviction: Conviction,
) -> Result<(), DispatchError> {
	let done = QuadraticVoting::delegate(RuntimeOrigin::signed(who), topic, to, amount, conviction);
	done.map(|_| ()).map_err(|failed| failed.error)
}

pub fn undelegate(who: AccountId, topic: Topic) -> Result<(), DispatchError> {
	let done = QuadraticVoting::undelegate(RuntimeOrigin::signed(who), topic);
	done.map(|_| ()).map_err(|failed| failed.error)
}

pub fn lapse(who: AccountId) -> Result<(), DispatchError> {
	let done = QuadraticVoting::lapse(RuntimeOrigin::signed(STRANGER), who);
	done.map(|_| ()).map_err(|failed| failed.error)
}

pub fn unlock(who: AccountId, topic: Topic) -> DispatchResult {
	QuadraticVoting::unlock(RuntimeOrigin::signed(STRANGER), who, topic)
}

/// What the currency keeps an account from spending for its votes.
pub fn frozen(who: AccountId) -> Balance {
	<Balances as InspectFreeze<AccountId>>::balance_frozen(&FreezeReason::Vote.into(), &who)
}

pub fn last_event() -> Event<Test> {
	let events = System::events().into_iter().rev();
	let mut ours = events.filter_map(|record| match record.event {
		RuntimeEvent::QuadraticVoting(event) => Some(event),
		_ => None,
	});
	ours.next().expect("there is an event")
}
