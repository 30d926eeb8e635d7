//! Benchmarks of every call, and of everything that a deadline can bring about, with the largest committee.

// A benchmark that cannot be set up must fail.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::*;
use crate::{impls::step::Step, tally};
use alloc::{vec, vec::Vec};
use blyan_primitives::{
	cid::{Cid, CidCodec},
	dag::{Block, ModelId, MAX_BLOCKS},
	draw::draw_shards,
	learning::{
		commitment, Domain, DomainName, Finding, Gate, Medians, NanoBits, RejectReason, Report, ShardLosses,
		ValidationPool, Verdict, BIT_PER_BYTE, MAX_DOMAINS, MAX_SHARDS,
	},
	sealed::{LotId, MAX_LOTS},
	submission::{is_work, work_challenge, Envelope},
	traits::{DrawnLots, ModelGraph, SealedReserve, WorkerRegistry},
	worker::Role,
	Hash,
};
use frame_support::{
	assert_ok,
	traits::{
		fungible::{Inspect, Mutate},
		Get, Randomness,
	},
	BoundedVec,
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	sp_runtime::traits::{Bounded, One, Saturating, Zero},
};

const SEED: u32 = 0;
const GOOD: NanoBits = 50_000_000;

fn terms(domains: u32) -> TrainingTerms {
	let domain = Domain { name: DomainName::truncate_from(vec![b'x'; 32]), shards: 1_000 };
	TrainingTerms {
		pool: ValidationPool {
			content: Cid { codec: CidCodec::DagPb, digest: [1; 32] },
			shard_bytes: 512,
			domains: BoundedVec::truncate_from(vec![domain; domains as usize]),
		},
		gate: Gate {
			z_milli: 2_326,
			delta: 1_000_000,
			rho: 20_000_000,
			tolerance: 1_000_000,
			shards_per_domain: 8,
		},
		referee: Hash::repeat_byte(2),
	}
}

fn measured(gain: NanoBits) -> Finding {
	Finding::Measured(Report {
		baseline: 3 * BIT_PER_BYTE,
		gain,
		standard_error: 1_000,
		domain_gains: BoundedVec::truncate_from(vec![gain; MAX_DOMAINS as usize]),
		losses_root: Hash::repeat_byte(1),
	})
}

fn endow<T: Config>(who: &T::AccountId) {
	let bond = RoundParameters::default().submission_bond.max(T::Currency::minimum_balance());
	T::Currency::set_balance(who, bond.saturating_mul(1_000));
}

/// Who trains.
fn trainer<T: Config>() -> T::AccountId {
	let trainer: T::AccountId = account("trainer", 0, SEED);
	endow::<T>(&trainer);
	T::Workers::benchmark_worker(&trainer, Role::Trainer);
	trainer
}

/// A model that is open for training, and evaluators for the largest committee.
fn world<T: Config>() -> (T::AccountId, ModelId) {
	let trainer = trainer::<T>();
	for number in 0..T::MaxCommittee::get() {
		let evaluator: T::AccountId = account("evaluator", number, SEED);
		endow::<T>(&evaluator);
		T::Workers::benchmark_worker(&evaluator, Role::Evaluator);
	}
	let owner: T::AccountId = account("owner", 0, SEED);
	endow::<T>(&owner);
	let model = T::Graph::benchmark_model(&owner);
	Pools::<T>::insert(model, terms(MAX_DOMAINS));
	let size = T::MaxCommittee::get();
	Parameters::<T>::mutate(|parameters| {
		(parameters.committee_size, parameters.min_committee) = (size, size);
		// Whatever length of content the graph's blocks claim.
		parameters.bond_per_mib = 0;
		parameters.work_bits = 0;
	});
	(trainer, model)
}

/// A round of that many blocks that awaits its draw.
fn submitted<T: Config>(blocks: u32) -> RoundId {
	let (trainer, model) = world::<T>();
	let id = NextRoundId::<T>::get();
	let blocks = T::Graph::benchmark_blocks(model, blocks);
	assert_ok!(Pallet::<T>::do_submit(trainer, model, blocks, None, Envelope::default()));
	id
}

/// A round off the agenda whose committee was just drawn.
fn drawn<T: Config>(blocks: u32) -> (RoundId, RoundOf<T>) {
	let id = submitted::<T>(blocks);
	let mut round = Rounds::<T>::get(id).expect("just submitted");
	Pallet::<T>::unschedule(id, &mut round);
	assert_eq!(Pallet::<T>::draw_committee(id, &mut round, Hash::repeat_byte(9)), Step::Drawn);
	assert_eq!(round.committee.len() as u32, T::MaxCommittee::get());
	Pallet::<T>::unschedule(id, &mut round);
	Rounds::<T>::insert(id, &round);
	(id, round)
}

/// A round off the agenda whose committee found that, in the order of its seats; `None` did not reveal.
fn found<T: Config>(blocks: u32, findings: impl Fn(u32) -> Option<Finding>) -> (RoundId, RoundOf<T>) {
	let (id, mut round) = drawn::<T>(blocks);
	for (number, seat) in round.committee.iter_mut().enumerate() {
		seat.commitment = Some(Hash::repeat_byte(number as u8));
		seat.finding = findings(number as u32);
	}
	// However the benchmark sets the height of the block that it runs in.
	round.phase = Phase::Reveal { until: BlockNumberFor::<T>::max_value() };
	(id, round)
}

/// [`found`], and nobody contested it.
fn uncontested<T: Config>(blocks: u32, findings: impl Fn(u32) -> Option<Finding>) -> (RoundId, RoundOf<T>) {
	let (id, mut round) = found::<T>(blocks, findings);
	round.phase = Phase::Contest { until: BlockNumberFor::<T>::zero() };
	(id, round)
}

/// A round with the largest committee that takes contests, whose first evaluator reported those losses.
pub(crate) fn contestable_round<T: Config>(losses: &[ShardLosses]) -> (RoundId, T::AccountId) {
	let (id, mut round) = found::<T>(MAX_BLOCKS, |_| Some(measured(GOOD)));
	round.phase = Phase::Contest { until: BlockNumberFor::<T>::max_value() };
	round.due = None;
	round.open_disputes = 0;
	// As many shards as there are losses, all in one domain.
	let draw = round.draw.as_mut().expect("just drawn");
	draw.terms = terms(1);
	draw.terms.gate.shards_per_domain = losses.len() as u32;
	draw.terms.pool.domains[0].shards = MAX_SHARDS;
	let TrainingTerms { pool, gate, .. } = &draw.terms;
	let shards = draw_shards(draw.seed, pool, gate);
	let report = Report::of_losses(pool, gate, &shards, losses);
	let seat = &mut round.committee[0];
	seat.finding = Some(Finding::Measured(report));
	let evaluator = seat.evaluator.clone();
	Pallet::<T>::schedule(id, &mut round, frame_system::Pallet::<T>::block_number() + One::one());
	Rounds::<T>::insert(id, round);
	(id, evaluator)
}

/// A model that is open for training, and its owner.
pub(crate) fn open_model<T: Config>() -> (ModelId, T::AccountId) {
	let owner: T::AccountId = account("owner", 0, SEED);
	endow::<T>(&owner);
	let model = T::Graph::benchmark_model(&owner);
	Pools::<T>::insert(model, terms(MAX_DOMAINS - 1));
	(model, owner)
}

/// A round whose committee waits for the key of that lot alone.
pub(crate) fn awaiting_opening<T: Config>(lot: LotId) -> RoundId {
	let (id, mut round) = drawn::<T>(MAX_BLOCKS);
	round.phase = Phase::Opening { until: BlockNumberFor::<T>::max_value() };
	let draw = round.draw.as_mut().expect("just drawn");
	let opened = (1..u64::from(MAX_LOTS)).map(|n| DrawnLot { id: lot + n, is_opened: true });
	let lots = core::iter::once(DrawnLot { id: lot, is_opened: false }).chain(opened).collect();
	draw.sealed = SealedDraw { lots: BoundedVec::truncate_from(lots), shards_per_lot: 1 };
	Pallet::<T>::schedule(id, &mut round, frame_system::Pallet::<T>::block_number() + One::one());
	Rounds::<T>::insert(id, round);
	id
}

/// The most evaluators who may be wrong while a majority agrees.
fn minority<T: Config>() -> u32 {
	T::MaxCommittee::get().saturating_sub(1) / 2
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn open_training(d: Linear<1, MAX_DOMAINS>) {
		let owner: T::AccountId = account("owner", 0, SEED);
		endow::<T>(&owner);
		let model = T::Graph::benchmark_model(&owner);
		let TrainingTerms { pool, gate, referee } = terms(d);
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), model, pool, gate, referee);
		assert_eq!(Pools::<T>::get(model), Some(terms(d)));
	}

	#[benchmark]
	fn submit(b: Linear<1, MAX_BLOCKS>) {
		let (trainer, model) = world::<T>();
		let blocks = T::Graph::benchmark_blocks(model, b);
		let id = NextRoundId::<T>::get();
		// A proof of work is checked, easy as it is.
		let anchor = BlockNumberFor::<T>::one();
		frame_system::Pallet::<T>::set_block_number(anchor.saturating_add(One::one()));
		frame_system::BlockHash::<T>::insert(anchor, Hash::repeat_byte(6));
		Parameters::<T>::mutate(|parameters| parameters.work_bits = 1);
		let ids = blocks.iter().map(|new| Block::from_new(model, trainer.clone(), new.clone()).id());
		let ids = ids.collect::<Vec<_>>();
		let challenge = work_challenge(&trainer, model, &ids, &Hash::zero(), &Hash::repeat_byte(6));
		let work = (0..).find(|work| is_work(&challenge, *work, 1)).expect("every second number is");
		let envelope = Envelope { work, anchor: 1, ..Envelope::default() };
		#[extrinsic_call]
		_(RawOrigin::Signed(trainer), model, blocks, envelope);
		assert_eq!(Rounds::<T>::get(id).map(|round| round.blocks.len() as u32), Some(b));
	}

	#[benchmark]
	fn commit() {
		let (id, mut round) = drawn::<T>(MAX_BLOCKS);
		// All but the one who calls and the last have committed.
		let others = round.committee.len().saturating_sub(2);
		for (number, seat) in round.committee.iter_mut().enumerate().take(others) {
			seat.commitment = Some(Hash::repeat_byte(number as u8));
		}
		let caller = round.committee[others].evaluator.clone();
		Rounds::<T>::insert(id, round);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id, Hash::repeat_byte(0xff));
		assert_eq!(Rounds::<T>::get(id).map(|round| round.committed()), Some(others as u32 + 1));
	}

	#[benchmark]
	fn reveal() {
		let (id, mut round) = found::<T>(MAX_BLOCKS, |_| Some(measured(GOOD)));
		let caller = round.committee[0].evaluator.clone();
		let hash = commitment(&caller, id, 0, &round.blocks, &measured(GOOD), &[1; 32]);
		round.committee[0].commitment = Some(hash);
		round.committee[0].finding = None;
		// Another has yet to reveal.
		round.committee[1].finding = None;
		Rounds::<T>::insert(id, round);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id, measured(GOOD), [1; 32]);
		assert_eq!(
			Rounds::<T>::get(id).and_then(|round| round.committee[0].finding.clone()),
			Some(measured(GOOD))
		);
	}

	#[benchmark]
	fn force_set_parameters() {
		let parameters = RoundParameters { commit_blocks: 77, ..RoundParameters::default() };
		#[extrinsic_call]
		_(RawOrigin::Root, parameters.clone());
		assert_eq!(Parameters::<T>::get(), parameters);
	}

	/// A slot that is full, without what is due for the rounds in it.
	#[benchmark]
	fn serve_slot() {
		let now = BlockNumberFor::<T>::one();
		let full = (0..T::MaxDuePerBlock::get()).map(RoundId::from).collect::<Vec<_>>();
		Agenda::<T>::insert(now, BoundedVec::truncate_from(full));
		#[block]
		{
			IncompleteSince::<T>::get();
			let due = Agenda::<T>::take(now);
			// Kept for the next block, as where the weight does not suffice.
			Agenda::<T>::insert(now, due);
			IncompleteSince::<T>::put(now);
		}
		assert_eq!(IncompleteSince::<T>::get(), Some(now));
	}

	/// One evaluator too few: all are drawn, engaged and released again.
	#[benchmark]
	fn postpone_draw() {
		let id = submitted::<T>(MAX_BLOCKS);
		let mut round = Rounds::<T>::get(id).expect("just submitted");
		Pallet::<T>::unschedule(id, &mut round);
		// More than are ever drawn, however many evaluators the chain has besides.
		Parameters::<T>::mutate(|parameters| {
			parameters.min_committee = parameters.committee_size.saturating_add(1)
		});
		let step;
		#[block]
		{
			T::Randomness::random(b"benchmark");
			step = Pallet::<T>::draw_committee(id, &mut round, Hash::repeat_byte(9));
			Rounds::<T>::insert(id, round);
		}
		assert_eq!(step, Step::Postponed);
	}

	#[benchmark]
	fn draw() {
		let id = submitted::<T>(MAX_BLOCKS);
		let mut round = Rounds::<T>::get(id).expect("just submitted");
		Pallet::<T>::unschedule(id, &mut round);
		let step;
		#[block]
		{
			T::Randomness::random(b"benchmark");
			step = Pallet::<T>::draw_committee(id, &mut round, Hash::repeat_byte(9));
			Rounds::<T>::insert(id, round);
		}
		assert_eq!(step, Step::Drawn);
	}

	#[benchmark]
	fn draw_lots() {
		let (id, mut round) = drawn::<T>(MAX_BLOCKS);
		let mut measured_by = round.draw.take().expect("just drawn");
		// Room in the report for one domain more.
		measured_by.terms = terms(MAX_DOMAINS - 1);
		T::Sealed::benchmark_reserve(round.model, &measured_by.terms.pool, &measured_by.terms.gate);
		round.submitted_at = BlockNumberFor::<T>::max_value();
		let drawn;
		#[block]
		{
			drawn = Pallet::<T>::draw_lots(id, &round, &measured_by.terms, Hash::repeat_byte(9));
		}
		// A runtime without a reserve has none to draw.
		assert!(!matches!(drawn, DrawnLots::TooFew));
	}

	#[benchmark]
	fn open_commit() {
		let id = awaiting_opening::<T>(0);
		let mut round = Rounds::<T>::get(id).expect("just stored");
		let measured_by = round.draw.as_mut().expect("just drawn");
		measured_by.sealed.lots.iter_mut().for_each(|lot| lot.is_opened = true);
		Pallet::<T>::unschedule(id, &mut round);
		#[block]
		{
			Pallet::<T>::close_opening(id, &mut round);
			Rounds::<T>::insert(id, round);
		}
		assert!(matches!(Rounds::<T>::get(id).map(|round| round.phase), Some(Phase::Commit { .. })));
	}

	#[benchmark]
	fn void_lot() {
		let (id, mut round) = drawn::<T>(MAX_BLOCKS);
		let mut measured_by = round.draw.take().expect("just drawn");
		measured_by.terms = terms(MAX_DOMAINS - 1);
		T::Sealed::benchmark_reserve(round.model, &measured_by.terms.pool, &measured_by.terms.gate);
		round.submitted_at = BlockNumberFor::<T>::max_value();
		let drawn = Pallet::<T>::draw_lots(id, &round, &measured_by.terms, Hash::repeat_byte(9));
		#[block]
		{
			if let DrawnLots::Lots { lots, .. } = &drawn {
				lots.iter().take(1).for_each(|lot| T::Sealed::void(*lot));
			}
		}
		assert!(!matches!(drawn, DrawnLots::TooFew));
	}

	#[benchmark]
	fn open_reveal() {
		let (id, mut round) = drawn::<T>(MAX_BLOCKS);
		for (number, seat) in round.committee.iter_mut().enumerate() {
			seat.commitment = Some(Hash::repeat_byte(number as u8));
		}
		let step;
		#[block]
		{
			step = Pallet::<T>::close_commit(id, &mut round);
			Rounds::<T>::insert(id, round);
		}
		assert_eq!(step, Step::RevealOpened);
	}

	/// Nobody revealed: all are blamed and released.
	#[benchmark]
	fn restart() {
		let (id, mut round) = found::<T>(MAX_BLOCKS, |_| None);
		let step;
		#[block]
		{
			step = Pallet::<T>::close_reveal(id, &mut round);
			Rounds::<T>::insert(id, round);
		}
		assert_eq!(step, Step::Restarted);
	}

	/// As many as can be did not reveal, and are blamed.
	#[benchmark]
	fn open_contest() {
		let quorum = tally::quorum(T::MaxCommittee::get());
		let (id, mut round) = found::<T>(MAX_BLOCKS, |seat| (seat < quorum).then(|| measured(GOOD)));
		let step;
		#[block]
		{
			step = Pallet::<T>::close_reveal(id, &mut round);
			Rounds::<T>::insert(id, round);
		}
		assert_eq!(step, Step::ContestOpened);
	}

	/// As many as can be are wrong, and blamed.
	#[benchmark]
	fn accept(b: Linear<1, MAX_BLOCKS>) {
		let wrong = minority::<T>();
		let (id, mut round) =
			uncontested::<T>(b, |seat| Some(measured(if seat < wrong { 3 * GOOD } else { GOOD })));
		let step;
		#[block]
		{
			step = Pallet::<T>::close_contest(id, &mut round);
			Rounds::<T>::insert(id, &round);
		}
		assert_eq!(step, Step::Accepted { blocks: b });
		assert!(matches!(round.phase, Phase::Closed { verdict: Verdict::Accepted, .. }));
	}

	/// As many as can be are wrong, and blamed; the others are paid.
	#[benchmark]
	fn reject(b: Linear<1, MAX_BLOCKS>) {
		let wrong = minority::<T>();
		let (id, mut round) =
			uncontested::<T>(b, |seat| Some(measured(if seat < wrong { 3 * GOOD } else { 0 })));
		let step;
		#[block]
		{
			step = Pallet::<T>::close_contest(id, &mut round);
			Rounds::<T>::insert(id, &round);
		}
		assert_eq!(step, Step::Rejected { blocks: b });
		let no_gain = Verdict::Rejected(RejectReason::NoGain);
		assert!(matches!(round.phase, Phase::Closed { verdict, .. } if verdict == no_gain));
	}

	/// As many as can be are wrong, and blamed; the others are paid, and the rest is burned.
	#[benchmark]
	fn forfeit(b: Linear<1, MAX_BLOCKS>) {
		let quorum = tally::quorum(T::MaxCommittee::get());
		let (id, mut round) =
			found::<T>(b, |seat| Some(if seat < quorum { Finding::Malformed } else { measured(GOOD) }));
		let step;
		#[block]
		{
			step = Pallet::<T>::close_reveal(id, &mut round);
			Rounds::<T>::insert(id, &round);
		}
		assert_eq!(step, Step::Forfeited { blocks: b });
	}

	/// The last attempt, and nobody revealed: all are blamed and released, and the blocks withdrawn.
	#[benchmark]
	fn conclude_without_verdict(b: Linear<1, MAX_BLOCKS>) {
		let (id, mut round) = found::<T>(b, |_| None);
		Parameters::<T>::mutate(|parameters| parameters.max_attempts = 1);
		let step;
		#[block]
		{
			step = Pallet::<T>::close_reveal(id, &mut round);
			Rounds::<T>::insert(id, &round);
		}
		assert_eq!(step, Step::Inconclusive { blocks: b });
	}

	/// The line is full of others' submissions, and two of them are admitted.
	#[benchmark]
	fn admit() {
		let id = submitted::<T>(MAX_BLOCKS);
		let mut round = Rounds::<T>::get(id).expect("just submitted");
		Pallet::<T>::unschedule(id, &mut round);
		round.phase = Phase::Waiting;
		let mut line = WaitingRounds::<T>::get();
		for number in 1..T::MaxOpenRounds::get() {
			let other = id.saturating_add(number.into());
			let trainer: T::AccountId = account("waiting", number, SEED);
			round.trainer = trainer.clone();
			Rounds::<T>::insert(other, &round);
			let standing = polkadot_sdk::sp_runtime::Perbill::from_parts(number);
			line.try_push(Waiting { round: other, trainer, standing, work: 0 }).expect("within the bound");
		}
		WaitingRounds::<T>::put(line);
		Parameters::<T>::mutate(|parameters| parameters.max_measured = 2);
		let trainer = MeasuredRounds::<T>::get()[0].trainer.clone();
		#[block]
		{
			Pallet::<T>::note_setback(&trainer);
			Pallet::<T>::leave_line(id, &trainer);
		}
		assert_eq!(MeasuredRounds::<T>::get().len(), 2);
	}

	/// All but one did not commit.
	#[benchmark]
	fn remove_absent() {
		let (id, mut round) = drawn::<T>(MAX_BLOCKS);
		round.committee[0].commitment = Some(Hash::repeat_byte(1));
		let step;
		#[block]
		{
			step = Pallet::<T>::close_commit(id, &mut round);
			Rounds::<T>::insert(id, round);
		}
		assert_eq!(step, Step::AbsentRemoved);
	}

	/// As many as are missing without a quorum.
	#[benchmark]
	fn replace_absent() {
		let (id, mut round) = drawn::<T>(MAX_BLOCKS);
		let kept = tally::quorum(T::MaxCommittee::get()).saturating_sub(1).max(1);
		for (number, seat) in round.committee.iter_mut().enumerate().take(kept as usize) {
			seat.commitment = Some(Hash::repeat_byte(number as u8));
		}
		Pallet::<T>::close_commit(id, &mut round);
		let Phase::AwaitingReplacement { missing, .. } = round.phase else { panic!("a quorum committed") };
		Pallet::<T>::unschedule(id, &mut round);
		for number in 0..missing {
			let evaluator: T::AccountId = account("replacement", number, SEED);
			endow::<T>(&evaluator);
			T::Workers::benchmark_worker(&evaluator, Role::Evaluator);
		}
		let step;
		#[block]
		{
			T::Randomness::random(b"benchmark");
			step = Pallet::<T>::draw_replacements(id, &mut round, Hash::repeat_byte(9), missing);
			Rounds::<T>::insert(id, round);
		}
		assert_eq!(step, Step::Replaced);
	}

	#[benchmark]
	fn prune_round() {
		let (id, mut round) = found::<T>(MAX_BLOCKS, |_| Some(measured(GOOD)));
		let at = frame_system::Pallet::<T>::block_number();
		round.medians = Some(Medians {
			baseline: 0,
			gain: 0,
			standard_error: 0,
			domain_gains: BoundedVec::truncate_from(vec![0; MAX_DOMAINS as usize]),
		});
		round.phase = Phase::Closed { verdict: Verdict::Accepted, at };
		Rounds::<T>::insert(id, round);
		let later = at.saturating_add(T::ClosedRoundRetention::get()).saturating_add(One::one());
		let weight = T::WeightInfo::prune_round().saturating_add(T::DbWeight::get().reads_writes(1, 1));
		let mut meter = frame_support::weights::WeightMeter::with_limit(weight);
		#[block]
		{
			Pallet::<T>::prune_closed_rounds(later, &mut meter);
		}
		assert!(!Rounds::<T>::contains_key(id));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder::default().build(), crate::mock::Test);
}
