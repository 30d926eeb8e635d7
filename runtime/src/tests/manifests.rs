//! A training manifest from the submission to its audit's end, with no part replaced.

use super::{
	chain::{account, run_to, signed, with_preset},
	rounds::{conclude, measured, set_up},
};
use crate::*;
use blyan_primitives::{
	api::{AuditStage, DataUseInfo},
	cid::{Cid, CidCodec},
	dag::{BlockKind, Component, ContentFormat, ModelId, NewBlock, NewBlocks, Parents, SemVer, SubmissionId},
	datasets::{DatasetOffer, DatasetStage, Tier},
	economy::BLY,
	learning::{RejectReason, Verdict, BIT_PER_BYTE},
	manifest::{
		binding, commitment, AuditOutcome, DataTerms, DatasetId, DatasetUse, DatasetUses, ManifestFinding,
		TrainingManifest,
	},
	submission::Envelope,
	traits::{DataShare, VerifiedData},
	worker::{Role, Roles},
};
use frame_support::{assert_noop, assert_ok, traits::fungible::Inspect, BoundedVec};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::{self, *};
use sp_runtime::{DispatchResult, Perbill};

const OWNER: Sr25519Keyring = Alice;
const TRAINER: Sr25519Keyring = Charlie;
const CONTRIBUTOR: Sr25519Keyring = One;
const OTHER_CONTRIBUTOR: Sr25519Keyring = Two;
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

/// What submissions learned from.
fn mixture() -> DatasetUses {
	let used =
		|(number, percent)| DatasetUse { dataset: content(number), weight: Perbill::from_percent(percent) };
	DatasetUses::truncate_from([(77, 70), (78, 30)].map(used).to_vec())
}

fn try_submit(model: ModelId, number: u8, with_manifest: bool) -> DispatchResult {
	let manifest = TrainingManifest {
		document: content(100 + number),
		document_bytes: 900,
		document_hash: Hash::repeat_byte(number),
		datasets: mixture(),
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

/// As if it had been offered, audited and voted on.
fn approve(dataset: DatasetId, contributor: Sr25519Keyring, tier: Tier) {
	let offer = DatasetOffer {
		content: dataset,
		document_bytes: 900,
		bytes: 10_000,
		samples: 100,
		name: BoundedVec::truncate_from(b"jargon-file".to_vec()),
		version: SemVer { major: 1, minor: 0, patch: 0 },
		licence: BoundedVec::truncate_from(b"CC0-1.0".to_vec()),
		domain: BoundedVec::truncate_from(b"computing".to_vec()),
		languages: BoundedVec::default(),
	};
	let approved = pallet_datasets::Dataset {
		offer,
		contributor: account(contributor),
		offered_at: 0,
		stage: DatasetStage::Approved { tier, since: 0 },
		due: None,
		audits: 1,
		report: None,
		score: 500_000,
		ballot: None,
		deposit: 0,
	};
	pallet_datasets::Datasets::<Runtime>::insert(dataset, approved);
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
	approve(content(77), CONTRIBUTOR, Tier::Silver);
	approve(content(78), OTHER_CONTRIBUTOR, Tier::Gold);
	let terms = DataTerms { manifest_required: true, least_tier: Tier::Silver };
	assert_ok!(Manifests::set_data_terms(signed(OWNER), model, terms));
	model
}

/// Has the one auditor of the local preset find that.
fn audit(round: SubmissionId, finding: ManifestFinding) -> AuditOutcome {
	run_to(System::block_number() + 4);
	audit_now(round, finding)
}

/// The same, of an audit that awaits commitments.
fn audit_now(round: SubmissionId, finding: ManifestFinding) -> AuditOutcome {
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
		let share = |(used, key): (DatasetUse, _)| DataShare {
			dataset: used.dataset,
			contributor: account(key),
			share: used.weight,
		};
		let shares = mixture().into_iter().zip([CONTRIBUTOR, OTHER_CONTRIBUTOR]).map(share).collect();
		assert_eq!(Manifests::shares(0), Some(shares));
	});
}

#[test]
fn a_manifest_should_be_refused_when_its_dataset_is_not_good_enough_or_not_approved() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up_audits();
		approve(content(77), CONTRIBUTOR, Tier::Experimental);
		assert_noop!(try_submit(model, 50, true), pallet_manifests::Error::<Runtime>::DatasetBelowTier(0));
		pallet_datasets::Datasets::<Runtime>::remove(content(77));
		assert_noop!(try_submit(model, 50, true), pallet_manifests::Error::<Runtime>::DatasetNotApproved(0));
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

/// What an account claims of the data's budget, in all epochs that are kept.
fn data_claim(key: Sr25519Keyring) -> Balance {
	let claims = pallet_rewards::Claims::<Runtime>::iter().filter(|(_, who, _)| *who == account(key));
	claims.map(|(_, _, claim)| claim.data).sum()
}

/// From two approved datasets to lineage both ways, and to what their contributors are paid. The dataset chain in front of
/// it is left out: [`approve`] stands for what `datasets.rs` goes through.
#[test]
fn data_should_be_paid_and_kept_in_the_lineage_when_a_model_gains_by_it() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		let model = set_up_audits();
		assert_eq!(Lineage::dataset_utility(content(77)), None);
		assert_ok!(try_submit(model, 50, true));
		assert_eq!(audit(0, ManifestFinding::Match), AuditOutcome::Verified);
		assert_eq!(Lineage::model_lineage(model, None, 10), (vec![], None), "not before the verdict");
		let gain = 50_000_000;
		assert_eq!(conclude(0, &measured(gain)), Verdict::Accepted);

		let (mut uses, next) = Lineage::model_lineage(model, None, 10);
		uses.sort_by_key(|used| used.dataset);
		let used = |number, samples| DataUseInfo {
			model,
			dataset: content(number),
			submissions: 1,
			samples,
			first: 0,
			last: 0,
		};
		assert_eq!((uses, next), (vec![used(77, 840), used(78, 360)], None));
		assert_eq!(Lineage::dataset_models(content(78), None, 10).0, [used(78, 360)]);

		// A fifth of what the gain is worth, by mixing weight; and as much again out of the purses.
		let rate = pallet_rewards::Parameters::<Runtime>::get().learning_rate;
		let share = rate * gain as Balance / BIT_PER_BYTE as Balance / 5;
		for (number, key, percent) in [(77, CONTRIBUTOR, 70), (78, OTHER_CONTRIBUTOR, 30)] {
			let earned = share * percent / 100;
			assert_eq!(data_claim(key), 2 * earned, "{key:?}");
			let utility = Lineage::dataset_utility(content(number)).expect("it was learned from");
			assert_eq!((utility.accepted, utility.rejected, utility.is_zero), (1, 0, false));
			assert_eq!(utility.purse, 325 * BLY - earned, "100 + 900 x 0.5 x 0.5");
		}

		// The epoch closes, and the contributor pulls what it earned, as far as the data's budget goes.
		run_to(System::block_number() + 25);
		let (claimable, _) = Rewards::owed(&account(CONTRIBUTOR));
		assert!(claimable > 0);
		let (before, supply) = (Balances::balance(&account(CONTRIBUTOR)), Balances::total_issuance());
		for epoch in Rewards::claimable_epochs(&account(CONTRIBUTOR)) {
			assert_ok!(Rewards::claim(signed(CONTRIBUTOR), epoch));
		}
		assert_eq!(Balances::balance(&account(CONTRIBUTOR)) - before, claimable);
		assert_eq!(Balances::total_issuance() - supply, claimable);

		// What gains nothing changes neither lineage nor pay, and is counted.
		assert_ok!(try_submit(model, 51, true));
		assert_eq!(conclude(1, &measured(0)), Verdict::Rejected(RejectReason::NoGain));
		assert_eq!(audit_now(1, ManifestFinding::Match), AuditOutcome::Verified);
		let utility = Lineage::dataset_utility(content(77)).expect("it was learned from");
		assert_eq!((utility.accepted, utility.rejected), (1, 1));
		assert_eq!(Lineage::dataset_models(content(77), None, 10).0, [used(77, 840)]);
		assert_eq!(data_claim(CONTRIBUTOR), 0, "claims that were settled are gone, and none came");
	});
}
