//! What calls and deadlines take at most.

use super::*;
use crate::impls::step::Step;
use alloc::{vec, vec::Vec};
use blyan_primitives::{
	cid::{Cid, CidCodec},
	dag::{BlockKind, Component, ContentFormat, ModelId, NewBlock, NewBlocks, Parents},
	datasets::Tier,
	learning::{Purpose, RejectReason, Verdict},
	manifest::{
		commitment, DataTerms, DatasetUse, DatasetUses, ManifestFinding, TrainingManifest, MAX_DATASETS,
		MAX_SAMPLE, MAX_STEPS,
	},
	traits::{DatasetRegistry, ManifestAudits, ModelGraph, WorkerRegistry},
	worker::Role,
	Hash,
};
use frame_support::{
	assert_ok,
	traits::{Get, Randomness},
	weights::WeightMeter,
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	sp_runtime::{
		traits::{Bounded, One},
		Perbill,
	},
};

const SEED: u32 = 0;
const SALT: [u8; 32] = [3; 32];
const ROUND: RoundId = 7;
const CONTENT: Cid = Cid { codec: CidCodec::DagPb, digest: [7; 32] };
const TORN: ManifestFinding = ManifestFinding::Mismatch { batch: None };

/// A model, and its owner.
fn model<T: Config>() -> (ModelId, T::AccountId) {
	let owner: T::AccountId = account("owner", 0, SEED);
	(T::Graph::benchmark_model(&owner), owner)
}

/// The list is full but for one.
fn fill_list<T: Config>() {
	OpenAudits::<T>::mutate(|open| {
		while (open.len() as u32) < T::MaxOpenAudits::get() - 1 {
			let round = RoundId::MAX - open.len() as RoundId;
			open.try_push(OpenAudit { due: BlockNumberFor::<T>::max_value(), round }).expect("there is room");
		}
	});
}

/// An audit of a manifest that names as many datasets as there may be, and awaits as many auditors.
fn opened<T: Config>() -> AuditOf<T> {
	let (model, _) = model::<T>();
	let trainer: T::AccountId = account("trainer", 0, SEED);
	T::Workers::benchmark_worker(&trainer, Role::Trainer);
	for number in 0..T::MaxAuditors::get() {
		let auditor: T::AccountId = account("auditor", number, SEED);
		T::Workers::benchmark_worker(&auditor, Role::Auditor);
	}
	let part = Perbill::one().deconstruct() / MAX_DATASETS;
	let mut datasets = Vec::new();
	for number in 0..MAX_DATASETS {
		let dataset = T::Datasets::benchmark_dataset(number);
		datasets.push(DatasetUse { dataset, weight: Perbill::from_parts(part) });
	}
	let manifest = TrainingManifest {
		document: CONTENT,
		document_bytes: 1,
		document_hash: Hash::zero(),
		datasets: DatasetUses::truncate_from(datasets),
		sequence: 1,
		batch: 1,
		steps: MAX_STEPS,
		seed: 0,
		batches_root: Hash::zero(),
	};
	let block = NewBlock {
		component: Component::Backbone,
		kind: BlockKind::Update,
		parents: Parents::truncate_from(vec![Hash::repeat_byte(1)]),
		content: CONTENT,
		bytes: 1,
		format: ContentFormat::TensorBlock,
		manifest_hash: Hash::zero(),
	};
	Parameters::<T>::mutate(|parameters| {
		parameters.auditors = T::MaxAuditors::get();
		parameters.min_sample = MAX_SAMPLE;
	});
	fill_list::<T>();
	let blocks = NewBlocks::truncate_from(vec![block]);
	assert_ok!(Pallet::<T>::opened(ROUND, model, &trainer, &blocks, &Purpose::Improvement, Some(manifest)));
	Audits::<T>::get(ROUND).expect("just opened")
}

/// An audit whose auditors found that, in the order of their seats; `None` did not reveal.
fn judged<T: Config>(finding: impl Fn(usize) -> Option<ManifestFinding>) -> AuditOf<T> {
	let mut audit = opened::<T>();
	assert_eq!(Pallet::<T>::draw_auditors(ROUND, &mut audit, Hash::repeat_byte(9)), Step::Drawn);
	for (number, seat) in audit.auditors.iter_mut().enumerate() {
		seat.commitment = Some(Hash::repeat_byte(number as u8));
		seat.finding = finding(number);
	}
	// However the benchmark sets the height of the block that it runs in.
	audit.stage = Stage::Reveal { until: BlockNumberFor::<T>::max_value() };
	Audits::<T>::insert(ROUND, &audit);
	audit
}

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn set_data_terms() {
		let (model, owner) = model::<T>();
		let terms = DataTerms { manifest_required: true, least_tier: Tier::Gold };
		#[extrinsic_call]
		_(RawOrigin::Signed(owner), model, terms);
		assert_eq!(Terms::<T>::get(model), terms);
	}

	#[benchmark]
	fn commit() {
		let mut audit = judged::<T>(|_| None);
		audit.stage = Stage::Commit { until: BlockNumberFor::<T>::max_value() };
		// The last one to commit.
		let last = audit.auditors.iter_mut().last().expect("there are auditors");
		last.commitment = None;
		let caller = last.member.clone();
		Audits::<T>::insert(ROUND, audit);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), ROUND, Hash::repeat_byte(0xff));
		assert!(Audits::<T>::get(ROUND)
			.is_some_and(|audit| audit.auditors.iter().all(|seat| seat.commitment.is_some())));
	}

	#[benchmark]
	fn reveal() {
		let mut audit = judged::<T>(|_| Some(ManifestFinding::Match));
		let batch = audit.sample.last().copied();
		let finding = ManifestFinding::Mismatch { batch };
		let attempt = audit.attempt;
		let last = audit.auditors.iter_mut().last().expect("there are auditors");
		let caller = last.member.clone();
		last.finding = None;
		last.commitment = Some(commitment(&caller, ROUND, attempt, &finding, &SALT));
		Audits::<T>::insert(ROUND, audit);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), ROUND, finding, SALT);
		assert!(Audits::<T>::get(ROUND)
			.is_some_and(|audit| audit.auditors.iter().all(|seat| seat.finding.is_some())));
	}

	#[benchmark]
	fn force_set_parameters() {
		let parameters = AuditParameters { commit_blocks: 77, ban_blocks: 1, ..AuditParameters::default() };
		#[extrinsic_call]
		_(RawOrigin::Root, parameters.clone());
		assert_eq!(Parameters::<T>::get(), parameters);
	}

	/// A full list of which nothing is due.
	#[benchmark]
	fn serve_list() {
		fill_list::<T>();
		let mut meter = WeightMeter::new();
		#[block]
		{
			Pallet::<T>::serve(BlockNumberFor::<T>::one(), &mut meter);
		}
		assert_eq!(meter.consumed(), T::WeightInfo::serve_list());
	}

	#[benchmark]
	fn draw() {
		let mut audit = opened::<T>();
		let step;
		#[block]
		{
			T::Randomness::random(b"benchmark");
			step = Pallet::<T>::draw_auditors(ROUND, &mut audit, Hash::repeat_byte(9));
			Audits::<T>::insert(ROUND, &audit);
		}
		assert_eq!(step, Step::Drawn);
		assert_eq!(audit.sample.len() as u32, MAX_SAMPLE);
	}

	#[benchmark]
	fn open_reveal() {
		let mut audit = judged::<T>(|_| None);
		let step;
		#[block]
		{
			step = Pallet::<T>::close_commit(ROUND, &mut audit);
			Audits::<T>::insert(ROUND, &audit);
		}
		assert_eq!(step, Step::RevealOpened);
	}

	/// Nobody revealed: all are blamed and released.
	#[benchmark]
	fn restart() {
		let mut audit = judged::<T>(|_| None);
		let step;
		#[block]
		{
			step = Pallet::<T>::close_reveal(ROUND, &mut audit);
			Audits::<T>::insert(ROUND, &audit);
		}
		assert_eq!(step, Step::Restarted);
	}

	/// As many as can be are wrong, and blamed; the others are paid, and the trainer is slashed.
	#[benchmark]
	fn close() {
		let mut audit = judged::<T>(|seat| Some(if seat % 3 == 2 { ManifestFinding::Match } else { TORN }));
		let step;
		#[block]
		{
			step = Pallet::<T>::close_reveal(ROUND, &mut audit);
			Audits::<T>::insert(ROUND, &audit);
		}
		assert_eq!(step, Step::Closed);
		assert!(BannedUntil::<T>::contains_key(&audit.trainer));
	}

	#[benchmark]
	fn prune() {
		let mut audit = judged::<T>(|_| Some(TORN));
		Pallet::<T>::close_reveal(ROUND, &mut audit);
		Pallet::<T>::closed(ROUND, Verdict::Rejected(RejectReason::NoGain));
		let now = BlockNumberFor::<T>::max_value();
		let mut meter = WeightMeter::with_limit(T::WeightInfo::prune());
		#[block]
		{
			Pallet::<T>::prune(now, &mut meter);
		}
		assert!(!Audits::<T>::contains_key(ROUND) && !BannedUntil::<T>::contains_key(&audit.trainer));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder::default().build(), crate::mock::Test);
}
