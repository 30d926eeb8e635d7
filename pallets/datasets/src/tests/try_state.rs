//! Breaks each invariant of the README on purpose, by number.

use crate::{mock::*, *};
use blyan_primitives::{panel::PanelSeat, Hash};
use polkadot_sdk::{
	frame_support::{
		assert_ok,
		traits::{
			fungible::hold::Mutate,
			tokens::{Fortitude, Precision},
		},
	},
	sp_runtime::DispatchError,
};

/// One of each stage that matters, then `corrupt`: the check must say `message`.
#[track_caller]
fn broken(corrupt: impl FnOnce(), message: &'static str) {
	let change = |p: &mut DatasetParameters| (p.max_audits, p.appeal_blocks, p.vote_blocks) = (1, 500, 50);
	ExtBuilder::default().parameters(change).build().execute_with(|| {
		rejected(1);
		approved(2);
		let id = in_vote(3);
		vote(id, 1, 1);
		let id = rejected(4);
		assert_ok!(DatasetsPallet::appeal(RuntimeOrigin::signed(CONTRIBUTOR), id));
		offer_and_draw(5);
		offer_by(OTHER, 6);
		DatasetsPallet::do_try_state().expect("all is well before");
		corrupt();
		assert_eq!(DatasetsPallet::do_try_state(), Err(DispatchError::Other(message)));
	});
}

fn change(number: u32, change: impl FnOnce(&mut DatasetOf<Test>)) {
	Datasets::<Test>::mutate(cid(number), |dataset| change(dataset.as_mut().unwrap()));
}

fn change_audit(change: impl FnOnce(&mut AuditOf<Test>)) {
	Audits::<Test>::mutate(cid(5), |audit| change(audit.as_mut().unwrap()));
}

#[test]
fn try_state_1_should_fail_when_the_line_is_not_what_is_pending() {
	broken(Line::<Test>::kill, "the line is not the pending datasets, each once");
	broken(
		|| Line::<Test>::mutate(|line| line[0].is_newcomer = false),
		"an offer in line stands where its contributor does not",
	);
}

#[test]
fn try_state_2_should_fail_when_audits_are_not_those_that_run() {
	broken(RunningAudits::<Test>::kill, "the audits are not those that are listed, each once");
	broken(
		|| RunningAudits::<Test>::mutate(|running| running[0].is_rescan = true),
		"an audit runs of what is in no stage for it",
	);
	broken(
		|| {
			Audits::<Test>::remove(cid(5));
			RunningAudits::<Test>::kill();
		},
		"an audit is missing",
	);
}

#[test]
fn try_state_3_should_fail_when_auditors_are_not_distinct_others_in_turn() {
	broken(
		|| change_audit(|audit| audit.seats[1].member = audit.seats[0].member),
		"an auditor has two seats in an audit",
	);
	broken(|| change_audit(|audit| audit.seats[1].member = CONTRIBUTOR), "a contributor audits its dataset");
	broken(
		|| change_audit(|audit| audit.seed = None),
		"auditors or their seed are there before the draw, or missing after it",
	);
	let same = |seat: &mut PanelSeat<_, _>| seat.commitment = Some(Hash::zero());
	broken(
		|| change_audit(|audit| audit.seats.iter_mut().for_each(same)),
		"two auditors have the same commitment",
	);
	broken(
		|| change_audit(|audit| audit.seats[0].finding = Some(good())),
		"an auditor revealed too early, or what it did not commit to",
	);
}

#[test]
fn try_state_4_should_fail_when_the_agenda_is_another() {
	broken(|| change(3, |dataset| dataset.due = None), "the agenda is not what datasets say is due");
	broken(|| NextDue::<Test>::put(u32::MAX), "something is due in a block that is done");
	let later = || {
		let mut dataset = get(cid(3));
		let at = dataset.due.unwrap() + 1;
		DatasetsPallet::schedule(cid(3), &mut dataset, at);
		Datasets::<Test>::insert(cid(3), dataset);
	};
	broken(later, "something is not due right after its time");
}

#[test]
fn try_state_5_should_fail_when_votes_are_not_those_counted() {
	let stray = || Votes::<Test>::insert(cid(9), OTHER, Vote { aye: true, held: 0 });
	broken(stray, "a vote is kept of no dataset");
	broken(
		|| change(3, |dataset| dataset.ballot.as_mut().unwrap().ayes += 1),
		"the votes that are kept are not those that are counted",
	);
	broken(
		|| Votes::<Test>::insert(cid(1), OTHER, Vote { aye: true, held: 0 }),
		"the votes that are kept are not those that are counted",
	);
	broken(
		|| change(2, |dataset| dataset.ballot.as_mut().unwrap().result = None),
		"a vote is open that has come out, or the other way round",
	);
}

#[test]
fn try_state_6_should_fail_when_holds_are_others() {
	let burn = |reason: HoldReason, who| {
		Balances::burn_held(&reason.into(), &who, 1, Precision::Exact, Fortitude::Force).unwrap();
	};
	broken(
		|| burn(HoldReason::DatasetVote, FIRST_AUDITOR),
		"what is held of a voter is not that of its votes",
	);
	broken(|| change(1, |dataset| dataset.deposit = 1), "a deposit is held without an appeal");
	broken(
		|| burn(HoldReason::DatasetAppeal, CONTRIBUTOR),
		"what is held of a contributor is not that of its appeals",
	);
}

#[test]
fn try_state_7_should_fail_when_records_of_contributors_are_wrong() {
	let count = |who, by: u32| {
		Contributors::<Test>::mutate(who, |record| record.as_mut().unwrap().kept += by);
	};
	broken(|| count(OTHER, 1), "a contributor's record counts something else than what is kept");
	broken(
		|| Contributors::<Test>::insert(STRANGER, Contributor::default()),
		"a contributor's record is kept for nothing",
	);
	broken(|| Contributors::<Test>::remove(OTHER), "a contributor has no record");
}

#[test]
fn try_state_8_should_fail_when_versions_are_wrong() {
	let key = |number| (CONTRIBUTOR, offer(number).name, offer(number).version);
	broken(|| Versions::<Test>::remove(key(1)), "a version is of no kept dataset");
	broken(|| change(1, |dataset| dataset.offer.samples = 0), "an offer breaks its rules");
	broken(|| Versions::<Test>::insert(key(1), cid(2)), "a kept dataset does not have its version");
	broken(
		|| LatestVersions::<Test>::remove(CONTRIBUTOR, offer(2).name),
		"an approved version is newer than the newest",
	);
}

#[test]
fn try_state_9_should_fail_when_queues_have_gaps() {
	broken(|| NextRescan::<Test>::put(9), "the queue of what is audited again has gaps");
	broken(|| NextLeftover::<Test>::put(9), "the queue of what is left over has gaps");
}

#[test]
fn try_state_10_should_fail_when_the_parameters_are_not_valid() {
	ExtBuilder::default().build().execute_with(|| {
		Parameters::<Test>::mutate(|parameters| parameters.auditors = 0);
		assert_eq!(DatasetsPallet::do_try_state(), Err(Error::<Test>::AuditorsOutOfRange.into()));
	});
}
