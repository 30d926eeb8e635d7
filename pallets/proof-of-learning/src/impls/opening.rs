//! The opening of sealed lots: from their draw until the committee may measure.

use crate::{impls::step::Step, tally, types::*, Config, Event, Pallet};
use blyan_primitives::traits::SealedReserve;
use polkadot_sdk::{frame_support::BoundedVec, frame_system, sp_runtime::traits::Saturating};

impl<T: Config> Pallet<T> {
	/// Has the sealers of what was drawn open it.
	pub(crate) fn open_lots(id: RoundId, round: &mut RoundOf<T>, sealed: &SealedDraw) {
		let now = frame_system::Pallet::<T>::block_number();
		let until = now.saturating_add(T::Sealed::opening_blocks().into());
		round.phase = Phase::Opening { until };
		Self::schedule(id, round, until.saturating_add(1u32.into()));
		Self::deposit_event(Event::LotsDrawn {
			round: id,
			attempt: round.attempt,
			committee: Self::members(round),
			lots: BoundedVec::truncate_from(sealed.lots.iter().map(|lot| lot.id).collect()),
			open_until: until,
		});
	}

	/// Ends the opening phase of a round that is off the agenda: what was not opened is void. The rest is measured if it
	/// is two thirds at least, so that no single sealer can bring a round to nothing by silence.
	pub(crate) fn close_opening(id: RoundId, round: &mut RoundOf<T>) -> Step {
		let Some(mut draw) = Self::draw_of(round) else { return Self::conclude_without_verdict(id, round) };
		let wanted = draw.sealed.lots.len() as u32;
		for lot in draw.sealed.lots.iter().filter(|lot| !lot.is_opened) {
			T::Sealed::void(lot.id);
		}
		draw.sealed.lots.retain(|lot| lot.is_opened);
		let opened = draw.sealed.lots.len() as u32;
		round.draw = Some(draw.clone());
		if Self::head_moved(round, &draw) {
			Self::restart(id, round, RestartReason::HeadMoved);
		} else if opened < tally::quorum(wanted) {
			Self::restart(id, round, RestartReason::LotsNotOpened);
		} else {
			Self::open_commit(id, round, &draw);
		}
		Step::LotsVoided { lots: wanted.saturating_sub(opened), blocks: round.blocks.len() as u32 }
	}
}
