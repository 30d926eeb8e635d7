//! Reading `config.json`: which family, and which architecture.

use crate::HfError;
use blyan_primitives::architecture::{
	Architecture, ExpertCount, Gating, QueryKeyNorm, Tokenizer, DEFAULT_ROPE_THETA, NORM_EPSILON_UNIT,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A family of checkpoints: how tensors are named, and what follows from that.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
	/// `model_type` "mixtral".
	Mixtral,
	/// `model_type` "qwen2_moe".
	Qwen2Moe,
	/// `model_type` "qwen3_moe".
	Qwen3Moe,
	/// `model_type` "olmoe".
	Olmoe,
}

/// What a person decides at import.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
	/// Longest sequence, in tokens, where it is to be less than the checkpoint's.
	pub context: Option<u32>,
	/// Experts that each layer may come to have: component indices are reserved for so many. Twice as many
	/// as there are, if nothing is said.
	pub max_experts: Option<u16>,
}

/// The fields of a `config.json`. What it leaves out has the default of the family's configuration class in
/// `transformers`, which does not write defaults.
struct Fields<'a>(&'a Map<String, Value>);

fn refuse<T>(field: &'static str, why: impl Into<String>) -> Result<T, HfError> {
	Err(HfError::Config { field, why: why.into() })
}

impl<'a> Fields<'a> {
	fn get(&self, field: &str) -> Option<&'a Value> {
		self.0.get(field).filter(|value| !value.is_null())
	}

	fn integer<T: TryFrom<u64>>(&self, field: &'static str) -> Result<Option<T>, HfError> {
		let Some(value) = self.get(field) else { return Ok(None) };
		match value.as_u64().and_then(|number| T::try_from(number).ok()) {
			Some(number) => Ok(Some(number)),
			None => refuse(field, format!("is {value}, which is no whole number in range")),
		}
	}

	fn needed<T: TryFrom<u64>>(&self, field: &'static str) -> Result<T, HfError> {
		self.integer(field)?.map_or_else(|| refuse(field, "is missing"), Ok)
	}

	fn boolean(&self, field: &'static str, default: bool) -> Result<bool, HfError> {
		match self.get(field) {
			None => Ok(default),
			Some(value) => value
				.as_bool()
				.map_or_else(|| refuse(field, format!("is {value}; it must be true or false")), Ok),
		}
	}

	/// A decimal as a whole number of units.
	fn in_units(&self, field: &'static str, units: f64) -> Result<Option<u32>, HfError> {
		let Some(value) = self.get(field) else { return Ok(None) };
		whole(field, value, units).map(Some)
	}
}

/// `value` times `units`, if that is a whole number that the record can hold.
fn whole(field: &'static str, value: &Value, units: f64) -> Result<u32, HfError> {
	let scaled = value.as_f64().map(|number| number * units);
	match scaled {
		Some(scaled)
			if (0.5..=f64::from(u32::MAX)).contains(&scaled)
				&& (scaled - scaled.round()).abs() <= 1e-6 * scaled =>
		{
			Ok(scaled.round() as u32)
		}
		_ => refuse(field, format!("is {value}, which is not a whole number of 1/{units}")),
	}
}

/// Reads a `config.json`. The tokenizer is not in it.
///
/// # Errors
/// [`HfError::Config`] with the field and what to do, [`HfError::Architecture`].
pub(crate) fn read(
	json: &Value,
	tokenizer: Tokenizer,
	options: Options,
) -> Result<(Family, Architecture), HfError> {
	let Some(object) = json.as_object() else { return refuse("", "is not a JSON object") };
	let fields = Fields(object);
	let family = match fields.get("model_type").and_then(Value::as_str) {
		Some("mixtral") => Family::Mixtral,
		Some("qwen2_moe") => Family::Qwen2Moe,
		Some("qwen3_moe") => Family::Qwen3Moe,
		Some("olmoe") => Family::Olmoe,
		other => {
			let found = other.unwrap_or("missing");
			return refuse(
				"model_type",
				format!("is {found}; mixtral, qwen2_moe, qwen3_moe and olmoe can be imported"),
			);
		}
	};
	let layers: u16 = fields.needed("num_hidden_layers")?;
	refuse_what_is_not_possible(&fields, family, layers)?;

	let experts: u16 = match fields.integer("num_local_experts")? {
		Some(experts) => experts,
		None => fields.needed("num_experts")?,
	};
	let max = options.max_experts.unwrap_or(experts.saturating_mul(2));
	if max < experts {
		return refuse("num_experts", format!("is {experts}; no fewer can be reserved than there are"));
	}
	let top_k: u16 = fields.needed("num_experts_per_tok")?;
	let (d_model, heads): (u32, u16) = (fields.needed("hidden_size")?, fields.needed("num_attention_heads")?);
	let head_width = match fields.integer("head_dim")? {
		Some(width) => width,
		None => match d_model.checked_div(heads.into()).map(u16::try_from) {
			Some(Ok(width)) if d_model.is_multiple_of(heads.into()) => width,
			_ => {
				return refuse("num_attention_heads", "does not divide hidden_size, and head_dim is missing")
			}
		},
	};
	let kv_heads = match (fields.integer("num_key_value_heads")?, family) {
		(Some(kv_heads), _) => kv_heads,
		(None, Family::Olmoe) => heads,
		(None, _) => return refuse("num_key_value_heads", "is missing"),
	};
	let context = fields.needed::<u32>("max_position_embeddings")?;
	let context = options.context.map_or(context, |wanted| wanted.min(context));
	refuse_windows_that_matter(&fields, family, context)?;

	let is_mixtral = family == Family::Mixtral;
	let norm_topk_prob = is_mixtral || fields.boolean("norm_topk_prob", false)?;
	let architecture = Architecture {
		layers,
		experts: ExpertCount { min: top_k, current: experts, max },
		top_k,
		d_model,
		d_ff: fields.needed(match family {
			Family::Mixtral | Family::Olmoe => "intermediate_size",
			Family::Qwen2Moe | Family::Qwen3Moe => "moe_intermediate_size",
		})?,
		heads,
		vocabulary: fields.needed("vocab_size")?,
		context,
		tokenizer,
		kv_heads,
		head_width,
		rope_theta: rope_theta(&fields, family)?,
		norm_epsilon: fields.in_units("rms_norm_eps", f64::from(NORM_EPSILON_UNIT))?.unwrap_or(
			match family {
				Family::Mixtral | Family::Olmoe => 10_000,
				Family::Qwen2Moe | Family::Qwen3Moe => 1_000,
			},
		),
		query_key_norm: match family {
			Family::Mixtral | Family::Qwen2Moe => QueryKeyNorm::None,
			Family::Qwen3Moe => QueryKeyNorm::Head,
			Family::Olmoe => QueryKeyNorm::Width,
		},
		qkv_bias: family == Family::Qwen2Moe && fields.boolean("qkv_bias", true)?,
		qkv_clip_milli: match family {
			Family::Olmoe => fields.in_units("clip_qkv", 1_000.0)?,
			_ => None,
		},
		gating: if norm_topk_prob { Gating::Chosen } else { Gating::All },
		shared_d_ff: match family {
			Family::Qwen2Moe => Some(fields.needed("shared_expert_intermediate_size")?),
			_ => None,
		},
		tied_head: fields.boolean("tie_word_embeddings", false)?,
	};
	architecture.validate()?;
	Ok((family, architecture))
}

/// At the top in older files, within `rope_parameters` in newer ones.
fn rope_theta(fields: &Fields<'_>, family: Family) -> Result<u32, HfError> {
	let parameters = fields.get("rope_parameters").and_then(|parameters| parameters.get("rope_theta"));
	match fields.get("rope_theta").or(parameters) {
		Some(theta) => whole("rope_theta", theta, 1.0),
		None if family == Family::Mixtral => Ok(1_000_000),
		None => Ok(DEFAULT_ROPE_THETA),
	}
}

fn refuse_what_is_not_possible(fields: &Fields<'_>, family: Family, layers: u16) -> Result<(), HfError> {
	match fields.get("hidden_act").map(|act| act.as_str()) {
		None | Some(Some("silu")) => {}
		Some(other) => {
			return refuse(
				"hidden_act",
				format!("is {}; experts here are SwiGLU: silu", other.unwrap_or("no text")),
			)
		}
	}
	for (field, name) in [("rope_scaling", "type"), ("rope_parameters", "rope_type")] {
		let Some(scaling) = fields.get(field) else { continue };
		let kind = scaling.get("rope_type").or(scaling.get(name)).and_then(Value::as_str);
		if !matches!(kind, None | Some("default")) {
			return refuse(
				field,
				format!(
					"asks for positions scaled by {}: only unscaled ones can be imported; remove it and lower \
					max_position_embeddings to what the model was trained with before scaling",
					kind.unwrap_or_default()
				),
			);
		}
		if let Some(factor) =
			scaling.get("partial_rotary_factor").filter(|factor| factor.as_f64() != Some(1.0))
		{
			return refuse(field, format!("turns only {factor} of each head: whole heads are turned here"));
		}
	}
	if fields.boolean("attention_bias", false)? {
		return refuse("attention_bias", "is true: biases are possible on queries, keys and values only");
	}
	if matches!(family, Family::Qwen2Moe | Family::Qwen3Moe) {
		if !matches!(fields.integer::<u32>("decoder_sparse_step")?, None | Some(1)) {
			return refuse(
				"decoder_sparse_step",
				"leaves layers without experts: every layer must have them",
			);
		}
		let dense = fields.get("mlp_only_layers").and_then(Value::as_array);
		if let Some(layer) = dense.and_then(|dense| {
			dense.iter().find(|layer| layer.as_u64().is_none_or(|layer| layer < u64::from(layers)))
		}) {
			return refuse("mlp_only_layers", format!("names layer {layer}: every layer must have experts"));
		}
	}
	if fields.get("quantization_config").is_some() {
		return refuse("quantization_config", "is there: import the checkpoint in bf16, f16 or f32");
	}
	Ok(())
}

/// A window of `w` hides nothing from sequences of `w` tokens and fewer.
fn refuse_windows_that_matter(fields: &Fields<'_>, family: Family, context: u32) -> Result<(), HfError> {
	let is_used = match family {
		Family::Mixtral | Family::Olmoe => true,
		Family::Qwen2Moe | Family::Qwen3Moe => fields.boolean("use_sliding_window", false)?,
	};
	match fields.integer::<u32>("sliding_window")? {
		Some(window) if is_used && window < context => refuse(
			"sliding_window",
			format!(
				"of {window} hides tokens from a context of {context}, which is not possible here: import with a \
				context of {window} at most"
			),
		),
		_ => Ok(()),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::cid::{Cid, CidCodec};
	use serde_json::json;

	const TOKENIZER: Tokenizer =
		Tokenizer::Content { content: Cid { codec: CidCodec::Raw, digest: [1; 32] }, bytes: 9 };

	/// As published with Mixtral-8x7B-v0.1.
	fn mixtral() -> Value {
		json!({ "model_type": "mixtral", "attention_dropout": 0.0, "hidden_act": "silu", "hidden_size": 4096,
			"intermediate_size": 14336, "max_position_embeddings": 32768, "num_attention_heads": 32,
			"num_experts_per_tok": 2, "num_hidden_layers": 32, "num_key_value_heads": 8, "num_local_experts": 8,
			"rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "sliding_window": null,
			"tie_word_embeddings": false, "vocab_size": 32000 })
	}

	/// As published with Qwen1.5-MoE-A2.7B.
	fn qwen2() -> Value {
		json!({ "model_type": "qwen2_moe", "decoder_sparse_step": 1, "hidden_act": "silu", "hidden_size": 2048,
			"intermediate_size": 5632, "max_position_embeddings": 8192, "max_window_layers": 21,
			"moe_intermediate_size": 1408, "norm_topk_prob": false, "num_attention_heads": 16, "num_experts": 60,
			"num_experts_per_tok": 4, "num_hidden_layers": 24, "num_key_value_heads": 16, "rms_norm_eps": 1e-06,
			"rope_theta": 1000000.0, "shared_expert_intermediate_size": 5632, "sliding_window": 32768,
			"tie_word_embeddings": false, "use_sliding_window": false, "vocab_size": 151936 })
	}

	fn changed(mut config: Value, field: &str, value: Value) -> Value {
		config[field] = value;
		config
	}

	fn read_as(config: &Value) -> Result<(Family, Architecture), HfError> {
		read(config, TOKENIZER, Options::default())
	}

	#[test]
	fn read_should_find_every_number_of_published_configurations() {
		let (family, a) = read_as(&mixtral()).unwrap();
		assert_eq!((family, a.layers, a.experts.current, a.experts.max), (Family::Mixtral, 32, 8, 16));
		assert_eq!((a.d_ff, a.kv_heads, a.head_width), (14336, 8, 128));
		assert_eq!((a.rope_theta, a.norm_epsilon, a.gating), (1_000_000, 10_000, Gating::Chosen));
		let (family, a) = read_as(&qwen2()).unwrap();
		assert_eq!((family, a.d_ff, a.shared_d_ff), (Family::Qwen2Moe, 1408, Some(5632)));
		assert_eq!((a.qkv_bias, a.gating, a.norm_epsilon), (true, Gating::All, 1_000));
		let options = Options { context: Some(1024), max_experts: Some(60) };
		let (_, a) = read(&qwen2(), TOKENIZER, options).unwrap();
		assert_eq!((a.context, a.experts.max), (1024, 60));
	}

	#[test]
	fn read_should_name_the_field_that_asks_for_what_is_not_possible() {
		let refused = |config: Value| match read_as(&config).unwrap_err() {
			HfError::Config { field, why } => {
				assert!(!why.is_empty());
				field
			}
			other => panic!("{other}"),
		};
		assert_eq!(refused(changed(mixtral(), "model_type", json!("llama"))), "model_type");
		assert_eq!(refused(changed(mixtral(), "hidden_act", json!("gelu"))), "hidden_act");
		assert_eq!(refused(changed(mixtral(), "sliding_window", json!(4096))), "sliding_window");
		assert_eq!(refused(changed(mixtral(), "rope_scaling", json!({ "type": "yarn" }))), "rope_scaling");
		let scaled = json!({ "rope_type": "linear", "rope_theta": 1e4 });
		assert_eq!(refused(changed(mixtral(), "rope_parameters", scaled)), "rope_parameters");
		assert_eq!(refused(changed(mixtral(), "hidden_size", json!(-1))), "hidden_size");
		assert_eq!(refused(changed(mixtral(), "hidden_size", Value::Null)), "hidden_size");
		assert_eq!(refused(changed(mixtral(), "rms_norm_eps", json!(1.5e-9))), "rms_norm_eps");
		assert_eq!(refused(changed(mixtral(), "rope_theta", json!(10000.5))), "rope_theta");
		assert_eq!(refused(changed(mixtral(), "num_key_value_heads", Value::Null)), "num_key_value_heads");
		assert_eq!(refused(changed(qwen2(), "decoder_sparse_step", json!(2))), "decoder_sparse_step");
		assert_eq!(refused(changed(qwen2(), "mlp_only_layers", json!([3]))), "mlp_only_layers");
		assert_eq!(refused(changed(qwen2(), "attention_bias", json!(true))), "attention_bias");
		assert_eq!(refused(changed(qwen2(), "quantization_config", json!({}))), "quantization_config");
		let windowed =
			changed(changed(qwen2(), "use_sliding_window", json!(true)), "sliding_window", json!(4096));
		assert_eq!(refused(windowed.clone()), "sliding_window");
		// The remedy that the message names.
		read(&windowed, TOKENIZER, Options { context: Some(4096), ..Options::default() }).unwrap();
		let uneven = changed(mixtral(), "num_key_value_heads", json!(5));
		assert!(matches!(read_as(&uneven), Err(HfError::Architecture(_))));
		assert!(matches!(read_as(&json!([1])), Err(HfError::Config { .. })));
	}
}
