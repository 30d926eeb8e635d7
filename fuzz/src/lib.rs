//! What fuzz targets share.

use blyan_tensorblock::{Container, Tensor};

/// Where every section of a container starts.
const PAGE_BYTES: usize = 4096;
/// Longest file that is made of an input.
const MAX_FILE_BYTES: usize = 1 << 18;

/// A file from an input without padding, so that inputs stay short: pieces, each preceded by its length
/// (two bytes, little-endian), and each but the first at the next multiple of 4096.
pub fn file_of_pieces(mut input: &[u8]) -> Vec<u8> {
	let mut file = Vec::new();
	while let Some((length, rest)) = input.split_first_chunk::<2>() {
		file.resize(file.len().next_multiple_of(PAGE_BYTES), 0);
		let (piece, rest) = rest.split_at(rest.len().min(u16::from_le_bytes(*length).into()));
		file.extend_from_slice(piece);
		input = rest;
		if file.len() > MAX_FILE_BYTES {
			break;
		}
	}
	file
}

/// Checks that what was accepted is the only encoding of what it says, and can be read in full.
pub fn assert_container_is_sound(bytes: &[u8], container: &Container<&[u8]>) {
	let tensors: Vec<Tensor<'_>> = container
		.tensors()
		.map(|(name, view)| {
			let range = container.data_range(name).expect("the tensor is there");
			assert_eq!(&bytes[range], view.bytes());
			assert_eq!(view.stored_to_f32_vec().len(), view.bytes().len() / view.dtype().bytes());
			// A sparse matrix of 4 KiB may have 2^32 elements.
			if view.elements() <= 1 << 20 {
				assert_eq!(view.to_f32_vec().len(), view.elements());
			}
			assert!(view.indices().all(|index| (index as usize) < view.elements()));
			view.to_tensor(name).expect("a checked tensor can be written")
		})
		.collect();
	assert_eq!(tensors.len(), container.len());
	let again = blyan_tensorblock::encode(&tensors).expect("checked tensors can be written");
	assert_eq!(again, bytes, "two encodings of the same tensors");
}
