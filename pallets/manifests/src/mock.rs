//! A runtime with this pallet, the workers and balances. The graph, the rewards and the randomness are a small
//! [`World`]; submissions come by the seam by which rounds bring them.

use crate as pallet_manifests;
use crate::*;
use blyan_primitives::{
	cid::{Cid, CidCodec},
	dag::{
		BlockId, BlockIds, BlockKind, Component, ContentFormat, ModelId, NewBlock, NewBlocks, Parents,
		SubmissionId,
	},
	datasets::Tier,
	learning::Purpose,
	manifest::{self, DatasetUse, DatasetUses, ManifestFinding, TrainingManifest},
	migration::Migration,
	traits::{
		ApprovedDataset, AuditRewards, AuditedWork, DataOutcomes, DataRewards, DatasetRegistry, LearnedFrom,
		ManifestAudits, ModelGraph, ModelState, VerifiedData,
	},
	worker::{Endpoint, Role, Roles},
	Balance, Hash,
};
use polkadot_sdk::{
	frame_support::{
		self, assert_ok, derive_impl, parameter_types, storage_alias,
		traits::{fungible::Inspect, Hooks, Randomness},
		weights::Weight,
		Blake2_128Concat, Twox64Concat,
	},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	pallet_balances,
	sp_core::{ConstU128, ConstU32},
	sp_io::TestExternalities,
	sp_runtime::{
		traits::{BlakeTwo256, Hash as _},
		BuildStorage, DispatchError, DispatchResult, Perbill,
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
		ManifestsPallet: pallet_manifests,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type AccountStore = System;
	type ExistentialDeposit = ConstU128<10>;
	type RuntimeHoldReason = RuntimeHoldReason;
}

parameter_types! {
	/// What this pallet's deadlines may take in a block; tests lower it.
	pub static ServiceWeight: Weight = Weight::MAX;
	/// Long enough for the default ban; tests shorten it to [`KEPT`].
	pub static Retention: BlockNumber = 50_000;
}

impl pallet_workers::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Slashed = ();
	type MaxWorkers = ConstU32<200>;
	type WeightInfo = ();
}

pub const MAX_OPEN: u32 = 5;
pub const KEPT: BlockNumber = 60;

impl Config for Test {
	type Graph = World;
	type Workers = WorkersPallet;
	type Datasets = World;
	type Outcomes = World;
	type OnVerified = World;
	type Audits = World;
	type Randomness = World;
	type MaxAuditors = ConstU32<7>;
	type MaxOpenAudits = ConstU32<MAX_OPEN>;
	type Retention = Retention;
	type ServiceWeight = ServiceWeight;
	type WeightInfo = ();
}

/// The pallets that the runtime has and this mock has not.
pub struct World;

/// How many blocks ago the randomness became known; `None` where there is none.
#[storage_alias]
type RandomnessAge = StorageValue<World, Option<BlockNumber>>;
/// By submission: what its contributors were to be paid when that was told.
#[storage_alias]
type Verified = StorageMap<World, Twox64Concat, SubmissionId, Vec<(DatasetId, AccountId, Perbill)>>;
/// What is approved: length, contributor and tier.
#[storage_alias]
type Approved = StorageMap<World, Blake2_128Concat, DatasetId, (u64, AccountId, Tier)>;
/// What was told to have been learned: the last is whether it was accepted.
#[storage_alias]
type Learned = StorageMap<World, Twox64Concat, SubmissionId, (AccountId, DatasetUses, u64, bool)>;
#[storage_alias]
type Fees = StorageValue<World, Vec<(AccountId, Balance, SubmissionId)>>;

impl World {
	pub fn set_randomness_age(age: Option<BlockNumber>) {
		RandomnessAge::put(age);
	}

	/// Submissions whose data was told to be paid, with the shares at that moment.
	pub fn verified() -> Vec<(SubmissionId, Vec<(DatasetId, AccountId, Perbill)>)> {
		let mut verified = Verified::iter().collect::<Vec<_>>();
		verified.sort_by_key(|(submission, _)| *submission);
		verified
	}

	/// Submissions that were told to have learned, and whether they were accepted.
	pub fn learned() -> Vec<(SubmissionId, bool)> {
		let mut learned = Learned::iter().map(|(submission, told)| (submission, told.3)).collect::<Vec<_>>();
		learned.sort();
		learned
	}

	/// What was told of a submission: trainer, datasets, sequences.
	pub fn told_of(submission: SubmissionId) -> (AccountId, DatasetUses, u64) {
		let (trainer, uses, samples, _) = Learned::get(submission).expect("it was told of");
		(trainer, uses, samples)
	}

	pub fn fees() -> Vec<(AccountId, Balance, SubmissionId)> {
		Fees::get().unwrap_or_default()
	}
}

impl DataRewards for World {
	fn data_verified(submission: SubmissionId) {
		assert!(!Verified::contains_key(submission), "told twice");
		Verified::insert(submission, shares(submission).expect("it was just verified"));
	}
}

/// What the rewards would see of a submission.
pub fn shares(submission: SubmissionId) -> Option<Vec<(DatasetId, AccountId, Perbill)>> {
	let shares = ManifestsPallet::shares(submission)?.into_iter();
	Some(shares.map(|one| (one.dataset, one.contributor, one.share)).collect())
}

impl DatasetRegistry<AccountId> for World {
	fn approved(dataset: DatasetId) -> Option<ApprovedDataset<AccountId>> {
		let (bytes, contributor, tier) = Approved::get(dataset)?;
		Some(ApprovedDataset { bytes, contributor, tier, score: 1 })
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_dataset(number: u32) -> DatasetId {
		approve(number as u8, AccountId::from(number));
		dataset(number as u8)
	}
}

impl DataOutcomes<AccountId> for World {
	fn learned(from: LearnedFrom<AccountId>) {
		assert!(!Learned::contains_key(from.submission), "told twice");
		assert_eq!(from.model, MODEL);
		let uses = DatasetUses::truncate_from(from.uses.to_vec());
		Learned::insert(from.submission, (*from.trainer, uses, from.samples, from.is_accepted));
	}
}

impl AuditRewards<AccountId> for World {
	fn accrue_audit(who: &AccountId, amount: Balance, work: AuditedWork) {
		let AuditedWork::Submission(submission) = work else { panic!("no dataset is audited here") };
		Fees::append((who, amount, submission));
	}
}

/// Who owns the model of a benchmark.
#[storage_alias]
type BenchmarkOwner = StorageValue<World, AccountId>;

impl ModelGraph<AccountId> for World {
	fn model(_: ModelId) -> Option<ModelState> {
		None
	}

	fn is_owner(model: ModelId, who: &AccountId) -> bool {
		model == MODEL && (*who == OWNER || BenchmarkOwner::get() == Some(*who))
	}

	fn insert(
		_: ModelId,
		_: SubmissionId,
		_: &AccountId,
		_: NewBlocks,
		_: &Purpose,
	) -> Result<BlockIds, DispatchError> {
		Err(DispatchError::Unavailable)
	}

	fn rollback(_: ModelId, _: SubmissionId, _: &[BlockId]) -> Result<NewBlocks, DispatchError> {
		Err(DispatchError::Unavailable)
	}

	fn fits(_: ModelId, _: &[BlockId], _: Option<Migration>) -> bool {
		true
	}

	fn accept(_: ModelId, _: SubmissionId, _: &[BlockId], _: Option<Migration>) -> DispatchResult {
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
	fn benchmark_model(owner: &AccountId) -> ModelId {
		BenchmarkOwner::put(owner);
		MODEL
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_blocks(_: ModelId, count: u32) -> NewBlocks {
		NewBlocks::truncate_from((0..count).map(|_| block()).collect())
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
pub const CONTRIBUTOR: AccountId = 2;
pub const OTHER_CONTRIBUTOR: AccountId = 3;
pub const TRAINER: AccountId = 10;
pub const OTHER_TRAINER: AccountId = 11;
pub const STRANGER: AccountId = 99;
/// Auditors are numbered from here.
pub const FIRST_AUDITOR: AccountId = 100;
pub const AUDITORS: u64 = 8;
pub const MODEL: ModelId = 0;
pub const ENDOWMENT: Balance = 1_000_000;
pub const WORKER_BOND: Balance = 100_000;
/// What a manifest that does not match costs a trainer whose bond is whole.
pub const SLASH: Balance = WORKER_BOND / 10;
pub const FEE: Balance = 7;
pub const BAN: BlockNumber = 40;
pub const STEPS: u32 = 500;

pub fn parameters() -> AuditParameters {
	AuditParameters {
		auditors: 3,
		sample: Perbill::from_percent(1),
		min_sample: 4,
		draw_delay: 2,
		commit_blocks: 6,
		reveal_blocks: 3,
		max_attempts: 2,
		max_draw_tries: 3,
		ban_blocks: BAN as u32,
		fee: FEE,
	}
}

/// Longest that an audit can take, with a block between its steps.
pub fn longest_audit() -> BlockNumber {
	let p = parameters();
	let attempt = p.draw_delay * p.max_draw_tries + (p.commit_blocks + 1) + (p.reveal_blocks + 1);
	u64::from(p.max_attempts * attempt)
}

pub fn dataset(number: u8) -> DatasetId {
	Cid { codec: CidCodec::DagPb, digest: [number; 32] }
}

pub fn uses(weights: &[(u8, u32)]) -> DatasetUses {
	let uses = weights
		.iter()
		.map(|(number, percent)| DatasetUse {
			dataset: dataset(*number),
			weight: Perbill::from_percent(*percent),
		})
		.collect();
	DatasetUses::truncate_from(uses)
}

/// Of the two datasets that are listed at genesis.
pub fn manifest() -> TrainingManifest {
	TrainingManifest {
		document: dataset(9),
		document_bytes: 1_000,
		document_hash: Hash::repeat_byte(9),
		datasets: uses(&[(1, 30), (2, 70)]),
		sequence: 128,
		batch: 16,
		steps: STEPS,
		seed: 7,
		batches_root: Hash::repeat_byte(3),
	}
}

pub fn block() -> NewBlock {
	NewBlock {
		component: Component::Backbone,
		kind: BlockKind::Update,
		parents: Parents::truncate_from(vec![Hash::repeat_byte(5)]),
		content: dataset(8),
		bytes: 1,
		format: ContentFormat::TensorBlock,
		manifest_hash: manifest().document_hash,
	}
}

pub fn blocks() -> NewBlocks {
	NewBlocks::truncate_from(vec![block()])
}

pub struct ExtBuilder {
	auditors: u64,
	parameters: AuditParameters,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		Self { auditors: AUDITORS, parameters: parameters() }
	}
}

impl ExtBuilder {
	pub fn auditors(self, auditors: u64) -> Self {
		Self { auditors, ..self }
	}

	pub fn parameters(mut self, change: impl FnOnce(&mut AuditParameters)) -> Self {
		change(&mut self.parameters);
		self
	}

	pub fn build(self) -> TestExternalities {
		Retention::set(KEPT);
		let auditors = FIRST_AUDITOR..FIRST_AUDITOR + self.auditors;
		let endowed = [OWNER, CONTRIBUTOR, TRAINER, OTHER_TRAINER, STRANGER].into_iter();
		let genesis = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances: endowed.chain(auditors.clone()).map(|who| (who, ENDOWMENT)).collect(),
				..Default::default()
			},
			workers_pallet: pallet_workers::GenesisConfig {
				parameters: pallet_workers::WorkerParameters { min_bond: 1_000, unbonding_blocks: 10 },
				..Default::default()
			},
			manifests_pallet: GenesisConfig { parameters: self.parameters, ..Default::default() },
			..Default::default()
		};
		let mut ext = TestExternalities::new(genesis.build_storage().unwrap());
		ext.execute_with(|| {
			ServiceWeight::set(Weight::MAX);
			System::set_block_number(1);
			register(TRAINER, Role::Trainer);
			register(OTHER_TRAINER, Role::Trainer);
			auditors.for_each(|who| register(who, Role::Auditor));
			approve(1, CONTRIBUTOR);
			approve(2, OTHER_CONTRIBUTOR);
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

pub fn approve(number: u8, contributor: AccountId) {
	approve_as(number, contributor, Tier::Silver);
}

pub fn approve_as(number: u8, contributor: AccountId, tier: Tier) {
	Approved::insert(dataset(number), (10_000, contributor, tier));
}

pub fn quarantine(number: u8) {
	Approved::remove(dataset(number));
}

/// The invariants of this pallet, and that engaged are exactly the auditors and the trainers of open audits.
pub fn check_invariants() {
	ManifestsPallet::do_try_state().unwrap();
	let mut expected = Vec::new();
	for audit in Audits::<Test>::iter_values() {
		if audit.is_open() {
			expected.push(audit.trainer);
		}
		if audit.is_engaged() {
			expected.extend(audit.auditors.iter().map(|seat| seat.member));
		}
	}
	for (who, worker) in pallet_workers::Workers::<Test>::iter() {
		let engaged = expected.iter().filter(|other| **other == who).count();
		assert_eq!(worker.engagements as usize, engaged, "{who} is engaged otherwise than drawn");
	}
}

pub fn next_block() {
	let now = System::block_number();
	ManifestsPallet::on_idle(now, Weight::MAX);
	System::set_block_number(now + 1);
	ManifestsPallet::on_initialize(now + 1);
	check_invariants();
}

pub fn run_blocks(count: u64) {
	(0..count).for_each(|_| next_block());
}

/// As rounds do it, and rolled back as a call is if it is refused.
pub fn try_open(
	round: RoundId,
	trainer: AccountId,
	purpose: Purpose,
	manifest: Option<TrainingManifest>,
) -> DispatchResult {
	frame_support::storage::with_storage_layer(|| {
		ManifestsPallet::opened(round, MODEL, &trainer, &blocks(), &purpose, manifest)
	})
}

/// A submission with a manifest.
pub fn open(round: RoundId) {
	assert_ok!(try_open(round, TRAINER, Purpose::Improvement, Some(manifest())));
}

/// The same, until auditors are drawn.
pub fn open_and_draw(round: RoundId) -> Vec<AccountId> {
	open(round);
	while get(round).stage == Stage::AwaitingDraw {
		next_block();
	}
	auditors(round)
}

pub fn get(round: RoundId) -> AuditOf<Test> {
	Audits::<Test>::get(round).unwrap()
}

pub fn auditors(round: RoundId) -> Vec<AccountId> {
	get(round).auditors.iter().map(|seat| seat.member).collect()
}

pub const MATCH: ManifestFinding = ManifestFinding::Match;
pub const TORN: ManifestFinding = ManifestFinding::Mismatch { batch: None };

/// The `place`-th batch of the sample is another.
pub fn forged(round: RoundId, place: usize) -> ManifestFinding {
	ManifestFinding::Mismatch { batch: Some(get(round).sample[place]) }
}

pub fn commitment_of(auditor: AccountId, round: RoundId, finding: ManifestFinding) -> Hash {
	manifest::commitment(&auditor, round, get(round).attempt, &finding, &[auditor as u8; 32])
}

pub fn try_commit(auditor: AccountId, round: RoundId, finding: ManifestFinding) -> DispatchResult {
	let hash = commitment_of(auditor, round, finding);
	ManifestsPallet::commit(RuntimeOrigin::signed(auditor), round, hash)
}

pub fn try_reveal(auditor: AccountId, round: RoundId, finding: ManifestFinding) -> DispatchResult {
	let salt = [auditor as u8; 32];
	ManifestsPallet::reveal(RuntimeOrigin::signed(auditor), round, finding, salt)
}

/// Has the auditors, in the order of their seats, find that, and runs until their attempt is over: `None` is
/// absent.
pub fn judge(round: RoundId, findings: &[Option<ManifestFinding>]) {
	let (members, attempt) = (auditors(round), get(round).attempt);
	assert_eq!(members.len(), findings.len());
	let present = || members.iter().zip(findings).filter_map(|(who, finding)| Some((*who, (*finding)?)));
	present().for_each(|(who, finding)| try_commit(who, round, finding).unwrap());
	let is_in = |commits: bool| {
		let audit = get(round);
		let is_such = match audit.stage {
			Stage::Commit { .. } => commits,
			Stage::Reveal { .. } => !commits,
			_ => false,
		};
		audit.attempt == attempt && is_such
	};
	while is_in(true) {
		next_block();
	}
	if is_in(false) {
		present().for_each(|(who, finding)| try_reveal(who, round, finding).unwrap());
	}
	while is_in(false) {
		next_block();
	}
}

pub fn total(who: AccountId) -> Balance {
	Balances::total_balance(&who)
}

/// The pallet's events so far, oldest first.
pub fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::ManifestsPallet(event) => Some(event),
			_ => None,
		})
		.collect()
}

#[track_caller]
pub fn assert_event(event: Event<Test>) {
	assert!(events().contains(&event), "{event:?} is not among {:#?}", events());
}

/// Who was found at fault so far, and of what.
pub fn faults() -> Vec<(AccountId, blyan_primitives::worker::Fault)> {
	events()
		.into_iter()
		.filter_map(|event| match event {
			Event::AuditorFaulted { auditor, fault, .. } => Some((auditor, fault)),
			_ => None,
		})
		.collect()
}

/// The least that lets deadlines of any kind be served, one a block.
pub fn one_step() -> Weight {
	<()>::serve_list().saturating_add(crate::impls::step::Step::max_weight::<Test>())
}
