//! The open rounds, read page by page without reading closed ones again.

use blyan_chain_client::{Chain, ChainError, FinalizedBlock, FinalizedBlocks};
use blyan_primitives::{
	api::{RoundInfo, RoundPhase, MAX_PAGE},
	dag::SubmissionId,
	AccountId,
};
use futures::{FutureExt, StreamExt};

/// Remembers where the open rounds begin.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenRounds {
	/// Every round below is closed.
	first: SubmissionId,
}

impl OpenRounds {
	/// Every round that is open, by rising number.
	///
	/// # Errors
	/// The chain cannot be read.
	pub async fn read(&mut self, chain: &dyn Chain) -> Result<Vec<RoundInfo<AccountId>>, ChainError> {
		let mut open: Vec<RoundInfo<AccountId>> = Vec::new();
		let mut next = self.first;
		loop {
			let page = chain.rounds(next, MAX_PAGE).await?;
			let Some(last) = page.last() else { break };
			next = last.id.saturating_add(1);
			open.extend(page.into_iter().filter(|round| !matches!(round.phase, RoundPhase::Closed(_))));
		}
		// A closed round stays closed in every later finalized block.
		self.first = open.first().map_or(next, |round| round.id);
		Ok(open)
	}
}

/// The next finalized block; of several that wait, the newest: what is decided is decided from the
/// chain's state, not from each block's events.
///
/// # Errors
/// The chain cannot be followed.
pub async fn newest(blocks: &mut FinalizedBlocks) -> Result<Option<FinalizedBlock>, ChainError> {
	let mut newest = match blocks.next().await {
		Some(block) => block?,
		None => return Ok(None),
	};
	while let Some(Some(block)) = blocks.next().now_or_never() {
		newest = block?;
	}
	Ok(Some(newest))
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_chain_client::fake::FakeChain;
	use blyan_primitives::learning::{Purpose, Verdict};

	fn round(id: SubmissionId, phase: RoundPhase) -> RoundInfo<AccountId> {
		RoundInfo {
			id,
			model: 0,
			trainer: AccountId::new([1; 32]),
			purpose: Purpose::Improvement,
			blocks: vec![],
			components: vec![],
			bond: 0,
			submitted_at: 0,
			attempt: 0,
			baseline: None,
			seed: None,
			pool: None,
			gate: None,
			referee: None,
			committee: vec![],
			committed: vec![],
			revealed: vec![],
			struck: vec![],
			open_disputes: 0,
			phase,
			medians: None,
		}
	}

	#[tokio::test]
	async fn open_rounds_should_skip_what_is_closed_and_find_what_is_new() {
		let chain = FakeChain::new();
		let set = |id, phase| chain.edit(|state| state.rounds.insert(id, round(id, phase)));
		let closed = RoundPhase::Closed(Verdict::Accepted);
		for id in 0..600 {
			set(id, closed);
		}
		set(300, RoundPhase::AwaitingDraw);
		let mut rounds = OpenRounds::default();
		let ids = |rounds: Vec<RoundInfo<AccountId>>| rounds.iter().map(|round| round.id).collect::<Vec<_>>();
		assert_eq!(ids(rounds.read(&chain).await.unwrap()), [300]);
		assert_eq!(rounds.first, 300);
		set(300, closed);
		assert_eq!(ids(rounds.read(&chain).await.unwrap()), [0u64; 0]);
		assert_eq!(rounds.first, 600);
		set(600, RoundPhase::Commit { until: 3 });
		assert_eq!(ids(rounds.read(&chain).await.unwrap()), [600]);
	}

	#[tokio::test]
	async fn newest_should_skip_blocks_that_are_out_of_date() {
		let chain = FakeChain::new();
		let mut blocks = chain.finalized_blocks(Some(0));
		for _ in 0..5 {
			chain.finalize(vec![]);
		}
		assert_eq!(newest(&mut blocks).await.unwrap().unwrap().number, 5);
		chain.finalize(vec![]);
		assert_eq!(newest(&mut blocks).await.unwrap().unwrap().number, 6);
	}
}
