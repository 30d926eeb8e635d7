//! How a trainer shows what it does: a bar for people, JSON lines for programs.

use crate::{register::bly, trainer::step::Outcome};
use blyan_primitives::{
	dag::{BlockId, Generation, ModelId, SubmissionId},
	learning::{Medians, NanoBits, BIT_PER_BYTE},
	Balance, Hash,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Serialize, Serializer};
use std::{
	io::{self, IsTerminal, Write},
	sync::{Mutex, PoisonError},
};

/// Without a terminal, a line is written for every so many parts of a job.
const LINES_PER_JOB: u32 = 10;

/// How to show progress.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum ProgressMode {
	/// A bar on a terminal, lines elsewhere.
	#[default]
	Auto,
	/// A JSON object a line.
	Json,
	/// Nothing.
	None,
}

/// An amount as a decimal text: JSON numbers would lose digits in most readers.
pub fn as_text<S: Serializer>(amount: &Balance, serializer: S) -> Result<S::Ok, S::Error> {
	serializer.collect_str(amount)
}

/// Progress of a training run.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct StepLine {
	/// The job's place in the configuration.
	pub job: u32,
	/// Steps done.
	pub step: u32,
	/// Steps there are.
	pub steps: u32,
	/// Loss of the last batch.
	pub loss_bits_per_byte: f64,
	/// Tokens a second, since this process began.
	pub tokens_per_second: f64,
}

/// Something that happened. Amounts are in the smallest unit of BLY.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Happening {
	/// The worker is registered and serves its content.
	Ready { account: String, endpoint: String },
	/// A job's heads are loaded and verified.
	JobStarted {
		job: u32,
		model: ModelId,
		generation: Generation,
		version_root: Hash,
		components: Vec<String>,
		resumed_at: u32,
	},
	/// The content is in the store.
	Trained { job: u32, blocks: Vec<BlockId>, manifest: String, seconds: f64 },
	/// The proof of work of a submission is looked for: so many tries, of 2 to the power of `bits` that are
	/// expected.
	Working { job: u32, bits: u32, tries: u64 },
	/// The chain has the submission.
	Submitted { job: u32, round: SubmissionId },
	/// The round was closed.
	Verdict { job: u32, round: SubmissionId, verdict: Outcome, medians: Option<Medians> },
	/// Submitted as often as allowed, without a verdict.
	GaveUp { job: u32 },
	/// Every job is settled.
	AllSettled,
	/// A claim was paid.
	Paid {
		epoch: u32,
		#[serde(serialize_with = "as_text")]
		amount: Balance,
	},
}

/// Shows progress. Shared by the thread that trains and the one that follows the chain.
#[derive(Debug)]
pub struct Reporter {
	mode: Mode,
}

#[derive(Debug)]
enum Mode {
	Bar(Mutex<Option<ProgressBar>>),
	Lines,
	Json,
	Silent,
}

impl Reporter {
	/// A reporter of that mode on standard output.
	pub fn new(mode: ProgressMode) -> Self {
		let mode = match mode {
			ProgressMode::Auto if io::stdout().is_terminal() => Mode::Bar(Mutex::default()),
			ProgressMode::Auto => Mode::Lines,
			ProgressMode::Json => Mode::Json,
			ProgressMode::None => Mode::Silent,
		};
		Self { mode }
	}

	/// A step was done.
	pub fn step(&self, line: &StepLine) {
		let StepLine { job, step, steps, loss_bits_per_byte, tokens_per_second } = *line;
		match &self.mode {
			Mode::Bar(bar) => {
				let mut bar = bar.lock().unwrap_or_else(PoisonError::into_inner);
				let bar = bar.get_or_insert_with(|| new_bar(job, steps));
				bar.set_position(step.into());
				bar.set_message(format!(
					"{loss_bits_per_byte:.3} bits/byte, {tokens_per_second:.0} tokens/s"
				));
			}
			Mode::Lines if step == steps || step % (steps / LINES_PER_JOB).max(1) == 0 => {
				print_line(&format!("job {job}: step {step}/{steps}, {loss_bits_per_byte:.3} bits/byte"))
			}
			Mode::Json => print_json(line),
			Mode::Lines | Mode::Silent => {}
		}
	}

	/// Something happened.
	pub fn tell(&self, happening: &Happening) {
		match &self.mode {
			Mode::Json => print_json(happening),
			Mode::Silent => {}
			Mode::Lines => print_line(&describe(happening)),
			Mode::Bar(bar) => {
				// The bar is done; what follows it scrolls.
				if let Some(bar) = bar.lock().unwrap_or_else(PoisonError::into_inner).take() {
					bar.finish();
				}
				print_line(&describe(happening));
			}
		}
	}
}

fn new_bar(job: u32, steps: u32) -> ProgressBar {
	let bar = ProgressBar::new(steps.into());
	let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg} {eta}");
	if let Ok(style) = style {
		bar.set_style(style);
	}
	bar.with_prefix(format!("job {job}"))
}

/// Whoever reads may have gone away; training goes on.
fn print_line(line: &str) {
	let mut out = io::stdout().lock();
	let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn print_json(value: &impl Serialize) {
	match serde_json::to_string(value) {
		Ok(line) => print_line(&line),
		Err(error) => tracing::error!(%error, "progress cannot be written as JSON"),
	}
}

fn bits(value: NanoBits) -> f64 {
	value as f64 / BIT_PER_BYTE as f64
}

fn describe(happening: &Happening) -> String {
	match happening {
		Happening::Ready { account, endpoint } => {
			format!("registered as {account}, serving content at {endpoint}")
		}
		Happening::JobStarted { job, model, generation, version_root, components, resumed_at } => {
			let from =
				if *resumed_at > 0 { format!(", resumed at step {resumed_at}") } else { String::new() };
			let what = components.join(", ");
			format!("job {job}: training {what} of model {model} from generation {generation} ({version_root:?}){from}")
		}
		Happening::Trained { job, blocks, manifest, seconds } => {
			format!("job {job}: trained {} blocks in {seconds:.0} s, manifest {manifest}", blocks.len())
		}
		Happening::Working { job, bits, tries } => {
			let expected = 2f64.powi((*bits).min(64) as i32) / 1e6;
			let done = *tries as f64 / 1e6;
			format!("job {job}: proof of work, {done:.1} of about {expected:.1} million hashes")
		}
		Happening::Submitted { job, round } => format!("job {job}: submitted, round {round}"),
		Happening::Verdict { job, round, verdict, medians } => {
			let measured = medians.as_ref().map(|m| {
				format!(
					": {:.4} bits/byte before, gain {:.4} ± {:.4}",
					bits(m.baseline),
					bits(m.gain),
					bits(m.standard_error)
				)
			});
			let verdict = match verdict {
				Outcome::Accepted => "accepted".into(),
				Outcome::Rejected(Some(reason)) => format!("rejected ({reason:?})"),
				Outcome::Rejected(None) => "rejected".into(),
				Outcome::Inconclusive => "no verdict".into(),
			};
			format!("job {job}: round {round} {verdict}{}", measured.unwrap_or_default())
		}
		Happening::GaveUp { job } => format!("job {job}: given up, there was no verdict"),
		Happening::AllSettled => "every job is settled".into(),
		Happening::Paid { epoch, amount } => format!("paid {} BLY for epoch {epoch}", bly(*amount)),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::learning::RejectReason;

	#[test]
	fn lines_should_be_the_json_that_programs_read() {
		let line = StepLine { job: 0, step: 10, steps: 300, loss_bits_per_byte: 3.5, tokens_per_second: 1e4 };
		let json: serde_json::Value = serde_json::to_value(line).unwrap();
		assert_eq!((&json["job"], &json["step"], &json["steps"]), (&0.into(), &10.into(), &300.into()));
		assert_eq!(json["loss_bits_per_byte"], 3.5);
		let json = serde_json::to_value(Happening::Submitted { job: 1, round: 7 }).unwrap();
		assert_eq!(json, serde_json::json!({"event": "submitted", "job": 1, "round": 7}));
		let paid = serde_json::to_value(Happening::Paid { epoch: 2, amount: u128::MAX }).unwrap();
		assert_eq!(paid["amount"], u128::MAX.to_string());
		let verdict = Outcome::Rejected(Some(RejectReason::NoGain));
		let json =
			serde_json::to_value(Happening::Verdict { job: 0, round: 1, verdict, medians: None }).unwrap();
		assert_eq!(json["verdict"], serde_json::json!({"rejected": "no_gain"}));
	}

	#[test]
	fn describe_should_say_what_was_measured() {
		let medians = Medians {
			baseline: 3 * BIT_PER_BYTE,
			gain: BIT_PER_BYTE / 4,
			standard_error: BIT_PER_BYTE / 100,
			domain_gains: Default::default(),
		};
		let text = describe(&Happening::Verdict {
			job: 0,
			round: 3,
			verdict: Outcome::Accepted,
			medians: Some(medians),
		});
		assert_eq!(text, "job 0: round 3 accepted: 3.0000 bits/byte before, gain 0.2500 ± 0.0100");
	}
}
