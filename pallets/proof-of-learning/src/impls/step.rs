//! Every way that a deadline or the last commitment or reveal can go, with its weight.

use crate::{weights::WeightInfo, Config};
use blyan_primitives::{dag::MAX_BLOCKS, learning::Purpose, worker::reads_of_associates};
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
	/// Too few committed: the seats of the others will be drawn again.
	AbsentRemoved,
	/// Others were drawn for them.
	Replaced,
	/// Others could not be drawn: the attempt is over, or the round.
	NotReplaced {
		/// How many blocks it has.
		blocks: u32,
	},
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
	/// What it took.
	pub(crate) fn weight<T: Config>(self) -> Weight {
		let admitted = if self.may_close() { T::WeightInfo::admit() } else { Weight::zero() };
		self.own_weight::<T>().saturating_add(admitted)
	}

	/// Whether the round may be closed by it, so that others are admitted.
	fn may_close(self) -> bool {
		!matches!(
			self,
			Step::Nothing
				| Step::Postponed
				| Step::Drawn
				| Step::AbsentRemoved
				| Step::Replaced
				| Step::RevealOpened
				| Step::ContestOpened
				| Step::Held | Step::Restarted
		)
	}

	/// What keeping associates apart takes in a draw, besides what drawing takes; of a rollback, finding who made
	/// what it takes back too: the candidates, what they name, 64 heads after those, and a path to the root for
	/// each trainer.
	pub(crate) fn apart_weight<T: Config>(purpose: &Purpose) -> Weight {
		const READS_OF_ONE_TAKEN_BACK: u64 = 3 + 18;
		let size = T::MaxCommittee::get();
		let (parties, reads) = match purpose {
			Purpose::Rollback => (MAX_BLOCKS, u64::from(MAX_BLOCKS).saturating_mul(READS_OF_ONE_TAKEN_BACK)),
			_ => (0, 0),
		};
		// The trainer, and of a replacement who is seated and who was.
		let excluded = parties.saturating_add(1).saturating_add(size.saturating_mul(2));
		T::DbWeight::get().reads(reads.saturating_add(reads_of_associates(size, excluded)))
	}

	fn own_weight<T: Config>(self) -> Weight {
		match self {
			// One read that found nothing.
			Step::Nothing => T::WeightInfo::serve_slot(),
			Step::Postponed => T::WeightInfo::postpone_draw(),
			Step::DrawAbandoned { blocks } => {
				T::WeightInfo::postpone_draw().saturating_add(T::WeightInfo::conclude_without_verdict(blocks))
			}
			Step::Outdated { blocks } => {
				T::WeightInfo::draw().saturating_add(T::WeightInfo::conclude_without_verdict(blocks))
			}
			Step::Drawn => T::WeightInfo::draw(),
			Step::AbsentRemoved => T::WeightInfo::remove_absent(),
			Step::Replaced => T::WeightInfo::replace_absent(),
			Step::NotReplaced { blocks } => T::WeightInfo::replace_absent()
				.saturating_add(T::WeightInfo::restart())
				.saturating_add(T::WeightInfo::conclude_without_verdict(blocks)),
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
			Step::AcceptanceFailed { blocks } => {
				T::WeightInfo::accept(blocks).saturating_add(T::WeightInfo::conclude_without_verdict(blocks))
			}
		}
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

	/// The most that serving a round that something is due for can take.
	pub(crate) fn max_due_weight<T: Config>() -> Weight {
		let blocks = MAX_BLOCKS;
		let draw = Self::max_of::<T>(&[
			Step::Drawn,
			Step::Postponed,
			Step::Outdated { blocks },
			Step::DrawAbandoned { blocks },
			Step::Replaced,
			Step::NotReplaced { blocks },
		]);
		Self::max_of::<T>(&[Step::Nothing, Step::AbsentRemoved])
			.max(draw.saturating_add(Self::apart_weight::<T>(&Purpose::Rollback)))
			.max(Self::max_commit_close_weight::<T>())
			.max(Self::max_reveal_close_weight::<T>())
			.max(Self::max_settle_weight::<T>())
	}

	fn max_of<T: Config>(steps: &[Step]) -> Weight {
		steps.iter().fold(Weight::zero(), |most, step| most.max(step.weight::<T>()))
	}
}
