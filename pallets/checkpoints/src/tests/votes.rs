//! Which votes are taken, and what they count.

use crate::{mock::*, *};
use blyan_primitives::Hash;
use polkadot_sdk::{
	frame_support::{
		assert_noop,
		dispatch::{DispatchClass, GetDispatchInfo},
		pallet_prelude::{InvalidTransaction, TransactionValidityError},
	},
	frame_system::RawOrigin,
	sp_core::{ed25519::Signature, Pair},
	sp_runtime::DispatchError,
};

type Validity = Result<(), TransactionValidityError>;

fn refused(reason: InvalidTransaction) -> Validity {
	Err(reason.into())
}

/// What the pool says of the validator's vote, signed as it should be.
fn offered(who: AccountId, vote: blyan_primitives::checkpoint::CheckpointVote) -> Validity {
	authorize(vote, sign(who, &vote)).map(|_| ())
}

fn dispatched(vote: blyan_primitives::checkpoint::CheckpointVote) -> Result<(), DispatchError> {
	Checkpoints::vote(RawOrigin::Authorized.into(), vote, Signature::default())
}

#[test]
fn vote_should_be_counted_once_and_cost_nothing() {
	run(|| {
		next_checkpoint();
		let valid = bring(1, vote_of(1));
		assert!(valid.propagate && valid.priority > 0);
		assert_eq!(valid.longevity, u64::from(CHECKPOINT_BLOCKS));
		assert_eq!(valid.provides.len(), 1);
		assert_eq!(tally(0, 1), Tally { votes: 1, quick: 1, wrong: 0, blocks: 0 });
		assert_eq!(open().votes, 1);
		assert_eq!(offered(1, vote_of(1)), refused(InvalidTransaction::Stale));
		assert_noop!(dispatched(vote_of(1)), Error::<Test>::VotedAlready);
		let call = Call::<Test>::vote { vote: vote_of(2), signature: Signature::default() };
		assert_eq!(call.get_dispatch_info().class, DispatchClass::Operational);
	});
}

#[test]
fn vote_should_not_be_taken_from_an_account() {
	run(|| {
		next_checkpoint();
		let vote = vote_of(1);
		let signature = sign(1, &vote);
		let signed = Checkpoints::vote(RuntimeOrigin::signed(1), vote, signature);
		assert_noop!(signed, DispatchError::BadOrigin);
		assert_noop!(Checkpoints::vote(RuntimeOrigin::none(), vote, signature), DispatchError::BadOrigin);
	});
}

#[test]
fn vote_should_provide_the_same_whatever_it_is_for() {
	// Of two votes of a validator on a checkpoint the pool keeps one.
	run(|| {
		next_checkpoint();
		let tags = |vote| authorize(vote, sign(1, &vote)).unwrap().provides;
		assert_eq!(tags(vote_of(1)), tags(wrong_vote_of(1)));
	});
}

#[test]
fn vote_should_be_refused_when_the_checkpoint_takes_none() {
	run(|| {
		let vote = blyan_primitives::checkpoint::CheckpointVote {
			block: blyan_primitives::checkpoint::CheckpointBlock { number: 5, hash: hash_of(5), set_id: 0 },
			seat: 0,
		};
		assert_eq!(offered(1, vote), refused(InvalidTransaction::Future));
		assert_noop!(dispatched(vote), Error::<Test>::NoCheckpointOpen);
		next_checkpoint();
		let former = vote_of(1);
		assert_eq!(former, vote);
		let mut early = former;
		early.block.number += CHECKPOINT_BLOCKS;
		assert_eq!(offered(1, early), refused(InvalidTransaction::Future));
		assert_noop!(dispatched(early), Error::<Test>::CheckpointNotOpen);
		next_checkpoint();
		assert_eq!(offered(1, former), refused(InvalidTransaction::Stale));
		assert_noop!(dispatched(former), Error::<Test>::CheckpointClosed);
	});
}

#[test]
fn vote_should_be_refused_when_it_is_of_another_set_or_seat() {
	run(|| {
		next_checkpoint();
		let mut other_set = vote_of(1);
		other_set.block.set_id += 1;
		assert_eq!(offered(1, other_set), refused(InvalidTransaction::BadProof));
		assert_noop!(dispatched(other_set), Error::<Test>::SetMismatch);
		let mut no_seat = vote_of(1);
		no_seat.seat = FIRST.len() as u32;
		assert_eq!(offered(1, no_seat), refused(InvalidTransaction::BadProof));
		assert_noop!(dispatched(no_seat), Error::<Test>::SeatNotFound);
	});
}

#[test]
fn vote_should_be_refused_when_it_is_not_signed_by_the_seat_for_this_chain() {
	run(|| {
		next_checkpoint();
		let vote = vote_of(1);
		let of = |signature| authorize(vote, signature).map(|_| ());
		assert_eq!(of(sign(2, &vote)), refused(InvalidTransaction::BadProof));
		let elsewhere = pair(1).sign(&vote.block.payload(&Hash::repeat_byte(3)));
		assert_eq!(of(elsewhere), refused(InvalidTransaction::BadProof));
		let mut of_former = vote;
		of_former.block.number -= 1;
		assert_eq!(of(sign(1, &of_former)), refused(InvalidTransaction::BadProof));
		assert_eq!(of(sign(1, &vote)), Ok(()));
	});
}

#[test]
fn vote_should_be_quick_when_it_comes_soon_after_its_block() {
	run(|| {
		next_checkpoint();
		// The block after the one that is voted on, the last that is quick, and one too late.
		vote(&[1]);
		blocks(QUICK_BLOCKS - 1);
		vote(&[2]);
		next_block(None);
		vote(&[3]);
		assert_eq!([1, 2, 3, 4].map(|who| tally(0, who).quick), [1, 1, 0, 0]);
		assert_eq!([1, 2, 3, 4].map(|who| tally(0, who).votes), [1, 1, 1, 0]);
	});
}

#[test]
fn wrong_vote_should_be_counted_apart_and_kept_as_evidence() {
	run(|| {
		next_checkpoint();
		let wrong = wrong_vote_of(2);
		bring(2, wrong);
		assert_eq!(tally(0, 2), Tally { votes: 0, quick: 0, wrong: 1, blocks: 0 });
		assert_eq!(open().votes, 0, "nothing for the chain's own block");
		assert_eq!(events().last(), Some(&Event::WrongVoteKept { validator: 2, vote: wrong, evidence: 0 }));
		let kept = Evidence::<Test>::get(0).unwrap();
		assert_eq!((kept.validator, kept.key, kept.vote), (2, pair(2).public(), wrong));
		assert_eq!(kept.signature, sign(2, &wrong));
		assert_eq!(offered(2, vote_of(2)), refused(InvalidTransaction::Stale), "the first vote counts");
	});
}

#[test]
fn oldest_evidence_should_go_when_there_is_more_than_is_kept() {
	run(|| {
		for _ in 0..=MAX_EVIDENCE {
			next_checkpoint();
			bring(1, wrong_vote_of(1));
		}
		assert_eq!(EvidenceCount::<Test>::get(), u64::from(MAX_EVIDENCE) + 1);
		let mut numbers = Evidence::<Test>::iter_keys().collect::<Vec<_>>();
		numbers.sort_unstable();
		assert_eq!(numbers, (1..=u64::from(MAX_EVIDENCE)).collect::<Vec<_>>());
	});
}

#[test]
fn former_validators_should_vote_when_their_session_ended_while_the_checkpoint_was_open() {
	run(|| {
		next_checkpoint();
		change_validators(&[3, 4, 5]);
		vote(&[1, 2, 3]);
		assert_eq!(tally(0, 1).votes + tally(0, 2).votes + tally(0, 3).votes, 3);
		assert_eq!(tally(1, 3), Tally::default(), "it counts for the session in which it opened");
		assert!(open().is_certified);
		let block = next_checkpoint();
		assert_eq!(block.set_id, 1);
		vote(&[5]);
		assert_eq!(tally(1, 5).votes, 1);
	});
}
