//! A flood of junk through the real pallets: 10,000 submissions in an hour from many bonded accounts must not delay
//! an honest one by more than a round.

use super::{chain::*, rounds::set_up};
use crate::*;
use blyan_primitives::{
	api::{RoundInfo, RoundPhase},
	cid::{Cid, CidCodec},
	dag::{
		Block as ModelBlock, BlockKind, Component, ContentFormat, ModelId, NewBlock, NewBlocks, Parents,
		SubmissionId,
	},
	economy::BLY,
	learning::{commitment, Finding, Report, BIT_PER_BYTE},
	submission::{work_bits, work_challenge, Envelope},
	traits::WorkerRegistry,
	worker::{Role, Roles},
};
use frame_support::{assert_ok, traits::Get, BoundedVec};
use pallet_proof_of_learning::{MeasuredRounds, Parameters, RoundParameters, WaitingRounds};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::Alice;
use std::collections::BTreeMap;

const HOUR: BlockNumber = 1_800;
const JUNK: u32 = 10_000;
/// Junk comes from as many accounts, each bonded as a worker.
const ATTACKERS: u32 = 1_000;
const EVALUATORS: u32 = 30;
/// When the honest ones come: the line is full of junk by then.
const ARRIVAL: BlockNumber = 1 + HOUR / 2;
/// Work that is asked for; a stand-in for the 2^23 of the default, so that the test ends.
const WORK_BITS: u32 = 1;
/// Bits that a newcomer in a hurry works for besides: 256 times as long.
const MORE_BITS: u32 = 8;
const SALT: [u8; 32] = [7; 32];

fn someone(kind: u8, number: u32) -> AccountId {
	let mut bytes = [kind; 32];
	bytes[..4].copy_from_slice(&number.to_le_bytes());
	AccountId::new(bytes)
}

/// An account with a bond as a worker of that role, and the means for eight submissions.
fn register(who: &AccountId, role: Role) {
	let to = who.clone().into();
	assert_ok!(Balances::transfer_allow_death(signed(Alice), to, 2_000 * BLY));
	assert_ok!(Workers::register(
		RuntimeOrigin::signed(who.clone()),
		Roles::default().with(role),
		blyan_primitives::merkle::leaf(0, who),
		[1; 32],
		BoundedVec::truncate_from(b"http://127.0.0.1:1".to_vec()),
		1_000 * BLY,
	));
}

/// Blocks that nobody has submitted before.
fn blocks(model: ModelId, number: u32) -> NewBlocks {
	let component = Component::Expert { layer: 0, index: 1 };
	let head = ExpertDag::manifest(model, None, 0, 10)
		.into_iter()
		.find(|entry| entry.component == component)
		.expect("the expert has a head");
	let mut digest = [0xaa; 32];
	digest[..4].copy_from_slice(&number.to_le_bytes());
	NewBlocks::truncate_from(vec![NewBlock {
		component,
		kind: BlockKind::Update,
		parents: Parents::truncate_from(vec![head.block]),
		content: Cid { codec: CidCodec::Raw, digest },
		bytes: 1_000,
		format: ContentFormat::TensorBlock,
		manifest_hash: Hash::zero(),
	}])
}

/// Submits with the work that is asked for and so many bits more; the round, if there is room.
fn submit(who: &AccountId, model: ModelId, number: u32, more_bits: u32) -> Option<SubmissionId> {
	let blocks = blocks(model, number);
	let ids = blocks
		.iter()
		.map(|new| ModelBlock::from_new(model, who.clone(), new.clone()).id())
		.collect::<Vec<_>>();
	let anchor = System::block_number() - 1;
	let hash = System::block_hash(anchor);
	let challenge = work_challenge(who, model, &ids, &Hash::zero(), &hash);
	let bits = ProofOfLearning::work_demand(who).bits + more_bits;
	let work = (0..).find(|work| work_bits(&challenge, *work) >= bits).expect("found before long");
	let envelope = Envelope { work, anchor, ..Envelope::default() };
	let round = pallet_proof_of_learning::NextRoundId::<Runtime>::get();
	let call = RuntimeCall::from(pallet_proof_of_learning::Call::submit { model, blocks, envelope });
	let sent = polkadot_sdk::frame_support::storage::with_storage_layer(|| {
		use sp_runtime::traits::Dispatchable;
		call.dispatch(RuntimeOrigin::signed(who.clone())).map_err(|refused| refused.error)
	});
	sent.is_ok().then_some(round)
}

/// Has every member of every committee do its part at the last moment; what is not among `good` gains nothing.
fn evaluate(good: &[SubmissionId]) {
	let now = System::block_number();
	for entry in MeasuredRounds::<Runtime>::get() {
		let Some(info) = ProofOfLearning::round(entry.round) else { continue };
		let gain = if good.contains(&info.id) { 50_000_000 } else { 0 };
		match info.phase {
			RoundPhase::Commit { until } if until == now => members(&info, gain, |who, finding| {
				let hash = commitment(&who, info.id, info.attempt, &info.blocks, &finding, &SALT);
				assert_ok!(ProofOfLearning::commit(RuntimeOrigin::signed(who), info.id, hash));
			}),
			RoundPhase::Reveal { until } if until == now => members(&info, gain, |who, finding| {
				assert_ok!(ProofOfLearning::reveal(RuntimeOrigin::signed(who), info.id, finding, SALT));
			}),
			_ => {}
		}
	}
}

fn members(info: &RoundInfo<AccountId>, gain: i64, act: impl Fn(AccountId, Finding)) {
	for who in &info.committee {
		let report = Report {
			baseline: 3 * BIT_PER_BYTE,
			gain,
			standard_error: 1_000_000,
			domain_gains: BoundedVec::truncate_from(vec![gain]),
			losses_root: Hash::repeat_byte(5),
		};
		act(who.clone(), Finding::Measured(report));
	}
}

/// Goes on by one block, which has a hash.
fn next_block() {
	let now = System::block_number();
	frame_system::BlockHash::<Runtime>::insert(now, blyan_primitives::merkle::leaf(0, &now));
	run_to(now + 1);
}

/// When a round was admitted to be measured.
fn admitted(round: SubmissionId) -> bool {
	ProofOfLearning::round(round).is_some_and(|info| info.phase != RoundPhase::Waiting)
}

#[test]
fn flood_of_junk_should_not_delay_an_honest_submission_by_more_than_a_round() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up();
		let parameters = RoundParameters { work_bits: WORK_BITS, ..RoundParameters::default() };
		let round_length = parameters.draw_delay
			+ (parameters.commit_blocks + 1)
			+ (parameters.reveal_blocks + 1)
			+ (parameters.contest_blocks + 1);
		Parameters::<Runtime>::put(&parameters);
		(0..EVALUATORS).for_each(|number| register(&someone(2, number), Role::Evaluator));
		(0..ATTACKERS).for_each(|number| register(&someone(3, number), Role::Trainer));
		// One had ten submissions accepted; two come new, and one of them works longer.
		let (known, new, eager) = (someone(4, 0), someone(4, 1), someone(4, 2));
		[&known, &new, &eager].into_iter().for_each(|who| register(who, Role::Trainer));
		(0..10).for_each(|_| Workers::note_accepted(&known));

		let per_block = JUNK / HOUR + 1;
		let (mut sent, mut taken) = (0, 0);
		let mut honest =
			BTreeMap::<&str, (AccountId, u32, Option<SubmissionId>, Option<BlockNumber>)>::from([
				("of earned reputation", (known, 0, None, None)),
				("new, with the least work", (new, 0, None, None)),
				("new, with 256 times the work", (eager, MORE_BITS, None, None)),
			]);
		let most_blocks = ARRIVAL + 25 * round_length;
		next_block();
		while System::block_number() < most_blocks && honest.values().any(|(.., at)| at.is_none()) {
			let now = System::block_number();
			for _ in 0..per_block.min(JUNK - sent) {
				let who = someone(3, sent % ATTACKERS);
				taken += u32::from(submit(&who, model, sent, 0).is_some());
				sent += 1;
			}
			for (place, (who, more_bits, round, at)) in honest.values_mut().enumerate() {
				// Who is refused comes again in every block.
				if now >= ARRIVAL && round.is_none() {
					*round = submit(who, model, 1_000_000 + place as u32, *more_bits);
				}
				if at.is_none() && round.is_some_and(admitted) {
					*at = Some(now);
				}
			}
			evaluate(&honest.values().filter_map(|(_, _, round, _)| *round).collect::<Vec<_>>());
			if now == ARRIVAL {
				let open = MeasuredRounds::<Runtime>::get().len() + WaitingRounds::<Runtime>::get().len();
				let most: u32 = <Runtime as pallet_proof_of_learning::Config>::MaxOpenRounds::get();
				assert_eq!(open, most as usize, "the line is full");
			}
			next_block();
		}
		assert_eq!(sent, JUNK);
		println!("{sent} submissions of junk from {ATTACKERS} accounts in an hour, {taken} taken; a round: {round_length} blocks");
		let mut delays = BTreeMap::new();
		for (what, (_, _, _, at)) in &honest {
			let delay = at.map(|at| at - ARRIVAL);
			println!("{what}: admitted after {delay:?} blocks");
			delays.insert(
				*what,
				delay.map_or(f64::INFINITY, |delay| f64::from(delay) / f64::from(round_length)),
			);
		}
		println!("in rounds: {delays:.2?}");
		assert!(delays["of earned reputation"] <= 1.0, "{delays:?}");
		assert!(delays["new, with 256 times the work"] <= 2.0, "{delays:?}");
	});
}
