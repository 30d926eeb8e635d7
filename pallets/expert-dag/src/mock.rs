//! A runtime with nothing but what the pallet needs.

use crate as pallet_expert_dag;
use crate::{types::NameOf, Pallet};
use blyan_primitives::{
	architecture::{Architecture, ExpertCount},
	cid::{Cid, CidCodec},
	dag::{
		Block as DagBlock, BlockId, BlockIds, BlockKind, Component, ContentFormat, ModelId, NewBlock,
		NewBlocks, Parents, SubmissionId,
	},
	learning::Purpose,
	traits::ModelGraph,
	Balance, Hash,
};
use polkadot_sdk::{
	frame_support::{self, derive_impl, parameter_types, traits::Hooks},
	frame_system, pallet_balances, sp_io,
	sp_runtime::{BoundedVec, BuildStorage, Perbill},
};

pub type AccountId = u64;
pub type Dag = Pallet<Test>;

/// Registers models in most tests.
pub const OWNER: AccountId = 1;
/// Trains in most tests.
pub const TRAINER: AccountId = 2;
/// Neither owns nor trains.
pub const STRANGER: AccountId = 3;
/// Has too little for a deposit.
pub const PAUPER: AccountId = 4;
/// Stands for governance.
pub const TREASURY: AccountId = 99;

type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		ExpertDag: pallet_expert_dag,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = frame_support::traits::ConstU128<1>;
}

parameter_types! {
	pub const Treasury: AccountId = TREASURY;
	pub const ModelDeposit: Balance = 100;
	pub const ComponentDeposit: Balance = 10;
	pub const MaxNameLength: u32 = 16;
	pub const MaxContentBytes: u64 = 1 << 20;
	pub const MaxDeltaChain: u32 = 12;
	pub const ProbationBlocks: u64 = 10;
	pub const ProbationRoutingShare: Perbill = Perbill::from_percent(25);
}

impl pallet_expert_dag::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type GovernanceOrigin = frame_system::EnsureRoot<AccountId>;
	type GovernanceAccount = Treasury;
	type ModelDeposit = ModelDeposit;
	type ComponentDeposit = ComponentDeposit;
	type MaxNameLength = MaxNameLength;
	type MaxContentBytes = MaxContentBytes;
	type MaxDeltaChain = MaxDeltaChain;
	type ProbationBlocks = ProbationBlocks;
	type ProbationRoutingShare = ProbationRoutingShare;
	type WeightInfo = ();
}

/// Builds a chain at height 1.
#[derive(Default)]
pub struct ExtBuilder;

impl ExtBuilder {
	pub fn build(self) -> sp_io::TestExternalities {
		let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
		let rich = [OWNER, TRAINER, STRANGER, TREASURY].map(|account| (account, 1_000_000));
		let balances = rich.into_iter().chain([(PAUPER, 50)]).collect();
		pallet_balances::GenesisConfig::<Test> { balances, ..Default::default() }
			.assimilate_storage(&mut storage)
			.unwrap();
		let mut ext = sp_io::TestExternalities::new(storage);
		ext.execute_with(|| System::set_block_number(1));
		ext
	}

	/// Runs a test, and checks every invariant after it.
	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			ExpertDag::integrity_test();
			test();
			Dag::do_try_state().unwrap();
		});
	}
}

/// Two layers of two experts, room for three: seven components in nine places.
pub fn architecture() -> Architecture {
	Architecture::byte_level(2, ExpertCount { min: 2, current: 2, max: 3 }, 1, 16, 32, 2, 32)
}

pub fn name(text: &str) -> NameOf<Test> {
	BoundedVec::try_from(text.as_bytes().to_vec()).unwrap()
}

pub fn expert(layer: u16, index: u16) -> Component {
	Component::Expert { layer, index }
}

pub fn new_block(component: Component, kind: BlockKind, parents: &[BlockId], content: u8) -> NewBlock {
	NewBlock {
		component,
		kind,
		parents: Parents::try_from(parents.to_vec()).unwrap(),
		content: Cid { codec: CidCodec::DagPb, digest: [content; 32] },
		bytes: 1_000,
		format: ContentFormat::TensorBlock,
		manifest_hash: Hash::zero(),
	}
}

pub fn genesis(component: Component) -> NewBlock {
	new_block(component, BlockKind::Genesis, &[], 0)
}

pub fn update(component: Component, parents: &[BlockId], content: u8) -> NewBlock {
	new_block(component, BlockKind::Update, parents, content)
}

pub fn list(blocks: impl IntoIterator<Item = NewBlock>) -> NewBlocks {
	NewBlocks::try_from(blocks.into_iter().collect::<Vec<_>>()).unwrap()
}

/// The id that a block will have.
pub fn id_of(model: ModelId, trainer: AccountId, new: &NewBlock) -> BlockId {
	DagBlock::from_new(model, trainer, new.clone()).id()
}

/// A model of [`OWNER`]'s without weights.
pub fn registered() -> ModelId {
	let id = crate::NextModelId::<Test>::get();
	ExpertDag::register_model(RuntimeOrigin::signed(OWNER), name("tiny"), architecture()).unwrap();
	id
}

/// A model of [`OWNER`]'s with genesis weights.
pub fn released() -> ModelId {
	let model = registered();
	let blocks = list(architecture().components().map(genesis));
	ExpertDag::add_genesis_blocks(RuntimeOrigin::signed(OWNER), model, blocks).unwrap();
	model
}

pub fn head(model: ModelId, component: Component) -> BlockId {
	let architecture = crate::Models::<Test>::get(model).unwrap().architecture;
	crate::Heads::<Test>::get(model, architecture.component_index(component).unwrap()).unwrap()
}

/// Inserts an update of the head of each component.
pub fn submit(model: ModelId, submission: SubmissionId, components: &[Component]) -> BlockIds {
	let blocks = components.iter().map(|c| update(*c, &[head(model, *c)], submission as u8));
	<Dag as ModelGraph<AccountId>>::insert(model, submission, &TRAINER, list(blocks), &Purpose::Improvement)
		.unwrap()
}

/// Inserts and accepts an update of the head of each component.
pub fn advance(model: ModelId, submission: SubmissionId, components: &[Component]) -> BlockIds {
	let ids = submit(model, submission, components);
	<Dag as ModelGraph<AccountId>>::accept(model, submission, &ids, None).unwrap();
	ids
}

/// What the pallet has told since the last time.
pub fn take_events() -> Vec<crate::Event<Test>> {
	let events = System::events();
	System::reset_events();
	let ours = |event| match event {
		RuntimeEvent::ExpertDag(event) => Some(event),
		_ => None,
	};
	events.into_iter().filter_map(|record| ours(record.event)).collect()
}
