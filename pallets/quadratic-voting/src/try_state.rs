//! The invariants of the README, one check each.

use crate::{
	tally::{Counts, Tally},
	Config, Conviction, Electorate, FreezeReason, Locks, Pallet, Parameters, Payment, PollIndexOf, Power,
	Topic, Votings, WorkerCredits, CREDITS_PER_PERIOD,
};
use alloc::collections::BTreeMap;
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::freeze::Inspect, Polling},
	},
	sp_runtime::{traits::Convert, DispatchError},
};

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the README.
	///
	/// # Errors
	/// The first that does not hold.
	pub fn do_try_state() -> Result<(), DispatchError> {
		Self::check_tallies()?;
		Self::check_delegated()?;
		Self::check_delegations()?;
		Self::check_votes()?;
		Self::check_locks()?;
		Self::check_credits()?;
		Ok(Parameters::<T>::get().validate::<T>()?)
	}

	/// 1. Tallies, by a recount.
	fn check_tallies() -> Result<(), DispatchError> {
		let mut recounts = BTreeMap::<PollIndexOf<T>, Tally<T>>::new();
		for (_, topic, voting) in Votings::<T>::iter() {
			for (poll, cast) in &voting.votes {
				let Some((_, class)) = T::Polls::as_ongoing(*poll) else { continue };
				ensure!(
					T::Topics::convert(class) == Some(topic),
					"a vote is kept under a topic that is not its poll's"
				);
				let counts = Counts::of(&cast.ballot, topic.electorate(), voting.delegated)?;
				let recount = recounts.entry(*poll).or_insert(Tally::from_counts(Counts::default()));
				recount.replace(Counts::default(), counts)?;
			}
		}
		for (poll, recount) in recounts {
			let tally = T::Polls::as_ongoing(poll).map(|(tally, _)| tally);
			ensure!(tally == Some(recount), "the tally of a poll is not what its votes come to");
		}
		Ok(())
	}

	/// 2. What is delegated to each.
	fn check_delegated() -> Result<(), DispatchError> {
		let mut sums = BTreeMap::<_, Power>::new();
		for (_, topic, voting) in Votings::<T>::iter() {
			let Some(delegation) = voting.delegation else { continue };
			let sum = sums.entry((delegation.delegate.clone(), topic)).or_default();
			*sum = sum.plus(delegation.power(topic.electorate()))?;
		}
		for (who, topic, voting) in Votings::<T>::iter() {
			let sum = sums.remove(&(who, topic)).unwrap_or_default();
			ensure!(voting.delegated == sum, "what is delegated to an account is not the sum of it");
		}
		ensure!(sums.is_empty(), "a delegate has no record");
		Ok(())
	}

	/// 3. Who delegates does not vote, and no way along delegations returns.
	fn check_delegations() -> Result<(), DispatchError> {
		for topic in Topic::ALL {
			let mut next = BTreeMap::new();
			for (who, _, voting) in Votings::<T>::iter().filter(|(_, of, _)| *of == topic) {
				let Some(delegation) = voting.delegation else { continue };
				ensure!(voting.votes.is_empty(), "an account votes and delegates in one topic");
				ensure!(delegation.amount > 0, "an account delegates nothing");
				next.insert(who, delegation.delegate);
			}
			for who in next.keys() {
				let way = core::iter::successors(next.get(who), |at| next.get(at));
				ensure!(way.take(next.len()).all(|at| at != who), "delegations go round");
			}
		}
		Ok(())
	}

	/// 4. Records and votes, each by itself.
	fn check_votes() -> Result<(), DispatchError> {
		for (_, topic, voting) in Votings::<T>::iter() {
			ensure!(!voting.is_empty(), "a record with nothing in it is kept");
			let votes = &voting.votes;
			ensure!(
				votes.iter().zip(votes.iter().skip(1)).all(|(a, b)| a.0 < b.0),
				"votes are not in the order of their polls, each once"
			);
			ensure!(voting.prior.goes_down(), "what stays locked does not go down by steps");
			let of_workers = topic.electorate() == Electorate::Worker;
			let convictions = votes.iter().map(|(_, cast)| cast.ballot.conviction);
			let all = convictions.chain(voting.delegation.iter().map(|delegation| delegation.conviction));
			ensure!(
				!of_workers || all.into_iter().all(|conviction| conviction == Conviction::None),
				"a worker has a conviction"
			);
			ensure!(!of_workers || voting.prior.amount() == 0, "a worker has tokens locked");
			for (_, cast) in votes {
				let is_fit = cast.ballot.total()? > 0 && cast.ballot.may_be_locked();
				ensure!(is_fit, "a ballot is empty, or has a conviction and no side");
				let is_of_workers = matches!(cast.payment, Payment::Credits { .. });
				ensure!(is_of_workers == of_workers, "a vote was paid with what its topic does not take");
			}
		}
		Ok(())
	}

	/// 5. What is locked.
	fn check_locks() -> Result<(), DispatchError> {
		let mut needed = BTreeMap::<_, BTreeMap<Topic, _>>::new();
		for (who, topic, voting) in Votings::<T>::iter() {
			let amount = voting.locked();
			if topic.electorate() == Electorate::Token && amount > 0 {
				needed.entry(who).or_default().insert(topic, amount);
			}
		}
		for (who, locks) in Locks::<T>::iter() {
			let needed = needed.remove(&who).unwrap_or_default();
			let count = locks.len();
			let locks = locks.into_iter().collect::<BTreeMap<_, _>>();
			ensure!(
				locks.len() == count && locks == needed,
				"what is locked for topics is not what votes need"
			);
			let frozen = T::Currency::balance_frozen(&FreezeReason::Vote.into(), &who);
			ensure!(
				Some(frozen) == locks.into_values().max(),
				"what is frozen is not the most of what is locked"
			);
		}
		ensure!(needed.is_empty(), "nothing is locked for a vote");
		Ok(())
	}

	/// 6. Credits.
	fn check_credits() -> Result<(), DispatchError> {
		let mut reserved = BTreeMap::<_, u128>::new();
		for (who, topic, voting) in Votings::<T>::iter() {
			if let (Electorate::Worker, Some(delegation)) = (topic.electorate(), voting.delegation) {
				let sum = reserved.entry(who).or_default();
				*sum = sum.saturating_add(delegation.amount);
			}
		}
		for (who, credits) in WorkerCredits::<T>::iter() {
			let sum = reserved.remove(&who).unwrap_or_default();
			ensure!(credits.reserved == sum, "what is set aside is not what is delegated");
			ensure!(
				credits.spent.saturating_add(credits.reserved) <= CREDITS_PER_PERIOD,
				"more credits are spent and set aside than there are"
			);
		}
		ensure!(reserved.is_empty(), "a worker delegates credits that are not set aside");
		Ok(())
	}
}
