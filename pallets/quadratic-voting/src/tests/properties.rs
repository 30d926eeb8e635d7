//! Random histories against a naive book: every vote and delegation in a list, counted from the start each time.

use crate::{mock::*, *};
use blyan_primitives::{economy::BLY, traits::StandingVotes, Balance};
use polkadot_sdk::{
	frame_support::traits::{Hooks as _, Polling},
	sp_runtime::traits::Convert,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Holders, and workers that hold as well.
const PEOPLE: [AccountId; 8] = [ALICE, BOB, CAROL, WORKER, OTHER_WORKER, THIRD_WORKER, 14, 15];
const POLLS: PollIndex = 12;
const UNIT: Balance = CREDITS_PER_PERIOD;

#[derive(Clone, Debug)]
enum Step {
	Vote {
		who: AccountId,
		poll: PollIndex,
		parts: [u32; 3],
		conviction: Conviction,
	},
	Remove {
		caller: AccountId,
		who: AccountId,
		poll: PollIndex,
	},
	/// A vote that there is, by its voter or another.
	RemoveOne {
		by: Option<AccountId>,
		place: prop::sample::Index,
	},
	Delegate {
		who: AccountId,
		topic: Topic,
		to: AccountId,
		part: u32,
		conviction: Conviction,
	},
	Undelegate {
		who: AccountId,
		topic: Topic,
	},
	Unlock {
		who: AccountId,
	},
	Slash {
		who: AccountId,
	},
	/// Stops being a worker; the register tells, or not.
	Leave {
		who: AccountId,
		is_told: bool,
	},
	/// Of all who are no workers.
	Lapse,
	Join {
		who: AccountId,
	},
	Open {
		poll: PollIndex,
		track: u16,
	},
	Close {
		poll: PollIndex,
		is_approved: bool,
	},
	Cancel {
		poll: PollIndex,
	},
	/// After it everybody unlocks what need not be locked, or nobody does.
	Wait {
		blocks: u64,
		is_unlocked: bool,
	},
}

/// What is known of it all, in lists.
#[derive(Default)]
struct Book {
	/// The tracks of all polls there were, and whether they are ongoing or how they ended.
	polls: BTreeMap<PollIndex, (Topic, Option<(u64, bool)>)>,
	cancelled: BTreeSet<PollIndex>,
	/// Votes, with the block that they were cast in.
	votes: BTreeMap<(AccountId, PollIndex), (Ballot, u64)>,
	delegations: BTreeMap<(AccountId, Topic), (AccountId, Balance, Conviction)>,
	/// What was locked until when.
	locks: Vec<(AccountId, u64, Balance)>,
	/// What each worker spent, when, and on which poll.
	spent: BTreeMap<AccountId, Vec<(u64, Balance, Option<PollIndex>)>>,
	suspended: BTreeMap<AccountId, u64>,
}

const fn lock_blocks(conviction: Conviction) -> u64 {
	let periods = match conviction {
		Conviction::None => 0,
		Conviction::Locked1x => 1,
		Conviction::Locked2x => 2,
		Conviction::Locked3x => 4,
		Conviction::Locked4x => 8,
		Conviction::Locked5x => 16,
		Conviction::Locked6x => 32,
	};
	periods * LOCK_PERIOD
}

/// The largest root whose square is not above `square`.
fn root(square: u128) -> u128 {
	let mut root = (square as f64).sqrt() as u128;
	while root * root > square {
		root -= 1;
	}
	while (root + 1) * (root + 1) <= square {
		root += 1;
	}
	root
}

fn votes_of(topic: Topic, amount: Balance, conviction: Conviction) -> u128 {
	if Topic::OF_WORKERS.contains(&topic) {
		return root(amount);
	}
	match conviction {
		Conviction::None => root(amount / 10),
		other => root(amount * (other as u128)),
	}
}

impl Book {
	fn topic(&self, poll: PollIndex) -> Option<Topic> {
		self.polls.get(&poll).map(|(topic, _)| *topic)
	}

	/// Votes for, votes against and support of a poll.
	fn recount(&self, poll: PollIndex) -> (u128, u128, u128) {
		let topic = self.polls[&poll].0;
		let of_workers = Topic::OF_WORKERS.contains(&topic);
		let (mut ayes, mut nays, mut support) = (0, 0, 0);
		for ((who, _), (ballot, _)) in self.votes.iter().filter(|((_, of), _)| *of == poll) {
			ayes += votes_of(topic, ballot.aye, ballot.conviction);
			nays += votes_of(topic, ballot.nay, ballot.conviction);
			support += match of_workers {
				true => u128::from(ballot.aye + ballot.abstain > 0),
				false => ballot.aye + ballot.abstain,
			};
			let sides = [ballot.aye, ballot.nay, ballot.abstain];
			if sides.iter().filter(|side| **side > 0).count() != 1 {
				continue;
			}
			let behind = self.delegations.iter().filter(|((_, of), (to, ..))| *of == topic && to == who);
			let (mut votes, mut heads) = (0, 0);
			for (_, (_, amount, conviction)) in behind {
				votes += votes_of(topic, *amount, *conviction);
				heads += if of_workers { 1 } else { *amount };
			}
			if of_workers {
				votes = votes * root(sides.iter().sum()) / 1_000;
			}
			if ballot.aye > 0 {
				(ayes, support) = (ayes + votes, support + heads);
			} else if ballot.nay > 0 {
				nays += votes;
			} else {
				support += heads;
			}
		}
		(ayes, nays, support)
	}

	/// What has to stay locked of an account; and how many locks that are left are of votes that are no more.
	fn locked(&self, who: AccountId) -> (Balance, usize) {
		let is_of_tokens = |topic: Topic| !Topic::OF_WORKERS.contains(&topic);
		let cast = self
			.votes
			.iter()
			.filter(|((voter, poll), _)| *voter == who && self.topic(*poll).is_some_and(is_of_tokens));
		let cast = cast.map(|(_, (ballot, _))| ballot.aye + ballot.nay + ballot.abstain);
		let delegated = self.delegations.iter().filter(|((from, of), _)| *from == who && is_of_tokens(*of));
		let old = self.locks.iter().filter(|(of, until, _)| *of == who && *until > now());
		let most = cast.chain(delegated.map(|(_, (_, amount, _))| *amount));
		(most.chain(old.clone().map(|(.., amount)| *amount)).max().unwrap_or_default(), old.count())
	}

	fn reserved(&self, who: AccountId) -> Balance {
		let own = self
			.delegations
			.iter()
			.filter(|((from, topic), _)| *from == who && Topic::OF_WORKERS.contains(topic));
		own.map(|(_, (_, amount, _))| *amount).sum()
	}

	/// Where the period begins that the last entry of a worker's is of, and what was spent in it.
	fn period(&self, who: AccountId) -> Option<(u64, Balance)> {
		let mut period = None;
		for (at, amount, _) in self.spent.get(&who)? {
			period = match period {
				Some((start, sum)) if *at < start + CREDIT_PERIOD => Some((start, sum + amount)),
				_ => Some((*at, *amount)),
			};
		}
		period
	}

	fn left(&self, who: AccountId) -> Balance {
		let suspended = self.suspended.get(&who).is_some_and(|until| now() < *until);
		if !WorkerSet::contains_key(who) || suspended {
			return 0;
		}
		let spent = self.period(who).filter(|(start, _)| now() < start + CREDIT_PERIOD);
		UNIT - self.reserved(who) - spent.map_or(0, |(_, sum)| sum)
	}

	fn spend(&mut self, who: AccountId, amount: Balance, poll: Option<PollIndex>) {
		self.spent.entry(who).or_default().push((now(), amount, poll));
	}

	/// Puts back what the vote in a poll took out of the period that runs.
	fn refund(&mut self, who: AccountId, poll: PollIndex, cast_at: u64) {
		let Some((start, _)) = self.period(who) else { return };
		// A period that is over, but in which nothing was done since, may be put back into: it counts no more.
		let entries = self.spent.get_mut(&who).expect("it has a period");
		for entry in entries.iter_mut().filter(|(at, _, of)| *of == Some(poll) && *at == cast_at) {
			if entry.0 >= start {
				entry.1 = 0;
			}
		}
	}

	fn undelegate(&mut self, who: AccountId, topic: Topic) {
		let (_, amount, conviction) = self.delegations.remove(&(who, topic)).expect("it was one");
		if Topic::OF_WORKERS.contains(&topic) {
			self.spend(who, amount, None);
		} else {
			self.locks.push((who, now() + lock_blocks(conviction), amount));
		}
	}

	fn drop_votes(&mut self, who: AccountId) {
		let polls = &self.polls;
		self.votes.retain(|(voter, poll), _| *voter != who || !Topic::OF_WORKERS.contains(&polls[poll].0));
		for topic in Topic::OF_WORKERS {
			if self.delegations.contains_key(&(who, topic)) {
				self.undelegate(who, topic);
			}
		}
	}

	/// Returns until when its tokens are locked.
	fn remove(&mut self, who: AccountId, poll: PollIndex) -> u64 {
		let (ballot, cast_at) = self.votes.remove(&(who, poll)).expect("it was one");
		let (topic, end) = self.polls[&poll];
		let of_workers = Topic::OF_WORKERS.contains(&topic);
		match end {
			_ if self.cancelled.contains(&poll) => 0,
			None if of_workers => {
				self.refund(who, poll, cast_at);
				0
			}
			Some((end, is_approved)) if !of_workers => {
				let has_won = match (ballot.aye, ballot.nay, ballot.abstain) {
					(1.., 0, 0) => is_approved,
					(0, 1.., 0) => !is_approved,
					_ => false,
				};
				let until = if has_won { end + lock_blocks(ballot.conviction) } else { 0 };
				self.locks.push((who, until, ballot.aye + ballot.nay));
				until
			}
			_ => 0,
		}
	}
}

fn someone() -> impl Strategy<Value = AccountId> {
	proptest::sample::select(PEOPLE.to_vec())
}

fn conviction() -> impl Strategy<Value = Conviction> {
	use Conviction::*;
	proptest::sample::select(vec![
		None, None, None, Locked1x, Locked2x, Locked3x, Locked4x, Locked5x, Locked6x,
	])
}

fn step() -> impl Strategy<Value = Step> {
	let poll = || 0..POLLS;
	let topic = || proptest::sample::select(Topic::ALL.to_vec());
	let part = || prop_oneof![4 => Just(0_u32), 4 => 1_u32..=500, 2 => 500_u32..=1_000, 1 => Just(1_000_u32)];
	let one = (0_usize..3, 1_u32..=1_000).prop_map(|(side, part)| {
		let mut parts = [0; 3];
		parts[side] = part;
		parts
	});
	let parts = prop_oneof![3 => one, 1 => [part(), part(), part()]];
	prop_oneof![
		14 => (someone(), poll(), parts, conviction())
			.prop_map(|(who, poll, parts, conviction)| Step::Vote { who, poll, parts, conviction }),
		2 => (someone(), someone(), prop::bool::weighted(0.7), poll()).prop_map(|(who, other, is_own, poll)| {
			Step::Remove { caller: if is_own { who } else { other }, who, poll }
		}),
		5 => (prop::option::weighted(0.3, someone()), any::<prop::sample::Index>())
			.prop_map(|(by, place)| Step::RemoveOne { by, place }),
		8 => (someone(), topic(), someone(), part(), conviction())
			.prop_map(|(who, topic, to, part, conviction)| Step::Delegate { who, topic, to, part, conviction }),
		3 => (someone(), topic()).prop_map(|(who, topic)| Step::Undelegate { who, topic }),
		2 => someone().prop_map(|who| Step::Unlock { who }),
		1 => someone().prop_map(|who| Step::Slash { who }),
		1 => (someone(), any::<bool>()).prop_map(|(who, is_told)| Step::Leave { who, is_told }),
		1 => Just(Step::Lapse),
		2 => someone().prop_map(|who| Step::Join { who }),
		6 => (poll(), 0_u16..5).prop_map(|(poll, track)| Step::Open { poll, track }),
		4 => (poll(), any::<bool>()).prop_map(|(poll, is_approved)| Step::Close { poll, is_approved }),
		1 => poll().prop_map(|poll| Step::Cancel { poll }),
		3 => (1_u64..15, any::<bool>()).prop_map(|(blocks, is_unlocked)| Step::Wait { blocks, is_unlocked }),
		1 => (15_u64..60, any::<bool>()).prop_map(|(blocks, is_unlocked)| Step::Wait { blocks, is_unlocked }),
	]
}

/// Thousandths of what there is of it.
fn amount_of(topic: Topic, part: u32) -> Balance {
	let whole = if Topic::OF_WORKERS.contains(&topic) { UNIT } else { ENDOWMENT };
	// Not round, so that roots are not.
	whole / 1_000 * Balance::from(part) - Balance::from(part % 7).min(Balance::from(part))
}

fn apply(book: &mut Book, step: Step) {
	match step {
		Step::Vote { who, poll, parts, conviction } => {
			let Some(topic) = book.topic(poll) else {
				assert_eq!(vote(who, poll, aye(BLY)), Err(Error::<Test>::PollNotOngoing.into()));
				return;
			};
			let [aye, nay, abstain] = parts.map(|part| amount_of(topic, part));
			let of_workers = Topic::OF_WORKERS.contains(&topic);
			let conviction = if of_workers { Conviction::None } else { conviction };
			let ballot = Ballot { aye, nay, abstain, conviction };
			let before = book.left(who);
			let replaced = book.votes.get(&(who, poll)).copied();
			if vote(who, poll, ballot).is_err() {
				return;
			}
			let is_ongoing = book.polls[&poll].1.is_none() && !book.cancelled.contains(&poll);
			assert!(is_ongoing, "a poll that is over takes no votes");
			assert!(!book.delegations.contains_key(&(who, topic)), "who delegates does not vote");
			if of_workers {
				if let Some((old, cast_at)) = replaced {
					book.refund(who, poll, cast_at);
					assert!(aye + nay + abstain <= before + old.aye + old.nay + old.abstain);
				} else {
					assert!(aye + nay + abstain <= before, "more than is left");
				}
				book.spend(who, aye + nay + abstain, Some(poll));
			}
			book.votes.insert((who, poll), (ballot, now()));
		}
		Step::Remove { caller, who, poll } => {
			let Some(topic) = book.topic(poll) else { return };
			let removed = remove_of(caller, who, topic, poll);
			let was = book.votes.contains_key(&(who, poll));
			assert!(was || removed.is_err(), "there was no vote");
			assert!(!was || caller != who || removed.is_ok(), "one's own vote can always be removed");
			if removed.is_ok() {
				let is_over = book.polls[&poll].1.is_some() || book.cancelled.contains(&poll);
				let until = book.remove(who, poll);
				assert!(caller == who || is_over, "only the voter takes a vote back");
				assert!(caller == who || until <= now(), "only the voter removes a vote that is locked");
			}
		}
		Step::RemoveOne { by, place } => {
			let votes = book.votes.keys().copied().collect::<Vec<_>>();
			if !votes.is_empty() {
				let (who, poll) = votes[place.index(votes.len())];
				apply(book, Step::Remove { caller: by.unwrap_or(who), who, poll });
			}
		}
		Step::Delegate { who, topic, to, part, conviction } => {
			let amount = amount_of(topic, part);
			let of_workers = Topic::OF_WORKERS.contains(&topic);
			let conviction = if of_workers { Conviction::None } else { conviction };
			let before = book.left(who);
			if delegate(who, topic, to, amount, conviction).is_ok() {
				assert!(who != to && !book.delegations.contains_key(&(to, topic)), "it would go round");
				if of_workers {
					assert!(amount <= before && WorkerSet::contains_key(to));
					// It begins a period, if none runs.
					book.spend(who, 0, None);
				}
				let before = book.delegations.insert((who, topic), (to, amount, conviction));
				assert_eq!(before, None);
			}
		}
		Step::Undelegate { who, topic } => {
			let was = book.delegations.contains_key(&(who, topic));
			assert_eq!(undelegate(who, topic).is_ok(), was);
			if was {
				book.undelegate(who, topic);
			}
		}
		Step::Unlock { who } => {
			let _ = unlock(who, Topic::Root);
			let _ = unlock(who, Topic::Treasury);
			let (needed, old) = book.locked(who);
			// So few locks are all kept apart.
			if old <= MAX_LOCK_STEPS as usize {
				assert_eq!(frozen(who), needed, "all that need not be locked is free");
			}
		}
		Step::Slash { who } => {
			if WorkerSet::contains_key(who) {
				<QuadraticVoting as StandingVotes<AccountId>>::slashed(&who);
				book.drop_votes(who);
				book.suspended.insert(who, now() + CREDIT_PERIOD);
			}
		}
		Step::Leave { who, is_told } => {
			set_worker(who, false);
			if is_told {
				<QuadraticVoting as StandingVotes<AccountId>>::left(&who);
				book.drop_votes(who);
			}
		}
		Step::Lapse => {
			for who in PEOPLE {
				if lapse(who).is_ok() {
					assert!(!WorkerSet::contains_key(who));
					book.drop_votes(who);
					let period_end = book.period(who).map_or(0, |(start, _)| start + CREDIT_PERIOD);
					if now() >= period_end.max(book.suspended.get(&who).copied().unwrap_or_default()) {
						book.spent.remove(&who);
						book.suspended.remove(&who);
					}
				}
			}
		}
		Step::Join { who } => set_worker(who, true),
		Step::Open { poll, track } => {
			// A number is given once.
			book.polls.entry(poll).or_insert_with(|| {
				open(poll, track);
				let topic = <World as Convert<_, _>>::convert(track);
				(topic.expect("tracks are voted about here"), None)
			});
		}
		Step::Close { poll, is_approved } => {
			if World::as_ongoing(poll).is_some() {
				close(poll, is_approved);
				book.polls.get_mut(&poll).expect("it was opened").1 = Some((now(), is_approved));
			}
		}
		Step::Cancel { poll } => {
			if World::as_ongoing(poll).is_some() {
				cancel(poll);
				book.cancelled.insert(poll);
			}
		}
		Step::Wait { blocks, is_unlocked } => {
			run_to(now() + blocks);
			if is_unlocked {
				for who in PEOPLE {
					apply(book, Step::Unlock { who });
				}
			}
		}
	}
}

fn run(steps: Vec<Step>) {
	new_ext().execute_with(|| {
		QuadraticVoting::integrity_test();
		let mut book = Book::default();
		// A poll about each topic is open from the start.
		(0..=u32::from(EMERGENCY)).for_each(cancel);
		for (poll, track) in (0..).zip([ROOT, BIG_SPENDER, LEARNING, APPEAL]) {
			apply(&mut book, Step::Open { poll, track });
		}
		for step in steps {
			apply(&mut book, step.clone());
			for poll in book.polls.keys().filter(|poll| World::as_ongoing(**poll).is_some()) {
				assert_eq!(tally(*poll), book.recount(*poll), "poll {poll} after {step:?}");
			}
			for who in PEOPLE {
				assert_eq!(QuadraticVoting::credits_left(&who), book.left(who), "{who} after {step:?}");
				assert!(frozen(who) >= book.locked(who).0, "{who} after {step:?}");
			}
			QuadraticVoting::do_try_state().unwrap_or_else(|error| panic!("{error:?} after {step:?}"));
		}
		// Everybody leaves: nothing stays behind but what is locked for its time.
		for (who, poll) in book.votes.keys().copied().collect::<Vec<_>>() {
			apply(&mut book, Step::Remove { caller: who, who, poll });
		}
		for (who, topic) in book.delegations.keys().copied().collect::<Vec<_>>() {
			apply(&mut book, Step::Undelegate { who, topic });
		}
		for poll in book.polls.keys().filter(|poll| World::as_ongoing(**poll).is_some()) {
			assert_eq!(tally(*poll), (0, 0, 0));
		}
		run_to(now() + 32 * LOCK_PERIOD + CREDIT_PERIOD);
		for who in PEOPLE {
			apply(&mut book, Step::Unlock { who });
			set_worker(who, false);
			let _ = lapse(who);
			assert_eq!(frozen(who), 0);
		}
		assert_eq!(Votings::<Test>::iter().count(), 0);
		assert_eq!(Locks::<Test>::iter().count() + WorkerCredits::<Test>::iter().count(), 0);
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(192))]

	#[test]
	fn tallies_should_be_what_a_naive_recount_gives(steps in proptest::collection::vec(step(), 1..160)) {
		run(steps);
	}

	/// The votes are paid, one more is not, and who pays less has no more.
	#[test]
	fn votes_should_grow_as_the_root(amount in 0_u128..=u128::MAX / 6, less in 0_u128..=u128::MAX / 6) {
		let votes = Electorate::Token.votes(amount, Conviction::Locked1x);
		prop_assert!(votes.checked_mul(votes).is_some_and(|paid| paid <= amount));
		prop_assert!((votes + 1).checked_mul(votes + 1).is_none_or(|more| more > amount));
		let fewer = Electorate::Token.votes(less.min(amount), Conviction::Locked1x);
		prop_assert!(fewer <= votes);
	}

	/// What stays locked is never less than any lock asks, and no more where there are no more locks than steps.
	#[test]
	fn steps_should_cover_every_lock(
		locks in proptest::collection::vec((1_u64..100, 1_u128..100), 1..30),
		is_few in any::<bool>(),
	) {
		let locks = &locks[..if is_few { locks.len().min(MAX_LOCK_STEPS as usize) } else { locks.len() }];
		let mut steps = PriorLocks::<u64>::default();
		for (until, amount) in locks {
			steps.extend(*until, *amount);
			prop_assert!(steps.goes_down());
		}
		for at in 0..=100 {
			steps.expire(at);
			let live = locks.iter().filter(|(until, _)| *until > at);
			let most = live.map(|(_, amount)| *amount).max().unwrap_or_default();
			prop_assert!(steps.amount() >= most);
			prop_assert!(steps.amount() == most || !is_few);
		}
		prop_assert_eq!(steps, PriorLocks::default());
	}
}
