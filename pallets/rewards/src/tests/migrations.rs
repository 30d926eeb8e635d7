use crate::{migrations::*, mock::*, pallet::*, types::*};
use blyan_primitives::economy::BLY;
use codec::Encode;
use polkadot_sdk::{
	frame_support::{
		storage::unhashed,
		traits::{GetStorageVersion, OnRuntimeUpgrade, StorageVersion},
	},
	sp_io::TestExternalities,
};

/// A chain of version 1 in its fourth epoch, with claims on the learning budget.
fn version_1(test: impl FnOnce()) {
	let mut ext: TestExternalities = ExtBuilder::default().build();
	ext.execute_with(|| {
		accrue_claim(1, 2 * BLY);
		run_to_epoch(3);
		// What version 1 had: parameters without the new fields, audit budgets as at the start of their epochs.
		let old = (EPOCH_BLOCKS, MIN_PAYOUT, 100 * BLY, EXPIRY);
		unhashed::put_raw(&Parameters::<Test>::hashed_key(), &old.encode());
		let whole = Epochs::<Test>::get(3).expect("it runs").pots.audits.budget;
		for epoch in 0..3 {
			Epochs::<Test>::mutate(epoch, |record| {
				let pot = &mut record.as_mut().expect("it is kept").pots.audits;
				AllTime::<Test>::mutate(|totals| totals.budgeted += whole - pot.budget);
				(pot.budget, pot.left) = (whole, whole);
			});
		}
		StorageVersion::new(1).put::<Rewards>();
		test();
	});
}

#[test]
fn migration_should_keep_parameters_and_claims_and_hold_every_invariant() {
	version_1(|| {
		MigrateToV2::<Test>::on_runtime_upgrade();
		assert_eq!(Rewards::on_chain_storage_version(), StorageVersion::new(2));
		let expected = RewardParameters {
			data_patience_epochs: RewardParameters::default().data_patience_epochs,
			..parameters()
		};
		assert_eq!(Parameters::<Test>::get(), expected);
		let limit = Epochs::<Test>::get(0).expect("it is kept").pots.audits.budget;
		assert_eq!(limit, 2 * BLY / 5);
		Rewards::do_try_state().expect("every invariant holds");
		claim(1, 0).expect("the claim is there");
		assert_eq!(balance(1), 2 * BLY);

		// Once.
		let before = Parameters::<Test>::get();
		MigrateToV2::<Test>::on_runtime_upgrade();
		assert_eq!(Parameters::<Test>::get(), before);
	});
}
