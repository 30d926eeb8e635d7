//! What the module reads: an architecture and the tokens of a shard, as words of 32 bits, little-endian.

use crate::Fault;

/// The first word. Another format has another.
const VERSION: u32 = 1;
const SHAPE_WORDS: usize = 17;
/// Words before the tokens.
pub const HEADER_WORDS: usize = 1 + SHAPE_WORDS + 3;

/// What is normalised between the projections of attention and its rotary positions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Norm {
	/// Nothing.
	None,
	/// Each head of the queries and of the keys.
	Head,
	/// The queries and the keys, each over all heads.
	Width,
}

/// Over which experts the softmax is taken that weighs their outputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gating {
	/// Those that the token is routed to.
	Chosen,
	/// All.
	All,
}

/// The sizes of a model, named and meant as the fields of `blyan_primitives::architecture::Architecture`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
	/// Transformer layers.
	pub layers: u32,
	/// Experts that each layer has now.
	pub experts: u32,
	/// Experts that a token is routed to.
	pub top_k: u32,
	/// Width of the residual stream.
	pub d_model: u32,
	/// Hidden width of an expert.
	pub d_ff: u32,
	/// Heads of the queries.
	pub heads: u32,
	/// Rows of the embedding.
	pub vocabulary: u32,
	/// Longest sequence, in tokens.
	pub context: u32,
	/// Heads of keys and values; divides `heads`.
	pub kv_heads: u32,
	/// Width of a head, even.
	pub head_width: u32,
	/// Base of the rotary positions' wavelengths.
	pub rope_theta: u32,
	/// Added to a mean square, in units of 1e-9.
	pub norm_epsilon: u32,
	/// What is normalised before rotary positions.
	pub query_key_norm: Norm,
	/// Whether queries, keys and values have biases.
	pub qkv_bias: bool,
	/// Queries, keys and values are cut to plus and minus this many thousandths.
	pub qkv_clip_milli: Option<u32>,
	/// How experts' outputs are weighted.
	pub gating: Gating,
	/// Hidden width of the shared expert.
	pub shared_d_ff: Option<u32>,
	/// Whether the output head is the embedding, transposed.
	pub tied_head: bool,
}

/// 1 in the units of [`Shape::norm_epsilon`].
const NORM_EPSILON_UNIT: u32 = 1_000_000_000;

impl Shape {
	/// Zero stands for an option that is not taken, which no option that is taken may be.
	fn to_words(self) -> [u32; SHAPE_WORDS] {
		let norm = match self.query_key_norm {
			Norm::None => 0,
			Norm::Head => 1,
			Norm::Width => 2,
		};
		let flags = u32::from(self.qkv_bias)
			| u32::from(self.tied_head) << 1
			| u32::from(self.gating == Gating::All) << 2;
		[
			self.layers,
			self.experts,
			self.top_k,
			self.d_model,
			self.d_ff,
			self.heads,
			self.vocabulary,
			self.context,
			self.kv_heads,
			self.head_width,
			self.rope_theta,
			self.norm_epsilon,
			norm,
			flags,
			self.qkv_clip_milli.unwrap_or(0),
			self.shared_d_ff.unwrap_or(0),
			// Kept for what architectures may come to have.
			0,
		]
	}

	fn from_words(words: &[u32; SHAPE_WORDS]) -> Result<Self, Fault> {
		let [layers, experts, top_k, d_model, d_ff, heads, vocabulary, context, kv_heads, head_width, rope_theta, norm_epsilon, norm, flags, clip, shared, kept] =
			*words;
		let shape = Self {
			layers,
			experts,
			top_k,
			d_model,
			d_ff,
			heads,
			vocabulary,
			context,
			kv_heads,
			head_width,
			rope_theta,
			norm_epsilon,
			query_key_norm: match norm {
				0 => Norm::None,
				1 => Norm::Head,
				2 => Norm::Width,
				_ => return Err(Fault::Architecture),
			},
			qkv_bias: flags & 1 != 0,
			tied_head: flags & 2 != 0,
			gating: if flags & 4 != 0 { Gating::All } else { Gating::Chosen },
			qkv_clip_milli: (clip > 0).then_some(clip),
			shared_d_ff: (shared > 0).then_some(shared),
		};
		let sizes = [
			layers, experts, top_k, d_model, d_ff, heads, vocabulary, context, kv_heads, head_width,
			rope_theta,
		];
		let valid = kept == 0
			&& flags < 8
			&& sizes.iter().all(|size| *size > 0)
			&& top_k <= experts
			&& head_width % 2 == 0
			&& heads % kv_heads == 0
			&& (1..NORM_EPSILON_UNIT).contains(&norm_epsilon)
			// As wide as an architecture can tell: sums of their products fit in 64 bits.
			&& [layers, experts, heads, head_width].iter().all(|size| *size <= u32::from(u16::MAX));
		if valid {
			Ok(shape)
		} else {
			Err(Fault::Architecture)
		}
	}

	/// Width of the queries of all heads.
	pub(crate) fn query_width(&self) -> u64 {
		u64::from(self.heads) * u64::from(self.head_width)
	}

	/// Width of the keys, and of the values, of all heads.
	pub(crate) fn kv_width(&self) -> u64 {
		u64::from(self.kv_heads) * u64::from(self.head_width)
	}

	/// Added to a mean square before its root is taken.
	pub(crate) fn epsilon(&self) -> f32 {
		(f64::from(self.norm_epsilon) / f64::from(NORM_EPSILON_UNIT)) as f32
	}

	/// Queries, keys and values are cut to plus and minus this.
	pub(crate) fn clip(&self) -> Option<f32> {
		self.qkv_clip_milli.map(|milli| (f64::from(milli) / 1000.0) as f32)
	}
}

/// A model and a shard of text as its tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Input<'a> {
	/// The model.
	pub shape: Shape,
	/// Bytes of text that all tokens but the first stand for.
	pub predicted_bytes: u64,
	/// The shard, at least two tokens.
	pub tokens: &'a [u32],
}

impl<'a> Input<'a> {
	/// The words before the tokens. There are fewer than 2^32 tokens: the host's duty.
	pub fn header(&self) -> [u32; HEADER_WORDS] {
		let mut header = [0; HEADER_WORDS];
		header[0] = VERSION;
		header[1..=SHAPE_WORDS].copy_from_slice(&self.shape.to_words());
		header[HEADER_WORDS - 3] = self.predicted_bytes as u32;
		header[HEADER_WORDS - 2] = (self.predicted_bytes >> 32) as u32;
		header[HEADER_WORDS - 1] = self.tokens.len() as u32;
		header
	}

	/// Reads and checks all of it.
	///
	/// # Errors
	/// The first [`Fault`] that is found.
	pub fn parse(words: &'a [u32]) -> Result<Self, Fault> {
		let (header, tokens) = words.split_at_checked(HEADER_WORDS).ok_or(Fault::Length)?;
		let (first, rest) = header.split_first().ok_or(Fault::Length)?;
		if *first != VERSION {
			return Err(Fault::Version);
		}
		let (shape, rest) = rest.split_first_chunk().ok_or(Fault::Length)?;
		let shape = Shape::from_words(shape)?;
		let [low, high, count] = *rest else { return Err(Fault::Length) };
		if tokens.len() as u64 != u64::from(count) {
			return Err(Fault::Length);
		}
		let predicted_bytes = u64::from(high) << 32 | u64::from(low);
		if count < 2 || predicted_bytes == 0 {
			return Err(Fault::TooShort);
		}
		if tokens.iter().any(|token| *token >= shape.vocabulary) {
			return Err(Fault::Token);
		}
		Ok(Self { shape, predicted_bytes, tokens })
	}
}
