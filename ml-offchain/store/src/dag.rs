//! The tree that `ipfs add --cid-version=1` makes of a file: raw leaves of 256 KiB under dag-pb nodes
//! of up to 174 links, balanced, every leaf at the same depth.
//!
//! Built here rather than by `rust-unixfs`, which serves the tests as a second opinion: it takes a file's
//! bytes in order and on one thread, while a tree is made here from leaves hashed on every core, from a
//! sidecar, or from another peer's nodes, and each node is made again when it is asked for.
//!
//! Sources: <https://specs.ipfs.tech/unixfs/>, <https://ipld.io/specs/codecs/dag-pb/spec/>.

use crate::hash::{sha256, Digest};
use blyan_primitives::cid::{Cid, CidCodec};

/// Bytes of a leaf; only the last may be shorter.
pub const LEAF_BYTES: usize = 256 * 1024;
/// Most links of a node.
pub const LINKS_PER_NODE: usize = 174;
/// Longest file: bounds what a tree takes in memory to 128 MiB, and keeps every sum far from overflow.
pub const MAX_FILE_BYTES: u64 = 1 << 40;

/// What is under a node or leaf.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Size {
	/// Bytes of the file, UnixFS `blocksizes`.
	file: u64,
	/// Bytes of all blocks, dag-pb `Tsize`.
	blocks: u64,
}

#[derive(Clone, Debug)]
struct Level {
	count: usize,
	/// Of every node or leaf but the last.
	full: Size,
	/// Of the last.
	last: Size,
}

impl Level {
	fn size(&self, index: usize) -> Size {
		if index + 1 == self.count {
			self.last
		} else {
			self.full
		}
	}
}

/// The shape of the tree over a file; it follows from the file's length.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
	file_bytes: u64,
	/// Leaves first, the root last.
	levels: Vec<Level>,
}

impl Layout {
	/// The layout of a file, unless it is longer than [`MAX_FILE_BYTES`].
	pub(crate) fn new(file_bytes: u64) -> Option<Self> {
		if file_bytes > MAX_FILE_BYTES {
			return None;
		}
		let leaf = LEAF_BYTES as u64;
		let mut count = usize::try_from(file_bytes.div_ceil(leaf)).ok()?.max(1);
		let last = file_bytes - (count as u64 - 1) * leaf;
		let both = |bytes| Size { file: bytes, blocks: bytes };
		let mut levels = vec![Level { count, full: both(leaf), last: both(last) }];
		while count > 1 {
			let below = &levels[levels.len() - 1];
			let nodes = count.div_ceil(LINKS_PER_NODE);
			let children = |first: usize, links: usize| (first..first + links).map(|index| below.size(index));
			let sum = |sizes: &[Size], codec| {
				let length = encode_node(codec, sizes, &vec![[0; 32]; sizes.len()]).0.len() as u64;
				Size {
					file: sizes.iter().map(|size| size.file).sum(),
					blocks: sizes.iter().map(|size| size.blocks).sum::<u64>() + length,
				}
			};
			let codec = codec_of(levels.len() - 1);
			let first_of_last = (nodes - 1) * LINKS_PER_NODE;
			let full: Vec<Size> = children(0, LINKS_PER_NODE.min(count)).collect();
			let last: Vec<Size> = children(first_of_last, count - first_of_last).collect();
			let level = Level { count: nodes, full: sum(&full, codec), last: sum(&last, codec) };
			levels.push(level);
			count = nodes;
		}
		Some(Self { file_bytes, levels })
	}

	pub(crate) fn file_bytes(&self) -> u64 {
		self.file_bytes
	}

	pub(crate) fn leaves(&self) -> usize {
		self.levels[0].count
	}

	/// The level of the root; leaves are level 0.
	pub(crate) fn root_level(&self) -> usize {
		self.levels.len() - 1
	}

	/// How many nodes a level has.
	#[cfg(fuzzing)]
	pub(crate) fn nodes(&self, level: usize) -> Option<usize> {
		Some(self.levels.get(level)?.count)
	}

	/// Where a leaf starts in the file, and how long it is.
	pub(crate) fn leaf_range(&self, index: usize) -> (u64, usize) {
		(index as u64 * LEAF_BYTES as u64, self.levels[0].size(index).file as usize)
	}

	/// The indices, one level below, of a node's children.
	pub(crate) fn children(&self, level: usize, index: usize) -> std::ops::Range<usize> {
		let first = index * LINKS_PER_NODE;
		first..self.levels[level - 1].count.min(first + LINKS_PER_NODE)
	}

	/// The bytes of a node, and where in them each child's digest is.
	pub(crate) fn encode(&self, level: usize, index: usize, children: &[Digest]) -> (Vec<u8>, Vec<usize>) {
		let below = &self.levels[level - 1];
		let sizes: Vec<Size> = self.children(level, index).map(|child| below.size(child)).collect();
		encode_node(codec_of(level - 1), &sizes, children)
	}

	/// The digests of a node's children, if it is the one node that belongs there.
	///
	/// Nothing is parsed: of a node of this layout only the digests are open, and each has its place. So
	/// a node either is, byte for byte, what `ipfs add` would have made, or it is refused.
	pub(crate) fn decode(&self, level: usize, index: usize, bytes: &[u8]) -> Option<Vec<Digest>> {
		let blank = vec![[0; 32]; self.children(level, index).len()];
		let (template, places) = self.encode(level, index, &blank);
		if template.len() != bytes.len() {
			return None;
		}
		let children: Vec<Digest> =
			places.iter().filter_map(|at| bytes.get(*at..)?.first_chunk().copied()).collect();
		(self.encode(level, index, &children).0 == bytes).then_some(children)
	}
}

fn codec_of(level: usize) -> CidCodec {
	if level == 0 {
		CidCodec::Raw
	} else {
		CidCodec::DagPb
	}
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
	while value >= 0x80 {
		out.push(value as u8 | 0x80);
		value >>= 7;
	}
	out.push(value as u8);
}

/// A dag-pb node with a UnixFS file in it; links come first, as the codec's canonical form has it.
fn encode_node(codec: CidCodec, sizes: &[Size], digests: &[Digest]) -> (Vec<u8>, Vec<usize>) {
	const LINKS: u8 = 2 << 3 | 2;
	const DATA: u8 = 1 << 3 | 2;
	const LINK_HASH: u8 = 1 << 3 | 2;
	const LINK_NAME: u8 = 2 << 3 | 2;
	const LINK_TSIZE: u8 = 3 << 3;
	const UNIXFS_TYPE: u8 = 1 << 3;
	const UNIXFS_FILE: u8 = 2;
	const UNIXFS_FILESIZE: u8 = 3 << 3;
	const UNIXFS_BLOCKSIZES: u8 = 4 << 3;

	let mut out = Vec::with_capacity(sizes.len() * 56 + 16);
	let mut places = Vec::with_capacity(sizes.len());
	let mut link = Vec::with_capacity(64);
	for (size, digest) in sizes.iter().zip(digests) {
		let cid = Cid { codec, digest: *digest }.to_bytes();
		link.clear();
		link.extend_from_slice(&[LINK_HASH, cid.len() as u8]);
		link.extend_from_slice(&cid);
		link.extend_from_slice(&[LINK_NAME, 0, LINK_TSIZE]);
		put_varint(&mut link, size.blocks);
		out.push(LINKS);
		put_varint(&mut out, link.len() as u64);
		// The tag and length of the hash, then the four bytes before a CID's digest.
		places.push(out.len() + 2 + 4);
		out.extend_from_slice(&link);
	}
	let mut data = vec![UNIXFS_TYPE, UNIXFS_FILE, UNIXFS_FILESIZE];
	put_varint(&mut data, sizes.iter().map(|size| size.file).sum());
	for size in sizes {
		data.push(UNIXFS_BLOCKSIZES);
		put_varint(&mut data, size.file);
	}
	out.push(DATA);
	put_varint(&mut out, data.len() as u64);
	out.extend_from_slice(&data);
	(out, places)
}

/// The length that a root node says its file has, if it is a node of a UnixFS file. Only the whole tree
/// can confirm it: a hint for those who know nothing but a CID.
pub(crate) fn said_length(node: &[u8]) -> Option<u64> {
	const DATA: u64 = 1;
	const FILESIZE: u64 = 3;
	match field(node, DATA)? {
		Field::Bytes(data) => match field(data, FILESIZE)? {
			Field::Number(length) => Some(length),
			Field::Bytes(_) => None,
		},
		Field::Number(_) => None,
	}
}

enum Field<'a> {
	Number(u64),
	Bytes(&'a [u8]),
}

/// The first field of that number in a protobuf message of numbers and bytes.
fn field(mut message: &[u8], wanted: u64) -> Option<Field<'_>> {
	while !message.is_empty() {
		let key = take_varint(&mut message)?;
		let value = take_varint(&mut message)?;
		let found = match key & 7 {
			0 => Field::Number(value),
			2 => {
				let (bytes, rest) = message.split_at_checked(usize::try_from(value).ok()?)?;
				message = rest;
				Field::Bytes(bytes)
			}
			_ => return None,
		};
		if key >> 3 == wanted {
			return Some(found);
		}
	}
	None
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
	let mut value = 0;
	for shift in (0..64).step_by(7) {
		let (byte, rest) = bytes.split_first()?;
		*bytes = rest;
		value |= u64::from(byte & 0x7f) << shift;
		if byte & 0x80 == 0 {
			return Some(value);
		}
	}
	None
}

/// The whole tree over a file: every digest, and through them every block but the leaves.
#[derive(Clone, Debug)]
pub(crate) struct Dag {
	layout: Layout,
	/// Digests by level, leaves first.
	digests: Vec<Vec<Digest>>,
}

impl Dag {
	/// The tree over these leaves; `None` if they are not as many as the layout has.
	pub(crate) fn new(layout: Layout, leaves: Vec<Digest>) -> Option<Self> {
		if leaves.len() != layout.leaves() {
			return None;
		}
		let mut dag = Self { digests: vec![leaves], layout };
		for level in 1..=dag.layout.root_level() {
			let nodes = (0..dag.layout.levels[level].count).map(|index| sha256(&dag.node(level, index)));
			let nodes = nodes.collect();
			dag.digests.push(nodes);
		}
		Some(dag)
	}

	pub(crate) fn layout(&self) -> &Layout {
		&self.layout
	}

	pub(crate) fn leaves(&self) -> &[Digest] {
		&self.digests[0]
	}

	pub(crate) fn root(&self) -> Cid {
		let level = self.layout.root_level();
		Cid { codec: codec_of(level), digest: self.digests[level][0] }
	}

	/// The bytes of a node; `level` is at least 1.
	pub(crate) fn node(&self, level: usize, index: usize) -> Vec<u8> {
		let children = self.layout.children(level, index);
		self.layout.encode(level, index, &self.digests[level - 1][children]).0
	}

	/// Every block's name and place, as (CID, level, index).
	pub(crate) fn blocks(&self) -> impl Iterator<Item = (Cid, usize, usize)> + '_ {
		self.digests.iter().enumerate().flat_map(|(level, digests)| {
			digests
				.iter()
				.enumerate()
				.map(move |(index, digest)| (Cid { codec: codec_of(level), digest: *digest }, level, index))
		})
	}
}

/// A sidecar starts with it; the file's length and the leaves' digests follow.
const SIDECAR_MAGIC: &[u8; 8] = b"BLYDAG01";
const SIDECAR_HEAD: usize = 16;

impl Dag {
	/// The bytes of the sidecar.
	pub(crate) fn to_sidecar(&self) -> Vec<u8> {
		let mut bytes = Vec::with_capacity(SIDECAR_HEAD + self.leaves().len() * 32);
		bytes.extend_from_slice(SIDECAR_MAGIC);
		bytes.extend_from_slice(&self.layout.file_bytes.to_le_bytes());
		bytes.extend_from_slice(self.leaves().as_flattened());
		bytes
	}

	/// Reads a sidecar; `None` unless it is whole and its tree has that root.
	///
	/// A file of one leaf has no sidecar: its root says nothing of its length, so the sidecar's could be false.
	pub(crate) fn from_sidecar(bytes: &[u8], root: &Cid) -> Option<Self> {
		let (magic, rest) = bytes.split_first_chunk::<8>()?;
		let (file_bytes, digests) = rest.split_first_chunk::<8>()?;
		let (digests, torn) = digests.as_chunks::<32>();
		if magic != SIDECAR_MAGIC || !torn.is_empty() || root.codec == CidCodec::Raw {
			return None;
		}
		let layout = Layout::new(u64::from_le_bytes(*file_bytes))?;
		Self::new(layout, digests.to_vec()).filter(|dag| dag.root() == *root)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	/// The bytes that the expected CIDs below are of.
	pub(crate) fn sample(start: u64, length: usize) -> Vec<u8> {
		(start..start + length as u64).map(|i| ((i * 31 + 7) % 251) as u8).collect()
	}

	/// The tree over a sample too long to be made: its bytes repeat every 251, so do its leaves.
	fn dag_of_sample(file_bytes: u64) -> Dag {
		let layout = Layout::new(file_bytes).unwrap();
		let whole: Vec<Digest> = (0..layout.leaves().min(251))
			.map(|i| sha256(&sample(layout.leaf_range(i).0 % 251, LEAF_BYTES)))
			.collect();
		let leaves = (0..layout.leaves())
			.map(|i| match layout.leaf_range(i) {
				(_, LEAF_BYTES) => whole[i % 251],
				(start, length) => sha256(&sample(start, length)),
			})
			.collect();
		Dag::new(layout, leaves).unwrap()
	}

	proptest! {
		#[test]
		fn said_length_should_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
			said_length(&bytes);
		}
	}

	#[test]
	fn said_length_should_be_that_of_the_layout() {
		for leaves in [2, 174, 175, 200_000] {
			let file_bytes = leaves * LEAF_BYTES as u64 - 1;
			let dag = dag_of_sample(file_bytes);
			let root = dag.node(dag.layout().root_level(), 0);
			assert_eq!(said_length(&root), Some(file_bytes));
			assert_eq!(said_length(&root[..root.len() - 1]), None);
		}
		assert_eq!(said_length(b""), None);
		// A directory has no length.
		assert_eq!(said_length(&[0x0a, 2, 8, 1]), None);
	}

	// Made with the JavaScript implementation, independently of this one: npm `ipfs-unixfs-importer` with
	// { cidVersion: 1, rawLeaves: true, reduceSingleLeafToSelf: true,
	//   chunker: fixedSize({ chunkSize: 262144 }), layout: balanced({ maxChildrenPerNode: 174 }) }
	// over files whose byte i is (i * 31 + 7) % 251. The first is also what the IPFS documentation gives
	// for an empty file.
	const EXPECTED: [(u64, &str); 13] = [
		(0, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
		(1, "bafkreigkgwdvr5wspzwpiutssn4xpj2i7wedshnwphhnu7ohx4pqaxxipe"),
		(1000, "bafkreiaaqve5st5hdz5ausb5qq4a2bnjeoslddtzxipyvdo2zerzk3js54"),
		(262_143, "bafkreiaakdbr3mk3i2fyatdvfsyktszyq74pjcglkrozlwyc4xyjg4bowi"),
		(262_144, "bafkreieiuj5mzeuqor24l4lmo2yumm6665yv4gq7ozzp2nrfmqrjyboosy"),
		(262_145, "bafybeich6cqd6yabw3cku6edwmz4rvwe275nx2l6ootvc2bpbt5bdvarua"),
		(524_288, "bafybeid5sthfzhlnifk5fvivasemgw2rzzfdp54rapknx7eaz5j4yoae3i"),
		// 174 leaves: the widest tree of one level of nodes.
		(45_613_056, "bafybeiafkae3md3zfgdgpk2ztpkul5dzotu4bgbnvuinadceqrqa2rz7bi"),
		(45_613_057, "bafybeibo5yjphmmdq6aigqtgrijost25l5lmv5l37von7hrjv7sagnx4sy"),
		(45_875_200, "bafybeiaqzxz6oil7b66r3sivgbt74iriv7azcuik2tsav22vqbajkldlz4"),
		(91_488_333, "bafybeibxsmqzghajhlqhr7gmifpex5apjo25kjqhy4zthz2wrrwfk7zn6y"),
		// 174 x 174 leaves: the widest of two levels, and the first of three.
		(7_936_671_744, "bafybeicl35eh55ixyhp3wjpa3zdsgkkzrfcc24nnvxhvt7rpyq2whesty4"),
		(7_936_671_745, "bafybeig4a5gawac7esuqk5cht3f4bmz3m4cxfupcxxpep3i2cakjxfl2lm"),
	];

	#[test]
	fn root_should_be_what_another_implementation_computes() {
		for (file_bytes, expected) in EXPECTED {
			assert_eq!(dag_of_sample(file_bytes).root().to_string(), expected, "of {file_bytes} bytes");
		}
	}

	#[test]
	fn layout_should_refuse_when_a_file_is_too_long() {
		assert!(Layout::new(MAX_FILE_BYTES + 1).is_none());
		assert!(Layout::new(u64::MAX).is_none());
		let layout = Layout::new(MAX_FILE_BYTES).unwrap();
		assert_eq!((layout.leaves(), layout.root_level()), (1 << 22, 3));
	}

	#[test]
	fn decode_should_return_the_children_and_refuse_any_other_byte() {
		let dag = dag_of_sample(45_613_057);
		let root = dag.node(2, 0);
		assert_eq!(dag.layout().decode(2, 0, &root).unwrap(), dag.digests[1]);
		let node = dag.node(1, 1);
		assert_eq!(dag.layout().decode(1, 1, &node).unwrap(), dag.leaves()[174..]);
		assert!(dag.layout().decode(1, 0, &node).is_none());
		let (_, places) = dag.layout().encode(1, 1, &dag.leaves()[174..]);
		for at in 0..node.len() {
			let mut changed = node.clone();
			changed[at] ^= 1;
			let is_digest = places.iter().any(|place| (*place..place + 32).contains(&at));
			assert_eq!(dag.layout().decode(1, 1, &changed).is_some(), is_digest, "byte {at}");
		}
		// The same bytes under a layout that expects another length.
		assert!(Layout::new(45_613_058).unwrap().decode(2, 0, &root).is_none());
	}

	#[test]
	fn sidecar_should_be_refused_when_any_byte_changed_or_is_missing() {
		let dag = dag_of_sample(600_000);
		let sidecar = dag.to_sidecar();
		assert_eq!(Dag::from_sidecar(&sidecar, &dag.root()).unwrap().leaves(), dag.leaves());
		for at in 0..sidecar.len() {
			assert!(Dag::from_sidecar(&sidecar[..at], &dag.root()).is_none(), "cut at {at}");
			let mut changed = sidecar.clone();
			changed[at] ^= 0x40;
			assert!(Dag::from_sidecar(&changed, &dag.root()).is_none(), "changed at {at}");
		}
	}

	#[test]
	fn sidecar_should_be_refused_when_the_file_has_one_leaf() {
		let one = dag_of_sample(768);
		// The same leaf, and so the same root, under another length.
		let mut longer = one.to_sidecar();
		longer[8..16].copy_from_slice(&171u64.to_le_bytes());
		for sidecar in [one.to_sidecar(), longer] {
			assert!(Dag::from_sidecar(&sidecar, &one.root()).is_none());
		}
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(24))]

		#[test]
		fn root_should_agree_with_rust_unixfs(leaves in 0u64..400, rest in 0u64..=LEAF_BYTES as u64, fill in any::<u8>()) {
			let file_bytes = leaves * LEAF_BYTES as u64 + rest;
			let layout = Layout::new(file_bytes).unwrap();
			let block = vec![fill; LEAF_BYTES];
			let whole = sha256(&block);
			let digests = (0..layout.leaves()).map(|i| match layout.leaf_range(i).1 {
				LEAF_BYTES => whole,
				length => sha256(&block[..length]),
			});
			let root = Dag::new(layout.clone(), digests.collect()).unwrap().root();

			let mut adder = rust_unixfs::file::adder::FileAdder::default();
			let mut expected = None;
			for index in 0..layout.leaves() {
				let mut input = &block[..layout.leaf_range(index).1];
				while !input.is_empty() {
					let (blocks, consumed) = adder.push(input);
					expected = blocks.map(|(cid, _)| cid).last().or(expected);
					input = &input[consumed..];
				}
			}
			expected = adder.finish().map(|(cid, _)| cid).last().or(expected);
			prop_assert_eq!(root.to_string(), expected.unwrap().to_string());
		}
	}
}
