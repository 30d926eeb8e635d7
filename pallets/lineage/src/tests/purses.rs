use crate::{mock::*, *};
use blyan_primitives::economy::BLY;

#[test]
fn purse_should_pay_as_much_as_was_earned_until_it_is_empty() {
	build_and_execute(|| {
		assert_eq!(draw(2, 200 * BLY), 200 * BLY);
		assert_eq!(purse_of(2), Purse { start: 325 * BLY, left: 125 * BLY });
		assert_eq!(events(), [Event::PurseFilled { dataset: dataset(2), amount: 325 * BLY }]);
		assert_eq!(draw(2, 200 * BLY), 125 * BLY);
		assert_eq!(draw(2, 200 * BLY), 0);
		assert_eq!(events().len(), 1, "it is filled once");
	});
}

#[test]
fn purse_should_keep_what_its_first_score_filled_when_another_comes_later() {
	build_and_execute(|| {
		assert_eq!(draw(3, 1), 1);
		approve(3, 1_000_000);
		assert_eq!(draw(3, 500 * BLY), 100 * BLY - 1);
	});
}

#[test]
fn purse_should_pay_nothing_while_its_dataset_is_not_approved() {
	build_and_execute(|| {
		quarantine(1);
		assert_eq!(draw(1, BLY), 0);
		assert_eq!(Purses::<Test>::iter().count(), 0, "and is not filled then");
		approve(1, 1_000_000);
		assert_eq!(draw(1, BLY), BLY);
		quarantine(1);
		assert_eq!(draw(1, BLY), 0);
		assert_eq!(purse_of(1).left, 999 * BLY);
	});
}

#[test]
fn purse_should_stay_untouched_when_nothing_was_earned() {
	build_and_execute(|| {
		draw(1, 1);
		// But for the weight of the block.
		let before = (purse_of(1), LastDay::<Test>::get());
		assert_eq!(draw(1, 0), 0);
		assert_eq!((purse_of(1), LastDay::<Test>::get()), before);
	});
}

#[test]
fn purses_should_pay_no_more_in_a_day_than_the_cap_and_go_on_the_next() {
	build_and_execute(|| {
		(10..14).for_each(|number| approve(number, 1_000_000));
		System::set_block_number(DAY - 1);
		for (number, drawn) in [(10, 1_000), (11, 1_000), (12, 500), (13, 0)] {
			assert_eq!(draw(number, 5_000 * BLY), drawn * BLY);
		}
		assert_eq!((purse_of(12).left, purse_of(13).left), (500 * BLY, 1_000 * BLY), "it is not lost");
		System::set_block_number(DAY);
		assert_eq!(LastDay::<Test>::get(), DayDraws { day: 0, drawn: CAP });
		assert_eq!(draw(13, 5_000 * BLY), 1_000 * BLY);
		assert_eq!(LastDay::<Test>::get(), DayDraws { day: 1, drawn: 1_000 * BLY });
	});
}

#[test]
fn mark_should_void_a_purse_for_good_whether_it_was_filled_or_not() {
	build_and_execute(|| {
		draw(1, BLY);
		for number in [1, 2] {
			reject(number, ROW, ROW_TRAINERS);
			assert_eq!(draw(number, BLY), 0);
		}
		accept(90, &[(1, 50), (2, 50)]);
		assert_eq!((draw(1, BLY), draw(2, BLY)), (0, 0), "the mark is off, the purse stays void");
		assert_eq!((purse_of(1).start, purse_of(2).start), (1_000 * BLY, 0));
	});
}
