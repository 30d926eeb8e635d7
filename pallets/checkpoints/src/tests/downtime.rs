//! Validators that are down.

use crate::{mock::*, *};

/// A session with a checkpoint, on which these vote, and enough blocks to settle the one before.
fn session(voters: &[AccountId]) {
	next_checkpoint();
	vote(voters);
	next_session();
}

#[test]
fn validator_should_be_reported_when_it_was_down_for_more_than_a_day_and_once_a_day() {
	run(|| {
		for _ in 0..DAY {
			session(&[1, 2, 3]);
		}
		blocks(2 * CHECKPOINT_BLOCKS);
		assert_eq!(Standings::<Test>::get(4).unwrap().absent, DAY);
		assert_eq!(Reported::get(), [], "a day is not more than a day");
		session(&[1, 2, 3]);
		next_checkpoint();
		// Two seats a block: the fourth is settled in the second.
		blocks(2);
		assert_eq!(Reported::get(), [(4, DAY + 1)]);
		assert!(events().contains(&Event::ValidatorDown { validator: 4, sessions: DAY + 1 }));
		vote(&[1, 2, 3]);
		next_session();
		for _ in 0..DAY {
			session(&[1, 2, 3]);
		}
		blocks(2 * CHECKPOINT_BLOCKS);
		assert_eq!(Reported::get(), [(4, DAY + 1), (4, 2 * DAY + 1)]);
	});
}

#[test]
fn validator_should_not_be_reported_when_it_showed_a_sign_of_life() {
	for sign in 0..3 {
		run(|| {
			for number in 0..2 * DAY {
				next_checkpoint();
				vote(&[1, 2, 3]);
				if number == DAY {
					match sign {
						0 => vote(&[4]),
						1 => next_block(Some(4)),
						_ => {
							bring(4, wrong_vote_of(4));
						}
					}
				}
				next_session();
			}
			blocks(2 * CHECKPOINT_BLOCKS);
			assert_eq!(Standings::<Test>::get(4).unwrap().absent, DAY - 1);
			assert_eq!(Reported::get(), []);
		});
	}
}

#[test]
fn validator_should_begin_anew_when_it_left_and_came_back() {
	run(|| {
		for _ in 0..DAY {
			session(&[1, 2, 3]);
		}
		change_validators(&[1, 2, 3]);
		session(&[1, 2, 3]);
		blocks(2 * CHECKPOINT_BLOCKS);
		change_validators(&FIRST);
		session(&[1, 2, 3]);
		blocks(2 * CHECKPOINT_BLOCKS);
		assert_eq!(Standings::<Test>::get(4).unwrap().absent, 1);
		assert_eq!(Reported::get(), []);
	});
}

#[test]
fn validator_should_keep_its_past_when_only_others_changed() {
	run(|| {
		for number in 0..=DAY {
			next_checkpoint();
			vote(&[1]);
			change_validators(&[1, 4, 10 + u64::from(number)]);
		}
		blocks(2 * CHECKPOINT_BLOCKS);
		assert_eq!(Reported::get(), [(4, DAY + 1)]);
	});
}

#[test]
fn report_should_be_due_once_a_day() {
	let due = |absent| Standing { absent, ..Default::default() }.is_report_due(24);
	let days = (0..=100).filter(|absent| due(*absent)).collect::<Vec<_>>();
	assert_eq!(days, [25, 49, 73, 97]);
	let hourly = |absent| Standing { absent, ..Default::default() }.is_report_due(1);
	assert_eq!((0..5).filter(|absent| hourly(*absent)).collect::<Vec<_>>(), [2, 3, 4]);
}
