use crate::{mock::*, *};
use blyan_primitives::{learning::Purpose, traits::ModelDatasets};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::traits::BadOrigin,
};

fn owner() -> RuntimeOrigin {
	RuntimeOrigin::signed(OWNER)
}

#[test]
fn dataset_should_be_listed_by_the_owner_for_a_deposit() {
	ExtBuilder::default().build_and_execute(|| {
		let before = held(OWNER);
		assert_ok!(ManifestsPallet::approve_dataset(owner(), MODEL, dataset(5), 77, CONTRIBUTOR));
		assert_eq!(held(OWNER), before + DEPOSIT);
		let approved = ManifestsPallet::listed(MODEL, dataset(5)).unwrap();
		assert_eq!(approved, (77, CONTRIBUTOR));
		assert_eq!(ManifestsPallet::listed(MODEL + 1, dataset(5)), None, "each model has its own list");
		assert_event(Event::DatasetApproved {
			model: MODEL,
			dataset: dataset(5),
			bytes: 77,
			contributor: CONTRIBUTOR,
		});
		assert_eq!(ManifestsPallet::datasets(MODEL, None).len(), 3);
		assert_eq!(ManifestsPallet::datasets(MODEL, Some(dataset(5)))[0].bytes, 77);
	});
}

#[test]
fn dataset_should_be_listed_by_root_without_a_deposit() {
	ExtBuilder::default().build_and_execute(|| {
		let root = RuntimeOrigin::root;
		assert_ok!(ManifestsPallet::approve_dataset(root(), MODEL + 1, dataset(5), 77, CONTRIBUTOR));
		assert!(ManifestsPallet::listed(MODEL + 1, dataset(5)).is_some());
		assert_ok!(ManifestsPallet::withdraw_dataset(root(), MODEL + 1, dataset(5)));
	});
}

#[test]
fn dataset_should_be_refused_when_it_breaks_a_rule() {
	ExtBuilder::default().build_and_execute(|| {
		let approve = |origin, number, bytes| {
			ManifestsPallet::approve_dataset(origin, MODEL, dataset(number), bytes, CONTRIBUTOR)
		};
		assert_noop!(approve(RuntimeOrigin::signed(TRAINER), 5, 1), Error::<Test>::NotModelOwner);
		assert_noop!(approve(RuntimeOrigin::none(), 5, 1), BadOrigin);
		assert_noop!(approve(owner(), 5, 0), Error::<Test>::DatasetEmpty);
		assert_noop!(approve(owner(), 1, 1), Error::<Test>::DatasetListed);
		assert_ok!(Balances::force_set_balance(RuntimeOrigin::root(), OWNER, DEPOSIT - 1));
		assert_noop!(approve(owner(), 5, 1), Error::<Test>::DepositNotAvailable);
	});
}

#[test]
fn dataset_should_return_its_deposit_when_it_is_withdrawn() {
	ExtBuilder::default().build_and_execute(|| {
		assert_eq!(held(OWNER), 2 * DEPOSIT);
		let stranger = RuntimeOrigin::signed(STRANGER);
		let withdraw = |origin, number| ManifestsPallet::withdraw_dataset(origin, MODEL, dataset(number));
		assert_noop!(withdraw(stranger, 1), Error::<Test>::NotModelOwner);
		assert_noop!(withdraw(owner(), 7), Error::<Test>::DatasetNotListed);
		assert_ok!(withdraw(owner(), 1));
		assert_eq!(held(OWNER), DEPOSIT);
		assert_event(Event::DatasetWithdrawn { model: MODEL, dataset: dataset(1) });
		// By root, to the owner all the same.
		assert_ok!(withdraw(RuntimeOrigin::root(), 2));
		assert_eq!(held(OWNER), 0);
	});
}

#[test]
fn audit_should_pay_who_gave_a_dataset_when_it_was_submitted() {
	ExtBuilder::default().build_and_execute(|| {
		open_and_draw(0);
		assert_ok!(ManifestsPallet::withdraw_dataset(owner(), MODEL, dataset(1)));
		assert_ok!(ManifestsPallet::approve_dataset(owner(), MODEL, dataset(1), 1, STRANGER));
		judge(0, &[Some(MATCH); 3]);
		assert!(World::verified()[0].1.iter().all(|(who, _)| *who != STRANGER));
		assert_eq!(get(0).dataset_bytes.to_vec(), [10_000, 10_000]);
	});
}

#[test]
fn manifest_should_be_asked_for_when_the_owner_says_so() {
	ExtBuilder::default().build_and_execute(|| {
		assert_ok!(try_open(0, TRAINER, Purpose::Improvement, None));
		let stranger = RuntimeOrigin::signed(STRANGER);
		assert_noop!(ManifestsPallet::require_manifests(stranger, MODEL, true), Error::<Test>::NotModelOwner);
		assert_ok!(ManifestsPallet::require_manifests(owner(), MODEL, true));
		assert_event(Event::ManifestsRequired { model: MODEL, required: true });
		assert!(ManifestsPallet::requires_manifest(MODEL));
		assert_noop!(try_open(1, TRAINER, Purpose::Improvement, None), Error::<Test>::ManifestRequired);
		// What learns nothing is not asked.
		assert_ok!(try_open(1, TRAINER, Purpose::Compaction, None));
		assert_ok!(try_open(1, STRANGER, Purpose::Rollback, None));
		assert_ok!(try_open(1, TRAINER, Purpose::Improvement, Some(manifest())));
		assert_ok!(ManifestsPallet::require_manifests(owner(), MODEL, false));
		assert_ok!(try_open(2, TRAINER, Purpose::Improvement, None));
	});
}
