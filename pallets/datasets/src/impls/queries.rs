//! What people and workers may ask. Serves [`blyan_primitives::api::DatasetsApi`].

use crate::{types::*, Audits, Config, Datasets, Pallet, Parameters, RunningAudits, Votes};
use alloc::vec::Vec;
use blyan_primitives::{
	api::{AuditTerms, DatasetAuditInfo, DatasetAuditPhase, DatasetRecord, DatasetStageKind, MAX_PAGE},
	datasets::DatasetFinding,
	panel::PanelSeat,
};

impl<T: Config> Pallet<T> {
	/// One dataset, while it is kept.
	pub fn dataset(id: DatasetId) -> Option<DatasetRecord<T::AccountId>> {
		Datasets::<T>::get(id).map(|dataset| Self::describe(id, dataset))
	}

	/// The kept datasets after `after`, `count` and [`MAX_PAGE`] looked at at most, of which those in that stage if one
	/// is named; and the one to go on from, if there may be more.
	pub fn kept_datasets(
		stage: Option<DatasetStageKind>,
		after: Option<DatasetId>,
		count: u32,
	) -> (Vec<DatasetRecord<T::AccountId>>, Option<DatasetId>) {
		let count = count.clamp(1, MAX_PAGE) as usize;
		let kept = match after {
			Some(after) => Datasets::<T>::iter_from(Datasets::<T>::hashed_key_for(after)),
			None => Datasets::<T>::iter(),
		};
		let page = kept.take(count).collect::<Vec<_>>();
		let next = page.last().filter(|_| page.len() == count).map(|(id, _)| *id);
		let records = page
			.into_iter()
			.filter(|(_, dataset)| stage.is_none_or(|stage| dataset.stage.kind() == stage))
			.map(|(id, dataset)| Self::describe(id, dataset))
			.collect();
		(records, next)
	}

	/// The datasets that are audited now, in the order in which that began; those that `auditor` is drawn for, if one
	/// is named.
	pub fn dataset_audits(auditor: Option<T::AccountId>) -> Vec<DatasetRecord<T::AccountId>> {
		let is_wanted = |record: &DatasetRecord<T::AccountId>| {
			let auditors = record.audit.as_ref().map(|audit| &audit.auditors);
			auditor.as_ref().is_none_or(|auditor| auditors.is_some_and(|auditors| auditors.contains(auditor)))
		};
		let running = RunningAudits::<T>::get();
		running.iter().filter_map(|entry| Self::dataset(entry.dataset)).filter(is_wanted).collect()
	}

	/// How a worker voted, while its vote is kept.
	pub fn dataset_vote(id: DatasetId, voter: T::AccountId) -> Option<bool> {
		Votes::<T>::get(id, voter).map(|vote| vote.aye)
	}

	/// What auditors are held to.
	pub fn audit_terms() -> AuditTerms {
		let DatasetParameters { rules, limits, .. } = Parameters::<T>::get();
		AuditTerms { rules, limits }
	}

	fn describe(id: DatasetId, dataset: DatasetOf<T>) -> DatasetRecord<T::AccountId> {
		let ballot = dataset.ballot;
		DatasetRecord {
			offer: dataset.offer,
			contributor: dataset.contributor,
			offered_at: dataset.offered_at,
			stage: dataset.stage,
			audit: Audits::<T>::get(id).map(describe_audit::<T>),
			report: dataset.report,
			ayes: ballot.map_or(0, |ballot| ballot.ayes),
			nays: ballot.map_or(0, |ballot| ballot.nays),
			quorum: ballot.map_or(0, |ballot| ballot.quorum),
			score: dataset.score,
		}
	}
}

fn describe_audit<T: Config>(audit: AuditOf<T>) -> DatasetAuditInfo<T::AccountId> {
	let members = |did: fn(&PanelSeat<T::AccountId, DatasetFinding>) -> bool| {
		audit.seats.iter().filter(|seat| did(seat)).map(|seat| seat.member.clone()).collect()
	};
	DatasetAuditInfo {
		audit: audit.number,
		attempt: audit.attempt,
		seed: audit.seed,
		auditors: members(|_| true),
		committed: members(|seat| seat.commitment.is_some()),
		revealed: audit
			.seats
			.iter()
			.filter_map(|seat| Some((seat.member.clone(), seat.finding.clone()?)))
			.collect(),
		phase: match audit.phase {
			Phase::AwaitingDraw => DatasetAuditPhase::AwaitingDraw,
			Phase::Commit { until } => DatasetAuditPhase::Commit { until },
			Phase::Reveal { until } => DatasetAuditPhase::Reveal { until },
		},
	}
}
