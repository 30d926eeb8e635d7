//! Files that nobody vouches for: torn, corrupted, made to hurt.

use blyan_tensorblock::{encode, Container, DType, Quantization, Tensor, TensorBlockError};
use proptest::prelude::*;

const GOLDEN: &[u8] = include_bytes!("golden/small.tblock");
/// Where the golden file's first TensorBlock starts.
const BLOCK: usize = 4096;

fn with_u64(at: usize, value: u64) -> Vec<u8> {
	let mut bytes = GOLDEN.to_vec();
	bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
	bytes
}

fn with_u32(at: usize, value: u32) -> Vec<u8> {
	let mut bytes = GOLDEN.to_vec();
	bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
	bytes
}

/// What was accepted must lie inside the file, and be the only encoding of what it says.
fn assert_sound(bytes: &[u8]) {
	let Ok(container) = Container::parse(bytes) else { return };
	let mut tensors = Vec::new();
	for (name, view) in container.tensors() {
		let file = bytes.as_ptr_range();
		let data = view.bytes().as_ptr_range();
		assert!(file.start <= data.start && data.end <= file.end);
		assert_eq!(view.to_f32_vec().len(), view.elements());
		tensors.push(view.to_tensor(name).unwrap());
	}
	assert_eq!(tensors.len(), container.len());
	assert_eq!(encode(&tensors).unwrap(), bytes, "two encodings of the same tensors were accepted");
}

#[test]
fn container_should_be_refused_when_cut_anywhere() {
	for length in 0..GOLDEN.len() {
		let error = Container::parse(&GOLDEN[..length]).unwrap_err();
		assert!(matches!(error, TensorBlockError::Truncated { .. }), "at {length}: {error}");
	}
}

#[test]
fn container_should_be_refused_when_bytes_follow_it() {
	let longer = [GOLDEN, &[0; 4096]].concat();
	let error = Container::parse(&longer[..]).unwrap_err();
	assert!(matches!(error, TensorBlockError::Field { field: "total length", .. }), "{error}");
}

#[test]
fn container_should_be_refused_when_any_byte_outside_the_values_changes() {
	let container = Container::parse(GOLDEN).unwrap();
	let base = GOLDEN.as_ptr() as usize;
	let mut values = vec![false; GOLDEN.len()];
	for (_, view) in container.tensors() {
		let start = view.bytes().as_ptr() as usize - base;
		values[start..start + view.bytes().len()].fill(true);
	}
	let scales = GOLDEN.len() - 8;
	values[scales..].fill(true);
	let mut bytes = GOLDEN.to_vec();
	for at in 0..bytes.len() {
		bytes[at] ^= 0x80;
		let accepted = Container::parse(&bytes[..]).is_ok();
		assert_eq!(accepted, values[at], "changing byte {at}");
		bytes[at] ^= 0x80;
	}
}

#[test]
fn error_should_name_field_offset_and_limit_when_a_number_is_hostile() {
	let cases: [(Vec<u8>, &str, &str); 18] = [
		(with_u32(0, 0), "magic", "offset 0"),
		(with_u32(8, 2), "container version", "offset 8"),
		(with_u32(12, u32::MAX), "count", "offset 12"),
		(with_u64(16, u64::MAX), "names offset", "offset 16"),
		(with_u64(24, u64::MAX), "names length", "offset 24"),
		(with_u64(32, u64::MAX), "container", "the file ends at"),
		(with_u64(64, u64::MAX), "name offset", "offset 64"),
		(with_u64(72, u64::MAX), "name length", "offset 72"),
		(with_u64(80, u64::MAX - 4095), "block offset", "offset 80"),
		(with_u64(88, u64::MAX - 100), "TensorBlock in the table", "the file ends at"),
		(with_u32(BLOCK, 7), "magic", "offset 4096"),
		(with_u32(BLOCK + 12, 99), "dtype", "offset 4108"),
		(with_u64(BLOCK + 16, u64::MAX), "rows", "offset 4112"),
		(with_u64(BLOCK + 24, i64::MAX as u64), "rows x columns", "offset 4112"),
		(with_u32(BLOCK + 32, 4), "layout", "offset 4128"),
		(with_u32(BLOCK + 36, 1), "quantization", "offset 4132"),
		(with_u64(BLOCK + 40, u64::MAX), "scale offset", "offset 4136"),
		(with_u64(BLOCK + 48, u64::MAX - 3), "data offset", "offset 4144"),
	];
	for (bytes, field, place) in cases {
		let error = Container::parse(&bytes[..]).unwrap_err();
		let text = error.to_string();
		assert!(text.contains(field) && text.contains(place), "expected {field} at {place}: {text}");
		assert!(!error.is_retryable());
	}
	let text = Container::parse(&with_u64(BLOCK + 56, 1)[..]).unwrap_err().to_string();
	assert!(text.contains("index offset at offset 4152 is 1, and must be 0"), "{text}");
}

#[test]
fn container_should_be_refused_when_names_are_not_text_or_not_sorted() {
	let names = 64 + 3 * 32;
	let mut bytes = GOLDEN.to_vec();
	bytes[names] = 0xff;
	let error = Container::parse(&bytes[..]).unwrap_err();
	assert!(matches!(error, TensorBlockError::NameNotUtf8 { offset: 160, .. }), "{error}");
	bytes[names] = b'z';
	let error = Container::parse(&bytes[..]).unwrap_err();
	assert!(matches!(error, TensorBlockError::NameOrder { .. }), "{error}");
}

#[test]
fn container_should_not_allocate_what_an_unchecked_count_claims() {
	// 65,536 tensors claimed by a file of 64 bytes: refused before the table is looked at.
	let mut bytes = GOLDEN[..64].to_vec();
	bytes[12..16].copy_from_slice(&65_536u32.to_le_bytes());
	bytes[16..24].copy_from_slice(&(64 + 65_536 * 32u64).to_le_bytes());
	bytes[32..40].copy_from_slice(&64u64.to_le_bytes());
	let error = Container::parse(&bytes[..]).unwrap_err();
	assert!(matches!(error, TensorBlockError::Truncated { field: "name table", .. }), "{error}");
}

fn tensors() -> impl Strategy<Value = Vec<Tensor<'static>>> {
	let shape = prop_oneof![
		Just(vec![]),
		(0usize..40).prop_map(|n| vec![n]),
		(0usize..9, 0usize..9).prop_map(|(r, c)| vec![r, c]),
	];
	let tensor = ("[a-z.0-9é]{1,12}", shape, 0usize..5, 0u8..3, any::<u64>()).prop_map(
		|(name, shape, dtype, scaled, seed)| {
			let dtype = DType::ALL[dtype];
			let length = shape.iter().product::<usize>() * dtype.bytes();
			let data: Vec<u8> = (0..length as u64)
				.map(|i| (seed.wrapping_add(i).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
				.collect();
			let rows = if shape.len() == 2 { shape[0] } else { 1 };
			let tensor = Tensor::new(name, dtype, &shape, data).unwrap();
			match scaled {
				1 if dtype.is_quantizable() => {
					tensor.with_scales(Quantization::PerTensor, vec![0.5]).unwrap()
				}
				2 if dtype.is_quantizable() => {
					tensor.with_scales(Quantization::PerRow, vec![2.0; rows]).unwrap()
				}
				_ => tensor,
			}
		},
	);
	proptest::collection::vec(tensor, 0..5).prop_map(|mut tensors| {
		tensors.sort_by(|a, b| a.name().cmp(b.name()));
		tensors.dedup_by(|a, b| a.name() == b.name());
		tensors
	})
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(256))]

	#[test]
	fn container_should_return_every_bit_that_was_written(tensors in tensors()) {
		let bytes = encode(&tensors).unwrap();
		let mut reversed = tensors.clone();
		reversed.reverse();
		prop_assert_eq!(&encode(&reversed).unwrap(), &bytes, "the order given must not matter");
		let container = Container::parse(&bytes[..]).unwrap();
		prop_assert_eq!(container.len(), tensors.len());
		for tensor in &tensors {
			let view = container.tensor(tensor.name()).unwrap();
			prop_assert_eq!(view.bytes(), tensor.bytes());
			prop_assert_eq!(view.shape(), tensor.shape());
			prop_assert_eq!(view.dtype(), tensor.dtype());
		}
		assert_sound(&bytes);
	}

	#[test]
	fn container_should_stay_sound_when_bytes_are_corrupted(
		tensors in tensors(),
		changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..6),
		cut in proptest::option::of(any::<prop::sample::Index>()),
	) {
		let mut bytes = encode(&tensors).unwrap();
		for (at, value, near_the_head) in changes {
			let span = if near_the_head { bytes.len().min(256) } else { bytes.len() };
			bytes[at.index(span)] = value;
		}
		if let Some(cut) = cut {
			bytes.truncate(cut.index(bytes.len()));
		}
		assert_sound(&bytes);
	}

	#[test]
	fn container_should_stay_sound_when_fields_are_hostile(
		tensors in tensors(),
		at in any::<prop::sample::Index>(),
		value in prop_oneof![any::<u64>(), Just(u64::MAX), Just(i64::MAX as u64), 0u64..10_000, (0u32..64).prop_map(|b| 1 << b)],
		in_block in any::<bool>(),
	) {
		let mut bytes = encode(&tensors).unwrap();
		let base = if in_block && bytes.len() >= 4096 + 128 { 4096 } else { 0 };
		let slots = (bytes.len() - base).min(160) / 8;
		let start = base + at.index(slots) * 8;
		bytes[start..start + 8].copy_from_slice(&value.to_le_bytes());
		assert_sound(&bytes);
	}

	#[test]
	fn container_should_stay_sound_when_bytes_are_random(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
		assert_sound(&bytes);
		let mut bytes = bytes;
		if bytes.len() >= 12 {
			bytes[..12].copy_from_slice(&GOLDEN[..12]);
			assert_sound(&bytes);
		}
	}
}
