//! What a delta is made of.

use crate::{delta::MAX_RANK, error::DeltaError};

/// Everything, in millionths.
const MILLION: u32 = 1_000_000;

/// Which methods an encoder uses, singly or stacked: low-rank first, then the largest elements of what is
/// left. Without either, the whole difference is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeltaOptions {
	/// Rank of the low-rank stage, at most [`MAX_RANK`]; 0 leaves the stage out.
	pub rank: usize,
	/// Elements that the top-k stage keeps, in millionths of all, rounded up; 0 leaves the stage out.
	pub kept_millionths: u32,
	/// Whether values are INT8 with a scale for each row, or f32.
	pub int8: bool,
	/// Tensors of at most that many elements (vectors, norms) are stored whole, in f32.
	pub whole_elements: usize,
	/// What the random start of the low-rank stage is drawn from.
	pub seed: u64,
}

impl Default for DeltaOptions {
	/// The stack: rank 8, then 2.5 % of the elements of what is left, in INT8.
	fn default() -> Self {
		Self { rank: 8, kept_millionths: 25_000, int8: true, whole_elements: 1024, seed: 0 }
	}
}

impl DeltaOptions {
	/// INT8 with a scale for each row, alone.
	pub fn int8() -> Self {
		Self { rank: 0, kept_millionths: 0, ..Self::default() }
	}

	/// The 20 % of the elements of largest magnitude, alone, in INT8.
	pub fn top_k() -> Self {
		Self { rank: 0, kept_millionths: 200_000, ..Self::default() }
	}

	/// Two factors of rank 8, alone, in INT8.
	pub fn low_rank() -> Self {
		Self { kept_millionths: 0, ..Self::default() }
	}

	pub(crate) fn validate(&self) -> Result<(), DeltaError> {
		let limit = |name, found, limit| match found > limit {
			true => Err(DeltaError::Option { name, found, limit }),
			false => Ok(()),
		};
		limit("rank", self.rank, MAX_RANK)?;
		limit("kept_millionths", self.kept_millionths as usize, MILLION as usize)
	}

	/// Elements that the top-k stage keeps of so many.
	pub(crate) fn kept(&self, elements: usize) -> usize {
		let kept = (elements as u128 * u128::from(self.kept_millionths)).div_ceil(u128::from(MILLION));
		// No more than `elements`, once validated.
		kept as usize
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn kept_should_be_the_share_rounded_up() {
		let options = DeltaOptions { kept_millionths: 200_000, ..DeltaOptions::default() };
		assert_eq!([0, 1, 5, 6, 1 << 20].map(|elements| options.kept(elements)), [0, 1, 1, 2, 209_716]);
		let all = DeltaOptions { kept_millionths: MILLION, ..options };
		assert_eq!(all.kept(usize::MAX), usize::MAX);
		assert_eq!(DeltaOptions::int8().kept(100), 0);
	}

	#[test]
	fn options_should_be_refused_when_out_of_range() {
		assert!(DeltaOptions::default().validate().is_ok());
		let wide = DeltaOptions { rank: MAX_RANK + 1, ..DeltaOptions::default() };
		assert!(matches!(wide.validate(), Err(DeltaError::Option { name: "rank", .. })));
		let much = DeltaOptions { kept_millionths: MILLION + 1, ..DeltaOptions::default() };
		assert!(matches!(much.validate(), Err(DeltaError::Option { name: "kept_millionths", .. })));
	}
}
