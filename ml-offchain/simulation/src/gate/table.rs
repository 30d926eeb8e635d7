//! What came out, for people.

use super::{needed::POWER, Outcome, Row, SweepRow};
use crate::statistics::Proportion;
use blyan_primitives::learning::BIT_PER_BYTE;
use std::fmt::Write;

/// What the spec allows of worthless candidates.
const ALLOWED: f64 = 0.01;
/// Columns of a bar of one hundred per cent.
const BAR: usize = 50;

/// Tables and plot.
pub fn text(outcome: &Outcome) -> String {
	let gate = &outcome.gate;
	let mut text = format!(
		"baseline {:.3} bits/byte; a pool of {} shards of {} bytes in {} domains\n\
		 gate: z {:.3}, delta {:.4}, rho {:.4} bits/byte, {} shards a domain\n\n",
		outcome.baseline_bits_per_byte,
		outcome.pool_shards,
		outcome.shard_bytes,
		outcome.domains,
		f64::from(gate.z_milli) / 1e3,
		gate.delta as f64 / BIT_PER_BYTE as f64,
		gate.rho as f64 / BIT_PER_BYTE as f64,
		gate.shards_per_domain,
	);
	kinds(&mut text, &outcome.kinds);
	verdict(&mut text, outcome);
	plot(&mut text, &outcome.kinds);
	sweep(&mut text, outcome);
	text
}

// Writing to a text does not fail: results of `writeln!` are dropped.

fn kinds(text: &mut String, rows: &[Row]) {
	let _ = writeln!(
		text,
		"{:<16}{:>11}{:>12}{:>8}{:>10}{:>9}{:>20}{:>10}{:>10}",
		"kind",
		"candidates",
		"true gain",
		"rounds",
		"accepted",
		"rate",
		"95 % interval",
		"regressed",
		"err/scat"
	);
	for row in rows.iter().filter(|row| row.candidates > 0) {
		let ratio = row.error_by_scatter.map_or("-".into(), |ratio| format!("{ratio:.2}"));
		let _ = writeln!(
			text,
			"{:<16}{:>11}{:>10.3} %{:>8}{:>10}{:>7.2} %{:>20}{:>10}{ratio:>10}",
			row.kind,
			row.candidates,
			row.true_gain_percent,
			row.accepted.trials,
			row.accepted.hits,
			100.0 * row.accepted.rate(),
			interval(row.accepted),
			row.regressions,
		);
	}
	for row in rows.iter().filter(|row| row.candidates == 0) {
		let _ = writeln!(
			text,
			"{:<16} no candidate gains as much: train longer, or take a longer text",
			row.kind
		);
	}
	text.push('\n');
}

fn interval(proportion: Proportion) -> String {
	let (low, high) = proportion.interval();
	format!("{:.2} - {:.2} %", 100.0 * low, 100.0 * high)
}

fn verdict(text: &mut String, outcome: &Outcome) {
	let holds = if outcome.false_accept_rate <= ALLOWED { "holds" } else { "DOES NOT HOLD" };
	let _ = writeln!(
		text,
		"false accepts: at most {:.3} % of all worthless candidates' rounds, with 95 % confidence; 1 % {holds}",
		100.0 * outcome.false_accept_rate
	);
	for (kind, upper) in outcome.false_accept_rate_by_kind.iter().filter(|(_, upper)| **upper > ALLOWED) {
		let _ = writeln!(text, "  {kind} alone: up to {:.2} %", 100.0 * upper);
	}
	match outcome.power_at_half_percent {
		Some(power) => {
			let _ =
				writeln!(text, "power: a true gain of 0.5 % is accepted in {:.1} % of rounds", 100.0 * power);
		}
		None => text.push_str("power: no candidate gains 0.5 %\n"),
	}
	if let Some(needed) = outcome.shards_for_90_percent_power {
		let _ = writeln!(
			text,
			"for {:.0} % power at 0.5 %, half of the uneven candidates need {:.0} shards a domain, all of them {:.0} \
			(normal approximation)",
			100.0 * POWER,
			needed.median.ceil(),
			needed.most.ceil()
		);
	}
	text.push('\n');
}

fn plot(text: &mut String, rows: &[Row]) {
	text.push_str("accepted by true gain, with the 95 % interval\n");
	let mut points: Vec<&Row> = rows.iter().filter(|row| row.candidates > 0 && !row.is_worthless).collect();
	points.sort_by(|a, b| a.true_gain_percent.total_cmp(&b.true_gain_percent));
	for row in points {
		let (low, high) = row.accepted.interval();
		let _ = writeln!(
			text,
			"{:<16}{:>8.3} % |{}| {:.1} %",
			row.kind,
			row.true_gain_percent,
			bar_of(low, row.accepted.rate(), high),
			100.0 * row.accepted.rate()
		);
	}
	let _ = writeln!(text, "{:>27}0{:>BAR$}", "", "100 %");
	text.push('\n');
}

/// A bar up to `rate`, its interval beyond it and before its end drawn lighter.
fn bar_of(low: f64, rate: f64, high: f64) -> String {
	let column = |part: f64| (part * BAR as f64).round() as usize;
	let sign = |at: usize| match at {
		_ if at < column(low).min(column(rate)) => '█',
		_ if at < column(rate) => '▓',
		_ if at < column(high) => '░',
		_ => ' ',
	};
	(0..BAR).map(sign).collect()
}

fn sweep(text: &mut String, outcome: &Outcome) {
	let Some(first) = outcome.sweep.first() else { return };
	let _ = write!(
		text,
		"other gates\n{:>8}{:>14}{:>10}{:>16}{:>28}",
		"delta", "shards/domain", "KiB", "false accepts", "worst kind, up to"
	);
	for gain in first.power.keys() {
		let _ = write!(text, "{:>9}", format!("{} %", f64::from(*gain) / 1e3));
	}
	text.push('\n');
	for row in &outcome.sweep {
		let is_own = row.shards_per_domain == outcome.gate.shards_per_domain
			&& row.delta == outcome.gate.delta as f64 / BIT_PER_BYTE as f64;
		sweep_row(text, row, is_own);
	}
	text.push_str("false accepts: upper end of the 95 % interval; * breaks 1 %; then power for uneven candidates by true gain; < the gate above\n");
}

fn sweep_row(text: &mut String, row: &SweepRow, is_own: bool) {
	let (kind, worst) = &row.worst_kind;
	let mark = |upper: f64| if upper > ALLOWED { "*" } else { " " };
	let _ = write!(
		text,
		"{:>8.4}{:>14}{:>10.1}{:>16}{:>28}",
		row.delta,
		row.shards_per_domain,
		row.bytes as f64 / 1024.0,
		format!("{:.2} %{}", 100.0 * row.false_accepts.upper(), mark(row.false_accepts.upper())),
		format!("{kind}, {:.2} %{}", 100.0 * worst.upper(), mark(worst.upper())),
	);
	for power in row.power.values() {
		let shown = if power.trials == 0 { "-".into() } else { format!("{:.1} %", 100.0 * power.rate()) };
		let _ = write!(text, "{shown:>9}");
	}
	text.push_str(if is_own { " <\n" } else { "\n" });
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::gate::{Kind, MilliPercent, Needed};
	use blyan_worker::cli::GateArg;
	use std::collections::BTreeMap;

	fn row(kind: Kind, hits: u64) -> Row {
		let gain: Option<MilliPercent> = match kind {
			Kind::Improved(gain) | Kind::Uneven(gain) => Some(gain),
			_ => None,
		};
		Row {
			kind: kind.to_string(),
			is_worthless: Kind::WORTHLESS.contains(&kind),
			candidates: 2,
			true_gain_percent: gain.map_or(0.0, |gain| f64::from(gain) / 1e3),
			accepted: Proportion { hits, trials: 1_000 },
			regressions: 0,
			error_by_scatter: None,
			gain,
		}
	}

	fn outcome(null_hits: u64) -> Outcome {
		let kinds = vec![row(Kind::Null, null_hits), row(Kind::Improved(500), 900)];
		let sweep = SweepRow {
			shards_per_domain: 16,
			delta: 0.001,
			bytes: 32_768,
			false_accepts: kinds[0].accepted,
			worst_kind: ("null".into(), kinds[0].accepted),
			power: BTreeMap::from([(500, kinds[1].accepted)]),
		};
		Outcome {
			false_accept_rate: kinds[0].accepted.upper(),
			false_accept_rate_by_kind: BTreeMap::from([("null".into(), kinds[0].accepted.upper())]),
			power_at_half_percent: Some(0.9),
			shards_for_90_percent_power: Some(Needed { median: 20.5, most: 99.0 }),
			gate: GateArg::default().0,
			baseline_bits_per_byte: 2.5,
			pool_shards: 1_024,
			shard_bytes: 512,
			domains: 4,
			kinds,
			sweep: vec![sweep],
			candidates: Vec::new(),
		}
	}

	#[test]
	fn text_should_say_whether_one_per_cent_holds() {
		let good = text(&outcome(0));
		assert!(good.contains("1 % holds") && !good.contains("%*"), "{good}");
		assert!(good.contains("0.00 - 0.37 %") && good.contains("accepted in 90.0 % of rounds"), "{good}");
		assert!(good.contains("need 21 shards a domain, all of them 99"), "{good}");
		let bad = text(&outcome(15));
		assert!(bad.contains("DOES NOT HOLD") && bad.contains("null alone: up to 2.46 %"), "{bad}");
		assert!(bad.contains("2.46 %*"), "{bad}");
	}

	#[test]
	fn text_should_mark_the_gate_s_own_line_and_say_what_is_missing() {
		let mut some = outcome(0);
		assert_eq!(text(&some).lines().filter(|line| line.ends_with(" <")).count(), 1);
		some.kinds.push(Row { candidates: 0, ..row(Kind::Improved(2_000), 0) });
		assert!(text(&some).contains("improved 2 %     no candidate gains as much"), "{}", text(&some));
	}

	#[test]
	fn bar_of_should_be_as_long_as_its_rate() {
		let bar = bar_of(0.4, 0.5, 0.6);
		assert_eq!(bar.matches('█').count(), 20);
		assert_eq!((bar.matches('▓').count(), bar.matches('░').count()), (5, 5));
		assert_eq!(bar.chars().count(), BAR);
		assert_eq!(bar_of(0.0, 0.0, 0.003).trim(), "");
	}
}
