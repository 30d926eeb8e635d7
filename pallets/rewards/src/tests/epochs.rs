use crate::{mock::*, pallet::*, WeightInfo};
use blyan_primitives::{
	economy::{epoch_issuance, Budget, BLY, GENESIS_SUPPLY, SUPPLY_CAP},
	SLOT_MILLISECONDS,
};
use polkadot_sdk::frame_support::{assert_ok, traits::Hooks};

#[test]
fn first_epoch_should_start_in_the_first_block() {
	build_and_execute(|| {
		let issuance = epoch_issuance(GENESIS_SUPPLY, u64::from(EPOCH_BLOCKS) * SLOT_MILLISECONDS);
		// 25,000,000 BLY a year, for 20 seconds.
		assert_eq!(issuance / BLY, 15);
		assert_eq!(events(), vec![Event::EpochStarted { epoch: 0, issuance }]);
		let record = Epochs::<Test>::get(0).unwrap();
		assert_eq!((record.started_at, record.issuance), (1, issuance));
		assert_eq!(CurrentEpoch::<Test>::get().unwrap().ends_at, 11);
		for (budget, pot) in record.pots.iter() {
			assert_eq!(pot.budget, budget.share().mul_floor(issuance));
			assert_eq!((pot.left, pot.paid, pot.claimed), (pot.budget, 0, 0));
		}
		assert!(record.pots.sum(|pot| pot.budget) <= issuance);
		assert_eq!(record.pots.get(Budget::Learning), &record.pots.learning);
	});
}

#[test]
fn epoch_should_roll_over_once_its_blocks_are_over() {
	build_and_execute(|| {
		run_to(10);
		assert_eq!(running(), 0);
		assert_eq!(Rewards::on_initialize(10), <() as WeightInfo>::epoch_continues());
		run_to(11);
		assert_eq!(running(), 1);
		run_to(21);
		assert_eq!(running(), 2);
		assert_eq!(Rewards::on_initialize(31), <() as WeightInfo>::roll_epoch());
	});
}

#[test]
fn epoch_should_be_followed_by_one_epoch_when_blocks_were_skipped() {
	build_and_execute(|| {
		System::set_block_number(500);
		Rewards::on_initialize(500);
		assert_eq!(running(), 1, "the missed time issues nothing");
		assert_eq!(Epochs::<Test>::get(1).unwrap().started_at, 500);
		assert_eq!(CurrentEpoch::<Test>::get().unwrap().ends_at, 510);
	});
}

#[test]
fn unclaimed_budget_should_never_be_minted() {
	build_and_execute(|| {
		run_to_epoch(5);
		let totals = AllTime::<Test>::get();
		assert_eq!(Balances::total_issuance(), GENESIS_SUPPLY);
		assert_eq!((totals.minted, totals.paid), (0, 0));
		assert_eq!(totals.reserved, Epochs::<Test>::get(5).unwrap().pots.sum(|pot| pot.budget));
	});
}

#[test]
fn issuance_should_leave_room_for_what_is_still_owed() {
	// Less is left below the cap than one epoch may issue.
	let room = 10 * BLY;
	ExtBuilder { supply: SUPPLY_CAP - room, ..Default::default() }.build_and_execute(|| {
		assert_eq!(Epochs::<Test>::get(0).unwrap().issuance, room);
		// All of the learning budget is claimed, and stays unpaid.
		accrue_claim(1, 1_000 * BLY);
		run_to_epoch(1);
		let learning = pot(0).budget;
		assert_eq!(learning, 3 * BLY);
		assert_eq!(
			AllTime::<Test>::get().reserved - Epochs::<Test>::get(1).unwrap().reserved(false),
			learning
		);
		assert_eq!(Epochs::<Test>::get(1).unwrap().issuance, room - learning);
		assert_ok!(claim(1, 0));
		assert_eq!(Balances::total_issuance(), SUPPLY_CAP - room + learning);
	});
}

#[test]
fn issuance_should_end_when_everything_there_may_be_is_there() {
	ExtBuilder { supply: SUPPLY_CAP, ..Default::default() }.build_and_execute(|| {
		assert_eq!(Epochs::<Test>::get(0).unwrap().issuance, 0);
		accrue_claim(1, 1_000 * BLY);
		run_to_epoch(1);
		assert_ok!(claim(1, 0));
		assert_eq!(last_event(), Event::CarriedOver { account: 1, epoch: 0, amount: 0, carried: 0 });
		assert_eq!(Balances::total_issuance(), SUPPLY_CAP);
		assert!(!Carried::<Test>::contains_key(1));
	});
}
