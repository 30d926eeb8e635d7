//! Random histories: nothing is lost, nothing is paid twice, and every unit is accounted for.

use crate::{impls::learning, mock::*, pallet::*, types::*};
use blyan_primitives::{
	dag::SubmissionId,
	economy::{Budget, BLY, GENESIS_SUPPLY, SUPPLY_CAP},
	learning::{NanoBits, BIT_PER_BYTE},
	manifest::DatasetId,
	traits::{AcceptedWork, DataShare},
	Balance,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const ACCOUNTS: std::ops::Range<AccountId> = 1..7;
/// What is in the purses of datasets at first: some are soon empty, some never.
const FILLED: [(u8, Balance); 3] = [(0, BLY), (1, 1_000 * BLY), (2, 7)];

#[derive(Clone, Debug)]
enum Step {
	Accept {
		gain: NanoBits,
		trainer: AccountId,
		lineage: Vec<Vec<AccountId>>,
		evaluators: Vec<AccountId>,
	},
	/// Has the data of one of the submissions so far verified, or of one to come.
	Verify {
		submission: SubmissionId,
		shares: Vec<(AccountId, u32)>,
	},
	OtherBudget {
		budget: Budget,
		who: AccountId,
		amount: Balance,
	},
	Wait {
		blocks: u64,
		idle: bool,
	},
	Claim {
		who: AccountId,
		back: u32,
		by_another: bool,
	},
	ClaimCarried {
		who: AccountId,
	},
	SetParameters {
		epoch_blocks: u32,
		min_payout: Balance,
		rate: Balance,
		expiry: u32,
	},
}

fn step() -> impl Strategy<Value = Step> {
	let who = || ACCOUNTS;
	let many = || proptest::collection::vec(who(), 0..5);
	prop_oneof![
		5 => (0..BIT_PER_BYTE / 2, who(), proptest::collection::vec(many(), 1..4), many()).prop_map(
			|(gain, trainer, lineage, evaluators)| Step::Accept { gain, trainer, lineage, evaluators }
		),
		4 => (0u64..24, proptest::collection::vec((who(), 0u32..80), 0..4))
			.prop_map(|(submission, shares)| Step::Verify { submission, shares }),
		2 => (proptest::sample::select(Budget::ALL.to_vec()), who(), 0..5 * BLY)
			.prop_map(|(budget, who, amount)| Step::OtherBudget { budget, who, amount }),
		5 => (1u64..15, any::<bool>()).prop_map(|(blocks, idle)| Step::Wait { blocks, idle }),
		8 => (who(), 0u32..6, any::<bool>())
			.prop_map(|(who, back, by_another)| Step::Claim { who, back, by_another }),
		2 => who().prop_map(|who| Step::ClaimCarried { who }),
		1 => (1u32..20, BLY / 1_000..3 * BLY, 0..200 * BLY, 1u32..5).prop_map(
			|(epoch_blocks, min_payout, rate, expiry)| Step::SetParameters { epoch_blocks, min_payout, rate, expiry }
		),
	]
}

/// Everything that was ever claimed, by epoch, budget and account; nothing is taken out of it.
#[derive(Default)]
struct Model {
	claims: BTreeMap<EpochNumber, BTreeMap<Budget, BTreeMap<AccountId, Balance>>>,
	budgets: BTreeMap<EpochNumber, BTreeMap<Budget, Balance>>,
	/// How many submissions were accepted; they are numbered from 0.
	accepted: SubmissionId,
	/// Those whose data waits: epoch of the verdict, and what the work claimed.
	waiting: BTreeMap<SubmissionId, (EpochNumber, Balance)>,
	/// What is left in the purses of datasets.
	purses: BTreeMap<DatasetId, Balance>,
}

impl Model {
	fn accrue(&mut self, budget: Budget, parts: impl IntoIterator<Item = (AccountId, Balance)>) {
		let pot = self.claims.entry(running()).or_default().entry(budget).or_default();
		for (who, amount) in parts {
			*pot.entry(who).or_default() += amount;
		}
	}

	/// Data earns its part of a fifth, and as much again out of its purse as is there.
	fn accrue_data(&mut self, worth: Balance, shares: Vec<DataShare<AccountId>>) {
		for (dataset, contributor, earned) in learning::divide_data(worth, shares) {
			let left = self.purses.get(&dataset).copied().unwrap_or_default();
			let drawn = left.min(earned);
			self.purses.insert(dataset, left - drawn);
			self.accrue(Budget::Data, [(contributor, earned + drawn)]);
		}
	}

	/// Takes down the budgets of epochs that have come about.
	fn watch(&mut self) {
		for (epoch, record) in Epochs::<Test>::iter() {
			let mut budgets: BTreeMap<_, _> =
				record.pots.iter().map(|(budget, pot)| (budget, pot.budget)).collect();
			let first = self.budgets.entry(epoch).or_insert_with(|| budgets.clone()).clone();
			if epoch < running() {
				assert_eq!(budgets[&Budget::Audits], self.budget(epoch, Budget::Audits));
				budgets.insert(Budget::Audits, first[&Budget::Audits]);
			}
			assert_eq!(first, budgets);
		}
	}

	fn claimed(&self, epoch: EpochNumber, budget: Budget) -> Balance {
		self.claims.get(&epoch).and_then(|pots| pots.get(&budget)).map_or(0, |pot| pot.values().sum())
	}

	/// What a closed epoch may pay: of audits, no more than a fifth of what learning and serving earned.
	fn budget(&self, epoch: EpochNumber, budget: Budget) -> Balance {
		let whole = self.budgets[&epoch][&budget];
		if budget != Budget::Audits {
			return whole;
		}
		let earned = |budget| self.claimed(epoch, budget).min(self.budgets[&epoch][&budget]);
		whole.min((earned(Budget::Learning) + earned(Budget::Serving)) / 5)
	}

	/// What the claims of `who` on closed epochs come to: written down as the rule says it.
	fn entitled(&self, who: AccountId) -> Balance {
		let mut sum = 0;
		for (epoch, pots) in self.claims.iter().filter(|(epoch, _)| **epoch < running()) {
			for (budget, pot) in pots {
				let (claimed, budget) = (self.claimed(*epoch, *budget), self.budget(*epoch, *budget));
				let claim = pot.get(&who).copied().unwrap_or_default();
				sum += if claimed <= budget { claim } else { mul_div(budget, claim, claimed) };
			}
		}
		sum
	}
}

/// `a * b / c` in 256 bits.
fn mul_div(a: Balance, b: Balance, c: Balance) -> Balance {
	use polkadot_sdk::sp_core::U256;
	(U256::from(a) * U256::from(b) / U256::from(c)).as_u128()
}

fn apply(step: &Step, model: &mut Model) {
	match step.clone() {
		Step::Accept { gain, trainer, lineage, evaluators } => {
			let submission = model.accepted;
			model.accepted += 1;
			let work = AcceptedWork { submission, lineage, ..work(gain, trainer, &evaluators) };
			let worth = learning::worth(gain, Parameters::<Test>::get().learning_rate);
			model.accrue(Budget::Learning, learning::divide(&work, worth));
			match VerifiedShares::get().get(&submission) {
				Some(shares) => model.accrue_data(worth, shares.clone()),
				None => drop(model.waiting.insert(submission, (running(), worth))),
			}
			accrue(work);
		}
		Step::Verify { submission, shares } => {
			verify(submission, &shares);
			// Too late it waits on, for nothing.
			let in_time = |(epoch, _): &(EpochNumber, Balance)| running() <= epoch + PATIENCE;
			if model.waiting.get(&submission).is_some_and(in_time) {
				let (_, worth) = model.waiting.remove(&submission).expect("just seen");
				let shares = VerifiedShares::get()[&submission].clone();
				model.accrue_data(worth, shares);
			}
		}
		Step::OtherBudget { budget, who, amount } => {
			model.accrue(budget, [(who, amount)]);
			Rewards::accrue(budget, [(who, amount)].into(), WORK);
		}
		Step::Wait { blocks, idle: with_idle } => {
			for _ in 0..blocks {
				run_to(System::block_number() + 1);
				model.watch();
			}
			if with_idle {
				idle();
			}
		}
		Step::Claim { who, back, by_another } => {
			let epoch = running().saturating_sub(back);
			let expiry = Parameters::<Test>::get().claim_expiry_epochs;
			let can =
				epoch < running() && running() <= epoch + expiry && Claims::<Test>::contains_key(epoch, who);
			let claimed = if by_another {
				Rewards::claim_for(RuntimeOrigin::signed(RICH), who, epoch)
			} else {
				claim(who, epoch)
			};
			assert_eq!(claimed.is_ok(), can, "{claimed:?}");
		}
		Step::ClaimCarried { who } => {
			let can = Carried::<Test>::get(who) >= Parameters::<Test>::get().min_payout;
			assert_eq!(Rewards::claim_carried(RuntimeOrigin::signed(who)).is_ok(), can);
		}
		Step::SetParameters { epoch_blocks, min_payout, rate, expiry } => {
			let parameters = RewardParameters {
				epoch_blocks,
				min_payout,
				learning_rate: rate,
				claim_expiry_epochs: expiry,
				..parameters()
			};
			Rewards::force_set_parameters(RuntimeOrigin::root(), parameters).expect("they make sense");
		}
	}
}

/// What `who` lost by not claiming in time.
fn expired(who: AccountId) -> Balance {
	let amount = |event| match event {
		Event::ClaimExpired { account, amount, .. } if account == who => amount,
		_ => 0,
	};
	events().into_iter().map(amount).sum()
}

/// What the claims of `who` in storage on closed epochs come to.
fn unsettled(who: AccountId) -> Balance {
	OpenClaims::<Test>::get(who)
		.into_iter()
		.filter(|epoch| *epoch < running())
		.map(|epoch| Rewards::quote_of(who, epoch))
		.sum()
}

fn run(supply: Balance, steps: &[Step]) {
	ExtBuilder { supply, ..Default::default() }.build_and_execute(|| {
		let purses = FILLED.iter().map(|(number, amount)| (dataset(*number), *amount)).collect();
		let mut model = Model { purses, ..Model::default() };
		Purses::set(model.purses.clone());
		model.watch();
		for step in steps {
			apply(step, &mut model);
			Rewards::do_try_state().unwrap_or_else(|error| panic!("{error:?} after {step:?}"));
			assert!(Balances::total_issuance() <= SUPPLY_CAP);
		}
		let mut minted = 0;
		for who in ACCOUNTS {
			let had = balance(who) + Carried::<Test>::get(who) + unsettled(who) + expired(who);
			assert_eq!(had, model.entitled(who), "account {who} gets what the rule says, to the unit");
			minted += balance(who);
		}
		assert_eq!(AllTime::<Test>::get().minted, minted);
		assert_eq!(Balances::total_issuance(), supply + minted, "nothing else is minted");
		// What left the purses was claimed, dataset by dataset, and what was not is still in them.
		let mut drawn = BTreeMap::<DatasetId, Balance>::new();
		for event in events() {
			if let Event::DataAccrued { dataset, purse, .. } = event {
				*drawn.entry(dataset).or_default() += purse;
			}
		}
		for (number, amount) in FILLED {
			let drawn = drawn.remove(&dataset(number)).unwrap_or_default();
			assert_eq!(drawn + Purses::get()[&dataset(number)], amount, "dataset {number}");
		}
		assert!(drawn.into_values().all(|drawn| drawn == 0), "a dataset without a purse drew of one");
		let waits = |submission| model.waiting.contains_key(&submission);
		assert!(WaitingShares::<Test>::iter_keys().all(waits), "what waits is what was not paid");
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(96))]

	#[test]
	fn settlement_should_be_exact_in_every_history(steps in proptest::collection::vec(step(), 1..80)) {
		run(GENESIS_SUPPLY, &steps);
	}

	#[test]
	fn supply_should_never_pass_the_cap(
		steps in proptest::collection::vec(step(), 1..80),
		room in 0..100 * BLY,
	) {
		run(SUPPLY_CAP - room, &steps);
	}
}
