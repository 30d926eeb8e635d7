//! Who validates, and how sessions that are over are settled.

use crate::{mock::*, *};
use polkadot_sdk::{
	frame_support::traits::OneSessionHandler, sp_consensus_grandpa::AuthorityId, sp_core::Pair,
};
use std::collections::BTreeSet;

fn seats(set: SetNumber) -> Vec<AccountId> {
	(0..MAX_VALIDATORS).filter_map(|seat| Voters::<Test>::get(set, seat).map(|voter| voter.account)).collect()
}

#[test]
fn validators_should_have_their_seats_when_the_chain_begins() {
	run(|| {
		assert_eq!(Running::<Test>::get(), Some(RunningSession { session: 0, set: 0 }));
		assert_eq!(seats(0), FIRST);
		assert_eq!(Voters::<Test>::get(0, 1).unwrap().key, pair(2).public());
		let record = SessionRecord { set: 0, validators: 4, checkpoints: 0, next: None };
		assert_eq!(Sessions::<Test>::get(0), Some(record));
	});
}

#[test]
fn session_should_keep_the_set_when_nothing_changed() {
	run(|| {
		next_session();
		assert_eq!(Running::<Test>::get(), Some(RunningSession { session: 1, set: 0 }));
		blocks(4);
		assert_eq!(seats(0), FIRST);
		assert_eq!(Sessions::<Test>::iter_keys().collect::<Vec<_>>(), [1], "the former one is settled");
	});
}

#[test]
fn former_set_should_go_when_its_last_session_is_settled() {
	run(|| {
		change_validators(&[4, 5]);
		assert_eq!((seats(0), seats(1)), (vec![3, 4], vec![4, 5]), "two seats a block");
		assert_eq!(standing_accounts(), BTreeSet::from([3, 4, 5]));
		blocks(1);
		assert_eq!((seats(0), seats(1)), (vec![], vec![4, 5]));
		assert_eq!(standing_accounts(), BTreeSet::from([4, 5]), "those in office stay");
		assert_eq!(Standings::<Test>::get(4).unwrap().set, 1);
	});
}

#[test]
fn session_should_be_settled_only_when_its_last_checkpoint_is_closed() {
	run(|| {
		next_checkpoint();
		next_session();
		blocks(CHECKPOINT_BLOCKS - 2);
		vote(&[1]);
		assert_eq!(Settled::<Test>::get().unwrap(), Settlement { session: 0, seat: 0, sessions: 1 });
		assert!(Claimed::get().is_empty());
		// The next one opens; from the block after it on two seats a block are settled.
		blocks(2);
		assert_eq!(Settled::<Test>::get().unwrap().seat, 2);
		blocks(1);
		assert_eq!(Settled::<Test>::get().unwrap(), Settlement { session: 1, seat: 0, sessions: 0 });
		assert_eq!(claimed().keys().copied().collect::<Vec<_>>(), [1], "nobody else voted");
	});
}

#[test]
fn oldest_session_should_be_settled_at_once_when_too_many_wait() {
	run(|| {
		next_checkpoint();
		vote(&FIRST);
		// Sessions of a block, all of them while the same checkpoint is open.
		for _ in 0..KEPT_SESSIONS {
			next_session();
		}
		assert_eq!(
			Settled::<Test>::get().unwrap(),
			Settlement { session: 0, seat: 0, sessions: KEPT_SESSIONS }
		);
		assert!(Claimed::get().is_empty());
		assert!(OpenCheckpoint::<Test>::exists());
		next_session();
		assert_eq!(claimed().len(), FIRST.len(), "each was paid");
		assert!(!OpenCheckpoint::<Test>::exists(), "it takes no votes for a session that is settled");
		assert!(Settled::<Test>::get().unwrap().sessions <= KEPT_SESSIONS);
		assert!(Checkpoints::latest_checkpoint().is_some(), "the certificate stays");
	});
}

#[test]
fn session_should_be_ignored_when_it_was_told_of_before_or_has_nobody() {
	run(|| {
		let before = (Running::<Test>::get(), Settled::<Test>::get());
		tell_session(true, &[7, 8]);
		Session::set(1);
		tell_session(true, &[]);
		assert_eq!((Running::<Test>::get(), Settled::<Test>::get()), before);
		assert_eq!(Sessions::<Test>::iter().count(), 1);
	});
}

#[test]
fn sessions_should_be_settled_in_order_when_their_numbers_have_gaps() {
	run(|| {
		next_checkpoint();
		vote(&[1]);
		Session::mutate(|session| *session += 10);
		next_session();
		assert_eq!(Running::<Test>::get().unwrap().session, 11);
		blocks(2 * CHECKPOINT_BLOCKS);
		assert_eq!(Settled::<Test>::get().unwrap(), Settlement { session: 11, seat: 0, sessions: 0 });
		assert_eq!(claimed().len(), 1);
	});
}

#[test]
fn validators_beyond_the_bound_should_have_no_seat() {
	run(|| {
		let many = (1..=u64::from(MAX_VALIDATORS) + 3).collect::<Vec<_>>();
		change_validators(&many);
		assert_eq!(Sessions::<Test>::get(1).unwrap().validators, MAX_VALIDATORS);
		assert_eq!(seats(1), many[..MAX_VALIDATORS as usize]);
		// Neither is its block counted, so that nothing of it stays.
		next_block(Some(9));
		assert_eq!(Tallies::<Test>::iter().count(), 0);
	});
}

#[test]
fn authors_should_be_counted_when_they_are_in_office() {
	run(|| {
		next_block(Some(2));
		next_block(Some(2));
		next_block(Some(77));
		assert_eq!(tally(0, 2), Tally { blocks: 2, ..Default::default() });
		assert_eq!(Tallies::<Test>::iter().count(), 1);
		let before = System::block_weight().total();
		pallet_authorship_note(2);
		let counted = System::block_weight().total() - before;
		assert_eq!(counted, <() as WeightInfo>::note_author());
	});
}

fn pallet_authorship_note(author: AccountId) {
	use polkadot_sdk::pallet_authorship::EventHandler;
	Checkpoints::note_author(author);
}

#[test]
fn pallet_should_begin_with_the_next_session_when_it_joins_a_running_chain() {
	run(|| {
		let _ = Voters::<Test>::clear(u32::MAX, None);
		let _ = Standings::<Test>::clear(u32::MAX, None);
		let _ = Sessions::<Test>::clear(u32::MAX, None);
		Running::<Test>::kill();
		Settled::<Test>::kill();
		next_block(Some(1));
		blocks(CHECKPOINT_BLOCKS);
		assert_eq!(OpenCheckpoint::<Test>::get(), None);
		Session::set(500);
		next_session();
		assert_eq!(Running::<Test>::get(), Some(RunningSession { session: 501, set: 0 }));
		assert_eq!(seats(0), FIRST);
		next_checkpoint();
		vote(&FIRST);
		next_session();
		blocks(2 * CHECKPOINT_BLOCKS);
		assert_eq!(claimed().len(), 4);
	});
}

/// A handler that must be told before the other.
struct SetsId;

impl polkadot_sdk::sp_runtime::BoundToRuntimeAppPublic for SetsId {
	type Public = AuthorityId;
}

impl OneSessionHandler<AccountId> for SetsId {
	type Key = AuthorityId;

	fn on_genesis_session<'a, I>(validators: I)
	where
		I: Iterator<Item = (&'a AccountId, AuthorityId)> + 'a,
	{
		GrandpaSet::set(validators.count() as u64);
	}

	fn on_new_session<'a, I>(_: bool, validators: I, queued: I)
	where
		I: Iterator<Item = (&'a AccountId, AuthorityId)> + 'a,
	{
		assert_ne!(Running::<Test>::get().map(|running| running.session), Some(Session::get()));
		GrandpaSet::set((validators.count() * 10 + queued.count()) as u64);
	}

	fn on_disabled(_: u32) {}
}

#[test]
fn both_handlers_should_be_told_one_after_the_other() {
	run(|| {
		let keys = [1, 9].map(|who| (who, AuthorityId::from(pair(who).public())));
		let told = |count| keys[..count].iter().map(|(who, key)| (who, key.clone()));
		type Handlers = Both<SetsId, Checkpoints>;
		<Handlers as OneSessionHandler<AccountId>>::on_genesis_session(told(2));
		assert_eq!(GrandpaSet::get(), 2);
		Session::set(1);
		<Handlers as OneSessionHandler<AccountId>>::on_new_session(true, told(2), told(1));
		assert_eq!(GrandpaSet::get(), 21);
		assert_eq!(Running::<Test>::get(), Some(RunningSession { session: 1, set: 1 }));
		assert_eq!(seats(1), [1, 9]);
	});
}
