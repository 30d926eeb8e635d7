//! Who is paid for the use of a block.

use crate::mock::*;
use blyan_primitives::{
	dag::{BlockId, BlockKind, Component, NewBlock},
	learning::Purpose,
	traits::{ModelGraph, ServedBlock, ServedBlocks},
};

const BACKBONE: Component = Component::Backbone;

fn served(block: BlockId) -> Option<ServedBlock<AccountId>> {
	<Dag as ServedBlocks<AccountId>>::served(block)
}

fn by(trainer: AccountId, is_proven: bool) -> Option<ServedBlock<AccountId>> {
	Some(ServedBlock { trainer, is_proven })
}

/// Inserts and accepts a block of somebody.
fn take(who: AccountId, model: u32, submission: u64, block: NewBlock) -> BlockId {
	let blocks = list([block]);
	let purpose = Purpose::of(&blocks, None);
	let ids = <Dag as ModelGraph<_>>::insert(model, submission, &who, blocks, &purpose).unwrap();
	<Dag as ModelGraph<AccountId>>::accept(model, submission, &ids, None).unwrap();
	ids[0]
}

#[test]
fn served_should_find_heads_and_former_heads_and_no_others() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let first = head(model, BACKBONE);
		assert_eq!(served(first), by(OWNER, false), "first weights were never measured");
		let candidate = submit(model, 1, &[BACKBONE])[0];
		assert_eq!(served(candidate), None);
		assert_eq!(served(BlockId::zero()), None);
		let next = advance(model, 2, &[BACKBONE])[0];
		assert_eq!((served(first), served(next)), (by(OWNER, false), by(TRAINER, false)));
	});
}

#[test]
fn served_should_be_proven_when_probation_is_over() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let next = advance(model, 1, &[BACKBONE])[0];
		let until = Dag::block_info(next).unwrap().probation_until.unwrap();
		System::set_block_number(u64::from(until) - 1);
		assert_eq!(served(next), by(TRAINER, false));
		System::set_block_number(until.into());
		assert_eq!(served(next), by(TRAINER, true));
	});
}

#[test]
fn served_should_name_who_brought_the_weights_and_not_who_compacted_them() {
	ExtBuilder.build_and_execute(|| {
		let model = released();
		let delta =
			NewBlock { bytes: 30, ..new_block(BACKBONE, BlockKind::Delta, &[head(model, BACKBONE)], 1) };
		let delta = take(TRAINER, model, 1, delta);
		let whole = take(STRANGER, model, 2, new_block(BACKBONE, BlockKind::Snapshot, &[delta], 2));
		assert_eq!(served(whole), by(TRAINER, false));
	});
}
