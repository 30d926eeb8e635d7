//! Headers that miners made.

use super::*;
use crate::{
	header::{HeaderError, MEDIAN_SPAN},
	target::{work, PERIOD},
};
use alloc::{
	string::{String, ToString},
	vec::Vec,
};
use bitcoin::consensus::Params;
use std::collections::BTreeMap;

struct Recorded {
	height: Option<u32>,
	label: String,
	raw: RawHeader,
}

fn read(csv: &str) -> Vec<Recorded> {
	let rows = csv.lines().skip(1).map(|line| {
		let fields = line.split(',').collect::<Vec<_>>();
		let bytes = data_encoding::HEXLOWER.decode(fields[2].as_bytes()).unwrap();
		Recorded {
			height: fields[0].parse().ok(),
			label: fields[1].to_string(),
			raw: RawHeader(bytes.try_into().unwrap()),
		}
	});
	rows.collect()
}

/// The record of the block at `place`, of which as many before it are known as are there, in the period that
/// began with that header.
fn ancestry_at(series: &[Recorded], place: usize, period_start: &RawHeader) -> Ancestry {
	let header = series[place].raw.fields().unwrap();
	let start = period_start.fields().unwrap();
	let mut times = [0; MEDIAN_SPAN];
	let known = series[..=place].iter().rev().map(|recorded| recorded.raw.fields().unwrap().time);
	let times_known = times.iter_mut().zip(known).map(|(slot, time)| *slot = time).count() as u8;
	Ancestry {
		height: series[place].height.unwrap(),
		work: U256::zero(),
		bits: header.bits.to_consensus(),
		period_start_time: start.time,
		period_start_bits: start.bits.to_consensus(),
		regular_bits: header.bits.to_consensus(),
		times,
		times_known,
	}
}

/// Follows a series of the main network from its second row on, across one retarget, and returns the record of
/// its last block.
fn follow(csv: &str, start_at: usize) -> (Vec<Recorded>, Ancestry) {
	let mut rows = read(csv);
	let period_start = rows.remove(0);
	rows.retain(|row| !row.label.starts_with("orphan"));
	let rules = Network::Mainnet.rules();
	let mut ancestry = ancestry_at(&rows, start_at, &period_start.raw);
	let mut retargets = 0;
	for pair in rows[start_at..].windows(2) {
		assert_eq!(pair[1].raw.fields().unwrap().prev_blockhash.to_byte_array(), pair[0].raw.hash().0);
		let next = ancestry.extend(&rules, &pair[1].raw, NOW).unwrap();
		assert_eq!(Some(next.height), pair[1].height);
		let crate_bits = CompactTarget::from_next_work_required(
			CompactTarget::from_consensus(ancestry.bits),
			(ancestry.time() - ancestry.period_start_time).into(),
			Params::MAINNET,
		);
		if next.height.is_multiple_of(PERIOD) {
			retargets += 1;
			assert_ne!(next.bits, ancestry.bits);
			assert_eq!(next.bits, crate_bits.to_consensus());
		}
		assert_eq!(next.work - ancestry.work, work(expand(next.bits).unwrap()));
		ancestry = next;
	}
	assert_eq!(retargets, 1);
	(rows, ancestry)
}

const RETARGET_741888: &str = include_str!("../../tests/data/mainnet-retarget-741888.csv");
const RETARGET_554400: &str = include_str!("../../tests/data/mainnet-retarget-554400.csv");
const REORG_437478: &str = include_str!("../../tests/data/mainnet-reorg-437478.csv");
const TESTNET3: &str = include_str!("../../tests/data/testnet3-0-546.csv");

#[test]
fn headers_should_be_taken_across_recorded_retargets() {
	let (_, last) = follow(RETARGET_741888, 10);
	assert_eq!((last.height, last.times_known), (741_990, 11));
	assert_eq!(follow(RETARGET_554400, 0).1.height, 554_408);
	assert_eq!(follow(REORG_437478, 0).1.height, 437_479);
}

#[test]
fn recorded_retarget_should_be_refused_when_the_target_is_another() {
	let mut rows = read(RETARGET_741888);
	let period_start = rows.remove(0);
	let at = rows.iter().position(|row| row.height == Some(741_887)).unwrap();
	let ancestry = ancestry_at(&rows, at, &period_start.raw);
	let rules = Network::Mainnet.rules();
	let next = &rows[at + 1].raw;
	assert!(ancestry.extend(&rules, next, NOW).is_ok());
	// The period began at another time, or in the wrong place.
	let shifted = Ancestry { period_start_time: ancestry.period_start_time + 600, ..ancestry.clone() };
	assert!(matches!(shifted.extend(&rules, next, NOW), Err(HeaderError::WrongTarget { .. })));
	let early = Ancestry { height: ancestry.height - 1, ..ancestry.clone() };
	assert_eq!(early.extend(&rules, next, NOW), Err(HeaderError::WrongTarget { expected: ancestry.bits }));
	// The rule of test networks is none of the main network's.
	let late = rules.limit_bits;
	assert_eq!(early.expected_bits(&rules, u32::MAX), ancestry.bits);
	assert_eq!(early.expected_bits(&Network::Testnet4.rules(), u32::MAX), late);
	// One bit of the header.
	let mut torn = *next;
	torn.0[40] ^= 1;
	assert_eq!(ancestry.extend(&rules, &torn, NOW), Err(HeaderError::NotEnoughWork));
}

#[test]
fn recorded_orphan_should_be_taken_and_have_no_more_work_than_its_rival() {
	let mut rows = read(REORG_437478);
	let period_start = rows.remove(0);
	let orphan = rows.remove(rows.iter().position(|row| row.label.starts_with("orphan")).unwrap());
	let rules = Network::Mainnet.rules();
	let at = rows.iter().position(|row| row.height == Some(437_477)).unwrap();
	// After the retarget the period is the one that began at 437,472.
	let new_period = rows.iter().find(|row| row.height == Some(437_472)).unwrap();
	assert!(period_start.height < new_period.height);
	let parent = ancestry_at(&rows, at, &new_period.raw);
	let rival = parent.extend(&rules, &rows[at + 1].raw, NOW).unwrap();
	let orphan = parent.extend(&rules, &orphan.raw, NOW).unwrap();
	assert_eq!(orphan.work, rival.work);
	assert!(rival.extend(&rules, &rows[at + 2].raw, NOW).unwrap().work > orphan.work);
}

/// Test network 3: as the fourth, without BIP 94, and with its soft forks later than these headers.
fn testnet3() -> Rules {
	Rules {
		enforces_bip94: false,
		version_heights: [(2, 21_111), (3, 330_776), (4, 581_885)],
		..Network::Testnet4.rules()
	}
}

#[test]
fn recorded_test_network_should_be_taken_from_its_genesis() {
	let rows = read(TESTNET3);
	let rules = testnet3();
	let genesis = rows[0].raw.fields().unwrap();
	let first = Ancestry::of_first(0, &genesis, work(rules.limit()), &[]).unwrap();
	let mut known = BTreeMap::from([(rows[0].raw.hash(), first)]);
	for row in &rows[1..] {
		let parent = H256(row.raw.fields().unwrap().prev_blockhash.to_byte_array());
		let ancestry = known[&parent].extend(&rules, &row.raw, NOW).unwrap();
		if let Some(height) = row.height {
			assert_eq!(ancestry.height, height);
		}
		known.insert(row.raw.hash(), ancestry);
	}
	let most = known.values().max_by_key(|ancestry| ancestry.work).unwrap();
	assert_eq!(most.height, 546);
	assert_eq!(most.work, work(rules.limit()) * 547);
	assert_eq!(known.len(), 549);
}

#[test]
fn recorded_chain_should_have_the_work_that_the_bitcoin_crate_sums_up() {
	let (rows, last) = follow(RETARGET_741888, 10);
	let sum = rows[11..]
		.iter()
		.map(|row| U256::from_big_endian(&row.raw.fields().unwrap().work().to_be_bytes()))
		.fold(U256::zero(), |sum, work| sum + work);
	assert_eq!(last.work, sum);
}
