//! The list of open disputes: what is due when, and serving it within a weight limit.

use crate::{impls::step::Step, types::*, weights::WeightInfo, Config, Disputes, OpenDisputes, Pallet};
use alloc::vec::Vec;
use blyan_primitives::traits::ContestableRounds;
use polkadot_sdk::{
	frame_support::{
		defensive,
		traits::Defensive,
		weights::{Weight, WeightMeter},
		BoundedVec,
	},
	frame_system::pallet_prelude::BlockNumberFor,
};

impl<T: Config> Pallet<T> {
	/// Lists a new dispute. Whoever calls this has seen that there is room.
	pub(crate) fn list(entry: OpenDisputeOf<T>) {
		OpenDisputes::<T>::mutate(|open| {
			let _ = open.try_push(entry).defensive_proof("there is room for one more");
			sort::<T>(open);
		});
	}

	/// Has something due for a dispute at another block.
	pub(crate) fn reschedule(id: DisputeId, due: BlockNumberFor<T>) {
		OpenDisputes::<T>::mutate(|open| match open.iter_mut().find(|entry| entry.id == id) {
			Some(entry) => {
				entry.due = due;
				sort::<T>(open);
			}
			None => {
				defensive!("an open dispute is not listed");
			}
		});
	}

	/// Takes a dispute that is over off the list.
	pub(crate) fn unlist(id: DisputeId) {
		OpenDisputes::<T>::mutate(|open| open.retain(|entry| entry.id != id));
	}

	/// The least [`Config::ServiceWeight`] by which whatever is due is served in the end: one deadline that takes
	/// the most.
	pub fn least_service_weight() -> Weight {
		T::WeightInfo::serve_list().saturating_add(Step::max_weight::<T>())
	}

	/// Serves what is due, what has waited longest first. What does not fit waits for the next block.
	pub(crate) fn serve(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		if meter.try_consume(T::WeightInfo::serve_list()).is_err() {
			return;
		}
		let open = OpenDisputes::<T>::get();
		let due = open.iter().take_while(|entry| entry.due <= now).map(|entry| entry.id).collect::<Vec<_>>();
		for id in due {
			// What a dispute takes is known only afterwards.
			if !meter.can_consume(Step::max_weight::<T>()) {
				return;
			}
			meter.consume(Self::advance(id).weight::<T>());
		}
	}

	/// Does what is due for a dispute.
	fn advance(id: DisputeId) -> Step {
		let Some(dispute) = Disputes::<T>::get(id).defensive() else {
			Self::unlist(id);
			return Step::Concluded;
		};
		let Some(finding) = T::Rounds::finding(dispute.round, &dispute.accused) else {
			// Nothing is left to decide, and nobody pays twice for the same finding.
			Self::end_undecided(id, dispute, UndecidedReason::AlreadyStruck);
			return Step::Concluded;
		};
		match dispute.stage {
			Stage::AwaitingOpening { .. } => {
				Self::end_struck(id, dispute, None);
				Step::Concluded
			}
			Stage::AwaitingReferees => Self::try_draw(id, dispute, &finding),
			Stage::Commit { .. } => Self::close_commit(id, dispute),
			Stage::Reveal { .. } => Self::close_reveal(id, dispute),
		}
	}
}

fn sort<T: Config>(open: &mut BoundedVec<OpenDisputeOf<T>, T::MaxOpenDisputes>) {
	open.sort_by_key(|entry| (entry.due, entry.id));
}
