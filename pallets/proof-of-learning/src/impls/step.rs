//! Every way that a deadline or the last commitment or reveal can go, with its weight.

use crate::{weights::WeightInfo, Config};
use blyan_primitives::dag::MAX_BLOCKS;
use polkadot_sdk::frame_support::{traits::Get, weights::Weight};

/// What became of a round that something was due for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step {
	/// There was no such round.
	Nothing,
	/// No committee could be drawn yet.
	Postponed,
	/// No committee could be drawn, once too often: closed without a verdict.
	DrawAbandoned {
		/// How many.
		blocks: u32,
	},
	/// The model was changed under the blocks: closed without a verdict.
	Outdated {
		/// How many.
		blocks: u32,
	},
	/// A committee was drawn.
	Drawn,
	/// Commitments are in.
	RevealOpened,
	/// What a quorum measured may be contested.
	ContestOpened,
	/// Not settled yet, for a dispute is not decided.
	Held,
	/// The attempt came to nothing.
	Restarted,
	/// Closed: the blocks are heads.
	Accepted {
		/// How many.
		blocks: u32,
	},
	/// Closed: the blocks are heads, and the trainer paid for the measurement.
	AcceptedForFee {
		/// How many.
		blocks: u32,
	},
	/// Closed: the architecture has changed.
	Migrated {
		/// How many blocks it took.
		blocks: u32,
	},
	/// Closed: measured, and rejected by the gate.
	Rejected {
		/// How many.
		blocks: u32,
	},
	/// Closed: could not be measured through the trainer's fault.
	Forfeited {
		/// How many.
		blocks: u32,
	},
	/// Closed without a verdict on the blocks.
	Inconclusive {
		/// How many.
		blocks: u32,
	},
	/// Closed without a verdict, because the graph refused what the gate accepted.
	AcceptanceFailed {
		/// How many.
		blocks: u32,
	},
}

impl Step {
	/// What it took; with what [`Config::Manifests`] does when a round closes, whether it did or not.
	pub(crate) fn weight<T: Config>(self) -> Weight {
		let of_manifest = T::DbWeight::get().reads_writes(2, 2);
		let of_round =
			match self {
				// One read that found nothing.
				Step::Nothing => T::WeightInfo::serve_slot(),
				Step::Postponed => T::WeightInfo::postpone_draw(),
				Step::DrawAbandoned { blocks } => T::WeightInfo::postpone_draw()
					.saturating_add(T::WeightInfo::conclude_without_verdict(blocks)),
				Step::Outdated { blocks } => {
					T::WeightInfo::draw().saturating_add(T::WeightInfo::conclude_without_verdict(blocks))
				}
				Step::Drawn => T::WeightInfo::draw(),
				Step::RevealOpened => T::WeightInfo::open_reveal(),
				Step::ContestOpened => T::WeightInfo::open_contest(),
				// The round is read and written, as where reveals are opened.
				Step::Held => T::WeightInfo::open_reveal(),
				Step::Restarted => T::WeightInfo::restart(),
				Step::Accepted { blocks } => T::WeightInfo::accept(blocks),
				Step::AcceptedForFee { blocks } => Self::accepted_for_fee::<T>(blocks),
				// At most as many components are taken out as there are blocks, and that takes less than a head.
				Step::Migrated { blocks } => {
					Self::accepted_for_fee::<T>(blocks).saturating_add(T::WeightInfo::accept(blocks))
				}
				Step::Rejected { blocks } => T::WeightInfo::reject(blocks),
				Step::Forfeited { blocks } => T::WeightInfo::forfeit(blocks),
				Step::Inconclusive { blocks } => T::WeightInfo::conclude_without_verdict(blocks),
				Step::AcceptanceFailed { blocks } => T::WeightInfo::accept(blocks)
					.saturating_add(T::WeightInfo::conclude_without_verdict(blocks)),
			};
		of_round.saturating_add(of_manifest)
	}

	/// Accepting, and besides what a rejection pays.
	fn accepted_for_fee<T: Config>(blocks: u32) -> Weight {
		T::WeightInfo::accept(blocks).saturating_add(T::WeightInfo::reject(blocks))
	}

	/// The most that ending the commit phase can take.
	pub(crate) fn max_commit_close_weight<T: Config>() -> Weight {
		Self::max_of::<T>(&[Step::RevealOpened, Step::Restarted, Step::Inconclusive { blocks: MAX_BLOCKS }])
	}

	/// The most that ending the reveal phase can take.
	pub(crate) fn max_reveal_close_weight<T: Config>() -> Weight {
		let blocks = MAX_BLOCKS;
		// A compaction has nothing to contest, and is settled at once.
		Self::max_of::<T>(&[
			Step::Restarted,
			Step::ContestOpened,
			Step::AcceptedForFee { blocks },
			Step::Rejected { blocks },
			Step::Forfeited { blocks },
			Step::Inconclusive { blocks },
			Step::AcceptanceFailed { blocks },
		])
	}

	/// The most that settling a round after its contest phase can take.
	fn max_settle_weight<T: Config>() -> Weight {
		let blocks = MAX_BLOCKS;
		Self::max_of::<T>(&[
			Step::Held,
			Step::Restarted,
			Step::Accepted { blocks },
			Step::AcceptedForFee { blocks },
			Step::Migrated { blocks },
			Step::Rejected { blocks },
			Step::Inconclusive { blocks },
			Step::AcceptanceFailed { blocks },
		])
	}

	/// The most that anything due can take.
	pub(crate) fn max_weight<T: Config>() -> Weight {
		let blocks = MAX_BLOCKS;
		Self::max_of::<T>(&[Step::Nothing, Step::Outdated { blocks }, Step::DrawAbandoned { blocks }])
			.max(Self::max_commit_close_weight::<T>())
			.max(Self::max_reveal_close_weight::<T>())
			.max(Self::max_settle_weight::<T>())
	}

	fn max_of<T: Config>(steps: &[Step]) -> Weight {
		steps.iter().fold(Weight::zero(), |most, step| most.max(step.weight::<T>()))
	}
}
