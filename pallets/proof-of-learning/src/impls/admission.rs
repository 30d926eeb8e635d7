//! Who is measured first: the line of submissions, and what a trainer's rejections do to its place in it.

use crate::{
	types::*, Config, Error, Event, MeasuredRounds, Pallet, Parameters, Rounds, TrackRecords, WaitingRounds,
};
use alloc::collections::BTreeMap;
use blyan_primitives::{
	api::WorkDemand,
	dag::{BlockId, ModelId},
	submission::{work_bits, work_challenge, Envelope},
	traits::WorkerRegistry,
};
use core::cmp::Reverse;
use polkadot_sdk::{
	frame_support::{defensive, ensure, traits::Defensive, traits::Get},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::{
		traits::{SaturatedConversion, Saturating, Zero},
		Perbill,
	},
};

/// Most rounds that are admitted when one closes or is submitted: one for the place that is free, and one
/// where governance made room.
const MAX_ADMITTED_AT_ONCE: u32 = 2;

/// What a proof of work came to.
pub(crate) struct ProvenWork<BlockNumber> {
	/// The block that it was made for; `None` if no work is asked for.
	pub(crate) anchor: Option<BlockNumber>,
	/// Zero bits, as many as were asked for or more.
	pub(crate) bits: u32,
}

impl<T: Config> Pallet<T> {
	/// The proof of work that a submission of `who` must carry now.
	pub fn work_demand(who: &T::AccountId) -> WorkDemand {
		let parameters = Parameters::<T>::get();
		let record = TrackRecords::<T>::get(who);
		let now = frame_system::Pallet::<T>::block_number();
		let setbacks = record.as_ref().map_or(0, |record| record.setbacks_at(now, parameters.forgive_blocks));
		WorkDemand {
			bits: if parameters.work_bits == 0 { 0 } else { parameters.work_bits.saturating_add(setbacks) },
			max_age: parameters.work_blocks,
			after: record.and_then(|record| record.anchor).map(|anchor| anchor.saturated_into()),
		}
	}

	/// Checks the proof of work: a few reads and two hashes, before anything that takes longer. Returns the
	/// block that it was made for, if any work is asked for, and how much it is.
	pub(crate) fn check_work(
		who: &T::AccountId,
		model: ModelId,
		blocks: &[BlockId],
		envelope: &Envelope,
	) -> Result<ProvenWork<BlockNumberFor<T>>, Error<T>> {
		let demand = Self::work_demand(who);
		if demand.bits == 0 {
			return Ok(ProvenWork { anchor: None, bits: 0 });
		}
		let now = frame_system::Pallet::<T>::block_number();
		let anchor = BlockNumberFor::<T>::from(envelope.anchor);
		ensure!(anchor < now, Error::<T>::WorkAnchorUnknown);
		ensure!(now.saturating_sub(anchor) <= demand.max_age.into(), Error::<T>::WorkTooOld);
		ensure!(demand.after.is_none_or(|after| envelope.anchor > after), Error::<T>::WorkReused);
		let hash = frame_system::Pallet::<T>::block_hash(anchor);
		ensure!(!hash.is_zero(), Error::<T>::WorkAnchorUnknown);
		let challenge = work_challenge(who, model, blocks, &envelope.seal, &hash);
		let bits = work_bits(&challenge, envelope.work);
		ensure!(bits >= demand.bits, Error::<T>::WorkInsufficient);
		Ok(ProvenWork { anchor: Some(anchor), bits })
	}

	/// Where an account stands: its reputation, halved by each recent rejection.
	pub(crate) fn standing(who: &T::AccountId) -> Perbill {
		let reputation = T::Workers::reputation(who).unwrap_or(STRANGER_REPUTATION);
		let now = frame_system::Pallet::<T>::block_number();
		let forgive_blocks = Parameters::<T>::get().forgive_blocks;
		let setbacks =
			TrackRecords::<T>::get(who).map_or(0, |record| record.setbacks_at(now, forgive_blocks));
		Perbill::from_parts(reputation.deconstruct().checked_shr(setbacks).unwrap_or_default())
	}

	/// Keeps what is known of who submits.
	pub(crate) fn note_submission(who: &T::AccountId, id: RoundId, anchor: Option<BlockNumberFor<T>>) {
		TrackRecords::<T>::mutate(who, |entry| match entry {
			Some(record) => {
				record.newest = id;
				record.anchor = anchor.or(record.anchor);
			}
			None => {
				*entry = Some(TrackRecord { newest: id, anchor, setbacks: 0, since: Zero::zero() });
			}
		});
	}

	/// Notes a rejection: the trainer must work twice as much for the next submission, and stands behind others
	/// of its reputation.
	pub(crate) fn note_setback(who: &T::AccountId) {
		let now = frame_system::Pallet::<T>::block_number();
		let forgive_blocks = Parameters::<T>::get().forgive_blocks;
		TrackRecords::<T>::mutate_extant(who, |record| {
			let left = record.setbacks_at(now, forgive_blocks);
			record.setbacks = left.saturating_add(1).min(MAX_SETBACKS);
			record.since = now;
		});
	}

	/// Has submissions in line stand where their trainer stands after a verdict.
	fn refresh_standing(who: &T::AccountId) {
		WaitingRounds::<T>::mutate(|line| {
			if line.iter().any(|entry| entry.trainer == *who) {
				let standing = Self::standing(who);
				line.iter_mut()
					.filter(|entry| entry.trainer == *who)
					.for_each(|entry| entry.standing = standing);
			}
		});
	}

	/// Puts a round that is stored at the end of the line, and admits who is first in it. If there is no room,
	/// who stands last makes room, if that is not the newcomer; says how many blocks were withdrawn for
	/// that.
	///
	/// # Errors
	/// There is no room for one who stands there.
	pub(crate) fn enter_line(
		id: RoundId,
		trainer: &T::AccountId,
		work: u32,
	) -> Result<Option<u32>, Error<T>> {
		let newcomer =
			Waiting { round: id, trainer: trainer.clone(), standing: Self::standing(trainer), work };
		let mut line = WaitingRounds::<T>::get();
		let measured = MeasuredRounds::<T>::get();
		let is_full = line.len().saturating_add(measured.len()) as u32 >= T::MaxOpenRounds::get();
		let mut displaced = None;
		if is_full {
			let candidates = line.iter().chain(core::iter::once(&newcomer));
			let last = ranks::<T>(&measured, candidates)
				.min_by_key(|(rank, round)| (*rank, Reverse(*round)))
				.map(|(_, round)| round);
			ensure!(last != Some(id), Error::<T>::TooManyOpenRounds);
			let place = line.iter().position(|entry| Some(entry.round) == last);
			displaced = place.map(|place| line.remove(place).round);
		}
		line.try_push(newcomer).map_err(|_| Error::<T>::TooManyOpenRounds)?;
		WaitingRounds::<T>::put(line);
		let withdrawn = displaced.map(|last| Self::displace(last, id));
		Self::admit();
		Ok(withdrawn)
	}

	/// Takes a submission that is off the line back: nobody is to blame, and it may be made again.
	fn displace(id: RoundId, by: RoundId) -> u32 {
		let Some(mut round) = Rounds::<T>::get(id).defensive() else { return 0 };
		Self::deposit_event(Event::SubmissionDisplaced { round: id, by });
		Self::conclude_without_verdict(id, &mut round);
		let blocks = round.blocks.len() as u32;
		Rounds::<T>::insert(id, round);
		blocks
	}

	/// Takes a round that closes off the lists that it is on, and admits who is next.
	pub(crate) fn leave_line(id: RoundId, trainer: &T::AccountId) {
		let was_measured = MeasuredRounds::<T>::mutate(|measured| {
			let before = measured.len();
			measured.retain(|entry| entry.round != id);
			measured.len() < before
		});
		if was_measured {
			Self::refresh_standing(trainer);
			Self::admit();
		}
	}

	/// Admits those who are first in line, as far as there are places.
	pub(crate) fn admit() {
		let mut line = WaitingRounds::<T>::get();
		if line.is_empty() {
			return;
		}
		let RoundParameters { max_measured, draw_delay, .. } = Parameters::<T>::get();
		let mut measured = MeasuredRounds::<T>::get();
		let now = frame_system::Pallet::<T>::block_number();
		for _ in 0..MAX_ADMITTED_AT_ONCE {
			if measured.len() as u32 >= max_measured {
				break;
			}
			let first = ranks::<T>(&measured, line.iter())
				.max_by_key(|(rank, round)| (*rank, Reverse(*round)))
				.map(|(_, round)| round);
			let Some(place) = line.iter().position(|entry| Some(entry.round) == first) else { break };
			let Waiting { round: id, trainer, .. } = line.remove(place);
			if measured.try_push(Measured { round: id, trainer }).is_err() {
				defensive!("more rounds are measured than may be open");
				break;
			}
			let Some(mut round) = Rounds::<T>::get(id).defensive() else { break };
			round.phase = Phase::AwaitingDraw;
			round.attempt_since = now;
			Self::schedule(id, &mut round, now.saturating_add(draw_delay.into()));
			Rounds::<T>::insert(id, round);
			Self::deposit_event(Event::RoundAdmitted { round: id });
		}
		WaitingRounds::<T>::put(line);
		MeasuredRounds::<T>::put(measured);
	}

	/// Forgets what is known of a trainer whose newest round is forgotten.
	pub(crate) fn forget_record(id: RoundId, trainer: &T::AccountId) {
		TrackRecords::<T>::mutate_exists(trainer, |entry| {
			*entry = entry.take().filter(|record| record.newest != id);
		});
	}
}

/// The rank of each submission in line, oldest first: first its trainer's standing, divided by one more than the
/// trainer has before it, measured or in line; then its work. So places go to trainers in the proportion of their standing, as
/// seats go to parties by the method of highest averages (D'Hondt), whatever number each sends.
fn ranks<'a, T: Config>(
	measured: &'a [MeasuredOf<T>],
	line: impl Iterator<Item = &'a WaitingOf<T>> + 'a,
) -> impl Iterator<Item = ((u32, u32), RoundId)> + 'a {
	let mut before = BTreeMap::<&T::AccountId, u32>::new();
	for entry in measured {
		let count = before.entry(&entry.trainer).or_default();
		*count = count.saturating_add(1);
	}
	line.map(move |entry| {
		let count = before.entry(&entry.trainer).or_default();
		*count = count.saturating_add(1);
		let share = entry.standing.deconstruct().checked_div(*count).unwrap_or_default();
		((share, entry.work), entry.round)
	})
}
