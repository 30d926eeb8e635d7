//! The invariants of the README, one check each.

use crate::{
	types::*, Agenda, Audits, Config, Contributors, Datasets, FirstLeftover, FirstRescan, HoldReason,
	LatestVersions, Leftovers, Line, NextDue, NextLeftover, NextRescan, Pallet, Parameters, Rescans,
	RunningAudits, Versions, Votes,
};
use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use blyan_primitives::{
	datasets::{DatasetStage, Standing},
	Balance,
};
use polkadot_sdk::{
	frame_support::{ensure, traits::fungible::hold::Inspect, traits::Get},
	sp_runtime::DispatchError,
};

type All<T> = BTreeMap<DatasetId, DatasetOf<T>>;

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the README.
	///
	/// # Errors
	/// The first that does not hold.
	pub fn do_try_state() -> Result<(), DispatchError> {
		let datasets = Datasets::<T>::iter().collect::<All<T>>();
		Self::check_line(&datasets)?;
		Self::check_audits(&datasets)?;
		Self::check_seats(&datasets)?;
		Self::check_agenda(&datasets)?;
		Self::check_votes(&datasets)?;
		Self::check_holds(&datasets)?;
		Self::check_contributors(&datasets)?;
		Self::check_versions(&datasets)?;
		Self::check_queues()?;
		Ok(Parameters::<T>::get().validate::<T>()?)
	}

	/// 1. The line has exactly the pending datasets, each once; newcomers have their share at most.
	fn check_line(datasets: &All<T>) -> Result<(), DispatchError> {
		let line = Line::<T>::get();
		let mut waiting = line.iter().map(|entry| entry.dataset).collect::<Vec<_>>();
		waiting.sort_unstable();
		let pending = datasets.iter().filter(|(_, dataset)| dataset.stage == DatasetStage::Pending);
		ensure!(pending.map(|(id, _)| *id).eq(waiting), "the line is not the pending datasets, each once");
		for entry in &line {
			let record = Contributors::<T>::get(&entry.contributor).unwrap_or_default();
			let is_newcomer = record.reliability.standing == Standing::Newcomer;
			ensure!(
				entry.is_newcomer == is_newcomer,
				"an offer in line stands where its contributor does not"
			);
		}
		Ok(())
	}

	/// 2. What runs is listed once: of each dataset in its audit, and of approved ones that are looked at again.
	fn check_audits(datasets: &All<T>) -> Result<(), DispatchError> {
		let running = RunningAudits::<T>::get();
		let mut listed = running.iter().map(|entry| entry.dataset).collect::<Vec<_>>();
		listed.sort_unstable();
		let mut audits = Audits::<T>::iter_keys().collect::<Vec<_>>();
		audits.sort_unstable();
		ensure!(listed == audits, "the audits are not those that are listed, each once");
		for entry in &running {
			let stage = datasets.get(&entry.dataset).map(|dataset| dataset.stage);
			let is_right = match stage {
				Some(DatasetStage::Audit) => !entry.is_rescan,
				Some(DatasetStage::Approved { .. }) => entry.is_rescan,
				_ => false,
			};
			ensure!(is_right, "an audit runs of what is in no stage for it");
		}
		let audited = datasets.iter().filter(|(_, dataset)| dataset.stage == DatasetStage::Audit);
		ensure!(audited.map(|(id, _)| id).all(Audits::<T>::contains_key), "an audit is missing");
		Ok(())
	}

	/// 3. Auditors are distinct others; who revealed had committed, and not before the reveal phase.
	fn check_seats(datasets: &All<T>) -> Result<(), DispatchError> {
		for (id, audit) in Audits::<T>::iter() {
			let members = audit.seats.iter().map(|seat| &seat.member).collect::<BTreeSet<_>>();
			ensure!(members.len() == audit.seats.len(), "an auditor has two seats in an audit");
			let contributor = datasets.get(&id).map(|dataset| &dataset.contributor);
			ensure!(contributor.is_none_or(|who| !members.contains(who)), "a contributor audits its dataset");
			let is_drawn = audit.phase != Phase::AwaitingDraw;
			ensure!(
				is_drawn != members.is_empty() && is_drawn == audit.seed.is_some(),
				"auditors or their seed are there before the draw, or missing after it"
			);
			let commitments = audit.seats.iter().filter_map(|seat| seat.commitment).collect::<BTreeSet<_>>();
			let committed = audit.seats.iter().filter(|seat| seat.commitment.is_some()).count();
			ensure!(commitments.len() == committed, "two auditors have the same commitment");
			let is_early = !matches!(audit.phase, Phase::Reveal { .. });
			ensure!(
				audit
					.seats
					.iter()
					.all(|seat| seat.finding.is_none() || (!is_early && seat.commitment.is_some())),
				"an auditor revealed too early, or what it did not commit to"
			);
		}
		Ok(())
	}

	/// 4. The agenda has each dataset where the dataset says, right after what runs; nothing due is past.
	fn check_agenda(datasets: &All<T>) -> Result<(), DispatchError> {
		let mut agenda = Agenda::<T>::iter_keys().map(|(due, id)| (id, due)).collect::<Vec<_>>();
		agenda.sort_unstable();
		let expected = datasets.iter().filter_map(|(id, dataset)| Some((*id, dataset.due?)));
		ensure!(expected.eq(agenda.iter().copied()), "the agenda is not what datasets say is due");
		let next = NextDue::<T>::get();
		ensure!(agenda.iter().all(|(_, due)| *due >= next), "something is due in a block that is done");
		for (id, dataset) in datasets {
			let phase = Audits::<T>::get(id).map(|audit| audit.phase);
			let after = match (phase, dataset.stage) {
				(Some(Phase::Commit { until } | Phase::Reveal { until }), _) => Some(until),
				(None, DatasetStage::Vote { until, .. } | DatasetStage::Appealed { until, .. }) => {
					Some(until)
				}
				(None, DatasetStage::Quarantined { until, .. }) => Some(until),
				_ => None,
			};
			let is_right = after.is_none_or(|until| dataset.due == Some(until.saturating_add(1)));
			ensure!(is_right, "something is not due right after its time");
		}
		Ok(())
	}

	/// 5. Votes that are kept are those that are not settled, of datasets with a ballot, and no more than were cast.
	fn check_votes(datasets: &All<T>) -> Result<(), DispatchError> {
		let mut kept = BTreeMap::<DatasetId, (u32, u32)>::new();
		for (id, _, vote) in Votes::<T>::iter() {
			let (ayes, nays) = kept.entry(id).or_default();
			let side = if vote.aye { ayes } else { nays };
			*side = side.saturating_add(1);
		}
		ensure!(kept.keys().all(|id| datasets.contains_key(id)), "a vote is kept of no dataset");
		for (id, dataset) in datasets {
			let (ayes, nays) = kept.get(id).copied().unwrap_or_default();
			let is_right = match &dataset.ballot {
				None => ayes.saturating_add(nays) == 0,
				Some(ballot) => {
					ballot.unsettled == ayes.saturating_add(nays)
						&& ayes <= ballot.ayes
						&& nays <= ballot.nays
						&& (ballot.result.is_some() || (ayes, nays) == (ballot.ayes, ballot.nays))
				}
			};
			ensure!(is_right, "the votes that are kept are not those that are counted");
			let is_open = matches!(dataset.stage, DatasetStage::Vote { .. });
			let has_open = dataset.ballot.is_some_and(|ballot| ballot.result.is_none());
			ensure!(is_open == has_open, "a vote is open that has come out, or the other way round");
		}
		Ok(())
	}

	/// 6. What is held is that of votes and of appeals.
	fn check_holds(datasets: &All<T>) -> Result<(), DispatchError> {
		let mut of_votes = BTreeMap::<T::AccountId, Balance>::new();
		for (_, who, vote) in Votes::<T>::iter() {
			let sum = of_votes.entry(who).or_default();
			*sum = sum.saturating_add(vote.held);
		}
		for (who, sum) in of_votes {
			let held = T::Currency::balance_on_hold(&HoldReason::DatasetVote.into(), &who);
			ensure!(held == sum, "what is held of a voter is not that of its votes");
		}
		let mut of_appeals = BTreeMap::<&T::AccountId, Balance>::new();
		for dataset in datasets.values() {
			let is_appealed = matches!(dataset.stage, DatasetStage::Appealed { .. });
			ensure!(is_appealed || dataset.deposit == 0, "a deposit is held without an appeal");
			let sum = of_appeals.entry(&dataset.contributor).or_default();
			*sum = sum.saturating_add(dataset.deposit);
		}
		for (who, sum) in of_appeals {
			let held = T::Currency::balance_on_hold(&HoldReason::DatasetAppeal.into(), who);
			ensure!(held == sum, "what is held of a contributor is not that of its appeals");
		}
		Ok(())
	}

	/// 7. Records of contributors count what is kept of them, and are kept for nothing else but an approval.
	fn check_contributors(datasets: &All<T>) -> Result<(), DispatchError> {
		let mut kept = BTreeMap::<T::AccountId, u32>::new();
		let displaced = Leftovers::<T>::iter_values().filter_map(|leftover| match leftover {
			Leftover::Displaced { contributor, .. } => Some(contributor),
			Leftover::Dataset(_) => None,
		});
		for who in datasets.values().map(|dataset| dataset.contributor.clone()).chain(displaced) {
			let count = kept.entry(who).or_default();
			*count = count.saturating_add(1);
		}
		for (who, record) in Contributors::<T>::iter() {
			let count = kept.remove(&who).unwrap_or_default();
			ensure!(record.kept == count, "a contributor's record counts something else than what is kept");
			ensure!(count > 0 || record.was_approved, "a contributor's record is kept for nothing");
		}
		ensure!(kept.is_empty(), "a contributor has no record");
		Ok(())
	}

	/// 8. A contributor's name and version name one kept dataset; what is approved is no newer than the newest.
	fn check_versions(datasets: &All<T>) -> Result<(), DispatchError> {
		let count = Versions::<T>::iter_keys().count();
		ensure!(count == datasets.len(), "a version is of no kept dataset");
		for (id, dataset) in datasets {
			let Dataset { offer, contributor, .. } = dataset;
			ensure!(offer.content == *id && offer.check().is_ok(), "an offer breaks its rules");
			let key = (contributor.clone(), offer.name.clone(), offer.version);
			ensure!(Versions::<T>::get(key) == Some(*id), "a kept dataset does not have its version");
			if matches!(dataset.stage, DatasetStage::Approved { .. }) {
				let latest = LatestVersions::<T>::get(contributor, &offer.name);
				ensure!(latest >= Some(offer.version), "an approved version is newer than the newest");
			}
		}
		Ok(())
	}

	/// 9. Queues have no gaps; no more runs than may be set to.
	fn check_queues() -> Result<(), DispatchError> {
		let places = Rescans::<T>::iter_keys().collect::<BTreeSet<_>>();
		let expected = FirstRescan::<T>::get()..NextRescan::<T>::get();
		ensure!(places.into_iter().eq(expected), "the queue of what is audited again has gaps");
		let places = Leftovers::<T>::iter_keys().collect::<BTreeSet<_>>();
		let expected = FirstLeftover::<T>::get()..NextLeftover::<T>::get();
		ensure!(places.into_iter().eq(expected), "the queue of what is left over has gaps");
		ensure!(RunningAudits::<T>::get().len() as u32 <= T::MaxRunning::get(), "too many audits run");
		Ok(())
	}
}
