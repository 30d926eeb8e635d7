//! The seats of a role: a binary heap of weights in storage, and the draw from it.
//!
//! Seat n has the children 2n and 2n + 1; the root is seat 1. New seats are added at the end, and a seat
//! that falls vacant is filled by the last one, so the heap stays complete and its depth is log2(n).

use crate::{pallet::*, types::*};
use alloc::{
	collections::btree_map::{BTreeMap, Entry},
	vec::Vec,
};
use blyan_primitives::{draw::Lots, worker::Role, Balance};
use core::{iter::successors, mem::take};
use polkadot_sdk::frame_support::traits::Defensive;

/// The number of the first seat.
pub(crate) const ROOT: u32 = 1;

/// A seat and all seats above it, up to the root.
pub(crate) fn path(seat: u32) -> impl Iterator<Item = u32> {
	successors(Some(seat), |seat| Some(seat >> 1)).take_while(|seat| *seat >= ROOT)
}

/// Left and right child of a seat.
fn children(seat: u32) -> (u32, u32) {
	// `integrity_test`: seat numbers stay below 2^30.
	let left = seat.saturating_mul(2);
	(left, left.saturating_add(1))
}

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

/// A draw without replacement: a copy in memory of the seats it has looked at, from which those that are
/// drawn or excluded are taken out. Storage is not written.
pub(crate) struct Draw<T: Config> {
	role: Role,
	seat_count: u32,
	seen: BTreeMap<u32, SeatOfRuntime<T>>,
}

impl<T: Config> Draw<T> {
	/// A draw among everybody with that role, but for those excluded.
	pub(crate) fn new(role: Role, excluded: &[T::AccountId]) -> Self {
		let mut draw = Self { role, seat_count: SeatCount::<T>::get(role), seen: BTreeMap::new() };
		for seat in excluded.iter().filter_map(|who| SeatOf::<T>::get(role, who)) {
			draw.take_out(seat);
		}
		draw
	}

	/// Up to `count` distinct workers, in the order drawn; fewer if no more have any weight.
	pub(crate) fn take(&mut self, count: u32, lots: &mut Lots) -> Vec<T::AccountId> {
		let mut drawn = Vec::new();
		for _ in 0..count.min(self.seat_count) {
			let Some(worker) = self.next(lots) else { break };
			drawn.push(worker);
		}
		drawn
	}

	/// One worker, with the chance of its weight among the weights still in the draw.
	fn next(&mut self, lots: &mut Lots) -> Option<T::AccountId> {
		let total = self.subtree(ROOT);
		if total == 0 {
			return None;
		}
		let mut lot = lots.below(total);
		let mut seat = ROOT;
		// Invariant: `lot` is below the weight of the subtree under `seat`. Ends, for a seat without
		// children has only its own weight.
		loop {
			let (left, right) = children(seat);
			let left_weight = self.subtree(left);
			if lot < left_weight {
				seat = left;
				continue;
			}
			lot = lot.saturating_sub(left_weight);
			let right_weight = self.subtree(right);
			if lot < right_weight {
				seat = right;
				continue;
			}
			break;
		}
		let worker = self.seat(seat)?.worker.clone();
		self.take_out(seat);
		Some(worker)
	}

	/// How many seats it has read.
	#[cfg(test)]
	pub(crate) fn seats_seen(&self) -> usize {
		self.seen.len()
	}

	fn seat(&mut self, seat: u32) -> Option<&mut SeatOfRuntime<T>> {
		if seat > self.seat_count {
			return None;
		}
		match self.seen.entry(seat) {
			Entry::Occupied(entry) => Some(entry.into_mut()),
			Entry::Vacant(entry) => Some(entry.insert(Seats::<T>::get(self.role, seat)?)),
		}
	}

	fn subtree(&mut self, seat: u32) -> Balance {
		self.seat(seat).map(|record| record.subtree).unwrap_or_default()
	}

	/// Makes a seat weigh nothing for the rest of the draw.
	fn take_out(&mut self, seat: u32) {
		let weight = self.seat(seat).map(|record| take(&mut record.weight)).unwrap_or_default();
		for above in path(seat) {
			if let Some(record) = self.seat(above) {
				record.subtree = record.subtree.saturating_sub(weight);
			}
		}
	}
}
