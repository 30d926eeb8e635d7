//! The seams between the pallets, each passed on as it is, or with a fault that the checker has to find.

use crate::mock::{AccountId, ExpertDag, ProofOfLearning, Rewards, Test, Workers};
use blyan_primitives::{
	dag::{BlockId, BlockIds, ModelId, NewBlocks, SubmissionId},
	learning::Purpose,
	migration::Migration,
	traits::{
		AcceptedWork, AuditRewards, AuditedWork, ContestableRounds, ContestedFinding, DisputeOutcome,
		LearningRewards, ModelGraph, ModelState, WorkerRegistry,
	},
	worker::{Fault, Role},
	Balance, Hash,
};
use polkadot_sdk::sp_runtime::{DispatchError, DispatchResult, Perbill};
use std::cell::Cell;

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sabotage {
	/// Members of committees and referees are not released.
	ReleaseSkipped,
	/// They are released twice.
	ReleaseDoubled,
	/// A round is told twice what a dispute came to.
	ConclusionDoubled,
	/// A round is not told what a dispute came to.
	ConclusionSkipped,
	/// A round does not wait for its disputes.
	HoldSkipped,
	/// What is rejected becomes head.
	RejectedAccepted,
	/// The draw does not leave out whom it is told to.
	ExclusionsForgotten,
	/// A fault is noted twice.
	FaultDoubled,
	/// Whoever sits on the committee is paid for accepted work.
	EverybodyPaid,
	/// A trainer's bond is returned, and as much again.
	BondDoubled,
	/// The deadlines of rounds are not served.
	DeadlinesSkipped,
	/// Something that was due is forgotten.
	AgendaForgotten,
	/// All trainers stand alike, whatever they did.
	StandingForgotten,
	/// Who accepted a canary, and lost a dispute for it, pays as if it had been none.
	CanaryForgotten,
	/// Who planted a canary is not paid.
	PlanterForgotten,
}

thread_local! {
	static ACTIVE: Cell<Option<Sabotage>> = const { Cell::new(None) };
}

/// Has that go wrong on this thread from now on.
pub fn set(sabotage: Option<Sabotage>) {
	ACTIVE.set(sabotage);
}

/// Whether that goes wrong.
pub fn is(sabotage: Sabotage) -> bool {
	ACTIVE.get() == Some(sabotage)
}

/// The register of workers.
pub struct Registry;

impl WorkerRegistry<AccountId> for Registry {
	fn has_role(who: &AccountId, role: Role) -> bool {
		Workers::has_role(who, role)
	}

	fn draw(role: Role, count: u32, seed: Hash, excluded: &[AccountId]) -> Vec<AccountId> {
		let excluded = if is(Sabotage::ExclusionsForgotten) { &[] } else { excluded };
		<Workers as WorkerRegistry<_>>::draw(role, count, seed, excluded)
	}

	fn engage(who: &AccountId) -> bool {
		<Workers as WorkerRegistry<_>>::engage(who)
	}

	fn release(who: &AccountId) {
		if !is(Sabotage::ReleaseSkipped) {
			Workers::release(who);
		}
		if is(Sabotage::ReleaseDoubled) {
			Workers::release(who);
		}
	}

	fn reputation(who: &AccountId) -> Option<Perbill> {
		Workers::reputation(who).filter(|_| !is(Sabotage::StandingForgotten))
	}

	fn note_honest_work(who: &AccountId) {
		Workers::note_honest_work(who);
	}

	fn note_accepted(trainer: &AccountId) {
		Workers::note_accepted(trainer);
	}

	fn note_fault_paying(who: &AccountId, fault: Fault, shares: &[(AccountId, Perbill)]) -> Balance {
		if is(Sabotage::FaultDoubled) {
			Workers::note_fault_paying(who, fault, shares);
		}
		Workers::note_fault_paying(who, fault, shares)
	}

	fn cost_of(who: &AccountId, fault: Fault) -> Balance {
		Workers::cost_of(who, fault)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_worker(who: &AccountId, role: Role) {
		Workers::benchmark_worker(who, role);
	}
}

/// The rounds, as disputes see them.
pub struct Rounds;

impl ContestableRounds<AccountId> for Rounds {
	fn takes_contests(round: SubmissionId) -> bool {
		ProofOfLearning::takes_contests(round)
	}

	fn finding(round: SubmissionId, evaluator: &AccountId) -> Option<ContestedFinding<AccountId>> {
		ProofOfLearning::finding(round, evaluator)
	}

	fn hold(round: SubmissionId) {
		if !is(Sabotage::HoldSkipped) {
			ProofOfLearning::hold(round);
		}
	}

	fn conclude(round: SubmissionId, outcome: DisputeOutcome<AccountId>) {
		if is(Sabotage::ConclusionDoubled) {
			ProofOfLearning::conclude(round, outcome);
		}
		if !is(Sabotage::ConclusionSkipped) {
			ProofOfLearning::conclude(round, outcome);
		}
	}

	fn fault_if_struck(round: SubmissionId, evaluator: &AccountId) -> Fault {
		match is(Sabotage::CanaryForgotten) {
			true => Fault::DisputeLost,
			false => ProofOfLearning::fault_if_struck(round, evaluator),
		}
	}

	fn holds(round: SubmissionId) -> u32 {
		ProofOfLearning::holds(round)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_round(losses: &[blyan_primitives::learning::ShardLosses]) -> (SubmissionId, AccountId) {
		ProofOfLearning::benchmark_round(losses)
	}
}

/// Where rewards accrue.
pub struct Payroll;

impl LearningRewards<AccountId> for Payroll {
	fn accrue_accepted(mut work: AcceptedWork<AccountId>) {
		if is(Sabotage::EverybodyPaid) {
			let round = pallet_proof_of_learning::Rounds::<Test>::get(work.submission);
			let committee = round.into_iter().flat_map(|round| round.committee);
			work.evaluators = committee.map(|seat| seat.evaluator).collect();
		}
		Rewards::accrue_accepted(work);
	}
}

impl AuditRewards<AccountId> for Payroll {
	fn accrue_audit(who: &AccountId, amount: Balance, work: AuditedWork) {
		if !is(Sabotage::PlanterForgotten) {
			Rewards::accrue_audit(who, amount, work);
		}
	}
}

/// The graph of blocks.
pub struct Graph;

impl ModelGraph<AccountId> for Graph {
	fn model(model: ModelId) -> Option<ModelState> {
		ExpertDag::model(model)
	}

	fn is_owner(model: ModelId, who: &AccountId) -> bool {
		ExpertDag::is_owner(model, who)
	}

	fn insert(
		model: ModelId,
		submission: SubmissionId,
		trainer: &AccountId,
		blocks: NewBlocks,
		purpose: &Purpose,
	) -> Result<BlockIds, DispatchError> {
		<ExpertDag as ModelGraph<_>>::insert(model, submission, trainer, blocks, purpose)
	}

	fn rollback(
		model: ModelId,
		submission: SubmissionId,
		blocks: &[BlockId],
	) -> Result<NewBlocks, DispatchError> {
		<ExpertDag as ModelGraph<_>>::rollback(model, submission, blocks)
	}

	fn fits(model: ModelId, blocks: &[BlockId], migration: Option<Migration>) -> bool {
		<ExpertDag as ModelGraph<_>>::fits(model, blocks, migration)
	}

	fn accept(
		model: ModelId,
		submission: SubmissionId,
		blocks: &[BlockId],
		migration: Option<Migration>,
	) -> DispatchResult {
		<ExpertDag as ModelGraph<_>>::accept(model, submission, blocks, migration)
	}

	fn reject(blocks: &[BlockId]) -> DispatchResult {
		if is(Sabotage::RejectedAccepted) {
			let record = blocks.first().and_then(pallet_expert_dag::Blocks::<Test>::get);
			if let Some((model, submission)) = record.and_then(|r| Some((r.block.model, r.submission?))) {
				return <ExpertDag as ModelGraph<_>>::accept(model, submission, blocks, None);
			}
		}
		<ExpertDag as ModelGraph<_>>::reject(blocks)
	}

	fn withdraw(blocks: &[BlockId]) -> DispatchResult {
		<ExpertDag as ModelGraph<_>>::withdraw(blocks)
	}

	fn lineage(block: BlockId, depth: u32) -> Vec<AccountId> {
		<ExpertDag as ModelGraph<_>>::lineage(block, depth)
	}

	fn taken_back(blocks: &[BlockId]) -> Vec<AccountId> {
		<ExpertDag as ModelGraph<_>>::taken_back(blocks)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_model(owner: &AccountId) -> ModelId {
		<ExpertDag as ModelGraph<_>>::benchmark_model(owner)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn benchmark_blocks(model: ModelId, count: u32) -> NewBlocks {
		<ExpertDag as ModelGraph<AccountId>>::benchmark_blocks(model, count)
	}
}
