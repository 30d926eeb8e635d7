//! Random rounds at once, with random trainers and evaluators: what must hold whatever they do.

use crate::{
	mock::{world::Standing, *},
	*,
};
use blyan_primitives::{
	learning::{self, Finding, Verdict},
	worker::Role,
	Balance,
};
use polkadot_sdk::{frame_support::assert_noop, pallet_balances, sp_runtime::Perbill};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What an evaluator does in an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behaviour {
	Honest,
	/// Reports an invented gain.
	Liar,
	/// Says that it could not fetch what it could.
	Idle,
	/// Says that the content is torn, which it is not.
	Slanderer,
	Absent,
	/// Commits, and is gone.
	Silent,
	/// Sends another's commitment.
	Copycat,
	/// Reveals what it did not commit to.
	Turncoat,
}

/// What there is to find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Truth {
	Better,
	NoBetter,
	Unfetchable,
	Torn,
}

#[derive(Clone, Debug)]
struct Submission {
	at: BlockNumber,
	/// Which of the three trainers.
	by: usize,
	truth: Truth,
}

const TRAINERS: [AccountId; 3] = [TRAINER, OTHER_TRAINER, STRANGER];

#[derive(Clone, Debug)]
struct Script {
	submissions: Vec<Submission>,
	/// Looked up by round, attempt and evaluator.
	behaviours: Vec<Behaviour>,
	/// Blocks into a phase at which an evaluator acts, likewise.
	delays: Vec<u64>,
	/// How much of the deadline work fits in a block, in steps.
	steps_per_block: u64,
	/// Lots that each round is judged by.
	lots: u32,
	/// Whether a lot is opened, looked up likewise.
	openings: Vec<bool>,
	/// How many rounds are measured at once.
	max_measured: u32,
	/// How often the absent of an attempt are replaced.
	replacements: u32,
	/// In per cent, of each trainer.
	reputations: [u32; 3],
}

fn any_script() -> impl Strategy<Value = Script> {
	let behaviour = prop_oneof![
		25 => Just(Behaviour::Honest),
		3 => Just(Behaviour::Liar),
		1 => Just(Behaviour::Idle),
		1 => Just(Behaviour::Slanderer),
		3 => Just(Behaviour::Absent),
		1 => Just(Behaviour::Silent),
		1 => Just(Behaviour::Copycat),
		1 => Just(Behaviour::Turncoat),
	];
	let truth = prop_oneof![
		2 => Just(Truth::Better),
		2 => Just(Truth::NoBetter),
		1 => Just(Truth::Unfetchable),
		1 => Just(Truth::Torn),
	];
	let submission = (1u64..30, 0usize..3, truth).prop_map(|(at, by, truth)| Submission { at, by, truth });
	(
		prop::collection::vec(submission, 1..20),
		prop::collection::vec(behaviour, 1..97),
		prop::collection::vec(0u64..11, 1..31),
		1u64..6,
		0u32..3,
		prop::collection::vec(prop::bool::weighted(0.9), 1..31),
		1u32..8,
		0u32..3,
		prop::array::uniform3(0u32..101),
	)
		.prop_map(
			|(
				submissions,
				behaviours,
				delays,
				steps_per_block,
				lots,
				openings,
				max_measured,
				replacements,
				reputations,
			)| {
				Script {
					submissions,
					behaviours,
					delays,
					steps_per_block,
					lots,
					openings,
					max_measured,
					replacements,
					reputations,
				}
			},
		)
}

impl Script {
	fn lookup<V: Copy>(list: &[V], id: RoundId, attempt: u32, who: AccountId) -> V {
		list[(id * 31 + u64::from(attempt) * 7 + who) as usize % list.len()]
	}

	fn behaviour(&self, id: RoundId, attempt: u32, who: AccountId) -> Behaviour {
		Self::lookup(&self.behaviours, id, attempt, who)
	}

	fn delay(&self, id: RoundId, attempt: u32, who: AccountId) -> u64 {
		Self::lookup(&self.delays, id, attempt, who)
	}
}

fn measured_with(gain: i64, is_sealed: bool) -> Finding {
	let mut report = report(gain);
	if is_sealed {
		report.domain_gains.try_push(gain).unwrap();
	}
	Finding::Measured(report)
}

fn finding(behaviour: Behaviour, truth: Truth, is_sealed: bool) -> Finding {
	let measured = |gain| measured_with(gain, is_sealed);
	match (behaviour, truth) {
		(Behaviour::Liar, _) => measured(3 * GOOD),
		(Behaviour::Idle, _) | (_, Truth::Unfetchable) => Finding::Unfetchable,
		(Behaviour::Slanderer, _) | (_, Truth::Torn) => Finding::Malformed,
		(_, Truth::Better) => measured(GOOD),
		(_, Truth::NoBetter) => measured(NO_GAIN),
	}
}

/// Has the members of a round act who choose this block for it.
fn act(script: &Script, truth: Truth, id: RoundId) {
	let now = System::block_number();
	for who in committee(id) {
		// Another's act may have ended the phase, the attempt or the round.
		let round = get(id);
		let Some(seat) = round.committee.iter().find(|seat| seat.evaluator == who) else { continue };
		let behaviour = script.behaviour(id, round.attempt, who);
		let delay = script.delay(id, round.attempt, who);
		let finding = finding(behaviour, truth, !ProofOfLearning::sealed_lots(id).is_empty());
		match round.phase {
			Phase::Opening { .. } => {
				let lots = ProofOfLearning::sealed_lots(id);
				for lot in
					lots.iter().filter(|lot| Script::lookup(&script.openings, id, round.attempt, **lot))
				{
					Reserve::open(id, *lot);
				}
			}
			Phase::Commit { until } if now <= until && now + 10 >= until + delay % 11 => match behaviour {
				_ if seat.commitment.is_some() || behaviour == Behaviour::Absent => {}
				Behaviour::Copycat => {
					if let Some(stolen) = round.committee.iter().find_map(|seat| seat.commitment) {
						assert_noop!(
							ProofOfLearning::commit(RuntimeOrigin::signed(who), id, stolen),
							Error::<Test>::CommitmentCopied
						);
					}
				}
				_ => commit(who, id, &finding),
			},
			Phase::Reveal { until } if now <= until && now + 5 >= until + delay % 6 => match behaviour {
				_ if seat.commitment.is_none()
					|| seat.finding.is_some()
					|| behaviour == Behaviour::Silent => {}
				Behaviour::Turncoat => {
					let other = measured(7 * GOOD);
					assert_noop!(
						ProofOfLearning::reveal(RuntimeOrigin::signed(who), id, other, salt(who)),
						Error::<Test>::RevealMismatch
					);
				}
				_ => reveal(who, id, &finding),
			},
			_ => {}
		}
	}
}

/// Plays the script to its end, the invariants checked in each block, and returns how long it took.
fn play(script: &Script) {
	ServiceWeight::set(one_step().saturating_mul(script.steps_per_block));
	Parameters::<Test>::mutate(|p| {
		(p.max_measured, p.replacements) = (script.max_measured, script.replacements);
	});
	for (trainer, reputation) in TRAINERS.into_iter().zip(script.reputations) {
		World::register(trainer, Role::Trainer);
		World::set_reputation(trainer, Perbill::from_percent(reputation));
	}
	// Every attempt: 2 to the draw, 6 to open, 10 to commit, 2 and 10 for each replacement, 5 to reveal, 4 to contest, a
	// block between each; besides, 10 rounds may keep one another waiting for 10 blocks at each step. At worst
	// one after the other.
	let replacement = 2 + 11 + 2 * 10;
	let bound = 30 + 20 * 3 * (2 + 7 + 11 + 2 * replacement + 6 + 5 + 5 * 10);
	// As many as all attempts of all rounds can use, so that none waits for more.
	(0..200).for_each(|lot| Reserve::seal(lot, 500 + lot, 0));
	Reserve::want(script.lots);
	let mut truths = BTreeMap::new();
	while System::block_number() < 30 || OpenRoundCount::<Test>::get() > 0 {
		let now = System::block_number();
		assert!(now < bound, "a round is still open");
		for submission in script.submissions.iter().filter(|submission| submission.at == now) {
			let trainer = TRAINERS[submission.by];
			let id = NextRoundId::<Test>::get();
			let full = OpenRoundCount::<Test>::get() == MAX_OPEN_ROUNDS;
			let sent = polkadot_sdk::frame_support::storage::with_storage_layer(|| {
				let origin = RuntimeOrigin::signed(trainer);
				ProofOfLearning::submit(origin, MODEL, blocks(id as u16), Default::default())
					.map_err(|refused| refused.error)
			});
			match sent {
				Ok(_) => drop(truths.insert(id, submission.truth)),
				Err(error) if error == Error::<Test>::TooManyOpenRounds.into() => assert!(full),
				Err(error) => assert_eq!(error, Error::<Test>::TooManyOpenRoundsOfTrainer.into()),
			}
		}
		truths.iter().for_each(|(id, truth)| act(script, *truth, *id));
		check_invariants();
		let (measured, waiting) = (MeasuredRounds::<Test>::get().len(), WaitingRounds::<Test>::get().len());
		assert!(measured <= script.max_measured as usize);
		assert!(waiting == 0 || measured == script.max_measured as usize, "a place is empty");
		next_block_with_idle(polkadot_sdk::frame_support::weights::Weight::zero());
	}
}

fn assert_settled(issuance_before: Balance) {
	assert!(World::engagements().is_empty());
	assert_eq!((OpenRoundCount::<Test>::get(), TRAINERS.map(held)), (0, [0; 3]));
	assert!(Agenda::<Test>::iter().next().is_none());

	let mut verdicts = BTreeMap::<RoundId, Verdict>::new();
	let (mut bonds, mut out) = (BTreeMap::<RoundId, Balance>::new(), BTreeMap::<RoundId, Balance>::new());
	let mut burned_in_all = 0;
	for event in events() {
		match event {
			Event::SubmissionReceived { round, bond, .. } => assert_eq!(bonds.insert(round, bond), None),
			Event::RoundClosed { round, verdict, .. } => {
				assert_eq!(verdicts.insert(round, verdict), None, "a round has two verdicts")
			}
			Event::BondReturned { round, amount, .. } | Event::FeePaid { round, amount, .. } => {
				*out.entry(round).or_default() += amount
			}
			Event::BondForfeited { round, burned, .. } => {
				*out.entry(round).or_default() += burned;
				burned_in_all += burned;
			}
			_ => {}
		}
	}
	assert_eq!(out, bonds, "what came out of a bond is not what went in");
	assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), issuance_before - burned_in_all);
	let accounts = polkadot_sdk::frame_system::Account::<Test>::iter_keys().map(total).sum::<Balance>();
	assert_eq!(accounts, issuance_before - burned_in_all);

	assert_eq!(verdicts.len(), Rounds::<Test>::iter().count());
	let accepted = verdicts.iter().filter(|(_, verdict)| **verdict == Verdict::Accepted).map(|(id, _)| *id);
	let mut accrued = World::accruals().into_iter().map(|accrual| accrual.0).collect::<Vec<_>>();
	accrued.sort_unstable();
	assert!(accepted.eq(accrued), "accrued are exactly the accepted rounds");
	for (id, verdict) in verdicts {
		let expected = match verdict {
			Verdict::Accepted => Standing::Head,
			Verdict::Rejected(_) => Standing::Rejected,
			Verdict::Inconclusive => Standing::Withdrawn,
		};
		assert!(get(id).blocks.iter().all(|block| World::standing(block) == expected));
	}
	assert_eq!(World::generation(MODEL) as usize, World::accruals().len());
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

	#[test]
	fn rounds_should_all_be_settled_to_the_last_unit_whatever_the_evaluators_do(script in any_script()) {
		ExtBuilder::default().evaluators(11).parameters(|p| p.measurement_fee = 103).build_and_execute(|| {
			// What is closed must be there to be looked at.
			let before = pallet_balances::TotalIssuance::<Test>::get();
			play(&script);
			assert_settled(before);
		});
	}

	/// With honest evaluators only, the verdict is the truth.
	#[test]
	fn verdict_should_be_the_truth_when_all_are_honest(mut script in any_script()) {
		script.behaviours = vec![Behaviour::Honest];
		script.delays = vec![0];
		script.openings = vec![true];
		script.submissions.truncate(1);
		let truth = script.submissions[0].truth;
		ExtBuilder::default().build_and_execute(|| {
			let before = pallet_balances::TotalIssuance::<Test>::get();
			play(&script);
			assert_settled(before);
			let expected = match truth {
				Truth::Better => Verdict::Accepted,
				Truth::NoBetter => Verdict::Rejected(learning::RejectReason::NoGain),
				Truth::Unfetchable => Verdict::Rejected(learning::RejectReason::Unfetchable),
				Truth::Torn => Verdict::Rejected(learning::RejectReason::Malformed),
			};
			assert_eq!(verdict(0), Some(expected));
			assert!(World::faults().is_empty());
		});
	}
}
