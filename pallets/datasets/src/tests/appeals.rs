use crate::{mock::*, *};
use blyan_primitives::datasets::{DatasetStage, Refusal, Tier};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::DispatchError,
};

fn appeal(who: AccountId, id: DatasetId) -> polkadot_sdk::sp_runtime::DispatchResult {
	DatasetsPallet::appeal(RuntimeOrigin::signed(who), id)
}

fn decide(id: DatasetId, tier: Option<Tier>) -> polkadot_sdk::sp_runtime::DispatchResult {
	DatasetsPallet::decide_appeal(RuntimeOrigin::root(), id, tier)
}

fn quarantine(id: DatasetId) -> polkadot_sdk::sp_runtime::DispatchResult {
	DatasetsPallet::quarantine(RuntimeOrigin::signed(FIREFIGHTER), id)
}

#[test]
fn appeal_should_hold_a_deposit_and_open_a_case() {
	ExtBuilder::default().build_and_execute(|| {
		let id = rejected(1);
		assert_noop!(appeal(CONTRIBUTOR, cid(9)), Error::<Test>::DatasetNotFound);
		assert_noop!(appeal(OTHER, id), Error::<Test>::NotContributor);
		assert_ok!(appeal(CONTRIBUTOR, id));
		assert_eq!(held(CONTRIBUTOR, HoldReason::DatasetAppeal), APPEAL_DEPOSIT);
		assert_eq!(World::cases(), [(id, CONTRIBUTOR)]);
		let until = System::block_number() + parameters().decision_blocks;
		assert_eq!(stage(id), DatasetStage::Appealed { reason: Refusal::NotAsDeclared, until });
		assert_event(Event::DatasetAppealed { dataset: id, contributor: CONTRIBUTOR, until });
		assert_noop!(appeal(CONTRIBUTOR, id), Error::<Test>::NothingToAppeal);
	});
}

#[test]
fn appeal_should_be_refused_when_it_is_late_or_cannot_be_paid_or_the_court_takes_none() {
	ExtBuilder::default().build_and_execute(|| {
		let id = rejected(1);
		let DatasetStage::Rejected { until, .. } = stage(id) else { panic!() };
		let now = System::block_number();
		System::set_block_number(until + 1);
		assert_noop!(appeal(CONTRIBUTOR, id), Error::<Test>::AppealTooLate);
		System::set_block_number(now);
		World::close_court();
		assert_noop!(appeal(CONTRIBUTOR, id), DispatchError::Unavailable);
	});
	ExtBuilder::default().parameters(|p| p.appeal_deposit = ENDOWMENT * 2).build_and_execute(|| {
		let id = rejected(1);
		let result = polkadot_sdk::frame_support::storage::with_storage_layer(|| appeal(CONTRIBUTOR, id));
		assert_eq!(result, Err(Error::<Test>::DepositNotAvailable.into()));
	});
}

#[test]
fn granted_appeal_should_approve_and_return_the_deposit() {
	ExtBuilder::default().build_and_execute(|| {
		let id = rejected(1);
		assert_noop!(decide(id, Some(Tier::Silver)), Error::<Test>::NotAppealed);
		assert_noop!(decide(cid(9), None), Error::<Test>::DatasetNotFound);
		assert_ok!(appeal(CONTRIBUTOR, id));
		assert_noop!(
			DatasetsPallet::decide_appeal(RuntimeOrigin::signed(CONTRIBUTOR), id, Some(Tier::Gold)),
			DispatchError::BadOrigin
		);
		assert_ok!(decide(id, Some(Tier::Silver)));
		assert!(matches!(stage(id), DatasetStage::Approved { tier: Tier::Silver, .. }));
		assert_eq!(total(CONTRIBUTOR), ENDOWMENT);
		assert_eq!(held(CONTRIBUTOR, HoldReason::DatasetAppeal), 0);
		let tier = Some(Tier::Silver);
		assert_event(Event::AppealDecided { dataset: id, tier, returned: APPEAL_DEPOSIT, burned: 0 });
		assert_eq!(Contributors::<Test>::get(CONTRIBUTOR).unwrap().reliability.rejections, 0);
	});
}

#[test]
fn denied_appeal_should_burn_the_deposit_and_be_the_last() {
	ExtBuilder::default().build_and_execute(|| {
		let id = rejected(1);
		assert_ok!(appeal(CONTRIBUTOR, id));
		let issued = Balances::total_issuance();
		assert_ok!(decide(id, None));
		assert_eq!(issued - Balances::total_issuance(), APPEAL_DEPOSIT);
		assert_event(Event::AppealDecided { dataset: id, tier: None, returned: 0, burned: APPEAL_DEPOSIT });
		assert_noop!(appeal(CONTRIBUTOR, id), Error::<Test>::AppealTooLate);
		run_blocks(2);
		assert_eq!(DatasetsPallet::dataset(id), None);
		assert_eq!(total(CONTRIBUTOR), ENDOWMENT - APPEAL_DEPOSIT);
	});
}

#[test]
fn appeal_should_count_as_denied_and_cost_nothing_when_nobody_decides() {
	ExtBuilder::default().build_and_execute(|| {
		let id = rejected(1);
		assert_ok!(appeal(CONTRIBUTOR, id));
		let DatasetStage::Appealed { until, .. } = stage(id) else { panic!() };
		while System::block_number() < until {
			next_block();
		}
		System::set_block_number(until + 1);
		assert_noop!(decide(id, Some(Tier::Gold)), Error::<Test>::NotAppealed);
		System::set_block_number(until);
		run_blocks(2);
		assert_eq!((DatasetsPallet::dataset(id), total(CONTRIBUTOR)), (None, ENDOWMENT));
		assert_event(Event::AppealDecided { dataset: id, tier: None, returned: APPEAL_DEPOSIT, burned: 0 });
		assert_eq!(Contributors::<Test>::get(CONTRIBUTOR), None);
	});
}

#[test]
fn quarantine_should_take_an_approved_dataset_out_at_once() {
	ExtBuilder::default().build_and_execute(|| {
		use blyan_primitives::traits::DatasetRegistry;
		let id = in_vote(1);
		assert_noop!(quarantine(id), Error::<Test>::NotApproved);
		assert_noop!(quarantine(cid(9)), Error::<Test>::DatasetNotFound);
		vote(id, 4, 0);
		close_vote(id);
		let origin = RuntimeOrigin::signed(CONTRIBUTOR);
		assert_noop!(DatasetsPallet::quarantine(origin, id), DispatchError::BadOrigin);
		assert!(DatasetsPallet::approved(id).is_some());
		assert_ok!(quarantine(id));
		assert!(DatasetsPallet::approved(id).is_none());
		let until = System::block_number() + parameters().appeal_blocks;
		let reason = Refusal::Emergency;
		assert_eq!(stage(id), DatasetStage::Quarantined { reason, tier: Tier::Gold, until });
		assert_event(Event::DatasetQuarantined { dataset: id, contributor: CONTRIBUTOR, reason, until });
		assert_ok!(appeal(CONTRIBUTOR, id));
		assert_ok!(decide(id, Some(Tier::Gold)));
		assert!(DatasetsPallet::approved(id).is_some());

		assert_ok!(quarantine(id));
		run_blocks(parameters().appeal_blocks + 3);
		assert_eq!(DatasetsPallet::dataset(id), None, "nobody appealed");
		assert!(Contributors::<Test>::contains_key(CONTRIBUTOR), "something of it was approved");
	});
}

#[test]
fn quarantine_should_end_an_audit_that_runs() {
	ExtBuilder::default().build_and_execute(|| {
		let id = approved(1);
		run_blocks(parameters().rescan_blocks);
		let members = draw(id);
		assert_eq!(members.len(), 3);
		assert_ok!(quarantine(id));
		assert_eq!((RunningAudits::<Test>::get().len(), Audits::<Test>::iter().count()), (0, 0));
	});
}
