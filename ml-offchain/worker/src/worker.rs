//! What every role starts with: the chain, a key, a folder, a store, an exchange, a registration.

use crate::{
	collect::Collector,
	config::{Config, ConfigError},
	content::Content,
	exchange::{self, Exchange, ExchangeError},
	files::FileError,
	register::{ensure_registered, machine_id, RegisterError, Registration},
	seal::Opener,
};
use blyan_chain_client::{Chain, ChainError, Client, ClientConfig, Signer};
use blyan_primitives::{worker::Role, AccountId, Hash};
use blyan_store::{Store, StoreError};
use rand::{rngs::OsRng, RngCore};
use std::{
	fs::{self, File, OpenOptions, TryLockError},
	path::{Path, PathBuf},
	sync::Arc,
	time::Duration,
};

/// How long a command that a person waits for tries to reach the node.
pub const INTERACTIVE_PATIENCE: Duration = Duration::from_secs(5);

/// Why a worker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
	/// The configuration is not right.
	#[error(transparent)]
	Config(#[from] ConfigError),
	/// The chain is not reached, or is another one.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The data folder cannot be used.
	#[error(transparent)]
	File(#[from] FileError),
	/// Another worker has the data folder.
	#[error("the data folder {} is in use by another worker: give each its own `data_dir`", path.display())]
	DataDirInUse {
		/// The folder.
		path: PathBuf,
	},
	/// The store cannot be used.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// Content cannot be served.
	#[error(transparent)]
	Exchange(#[from] ExchangeError),
	/// The worker could not be registered.
	#[error(transparent)]
	Register(#[from] RegisterError),
}

/// A worker that serves its content, and is registered unless it only watches.
#[derive(Debug)]
pub struct Worker {
	/// Its configuration.
	pub config: Config,
	/// The chain.
	pub connection: Connection,
	/// The store, and the workers it is filled from.
	pub content: Content,
	/// Exchanges the store with others.
	pub exchange: Exchange,
	/// Collects garbage, unless the configuration says never.
	collector: Option<Collector>,
	/// Opens sealed lots, unless the configuration says that another does.
	opener: Option<Opener>,
	/// Held while the data folder is in use.
	_lock: File,
}

/// The chain, and the key that is signed with.
#[derive(Clone)]
pub struct Connection {
	/// The chain.
	pub chain: Arc<dyn Chain>,
	/// The key.
	pub signer: Signer,
}

impl std::fmt::Debug for Connection {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.debug_struct("Connection").field("signer", &self.signer).finish_non_exhaustive()
	}
}

impl Connection {
	/// Reads the key and connects to the node; refuses another chain than the one configured.
	///
	/// # Errors
	/// [`StartError::Config`], [`StartError::Chain`].
	pub async fn open(config: &Config) -> Result<Self, StartError> {
		Self::with(config, config.client()).await
	}

	/// The same for a person who waits for the answer: an absent node is said to be so after
	/// [`INTERACTIVE_PATIENCE`].
	///
	/// # Errors
	/// As [`Connection::open`].
	pub async fn open_interactively(config: &Config) -> Result<Self, StartError> {
		Self::with(config, config.client().with_read_patience(INTERACTIVE_PATIENCE)).await
	}

	async fn with(config: &Config, client: ClientConfig) -> Result<Self, StartError> {
		// The key first: its faults are a person's, and seen without a node.
		let signer = config.signer()?;
		let client = Client::connect(client).await?;
		Ok(Self { chain: Arc::new(client), signer })
	}

	/// Whose worker this is.
	pub fn account(&self) -> &AccountId {
		self.signer.account()
	}
}

impl Worker {
	/// Takes the data folder, serves its store, and registers in that role.
	///
	/// # Errors
	/// See [`StartError`].
	pub async fn start(config: Config, connection: Connection, role: Role) -> Result<Self, StartError> {
		Self::start_as(config, connection, Some(role)).await
	}

	/// The same without a registration: others are not told where its content is.
	///
	/// # Errors
	/// See [`StartError`].
	pub async fn start_unregistered(config: Config, connection: Connection) -> Result<Self, StartError> {
		Self::start_as(config, connection, None).await
	}

	async fn start_as(
		config: Config,
		connection: Connection,
		role: Option<Role>,
	) -> Result<Self, StartError> {
		let lock = lock_data_dir(&config.data_dir)?;
		let store = Store::open(config.store_dir())?;
		let exchange = exchange::start(store, &config, connection.chain.genesis_hash()).await?;
		if let Some(role) = role {
			let registration = Registration {
				role,
				endpoint: exchange.endpoint().to_owned(),
				bond: config.bond(),
				machine: machine_id(&config, connection.chain.genesis_hash(), role, connection.account())?,
			};
			ensure_registered(&*connection.chain, &connection.signer, &registration).await?;
		}
		let network = exchange.network().clone();
		let content = Content::new(network, connection.chain.clone(), connection.account().clone());
		// Through the other workers the DHT is joined, so that this one is found by those whom it never asks.
		content.providers(None).await?;
		let collector = config.store.gc_period().map(|period| {
			Collector::start(config.clone(), connection.chain.clone(), content.clone(), period)
		});
		let opener = config.seal.open.then(|| Opener::start(&config, connection.clone()));
		Ok(Self { config, connection, content, exchange, collector, opener, _lock: lock })
	}

	/// Where others are told to find its content.
	pub fn endpoint(&self) -> String {
		self.exchange.endpoint().to_owned()
	}

	/// Stops serving and collecting.
	pub async fn stop(self) {
		drop((self.collector, self.opener));
		self.exchange.stop(self.config.shutdown_timeout()).await;
	}
}

/// Makes the folder, and keeps others out of it until the file is dropped.
pub(crate) fn lock_data_dir(path: &Path) -> Result<File, StartError> {
	fs::create_dir_all(path).map_err(FileError::of("make the data folder", path))?;
	let lock = path.join("lock");
	let file = OpenOptions::new()
		.write(true)
		.create(true)
		.truncate(false)
		.open(&lock)
		.map_err(FileError::of("open", &lock))?;
	match file.try_lock() {
		Ok(()) => Ok(file),
		Err(TryLockError::WouldBlock) => Err(StartError::DataDirInUse { path: path.into() }),
		Err(TryLockError::Error(source)) => Err(FileError::of("lock", &lock)(source).into()),
	}
}

/// What nobody can guess: a salt, a seal.
pub fn random_hash() -> Hash {
	let mut bytes = [0; 32];
	OsRng.fill_bytes(&mut bytes);
	bytes.into()
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn data_dir_should_be_of_one_worker_at_a_time() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("made/on/demand");
		let first = lock_data_dir(&path).unwrap();
		let error = lock_data_dir(&path).unwrap_err();
		assert!(error.to_string().contains("`data_dir`"), "{error}");
		drop(first);
		lock_data_dir(&path).unwrap();
	}
}
