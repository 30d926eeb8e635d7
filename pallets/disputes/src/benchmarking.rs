//! Benchmarks of every call, and of everything that a deadline can bring about, with the most referees.

// A benchmark that cannot be set up must fail.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::*;
use crate::impls::step::Step;
use alloc::vec;
use blyan_primitives::{
	learning::{referee_commitment, AllLosses, RefereeFinding, ShardLosses, MAX_SHARDS},
	traits::{ContestableRounds, ContestedFinding, WorkerRegistry},
	worker::Role,
	Hash,
};
use frame_support::{
	assert_ok,
	traits::{fungible::Mutate, Get, Randomness},
	weights::WeightMeter,
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	sp_runtime::traits::{Bounded, One},
};

const SEED: u32 = 0;
const SALT: [u8; 32] = [3; 32];
const HONEST: ShardLosses = ShardLosses { baseline: 3_000_000_000, candidate: 2_900_000_000 };
const EXACT: RefereeFinding = RefereeFinding::Exact(HONEST);
const WRONG: RefereeFinding =
	RefereeFinding::Exact(ShardLosses { baseline: 1_000_000_000, candidate: 2_900_000_000 });

fn endow<T: Config>(who: &T::AccountId) {
	T::Currency::set_balance(who, DisputeParameters::default().bond.saturating_mul(1_000));
}

/// A round that can be contested, with that many shards, its first evaluator, and a challenger.
fn contestable<T: Config>(shards: u32) -> (RoundId, T::AccountId, T::AccountId) {
	let challenger: T::AccountId = account("challenger", 0, SEED);
	endow::<T>(&challenger);
	let (round, accused) = T::Rounds::benchmark_round(&vec![HONEST; shards as usize]);
	assert!(T::Rounds::takes_contests(round));
	(round, accused, challenger)
}

/// Its list is full but for one.
fn fill_list<T: Config>(round: RoundId, accused: &T::AccountId) {
	OpenDisputes::<T>::mutate(|open| {
		while (open.len() as u32) < T::MaxOpenDisputes::get() - 1 {
			let number = open.len() as u32;
			let other = round.saturating_add(1).saturating_add(number.into());
			let due = BlockNumberFor::<T>::max_value();
			let entry = OpenDispute {
				due,
				id: DisputeId::MAX - DisputeId::from(number),
				round: other,
				accused: accused.clone(),
				position: 0,
			};
			open.try_push(entry).expect("there is room");
		}
	});
}

fn contested<T: Config>(shards: u32) -> (DisputeId, DisputeOf<T>, ContestedFinding<T::AccountId>) {
	let (round, accused, challenger) = contestable::<T>(shards);
	fill_list::<T>(round, &accused);
	let id = NextDisputeId::<T>::get();
	assert_ok!(Pallet::<T>::do_contest(challenger, round, accused.clone(), 0));
	let finding = T::Rounds::finding(round, &accused).expect("it was contested");
	(id, Disputes::<T>::get(id).expect("just contested"), finding)
}

/// A dispute that awaits referees, of whom there are as many as there may be.
fn opened<T: Config>() -> (DisputeId, DisputeOf<T>, ContestedFinding<T::AccountId>) {
	let (id, mut dispute, finding) = contested::<T>(2);
	let most = T::MaxReferees::get();
	// The greatest odd number of them.
	let referees = if most % 2 == 1 { most } else { most - 1 };
	for number in 0..referees {
		let referee: T::AccountId = account("referee", number, SEED);
		endow::<T>(&referee);
		T::Workers::benchmark_worker(&referee, Role::Evaluator);
	}
	Parameters::<T>::mutate(|parameters| parameters.referees = referees);
	dispute.opened = Some(Opening { shard: 0, losses: HONEST });
	Pallet::<T>::await_referees(id, &mut dispute);
	Disputes::<T>::insert(id, &dispute);
	(id, dispute, finding)
}

/// A dispute whose referees found that, in the order of their seats; `None` did not reveal.
fn judged<T: Config>(finding: impl Fn(usize) -> Option<RefereeFinding>) -> (DisputeId, DisputeOf<T>) {
	let (id, dispute, contested) = opened::<T>();
	let step = Pallet::<T>::draw_referees(id, dispute, &contested, Hash::repeat_byte(9));
	assert_eq!(step, Step::Drawn);
	let mut dispute = Disputes::<T>::get(id).expect("it is open");
	assert!(!dispute.referees.is_empty(), "no referees were drawn");
	for (number, seat) in dispute.referees.iter_mut().enumerate() {
		seat.commitment = Some(Hash::repeat_byte(number as u8));
		seat.finding = finding(number);
	}
	// However the benchmark sets the height of the block that it runs in.
	dispute.stage = Stage::Reveal { until: BlockNumberFor::<T>::max_value() };
	Disputes::<T>::insert(id, &dispute);
	(id, dispute)
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn contest() {
		let (round, accused, challenger) = contestable::<T>(2);
		fill_list::<T>(round, &accused);
		let id = NextDisputeId::<T>::get();
		#[extrinsic_call]
		_(RawOrigin::Signed(challenger), round, accused, 1);
		assert!(Disputes::<T>::contains_key(id));
	}

	#[benchmark]
	fn open(n: Linear<2, MAX_SHARDS>) {
		let (id, mut dispute, _) = contested::<T>(n);
		dispute.stage = Stage::AwaitingOpening { until: BlockNumberFor::<T>::max_value() };
		let accused = dispute.accused.clone();
		Disputes::<T>::insert(id, dispute);
		let losses = AllLosses::truncate_from(vec![HONEST; n as usize]);
		#[extrinsic_call]
		_(RawOrigin::Signed(accused), id, losses);
		assert_eq!(Disputes::<T>::get(id).and_then(|d| d.opened).map(|o| o.losses), Some(HONEST));
	}

	#[benchmark]
	fn commit() {
		let (id, mut dispute) = judged::<T>(|_| None);
		dispute.stage = Stage::Commit { until: BlockNumberFor::<T>::max_value() };
		// The last one to commit.
		let last = dispute.referees.len() - 1;
		dispute.referees[last].commitment = None;
		let caller = dispute.referees[last].referee.clone();
		Disputes::<T>::insert(id, dispute);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id, Hash::repeat_byte(0xff));
		assert!(Disputes::<T>::get(id).is_some_and(|dispute| dispute.all_committed()));
	}

	#[benchmark]
	fn reveal() {
		let (id, mut dispute) = judged::<T>(|_| Some(EXACT));
		let last = dispute.referees.len() - 1;
		let caller = dispute.referees[last].referee.clone();
		let hash = referee_commitment(&caller, id, dispute.attempt, &EXACT, &SALT);
		dispute.referees[last].commitment = Some(hash);
		dispute.referees[last].finding = None;
		Disputes::<T>::insert(id, dispute);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id, EXACT, SALT);
		assert!(Disputes::<T>::get(id).is_some_and(|dispute| dispute.all_revealed()));
	}

	#[benchmark]
	fn force_set_parameters() {
		let parameters = DisputeParameters { commit_blocks: 77, ..DisputeParameters::default() };
		#[extrinsic_call]
		_(RawOrigin::Root, parameters.clone());
		assert_eq!(Parameters::<T>::get(), parameters);
	}

	/// A full list of which nothing is due.
	#[benchmark]
	fn serve_list() {
		let accused: T::AccountId = account("accused", 0, SEED);
		fill_list::<T>(0, &accused);
		let mut meter = WeightMeter::new();
		#[block]
		{
			Pallet::<T>::serve(BlockNumberFor::<T>::one(), &mut meter);
		}
		assert_eq!(meter.consumed(), T::WeightInfo::serve_list());
	}

	#[benchmark]
	fn draw() {
		let (id, dispute, _) = opened::<T>();
		let step;
		#[block]
		{
			T::Randomness::random(b"benchmark");
			let finding = T::Rounds::finding(dispute.round, &dispute.accused).expect("it is contested");
			step = Pallet::<T>::draw_referees(id, dispute, &finding, Hash::repeat_byte(9));
		}
		assert_eq!(step, Step::Drawn);
		assert!(Disputes::<T>::get(id).is_some_and(|dispute| !dispute.referees.is_empty()));
	}

	#[benchmark]
	fn open_reveal() {
		let (id, dispute) = judged::<T>(|_| None);
		let step;
		#[block]
		{
			T::Rounds::finding(dispute.round, &dispute.accused);
			step = Pallet::<T>::close_commit(id, dispute);
		}
		assert_eq!(step, Step::RevealOpened);
	}

	/// Nobody revealed: all are blamed and released.
	#[benchmark]
	fn restart() {
		let (id, dispute) = judged::<T>(|_| None);
		let step;
		#[block]
		{
			T::Rounds::finding(dispute.round, &dispute.accused);
			step = Pallet::<T>::close_reveal(id, dispute);
		}
		assert_eq!(step, Step::Restarted);
		assert!(Disputes::<T>::contains_key(id));
	}

	/// As many referees as can be are wrong, and blamed; the others are paid out of the accused's slash.
	#[benchmark]
	fn conclude() {
		let (id, mut dispute) = judged::<T>(|seat| Some(if seat % 2 == 1 { WRONG } else { EXACT }));
		dispute.opened = Some(Opening { shard: 0, losses: ShardLosses { candidate: 0, ..HONEST } });
		let step;
		#[block]
		{
			T::Rounds::finding(dispute.round, &dispute.accused);
			step = Pallet::<T>::close_reveal(id, dispute);
		}
		assert_eq!(step, Step::Concluded);
		assert!(!Disputes::<T>::contains_key(id));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder::default().build(), crate::mock::Test);
}
