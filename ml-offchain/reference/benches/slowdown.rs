//! How many times longer the reference takes than the fast path on one thread, for the model of
//! `blyan-model`'s benchmark. The two alternate within one run; medians of their times.
//!
//! `slowdown [--json FILE] [--rounds N]`

use blyan_model::{evaluate_tokens, Device, TokenShard, Weights};
use blyan_primitives::architecture::{Architecture, ExpertCount};
use blyan_reference::{fuel_limit, Reference, MODULE};
use std::{error::Error, time::Instant};

const SHARD_BYTES: usize = 4096;

/// Bytes that are neither constant nor noise: the speed does not depend on which.
fn text(len: usize) -> Vec<u8> {
	(0..len as u64).map(|i| b"etaoin shrdlu cmfwyp"[(i.wrapping_mul(i / 7 + 3) % 20) as usize]).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
	values.sort_by(f64::total_cmp);
	values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn main() -> Result<(), Box<dyn Error>> {
	let (mut json, mut rounds) = (None, 5usize);
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

	let architecture =
		Architecture::byte_level(2, ExpertCount { min: 4, current: 4, max: 4 }, 2, 128, 256, 4, 128);
	let weights = Weights::init(&architecture, 1)?;
	let shards = [TokenShard::from_bytes(&text(SHARD_BYTES))];
	let fuel_limit = fuel_limit(&architecture, SHARD_BYTES as u64);
	let start = Instant::now();
	let reference = Reference::load(MODULE)?;
	let load_seconds = start.elapsed().as_secs_f64();

	let (mut fast, mut slow, mut fuel, mut difference) = (Vec::new(), Vec::new(), 0, 0.0);
	// The first round warms up both.
	for round in 0..=rounds {
		let start = Instant::now();
		let expected = evaluate_tokens(Device::Cpu, &weights, &shards, 1)?;
		let fast_seconds = start.elapsed().as_secs_f64();
		let start = Instant::now();
		let measured = reference.shard_loss(&weights, &shards[0], fuel_limit)?;
		let slow_seconds = start.elapsed().as_secs_f64();
		if round > 0 {
			fast.push(fast_seconds);
			slow.push(slow_seconds);
		}
		fuel = measured.fuel;
		difference = (measured.bits_per_byte - expected[0]).abs();
	}
	let (fast, slow) = (median(fast), median(slow));
	let figures = [
		("fast_tokens_per_second", SHARD_BYTES as f64 / fast),
		("reference_tokens_per_second", SHARD_BYTES as f64 / slow),
		("reference_slowdown", slow / fast),
		("reference_load_seconds", load_seconds),
		("reference_fuel_per_second", fuel as f64 / slow),
		("reference_fuel_share_of_limit", fuel as f64 / fuel_limit as f64),
	];

	println!(
		"{} parameters, 1 thread, a shard of {SHARD_BYTES} bytes, {rounds} rounds",
		weights.parameters()
	);
	for (key, value) in &figures {
		println!("{key:<32} {value:>16.3}");
	}
	println!("module {:?}, {} bytes; losses differ by {difference:e}", reference.module_hash(), MODULE.len());
	if let Some(path) = json {
		let fields: Vec<String> =
			figures.iter().map(|(key, value)| format!("  \"{key}\": {value:.3}")).collect();
		let (parameters, bytes) = (weights.parameters(), MODULE.len());
		std::fs::write(
			&path,
			format!(
				"{{\n  \"parameters\": {parameters},\n  \"module_bytes\": {bytes},\n{}\n}}\n",
				fields.join(",\n")
			),
		)
		.map_err(|error| format!("{path}: {error}"))?;
	}
	Ok(())
}
