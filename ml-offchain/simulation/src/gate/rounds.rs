//! Rounds: shards drawn, losses looked up, a report made, its medians judged.

use super::candidates::{Candidate, Kind};
use crate::statistics::{mean, Proportion, Spread};
use blyan_primitives::{
	draw::draw_shards,
	learning::{medians, Gate, NanoBits, Purpose, RejectReason, Report, ValidationPool},
	Hash,
};
use blyan_worker::evaluator::{measure::report, step::ShardLoss};
use polkadot_sdk::sp_runtime::traits::{BlakeTwo256, Hash as _};

/// Evaluators of a committee. On one kind of machine their reports are the same to the bit.
const COMMITTEE: usize = 5;

/// What rounds are held on.
pub(super) struct Arena<'a> {
	/// The pool.
	pub pool: &'a ValidationPool,
	/// The baseline's loss on each of its shards.
	pub baseline: &'a [NanoBits],
	/// Decides all seeds.
	pub seed: u64,
}

impl Arena<'_> {
	/// The report of an evaluator on a candidate with these losses on the pool's shards.
	pub fn report(&self, gate: &Gate, candidate: &[NanoBits], seed: Hash) -> Report {
		let loss = |of: &[NanoBits], shard: u32| of.get(shard as usize).copied().unwrap_or_default();
		let losses: Vec<ShardLoss> = draw_shards(seed, self.pool, gate)
			.into_iter()
			.map(|shard| ShardLoss {
				shard,
				baseline: loss(self.baseline, shard),
				candidate: loss(candidate, shard),
			})
			.collect();
		report(self.pool, gate, &losses)
	}

	/// What `rounds` rounds come to for each of the candidates, which take turns.
	pub fn hold(&self, gate: &Gate, candidates: &[&Candidate], rounds: u32) -> Vec<Tally> {
		let mut tallies = vec![Tally::default(); candidates.len()];
		for (round, turn) in (0..rounds).zip((0..candidates.len()).cycle()) {
			let (candidate, tally) = (candidates[turn], &mut tallies[turn]);
			let lot = (b"blyan/gate-simulation", self.seed, candidate.number, round);
			let report = self.report(gate, &candidate.losses, BlakeTwo256::hash_of(&lot));
			let verdict = Purpose::Improvement.judge(gate, &medians(&[&report; COMMITTEE]));
			tally.accepted.count(verdict.is_ok());
			tally.regressions += u64::from(matches!(verdict, Err(RejectReason::DomainRegression { .. })));
			tally.squared_errors += (report.standard_error as f64).powi(2);
			tally.gains.add(report.gain as f64);
		}
		tallies
	}
}

/// What a candidate's rounds came to.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Tally {
	/// How many accepted it.
	pub accepted: Proportion,
	/// How many refused it because one domain became worse.
	pub regressions: u64,
	/// How reported gains scatter.
	gains: Spread,
	/// The sum of the squares of the reported standard errors.
	squared_errors: f64,
}

/// All rounds of some candidates.
pub(super) fn accepted(tallies: &[Tally]) -> Proportion {
	let mut accepted = Proportion::default();
	tallies.iter().for_each(|tally| accepted += tally.accepted);
	accepted
}

/// The root mean square of the reported standard errors by the scatter of gains between the rounds of one
/// candidate; `None` where gains do not differ.
pub(super) fn error_by_scatter(tallies: &[Tally]) -> Option<f64> {
	let scatter = mean(tallies.iter().filter_map(|tally| tally.gains.variance()));
	let squares: f64 = tallies.iter().map(|tally| tally.squared_errors).sum();
	(scatter > 0.0).then(|| (squares / accepted(tallies).trials as f64 / scatter).sqrt())
}

/// The candidates of a kind.
pub(super) fn of_kind(candidates: &[Candidate], kind: Kind) -> Vec<&Candidate> {
	candidates.iter().filter(|candidate| candidate.kind == kind).collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::gate::candidates::tests::{pool, shards, tiny};
	use blyan_model::{evaluate, nanobits, Weights};

	fn gate(shards_per_domain: u32) -> Gate {
		Gate { z_milli: 2_326, delta: 1_000_000, rho: 20_000_000, tolerance: 1_000_000, shards_per_domain }
	}

	fn losses(weights: &Weights, shards: &[Vec<u8>]) -> Vec<NanoBits> {
		evaluate(weights, shards, 2).unwrap().into_iter().map(nanobits).collect()
	}

	#[test]
	fn report_should_be_the_worker_s_own_when_only_drawn_shards_are_evaluated() {
		let (baseline, candidate) = (Weights::init(&tiny(), 1).unwrap(), Weights::init(&tiny(), 2).unwrap());
		let (pool, shards, gate) = (pool(), shards(), gate(3));
		let (of_baseline, of_candidate) = (losses(&baseline, &shards), losses(&candidate, &shards));
		let arena = Arena { pool: &pool, baseline: &of_baseline, seed: 1 };
		for number in 0..20u8 {
			let seed = Hash::repeat_byte(number);
			let drawn = draw_shards(seed, &pool, &gate);
			let texts: Vec<Vec<u8>> = drawn.iter().map(|shard| shards[*shard as usize].clone()).collect();
			let pairs: Vec<ShardLoss> = drawn
				.iter()
				.zip(losses(&baseline, &texts).into_iter().zip(losses(&candidate, &texts)))
				.map(|(shard, (baseline, candidate))| ShardLoss { shard: *shard, baseline, candidate })
				.collect();
			assert_eq!(arena.report(&gate, &of_candidate, seed), report(&pool, &gate, &pairs));
		}
	}

	fn candidate(number: u32, losses: Vec<NanoBits>) -> Candidate {
		Candidate { kind: Kind::Noise, number, name: String::new(), losses }
	}

	#[test]
	fn hold_should_accept_what_is_better_everywhere_and_refuse_what_is_not() {
		let (pool, baseline) = (pool(), vec![3_000_000_000; shards().len()]);
		let arena = Arena { pool: &pool, baseline: &baseline, seed: 1 };
		let better = candidate(0, vec![2_990_000_000; baseline.len()]);
		let same = candidate(1, baseline.clone());
		let tallies = arena.hold(&gate(3), &[&better, &same], 50);
		assert_eq!(tallies[0].accepted, Proportion { hits: 25, trials: 25 });
		assert_eq!(tallies[1].accepted, Proportion { hits: 0, trials: 25 });
		assert_eq!(accepted(&tallies), Proportion { hits: 25, trials: 50 });
		assert_eq!(error_by_scatter(&tallies), None);
		assert!(arena.hold(&gate(3), &[], 50).is_empty());
	}

	#[test]
	fn hold_should_compare_errors_with_the_scatter_of_gains() {
		let (pool, baseline) = (pool(), vec![3_000_000_000; shards().len()]);
		let arena = Arena { pool: &pool, baseline: &baseline, seed: 1 };
		// As good as independent: of 40 shards a domain, three are drawn.
		let scattered = (0..baseline.len() as NanoBits).map(|i| 3_000_000_000 + i * 7_919 % 1_000 * 10_000);
		let tallies = arena.hold(&gate(3), &[&candidate(0, scattered.collect())], 2_000);
		let ratio = error_by_scatter(&tallies).unwrap();
		assert!((0.9..1.15).contains(&ratio), "{ratio}");
	}
}
