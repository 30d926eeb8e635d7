//! The invariants of the README, one check each.

use crate::{types::*, Config, Disputes, HoldReason, NextDisputeId, OpenDisputes, Pallet, Parameters};
use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use blyan_primitives::{traits::ContestableRounds, Balance};
use polkadot_sdk::{
	frame_support::{
		ensure,
		traits::{fungible::hold::Inspect, Get},
	},
	sp_runtime::{traits::Saturating, DispatchError},
};

type Open<T> = BTreeMap<DisputeId, DisputeOf<T>>;

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the README.
	///
	/// # Errors
	/// The first that does not hold.
	pub fn do_try_state() -> Result<(), DispatchError> {
		let disputes = Disputes::<T>::iter().collect::<Open<T>>();
		Self::check_list(&disputes)?;
		Self::check_limits()?;
		Self::check_bonds(&disputes)?;
		Self::check_rounds(&disputes)?;
		Self::check_referees(&disputes)?;
		Self::check_stages(&disputes)?;
		Self::check_parameters()
	}

	/// 1. The list has every open dispute once, by what is due first, and not before its phase is over.
	fn check_list(disputes: &Open<T>) -> Result<(), DispatchError> {
		let open = OpenDisputes::<T>::get();
		let mut ids = open.iter().map(|entry| entry.id).collect::<Vec<_>>();
		ids.sort_unstable();
		ensure!(disputes.keys().copied().eq(ids), "the list is not the open disputes, each once");
		ensure!(
			open.iter().map(|entry| (entry.due, entry.id)).is_sorted(),
			"the list is not in the order of what is due"
		);
		for entry in &open {
			let Some(dispute) = disputes.get(&entry.id) else { continue };
			ensure!(entry.id < NextDisputeId::<T>::get(), "a dispute has a number that was not given yet");
			ensure!(
				(entry.round, &entry.accused, entry.position)
					== (dispute.round, &dispute.accused, dispute.position),
				"the list and a dispute do not name the same finding"
			);
			let is_due = match dispute.stage {
				Stage::AwaitingReferees => true,
				Stage::AwaitingOpening { until } | Stage::Commit { until } | Stage::Reveal { until } => {
					entry.due == until.saturating_add(1u32.into())
				}
			};
			ensure!(is_due, "a dispute is not due right after its phase");
		}
		Ok(())
	}

	/// 2. No shard of a finding is contested twice at once, and no round too often.
	fn check_limits() -> Result<(), DispatchError> {
		let open = OpenDisputes::<T>::get();
		let mut shards = BTreeSet::new();
		let mut of_round = BTreeMap::<RoundId, u32>::new();
		for entry in &open {
			ensure!(
				shards.insert((entry.round, &entry.accused, entry.position)),
				"a shard is contested twice at once"
			);
			let count = of_round.entry(entry.round).or_default();
			*count = count.saturating_add(1);
			ensure!(*count <= T::MaxDisputesPerRound::get(), "a round has more open disputes than it may");
		}
		Ok(())
	}

	/// 3. Bonds held are the bonds of open disputes.
	fn check_bonds(disputes: &Open<T>) -> Result<(), DispatchError> {
		let mut bonds = BTreeMap::<&T::AccountId, Balance>::new();
		for dispute in disputes.values() {
			let sum = bonds.entry(&dispute.challenger).or_default();
			*sum = sum.saturating_add(dispute.bond);
		}
		for (challenger, bond) in bonds {
			let held = T::Currency::balance_on_hold(&HoldReason::DisputeBond.into(), challenger);
			ensure!(held == bond, "what is held of a challenger is not the bonds of its open disputes");
		}
		Ok(())
	}

	/// 4. A round waits for exactly its open disputes.
	fn check_rounds(disputes: &Open<T>) -> Result<(), DispatchError> {
		let mut of_round = BTreeMap::<RoundId, u32>::new();
		for dispute in disputes.values() {
			let count = of_round.entry(dispute.round).or_default();
			*count = count.saturating_add(1);
		}
		for (round, count) in of_round {
			ensure!(T::Rounds::holds(round) == count, "a round waits for more or fewer disputes than it has");
		}
		Ok(())
	}

	/// 5. Referees are an odd number of others.
	fn check_referees(disputes: &Open<T>) -> Result<(), DispatchError> {
		for dispute in disputes.values() {
			let referees = dispute.referees.iter().map(|seat| &seat.referee).collect::<BTreeSet<_>>();
			ensure!(referees.len() == dispute.referees.len(), "a referee has two seats in a dispute");
			ensure!(
				!referees.contains(&dispute.accused) && !referees.contains(&dispute.challenger),
				"a party judges its own dispute"
			);
			let finding = T::Rounds::finding(dispute.round, &dispute.accused);
			let is_involved = |finding: &blyan_primitives::traits::ContestedFinding<T::AccountId>| {
				referees.contains(&finding.trainer)
					|| finding.committee.iter().any(|member| referees.contains(member))
			};
			ensure!(
				!finding.as_ref().is_some_and(is_involved),
				"who made or measured a submission judges it"
			);
			let is_judged = matches!(dispute.stage, Stage::Commit { .. } | Stage::Reveal { .. });
			ensure!(
				if is_judged { referees.len() % 2 == 1 } else { referees.is_empty() },
				"a dispute has an even number of referees, or some outside of their phases"
			);
		}
		Ok(())
	}

	/// 6. What stages have and have not.
	fn check_stages(disputes: &Open<T>) -> Result<(), DispatchError> {
		for dispute in disputes.values() {
			let awaits_opening = matches!(dispute.stage, Stage::AwaitingOpening { .. });
			ensure!(
				dispute.opened.is_none() == awaits_opening,
				"a dispute goes on without an opening, or waits for a second one"
			);
			let commitments =
				dispute.referees.iter().filter_map(|seat| seat.commitment).collect::<BTreeSet<_>>();
			ensure!(commitments.len() == dispute.committed(), "two referees have the same commitment");
			let may_reveal = matches!(dispute.stage, Stage::Reveal { .. });
			ensure!(
				dispute
					.referees
					.iter()
					.all(|seat| seat.finding.is_none() || (may_reveal && seat.commitment.is_some())),
				"a referee revealed too early, or what it did not commit to"
			);
			ensure!(
				!may_reveal || dispute.is_majority(dispute.committed()),
				"a reveal phase has no majority of commitments"
			);
		}
		Ok(())
	}

	/// 7. The parameters are valid.
	fn check_parameters() -> Result<(), DispatchError> {
		Ok(Parameters::<T>::get().validate::<T>()?)
	}
}
