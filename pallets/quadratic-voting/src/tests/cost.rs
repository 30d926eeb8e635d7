//! What a call reads does not grow with the number of voters.

use crate::{mock::*, *};
use blyan_primitives::economy::BLY;
use polkadot_sdk::{frame_support::assert_ok, sp_io};
use std::collections::BTreeSet;

/// The first of those who vote and delegate in masses.
const CROWD: AccountId = 1_000;

/// A chain on which so many accounts vote in one poll of tokens, and as many delegate to [`ALICE`], who votes in it too.
fn crowded(count: u64) -> sp_io::TestExternalities {
	let everybody = [ALICE, BOB, CAROL].into_iter().chain(CROWD..CROWD + 2 * count);
	let mut ext = new_ext_with(everybody.map(|who| (who, ENDOWMENT)).collect());
	ext.execute_with(|| {
		assert_ok!(vote(ALICE, ROOT, aye(BLY)));
		for who in CROWD..CROWD + count {
			assert_ok!(vote(who, ROOT, nay(BLY)));
			assert_ok!(delegate(who + count, Topic::Root, ALICE, BLY, Conviction::None));
		}
		System::reset_events();
	});
	ext
}

/// What a call reads and writes: nodes of the trie on the ways to all that it reads, their bytes, and the keys that it
/// writes, those of the block itself left out.
fn cost_of(ext: &mut sp_io::TestExternalities, call: impl FnOnce()) -> (usize, usize, usize) {
	ext.commit_all().expect("there is no open transaction");
	let ((), proof) = ext.execute_and_prove(call);
	let nodes = proof.into_nodes().into_iter().collect::<BTreeSet<_>>();
	let of_the_block = sp_io::hashing::twox_128(b"System");
	let changes = ext.overlayed_changes().changes();
	let writes = changes.filter(|(key, _)| !key.starts_with(&of_the_block) || key.len() > 32).count();
	(nodes.len(), nodes.iter().map(Vec::len).sum(), writes)
}

fn carol_delegates() {
	assert_ok!(delegate(CAROL, Topic::Root, ALICE, BLY, Conviction::None));
}

/// Of a crowd of that size: nodes, bytes and writes of a first vote, a change of a vote, a delegation to the delegate of
/// all, and its end.
fn costs(count: u64) -> [(usize, usize, usize); 4] {
	type Step = fn();
	let steps: [(Step, Step); 4] = [
		(|| (), || vote(BOB, ROOT, aye(BLY)).expect("it is paid")),
		(|| (), || vote(ALICE, ROOT, nay(2 * BLY)).expect("it is paid")),
		(|| (), carol_delegates),
		(carol_delegates, || undelegate(CAROL, Topic::Root).expect("she delegates")),
	];
	steps.map(|(before, call)| {
		let mut ext = crowded(count);
		ext.execute_with(before);
		cost_of(&mut ext, call)
	})
}

#[test]
fn cost_of_a_vote_should_not_grow_with_voters_and_delegators() {
	let (few, many) = (costs(10), costs(1_000));
	for (few, many) in few.into_iter().zip(many) {
		assert_eq!(few.2, many.2, "writes");
		// Two levels of the trie for a hundred times the accounts, on the ways to a few records each.
		assert!(many.0 <= few.0 + 20, "{few:?} {many:?}");
		assert!(many.1 <= few.1 * 3, "{few:?} {many:?}");
	}
}

/// The table of the README. `cargo nextest run -p pallet-quadratic-voting --run-ignored only --no-capture`.
#[test]
#[ignore = "prints a table, and takes a minute"]
fn cost_sweep() {
	println!("| voters and delegators | first vote | changed vote | delegation | its end |");
	println!("| --- | --- | --- | --- | --- |");
	for count in [10, 100, 1_000, 10_000, 100_000] {
		let cells = costs(count).map(|(nodes, bytes, writes)| format!("{nodes} / {bytes} / {writes}"));
		println!("| {count} + {count} | {} |", cells.join(" | "));
	}
}
