//! A runtime with this pallet, the rounds, the disputes, the workers, the rewards and balances. The graph, the
//! validators and the randomness are a small [`World`].

use crate as pallet_canaries;
use crate::*;
use blyan_primitives::{
	architecture::{Architecture, ExpertCount},
	canary::{self, CanaryKey, LotProof, PeriodNumber},
	cid::{Cid, CidCodec},
	dag::{
		Block as ModelBlock, BlockId, BlockIds, BlockKind, Component, ContentFormat, ModelId, NewBlock,
		NewBlocks, Parents, SubmissionId,
	},
	draw::draw_shards,
	economy::BLY,
	learning::{
		self, Domain, DomainName, Finding, Gate, NanoBits, Purpose, Report, ShardLosses, ValidationPool,
		Verdict, BIT_PER_BYTE,
	},
	migration::Migration,
	submission::Envelope,
	traits::{ModelGraph, ModelState, Validators},
	worker::{Endpoint, Role, Roles},
	Balance, Hash,
};
use pallet_proof_of_learning::{Phase, RoundParameters, TrainingTerms};
use polkadot_sdk::{
	frame_support::{
		self, assert_ok, derive_impl, parameter_types,
		storage::with_transaction,
		storage_alias,
		traits::{
			fungible::{hold::Inspect, Inspect as _},
			Hooks, Randomness,
		},
		weights::Weight,
		BoundedVec, Twox64Concat,
	},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	pallet_balances,
	sp_core::{sr25519::Pair, ConstU128, ConstU32, ConstU64, Pair as _},
	sp_io::TestExternalities,
	sp_runtime::{
		traits::{BlakeTwo256, Hash as _},
		BuildStorage, DispatchError, DispatchResult, Perbill, TransactionOutcome,
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
		Disputes: pallet_disputes,
		Rewards: pallet_rewards,
		Canaries: pallet_canaries,
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
	pub const Unlimited: Weight = Weight::MAX;
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
	type Workers = WorkersPallet;
	type Rewards = Rewards;
	type Credits = Rewards;
	type Sealed = ();
	type Manifests = ();
	type Randomness = World;
	type MaxCommittee = ConstU32<5>;
	type MaxOpenRounds = ConstU32<40>;
	type MaxOpenRoundsPerTrainer = ConstU32<40>;
	type MaxDuePerBlock = ConstU32<12>;
	type ClosedRoundRetention = ConstU64<1_000>;
	type ServiceWeight = Unlimited;
	type WeightInfo = ();
}

impl pallet_disputes::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Rounds = ProofOfLearning;
	type Workers = WorkersPallet;
	type Credits = Rewards;
	type Randomness = World;
	type MaxReferees = ConstU32<11>;
	type MaxOpenDisputes = ConstU32<20>;
	type MaxDisputesPerRound = ConstU32<5>;
	type ServiceWeight = Unlimited;
	type WeightInfo = ();
}

impl pallet_rewards::Config for Test {
	type Currency = Balances;
	type Data = ();
	type Purses = ();
	type MaxOpenClaims = ConstU32<64>;
	type WeightInfo = ();
}

pub const DEPOSIT: Balance = 500;
pub const MAX_PERIODS: u32 = 6;

impl Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Rounds = ProofOfLearning;
	type Validators = World;
	type Randomness = World;
	type KeyDeposit = ConstU128<DEPOSIT>;
	type MaxPeriods = ConstU32<MAX_PERIODS>;
	type WeightInfo = ();
}

/// The pallets that the runtime has and this mock has not.
pub struct World;

#[storage_alias]
type Blocks = StorageMap<World, Twox64Concat, BlockId, ()>;
#[storage_alias]
type Generation = StorageValue<World, u64>;
#[storage_alias]
type IsValidator = StorageMap<World, Twox64Concat, AccountId, ()>;
/// How many blocks ago the randomness became known; `None` where there is none.
#[storage_alias]
type RandomnessAge = StorageValue<World, Option<BlockNumber>>;

impl World {
	pub fn set_randomness_age(age: Option<BlockNumber>) {
		RandomnessAge::put(age);
	}

	pub fn set_validator(who: AccountId, is_validator: bool) {
		match is_validator {
			true => IsValidator::insert(who, ()),
			false => IsValidator::remove(who),
		}
	}

	/// How often the heads have moved.
	pub fn generation() -> u64 {
		Generation::get().unwrap_or_default()
	}
}

impl Validators<AccountId> for World {
	fn is_validator(who: &AccountId) -> bool {
		IsValidator::contains_key(who)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_validator(who: &AccountId) {
		Self::set_validator(*who, true);
	}
}

impl ModelGraph<AccountId> for World {
	fn model(_: ModelId) -> Option<ModelState> {
		let experts = ExpertCount { min: 4, current: 4, max: 8 };
		let architecture = Architecture::byte_level(2, experts, 2, 128, 256, 4, 128);
		let generation = Self::generation() as _;
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
		Generation::put(Self::generation() + 1);
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

impl Randomness<Option<Hash>, BlockNumberFor<Test>> for World {
	fn random(subject: &[u8]) -> (Option<Hash>, BlockNumber) {
		let now = System::block_number();
		match RandomnessAge::get().unwrap_or(Some(1)) {
			Some(age) => {
				let known_since = now.saturating_sub(age);
				(Some(BlakeTwo256::hash_of(&(known_since, subject))), known_since)
			}
			None => (None, now - 1),
		}
	}
}

pub const OWNER: AccountId = 1;
pub const TRAINER: AccountId = 10;
/// Validators, of whom the first has a key from genesis on, as far as tests see.
pub const PLANTER: AccountId = 30;
pub const OTHER_PLANTER: AccountId = 31;
pub const STRANGER: AccountId = 99;
/// Evaluators are numbered from here.
pub const FIRST_EVALUATOR: AccountId = 100;
pub const EVALUATORS: u64 = 12;
pub const MODEL: ModelId = 0;
pub const ENDOWMENT: Balance = 1_000_000;
pub const WORKER_BOND: Balance = 100_000;
pub const FEE: Balance = 100;
pub const REWARD: Balance = 40;
pub const PERIOD: BlockNumber = 10;
/// Blocks in which a round can be contested.
pub const CONTEST: BlockNumber = 6;

pub const GOOD: NanoBits = 50_000_000;
pub const WORSE: NanoBits = -GOOD;

pub fn parameters() -> CanaryParameters {
	CanaryParameters { period_blocks: PERIOD as u32, chance: Perbill::one(), reward: REWARD }
}

pub fn terms() -> TrainingTerms {
	TrainingTerms {
		pool: ValidationPool {
			content: Cid { codec: CidCodec::DagPb, digest: [7; 32] },
			shard_bytes: 512,
			domains: BoundedVec::truncate_from(vec![Domain { name: DomainName::default(), shards: 20 }]),
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

pub fn block(number: u16) -> NewBlock {
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

/// The canary key of an account, one of several.
pub fn pair_of(who: AccountId, number: u8) -> Pair {
	Pair::from_seed(&BlakeTwo256::hash_of(&(who, number)).0)
}

pub fn key_of(who: AccountId) -> CanaryKey {
	pair_of(who, 0).public().0
}

pub fn set_key(who: AccountId, number: u8) -> DispatchResult {
	let pair = pair_of(who, number);
	let ownership = canary::prove_ownership(&pair, &who);
	Canaries::set_key(RuntimeOrigin::signed(who), pair.public().0, ownership)
}

/// The lot of an account's first key.
pub fn lot_of(who: AccountId, period: PeriodNumber) -> LotProof {
	canary::draw(&pair_of(who, 0), period, &Periods::<Test>::get(period).unwrap().randomness).1
}

pub struct ExtBuilder {
	pub parameters: CanaryParameters,
	pub referee: Hash,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		Self { parameters: parameters(), referee: terms().referee }
	}
}

impl ExtBuilder {
	pub fn chance(mut self, chance: Perbill) -> Self {
		self.parameters.chance = chance;
		self
	}

	pub fn without_reference(mut self) -> Self {
		self.referee = Hash::zero();
		self
	}

	/// A chain in its first block.
	pub fn build(self) -> TestExternalities {
		let evaluators = FIRST_EVALUATOR..FIRST_EVALUATOR + EVALUATORS;
		let endowed =
			[OWNER, TRAINER, PLANTER, OTHER_PLANTER, STRANGER].into_iter().chain(evaluators.clone());
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
			measurement_fee: FEE,
			work_bits: 0,
			..Default::default()
		};
		let disputes = pallet_disputes::DisputeParameters {
			bond: 1_000,
			opening_blocks: 4,
			commit_blocks: 6,
			reveal_blocks: 3,
			referees: 5,
			..Default::default()
		};
		let rewards = pallet_rewards::RewardParameters {
			epoch_blocks: 1_000,
			min_payout: EXISTENTIAL_DEPOSIT,
			learning_rate: BLY,
			claim_expiry_epochs: 3,
			..Default::default()
		};
		let genesis = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				// What the rewards' epochs issue is a share of.
				balances: endowed
					.map(|who| (who, ENDOWMENT))
					.chain([(BIG_HOLDER, 1_000_000 * BLY)])
					.collect(),
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
			disputes: pallet_disputes::GenesisConfig { parameters: disputes, ..Default::default() },
			rewards: pallet_rewards::GenesisConfig { parameters: rewards, ..Default::default() },
			canaries: GenesisConfig { parameters: self.parameters, ..Default::default() },
			..Default::default()
		};
		let mut ext = TestExternalities::new(genesis.build_storage().unwrap());
		#[cfg(feature = "runtime-benchmarks")]
		{
			use polkadot_sdk::sp_keystore::{testing::MemoryKeystore, KeystoreExt};
			ext.register_extension(KeystoreExt::new(MemoryKeystore::new()));
		}
		ext.execute_with(|| {
			System::set_block_number(1);
			Rewards::on_initialize(1);
			Canaries::on_initialize(1);
			register(TRAINER, Role::Trainer);
			evaluators.for_each(|who| register(who, Role::Evaluator));
			World::set_validator(PLANTER, true);
			World::set_validator(OTHER_PLANTER, true);
			let TrainingTerms { pool, gate, .. } = terms();
			let owner = RuntimeOrigin::signed(OWNER);
			assert_ok!(ProofOfLearning::open_training(owner, MODEL, pool, gate, self.referee));
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

	/// The same with a key of [`PLANTER`] that takes part, at the beginning of period 2.
	pub fn with_key(self, test: impl FnOnce()) {
		self.build_and_execute(|| {
			assert_ok!(set_key(PLANTER, 0));
			run_to_period(2);
			test();
		});
	}
}

/// Has what the rest of the supply is.
pub const BIG_HOLDER: AccountId = 1_000;

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

pub fn check_invariants() {
	Canaries::do_try_state().unwrap();
	#[cfg(feature = "try-runtime")]
	{
		use polkadot_sdk::frame_support::traits::{TryState, TryStateSelect};
		AllPalletsWithSystem::try_state(System::block_number(), TryStateSelect::All).unwrap();
	}
}

pub fn next_block() {
	let now = System::block_number();
	ProofOfLearning::on_idle(now, Weight::MAX);
	System::set_block_number(now + 1);
	ProofOfLearning::on_initialize(now + 1);
	Rewards::on_initialize(now + 1);
	Disputes::on_initialize(now + 1);
	Canaries::on_initialize(now + 1);
	check_invariants();
}

pub fn run_blocks(count: u64) {
	(0..count).for_each(|_| next_block());
}

pub fn period() -> PeriodNumber {
	CurrentPeriod::<Test>::get().unwrap()
}

/// Runs to the first block of a period.
pub fn run_to_period(number: PeriodNumber) {
	while CurrentPeriod::<Test>::get().is_none_or(|running| running < number) {
		next_block();
	}
}

pub const SALT: [u8; 32] = [7; 32];

/// Submits blocks that nobody submitted before, with that seal of them.
pub fn submit_sealed(seal: impl Fn(&[BlockId]) -> Hash) -> RoundId {
	let round = pallet_proof_of_learning::NextRoundId::<Test>::get();
	let block = block(round as u16);
	let ids = [ModelBlock::from_new(MODEL, TRAINER, block.clone()).id()];
	let envelope = Envelope { seal: seal(&ids), ..Envelope::default() };
	let blocks = NewBlocks::truncate_from(vec![block]);
	assert_ok!(ProofOfLearning::submit(RuntimeOrigin::signed(TRAINER), MODEL, blocks, envelope));
	round
}

/// Submits a canary of that planter's first key.
pub fn plant(who: AccountId) -> RoundId {
	submit_sealed(|blocks| canary::seal(&key_of(who), &TRAINER, blocks, &SALT))
}

pub fn round_of(round: RoundId) -> pallet_proof_of_learning::RoundOf<Test> {
	pallet_proof_of_learning::Rounds::<Test>::get(round).unwrap()
}

pub fn committee(round: RoundId) -> Vec<AccountId> {
	round_of(round).committee.iter().map(|seat| seat.evaluator).collect()
}

pub fn verdict(round: RoundId) -> Option<Verdict> {
	match round_of(round).phase {
		Phase::Closed { verdict, .. } => Some(verdict),
		_ => None,
	}
}

/// The losses by which every shard gains that much.
pub fn losses(gain: NanoBits) -> Vec<ShardLosses> {
	let baseline = 3 * BIT_PER_BYTE;
	vec![ShardLosses { baseline, candidate: baseline - gain }; 4]
}

pub fn report(round: RoundId, gain: NanoBits) -> Finding {
	let draw = round_of(round).draw.unwrap();
	let TrainingTerms { pool, gate, .. } = draw.terms;
	let shards = draw_shards(draw.seed, &pool, &gate);
	Finding::Measured(Report::of_losses(&pool, &gate, &shards, &losses(gain)))
}

pub fn run_to_draw(round: RoundId) {
	while round_of(round).phase == Phase::AwaitingDraw {
		next_block();
	}
}

/// Runs until there is a committee, and has each seat report that gain.
pub fn measure(round: RoundId, gains: [NanoBits; 5]) -> Vec<AccountId> {
	run_to_draw(round);
	let members = committee(round);
	let (attempt, blocks) = (round_of(round).attempt, round_of(round).blocks);
	for (who, gain) in members.iter().zip(gains) {
		let hash = learning::commitment(who, round, attempt, &blocks, &report(round, gain), &[0; 32]);
		assert_ok!(ProofOfLearning::commit(RuntimeOrigin::signed(*who), round, hash));
	}
	for (who, gain) in members.iter().zip(gains) {
		let origin = RuntimeOrigin::signed(*who);
		assert_ok!(ProofOfLearning::reveal(origin, round, report(round, gain), [0; 32]));
	}
	members
}

pub fn reveal(round: RoundId, who: AccountId, period: PeriodNumber) -> DispatchResult {
	let origin = RuntimeOrigin::signed(STRANGER);
	Canaries::reveal(origin, round, period, key_of(who), lot_of(who, period), SALT)
		.map(|_| ())
		.map_err(|error| error.error)
}

/// What [`reveal`] would come to, undone.
pub fn would_reveal(round: RoundId, who: AccountId, period: PeriodNumber) -> DispatchResult {
	with_transaction(|| TransactionOutcome::Rollback(Ok::<_, DispatchError>(reveal(round, who, period))))
		.unwrap()
}

/// Runs until the round is settled, unless it is kept open.
pub fn run_to_settlement(round: RoundId) {
	if let Phase::Contest { until } = round_of(round).phase {
		while System::block_number() <= until {
			next_block();
		}
	}
}

pub fn deposit_of(who: AccountId) -> Balance {
	Balances::balance_on_hold(&HoldReason::KeyDeposit.into(), &who)
}

pub fn total(who: AccountId) -> Balance {
	Balances::total_balance(&who)
}

/// What an account has claimed of the audit budget of the running epoch.
pub fn audits_of(who: AccountId) -> Balance {
	let epoch = pallet_rewards::CurrentEpoch::<Test>::get().unwrap().number;
	pallet_rewards::Claims::<Test>::get(epoch, who).map_or(0, |claim| claim.audits)
}

/// Who was at fault of what in a round, and what it cost.
pub fn faults() -> Vec<(AccountId, blyan_primitives::worker::Fault, Balance)> {
	let fault = |event| match event {
		RuntimeEvent::WorkersPallet(pallet_workers::Event::FaultNoted { worker, fault, slashed, .. }) => {
			Some((worker, fault, slashed))
		}
		_ => None,
	};
	System::events().into_iter().filter_map(|record| fault(record.event)).collect()
}

/// The pallet's events so far, oldest first.
pub fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Canaries(event) => Some(event),
			_ => None,
		})
		.collect()
}

#[track_caller]
pub fn assert_event(event: Event<Test>) {
	assert!(events().contains(&event), "{event:?} is not among {:#?}", events());
}
