//! A chain in memory, for the tests of workers. It keeps no rules: what it answers is what the test put
//! there, and what a call brings about is what the test says.
//!
//! ```
//! use blyan_chain_client::{fake::FakeChain, Call, Chain, ChainEvent, Signer, Wait};
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! let chain = FakeChain::new();
//! chain.on_call(|state, who, call| match call {
//!     Call::Commit { round, commitment } => Ok(vec![ChainEvent::FindingCommitted {
//!         round: *round,
//!         evaluator: who.clone(),
//!         commitment: *commitment,
//!     }]),
//!     _ => Ok(Vec::new()),
//! });
//! let signer = Signer::from_suri(&"//Evaluator".to_owned().into()).unwrap();
//! let call = Call::Commit { round: 1, commitment: Default::default() };
//! let receipt = chain.submit(&signer, call, Wait::Finalized).await.unwrap();
//! assert_eq!(receipt.events.len(), 1);
//! assert_eq!(chain.submissions().len(), 1);
//! # }
//! ```

mod chain;

use crate::{
	call::{Call, SignedCall},
	chain::{BlockRef, FinalizedBlock, Owed, Receipt},
	error::{ChainError, SubmitError},
	event::ChainEvent,
	runtime::MORTALITY_BLOCKS,
};
use blyan_primitives::{
	api::{
		AuditTerms, BlockInfo, CanaryKeyInfo, DataUseInfo, DatasetRecord, DatasetUtility, DisputeInfo,
		LotInfo, LotteryPeriod, ManifestInfo, ModelInfo, OfferDemand, RoundInfo, VersionInfo, WorkDemand,
		WorkerInfo,
	},
	canary::{CanaryKey, PeriodNumber},
	dag::{BlockId, Generation, ManifestEntry, ModelId, SubmissionId},
	learning::{DisputeId, Finding},
	manifest::{DataTerms, DatasetId},
	sealed::{LotId, SealedTerms},
	usage::{UsageAccountInfo, UsageParameters},
	AccountId, Balance, BlockNumber, Hash, Nonce, SLOT_MILLISECONDS,
};
use codec::Encode;
use polkadot_sdk::sp_crypto_hashing::blake2_256;
use std::{
	collections::{BTreeMap, HashMap, VecDeque},
	sync::{Arc, Mutex, MutexGuard},
};
use tokio::sync::watch;

/// What the fake answers reads with. A test fills it in through [`FakeChain::edit`].
#[derive(Debug, Default)]
pub struct FakeState {
	/// By id.
	pub models: BTreeMap<ModelId, ModelInfo<AccountId>>,
	/// The heads of each generation.
	pub manifests: BTreeMap<(ModelId, Generation), Vec<ManifestEntry>>,
	/// Versions of generations; the newest one's is made up from the model if it is not here.
	pub versions: BTreeMap<(ModelId, Generation), VersionInfo>,
	/// Blocks of models.
	pub blocks: HashMap<BlockId, BlockInfo<AccountId>>,
	/// By id.
	pub rounds: BTreeMap<SubmissionId, RoundInfo<AccountId>>,
	/// The proof of work that everybody's submissions must carry; none, by default.
	pub work_demand: WorkDemand,
	/// What committees revealed, by round.
	pub findings: BTreeMap<SubmissionId, Vec<(AccountId, Finding)>>,
	/// By id.
	pub disputes: BTreeMap<DisputeId, DisputeInfo<AccountId>>,
	/// How much sealed text each model asks for.
	pub sealed_terms: BTreeMap<ModelId, SealedTerms>,
	/// Lots of sealed shards.
	pub lots: BTreeMap<LotId, LotInfo<AccountId>>,
	/// Those of each round, in the order drawn.
	pub lots_of_round: BTreeMap<SubmissionId, Vec<LotId>>,
	/// Periods of the canaries' lottery; the last one runs.
	pub lottery: BTreeMap<PeriodNumber, LotteryPeriod>,
	/// By key.
	pub canary_keys: BTreeMap<CanaryKey, CanaryKeyInfo<AccountId>>,
	/// What it takes to contest findings of accounts.
	pub contest_bonds: BTreeMap<AccountId, Balance>,
	/// By submission.
	pub training_manifests: BTreeMap<SubmissionId, ManifestInfo<AccountId>>,
	/// What owners of models ask of data; the default of those that are not here.
	pub data_terms: BTreeMap<ModelId, DataTerms>,
	/// What models may learn from.
	pub learnable: BTreeMap<ModelId, Vec<DatasetId>>,
	/// Which model learned from which dataset.
	pub data_uses: Vec<DataUseInfo>,
	/// What came of datasets.
	pub dataset_utility: BTreeMap<DatasetId, DatasetUtility>,
	/// The dataset chain.
	pub kept_datasets: BTreeMap<DatasetId, DatasetRecord<AccountId>>,
	/// What offers of accounts must come with; nothing, by default.
	pub offer_demands: BTreeMap<AccountId, OfferDemand>,
	/// Votes that are kept.
	pub dataset_votes: BTreeMap<(DatasetId, AccountId), bool>,
	/// What auditors of datasets are held to; the defaults of rules of version 1, if it is not here.
	pub audit_terms: Option<AuditTerms>,
	/// By account.
	pub workers: BTreeMap<AccountId, WorkerInfo<AccountId>>,
	/// What accounts have coming.
	pub owed: HashMap<AccountId, Owed>,
	/// Closed epochs on which accounts have open claims.
	pub claimable_epochs: HashMap<AccountId, Vec<u32>>,
	/// Learning credits of accounts.
	pub credits: HashMap<AccountId, u64>,
	/// What clients have prepaid.
	pub usage_accounts: HashMap<AccountId, UsageAccountInfo<AccountId>>,
	/// What use is worth.
	pub usage_parameters: UsageParameters,
	/// What accounts have, in the smallest unit of BLY.
	pub balances: HashMap<AccountId, Balance>,
	/// SCALE encodings, by pallet and name.
	pub constants: HashMap<(String, String), Vec<u8>>,
}

/// A call that the fake carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
	/// Who signed.
	pub account: AccountId,
	/// What.
	pub call: Call,
	/// The nonce.
	pub nonce: Nonce,
}

/// How the next call fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
	/// No connection before anything is signed: [`SubmitError::NotSent`].
	NotSent,
	/// The connection breaks after the journal was written and before the node has the transaction:
	/// [`SubmitError::Unknown`]. [`Chain::resume`] carries it out.
	LostBeforeSending,
	/// The call is carried out, and its receipt is lost: [`SubmitError::Unknown`]. [`Chain::resume`] finds it.
	LostAfterSending,
	/// The node's pool refuses it for that reason: [`SubmitError::Refused`].
	Refused(String),
	/// A pallet refuses it: [`SubmitError::Dispatch`].
	Dispatch {
		/// The pallet.
		pallet: String,
		/// The error's name.
		error: String,
	},
}

/// Why a handler refuses a call: the pallet's error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PalletError {
	/// The pallet.
	pub pallet: String,
	/// The error's name.
	pub error: String,
}

impl PalletError {
	/// `pallet.error`.
	pub fn new(pallet: impl Into<String>, error: impl Into<String>) -> Self {
		Self { pallet: pallet.into(), error: error.into() }
	}
}

/// What a call brings about.
type Handler =
	Box<dyn FnMut(&mut FakeState, &AccountId, &Call) -> Result<Vec<ChainEvent>, PalletError> + Send>;

struct Inner {
	state: FakeState,
	/// From the genesis block on; each is final.
	chain: Vec<FinalizedBlock>,
	submissions: Vec<Submission>,
	nonces: HashMap<AccountId, Nonce>,
	/// Signed, and perhaps not carried out.
	signed: HashMap<Hash, Call>,
	/// Carried out.
	done: HashMap<Hash, Result<Receipt, SubmitError>>,
	faults: VecDeque<Fault>,
	is_connected: bool,
	handler: Handler,
}

/// A chain in memory; its clones share it.
#[derive(Clone)]
pub struct FakeChain {
	inner: Arc<Mutex<Inner>>,
	/// Rises when a stream may go on.
	changes: Arc<watch::Sender<u64>>,
}

impl Default for FakeChain {
	fn default() -> Self {
		Self::new()
	}
}

impl std::fmt::Debug for FakeChain {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		let inner = self.lock();
		f.debug_struct("FakeChain")
			.field("blocks", &inner.chain.len())
			.field("submissions", &inner.submissions.len())
			.field("is_connected", &inner.is_connected)
			.finish()
	}
}

fn block_hash(number: BlockNumber) -> Hash {
	blake2_256(&("blyan/fake-chain", number).encode()).into()
}

impl FakeChain {
	/// A chain with a genesis block and nothing else, where calls succeed and bring about nothing.
	pub fn new() -> Self {
		let genesis = FinalizedBlock { number: 0, hash: block_hash(0), timestamp_ms: 0, events: Vec::new() };
		let inner = Inner {
			state: FakeState::default(),
			chain: vec![genesis],
			submissions: Vec::new(),
			nonces: HashMap::new(),
			signed: HashMap::new(),
			done: HashMap::new(),
			faults: VecDeque::new(),
			is_connected: true,
			handler: Box::new(|_, _, _| Ok(Vec::new())),
		};
		Self { inner: Arc::new(Mutex::new(inner)), changes: Arc::new(watch::Sender::new(0)) }
	}

	fn lock(&self) -> MutexGuard<'_, Inner> {
		// A test that panicked in a handler shows its own panic; the state behind it is still readable.
		self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
	}

	fn changed(&self) {
		self.changes.send_modify(|changes| *changes += 1);
	}

	/// Changes what reads are answered with.
	pub fn edit<T>(&self, change: impl FnOnce(&mut FakeState) -> T) -> T {
		change(&mut self.lock().state)
	}

	/// Says what calls bring about: their events, which are finalized in a block of their own, and
	/// changes of the state; or the pallet's error.
	pub fn on_call(
		&self,
		handler: impl FnMut(&mut FakeState, &AccountId, &Call) -> Result<Vec<ChainEvent>, PalletError>
			+ Send
			+ 'static,
	) {
		self.lock().handler = Box::new(handler);
	}

	/// Finalizes a block with these events.
	pub fn finalize(&self, events: Vec<ChainEvent>) -> FinalizedBlock {
		let block = self.lock().finalize(events);
		self.changed();
		block
	}

	/// Makes the next call fail so; faults queue up.
	pub fn fail_next(&self, fault: Fault) {
		self.lock().faults.push_back(fault);
	}

	/// Breaks the connection: reads and calls fail, streams wait.
	pub fn disconnect(&self) {
		self.lock().is_connected = false;
	}

	/// Mends the connection.
	pub fn reconnect(&self) {
		self.lock().is_connected = true;
		self.changed();
	}

	/// The calls carried out so far, in order.
	pub fn submissions(&self) -> Vec<Submission> {
		self.lock().submissions.clone()
	}

	fn read<T>(&self, read: impl FnOnce(&Inner) -> T) -> Result<T, ChainError> {
		let inner = self.lock();
		if inner.is_connected {
			Ok(read(&inner))
		} else {
			Err(disconnected())
		}
	}
}

fn disconnected() -> ChainError {
	ChainError::disconnected("fake", "the test broke the connection")
}

impl Inner {
	fn finalize(&mut self, events: Vec<ChainEvent>) -> FinalizedBlock {
		let number = self.chain.len() as BlockNumber;
		let block = FinalizedBlock {
			number,
			hash: block_hash(number),
			timestamp_ms: u64::from(number) * SLOT_MILLISECONDS,
			events,
		};
		self.chain.push(block.clone());
		block
	}

	fn sign(&mut self, account: &AccountId, call: &Call) -> SignedCall {
		let nonce = self.nonces.get(account).copied().unwrap_or_default();
		let bytes = (account, nonce, call.full_name(), call.encode_arguments()).encode();
		let transaction = blake2_256(&bytes).into();
		let valid_from = self.chain.len() as BlockNumber - 1;
		self.signed.insert(transaction, call.clone());
		SignedCall {
			account: account.clone(),
			call: call.full_name(),
			nonce,
			transaction,
			valid_from,
			valid_until: valid_from + MORTALITY_BLOCKS,
			bytes,
		}
	}

	/// Carries a transaction out, once.
	fn carry_out(
		&mut self,
		signed: &SignedCall,
		refusal: Option<PalletError>,
	) -> Result<Receipt, SubmitError> {
		if let Some(done) = self.done.get(&signed.transaction) {
			return done.clone();
		}
		let SignedCall { account, call: name, nonce, transaction, valid_until, .. } = signed.clone();
		if self.nonces.get(&account).copied().unwrap_or_default() != nonce {
			return Err(SubmitError::Superseded { call: name, transaction, nonce });
		}
		let Some(call) = self.signed.get(&transaction).cloned() else {
			return Err(SubmitError::Expired { call: name, transaction, valid_until });
		};
		self.nonces.insert(account.clone(), nonce + 1);
		self.submissions.push(Submission { account: account.clone(), call: call.clone(), nonce });
		let result = match refusal {
			Some(error) => Err(error),
			None => (self.handler)(&mut self.state, &account, &call),
		};
		let block = self.finalize(result.clone().unwrap_or_default());
		let done = match result {
			Ok(events) => {
				let block = BlockRef { number: block.number, hash: block.hash };
				Ok(Receipt { transaction, nonce, block, events })
			}
			Err(PalletError { pallet, error }) => Err(SubmitError::Dispatch {
				call: name,
				pallet,
				error,
				docs: "as the test said".into(),
				block_number: block.number,
			}),
		};
		self.done.insert(transaction, done.clone());
		done
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{Chain, Signer, Wait};
	use futures::StreamExt;

	fn signer() -> Signer {
		Signer::from_suri(&"//Trainer".to_owned().into()).unwrap()
	}

	fn call(round: SubmissionId) -> Call {
		Call::Commit { round, commitment: Hash::zero() }
	}

	#[tokio::test]
	async fn fake_should_give_every_block_in_order_when_it_is_disconnected_in_between() {
		let chain = FakeChain::new();
		chain.finalize(vec![ChainEvent::TrainingOpened { model: 1 }]);
		let mut blocks = chain.finalized_blocks(Some(0));
		assert_eq!(blocks.next().await.unwrap().unwrap().number, 0);
		chain.disconnect();
		assert!(chain.finalized_head().await.unwrap_err().is_disconnect());
		chain.finalize(Vec::new());
		tokio::time::timeout(std::time::Duration::from_millis(20), blocks.next())
			.await
			.expect_err("it waits");
		chain.reconnect();
		let first = blocks.next().await.unwrap().unwrap();
		assert_eq!((first.number, first.events.len(), first.timestamp_ms), (1, 1, SLOT_MILLISECONDS));
		assert_eq!(blocks.next().await.unwrap().unwrap().number, 2);

		let mut newest = chain.finalized_blocks(None);
		assert_eq!(newest.next().await.unwrap().unwrap().number, 2);
		let chain_later = chain.clone();
		tokio::spawn(async move { chain_later.finalize(Vec::new()) });
		assert_eq!(newest.next().await.unwrap().unwrap().number, 3);
	}

	#[tokio::test]
	async fn call_should_be_carried_out_once_when_it_is_resumed() {
		let chain = FakeChain::new();
		for (fault, done_at_once) in [(Fault::LostBeforeSending, 0), (Fault::LostAfterSending, 1)] {
			let before = chain.submissions().len();
			chain.fail_next(fault);
			let mut journal = Vec::new();
			let error = chain
				.submit_journalled(&signer(), call(1), Wait::Finalized, &mut |signed| {
					journal.push(signed.clone());
					Ok(())
				})
				.await
				.unwrap_err();
			assert!(matches!(error, SubmitError::Unknown { .. }));
			assert_eq!(chain.submissions().len(), before + done_at_once);
			let receipt = chain.resume(&journal[0]).await.unwrap();
			assert_eq!(chain.resume(&journal[0]).await.unwrap(), receipt, "resuming again finds the same");
			assert_eq!(chain.submissions().len(), before + 1);
		}
	}

	#[tokio::test]
	async fn transaction_should_be_superseded_when_another_took_its_nonce() {
		let chain = FakeChain::new();
		chain.fail_next(Fault::LostBeforeSending);
		let mut journal = Vec::new();
		let mut note = |signed: &SignedCall| {
			journal.push(signed.clone());
			Ok(())
		};
		chain.submit_journalled(&signer(), call(1), Wait::Finalized, &mut note).await.unwrap_err();
		chain.submit(&signer(), call(2), Wait::Finalized).await.unwrap();
		let error = chain.resume(&journal[0]).await.unwrap_err();
		assert!(matches!(error, SubmitError::Superseded { nonce: 0, .. }) && error.is_retryable(), "{error}");
	}

	#[tokio::test]
	async fn call_should_fail_as_the_test_says() {
		let chain = FakeChain::new();
		chain.fail_next(Fault::NotSent);
		chain.fail_next(Fault::Refused("too poor".into()));
		chain.fail_next(Fault::Dispatch { pallet: "Workers".into(), error: "NotRegistered".into() });
		let signer = signer();
		let submit = || chain.submit(&signer, call(1), Wait::InBlock);
		assert!(matches!(submit().await, Err(SubmitError::NotSent { .. })));
		assert!(matches!(submit().await, Err(SubmitError::Refused { .. })));
		assert!(submit().await.unwrap_err().is_pallet_error("Workers", "NotRegistered"));
		assert_eq!(submit().await.unwrap().nonce, 1, "a refused call costs no nonce, a failed one does");
		chain.on_call(|state, who, _| {
			state.balances.insert(who.clone(), 7);
			Err(PalletError::new("Rewards", "NothingOwed"))
		});
		assert!(submit().await.unwrap_err().is_pallet_error("Rewards", "NothingOwed"));
		assert_eq!(chain.free_balance(signer.account()).await.unwrap(), 7);
	}

	#[tokio::test]
	async fn call_should_not_be_sent_when_the_journal_fails() {
		let chain = FakeChain::new();
		let error = chain
			.submit_journalled(&signer(), call(1), Wait::InBlock, &mut |_| {
				Err(crate::Cause::new("disk full"))
			})
			.await
			.unwrap_err();
		assert!(matches!(error, SubmitError::Journal { .. }) && !error.is_retryable());
		assert!(error.to_string().contains("disk full"));
		assert_eq!(chain.submissions(), Vec::new());
	}
}
