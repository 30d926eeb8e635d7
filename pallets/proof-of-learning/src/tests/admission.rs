//! The line of submissions: who is measured first, and who makes room.

use crate::{
	mock::{world::Standing, *},
	*,
};
use blyan_primitives::{learning::Verdict, submission::Envelope, worker::Role};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::Perbill,
};

/// Trainers of the tests here, numbered from this.
const FIRST: AccountId = 500;

fn chain(max_measured: u32) -> ExtBuilder {
	ExtBuilder::default().parameters(move |p| p.max_measured = max_measured)
}

/// A trainer of that reputation, in per cent.
fn trainer(number: u64, reputation: u32) -> AccountId {
	let who = FIRST + number;
	World::register(who, Role::Trainer);
	World::set_reputation(who, Perbill::from_percent(reputation));
	polkadot_sdk::pallet_balances::Pallet::<Test>::force_set_balance(RuntimeOrigin::root(), who, ENDOWMENT)
		.unwrap();
	who
}

fn line() -> Vec<RoundId> {
	WaitingRounds::<Test>::get().iter().map(|entry| entry.round).collect()
}

fn measured_now() -> Vec<RoundId> {
	MeasuredRounds::<Test>::get().iter().map(|entry| entry.round).collect()
}

/// Has a round measured, without a gain.
fn finish(id: RoundId) {
	run_to_draw(id);
	find_all(id, measured(NO_GAIN));
	assert!(verdict(id).is_some());
}

#[test]
fn submission_should_be_admitted_at_once_when_there_is_a_place() {
	chain(2).build_and_execute(|| {
		let (first, second, third) = (submit(TRAINER), submit(TRAINER), submit(OTHER_TRAINER));
		assert_eq!((measured_now(), line()), (vec![first, second], vec![third]));
		assert_eq!((get(first).phase, get(third).phase), (Phase::AwaitingDraw, Phase::Waiting));
		assert_eq!(get(third).due, None);
		assert_event(Event::RoundAdmitted { round: first });
		run_blocks(20);
		assert_eq!(get(third).phase, Phase::Waiting, "nothing comes due for it");
	});
}

#[test]
fn draw_should_be_from_randomness_younger_than_the_admission() {
	chain(1).build_and_execute(|| {
		let (first, second) = (submit(TRAINER), submit(OTHER_TRAINER));
		finish(first);
		let now = System::block_number();
		assert_eq!((get(second).phase, get(second).attempt_since), (Phase::AwaitingDraw, now));
		assert_eq!(get(second).submitted_at, 1);
		// Known since the submission, and not since the admission.
		World::set_randomness_age(Some(2));
		run_blocks(2);
		assert_eq!(get(second).phase, Phase::AwaitingDraw);
		World::set_randomness_age(Some(1));
		run_to_draw(second);
	});
}

#[test]
fn line_should_go_by_standing_and_then_by_age() {
	chain(1).build_and_execute(|| {
		let busy = submit(TRAINER);
		let low = submit(trainer(1, 20));
		let (high, high_too) = (submit(trainer(2, 90)), submit(trainer(3, 90)));
		let new = submit(trainer(4, 50));
		let mut order = vec![];
		for _ in 0..4 {
			finish(measured_now()[0]);
			order.extend(measured_now());
		}
		assert_eq!(order, [high, high_too, new, low]);
		assert!(verdict(busy).is_some());
	});
}

#[test]
fn line_should_share_places_by_standing_when_a_trainer_sends_many() {
	chain(1).build_and_execute(|| {
		submit(TRAINER);
		let (good, other) = (trainer(1, 90), trainer(2, 40));
		let many = (0..4).map(|_| submit(good)).collect::<Vec<_>>();
		let (one, two) = (submit(other), submit(other));
		// What is accepted lowers nobody, so the standings stay: 90, 45, 30, 22 against 40, 20.
		let mut order = vec![];
		for _ in 0..6 {
			let id = measured_now()[0];
			run_to_draw(id);
			find_all(id, measured(GOOD));
			order.extend(measured_now());
		}
		// Of what waits, the first of each trainer counts as its first again when the one before it is done.
		assert_eq!(order[0], many[0]);
		assert_eq!(order.len(), 6);
		let place = |id| order.iter().position(|other| *other == id).unwrap();
		assert!(place(one) < place(two));
		assert!(many.windows(2).all(|pair| place(pair[0]) < place(pair[1])));
	});
}

#[test]
fn trainer_with_a_round_in_measurement_should_stand_behind_its_equals() {
	chain(2).build_and_execute(|| {
		let (busy, idle) = (trainer(1, 60), trainer(2, 60));
		let blocker = submit(TRAINER);
		let first = submit(busy);
		assert_eq!(measured_now(), [blocker, first]);
		let (second, other) = (submit(busy), submit(idle));
		finish(blocker);
		assert_eq!((measured_now(), line()), (vec![first, other], vec![second]));
	});
}

#[test]
fn rejected_trainer_should_stand_behind_in_line() {
	chain(1).build_and_execute(|| {
		let (junk, honest) = (trainer(1, 60), trainer(2, 50));
		let first = submit(junk);
		let (second, other) = (submit(junk), submit(honest));
		finish(first);
		assert_eq!((measured_now(), line()), (vec![other], vec![second]));
		assert_eq!(WaitingRounds::<Test>::get()[0].standing, Perbill::from_percent(30));
	});
}

#[test]
fn newcomer_should_displace_who_stands_last_when_the_line_is_full() {
	chain(1).build_and_execute(|| {
		let busy = submit(TRAINER);
		let crowd = (1..12).map(|n| submit(trainer(n, 30 + n as u32))).collect::<Vec<_>>();
		assert_eq!(OpenRoundCount::<Test>::get(), MAX_OPEN_ROUNDS);
		let weak = trainer(20, 31);
		let refused =
			ProofOfLearning::submit(RuntimeOrigin::signed(weak), MODEL, blocks(99), Envelope::default());
		assert_noop!(refused, Error::<Test>::TooManyOpenRounds);

		let strong = trainer(21, 80);
		let before = held(FIRST + 1);
		let id = submit(strong);
		assert_event(Event::SubmissionDisplaced { round: crowd[0], by: id });
		assert_eq!(verdict(crowd[0]), Some(Verdict::Inconclusive));
		assert!(get(crowd[0]).blocks.iter().all(|b| World::standing(b) == Standing::Withdrawn));
		assert_eq!((before, held(FIRST + 1), total(FIRST + 1)), (BOND, 0, ENDOWMENT));
		assert_eq!(OpenRoundCount::<Test>::get(), MAX_OPEN_ROUNDS);
		finish(busy);
		assert_eq!(measured_now(), [id], "the strongest is next");
		// Who made room is no worse off for it, and may try again.
		assert_eq!(TrackRecords::<Test>::get(FIRST + 1).unwrap().setbacks, 0);
		let crowd_block = blocks(crowd[0] as u16);
		let again = RuntimeOrigin::signed(FIRST + 1);
		assert_ok!(ProofOfLearning::submit(again, MODEL, crowd_block, Envelope::default()));
	});
}

#[test]
fn equal_should_not_displace_and_the_youngest_of_equals_should_make_room() {
	chain(1).build_and_execute(|| {
		submit(TRAINER);
		let crowd = (1..12).map(|n| submit(trainer(n, 50))).collect::<Vec<_>>();
		let equal = trainer(20, 50);
		let refused =
			ProofOfLearning::submit(RuntimeOrigin::signed(equal), MODEL, blocks(99), Envelope::default());
		assert_noop!(refused, Error::<Test>::TooManyOpenRounds);
		let id = submit(trainer(21, 51));
		assert_event(Event::SubmissionDisplaced { round: *crowd.last().unwrap(), by: id });
	});
}

#[test]
fn many_submissions_of_one_trainer_should_make_room_for_one_of_another() {
	chain(1).build_and_execute(|| {
		submit(trainer(0, 90));
		let (one, two) = (trainer(1, 90), trainer(2, 90));
		(0..6).for_each(|_| {
			submit(one);
		});
		let of_two = (0..5).map(|_| submit(two)).collect::<Vec<_>>();
		// A fifth of 90 is less than 50, and a sixth even less: the newest of who has most in line goes.
		let id = submit(trainer(3, 50));
		assert!(line().contains(&id));
		assert!(of_two.iter().all(|id| line().contains(id)));
		assert_event(Event::SubmissionDisplaced { round: 6, by: id });
	});
}

#[test]
fn rollback_of_who_is_no_worker_should_stand_behind_a_new_worker() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		find_all(id, measured(GOOD));
		Parameters::<Test>::mutate(|p| p.max_measured = 1);
		submit(OTHER_TRAINER);
		let blocks = get(id).blocks;
		let stranger = RuntimeOrigin::signed(STRANGER);
		assert_ok!(ProofOfLearning::roll_back(stranger, MODEL, blocks, Envelope::default()));
		assert_eq!(WaitingRounds::<Test>::get()[0].standing, STRANGER_REPUTATION);
	});
}

#[test]
fn line_should_move_up_when_governance_makes_room() {
	chain(1).build_and_execute(|| {
		let ids = (0..5).map(|_| submit(TRAINER)).collect::<Vec<_>>();
		Parameters::<Test>::mutate(|p| p.max_measured = 4);
		finish(ids[0]);
		assert_eq!(measured_now().len(), 2, "one for the place, and one more");
		let more = submit(OTHER_TRAINER);
		assert_eq!(measured_now().len(), 4);
		assert!(measured_now().contains(&more));
		// Less room: who is measured stays.
		Parameters::<Test>::mutate(|p| p.max_measured = 1);
		finish(measured_now()[0]);
		assert_eq!(measured_now().len(), 3);
	});
}

#[test]
fn more_work_should_go_first_and_make_room_among_equals() {
	chain(1).build_and_execute(|| {
		submit(TRAINER);
		let crowd = (1..12).map(|n| submit(trainer(n, 50))).collect::<Vec<_>>();
		WaitingRounds::<Test>::mutate(|line| {
			for (place, entry) in line.iter_mut().enumerate() {
				entry.work = [24, 25, 23, 26][place % 4];
			}
		});
		// No work is asked for here, so it counts as none: the youngest with the least is not it.
		let equal = RuntimeOrigin::signed(trainer(20, 50));
		let refused = ProofOfLearning::submit(equal, MODEL, blocks(99), Envelope::default());
		assert_noop!(refused, Error::<Test>::TooManyOpenRounds);
		let id = submit(trainer(21, 51));
		// Places 2, 6 and 10 had the least.
		assert_event(Event::SubmissionDisplaced { round: crowd[10], by: id });
		finish(measured_now()[0]);
		assert_eq!(measured_now(), [id]);
		finish(id);
		assert_eq!(measured_now(), [crowd[3]], "the oldest with the most work");
	});
}
