//! A runtime of balances and workers.

use crate::{self as pallet_workers, pallet::*, types::*};
use blyan_primitives::{
	worker::{Endpoint, MachineId, Role, Roles},
	Balance,
};
use polkadot_sdk::{
	frame_support::{construct_runtime, derive_impl, parameter_types, traits::fungible::hold::Inspect},
	frame_system, pallet_balances, sp_io,
	sp_runtime::{traits::IdentityLookup, BuildStorage},
};

pub type AccountId = u64;
pub type Block = frame_system::mocking::MockBlock<Test>;

/// What each account has at genesis.
pub const FUNDS: Balance = 1_000_000;
/// Least bond in tests.
pub const MIN_BOND: Balance = 1_000;
/// Unbonding time in tests.
pub const UNBONDING_BLOCKS: u32 = 10;
/// Accounts 1 to this have [`FUNDS`].
pub const ACCOUNTS: AccountId = 100;

construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		WorkersPallet: pallet_workers,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<AccountId>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

parameter_types! {
	pub const ExistentialDeposit: Balance = 10;
	pub const MaxWorkers: u32 = 64;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type AccountStore = System;
	type ExistentialDeposit = ExistentialDeposit;
}

impl Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Slashed = ();
	type MaxWorkers = MaxWorkers;
	type WeightInfo = ();
}

/// Builds a chain, and checks every invariant after what is done on it.
pub struct ExtBuilder {
	pub parameters: WorkerParameters,
	pub workers: Vec<GenesisWorker<AccountId>>,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		let parameters = WorkerParameters { min_bond: MIN_BOND, unbonding_blocks: UNBONDING_BLOCKS };
		Self { parameters, workers: Vec::new() }
	}
}

impl ExtBuilder {
	pub fn build(self) -> sp_io::TestExternalities {
		let genesis = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances: (1..=ACCOUNTS).map(|who| (who, FUNDS)).collect(),
				..Default::default()
			},
			workers_pallet: GenesisConfig { parameters: self.parameters, workers: self.workers },
			..Default::default()
		};
		let mut ext: sp_io::TestExternalities = genesis.build_storage().expect("genesis is valid").into();
		ext.execute_with(|| System::set_block_number(1));
		ext
	}

	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			WorkersPallet::do_try_state().expect("every invariant holds");
		});
	}
}

/// The default chain.
pub fn new_ext() -> sp_io::TestExternalities {
	ExtBuilder::default().build()
}

/// The default chain, with every invariant checked at the end.
pub fn build_and_execute(test: impl FnOnce()) {
	ExtBuilder::default().build_and_execute(test);
}

pub fn machine(number: u64) -> MachineId {
	MachineId::from_low_u64_be(number)
}

pub fn endpoint(text: &str) -> Endpoint {
	Endpoint::try_from(text.as_bytes().to_vec()).expect("short enough")
}

pub fn roles(roles: &[Role]) -> Roles {
	roles.iter().fold(Roles::default(), |all, role| all.with(*role))
}

/// Registers `who` with a machine of its own.
pub fn register(who: AccountId, with: &[Role], bond: Balance) {
	let endpoint = endpoint("http://127.0.0.1:8000");
	WorkersPallet::register(RuntimeOrigin::signed(who), roles(with), machine(who), [1; 32], endpoint, bond)
		.expect("the account can register");
}

pub fn worker(who: AccountId) -> WorkerOf<Test> {
	Workers::<Test>::get(who).expect("it is a worker")
}

pub fn held(who: AccountId) -> Balance {
	Balances::balance_on_hold(&HoldReason::WorkerBond.into(), &who)
}

pub fn last_event() -> Event<Test> {
	let all: Vec<Event<Test>> = System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::WorkersPallet(event) => Some(event),
			_ => None,
		})
		.collect();
	all.last().expect("there is an event").clone()
}
