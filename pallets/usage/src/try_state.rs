//! A check for each invariant of the crate's documentation, by number.

use crate::{pallet::*, types::*, Pallet};
use blyan_primitives::usage::MAX_RETURN;
use polkadot_sdk::{frame_support::ensure, sp_runtime::TryRuntimeError};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_try_state() -> Result<(), TryRuntimeError> {
		for (client, account) in Accounts::<T>::iter() {
			// 1. Something is held for every account.
			ensure!(Self::held(&client) > 0, "usage: an account without a deposit is in storage");
			Self::check_servers(&account)?;
			ensure!(
				account.withdrawal.is_none_or(|(amount, _)| amount > 0),
				"usage: a withdrawal of nothing is in storage"
			);
		}
		Self::check_totals()
	}

	/// 2. Servers are named once, and were paid for what is past and after the account was opened.
	fn check_servers(account: &UsageAccountOf<T>) -> Result<(), TryRuntimeError> {
		for (place, (server, until)) in account.servers.iter().enumerate() {
			ensure!(
				account.servers.iter().skip(place.saturating_add(1)).all(|(other, _)| other != server),
				"usage: an account names a server twice"
			);
			ensure!(
				*until > account.since && *until <= Self::now(),
				"usage: a server was paid for a time before the account or to come"
			);
		}
		Ok(())
	}

	/// 3. What was paid was burned or went to servers, and what was accrued is at most half of what was burned.
	fn check_totals() -> Result<(), TryRuntimeError> {
		let Totals { paid, burned, served, accrued } = AllTime::<T>::get();
		ensure!(
			burned.checked_add(served) == Some(paid),
			"usage: what was paid is neither burned nor with the servers"
		);
		ensure!(accrued <= MAX_RETURN.mul_floor(burned), "usage: more was accrued than burned fees allow");
		Ok(())
	}
}
