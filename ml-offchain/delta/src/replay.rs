//! Whole weights from a base and the deltas on it.

use crate::{
	arithmetic::{add, check_finite, Elements},
	delta::Delta,
	error::DeltaError::{self, Write as Unwritable},
};
use blyan_tensorblock::{Container, TensorView};
use std::io::{self, Write};

/// The weights that a chain of deltas makes of its base, as a container. `deltas` are in the order of the
/// chain. One encoding, the same on every machine: the base's, with other values.
///
/// # Errors
/// Those of [`Delta::check_against`]; [`DeltaError::NotFinite`].
pub fn replay<A: AsRef<[u8]>, B: AsRef<[u8]>>(
	base: &Container<A>,
	deltas: &[Delta<B>],
) -> Result<Vec<u8>, DeltaError> {
	let mut bytes = Vec::with_capacity(base.as_bytes().len());
	replay_to(base, deltas, &mut bytes)?;
	Ok(bytes)
}

/// As [`replay`], into a writer, one tensor in memory at a time. What was written of weights that turn out
/// not to be finite is no container.
///
/// # Errors
/// Those of [`replay`], and [`DeltaError::Write`].
pub fn replay_to<A: AsRef<[u8]>, B: AsRef<[u8]>>(
	base: &Container<A>,
	deltas: &[Delta<B>],
	out: &mut impl Write,
) -> Result<(), DeltaError> {
	for delta in deltas {
		delta.check_against(base)?;
	}
	let unwritable = |source| Unwritable { source };
	let bytes = base.as_bytes();
	let mut at = 0;
	for (name, tensor) in base.tensors() {
		// Shape, type and scales stay, so every byte but the values does.
		let (Some(values), Some(range)) = (replay_tensor(name, &tensor, deltas)?, base.data_range(name))
		else {
			continue;
		};
		out.write_all(&bytes[at..range.start]).map_err(unwritable)?;
		out.write_all(&values).map_err(unwritable)?;
		at = range.end;
	}
	out.write_all(&bytes[at..]).map_err(unwritable)
}

/// Whether a snapshot's content is what its chain replays to, bit for bit.
///
/// # Errors
/// Those of [`replay`]: the chain itself cannot be replayed.
pub fn snapshot_matches<A: AsRef<[u8]>, B: AsRef<[u8]>>(
	base: &Container<A>,
	deltas: &[Delta<B>],
	snapshot: &[u8],
) -> Result<bool, DeltaError> {
	let mut comparison = Comparison { rest: snapshot, differs: false };
	match replay_to(base, deltas, &mut comparison) {
		Err(Unwritable { .. }) if comparison.differs => Ok(false),
		outcome => outcome.map(|()| comparison.rest.is_empty()),
	}
}

/// Takes bytes as long as they are the expected ones.
struct Comparison<'a> {
	rest: &'a [u8],
	differs: bool,
}

impl Write for Comparison<'_> {
	fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
		match self.rest.strip_prefix(bytes) {
			Some(rest) => {
				self.rest = rest;
				Ok(bytes.len())
			}
			None => {
				self.differs = true;
				Err(io::ErrorKind::InvalidData.into())
			}
		}
	}

	fn flush(&mut self) -> io::Result<()> {
		Ok(())
	}
}

/// The stored elements of a tensor after all deltas; `None` if none changes it.
fn replay_tensor<B: AsRef<[u8]>>(
	name: &str,
	tensor: &TensorView<'_>,
	deltas: &[Delta<B>],
) -> Result<Option<Vec<u8>>, DeltaError> {
	let elements = Elements::of(tensor);
	let mut stored = None;
	for delta in deltas {
		let Some(difference) = delta.difference(name)? else { continue };
		let before: &[u8] = stored.as_deref().unwrap_or(tensor.bytes());
		let old = elements.decode(before);
		let mut new = old.clone();
		add(&mut new, tensor.matrix()[1], &difference);
		check_finite(name, &new, "a replayed weight")?;
		// Rounded after every delta: so it makes no difference where in a chain a snapshot is taken.
		stored = Some(elements.encode(before, &old, &new));
	}
	Ok(stored)
}
