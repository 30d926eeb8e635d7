//! This pallet as rounds, rewards and itself see it.

use crate::{types::*, Audits, BannedUntil, Config, Error, Event, OpenAudits, Pallet, Parameters, Terms};
use alloc::vec::Vec;
use blyan_primitives::{
	dag::{ModelId, NewBlocks},
	learning::{Purpose, Verdict},
	manifest::{self, AuditOutcome, DatasetUse, ManifestFlaw, TrainingManifest},
	traits::{
		ApprovedDataset, DataOutcomes, DataShare, DatasetRegistry, LearnedFrom, ManifestAudits, VerifiedData,
		WorkerRegistry,
	},
};
use polkadot_sdk::{
	frame_support::{defensive, ensure, traits::Get, BoundedVec},
	frame_system,
	sp_runtime::{traits::Saturating, DispatchResult},
};

impl<T: Config> VerifiedData<T::AccountId> for Pallet<T> {
	fn shares(round: RoundId) -> Option<Vec<DataShare<T::AccountId>>> {
		let audit = Audits::<T>::get(round).filter(|audit| audit.outcome() == AuditOutcome::Verified)?;
		let sources = audit.sources.into_iter().zip(&audit.manifest.datasets);
		let share = |(source, used): (DataSource<T::AccountId>, &DatasetUse)| DataShare {
			dataset: used.dataset,
			contributor: source.contributor,
			share: used.weight,
		};
		Some(sources.map(share).collect())
	}
}

impl<T: Config> ManifestAudits<T::AccountId> for Pallet<T> {
	fn opened(
		round: RoundId,
		model: ModelId,
		trainer: &T::AccountId,
		blocks: &NewBlocks,
		purpose: &Purpose,
		manifest: Option<TrainingManifest>,
	) -> DispatchResult {
		let learns = matches!(purpose, Purpose::Improvement | Purpose::Migration(_));
		if learns {
			// Who only compacts, or asks for a rollback, says nothing of data that could be wrong.
			Self::ensure_not_banned(trainer)?;
		}
		let Some(manifest) = manifest else {
			let is_required = *purpose == Purpose::Improvement && Terms::<T>::get(model).manifest_required;
			ensure!(!is_required, Error::<T>::ManifestRequired);
			return Ok(());
		};
		ensure!(learns, Error::<T>::ManifestNotExpected);
		manifest.check().map_err(|flaw| match flaw {
			ManifestFlaw::Datasets => Error::<T>::DatasetsInvalid,
			ManifestFlaw::Weights => Error::<T>::WeightsInvalid,
			ManifestFlaw::Sizes => Error::<T>::SizesInvalid,
		})?;
		let is_of_all = blocks.iter().all(|block| block.manifest_hash == manifest.document_hash);
		ensure!(is_of_all, Error::<T>::OtherDocument);
		let sources = Self::approved_sources(model, &manifest)?;
		ensure!(
			(OpenAudits::<T>::decode_len().unwrap_or_default() as u32) < T::MaxOpenAudits::get(),
			Error::<T>::TooManyAudits
		);
		// Its bond stays until the audit is over: rounds see to it that a trainer is a worker.
		ensure!(T::Workers::engage(trainer), Error::<T>::NotWorker);

		let parents = blocks.iter().map(|block| block.parents.first().copied()).collect::<Vec<_>>();
		let now = frame_system::Pallet::<T>::block_number();
		let audit = Audit {
			model,
			trainer: trainer.clone(),
			binding: manifest::binding(trainer, model, &parents),
			manifest,
			sources,
			round: RoundStanding::Open,
			attempt: 0,
			attempt_since: now,
			draw_tries: 0,
			sample: BoundedVec::new(),
			auditors: BoundedVec::new(),
			stage: Stage::AwaitingDraw,
		};
		Self::list(round, now.saturating_add(Parameters::<T>::get().draw_delay.into()));
		Audits::<T>::insert(round, audit);
		Self::deposit_event(Event::ManifestReceived { round, trainer: trainer.clone() });
		Ok(())
	}

	fn closed(round: RoundId, verdict: Verdict) {
		let Some(mut audit) = Audits::<T>::get(round) else { return };
		if audit.round != RoundStanding::Open {
			defensive!("a round is over once");
			return;
		}
		audit.round = verdict.into();
		Audits::<T>::insert(round, &audit);
		Self::tell_learned(round, &audit);
	}
}

impl<T: Config> Pallet<T> {
	fn ensure_not_banned(trainer: &T::AccountId) -> Result<(), Error<T>> {
		let now = frame_system::Pallet::<T>::block_number();
		let is_banned = BannedUntil::<T>::get(trainer).is_some_and(|until| now < until);
		ensure!(!is_banned, Error::<T>::Banned);
		Ok(())
	}

	/// What the datasets of a manifest are now.
	fn approved_sources(
		model: ModelId,
		manifest: &TrainingManifest,
	) -> Result<DataSources<T::AccountId>, Error<T>> {
		let least_tier = Terms::<T>::get(model).least_tier;
		let mut sources = DataSources::<T::AccountId>::new();
		for (place, used) in (0u8..).zip(&manifest.datasets) {
			let ApprovedDataset { bytes, contributor, tier, .. } =
				T::Datasets::approved(used.dataset).ok_or(Error::<T>::DatasetNotApproved(place))?;
			ensure!(tier >= least_tier, Error::<T>::DatasetBelowTier(place));
			// There are no more of them than datasets, which are bounded likewise.
			sources
				.try_push(DataSource { bytes, contributor, tier })
				.map_err(|_| Error::<T>::DatasetsInvalid)?;
		}
		Ok(sources)
	}

	/// Tells what came of the data, if that is known: the later of verdict and audit makes it known, so it is told once.
	pub(crate) fn tell_learned(round: RoundId, audit: &AuditOf<T>) {
		let is_accepted = match audit.round {
			RoundStanding::Accepted => true,
			RoundStanding::Refused => false,
			RoundStanding::Open | RoundStanding::Unmeasured => return,
		};
		if audit.outcome() != AuditOutcome::Verified {
			return;
		}
		T::Outcomes::learned(LearnedFrom {
			submission: round,
			model: audit.model,
			trainer: &audit.trainer,
			uses: &audit.manifest.datasets,
			samples: audit.manifest.samples(),
			is_accepted,
		});
	}
}
