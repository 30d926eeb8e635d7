use crate::{mock::*, *};
use blyan_primitives::datasets::{DatasetFinding, DatasetStage};
use polkadot_sdk::frame_support::{
	assert_noop, assert_ok,
	traits::Hooks,
	weights::{Weight, WeightMeter},
};

/// A dataset of the contributor that is voted on until then.
fn until(id: DatasetId) -> u32 {
	match stage(id) {
		DatasetStage::Vote { until, .. } => until,
		stage => panic!("{stage:?}"),
	}
}

#[test]
fn what_does_not_fit_should_be_served_in_later_blocks_the_longest_waiting_first() {
	ExtBuilder::default().build_and_execute(|| {
		let ids = [in_vote(1), in_vote(2), in_vote(3)];
		let last = ids.map(until).into_iter().max().unwrap();
		ids.into_iter().for_each(|id| vote(id, 4, 0));
		ServiceWeight::set(Weight::zero());
		while System::block_number() < last + 3 {
			next_block();
		}
		assert!(ids.iter().all(|id| matches!(stage(*id), DatasetStage::Vote { .. })), "nothing is served");
		assert_noop!(try_vote(WORKER_CONTRIBUTOR, ids[0], true), Error::<Test>::NotInVotePhase);
		ServiceWeight::set(one_step());
		let mut order = Vec::new();
		for _ in 0..80 {
			next_block();
			let is_new = |id: &&DatasetId| {
				!order.contains(*id) && matches!(stage(**id), DatasetStage::Approved { .. })
			};
			let done = ids.iter().filter(is_new).copied().collect::<Vec<_>>();
			assert!(done.len() <= 1, "one step a block");
			order.extend(done);
		}
		assert_eq!(order, ids);
	});
}

#[test]
fn late_service_should_not_lengthen_the_extension() {
	ExtBuilder::default().build_and_execute(|| {
		let id = in_vote(1);
		let end = until(id);
		ServiceWeight::set(Weight::zero());
		while System::block_number() < end + 4 {
			next_block();
		}
		ServiceWeight::set(Weight::MAX);
		next_block();
		assert_eq!(until(id), end + parameters().extension_blocks);
	});
}

#[test]
fn votes_should_be_settled_as_there_is_time_when_their_dataset_is_forgotten() {
	ExtBuilder::default().build_and_execute(|| {
		let id = in_vote(1);
		vote(id, 1, 3);
		close_vote(id);
		let DatasetStage::Rejected { until, .. } = stage(id) else { panic!() };
		while System::block_number() <= until {
			next_block();
		}
		let left = || Votes::<Test>::iter().count();
		let now = System::block_number();
		let little = <()>::forget().saturating_add(<()>::settle_vote());
		for expected in [3, 2, 1, 0] {
			let used = DatasetsPallet::on_idle(now, little);
			assert!(used.all_lte(little));
			assert_eq!(left(), expected);
			check_invariants();
		}
		DatasetsPallet::on_idle(now, little);
		assert_eq!(DatasetsPallet::dataset(id), None);
	});
}

#[test]
fn hooks_should_take_no_more_than_they_say() {
	ExtBuilder::default().build_and_execute(|| {
		offer_by(CONTRIBUTOR, 1);
		for _ in 0..30 {
			let now = System::block_number() + 1;
			System::set_block_number(now);
			let mut meter = WeightMeter::with_limit(one_step());
			DatasetsPallet::serve(&mut meter);
			assert!(meter.consumed().all_lte(one_step()));
		}
	});
}

#[test]
fn audits_should_begin_only_where_there_is_a_place() {
	ExtBuilder::default().build_and_execute(|| {
		(1..=4).for_each(|number| {
			offer_by(CONTRIBUTOR, number);
		});
		run_blocks(5);
		assert_eq!((RunningAudits::<Test>::get().len(), Line::<Test>::get().len()), (2, 2));
		judge_all(cid(1), DatasetFinding::NotAsDeclared);
		run_blocks(1);
		assert_eq!((RunningAudits::<Test>::get().len(), Line::<Test>::get().len()), (2, 1));
		assert_ok!(try_offer(OTHER, offer(9)));
	});
}
