//! Casting votes and removing them.

use crate::{
	tally::{Counts, Tally},
	types::*,
	Config, Error, Event, Pallet, Parameters, Votings,
};
use blyan_primitives::Balance;
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::Inspect, PollStatus, Polling},
	},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::{traits::Convert, DispatchError, DispatchResult, Saturating},
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_vote(who: &T::AccountId, poll: PollIndexOf<T>, ballot: Ballot) -> DispatchResult {
		let total = ballot.total()?;
		ensure!(total > 0, Error::<T>::EmptyBallot);
		ensure!(ballot.may_be_locked(), Error::<T>::ConvictionNeedsOneSide);
		T::Polls::try_access_poll(poll, |status| {
			let (tally, class) = status.ensure_ongoing().ok_or(Error::<T>::PollNotOngoing)?;
			let topic = T::Topics::convert(class).ok_or(Error::<T>::PollNotVotedHere)?;
			let electorate = topic.electorate();
			let mut voting = Votings::<T>::get(who, topic);
			ensure!(voting.delegation.is_none(), Error::<T>::VotesDelegated);

			let (Ok(place) | Err(place)) = voting.place_of(poll);
			let before = voting.votes.get(place).filter(|(of, _)| *of == poll).map(|(_, cast)| *cast);
			let was = match &before {
				Some(cast) => Counts::of(&cast.ballot, electorate, voting.delegated)?,
				None => Counts::default(),
			};
			let payment = match electorate {
				Electorate::Token => Self::pay_with_tokens(who, total, ballot.conviction)?,
				Electorate::Worker => Self::pay_with_credits(who, total, &ballot, before)?,
			};
			let cast = CastVote { ballot, payment };
			if before.is_some() {
				voting.votes.remove(place);
			}
			voting.votes.try_insert(place, (poll, cast)).map_err(|_| Error::<T>::TooManyVotes)?;
			tally.replace(was, Counts::of(&ballot, electorate, voting.delegated)?)?;
			Self::refresh_lock(who, topic, &mut voting)?;
			Self::store(who, topic, voting);
			Self::deposit_event(Event::Voted { voter: who.clone(), poll, ballot });
			Ok(())
		})
	}

	/// What tokens that are voted with or delegated are asked for; they are locked with the record.
	pub(crate) fn pay_with_tokens(
		who: &T::AccountId,
		amount: Balance,
		conviction: Conviction,
	) -> Result<Payment<BlockNumberFor<T>>, DispatchError> {
		let parameters = Parameters::<T>::get();
		ensure!(amount >= parameters.min_lock, Error::<T>::LockTooSmall);
		ensure!(amount <= T::Currency::total_balance(who), Error::<T>::BalanceTooSmall);
		Ok(Payment::Tokens { lock_blocks: parameters.lock_blocks(conviction) })
	}

	pub(crate) fn do_remove_vote(
		caller: &T::AccountId,
		voter: &T::AccountId,
		topic: Topic,
		poll: PollIndexOf<T>,
	) -> DispatchResult {
		let mut voting = Votings::<T>::get(voter, topic);
		let place = voting.place_of(poll).map_err(|_| Error::<T>::VoteNotFound)?;
		let (_, cast) = voting.votes.remove(place);
		let is_own = caller == voter;
		T::Polls::try_access_poll(poll, |status| match status {
			PollStatus::Ongoing(tally, _) => {
				ensure!(is_own, Error::<T>::PollStillOngoing);
				Self::refund_credits(voter, &cast);
				let was = Counts::of(&cast.ballot, topic.electorate(), voting.delegated)?;
				Ok::<_, DispatchError>(tally.replace(was, Counts::default())?)
			}
			PollStatus::Completed(end, is_approved) => {
				let until = locked_until::<T>(&cast, end, is_approved);
				if until > frame_system::Pallet::<T>::block_number() {
					ensure!(is_own, Error::<T>::VoteStillLocked);
					voting.prior.extend(until, cast.ballot.total()?);
				}
				Ok(())
			}
			// Cancelled, killed or forgotten: nobody won.
			PollStatus::None => Ok(()),
		})?;
		Self::refresh_lock(voter, topic, &mut voting)?;
		Self::store(voter, topic, voting);
		Self::deposit_event(Event::VoteRemoved { voter: voter.clone(), poll });
		Ok(())
	}

	/// Has what is delegated to an account, and the tallies of all polls that it votes in, follow a change. Returns how
	/// many votes it has.
	pub(crate) fn change_delegated(
		delegate: &T::AccountId,
		topic: Topic,
		change: impl FnOnce(Power) -> Result<Power, DispatchError>,
	) -> Result<u32, DispatchError> {
		let mut voting = Votings::<T>::get(delegate, topic);
		let was = voting.delegated;
		let is = change(was)?;
		for (poll, cast) in &voting.votes {
			let counts = |delegated| Counts::of(&cast.ballot, topic.electorate(), delegated);
			let (was, is) = (counts(was)?, counts(is)?);
			T::Polls::try_access_poll(*poll, |status| replace_if_ongoing::<T>(status, was, is))?;
		}
		let votes = voting.votes.len() as u32;
		voting.delegated = is;
		Self::store(delegate, topic, voting);
		Ok(votes)
	}

	/// Keeps a record, if there is anything in it.
	pub(crate) fn store(who: &T::AccountId, topic: Topic, voting: Voting<T>) {
		if voting.is_empty() {
			Votings::<T>::remove(who, topic);
		} else {
			Votings::<T>::insert(who, topic, voting);
		}
	}
}

/// The first block in which a vote locks nothing, in a poll that ended so.
fn locked_until<T: Config>(
	cast: &CastVote<BlockNumberFor<T>>,
	end: BlockNumberFor<T>,
	is_approved: bool,
) -> BlockNumberFor<T> {
	let has_won = match cast.ballot.whole() {
		Some((Side::Aye, _)) => is_approved,
		Some((Side::Nay, _)) => !is_approved,
		_ => false,
	};
	match cast.payment {
		Payment::Tokens { lock_blocks } if has_won => end.saturating_add(lock_blocks.into()),
		_ => BlockNumberFor::<T>::default(),
	}
}

/// Changes the tally of a poll that is not over.
pub(crate) fn replace_if_ongoing<T: Config>(
	status: PollStatus<&mut Tally<T>, BlockNumberFor<T>, ClassOf<T>>,
	was: Counts,
	is: Counts,
) -> DispatchResult {
	match status {
		PollStatus::Ongoing(tally, _) => Ok(tally.replace(was, is)?),
		PollStatus::Completed(..) | PollStatus::None => Ok(()),
	}
}
