//! The seats of a role: the heap of [`blyan_primitives::seats`] in storage.
//!
//! New seats are added at the end, and a seat that falls vacant is filled by the last one, so the heap
//! stays complete and its depth is log2(n).

use crate::{pallet::*, types::*};
pub(crate) use blyan_primitives::seats::{path, Draw, ROOT};
use blyan_primitives::{worker::Role, Balance};
use polkadot_sdk::frame_support::traits::Defensive;

/// Gives `who` a seat with that weight, or the seat that it has a new weight.
pub(crate) fn put<T: Config>(role: Role, who: &T::AccountId, weight: Balance) {
	match SeatOf::<T>::get(role, who) {
		Some(seat) => {
			let Some(mut record) = Seats::<T>::get(role, seat).defensive() else { return };
			let old = record.weight;
			if old != weight {
				record.weight = weight;
				Seats::<T>::insert(role, seat, record);
				shift::<T>(role, seat, old, weight);
			}
		}
		None => append::<T>(role, who, weight),
	}
}

/// Takes the seat of `who` away, if it has one.
pub(crate) fn remove<T: Config>(role: Role, who: &T::AccountId) {
	let Some(seat) = SeatOf::<T>::take(role, who) else { return };
	// The last seat goes; whoever sat there takes the vacant one.
	let last = SeatCount::<T>::get(role);
	let Some(moved) = Seats::<T>::get(role, last).defensive() else { return };
	shift::<T>(role, last, moved.weight, 0);
	Seats::<T>::remove(role, last);
	SeatCount::<T>::insert(role, last.saturating_sub(1));
	if seat == last {
		return;
	}
	let Some(mut record) = Seats::<T>::get(role, seat).defensive() else { return };
	let old = record.weight;
	record.worker = moved.worker.clone();
	record.weight = moved.weight;
	Seats::<T>::insert(role, seat, record);
	SeatOf::<T>::insert(role, moved.worker, seat);
	shift::<T>(role, seat, old, moved.weight);
}

fn append<T: Config>(role: Role, who: &T::AccountId, weight: Balance) {
	let seat = SeatCount::<T>::get(role).saturating_add(1);
	SeatCount::<T>::insert(role, seat);
	SeatOf::<T>::insert(role, who, seat);
	Seats::<T>::insert(role, seat, Seat { worker: who.clone(), weight, subtree: 0 });
	shift::<T>(role, seat, 0, weight);
}

/// Carries a change of a seat's weight up to the root.
fn shift<T: Config>(role: Role, seat: u32, old: Balance, new: Balance) {
	if old == new {
		return;
	}
	for above in path(seat) {
		Seats::<T>::mutate(role, above, |record| {
			if let Some(record) = record.as_mut().defensive() {
				record.subtree = record.subtree.saturating_sub(old).saturating_add(new);
			}
		});
	}
}

/// The weight of everybody with that role.
pub(crate) fn total<T: Config>(role: Role) -> Balance {
	Seats::<T>::get(role, ROOT).map(|seat| seat.subtree).unwrap_or_default()
}

/// The weight of `who` in that role; 0 of who has no seat.
pub(crate) fn weight_of<T: Config>(role: Role, who: &T::AccountId) -> Balance {
	let seat = SeatOf::<T>::get(role, who).and_then(|seat| Seats::<T>::get(role, seat));
	seat.map(|seat| seat.weight).unwrap_or_default()
}

/// A draw among everybody with that role, but for those excluded. Storage is not written.
pub(crate) fn draw<T: Config>(
	role: Role,
	excluded: &[T::AccountId],
) -> Draw<T::AccountId, impl Fn(u32) -> Option<SeatOfRuntime<T>>> {
	let mut draw = Draw::new(SeatCount::<T>::get(role), move |seat| Seats::<T>::get(role, seat));
	for seat in excluded.iter().filter_map(|who| SeatOf::<T>::get(role, who)) {
		draw.take_out(seat);
	}
	draw
}
