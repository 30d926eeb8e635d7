//! Every invariant fails when it is broken.

use super::*;
use polkadot_sdk::{
	frame_support::{storage::with_transaction, BoundedVec},
	sp_core::{H256, U256},
	sp_runtime::{DispatchError, TransactionOutcome},
};

/// Breaks what `change` breaks, and mends it again.
fn breaks(reason: &'static str, change: impl FnOnce()) {
	run(|| {
		let genesis = tip().hash;
		extend(genesis, 3, 1);
		extend(genesis, 2, 2);
		let broken = with_transaction(|| {
			change();
			TransactionOutcome::Rollback(Ok::<_, DispatchError>(Relay::do_try_state()))
		});
		assert_eq!(broken.unwrap(), Err(reason.into()));
	});
}

#[test]
fn try_state_should_fail_when_lists_and_headers_differ() {
	breaks("a header is not listed", || {
		let header = Headers::<Test>::get(tip().hash).unwrap();
		Headers::<Test>::insert(H256::zero(), header);
	});
	breaks("a header is listed that is not here", || Headers::<Test>::remove(AtHeight::<Test>::get(1)[1]));
	breaks("a header is listed at another height", || {
		let moved = AtHeight::<Test>::take(3);
		AtHeight::<Test>::insert(4, moved);
	});
	breaks("a header is listed twice", || {
		AtHeight::<Test>::mutate(3, |hashes| hashes.try_push(hashes[0]).unwrap());
	});
	breaks("a height is kept that was to be forgotten", || OldestHeight::<Test>::put(1));
	breaks("a height has an empty list", || AtHeight::<Test>::insert(9, BoundedVec::default()));
}

#[test]
fn try_state_should_fail_when_the_best_chain_is_broken() {
	breaks("there is no tip", BestTip::<Test>::kill);
	breaks("the best chain is not in the first places", || {
		AtHeight::<Test>::mutate(1, |hashes| hashes.as_mut().swap(0, 1));
	});
	breaks("the best chain is not in the first places", || {
		BestTip::<Test>::mutate(|tip| tip.as_mut().unwrap().height = 2);
	});
	breaks("more heights are kept than are to be", || {
		extend(tip().hash, HEADERS_KEPT - 4, 1);
		// One more without forgetting.
		let header = mine(tip().hash, 1);
		let stored = Relay::check(&header, header.hash()).unwrap();
		let (height, work) = (stored.ancestry.height, stored.ancestry.work);
		Headers::<Test>::insert(header.hash(), stored);
		AtHeight::<Test>::insert(height, BoundedVec::truncate_from(vec![header.hash()]));
		BestTip::<Test>::put(Tip { hash: header.hash(), height, work });
	});
}

#[test]
fn try_state_should_fail_when_work_or_heights_do_not_add_up() {
	breaks("a header has more work than the tip", || {
		BestTip::<Test>::mutate(|tip| tip.as_mut().unwrap().work = U256::one());
	});
	breaks("the work of a header is not its parent's and its own", || {
		Headers::<Test>::mutate(AtHeight::<Test>::get(1)[1], |header| {
			header.as_mut().unwrap().ancestry.work -= U256::one();
		});
	});
	breaks("a header has no parent here and is not of the oldest", || {
		Headers::<Test>::mutate(AtHeight::<Test>::get(2)[1], |header| {
			header.as_mut().unwrap().parent = H256::zero();
		});
	});
	breaks("a header is not one above its parent", || {
		let genesis = AtHeight::<Test>::get(0)[0];
		Headers::<Test>::mutate(AtHeight::<Test>::get(2)[1], |header| {
			header.as_mut().unwrap().parent = genesis;
		});
	});
}
