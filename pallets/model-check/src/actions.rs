//! Everything that may happen: what it is called, when it can, and how it is done. A new call of a pallet is
//! added here, in [`Action`], [`possible`] and [`Action::perform`], and nowhere else.

use crate::{
	history::{demand, Canary, History, Vote},
	mock::{
		AccountId, AllPalletsWithSystem, DisputeServiceWeight, Disputes, HasRandomness, ProofOfLearning,
		Rewards, RoundServiceWeight, RuntimeCall, RuntimeOrigin, System, Test,
	},
	sabotage::{self, Sabotage},
	scenario::{
		losses_of, Claim, Ruling, Scenario, Truth, CANARY_REWARD, FIRST_BLOCK, GATE, MODEL, OWNER, PLANTER,
		TRAINERS,
	},
	world::{commitment_of, finding_of, new_block, pool, referee, ruling_of, RULING_SALT, SALT},
};
use blyan_primitives::{
	dag::{NewBlocks, SubmissionId},
	learning::{self, AllLosses, DisputeId},
	submission::Envelope,
	traits::CanaryRounds,
	Hash,
};
use codec::Encode;
use pallet_disputes::{Call as DisputesCall, Stage};
use pallet_proof_of_learning::{Call as RoundsCall, Phase};
use pallet_workers::{Call as WorkersCall, Status};
use polkadot_sdk::{
	frame_support::{
		traits::{OnIdle, OnInitialize},
		weights::Weight,
	},
	sp_runtime::traits::Dispatchable,
};
use std::fmt;

/// What a block has time for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode)]
pub enum Service {
	/// Everything that is due.
	All,
	/// One deadline of rounds and one of disputes.
	One,
	/// None at its start; what was left over was served at the end of the one before it.
	Late,
	/// None.
	None,
}

/// What may happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
	NextBlock { service: Service, randomness: bool },
	Submit { trainer: AccountId, number: u8 },
	SubmitAgain { round: SubmissionId },
	Commit { round: SubmissionId, who: AccountId, claim: Claim },
	CopyCommitment { round: SubmissionId, who: AccountId, of: AccountId },
	Reveal { round: SubmissionId, who: AccountId },
	RevealOther { round: SubmissionId, who: AccountId },
	Contest { round: SubmissionId, challenger: AccountId, accused: AccountId, position: u32 },
	ShowCanary { round: SubmissionId },
	Open { dispute: DisputeId, losses: Truth },
	Rule { dispute: DisputeId, who: AccountId, ruling: Ruling },
	CopyRuling { dispute: DisputeId, who: AccountId, of: AccountId },
	RevealRuling { dispute: DisputeId, who: AccountId },
	Leave { who: AccountId },
	Withdraw { who: AccountId },
	ChangeTerms,
	ClaimReward { who: AccountId, epoch: u32 },
}

impl fmt::Display for Action {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match *self {
			Self::NextBlock { service, randomness } => {
				let service = match service {
					Service::All => "",
					Service::One => ", with time for one deadline",
					Service::Late => ", without time for deadlines, after one with time left over",
					Service::None => ", without time for deadlines",
				};
				write!(f, "next block{service}{}", if randomness { "" } else { ", without randomness" })
			}
			Self::Submit { trainer, number } => write!(f, "{trainer} submits its block {number}"),
			Self::SubmitAgain { round } => write!(f, "the block of round {round} is submitted once more"),
			Self::Commit { round, who, claim } => write!(f, "{who} commits to {claim:?} in round {round}"),
			Self::CopyCommitment { round, who, of } => {
				write!(f, "{who} commits to what {of} committed to in round {round}")
			}
			Self::Reveal { round, who } => write!(f, "{who} reveals in round {round}"),
			Self::RevealOther { round, who } => write!(f, "{who} reveals something else in round {round}"),
			Self::Contest { round, challenger, accused, position } => {
				write!(f, "{challenger} contests what {accused} found of shard {position} in round {round}")
			}
			Self::ShowCanary { round } => write!(f, "round {round} turns out to be of a canary"),
			Self::Open { dispute, losses } => {
				write!(f, "the accused of dispute {dispute} opens the losses of {losses:?}")
			}
			Self::Rule { dispute, who, ruling } => {
				write!(f, "{who} commits to {ruling:?} in dispute {dispute}")
			}
			Self::CopyRuling { dispute, who, of } => {
				write!(f, "{who} commits to what {of} committed to in dispute {dispute}")
			}
			Self::RevealRuling { dispute, who } => write!(f, "{who} reveals in dispute {dispute}"),
			Self::Leave { who } => write!(f, "{who} leaves"),
			Self::Withdraw { who } => write!(f, "{who} withdraws its bond"),
			Self::ChangeTerms => write!(f, "the owner changes the terms"),
			Self::ClaimReward { who, epoch } => write!(f, "{who} claims on epoch {epoch}"),
		}
	}
}

/// Everything that may happen now. Time goes on as long as something is open; what nobody does any more never
/// happens, which is how a worker that crashes looks from here.
pub fn possible(scenario: &Scenario, history: &History) -> Vec<Action> {
	let mut actions = Vec::new();
	let mut may_be_drawn = false;
	for (id, round) in &history.rounds {
		let Some(record) = pallet_proof_of_learning::Rounds::<Test>::get(id) else { continue };
		let (round_id, seats) = (*id, &record.committee);
		if scenario.intrusive {
			actions.push(Action::SubmitAgain { round: round_id });
		}
		match record.phase {
			Phase::AwaitingDraw | Phase::AwaitingReplacement { .. } => may_be_drawn = true,
			Phase::Commit { .. } => {
				for seat in seats.iter().filter(|seat| seat.commitment.is_none()) {
					let who = seat.evaluator;
					let claims = scenario.claims.iter();
					actions.extend(claims.map(|claim| Action::Commit {
						round: round_id,
						who,
						claim: *claim,
					}));
					let other = seats.iter().find(|seat| seat.commitment.is_some());
					if let Some(other) = other.filter(|_| scenario.intrusive) {
						actions.push(Action::CopyCommitment { round: round_id, who, of: other.evaluator });
					}
				}
			}
			Phase::Reveal { .. } => {
				for (who, _) in round.votes.iter().filter(|(_, vote)| !vote.revealed) {
					actions.push(Action::Reveal { round: round_id, who: *who });
					if scenario.intrusive {
						actions.push(Action::RevealOther { round: round_id, who: *who });
					}
				}
			}
			Phase::Contest { .. } => {
				if history.left.canaries > 0 && round.canary.is_none() {
					actions.push(Action::ShowCanary { round: round_id });
				}
				for challenger in scenario.challengers.iter().filter(|_| history.left.contests > 0) {
					for accused in seats.iter().map(|seat| seat.evaluator).filter(|who| who != challenger) {
						actions.extend((0..scenario.contested_shards).map(|position| Action::Contest {
							round: round_id,
							challenger: *challenger,
							accused,
							position,
						}));
					}
				}
			}
			// No lots are drawn: that is demanded of every step.
			Phase::Opening { .. } | Phase::Waiting | Phase::Closed { .. } => {}
		}
	}
	for (id, dispute) in &history.disputes {
		let Some(record) = pallet_disputes::Disputes::<Test>::get(id) else { continue };
		match record.stage {
			Stage::AwaitingOpening { .. } => {
				// Both: one is what the accused has, and the other what it might wish it had.
				actions.extend(
					[Truth::Better, Truth::NoBetter].map(|losses| Action::Open { dispute: *id, losses }),
				);
			}
			Stage::AwaitingReferees => may_be_drawn = true,
			Stage::Commit { .. } => {
				for seat in record.referees.iter().filter(|seat| seat.commitment.is_none()) {
					let who = seat.referee;
					let rulings = scenario.rulings.iter();
					actions.extend(rulings.map(|ruling| Action::Rule { dispute: *id, who, ruling: *ruling }));
					let other = record.referees.iter().find(|seat| seat.commitment.is_some());
					if let Some(other) = other.filter(|_| scenario.intrusive) {
						actions.push(Action::CopyRuling { dispute: *id, who, of: other.referee });
					}
				}
			}
			Stage::Reveal { .. } => {
				let silent = dispute.rulings.iter().filter(|(_, (_, revealed))| !revealed);
				actions.extend(silent.map(|(who, _)| Action::RevealRuling { dispute: *id, who: *who }));
			}
		}
	}
	let submissions = scenario.allowance.submissions.into_iter().zip(history.left.submissions);
	for (trainer, (all, left)) in TRAINERS.into_iter().zip(submissions) {
		if left > 0 && (!scenario.hurried || System::block_number() == FIRST_BLOCK) {
			actions.push(Action::Submit { trainer, number: all - left });
		}
	}
	for who in scenario.evaluators() {
		match pallet_workers::Workers::<Test>::get(who).map(|worker| worker.status) {
			Some(Status::Active) if history.left.departures > 0 => actions.push(Action::Leave { who }),
			Some(Status::Leaving { .. }) => actions.push(Action::Withdraw { who }),
			_ => {}
		}
	}
	if history.left.terms > 0 {
		actions.push(Action::ChangeTerms);
	}
	let mut is_payday_to_come = false;
	if scenario.paydays {
		let running = pallet_rewards::CurrentEpoch::<Test>::get().map_or(0, |epoch| epoch.number);
		for who in [TRAINERS[0], crate::scenario::FIRST_EVALUATOR] {
			for epoch in pallet_rewards::OpenClaims::<Test>::get(who) {
				is_payday_to_come |= epoch >= running;
				actions.push(Action::ClaimReward { who, epoch });
			}
		}
	}
	if !history.rounds.is_empty() || is_payday_to_come {
		actions.push(Action::NextBlock { service: Service::All, randomness: true });
		if may_be_drawn && history.left.dark_blocks > 0 {
			actions.push(Action::NextBlock { service: Service::All, randomness: false });
		}
		if history.left.busy_blocks > 0 && !history.rounds.is_empty() {
			actions.extend(
				[Service::One, Service::Late, Service::None]
					.map(|service| Action::NextBlock { service, randomness: true }),
			);
		}
	}
	actions
}

impl Action {
	/// Has it happen. `false` if the chain does not take it.
	pub fn perform(self, history: &mut History) -> Result<bool, String> {
		match self {
			Self::NextBlock { service, randomness } => {
				next_block(service, randomness);
				history.left.busy_blocks -= u8::from(service != Service::All);
				history.left.dark_blocks -= u8::from(!randomness);
				Ok(true)
			}
			Self::Submit { trainer, number } => {
				let taken = submit(trainer, number);
				history.left.submissions[usize::from(trainer == TRAINERS[1])] -= u8::from(taken);
				Ok(taken)
			}
			Self::SubmitAgain { round } => {
				let trainer = history.rounds.get(&round).map_or(TRAINERS[0], |round| round.trainer);
				must_be_refused(submit(trainer, 0), self)
			}
			Self::Commit { round, who, claim } => {
				let commitment = commitment_of(who, round, claim);
				let taken = call(who, RoundsCall::commit { round, commitment });
				if taken {
					let vote = Vote { claim, revealed: false, struck: false, upheld: false };
					note_vote(history, round, who, vote)?;
				}
				Ok(taken)
			}
			Self::CopyCommitment { round, who, of } => {
				let record = pallet_proof_of_learning::Rounds::<Test>::get(round);
				let seats = record.map(|round| round.committee).unwrap_or_default();
				let copied = seats.iter().find(|seat| seat.evaluator == of).and_then(|seat| seat.commitment);
				let commitment = copied.unwrap_or_default();
				must_be_refused(call(who, RoundsCall::commit { round, commitment }), self)
			}
			Self::Reveal { round, who } => {
				let vote = history.rounds.get_mut(&round).and_then(|round| round.votes.get_mut(&who));
				let vote = vote.ok_or("nobody reveals what it has not committed to")?;
				let finding = finding_of(round, vote.claim);
				// What is closed by the last reveal is so after it.
				vote.revealed = true;
				let taken = call(who, RoundsCall::reveal { round, finding, salt: SALT });
				Ok(taken)
			}
			Self::RevealOther { round, who } => {
				let claim = history.rounds.get(&round).and_then(|round| Some(round.votes.get(&who)?.claim));
				let other =
					if claim == Some(Claim::Malformed) { Claim::Unfetchable } else { Claim::Malformed };
				let finding = finding_of(round, other);
				must_be_refused(call(who, RoundsCall::reveal { round, finding, salt: SALT }), self)
			}
			Self::Contest { round, challenger, accused, position } => {
				let contest = DisputesCall::contest { round, evaluator: accused, position };
				let taken = call(challenger, contest);
				history.left.contests -= u8::from(taken);
				Ok(taken)
			}
			// The canaries' pallet shows what is sealed to it, once: what it takes to get there is its own.
			Self::ShowCanary { round } => {
				let shown = ProofOfLearning::sealed(round).filter(|suspect| !suspect.is_canary);
				if let (Some(_), Some(record)) = (&shown, history.rounds.get_mut(&round)) {
					ProofOfLearning::mark_canary(round, PLANTER, CANARY_REWARD);
					history.left.canaries -= 1;
					record.canary = Some(Canary::default());
				}
				Ok(shown.is_some())
			}
			Self::Open { dispute, losses } => {
				let Some(record) = pallet_disputes::Disputes::<Test>::get(dispute) else { return Ok(false) };
				let round = history.rounds.get(&record.round);
				let claim = round.and_then(|round| Some(round.votes.get(&record.accused)?.claim));
				let losses_of_claim = losses_of(losses);
				let taken = call(
					record.accused,
					DisputesCall::open { dispute, losses: AllLosses::truncate_from(losses_of_claim.clone()) },
				);
				let has_them =
					claim.is_some_and(|claim| claim != Claim::Invented && claim.losses() == losses_of_claim);
				demand!(!taken || has_them, "{self}, and it reported otherwise");
				Ok(taken)
			}
			Self::Rule { dispute, who, ruling } => {
				let attempt = pallet_disputes::Disputes::<Test>::get(dispute).map_or(0, |it| it.attempt);
				let finding = ruling_of(ruling);
				let commitment = learning::referee_commitment(&who, dispute, attempt, &finding, &RULING_SALT);
				let taken = call(who, DisputesCall::commit { dispute, commitment });
				if let Some(record) = history.disputes.get_mut(&dispute).filter(|_| taken) {
					let known = record.rulings.insert(who, (ruling, false));
					demand!(known.is_none(), "{who} commits twice in dispute {dispute}");
				}
				Ok(taken)
			}
			Self::CopyRuling { dispute, who, of } => {
				let record = pallet_disputes::Disputes::<Test>::get(dispute);
				let seats = record.map(|dispute| dispute.referees).unwrap_or_default();
				let copied = seats.iter().find(|seat| seat.referee == of).and_then(|seat| seat.commitment);
				let commitment = copied.unwrap_or_default();
				must_be_refused(call(who, DisputesCall::commit { dispute, commitment }), self)
			}
			Self::RevealRuling { dispute, who } => {
				let record = history.disputes.get_mut(&dispute).and_then(|it| it.rulings.get_mut(&who));
				let (ruling, revealed) = record.ok_or("nobody reveals what it has not committed to")?;
				*revealed = true;
				let finding = ruling_of(*ruling);
				Ok(call(who, DisputesCall::reveal { dispute, finding, salt: RULING_SALT }))
			}
			Self::Leave { who } => {
				let taken = call(who, WorkersCall::unregister {});
				history.left.departures -= u8::from(taken);
				Ok(taken)
			}
			// That nobody who is engaged does is an invariant.
			Self::Withdraw { who } => Ok(call(who, WorkersCall::withdraw {})),
			Self::ChangeTerms => {
				history.left.terms -= 1;
				let gate = learning::Gate { tolerance: GATE.tolerance * 2, ..GATE };
				Ok(call(
					OWNER,
					RoundsCall::open_training { model: MODEL, pool: pool(), gate, referee: Hash::zero() },
				))
			}
			Self::ClaimReward { who, epoch } => Ok(call(who, pallet_rewards::Call::claim { epoch })),
		}
	}
}

fn note_vote(history: &mut History, round: SubmissionId, who: AccountId, vote: Vote) -> Result<(), String> {
	let record = history.rounds.get_mut(&round).ok_or("a commitment is taken by a round that is over")?;
	demand!(record.votes.insert(who, vote).is_none(), "{who} commits twice in round {round}");
	Ok(())
}

fn must_be_refused(taken: bool, action: Action) -> Result<bool, String> {
	demand!(!taken, "taken, and must be refused: {action}");
	Ok(false)
}

/// Sends a call; whether it was taken.
fn call(who: AccountId, call: impl Into<RuntimeCall>) -> bool {
	call.into().dispatch(RuntimeOrigin::signed(who)).is_ok()
}

fn submit(trainer: AccountId, number: u8) -> bool {
	let blocks = NewBlocks::truncate_from(vec![new_block(trainer, number)]);
	call(trainer, RoundsCall::submit { model: MODEL, blocks, envelope: Envelope::default() })
}

/// Ends the block, with time left over for deadlines or without, and begins the next one.
pub fn next_block(service: Service, randomness: bool) {
	let (rounds, disputes, idle) = match service {
		Service::All => (Weight::MAX, Weight::MAX, Weight::MAX),
		Service::One => {
			(ProofOfLearning::least_service_weight(), Disputes::least_service_weight(), Weight::zero())
		}
		Service::Late => (Weight::zero(), Weight::zero(), Weight::MAX),
		Service::None => (Weight::zero(), Weight::zero(), Weight::zero()),
	};
	let now = System::block_number();
	let is_served = !sabotage::is(Sabotage::DeadlinesSkipped);
	if is_served {
		AllPalletsWithSystem::on_idle(now, idle);
	}
	HasRandomness::set(randomness);
	RoundServiceWeight::set(rounds);
	DisputeServiceWeight::set(disputes);
	System::set_block_number(now + 1);
	if is_served {
		AllPalletsWithSystem::on_initialize(now + 1);
	} else {
		Rewards::on_initialize(now + 1);
	}
}

/// The reference evaluator that the terms name, or none.
pub fn referee_of(scenario: &Scenario) -> Hash {
	if scenario.contestable {
		referee()
	} else {
		Hash::zero()
	}
}
