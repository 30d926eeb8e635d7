//! A runtime with this pallet alone; what is approved, tests say.

use crate::{self as pallet_lineage, *};
use blyan_primitives::{
	cid::{Cid, CidCodec},
	dag::{ModelId, SubmissionId},
	datasets::{Ppm, Tier, PPM},
	manifest::{DatasetId, DatasetUse, DatasetUses},
	traits::{ApprovedDataset, DataOutcomes, DataPurses, DatasetRegistry, LearnedFrom},
	Balance,
};
use polkadot_sdk::{
	frame_support::{self, derive_impl, parameter_types},
	frame_system,
	sp_io::TestExternalities,
	sp_runtime::{BuildStorage, Perbill},
};
use std::collections::BTreeMap;

pub type AccountId = u64;
type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Lineage: pallet_lineage,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
}

/// Blocks of a day in tests.
pub const DAY: u64 = 10;
/// What purses pay in a day in tests.
pub const CAP: Balance = 2_500 * blyan_primitives::economy::BLY;
pub const MODEL: ModelId = 0;
pub const TRAINER: AccountId = 10;

parameter_types! {
	pub static LeastWeight: Perbill = Perbill::from_percent(5);
	pub static DayBlocks: u64 = DAY;
	pub static DailyCap: Balance = CAP;
	/// What is approved, with its score.
	pub static Approved: BTreeMap<DatasetId, Ppm> = BTreeMap::new();
}

impl Config for Test {
	type Datasets = Registry;
	type LeastWeight = LeastWeight;
	type DayBlocks = DayBlocks;
	type DailyCap = DailyCap;
	type WeightInfo = ();
}

/// Approves what the test says.
pub struct Registry;

impl DatasetRegistry<AccountId> for Registry {
	fn approved(dataset: DatasetId) -> Option<ApprovedDataset<AccountId>> {
		let score = Approved::get().get(&dataset).copied()?;
		Some(ApprovedDataset { bytes: 1, contributor: 2, tier: Tier::Gold, score })
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_dataset(number: u32) -> DatasetId {
		approve(number as u8, PPM);
		dataset(number as u8)
	}
}

pub fn new_ext() -> TestExternalities {
	let genesis = RuntimeGenesisConfig::default().build_storage().expect("genesis is valid");
	let mut ext = TestExternalities::new(genesis);
	ext.execute_with(|| {
		System::set_block_number(1);
		LeastWeight::set(Perbill::from_percent(5));
		DayBlocks::set(DAY);
		DailyCap::set(CAP);
		Approved::set(BTreeMap::new());
		// A purse of 1,000, one of 325 and one of 100 BLY.
		for (number, score) in [(1, PPM), (2, PPM / 2), (3, 0)] {
			approve(number, score);
		}
	});
	ext
}

/// Runs a test, and checks the invariants after it.
pub fn build_and_execute(test: impl FnOnce()) {
	new_ext().execute_with(|| {
		test();
		Lineage::do_try_state().expect("every invariant holds");
	});
}

pub fn dataset(number: u8) -> DatasetId {
	Cid { codec: CidCodec::Raw, digest: [number; 32] }
}

pub fn approve(number: u8, score: Ppm) {
	Approved::mutate(|approved| approved.insert(dataset(number), score));
}

pub fn quarantine(number: u8) {
	Approved::mutate(|approved| approved.remove(&dataset(number)));
}

/// A mixture by per cent.
pub fn uses(parts: &[(u8, u32)]) -> DatasetUses {
	let used = |(number, percent): &(u8, u32)| DatasetUse {
		dataset: dataset(*number),
		weight: Perbill::from_percent(*percent),
	};
	DatasetUses::truncate_from(parts.iter().map(used).collect())
}

/// A submission of 1,001 sequences, verified and measured.
pub fn learn(
	submission: SubmissionId,
	model: ModelId,
	trainer: AccountId,
	uses: &[DatasetUse],
	is_accepted: bool,
) {
	let from = LearnedFrom { submission, model, trainer: &trainer, uses, samples: 1_001, is_accepted };
	<Lineage as DataOutcomes<_>>::learned(from);
}

pub fn accept(submission: SubmissionId, parts: &[(u8, u32)]) {
	learn(submission, MODEL, TRAINER, &uses(parts), true);
}

/// As many rejected submissions, of as many trainers, that learned from that dataset alone.
pub fn reject(number: u8, submissions: u32, trainers: u32) {
	for submission in 0..submissions {
		let trainer = TRAINER + AccountId::from(submission % trainers);
		learn(submission.into(), MODEL, trainer, &uses(&[(number, 100)]), false);
	}
}

pub fn draw(number: u8, earned: Balance) -> Balance {
	<Lineage as DataPurses>::draw(dataset(number), earned)
}

pub fn utility(number: u8) -> Utility<AccountId> {
	Utilities::<Test>::get(dataset(number)).expect("something came of it")
}

pub fn purse_of(number: u8) -> Purse {
	Purses::<Test>::get(dataset(number)).expect("it was filled or voided")
}

pub fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Lineage(event) => Some(event),
			_ => None,
		})
		.collect()
}
