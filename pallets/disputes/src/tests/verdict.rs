use crate::{mock::*, *};
use blyan_primitives::{
	learning::{RefereeFinding, ShardLosses, Verdict},
	traits::CanaryRounds,
	traits::CreditReason,
	Balance,
};
use pallet_proof_of_learning::Phase;
use polkadot_sdk::{
	frame_support::{
		assert_ok,
		traits::{fungible::Mutate, tokens::Preservation, LockableCurrency, WithdrawReasons},
	},
	pallet_balances,
};

fn issuance() -> Balance {
	pallet_balances::TotalIssuance::<Test>::get()
}

fn verdict(round: RoundId) -> Option<Verdict> {
	match round_of(round).phase {
		Phase::Closed { verdict, .. } => Some(verdict),
		_ => None,
	}
}

#[test]
fn liar_should_lose_a_twentieth_and_its_vote() {
	ExtBuilder::default().build_and_execute(|| {
		let before = issuance();
		let (round, members) = round_with_liar();
		let id = contest_to_referees(round, members[0], lie());
		let judges = referees(id);
		judge(id, &[Some(exact()); 5]);
		assert!(!is_open(id));
		assert_event(Event::AccusedLost {
			dispute: id,
			round,
			accused: members[0],
			challenger: CHALLENGER,
			exact: Some(truth()[0]),
			slashed: SLASH,
		});
		// Half to the challenger, a quarter to the referees, a quarter burned.
		assert_eq!((held(CHALLENGER), total(CHALLENGER)), (0, ENDOWMENT + SLASH / 2));
		assert!(judges.iter().all(|who| total(*who) == ENDOWMENT + SLASH / 20));
		assert_eq!((total(members[0]), issuance()), (ENDOWMENT - SLASH, before - SLASH / 4));
		assert_eq!(World::granted(), [(CHALLENGER, CreditReason::ProvenFault)]);
		assert!(round_of(round).committee[0].struck);
		run_blocks(CONTEST + 1);
		assert_eq!(verdict(round), Some(Verdict::Accepted));
		assert_eq!(total(members[0]), ENDOWMENT - SLASH, "one price for one lie");
	});
}

#[test]
fn accused_should_lose_when_it_opens_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		let before = issuance();
		let (round, members) = round_with_liar();
		let id = contest(round, members[0]);
		run_blocks(4);
		assert!(is_open(id));
		next_block();
		assert_event(Event::AccusedLost {
			dispute: id,
			round,
			accused: members[0],
			challenger: CHALLENGER,
			exact: None,
			slashed: SLASH,
		});
		assert_eq!((total(CHALLENGER), held(CHALLENGER)), (ENDOWMENT + SLASH / 2, 0));
		assert_eq!(issuance(), before - SLASH / 2);
	});
}

#[test]
fn wrongly_accused_should_win_half_of_the_bond() {
	ExtBuilder::default().build_and_execute(|| {
		let before = issuance();
		let (round, members) = round_with_liar();
		let id = contest_to_referees(round, members[1], truth());
		let judges = referees(id);
		let wrong = RefereeFinding::Exact(ShardLosses { baseline: 1, candidate: 1 });
		judge(id, &[Some(exact()), Some(exact()), Some(wrong), Some(exact()), None]);
		assert_event(Event::ChallengerLost {
			dispute: id,
			round,
			accused: members[1],
			challenger: CHALLENGER,
			exact: truth()[0],
			burned: 1,
		});
		assert_eq!((held(CHALLENGER), total(CHALLENGER)), (0, ENDOWMENT - BOND));
		assert_eq!(total(members[1]), ENDOWMENT + BOND / 2);
		// 10,000 among three.
		let each = BOND / 2 / 3;
		assert_event(Event::BondShared { dispute: id, payee: judges[0], amount: each });
		assert_eq!((total(judges[0]), total(judges[4])), (ENDOWMENT + each, ENDOWMENT));
		assert_eq!(issuance(), before - SLASH - 1, "a referee was wrong, and one did not divide");
		assert!(round_of(round).committee[1].upheld && !round_of(round).committee[1].struck);
	});
}

#[test]
fn accused_should_win_on_the_edge_of_the_tolerance_and_lose_beyond_it() {
	ExtBuilder::default().build_and_execute(|| {
		for (off, wins) in [(TOLERANCE, true), (TOLERANCE + 1, false)] {
			let (round, members) = round_with_liar();
			let id = contest_to_referees(round, members[1], truth());
			let reference = ShardLosses { candidate: truth()[0].candidate + off, ..truth()[0] };
			judge(id, &[Some(RefereeFinding::Exact(reference)); 5]);
			let seat = round_of(round).committee[1].clone();
			assert_eq!((seat.upheld, seat.struck), (wins, !wins));
			run_blocks(20);
		}
	});
}

#[test]
fn bond_should_be_paid_when_the_challengers_balance_is_locked() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		let id = contest_to_referees(round, members[1], truth());
		Balances::set_lock(*b"anything", &CHALLENGER, ENDOWMENT, WithdrawReasons::all());
		judge(id, &[Some(exact()); 5]);
		assert_eq!((held(CHALLENGER), total(CHALLENGER)), (0, ENDOWMENT - BOND));
	});
}

#[test]
fn challenger_should_get_its_due_when_its_bond_is_all_that_it_has() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		let id = contest_to_referees(round, members[0], lie());
		let rest = ENDOWMENT - BOND - EXISTENTIAL_DEPOSIT;
		assert_ok!(Balances::transfer(&CHALLENGER, &OWNER, rest, Preservation::Preserve));
		judge(id, &[Some(exact()); 5]);
		assert_eq!((held(CHALLENGER), total(CHALLENGER)), (0, BOND + EXISTENTIAL_DEPOSIT + SLASH / 2));
	});
}

#[test]
fn round_should_restart_when_those_who_lied_are_struck() {
	ExtBuilder::default().build_and_execute(|| {
		let round = draw_round();
		measure(round, &|seat| if seat < 3 { lie() } else { truth() });
		let members = committee(round);
		let honest = members[3];
		// An honest member says so of two of the three.
		let ids = [0, 1].map(|seat| {
			let id = NextDisputeId::<Test>::get();
			let origin = RuntimeOrigin::signed(honest);
			assert_ok!(DisputesPallet::contest(origin, round, members[seat], 0));
			open(id, lie());
			id
		});
		run_blocks(2);
		ids.iter().for_each(|id| referees(*id).iter().for_each(|who| commit(*who, *id, exact())));
		next_block();
		ids.iter().for_each(|id| referees(*id).iter().for_each(|who| reveal(*who, *id, exact())));
		next_block();
		assert_eq!(total(honest), ENDOWMENT + SLASH / 2 * 2);
		run_blocks(CONTEST);
		assert_eq!((round_of(round).attempt, verdict(round)), (1, None));
	});
}

#[test]
fn who_won_as_challenger_should_not_be_blamed_though_the_committee_was_captured() {
	ExtBuilder::default().build_and_execute(|| {
		let round = draw_round();
		// Four of five lie, so that the quorum holds without the one who is struck.
		measure(round, &|seat| if seat < 4 { lie() } else { truth() });
		let members = committee(round);
		let honest = members[4];
		let id = NextDisputeId::<Test>::get();
		assert_ok!(DisputesPallet::contest(RuntimeOrigin::signed(honest), round, members[0], 0));
		open(id, lie());
		run_blocks(2);
		judge(id, &[Some(exact()); 5]);
		run_blocks(CONTEST);
		// Three liars and one who is honest are a quorum: what stands is still wrong, but costs it nothing.
		let is_outside = round_of(round).medians.unwrap().standard_error > TOLERANCE;
		assert!(verdict(round).is_some() && is_outside);
		assert_eq!(total(honest), ENDOWMENT + SLASH / 2);
	});
}

#[test]
fn liar_should_lose_a_tenth_when_what_it_accepted_is_known_to_be_a_canary() {
	for is_known_in_time in [true, false] {
		ExtBuilder::default().build_and_execute(|| {
			// It is better of every shard, so that chance does not explain it: the report passes the gate.
			let mut flattery = truth();
			flattery.iter_mut().for_each(|losses| losses.candidate -= 100_000_000);
			let round = draw_round();
			measure(round, &|seat| if seat == 0 { flattery.clone() } else { truth() });
			let members = committee(round);
			let id = contest_to_referees(round, members[0], flattery.clone());
			if is_known_in_time {
				ProofOfLearning::mark_canary(round, OWNER, 0);
			}
			judge(id, &[Some(exact()); 5]);
			let lost = if is_known_in_time { CANARY_SLASH } else { SLASH };
			assert_eq!(total(members[0]), ENDOWMENT - lost);
			assert_eq!(total(CHALLENGER), ENDOWMENT + lost / 2);
		});
	}
}
