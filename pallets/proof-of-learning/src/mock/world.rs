//! What the pallet sees of the others: models that move, workers who are drawn, rewards that are noted.

use super::{AccountId, BlockNumber, System};
use blyan_primitives::{
	architecture::{Architecture, ExpertCount},
	dag::{Block, BlockId, BlockIds, BlockKind, Generation, ModelId, NewBlocks, SubmissionId},
	draw::Lots,
	learning::{NanoBits, Purpose, Verdict},
	manifest::TrainingManifest,
	migration::Migration,
	traits::{
		AcceptedWork, AuditRewards, AuditedWork, CreditReason, LearningCredits, LearningRewards,
		ManifestAudits, ModelGraph, ModelState, WorkerRegistry,
	},
	worker::{Fault, Role, Roles, INITIAL_REPUTATION},
	Balance, Hash,
};
use codec::{Decode, Encode, MaxEncodedLen};
use polkadot_sdk::{
	frame_support::{
		ensure, storage_alias,
		traits::Randomness,
		{Blake2_128Concat, Twox64Concat},
	},
	frame_system::pallet_prelude::BlockNumberFor,
	sp_runtime::{
		traits::{BlakeTwo256, Hash as _},
		DispatchError, DispatchResult, Perbill,
	},
};
use scale_info::TypeInfo;
use std::collections::BTreeMap;

/// Where a block stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, MaxEncodedLen, TypeInfo)]
pub enum Standing {
	Candidate,
	Head,
	Rejected,
	Withdrawn,
}

/// What was accrued: submission, gain, trainer, lineage, evaluators.
pub type Accrual = (SubmissionId, NanoBits, AccountId, Vec<Vec<AccountId>>, Vec<AccountId>);

#[storage_alias]
type Models = StorageMap<World, Twox64Concat, ModelId, (AccountId, Generation)>;
#[storage_alias]
type Blocks = StorageMap<World, Twox64Concat, BlockId, Standing>;
/// By submission: its manifest, and how its round closed.
#[storage_alias]
type Manifests = StorageMap<World, Twox64Concat, SubmissionId, (Option<TrainingManifest>, Option<Verdict>)>;
#[storage_alias]
type RefusesManifests = StorageValue<World, bool>;
#[storage_alias]
type RefusesAcceptance = StorageValue<World, bool>;
#[storage_alias]
type Outdated = StorageValue<World, bool>;
#[storage_alias]
type Migrated = StorageValue<World, Migration>;
#[storage_alias]
type Workers = StorageMap<World, Blake2_128Concat, AccountId, Roles>;
#[storage_alias]
type Engagements = StorageMap<World, Blake2_128Concat, AccountId, u32>;
#[storage_alias]
type Faults = StorageValue<World, Vec<(AccountId, Fault)>>;
#[storage_alias]
type HonestWork = StorageValue<World, Vec<AccountId>>;
#[storage_alias]
type AcceptedOf = StorageValue<World, Vec<AccountId>>;
#[storage_alias]
type Reputations = StorageMap<World, Blake2_128Concat, AccountId, Perbill>;
#[storage_alias]
type TakenBack = StorageValue<World, Vec<AccountId>>;
#[storage_alias]
type Accruals = StorageValue<World, Vec<Accrual>>;
/// Who accrued how much of the audit budget, with which submission.
#[storage_alias]
type Audits = StorageValue<World, Vec<(AccountId, Balance, SubmissionId)>>;
#[storage_alias]
type Granted = StorageValue<World, Vec<(AccountId, CreditReason)>>;
/// How many blocks ago the randomness became known; `None` where there is none.
#[storage_alias]
type RandomnessAge = StorageValue<World, Option<BlockNumber>>;

/// The pallets that the runtime has and this mock has not.
pub struct World;

/// Why the world refuses to accept; one that keeps its meaning in an event.
pub const REFUSAL: DispatchError = DispatchError::Corruption;
pub const NOT_HEAD: DispatchError = DispatchError::Other("the world has no such head");
pub const DUPLICATE: DispatchError = DispatchError::Other("the world has this block");
/// What a full slash costs in this world.
pub const WORKER_BOND: Balance = 1_000;
/// Who trained the ancestors of every block, nearest first.
pub const ANCESTORS: [AccountId; 6] = [31, 32, 33, 34, 35, 36];

impl World {
	pub fn register_model(model: ModelId, owner: AccountId) {
		Models::insert(model, (owner, 0));
	}

	/// Another submission became head.
	pub fn move_heads(model: ModelId) {
		Models::mutate(model, |entry| entry.as_mut().unwrap().1 += 1);
	}

	pub fn generation(model: ModelId) -> Generation {
		Models::get(model).unwrap().1
	}

	pub fn standing(block: &BlockId) -> Standing {
		Blocks::get(block).unwrap()
	}

	pub fn refuse_acceptance() {
		RefusesAcceptance::put(true);
	}

	/// The model is changed under every block.
	pub fn outdate() {
		Outdated::put(true);
	}

	pub fn migrated() -> Option<Migration> {
		Migrated::get()
	}

	pub fn register(who: AccountId, role: Role) {
		let roles = Workers::get(who).unwrap_or_default();
		Workers::insert(who, roles.with(role));
	}

	pub fn engagements() -> BTreeMap<AccountId, u32> {
		Engagements::iter().collect()
	}

	pub fn faults() -> Vec<(AccountId, Fault)> {
		Faults::get().unwrap_or_default()
	}

	pub fn honest_work() -> Vec<AccountId> {
		HonestWork::get().unwrap_or_default()
	}

	/// Whose submissions were accepted.
	pub fn accepted_of() -> Vec<AccountId> {
		AcceptedOf::get().unwrap_or_default()
	}

	pub fn set_reputation(who: AccountId, reputation: Perbill) {
		Reputations::insert(who, reputation);
	}

	/// Who made what any rollback takes back.
	pub fn set_taken_back(trainers: &[AccountId]) {
		TakenBack::put(trainers.to_vec());
	}

	pub fn accruals() -> Vec<Accrual> {
		Accruals::get().unwrap_or_default()
	}

	pub fn audits() -> Vec<(AccountId, Balance, SubmissionId)> {
		Audits::get().unwrap_or_default()
	}

	/// What learning credits were granted for.
	pub fn granted() -> Vec<(AccountId, CreditReason)> {
		Granted::get().unwrap_or_default()
	}

	pub fn set_randomness_age(age: Option<BlockNumber>) {
		RandomnessAge::put(age);
	}

	fn settle(blocks: &[BlockId], standing: Standing) -> DispatchResult {
		for block in blocks {
			ensure!(Self::standing(block) == Standing::Candidate, "only a candidate can be settled");
			Blocks::insert(block, standing);
		}
		Ok(())
	}
}

impl ModelGraph<AccountId> for World {
	fn model(model: ModelId) -> Option<ModelState> {
		let (_, generation) = Models::get(model)?;
		let architecture =
			Architecture::byte_level(2, ExpertCount { min: 4, current: 4, max: 8 }, 2, 128, 256, 4, 128);
		Some(ModelState { architecture, generation, root: BlakeTwo256::hash_of(&(model, generation)) })
	}

	fn is_owner(model: ModelId, who: &AccountId) -> bool {
		Models::get(model).is_some_and(|(owner, _)| owner == *who)
	}

	fn insert(
		model: ModelId,
		_submission: SubmissionId,
		trainer: &AccountId,
		blocks: NewBlocks,
		purpose: &Purpose,
	) -> Result<BlockIds, DispatchError> {
		ensure!(blocks.iter().all(|block| purpose.takes_kind(block.kind)), "the blocks do not suit");
		let mut ids = BlockIds::default();
		for block in blocks {
			let id = Block::from_new(model, *trainer, block).id();
			ensure!(Blocks::get(id).is_none_or(|standing| standing == Standing::Withdrawn), DUPLICATE);
			Blocks::insert(id, Standing::Candidate);
			ids.try_push(id).unwrap();
		}
		Ok(ids)
	}

	fn rollback(
		_model: ModelId,
		submission: SubmissionId,
		blocks: &[BlockId],
	) -> Result<NewBlocks, DispatchError> {
		ensure!(blocks.iter().all(|block| Blocks::get(block) == Some(Standing::Head)), NOT_HEAD);
		let mut former = super::blocks(submission as u16);
		former.truncate(blocks.len());
		former.iter_mut().for_each(|block| block.kind = BlockKind::Rollback);
		Ok(former)
	}

	fn fits(_model: ModelId, _blocks: &[BlockId], _migration: Option<Migration>) -> bool {
		!Outdated::exists()
	}

	fn accept(
		model: ModelId,
		_submission: SubmissionId,
		blocks: &[BlockId],
		migration: Option<Migration>,
	) -> DispatchResult {
		Self::settle(blocks, Standing::Head)?;
		Self::move_heads(model);
		if let Some(migration) = migration {
			Migrated::put(migration);
		}
		// Only now: whoever calls this must not keep half of it.
		ensure!(!RefusesAcceptance::exists(), REFUSAL);
		Ok(())
	}

	fn reject(blocks: &[BlockId]) -> DispatchResult {
		Self::settle(blocks, Standing::Rejected)
	}

	fn withdraw(blocks: &[BlockId]) -> DispatchResult {
		Self::settle(blocks, Standing::Withdrawn)
	}

	fn lineage(_block: BlockId, depth: u32) -> Vec<AccountId> {
		ANCESTORS.into_iter().take(depth as usize).collect()
	}

	fn taken_back(_blocks: &[BlockId]) -> Vec<AccountId> {
		TakenBack::get().unwrap_or_default()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_model(owner: &AccountId) -> ModelId {
		Self::register_model(77, *owner);
		77
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_blocks(_model: ModelId, count: u32) -> NewBlocks {
		NewBlocks::truncate_from((0..count).map(|number| super::block(number as u16, 1)).collect())
	}
}

impl WorkerRegistry<AccountId> for World {
	fn has_role(who: &AccountId, role: Role) -> bool {
		Workers::get(who).is_some_and(|roles| roles.contains(role))
	}

	fn draw(role: Role, count: u32, seed: Hash, excluded: &[AccountId]) -> Vec<AccountId> {
		let mut hat = Workers::iter()
			.filter(|(who, roles)| roles.contains(role) && !excluded.contains(who))
			.map(|(who, _)| who)
			.collect::<Vec<_>>();
		hat.sort_unstable();
		let mut lots = Lots::new(seed, b"world");
		let mut drawn = Vec::new();
		while drawn.len() < count as usize && !hat.is_empty() {
			let who = hat.remove(lots.below(hat.len() as u128) as usize);
			Engagements::mutate(who, |count| *count = Some(count.unwrap_or_default() + 1));
			drawn.push(who);
		}
		drawn
	}

	fn engage(who: &AccountId) -> bool {
		Engagements::mutate(who, |count| *count = Some(count.unwrap_or_default() + 1));
		true
	}

	fn release(who: &AccountId) {
		Engagements::mutate_exists(who, |count| {
			let left = count.expect("released more often than engaged") - 1;
			*count = (left > 0).then_some(left);
		});
	}

	fn reputation(who: &AccountId) -> Option<Perbill> {
		Workers::get(who).map(|_| Reputations::get(who).unwrap_or(INITIAL_REPUTATION))
	}

	fn note_accepted(trainer: &AccountId) {
		AcceptedOf::append(trainer);
	}

	fn note_honest_work(who: &AccountId) {
		HonestWork::append(who);
	}

	fn note_fault_paying(who: &AccountId, fault: Fault, _: &[(AccountId, Perbill)]) -> Balance {
		Faults::append((who, fault));
		Self::cost_of(who, fault)
	}

	fn cost_of(_: &AccountId, fault: Fault) -> Balance {
		fault.slash() * WORKER_BOND
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_worker(who: &AccountId, role: Role) {
		Self::register(*who, role);
	}
}

impl World {
	/// Refuses every manifest from now on.
	pub fn refuse_manifests() {
		RefusesManifests::put(true);
	}

	/// The manifest of a submission, if it has one, and how its round closed, if it did.
	pub fn manifest(submission: SubmissionId) -> (Option<TrainingManifest>, Option<Verdict>) {
		Manifests::get(submission).expect("the submission was told of")
	}

	/// As if that submission had been told of, without a manifest.
	pub fn tell_of(submission: SubmissionId) {
		Manifests::insert(submission, (None::<TrainingManifest>, None::<Verdict>));
	}
}

impl ManifestAudits<AccountId> for World {
	fn opened(
		submission: SubmissionId,
		_: ModelId,
		_: &AccountId,
		_: &NewBlocks,
		_: &Purpose,
		manifest: Option<TrainingManifest>,
	) -> DispatchResult {
		ensure!(!RefusesManifests::exists(), DispatchError::Unavailable);
		assert!(!Manifests::contains_key(submission), "opened twice");
		Manifests::insert(submission, (manifest, None::<Verdict>));
		Ok(())
	}

	fn closed(submission: SubmissionId, verdict: Verdict) {
		let (manifest, closed) = Self::manifest(submission);
		assert_eq!(closed, None, "closed twice");
		Manifests::insert(submission, (manifest, Some(verdict)));
	}
}

impl LearningRewards<AccountId> for World {
	fn accrue_accepted(work: AcceptedWork<AccountId>) {
		let AcceptedWork { submission, gain, trainer, lineage, evaluators } = work;
		Accruals::append((submission, gain, trainer, lineage, evaluators));
	}
}

impl AuditRewards<AccountId> for World {
	fn accrue_audit(who: &AccountId, amount: Balance, work: AuditedWork) {
		let AuditedWork::Submission(submission) = work else { panic!("no dataset is audited here") };
		Audits::append((*who, amount, submission));
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

impl Randomness<Option<Hash>, BlockNumberFor<super::Test>> for World {
	fn random(subject: &[u8]) -> (Option<Hash>, BlockNumber) {
		let now = System::block_number();
		match RandomnessAge::get().unwrap_or(Some(1)) {
			Some(age) => (Some(BlakeTwo256::hash_of(&(now - age, subject))), now - age),
			None => (None, now - 1),
		}
	}
}
