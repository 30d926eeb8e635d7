//! What happened, as far as the storage does not tell it: what everybody said, and what was true. Each event is
//! held against it.

use crate::{
	accounts::Books,
	mock::{AccountId, BlockNumber, RuntimeEvent, Test},
	scenario::{Allowance, Claim, Ruling, Scenario, Truth, CANARY_REWARD, PLANTER, TRAINERS},
};
use blyan_primitives::{
	dag::SubmissionId,
	economy::Budget,
	learning::{DisputeId, RejectReason, Verdict},
	traits::AuditedWork,
	worker::Fault,
	Balance,
};
use codec::Encode;
use pallet_disputes::UndecidedReason;
use pallet_proof_of_learning::{Phase, RestartReason, SeatOf};
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

/// What became of a round that turned out to be of a canary.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Encode)]
pub struct Canary {
	/// What the committee was paid.
	pub fee: Balance,
	/// What its planter was.
	pub reward: Balance,
}

/// A round that is open.
#[derive(Clone, PartialEq, Eq, Debug, Encode)]
pub struct OpenRound {
	pub trainer: AccountId,
	pub truth: Truth,
	pub since: BlockNumber,
	/// When its turn came; `None` in line.
	pub measured_since: Option<BlockNumber>,
	/// The committee of the running attempt, less those who are being replaced; none before the draw.
	pub committee: Vec<AccountId>,
	pub votes: BTreeMap<AccountId, Vote>,
	/// Whom the running attempt blamed already: among them is whoever was replaced.
	pub blamed: BTreeSet<AccountId>,
	/// Seats that are being drawn again, and since when.
	pub vacant: Option<(u32, BlockNumber)>,
	/// How often the running attempt replaced the absent.
	pub replacements: u32,
	/// Once it is known to be of a canary.
	pub canary: Option<Canary>,
}

impl OpenRound {
	fn new(trainer: AccountId, truth: Truth, since: BlockNumber) -> Self {
		Self {
			trainer,
			truth,
			since,
			measured_since: None,
			committee: Vec::new(),
			votes: BTreeMap::new(),
			blamed: BTreeSet::new(),
			vacant: None,
			replacements: 0,
			canary: None,
		}
	}

	fn quorum(&self) -> usize {
		(2 * self.committee.len()).div_ceil(3)
	}

	/// Whether it is of a canary, and that evaluator said that it improves the model.
	pub fn has_accepted_canary(&self, evaluator: &AccountId) -> bool {
		let said = self.votes.get(evaluator).filter(|vote| vote.revealed).map(|vote| vote.claim.says());
		self.canary.is_some() && said == Some(Truth::Better)
	}

	/// What follows for whoever planted it: paid is harm that was measured, or accepted and struck.
	fn owed_to_planter(&self) -> Balance {
		let accepted = |vote: &Vote| vote.revealed && vote.claim.says() == Truth::Better;
		let was_caught = self.votes.values().any(|vote| vote.struck && accepted(vote));
		match &self.canary {
			Some(canary) if was_caught || self.agreed() == Some(Truth::Worse) => CANARY_REWARD + canary.fee,
			_ => 0,
		}
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

	/// What a quorum agrees on: on what was measured, more than half of it.
	fn agreed(&self) -> Option<Truth> {
		let count = |truth: Truth| self.standing().filter(|claim| claim.says() == truth).count();
		let is_quorum = |votes: usize| votes > 0 && votes >= self.quorum();
		let measurements = [Truth::Better, Truth::NoBetter, Truth::Worse];
		let measured = measurements.into_iter().map(count).sum();
		if is_quorum(measured) {
			measurements.into_iter().find(|truth| 2 * count(*truth) > measured)
		} else {
			[Truth::Unfetchable, Truth::Malformed].into_iter().find(|truth| is_quorum(count(*truth)))
		}
	}

	/// What the votes come to by the rules of the README, told in other words than the pallet's.
	fn due_verdict(&self) -> Verdict {
		match self.agreed() {
			_ if self.canary.is_some() => Verdict::Rejected(RejectReason::Canary),
			Some(Truth::Better) => Verdict::Accepted,
			Some(Truth::NoBetter | Truth::Worse) => Verdict::Rejected(RejectReason::NoGain),
			Some(Truth::Unfetchable) => Verdict::Rejected(RejectReason::Unfetchable),
			Some(Truth::Malformed) => Verdict::Rejected(RejectReason::Malformed),
			None => Verdict::Inconclusive,
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
	/// How often each trainer was rejected.
	pub rejections: [u32; 2],
	pub rounds: BTreeMap<SubmissionId, OpenRound>,
	pub disputes: BTreeMap<DisputeId, OpenDispute>,
}

impl History {
	/// Before anything happened.
	pub fn new(truths: [Truth; 2], left: Allowance) -> Self {
		let (rounds, disputes) = (BTreeMap::new(), BTreeMap::new());
		Self { truths, left, rejections: [0; 2], rounds, disputes }
	}

	/// Takes in what happened, and fails if it should not have.
	pub fn follow(
		&mut self,
		scenario: &Scenario,
		before: &Books,
		after: &Books,
		events: &[RuntimeEvent],
	) -> Result<(), String> {
		for event in events {
			match event {
				RuntimeEvent::ProofOfLearning(event) => self.follow_rounds(scenario, before, after, event)?,
				RuntimeEvent::Disputes(event) => self.follow_disputes(before, after, event)?,
				RuntimeEvent::Rewards(pallet_rewards::Event::Accrued {
					account,
					work: AuditedWork::Submission(submission),
					budget: Budget::Audits,
					amount,
					..
				}) => {
					let canary = self.round(*submission)?.canary.as_mut();
					let canary = canary.ok_or(format!("{account} is paid for a canary that is none"))?;
					demand!(*account == PLANTER, "{account} is paid for another's canary");
					canary.reward += amount;
				}
				RuntimeEvent::Rewards(pallet_rewards::Event::Accrued {
					account,
					work: AuditedWork::Submission(submission),
					..
				}) => self.demand_honest_payee(*submission, *account)?,
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
			demand!(
				vote.map(|vote| vote.claim.says()) == round.agreed() || round.has_honest_quorum(),
				"{payee} is paid for round {id}, and found otherwise than the quorum"
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

	/// What submissions in line go by, told in other words than the pallet's: what a trainer stands for, divided
	/// among what it has before this one and this one; of those alike, the oldest.
	fn rank(&self, id: SubmissionId) -> (u32, std::cmp::Reverse<SubmissionId>) {
		let Some(round) = self.rounds.get(&id) else { return (0, std::cmp::Reverse(id)) };
		let of_trainer = self.rounds.iter().filter(|(_, other)| other.trainer == round.trainer);
		let parts = of_trainer.filter(|(other, it)| **other <= id || it.measured_since.is_some()).count();
		let worker = pallet_workers::Workers::<Test>::get(round.trainer);
		let reputation = worker.map_or(0, |worker| worker.reputation.deconstruct());
		let rejections = self.rejections[usize::from(round.trainer == TRAINERS[1])];
		(reputation / 2u32.pow(rejections) / parts as u32, std::cmp::Reverse(id))
	}

	fn waiting(&self) -> impl Iterator<Item = SubmissionId> + '_ {
		let waiting = self.rounds.iter().filter(|(_, round)| round.measured_since.is_none());
		waiting.map(|(id, _)| *id)
	}

	fn follow_rounds(
		&mut self,
		scenario: &Scenario,
		before: &Books,
		after: &Books,
		event: &pallet_proof_of_learning::Event<Test>,
	) -> Result<(), String> {
		use pallet_proof_of_learning::Event;
		match event {
			Event::SubmissionReceived { round, trainer, .. } => {
				let which = usize::from(*trainer == TRAINERS[1]);
				let opened = OpenRound::new(*trainer, self.truths[which], after.block);
				demand!(
					self.rounds.insert(*round, opened).is_none() && !before.rounds.contains_key(round),
					"two submissions have the number {round}"
				);
			}
			Event::SubmissionDisplaced { round, by } => {
				demand!(
					self.rounds.len() as u32 > scenario.places,
					"round {round} makes room where there is some"
				);
				let last = self.waiting().min_by_key(|id| self.rank(*id));
				demand!(last == Some(*round), "round {round} makes room for {by}, and {last:?} stands last");
			}
			Event::RoundAdmitted { round } => {
				let first = self.waiting().max_by_key(|id| self.rank(*id));
				demand!(first == Some(*round), "round {round} is the next, and {first:?} stands first");
				self.round(*round)?.measured_since = Some(after.block);
			}
			Event::LotsDrawn { round, .. } => {
				return Err(format!("lots are drawn for round {round}, and there are none"))
			}
			Event::RoundDrawn { round, committee, .. } => {
				let since = before.rounds.get(round).map_or(after.block, |round| round.attempt_since);
				demand!(is_fresh(since, after.block), "a committee is drawn from what could be known before");
				let round = self.round(*round)?;
				demand!(!committee.contains(&round.trainer), "a trainer judges its own submission");
				demand!(round.measured_since.is_some(), "a submission is measured before its turn");
				demand!(round.votes.is_empty(), "a committee begins with votes of another");
				round.committee = committee.to_vec();
			}
			Event::AbsentRemoved { round: id, absent, .. } => {
				let is_over =
					matches!(before.phase(*id), Some(Phase::Commit { until }) if after.block > until);
				demand!(is_over, "seats of round {id} are taken while there is time to commit");
				let round = self.round(*id)?;
				let few = !round.votes.is_empty() && round.votes.len() < round.quorum();
				demand!(few, "{} commit in round {id}, and others are replaced", round.votes.len());
				let has_seat = |who: &AccountId| !absent.contains(who);
				let seats = round.committee.len();
				round.committee.retain(has_seat);
				demand!(
					round.committee.len() + absent.len() == seats
						&& round.committee.iter().all(|who| round.votes.contains_key(who)),
					"{absent:?} lose their seats in round {id}, and are not those who did not commit"
				);
				demand!(
					absent.iter().all(|who| round.blamed.contains(who)),
					"who was absent from round {id} is not blamed for it"
				);
				round.vacant = Some((absent.len() as u32, after.block));
				round.replacements += 1;
				let most = scenario.rounds.replacements;
				demand!(round.replacements <= most, "the absent of round {id} are replaced once too often");
			}
			Event::ReplacementsDrawn { round: id, replacements, .. } => {
				let kept = |books: &Books| {
					let seats = books.rounds.get(id).map(|round| round.committee.to_vec());
					let committed = |seat: &SeatOf<Test>| seat.commitment.is_some();
					seats.into_iter().flatten().filter(committed).collect::<Vec<_>>()
				};
				demand!(
					kept(before) == kept(after),
					"a commitment is lost with another's seat in round {id}"
				);
				let round = self.round(*id)?;
				let vacant = round.vacant.take();
				let (missing, since) = vacant.ok_or(format!("nobody has to be replaced in round {id}"))?;
				demand!(is_fresh(since, after.block), "others are drawn from what could be known before");
				demand!(replacements.len() as u32 == missing, "not every seat of round {id} is taken again");
				let had_seat = |who: &AccountId| round.committee.contains(who) || round.blamed.contains(who);
				demand!(
					!replacements.iter().any(|who| had_seat(who) || *who == round.trainer),
					"who has or had a seat in round {id}, or made what it measures, is drawn for another"
				);
				round.committee.extend(replacements.iter());
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
			Event::RoundRestarted { round: id, reason, .. } => {
				let baseline = before.drawn_on(*id);
				let round = self.round(*id)?;
				let due = round.due_verdict();
				let is_right = match reason {
					RestartReason::HeadMoved => round.canary.is_none() && baseline != Some(after.generation),
					RestartReason::NoQuorum | RestartReason::NoAgreement => {
						due == Verdict::Inconclusive && baseline.is_some_and(|it| it >= before.generation)
					}
					RestartReason::LotsNotOpened | RestartReason::UnusableLot => false,
				};
				demand!(
					is_right,
					"round {id} begins anew for {reason:?}, and what was found comes to {due:?}"
				);
				round.votes.clear();
				round.committee.clear();
				round.blamed.clear();
				(round.vacant, round.replacements) = (None, 0);
			}
			Event::EvaluatorFaulted { round: id, evaluator, fault, .. } => {
				let round = self.round(*id)?;
				let vote = round.votes.get(evaluator).copied();
				let what = format!("{evaluator} is blamed in round {id} for {fault:?}");
				demand!(round.blamed.insert(*evaluator), "{what}, and was before");
				demand!(round.committee.contains(evaluator), "{what}, and has no seat");
				if matches!(fault, Fault::NoCommit | Fault::NoReveal) {
					let is_current = before.drawn_on(*id).is_some_and(|it| it >= before.generation);
					demand!(is_current, "{what}, which was no longer the question");
				}
				match (fault, vote) {
					(Fault::NoCommit, vote) => demand!(vote.is_none(), "{what}, and had committed"),
					(Fault::NoReveal, Some(vote)) => demand!(!vote.revealed, "{what}, and had revealed"),
					(Fault::OutsideTolerance | Fault::CanaryAccepted, Some(vote)) => {
						// Of one that is shown to do harm, to have accepted it is another fault than to be off.
						let accepted = round.has_accepted_canary(evaluator);
						let is_due = accepted && round.agreed() == Some(Truth::Worse);
						let is_said = *fault == Fault::CanaryAccepted;
						demand!(is_said == is_due, "{what}, and accepted a canary: {accepted}");
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
					(Fault::NoReveal | Fault::OutsideTolerance | Fault::CanaryAccepted, None) => {
						return Err(format!("{what}, and had not committed"))
					}
					(Fault::DisputeLost | Fault::ManifestMismatch | Fault::WrongVote, _) => {
						return Err(format!("{what} by the round"))
					}
				}
			}
			Event::FeePaid { round, evaluator, amount } => {
				self.demand_honest_payee(*round, *evaluator)?;
				if let Some(canary) = &mut self.round(*round)?.canary {
					canary.fee += amount;
				}
			}
			Event::BondForfeited { round, .. } => {
				let due = self.round(*round)?.due_verdict();
				let at_fault = [RejectReason::Unfetchable, RejectReason::Malformed].map(Verdict::Rejected);
				demand!(at_fault.contains(&due), "the bond of round {round} is lost, which comes to {due:?}");
			}
			Event::AcceptanceFailed { round, error } => {
				return Err(format!("the graph refuses what round {round} accepted: {error:?}"))
			}
			Event::RoundClosed { round: id, verdict, .. } => {
				let round = self.rounds.remove(id).ok_or(format!("round {id} is closed twice"))?;
				let baseline = before.drawn_on(*id);
				let moved = baseline.is_some_and(|baseline| baseline != after.generation);
				let due = round.due_verdict();
				let is_canary = round.canary.is_some();
				demand!(
					*verdict == due || (*verdict == Verdict::Inconclusive && moved && !is_canary),
					"round {id} is closed as {verdict:?}, and what was found comes to {due:?}"
				);
				demand!(
					*verdict == Verdict::Inconclusive
						|| is_canary || baseline.is_some_and(|b| b >= before.generation),
					"round {id} is closed as {verdict:?} by what was measured against a former head"
				);
				demand!(
					!self.disputes.values().any(|dispute| dispute.round == *id),
					"round {id} is closed while a dispute about it is open"
				);
				let paid = round.canary.map_or(0, |canary| canary.reward);
				let owed = round.owed_to_planter();
				demand!(paid == owed, "who planted round {id} is paid {paid}, and {owed} is owed");
				let rejections = &mut self.rejections[usize::from(round.trainer == TRAINERS[1])];
				*rejections += u32::from(matches!(verdict, Verdict::Rejected(_)));
			}
			Event::DrawPostponed { round, .. }
			| Event::RevealOpened { round, .. }
			| Event::ContestOpened { round, .. }
			| Event::BondReturned { round, .. } => {
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
