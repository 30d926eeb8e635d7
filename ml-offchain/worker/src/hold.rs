//! Content that this process works with, whatever the chain says of it meanwhile.

use blyan_primitives::cid::Cid;
use std::{
	collections::{BTreeMap, BTreeSet},
	sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What is held, by how many.
type Counts = BTreeMap<Cid, usize>;

/// What is held in this process. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Holds(Arc<Mutex<Counts>>);

/// Keeps content from being collected as garbage until its last clone is dropped.
#[derive(Clone, Debug)]
pub struct Hold {
	_held: Arc<Held>,
}

#[derive(Debug)]
struct Held {
	cids: Vec<Cid>,
	holds: Holds,
}

impl Holds {
	/// Holds content, whether it is stored already or not.
	pub fn hold(&self, cids: impl IntoIterator<Item = Cid>) -> Hold {
		let cids: Vec<Cid> = cids.into_iter().collect();
		let mut counts = self.lock();
		for cid in &cids {
			*counts.entry(*cid).or_default() += 1;
		}
		Hold { _held: Arc::new(Held { cids, holds: self.clone() }) }
	}

	/// What is held now.
	pub fn cids(&self) -> BTreeSet<Cid> {
		self.lock().keys().copied().collect()
	}

	fn lock(&self) -> MutexGuard<'_, Counts> {
		// Every change is a whole one: sound even if a thread died holding it.
		self.0.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

impl Drop for Held {
	fn drop(&mut self) {
		let mut counts = self.holds.lock();
		for cid in &self.cids {
			if let Some(count) = counts.get_mut(cid) {
				*count -= 1;
				if *count == 0 {
					counts.remove(cid);
				}
			}
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::cid::CidCodec;

	fn cid(number: u8) -> Cid {
		Cid { codec: CidCodec::Raw, digest: [number; 32] }
	}

	#[test]
	fn content_should_be_held_until_the_last_hold_is_dropped() {
		let holds = Holds::default();
		let first = holds.hold([cid(1), cid(2)]);
		let (second, clone) = (holds.hold([cid(2), cid(3)]), first.clone());
		assert_eq!(holds.cids(), [1, 2, 3].map(cid).into());
		drop(first);
		assert_eq!(holds.cids(), [1, 2, 3].map(cid).into(), "the clone holds it still");
		drop(clone);
		assert_eq!(holds.cids(), [2, 3].map(cid).into());
		drop(second);
		assert!(holds.cids().is_empty());
	}
}
