//! What accepted work claims, and for whom. Pure.

use crate::types::*;
use alloc::{collections::BTreeMap, vec::Vec};
use blyan_primitives::{
	economy::proportion,
	learning::{NanoBits, BIT_PER_BYTE},
	manifest::{DatasetId, MAX_DATASETS},
	traits::{AcceptedWork, DataShare},
	Balance,
};
use polkadot_sdk::sp_runtime::{traits::Saturating, Perbill};

/// What a gain is worth at a rate for one bit per byte; nothing if it is no gain.
pub(crate) fn worth(gain: NanoBits, rate: Balance) -> Balance {
	let gain = Balance::try_from(gain).unwrap_or_default();
	proportion(rate, gain, BIT_PER_BYTE.unsigned_abs().into())
}

/// Divides `worth` among those who did the work. Every part is rounded down, so that together they are
/// at most the four fifths that do not belong to the data.
pub(crate) fn divide<A: Ord + Clone>(work: &AcceptedWork<A>, worth: Balance) -> BTreeMap<A, Balance> {
	let mut parts = BTreeMap::<A, Balance>::new();
	let mut add = |who: &A, amount: Balance| {
		if amount > 0 {
			let part = parts.entry(who.clone()).or_default();
			*part = part.saturating_add(amount);
		}
	};

	add(&work.trainer, TRAINER_SHARE.mul_floor(worth));

	let each =
		EVALUATORS_SHARE.mul_floor(worth).checked_div(work.evaluators.len() as Balance).unwrap_or_default();
	for evaluator in &work.evaluators {
		add(evaluator, each);
	}

	let lineage = LINEAGE_SHARE.mul_floor(worth);
	let whole = LINEAGE_WEIGHT_SUM.saturating_mul(work.lineage.len() as Balance);
	for ancestors in &work.lineage {
		for (ancestor, weight) in ancestors.iter().zip(LINEAGE_WEIGHTS) {
			add(ancestor, proportion(lineage, weight, whole));
		}
	}
	parts
}

/// Divides the data's share of `worth` among the datasets, by their shares in order until those come to one; with each,
/// who is paid for it. Every part is rounded down.
pub(crate) fn divide_data<A>(worth: Balance, shares: Vec<DataShare<A>>) -> Vec<(DatasetId, A, Balance)> {
	let part = DATA_SHARE.mul_floor(worth);
	let mut left = Perbill::one();
	let divide = |DataShare { dataset, contributor, share }: DataShare<A>| {
		let share = share.min(left);
		left = left.saturating_sub(share);
		(dataset, contributor, share.mul_floor(part))
	};
	shares.into_iter().take(MAX_DATASETS as usize).map(divide).collect()
}
