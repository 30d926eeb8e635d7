//! A delta: a container whose tensors are parts of differences.

use crate::error::DeltaError::{self, Combination, NotInBase, PartShape, Rank, SparseBase, UnknownPart};
use blyan_tensorblock::{Container, Layout, Mmap, TensorView};
use std::{collections::BTreeSet, fmt, path::Path};

/// Widest low-rank part: bounds what replay computes for a byte of a delta.
pub const MAX_RANK: usize = 256;

/// A part of the difference of one tensor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Part {
	/// All of it.
	Dense,
	/// The left factor of its low-rank part, rows x rank.
	Left,
	/// The right factor, rank x columns.
	Right,
	/// Some elements.
	Sparse,
}

impl Part {
	const ALL: [Self; 4] = [Self::Dense, Self::Left, Self::Right, Self::Sparse];

	const fn suffix(self) -> &'static str {
		match self {
			Part::Dense => "dense",
			Part::Left => "left",
			Part::Right => "right",
			Part::Sparse => "sparse",
		}
	}

	/// The name in a delta of this part of a tensor.
	pub fn name_of(self, tensor: &str) -> String {
		format!("{tensor}/{self}")
	}

	/// The tensor and part that a name in a delta stands for.
	fn split(name: &str) -> Option<(&str, Self)> {
		let (tensor, suffix) = name.rsplit_once('/')?;
		Some((tensor, Self::ALL.into_iter().find(|part| part.suffix() == suffix)?))
	}
}

impl fmt::Display for Part {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(self.suffix())
	}
}

/// The difference of one tensor, as far as it does not depend on the base.
#[derive(Clone, Copy)]
pub(crate) enum Difference<'a> {
	Whole(TensorView<'a>),
	Stacked { low_rank: Option<[TensorView<'a>; 2]>, sparse: Option<TensorView<'a>> },
}

impl<'a> Difference<'a> {
	/// The difference that these parts make; `None` if there are none.
	pub(crate) fn new(
		tensor: &str,
		part: impl Fn(Part) -> Option<TensorView<'a>>,
	) -> Result<Option<Self>, DeltaError> {
		let refuse = |why| Combination { tensor: tensor.to_owned(), why };
		let low_rank = match (part(Part::Left), part(Part::Right)) {
			(Some(left), Some(right)) => Some([left, right]),
			(None, None) => None,
			_ => return Err(refuse("has one factor of a low-rank part without the other")),
		};
		Ok(match (part(Part::Dense), low_rank, part(Part::Sparse)) {
			(None, None, None) => None,
			(None, low_rank, sparse) => Some(Self::Stacked { low_rank, sparse }),
			(Some(dense), None, None) => Some(Self::Whole(dense)),
			(Some(_), ..) => return Err(refuse("has a dense part beside others")),
		})
	}

	/// Checks the difference against the tensor that it is to be added to.
	pub(crate) fn check(&self, name: &str, base: &TensorView<'_>) -> Result<(), DeltaError> {
		if base.layout() != Layout::Dense {
			return Err(SparseBase { tensor: name.to_owned() });
		}
		let [rows, columns] = base.matrix();
		let expect = |part: Part, view: &TensorView<'_>, sparse: bool, shape: &[usize]| {
			let is_sparse = view.layout() != Layout::Dense;
			if is_sparse == sparse && view.shape() == shape {
				return Ok(());
			}
			let words =
				|sparse, shape: &[usize]| format!("{} {shape:?}", if sparse { "sparse" } else { "dense" });
			let (found, expected) = (words(is_sparse, view.shape()), words(sparse, shape));
			Err(PartShape { tensor: name.to_owned(), part, found, expected })
		};
		match self {
			Self::Whole(dense) => expect(Part::Dense, dense, false, base.shape()),
			Self::Stacked { low_rank, sparse } => {
				if let Some([left, right]) = low_rank {
					let rank = left.matrix()[1];
					if rank == 0 || rank > MAX_RANK {
						return Err(Rank { tensor: name.to_owned(), rank });
					}
					expect(Part::Left, left, false, &[rows, rank])?;
					expect(Part::Right, right, false, &[rank, columns])?;
				}
				sparse.as_ref().map_or(Ok(()), |sparse| expect(Part::Sparse, sparse, true, &[rows, columns]))
			}
		}
	}
}

/// A delta whose names and combinations of parts were checked. Whether it fits a base is checked when it
/// is replayed, or by [`Delta::check_against`].
#[derive(Debug)]
pub struct Delta<B = Mmap> {
	container: Container<B>,
	tensors: BTreeSet<String>,
}

impl Delta<Mmap> {
	/// Maps a file and checks it. The rules of [`Container::open`] hold.
	///
	/// # Errors
	/// Those of [`Container::open`] and [`Delta::new`].
	pub fn open(path: impl AsRef<Path>) -> Result<Self, DeltaError> {
		Self::new(Container::open(path)?)
	}
}

impl<B: AsRef<[u8]>> Delta<B> {
	/// Checks a delta in memory.
	///
	/// # Errors
	/// Those of [`Container::parse`] and [`Delta::new`].
	pub fn parse(bytes: B) -> Result<Self, DeltaError> {
		Self::new(Container::parse(bytes)?)
	}

	/// The delta that a container holds.
	///
	/// # Errors
	/// [`DeltaError::UnknownPart`], [`DeltaError::Combination`].
	pub fn new(container: Container<B>) -> Result<Self, DeltaError> {
		let tensors = container
			.names()
			.map(|name| match Part::split(name) {
				Some((tensor, _)) if !tensor.is_empty() => Ok(tensor.to_owned()),
				_ => Err(UnknownPart { name: name.to_owned() }),
			})
			.collect::<Result<BTreeSet<_>, _>>()?;
		let delta = Self { container, tensors };
		for tensor in delta.tensors() {
			delta.difference(tensor)?;
		}
		Ok(delta)
	}

	/// The tensors that it changes, sorted by name.
	pub fn tensors(&self) -> impl Iterator<Item = &str> {
		self.tensors.iter().map(String::as_str)
	}

	/// The container it is.
	pub fn container(&self) -> &Container<B> {
		&self.container
	}

	/// Checks that every tensor it changes is in the base, with the right shape.
	///
	/// # Errors
	/// [`DeltaError::NotInBase`], [`DeltaError::SparseBase`], [`DeltaError::PartShape`], [`DeltaError::Rank`].
	pub fn check_against<A: AsRef<[u8]>>(&self, base: &Container<A>) -> Result<(), DeltaError> {
		for tensor in self.tensors() {
			let view = base.tensor(tensor).ok_or_else(|| NotInBase { tensor: tensor.to_owned() })?;
			if let Some(difference) = self.difference(tensor)? {
				difference.check(tensor, &view)?;
			}
		}
		Ok(())
	}

	/// What is added to a tensor, if anything.
	pub(crate) fn difference(&self, tensor: &str) -> Result<Option<Difference<'_>>, DeltaError> {
		if !self.tensors.contains(tensor) {
			return Ok(None);
		}
		Difference::new(tensor, |part| self.container.tensor(&part.name_of(tensor)))
	}
}
