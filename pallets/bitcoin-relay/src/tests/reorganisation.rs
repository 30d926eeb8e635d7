//! Chains that compete.

use super::*;
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_core::U256,
};

#[test]
fn tip_should_stay_when_a_rival_has_as_much_work() {
	run(|| {
		let genesis = tip().hash;
		let main = extend(genesis, 3, 1);
		let rival = extend(genesis, 3, 2);
		assert_eq!(tip().hash, main[2]);
		System::assert_last_event(Event::ForkHeaderTaken { hash: rival[2], height: 3 }.into());
		assert_eq!(Relay::confirmations(&rival[0]), None);
		assert_eq!(Relay::confirmations(&main[0]), Some(3));
	});
}

#[test]
fn tip_should_move_to_a_rival_when_it_has_more_work() {
	run(|| {
		let genesis = tip().hash;
		let main = extend(genesis, 3, 1);
		let rival = extend(main[0], 3, 2);
		assert_eq!(tip().hash, rival[2]);
		let event = Event::Reorganised { from: main[2], to: rival[2], height: 4, since: 2 };
		System::assert_last_event(event.into());
		assert_eq!(best_chain(), [vec![genesis, main[0]], rival.clone()].concat());
		assert_eq!(Relay::confirmations(&main[1]), None);
		assert_eq!(Relay::confirmations(&rival[0]), Some(3));
		// And back.
		let longer = extend(main[2], 2, 3);
		assert_eq!(tip().hash, longer[1]);
		assert_eq!(best_chain(), [vec![genesis], main, longer].concat());
	});
}

#[test]
fn tip_should_move_by_work_and_not_by_height() {
	run(|| {
		let genesis = tip().hash;
		let main = extend(genesis, 4, 1);
		let rival = extend(genesis, 2, 2);
		assert_eq!(tip().hash, main[3]);
		// As if the rival's blocks had been harder to find.
		let more = U256::from(100);
		for hash in &rival {
			Headers::<Test>::mutate(hash, |header| {
				let ancestry = &mut header.as_mut().unwrap().ancestry;
				ancestry.work += more * ancestry.height;
			});
		}
		let third = mine(rival[1], 2);
		assert_ok!(submit(&[third], HEADERS_KEPT));
		assert_eq!((tip().hash, tip().height), (third.hash(), 3));
		assert_eq!(Relay::confirmations(&main[3]), None, "higher than the tip, and not on its chain");
		assert_eq!(Relay::confirmations(&rival[0]), Some(3));
		// The next one on the shorter chain takes the first place of a height that had one.
		let fourth = mine(third.hash(), 2);
		assert_ok!(submit(&[fourth], 0));
		assert_eq!(best_chain(), [vec![genesis], rival.clone(), vec![third.hash(), fourth.hash()]].concat());
		// For the invariants: what was made up.
		for hash in rival.iter().chain([&third.hash(), &fourth.hash()]) {
			Headers::<Test>::mutate(hash, |header| {
				let ancestry = &mut header.as_mut().unwrap().ancestry;
				ancestry.work -= more * ancestry.height.min(2);
			});
		}
		BestTip::<Test>::mutate(|tip| tip.as_mut().unwrap().work -= more * 2);
	});
}

#[test]
fn reorganisation_should_be_refused_when_it_is_deeper_than_is_paid_for() {
	run(|| {
		let genesis = tip().hash;
		extend(genesis, 3, 1);
		let rival = extend(genesis, 3, 2);
		let fourth = mine(rival[2], 2);
		assert_noop!(submit(&[fourth], 2).map_err(|error| error.error), Error::<Test>::ReorganisationTooDeep);
		let info = submit(&[fourth], 10).unwrap();
		let paid = <() as WeightInfo>::submit_headers(1, 3);
		assert_eq!(info.actual_weight, Some(paid), "what was not used is given back");
		assert_eq!(tip().hash, fourth.hash());
	});
}

#[test]
fn depth_should_be_one_allowance_for_the_whole_batch() {
	run(|| {
		let genesis = tip().hash;
		extend(genesis, 2, 1);
		let rival = extend(genesis, 2, 2);
		let mut batch = vec![mine(rival[1], 2)];
		for _ in 0..3 {
			let parent = *batch.last().unwrap();
			let time = parent.fields().unwrap().time + 600;
			batch.push(mine_with(parent.hash(), 2, time));
		}
		// Two blocks change places once; what follows extends the tip.
		let info = submit(&batch, 2).unwrap();
		assert_eq!(info.actual_weight, Some(<() as WeightInfo>::submit_headers(4, 2)));
	});
}

#[test]
fn fork_should_be_refused_when_it_leaves_the_best_chain_before_what_is_kept() {
	run(|| {
		let genesis = tip().hash;
		extend(genesis, 1, 1);
		let rival = extend(genesis, 3, 2);
		assert_eq!(tip().hash, rival[2]);
		let main = extend(tip().hash, HEADERS_KEPT - 1, 1);
		assert_eq!(OldestHeight::<Test>::get(), 3);
		let oldest = best_chain()[0];
		assert_eq!(oldest, rival[2]);
		// A sibling of the oldest cannot come: its parent is forgotten.
		let late = mine_with(rival[1], 9, NOW as u32);
		assert_noop!(submit(&[late], 9).map_err(|error| error.error), Error::<Test>::ParentUnknown);
		// A fork that was taken while its base was kept, and becomes the best when that is forgotten.
		let fork = extend(oldest, HEADERS_KEPT - 2, 3);
		assert_eq!(tip().hash, *main.last().unwrap());
		extend(tip().hash, 1, 1);
		assert!(OldestHeight::<Test>::get() > 3);
		let mut parent = *fork.last().unwrap();
		for _ in 0..2 {
			let header = mine(parent, 3);
			assert_ok!(submit(&[header], HEADERS_KEPT));
			parent = header.hash();
		}
		assert_noop!(
			submit(&[mine(parent, 3)], HEADERS_KEPT + 9).map_err(|error| error.error),
			Error::<Test>::ForkTooOld
		);
	});
}

#[test]
fn forks_of_a_height_should_be_bounded_and_never_keep_the_best_chain_out() {
	run(|| {
		let genesis = tip().hash;
		let main = extend(genesis, 1, 1);
		let rivals = (2..=MAX_FORKS as u8).map(|mark| extend(genesis, 1, mark)[0]).collect::<Vec<_>>();
		let one_more = mine(genesis, 9);
		assert_noop!(submit(&[one_more], 0).map_err(|error| error.error), Error::<Test>::TooManyForks);
		// Height 2 is full of rivals before the best chain gets there.
		let junk = [extend(rivals[0], 1, 5), extend(rivals[0], 1, 6), extend(rivals[0], 1, 7)].concat();
		assert_eq!(AtHeight::<Test>::get(2).to_vec(), junk);
		assert_eq!(tip().hash, junk[0]);
		// The best chain's own block of that height has no more work, and must wait for its child...
		let second = mine(main[0], 1);
		assert_noop!(submit(&[second], 2).map_err(|error| error.error), Error::<Test>::TooManyForks);
		// ...but what has more work than the tip always finds room: a rival without descendants goes.
		let third = extend(junk[1], 1, 5);
		extend(third[0], 1, 5);
		for mark in 6..8 {
			extend(junk[1], 1, mark);
		}
		assert_eq!(AtHeight::<Test>::get(3).len() as u32, MAX_FORKS);
		assert_eq!(tip().height, 4);
		let full = AtHeight::<Test>::get(3);
		assert!(full.contains(&third[0]));
	});
}

#[test]
fn rival_without_descendants_should_make_room_for_the_new_tip() {
	run(|| {
		let genesis = tip().hash;
		let main = extend(genesis, 2, 1);
		// Height 3 is filled by blocks that had no more work than the tip when they came: so the tip is lowered.
		let rivals = (2..2 + MAX_FORKS as u8).map(|mark| mine(main[1], mark)).collect::<Vec<_>>();
		for rival in &rivals {
			assert_ok!(submit(&[*rival], 0));
		}
		assert_eq!(tip().hash, rivals[0].hash());
		// Back to height 2 by work that is made up, as a harder and shorter chain would have it.
		let more = U256::from(1_000);
		Headers::<Test>::mutate(main[1], |header| header.as_mut().unwrap().ancestry.work += more);
		BestTip::<Test>::put(Tip { hash: main[1], height: 2, work: tip().work + more - 2 });
		let new = mine(main[1], 9);
		assert_ok!(submit(&[new], 0));
		assert_eq!(tip().hash, new.hash());
		let at = AtHeight::<Test>::get(3);
		assert_eq!((at.len() as u32, at[0]), (MAX_FORKS, new.hash()));
		assert!(!Headers::<Test>::contains_key(rivals[0].hash()), "one has gone for it");
		// For the invariants: what was made up.
		for hash in [main[1], new.hash()] {
			Headers::<Test>::mutate(hash, |header| header.as_mut().unwrap().ancestry.work -= more);
		}
		BestTip::<Test>::mutate(|tip| tip.as_mut().unwrap().work -= more);
	});
}
