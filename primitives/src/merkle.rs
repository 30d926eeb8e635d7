//! Merkle trees over BLAKE2-256.
//!
//! The version tree has a leaf for every reserved component index and is sparse: an empty subtree hashes
//! to zero. Its nodes are addressed by height and place, counted from the leaves, so that a tree which
//! becomes deeper moves none of them. Changing a head costs one write a level.

use crate::{architecture::Architecture, dag::BlockId, Hash};
use alloc::vec::Vec;
use codec::Encode;
use polkadot_sdk::sp_runtime::traits::{BlakeTwo256, Hash as _};

/// Separates leaves from inner nodes, so that neither can stand for the other.
const LEAF: u8 = 0;
const NODE: u8 = 1;

/// The hash of a component's leaf in the version tree.
pub fn component_leaf(index: u32, block: BlockId) -> Hash {
	BlakeTwo256::hash_of(&(LEAF, index, block))
}

/// The hash of any other leaf, by its place and its content.
pub fn leaf(index: u32, content: &impl Encode) -> Hash {
	BlakeTwo256::hash_of(&(LEAF, index, content))
}

/// The hash of an inner node; two empty subtrees make an empty one.
pub fn node(left: Hash, right: Hash) -> Hash {
	if left.is_zero() && right.is_zero() {
		return Hash::zero();
	}
	BlakeTwo256::hash_of(&(NODE, left, right))
}

/// Bits of a position that hold the place within a height; [`crate::architecture::MAX_COMPONENTS`] fits.
const PLACE_BITS: u32 = 24;

/// Where a node stands: `place` counts from the left among those of its height, and leaves have height 0.
pub fn position(height: u32, place: u32) -> u32 {
	(height << PLACE_BITS) | place
}

/// Sets a leaf of a tree of that depth, whose nodes `read` and `write` give access to by their
/// [`position`], and returns the new root. Absent nodes read as zero; a zero leaf removes one.
pub fn set_leaf(
	depth: u32,
	index: u32,
	leaf: Hash,
	mut read: impl FnMut(u32) -> Hash,
	mut write: impl FnMut(u32, Hash),
) -> Hash {
	let mut hash = leaf;
	write(position(0, index), hash);
	for height in 0..depth {
		let place = index >> height;
		let sibling = read(position(height, place ^ 1));
		hash = if place.is_multiple_of(2) { node(hash, sibling) } else { node(sibling, hash) };
		write(position(height.saturating_add(1), place >> 1), hash);
	}
	hash
}

/// The root over `leaves`, padded with empty ones up to the next power of two.
pub fn root(leaves: &[Hash]) -> Hash {
	let mut level: Vec<Hash> = leaves.to_vec();
	let width = level.len().max(1).checked_next_power_of_two().unwrap_or(usize::MAX);
	level.resize(width, Hash::zero());
	fold(level)
}

fn fold(mut level: Vec<Hash>) -> Hash {
	while level.len() > 1 {
		level = level
			.chunks(2)
			.map(|pair| match pair {
				[left, right] => node(*left, *right),
				_ => Hash::zero(),
			})
			.collect();
	}
	level.first().copied().unwrap_or_default()
}

/// The one hash that names a version of a model: its architecture, and the tree over its heads.
pub fn version_root(architecture: &Architecture, tree_root: Hash) -> Hash {
	BlakeTwo256::hash_of(&(b"blyan/version", architecture, tree_root))
}

/// What a worker computes from a manifest to check that it holds what the chain names.
///
/// `heads` are (component index, head); `None` if an index is outside the architecture.
pub fn version_root_of_heads(
	architecture: &Architecture,
	heads: impl IntoIterator<Item = (u32, BlockId)>,
) -> Option<Hash> {
	let depth = architecture.tree_depth();
	let width = 1usize.checked_shl(depth)?;
	let mut leaves: Vec<Hash> = Vec::new();
	leaves.resize(width, Hash::zero());
	for (index, block) in heads {
		*leaves.get_mut(index as usize)? = component_leaf(index, block);
	}
	Some(version_root(architecture, fold(leaves)))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::architecture::tests::small;
	use alloc::collections::BTreeMap;
	use proptest::prelude::*;

	proptest! {
		#[test]
		fn set_leaf_should_agree_with_building_the_tree_anew(
			changes in proptest::collection::vec((0u32..19, any::<[u8; 32]>()), 0..40)
		) {
			let architecture = small();
			let depth = architecture.tree_depth();
			let mut tree = BTreeMap::<u32, Hash>::new();
			let mut heads = BTreeMap::<u32, Hash>::new();
			let mut tree_root = Hash::zero();
			for (index, block) in changes {
				let block = Hash::from(block);
				heads.insert(index, block);
				let snapshot = tree.clone();
				tree_root = set_leaf(
					depth,
					index,
					component_leaf(index, block),
					|position| snapshot.get(&position).copied().unwrap_or_default(),
					|position, hash| { tree.insert(position, hash); },
				);
			}
			prop_assert_eq!(
				Some(version_root(&architecture, tree_root)),
				version_root_of_heads(&architecture, heads)
			);
		}
	}

	#[test]
	fn a_deeper_tree_should_keep_its_nodes_when_leaves_come_and_go() {
		let mut tree = BTreeMap::<u32, Hash>::new();
		let mut set = |depth, index, leaf| {
			let before = tree.clone();
			set_leaf(
				depth,
				index,
				leaf,
				|position| before.get(&position).copied().unwrap_or_default(),
				|position, hash| {
					tree.insert(position, hash);
				},
			)
		};
		let leaves = [1u8, 2, 3, 4, 5].map(Hash::repeat_byte);
		for (index, leaf) in leaves.into_iter().enumerate().take(4) {
			set(2, index as u32, leaf);
		}
		// The fifth leaf asks for a third level, under which the old root is the left half.
		assert_eq!(set(3, 4, leaves[4]), root(&leaves));
		assert_eq!(set(3, 0, leaves[4]), root(&[leaves[4], leaves[1], leaves[2], leaves[3], leaves[4]]));
		set(3, 4, Hash::zero());
		assert_eq!(set(3, 0, leaves[0]), node(root(&leaves[..4]), Hash::zero()));
	}

	#[test]
	fn version_root_should_change_with_place_content_and_architecture() {
		let a = small();
		let block = Hash::repeat_byte(7);
		let one = version_root_of_heads(&a, [(0, block)]);
		assert_ne!(one, version_root_of_heads(&a, [(1, block)]));
		assert_ne!(one, version_root_of_heads(&a, [(0, Hash::repeat_byte(8))]));
		assert_ne!(one, version_root_of_heads(&Architecture { d_ff: 1, ..a }, [(0, block)]));
		assert_eq!(None, version_root_of_heads(&a, [(32, block)]));
	}

	#[test]
	fn root_should_tell_a_leaf_from_a_node() {
		let (a, b) = (leaf(0, &1u8), leaf(1, &2u8));
		assert_eq!(root(&[a, b]), node(a, b));
		assert_ne!(root(&[node(a, b)]), leaf(0, &(a, b)));
		assert_eq!(root(&[]), Hash::zero());
	}
}
