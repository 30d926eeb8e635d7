//! The proof of work against spam.

use crate::{mock::*, *};
use blyan_primitives::{
	api::WorkDemand,
	dag::{Block, NewBlocks},
	submission::{is_work, work_challenge, Envelope},
	Hash,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	frame_system,
};

const BITS: u32 = 6;

/// Goes on to `block`, with a hash for each block before it.
fn run_hashed_to(block: BlockNumber) {
	while System::block_number() < block {
		let now = System::block_number();
		frame_system::BlockHash::<Test>::insert(now, hash_of(now));
		next_block();
	}
}

fn hash_of(block: BlockNumber) -> Hash {
	Hash::from_low_u64_be(block + 1)
}

/// An envelope with a proof of work for these blocks, or, if not `is_enough`, without.
fn envelope(who: AccountId, blocks: &NewBlocks, anchor: BlockNumber, bits: u32, is_enough: bool) -> Envelope {
	let ids = blocks.iter().map(|block| Block::from_new(MODEL, who, block.clone()).id()).collect::<Vec<_>>();
	let seal = Hash::repeat_byte(5);
	let challenge = work_challenge(&who, MODEL, &ids, &seal, &hash_of(anchor));
	let work = (0..).find(|work| is_work(&challenge, *work, bits) == is_enough).unwrap();
	Envelope { seal, work, anchor: anchor as u32, ..Envelope::default() }
}

fn send(who: AccountId, blocks: NewBlocks, envelope: Envelope) -> Result<(), DispatchError> {
	ProofOfLearning::submit(RuntimeOrigin::signed(who), MODEL, blocks, envelope)
		.map(drop)
		.map_err(|refused| refused.error)
}

use polkadot_sdk::sp_runtime::DispatchError;

fn chain() -> ExtBuilder {
	ExtBuilder::default().parameters(|p| p.work_bits = BITS)
}

#[test]
fn submission_should_be_taken_when_its_work_suffices() {
	chain().build_and_execute(|| {
		run_hashed_to(5);
		assert_eq!(
			ProofOfLearning::work_demand(&TRAINER),
			WorkDemand { bits: BITS, max_age: 20, after: None }
		);
		assert_ok!(send(TRAINER, blocks(1), envelope(TRAINER, &blocks(1), 4, BITS, true)));
		assert_eq!(ProofOfLearning::work_demand(&TRAINER).after, Some(4));
	});
}

#[test]
fn submission_should_be_refused_when_its_work_is_not_for_it() {
	chain().build_and_execute(|| {
		run_hashed_to(5);
		let insufficient = Error::<Test>::WorkInsufficient;
		assert_noop!(send(TRAINER, blocks(1), envelope(TRAINER, &blocks(1), 4, BITS, false)), insufficient);
		let good = envelope(TRAINER, &blocks(1), 4, BITS, true);
		// Of another account, for other blocks, under another seal: one in 64 would do by chance, and these do
		// not.
		let insufficient = || Error::<Test>::WorkInsufficient;
		assert_noop!(send(OTHER_TRAINER, blocks(1), good.clone()), insufficient());
		assert_noop!(send(TRAINER, blocks(2), good.clone()), insufficient());
		let resealed = Envelope { seal: Hash::repeat_byte(9), ..good.clone() };
		assert_noop!(send(TRAINER, blocks(1), resealed), insufficient());
		let moved = Envelope { anchor: 3, ..good.clone() };
		assert_noop!(send(TRAINER, blocks(1), moved), insufficient());
		assert_ok!(send(TRAINER, blocks(1), good));
	});
}

#[test]
fn submission_should_be_refused_when_its_work_is_of_no_known_or_of_an_old_block() {
	chain().build_and_execute(|| {
		run_hashed_to(30);
		let of = |anchor| envelope(TRAINER, &blocks(1), anchor, BITS, true);
		assert_noop!(send(TRAINER, blocks(1), of(9)), Error::<Test>::WorkTooOld);
		// The block itself has no hash yet, and neither has one to come.
		assert_noop!(send(TRAINER, blocks(1), of(30)), Error::<Test>::WorkAnchorUnknown);
		assert_noop!(send(TRAINER, blocks(1), of(31)), Error::<Test>::WorkAnchorUnknown);
		frame_system::BlockHash::<Test>::remove(12);
		assert_noop!(send(TRAINER, blocks(1), of(12)), Error::<Test>::WorkAnchorUnknown);
		assert_ok!(send(TRAINER, blocks(1), of(10)));
	});
}

#[test]
fn work_should_count_once() {
	chain().build_and_execute(|| {
		run_hashed_to(9);
		assert_ok!(send(TRAINER, blocks(1), envelope(TRAINER, &blocks(1), 7, BITS, true)));
		for anchor in [6, 7] {
			let again = envelope(TRAINER, &blocks(2), anchor, BITS, true);
			assert_noop!(send(TRAINER, blocks(2), again), Error::<Test>::WorkReused);
		}
		assert_ok!(send(TRAINER, blocks(2), envelope(TRAINER, &blocks(2), 8, BITS, true)));
		// Another account has its own.
		assert_ok!(send(OTHER_TRAINER, blocks(3), envelope(OTHER_TRAINER, &blocks(3), 7, BITS, true)));
	});
}

#[test]
fn work_should_double_with_each_rejection_and_be_forgiven_with_time() {
	chain().build_and_execute(|| {
		let bits = || ProofOfLearning::work_demand(&TRAINER).bits;
		for rejection in 0..3 {
			run_hashed_to(System::block_number() + 2);
			let (number, anchor) = (50 + rejection as u16, System::block_number() - 1);
			let demand = bits();
			assert_eq!(demand, BITS + rejection);
			let id = NextRoundId::<Test>::get();
			assert_ok!(send(
				TRAINER,
				blocks(number),
				envelope(TRAINER, &blocks(number), anchor, demand, true)
			));
			run_to_draw(id);
			find_all(id, measured(NO_GAIN));
			assert!(verdict(id).is_some());
		}
		assert_eq!((bits(), ProofOfLearning::work_demand(&OTHER_TRAINER).bits), (BITS + 3, BITS));
		run_blocks(49);
		assert_eq!(bits(), BITS + 3);
		run_blocks(1);
		assert_eq!(bits(), BITS + 2);
		run_blocks(500);
		assert_eq!(bits(), BITS);
	});
}

#[test]
fn setbacks_should_be_bounded_and_halve_the_standing_each() {
	ExtBuilder::default().build_and_execute(|| {
		submit(TRAINER);
		let full = ProofOfLearning::standing(&TRAINER).deconstruct();
		for count in 1..=MAX_SETBACKS + 3 {
			ProofOfLearning::note_setback(&TRAINER);
			let halved = full >> count.min(MAX_SETBACKS);
			assert_eq!(ProofOfLearning::standing(&TRAINER).deconstruct(), halved);
		}
		assert_eq!(TrackRecords::<Test>::get(TRAINER).unwrap().setbacks, MAX_SETBACKS);
	});
}

#[test]
fn rollback_should_need_work_for_what_it_takes_back() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		find_all(id, measured(GOOD));
		Parameters::<Test>::mutate(|p| p.work_bits = BITS);
		run_hashed_to(System::block_number() + 3);
		let (bad, anchor) = (get(id).blocks, System::block_number() - 1);
		let challenge = work_challenge(&STRANGER, MODEL, &bad, &Hash::zero(), &hash_of(anchor));
		let work = |is_enough| (0..).find(|work| is_work(&challenge, *work, BITS) == is_enough).unwrap();
		let roll_back = |work| {
			let envelope = Envelope { work, anchor: anchor as u32, ..Envelope::default() };
			ProofOfLearning::roll_back(RuntimeOrigin::signed(STRANGER), MODEL, bad.clone(), envelope)
		};
		assert_noop!(roll_back(work(false)), Error::<Test>::WorkInsufficient);
		assert_ok!(roll_back(work(true)));
		assert_noop!(roll_back(work(true)), Error::<Test>::WorkReused);
	});
}

#[test]
fn record_should_be_forgotten_with_the_newest_round() {
	ExtBuilder::default().build_and_execute(|| {
		let (first, second) = (submit_and_draw(TRAINER), submit(TRAINER));
		find_all(first, measured(NO_GAIN));
		run_to_draw(second);
		find_all(second, measured(NO_GAIN));
		assert_eq!(TrackRecords::<Test>::get(TRAINER).unwrap().newest, second);
		run_blocks(RETENTION + 50);
		assert_eq!(Rounds::<Test>::iter().count(), 0);
		assert_eq!(TrackRecords::<Test>::iter().count(), 0);
	});
}
