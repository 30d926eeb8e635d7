//! Checkpoints: how they open, and how votes on them are counted.

use crate::{types::*, *};
use blyan_primitives::{
	checkpoint::{threshold, CheckpointBlock, CheckpointVote},
	Hash,
};
use polkadot_sdk::{
	frame_support::{ensure, traits::Get},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_core::ed25519::Signature,
	sp_runtime::{
		traits::{One, SaturatedConversion, Saturating},
		DispatchResult,
	},
};

impl<T: Config> Pallet<T> {
	/// Opens a checkpoint if the parent of block `now` is one. Says whether it did.
	pub(crate) fn open_checkpoint(now: BlockNumberFor<T>) -> bool {
		let parent = now.saturating_sub(One::one());
		let number: u32 = parent.saturated_into();
		// The first block of all is known to everybody.
		if number == 0 || number.checked_rem(Parameters::<T>::get().checkpoint_blocks) != Some(0) {
			return false;
		}
		let Some(running) = Running::<T>::get() else { return false };
		let Some(mut record) = Sessions::<T>::get(running.session) else { return false };
		record.checkpoints = record.checkpoints.saturating_add(1);
		// What was not certified makes room, and the newest certificate never does.
		let slot = NewestCertificate::<T>::get().map_or(0, |newest| {
			newest.saturating_add(1).checked_rem(T::KeptCheckpoints::get()).unwrap_or_default()
		});
		let hash = frame_system::Pallet::<T>::block_hash(parent);
		let block = CheckpointBlock { number, hash, set_id: T::SetId::get() };
		Sessions::<T>::insert(running.session, record);
		Certificates::<T>::remove(slot);
		OpenCheckpoint::<T>::put(Checkpoint {
			block,
			session: running.session,
			set: running.set,
			voters: record.validators,
			votes: 0,
			is_certified: false,
			slot,
		});
		Self::deposit_event(Event::CheckpointOpened { block, voters: record.validators });
		true
	}

	/// The checkpoint and the voter of a vote that may be counted, whatever block it is for. Says nothing of the signature.
	pub(crate) fn check_vote(vote: &CheckpointVote) -> Result<(Checkpoint, Voter<T::AccountId>), Error<T>> {
		let open = OpenCheckpoint::<T>::get().ok_or(Error::<T>::NoCheckpointOpen)?;
		ensure!(vote.block.number >= open.block.number, Error::<T>::CheckpointClosed);
		ensure!(vote.block.number <= open.block.number, Error::<T>::CheckpointNotOpen);
		ensure!(vote.block.set_id == open.block.set_id, Error::<T>::SetMismatch);
		let voter = Voters::<T>::get(open.set, vote.seat).ok_or(Error::<T>::SeatNotFound)?;
		let has_voted =
			Votes::<T>::get(open.slot, vote.seat).is_some_and(|former| former.number == open.block.number);
		ensure!(!has_voted, Error::<T>::VotedAlready);
		Ok((open, voter))
	}

	/// Counts a vote whose signature was checked when it was authorized.
	pub(crate) fn do_vote(vote: CheckpointVote, signature: Signature) -> DispatchResult {
		let (mut open, voter) = Self::check_vote(&vote)?;
		let is_right = vote.block.hash == open.block.hash;
		let number = open.block.number;
		Votes::<T>::insert(open.slot, vote.seat, StoredVote { number, key: voter.key, signature, is_right });
		let now: u32 = frame_system::Pallet::<T>::block_number().saturated_into();
		let is_quick = now.saturating_sub(number) <= Parameters::<T>::get().quick_blocks;
		Tallies::<T>::mutate(open.session, &voter.account, |tally| {
			tally.votes = tally.votes.saturating_add(is_right.into());
			tally.quick = tally.quick.saturating_add((is_right && is_quick).into());
			tally.wrong = tally.wrong.saturating_add((!is_right).into());
		});
		if !is_right {
			Self::keep_evidence(vote, voter, signature);
			return Ok(());
		}
		open.votes = open.votes.saturating_add(1);
		if !open.is_certified && open.votes >= threshold(open.voters) {
			open.is_certified = true;
			Certificates::<T>::insert(open.slot, Certified { block: open.block, voters: open.voters });
			NewestCertificate::<T>::put(open.slot);
			Self::deposit_event(Event::CheckpointCertified { block: open.block, voters: open.voters });
		}
		OpenCheckpoint::<T>::put(open);
		Ok(())
	}

	/// Keeps a wrong vote, in place of the oldest that is kept if there are as many as may be.
	fn keep_evidence(vote: CheckpointVote, voter: Voter<T::AccountId>, signature: Signature) {
		let evidence = EvidenceCount::<T>::get();
		if let Some(oldest) = evidence.checked_sub(T::MaxEvidence::get().into()) {
			Evidence::<T>::remove(oldest);
		}
		let validator = voter.account.clone();
		Evidence::<T>::insert(
			evidence,
			WrongVote { validator: voter.account, key: voter.key, vote, signature },
		);
		EvidenceCount::<T>::put(evidence.saturating_add(1));
		Self::deposit_event(Event::WrongVoteKept { validator, vote, evidence });
	}

	/// The hash of the first block of all, which system keeps.
	pub(crate) fn genesis_hash() -> Hash {
		frame_system::Pallet::<T>::block_hash(BlockNumberFor::<T>::default())
	}
}
