//! What validators claim.

use crate::{mock::*, *};
use blyan_primitives::{economy::BLY, Balance};

fn record(validators: u32, checkpoints: u32) -> SessionRecord {
	SessionRecord { set: 0, validators, checkpoints, next: None }
}

fn standing(known: u32, active: u32) -> Standing {
	Standing { set: 0, known, active, absent: 0 }
}

fn tallied(votes: u32, quick: u32, wrong: u32) -> Tally {
	Tally { votes, quick, wrong, blocks: 0 }
}

/// In thousandths of BLY, of a base of 1,000 BLY.
fn paid(validators: u32, checkpoints: u32, tally: Tally, standing: Standing) -> Balance {
	pay(BASE, &record(validators, checkpoints), &tally, &standing) / (BLY / 1_000)
}

#[test]
fn pay_should_follow_the_formula() {
	let always = standing(24, (1 << 24) - 1);
	// 1,000 / 4 x 1 x 2 x 1.1 x 1.2
	assert_eq!(paid(4, 12, tallied(12, 12, 0), always), 660_000);
	// Not quick: 1,000 / 4 x 1 x 2 x 1.2
	assert_eq!(paid(4, 12, tallied(12, 8, 0), always), 600_000);
	// Three quarters quick are enough.
	assert_eq!(paid(4, 12, tallied(12, 9, 0), always), 660_000);
	// One of them wrong: 1,000 / 4 x 11/12 x 2 x 1.1
	assert_eq!(paid(4, 12, tallied(11, 11, 1), always), 504_166);
	// In half of the sessions that are known: 1,000 / 4 x 1 x 1.5 x 1.1 x 1.2
	assert_eq!(paid(4, 12, tallied(12, 12, 0), standing(4, 0b0101)), 495_000);
	// A third of the votes, none quick.
	assert_eq!(paid(4, 12, tallied(4, 0, 0), always), 200_000);
}

#[test]
fn pay_should_be_nothing_when_nothing_was_expected_or_done() {
	let always = standing(1, 1);
	assert_eq!(paid(4, 0, tallied(0, 0, 0), always), 0);
	assert_eq!(paid(4, 12, Tally { blocks: 9, ..Default::default() }, always), 0, "blocks earn their fees");
	assert_eq!(paid(4, 12, tallied(0, 0, 12), always), 0);
	assert_eq!(paid(0, 12, tallied(12, 12, 0), always), 0);
	assert_eq!(paid(4, 12, tallied(12, 12, 0), standing(0, 0)), 0);
}

#[test]
fn pay_should_not_overflow_when_everything_is_as_large_as_may_be() {
	let most =
		pay(MAX_BASE, &record(1, u32::MAX), &tallied(u32::MAX, u32::MAX, 0), &standing(24, (1 << 24) - 1));
	assert_eq!(most, MAX_BASE / 100 * 264);
	// Votes beyond what is expected count for nothing.
	assert_eq!(paid(1, 1, tallied(9, 9, 0), standing(1, 1)), 2_640_000);
}

#[test]
fn session_should_be_claimed_by_those_who_voted_in_it() {
	run(|| {
		for _ in 0..2 {
			next_checkpoint();
			vote(&[1]);
			blocks(QUICK_BLOCKS);
			vote(&[2]);
		}
		bring(3, wrong_vote_of(3));
		next_session();
		blocks(2 * CHECKPOINT_BLOCKS);
		let each = BASE / 4;
		assert_eq!(claimed(), [(1, each * 2 * 132 / 100), (2, each * 2 * 12 / 10)].into());
		assert_eq!(Tallies::<Test>::iter().count(), 0, "what is claimed is forgotten");
	});
}

#[test]
fn claim_should_be_told_of_when_it_is_made() {
	run(|| {
		next_checkpoint();
		vote(&[1]);
		next_session();
		next_checkpoint();
		blocks(1);
		let amount = BASE / 4 * 2 * 132 / 100;
		assert_eq!(events(), [Event::PayClaimed { validator: 1, session: 0, amount }]);
	});
}

#[test]
fn uptime_should_look_back_on_a_day_of_sessions() {
	let mut standing = Standing::default();
	standing.note(true);
	assert_eq!((standing.known, standing.active, standing.absent), (1, 1, 0));
	for _ in 0..UPTIME_SESSIONS {
		standing.note(false);
	}
	assert_eq!((standing.known, standing.active, standing.absent), (UPTIME_SESSIONS, 0, UPTIME_SESSIONS));
	standing.note(true);
	assert_eq!((standing.active.count_ones(), standing.absent), (1, 0));
}

#[test]
fn pay_should_be_lower_when_the_validator_was_away_before() {
	run(|| {
		next_checkpoint();
		vote(&[1]);
		next_session();
		next_checkpoint();
		vote(&[1, 2]);
		Claimed::take();
		next_session();
		blocks(2 * CHECKPOINT_BLOCKS);
		let whole = BASE / 4 * 132 / 100;
		// The first session was claimed meanwhile, by one of them.
		assert_eq!(claimed(), [(1, 4 * whole), (2, whole + whole / 2)].into());
	});
}

#[test]
fn sessions_without_a_checkpoint_should_count_for_nobody() {
	run(|| {
		next_block(Some(1));
		next_session();
		blocks(2);
		assert!(Sessions::<Test>::get(0).is_none(), "it is settled");
		assert!(FIRST.iter().all(|who| Standings::<Test>::get(who).unwrap().known == 0));
		assert!(claimed().is_empty());
	});
}

#[test]
fn claims_should_add_up_when_two_sessions_of_a_validator_are_settled_in_a_block() {
	run(|| {
		next_checkpoint();
		vote(&[1]);
		// As if nothing were settled for two sessions.
		for number in [11, 16] {
			Session::mutate(|session| *session += 1);
			tell_session(false, &FIRST);
			System::set_block_number(number);
			assert!(Checkpoints::open_checkpoint(number));
			vote(&[1]);
		}
		assert_eq!(Checkpoints::settle(100), 8, "the last checkpoint is of the session that runs");
		assert_eq!(claimed(), [(1, 2 * (BASE / 4 * 264 / 100))].into());
	});
}
