//! What nodes that join can check.

use crate::{mock::*, *};
use blyan_primitives::checkpoint::{CertificateError, OpenCheckpointInfo};
use polkadot_sdk::sp_core::{ed25519::Public, Pair};

fn keys(of: &[AccountId]) -> Vec<Public> {
	of.iter().map(|who| pair(*who).public()).collect()
}

#[test]
fn checkpoint_should_open_after_each_block_that_is_one() {
	run(|| {
		blocks(CHECKPOINT_BLOCKS - 1);
		assert_eq!(System::block_number(), 5);
		assert_eq!(
			OpenCheckpoint::<Test>::get(),
			None,
			"nothing to vote on before the fifth block has a hash"
		);
		next_block(None);
		let block = open().block;
		assert_eq!((block.number, block.hash, block.set_id), (5, hash_of(5), 0));
		assert_eq!(events(), [Event::CheckpointOpened { block, voters: 4 }]);
		assert_eq!(Sessions::<Test>::get(0).unwrap().checkpoints, 1);
		assert_eq!(next_checkpoint().number, 10);
	});
}

#[test]
fn checkpoint_should_be_certified_when_more_than_two_thirds_signed_it() {
	run(|| {
		let block = next_checkpoint();
		vote(&[1, 2]);
		assert_eq!(Checkpoints::latest_checkpoint(), None);
		bring(4, wrong_vote_of(4));
		assert_eq!(Checkpoints::latest_checkpoint(), None, "a vote for another block is none for this");
		vote(&[3]);
		assert_eq!(events().last(), Some(&Event::CheckpointCertified { block, voters: 4 }));
		let certificate = Checkpoints::latest_checkpoint().unwrap();
		assert_eq!((certificate.block, certificate.voters), (block, 4));
		assert_eq!(certificate.signatures.len(), 3);
		assert_eq!(certificate.verify(&hash_of(0), &keys(&FIRST)), Ok(()));
		assert_eq!(certificate.verify(&hash_of(0), &keys(&[1, 2, 5, 6])), Err(CertificateError::NotOfTheSet));
		assert_eq!(
			events().iter().filter(|event| matches!(event, Event::CheckpointCertified { .. })).count(),
			1
		);
	});
}

#[test]
fn certificate_should_have_the_votes_that_came_after_it_was_enough() {
	run(|| {
		next_checkpoint();
		vote(&FIRST);
		let certificate = Checkpoints::latest_checkpoint().unwrap();
		assert_eq!(certificate.signatures.iter().map(|(key, _)| *key).collect::<Vec<_>>(), keys(&FIRST));
		let certified = |event: &&Event<Test>| matches!(event, Event::CheckpointCertified { .. });
		assert_eq!(events().iter().filter(certified).count(), 1, "it is told once");
	});
}

#[test]
fn newest_certificate_should_stay_when_later_checkpoints_get_none() {
	run(|| {
		let block = next_checkpoint();
		vote(&FIRST);
		for _ in 0..KEPT_CHECKPOINTS + 2 {
			next_checkpoint();
			vote(&[1, 2]);
		}
		let certificate = Checkpoints::latest_checkpoint().unwrap();
		assert_eq!(certificate.block, block);
		assert_eq!(certificate.verify(&hash_of(0), &keys(&FIRST)), Ok(()));
	});
}

#[test]
fn certificates_should_be_kept_in_as_many_slots_as_there_are() {
	run(|| {
		let numbers = (0..KEPT_CHECKPOINTS + 2)
			.map(|_| {
				let block = next_checkpoint();
				vote(&[2, 3, 4]);
				block.number
			})
			.collect::<Vec<_>>();
		let (gone, kept) = numbers.split_at(2);
		assert!(gone.iter().all(|number| Checkpoints::checkpoint(*number).is_none()));
		for number in kept {
			let certificate = Checkpoints::checkpoint(*number).unwrap();
			assert_eq!(certificate.block.number, *number);
			assert_eq!(certificate.verify(&hash_of(0), &keys(&FIRST)), Ok(()));
		}
		assert_eq!(Checkpoints::latest_checkpoint(), Checkpoints::checkpoint(*numbers.last().unwrap()));
		assert_eq!(Votes::<Test>::iter().count() as u32, KEPT_CHECKPOINTS * 3, "nothing piles up");
	});
}

#[test]
fn certificate_should_be_of_the_set_in_office_when_it_opened() {
	run(|| {
		next_checkpoint();
		change_validators(&[2, 5]);
		next_checkpoint();
		// Of the four seats of before, those beyond the new set are left in other slots, and count for nothing.
		vote(&[2, 5]);
		let certificate = Checkpoints::latest_checkpoint().unwrap();
		assert_eq!((certificate.block.set_id, certificate.voters), (1, 2));
		assert_eq!(certificate.verify(&hash_of(0), &keys(&[2, 5])), Ok(()));
	});
}

#[test]
fn keys_should_be_asked_to_vote_until_they_have() {
	run(|| {
		assert_eq!(Checkpoints::open_checkpoint_for(keys(&FIRST)), None);
		let block = next_checkpoint();
		vote(&[1]);
		let asked = Checkpoints::open_checkpoint_for(keys(&[3, 9, 1])).unwrap();
		let seats = vec![(2, pair(3).public())];
		assert_eq!(asked, OpenCheckpointInfo { block, voters: 4, votes: 1, seats });
	});
}
