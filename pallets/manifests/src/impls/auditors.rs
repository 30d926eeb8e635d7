//! Auditors: drawing them and their sample, and what they come to.

use crate::{impls::step::Step, types::*, Config, Event, Pallet, Parameters};
use blyan_primitives::{
	manifest::{self, AuditOutcome, ManifestFinding},
	panel::{self, PanelSeat},
	traits::{AuditRewards, AuditedWork, WorkerRegistry},
	worker::{Fault, Role},
	Hash,
};
use codec::Encode;
use polkadot_sdk::{
	frame_support::{traits::Randomness, BoundedVec},
	frame_system,
	sp_runtime::traits::{BlakeTwo256, Hash as _, Saturating},
};

impl<T: Config> Pallet<T> {
	/// Draws auditors from randomness that did not exist when the attempt began, or tries again later.
	pub(crate) fn try_draw(round: RoundId, audit: &mut AuditOf<T>) -> Step {
		let subject = (b"blyan/manifest", round, audit.attempt).encode();
		match T::Randomness::random(&subject) {
			(Some(randomness), known_since) if known_since > audit.attempt_since => {
				Self::draw_auditors(round, audit, randomness)
			}
			_ => Self::postpone_draw(round, audit, PostponeReason::NoRandomness),
		}
	}

	/// Draws auditors and their sample from that randomness; never the trainer, nor who is to be paid for the data.
	pub(crate) fn draw_auditors(round: RoundId, audit: &mut AuditOf<T>, randomness: Hash) -> Step {
		let parameters = Parameters::<T>::get();
		let seed = BlakeTwo256::hash_of(&(b"blyan/manifest-seed", randomness, round, audit.attempt));
		let mut excluded =
			audit.sources.iter().map(|source| source.contributor.clone()).collect::<alloc::vec::Vec<_>>();
		excluded.push(audit.trainer.clone());
		let drawn = T::Workers::draw(Role::Auditor, parameters.auditors, seed, &excluded);
		let auditors = match AuditorsOf::<T>::try_from(drawn) {
			Ok(auditors) if auditors.len() as u32 == parameters.auditors => auditors,
			Ok(few) => {
				few.iter().for_each(T::Workers::release);
				return Self::postpone_draw(round, audit, PostponeReason::TooFewAuditors);
			}
			// `validate` bounds the number that is asked for.
			Err(many) => {
				many.iter().for_each(T::Workers::release);
				return Self::postpone_draw(round, audit, PostponeReason::TooFewAuditors);
			}
		};
		let now = frame_system::Pallet::<T>::block_number();
		let until = now.saturating_add(parameters.commit_blocks.into());
		let sample = manifest::sample(seed, audit.manifest.steps, parameters.sample, parameters.min_sample);
		audit.sample = BoundedVec::truncate_from(sample);
		audit.auditors = BoundedVec::truncate_from(auditors.iter().cloned().map(PanelSeat::new).collect());
		audit.stage = Stage::Commit { until };
		Self::reschedule(round, until.saturating_add(1u32.into()));
		Self::deposit_event(Event::AuditorsDrawn {
			round,
			attempt: audit.attempt,
			auditors,
			batches: audit.sample.len() as u32,
			commit_until: until,
		});
		Step::Drawn
	}

	/// Tries again later, and at last no more.
	fn postpone_draw(round: RoundId, audit: &mut AuditOf<T>, reason: PostponeReason) -> Step {
		let parameters = Parameters::<T>::get();
		audit.draw_tries = audit.draw_tries.saturating_add(1);
		if audit.draw_tries >= parameters.max_draw_tries {
			Self::close(round, audit, AuditOutcome::Undecided);
			return Step::DrawAbandoned;
		}
		let now = frame_system::Pallet::<T>::block_number();
		let retry_at = now.saturating_add(parameters.draw_delay.into());
		Self::reschedule(round, retry_at);
		Self::deposit_event(Event::DrawPostponed { round, reason, retry_at });
		Step::Drawn
	}

	/// Ends the commit phase.
	pub(crate) fn close_commit(round: RoundId, audit: &mut AuditOf<T>) -> Step {
		if !audit.has_quorum_of_commitments() {
			// Reveals could not make a quorum any more.
			return Self::restart(round, audit);
		}
		let now = frame_system::Pallet::<T>::block_number();
		let until = now.saturating_add(Parameters::<T>::get().reveal_blocks.into());
		audit.stage = Stage::Reveal { until };
		Self::reschedule(round, until.saturating_add(1u32.into()));
		Self::deposit_event(Event::RevealOpened { round, until });
		Step::RevealOpened
	}

	/// Ends the reveal phase: what two thirds of all who were drawn found, exactly the same, decides.
	pub(crate) fn close_reveal(round: RoundId, audit: &mut AuditOf<T>) -> Step {
		let Some(agreed) = panel::agreed(&audit.auditors).copied() else {
			return Self::restart(round, audit);
		};
		Self::note_absent(round, audit);
		let fee = Parameters::<T>::get().fee;
		for seat in &audit.auditors {
			let Some(finding) = seat.finding else { continue };
			if finding == agreed {
				T::Workers::note_honest_work(&seat.member);
				T::Audits::accrue_audit(&seat.member, fee, AuditedWork::Submission(round));
			} else if contradicts(finding, agreed) {
				Self::note_fault(round, &seat.member, Fault::OutsideTolerance);
			}
		}
		Self::close(
			round,
			audit,
			match agreed {
				ManifestFinding::Match => AuditOutcome::Verified,
				ManifestFinding::Mismatch { batch } => AuditOutcome::Mismatch { batch },
				ManifestFinding::Unfetchable => AuditOutcome::Unfetchable,
			},
		);
		Step::Closed
	}

	/// Begins anew with other auditors and another sample, or ends undecided. Who is in the minority is not
	/// blamed, for there is no quorum.
	pub(crate) fn restart(round: RoundId, audit: &mut AuditOf<T>) -> Step {
		Self::note_absent(round, audit);
		let parameters = Parameters::<T>::get();
		let attempt = audit.attempt.saturating_add(1);
		if attempt >= parameters.max_attempts {
			Self::close(round, audit, AuditOutcome::Undecided);
			return Step::Restarted;
		}
		Self::release_auditors(audit);
		let now = frame_system::Pallet::<T>::block_number();
		audit.auditors = BoundedVec::new();
		audit.sample = BoundedVec::new();
		audit.stage = Stage::AwaitingDraw;
		audit.attempt = attempt;
		audit.attempt_since = now;
		audit.draw_tries = 0;
		Self::reschedule(round, now.saturating_add(parameters.draw_delay.into()));
		Self::deposit_event(Event::AuditRestarted { round, attempt });
		Step::Restarted
	}

	/// Blames who did not do what it had the chance to do in the phase that ends.
	fn note_absent(round: RoundId, audit: &AuditOf<T>) {
		let had_to_reveal = matches!(audit.stage, Stage::Reveal { .. });
		for (who, fault) in panel::absent(&audit.auditors, had_to_reveal) {
			Self::note_fault(round, who, fault);
		}
	}

	fn note_fault(round: RoundId, auditor: &T::AccountId, fault: Fault) {
		let slashed = T::Workers::note_fault(auditor, fault);
		Self::deposit_event(Event::AuditorFaulted { round, auditor: auditor.clone(), fault, slashed });
	}

	/// Ends the engagement of the auditors. Whoever calls this takes the audit to a stage without any.
	pub(crate) fn release_auditors(audit: &AuditOf<T>) {
		if audit.is_engaged() {
			audit.auditors.iter().for_each(|seat| T::Workers::release(&seat.member));
		}
	}
}

/// Whether who found the one cannot be right where a quorum found the other. Unable is not a vote: what one cannot
/// fetch another may, or may no more.
fn contradicts(finding: ManifestFinding, agreed: ManifestFinding) -> bool {
	finding != agreed && ![finding, agreed].contains(&ManifestFinding::Unfetchable)
}
