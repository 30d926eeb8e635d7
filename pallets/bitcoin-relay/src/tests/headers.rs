//! Headers one after another, and those that are refused.

use super::*;
use blyan_bitcoin::{header::MAX_FUTURE_SECONDS, RawHeader};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_core::H256,
	sp_runtime::DispatchError,
};

/// What remains of an error when the call failed as a whole.
fn refused(headers: &[RawHeader]) -> DispatchError {
	let before = (tip(), best_chain());
	let error = submit(headers, HEADERS_KEPT).unwrap_err().error;
	assert_eq!(before, (tip(), best_chain()), "nothing is taken of what is refused");
	error
}

#[test]
fn header_should_move_the_tip_when_it_extends_the_best_chain() {
	run(|| {
		let genesis = tip();
		let header = mine(genesis.hash, 1);
		assert_ok!(submit(&[header], 0));
		assert_eq!(tip(), Tip { hash: header.hash(), height: 1, work: genesis.work + 2 });
		System::assert_last_event(Event::TipMoved { hash: header.hash(), height: 1 }.into());
	});
}

#[test]
fn batch_should_be_taken_whole_or_not_at_all() {
	run(|| {
		let genesis = tip().hash;
		let first = mine_with(genesis, 1, NOW as u32);
		let second = mine_with(first.hash(), 1, NOW as u32 + 1);
		let orphan = mine_with(H256::repeat_byte(7), 1, NOW as u32 + 2);
		assert_noop!(
			submit(&[first, second, orphan], 9).map_err(|error| error.error),
			Error::<Test>::ParentUnknown
		);
		assert_ok!(submit(&[first, second], 0));
		assert_eq!(tip().height, 2);
	});
}

#[test]
fn header_should_be_refused_when_a_rule_is_broken() {
	run(|| {
		let genesis = tip().hash;
		let known = mine(genesis, 1);
		assert_ok!(submit(&[known], 0));
		assert_eq!(refused(&[known]), Error::<Test>::HeaderKnown.into());
		assert_eq!(refused(&[mine(H256::repeat_byte(1), 1)]), Error::<Test>::ParentUnknown.into());
		// The parent's time is that of the median, with two blocks known.
		let time = Headers::<Test>::get(known.hash()).unwrap().ancestry.time();
		assert_eq!(refused(&[mine_with(known.hash(), 1, time)]), Error::<Test>::TimeTooOld.into());
		let ahead = NOW as u32 + MAX_FUTURE_SECONDS;
		assert_eq!(refused(&[mine_with(known.hash(), 1, ahead + 1)]), Error::<Test>::TimeTooNew.into());
		let edit = |at: usize, bytes: &[u8]| {
			let mut raw = mine_with(known.hash(), 1, ahead);
			raw.0[at..at + bytes.len()].copy_from_slice(bytes);
			raw
		};
		assert_eq!(refused(&[edit(72, &[0; 4])]), Error::<Test>::TargetOutOfRange.into());
		assert_eq!(refused(&[edit(72, &[1, 0, 0, 4])]), Error::<Test>::NotEnoughWork.into());
		// A harder target than regtest's, and by luck a hash below it.
		let harder = (0u32..)
			.map(|nonce| edit(72, &[&0x207f_fffe_u32.to_le_bytes()[..], &nonce.to_le_bytes()].concat()))
			.find(|raw| raw.hash().0[31] < 0x7f)
			.unwrap();
		assert_eq!(refused(&[harder]), Error::<Test>::WrongTarget.into());
		let retired = (0u32..)
			.map(|nonce| {
				let mut raw = edit(76, &nonce.to_le_bytes());
				raw.0[0] = 3;
				raw
			})
			.find(|raw| raw.hash().0[31] < 0x7f)
			.unwrap();
		assert_eq!(refused(&[retired]), Error::<Test>::VersionRetired.into());
		assert_ok!(submit(&[mine_with(known.hash(), 1, ahead)], 0));
	});
}

#[test]
fn header_should_be_refused_when_the_work_would_overflow() {
	run(|| {
		let genesis = tip();
		Headers::<Test>::mutate(genesis.hash, |header| {
			header.as_mut().unwrap().ancestry.work = polkadot_sdk::sp_core::U256::MAX
		});
		assert_eq!(refused(&[mine(genesis.hash, 1)]), Error::<Test>::ChainTooLong.into());
		Headers::<Test>::mutate(genesis.hash, |header| header.as_mut().unwrap().ancestry.work = genesis.work);
	});
}

#[test]
fn old_headers_should_be_forgotten_and_the_best_chain_kept() {
	run(|| {
		let genesis = tip().hash;
		extend(genesis, 5, 1);
		let fork = extend(genesis, 2, 2);
		extend(tip().hash, HEADERS_KEPT + 5, 1);
		assert_eq!(OldestHeight::<Test>::get(), 11);
		assert_eq!(best_chain().len() as u32, HEADERS_KEPT);
		assert_eq!(Headers::<Test>::iter().count() as u32, HEADERS_KEPT, "forks go too");
		// What is forgotten has no children any more.
		assert_eq!(refused(&[mine(fork[1], 3)]), Error::<Test>::ParentUnknown.into());
	});
}
