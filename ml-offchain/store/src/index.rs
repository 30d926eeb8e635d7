//! Which file a block is in.

use crate::dag::Dag;
use blyan_primitives::cid::Cid;
use std::{
	collections::{HashMap, HashSet},
	sync::Arc,
	time::SystemTime,
};

/// Where a block is: leaves are in the file, nodes follow from its tree.
#[derive(Clone, Debug)]
pub(crate) struct Location {
	pub(crate) dag: Arc<Dag>,
	pub(crate) level: usize,
	pub(crate) index: usize,
}

#[derive(Clone, Copy, Debug)]
struct Place {
	file: u32,
	level: u32,
	index: u32,
}

/// Every block of every file, in memory: about 60 bytes a leaf, that is 240 KB a GiB.
///
/// It only ever grows, and is dropped whole when a file goes; sidecars bring it back.
#[derive(Default, Debug)]
pub(crate) struct Index {
	files: Vec<Arc<Dag>>,
	roots: HashSet<Cid>,
	blocks: HashMap<Cid, Place>,
	/// The folder's time of change when it was last listed, unless that was so recent that another
	/// change could bear the same time.
	pub(crate) listed: Option<SystemTime>,
}

impl Index {
	pub(crate) fn contains_file(&self, root: &Cid) -> bool {
		self.roots.contains(root)
	}

	pub(crate) fn insert(&mut self, root: Cid, dag: Arc<Dag>) {
		if !self.roots.insert(root) {
			return;
		}
		let file = self.files.len() as u32;
		for (cid, level, index) in dag.blocks() {
			// The first file that has a block keeps it: all are equal.
			self.blocks.entry(cid).or_insert(Place { file, level: level as u32, index: index as u32 });
		}
		self.files.push(dag);
	}

	pub(crate) fn get(&self, cid: &Cid) -> Option<Location> {
		let place = self.blocks.get(cid)?;
		let dag = self.files.get(place.file as usize)?.clone();
		Some(Location { dag, level: place.level as usize, index: place.index as usize })
	}
}
