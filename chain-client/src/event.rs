//! The events that workers act on.

use crate::layout::ItemLayout;
use blyan_primitives::{
	canary::PeriodNumber,
	dag::{BlockId, Generation, ModelId, SemVer, SubmissionId},
	datasets::{DatasetFinding, Ppm, Refusal, Standing, Tier},
	economy::Budget,
	learning::{DisputeId, Finding, Medians, ShardLosses, Verdict},
	manifest::{AuditOutcome, DatasetId},
	sealed::{LotId, LotKey, SealedTerms},
	traits::{AuditedWork, CreditReason},
	worker::{Fault, MachineId, Roles},
	AccountId, Balance, BlockNumber, Hash,
};
use codec::{Decode, Encode};
use polkadot_sdk::sp_runtime::Perbill;
use scale_info::{MetaType, TypeInfo};

/// Who may decide about a model.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum ModelOwner {
	/// That account.
	Account(AccountId),
	/// The chain's governance.
	Governance,
}

/// Why a round began anew, with another committee.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum RestartReason {
	/// Another submission became head: what was measured is no longer the question.
	HeadMoved,
	/// Two thirds of the committee did not come to the same kind of finding.
	NoQuorum,
	/// A quorum measured, and no majority of it agrees within the tolerance.
	NoAgreement,
	/// Fewer than two thirds of the sealed lots were opened in time.
	LotsNotOpened,
	/// A quorum found that a sealed lot is not to be had, or not what its sealer promised.
	UnusableLot,
}

/// Why a committee could not be drawn yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum PostponeReason {
	/// The chain has no randomness younger than the attempt.
	NoRandomness,
	/// Fewer evaluators than the least committee were to be had.
	TooFewEvaluators,
	/// The reserve has too few sealed lots.
	TooFewLots,
}

/// What an accused measured of the contested shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub struct Opening {
	/// Which of the pool's shards it is.
	pub shard: u32,
	/// Its losses.
	pub losses: ShardLosses,
}

/// Why a dispute ended without a verdict.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, TypeInfo)]
pub enum UndecidedReason {
	/// Referees could not be drawn.
	NoReferees,
	/// No strict majority of the referees reported the same, in any attempt.
	NoMajority,
	/// Another dispute had the finding struck meanwhile.
	AlreadyStruck,
}

/// The one list of events: a variant of ours, the pallet and event it stands for, and its fields in the
/// order of their encoding. The live metadata is checked against it before anything is decoded.
macro_rules! events {
	($(
		$(#[$doc:meta])*
		$variant:ident = $pallet:ident . $event:ident { $( $field:ident : $ty:ty ),* $(,)? }
	)*) => {
		/// An event of the chain. The meaning of the fields is documented at the pallet's event.
		#[derive(Clone, Debug, PartialEq, Eq)]
		#[non_exhaustive]
		#[allow(missing_docs)]
		pub enum ChainEvent {
			$( $(#[$doc])* $variant { $( $field: $ty ),* }, )*
		}

		impl ChainEvent {
			/// `Pallet.Event`, for people.
			pub fn full_name(&self) -> &'static str {
				match self { $( Self::$variant { .. } => concat!(stringify!($pallet), ".", stringify!($event)), )* }
			}

			/// Reads an event from the bytes of its fields; `None` if it is none that workers act on.
			pub(crate) fn decode(pallet: &str, event: &str, fields: &[u8]) -> Option<Result<Self, codec::Error>> {
				$(
					if (pallet, event) == (stringify!($pallet), stringify!($event)) {
						return Some(decode_whole(fields, |input| {
							Ok(Self::$variant { $( $field: <$ty>::decode(input)? ),* })
						}));
					}
				)*
				None
			}

			/// The bytes of its fields.
			#[cfg(test)]
			pub(crate) fn encode_fields(&self) -> Vec<u8> {
				let mut bytes = Vec::new();
				match self { $( Self::$variant { $( $field ),* } => { $( $field.encode_to(&mut bytes); )* }, )* }
				bytes
			}

			/// What the metadata must say of every event.
			pub(crate) fn layouts() -> Vec<ItemLayout> {
				vec![$( ItemLayout {
					pallet: stringify!($pallet),
					name: stringify!($event),
					fields: vec![$( (stringify!($field), MetaType::new::<$ty>()) ),*],
				}, )*]
			}
		}
	};
}

fn decode_whole<T>(
	mut bytes: &[u8],
	read: impl FnOnce(&mut &[u8]) -> Result<T, codec::Error>,
) -> Result<T, codec::Error> {
	let value = read(&mut bytes)?;
	if bytes.is_empty() {
		Ok(value)
	} else {
		Err("bytes are left over".into())
	}
}

events! {
	/// A worker registered.
	WorkerRegistered = Workers.WorkerRegistered {
		worker: AccountId, roles: Roles, machine: MachineId, bond: Balance, joins_at: BlockNumber,
	}
	/// A worker gave up its roles.
	WorkerLeaving = Workers.WorkerLeaving { worker: AccountId, until: BlockNumber }
	/// A worker took its bond back and is none any more.
	BondWithdrawn = Workers.BondWithdrawn { worker: AccountId, amount: Balance }
	/// A worker was at fault, and slashed.
	FaultNoted = Workers.FaultNoted {
		worker: AccountId, fault: Fault, slashed: Balance, bond: Balance, reputation: Perbill,
	}
	/// Somebody was paid out of a worker's slash.
	SlashShared = Workers.SlashShared { worker: AccountId, payee: AccountId, amount: Balance }
	/// A worker said who is associated with it.
	AssociatesDeclared = Workers.AssociatesDeclared { worker: AccountId, associates: Vec<AccountId> }
	/// A worker's bond fell too low for it to be drawn.
	DrawsSuspended = Workers.DrawsSuspended { worker: AccountId, bond: Balance, required_bond: Balance }

	/// A model was registered.
	ModelRegistered = ExpertDag.ModelRegistered {
		model: ModelId, owner: ModelOwner, components: u32, deposit: Balance,
	}
	/// First weights of components were set.
	GenesisBlocksAdded = ExpertDag.GenesisBlocksAdded { model: ModelId, blocks: Vec<BlockId>, missing: u32 }
	/// A model's heads moved, or are complete for the first time.
	VersionReleased = ExpertDag.VersionReleased {
		model: ModelId, generation: Generation, version: SemVer, root: Hash, submission: Option<SubmissionId>,
	}

	/// A model's owner said what candidates are measured on.
	TrainingOpened = ProofOfLearning.TrainingOpened { model: ModelId }
	/// A submission is bonded and waits for its committee.
	SubmissionReceived = ProofOfLearning.SubmissionReceived {
		round: SubmissionId, model: ModelId, trainer: AccountId, blocks: Vec<BlockId>, bond: Balance,
	}
	/// A submission is the next to be measured.
	RoundAdmitted = ProofOfLearning.RoundAdmitted { round: SubmissionId }
	/// A submission in line made room for another.
	SubmissionDisplaced = ProofOfLearning.SubmissionDisplaced { round: SubmissionId, by: SubmissionId }
	/// A committee could not be drawn yet.
	DrawPostponed = ProofOfLearning.DrawPostponed {
		round: SubmissionId, reason: PostponeReason, retry_at: BlockNumber,
	}
	/// A committee is drawn, and sealed lots with it, which are to be opened before it measures.
	LotsDrawn = ProofOfLearning.LotsDrawn {
		round: SubmissionId, attempt: u32, committee: Vec<AccountId>, lots: Vec<LotId>,
		open_until: BlockNumber,
	}
	/// A committee and the seed of its shards are drawn; the members commit.
	RoundDrawn = ProofOfLearning.RoundDrawn {
		round: SubmissionId, attempt: u32, committee: Vec<AccountId>, baseline: Generation, root: Hash,
		seed: Hash, commit_until: BlockNumber,
	}
	/// An evaluator committed to its finding.
	FindingCommitted = ProofOfLearning.FindingCommitted {
		round: SubmissionId, evaluator: AccountId, commitment: Hash,
	}
	/// Too few committed in time: the others lost their seats.
	AbsentRemoved = ProofOfLearning.AbsentRemoved {
		round: SubmissionId, absent: Vec<AccountId>, draw_at: BlockNumber,
	}
	/// Others were drawn for those who did not commit in time; they commit.
	ReplacementsDrawn = ProofOfLearning.ReplacementsDrawn {
		round: SubmissionId, attempt: u32, replacements: Vec<AccountId>, commit_until: BlockNumber,
	}
	/// Who committed may reveal.
	RevealOpened = ProofOfLearning.RevealOpened { round: SubmissionId, until: BlockNumber }
	/// An evaluator revealed its finding.
	FindingRevealed = ProofOfLearning.FindingRevealed {
		round: SubmissionId, evaluator: AccountId, finding: Finding,
	}
	/// What a quorum measured may be contested before it is settled.
	ContestOpened = ProofOfLearning.ContestOpened { round: SubmissionId, until: BlockNumber, medians: Medians }
	/// A finding lost a dispute: it is no vote any more.
	FindingStruck = ProofOfLearning.FindingStruck { round: SubmissionId, evaluator: AccountId }
	/// An attempt came to nothing; another committee will be drawn.
	RoundRestarted = ProofOfLearning.RoundRestarted {
		round: SubmissionId, attempt: u32, reason: RestartReason,
	}
	/// An evaluator was found at fault.
	EvaluatorFaulted = ProofOfLearning.EvaluatorFaulted {
		round: SubmissionId, evaluator: AccountId, fault: Fault, slashed: Balance,
	}
	/// An evaluator was paid out of the bond.
	FeePaid = ProofOfLearning.FeePaid { round: SubmissionId, evaluator: AccountId, amount: Balance }
	/// A trainer's bond, or what the fee left of it, is free again.
	BondReturned = ProofOfLearning.BondReturned { round: SubmissionId, trainer: AccountId, amount: Balance }
	/// A trainer's bond is lost.
	BondForfeited = ProofOfLearning.BondForfeited {
		round: SubmissionId, trainer: AccountId, amount: Balance, burned: Balance,
	}
	/// A round has its verdict.
	RoundClosed = ProofOfLearning.RoundClosed {
		round: SubmissionId, verdict: Verdict, medians: Option<Medians>,
	}

	/// A model's owner said by how much sealed text its rounds are judged.
	SealedTermsSet = SealedShards.TermsSet { model: ModelId, terms: SealedTerms }
	/// Lots were added to a model's reserve.
	LotsSealed = SealedShards.LotsSealed {
		model: ModelId, sealer: AccountId, lots: Vec<LotId>, held: Balance,
	}
	/// A sealer took a lot back.
	LotWithdrawn = SealedShards.LotWithdrawn { lot: LotId, sealer: AccountId, returned: Balance }
	/// A lot's key is known.
	LotOpened = SealedShards.LotOpened { lot: LotId, round: SubmissionId, key: LotKey }
	/// A lot was not opened in time, or is no good: its bond is burned.
	LotVoided = SealedShards.LotVoided {
		lot: LotId, sealer: AccountId, burned: Balance, returned: Balance,
	}
	/// What was held for a retired lot is free again.
	LotReclaimed = SealedShards.LotReclaimed { lot: LotId, sealer: AccountId, returned: Balance }

	/// Somebody contests what an evaluator measured.
	FindingContested = Disputes.FindingContested {
		dispute: DisputeId, round: SubmissionId, accused: AccountId, challenger: AccountId, position: u32,
		bond: Balance, open_until: BlockNumber,
	}
	/// The accused opened its losses.
	LossesOpened = Disputes.LossesOpened { dispute: DisputeId, opened: Opening }
	/// Referees are drawn; they re-run the shard and commit.
	RefereesDrawn = Disputes.RefereesDrawn {
		dispute: DisputeId, attempt: u32, referees: Vec<AccountId>, commit_until: BlockNumber,
	}
	/// Referees who committed may reveal.
	RefereeRevealOpened = Disputes.RevealOpened { dispute: DisputeId, until: BlockNumber }
	/// The referees came to no majority; others will be drawn.
	DisputeRestarted = Disputes.DisputeRestarted { dispute: DisputeId, attempt: u32 }
	/// A referee was found at fault.
	RefereeFaulted = Disputes.RefereeFaulted {
		dispute: DisputeId, referee: AccountId, fault: Fault, slashed: Balance,
	}
	/// A finding lost a dispute.
	AccusedLost = Disputes.AccusedLost {
		dispute: DisputeId, round: SubmissionId, accused: AccountId, challenger: AccountId,
		exact: Option<ShardLosses>, slashed: Balance,
	}
	/// A finding won a dispute.
	ChallengerLost = Disputes.ChallengerLost {
		dispute: DisputeId, round: SubmissionId, accused: AccountId, challenger: AccountId,
		exact: ShardLosses, burned: Balance,
	}
	/// A challenger's bond is free again.
	DisputeBondReturned = Disputes.BondReturned { dispute: DisputeId, challenger: AccountId, amount: Balance }
	/// Somebody was paid out of a challenger's bond.
	DisputeBondShared = Disputes.BondShared { dispute: DisputeId, payee: AccountId, amount: Balance }
	/// A dispute ended without a verdict.
	DisputeUndecided = Disputes.DisputeUndecided {
		dispute: DisputeId, round: SubmissionId, reason: UndecidedReason,
	}

	/// A submission was shown to be a canary.
	CanaryRevealed = Canaries.CanaryRevealed {
		round: SubmissionId, planter: AccountId, trainer: AccountId, period: PeriodNumber,
	}

	/// A submission came with a training manifest.
	ManifestReceived = Manifests.ManifestReceived { round: SubmissionId, trainer: AccountId }
	/// Auditors of a manifest are drawn; they derive its batches again and commit.
	AuditorsDrawn = Manifests.AuditorsDrawn {
		round: SubmissionId, attempt: u32, auditors: Vec<AccountId>, batches: u32, commit_until: BlockNumber,
	}
	/// An auditor was found at fault.
	AuditorFaulted = Manifests.AuditorFaulted {
		round: SubmissionId, auditor: AccountId, fault: Fault, slashed: Balance,
	}
	/// A trainer's manifest does not match.
	TrainerFaulted = Manifests.TrainerFaulted {
		round: SubmissionId, trainer: AccountId, slashed: Balance, banned_until: BlockNumber,
	}
	/// The audit of a manifest is over.
	AuditClosed = Manifests.AuditClosed { round: SubmissionId, outcome: AuditOutcome }

	/// A dataset is offered, and in line for its audit.
	DatasetOffered = Datasets.DatasetOffered { dataset: DatasetId, contributor: AccountId }
	/// An offer in line made room for another, and is forgotten; it may be made again.
	DatasetDisplaced = Datasets.OfferDisplaced { dataset: DatasetId, contributor: AccountId, by: DatasetId }
	/// Auditors of a dataset are drawn, and the seed of the windows that they look at; they commit.
	DatasetAuditorsDrawn = Datasets.AuditorsDrawn {
		dataset: DatasetId, audit: u32, attempt: u32, auditors: Vec<AccountId>, seed: Hash,
		commit_until: BlockNumber,
	}
	/// An auditor of a dataset committed to its finding.
	DatasetFindingCommitted = Datasets.FindingCommitted {
		dataset: DatasetId, auditor: AccountId, commitment: Hash,
	}
	/// Auditors of a dataset who committed may reveal.
	DatasetRevealOpened = Datasets.RevealOpened { dataset: DatasetId, until: BlockNumber }
	/// An auditor of a dataset revealed its finding.
	DatasetFindingRevealed = Datasets.FindingRevealed {
		dataset: DatasetId, auditor: AccountId, finding: DatasetFinding,
	}
	/// The auditors of a dataset came to no quorum; others will be drawn.
	DatasetAuditRestarted = Datasets.AuditRestarted { dataset: DatasetId, attempt: u32 }
	/// An auditor of a dataset was found at fault.
	DatasetAuditorFaulted = Datasets.AuditorFaulted {
		dataset: DatasetId, auditor: AccountId, fault: Fault, slashed: Balance,
	}
	/// An audit of a dataset is over: what a quorum found, with the medians if it is a report.
	DatasetAuditClosed = Datasets.AuditClosed {
		dataset: DatasetId, audit: u32, finding: Option<DatasetFinding>,
	}
	/// Workers who are registered now may vote on a dataset.
	DatasetVoteOpened = Datasets.VoteOpened { dataset: DatasetId, until: BlockNumber, quorum: u32 }
	/// Too few voted on a dataset; there is more time, once.
	DatasetVoteExtended = Datasets.VoteExtended { dataset: DatasetId, until: BlockNumber }
	/// A worker voted on a dataset.
	DatasetVoted = Datasets.Voted { dataset: DatasetId, voter: AccountId, aye: bool }
	/// What was held for a vote is returned or burned.
	DatasetVoteSettled = Datasets.VoteSettled {
		dataset: DatasetId, voter: AccountId, returned: Balance, burned: Balance, reward: Balance,
	}
	/// Models may learn from a dataset.
	DatasetApproved = Datasets.DatasetApproved {
		dataset: DatasetId, contributor: AccountId, tier: Tier, score: Ppm,
	}
	/// A dataset is turned away; its contributor may appeal.
	DatasetRejected = Datasets.DatasetRejected {
		dataset: DatasetId, contributor: AccountId, reason: Refusal, until: BlockNumber,
	}
	/// Models may learn no more from a dataset that was approved; its contributor may appeal.
	DatasetQuarantined = Datasets.DatasetQuarantined {
		dataset: DatasetId, contributor: AccountId, reason: Refusal, until: BlockNumber,
	}
	/// A later audit found a dataset worse than its tier.
	DatasetTierLowered = Datasets.TierLowered { dataset: DatasetId, from: Tier, to: Tier }
	/// A contributor appealed.
	DatasetAppealed = Datasets.DatasetAppealed { dataset: DatasetId, contributor: AccountId, until: BlockNumber }
	/// An appeal is over: the tier if it was granted, and what became of the deposit.
	DatasetAppealDecided = Datasets.AppealDecided {
		dataset: DatasetId, tier: Option<Tier>, returned: Balance, burned: Balance,
	}
	/// A dataset that was turned away is no longer kept.
	DatasetForgotten = Datasets.DatasetForgotten { dataset: DatasetId }
	/// A contributor is trusted more, or less.
	ContributorStandingChanged = Datasets.StandingChanged { contributor: AccountId, standing: Standing }

	/// An epoch of rewards began.
	EpochStarted = Rewards.EpochStarted { epoch: u32, issuance: Balance }
	/// Somebody has a claim on an epoch's budget.
	RewardAccrued = Rewards.Accrued {
		epoch: u32, account: AccountId, budget: Budget, amount: Balance, work: AuditedWork,
	}
	/// A dataset earned by the gain of a submission: its contributor's claim on the data's budget.
	DataAccrued = Rewards.DataAccrued {
		epoch: u32, dataset: DatasetId, contributor: AccountId, earned: Balance, purse: Balance,
		submission: SubmissionId,
	}
	/// A claim was paid in new BLY.
	RewardPaid = Rewards.Paid { account: AccountId, epoch: u32, amount: Balance }
	/// A claim is too small to be minted alone, and is kept for the next.
	RewardCarriedOver = Rewards.CarriedOver {
		account: AccountId, epoch: u32, amount: Balance, carried: Balance,
	}
	/// What was kept was paid in new BLY.
	CarriedRewardPaid = Rewards.CarriedPaid { account: AccountId, amount: Balance }

	/// Somebody's component was used: a claim on the serving budget.
	UseAccrued = Rewards.UseAccrued { epoch: u32, account: AccountId, amount: Balance }
	/// Somebody earned learning credits.
	CreditsEarned = Rewards.CreditsEarned { account: AccountId, reason: CreditReason, amount: u64 }
	/// A receipt for use was paid.
	ReceiptPaid = Usage.ReceiptPaid {
		client: AccountId, server: AccountId, until: BlockNumber, paid: Balance, burned: Balance, accrued: Balance,
	}

	/// BLY moved.
	Transferred = Balances.Transfer { from: AccountId, to: AccountId, amount: Balance }
	/// A transaction's fee was paid.
	TransactionFeePaid = TransactionPayment.TransactionFeePaid {
		who: AccountId, actual_fee: Balance, tip: Balance,
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn closed() -> ChainEvent {
		ChainEvent::RoundClosed { round: 7, verdict: Verdict::Accepted, medians: None }
	}

	#[test]
	fn event_should_be_read_back_from_its_fields() {
		let bytes = closed().encode_fields();
		assert_eq!(bytes, [7, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
		assert_eq!(ChainEvent::decode("ProofOfLearning", "RoundClosed", &bytes), Some(Ok(closed())));
		assert_eq!(closed().full_name(), "ProofOfLearning.RoundClosed");
	}

	#[test]
	fn event_should_be_skipped_when_unknown() {
		assert_eq!(ChainEvent::decode("ProofOfLearning", "SomethingNew", &[1, 2]), None);
		assert_eq!(ChainEvent::decode("Rewards", "RoundClosed", &[]), None);
	}

	#[test]
	fn event_should_be_refused_when_bytes_are_missing_or_left_over() {
		let mut bytes = closed().encode_fields();
		bytes.push(0);
		assert!(matches!(ChainEvent::decode("ProofOfLearning", "RoundClosed", &bytes), Some(Err(_))));
		assert!(matches!(ChainEvent::decode("ProofOfLearning", "RoundClosed", &bytes[..9]), Some(Err(_))));
	}
}
