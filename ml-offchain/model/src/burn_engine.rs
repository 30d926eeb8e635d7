//! The same model through burn: what a GPU runs, and what the tests hold the hand-derived path to.

use crate::{
	cpu::{backward::PieceLoss, experts::choose, Sizes},
	evaluate::TokenLosses,
	layout::{Layout, TensorSpec},
	train::engine::{Batch, Engine},
	ModelError, Weights,
};
use blyan_primitives::architecture::{Gating, QueryKeyNorm};
use burn::{
	backend::Autodiff,
	tensor::{
		activation::{log_softmax, sigmoid, silu, softmax},
		backend::Backend,
		IndexingUpdateOp, Int, Tensor, TensorData,
	},
};
use std::marker::PhantomData;

/// Added to what a token must not see.
const MASKED: f32 = -1e30;

/// The weights on a device: by slot, then in the order of the component's tensors.
type Net<B> = Vec<Vec<Tensor<B, 2>>>;

fn upload<B: Backend>(weights: &Weights, device: &B::Device) -> Net<B> {
	weights
		.layout
		.tensors
		.iter()
		.zip(&weights.buffers)
		.map(|(specs, buffer)| {
			let mut rest = &buffer[..];
			specs
				.iter()
				.map(|spec| {
					let (data, after) = rest.split_at(spec.len());
					rest = after;
					floats(data.to_vec(), spec.shape, device)
				})
				.collect()
		})
		.collect()
}

fn floats<B: Backend, const D: usize>(data: Vec<f32>, shape: [usize; D], device: &B::Device) -> Tensor<B, D> {
	Tensor::from_data(TensorData::new(data, shape), device)
}

fn ints<B: Backend, const D: usize>(
	data: impl Iterator<Item = u32>,
	shape: [usize; D],
	device: &B::Device,
) -> Tensor<B, D, Int> {
	// Tokens and rows are far below 2^31.
	Tensor::from_data(TensorData::new(data.map(|x| x as i32).collect::<Vec<_>>(), shape), device)
}

fn download<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Result<Vec<f32>, ModelError> {
	let data = tensor.try_into_data().map_err(|error| ModelError::Device(format!("{error:?}")))?;
	data.convert::<f32>().to_vec().map_err(|error| ModelError::Device(format!("{error:?}")))
}

fn norm<B: Backend>(x: Tensor<B, 2>, weight: &Tensor<B, 2>, epsilon: f32) -> Tensor<B, 2> {
	let inverse = (x.clone() * x.clone()).mean_dim(1).add_scalar(epsilon).sqrt().recip();
	x * inverse * weight.clone()
}

/// Turns `[sequences, heads, length, width]` by its positions.
fn rotate<B: Backend>(x: Tensor<B, 4>, cos: &Tensor<B, 4>, sin: &Tensor<B, 4>) -> Tensor<B, 4> {
	let [sequences, heads, length, width] = x.dims();
	let low = x.clone().slice([0..sequences, 0..heads, 0..length, 0..width / 2]);
	let high = x.slice([0..sequences, 0..heads, 0..length, width / 2..width]);
	Tensor::cat(
		vec![low.clone() * cos.clone() - high.clone() * sin.clone(), high * cos.clone() + low * sin.clone()],
		3,
	)
}

/// A component's tensors by their names.
struct Named<'a, B: Backend> {
	specs: &'a [TensorSpec],
	tensors: &'a [Tensor<B, 2>],
}

impl<'a, B: Backend> Named<'a, B> {
	fn get(&self, name: &str) -> Result<&'a Tensor<B, 2>, ModelError> {
		let at = self.specs.iter().position(|spec| spec.name == name);
		at.and_then(|at| self.tensors.get(at))
			.ok_or_else(|| ModelError::Device(format!("was given no tensor {name}")))
	}
}

/// What the forward pass gives.
struct Output<B: Backend> {
	/// `[tokens, vocabulary]`.
	logits: Tensor<B, 2>,
	/// Load-balancing loss, mean over layers, `[1]`.
	imbalance: Tensor<B, 1>,
}

fn forward<B: Backend>(
	layout: &Layout,
	net: &Net<B>,
	tokens: &[u32],
	length: usize,
	device: &B::Device,
) -> Result<Output<B>, ModelError> {
	let s = Sizes::new(layout);
	let (n, sequences, half) = (tokens.len(), tokens.len() / length, s.hw / 2);
	let [cos, sin] = [&layout.cos, &layout.sin]
		.map(|table| floats::<B, 4>(table[..length * half].to_vec(), [1, 1, length, half], device));
	let hidden = |i: usize| if i % length > i / length { MASKED } else { 0.0 };
	let mask = floats::<B, 4>((0..length * length).map(hidden).collect(), [1, 1, length, length], device);
	let backbone = Named { specs: &layout.tensors[0], tensors: &net[0] };
	let mut stream = backbone.get("embedding")?.clone().select(0, ints(tokens.iter().copied(), [n], device));
	let mut imbalance = Tensor::<B, 1>::zeros([1], device);
	let (groups, group) = (s.kv_heads, s.heads / s.kv_heads);

	for layer in 0..s.layers {
		let of = |name: &str| backbone.get(&format!("layers.{layer}.{name}"));
		let normed = norm(stream.clone(), of("attention_norm")?, s.epsilon);
		let project = |w: &str, bias: &str, weight: Option<&str>| {
			let mut x = normed.clone().matmul(of(w)?.clone());
			if layout.architecture.qkv_bias {
				x = x + of(bias)?.clone();
			}
			match weight {
				Some(name) if layout.architecture.query_key_norm != QueryKeyNorm::None => {
					let (weight, [rows, columns]) = (of(name)?, x.dims());
					// Of one head, or of all: as wide as its weight.
					let [_, width] = weight.dims();
					let by_width = x.reshape([rows * columns / width, width]);
					x = norm(by_width, weight, s.epsilon).reshape([rows, columns]);
				}
				_ => (),
			}
			let x = match s.clip {
				Some(limit) => x.clamp(-limit, limit),
				None => x,
			};
			let heads = x.dims()[1] / s.hw;
			Ok::<_, ModelError>(x.reshape([sequences, length, heads, s.hw]).swap_dims(1, 2))
		};
		let q = project("wq", "bq", Some("q_norm"))?;
		let k = project("wk", "bk", Some("k_norm"))?;
		let v = project("wv", "bv", None)?;
		let (q, k) = (rotate(q, &cos, &sin), rotate(k, &cos, &sin));
		// Each head of keys and values, as often as there are heads of queries that read it.
		let spread = |x: Tensor<B, 4>| {
			x.reshape([sequences, groups, 1, length * s.hw])
				.repeat_dim(2, group)
				.reshape([sequences, s.heads, length, s.hw])
		};
		let (k, v) = (spread(k), spread(v));
		let scores = q.matmul(k.swap_dims(2, 3)).div_scalar((s.hw as f32).sqrt()) + mask.clone();
		let attended = softmax(scores, 3).matmul(v).swap_dims(1, 2).reshape([n, s.q_width()]);
		stream = stream + attended.matmul(of("wo")?.clone());

		let normed = norm(stream.clone(), of("expert_norm")?, s.epsilon);
		let scores = normed.clone().matmul(net[layout.router_slot(layer)][0].clone());
		// Which rows go where is decided on the host: an expert then computes its own rows only.
		let (mut chosen, mut gates) = (vec![0; n * s.top_k], vec![0.0; s.top_k]);
		let mut host = download(scores.clone())?;
		for (scores, chosen) in host.chunks_exact_mut(s.experts).zip(chosen.chunks_exact_mut(s.top_k)) {
			choose(scores, s.gating, chosen, &mut gates);
		}
		let probabilities = softmax(scores.clone(), 1);
		let places: Tensor<B, 2, Int> = ints(chosen.iter().copied(), [n, s.top_k], device);
		let gates = match s.gating {
			Gating::Chosen => softmax(scores.gather(1, places), 1),
			Gating::All => probabilities.clone().gather(1, places),
		};
		let gates = gates.reshape([n * s.top_k, 1]);
		let mut shares = vec![0.0; s.experts];
		for (expert, share) in shares.iter_mut().enumerate() {
			let places: Vec<u32> = (0..)
				.zip(&chosen)
				.filter(|(_, to)| **to as usize == expert)
				.map(|(place, _)| place)
				.collect();
			*share = places.len() as f32 / chosen.len() as f32;
			if places.is_empty() {
				continue;
			}
			let rows: Tensor<B, 1, Int> =
				ints(places.iter().map(|place| place / s.top_k as u32), [places.len()], device);
			let gate = gates.clone().select(0, ints(places.iter().copied(), [places.len()], device));
			let [w1, w3, w2] = &net[layout.expert_slot(layer, expert)][..] else {
				return Err(ModelError::Device("an expert has three tensors".into()));
			};
			let input = normed.clone().select(0, rows.clone());
			let product = silu(input.clone().matmul(w1.clone())) * input.matmul(w3.clone());
			let output = product.matmul(w2.clone()) * gate;
			stream = stream.select_assign(0, rows, output, IndexingUpdateOp::Add);
		}
		if layout.architecture.shared_d_ff.is_some() {
			let gate = sigmoid(normed.clone().matmul(of("shared_gate")?.clone()));
			let product = silu(normed.clone().matmul(of("shared_w1")?.clone()))
				* normed.matmul(of("shared_w3")?.clone());
			stream = stream + product.matmul(of("shared_w2")?.clone()) * gate;
		}
		let probabilities = probabilities.mean_dim(0);
		let shares = floats::<B, 2>(shares, [1, s.experts], device);
		imbalance = imbalance + (probabilities * shares).sum().mul_scalar(s.experts as f32 / s.layers as f32);
	}
	let head = match layout.architecture.tied_head {
		true => backbone.get("embedding")?.clone().transpose(),
		false => backbone.get("head")?.clone(),
	};
	let logits = norm(stream, backbone.get("final_norm")?, s.epsilon).matmul(head);
	Ok(Output { logits, imbalance })
}

/// Losses in nats, `[tokens, 1]`.
fn losses<B: Backend>(logits: Tensor<B, 2>, targets: &[u32], device: &B::Device) -> Tensor<B, 2> {
	log_softmax(logits, 1).gather(1, ints(targets.iter().copied(), [targets.len(), 1], device)).neg()
}

/// Measures on a device that the weights are uploaded to once.
pub(crate) struct BurnLosses<'a, B: Backend> {
	weights: &'a Weights,
	net: Net<B>,
	device: B::Device,
}

impl<'a, B: Backend> BurnLosses<'a, B> {
	pub fn new(weights: &'a Weights, device: B::Device) -> Self {
		Self { weights, net: upload(weights, &device), device }
	}
}

impl<B: Backend> TokenLosses for BurnLosses<'_, B> {
	fn token_losses(
		&mut self,
		inputs: &[u32],
		targets: &[u32],
		length: usize,
		out: &mut Vec<f64>,
	) -> Result<(), ModelError> {
		let output = forward(&self.weights.layout, &self.net, inputs, length, &self.device)?;
		out.clear();
		out.extend(download(losses(output.logits, targets, &self.device))?.into_iter().map(f64::from));
		Ok(())
	}
}

/// Computes gradients by automatic differentiation.
pub(crate) struct BurnEngine<B: Backend> {
	device: B::Device,
	backend: PhantomData<fn() -> B>,
}

impl<B: Backend> BurnEngine<B> {
	pub fn new(device: B::Device) -> Self {
		Self { device, backend: PhantomData }
	}
}

impl<B: Backend> Engine for BurnEngine<B> {
	fn gradients(
		&mut self,
		weights: &Weights,
		batch: Batch<'_>,
		_pool: &rayon::ThreadPool,
		gradients: &mut [Option<Vec<f32>>],
	) -> Result<PieceLoss, ModelError> {
		let Batch { inputs, targets, length, balance } = batch;
		let net: Net<Autodiff<B>> = upload::<Autodiff<B>>(weights, &self.device)
			.into_iter()
			.zip(gradients.iter())
			.map(|(tensors, gradient)| match gradient {
				Some(_) => tensors.into_iter().map(Tensor::require_grad).collect(),
				None => tensors,
			})
			.collect();
		let output = forward(&weights.layout, &net, inputs, length, &self.device)?;
		let mean = losses(output.logits, targets, &self.device).mean();
		let tokens = inputs.len() as f64;
		let number = |tensor| {
			Ok::<_, ModelError>(f64::from(download::<_, 1>(tensor)?.first().copied().unwrap_or(f32::NAN)))
		};
		let loss = PieceLoss {
			nats: number(mean.clone().detach())? * tokens,
			imbalance: number(output.imbalance.clone().detach())? * tokens,
		};
		let found = (mean + output.imbalance.mul_scalar(balance)).backward();
		for (tensors, gradient) in net.iter().zip(gradients) {
			let Some(gradient) = gradient else { continue };
			let mut at = 0;
			for tensor in tensors {
				let range = at..at + tensor.shape().num_elements();
				at = range.end;
				match tensor.grad(&found) {
					Some(grad) => gradient[range].copy_from_slice(&download(grad)?),
					// An expert that no token was routed to.
					None => gradient[range].fill(0.0),
				}
			}
		}
		Ok(loss)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		evaluate::{evaluate, evaluate_with, TokenShard},
		layout::tests::{rich, tiny, variants},
		train::engine::CpuEngine,
		weights::tests::lively,
	};
	use blyan_primitives::dag::Component;
	use burn::backend::Flex;

	fn batch_tokens() -> (Vec<u32>, Vec<u32>) {
		let text: Vec<u32> = (0..6 * 16 + 1u32).map(|i| (i * i * 13 + i * 5) % 256).collect();
		(text[..96].to_vec(), text[1..].to_vec())
	}

	/// Gradients of both paths for the components that are trained.
	fn both(
		weights: &Weights,
		trained: &dyn Fn(Component) -> bool,
		balance: f32,
	) -> [Vec<Option<Vec<f32>>>; 2] {
		let layout = &weights.layout;
		let (inputs, targets) = batch_tokens();
		let empty: Vec<Option<Vec<f32>>> = (0..layout.components.len())
			.map(|slot| trained(layout.components[slot]).then(|| vec![f32::NAN; layout.len(slot)]))
			.collect();
		let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
		let batch = Batch { inputs: &inputs, targets: &targets, length: 16, balance };
		let (mut cpu, mut burn) = (empty.clone(), empty);
		// One portion: the balance of loads is of a portion, in burn of the batch.
		let got =
			CpuEngine::new(Sizes::new(layout), 6, 2).gradients(weights, batch, &pool, &mut cpu).unwrap();
		let expected =
			BurnEngine::<Flex>::new(Default::default()).gradients(weights, batch, &pool, &mut burn).unwrap();
		assert!((got.nats / expected.nats - 1.0).abs() < 1e-5, "{got:?} for {expected:?}");
		assert!((got.imbalance / expected.imbalance - 1.0).abs() < 1e-5, "{got:?} for {expected:?}");
		[cpu, burn]
	}

	fn assert_close([cpu, burn]: &[Vec<Option<Vec<f32>>>; 2]) {
		for (slot, pair) in cpu.iter().zip(burn).enumerate() {
			let (Some(cpu), Some(burn)) = pair else {
				assert!(pair.0.is_none() && pair.1.is_none());
				continue;
			};
			let norm = burn.iter().map(|x| x * x).sum::<f32>().sqrt();
			let apart = cpu.iter().zip(burn).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt();
			assert!(norm > 1e-4, "slot {slot} has a gradient: {norm}");
			assert!(apart < 2e-5 * norm, "slot {slot}: {apart} apart of {norm}");
		}
	}

	#[test]
	fn gradients_should_agree_with_automatic_ones_when_everything_is_trained() {
		for (name, architecture) in variants() {
			println!("{name}");
			assert_close(&both(&lively(&architecture), &|_| true, 0.05));
		}
	}

	#[test]
	fn gradients_should_agree_with_automatic_ones_when_all_but_a_part_is_frozen() {
		for architecture in [tiny(), rich()] {
			let weights = lively(&architecture);
			let lower = Component::Expert { layer: 0, index: 1 };
			assert_close(&both(&weights, &|c| c == lower, 0.0));
			assert_close(&both(&weights, &|c| c == Component::Expert { layer: 1, index: 2 }, 0.0));
			assert_close(&both(&weights, &|c| c == Component::Router { layer: 0 }, 0.05));
			assert_close(&both(&weights, &|c| c == Component::Router { layer: 1 } || c == lower, 0.05));
			assert_close(&both(&weights, &|c| c == Component::Backbone, 0.0));
		}
	}

	#[test]
	fn evaluation_should_agree_with_burn() {
		let shards: Vec<Vec<u8>> =
			(1..4u8).map(|i| (0..100u8).map(|j| j.wrapping_mul(i * 3)).collect()).collect();
		let tokens: Vec<TokenShard> = shards.iter().map(|shard| TokenShard::from_bytes(shard)).collect();
		for (name, architecture) in variants() {
			let weights = lively(&architecture);
			let mut engine = BurnLosses::<Flex>::new(&weights, Default::default());
			let expected = evaluate_with(&mut engine, &weights, &tokens).unwrap();
			for (got, expected) in evaluate(&weights, &shards, 2).unwrap().iter().zip(expected) {
				assert!((got - expected).abs() < 1e-5 * expected.max(1.0), "{name}: {got} for {expected}");
			}
		}
	}
}
