//! Every way that a deadline can go, with its weight.

use crate::{weights::WeightInfo, Config};
use polkadot_sdk::frame_support::weights::Weight;

/// What became of an audit that something was due for.
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
	Closed,
}

impl Step {
	/// What it took.
	pub(crate) fn weight<T: Config>(self) -> Weight {
		match self {
			Step::Drawn => T::WeightInfo::draw(),
			Step::DrawAbandoned => T::WeightInfo::draw().saturating_add(T::WeightInfo::close()),
			Step::RevealOpened => T::WeightInfo::open_reveal(),
			Step::Restarted => T::WeightInfo::restart(),
			Step::Closed => T::WeightInfo::close(),
		}
	}

	/// The most that anything due can take.
	pub(crate) fn max_weight<T: Config>() -> Weight {
		[Step::DrawAbandoned, Step::RevealOpened, Step::Restarted]
			.into_iter()
			.fold(Weight::zero(), |most, step| most.max(step.weight::<T>()))
	}
}
