//! Every way that a deadline can go, with its weight.

use crate::{weights::WeightInfo, Config};
use blyan_primitives::worker::reads_of_associates;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};

/// Most accounts that are excluded from a draw: the committee and the parties.
const MOST_EXCLUDED: u32 = 32;

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
			Step::Drawn => Self::draw_weight::<T>(),
			Step::DrawAbandoned => Self::draw_weight::<T>().saturating_add(T::WeightInfo::conclude()),
			Step::RevealOpened => T::WeightInfo::open_reveal(),
			Step::Restarted => T::WeightInfo::restart(),
			Step::Concluded => T::WeightInfo::conclude(),
		}
	}

	/// Drawing, and keeping associates of the parties and of one another apart.
	fn draw_weight<T: Config>() -> Weight {
		T::WeightInfo::draw().saturating_add(
			T::DbWeight::get().reads(reads_of_associates(T::MaxReferees::get(), MOST_EXCLUDED)),
		)
	}

	/// The most that anything due can take.
	pub(crate) fn max_weight<T: Config>() -> Weight {
		[Step::DrawAbandoned, Step::RevealOpened, Step::Restarted]
			.into_iter()
			.fold(Weight::zero(), |most, step| most.max(step.weight::<T>()))
	}
}
