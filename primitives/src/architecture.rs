//! The record that describes a Mixture-of-Experts model. Runtime and workers read the same one, so
//! nothing about a model is hard-coded anywhere else.

use crate::{cid::Cid, dag::Component};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most components a model may reserve: bounds the depth of the version tree to 20.
pub const MAX_COMPONENTS: u32 = 1 << 20;

/// How many experts each layer has, and may come to have.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ExpertCount {
	/// A layer never has fewer.
	pub min: u16,
	/// What each layer has now.
	pub current: u16,
	/// A layer never has more; component indices are reserved up to here, so adding experts moves none.
	pub max: u16,
}

/// How text becomes tokens.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Tokenizer {
	/// A token is a byte of UTF-8; the vocabulary has 256 entries.
	Bytes,
	/// A `tokenizer.json` of the `tokenizers` format.
	Content {
		/// The file.
		content: Cid,
		/// Its length, at least one.
		bytes: u64,
	},
}

/// What is normalised between the projections of attention and its rotary positions.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum QueryKeyNorm {
	/// Nothing (Mixtral, Qwen2-MoE).
	#[default]
	None,
	/// Each head of the queries and of the keys, with one weight of a head's width for all (Qwen3-MoE).
	Head,
	/// The queries and the keys, each over the width of all its heads (OLMoE).
	Width,
}

/// How the outputs of the experts that a token is routed to are weighted.
///
/// Taking the softmax over all experts, then the `top_k` largest, and dividing by their sum is the same
/// function as taking the softmax over the `top_k` highest scores: one value stands for both.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Default, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Gating {
	/// By the softmax over the chosen: weights add up to one (Mixtral; `norm_topk_prob` of the others).
	#[default]
	Chosen,
	/// By the softmax over all experts: what the others would have had is missing (Qwen2-MoE and OLMoE
	/// without `norm_topk_prob`).
	All,
}

/// A decoder-only transformer whose feed-forward blocks are routed experts.
///
/// One record for the byte-level model and for checkpoints of the Mixtral, Qwen2-MoE, Qwen3-MoE and OLMoE
/// families. Where each number stands in a Hugging Face `config.json`:
///
/// | field | `config.json` | left out of a file |
/// | --- | --- | --- |
/// | `layers` | `num_hidden_layers` | |
/// | `experts` | `num_local_experts` (Mixtral), `num_experts` | |
/// | `top_k` | `num_experts_per_tok` | |
/// | `d_model` | `hidden_size` | |
/// | `d_ff` | `intermediate_size` (Mixtral, OLMoE), `moe_intermediate_size` (Qwen) | |
/// | `heads` | `num_attention_heads` | |
/// | `vocabulary` | `vocab_size` | |
/// | `context` | `max_position_embeddings` | |
/// | `kv_heads` | `num_key_value_heads` | `heads` |
/// | `head_width` | `head_dim`, else `hidden_size / num_attention_heads` | `d_model / heads` |
/// | `rope_theta` | `rope_theta` | 10,000 |
/// | `norm_epsilon` | `rms_norm_eps` in units of 1e-9 | 10,000 |
/// | `query_key_norm` | by `model_type` | none |
/// | `qkv_bias` | `qkv_bias`; true in Qwen2-MoE if absent | false |
/// | `qkv_clip_milli` | `clip_qkv` in thousandths (OLMoE) | none |
/// | `gating` | `norm_topk_prob`; Mixtral always renormalises | chosen |
/// | `shared_d_ff` | `shared_expert_intermediate_size` (Qwen2-MoE) | none |
/// | `tied_head` | `tie_word_embeddings` | false |
///
/// Layers that are dense (`decoder_sparse_step` above 1, `mlp_only_layers`), scaled rotary positions and
/// sliding windows have no place in it.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(
	feature = "serde",
	derive(serde::Serialize, serde::Deserialize),
	serde(from = "file::ArchitectureFile")
)]
pub struct Architecture {
	/// Transformer layers.
	pub layers: u16,
	/// Experts in each layer.
	pub experts: ExpertCount,
	/// Experts that a token is routed to.
	pub top_k: u16,
	/// Width of the residual stream.
	pub d_model: u32,
	/// Hidden width of an expert.
	pub d_ff: u32,
	/// Attention heads of the queries.
	pub heads: u16,
	/// Tokens the tokenizer knows; rows of the embedding, which may be more.
	pub vocabulary: u32,
	/// Longest sequence, in tokens.
	pub context: u32,
	/// How text becomes tokens.
	pub tokenizer: Tokenizer,
	/// Heads of keys and values; divides `heads`. Query head `h` reads head `h * kv_heads / heads`.
	pub kv_heads: u16,
	/// Width of a head: even, for rotary positions turn pairs.
	pub head_width: u16,
	/// Base of the rotary positions' wavelengths.
	pub rope_theta: u32,
	/// Added to a mean square before its root is taken, in units of 1e-9.
	pub norm_epsilon: u32,
	/// What is normalised between projections and rotary positions.
	pub query_key_norm: QueryKeyNorm,
	/// Whether the projections to queries, keys and values add a bias.
	pub qkv_bias: bool,
	/// Queries, keys and values are cut to plus and minus this many thousandths, before rotary positions.
	pub qkv_clip_milli: Option<u32>,
	/// How experts' outputs are weighted.
	pub gating: Gating,
	/// Hidden width of an expert that every token visits, its output times the sigmoid of a gate. Its
	/// tensors belong to the backbone: it is trained with it, and routing does not concern it.
	pub shared_d_ff: Option<u32>,
	/// Whether the output head is the embedding, transposed.
	pub tied_head: bool,
}

/// Base of the rotary positions' wavelengths where nothing is said.
pub const DEFAULT_ROPE_THETA: u32 = 10_000;
/// 1e-5, in units of 1e-9.
pub const DEFAULT_NORM_EPSILON: u32 = 10_000;
/// One, in the units of [`Architecture::norm_epsilon`].
pub const NORM_EPSILON_UNIT: u32 = 1_000_000_000;

/// Which rule an [`Architecture`] breaks.
#[derive(
	Clone, Copy, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
pub enum ArchitectureError {
	/// A size is zero.
	ZeroSize,
	/// `min <= current <= max` does not hold, or `top_k` is above `min`.
	ExpertCount,
	/// `head_width` is zero or odd.
	HeadWidth,
	/// More components than [`MAX_COMPONENTS`] would be reserved.
	TooManyComponents,
	/// A byte tokenizer needs a vocabulary of 256.
	Vocabulary,
	/// `kv_heads` does not divide `heads`.
	KvHeads,
	/// `rope_theta` or `qkv_clip_milli` is zero, or `norm_epsilon` is zero or one and more.
	Constant,
}

impl core::fmt::Display for ArchitectureError {
	fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
		f.write_str(match self {
			Self::ZeroSize => "every size of an architecture must be at least one",
			Self::ExpertCount => "experts must satisfy top_k <= min <= current <= max",
			Self::HeadWidth => {
				"head_width must be even and at least two; where it is left out, heads must divide d_model into \
				 heads of such a width"
			}
			Self::TooManyComponents => "too many components",
			Self::Vocabulary => "a byte tokenizer needs a vocabulary of 256",
			Self::KvHeads => "kv_heads must divide heads",
			Self::Constant => {
				"rope_theta, norm_epsilon and qkv_clip_milli must be above zero, and norm_epsilon below 1,000,000,000"
			}
		})
	}
}

impl core::error::Error for ArchitectureError {}

/// The width of a head where nothing is said: zero, which no model may have, unless `heads` divide `d_model`.
const fn default_head_width(d_model: u32, heads: u16) -> u16 {
	match d_model.checked_div(heads as u32) {
		Some(width) if width <= u16::MAX as u32 && d_model.is_multiple_of(heads as u32) => width as u16,
		_ => 0,
	}
}

impl Architecture {
	/// A model whose tokens are bytes: a head of keys and values for each of the queries, heads that divide
	/// `d_model` (or the result is not valid), no biases, no shared expert, a head of its own.
	pub const fn byte_level(
		layers: u16,
		experts: ExpertCount,
		top_k: u16,
		d_model: u32,
		d_ff: u32,
		heads: u16,
		context: u32,
	) -> Self {
		Self {
			layers,
			experts,
			top_k,
			d_model,
			d_ff,
			heads,
			vocabulary: 256,
			context,
			tokenizer: Tokenizer::Bytes,
			kv_heads: heads,
			head_width: default_head_width(d_model, heads),
			rope_theta: DEFAULT_ROPE_THETA,
			norm_epsilon: DEFAULT_NORM_EPSILON,
			query_key_norm: QueryKeyNorm::None,
			qkv_bias: false,
			qkv_clip_milli: None,
			gating: Gating::Chosen,
			shared_d_ff: None,
			tied_head: false,
		}
	}

	/// Checks the rules that every model must keep.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn validate(&self) -> Result<(), ArchitectureError> {
		let Self { layers, experts, top_k, d_model, d_ff, heads, vocabulary, context, kv_heads, .. } = *self;
		if layers == 0
			|| top_k == 0
			|| d_model == 0
			|| d_ff == 0
			|| heads == 0
			|| vocabulary == 0
			|| context == 0
			|| kv_heads == 0
			|| self.shared_d_ff == Some(0)
			|| matches!(self.tokenizer, Tokenizer::Content { bytes: 0, .. })
		{
			return Err(ArchitectureError::ZeroSize);
		}
		if !(top_k <= experts.min && experts.min <= experts.current && experts.current <= experts.max) {
			return Err(ArchitectureError::ExpertCount);
		}
		if self.head_width == 0 || !self.head_width.is_multiple_of(2) {
			return Err(ArchitectureError::HeadWidth);
		}
		if !heads.is_multiple_of(kv_heads) {
			return Err(ArchitectureError::KvHeads);
		}
		if self.rope_theta == 0
			|| !(1..NORM_EPSILON_UNIT).contains(&self.norm_epsilon)
			|| self.qkv_clip_milli == Some(0)
		{
			return Err(ArchitectureError::Constant);
		}
		if self.tokenizer == Tokenizer::Bytes && vocabulary != 256 {
			return Err(ArchitectureError::Vocabulary);
		}
		match self.component_capacity() {
			Some(capacity) if capacity <= MAX_COMPONENTS => Ok(()),
			_ => Err(ArchitectureError::TooManyComponents),
		}
	}

	/// Width of the queries of all heads.
	pub fn query_width(&self) -> u32 {
		u32::from(self.heads).saturating_mul(self.head_width.into())
	}

	/// Width of the keys, and of the values, of all heads.
	pub fn kv_width(&self) -> u32 {
		u32::from(self.kv_heads).saturating_mul(self.head_width.into())
	}

	/// Component indices reserved: one backbone, then per layer one router and `experts.max` experts.
	pub fn component_capacity(&self) -> Option<u32> {
		let per_layer = u32::from(self.experts.max).checked_add(1)?;
		u32::from(self.layers).checked_mul(per_layer)?.checked_add(1)
	}

	/// Components that the model has now.
	pub fn component_count(&self) -> u32 {
		let per_layer = u32::from(self.experts.current).saturating_add(1);
		u32::from(self.layers).saturating_mul(per_layer).saturating_add(1)
	}

	/// The place of a component among the reserved indices, or `None` if the model does not have it.
	pub fn component_index(&self, component: Component) -> Option<u32> {
		match component {
			Component::Expert { index, .. } if index >= self.experts.current => None,
			_ => self.reserved_index(component),
		}
	}

	/// The place that is kept for a component, whether the model has it now or not; `None` if there is none.
	pub fn reserved_index(&self, component: Component) -> Option<u32> {
		let per_layer = u32::from(self.experts.max).checked_add(1)?;
		let base = |layer: u16| {
			(layer < self.layers)
				.then_some(layer)
				.and_then(|l| u32::from(l).checked_mul(per_layer)?.checked_add(1))
		};
		match component {
			Component::Backbone => Some(0),
			Component::Router { layer } => base(layer),
			Component::Expert { layer, index } if index < self.experts.max => {
				base(layer)?.checked_add(1)?.checked_add(index.into())
			}
			Component::Expert { .. } => None,
		}
	}

	/// Every component of the model, in the order of their indices.
	pub fn components(&self) -> impl Iterator<Item = Component> + '_ {
		core::iter::once(Component::Backbone).chain((0..self.layers).flat_map(move |layer| {
			core::iter::once(Component::Router { layer })
				.chain((0..self.experts.current).map(move |index| Component::Expert { layer, index }))
		}))
	}

	/// Depth of the Merkle tree over the reserved component indices.
	pub fn tree_depth(&self) -> u32 {
		let capacity = self.component_capacity().unwrap_or(MAX_COMPONENTS).max(1);
		capacity.checked_next_power_of_two().unwrap_or(MAX_COMPONENTS).trailing_zeros()
	}
}

/// An architecture as a person writes it: what follows from the rest, or is as usual, may be left out.
#[cfg(feature = "serde")]
mod file {
	use super::*;

	#[derive(serde::Deserialize)]
	#[serde(deny_unknown_fields)]
	pub(super) struct ArchitectureFile {
		layers: u16,
		experts: ExpertCount,
		top_k: u16,
		d_model: u32,
		d_ff: u32,
		heads: u16,
		vocabulary: u32,
		context: u32,
		tokenizer: Tokenizer,
		kv_heads: Option<u16>,
		head_width: Option<u16>,
		rope_theta: Option<u32>,
		norm_epsilon: Option<u32>,
		#[serde(default)]
		query_key_norm: QueryKeyNorm,
		#[serde(default)]
		qkv_bias: bool,
		qkv_clip_milli: Option<u32>,
		#[serde(default)]
		gating: Gating,
		shared_d_ff: Option<u32>,
		#[serde(default)]
		tied_head: bool,
	}

	impl From<ArchitectureFile> for Architecture {
		fn from(file: ArchitectureFile) -> Self {
			Self {
				layers: file.layers,
				experts: file.experts,
				top_k: file.top_k,
				d_model: file.d_model,
				d_ff: file.d_ff,
				heads: file.heads,
				vocabulary: file.vocabulary,
				context: file.context,
				tokenizer: file.tokenizer,
				kv_heads: file.kv_heads.unwrap_or(file.heads),
				head_width: file.head_width.unwrap_or(default_head_width(file.d_model, file.heads)),
				rope_theta: file.rope_theta.unwrap_or(DEFAULT_ROPE_THETA),
				norm_epsilon: file.norm_epsilon.unwrap_or(DEFAULT_NORM_EPSILON),
				query_key_norm: file.query_key_norm,
				qkv_bias: file.qkv_bias,
				qkv_clip_milli: file.qkv_clip_milli,
				gating: file.gating,
				shared_d_ff: file.shared_d_ff,
				tied_head: file.tied_head,
			}
		}
	}
}

#[cfg(test)]
pub(crate) mod tests {
	use super::*;
	use alloc::vec::Vec;

	pub(crate) fn small() -> Architecture {
		Architecture::byte_level(2, ExpertCount { min: 2, current: 4, max: 8 }, 2, 128, 256, 4, 128)
	}

	/// Every field away from its default.
	fn rich() -> Architecture {
		Architecture {
			vocabulary: 50_304,
			tokenizer: Tokenizer::Content {
				content: Cid { codec: crate::cid::CidCodec::DagPb, digest: [7; 32] },
				bytes: 2_000_000,
			},
			kv_heads: 2,
			head_width: 64,
			rope_theta: 1_000_000,
			norm_epsilon: 1_000,
			query_key_norm: QueryKeyNorm::Head,
			qkv_bias: true,
			qkv_clip_milli: Some(8_000),
			gating: Gating::All,
			shared_d_ff: Some(512),
			tied_head: true,
			..small()
		}
	}

	#[test]
	fn components_should_have_distinct_rising_indices_within_capacity() {
		let a = small();
		let indices: Vec<u32> = a.components().map(|c| a.component_index(c).unwrap()).collect();
		assert_eq!(indices.len() as u32, a.component_count());
		assert!(indices.windows(2).all(|w| w[0] < w[1]));
		assert!(indices.iter().all(|i| *i < a.component_capacity().unwrap()));
		assert_eq!(a.tree_depth(), 5, "19 reserved indices need 32 leaves");
	}

	#[test]
	fn component_index_should_refuse_what_is_not_there() {
		let a = small();
		assert_eq!(a.component_index(Component::Expert { layer: 0, index: 4 }), None);
		assert_eq!(a.component_index(Component::Router { layer: 2 }), None);
		assert_eq!(a.reserved_index(Component::Expert { layer: 0, index: 4 }), Some(6), "a place is kept");
		assert_eq!(a.reserved_index(Component::Expert { layer: 0, index: 8 }), None);
	}

	#[test]
	fn validate_should_name_the_broken_rule() {
		let check = |change: &dyn Fn(&mut Architecture)| {
			let mut a = small();
			change(&mut a);
			a.validate()
		};
		assert_eq!(check(&|_| ()), Ok(()));
		assert_eq!(check(&|a| a.layers = 0), Err(ArchitectureError::ZeroSize));
		assert_eq!(check(&|a| a.top_k = 3), Err(ArchitectureError::ExpertCount));
		assert_eq!(check(&|a| a.experts.current = 9), Err(ArchitectureError::ExpertCount));
		assert_eq!(check(&|a| a.kv_heads = 0), Err(ArchitectureError::ZeroSize));
		assert_eq!(check(&|a| a.shared_d_ff = Some(0)), Err(ArchitectureError::ZeroSize));
		assert_eq!(check(&|a| a.head_width = 0), Err(ArchitectureError::HeadWidth));
		assert_eq!(check(&|a| a.head_width = 33), Err(ArchitectureError::HeadWidth));
		assert_eq!(check(&|a| a.kv_heads = 3), Err(ArchitectureError::KvHeads));
		assert_eq!(check(&|a| a.kv_heads = 8), Err(ArchitectureError::KvHeads));
		assert_eq!(check(&|a| a.rope_theta = 0), Err(ArchitectureError::Constant));
		assert_eq!(check(&|a| a.norm_epsilon = 0), Err(ArchitectureError::Constant));
		assert_eq!(check(&|a| a.norm_epsilon = NORM_EPSILON_UNIT), Err(ArchitectureError::Constant));
		assert_eq!(check(&|a| a.qkv_clip_milli = Some(0)), Err(ArchitectureError::Constant));
		assert_eq!(check(&|a| a.vocabulary = 300), Err(ArchitectureError::Vocabulary));
		assert_eq!(
			check(&|a| {
				a.layers = u16::MAX;
				a.experts.max = u16::MAX;
			}),
			Err(ArchitectureError::TooManyComponents)
		);
	}

	#[test]
	fn byte_level_should_not_be_valid_when_heads_do_not_divide_the_width() {
		let with = |d_model, heads| {
			Architecture::byte_level(1, ExpertCount { min: 1, current: 1, max: 1 }, 1, d_model, 8, heads, 8)
				.validate()
		};
		assert_eq!(with(128, 4), Ok(()));
		assert_eq!(with(128, 3), Err(ArchitectureError::HeadWidth));
		assert_eq!(with(128, 128), Err(ArchitectureError::HeadWidth), "a width of one");
		assert_eq!(with(128, 0), Err(ArchitectureError::ZeroSize));
		assert_eq!(with(1 << 20, 1), Err(ArchitectureError::HeadWidth), "wider than can be told");
	}

	#[test]
	fn architecture_should_survive_its_encoding_within_its_bound() {
		assert_eq!(rich().validate(), Ok(()));
		for a in [small(), rich()] {
			let bytes = a.encode();
			assert!(bytes.len() <= Architecture::max_encoded_len());
			assert_eq!(Architecture::decode(&mut &bytes[..]), Ok(a));
		}
		assert_eq!(rich().encode().len(), Architecture::max_encoded_len(), "every option is given");
	}

	#[test]
	fn adding_experts_should_move_no_component() {
		let before = rich();
		let mut after = before;
		after.experts.current = 8;
		for component in before.components() {
			assert_eq!(before.component_index(component), after.component_index(component));
		}
	}

	#[cfg(feature = "serde")]
	#[test]
	fn architecture_should_fill_in_what_a_file_leaves_out_and_refuse_what_it_does_not_know() {
		let old = r#"{ "layers": 2, "experts": { "min": 2, "current": 4, "max": 8 }, "top_k": 2, "d_model": 128,
			"d_ff": 256, "heads": 4, "vocabulary": 256, "context": 128, "tokenizer": "bytes" }"#;
		assert_eq!(serde_json::from_str::<Architecture>(old).unwrap(), small());
		for a in [small(), rich()] {
			assert_eq!(serde_json::from_str::<Architecture>(&serde_json::to_string(&a).unwrap()).unwrap(), a);
		}
		let misspelt = old.replace("\"top_k\"", "\"kv_head\": 2, \"top_k\"");
		let error = serde_json::from_str::<Architecture>(&misspelt).unwrap_err().to_string();
		assert!(error.contains("kv_head"), "{error}");
	}
}
