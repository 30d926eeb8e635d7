//! What can be wrong with an input.

/// Why there is no loss.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
	/// The input is not as long as it says.
	Length,
	/// The input is of another version of the format.
	Version,
	/// The sizes are of no architecture.
	Architecture,
	/// Fewer than two tokens, or no bytes that they stand for.
	TooShort,
	/// A token is outside the vocabulary.
	Token,
	/// The memory does not suffice.
	Memory,
	/// A component is shorter than its architecture asks for.
	Component,
	/// The processor is set to flush small numbers to zero, or to round other than to nearest.
	Rounding,
}

impl Fault {
	const ALL: [Self; 8] = [
		Self::Length,
		Self::Version,
		Self::Architecture,
		Self::TooShort,
		Self::Token,
		Self::Memory,
		Self::Component,
		Self::Rounding,
	];

	/// What the module answers in place of a loss: below zero.
	pub fn code(self) -> i64 {
		// Places in the list, counted from one: few.
		-1 - Self::ALL.iter().position(|fault| *fault == self).unwrap_or_default() as i64
	}

	/// The fault of a code.
	pub fn from_code(code: i64) -> Option<Self> {
		Self::ALL.into_iter().find(|fault| fault.code() == code)
	}
}

impl core::fmt::Display for Fault {
	fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
		f.write_str(match self {
			Self::Length => "the input is not as long as it says",
			Self::Version => "the input is of another version of the format: use the module of this version",
			Self::Architecture => "the sizes are of no architecture",
			Self::TooShort => "at least two tokens are needed, and a byte that they stand for",
			Self::Token => "a token is outside the vocabulary",
			Self::Memory => "the memory does not suffice",
			Self::Component => "a component is shorter than its architecture asks for",
			Self::Rounding => {
				"the processor is set to flush small numbers to zero or to round other than to nearest: run the \
				 reference on a thread that nothing has set so"
			}
		})
	}
}

impl core::error::Error for Fault {}
