//! Benchmarks of every call, each where it takes the most.

// A benchmark that cannot be set up must fail.
#![allow(clippy::arithmetic_side_effects)]

use super::*;
use alloc::vec::Vec;
use blyan_primitives::{traits::VotingWorkers, Balance};
use frame_support::{
	assert_ok,
	traits::{fungible::Mutate, Get, Polling},
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	sp_runtime::{traits::Convert, Saturating},
};

const SEED: u32 = 0;
/// What every ballot takes, as a multiple of the least lock.
const LOCKS: Balance = 2;

fn holder<T: Config>(name: &'static str) -> T::AccountId {
	let who: T::AccountId = account(name, 0, SEED);
	T::Currency::set_balance(&who, tokens::<T>() * 1_000);
	who
}

fn worker<T: Config>(name: &'static str) -> T::AccountId {
	let who = holder::<T>(name);
	T::Workers::benchmark_worker(&who);
	who
}

fn tokens<T: Config>() -> Balance {
	Parameters::<T>::get().min_lock * LOCKS
}

fn ballot<T: Config>() -> Ballot {
	Ballot { aye: tokens::<T>(), conviction: Conviction::Locked6x, ..Ballot::default() }
}

fn open<T: Config>(topic: Topic) -> PollIndexOf<T> {
	let classes = T::Polls::classes();
	let class = classes.into_iter().find(|class| T::Topics::convert(class.clone()) == Some(topic));
	T::Polls::create_ongoing(class.expect("every topic has a track")).expect("a poll can be opened")
}

/// Has an account vote in so many polls about a topic.
fn vote_in<T: Config>(who: &T::AccountId, topic: Topic, count: u32, ballot: Ballot) -> Vec<PollIndexOf<T>> {
	let polls = (0..count).map(|_| open::<T>(topic)).collect::<Vec<_>>();
	for poll in &polls {
		assert_ok!(Pallet::<T>::do_vote(who, *poll, ballot));
	}
	polls
}

/// Locks tokens of an account for the other topic as well.
fn lock_for_another_topic<T: Config>(who: &T::AccountId) {
	vote_in::<T>(who, Topic::Treasury, 1, ballot::<T>());
}

/// Has somebody delegate to an account.
fn follow<T: Config>(who: &T::AccountId) {
	let follower = holder::<T>("follower");
	assert_ok!(Pallet::<T>::do_delegate(
		&follower,
		Topic::Root,
		who.clone(),
		tokens::<T>(),
		Conviction::Locked1x
	));
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// One of as many votes as there may be is changed.
	#[benchmark]
	fn vote() {
		let who = holder::<T>("voter");
		follow::<T>(&who);
		lock_for_another_topic::<T>(&who);
		let polls = vote_in::<T>(&who, Topic::Root, T::MaxVotes::get(), ballot::<T>());
		let poll = *polls.last().expect("MaxVotes allows for one");
		let changed = Ballot { aye: 0, nay: tokens::<T>() * 2, ..ballot::<T>() };
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), poll, changed);
		assert_eq!(Pallet::<T>::ballot(&who, Topic::Root, poll), Some(changed));
	}

	#[benchmark]
	fn remove_vote() {
		let who = holder::<T>("voter");
		follow::<T>(&who);
		lock_for_another_topic::<T>(&who);
		let polls = vote_in::<T>(&who, Topic::Root, T::MaxVotes::get(), ballot::<T>());
		let poll = *polls.first().expect("MaxVotes allows for one");
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), who.clone(), Topic::Root, poll);
		assert_eq!(Pallet::<T>::ballot(&who, Topic::Root, poll), None);
	}

	#[benchmark]
	fn delegate(p: Linear<0, { T::MaxVotes::get() }>) {
		let (who, to) = (holder::<T>("voter"), holder::<T>("delegate"));
		lock_for_another_topic::<T>(&who);
		vote_in::<T>(&to, Topic::Root, p, ballot::<T>());
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), Topic::Root, to.clone(), tokens::<T>(), Conviction::Locked6x);
		assert_eq!(Votings::<T>::get(to, Topic::Root).delegated.support, tokens::<T>());
	}

	#[benchmark]
	fn undelegate(p: Linear<0, { T::MaxVotes::get() }>) {
		let (who, to) = (holder::<T>("voter"), holder::<T>("delegate"));
		lock_for_another_topic::<T>(&who);
		vote_in::<T>(&to, Topic::Root, p, ballot::<T>());
		assert_ok!(Pallet::<T>::do_delegate(
			&who,
			Topic::Root,
			to.clone(),
			tokens::<T>(),
			Conviction::Locked6x
		));
		#[extrinsic_call]
		_(RawOrigin::Signed(who), Topic::Root);
		assert_eq!(Votings::<T>::get(to, Topic::Root).delegated, Power::default());
	}

	/// Of as many votes as there may be, what was delegated before is freed.
	#[benchmark]
	fn unlock() {
		let (who, to) = (holder::<T>("voter"), holder::<T>("delegate"));
		lock_for_another_topic::<T>(&who);
		let more = tokens::<T>() * 3;
		assert_ok!(Pallet::<T>::do_delegate(&who, Topic::Root, to, more, Conviction::Locked1x));
		assert_ok!(Pallet::<T>::do_undelegate(&who, Topic::Root));
		vote_in::<T>(&who, Topic::Root, T::MaxVotes::get(), ballot::<T>());
		assert_eq!(Pallet::<T>::locked(&who), more);
		let period = BlockNumberFor::<T>::from(Parameters::<T>::get().lock_period_blocks);
		let now = frame_system::Pallet::<T>::block_number();
		frame_system::Pallet::<T>::set_block_number(now.saturating_add(period));
		let caller: T::AccountId = account("caller", 0, SEED);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), who.clone(), Topic::Root);
		assert_eq!(Pallet::<T>::locked(&who), tokens::<T>());
	}

	/// What the call does for who is no worker, and a slash for who is.
	#[benchmark]
	fn lapse(p: Linear<0, { Pallet::<T>::max_lapsing() }>) {
		let who = worker::<T>("voter");
		let ballot = Ballot { aye: 1, ..Ballot::default() };
		let first = p.min(T::MaxVotes::get());
		vote_in::<T>(&who, Topic::Learning, first, ballot);
		vote_in::<T>(&who, Topic::Datasets, p - first, ballot);
		let dropped;
		#[block]
		{
			assert!(T::Workers::is_worker(&who));
			dropped = Pallet::<T>::drop_votes(&who);
			WorkerCredits::<T>::mutate(&who, |credits| credits.suspended_until.saturating_inc());
		}
		assert_eq!(dropped, (p, p));
	}

	#[benchmark]
	fn force_set_parameters() {
		let parameters = VotingParameters { lock_period_blocks: 77, ..VotingParameters::default() };
		#[extrinsic_call]
		_(RawOrigin::Root, parameters);
		assert_eq!(Parameters::<T>::get(), parameters);
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_ext(), crate::mock::Test);
}
