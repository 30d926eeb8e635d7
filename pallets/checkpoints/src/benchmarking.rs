//! Benchmarks: a set as large as may be, each step on its most expensive path.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

use crate::*;
use alloc::vec::Vec;
use blyan_primitives::checkpoint::{threshold, CheckpointBlock, CheckpointVote};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{
		dispatch::RawOrigin,
		traits::{Authorize, Get},
	},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	pallet_authorship::EventHandler,
	sp_application_crypto::RuntimeAppPublic,
	sp_consensus_grandpa::AuthorityId,
	sp_core::ed25519::Signature,
	sp_runtime::transaction_validity::TransactionSource,
};

/// The session that runs in all of them.
const SESSION: SessionIndex = 1;
/// The set of that session, and of the one before.
const SET: SetNumber = 0;

/// A chain whose session has as many validators as may be, all of them with the same key, and nothing settled of a
/// session before.
fn start<T: Config>() -> (Vec<T::AccountId>, AuthorityId) {
	let _ = Voters::<T>::clear(u32::MAX, None);
	let _ = Standings::<T>::clear(u32::MAX, None);
	let _ = Sessions::<T>::clear(u32::MAX, None);
	let _ = Tallies::<T>::clear(u32::MAX, None);
	OpenCheckpoint::<T>::kill();
	let key = AuthorityId::generate_pair(None);
	let count = T::MaxValidators::get();
	let accounts = (0..count).map(|seat| account("validator", seat, 0)).collect::<Vec<T::AccountId>>();
	for (seat, account) in accounts.iter().enumerate() {
		Voters::<T>::insert(SET, seat as u32, Voter { account: account.clone(), key: key.clone().into() });
		Standings::<T>::insert(account, Standing { set: SET, known: 24, active: 1, absent: 0 });
	}
	let record = SessionRecord { set: SET, validators: count, checkpoints: 1, next: None };
	let next = Some(NextSession { session: SESSION, has_other_set: false });
	Sessions::<T>::insert(SESSION - 1, SessionRecord { next, ..record });
	Sessions::<T>::insert(SESSION, record);
	Running::<T>::put(RunningSession { session: SESSION, set: SET });
	Settled::<T>::put(Settlement { session: SESSION - 1, seat: 0, sessions: 1 });
	(accounts, key)
}

/// A checkpoint that one vote is missing for, and that vote for its own block or another.
fn missing_vote<T: Config>(key: &AuthorityId, is_right: bool) -> (CheckpointVote, Signature) {
	let voters = T::MaxValidators::get();
	let mut block = CheckpointBlock { number: 150, hash: Default::default(), set_id: 7 };
	OpenCheckpoint::<T>::put(Checkpoint {
		block,
		session: SESSION,
		set: SET,
		voters,
		votes: threshold(voters) - 1,
		is_certified: false,
		slot: 0,
	});
	if !is_right {
		block.hash.0[0] = 1;
	}
	let signature = key.sign(&block.payload(&Pallet::<T>::genesis_hash())).unwrap();
	(CheckpointVote { block, seat: voters - 1 }, signature.into_inner())
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn vote() {
		let (_, key) = start::<T>();
		let (cast, signature) = missing_vote::<T>(&key, true);

		#[extrinsic_call]
		_(RawOrigin::Authorized, cast, signature);

		assert_eq!(NewestCertificate::<T>::get(), Some(0));
	}

	#[benchmark]
	fn authorize_vote() {
		let (_, key) = start::<T>();
		let (cast, signature) = missing_vote::<T>(&key, false);
		let call = Call::<T>::vote { vote: cast, signature };

		#[block]
		{
			call.authorize(TransactionSource::External).unwrap().unwrap();
		}
	}

	#[benchmark]
	fn force_set_parameters() {
		let parameters = CheckpointParameters { quick_blocks: 1, ..Default::default() };

		#[extrinsic_call]
		_(RawOrigin::Root, parameters);

		assert_eq!(Parameters::<T>::get(), parameters);
	}

	#[benchmark]
	fn note_author() {
		let (accounts, _) = start::<T>();
		let author = accounts[0].clone();

		#[block]
		{
			<Pallet<T> as EventHandler<T::AccountId, BlockNumberFor<T>>>::note_author(author.clone());
		}

		assert_eq!(Tallies::<T>::get(SESSION, author).blocks, 1);
	}

	#[benchmark]
	fn open_checkpoint() {
		start::<T>();
		let now = BlockNumberFor::<T>::from(Parameters::<T>::get().checkpoint_blocks + 1);
		frame_system::Pallet::<T>::set_block_number(now);

		#[block]
		{
			Pallet::<T>::open_checkpoint(now);
		}

		assert!(OpenCheckpoint::<T>::exists());
	}

	/// `n` seats whose validators voted, of a set that goes.
	#[benchmark]
	fn settle(n: Linear<0, 16>) {
		let (accounts, _) = start::<T>();
		let n = n.min(accounts.len() as u32);
		Sessions::<T>::mutate(SESSION - 1, |record| {
			let next = Some(NextSession { session: SESSION, has_other_set: true });
			record.as_mut().unwrap().next = next;
		});
		for account in &accounts {
			let tally = Tally { votes: 1, quick: 1, wrong: 0, blocks: 1 };
			Tallies::<T>::insert(SESSION - 1, account, tally);
		}

		#[block]
		{
			Pallet::<T>::settle(n);
		}

		assert_eq!(Tallies::<T>::iter().count() as u32, accounts.len() as u32 - n);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_ext_with_keystore(), crate::mock::Test);
}
