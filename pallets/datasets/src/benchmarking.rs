//! What calls and deadlines take at most.

use super::*;
use crate::impls::step::Step;
use alloc::format;
use blyan_primitives::{
	cid::{Cid, CidCodec},
	datasets::{
		dataset_commitment, DatasetFinding, DatasetOffer, DatasetStage, Licence, OfferWork, QualityReport,
		Refusal, Tier,
	},
	economy::BLY,
	traits::WorkerRegistry,
	worker::Role,
	Hash,
};
use frame_support::{
	assert_ok,
	traits::{fungible::Mutate, EnsureOrigin, Get, Randomness},
	weights::WeightMeter,
	BoundedVec,
};
use frame_system::RawOrigin;
use polkadot_sdk::frame_benchmarking::v2::*;

const SEED: u32 = 0;
const SALT: [u8; 32] = [3; 32];
const NUMBER: u32 = 7;

fn endow<T: Config>(who: &T::AccountId) {
	T::Currency::set_balance(who, BLY.saturating_mul(1_000_000));
}

fn cid(number: u32) -> DatasetId {
	let mut digest = [0; 32];
	digest[..4].copy_from_slice(&number.to_le_bytes());
	Cid { codec: CidCodec::Raw, digest }
}

fn offered(number: u32) -> DatasetOffer {
	DatasetOffer {
		content: cid(number),
		document_bytes: 1_000,
		bytes: 1 << 30,
		samples: 1 << 20,
		name: BoundedVec::truncate_from(format!("set-{number}").into_bytes()),
		version: SemVer { major: 1, minor: 0, patch: 0 },
		licence: BoundedVec::truncate_from(b"CC0-1.0".to_vec()),
		domain: BoundedVec::truncate_from(b"computing".to_vec()),
		languages: BoundedVec::truncate_from([*b"eng"].to_vec()),
	}
}

fn report<T: Config>() -> QualityReport {
	QualityReport {
		rules: Parameters::<T>::get().rules,
		records: 1_000,
		samples: 1_000,
		diversity: 900_000,
		licence: Licence::Verified,
		..Default::default()
	}
}

/// A contributor who is a worker, with all that its records hold.
fn contributor<T: Config>() -> T::AccountId {
	let who: T::AccountId = account("contributor", 0, SEED);
	endow::<T>(&who);
	T::Workers::benchmark_worker(&who, Role::Trainer);
	who
}

/// Offers from a block in which everybody has long been registered, and without work.
fn prepare<T: Config>() {
	Parameters::<T>::mutate(|parameters| {
		parameters.work_bits = 0;
		parameters.auditors = T::MaxAuditors::get();
	});
	for number in 0..T::MaxAuditors::get() {
		let auditor: T::AccountId = account("auditor", number, SEED);
		endow::<T>(&auditor);
		T::Workers::benchmark_worker(&auditor, Role::Auditor);
	}
	// Later than that: a vote is of who was there before.
	frame_system::Pallet::<T>::set_block_number(100u32.into());
	NextDue::<T>::put(100);
}

/// Fills the line with offers of other newcomers, as far as those may.
fn fill_line<T: Config>() {
	for number in 0..NEWCOMERS_SHARE.mul_floor(T::MaxLine::get()) {
		let who: T::AccountId = account("crowd", number, SEED);
		assert_ok!(Pallet::<T>::do_offer(who, offered(1_000 + number), OfferWork::default()));
	}
}

/// A dataset of the contributor whose audit has begun.
fn begun<T: Config>() -> (DatasetId, DatasetOf<T>, AuditOf<T>) {
	prepare::<T>();
	let who = contributor::<T>();
	assert_ok!(Pallet::<T>::do_offer(who, offered(NUMBER), OfferWork::default()));
	Pallet::<T>::admit_offer();
	let id = cid(NUMBER);
	let dataset = Datasets::<T>::get(id).expect("just offered");
	(id, dataset, Audits::<T>::get(id).expect("just begun"))
}

/// The same with auditors, who have found that, in the order of their seats; `None` did not reveal.
fn judged<T: Config>(
	finding: impl Fn(usize) -> Option<DatasetFinding>,
) -> (DatasetId, DatasetOf<T>, AuditOf<T>) {
	let (id, mut dataset, mut audit) = begun::<T>();
	let step = Pallet::<T>::draw_auditors(id, &mut dataset, &mut audit, Hash::repeat_byte(9));
	assert_eq!(step, Step::Drawn);
	for (number, seat) in audit.seats.iter_mut().enumerate() {
		seat.commitment = Some(Hash::repeat_byte(number as u8));
		seat.finding = finding(number);
	}
	// However the benchmark sets the height of the block that it runs in.
	audit.phase = Phase::Reveal { until: u32::MAX - 1 };
	store::<T>(id, &dataset, &audit);
	(id, dataset, audit)
}

fn store<T: Config>(id: DatasetId, dataset: &DatasetOf<T>, audit: &AuditOf<T>) {
	Datasets::<T>::insert(id, dataset);
	Audits::<T>::insert(id, audit);
}

/// A dataset that is voted on, for as long as it takes.
fn in_vote<T: Config>() -> (DatasetId, DatasetOf<T>) {
	let (id, mut dataset, mut audit) = judged::<T>(|_| Some(DatasetFinding::Report(report::<T>())));
	Pallet::<T>::close_reveal(id, &mut dataset, &mut audit);
	dataset.stage = DatasetStage::Vote { until: u32::MAX - 1, is_extended: true };
	Datasets::<T>::insert(id, &dataset);
	(id, dataset)
}

/// The first auditor, which may vote.
fn voter<T: Config>() -> T::AccountId {
	account("auditor", 0, SEED)
}

/// The approved dataset of that number, for benchmarks of others.
pub(crate) fn approved<T: Config>(number: u32) -> DatasetId {
	let contributor: T::AccountId = account("giver", number, SEED);
	let id = cid(number);
	let offer = offered(number);
	Versions::<T>::insert((contributor.clone(), offer.name.clone(), offer.version), id);
	let dataset = Dataset {
		offer,
		contributor,
		offered_at: 0,
		stage: DatasetStage::Approved { tier: Tier::Gold, since: 0 },
		due: None,
		audits: 1,
		report: Some(report::<T>()),
		score: 500_000,
		ballot: None,
		deposit: 0,
	};
	Datasets::<T>::insert(id, dataset);
	id
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// The line is full of newcomers, of whom one makes room.
	#[benchmark]
	fn offer() {
		prepare::<T>();
		fill_line::<T>();
		// The offers of one account, of which the last stands behind everybody's.
		let busy: T::AccountId = account("crowd", 0, SEED);
		Line::<T>::mutate(|line| line.iter_mut().for_each(|entry| entry.contributor = busy.clone()));
		let who: T::AccountId = contributor::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(who), offered(NUMBER), OfferWork::default());
		assert!(Datasets::<T>::contains_key(cid(NUMBER)));
		assert_eq!(NextLeftover::<T>::get(), 1);
	}

	/// The last one to commit.
	#[benchmark]
	fn commit() {
		let (id, mut dataset, mut audit) = begun::<T>();
		Pallet::<T>::draw_auditors(id, &mut dataset, &mut audit, Hash::repeat_byte(9));
		for (number, seat) in audit.seats.iter_mut().enumerate().skip(1) {
			seat.commitment = Some(Hash::repeat_byte(number as u8));
		}
		audit.phase = Phase::Commit { until: u32::MAX - 1 };
		let who = audit.seats[0].member.clone();
		store::<T>(id, &dataset, &audit);
		#[extrinsic_call]
		_(RawOrigin::Signed(who), id, Hash::repeat_byte(0xff));
		assert!(Audits::<T>::get(id).expect("it runs").seats[0].commitment.is_some());
	}

	/// The last one to reveal.
	#[benchmark]
	fn reveal() {
		let finding = DatasetFinding::Report(report::<T>());
		let of_others = finding.clone();
		let (id, dataset, mut audit) = judged::<T>(|seat| (seat > 0).then(|| of_others.clone()));
		let who = audit.seats[0].member.clone();
		let hash = dataset_commitment(&who, &id, audit.number, audit.attempt, &finding, &SALT);
		audit.seats[0].commitment = Some(hash);
		store::<T>(id, &dataset, &audit);
		#[extrinsic_call]
		_(RawOrigin::Signed(who), id, finding, SALT);
		assert!(Audits::<T>::get(id).expect("it runs").seats[0].finding.is_some());
	}

	#[benchmark]
	fn vote() {
		let (id, _) = in_vote::<T>();
		#[extrinsic_call]
		_(RawOrigin::Signed(voter::<T>()), id, true);
		assert!(Votes::<T>::contains_key(id, voter::<T>()));
	}

	/// A vote that came out otherwise.
	#[benchmark]
	fn settle_vote() {
		let (id, _) = in_vote::<T>();
		assert_ok!(Pallet::<T>::do_vote(voter::<T>(), id, false));
		let mut dataset = Datasets::<T>::get(id).expect("it is kept");
		dataset.ballot.as_mut().expect("it is voted on").ayes = 1_000;
		Pallet::<T>::close_vote(id, &mut dataset, 0, true);
		Datasets::<T>::insert(id, dataset);
		#[extrinsic_call]
		_(RawOrigin::Signed(voter::<T>()), id, voter::<T>());
		assert!(!Votes::<T>::contains_key(id, voter::<T>()));
	}

	#[benchmark]
	fn appeal() {
		let (id, mut dataset, mut audit) = judged::<T>(|_| Some(DatasetFinding::NotAsDeclared));
		Pallet::<T>::close_reveal(id, &mut dataset, &mut audit);
		Datasets::<T>::insert(id, &dataset);
		#[extrinsic_call]
		_(RawOrigin::Signed(dataset.contributor), id);
		assert!(matches!(Datasets::<T>::get(id).expect("kept").stage, DatasetStage::Appealed { .. }));
	}

	#[benchmark]
	fn decide_appeal() -> Result<(), BenchmarkError> {
		let origin = T::DecideOrigin::try_successful_origin()
			.map_err(|_| BenchmarkError::Stop("somebody must decide on appeals"))?;
		let (id, mut dataset, mut audit) = judged::<T>(|_| Some(DatasetFinding::NotAsDeclared));
		Pallet::<T>::close_reveal(id, &mut dataset, &mut audit);
		Datasets::<T>::insert(id, &dataset);
		assert_ok!(Pallet::<T>::do_appeal(dataset.contributor, id));
		fill_line::<T>();
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, id, Some(Tier::Gold));
		assert!(matches!(Datasets::<T>::get(id).expect("kept").stage, DatasetStage::Approved { .. }));
		Ok(())
	}

	/// While it is audited again.
	#[benchmark]
	fn quarantine() -> Result<(), BenchmarkError> {
		let origin = T::EmergencyOrigin::try_successful_origin()
			.map_err(|_| BenchmarkError::Stop("somebody must be there for emergencies"))?;
		let (id, mut dataset, audit) = judged::<T>(|_| None);
		dataset.stage = DatasetStage::Approved { tier: Tier::Gold, since: 0 };
		store::<T>(id, &dataset, &audit);
		fill_line::<T>();
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, id);
		assert!(matches!(Datasets::<T>::get(id).expect("kept").stage, DatasetStage::Quarantined { .. }));
		Ok(())
	}

	#[benchmark]
	fn force_set_parameters() {
		let parameters = DatasetParameters { rules: 9, ..Default::default() };
		#[extrinsic_call]
		_(RawOrigin::Root, parameters);
		assert_eq!(Parameters::<T>::get().rules, 9);
	}

	#[benchmark]
	fn serve_slot() {
		prepare::<T>();
		let mut meter = WeightMeter::with_limit(
			T::WeightInfo::admit().saturating_mul(2).saturating_add(T::WeightInfo::serve_slot()),
		);
		#[block]
		{
			Pallet::<T>::serve(&mut meter);
		}
		assert!(NextDue::<T>::get() > 100);
	}

	/// Out of a full line.
	#[benchmark]
	fn admit() {
		prepare::<T>();
		fill_line::<T>();
		#[block]
		{
			Pallet::<T>::admit_offer();
		}
		assert_eq!(RunningAudits::<T>::get().len(), 1);
	}

	#[benchmark]
	fn draw() {
		let (id, mut dataset, mut audit) = begun::<T>();
		let step;
		#[block]
		{
			T::Randomness::random(b"benchmark");
			step = Pallet::<T>::draw_auditors(id, &mut dataset, &mut audit, Hash::repeat_byte(9));
			store::<T>(id, &dataset, &audit);
		}
		assert_eq!(step, Step::Drawn);
	}

	#[benchmark]
	fn open_reveal() {
		let (id, mut dataset, mut audit) = judged::<T>(|_| None);
		let step;
		#[block]
		{
			step = Pallet::<T>::close_commit(id, &mut dataset, &mut audit);
			store::<T>(id, &dataset, &audit);
		}
		assert_eq!(step, Step::RevealOpened);
	}

	/// Nobody revealed: all are blamed and released.
	#[benchmark]
	fn restart() {
		let (id, mut dataset, mut audit) = judged::<T>(|_| None);
		let step;
		#[block]
		{
			step = Pallet::<T>::close_reveal(id, &mut dataset, &mut audit);
			store::<T>(id, &dataset, &audit);
		}
		assert_eq!(step, Step::Restarted);
	}

	/// As many as can be are wrong, and blamed; the others are paid, and the contributor is trusted less.
	#[benchmark]
	fn close_audit() {
		let (id, mut dataset, mut audit) = judged::<T>(|seat| {
			Some(match seat % 3 {
				2 => DatasetFinding::Report(report::<T>()),
				_ => DatasetFinding::NotAsDeclared,
			})
		});
		fill_line::<T>();
		let step;
		#[block]
		{
			step = Pallet::<T>::close_reveal(id, &mut dataset, &mut audit);
			Datasets::<T>::insert(id, &dataset);
		}
		assert_eq!(step, Step::AuditClosed);
		assert!(matches!(dataset.stage, DatasetStage::Rejected { reason: Refusal::NotAsDeclared, .. }));
	}

	#[benchmark]
	fn close_vote() {
		let (id, mut dataset) = in_vote::<T>();
		dataset.ballot.as_mut().expect("it is voted on").ayes = 1_000;
		fill_line::<T>();
		#[block]
		{
			Pallet::<T>::close_vote(id, &mut dataset, 0, true);
			Datasets::<T>::insert(id, &dataset);
		}
		assert!(matches!(dataset.stage, DatasetStage::Approved { .. }));
	}

	/// An appeal that nobody decided on.
	#[benchmark]
	fn lapse() {
		let (id, mut dataset, mut audit) = judged::<T>(|_| Some(DatasetFinding::NotAsDeclared));
		Pallet::<T>::close_reveal(id, &mut dataset, &mut audit);
		Datasets::<T>::insert(id, &dataset);
		assert_ok!(Pallet::<T>::do_appeal(dataset.contributor, id));
		let mut dataset = Datasets::<T>::get(id).expect("it is kept");
		#[block]
		{
			Pallet::<T>::lapse_appeal(id, &mut dataset, Refusal::NotAsDeclared);
			Datasets::<T>::insert(id, &dataset);
		}
		assert_eq!(NextLeftover::<T>::get(), 1);
	}

	#[benchmark]
	fn forget() {
		let (id, mut dataset, mut audit) = judged::<T>(|_| Some(DatasetFinding::NotAsDeclared));
		Pallet::<T>::close_reveal(id, &mut dataset, &mut audit);
		Pallet::<T>::unschedule(id, &mut dataset);
		Datasets::<T>::insert(id, &dataset);
		Pallet::<T>::leave_over(id);
		let mut meter = WeightMeter::with_limit(T::WeightInfo::forget());
		#[block]
		{
			Pallet::<T>::forget_leftovers(&mut meter);
		}
		assert!(!Datasets::<T>::contains_key(id));
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::ExtBuilder::default().build(), crate::mock::Test);
}
