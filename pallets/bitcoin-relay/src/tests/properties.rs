//! Random trees of headers, in any order of their coming.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]
	/// The tip is the first of those with the most work, its chain is what the parents say, and nothing depends on
	/// which forks were there before.
	#[test]
	fn best_chain_should_be_that_of_the_first_with_the_most_work(
		parents in proptest::collection::vec(any::<proptest::sample::Index>(), 1..40),
	) {
		run(|| {
			let genesis = tip();
			// By hash: the parent, and how many come before.
			let mut tree = BTreeMap::from([(genesis.hash, (genesis.hash, 0u32))]);
			let mut order = vec![genesis.hash];
			let mut best = (0u32, genesis.hash);
			for (mark, pick) in parents.iter().enumerate() {
				let parent = order[pick.index(order.len())];
				let header = mine(parent, mark as u8 + 1);
				let height = tree[&parent].1 + 1;
				match submit(&[header], HEADERS_KEPT) {
					Ok(_) => {
						tree.insert(header.hash(), (parent, height));
						order.push(header.hash());
						if height > best.0 {
							best = (height, header.hash());
						}
					}
					Err(error) => {
						// Rivals beyond the bound, never the best, and what descends from the forgotten.
						let error = error.error;
						let is_known = [
							Error::<Test>::TooManyForks.into(),
							Error::<Test>::ParentUnknown.into(),
						];
						prop_assert!(is_known.contains(&error), "{error:?}");
						prop_assert!(height <= best.0 || error == Error::<Test>::ParentUnknown.into());
					}
				}
				prop_assert_eq!((tip().height, tip().hash), best);
				prop_assert!(Relay::do_try_state().is_ok());
			}
			let mut hash = best.1;
			for expected in best_chain().iter().rev() {
				prop_assert_eq!(*expected, hash);
				prop_assert_eq!(Relay::confirmations(&hash), Some(best.0 - tree[&hash].1 + 1));
				hash = tree[&hash].0;
			}
			let on_chain = best_chain();
			for hash in order.iter().filter(|hash| !on_chain.contains(hash)) {
				prop_assert_eq!(Relay::confirmations(hash), None);
			}
			Ok(())
		})?;
	}
}
