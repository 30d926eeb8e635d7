//! The hand-derived path on the CPU: forward, backward and single-token steps in f32.
//!
//! Matrix products go to `gemm-f32`, everything else to the kernels in [`kernels`], each compiled
//! for several instruction sets and chosen at run time. One call computes on one thread; callers
//! run several at once and add results in a fixed order, which is why every result here is
//! bit-identical for any number of threads.

pub(crate) mod attention;
pub(crate) mod backward;
pub(crate) mod experts;
pub(crate) mod forward;
pub(crate) mod kernels;
pub(crate) mod matmul;
pub(crate) mod projections;
pub(crate) mod shared;
pub(crate) mod step;

use crate::{
	layout::{ExpertRanges, Layout},
	Weights,
};
use blyan_primitives::architecture::Gating;
use matmul::Mat;
use std::ops::Range;

/// Sizes as indices, and what else of the architecture every step asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
	pub d: usize,
	pub ff: usize,
	/// Hidden width of the shared expert; zero where there is none.
	pub shared_ff: usize,
	pub heads: usize,
	/// Heads of keys and values.
	pub kv_heads: usize,
	/// Width of a head.
	pub hw: usize,
	pub vocabulary: usize,
	pub layers: usize,
	pub experts: usize,
	pub top_k: usize,
	pub gating: Gating,
	/// Added to a mean square before its root is taken.
	pub epsilon: f32,
	/// Queries, keys and values are cut to plus and minus this.
	pub clip: Option<f32>,
}

impl Sizes {
	pub fn new(layout: &Layout) -> Self {
		let a = &layout.architecture;
		Self {
			d: a.d_model as usize,
			ff: a.d_ff as usize,
			shared_ff: a.shared_d_ff.unwrap_or_default() as usize,
			heads: a.heads.into(),
			kv_heads: a.kv_heads.into(),
			hw: a.head_width.into(),
			vocabulary: a.vocabulary as usize,
			layers: a.layers.into(),
			experts: a.experts.current.into(),
			top_k: a.top_k.into(),
			gating: a.gating,
			epsilon: layout.norm_epsilon(),
			clip: a.qkv_clip_milli.map(|milli| (f64::from(milli) / 1000.0) as f32),
		}
	}

	/// Width of the queries of all heads.
	pub fn q_width(&self) -> usize {
		self.heads * self.hw
	}

	/// Width of the keys, and of the values, of all heads.
	pub fn kv_width(&self) -> usize {
		self.kv_heads * self.hw
	}
}

/// The tensors of one layer outside its router and experts.
pub(crate) struct LayerView<'a> {
	pub attention_norm: &'a [f32],
	pub wq: &'a [f32],
	pub wk: &'a [f32],
	pub wv: &'a [f32],
	/// Of queries, keys and values.
	pub biases: Option<[&'a [f32]; 3]>,
	/// Of queries and keys.
	pub norms: Option<[&'a [f32]; 2]>,
	pub wo: &'a [f32],
	pub expert_norm: &'a [f32],
	pub shared: Option<SharedView<'a>>,
}

/// The tensors of one expert.
#[derive(Clone, Copy)]
pub(crate) struct ExpertView<'a> {
	pub w1: &'a [f32],
	pub w3: &'a [f32],
	pub w2: &'a [f32],
}

impl<'a> ExpertView<'a> {
	pub fn new(buffer: &'a [f32], ranges: &ExpertRanges) -> Self {
		let ExpertRanges { w1, w3, w2 } = ranges;
		Self { w1: &buffer[w1.clone()], w3: &buffer[w3.clone()], w2: &buffer[w2.clone()] }
	}
}

/// The tensors of a layer's shared expert.
#[derive(Clone, Copy)]
pub(crate) struct SharedView<'a> {
	pub expert: ExpertView<'a>,
	/// `[d]`.
	pub gate: &'a [f32],
}

/// The output head.
#[derive(Clone, Copy)]
pub(crate) enum HeadView<'a> {
	/// `[d, vocabulary]`.
	Own(&'a [f32]),
	/// The embedding, `[vocabulary, d]`.
	Embedding(&'a [f32]),
}

impl<'a> HeadView<'a> {
	/// As `[d, vocabulary]`.
	pub fn matrix(self, s: &Sizes) -> Mat<'a> {
		match self {
			Self::Own(head) => Mat::new(head, s.d, s.vocabulary),
			Self::Embedding(embedding) => Mat::new(embedding, s.vocabulary, s.d).t(),
		}
	}
}

impl Weights {
	pub(crate) fn embedding(&self) -> &[f32] {
		&self.buffers[0][self.layout.backbone.embedding.clone()]
	}

	pub(crate) fn final_norm(&self) -> &[f32] {
		&self.buffers[0][self.layout.backbone.final_norm.clone()]
	}

	pub(crate) fn head(&self) -> HeadView<'_> {
		match &self.layout.backbone.head {
			Some(range) => HeadView::Own(&self.buffers[0][range.clone()]),
			None => HeadView::Embedding(self.embedding()),
		}
	}

	pub(crate) fn layer(&self, layer: usize) -> LayerView<'_> {
		let (buffer, ranges) = (&self.buffers[0], &self.layout.backbone.layers[layer]);
		let of = |range: &Range<usize>| &buffer[range.clone()];
		LayerView {
			attention_norm: of(&ranges.attention_norm),
			wq: of(&ranges.wq),
			wk: of(&ranges.wk),
			wv: of(&ranges.wv),
			biases: ranges.biases.as_ref().map(|biases| biases.each_ref().map(of)),
			norms: ranges.norms.as_ref().map(|norms| norms.each_ref().map(of)),
			wo: of(&ranges.wo),
			expert_norm: of(&ranges.expert_norm),
			shared: ranges.shared.as_ref().map(|shared| SharedView {
				expert: ExpertView::new(buffer, &shared.expert),
				gate: of(&shared.gate),
			}),
		}
	}

	pub(crate) fn router(&self, layer: usize) -> &[f32] {
		&self.buffers[self.layout.router_slot(layer)]
	}
}

/// Gives `buffer` this length. What it holds afterwards is whatever was there: callers overwrite it.
pub(crate) fn fit<T: Copy + Default>(buffer: &mut Vec<T>, len: usize) {
	buffer.resize(len, T::default());
}
