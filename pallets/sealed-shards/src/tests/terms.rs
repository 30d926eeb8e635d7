use crate::{mock::*, *};
use blyan_primitives::{
	learning::{Gate, MAX_DOMAINS},
	sealed::{SealedTerms, MAX_LOTS},
	traits::DrawnLots,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::Hooks},
	sp_runtime::DispatchError,
};

fn set(who: AccountId, model: u32, lots: u32, shards_per_lot: u32) -> Result<(), DispatchError> {
	SealedShards::set_terms(RuntimeOrigin::signed(who), model, SealedTerms { lots, shards_per_lot })
}

#[test]
fn set_terms_should_hold_until_set_to_none() {
	ExtBuilder.build_and_execute(|| {
		assert_eq!(World::draw(0, 1, &[]), DrawnLots::NoneWanted);
		set_terms(2);
		let terms = SealedTerms { lots: 2, shards_per_lot: SHARDS };
		assert_eq!(SealedShards::sealed_terms(MODEL), Some(terms));
		assert_event(Event::TermsSet { model: MODEL, terms });
		assert_eq!(World::draw(0, 1, &[]), DrawnLots::TooFew);
		set_terms(0);
		assert_eq!(
			(SealedShards::sealed_terms(MODEL), World::draw(0, 1, &[])),
			(None, DrawnLots::NoneWanted)
		);
	});
}

#[test]
fn set_terms_should_be_refused_when_the_caller_is_not_the_owner_or_there_is_no_pool() {
	ExtBuilder.build_and_execute(|| {
		assert_noop!(set(STRANGER, MODEL, 1, 4), Error::<Test>::NotModelOwner);
		assert_noop!(set(OWNER, UNOPENED, 1, 4), Error::<Test>::TrainingNotOpen);
	});
}

#[test]
fn set_terms_should_be_refused_when_they_do_not_fit_the_pool() {
	ExtBuilder.build_and_execute(|| {
		// Eight public shards, four of a domain: twelve sealed ones at most.
		assert_ok!(set(OWNER, MODEL, 3, 4));
		assert_ok!(set(OWNER, MODEL, 1, 2));
		for (lots, shards) in [(3, 5), (1, 13), (1, 1), (1, 0), (MAX_LOTS + 1, 1), (u32::MAX, u32::MAX)] {
			assert_noop!(set(OWNER, MODEL, lots, shards), Error::<Test>::TermsInvalid);
		}
		let terms = SealedTerms { lots: 2, shards_per_lot: 2 };
		let mut wide = pool();
		let domain = wide.domains[0].clone();
		while (wide.domains.len() as u32) < MAX_DOMAINS {
			wide.domains.try_push(domain.clone()).unwrap();
		}
		assert!(fits(&terms, &pool(), &gate()) && !fits(&terms, &wide, &gate()), "no room for a domain more");
		let mut many = pool();
		many.domains.iter_mut().for_each(|domain| domain.shards = 10_000);
		let gate = Gate { shards_per_domain: 2_046, ..gate() };
		assert!(fits(&terms, &many, &gate));
		let gate = Gate { shards_per_domain: 2_047, ..gate };
		assert!(!fits(&terms, &many, &gate), "more than a dispute can open");
	});
}

#[test]
fn draw_should_find_too_few_when_the_pool_has_changed_under_the_terms() {
	ExtBuilder.build_and_execute(|| {
		seal_each(3);
		set_terms(2);
		let mut other = pool();
		other.shard_bytes += 1;
		let seed = blyan_primitives::Hash::zero();
		assert_eq!(World::draw_with(0, &other, seed, &[], 2), DrawnLots::TooFew);
		let mut small = pool();
		small.domains.truncate(0);
		assert_eq!(World::draw_with(0, &small, seed, &[], 2), DrawnLots::TooFew);
	});
}

#[test]
fn force_set_parameters_should_check_origin_and_numbers() {
	ExtBuilder.build_and_execute(|| {
		let set = |origin: RuntimeOrigin, parameters| SealedShards::force_set_parameters(origin, parameters);
		let valid = SealedParameters::default();
		assert_noop!(set(RuntimeOrigin::signed(OWNER), valid.clone()), DispatchError::BadOrigin);
		for blocks in [0, MAX_PHASE_BLOCKS + 1] {
			let opening = SealedParameters { opening_blocks: blocks, ..valid.clone() };
			let retention = SealedParameters { retention_blocks: blocks, ..valid.clone() };
			assert_noop!(set(RuntimeOrigin::root(), opening), Error::<Test>::PhaseLengthOutOfRange);
			assert_noop!(set(RuntimeOrigin::root(), retention), Error::<Test>::PhaseLengthOutOfRange);
		}
		let free = SealedParameters { bond: 0, ..valid.clone() };
		assert_noop!(set(RuntimeOrigin::root(), free), Error::<Test>::NoBond);
		assert_ok!(set(RuntimeOrigin::root(), valid.clone()));
		assert_event(Event::ParametersSet { parameters: valid });
	});
}

#[test]
fn integrity_test_should_hold_for_the_mock() {
	ExtBuilder.build_and_execute(<SealedShards as Hooks<BlockNumber>>::integrity_test);
}
