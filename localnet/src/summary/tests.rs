use super::*;
use blyan_primitives::{datasets::QualityReport, economy::BLY};
use serde_json::Value;

fn bly(whole: u128) -> Amount {
	Amount(whole * BLY)
}

fn submission(label: &str, expected: Expected) -> Submission {
	let fees = |each| (1..=3).map(|n| Fee { name: format!("evaluator-{n}"), amount: bly(each) }).collect();
	let (verdict, reason) = expected.outcome();
	let is_measured = expected != Expected::RefusedAsUnfetchable;
	let bond = match expected {
		Expected::Accepted => Bond { held: bly(101), returned: bly(101), ..Bond::default() },
		Expected::RefusedForNoGain | Expected::RefusedAsCanary => {
			Bond { held: bly(101), returned: bly(92), fees: fees(3), ..Bond::default() }
		}
		Expected::RefusedAsUnfetchable => {
			Bond { held: bly(101), forfeited: bly(101), burned: bly(92), fees: fees(3), ..Bond::default() }
		}
	};
	Submission {
		label: label.into(),
		expected,
		verdict: verdict.into(),
		reason: reason.map(String::from),
		bpb_before: is_measured.then_some(3.0),
		bpb_after: is_measured.then_some(if expected == Expected::Accepted { 2.9 } else { 3.1 }),
		gain_se: is_measured.then_some(0.01),
		round: 0,
		attempts: 1,
		trainer: if expected == Expected::Accepted { "trainer".into() } else { "adversary".into() },
		committee: match expected {
			Expected::RefusedAsCanary => {
				["evaluator-1", "accomplice", "evaluator-2"].map(String::from).to_vec()
			}
			_ => (1..=3).map(|n| format!("evaluator-{n}")).collect(),
		},
		components: vec!["expert(1,0)".into()],
		heads_moved: if expected == Expected::Accepted { vec!["expert(1,0)".into()] } else { Vec::new() },
		bond,
		faults: match expected {
			Expected::RefusedAsCanary => vec!["accomplice: CanaryAccepted, slashed 9500 BLY".into()],
			_ => Vec::new(),
		},
	}
}

fn canary() -> Canary {
	let accepted =
		Acceptance { name: ACCOMPLICE.name.into(), gain: Some(0.05), bond: bly(95_000), slashed: bly(9_500) };
	Canary {
		round: 5,
		planter: "validator".into(),
		trainer: "planter".into(),
		period: 9,
		gain: Some(-0.1),
		accepted_by: vec![accepted],
		accrued: bly(29),
	}
}

fn share(name: &str, whole: u128) -> Fee {
	Fee { name: name.into(), amount: bly(whole) }
}

fn disputes() -> Vec<Dispute> {
	let begun = |dispute, about: &str, challenger: &str, accused: &str, held| Dispute {
		dispute,
		about: about.into(),
		challenger: challenger.into(),
		accused: accused.into(),
		opened: Some(2.95),
		referees: ["evaluator-3", "evaluator-4", "evaluator-5"].map(String::from).to_vec(),
		held: bly(held),
		..Dispute::default()
	};
	let won = Dispute {
		outcome: "struck".into(),
		exact: Some(3.0),
		returned: bly(10_000),
		slashed: bly(5_000),
		..begun(0, "noisy expert", "evaluator-1", ACCOMPLICE.name, 10_000)
	};
	let mut shares = vec![share("evaluator-2", 50)];
	shares.extend((3..=5).map(|n| share(&format!("evaluator-{n}"), 16)));
	let lost = Dispute {
		outcome: "upheld".into(),
		exact: Some(2.95),
		shares,
		burned: bly(2),
		..begun(1, "re-encoded copy", ADVERSARY.name, "evaluator-2", 100)
	};
	vec![won, lost]
}

fn dataset(name: &str, expected: Offered) -> Dataset {
	let (stage, tier, reason) = match expected {
		Offered::Approved { .. } => ("approved", Some("silver"), None),
		Offered::RefusedForPersonalData => ("rejected", None, Some("personal_data")),
		Offered::RefusedForDuplicates => ("rejected", None, Some("duplicates")),
		Offered::RefusedForUnknownLicence => ("rejected", None, Some("unknown_licence")),
	};
	let aye = |name: &str| Vote {
		name: name.into(),
		aye: true,
		returned: bly(1),
		reward: bly(2),
		..Vote::default()
	};
	let nay = Vote { name: "adversary".into(), burned: bly(1), ..Vote::default() };
	let votes = if stage == "approved" { vec![aye("auditor-1"), aye("auditor-2"), nay] } else { Vec::new() };
	Dataset {
		name: name.into(),
		content: "bafk".into(),
		contributor: "curator".into(),
		licence: "CC0-1.0".into(),
		expected,
		stage: stage.into(),
		tier: tier.map(String::from),
		reason: reason.map(String::from),
		report: Some(QualityReport { samples: 5_000, duplicates: 48_400, ..QualityReport::default() }),
		auditors: vec!["auditor-1".into(), "auditor-2".into()],
		votes,
		score: 500_000,
		faults: Vec::new(),
	}
}

fn lineage() -> Vec<DataUse> {
	let used = DataUse {
		dataset: "jargon".into(),
		contributor: "curator".into(),
		submissions: 2,
		samples: 8_320,
		first: 0,
		last: 1,
		earned: bly(4),
		of_purse: bly(4),
		purse: bly(320),
		paid: bly(5),
	};
	vec![used]
}

fn as_told() -> Summary {
	Summary {
		passed: false,
		problems: vec!["of an earlier judgement".into()],
		genesis_hash: "0x01".into(),
		model_name: "jargon".into(),
		version: "0.1.2".into(),
		generation: 2,
		version_root: "0xabc".into(),
		submissions: vec![
			submission("all components", Expected::Accepted),
			submission("one expert", Expected::Accepted),
			submission("noisy expert", Expected::RefusedForNoGain),
			submission("re-encoded copy", Expected::RefusedForNoGain),
			submission("unserved content", Expected::RefusedAsUnfetchable),
			Submission { round: 5, ..submission("canary", Expected::RefusedAsCanary) },
		],
		disputes: disputes(),
		canary: Some(canary()),
		datasets: vec![
			dataset("jargon", Offered::Approved { is_confirmed: true }),
			dataset("personal", Offered::RefusedForPersonalData),
			dataset("repeated", Offered::RefusedForDuplicates),
			dataset("unlicensed", Offered::RefusedForUnknownLicence),
		],
		lineage: lineage(),
		payments: ["trainer", "evaluator-1", "evaluator-2", "evaluator-3"]
			.map(|name| Payment { name: name.into(), account: "5F".into(), epoch: 1, amount: bly(10) })
			.to_vec(),
		answers: Some(Answers {
			completion: "a".into(),
			chat: "b".into(),
			streamed: "c".into(),
			version_root: "0xabc".into(),
		}),
		block_seconds_median: Some(2.0),
		finality_lag_seconds_median: Some(3.0),
		blocks_observed: 80,
		steps: vec![StepTime { name: "nodes".into(), seconds: 7.0 }],
		seconds_to_last_verdict: 160.0,
		seconds_total: 200.0,
	}
}

/// Problems after one thing was changed.
fn problems(change: impl FnOnce(&mut Summary)) -> Vec<String> {
	let mut summary = as_told();
	change(&mut summary);
	let judged = summary.judge();
	assert_eq!(judged.passed, judged.problems.is_empty());
	judged.problems
}

#[test]
fn judge_should_pass_when_all_came_out_as_told() {
	assert_eq!(problems(|_| ()), Vec::<String>::new());
}

#[test]
fn judge_should_name_a_verdict_or_reason_that_is_not_as_told() {
	let found = problems(|summary| summary.submissions[3].verdict = "accepted".into());
	assert!(found.iter().any(|problem| problem.starts_with("re-encoded copy: it was accepted")), "{found:?}");
	let found = problems(|summary| summary.submissions[4].reason = Some("malformed".into()));
	assert_eq!(found, ["unserved content: it was rejected (malformed), not rejected (unfetchable)"]);
	let found = problems(|summary| summary.submissions[0].verdict = "inconclusive".into());
	assert!(found[0].contains("not accepted"), "{found:?}");
}

#[test]
fn judge_should_follow_every_bond_to_the_last_unit() {
	let one_off: [(usize, fn(&mut Bond)); 6] = [
		(0, |bond| bond.returned.0 -= 1),
		(1, |bond| bond.fees.push(Fee { name: "evaluator-1".into(), amount: Amount(1) })),
		(2, |bond| bond.returned.0 += 1),
		(3, |bond| bond.fees.clear()),
		(4, |bond| bond.burned.0 -= 1),
		(4, |bond| bond.returned = Amount(1)),
	];
	for (place, change) in one_off {
		let found = problems(|summary| change(&mut summary.submissions[place].bond));
		assert!(found.len() == 1 && found[0].contains("bond"), "{found:?}");
	}
}

#[test]
fn judge_should_miss_a_head_that_did_not_move_or_should_not_have() {
	assert_eq!(problems(|summary| summary.submissions[1].heads_moved.clear()).len(), 1);
	assert_eq!(problems(|summary| summary.submissions[1].heads_moved.push("router(0)".into())).len(), 1);
	assert_eq!(problems(|summary| summary.submissions[2].heads_moved.push("expert(1,0)".into())).len(), 1);
	assert_eq!(problems(|summary| summary.generation = 1).len(), 1);
}

#[test]
fn judge_should_miss_a_gain_a_payment_and_an_answer() {
	assert_eq!(
		problems(|summary| summary.submissions[1].bpb_after = Some(3.0)),
		["one expert: no gain was measured"]
	);
	assert_eq!(problems(|summary| drop(summary.payments.remove(0))), ["trainer was not paid"]);
	assert_eq!(problems(|summary| summary.payments[2].amount = Amount(0)), ["evaluator-2 was not paid"]);
	assert_eq!(problems(|summary| summary.answers = None).len(), 1);
	assert_eq!(problems(|summary| summary.answers.as_mut().unwrap().version_root = "0x".into()).len(), 1);
	assert_eq!(problems(|summary| summary.answers.as_mut().unwrap().streamed.clear()).len(), 1);
	assert_eq!(problems(|summary| summary.finality_lag_seconds_median = None).len(), 1);
}

#[test]
fn judge_should_name_an_evaluator_that_was_blamed() {
	let found = problems(|summary| summary.submissions[0].faults.push("evaluator-1: NoCommit".into()));
	assert!(found[0].contains("evaluator-1: NoCommit"), "{found:?}");
}

#[test]
fn judge_should_miss_a_dispute_and_follow_its_money_to_the_last_unit() {
	assert_eq!(problems(|summary| drop(summary.disputes.remove(0))).len(), 1);
	assert_eq!(problems(|summary| drop(summary.disputes.remove(1))).len(), 1);
	let changes: [(usize, fn(&mut Dispute)); 7] = [
		(0, |dispute| dispute.returned.0 -= 1),
		(0, |dispute| dispute.exact = None),
		(0, |dispute| dispute.slashed.0 = 0),
		(0, |dispute| dispute.outcome = "open".into()),
		(1, |dispute| dispute.burned.0 += 1),
		(1, |dispute| dispute.shares[0].amount.0 -= 1),
		(1, |dispute| dispute.outcome = "struck".into()),
	];
	for (place, change) in changes {
		let found = problems(|summary| change(&mut summary.disputes[place]));
		assert_eq!(found.len(), 2, "of it, and that there is none: {found:?}");
	}
	let found = problems(|summary| summary.disputes[1].faults.push("evaluator-3: NoReveal".into()));
	assert!(found.len() == 1 && found[0].contains("re-encoded copy"), "{found:?}");
	// Two who contest the same liar.
	let second = |summary: &mut Summary| {
		let mut second = summary.disputes[0].clone();
		(second.outcome, second.slashed) = ("undecided (AlreadyStruck)".into(), Amount(0));
		summary.disputes.push(second);
	};
	assert_eq!(problems(second), Vec::<String>::new());
}

#[test]
fn judge_should_miss_a_canary_and_follow_who_accepted_it() {
	assert_eq!(problems(|summary| summary.canary = None), ["no canary was shown"]);
	let changes: [fn(&mut Canary); 7] = [
		|canary| canary.gain = Some(0.01),
		|canary| canary.accepted_by.clear(),
		|canary| canary.accepted_by[0].slashed.0 -= 1,
		|canary| canary.accepted_by[0].slashed.0 /= 2,
		|canary| canary.accepted_by[0].gain = Some(-0.1),
		|canary| canary.accrued = bly(9),
		|canary| {
			let second = Acceptance { name: "evaluator-1".into(), ..canary.accepted_by[0].clone() };
			canary.accepted_by.push(second)
		},
	];
	for change in changes {
		let found = problems(|summary| change(summary.canary.as_mut().unwrap()));
		assert!(found.len() == 1 && found[0].starts_with("canary: "), "{found:?}");
	}
	// It must not have become head, nor be refused for another reason, nor cost anybody else anything.
	assert_eq!(problems(|summary| summary.submissions[5].heads_moved.push("expert(0,0)".into())).len(), 1);
	assert_eq!(problems(|summary| summary.submissions[5].reason = Some("no_gain".into())).len(), 1);
	let fault = |text: &str| problems(|summary| summary.submissions[5].faults.push(text.into()));
	assert_eq!(fault("evaluator-1: CanaryAccepted, slashed 100 BLY").len(), 1);
	assert_eq!(fault("accomplice: NoReveal, slashed 1 BLY").len(), 1);
	let not_drawn = problems(|summary| {
		summary.submissions[5].committee.retain(|name| name != ACCOMPLICE.name);
		summary.canary.as_mut().unwrap().accepted_by.clear();
	});
	assert!(not_drawn[0].contains("it was not drawn"), "{not_drawn:?}");
}

#[test]
fn json_should_have_the_fields_that_scripts_read_and_survive_reading() {
	let summary = as_told().judge();
	let json = serde_json::to_string_pretty(&summary).unwrap();
	assert_eq!(serde_json::from_str::<Summary>(&json).unwrap(), summary);
	let value: Value = serde_json::from_str(&json).unwrap();
	for key in [
		"version_root",
		"submissions",
		"disputes",
		"canary",
		"payments",
		"block_seconds_median",
		"finality_lag_seconds_median",
		"seconds_total",
	] {
		assert!(!value[key].is_null(), "{key}");
	}
	let refused = &value["submissions"][4];
	assert_eq!(refused["label"], "unserved content");
	assert_eq!(refused["verdict"], "rejected");
	assert_eq!(refused["reason"], "unfetchable");
	assert!(
		refused["bpb_before"].is_null()
			&& refused.get("bpb_after").is_some()
			&& refused.get("gain_se").is_some()
	);
	assert_eq!(value["submissions"][0]["bpb_after"], 2.9);
	assert_eq!(refused["bond"]["burned"], "92");
}

#[test]
fn points_should_add_up_paired_differences_when_committees_drew_other_shards() {
	let mut summary = as_told();
	// The second committee drew harder shards: its level before is above the first one's after.
	summary.submissions[1].bpb_before = Some(3.5);
	summary.submissions[1].bpb_after = Some(3.4);
	let points = summary.points();
	let shown: Vec<(&str, String)> =
		points.iter().map(|point| (point.label.as_str(), format!("{:.1}", point.value))).collect();
	let expected = [
		("0.1.0", "3.0"),
		("0.1.1", "2.9"),
		("0.1.2", "2.8"),
		("noisy expert", "2.9"),
		("re-encoded copy", "2.9"),
		("canary", "2.9"),
	];
	assert_eq!(shown, expected.map(|(label, value)| (label, value.to_string())));
	assert_eq!(points.iter().filter(|point| point.mark == Mark::Refused).count(), 3);
}

#[test]
fn table_should_show_verdicts_bonds_payments_and_what_is_wrong() {
	let table = as_told().judge().table();
	for part in [
		"0xabc",
		"rejected (unfetchable)",
		"+0.1000 ± 0.0100",
		"101 forfeited: 9 to evaluators, 92 burned",
		"9 to evaluators, 92 of 101 returned",
		"5000 slashed; bond of 10000: 10000 returned",
		"bond of 100: 50 to the accused, 48 to referees, 2 burned",
		"rejected (canary)",
		"accomplice, as +0.0500",
		"rejected (unknown_licence)",
		"approved (silver)",
		"4.84 %",
		"2 : 1",
		"2 (rounds 0 to 1)",
		"9500 of 95000",
		"29 BLY",
		"evaluator-3",
		"2.00 s",
		"160 s",
		"bits per byte",
		"0.1.2",
	] {
		assert!(table.contains(part), "{part} is missing from\n{table}");
	}
	assert!(!table.contains("Not as told"));
	let mut summary = as_told();
	summary.answers = None;
	assert!(summary.judge().table().contains("Not as told"));
}

#[test]
fn judge_should_name_a_dataset_that_came_out_otherwise() {
	assert_eq!(problems(|summary| summary.datasets.clear())[0], "no dataset was offered");
	let changes: [(usize, fn(&mut Dataset), &str); 9] = [
		(0, |dataset| dataset.tier = Some("experimental".into()), "its licence is confirmed"),
		(0, |dataset| drop(dataset.votes.pop()), "2 voted for it and 0 against"),
		(0, |dataset| dataset.votes[1].reward = Amount(0), "the vote of auditor-2"),
		(0, |dataset| dataset.votes[2].returned = bly(1), "the vote of adversary"),
		(0, |dataset| dataset.report = None, "no quorum of auditors"),
		(0, |dataset| dataset.faults = vec!["auditor-2: NoReveal".into()], "auditor-2: NoReveal"),
		(
			1,
			|dataset| dataset.stage = "vote".into(),
			"it is vote (personal_data), not rejected (personal_data)",
		),
		(2, |dataset| dataset.reason = Some("contamination".into()), "not rejected (duplicates)"),
		(3, |dataset| dataset.reason = None, "it is rejected, not rejected (unknown_licence)"),
	];
	for (place, change, expected) in changes {
		let found = problems(|summary| change(&mut summary.datasets[place]));
		assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
	}
	let declared = |summary: &mut Summary| {
		summary.datasets[0].expected = Offered::Approved { is_confirmed: false };
		summary.datasets[0].tier = Some("experimental".into());
	};
	assert_eq!(problems(declared), Vec::<String>::new());
}

#[test]
fn judge_should_miss_what_was_learned_and_paid_for_data() {
	assert_eq!(
		problems(|summary| summary.lineage.clear()),
		["lineage: the model learned nothing from jargon"]
	);
	let changes: [fn(&mut DataUse); 5] = [
		|used| used.submissions = 1,
		|used| used.samples = 0,
		|used| used.earned = Amount(0),
		|used| used.of_purse.0 -= 1,
		|used| used.paid = Amount(0),
	];
	for change in changes {
		assert_eq!(problems(|summary| change(&mut summary.lineage[0])).len(), 1);
	}
	let emptied = |summary: &mut Summary| {
		(summary.lineage[0].of_purse, summary.lineage[0].purse) = (bly(3), Amount(0));
	};
	assert_eq!(problems(emptied), Vec::<String>::new(), "a purse has an end");
	let refused = |summary: &mut Summary| {
		summary.lineage.push(DataUse { dataset: "personal".into(), ..lineage()[0].clone() });
	};
	assert_eq!(problems(refused), ["lineage: the model learned from personal, which is not approved"]);
}
