//! What somebody would do who means ill, and what comes of it.

use crate::{mock::*, *};
use blyan_primitives::{
	datasets::{offer_challenge, DatasetFinding, DatasetStage, OfferWork, Refusal, Standing},
	traits::{DatasetRegistry, WorkerRegistry},
	worker::{Fault, Role},
	Hash,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, traits::Hooks},
	frame_system::BlockHash,
};

#[test]
fn vote_should_not_be_stuffed_by_who_is_no_worker_or_came_for_it() {
	ExtBuilder::default().build_and_execute(|| {
		let (late, leaver, slashed) = (STRANGER, FIRST_AUDITOR + 6, FIRST_AUDITOR + 7);
		let id = offer_by(CONTRIBUTOR, 1);
		judge_all(id, good());
		let DatasetStage::Vote { .. } = stage(id) else { panic!() };
		assert_noop!(try_vote(OTHER, id, true), Error::<Test>::NotEligible);
		// In the very block in which the vote was opened, and later.
		register(late, Role::Server);
		assert_noop!(try_vote(late, id, true), Error::<Test>::NotEligible);
		run_blocks(2);
		register(OTHER, Role::Server);
		assert_noop!(try_vote(OTHER, id, true), Error::<Test>::NotEligible);
		assert_noop!(try_vote(late, id, true), Error::<Test>::NotEligible);
		assert_ok!(WorkersPallet::unregister(RuntimeOrigin::signed(leaver)));
		assert_noop!(try_vote(leaver, id, true), Error::<Test>::NotEligible);
		// Its bond is not whole: it is suspended, as from draws.
		pallet_workers::Workers::<Test>::mutate(slashed, |worker| {
			worker.as_mut().unwrap().required_bond = WORKER_BOND;
		});
		WorkersPallet::note_fault(&slashed, Fault::DisputeLost);
		assert_noop!(try_vote(slashed, id, true), Error::<Test>::NotEligible);
		// The next vote is theirs, too.
		close_vote(id);
		let id = in_vote(2);
		assert_ok!(try_vote(late, id, true));
	});
}

#[test]
fn one_bond_should_not_vote_twice_under_two_names() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, first, second) = (in_vote(1), FIRST_AUDITOR, STRANGER);
		assert_ok!(try_vote(first, id, true));
		assert_ok!(WorkersPallet::unregister(RuntimeOrigin::signed(first)));
		run_blocks(10);
		assert_ok!(WorkersPallet::withdraw(RuntimeOrigin::signed(first)));
		register(second, Role::Server);
		assert!(matches!(stage(id), DatasetStage::Vote { .. }), "{:?}", stage(id));
		assert_noop!(try_vote(second, id, true), Error::<Test>::NotEligible);
	});
}

#[test]
fn auditor_that_lies_should_lose_a_part_of_its_bond_and_move_nothing() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = offer_and_draw(1);
		let liar = members[2];
		let before = WorkersPallet::reputation(&liar).unwrap();
		judge(id, &[Some(good()), Some(good()), Some(found(|report| report.personal_data = 900_000))]);
		assert_eq!(get(id).report, Some(report()));
		assert_eq!(total(liar), ENDOWMENT - WORKER_BOND / 20);
		assert!(WorkersPallet::reputation(&liar).unwrap() < before);
		assert!(World::fees().iter().all(|(who, _)| *who != liar));
	});
}

#[test]
fn auditor_that_copies_should_have_nothing_to_reveal() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = offer_and_draw(1);
		assert_ok!(try_commit(members[0], id, &good()));
		let copied = commitment_of(members[0], id, &good());
		let origin = || RuntimeOrigin::signed(members[2]);
		assert_noop!(DatasetsPallet::commit(origin(), id, copied), Error::<Test>::CommitmentCopied);
		assert_ok!(try_commit(members[1], id, &good()));
		// It commits to anything, to reveal what the others revealed before it.
		assert_ok!(DatasetsPallet::commit(origin(), id, Hash::repeat_byte(7)));
		run_until(|| matches!(audit(id).phase, Phase::Reveal { .. }));
		assert_ok!(try_reveal(members[0], id, &good()));
		let salt = [members[0] as u8; 32];
		assert_noop!(DatasetsPallet::reveal(origin(), id, good(), salt), Error::<Test>::RevealMismatch);
		assert_ok!(try_reveal(members[1], id, &good()));
		run_until(|| !Audits::<Test>::contains_key(id));
		assert_eq!(faults(), [(members[2], Fault::NoReveal)]);
	});
}

#[test]
fn content_that_nobody_serves_should_be_turned_away_and_cost_its_contributor_its_quota() {
	ExtBuilder::default().build_and_execute(|| {
		for number in 1..=5 {
			let id = offer_by(CONTRIBUTOR, number);
			judge_all(id, DatasetFinding::Unfetchable);
			assert!(matches!(stage(id), DatasetStage::Rejected { reason: Refusal::Unfetchable, .. }));
		}
		assert_eq!(DatasetsPallet::offer_demand(&CONTRIBUTOR).left_today, 10 - 5);
	});
}

#[test]
fn changed_content_should_be_another_dataset() {
	ExtBuilder::default().build_and_execute(|| {
		let id = approved(1);
		let mut changed = offer(1);
		changed.content = cid(2);
		assert_noop!(try_offer(CONTRIBUTOR, changed.clone()), Error::<Test>::VersionTaken);
		changed.version.minor = 1;
		assert_ok!(try_offer(CONTRIBUTOR, changed));
		assert!(DatasetsPallet::approved(id).is_some(), "what was audited");
		assert!(DatasetsPallet::approved(cid(2)).is_none(), "what nobody looked at");
	});
}

#[test]
fn who_is_trusted_should_make_a_newcomer_make_room_when_the_line_is_full() {
	ExtBuilder::default().build_and_execute(|| {
		// Six of eight places are newcomers'.
		(1..=6).for_each(|number| {
			offer_by(CONTRIBUTOR, number);
		});
		assert_noop!(try_offer(CONTRIBUTOR, offer(7)), Error::<Test>::LineFull);
		// Another newcomer stands before the sixth of one.
		assert_ok!(try_offer(STRANGER, offer(7)));
		let displaced = Event::OfferDisplaced { dataset: cid(6), contributor: CONTRIBUTOR, by: cid(7) };
		assert_event(displaced);
		assert_eq!(DatasetsPallet::dataset(cid(6)), None);
		assert_eq!(Contributors::<Test>::get(CONTRIBUTOR).unwrap().kept, 6, "for a day");
		trust(OTHER);
		(11..=12).for_each(|number| {
			offer_by(OTHER, number);
		});
		assert_eq!(Line::<Test>::get().len(), 8);
		offer_by(OTHER, 13);
		assert_eq!(DatasetsPallet::dataset(cid(5)), None, "the last of who has most");
		System::set_block_number(System::block_number() + parameters().day_blocks);
		let kept = Contributors::<Test>::get(CONTRIBUTOR).unwrap().kept;
		DatasetsPallet::on_idle(System::block_number(), polkadot_sdk::frame_support::weights::Weight::MAX);
		assert_eq!(Contributors::<Test>::get(CONTRIBUTOR).unwrap().kept, kept - 2);
	});
}

fn trust(who: AccountId) {
	Contributors::<Test>::mutate(who, |entry| {
		let record = entry.get_or_insert_default();
		record.was_approved = true;
		record.reliability.standing = Standing::Trusted;
	});
}

#[test]
fn newcomer_should_come_before_a_crowd_of_equals_by_more_work() {
	ExtBuilder::default().parameters(|p| (p.work_bits, p.usual_offers) = (4, 1_000)).build_and_execute(
		|| {
			System::set_block_number(10);
			let anchor = 9;
			let hash = Hash::repeat_byte(9);
			BlockHash::<Test>::insert(anchor, hash);
			let offer_with = |who: AccountId, number: u32, is_enough: &dyn Fn(u32) -> bool| {
				let challenge = offer_challenge(&who, &cid(number), &hash);
				let nonce = (0..)
					.find(|nonce| is_enough(OfferWork { nonce: *nonce, anchor }.bits(&challenge)))
					.unwrap();
				DatasetsPallet::offer(RuntimeOrigin::signed(who), offer(number), OfferWork { nonce, anchor })
			};
			for number in 1..=6 {
				assert_ok!(offer_with(1_000 + u64::from(number), number, &|bits| bits == 4));
			}
			assert_noop!(offer_with(STRANGER, 7, &|bits| bits == 4), Error::<Test>::LineFull);
			assert_ok!(offer_with(STRANGER, 7, &|bits| bits == 8));
			next_block();
			assert_eq!(RunningAudits::<Test>::get()[0].dataset, cid(7));
		},
	);
}

/// A thousand accounts offer whatever they may for a day, and a trusted contributor a dataset in each half-hour, which
/// is what an audit takes at most.
#[test]
fn a_thousand_accounts_should_not_keep_a_trusted_contributor_waiting() {
	const HALF_HOUR: u32 = 900;
	const ROUNDS: u32 = 48;
	let change = |p: &mut DatasetParameters| {
		(p.max_audits, p.day_blocks, p.usual_offers) = (16, 43_200, 200);
		(p.commit_blocks, p.reveal_blocks) = (750, 150);
		(p.vote_blocks, p.extension_blocks, p.appeal_blocks) = (43_200, 43_200, 43_200);
	};
	ExtBuilder::default().auditors(30).parameters(change).build().execute_with(|| {
		MaxLine::set(256);
		trust(OTHER);
		let advance = || {
			let now = System::block_number() + 1;
			System::set_block_number(now);
			DatasetsPallet::on_initialize(now);
		};
		let running = || {
			RunningAudits::<Test>::get().into_iter().map(|entry| entry.dataset).collect::<Vec<_>>()
		};
		let (mut number, mut taken, mut refused, mut audited, mut longest) = (10_000, 0u32, 0u32, 0u32, 0u32);
		for round in 0..ROUNDS {
			System::set_block_number(round * HALF_HOUR + 2);
			// As often as they can, without regard to how often they may.
			for account in 0..1_000u64 {
				number += 1;
				match try_offer(10_000 + account, offer(number)) {
					Ok(_) => taken += 1,
					Err(_) => refused += 1,
				}
			}
			let id = offer_by(OTHER, round + 1);
			let mut waited = 0;
			while running().len() < 16 {
				advance();
				waited += u32::from(!running().contains(&id));
			}
			longest = longest.max(waited + 1);
			audited += running().iter().filter(|other| **other != id).count() as u32;
			// No place is free until all are drawn, and have found the same.
			(0..3).for_each(|_| advance());
			let all = running().into_iter().flat_map(|id| auditors(id).into_iter().map(move |who| (id, who)));
			let all = all.collect::<Vec<_>>();
			assert_eq!(all.len(), 16 * 3);
			all.iter().for_each(|(id, who)| try_commit(*who, *id, &good()).unwrap());
			advance();
			all.iter().for_each(|(id, who)| try_reveal(*who, *id, &good()).unwrap());
			advance();
			assert_eq!(running(), []);
		}
		let is_displaced = |event: &Event<Test>| matches!(event, Event::OfferDisplaced { .. });
		let displaced = events().iter().filter(|event| is_displaced(event)).count() as u32;
		Parameters::<Test>::mutate(|p| p.work_bits = 23);
		let bits = DatasetsPallet::offer_demand(&STRANGER).bits;
		println!(
			"1,000 accounts in a day: {taken} offers taken, of which {displaced} displaced and {audited} audited; {refused} \
			 refused; {bits} bits of work at its end. A trusted contributor has a place after {longest} block(s)."
		);
		// The places of a day, and those in line, are all that they get.
		assert_eq!(audited, ROUNDS * 15);
		assert!((audited..=audited + 192).contains(&(taken - displaced)), "{taken} less {displaced}");
		assert_eq!((longest, bits), (1, 25));
		DatasetsPallet::do_try_state().unwrap();
	});
}
