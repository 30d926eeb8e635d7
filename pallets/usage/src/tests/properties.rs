//! Random histories: nobody gains by using his own components, and every unit is accounted for.

use crate::{mock::*, pallet::*, types::*};
use blyan_primitives::{
	economy::BLY,
	usage::{BlockUse, UsageParameters, UsageReceipt},
	Balance, BlockNumber,
};
use polkadot_sdk::{frame_support::BoundedVec, sp_runtime::Perbill};
use proptest::prelude::*;
use std::collections::BTreeSet;

const SERVERS: std::ops::Range<AccountId> = SERVER..SERVER + 5;
/// Everybody who takes part: clients, servers, trainers.
const COALITION: [AccountId; 9] =
	[CLIENT, OTHER_CLIENT, TRAINER, OTHER_TRAINER, SERVER, SERVER + 1, SERVER + 2, SERVER + 3, SERVER + 4];

#[derive(Clone, Debug)]
enum Step {
	Deposit {
		client: AccountId,
		amount: Balance,
	},
	Request {
		client: AccountId,
		amount: Balance,
	},
	Withdraw {
		client: AccountId,
	},
	Receipt {
		receipt: UsageReceipt<AccountId>,
		by: AccountId,
		back: BlockNumber,
		is_signed: bool,
	},
	/// Submits one of the receipts so far once more.
	Replay {
		place: prop::sample::Index,
	},
	Wait {
		blocks: BlockNumber,
	},
	Claim {
		who: AccountId,
	},
	SetParameters {
		parameters: UsageParameters,
	},
}

fn parameters_strategy() -> impl Strategy<Value = UsageParameters> {
	(0..100 * BLY, 0u32..=100, 0u32..=50, 1u32..40, 1u32..40).prop_map(
		|(base, burned, returned, one, other)| UsageParameters {
			base,
			burned: Perbill::from_percent(burned),
			returned: Perbill::from_percent(returned),
			fresh_blocks: one.min(other),
			max_age_blocks: one.max(other),
			withdrawal_blocks: one.max(other),
			..parameters()
		},
	)
}

fn receipt_strategy() -> impl Strategy<Value = UsageReceipt<AccountId>> {
	let blocks = proptest::collection::btree_map(0u8..6, 1u32..400, 0..5);
	(prop_oneof![Just(CLIENT), Just(OTHER_CLIENT)], SERVERS, blocks, 1u32..400, 0u64..1_000_000, 0..20 * BLY)
		.prop_map(|(client, server, blocks, answers, milliseconds, fee)| {
			let uses = blocks.into_iter().map(|(number, calls)| BlockUse { block: block(number), calls });
			let blocks = BoundedVec::truncate_from(uses.collect());
			UsageReceipt { client, server, until: 0, answers, milliseconds, blocks, fee }
		})
}

fn step() -> impl Strategy<Value = Step> {
	let client = || prop_oneof![Just(CLIENT), Just(OTHER_CLIENT)];
	prop_oneof![
		4 => (client(), 0..30 * BLY).prop_map(|(client, amount)| Step::Deposit { client, amount }),
		2 => (client(), 0..30 * BLY).prop_map(|(client, amount)| Step::Request { client, amount }),
		2 => client().prop_map(|client| Step::Withdraw { client }),
		10 => (receipt_strategy(), SERVERS, 0u32..30, prop::bool::weighted(0.9), prop::bool::weighted(0.9))
			.prop_map(|(receipt, other, back, is_signed, is_own)| {
				let by = if is_own { receipt.server } else { other };
				Step::Receipt { receipt, by, back, is_signed }
			}),
		4 => any::<prop::sample::Index>().prop_map(|place| Step::Replay { place }),
		4 => (1u32..15).prop_map(|blocks| Step::Wait { blocks }),
		3 => proptest::sample::select(COALITION.to_vec()).prop_map(|who| Step::Claim { who }),
		1 => parameters_strategy().prop_map(|parameters| Step::SetParameters { parameters }),
	]
}

fn wealth(who: AccountId) -> Balance {
	free(who) + held(who)
}

/// What may still be minted for everybody.
fn owed() -> Balance {
	COALITION.iter().map(Rewards::owed).map(|(due, accruing)| due + accruing).sum()
}

fn run(steps: Vec<Step>) {
	new_ext().execute_with(|| {
		let (supply, wealth_before) = (issuance(), COALITION.map(wealth).iter().sum::<Balance>());
		let mut sent = Vec::new();
		let mut paid = BTreeSet::new();
		for step in steps {
			match step.clone() {
				Step::Deposit { client, amount } => {
					let _ = deposit(client, amount);
				}
				Step::Request { client, amount } => {
					let _ = Usage::request_withdrawal(RuntimeOrigin::signed(client), amount);
				}
				Step::Withdraw { client } => {
					let _ = Usage::withdraw(RuntimeOrigin::signed(client));
				}
				Step::Receipt { receipt, by, back, is_signed } => {
					let until = Usage::now().saturating_sub(back);
					let mut signed = signed(UsageReceipt { until, ..receipt });
					if !is_signed {
						signed.signature.1[0] ^= 1;
					}
					sent.push((by, signed));
				}
				Step::Replay { .. } => {}
				Step::Wait { blocks } => run_to(Usage::now() + blocks),
				Step::Claim { who } => {
					for epoch in Rewards::claimable_epochs(&who) {
						Rewards::claim(RuntimeOrigin::signed(who), epoch).expect("it can be claimed");
					}
				}
				Step::SetParameters { parameters } => {
					Usage::force_set_parameters(RuntimeOrigin::root(), parameters).expect("they make sense");
				}
			}
			let again = match step {
				Step::Receipt { .. } => sent.last().cloned(),
				Step::Replay { place } if !sent.is_empty() => Some(sent[place.index(sent.len())].clone()),
				_ => None,
			};
			if let Some((by, signed)) = again {
				let before = (AllTime::<Test>::get(), held(signed.receipt.client));
				submit_signed(by, [signed.clone()]).expect("every one is a server");
				let sums = AllTime::<Test>::get();
				match last_event() {
					Event::ReceiptPaid { paid: amount, burned, accrued, .. } => {
						assert!(paid.insert((signed.receipt.client, by, signed.receipt.until)), "paid twice");
						assert_eq!(amount, signed.receipt.fee.min(before.1));
						assert!(accrued <= burned / 2, "{accrued} of {burned}");
						assert_eq!(held(signed.receipt.client), before.1 - amount);
					}
					_ => {
						assert_eq!((sums, held(signed.receipt.client)), before, "nothing comes of a refusal")
					}
				}
			}
			Usage::do_try_state().unwrap_or_else(|error| panic!("{error:?}"));

			// All who take part are one: what they lost is what was burned, less what was minted for them.
			let Totals { paid, burned, served, accrued } = AllTime::<Test>::get();
			let minted = pallet_rewards::AllTime::<Test>::get().minted;
			let wealth = COALITION.map(wealth).iter().sum::<Balance>();
			assert_eq!(wealth, wealth_before + minted - burned);
			assert_eq!(issuance(), supply + minted - burned);
			assert_eq!(paid, burned + served);
			assert!(minted + owed() <= accrued, "no more is minted than was accrued");
			assert!(
				wealth + owed() + burned / 2 <= wealth_before,
				"using oneself costs half of what is burned"
			);
		}
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(96))]

	#[test]
	fn use_should_never_pay_who_uses_himself(steps in proptest::collection::vec(step(), 1..80)) {
		run(steps);
	}
}
