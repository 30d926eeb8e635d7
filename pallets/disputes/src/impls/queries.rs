//! What people and workers may ask. Serves [`blyan_primitives::api::DisputesApi`].

use crate::{types::*, Config, Disputes, OpenDisputes, Pallet, Parameters};
use alloc::vec::Vec;
use blyan_primitives::{
	api::{DisputeInfo, DisputeStage},
	traits::WorkerRegistry,
	worker::Fault,
	Balance,
};
use polkadot_sdk::sp_runtime::SaturatedConversion;

impl<T: Config> Pallet<T> {
	/// One dispute, while it is open.
	pub fn dispute(id: DisputeId) -> Option<DisputeInfo<T::AccountId>> {
		Disputes::<T>::get(id).map(|dispute| Self::describe(id, dispute))
	}

	/// The open disputes, oldest first; those of a round if one is named.
	pub fn disputes(round: Option<RoundId>) -> Vec<DisputeInfo<T::AccountId>> {
		let open = OpenDisputes::<T>::get();
		let wanted = open.iter().filter(|entry| round.is_none_or(|round| entry.round == round));
		let mut ids = wanted.map(|entry| entry.id).collect::<Vec<_>>();
		ids.sort_unstable();
		ids.into_iter().filter_map(Self::dispute).collect()
	}

	/// What a challenger holds: `Parameters.bond`, or twice what the accused stands to lose if that is more.
	///
	/// Half of the bond of who loses goes to the referees. Twice the slash: to have an accomplice lose a dispute on
	/// purpose costs no less than the slash that one is spared by it. The largest one: the submission may yet turn out to
	/// be a canary.
	pub fn bond(accused: &T::AccountId) -> Balance {
		let slash = T::Workers::cost_of(accused, Fault::CanaryAccepted);
		Parameters::<T>::get().bond.max(slash.saturating_mul(2))
	}

	fn describe(id: DisputeId, dispute: DisputeOf<T>) -> DisputeInfo<T::AccountId> {
		let stage = match dispute.stage {
			Stage::AwaitingOpening { until } => {
				DisputeStage::AwaitingOpening { until: until.saturated_into() }
			}
			Stage::AwaitingReferees => DisputeStage::AwaitingReferees,
			Stage::Commit { until } => DisputeStage::Commit { until: until.saturated_into() },
			Stage::Reveal { until } => DisputeStage::Reveal { until: until.saturated_into() },
		};
		let referees = |did: fn(&Seat<T::AccountId>) -> bool| {
			dispute.referees.iter().filter(|seat| did(seat)).map(|seat| seat.referee.clone()).collect()
		};
		DisputeInfo {
			id,
			round: dispute.round,
			accused: dispute.accused,
			challenger: dispute.challenger,
			bond: dispute.bond,
			position: dispute.position,
			shard: dispute.opened.map(|opened| opened.shard),
			opened: dispute.opened.map(|opened| opened.losses),
			attempt: dispute.attempt,
			referees: referees(|_| true),
			committed: referees(|seat| seat.commitment.is_some()),
			revealed: referees(|seat| seat.finding.is_some()),
			stage,
		}
	}
}
