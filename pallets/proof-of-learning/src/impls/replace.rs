//! Drawing others in place of those who did not commit in time.

use crate::{impls::step::Step, types::*, Config, Event, Pallet, Parameters};
use blyan_primitives::{
	traits::WorkerRegistry,
	worker::{Fault, Role},
	Hash,
};
use codec::Encode;
use polkadot_sdk::{
	frame_support::{defensive, traits::Randomness, BoundedVec},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::traits::{BlakeTwo256, Hash as _, Saturating},
};

impl<T: Config> Pallet<T> {
	/// Takes the seats of those who did not commit in time, and has others drawn for them, where a quorum did
	/// not commit and the attempt may still be saved; `None` if it may not.
	///
	/// It may as often as governance says, while somebody's commitment would be saved.
	pub(crate) fn replace_absent(id: RoundId, round: &mut RoundOf<T>) -> Option<Step> {
		let parameters = Parameters::<T>::get();
		let has_committed = |seat: &SeatOf<T>| seat.commitment.is_some();
		if round.replacements >= parameters.replacements || !round.committee.iter().any(has_committed) {
			return None;
		}
		let mut absent = round.absent.clone();
		for seat in round.committee.iter().filter(|seat| !has_committed(seat)) {
			absent.try_push(seat.evaluator.clone()).ok()?;
		}
		for seat in round.committee.iter().filter(|seat| !has_committed(seat)) {
			Self::note_fault(id, &seat.evaluator, Fault::NoCommit);
			T::Workers::release(&seat.evaluator);
		}
		let before = round.committee.len();
		round.committee.retain(has_committed);
		let missing = before.saturating_sub(round.committee.len()) as u32;
		let replaced = absent.iter().skip(round.absent.len()).cloned().collect();
		round.absent = absent;
		round.replacements = round.replacements.saturating_add(1);
		round.draw_tries = 0;
		let now = frame_system::Pallet::<T>::block_number();
		round.phase = Phase::AwaitingReplacement { since: now, missing };
		let draw_at = now.saturating_add(parameters.draw_delay.into());
		Self::schedule(id, round, draw_at);
		Self::deposit_event(Event::AbsentRemoved {
			round: id,
			absent: BoundedVec::truncate_from(replaced),
			draw_at,
		});
		Some(Step::AbsentRemoved)
	}

	/// Draws the missing seats from randomness that did not exist when the time to commit was over, or tries
	/// again later.
	pub(crate) fn try_replace(
		id: RoundId,
		round: &mut RoundOf<T>,
		since: BlockNumberFor<T>,
		missing: u32,
	) -> Step {
		let Some(draw) = Self::draw_of(round) else { return Self::conclude_without_verdict(id, round) };
		if Self::head_moved(round, &draw) {
			return Self::restart(id, round, RestartReason::HeadMoved);
		}
		let subject = (b"blyan/replacement", id, round.attempt, round.replacements).encode();
		match T::Randomness::random(&subject) {
			(Some(randomness), known_since) if known_since > since => {
				Self::draw_replacements(id, round, randomness, missing)
			}
			_ => {
				round.draw_tries = round.draw_tries.saturating_add(1);
				if round.draw_tries >= Parameters::<T>::get().max_draw_tries {
					return Self::restart(id, round, RestartReason::NoQuorum);
				}
				let now = frame_system::Pallet::<T>::block_number();
				let retry_at = now.saturating_add(draw_backoff(round.draw_tries).into());
				Self::schedule(id, round, retry_at);
				let reason = PostponeReason::NoRandomness;
				Self::deposit_event(Event::DrawPostponed { round: id, reason, retry_at });
				Step::Postponed
			}
		}
	}

	/// Draws the missing seats from that randomness. All of them, or the attempt is over: a smaller committee
	/// would have a smaller quorum, which being absent must not bring about.
	pub(crate) fn draw_replacements(
		id: RoundId,
		round: &mut RoundOf<T>,
		randomness: Hash,
		missing: u32,
	) -> Step {
		let seed = BlakeTwo256::hash_of(&(
			b"blyan/replacement-seed",
			randomness,
			id,
			round.attempt,
			round.replacements,
		));
		let mut excluded = Self::parties(round);
		excluded.extend(round.committee.iter().map(|seat| seat.evaluator.clone()));
		excluded.extend(round.absent.iter().cloned());
		let drawn = T::Workers::draw(Role::Evaluator, missing, seed, &excluded);
		if drawn.len() as u32 != missing {
			drawn.iter().for_each(T::Workers::release);
			Self::restart(id, round, RestartReason::NoQuorum);
			return Step::NotReplaced { blocks: round.blocks.len() as u32 };
		}
		for evaluator in &drawn {
			if round.committee.try_push(Seat::new(evaluator.clone())).is_err() {
				defensive!("more seats than were taken");
			}
		}
		let parameters = Parameters::<T>::get();
		let now = frame_system::Pallet::<T>::block_number();
		let until = now.saturating_add(parameters.commit_blocks.into());
		round.phase = Phase::Commit { until };
		Self::schedule(id, round, until.saturating_add(1u32.into()));
		Self::deposit_event(Event::ReplacementsDrawn {
			round: id,
			attempt: round.attempt,
			replacements: BoundedVec::truncate_from(drawn),
			commit_until: until,
		});
		Step::Replaced
	}
}
