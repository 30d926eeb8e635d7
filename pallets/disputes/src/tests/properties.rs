//! Random rounds and disputes at once: what must hold whatever committees, challengers, accused and referees do.

use crate::{mock::*, *};
use blyan_primitives::{
	learning::{RefereeFinding, ShardLosses},
	worker::Fault,
	Balance,
};
use pallet_proof_of_learning::Phase;
use polkadot_sdk::{frame_system, pallet_balances};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
struct Contest {
	/// Blocks after the contest phase began.
	after: u64,
	round: usize,
	seat: usize,
	position: u32,
	by_member: bool,
}

/// What a referee does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Referee {
	Honest,
	Liar,
	Unable,
	Absent,
	Silent,
}

#[derive(Clone, Debug)]
struct Script {
	/// In which block each round is submitted.
	rounds: Vec<u64>,
	/// Looked up by round and seat: whether it lies.
	liars: Vec<bool>,
	contests: Vec<Contest>,
	/// Looked up by dispute: whether the accused opens.
	opens: Vec<bool>,
	/// Looked up by dispute, attempt and seat.
	referees: Vec<Referee>,
	/// Looked up likewise: blocks into a phase at which one acts.
	delays: Vec<u64>,
	/// How much of the deadline work fits in a block, in steps.
	steps_per_block: u64,
}

fn any_script() -> impl Strategy<Value = Script> {
	let contest = (0u64..7, 0usize..4, 0usize..5, 0u32..SHARDS, any::<bool>()).prop_map(
		|(after, round, seat, position, by_member)| Contest { after, round, seat, position, by_member },
	);
	let referee = prop_oneof![
		16 => Just(Referee::Honest),
		2 => Just(Referee::Liar),
		1 => Just(Referee::Unable),
		1 => Just(Referee::Absent),
		1 => Just(Referee::Silent),
	];
	(
		prop::collection::vec(1u64..25, 1..5),
		prop::collection::vec(prop::bool::weighted(0.3), 1..37),
		prop::collection::vec(contest, 0..14),
		prop::collection::vec(prop::bool::weighted(0.8), 1..11),
		prop::collection::vec(referee, 1..97),
		prop::collection::vec(0u64..6, 1..31),
		1u64..5,
	)
		.prop_map(|(rounds, liars, contests, opens, referees, delays, steps_per_block)| Script {
			rounds,
			liars,
			contests,
			opens,
			referees,
			delays,
			steps_per_block,
		})
}

impl Script {
	fn lookup<V: Copy>(list: &[V], a: u64, b: u32, c: usize) -> V {
		list[(a * 31 + u64::from(b) * 7 + c as u64) as usize % list.len()]
	}

	fn losses(&self, round: RoundId, attempt: u32, seat: usize) -> Vec<ShardLosses> {
		if Self::lookup(&self.liars, round, attempt, seat) {
			lie()
		} else {
			truth()
		}
	}
}

/// When disputes were opened, and the losses that the accused measured.
#[derive(Default)]
struct Seen {
	contested_at: BTreeMap<DisputeId, BlockNumber>,
	/// By dispute: whether the accused was honest and opened.
	is_honest: BTreeMap<DisputeId, bool>,
	/// By dispute: the attempt of its round.
	attempt: BTreeMap<DisputeId, u32>,
}

/// Has the committees of all rounds measure, each at once.
fn measure_rounds(script: &Script) {
	for (id, round) in pallet_proof_of_learning::Rounds::<Test>::iter().collect::<Vec<_>>() {
		if matches!(round.phase, Phase::Commit { until } if System::block_number() <= until) {
			measure(id, &|seat| script.losses(id, round.attempt, seat));
		}
	}
}

fn contest_rounds(script: &Script, seen: &mut Seen) {
	let now = System::block_number();
	for contest in &script.contests {
		let Some(round) = pallet_proof_of_learning::Rounds::<Test>::get(contest.round as RoundId) else {
			continue;
		};
		let Phase::Contest { until } = round.phase else { continue };
		if now + CONTEST != until + contest.after {
			continue;
		}
		let accused = round.committee[contest.seat].evaluator;
		let member = round.committee[(contest.seat + 1) % 5].evaluator;
		let challenger = if contest.by_member { member } else { CHALLENGER };
		let id = NextDisputeId::<Test>::get();
		let origin = RuntimeOrigin::signed(challenger);
		// Refused if it is contested already, has been struck, or there are too many.
		if DisputesPallet::contest(origin, contest.round as RoundId, accused, contest.position).is_ok() {
			seen.contested_at.insert(id, now);
			seen.attempt.insert(id, round.attempt);
			let losses = script.losses(contest.round as RoundId, round.attempt, contest.seat);
			seen.is_honest.insert(id, losses == truth() && Script::lookup(&script.opens, id, 0, 0));
		}
	}
}

fn act(script: &Script, id: DisputeId) {
	let now = System::block_number();
	let dispute = get(id);
	let exact = truth()[dispute.position as usize];
	match dispute.stage {
		Stage::AwaitingOpening { until } if now <= until && Script::lookup(&script.opens, id, 0, 0) => {
			let round = round_of(dispute.round);
			let seat = round.committee.iter().position(|seat| seat.evaluator == dispute.accused).unwrap();
			let losses = all_losses(script.losses(dispute.round, round.attempt, seat));
			// Refused when another dispute had it struck meanwhile.
			let _ = DisputesPallet::open(RuntimeOrigin::signed(dispute.accused), id, losses);
		}
		Stage::Commit { until } | Stage::Reveal { until } if now <= until => {
			for (place, seat) in dispute.referees.iter().enumerate() {
				let behaviour = Script::lookup(&script.referees, id, dispute.attempt, place);
				if now + Script::lookup(&script.delays, id, dispute.attempt, place).min(3)
					< until.min(now + 3)
				{
					continue;
				}
				let finding = match behaviour {
					Referee::Liar => RefereeFinding::Exact(ShardLosses { baseline: 1, ..exact }),
					Referee::Unable => RefereeFinding::Unable,
					_ => RefereeFinding::Exact(exact),
				};
				let is_revealing = matches!(dispute.stage, Stage::Reveal { .. });
				match behaviour {
					Referee::Absent => {}
					Referee::Silent if is_revealing => {}
					_ if is_revealing && (seat.commitment.is_none() || seat.finding.is_some()) => {}
					_ if is_revealing => reveal(seat.referee, id, finding),
					_ if seat.commitment.is_none() => commit(seat.referee, id, finding),
					_ => {}
				}
			}
		}
		_ => {}
	}
}

/// Plays the script to its end, the invariants checked in each block.
fn play(script: &Script) -> Seen {
	ServiceWeight::set(one_step().saturating_mul(script.steps_per_block));
	let mut seen = Seen::default();
	// Five disputes at once may keep one another waiting for five blocks at each of up to 13 steps.
	let longest = longest_dispute() + 13 * 5;
	let end = 30 + 2 * (30 + CONTEST + longest);
	while System::block_number() < end {
		let now = System::block_number();
		for _ in script.rounds.iter().filter(|at| **at == now) {
			submit_round();
		}
		measure_rounds(script);
		contest_rounds(script, &mut seen);
		for id in Disputes::<Test>::iter_keys().collect::<Vec<_>>() {
			assert!(now <= seen.contested_at[&id] + longest, "dispute {id} does not end");
			act(script, id);
		}
		check_invariants();
		next_block();
	}
	seen
}

fn assert_settled(seen: &Seen, issuance_before: Balance) {
	assert!(OpenDisputes::<Test>::get().is_empty(), "a dispute is still open");
	assert!(pallet_proof_of_learning::Rounds::<Test>::iter_values().all(|round| !round.is_open()));
	assert!(pallet_workers::Workers::<Test>::iter_values().all(|worker| worker.engagements == 0));
	let all = || frame_system::Account::<Test>::iter_keys();
	assert!(all().all(|who| held(who) == 0));

	let (mut bonds, mut out) = (BTreeMap::new(), BTreeMap::<DisputeId, Balance>::new());
	let (mut ends, mut burned) = (BTreeMap::<DisputeId, u32>::new(), 0);
	let mut shared = 0;
	for record in System::events() {
		match record.event {
			RuntimeEvent::DisputesPallet(event) => match event {
				Event::FindingContested { dispute, bond, .. } => {
					assert_eq!(bonds.insert(dispute, bond), None)
				}
				Event::BondReturned { dispute, amount, .. } | Event::BondShared { dispute, amount, .. } => {
					*out.entry(dispute).or_default() += amount
				}
				Event::AccusedLost { dispute, .. } | Event::DisputeUndecided { dispute, .. } => {
					*ends.entry(dispute).or_default() += 1
				}
				Event::ChallengerLost { dispute, burned: amount, .. } => {
					*out.entry(dispute).or_default() += amount;
					*ends.entry(dispute).or_default() += 1;
					burned += amount;
				}
				_ => {}
			},
			RuntimeEvent::WorkersPallet(pallet_workers::Event::FaultNoted { slashed, .. }) => {
				burned += slashed
			}
			RuntimeEvent::WorkersPallet(pallet_workers::Event::SlashShared { amount, .. }) => {
				shared += amount
			}
			_ => {}
		}
	}
	let burned = burned - shared;
	assert_eq!(out, bonds, "what came out of a bond is not what went in");
	assert!(ends.len() == seen.contested_at.len() && ends.values().all(|count| *count == 1));
	assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), issuance_before - burned);
	assert_eq!(all().map(total).sum::<Balance>(), issuance_before - burned);
}

/// Who was blamed for its measurement when a round was settled.
fn outside_tolerance() -> Vec<(RoundId, AccountId)> {
	let blamed = |event| match event {
		RuntimeEvent::ProofOfLearning(pallet_proof_of_learning::Event::EvaluatorFaulted {
			round,
			evaluator,
			fault: Fault::OutsideTolerance,
			..
		}) => Some((round, evaluator)),
		_ => None,
	};
	System::events().into_iter().filter_map(|record| blamed(record.event)).collect()
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

	#[test]
	fn disputes_should_all_be_settled_to_the_last_unit_whatever_anybody_does(script in any_script()) {
		ExtBuilder::default().build_and_execute(|| {
			let before = pallet_balances::TotalIssuance::<Test>::get();
			let seen = play(&script);
			assert_settled(&seen, before);
		});
	}

	/// Where most referees are honest, an honest accused who opens never loses a dispute, and is not blamed for
	/// its measurement though its whole committee were captured.
	#[test]
	fn wrongly_accused_should_lose_nothing_when_most_referees_are_honest(mut script in any_script()) {
		// At most two of five neighbouring seats.
		script.referees = script.referees.chunks(5).flat_map(|chunk| {
			let mut bad = 0;
			let tamed = chunk.iter().map(|referee| {
				bad += u32::from(*referee != Referee::Honest);
				if bad > 1 { Referee::Honest } else { *referee }
			}).collect::<Vec<_>>();
			tamed
		}).collect();
		script.delays = vec![5];
		script.steps_per_block = 20;
		let tamed = script.referees.clone();
		prop_assume!((0..tamed.len()).all(|start| {
			(0..5).filter(|n| tamed[(start + n) % tamed.len()] != Referee::Honest).count() <= 2
		}));
		ExtBuilder::default().build_and_execute(|| {
			let before = pallet_balances::TotalIssuance::<Test>::get();
			let seen = play(&script);
			assert_settled(&seen, before);
			let outside = outside_tolerance();
			for event in events() {
				match event {
					Event::AccusedLost { dispute, .. } => {
						assert!(!seen.is_honest[&dispute], "dispute {dispute} was lost by an honest accused");
					}
					// Settled by the attempt in which it won.
					Event::ChallengerLost { dispute, round, accused, .. }
						if round_of(round).attempt == seen.attempt[&dispute] =>
					{
						assert!(!outside.contains(&(round, accused)), "{accused} won, and was blamed");
					}
					_ => {}
				}
			}
		});
	}
}
