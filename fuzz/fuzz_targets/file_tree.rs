//! A node or sidecar from a stranger is refused, or is byte for byte what belongs there; another
//! implementation reads the same links from it.
#![no_main]

use arbitrary::Arbitrary;
use blyan_store::fuzzing::{leaves, read_sidecar, sidecar, Place};
use libfuzzer_sys::fuzz_target;
use rust_unixfs::file::visit::IdleFileVisit;

/// More leaves make a sidecar that is slow to hash.
const MAX_LEAVES: usize = 400;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
	file_bytes: u64,
	level: u8,
	index: u32,
	/// Repeated, they are the digests of the children.
	digests: Vec<[u8; 32]>,
	/// What is changed in the right node: place and new byte.
	changes: Vec<(u16, u8)>,
	/// A node of the stranger's own.
	other: &'a [u8],
}

fn changed(mut bytes: Vec<u8>, changes: &[(u16, u8)]) -> Vec<u8> {
	for (at, value) in changes {
		let at = usize::from(*at) % bytes.len();
		bytes[at] = *value;
	}
	bytes
}

fuzz_target!(|input: Input<'_>| {
	let digests = |count| {
		let given = input.digests.iter().copied().cycle();
		given.chain(std::iter::repeat([0; 32])).take(count).collect::<Vec<_>>()
	};
	if let Some(place) = Place::new(input.file_bytes, input.level.into(), input.index as usize) {
		let children = digests(place.children());
		let node = place.encode(&children);
		assert_eq!(place.decode(&node), Some(children));
		for bytes in [&changed(node, &input.changes)[..], input.other] {
			let Some(children) = place.decode(bytes) else { continue };
			assert_eq!(place.encode(&children), bytes);
			let (_, _, _, visit) =
				IdleFileVisit::default().start(bytes).expect("another implementation reads it");
			let visit = visit.expect("a node has children");
			let (first, others) = visit.pending_links();
			let links: Vec<_> =
				std::iter::once(first).chain(others).map(|cid| cid.to_bytes()[4..].to_vec()).collect();
			assert_eq!(links, children);
		}
	}

	let file_bytes = input.file_bytes % (MAX_LEAVES as u64 * 262_144);
	let leaves = digests(leaves(file_bytes).expect("it is short"));
	let (bytes, root) = sidecar(file_bytes, leaves.clone()).expect("the leaves are as many as they must be");
	let altered = changed(bytes.clone(), &input.changes);
	// A file of one leaf has no sidecar, for its root says nothing of its length.
	let has_sidecar = leaves.len() > 1;
	let is_believed = |bytes: &[u8]| read_sidecar(bytes, &root).is_some();
	assert_eq!(is_believed(&altered), has_sidecar && altered == bytes, "an altered sidecar was believed");
	assert_eq!(is_believed(input.other), has_sidecar && input.other == bytes);
	assert_eq!(read_sidecar(&bytes, &root), has_sidecar.then_some(leaves));
});
