//! Random rounds, some of them canaries, and random evaluators: what must hold whatever anybody does.

use crate::{mock::*, *};
use blyan_primitives::{
	learning::{NanoBits, RejectReason, Verdict},
	worker::Fault,
	Hash,
};
use pallet_proof_of_learning::{Event as RoundEvent, Phase};
use polkadot_sdk::{frame_support::assert_ok, pallet_balances};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
struct Submission {
	/// Blocks after the one before it.
	after: u64,
	/// Whether its seal is the planter's.
	is_planted: bool,
	/// Whether the planter tries to show it, whatever it is.
	is_shown: bool,
	/// What is true of it.
	truth: NanoBits,
	/// Who of the committee lies, by seat, and how.
	lies: Vec<Option<NanoBits>>,
}

fn any_gain() -> impl Strategy<Value = NanoBits> {
	prop_oneof![Just(WORSE), Just(0), Just(GOOD)]
}

fn any_submission() -> impl Strategy<Value = Submission> {
	let lie = prop::option::weighted(0.3, any_gain());
	(0u64..12, any::<bool>(), any::<bool>(), any_gain(), prop::collection::vec(lie, 5)).prop_map(
		|(after, is_planted, is_shown, truth, lies)| Submission { after, is_planted, is_shown, truth, lies },
	)
}

fn play(script: &[Submission]) -> BTreeMap<RoundId, Submission> {
	let mut played = BTreeMap::new();
	for submission in script {
		run_blocks(submission.after);
		let round = match submission.is_planted {
			true => plant(PLANTER),
			false => submit_sealed(|_| Hash::repeat_byte(9)),
		};
		let gain = |seat: usize| submission.lies[seat].unwrap_or(submission.truth);
		measure(round, std::array::from_fn(gain));
		// Whatever period may be good for it; refused if none is, or if the seal is another's.
		let is_revealed = submission.is_shown
			&& (OldestPeriod::<Test>::get()..=period()).rev().any(|number| {
				polkadot_sdk::frame_support::storage::with_storage_layer(|| reveal(round, PLANTER, number))
					.is_ok()
			});
		assert!(!is_revealed || submission.is_planted, "a seal was opened that is not the planter's");
		played.insert(round, Submission { is_shown: is_revealed, ..submission.clone() });
	}
	run_blocks(40);
	played
}

/// What was held of the trainer's, and what came out of it, by round.
fn bonds() -> (BTreeMap<RoundId, u128>, BTreeMap<RoundId, u128>) {
	let (mut into, mut out) = (BTreeMap::new(), BTreeMap::<RoundId, u128>::new());
	for record in System::events() {
		let RuntimeEvent::ProofOfLearning(event) = record.event else { continue };
		match event {
			RoundEvent::SubmissionReceived { round, bond, .. } => {
				into.insert(round, bond);
			}
			RoundEvent::FeePaid { round, amount, .. } | RoundEvent::BondReturned { round, amount, .. } => {
				*out.entry(round).or_default() += amount
			}
			RoundEvent::BondForfeited { .. } => panic!("nothing here forfeits a bond"),
			_ => {}
		}
	}
	(into, out)
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

	#[test]
	fn canaries_should_never_be_heads_nor_cost_the_honest_anything(
		script in prop::collection::vec(any_submission(), 1..8),
	) {
		ExtBuilder::default().with_key(|| {
			let issued = pallet_balances::TotalIssuance::<Test>::get();
			let played = play(&script);
			let (mut accepted, mut paid) = (0, 0);
			for (id, submission) in &played {
				let round = round_of(*id);
				// Rounds that begin anew have another committee, who never answers here.
				let is_first = round.attempt == 0;
				match round.phase {
					Phase::Closed { verdict, .. } => {
						assert_eq!(submission.is_shown, verdict == Verdict::Rejected(RejectReason::Canary));
						accepted += u64::from(verdict == Verdict::Accepted);
					}
					_ => assert!(!is_first && !submission.is_shown, "a canary never begins anew"),
				}
				if submission.is_shown && round.medians.as_ref().is_some_and(|medians| medians.gain < -1_000_000) {
					let fee = round.committee.iter().zip(&submission.lies).count();
					assert_eq!(fee, 5);
					paid += 1;
				}
			}
			assert_eq!(World::generation(), accepted, "heads move by acceptances alone");
			let rewards = audits_of(PLANTER);
			assert!((REWARD * paid..=(REWARD + FEE) * paid).contains(&rewards), "{rewards} for {paid}");

			// A tenth is lost only by who accepted what was shown, and found worse by a majority.
			for event in System::events() {
				let RuntimeEvent::ProofOfLearning(RoundEvent::EvaluatorFaulted { round, evaluator, fault, .. }) =
					event.event else { continue };
				if fault == Fault::CanaryAccepted {
					let submission = &played[&round];
					let seat = round_of(round).committee.iter().position(|seat| seat.evaluator == evaluator).unwrap();
					let said = submission.lies[seat].unwrap_or(submission.truth);
					assert!(submission.is_shown && said == GOOD);
					assert!(round_of(round).medians.unwrap().gain < 0);
				}
			}
			// Where most tell the truth, nobody honest is at fault of anything.
			for (id, submission) in &played {
				let lies = submission.lies.iter().filter(|lie| lie.is_some_and(|lie| lie != submission.truth));
				if round_of(*id).attempt > 0 || lies.count() > 2 { continue }
				for event in System::events() {
					let RuntimeEvent::ProofOfLearning(RoundEvent::EvaluatorFaulted { round, evaluator, .. }) =
						event.event else { continue };
					if round != *id { continue }
					let seat = round_of(round).committee.iter().position(|seat| seat.evaluator == evaluator).unwrap();
					let lie = submission.lies[seat];
					assert!(lie.is_some_and(|lie| lie != submission.truth), "the honest {evaluator} is blamed");
				}
			}
			let (into, out) = bonds();
			for (id, bond) in into {
				if matches!(round_of(id).phase, Phase::Closed { .. }) {
					assert_eq!(out[&id], bond, "what came out of a bond is not what went in");
				}
			}
			let slashed: u128 = faults().iter().map(|(_, _, slashed)| slashed).sum();
			assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), issued - slashed);
			assert_ok!(Canaries::remove_keys(RuntimeOrigin::signed(PLANTER)));
			assert_eq!(deposit_of(PLANTER), 0);
		});
	}
}
