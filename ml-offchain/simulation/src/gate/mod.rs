//! How often the gate accepts: candidates of known worth, measured once, judged in many rounds.

mod calibrate;
mod candidates;
mod needed;
mod rounds;
mod table;
mod texts;
mod workshop;

pub use candidates::{Kind, MilliPercent};
pub use table::text;

use crate::{
	cli::GateArgs,
	progress::bar,
	statistics::{mean, Proportion},
};
use anyhow::{ensure, Result};
use blyan_primitives::learning::{Gate, BIT_PER_BYTE};
use rounds::{accepted, error_by_scatter, of_kind, Arena};
use serde::Serialize;
use std::{collections::BTreeMap, thread::available_parallelism};
use texts::Texts;
use workshop::Workshop;

/// True gains of the improved candidates.
const GAINS: [MilliPercent; 4] = [100, 500, 1_000, 2_000];
/// The gain whose power is published.
const HALF_PERCENT: MilliPercent = 500;
/// Shards of each domain that the sweep tries.
const SWEPT_SHARDS: [u32; 5] = [2, 4, 8, 16, 32];
/// Least gains that the sweep tries beside the gate's own, in thousandths of a bit per byte.
const SWEPT_DELTAS: [i64; 3] = [0, 1, 2];

/// What came out for a kind of candidate.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
	/// The kind.
	pub kind: String,
	/// Whether it may be accepted.
	pub is_worthless: bool,
	/// Different candidates.
	pub candidates: usize,
	/// Their mean true gain, in per cent of the baseline's loss.
	pub true_gain_percent: f64,
	/// Rounds, and how many accepted.
	pub accepted: Proportion,
	/// Rounds that refused for a regression in one domain.
	pub regressions: u64,
	/// The reported standard error by the real scatter of gains.
	pub error_by_scatter: Option<f64>,
	#[serde(skip)]
	gain: Option<MilliPercent>,
}

/// What came out for a kind under another gate.
#[derive(Clone, Debug, Serialize)]
pub struct SweepRow {
	/// Shards of each domain.
	pub shards_per_domain: u32,
	/// Least gain, in bits per byte.
	pub delta: f64,
	/// Bytes of text that a round measures on.
	pub bytes: u64,
	/// Accepted rounds of all worthless kinds.
	pub false_accepts: Proportion,
	/// The worthless kind accepted most often, and how often.
	pub worst_kind: (String, Proportion),
	/// Accepted rounds of uneven candidates by true gain, in thousandths of a per cent of the baseline's loss.
	pub power: BTreeMap<MilliPercent, Proportion>,
}

/// What a candidate was.
#[derive(Clone, Debug, Serialize)]
pub struct Made {
	/// Its kind.
	pub kind: String,
	/// How it was made.
	pub name: String,
	/// Its true gain, in per cent of the baseline's loss.
	pub true_gain_percent: f64,
	/// Rounds under the gate, and how many accepted.
	pub accepted: Proportion,
}

/// How many shards of each domain uneven candidates of half a per cent need to be accepted nine times in ten,
/// by the normal approximation.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Needed {
	/// With so many, half of the candidates are.
	pub median: f64,
	/// With so many, all of them.
	pub most: f64,
}

/// All that came out.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
	/// The upper end of the interval of 95 per cent around the share of accepted rounds, of all kinds that
	/// must not be accepted.
	pub false_accept_rate: f64,
	/// The same for each of them.
	pub false_accept_rate_by_kind: BTreeMap<String, f64>,
	/// The share of accepted rounds at a true gain of half a per cent, even and uneven; `None` if no candidate
	/// gains so much.
	pub power_at_half_percent: Option<f64>,
	/// Shards for good power; `None` if no uneven candidate gains half a per cent.
	pub shards_for_90_percent_power: Option<Needed>,
	/// The gate.
	pub gate: Gate,
	/// The baseline's mean loss on the pool, in bits per byte.
	pub baseline_bits_per_byte: f64,
	/// Shards of the pool.
	pub pool_shards: u32,
	/// Bytes of a shard.
	pub shard_bytes: u32,
	/// Domains of the pool.
	pub domains: u32,
	/// By kind.
	pub kinds: Vec<Row>,
	/// Under other gates.
	pub sweep: Vec<SweepRow>,
	/// Every candidate.
	pub candidates: Vec<Made>,
}

/// Trains, makes the candidates, measures them, and holds the rounds.
///
/// # Errors
/// A text that cannot be read or is too short, a gate that does not fit the pool, a folder that cannot be
/// written to.
pub fn run(args: &GateArgs) -> Result<Outcome> {
	let gate = args.gate.0;
	let threads = args.threads.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
	let texts = Texts::divide(&args.text, args.division())?;
	ensure!(
		gate.is_valid_for(&texts.pool),
		"the gate does not fit the pool: it draws {} shards of each domain, which has {}; delta, rho and tolerance \
		must be 0 to 64e9 nanobits, tolerance above 0",
		gate.shards_per_domain,
		args.shards_per_domain
	);
	let mut workshop = Workshop::new(texts, args.seed, threads)?;
	workshop.make_worthless(args.candidates)?;
	workshop.make_better(args.candidates, gate.delta, &GAINS)?;
	Ok(judge(&workshop, gate, args.rounds, args.seed))
}

fn judge(workshop: &Workshop, gate: Gate, rounds: u32, seed: u64) -> Outcome {
	let arena = Arena { pool: workshop.pool(), baseline: &workshop.baseline_losses, seed };
	let (mut kinds, mut candidates) = (Vec::new(), Vec::new());
	for kind in all_kinds() {
		let (row, made) = hold(workshop, &arena, &gate, kind, rounds);
		kinds.push(row);
		candidates.extend(made);
	}
	let mut false_accepts = Proportion::default();
	let worthless = kinds.iter().filter(|row| row.is_worthless);
	worthless.clone().for_each(|row| false_accepts += row.accepted);
	let mut half = Proportion::default();
	kinds.iter().filter(|row| row.gain == Some(HALF_PERCENT)).for_each(|row| half += row.accepted);
	Outcome {
		false_accept_rate: false_accepts.upper(),
		false_accept_rate_by_kind: worthless.map(|row| (row.kind.clone(), row.accepted.upper())).collect(),
		power_at_half_percent: (half.trials > 0).then(|| half.rate()),
		shards_for_90_percent_power: needed(workshop, &gate),
		gate,
		baseline_bits_per_byte: workshop.baseline_loss(),
		pool_shards: arena.pool.shard_count(),
		shard_bytes: arena.pool.shard_bytes,
		domains: arena.pool.domains.len() as u32,
		sweep: sweep(workshop, &arena, gate, rounds),
		kinds,
		candidates,
	}
}

fn needed(workshop: &Workshop, gate: &Gate) -> Option<Needed> {
	let domains = workshop.pool().domains.len() as f64;
	let mut needed: Vec<f64> = of_kind(workshop.candidates(), Kind::Uneven(HALF_PERCENT))
		.iter()
		.filter_map(|candidate| needed::shards(gate, &workshop.baseline_losses, &candidate.losses))
		.map(|shards| shards / domains)
		.collect();
	needed.sort_unstable_by(f64::total_cmp);
	Some(Needed { median: *needed.get((needed.len().saturating_sub(1)) / 2)?, most: *needed.last()? })
}

/// Every kind, in the order of the table.
fn all_kinds() -> impl Iterator<Item = Kind> {
	let better = GAINS.map(Kind::Improved).into_iter().chain(GAINS.map(Kind::Uneven));
	Kind::WORTHLESS.into_iter().chain([Kind::AtDelta]).chain(better)
}

/// The rounds of a kind: its row, and what became of each candidate.
fn hold(workshop: &Workshop, arena: &Arena, gate: &Gate, kind: Kind, rounds: u32) -> (Row, Vec<Made>) {
	let candidates = of_kind(workshop.candidates(), kind);
	let tallies = arena.hold(gate, &candidates, rounds);
	let made: Vec<Made> = candidates
		.iter()
		.zip(&tallies)
		.map(|(candidate, tally)| Made {
			kind: kind.to_string(),
			name: candidate.name.clone(),
			true_gain_percent: 100.0 * workshop.gain(&candidate.losses),
			accepted: tally.accepted,
		})
		.collect();
	let row = Row {
		kind: kind.to_string(),
		is_worthless: Kind::WORTHLESS.contains(&kind),
		candidates: candidates.len(),
		true_gain_percent: mean(made.iter().map(|made| made.true_gain_percent)),
		accepted: accepted(&tallies),
		regressions: tallies.iter().map(|tally| tally.regressions).sum(),
		error_by_scatter: error_by_scatter(&tallies),
		gain: match kind {
			Kind::Improved(gain) | Kind::Uneven(gain) => Some(gain),
			_ => None,
		},
	};
	(row, made)
}

fn sweep(workshop: &Workshop, arena: &Arena, gate: Gate, rounds: u32) -> Vec<SweepRow> {
	let mut deltas: Vec<i64> = SWEPT_DELTAS.iter().map(|delta| delta * BIT_PER_BYTE / 1_000).collect();
	deltas.push(gate.delta);
	deltas.sort_unstable();
	deltas.dedup();
	let gates: Vec<Gate> = deltas
		.into_iter()
		.flat_map(|delta| SWEPT_SHARDS.map(|shards_per_domain| Gate { delta, shards_per_domain, ..gate }))
		.filter(|gate| gate.is_valid_for(arena.pool))
		.collect();
	let bar = bar("trying other gates", gates.len());
	let rows = gates
		.into_iter()
		.map(|gate| {
			let accepted_of =
				|kind| accepted(&arena.hold(&gate, &of_kind(workshop.candidates(), kind), rounds));
			let worthless = Kind::WORTHLESS.map(|kind| (kind.to_string(), accepted_of(kind)));
			let mut false_accepts = Proportion::default();
			worthless.iter().for_each(|(_, of_kind)| false_accepts += *of_kind);
			let most = |a: &&(String, Proportion), b: &&(String, Proportion)| a.1.hits.cmp(&b.1.hits);
			let worst_kind = worthless.iter().max_by(most).cloned().unwrap_or_default();
			bar.inc(1);
			SweepRow {
				shards_per_domain: gate.shards_per_domain,
				delta: gate.delta as f64 / BIT_PER_BYTE as f64,
				bytes: u64::from(gate.shards_per_domain)
					* arena.pool.domains.len() as u64
					* u64::from(arena.pool.shard_bytes),
				false_accepts,
				worst_kind,
				power: GAINS.iter().map(|gain| (*gain, accepted_of(Kind::Uneven(*gain)))).collect(),
			}
		})
		.collect();
	bar.finish_and_clear();
	rows
}
