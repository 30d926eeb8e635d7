//! Bits per byte over versions, drawn with text.

/// What became of what was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
	/// A version of the model.
	Version,
	/// A submission that did not become one.
	Refused,
}

impl Mark {
	fn sign(self) -> char {
		match self {
			Self::Version => '●',
			Self::Refused => '×',
		}
	}
}

/// A measured loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
	/// Below the axis.
	pub label: String,
	/// Bits per byte.
	pub value: f64,
	/// Its standard error.
	pub error: f64,
	/// Version or refused.
	pub mark: Mark,
}

/// Rows between the axis and the top.
const HEIGHT: usize = 12;
/// Space around a label.
const GAP: usize = 2;

/// Draws the points from left to right, each with a bar of one standard error either way where that is
/// taller than a row. `None` without points.
pub fn chart(points: &[Point]) -> Option<String> {
	let low = points.iter().map(|point| point.value - point.error).fold(f64::INFINITY, f64::min);
	let high = points.iter().map(|point| point.value + point.error).fold(f64::NEG_INFINITY, f64::max);
	if !(low.is_finite() && high.is_finite()) {
		return None;
	}
	// Equal values get a scale all the same.
	let span = (high - low).max(1e-3);
	let row_of = |value: f64| {
		let part = ((value - low) / span).clamp(0.0, 1.0);
		(part * (HEIGHT - 1) as f64).round() as usize
	};
	let width = points.iter().map(|point| point.label.chars().count() + GAP).max().unwrap_or(GAP);
	let mut lines = vec!["bits per byte".to_string()];
	for row in (0..HEIGHT).rev() {
		let value = low + span * row as f64 / (HEIGHT - 1) as f64;
		let is_labelled = row % 3 == 2 || row == 0;
		let mut line = if is_labelled { format!("{value:>8.3} ┤") } else { format!("{:>8} │", "") };
		for point in points {
			let sign = if row == row_of(point.value) {
				point.mark.sign()
			} else if (row_of(point.value - point.error)..=row_of(point.value + point.error)).contains(&row) {
				'│'
			} else {
				' '
			};
			line.push_str(&format!("{sign:^width$}"));
		}
		lines.push(line.trim_end().to_string());
	}
	lines.push(format!("{:>8} └{}", "", "─".repeat(width * points.len())));
	let labels: String = points.iter().map(|point| format!("{:^width$}", point.label)).collect();
	lines.push(format!("{:>10}{}", "", labels.trim_end()));
	// The last steps may be too small to see beside the first.
	let values: String =
		points.iter().map(|point| format!("{:^width$}", format!("{:.4}", point.value))).collect();
	lines.push(format!("{:>10}{}", "", values.trim_end()));
	lines.push(format!(
		"{:>10}● a version of the model   × refused; each step as its committee measured it",
		""
	));
	Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
	use super::*;

	fn point(label: &str, value: f64, error: f64, mark: Mark) -> Point {
		Point { label: label.into(), value, error, mark }
	}

	#[test]
	fn chart_should_put_lower_losses_lower_and_mark_what_was_refused() {
		let chart = chart(&[
			point("0.1.0", 8.0, 0.0, Mark::Version),
			point("0.1.1", 3.0, 0.0, Mark::Version),
			point("noisy", 5.5, 1.0, Mark::Refused),
		])
		.unwrap();
		let lines: Vec<&str> = chart.lines().collect();
		let row_of = |sign: char, from: usize| {
			lines.iter().skip(from).position(|line| line.contains(sign)).unwrap() + from
		};
		let top = row_of('●', 0);
		let bottom = row_of('●', top + 1);
		assert_eq!((top, bottom), (1, HEIGHT), "{chart}");
		assert!((top..bottom).contains(&row_of('×', 0)), "{chart}");
		assert!(lines[top].contains("8.000") && lines[bottom].contains("3.000"), "{chart}");
		assert!(lines[HEIGHT + 2].contains("0.1.1") && lines[HEIGHT + 2].contains("noisy"), "{chart}");
		let bar = lines[top + 1..bottom]
			.iter()
			.filter(|line| line.matches('│').count() + line.matches('┤').count() > 1);
		assert!(bar.count() >= 3, "the error has a bar\n{chart}");
	}

	#[test]
	fn chart_should_survive_equal_values_and_refuse_none() {
		assert_eq!(chart(&[]), None);
		assert_eq!(chart(&[point("a", f64::NAN, 0.0, Mark::Version)]), None);
		let flat =
			chart(&[point("a", 2.0, 0.0, Mark::Version), point("b", 2.0, 0.0, Mark::Version)]).unwrap();
		assert_eq!(flat.lines().filter(|line| line.matches('●').count() == 2).count(), 1, "{flat}");
	}
}
