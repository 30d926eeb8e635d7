//! The invariants of the README, one check each.

use crate::{Config, DatasetModels, LastDay, ModelData, Pallet, Purses, Utilities};
use alloc::collections::BTreeSet;
use blyan_primitives::datasets::MOST_PURSE;
use polkadot_sdk::{
	frame_support::{ensure, traits::Get},
	sp_runtime::DispatchError,
};

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the README.
	///
	/// # Errors
	/// The first that does not hold.
	pub fn do_try_state() -> Result<(), DispatchError> {
		Self::check_lineage()?;
		Self::check_uses()?;
		Self::check_utilities()?;
		Self::check_purses()?;
		Self::check_day()
	}

	/// 1. Lineage is the same both ways.
	fn check_lineage() -> Result<(), DispatchError> {
		let there =
			ModelData::<T>::iter_keys().map(|(model, dataset)| (dataset, model)).collect::<BTreeSet<_>>();
		let back = DatasetModels::<T>::iter_keys().collect::<BTreeSet<_>>();
		ensure!(there == back, "lineage: what models learned from is not who learned from it");
		Ok(())
	}

	/// 2. Who learned did so by one submission at least, and of each dataset is known what came of it.
	fn check_uses() -> Result<(), DispatchError> {
		for (_, dataset, used) in ModelData::<T>::iter() {
			let span = used.last.checked_sub(used.first).map(|span| span.saturating_add(1));
			ensure!(
				used.submissions > 0 && span.is_some_and(|span| u64::from(used.submissions) <= span),
				"lineage: a model learned by more submissions than there were, or by none"
			);
			ensure!(
				Utilities::<T>::contains_key(dataset),
				"lineage: nothing is known of what came of a dataset"
			);
		}
		Ok(())
	}

	/// 3. Datasets are marked by the rule, and by nothing else.
	fn check_utilities() -> Result<(), DispatchError> {
		for utility in Utilities::<T>::iter_values() {
			ensure!(
				utility.is_zero == utility.is_useless(),
				"lineage: a dataset is marked otherwise than by the rule"
			);
			let trainers = utility.trainers.iter().collect::<BTreeSet<_>>();
			ensure!(
				trainers.len() == utility.trainers.len() && trainers.len() as u32 <= utility.rejected,
				"lineage: more trainers were rejected than there were"
			);
		}
		Ok(())
	}

	/// 4. No purse is above its start, or above what a score fills; of what is marked, it is void.
	fn check_purses() -> Result<(), DispatchError> {
		for purse in Purses::<T>::iter_values() {
			ensure!(
				purse.left <= purse.start && purse.start <= MOST_PURSE,
				"lineage: there is more in a purse than was put into it"
			);
		}
		for (dataset, utility) in Utilities::<T>::iter() {
			ensure!(
				!utility.is_zero || Purses::<T>::get(dataset).is_some_and(|purse| purse.left == 0),
				"lineage: the purse of a marked dataset is not void"
			);
		}
		Ok(())
	}

	/// 5. No day pays more than the cap, and none has before it comes.
	fn check_day() -> Result<(), DispatchError> {
		let last = LastDay::<T>::get();
		ensure!(last.drawn <= T::DailyCap::get(), "lineage: purses paid more than a day's cap");
		ensure!(last.day <= Self::today(), "lineage: purses paid in a day to come");
		Ok(())
	}
}
