//! Components as people write them: `backbone`, `router(0)`, `expert(0,1)`, or `all` of them.

use blyan_primitives::{architecture::Architecture, dag::Component};
use serde::{de, Deserialize, Deserializer, Serialize, Serializer};

/// What a training job trains.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Selection {
	/// Every component the model has.
	#[default]
	All,
	/// These.
	Some(Vec<Component>),
}

/// A text that names no component.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
	"`{0}` names no component; write `backbone`, `router(LAYER)` or `expert(LAYER,INDEX)`, counted from 0"
)]
pub struct UnknownComponent(String);

/// Components that the model does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model has no {0}: it has {1} layers of {2} experts each")]
pub struct AbsentComponent(Component, u16, u16);

/// Reads a component as its `Display` writes it.
///
/// # Errors
/// A text of another shape.
pub fn parse_component(text: &str) -> Result<Component, UnknownComponent> {
	let refuse = || UnknownComponent(text.into());
	let text = text.trim();
	if text == "backbone" {
		return Ok(Component::Backbone);
	}
	let (kind, rest) = text.split_once('(').ok_or_else(refuse)?;
	let inside = rest.strip_suffix(')').ok_or_else(refuse)?;
	let numbers: Vec<u16> =
		inside.split(',').map(|n| n.trim().parse()).collect::<Result<_, _>>().map_err(|_| refuse())?;
	match (kind.trim(), numbers.as_slice()) {
		("router", [layer]) => Ok(Component::Router { layer: *layer }),
		("expert", [layer, index]) => Ok(Component::Expert { layer: *layer, index: *index }),
		_ => Err(refuse()),
	}
}

impl Selection {
	/// The components meant, in the order of their indices and each once.
	///
	/// # Errors
	/// One that the model does not have.
	pub fn resolve(&self, architecture: &Architecture) -> Result<Vec<Component>, AbsentComponent> {
		match self {
			Self::All => Ok(architecture.components().collect()),
			Self::Some(components) => {
				let mut indexed = components
					.iter()
					.map(|component| {
						let index = architecture.component_index(*component).ok_or(AbsentComponent(
							*component,
							architecture.layers,
							architecture.experts.current,
						))?;
						Ok((index, *component))
					})
					.collect::<Result<Vec<_>, _>>()?;
				indexed.sort_unstable();
				indexed.dedup();
				Ok(indexed.into_iter().map(|(_, component)| component).collect())
			}
		}
	}
}

impl Serialize for Selection {
	fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		match self {
			Self::All => serializer.serialize_str("all"),
			Self::Some(components) => serializer.collect_seq(components.iter().map(ToString::to_string)),
		}
	}
}

impl<'de> Deserialize<'de> for Selection {
	fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		#[derive(Deserialize)]
		#[serde(untagged, expecting = "`components` is \"all\" or a list such as [\"expert(0,1)\"]")]
		enum Written {
			One(String),
			Many(Vec<String>),
		}
		let names = match Written::deserialize(deserializer)? {
			Written::One(text) if text.trim() == "all" => return Ok(Self::All),
			Written::One(text) => vec![text],
			Written::Many(names) => names,
		};
		let components = names
			.iter()
			.map(|name| parse_component(name))
			.collect::<Result<_, _>>()
			.map_err(de::Error::custom)?;
		Ok(Self::Some(components))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::architecture::ExpertCount;
	use proptest::prelude::*;

	fn architecture() -> Architecture {
		Architecture::byte_level(2, ExpertCount { min: 2, current: 3, max: 8 }, 2, 8, 16, 2, 16)
	}

	proptest! {
		#[test]
		fn component_should_round_trip_through_its_text(layer: u16, index: u16) {
			for component in [Component::Backbone, Component::Router { layer }, Component::Expert { layer, index }] {
				prop_assert_eq!(parse_component(&component.to_string()), Ok(component));
			}
		}

		#[test]
		fn parse_component_should_never_panic(text in "\\PC*") {
			let _ = parse_component(&text);
		}
	}

	#[test]
	fn parse_component_should_refuse_other_shapes() {
		for text in [
			"",
			"all",
			"router",
			"router()",
			"router(1,2)",
			"expert(1)",
			"expert(1,2",
			"expert(-1,2)",
			"head(0)",
		] {
			assert!(parse_component(text).unwrap_err().to_string().contains(&format!("`{text}`")), "{text}");
		}
	}

	#[test]
	fn selection_should_resolve_in_order_and_each_once() {
		let a = architecture();
		assert_eq!(Selection::All.resolve(&a).unwrap().len(), a.component_count() as usize);
		let expert = Component::Expert { layer: 1, index: 0 };
		let some = Selection::Some(vec![expert, Component::Backbone, expert]);
		assert_eq!(some.resolve(&a).unwrap(), [Component::Backbone, expert]);
		let absent = Selection::Some(vec![Component::Expert { layer: 0, index: 3 }]);
		assert!(absent.resolve(&a).unwrap_err().to_string().contains("no expert(0,3)"));
	}

	#[test]
	fn selection_should_read_all_one_or_a_list() {
		#[derive(Deserialize)]
		struct Holder {
			components: Selection,
		}
		let read = |text: &str| toml::from_str::<Holder>(text).map(|holder| holder.components);
		assert_eq!(read("components = \"all\"").unwrap(), Selection::All);
		let expert = Selection::Some(vec![Component::Expert { layer: 0, index: 1 }]);
		assert_eq!(read("components = [\"expert(0,1)\"]").unwrap(), expert);
		assert_eq!(read("components = \"expert(0,1)\"").unwrap(), expert);
		assert!(read("components = [\"exprt(0,1)\"]").unwrap_err().to_string().contains("exprt(0,1)"));
		assert!(read("components = 3").unwrap_err().to_string().contains("list such as"));
	}
}
