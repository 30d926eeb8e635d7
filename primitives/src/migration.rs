//! Changes of a model's architecture, as data that the runtime and the workers both apply.
//!
//! | operation | components that need a block of the new shape | version | the function before training |
//! | --- | --- | --- | --- |
//! | `add_experts` | each layer's router and its new experts | MINOR | changes where a new expert is picked |
//! | `remove_expert` | each layer's router; the expert whose place the last one takes | MAJOR | changes where it was picked |
//! | `widen_ffn` | every expert | MAJOR | the same |
//! | `add_layer` | the backbone, the new layer's router and experts | MINOR | the same |
//! | `replace_router` | each layer's router | MINOR | changes |
//!
//! The version is MAJOR where blocks that were made for an expert before do not fit any more, or have lost
//! their place. Weights for the new shapes are made by workers; a round measures them like any others.

use crate::{
	architecture::{Architecture, ArchitectureError},
	dag::{Component, SemVer, MAX_BLOCKS},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// A change of architecture.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Migration {
	/// Gives every layer more experts, after those it has.
	AddExperts {
		/// How many more a layer.
		count: u16,
	},
	/// Takes an expert out of every layer; the layer's last one moves to its place.
	RemoveExpert {
		/// Which, from 0.
		index: u16,
	},
	/// Widens every expert.
	WidenFfn {
		/// The new hidden width.
		d_ff: u32,
	},
	/// Adds a layer after the last one.
	AddLayer,
	/// Gives every layer another router, which may pick another number of experts.
	ReplaceRouter {
		/// Experts that a token is routed to.
		top_k: u16,
	},
}

/// Why an architecture cannot be changed so.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum MigrationError {
	/// Nothing would change: no expert more, the same width.
	NothingChanges,
	/// There is no such expert.
	ExpertNotThere,
	/// The width would shrink.
	Narrower,
	/// More components need new blocks than a submission may carry.
	TooManyBlocks,
	/// What would come of it breaks a rule of architectures.
	Architecture(ArchitectureError),
}

impl core::fmt::Display for MigrationError {
	fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
		match self {
			Self::NothingChanges => f.write_str("the migration changes nothing"),
			Self::ExpertNotThere => f.write_str("the model has no such expert"),
			Self::Narrower => f.write_str("an expert can be widened, and not narrowed"),
			Self::TooManyBlocks => {
				write!(f, "more than {MAX_BLOCKS} components would need new blocks at once")
			}
			Self::Architecture(error) => error.fmt(f),
		}
	}
}

impl core::error::Error for MigrationError {}

impl Migration {
	/// The architecture that comes of it.
	///
	/// # Errors
	/// See [`MigrationError`].
	pub fn apply(&self, before: &Architecture) -> Result<Architecture, MigrationError> {
		let mut after = *before;
		let overflow = MigrationError::Architecture(ArchitectureError::TooManyComponents);
		match *self {
			Self::AddExperts { count } => {
				if count == 0 {
					return Err(MigrationError::NothingChanges);
				}
				after.experts.current = before.experts.current.checked_add(count).ok_or(overflow)?;
			}
			Self::RemoveExpert { index } => {
				if index >= before.experts.current {
					return Err(MigrationError::ExpertNotThere);
				}
				after.experts.current = before.experts.current.saturating_sub(1);
			}
			Self::WidenFfn { d_ff } => match d_ff.cmp(&before.d_ff) {
				core::cmp::Ordering::Less => return Err(MigrationError::Narrower),
				core::cmp::Ordering::Equal => return Err(MigrationError::NothingChanges),
				core::cmp::Ordering::Greater => after.d_ff = d_ff,
			},
			Self::AddLayer => after.layers = before.layers.checked_add(1).ok_or(overflow)?,
			Self::ReplaceRouter { top_k } => after.top_k = top_k,
		}
		after.validate().map_err(MigrationError::Architecture)?;
		// Counted, not listed: the list is as long as the model is large.
		if self.component_count(before) > u64::from(MAX_BLOCKS) {
			return Err(MigrationError::TooManyBlocks);
		}
		Ok(after)
	}

	/// The components that need a new block, of the architecture that comes of it, in the order of their
	/// indices. Empty if [`Self::apply`] fails.
	pub fn components(&self, before: &Architecture) -> Vec<Component> {
		let Ok(after) = self.apply(before) else { return Vec::new() };
		after.components().filter(|component| self.rewrites(before, *component)).collect()
	}

	/// The component of the architecture `before` that a component of the new architecture has its weights
	/// from, whole or in part; `None` for the router and the experts of a new layer, whose weights are fresh.
	///
	/// | | comes from |
	/// | --- | --- |
	/// | an expert that was added | an old one of its layer, in turn |
	/// | the expert in the place of one that was removed | the layer's last |
	/// | any other | itself |
	pub fn source(&self, before: &Architecture, component: Component) -> Option<Component> {
		let current = before.experts.current;
		match (self, component) {
			(Self::AddExperts { .. }, Component::Expert { layer, index }) => {
				// An architecture has experts; if it had none, nothing would be copied.
				index.checked_rem(current).map(|index| Component::Expert { layer, index })
			}
			(Self::RemoveExpert { index: gone }, Component::Expert { layer, index }) if index == *gone => {
				Some(Component::Expert { layer, index: current.saturating_sub(1) })
			}
			(Self::AddLayer, Component::Router { layer } | Component::Expert { layer, .. })
				if layer >= before.layers =>
			{
				None
			}
			_ => Some(component),
		}
	}

	/// The component whose head is the first parent of a component's new block: the one that its weights come
	/// from ([`Self::source`]). A block names a parent, so one of fresh weights names the like of its component
	/// in the layer before.
	pub fn parent(&self, before: &Architecture, component: Component) -> Component {
		let last = before.layers.saturating_sub(1);
		self.source(before, component).unwrap_or(match component {
			Component::Backbone => Component::Backbone,
			Component::Router { .. } => Component::Router { layer: last },
			Component::Expert { index, .. } => Component::Expert { layer: last, index },
		})
	}

	/// The components that cease to be.
	pub fn removed(&self, before: &Architecture) -> Vec<Component> {
		let last = before.experts.current.saturating_sub(1);
		match self {
			Self::RemoveExpert { .. } => {
				(0..before.layers).map(|layer| Component::Expert { layer, index: last }).collect()
			}
			_ => Vec::new(),
		}
	}

	/// Whether blocks made before do not fit a component of that kind any more, or have lost their place.
	pub fn outdates(&self, component: Component) -> bool {
		match (self, component) {
			(Self::AddExperts { .. } | Self::ReplaceRouter { .. }, Component::Router { .. })
			| (Self::RemoveExpert { .. }, Component::Router { .. } | Component::Expert { .. })
			| (Self::WidenFfn { .. }, Component::Expert { .. })
			| (Self::AddLayer, Component::Backbone) => true,
			(_, Component::Backbone | Component::Router { .. } | Component::Expert { .. }) => false,
		}
	}

	/// The version after it.
	pub fn next_version(&self, version: SemVer) -> SemVer {
		if self.outdates(Component::Expert { layer: 0, index: 0 }) {
			version.next_major()
		} else {
			version.next_minor()
		}
	}

	/// Whether a component of the new architecture needs a block of its own.
	fn rewrites(&self, before: &Architecture, component: Component) -> bool {
		let last = before.experts.current.saturating_sub(1);
		match (self, component) {
			(
				Self::AddExperts { .. } | Self::RemoveExpert { .. } | Self::ReplaceRouter { .. },
				Component::Router { .. },
			)
			| (Self::WidenFfn { .. }, Component::Expert { .. })
			| (Self::AddLayer, Component::Backbone) => true,
			(Self::AddExperts { .. }, Component::Expert { index, .. }) => index >= before.experts.current,
			(Self::RemoveExpert { index: gone }, Component::Expert { index, .. }) => {
				index == *gone && *gone != last
			}
			(Self::AddLayer, Component::Router { layer } | Component::Expert { layer, .. }) => {
				layer == before.layers
			}
			_ => false,
		}
	}

	/// How many [`Self::components`] names.
	fn component_count(&self, before: &Architecture) -> u64 {
		let (layers, current) = (u64::from(before.layers), u64::from(before.experts.current));
		match *self {
			Self::AddExperts { count } => layers.saturating_mul(u64::from(count).saturating_add(1)),
			Self::RemoveExpert { index } => {
				let moves = u64::from(u64::from(index).saturating_add(1) != current);
				layers.saturating_mul(moves.saturating_add(1))
			}
			Self::WidenFfn { .. } => layers.saturating_mul(current),
			Self::AddLayer => current.saturating_add(2),
			Self::ReplaceRouter { .. } => layers,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::architecture::tests::small;
	use proptest::prelude::*;

	fn expert(layer: u16, index: u16) -> Component {
		Component::Expert { layer, index }
	}

	fn router(layer: u16) -> Component {
		Component::Router { layer }
	}

	#[test]
	fn apply_should_change_what_it_names_and_nothing_else() {
		let a = small();
		let with = |change: &dyn Fn(&mut Architecture)| {
			let mut b = a;
			change(&mut b);
			Ok(b)
		};
		assert_eq!(Migration::AddExperts { count: 2 }.apply(&a), with(&|b| b.experts.current = 6));
		assert_eq!(Migration::RemoveExpert { index: 1 }.apply(&a), with(&|b| b.experts.current = 3));
		assert_eq!(Migration::WidenFfn { d_ff: 300 }.apply(&a), with(&|b| b.d_ff = 300));
		assert_eq!(Migration::AddLayer.apply(&a), with(&|b| b.layers = 3));
		assert_eq!(Migration::ReplaceRouter { top_k: 1 }.apply(&a), with(&|b| b.top_k = 1));
	}

	#[test]
	fn apply_should_name_what_is_wrong() {
		use ArchitectureError::{ExpertCount, TooManyComponents};
		let a = small();
		let broken = |rule| Err(MigrationError::Architecture(rule));
		assert_eq!(Migration::AddExperts { count: 0 }.apply(&a), Err(MigrationError::NothingChanges));
		assert_eq!(Migration::AddExperts { count: 5 }.apply(&a), broken(ExpertCount), "max is 8");
		assert_eq!(Migration::AddExperts { count: u16::MAX }.apply(&a), broken(TooManyComponents));
		assert_eq!(Migration::RemoveExpert { index: 4 }.apply(&a), Err(MigrationError::ExpertNotThere));
		let least = Migration::RemoveExpert { index: 0 };
		let two = least.apply(&least.apply(&a).unwrap()).unwrap();
		assert_eq!(least.apply(&two), broken(ExpertCount), "min is 2");
		assert_eq!(Migration::WidenFfn { d_ff: 256 }.apply(&a), Err(MigrationError::NothingChanges));
		assert_eq!(Migration::WidenFfn { d_ff: 255 }.apply(&a), Err(MigrationError::Narrower));
		assert_eq!(Migration::ReplaceRouter { top_k: 3 }.apply(&a), broken(ExpertCount));
		let mut deep = a;
		deep.layers = MAX_BLOCKS as u16 + 1;
		assert_eq!(Migration::ReplaceRouter { top_k: 1 }.apply(&deep), Err(MigrationError::TooManyBlocks));
		deep.layers = u16::MAX;
		deep.experts.max = 8;
		assert_eq!(Migration::AddLayer.apply(&deep), broken(TooManyComponents));
	}

	#[test]
	fn components_should_be_those_whose_weights_change() {
		let a = small();
		let of = |migration: Migration| (migration.components(&a), migration.removed(&a));
		assert_eq!(
			of(Migration::AddExperts { count: 1 }),
			(vec![router(0), expert(0, 4), router(1), expert(1, 4)], vec![])
		);
		assert_eq!(
			of(Migration::RemoveExpert { index: 1 }),
			(vec![router(0), expert(0, 1), router(1), expert(1, 1)], vec![expert(0, 3), expert(1, 3)])
		);
		assert_eq!(
			of(Migration::RemoveExpert { index: 3 }),
			(vec![router(0), router(1)], vec![expert(0, 3), expert(1, 3)]),
			"nothing moves to the place of the last"
		);
		assert_eq!(
			of(Migration::AddLayer).0,
			[vec![Component::Backbone, router(2)], (0..4).map(|i| expert(2, i)).collect()].concat()
		);
		assert_eq!(of(Migration::WidenFfn { d_ff: 512 }).0.len(), 8);
		assert_eq!(of(Migration::ReplaceRouter { top_k: 1 }), (vec![router(0), router(1)], vec![]));
	}

	#[test]
	fn source_should_be_where_the_weights_come_from() {
		let a = small();
		let source = |migration: Migration, component| migration.source(&a, component);
		let add = Migration::AddExperts { count: 3 };
		assert_eq!(
			[0, 3, 4, 6].map(|index| source(add, expert(1, index))),
			[0, 3, 0, 2].map(|index| Some(expert(1, index)))
		);
		assert_eq!(source(add, router(1)), Some(router(1)));
		let remove = Migration::RemoveExpert { index: 1 };
		assert_eq!(source(remove, expert(1, 1)), Some(expert(1, 3)), "the last one takes the place");
		assert_eq!(source(remove, expert(1, 0)), Some(expert(1, 0)));
		assert_eq!(source(remove, router(0)), Some(router(0)));
		let deepen = Migration::AddLayer;
		assert_eq!([router(2), expert(2, 1)].map(|new| source(deepen, new)), [None, None]);
		assert_eq!(source(deepen, router(1)), Some(router(1)));
		assert_eq!(source(deepen, Component::Backbone), Some(Component::Backbone));
		assert_eq!([router(2), expert(2, 1)].map(|new| deepen.parent(&a, new)), [router(1), expert(1, 1)]);
		assert_eq!(remove.parent(&a, expert(1, 1)), expert(1, 3));
		assert_eq!(Migration::WidenFfn { d_ff: 512 }.source(&a, expert(0, 2)), Some(expert(0, 2)));
		assert_eq!(Migration::ReplaceRouter { top_k: 1 }.source(&a, router(0)), Some(router(0)));
	}

	#[test]
	fn next_version_should_be_major_when_older_experts_do_not_fit() {
		let v = SemVer { major: 1, minor: 2, patch: 3 };
		let major = SemVer { major: 2, minor: 0, patch: 0 };
		let minor = SemVer { major: 1, minor: 3, patch: 0 };
		assert_eq!(Migration::WidenFfn { d_ff: 512 }.next_version(v), major);
		assert_eq!(Migration::RemoveExpert { index: 0 }.next_version(v), major);
		assert_eq!(Migration::AddExperts { count: 1 }.next_version(v), minor);
		assert_eq!(Migration::AddLayer.next_version(v), minor);
		assert_eq!(Migration::ReplaceRouter { top_k: 1 }.next_version(v), minor);
	}

	fn any_migration() -> impl Strategy<Value = Migration> {
		prop_oneof![
			(0u16..6).prop_map(|count| Migration::AddExperts { count }),
			(0u16..9).prop_map(|index| Migration::RemoveExpert { index }),
			(200u32..400).prop_map(|d_ff| Migration::WidenFfn { d_ff }),
			Just(Migration::AddLayer),
			(0u16..4).prop_map(|top_k| Migration::ReplaceRouter { top_k }),
		]
	}

	proptest! {
		/// Whatever is done in whatever order: places do not move, every component has either kept its block
		/// or is told to get one, and what is gone is named.
		#[test]
		fn migrations_should_account_for_every_component(steps in proptest::collection::vec(any_migration(), 0..12)) {
			let mut a = small();
			for migration in steps {
				let Ok(after) = migration.apply(&a) else {
					prop_assert!(migration.components(&a).is_empty());
					continue;
				};
				let new = migration.components(&a);
				let removed = migration.removed(&a);
				prop_assert_eq!(new.len() as u64, migration.component_count(&a));
				for component in after.components() {
					let source = migration.source(&a, component);
					if new.contains(&component) {
						prop_assert!(a.component_index(migration.parent(&a, component)).is_some());
						prop_assert!(source.is_none_or(|source| a.component_index(source).is_some()));
					} else {
						prop_assert_eq!(source, Some(component), "what is not rewritten keeps its weights");
					}
					match a.component_index(component) {
						Some(index) => prop_assert_eq!(after.component_index(component), Some(index)),
						None => prop_assert!(new.contains(&component)),
					}
				}
				for component in a.components() {
					prop_assert_eq!(after.component_index(component).is_none(), removed.contains(&component));
					if new.contains(&component) {
						prop_assert!(migration.outdates(component));
					}
				}
				a = after;
			}
		}
	}
}
