//! Auditors: drawing them and their sample, and what they come to.

use crate::{impls::step::Step, types::*, Config, Event, Pallet, Parameters};
use alloc::vec::Vec;
use blyan_primitives::{
	datasets::{medians, DatasetFinding, QualityReport},
	panel::{self, PanelSeat},
	traits::{AuditRewards, AuditedWork, WorkerRegistry},
	worker::{Fault, Role},
	Hash,
};
use codec::Encode;
use polkadot_sdk::{
	frame_support::{traits::Randomness, BoundedVec},
	sp_runtime::{
		traits::{BlakeTwo256, Hash as _},
		SaturatedConversion,
	},
};

impl<T: Config> Pallet<T> {
	/// Draws auditors from randomness that did not exist when the attempt began, or tries again later.
	pub(crate) fn try_draw(id: DatasetId, dataset: &mut DatasetOf<T>, audit: &mut AuditOf<T>) -> Step {
		let subject = (b"blyan/dataset", id, audit.number, audit.attempt).encode();
		match T::Randomness::random(&subject) {
			(Some(randomness), known_since) if known_since.saturated_into::<u32>() > audit.attempt_since => {
				Self::draw_auditors(id, dataset, audit, randomness)
			}
			_ => Self::postpone_draw(id, dataset, audit, PostponeReason::NoRandomness),
		}
	}

	/// Draws auditors and the seed of their sample from that randomness; never the contributor, nor its declared
	/// associates.
	pub(crate) fn draw_auditors(
		id: DatasetId,
		dataset: &mut DatasetOf<T>,
		audit: &mut AuditOf<T>,
		randomness: Hash,
	) -> Step {
		let parameters = Parameters::<T>::get();
		let seed =
			BlakeTwo256::hash_of(&(b"blyan/dataset-seed", randomness, id, audit.number, audit.attempt));
		let excluded = [dataset.contributor.clone()];
		let drawn = T::Workers::draw(Role::Auditor, parameters.auditors, seed, &excluded);
		let auditors = match AuditorsOf::<T>::try_from(drawn) {
			Ok(auditors) if auditors.len() as u32 == parameters.auditors => auditors,
			Ok(few) => {
				few.iter().for_each(T::Workers::release);
				return Self::postpone_draw(id, dataset, audit, PostponeReason::TooFewAuditors);
			}
			// `validate` bounds the number that is asked for.
			Err(many) => {
				many.iter().for_each(T::Workers::release);
				return Self::postpone_draw(id, dataset, audit, PostponeReason::TooFewAuditors);
			}
		};
		let until = Self::now().saturating_add(parameters.commit_blocks);
		audit.seed = Some(seed);
		audit.seats = BoundedVec::truncate_from(auditors.iter().cloned().map(PanelSeat::new).collect());
		audit.phase = Phase::Commit { until };
		Self::schedule(id, dataset, until.saturating_add(1));
		Self::deposit_event(Event::AuditorsDrawn {
			dataset: id,
			audit: audit.number,
			attempt: audit.attempt,
			auditors,
			seed,
			commit_until: until,
		});
		Step::Drawn
	}

	/// Tries again later, and at last no more.
	fn postpone_draw(
		id: DatasetId,
		dataset: &mut DatasetOf<T>,
		audit: &mut AuditOf<T>,
		reason: PostponeReason,
	) -> Step {
		let parameters = Parameters::<T>::get();
		audit.draw_tries = audit.draw_tries.saturating_add(1);
		if audit.draw_tries >= parameters.max_draw_tries {
			Self::conclude_audit(id, dataset, audit, None);
			return Step::DrawAbandoned;
		}
		let retry_at = Self::now().saturating_add(parameters.draw_delay);
		Self::schedule(id, dataset, retry_at);
		Self::deposit_event(Event::DrawPostponed { dataset: id, reason, retry_at });
		Step::Drawn
	}

	/// Ends the commit phase.
	pub(crate) fn close_commit(id: DatasetId, dataset: &mut DatasetOf<T>, audit: &mut AuditOf<T>) -> Step {
		if !audit.has_quorum_of_commitments() {
			// Reveals could not make a quorum any more.
			return Self::restart(id, dataset, audit);
		}
		let until = Self::now().saturating_add(Parameters::<T>::get().reveal_blocks);
		audit.phase = Phase::Reveal { until };
		Self::schedule(id, dataset, until.saturating_add(1));
		Self::deposit_event(Event::RevealOpened { dataset: id, until });
		Step::RevealOpened
	}

	/// Ends the reveal phase: what two thirds of all who were drawn found decides.
	pub(crate) fn close_reveal(id: DatasetId, dataset: &mut DatasetOf<T>, audit: &mut AuditOf<T>) -> Step {
		let parameters = Parameters::<T>::get();
		let Some(agreed) = agreed::<T>(audit, &parameters) else {
			return Self::restart(id, dataset, audit);
		};
		Self::note_absent(id, audit);
		for seat in &audit.seats {
			let Some(finding) = &seat.finding else { continue };
			if agrees(finding, &agreed, &parameters) {
				T::Workers::note_honest_work(&seat.member);
				T::Audits::accrue_audit(&seat.member, parameters.audit_fee, AuditedWork::Dataset(id));
			} else if ![finding, &agreed].contains(&&DatasetFinding::Unfetchable) {
				// Unable is not a vote: what one cannot fetch another may, or may no more.
				Self::note_fault(id, &seat.member, Fault::OutsideTolerance);
			}
		}
		Self::conclude_audit(id, dataset, audit, Some(agreed));
		Step::AuditClosed
	}

	/// Begins anew with other auditors and another sample, or ends with nothing found. Who is in the minority is not
	/// blamed, for there is no quorum.
	fn restart(id: DatasetId, dataset: &mut DatasetOf<T>, audit: &mut AuditOf<T>) -> Step {
		Self::note_absent(id, audit);
		let parameters = Parameters::<T>::get();
		let attempt = audit.attempt.saturating_add(1);
		if attempt >= parameters.max_attempts {
			Self::conclude_audit(id, dataset, audit, None);
			return Step::AuditClosed;
		}
		Self::release_auditors(audit);
		audit.seed = None;
		audit.phase = Phase::AwaitingDraw;
		audit.attempt = attempt;
		audit.attempt_since = Self::now();
		audit.draw_tries = 0;
		let draw_at = audit.attempt_since.saturating_add(parameters.draw_delay);
		Self::schedule(id, dataset, draw_at);
		Self::deposit_event(Event::AuditRestarted { dataset: id, attempt });
		Step::Restarted
	}

	/// Ends an audit, and does what follows from it.
	fn conclude_audit(
		id: DatasetId,
		dataset: &mut DatasetOf<T>,
		audit: &mut AuditOf<T>,
		finding: AuditOutcome,
	) {
		Self::release_auditors(audit);
		Self::end_audit(id);
		Self::deposit_event(Event::AuditClosed {
			dataset: id,
			audit: audit.number,
			finding: finding.clone(),
		});
		Self::follow_audit(id, dataset, finding);
	}

	/// Blames who did not do what it had the chance to do in the phase that ends.
	fn note_absent(id: DatasetId, audit: &AuditOf<T>) {
		let had_to_reveal = matches!(audit.phase, Phase::Reveal { .. });
		for (who, fault) in panel::absent(&audit.seats, had_to_reveal) {
			Self::note_fault(id, who, fault);
		}
	}

	fn note_fault(id: DatasetId, auditor: &T::AccountId, fault: Fault) {
		let slashed = T::Workers::note_fault(auditor, fault);
		Self::deposit_event(Event::AuditorFaulted { dataset: id, auditor: auditor.clone(), fault, slashed });
	}

	/// Ends the engagement of the auditors.
	pub(crate) fn release_auditors(audit: &mut AuditOf<T>) {
		audit.seats.iter().for_each(|seat| T::Workers::release(&seat.member));
		audit.seats = BoundedVec::new();
	}
}

/// What a quorum of all who were drawn found: the same of what is no report, or reports within the tolerance of the
/// medians of all reports.
fn agreed<T: Config>(audit: &AuditOf<T>, parameters: &DatasetParameters) -> Option<DatasetFinding> {
	let found = || audit.seats.iter().filter_map(|seat| seat.finding.as_ref());
	let reports = found()
		.filter_map(|finding| match finding {
			DatasetFinding::Report(report) => Some(report.clone()),
			DatasetFinding::NotAsDeclared | DatasetFinding::Unfetchable => None,
		})
		.collect::<Vec<_>>();
	[
		Some(DatasetFinding::NotAsDeclared),
		Some(DatasetFinding::Unfetchable),
		medians(&reports).map(DatasetFinding::Report),
	]
	.into_iter()
	.flatten()
	.find(|candidate| {
		found().filter(|finding| agrees(finding, candidate, parameters)).count() >= audit.quorum()
	})
}

/// Whether a finding is what a quorum found, within the tolerance.
fn agrees(finding: &DatasetFinding, agreed: &DatasetFinding, parameters: &DatasetParameters) -> bool {
	match (finding, agreed) {
		(DatasetFinding::Report(report), DatasetFinding::Report(medians)) => {
			is_within(report, medians, parameters)
		}
		_ => finding == agreed,
	}
}

/// Whether a report is what the medians are: within the tolerances where auditors may differ, and exactly elsewhere.
fn is_within(report: &QualityReport, medians: &QualityReport, parameters: &DatasetParameters) -> bool {
	let against_others = |report: &QualityReport| {
		[report.exact_duplicates, report.duplicates, report.known_work, report.contamination]
	};
	let are_near = against_others(report)
		.into_iter()
		.zip(against_others(medians))
		.all(|(one, other)| one.abs_diff(other) <= parameters.reference_tolerance);
	let gains = report.expected_gain.zip(medians.expected_gain);
	let is_gain_near = gains.is_none_or(|(one, other)| one.abs_diff(other) <= parameters.gain_tolerance);
	// All that is left must be the same.
	let same = QualityReport {
		exact_duplicates: medians.exact_duplicates,
		duplicates: medians.duplicates,
		known_work: medians.known_work,
		contamination: medians.contamination,
		expected_gain: medians.expected_gain,
		..report.clone()
	};
	are_near && is_gain_near && same == *medians
}
