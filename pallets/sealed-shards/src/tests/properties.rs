//! Random histories: every lot is in one state, used by one round at most, and what is held is accounted for.

use crate::{mock::*, *};
use blyan_primitives::{
	sealed::LotState,
	traits::{DrawnLots, SealedReserve, SealedRounds},
};
use polkadot_sdk::{frame_support::BoundedVec, pallet_balances};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Step {
	Seal { sealer: u64, number: u64 },
	Withdraw { lot: u64 },
	SetTerms { lots: u32 },
	Draw { round: u64, seed: u8, excluded: u64 },
	Open { lot: u64, is_right: bool },
	EndOpening { round: u64 },
	Void { lot: u64 },
	Close { round: u64 },
	Reclaim { lot: u64 },
	Pass { blocks: u32 },
}

fn any_step() -> impl Strategy<Value = Step> {
	prop_oneof![
		6 => (0..SEALERS, 0u64..40).prop_map(|(sealer, number)| Step::Seal { sealer, number }),
		1 => (0u64..30).prop_map(|lot| Step::Withdraw { lot }),
		1 => (0u32..4).prop_map(|lots| Step::SetTerms { lots }),
		4 => (0u64..12, any::<u8>(), 0..SEALERS)
			.prop_map(|(round, seed, excluded)| Step::Draw { round, seed, excluded }),
		6 => (0u64..30, prop::bool::weighted(0.8)).prop_map(|(lot, is_right)| Step::Open { lot, is_right }),
		1 => (0u64..12).prop_map(|round| Step::EndOpening { round }),
		1 => (0u64..30).prop_map(|lot| Step::Void { lot }),
		2 => (0u64..12).prop_map(|round| Step::Close { round }),
		2 => (0u64..30).prop_map(|lot| Step::Reclaim { lot }),
		3 => (1u32..12).prop_map(|blocks| Step::Pass { blocks }),
	]
}

/// Carries out what the calls and the rounds may do; whatever is refused changes nothing.
fn play(step: &Step, texts: &mut BTreeMap<u64, u64>, drawn_for: &mut BTreeMap<u64, u64>) {
	let who = |number| RuntimeOrigin::signed(SEALER + number);
	match *step {
		Step::Seal { sealer, number } => {
			let id = NextLotId::<Test>::get();
			let lots = BoundedVec::truncate_from(vec![new_lot(number)]);
			if SealedShards::add_lots(who(sealer), MODEL, lots).is_ok() {
				texts.insert(id, number);
			}
		}
		Step::Withdraw { lot } => {
			let sealer = Lots::<Test>::get(lot).map_or(SEALER, |lot| lot.sealer);
			let _ = SealedShards::withdraw(RuntimeOrigin::signed(sealer), lot);
		}
		Step::SetTerms { lots } => set_terms(lots),
		Step::Draw { round, seed, excluded } => {
			// A round draws anew only when its former attempt is over, and it is not closed.
			if World::waiting(round).is_empty() {
				let drawn = World::draw(round, seed, &[SEALER + excluded]);
				if let DrawnLots::Lots { lots, .. } = drawn {
					for lot in lots {
						assert_eq!(drawn_for.insert(lot, round), None, "a lot was drawn twice");
						assert_ne!(Lots::<Test>::get(lot).unwrap().sealer, SEALER + excluded);
					}
				}
			}
		}
		Step::Open { lot, is_right } => {
			let number = texts.get(&lot).copied().unwrap_or_default();
			let key = key(if is_right { number } else { number + 1 });
			let result = SealedShards::open(who(0), lot, key);
			assert!(is_right || result.is_err(), "a lot was opened by another key");
		}
		Step::EndOpening { round } => {
			if !World::waiting(round).is_empty() {
				World::end_opening(round);
			}
		}
		Step::Void { lot } => {
			if Lots::<Test>::get(lot).is_some_and(|lot| matches!(lot.state, LotState::Retired { .. })) {
				SealedShards::void(lot);
			}
		}
		Step::Close { round } => {
			if <World as SealedRounds<AccountId>>::is_open(round) && World::waiting(round).is_empty() {
				World::close(round);
			}
		}
		Step::Reclaim { lot } => drop(SealedShards::reclaim(who(0), lot)),
		Step::Pass { blocks } => run_blocks(blocks),
	}
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

	#[test]
	fn lots_should_be_used_once_and_paid_for_to_the_last_unit(steps in prop::collection::vec(any_step(), 1..80)) {
		ExtBuilder.build_and_execute(|| {
			let issuance = pallet_balances::TotalIssuance::<Test>::get();
			let (mut texts, mut drawn_for) = (BTreeMap::new(), BTreeMap::new());
			for step in &steps {
				play(step, &mut texts, &mut drawn_for);
				SealedShards::do_try_state().unwrap();
			}
			let burned = events()
				.into_iter()
				.map(|event| match event {
					Event::LotVoided { burned, .. } => burned,
					_ => 0,
				})
				.sum::<u128>();
			assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), issuance - burned);
			let kept = Lots::<Test>::iter().count() as u128;
			let all_held = (0..SEALERS).map(|number| held(SEALER + number)).sum::<u128>();
			assert_eq!(all_held, kept * (DEPOSIT + BOND), "held is what is kept");
		});
	}
}
