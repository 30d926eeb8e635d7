//! Having another vote.

use crate::{types::*, Config, Error, Event, Pallet, Votings};
use blyan_primitives::{traits::VotingWorkers, Balance};
use polkadot_sdk::{
	frame_support::ensure,
	frame_system,
	sp_runtime::{DispatchError, Saturating},
};

impl<T: Config> Pallet<T> {
	/// Returns the votes of the delegate, whose polls were changed.
	pub(crate) fn do_delegate(
		who: &T::AccountId,
		topic: Topic,
		delegate: T::AccountId,
		amount: Balance,
		conviction: Conviction,
	) -> Result<u32, DispatchError> {
		ensure!(*who != delegate, Error::<T>::SelfDelegation);
		ensure!(amount > 0, Error::<T>::NothingDelegated);
		let mut voting = Votings::<T>::get(who, topic);
		ensure!(voting.delegation.is_none(), Error::<T>::AlreadyDelegating);
		ensure!(voting.votes.is_empty(), Error::<T>::HasVotes);
		// Every delegation is to somebody who votes by itself when it is made, so the last one of a loop cannot be.
		ensure!(Votings::<T>::get(&delegate, topic).delegation.is_none(), Error::<T>::DelegateDelegates);
		let electorate = topic.electorate();
		let lock_blocks = match electorate {
			Electorate::Token => match Self::pay_with_tokens(who, amount, conviction)? {
				Payment::Tokens { lock_blocks } => lock_blocks,
				Payment::Credits { .. } => 0,
			},
			Electorate::Worker => {
				ensure!(T::Workers::is_worker(&delegate), Error::<T>::DelegateNotWorker);
				Self::reserve_credits(who, amount, conviction)?;
				0
			}
		};

		let delegation = Delegation { delegate: delegate.clone(), amount, conviction, lock_blocks };
		let power = delegation.power(electorate);
		let votes = Self::change_delegated(&delegate, topic, |sum| Ok(sum.plus(power)?))?;
		voting.delegation = Some(delegation);
		Self::refresh_lock(who, topic, &mut voting)?;
		Self::store(who, topic, voting);
		Self::deposit_event(Event::Delegated { delegator: who.clone(), delegate, topic, amount });
		Ok(votes)
	}

	/// Returns the votes of the delegate, whose polls were changed.
	pub(crate) fn do_undelegate(who: &T::AccountId, topic: Topic) -> Result<u32, DispatchError> {
		let mut voting = Votings::<T>::get(who, topic);
		let delegation = voting.delegation.take().ok_or(Error::<T>::NotDelegating)?;
		let electorate = topic.electorate();
		let power = delegation.power(electorate);
		let votes = Self::change_delegated(&delegation.delegate, topic, |sum| Ok(sum.minus(power)?))?;
		match electorate {
			Electorate::Token => {
				let now = frame_system::Pallet::<T>::block_number();
				let until = now.saturating_add(delegation.lock_blocks.into());
				voting.prior.extend(until, delegation.amount);
			}
			Electorate::Worker => Self::spend_reserved(who, delegation.amount),
		}
		Self::refresh_lock(who, topic, &mut voting)?;
		Self::store(who, topic, voting);
		Self::deposit_event(Event::Undelegated {
			delegator: who.clone(),
			delegate: delegation.delegate,
			topic,
		});
		Ok(votes)
	}
}
