//! Deadlines: when something is due, serving it within a weight limit, and forgetting old rounds.

use crate::{
	impls::step::Step, types::*, weights::WeightInfo, Agenda, Config, FirstRoundId, IncompleteSince,
	NextRoundId, Pallet, Rounds,
};
use polkadot_sdk::{
	frame_support::{
		defensive,
		traits::{Defensive, Get},
		weights::{Weight, WeightMeter},
		BoundedVec,
	},
	frame_system::pallet_prelude::BlockNumberFor,
	sp_runtime::traits::Saturating,
};

impl<T: Config> Pallet<T> {
	/// Puts a round on the agenda at `at`, or in the first slot after it that has room.
	///
	/// `at` must lie in the future, and the round must not be on the agenda. There are no more open rounds
	/// than [`Config::MaxOpenRounds`], each in one slot, so few slots can be full.
	pub(crate) fn schedule(id: RoundId, round: &mut RoundOf<T>, at: BlockNumberFor<T>) {
		let mut slot = at;
		let full_slots = T::MaxOpenRounds::get().div_ceil(T::MaxDuePerBlock::get().max(1));
		for _ in 0..=full_slots {
			if Agenda::<T>::try_mutate(slot, |due| due.try_push(id)).is_ok() {
				round.due = Some(slot);
				return;
			}
			slot.saturating_inc();
		}
		defensive!("every slot is full though each open round has one slot at most");
	}

	/// Takes a round off the agenda, for its phase ends early.
	pub(crate) fn unschedule(id: RoundId, round: &mut RoundOf<T>) {
		let Some(slot) = round.due.take().defensive() else { return };
		Agenda::<T>::mutate_exists(slot, |entry| {
			let Some(due) = entry.as_mut().defensive() else { return };
			due.retain(|other| *other != id);
			if due.is_empty() {
				*entry = None;
			}
		});
	}

	/// The least [`Config::ServiceWeight`] by which whatever is due is served in the end: one deadline that takes
	/// the most.
	pub fn least_service_weight() -> Weight {
		T::WeightInfo::serve_slot().saturating_add(Step::max_due_weight::<T>())
	}

	/// Serves what is due, from the first slot that was not served to its end up to the one of `now`.
	pub(crate) fn serve_agenda(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		let first = IncompleteSince::<T>::get();
		let mut slot = first.unwrap_or(now);
		while slot <= now {
			if meter.try_consume(T::WeightInfo::serve_slot()).is_err() || !Self::serve_slot(slot, meter) {
				IncompleteSince::<T>::put(slot);
				return;
			}
			slot.saturating_inc();
		}
		if first.is_some() {
			IncompleteSince::<T>::kill();
		}
	}

	/// Goes on with what the start of the block had no weight for.
	pub(crate) fn serve_leftovers(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		if meter.try_consume(T::DbWeight::get().reads(1)).is_ok() && IncompleteSince::<T>::exists() {
			Self::serve_agenda(now, meter);
		}
	}

	/// Serves one slot; `false` if there was not the weight for all of it, and the rest is kept.
	fn serve_slot(slot: BlockNumberFor<T>, meter: &mut WeightMeter) -> bool {
		let mut due = Agenda::<T>::take(slot).into_inner().into_iter();
		while !due.as_slice().is_empty() {
			// What a round takes is known only afterwards.
			if !meter.can_consume(Step::max_due_weight::<T>()) {
				Agenda::<T>::insert(slot, BoundedVec::truncate_from(due.collect()));
				return false;
			}
			if let Some(id) = due.next() {
				meter.consume(Self::serve_round(id));
			}
		}
		true
	}

	/// Does what is due for a round that was just taken off the agenda; what that took.
	fn serve_round(id: RoundId) -> Weight {
		let Some(mut round) = Rounds::<T>::get(id).defensive() else { return Step::Nothing.weight::<T>() };
		round.due = None;
		let is_draw = matches!(round.phase, Phase::AwaitingDraw | Phase::AwaitingReplacement { .. });
		let step = match round.phase {
			Phase::AwaitingDraw => Self::try_draw(id, &mut round),
			Phase::Opening { .. } => Self::close_opening(id, &mut round),
			Phase::Commit { .. } => Self::close_commit(id, &mut round),
			Phase::Reveal { .. } => Self::close_reveal(id, &mut round),
			Phase::Contest { .. } => Self::close_contest(id, &mut round),
			Phase::AwaitingReplacement { since, missing } => {
				Self::try_replace(id, &mut round, since, missing)
			}
			Phase::Closed { .. } | Phase::Waiting => {
				defensive!("a round that waits or is closed has nothing due");
				Step::Nothing
			}
		};
		let apart = if is_draw { Step::apart_weight::<T>(&round.purpose) } else { Weight::zero() };
		Rounds::<T>::insert(id, round);
		step.weight::<T>().saturating_add(apart)
	}

	/// Forgets the oldest rounds, as long as they closed [`Config::ClosedRoundRetention`] blocks ago.
	///
	/// In the order of their numbers, so that those that are kept have no gaps: one that is open for long
	/// keeps younger ones a little longer.
	pub(crate) fn prune_closed_rounds(now: BlockNumberFor<T>, meter: &mut WeightMeter) {
		// The trainer's record besides.
		let weight = T::WeightInfo::prune_round().saturating_add(T::DbWeight::get().reads_writes(1, 1));
		while meter.try_consume(weight).is_ok() {
			let first = FirstRoundId::<T>::get();
			if first >= NextRoundId::<T>::get() {
				return;
			}
			let is_old = |at: BlockNumberFor<T>| at.saturating_add(T::ClosedRoundRetention::get()) < now;
			match Rounds::<T>::get(first).map(|round| (round.phase, round.trainer)) {
				Some((Phase::Closed { at, .. }, trainer)) if is_old(at) => {
					Rounds::<T>::remove(first);
					Self::forget_record(first, &trainer);
					FirstRoundId::<T>::put(first.saturating_add(1));
				}
				_ => return,
			}
		}
	}
}
