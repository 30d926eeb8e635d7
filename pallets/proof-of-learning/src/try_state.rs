//! The invariants of the README, one check each.

use crate::{
	tally, types::*, Agenda, Config, FirstRoundId, HoldReason, IncompleteSince, NextRoundId, OpenRoundCount,
	OpenRoundsOf, Pallet, Parameters, Pools, Rounds,
};
use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use blyan_primitives::{learning::Finding, Balance};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::hold::Inspect, Get},
	},
	frame_system::{self, pallet_prelude::BlockNumberFor},
	sp_runtime::DispatchError,
};

type Kept<T> = BTreeMap<RoundId, RoundOf<T>>;

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the README.
	///
	/// # Errors
	/// The first that does not hold.
	pub fn do_try_state() -> Result<(), DispatchError> {
		let rounds = Rounds::<T>::iter().collect::<Kept<T>>();
		Self::check_kept_rounds(&rounds)?;
		Self::check_counts(&rounds)?;
		Self::check_agenda(&rounds)?;
		Self::check_bonds(&rounds)?;
		Self::check_committees(&rounds)?;
		Self::check_findings(&rounds)?;
		Self::check_disputes(&rounds)?;
		Self::check_rules(&rounds)?;
		Self::check_lots(&rounds)
	}

	/// 1. Kept are exactly the rounds from `FirstRoundId` up to `NextRoundId`.
	fn check_kept_rounds(rounds: &Kept<T>) -> Result<(), DispatchError> {
		let expected = FirstRoundId::<T>::get()..NextRoundId::<T>::get();
		ensure!(rounds.keys().copied().eq(expected), "the numbers of the rounds that are kept have gaps");
		Ok(())
	}

	/// 2. The counts of open rounds, and their limits.
	fn check_counts(rounds: &Kept<T>) -> Result<(), DispatchError> {
		let mut open_of = BTreeMap::<T::AccountId, u32>::new();
		for round in rounds.values().filter(|round| round.is_open()) {
			let count = open_of.entry(round.trainer.clone()).or_default();
			*count = count.saturating_add(1);
		}
		let open = open_of.values().sum::<u32>();
		ensure!(OpenRoundCount::<T>::get() == open, "OpenRoundCount is not the number of open rounds");
		ensure!(open <= T::MaxOpenRounds::get(), "more rounds are open than may be");
		ensure!(
			open_of.values().all(|count| *count <= T::MaxOpenRoundsPerTrainer::get()),
			"more rounds of a trainer are open than may be"
		);
		ensure!(
			OpenRoundsOf::<T>::iter().collect::<BTreeMap<_, _>>() == open_of,
			"OpenRoundsOf is not the number of a trainer's open rounds"
		);
		Ok(())
	}

	/// 3. The agenda has every open round that disputes do not keep waiting exactly once, and nothing else.
	fn check_agenda(rounds: &Kept<T>) -> Result<(), DispatchError> {
		let now = frame_system::Pallet::<T>::block_number();
		let incomplete_since = IncompleteSince::<T>::get();
		ensure!(incomplete_since.is_none_or(|slot| slot <= now), "IncompleteSince lies in the future");
		let mut entries = Vec::<(RoundId, BlockNumberFor<T>)>::new();
		for (slot, due) in Agenda::<T>::iter() {
			ensure!(!due.is_empty(), "an empty slot of the agenda is kept");
			ensure!(
				slot > now || incomplete_since.is_some_and(|since| since <= slot),
				"a slot of the agenda was left behind"
			);
			entries.extend(due.into_iter().map(|id| (id, slot)));
		}
		entries.sort_unstable();
		let mut expected = Vec::new();
		for (id, round) in rounds {
			ensure!(
				round.due.is_some() == (round.is_open() && !round.is_held()),
				"a round is due without being open, or the reverse"
			);
			expected.extend(round.due.map(|slot| (*id, slot)));
			let is_early = match (round.phase, round.due) {
				(
					Phase::Opening { until }
					| Phase::Commit { until }
					| Phase::Reveal { until }
					| Phase::Contest { until },
					Some(slot),
				) => slot <= until && !Self::is_opened_early(round),
				_ => false,
			};
			ensure!(!is_early, "a phase comes due before it is over");
		}
		ensure!(entries == expected, "the agenda is not the open rounds, each once in its slot");
		Ok(())
	}

	/// 4. Bonds held are the bonds of open rounds.
	fn check_bonds(rounds: &Kept<T>) -> Result<(), DispatchError> {
		let mut bonds = BTreeMap::<&T::AccountId, Balance>::new();
		for round in rounds.values() {
			ensure!(round.fee <= round.bond, "a round's fee is above its bond");
			let sum = bonds.entry(&round.trainer).or_default();
			*sum = sum.saturating_add(if round.is_open() { round.bond } else { 0 });
		}
		for (trainer, bond) in bonds {
			let held = T::Currency::balance_on_hold(&HoldReason::SubmissionBond.into(), trainer);
			ensure!(held == bond, "what is held of a trainer is not the bonds of its open rounds");
		}
		Ok(())
	}

	/// 5. Committees and draws.
	fn check_committees(rounds: &Kept<T>) -> Result<(), DispatchError> {
		for round in rounds.values() {
			let seats = round.committee.iter().map(|seat| &seat.evaluator).collect::<BTreeSet<_>>();
			ensure!(seats.len() == round.committee.len(), "an evaluator has two seats in a committee");
			ensure!(!seats.contains(&round.trainer), "a trainer measures its own submission");
			ensure!(
				round.draw.is_some() != seats.is_empty(),
				"a committee without a draw, or a draw without one"
			);
			match round.phase {
				Phase::AwaitingDraw => {
					ensure!(seats.is_empty(), "a round that awaits its draw has a committee")
				}
				Phase::Opening { .. }
				| Phase::Commit { .. }
				| Phase::Reveal { .. }
				| Phase::Contest { .. } => {
					ensure!(!seats.is_empty(), "a round that is measured has no committee")
				}
				Phase::Closed { .. } => {}
			}
		}
		Ok(())
	}

	/// 6. Commitments and findings.
	fn check_findings(rounds: &Kept<T>) -> Result<(), DispatchError> {
		for round in rounds.values() {
			let commitments =
				round.committee.iter().filter_map(|seat| seat.commitment).collect::<BTreeSet<_>>();
			ensure!(commitments.len() as u32 == round.committed(), "two evaluators have the same commitment");
			let has_bare_finding =
				round.committee.iter().any(|seat| seat.finding.is_some() && seat.commitment.is_none());
			ensure!(!has_bare_finding, "a finding was revealed without a commitment");
			match round.phase {
				Phase::AwaitingDraw | Phase::Closed { .. } => {}
				Phase::Opening { .. } => {
					ensure!(round.committed() == 0, "an evaluator committed before the sealed lots are open")
				}
				Phase::Commit { .. } => {
					ensure!(
						round.committee.iter().all(|seat| seat.finding.is_none()),
						"a finding was revealed while others may still commit"
					);
					ensure!(!round.all_committed(), "a commit phase lasts on though all have committed");
				}
				Phase::Reveal { .. } => {
					let quorum = tally::quorum(round.committee.len() as u32);
					ensure!(round.committed() >= quorum, "a reveal phase has no quorum of commitments");
					ensure!(!round.all_revealed(), "a reveal phase lasts on though all have revealed");
				}
				Phase::Contest { .. } => {
					let quorum = tally::quorum(round.committee.len() as u32);
					ensure!(
						round.measured() >= quorum,
						"a round is in its contest phase though no quorum measured"
					);
				}
			}
		}
		Ok(())
	}

	/// 7. Disputes and what they came to.
	fn check_disputes(rounds: &Kept<T>) -> Result<(), DispatchError> {
		for round in rounds.values() {
			let is_contested = matches!(round.phase, Phase::Contest { .. });
			ensure!(
				is_contested || round.open_disputes == 0,
				"a round waits for disputes outside of its contest phase"
			);
			let is_past = matches!(round.phase, Phase::Contest { .. } | Phase::Closed { .. });
			ensure!(
				is_past || round.committee.iter().all(|seat| !seat.struck && !seat.upheld),
				"a dispute was decided before anything could be contested"
			);
			ensure!(
				round
					.committee
					.iter()
					.all(|seat| !seat.struck || matches!(seat.finding, Some(Finding::Measured(_)))),
				"a finding was struck that is no measurement"
			);
		}
		Ok(())
	}

	/// 8. Parameters, pools and blocks.
	fn check_rules(rounds: &Kept<T>) -> Result<(), DispatchError> {
		Parameters::<T>::get().validate::<T>()?;
		ensure!(
			Pools::<T>::iter_values().all(|terms| terms.gate.is_valid_for(&terms.pool)),
			"a model's gate is not valid for its pool"
		);
		ensure!(
			rounds
				.values()
				.all(|round| !round.blocks.is_empty() && round.blocks.len() == round.components.len()),
			"a round has no blocks, or a block of it no component"
		);
		Ok(())
	}

	/// 9. Sealed lots.
	fn check_lots(rounds: &Kept<T>) -> Result<(), DispatchError> {
		let mut seen = BTreeSet::new();
		for round in rounds.values() {
			let Some(sealed) = round.draw.as_ref().map(|draw| &draw.sealed) else { continue };
			let is_opening = matches!(round.phase, Phase::Opening { .. });
			// Where the head moved, the round begins anew in the next block.
			let is_moved = round.draw.as_ref().is_some_and(|draw| Self::head_moved(round, draw));
			ensure!(
				is_opening != sealed.all_opened() || (is_opening && is_moved),
				"a round waits for lots that are open, or is measured on lots that are not"
			);
			ensure!(sealed.lots.iter().all(|lot| seen.insert(lot.id)), "a sealed lot is used twice");
		}
		Ok(())
	}

	/// Whether every lot was opened before the time for it was over, and the round waits for the next block.
	fn is_opened_early(round: &RoundOf<T>) -> bool {
		let all_opened = round.draw.as_ref().is_some_and(|draw| draw.sealed.all_opened());
		matches!(round.phase, Phase::Opening { .. }) && all_opened
	}
}
