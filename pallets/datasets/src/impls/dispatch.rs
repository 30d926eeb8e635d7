//! What auditors' calls do: fallible checks first, then writes.

use crate::{types::*, Audits, Config, Datasets, Error, Event, Pallet, Parameters};
use blyan_primitives::{
	datasets::{dataset_commitment, DatasetFinding},
	panel::{self, PanelError},
	BlockNumber, Hash,
};
use polkadot_sdk::{frame_support::ensure, sp_runtime::DispatchResult};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_commit(who: T::AccountId, id: DatasetId, commitment: Hash) -> DispatchResult {
		let mut audit = Audits::<T>::get(id).ok_or(Error::<T>::AuditNotFound)?;
		// A deadline may be served late, but nothing is taken after it.
		let now = Self::now();
		ensure!(matches!(audit.phase, Phase::Commit { until } if now <= until), Error::<T>::NotInCommitPhase);
		panel::commit(audit.seats.as_mut(), &who, commitment).map_err(Error::<T>::from)?;

		if panel::committed(&audit.seats) == audit.seats.len() {
			audit.phase = Phase::Commit { until: now };
			Self::end_at(id, now);
		}
		Audits::<T>::insert(id, audit);
		Self::deposit_event(Event::FindingCommitted { dataset: id, auditor: who, commitment });
		Ok(())
	}

	pub(crate) fn do_reveal(
		who: T::AccountId,
		id: DatasetId,
		finding: DatasetFinding,
		salt: [u8; 32],
	) -> DispatchResult {
		let mut audit = Audits::<T>::get(id).ok_or(Error::<T>::AuditNotFound)?;
		let now = Self::now();
		ensure!(matches!(audit.phase, Phase::Reveal { until } if now <= until), Error::<T>::NotInRevealPhase);
		if let DatasetFinding::Report(report) = &finding {
			ensure!(report.rules == Parameters::<T>::get().rules, Error::<T>::RulesDiffer);
		}
		let commitment = dataset_commitment(&who, &id, audit.number, audit.attempt, &finding, &salt);
		panel::reveal(audit.seats.as_mut(), &who, finding.clone(), commitment).map_err(Error::<T>::from)?;

		if panel::all_revealed(&audit.seats) {
			audit.phase = Phase::Reveal { until: now };
			Self::end_at(id, now);
		}
		Audits::<T>::insert(id, audit);
		Self::deposit_event(Event::FindingRevealed { dataset: id, auditor: who, finding });
		Ok(())
	}

	/// Ends a phase early, for everybody has done their part.
	fn end_at(id: DatasetId, now: BlockNumber) {
		Datasets::<T>::mutate_extant(id, |dataset| Self::schedule(id, dataset, now.saturating_add(1)));
	}
}

impl<T> From<PanelError> for Error<T> {
	fn from(error: PanelError) -> Self {
		match error {
			PanelError::NotSeated => Self::NotAuditor,
			PanelError::AlreadyCommitted => Self::AlreadyCommitted,
			PanelError::CommitmentCopied => Self::CommitmentCopied,
			PanelError::NotCommitted => Self::NotCommitted,
			PanelError::AlreadyRevealed => Self::AlreadyRevealed,
			PanelError::RevealMismatch => Self::RevealMismatch,
		}
	}
}
