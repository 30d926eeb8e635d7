//! Each rule, one header that keeps it and one that breaks it.

use super::*;
use crate::{
	header::{HeaderError, MAX_FUTURE_SECONDS, MAX_TIMEWARP_SECONDS},
	network::EASY_AFTER_SECONDS,
	target::{compact, retarget, work, PERIOD, PERIOD_SECONDS},
};
use proptest::prelude::*;

const TIME: u32 = 1_700_000_000;
const HEIGHT: u32 = 400 * PERIOD;
/// Sixteen hashes on average.
const HARDER: u32 = 0x200f_ffff;

fn check(parent: &Ancestry, rules: &Rules, raw: RawHeader) -> Result<Ancestry, HeaderError> {
	parent.extend(rules, &raw, NOW)
}

#[test]
fn header_should_be_taken_when_it_keeps_every_rule() {
	let rules = Network::Regtest.rules();
	let parent = first(HEIGHT, TIME, EASY);
	let child = check(&parent, &rules, mine(H256::zero(), TIME + 600, EASY, 4)).unwrap();
	assert_eq!(child.height, HEIGHT + 1);
	assert_eq!(child.work, parent.work + 2);
	assert_eq!((child.time(), child.times[1], child.times[10]), (TIME + 600, TIME, TIME - 9 * 600));
	assert_eq!(child.period_start_time, TIME);
}

#[test]
fn header_should_be_refused_when_its_target_is_out_of_range() {
	let rules = easy(Network::Mainnet);
	let parent = first(HEIGHT, TIME, EASY);
	let with_bits = |bits: u32| {
		let mut raw = mine(H256::zero(), TIME + 600, EASY, 4);
		raw.0[72..76].copy_from_slice(&bits.to_le_bytes());
		check(&parent, &rules, raw)
	};
	// Negative, zero, above 256 bits, and easier than the limit.
	for bits in [0x2080_0001, 0x04ff_ffff, 0, 0x0100_0000, 0xff12_3456, 0x2100_8000, 0x2100_ffff] {
		assert_eq!(with_bits(bits), Err(HeaderError::TargetOutOfRange), "{bits:#x}");
	}
	assert_eq!(with_bits(0x0301_0000), Err(HeaderError::NotEnoughWork));
}

#[test]
fn header_should_be_refused_when_it_has_another_target_than_its_ancestry_asks_for() {
	let rules = easy(Network::Mainnet);
	let parent = first(HEIGHT, TIME, HARDER);
	let wrong = check(&parent, &rules, mine(H256::zero(), TIME + 600, EASY, 4));
	assert_eq!(wrong, Err(HeaderError::WrongTarget { expected: HARDER }));
	// Not on the main network, however late.
	let late = TIME + 100 * EASY_AFTER_SECONDS;
	let wrong = check(&parent, &rules, mine(H256::zero(), late, EASY, 4));
	assert_eq!(wrong, Err(HeaderError::WrongTarget { expected: HARDER }));
}

#[test]
fn easy_block_should_be_taken_on_a_test_network_only_when_it_is_late() {
	let rules = easy(Network::Testnet4);
	let parent = first(HEIGHT, TIME, HARDER);
	let late = TIME + EASY_AFTER_SECONDS + 1;
	let early = check(&parent, &rules, mine(H256::zero(), late - 1, EASY, 4));
	assert_eq!(early, Err(HeaderError::WrongTarget { expected: HARDER }));
	// Late, it must be easy.
	let hard = check(&parent, &rules, mine(H256::zero(), late, HARDER, 4));
	assert_eq!(hard, Err(HeaderError::WrongTarget { expected: EASY }));
	let easy_block = check(&parent, &rules, mine(H256::zero(), late, EASY, 4)).unwrap();
	// The next one goes by the youngest block that was not easy, over any number of easy ones.
	assert_eq!(easy_block.expected_bits(&rules, late + 1), HARDER);
	let second = check(&easy_block, &rules, mine(H256::zero(), 2 * late - TIME, EASY, 4)).unwrap();
	assert_eq!(second.expected_bits(&rules, 2 * late - TIME + 1), HARDER);
	assert!(check(&second, &rules, mine(H256::zero(), 2 * late - TIME + 1, HARDER, 4)).is_ok());
}

#[test]
fn first_of_period_should_retarget_from_its_predecessor_or_by_bip94_from_the_period_start() {
	let last = |rules: &Rules| Ancestry {
		height: HEIGHT + PERIOD - 1,
		// The last block of the period was an easy one.
		bits: rules.limit_bits,
		period_start_bits: HARDER,
		period_start_time: TIME - PERIOD_SECONDS / 2,
		..first(HEIGHT, TIME, EASY)
	};
	let mainnet = easy(Network::Mainnet);
	let half = |bits: u32| compact(expand(bits).unwrap() / 2);
	assert_eq!(last(&mainnet).expected_bits(&mainnet, TIME + 1), half(EASY));
	let testnet = easy(Network::Testnet4);
	assert_eq!(last(&testnet).expected_bits(&testnet, TIME + 1), half(HARDER));
	// Lateness makes no first block of a period easy.
	assert_eq!(last(&testnet).expected_bits(&testnet, u32::MAX), half(HARDER));
	let next = check(&last(&testnet), &testnet, mine(H256::zero(), TIME + 1, half(HARDER), 4)).unwrap();
	assert_eq!((next.period_start_time, next.period_start_bits), (TIME + 1, half(HARDER)));
	assert_eq!(next.regular_bits, half(HARDER));
}

#[test]
fn regtest_should_never_retarget() {
	let rules = Network::Regtest.rules();
	let last =
		Ancestry { height: HEIGHT + PERIOD - 1, period_start_time: TIME - 60, ..first(HEIGHT, TIME, EASY) };
	assert_eq!(last.expected_bits(&rules, TIME + 1), EASY);
}

#[test]
fn timespan_should_be_held_within_a_factor_of_four() {
	let target = expand(HARDER).unwrap();
	let limit = expand(EASY).unwrap();
	for (seconds, factor) in [(0, 1), (-5, 1), (i64::from(PERIOD_SECONDS) / 4 - 1, 1)] {
		assert_eq!(retarget(target, seconds, limit), compact(target * factor / 4));
	}
	assert_eq!(retarget(target, i64::MAX, limit), compact(target * 4));
	assert_eq!(retarget(target * 4, i64::MAX, limit), EASY, "and at the limit");
}

#[test]
fn header_should_be_refused_when_it_is_not_after_the_median_of_eleven() {
	let rules = Network::Regtest.rules();
	let parent = first(HEIGHT, TIME, EASY);
	let median = TIME - 5 * 600;
	assert_eq!(parent.median_time(), median);
	assert_eq!(check(&parent, &rules, mine(H256::zero(), median, EASY, 4)), Err(HeaderError::TooOld));
	assert!(check(&parent, &rules, mine(H256::zero(), median + 1, EASY, 4)).is_ok());
}

#[test]
fn median_should_be_of_those_that_there_are_near_the_first_block() {
	let header = mine(H256::zero(), TIME, EASY, 4).fields().unwrap();
	let genesis = Ancestry::of_first(0, &header, U256::one(), &[]).unwrap();
	assert_eq!(genesis.median_time(), TIME);
	let rules = Network::Regtest.rules();
	let second = check(&genesis, &rules, mine(H256::zero(), TIME + 10, EASY, 4)).unwrap();
	// Core takes the upper of two.
	assert_eq!(second.median_time(), TIME + 10);
	let third = check(&second, &rules, mine(H256::zero(), TIME + 20, EASY, 4)).unwrap();
	assert_eq!(third.median_time(), TIME + 10);
}

#[test]
fn header_should_be_refused_for_now_when_it_is_more_than_two_hours_ahead() {
	let rules = Network::Regtest.rules();
	let parent = first(HEIGHT, TIME, EASY);
	let time = TIME + 600;
	let raw = mine(H256::zero(), time, EASY, 4);
	let least = u64::from(time - MAX_FUTURE_SECONDS);
	assert!(parent.extend(&rules, &raw, least).is_ok());
	let error = parent.extend(&rules, &raw, least - 1).unwrap_err();
	assert_eq!(error, HeaderError::TooNew);
	assert!(error.is_for_now() && !HeaderError::TooOld.is_for_now());
}

#[test]
fn first_of_period_should_be_refused_under_bip94_when_it_is_much_older_than_its_parent() {
	let time = TIME - MAX_TIMEWARP_SECONDS;
	for network in [Network::Testnet4, Network::Mainnet] {
		let rules = easy(network);
		let last = Ancestry { height: HEIGHT + PERIOD - 1, ..first(HEIGHT, TIME, EASY) };
		let bits = last.expected_bits(&rules, time);
		assert!(check(&last, &rules, mine(H256::zero(), time, bits, 4)).is_ok());
		let warped = check(&last, &rules, mine(H256::zero(), time - 1, bits, 4));
		assert_eq!(warped.is_err(), network == Network::Testnet4, "{network:?}");
		assert!(warped.is_ok() || warped == Err(HeaderError::Timewarp));
		// Within a period it may be.
		let inner = first(HEIGHT, TIME, EASY);
		assert!(check(&inner, &rules, mine(H256::zero(), time - 1, EASY, 4)).is_ok());
	}
}

#[test]
fn header_should_be_refused_when_a_soft_fork_has_retired_its_version() {
	let rules = easy(Network::Mainnet);
	for (version, retired_at) in [(1, 227_931), (2, 363_725), (3, 388_381), (-1, 227_931), (0, 227_931)] {
		for (height, is_taken) in [(retired_at - 1, true), (retired_at, false)] {
			let parent = Ancestry { height: height - 1, ..first(HEIGHT, TIME, EASY) };
			let result = check(&parent, &rules, mine(H256::zero(), TIME + 600, EASY, version));
			assert_eq!(result.is_ok(), is_taken, "version {version} at {height}");
			assert!(is_taken || result == Err(HeaderError::VersionRetired));
		}
	}
}

#[test]
fn header_should_be_refused_when_work_or_height_would_overflow() {
	let rules = Network::Regtest.rules();
	let raw = mine(H256::zero(), TIME + 600, EASY, 4);
	let most = Ancestry { work: U256::MAX - 1, ..first(HEIGHT, TIME, EASY) };
	assert_eq!(check(&most, &rules, raw), Err(HeaderError::TooLong));
	let fits = Ancestry { work: U256::MAX - 2, ..first(HEIGHT, TIME, EASY) };
	assert_eq!(check(&fits, &rules, raw).unwrap().work, U256::MAX);
	let last = Ancestry { height: u32::MAX, ..first(HEIGHT, TIME, EASY) };
	assert_eq!(check(&last, &rules, raw), Err(HeaderError::TooLong));
}

#[test]
fn work_should_pass_what_twelve_bytes_hold() {
	// Signed numbers of twelve bytes end at 2^95 - 1.
	let before = (U256::one() << 95) - 1;
	let parent = Ancestry { work: before, ..first(HEIGHT, TIME, EASY) };
	let child = check(&parent, &Network::Regtest.rules(), mine(H256::zero(), TIME + 600, EASY, 4)).unwrap();
	assert_eq!(child.work, before + work(expand(EASY).unwrap()));
}

#[test]
fn checkpoint_should_be_the_first_of_a_period() {
	let header = mine(H256::zero(), TIME, EASY, 4).fields().unwrap();
	assert!(Ancestry::of_first(HEIGHT + 1, &header, U256::one(), &[]).is_none());
	let times = [1; 20];
	assert_eq!(Ancestry::of_first(HEIGHT, &header, U256::one(), &times).unwrap().times_known, 11);
}

/// Bitcoin Core's own way: walk back over headers that are all at hand.
fn expected_by_walking(rules: &Rules, chain: &[(u32, u32)], time: u32) -> u32 {
	let height = chain.len() as u32;
	let (last_bits, last_time) = *chain.last().unwrap();
	if height.is_multiple_of(PERIOD) {
		let (first_bits, first_time) = chain[(height - PERIOD) as usize];
		let base = if rules.enforces_bip94 { first_bits } else { last_bits };
		let seconds = i64::from(last_time) - i64::from(first_time);
		return retarget(expand(base).unwrap(), seconds, rules.limit());
	}
	if !rules.has_easy_blocks {
		return last_bits;
	}
	if time > last_time + EASY_AFTER_SECONDS {
		return rules.limit_bits;
	}
	let mut at = chain.len() - 1;
	while at > 0 && !(at as u32).is_multiple_of(PERIOD) && chain[at].0 == rules.limit_bits {
		at -= 1;
	}
	chain[at].0
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(24))]
	/// Over more than two periods of random gaps, what the record carries along is what Core finds by walking
	/// back.
	#[test]
	fn expected_bits_should_be_what_walking_back_finds(
		gaps in proptest::collection::vec(1u32..1_800, (2 * PERIOD + 50) as usize),
		is_bip94 in any::<bool>(),
		has_easy_blocks in any::<bool>(),
	) {
		let rules =
			Rules { enforces_bip94: is_bip94, has_easy_blocks, ..Network::Mainnet.rules() };
		let bits = 0x1c05_a3f4;
		let mut ancestry = Ancestry {
			bits,
			period_start_bits: bits,
			regular_bits: bits,
			..first(0, TIME, EASY)
		};
		let mut chain = alloc::vec![(bits, TIME)];
		for gap in gaps {
			let time = ancestry.time() + gap;
			let expected = ancestry.expected_bits(&rules, time);
			prop_assert_eq!(expected, expected_by_walking(&rules, &chain, time));
			chain.push((expected, time));
			// As `extend` does it, for which such headers would have to be mined.
			ancestry = ancestry.descend(&rules, time, expected, U256::one()).unwrap();
		}
	}
}
