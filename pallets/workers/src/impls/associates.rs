//! Who is associated with whom, and draws that keep associates apart.

use crate::{impls::seats, pallet::*, Pallet};
use alloc::{collections::BTreeSet, vec::Vec};
use blyan_primitives::{
	draw::Lots,
	worker::{Associates as AssociateList, Role, MAX_PASSED_OVER},
	Balance,
};
use polkadot_sdk::{
	frame_support::ensure,
	sp_runtime::{DispatchResult, Perbill},
};

/// The roles that committees are drawn from.
pub(crate) const DRAWN_ROLES: [Role; 2] = [Role::Evaluator, Role::Auditor];
/// The part of a role's weight that a worker may exclude by its word alone.
pub(crate) const MAX_EXCLUDED: Perbill = Perbill::from_percent(10);

impl<T: Config> Pallet<T> {
	pub(crate) fn do_declare_associates(
		who: &T::AccountId,
		associates: AssociateList<T::AccountId>,
	) -> DispatchResult {
		ensure!(Workers::<T>::contains_key(who), Error::<T>::WorkerNotFound);
		let distinct = associates.iter().collect::<BTreeSet<_>>();
		ensure!(distinct.len() == associates.len() && !distinct.contains(who), Error::<T>::AssociatesInvalid);
		// Whom the other one declares is excluded anyway.
		let one_sided = || associates.iter().filter(|other| !Self::has_declared(other, who));
		for role in DRAWN_ROLES {
			let most = MAX_EXCLUDED.mul_floor(seats::total::<T>(role));
			let excluded = one_sided()
				.map(|other| seats::weight_of::<T>(role, other))
				.fold(0, |sum: Balance, weight| sum.saturating_add(weight));
			ensure!(excluded <= most, Error::<T>::AssociatesTooHeavy);
		}

		if associates.is_empty() {
			Associates::<T>::remove(who);
		} else {
			Associates::<T>::insert(who, &associates);
		}
		Self::deposit_event(Event::AssociatesDeclared { worker: who.clone(), associates });
		Ok(())
	}

	pub(crate) fn has_declared(who: &T::AccountId, other: &T::AccountId) -> bool {
		Associates::<T>::get(who).is_some_and(|declared| declared.contains(other))
	}

	/// Up to `count` workers of a role, none of whom is among `excluded`, or an associate of one of those or of
	/// another who is drawn. Passes over [`MAX_PASSED_OVER`] associates at most, and then gives fewer.
	pub(crate) fn draw_apart(
		role: Role,
		count: u32,
		lots: &mut Lots,
		excluded: &[T::AccountId],
	) -> Vec<T::AccountId> {
		let mut draw = seats::draw::<T>(role, excluded);
		// Who is there, and whom those have declared.
		let mut present = excluded.iter().cloned().collect::<BTreeSet<_>>();
		let mut declared = present.iter().flat_map(Self::declared_by).collect::<BTreeSet<_>>();
		let mut drawn = Vec::new();
		let mut passed_over = 0u32;
		while (drawn.len() as u32) < count && passed_over <= MAX_PASSED_OVER {
			let Some(candidate) = draw.take(1, lots).pop() else { break };
			let of_candidate = Self::declared_by(&candidate);
			if declared.contains(&candidate) || of_candidate.iter().any(|other| present.contains(other)) {
				passed_over = passed_over.saturating_add(1);
				continue;
			}
			declared.extend(of_candidate);
			present.insert(candidate.clone());
			drawn.push(candidate);
		}
		drawn
	}

	fn declared_by(who: &T::AccountId) -> AssociateList<T::AccountId> {
		Associates::<T>::get(who).unwrap_or_default()
	}
}
