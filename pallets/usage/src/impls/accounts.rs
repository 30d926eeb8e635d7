//! What clients put in and take out. Nothing but this and paying receipts touches what is held.

use crate::{pallet::*, types::*, Pallet};
use blyan_primitives::{
	usage::{UsageParameters, MAX_BASE, MAX_RETURN},
	Balance, BlockNumber,
};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{
			fungible::{
				hold::{Inspect as _, Mutate as _},
				Inspect as _,
			},
			tokens::Precision,
		},
	},
	frame_system,
	sp_runtime::{DispatchResult, SaturatedConversion},
};

impl<T: Config> Pallet<T> {
	/// The block that runs.
	pub(crate) fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// What a client's account has.
	pub(crate) fn held(client: &T::AccountId) -> Balance {
		T::Currency::balance_on_hold(&HoldReason::UsageDeposit.into(), client)
	}

	pub(crate) fn do_deposit(client: T::AccountId, amount: Balance) -> DispatchResult {
		let account = Accounts::<T>::get(&client);
		let least = if account.is_some() { 1 } else { Parameters::<T>::get().min_deposit };
		ensure!(amount >= least, Error::<T>::DepositTooSmall);
		T::Currency::hold(&HoldReason::UsageDeposit.into(), &client, amount)?;
		let account =
			account.unwrap_or_else(|| UsageAccount { since: Self::now(), ..UsageAccount::default() });
		Accounts::<T>::insert(&client, account);
		let deposit = Self::held(&client);
		Self::deposit_event(Event::Deposited { client, amount, deposit });
		Ok(())
	}

	pub(crate) fn do_request_withdrawal(client: T::AccountId, amount: Balance) -> DispatchResult {
		let mut account = Accounts::<T>::get(&client).ok_or(Error::<T>::AccountNotFound)?;
		ensure!((1..=Self::held(&client)).contains(&amount), Error::<T>::WithdrawalOutOfRange);
		let from = Self::now().saturating_add(Parameters::<T>::get().withdrawal_blocks);
		account.withdrawal = Some((amount, from));
		Accounts::<T>::insert(&client, account);
		Self::deposit_event(Event::WithdrawalRequested { client, amount, from });
		Ok(())
	}

	pub(crate) fn do_withdraw(client: T::AccountId) -> DispatchResult {
		let mut account = Accounts::<T>::get(&client).ok_or(Error::<T>::AccountNotFound)?;
		let (amount, from) = account.withdrawal.take().ok_or(Error::<T>::WithdrawalNotRequested)?;
		ensure!(Self::now() >= from, Error::<T>::WithdrawalTooEarly);
		let amount = amount.min(Self::held(&client));
		let amount =
			T::Currency::release(&HoldReason::UsageDeposit.into(), &client, amount, Precision::Exact)?;
		Self::keep(&client, account);
		Self::deposit_event(Event::Withdrawn { client, amount });
		Ok(())
	}

	/// Writes an account back, or closes it if nothing is left in it.
	pub(crate) fn keep(client: &T::AccountId, account: UsageAccountOf<T>) {
		if Self::held(client) == 0 {
			Accounts::<T>::remove(client);
		} else {
			Accounts::<T>::insert(client, account);
		}
	}

	pub(crate) fn check_parameters(parameters: &UsageParameters) -> Result<(), Error<T>> {
		let UsageParameters {
			base,
			burned: _,
			returned,
			min_fee,
			min_deposit,
			fresh_blocks,
			max_age_blocks,
			withdrawal_blocks,
		} = *parameters;
		ensure!(base <= MAX_BASE, Error::<T>::BaseTooHigh);
		ensure!(returned <= MAX_RETURN, Error::<T>::ReturnTooHigh);
		let least = T::Currency::minimum_balance().max(1);
		ensure!(min_fee >= least && min_deposit >= least, Error::<T>::LeastAmountTooSmall);
		ensure!(
			fresh_blocks <= max_age_blocks && max_age_blocks <= withdrawal_blocks,
			Error::<T>::PeriodsOutOfOrder
		);
		Ok(())
	}
}
