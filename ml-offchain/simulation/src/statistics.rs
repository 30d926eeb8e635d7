//! Rates and their intervals.

use serde::{Serialize, Serializer};
use statrs::distribution::{Beta, ContinuousCDF};
use std::ops::AddAssign;

/// What an interval leaves out, on both sides together.
const OUTSIDE: f64 = 0.05;

/// How often something happened.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Proportion {
	/// How often it did.
	pub hits: u64,
	/// How often it could have.
	pub trials: u64,
}

impl Proportion {
	/// Counts one more trial.
	pub fn count(&mut self, is_hit: bool) {
		self.hits += u64::from(is_hit);
		self.trials += 1;
	}

	/// Hits by trials; `NaN` without any.
	pub fn rate(&self) -> f64 {
		self.hits as f64 / self.trials as f64
	}

	/// The exact interval of 95 per cent for the chance behind it: C. Clopper and E. Pearson, Biometrika
	/// 26(4), 1934, by quantiles of the beta distribution. 0 to 1 without trials.
	pub fn interval(&self) -> (f64, f64) {
		let (hits, misses) = (self.hits as f64, (self.trials - self.hits) as f64);
		// Both shapes are above zero wherever this is asked.
		let quantile =
			|a: f64, b: f64, at: f64| Beta::new(a, b).map_or(f64::NAN, |beta| beta.inverse_cdf(at));
		let low = if self.hits == 0 { 0.0 } else { quantile(hits, misses + 1.0, OUTSIDE / 2.0) };
		let high =
			if self.hits == self.trials { 1.0 } else { quantile(hits + 1.0, misses, 1.0 - OUTSIDE / 2.0) };
		(low, high)
	}

	/// The upper end of the interval.
	pub fn upper(&self) -> f64 {
		self.interval().1
	}
}

impl AddAssign for Proportion {
	fn add_assign(&mut self, other: Self) {
		self.hits += other.hits;
		self.trials += other.trials;
	}
}

impl Serialize for Proportion {
	fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		#[derive(Serialize)]
		struct Line {
			hits: u64,
			trials: u64,
			rate: f64,
			lower: f64,
			upper: f64,
		}
		let (lower, upper) = self.interval();
		Line { hits: self.hits, trials: self.trials, rate: self.rate(), lower, upper }.serialize(serializer)
	}
}

/// Mean and variance of a sample, kept as it grows: B. Welford, Technometrics 4(3), 1962.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Spread {
	count: u64,
	mean: f64,
	squares: f64,
}

impl Spread {
	/// One more value.
	pub fn add(&mut self, value: f64) {
		self.count += 1;
		let before = value - self.mean;
		self.mean += before / self.count as f64;
		self.squares += before * (value - self.mean);
	}

	/// The mean; zero of none.
	pub fn mean(&self) -> f64 {
		self.mean
	}

	/// The sample variance; `None` of fewer than two values.
	pub fn variance(&self) -> Option<f64> {
		(self.count > 1).then(|| self.squares / (self.count - 1) as f64)
	}
}

/// The mean; `NaN` of none.
pub fn mean(values: impl IntoIterator<Item = f64>) -> f64 {
	let (mut sum, mut count) = (0.0, 0u64);
	for value in values {
		sum += value;
		count += 1;
	}
	sum / count as f64
}

#[cfg(test)]
mod tests {
	use super::*;

	fn close(a: f64, b: f64) -> bool {
		(a - b).abs() < 5e-5
	}

	#[test]
	fn interval_should_be_that_of_published_tables() {
		// R, binom.test(hits, trials)$conf.int.
		for (hits, trials, low, high) in [
			(0, 10, 0.0, 0.30850),
			(10, 10, 0.69150, 1.0),
			(5, 10, 0.18709, 0.81291),
			(1, 100, 0.00025, 0.05446),
			(0, 1_000, 0.0, 0.00368),
			(4, 1_000, 0.00109, 0.01021),
		] {
			let interval = Proportion { hits, trials }.interval();
			assert!(close(interval.0, low) && close(interval.1, high), "{hits} of {trials}: {interval:?}");
		}
		assert_eq!(Proportion::default().interval(), (0.0, 1.0));
	}

	#[test]
	fn proportion_should_count_and_add() {
		let mut proportion = Proportion { hits: 1, trials: 2 };
		proportion.count(true);
		proportion += Proportion { hits: 0, trials: 5 };
		assert_eq!(proportion, Proportion { hits: 2, trials: 8 });
		assert_eq!(proportion.rate(), 0.25);
	}

	#[test]
	fn variance_should_be_of_a_sample() {
		let mut spread = Spread::default();
		assert_eq!(spread.variance(), None);
		[1.0, 2.0, 3.0, 6.0].into_iter().for_each(|value| spread.add(value));
		assert_eq!(spread.mean(), 3.0);
		// Squares 4 + 1 + 0 + 9, over 3.
		assert!(close(spread.variance().unwrap_or_default(), 14.0 / 3.0));
	}
}
