//! Random lives: what must hold whatever contributors, auditors, voters and governance do.

use crate::{mock::*, *};
use blyan_primitives::{
	datasets::{DatasetFinding, DatasetStage, Tier},
	Balance,
};
use polkadot_sdk::{
	frame_support::{traits::Hooks, weights::Weight},
	pallet_balances,
};
use proptest::prelude::*;

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
	/// In which block each is offered, by which of the contributors, and whether it is good.
	offers: Vec<(u32, bool, bool)>,
	/// Looked up by dataset, attempt and seat.
	auditors: Vec<Auditor>,
	/// Looked up by dataset and worker: whether it votes, and how.
	votes: Vec<Option<bool>>,
	/// Looked up by dataset: whether it is appealed for, and what governance decides, if it does.
	appeals: Vec<(bool, Option<Option<Tier>>)>,
	/// In which blocks which dataset is quarantined.
	fires: Vec<(u32, u8)>,
	/// How much of the deadline work fits in a block, in steps.
	steps_per_block: u64,
	/// In which blocks there is no randomness.
	dark: Vec<u32>,
}

fn any_script() -> impl Strategy<Value = Script> {
	let auditor = prop_oneof![
		12 => Just(Auditor::Honest),
		2 => Just(Auditor::Liar),
		1 => Just(Auditor::Unable),
		1 => Just(Auditor::Absent),
		1 => Just(Auditor::Silent),
	];
	let vote = prop_oneof![Just(None), Just(Some(true)), Just(Some(true)), Just(Some(false))];
	let tier = prop_oneof![Just(Some(Tier::Gold)), Just(Some(Tier::Experimental)), Just(None)];
	(
		prop::collection::vec((2u32..60, any::<bool>(), prop::bool::weighted(0.7)), 1..8),
		prop::collection::vec(auditor, 1..60),
		prop::collection::vec(vote, 1..60),
		prop::collection::vec((any::<bool>(), prop::option::of(tier)), 1..8),
		prop::collection::vec((60u32..200, 0u8..8), 0..4),
		1u64..4,
		prop::collection::vec(2u32..100, 0..10),
	)
		.prop_map(|(offers, auditors, votes, appeals, fires, steps_per_block, dark)| Script {
			offers,
			auditors,
			votes,
			appeals,
			fires,
			steps_per_block,
			dark,
		})
}

fn lookup<V: Copy>(list: &[V], a: usize, b: u32, c: usize) -> V {
	list[(a * 31 + b as usize * 7 + c) % list.len()]
}

impl Script {
	/// Has the auditors of a dataset do what they do in this block; what comes too late is refused.
	fn audit(&self, place: usize, id: DatasetId, is_good: bool) {
		let Some(audit) = Audits::<Test>::get(id) else { return };
		let (truth, lie) = match is_good {
			true => (good(), DatasetFinding::NotAsDeclared),
			false => (found(|report| report.toxicity = 500_000), good()),
		};
		for (number, seat) in audit.seats.iter().enumerate() {
			let does = lookup(&self.auditors, place, audit.attempt, number);
			let finding = match does {
				Auditor::Honest => truth.clone(),
				Auditor::Liar => lie.clone(),
				Auditor::Unable | Auditor::Silent => DatasetFinding::Unfetchable,
				Auditor::Absent => continue,
			};
			match audit.phase {
				Phase::Commit { .. } if seat.commitment.is_none() => {
					let _ = try_commit(seat.member, id, &finding);
				}
				Phase::Reveal { .. } if seat.finding.is_none() && does != Auditor::Silent => {
					let _ = try_reveal(seat.member, id, &finding);
				}
				_ => {}
			}
		}
	}

	/// Has voters, the contributor and governance do what they do.
	fn act(&self, place: usize, id: DatasetId, who: AccountId) {
		let Some(dataset) = Datasets::<Test>::get(id) else { return };
		match dataset.stage {
			DatasetStage::Vote { .. } => {
				for worker in 0..AUDITORS {
					if let Some(aye) = lookup(&self.votes, place, 0, worker as usize) {
						let _ = try_vote(FIRST_AUDITOR + worker, id, aye);
					}
				}
			}
			DatasetStage::Rejected { .. } | DatasetStage::Quarantined { .. }
				if lookup(&self.appeals, place, 0, 0).0 =>
			{
				let _ = DatasetsPallet::appeal(RuntimeOrigin::signed(who), id);
			}
			DatasetStage::Appealed { .. } => {
				if let Some(tier) = lookup(&self.appeals, place, 0, 0).1 {
					let _ = DatasetsPallet::decide_appeal(RuntimeOrigin::root(), id, tier);
				}
			}
			_ => {}
		}
	}
}

fn quarantine(id: DatasetId) -> bool {
	DatasetsPallet::quarantine(RuntimeOrigin::signed(FIREFIGHTER), id).is_ok()
}

/// What is gone, as events tell it.
fn told_burned() -> Balance {
	events()
		.into_iter()
		.map(|event| match event {
			Event::VoteSettled { burned, .. } | Event::AppealDecided { burned, .. } => burned,
			Event::AuditorFaulted { slashed, .. } => slashed,
			_ => 0,
		})
		.sum()
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

	#[test]
	fn datasets_should_all_end_and_cost_only_who_is_told(script in any_script()) {
		let mut ext = ExtBuilder::default().build();
		ext.execute_with(|| -> Result<(), TestCaseError> {
			ServiceWeight::set(one_step().saturating_mul(script.steps_per_block));
			let issued = pallet_balances::TotalIssuance::<Test>::get();
			let mut offered = Vec::new();
			let advance = |now: u32| {
				DatasetsPallet::on_idle(now - 1, <()>::forget().saturating_add(<()>::settle_vote()));
				System::set_block_number(now);
				DatasetsPallet::on_initialize(now);
				check_invariants();
			};
			// Every one may have to wait for the steps of the others, and be audited again.
			let last = 60 + 6 * longest_life();
			for now in 2..last {
				for (place, (at, by_other, is_good)) in script.offers.iter().enumerate() {
					let who = if *by_other { OTHER } else { CONTRIBUTOR };
					if *at == now && try_offer(who, offer(place as u32)).is_ok() {
						offered.push((place, cid(place as u32), who, *is_good));
					}
				}
				for (place, id, who, is_good) in &offered {
					script.audit(*place, *id, *is_good);
					script.act(*place, *id, *who);
				}
				for (_, number) in script.fires.iter().filter(|(at, _)| *at == now) {
					quarantine(cid((*number).into()));
				}
				World::set_randomness_age((!script.dark.contains(&now)).then_some(0));
				advance(now);
			}
			for (_, id, ..) in &offered {
				let stage = Datasets::<Test>::get(id).map(|dataset| dataset.stage);
				let is_at_rest = stage.is_none_or(|stage| matches!(
					stage,
					DatasetStage::Approved { .. } | DatasetStage::Quarantined { .. }
						| DatasetStage::Appealed { .. } | DatasetStage::Rejected { .. }
				));
				prop_assert!(is_at_rest, "{:?} is neither approved nor turned away", stage);
			}

			// Whatever is left is taken out, and nobody does anything any more: then nothing stays behind.
			ServiceWeight::set(Weight::MAX);
			for (_, id, ..) in &offered {
				quarantine(*id);
			}
			let p = parameters();
			for now in last..last + p.appeal_blocks + p.decision_blocks + longest_life() {
				advance(now);
				for (_, id, ..) in &offered {
					quarantine(*id);
				}
			}
			prop_assert_eq!(Datasets::<Test>::iter().count(), 0, "every dataset ends");
			prop_assert_eq!(Votes::<Test>::iter().count(), 0);
			prop_assert_eq!(Agenda::<Test>::iter().count(), 0);
			prop_assert_eq!(Versions::<Test>::iter().count(), 0);
			prop_assert!(Contributors::<Test>::iter_values().all(|record| record.was_approved));
			for (who, worker) in pallet_workers::Workers::<Test>::iter() {
				prop_assert_eq!(worker.engagements, 0, "{} stays engaged", who);
			}
			for who in (FIRST_AUDITOR..FIRST_AUDITOR + AUDITORS).chain([CONTRIBUTOR, OTHER]) {
				prop_assert_eq!(held(who, HoldReason::DatasetVote) + held(who, HoldReason::DatasetAppeal), 0);
			}
			prop_assert_eq!(issued - pallet_balances::TotalIssuance::<Test>::get(), told_burned());
			// Each was approved or rejected in public, before it was forgotten.
			for (_, id, ..) in &offered {
				let told = events().iter().any(|event| matches!(
					event,
					Event::DatasetRejected { dataset, .. } | Event::OfferDisplaced { dataset, .. } if dataset == id
				));
				prop_assert!(told, "{} ended in silence", id);
			}
			Ok(())
		})?;
	}

	/// With honest auditors and voters alone, exactly what is good is approved, and nobody loses anything.
	#[test]
	fn datasets_should_be_judged_right_when_everybody_is_honest(script in any_script()) {
		let script = Script { auditors: vec![Auditor::Honest], votes: vec![Some(true)], ..script };
		let mut ext = ExtBuilder::default().build();
		ext.execute_with(|| -> Result<(), TestCaseError> {
			for (place, (.., is_good)) in script.offers.iter().enumerate() {
				let id = offer_by(CONTRIBUTOR, place as u32);
				while matches!(stage(id), DatasetStage::Pending | DatasetStage::Audit) {
					script.audit(place, id, *is_good);
					next_block();
				}
				while matches!(stage(id), DatasetStage::Vote { .. }) {
					script.act(place, id, CONTRIBUTOR);
					next_block();
				}
				let is_approved = matches!(stage(id), DatasetStage::Approved { tier: Tier::Gold, .. });
				prop_assert_eq!(is_approved, *is_good);
			}
			prop_assert_eq!(told_burned(), 0);
			Ok(())
		})?;
	}
}
