//! A canary from the key to the payment, with no part replaced.

use super::{
	chain::{account, run_to, signed, with_preset},
	rounds::{measured, set_up, submit_sealed, EVALUATORS, TRAINER},
};
use crate::*;
use blyan_primitives::{
	api::{BlockStanding, RoundPhase},
	canary,
	economy::BLY,
	learning::{commitment, NanoBits, RejectReason, Verdict},
};
use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect};
use sp_core::Pair as _;
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::{Bob, Ferdie, One};

const SALT: [u8; 32] = [7; 32];
const WORSE: NanoBits = -50_000_000;
const GOOD: NanoBits = 50_000_000;

#[test]
fn a_canary_should_cost_who_accepts_it_a_tenth_and_be_paid_from_the_audit_budget() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up();
		let validator = account(Bob);
		let pair = sp_core::sr25519::Pair::from_seed(&[3; 32]);
		let key = pair.public().0;
		let stranger = canary::prove_ownership(&pair, &account(One));
		let refused = pallet_canaries::Error::<Runtime>::NotValidator;
		assert_noop!(Canaries::set_key(signed(One), key, stranger), refused);
		assert_ok!(Canaries::set_key(signed(Bob), key, canary::prove_ownership(&pair, &validator)));
		let since = Canaries::canary_key(key).expect("just set").since;
		while Canaries::lottery(None).is_none_or(|period| period.number < since) {
			run_to(System::block_number() + 1);
		}

		let period = Canaries::lottery(None).expect("one runs");
		let (lot, proof) = canary::draw(&pair, period.number, &period.randomness);
		assert!(canary::is_drawn(lot, period.chance), "the preset draws every key");
		let seal = |blocks: &[Hash]| canary::seal(&key, &account(TRAINER), blocks, &SALT);
		let trainer = Balances::total_balance(&account(TRAINER));
		let root = ExpertDag::model_info(model).and_then(|model| model.root);
		let round = submit_sealed(model, 50, seal);
		run_to(System::block_number() + 4);
		let info = ProofOfLearning::round(round).expect("the round is there");
		let finding = |who| measured(if who == Ferdie { GOOD } else { WORSE });
		for who in EVALUATORS {
			let hash = commitment(&account(who), round, info.attempt, &info.blocks, &finding(who), &SALT);
			assert_ok!(ProofOfLearning::commit(signed(who), round, hash));
		}
		for who in EVALUATORS {
			assert_ok!(ProofOfLearning::reveal(signed(who), round, finding(who), SALT));
		}
		assert_ok!(Canaries::reveal(signed(One), round, period.number, key, proof, SALT));
		let Some(RoundPhase::Contest { until }) = ProofOfLearning::round(round).map(|info| info.phase) else {
			panic!("it can still be contested");
		};
		run_to(until + 1);

		let info = ProofOfLearning::round(round).expect("closed rounds are kept");
		assert_eq!(info.phase, RoundPhase::Closed(Verdict::Rejected(RejectReason::Canary)));
		assert_eq!(ExpertDag::model_info(model).and_then(|model| model.root), root, "the head stays");
		let standing = ExpertDag::block_info(info.blocks[0]).map(|block| block.standing);
		assert_eq!(standing, Some(BlockStanding::Rejected));
		let bond = |who| Workers::worker(&account(who)).map(|worker| worker.bond);
		assert_eq!(bond(Ferdie), Some(900 * BLY), "a tenth");
		assert!(EVALUATORS.iter().filter(|who| **who != Ferdie).all(|who| bond(*who) == Some(1_000 * BLY)));
		let fee = trainer - Balances::total_balance(&account(TRAINER));
		assert_eq!(fee, 10 * BLY, "the bond is back but for the fee");
		let epoch = pallet_rewards::CurrentEpoch::<Runtime>::get().expect("one runs").number;
		let claim = pallet_rewards::Claims::<Runtime>::get(epoch, &validator).expect("it is paid");
		assert_eq!(claim.audits, 30 * BLY, "and a reward of 20");
		// An epoch in which nobody learned or served has nothing for audits (spec "BLY": a fifth of that at most).
		assert_eq!(Rewards::owed(&validator).1, 0);
		assert_eq!(Rewards::owed(&account(TRAINER)), (0, 0));
		let again = Canaries::reveal(signed(One), round, period.number, key, proof, SALT);
		assert!(again.is_err());
	});
}
