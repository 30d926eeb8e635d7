//! What an element is, and what it is worth.

use half::{bf16, f16};

/// The type of a tensor's elements.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum DType {
	/// IEEE 754 binary32.
	F32 = 0,
	/// IEEE 754 binary16.
	F16 = 1,
	/// The upper half of a binary32.
	Bf16 = 2,
	/// A signed byte.
	Int8 = 3,
	/// Eight-bit float with four exponent and three fraction bits, no infinities
	/// (OCP 8-bit Floating Point Specification, E4M3).
	Fp8E4m3 = 4,
}

impl DType {
	/// Every type, in the order of their codes.
	pub const ALL: [DType; 5] = [DType::F32, DType::F16, DType::Bf16, DType::Int8, DType::Fp8E4m3];

	/// The number that stands for the type in a header.
	pub const fn code(self) -> u32 {
		self as u32
	}

	/// The type that a number in a header stands for.
	pub fn from_code(code: u32) -> Option<Self> {
		Self::ALL.get(usize::try_from(code).ok()?).copied()
	}

	/// Bytes of one element.
	pub const fn bytes(self) -> usize {
		match self {
			DType::F32 => 4,
			DType::F16 | DType::Bf16 => 2,
			DType::Int8 | DType::Fp8E4m3 => 1,
		}
	}

	/// The largest finite number that an element can be.
	pub const fn max(self) -> f32 {
		match self {
			DType::F32 => f32::MAX,
			DType::F16 => 65_504.0,
			// 0x7f7f: the longest fraction under the largest exponent.
			DType::Bf16 => f32::from_bits(0x7f7f_0000),
			DType::Int8 => 127.0,
			DType::Fp8E4m3 => 448.0,
		}
	}

	/// Whether elements of this type may carry scales.
	pub const fn is_quantizable(self) -> bool {
		matches!(self, DType::Int8 | DType::Fp8E4m3)
	}

	/// Elements as f32, exactly, without scales; `bytes` are little-endian, and a torn element at their end
	/// is left out.
	pub fn to_f32_vec(self, bytes: &[u8]) -> Vec<f32> {
		match self {
			DType::F32 => {
				bytes.as_chunks::<4>().0.iter().map(|element| f32::from_le_bytes(*element)).collect()
			}
			DType::F16 => {
				bytes.as_chunks::<2>().0.iter().map(|element| f16::from_le_bytes(*element).to_f32()).collect()
			}
			DType::Bf16 => bytes
				.as_chunks::<2>()
				.0
				.iter()
				.map(|element| bf16::from_le_bytes(*element).to_f32())
				.collect(),
			DType::Int8 => bytes.iter().map(|element| f32::from(element.cast_signed())).collect(),
			DType::Fp8E4m3 => bytes.iter().map(|element| fp8_e4m3_to_f32(*element)).collect(),
		}
	}

	/// Appends the element nearest to `value`, of two the even one.
	///
	/// Beyond the largest finite number it saturates; an infinity stays one where the type has it. `None`,
	/// and nothing appended, for NaN where the type has none.
	#[inline]
	pub fn push_f32(self, value: f32, out: &mut Vec<u8>) -> Option<()> {
		match self {
			DType::F32 => out.extend_from_slice(&value.to_le_bytes()),
			DType::F16 => {
				let nearest = f16::from_f32(saturated(value, self.max()));
				out.extend_from_slice(&nearest.to_le_bytes());
			}
			DType::Bf16 => {
				let nearest = bf16::from_f32(saturated(value, self.max()));
				out.extend_from_slice(&nearest.to_le_bytes());
			}
			DType::Int8 if value.is_nan() => return None,
			// The cast saturates.
			DType::Int8 => out.push((value.round_ties_even() as i8).cast_unsigned()),
			DType::Fp8E4m3 => out.push(f32_to_fp8_e4m3(value)),
		}
		Some(())
	}
}

/// The number, within `limit` if it is finite.
fn saturated(value: f32, limit: f32) -> f32 {
	if value.is_finite() {
		value.clamp(-limit, limit)
	} else {
		value
	}
}

impl std::fmt::Display for DType {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.write_str(match self {
			DType::F32 => "f32",
			DType::F16 => "f16",
			DType::Bf16 => "bf16",
			DType::Int8 => "int8",
			DType::Fp8E4m3 => "fp8 (E4M3)",
		})
	}
}

/// What an E4M3 byte is worth: bias 7, subnormals, one NaN a sign, no infinities.
fn fp8_e4m3_to_f32(byte: u8) -> f32 {
	let exponent = i32::from((byte >> 3) & 0x0f);
	let fraction = f32::from(byte & 0x07);
	let magnitude = match (exponent, byte & 0x07) {
		(15, 7) => f32::NAN,
		(0, _) => fraction * 2f32.powi(-9),
		_ => (8.0 + fraction) * 2f32.powi(exponent - 10),
	};
	if byte & 0x80 == 0 {
		magnitude
	} else {
		-magnitude
	}
}

/// The E4M3 byte nearest to a number, of two the even one; infinities and all else beyond 448 saturate, as
/// in the specification's saturating mode.
fn f32_to_fp8_e4m3(value: f32) -> u8 {
	const LEAST_NORMAL: f32 = 0.015_625;
	let sign = if value.is_sign_negative() { 0x80 } else { 0 };
	let magnitude = value.abs();
	let byte = if value.is_nan() {
		0x7f
	} else if magnitude >= 448.0 {
		0x7e
	} else if magnitude < LEAST_NORMAL {
		// Subnormals are multiples of 2^-9; eight of them are the least normal, whose byte is 8.
		(magnitude * 512.0).round_ties_even() as u8
	} else {
		let bits = magnitude.to_bits();
		let rounded = bits + 0x7_ffff + ((bits >> 20) & 1);
		// Exponent and fraction in one; 120 is the difference of the biases, 127 and 7.
		((rounded >> 20) - (120 << 3)) as u8
	};
	sign | byte
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	/// The element nearest to `value` among all there are, of two the even one: slow, and plainly right.
	fn nearest(dtype: DType, value: f32) -> Vec<u8> {
		// Far beyond the type, distances from its elements are equal in f64.
		let limit = 2.0 * f64::from(dtype.max());
		let target = f64::from(value).clamp(-limit, limit);
		let codes: Vec<Vec<u8>> = match dtype.bytes() {
			1 => (0..=255u8).map(|byte| vec![byte]).collect(),
			_ => (0..=u16::MAX).map(|code| code.to_le_bytes().to_vec()).collect(),
		};
		codes
			.into_iter()
			.filter_map(|code| {
				let worth = dtype.to_f32_vec(&code)[0];
				// A zero keeps its sign, where the type has one.
				let fits = worth.is_finite()
					&& (dtype == DType::Int8 || worth.is_sign_negative() == value.is_sign_negative());
				fits.then(|| ((f64::from(worth) - target).abs(), code[0] & 1, code))
			})
			.min_by(|a, b| a.partial_cmp(b).unwrap())
			.unwrap()
			.2
	}

	fn pushed(dtype: DType, value: f32) -> Option<Vec<u8>> {
		let mut out = Vec::new();
		dtype.push_f32(value, &mut out).map(|()| out)
	}

	proptest! {
		#[test]
		fn push_f32_should_give_the_nearest_element_of_all(
			value in prop_oneof![
				any::<u32>().prop_map(f32::from_bits).prop_filter("finite", |value| value.is_finite()),
				-600.0f32..600.0,
				-0.04f32..0.04,
			],
		) {
			for dtype in [DType::F16, DType::Bf16, DType::Int8, DType::Fp8E4m3] {
				prop_assert_eq!(pushed(dtype, value), Some(nearest(dtype, value)), "{} as {}", value, dtype);
			}
			prop_assert_eq!(pushed(DType::F32, value), Some(value.to_le_bytes().to_vec()));
		}
	}

	#[test]
	fn push_f32_should_round_half_to_even() {
		for (value, byte) in [(0.5f32, 0u8), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, 0xfe), (126.5, 126)] {
			assert_eq!(pushed(DType::Int8, value), Some(vec![byte]), "{value}");
		}
		// Between 1 and 1.125, and between 1.125 and 1.25; then half the least subnormal.
		for (value, byte) in
			[(1.0625f32, 0x38u8), (1.1875, 0x3a), (2f32.powi(-10), 0), (-(2f32.powi(-10)), 0x80)]
		{
			assert_eq!(pushed(DType::Fp8E4m3, value), Some(vec![byte]), "{value}");
		}
	}

	#[test]
	fn push_f32_should_saturate_and_refuse_nan_where_there_is_none() {
		for (dtype, most) in [(DType::F16, 0x7bffu16), (DType::Bf16, 0x7f7f)] {
			assert_eq!(pushed(dtype, f32::MAX), Some(most.to_le_bytes().to_vec()));
			assert!(dtype.to_f32_vec(&pushed(dtype, f32::NAN).unwrap())[0].is_nan());
			assert_eq!(dtype.to_f32_vec(&pushed(dtype, f32::NEG_INFINITY).unwrap()), [f32::NEG_INFINITY]);
			assert_eq!(dtype.to_f32_vec(&most.to_le_bytes()), [dtype.max()]);
		}
		assert_eq!(pushed(DType::Int8, 1e9), Some(vec![127]));
		assert_eq!(pushed(DType::Int8, f32::NEG_INFINITY), Some(vec![0x80]));
		assert_eq!(pushed(DType::Int8, f32::NAN), None);
		assert_eq!(pushed(DType::Fp8E4m3, f32::INFINITY), Some(vec![0x7e]));
		assert_eq!(pushed(DType::Fp8E4m3, -1e9), Some(vec![0xfe]));
		assert_eq!(pushed(DType::Fp8E4m3, f32::NAN), Some(vec![0x7f]));
	}

	#[test]
	fn every_element_should_survive_its_worth() {
		for dtype in [DType::F16, DType::Bf16, DType::Int8, DType::Fp8E4m3] {
			let size = dtype.bytes();
			for code in 0..=u16::MAX >> (16 - 8 * size) {
				let bytes = &code.to_le_bytes()[..size];
				let worth = dtype.to_f32_vec(bytes)[0];
				if !worth.is_nan() {
					assert_eq!(pushed(dtype, worth).as_deref(), Some(bytes), "{dtype} {code:#x}");
				}
			}
		}
	}

	#[test]
	fn dtype_should_survive_its_code() {
		for dtype in DType::ALL {
			assert_eq!(DType::from_code(dtype.code()), Some(dtype));
		}
		assert_eq!(DType::from_code(5), None);
		assert_eq!(DType::from_code(u32::MAX), None);
	}

	// Values from the table of the OCP specification.
	#[test]
	fn fp8_should_be_worth_what_the_specification_says() {
		assert_eq!(fp8_e4m3_to_f32(0x7e), 448.0);
		assert_eq!(fp8_e4m3_to_f32(0xfe), -448.0);
		assert_eq!(fp8_e4m3_to_f32(0x08), 2f32.powi(-6));
		assert_eq!(fp8_e4m3_to_f32(0x07), 0.875 * 2f32.powi(-6));
		assert_eq!(fp8_e4m3_to_f32(0x01), 2f32.powi(-9));
		assert_eq!(fp8_e4m3_to_f32(0x38), 1.0);
		assert!(fp8_e4m3_to_f32(0x7f).is_nan() && fp8_e4m3_to_f32(0xff).is_nan());
		assert!(fp8_e4m3_to_f32(0x80) == 0.0 && fp8_e4m3_to_f32(0x80).is_sign_negative());
		assert_eq!((0..=255).filter(|byte| !fp8_e4m3_to_f32(*byte).is_finite()).count(), 2);
	}

	#[test]
	fn small_floats_should_convert_exactly() {
		assert_eq!(DType::F16.to_f32_vec(&[0x00, 0x3c, 0x01, 0x00]), [1.0, 2f32.powi(-24)]);
		assert_eq!(DType::Bf16.to_f32_vec(&[0x80, 0x3f, 0x80, 0xff]), [1.0, f32::NEG_INFINITY]);
		assert_eq!(DType::Int8.to_f32_vec(&[0x7f, 0x80]), [127.0, -128.0]);
		assert_eq!(DType::F32.to_f32_vec(&1.5f32.to_le_bytes()), [1.5]);
	}
}
