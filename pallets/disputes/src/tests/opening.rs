use crate::{mock::*, *};
use blyan_primitives::{
	draw::draw_shards,
	learning::{Finding, ShardLosses, MAX_NANOBITS},
};
use polkadot_sdk::{frame_support::assert_noop, sp_runtime::DispatchResult};

fn try_open(who: AccountId, id: DisputeId, losses: Vec<ShardLosses>) -> DispatchResult {
	DisputesPallet::open(RuntimeOrigin::signed(who), id, all_losses(losses))
}

#[test]
fn opening_should_show_the_contested_shard_and_have_referees_drawn() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		let id = contest(round, members[0]);
		open(id, lie());
		let TrainingTerms { pool, gate, .. } = terms();
		let shard = draw_shards(round_of(round).draw.unwrap().seed, &pool, &gate)[0];
		let opened = Opening { shard, losses: lie()[0] };
		assert_event(Event::LossesOpened { dispute: id, opened });
		assert_eq!((get(id).opened, get(id).stage), (Some(opened), Stage::AwaitingReferees));
		let info = DisputesPallet::dispute(id).unwrap();
		assert_eq!((info.shard, info.opened), (Some(shard), Some(lie()[0])));
		assert_noop!(try_open(members[0], id, lie()), Error::<Test>::NotAwaitingOpening);
	});
}

use pallet_proof_of_learning::TrainingTerms;

#[test]
fn opening_should_be_refused_when_it_is_not_the_accused_or_there_is_no_dispute() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		let id = contest(round, members[0]);
		for other in [CHALLENGER, members[1]] {
			assert_noop!(try_open(other, id, lie()), Error::<Test>::NotAccused);
		}
		assert_noop!(try_open(members[0], id + 1, lie()), Error::<Test>::DisputeNotFound);
	});
}

#[test]
fn opening_should_be_refused_when_it_is_not_what_was_reported() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		let id = contest(round, members[0]);
		assert_noop!(try_open(members[0], id, truth()), Error::<Test>::OpeningMismatch);
		let mut swapped = lie();
		swapped.swap(2, 3);
		assert_noop!(try_open(members[0], id, swapped), Error::<Test>::OpeningMismatch);
		assert_noop!(try_open(members[0], id, lie()[1..].to_vec()), Error::<Test>::LossesIncomplete);
		let longer = [lie(), lie()].concat();
		assert_noop!(try_open(members[0], id, longer), Error::<Test>::LossesIncomplete);
		let mut beyond = lie();
		beyond[7].baseline = MAX_NANOBITS + 1;
		assert_noop!(try_open(members[0], id, beyond), Error::<Test>::LossOutOfRange);
	});
}

/// A root over honest losses does not save who invents the means.
#[test]
fn opening_should_be_refused_when_the_report_is_not_what_its_losses_come_to() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		pallet_proof_of_learning::Rounds::<Test>::mutate(round, |round_| {
			let mut invented = report_of(round, &truth());
			invented.gain += 2 * TOLERANCE;
			round_.as_mut().unwrap().committee[1].finding = Some(Finding::Measured(invented));
		});
		let id = contest(round, members[1]);
		assert_noop!(try_open(members[1], id, truth()), Error::<Test>::ReportNotOfLosses);
		run_blocks(5);
		assert!(!is_open(id));
		assert_eq!(total(members[1]), ENDOWMENT - SLASH);
	});
}

#[test]
fn opening_should_be_taken_to_the_end_of_its_deadline_and_no_later() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		let id = contest(round, members[1]);
		run_blocks(4);
		open(id, truth());
		let late = contest(round, members[0]);
		// Served late, for there is no weight.
		ServiceWeight::set(Default::default());
		run_blocks(5);
		assert_noop!(try_open(members[0], late, lie()), Error::<Test>::NotAwaitingOpening);
		ServiceWeight::set(polkadot_sdk::frame_support::weights::Weight::MAX);
		next_block();
		assert!(!is_open(late));
	});
}

#[test]
fn opening_should_be_refused_when_the_finding_has_been_struck_meanwhile() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		contest(round, members[0]);
		run_blocks(3);
		let second = NextDisputeId::<Test>::get();
		polkadot_sdk::frame_support::assert_ok!(DisputesPallet::contest(
			RuntimeOrigin::signed(OTHER_CHALLENGER),
			round,
			members[0],
			1
		));
		run_blocks(2);
		assert_noop!(try_open(members[0], second, lie()), Error::<Test>::NothingToContest);
		run_blocks(4);
		// It costs the accused nothing more, and the second challenger nothing at all.
		assert!(!is_open(second));
		let reason = UndecidedReason::AlreadyStruck;
		assert_event(Event::DisputeUndecided { dispute: second, round, reason });
		assert_eq!((total(OTHER_CHALLENGER), held(OTHER_CHALLENGER)), (ENDOWMENT, 0));
		assert_eq!(total(members[0]), ENDOWMENT - SLASH);
	});
}
