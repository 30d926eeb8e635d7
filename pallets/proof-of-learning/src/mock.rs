//! A runtime with this pallet and balances. The graph, the workers, the rewards and the randomness are a
//! small [`world`] in storage, so that what a failed call did to it is rolled back as in the real runtime.

use crate as pallet_proof_of_learning;
use crate::{weights::WeightInfo, *};
use blyan_primitives::{
	cid::{Cid, CidCodec},
	dag::{BlockKind, Component, ContentFormat, ModelId, NewBlock, NewBlocks, Parents},
	learning::{self, Domain, DomainName, Finding, Gate, NanoBits, Report, ValidationPool, BIT_PER_BYTE},
	submission::Envelope,
	worker::Role,
	Balance, Hash,
};
use polkadot_sdk::{
	frame_support::{
		self, assert_ok, derive_impl, parameter_types,
		traits::{
			fungible::{hold::Inspect, Inspect as _},
			Hooks,
		},
		weights::Weight,
		BoundedVec,
	},
	frame_system, pallet_balances,
	sp_core::{ConstU128, ConstU32, ConstU64},
	sp_io::TestExternalities,
	sp_runtime::BuildStorage,
};
use std::collections::BTreeMap;

pub mod reserve;
pub mod world;
pub use reserve::Reserve;
pub use world::World;

pub type AccountId = u64;
pub type BlockNumber = u64;
type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		ProofOfLearning: pallet_proof_of_learning,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<Balance>;
}

pub const EXISTENTIAL_DEPOSIT: Balance = 10;

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type AccountStore = System;
	type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
	type RuntimeHoldReason = RuntimeHoldReason;
}

parameter_types! {
	/// What deadlines may take at the start of a block; tests lower it.
	pub static ServiceWeight: Weight = Weight::MAX;
}

pub const MAX_OPEN_ROUNDS: u32 = 12;
pub const MAX_OPEN_ROUNDS_PER_TRAINER: u32 = 6;
pub const MAX_DUE_PER_BLOCK: u32 = 4;
pub const RETENTION: BlockNumber = 100;

impl Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Graph = World;
	type Workers = World;
	type Rewards = World;
	type Sealed = Reserve;
	type Credits = World;
	type Manifests = World;
	type Randomness = World;
	type MaxCommittee = ConstU32<7>;
	type MaxOpenRounds = ConstU32<MAX_OPEN_ROUNDS>;
	type MaxOpenRoundsPerTrainer = ConstU32<MAX_OPEN_ROUNDS_PER_TRAINER>;
	type MaxDuePerBlock = ConstU32<MAX_DUE_PER_BLOCK>;
	type ClosedRoundRetention = ConstU64<RETENTION>;
	type ServiceWeight = ServiceWeight;
	type WeightInfo = ();
}

pub const OWNER: AccountId = 1;
pub const TRAINER: AccountId = 10;
pub const OTHER_TRAINER: AccountId = 11;
pub const STRANGER: AccountId = 99;
/// Evaluators are numbered from here.
pub const FIRST_EVALUATOR: AccountId = 100;
pub const MODEL: ModelId = 0;
pub const ENDOWMENT: Balance = 100_000;
/// What one submission of [`blocks`] holds: 1,000, and 10 for each of two started MiB.
pub const BOND: Balance = 1_020;
pub const FEE: Balance = 100;

pub fn parameters() -> RoundParameters {
	RoundParameters {
		committee_size: 5,
		min_committee: 3,
		draw_delay: 2,
		commit_blocks: 10,
		reveal_blocks: 5,
		contest_blocks: 4,
		max_attempts: 3,
		max_draw_tries: 4,
		submission_bond: 1_000,
		bond_per_mib: 10,
		measurement_fee: FEE,
		work_bits: 0,
		work_blocks: 20,
		forgive_blocks: 50,
		max_measured: MAX_OPEN_ROUNDS,
		replacements: 1,
	}
}

pub fn terms() -> TrainingTerms {
	let domain = |name: &[u8]| Domain { name: DomainName::truncate_from(name.to_vec()), shards: 20 };
	TrainingTerms {
		pool: ValidationPool {
			content: Cid { codec: CidCodec::DagPb, digest: [7; 32] },
			shard_bytes: 512,
			domains: BoundedVec::truncate_from(vec![domain(b"prose"), domain(b"code")]),
		},
		gate: Gate {
			z_milli: 2_326,
			delta: 1_000_000,
			rho: 20_000_000,
			tolerance: 1_000_000,
			shards_per_domain: 4,
		},
		referee: Hash::repeat_byte(4),
	}
}

/// A component's block whose content differs with `number`.
pub fn block(number: u16, bytes: u64) -> NewBlock {
	let mut digest = [0; 32];
	digest[..2].copy_from_slice(&number.to_le_bytes());
	NewBlock {
		component: Component::Expert { layer: 0, index: number },
		kind: BlockKind::Update,
		parents: Parents::default(),
		content: Cid { codec: CidCodec::DagPb, digest },
		bytes,
		format: ContentFormat::TensorBlock,
		manifest_hash: Hash::zero(),
	}
}

/// Two blocks, of a MiB and one byte together.
pub fn blocks(number: u16) -> NewBlocks {
	NewBlocks::truncate_from(vec![block(2 * number, 1 << 20), block(2 * number + 1, 1)])
}

pub fn report(gain: NanoBits) -> Report {
	Report {
		baseline: 3 * BIT_PER_BYTE,
		gain,
		standard_error: 1_000_000,
		domain_gains: BoundedVec::truncate_from(vec![gain, gain]),
		losses_root: Hash::repeat_byte(3),
	}
}

pub fn measured(gain: NanoBits) -> Finding {
	Finding::Measured(report(gain))
}

/// Passes the gate.
pub const GOOD: NanoBits = 50_000_000;
/// Does not.
pub const NO_GAIN: NanoBits = 0;

pub fn salt(evaluator: AccountId) -> [u8; 32] {
	[evaluator as u8; 32]
}

pub struct ExtBuilder {
	evaluators: u64,
	parameters: RoundParameters,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		Self { evaluators: 5, parameters: parameters() }
	}
}

impl ExtBuilder {
	pub fn evaluators(self, evaluators: u64) -> Self {
		Self { evaluators, ..self }
	}

	pub fn parameters(self, change: impl FnOnce(&mut RoundParameters)) -> Self {
		let mut parameters = self.parameters;
		change(&mut parameters);
		Self { parameters, ..self }
	}

	pub fn build(self) -> TestExternalities {
		let evaluators = FIRST_EVALUATOR..FIRST_EVALUATOR + self.evaluators;
		let endowed = [OWNER, TRAINER, OTHER_TRAINER, STRANGER].into_iter().chain(evaluators.clone());
		let genesis = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances: endowed.map(|who| (who, ENDOWMENT)).collect(),
				..Default::default()
			},
			proof_of_learning: GenesisConfig { parameters: self.parameters, ..Default::default() },
			..Default::default()
		};
		let mut ext = TestExternalities::new(genesis.build_storage().unwrap());
		ext.execute_with(|| {
			ServiceWeight::set(Weight::MAX);
			System::set_block_number(1);
			World::register_model(MODEL, OWNER);
			World::register(TRAINER, Role::Trainer);
			World::register(OTHER_TRAINER, Role::Trainer);
			evaluators.for_each(|who| World::register(who, Role::Evaluator));
			let TrainingTerms { pool, gate, referee } = terms();
			assert_ok!(ProofOfLearning::open_training(
				RuntimeOrigin::signed(OWNER),
				MODEL,
				pool,
				gate,
				referee
			));
		});
		ext
	}

	/// Runs a test, and checks the invariants after it.
	pub fn build_and_execute(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			check_invariants();
		});
	}
}

/// The pallet's own invariants, and that engaged are exactly the members of running attempts.
pub fn check_invariants() {
	ProofOfLearning::do_try_state().unwrap();
	let mut seats = BTreeMap::<AccountId, u32>::new();
	for round in Rounds::<Test>::iter_values() {
		if round.is_engaged() {
			for seat in &round.committee {
				*seats.entry(seat.evaluator).or_default() += 1;
			}
		}
	}
	assert_eq!(World::engagements(), seats, "engaged are not exactly the members of running attempts");
}

/// Ends the block, with that much weight left over, and starts the next one.
pub fn next_block_with_idle(idle: Weight) {
	let now = System::block_number();
	ProofOfLearning::on_idle(now, idle);
	ProofOfLearning::on_finalize(now);
	System::set_block_number(now + 1);
	ProofOfLearning::on_initialize(now + 1);
	check_invariants();
}

pub fn next_block() {
	next_block_with_idle(Weight::MAX);
}

pub fn run_blocks(count: u64) {
	(0..count).for_each(|_| next_block());
}

pub fn run_to(block: BlockNumber) {
	while System::block_number() < block {
		next_block();
	}
}

pub fn get(id: RoundId) -> RoundOf<Test> {
	Rounds::<Test>::get(id).unwrap()
}

pub fn verdict(id: RoundId) -> Option<learning::Verdict> {
	match get(id).phase {
		Phase::Closed { verdict, .. } => Some(verdict),
		_ => None,
	}
}

pub fn committee(id: RoundId) -> Vec<AccountId> {
	get(id).committee.iter().map(|seat| seat.evaluator).collect()
}

/// Submits blocks that nobody submitted before.
pub fn submit(trainer: AccountId) -> RoundId {
	let id = NextRoundId::<Test>::get();
	assert_ok!(ProofOfLearning::submit(
		RuntimeOrigin::signed(trainer),
		MODEL,
		blocks(id as u16),
		Envelope::default()
	));
	id
}

/// Runs until the round has a committee.
pub fn run_to_draw(id: RoundId) {
	while get(id).phase == Phase::AwaitingDraw {
		next_block();
	}
	assert!(matches!(get(id).phase, Phase::Commit { .. }), "no committee was drawn");
}

/// Submits, and runs until the committee is drawn.
pub fn submit_and_draw(trainer: AccountId) -> RoundId {
	let id = submit(trainer);
	run_to_draw(id);
	id
}

pub fn commitment_of(evaluator: AccountId, id: RoundId, finding: &Finding) -> Hash {
	let round = get(id);
	learning::commitment(&evaluator, id, round.attempt, &round.blocks, finding, &salt(evaluator))
}

pub fn commit(evaluator: AccountId, id: RoundId, finding: &Finding) {
	let commitment = commitment_of(evaluator, id, finding);
	assert_ok!(ProofOfLearning::commit(RuntimeOrigin::signed(evaluator), id, commitment));
}

pub fn reveal(evaluator: AccountId, id: RoundId, finding: &Finding) {
	assert_ok!(ProofOfLearning::reveal(
		RuntimeOrigin::signed(evaluator),
		id,
		finding.clone(),
		salt(evaluator)
	));
}

/// Has the running attempt's committee, in its order, find that, and nobody contest it: `None` is absent.
pub fn find(id: RoundId, findings: &[Option<Finding>]) {
	let committee = committee(id);
	assert_eq!(committee.len(), findings.len());
	let present =
		|| committee.iter().zip(findings).filter_map(|(who, finding)| Some((*who, finding.as_ref()?)));
	let attempt = get(id).attempt;
	present().for_each(|(who, finding)| commit(who, id, finding));
	if let Phase::Commit { until } = get(id).phase {
		run_to(until + 1);
	}
	if get(id).attempt == attempt && matches!(get(id).phase, Phase::Reveal { .. }) {
		present().for_each(|(who, finding)| reveal(who, id, finding));
	}
	run_to_settlement(id);
}

/// Runs until what was found can be contested no more, if it can be.
pub fn run_to_settlement(id: RoundId) {
	if let Phase::Contest { until } = get(id).phase {
		run_to(until + 1);
	}
}

/// Has the whole committee find the same, and stops where that can be contested.
pub fn run_to_contest(id: RoundId, finding: Finding) {
	let members = committee(id);
	members.iter().for_each(|who| commit(*who, id, &finding));
	members.iter().for_each(|who| reveal(*who, id, &finding));
	assert!(matches!(get(id).phase, Phase::Contest { .. }), "nothing can be contested");
}

/// Has the whole committee find the same.
pub fn find_all(id: RoundId, finding: Finding) {
	let count = committee(id).len();
	find(id, &vec![Some(finding); count]);
}

pub fn held(who: AccountId) -> Balance {
	Balances::balance_on_hold(&HoldReason::SubmissionBond.into(), &who)
}

pub fn total(who: AccountId) -> Balance {
	Balances::total_balance(&who)
}

/// The pallet's events so far, oldest first.
pub fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::ProofOfLearning(event) => Some(event),
			_ => None,
		})
		.collect()
}

pub fn assert_event(event: Event<Test>) {
	assert!(events().contains(&event), "{event:?} is not among {:#?}", events());
}

/// The least that lets deadlines of any kind be served, one a block.
pub fn one_step() -> Weight {
	<()>::serve_slot().saturating_add(crate::impls::step::Step::max_due_weight::<Test>())
}
