//! What the runtime API `UsageApi` answers.

use crate::{pallet::*, Pallet};
use blyan_primitives::usage::{UsageAccountInfo, UsageParameters};

impl<T: Config> Pallet<T> {
	/// A client's account.
	pub fn account(client: &T::AccountId) -> Option<UsageAccountInfo<T::AccountId>> {
		let account = Accounts::<T>::get(client)?;
		Some(UsageAccountInfo {
			deposit: Self::held(client),
			withdrawal: account.withdrawal,
			since: account.since,
			servers: account.servers.into_inner(),
		})
	}

	/// What governance set.
	pub fn parameters() -> UsageParameters {
		Parameters::<T>::get()
	}
}
