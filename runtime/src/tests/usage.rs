//! The use of components from the deposit to the payment, and learning credits, with no part replaced.

use super::{
	chain::{account, run_to, signed, with_preset},
	rounds::{conclude, measured, set_up, submit},
};
use crate::*;
use blyan_primitives::{
	economy::BLY,
	learning::Verdict,
	usage::{BlockUse, SignedReceipt, SignedReceipts, UsageReceipt, MAX_RECEIPTS, MAX_USED_BLOCKS},
	worker::{Role, Roles},
};
use frame_support::{assert_ok, BoundedVec};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::{self, *};

const CLIENT: Sr25519Keyring = One;
const SERVER: Sr25519Keyring = Two;
const TRAINER: Sr25519Keyring = Charlie;

#[test]
fn the_use_of_a_head_should_be_paid_by_the_client_and_earned_by_its_trainer() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up();
		let round = submit(model, 50);
		assert_eq!(conclude(round, &measured(50_000_000)), Verdict::Accepted);
		let head = ProofOfLearning::round(round).expect("closed rounds are kept").blocks[0];
		assert_ok!(Workers::register(
			signed(SERVER),
			Roles::default().with(Role::Server),
			Hash::repeat_byte(0x50),
			[1; 32],
			BoundedVec::truncate_from(b"http://127.0.0.1:1".to_vec()),
			1_000 * BLY,
		));
		assert_ok!(Usage::deposit(signed(CLIENT), 50 * BLY));
		run_to(System::block_number() + 25);
		let claimed = |key| Rewards::owed(&account(key)).1;
		assert_eq!(claimed(TRAINER), 0, "a new epoch");

		let receipt = UsageReceipt {
			client: account(CLIENT),
			server: account(SERVER),
			until: System::block_number(),
			answers: 100,
			milliseconds: 100_000,
			blocks: BoundedVec::truncate_from(vec![BlockUse { block: head, calls: 100 }]),
			fee: 4 * BLY,
		};
		// What a wallet signs natively is what the runtime verifies.
		let payload = receipt.payload(System::block_hash(0));
		let signature = Signature::Sr25519(CLIENT.sign(payload.as_bytes()));
		let receipts =
			SignedReceipts::truncate_from(vec![SignedReceipt { receipt: receipt.clone(), signature }]);
		let (supply, server) = (Balances::total_issuance(), Balances::free_balance(account(SERVER)));
		assert_ok!(Usage::submit_receipts(signed(SERVER), receipts.clone()));
		assert_eq!(supply - Balances::total_issuance(), 2 * BLY);
		assert_eq!(Balances::free_balance(account(SERVER)) - server, 2 * BLY);
		let info = Usage::account(&account(CLIENT)).expect("it is open");
		assert_eq!((info.deposit, info.paid_until(&account(SERVER))), (46 * BLY, receipt.until));
		// Not proven yet, fresh, 100 calls of a second: the base, of 1 BLY that half of what was burned comes to.
		assert_eq!(claimed(TRAINER), BLY);

		assert_ok!(Usage::submit_receipts(signed(SERVER), receipts));
		assert_eq!(Usage::account(&account(CLIENT)), Some(info), "once");
	});
}

#[test]
fn work_should_earn_learning_credits() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up();
		let round = submit(model, 50);
		assert_eq!(conclude(round, &measured(50_000_000)), Verdict::Accepted);
		assert_eq!(Rewards::credits(&account(TRAINER)), 100);
		for key in [Dave, Eve, Ferdie] {
			assert_eq!(Rewards::credits(&account(key)), 25, "{key:?}");
		}
		// The data's share waits for somebody to verify it, and lapses.
		assert_eq!(pallet_rewards::WaitingShares::<Runtime>::iter().count(), 1);
	});
}

#[test]
fn the_largest_batch_of_receipts_should_fit_in_a_block() {
	use pallet_usage::WeightInfo;
	let blocks = MAX_RECEIPTS * MAX_USED_BLOCKS;
	let weight = <Runtime as pallet_usage::Config>::WeightInfo::submit_receipts(MAX_RECEIPTS, blocks);
	let limit = configs::RuntimeBlockWeights::get()
		.get(frame_support::dispatch::DispatchClass::Normal)
		.max_extrinsic
		.expect("normal transactions have a limit");
	assert!(weight.all_lte(limit), "{weight} > {limit}");
}
