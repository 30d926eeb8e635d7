//! A component's accepted blocks, in the order in which they became head.
//!
//! Each points to the one before it, and skips to one further back. The skips are those of E. W. Myers, *An
//! applicative random-access stack* (Inf. Proc. Letters 17, 1983): a new block skips over its predecessor's
//! skip and the one after that if both are of the same span, else to its predecessor. Adding costs two reads;
//! finding any element of a history of n takes O(log n).

use crate::{types::*, Blocks, Config, Heads, Pallet, RetiredHeads};
use blyan_primitives::dag::{BlockId, Generation, ModelId};

impl<T: Config> Pallet<T> {
	/// How a block stands that is accepted in `since` after `previous`, or as the first one of its component;
	/// `None` if `previous` was not accepted.
	pub(crate) fn acceptance_after(previous: Option<BlockId>, since: Generation) -> Option<Acceptance> {
		let Some(previous) = previous else { return Some(Acceptance { since, previous, skip: None }) };
		let acceptance = Self::acceptance_of(previous)?;
		let step = Skip { block: previous, span: 1 };
		let skip = match acceptance.skip {
			None => step,
			Some(first) => match Self::acceptance_of(first.block)?.skip {
				Some(second) if second.span == first.span => Skip {
					block: second.block,
					span: first.span.saturating_add(second.span).saturating_add(1),
				},
				_ => step,
			},
		};
		Some(Acceptance { since, previous: Some(previous), skip: Some(skip) })
	}

	/// The oldest block in the history of a component that became head after `generation`; `None` if none did.
	pub(crate) fn first_head_after(
		model: ModelId,
		component: u32,
		generation: Generation,
	) -> Option<(BlockRecordOf<T>, Acceptance)> {
		let is_later = |id: BlockId| {
			let record = Blocks::<T>::get(id)?;
			let acceptance = record.acceptance().filter(|found| found.since > generation)?;
			Some((record, acceptance))
		};
		let mut found = is_later(Self::last_head(model, component)?)?;
		// Each step leads to a lower `since`, so there is an end.
		while let Some(earlier) =
			found.1.skip.and_then(|skip| is_later(skip.block)).or_else(|| found.1.previous.and_then(is_later))
		{
			found = earlier;
		}
		Some(found)
	}

	/// The head of a component, or the last one that it had before a migration took it out.
	pub(crate) fn last_head(model: ModelId, component: u32) -> Option<BlockId> {
		Heads::<T>::get(model, component).or_else(|| RetiredHeads::<T>::get(model, component))
	}

	/// The head that a component had in a generation that was released, and whose architecture has it.
	pub(crate) fn head_at(model: ModelId, component: u32, generation: Generation) -> Option<BlockId> {
		match Self::first_head_after(model, component, generation) {
			Some((_, later)) => later.previous,
			None => Self::last_head(model, component),
		}
	}

	fn acceptance_of(id: BlockId) -> Option<Acceptance> {
		Blocks::<T>::get(id).and_then(|record| record.acceptance())
	}
}
