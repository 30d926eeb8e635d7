//! Stakes, elections, and what equivocations cost, through the real runtime.

use super::chain::{
	account, active_era, next_block, next_era, next_session, signed, with_preset, with_preset_in,
};
use crate::{
	configs::{
		Equivocations, RuntimeBlockWeights, BONDING_ERAS, EPOCH_DURATION_IN_SLOTS, EQUIVOCATION_SLASH,
		MAX_CANDIDATES, MAX_SEATS, MAX_VOTERS, SESSIONS_PER_ERA, SLASH_DEFER_ERAS,
	},
	*,
};
use blyan_primitives::economy::BLY;
use codec::{Decode, Encode};
use frame_election_provider_support::{weights::SubstrateWeight as ElectionWeight, WeightInfo as _};
use frame_support::{
	assert_noop, assert_ok,
	dispatch::{DispatchClass, GetDispatchInfo},
	traits::{fungible::Inspect, Get, KeyOwnerProofSystem},
	weights::Weight,
};
use pallet_session::SessionInterface;
use pallet_staking::{asset, RewardDestination, UnappliedSlashes, WeightInfo as _};
use polkadot_sdk::sp_io::TestExternalities;
use sp_consensus_babe::{
	digests::{CompatibleDigestItem, PreDigest, SecondaryPlainPreDigest},
	runtime_decl_for_babe_api::BabeApiV2,
	AuthorityId as BabeId,
};
use sp_consensus_grandpa::{runtime_decl_for_grandpa_api::GrandpaApiV3, AuthorityId as GrandpaId};
use sp_core::offchain::{testing::TestTransactionPoolExt, TransactionPoolExt};
use sp_genesis_builder::LOCAL_TESTNET_RUNTIME_PRESET;
use sp_keyring::{
	Ed25519Keyring,
	Sr25519Keyring::{self, *},
};
use sp_runtime::{
	traits::Header as _,
	transaction_validity::{InvalidTransaction, TransactionSource},
	Digest, DigestItem, DispatchError, Perbill,
};
use sp_staking::{
	offence::{OffenceError, ReportOffence},
	EraIndex, SessionIndex,
};

/// What the validators of the preset have bonded, and those who join in these tests.
const STAKE: Balance = 100_000 * BLY;
const NOMINATED: Balance = 50_000 * BLY;

fn bond(who: Sr25519Keyring, value: Balance) {
	assert_ok!(Staking::bond(signed(who), value, RewardDestination::Staked));
}

/// Becomes a candidate; the signature under its own keys is the session pallet's concern.
fn join(who: Sr25519Keyring, finality: Ed25519Keyring) {
	let keys = SessionKeys { babe: BabeId::from(who.public()), grandpa: GrandpaId::from(finality.public()) };
	assert_ok!(<Session as SessionInterface>::set_keys(&account(who), keys));
	bond(who, STAKE);
	assert_ok!(Staking::validate(signed(who), Default::default()));
}

fn nominate(who: Sr25519Keyring, validator: Sr25519Keyring) {
	bond(who, NOMINATED);
	assert_ok!(Staking::nominate(signed(who), vec![account(validator).into()]));
}

/// Four validators, one of them with a nominator, and eras of a session.
fn with_four_validators(test: impl FnOnce()) {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		set_up_four_validators();
		test();
	});
}

fn set_up_four_validators() {
	assert_ok!(Staking::force_new_era_always(RuntimeOrigin::root()));
	join(Charlie, Ed25519Keyring::Charlie);
	join(Dave, Ed25519Keyring::Dave);
	nominate(Ferdie, Charlie);
	next_era();
	next_block(1);
	assert_eq!(Session::validators().len(), 4, "there were seats for all");
}

fn staked(who: Sr25519Keyring) -> Balance {
	asset::staked::<Runtime>(&account(who))
}

fn is_elected(who: Sr25519Keyring) -> bool {
	Session::validators().contains(&account(who))
}

fn is_disabled(who: Sr25519Keyring) -> bool {
	let place = Session::validators().iter().position(|validator| *validator == account(who));
	place.is_some_and(|place| Session::disabled_validators().contains(&(place as u32)))
}

/// Two different blocks of this slot under the same key.
fn two_blocks(who: Sr25519Keyring) -> sp_consensus_babe::EquivocationProof<Header> {
	let slot = pallet_babe::CurrentSlot::<Runtime>::get();
	let signed_block = |number| {
		let author = SecondaryPlainPreDigest { authority_index: 0, slot };
		let digest = Digest { logs: vec![DigestItem::babe_pre_digest(PreDigest::SecondaryPlain(author))] };
		let mut header = Header::new(number, Hash::default(), Hash::default(), Hash::default(), digest);
		let signature = who.sign(header.hash().as_ref());
		header.digest_mut().push(DigestItem::babe_seal(signature.into()));
		header
	};
	sp_consensus_babe::EquivocationProof {
		offender: who.public().into(),
		slot,
		first_header: signed_block(1),
		second_header: signed_block(2),
	}
}

/// Two different votes in a round under the same key.
fn two_votes(who: Ed25519Keyring) -> sp_consensus_grandpa::EquivocationProof<Hash, BlockNumber> {
	let (set, round) = (Grandpa::current_set_id(), 5u64);
	let vote = |target: u8| {
		let vote = (Hash::repeat_byte(target), BlockNumber::from(target));
		let message =
			sp_consensus_grandpa::Message::<Header>::Prevote(sp_consensus_grandpa::Prevote::<Header> {
				target_hash: vote.0,
				target_number: vote.1,
			});
		(vote, who.sign(&sp_consensus_grandpa::localized_payload(round, set, &message)))
	};
	// The proof of two prevotes, as it travels.
	let proof = (set, 0u8, (round, GrandpaId::from(who.public()), vote(1), vote(2)));
	Decode::decode(&mut &proof.encode()[..]).expect("a proof")
}

fn report_of_two_blocks(who: Sr25519Keyring) -> RuntimeCall {
	let key = (sp_consensus_babe::KEY_TYPE, BabeId::from(who.public()));
	RuntimeCall::Babe(pallet_babe::Call::report_equivocation_unsigned {
		equivocation_proof: Box::new(two_blocks(who)),
		key_owner_proof: Historical::prove(key).expect("a validator of this session"),
	})
}

fn report_of_two_votes(who: Ed25519Keyring) -> RuntimeCall {
	let key = (sp_consensus_grandpa::KEY_TYPE, GrandpaId::from(who.public()));
	RuntimeCall::Grandpa(pallet_grandpa::Call::report_equivocation_unsigned {
		equivocation_proof: Box::new(two_votes(who)),
		key_owner_proof: Historical::prove(key).expect("a validator of this session"),
	})
}

/// Executes it as part of the block.
fn submit(call: RuntimeCall) {
	let applied = Executive::apply_extrinsic(UncheckedExtrinsic::new_bare(call));
	assert_ok!(applied.expect("it is valid"));
}

/// Reports that `who` equivocated in `session`, among `validators`, in a slot of that session.
fn report(who: Sr25519Keyring, session: SessionIndex, validators: u32) -> Result<(), OffenceError> {
	let offence = pallet_babe::EquivocationOffence {
		slot: u64::from(session).into(),
		session_index: session,
		validator_set_count: validators,
		offender: (account(who), ()),
	};
	Equivocations::report_offence(vec![], offence)
}

/// What a report slashes of the stakes behind the offender.
fn slashed_in(era: EraIndex, who: Sr25519Keyring) -> Option<Perbill> {
	pallet_staking::ValidatorSlashInEra::<Runtime>::get(era, account(who)).map(|(fraction, _)| fraction)
}

#[test]
fn issuance_should_not_change_by_staking_when_eras_end_and_are_paid() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		nominate(Ferdie, Bob);
		let supply = Balances::total_issuance();
		let totals = || [Alice, Bob, Ferdie].map(|who| Balances::total_balance(&account(who)));
		let before = totals();
		for era in 0..3 {
			let first_session = Session::current_index();
			next_era();
			assert_eq!(Session::current_index() - first_session, SESSIONS_PER_ERA, "an era is a day");
			let points = pallet_staking::ErasRewardPoints::<Runtime>::get(era);
			assert!(points.individual.contains_key(&account(Alice)), "who built blocks earned points");
			assert_ok!(Staking::payout_stakers(signed(Eve), account(Alice), era));
			assert_ok!(Staking::payout_stakers(signed(Eve), account(Bob), era));
			assert_eq!(Staking::eras_validator_reward(era), Some(0));
			assert_eq!(Balances::total_issuance(), supply);
			assert_eq!(totals(), before);
		}
	});
}

#[test]
fn a_candidate_should_be_elected_over_one_of_the_same_bond_when_it_is_nominated() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		assert_ok!(Staking::set_validator_count(RuntimeOrigin::root(), 2));
		join(Charlie, Ed25519Keyring::Charlie);
		nominate(Ferdie, Charlie);
		nominate(Eve, Alice);
		assert!(!is_elected(Charlie));
		next_era();
		assert!(is_elected(Charlie) && is_elected(Alice) && !is_elected(Bob));
		let stake = pallet_staking::ErasStakersOverview::<Runtime>::get(active_era(), account(Charlie));
		assert_eq!(stake.map(|stake| (stake.own, stake.total)), Some((STAKE, STAKE + NOMINATED)));
		assert_eq!(Babe::authorities().len(), 2);
		assert!(Babe::authorities().iter().any(|(key, _)| *key == BabeId::from(Charlie.public())));
		// GRANDPA goes over at the end of the block.
		next_block(1);
		let finality = GrandpaId::from(Ed25519Keyring::Charlie.public());
		assert!(Grandpa::grandpa_authorities().iter().any(|(key, _)| *key == finality));
	});
}

#[test]
fn the_list_of_voters_should_take_nobody_who_does_not_vote() {
	let not_listed = || pallet_bags_list::Error::<Runtime>::List(pallet_bags_list::ListError::NodeNotFound);
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		bond(Eve, STAKE);
		assert_noop!(VoterList::rebag(signed(Ferdie), account(Eve).into()), not_listed());
		assert_ok!(Staking::nominate(signed(Eve), vec![account(Bob).into()]));
		assert_ok!(VoterList::rebag(signed(Ferdie), account(Eve).into()));
		assert_ok!(Staking::chill(signed(Eve)));
		assert_noop!(VoterList::rebag(signed(Ferdie), account(Eve).into()), not_listed());
		assert_eq!(pallet_bags_list::ListNodes::<Runtime>::count(), 2, "the validators");
	});
}

#[test]
fn validators_should_stay_when_too_few_candidates_are_left() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		assert_ok!(Staking::force_new_era_always(RuntimeOrigin::root()));
		for who in [Alice, Bob] {
			assert_ok!(Staking::chill(signed(who)));
		}
		for _ in 0..3 {
			next_session();
		}
		assert!(is_elected(Alice) && is_elected(Bob));
	});
}

#[test]
fn a_stake_should_be_free_again_after_the_bonding_period_and_not_before() {
	with_preset(LOCAL_TESTNET_RUNTIME_PRESET, || {
		assert_ok!(Staking::force_new_era_always(RuntimeOrigin::root()));
		bond(Ferdie, NOMINATED);
		assert_ok!(Staking::unbond(signed(Ferdie), NOMINATED));
		let planned = |era| pallet_staking::CurrentEra::<Runtime>::get() == Some(era);
		while !planned(BONDING_ERAS - 1) {
			next_session();
		}
		assert_ok!(Staking::withdraw_unbonded(signed(Ferdie), 0));
		assert_eq!(staked(Ferdie), NOMINATED);
		next_session();
		assert!(planned(BONDING_ERAS));
		assert_ok!(Staking::withdraw_unbonded(signed(Ferdie), 0));
		assert_eq!(staked(Ferdie), 0);
	});
}

#[test]
fn two_blocks_of_a_slot_should_cost_validator_and_nominator_a_tenth_and_the_seat() {
	with_four_validators(|| {
		let (era, supply) = (active_era(), Balances::total_issuance());
		submit(report_of_two_blocks(Charlie));
		assert!(is_disabled(Charlie), "it builds nothing more");
		assert!(!pallet_staking::Validators::<Runtime>::contains_key(account(Charlie)));
		let due = era + SLASH_DEFER_ERAS + 1;
		for _ in era..due {
			assert_eq!((staked(Charlie), staked(Ferdie)), (STAKE, NOMINATED), "not yet");
			assert_eq!(Balances::total_issuance(), supply);
			next_era();
		}
		let slash = EQUIVOCATION_SLASH * STAKE + EQUIVOCATION_SLASH * NOMINATED;
		assert_eq!(slash, 15_000 * BLY);
		assert_eq!(staked(Charlie), STAKE - EQUIVOCATION_SLASH * STAKE);
		assert_eq!(staked(Ferdie), NOMINATED - EQUIVOCATION_SLASH * NOMINATED);
		assert_eq!((staked(Alice), staked(Bob), staked(Dave)), (STAKE, STAKE, STAKE));
		assert_eq!(supply - Balances::total_issuance(), slash, "burned, and nobody is paid for the report");
		assert!(!is_elected(Charlie) && is_elected(Dave));
	});
}

#[test]
fn two_votes_of_a_round_should_cost_a_tenth() {
	with_four_validators(|| {
		let era = active_era();
		submit(report_of_two_votes(Ed25519Keyring::Dave));
		assert!(is_disabled(Dave));
		assert_eq!(slashed_in(era, Dave), Some(EQUIVOCATION_SLASH));
		let waiting = UnappliedSlashes::<Runtime>::get(era + SLASH_DEFER_ERAS + 1);
		assert_eq!(waiting.iter().map(|slash| slash.own).collect::<Vec<_>>(), [10_000 * BLY]);
	});
}

#[test]
fn a_slash_should_not_be_applied_when_governance_cancels_it() {
	with_four_validators(|| {
		let (due, supply) = (active_era() + SLASH_DEFER_ERAS + 1, Balances::total_issuance());
		submit(report_of_two_blocks(Charlie));
		assert_noop!(Staking::cancel_deferred_slash(signed(Alice), due, vec![0]), DispatchError::BadOrigin);
		assert_ok!(Staking::cancel_deferred_slash(RuntimeOrigin::root(), due, vec![0]));
		while active_era() <= due {
			next_era();
		}
		assert_eq!((staked(Charlie), staked(Ferdie)), (STAKE, NOMINATED));
		assert_eq!(Balances::total_issuance(), supply);
		// It can be a candidate again.
		assert_ok!(Staking::validate(signed(Charlie), Default::default()));
	});
}

#[test]
fn a_slash_should_rise_for_all_when_others_equivocate_in_the_same_slot() {
	with_four_validators(|| {
		let (era, session) = (active_era(), Session::current_index());
		assert_ok!(report(Bob, session, 20));
		assert_eq!(slashed_in(era, Bob), Some(EQUIVOCATION_SLASH));
		// (3 * 2 / 20)^2 is 9 %, less than for one alone.
		assert_ok!(report(Charlie, session, 20));
		assert_eq!(slashed_in(era, Charlie), Some(EQUIVOCATION_SLASH));
		// (3 * 3 / 20)^2.
		assert_ok!(report(Dave, session, 20));
		for who in [Bob, Charlie, Dave] {
			assert_eq!(slashed_in(era, who), Some(Perbill::from_parts(202_500_000)), "{who:?}");
		}
		assert_eq!(slashed_in(era, Alice), None);
		assert_eq!(report(Dave, session, 20), Err(OffenceError::DuplicateReport));
		let supply = Balances::total_issuance();
		while active_era() <= era + SLASH_DEFER_ERAS {
			next_era();
		}
		// Once in all for the era, not for each report.
		let left = |stake| stake - Perbill::from_parts(202_500_000) * stake;
		assert_eq!([Bob, Charlie, Dave].map(staked), [left(STAKE); 3]);
		assert_eq!(staked(Ferdie), left(NOMINATED));
		assert_eq!(
			supply - Balances::total_issuance(),
			3 * (STAKE - left(STAKE)) + NOMINATED - left(NOMINATED)
		);
	});
}

#[test]
fn a_lone_equivocation_should_cost_a_tenth_however_few_validators_there_are() {
	with_four_validators(|| {
		assert_ok!(report(Bob, Session::current_index(), 1));
		assert_eq!(slashed_in(active_era(), Bob), Some(EQUIVOCATION_SLASH));
	});
}

/// Reports an offence so many eras after its own, and returns how many eras after its own it is slashed.
fn slashed_after(report_after: EraIndex) -> EraIndex {
	let mut after = 0;
	with_four_validators(|| {
		let (era, session) = (active_era(), Session::current_index());
		while active_era() < era + report_after {
			next_era();
		}
		assert_ok!(report(Charlie, session, 4));
		while staked(Charlie) == STAKE {
			assert!(active_era() <= era + report_after + SLASH_DEFER_ERAS + 1, "it is never slashed");
			next_era();
		}
		assert_eq!(staked(Charlie), STAKE - EQUIVOCATION_SLASH * STAKE);
		assert_eq!(staked(Ferdie), NOMINATED - EQUIVOCATION_SLASH * NOMINATED);
		after = active_era() - era;
	});
	after
}

#[test]
fn a_slash_should_be_applied_after_its_delay_when_it_is_reported_late() {
	assert_eq!(slashed_after(0), SLASH_DEFER_ERAS + 1);
	// In time for the same era: it is not put off again.
	assert_eq!(slashed_after(1), SLASH_DEFER_ERAS + 1);
	for late in [2, 10, BONDING_ERAS - 1 - SLASH_DEFER_ERAS - 1] {
		assert_eq!(slashed_after(late), late + SLASH_DEFER_ERAS + 1);
	}
}

#[test]
fn a_slash_should_be_applied_before_the_stake_can_leave_when_it_is_reported_very_late() {
	assert_eq!(slashed_after(BONDING_ERAS - 2), BONDING_ERAS - 1);
	// Too late for who left at once, but not for who did not.
	assert_eq!(slashed_after(BONDING_ERAS - 1), BONDING_ERAS);
	assert_eq!(slashed_after(BONDING_ERAS), BONDING_ERAS + 1);
}

#[test]
fn an_offence_should_be_dropped_when_it_is_older_than_the_bonding_period() {
	with_four_validators(|| {
		let (era, session) = (active_era(), Session::current_index());
		while active_era() <= era + BONDING_ERAS {
			next_era();
		}
		assert_ok!(report(Charlie, session, 4));
		assert_eq!(slashed_in(era, Charlie), None);
		assert!(pallet_staking::Validators::<Runtime>::contains_key(account(Charlie)));
	});
}

#[test]
fn a_report_should_be_refused_when_it_comes_from_a_peer_or_is_known() {
	with_four_validators(|| {
		for report in [report_of_two_blocks(Charlie), report_of_two_votes(Ed25519Keyring::Dave)] {
			let from = |source| match &report {
				RuntimeCall::Babe(report) => Babe::validate_unsigned(source, report),
				RuntimeCall::Grandpa(report) => Grandpa::validate_unsigned(source, report),
				_ => unreachable!("no other reports are made here"),
			};
			assert_eq!(from(TransactionSource::External), Err(InvalidTransaction::Call.into()));
			let valid = from(TransactionSource::Local).expect("valid");
			assert!(!valid.propagate);
			assert_eq!(valid.longevity, u64::from(BONDING_ERAS * SESSIONS_PER_ERA) * EPOCH_DURATION_IN_SLOTS);
			submit(report.clone());
			assert_eq!(from(TransactionSource::Local), Err(InvalidTransaction::Stale.into()));
		}
	});
}

#[test]
fn a_node_should_be_able_to_report_what_it_saw_by_the_apis() {
	let (pool, sent) = TestTransactionPoolExt::new();
	let mut ext = TestExternalities::default();
	ext.register_extension(TransactionPoolExt::new(pool));
	with_preset_in(ext, LOCAL_TESTNET_RUNTIME_PRESET, || {
		set_up_four_validators();
		let blocks = two_blocks(Charlie);
		let owner =
			<Runtime as BabeApiV2<Block>>::generate_key_ownership_proof(blocks.slot, Charlie.public().into());
		let owner = owner.expect("a validator of this session");
		assert_eq!(
			<Runtime as BabeApiV2<Block>>::submit_report_equivocation_unsigned_extrinsic(blocks, owner),
			Some(())
		);
		let votes = two_votes(Ed25519Keyring::Dave);
		let owner = <Runtime as GrandpaApiV3<Block>>::generate_key_ownership_proof(
			votes.set_id(),
			Ed25519Keyring::Dave.public().into(),
		);
		let owner = owner.expect("a validator of this session");
		assert_eq!(
			<Runtime as GrandpaApiV3<Block>>::submit_report_equivocation_unsigned_extrinsic(votes, owner),
			Some(())
		);
		let sent = sent.read().transactions.clone();
		assert_eq!(sent.len(), 2);
		for transaction in sent {
			let transaction = UncheckedExtrinsic::decode(&mut &transaction[..]).expect("a transaction");
			assert_ok!(Executive::apply_extrinsic(transaction).expect("it is valid"));
		}
		assert_eq!(slashed_in(active_era(), Charlie), Some(EQUIVOCATION_SLASH));
		assert_eq!(slashed_in(active_era(), Dave), Some(EQUIVOCATION_SLASH));
	});
}

#[test]
fn stakes_should_be_bounded_so_that_elections_and_reports_fit_in_a_block() {
	type Weights = pallet_staking::weights::SubstrateWeight<Runtime>;
	let votes = pallet_staking::MaxNominationsOf::<Runtime>::get();
	let election = ElectionWeight::<Runtime>::phragmen(MAX_VOTERS, MAX_CANDIDATES, votes)
		.saturating_add(Weights::get_npos_voters(MAX_CANDIDATES, MAX_VOTERS - MAX_CANDIDATES))
		.saturating_add(Weights::get_npos_targets(MAX_CANDIDATES));
	let block = RuntimeBlockWeights::get().max_block;
	// The rest is for the hooks of the other pallets.
	assert!(election.ref_time() < block.ref_time() / 5 * 2, "{election} of {block}");
	const { assert!(MAX_SEATS <= MAX_CANDIDATES && MAX_CANDIDATES <= MAX_VOTERS) };

	let limit = RuntimeBlockWeights::get().get(DispatchClass::Normal).max_extrinsic.expect("limited");
	with_four_validators(|| {
		for report in [report_of_two_blocks(Charlie), report_of_two_votes(Ed25519Keyring::Dave)] {
			let weight: Weight = report.get_dispatch_info().call_weight;
			assert!(weight.all_lte(limit), "{weight} > {limit}");
		}
	});
}

#[test]
fn votes_should_be_exact_and_fit_when_everything_is_staked() {
	use sp_staking::currency_to_vote::CurrencyToVote;
	type Votes = <Runtime as pallet_staking::Config>::CurrencyToVote;
	let cap = blyan_primitives::economy::SUPPLY_CAP;
	let votes = Votes::to_vote(cap, cap);
	assert!(votes < u64::MAX);
	assert_eq!(Votes::to_currency(votes.into(), cap), cap);
	let bags = <Runtime as pallet_bags_list::Config>::BagThresholds::get();
	assert!(bags.last().is_some_and(|last| *last > votes), "the richest has a bag too");
}
