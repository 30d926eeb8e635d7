//! What a person sees while it happens: a line a step with its time, and bars on a terminal.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
	io::IsTerminal,
	time::{Duration, Instant},
};

/// How often a spinner turns.
const TICK: Duration = Duration::from_millis(120);
/// Without a terminal, a bar says how far it is this many times.
const PLAIN_REPORTS: u64 = 4;

/// Where steps are shown.
#[derive(Clone)]
pub struct Ui {
	/// On a terminal only.
	bars: Option<MultiProgress>,
	started: Instant,
}

impl Ui {
	/// Shows bars if standard output is a terminal, and plain lines if not.
	pub fn new() -> Self {
		let bars = std::io::stdout()
			.is_terminal()
			.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stdout()));
		Self { bars, started: Instant::now() }
	}

	/// Since the program started.
	pub fn elapsed(&self) -> Duration {
		self.started.elapsed()
	}

	/// Prints a text above the bars.
	pub fn print(&self, text: &str) {
		match &self.bars {
			// A terminal that is gone is no reason to stop the network.
			Some(bars) => drop(bars.println(text)),
			None => println!("{text}"),
		}
	}

	/// Begins a step.
	pub fn step(&self, title: impl Into<String>) -> Step {
		let title = title.into();
		let bar = self.bars.as_ref().map(|bars| {
			let bar = bars.add(ProgressBar::new_spinner());
			bar.set_style(style("{spinner:.cyan} {prefix}  {wide_msg:.dim} {elapsed:.dim}"));
			bar.set_prefix(title.clone());
			bar.enable_steady_tick(TICK);
			bar
		});
		Step { ui: self.clone(), title, started: Instant::now(), bar, length: 0, reported: 0, is_done: false }
	}

	/// A line that stays at the bottom and is written over; without a terminal, nothing.
	pub fn status_line(&self) -> Option<ProgressBar> {
		self.bars.as_ref().map(|bars| {
			let bar = bars.add(ProgressBar::new_spinner());
			bar.set_style(style("{spinner:.green} {wide_msg}"));
			bar.enable_steady_tick(TICK);
			bar
		})
	}
}

/// Templates are literals of this file; the tests draw each of them.
fn style(template: &str) -> ProgressStyle {
	ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

const BAR_TEMPLATE: &str =
	"{spinner:.cyan} {prefix}  {bar:24.cyan/dim} {pos}/{len}  {wide_msg:.dim} {elapsed:.dim}";

/// A step that goes on. Dropped without [`Step::done`], it is shown as broken off.
pub struct Step {
	ui: Ui,
	title: String,
	started: Instant,
	bar: Option<ProgressBar>,
	length: u64,
	/// Without a terminal: how many of [`PLAIN_REPORTS`] were made.
	reported: u64,
	is_done: bool,
}

impl Step {
	/// Says what is being done now.
	pub fn note(&self, text: impl Into<String>) {
		if let Some(bar) = &self.bar {
			bar.set_message(text.into());
		}
	}

	/// Says how far it is: `position` of `length`, which must not be zero.
	pub fn progress(&mut self, position: u64, length: u64, text: impl Into<String>) {
		let text = text.into();
		match &self.bar {
			Some(bar) => {
				if self.length != length {
					bar.set_length(length);
					bar.set_style(style(BAR_TEMPLATE));
				}
				bar.set_position(position);
				bar.set_message(text);
			}
			None => {
				let due = (position * PLAIN_REPORTS).checked_div(length).unwrap_or(0);
				if due > self.reported {
					self.reported = due;
					println!(
						"{}       {}: {position}/{length}  {text}",
						clock(self.ui.elapsed()),
						self.title
					);
				}
			}
		}
		self.length = length;
	}

	/// Ends the step and says what came of it. Returns how long it took.
	pub fn done(mut self, outcome: &str) -> Duration {
		self.is_done = true;
		let took = self.started.elapsed();
		self.end("✔", &format!("{outcome}  ({})", seconds(took)));
		took
	}

	fn end(&self, sign: &str, outcome: &str) {
		if let Some(bar) = &self.bar {
			bar.finish_and_clear();
		}
		self.ui.print(&format!("{} {sign} {}: {outcome}", clock(self.ui.elapsed()), self.title));
	}
}

impl Drop for Step {
	fn drop(&mut self) {
		if !self.is_done {
			self.end("✘", "broken off");
		}
	}
}

/// `   83.4 s`: for the beginning of a line.
fn clock(elapsed: Duration) -> String {
	format!("{:>7.1} s", elapsed.as_secs_f64())
}

/// `12.3 s`.
pub fn seconds(duration: Duration) -> String {
	format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
	use super::*;
	use indicatif::TermLike;
	use std::{
		io,
		sync::{Arc, Mutex},
	};

	/// A terminal that keeps everything that is ever written to it.
	#[derive(Clone, Debug, Default)]
	struct Paper(Arc<Mutex<String>>);

	impl Paper {
		fn contents(&self) -> String {
			self.0.lock().unwrap().clone()
		}
	}

	impl TermLike for Paper {
		fn width(&self) -> u16 {
			120
		}

		fn move_cursor_up(&self, _: usize) -> io::Result<()> {
			Ok(())
		}

		fn move_cursor_down(&self, _: usize) -> io::Result<()> {
			Ok(())
		}

		fn move_cursor_right(&self, _: usize) -> io::Result<()> {
			Ok(())
		}

		fn move_cursor_left(&self, _: usize) -> io::Result<()> {
			Ok(())
		}

		fn write_line(&self, text: &str) -> io::Result<()> {
			self.write_str(text)?;
			self.write_str("\n")
		}

		fn write_str(&self, text: &str) -> io::Result<()> {
			self.0.lock().unwrap().push_str(text);
			Ok(())
		}

		fn clear_line(&self) -> io::Result<()> {
			Ok(())
		}

		fn flush(&self) -> io::Result<()> {
			Ok(())
		}
	}

	#[test]
	fn step_should_show_title_progress_and_outcome_on_a_terminal() {
		let term = Paper::default();
		let bars = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(term.clone())));
		let ui = Ui { bars: Some(bars), started: Instant::now() };
		let mut step = ui.step("training");
		step.note("warming up");
		step.progress(30, 60, "2.5 bits per byte");
		let shown = term.contents();
		assert!(
			shown.contains("training") && shown.contains("30/60") && shown.contains("2.5 bits"),
			"{shown}"
		);
		step.done("submitted as round 0");
		drop(ui.step("waiting"));
		let shown = term.contents();
		assert!(shown.contains("✔ training: submitted as round 0"), "{shown}");
		assert!(shown.contains("✘ waiting: broken off"), "{shown}");
		let line = ui.status_line().unwrap();
		line.set_message("block 7");
		line.tick();
		assert!(term.contents().contains("block 7"));
	}

	#[test]
	fn style_should_know_every_template() {
		for template in [
			BAR_TEMPLATE,
			"{spinner:.green} {wide_msg}",
			"{spinner:.cyan} {prefix}  {wide_msg:.dim} {elapsed:.dim}",
		] {
			assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
		}
	}
}
