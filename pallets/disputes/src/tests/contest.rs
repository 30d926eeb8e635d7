use crate::{mock::*, *};
use blyan_primitives::{learning::Finding, traits::ContestableRounds};
use polkadot_sdk::{
	frame_support::{
		assert_noop, assert_ok,
		traits::{fungible::Mutate, tokens::Preservation},
	},
	sp_runtime::DispatchResult,
};

fn try_contest(who: AccountId, round: RoundId, accused: AccountId, position: u32) -> DispatchResult {
	DisputesPallet::contest(RuntimeOrigin::signed(who), round, accused, position)
}

#[test]
fn contest_should_hold_the_bond_and_the_round() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		assert_eq!(DisputesPallet::bond(&members[0]), BOND);
		let id = contest(round, members[0]);
		assert_eq!((held(CHALLENGER), BOND), (BOND, 20_000));
		assert_eq!(ProofOfLearning::holds(round), 1);
		let open_until = System::block_number() + 4;
		assert_eq!(get(id).stage, Stage::AwaitingOpening { until: open_until });
		assert_event(Event::FindingContested {
			dispute: id,
			round,
			accused: members[0],
			challenger: CHALLENGER,
			position: 0,
			bond: BOND,
			open_until,
		});
		let info = DisputesPallet::dispute(id).unwrap();
		assert_eq!((info.shard, info.opened, info.accused), (None, None, members[0]));
		assert_eq!(DisputesPallet::disputes(Some(round)), [info]);
		assert!(DisputesPallet::disputes(Some(round + 1)).is_empty());
	});
}

#[test]
fn contest_should_hold_the_least_bond_when_the_accused_stands_to_lose_less() {
	ExtBuilder::default().parameters(|p| p.bond = BOND + 1).build_and_execute(|| {
		let (round, members) = round_with_liar();
		assert_eq!(DisputesPallet::bond(&members[0]), BOND + 1);
		contest(round, members[0]);
		assert_eq!(held(CHALLENGER), BOND + 1);
	});
}

#[test]
fn contest_should_be_refused_outside_of_the_contest_phase() {
	ExtBuilder::default().build_and_execute(|| {
		let round = draw_round();
		let accused = committee(round)[0];
		let refused = Error::<Test>::RoundNotContestable;
		assert_noop!(try_contest(CHALLENGER, round, accused, 0), refused);
		assert_noop!(try_contest(CHALLENGER, round + 1, accused, 0), Error::<Test>::RoundNotContestable);
		measure(round, &|_| truth());
		run_blocks(CONTEST);
		assert!(ProofOfLearning::takes_contests(round));
		next_block();
		assert_noop!(try_contest(CHALLENGER, round, accused, 0), Error::<Test>::RoundNotContestable);
	});
}

#[test]
fn contest_should_be_refused_when_the_account_measured_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		for other in [CHALLENGER, TRAINER] {
			assert_noop!(try_contest(OTHER_CHALLENGER, round, other, 0), Error::<Test>::NothingToContest);
		}
		pallet_proof_of_learning::Rounds::<Test>::mutate(round, |round| {
			round.as_mut().unwrap().committee[1].finding = Some(Finding::Unfetchable)
		});
		assert_noop!(try_contest(CHALLENGER, round, members[1], 0), Error::<Test>::NothingToContest);
	});
}

#[test]
fn round_should_settle_at_once_when_the_model_names_no_reference_evaluator() {
	ExtBuilder::default().without_reference().build_and_execute(|| {
		let (round, members) = round_with_liar();
		assert!(!<Test as crate::Config>::Rounds::takes_contests(round));
		assert_noop!(try_contest(CHALLENGER, round, members[0], 0), Error::<Test>::RoundNotContestable);
	});
}

#[test]
fn contest_should_be_refused_when_it_is_ones_own_finding_or_there_is_no_such_shard() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		assert_noop!(try_contest(members[0], round, members[0], 0), Error::<Test>::OwnFinding);
		assert_noop!(try_contest(CHALLENGER, round, members[0], SHARDS), Error::<Test>::PositionOutOfRange);
		assert_ok!(try_contest(CHALLENGER, round, members[0], SHARDS - 1));
	});
}

#[test]
fn contest_should_be_refused_when_the_same_shard_of_the_same_finding_is_contested() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		contest(round, members[0]);
		assert_noop!(try_contest(OTHER_CHALLENGER, round, members[0], 0), Error::<Test>::AlreadyContested);
		// Nobody shields a finding by contesting a shard of it that is right.
		assert_ok!(try_contest(OTHER_CHALLENGER, round, members[0], 1));
		assert_ok!(try_contest(OTHER_CHALLENGER, round, members[1], 0));
	});
}

#[test]
fn contest_should_be_refused_when_there_are_too_many_disputes() {
	ExtBuilder::default().build_and_execute(|| {
		let (first, second) = (draw_round(), draw_round());
		measure(first, &|_| truth());
		measure(second, &|_| truth());
		for (place, accused) in committee(first).into_iter().enumerate().take(MAX_PER_ROUND as usize) {
			assert_ok!(try_contest(CHALLENGER, first, accused, place as u32));
		}
		let last = committee(first)[4];
		assert_noop!(try_contest(CHALLENGER, first, last, 0), Error::<Test>::TooManyDisputesOfRound);
		for accused in committee(second).into_iter().take((MAX_OPEN - MAX_PER_ROUND) as usize) {
			assert_ok!(try_contest(CHALLENGER, second, accused, 0));
		}
		let last = committee(second)[4];
		assert_noop!(try_contest(CHALLENGER, second, last, 0), Error::<Test>::TooManyDisputes);
		assert_eq!(held(CHALLENGER), BOND * Balance::from(MAX_OPEN));
	});
}

type Balance = blyan_primitives::Balance;

#[test]
fn contest_should_be_refused_when_the_bond_is_not_there() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		let most = ENDOWMENT - BOND;
		assert_ok!(Balances::transfer(&CHALLENGER, &OWNER, most, Preservation::Preserve));
		assert_noop!(try_contest(CHALLENGER, round, members[0], 0), Error::<Test>::BondNotAvailable);
	});
}
