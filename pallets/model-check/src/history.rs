//! What happened, as far as the storage does not tell it: what everybody said, and what was true. Each event is
//! held against it.

use crate::{
	accounts::Books,
	mock::{AccountId, BlockNumber, RuntimeEvent, Test},
	scenario::{Allowance, Claim, Ruling, Truth, TRAINERS},
};
use blyan_primitives::{
	dag::SubmissionId,
	learning::{DisputeId, RejectReason, Verdict},
	worker::Fault,
};
use codec::Encode;
use pallet_disputes::UndecidedReason;
use pallet_proof_of_learning::Phase;
use std::collections::{BTreeMap, BTreeSet};

/// Fails with that if the condition does not hold.
macro_rules! demand {
	($condition:expr, $($what:tt)+) => {
		if !$condition {
			return Err(format!($($what)+));
		}
	};
}
pub(crate) use demand;

/// What an evaluator committed to in the running attempt, and what became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode)]
pub struct Vote {
	pub claim: Claim,
	pub revealed: bool,
	pub struck: bool,
	pub upheld: bool,
}

/// A round that is open.
#[derive(Clone, PartialEq, Eq, Debug, Encode)]
pub struct OpenRound {
	pub trainer: AccountId,
	pub truth: Truth,
	pub since: BlockNumber,
	/// The committee of the running attempt; none before the draw.
	pub committee: Vec<AccountId>,
	pub votes: BTreeMap<AccountId, Vote>,
	/// Whom the running attempt blamed already.
	pub blamed: BTreeSet<AccountId>,
}

impl OpenRound {
	fn quorum(&self) -> usize {
		(2 * self.committee.len()).div_ceil(3)
	}

	/// What was revealed and not struck.
	fn standing(&self) -> impl Iterator<Item = Claim> + Clone + '_ {
		self.votes.values().filter(|vote| vote.revealed && !vote.struck).map(|vote| vote.claim)
	}

	/// Whether a quorum says what is true.
	fn has_honest_quorum(&self) -> bool {
		let true_votes = self.standing().filter(|claim| claim.says() == self.truth).count();
		!self.committee.is_empty() && true_votes >= self.quorum()
	}

	/// What the votes come to by the rules of the README, told in other words than the pallet's.
	fn due_verdict(&self) -> Verdict {
		let count = |truth: Truth| self.standing().filter(|claim| claim.says() == truth).count();
		let (better, no_better) = (count(Truth::Better), count(Truth::NoBetter));
		let is_quorum = |votes: usize| votes > 0 && votes >= self.quorum();
		if is_quorum(better + no_better) {
			match better.cmp(&no_better) {
				std::cmp::Ordering::Greater => Verdict::Accepted,
				std::cmp::Ordering::Less => Verdict::Rejected(RejectReason::NoGain),
				std::cmp::Ordering::Equal => Verdict::Inconclusive,
			}
		} else if is_quorum(count(Truth::Unfetchable)) {
			Verdict::Rejected(RejectReason::Unfetchable)
		} else if is_quorum(count(Truth::Malformed)) {
			Verdict::Rejected(RejectReason::Malformed)
		} else {
			Verdict::Inconclusive
		}
	}
}

/// A dispute that is open.
#[derive(Clone, PartialEq, Eq, Debug, Encode)]
pub struct OpenDispute {
	pub round: SubmissionId,
	pub accused: AccountId,
	pub challenger: AccountId,
	pub since: BlockNumber,
	pub opened: bool,
	/// How many referees the running attempt has.
	pub drawn: u32,
	/// What they committed to, and whether they revealed it.
	pub rulings: BTreeMap<AccountId, (Ruling, bool)>,
	/// Whom the running attempt blamed already.
	pub blamed: BTreeSet<AccountId>,
}

/// Everything that happened so far and still matters.
#[derive(Clone, PartialEq, Eq, Debug, Encode)]
pub struct History {
	/// What is true of each trainer's block.
	pub truths: [Truth; 2],
	/// What may still happen.
	pub left: Allowance,
	pub rounds: BTreeMap<SubmissionId, OpenRound>,
	pub disputes: BTreeMap<DisputeId, OpenDispute>,
}

impl History {
	/// Before anything happened.
	pub fn new(truths: [Truth; 2], left: Allowance) -> Self {
		Self { truths, left, rounds: BTreeMap::new(), disputes: BTreeMap::new() }
	}

	/// Takes in what happened, and fails if it should not have.
	pub fn follow(&mut self, before: &Books, after: &Books, events: &[RuntimeEvent]) -> Result<(), String> {
		for event in events {
			match event {
				RuntimeEvent::ProofOfLearning(event) => self.follow_rounds(before, after, event)?,
				RuntimeEvent::Disputes(event) => self.follow_disputes(before, after, event)?,
				RuntimeEvent::Rewards(pallet_rewards::Event::Accrued { account, submission, .. }) => {
					self.demand_honest_payee(*submission, *account)?
				}
				RuntimeEvent::ExpertDag(pallet_expert_dag::Event::VersionReleased {
					generation,
					submission: Some(submission),
					..
				}) => {
					let drawn_on = before.drawn_on(*submission);
					demand!(
						drawn_on.is_some_and(|baseline| baseline + 1 == *generation),
						"round {submission} moved the head to generation {generation}, measured against {drawn_on:?}"
					);
				}
				_ => {}
			}
		}
		let accepted = events.iter().filter(|event| {
			use pallet_proof_of_learning::Event::RoundClosed;
			let accepted = |verdict: &Verdict| *verdict == Verdict::Accepted;
			matches!(event, RuntimeEvent::ProofOfLearning(RoundClosed { verdict, .. }) if accepted(verdict))
		});
		let (moved, accepted) = (after.generation - before.generation, accepted.count());
		demand!(moved as usize == accepted, "heads moved {moved} times, and {accepted} rounds were accepted");
		Ok(())
	}

	fn round(&mut self, id: SubmissionId) -> Result<&mut OpenRound, String> {
		self.rounds.get_mut(&id).ok_or(format!("something happened in round {id} though it was over"))
	}

	fn dispute(&mut self, id: DisputeId) -> Result<&mut OpenDispute, String> {
		self.disputes.get_mut(&id).ok_or(format!("something happened in dispute {id} though it was over"))
	}

	/// Who said what is not true is not paid for it where a quorum said what is.
	fn demand_honest_payee(&mut self, id: SubmissionId, payee: AccountId) -> Result<(), String> {
		let round = self.round(id)?;
		let vote = round.votes.get(&payee).copied();
		if round.committee.contains(&payee) {
			demand!(
				vote.is_some_and(|vote| vote.revealed && !vote.struck),
				"{payee} is paid for round {id}, in which nothing stands that it found"
			);
		}
		if let Some(vote) = vote.filter(|_| round.has_honest_quorum()) {
			demand!(
				vote.claim.says() == round.truth,
				"{payee} is paid for having said {:?} in round {id} though a quorum knew better",
				vote.claim
			);
		}
		Ok(())
	}

	fn follow_rounds(
		&mut self,
		before: &Books,
		after: &Books,
		event: &pallet_proof_of_learning::Event<Test>,
	) -> Result<(), String> {
		use pallet_proof_of_learning::Event;
		match event {
			Event::SubmissionReceived { round, trainer, .. } => {
				let which = usize::from(*trainer == TRAINERS[1]);
				let opened = OpenRound {
					trainer: *trainer,
					truth: self.truths[which],
					since: after.block,
					committee: Vec::new(),
					votes: BTreeMap::new(),
					blamed: BTreeSet::new(),
				};
				demand!(
					self.rounds.insert(*round, opened).is_none() && !before.rounds.contains_key(round),
					"two submissions have the number {round}"
				);
			}
			Event::RoundDrawn { round, committee, .. } => {
				let since = before.rounds.get(round).map_or(after.block, |round| round.attempt_since);
				demand!(is_fresh(since, after.block), "a committee is drawn from what could be known before");
				let round = self.round(*round)?;
				demand!(!committee.contains(&round.trainer), "a trainer judges its own submission");
				demand!(round.votes.is_empty(), "a committee begins with votes of another");
				round.committee = committee.to_vec();
			}
			Event::FindingCommitted { round, evaluator, .. } => {
				let in_time =
					matches!(before.phase(*round), Some(Phase::Commit { until }) if after.block <= until);
				demand!(in_time, "a commitment of {evaluator} is taken when it is too late, or too early");
				demand!(
					self.round(*round)?.committee.contains(evaluator),
					"{evaluator} commits without having been drawn"
				);
			}
			Event::FindingRevealed { round, evaluator, .. } => {
				let in_time =
					matches!(before.phase(*round), Some(Phase::Reveal { until }) if after.block <= until);
				demand!(in_time, "a reveal of {evaluator} is taken when it is too late, or too early");
				self.round(*round)?;
			}
			Event::FindingStruck { round, evaluator } => {
				let vote = self.round(*round)?.votes.get_mut(evaluator);
				let vote = vote.ok_or("what is struck was not found by anybody")?;
				demand!(!vote.struck, "what {evaluator} found is struck twice");
				vote.struck = true;
			}
			Event::RoundRestarted { round, .. } => {
				let round = self.round(*round)?;
				round.votes.clear();
				round.committee.clear();
				round.blamed.clear();
			}
			Event::EvaluatorFaulted { round: id, evaluator, fault, .. } => {
				let round = self.round(*id)?;
				let vote = round.votes.get(evaluator).copied();
				let what = format!("{evaluator} is blamed in round {id} for {fault:?}");
				demand!(round.blamed.insert(*evaluator), "{what}, and was before");
				match (fault, vote) {
					(Fault::NoCommit, vote) => demand!(vote.is_none(), "{what}, and had committed"),
					(Fault::NoReveal, Some(vote)) => demand!(!vote.revealed, "{what}, and had revealed"),
					(Fault::OutsideTolerance, Some(vote)) => {
						demand!(vote.revealed, "{what}, and had said nothing");
						demand!(!vote.struck, "{what}, and had lost a dispute for it before");
						demand!(!vote.upheld, "{what}, and had won a dispute about it");
						demand!(vote.claim != Claim::Unfetchable, "{what}, and was unable");
						let is_honest = vote.claim.is_honest(round.truth);
						demand!(
							!(is_honest && round.has_honest_quorum()),
							"{what}, and was right with a quorum"
						);
					}
					(Fault::NoReveal | Fault::OutsideTolerance, None) => {
						return Err(format!("{what}, and had not committed"))
					}
					(Fault::DisputeLost, _) => return Err(format!("{what} by the round")),
				}
			}
			Event::FeePaid { round, evaluator, .. } => self.demand_honest_payee(*round, *evaluator)?,
			Event::AcceptanceFailed { round, error } => {
				return Err(format!("the graph refuses what round {round} accepted: {error:?}"))
			}
			Event::RoundClosed { round: id, verdict, .. } => {
				let round = self.rounds.remove(id).ok_or(format!("round {id} is closed twice"))?;
				let baseline = before.drawn_on(*id);
				let moved = baseline.is_some_and(|baseline| baseline != after.generation);
				let due = round.due_verdict();
				demand!(
					*verdict == due || (*verdict == Verdict::Inconclusive && moved),
					"round {id} is closed as {verdict:?}, and what was found comes to {due:?}"
				);
				demand!(
					*verdict == Verdict::Inconclusive || baseline.is_some_and(|b| b >= before.generation),
					"round {id} is closed as {verdict:?} by what was measured against a former head"
				);
				demand!(
					!self.disputes.values().any(|dispute| dispute.round == *id),
					"round {id} is closed while a dispute about it is open"
				);
			}
			Event::DrawPostponed { round, .. }
			| Event::RevealOpened { round, .. }
			| Event::ContestOpened { round, .. }
			| Event::BondReturned { round, .. }
			| Event::BondForfeited { round, .. } => {
				self.round(*round)?;
			}
			_ => {}
		}
		Ok(())
	}

	fn follow_disputes(
		&mut self,
		before: &Books,
		after: &Books,
		event: &pallet_disputes::Event<Test>,
	) -> Result<(), String> {
		use pallet_disputes::Event;
		match event {
			Event::FindingContested { dispute, round, accused, challenger, .. } => {
				let in_time =
					matches!(before.phase(*round), Some(Phase::Contest { until }) if before.block <= until);
				demand!(in_time, "round {round} is contested when it is too late, or too early");
				self.round(*round)?;
				let opened = OpenDispute {
					round: *round,
					accused: *accused,
					challenger: *challenger,
					since: before.block,
					opened: false,
					drawn: 0,
					rulings: BTreeMap::new(),
					blamed: BTreeSet::new(),
				};
				demand!(self.disputes.insert(*dispute, opened).is_none(), "two disputes have one number");
			}
			Event::LossesOpened { dispute, .. } => {
				let dispute = self.dispute(*dispute)?;
				demand!(!dispute.opened, "a dispute is opened twice");
				dispute.opened = true;
			}
			Event::RefereesDrawn { dispute, referees, .. } => {
				let since = before.disputes.get(dispute).map_or(after.block, |dispute| dispute.attempt_since);
				demand!(is_fresh(since, after.block), "referees are drawn from what could be known before");
				let drawn = referees.clone();
				let OpenDispute { round, accused, challenger, .. } = *self.dispute(*dispute)?;
				let round = self.round(round)?;
				let involved = |who: &AccountId| {
					[accused, challenger, round.trainer].contains(who) || round.committee.contains(who)
				};
				demand!(!drawn.iter().any(involved), "who had a part in a round is referee of it");
				let dispute = self.dispute(*dispute)?;
				demand!(dispute.rulings.is_empty(), "referees begin with rulings of others");
				dispute.drawn = drawn.len() as u32;
			}
			Event::DisputeRestarted { dispute, .. } => {
				let dispute = self.dispute(*dispute)?;
				dispute.rulings.clear();
				dispute.blamed.clear();
				dispute.drawn = 0;
			}
			Event::RefereeFaulted { dispute: id, referee, fault, .. } => {
				let truth = self.truth_of(*id)?;
				let dispute = self.dispute(*id)?;
				let ruling = dispute.rulings.get(referee).copied();
				let what = format!("referee {referee} is blamed in dispute {id} for {fault:?}");
				demand!(dispute.blamed.insert(*referee), "{what}, and was before");
				match (fault, ruling) {
					(Fault::NoCommit, ruling) => demand!(ruling.is_none(), "{what}, and had committed"),
					(Fault::NoReveal, Some((_, revealed))) => demand!(!revealed, "{what}, and had revealed"),
					(Fault::OutsideTolerance, Some((ruling, revealed))) => {
						demand!(revealed, "{what}, and had said nothing");
						demand!(ruling != Ruling::Unable, "{what}, and was unable");
						let is_right = ruling.is_honest(truth) && honest_majority(dispute, truth);
						demand!(!is_right, "{what}, and was right with a majority");
					}
					_ => return Err(what),
				}
			}
			Event::AccusedLost { dispute: id, exact, accused, .. } => {
				let (dispute, truth) = self.end_dispute(*id)?;
				let claim = self.round(dispute.round)?.votes.get(accused).map(|vote| vote.claim);
				match exact {
					None => {
						demand!(!dispute.opened, "{accused} is struck for opening nothing, and had opened")
					}
					Some(_) => demand!(
						!honest_majority(&dispute, truth)
							|| claim.is_none_or(|claim| !claim.is_honest(truth)),
						"{accused} was right, and loses a dispute before an honest majority"
					),
				}
			}
			Event::ChallengerLost { dispute: id, accused, .. } => {
				let (dispute, truth) = self.end_dispute(*id)?;
				let vote = self.round(dispute.round)?.votes.get_mut(accused);
				let vote = vote.ok_or("what is upheld was not found by anybody")?;
				vote.upheld = true;
				demand!(
					!honest_majority(&dispute, truth) || vote.claim.is_honest(truth),
					"{accused} lied, and wins a dispute before an honest majority"
				);
			}
			Event::DisputeUndecided { dispute: id, reason, .. } => {
				let (dispute, truth) = self.end_dispute(*id)?;
				demand!(
					*reason == UndecidedReason::AlreadyStruck || !honest_majority(&dispute, truth),
					"an honest majority of referees decides nothing"
				);
			}
			Event::DrawPostponed { dispute, .. }
			| Event::RefereeCommitted { dispute, .. }
			| Event::RevealOpened { dispute, .. }
			| Event::RefereeRevealed { dispute, .. }
			| Event::BondReturned { dispute, .. }
			| Event::BondShared { dispute, .. } => {
				self.dispute(*dispute)?;
			}
			_ => {}
		}
		Ok(())
	}

	fn truth_of(&mut self, id: DisputeId) -> Result<Truth, String> {
		let round = self.dispute(id)?.round;
		Ok(self.round(round)?.truth)
	}

	fn end_dispute(&mut self, id: DisputeId) -> Result<(OpenDispute, Truth), String> {
		let truth = self.truth_of(id)?;
		let dispute = self.disputes.remove(&id).ok_or(format!("dispute {id} ends twice"))?;
		Ok((dispute, truth))
	}
}

/// Whether randomness of the parent of a block was not known in the block in which an attempt began.
fn is_fresh(since: BlockNumber, drawn_in: BlockNumber) -> bool {
	drawn_in > since + 1
}

/// Whether more than half of the referees that were drawn revealed what is true.
fn honest_majority(dispute: &OpenDispute, truth: Truth) -> bool {
	let honest = dispute.rulings.values().filter(|(ruling, revealed)| *revealed && ruling.is_honest(truth));
	2 * honest.count() as u32 > dispute.drawn
}
