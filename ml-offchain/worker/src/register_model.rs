//! `register-model`: a model with fresh or imported weights on the chain, its content in the store, training open.
//!
//! Idempotent: every step looks at the chain first, so running it again after it was killed finishes
//! what is missing and does nothing twice. Registering is the one call that the chain would take twice;
//! its signed transaction is journalled before it is sent, and an interrupted one is resumed.

use crate::{
	config::Config,
	files::FileError,
	heads::{verify_manifest, HeadsError},
	journal::{Journal, JournalError},
	scale::ScaleHex,
	trainer::manifest,
	worker::Connection,
};
use blyan_chain_client::{
	Call, Cause, Chain, ChainError, ChainEvent, Receipt, SignedCall, SubmitError, Wait,
};
use blyan_hf::{HfError, ModelRecord, RecordedComponent};
use blyan_model::{check_component, ModelError, TextTokenizer, Weights};
use blyan_primitives::{
	api::ModelInfo,
	architecture::{Architecture, ArchitectureError, Tokenizer},
	cid::Cid,
	dag::{Block, BlockKind, Component, ContentFormat, Generation, ModelId, NewBlock, MAX_BLOCKS},
	learning::{Gate, ValidationPool},
	merkle, AccountId, Hash,
};
use blyan_store::{Store, StoreError};
use serde::{Deserialize, Serialize};
use std::{fs, path::PathBuf};

/// What to register.
#[derive(Clone, PartialEq, Debug)]
pub struct Registration {
	/// For people.
	pub name: String,
	/// What the model is made of.
	pub architecture: Architecture,
	/// What candidates are measured on; its content is in the store.
	pub pool: ValidationPool,
	/// What is asked of candidates.
	pub gate: Gate,
	/// BLAKE2-256 of the Wasm module of the reference evaluator, by which disputes are decided; zero for none.
	pub referee: Hash,
	/// What it begins with.
	pub weights: FirstWeights,
}

/// What a model begins with.
#[derive(Clone, PartialEq, Debug)]
pub enum FirstWeights {
	/// Fresh weights that a seed decides.
	Seed(u64),
	/// What was imported; its content is in the store.
	Imported(Box<ModelRecord>),
}

impl std::fmt::Display for FirstWeights {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		match self {
			Self::Seed(seed) => write!(f, "seed {seed}"),
			Self::Imported(_) => f.write_str("this record"),
		}
	}
}

/// A model that is registered, has weights, and may be trained.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Registered {
	/// Its number.
	pub model: ModelId,
	/// The generation it is at: 0 unless it was trained meanwhile.
	pub generation: Generation,
	/// The hash that names its version.
	pub version_root: Hash,
	/// Numbers in its weights.
	pub parameters: u64,
}

/// Why a model is not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterModelError {
	/// The architecture breaks a rule.
	#[error("the architecture is not valid: {0}")]
	Architecture(#[from] ArchitectureError),
	/// The gate does not fit the pool.
	#[error(
		"the gate does not fit the pool: there must be two shards or more to draw, every domain must have as many \
		shards as are drawn from each, and delta, rho and tolerance must be 0 to 64e9 nanobits, tolerance above 0"
	)]
	GateInvalid,
	/// The pool's content is not there, so nobody could be measured.
	#[error("the pool's content {0} is not in the store at {1}: import the text into that store")]
	PoolNotStored(Cid, PathBuf),
	/// The pool's content is not as long as its shards.
	#[error("the pool's content {content} has {found} bytes, but its shards have {expected}")]
	PoolLength {
		/// The content.
		content: Cid,
		/// Bytes there are.
		found: u64,
		/// Bytes that the shards have.
		expected: u64,
	},
	/// The weights cannot be made.
	#[error(transparent)]
	Model(#[from] ModelError),
	/// The store failed.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// The data folder cannot be used.
	#[error(transparent)]
	File(#[from] FileError),
	/// The journal cannot be used.
	#[error(transparent)]
	Journal(#[from] JournalError),
	/// The chain cannot be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// A call failed.
	#[error(transparent)]
	Submit(#[from] SubmitError),
	/// The call succeeded, and its event is missing.
	#[error("the chain took the registration in block {0}, but does not say which model it is")]
	NotNamed(u32),
	/// The model is not there although it was registered.
	#[error("the chain has no model {0}, which this journal says was registered; is this node on the right chain?")]
	ModelGone(ModelId),
	/// The content of an imported component is not in the store.
	#[error(
		"the content {content} of {component} is not in the store at {folder}: import the checkpoint into that store"
	)]
	NotImported {
		/// The component.
		component: Component,
		/// Its content.
		content: Cid,
		/// The store.
		folder: PathBuf,
	},
	/// The record does not hold together.
	#[error(transparent)]
	Record(#[from] HfError),
	/// A component has other first weights than was said.
	#[error(
		"model {model} has other first weights for {component} than {weights} gives: use what it was begun with"
	)]
	OtherWeights {
		/// The model.
		model: ModelId,
		/// The component.
		component: Component,
		/// What was said.
		weights: FirstWeights,
	},
	/// The released version is not what the chain names.
	#[error(transparent)]
	Heads(#[from] HeadsError),
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Entry {
	/// About to be sent.
	Signed(ScaleHex<SignedCall>),
	/// The chain took it.
	Registered(ModelId),
}

/// What the hash of a genesis block's manifest is of: how anybody makes the same weights.
#[derive(Serialize)]
struct GenesisManifest<'a> {
	format: &'static str,
	architecture: &'a Architecture,
	seed: u64,
}

/// Registers the model, or finishes what was begun.
///
/// # Errors
/// See [`RegisterModelError`].
pub async fn register_model(
	config: &Config,
	connection: &Connection,
	registration: &Registration,
) -> Result<Registered, RegisterModelError> {
	let Registration { architecture, pool, gate, referee, weights, .. } = registration;
	architecture.validate()?;
	if !gate.is_valid_for(pool) {
		return Err(RegisterModelError::GateInvalid);
	}
	fs::create_dir_all(&config.data_dir).map_err(FileError::of("make the data folder", &config.data_dir))?;
	let store = Store::open(config.store_dir())?;
	check_pool(&store, pool)?;

	let (blocks, parameters) = match weights {
		FirstWeights::Seed(seed) => {
			let weights = Weights::init(architecture, *seed)?;
			(genesis_blocks(&store, &weights, *seed)?, weights.parameters())
		}
		FirstWeights::Imported(record) => (imported_blocks(&store, architecture, record)?, record.parameters),
	};
	let model = model_id(config, connection, registration).await?;
	add_missing_blocks(connection, model, blocks, weights).await?;

	let chain = &*connection.chain;
	let info = chain.model(model).await?.ok_or(RegisterModelError::ModelGone(model))?;
	let has_terms = info.pool.as_ref() == Some(pool) && info.gate == Some(*gate);
	if !has_terms || info.referee != Some(*referee) {
		let call = Call::OpenTraining { model, pool: pool.clone(), gate: *gate, referee: *referee };
		chain.submit(&connection.signer, call, Wait::Finalized).await?;
		tracing::info!(model, "training is open");
	}
	let info = chain.model(model).await?.ok_or(RegisterModelError::ModelGone(model))?;
	let version_root = verify_manifest(&info, &chain.manifest(model, Some(info.generation)).await?)?;
	Ok(Registered { model, generation: info.generation, version_root, parameters })
}

fn check_pool(store: &Store, pool: &ValidationPool) -> Result<(), RegisterModelError> {
	let expected = u64::from(pool.shard_count()) * u64::from(pool.shard_bytes);
	match store.verify(&pool.content) {
		Ok(stored) if stored.bytes == expected => Ok(()),
		Ok(stored) => {
			Err(RegisterModelError::PoolLength { content: pool.content, found: stored.bytes, expected })
		}
		Err(StoreError::Missing { cid, folder }) => Err(RegisterModelError::PoolNotStored(cid, folder)),
		Err(error) => Err(error.into()),
	}
}

/// The first weights as blocks, with their content in the store: the same for the same seed.
fn genesis_blocks(store: &Store, weights: &Weights, seed: u64) -> Result<Vec<NewBlock>, RegisterModelError> {
	let architecture = weights.architecture();
	let record = GenesisManifest { format: "blyan/genesis-manifest/1", architecture, seed };
	// Names and numbers have a JSON form.
	let record = serde_json::to_vec(&record).unwrap_or_default();
	store.put_bytes(&record)?;
	let manifest_hash = manifest::hash(&record);
	architecture
		.components()
		.map(|component| {
			let content = store.put_bytes(&weights.component_bytes(component)?)?;
			Ok(NewBlock {
				component,
				kind: BlockKind::Genesis,
				parents: Default::default(),
				content: content.cid,
				bytes: content.bytes,
				format: ContentFormat::TensorBlock,
				manifest_hash,
			})
		})
		.collect()
}

/// The imported weights as blocks, once each is found in the store and is what the architecture asks for.
fn imported_blocks(
	store: &Store,
	architecture: &Architecture,
	record: &ModelRecord,
) -> Result<Vec<NewBlock>, RegisterModelError> {
	record.validate()?;
	if record.architecture != *architecture {
		return Err(HfError::Record("is of another architecture".into()).into());
	}
	if let Tokenizer::Content { content, bytes } = architecture.tokenizer {
		let tokenizer = TextTokenizer::from_bytes(&store.read_verified(&content, bytes)?)?;
		if tokenizer.vocabulary() > architecture.vocabulary {
			let why = format!("has more tokens than the model knows: {}", tokenizer.vocabulary());
			return Err(ModelError::Tokenizer(why).into());
		}
	}
	// Addresses and numbers have a JSON form.
	let json = serde_json::to_vec(record).unwrap_or_default();
	store.put_bytes(&json)?;
	let manifest_hash = manifest::hash(&json);
	record
		.components
		.iter()
		.map(|RecordedComponent { component, content, bytes }| {
			let path = match store.open_verified(content) {
				Ok(path) => path,
				Err(StoreError::Missing { cid, folder }) => {
					return Err(RegisterModelError::NotImported {
						component: *component,
						content: cid,
						folder,
					})
				}
				Err(error) => return Err(error.into()),
			};
			check_component(architecture, *component, &path)?;
			Ok(NewBlock {
				component: *component,
				kind: BlockKind::Genesis,
				parents: Default::default(),
				content: *content,
				bytes: *bytes,
				format: ContentFormat::TensorBlock,
				manifest_hash,
			})
		})
		.collect()
}

/// The model's number: from the journal, from the chain, or by registering it.
async fn model_id(
	config: &Config,
	connection: &Connection,
	registration: &Registration,
) -> Result<ModelId, RegisterModelError> {
	let Registration { name, architecture, .. } = registration;
	let chain = &*connection.chain;
	let tag = merkle::leaf(0, &(chain.genesis_hash(), connection.account(), name, architecture));
	let path = config.journal(&format!("register-{:x}", tag.to_low_u64_be()));
	let (mut journal, entries) = Journal::<Entry>::open(path)?;
	let mut interrupted = None;
	for entry in entries {
		match entry {
			Entry::Registered(model) => return Ok(model),
			// The last one counts.
			Entry::Signed(ScaleHex(signed)) => interrupted = Some(signed),
		}
	}
	let receipt = match interrupted {
		Some(signed) => match chain.resume(&signed).await {
			Ok(receipt) => Some(receipt),
			// It is in no block, and can come into none.
			Err(error) if error.is_retryable() => None,
			Err(error) => return Err(error.into()),
		},
		None => None,
	};
	let model = match receipt {
		Some(receipt) => registered_model(&receipt)?,
		None => match owned_model(chain, connection.account(), registration).await? {
			Some(info) => info.id,
			None => {
				let call =
					Call::RegisterModel { name: name.clone().into_bytes(), architecture: *architecture };
				let mut note = |signed: &SignedCall| {
					journal.append(&Entry::Signed(ScaleHex(signed.clone()))).map_err(Cause::new)
				};
				let signer = &connection.signer;
				let receipt = chain.submit_journalled(signer, call, Wait::Finalized, &mut note).await?;
				registered_model(&receipt)?
			}
		},
	};
	journal.append(&Entry::Registered(model))?;
	Ok(model)
}

fn registered_model(receipt: &Receipt) -> Result<ModelId, RegisterModelError> {
	let found = receipt.events.iter().find_map(|event| match event {
		ChainEvent::ModelRegistered { model, .. } => Some(*model),
		_ => None,
	});
	found.ok_or(RegisterModelError::NotNamed(receipt.block.number))
}

/// A model of that name and architecture which the account owns already: registered from another folder,
/// or before the journal was lost.
async fn owned_model(
	chain: &dyn Chain,
	owner: &AccountId,
	registration: &Registration,
) -> Result<Option<ModelInfo<AccountId>>, ChainError> {
	let models = chain.models().await?;
	Ok(models.into_iter().find(|info| {
		info.owner.as_ref() == Some(owner)
			&& info.name == registration.name.as_bytes()
			&& info.architecture == registration.architecture
	}))
}

/// Sends the blocks that the chain does not have.
async fn add_missing_blocks(
	connection: &Connection,
	model: ModelId,
	blocks: Vec<NewBlock>,
	weights: &FirstWeights,
) -> Result<(), RegisterModelError> {
	let missing = missing_blocks(connection, model, &blocks).await?;
	for part in missing.chunks(MAX_BLOCKS as usize) {
		// A part is no longer than a submission may be.
		let blocks = part.to_vec().try_into().unwrap_or_default();
		let call = Call::AddGenesisBlocks { model, blocks };
		match connection.chain.submit(&connection.signer, call, Wait::Finalized).await {
			Ok(_) => tracing::info!(model, blocks = part.len(), "first weights added"),
			// Ours, if an earlier call was on its way; else somebody began with other weights.
			Err(error) if error.is_pallet_error("ExpertDag", "HeadExists") => {
				let still_missing = missing_blocks(connection, model, part).await?;
				if let Some(NewBlock { component, .. }) = still_missing.first() {
					let (component, weights) = (*component, weights.clone());
					return Err(RegisterModelError::OtherWeights { model, component, weights });
				}
			}
			Err(error) => return Err(error.into()),
		}
	}
	Ok(())
}

async fn missing_blocks(
	connection: &Connection,
	model: ModelId,
	blocks: &[NewBlock],
) -> Result<Vec<NewBlock>, ChainError> {
	let mut missing = Vec::new();
	for new in blocks {
		let id = Block::from_new(model, connection.account().clone(), new.clone()).id();
		if connection.chain.block(id).await?.is_none() {
			missing.push(new.clone());
		}
	}
	Ok(missing)
}
