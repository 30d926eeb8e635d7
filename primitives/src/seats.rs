//! The seats of a role: a binary heap of weights, and the draw from it.
//!
//! Seat n has the children 2n and 2n + 1; the root is seat 1. Each seat knows the weight of all seats
//! below it, so a draw looks at the seats on one way down, wherever they are kept.

use crate::{draw::Lots, worker::Role, Balance, Hash};
use alloc::{
	collections::btree_map::{BTreeMap, Entry},
	vec::Vec,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::{iter::successors, mem::take};
use scale_info::TypeInfo;

/// The number of the first seat.
pub const ROOT: u32 = 1;

/// A worker's place among those of a role.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
pub struct Seat<AccountId> {
	/// Who sits there.
	pub worker: AccountId,
	/// Its own weight.
	pub weight: Balance,
	/// Its own weight and those of all seats below it.
	pub subtree: Balance,
}

/// A seat and all seats above it, up to the root.
pub fn path(seat: u32) -> impl Iterator<Item = u32> {
	successors(Some(seat), |seat| Some(seat >> 1)).take_while(|seat| *seat >= ROOT)
}

/// Left and right child of a seat.
fn children(seat: u32) -> (u32, u32) {
	let left = seat.saturating_mul(2);
	(left, left.saturating_add(1))
}

/// The lots that workers of a role are drawn by.
pub fn lots_for_workers(seed: Hash, role: Role) -> Lots {
	Lots::new(seed, (b"workers", role))
}

/// A draw without replacement: a copy in memory of the seats it has looked at, from which those that are
/// drawn or excluded are taken out. Where the seats are kept is not written to.
pub struct Draw<AccountId, Read> {
	seat_count: u32,
	read: Read,
	seen: BTreeMap<u32, Seat<AccountId>>,
}

impl<AccountId: Clone, Read: Fn(u32) -> Option<Seat<AccountId>>> Draw<AccountId, Read> {
	/// A draw among the seats 1 to `seat_count`, below 2^31, that `read` gives.
	pub fn new(seat_count: u32, read: Read) -> Self {
		Self { seat_count, read, seen: BTreeMap::new() }
	}

	/// Up to `count` distinct workers, in the order drawn; fewer if no more have any weight.
	pub fn take(&mut self, count: u32, lots: &mut Lots) -> Vec<AccountId> {
		let mut drawn = Vec::new();
		for _ in 0..count.min(self.seat_count) {
			let Some(worker) = self.next(lots) else { break };
			drawn.push(worker);
		}
		drawn
	}

	/// Makes a seat weigh nothing for the rest of the draw.
	pub fn take_out(&mut self, seat: u32) {
		let weight = self.seat(seat).map(|record| take(&mut record.weight)).unwrap_or_default();
		for above in path(seat) {
			if let Some(record) = self.seat(above) {
				record.subtree = record.subtree.saturating_sub(weight);
			}
		}
	}

	/// How many seats it has read.
	pub fn seats_seen(&self) -> usize {
		self.seen.len()
	}

	/// One worker, with the chance of its weight among the weights still in the draw.
	fn next(&mut self, lots: &mut Lots) -> Option<AccountId> {
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

	fn seat(&mut self, seat: u32) -> Option<&mut Seat<AccountId>> {
		if seat > self.seat_count {
			return None;
		}
		match self.seen.entry(seat) {
			Entry::Occupied(entry) => Some(entry.into_mut()),
			Entry::Vacant(entry) => Some(entry.insert((self.read)(seat)?)),
		}
	}

	fn subtree(&mut self, seat: u32) -> Balance {
		self.seat(seat).map(|record| record.subtree).unwrap_or_default()
	}
}

/// Seats in the order of their weights, each with the worker's place in that order; what a chain keeps in
/// storage, made at once.
pub fn seat_all(weights: &[Balance]) -> Vec<Seat<u32>> {
	let mut seats: Vec<Seat<u32>> = (0u32..)
		.zip(weights)
		.map(|(worker, weight)| Seat { worker, weight: *weight, subtree: *weight })
		.collect();
	// From the last seat up, each is complete before it is added to the one above it.
	for place in (1..seats.len()).rev() {
		let below = seats.get(place).map(|seat| seat.subtree).unwrap_or_default();
		let above = place.saturating_add(1) / 2;
		if let Some(seat) = seats.get_mut(above.saturating_sub(1)) {
			seat.subtree = seat.subtree.saturating_add(below);
		}
	}
	seats
}

#[cfg(test)]
mod tests {
	use super::*;
	use alloc::{collections::BTreeSet, vec};
	use proptest::prelude::*;

	fn draw(seats: &[Seat<u32>]) -> Draw<u32, impl Fn(u32) -> Option<Seat<u32>> + '_> {
		Draw::new(seats.len() as u32, |seat| seats.get(seat as usize - 1).cloned())
	}

	fn lots(number: u32) -> Lots {
		lots_for_workers(Hash::from_low_u64_be(number.into()), Role::Evaluator)
	}

	proptest! {
		#[test]
		fn seat_all_should_sum_each_subtree(weights in proptest::collection::vec(0u128..1_000, 1..50)) {
			let seats = seat_all(&weights);
			for (seat, number) in seats.iter().zip(1u32..) {
				let below: Balance = (1..=seats.len() as u32)
					.filter(|other| path(*other).any(|above| above == number))
					.map(|other| weights[other as usize - 1])
					.sum();
				prop_assert_eq!((seat.weight, seat.subtree), (weights[number as usize - 1], below));
			}
		}

		#[test]
		fn draw_should_give_everybody_with_weight_once(weights in proptest::collection::vec(0u128..5, 1..40), seed: u32) {
			let seats = seat_all(&weights);
			let drawn = draw(&seats).take(u32::MAX, &mut lots(seed));
			let wanted: BTreeSet<u32> = (0..).zip(&weights).filter(|(_, w)| **w > 0).map(|(at, _)| at).collect();
			prop_assert_eq!(drawn.len(), wanted.len());
			prop_assert_eq!(drawn.into_iter().collect::<BTreeSet<_>>(), wanted);
		}
	}

	#[test]
	fn draw_should_give_each_the_chance_of_its_weight() {
		let seats = seat_all(&[1, 2, 3, 4]);
		let mut counts = vec![0u32; 4];
		for number in 0..10_000 {
			counts[draw(&seats).take(1, &mut lots(number))[0] as usize] += 1;
		}
		// A standard deviation is 49 at the most.
		for (count, wanted) in counts.iter().zip([1_000, 2_000, 3_000, 4_000]) {
			assert!(count.abs_diff(wanted) < 200, "{counts:?}");
		}
	}

	#[test]
	fn draw_should_never_give_who_was_taken_out() {
		let seats = seat_all(&[5, 5, 5]);
		for number in 0..100 {
			let mut draw = draw(&seats);
			draw.take_out(2);
			let drawn: BTreeSet<_> = draw.take(3, &mut lots(number)).into_iter().collect();
			assert_eq!(drawn, BTreeSet::from([0, 2]));
		}
	}
}
