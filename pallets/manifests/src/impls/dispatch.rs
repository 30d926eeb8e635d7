//! What auditors' calls do: fallible checks first, then writes.

use crate::{types::*, Audits, Config, Error, Event, Pallet};
use blyan_primitives::{
	manifest::{self, ManifestFinding},
	panel::{self, PanelError},
	Hash,
};
use polkadot_sdk::{
	frame_support::ensure,
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::{traits::Saturating, DispatchResult},
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_commit(who: T::AccountId, round: RoundId, commitment: Hash) -> DispatchResult {
		let mut audit = Self::open_audit(round)?;
		// A deadline may be served late, but nothing is taken after it.
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(matches!(audit.stage, Stage::Commit { until } if now <= until), Error::<T>::NotInCommitPhase);
		panel::commit(audit.auditors.as_mut(), &who, commitment).map_err(Error::<T>::from)?;

		if panel::committed(&audit.auditors) == audit.auditors.len() {
			Self::end_at(round, now);
			audit.stage = Stage::Commit { until: now };
		}
		Audits::<T>::insert(round, audit);
		Self::deposit_event(Event::FindingCommitted { round, auditor: who, commitment });
		Ok(())
	}

	pub(crate) fn do_reveal(
		who: T::AccountId,
		round: RoundId,
		finding: ManifestFinding,
		salt: [u8; 32],
	) -> DispatchResult {
		let mut audit = Self::open_audit(round)?;
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(matches!(audit.stage, Stage::Reveal { until } if now <= until), Error::<T>::NotInRevealPhase);
		if let ManifestFinding::Mismatch { batch: Some(batch) } = &finding {
			ensure!(audit.sample.contains(batch), Error::<T>::BatchNotInSample);
		}
		let commitment = manifest::commitment(&who, round, audit.attempt, &finding, &salt);
		panel::reveal(audit.auditors.as_mut(), &who, finding, commitment).map_err(Error::<T>::from)?;

		if panel::all_revealed(&audit.auditors) {
			Self::end_at(round, now);
			audit.stage = Stage::Reveal { until: now };
		}
		Audits::<T>::insert(round, audit);
		Self::deposit_event(Event::FindingRevealed { round, auditor: who, finding });
		Ok(())
	}

	fn open_audit(round: RoundId) -> Result<AuditOf<T>, Error<T>> {
		Audits::<T>::get(round).filter(Audit::is_open).ok_or(Error::<T>::AuditNotFound)
	}

	/// Ends a phase early, for everybody has done their part.
	fn end_at(round: RoundId, now: BlockNumberFor<T>) {
		Self::reschedule(round, now.saturating_add(1u32.into()));
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
