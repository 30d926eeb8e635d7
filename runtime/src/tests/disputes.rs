//! A dispute from the contest to the payment, with no part replaced.

use super::{
	chain::{account, run_to, signed, with_preset},
	rounds::{set_up, submit},
};
use crate::*;
use blyan_primitives::{
	api::{DisputeStage, RoundPhase},
	draw::draw_shards,
	economy::BLY,
	learning::{
		commitment, referee_commitment, AllLosses, Finding, NanoBits, RefereeFinding, Report, ShardLosses,
		Verdict, BIT_PER_BYTE,
	},
	worker::{Role, Roles},
};
use frame_support::{assert_ok, traits::fungible::Inspect, BoundedVec};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::{self, *};

const CHALLENGER: Sr25519Keyring = Bob;
/// Evaluators besides those of [`set_up`]: as many as referees are drawn.
const MORE_EVALUATORS: [Sr25519Keyring; 3] = [One, Two, AliceStash];
const SALT: [u8; 32] = [7; 32];
/// Of a pool with one domain.
const SHARDS: usize = 4;

fn key_of(who: &AccountId) -> Sr25519Keyring {
	Sr25519Keyring::iter().find(|key| account(*key) == *who).expect("a development account")
}

fn losses(gain: NanoBits) -> Vec<ShardLosses> {
	vec![ShardLosses { baseline: 3 * BIT_PER_BYTE, candidate: 3 * BIT_PER_BYTE - gain }; SHARDS]
}

#[test]
fn a_liar_should_lose_its_dispute_and_the_round_be_settled_by_what_stands() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up();
		for (place, key) in MORE_EVALUATORS.into_iter().enumerate() {
			assert_ok!(Workers::register(
				signed(key),
				Roles::default().with(Role::Evaluator),
				Hash::repeat_byte(0x40 + place as u8),
				[1; 32],
				BoundedVec::truncate_from(b"http://127.0.0.1:1".to_vec()),
				1_000 * BLY,
			));
		}
		let round = submit(model, 50);
		run_to(System::block_number() + 4);
		let info = ProofOfLearning::round(round).expect("the round is there");
		assert_eq!(info.committee.len(), 3);
		let (pool, gate) = (info.pool.clone().expect("drawn"), info.gate.expect("drawn"));
		let shards = draw_shards(info.seed.expect("drawn"), &pool, &gate);
		let liar = info.committee[0].clone();
		let measured = |who: &AccountId| losses(if *who == liar { 900_000_000 } else { 50_000_000 });
		let finding =
			|who: &AccountId| Finding::Measured(Report::of_losses(&pool, &gate, &shards, &measured(who)));
		for who in &info.committee {
			let hash = commitment(who, round, info.attempt, &info.blocks, &finding(who), &SALT);
			assert_ok!(ProofOfLearning::commit(signed(key_of(who)), round, hash));
		}
		for who in &info.committee {
			assert_ok!(ProofOfLearning::reveal(signed(key_of(who)), round, finding(who), SALT));
		}
		let Some(RoundPhase::Contest { until }) = ProofOfLearning::round(round).map(|info| info.phase) else {
			panic!("what was measured can be contested");
		};

		let (supply, before) = (Balances::total_issuance(), Balances::total_balance(&account(CHALLENGER)));
		assert_ok!(Disputes::contest(signed(CHALLENGER), round, liar.clone(), 2));
		let dispute = Disputes::disputes(Some(round))[0].id;
		let all = AllLosses::truncate_from(measured(&liar));
		assert_ok!(Disputes::open(signed(key_of(&liar)), dispute, all));
		run_to(System::block_number() + 4);
		let opened = Disputes::dispute(dispute).expect("it is open");
		assert!(matches!(opened.stage, DisputeStage::Commit { .. }), "{:?}", opened.stage);
		assert_eq!((opened.referees.len(), opened.shard), (3, Some(shards[2])));
		assert!(opened.referees.iter().all(|who| !info.committee.contains(who)));
		let exact = RefereeFinding::Exact(losses(50_000_000)[2]);
		for who in &opened.referees {
			let hash = referee_commitment(who, dispute, opened.attempt, &exact, &SALT);
			assert_ok!(Disputes::commit(signed(key_of(who)), dispute, hash));
		}
		run_to(System::block_number() + 1);
		for who in &opened.referees {
			assert_ok!(Disputes::reveal(signed(key_of(who)), dispute, exact, SALT));
		}
		run_to(System::block_number() + 1);

		assert!(Disputes::dispute(dispute).is_none());
		let slash = 50 * BLY;
		assert_eq!(Workers::worker(&liar).map(|worker| worker.bond), Some(1_000 * BLY - slash));
		assert_eq!(Balances::total_balance(&account(CHALLENGER)), before + slash / 2);
		// A quarter is burned, and what does not divide among the referees: less than a billionth each.
		let burned = supply - Balances::total_issuance();
		assert!((slash / 4..slash / 4 + 3 * BLY / 1_000).contains(&burned), "{burned}");
		let info = ProofOfLearning::round(round).expect("the round is there");
		assert_eq!((info.struck, info.open_disputes), (vec![liar], 0));
		run_to(until.max(System::block_number()) + 2);
		let closed = ProofOfLearning::round(round).map(|info| info.phase);
		assert_eq!(closed, Some(RoundPhase::Closed(Verdict::Accepted)));
	});
}
