//! Random histories, against a recount of everything that happened.

use crate::{mock::*, *};
use blyan_primitives::Balance;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What a validator does at a checkpoint.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Act {
	Nothing,
	Quick,
	Late,
	Wrong,
}

/// A session as it is made up.
#[derive(Clone, Debug)]
struct Plan {
	/// Who may act at each of its checkpoints, by account less one; two at least, so that the session before it is
	/// settled before the one after it.
	acts: Vec<Vec<Act>>,
	/// Who authors a block after each.
	author: AccountId,
	/// Blocks after the last of them, before the next session.
	blocks_after: u32,
	/// The validators of the next session; those of this one if there are none.
	next: BTreeSet<AccountId>,
}

/// A session as it was.
#[derive(Default)]
struct Past {
	members: Vec<AccountId>,
	checkpoints: u128,
	acts: BTreeMap<AccountId, Vec<Act>>,
	authors: BTreeSet<AccountId>,
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
	let act = prop_oneof![
		3 => Just(Act::Nothing), 4 => Just(Act::Quick), 2 => Just(Act::Late), 1 => Just(Act::Wrong)
	];
	let at_checkpoint = proptest::collection::vec(act, MAX_VALIDATORS as usize);
	let next = prop_oneof![
		2 => Just(BTreeSet::new()),
		1 => proptest::collection::btree_set(1..=u64::from(MAX_VALIDATORS), 1..6),
	];
	let plan = (proptest::collection::vec(at_checkpoint, 2..4), 0..12u64, 0..3u32, next)
		.prop_map(|(acts, author, blocks_after, next)| Plan { acts, author, blocks_after, next });
	proptest::collection::vec(plan, 1..14)
}

/// Whether a checkpoint opened in this block, as a number.
fn has_opened() -> u128 {
	u128::from(System::block_number() % u64::from(CHECKPOINT_BLOCKS) == 1)
}

/// Lives through the plans; returns what was.
fn live(plans: &[Plan]) -> Vec<Past> {
	let mut past = vec![Past { members: FIRST.to_vec(), ..Default::default() }];
	for plan in plans {
		for acts in &plan.acts {
			next_checkpoint();
			let session = past.last_mut().unwrap();
			session.checkpoints += 1;
			let acting = |wanted: Act, members: &[AccountId]| {
				let acting = |who: &AccountId| acts[*who as usize - 1] == wanted;
				members.iter().copied().filter(acting).collect::<Vec<_>>()
			};
			vote(&acting(Act::Quick, &session.members));
			for who in acting(Act::Wrong, &session.members) {
				bring(who, wrong_vote_of(who));
			}
			blocks(QUICK_BLOCKS);
			vote(&acting(Act::Late, &session.members));
			for who in &session.members {
				session.acts.entry(*who).or_default().push(acts[*who as usize - 1]);
			}
			next_block(Some(plan.author));
			session.authors.insert(plan.author);
		}
		for _ in 0..plan.blocks_after {
			next_block(None);
			past.last_mut().unwrap().checkpoints += has_opened();
		}
		let members =
			if plan.next.is_empty() { Validators::get() } else { plan.next.iter().copied().collect() };
		rotate(None, &members);
		past.push(Past { members, checkpoints: has_opened(), ..Default::default() });
		Checkpoints::do_try_state().expect("every invariant holds");
	}
	past
}

/// What should have been claimed and reported by the sessions that are over, from first principles.
fn recount(past: &[Past]) -> (BTreeMap<AccountId, Balance>, Vec<(AccountId, u32)>) {
	let (mut claims, mut reports) = (BTreeMap::new(), Vec::new());
	for (at, session) in past[..past.len() - 1].iter().enumerate() {
		for who in &session.members {
			let count = |session: &Past, acts: &[Act]| {
				let done = session.acts.get(who).into_iter().flatten();
				done.filter(|act| acts.contains(act)).count() as u128
			};
			let is_active = |session: &&Past| {
				count(session, &[Act::Quick, Act::Late, Act::Wrong]) > 0 || session.authors.contains(who)
			};
			// The newest first, back to when it joined.
			let own = past[..=at].iter().rev().take_while(|session| session.members.contains(who));
			let own = own.filter(|session| session.checkpoints > 0).collect::<Vec<_>>();
			let absent = own.iter().take_while(|session| !is_active(session)).count() as u32;
			if absent > DAY && (absent - 1).is_multiple_of(DAY) {
				reports.push((*who, absent));
			}
			let known = own.len().min(24) as u128;
			let active = own.iter().take(24).filter(|session| is_active(session)).count() as u128;
			let votes = count(session, &[Act::Quick, Act::Late]);
			let speed = if 4 * count(session, &[Act::Quick]) >= 3 * session.checkpoints { 110 } else { 100 };
			let correct = if count(session, &[Act::Wrong]) == 0 { 120 } else { 100 };
			let claim = BASE * votes * (known + active) * speed * correct
				/ (session.members.len() as u128 * session.checkpoints * known * 10_000);
			if claim > 0 {
				*claims.entry(*who).or_default() += claim;
			}
		}
	}
	(claims, reports)
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(48))]
	/// Whatever the validators do, they claim what a recount of the whole history says, each is reported as often as it
	/// should be, and nothing is left behind.
	#[test]
	fn claims_and_reports_should_be_those_of_a_recount(plans in plans()) {
		run(|| {
			let past = live(&plans);
			next_checkpoint();
			blocks(MAX_VALIDATORS);
			let (claims, mut reports) = recount(&past);
			prop_assert_eq!(claimed(), claims);
			let mut reported = Reported::get();
			reported.sort_unstable();
			reports.sort_unstable();
			prop_assert_eq!(reported, reports);
			let members = past.last().unwrap().members.iter().copied().collect::<BTreeSet<_>>();
			prop_assert_eq!(standing_accounts(), members);
			prop_assert_eq!(Sessions::<Test>::iter().count(), 1);
			prop_assert_eq!(Tallies::<Test>::iter().count(), 0);
			prop_assert!(Votes::<Test>::iter().count() as u32 <= KEPT_CHECKPOINTS * MAX_VALIDATORS);
			Ok(())
		})?;
	}

	/// A claim is between nothing and 2.64 times a validator's part of the base, and more votes never claim less.
	#[test]
	fn pay_should_be_bounded_and_rise_with_votes(
		base in 0..=MAX_BASE,
		validators in 1..=1_000u32,
		checkpoints in 1..=2_000u32,
		votes in any::<prop::sample::Index>(),
		wrong in 0..3u32,
		known in 1..=UPTIME_SESSIONS,
		active in any::<u32>(),
	) {
		let votes = votes.index(checkpoints as usize) as u32;
		let record = SessionRecord { set: 0, validators, checkpoints, next: None };
		let standing = Standing { set: 0, known, active: active & ((1 << known) - 1), absent: 0 };
		let of = |votes| pay(base, &record, &Tally { votes, quick: votes, wrong, blocks: 0 }, &standing);
		prop_assert!(of(votes) <= of(votes + 1));
		prop_assert!(of(votes + 1) <= base / u128::from(validators) * 264 / 100 + 264);
		prop_assert_eq!(of(0), 0);
	}
}
