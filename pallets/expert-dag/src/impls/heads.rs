//! Heads, the tree over them, and the versions they make up. All writes of heads go through here.

use crate::{types::*, Config, Event, Heads, Pallet, RetiredHeads, VersionTree, Versions};
use alloc::collections::BTreeMap;
use blyan_primitives::{
	architecture::Architecture,
	dag::{BlockId, ModelId, SubmissionId},
	merkle::{component_leaf, set_leaf, version_root},
	Hash,
};
use core::cell::RefCell;
use polkadot_sdk::frame_system;

impl<T: Config> Pallet<T> {
	/// Sets heads, by component index, or retires them, and returns the new root of the tree over all of the
	/// model's heads.
	pub(crate) fn set_heads(
		model: ModelId,
		architecture: &Architecture,
		heads: impl IntoIterator<Item = (u32, Option<BlockId>)>,
	) -> Hash {
		let depth = architecture.tree_depth();
		// Paths meet on the way up: nodes are kept here, so that each is read and written once.
		let nodes = RefCell::new(BTreeMap::<u32, (Hash, bool)>::new());
		let read = |position| {
			let stored = || (VersionTree::<T>::get(model, position), false);
			nodes.borrow_mut().entry(position).or_insert_with(stored).0
		};
		let write = |position, hash| {
			nodes.borrow_mut().insert(position, (hash, true));
		};
		let mut root = Hash::zero();
		for (index, block) in heads {
			let leaf = match block {
				Some(block) => {
					Heads::<T>::insert(model, index, block);
					RetiredHeads::<T>::remove(model, index);
					component_leaf(index, block)
				}
				None => {
					if let Some(last) = Heads::<T>::take(model, index) {
						RetiredHeads::<T>::insert(model, index, last);
					}
					Hash::zero()
				}
			};
			root = set_leaf(depth, index, leaf, read, write);
		}
		for (position, (hash, changed)) in nodes.into_inner() {
			if changed && hash.is_zero() {
				VersionTree::<T>::remove(model, position);
			} else if changed {
				VersionTree::<T>::insert(model, position, hash);
			}
		}
		root
	}

	/// Names the current heads as the model's newest version. The caller has set the generation and the
	/// version's number, and stores the model.
	pub(crate) fn release_version(
		id: ModelId,
		model: &mut ModelOf<T>,
		tree_root: Hash,
		submission: Option<SubmissionId>,
	) {
		let root = version_root(&model.architecture, tree_root);
		let (version, generation) = (model.version, model.generation);
		model.root = Some(root);
		let released_at = frame_system::Pallet::<T>::block_number();
		let architecture = model.architecture;
		let record = VersionRecord { version, root, architecture, submission, released_at };
		Versions::<T>::insert(id, generation, record);
		Self::deposit_event(Event::VersionReleased { model: id, generation, version, root, submission });
	}
}
