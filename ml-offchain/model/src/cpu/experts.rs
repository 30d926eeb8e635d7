//! Routing, and the experts that tokens are routed to: each computes its own rows only.

use super::{
	fit,
	kernels::{add, axpy, softmax, swiglu, swiglu_backward},
	matmul::{matmul, Mat, MatMut},
	Sizes,
};
use crate::{cap::Quota, ModelError, Weights};
use blyan_primitives::architecture::Gating;

/// Chooses the `gates.len()` experts of the highest score, and weighs them by softmax over those or over
/// all; the latter leaves the probabilities of all in `scores`.
///
/// Among equal scores the lower index comes first. A score that is NaN makes the gates NaN, so that
/// it shows in the loss.
pub(crate) fn choose(scores: &mut [f32], gating: Gating, chosen: &mut [u32], gates: &mut [f32]) {
	pick(scores, chosen, |_| false);
	weigh(scores, gating, chosen, gates);
}

/// Chooses the `chosen.len()` experts of the highest score, best first; of those that are barred only when
/// there are no others left, behind them.
pub(crate) fn pick(scores: &[f32], chosen: &mut [u32], is_barred: impl Fn(u32) -> bool) {
	for place in 0..chosen.len() {
		let (taken, rest) = chosen.split_at_mut(place);
		let best = |barred: bool| {
			let mut best: Option<usize> = None;
			for (expert, score) in scores.iter().enumerate() {
				let index = expert as u32;
				if is_barred(index) == barred
					&& !taken.contains(&index)
					&& best.is_none_or(|best| *score > scores[best])
				{
					best = Some(expert);
				}
			}
			best
		};
		// There are at least `top_k` experts: an architecture's rule.
		rest[0] = best(false).or_else(|| best(true)).unwrap_or_default() as u32;
	}
}

/// Weighs the chosen experts as [`choose`] says.
pub(crate) fn weigh(scores: &mut [f32], gating: Gating, chosen: &[u32], gates: &mut [f32]) {
	for (gate, expert) in gates.iter_mut().zip(chosen) {
		*gate = scores[*expert as usize];
	}
	match gating {
		Gating::Chosen => softmax(gates, gates.len()),
		Gating::All => {
			softmax(scores, scores.len());
			for (gate, expert) in gates.iter_mut().zip(chosen) {
				*gate = scores[*expert as usize];
			}
		}
	}
}

/// How tokens were routed: what the backward pass needs of the router.
#[derive(Default)]
pub(crate) struct Routing {
	/// Probability of each expert for each token, over all experts: `[tokens, experts]`.
	pub probabilities: Vec<f32>,
	/// `[tokens, top_k]`.
	pub chosen: Vec<u32>,
	/// `[tokens, top_k]`.
	pub gates: Vec<f32>,
	/// Pairs (token, place among its chosen), grouped by expert, in order of token.
	pub rows: Vec<(u32, u32)>,
	/// Where each expert's group begins; one more than there are experts.
	pub starts: Vec<usize>,
}

impl Routing {
	/// Routes `tokens` by the scores in `probabilities`, which become probabilities. A quota is that of the
	/// layer `layer`, and the tokens are a sequence that goes on.
	fn route(&mut self, s: &Sizes, tokens: usize, layer: usize, mut quota: Option<&mut Quota>) {
		let Self { probabilities, chosen, gates, rows, starts } = self;
		fit(chosen, tokens * s.top_k);
		fit(gates, tokens * s.top_k);
		fit(rows, tokens * s.top_k);
		let places = chosen.chunks_exact_mut(s.top_k).zip(gates.chunks_exact_mut(s.top_k));
		for (scores, (chosen, gates)) in probabilities.chunks_exact_mut(s.experts).zip(places) {
			match &mut quota {
				Some(quota) => quota.choose(layer, scores, s.gating, chosen, gates),
				None => choose(scores, s.gating, chosen, gates),
			}
		}
		if s.gating == Gating::Chosen {
			softmax(probabilities, s.experts);
		}

		starts.clear();
		starts.resize(s.experts + 1, 0);
		for expert in chosen.iter() {
			starts[*expert as usize + 1] += 1;
		}
		for expert in 0..s.experts {
			starts[expert + 1] += starts[expert];
		}
		let mut next = starts.clone();
		for (i, expert) in chosen.iter().enumerate() {
			let at = &mut next[*expert as usize];
			rows[*at] = ((i / s.top_k) as u32, (i % s.top_k) as u32);
			*at += 1;
		}
	}

	/// The load-balancing loss of Switch Transformers, `experts x sum(share of the routed x mean
	/// probability)`: one when even.
	pub fn imbalance(&self, s: &Sizes) -> f64 {
		let tokens = self.chosen.len() / s.top_k;
		let mut means = vec![0.0f64; s.experts];
		for probabilities in self.probabilities.chunks_exact(s.experts) {
			for (mean, p) in means.iter_mut().zip(probabilities) {
				*mean += f64::from(*p) / tokens as f64;
			}
		}
		let shares = self.starts.windows(2).map(|w| (w[1] - w[0]) as f64 / self.chosen.len() as f64);
		s.experts as f64 * shares.zip(means).map(|(share, mean)| share * mean).sum::<f64>()
	}
}

/// What a layer's experts computed.
#[derive(Default)]
pub(crate) struct ExpertTape {
	pub routing: Routing,
	/// Inputs grouped by expert, `[tokens x top_k, d]`.
	inputs: Vec<f32>,
	/// `inputs x w1` and `inputs x w3`, `[tokens x top_k, ff]`.
	h1: Vec<f32>,
	h3: Vec<f32>,
}

/// Buffers that are spent within one call.
#[derive(Default)]
pub(crate) struct ExpertScratch {
	wide: Vec<f32>,
	narrow: Vec<f32>,
	gates: Vec<f32>,
	dgates: Vec<f32>,
}

/// Routes `x [tokens, d]`, and has the experts that it is routed to loaded. With a quota, `x` is a sequence.
pub(crate) fn route(
	weights: &Weights,
	s: &Sizes,
	layer: usize,
	x: &[f32],
	routing: &mut Routing,
	quota: Option<&mut Quota>,
) {
	let tokens = x.len() / s.d;
	fit(&mut routing.probabilities, tokens * s.experts);
	matmul(
		MatMut::new(&mut routing.probabilities, tokens, s.experts),
		Mat::new(x, tokens, s.d),
		Mat::new(weights.router(layer), s.d, s.experts),
		1.0,
		false,
	);
	routing.route(s, tokens, layer, quota);
	let is_visited = |expert: &usize| routing.starts[*expert] < routing.starts[*expert + 1];
	weights.expect(layer, (0..s.experts).filter(is_visited));
}

/// `stream += experts(x)` for `x [tokens, d]`, routed as [`route`] left it in the tape.
pub(crate) fn forward(
	weights: &Weights,
	s: &Sizes,
	layer: usize,
	x: &[f32],
	stream: &mut [f32],
	tape: &mut ExpertTape,
	scratch: &mut ExpertScratch,
) -> Result<(), ModelError> {
	let (d, ff) = (s.d, s.ff);
	let tokens = x.len() / d;
	let ExpertTape { routing, inputs, h1, h3 } = tape;
	fit(inputs, tokens * s.top_k * d);
	fit(h1, tokens * s.top_k * ff);
	fit(h3, tokens * s.top_k * ff);
	for ((token, _), input) in routing.rows.iter().zip(inputs.chunks_exact_mut(d)) {
		input.copy_from_slice(&x[*token as usize * d..][..d]);
	}
	for expert in 0..s.experts {
		let (from, to) = (routing.starts[expert], routing.starts[expert + 1]);
		let rows = to - from;
		if rows == 0 {
			continue;
		}
		let held = weights.expert(layer, expert)?;
		let w = held.view();
		let input = Mat::new(&inputs[from * d..to * d], rows, d);
		let (h1, h3) = (&mut h1[from * ff..to * ff], &mut h3[from * ff..to * ff]);
		matmul(MatMut::new(h1, rows, ff), input, Mat::new(w.w1, d, ff), 1.0, false);
		matmul(MatMut::new(h3, rows, ff), input, Mat::new(w.w3, d, ff), 1.0, false);
		fit(&mut scratch.wide, rows * ff);
		fit(&mut scratch.narrow, rows * d);
		swiglu(h1, h3, &mut scratch.wide);
		matmul(
			MatMut::new(&mut scratch.narrow, rows, d),
			Mat::new(&scratch.wide, rows, ff),
			Mat::new(w.w2, ff, d),
			1.0,
			false,
		);
		for ((token, place), y) in routing.rows[from..to].iter().zip(scratch.narrow.chunks_exact(d)) {
			let gate = routing.gates[*token as usize * s.top_k + *place as usize];
			axpy(gate, y, &mut stream[*token as usize * d..][..d]);
		}
	}
	Ok(())
}

/// What the backward pass of one layer's experts adds to.
pub(crate) struct ExpertGradients<'a> {
	/// By slot of the model; `None` where frozen.
	pub buffers: &'a mut [Option<Vec<f32>>],
	/// Gradient of the input, `[tokens, d]`; `None` where nothing below is trained.
	pub dx: Option<&'a mut [f32]>,
	/// Weight of the load-balancing loss, already divided by what a mean over tokens divides by.
	pub balance: f32,
}

/// Gradients for the gradient `dstream` of the output. Spends what `tape` keeps.
#[allow(clippy::too_many_arguments)]
pub(crate) fn backward(
	weights: &Weights,
	s: &Sizes,
	layer: usize,
	x: &[f32],
	dstream: &[f32],
	tape: &mut ExpertTape,
	scratch: &mut ExpertScratch,
	gradients: ExpertGradients<'_>,
) -> Result<(), ModelError> {
	let (d, ff, k) = (s.d, s.ff, s.top_k);
	let tokens = x.len() / d;
	let layout = &weights.layout;
	let ExpertTape { routing, inputs, h1, h3 } = tape;
	let ExpertGradients { buffers, mut dx, balance } = gradients;
	let ExpertScratch { wide, narrow, gates, dgates: by_place } = scratch;
	fit(by_place, tokens * k);

	for expert in 0..s.experts {
		let (from, to) = (routing.starts[expert], routing.starts[expert + 1]);
		let rows = to - from;
		if rows == 0 {
			continue;
		}
		let held = weights.expert(layer, expert)?;
		let w = held.view();
		let group = &routing.rows[from..to];
		let place_of = |(token, place): &(u32, u32)| *token as usize * k + *place as usize;
		fit(narrow, rows * d);
		fit(wide, rows * ff);
		// The gates of the group, then room for their gradients.
		fit(gates, 2 * rows);
		let (group_gates, group_dgates) = gates.split_at_mut(rows);
		for (row, (gate, dy)) in group.iter().zip(group_gates.iter_mut().zip(narrow.chunks_exact_mut(d))) {
			*gate = routing.gates[place_of(row)];
			dy.copy_from_slice(&dstream[row.0 as usize * d..][..d]);
		}
		let (h1, h3) = (&mut h1[from * ff..to * ff], &mut h3[from * ff..to * ff]);
		let dy = Mat::new(narrow, rows, d);
		matmul(MatMut::new(wide, rows, ff), dy, Mat::new(w.w2, ff, d).t(), 1.0, false);
		swiglu_backward(h1, h3, wide, group_gates, group_dgates, ff);
		for (row, dgate) in group.iter().zip(group_dgates.iter()) {
			by_place[place_of(row)] = *dgate;
		}
		if let Some(buffer) = &mut buffers[layout.expert_slot(layer, expert)] {
			let input = Mat::new(&inputs[from * d..to * d], rows, d).t();
			let ranges = &layout.expert;
			let w1 = MatMut::new(&mut buffer[ranges.w1.clone()], d, ff);
			matmul(w1, input, Mat::new(h1, rows, ff), 1.0, true);
			let w3 = MatMut::new(&mut buffer[ranges.w3.clone()], d, ff);
			matmul(w3, input, Mat::new(h3, rows, ff), 1.0, true);
			let w2 = MatMut::new(&mut buffer[ranges.w2.clone()], ff, d);
			matmul(w2, Mat::new(wide, rows, ff).t(), dy, 1.0, true);
		}
		if let Some(dx) = dx.as_deref_mut() {
			matmul(
				MatMut::new(narrow, rows, d),
				Mat::new(h1, rows, ff),
				Mat::new(w.w1, d, ff).t(),
				1.0,
				false,
			);
			matmul(
				MatMut::new(narrow, rows, d),
				Mat::new(h3, rows, ff),
				Mat::new(w.w3, d, ff).t(),
				1.0,
				true,
			);
			for ((token, _), dinput) in group.iter().zip(narrow.chunks_exact(d)) {
				add(dinput, &mut dx[*token as usize * d..][..d]);
			}
		}
	}

	let trained = &mut buffers[layout.router_slot(layer)];
	if trained.is_none() && dx.is_none() {
		return Ok(());
	}
	router_gradients(s, routing, by_place, balance);
	let dscores = Mat::new(&routing.probabilities, tokens, s.experts);
	if let Some(buffer) = trained {
		matmul(MatMut::new(buffer, d, s.experts), Mat::new(x, tokens, d).t(), dscores, 1.0, true);
	}
	if let Some(dx) = dx {
		let router = Mat::new(weights.router(layer), d, s.experts);
		matmul(MatMut::new(dx, tokens, d), dscores, router.t(), 1.0, true);
	}
	Ok(())
}

/// Writes the gradient of the router's scores over `routing.probabilities`.
fn router_gradients(s: &Sizes, routing: &mut Routing, dgates: &[f32], balance: f32) {
	let pull: Vec<f32> = routing
		.starts
		.windows(2)
		.map(|w| balance * s.experts as f32 * (w[1] - w[0]) as f32 / routing.chosen.len() as f32)
		.collect();
	let places = routing.chosen.chunks_exact(s.top_k).zip(routing.gates.chunks_exact(s.top_k));
	let rows = routing.probabilities.chunks_exact_mut(s.experts).zip(dgates.chunks_exact(s.top_k));
	for ((scores, dgates), (chosen, gates)) in rows.zip(places) {
		let pulled: f32 = scores.iter().zip(&pull).map(|(p, pull)| p * pull).sum();
		let mean: f32 = gates.iter().zip(dgates).map(|(gate, dgate)| gate * dgate).sum();
		// A softmax over all takes from every expert what it gives to one; a softmax over the chosen only
		// from those.
		let (of_all, of_chosen) = match s.gating {
			Gating::Chosen => (pulled, mean),
			Gating::All => (pulled + mean, 0.0),
		};
		for (p, pull) in scores.iter_mut().zip(&pull) {
			*p *= pull - of_all;
		}
		for ((expert, gate), dgate) in chosen.iter().zip(gates).zip(dgates) {
			scores[*expert as usize] += gate * (dgate - of_chosen);
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn choose_should_take_the_highest_and_the_lower_index_when_equal() {
		let (mut chosen, mut gates) = ([0; 2], [0.0; 2]);
		choose(&mut [1.0, 3.0, 3.0, 2.0], Gating::Chosen, &mut chosen, &mut gates);
		assert_eq!((chosen, gates), ([1, 2], [0.5, 0.5]));
	}

	#[test]
	fn choose_should_leave_the_others_their_share_when_gating_is_over_all() {
		let (mut chosen, mut gates) = ([0; 2], [0.0; 2]);
		choose(&mut [1.0, 1.0, 1.0, 1.0], Gating::All, &mut chosen, &mut gates);
		assert_eq!((chosen, gates), ([0, 1], [0.25, 0.25]));
	}

	#[test]
	fn choose_should_choose_distinct_experts_and_show_it_when_scores_are_nan() {
		let (mut chosen, mut gates) = ([0; 2], [0.0; 2]);
		for gating in [Gating::Chosen, Gating::All] {
			choose(&mut [f32::NAN; 3], gating, &mut chosen, &mut gates);
			assert_eq!(chosen, [0, 1]);
			assert!(gates.iter().all(|gate| gate.is_nan()));
		}
	}
}
