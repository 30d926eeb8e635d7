//! The proof of work that a submission or an offer carries, against spam.
//!
//! It is bound to a recent block, so that it cannot be made in advance; a search that takes long is begun anew with a
//! newer one, which loses nothing: each try has the same chance.

use blyan_chain_client::{Chain, ChainError};
use blyan_primitives::{
	api::WorkDemand,
	dag::{BlockId, ModelId},
	submission::{is_work, work_challenge, Envelope},
	AccountId, BlockNumber, Hash,
};
use std::{
	future::Future,
	sync::{
		atomic::{AtomicU64, Ordering},
		Arc,
	},
	time::Duration,
};
use tokio_util::sync::CancellationToken;

/// Between looks at the chain, while a search runs.
const LOOK: Duration = Duration::from_secs(2);
/// Tries between looks at whether to stop: a few milliseconds.
const TRIES_AT_ONCE: u64 = 1 << 14;

/// What a submission is bound to.
#[derive(Clone, Debug)]
pub struct Subject {
	/// Who submits.
	pub account: AccountId,
	/// For which model.
	pub model: ModelId,
	/// The blocks submitted, or those to be taken back.
	pub blocks: Vec<BlockId>,
	/// Of the envelope.
	pub seal: Hash,
}

/// How far a search is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
	/// Zero bits that are looked for; 2 to this power tries are expected.
	pub bits: u32,
	/// Tries so far.
	pub tries: u64,
}

/// What the chain asks of a proof of work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Demand {
	/// Zero bits; none is asked for if zero.
	pub bits: u32,
	/// How many blocks old its block may be.
	pub max_age: u32,
	/// Its block must be later than this one.
	pub after: Option<BlockNumber>,
}

impl From<WorkDemand> for Demand {
	fn from(WorkDemand { bits, max_age, after }: WorkDemand) -> Self {
		Self { bits, max_age, after }
	}
}

/// What work is done for.
pub trait Puzzle: Sync {
	/// What the chain asks for now.
	///
	/// # Errors
	/// The chain cannot be read.
	fn demand(&self, chain: &dyn Chain) -> impl Future<Output = Result<Demand, ChainError>> + Send;

	/// What is to be solved, with the block of that hash.
	fn challenge(&self, anchor: &Hash) -> Hash;
}

impl Puzzle for Subject {
	async fn demand(&self, chain: &dyn Chain) -> Result<Demand, ChainError> {
		Ok(chain.work_demand(&self.account).await?.into())
	}

	fn challenge(&self, anchor: &Hash) -> Hash {
		work_challenge(&self.account, self.model, &self.blocks, &self.seal, anchor)
	}
}

/// A proof of work.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Proof {
	/// The number that makes the hash small enough.
	pub nonce: u64,
	/// The number of the block that it was made for.
	pub anchor: BlockNumber,
}

/// The envelope of a submission, with the work that the chain asks for and `extra_bits` more, by which it goes before
/// others of the same standing. `None` if `stop` came first.
///
/// # Errors
/// As [`prove`].
pub async fn envelope(
	chain: &dyn Chain,
	subject: &Subject,
	extra_bits: u32,
	stop: &CancellationToken,
	tell: impl Fn(Progress),
) -> Result<Option<Envelope>, ChainError> {
	let proof = prove(chain, subject, extra_bits, stop, tell).await?;
	Ok(proof.map(|Proof { nonce, anchor }| Envelope {
		seal: subject.seal,
		work: nonce,
		anchor,
		..Envelope::default()
	}))
}

/// A proof of the work that is asked for, and `extra_bits` more. `None` if `stop` came first.
///
/// The search has a thread of its own. `tell` hears of it when it begins, and every two seconds.
///
/// # Errors
/// The chain cannot be read.
pub async fn prove(
	chain: &dyn Chain,
	puzzle: &impl Puzzle,
	extra_bits: u32,
	stop: &CancellationToken,
	tell: impl Fn(Progress),
) -> Result<Option<Proof>, ChainError> {
	let tries = Arc::new(AtomicU64::new(0));
	while !stop.is_cancelled() {
		let demand = puzzle.demand(chain).await?;
		if demand.bits == 0 {
			return Ok(Some(Proof::default()));
		}
		let anchor = chain.finalized_head().await?;
		if demand.after.is_some_and(|after| anchor.number <= after) {
			// The account has used this block; the next one comes soon.
			tokio::select! {
				() = stop.cancelled() => break,
				() = tokio::time::sleep(LOOK) => continue,
			}
		}
		let bits = demand.bits.saturating_add(extra_bits);
		tell(Progress { bits, tries: tries.load(Ordering::Relaxed) });
		let challenge = puzzle.challenge(&anchor.hash);
		let over = stop.child_token();
		// Should this future be dropped, the search must not go on.
		let _guard = over.clone().drop_guard();
		let (counter, token) = (tries.clone(), over.clone());
		let mut found = tokio::task::spawn_blocking(move || search(&challenge, bits, &counter, &token));
		let mut looks = tokio::time::interval(LOOK);
		looks.tick().await;
		loop {
			tokio::select! {
				biased;
				result = &mut found => match result {
					Ok(Some(nonce)) => return Ok(Some(Proof { nonce, anchor: anchor.number })),
					// Stopped, or the thread died: looked at again above.
					Ok(None) => break,
					Err(error) => {
						tracing::error!(%error, "the search for a proof of work died");
						break;
					}
				},
				_ = looks.tick() => {
					tell(Progress { bits, tries: tries.load(Ordering::Relaxed) });
					let head = chain.finalized_head().await?;
					// Half of the time is left for the call to come into a block.
					if head.number.saturating_sub(anchor.number) > demand.max_age / 2 {
						over.cancel();
					}
				},
			}
		}
	}
	Ok(None)
}

/// A number that solves the challenge; `None` if `stop` comes first. Counts its tries in `tries`.
fn search(challenge: &Hash, bits: u32, tries: &AtomicU64, stop: &CancellationToken) -> Option<u64> {
	let mut first = 0u64;
	while !stop.is_cancelled() {
		let end = first.checked_add(TRIES_AT_ONCE)?;
		let found = (first..end).find(|work| is_work(challenge, *work, bits));
		tries.fetch_add(found.map_or(TRIES_AT_ONCE, |work| work - first + 1), Ordering::Relaxed);
		if found.is_some() {
			return found;
		}
		first = end;
	}
	None
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_chain_client::fake::FakeChain;
	use std::sync::Mutex;

	fn subject() -> Subject {
		let (account, blocks) = (AccountId::new([1; 32]), vec![Hash::repeat_byte(2)]);
		Subject { account, model: 3, blocks, seal: Hash::repeat_byte(4) }
	}

	fn demand(chain: &FakeChain, bits: u32, max_age: u32, after: Option<u32>) {
		chain.edit(|state| state.work_demand = WorkDemand { bits, max_age, after });
	}

	async fn challenge(chain: &FakeChain) -> Hash {
		let Subject { account, model, blocks, seal } = subject();
		let hash = chain.finalized_head().await.unwrap().hash;
		work_challenge(&account, model, &blocks, &seal, &hash)
	}

	#[tokio::test]
	async fn envelope_should_carry_the_work_that_the_chain_asks_for() {
		let chain = FakeChain::new();
		(0..3).for_each(|_| drop(chain.finalize(vec![])));
		demand(&chain, 8, 20, Some(2));
		let told = Mutex::new(Vec::new());
		let tell = |progress| told.lock().unwrap().push(progress);
		let stop = CancellationToken::new();
		let envelope = envelope(&chain, &subject(), 2, &stop, tell).await.unwrap().unwrap();
		assert_eq!((envelope.anchor, envelope.seal), (3, Hash::repeat_byte(4)));
		assert!(is_work(&challenge(&chain).await, envelope.work, 10));
		assert_eq!(told.lock().unwrap()[0], Progress { bits: 10, tries: 0 });
	}

	#[tokio::test]
	async fn envelope_should_carry_none_when_the_chain_asks_for_none() {
		let chain = FakeChain::new();
		let stop = CancellationToken::new();
		let envelope = envelope(&chain, &subject(), 9, &stop, |_| panic!("nothing to tell")).await.unwrap();
		assert_eq!(envelope, Some(Envelope { seal: Hash::repeat_byte(4), ..Envelope::default() }));
	}

	#[tokio::test]
	async fn envelope_should_wait_for_a_newer_block_when_the_account_has_used_this_one() {
		let chain = FakeChain::new();
		demand(&chain, 4, 20, Some(0));
		let later = chain.clone();
		let finalize = async {
			tokio::task::yield_now().await;
			later.finalize(vec![]);
		};
		let (stop, subject) = (CancellationToken::new(), subject());
		let (found, ()) = tokio::join!(envelope(&chain, &subject, 0, &stop, |_| ()), finalize);
		assert_eq!(found.unwrap().unwrap().anchor, 1);
	}

	#[tokio::test]
	async fn envelope_should_begin_anew_when_its_block_grows_old() {
		let chain = FakeChain::new();
		// So much that it is never found, until the chain asks for less.
		demand(&chain, 200, 10, None);
		let eased = chain.clone();
		let tell = |progress: Progress| {
			if progress.tries > 0 && progress.bits == 200 {
				(0..7).for_each(|_| drop(eased.finalize(vec![])));
				demand(&eased, 4, 10, None);
			}
		};
		let stop = CancellationToken::new();
		let envelope = envelope(&chain, &subject(), 0, &stop, tell).await.unwrap().unwrap();
		assert!(envelope.anchor >= 7, "{envelope:?}");
		assert!(is_work(&challenge(&chain).await, envelope.work, 4));
	}

	#[tokio::test]
	async fn envelope_should_be_given_up_when_the_worker_stops() {
		let chain = FakeChain::new();
		demand(&chain, 200, 20, None);
		let stop = CancellationToken::new();
		let cancel = |_| stop.cancel();
		assert_eq!(envelope(&chain, &subject(), 0, &stop, cancel).await.unwrap(), None);
	}
}
