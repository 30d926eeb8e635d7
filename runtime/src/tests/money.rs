use super::chain::{account, with_preset};
use crate::{
	configs::{DealWithFees, FEES_BURNED},
	*,
};
use blyan_primitives::economy::BLY;
use codec::Encode;
use frame_support::traits::{
	fungible::{Balanced, Inspect},
	tokens::{Fortitude, Precision, Preservation},
	OnUnbalanced,
};
use sp_consensus_babe::{
	digests::{PreDigest, SecondaryPlainPreDigest},
	BABE_ENGINE_ID,
};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring;
use sp_runtime::DigestItem;

#[test]
fn fees_should_be_burned_by_one_per_cent_and_go_to_the_author() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let author = account(Sr25519Keyring::Bob);
		let place = Session::validators().iter().position(|who| *who == author).expect("a validator");
		// The digest that names it as the block's author.
		let digest = PreDigest::SecondaryPlain(SecondaryPlainPreDigest {
			authority_index: place as u32,
			slot: 1.into(),
		});
		System::deposit_log(DigestItem::PreRuntime(BABE_ENGINE_ID, digest.encode()));
		let (supply, before) = (Balances::total_issuance(), Balances::balance(&author));
		let fee = Balances::withdraw(
			&account(Sr25519Keyring::Dave),
			BLY,
			Precision::Exact,
			Preservation::Preserve,
			Fortitude::Polite,
		)
		.expect("Dave has a BLY");
		DealWithFees::on_unbalanced(fee);
		assert_eq!(supply - Balances::total_issuance(), FEES_BURNED * BLY);
		assert_eq!(Balances::balance(&author) - before, BLY - FEES_BURNED * BLY);
	});
}

#[test]
fn fees_should_be_burned_whole_when_there_is_no_author() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let supply = Balances::total_issuance();
		let fee = Balances::issue(BLY);
		DealWithFees::on_unbalanced(fee);
		assert_eq!(Balances::total_issuance(), supply);
	});
}

#[test]
fn a_transfer_should_cost_about_a_thousandth_of_a_bly() {
	use frame_support::dispatch::GetDispatchInfo;
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let call = RuntimeCall::Balances(pallet_balances::Call::transfer_keep_alive {
			dest: account(Sr25519Keyring::Eve).into(),
			value: BLY,
		});
		let fee = TransactionPayment::compute_fee(150, &call.get_dispatch_info(), 0);
		assert!((BLY / 10_000..BLY / 100).contains(&fee), "{fee}");
	});
}

#[test]
fn the_largest_submission_should_fit_in_a_block() {
	use blyan_primitives::dag::MAX_BLOCKS;
	use pallet_proof_of_learning::WeightInfo;
	let weight = <Runtime as pallet_proof_of_learning::Config>::WeightInfo::submit(MAX_BLOCKS);
	let limit = configs::RuntimeBlockWeights::get()
		.get(frame_support::dispatch::DispatchClass::Normal)
		.max_extrinsic
		.expect("normal transactions have a limit");
	assert!(weight.all_lte(limit), "{weight} > {limit}");
}
