use crate::{mock::*, *};
use blyan_primitives::{
	learning::{commitment, Finding, Report, MAX_NANOBITS},
	Hash,
};
use polkadot_sdk::frame_support::{
	assert_noop, assert_ok,
	dispatch::{DispatchResultWithPostInfo, GetDispatchInfo},
	BoundedVec,
};

fn try_commit(who: AccountId, id: RoundId, hash: Hash) -> DispatchResultWithPostInfo {
	ProofOfLearning::commit(RuntimeOrigin::signed(who), id, hash)
}

fn try_reveal(who: AccountId, id: RoundId, finding: Finding, salt: [u8; 32]) -> DispatchResultWithPostInfo {
	ProofOfLearning::reveal(RuntimeOrigin::signed(who), id, finding, salt)
}

/// A round in its reveal phase, all five having committed to `finding`.
fn all_committed(finding: &Finding) -> (RoundId, Vec<AccountId>) {
	let id = submit_and_draw(TRAINER);
	let committee = committee(id);
	committee.iter().for_each(|who| commit(*who, id, finding));
	(id, committee)
}

#[test]
fn commit_should_be_noted_for_the_member() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let who = committee(id)[0];
		let hash = commitment_of(who, id, &measured(GOOD));
		commit(who, id, &measured(GOOD));
		assert_eq!(get(id).committed(), 1);
		assert_event(Event::FindingCommitted { round: id, evaluator: who, commitment: hash });
	});
}

#[test]
fn commit_should_be_refused_when_the_round_does_not_exist() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(try_commit(FIRST_EVALUATOR, 7, Hash::zero()), Error::<Test>::RoundNotFound);
	});
}

#[test]
fn commit_should_be_refused_when_the_account_is_not_on_the_committee() {
	ExtBuilder::default().evaluators(6).build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let undrawn = (FIRST_EVALUATOR..).find(|who| !committee(id).contains(who)).unwrap();
		for who in [undrawn, TRAINER, STRANGER] {
			assert_noop!(try_commit(who, id, Hash::zero()), Error::<Test>::NotOnCommittee);
		}
	});
}

#[test]
fn commit_should_be_refused_when_the_member_has_committed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let who = committee(id)[0];
		commit(who, id, &measured(GOOD));
		let same = commitment_of(who, id, &measured(GOOD));
		for hash in [same, Hash::repeat_byte(1)] {
			assert_noop!(try_commit(who, id, hash), Error::<Test>::AlreadyCommitted);
		}
	});
}

#[test]
fn commit_should_be_refused_when_it_copies_another_members() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let (victim, thief) = (committee(id)[0], committee(id)[1]);
		commit(victim, id, &measured(GOOD));
		let stolen = commitment_of(victim, id, &measured(GOOD));
		assert_noop!(try_commit(thief, id, stolen), Error::<Test>::CommitmentCopied);
	});
}

#[test]
fn commitment_should_be_worthless_to_a_member_who_copied_it_first() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let members = committee(id);
		let (victim, thief) = (members[0], members[1]);
		let finding = measured(GOOD);
		// The thief was faster with what it saw of the victim's, who commits anew with a fresh salt.
		assert_ok!(try_commit(thief, id, commitment_of(victim, id, &finding)));
		let round = get(id);
		let fresh = commitment(&victim, id, 0, &round.blocks, &finding, &[9; 32]);
		assert_ok!(try_commit(victim, id, fresh));
		members[2..].iter().for_each(|who| commit(*who, id, &finding));
		assert_noop!(try_reveal(thief, id, finding.clone(), salt(victim)), Error::<Test>::RevealMismatch);
		assert_ok!(try_reveal(victim, id, finding, [9; 32]));
	});
}

#[test]
fn commit_should_be_refused_before_the_draw_and_after_the_phase() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit(TRAINER);
		assert_noop!(try_commit(FIRST_EVALUATOR, id, Hash::zero()), Error::<Test>::NotInCommitPhase);
		run_to_draw(id);
		let members = committee(id);
		members[..4].iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		run_to(14);
		assert_noop!(try_commit(members[4], id, Hash::zero()), Error::<Test>::NotInCommitPhase);
	});
}

#[test]
fn commit_phase_should_last_to_the_end_of_its_deadline() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let members = committee(id);
		run_to(13);
		members[..4].iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		assert_eq!(get(id).phase, Phase::Commit { until: 13 });
		next_block();
		assert_eq!(get(id).phase, Phase::Reveal { until: 19 });
		assert_event(Event::RevealOpened { round: id, until: 19 });
	});
}

#[test]
fn commit_phase_should_end_early_when_all_have_committed() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, _) = all_committed(&measured(GOOD));
		assert_eq!((System::block_number(), get(id).phase), (3, Phase::Reveal { until: 8 }));
		assert_eq!(get(id).due, Some(9));
	});
}

#[test]
fn reveal_phase_should_end_early_when_all_who_committed_have_revealed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let members = committee(id);
		members[..4].iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		run_to(14);
		members[..3].iter().for_each(|who| reveal(*who, id, &measured(GOOD)));
		assert!(matches!(get(id).phase, Phase::Reveal { .. }));
		reveal(members[3], id, &measured(GOOD));
		assert_eq!(get(id).phase, Phase::Contest { until: 18 });
		assert_eq!(Agenda::<Test>::iter().map(|(slot, _)| slot).collect::<Vec<_>>(), [19]);
	});
}

#[test]
fn reveal_should_be_noted_for_the_member() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = all_committed(&measured(GOOD));
		reveal(members[0], id, &measured(GOOD));
		assert_eq!(get(id).committee[0].finding, Some(measured(GOOD)));
		assert_event(Event::FindingRevealed { round: id, evaluator: members[0], finding: measured(GOOD) });
	});
}

#[test]
fn reveal_should_be_refused_when_the_round_does_not_exist() {
	ExtBuilder::default().build_and_execute(|| {
		assert_noop!(try_reveal(FIRST_EVALUATOR, 7, measured(GOOD), [0; 32]), Error::<Test>::RoundNotFound);
	});
}

#[test]
fn reveal_should_be_refused_while_others_may_still_commit() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let who = committee(id)[0];
		assert_noop!(try_reveal(who, id, measured(GOOD), salt(who)), Error::<Test>::NotInRevealPhase);
		commit(who, id, &measured(GOOD));
		assert_noop!(try_reveal(who, id, measured(GOOD), salt(who)), Error::<Test>::NotInRevealPhase);
	});
}

#[test]
fn reveal_should_be_refused_after_the_phase() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = all_committed(&measured(GOOD));
		members.iter().for_each(|who| reveal(*who, id, &measured(GOOD)));
		let who = members[0];
		assert_noop!(try_reveal(who, id, measured(GOOD), salt(who)), Error::<Test>::NotInRevealPhase);
	});
}

#[test]
fn reveal_should_be_refused_when_the_account_is_not_on_the_committee() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, _) = all_committed(&measured(GOOD));
		assert_noop!(try_reveal(STRANGER, id, measured(GOOD), salt(STRANGER)), Error::<Test>::NotOnCommittee);
	});
}

#[test]
fn reveal_should_be_refused_when_the_member_did_not_commit() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let members = committee(id);
		members[..4].iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		run_to(14);
		let who = members[4];
		assert_noop!(try_reveal(who, id, measured(GOOD), salt(who)), Error::<Test>::NotCommitted);
	});
}

#[test]
fn reveal_should_be_refused_when_the_member_has_revealed() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = all_committed(&measured(GOOD));
		let who = members[0];
		reveal(who, id, &measured(GOOD));
		for finding in [measured(GOOD), measured(-GOOD)] {
			assert_noop!(try_reveal(who, id, finding, salt(who)), Error::<Test>::AlreadyRevealed);
		}
	});
}

#[test]
fn reveal_should_be_refused_when_it_is_not_what_was_committed_to() {
	ExtBuilder::default().build_and_execute(|| {
		let (id, members) = all_committed(&measured(GOOD));
		let who = members[0];
		for (finding, salt) in [
			(measured(GOOD + 1), salt(who)),
			(Finding::Unfetchable, salt(who)),
			(measured(GOOD), salt(members[1])),
		] {
			assert_noop!(try_reveal(who, id, finding, salt), Error::<Test>::RevealMismatch);
		}
	});
}

#[test]
fn reveal_should_be_refused_when_the_report_is_out_of_range_or_lacks_a_domain() {
	ExtBuilder::default().build_and_execute(|| {
		let broken = [
			Report { domain_gains: BoundedVec::truncate_from(vec![GOOD]), ..report(GOOD) },
			Report { gain: MAX_NANOBITS + 1, ..report(GOOD) },
			Report { standard_error: -1, ..report(GOOD) },
		];
		let id = submit_and_draw(TRAINER);
		let members = committee(id);
		for (who, report) in members.iter().zip(&broken) {
			commit(*who, id, &Finding::Measured(report.clone()));
		}
		members[3..].iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		for (who, report) in members.iter().zip(broken) {
			assert_noop!(
				try_reveal(*who, id, Finding::Measured(report), salt(*who)),
				Error::<Test>::ReportInvalid
			);
		}
	});
}

#[test]
fn calls_should_refund_what_closing_the_phase_would_have_taken() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let members = committee(id);
		let charged =
			Call::<Test>::commit { round: id, commitment: Hash::zero() }.get_dispatch_info().call_weight;
		let mut taken = Vec::new();
		for who in &members {
			let hash = commitment_of(*who, id, &measured(GOOD));
			taken.push(try_commit(*who, id, hash).unwrap().actual_weight.unwrap());
		}
		assert!(taken[..4].iter().all(|weight| *weight == <()>::commit()));
		assert_eq!(taken[4], <()>::commit().saturating_add(<()>::open_reveal()));
		assert!(taken.iter().all(|weight| charged.all_gte(*weight)));

		let charged = Call::<Test>::reveal { round: id, finding: measured(GOOD), salt: [0; 32] }
			.get_dispatch_info()
			.call_weight;
		let mut taken = Vec::new();
		for who in &members {
			taken.push(try_reveal(*who, id, measured(GOOD), salt(*who)).unwrap().actual_weight.unwrap());
		}
		assert!(taken[..4].iter().all(|weight| *weight == <()>::reveal()));
		assert_eq!(taken[4], <()>::reveal().saturating_add(<()>::open_contest()));
		assert!(taken.iter().all(|weight| charged.all_gte(*weight)));
	});
}
