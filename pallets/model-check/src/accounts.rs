//! Who has what, and that it changes by what events say and by nothing else.

use crate::{
	history::{demand, History},
	mock::{AccountId, BlockNumber, RuntimeEvent, System, Test},
	scenario::MODEL,
};
use blyan_primitives::{
	dag::{Generation, SubmissionId},
	learning::DisputeId,
	worker::Fault,
	Balance,
};
use pallet_disputes::{DisputeOf, Event as OfDisputes};
use pallet_proof_of_learning::{Event as OfRounds, Phase, RoundOf};
use pallet_rewards::Event as OfRewards;
use pallet_workers::Event as OfWorkers;
use polkadot_sdk::{frame_system, pallet_balances};
use std::collections::BTreeMap;

/// What is compared before and after something happens.
pub struct Books {
	pub block: BlockNumber,
	pub generation: Generation,
	pub issuance: Balance,
	/// Free and held together.
	pub wealth: BTreeMap<AccountId, Balance>,
	pub rounds: BTreeMap<SubmissionId, RoundOf<Test>>,
	pub disputes: BTreeMap<DisputeId, DisputeOf<Test>>,
}

impl Books {
	/// As they stand.
	pub fn read() -> Self {
		let wealth = frame_system::Account::<Test>::iter()
			.map(|(who, account)| (who, account.data.free + account.data.reserved));
		let model = pallet_expert_dag::Models::<Test>::get(MODEL);
		Self {
			block: System::block_number(),
			generation: model.map_or(0, |model| model.generation),
			issuance: pallet_balances::TotalIssuance::<Test>::get(),
			wealth: wealth.collect(),
			rounds: pallet_proof_of_learning::Rounds::<Test>::iter().collect(),
			disputes: pallet_disputes::Disputes::<Test>::iter().collect(),
		}
	}

	/// Where a round stands.
	pub fn phase(&self, round: SubmissionId) -> Option<Phase<BlockNumber>> {
		self.rounds.get(&round).map(|round| round.phase)
	}

	/// The generation that the running attempt of a round is measured against.
	pub fn drawn_on(&self, round: SubmissionId) -> Option<Generation> {
		Some(self.rounds.get(&round)?.draw.as_ref()?.generation)
	}
}

/// Debits and credits.
#[derive(Default)]
struct Ledger {
	changes: BTreeMap<AccountId, i128>,
	issued: i128,
	/// What workers are slashed for, with who and how much: as the register says, less what rounds and disputes
	/// say.
	slashes: Vec<(AccountId, Fault, Balance)>,
	/// What came out of the bond of each round.
	of_rounds: BTreeMap<SubmissionId, Balance>,
	/// What came out of the bond of each dispute.
	of_disputes: BTreeMap<DisputeId, Balance>,
}

impl Ledger {
	fn change(&mut self, who: AccountId, amount: i128) {
		*self.changes.entry(who).or_default() += amount;
	}

	fn mint(&mut self, who: AccountId, amount: Balance) {
		self.change(who, amount as i128);
		self.issued += amount as i128;
	}

	fn burn(&mut self, who: AccountId, amount: Balance) {
		self.change(who, -(amount as i128));
		self.issued -= amount as i128;
	}

	fn transfer(&mut self, from: AccountId, to: AccountId, amount: Balance) {
		self.change(from, -(amount as i128));
		self.change(to, amount as i128);
	}

	/// Takes in what a slash was for, which is said after it.
	fn explain(&mut self, slash: (AccountId, Fault, Balance)) -> Result<(), String> {
		let place = self.slashes.iter().position(|noted| *noted == slash);
		let place = place.ok_or(format!("{} is blamed for {:?} and not slashed for it", slash.0, slash.1))?;
		self.slashes.remove(place);
		Ok(())
	}

	fn read(&mut self, history: &History, event: &RuntimeEvent) -> Result<(), String> {
		let trainer_of = |round: &SubmissionId| {
			let round = history.rounds.get(round);
			round.map(|round| round.trainer).ok_or("a bond of a round that is over changes hands")
		};
		let challenger_of = |dispute: &DisputeId| {
			let dispute = history.disputes.get(dispute);
			dispute.map(|dispute| dispute.challenger).ok_or("a bond of a dispute that is over changes hands")
		};
		match event {
			RuntimeEvent::ProofOfLearning(event) => match event {
				OfRounds::FeePaid { round, evaluator, amount } => {
					self.transfer(trainer_of(round)?, *evaluator, *amount);
					*self.of_rounds.entry(*round).or_default() += amount;
				}
				OfRounds::BondForfeited { round, trainer, burned, .. } => {
					demand!(*trainer == trainer_of(round)?, "another's bond is forfeited");
					self.burn(*trainer, *burned);
					*self.of_rounds.entry(*round).or_default() += burned;
				}
				OfRounds::BondReturned { round, trainer, amount } => {
					demand!(*trainer == trainer_of(round)?, "a bond is returned to another");
					*self.of_rounds.entry(*round).or_default() += amount;
				}
				OfRounds::EvaluatorFaulted { evaluator, fault, slashed, .. } => {
					self.explain((*evaluator, *fault, *slashed))?
				}
				_ => {}
			},
			RuntimeEvent::Disputes(event) => match event {
				OfDisputes::RefereeFaulted { referee, fault, slashed, .. } => {
					self.explain((*referee, *fault, *slashed))?
				}
				OfDisputes::AccusedLost { round, accused, slashed, .. } => {
					let round = history.rounds.get(round);
					let has_accepted_canary = round.is_some_and(|round| round.has_accepted_canary(accused));
					let fault = if has_accepted_canary { Fault::CanaryAccepted } else { Fault::DisputeLost };
					self.explain((*accused, fault, *slashed))?
				}
				OfDisputes::BondShared { dispute, payee, amount } => {
					self.transfer(challenger_of(dispute)?, *payee, *amount);
					*self.of_disputes.entry(*dispute).or_default() += amount;
				}
				OfDisputes::ChallengerLost { dispute, burned, .. } => {
					self.burn(challenger_of(dispute)?, *burned);
					*self.of_disputes.entry(*dispute).or_default() += burned;
				}
				OfDisputes::BondReturned { dispute, challenger, amount } => {
					demand!(*challenger == challenger_of(dispute)?, "a bond is returned to another");
					*self.of_disputes.entry(*dispute).or_default() += amount;
				}
				_ => {}
			},
			RuntimeEvent::Workers(event) => match event {
				OfWorkers::FaultNoted { worker, fault, slashed, .. } => {
					self.burn(*worker, *slashed);
					self.slashes.push((*worker, *fault, *slashed));
				}
				// Out of what is burned by the event of the fault, which follows.
				OfWorkers::SlashShared { payee, amount, .. } => self.mint(*payee, *amount),
				_ => {}
			},
			RuntimeEvent::Rewards(
				OfRewards::Paid { account, amount, .. } | OfRewards::CarriedPaid { account, amount },
			) => self.mint(*account, *amount),
			_ => {}
		}
		Ok(())
	}
}

/// That nobody has more or less than events say, that issuance changes by what they say is minted and burned, and
/// that each bond is settled to the last unit with the end of what it was for, and not otherwise. `history` is that
/// before the events, with what was opened in between.
pub fn check(
	history: &History,
	before: &Books,
	after: &Books,
	events: &[RuntimeEvent],
) -> Result<(), String> {
	let mut ledger = Ledger::default();
	for event in events {
		ledger.read(history, event)?;
	}
	let issued = after.issuance as i128 - before.issuance as i128;
	demand!(issued == ledger.issued, "issuance changes by {issued}, and events say {}", ledger.issued);
	for who in before.wealth.keys().chain(after.wealth.keys()) {
		let of = |books: &Books| books.wealth.get(who).copied().unwrap_or_default() as i128;
		let (change, told) = (of(after) - of(before), ledger.changes.get(who).copied().unwrap_or_default());
		demand!(change == told, "what {who} has changes by {change}, and events say {told}");
	}
	demand!(ledger.slashes.is_empty(), "slashed, and nobody says what for: {:?}", ledger.slashes);
	for event in events {
		match event {
			RuntimeEvent::ProofOfLearning(OfRounds::RoundClosed { round, .. }) => {
				let bond = before.rounds.get(round).map_or(0, |round| round.bond);
				let settled = ledger.of_rounds.remove(round).unwrap_or_default();
				demand!(settled == bond, "round {round} settles {settled} of a bond of {bond}");
			}
			RuntimeEvent::Disputes(
				OfDisputes::AccusedLost { dispute, .. }
				| OfDisputes::ChallengerLost { dispute, .. }
				| OfDisputes::DisputeUndecided { dispute, .. },
			) => {
				let bond = before.disputes.get(dispute).map_or(0, |dispute| dispute.bond);
				let settled = ledger.of_disputes.remove(dispute).unwrap_or_default();
				demand!(settled == bond, "dispute {dispute} settles {settled} of a bond of {bond}");
			}
			_ => {}
		}
	}
	demand!(
		ledger.of_rounds.is_empty() && ledger.of_disputes.is_empty(),
		"a bond is touched before what it is for is over"
	);
	Ok(())
}
