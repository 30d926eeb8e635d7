//! Counters, in Prometheus' text format.
//!
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>

use super::{admission::Admission, current::Current};
use std::{
	collections::BTreeMap,
	fmt::Write,
	sync::{
		atomic::{AtomicU64, Ordering::Relaxed},
		Mutex, PoisonError,
	},
	time::Duration,
};

/// What a scrape is answered with.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Counted since the start.
#[derive(Debug, Default)]
pub struct Metrics {
	/// By endpoint and status.
	requests: Mutex<BTreeMap<(&'static str, u16), u64>>,
	prompt_tokens: AtomicU64,
	completion_tokens: AtomicU64,
	answers: AtomicU64,
	cancelled: AtomicU64,
	failed: AtomicU64,
	turned_away: AtomicU64,
	microseconds: AtomicU64,
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
	/// It was told to its end.
	Whole,
	/// The client went away.
	Cancelled,
	/// The model failed.
	Failed,
}

impl Metrics {
	/// A request was answered with that status.
	pub fn request(&self, endpoint: &'static str, status: u16) {
		let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
		*requests.entry((endpoint, status)).or_default() += 1;
	}

	/// An answer ended, which took that long to compute.
	pub fn answer(&self, outcome: Outcome, prompt_tokens: usize, completion_tokens: usize, took: Duration) {
		self.prompt_tokens.fetch_add(prompt_tokens as u64, Relaxed);
		self.completion_tokens.fetch_add(completion_tokens as u64, Relaxed);
		self.microseconds.fetch_add(took.as_micros() as u64, Relaxed);
		self.answers.fetch_add(1, Relaxed);
		match outcome {
			Outcome::Whole => {}
			Outcome::Cancelled => drop(self.cancelled.fetch_add(1, Relaxed)),
			Outcome::Failed => drop(self.failed.fetch_add(1, Relaxed)),
		}
	}

	/// In an answer, experts on probation were so often over their share when a token wanted them.
	pub fn turned_away(&self, times: u64) {
		self.turned_away.fetch_add(times, Relaxed);
	}

	/// How long an answer takes on average; zero before the first.
	pub fn mean_answer(&self) -> Duration {
		let answers = self.answers.load(Relaxed);
		Duration::from_micros(self.microseconds.load(Relaxed).checked_div(answers).unwrap_or_default())
	}

	/// Everything, as text.
	pub fn render(&self, admission: &Admission, current: &Current) -> String {
		let mut page = Page(String::new());
		page.describe("requests_total", "counter", "HTTP requests, by endpoint and status.");
		for ((endpoint, status), count) in &*self.requests.lock().unwrap_or_else(PoisonError::into_inner) {
			page.sample("requests_total", &format!("{{endpoint=\"{endpoint}\",status=\"{status}\"}}"), count);
		}
		for (name, help, counter) in [
			("answers_total", "Answers begun and ended.", &self.answers),
			("answers_cancelled_total", "Answers whose client went away.", &self.cancelled),
			("answers_failed_total", "Answers that the model failed at.", &self.failed),
			("prompt_tokens_total", "Tokens of prompts.", &self.prompt_tokens),
			("completion_tokens_total", "Tokens generated.", &self.completion_tokens),
			(
				"probation_turned_away_total",
				"Times that a token went elsewhere because an expert on probation was over its share.",
				&self.turned_away,
			),
		] {
			page.single(name, "counter", help, counter.load(Relaxed));
		}
		let seconds = Duration::from_micros(self.microseconds.load(Relaxed)).as_secs_f64();
		page.single("generation_seconds_total", "counter", "Seconds that answers were computed.", seconds);
		page.single("answers_running", "gauge", "Answers under way.", admission.running());
		page.single("requests_waiting", "gauge", "Requests that wait for a thread.", admission.waiting());
		page.single(
			"ready",
			"gauge",
			"1 when there are weights to answer from.",
			u8::from(current.served.is_some()),
		);
		if let Some(served) = &current.served {
			let help = "The generation of the model that answers.";
			page.single("model_generation", "gauge", help, served.receipt.generation);
			let help = "The newest finalized block in which that generation was the model's.";
			page.single("chain_height", "gauge", help, served.receipt.chain_height);
			let help = "Experts of that generation that are on probation.";
			page.single("experts_on_probation", "gauge", help, served.cap.experts.len());
			if let Some(cache) = served.weights().cache_metrics() {
				for (name, kind, help, value) in [
					("expert_hits_total", "counter", "Experts that were in memory when needed.", cache.hits),
					("expert_misses_total", "counter", "Experts that had to be loaded first.", cache.misses),
					("expert_ahead_hits_total", "counter", "Hits thanks to loading ahead.", cache.ahead_hits),
					("expert_ahead_total", "counter", "Experts that were loaded ahead.", cache.loaded_ahead),
					("expert_evictions_total", "counter", "Experts that made room.", cache.evictions),
					("expert_resident_bytes", "gauge", "Bytes of experts in memory.", cache.resident_bytes),
					(
						"expert_highest_resident_bytes",
						"gauge",
						"The most bytes of experts there ever were in memory.",
						cache.highest_resident_bytes,
					),
					("expert_limit_bytes", "gauge", "Bytes of experts there may be.", cache.limit_bytes),
				] {
					page.single(name, kind, help, value);
				}
			}
		}
		page.0
	}
}

struct Page(String);

impl Page {
	fn describe(&mut self, name: &str, kind: &str, help: &str) {
		// Writing to a String does not fail.
		let _ = writeln!(self.0, "# HELP blyan_serve_{name} {help}\n# TYPE blyan_serve_{name} {kind}");
	}

	fn sample(&mut self, name: &str, labels: &str, value: impl std::fmt::Display) {
		let _ = writeln!(self.0, "blyan_serve_{name}{labels} {value}");
	}

	fn single(&mut self, name: &str, kind: &str, help: &str, value: impl std::fmt::Display) {
		self.describe(name, kind, help);
		self.sample(name, "", value);
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn render_should_describe_every_sample() {
		let metrics = Metrics::default();
		assert_eq!(metrics.mean_answer(), Duration::ZERO);
		metrics.request("completions", 200);
		metrics.request("completions", 200);
		metrics.answer(Outcome::Whole, 3, 4, Duration::from_millis(500));
		metrics.answer(Outcome::Cancelled, 1, 1, Duration::from_millis(1_500));
		assert_eq!(metrics.mean_answer(), Duration::from_secs(1));
		let page = metrics.render(&Admission::new(1, 0), &Current::starting("test"));
		for line in [
			"blyan_serve_requests_total{endpoint=\"completions\",status=\"200\"} 2",
			"blyan_serve_completion_tokens_total 5",
			"blyan_serve_prompt_tokens_total 4",
			"blyan_serve_answers_cancelled_total 1",
			"blyan_serve_answers_failed_total 0",
			"blyan_serve_generation_seconds_total 2",
			"blyan_serve_ready 0",
		] {
			assert!(page.lines().any(|found| found == line), "{line} in\n{page}");
		}
		for line in page.lines().filter(|line| !line.starts_with('#')) {
			let name = line.split([' ', '{']).next().unwrap();
			assert!(page.contains(&format!("# TYPE {name} ")), "{name}");
		}
	}
}
