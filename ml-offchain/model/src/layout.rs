//! Which tensors each component is made of, and where they lie in its flat buffer.

use crate::ModelError;
use blyan_primitives::{
	architecture::{Architecture, QueryKeyNorm, NORM_EPSILON_UNIT},
	dag::Component,
};
use std::ops::Range;

/// Most parameters a model may have for this machine to lay it out: 4 TiB of f32.
const MAX_PARAMETERS: u128 = 1 << 40;

/// A tensor that a component must have: the contract for the content of a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TensorSpec {
	/// Its name in the container.
	pub name: String,
	/// Rows and columns, row-major. Products are `activation [1, rows] x tensor [rows, columns]`;
	/// vectors are `[1, width]`.
	pub shape: [usize; 2],
}

impl TensorSpec {
	fn new(name: impl Into<String>, rows: usize, columns: usize) -> Self {
		Self { name: name.into(), shape: [rows, columns] }
	}

	/// How many numbers it holds.
	pub fn len(&self) -> usize {
		self.shape[0] * self.shape[1]
	}

	/// Never true of a valid architecture.
	pub fn is_empty(&self) -> bool {
		self.len() == 0
	}

	/// Whether it scales a normalised vector, rather than multiplying as a matrix.
	pub fn is_norm(&self) -> bool {
		self.name.ends_with("norm")
	}

	/// Whether it is added to a product.
	pub fn is_bias(&self) -> bool {
		matches!(self.name.rsplit('.').next(), Some("bq" | "bk" | "bv"))
	}
}

/// The tensors of a component, in the order of its flat buffer.
///
/// With `q = heads x head_width` and `kv = kv_heads x head_width`:
///
/// | component | tensors |
/// | --- | --- |
/// | backbone | `embedding [vocabulary, d_model]`; for each layer those below, named `layers.{l}.` and then; `final_norm [1, d_model]`; `head [d_model, vocabulary]`, absent where it is tied to the embedding |
/// | of a layer | `attention_norm [1, d_model]`; `wq [d_model, q]`, `wk`, `wv [d_model, kv]`; with biases `bq [1, q]`, `bk`, `bv [1, kv]`; normed by head `q_norm`, `k_norm [1, head_width]`, by width `q_norm [1, q]`, `k_norm [1, kv]`; `wo [q, d_model]`; `expert_norm [1, d_model]`; with a shared expert `shared_w1`, `shared_w3 [d_model, shared_d_ff]`, `shared_w2 [shared_d_ff, d_model]`, `shared_gate [d_model, 1]` |
/// | router | `router [d_model, experts.current]` |
/// | expert | SwiGLU: `w1`, `w3 [d_model, d_ff]`, `w2 [d_ff, d_model]`; `y = (silu(x w1) * (x w3)) w2` |
///
/// # Errors
/// A component that the architecture does not have, or an architecture that is not valid.
pub fn component_tensors(
	architecture: &Architecture,
	component: Component,
) -> Result<Vec<TensorSpec>, ModelError> {
	architecture.validate()?;
	check_size(architecture)?;
	architecture.component_index(component).ok_or(ModelError::UnknownComponent(component))?;
	let (d, ff) = (architecture.d_model as usize, architecture.d_ff as usize);
	let vocabulary = architecture.vocabulary as usize;
	Ok(match component {
		Component::Backbone => {
			let mut specs = vec![TensorSpec::new("embedding", vocabulary, d)];
			for layer in 0..architecture.layers {
				specs.extend(layer_tensors(architecture).map(|(name, rows, columns)| {
					TensorSpec::new(format!("layers.{layer}.{name}"), rows, columns)
				}));
			}
			specs.push(TensorSpec::new("final_norm", 1, d));
			if !architecture.tied_head {
				specs.push(TensorSpec::new("head", d, vocabulary));
			}
			specs
		}
		Component::Router { .. } => vec![TensorSpec::new("router", d, architecture.experts.current.into())],
		Component::Expert { .. } => {
			vec![TensorSpec::new("w1", d, ff), TensorSpec::new("w3", d, ff), TensorSpec::new("w2", ff, d)]
		}
	})
}

/// The backbone's tensors of one layer: name, rows and columns, in their order.
fn layer_tensors(architecture: &Architecture) -> impl Iterator<Item = (&'static str, usize, usize)> {
	let d = architecture.d_model as usize;
	let (q, kv) = (architecture.query_width() as usize, architecture.kv_width() as usize);
	let width = usize::from(architecture.head_width);
	let mut tensors = vec![("attention_norm", 1, d), ("wq", d, q), ("wk", d, kv), ("wv", d, kv)];
	if architecture.qkv_bias {
		tensors.extend([("bq", 1, q), ("bk", 1, kv), ("bv", 1, kv)]);
	}
	match architecture.query_key_norm {
		QueryKeyNorm::None => (),
		QueryKeyNorm::Head => tensors.extend([("q_norm", 1, width), ("k_norm", 1, width)]),
		QueryKeyNorm::Width => tensors.extend([("q_norm", 1, q), ("k_norm", 1, kv)]),
	}
	tensors.extend([("wo", q, d), ("expert_norm", 1, d)]);
	if let Some(ff) = architecture.shared_d_ff {
		let ff = ff as usize;
		tensors.extend([
			("shared_w1", d, ff),
			("shared_w3", d, ff),
			("shared_w2", ff, d),
			("shared_gate", d, 1),
		]);
	}
	tensors.into_iter()
}

/// Refuses sizes whose products would not fit in an index, before any is computed.
fn check_size(architecture: &Architecture) -> Result<(), ModelError> {
	let Architecture { layers, experts, d_model, d_ff, vocabulary, context, .. } = *architecture;
	let (d, ff, layers) = (u128::from(d_model), u128::from(d_ff), u128::from(layers));
	let (q, kv) = (u128::from(architecture.query_width()), u128::from(architecture.kv_width()));
	let shared = architecture.shared_d_ff.map_or(0, |ff| 3 * d * u128::from(ff) + d);
	let attention = 2 * d * q + 2 * d * kv + 2 * (q + 2 * kv) + 2 * d;
	let per_layer = attention + shared + u128::from(experts.max) * (d + 3 * d * ff);
	let parameters = 2 * u128::from(vocabulary) * d + d + layers * per_layer;
	if parameters.max(u128::from(context) * d.max(q)) > MAX_PARAMETERS {
		return Err(ModelError::Config {
			field: "architecture",
			why: format!("has {parameters} parameters; at most {MAX_PARAMETERS} can be laid out"),
		});
	}
	Ok(())
}

/// Where one layer's tensors lie in the backbone's buffer.
#[derive(Debug)]
pub(crate) struct LayerRanges {
	pub attention_norm: Range<usize>,
	pub wq: Range<usize>,
	pub wk: Range<usize>,
	pub wv: Range<usize>,
	/// Of queries, keys and values.
	pub biases: Option<[Range<usize>; 3]>,
	/// Of queries and keys.
	pub norms: Option<[Range<usize>; 2]>,
	pub wo: Range<usize>,
	pub expert_norm: Range<usize>,
	pub shared: Option<SharedRanges>,
}

/// Where a layer's shared expert lies in the backbone's buffer.
#[derive(Debug)]
pub(crate) struct SharedRanges {
	pub expert: ExpertRanges,
	pub gate: Range<usize>,
}

/// Where the backbone's tensors lie in its buffer.
#[derive(Debug)]
pub(crate) struct BackboneRanges {
	pub embedding: Range<usize>,
	pub layers: Vec<LayerRanges>,
	pub final_norm: Range<usize>,
	/// `None` where the head is the embedding.
	pub head: Option<Range<usize>>,
}

/// Where an expert's tensors lie in its buffer.
#[derive(Debug)]
pub(crate) struct ExpertRanges {
	pub w1: Range<usize>,
	pub w3: Range<usize>,
	pub w2: Range<usize>,
}

/// Everything that follows from the architecture alone, computed once.
#[derive(Debug)]
pub(crate) struct Layout {
	pub architecture: Architecture,
	/// In the order of [`Architecture::components`]; a component's *slot* is its place here.
	pub components: Vec<Component>,
	/// By slot.
	pub tensors: Vec<Vec<TensorSpec>>,
	pub backbone: BackboneRanges,
	pub expert: ExpertRanges,
	/// Cosines of the rotary angles, `[context, head width / 2]`.
	pub cos: Vec<f32>,
	/// Sines of the same.
	pub sin: Vec<f32>,
}

impl Layout {
	pub fn new(architecture: Architecture) -> Result<Self, ModelError> {
		architecture.validate()?;
		check_size(&architecture)?;
		let components: Vec<Component> = architecture.components().collect();
		let tensors = components
			.iter()
			.map(|component| component_tensors(&architecture, *component))
			.collect::<Result<Vec<_>, _>>()?;

		let backbone = backbone_ranges(&architecture, &tensors[0])?;
		let (d, ff) = (architecture.d_model as usize, architecture.d_ff as usize);
		let expert = ExpertRanges { w1: 0..d * ff, w3: d * ff..2 * d * ff, w2: 2 * d * ff..3 * d * ff };

		let half = usize::from(architecture.head_width) / 2;
		let base = f64::from(architecture.rope_theta);
		let angles = (0..architecture.context as usize).flat_map(|position| {
			(0..half).map(move |i| position as f64 * base.powf(-(i as f64) / half as f64))
		});
		let (cos, sin) = angles.map(|angle| (angle.cos() as f32, angle.sin() as f32)).unzip();
		Ok(Self { architecture, components, tensors, backbone, expert, cos, sin })
	}

	/// Added to a mean square before its root is taken.
	pub fn norm_epsilon(&self) -> f32 {
		(f64::from(self.architecture.norm_epsilon) / f64::from(NORM_EPSILON_UNIT)) as f32
	}

	/// Numbers in the buffer of a slot.
	pub fn len(&self, slot: usize) -> usize {
		self.tensors[slot].iter().map(TensorSpec::len).sum()
	}

	pub fn router_slot(&self, layer: usize) -> usize {
		1 + layer * (1 + usize::from(self.architecture.experts.current))
	}

	pub fn expert_slot(&self, layer: usize, index: usize) -> usize {
		self.router_slot(layer) + 1 + index
	}

	/// The slot of a component.
	pub fn slot(&self, component: Component) -> Result<usize, ModelError> {
		self.architecture.component_index(component).ok_or(ModelError::UnknownComponent(component))?;
		Ok(match component {
			Component::Backbone => 0,
			Component::Router { layer } => self.router_slot(layer.into()),
			Component::Expert { layer, index } => self.expert_slot(layer.into(), index.into()),
		})
	}
}

/// Where the tensors of the backbone lie, by their names.
fn backbone_ranges(architecture: &Architecture, specs: &[TensorSpec]) -> Result<BackboneRanges, ModelError> {
	let mut at = 0;
	let places: std::collections::BTreeMap<&str, Range<usize>> = specs
		.iter()
		.map(|spec| {
			let range = at..at + spec.len();
			at = range.end;
			(spec.name.as_str(), range)
		})
		.collect();
	let find = |name: &str| places.get(name).cloned();
	let place = |name: &str| {
		find(name).ok_or_else(|| ModelError::Config {
			field: "architecture",
			why: format!("gives the backbone no tensor {name}"),
		})
	};
	let layer = |layer: u16| {
		let name = |tensor: &str| format!("layers.{layer}.{tensor}");
		let of = |tensor: &str| place(&name(tensor));
		Ok(LayerRanges {
			attention_norm: of("attention_norm")?,
			wq: of("wq")?,
			wk: of("wk")?,
			wv: of("wv")?,
			biases: match architecture.qkv_bias {
				true => Some([of("bq")?, of("bk")?, of("bv")?]),
				false => None,
			},
			norms: match architecture.query_key_norm {
				QueryKeyNorm::None => None,
				QueryKeyNorm::Head | QueryKeyNorm::Width => Some([of("q_norm")?, of("k_norm")?]),
			},
			wo: of("wo")?,
			expert_norm: of("expert_norm")?,
			shared: match architecture.shared_d_ff {
				Some(_) => Some(SharedRanges {
					expert: ExpertRanges { w1: of("shared_w1")?, w3: of("shared_w3")?, w2: of("shared_w2")? },
					gate: of("shared_gate")?,
				}),
				None => None,
			},
		})
	};
	Ok(BackboneRanges {
		embedding: place("embedding")?,
		layers: (0..architecture.layers).map(layer).collect::<Result<_, ModelError>>()?,
		final_norm: place("final_norm")?,
		head: find("head"),
	})
}

#[cfg(test)]
pub(crate) mod tests {
	use super::*;
	use blyan_primitives::architecture::{ExpertCount, Gating};

	pub(crate) fn tiny() -> Architecture {
		Architecture::byte_level(2, ExpertCount { min: 2, current: 3, max: 4 }, 2, 24, 20, 2, 16)
	}

	#[test]
	fn slots_should_be_the_places_of_components() {
		let layout = Layout::new(tiny()).unwrap();
		for (slot, component) in layout.components.iter().enumerate() {
			assert_eq!(layout.slot(*component).unwrap(), slot);
		}
	}

	/// Sizes like [`tiny`]'s, with everything that an architecture may have.
	pub(crate) fn rich() -> Architecture {
		Architecture {
			heads: 4,
			kv_heads: 2,
			head_width: 8,
			rope_theta: 1_000_000,
			norm_epsilon: 1_000,
			query_key_norm: QueryKeyNorm::Head,
			qkv_bias: true,
			qkv_clip_milli: Some(900),
			gating: Gating::All,
			shared_d_ff: Some(28),
			tied_head: true,
			..tiny()
		}
	}

	/// One architecture for each way in which they differ, and one for all at once.
	pub(crate) fn variants() -> Vec<(&'static str, Architecture)> {
		let wide = Architecture { heads: 4, kv_heads: 4, head_width: 8, ..tiny() };
		vec![
			("byte level", tiny()),
			("grouped heads", Architecture { kv_heads: 2, ..wide }),
			("one head of keys", Architecture { kv_heads: 1, ..wide }),
			("norm by head", Architecture { query_key_norm: QueryKeyNorm::Head, kv_heads: 2, ..wide }),
			("norm by width", Architecture { query_key_norm: QueryKeyNorm::Width, kv_heads: 2, ..wide }),
			("biases", Architecture { qkv_bias: true, ..wide }),
			("clip", Architecture { qkv_clip_milli: Some(700), ..wide }),
			("gates over all", Architecture { gating: Gating::All, ..tiny() }),
			("shared expert", Architecture { shared_d_ff: Some(28), ..tiny() }),
			("tied head", Architecture { tied_head: true, ..tiny() }),
			("theta and epsilon", Architecture { rope_theta: 500, norm_epsilon: 50_000_000, ..tiny() }),
			("all at once", rich()),
		]
	}

	#[test]
	fn ranges_should_cover_the_backbone_once_in_the_order_of_the_contract() {
		for (name, architecture) in variants() {
			let layout = Layout::new(architecture).unwrap();
			let ranges = &layout.backbone;
			let mut found = vec![ranges.embedding.clone()];
			for layer in &ranges.layers {
				let LayerRanges { attention_norm, wq, wk, wv, biases, norms, wo, expert_norm, shared } =
					layer;
				found.extend([attention_norm, wq, wk, wv].map(Range::clone));
				found.extend(biases.iter().flatten().chain(norms.iter().flatten()).cloned());
				found.extend([wo, expert_norm].map(Range::clone));
				found.extend(shared.iter().flat_map(|shared| {
					let SharedRanges { expert: ExpertRanges { w1, w3, w2 }, gate } = shared;
					[w1, w3, w2, gate].map(Range::clone)
				}));
			}
			found.push(ranges.final_norm.clone());
			found.extend(ranges.head.clone());
			assert!(found[0].start == 0 && found.windows(2).all(|w| w[0].end == w[1].start), "{name}");
			assert_eq!(found.last().unwrap().end, layout.len(0), "{name}");
			let lengths: Vec<usize> = layout.tensors[0].iter().map(TensorSpec::len).collect();
			assert_eq!(found.iter().map(Range::len).collect::<Vec<_>>(), lengths, "{name}");
			let mut at = 0;
			let experts = [&layout.expert.w1, &layout.expert.w3, &layout.expert.w2];
			for (spec, range) in layout.tensors[layout.expert_slot(0, 0)].iter().zip(experts) {
				assert_eq!(at..at + spec.len(), *range, "{name}: {}", spec.name);
				at += spec.len();
			}
		}
	}

	#[test]
	fn component_tensors_should_refuse_what_is_not_there() {
		let absent = Component::Expert { layer: 0, index: 3 };
		assert!(
			matches!(component_tensors(&tiny(), absent), Err(ModelError::UnknownComponent(c)) if c == absent)
		);
		let broken = Architecture { head_width: 5, ..tiny() };
		assert!(matches!(component_tensors(&broken, Component::Backbone), Err(ModelError::Architecture(_))));
	}
}
