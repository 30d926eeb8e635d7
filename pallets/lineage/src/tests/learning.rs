use crate::{mock::*, *};
use blyan_primitives::api::{DataUseInfo, DatasetUtility, MAX_PAGE};
use polkadot_sdk::{
	frame_support::{dispatch::DispatchClass, weights::Weight},
	frame_system,
};
use std::collections::BTreeSet;

#[test]
fn lineage_should_be_kept_both_ways_when_submissions_are_accepted() {
	build_and_execute(|| {
		accept(5, &[(1, 30), (2, 70)]);
		accept(4, &[(2, 100)]);
		learn(9, 7, TRAINER, &uses(&[(2, 100)]), true);
		let used = |model, number, submissions, samples, first, last| DataUseInfo {
			model,
			dataset: dataset(number),
			submissions,
			samples,
			first,
			last,
		};
		let (mut page, next) = Lineage::model_lineage(MODEL, None, 10);
		page.sort_by_key(|used| used.dataset);
		// 30 and 70 per cent of 1,001, rounded down. An audit verified the fourth after the fifth.
		assert_eq!(page, [used(MODEL, 1, 1, 300, 5, 5), used(MODEL, 2, 2, 700 + 1_001, 4, 5)]);
		assert_eq!(next, None);
		let (mut page, _) = Lineage::dataset_models(dataset(2), None, 10);
		page.sort_by_key(|used| used.model);
		assert_eq!(page, [used(MODEL, 2, 2, 1_701, 4, 5), used(7, 2, 1, 1_001, 9, 9)]);
		assert!(events().contains(&Event::ModelLearned {
			submission: 4,
			model: MODEL,
			datasets: uses(&[(2, 100)])
		}));
	});
}

#[test]
fn lineage_should_stay_empty_when_a_submission_is_rejected() {
	build_and_execute(|| {
		reject(1, 1, 1);
		assert_eq!(Lineage::model_lineage(MODEL, None, 10), (vec![], None));
		assert_eq!(Lineage::dataset_models(dataset(1), None, 10), (vec![], None));
		assert_eq!(events(), []);
	});
}

#[test]
fn pages_should_come_to_everything_once_in_whatever_steps() {
	build_and_execute(|| {
		for number in 0..23 {
			accept(number, &[(number as u8, 100)]);
			learn(number, number as u32 + 100, TRAINER, &uses(&[(77, 100)]), true);
		}
		for count in [0, 1, 4, 23, 24, u32::MAX] {
			let (mut datasets, mut after) = (Vec::new(), None);
			loop {
				let (page, next) = Lineage::model_lineage(MODEL, after, count);
				assert!(page.len() as u32 <= count.clamp(1, MAX_PAGE));
				datasets.extend(page.into_iter().map(|used| used.dataset));
				let Some(next) = next else { break };
				after = Some(next);
			}
			assert_eq!(datasets.len(), 23);
			assert_eq!(datasets.into_iter().collect::<BTreeSet<_>>().len(), 23);
			let (mut models, mut after) = (Vec::new(), None);
			loop {
				let (page, next) = Lineage::dataset_models(dataset(77), after, count);
				models.extend(page.into_iter().map(|used| used.model));
				let Some(next) = next else { break };
				after = Some(next);
			}
			assert_eq!(models.len(), 23);
			assert_eq!(models.into_iter().collect::<BTreeSet<_>>(), (100..123).collect());
		}
	});
}

#[test]
fn dataset_should_be_marked_by_the_tenth_rejection_in_a_row_of_three_trainers() {
	build_and_execute(|| {
		reject(1, ROW - 1, ROW_TRAINERS);
		assert!(!utility(1).is_zero);
		learn(20, MODEL, TRAINER, &uses(&[(1, 100)]), false);
		assert!(utility(1).is_zero);
		assert_eq!(events(), [Event::DatasetMarked { dataset: dataset(1) }]);
		let expected = DatasetUtility { accepted: 0, rejected: ROW, is_zero: true, purse: 0 };
		assert_eq!(Lineage::dataset_utility(dataset(1)), Some(expected));
		// Once more is nothing new.
		learn(21, MODEL, TRAINER, &uses(&[(1, 100)]), false);
		assert_eq!((events().len(), utility(1).rejected), (1, ROW + 1));
	});
}

#[test]
fn dataset_should_not_be_marked_when_fewer_trainers_had_no_use_for_it() {
	build_and_execute(|| {
		reject(1, 3 * ROW, ROW_TRAINERS - 1);
		assert!(!utility(1).is_zero);
		// The third one is enough.
		learn(99, MODEL, TRAINER + 7, &uses(&[(1, 100)]), false);
		assert!(utility(1).is_zero);
	});
}

#[test]
fn acceptance_should_begin_the_row_anew_and_remove_the_mark() {
	build_and_execute(|| {
		reject(1, ROW - 1, ROW_TRAINERS);
		accept(20, &[(1, 100)]);
		assert_eq!((utility(1).rejected, utility(1).trainers.len(), utility(1).accepted), (0, 0, 1));
		reject(1, ROW, ROW_TRAINERS);
		assert!(utility(1).is_zero);
		accept(50, &[(1, 100)]);
		assert!(!utility(1).is_zero);
		let dataset = dataset(1);
		assert!(events().ends_with(&[
			Event::DatasetMarked { dataset },
			Event::MarkRemoved { dataset },
			Event::ModelLearned { submission: 50, model: MODEL, datasets: uses(&[(1, 100)]) },
		]));
	});
}

#[test]
fn outcome_should_say_nothing_of_a_dataset_that_was_hardly_tried() {
	build_and_execute(|| {
		for submission in 0..2 * u64::from(ROW) {
			learn(submission, MODEL, TRAINER + submission, &uses(&[(1, 96), (2, 4)]), false);
		}
		assert_eq!((utility(1).rejected, utility(2).rejected), (2 * ROW, 0));
		assert_eq!((utility(1).is_zero, utility(2).is_zero), (true, false));
		// Nor does it remove a mark; but it was learned from.
		accept(90, &[(1, 4), (2, 96)]);
		assert!(utility(1).is_zero);
		assert_eq!(Lineage::dataset_models(dataset(1), None, 9).0.len(), 1);
	});
}

#[test]
fn utility_should_be_unknown_of_what_nobody_learned_from() {
	build_and_execute(|| {
		assert_eq!(Lineage::dataset_utility(dataset(1)), None);
		accept(0, &[(2, 100)]);
		let purse = 325 * blyan_primitives::economy::BLY;
		let expected = DatasetUtility { accepted: 1, rejected: 0, is_zero: false, purse };
		assert_eq!(Lineage::dataset_utility(dataset(2)), Some(expected), "what it will be filled with");
	});
}

#[test]
fn block_should_be_charged_for_what_is_noted() {
	build_and_execute(|| {
		let weight = || *frame_system::BlockWeight::<Test>::get().get(DispatchClass::Mandatory);
		let before: Weight = weight();
		accept(0, &[(1, 40), (2, 60)]);
		assert_eq!(weight() - before, <()>::learned(2));
		draw(1, 0);
		assert_eq!(weight() - before, <()>::learned(2) + <()>::draw());
	});
}
