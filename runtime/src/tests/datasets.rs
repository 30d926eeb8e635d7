//! Datasets from the offer to what becomes of them, with no part replaced.

use super::chain::{account, run_to, signed, with_preset};
use crate::*;
use blyan_primitives::{
	api::DatasetAuditPhase,
	cid::{Cid, CidCodec},
	dag::SemVer,
	datasets::{
		dataset_commitment, DatasetFinding, DatasetOffer, DatasetStage, Licence, OfferWork, QualityReport,
		Refusal, RejectionReason, Tier,
	},
	economy::BLY,
	manifest::DatasetId,
	traits::{DatasetRegistry, WorkerRegistry},
	worker::{Role, Roles},
};
use frame_support::{assert_noop, assert_ok, traits::fungible::InspectHold, BoundedVec};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::Sr25519Keyring::{self, *};

const CONTRIBUTOR: Sr25519Keyring = One;
const WORKERS: [Sr25519Keyring; 4] = [Bob, Charlie, Dave, Eve];
const SALT: [u8; 32] = [7; 32];

fn offer(number: u8) -> DatasetOffer {
	DatasetOffer {
		content: Cid { codec: CidCodec::Raw, digest: [number; 32] },
		document_bytes: 900,
		bytes: 1 << 20,
		samples: 1_000,
		name: BoundedVec::truncate_from(b"jargon-file".to_vec()),
		version: SemVer { major: number.into(), minor: 0, patch: 0 },
		licence: BoundedVec::truncate_from(b"CC0-1.0".to_vec()),
		domain: BoundedVec::truncate_from(b"computing".to_vec()),
		languages: BoundedVec::truncate_from(vec![*b"eng"]),
	}
}

fn report() -> QualityReport {
	QualityReport {
		rules: 1,
		records: 1_000,
		samples: 1_000,
		diversity: 800_000,
		licence: Licence::Verified,
		..QualityReport::default()
	}
}

fn key_of(who: &AccountId) -> Sr25519Keyring {
	Sr25519Keyring::iter().find(|key| account(*key) == *who).expect("a development account")
}

/// The local network with four workers, and offers that need no work: blocks here have no hashes.
fn with_workers(test: impl FnOnce()) {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		pallet_datasets::Parameters::<Runtime>::mutate(|parameters| {
			assert_eq!((parameters.work_bits, parameters.auditors), (16, 2));
			parameters.work_bits = 0;
		});
		for (place, key) in WORKERS.into_iter().enumerate() {
			assert_ok!(Workers::register(
				signed(key),
				Roles::default().with(Role::Auditor),
				Hash::repeat_byte(place as u8),
				[1; 32],
				BoundedVec::truncate_from(b"http://127.0.0.1:1".to_vec()),
				1_000 * BLY,
			));
		}
		run_to(System::block_number() + 1);
		test();
	});
}

fn offered(number: u8) -> DatasetId {
	assert_ok!(Datasets::offer(signed(CONTRIBUTOR), offer(number), OfferWork::default()));
	offer(number).content
}

fn stage(id: DatasetId) -> DatasetStage<BlockNumber> {
	Datasets::dataset(id).expect("it is kept").stage
}

/// Has the drawn auditors find that.
fn audit(id: DatasetId, finding: DatasetFinding) {
	run_to(System::block_number() + 5);
	let info = Datasets::dataset(id).and_then(|record| record.audit).expect("it is audited");
	assert!(matches!(info.phase, DatasetAuditPhase::Commit { .. }), "{:?}", info.phase);
	assert_eq!(info.auditors.len(), 2);
	for who in &info.auditors {
		let hash = dataset_commitment(who, &id, info.audit, info.attempt, &finding, &SALT);
		assert_ok!(Datasets::commit(signed(key_of(who)), id, hash));
	}
	run_to(System::block_number() + 1);
	for who in &info.auditors {
		assert_ok!(Datasets::reveal(signed(key_of(who)), id, finding.clone(), SALT));
	}
	run_to(System::block_number() + 1);
}

#[test]
fn a_good_dataset_should_be_audited_voted_on_and_approved_and_who_helped_be_paid() {
	with_workers(|| {
		let id = offered(1);
		audit(id, DatasetFinding::Report(report()));
		let DatasetStage::Vote { until, .. } = stage(id) else { panic!("{:?}", stage(id)) };
		assert_noop!(
			Datasets::vote(signed(CONTRIBUTOR), id, true),
			pallet_datasets::Error::<Runtime>::NotEligible
		);
		let supply = Balances::total_issuance();
		for (place, key) in WORKERS.into_iter().enumerate() {
			assert_ok!(Datasets::vote(signed(key), id, place > 0));
		}
		assert_eq!(Datasets::dataset_vote(id, account(WORKERS[0])), Some(false));
		run_to(until + 1);
		assert!(matches!(stage(id), DatasetStage::Approved { tier: Tier::Gold, .. }), "{:?}", stage(id));
		let approved = <Datasets as DatasetRegistry<_>>::approved(id).expect("models may learn from it");
		assert_eq!((approved.contributor, approved.bytes), (account(CONTRIBUTOR), 1 << 20));
		assert!(approved.score > 0);

		let reputation = |key| <Workers as WorkerRegistry<_>>::reputation(&account(key)).expect("a worker");
		let before = reputation(WORKERS[0]);
		for key in WORKERS {
			assert_ok!(Datasets::settle_vote(signed(CONTRIBUTOR), id, account(key)));
			let held = pallet_datasets::HoldReason::DatasetVote.into();
			assert_eq!(Balances::balance_on_hold(&held, &account(key)), 0, "returned or burned");
		}
		assert!(reputation(WORKERS[0]) < before);
		assert_eq!(supply - Balances::total_issuance(), BLY / 10, "what the wrong vote cost is burned");
		let claim = |key| {
			let epoch = pallet_rewards::CurrentEpoch::<Runtime>::get().expect("it runs").number;
			(0..=epoch).any(|epoch| pallet_rewards::Claims::<Runtime>::contains_key(epoch, account(key)))
		};
		assert!(WORKERS[1..].iter().all(|key| claim(*key)), "who voted as it came out has a claim");
	});
}

#[test]
fn a_bad_dataset_should_be_turned_away_with_its_reason_and_forgotten() {
	with_workers(|| {
		let id = offered(1);
		audit(id, DatasetFinding::Report(QualityReport { duplicates: 960_000, ..report() }));
		let DatasetStage::Rejected { reason, until } = stage(id) else { panic!("{:?}", stage(id)) };
		assert_eq!(reason, Refusal::Quality(RejectionReason::Duplicates));
		assert!(<Datasets as DatasetRegistry<_>>::approved(id).is_none());
		assert_ok!(Datasets::appeal(signed(CONTRIBUTOR), id));
		assert_eq!(Balances::total_balance_on_hold(&account(CONTRIBUTOR)), 10 * BLY);
		assert_noop!(
			Datasets::decide_appeal(signed(CONTRIBUTOR), id, Some(Tier::Gold)),
			sp_runtime::DispatchError::BadOrigin
		);
		assert_ok!(Datasets::decide_appeal(RuntimeOrigin::root(), id, None));
		assert_eq!(Balances::total_balance_on_hold(&account(CONTRIBUTOR)), 0);
		run_to(System::block_number() + 2);
		assert!(System::block_number() < until && Datasets::dataset(id).is_none(), "denied is denied");
		offered(1);
	});
}

#[test]
fn a_dataset_that_nobody_serves_should_be_turned_away() {
	with_workers(|| {
		let id = offered(1);
		audit(id, DatasetFinding::Unfetchable);
		assert!(matches!(stage(id), DatasetStage::Rejected { reason: Refusal::Unfetchable, .. }));
	});
}
