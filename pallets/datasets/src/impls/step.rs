//! Every way that a deadline can go, with its weight.

use crate::{weights::WeightInfo, Config};
use polkadot_sdk::frame_support::weights::Weight;

/// What became of a dataset that something was due for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
	/// Auditors were drawn, or will be later.
	Drawn,
	/// Auditors could not be drawn, once too often.
	DrawAbandoned,
	/// Commitments are in.
	RevealOpened,
	/// The auditors came to nothing.
	Restarted,
	/// The audit is over.
	AuditClosed,
	/// The vote is over, or goes on.
	VoteClosed,
	/// A time to appeal, or to decide on an appeal, is over.
	Lapsed,
	/// It waits for being audited again.
	RescanDue,
}

impl Step {
	const ALL: [Step; 8] = [
		Step::Drawn,
		Step::DrawAbandoned,
		Step::RevealOpened,
		Step::Restarted,
		Step::AuditClosed,
		Step::VoteClosed,
		Step::Lapsed,
		Step::RescanDue,
	];

	/// What it took.
	pub(crate) fn weight<T: Config>(self) -> Weight {
		match self {
			Step::Drawn => T::WeightInfo::draw(),
			Step::DrawAbandoned => T::WeightInfo::draw().saturating_add(T::WeightInfo::close_audit()),
			Step::RevealOpened => T::WeightInfo::open_reveal(),
			Step::Restarted => T::WeightInfo::restart(),
			Step::AuditClosed => T::WeightInfo::close_audit(),
			Step::VoteClosed => T::WeightInfo::close_vote(),
			Step::Lapsed | Step::RescanDue => T::WeightInfo::lapse(),
		}
	}

	/// The most that anything due can take.
	pub(crate) fn max_weight<T: Config>() -> Weight {
		Self::ALL.into_iter().fold(Weight::zero(), |most, step| most.max(step.weight::<T>()))
	}
}
