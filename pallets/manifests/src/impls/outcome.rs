//! How an audit ends, and what follows for who made the manifest.

use crate::{types::*, BannedUntil, Config, Event, Pallet, Parameters};
use blyan_primitives::{
	manifest::AuditOutcome,
	traits::{DataRewards, WorkerRegistry},
	worker::Fault,
};
use polkadot_sdk::{frame_system, sp_runtime::traits::Saturating};

impl<T: Config> Pallet<T> {
	/// The one way in which an audit ends. Whoever calls this stores the audit; who is told of its end must not
	/// ask for the outcome before that.
	pub(crate) fn close(round: RoundId, audit: &mut AuditOf<T>, outcome: AuditOutcome) {
		Self::release_auditors(audit);
		let now = frame_system::Pallet::<T>::block_number();
		if matches!(outcome, AuditOutcome::Mismatch { .. }) {
			let slashed = T::Workers::note_fault(&audit.trainer, Fault::ManifestMismatch);
			let ban = Parameters::<T>::get().ban_blocks;
			let banned_until = now.saturating_add(ban.into());
			BannedUntil::<T>::insert(&audit.trainer, banned_until);
			let trainer = audit.trainer.clone();
			Self::deposit_event(Event::TrainerFaulted { round, trainer, slashed, banned_until });
		}
		T::Workers::release(&audit.trainer);
		audit.stage = Stage::Closed { outcome, at: now };
		crate::Audits::<T>::insert(round, &*audit);
		Self::conclude(round);
		Self::deposit_event(Event::AuditClosed { round, outcome });
		if outcome == AuditOutcome::Verified {
			T::OnVerified::data_verified(round);
		}
		Self::tell_learned(round, audit);
	}
}
