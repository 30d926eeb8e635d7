//! Who pays for a header.

use super::*;
use blyan_bitcoin::RawHeader;
use polkadot_sdk::{
	frame_support::{
		assert_noop, assert_ok,
		dispatch::Pays,
		pallet_prelude::{InvalidTransaction, TransactionSource, TransactionValidityError, ValidTransaction},
		traits::Authorize,
	},
	frame_system::RawOrigin,
	sp_core::H256,
	sp_runtime::DispatchError,
};

fn authorize(header: RawHeader) -> Result<ValidTransaction, TransactionValidityError> {
	let call = RuntimeCall::Relay(Call::submit_header { header });
	call.authorize(TransactionSource::External).unwrap().map(|(valid, _)| valid)
}

fn invalid(reason: InvalidTransaction) -> Result<ValidTransaction, TransactionValidityError> {
	Err(reason.into())
}

#[test]
fn next_header_should_be_free_for_nobody_in_particular() {
	run(|| {
		let header = mine(tip().hash, 1);
		let valid = authorize(header).unwrap();
		assert!(valid.propagate && !valid.provides.is_empty());
		assert_ok!(Relay::submit_header(RawOrigin::Authorized.into(), header));
		assert_eq!(tip().hash, header.hash());
		assert_eq!(authorize(header), invalid(InvalidTransaction::Stale));
	});
}

#[test]
fn free_header_should_not_be_taken_from_a_signed_origin() {
	run(|| {
		let header = mine(tip().hash, 1);
		let signed = Relay::submit_header(RuntimeOrigin::signed(RELAYER), header);
		assert_noop!(signed, DispatchError::BadOrigin);
		let unsigned = Relay::submit_headers(RuntimeOrigin::none(), vec![header].try_into().unwrap(), 0);
		assert_noop!(unsigned.map_err(|error| error.error), DispatchError::BadOrigin);
	});
}

#[test]
fn free_header_should_not_be_authorized_when_it_does_not_extend_the_best_chain() {
	run(|| {
		let genesis = tip().hash;
		extend(genesis, 2, 1);
		assert_eq!(authorize(mine(genesis, 2)), invalid(InvalidTransaction::Stale));
		assert_eq!(authorize(mine(H256::repeat_byte(1), 2)), invalid(InvalidTransaction::Future));
		let ahead = mine_with(tip().hash, 2, NOW as u32 + 10_000);
		assert_eq!(authorize(ahead), invalid(InvalidTransaction::Future));
		let mut torn = mine(tip().hash, 2);
		torn.0[72] = 0;
		assert_eq!(authorize(torn), invalid(InvalidTransaction::BadProof));
	});
}

#[test]
fn free_headers_should_be_bounded_in_each_block() {
	run(|| {
		for _ in 0..MAX_FREE {
			let header = mine(tip().hash, 1);
			assert!(authorize(header).is_ok());
			assert_ok!(Relay::submit_header(RawOrigin::Authorized.into(), header));
		}
		let next = mine(tip().hash, 1);
		assert_eq!(authorize(next), invalid(InvalidTransaction::ExhaustsResources));
		// Whoever pays is not bounded, and pays.
		let info = submit(&[next], 0).unwrap();
		assert_eq!(info.pays_fee, Pays::Yes);
		System::set_block_number(2);
		assert!(authorize(mine(tip().hash, 1)).is_ok());
	});
}

#[test]
fn batch_should_be_free_when_it_moves_the_tip_and_is_within_the_bound() {
	run(|| {
		let genesis = tip().hash;
		let first = mine_with(genesis, 1, NOW as u32);
		let second = mine_with(first.hash(), 1, NOW as u32 + 1);
		assert_eq!(submit(&[first, second], 0).unwrap().pays_fee, Pays::No);
		assert_eq!(FreeHeaders::<Test>::get(), (1, 2));
		System::set_block_number(2);
		assert_eq!(submit(&[mine_with(genesis, 2, NOW as u32)], 0).unwrap().pays_fee, Pays::Yes, "a fork");
		assert_eq!(submit(&[], 0).unwrap().pays_fee, Pays::Yes, "nothing");
		let mut batch = vec![mine_with(second.hash(), 1, NOW as u32 + 2)];
		for time in 3..=MAX_FREE + 2 {
			batch.push(mine_with(batch.last().unwrap().hash(), 1, NOW as u32 + time));
		}
		assert_eq!(submit(&batch, 0).unwrap().pays_fee, Pays::Yes, "more than are free");
	});
}
