//! Sending a submission, as trainers and planters do: with what the chain asks of it, and what a refusal means.

use crate::work::{envelope, Progress, Subject};
use blyan_chain_client::{Call, Chain, ChainError, Signer, SubmitError, Wait};
use blyan_primitives::{
	dag::{ModelId, NewBlocks},
	manifest::TrainingManifest,
	migration::Migration,
	submission::Envelope,
};
use tokio_util::sync::CancellationToken;

/// What is to be sent.
pub(crate) struct Submission {
	/// Who, for which model, and how it is sealed.
	pub(crate) subject: Subject,
	/// The blocks, whose ids the subject has.
	pub(crate) blocks: NewBlocks,
	/// The change of architecture that they bring about, if any.
	pub(crate) migration: Option<Migration>,
	/// What was learned from, if anything was.
	pub(crate) manifest: Option<TrainingManifest>,
}

/// What became of it.
pub(crate) enum Sent {
	/// The worker stops.
	Stopped,
	/// The chain could not be read.
	Unreadable(ChainError),
	/// The call returned.
	Returned(Result<(), SubmitError>),
}

impl Submission {
	/// Sends it with a proof of work, which `tell` hears of, and with the manifest where one is asked for or of use.
	pub(crate) async fn send(
		self,
		chain: &dyn Chain,
		signer: &Signer,
		extra_bits: u32,
		stop: &CancellationToken,
		tell: impl Fn(Progress),
	) -> Sent {
		let model = self.subject.model;
		// Before the work, which would be lost if the chain could not be read after it.
		let manifest = match asked_for(chain, model, self.manifest).await {
			Ok(manifest) => manifest,
			Err(error) => return Sent::Unreadable(error),
		};
		let envelope = match envelope(chain, &self.subject, extra_bits, stop, tell).await {
			Ok(Some(envelope)) => Envelope { manifest, ..envelope },
			Ok(None) => return Sent::Stopped,
			Err(error) => return Sent::Unreadable(error),
		};
		let blocks = self.blocks;
		// Repeating is harmless: the chain takes a block once.
		let call = match self.migration {
			Some(migration) => Call::SubmitMigration { model, migration, blocks, envelope },
			None => Call::SubmitBlocks { model, blocks, envelope },
		};
		Sent::Returned(chain.submit(signer, call, Wait::Finalized).await.map(|_| ()))
	}
}

/// The manifest, where it is asked for or of use: the model must have one, or may learn from all of its datasets. The
/// chain takes none that names another dataset.
async fn asked_for(
	chain: &dyn Chain,
	model: ModelId,
	manifest: Option<TrainingManifest>,
) -> Result<Option<TrainingManifest>, ChainError> {
	let Some(manifest) = manifest else { return Ok(None) };
	if chain.data_terms(model).await?.manifest_required {
		return Ok(Some(manifest));
	}
	for used in &manifest.datasets {
		if !chain.may_learn_from(model, used.dataset).await? {
			return Ok(None);
		}
	}
	Ok(Some(manifest))
}

/// A refusal after which the chain is asked again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
	/// The chain has no room now, or takes nothing of the account for a while.
	NoRoom,
	/// It is there already, what was worked for is out of date, or it is not known what became of the call: the next
	/// block shows it.
	AskAgain,
}

impl Refusal {
	/// What an error means; `None` if sending it again is of no use.
	pub(crate) fn passing(error: &SubmitError) -> Option<Self> {
		let is = |pallet, names: &[&str]| names.iter().any(|name| error.is_pallet_error(pallet, name));
		let is_full = is("ProofOfLearning", &["TooManyOpenRounds", "TooManyOpenRoundsOfTrainer"])
			|| is("Manifests", &["Banned", "TooManyAudits"]);
		let is_passing = is("ExpertDag", &["BlockExists"])
			|| is("ProofOfLearning", &["WorkTooOld", "WorkReused", "WorkInsufficient", "WorkAnchorUnknown"])
			|| error.is_retryable()
			|| error.is_disconnect()
			|| matches!(error, SubmitError::Unknown { .. });
		match (is_full, is_passing) {
			(true, _) => Some(Self::NoRoom),
			(false, true) => Some(Self::AskAgain),
			(false, false) => None,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn refused(pallet: &str, error: &str) -> SubmitError {
		SubmitError::Dispatch {
			call: "ProofOfLearning.submit".into(),
			pallet: pallet.into(),
			error: error.into(),
			docs: String::new(),
			block_number: 3,
		}
	}

	#[test]
	fn refusal_should_be_passing_only_when_the_next_block_may_be_another_answer() {
		let full = [
			("ProofOfLearning", "TooManyOpenRounds"),
			("ProofOfLearning", "TooManyOpenRoundsOfTrainer"),
			("Manifests", "Banned"),
			("Manifests", "TooManyAudits"),
		];
		for (pallet, error) in full {
			assert_eq!(Refusal::passing(&refused(pallet, error)), Some(Refusal::NoRoom), "{error}");
		}
		let stale = ["WorkTooOld", "WorkReused", "WorkInsufficient", "WorkAnchorUnknown"];
		for error in stale {
			let error = refused("ProofOfLearning", error);
			assert_eq!(Refusal::passing(&error), Some(Refusal::AskAgain), "{error}");
		}
		let there = refused("ExpertDag", "BlockExists");
		assert_eq!(Refusal::passing(&there), Some(Refusal::AskAgain));
		for (pallet, error) in [("ProofOfLearning", "NotTrainer"), ("ExpertDag", "WorkReused")] {
			assert_eq!(Refusal::passing(&refused(pallet, error)), None, "{error}");
		}
	}
}
