//! The list of open audits: what is due when, serving it within a weight limit, and forgetting old ones.

use crate::{
	impls::step::Step, types::*, weights::WeightInfo, Audits, BannedUntil, Concluded, Config, FirstConcluded,
	NextConcluded, OpenAudits, Pallet,
};
use alloc::vec::Vec;
use blyan_primitives::manifest::AuditOutcome;
use polkadot_sdk::{
	frame_support::{
		defensive,
		traits::{Defensive, Get},
		weights::WeightMeter,
		BoundedVec,
	},
	frame_system::pallet_prelude::BlockNumberFor,
	sp_runtime::traits::Saturating,
};

impl<T: Config> Pallet<T> {
	/// Lists a new audit. Whoever calls this has seen that there is room.
	pub(crate) fn list(round: RoundId, due: BlockNumberFor<T>) {
		OpenAudits::<T>::mutate(|open| {
			let _ = open.try_push(OpenAudit { due, round }).defensive_proof("there is room for one more");
			sort::<T>(open);
		});
	}

	/// Has something due for an audit at another block.
	pub(crate) fn reschedule(round: RoundId, due: BlockNumberFor<T>) {
		OpenAudits::<T>::mutate(|open| match open.iter_mut().find(|entry| entry.round == round) {
			Some(entry) => {
				entry.due = due;
				sort::<T>(open);
			}
			None => {
				defensive!("an open audit is not listed");
			}
		});
	}

	/// Takes an audit that is over from the one list to the other.
	pub(crate) fn conclude(round: RoundId) {
		OpenAudits::<T>::mutate(|open| open.retain(|entry| entry.round != round));
		let place = NextConcluded::<T>::get();
		Concluded::<T>::insert(place, round);
		NextConcluded::<T>::put(place.saturating_add(1));
	}

	/// Serves what is due, what has waited longest first. What does not fit waits for the next block.
	pub(crate) fn serve(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		if meter.try_consume(T::WeightInfo::serve_list()).is_err() {
			return;
		}
		let open = OpenAudits::<T>::get();
		let due =
			open.iter().take_while(|entry| entry.due <= now).map(|entry| entry.round).collect::<Vec<_>>();
		for round in due {
			// What an audit takes is known only afterwards.
			if !meter.can_consume(Step::max_weight::<T>()) {
				return;
			}
			meter.consume(Self::advance(round).weight::<T>());
		}
	}

	/// Does what is due for an audit.
	fn advance(round: RoundId) -> Step {
		let Some(mut audit) = Audits::<T>::get(round).defensive() else {
			OpenAudits::<T>::mutate(|open| open.retain(|entry| entry.round != round));
			return Step::Closed;
		};
		let step = match audit.stage {
			Stage::AwaitingDraw => Self::try_draw(round, &mut audit),
			Stage::Commit { .. } => Self::close_commit(round, &mut audit),
			Stage::Reveal { .. } => Self::close_reveal(round, &mut audit),
			Stage::Closed { .. } => {
				defensive!("an audit that is over has nothing due");
				Step::Closed
			}
		};
		Audits::<T>::insert(round, audit);
		step
	}

	/// Forgets the audits that ended longest ago, as long as they ended [`Config::Retention`] blocks ago and their
	/// rounds are over: one whose round is not keeps younger ones a little longer.
	pub(crate) fn prune(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		while meter.try_consume(T::WeightInfo::prune()).is_ok() {
			let place = FirstConcluded::<T>::get();
			let Some(round) = Concluded::<T>::get(place) else { return };
			if let Some(audit) = Audits::<T>::get(round).defensive() {
				let Stage::Closed { outcome, at } = audit.stage else { return };
				let is_old = at.saturating_add(T::Retention::get()) < now;
				if !is_old || audit.round == RoundStanding::Open {
					return;
				}
				if matches!(outcome, AuditOutcome::Mismatch { .. }) {
					Self::forget_ban(&audit.trainer, now);
				}
				Audits::<T>::remove(round);
			}
			Concluded::<T>::remove(place);
			FirstConcluded::<T>::put(place.saturating_add(1));
		}
	}

	/// Forgets a ban that is over. One that is not was renewed by a later audit, which is still kept.
	fn forget_ban(trainer: &T::AccountId, now: BlockNumberFor<T>) {
		if BannedUntil::<T>::get(trainer).is_some_and(|until| until <= now) {
			BannedUntil::<T>::remove(trainer);
		}
	}
}

fn sort<T: Config>(open: &mut BoundedVec<OpenAudit<BlockNumberFor<T>>, T::MaxOpenAudits>) {
	open.sort_by_key(|entry| (entry.due, entry.round));
}
