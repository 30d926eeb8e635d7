//! A node in memory that does as a test says.

use super::metadata::{Spec, ERROR};
use crate::{
	backend::{Backend, Header, RuntimeVersion, TransactionStatus},
	error::ChainError,
	event::ChainEvent,
	runtime::{account_key, events_key, now_key, AccountInfo, SPEC_NAME, SUPPORTED_TRANSACTION_VERSION},
};
use async_trait::async_trait;
use blyan_primitives::{AccountId, BlockNumber, Hash, Nonce};
use codec::{Compact, Decode, Encode};
use futures::{
	channel::mpsc::{unbounded, UnboundedSender},
	stream::BoxStream,
	StreamExt,
};
use polkadot_sdk::{
	sp_crypto_hashing::blake2_256,
	sp_runtime::{DispatchError, ModuleError, TokenError},
};
use std::{
	collections::{HashMap, VecDeque},
	sync::{Arc, Mutex},
};
use subxt::events::Phase;

/// How a transaction in a block comes out.
#[derive(Clone, Debug)]
pub enum Ending {
	Success(Vec<ChainEvent>),
	/// With the error of `Workers`.
	PalletError,
	TooPoor,
}

#[derive(Clone, Default)]
struct Block {
	hash: Hash,
	parent_hash: Hash,
	body: Vec<Vec<u8>>,
	storage: HashMap<Vec<u8>, Vec<u8>>,
	spec_version: u32,
}

type Answer = Box<dyn FnMut(&[u8]) -> Vec<u8> + Send>;

#[derive(Default)]
pub struct State {
	blocks: Vec<Block>,
	finalized: BlockNumber,
	pub is_up: bool,
	/// By spec version.
	pub specs: HashMap<u32, Spec>,
	/// Of the blocks to come.
	pub spec_version: u32,
	/// Transactions that wait for a block.
	pub pool: Vec<Vec<u8>>,
	/// Each transaction that was ever offered, refused ones too.
	pub offered: Vec<Vec<u8>>,
	/// What the next offers are answered with, instead of being taken.
	pub refusals: VecDeque<ChainError>,
	/// The next offers are taken, and the connection breaks before the answer.
	pub breaks_after_offer: u32,
	/// The nonce of every account before its pooled transactions.
	pub nonce: Nonce,
	/// How runtime queries are answered, by `Api_query`.
	pub answers: HashMap<&'static str, Answer>,
	/// The next requests fail for want of a connection.
	pub failing_requests: u32,
	subscribers: Vec<UnboundedSender<Result<BlockNumber, ChainError>>>,
	watchers: Vec<(Vec<u8>, UnboundedSender<Result<TransactionStatus, ChainError>>)>,
}

/// Shared with the client under test.
#[derive(Clone)]
pub struct Node(Arc<Mutex<State>>);

fn gone() -> ChainError {
	ChainError::disconnected("node", "the test broke the connection")
}

pub fn refusal(code: i32, data: &str) -> ChainError {
	ChainError::Rpc { method: "submit".into(), code, message: "refused".into(), data: Some(data.into()) }
}

impl Node {
	/// With a genesis block, and a runtime that fits.
	pub fn new() -> Self {
		let state = State {
			is_up: true,
			specs: HashMap::from([(100, Spec::default())]),
			spec_version: 100,
			..State::default()
		};
		let node = Self(Arc::new(Mutex::new(state)));
		node.author(Vec::new(), Vec::new());
		node
	}

	pub fn edit<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
		change(&mut self.0.lock().unwrap())
	}

	/// Adds a block with these transactions, and events that none of them brought about.
	pub fn author(&self, transactions: Vec<(Vec<u8>, Ending)>, events: Vec<ChainEvent>) -> BlockNumber {
		self.edit(|state| {
			let number = state.blocks.len() as BlockNumber;
			let parent = state.blocks.last().cloned().unwrap_or_default();
			// The runtime that executes a block is the one in its parent's state.
			let executed_by = if number == 0 { state.spec_version } else { parent.spec_version };
			let spec = &state.specs[&executed_by];
			let mut records = Records::new(spec);
			records.event(Phase::Initialization, "System", "NewAccount", &[7u8; 32].encode());
			for (index, (_, ending)) in transactions.iter().enumerate() {
				records.ending(index as u32, ending);
			}
			for event in &events {
				records.known(Phase::Finalization, event);
			}
			let body: Vec<Vec<u8>> = transactions.into_iter().map(|(bytes, _)| bytes).collect();
			state.pool.retain(|pooled| !body.contains(pooled));
			let account = AccountInfo { nonce: state.nonce, ..AccountInfo::default() };
			let storage = HashMap::from([
				(events_key(), records.encode()),
				(now_key(), (u64::from(number) * 2_000).encode()),
				(account_key(super::signer().account()), account.encode()),
			]);
			let hash = blake2_256(&(number, &body, parent.hash).encode()).into();
			let block =
				Block { hash, parent_hash: parent.hash, body, storage, spec_version: state.spec_version };
			for (watched, watcher) in &state.watchers {
				if block.body.contains(watched) {
					let _ = watcher.unbounded_send(Ok(TransactionStatus::InBlock(hash)));
				}
			}
			state.blocks.push(block);
			number
		})
	}

	/// Authors a block with all that waits, each coming out like that.
	pub fn author_pool(&self, ending: Ending) -> BlockNumber {
		let pool = self.edit(|state| std::mem::take(&mut state.pool));
		self.edit(|state| state.nonce += pool.len() as Nonce);
		self.author(pool.into_iter().map(|bytes| (bytes, ending.clone())).collect(), Vec::new())
	}

	/// Finalizes all blocks, and tells of the last.
	pub fn finalize(&self) {
		self.edit(|state| {
			state.finalized = state.blocks.len() as BlockNumber - 1;
			let number = state.finalized;
			state.subscribers.retain(|subscriber| subscriber.unbounded_send(Ok(number)).is_ok());
			for (watched, watcher) in &state.watchers {
				let block = state.blocks.iter().find(|block| block.body.contains(watched));
				if let Some(block) = block {
					let _ = watcher.unbounded_send(Ok(TransactionStatus::Finalized(block.hash)));
				}
			}
		});
	}

	/// Kills the node: connections break, the pool is forgotten, blocks stay.
	pub fn kill(&self) {
		self.edit(|state| {
			state.is_up = false;
			state.pool.clear();
			state.subscribers.clear();
			state.watchers.clear();
		});
	}

	pub fn restart(&self) {
		self.edit(|state| state.is_up = true);
	}

	/// Tells the watchers of all transactions something.
	pub fn tell_watchers(&self, status: TransactionStatus) {
		self.edit(|state| {
			for (_, watcher) in &state.watchers {
				let _ = watcher.unbounded_send(Ok(status.clone()));
			}
		});
	}

	/// Waits until `count` transactions were offered.
	pub async fn offers(&self, count: usize) {
		while self.edit(|state| state.offered.len()) < count {
			tokio::time::sleep(std::time::Duration::from_millis(1)).await;
		}
	}

	/// Replaces a finalized block by another one of the same number.
	pub fn rewrite_history(&self, number: BlockNumber) {
		self.edit(|state| {
			for block in &mut state.blocks[number as usize..] {
				block.hash = blake2_256(block.hash.as_bytes()).into();
			}
			for i in number as usize + 1..state.blocks.len() {
				state.blocks[i].parent_hash = state.blocks[i - 1].hash;
			}
		});
	}

	fn request<T>(&self, answer: impl FnOnce(&mut State) -> Result<T, ChainError>) -> Result<T, ChainError> {
		self.edit(|state| {
			if !state.is_up {
				return Err(gone());
			}
			if state.failing_requests > 0 {
				state.failing_requests -= 1;
				return Err(gone());
			}
			answer(state)
		})
	}

	fn of_block<T>(&self, hash: Hash, read: impl FnOnce(&Block) -> T) -> Result<Option<T>, ChainError> {
		self.request(|state| Ok(state.blocks.iter().find(|block| block.hash == hash).map(read)))
	}
}

impl State {
	fn take(&mut self, transaction: &[u8]) -> Result<(), ChainError> {
		self.offered.push(transaction.to_vec());
		if let Some(refusal) = self.refusals.pop_front() {
			return Err(refusal);
		}
		if self.pool.iter().any(|pooled| pooled == transaction) {
			return Err(refusal(1013, "known"));
		}
		if self.blocks.iter().any(|block| block.body.iter().any(|included| included == transaction)) {
			return Err(refusal(1010, "Transaction is outdated"));
		}
		self.pool.push(transaction.to_vec());
		if self.breaks_after_offer > 0 {
			self.breaks_after_offer -= 1;
			return Err(gone());
		}
		Ok(())
	}
}

#[async_trait]
impl Backend for Node {
	fn url(&self) -> &str {
		"node"
	}

	async fn genesis_hash(&self) -> Result<Hash, ChainError> {
		self.request(|state| Ok(state.blocks[0].hash))
	}

	async fn finalized_head(&self) -> Result<Hash, ChainError> {
		self.request(|state| Ok(state.blocks[state.finalized as usize].hash))
	}

	async fn header(&self, hash: Hash) -> Result<Option<Header>, ChainError> {
		self.request(|state| {
			let number = state.blocks.iter().position(|block| block.hash == hash);
			Ok(number.map(|number| Header {
				number: number as BlockNumber,
				parent_hash: state.blocks[number].parent_hash,
			}))
		})
	}

	async fn block_hash(&self, number: BlockNumber) -> Result<Option<Hash>, ChainError> {
		self.request(|state| Ok(state.blocks.get(number as usize).map(|block| block.hash)))
	}

	async fn body(&self, hash: Hash) -> Result<Option<Vec<Vec<u8>>>, ChainError> {
		self.of_block(hash, |block| block.body.clone())
	}

	async fn storage(&self, key: Vec<u8>, at: Hash) -> Result<Option<Vec<u8>>, ChainError> {
		self.of_block(at, |block| block.storage.get(&key).cloned()).map(Option::flatten)
	}

	async fn state_call(&self, function: &str, arguments: Vec<u8>, at: Hash) -> Result<Vec<u8>, ChainError> {
		self.request(|state| {
			let spec_version =
				state.blocks.iter().find(|block| block.hash == at).expect("a known block").spec_version;
			Ok(match function {
				"Metadata_metadata_versions" => vec![14u32, 15, u32::MAX].encode(),
				"Metadata_metadata_at_version" => {
					assert_eq!(u32::decode(&mut &arguments[..]), Ok(15), "the newest stable version");
					Some(state.specs[&spec_version].metadata()).encode()
				}
				_ => state.answers.get_mut(function).expect("the test knows the query")(&arguments),
			})
		})
	}

	async fn runtime_version(&self, at: Hash) -> Result<RuntimeVersion, ChainError> {
		let version = self.of_block(at, |block| RuntimeVersion {
			spec_name: SPEC_NAME.into(),
			spec_version: block.spec_version,
			transaction_version: SUPPORTED_TRANSACTION_VERSION,
		})?;
		Ok(version.expect("a known block"))
	}

	async fn next_nonce(&self, _: &AccountId) -> Result<Nonce, ChainError> {
		self.request(|state| Ok(state.nonce + state.pool.len() as Nonce))
	}

	async fn broadcast(&self, transaction: &[u8]) -> Result<(), ChainError> {
		self.request(|state| state.take(transaction))
	}

	async fn broadcast_and_watch(
		&self,
		transaction: &[u8],
	) -> Result<BoxStream<'static, Result<TransactionStatus, ChainError>>, ChainError> {
		self.request(|state| {
			state.take(transaction)?;
			let (sender, receiver) = unbounded();
			state.watchers.push((transaction.to_vec(), sender));
			Ok(receiver.boxed())
		})
	}

	async fn finalized_numbers(
		&self,
	) -> Result<BoxStream<'static, Result<BlockNumber, ChainError>>, ChainError> {
		self.request(|state| {
			let (sender, receiver) = unbounded();
			state.subscribers.push(sender);
			Ok(receiver.boxed())
		})
	}
}

/// Event records, as `System.Events` holds them.
pub struct Records<'a> {
	spec: &'a Spec,
	count: u32,
	bytes: Vec<u8>,
}

impl<'a> Records<'a> {
	pub fn new(spec: &'a Spec) -> Self {
		Self { spec, count: 0, bytes: Vec::new() }
	}

	pub fn event(&mut self, phase: Phase, pallet: &str, name: &str, fields: &[u8]) {
		self.count += 1;
		phase.encode_to(&mut self.bytes);
		self.bytes.extend(Spec::index(&self.spec.events, pallet, name));
		self.bytes.extend(fields);
		Vec::<Hash>::new().encode_to(&mut self.bytes);
	}

	pub fn known(&mut self, phase: Phase, event: &ChainEvent) {
		let (pallet, name) = event.full_name().split_once('.').expect("Pallet.Event");
		self.event(phase, pallet, name, &event.encode_fields());
	}

	pub fn ending(&mut self, index: u32, ending: &Ending) {
		let phase = Phase::ApplyExtrinsic(index);
		let [workers, _] = Spec::index(&self.spec.calls, "Workers", "register");
		let error = match ending {
			Ending::Success(events) => {
				events.iter().for_each(|event| self.known(phase, event));
				return self.event(phase, "System", "ExtrinsicSuccess", &0u16.encode());
			}
			Ending::PalletError => DispatchError::Module(ModuleError {
				index: workers,
				error: [ERROR.1, 0, 0, 0],
				message: None,
			}),
			Ending::TooPoor => DispatchError::Token(TokenError::FundsUnavailable),
		};
		self.event(phase, "System", "ExtrinsicFailed", &(error, 0u16).encode());
	}

	pub fn encode(self) -> Vec<u8> {
		[Compact(self.count).encode(), self.bytes].concat()
	}
}
