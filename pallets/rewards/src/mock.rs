//! A runtime of balances and rewards.

use crate::{self as pallet_rewards, pallet::*, types::*};
use blyan_primitives::{
	cid::CidCodec,
	dag::SubmissionId,
	economy::{BLY, EXISTENTIAL_DEPOSIT, GENESIS_SUPPLY},
	learning::NanoBits,
	manifest::DatasetId,
	traits::{AcceptedWork, AuditedWork, DataPurses, DataRewards, DataShare, LearningRewards, VerifiedData},
	Balance,
};
use polkadot_sdk::{
	frame_support::{construct_runtime, derive_impl, parameter_types, traits::Hooks, weights::Weight},
	frame_system, pallet_balances, sp_io,
	sp_runtime::{traits::IdentityLookup, BuildStorage, Perbill},
};
use std::collections::BTreeMap;

pub type AccountId = u64;
pub type Block = frame_system::mocking::MockBlock<Test>;

/// Who has all that exists at genesis.
pub const RICH: AccountId = 1_000;
/// Blocks of an epoch in tests.
pub const EPOCH_BLOCKS: u32 = 10;
/// Least payment in tests.
pub const MIN_PAYOUT: Balance = BLY;
/// Epochs for which a claim stays open in tests.
pub const EXPIRY: u32 = 3;

/// What claims are earned with where that does not matter.
pub const WORK: AuditedWork = AuditedWork::Submission(7);
/// Epochs for which a data share waits in tests.
pub const PATIENCE: u32 = 2;

construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		Rewards: pallet_rewards,
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
	pub const ExistentialDeposit: Balance = EXISTENTIAL_DEPOSIT;
	pub const MaxOpenClaims: u32 = 4;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type AccountStore = System;
	type ExistentialDeposit = ExistentialDeposit;
}

impl Config for Test {
	type Currency = Balances;
	type Data = Verified;
	type Purses = Verified;
	type MaxOpenClaims = MaxOpenClaims;
	type WeightInfo = ();
}

parameter_types! {
	/// Whose data was verified, by submission.
	pub static VerifiedShares: BTreeMap<SubmissionId, Vec<DataShare<AccountId>>> = BTreeMap::new();
	/// What is left in the purses of datasets.
	pub static Purses: BTreeMap<DatasetId, Balance> = BTreeMap::new();
}

/// Verifies what the test says, and has the purses that it fills.
pub struct Verified;

impl VerifiedData<AccountId> for Verified {
	fn shares(submission: SubmissionId) -> Option<Vec<DataShare<AccountId>>> {
		VerifiedShares::get().get(&submission).cloned()
	}
}

impl DataPurses for Verified {
	fn draw(dataset: DatasetId, earned: Balance) -> Balance {
		Purses::mutate(|purses| {
			let Some(left) = purses.get_mut(&dataset) else { return 0 };
			let drawn = earned.min(*left);
			*left -= drawn;
			drawn
		})
	}
}

/// The dataset of that number.
pub fn dataset(number: u8) -> DatasetId {
	DatasetId { codec: CidCodec::Raw, digest: [number; 32] }
}

/// Data of which each contributor brought that many per cent; the datasets are numbered from 0.
pub fn shares(parts: &[(AccountId, u32)]) -> Vec<DataShare<AccountId>> {
	let share = |(number, (contributor, percent)): (usize, &(AccountId, u32))| DataShare {
		dataset: dataset(number as u8),
		contributor: *contributor,
		share: Perbill::from_percent(*percent),
	};
	parts.iter().enumerate().map(share).collect()
}

/// Has the data of a submission verified, of which each contributor brought that many per cent.
pub fn verify(submission: SubmissionId, parts: &[(AccountId, u32)]) {
	VerifiedShares::mutate(|verified| verified.insert(submission, shares(parts)));
	<Rewards as DataRewards>::data_verified(submission);
}

pub fn parameters() -> RewardParameters {
	RewardParameters {
		epoch_blocks: EPOCH_BLOCKS,
		min_payout: MIN_PAYOUT,
		learning_rate: 100 * BLY,
		claim_expiry_epochs: EXPIRY,
		data_patience_epochs: PATIENCE,
		credits: CreditRates::default(),
	}
}

/// Builds a chain, and checks every invariant after what is done on it.
pub struct ExtBuilder {
	pub parameters: RewardParameters,
	pub supply: Balance,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		Self { parameters: parameters(), supply: GENESIS_SUPPLY }
	}
}

impl ExtBuilder {
	pub fn build(self) -> sp_io::TestExternalities {
		let genesis = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances: vec![(RICH, self.supply)],
				..Default::default()
			},
			rewards: GenesisConfig { parameters: self.parameters, ..Default::default() },
			..Default::default()
		};
		let mut ext: sp_io::TestExternalities = genesis.build_storage().expect("genesis is valid").into();
		VerifiedShares::take();
		Purses::take();
		ext.execute_with(|| {
			System::set_block_number(1);
			Rewards::on_initialize(1);
		});
		ext
	}

	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			Rewards::do_try_state().expect("every invariant holds");
		});
	}
}

/// The default chain, in its first block.
#[cfg(feature = "runtime-benchmarks")]
pub fn new_ext() -> sp_io::TestExternalities {
	ExtBuilder::default().build()
}

/// The default chain, with every invariant checked at the end.
pub fn build_and_execute(test: impl FnOnce()) {
	ExtBuilder::default().build_and_execute(test);
}

/// Goes on to a block, with the hooks of every block between, but without idle time.
pub fn run_to(block: u64) {
	while System::block_number() < block {
		Rewards::on_finalize(System::block_number());
		System::set_block_number(System::block_number() + 1);
		Rewards::on_initialize(System::block_number());
	}
}

/// Goes on to the first block of an epoch.
pub fn run_to_epoch(epoch: EpochNumber) {
	while running() < epoch {
		run_to(System::block_number() + 1);
	}
}

pub fn running() -> EpochNumber {
	CurrentEpoch::<Test>::get().expect("an epoch runs").number
}

/// As much idle time as is wanted.
pub fn idle() {
	Rewards::on_idle(System::block_number(), Weight::MAX);
}

pub fn work(gain: NanoBits, trainer: AccountId, evaluators: &[AccountId]) -> AcceptedWork<AccountId> {
	AcceptedWork { submission: 7, gain, trainer, lineage: vec![Vec::new()], evaluators: evaluators.to_vec() }
}

/// Adds to the claim of `who` on the learning budget of the running epoch.
pub fn accrue_claim(who: AccountId, claim: Balance) {
	Rewards::accrue(blyan_primitives::economy::Budget::Learning, [(who, claim)].into(), WORK);
}

pub fn accrue(work: AcceptedWork<AccountId>) {
	<Rewards as LearningRewards<_>>::accrue_accepted(work);
}

pub fn pot(epoch: EpochNumber) -> Pot {
	Epochs::<Test>::get(epoch).expect("the epoch is in storage").pots.learning
}

pub fn balance(who: AccountId) -> Balance {
	Balances::free_balance(who)
}

pub fn claim(who: AccountId, epoch: EpochNumber) -> polkadot_sdk::sp_runtime::DispatchResult {
	Rewards::claim(RuntimeOrigin::signed(who), epoch)
}

pub fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Rewards(event) => Some(event),
			_ => None,
		})
		.collect()
}

pub fn last_event() -> Event<Test> {
	events().last().expect("there is an event").clone()
}

impl Rewards {
	/// What the claim of `who` on an epoch comes to.
	pub fn quote_of(who: AccountId, epoch: EpochNumber) -> Balance {
		let record = Epochs::<Test>::get(epoch).expect("the epoch is in storage");
		Self::quote(&record, &Claims::<Test>::get(epoch, who).expect("there is a claim"))
	}
}
