//! A runtime with this pallet, the workers and balances. Rewards, the court and the randomness are a small [`World`].

use crate as pallet_datasets;
use crate::*;
use blyan_primitives::{
	cid::{Cid, CidCodec},
	datasets::{
		dataset_commitment, DatasetFinding, DatasetOffer, DatasetStage, Licence, OfferWork, QualityReport,
		Tier,
	},
	traits::{AppealCourt, AuditRewards, AuditedWork, CreditReason, LearningCredits},
	worker::{Endpoint, Fault, Role, Roles},
	Balance, Hash,
};
use polkadot_sdk::{
	frame_support::{
		self, assert_ok, derive_impl,
		dispatch::DispatchResultWithPostInfo,
		parameter_types, storage_alias,
		traits::{
			fungible::{hold::Inspect, Inspect as _},
			EitherOfDiverse, Hooks, Randomness,
		},
		weights::Weight,
		BoundedVec,
	},
	frame_system::{self, pallet_prelude::BlockNumberFor, EnsureRoot},
	pallet_balances,
	sp_core::{ConstU128, ConstU32},
	sp_io::TestExternalities,
	sp_runtime::{
		traits::{BlakeTwo256, Hash as _},
		BuildStorage, DispatchError, DispatchResult, Perbill,
	},
};

pub type AccountId = u64;
type Block = frame_system::mocking::MockBlockU32<Test>;

frame_support::construct_runtime!(
	pub enum Test {
		System: frame_system,
		Balances: pallet_balances,
		WorkersPallet: pallet_workers,
		DatasetsPallet: pallet_datasets,
	}
);

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type BlockHashCount = ConstU32<256>;
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
	/// Places in line; tests of crowds have more.
	pub static MaxLine: u32 = 8;
}

impl pallet_workers::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Slashed = ();
	type MaxWorkers = ConstU32<200>;
	type WeightInfo = ();
}

frame_support::ord_parameter_types! {
	pub const Firefighter: AccountId = 7;
}

impl Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Workers = WorkersPallet;
	type Audits = World;
	type Credits = World;
	type Court = World;
	type DecideOrigin = EnsureRoot<AccountId>;
	type EmergencyOrigin =
		EitherOfDiverse<EnsureRoot<AccountId>, frame_system::EnsureSignedBy<Firefighter, AccountId>>;
	type Randomness = World;
	type MaxAuditors = ConstU32<7>;
	type MaxLine = MaxLine;
	type MaxRunning = ConstU32<32>;
	type ServiceWeight = ServiceWeight;
	type WeightInfo = ();
}

/// The pallets that the runtime has and this mock has not.
pub struct World;

/// How many blocks ago the randomness became known; `None` where there is none.
#[storage_alias]
type RandomnessAge = StorageValue<World, Option<u32>>;
#[storage_alias]
type Fees = StorageValue<World, Vec<(AccountId, Balance, AuditedWork)>>;
#[storage_alias]
type Granted = StorageValue<World, Vec<(AccountId, CreditReason)>>;
#[storage_alias]
type Cases = StorageValue<World, Vec<(DatasetId, AccountId)>>;
#[storage_alias]
type CourtClosed = StorageValue<World, bool>;

impl World {
	pub fn set_randomness_age(age: Option<u32>) {
		RandomnessAge::put(age);
	}

	pub fn close_court() {
		CourtClosed::put(true);
	}

	pub fn fees() -> Vec<(AccountId, Balance)> {
		let fees = Fees::get().unwrap_or_default();
		fees.into_iter().map(|(who, amount, _)| (who, amount)).collect()
	}

	pub fn granted() -> Vec<(AccountId, CreditReason)> {
		Granted::get().unwrap_or_default()
	}

	pub fn cases() -> Vec<(DatasetId, AccountId)> {
		Cases::get().unwrap_or_default()
	}
}

impl AuditRewards<AccountId> for World {
	fn accrue_audit(who: &AccountId, amount: Balance, work: AuditedWork) {
		Fees::append((who, amount, work));
	}
}

impl LearningCredits<AccountId> for World {
	fn grant(who: &AccountId, reason: CreditReason) {
		Granted::append((*who, reason));
	}

	fn spend(_: &AccountId, _: u64) -> DispatchResult {
		Err(DispatchError::Unavailable)
	}
}

impl AppealCourt<AccountId> for World {
	fn open(dataset: DatasetId, appellant: &AccountId) -> DispatchResult {
		if CourtClosed::get().unwrap_or_default() {
			return Err(DispatchError::Unavailable);
		}
		Cases::append((dataset, appellant));
		Ok(())
	}
}

impl Randomness<Option<Hash>, BlockNumberFor<Test>> for World {
	fn random(subject: &[u8]) -> (Option<Hash>, u32) {
		let now = System::block_number();
		match RandomnessAge::get().unwrap_or(Some(1)) {
			Some(age) => {
				(Some(BlakeTwo256::hash_of(&(now.saturating_sub(age), subject))), now.saturating_sub(age))
			}
			None => (None, now - 1),
		}
	}
}

pub const CONTRIBUTOR: AccountId = 2;
pub const OTHER: AccountId = 3;
/// A contributor that is a worker too.
pub const WORKER_CONTRIBUTOR: AccountId = 4;
pub const FIREFIGHTER: AccountId = 7;
pub const STRANGER: AccountId = 99;
/// Auditors are numbered from here; they vote too.
pub const FIRST_AUDITOR: AccountId = 100;
pub const AUDITORS: u64 = 8;
pub const ENDOWMENT: Balance = 1_000_000;
pub const WORKER_BOND: Balance = 100_000;
pub const VOTE_DEPOSIT: Balance = 100;
pub const VOTE_REWARD: Balance = 200;
pub const APPEAL_DEPOSIT: Balance = 10_000;
pub const FEE: Balance = 7;

pub fn parameters() -> DatasetParameters {
	DatasetParameters {
		auditors: 3,
		max_audits: 2,
		max_rescans: 1,
		draw_delay: 2,
		commit_blocks: 6,
		reveal_blocks: 3,
		max_attempts: 2,
		max_draw_tries: 3,
		audit_fee: FEE,
		vote_blocks: 10,
		extension_blocks: 5,
		quorum: Perbill::from_percent(30),
		vote_deposit: VOTE_DEPOSIT,
		vote_reward: VOTE_REWARD,
		appeal_blocks: 20,
		decision_blocks: 30,
		appeal_deposit: APPEAL_DEPOSIT,
		rescan_blocks: 100,
		day_blocks: 1_000,
		quotas: Quotas { newcomer: 20, trusted: 200, expert: 1_000 },
		work_bits: 0,
		work_blocks: 50,
		usual_offers: 8,
		..DatasetParameters::default()
	}
}

/// Longest that a dataset can take from the beginning of its audit to the end of its vote, with a block between steps.
pub fn longest_life() -> u32 {
	let p = parameters();
	let attempt = p.draw_delay * p.max_draw_tries + (p.commit_blocks + 2) + (p.reveal_blocks + 2);
	p.max_attempts * attempt + p.vote_blocks + p.extension_blocks + 4
}

pub fn cid(number: u32) -> DatasetId {
	let mut digest = [0; 32];
	digest[..4].copy_from_slice(&number.to_le_bytes());
	Cid { codec: CidCodec::Raw, digest }
}

fn text<const N: u32>(text: &str) -> BoundedVec<u8, ConstU32<N>> {
	BoundedVec::truncate_from(text.as_bytes().to_vec())
}

pub fn name(name: &str) -> Name {
	text(name)
}

/// The offer of content of that number, of a name of its own.
pub fn offer(number: u32) -> DatasetOffer {
	DatasetOffer {
		content: cid(number),
		document_bytes: 900,
		bytes: 1 << 23,
		samples: 1_000,
		name: text(&format!("set-{number}")),
		version: SemVer { major: 1, minor: 0, patch: 0 },
		licence: text("CC0-1.0"),
		domain: text("computing"),
		languages: BoundedVec::truncate_from(vec![*b"eng"]),
	}
}

pub fn report() -> QualityReport {
	QualityReport {
		rules: 1,
		records: 1_000,
		samples: 1_000,
		diversity: 900_000,
		licence: Licence::Verified,
		..Default::default()
	}
}

/// A report that is good enough for gold.
pub fn good() -> DatasetFinding {
	DatasetFinding::Report(report())
}

pub fn found(change: impl FnOnce(&mut QualityReport)) -> DatasetFinding {
	let mut report = report();
	change(&mut report);
	DatasetFinding::Report(report)
}

pub struct ExtBuilder {
	auditors: u64,
	parameters: DatasetParameters,
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

	pub fn parameters(mut self, change: impl FnOnce(&mut DatasetParameters)) -> Self {
		change(&mut self.parameters);
		self
	}

	pub fn build(self) -> TestExternalities {
		let auditors = FIRST_AUDITOR..FIRST_AUDITOR + self.auditors;
		let endowed = [CONTRIBUTOR, OTHER, WORKER_CONTRIBUTOR, FIREFIGHTER, STRANGER].into_iter();
		let genesis = RuntimeGenesisConfig {
			balances: pallet_balances::GenesisConfig {
				balances: endowed.chain(auditors.clone()).map(|who| (who, ENDOWMENT)).collect(),
				..Default::default()
			},
			workers_pallet: pallet_workers::GenesisConfig {
				parameters: pallet_workers::WorkerParameters { min_bond: 1_000, unbonding_blocks: 10 },
				..Default::default()
			},
			datasets_pallet: GenesisConfig { parameters: self.parameters, ..Default::default() },
			..Default::default()
		};
		let mut ext = TestExternalities::new(genesis.build_storage().unwrap());
		ext.execute_with(|| {
			ServiceWeight::set(Weight::MAX);
			MaxLine::set(8);
			System::set_block_number(1);
			register(WORKER_CONTRIBUTOR, Role::Trainer);
			auditors.for_each(|who| register(who, Role::Auditor));
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

/// The invariants of this pallet, and that engaged are exactly the auditors of running audits.
pub fn check_invariants() {
	DatasetsPallet::do_try_state().unwrap();
	let seated = Audits::<Test>::iter_values().flat_map(|audit| audit.seats.into_inner());
	let expected = seated.map(|seat| seat.member).collect::<Vec<_>>();
	for (who, worker) in pallet_workers::Workers::<Test>::iter() {
		let engaged = expected.iter().filter(|other| **other == who).count();
		assert_eq!(worker.engagements as usize, engaged, "{who} is engaged otherwise than drawn");
	}
}

pub fn next_block() {
	let now = System::block_number();
	DatasetsPallet::on_idle(now, Weight::MAX);
	System::set_block_number(now + 1);
	DatasetsPallet::on_initialize(now + 1);
	check_invariants();
}

pub fn run_blocks(count: u32) {
	(0..count).for_each(|_| next_block());
}

/// Goes on until that is so, for as long as any one thing may take.
#[track_caller]
pub fn run_until(is_so: impl Fn() -> bool) {
	for _ in 0..longest_life() {
		if is_so() {
			return;
		}
		next_block();
	}
	assert!(is_so(), "it did not come to that");
}

pub fn try_offer(who: AccountId, offer: DatasetOffer) -> DispatchResultWithPostInfo {
	DatasetsPallet::offer(RuntimeOrigin::signed(who), offer, OfferWork::default())
}

/// Offers content of that number.
pub fn offer_by(who: AccountId, number: u32) -> DatasetId {
	assert_ok!(try_offer(who, offer(number)));
	cid(number)
}

pub fn get(id: DatasetId) -> DatasetOf<Test> {
	Datasets::<Test>::get(id).unwrap()
}

pub fn stage(id: DatasetId) -> DatasetStage<u32> {
	get(id).stage
}

pub fn audit(id: DatasetId) -> AuditOf<Test> {
	Audits::<Test>::get(id).unwrap()
}

pub fn auditors(id: DatasetId) -> Vec<AccountId> {
	audit(id).seats.iter().map(|seat| seat.member).collect()
}

/// Runs until auditors of a dataset are drawn.
pub fn draw(id: DatasetId) -> Vec<AccountId> {
	run_until(|| Audits::<Test>::get(id).is_some_and(|audit| audit.phase != Phase::AwaitingDraw));
	auditors(id)
}

/// An offer of the contributor whose auditors are drawn.
pub fn offer_and_draw(number: u32) -> (DatasetId, Vec<AccountId>) {
	let id = offer_by(CONTRIBUTOR, number);
	(id, draw(id))
}

pub fn commitment_of(who: AccountId, id: DatasetId, finding: &DatasetFinding) -> Hash {
	let audit = audit(id);
	dataset_commitment(&who, &id, audit.number, audit.attempt, finding, &[who as u8; 32])
}

pub fn try_commit(who: AccountId, id: DatasetId, finding: &DatasetFinding) -> DispatchResult {
	DatasetsPallet::commit(RuntimeOrigin::signed(who), id, commitment_of(who, id, finding))
}

pub fn try_reveal(who: AccountId, id: DatasetId, finding: &DatasetFinding) -> DispatchResult {
	DatasetsPallet::reveal(RuntimeOrigin::signed(who), id, finding.clone(), [who as u8; 32])
}

/// Has the drawn auditors, in the order of their seats, find that, and runs until their attempt is over: `None` is
/// absent.
pub fn judge(id: DatasetId, findings: &[Option<DatasetFinding>]) {
	let members = draw(id);
	let attempt = audit(id).attempt;
	assert_eq!(members.len(), findings.len());
	let present =
		|| members.iter().zip(findings).filter_map(|(who, finding)| Some((*who, finding.as_ref()?)));
	present().for_each(|(who, finding)| try_commit(who, id, finding).unwrap());
	let is_in = |commits: bool| {
		Audits::<Test>::get(id).is_some_and(|audit| {
			let is_such = match audit.phase {
				Phase::Commit { .. } => commits,
				Phase::Reveal { .. } => !commits,
				Phase::AwaitingDraw => false,
			};
			audit.attempt == attempt && is_such
		})
	};
	run_until(|| !is_in(true));
	if is_in(false) {
		present().for_each(|(who, finding)| try_reveal(who, id, finding).unwrap());
	}
	run_until(|| !is_in(false));
}

/// The same with everybody finding the same.
pub fn judge_all(id: DatasetId, finding: DatasetFinding) {
	judge(id, &[Some(finding.clone()), Some(finding.clone()), Some(finding)]);
}

/// A dataset of that contributor that is voted on, found to be that.
pub fn in_vote_of(who: AccountId, number: u32, finding: DatasetFinding) -> DatasetId {
	let id = offer_by(who, number);
	judge_all(id, finding);
	assert!(matches!(stage(id), DatasetStage::Vote { .. }), "{:?}", stage(id));
	id
}

/// The same of the contributor, good enough for gold.
pub fn in_vote(number: u32) -> DatasetId {
	in_vote_of(CONTRIBUTOR, number, good())
}

pub fn try_vote(who: AccountId, id: DatasetId, aye: bool) -> DispatchResult {
	DatasetsPallet::vote(RuntimeOrigin::signed(who), id, aye)
}

/// Has the first auditors vote, so many for and so many against.
pub fn vote(id: DatasetId, ayes: u64, nays: u64) {
	for place in 0..ayes + nays {
		assert_ok!(try_vote(FIRST_AUDITOR + place, id, place < ayes));
	}
}

/// Runs until the vote is over.
pub fn close_vote(id: DatasetId) {
	run_until(|| !matches!(stage(id), DatasetStage::Vote { .. }));
}

/// A dataset of that contributor that is approved as gold.
pub fn approved_of(who: AccountId, number: u32) -> DatasetId {
	let id = in_vote_of(who, number, good());
	vote(id, 4, 0);
	close_vote(id);
	assert!(matches!(stage(id), DatasetStage::Approved { tier: Tier::Gold, .. }));
	id
}

/// The same of the contributor.
pub fn approved(number: u32) -> DatasetId {
	approved_of(CONTRIBUTOR, number)
}

/// A dataset of the contributor that was turned away.
pub fn rejected(number: u32) -> DatasetId {
	let id = offer_by(CONTRIBUTOR, number);
	judge_all(id, DatasetFinding::NotAsDeclared);
	id
}

pub fn held(who: AccountId, reason: HoldReason) -> Balance {
	Balances::balance_on_hold(&reason.into(), &who)
}

pub fn total(who: AccountId) -> Balance {
	Balances::total_balance(&who)
}

/// The pallet's events so far, oldest first.
pub fn events() -> Vec<Event<Test>> {
	System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::DatasetsPallet(event) => Some(event),
			_ => None,
		})
		.collect()
}

#[track_caller]
pub fn assert_event(event: Event<Test>) {
	assert!(events().contains(&event), "{event:?} is not among {:#?}", events());
}

/// Who was found at fault so far, and of what.
pub fn faults() -> Vec<(AccountId, Fault)> {
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
	DatasetsPallet::least_service_weight()
}
