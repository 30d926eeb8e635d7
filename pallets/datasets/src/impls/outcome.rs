//! What follows from audits and votes: approval, rejection, quarantine, lower tiers.

use crate::{types::*, Config, Contributors, Event, LatestVersions, Line, Pallet, Parameters};
use blyan_primitives::{
	datasets::{
		best_tier, judge, score, DatasetFinding, DatasetStage, Outcome, QualityReport, Refusal, Reliability,
		Standing, Tier, PPM,
	},
	traits::{CreditReason, LearningCredits, WorkerRegistry},
};

impl<T: Config> Pallet<T> {
	/// Does what follows from an audit that is over: the first, or a later one.
	pub(crate) fn follow_audit(id: DatasetId, dataset: &mut DatasetOf<T>, finding: AuditOutcome) {
		let verdict = match finding {
			Some(DatasetFinding::Report(report)) => {
				Self::keep_report(dataset, report);
				Self::verdict_of(dataset)
			}
			Some(DatasetFinding::NotAsDeclared) => Err(Refusal::NotAsDeclared),
			Some(DatasetFinding::Unfetchable) => Err(Refusal::Unfetchable),
			None => Err(Refusal::NoAudit),
		};
		match (dataset.stage, verdict) {
			(DatasetStage::Approved { tier, .. }, Ok(best)) => {
				Self::keep_approved(id, dataset, tier.min(best))
			}
			// Nobody found anything against it.
			(DatasetStage::Approved { tier, .. }, Err(Refusal::NoAudit)) => {
				Self::keep_approved(id, dataset, tier)
			}
			(DatasetStage::Approved { tier, .. }, Err(reason)) => {
				Self::put_in_quarantine(id, dataset, tier, reason)
			}
			(_, Ok(_)) => Self::open_vote(id, dataset),
			(_, Err(reason)) => Self::reject(id, dataset, reason),
		}
	}

	fn keep_report(dataset: &mut DatasetOf<T>, report: QualityReport) {
		dataset.score = score(&report, dataset.offer.samples);
		dataset.report = Some(report);
	}

	/// The best tier that the kept report admits, whatever the votes.
	fn verdict_of(dataset: &DatasetOf<T>) -> Result<Tier, Refusal> {
		let limits = Parameters::<T>::get().limits;
		let report = dataset.report.as_ref().ok_or(Refusal::NoAudit)?;
		match judge(report, &limits) {
			Outcome::Rejected(reason) => Err(Refusal::Quality(reason)),
			Outcome::Admissible(tier) => Ok(best_tier(report, PPM, &limits).unwrap_or(tier)),
		}
	}

	/// Keeps an approved dataset approved, as that tier or a worse one, until it is audited again.
	fn keep_approved(id: DatasetId, dataset: &mut DatasetOf<T>, to: Tier) {
		if let DatasetStage::Approved { tier, .. } = &mut dataset.stage {
			if to < *tier {
				Self::deposit_event(Event::TierLowered { dataset: id, from: *tier, to });
				*tier = to;
			}
		}
		let again = Self::now().saturating_add(Parameters::<T>::get().rescan_blocks);
		Self::schedule(id, dataset, again);
	}

	/// Lets models learn from a dataset.
	pub(crate) fn approve(id: DatasetId, dataset: &mut DatasetOf<T>, tier: Tier) {
		let now = Self::now();
		let contributor = dataset.contributor.clone();
		dataset.stage = DatasetStage::Approved { tier, since: now };
		Self::schedule(id, dataset, now.saturating_add(Parameters::<T>::get().rescan_blocks));
		LatestVersions::<T>::mutate(&contributor, &dataset.offer.name, |latest| {
			*latest = (*latest).max(Some(dataset.offer.version));
		});
		Self::deposit_event(Event::DatasetApproved {
			dataset: id,
			contributor: contributor.clone(),
			tier,
			score: dataset.score,
		});
		Self::note_outcome(&contributor, true);
		// The entry of who has no bond would be paid by nobody.
		if tier == Tier::Gold && T::Workers::active_since(&contributor).is_some() {
			T::Credits::grant(&contributor, CreditReason::GoldDataset);
		}
	}

	/// Turns a dataset away.
	pub(crate) fn reject(id: DatasetId, dataset: &mut DatasetOf<T>, reason: Refusal) {
		let until = Self::now().saturating_add(Parameters::<T>::get().appeal_blocks);
		dataset.stage = DatasetStage::Rejected { reason, until };
		Self::schedule(id, dataset, until.saturating_add(1));
		let contributor = dataset.contributor.clone();
		Self::deposit_event(Event::DatasetRejected {
			dataset: id,
			contributor: contributor.clone(),
			reason,
			until,
		});
		if reason.is_rejection() {
			Self::note_outcome(&contributor, false);
		}
	}

	/// Lets models learn no more from a dataset that was approved as that.
	pub(crate) fn put_in_quarantine(id: DatasetId, dataset: &mut DatasetOf<T>, tier: Tier, reason: Refusal) {
		let until = Self::now().saturating_add(Parameters::<T>::get().appeal_blocks);
		dataset.stage = DatasetStage::Quarantined { reason, tier, until };
		Self::schedule(id, dataset, until.saturating_add(1));
		let contributor = dataset.contributor.clone();
		Self::deposit_event(Event::DatasetQuarantined {
			dataset: id,
			contributor: contributor.clone(),
			reason,
			until,
		});
		Self::note_outcome(&contributor, false);
	}

	/// Has a contributor be trusted more or less; its offers in line stand where it stands.
	fn note_outcome(who: &T::AccountId, is_approval: bool) {
		let Some((before, record)) = Contributors::<T>::mutate(who, |entry| {
			let record = entry.as_mut()?;
			let before = *record;
			let after: fn(Reliability) -> Reliability =
				if is_approval { Reliability::approved } else { Reliability::rejected };
			record.reliability = after(record.reliability);
			record.was_approved |= is_approval;
			Some((before, *record))
		}) else {
			return;
		};
		let (weight, standing) = (Self::quota(&record), record.reliability.standing);
		if weight != Self::quota(&before) || standing != before.reliability.standing {
			Line::<T>::mutate(|line| {
				for entry in line.iter_mut().filter(|entry| entry.contributor == *who) {
					(entry.weight, entry.is_newcomer) = (weight, standing == Standing::Newcomer);
				}
			});
		}
		if standing != before.reliability.standing {
			Self::deposit_event(Event::StandingChanged { contributor: who.clone(), standing });
		}
	}
}
