//! This pallet as rounds, rewards and itself see it.

use crate::{
	types::*, Audits, BannedUntil, Config, Datasets, Error, Event, OpenAudits, Pallet, Parameters,
	RequiredFor,
};
use alloc::vec::Vec;
use blyan_primitives::{
	dag::{ModelId, NewBlocks},
	learning::Purpose,
	manifest::{self, AuditOutcome, ManifestFlaw, TrainingManifest, MAX_DATASETS},
	traits::{ManifestAudits, ModelDatasets, VerifiedData, WorkerRegistry},
};
use polkadot_sdk::{
	frame_support::{ensure, traits::Get, BoundedVec},
	frame_system,
	sp_core::ConstU32,
	sp_runtime::{traits::Saturating, DispatchResult, Perbill},
};

impl<T: Config> ModelDatasets<T::AccountId> for Pallet<T> {
	fn listed(model: ModelId, dataset: DatasetId) -> Option<(u64, T::AccountId)> {
		let ListedDataset { bytes, contributor, .. } = Datasets::<T>::get(model, dataset)?;
		Some((bytes, contributor))
	}
}

impl<T: Config> VerifiedData<T::AccountId> for Pallet<T> {
	fn shares(round: RoundId) -> Option<Vec<(T::AccountId, Perbill)>> {
		let audit = Audits::<T>::get(round)?;
		(audit.outcome() == AuditOutcome::Verified).then(|| audit.contributors.into_inner())
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
			let is_required = *purpose == Purpose::Improvement && RequiredFor::<T>::contains_key(model);
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
		let (dataset_bytes, contributors) = Self::approved_datasets(model, &manifest)?;
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
			dataset_bytes,
			contributors,
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

	fn closed(round: RoundId, is_accepted: bool) {
		Audits::<T>::mutate_extant(round, |audit| {
			audit.round = if is_accepted { RoundStanding::Accepted } else { RoundStanding::Refused };
		});
	}
}

impl<T: Config> Pallet<T> {
	fn ensure_not_banned(trainer: &T::AccountId) -> Result<(), Error<T>> {
		let now = frame_system::Pallet::<T>::block_number();
		let is_banned = BannedUntil::<T>::get(trainer).is_some_and(|until| now < until);
		ensure!(!is_banned, Error::<T>::Banned);
		Ok(())
	}

	/// How long the datasets are, and who gave them: each account once, with the sum of its weights.
	#[allow(clippy::type_complexity)]
	fn approved_datasets(
		model: ModelId,
		manifest: &TrainingManifest,
	) -> Result<(BoundedVec<u64, ConstU32<MAX_DATASETS>>, Contributors<T::AccountId>), Error<T>> {
		let (mut bytes, mut contributors) = (BoundedVec::new(), Contributors::<T::AccountId>::new());
		for used in &manifest.datasets {
			let (length, contributor) =
				T::Datasets::listed(model, used.dataset).ok_or(Error::<T>::DatasetNotApproved)?;
			// There are no more lengths and contributors than datasets, which are bounded likewise.
			bytes.try_push(length).map_err(|_| Error::<T>::DatasetsInvalid)?;
			match contributors.iter_mut().find(|(who, _)| *who == contributor) {
				Some((_, part)) => *part = part.saturating_add(used.weight),
				None => contributors
					.try_push((contributor, used.weight))
					.map_err(|_| Error::<T>::DatasetsInvalid)?,
			}
		}
		Ok((bytes, contributors))
	}
}
