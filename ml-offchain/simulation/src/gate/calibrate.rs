//! Finds how far to go from the baseline for a stated gain.

use anyhow::Result;

/// How far from the gain asked for one may be, as a part of it.
pub(super) const CLOSE: f64 = 0.02;
/// The same where hardly any gain is asked for, as a part of the baseline's loss.
pub(super) const LEAST: f64 = 1e-5;
/// Gains are measured at most so often for one that is asked for.
const MAX_TRIES: u32 = 12;
/// Parts of the way, from far to near, at which a candidate's gain is looked at for its sign.
const SHARES: [f64; 2] = [0.25, 0.06];
/// Halvings between a share that gains and one that loses.
const HALVINGS: u32 = 3;

/// A measured point of the way: the share of it, and what came out.
#[derive(Clone, Debug)]
pub(super) struct Point<M> {
	/// 0 is the baseline, 1 the end.
	pub share: f64,
	/// Gain there.
	pub gain: f64,
	/// What was measured.
	pub measured: M,
}

/// A way from weights to better or worse ones.
pub(super) struct Way<M, F> {
	/// Measured so far, by rising share.
	points: Vec<Point<M>>,
	measure: F,
}

impl<M: Clone, F: FnMut(f64) -> Result<(f64, M)>> Way<M, F> {
	/// A way from `start`, its gain and measurement, to an end that is measured first; `measure` gives them
	/// at a share.
	///
	/// # Errors
	/// Those of `measure`.
	pub fn new(start: (f64, M), measure: F) -> Result<Self> {
		let (gain, measured) = start;
		let mut way = Self { points: vec![Point { share: 0.0, gain, measured }], measure };
		way.at(1.0)?;
		Ok(way)
	}

	/// What is at its end.
	pub fn end(&mut self) -> Result<Point<M>> {
		self.at(1.0)
	}

	/// A point within [`CLOSE`] of a gain, or [`LEAST`] of it; `None` if neither end gains more and the other
	/// less, or no such point is found.
	///
	/// # Errors
	/// Those of measuring.
	pub fn reaching(&mut self, gain: f64) -> Result<Option<Point<M>>> {
		let close = (CLOSE * gain.abs()).max(LEAST);
		for _ in 0..MAX_TRIES {
			// The start is known, and no candidate.
			let found = self.points.iter().skip(1).find(|point| (point.gain - gain).abs() <= close);
			if let Some(point) = found {
				return Ok(Some(point.clone()));
			}
			let Some(share) = self.guess(gain) else { return Ok(None) };
			self.at(share)?;
		}
		Ok(None)
	}

	/// Where the gain should first be passed upwards: where the parabola through the points on both sides
	/// and another one has it, or a straight line if that is outside the stretch between them. `None` if the
	/// gain is nowhere passed.
	fn guess(&self, gain: f64) -> Option<f64> {
		let above = self.points.windows(2).position(|pair| pair[0].gain <= gain && gain < pair[1].gain)? + 1;
		let (low, high) = (&self.points[above - 1], &self.points[above]);
		let width = high.share - low.share;
		// Well within the stretch, so that one always becomes shorter.
		let (least, most) = (low.share + 0.05 * width, low.share + 0.95 * width);
		let slope = (high.gain - low.gain) / width;
		let other = self.points.get(above + 1).or(above.checked_sub(2).map(|at| &self.points[at]));
		let bent = other.and_then(|other| {
			// Newton's form: gain = low.gain + slope x + bend x (x - width), x counting from `low`.
			let next = (other.gain - high.gain) / (other.share - high.share);
			let bend = (next - slope) / (other.share - low.share);
			let (missing, steep) = (gain - low.gain, slope - bend * width);
			let x = 2.0 * missing / (steep + (steep * steep + 4.0 * bend * missing).sqrt());
			let share = low.share + x;
			(least..=most).contains(&share).then_some(share)
		});
		Some(bent.unwrap_or_else(|| (low.share + (gain - low.gain) / slope).clamp(least, most)))
	}

	/// The point furthest out, as far as was looked, that gains nothing and loses the least; of a way whose end
	/// gains nothing.
	///
	/// # Errors
	/// Those of measuring.
	pub fn breaking_even(&mut self) -> Result<Point<M>> {
		let mut worse = self.end()?;
		for share in SHARES {
			let point = self.at(share)?;
			if point.gain <= 0.0 {
				worse = point;
				continue;
			}
			let (mut gains, mut loses) = (share, worse.share);
			for _ in 0..HALVINGS {
				let middle = self.at((gains + loses) / 2.0)?;
				if middle.gain > 0.0 {
					gains = middle.share;
				} else {
					loses = middle.share;
					worse = middle;
				}
			}
			break;
		}
		Ok(worse)
	}

	/// The point at a share, measured if it was not.
	fn at(&mut self, share: f64) -> Result<Point<M>> {
		match self.points.binary_search_by(|point| point.share.total_cmp(&share)) {
			Ok(at) => Ok(self.points[at].clone()),
			Err(at) => {
				let (gain, measured) = (self.measure)(share)?;
				let point = Point { share, gain, measured };
				self.points.insert(at, point.clone());
				Ok(point)
			}
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	proptest! {
		#[test]
		fn reaching_should_come_close_to_any_gain_on_the_way(
			end in 0.01f64..0.2, bend in 0.5f64..2.0, part in 0.02f64..1.0,
		) {
			let mut way = Way::new((0.0, ()), |share: f64| Ok((end * share.powf(bend), ()))).unwrap();
			let point = way.reaching(end * part).unwrap();
			let wanted = end * part;
			prop_assert!(point.is_some_and(|p| (p.gain - wanted).abs() <= (CLOSE * wanted).max(LEAST)));
		}

		#[test]
		fn breaking_even_should_gain_nothing_and_lose_less_than_the_end(zero in 0.0f64..1.0) {
			// Rises at first, and falls to below zero at last.
			let mut way = Way::new((0.0, ()), |share: f64| Ok((share * (zero - share), ()))).unwrap();
			let point = way.breaking_even().unwrap();
			prop_assert!(point.gain <= 0.0 && point.gain >= way.end().unwrap().gain);
			let is_far = if zero > 0.06 { point.share - zero > 0.1 } else { point.share > 0.06 };
			prop_assert!(!is_far, "{} for {zero}", point.share);
		}
	}

	#[test]
	fn reaching_should_find_the_first_when_the_gain_falls_again() {
		let mut way = Way::new((0.0, ()), |share: f64| Ok((share * (1.3 - share), ()))).unwrap();
		assert_eq!(way.end().unwrap().share, 1.0);
		let point = way.reaching(0.2).unwrap().unwrap();
		assert!((point.gain - 0.2).abs() <= 0.2 * CLOSE && point.share < 0.5);
	}

	#[test]
	fn reaching_should_find_any_gain_when_the_way_begins_below_zero() {
		for gain in [-1e-5, 3e-4, 0.001, 0.02] {
			let law = |share: f64| 0.05 - 0.2 * (1.0 - share).powf(1.3);
			let mut way = Way::new((law(0.0), ()), |share| Ok((law(share), ()))).unwrap();
			let point = way.reaching(gain).unwrap().unwrap();
			assert!((point.gain - gain).abs() <= (CLOSE * gain).max(LEAST), "{} for {gain}", point.gain);
		}
	}

	#[test]
	fn reaching_should_not_measure_more_than_it_must() {
		let mut measured = 0;
		let mut way = Way::new((0.0, ()), |share: f64| {
			measured += 1;
			Ok((0.08 * share - 0.04 * share.powf(1.8), ()))
		})
		.unwrap();
		for gain in [0.02, 0.01, 0.005, 0.002, 0.001] {
			assert!(way.reaching(gain).unwrap().is_some());
		}
		drop(way);
		assert!(measured <= 10, "{measured}");
	}

	#[test]
	fn reaching_should_be_none_when_the_end_gains_less() {
		let mut measured = 0;
		let mut way = Way::new((0.0, ()), |share: f64| {
			measured += 1;
			Ok((0.01 * share, ()))
		})
		.unwrap();
		assert!(way.reaching(0.02).unwrap().is_none());
		assert_eq!(measured, 1, "what is known is not measured again");
	}
}
