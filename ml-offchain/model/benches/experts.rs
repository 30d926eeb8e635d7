//! Generation with fewer experts in memory than the model has: tokens a second, how often an expert was there
//! when it was needed, and how often only because it was loaded ahead; by the share of the experts that fit.
//!
//! `experts [--json FILE] [--tokens N]`

use blyan_model::{Generator, Sampling, Weights};
use blyan_primitives::{
	architecture::{Architecture, ExpertCount},
	dag::Component,
};
use std::{error::Error, ops::ControlFlow, time::Instant};

// The binaries run with it; so does what is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Shares of all experts that fit, in per cent.
const FIT_PERCENT: [u64; 5] = [5, 12, 25, 50, 100];

/// 64 experts of 1.5 MiB, of which a token visits 8.
fn architecture() -> Architecture {
	Architecture::byte_level(4, ExpertCount { min: 16, current: 16, max: 16 }, 2, 256, 512, 4, 256)
}

/// With routers that prefer, as trained ones do.
fn weights() -> Result<Weights, Box<dyn Error>> {
	let mut weights = Weights::init(&architecture(), 1)?;
	for layer in 0..architecture().layers {
		weights.component_mut(Component::Router { layer })?.iter_mut().for_each(|w| *w *= 10.0);
	}
	Ok(weights)
}

fn main() -> Result<(), Box<dyn Error>> {
	let (mut json, mut tokens) = (None, 512usize);
	let mut arguments = std::env::args().skip(1);
	while let Some(argument) = arguments.next() {
		match argument.as_str() {
			"--json" => json = Some(arguments.next().ok_or("--json needs a file")?),
			"--tokens" => tokens = arguments.next().ok_or("--tokens needs a number")?.parse()?,
			// What `cargo bench` adds.
			"--bench" => (),
			other => return Err(format!("unknown argument {other}: [--json FILE] [--tokens N]").into()),
		}
	}

	let folder = tempfile::tempdir()?;
	let path = |component: Component| folder.path().join(component.to_string());
	let whole = weights()?;
	let mut expert_bytes = 0;
	for component in architecture().components() {
		std::fs::write(path(component), whole.component_bytes(component)?)?;
		if matches!(component, Component::Expert { .. }) {
			expert_bytes += size_of_val(whole.component(component)?) as u64;
		}
	}
	let sampling = Sampling { max_tokens: tokens, seed: 1, ..Sampling::default() };
	let rate = |weights: &Weights| -> Result<f64, Box<dyn Error>> {
		let start = Instant::now();
		Generator::new(weights).generate(&[32; 16], &sampling, |_| ControlFlow::Continue(()))?;
		Ok(tokens as f64 / start.elapsed().as_secs_f64())
	};
	println!(
		"{} MiB of experts, {tokens} tokens; all held: {:.0} tokens/s",
		expert_bytes >> 20,
		rate(&whole)?
	);
	println!(
		"{:>5} {:>9} {:>7} {:>12} {:>12} {:>10} {:>12}",
		"fit %", "tokens/s", "hits %", "by ahead %", "loaded ahead", "evictions", "most MiB"
	);
	let mut rows = Vec::new();
	for percent in FIT_PERCENT {
		let weights = Weights::load_partial(&architecture(), path, expert_bytes * percent / 100)?;
		let rate = rate(&weights)?;
		let metrics = weights.cache_metrics().ok_or("these weights have no cache")?;
		let uses = (metrics.hits + metrics.misses) as f64;
		let (hits, ahead) = (metrics.hits as f64 / uses, metrics.ahead_hits as f64 / uses);
		let most = metrics.highest_resident_bytes;
		assert!(most <= metrics.limit_bytes, "the limit holds");
		println!(
			"{percent:>5} {rate:>9.0} {:>7.1} {:>12.1} {:>12} {:>10} {:>12.1}",
			hits * 100.0,
			ahead * 100.0,
			metrics.loaded_ahead,
			metrics.evictions,
			most as f64 / f64::from(1 << 20)
		);
		rows.push(format!(
			"  {{\"fit_percent\": {percent}, \"tokens_per_second\": {rate:.1}, \"hit_share\": {hits:.4}, \"ahead_hit_share\": {ahead:.4}, \"highest_resident_bytes\": {most}, \"limit_bytes\": {}}}",
			metrics.limit_bytes
		));
	}
	if let Some(path) = json {
		std::fs::write(&path, format!("[\n{}\n]\n", rows.join(",\n")))
			.map_err(|error| format!("{path}: {error}"))?;
	}
	Ok(())
}
