//! A round from submission to payment, with no part replaced.

use super::chain::{account, run_to, signed, with_preset};
use crate::*;
use blyan_primitives::{
	api::{BlockStanding, RoundPhase},
	architecture::{Architecture, ExpertCount},
	cid::{Cid, CidCodec},
	dag::{
		Block, BlockId, BlockIds, BlockKind, Component, ContentFormat, ModelId, NewBlock, NewBlocks, Parents,
		SubmissionId,
	},
	delta::DeltaChain,
	economy::{BLY, GENESIS_SUPPLY},
	learning::{
		commitment, Domain, DomainName, Finding, Gate, NanoBits, RejectReason, Report, ValidationPool,
		Verdict, BIT_PER_BYTE,
	},
	merkle::version_root_of_heads,
	migration::Migration,
	submission::Envelope,
	worker::{Role, Roles},
};
use frame_support::{
	assert_ok,
	traits::{
		fungible::{Inspect, InspectHold},
		Get,
	},
	BoundedVec,
};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::{self, *};

const OWNER: Sr25519Keyring = Alice;
pub const TRAINER: Sr25519Keyring = Charlie;
pub const EVALUATORS: [Sr25519Keyring; 3] = [Dave, Eve, Ferdie];
const SALT: [u8; 32] = [7; 32];

fn architecture() -> Architecture {
	Architecture::byte_level(1, ExpertCount { min: 2, current: 2, max: 4 }, 2, 8, 8, 2, 16)
}

fn new_block(component: Component, kind: BlockKind, parents: Parents, content: u8) -> NewBlock {
	NewBlock {
		component,
		kind,
		parents,
		content: Cid { codec: CidCodec::Raw, digest: [content; 32] },
		bytes: 1_000,
		format: ContentFormat::TensorBlock,
		manifest_hash: Hash::repeat_byte(content),
	}
}

/// Registers everybody and a model whose training is open.
pub fn set_up() -> ModelId {
	for (place, key) in [TRAINER].into_iter().chain(EVALUATORS).enumerate() {
		let roles = if key == TRAINER {
			Roles::default().with(Role::Trainer)
		} else {
			Roles::default().with(Role::Evaluator)
		};
		assert_ok!(Workers::register(
			signed(key),
			roles,
			Hash::repeat_byte(place as u8),
			[place as u8; 32],
			BoundedVec::truncate_from(b"http://127.0.0.1:1".to_vec()),
			1_000 * BLY,
		));
	}
	assert_ok!(ExpertDag::register_model(
		signed(OWNER),
		BoundedVec::truncate_from(b"tiny".to_vec()),
		architecture()
	));
	let blocks = architecture()
		.components()
		.enumerate()
		.map(|(place, component)| new_block(component, BlockKind::Genesis, Parents::default(), place as u8))
		.collect::<Vec<_>>();
	let model = 0;
	assert_ok!(ExpertDag::add_genesis_blocks(signed(OWNER), model, NewBlocks::truncate_from(blocks)));
	let pool = ValidationPool {
		content: Cid { codec: CidCodec::Raw, digest: [9; 32] },
		shard_bytes: 16,
		domains: BoundedVec::truncate_from(vec![Domain { name: DomainName::default(), shards: 8 }]),
	};
	let gate = Gate {
		z_milli: 2_326,
		delta: 1_000_000,
		rho: 20_000_000,
		tolerance: 1_000_000,
		shards_per_domain: 4,
	};
	let referee = Hash::repeat_byte(8);
	assert_ok!(ProofOfLearning::open_training(signed(OWNER), model, pool, gate, referee));
	model
}

pub fn submit(model: ModelId, content: u8) -> SubmissionId {
	submit_sealed(model, content, |_| Hash::default())
}

/// Submits with that seal of its blocks.
pub fn submit_sealed(model: ModelId, content: u8, seal: impl Fn(&[BlockId]) -> Hash) -> SubmissionId {
	let component = Component::Expert { layer: 0, index: 1 };
	let head = ExpertDag::manifest(model, None, 0, 10)
		.into_iter()
		.find(|entry| entry.component == component)
		.expect("the expert has a head");
	let block = new_block(component, BlockKind::Update, Parents::truncate_from(vec![head.block]), content);
	let ids = [Block::from_new(model, account(TRAINER), block.clone()).id()];
	let envelope = Envelope { seal: seal(&ids), ..Envelope::default() };
	let blocks = NewBlocks::truncate_from(vec![block]);
	assert_ok!(ProofOfLearning::submit(signed(TRAINER), model, blocks, envelope));
	(0..).take_while(|round| ProofOfLearning::round(*round).is_some()).last().expect("the round is there")
}

pub fn measured(gain: NanoBits) -> Finding {
	Finding::Measured(Report {
		baseline: 3 * BIT_PER_BYTE,
		gain,
		standard_error: 1_000_000,
		domain_gains: BoundedVec::truncate_from(vec![gain]),
		losses_root: Hash::repeat_byte(5),
	})
}

/// Runs the round to its end with every evaluator finding the same, and nobody contesting it.
pub fn conclude(round: SubmissionId, finding: &Finding) -> Verdict {
	run_to(System::block_number() + 4);
	let info = ProofOfLearning::round(round).expect("the round is there");
	assert!(matches!(info.phase, RoundPhase::Commit { .. }), "{:?}", info.phase);
	assert_eq!(info.committee.len(), 3);
	for key in EVALUATORS {
		let hash = commitment(&account(key), round, info.attempt, &info.blocks, finding, &SALT);
		assert_ok!(ProofOfLearning::commit(signed(key), round, hash));
	}
	run_to(System::block_number() + 1);
	for key in EVALUATORS {
		assert_ok!(ProofOfLearning::reveal(signed(key), round, finding.clone(), SALT));
	}
	if let Some(RoundPhase::Contest { until }) = ProofOfLearning::round(round).map(|info| info.phase) {
		run_to(until);
	}
	run_to(System::block_number() + 1);
	match ProofOfLearning::round(round).expect("the round is there").phase {
		RoundPhase::Closed(verdict) => verdict,
		phase => panic!("the round is still open: {phase:?}"),
	}
}

#[test]
fn an_improvement_should_become_head_and_be_paid() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up();
		let before = Balances::balance(&account(TRAINER));
		let round = submit(model, 50);
		assert!(
			Balances::total_balance_on_hold(&account(TRAINER)) > 1_000 * BLY,
			"worker's and submission's bond"
		);
		assert_eq!(conclude(round, &measured(50_000_000)), Verdict::Accepted);

		let info = ProofOfLearning::round(round).expect("closed rounds are kept");
		let block = ExpertDag::block_info(info.blocks[0]).expect("the block is in the graph");
		assert_eq!(block.standing, BlockStanding::Head { since: 1 });
		let manifest = ExpertDag::manifest(model, None, 0, 10);
		let heads = manifest
			.iter()
			.map(|entry| (architecture().component_index(entry.component).expect("declared"), entry.block));
		assert_eq!(
			ExpertDag::model_info(model).and_then(|model| model.root),
			version_root_of_heads(&architecture(), heads),
			"a worker computes the version root that the chain names"
		);
		assert_eq!(
			Balances::total_balance_on_hold(&account(TRAINER)),
			1_000 * BLY,
			"the worker's bond alone"
		);
		assert_eq!(Balances::balance(&account(TRAINER)), before, "the submission's bond is back");

		// The epoch closes, and each pulls what they earned.
		run_to(System::block_number() + 25);
		let supply = Balances::total_issuance();
		assert_eq!(supply, GENESIS_SUPPLY, "nothing is minted before it is claimed");
		let mut minted = 0;
		for key in [TRAINER].into_iter().chain(EVALUATORS) {
			let (claimable, accruing) = Rewards::owed(&account(key));
			assert!(claimable > 0 && accruing == 0, "{key:?}: {claimable} {accruing}");
			let before = Balances::balance(&account(key));
			assert_ok!(Rewards::claim(signed(key), 0));
			assert_eq!(Balances::balance(&account(key)) - before, claimable);
			minted += claimable;
		}
		assert_eq!(Balances::total_issuance(), supply + minted);
	});
}

fn head_of(model: ModelId, component: Component) -> BlockId {
	let manifest = ExpertDag::manifest(model, None, 0, 20);
	manifest.iter().find(|entry| entry.component == component).expect("it has a head").block
}

fn newest_round() -> SubmissionId {
	(0..).take_while(|round| ProofOfLearning::round(*round).is_some()).last().expect("a round is there")
}

#[test]
fn a_migration_should_go_through_a_round_like_any_block() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up();
		// Trained for the architecture before, and overtaken.
		let overtaken = submit(model, 50);
		let migration = Migration::WidenFfn { d_ff: 16 };
		assert_ok!(ExpertDag::propose_migration(signed(OWNER), model, migration));
		let blocks = migration.components(&architecture()).into_iter().map(|component| {
			let parents = Parents::truncate_from(vec![head_of(model, component)]);
			new_block(component, BlockKind::Migration, parents, 60)
		});
		let blocks = NewBlocks::truncate_from(blocks.collect());
		assert_eq!(blocks.len(), 2);
		assert_ok!(ProofOfLearning::submit_migration(
			signed(TRAINER),
			model,
			migration,
			blocks,
			Envelope::default()
		));
		let round = newest_round();
		assert_eq!(conclude(round, &measured(0)), Verdict::Accepted, "it computes the same as before");

		let info = ExpertDag::model_info(model).expect("the model is there");
		assert_eq!(info.architecture, Architecture { d_ff: 16, ..architecture() });
		assert_eq!(info.version.to_string(), "1.0.0");
		let version = ExpertDag::version_info(model, Some(0)).expect("the old version is known");
		assert_eq!(version.architecture, architecture());
		let changed = ExpertDag::difference(model, 0, 1, 0, 20);
		assert_eq!(changed.len(), 2);

		// Its committee was drawn before: the next draw finds that it does not fit any more.
		let info = ProofOfLearning::round(overtaken).expect("the round is there");
		if let RoundPhase::Commit { until } = info.phase {
			run_to(until + 4);
		}
		let closed = ProofOfLearning::round(overtaken).expect("closed rounds are kept").phase;
		assert_eq!(closed, RoundPhase::Closed(Verdict::Inconclusive));
	});
}

#[test]
fn a_chain_of_deltas_should_be_compacted_for_the_fee() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up();
		let component = Component::Expert { layer: 0, index: 0 };
		let send = |kind, content| {
			let parents = Parents::truncate_from(vec![head_of(model, component)]);
			let blocks = NewBlocks::truncate_from(vec![new_block(component, kind, parents, content)]);
			assert_ok!(ProofOfLearning::submit(signed(TRAINER), model, blocks, Envelope::default()));
			newest_round()
		};
		assert_eq!(conclude(send(BlockKind::Delta, 61), &measured(50_000_000)), Verdict::Accepted);
		let delta = ExpertDag::block_info(head_of(model, component)).expect("the head is a block");
		assert_eq!(delta.deltas, DeltaChain::whole(1_000).extended(1_000));

		let before = Balances::total_balance(&account(TRAINER));
		let equal = Finding::Measured(Report::of_equal_content(1));
		assert_eq!(conclude(send(BlockKind::Snapshot, 62), &equal), Verdict::Accepted);
		let fee = pallet_proof_of_learning::Parameters::<Runtime>::get().measurement_fee;
		let paid = before - Balances::total_balance(&account(TRAINER));
		assert_eq!(paid, fee / 3 * 3, "in equal parts; what does not divide returned");
		let whole = ExpertDag::block_info(head_of(model, component)).expect("the head is a block");
		assert_eq!((whole.deltas.length, whole.block.kind), (0, BlockKind::Snapshot));
		assert_eq!(ExpertDag::children(delta.id, 0, 9), [whole.id]);
	});
}

#[test]
fn a_head_should_be_rolled_back_when_a_later_measurement_shows_harm() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up();
		let component = Component::Expert { layer: 0, index: 1 };
		let first = head_of(model, component);
		let round = submit(model, 50);
		assert_eq!(conclude(round, &measured(50_000_000)), Verdict::Accepted);
		let bad = head_of(model, component);
		let trial = ExpertDag::block_info(bad).and_then(|info| info.probation_until);
		let days: BlockNumber = <Runtime as pallet_expert_dag::Config>::ProbationBlocks::get();
		let released_at = ExpertDag::version_info(model, None).expect("it is released").released_at;
		assert_eq!(trial, Some(released_at + days));

		let blocks = BlockIds::truncate_from(vec![bad]);
		assert_ok!(ProofOfLearning::roll_back(signed(Bob), model, blocks.clone(), Envelope::default()));
		let refused = conclude(newest_round(), &measured(0));
		assert_eq!(refused, Verdict::Rejected(RejectReason::NoGain));
		assert_eq!(head_of(model, component), bad);

		assert_ok!(ProofOfLearning::roll_back(signed(Bob), model, blocks, Envelope::default()));
		assert_eq!(conclude(newest_round(), &measured(50_000_000)), Verdict::Accepted);
		let back = ExpertDag::block_info(head_of(model, component)).expect("the head is a block");
		assert_eq!((back.block.kind, back.block.parents[0]), (BlockKind::Rollback, first));
		let standing = ExpertDag::block_info(bad).map(|info| info.standing);
		assert_eq!(standing, Some(BlockStanding::RolledBack { since: 2 }));
		let (_, accruing) = Rewards::owed(&account(Bob));
		assert_eq!(accruing, 0);
	});
}

#[test]
fn a_null_change_should_be_refused_and_pay_its_measurement() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up();
		let root = ExpertDag::model_info(model).and_then(|model| model.root);
		let supply = Balances::total_issuance();
		let trainer = Balances::total_balance(&account(TRAINER));
		let evaluators = EVALUATORS.map(|key| Balances::total_balance(&account(key)));
		let round = submit(model, 51);
		assert_eq!(conclude(round, &measured(0)), Verdict::Rejected(RejectReason::NoGain));
		assert_eq!(ExpertDag::model_info(model).and_then(|model| model.root), root, "the head stays");
		let paid = trainer - Balances::total_balance(&account(TRAINER));
		assert!(paid > 0, "an attempt is never free");
		let received: Balance = EVALUATORS
			.iter()
			.zip(evaluators)
			.map(|(key, before)| Balances::total_balance(&account(*key)) - before)
			.sum();
		assert_eq!(received, paid);
		assert_eq!(Balances::total_issuance(), supply);
	});
}

#[test]
fn withheld_content_should_forfeit_the_bond() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up();
		let supply = Balances::total_issuance();
		let before = Balances::total_balance(&account(TRAINER));
		let evaluators = EVALUATORS.map(|key| Balances::total_balance(&account(key)));
		let round = submit(model, 52);
		let bond = ProofOfLearning::round(round).expect("the round is there").bond;
		assert_eq!(conclude(round, &Finding::Unfetchable), Verdict::Rejected(RejectReason::Unfetchable));
		assert_eq!(before - Balances::total_balance(&account(TRAINER)), bond);
		let fee = pallet_proof_of_learning::Parameters::<Runtime>::get().measurement_fee;
		let received: Balance = EVALUATORS
			.iter()
			.zip(evaluators)
			.map(|(key, before)| Balances::total_balance(&account(*key)) - before)
			.sum();
		assert!(received <= fee && fee - received < 3, "an equal share each: {received} of {fee}");
		assert_eq!(
			supply - Balances::total_issuance(),
			bond - received,
			"what is not paid to evaluators is burned"
		);
		for key in EVALUATORS {
			assert!(
				Workers::worker(&account(key)).is_some_and(|worker| worker.active),
				"no evaluator is blamed"
			);
		}
	});
}

#[test]
fn a_round_should_restart_when_the_head_moved_under_it() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up();
		let first = submit(model, 53);
		let second = submit(model, 54);
		assert_eq!(conclude(first, &measured(50_000_000)), Verdict::Accepted);
		// The second was drawn against the old head; it starts again against the new one, and is measured.
		let finding = measured(40_000_000);
		let info = ProofOfLearning::round(second).expect("the round is there");
		for key in EVALUATORS {
			let hash = commitment(&account(key), second, info.attempt, &info.blocks, &finding, &SALT);
			// A commitment for the old attempt may or may not be taken any more; it cannot decide.
			let _ = ProofOfLearning::commit(signed(key), second, hash);
		}
		run_to(System::block_number() + 1);
		let restarted = ProofOfLearning::round(second).expect("the round is there");
		assert_eq!(restarted.attempt, info.attempt + 1);
		assert_eq!(conclude(second, &finding), Verdict::Accepted);
		assert_eq!(ExpertDag::model_info(model).map(|model| model.generation), Some(2));
	});
}
