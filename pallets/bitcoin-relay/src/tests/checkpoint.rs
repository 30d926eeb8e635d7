//! Where a relay starts.

use super::*;
use blyan_bitcoin::RawHeader;
use polkadot_sdk::{frame_support::assert_ok, sp_core::U256};

#[test]
fn relay_should_start_from_regtest_unless_told_otherwise() {
	run(|| {
		let reversed = tip().hash.0.iter().rev().map(|byte| format!("{byte:02x}")).collect::<String>();
		assert_eq!(reversed, "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206");
		assert_eq!(FollowedNetwork::<Test>::get(), Some(Network::Regtest));
		let next = mine(tip().hash, 1);
		assert_ok!(submit(&[next], 0));
	});
}

#[test]
fn checkpoint_should_be_refused_when_something_is_wrong() {
	let good = Checkpoint::default();
	assert!(good.check().is_ok());
	let with = |change: &dyn Fn(&mut Checkpoint)| {
		let mut checkpoint = Checkpoint::default();
		change(&mut checkpoint);
		checkpoint.check().unwrap_err()
	};
	assert_eq!(with(&|c| c.header.truncate(79)), CheckpointError::HeaderMalformed);
	assert_eq!(with(&|c| c.network = Network::Mainnet), CheckpointError::NotEnoughWork);
	assert_eq!(with(&|c| c.work = U256::one()), CheckpointError::WorkMissing);
	assert_eq!(with(&|c| c.height = 2_016), CheckpointError::TimesMissing);
	let off = |c: &mut Checkpoint| (c.height, c.times_before) = (2_017, vec![0; 10]);
	assert_eq!(with(&off), CheckpointError::NotFirstOfPeriod);
}

#[test]
fn checkpoint_should_be_read_from_a_chain_spec() {
	let json = serde_json::to_value(Checkpoint::default()).unwrap();
	assert_eq!(json["network"], "regtest");
	assert!(json["header"].as_str().unwrap().starts_with("0x01000000"));
	assert_eq!(serde_json::from_value::<Checkpoint>(json).unwrap(), Checkpoint::default());
}

#[test]
fn relay_should_follow_the_main_network_from_a_recorded_checkpoint() {
	let csv = include_str!("../../../../primitives/bitcoin/tests/data/mainnet-retarget-741888.csv");
	let headers = csv
		.lines()
		.skip(1)
		.map(|line| line.rsplit(',').next().unwrap())
		.map(|hex| RawHeader(data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()))
		.collect::<Vec<_>>();
	let checkpoint = Checkpoint {
		network: Network::Mainnet,
		height: 739_872,
		header: headers[0].0.to_vec(),
		work: U256::one() << 94,
		// The times of the ten before it were not recorded.
		times_before: vec![1_654_000_000; 10],
	};
	run_from(checkpoint, || {
		assert_eq!(tip().hash, headers[0].hash());
		// The next that was recorded is not its child.
		let error = submit(&headers[1..2], 0).unwrap_err().error;
		assert_eq!(error, Error::<Test>::ParentUnknown.into());
		// Nothing that is easy to mine extends it.
		let error = submit(&[mine(tip().hash, 1)], 0).unwrap_err().error;
		assert_eq!(error, Error::<Test>::TargetOutOfRange.into());
	});
}
