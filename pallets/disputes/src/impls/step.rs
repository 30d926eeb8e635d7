//! Every way that a deadline can go, with its weight.

use crate::{weights::WeightInfo, Config};
use polkadot_sdk::frame_support::weights::Weight;

/// What became of a dispute that something was due for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
	/// Referees were drawn, or will be later.
	Drawn,
	/// Referees could not be drawn, once too often.
	DrawAbandoned,
	/// Commitments are in.
	RevealOpened,
	/// The referees came to nothing.
	Restarted,
	/// The dispute is over.
	Concluded,
}

impl Step {
	/// What it took.
	pub(crate) fn weight<T: Config>(self) -> Weight {
		match self {
			Step::Drawn => T::WeightInfo::draw(),
			Step::DrawAbandoned => T::WeightInfo::draw().saturating_add(T::WeightInfo::conclude()),
			Step::RevealOpened => T::WeightInfo::open_reveal(),
			Step::Restarted => T::WeightInfo::restart(),
			Step::Concluded => T::WeightInfo::conclude(),
		}
	}

	/// The most that anything due can take.
	pub(crate) fn max_weight<T: Config>() -> Weight {
		[Step::DrawAbandoned, Step::RevealOpened, Step::Restarted]
			.into_iter()
			.fold(Weight::zero(), |most, step| most.max(step.weight::<T>()))
	}
}
