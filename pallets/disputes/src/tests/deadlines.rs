use crate::{mock::*, *};
use blyan_primitives::traits::ContestableRounds;
use polkadot_sdk::frame_support::{traits::Hooks, weights::Weight};

#[test]
fn deadlines_should_be_served_one_by_one_when_there_is_little_weight() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		(0..3).for_each(|seat| {
			contest(round, members[seat]);
		});
		ServiceWeight::set(one_step());
		run_blocks(4);
		let mut open = Vec::new();
		for _ in 0..4 {
			next_block();
			open.push(OpenDisputes::<Test>::get().len());
		}
		assert_eq!(open, [2, 1, 0, 0]);
	});
}

#[test]
fn hook_should_stay_within_its_weight() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		(0..3).for_each(|seat| {
			contest(round, members[seat]);
		});
		run_blocks(4);
		for limit in [Weight::zero(), <()>::serve_list(), one_step(), one_step().saturating_mul(2)] {
			ServiceWeight::set(limit);
			let now = System::block_number() + 1;
			System::set_block_number(now);
			ProofOfLearning::on_initialize(now);
			assert!(limit.all_gte(DisputesPallet::on_initialize(now)));
		}
		assert!(OpenDisputes::<Test>::get().is_empty());
	});
}

#[test]
fn round_should_be_settled_soon_after_its_last_dispute_and_not_before() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		run_blocks(CONTEST);
		let id = contest_to_referees(round, members[0], lie());
		judge(id, &[None; 5]);
		assert!(is_open(id) && round_of(round).is_open() && round_of(round).is_held());
		run_blocks(2);
		judge(id, &[Some(exact()); 5]);
		assert!(round_of(round).is_open());
		assert_eq!(ProofOfLearning::holds(round), 0);
		next_block();
		assert!(!round_of(round).is_open());
	});
}

#[test]
fn dispute_should_end_within_its_bound_when_nobody_does_anything() {
	ExtBuilder::default().build_and_execute(|| {
		let (round, members) = round_with_liar();
		let silent = contest(round, members[0]);
		let opened = contest(round, members[1]);
		open(opened, truth());
		run_blocks(longest_dispute());
		assert!(!is_open(silent) && !is_open(opened));
		assert_eq!((total(members[1]), held(CHALLENGER)), (ENDOWMENT, 0));
	});
}
