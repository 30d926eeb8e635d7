//! How the pallet learns of sessions and authors.

use crate::{weights::WeightInfo, Config, Pallet, Running, Standings, Tallies};
use alloc::vec::Vec;
use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{dispatch::DispatchClass, traits::OneSessionHandler},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	pallet_authorship::EventHandler,
	sp_consensus_grandpa::AuthorityId,
	sp_runtime::BoundToRuntimeAppPublic,
};

impl<T: Config> BoundToRuntimeAppPublic for Pallet<T> {
	type Public = AuthorityId;
}

impl<T: Config> OneSessionHandler<T::AccountId> for Pallet<T> {
	type Key = AuthorityId;

	fn on_genesis_session<'a, I>(validators: I)
	where
		I: Iterator<Item = (&'a T::AccountId, AuthorityId)> + 'a,
		T::AccountId: 'a,
	{
		Self::begin_session(true, validators);
	}

	fn on_new_session<'a, I>(changed: bool, validators: I, _queued_validators: I)
	where
		I: Iterator<Item = (&'a T::AccountId, AuthorityId)> + 'a,
		T::AccountId: 'a,
	{
		Self::begin_session(changed, validators);
	}

	// Whom session disables still signs checkpoints, and is paid for it until it is slashed.
	fn on_disabled(_: u32) {}
}

impl<T: Config> EventHandler<T::AccountId, BlockNumberFor<T>> for Pallet<T> {
	fn note_author(author: T::AccountId) {
		// Nobody else accounts for what this takes: authorship says that its hook weighs nothing.
		frame_system::Pallet::<T>::register_extra_weight_unchecked(
			T::WeightInfo::note_author(),
			DispatchClass::Mandatory,
		);
		let Some(running) = Running::<T>::get() else { return };
		// Only those in office are counted, so that settling their seats leaves nothing behind.
		if Standings::<T>::get(&author).is_some_and(|standing| standing.set == running.set) {
			Tallies::<T>::mutate(running.session, &author, |tally| {
				tally.blocks = tally.blocks.saturating_add(1)
			});
		}
	}
}

/// Two handlers of one session key, told one after the other. A runtime's session takes one handler a key: GRANDPA's
/// must be told first, for it says which set of authorities is in office.
pub struct Both<First, Second>(PhantomData<(First, Second)>);

impl<First: BoundToRuntimeAppPublic, Second> BoundToRuntimeAppPublic for Both<First, Second> {
	type Public = First::Public;
}

impl<AccountId, First, Second> OneSessionHandler<AccountId> for Both<First, Second>
where
	First: OneSessionHandler<AccountId, Key: Clone>,
	Second: OneSessionHandler<AccountId, Key = First::Key>,
{
	type Key = First::Key;

	fn on_genesis_session<'a, I>(validators: I)
	where
		I: Iterator<Item = (&'a AccountId, Self::Key)> + 'a,
		AccountId: 'a,
	{
		let validators = validators.collect::<Vec<_>>();
		First::on_genesis_session(validators.clone().into_iter());
		Second::on_genesis_session(validators.into_iter());
	}

	fn on_new_session<'a, I>(changed: bool, validators: I, queued_validators: I)
	where
		I: Iterator<Item = (&'a AccountId, Self::Key)> + 'a,
		AccountId: 'a,
	{
		let validators = validators.collect::<Vec<_>>();
		let queued = queued_validators.collect::<Vec<_>>();
		First::on_new_session(changed, validators.clone().into_iter(), queued.clone().into_iter());
		Second::on_new_session(changed, validators.into_iter(), queued.into_iter());
	}

	fn on_before_session_ending() {
		First::on_before_session_ending();
		Second::on_before_session_ending();
	}

	fn on_disabled(validator_index: u32) {
		First::on_disabled(validator_index);
		Second::on_disabled(validator_index);
	}
}
