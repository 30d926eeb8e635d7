//! Size, loss and speed of each method, beside the difference as raw f16 and under zstd.
//!
//! `cargo bench --profile dev -p blyan-delta --bench delta -- [--side N] [--runs N] [--json FILE]`
//!
//! One square f32 matrix, and the same after a gradient-like step: 32 directions whose strengths fall as
//! 1/k, and heavy-tailed noise. Speeds are of the f32 bytes of the matrix, medians of the runs, on all cores;
//! zstd uses one. "left" is the norm of what is not brought back, as a part of the difference's.

use blyan_delta::{replay, Delta, DeltaOptions};
use blyan_tensorblock::{encode, Container, DType, Tensor};
use std::{hint::black_box, path::PathBuf, time::Instant};

struct Options {
	side: usize,
	runs: usize,
	json: Option<PathBuf>,
}

fn options() -> Result<Options, String> {
	let mut options = Options { side: 1024, runs: 5, json: None };
	let mut arguments = std::env::args().skip(1);
	while let Some(argument) = arguments.next() {
		let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
		match argument.as_str() {
			"--side" => options.side = value()?.parse().map_err(|e| format!("--side: {e}"))?,
			"--runs" => options.runs = value()?.parse().map_err(|e| format!("--runs: {e}"))?,
			"--json" => options.json = Some(value()?.into()),
			// Cargo passes it to every bench.
			"--bench" => {}
			other => return Err(format!("unknown argument {other}; see the head of benches/delta.rs")),
		}
	}
	if options.side == 0 || options.runs == 0 {
		return Err("--side and --runs must be at least 1".into());
	}
	Ok(options)
}

/// Numbers in -1..1.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
	let mut state = seed;
	(0..count)
		.map(|_| {
			state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
			(state >> 40) as f32 / (1 << 23) as f32 - 1.0
		})
		.collect()
}

fn step(side: usize) -> Vec<f32> {
	const DIRECTIONS: usize = 32;
	let (left, right, noise) =
		(numbers(2, side * DIRECTIONS), numbers(3, side * DIRECTIONS), numbers(4, side * side));
	(0..side * side)
		.map(|at| {
			let (left, right) = (&left[at / side * DIRECTIONS..], &right[at % side * DIRECTIONS..]);
			let strong: f32 = (0..DIRECTIONS).map(|k| left[k] * right[k] / (k + 1) as f32).sum();
			1e-3 * (strong + 0.5 * noise[at].powi(9))
		})
		.collect()
}

/// Median seconds of the runs, and what the last returned.
fn timed<T>(runs: usize, mut run: impl FnMut() -> T) -> (f64, T) {
	let mut samples = Vec::with_capacity(runs);
	let mut result = black_box(run());
	for _ in 0..runs {
		let start = Instant::now();
		result = black_box(run());
		samples.push(start.elapsed().as_secs_f64());
	}
	samples.sort_by(f64::total_cmp);
	(samples[runs / 2], result)
}

struct Line {
	name: &'static str,
	bytes: usize,
	left: f64,
	encode: f64,
	replay: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
	let options = options()?;
	let side = options.side;
	let old = numbers(1, side * side);
	let change = step(side);
	let new: Vec<f32> = old.iter().zip(&change).map(|(old, change)| old + change).collect();
	let of = |values: &[f32]| -> Result<_, Box<dyn std::error::Error>> {
		Ok(Container::parse(encode(&[Tensor::from_f32("w", &[side, side], values)?])?)?)
	};
	let (base, weights) = (of(&old)?, of(&new)?);
	let norm =
		|values: &mut dyn Iterator<Item = f32>| values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt();
	let whole = norm(&mut change.iter().copied());

	let mut lines = Vec::new();
	for (name, method) in [
		("int8", DeltaOptions::int8()),
		("top-k 20 %, int8", DeltaOptions::top_k()),
		("low-rank 8, int8", DeltaOptions::low_rank()),
		("default stack", DeltaOptions::default()),
	] {
		let (encode, encoded) = timed(options.runs, || Delta::encode(&base, &weights, &method));
		let encoded = encoded?;
		let (replay, replayed) = timed(options.runs, || {
			Delta::parse(&encoded.bytes[..]).and_then(|delta| replay(&base, &[delta]))
		});
		replayed?;
		lines.push(Line { name, bytes: encoded.bytes.len(), left: encoded.relative_loss(), encode, replay });
	}

	let f16 = |values: &[f32]| {
		let mut bytes = Vec::with_capacity(values.len() * 2);
		for value in values {
			DType::F16.push_f32(*value, &mut bytes);
		}
		bytes
	};
	let add = |bytes: &[u8]| -> Vec<f32> {
		old.iter().zip(DType::F16.to_f32_vec(bytes)).map(|(old, change)| old + change).collect()
	};
	let subtract = || -> Vec<f32> { new.iter().zip(&old).map(|(new, old)| new - old).collect() };
	let (encode, raw) = timed(options.runs, || f16(&subtract()));
	let (replay, _) = timed(options.runs, || add(&raw));
	let left = norm(&mut DType::F16.to_f32_vec(&raw).iter().zip(&change).map(|(a, b)| a - b)) / whole;
	lines.push(Line { name: "raw f16", bytes: raw.len(), left, encode, replay });
	let (encode, packed) = timed(options.runs, || zstd::bulk::compress(&f16(&subtract()), 3));
	let packed = packed?;
	let (replay, unpacked) =
		timed(options.runs, || zstd::bulk::decompress(&packed, raw.len()).map(|bytes| add(&bytes)));
	unpacked?;
	lines.push(Line { name: "f16, zstd 3", bytes: packed.len(), left, encode, replay });
	let bytes: Vec<u8> = subtract().iter().flat_map(|value| value.to_le_bytes()).collect();
	let (encode, packed) = timed(options.runs, || zstd::bulk::compress(&bytes, 3));
	let packed = packed?;
	let (replay, unpacked) = timed(options.runs, || zstd::bulk::decompress(&packed, bytes.len()));
	unpacked?;
	lines.push(Line { name: "f32, zstd 3", bytes: packed.len(), left: 0.0, encode, replay });

	println!(
		"the difference of {side} x {side} f32, {} KiB; medians of {} runs",
		side * side / 256,
		options.runs
	);
	println!(
		"  {:<18}{:>10}{:>8}{:>9}{:>15}{:>15}",
		"", "KiB", "ratio", "left", "encode MB/s", "replay MB/s"
	);
	let megabytes = (side * side * 4) as f64 / 1e6;
	let mut summary = serde_json::Map::new();
	for Line { name, bytes, left, encode, replay } in lines {
		let (kib, ratio) = (bytes as f64 / 1024.0, (side * side * 4) as f64 / bytes as f64);
		let (encode, replay) = (megabytes / encode, megabytes / replay);
		println!("  {name:<18}{kib:>10.0}{ratio:>8.1}{left:>9.4}{encode:>15.0}{replay:>15.0}");
		let line = serde_json::json!({ "bytes": bytes, "ratio": ratio, "relative_loss": left,
			"encode_megabytes_per_second": encode, "replay_megabytes_per_second": replay });
		summary.insert(name.to_owned(), line);
	}
	if let Some(path) = options.json {
		std::fs::write(path, format!("{:#}\n", serde_json::Value::from(summary)))?;
	}
	Ok(())
}
