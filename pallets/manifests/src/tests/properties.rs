//! Random submissions and auditors: what must hold whatever they do.

use crate::{mock::*, *};
use blyan_primitives::{
	learning::{Purpose, RejectReason, Verdict},
	manifest::{AuditOutcome, ManifestFinding},
	traits::ManifestAudits,
	worker::Fault,
	Balance,
};
use polkadot_sdk::{frame_support::traits::Hooks, pallet_balances};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// What an auditor does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Auditor {
	Honest,
	Liar,
	Unable,
	Absent,
	Silent,
}

#[derive(Clone, Debug)]
struct Script {
	/// In which block each is submitted, by which of the trainers, and whether it is forged.
	submissions: Vec<(u64, bool, bool)>,
	/// Looked up by submission, attempt and seat.
	auditors: Vec<Auditor>,
	/// Looked up likewise: blocks into a phase at which one acts.
	delays: Vec<u64>,
	/// After how many blocks rounds close.
	closes_after: u64,
	/// How much of the deadline work fits in a block, in steps.
	steps_per_block: u64,
	/// In which blocks there is no randomness.
	dark: Vec<u64>,
}

fn any_script() -> impl Strategy<Value = Script> {
	let auditor = prop_oneof![
		12 => Just(Auditor::Honest),
		2 => Just(Auditor::Liar),
		1 => Just(Auditor::Unable),
		1 => Just(Auditor::Absent),
		1 => Just(Auditor::Silent),
	];
	(
		prop::collection::vec((1u64..40, any::<bool>(), prop::bool::weighted(0.3)), 1..7),
		prop::collection::vec(auditor, 1..60),
		prop::collection::vec(0u64..6, 1..30),
		1u64..80,
		1u64..4,
		prop::collection::vec(1u64..60, 0..10),
	)
		.prop_map(|(submissions, auditors, delays, closes_after, steps_per_block, dark)| Script {
			submissions,
			auditors,
			delays,
			closes_after,
			steps_per_block,
			dark,
		})
}

impl Script {
	fn lookup<V: Copy>(list: &[V], a: u64, b: u32, c: usize) -> V {
		list[(a * 31 + u64::from(b) * 7 + c as u64) as usize % list.len()]
	}

	fn finding(&self, round: RoundId, is_forged: bool, who: Auditor) -> Option<ManifestFinding> {
		match who {
			Auditor::Honest if is_forged => Some(forged(round, 0)),
			Auditor::Honest => Some(MATCH),
			Auditor::Liar if is_forged => Some(MATCH),
			Auditor::Liar => Some(forged(round, 0)),
			Auditor::Unable | Auditor::Silent => Some(ManifestFinding::Unfetchable),
			Auditor::Absent => None,
		}
	}

	/// Has the auditors of an audit do what they do in this block.
	fn act(&self, round: RoundId, is_forged: bool) {
		let audit = get(round);
		let p = parameters();
		for (seat, member) in audit.auditors.iter().enumerate() {
			let does = Self::lookup(&self.auditors, round, audit.attempt, seat);
			let delay = Self::lookup(&self.delays, round, audit.attempt, seat);
			let Some(finding) = self.finding(round, is_forged, does) else { continue };
			let now = System::block_number();
			let is_time = |until: u64, blocks: u32| now >= until.saturating_sub(u64::from(blocks)) + delay;
			// What comes too late is refused.
			match audit.stage {
				Stage::Commit { until } if seat_is_free(seat, &audit) && is_time(until, p.commit_blocks) => {
					let _ = try_commit(member.member, round, finding);
				}
				Stage::Reveal { until } if does != Auditor::Silent && is_time(until, p.reveal_blocks) => {
					let _ = try_reveal(member.member, round, finding);
				}
				_ => {}
			}
		}
	}
}

/// How the round of a submission ends.
fn verdict_of(round: RoundId) -> Verdict {
	match round % 3 {
		0 => Verdict::Accepted,
		1 => Verdict::Rejected(RejectReason::NoGain),
		_ => Verdict::Inconclusive,
	}
}

fn seat_is_free(seat: usize, audit: &AuditOf<Test>) -> bool {
	audit.auditors[seat].commitment.is_none()
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

	#[test]
	fn audits_should_all_end_once_and_cost_only_who_is_at_fault(script in any_script()) {
		let mut ext = ExtBuilder::default().auditors(14).build();
		ext.execute_with(|| -> Result<(), TestCaseError> {
			ServiceWeight::set(one_step().saturating_mul(script.steps_per_block));
			let issued = pallet_balances::TotalIssuance::<Test>::get();
			let (mut opened, mut forged_ones) = (BTreeMap::new(), BTreeMap::new());
			// Every audit may have to wait for the steps of the others.
			let last = 40 + longest_audit() + 10 * 7 * 6;
			for now in 2..last {
				for (round, (at, by_other, is_forged)) in script.submissions.iter().enumerate() {
					let (round, trainer) = (round as u64, if *by_other { OTHER_TRAINER } else { TRAINER });
					// Refused if banned, or if too many are open: then there is nothing to audit.
					if *at == now && try_open(round, trainer, Purpose::Improvement, Some(manifest())).is_ok() {
						opened.insert(round, now);
						forged_ones.insert(round, *is_forged);
					}
					if opened.get(&round).is_some_and(|at| at + script.closes_after == now) {
						ManifestsPallet::closed(round, verdict_of(round));
					}
				}
				for (round, is_forged) in &forged_ones {
					if Audits::<Test>::get(round).is_some_and(|audit| audit.is_engaged()) {
						script.act(*round, *is_forged);
					}
				}
				World::set_randomness_age((!script.dark.contains(&now)).then_some(1));
				System::set_block_number(now);
				ManifestsPallet::on_initialize(now);
				check_invariants();
			}
			prop_assert_eq!(OpenAudits::<Test>::get().len(), 0, "every audit ends");

			let mut closed = BTreeMap::<RoundId, Vec<AuditOutcome>>::new();
			let (mut burned, mut from_trainers, mut caught) = (0, 0, BTreeMap::<AccountId, Balance>::new());
			for event in events() {
				match event {
					Event::AuditClosed { round, outcome } => closed.entry(round).or_default().push(outcome),
					Event::AuditorFaulted { slashed, fault, .. } => {
						prop_assert!(fault != Fault::ManifestMismatch);
						burned += slashed;
					}
					Event::TrainerFaulted { trainer, slashed, .. } => {
						*caught.entry(trainer).or_default() += slashed;
						from_trainers += slashed;
					}
					_ => {}
				}
			}
			prop_assert_eq!(closed.len(), opened.len());
			prop_assert!(closed.values().all(|outcomes| outcomes.len() == 1), "an audit ended twice");
			// Funds: what is gone is what was slashed, and of nobody else.
			prop_assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), issued - burned - from_trainers);
			for trainer in [TRAINER, OTHER_TRAINER] {
				let slashed = caught.get(&trainer).copied().unwrap_or_default();
				prop_assert_eq!(total(trainer), ENDOWMENT - slashed);
			}
			// Data is paid for exactly where an audit verified it.
			let verified = closed.iter().filter(|(_, o)| o[0] == AuditOutcome::Verified).map(|(r, _)| *r);
			let told = World::verified().into_iter().map(|(round, _)| round);
			prop_assert!(verified.eq(told));
			for round in opened.keys() {
				let is_verified = closed[round][0] == AuditOutcome::Verified;
				prop_assert_eq!(shares(*round).is_some(), is_verified);
			}
			// What was learned is told of exactly where it was verified and measured, and once: the mock sees to that.
			let told = opened.iter().filter_map(|(round, at)| {
				let is_over = at + script.closes_after < last;
				let is_verified = closed[round][0] == AuditOutcome::Verified;
				match verdict_of(*round) {
					Verdict::Inconclusive => None,
					verdict => (is_over && is_verified).then_some((*round, verdict == Verdict::Accepted)),
				}
			});
			prop_assert_eq!(World::learned(), told.collect::<Vec<_>>());
			// Fees are paid once an audit to whoever agreed, three at most.
			for round in opened.keys() {
				let paid = World::fees().into_iter().filter(|(.., of)| of == round).count();
				let is_decided = closed[round][0] != AuditOutcome::Undecided;
				prop_assert_eq!(paid >= 2, is_decided);
				prop_assert!(paid <= 3);
			}
			Ok(())
		})?;
	}

	/// With honest auditors alone, exactly what is forged is caught.
	#[test]
	fn audits_should_be_right_when_auditors_are_honest(script in any_script()) {
		let script = Script { auditors: vec![Auditor::Honest], delays: vec![0], dark: vec![], ..script };
		let mut ext = ExtBuilder::default().auditors(14).build();
		ext.execute_with(|| -> Result<(), TestCaseError> {
			for (round, (_, _, is_forged)) in script.submissions.iter().enumerate() {
				let round = round as u64;
				if try_open(round, TRAINER, Purpose::Improvement, Some(manifest())).is_err() {
					prop_assert!(BannedUntil::<Test>::contains_key(TRAINER));
					continue;
				}
				while get(round).is_open() {
					script.act(round, *is_forged);
					next_block();
				}
				let is_caught = matches!(get(round).outcome(), AuditOutcome::Mismatch { .. });
				prop_assert_eq!(is_caught, *is_forged);
				prop_assert!(is_caught || get(round).outcome() == AuditOutcome::Verified);
			}
			Ok(())
		})?;
	}
}
