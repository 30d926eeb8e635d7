//! Credits of workers, and votes that lapse.

use super::votes::replace_if_ongoing;
use crate::{tally::Counts, types::*, Config, Error, Event, Pallet, Parameters, Votings, WorkerCredits};
use blyan_primitives::{traits::VotingWorkers, Balance};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{Defensive, Get, Polling},
	},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::{DispatchError, DispatchResult, Saturating},
};

impl<T: Config> Pallet<T> {
	/// The credits of a worker that may vote now, in the period that runs or the one that begins with this.
	fn credits_to_use(who: &T::AccountId) -> Result<Credits<BlockNumberFor<T>>, Error<T>> {
		ensure!(T::Workers::is_worker(who), Error::<T>::NotWorker);
		let credits = Self::renewed(who);
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(now >= credits.suspended_until, Error::<T>::VoterIsSuspended);
		Ok(credits)
	}

	/// The credits of the period that runs, or that begins now. A period begins with the first use of it: so no
	/// parameter changes one that runs.
	fn renewed(who: &T::AccountId) -> Credits<BlockNumberFor<T>> {
		let mut credits = WorkerCredits::<T>::get(who);
		let now = frame_system::Pallet::<T>::block_number();
		if now >= credits.renews_at {
			let period = BlockNumberFor::<T>::from(Parameters::<T>::get().credit_period_blocks);
			credits.renews_at = now.saturating_add(period);
			credits.spent = 0;
		}
		credits
	}

	/// Takes a vote out of a worker's period, and puts what it replaces back if that is of the same period.
	pub(crate) fn pay_with_credits(
		who: &T::AccountId,
		amount: Balance,
		ballot: &Ballot,
		replaced: Option<CastVote<BlockNumberFor<T>>>,
	) -> Result<Payment<BlockNumberFor<T>>, DispatchError> {
		ensure!(ballot.conviction == Conviction::None, Error::<T>::ConvictionNotForWorkers);
		let mut credits = Self::credits_to_use(who)?;
		if let Some(replaced) = replaced {
			put_back(&mut credits, &replaced);
		}
		ensure!(amount <= credits.left(), Error::<T>::NotEnoughCredits);
		credits.spent = credits.spent.saturating_add(amount);
		WorkerCredits::<T>::insert(who, credits);
		Ok(Payment::Credits { renews_at: credits.renews_at })
	}

	/// Puts the credits of a vote that is taken back into the period that they are of, if it still runs.
	pub(crate) fn refund_credits(who: &T::AccountId, cast: &CastVote<BlockNumberFor<T>>) {
		let mut credits = WorkerCredits::<T>::get(who);
		if put_back(&mut credits, cast) {
			WorkerCredits::<T>::insert(who, credits);
		}
	}

	/// Sets credits of each period aside.
	pub(crate) fn reserve_credits(
		who: &T::AccountId,
		amount: Balance,
		conviction: Conviction,
	) -> DispatchResult {
		ensure!(conviction == Conviction::None, Error::<T>::ConvictionNotForWorkers);
		let mut credits = Self::credits_to_use(who)?;
		ensure!(amount <= credits.left(), Error::<T>::NotEnoughCredits);
		credits.reserved = credits.reserved.saturating_add(amount);
		WorkerCredits::<T>::insert(who, credits);
		Ok(())
	}

	/// Ends that. The delegate may have used them, so they are spent in this period.
	pub(crate) fn spend_reserved(who: &T::AccountId, amount: Balance) {
		let mut credits = Self::renewed(who);
		credits.reserved = credits.reserved.saturating_sub(amount);
		credits.spent = credits.spent.saturating_add(amount);
		WorkerCredits::<T>::insert(who, credits);
	}

	/// The polls that lapsing changes at most: of each topic the worker's own, or its delegate's.
	pub fn max_lapsing() -> u32 {
		T::MaxVotes::get().saturating_mul(Topic::OF_WORKERS.len() as u32)
	}

	pub(crate) fn do_lapse(who: &T::AccountId) -> Result<u32, DispatchError> {
		ensure!(!T::Workers::is_worker(who), Error::<T>::StillWorker);
		let (removed, polls) = Self::drop_votes(who);
		let has_credits = Self::forget_credits(who);
		ensure!(removed > 0 || has_credits, Error::<T>::NothingToLapse);
		Ok(polls)
	}

	/// Forgets the credits of who is no worker, once they say nothing any more: else it would have new ones by
	/// registering again.
	fn forget_credits(who: &T::AccountId) -> bool {
		let now = frame_system::Pallet::<T>::block_number();
		let is_over = WorkerCredits::<T>::try_get(who)
			.is_ok_and(|credits| now >= credits.renews_at.max(credits.suspended_until));
		if is_over {
			WorkerCredits::<T>::remove(who);
		}
		is_over
	}

	/// Has all that a worker voted and delegated lapse; what others delegated to it stays, and is worth nothing until
	/// it votes again. Returns how many votes and delegations there were, and how many polls were changed.
	pub(crate) fn drop_votes(who: &T::AccountId) -> (u32, u32) {
		let (mut removed, mut polls) = (0_u32, 0_u32);
		for topic in Topic::OF_WORKERS {
			let mut voting = Votings::<T>::get(who, topic);
			if voting.delegation.is_some() {
				let changed = Self::do_undelegate(who, topic);
				polls = polls.saturating_add(changed.defensive_unwrap_or_default());
				removed.saturating_inc();
				continue;
			}
			if voting.votes.is_empty() {
				continue;
			}
			for (poll, cast) in core::mem::take(&mut voting.votes) {
				// What a vote came to was added when it was cast.
				let dropped = Counts::of(&cast.ballot, topic.electorate(), voting.delegated)
					.map_err(DispatchError::from)
					.and_then(|was| {
						T::Polls::try_access_poll(poll, |status| {
							replace_if_ongoing::<T>(status, was, Counts::default())
						})
					});
				dropped.defensive_unwrap_or_default();
				removed.saturating_inc();
				polls.saturating_inc();
			}
			Self::store(who, topic, voting);
		}
		if removed > 0 {
			Self::deposit_event(Event::VotesLapsed { worker: who.clone(), removed });
		}
		(removed, polls)
	}
}

/// Puts the credits of a vote back; whether they are of the period that `credits` is of.
fn put_back<BlockNumber: Copy + PartialEq>(
	credits: &mut Credits<BlockNumber>,
	cast: &CastVote<BlockNumber>,
) -> bool {
	let is_same = cast.payment == Payment::Credits { renews_at: credits.renews_at };
	if is_same {
		let paid = cast.ballot.total().unwrap_or_default();
		credits.spent = credits.spent.saturating_sub(paid);
	}
	is_same
}
