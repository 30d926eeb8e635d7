//! Appeals, emergencies, and what becomes of those that nobody decides.

use crate::{
	impls::step::Step, types::*, Audits, Config, Datasets, Error, Event, HoldReason, Pallet, Parameters,
};
use blyan_primitives::{
	datasets::{DatasetStage, Refusal, Tier},
	traits::AppealCourt,
	Balance,
};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{
			fungible::hold::Mutate,
			tokens::{Fortitude, Precision},
			Defensive,
		},
	},
	sp_runtime::DispatchResult,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_appeal(who: T::AccountId, id: DatasetId) -> DispatchResult {
		let mut dataset = Datasets::<T>::get(id).ok_or(Error::<T>::DatasetNotFound)?;
		ensure!(who == dataset.contributor, Error::<T>::NotContributor);
		let (reason, until) = match dataset.stage {
			DatasetStage::Rejected { reason, until } => (reason, until),
			DatasetStage::Quarantined { reason, until, .. } => (reason, until),
			_ => return Err(Error::<T>::NothingToAppeal.into()),
		};
		let now = Self::now();
		ensure!(now <= until, Error::<T>::AppealTooLate);
		T::Court::open(id, &who)?;
		let parameters = Parameters::<T>::get();
		let deposit = parameters.appeal_deposit;
		T::Currency::hold(&HoldReason::DatasetAppeal.into(), &who, deposit)
			.map_err(|_| Error::<T>::DepositNotAvailable)?;

		let until = now.saturating_add(parameters.decision_blocks);
		dataset.deposit = deposit;
		dataset.stage = DatasetStage::Appealed { reason, until };
		Self::schedule(id, &mut dataset, until.saturating_add(1));
		Datasets::<T>::insert(id, dataset);
		Self::deposit_event(Event::DatasetAppealed { dataset: id, contributor: who, until });
		Ok(())
	}

	pub(crate) fn do_decide_appeal(id: DatasetId, tier: Option<Tier>) -> DispatchResult {
		let mut dataset = Datasets::<T>::get(id).ok_or(Error::<T>::DatasetNotFound)?;
		let now = Self::now();
		let DatasetStage::Appealed { reason, until } = dataset.stage else {
			return Err(Error::<T>::NotAppealed.into());
		};
		// It counted as denied already, though that may be served later.
		ensure!(now <= until, Error::<T>::NotAppealed);
		let (returned, burned) = Self::return_deposit(&mut dataset, tier.is_some());
		Self::deposit_event(Event::AppealDecided { dataset: id, tier, returned, burned });
		match tier {
			Some(tier) => Self::approve(id, &mut dataset, tier),
			None => {
				Self::reject_for_good(id, &mut dataset, reason);
				Self::schedule(id, &mut dataset, now.saturating_add(1));
			}
		}
		Datasets::<T>::insert(id, dataset);
		Ok(())
	}

	pub(crate) fn do_quarantine(id: DatasetId) -> DispatchResult {
		let mut dataset = Datasets::<T>::get(id).ok_or(Error::<T>::DatasetNotFound)?;
		let DatasetStage::Approved { tier, .. } = dataset.stage else {
			return Err(Error::<T>::NotApproved.into());
		};
		if let Some(mut audit) = Audits::<T>::get(id) {
			Self::release_auditors(&mut audit);
			Self::end_audit(id);
		}
		Self::put_in_quarantine(id, &mut dataset, tier, Refusal::Emergency);
		Datasets::<T>::insert(id, dataset);
		Ok(())
	}

	/// Nobody appealed in time: what is in quarantine is turned away.
	pub(crate) fn lapse(id: DatasetId, dataset: &mut DatasetOf<T>, reason: Refusal) -> Step {
		Self::reject_for_good(id, dataset, reason);
		Self::leave_over(id)
	}

	/// Nobody decided on an appeal in time: it counts as denied, and costs nothing.
	pub(crate) fn lapse_appeal(id: DatasetId, dataset: &mut DatasetOf<T>, reason: Refusal) -> Step {
		let (returned, burned) = Self::return_deposit(dataset, true);
		Self::deposit_event(Event::AppealDecided { dataset: id, tier: None, returned, burned });
		Self::reject_for_good(id, dataset, reason);
		Self::leave_over(id)
	}

	/// Turns a dataset away, without appeal. It counted against its contributor when it was turned away first.
	fn reject_for_good(id: DatasetId, dataset: &mut DatasetOf<T>, reason: Refusal) {
		let until = Self::now().saturating_sub(1);
		dataset.stage = DatasetStage::Rejected { reason, until };
		let contributor = dataset.contributor.clone();
		Self::deposit_event(Event::DatasetRejected { dataset: id, contributor, reason, until });
	}

	/// Has a dataset that was turned away forgotten when there is time.
	pub(crate) fn leave_over(id: DatasetId) -> Step {
		Self::leave(Leftover::Dataset(id));
		Step::Lapsed
	}

	/// Returns or burns what is held for an appeal: so much is free again, and so much is lost.
	fn return_deposit(dataset: &mut DatasetOf<T>, is_returned: bool) -> (Balance, Balance) {
		let (who, amount) = (&dataset.contributor, core::mem::take(&mut dataset.deposit));
		let reason = HoldReason::DatasetAppeal.into();
		// Neither can fail: nothing else takes what is held for this reason.
		if is_returned {
			let returned = T::Currency::release(&reason, who, amount, Precision::BestEffort);
			(returned.defensive().unwrap_or_default(), 0)
		} else {
			let burned =
				T::Currency::burn_held(&reason, who, amount, Precision::BestEffort, Fortitude::Force);
			(0, burned.defensive().unwrap_or_default())
		}
	}
}
