//! The gradient of a batch on CPU threads.

use crate::{
	cpu::{
		backward::{gradients, Piece, PieceLoss},
		forward::Tape,
		kernels::add,
		Sizes,
	},
	ModelError, Weights,
};
use rayon::prelude::*;
use std::sync::{
	atomic::{AtomicUsize, Ordering},
	Mutex, MutexGuard, PoisonError,
};

/// Numbers that one thread reduces or updates at a time.
pub(crate) const CHUNK: usize = 1 << 14;

/// A batch as tokens.
#[derive(Clone, Copy)]
pub(crate) struct Batch<'a> {
	/// `[sequences x length]`.
	pub inputs: &'a [u32],
	/// `[sequences x length]`.
	pub targets: &'a [u32],
	/// Tokens of a sequence.
	pub length: usize,
	/// Weight of the load-balancing loss.
	pub balance: f32,
}

/// What computes the gradient of a batch.
pub(crate) trait Engine: Send {
	/// Writes the gradient of the mean loss over `gradients` (by slot, `None` where frozen); the loss
	/// is of the whole batch, summed.
	fn gradients(
		&mut self,
		weights: &Weights,
		batch: Batch<'_>,
		pool: &rayon::ThreadPool,
		gradients: &mut [Option<Vec<f32>>],
	) -> Result<PieceLoss, ModelError>;
}

/// One portion of a batch: what it adds to the gradient.
struct Portion {
	gradients: Vec<Option<Vec<f32>>>,
	loss: PieceLoss,
}

/// Cuts a batch into portions, the same for any number of threads, computes each on one thread, and
/// adds them up in order.
pub(crate) struct CpuEngine {
	sizes: Sizes,
	/// Sequences of a portion.
	micro_batch: usize,
	/// By thread.
	tapes: Vec<Mutex<Tape>>,
	portions: Vec<Mutex<Portion>>,
}

impl CpuEngine {
	pub fn new(sizes: Sizes, micro_batch: u32, threads: usize) -> Self {
		let tapes = (0..threads).map(|_| Mutex::default()).collect();
		Self { sizes, micro_batch: micro_batch as usize, tapes, portions: Vec::new() }
	}
}

/// A thread that panicked ends the whole step: what it left is never read.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
	mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine for CpuEngine {
	fn gradients(
		&mut self,
		weights: &Weights,
		batch: Batch<'_>,
		pool: &rayon::ThreadPool,
		total: &mut [Option<Vec<f32>>],
	) -> Result<PieceLoss, ModelError> {
		let Batch { inputs, targets, length, balance } = batch;
		let tokens = self.micro_batch * length;
		let count = inputs.len().div_ceil(tokens);
		self.portions.resize_with(count, || {
			let gradients = total.iter().map(|g| g.as_ref().map(|g| vec![0.0; g.len()])).collect();
			Mutex::new(Portion { gradients, loss: PieceLoss::default() })
		});

		let Self { sizes, tapes, portions, .. } = self;
		let next = AtomicUsize::new(0);
		let done = pool.broadcast(|context| {
			let mut tape = lock(&tapes[context.index()]);
			loop {
				let at = next.fetch_add(1, Ordering::Relaxed);
				let Some(portion) = portions.get(at) else { return Ok(()) };
				let mut portion = lock(portion);
				let range = at * tokens..((at + 1) * tokens).min(inputs.len());
				let piece = Piece {
					inputs: &inputs[range.clone()],
					targets: &targets[range],
					length,
					batch_tokens: inputs.len(),
					balance,
				};
				let Portion { gradients: part, loss } = &mut *portion;
				for buffer in part.iter_mut().flatten() {
					buffer.fill(0.0);
				}
				*loss = gradients(weights, sizes, piece, &mut tape, part)?;
			}
		});
		done.into_iter().collect::<Result<(), ModelError>>()?;

		let parts: Vec<_> = portions.iter().map(lock).collect();
		pool.install(|| {
			for (slot, total) in total.iter_mut().enumerate() {
				let Some(total) = total else { continue };
				total.par_chunks_mut(CHUNK).enumerate().for_each(|(i, total)| {
					let from = i * CHUNK..i * CHUNK + total.len();
					let mut slices =
						parts.iter().filter_map(|part| Some(&part.gradients[slot].as_ref()?[from.clone()]));
					match slices.next() {
						Some(first) => total.copy_from_slice(first),
						None => total.fill(0.0),
					}
					slices.for_each(|part| add(part, total));
				});
			}
		});
		Ok(parts.iter().fold(PieceLoss::default(), |sum, part| PieceLoss {
			nats: sum.nats + part.loss.nats,
			imbalance: sum.imbalance + part.loss.imbalance,
		}))
	}
}
