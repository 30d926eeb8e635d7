use crate::{
	mock::{world::*, *},
	*,
};
use blyan_primitives::{
	learning::{Finding, RejectReason, Report, Verdict},
	worker::Fault,
	Balance,
};
use polkadot_sdk::{
	frame_support::{
		assert_ok,
		traits::{
			fungible::Mutate,
			tokens::Preservation,
			{LockableCurrency, WithdrawReasons},
		},
		BoundedVec,
	},
	pallet_balances,
};

fn standing_of(id: RoundId) -> Standing {
	let standings = get(id).blocks.iter().map(World::standing).collect::<Vec<_>>();
	assert!(standings.iter().all(|s| *s == standings[0]), "the blocks of a submission are settled as one");
	standings[0]
}

fn closed_events() -> Vec<(RoundId, Verdict)> {
	events()
		.into_iter()
		.filter_map(|event| match event {
			Event::RoundClosed { round, verdict, .. } => Some((round, verdict)),
			_ => None,
		})
		.collect()
}

fn issuance() -> Balance {
	pallet_balances::TotalIssuance::<Test>::get()
}

#[test]
fn verdict_should_be_acceptance_when_the_committee_measures_a_gain() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let members = committee(id);
		find_all(id, measured(GOOD));
		assert_eq!(verdict(id), Some(Verdict::Accepted));
		assert_eq!((standing_of(id), World::generation(MODEL)), (Standing::Head, 1));
		assert_eq!((held(TRAINER), total(TRAINER)), (0, ENDOWMENT));
		// Ancestors four deep, for each of two blocks.
		let lineage = vec![ANCESTORS[..4].to_vec(); 2];
		assert_eq!(World::accruals(), [(id, GOOD, TRAINER, lineage, members.clone())]);
		assert_eq!(World::honest_work(), members);
		assert!(World::faults().is_empty());
		assert!(World::engagements().is_empty());
		assert_event(Event::BondReturned { round: id, trainer: TRAINER, amount: BOND });
		let medians = get(id).medians;
		assert_eq!(medians.as_ref().unwrap().gain, GOOD);
		assert_event(Event::RoundClosed { round: id, verdict: Verdict::Accepted, medians });
	});
}

#[test]
fn verdict_should_be_rejection_and_cost_the_fee_when_there_is_no_gain() {
	ExtBuilder::default().build_and_execute(|| {
		let before = issuance();
		let id = submit_and_draw(TRAINER);
		find_all(id, measured(NO_GAIN));
		assert_eq!(verdict(id), Some(Verdict::Rejected(RejectReason::NoGain)));
		assert_eq!((standing_of(id), World::generation(MODEL)), (Standing::Rejected, 0));
		assert_eq!((held(TRAINER), total(TRAINER)), (0, ENDOWMENT - FEE));
		assert!(committee(id).iter().all(|who| total(*who) == ENDOWMENT + FEE / 5));
		assert_eq!(issuance(), before);
		assert!(World::accruals().is_empty());
		assert_event(Event::BondReturned { round: id, trainer: TRAINER, amount: BOND - FEE });
		assert_event(Event::FeePaid { round: id, evaluator: committee(id)[0], amount: FEE / 5 });
	});
}

#[test]
fn verdict_should_name_the_domain_that_regressed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let poisoned =
			Report { domain_gains: BoundedVec::truncate_from(vec![3 * GOOD, -GOOD]), ..report(GOOD) };
		find_all(id, Finding::Measured(poisoned));
		assert_eq!(verdict(id), Some(Verdict::Rejected(RejectReason::DomainRegression { domain: 1 })));
	});
}

#[test]
fn fee_should_leave_what_does_not_divide_with_the_trainer() {
	ExtBuilder::default().parameters(|p| p.measurement_fee = 103).build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		find_all(id, measured(NO_GAIN));
		assert_eq!(total(TRAINER), ENDOWMENT - 100);
		assert!(committee(id).iter().all(|who| total(*who) == ENDOWMENT + 20));
	});
}

#[test]
fn fee_should_return_to_the_trainer_when_an_account_cannot_take_it() {
	// A fifth is less than an account must have to exist.
	ExtBuilder::default().parameters(|p| p.measurement_fee = 45).build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let emptied = committee(id)[0];
		assert_ok!(Balances::transfer(&emptied, &STRANGER, ENDOWMENT, Preservation::Expendable));
		find_all(id, measured(NO_GAIN));
		assert_eq!((total(emptied), total(committee(id)[1])), (0, ENDOWMENT + 9));
		assert_eq!((held(TRAINER), total(TRAINER)), (0, ENDOWMENT - 4 * 9));
	});
}

#[test]
fn fee_should_be_none_when_the_parameters_ask_for_none() {
	ExtBuilder::default().parameters(|p| p.measurement_fee = 0).build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		find_all(id, measured(NO_GAIN));
		assert_eq!(total(TRAINER), ENDOWMENT);
		assert!(!events().iter().any(|event| matches!(event, Event::FeePaid { .. })));
	});
}

#[test]
fn fee_should_be_paid_when_the_trainers_balance_is_locked() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		Balances::set_lock(*b"anything", &TRAINER, ENDOWMENT, WithdrawReasons::all());
		find_all(id, measured(NO_GAIN));
		assert_eq!((held(TRAINER), total(TRAINER)), (0, ENDOWMENT - FEE));
	});
}

#[test]
fn liar_should_be_blamed_and_unpaid_when_the_committee_measured_otherwise() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let honest = Some(measured(NO_GAIN));
		find(id, &[Some(measured(GOOD)), honest.clone(), honest.clone(), honest.clone(), honest]);
		let members = committee(id);
		assert_eq!(verdict(id), Some(Verdict::Rejected(RejectReason::NoGain)));
		assert_eq!(World::faults(), [(members[0], Fault::OutsideTolerance)]);
		assert_eq!(World::honest_work(), members[1..]);
		assert_eq!((total(members[0]), total(members[1])), (ENDOWMENT, ENDOWMENT + FEE / 4));
		let slashed = Fault::OutsideTolerance.slash() * WORKER_BOND;
		assert_event(Event::EvaluatorFaulted {
			round: id,
			evaluator: members[0],
			fault: Fault::OutsideTolerance,
			slashed,
		});
	});
}

#[test]
fn bond_should_be_forfeited_when_a_quorum_cannot_fetch_the_content() {
	ExtBuilder::default().build_and_execute(|| {
		let before = issuance();
		let id = submit_and_draw(TRAINER);
		let unfetchable = Some(Finding::Unfetchable);
		// One got it before it was gone: that is no fault, and no share of the fee either.
		let got_it = Some(measured(GOOD));
		find(id, &[unfetchable.clone(), unfetchable.clone(), unfetchable.clone(), unfetchable, got_it]);
		let members = committee(id);
		assert_eq!(verdict(id), Some(Verdict::Rejected(RejectReason::Unfetchable)));
		assert_eq!(standing_of(id), Standing::Rejected);
		assert_eq!((held(TRAINER), total(TRAINER)), (0, ENDOWMENT - BOND));
		assert!(members[..4].iter().all(|who| total(*who) == ENDOWMENT + FEE / 4));
		assert_eq!(total(members[4]), ENDOWMENT);
		assert_eq!(issuance(), before - (BOND - FEE));
		assert!(World::faults().is_empty());
		assert_eq!(World::honest_work(), members[..4]);
		assert_event(Event::BondForfeited { round: id, trainer: TRAINER, amount: BOND, burned: BOND - FEE });
	});
}

#[test]
fn bond_should_be_forfeited_when_a_quorum_finds_the_content_malformed() {
	ExtBuilder::default().parameters(|p| p.measurement_fee = 103).build_and_execute(|| {
		let before = issuance();
		let id = submit_and_draw(TRAINER);
		let malformed = Some(Finding::Malformed);
		let invented = Some(measured(GOOD));
		find(id, &[malformed.clone(), malformed.clone(), malformed.clone(), malformed, invented]);
		let members = committee(id);
		assert_eq!(verdict(id), Some(Verdict::Rejected(RejectReason::Malformed)));
		// What does not divide is burned.
		assert_eq!((total(TRAINER), total(members[0])), (ENDOWMENT - BOND, ENDOWMENT + 25));
		assert_eq!(issuance(), before - (BOND - 100));
		assert_eq!(World::faults(), [(members[4], Fault::OutsideTolerance)]);
	});
}

#[test]
fn bond_should_be_forfeited_when_the_trainers_balance_is_locked() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		Balances::set_lock(*b"anything", &TRAINER, ENDOWMENT, WithdrawReasons::all());
		find_all(id, Finding::Unfetchable);
		assert_eq!((held(TRAINER), total(TRAINER)), (0, ENDOWMENT - BOND));
	});
}

#[test]
fn who_could_not_fetch_should_not_be_blamed_when_a_quorum_measured() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let honest = Some(measured(GOOD));
		find(id, &[Some(Finding::Unfetchable), honest.clone(), honest.clone(), honest.clone(), honest]);
		assert_eq!(verdict(id), Some(Verdict::Accepted));
		assert!(World::faults().is_empty());
		assert_eq!(World::accruals()[0].4, committee(id)[1..]);
	});
}

#[test]
fn who_called_measured_content_malformed_should_be_blamed() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let honest = Some(measured(GOOD));
		find(id, &[Some(Finding::Malformed), honest.clone(), honest.clone(), honest.clone(), honest]);
		assert_eq!(verdict(id), Some(Verdict::Accepted));
		assert_eq!(World::faults(), [(committee(id)[0], Fault::OutsideTolerance)]);
	});
}

#[test]
fn absent_should_be_blamed_for_what_they_did_not_do_and_count_for_nothing() {
	ExtBuilder::default().evaluators(7).parameters(|p| p.committee_size = 7).build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		let members = committee(id);
		// Five measure; one commits and does not reveal; one does nothing.
		members[..6].iter().for_each(|who| commit(*who, id, &measured(GOOD)));
		run_to(14);
		members[..5].iter().for_each(|who| reveal(*who, id, &measured(GOOD)));
		run_to(20);
		run_to_settlement(id);
		assert_eq!(verdict(id), Some(Verdict::Accepted));
		assert_eq!(World::faults(), [(members[5], Fault::NoReveal), (members[6], Fault::NoCommit)]);
		assert_eq!(World::accruals()[0].4, members[..5]);
	});
}

#[test]
fn round_should_end_inconclusively_when_the_graph_refuses_what_the_gate_accepted() {
	ExtBuilder::default().build_and_execute(|| {
		let id = submit_and_draw(TRAINER);
		World::refuse_acceptance();
		find_all(id, measured(GOOD));
		assert_eq!(verdict(id), Some(Verdict::Inconclusive));
		// Nothing of the refused acceptance is left.
		assert_eq!((standing_of(id), World::generation(MODEL)), (Standing::Withdrawn, 0));
		assert_eq!((held(TRAINER), total(TRAINER)), (0, ENDOWMENT));
		assert!(World::accruals().is_empty());
		assert!(World::engagements().is_empty());
		assert_event(Event::AcceptanceFailed { round: id, error: REFUSAL });
	});
}

#[test]
fn every_round_should_have_its_own_verdict_when_several_run_at_once() {
	ExtBuilder::default().evaluators(9).build_and_execute(|| {
		let (a, b, c) = (submit(TRAINER), submit(TRAINER), submit(OTHER_TRAINER));
		run_to(3);
		find_all(a, measured(NO_GAIN));
		find_all(b, Finding::Unfetchable);
		assert_eq!((held(TRAINER), held(OTHER_TRAINER)), (0, BOND));
		find_all(c, measured(GOOD));
		let expected = [
			(a, Verdict::Rejected(RejectReason::NoGain)),
			(b, Verdict::Rejected(RejectReason::Unfetchable)),
			(c, Verdict::Accepted),
		];
		assert_eq!(closed_events(), expected);
	});
}
