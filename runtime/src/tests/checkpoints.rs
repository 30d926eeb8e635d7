//! A vote on a checkpoint, as a validator's node brings it.

use super::chain::*;
use crate::*;
use blyan_primitives::{
	api::runtime_decl_for_checkpoints_api::CheckpointsApiV1, checkpoint::CheckpointVote, economy::BLY,
};
use frame_support::traits::{OnInitialize, OneSessionHandler};
use polkadot_sdk::pallet_authorship::EventHandler;
use sp_keyring::Ed25519Keyring;
use sp_runtime::transaction_validity::{InvalidTransaction, TransactionSource};

#[test]
fn vote_of_the_genesis_validator_should_be_free_and_certify_a_checkpoint() {
	with_preset("development", || {
		let author = Session::validators().remove(0);
		<Checkpoints as EventHandler<_, _>>::note_author(author.clone());
		assert_eq!(pallet_checkpoints::Tallies::<Runtime>::get(0, &author).blocks, 1);
		run_to(6);
		frame_system::BlockHash::<Runtime>::insert(5, Hash::repeat_byte(5));
		Checkpoints::on_initialize(6);
		let key = Ed25519Keyring::Alice;
		let open = <Runtime as CheckpointsApiV1<Block>>::open_checkpoint(vec![key.public()]).unwrap();
		assert_eq!((open.block.number, open.block.set_id, open.voters), (5, 0, 1));
		assert_eq!(open.seats, [(0, key.public())]);
		let genesis = System::block_hash(0);
		let vote = CheckpointVote { block: open.block, seat: 0 };
		let signature = key.sign(&open.block.payload(&genesis));
		let transaction = <Runtime as CheckpointsApiV1<Block>>::checkpoint_vote(vote, signature);
		let valid = |transaction: &UncheckedExtrinsic| {
			Executive::validate_transaction(TransactionSource::External, transaction.clone(), genesis)
		};
		assert!(valid(&transaction).unwrap().propagate);
		let issuance = Balances::total_issuance();
		let applied = Executive::apply_extrinsic(transaction.clone());
		assert_eq!(applied, Ok(Ok(())));
		assert_eq!(Balances::total_issuance(), issuance, "nobody pays");
		assert_eq!(valid(&transaction), Err(InvalidTransaction::Stale.into()));
		let certificate = <Runtime as CheckpointsApiV1<Block>>::latest_checkpoint().unwrap();
		assert_eq!(certificate.verify(&genesis, &[key.public()]), Ok(()));
	});
}

#[test]
fn session_of_the_genesis_validator_should_be_claimed_from_the_rewards_when_it_is_over() {
	with_preset("development", || {
		let validator = Session::validators().remove(0);
		run_to(6);
		Checkpoints::on_initialize(6);
		let key = Ed25519Keyring::Alice;
		let block = pallet_checkpoints::OpenCheckpoint::<Runtime>::get().unwrap().block;
		let signature = key.sign(&block.payload(&System::block_hash(0)));
		let vote = CheckpointVote { block, seat: 0 };
		Checkpoints::vote(frame_system::RawOrigin::Authorized.into(), vote, signature).unwrap();
		// What session tells GRANDPA and Checkpoints; BABE would have to be in the middle of a block.
		pallet_session::CurrentIndex::<Runtime>::put(1);
		let told = [(validator.clone(), sp_consensus_grandpa::AuthorityId::from(key.public()))];
		let told = || told.iter().map(|(who, key)| (who, key.clone()));
		<pallet_checkpoints::Both<Grandpa, Checkpoints> as OneSessionHandler<AccountId>>::on_new_session(
			true,
			told(),
			told(),
		);
		assert_eq!(Grandpa::current_set_id(), 1);
		assert_eq!(pallet_checkpoints::Running::<Runtime>::get().unwrap().session, 1);
		run_to(11);
		Checkpoints::on_initialize(11);
		let open = pallet_checkpoints::OpenCheckpoint::<Runtime>::get().unwrap();
		assert_eq!(open.block.set_id, 1, "GRANDPA was told first");
		assert_eq!(Rewards::owed(&validator), (0, 0), "its last checkpoint took votes until now");
		Checkpoints::on_initialize(12);
		assert!(Rewards::owed(&validator).1 > 0);
		let epoch = pallet_rewards::CurrentEpoch::<Runtime>::get().unwrap().number;
		let pot = pallet_rewards::Epochs::<Runtime>::get(epoch).unwrap().pots.validators;
		assert_eq!(pot.claimed, 2_640 * BLY, "1,000 BLY by 2, by 1.1, by 1.2");
	});
}
