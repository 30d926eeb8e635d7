//! How likely colluding evaluators hold a committee.

use crate::{progress::bar, statistics::Proportion};
use blyan_primitives::{
	economy::BLY,
	learning::quorum,
	seats::{lots_for_workers, seat_all, Draw, Seat},
	worker::Role,
	Balance,
};
use polkadot_sdk::sp_runtime::traits::{BlakeTwo256, Hash as _};
use serde::Serialize;
use std::fmt::Write;

/// Committees' sizes.
pub const SIZES: [u32; 4] = [5, 7, 9, 11];
/// The coalition's shares of all weight, in per cent.
pub const SHARES: [u32; 5] = [10, 20, 30, 40, 50];
/// Evaluators of the scenario in which all weigh the same, and the honest ones of the others.
const EVALUATORS: u32 = 100;

/// How the coalition holds its share.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Holding {
	/// A hundred evaluators of the same weight, the coalition among them.
	Equal,
	/// A hundred honest ones of the same weight, and eight of the coalition.
	FewLarge,
	/// A hundred honest ones of the same weight, and four hundred of the coalition.
	ManySmall,
}

impl Holding {
	/// Every way.
	pub const ALL: [Self; 3] = [Self::Equal, Self::FewLarge, Self::ManySmall];

	fn title(self) -> &'static str {
		match self {
			Self::Equal => "100 evaluators of the same weight, the coalition among them (hypergeometric)",
			Self::FewLarge => "100 honest evaluators, the coalition's weight on 8 more (Wallenius)",
			Self::ManySmall => "100 honest evaluators, the coalition's weight on 400 more (Wallenius)",
		}
	}

	/// The seats of coalition and honest evaluators when the coalition has that share of all weight.
	fn seats(self, share_percent: u32) -> Parties {
		let weight = 1_000 * BLY;
		let (coalition, honest) = match self {
			Self::Equal => (EVALUATORS * share_percent / 100, EVALUATORS * (100 - share_percent) / 100),
			Self::FewLarge => (8, EVALUATORS),
			Self::ManySmall => (400, EVALUATORS),
		};
		let all_honest = weight * Balance::from(honest);
		let all_coalition = all_honest * Balance::from(share_percent) / Balance::from(100 - share_percent);
		Parties { coalition, each: all_coalition / Balance::from(coalition), honest, each_honest: weight }
	}
}

/// Two parties, each of evaluators of one weight.
#[derive(Clone, Copy, Debug)]
struct Parties {
	coalition: u32,
	each: Balance,
	honest: u32,
	each_honest: Balance,
}

impl Parties {
	/// The chance of each number of the coalition's, from 0, in a committee of `size` drawn one after
	/// another by weight: Wallenius' noncentral hypergeometric distribution, by its definition.
	fn chances(&self, size: u32) -> Vec<f64> {
		let mut chances = vec![1.0];
		for drawn in 0..size {
			let mut next = vec![0.0; chances.len() + 1];
			for (ours, chance) in (0u32..).zip(&chances) {
				// Who is drawn is not drawn again. More of a party than it has comes with a chance of zero.
				let left = self.each as f64 * f64::from(self.coalition.saturating_sub(ours));
				let others = self.honest.saturating_sub(drawn - ours);
				let left_honest = self.each_honest as f64 * f64::from(others);
				if left + left_honest > 0.0 {
					let ours = ours as usize;
					next[ours + 1] += chance * left / (left + left_honest);
					next[ours] += chance * left_honest / (left + left_honest);
				}
			}
			chances = next;
		}
		chances
	}

	/// Seats with honest evaluators and the coalition's mixed; the first `coalition` workers are the latter.
	fn seat(&self) -> Vec<Seat<u32>> {
		let weights =
			[vec![self.each; self.coalition as usize], vec![self.each_honest; self.honest as usize]].concat();
		seat_all(&weights)
	}
}

/// What a coalition may hold of a committee.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
	/// Two thirds: it decides alone, whoever else reveals.
	Quorum,
	/// More than half: the medians are its own when everybody reveals.
	Majority,
	/// More than a third: no quorum without it.
	Block,
}

impl Hold {
	/// Every one.
	pub const ALL: [Self; 3] = [Self::Quorum, Self::Majority, Self::Block];

	/// The fewest seats of a committee that it takes.
	pub fn seats(self, committee: u32) -> u32 {
		match self {
			Self::Quorum => quorum(committee),
			Self::Majority => committee / 2 + 1,
			Self::Block => committee - quorum(committee) + 1,
		}
	}

	fn title(self) -> &'static str {
		match self {
			Self::Quorum => "quorum",
			Self::Majority => "majority",
			Self::Block => "block",
		}
	}
}

/// The chance of one capture.
#[derive(Clone, Debug, Serialize)]
pub struct Capture {
	/// How the coalition holds its share.
	pub holding: Holding,
	/// Its share of all weight, in per cent.
	pub share_percent: u32,
	/// Evaluators of the committee.
	pub committee: u32,
	/// What it holds.
	pub hold: Hold,
	/// By simulation.
	pub simulated: Proportion,
	/// By the distribution.
	pub exact: f64,
}

/// Draws `rounds` committees for each way of holding, share and size.
pub fn simulate(rounds: u32, seed: u64) -> Vec<Capture> {
	let bar = bar("drawing committees", Holding::ALL.len() * SHARES.len() * SIZES.len());
	let mut captures = Vec::new();
	for holding in Holding::ALL {
		for share_percent in SHARES {
			let parties = holding.seats(share_percent);
			let seats = parties.seat();
			for committee in SIZES {
				let mut held = Hold::ALL.map(|_| Proportion::default());
				for round in 0..rounds {
					let lot = (b"blyan/committee-simulation", seed, share_percent, committee, round);
					let ours = coalition_in(&seats, parties.coalition, committee, BlakeTwo256::hash_of(&lot));
					for (hold, held) in Hold::ALL.iter().zip(&mut held) {
						held.count(ours >= hold.seats(committee));
					}
				}
				let chances = parties.chances(committee);
				for (hold, simulated) in Hold::ALL.into_iter().zip(held) {
					let exact = chances.iter().skip(hold.seats(committee) as usize).sum();
					captures.push(Capture { holding, share_percent, committee, hold, simulated, exact });
				}
				bar.inc(1);
			}
		}
	}
	bar.finish_and_clear();
	captures
}

/// How many of a committee, drawn as the chain draws it, are of the first `coalition` workers.
fn coalition_in(seats: &[Seat<u32>], coalition: u32, committee: u32, seed: blyan_primitives::Hash) -> u32 {
	let mut draw = Draw::new(seats.len() as u32, |seat| seats.get((seat as usize).checked_sub(1)?).cloned());
	let drawn = draw.take(committee, &mut lots_for_workers(seed, Role::Evaluator));
	drawn.iter().filter(|worker| **worker < coalition).count() as u32
}

/// Captures whose exact chance is outside the interval of 95 per cent around the simulated one.
pub fn outside(captures: &[Capture]) -> usize {
	let is_outside = |capture: &&Capture| {
		let (low, high) = capture.simulated.interval();
		!(low..=high).contains(&capture.exact)
	};
	captures.iter().filter(is_outside).count()
}

/// The tables, as Markdown.
pub fn markdown(captures: &[Capture], rounds: u32, seed: u64) -> String {
	let mut text = format!(
		"# How likely a committee is captured\n\n\
		Made by `scripts/bench committees --rounds {rounds} --seed {seed}`: committees drawn by the chain's own code, weighted by \
		bond x reputation. Each cell is the exact chance, and in brackets the share of {rounds} draws.\n\n\
		- **quorum**: the coalition holds two thirds and decides alone.\n\
		- **majority**: it holds more than half, and with it the medians, even when everybody reveals.\n\
		- **block**: it holds more than a third; without it there is no quorum, and the round begins anew.\n"
	);
	for holding in Holding::ALL {
		let header: String = SIZES.iter().map(|size| format!(" k = {size} |")).collect();
		// Writing to a text does not fail.
		let _ = write!(text, "\n## {}\n\n| share | holds |{header}\n| ---: | --- |", holding.title());
		text.push_str(&" ---: |".repeat(SIZES.len()));
		text.push('\n');
		for share in SHARES {
			for hold in Hold::ALL {
				let _ = write!(text, "| {share} % | {} |", hold.title());
				let is_cell =
					|c: &&Capture| c.holding == holding && c.share_percent == share && c.hold == hold;
				for cell in captures.iter().filter(is_cell) {
					let _ = write!(text, " {} ({}) |", percent(cell.exact), percent(cell.simulated.rate()));
				}
				text.push('\n');
			}
		}
	}
	let (outside, all) = (outside(captures), captures.len());
	let _ = write!(
		text,
		"\nOf the {all} exact chances, {outside} lie outside the interval of 95 per cent around the simulated share \
		(Clopper and Pearson's, which leaves out one in twenty at the most); cells of one draw go together.\n"
	);
	text
}

/// A chance to three digits, or as below what is worth telling.
fn percent(chance: f64) -> String {
	let percent = chance * 100.0;
	match percent {
		0.0 => "0 %".into(),
		p if p < 0.001 => "< 0.001 %".into(),
		p if p < 1.0 => format!("{p:.3} %"),
		p => format!("{p:.1} %"),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use statrs::distribution::{Discrete, DiscreteCDF, Hypergeometric};

	#[test]
	fn chances_should_be_hypergeometric_when_all_weigh_the_same() {
		for share in SHARES {
			let parties = Holding::Equal.seats(share);
			assert_eq!((parties.coalition, parties.each), (share, parties.each_honest));
			let law = Hypergeometric::new(100, share.into(), 11).unwrap();
			for (ours, chance) in (0u64..).zip(parties.chances(11)) {
				assert!((chance - law.pmf(ours)).abs() < 1e-12, "{share} %, {ours}");
			}
			let tail: f64 = parties.chances(11).iter().skip(8).sum();
			assert!((tail - law.sf(7)).abs() < 1e-12);
		}
	}

	#[test]
	fn chances_should_be_what_one_computes_by_hand_when_weights_differ() {
		let parties = Parties { coalition: 1, each: 3, honest: 2, each_honest: 1 };
		// First of us: 3/5. First honest, then us: 2/5 x 3/4.
		let chances = parties.chances(2);
		assert!((chances[1] - (0.6 + 0.4 * 0.75)).abs() < 1e-12, "{chances:?}");
		assert!(chances[2].abs() < 1e-12, "there is only one of us");
		assert!((chances.iter().sum::<f64>() - 1.0).abs() < 1e-12);
	}

	#[test]
	fn holding_should_have_its_share_of_all_weight() {
		for holding in Holding::ALL {
			for share in SHARES {
				let Parties { coalition, each, honest, each_honest } = holding.seats(share);
				let ours = each as f64 * f64::from(coalition);
				let part = ours / (ours + each_honest as f64 * f64::from(honest));
				assert!((part - f64::from(share) / 100.0).abs() < 1e-9, "{holding:?} {share}: {part}");
			}
		}
	}

	#[test]
	fn hold_should_be_the_fewest_seats() {
		let seats = |committee| Hold::ALL.map(|hold| hold.seats(committee));
		assert_eq!(SIZES.map(seats), [[4, 3, 2], [5, 4, 3], [6, 5, 4], [8, 6, 4]]);
	}

	#[test]
	fn simulate_should_agree_with_the_distribution() {
		let captures = simulate(300, 7);
		assert_eq!(captures.len(), Holding::ALL.len() * SHARES.len() * SIZES.len() * Hold::ALL.len());
		// One in twenty at the most is expected outside; cells of one draw go together.
		assert!(outside(&captures) < captures.len() / 8, "{} outside", outside(&captures));
		let text = markdown(&captures, 300, 7);
		assert_eq!(text.lines().filter(|line| line.starts_with("| 30 % | block |")).count(), 3, "{text}");
	}

	#[test]
	fn percent_should_not_pretend_to_digits() {
		assert_eq!([0.0, 1e-7, 0.00123, 0.1234].map(percent), ["0 %", "< 0.001 %", "0.123 %", "12.3 %"]);
	}
}
