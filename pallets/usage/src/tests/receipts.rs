use crate::{mock::*, pallet::*, types::*};
use blyan_primitives::{
	economy::BLY,
	usage::{BlockUse, UsageParameters, UsageReceipt, MAX_USED_BLOCKS},
	Hash,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, assert_storage_noop, BoundedVec},
	sp_runtime::{testing::TestSignature, traits::BadOrigin, DispatchError},
};

type Receipt = UsageReceipt<AccountId>;

fn with_blocks(uses: &[(Hash, u32)]) -> Receipt {
	let blocks = uses.iter().map(|(block, calls)| BlockUse { block: *block, calls: *calls }).collect();
	UsageReceipt { blocks: BoundedVec::truncate_from(blocks), ..receipt(5) }
}

/// A client with 100 BLY in its account, in block 5.
fn opened(test: impl FnOnce()) {
	build_and_execute(|| {
		assert_ok!(deposit(CLIENT, 100 * BLY));
		run_to(5);
		test();
	});
}

/// Submits it; it must be refused for that reason, and nothing change.
fn refused(receipt: Receipt, error: Error<Test>) {
	let (before, sums) = (Usage::account(&receipt.client), AllTime::<Test>::get());
	assert_eq!(submit(receipt.clone()), Err(DispatchError::from(error)));
	assert_eq!((Usage::account(&receipt.client), AllTime::<Test>::get()), (before, sums));
}

#[test]
fn receipt_should_burn_half_pay_the_server_and_accrue_to_the_trainers() {
	opened(|| {
		let supply = issuance();
		assert_ok!(submit(receipt(5)));
		assert_eq!(held(CLIENT), 90 * BLY);
		assert_eq!(supply - issuance(), 5 * BLY);
		assert_eq!(free(SERVER), ENDOWMENT + 5 * BLY);
		// 100 calls in a second each: 1 BLY; 50 calls: half of it. 2.5 BLY would be the most.
		assert_eq!((accruing(TRAINER), accruing(OTHER_TRAINER)), (BLY, BLY / 2));
		assert_eq!(
			last_event(),
			Event::ReceiptPaid {
				client: CLIENT,
				server: SERVER,
				until: 5,
				paid: 10 * BLY,
				burned: 5 * BLY,
				accrued: 3 * BLY / 2,
			}
		);
		assert_eq!(account(CLIENT).servers.to_vec(), [(SERVER, 5)]);
		let expected = Totals { paid: 10 * BLY, burned: 5 * BLY, served: 5 * BLY, accrued: 3 * BLY / 2 };
		assert_eq!(AllTime::<Test>::get(), expected);
	});
}

#[test]
fn receipt_should_accrue_no_more_than_half_of_what_is_burned() {
	opened(|| {
		// The rule says 1.5 BLY; a fee of 2 BLY burns 1, of which half is issued again, in proportion.
		assert_ok!(submit(UsageReceipt { fee: 2 * BLY, ..receipt(5) }));
		assert_eq!((accruing(TRAINER), accruing(OTHER_TRAINER)), (BLY / 3, BLY / 6));
	});
}

#[test]
fn receipt_should_count_less_when_it_comes_late() {
	opened(|| {
		run_to(5 + FRESH);
		assert_ok!(submit(receipt(5)));
		assert_eq!(accruing(TRAINER), BLY, "just within the time");
		run_to(7 + FRESH);
		assert_ok!(submit(receipt(6)));
		assert_eq!(accruing(TRAINER), BLY + 8 * BLY / 10);
	});
}

#[test]
fn receipt_should_count_twice_for_a_block_that_is_proven() {
	opened(|| {
		let mut proven = block(0).0;
		proven[2] = 1;
		assert_ok!(submit(with_blocks(&[(proven.into(), 100)])));
		assert_eq!(accruing(TRAINER), 2 * BLY);
	});
}

#[test]
fn receipt_should_pay_what_is_left_and_close_the_account_when_it_is_too_little() {
	opened(|| {
		assert_ok!(submit(UsageReceipt { fee: 101 * BLY, ..receipt(5) }));
		assert_eq!((held(CLIENT), free(SERVER)), (0, ENDOWMENT + 50 * BLY));
		assert!(!Accounts::<Test>::contains_key(CLIENT));
	});
}

#[test]
fn receipt_should_be_paid_once() {
	opened(|| {
		assert_ok!(submit(receipt(5)));
		refused(receipt(5), Error::ReceiptNotNewer);
		refused(receipt(4), Error::ReceiptNotNewer);
		let more = UsageReceipt { fee: 11 * BLY, ..receipt(5) };
		refused(more, Error::ReceiptNotNewer);
		run_to(6);
		assert_ok!(submit(receipt(6)));
	});
}

#[test]
fn receipt_should_not_be_paid_again_when_the_account_is_opened_again() {
	opened(|| {
		assert_ok!(submit(UsageReceipt { fee: 100 * BLY, ..receipt(5) }));
		assert_ok!(deposit(CLIENT, 100 * BLY));
		refused(receipt(5), Error::ReceiptNotNewer);
	});
}

#[test]
fn receipt_should_not_be_paid_again_when_receipts_are_taken_for_longer() {
	opened(|| {
		assert_ok!(submit(receipt(5)));
		run_to(6 + MAX_AGE);
		// Pays another server; the first one's receipts are too old to be remembered.
		let other = UsageReceipt { server: OTHER_SERVER, ..receipt(6 + MAX_AGE) };
		assert_ok!(submit_signed(OTHER_SERVER, [signed(other)]));
		assert_eq!(account(CLIENT).servers.to_vec(), [(OTHER_SERVER, 6 + MAX_AGE)]);
		let longer = UsageParameters { max_age_blocks: DELAY, ..parameters() };
		assert_ok!(Usage::force_set_parameters(RuntimeOrigin::root(), longer));
		refused(receipt(5), Error::ReceiptNotNewer);
	});
}

#[test]
fn receipt_should_be_refused_when_it_is_of_another_time_or_server() {
	opened(|| {
		refused(UsageReceipt { server: OTHER_SERVER, ..receipt(5) }, Error::ReceiptOfOtherServer);
		refused(receipt(6), Error::ReceiptOfFuture);
		refused(receipt(1), Error::ReceiptNotNewer);
		run_to(6 + MAX_AGE);
		refused(receipt(5), Error::ReceiptTooOld);
	});
}

#[test]
fn receipt_should_be_refused_when_its_numbers_cannot_be() {
	opened(|| {
		refused(with_blocks(&[]), Error::UseInconsistent);
		refused(with_blocks(&[(block(0), 0)]), Error::UseInconsistent);
		refused(with_blocks(&[(block(0), 101)]), Error::UseInconsistent);
		refused(with_blocks(&[(block(0), 1), (block(0), 1)]), Error::UseInconsistent);
		refused(with_blocks(&[(block(1), 1), (block(0), 1)]), Error::UseInconsistent);
		let mut unknown = block(0).0;
		unknown[1] = 1;
		refused(with_blocks(&[(unknown.into(), 1)]), Error::BlockNotServed);
		refused(UsageReceipt { fee: BLY / 100 - 1, ..receipt(5) }, Error::FeeTooSmall);
	});
}

#[test]
fn receipt_should_be_refused_when_the_client_did_not_sign_it() {
	opened(|| {
		refused(UsageReceipt { client: OTHER_CLIENT, ..receipt(5) }, Error::AccountNotFound);
		let good = signed(receipt(5));
		let reject = |signed| {
			assert_ok!(submit_signed(SERVER, [signed]));
			let error = Error::<Test>::SignatureInvalid.into();
			assert_eq!(last_event(), Event::ReceiptRefused { client: CLIENT, until: 5, error });
		};
		let mut raised = good.clone();
		raised.receipt.fee += 1;
		reject(raised);
		let mut of_other = good.clone();
		of_other.signature.0 = OTHER_CLIENT;
		reject(of_other);
		let mut of_other_chain = good;
		let payload = receipt(5).payload(Hash::repeat_byte(9));
		of_other_chain.signature = TestSignature(CLIENT, payload.as_bytes().to_vec());
		reject(of_other_chain);
		assert_eq!(held(CLIENT), 100 * BLY);
	});
}

#[test]
fn receipts_should_be_refused_for_too_many_servers_until_the_old_ones_are_forgotten() {
	opened(|| {
		let of = |server, until| {
			assert_ok!(submit_signed(server, [signed(UsageReceipt { server, ..receipt(until) })]));
			last_event()
		};
		for server in SERVER..SERVER + u64::from(MAX_SERVERS) {
			assert!(matches!(of(server, 5), Event::ReceiptPaid { .. }));
		}
		let late = SERVER + u64::from(MAX_SERVERS);
		let error = Error::<Test>::TooManyServers.into();
		assert_eq!(of(late, 5), Event::ReceiptRefused { client: CLIENT, until: 5, error });
		run_to(6 + MAX_AGE);
		assert!(matches!(of(late, 6 + MAX_AGE), Event::ReceiptPaid { .. }));
		assert_eq!(account(CLIENT).servers.to_vec(), [(late, 6 + MAX_AGE)]);
	});
}

#[test]
fn batch_should_pay_the_good_and_refuse_the_bad() {
	opened(|| {
		assert_ok!(deposit(OTHER_CLIENT, 50 * BLY));
		run_to(6);
		let other = UsageReceipt { client: OTHER_CLIENT, ..receipt(6) };
		let batch = [receipt(5), receipt(5), other, receipt(6)].map(signed);
		assert_ok!(submit_signed(SERVER, batch));
		assert_eq!((held(CLIENT), held(OTHER_CLIENT)), (80 * BLY, 40 * BLY));
		assert_eq!(AllTime::<Test>::get().paid, 30 * BLY);
	});
}

#[test]
fn batch_should_fail_when_it_is_empty_or_not_a_servers() {
	opened(|| {
		assert_noop!(submit_signed(SERVER, []), Error::<Test>::ReceiptsMissing);
		assert_noop!(submit_signed(CLIENT, [signed(receipt(5))]), Error::<Test>::NotServer);
		assert_noop!(Usage::submit_receipts(RuntimeOrigin::root(), Default::default()), BadOrigin);
	});
}

#[test]
fn refused_receipt_should_leave_no_trace_when_paying_fails_half_way() {
	opened(|| {
		use polkadot_sdk::frame_support::traits::fungible::Mutate;
		// A server that is so poor that its account is gone, and a fee that cannot open one: burning goes first.
		let server = SERVER + 7;
		Balances::set_balance(&server, 0);
		let small = UsageParameters { min_fee: BLY / 10_000, ..parameters() };
		assert_ok!(Usage::force_set_parameters(RuntimeOrigin::root(), small));
		let receipt = UsageReceipt { server, fee: BLY / 10_000, ..receipt(5) };
		let before = (held(CLIENT), issuance(), AllTime::<Test>::get());
		assert_ok!(submit_signed(server, [signed(receipt)]));
		assert!(matches!(last_event(), Event::ReceiptRefused { .. }), "{:?}", last_event());
		assert_eq!((held(CLIENT), issuance(), AllTime::<Test>::get()), before);
	});
}

#[test]
fn weight_should_grow_with_receipts_and_blocks() {
	use crate::WeightInfo;
	opened(|| {
		let of = |receipts: Vec<_>| Usage::weight_of(&BoundedVec::truncate_from(receipts));
		let two = of(vec![signed(receipt(4)), signed(receipt(5))]);
		assert_eq!(two, <() as WeightInfo>::submit_receipts(2, 4));
		assert!(MAX_USED_BLOCKS > 4 && two.ref_time() > of(vec![signed(receipt(4))]).ref_time());
		assert_storage_noop!(of(vec![signed(receipt(4))]));
	});
}
