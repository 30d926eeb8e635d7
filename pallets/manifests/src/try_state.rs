//! The invariants of the README, one check each.

use crate::{
	types::*, Audits, BannedUntil, Concluded, Config, FirstConcluded, NextConcluded, OpenAudits, Pallet,
	Parameters, Terms,
};
use alloc::{
	collections::{BTreeMap, BTreeSet},
	vec::Vec,
};
use blyan_primitives::manifest::{AuditOutcome, DataTerms};
use polkadot_sdk::{
	frame_support::ensure,
	sp_runtime::{traits::Saturating, DispatchError},
};

type All<T> = BTreeMap<RoundId, AuditOf<T>>;

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the README.
	///
	/// # Errors
	/// The first that does not hold.
	pub fn do_try_state() -> Result<(), DispatchError> {
		let audits = Audits::<T>::iter().collect::<All<T>>();
		Self::check_list(&audits)?;
		Self::check_concluded(&audits)?;
		Self::check_auditors(&audits)?;
		Self::check_stages(&audits)?;
		Self::check_sources(&audits)?;
		Self::check_bans(&audits)?;
		Self::check_terms()?;
		Self::check_parameters()
	}

	/// 1. The list has every open audit once, by what is due first, and not before its phase is over.
	fn check_list(audits: &All<T>) -> Result<(), DispatchError> {
		let open = OpenAudits::<T>::get();
		let mut rounds = open.iter().map(|entry| entry.round).collect::<Vec<_>>();
		rounds.sort_unstable();
		let expected = audits.iter().filter(|(_, audit)| audit.is_open()).map(|(round, _)| *round);
		ensure!(expected.eq(rounds), "the list is not the open audits, each once");
		ensure!(
			open.iter().map(|entry| (entry.due, entry.round)).is_sorted(),
			"the list is not in the order of what is due"
		);
		for entry in &open {
			let Some(audit) = audits.get(&entry.round) else { continue };
			let is_due = match audit.stage {
				Stage::Commit { until } | Stage::Reveal { until } => {
					entry.due == until.saturating_add(1u32.into())
				}
				Stage::AwaitingDraw | Stage::Closed { .. } => true,
			};
			ensure!(is_due, "an audit is not due right after its phase");
		}
		Ok(())
	}

	/// 2. What is over is kept in the order in which it ended.
	fn check_concluded(audits: &All<T>) -> Result<(), DispatchError> {
		let (first, next) = (FirstConcluded::<T>::get(), NextConcluded::<T>::get());
		let concluded = Concluded::<T>::iter().collect::<BTreeMap<_, _>>();
		ensure!(concluded.keys().copied().eq(first..next), "places of audits that are over have gaps");
		let rounds = concluded.values().copied().collect::<BTreeSet<_>>();
		let expected = audits.iter().filter(|(_, audit)| !audit.is_open()).map(|(round, _)| *round);
		ensure!(
			rounds.len() == concluded.len() && expected.eq(rounds),
			"what is over is not listed, each audit once"
		);
		let ended = concluded.values().filter_map(|round| match audits.get(round)?.stage {
			Stage::Closed { at, .. } => Some(at),
			_ => None,
		});
		ensure!(ended.is_sorted(), "what is over is not in the order in which it ended");
		Ok(())
	}

	/// 3. Auditors are distinct others, and have a sample.
	fn check_auditors(audits: &All<T>) -> Result<(), DispatchError> {
		for audit in audits.values() {
			let auditors = audit.auditors.iter().map(|seat| &seat.member).collect::<BTreeSet<_>>();
			ensure!(auditors.len() == audit.auditors.len(), "an auditor has two seats in an audit");
			ensure!(
				!auditors.contains(&audit.trainer)
					&& !audit.sources.iter().any(|source| auditors.contains(&source.contributor)),
				"who made or gave what a manifest is of audits it"
			);
			ensure!(
				auditors.is_empty() == audit.sample.is_empty(),
				"auditors have no sample, or nobody has one"
			);
			ensure!(!audit.is_engaged() || !auditors.is_empty(), "a phase of auditors has none");
			ensure!(
				audit.stage != Stage::AwaitingDraw || auditors.is_empty(),
				"auditors are there before the draw"
			);
			let steps = audit.manifest.steps;
			ensure!(
				audit.sample.iter().all(|batch| *batch < steps)
					&& audit.sample.windows(2).all(|pair| pair.first() < pair.last()),
				"a sample is not of distinct batches of the run"
			);
		}
		Ok(())
	}

	/// 4. What stages have and have not.
	fn check_stages(audits: &All<T>) -> Result<(), DispatchError> {
		for audit in audits.values() {
			let commitments =
				audit.auditors.iter().filter_map(|seat| seat.commitment).collect::<BTreeSet<_>>();
			let committed = audit.auditors.iter().filter(|seat| seat.commitment.is_some()).count();
			ensure!(commitments.len() == committed, "two auditors have the same commitment");
			let is_early = matches!(audit.stage, Stage::Commit { .. });
			ensure!(
				audit
					.auditors
					.iter()
					.all(|seat| seat.finding.is_none() || (!is_early && seat.commitment.is_some())),
				"an auditor revealed too early, or what it did not commit to"
			);
			ensure!(
				!matches!(audit.stage, Stage::Reveal { .. }) || audit.has_quorum_of_commitments(),
				"a reveal phase has no quorum of commitments"
			);
			let is_pending = matches!(audit.stage, Stage::Closed { outcome: AuditOutcome::Pending, .. });
			ensure!(!is_pending, "an audit that is over has no outcome");
		}
		Ok(())
	}

	/// 5. Weights of datasets add up to one, and of each is known what it was.
	fn check_sources(audits: &All<T>) -> Result<(), DispatchError> {
		for audit in audits.values() {
			ensure!(audit.manifest.check().is_ok(), "a manifest breaks its rules");
			ensure!(
				audit.sources.len() == audit.manifest.datasets.len(),
				"a manifest has other datasets than sources"
			);
		}
		Ok(())
	}

	/// 6. Who is banned has an audit that did not match.
	fn check_bans(audits: &All<T>) -> Result<(), DispatchError> {
		let caught = audits
			.values()
			.filter(|audit| matches!(audit.outcome(), AuditOutcome::Mismatch { .. }))
			.map(|audit| &audit.trainer)
			.collect::<BTreeSet<_>>();
		let banned = BannedUntil::<T>::iter_keys().collect::<Vec<_>>();
		ensure!(
			banned.iter().all(|who| caught.contains(who)),
			"who is banned has no audit that did not match"
		);
		Ok(())
	}

	/// 7. Terms that are kept ask for something.
	fn check_terms() -> Result<(), DispatchError> {
		let is_default = Terms::<T>::iter_values().any(|terms| terms == DataTerms::default());
		ensure!(!is_default, "terms that ask for nothing are in storage");
		Ok(())
	}

	/// 8. The parameters are valid.
	fn check_parameters() -> Result<(), DispatchError> {
		Ok(Parameters::<T>::get().validate::<T>()?)
	}
}
