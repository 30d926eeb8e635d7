//! What reads the bytes of strangers, for the fuzz targets.

use crate::dag::{Dag, Layout};
use blyan_primitives::cid::Cid;

/// A SHA2-256.
pub type Digest = [u8; 32];

/// The place of a node in the tree over a file.
pub struct Place {
	layout: Layout,
	level: usize,
	index: usize,
}

impl Place {
	/// The place nearest to the numbers given; `None` if the file is too long or has no nodes.
	pub fn new(file_bytes: u64, level: usize, index: usize) -> Option<Self> {
		let layout = Layout::new(file_bytes)?;
		let level = level.clamp(1, layout.root_level().max(1));
		let nodes = layout.nodes(level)?;
		Some(Self { layout, level, index: index % nodes })
	}

	/// How many children the node has.
	pub fn children(&self) -> usize {
		self.layout.children(self.level, self.index).len()
	}

	/// The node with these children, as many as it has.
	pub fn encode(&self, children: &[Digest]) -> Vec<u8> {
		self.layout.encode(self.level, self.index, children).0
	}

	/// The children of a node that a stranger sent.
	pub fn decode(&self, bytes: &[u8]) -> Option<Vec<Digest>> {
		self.layout.decode(self.level, self.index, bytes)
	}
}

/// The sidecar of a file with these leaves, and its root; `None` if they are not as many as it has.
pub fn sidecar(file_bytes: u64, leaves: Vec<Digest>) -> Option<(Vec<u8>, Cid)> {
	let dag = Dag::new(Layout::new(file_bytes)?, leaves)?;
	Some((dag.to_sidecar(), dag.root()))
}

/// How many leaves a file has.
pub fn leaves(file_bytes: u64) -> Option<usize> {
	Some(Layout::new(file_bytes)?.leaves())
}

/// The leaves of a sidecar that may have been altered.
pub fn read_sidecar(bytes: &[u8], root: &Cid) -> Option<Vec<Digest>> {
	Some(Dag::from_sidecar(bytes, root)?.leaves().to_vec())
}
