//! What people and workers may ask. Serves [`blyan_primitives::api::ManifestsApi`].

use crate::{types::*, Audits, Config, OpenAudits, Pallet};
use alloc::vec::Vec;
use blyan_primitives::{
	api::{AuditStage, ManifestInfo},
	manifest::{AuditOutcome, ManifestFinding},
	panel::PanelSeat,
};
use polkadot_sdk::sp_runtime::SaturatedConversion;

impl<T: Config> Pallet<T> {
	/// What the audit of a submission's manifest came to; `None` if it has none, or is not kept any more.
	pub fn outcome(round: RoundId) -> Option<AuditOutcome> {
		Audits::<T>::get(round).map(|audit| audit.outcome())
	}

	/// The manifest of a submission and its audit, while it is kept.
	pub fn manifest(round: RoundId) -> Option<ManifestInfo<T::AccountId>> {
		Audits::<T>::get(round).map(|audit| Self::describe(round, audit))
	}

	/// The audits that are not over, oldest first; those that `auditor` is drawn for, if one is named.
	pub fn audits(auditor: Option<T::AccountId>) -> Vec<ManifestInfo<T::AccountId>> {
		let open = OpenAudits::<T>::get();
		let mut rounds = open.iter().map(|entry| entry.round).collect::<Vec<_>>();
		rounds.sort_unstable();
		let is_wanted = |info: &ManifestInfo<T::AccountId>| {
			auditor.as_ref().is_none_or(|auditor| info.auditors.contains(auditor))
		};
		rounds.into_iter().filter_map(Self::manifest).filter(is_wanted).collect()
	}

	fn describe(round: RoundId, audit: AuditOf<T>) -> ManifestInfo<T::AccountId> {
		let stage = match audit.stage {
			Stage::AwaitingDraw => AuditStage::AwaitingDraw,
			Stage::Commit { until } => AuditStage::Commit { until: until.saturated_into() },
			Stage::Reveal { until } => AuditStage::Reveal { until: until.saturated_into() },
			Stage::Closed { outcome, .. } => AuditStage::Closed(outcome),
		};
		let auditors = |did: fn(&PanelSeat<T::AccountId, ManifestFinding>) -> bool| {
			audit.auditors.iter().filter(|seat| did(seat)).map(|seat| seat.member.clone()).collect()
		};
		ManifestInfo {
			round,
			model: audit.model,
			binding: audit.binding,
			attempt: audit.attempt,
			auditors: auditors(|_| true),
			committed: auditors(|seat| seat.commitment.is_some()),
			revealed: audit
				.auditors
				.iter()
				.filter_map(|seat| seat.finding.map(|finding| (seat.member.clone(), finding)))
				.collect(),
			trainer: audit.trainer,
			dataset_bytes: audit.sources.iter().map(|source| source.bytes).collect(),
			contributors: audit
				.sources
				.into_iter()
				.zip(&audit.manifest.datasets)
				.map(|(source, used)| (source.contributor, used.weight))
				.collect(),
			manifest: audit.manifest,
			sample: audit.sample.into_inner(),
			stage,
		}
	}
}
