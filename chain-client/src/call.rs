//! The calls that workers send.

use crate::layout::ItemLayout;
use blyan_primitives::{
	architecture::Architecture,
	canary::{CanaryKey, LotProof, PeriodNumber},
	dag::{BlockIds, ModelId, NewBlocks, SubmissionId},
	datasets::{DatasetFinding, DatasetOffer, OfferWork},
	learning::{AllLosses, DisputeId, Finding, Gate, RefereeFinding, ValidationPool},
	manifest::{DataTerms, DatasetId, ManifestFinding},
	migration::Migration,
	sealed::{LotId, LotKey, NewLot, SealedTerms},
	submission::Envelope,
	usage::SignedReceipts,
	worker::{Associates, Endpoint, MachineId, Roles},
	AccountId, Address, Balance, BlockNumber, Hash, Nonce, Signature,
};
use codec::{Compact, Decode, Encode};
use scale_info::MetaType;

/// The one list of calls: a variant of ours, the pallet and call it stands for, and its arguments in
/// the order of their encoding. The live metadata is checked against it before anything is signed.
macro_rules! calls {
	($(
		$(#[$doc:meta])*
		$variant:ident = $pallet:ident . $call:ident { $( $field:ident : $ty:ty ),* $(,)? }
	)*) => {
		/// A call, with its arguments. Their meaning is documented at the pallet's call of the same name.
		#[derive(Clone, Debug, PartialEq, Eq)]
		#[allow(missing_docs)]
		pub enum Call {
			$( $(#[$doc])* $variant { $( $field: $ty ),* }, )*
		}

		impl Call {
			/// The pallet's name in the runtime.
			pub fn pallet(&self) -> &'static str {
				match self { $( Self::$variant { .. } => stringify!($pallet), )* }
			}

			/// The call's name within its pallet.
			pub fn name(&self) -> &'static str {
				match self { $( Self::$variant { .. } => stringify!($call), )* }
			}

			/// The SCALE encoding of the arguments, one after another.
			pub(crate) fn encode_arguments(&self) -> Vec<u8> {
				let mut bytes = Vec::new();
				match self { $( Self::$variant { $( $field ),* } => { $( $field.encode_to(&mut bytes); )* }, )* }
				bytes
			}

			/// What the metadata must say of every call.
			pub(crate) fn layouts() -> Vec<ItemLayout> {
				vec![$( ItemLayout {
					pallet: stringify!($pallet),
					name: stringify!($call),
					fields: vec![$( (stringify!($field), MetaType::new::<$ty>()) ),*],
				}, )*]
			}
		}
	};
}

calls! {
	/// Registers the signer as a worker and holds its bond.
	RegisterWorker = Workers.register {
		roles: Roles, machine: MachineId, session_key: [u8; 32], endpoint: Endpoint, bond: Balance,
	}
	/// Says where the worker is reached now.
	UpdateEndpoint = Workers.update_endpoint { endpoint: Endpoint }
	/// Adds to the worker's bond.
	BondExtra = Workers.bond_extra { amount: Balance }
	/// Gives up the worker's roles; the bond stays for the unbonding time.
	UnregisterWorker = Workers.unregister {}
	/// Takes the bond back after the unbonding time.
	WithdrawBond = Workers.withdraw {}
	/// Says who is associated with the worker, in place of what it said before.
	DeclareAssociates = Workers.declare_associates { associates: Associates<AccountId> }
	/// Registers a model, owned by the signer.
	RegisterModel = ExpertDag.register_model { name: Vec<u8>, architecture: Architecture }
	/// Sets the first weights of components of the signer's model.
	AddGenesisBlocks = ExpertDag.add_genesis_blocks { model: ModelId, blocks: NewBlocks }
	/// Says what candidates for the signer's model are measured on, and by which module disputes are decided.
	OpenTraining = ProofOfLearning.open_training {
		model: ModelId, pool: ValidationPool, gate: Gate, referee: Hash,
	}
	/// Submits trained blocks, measured and accepted as one; holds a bond.
	SubmitBlocks = ProofOfLearning.submit { model: ModelId, blocks: NewBlocks, envelope: Envelope }
	/// Lets a submission change the architecture of the signer's model.
	ProposeMigration = ExpertDag.propose_migration { model: ModelId, migration: Migration }
	/// Takes that back.
	WithdrawMigration = ExpertDag.withdraw_migration { model: ModelId }
	/// Submits the weights that a migration asks for; holds a bond.
	SubmitMigration = ProofOfLearning.submit_migration {
		model: ModelId, migration: Migration, blocks: NewBlocks, envelope: Envelope,
	}
	/// Has it measured whether the model was better before those blocks; holds a bond.
	RollBack = ProofOfLearning.roll_back { model: ModelId, blocks: BlockIds, envelope: Envelope }
	/// Commits to a finding, see [`blyan_primitives::learning::commitment`].
	Commit = ProofOfLearning.commit { round: SubmissionId, commitment: Hash }
	/// Reveals the finding that was committed to.
	Reveal = ProofOfLearning.reveal { round: SubmissionId, finding: Finding, salt: [u8; 32] }
	/// Contests what an evaluator measured of one shard; holds a bond.
	Contest = Disputes.contest { round: SubmissionId, evaluator: AccountId, position: u32 }
	/// Opens the losses of every shard of the round, which the signer measured and somebody contests.
	OpenLosses = Disputes.open { dispute: DisputeId, losses: AllLosses }
	/// Commits to what the reference evaluator computes, see [`blyan_primitives::learning::referee_commitment`].
	CommitAsReferee = Disputes.commit { dispute: DisputeId, commitment: Hash }
	/// Reveals it.
	RevealAsReferee = Disputes.reveal { dispute: DisputeId, finding: RefereeFinding, salt: [u8; 32] }
	/// Says by how much sealed text rounds of the signer's model are judged.
	SetSealedTerms = SealedShards.set_terms { model: ModelId, terms: SealedTerms }
	/// Adds sealed lots to a model's reserve; holds a deposit and a bond for each.
	AddLots = SealedShards.add_lots { model: ModelId, lots: Vec<NewLot> }
	/// Takes back a lot of the signer's that nobody has drawn.
	WithdrawLot = SealedShards.withdraw { lot: LotId }
	/// Publishes the key of a lot that a round has drawn.
	OpenLot = SealedShards.open { lot: LotId, key: LotKey }
	/// Returns what is held for a lot that was opened long enough ago.
	ReclaimLot = SealedShards.reclaim { lot: LotId }
	/// Has a key of the signer's, who is a validator, take part in the canaries' lottery; holds a deposit.
	SetCanaryKey = Canaries.set_key { key: CanaryKey, ownership: [u8; 64] }
	/// Shows that a submission is a canary; anybody may, for no fee.
	RevealCanary = Canaries.reveal {
		round: SubmissionId, period: PeriodNumber, key: CanaryKey, lot: LotProof, salt: [u8; 32],
	}
	/// Says what data the signer's model may learn from, and whether its improvements must come with a manifest.
	SetDataTerms = Manifests.set_data_terms { model: ModelId, terms: DataTerms }
	/// Commits to what an auditor found of a manifest, see [`blyan_primitives::manifest::commitment`].
	CommitAsAuditor = Manifests.commit { round: SubmissionId, commitment: Hash }
	/// Reveals it.
	RevealAsAuditor = Manifests.reveal { round: SubmissionId, finding: ManifestFinding, salt: [u8; 32] }
	/// Offers a dataset; for no fee, if it is taken.
	OfferDataset = Datasets.offer { offer: DatasetOffer, work: OfferWork }
	/// Commits to what an auditor found of a dataset, see [`blyan_primitives::datasets::dataset_commitment`].
	CommitDatasetFinding = Datasets.commit { dataset: DatasetId, commitment: Hash }
	/// Reveals it.
	RevealDatasetFinding = Datasets.reveal { dataset: DatasetId, finding: DatasetFinding, salt: [u8; 32] }
	/// Votes on a dataset; holds a little until the vote is settled.
	VoteOnDataset = Datasets.vote { dataset: DatasetId, aye: bool }
	/// Settles a vote that is over, for whoever cast it.
	SettleDatasetVote = Datasets.settle_vote { dataset: DatasetId, voter: AccountId }
	/// Appeals against what became of the signer's dataset; holds a deposit.
	AppealDataset = Datasets.appeal { dataset: DatasetId }
	/// Mints what the signer earned in a closed epoch.
	ClaimRewards = Rewards.claim { epoch: u32 }
	/// Mints what somebody else earned in a closed epoch, to them.
	ClaimRewardsFor = Rewards.claim_for { account: AccountId, epoch: u32 }
	/// Puts something into the signer's account for the use of components.
	DepositForUse = Usage.deposit { amount: Balance }
	/// Asks for some of it back, which can be had later.
	RequestUsageWithdrawal = Usage.request_withdrawal { amount: Balance }
	/// Takes out what was asked for.
	WithdrawUsageDeposit = Usage.withdraw {}
	/// As a server: is paid by receipts that clients signed.
	SubmitReceipts = Usage.submit_receipts { receipts: SignedReceipts<AccountId, Signature> }
	/// Transfers BLY, and refuses when that would end the signer's account. [`Call::transfer`] makes it.
	Transfer = Balances.transfer_keep_alive { dest: Address, value: Compact<Balance> }
}

impl Call {
	/// Transfers `amount` (in the smallest unit of BLY) to `to`.
	pub fn transfer(to: AccountId, amount: Balance) -> Self {
		Self::Transfer { dest: Address::Id(to), value: Compact(amount) }
	}

	/// `Pallet.call`, for people.
	pub fn full_name(&self) -> String {
		format!("{}.{}", self.pallet(), self.name())
	}
}

/// A signed transaction: what a journal keeps before it is sent. Sending the same one twice does the
/// call once. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedCall {
	/// Who signed.
	pub account: AccountId,
	/// The call, as `Pallet.call`.
	pub call: String,
	/// The signer's nonce.
	pub nonce: Nonce,
	/// BLAKE2-256 of [`Self::bytes`], as block explorers show it.
	pub transaction: Hash,
	/// The finalized block that the signature names; the transaction is in none before it.
	pub valid_from: BlockNumber,
	/// The first block in which the transaction is no longer valid.
	pub valid_until: BlockNumber,
	/// The transaction as it travels.
	pub bytes: Vec<u8>,
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn transfer_should_encode_as_the_pallet_reads_it() {
		let call = Call::transfer(AccountId::new([7; 32]), 12_345);
		assert_eq!(call.full_name(), "Balances.transfer_keep_alive");
		let mut expected = vec![0u8];
		expected.extend([7; 32]);
		// Compact, two-byte mode: 12,345 * 4 + 1, little-endian.
		expected.extend([0xe5, 0xc0]);
		assert_eq!(call.encode_arguments(), expected);
	}

	#[test]
	fn call_should_encode_nothing_when_it_has_no_arguments() {
		assert_eq!(Call::WithdrawBond {}.encode_arguments(), Vec::<u8>::new());
	}

	#[test]
	fn commit_should_encode_round_then_commitment() {
		let bytes = Call::Commit { round: 5, commitment: Hash::repeat_byte(9) }.encode_arguments();
		assert_eq!(bytes[..8], 5u64.to_le_bytes());
		assert_eq!(bytes[8..], [9; 32]);
	}

	#[test]
	fn signed_call_should_survive_a_journal() {
		let signed = SignedCall {
			account: AccountId::new([1; 32]),
			call: "A.b".into(),
			nonce: 4,
			transaction: Hash::repeat_byte(2),
			valid_from: 10,
			valid_until: 74,
			bytes: vec![1, 2, 3],
		};
		assert_eq!(SignedCall::decode(&mut &signed.encode()[..]), Ok(signed));
	}
}
