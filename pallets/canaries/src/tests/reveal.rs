use crate::{mock::*, *};
use blyan_primitives::{
	canary::{self, LotProof},
	Hash,
};
use pallet_proof_of_learning::Phase;
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, dispatch::Pays},
	sp_core::Pair as _,
	sp_runtime::Perbill,
};

/// A canary of [`PLANTER`] in its contest phase.
fn contested() -> RoundId {
	let round = plant(PLANTER);
	measure(round, [WORSE; 5]);
	round
}

#[test]
fn canary_should_be_shown_by_anybody_for_no_fee() {
	ExtBuilder::default().with_key(|| {
		let round = contested();
		let origin = RuntimeOrigin::signed(STRANGER);
		let (key, lot) = (key_of(PLANTER), lot_of(PLANTER, 2));
		let info = Canaries::reveal(origin, round, 2, key, lot, SALT).unwrap();
		assert_eq!(info.pays_fee, Pays::No);
		assert_event(Event::CanaryRevealed { round, planter: PLANTER, trainer: TRAINER, period: 2 });
		assert!(round_of(round).canary.is_some_and(|canary| canary.planter == PLANTER));
		assert_eq!(Canaries::canary_key(key).unwrap().planted, [2]);
	});
}

#[test]
fn canary_should_not_be_shown_before_every_finding_is_known_nor_after_the_deadline() {
	ExtBuilder::default().with_key(|| {
		let round = plant(PLANTER);
		assert_noop!(reveal(round, PLANTER, 2), Error::<Test>::RoundNotRevealable);
		run_to_draw(round);
		assert_noop!(reveal(round, PLANTER, 2), Error::<Test>::RoundNotRevealable);
		measure(round, [WORSE; 5]);
		let Phase::Contest { until } = round_of(round).phase else { panic!("it is contested") };
		while System::block_number() < until {
			next_block();
		}
		assert_ok!(would_reveal(round, PLANTER, 2));
		next_block();
		assert!(!round_of(round).is_open());
		assert_noop!(reveal(round, PLANTER, 2), Error::<Test>::RoundNotRevealable);
		assert_noop!(reveal(77, PLANTER, 2), Error::<Test>::RoundNotRevealable);
	});
}

#[test]
fn canary_should_not_be_shown_where_nothing_can_be_contested() {
	ExtBuilder::default().without_reference().with_key(|| {
		let round = contested();
		assert_noop!(reveal(round, PLANTER, 2), Error::<Test>::RoundNotRevealable);
		assert!(!round_of(round).is_open(), "an ordinary submission, and settled as one");
	});
}

#[test]
fn canary_should_be_shown_once() {
	ExtBuilder::default().with_key(|| {
		let round = contested();
		assert_ok!(reveal(round, PLANTER, 2));
		assert_noop!(reveal(round, PLANTER, 2), Error::<Test>::AlreadyRevealed);
	});
}

#[test]
fn planter_should_show_one_canary_for_a_period() {
	ExtBuilder::default().with_key(|| {
		let (first, second) = (plant(PLANTER), plant(PLANTER));
		measure(first, [WORSE; 5]);
		measure(second, [WORSE; 5]);
		assert_ok!(reveal(first, PLANTER, 2));
		assert_noop!(reveal(second, PLANTER, 2), Error::<Test>::AlreadyPlanted);
		// What is not shown is an ordinary submission.
		run_to_settlement(second);
		let refused = blyan_primitives::learning::RejectReason::NoGain;
		assert_eq!(verdict(second), Some(blyan_primitives::learning::Verdict::Rejected(refused)));
		assert_eq!(audits_of(PLANTER), FEE + REWARD);
	});
}

#[test]
fn win_should_be_good_for_its_period_and_the_next_alone() {
	ExtBuilder::default().with_key(|| {
		run_to_period(4);
		let round = contested();
		assert_eq!(period(), 4);
		for (number, is_good) in [(2, false), (3, true), (4, true)] {
			let expected = if is_good { Ok(()) } else { Err(Error::<Test>::WrongPeriod.into()) };
			assert_eq!(would_reveal(round, PLANTER, number), expected, "{number}");
		}
		run_to_period(5);
		run_blocks(PERIOD - 1);
		assert_eq!(period(), 5);
		let round = contested();
		assert_eq!(period(), 6, "submitted in the last block of the period before");
		assert_noop!(reveal(round, PLANTER, 6), Error::<Test>::WrongPeriod);
		let lot = lot_of(PLANTER, 5);
		let origin = RuntimeOrigin::signed(STRANGER);
		let unknown = Canaries::reveal(origin, round, 9, key_of(PLANTER), lot, SALT);
		assert_noop!(unknown, Error::<Test>::PeriodNotFound);
	});
}

#[test]
fn lot_of_another_period_should_not_be_replayed() {
	ExtBuilder::default().with_key(|| {
		run_to_period(3);
		let round = contested();
		let show =
			|lot| Canaries::reveal(RuntimeOrigin::signed(STRANGER), round, 3, key_of(PLANTER), lot, SALT);
		assert_noop!(show(lot_of(PLANTER, 2)), Error::<Test>::LotInvalid);
		assert_noop!(show(lot_of(OTHER_PLANTER, 3)), Error::<Test>::LotInvalid);
		let nonsense = LotProof { pre_output: [0xff; 32], proof: [0xff; 64] };
		assert_noop!(show(nonsense), Error::<Test>::LotInvalid);
		assert_ok!(show(lot_of(PLANTER, 3)));
	});
}

#[test]
fn canary_should_not_be_shown_when_its_planter_was_not_drawn() {
	ExtBuilder::default().chance(Perbill::zero()).with_key(|| {
		let round = contested();
		assert_noop!(reveal(round, PLANTER, 2), Error::<Test>::NotDrawn);
	});
}

#[test]
fn key_should_not_be_drawn_in_a_period_before_it_takes_part_nor_after_it_was_replaced() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(set_key(PLANTER, 0));
		run_to_period(1);
		// It could be tried against randomness that is known.
		let round = contested();
		assert_noop!(reveal(round, PLANTER, 1), Error::<Test>::KeyNotEffective);
		run_to_settlement(round);
		assert_ok!(set_key(PLANTER, 1));
		run_to_period(3);
		let round = contested();
		assert_noop!(reveal(round, PLANTER, 3), Error::<Test>::KeyNotEffective);
		let new = pair_of(PLANTER, 1);
		let lot = canary::draw(&new, 3, &Canaries::lottery(None).unwrap().randomness).1;
		let origin = RuntimeOrigin::signed(STRANGER);
		let of_new = Canaries::reveal(origin, round, 3, new.public().0, lot, SALT);
		assert_noop!(of_new, Error::<Test>::SealMismatch);
		assert_ok!(reveal(round, PLANTER, 2));
	});
}

#[test]
fn seal_that_somebody_copied_should_open_nothing() {
	ExtBuilder::default().with_key(|| {
		let original = plant(PLANTER);
		let seal = round_of(original).seal;
		let copy = submit_sealed(|_| seal);
		measure(copy, [WORSE; 5]);
		assert_noop!(reveal(copy, PLANTER, 2), Error::<Test>::SealMismatch);
		// Nor does what any trainer puts there.
		let ordinary = submit_sealed(|_| Hash::repeat_byte(9));
		measure(ordinary, [WORSE; 5]);
		assert_noop!(reveal(ordinary, PLANTER, 2), Error::<Test>::SealMismatch);
	});
}

#[test]
fn salt_should_be_known_to_open_a_seal() {
	ExtBuilder::default().with_key(|| {
		let round = contested();
		let origin = RuntimeOrigin::signed(STRANGER);
		let guessed = Canaries::reveal(origin, round, 2, key_of(PLANTER), lot_of(PLANTER, 2), [8; 32]);
		assert_noop!(guessed, Error::<Test>::SealMismatch);
	});
}

#[test]
fn key_should_be_a_validators_when_its_canary_is_shown() {
	ExtBuilder::default().with_key(|| {
		let round = contested();
		assert_noop!(reveal(round, OTHER_PLANTER, 2), Error::<Test>::KeyNotFound);
		World::set_validator(PLANTER, false);
		assert_noop!(reveal(round, PLANTER, 2), Error::<Test>::NotValidator);
		World::set_validator(PLANTER, true);
		assert_ok!(Canaries::remove_keys(RuntimeOrigin::signed(PLANTER)));
		assert_noop!(reveal(round, PLANTER, 2), Error::<Test>::KeyNotFound);
	});
}
