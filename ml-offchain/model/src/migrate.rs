//! Weights for a changed architecture.
//!
//! | operation | where the new weights come from | the function |
//! | --- | --- | --- |
//! | `add_experts` | a new expert is a copy of an old one of its layer; its column of the router is fresh | changes where it is picked |
//! | `remove_expert` | the last expert, with its column of the router, takes the place | changes where the removed one was picked |
//! | `widen_ffn` | new columns of `w1` and `w3` are fresh, the rows of `w2` that read them are zero | stays |
//! | `add_layer` | fresh; what writes to the residual stream (`wo`, `w2`, `shared_w2`) is zero | stays |
//! | `replace_router` | the router that was | changes with `top_k` |
//!
//! Where it stays, it does so in exact arithmetic; sums over a widened layer may be grouped otherwise.

use crate::{layout::TensorSpec, ModelError, Weights};
use blyan_primitives::{architecture::Architecture, dag::Component, migration::Migration};
use std::{path::PathBuf, sync::Arc};

/// The tensors that write to the residual stream: a layer in which all of them are zero is the identity.
const WRITES_TO_RESIDUAL: [&str; 3] = ["wo", "w2", "shared_w2"];

impl Weights {
	/// These weights for the architecture that a migration makes of theirs; see the table above. The same bits
	/// for the same weights, migration and seed.
	///
	/// # Errors
	/// A migration that does not apply; an expert that is left to the cache and cannot be read.
	pub fn migrated(&self, migration: &Migration, seed: u64) -> Result<Self, ModelError> {
		let after = migration
			.apply(self.architecture())
			.map_err(|error| ModelError::Config { field: "migration", why: error.to_string() })?;
		let old = self.held()?;
		let mut new = Self::init(&after, seed)?;
		for slot in 0..new.layout.components.len() {
			let component = new.layout.components[slot];
			match migration.source(old.architecture(), component) {
				Some(source) => {
					let from = old.layout.slot(source)?;
					if new.layout.tensors[slot] == old.layout.tensors[from] {
						new.buffers[slot] = old.buffers[from].clone();
					} else {
						let specs = (&old.layout.tensors[from][..], &new.layout.tensors[slot][..]);
						let fresh: &mut Vec<f32> = Arc::make_mut(&mut new.buffers[slot]);
						overlay(migration, old.architecture(), specs, &old.buffers[from], fresh);
					}
					new.dtypes[slot] = new.layout.tensors[slot]
						.iter()
						.map(|spec| {
							let known = old.layout.tensors[from].iter().position(|one| one.name == spec.name);
							// A tensor of the new layer is stored as its sibling of the first layer is.
							let sibling = || {
								let name = in_layer(&spec.name, 0);
								old.layout.tensors[from].iter().position(|one| one.name == name)
							};
							old.dtypes[from][known.or_else(sibling).unwrap_or(0)]
						})
						.collect();
				}
				// A new layer's router or expert.
				None => {
					let fresh: &mut Vec<f32> = Arc::make_mut(&mut new.buffers[slot]);
					silence(&new.layout.tensors[slot], fresh, |_| true);
					let sibling = match component {
						Component::Expert { .. } => Component::Expert { layer: 0, index: 0 },
						_ => Component::Router { layer: 0 },
					};
					new.dtypes[slot] = old.dtypes[old.layout.slot(sibling)?].clone();
				}
			}
		}
		new.tokenizer = old.tokenizer;
		Ok(new)
	}

	/// These weights under another architecture: the components that `path_of` has a file for are read from
	/// it, and the others stay.
	///
	/// # Errors
	/// Content that [`Weights::set_component`] would refuse; a component that is not the same under both
	/// architectures, and has no file.
	pub fn under(
		&self,
		architecture: &Architecture,
		mut path_of: impl FnMut(Component) -> Option<PathBuf>,
	) -> Result<Self, ModelError> {
		let old = self.held()?;
		let mut new = Self::absent(crate::layout::Layout::new(*architecture)?);
		for slot in 0..new.layout.components.len() {
			let component = new.layout.components[slot];
			if let Some(path) = path_of(component) {
				new.read_slot(slot, &path)?;
				continue;
			}
			let from = old.layout.slot(component)?;
			if old.layout.tensors[from] != new.layout.tensors[slot] {
				let why = format!("changes {component}, for which there are no new weights");
				return Err(ModelError::Config { field: "architecture", why });
			}
			new.buffers[slot] = old.buffers[from].clone();
			new.dtypes[slot] = old.dtypes[from].clone();
		}
		new.tokenizer = old.tokenizer;
		Ok(new)
	}
}

/// Writes what stays of a component over its fresh weights, and zeros where the function has to stay.
fn overlay(
	migration: &Migration,
	before: &Architecture,
	(old_specs, new_specs): (&[TensorSpec], &[TensorSpec]),
	old: &[f32],
	fresh: &mut [f32],
) {
	let added_layer = |spec: &TensorSpec| !old_specs.iter().any(|one| one.name == spec.name);
	silence(new_specs, fresh, |spec| match migration {
		Migration::WidenFfn { .. } => true,
		_ => added_layer(spec),
	});
	let mut at = 0;
	for spec in new_specs {
		let target = &mut fresh[at..at + spec.len()];
		at += spec.len();
		let mut from = 0;
		for one in old_specs {
			if one.name == spec.name {
				copy(migration, before, (one.shape, &old[from..from + one.len()]), (spec.shape, target));
				break;
			}
			from += one.len();
		}
	}
}

/// Copies a tensor into one that has as many rows and columns or more, or, of a router, another column for
/// each expert.
fn copy(
	migration: &Migration,
	before: &Architecture,
	(old_shape, old): ([usize; 2], &[f32]),
	(shape, new): ([usize; 2], &mut [f32]),
) {
	let last = usize::from(before.experts.current.saturating_sub(1));
	for row in 0..old_shape[0].min(shape[0]) {
		for column in 0..old_shape[1].min(shape[1]) {
			let from = match migration {
				Migration::RemoveExpert { index } if column == usize::from(*index) => last,
				_ => column,
			};
			new[row * shape[1] + column] = old[row * old_shape[1] + from];
		}
	}
}

/// Zeros the tensors that write to the residual stream, among those that `silent` says.
fn silence(specs: &[TensorSpec], buffer: &mut [f32], silent: impl Fn(&TensorSpec) -> bool) {
	let mut at = 0;
	for spec in specs {
		let range = at..at + spec.len();
		at = range.end;
		let name = spec.name.rsplit('.').next().unwrap_or_default();
		if WRITES_TO_RESIDUAL.contains(&name) && silent(spec) {
			buffer[range].fill(0.0);
		}
	}
}

/// The name of a layer's tensor in another layer.
fn in_layer(name: &str, layer: u16) -> String {
	match name.strip_prefix("layers.").and_then(|rest| rest.split_once('.')) {
		Some((_, tensor)) => format!("layers.{layer}.{tensor}"),
		None => name.to_owned(),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{evaluate, layout::tests::tiny};

	const TEXT: &[u8] = b"the quick brown";

	fn loss(weights: &Weights) -> f64 {
		evaluate(weights, &[TEXT.to_vec()], 1).unwrap()[0]
	}

	fn expert(layer: u16, index: u16) -> Component {
		Component::Expert { layer, index }
	}

	/// Weights whose experts and routers all differ.
	fn weights() -> Weights {
		Weights::init(&tiny(), 7).unwrap()
	}

	#[test]
	fn function_should_stay_when_experts_are_widened() {
		let before = weights();
		let d_ff = before.architecture().d_ff + 5;
		let after = before.migrated(&Migration::WidenFfn { d_ff }, 1).unwrap();
		assert_eq!(after.architecture().d_ff, d_ff);
		let difference = (loss(&before) - loss(&after)).abs();
		println!("widen_ffn: the loss differs by {difference:e} bits per byte");
		assert!(difference < 1e-6, "{difference}");
		let w1 = |weights: &Weights| weights.tensor(expert(0, 0), "w1").unwrap().1.to_vec();
		assert!(w1(&after).iter().filter(|w| **w == 0.0).count() < 3, "there is something to train");
		assert_ne!(w1(&before).len(), w1(&after).len());
	}

	#[test]
	fn function_should_stay_to_the_bit_when_a_layer_is_added() {
		let before = weights();
		let after = before.migrated(&Migration::AddLayer, 1).unwrap();
		assert_eq!(after.architecture().layers, before.architecture().layers + 1);
		assert_eq!(loss(&before).to_bits(), loss(&after).to_bits());
		let layer = before.architecture().layers;
		assert!(after.tensor(expert(layer, 0), "w1").unwrap().1.iter().any(|w| *w != 0.0));
		let query = after.tensor(Component::Backbone, &format!("layers.{layer}.wq")).unwrap().1;
		assert!(query.iter().any(|w| *w != 0.0));
	}

	#[test]
	fn experts_should_come_as_copies_and_leave_by_the_last_ones_move() {
		let before = weights();
		let count = before.architecture().experts.current;
		let more = before.migrated(&Migration::AddExperts { count: 1 }, 1).unwrap();
		let of = |weights: &Weights, index| weights.component(expert(0, index)).unwrap().to_vec();
		assert_eq!(of(&more, count), of(&before, 0));
		let scores = |weights: &Weights| {
			let ([rows, columns], router) = weights.tensor(Component::Router { layer: 0 }, "router").unwrap();
			let column = |c: usize| (0..rows).map(|row| router[row * columns + c]).collect::<Vec<_>>();
			(0..columns).map(column).collect::<Vec<_>>()
		};
		assert_eq!(scores(&more)[..usize::from(count)], scores(&before));
		let fewer = more.migrated(&Migration::RemoveExpert { index: 0 }, 1).unwrap();
		assert_eq!((of(&fewer, 0), of(&fewer, 1)), (of(&more, count), of(&more, 1)));
		assert_eq!(scores(&fewer)[0], scores(&more)[usize::from(count)]);
		assert_eq!(scores(&fewer)[1], scores(&more)[1]);
	}

	#[test]
	fn migrated_should_name_a_migration_that_does_not_apply() {
		let error = weights().migrated(&Migration::AddExperts { count: 0 }, 1).unwrap_err();
		assert!(error.to_string().contains("changes nothing"), "{error}");
	}

	#[test]
	fn under_should_take_new_weights_for_what_changes_and_keep_the_rest() {
		let (before, folder) = (weights(), tempfile::tempdir().unwrap());
		for migration in [Migration::AddLayer, Migration::AddExperts { count: 1 }] {
			let after = before.migrated(&migration, 3).unwrap();
			let rewritten = migration.components(before.architecture());
			let path = |component: Component| folder.path().join(component.to_string());
			for component in &rewritten {
				std::fs::write(path(*component), after.component_bytes(*component).unwrap()).unwrap();
			}
			let file = |component| rewritten.contains(&component).then(|| path(component));
			let read = before.under(after.architecture(), file).unwrap();
			for component in after.architecture().components() {
				assert_eq!(read.component(component).unwrap(), after.component(component).unwrap());
			}
			let missing = |component| file(component).filter(|_| component != rewritten[0]);
			assert!(before.under(after.architecture(), missing).is_err(), "{} is missing", rewritten[0]);
		}
	}
}
