//! Models and their first weights.

use crate::{
	types::*, BlockCount, Blocks, Config, Error, Event, Heads, HoldReason, Models, NextModelId, Pallet,
};
use alloc::{collections::BTreeSet, vec::Vec};
use blyan_primitives::{
	architecture::Architecture,
	dag::{Block, BlockIds, BlockKind, ModelId, NewBlock, NewBlocks, SemVer, MAX_BLOCKS},
	delta::DeltaChain,
};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::MutateHold, EnsureOrigin, Get},
	},
	frame_system::{ensure_signed, pallet_prelude::OriginFor},
	sp_runtime::{
		traits::{BadOrigin, Saturating, Zero},
		ArithmeticError, DispatchError, DispatchResult,
	},
};

impl<T: Config> Pallet<T> {
	/// Whom an origin acts for as the owner of models.
	pub(crate) fn ensure_owner(origin: OriginFor<T>) -> Result<ModelOwner<T::AccountId>, BadOrigin> {
		match T::GovernanceOrigin::try_origin(origin) {
			Ok(_) => Ok(ModelOwner::Governance),
			Err(origin) => ensure_signed(origin).map(ModelOwner::Account),
		}
	}

	/// The account that an owner acts by.
	pub(crate) fn account_of(owner: &ModelOwner<T::AccountId>) -> T::AccountId {
		match owner {
			ModelOwner::Account(account) => account.clone(),
			ModelOwner::Governance => T::GovernanceAccount::get(),
		}
	}

	/// Checks and registers a model, and holds its deposit.
	pub(crate) fn do_register_model(
		owner: ModelOwner<T::AccountId>,
		name: NameOf<T>,
		architecture: Architecture,
	) -> Result<ModelId, DispatchError> {
		Self::ensure_name(&name)?;
		architecture.validate().map_err(Error::<T>::from)?;
		let id = NextModelId::<T>::get();
		let next = id.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		let deposit = match &owner {
			ModelOwner::Account(account) => {
				let deposit = Self::deposit_for(&architecture);
				T::Currency::hold(&HoldReason::ModelDeposit.into(), account, deposit)?;
				deposit
			}
			ModelOwner::Governance => Zero::zero(),
		};
		let model = Model {
			owner: owner.clone(),
			name,
			architecture,
			version: SemVer::GENESIS,
			generation: 0,
			root: None,
			heads_set: 0,
			deposit,
			fits_since: FitsSince::default(),
		};
		Models::<T>::insert(id, model);
		NextModelId::<T>::put(next);
		let components = architecture.component_count();
		Self::deposit_event(Event::ModelRegistered { model: id, owner, components, deposit });
		Ok(id)
	}

	/// What is held for a model of that architecture.
	pub(crate) fn deposit_for(architecture: &Architecture) -> BalanceOf<T> {
		let components = BalanceOf::<T>::from(architecture.component_count());
		T::ModelDeposit::get().saturating_add(T::ComponentDeposit::get().saturating_mul(components))
	}

	/// Checks and adds genesis blocks, and releases the model when they are complete.
	pub(crate) fn do_add_genesis_blocks(
		owner: ModelOwner<T::AccountId>,
		id: ModelId,
		blocks: NewBlocks,
	) -> DispatchResult {
		let mut model = Models::<T>::get(id).ok_or(Error::<T>::ModelNotFound)?;
		ensure!(model.owner == owner, Error::<T>::NotOwner);
		ensure!(!blocks.is_empty(), Error::<T>::BlocksMissing);
		let trainer = Self::account_of(&owner);

		let mut components = BTreeSet::new();
		let mut heads = Vec::with_capacity(MAX_BLOCKS as usize);
		let mut records = Vec::with_capacity(MAX_BLOCKS as usize);
		let mut ids = BlockIds::new();
		for new in blocks {
			ensure!(new.kind == BlockKind::Genesis, Error::<T>::UnsupportedKind);
			let index = Self::ensure_new_block(&model.architecture, &new)?;
			ensure!(components.insert(index), Error::<T>::DuplicateComponent);
			ensure!(new.parents.is_empty(), Error::<T>::GenesisWithParents);
			// Without a head there is no block of this component at all: the first one is its head.
			ensure!(!Heads::<T>::contains_key(id, index), Error::<T>::HeadExists);
			let deltas = DeltaChain::whole(new.bytes);
			let block = Block::from_new(id, trainer.clone(), new);
			let block_id = block.id();
			ids.try_push(block_id).map_err(|_| Error::<T>::TooManyBlocks)?;
			heads.push((index, Some(block_id)));
			let acceptance = Acceptance { since: 0, previous: None, skip: None };
			let status = BlockStatus::Accepted(acceptance);
			let record = BlockRecord { block, submission: None, status, children: 0, made_in: 0, deltas };
			records.push((block_id, record));
		}

		BlockCount::<T>::mutate(|count| count.saturating_accrue(records.len() as u64));
		for (block_id, record) in records {
			Blocks::<T>::insert(block_id, record);
		}
		model.heads_set = model.heads_set.saturating_add(heads.len() as u32);
		let missing = model.architecture.component_count().saturating_sub(model.heads_set);
		let tree_root = Self::set_heads(id, &model.architecture, heads);
		Self::deposit_event(Event::GenesisBlocksAdded { model: id, blocks: ids, missing });
		if missing.is_zero() {
			Self::release_version(id, &mut model, tree_root, None);
		}
		Models::<T>::insert(id, model);
		Ok(())
	}

	/// What holds for any new block, by itself. Returns its component's index.
	pub(crate) fn ensure_new_block(architecture: &Architecture, new: &NewBlock) -> Result<u32, Error<T>> {
		ensure!(new.bytes > 0, Error::<T>::ContentEmpty);
		ensure!(new.bytes <= T::MaxContentBytes::get(), Error::<T>::ContentTooLarge);
		architecture.component_index(new.component).ok_or(Error::<T>::ComponentNotDeclared)
	}

	/// A name that can be shown to people, on a terminal too.
	pub(crate) fn ensure_name(name: &[u8]) -> Result<(), Error<T>> {
		ensure!(!name.is_empty(), Error::<T>::NameEmpty);
		let text = core::str::from_utf8(name).map_err(|_| Error::<T>::NameNotText)?;
		ensure!(!text.chars().any(char::is_control), Error::<T>::NameNotText);
		Ok(())
	}
}
