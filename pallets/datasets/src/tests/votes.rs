use crate::{mock::*, *};
use blyan_primitives::{
	datasets::{DatasetStage, Licence, Refusal, Tier},
	traits::{CreditReason, WorkerRegistry},
	worker::{Associates, Role},
};
use polkadot_sdk::{
	frame_support::{assert_noop, assert_ok},
	sp_runtime::Perbill,
};

fn settle(id: DatasetId, voter: AccountId) {
	assert_ok!(DatasetsPallet::settle_vote(RuntimeOrigin::signed(STRANGER), id, voter));
}

fn tier(id: DatasetId) -> Option<Tier> {
	match stage(id) {
		DatasetStage::Approved { tier, .. } => Some(tier),
		_ => None,
	}
}

#[test]
fn vote_should_be_taken_once_of_each_and_hold_a_deposit() {
	ExtBuilder::default().build_and_execute(|| {
		let id = in_vote(1);
		let DatasetStage::Vote { until, is_extended: false } = stage(id) else { panic!() };
		// 30 % of the nine workers, rounded up.
		assert_event(Event::VoteOpened { dataset: id, until, quorum: 3 });
		assert_ok!(try_vote(FIRST_AUDITOR, id, true));
		assert_noop!(try_vote(FIRST_AUDITOR, id, false), Error::<Test>::AlreadyVoted);
		assert_ok!(try_vote(WORKER_CONTRIBUTOR, id, false));
		assert_eq!(held(FIRST_AUDITOR, HoldReason::DatasetVote), VOTE_DEPOSIT);
		let record = DatasetsPallet::dataset(id).unwrap();
		assert_eq!((record.ayes, record.nays, record.quorum), (1, 1, 3));
		assert_eq!(DatasetsPallet::dataset_vote(id, FIRST_AUDITOR), Some(true));
		assert_noop!(
			DatasetsPallet::settle_vote(RuntimeOrigin::signed(1), id, FIRST_AUDITOR),
			Error::<Test>::VoteOpen
		);
		assert_noop!(try_vote(FIRST_AUDITOR, cid(9), true), Error::<Test>::DatasetNotFound);
		System::set_block_number(until + 1);
		assert_noop!(try_vote(FIRST_AUDITOR + 1, id, true), Error::<Test>::NotInVotePhase);
		System::set_block_number(until);
		assert_ok!(try_vote(FIRST_AUDITOR + 1, id, true));
	});
}

#[test]
fn vote_should_be_refused_before_and_after_the_vote() {
	ExtBuilder::default().build_and_execute(|| {
		let id = offer_by(CONTRIBUTOR, 1);
		assert_noop!(try_vote(FIRST_AUDITOR, id, true), Error::<Test>::NotInVotePhase);
		let id = approved(2);
		assert_noop!(try_vote(FIRST_AUDITOR + 7, id, true), Error::<Test>::NotInVotePhase);
	});
}

#[test]
fn vote_should_be_refused_of_who_is_partial_or_cannot_pay() {
	ExtBuilder::default().build_and_execute(|| {
		let id = in_vote_of(WORKER_CONTRIBUTOR, 1, good());
		assert_noop!(try_vote(WORKER_CONTRIBUTOR, id, true), Error::<Test>::VoterPartial);
		let associates = Associates::truncate_from(vec![WORKER_CONTRIBUTOR]);
		assert_ok!(WorkersPallet::declare_associates(RuntimeOrigin::signed(FIRST_AUDITOR), associates));
		assert_noop!(try_vote(FIRST_AUDITOR, id, true), Error::<Test>::VoterPartial);
		let poor = FIRST_AUDITOR + 1;
		let all = total(poor) - WORKER_BOND - 50;
		assert_ok!(Balances::transfer_allow_death(RuntimeOrigin::signed(poor), STRANGER, all));
		assert_noop!(try_vote(poor, id, true), Error::<Test>::DepositNotAvailable);
	});
}

#[test]
fn tier_should_be_the_best_that_votes_and_medians_both_reach() {
	let table = [
		(3, 1, good(), Some(Tier::Gold)),
		(2, 1, good(), Some(Tier::Silver)),
		(2, 3, good(), Some(Tier::Experimental)),
		(1, 3, good(), None),
		(4, 0, found(|report| report.toxicity = 60_000), Some(Tier::Silver)),
		(4, 0, found(|report| report.licence = Licence::Declared), Some(Tier::Experimental)),
	];
	for (ayes, nays, finding, expected) in table {
		ExtBuilder::default().build_and_execute(|| {
			let id = in_vote_of(CONTRIBUTOR, 1, finding);
			vote(id, ayes, nays);
			close_vote(id);
			assert_eq!(tier(id), expected, "{ayes} against {nays}");
			let is_refused = matches!(stage(id), DatasetStage::Rejected { reason: Refusal::Votes, .. });
			assert_eq!(is_refused, expected.is_none());
		});
	}
}

#[test]
fn votes_should_be_settled_by_how_it_came_out() {
	ExtBuilder::default().build_and_execute(|| {
		let id = in_vote(1);
		vote(id, 3, 1);
		close_vote(id);
		let (right, wrong) = (FIRST_AUDITOR, FIRST_AUDITOR + 3);
		let reputation = WorkersPallet::reputation(&wrong).unwrap();
		let before = World::fees().len();
		settle(id, right);
		settle(id, wrong);
		assert_event(Event::VoteSettled {
			dataset: id,
			voter: right,
			returned: VOTE_DEPOSIT,
			burned: 0,
			reward: VOTE_REWARD,
		});
		assert_event(Event::VoteSettled {
			dataset: id,
			voter: wrong,
			returned: 0,
			burned: VOTE_DEPOSIT,
			reward: 0,
		});
		assert_eq!(World::fees()[before..], [(right, VOTE_REWARD)]);
		assert_eq!((total(right), total(wrong)), (ENDOWMENT, ENDOWMENT - VOTE_DEPOSIT));
		assert!(WorkersPallet::reputation(&wrong).unwrap() < reputation);
		assert_noop!(
			DatasetsPallet::settle_vote(RuntimeOrigin::signed(1), id, right),
			Error::<Test>::VoteNotFound
		);
		assert_noop!(
			DatasetsPallet::settle_vote(RuntimeOrigin::signed(1), cid(9), right),
			Error::<Test>::DatasetNotFound
		);
	});
}

#[test]
fn those_against_should_be_right_when_too_few_are_in_favour() {
	ExtBuilder::default().build_and_execute(|| {
		let id = in_vote(1);
		vote(id, 1, 3);
		close_vote(id);
		settle(id, FIRST_AUDITOR);
		settle(id, FIRST_AUDITOR + 1);
		assert_eq!(total(FIRST_AUDITOR), ENDOWMENT - VOTE_DEPOSIT);
		assert_eq!(held(FIRST_AUDITOR + 1, HoldReason::DatasetVote), 0);
		assert!(World::fees().contains(&(FIRST_AUDITOR + 1, VOTE_REWARD)));
	});
}

#[test]
fn vote_should_be_extended_once_and_then_be_nobodys_fault() {
	ExtBuilder::default().build_and_execute(|| {
		let id = in_vote(1);
		vote(id, 2, 0);
		let DatasetStage::Vote { until, .. } = stage(id) else { panic!() };
		run_until(|| matches!(stage(id), DatasetStage::Vote { is_extended: true, .. }));
		let longer = until + parameters().extension_blocks;
		assert_eq!(stage(id), DatasetStage::Vote { until: longer, is_extended: true });
		assert_event(Event::VoteExtended { dataset: id, until: longer });
		close_vote(id);
		assert!(matches!(stage(id), DatasetStage::Rejected { reason: Refusal::NoQuorum, .. }));
		let before = World::fees().len();
		settle(id, FIRST_AUDITOR);
		assert_eq!((World::fees().len(), total(FIRST_AUDITOR)), (before, ENDOWMENT));
		assert_eq!(held(FIRST_AUDITOR, HoldReason::DatasetVote), 0);
		assert_eq!(Contributors::<Test>::get(CONTRIBUTOR).unwrap().reliability.rejections, 0);
	});
	ExtBuilder::default().build_and_execute(|| {
		let id = in_vote(1);
		run_until(|| matches!(stage(id), DatasetStage::Vote { is_extended: true, .. }));
		vote(id, 3, 0);
		close_vote(id);
		assert_eq!(tier(id), Some(Tier::Gold), "who votes late counts");
	});
}

#[test]
fn quorum_should_be_one_vote_at_least() {
	ExtBuilder::default().parameters(|p| p.quorum = Perbill::zero()).build_and_execute(|| {
		let id = in_vote(1);
		assert_eq!(get(id).ballot.unwrap().quorum, 1);
		close_vote(id);
		assert!(matches!(stage(id), DatasetStage::Rejected { reason: Refusal::NoQuorum, .. }));
	});
}

#[test]
fn credits_should_be_granted_for_gold_of_who_has_a_bond() {
	ExtBuilder::default().build_and_execute(|| {
		approved(1);
		assert_eq!(World::granted(), []);
		approved_of(WORKER_CONTRIBUTOR, 2);
		assert_eq!(World::granted(), [(WORKER_CONTRIBUTOR, CreditReason::GoldDataset)]);
		let id = in_vote_of(WORKER_CONTRIBUTOR, 3, found(|report| report.licence = Licence::Declared));
		vote(id, 4, 0);
		close_vote(id);
		assert_eq!(World::granted().len(), 1);
	});
}

#[test]
fn votes_should_be_settled_when_their_dataset_is_forgotten() {
	ExtBuilder::default().build_and_execute(|| {
		let id = in_vote(1);
		vote(id, 1, 3);
		close_vote(id);
		let issued = Balances::total_issuance();
		run_blocks(parameters().appeal_blocks + 2);
		assert_eq!(DatasetsPallet::dataset(id), None);
		assert_eq!(Votes::<Test>::iter().count(), 0);
		assert_eq!(issued - Balances::total_issuance(), VOTE_DEPOSIT);
		assert_event(Event::DatasetForgotten { dataset: id });
	});
}

#[test]
fn who_leaves_after_its_vote_should_be_settled_like_anybody() {
	ExtBuilder::default().build_and_execute(|| {
		register(STRANGER, Role::Server);
		next_block();
		let id = in_vote(1);
		assert_ok!(try_vote(STRANGER, id, false));
		vote(id, 4, 0);
		assert_ok!(WorkersPallet::unregister(RuntimeOrigin::signed(STRANGER)));
		close_vote(id);
		settle(id, STRANGER);
		assert_eq!(total(STRANGER), ENDOWMENT - VOTE_DEPOSIT);
		assert!(matches!(stage(id), DatasetStage::Approved { .. }));
	});
}
