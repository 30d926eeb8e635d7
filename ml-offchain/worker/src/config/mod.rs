//! A worker's configuration: one TOML file, a default for everything that can have one.

mod audit;
mod data;
mod train;

pub use audit::{AuditConfig, VoteConfig, VotePolicy};
pub use data::{DataConfig, DataPolicy};
pub use train::{JobConfig, MixedText, SubmitAs, TrainConfig};

use crate::{evaluator::measure::MeasureOptions, serve::ServeConfig};
use blyan_chain_client::{ClientConfig, KeyError, KeySource, Signer};
use blyan_exchange::Provider;
use blyan_model::{Device, MAX_THREADS};
use blyan_primitives::{
	dag::ModelId,
	economy::{BLY, GENESIS_SUPPLY},
	Balance, Hash,
};
use serde::{Deserialize, Serialize};
use std::{
	fs, io,
	net::SocketAddr,
	path::{Path, PathBuf},
	time::Duration,
};

/// Longest endpoint that the chain takes.
const MAX_ENDPOINT_BYTES: usize = 128;
/// Stands for the peer that is not known yet, where only the form of an address is checked.
const SOME_PEER: &str = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp";
/// Longest time that may be set to fetch a candidate: the commit phase is minutes.
const MAX_FETCH_SECONDS: u64 = 3_600;
/// Longest time that may be set for a graceful stop.
const MAX_SHUTDOWN_SECONDS: u64 = 600;

/// A worker's configuration.
///
/// Paths in the file are relative to the folder it is in; [`Config::load`] makes them whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
	/// The node's WebSocket.
	pub node_url: String,
	/// The chain to be on. A node of another chain is refused; not given, any chain will do.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub genesis_hash: Option<Hash>,
	/// A file of mode 0600 with the secret URI to sign with.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub key_file: Option<PathBuf>,
	/// The environment variable with the secret URI to sign with, instead of `key_file`.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub key_env: Option<String>,
	/// Journals, content and checkpoints. Each worker has its own.
	pub data_dir: PathBuf,
	/// Where content is exchanged with other workers, by Bitswap over libp2p; port 0 takes any free one.
	pub listen: SocketAddr,
	/// Where content is served over HTTP as well, as an IPFS gateway does; nowhere by default.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub http_listen: Option<SocketAddr>,
	/// The address that others are told, through the chain: a multiaddress such as
	/// `/ip4/203.0.113.7/tcp/9101`, or the `http://` address of `http_listen`. By default what `listen`
	/// says.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub endpoint: Option<String>,
	/// What is bonded at registration, in BLY.
	pub bond_bly: u64,
	/// Threads that compute; 0 takes one a core.
	pub threads: usize,
	/// What names this machine, instead of the operating system's machine id: one machine, one worker.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub machine_id: Option<String>,
	/// How long a graceful stop may take, in seconds.
	pub shutdown_seconds: u64,
	/// How the content store is looked after.
	pub store: StoreConfig,
	/// What `train` does.
	pub train: TrainConfig,
	/// What `plant` does.
	pub plant: PlantConfig,
	/// What `evaluate` does.
	pub evaluate: EvaluateConfig,
	/// What `watch` does, and `evaluate` besides.
	pub watch: WatchConfig,
	/// What `audit-manifests`, `audit-datasets` and `auditor` do.
	pub audit: AuditConfig,
	/// How `audit-datasets` and `auditor` vote on datasets.
	pub vote: VoteConfig,
	/// What `serve` does.
	pub serve: ServeConfig,
	/// What becomes of sealed lots.
	pub seal: SealConfig,
}

/// What becomes of sealed lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SealConfig {
	/// Whether a running worker opens what was sealed with this `data_dir` when a round has drawn it. If not,
	/// `blyan-worker open-lots` must, or the bonds of the lots are lost.
	pub open: bool,
}

/// How the content store is looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreConfig {
	/// How often what nothing needs is removed while a worker runs, in minutes; 0 for never. What was stored in
	/// the last day is spared, and what is pinned.
	pub gc_minutes: u32,
}

/// What `plant` does: a canary of what the first of `train.jobs` trains, sent as that trainer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlantConfig {
	/// A file of mode 0600 with the secret URI of the validator's canary key (sr25519), which takes part in the
	/// lottery and signs nothing else.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub canary_key_file: Option<PathBuf>,
}

/// What `evaluate` does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluateConfig {
	/// The models whose content is fetched ahead; empty for all. Rounds are measured for any model:
	/// whoever is drawn has to answer.
	pub models: Vec<ModelId>,
	/// How long a candidate's content may take to fetch before it counts as unfetchable, in seconds.
	pub fetch_timeout_seconds: u64,
	/// Where the arithmetic is done: "cpu", "cuda" or "wgpu".
	pub device: Device,
}

/// What `watch` does, and `evaluate` besides: comparing what others report with what it measured itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WatchConfig {
	/// Most that may be held at once as bonds of contests, in BLY; at 0, nothing is contested, and what would be is
	/// only told. Half of what the accused loses comes on top of a bond that returns; all of it is lost if the
	/// referees say that the report was right.
	pub max_bonded_bly: u64,
}

impl WatchConfig {
	/// Most that may be held at once, in the smallest unit of BLY.
	pub fn ceiling(&self) -> Balance {
		Balance::from(self.max_bonded_bly).saturating_mul(BLY)
	}
}

impl Default for Config {
	fn default() -> Self {
		Self {
			node_url: "ws://127.0.0.1:9944".into(),
			genesis_hash: None,
			key_file: None,
			key_env: None,
			data_dir: "data".into(),
			listen: SocketAddr::from(([127, 0, 0, 1], 9101)),
			http_listen: None,
			endpoint: None,
			bond_bly: 1_000,
			threads: 0,
			machine_id: None,
			shutdown_seconds: 20,
			store: StoreConfig::default(),
			train: TrainConfig::default(),
			plant: PlantConfig::default(),
			evaluate: EvaluateConfig::default(),
			watch: WatchConfig::default(),
			audit: AuditConfig::default(),
			vote: VoteConfig::default(),
			serve: ServeConfig::default(),
			seal: SealConfig::default(),
		}
	}
}

impl Default for SealConfig {
	fn default() -> Self {
		Self { open: true }
	}
}

impl Default for StoreConfig {
	fn default() -> Self {
		Self { gc_minutes: 60 }
	}
}

impl StoreConfig {
	/// How often garbage is collected; `None` for never.
	pub fn gc_period(&self) -> Option<Duration> {
		(self.gc_minutes > 0).then(|| Duration::from_secs(u64::from(self.gc_minutes) * 60))
	}
}

impl Default for EvaluateConfig {
	fn default() -> Self {
		Self { models: Vec::new(), fetch_timeout_seconds: 15, device: Device::Cpu }
	}
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
	/// The file cannot be read.
	#[error("cannot read the configuration {}: {source}", path.display())]
	Io {
		/// The file.
		path: PathBuf,
		/// What the system says.
		source: io::Error,
	},
	/// The file is not TOML, or has a field that does not exist or does not fit.
	#[error("the configuration {} is not right:\n{source}", path.display())]
	Syntax {
		/// The file.
		path: PathBuf,
		/// Where, and what is wrong.
		source: toml::de::Error,
	},
	/// A field has a value that cannot be.
	#[error("{field} {why}")]
	Field {
		/// Its name, with its section.
		field: String,
		/// The rule that it breaks, and what to do.
		why: String,
	},
	/// The key cannot be used.
	#[error(transparent)]
	Key(#[from] KeyError),
}

impl ConfigError {
	/// A field that breaks a rule.
	pub fn field(field: impl Into<String>, why: impl Into<String>) -> Self {
		Self::Field { field: field.into(), why: why.into() }
	}
}

impl Config {
	/// Reads a configuration, makes its paths whole, and checks it.
	///
	/// # Errors
	/// See [`ConfigError`].
	pub fn load(path: &Path) -> Result<Self, ConfigError> {
		let io = |source| ConfigError::Io { path: path.into(), source };
		let text = fs::read_to_string(path).map_err(io)?;
		let mut config: Self =
			toml::from_str(&text).map_err(|source| ConfigError::Syntax { path: path.into(), source })?;
		let whole = std::path::absolute(path).map_err(io)?;
		config.make_whole(whole.parent().unwrap_or(Path::new("/")));
		config.validate()?;
		Ok(config)
	}

	fn make_whole(&mut self, folder: &Path) {
		self.data_dir = folder.join(&self.data_dir);
		self.key_file = self.key_file.take().map(|path| folder.join(path));
		self.plant.canary_key_file = self.plant.canary_key_file.take().map(|path| folder.join(path));
		for path in self.audit.paths_mut() {
			*path = folder.join(&*path);
		}
		let mixed = self.train.texts.iter_mut().map(|mixed| &mut mixed.text);
		for text in mixed.chain([&mut self.train.text]) {
			// A CID is no path.
			if !text.is_empty() && text.parse::<blyan_primitives::cid::Cid>().is_err() {
				*text = folder.join(&text).display().to_string();
			}
		}
	}

	/// Checks what can be checked without chain or model.
	///
	/// # Errors
	/// [`ConfigError::Field`], for the first field that breaks a rule.
	pub fn validate(&self) -> Result<(), ConfigError> {
		let check = |holds: bool, field: &str, why: String| {
			if holds {
				Ok(())
			} else {
				Err(ConfigError::field(field, why))
			}
		};
		let is_node = self.node_url.starts_with("ws://") || self.node_url.starts_with("wss://");
		check(is_node, "node_url", format!("is `{}`; give one such as ws://127.0.0.1:9944", self.node_url))?;
		check(
			self.key_file.is_some() != self.key_env.is_some(),
			"key_file",
			"or key_env must be given, and not both: where the secret URI to sign with is".into(),
		)?;
		match &self.endpoint {
			Some(endpoint) => check_endpoint(endpoint, self.http_listen.is_some())?,
			None => check(
				!self.listen.ip().is_unspecified(),
				"endpoint",
				format!("must be given when `listen` is {}: others cannot connect to that", self.listen),
			)?,
		}
		let most = (GENESIS_SUPPLY / BLY) as u64;
		check(
			(1..=most).contains(&self.bond_bly),
			"bond_bly",
			format!("is {}; it must be 1 to {most} BLY", self.bond_bly),
		)?;
		check(
			self.watch.max_bonded_bly <= most,
			"watch.max_bonded_bly",
			format!("is {}; it must be 0 to {most} BLY", self.watch.max_bonded_bly),
		)?;
		check(self.threads <= MAX_THREADS, "threads", format!("is {}; at most {MAX_THREADS}", self.threads))?;
		check(
			self.machine_id.as_deref() != Some(""),
			"machine_id",
			"is empty; leave it out to take the operating system's".into(),
		)?;
		check(
			(1..=MAX_SHUTDOWN_SECONDS).contains(&self.shutdown_seconds),
			"shutdown_seconds",
			format!("is {}; it must be 1 to {MAX_SHUTDOWN_SECONDS}", self.shutdown_seconds),
		)?;
		for (field, seconds) in [
			("train.fetch_timeout_seconds", self.train.fetch_timeout_seconds),
			("evaluate.fetch_timeout_seconds", self.evaluate.fetch_timeout_seconds),
			("audit.fetch_timeout_seconds", self.audit.fetch_timeout_seconds),
			("train.checkpoint_seconds", self.train.checkpoint_seconds),
		] {
			let holds = (1..=MAX_FETCH_SECONDS).contains(&seconds);
			check(holds, field, format!("is {seconds}; it must be 1 to {MAX_FETCH_SECONDS}"))?;
		}
		check(
			self.audit.threads <= MAX_THREADS,
			"audit.threads",
			format!("is {}; at most {MAX_THREADS}", self.audit.threads),
		)?;
		self.train.validate_texts()?;
		for (number, job) in self.train.jobs.iter().enumerate() {
			job.validate(number)?;
		}
		self.serve.validate()
	}

	/// The key to sign with.
	///
	/// # Errors
	/// Why it cannot be used; never the secret.
	pub fn signer(&self) -> Result<Signer, ConfigError> {
		let source = match (&self.key_file, &self.key_env) {
			(Some(path), _) => KeySource::File(path.clone()),
			(None, Some(name)) => KeySource::Environment(name.clone()),
			(None, None) => return Err(ConfigError::field("key_file", "or key_env must be given")),
		};
		Ok(source.load()?)
	}

	/// How to reach the node.
	pub fn client(&self) -> ClientConfig {
		let client = ClientConfig::new(&self.node_url);
		match self.genesis_hash {
			Some(genesis) => client.with_expected_genesis(genesis),
			None => client,
		}
	}

	/// Threads that compute.
	pub fn compute_threads(&self) -> usize {
		match self.threads {
			0 => std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS),
			threads => threads,
		}
	}

	/// How rounds are measured.
	pub fn measure_options(&self) -> MeasureOptions {
		MeasureOptions {
			fetch_timeout: Duration::from_secs(self.evaluate.fetch_timeout_seconds),
			threads: self.compute_threads(),
			device: self.evaluate.device,
		}
	}

	/// What is bonded at registration, in the smallest unit of BLY.
	pub fn bond(&self) -> Balance {
		Balance::from(self.bond_bly).saturating_mul(BLY)
	}

	/// The folder of the content store.
	pub fn store_dir(&self) -> PathBuf {
		self.data_dir.join("store")
	}

	/// The folder of checkpoints.
	pub fn checkpoint_dir(&self) -> PathBuf {
		self.data_dir.join("checkpoints")
	}

	/// The folder of the texts of datasets, assembled from their parts.
	pub fn dataset_dir(&self) -> PathBuf {
		self.data_dir.join("datasets")
	}

	/// Threads that look at the samples of datasets.
	pub fn audit_threads(&self) -> usize {
		match self.audit.threads {
			0 => self.compute_threads(),
			threads => threads,
		}
	}

	/// The journal of that name.
	pub fn journal(&self, name: &str) -> PathBuf {
		self.data_dir.join(format!("{name}.journal"))
	}

	/// How long a graceful stop may take.
	pub fn shutdown_timeout(&self) -> Duration {
		Duration::from_secs(self.shutdown_seconds)
	}
}

/// Checks that other workers can use the endpoint, and that the chain takes it.
fn check_endpoint(endpoint: &str, is_gateway: bool) -> Result<(), ConfigError> {
	// Whose address it is, is added when this worker knows who it is.
	let whole = match endpoint.starts_with('/') && !endpoint.contains("/p2p/") {
		true => format!("{endpoint}/p2p/{SOME_PEER}"),
		false => endpoint.to_owned(),
	};
	let why = match whole.parse() {
		Ok(_) if whole.len() > MAX_ENDPOINT_BYTES => {
			format!("with its peer it has {} bytes, and may have {MAX_ENDPOINT_BYTES}", whole.len())
		}
		Ok(Provider::Gateway(_)) if !is_gateway => "an http:// address needs `http_listen` as well".into(),
		Ok(_) => return Ok(()),
		Err(error) => error.to_string(),
	};
	let why = format!(
		"is `{endpoint}`: {why}; give a multiaddress such as /ip4/203.0.113.7/tcp/9101, or leave it out"
	);
	Err(ConfigError::field("endpoint", why))
}

#[cfg(test)]
mod tests {
	use super::*;

	fn read(text: &str) -> Result<Config, ConfigError> {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("worker.toml");
		fs::write(&path, text).unwrap();
		Config::load(&path)
	}

	fn refused(text: &str) -> String {
		read(&format!("key_env = \"K\"\n{text}")).unwrap_err().to_string()
	}

	#[test]
	fn config_should_need_nothing_but_a_key() {
		let config = read("key_file = \"key\"").unwrap();
		assert!(config.data_dir.is_absolute() && config.data_dir.ends_with("data"));
		assert!(config.key_file.unwrap().is_absolute());
		assert!(refused("key_file = \"key\"").starts_with("key_file or key_env"));
		assert!(read("").unwrap_err().to_string().starts_with("key_file or key_env"));
	}

	#[test]
	fn config_should_round_trip_through_what_check_config_prints() {
		let text = "key_env = \"K\"\nthreads = 2\n[train]\ntext = \"t.txt\"\n[[train.jobs]]\ncomponents = [\"expert(0,1)\"]\n";
		let config = read(text).unwrap();
		let printed = toml::to_string(&config).unwrap();
		assert_eq!(toml::from_str::<Config>(&printed).unwrap(), config);
		assert_eq!(config.compute_threads(), 2);
	}

	#[test]
	fn garbage_should_be_collected_hourly_unless_it_is_said_otherwise() {
		let period = |text: &str| read(&format!("key_env = \"K\"\n{text}")).unwrap().store.gc_period();
		assert_eq!(period(""), Some(Duration::from_secs(3_600)));
		assert_eq!(period("[store]\ngc_minutes = 5"), Some(Duration::from_secs(300)));
		assert_eq!(period("[store]\ngc_minutes = 0"), None);
	}

	#[test]
	fn config_should_name_the_field_when_it_is_wrong() {
		for (text, field) in [
			("node_url = \"http://x\"", "node_url is"),
			("endpoint = \"ftp://x\"", "endpoint is"),
			("endpoint = \"http://\"", "endpoint is"),
			("endpoint = \"http://a b\"", "endpoint is"),
			("endpoint = \"http://me.example:80\"", "endpoint is"),
			("endpoint = \"/ip4/1.2.3.4/udp/1\"", "endpoint is"),
			("endpoint = \"/ip4/1.2.3.4/tcp/1/p2p/12D3\"", "endpoint is"),
			("listen = \"0.0.0.0:9101\"", "endpoint must be given"),
			("bond_bly = 0", "bond_bly is 0"),
			("threads = 4000", "threads is 4000"),
			("[watch]\nmax_bonded_bly = 99999999999", "watch.max_bonded_bly is 99999999999"),
			("machine_id = \"\"", "machine_id is empty"),
			("shutdown_seconds = 0", "shutdown_seconds is 0"),
			("[evaluate]\nfetch_timeout_seconds = 0", "evaluate.fetch_timeout_seconds is 0"),
			("[[train.jobs]]\nsteps = 1", "train.text is missing"),
			("[audit]\nfetch_timeout_seconds = 0", "audit.fetch_timeout_seconds is 0"),
			(
				"[train]\ntext = \"t\"\n[[train.texts]]\ntext = \"u\"\npercent = 100",
				"train.texts and train.text",
			),
			("[[train.texts]]\ntext = \"u\"\npercent = 99", "train.texts come to 99 percent"),
			("[[train.texts]]\ntext = \"u\"\npercent = 0", "train.texts must each have"),
			("[train]\ntext = \"t\"\n[[train.jobs]]\nsteps = 0", "train.jobs[0].steps must"),
			(
				"[train]\ntext = \"t\"\n[[train.jobs]]\ncomponents = []",
				"train.jobs[0].components names nothing",
			),
			("[train]\ntext = \"t\"\n[[train.jobs]]\n[[train.jobs]]\nclip = -1.0", "train.jobs[1].clip must"),
		] {
			let error = refused(text);
			assert!(error.starts_with(field), "{text}: {error}");
		}
	}

	#[test]
	fn config_should_name_place_and_word_when_it_is_not_understood() {
		let error = refused("nod_url = \"x\"");
		assert!(error.contains("nod_url") && error.contains("worker.toml"), "{error}");
		assert!(refused("listen = \"nowhere\"").contains("listen"));
		assert!(refused("genesis_hash = \"0x12\"").contains("genesis_hash"));
		assert!(refused("[train]\n[[train.jobs]]\ncomponents = [\"exprt(0)\"]").contains("exprt(0)"));
		let missing = Config::load(Path::new("/nonexistent.toml")).unwrap_err();
		assert!(missing.to_string().contains("/nonexistent.toml"));
	}

	#[test]
	fn config_should_leave_a_cid_as_it_is_and_make_a_path_whole() {
		const CID: &str = "bafkreicysg23kiwv34eg2d7qweipxwosdo2py4ldv42nbauguluen5v6am";
		let text =
			|text: &str| read(&format!("key_env = \"K\"\n[train]\ntext = \"{text}\"")).unwrap().train.text;
		assert_eq!(text(CID), CID);
		assert!(Path::new(&text("a.txt")).is_absolute());
		assert_eq!(text("/a.txt"), "/a.txt");
	}
}
