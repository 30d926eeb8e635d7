//! What one peer wants of this one. Pure.

use crate::message::{Entry, Want, WantKind, WireCid};
use std::collections::{BTreeMap, HashMap};

/// Most wants of a peer that wait; more are refused until some are answered.
const MAX_WANTS: usize = 1_024;
/// Most blocks of an answer: half a MiB of leaves.
const MAX_BATCH_BLOCKS: usize = 2;
/// Most wants that one answer is for.
const MAX_BATCH_WANTS: usize = 64;

/// The wants of one peer, in the order in which they are answered.
#[derive(Default, Debug)]
pub(crate) struct Served {
	wants: BTreeMap<u64, Want>,
	places: HashMap<WireCid, u64>,
	next: u64,
}

impl Served {
	/// Takes a want list; returns how many wants there was no room for.
	pub(crate) fn apply(&mut self, is_full: bool, entries: Vec<Entry>) -> u64 {
		if is_full {
			self.clear();
		}
		let mut refused = 0;
		for entry in entries {
			match entry {
				Entry::Cancel(cid) => {
					if let Some(place) = self.places.remove(&cid) {
						self.wants.remove(&place);
					}
				}
				Entry::Want(want) => refused += u64::from(!self.add(want)),
			}
		}
		refused
	}

	fn add(&mut self, want: Want) -> bool {
		if let Some(known) = self.places.get(&want.cid).and_then(|place| self.wants.get_mut(place)) {
			// Who wants a block need not be told that it is there as well.
			if known.kind == WantKind::Have {
				*known = want;
			}
			return true;
		}
		if self.wants.len() >= MAX_WANTS {
			return false;
		}
		self.places.insert(want.cid.clone(), self.next);
		self.wants.insert(self.next, want);
		self.next += 1;
		true
	}

	/// The wants to answer next, taken out.
	pub(crate) fn next_batch(&mut self) -> Vec<Want> {
		let mut batch = Vec::new();
		let mut blocks = 0;
		while let Some(first) = self.wants.first_entry() {
			let is_block = first.get().kind == WantKind::Block;
			if batch.len() == MAX_BATCH_WANTS || (is_block && blocks == MAX_BATCH_BLOCKS) {
				break;
			}
			blocks += usize::from(is_block);
			let want = first.remove();
			self.places.remove(&want.cid);
			batch.push(want);
		}
		batch
	}

	pub(crate) fn len(&self) -> usize {
		self.wants.len()
	}

	pub(crate) fn clear(&mut self) {
		self.wants.clear();
		self.places.clear();
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::cid::{Cid, CidCodec};
	use proptest::prelude::*;

	fn name(number: u32) -> WireCid {
		let mut digest = [0; 32];
		digest[..4].copy_from_slice(&number.to_le_bytes());
		Cid { codec: CidCodec::Raw, digest }.into()
	}

	fn want(number: u32, kind: WantKind) -> Entry {
		Entry::Want(Want { cid: name(number), kind, send_dont_have: true })
	}

	fn numbers(batch: &[Want]) -> Vec<WireCid> {
		batch.iter().map(|want| want.cid.clone()).collect()
	}

	#[test]
	fn batch_should_hold_two_blocks_and_many_presences() {
		let mut served = Served::default();
		let entries =
			(0..5).map(|n| want(n, WantKind::Block)).chain((5..100).map(|n| want(n, WantKind::Have)));
		assert_eq!(served.apply(false, entries.collect()), 0);
		assert_eq!(numbers(&served.next_batch()), [name(0), name(1)]);
		assert_eq!(numbers(&served.next_batch()), [name(2), name(3)]);
		assert_eq!(served.next_batch().len(), MAX_BATCH_WANTS);
		assert_eq!(served.next_batch().len(), 96 - MAX_BATCH_WANTS);
		assert!(served.next_batch().is_empty());
	}

	#[test]
	fn wants_should_be_withdrawn_replaced_and_upgraded() {
		let mut served = Served::default();
		served
			.apply(false, vec![want(1, WantKind::Have), want(2, WantKind::Block), want(1, WantKind::Block)]);
		served.apply(false, vec![want(2, WantKind::Have), Entry::Cancel(name(9))]);
		assert_eq!(served.len(), 2);
		let batch = served.next_batch();
		assert!(batch.iter().all(|want| want.kind == WantKind::Block), "{batch:?}");
		served.apply(false, vec![want(3, WantKind::Block), Entry::Cancel(name(3)), want(4, WantKind::Block)]);
		assert_eq!(numbers(&served.next_batch()), [name(4)]);
		served.apply(false, vec![want(5, WantKind::Block)]);
		served.apply(true, vec![want(6, WantKind::Block)]);
		assert_eq!(numbers(&served.next_batch()), [name(6)]);
	}

	#[test]
	fn wants_should_be_refused_when_there_are_too_many() {
		let mut served = Served::default();
		let all = (0..MAX_WANTS as u32 + 7).map(|n| want(n, WantKind::Block)).collect();
		assert_eq!(served.apply(false, all), 7);
		served.next_batch();
		let again = vec![want(5, WantKind::Block), want(9_999, WantKind::Block)];
		assert_eq!(served.apply(false, again), 0, "there is room again, and a known want takes none");
	}

	proptest! {
		#[test]
		fn places_should_stay_in_step_with_wants(
			steps in proptest::collection::vec((0u32..20, 0u8..4, any::<bool>()), 0..200)
		) {
			let mut served = Served::default();
			for (number, what, is_full) in steps {
				match what {
					0 => { served.apply(is_full && number == 0, vec![want(number, WantKind::Block)]); }
					1 => { served.apply(false, vec![want(number, WantKind::Have)]); }
					2 => { served.apply(false, vec![Entry::Cancel(name(number))]); }
					_ => { served.next_batch(); }
				}
				prop_assert_eq!(served.places.len(), served.wants.len());
				for (cid, place) in &served.places {
					prop_assert_eq!(&served.wants[place].cid, cid);
				}
			}
		}
	}
}
