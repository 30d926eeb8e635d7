//! What others may ask.

use crate::{types::*, Config, Locks, Pallet, Votings, WorkerCredits};
use blyan_primitives::{traits::VotingWorkers, Balance};
use polkadot_sdk::frame_system;

impl<T: Config> Pallet<T> {
	/// What a worker may put on votes and delegations now; nothing of who may not vote.
	pub fn credits_left(who: &T::AccountId) -> Balance {
		let credits = WorkerCredits::<T>::get(who);
		let now = frame_system::Pallet::<T>::block_number();
		if !T::Workers::is_worker(who) || now < credits.suspended_until {
			return 0;
		}
		let spent = if now < credits.renews_at { credits.spent } else { 0 };
		Credits { spent, ..credits }.left()
	}

	/// What is locked of an account for votes and delegations.
	pub fn locked(who: &T::AccountId) -> Balance {
		Locks::<T>::get(who).iter().map(|(_, amount)| *amount).max().unwrap_or_default()
	}

	/// What an account voted in a poll about that topic.
	pub fn ballot(who: &T::AccountId, topic: Topic, poll: PollIndexOf<T>) -> Option<Ballot> {
		let voting = Votings::<T>::get(who, topic);
		let place = voting.place_of(poll).ok()?;
		voting.votes.get(place).map(|(_, cast)| cast.ballot)
	}
}
