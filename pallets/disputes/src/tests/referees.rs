use crate::{mock::*, *};
use blyan_primitives::{learning::RefereeFinding, worker::Fault, Hash};
use polkadot_sdk::{frame_support::assert_noop, sp_runtime::DispatchResult};

fn try_commit(who: AccountId, id: DisputeId, hash: Hash) -> DispatchResult {
	DisputesPallet::commit(RuntimeOrigin::signed(who), id, hash)
}

fn try_reveal(who: AccountId, id: DisputeId, finding: RefereeFinding, salt: u8) -> DispatchResult {
	DisputesPallet::reveal(RuntimeOrigin::signed(who), id, finding, [salt; 32])
}

/// A dispute on the liar's finding with its referees.
fn drawn() -> (DisputeId, Vec<AccountId>) {
	let (round, members) = round_with_liar();
	let id = contest_to_referees(round, members[0], lie());
	(id, referees(id))
}

#[test]
fn referees_should_be_others_than_the_committee_and_the_parties() {
	ExtBuilder::default().build_and_execute(|| {
		for _ in 0..6 {
			let (round, members) = round_with_liar();
			// An evaluator who is not on the committee may contest, and is no referee then.
			let challenger = (FIRST_EVALUATOR..).find(|who| !members.contains(who)).unwrap();
			let id = NextDisputeId::<Test>::get();
			polkadot_sdk::frame_support::assert_ok!(DisputesPallet::contest(
				RuntimeOrigin::signed(challenger),
				round,
				members[0],
				0
			));
			open(id, lie());
			run_blocks(2);
			let referees = referees(id);
			assert_eq!(referees.len() as u32, REFEREES);
			assert!(referees.iter().all(|who| !members.contains(who) && *who != challenger));
			judge(id, &[Some(exact()); 5]);
		}
	});
}

#[test]
fn referees_should_be_no_associates_of_who_had_a_part_in_the_round() {
	ExtBuilder::default().evaluators(20).build_and_execute(|| {
		let declare = |who, of| {
			let list = blyan_primitives::worker::Associates::truncate_from(vec![of]);
			polkadot_sdk::frame_support::assert_ok!(WorkersPallet::declare_associates(
				RuntimeOrigin::signed(who),
				list
			));
		};
		let (of_trainer, of_challenger) = (FIRST_EVALUATOR, FIRST_EVALUATOR + 1);
		declare(of_trainer, TRAINER);
		declare(of_challenger, CHALLENGER);
		for _ in 0..6 {
			let (round, members) = round_with_liar();
			let id = contest_to_referees(round, members[0], lie());
			let referees = referees(id);
			assert_eq!(referees.len() as u32, REFEREES);
			assert!(!members.contains(&of_trainer) && !referees.contains(&of_trainer));
			assert!(!referees.contains(&of_challenger));
			judge(id, &[Some(exact()); 5]);
		}
	});
}

#[test]
fn referees_should_be_drawn_after_the_delay_from_randomness_younger_than_the_opening() {
	ExtBuilder::default().parameters(|p| p.draw_delay = 1).build_and_execute(|| {
		let (round, members) = round_with_liar();
		let id = contest(round, members[0]);
		run_blocks(1);
		open(id, lie());
		// The parent block is the one that the opening is in.
		next_block();
		let retry_at = System::block_number() + 1;
		let reason = PostponeReason::NoRandomness;
		assert_event(Event::DrawPostponed { dispute: id, reason, retry_at });
		next_block();
		let commit_until = System::block_number() + 6;
		assert_eq!(get(id).stage, Stage::Commit { until: commit_until });
		let referees = RefereesOf::<Test>::truncate_from(referees(id));
		assert_event(Event::RefereesDrawn { dispute: id, attempt: 0, referees, commit_until });
	});
}

#[test]
fn dispute_should_end_undecided_when_there_are_too_few_referees() {
	// Five on the committee, and four besides.
	ExtBuilder::default().evaluators(9).build_and_execute(|| {
		let (round, members) = round_with_liar();
		let id = contest(round, members[0]);
		open(id, lie());
		run_blocks(6);
		assert!(!is_open(id));
		let reason = UndecidedReason::NoReferees;
		assert_event(Event::DisputeUndecided { dispute: id, round, reason });
		assert_event(Event::BondReturned { dispute: id, challenger: CHALLENGER, amount: BOND });
		assert_eq!(total(CHALLENGER), ENDOWMENT);
		let postponed = events().iter().filter(|e| matches!(e, Event::DrawPostponed { .. })).count();
		assert_eq!(postponed, 2);
	});
}

#[test]
fn dispute_should_end_undecided_when_there_is_no_randomness() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		let id = contest(round, members[0]);
		open(id, lie());
		World::set_randomness_age(None);
		run_blocks(6);
		let reason = UndecidedReason::NoReferees;
		assert_event(Event::DisputeUndecided { dispute: id, round, reason });
	});
}

#[test]
fn commit_should_be_refused_by_the_rule_that_it_breaks() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		let id = contest(round, members[0]);
		assert_noop!(try_commit(members[1], id, Hash::zero()), Error::<Test>::NotInCommitPhase);
		assert_noop!(try_commit(members[1], id + 1, Hash::zero()), Error::<Test>::DisputeNotFound);
		open(id, lie());
		run_blocks(2);
		let referees = referees(id);
		for other in [members[0], members[1], CHALLENGER] {
			assert_noop!(try_commit(other, id, Hash::zero()), Error::<Test>::NotReferee);
		}
		commit(referees[0], id, exact());
		let hash = commitment_of(referees[0], id, exact());
		assert_event(Event::RefereeCommitted { dispute: id, referee: referees[0], commitment: hash });
		assert_noop!(try_commit(referees[0], id, Hash::zero()), Error::<Test>::AlreadyCommitted);
		assert_noop!(try_commit(referees[1], id, hash), Error::<Test>::CommitmentCopied);
		ServiceWeight::set(Default::default());
		run_blocks(7);
		assert_noop!(try_commit(referees[1], id, Hash::zero()), Error::<Test>::NotInCommitPhase);
	});
}

#[test]
fn phases_should_end_in_the_next_block_when_everybody_has_done_their_part() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, referees) = drawn();
		referees.iter().for_each(|who| commit(*who, id, exact()));
		assert_eq!(get(id).stage, Stage::Commit { until: System::block_number() });
		next_block();
		let until = System::block_number() + 3;
		assert_eq!(get(id).stage, Stage::Reveal { until });
		assert_event(Event::RevealOpened { dispute: id, until });
		let info = DisputesPallet::dispute(id).unwrap();
		assert_eq!((info.committed, info.revealed.len()), (referees.clone(), 0));
		referees.iter().for_each(|who| reveal(*who, id, exact()));
		next_block();
		assert!(!is_open(id));
	});
}

#[test]
fn reveal_should_be_refused_by_the_rule_that_it_breaks() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, referees) = drawn();
		let salt = |who: AccountId| who as u8;
		let first = referees[0];
		referees[..4].iter().for_each(|who| commit(*who, id, exact()));
		assert_noop!(try_reveal(first, id, exact(), salt(first)), Error::<Test>::NotInRevealPhase);
		assert_noop!(try_reveal(first, id + 1, exact(), salt(first)), Error::<Test>::DisputeNotFound);
		run_blocks(7);
		assert_noop!(try_reveal(CHALLENGER, id, exact(), 0), Error::<Test>::NotReferee);
		let absent = referees[4];
		assert_noop!(try_reveal(absent, id, exact(), salt(absent)), Error::<Test>::NotCommitted);
		let unable = RefereeFinding::Unable;
		assert_noop!(try_reveal(first, id, unable, salt(first)), Error::<Test>::RevealMismatch);
		assert_noop!(try_reveal(first, id, exact(), salt(referees[1])), Error::<Test>::RevealMismatch);
		reveal(first, id, exact());
		assert_event(Event::RefereeRevealed { dispute: id, referee: first, finding: exact() });
		assert_noop!(try_reveal(first, id, exact(), salt(first)), Error::<Test>::AlreadyRevealed);
		ServiceWeight::set(Default::default());
		run_blocks(4);
		let second = referees[1];
		assert_noop!(try_reveal(second, id, exact(), salt(second)), Error::<Test>::NotInRevealPhase);
	});
}

#[test]
fn reveal_should_not_match_when_the_commitment_is_of_an_earlier_attempt() {
	// All evaluators who are not on the committee judge, in each attempt.
	ExtBuilder::default().evaluators(10).build_and_execute(|| {
		let (id, referees) = drawn();
		let stale = commitment_of(referees[0], id, exact());
		judge(id, &[None; 5]);
		run_blocks(2);
		polkadot_sdk::frame_support::assert_ok!(try_commit(referees[0], id, stale));
		referees[1..].iter().for_each(|who| commit(*who, id, exact()));
		next_block();
		let salt = referees[0] as u8;
		assert_noop!(try_reveal(referees[0], id, exact(), salt), Error::<Test>::RevealMismatch);
	});
}

#[test]
fn others_should_be_drawn_when_too_few_committed_for_a_majority() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, referees) = drawn();
		judge(id, &[Some(exact()), Some(exact()), None, None, None]);
		assert_event(Event::DisputeRestarted { dispute: id, attempt: 1 });
		assert_eq!((get(id).stage, get(id).referees.len()), (Stage::AwaitingReferees, 0));
		let blamed = |who: &AccountId| {
			events().contains(&Event::RefereeFaulted {
				dispute: id,
				referee: *who,
				fault: Fault::NoCommit,
				slashed: 0,
			})
		};
		assert!(!referees[..2].iter().any(blamed) && referees[2..].iter().all(blamed));
		run_blocks(2);
		assert_eq!(get(id).referees.len() as u32, REFEREES);
	});
}

#[test]
fn nobody_should_be_blamed_for_what_it_found_when_there_is_no_majority() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, referees) = drawn();
		let other = RefereeFinding::Exact(lie()[0]);
		let mut third = truth()[0];
		third.baseline += 1;
		// Two, two, and one that differs in the last bit.
		let third = RefereeFinding::Exact(third);
		judge(id, &[Some(exact()), Some(exact()), Some(other), Some(other), Some(third)]);
		assert_event(Event::DisputeRestarted { dispute: id, attempt: 1 });
		assert!(!events().iter().any(|event| matches!(event, Event::RefereeFaulted { .. })));
		assert!(referees.iter().all(|who| total(*who) == ENDOWMENT));
	});
}

#[test]
fn dispute_should_end_undecided_when_no_attempt_has_a_majority() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		let id = contest_to_referees(round, members[0], lie());
		// Unable is not a vote, and no fault.
		let unable = Some(RefereeFinding::Unable);
		judge(id, &[unable, unable, unable, Some(exact()), Some(exact())]);
		run_blocks(2);
		judge(id, &[unable, unable, unable, unable, unable]);
		assert!(!is_open(id));
		let reason = UndecidedReason::NoMajority;
		assert_event(Event::DisputeUndecided { dispute: id, round, reason });
		assert_eq!((total(CHALLENGER), total(members[0])), (ENDOWMENT, ENDOWMENT));
		assert!(!events().iter().any(|event| matches!(event, Event::RefereeFaulted { .. })));
	});
}

#[test]
fn referee_should_be_blamed_when_it_contradicts_the_majority_or_does_not_show_up() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, referees) = drawn();
		// A bit off is wrong: the reference evaluator computes the same everywhere.
		let mut off = truth()[0];
		off.candidate += 1;
		referees[..4].iter().for_each(|who| {
			let finding = if *who == referees[0] { RefereeFinding::Exact(off) } else { exact() };
			commit(*who, id, finding)
		});
		run_blocks(7);
		reveal(referees[0], id, RefereeFinding::Exact(off));
		referees[1..4].iter().for_each(|who| reveal(*who, id, exact()));
		next_block();
		assert!(!is_open(id));
		for (referee, fault, slashed) in
			[(referees[0], Fault::OutsideTolerance, SLASH), (referees[4], Fault::NoCommit, 0)]
		{
			assert_event(Event::RefereeFaulted { dispute: id, referee, fault, slashed });
		}
	});
}

#[test]
fn referee_should_be_blamed_when_it_commits_and_does_not_reveal() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, referees) = drawn();
		referees.iter().for_each(|who| commit(*who, id, exact()));
		next_block();
		referees[..3].iter().for_each(|who| reveal(*who, id, exact()));
		run_blocks(4);
		let slashed = WORKER_BOND / 1_000;
		for referee in &referees[3..] {
			let (referee, fault) = (*referee, Fault::NoReveal);
			assert_event(Event::RefereeFaulted { dispute: id, referee, fault, slashed });
		}
	});
}
