//! Makes a baseline and candidates of every kind, and measures them.

use super::{
	calibrate::{Point, Way, LEAST},
	candidates::{
		between, fetched, noisy, permuted, rounded, shifted, Candidate, Kind, MilliPercent, Part, Rounding,
	},
	texts::{Texts, OPENED_PER_DOMAIN},
};
use crate::{progress::bar, statistics::mean};
use anyhow::{ensure, Result};
use blyan_model::{evaluate, nanobits, Text, TrainConfig, Trainer, Weights};
use blyan_primitives::{
	architecture::{Architecture, ExpertCount},
	learning::{NanoBits, BIT_PER_BYTE},
};
use std::sync::Arc;

/// The model of the local network: small enough to learn something of a text in a minute on two cores.
pub(super) const ARCHITECTURE: Architecture =
	Architecture::byte_level(2, ExpertCount { min: 2, current: 4, max: 8 }, 2, 128, 256, 4, 128);

/// The local network's first job.
const BASELINE: Plan = Plan { steps: 360, batch: 16, learning_rate: 3e-3 };
/// The local network's second job.
const IMPROVEMENT: Plan = Plan { steps: 160, batch: 16, learning_rate: 3e-3 };
/// What fits a few shards.
const OVERFIT: Plan = Plan { steps: 120, batch: 8, learning_rate: 2e-3 };
/// How often overfitting goes on until the pool does not gain any more.
const MAX_OVERFITS: u32 = 6;
/// How much lower the loss on what was overfitted to must be, as a part of it.
const FITTED: f64 = 0.1;
/// Strengths of noise, as parts of the weights' root mean square.
const STRENGTHS: [f32; 5] = [0.003, 0.01, 0.03, 0.1, 0.5];

/// Steps of a training run.
#[derive(Clone, Copy)]
struct Plan {
	steps: u32,
	batch: u32,
	learning_rate: f32,
}

/// Makes and measures candidates.
pub(super) struct Workshop {
	texts: Texts,
	baseline: Weights,
	/// The baseline's loss on each of the pool's shards.
	pub baseline_losses: Vec<NanoBits>,
	seed: u64,
	threads: usize,
	candidates: Vec<Candidate>,
	/// What was overfitted, for uneven candidates.
	overfitted: Vec<Weights>,
}

impl Workshop {
	/// Trains a baseline and measures it.
	///
	/// # Errors
	/// A text that is too short to train on, or weights that overflow.
	pub fn new(texts: Texts, seed: u64, threads: usize) -> Result<Self> {
		let untrained = Weights::init(&ARCHITECTURE, seed)?;
		let baseline = train(
			"training the baseline",
			&untrained,
			Part::Everything,
			&texts.training,
			BASELINE,
			seed,
			threads,
		)?;
		let baseline_losses = losses(&baseline, &texts.shards, threads)?;
		Ok(Self {
			texts,
			baseline,
			baseline_losses,
			seed,
			threads,
			candidates: Vec::new(),
			overfitted: Vec::new(),
		})
	}

	/// The pool, as the chain has it.
	pub fn pool(&self) -> &blyan_primitives::learning::ValidationPool {
		&self.texts.pool
	}

	/// The baseline's mean loss, in bits per byte.
	pub fn baseline_loss(&self) -> f64 {
		bits(&self.baseline_losses)
	}

	/// A candidate's mean gain over the whole pool, as a part of the baseline's loss.
	pub fn gain(&self, losses: &[NanoBits]) -> f64 {
		1.0 - bits(losses) / self.baseline_loss()
	}

	/// All candidates that were made.
	pub fn candidates(&self) -> &[Candidate] {
		&self.candidates
	}

	/// Makes what must not be accepted, `count` of each kind but for the one that is the baseline itself.
	///
	/// # Errors
	/// Weights that overflow; shards that cannot be fitted to.
	pub fn make_worthless(&mut self, count: u32) -> Result<()> {
		let bar = bar("worthless candidates", 1 + 3 * count as usize);
		let same = fetched(&self.baseline)?;
		self.keep(Kind::Null, "the baseline's own blocks".into(), &same)?;
		bar.inc(1);
		for number in 0..count {
			let seed = self.seed_of(number);
			let part = self.part(number);
			let strength = STRENGTHS[number as usize % STRENGTHS.len()];
			let weights = noisy(&self.baseline, part, strength, seed)?;
			self.keep(Kind::Noise, format!("{strength} on {part}"), &weights)?;
			bar.inc(1);
			let part = self.part(number / 3);
			let (name, weights) = match number % 3 {
				0 => ("bf16", rounded(&self.baseline, part, Rounding::Bf16)?),
				1 => ("f16", rounded(&self.baseline, part, Rounding::F16)?),
				_ => ("permuted", permuted(&self.baseline, part, seed)?),
			};
			self.keep(Kind::ReEncoded, format!("{name}, {part}"), &weights)?;
			bar.inc(1);
			self.overfit(number)?;
			bar.inc(1);
		}
		bar.finish_and_clear();
		Ok(())
	}

	/// Makes better candidates of `count` training runs, one of each gain if the run gains as much. Of half of
	/// the runs they are even, and lie on the way from the baseline; to those of the others is added what an
	/// overfitted candidate changed, as much of it as leaves the gain. To be called after
	/// [`Self::make_worthless`], which it adds break-even candidates to.
	///
	/// # Errors
	/// Weights that overflow.
	pub fn make_better(&mut self, count: u32, delta: NanoBits, gains: &[MilliPercent]) -> Result<()> {
		let bar = bar("better candidates", count as usize);
		let at_delta = delta as f64 / BIT_PER_BYTE as f64 / self.baseline_loss();
		let part_of = |gain: MilliPercent| f64::from(gain) / 1e5;
		for number in 0..count {
			let (part, text, from) = self.lesson(number / 2);
			let seed = self.seed_of(1_000 + number);
			let better = train("training", &self.baseline, part, text, IMPROVEMENT, seed, self.threads)?;
			let mut found = Vec::new();
			let mut keep = |kind, name: String, point: Option<Point<Vec<NanoBits>>>| {
				if let Some(point) = point {
					found.push((kind, format!("{name}, at {:.3} of the way", point.share), point.measured));
				}
			};
			let overfitted = self.overfitted.get(number as usize % self.overfitted.len().max(1));
			// From far to near: what is measured on the way brackets the next.
			let mut gains: Vec<MilliPercent> = gains.to_vec();
			gains.sort_unstable_by(|a, b| b.cmp(a));
			if let (1, Some(overfitted)) = (number % 2, overfitted) {
				let mix = |share: f64| {
					let losses = self.measure(&shifted(&better, &self.baseline, overfitted, 1.0 - share)?)?;
					Ok::<_, anyhow::Error>((self.gain(&losses), losses))
				};
				let name = format!("{part}, {from}, less what was overfitted");
				let mut way = Way::new(mix(0.0)?, mix)?;
				for gain in gains {
					keep(Kind::Uneven(gain), name.clone(), way.reaching(part_of(gain))?);
				}
				keep(Kind::AtDelta, name.clone(), way.reaching(at_delta)?);
				// Within what is close: at most zero.
				keep(Kind::BreakEven, name, way.reaching(-LEAST)?);
			} else {
				let name = format!("{part}, {from}");
				let start = (0.0, self.baseline_losses.clone());
				let mut way = Way::new(start, |share| self.measure_between(&better, share))?;
				for gain in gains {
					keep(Kind::Improved(gain), name.clone(), way.reaching(part_of(gain))?);
				}
				keep(Kind::AtDelta, name, way.reaching(at_delta)?);
			}
			for (kind, name, losses) in found {
				self.put(kind, name, losses);
			}
			bar.inc(1);
		}
		bar.finish_and_clear();
		Ok(())
	}

	/// What the training run of that number learns, and from what.
	fn lesson(&self, number: u32) -> (Part, &[u8], String) {
		let text = &self.texts.training;
		match number % 4 {
			0 => (Part::Everything, text, "all of the text".into()),
			1 => (Part::Experts, text, "all of the text".into()),
			2 => (
				Part::Layer((number / 4 % u32::from(ARCHITECTURE.layers)) as u16),
				text,
				"all of the text".into(),
			),
			_ => {
				// One domain's own text: gains differ between domains.
				let domains = self.texts.pool.domains.len().max(1);
				let domain = number as usize / 4 % domains;
				let length = text.len() / domains;
				(
					Part::Experts,
					&text[domain * length..][..length],
					format!("part {} of the text", domain + 1),
				)
			}
		}
	}

	/// Trains on a few shards until the pool gains nothing by it; keeps that, and where it breaks even.
	fn overfit(&mut self, number: u32) -> Result<()> {
		let part = match number % 3 {
			0 => Part::Everything,
			1 => Part::Experts,
			_ => self.part(2),
		};
		let (shards, from) = self.known_shards(number);
		let text = shards.concat();
		let known_loss =
			|weights: &Weights| Ok::<_, anyhow::Error>(bits(&losses(weights, &shards, self.threads)?));
		let before = known_loss(&self.baseline)?;
		let (mut weights, mut rounds) = (self.baseline.clone(), 0);
		let (fitted, losses) = loop {
			let seed = self.seed_of(2_000 + 10 * number + rounds);
			weights = train("overfitting", &weights, part, &text, OVERFIT, seed, self.threads)?;
			rounds += 1;
			let (fitted, measured) = (1.0 - known_loss(&weights)? / before, self.measure(&weights)?);
			if fitted >= FITTED && self.gain(&measured) <= 0.0 {
				break (fitted, measured);
			}
			ensure!(
				rounds < MAX_OVERFITS,
				"training {part} on {from} lowered the loss there by {:.1} %, and the pool's by {:.2} %: not overfitted",
				fitted * 100.0,
				self.gain(&measured) * 100.0
			);
		};
		let name = format!("{part}, {from}, {:.0} % lower there", fitted * 100.0);
		// Half of them: the search is what takes longest.
		if number % 2 == 1 {
			self.put(Kind::Overfitted, name, losses);
			self.overfitted.push(weights);
			return Ok(());
		}
		let start = (0.0, self.baseline_losses.clone());
		let mut way = Way::new(start, |share| match share {
			1.0 => Ok((self.gain(&losses), losses.clone())),
			share => self.measure_between(&weights, share),
		})?;
		let even = way.breaking_even()?;
		drop(way);
		let even_name = format!("{part}, {from}, {:.3} of the way", even.share);
		self.put(Kind::Overfitted, name, losses);
		self.overfitted.push(weights);
		self.put(Kind::BreakEven, even_name, even.measured);
		Ok(())
	}

	/// The shards that the overfitted candidate of that number knows.
	fn known_shards(&self, number: u32) -> (Vec<Vec<u8>>, String) {
		let opened = &self.texts.opened;
		let bytes = self.texts.pool.shard_bytes as usize;
		match number % 3 {
			0 => (opened.clone(), format!("{} opened shards", opened.len())),
			1 => {
				let each = OPENED_PER_DOMAIN as usize;
				let domain = number as usize / 3 % (opened.len() / each).max(1);
				let of_domain = opened.iter().skip(domain * each).take(each).cloned().collect();
				(of_domain, format!("the {each} opened shards of part {}", domain + 1))
			}
			_ => {
				const COUNT: usize = 16;
				let text = &self.texts.training;
				let start = text.len() / 7 * (number as usize % 7);
				let shards = text[start..].chunks_exact(bytes).take(COUNT).map(<[u8]>::to_vec).collect();
				(shards, format!("{COUNT} training shards"))
			}
		}
	}

	/// One expert, all experts, or everything, in turn.
	fn part(&self, number: u32) -> Part {
		let (layers, experts) = (u32::from(ARCHITECTURE.layers), u32::from(ARCHITECTURE.experts.current));
		match number % 3 {
			0 => {
				let turn = number / 3;
				Part::Expert { layer: (turn % layers) as u16, index: (turn / layers % experts) as u16 }
			}
			1 => Part::Experts,
			_ => Part::Everything,
		}
	}

	fn seed_of(&self, number: u32) -> u64 {
		self.seed.wrapping_mul(1_000_003).wrapping_add(number.into())
	}

	fn measure(&self, weights: &Weights) -> Result<Vec<NanoBits>> {
		losses(weights, &self.texts.shards, self.threads)
	}

	fn measure_between(&self, to: &Weights, share: f64) -> Result<(f64, Vec<NanoBits>)> {
		let losses = self.measure(&between(&self.baseline, to, share)?)?;
		Ok((self.gain(&losses), losses))
	}

	fn keep(&mut self, kind: Kind, name: String, weights: &Weights) -> Result<()> {
		let losses = self.measure(weights)?;
		self.put(kind, name, losses);
		Ok(())
	}

	fn put(&mut self, kind: Kind, name: String, losses: Vec<NanoBits>) {
		let number = self.candidates.len() as u32;
		self.candidates.push(Candidate { kind, number, name, losses });
	}
}

/// Mean loss in bits per byte.
fn bits(losses: &[NanoBits]) -> f64 {
	mean(losses.iter().map(|loss| *loss as f64 / BIT_PER_BYTE as f64))
}

/// Losses as an evaluator has them.
fn losses(weights: &Weights, shards: &[Vec<u8>], threads: usize) -> Result<Vec<NanoBits>> {
	Ok(evaluate(weights, shards, threads)?.into_iter().map(nanobits).collect())
}

fn train(
	title: &'static str,
	weights: &Weights,
	part: Part,
	text: &[u8],
	plan: Plan,
	seed: u64,
	threads: usize,
) -> Result<Weights> {
	let config = TrainConfig {
		components: part.components(weights),
		steps: plan.steps,
		batch: plan.batch,
		sequence: ARCHITECTURE.context,
		learning_rate: plan.learning_rate,
		seed,
		threads,
		..TrainConfig::default()
	};
	let text: Text = Arc::new(text.to_vec());
	let bar = bar(title, plan.steps as usize);
	let mut trainer = Trainer::new(weights.clone(), config, text)?;
	while !trainer.is_done() {
		let report = trainer.step()?;
		bar.set_message(format!("{:.3} bits/byte", report.loss));
		bar.inc(1);
	}
	bar.finish_and_clear();
	Ok(trainer.into_weights())
}
