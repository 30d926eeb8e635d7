//! Opening a model's training, and submissions to it.

use crate::{
	impls::admission::ProvenWork, types::*, Config, Error, Event, HoldReason, NextRoundId, OpenRoundCount,
	OpenRoundsOf, Pallet, Parameters, Pools, Rounds,
};
use alloc::vec::Vec;
use blyan_primitives::{
	dag::{Block, BlockIds, ModelId, NewBlock, NewBlocks},
	learning::Purpose,
	migration::Migration,
	submission::Envelope,
	traits::{ModelGraph, WorkerRegistry},
	worker::Role,
};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::hold::Mutate, Get},
		BoundedVec,
	},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::{ArithmeticError, DispatchError, DispatchResult},
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_open_training(
		who: T::AccountId,
		model: ModelId,
		terms: TrainingTerms,
	) -> DispatchResult {
		ensure!(T::Graph::is_owner(model, &who), Error::<T>::NotModelOwner);
		ensure!(terms.gate.is_valid_for(&terms.pool), Error::<T>::GateInvalidForPool);
		Pools::<T>::insert(model, terms);
		Self::deposit_event(Event::TrainingOpened { model });
		Ok(())
	}

	/// Says how many blocks of another submission were withdrawn to make room, if any were.
	pub(crate) fn do_submit(
		trainer: T::AccountId,
		model: ModelId,
		new_blocks: NewBlocks,
		migration: Option<Migration>,
		envelope: Envelope,
	) -> Result<Option<u32>, DispatchError> {
		ensure!(T::Workers::has_role(&trainer, Role::Trainer), Error::<T>::NotTrainer);
		let of = |block: &NewBlock| Block::from_new(model, trainer.clone(), block.clone()).id();
		let ids = new_blocks.iter().map(of).collect::<Vec<_>>();
		let work = Self::check_work(&trainer, model, &ids, &envelope)?;
		let purpose = Purpose::of(&new_blocks, migration);
		Self::open_round(trainer, model, new_blocks, purpose, envelope, work)
	}

	/// Has it measured whether the model was better before those blocks. Whoever says so needs no role: what
	/// is measured is there already.
	pub(crate) fn do_roll_back(
		who: T::AccountId,
		model: ModelId,
		blocks: BlockIds,
		envelope: Envelope,
	) -> Result<Option<u32>, DispatchError> {
		let work = Self::check_work(&who, model, &blocks, &envelope)?;
		let blocks = T::Graph::rollback(model, NextRoundId::<T>::get(), &blocks)?;
		Self::open_round(who, model, blocks, Purpose::Rollback, envelope, work)
	}

	/// Takes the bond and the blocks, and puts the submission in line.
	fn open_round(
		trainer: T::AccountId,
		model: ModelId,
		new_blocks: NewBlocks,
		purpose: Purpose,
		envelope: Envelope,
		work: ProvenWork<BlockNumberFor<T>>,
	) -> Result<Option<u32>, DispatchError> {
		ensure!(!new_blocks.is_empty(), Error::<T>::NoBlocks);
		ensure!(Pools::<T>::contains_key(model), Error::<T>::TrainingNotOpen);
		ensure!(T::Graph::model(model).is_some(), Error::<T>::ModelNotReady);
		let open_of_trainer = OpenRoundsOf::<T>::get(&trainer);
		ensure!(open_of_trainer < T::MaxOpenRoundsPerTrainer::get(), Error::<T>::TooManyOpenRoundsOfTrainer);
		let id = NextRoundId::<T>::get();
		let next = id.checked_add(1).ok_or(ArithmeticError::Overflow)?;

		let parameters = Parameters::<T>::get();
		let bytes = new_blocks.iter().fold(0u64, |sum, block| sum.saturating_add(block.bytes));
		let components = new_blocks.iter().map(|block| block.component).collect();
		let bond = parameters.bond(bytes);
		T::Currency::hold(&HoldReason::SubmissionBond.into(), &trainer, bond)
			.map_err(|_| Error::<T>::BondNotAvailable)?;
		// The graph sees to it that the blocks suit the purpose.
		let blocks = T::Graph::insert(model, id, &trainer, new_blocks, &purpose)?;

		let now = frame_system::Pallet::<T>::block_number();
		let round = Round {
			model,
			trainer: trainer.clone(),
			purpose,
			blocks: blocks.clone(),
			components: BoundedVec::truncate_from(components),
			bytes,
			seal: envelope.seal,
			bond,
			fee: parameters.measurement_fee,
			submitted_at: now,
			attempt: 0,
			attempt_since: now,
			draw_tries: 0,
			draw: None,
			committee: BoundedVec::new(),
			phase: Phase::Waiting,
			due: None,
			open_disputes: 0,
			medians: None,
			absent: BoundedVec::new(),
			replacements: 0,
		};
		Rounds::<T>::insert(id, round);
		NextRoundId::<T>::put(next);
		OpenRoundCount::<T>::mutate(|count| *count = count.saturating_add(1));
		OpenRoundsOf::<T>::insert(&trainer, open_of_trainer.saturating_add(1));
		Self::note_submission(&trainer, id, work.anchor);
		Self::deposit_event(Event::SubmissionReceived {
			round: id,
			model,
			trainer: trainer.clone(),
			blocks,
			bond,
		});
		Ok(Self::enter_line(id, &trainer, work.bits)?)
	}
}
