//! Random histories against a plain model of them.

use crate::{mock::*, *};
use blyan_primitives::{
	datasets::{purse, PPM},
	economy::BLY,
	manifest::DatasetUse,
	Balance,
};
use polkadot_sdk::sp_runtime::Perbill;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
enum Step {
	Learn { model: u32, trainer: u64, parts: Vec<(u8, u32)>, accepted: bool },
	Draw { dataset: u8, earned: Balance },
	Wait { blocks: u64 },
	Approve { dataset: u8, score: u32 },
	Quarantine { dataset: u8 },
}

fn step() -> impl Strategy<Value = Step> {
	let part = (0u8..5, 1u32..1_000_000_000);
	prop_oneof![
		8 => (0u32..3, 0u64..5, prop::collection::vec(part, 1..4), prop::bool::weighted(0.1)).prop_map(
			|(model, trainer, parts, accepted)| Step::Learn { model, trainer, parts, accepted }
		),
		5 => (0u8..5, 0..900 * BLY).prop_map(|(dataset, earned)| Step::Draw { dataset, earned }),
		2 => (1u64..DAY).prop_map(|blocks| Step::Wait { blocks }),
		2 => (0u8..5, 0..=PPM).prop_map(|(dataset, score)| Step::Approve { dataset, score }),
		1 => (0u8..5).prop_map(|dataset| Step::Quarantine { dataset }),
	]
}

/// What is expected, written down as the rules say it.
#[derive(Default)]
struct Model {
	uses: BTreeMap<(u32, u8), (u32, u64)>,
	/// Of each dataset the trainers of its running row of rejections.
	rows: BTreeMap<u8, Vec<u64>>,
	marked: BTreeSet<u8>,
	purses: BTreeMap<u8, Balance>,
	/// By day.
	drawn: BTreeMap<u64, Balance>,
	scores: BTreeMap<u8, u32>,
}

impl Model {
	fn learn(&mut self, model: u32, trainer: u64, uses: &[(u8, Perbill)], samples: u64, accepted: bool) {
		for (dataset, weight) in uses {
			if accepted {
				let (submissions, learned) = self.uses.entry((model, *dataset)).or_default();
				*submissions += 1;
				*learned += (u128::from(samples) * u128::from(weight.deconstruct()) / 1_000_000_000) as u64;
			}
			if *weight < Perbill::from_percent(5) {
				continue;
			}
			let row = self.rows.entry(*dataset).or_default();
			if accepted {
				row.clear();
				self.marked.remove(dataset);
				continue;
			}
			row.push(trainer);
			if row.len() >= 10 && row.iter().collect::<BTreeSet<_>>().len() >= 3 {
				self.marked.insert(*dataset);
				self.purses.insert(*dataset, 0);
			}
		}
	}

	fn draw(&mut self, dataset: u8, earned: Balance) -> Balance {
		let Some(score) = self.scores.get(&dataset).filter(|_| earned > 0) else { return 0 };
		let left = self.purses.entry(dataset).or_insert(purse(*score));
		let today = self.drawn.entry(System::block_number() / DAY).or_default();
		let drawn = earned.min(*left).min(CAP - *today);
		*left -= drawn;
		*today += drawn;
		drawn
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(128))]

	#[test]
	fn history_should_be_as_the_rules_say(steps in prop::collection::vec(step(), 1..120)) {
		new_ext().execute_with(|| -> Result<(), TestCaseError> {
			let mut model = Model { scores: [(1, PPM), (2, PPM / 2), (3, 0)].into(), ..Model::default() };
			for (submission, step) in (0u64..).zip(steps) {
				match step {
					Step::Learn { model: of, trainer, parts, accepted } => {
						let parts = parts.into_iter().collect::<BTreeMap<_, _>>();
						let whole = parts.values().map(|part| u64::from(*part)).sum::<u64>();
						let uses = parts
							.into_iter()
							.map(|(number, part)| (number, Perbill::from_rational(u64::from(part), whole)))
							.collect::<Vec<_>>();
						model.learn(of, trainer, &uses, 1_001, accepted);
						let uses = uses
							.into_iter()
							.map(|(number, weight)| DatasetUse { dataset: dataset(number), weight })
							.collect::<Vec<_>>();
						learn(submission, of, trainer, &uses, accepted);
					}
					Step::Draw { dataset, earned } => prop_assert_eq!(draw(dataset, earned), model.draw(dataset, earned)),
					Step::Wait { blocks } => System::set_block_number(System::block_number() + blocks),
					Step::Approve { dataset, score } => {
						approve(dataset, score);
						model.scores.insert(dataset, score);
					}
					Step::Quarantine { dataset } => {
						quarantine(dataset);
						model.scores.remove(&dataset);
					}
				}
				prop_assert!(Lineage::do_try_state().is_ok(), "{:?}", Lineage::do_try_state());
			}
			let uses = ModelData::<Test>::iter().map(|(of, dataset, used)| {
				((of, dataset.digest[0]), (used.submissions, used.samples))
			});
			prop_assert_eq!(uses.collect::<BTreeMap<_, _>>(), model.uses);
			let marked = Utilities::<Test>::iter().filter(|(_, utility)| utility.is_zero);
			prop_assert_eq!(marked.map(|(dataset, _)| dataset.digest[0]).collect::<BTreeSet<_>>(), model.marked);
			let left = Purses::<Test>::iter().map(|(dataset, purse)| (dataset.digest[0], purse.left));
			prop_assert_eq!(left.collect::<BTreeMap<_, _>>(), model.purses);
			prop_assert!(model.drawn.into_values().all(|drawn| drawn <= CAP));
			Ok(())
		})?;
	}
}
