//! A runtime of balances, rewards and usage.

use crate::{self as pallet_usage, pallet::*, types::*};
use blyan_primitives::{
	dag::BlockId,
	economy::{BLY, EXISTENTIAL_DEPOSIT, GENESIS_SUPPLY},
	traits::{ServedBlock, ServedBlocks, WorkerRegistry},
	usage::{BlockUse, SignedReceipt, SignedReceipts, UsageParameters, UsageReceipt},
	worker::{Fault, Role},
	Balance, BlockNumber, Hash,
};
use pallet_rewards::RewardParameters;
use polkadot_sdk::{
	frame_support::{
		construct_runtime, derive_impl, parameter_types,
		traits::{ConstU32, Hooks},
		BoundedVec,
	},
	frame_system, pallet_balances, sp_io,
	sp_runtime::{
		testing::{TestSignature, UintAuthorityId},
		traits::{BlakeTwo256, IdentityLookup},
		BuildStorage, DispatchError, DispatchResult, Perbill,
	},
};

pub type AccountId = u64;
pub type Block = frame_system::mocking::MockBlock<Test>;
type Receipt = UsageReceipt<AccountId>;

pub const CLIENT: AccountId = 1;
pub const OTHER_CLIENT: AccountId = 2;
pub const SERVER: AccountId = 11;
pub const OTHER_SERVER: AccountId = 12;
/// Trained what has an even first byte, and [`OTHER_TRAINER`] the rest.
pub const TRAINER: AccountId = 21;
pub const OTHER_TRAINER: AccountId = 22;
/// Who has all that the others do not.
pub const RICH: AccountId = 1_000;
pub const ENDOWMENT: Balance = 1_000 * BLY;
/// Most servers an account may pay.
pub const MAX_SERVERS: u32 = 3;
/// Blocks for which a receipt is fresh, is taken, and a withdrawal waits.
pub const FRESH: BlockNumber = 10;
pub const MAX_AGE: BlockNumber = 20;
pub const DELAY: BlockNumber = 30;

construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		Rewards: pallet_rewards,
		Usage: pallet_usage,
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
}

impl pallet_rewards::Config for Test {
	type Currency = Balances;
	type Data = ();
	type Purses = ();
	type MaxOpenClaims = ConstU32<64>;
	type WeightInfo = ();
}

impl Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Signature = TestSignature;
	type Public = UintAuthorityId;
	type Blocks = World;
	type Workers = World;
	type Rewards = Rewards;
	type MaxServers = ConstU32<MAX_SERVERS>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = World;
}

/// The pallets that the runtime has and this mock has not.
pub struct World;

/// A head if its second byte is 0, and proven if its third is not.
impl ServedBlocks<AccountId> for World {
	fn served(block: BlockId) -> Option<ServedBlock<AccountId>> {
		let [trainer, unknown, proven, ..] = block.0;
		let trainer = if trainer % 2 == 0 { TRAINER } else { OTHER_TRAINER };
		(unknown == 0).then_some(ServedBlock { trainer, is_proven: proven != 0 })
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_served(count: u32) -> Vec<BlockId> {
		(0..count).map(|place| block(place as u8)).collect()
	}
}

/// Of the registry, this pallet asks for roles alone.
impl WorkerRegistry<AccountId> for World {
	fn has_role(who: &AccountId, role: Role) -> bool {
		let is_bench = cfg!(feature = "runtime-benchmarks") && *who > RICH;
		role == Role::Server && ((SERVER..SERVER + 8).contains(who) || is_bench)
	}

	fn draw(_: Role, _: u32, _: Hash, _: &[AccountId]) -> Vec<AccountId> {
		Vec::new()
	}

	fn engage(_: &AccountId) -> bool {
		true
	}

	fn release(_: &AccountId) {}

	fn note_honest_work(_: &AccountId) {}

	fn note_fault_paying(_: &AccountId, _: Fault, _: &[(AccountId, Perbill)]) -> Balance {
		0
	}

	fn cost_of(_: &AccountId, _: Fault) -> Balance {
		0
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_worker(_: &AccountId, _: Role) {}
}

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::BenchmarkHelper<AccountId, TestSignature> for World {
	fn client(index: u32) -> AccountId {
		100 + u64::from(index)
	}

	fn sign(index: u32, payload: &[u8]) -> TestSignature {
		TestSignature(<Self as crate::benchmarking::BenchmarkHelper<_, _>>::client(index), payload.to_vec())
	}
}

pub fn parameters() -> UsageParameters {
	UsageParameters {
		fresh_blocks: FRESH,
		max_age_blocks: MAX_AGE,
		withdrawal_blocks: DELAY,
		..UsageParameters::default()
	}
}

/// The default chain, in its first block.
pub fn new_ext() -> sp_io::TestExternalities {
	let poor = [CLIENT, OTHER_CLIENT, TRAINER, OTHER_TRAINER].into_iter().chain(SERVER..SERVER + 8);
	let mut balances: Vec<_> = poor.map(|who| (who, ENDOWMENT)).collect();
	balances.push((RICH, GENESIS_SUPPLY - ENDOWMENT * balances.len() as Balance));
	let genesis = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig { balances, ..Default::default() },
		// Budgets large enough that none of these claims is scaled down.
		rewards: pallet_rewards::GenesisConfig {
			parameters: RewardParameters { min_payout: EXISTENTIAL_DEPOSIT, ..Default::default() },
			..Default::default()
		},
		usage: GenesisConfig { parameters: parameters(), ..Default::default() },
		..Default::default()
	};
	let mut ext: sp_io::TestExternalities = genesis.build_storage().expect("genesis is valid").into();
	ext.execute_with(|| run_to(1));
	ext
}

/// Runs a test on the default chain, and checks every invariant after it.
pub fn build_and_execute(test: impl FnOnce()) {
	new_ext().execute_with(|| {
		test();
		Usage::do_try_state().expect("every invariant holds");
	});
}

pub fn run_to(block: BlockNumber) {
	while System::block_number() < block.into() {
		System::set_block_number(System::block_number() + 1);
		Rewards::on_initialize(System::block_number());
	}
}

/// A block of [`TRAINER`]'s for an even number, of [`OTHER_TRAINER`]'s for an odd one; not proven.
pub fn block(number: u8) -> BlockId {
	let mut id = [0; 32];
	id[0] = number;
	id.into()
}

/// A receipt of [`CLIENT`]'s for [`SERVER`] up to that block: 100 answers of a second from two blocks.
pub fn receipt(until: BlockNumber) -> Receipt {
	UsageReceipt {
		client: CLIENT,
		server: SERVER,
		until,
		answers: 100,
		milliseconds: 100_000,
		blocks: BoundedVec::truncate_from(vec![
			BlockUse { block: block(0), calls: 100 },
			BlockUse { block: block(1), calls: 50 },
		]),
		fee: 10 * BLY,
	}
}

pub fn genesis_hash() -> Hash {
	System::block_hash(0)
}

pub fn signed(receipt: Receipt) -> SignedReceipt<AccountId, TestSignature> {
	let payload = receipt.payload(genesis_hash());
	SignedReceipt { signature: TestSignature(receipt.client, payload.as_bytes().to_vec()), receipt }
}

pub fn submit_signed(
	server: AccountId,
	receipts: impl IntoIterator<Item = SignedReceipt<AccountId, TestSignature>>,
) -> DispatchResult {
	let receipts = SignedReceipts::truncate_from(receipts.into_iter().collect());
	Usage::submit_receipts(RuntimeOrigin::signed(server), receipts)
}

/// Submits one receipt; how it was refused, if it was.
pub fn submit(receipt: Receipt) -> Result<(), DispatchError> {
	submit_signed(SERVER, [signed(receipt)])?;
	match last_event() {
		Event::ReceiptPaid { .. } => Ok(()),
		Event::ReceiptRefused { error, .. } => Err(error),
		event => panic!("nothing became of the receipt: {event:?}"),
	}
}

pub fn deposit(client: AccountId, amount: Balance) -> DispatchResult {
	Usage::deposit(RuntimeOrigin::signed(client), amount)
}

pub fn held(client: AccountId) -> Balance {
	Usage::held(&client)
}

pub fn free(who: AccountId) -> Balance {
	Balances::free_balance(who)
}

/// What `who` claims of the serving budget of the running epoch.
pub fn accruing(who: AccountId) -> Balance {
	Rewards::owed(&who).1
}

pub fn issuance() -> Balance {
	Balances::total_issuance()
}

pub fn account(client: AccountId) -> UsageAccountOf<Test> {
	Accounts::<Test>::get(client).expect("the client has an account")
}

pub fn last_event() -> Event<Test> {
	let events = System::events().into_iter().rev();
	let mut ours = events.filter_map(|record| match record.event {
		RuntimeEvent::Usage(event) => Some(event),
		_ => None,
	});
	ours.next().expect("there is an event")
}
