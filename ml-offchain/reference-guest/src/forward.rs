//! The forward pass over a lot of windows, layer by layer.

use crate::{
	arithmetic::{add, add_scaled, clip, dot, exp_row, rms_norm, rotary, rotate, sigmoid},
	attention::{attend, Heads},
	evaluate::Window,
	experts::{choose, Expert, Hidden},
	input::Norm,
	places::{self, LayerPlaces, Places, BACKBONE},
	product::{panel_len, product, Matrix},
	Fault, Machine, Shape,
};

/// Rows whose hidden activations and logits are held at once.
const BLOCK: usize = 64;

/// Sizes as indices.
#[derive(Clone, Copy)]
struct Sizes {
	d: usize,
	ff: usize,
	/// Of the shared expert; zero where there is none.
	shared_ff: usize,
	heads: Heads,
	q: usize,
	kv: usize,
	experts: usize,
	top_k: usize,
	vocabulary: usize,
	epsilon: f32,
	clip: Option<f32>,
}

/// Shapes, with `n` the rows of a lot and `b` those of a block.
struct Buffers {
	/// The residual stream, `[n, d]`.
	stream: &'static mut [f32],
	/// It, normalised, `[n, d]`.
	normed: &'static mut [f32],
	/// `[n, heads x width]`.
	q: &'static mut [f32],
	/// `[n, kv_heads x width]`.
	k: &'static mut [f32],
	/// `[n, kv_heads x width]`.
	v: &'static mut [f32],
	/// `[n, heads x width]`.
	attended: &'static mut [f32],
	/// Of one row of attention, `[longest window]`.
	scores: &'static mut [f32],
	/// Of the router, `[n, experts]`.
	routing: &'static mut [f32],
	/// `[n, top_k]`.
	gates: &'static mut [f32],
	/// `[n, top_k]`.
	chosen: &'static mut [u32],
	/// Places in `chosen` that name the expert at hand, `[n]`.
	places: &'static mut [u32],
	/// What an expert reads, `[b, d]`.
	input: &'static mut [f32],
	/// `[b, the wider hidden width]`.
	h1: &'static mut [f32],
	/// `[b, the wider hidden width]`.
	h3: &'static mut [f32],
	/// What is added to the stream, `[b, d]`.
	output: &'static mut [f32],
	/// `[b, vocabulary]`.
	logits: &'static mut [f32],
	/// The tensors at hand.
	weights: &'static mut [f32],
	/// The norm or bias at hand.
	vector: &'static mut [f32],
	panel: &'static mut [f32],
	/// `[longest window, width / 2]`.
	cos: &'static mut [f32],
	/// `[longest window, width / 2]`.
	sin: &'static mut [f32],
}

/// A model's forward pass, and the memory for it.
pub(crate) struct Forward {
	shape: Shape,
	places: Places,
	sizes: Sizes,
	buffers: Buffers,
}

/// Reads a tensor into the beginning of `buffer`.
fn read<'a>(
	machine: &mut impl Machine,
	component: u32,
	offset: u64,
	buffer: &'a mut [f32],
	len: usize,
) -> Result<&'a [f32], Fault> {
	let numbers = &mut buffer[..len];
	machine.read(component, offset, numbers)?;
	Ok(numbers)
}

impl Forward {
	/// For lots of at most `rows` tokens, windows of at most `longest`.
	///
	/// # Errors
	/// [`Fault::Memory`].
	pub fn new(
		shape: &Shape,
		rows: usize,
		longest: usize,
		machine: &mut impl Machine,
	) -> Result<Self, Fault> {
		let places = Places::new(shape)?;
		let (n, longest) = (rows as u64, longest as u64);
		let b = n.min(BLOCK as u64);
		let (d, ff) = (u64::from(shape.d_model), u64::from(shape.d_ff));
		let shared_ff = shape.shared_d_ff.map_or(0, u64::from);
		let (q, kv) = (shape.query_width(), shape.kv_width());
		let (experts, top_k) = (u64::from(shape.experts), u64::from(shape.top_k));
		let (vocabulary, half) = (u64::from(shape.vocabulary), u64::from(shape.head_width) / 2);
		let hidden = ff.max(shared_ff);
		// Factors are below 2^32, so that a product of two fits; three need care.
		let expert =
			|ff: u64| (d * ff).checked_mul(3).and_then(|len| len.checked_add(d)).ok_or(Fault::Memory);
		let weights = expert(ff)?.max(expert(shared_ff)?).max(d * q).max(d * experts).max(d * vocabulary);
		let mut numbers =
			|rows: u64, columns: u64| machine.numbers(rows.checked_mul(columns).ok_or(Fault::Memory)?);
		let buffers = Buffers {
			stream: numbers(n, d)?,
			normed: numbers(n, d)?,
			q: numbers(n, q)?,
			k: numbers(n, kv)?,
			v: numbers(n, kv)?,
			attended: numbers(n, q)?,
			scores: numbers(1, longest)?,
			routing: numbers(n, experts)?,
			gates: numbers(n, top_k)?,
			input: numbers(b, d)?,
			h1: numbers(b, hidden)?,
			h3: numbers(b, hidden)?,
			output: numbers(b, d)?,
			logits: numbers(b, vocabulary)?,
			weights: numbers(1, weights)?,
			vector: numbers(1, d.max(q))?,
			panel: numbers(1, panel_len(d.max(q).max(hidden)))?,
			cos: numbers(longest, half)?,
			sin: numbers(longest, half)?,
			chosen: machine.indices(n.checked_mul(top_k).ok_or(Fault::Memory)?)?,
			places: machine.indices(n)?,
		};
		rotary(shape.rope_theta, half as usize, buffers.cos, buffers.sin);
		let sizes = Sizes {
			d: d as usize,
			ff: ff as usize,
			shared_ff: shared_ff as usize,
			heads: Heads {
				heads: shape.heads as usize,
				kv_heads: shape.kv_heads as usize,
				width: shape.head_width as usize,
			},
			q: q as usize,
			kv: kv as usize,
			experts: experts as usize,
			top_k: top_k as usize,
			vocabulary: vocabulary as usize,
			epsilon: shape.epsilon(),
			clip: shape.clip(),
		};
		Ok(Self { shape: *shape, places, sizes, buffers })
	}

	/// Adds to `nats` the losses of the windows' predictions, those not skipped: a window's sum at a time.
	///
	/// # Errors
	/// Those of reading.
	pub fn add_losses(
		&mut self,
		tokens: &[u32],
		windows: &[Window],
		nats: &mut f64,
		machine: &mut impl Machine,
	) -> Result<(), Fault> {
		let d = self.sizes.d;
		let rows: usize = windows.iter().map(|window| window.length).sum();
		let mut stream = self.buffers.stream.chunks_exact_mut(d);
		for window in windows {
			for (token, row) in tokens[window.start..][..window.length].iter().zip(&mut stream) {
				// Below 2^64: both are below 2^32.
				machine.read(BACKBONE, u64::from(*token) * d as u64, row)?;
			}
		}
		for layer in 0..self.shape.layers {
			let places = self.places.layer(layer);
			self.attention(&places, windows, rows, machine)?;
			self.experts(layer, &places, rows, machine)?;
		}
		self.normalise(self.places.final_norm, rows, machine)?;
		self.cross_entropies(tokens, windows, nats, machine)
	}

	/// Fills `normed` from the stream.
	fn normalise(&mut self, at: u64, rows: usize, machine: &mut impl Machine) -> Result<(), Fault> {
		let Self { sizes: s, buffers: b, .. } = self;
		let weight = read(machine, BACKBONE, at, b.vector, s.d)?;
		let normed = &mut b.normed[..rows * s.d];
		normed.copy_from_slice(&b.stream[..rows * s.d]);
		rms_norm(normed, weight, s.epsilon);
		Ok(())
	}

	fn attention(
		&mut self,
		at: &LayerPlaces,
		windows: &[Window],
		rows: usize,
		machine: &mut impl Machine,
	) -> Result<(), Fault> {
		self.normalise(at.attention_norm, rows, machine)?;
		let Self { sizes: s, buffers: b, .. } = self;
		let normed = &b.normed[..rows * s.d];
		let (q, k, v) = (&mut b.q[..rows * s.q], &mut b.k[..rows * s.kv], &mut b.v[..rows * s.kv]);
		for (at, out, width) in [(at.wq, &mut *q, s.q), (at.wk, &mut *k, s.kv), (at.wv, &mut *v, s.kv)] {
			let w = read(machine, BACKBONE, at, b.weights, s.d * width)?;
			product(normed, Matrix::new(w, s.d, width), out, b.panel);
		}
		if let Some(biases) = at.biases {
			for (at, x, width) in
				[(biases[0], &mut *q, s.q), (biases[1], &mut *k, s.kv), (biases[2], &mut *v, s.kv)]
			{
				let bias = read(machine, BACKBONE, at, b.vector, width)?;
				x.chunks_exact_mut(width).for_each(|row| add(bias, row));
			}
		}
		if let Some(norms) = at.norms {
			let [q_width, k_width] = match self.shape.query_key_norm {
				Norm::Width => [s.q, s.kv],
				_ => [s.heads.width; 2],
			};
			for (at, x, width) in [(norms[0], &mut *q, q_width), (norms[1], &mut *k, k_width)] {
				let weight = read(machine, BACKBONE, at, b.vector, width)?;
				rms_norm(x, weight, s.epsilon);
			}
		}
		if let Some(limit) = s.clip {
			for x in [&mut *q, &mut *k, &mut *v] {
				clip(x, limit);
			}
		}
		let half = s.heads.width / 2;
		let mut first = 0;
		for window in windows {
			let (from, to) = (first, first + window.length);
			for (x, width) in [(&mut *q, s.q), (&mut *k, s.kv)] {
				let angles = b.cos.chunks_exact(half).zip(b.sin.chunks_exact(half));
				for (x, (cos, sin)) in x[from * width..to * width].chunks_exact_mut(width).zip(angles) {
					rotate(x, cos, sin);
				}
			}
			attend(
				s.heads,
				&q[from * s.q..to * s.q],
				&k[from * s.kv..to * s.kv],
				&v[from * s.kv..to * s.kv],
				&mut b.attended[from * s.q..to * s.q],
				b.scores,
			);
			first = to;
		}
		let w = read(machine, BACKBONE, at.wo, b.weights, s.q * s.d)?;
		let attended = b.attended[..rows * s.q].chunks(BLOCK * s.q);
		for (attended, stream) in attended.zip(b.stream.chunks_mut(BLOCK * s.d)) {
			let output = &mut b.output[..attended.len() / s.q * s.d];
			product(attended, Matrix::new(w, s.q, s.d), output, b.panel);
			add(output, stream);
		}
		Ok(())
	}

	fn experts(
		&mut self,
		layer: u32,
		at: &LayerPlaces,
		rows: usize,
		machine: &mut impl Machine,
	) -> Result<(), Fault> {
		self.normalise(at.expert_norm, rows, machine)?;
		let Self { sizes: s, buffers: b, shape, .. } = self;
		let normed = &b.normed[..rows * s.d];
		let w = read(machine, places::router(shape, layer), 0, b.weights, s.d * s.experts)?;
		let routing = &mut b.routing[..rows * s.experts];
		product(normed, Matrix::new(w, s.d, s.experts), routing, b.panel);
		let (chosen, gates) = (&mut b.chosen[..rows * s.top_k], &mut b.gates[..rows * s.top_k]);
		let choices = chosen.chunks_exact_mut(s.top_k).zip(gates.chunks_exact_mut(s.top_k));
		for (scores, (chosen, gates)) in routing.chunks_exact_mut(s.experts).zip(choices) {
			choose(scores, shape.gating, chosen, gates);
		}
		for expert in 0..shape.experts {
			let mut visits = 0;
			for (place, _) in chosen.iter().enumerate().filter(|(_, chosen)| **chosen == expert) {
				b.places[visits] = place as u32;
				visits += 1;
			}
			if visits == 0 {
				continue;
			}
			let w = read(machine, places::expert(shape, layer, expert), 0, b.weights, 3 * s.d * s.ff)?;
			let w = Expert::new(w, s.d, s.ff);
			for places in b.places[..visits].chunks(BLOCK) {
				let input = &mut b.input[..places.len() * s.d];
				for (place, input) in places.iter().zip(input.chunks_exact_mut(s.d)) {
					input.copy_from_slice(&normed[*place as usize / s.top_k * s.d..][..s.d]);
				}
				let output = &mut b.output[..places.len() * s.d];
				let mut hidden = Hidden { h1: b.h1, h3: b.h3, panel: b.panel };
				w.forward(input, (s.d, s.ff), &mut hidden, output);
				for (place, output) in places.iter().zip(output.chunks_exact(s.d)) {
					let place = *place as usize;
					add_scaled(gates[place], output, &mut b.stream[place / s.top_k * s.d..][..s.d]);
				}
			}
		}
		if let Some(at) = at.shared {
			let w = read(machine, BACKBONE, at, b.weights, 3 * s.d * s.shared_ff + s.d)?;
			let (w, gate) = w.split_at(3 * s.d * s.shared_ff);
			let w = Expert::new(w, s.d, s.shared_ff);
			for (x, stream) in normed.chunks(BLOCK * s.d).zip(b.stream.chunks_mut(BLOCK * s.d)) {
				let output = &mut b.output[..x.len()];
				let mut hidden = Hidden { h1: b.h1, h3: b.h3, panel: b.panel };
				w.forward(x, (s.d, s.shared_ff), &mut hidden, output);
				let outputs = output.chunks_exact(s.d).zip(stream.chunks_exact_mut(s.d));
				for (x, (output, stream)) in x.chunks_exact(s.d).zip(outputs) {
					add_scaled(sigmoid(dot(x, gate)), output, stream);
				}
			}
		}
		Ok(())
	}

	/// From `normed`, which the head reads.
	fn cross_entropies(
		&mut self,
		tokens: &[u32],
		windows: &[Window],
		nats: &mut f64,
		machine: &mut impl Machine,
	) -> Result<(), Fault> {
		let Self { sizes: s, buffers: b, places, .. } = self;
		let w = read(machine, BACKBONE, places.head.unwrap_or(0), b.weights, s.d * s.vocabulary)?;
		let head = match places.head {
			Some(_) => Matrix::new(w, s.d, s.vocabulary),
			None => Matrix::transposed(w, s.d, s.vocabulary),
		};
		let mut first = 0;
		for window in windows {
			let mut sum = 0.0;
			let normed = &b.normed[(first + window.skipped) * s.d..(first + window.length) * s.d];
			let targets = &tokens[window.start + window.skipped + 1..=window.start + window.length];
			for (normed, targets) in normed.chunks(BLOCK * s.d).zip(targets.chunks(BLOCK)) {
				let logits = &mut b.logits[..targets.len() * s.vocabulary];
				product(normed, head, logits, b.panel);
				for (logits, target) in logits.chunks_exact_mut(s.vocabulary).zip(targets) {
					let picked = logits[*target as usize];
					let (max, total) = exp_row(logits);
					sum += libm::log(f64::from(total)) + f64::from(max) - f64::from(picked);
				}
			}
			*nats += sum;
			first += window.length;
		}
		Ok(())
	}
}
