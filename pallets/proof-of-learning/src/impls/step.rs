//! Every way that a deadline or the last commitment or reveal can go, with its weight.

use crate::{weights::WeightInfo, Config};
use blyan_primitives::{dag::MAX_BLOCKS, learning::Purpose, sealed::MAX_LOTS, worker::reads_of_associates};
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
	/// A committee was drawn, and sealed lots.
	LotsDrawn,
	/// A committee was to be had, and too few sealed lots: tried again later, or once too often and closed.
	LotsWanting {
		/// How many blocks.
		blocks: u32,
	},
	/// Lots that were not opened, or no good, are void, if any, and the round goes on, restarts or is closed.
	LotsVoided {
		/// How many lots.
		lots: u32,
		/// How many blocks.
		blocks: u32,
	},
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
	/// Closed: a canary.
	Canary {
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
		let admitted = if self.may_close() { T::WeightInfo::admit() } else { Weight::zero() };
		// Whoever looks at manifests is told that the round is open, or how it closed.
		let of_manifest = T::DbWeight::get().reads_writes(2, 2);
		self.own_weight::<T>().saturating_add(admitted).saturating_add(of_manifest)
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
			Step::LotsDrawn => T::WeightInfo::draw().saturating_add(T::WeightInfo::draw_lots()),
			Step::LotsWanting { blocks } => {
				let draw = T::WeightInfo::draw().saturating_add(T::WeightInfo::draw_lots());
				draw.saturating_add(Step::DrawAbandoned { blocks }.weight::<T>())
			}
			Step::LotsVoided { lots, blocks } => {
				let steps = [Step::Restarted, Step::Inconclusive { blocks }];
				let on = Self::max_of::<T>(&steps).max(T::WeightInfo::open_commit());
				on.saturating_add(T::WeightInfo::void_lot().saturating_mul(lots.into()))
			}
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
			// Besides a rejection a claim accrues: one of many that an acceptance makes.
			Step::Canary { blocks } => Self::accepted_for_fee::<T>(blocks),
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
			Step::LotsVoided { lots: 1, blocks },
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
			Step::LotsVoided { lots: 1, blocks },
			Step::Accepted { blocks },
			Step::AcceptedForFee { blocks },
			Step::Migrated { blocks },
			Step::Canary { blocks },
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
			Step::LotsDrawn,
			Step::LotsWanting { blocks },
			Step::Outdated { blocks },
			Step::DrawAbandoned { blocks },
			Step::Replaced,
			Step::NotReplaced { blocks },
		]);
		Self::max_of::<T>(&[Step::Nothing, Step::AbsentRemoved, Step::LotsVoided { lots: MAX_LOTS, blocks }])
			.max(draw.saturating_add(Self::apart_weight::<T>(&Purpose::Rollback)))
			.max(Self::max_commit_close_weight::<T>())
			.max(Self::max_reveal_close_weight::<T>())
			.max(Self::max_settle_weight::<T>())
	}

	fn max_of<T: Config>(steps: &[Step]) -> Weight {
		steps.iter().fold(Weight::zero(), |most, step| most.max(step.weight::<T>()))
	}
}
