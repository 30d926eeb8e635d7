use crate::{mock::*, *};
use blyan_primitives::{
	datasets::{
		offer_challenge, DatasetFinding, DatasetOffer, DatasetStage, OfferWork, Refusal, Standing, Tier,
	},
	traits::{ApprovedDataset, DatasetRegistry},
	Hash,
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok, dispatch::Pays, traits::Hooks, BoundedVec},
	frame_system::BlockHash,
};

/// The hash of a block, as the chain would know it.
fn know(block: u32) -> Hash {
	let hash = Hash::from_low_u64_be(block.into());
	BlockHash::<Test>::insert(block, hash);
	hash
}

fn mined(who: AccountId, number: u32, anchor: u32, bits: u32) -> OfferWork {
	let challenge = offer_challenge(&who, &cid(number), &know(anchor));
	let nonce = (0..).find(|nonce| OfferWork { nonce: *nonce, anchor }.bits(&challenge) >= bits).unwrap();
	OfferWork { nonce, anchor }
}

fn try_with(
	who: AccountId,
	number: u32,
	work: OfferWork,
) -> Result<(), polkadot_sdk::sp_runtime::DispatchError> {
	DatasetsPallet::offer(RuntimeOrigin::signed(who), offer(number), work).map(|_| ()).map_err(|e| e.error)
}

#[test]
fn offer_should_stand_in_line_and_cost_no_fee() {
	ExtBuilder::default().build_and_execute(|| {
		let info = try_offer(CONTRIBUTOR, offer(1)).unwrap();
		assert_eq!(info.pays_fee, Pays::No);
		assert_eq!(stage(cid(1)), DatasetStage::Pending);
		assert_eq!(get(cid(1)).contributor, CONTRIBUTOR);
		assert_event(Event::DatasetOffered { dataset: cid(1), contributor: CONTRIBUTOR });
		next_block();
		assert_eq!(stage(cid(1)), DatasetStage::Audit);
		assert_event(Event::AuditBegun { dataset: cid(1), audit: 0 });
		assert_eq!(DatasetsPallet::approved(cid(1)), None);
	});
}

#[test]
fn offer_should_be_refused_when_it_breaks_a_rule() {
	ExtBuilder::default().build_and_execute(|| {
		let refused = |change: fn(&mut DatasetOffer), error: Error<Test>| {
			let mut offer = offer(1);
			change(&mut offer);
			assert_noop!(try_offer(CONTRIBUTOR, offer), error);
		};
		refused(|offer| offer.name = name("-"), Error::NameInvalid);
		refused(|offer| offer.domain = BoundedVec::new(), Error::DomainInvalid);
		refused(|offer| offer.licence = BoundedVec::new(), Error::LicenceInvalid);
		refused(|offer| offer.languages = BoundedVec::truncate_from(vec![*b"ENG"]), Error::LanguagesInvalid);
		refused(|offer| offer.bytes = 0, Error::SizesInvalid);
	});
}

#[test]
fn offer_should_be_refused_when_its_content_is_kept() {
	ExtBuilder::default().build_and_execute(|| {
		offer_by(CONTRIBUTOR, 1);
		assert_noop!(try_offer(CONTRIBUTOR, offer(1)), Error::<Test>::DatasetKept);
		assert_noop!(try_offer(OTHER, offer(1)), Error::<Test>::DatasetKept);
		judge_all(cid(1), DatasetFinding::NotAsDeclared);
		assert_noop!(try_offer(CONTRIBUTOR, offer(1)), Error::<Test>::DatasetKept);
		run_blocks(parameters().appeal_blocks + 2);
		assert_event(Event::DatasetForgotten { dataset: cid(1) });
		assert_ok!(try_offer(OTHER, offer(1)));
	});
}

#[test]
fn offer_should_be_taken_again_at_once_when_nobody_was_to_blame() {
	ExtBuilder::default().build_and_execute(|| {
		let id = offer_by(CONTRIBUTOR, 1);
		judge(id, &[None, None, None]);
		judge(id, &[None, None, None]);
		assert!(matches!(stage(id), DatasetStage::Rejected { reason: Refusal::NoAudit, .. }));
		assert_noop!(try_offer(OTHER, offer(1)), Error::<Test>::DatasetKept);
		assert_ok!(try_offer(CONTRIBUTOR, offer(1)));
		assert_eq!(stage(id), DatasetStage::Pending);
		let record = Contributors::<Test>::get(CONTRIBUTOR).unwrap();
		assert_eq!((record.offers, record.kept), (2, 1), "its quota is used up all the same");

		let id = in_vote(2);
		vote(id, 1, 0);
		close_vote(id);
		assert!(matches!(stage(id), DatasetStage::Rejected { reason: Refusal::NoQuorum, .. }));
		assert_noop!(try_offer(CONTRIBUTOR, offer(2)), Error::<Test>::DatasetKept);
		assert_ok!(DatasetsPallet::settle_vote(RuntimeOrigin::signed(STRANGER), id, FIRST_AUDITOR));
		assert_ok!(try_offer(CONTRIBUTOR, offer(2)));
	});
}

#[test]
fn versions_should_be_taken_once_and_rise_among_what_was_approved() {
	ExtBuilder::default().build_and_execute(|| {
		let of = |number, patch| {
			let mut offer = offer(number);
			(offer.name, offer.version.patch) = (name("jargon"), patch);
			offer
		};
		assert_ok!(try_offer(CONTRIBUTOR, of(1, 5)));
		assert_noop!(try_offer(CONTRIBUTOR, of(2, 5)), Error::<Test>::VersionTaken);
		assert_ok!(try_offer(OTHER, of(2, 5)));
		assert_ok!(try_offer(CONTRIBUTOR, of(3, 4)));
		judge_all(cid(1), good());
		vote(cid(1), 4, 0);
		close_vote(cid(1));
		assert_noop!(try_offer(CONTRIBUTOR, of(4, 5)), Error::<Test>::VersionTaken);
		assert_noop!(try_offer(CONTRIBUTOR, of(4, 3)), Error::<Test>::VersionNotRising);
		assert_ok!(try_offer(CONTRIBUTOR, of(4, 6)));
	});
}

#[test]
fn quota_should_be_that_of_the_standing_and_come_again_the_next_day() {
	ExtBuilder::default().parameters(|p| p.quotas.newcomer = 2).build_and_execute(|| {
		let left = || DatasetsPallet::offer_demand(&CONTRIBUTOR).left_today;
		assert_eq!(left(), 2);
		offer_by(CONTRIBUTOR, 1);
		offer_by(CONTRIBUTOR, 2);
		assert_eq!(left(), 0);
		assert_noop!(try_offer(CONTRIBUTOR, offer(3)), Error::<Test>::QuotaUsedUp);
		assert_ok!(try_offer(OTHER, offer(3)));
		System::set_block_number(parameters().day_blocks);
		assert_eq!(left(), 2);
		assert_ok!(try_offer(CONTRIBUTOR, offer(4)));
	});
}

#[test]
fn standing_should_follow_approvals_and_rejections() {
	ExtBuilder::default().parameters(|p| p.quotas.newcomer = 8).build_and_execute(|| {
		(1..=3).for_each(|number| {
			approved(number);
		});
		assert_event(Event::StandingChanged { contributor: CONTRIBUTOR, standing: Standing::Trusted });
		let used = Contributors::<Test>::get(CONTRIBUTOR).unwrap().offers;
		assert_eq!(DatasetsPallet::offer_demand(&CONTRIBUTOR).left_today, 200 - used);
		(4..=8).for_each(|number| {
			rejected(number);
		});
		assert_event(Event::StandingChanged { contributor: CONTRIBUTOR, standing: Standing::Newcomer });
		// Nobody is to blame for what nobody audits.
		let before = Contributors::<Test>::get(CONTRIBUTOR).unwrap().reliability;
		System::set_block_number(2 * parameters().day_blocks);
		DatasetsPallet::on_initialize(System::block_number());
		let id = offer_by(CONTRIBUTOR, 9);
		judge(id, &[None, None, None]);
		judge(id, &[None, None, None]);
		assert_eq!(Contributors::<Test>::get(CONTRIBUTOR).unwrap().reliability, before);
	});
}

#[test]
fn work_should_be_for_a_recent_block_and_taken_once() {
	ExtBuilder::default().parameters(|p| p.work_bits = 6).build_and_execute(|| {
		System::set_block_number(100);
		let demand = DatasetsPallet::offer_demand(&CONTRIBUTOR);
		assert_eq!((demand.bits, demand.max_age, demand.after), (6, 50, None));
		let work = mined(CONTRIBUTOR, 1, 99, 6);
		let at = |anchor| OfferWork { anchor, ..work };
		assert_noop!(try_with(CONTRIBUTOR, 1, at(100)), Error::<Test>::WorkAnchorUnknown);
		assert_noop!(try_with(CONTRIBUTOR, 1, at(98)), Error::<Test>::WorkAnchorUnknown);
		assert_noop!(try_with(CONTRIBUTOR, 1, at(49)), Error::<Test>::WorkTooOld);
		assert_noop!(try_with(OTHER, 1, work), Error::<Test>::WorkInsufficient);
		assert_noop!(try_with(CONTRIBUTOR, 2, work), Error::<Test>::WorkInsufficient);
		assert_ok!(try_with(CONTRIBUTOR, 1, work));
		assert_eq!(DatasetsPallet::offer_demand(&CONTRIBUTOR).after, Some(99));
		assert_noop!(try_with(CONTRIBUTOR, 2, mined(CONTRIBUTOR, 2, 99, 6)), Error::<Test>::WorkReused);
		System::set_block_number(101);
		assert_ok!(try_with(CONTRIBUTOR, 2, mined(CONTRIBUTOR, 2, 100, 6)));
	});
}

#[test]
fn newcomers_should_work_a_bit_more_for_each_doubling_of_what_is_usual() {
	ExtBuilder::default().parameters(|p| (p.work_bits, p.usual_offers) = (6, 8)).build_and_execute(|| {
		let bits = |offers| {
			NewcomersToday::<Test>::put(DayCount { day: 0, offers });
			DatasetsPallet::offer_demand(&STRANGER).bits
		};
		assert_eq!([0, 7, 15, 16, 31, 32, 8_192].map(bits), [6, 6, 6, 7, 7, 8, 16]);
		Contributors::<Test>::insert(CONTRIBUTOR, {
			let mut record = Contributor { was_approved: true, ..Contributor::default() };
			record.reliability.standing = Standing::Trusted;
			record
		});
		assert_eq!(DatasetsPallet::offer_demand(&CONTRIBUTOR).bits, 6, "who is trusted is not in it");
		System::set_block_number(parameters().day_blocks);
		assert_eq!(DatasetsPallet::offer_demand(&STRANGER).bits, 6, "another day");
	});
}

#[test]
fn record_of_a_contributor_should_be_kept_no_longer_than_what_it_counts() {
	ExtBuilder::default().build_and_execute(|| {
		rejected(1);
		assert_eq!(Contributors::<Test>::get(CONTRIBUTOR).map(|record| record.kept), Some(1));
		run_blocks(parameters().appeal_blocks + 2);
		assert_eq!(Contributors::<Test>::get(CONTRIBUTOR), None);
		let id = approved_of(OTHER, 2);
		let asked = DatasetsPallet::approved(id).unwrap();
		let score = get(id).score;
		assert!(score > 0);
		let expected = ApprovedDataset { bytes: 1 << 23, contributor: OTHER, tier: Tier::Gold, score };
		assert_eq!(asked, expected);
	});
}

#[test]
fn kept_datasets_should_be_paged_and_chosen_by_stage() {
	ExtBuilder::default().parameters(|p| p.max_audits = 1).build_and_execute(|| {
		(1..=5).for_each(|number| {
			offer_by(CONTRIBUTOR, number);
		});
		next_block();
		use blyan_primitives::api::DatasetStageKind;
		let (mut seen, mut after) = (Vec::new(), None);
		loop {
			let (page, next) = DatasetsPallet::kept_datasets(None, after, 2);
			assert!(page.len() <= 2);
			seen.extend(page.into_iter().map(|record| record.offer.content));
			match next {
				Some(next) => after = Some(next),
				None => break,
			}
		}
		seen.sort_unstable();
		let mut all = (1..=5).map(cid).collect::<Vec<_>>();
		all.sort_unstable();
		assert_eq!(seen, all);
		let of = |stage| DatasetsPallet::kept_datasets(Some(stage), None, 256).0.len();
		assert_eq!((of(DatasetStageKind::Audit), of(DatasetStageKind::Pending)), (1, 4));
	});
}
