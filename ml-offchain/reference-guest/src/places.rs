//! Where the tensors lie in their components: the order of `blyan_model::component_tensors`.

use crate::{input::Norm, Fault, Shape};

/// The backbone's place among the components.
pub(crate) const BACKBONE: u32 = 0;

/// Offsets of a layer's tensors in the backbone.
#[derive(Clone, Copy)]
pub(crate) struct LayerPlaces {
	pub attention_norm: u64,
	pub wq: u64,
	pub wk: u64,
	pub wv: u64,
	/// Of queries, keys and values.
	pub biases: Option<[u64; 3]>,
	/// Of queries and keys.
	pub norms: Option<[u64; 2]>,
	pub wo: u64,
	pub expert_norm: u64,
	/// Of `shared_w1`, which `shared_w3`, `shared_w2` and `shared_gate` follow.
	pub shared: Option<u64>,
}

/// Offsets of the backbone's tensors. The embedding comes first.
pub(crate) struct Places {
	/// Of the first layer.
	layer: LayerPlaces,
	/// Numbers of a layer in the backbone.
	stride: u64,
	pub final_norm: u64,
	/// `None` where the head is the embedding.
	pub head: Option<u64>,
}

/// Lays tensors one after another.
struct Cursor(Option<u64>);

impl Cursor {
	/// The offset of the next tensor.
	fn next(&mut self, rows: u64, columns: u64) -> Result<u64, Fault> {
		let at = self.0.ok_or(Fault::Memory)?;
		self.0 = rows.checked_mul(columns).and_then(|len| at.checked_add(len));
		Ok(at)
	}

	fn end(&self) -> Result<u64, Fault> {
		self.0.ok_or(Fault::Memory)
	}
}

impl Places {
	/// # Errors
	/// [`Fault::Memory`]: more numbers than can be counted.
	pub fn new(shape: &Shape) -> Result<Self, Fault> {
		let d = u64::from(shape.d_model);
		let vocabulary = u64::from(shape.vocabulary);
		let (q, kv, head) = (shape.query_width(), shape.kv_width(), u64::from(shape.head_width));
		let mut at = Cursor(Some(0));
		at.next(vocabulary, d)?;
		let first = at.end()?;
		let layer = LayerPlaces {
			attention_norm: at.next(1, d)?,
			wq: at.next(d, q)?,
			wk: at.next(d, kv)?,
			wv: at.next(d, kv)?,
			biases: match shape.qkv_bias {
				true => Some([at.next(1, q)?, at.next(1, kv)?, at.next(1, kv)?]),
				false => None,
			},
			norms: match shape.query_key_norm {
				Norm::None => None,
				Norm::Head => Some([at.next(1, head)?, at.next(1, head)?]),
				Norm::Width => Some([at.next(1, q)?, at.next(1, kv)?]),
			},
			wo: at.next(q, d)?,
			expert_norm: at.next(1, d)?,
			shared: match shape.shared_d_ff.map(u64::from) {
				Some(ff) => {
					let first = at.next(d, ff)?;
					at.next(d, ff)?;
					at.next(ff, d)?;
					at.next(d, 1)?;
					Some(first)
				}
				None => None,
			},
		};
		let stride = at.end()? - first;
		let layers = stride.checked_mul(shape.layers.into()).ok_or(Fault::Memory)?;
		let final_norm = first.checked_add(layers).ok_or(Fault::Memory)?;
		let head = final_norm.checked_add(d).ok_or(Fault::Memory)?;
		d.checked_mul(vocabulary).and_then(|len| head.checked_add(len)).ok_or(Fault::Memory)?;
		Ok(Self { layer, stride, final_norm, head: (!shape.tied_head).then_some(head) })
	}

	/// Offsets of a layer's tensors; `layer` is one of the shape's.
	pub fn layer(&self, layer: u32) -> LayerPlaces {
		let shift = self.stride * u64::from(layer);
		let LayerPlaces { attention_norm, wq, wk, wv, biases, norms, wo, expert_norm, shared } = self.layer;
		LayerPlaces {
			attention_norm: attention_norm + shift,
			wq: wq + shift,
			wk: wk + shift,
			wv: wv + shift,
			biases: biases.map(|biases| biases.map(|at| at + shift)),
			norms: norms.map(|norms| norms.map(|at| at + shift)),
			wo: wo + shift,
			expert_norm: expert_norm + shift,
			shared: shared.map(|at| at + shift),
		}
	}
}

/// The router's place among the components.
pub(crate) fn router(shape: &Shape, layer: u32) -> u32 {
	// At most 2^32 - 1: both are below 2^16.
	1 + layer * (1 + shape.experts)
}

/// An expert's place among the components.
pub(crate) fn expert(shape: &Shape, layer: u32, index: u32) -> u32 {
	router(shape, layer) + 1 + index
}
