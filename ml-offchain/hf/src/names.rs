//! What the tensors of each family are called, and where they belong.
//!
//! A checkpoint has its matrices as `[out, in]`, for `x W^T`; a component has them as `[in, out]`. The embedding
//! is the same in both.

use crate::{Family, HfError};
use blyan_model::{component_tensors, TensorSpec};
use blyan_primitives::{architecture::Architecture, dag::Component};
use std::collections::BTreeMap;

/// Where a tensor of a checkpoint belongs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
	pub component: Component,
	/// The tensor of the component.
	pub spec: TensorSpec,
	pub is_transposed: bool,
	/// Its shape in the checkpoint.
	pub shape: Vec<usize>,
}

/// A tensor of a component as it is in a checkpoint.
pub(crate) struct Source {
	pub name: String,
	pub is_transposed: bool,
}

/// What a checkpoint calls the output head; where it is tied, a checkpoint may have it still.
pub(crate) const HEAD: &str = "lm_head.weight";

/// What a tensor is called in a checkpoint; `None` for a name that no component has.
pub(crate) fn source(family: Family, component: Component, tensor: &str) -> Option<Source> {
	let matrix = |name: String| Some(Source { name, is_transposed: true });
	let plain = |name: String| Some(Source { name, is_transposed: false });
	match component {
		Component::Backbone => match tensor {
			"embedding" => plain("model.embed_tokens.weight".into()),
			"final_norm" => plain("model.norm.weight".into()),
			"head" => matrix(HEAD.into()),
			_ => {
				let (layer, tensor) = tensor.strip_prefix("layers.")?.split_once('.')?;
				let of = |name: &str| format!("model.layers.{layer}.{name}");
				match tensor {
					"attention_norm" => plain(of("input_layernorm.weight")),
					"wq" => matrix(of("self_attn.q_proj.weight")),
					"wk" => matrix(of("self_attn.k_proj.weight")),
					"wv" => matrix(of("self_attn.v_proj.weight")),
					"bq" => plain(of("self_attn.q_proj.bias")),
					"bk" => plain(of("self_attn.k_proj.bias")),
					"bv" => plain(of("self_attn.v_proj.bias")),
					"q_norm" => plain(of("self_attn.q_norm.weight")),
					"k_norm" => plain(of("self_attn.k_norm.weight")),
					"wo" => matrix(of("self_attn.o_proj.weight")),
					"expert_norm" => plain(of("post_attention_layernorm.weight")),
					"shared_w1" => matrix(of("mlp.shared_expert.gate_proj.weight")),
					"shared_w3" => matrix(of("mlp.shared_expert.up_proj.weight")),
					"shared_w2" => matrix(of("mlp.shared_expert.down_proj.weight")),
					"shared_gate" => matrix(of("mlp.shared_expert_gate.weight")),
					_ => None,
				}
			}
		},
		Component::Router { layer } => match family {
			Family::Mixtral => matrix(format!("model.layers.{layer}.block_sparse_moe.gate.weight")),
			_ => matrix(format!("model.layers.{layer}.mlp.gate.weight")),
		},
		Component::Expert { layer, index } => match family {
			Family::Mixtral => {
				matrix(format!("model.layers.{layer}.block_sparse_moe.experts.{index}.{tensor}.weight"))
			}
			_ => {
				let tensor = match tensor {
					"w1" => "gate_proj",
					"w3" => "up_proj",
					"w2" => "down_proj",
					_ => return None,
				};
				matrix(format!("model.layers.{layer}.mlp.experts.{index}.{tensor}.weight"))
			}
		},
	}
}

/// Every tensor that a checkpoint of the architecture has, by its name there.
///
/// # Errors
/// An architecture that is not valid, or has a tensor for which the family has no name.
pub(crate) fn places(
	family: Family,
	architecture: &Architecture,
) -> Result<BTreeMap<String, Place>, HfError> {
	let mut places = BTreeMap::new();
	for component in architecture.components() {
		for spec in component_tensors(architecture, component)? {
			let Some(Source { name, is_transposed }) = source(family, component, &spec.name) else {
				let why = format!("of {component} has no name in a checkpoint of {family:?}");
				return Err(HfError::Tensor { name: spec.name, why });
			};
			let [rows, columns] = spec.shape;
			let shape = match (is_transposed, rows) {
				(true, _) => vec![columns, rows],
				// A norm or a bias.
				(false, 1) => vec![columns],
				(false, _) => vec![rows, columns],
			};
			places.insert(name, Place { component, spec, is_transposed, shape });
		}
	}
	Ok(places)
}
