//! Epochs: how one follows another, and how they are forgotten.

use crate::{pallet::*, types::*, Pallet, WeightInfo};
use blyan_primitives::{
	economy::{epoch_issuance, SUPPLY_CAP},
	SLOT_MILLISECONDS,
};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::Inspect, Defensive},
		weights::WeightMeter,
	},
	frame_system::pallet_prelude::BlockNumberFor,
	sp_runtime::{traits::Saturating, DispatchResult},
};

impl<T: Config> Pallet<T> {
	/// Starts an epoch if the running one is over, or if there is none. Whether it did.
	pub(crate) fn roll_epoch(now: BlockNumberFor<T>) -> bool {
		let running = CurrentEpoch::<T>::get();
		if running.is_some_and(|running| now < running.ends_at) {
			return false;
		}
		let mut totals = AllTime::<T>::get();
		if let Some((number, mut record)) =
			running.and_then(|running| Some((running.number, Epochs::<T>::get(running.number)?)))
		{
			let before = record.reserved(false);
			// Now it is known what learning and serving earned.
			let cut = record.limit_audits();
			// What was not claimed is free again.
			totals.reserved = totals.reserved.saturating_sub(before).saturating_add(record.reserved(true));
			if cut > 0 {
				totals.budgeted = totals.budgeted.saturating_sub(cut);
				Epochs::<T>::insert(number, record);
			}
		}

		let blocks = Parameters::<T>::get().epoch_blocks;
		let supply = T::Currency::total_issuance();
		let liable = supply.saturating_add(totals.carried).saturating_add(totals.reserved);
		let issuance = epoch_issuance(supply, u64::from(blocks).saturating_mul(SLOT_MILLISECONDS))
			.min(SUPPLY_CAP.saturating_sub(liable));
		let pots = PerBudget::from_fn(|budget| Pot::new(budget.share().mul_floor(issuance)));
		let budgeted = pots.sum(|pot| pot.budget);
		totals.budgeted = totals.budgeted.saturating_add(budgeted);
		totals.reserved = totals.reserved.saturating_add(budgeted);

		let epoch = running.map_or(0, |running| running.number.saturating_add(1));
		AllTime::<T>::put(totals);
		Epochs::<T>::insert(epoch, EpochRecord { started_at: now, issuance, pots });
		CurrentEpoch::<T>::put(RunningEpoch { number: epoch, ends_at: now.saturating_add(blocks.into()) });
		Self::deposit_event(Event::EpochStarted { epoch, issuance });
		true
	}

	/// Changes an epoch that is closed, and keeps the sum of what is reserved in line with it.
	pub(crate) fn change_closed_epoch(epoch: EpochNumber, change: impl FnOnce(&mut EpochRecordOf<T>)) {
		// Claims are removed before their epoch is.
		let Some(mut record) = Epochs::<T>::get(epoch).defensive() else { return };
		let before = record.reserved(true);
		change(&mut record);
		let after = record.reserved(true);
		Epochs::<T>::insert(epoch, record);
		AllTime::<T>::mutate(|totals| {
			totals.reserved = totals.reserved.saturating_sub(before).saturating_add(after);
		});
	}

	/// Whether claims on `epoch` are too late while `running` runs.
	pub(crate) fn is_expired(epoch: EpochNumber, running: EpochNumber) -> bool {
		running > epoch.saturating_add(Parameters::<T>::get().claim_expiry_epochs)
	}

	/// Forgets the claims on the oldest epoch, if they are too late, and then the epoch itself; as many
	/// as the meter allows.
	pub(crate) fn prune(meter: &mut WeightMeter) {
		if meter.try_consume(T::WeightInfo::prune_epoch()).is_err() {
			return;
		}
		let Some(running) = CurrentEpoch::<T>::get() else { return };
		let oldest = OldestEpoch::<T>::get();
		if !Self::is_expired(oldest, running.number) {
			return;
		}
		let mut claims = Claims::<T>::drain_prefix(oldest);
		loop {
			if !meter.can_consume(T::WeightInfo::prune_claim()) {
				return;
			}
			let Some((who, claim)) = claims.next() else { break };
			meter.consume(T::WeightInfo::prune_claim());
			Self::expire(oldest, &who, &claim);
		}
		Self::forget(oldest);
	}

	/// Closes the books on a claim that is already taken out of storage.
	pub(crate) fn expire(epoch: EpochNumber, who: &T::AccountId, claim: &Claim) {
		let mut amount = 0u128;
		Self::change_closed_epoch(epoch, |record| {
			for (budget, claimed) in claim.iter().filter(|(_, claimed)| **claimed > 0) {
				let pot = record.pots.get_mut(budget);
				amount = amount.saturating_add(pot.settlement(*claimed));
				pot.open = pot.open.saturating_sub(*claimed);
				pot.claimants = pot.claimants.saturating_sub(1);
			}
		});
		Self::unlist(who, epoch);
		Self::deposit_event(Event::ClaimExpired { account: who.clone(), epoch, amount });
	}

	/// Removes an epoch that nobody has a claim on.
	fn forget(epoch: EpochNumber) {
		let Some(record) = Epochs::<T>::take(epoch).defensive() else { return };
		let paid = record.pots.sum(|pot| pot.paid);
		let left = record.pots.sum(|pot| pot.left);
		AllTime::<T>::mutate(|totals| totals.archived = totals.archived.saturating_add(paid));
		OldestEpoch::<T>::put(epoch.saturating_add(1));
		Self::deposit_event(Event::EpochPruned { epoch, paid, left });
	}

	pub(crate) fn do_set_parameters(parameters: RewardParameters) -> DispatchResult {
		Self::check_parameters(&parameters)?;
		Parameters::<T>::put(parameters);
		Self::deposit_event(Event::ParametersSet { parameters });
		Ok(())
	}

	pub(crate) fn check_parameters(parameters: &RewardParameters) -> Result<(), Error<T>> {
		ensure!((1..=MAX_EPOCH_BLOCKS).contains(&parameters.epoch_blocks), Error::<T>::EpochBlocksOutOfRange);
		ensure!(
			parameters.min_payout > 0 && parameters.min_payout >= T::Currency::minimum_balance(),
			Error::<T>::MinPayoutTooSmall
		);
		ensure!(parameters.learning_rate <= MAX_LEARNING_RATE, Error::<T>::LearningRateTooHigh);
		ensure!(parameters.claim_expiry_epochs > 0, Error::<T>::ClaimExpiryTooShort);
		ensure!(parameters.data_patience_epochs <= MAX_DATA_PATIENCE_EPOCHS, Error::<T>::DataPatienceTooLong);
		Ok(())
	}
}
