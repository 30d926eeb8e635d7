use crate::{mock::*, *};

#[test]
fn period_should_begin_when_the_one_before_it_is_over() {
	ExtBuilder::default().build_and_execute(|| {
		let first = Canaries::lottery(None).unwrap();
		assert_eq!((first.number, first.started_at, first.blocks), (0, 1, 10));
		run_blocks(9);
		assert_eq!(period(), 0);
		next_block();
		let second = Canaries::lottery(None).unwrap();
		assert_eq!((second.number, second.started_at), (1, 11));
		assert_ne!(first.randomness, second.randomness);
		assert_event(Event::PeriodStarted { period: 1, randomness: second.randomness });
		assert_eq!(Canaries::lottery(Some(0)), Some(first));
	});
}

#[test]
fn periods_should_be_forgotten_when_there_are_too_many() {
	ExtBuilder::default().build_and_execute(|| {
		run_to_period(MAX_PERIODS - 1);
		assert_eq!((OldestPeriod::<Test>::get(), Periods::<Test>::iter().count()), (0, 6));
		run_to_period(MAX_PERIODS + 3);
		assert_eq!((OldestPeriod::<Test>::get(), Periods::<Test>::iter().count()), (4, 6));
		assert_eq!(Canaries::lottery(Some(3)), None);
	});
}

#[test]
fn period_should_wait_for_randomness_that_is_younger_than_the_one_before_it() {
	ExtBuilder::default().build_and_execute(|| {
		World::set_randomness_age(None);
		run_blocks(12);
		assert_eq!(period(), 0);
		// Known since before the running period began: a key set then might have been made for it.
		World::set_randomness_age(Some(20));
		run_blocks(5);
		assert_eq!(period(), 0);
		World::set_randomness_age(Some(1));
		next_block();
		assert_eq!((period(), Canaries::lottery(None).unwrap().started_at), (1, 19));
	});
}

#[test]
fn key_should_never_take_part_in_a_period_whose_randomness_was_known_when_it_was_set() {
	for at in 0..2 * PERIOD {
		ExtBuilder::default().build_and_execute(|| {
			run_blocks(at);
			let set_at = System::block_number();
			let since = Canaries::next_effective_period();
			run_to_period(since);
			// The mock's randomness is that of the block before the one in which the period began.
			let known_since = System::block_number() - 1;
			assert!(known_since > set_at, "set in {set_at}, drawn from what {known_since} knew");
		});
	}
}
