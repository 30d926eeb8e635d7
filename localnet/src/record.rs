//! What the events of the chain say of a submission, its bond, and who was paid.

pub mod datasets;

use crate::{
	chronicle::Entry,
	money::Amount,
	summary::{Acceptance, Bond, Canary, Dispute, Expected, Fee, Payment, Submission},
};
use blyan_chain_client::ChainEvent;
use blyan_primitives::{
	dag::{BlockId, Generation, SubmissionId},
	learning::{Finding, Medians, NanoBits, RejectReason, Verdict, BIT_PER_BYTE},
	traits::AuditedWork,
	worker::Fault,
	AccountId,
};

/// Who is who.
#[derive(Clone, Debug, Default)]
pub struct Names(pub Vec<(AccountId, &'static str)>);

impl Names {
	/// A member's name; of anyone else the account.
	pub fn of(&self, account: &AccountId) -> String {
		let known = self.0.iter().find(|(member, _)| member == account);
		known.map_or_else(|| account.to_string(), |(_, name)| (*name).to_string())
	}
}

/// The blocks of each submission of `trainer`, in order; those submitted again are named once.
pub fn submissions_of(entries: &[Entry], trainer: &AccountId) -> Vec<Vec<BlockId>> {
	let mut submissions = Vec::new();
	for entry in entries {
		if let ChainEvent::SubmissionReceived { trainer: from, blocks, .. } = &entry.event {
			if from == trainer && !submissions.contains(blocks) {
				submissions.push(blocks.clone());
			}
		}
	}
	submissions
}

/// The rounds that measured these blocks, in order.
fn rounds_of(entries: &[Entry], blocks: &[BlockId]) -> Vec<SubmissionId> {
	let round = |entry: &Entry| match &entry.event {
		ChainEvent::SubmissionReceived { round, blocks: of, .. } if of == blocks => Some(*round),
		_ => None,
	};
	entries.iter().filter_map(round).collect()
}

/// The round that measures these blocks now, or did last.
pub fn latest_round(entries: &[Entry], blocks: &[BlockId]) -> Option<SubmissionId> {
	rounds_of(entries, blocks).pop()
}

/// The round in which these blocks had a verdict on their quality. One that ended inconclusively is none:
/// the blocks may be submitted again.
pub fn decided_round(entries: &[Entry], blocks: &[BlockId]) -> Option<SubmissionId> {
	rounds_of(entries, blocks)
		.into_iter()
		.find(|round| closed(entries, *round).is_some_and(|(verdict, _)| verdict != Verdict::Inconclusive))
}

fn closed(entries: &[Entry], wanted: SubmissionId) -> Option<(Verdict, Option<&Medians>)> {
	entries.iter().find_map(|entry| match &entry.event {
		ChainEvent::RoundClosed { round, verdict, medians } if *round == wanted => {
			Some((*verdict, medians.as_ref()))
		}
		_ => None,
	})
}

/// Which generation a round brought about.
pub fn released_generation(entries: &[Entry], wanted: SubmissionId) -> Option<Generation> {
	entries.iter().find_map(|entry| match &entry.event {
		ChainEvent::VersionReleased { generation, submission, .. } if *submission == Some(wanted) => {
			Some(*generation)
		}
		_ => None,
	})
}

/// Where a round stands, for people.
pub fn phase(entries: &[Entry], wanted: SubmissionId, names: &Names) -> String {
	let (mut text, mut committed, mut revealed) = ("waiting for randomness".to_string(), 0, 0);
	for entry in entries {
		match &entry.event {
			ChainEvent::RoundDrawn { round, committee, .. } if *round == wanted => {
				let members: Vec<String> = committee.iter().map(|member| names.of(member)).collect();
				(committed, revealed) = (0, 0);
				text = format!("measured by {}", members.join(", "));
			}
			ChainEvent::FindingCommitted { round, .. } if *round == wanted => {
				committed += 1;
				text = format!("{committed} committed");
			}
			ChainEvent::FindingRevealed { round, .. } if *round == wanted => {
				revealed += 1;
				text = format!("{committed} committed, {revealed} revealed");
			}
			ChainEvent::RoundRestarted { round, attempt, reason } if *round == wanted => {
				text = format!("attempt {}: {reason:?}", attempt + 1)
			}
			_ => (),
		}
	}
	text
}

/// What a closed round came to. `None` while it is open.
pub fn submission(
	entries: &[Entry],
	wanted: SubmissionId,
	label: &str,
	expected: Expected,
	components: Vec<String>,
	heads_moved: Vec<String>,
	names: &Names,
) -> Option<Submission> {
	let (verdict, medians) = closed(entries, wanted)?;
	let (verdict, reason) = verdict_text(verdict);
	let mut found = Submission {
		label: label.into(),
		expected,
		verdict: verdict.into(),
		reason: reason.map(String::from),
		bpb_before: medians.map(|medians| bits(medians.baseline)),
		bpb_after: medians.map(|medians| bits(medians.baseline.saturating_sub(medians.gain))),
		gain_se: medians.map(|medians| bits(medians.standard_error)),
		round: wanted,
		attempts: 0,
		trainer: String::new(),
		committee: Vec::new(),
		components,
		heads_moved,
		bond: Bond::default(),
		faults: Vec::new(),
	};
	for entry in entries {
		match &entry.event {
			ChainEvent::SubmissionReceived { round, trainer, bond, .. } if *round == wanted => {
				found.trainer = names.of(trainer);
				found.bond.held = Amount(*bond);
			}
			ChainEvent::RoundDrawn { round, committee, .. } if *round == wanted => {
				found.attempts += 1;
				found.committee = committee.iter().map(|member| names.of(member)).collect();
			}
			ChainEvent::FeePaid { round, evaluator, amount } if *round == wanted => {
				found.bond.fees.push(Fee { name: names.of(evaluator), amount: Amount(*amount) })
			}
			ChainEvent::BondReturned { round, amount, .. } if *round == wanted => {
				found.bond.returned = Amount(*amount)
			}
			ChainEvent::BondForfeited { round, amount, burned, .. } if *round == wanted => {
				found.bond.forfeited = Amount(*amount);
				found.bond.burned = Amount(*burned);
			}
			ChainEvent::EvaluatorFaulted { round, evaluator, fault, slashed } if *round == wanted => found
				.faults
				.push(format!("{}: {fault:?}, slashed {} BLY", names.of(evaluator), Amount(*slashed))),
			_ => (),
		}
	}
	Some(found)
}

/// Every dispute, in the order begun. `labels` are what rounds measured, for people.
pub fn disputes(entries: &[Entry], labels: &[(SubmissionId, String)], names: &Names) -> Vec<Dispute> {
	let begun = entries.iter().filter_map(|entry| match &entry.event {
		ChainEvent::FindingContested { dispute, round, accused, challenger, position, bond, .. } => {
			Some(Dispute {
				dispute: *dispute,
				about: labels
					.iter()
					.find(|(of, _)| of == round)
					.map_or_else(|| format!("round {round}"), |(_, label)| label.clone()),
				round: *round,
				accused: names.of(accused),
				challenger: names.of(challenger),
				position: *position,
				held: Amount(*bond),
				outcome: "open".into(),
				..Dispute::default()
			})
		}
		_ => None,
	});
	begun.map(|dispute| follow_dispute(entries, dispute, names)).collect()
}

/// What became of a dispute that was begun.
fn follow_dispute(entries: &[Entry], mut found: Dispute, names: &Names) -> Dispute {
	let wanted = found.dispute;
	for entry in entries {
		match &entry.event {
			ChainEvent::LossesOpened { dispute, opened } if *dispute == wanted => {
				found.opened = Some(bits(opened.losses.candidate));
			}
			ChainEvent::RefereesDrawn { dispute, referees, .. } if *dispute == wanted => {
				found.referees = referees.iter().map(|referee| names.of(referee)).collect();
			}
			ChainEvent::RefereeFaulted { dispute, referee, fault, .. } if *dispute == wanted => {
				found.faults.push(format!("{}: {fault:?}", names.of(referee)));
			}
			ChainEvent::AccusedLost { dispute, exact, slashed, .. } if *dispute == wanted => {
				found.outcome = "struck".into();
				found.exact = exact.map(|exact| bits(exact.candidate));
				found.slashed = Amount(*slashed);
			}
			ChainEvent::ChallengerLost { dispute, exact, burned, .. } if *dispute == wanted => {
				found.outcome = "upheld".into();
				found.exact = Some(bits(exact.candidate));
				found.burned = Amount(*burned);
			}
			ChainEvent::DisputeUndecided { dispute, reason, .. } if *dispute == wanted => {
				found.outcome = format!("undecided ({reason:?})");
			}
			ChainEvent::DisputeBondReturned { dispute, amount, .. } if *dispute == wanted => {
				found.returned = Amount(*amount);
			}
			ChainEvent::DisputeBondShared { dispute, payee, amount } if *dispute == wanted => {
				found.shares.push(Fee { name: names.of(payee), amount: Amount(*amount) });
			}
			_ => (),
		}
	}
	found
}

/// What came of a round that was shown to be a canary. `None` if it was not.
pub fn canary(entries: &[Entry], wanted: SubmissionId, names: &Names) -> Option<Canary> {
	let (planter, mut found) = entries.iter().find_map(|entry| match &entry.event {
		ChainEvent::CanaryRevealed { round, planter, trainer, period } if *round == wanted => {
			let names = (names.of(planter), names.of(trainer));
			let found = Canary {
				round: *round,
				planter: names.0,
				trainer: names.1,
				period: *period,
				..Canary::default()
			};
			Some((planter, found))
		}
		_ => None,
	})?;
	found.gain = closed(entries, wanted).and_then(|(_, medians)| medians).map(|medians| bits(medians.gain));
	// The fault and what it leaves of the bond are noted in one block, the bond first.
	let mut left = 0;
	for entry in entries {
		match &entry.event {
			ChainEvent::FaultNoted { fault: Fault::CanaryAccepted, bond, .. } => left = *bond,
			ChainEvent::EvaluatorFaulted { round, evaluator, fault: Fault::CanaryAccepted, slashed }
				if *round == wanted =>
			{
				found.accepted_by.push(Acceptance {
					name: names.of(evaluator),
					gain: reported_gain(entries, wanted, evaluator).map(bits),
					bond: Amount(left.saturating_add(*slashed)),
					slashed: Amount(*slashed),
				});
			}
			ChainEvent::RewardAccrued {
				account, amount, work: AuditedWork::Submission(submission), ..
			} if *submission == wanted && account == planter => {
				found.accrued = Amount(found.accrued.0.saturating_add(*amount));
			}
			_ => (),
		}
	}
	Some(found)
}

/// The gain that an evaluator reported last in a round: an attempt may come to nothing.
fn reported_gain(entries: &[Entry], wanted: SubmissionId, who: &AccountId) -> Option<NanoBits> {
	entries.iter().rev().find_map(|entry| match &entry.event {
		ChainEvent::FindingRevealed { round, evaluator, finding: Finding::Measured(report) }
			if *round == wanted && evaluator == who =>
		{
			Some(report.gain)
		}
		_ => None,
	})
}

/// Everyone who was paid out of the rewards.
pub fn payments(entries: &[Entry], names: &Names) -> Vec<Payment> {
	let payment = |entry: &Entry| match &entry.event {
		ChainEvent::RewardPaid { account, epoch, amount } => Some(Payment {
			name: names.of(account),
			account: account.to_string(),
			epoch: *epoch,
			amount: Amount(*amount),
		}),
		_ => None,
	};
	entries.iter().filter_map(payment).collect()
}

fn verdict_text(verdict: Verdict) -> (&'static str, Option<&'static str>) {
	match verdict {
		Verdict::Accepted => ("accepted", None),
		Verdict::Inconclusive => ("inconclusive", None),
		Verdict::Rejected(reason) => {
			let reason = match reason {
				RejectReason::NoGain => "no_gain",
				RejectReason::DomainRegression { .. } => "domain_regression",
				RejectReason::Unfetchable => "unfetchable",
				RejectReason::Malformed => "malformed",
				RejectReason::Canary => "canary",
			};
			("rejected", Some(reason))
		}
	}
}

fn bits(nanobits: NanoBits) -> f64 {
	nanobits as f64 / BIT_PER_BYTE as f64
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::{
		dag::SemVer,
		economy::{Budget, BLY},
		learning::Report,
		Hash,
	};

	fn account(n: u8) -> AccountId {
		AccountId::new([n; 32])
	}

	fn names() -> Names {
		Names(vec![(account(1), "trainer"), (account(2), "evaluator-1"), (account(3), "evaluator-2")])
	}

	fn entries(events: Vec<ChainEvent>) -> Vec<Entry> {
		events.into_iter().enumerate().map(|(block, event)| Entry { block: block as u32, event }).collect()
	}

	fn received(round: SubmissionId, trainer: u8, block: u8) -> ChainEvent {
		ChainEvent::SubmissionReceived {
			round,
			model: 0,
			trainer: account(trainer),
			blocks: vec![Hash::repeat_byte(block)],
			bond: 101 * BLY,
		}
	}

	fn drawn(round: SubmissionId, attempt: u32) -> ChainEvent {
		ChainEvent::RoundDrawn {
			round,
			attempt,
			committee: vec![account(2), account(3)],
			baseline: 0,
			root: Hash::zero(),
			seed: Hash::zero(),
			commit_until: 40,
		}
	}

	fn round_closed(round: SubmissionId, verdict: Verdict, medians: Option<Medians>) -> ChainEvent {
		ChainEvent::RoundClosed { round, verdict, medians }
	}

	fn medians() -> Medians {
		Medians {
			baseline: 3_000_000_000,
			gain: -100_000_000,
			standard_error: 10_000_000,
			domain_gains: Default::default(),
		}
	}

	#[test]
	fn submission_should_be_put_together_from_its_own_events() {
		let entries = entries(vec![
			received(4, 1, 1),
			received(5, 9, 2),
			drawn(4, 0),
			drawn(4, 1),
			ChainEvent::EvaluatorFaulted {
				round: 4,
				evaluator: account(3),
				fault: Fault::NoReveal,
				slashed: BLY,
			},
			ChainEvent::FeePaid { round: 4, evaluator: account(2), amount: 10 * BLY },
			ChainEvent::FeePaid { round: 5, evaluator: account(2), amount: 77 },
			ChainEvent::BondReturned { round: 4, trainer: account(1), amount: 91 * BLY },
			round_closed(4, Verdict::Rejected(RejectReason::NoGain), Some(medians())),
		]);
		let build = |round| {
			submission(
				&entries,
				round,
				"noisy",
				Expected::RefusedForNoGain,
				vec!["backbone".into()],
				Vec::new(),
				&names(),
			)
		};
		let found = build(4).unwrap();
		assert_eq!((found.verdict.as_str(), found.reason.as_deref()), ("rejected", Some("no_gain")));
		assert_eq!((found.bpb_before, found.bpb_after, found.gain_se), (Some(3.0), Some(3.1), Some(0.01)));
		assert_eq!((found.attempts, found.trainer.as_str()), (2, "trainer"));
		assert_eq!(found.committee, ["evaluator-1", "evaluator-2"]);
		assert_eq!(found.bond.fees, [Fee { name: "evaluator-1".into(), amount: Amount(10 * BLY) }]);
		assert_eq!((found.bond.held, found.bond.returned), (Amount(101 * BLY), Amount(91 * BLY)));
		assert_eq!(found.faults, ["evaluator-2: NoReveal, slashed 1 BLY"]);
		assert_eq!(build(5), None, "it is still open");
	}

	#[test]
	fn canary_should_name_who_accepted_it_and_what_the_planter_accrued() {
		let report = |gain| {
			Finding::Measured(Report {
				baseline: 3_000_000_000,
				gain,
				standard_error: 1,
				domain_gains: Default::default(),
				losses_root: Hash::zero(),
			})
		};
		let revealed = |round, evaluator, gain| ChainEvent::FindingRevealed {
			round,
			evaluator: account(evaluator),
			finding: report(gain),
		};
		let noted = |slashed, bond| ChainEvent::FaultNoted {
			worker: account(3),
			fault: Fault::CanaryAccepted,
			slashed,
			bond,
			reputation: Default::default(),
		};
		let accrued = |account: AccountId, submission, amount| ChainEvent::RewardAccrued {
			epoch: 1,
			account,
			budget: Budget::Audits,
			amount,
			work: AuditedWork::Submission(submission),
		};
		let entries = entries(vec![
			received(4, 1, 1),
			revealed(4, 3, 1),
			revealed(4, 2, -100_000_000),
			revealed(4, 3, 50_000_000),
			revealed(5, 3, 7),
			ChainEvent::CanaryRevealed { round: 4, planter: account(9), trainer: account(1), period: 6 },
			noted(10, 90),
			ChainEvent::EvaluatorFaulted {
				round: 4,
				evaluator: account(3),
				fault: Fault::CanaryAccepted,
				slashed: 10,
			},
			accrued(account(9), 4, 30),
			accrued(account(9), 5, 77),
			accrued(account(2), 4, 88),
			round_closed(4, Verdict::Rejected(RejectReason::Canary), Some(medians())),
		]);
		let found = canary(&entries, 4, &names()).unwrap();
		assert_eq!((found.round, found.period, found.trainer.as_str()), (4, 6, "trainer"));
		assert_eq!((found.gain, found.accrued), (Some(-0.1), Amount(30)));
		let accepted = Acceptance {
			name: "evaluator-2".into(),
			gain: Some(0.05),
			bond: Amount(100),
			slashed: Amount(10),
		};
		assert_eq!(found.accepted_by, [accepted]);
		assert_eq!(canary(&entries, 5, &names()), None, "nobody has shown it to be one");
	}

	#[test]
	fn decided_round_should_pass_over_what_was_inconclusive() {
		let mut events = vec![
			received(0, 1, 1),
			received(1, 1, 2),
			round_closed(0, Verdict::Inconclusive, None),
			received(2, 1, 1),
		];
		let blocks = [Hash::repeat_byte(1)];
		let log = entries(events.clone());
		assert_eq!((latest_round(&log, &blocks), decided_round(&log, &blocks)), (Some(2), None));
		assert_eq!(
			submissions_of(&log, &account(1)),
			[vec![Hash::repeat_byte(1)], vec![Hash::repeat_byte(2)]]
		);
		assert_eq!(submissions_of(&log, &account(2)), Vec::<Vec<BlockId>>::new());
		events.push(round_closed(2, Verdict::Accepted, None));
		assert_eq!(decided_round(&entries(events), &blocks), Some(2));
	}

	#[test]
	fn released_generation_should_be_that_of_the_submission() {
		let released = |generation, submission| ChainEvent::VersionReleased {
			model: 0,
			generation,
			version: SemVer::GENESIS,
			root: Hash::zero(),
			submission,
		};
		let log = entries(vec![released(0, None), released(1, Some(4))]);
		assert_eq!((released_generation(&log, 4), released_generation(&log, 0)), (Some(1), None));
	}

	#[test]
	fn phase_should_follow_the_round() {
		let committed =
			ChainEvent::FindingCommitted { round: 4, evaluator: account(2), commitment: Hash::zero() };
		let mut events = vec![received(4, 1, 1)];
		let mut next = |event: Option<ChainEvent>| {
			events.extend(event);
			phase(&entries(events.clone()), 4, &names())
		};
		assert_eq!(next(None), "waiting for randomness");
		assert_eq!(next(Some(drawn(4, 0))), "measured by evaluator-1, evaluator-2");
		assert_eq!(next(Some(committed.clone())), "1 committed");
		assert_eq!(next(Some(committed)), "2 committed");
		assert_eq!(next(Some(drawn(5, 0))), "2 committed");
		assert_eq!(next(Some(drawn(4, 1))), "measured by evaluator-1, evaluator-2");
	}

	#[test]
	fn payments_should_name_members_and_show_others_by_account() {
		let paid = |who, amount| ChainEvent::RewardPaid { account: account(who), epoch: 2, amount };
		let found = payments(&entries(vec![paid(1, 5), paid(8, 6)]), &names());
		assert_eq!((found[0].name.as_str(), found[0].amount, found[0].epoch), ("trainer", Amount(5), 2));
		assert_eq!(found[1].name, account(8).to_string());
	}
}
