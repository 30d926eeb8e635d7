//! A chain whose tests say who validates, who authors, and when a session ends.

use crate::{self as pallet_checkpoints, pallet::*, types::*};
use blyan_primitives::{
	checkpoint::{CheckpointBlock, CheckpointVote, SetId},
	economy::BLY,
	traits::{DowntimeReports, ValidatorRewards},
	Balance, Hash,
};
use polkadot_sdk::{
	frame_support::{
		construct_runtime, derive_impl,
		pallet_prelude::{TransactionSource, TransactionValidityError, ValidTransaction},
		parameter_types,
		traits::{Authorize, Hooks, OneSessionHandler},
	},
	frame_system::{self, RawOrigin},
	pallet_authorship::EventHandler,
	sp_consensus_grandpa::AuthorityId,
	sp_core::{
		ed25519::{Pair, Signature},
		ConstU32, Pair as _,
	},
	sp_io,
	sp_runtime::BuildStorage,
};
use std::collections::{BTreeMap, BTreeSet};

pub type AccountId = u64;
type Block = frame_system::mocking::MockBlock<Test>;

/// Blocks between checkpoints.
pub const CHECKPOINT_BLOCKS: u32 = 5;
/// Blocks within which a vote is quick.
pub const QUICK_BLOCKS: u32 = 2;
/// What all validators claim for a session.
pub const BASE: Balance = 1_000 * BLY;
/// Sessions in a day.
pub const DAY: u32 = 3;
pub const MAX_VALIDATORS: u32 = 8;
pub const KEPT_SESSIONS: u32 = 2;
pub const KEPT_CHECKPOINTS: u32 = 3;
pub const MAX_EVIDENCE: u32 = 4;
/// The validators of the first session.
pub const FIRST: [AccountId; 4] = [1, 2, 3, 4];

construct_runtime!(
	pub enum Test {
		System: frame_system,
		Checkpoints: pallet_checkpoints,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
}

parameter_types! {
	pub static Session: SessionIndex = 0;
	pub static GrandpaSet: SetId = 0;
	/// What was claimed, in the order of its coming.
	pub static Claimed: Vec<(AccountId, Balance)> = Vec::new();
	/// Who was reported.
	pub static Reported: Vec<(AccountId, u32)> = Vec::new();
	/// Who validates.
	pub static Validators: Vec<AccountId> = Vec::new();
}

impl Config for Test {
	type Rewards = Ledger;
	type Downtime = Ledger;
	type SessionIndex = Session;
	type SetId = GrandpaSet;
	type MaxValidators = ConstU32<MAX_VALIDATORS>;
	type SettledPerBlock = ConstU32<2>;
	type KeptSessions = ConstU32<KEPT_SESSIONS>;
	type KeptCheckpoints = ConstU32<KEPT_CHECKPOINTS>;
	type MaxEvidence = ConstU32<MAX_EVIDENCE>;
	type WeightInfo = ();
}

/// Writes down what it is told.
pub struct Ledger;

impl ValidatorRewards<AccountId> for Ledger {
	fn accrue_validators(parts: BTreeMap<AccountId, Balance>) {
		Claimed::mutate(|claimed| claimed.extend(parts));
	}
}

impl DowntimeReports<AccountId> for Ledger {
	fn report(validator: &AccountId, sessions: u32) {
		Reported::mutate(|reported| reported.push((*validator, sessions)));
	}
}

pub fn parameters() -> CheckpointParameters {
	CheckpointParameters {
		checkpoint_blocks: CHECKPOINT_BLOCKS,
		quick_blocks: QUICK_BLOCKS,
		base: BASE,
		downtime_sessions: DAY,
	}
}

/// The state in block 1, with the first session's validators.
pub fn new_ext() -> sp_io::TestExternalities {
	let genesis = RuntimeGenesisConfig {
		checkpoints: GenesisConfig { parameters: parameters(), ..Default::default() },
		..Default::default()
	};
	let mut ext = sp_io::TestExternalities::from(genesis.build_storage().expect("genesis is valid"));
	Session::set(0);
	GrandpaSet::set(0);
	Claimed::take();
	Reported::take();
	Validators::set(FIRST.to_vec());
	ext.execute_with(|| {
		let keys = FIRST.map(|who| (who, AuthorityId::from(pair(who).public())));
		Checkpoints::on_genesis_session(keys.iter().map(|(who, key)| (who, key.clone())));
		next_block(None);
	});
	ext
}

/// The same, in which keys can be made.
#[cfg(feature = "runtime-benchmarks")]
pub fn new_ext_with_keystore() -> sp_io::TestExternalities {
	use polkadot_sdk::sp_keystore::{testing::MemoryKeystore, KeystoreExt};
	let mut ext = new_ext();
	ext.register_extension(KeystoreExt::new(MemoryKeystore::new()));
	ext
}

/// The default chain, with every invariant checked at the end.
pub fn run<R>(test: impl FnOnce() -> R) -> R {
	new_ext().execute_with(|| {
		let result = test();
		Checkpoints::do_try_state().expect("every invariant holds");
		result
	})
}

/// The keys of a validator.
pub fn pair(who: AccountId) -> Pair {
	let mut seed = [0; 32];
	seed[..8].copy_from_slice(&who.to_le_bytes());
	Pair::from_seed(&seed)
}

/// The hash of a block.
pub fn hash_of(number: u64) -> Hash {
	match number {
		0 => System::block_hash(0),
		_ => Hash::from_low_u64_be(number),
	}
}

/// Goes on to the next block, whose author that is. Its events are those of that block alone.
pub fn next_block(author: Option<AccountId>) {
	next_block_with(author, || ());
}

/// The same, with what pallet session does before this pallet's hook.
fn next_block_with(author: Option<AccountId>, rotate: impl FnOnce()) {
	let now = System::block_number() + 1;
	System::reset_events();
	System::initialize(&now, &hash_of(now - 1), &Default::default());
	if let Some(author) = author {
		Checkpoints::note_author(author);
	}
	rotate();
	Checkpoints::on_initialize(now);
}

/// So many blocks without an author that counts.
pub fn blocks(count: u32) {
	(0..count).for_each(|_| next_block(None));
}

/// Goes on until a checkpoint opens, and returns it.
pub fn next_checkpoint() -> CheckpointBlock {
	loop {
		next_block(None);
		if System::block_number() as u32 % CHECKPOINT_BLOCKS == 1 && System::block_number() > 1 {
			return open().block;
		}
	}
}

pub fn open() -> Checkpoint {
	OpenCheckpoint::<Test>::get().expect("a checkpoint is open")
}

/// Begins the next session in the next block, with the same validators.
pub fn next_session() {
	rotate(None, &Validators::get());
}

/// Begins a session with others in the next block.
pub fn change_validators(validators: &[AccountId]) {
	rotate(None, validators);
}

/// Begins a session in the next block, whose author that is.
pub fn rotate(author: Option<AccountId>, validators: &[AccountId]) {
	let has_changed = Validators::get() != validators;
	next_block_with(author, || {
		Session::mutate(|session| *session += 1);
		GrandpaSet::mutate(|set| *set += SetId::from(has_changed));
		Validators::set(validators.to_vec());
		tell_session(has_changed, validators);
	});
}

/// What pallet session tells.
pub fn tell_session(has_changed: bool, validators: &[AccountId]) {
	let keys =
		validators.iter().map(|who| (*who, AuthorityId::from(pair(*who).public()))).collect::<Vec<_>>();
	let told = || keys.iter().map(|(who, key)| (who, key.clone()));
	Checkpoints::on_new_session(has_changed, told(), told());
}

/// A vote on the open checkpoint, from the seat that the validator has in its set.
pub fn vote_of(who: AccountId) -> CheckpointVote {
	let open = open();
	let seat = (0..MAX_VALIDATORS)
		.find(|seat| Voters::<Test>::get(open.set, seat).is_some_and(|voter| voter.account == who))
		.expect("it has a seat");
	CheckpointVote { block: open.block, seat }
}

/// The same for another block.
pub fn wrong_vote_of(who: AccountId) -> CheckpointVote {
	let mut vote = vote_of(who);
	vote.block.hash = Hash::repeat_byte(7);
	vote
}

pub fn sign(who: AccountId, vote: &CheckpointVote) -> Signature {
	pair(who).sign(&vote.block.payload(&hash_of(0)))
}

pub fn authorize(
	vote: CheckpointVote,
	signature: Signature,
) -> Result<ValidTransaction, TransactionValidityError> {
	let call = RuntimeCall::Checkpoints(Call::vote { vote, signature });
	call.authorize(TransactionSource::External).expect("the call has one").map(|(valid, _)| valid)
}

/// Authorizes and dispatches a vote.
pub fn bring(who: AccountId, vote: CheckpointVote) -> ValidTransaction {
	let signature = sign(who, &vote);
	let valid = authorize(vote, signature).expect("the vote is authorized");
	Checkpoints::vote(RawOrigin::Authorized.into(), vote, signature).expect("what is authorized is taken");
	valid
}

/// These vote for the open checkpoint.
pub fn vote(who: &[AccountId]) {
	who.iter().for_each(|who| {
		bring(*who, vote_of(*who));
	});
}

pub fn tally(session: SessionIndex, who: AccountId) -> Tally {
	Tallies::<Test>::get(session, who)
}

/// What was claimed so far, by account.
pub fn claimed() -> BTreeMap<AccountId, Balance> {
	let mut sums = BTreeMap::new();
	Claimed::get().into_iter().for_each(|(who, amount)| *sums.entry(who).or_default() += amount);
	sums
}

/// Who has a standing.
pub fn standing_accounts() -> BTreeSet<AccountId> {
	Standings::<Test>::iter_keys().collect()
}

pub fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Checkpoints(event) => Some(event),
			_ => None,
		})
		.collect()
}
