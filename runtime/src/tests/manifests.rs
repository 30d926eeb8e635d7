//! A training manifest from the submission to its audit's end, with no part replaced.

use super::{
	chain::{account, run_to, signed, with_preset},
	rounds::set_up,
};
use crate::*;
use blyan_primitives::{
	api::AuditStage,
	cid::{Cid, CidCodec},
	dag::{BlockKind, Component, ContentFormat, ModelId, NewBlock, NewBlocks, Parents, SubmissionId},
	economy::BLY,
	manifest::{
		binding, commitment, AuditOutcome, DatasetUse, DatasetUses, ManifestFinding, TrainingManifest,
	},
	submission::Envelope,
	traits::VerifiedData,
	worker::{Role, Roles},
};
use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect, BoundedVec};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{DispatchResult, Perbill};

const OWNER: Sr25519Keyring = Alice;
const TRAINER: Sr25519Keyring = Charlie;
const CONTRIBUTOR: Sr25519Keyring = One;
const AUDITOR: Sr25519Keyring = Bob;
const SALT: [u8; 32] = [7; 32];
const EXPERT: Component = Component::Expert { layer: 0, index: 1 };

fn content(number: u8) -> Cid {
	Cid { codec: CidCodec::Raw, digest: [number; 32] }
}

fn head(model: ModelId) -> Hash {
	let heads = ExpertDag::manifest(model, None, 0, 10);
	heads.into_iter().find(|entry| entry.component == EXPERT).expect("it has a head").block
}

fn try_submit(model: ModelId, number: u8, with_manifest: bool) -> DispatchResult {
	let manifest = TrainingManifest {
		document: content(100 + number),
		document_bytes: 900,
		document_hash: Hash::repeat_byte(number),
		datasets: DatasetUses::truncate_from(vec![DatasetUse {
			dataset: content(77),
			weight: Perbill::one(),
		}]),
		sequence: 8,
		batch: 4,
		steps: 300,
		seed: 1,
		batches_root: Hash::repeat_byte(6),
	};
	let block = NewBlock {
		component: EXPERT,
		kind: BlockKind::Update,
		parents: Parents::truncate_from(vec![head(model)]),
		content: content(number),
		bytes: 1_000,
		format: ContentFormat::TensorBlock,
		manifest_hash: manifest.document_hash,
	};
	let envelope = Envelope { manifest: with_manifest.then_some(manifest), ..Envelope::default() };
	ProofOfLearning::submit(signed(TRAINER), model, NewBlocks::truncate_from(vec![block]), envelope)
		.map(|_| ())
		.map_err(|error| error.error)
}

/// Registers everybody; the model asks for manifests.
fn set_up_audits() -> ModelId {
	let model = set_up();
	assert_ok!(Workers::register(
		signed(AUDITOR),
		Roles::default().with(Role::Auditor),
		Hash::repeat_byte(0x50),
		[1; 32],
		BoundedVec::truncate_from(b"http://127.0.0.1:1".to_vec()),
		1_000 * BLY,
	));
	let contributor = account(CONTRIBUTOR);
	assert_ok!(Manifests::approve_dataset(signed(OWNER), model, content(77), 10_000, contributor));
	assert_ok!(Manifests::require_manifests(signed(OWNER), model, true));
	model
}

/// Has the one auditor of the local preset find that.
fn audit(round: SubmissionId, finding: ManifestFinding) -> AuditOutcome {
	run_to(System::block_number() + 4);
	let info = &Manifests::audits(Some(account(AUDITOR)))[0];
	assert_eq!((info.round, info.sample.len()), (round, 8));
	let hash = commitment(&account(AUDITOR), round, info.attempt, &finding, &SALT);
	assert_ok!(Manifests::commit(signed(AUDITOR), round, hash));
	run_to(System::block_number() + 1);
	assert_ok!(Manifests::reveal(signed(AUDITOR), round, finding, SALT));
	run_to(System::block_number() + 1);
	match Manifests::manifest(round).expect("it is kept").stage {
		AuditStage::Closed(outcome) => outcome,
		stage => panic!("the audit is still open: {stage:?}"),
	}
}

#[test]
fn a_manifest_should_be_verified_and_its_contributor_named() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up_audits();
		assert_noop!(try_submit(model, 50, false), pallet_manifests::Error::<Runtime>::ManifestRequired);
		assert_ok!(try_submit(model, 50, true));
		let info = Manifests::manifest(0).expect("it was submitted");
		assert_eq!(info.binding, binding(&account(TRAINER), model, &[Some(head(model))]));
		assert_eq!(audit(0, ManifestFinding::Match), AuditOutcome::Verified);
		assert_eq!(Manifests::shares(0), Some(vec![(account(CONTRIBUTOR), Perbill::one())]));
	});
}

#[test]
fn a_forged_manifest_should_cost_a_tenth_of_the_bond_and_a_day() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up_audits();
		let before = Balances::total_balance(&account(TRAINER));
		assert_ok!(try_submit(model, 50, true));
		let finding = ManifestFinding::Mismatch { batch: None };
		assert_eq!(audit(0, finding), AuditOutcome::Mismatch { batch: None });
		assert_eq!(before - Balances::total_balance(&account(TRAINER)), 100 * BLY);
		assert_eq!(Manifests::shares(0), None);
		assert_noop!(try_submit(model, 51, true), pallet_manifests::Error::<Runtime>::Banned);
		let until = pallet_manifests::BannedUntil::<Runtime>::get(account(TRAINER)).expect("banned");
		assert_eq!(until, System::block_number() + 43_200);
		System::set_block_number(until);
		assert_ok!(try_submit(model, 51, true));
	});
}
