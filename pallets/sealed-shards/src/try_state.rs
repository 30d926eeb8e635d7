//! The invariants of the README, one check each.

use crate::{types::*, Config, HoldReason, LotOfRoot, Lots, NextLotId, Pallet, Parameters, Reserves, Terms};
use alloc::{collections::BTreeMap, vec::Vec};
use blyan_primitives::{
	sealed::{LotId, LotState, MAX_LOTS},
	traits::SealedRounds,
	Balance, Hash,
};
use polkadot_sdk::{
	frame_support::{ensure, traits::fungible::hold::Inspect},
	sp_runtime::DispatchError,
};

type Kept<T> = BTreeMap<LotId, LotOf<T>>;

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the README.
	///
	/// # Errors
	/// The first that does not hold.
	pub fn do_try_state() -> Result<(), DispatchError> {
		let lots = Lots::<T>::iter().collect::<Kept<T>>();
		Self::check_reserves(&lots)?;
		Self::check_draws(&lots)?;
		Self::check_holds(&lots)?;
		Self::check_texts(&lots)?;
		Self::check_rules(&lots)
	}

	/// 1. The reserves are exactly the lots that may be drawn.
	fn check_reserves(lots: &Kept<T>) -> Result<(), DispatchError> {
		let mut listed = Vec::new();
		for (model, reserve) in Reserves::<T>::iter() {
			ensure!(!reserve.is_empty(), "an empty reserve is kept");
			listed.extend(reserve.into_iter().map(|entry| (entry.id, model, entry)));
		}
		listed.sort_unstable_by_key(|(id, ..)| *id);
		let expected = lots.iter().filter(|(_, lot)| lot.state == LotState::Reserved).map(|(id, lot)| {
			let Lot { model, sealer, lot, added_at, .. } = lot.clone();
			(
				*id,
				model,
				Reserved { id: *id, sealer, shards: lot.shards, shard_bytes: lot.shard_bytes, added_at },
			)
		});
		ensure!(listed.into_iter().eq(expected), "a reserve is not the lots that may be drawn, each once");
		Ok(())
	}

	/// 2. What was drawn is what a round waits for, and what was opened has its key.
	fn check_draws(lots: &Kept<T>) -> Result<(), DispatchError> {
		for (id, lot) in lots {
			match lot.state {
				LotState::Reserved => {}
				LotState::Drawn { round } => {
					ensure!(T::Rounds::awaits(round, *id), "a lot was drawn that no round waits for")
				}
				LotState::Retired { round, key, .. } => {
					ensure!(!T::Rounds::awaits(round, *id), "a round waits for a lot that was opened");
					ensure!(
						blyan_primitives::sealed::key_hash(&key) == lot.lot.key_hash,
						"a lot was opened by another key"
					);
				}
			}
		}
		Ok(())
	}

	/// 3. Held are the deposits and bonds of the lots that are kept.
	fn check_holds(lots: &Kept<T>) -> Result<(), DispatchError> {
		let mut sums = BTreeMap::<&T::AccountId, (Balance, Balance)>::new();
		for lot in lots.values() {
			let (deposits, bonds) = sums.entry(&lot.sealer).or_default();
			*deposits = deposits.saturating_add(lot.deposit);
			*bonds = bonds.saturating_add(lot.bond);
		}
		for (sealer, (deposits, bonds)) in sums {
			let held = |reason: HoldReason| T::Currency::balance_on_hold(&reason.into(), sealer);
			ensure!(
				held(HoldReason::LotDeposit) == deposits && held(HoldReason::LotBond) == bonds,
				"what is held of a sealer is not the deposits and bonds of its lots"
			);
		}
		Ok(())
	}

	/// 4. No text is kept twice.
	fn check_texts(lots: &Kept<T>) -> Result<(), DispatchError> {
		let texts = LotOfRoot::<T>::iter().collect::<BTreeMap<Hash, LotId>>();
		let expected = lots.iter().map(|(id, lot)| (lot.lot.root, *id)).collect::<BTreeMap<_, _>>();
		ensure!(
			texts == expected && texts.len() == lots.len(),
			"the roots are not those of the lots that are kept, each once"
		);
		Ok(())
	}

	/// 5. Numbers, parameters and terms.
	fn check_rules(lots: &Kept<T>) -> Result<(), DispatchError> {
		Parameters::<T>::get().validate::<T>()?;
		let next = NextLotId::<T>::get();
		ensure!(lots.keys().all(|id| *id < next), "a lot has a number that was not given yet");
		ensure!(lots.values().all(|lot| lot.lot.is_valid()), "a lot is kept that cannot be measured");
		ensure!(
			Terms::<T>::iter_values().all(|terms| (1..=MAX_LOTS).contains(&terms.lots)),
			"a model asks for no lots, or for more than a round may draw"
		);
		Ok(())
	}
}
