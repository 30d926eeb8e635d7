//! A container, or a block alone, is refused, or is the one encoding of what it holds.
#![no_main]

use blyan_fuzz::{assert_container_is_sound, file_of_pieces};
use blyan_tensorblock::{encode_block, parse_block, Container};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
	let Some((mode, input)) = input.split_first() else { return };
	// As it is, or in pieces.
	let file = if mode & 1 == 0 { input.to_vec() } else { file_of_pieces(input) };
	if let Ok(container) = Container::parse(&file[..]) {
		assert_container_is_sound(&file, &container);
	}
	if let Ok(view) = parse_block(&file) {
		let tensor = view.to_tensor("block").expect("a checked tensor can be written");
		assert_eq!(encode_block(&tensor), file, "two encodings of the same tensor");
		assert_eq!(tensor.encoded_bytes(), file.len() as u64);
	}
});
