//! A round that is judged by sealed shards, from the sealing to what is returned and lost, with no part replaced.

use super::{
	chain::{account, run_to, signed, with_preset},
	rounds::{set_up, submit},
};
use crate::*;
use blyan_primitives::{
	api::RoundPhase,
	cid::{Cid, CidCodec},
	draw::round_shards,
	economy::BLY,
	learning::{
		commitment, DomainName, Finding, NanoBits, RejectReason, Report, ShardLosses, Verdict, BIT_PER_BYTE,
	},
	sealed::{key_hash, LotId, LotState, NewLot, SealedShards as Measured, SealedTerms},
};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold, BoundedVec};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::{self, *};

const OWNER: Sr25519Keyring = Alice;
const SEALERS: [Sr25519Keyring; 3] = [Bob, One, Two];
const SALT: [u8; 32] = [7; 32];
const SHARDS_PER_LOT: u32 = 2;

fn key(lot: LotId) -> [u8; 32] {
	[lot as u8 + 1; 32]
}

fn new_lot(number: LotId) -> NewLot {
	NewLot {
		content: Cid { codec: CidCodec::Raw, digest: [0x60 + number as u8; 32] },
		shards: SHARDS_PER_LOT,
		shard_bytes: 16,
		root: Hash::repeat_byte(0x70 + number as u8),
		key_hash: key_hash(&key(number)),
		domain: DomainName::truncate_from(b"prose".to_vec()),
	}
}

/// Two lots of each sealer, of which rounds of the model are judged by three.
fn seal(model: u32) {
	for (place, sealer) in SEALERS.into_iter().enumerate() {
		let lots = vec![new_lot(2 * place as u64), new_lot(2 * place as u64 + 1)];
		assert_ok!(SealedShards::add_lots(signed(sealer), model, BoundedVec::truncate_from(lots)));
	}
	let terms = |lots| SealedTerms { lots, shards_per_lot: SHARDS_PER_LOT };
	assert_noop!(
		SealedShards::set_terms(signed(OWNER), model, terms(5)),
		pallet_sealed_shards::Error::<Runtime>::TermsInvalid
	);
	assert_ok!(SealedShards::set_terms(signed(OWNER), model, terms(3)));
	run_to(System::block_number() + 1);
}

fn held(who: Sr25519Keyring) -> Balance {
	Balances::total_balance_on_hold(&account(who))
}

fn lots(round: u64) -> Vec<LotId> {
	ProofOfLearning::sealed_lots(round)
}

/// What the committee reports if the candidate gains that much in public, and that much on the sealed shards.
fn finding(round: u64, public: NanoBits, sealed: NanoBits) -> Finding {
	let info = ProofOfLearning::round(round).expect("the round is there");
	let (pool, gate) = (info.pool.expect("drawn"), info.gate.expect("drawn"));
	let measured = Measured { lots: lots(round).len() as u32, shards_per_lot: SHARDS_PER_LOT };
	let shards = round_shards(info.seed.expect("drawn"), &pool, &gate, &measured);
	assert_eq!(shards.len() as u32, 4 + measured.shards());
	let losses: Vec<_> = (0..shards.len())
		.map(|place| if place < 4 { public } else { sealed })
		.map(|gain| ShardLosses { baseline: 3 * BIT_PER_BYTE, candidate: 3 * BIT_PER_BYTE - gain })
		.collect();
	Finding::Measured(Report::of_losses(&pool, &gate, &shards, &losses))
}

fn conclude(round: u64, finding: &Finding) -> Verdict {
	let info = ProofOfLearning::round(round).expect("the round is there");
	assert!(matches!(info.phase, RoundPhase::Commit { .. }), "{:?}", info.phase);
	let members = || [Dave, Eve, Ferdie].into_iter();
	for key in members() {
		let hash = commitment(&account(key), round, info.attempt, &info.blocks, finding, &SALT);
		assert_ok!(ProofOfLearning::commit(signed(key), round, hash));
	}
	for key in members() {
		assert_ok!(ProofOfLearning::reveal(signed(key), round, finding.clone(), SALT));
	}
	if let Some(RoundPhase::Contest { until }) = ProofOfLearning::round(round).map(|info| info.phase) {
		run_to(until + 1);
	}
	match ProofOfLearning::round(round).expect("the round is there").phase {
		RoundPhase::Closed(verdict) => verdict,
		phase => panic!("the round is still open: {phase:?}"),
	}
}

#[test]
fn what_gains_in_public_alone_should_be_refused_when_a_round_has_sealed_shards() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up();
		seal(model);
		let round = submit(model, 50);
		run_to(System::block_number() + 4);
		let drawn = lots(round);
		assert_eq!(drawn.iter().map(|lot| lot / 2).collect::<alloc::collections::BTreeSet<_>>().len(), 3);
		assert!(matches!(
			ProofOfLearning::round(round).map(|info| info.phase),
			Some(RoundPhase::Opening { .. })
		));
		for lot in &drawn {
			assert_ok!(SealedShards::open(signed(Ferdie), *lot, key(*lot)));
		}
		assert_eq!(conclude(round, &finding(round, 900_000_000, 0)), Verdict::Rejected(RejectReason::NoGain));
		assert_eq!(SealedShards::retired(model, 0, 10).0.len(), 3);
		// A local network keeps retired lots for 40 blocks.
		run_to(System::block_number() + 40);
		assert_ok!(SealedShards::reclaim(signed(Alice), drawn[0]));
		assert!(SealedShards::lot(drawn[0]).is_none());
	});
}

#[test]
fn a_gain_should_be_accepted_on_what_was_opened_and_the_silent_sealer_slashed() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up();
		seal(model);
		let round = submit(model, 50);
		run_to(System::block_number() + 4);
		let drawn = lots(round);
		let silent = SEALERS[drawn[1] as usize / 2];
		let before = held(silent);
		for lot in [drawn[0], drawn[2]] {
			assert_ok!(SealedShards::open(signed(Ferdie), lot, key(lot)));
		}
		let Some(RoundPhase::Opening { until }) = ProofOfLearning::round(round).map(|info| info.phase) else {
			panic!("a lot is not open yet")
		};
		run_to(until + 1);
		assert_eq!(lots(round), [drawn[0], drawn[2]]);
		assert_eq!(before - held(silent), 50 * BLY + BLY / 2, "the bond is burned, the deposit returned");
		assert!(SealedShards::lot(drawn[1]).is_none());
		assert_eq!(conclude(round, &finding(round, 50_000_000, 50_000_000)), Verdict::Accepted);
		let states = [drawn[0], drawn[2]].map(|lot| SealedShards::lot(lot).expect("kept").state);
		assert!(states.iter().all(|state| matches!(state, LotState::Retired { .. })), "{states:?}");
	});
}
