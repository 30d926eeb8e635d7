//! A safetensors file is refused, or its tensors come back bit for bit.
#![no_main]

use blyan_fuzz::assert_container_is_sound;
use blyan_tensorblock::{encode, from_safetensors, to_safetensors, Container};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
	let Ok(tensors) = from_safetensors(input) else { return };
	// A name may be longer than a container takes.
	let Ok(bytes) = encode(&tensors) else { return };
	let container = Container::parse(&bytes[..]).expect("what was written can be read");
	assert_container_is_sound(&bytes, &container);
	assert_eq!(container.len(), tensors.len());
	for tensor in &tensors {
		let view = container.tensor(tensor.name()).expect("it was written");
		assert_eq!(
			(view.dtype(), view.shape(), view.bytes()),
			(tensor.dtype(), tensor.shape(), tensor.bytes())
		);
	}
	let exported = to_safetensors(&container).expect("dense tensors without scales can be exported");
	let imported = from_safetensors(&exported).expect("what was exported can be imported");
	assert_eq!(encode(&imported).expect("as it was before"), bytes);
});
