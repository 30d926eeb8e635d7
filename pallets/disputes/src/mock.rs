//! A runtime with this pallet, the rounds, the workers and balances. The graph, the rewards and the randomness are
//! a small [`World`].

use crate as pallet_disputes;
use crate::*;
use blyan_primitives::{
	architecture::{Architecture, ExpertCount},
	cid::{Cid, CidCodec},
	dag::{
		Block as ModelBlock, BlockId, BlockIds, BlockKind, Component, ContentFormat, ModelId, NewBlock,
		NewBlocks, Parents, SubmissionId,
	},
	draw::draw_shards,
	learning::{
		self, Domain, DomainName, Finding, Gate, Purpose, RefereeFinding, Report, ShardLosses,
		ValidationPool, BIT_PER_BYTE,
	},
	migration::Migration,
	submission::Envelope,
	traits::{
		AcceptedWork, AuditRewards, AuditedWork, CreditReason, LearningCredits, LearningRewards, ModelGraph,
		ModelState,
	},
	worker::{Endpoint, Role, Roles},
	Balance, Hash,
};
use pallet_proof_of_learning::{Phase, RoundParameters, TrainingTerms};
use polkadot_sdk::{
	frame_support::{
		self, assert_ok, derive_impl, parameter_types, storage_alias,
		traits::{
			fungible::{hold::Inspect, Inspect as _},
			Hooks, Randomness,
		},
		weights::Weight,
		BoundedVec, Twox64Concat,
	},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	pallet_balances,
	sp_core::{ConstU128, ConstU32, ConstU64},
	sp_io::TestExternalities,
	sp_runtime::{
		traits::{BlakeTwo256, Hash as _},
		BuildStorage, DispatchError, DispatchResult,
	},
};

pub type AccountId = u64;
pub type BlockNumber = u64;
type Block = frame_system::mocking::MockBlock<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		WorkersPallet: pallet_workers,
		ProofOfLearning: pallet_proof_of_learning,
		DisputesPallet: pallet_disputes,
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
	/// What this pallet's deadlines may take in a block; tests lower it.
	pub static ServiceWeight: Weight = Weight::MAX;
	pub const RoundServiceWeight: Weight = Weight::MAX;
}

impl pallet_workers::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Slashed = ();
	type MaxWorkers = ConstU32<200>;
	type WeightInfo = ();
}

impl pallet_proof_of_learning::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Graph = World;
	type Sealed = ();
	type Workers = WorkersPallet;
	type Rewards = World;
	type Credits = World;
	type Manifests = ();
	type Randomness = World;
	type MaxCommittee = ConstU32<7>;
	type MaxOpenRounds = ConstU32<12>;
	type MaxOpenRoundsPerTrainer = ConstU32<12>;
	type MaxDuePerBlock = ConstU32<12>;
	type ClosedRoundRetention = ConstU64<1_000>;
	type ServiceWeight = RoundServiceWeight;
	type WeightInfo = ();
}

pub const MAX_OPEN: u32 = 5;
pub const MAX_PER_ROUND: u32 = 3;

impl Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Rounds = ProofOfLearning;
	type Workers = WorkersPallet;
	type Credits = World;
	type Randomness = World;
	type MaxReferees = ConstU32<11>;
	type MaxOpenDisputes = ConstU32<MAX_OPEN>;
	type MaxDisputesPerRound = ConstU32<MAX_PER_ROUND>;
	type ServiceWeight = ServiceWeight;
	type WeightInfo = ();
}

/// The pallets that the runtime has and this mock has not.
pub struct World;

#[storage_alias]
type Blocks = StorageMap<World, Twox64Concat, BlockId, ()>;
#[storage_alias]
type Generation = StorageValue<World, u64>;
/// How many blocks ago the randomness became known; `None` where there is none.
#[storage_alias]
type RandomnessAge = StorageValue<World, Option<BlockNumber>>;
#[storage_alias]
type Granted = StorageValue<World, Vec<(AccountId, CreditReason)>>;

impl World {
	/// What learning credits were granted for.
	pub fn granted() -> Vec<(AccountId, CreditReason)> {
		Granted::get().unwrap_or_default()
	}

	pub fn set_randomness_age(age: Option<BlockNumber>) {
		RandomnessAge::put(age);
	}
}

impl ModelGraph<AccountId> for World {
	fn model(_: ModelId) -> Option<ModelState> {
		let experts = ExpertCount { min: 4, current: 4, max: 8 };
		let architecture = Architecture::byte_level(2, experts, 2, 128, 256, 4, 128);
		let generation = Generation::get().unwrap_or_default() as _;
		Some(ModelState { architecture, generation, root: BlakeTwo256::hash_of(&generation) })
	}

	fn is_owner(_: ModelId, who: &AccountId) -> bool {
		*who == OWNER
	}

	fn insert(
		model: ModelId,
		_: SubmissionId,
		trainer: &AccountId,
		blocks: NewBlocks,
		_: &Purpose,
	) -> Result<BlockIds, DispatchError> {
		let ids = blocks.into_iter().map(|block| ModelBlock::from_new(model, *trainer, block).id());
		Ok(BlockIds::truncate_from(ids.inspect(|id| Blocks::insert(id, ())).collect()))
	}

	fn rollback(_: ModelId, _: SubmissionId, _: &[BlockId]) -> Result<NewBlocks, DispatchError> {
		Err(DispatchError::Unavailable)
	}

	fn fits(_: ModelId, _: &[BlockId], _: Option<Migration>) -> bool {
		true
	}

	fn accept(_: ModelId, _: SubmissionId, _: &[BlockId], _: Option<Migration>) -> DispatchResult {
		Generation::put(Generation::get().unwrap_or_default() + 1);
		Ok(())
	}

	fn reject(_: &[BlockId]) -> DispatchResult {
		Ok(())
	}

	fn withdraw(_: &[BlockId]) -> DispatchResult {
		Ok(())
	}

	fn lineage(_: BlockId, _: u32) -> Vec<AccountId> {
		Vec::new()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_model(_: &AccountId) -> ModelId {
		MODEL
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_blocks(_: ModelId, count: u32) -> NewBlocks {
		NewBlocks::truncate_from((0..count).map(|number| block(number as u16)).collect())
	}
}

impl LearningRewards<AccountId> for World {
	fn accrue_accepted(_: AcceptedWork<AccountId>) {}
}

impl AuditRewards<AccountId> for World {
	fn accrue_audit(_: &AccountId, _: Balance, _: AuditedWork) {}
}

impl LearningCredits<AccountId> for World {
	fn grant(who: &AccountId, reason: CreditReason) {
		Granted::append((*who, reason));
	}

	fn spend(_: &AccountId, _: u64) -> DispatchResult {
		Err(DispatchError::Unavailable)
	}
}

impl Randomness<Option<Hash>, BlockNumberFor<Test>> for World {
	fn random(subject: &[u8]) -> (Option<Hash>, BlockNumber) {
		let now = System::block_number();
		match RandomnessAge::get().unwrap_or(Some(1)) {
			Some(age) => (Some(BlakeTwo256::hash_of(&(now - age, subject))), now - age),
			None => (None, now - 1),
		}
	}
}

pub const OWNER: AccountId = 1;
pub const TRAINER: AccountId = 10;
/// Contests, and is no worker.
pub const CHALLENGER: AccountId = 20;
pub const OTHER_CHALLENGER: AccountId = 21;
/// Evaluators are numbered from here.
pub const FIRST_EVALUATOR: AccountId = 100;
pub const EVALUATORS: u64 = 16;
pub const MODEL: ModelId = 0;
pub const ENDOWMENT: Balance = 1_000_000;
pub const WORKER_BOND: Balance = 100_000;
/// What losing a dispute costs a worker whose bond is whole.
pub const SLASH: Balance = WORKER_BOND / 20;
/// What it costs a worker who accepted a canary.
pub const CANARY_SLASH: Balance = WORKER_BOND / 10;
/// What a challenger holds: twice that, for it is more than the least bond.
pub const BOND: Balance = 2 * CANARY_SLASH;
pub const REFEREES: u32 = 5;
pub const SHARDS: u32 = 8;
/// Blocks in which a round can be contested.
pub const CONTEST: BlockNumber = 6;

pub fn parameters() -> DisputeParameters {
	DisputeParameters {
		bond: 1_000,
		opening_blocks: 4,
		draw_delay: 2,
		commit_blocks: 6,
		reveal_blocks: 3,
		referees: REFEREES,
		max_attempts: 2,
		max_draw_tries: 3,
	}
}

/// Longest that a dispute can take, with a block between its steps.
pub fn longest_dispute() -> BlockNumber {
	let p = parameters();
	let attempt = p.draw_delay * p.max_draw_tries + (p.commit_blocks + 1) + (p.reveal_blocks + 1);
	u64::from(p.opening_blocks + 1 + p.max_attempts * attempt)
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
			tolerance: TOLERANCE,
			shards_per_domain: SHARDS / 2,
		},
		referee: Hash::repeat_byte(4),
	}
}

pub const TOLERANCE: i64 = 1_000_000;

fn block(number: u16) -> NewBlock {
	let mut digest = [0; 32];
	digest[..2].copy_from_slice(&number.to_le_bytes());
	NewBlock {
		component: Component::Expert { layer: 0, index: number },
		kind: BlockKind::Update,
		parents: Parents::default(),
		content: Cid { codec: CidCodec::DagPb, digest },
		bytes: 1,
		format: ContentFormat::TensorBlock,
		manifest_hash: Hash::zero(),
	}
}

/// What is measured of each shard: some differ from others, and the candidate is better.
pub fn truth() -> Vec<ShardLosses> {
	(0..i64::from(SHARDS))
		.map(|n| {
			let baseline = 3 * BIT_PER_BYTE + n * 10_000_000;
			ShardLosses { baseline, candidate: baseline - 50_000_000 }
		})
		.collect()
}

/// The same, but for the first shard, which says that the candidate is far better.
pub fn lie() -> Vec<ShardLosses> {
	let mut losses = truth();
	losses[0].candidate -= 800_000_000;
	losses
}

pub fn report_of(round: RoundId, losses: &[ShardLosses]) -> Report {
	let draw = pallet_proof_of_learning::Rounds::<Test>::get(round).unwrap().draw.unwrap();
	let TrainingTerms { pool, gate, .. } = draw.terms;
	Report::of_losses(&pool, &gate, &draw_shards(draw.seed, &pool, &gate), losses)
}

pub struct ExtBuilder {
	evaluators: u64,
	parameters: DisputeParameters,
	terms: TrainingTerms,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		Self { evaluators: EVALUATORS, parameters: parameters(), terms: terms() }
	}
}

impl ExtBuilder {
	pub fn evaluators(self, evaluators: u64) -> Self {
		Self { evaluators, ..self }
	}

	pub fn parameters(mut self, change: impl FnOnce(&mut DisputeParameters)) -> Self {
		change(&mut self.parameters);
		self
	}

	pub fn without_reference(mut self) -> Self {
		self.terms.referee = Hash::zero();
		self
	}

	pub fn build(self) -> TestExternalities {
		let evaluators = FIRST_EVALUATOR..FIRST_EVALUATOR + self.evaluators;
		let endowed = [OWNER, TRAINER, CHALLENGER, OTHER_CHALLENGER].into_iter().chain(evaluators.clone());
		let rounds = RoundParameters {
			committee_size: 5,
			min_committee: 5,
			draw_delay: 2,
			commit_blocks: 10,
			reveal_blocks: 5,
			contest_blocks: CONTEST as u32,
			max_attempts: 2,
			max_draw_tries: 4,
			submission_bond: 1_000,
			bond_per_mib: 10,
			measurement_fee: 100,
			work_bits: 0,
			..Default::default()
		};
		let genesis = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances: endowed.map(|who| (who, ENDOWMENT)).collect(),
				..Default::default()
			},
			workers_pallet: pallet_workers::GenesisConfig {
				parameters: pallet_workers::WorkerParameters { min_bond: 1_000, unbonding_blocks: 10 },
				..Default::default()
			},
			proof_of_learning: pallet_proof_of_learning::GenesisConfig {
				parameters: rounds,
				..Default::default()
			},
			disputes_pallet: GenesisConfig { parameters: self.parameters, ..Default::default() },
			..Default::default()
		};
		let mut ext = TestExternalities::new(genesis.build_storage().unwrap());
		ext.execute_with(|| {
			ServiceWeight::set(Weight::MAX);
			System::set_block_number(1);
			register(TRAINER, Role::Trainer);
			evaluators.for_each(|who| register(who, Role::Evaluator));
			let TrainingTerms { pool, gate, referee } = self.terms;
			let owner = RuntimeOrigin::signed(OWNER);
			assert_ok!(ProofOfLearning::open_training(owner, MODEL, pool, gate, referee));
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

pub fn register(who: AccountId, role: Role) {
	assert_ok!(WorkersPallet::register(
		RuntimeOrigin::signed(who),
		Roles::default().with(role),
		Hash::from_low_u64_be(who),
		[1; 32],
		Endpoint::truncate_from(b"http://127.0.0.1:1".to_vec()),
		WORKER_BOND,
	));
}

/// The invariants of this pallet and of the rounds, and that engaged are exactly the members of committees and
/// the referees.
pub fn check_invariants() {
	DisputesPallet::do_try_state().unwrap();
	#[cfg(feature = "try-runtime")]
	ProofOfLearning::do_try_state().unwrap();
	let committees = pallet_proof_of_learning::Rounds::<Test>::iter_values()
		.filter(|round| round.is_engaged())
		.flat_map(|round| round.committee.into_iter().map(|seat| seat.evaluator))
		.collect::<Vec<_>>();
	let referees = Disputes::<Test>::iter_values()
		.flat_map(|dispute| dispute.referees.into_iter().map(|seat| seat.referee))
		.collect::<Vec<_>>();
	for (who, worker) in pallet_workers::Workers::<Test>::iter() {
		let engaged = committees.iter().chain(&referees).filter(|member| **member == who).count();
		assert_eq!(worker.engagements as usize, engaged, "{who} is engaged otherwise than drawn");
	}
}

pub fn next_block() {
	let now = System::block_number();
	ProofOfLearning::on_idle(now, Weight::MAX);
	System::set_block_number(now + 1);
	ProofOfLearning::on_initialize(now + 1);
	DisputesPallet::on_initialize(now + 1);
	check_invariants();
}

pub fn run_blocks(count: u64) {
	(0..count).for_each(|_| next_block());
}

/// What a member of a committee measures, by its seat.
pub type Measures<'a> = &'a dyn Fn(usize) -> Vec<ShardLosses>;

pub fn submit_round() -> RoundId {
	let round = pallet_proof_of_learning::NextRoundId::<Test>::get();
	let blocks = NewBlocks::truncate_from(vec![block(round as u16)]);
	assert_ok!(ProofOfLearning::submit(RuntimeOrigin::signed(TRAINER), MODEL, blocks, Envelope::default()));
	round
}

/// Submits, and runs until a committee is drawn.
pub fn draw_round() -> RoundId {
	let round = submit_round();
	while round_of(round).phase == Phase::AwaitingDraw {
		next_block();
	}
	round
}

/// Has the committee measure that.
pub fn measure(round: RoundId, measures: Measures<'_>) {
	let members = committee(round);
	let finding = |seat| Finding::Measured(report_of(round, &measures(seat)));
	let (attempt, blocks) = (round_of(round).attempt, round_of(round).blocks);
	for (seat, who) in members.iter().enumerate() {
		let hash = learning::commitment(who, round, attempt, &blocks, &finding(seat), &[0; 32]);
		assert_ok!(ProofOfLearning::commit(RuntimeOrigin::signed(*who), round, hash));
	}
	if !matches!(round_of(round).phase, Phase::Reveal { .. }) {
		// The head moved meanwhile.
		return;
	}
	for (seat, who) in members.iter().enumerate() {
		assert_ok!(ProofOfLearning::reveal(RuntimeOrigin::signed(*who), round, finding(seat), [0; 32]));
	}
}

/// A round that can be contested, in which the member in the first seat lied and the others did not.
pub fn round_with_liar() -> (RoundId, Vec<AccountId>) {
	let round = draw_round();
	measure(round, &|seat| if seat == 0 { lie() } else { truth() });
	(round, committee(round))
}

pub fn round_of(round: RoundId) -> pallet_proof_of_learning::RoundOf<Test> {
	pallet_proof_of_learning::Rounds::<Test>::get(round).unwrap()
}

pub fn committee(round: RoundId) -> Vec<AccountId> {
	round_of(round).committee.iter().map(|seat| seat.evaluator).collect()
}

pub fn get(id: DisputeId) -> DisputeOf<Test> {
	Disputes::<Test>::get(id).unwrap()
}

pub fn is_open(id: DisputeId) -> bool {
	Disputes::<Test>::contains_key(id)
}

pub fn referees(id: DisputeId) -> Vec<AccountId> {
	get(id).referees.iter().map(|seat| seat.referee).collect()
}

/// [`CHALLENGER`] contests the first shard.
pub fn contest(round: RoundId, accused: AccountId) -> DisputeId {
	let id = NextDisputeId::<Test>::get();
	assert_ok!(DisputesPallet::contest(RuntimeOrigin::signed(CHALLENGER), round, accused, 0));
	id
}

pub fn all_losses(losses: Vec<ShardLosses>) -> learning::AllLosses {
	BoundedVec::truncate_from(losses)
}

pub fn open(id: DisputeId, losses: Vec<ShardLosses>) {
	let accused = RuntimeOrigin::signed(get(id).accused);
	assert_ok!(DisputesPallet::open(accused, id, all_losses(losses)));
}

/// Contests the first shard, has it opened, and runs until there are referees.
pub fn contest_to_referees(round: RoundId, accused: AccountId, losses: Vec<ShardLosses>) -> DisputeId {
	let id = contest(round, accused);
	open(id, losses);
	while get(id).stage == Stage::AwaitingReferees {
		next_block();
	}
	id
}

pub fn exact() -> RefereeFinding {
	RefereeFinding::Exact(truth()[0])
}

pub fn commitment_of(referee: AccountId, id: DisputeId, finding: RefereeFinding) -> Hash {
	learning::referee_commitment(&referee, id, get(id).attempt, &finding, &[referee as u8; 32])
}

pub fn commit(referee: AccountId, id: DisputeId, finding: RefereeFinding) {
	let hash = commitment_of(referee, id, finding);
	assert_ok!(DisputesPallet::commit(RuntimeOrigin::signed(referee), id, hash));
}

pub fn reveal(referee: AccountId, id: DisputeId, finding: RefereeFinding) {
	let salt = [referee as u8; 32];
	assert_ok!(DisputesPallet::reveal(RuntimeOrigin::signed(referee), id, finding, salt));
}

/// Has the referees, in the order of their seats, find that, and runs until their attempt is over: `None` is
/// absent.
pub fn judge(id: DisputeId, findings: &[Option<RefereeFinding>]) {
	let (members, attempt) = (referees(id), get(id).attempt);
	assert_eq!(members.len(), findings.len());
	let present = || members.iter().zip(findings).filter_map(|(who, finding)| Some((*who, (*finding)?)));
	present().for_each(|(who, finding)| commit(who, id, finding));
	let is_running = |commits| {
		Disputes::<Test>::get(id).is_some_and(|dispute| {
			dispute.attempt == attempt && matches!(dispute.stage, Stage::Commit { .. }) == commits
		})
	};
	while is_running(true) {
		next_block();
	}
	if is_running(false) {
		present().for_each(|(who, finding)| reveal(who, id, finding));
	}
	while is_running(false) {
		next_block();
	}
}

pub fn held(who: AccountId) -> Balance {
	Balances::balance_on_hold(&HoldReason::DisputeBond.into(), &who)
}

pub fn total(who: AccountId) -> Balance {
	Balances::total_balance(&who)
}

/// The pallet's events so far, oldest first.
pub fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::DisputesPallet(event) => Some(event),
			_ => None,
		})
		.collect()
}

#[track_caller]
pub fn assert_event(event: Event<Test>) {
	assert!(events().contains(&event), "{event:?} is not among {:#?}", events());
}

/// The least that lets deadlines of any kind be served, one a block.
pub fn one_step() -> Weight {
	<()>::serve_list().saturating_add(crate::impls::step::Step::max_weight::<Test>())
}
