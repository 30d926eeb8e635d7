//! Tokens a second in training, evaluation and generation, on two threads, for a byte-level model of
//! d_model 128, 2 layers, 4 experts of 256, top-2; beside `scripts/bench-torch/model.py`, which
//! measures the same in PyTorch. Medians of interleaved rounds.
//!
//! `throughput [--json FILE] [--rounds N]`

use blyan_model::{evaluate, Generator, Sampling, Text, TrainConfig, Trainer, Weights};
use blyan_primitives::architecture::{Architecture, ExpertCount};
use std::{error::Error, ops::ControlFlow, sync::Arc, time::Instant};

// The binaries run with it; so does what is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const THREADS: usize = 2;
const BATCH: u32 = 16;
const SEQUENCE: u32 = 128;
const TRAINING_STEPS: u32 = 20;
const SHARDS: usize = 16;
const SHARD_BYTES: usize = 4096;
const GENERATED_TOKENS: usize = 1024;

fn architecture() -> Architecture {
	Architecture::byte_level(2, ExpertCount { min: 4, current: 4, max: 4 }, 2, 128, 256, 4, SEQUENCE)
}

/// Bytes that are neither constant nor noise: the speed does not depend on which.
fn text(len: usize) -> Vec<u8> {
	(0..len as u64).map(|i| b"etaoin shrdlu cmfwyp"[(i.wrapping_mul(i / 7 + 3) % 20) as usize]).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
	values.sort_by(f64::total_cmp);
	values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Runs `work` on so many tokens; tokens a second.
fn rate<E>(tokens: usize, work: impl FnOnce() -> Result<(), E>) -> Result<f64, E> {
	let start = Instant::now();
	work()?;
	Ok(tokens as f64 / start.elapsed().as_secs_f64())
}

fn main() -> Result<(), Box<dyn Error>> {
	let (mut json, mut rounds) = (None, 7usize);
	let mut arguments = std::env::args().skip(1);
	while let Some(argument) = arguments.next() {
		match argument.as_str() {
			"--json" => json = Some(arguments.next().ok_or("--json needs a file")?),
			"--rounds" => rounds = arguments.next().ok_or("--rounds needs a number")?.parse()?,
			// What `cargo bench` adds.
			"--bench" => (),
			other => return Err(format!("unknown argument {other}: [--json FILE] [--rounds N]").into()),
		}
	}

	let weights = Weights::init(&architecture(), 1)?;
	let config = TrainConfig {
		components: architecture().components().collect(),
		steps: TRAINING_STEPS * (rounds as u32 + 1),
		batch: BATCH,
		sequence: SEQUENCE,
		threads: THREADS,
		..TrainConfig::default()
	};
	let training_text: Text = Arc::new(text(1 << 20));
	let mut trainer = Trainer::new(weights.clone(), config, training_text)?;
	let shards: Vec<Vec<u8>> = (0..SHARDS).map(|i| text(SHARD_BYTES + i)[i..].to_vec()).collect();
	let mut generator = Generator::new(&weights);
	let sampling = Sampling { max_tokens: GENERATED_TOKENS, ..Sampling::default() };

	let mut measure = || -> Result<[f64; 3], Box<dyn Error>> {
		Ok([
			rate((TRAINING_STEPS * BATCH * SEQUENCE) as usize, || {
				(0..TRAINING_STEPS).try_for_each(|_| trainer.step().map(drop))
			})?,
			rate(SHARDS * SHARD_BYTES, || evaluate(&weights, &shards, THREADS).map(drop))?,
			rate(GENERATED_TOKENS, || {
				generator.generate(&[32], &sampling, |_| ControlFlow::Continue(())).map(drop)
			})?,
		])
	};
	measure()?;
	let measured = (0..rounds).map(|_| measure()).collect::<Result<Vec<_>, _>>()?;
	let keys = ["training_tokens_per_second", "evaluation_tokens_per_second", "generation_tokens_per_second"];
	let medians: Vec<f64> =
		(0..keys.len()).map(|i| median(measured.iter().map(|m| m[i]).collect())).collect();

	println!(
		"{} parameters, {THREADS} threads, batch {BATCH} x {SEQUENCE}, {rounds} rounds",
		weights.parameters()
	);
	for (key, value) in keys.iter().zip(&medians) {
		println!("{key:<32} {value:>12.0}");
	}
	if let Some(path) = json {
		let fields: Vec<String> =
			keys.iter().zip(&medians).map(|(key, value)| format!("  \"{key}\": {value:.1}")).collect();
		let parameters = weights.parameters();
		std::fs::write(
			&path,
			format!(
				"{{\n  \"parameters\": {parameters},\n  \"threads\": {THREADS},\n{}\n}}\n",
				fields.join(",\n")
			),
		)
		.map_err(|error| format!("{path}: {error}"))?;
	}
	Ok(())
}
