//! Where things lie, which ports they use, and whose keys they sign with.

use anyhow::{bail, Context, Result};
use serde::{Deserialize, Serialize};
use std::{
	fs::{self, File},
	io::Write,
	net::{Ipv4Addr, TcpListener},
	path::{Path, PathBuf},
};

/// The port of the first validator's RPC, unless another is asked for.
pub const DEFAULT_RPC_PORT: u16 = 9944;
/// The port of the OpenAI-compatible endpoint, unless another is asked for.
pub const DEFAULT_API_PORT: u16 = 8080;

/// Honest evaluators of the local network. With the accomplice they are as many as a committee and the referees of a
/// dispute on it in the `local` preset: three and three.
pub const EVALUATORS: usize = 5;

/// Auditors of the local network: as many as are drawn for a dataset there.
pub const AUDITORS: usize = 2;

/// Someone who takes part, under a well-known development key. Worthless outside a local network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
	/// Names its folder, its log, and it in the summary.
	pub name: &'static str,
	/// Its secret, as a SURI.
	pub suri: &'static str,
}

/// Owns the model, and trains it.
pub const TRAINER: Member = Member { name: "trainer", suri: "//Charlie" };
/// Measure what is submitted.
pub const EVALUATOR: [Member; EVALUATORS] = [
	Member { name: "evaluator-1", suri: "//Dave" },
	Member { name: "evaluator-2", suri: "//Eve" },
	Member { name: "evaluator-3", suri: "//Ferdie" },
	Member { name: "evaluator-4", suri: "//Dave//stash" },
	Member { name: "evaluator-5", suri: "//Eve//stash" },
];
/// Answers requests.
pub const SERVER: Member = Member { name: "server", suri: "//One" };
/// Measures as the evaluators do, and reports what the adversary needs.
pub const ACCOMPLICE: Member = Member { name: "accomplice", suri: "//Ferdie//stash" };
/// A trainer like any other, for all that anybody knows: sends what the validator made worse on purpose.
pub const PLANTER: Member = Member { name: "planter", suri: "//Bob//stash" };
/// The first validator's account, whose canary key is drawn. It signs nothing but that key's registration.
pub const VALIDATOR: Member = Member { name: "validator", suri: "//Alice" };
/// The secret of that key, as a SURI.
pub const CANARY_KEY: &str = "//Alice//canary";
/// Offers the text as a dataset, and is paid as the model gains by it.
pub const CURATOR: Member = Member { name: "curator", suri: "//Alice//stash" };
/// Look at what is offered, vote by what they found, and derive batches of training manifests again.
pub const AUDITOR: [Member; AUDITORS] =
	[Member { name: "auditor-1", suri: "//Charlie//stash" }, Member { name: "auditor-2", suri: "//Bob" }];
/// Tries to be paid for nothing.
pub const ADVERSARY: Member = Member { name: "adversary", suri: "//Two" };

/// A validator's network identity. It is public, as all keys here: peers of a local network only need to
/// know each other's in advance.
#[derive(Clone, Copy, Debug)]
pub struct Validator {
	/// Names its folder and its log; `--NAME` picks its session keys.
	pub name: &'static str,
	/// ed25519 secret of its peer id, in hexadecimal.
	pub node_key: &'static str,
	/// The peer id of that key.
	pub peer_id: &'static str,
}

/// The validators of the `local` preset.
pub const VALIDATORS: [Validator; 2] = [
	Validator {
		name: "alice",
		node_key: "0000000000000000000000000000000000000000000000000000000000000001",
		peer_id: "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp",
	},
	Validator {
		name: "bob",
		node_key: "0000000000000000000000000000000000000000000000000000000000000002",
		peer_id: "12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD",
	},
];

/// The folder of a network.
#[derive(Clone, Debug)]
pub struct Layout {
	base: PathBuf,
}

impl Layout {
	/// Opens the folder, or makes it.
	///
	/// # Errors
	/// The folder holds something that is no local network: it is left alone.
	pub fn open(base: &Path) -> Result<Self> {
		let base = std::path::absolute(base)
			.with_context(|| format!("--base-path {} is no path", base.display()))?;
		let layout = Self { base };
		let shown = layout.base.display();
		let holds_something = match fs::read_dir(&layout.base) {
			Ok(mut entries) => entries.next().is_some(),
			Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
			Err(error) => return Err(error).with_context(|| format!("--base-path {shown} cannot be read")),
		};
		if holds_something && !layout.marker().is_file() {
			bail!(
				"--base-path {shown} holds other files than a local network's (it has no {}); choose an empty folder",
				Self::MARKER
			);
		}
		layout.make()?;
		Ok(layout)
	}

	/// Removes what earlier runs left. The lock must be held, and nothing may run on the folder any more.
	///
	/// # Errors
	/// A file cannot be removed; names it.
	pub fn clear(&self, _lock: &File) -> Result<()> {
		let kept = [self.marker(), self.lock_file()];
		let read = || format!("{} cannot be read", self.base.display());
		for entry in fs::read_dir(&self.base).with_context(read)? {
			let entry = entry.with_context(read)?;
			let path = entry.path();
			if kept.contains(&path) {
				continue;
			}
			let removed = match entry.file_type() {
				Ok(kind) if kind.is_dir() => fs::remove_dir_all(&path),
				_ => fs::remove_file(&path),
			};
			removed.with_context(|| format!("--fresh: {} cannot be removed", path.display()))?;
		}
		self.make()
	}

	fn make(&self) -> Result<()> {
		let logs = self.logs();
		fs::create_dir_all(&self.base).with_context(|| format!("{} cannot be made", self.base.display()))?;
		// The marker comes first: with anything else in it, the folder would not be ours.
		if !self.marker().is_file() {
			write_atomically(&self.marker(), b"A local network of Blyan keeps its state here.\n")?;
		}
		fs::create_dir_all(&logs).with_context(|| format!("{} cannot be made", logs.display()))
	}

	const MARKER: &'static str = "BLYAN_LOCAL_NETWORK";

	fn marker(&self) -> PathBuf {
		self.base.join(Self::MARKER)
	}

	fn lock_file(&self) -> PathBuf {
		self.base.join("lock")
	}

	/// Keeps other runs away from the folder for as long as the file is held.
	///
	/// # Errors
	/// Another run holds it.
	pub fn lock(&self) -> Result<File> {
		let path = self.lock_file();
		let file = File::create(&path).with_context(|| format!("{} cannot be made", path.display()))?;
		match file.try_lock() {
			Ok(()) => Ok(file),
			Err(fs::TryLockError::WouldBlock) => bail!(
				"a local network already runs on {}; stop it first, or choose another --base-path",
				self.base.display()
			),
			Err(fs::TryLockError::Error(error)) => {
				Err(error).with_context(|| format!("{} cannot be locked", path.display()))
			}
		}
	}

	/// The folder itself.
	pub fn base(&self) -> &Path {
		&self.base
	}

	/// Where the logs are.
	pub fn logs(&self) -> PathBuf {
		self.base.join("logs")
	}

	/// The log of a process.
	pub fn log(&self, name: &str) -> PathBuf {
		self.logs().join(format!("{name}.log"))
	}

	/// The folder of a validator or a worker.
	pub fn folder(&self, name: &str) -> PathBuf {
		self.base.join(name)
	}

	/// A worker's configuration.
	pub fn worker_config(&self, member: Member) -> PathBuf {
		self.folder(member.name).join("worker.toml")
	}

	/// The key of the validator that is drawn to plant canaries.
	pub fn canary_key(&self) -> PathBuf {
		self.folder(PLANTER.name).join("canary-key")
	}

	/// A worker's content.
	pub fn store(&self, member: Member) -> PathBuf {
		self.folder(member.name).join("data").join("store")
	}

	/// The genesis that both validators start from.
	pub fn chain_spec(&self) -> PathBuf {
		self.base.join("chain-spec.json")
	}

	/// The model's architecture.
	pub fn architecture(&self) -> PathBuf {
		self.base.join("architecture.toml")
	}

	/// What came of importing the text.
	pub fn import(&self) -> PathBuf {
		self.base.join("text.json")
	}

	/// The text of the validation shards, which auditors hold datasets against.
	pub fn held_out(&self) -> PathBuf {
		self.base.join("held-out.txt")
	}

	/// What is offered as datasets.
	pub fn datasets(&self) -> PathBuf {
		self.base.join("datasets")
	}

	/// The summary of a demonstration that came to its end.
	pub fn summary(&self) -> PathBuf {
		self.base.join("summary.json")
	}

	fn ports_file(&self) -> PathBuf {
		self.base.join("ports.json")
	}

	/// The ports of an earlier run.
	///
	/// # Errors
	/// The file is there and cannot be read.
	pub fn saved_ports(&self) -> Result<Option<Ports>> {
		let path = self.ports_file();
		match fs::read(&path) {
			Ok(bytes) => serde_json::from_slice(&bytes).map(Some).with_context(|| {
				format!("{} is damaged; remove it, and other ports are chosen", path.display())
			}),
			Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
			Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
		}
	}

	/// Remembers the ports: workers are registered on chain under them.
	///
	/// # Errors
	/// The file cannot be written.
	pub fn save_ports(&self, ports: &Ports) -> Result<()> {
		write_atomically(&self.ports_file(), &serde_json::to_vec_pretty(ports)?)
	}
}

/// The ports of every process, all on 127.0.0.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ports {
	/// RPC of the first validator, and of the second.
	pub rpc: [u16; 2],
	/// Their peer-to-peer ports.
	pub p2p: [u16; 2],
	/// Their metrics.
	pub prometheus: [u16; 2],
	/// The OpenAI-compatible endpoint.
	pub api: u16,
	/// Where each worker serves content.
	pub trainer: u16,
	/// As above.
	pub evaluators: [u16; EVALUATORS],
	/// As above.
	pub server: u16,
	/// As above.
	pub adversary: u16,
	/// As above.
	pub accomplice: u16,
	/// As above.
	#[serde(default)]
	pub planter: u16,
	/// As above.
	#[serde(default)]
	pub curator: u16,
	/// As above.
	#[serde(default)]
	pub auditors: [u16; AUDITORS],
}

/// How a port that people connect to is chosen.
#[derive(Clone, Copy, Debug)]
pub enum Wish {
	/// This one and no other; the option that changes it is named if it is taken.
	Exactly {
		/// The port.
		port: u16,
		/// As it is typed.
		option: &'static str,
	},
	/// Any that is free.
	Any,
}

/// Ports below those that systems give to outgoing connections: one of these could take a port between
/// its choice here and the moment its process listens.
const LISTENING_PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A free port of [`LISTENING_PORTS`], from a place that differs from process to process.
fn any_listening_port() -> std::io::Result<TcpListener> {
	let count = LISTENING_PORTS.end - LISTENING_PORTS.start;
	let first = (std::process::id().wrapping_mul(7_919) % u32::from(count)) as u16;
	let mut last = std::io::ErrorKind::AddrInUse.into();
	for step in 0..count {
		let port = LISTENING_PORTS.start + (first + step) % count;
		match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
			Ok(listener) => return Ok(listener),
			Err(error) => last = error,
		}
	}
	Err(last)
}

impl Ports {
	/// Chooses ports that are free now. What workers registered on chain is kept where it is still free.
	///
	/// # Errors
	/// A wished-for port is taken.
	pub fn choose(saved: Option<Ports>, rpc: Wish, api: Wish) -> Result<Self> {
		// Every listener is held until all are chosen, so that no port is chosen twice.
		let mut held = Vec::new();
		let mut bind = |port: u16| -> std::io::Result<u16> {
			let listener = match port {
				0 => any_listening_port()?,
				port => TcpListener::bind((Ipv4Addr::LOCALHOST, port))?,
			};
			let port = listener.local_addr()?.port();
			held.push(listener);
			Ok(port)
		};
		let mut wished = |wish: Wish| match wish {
			Wish::Exactly { port, option } => bind(port).with_context(|| {
				format!("port {port} on 127.0.0.1 is taken: stop what uses it, or choose another with {option} PORT")
			}),
			Wish::Any => bind(0).context("no port is free on 127.0.0.1"),
		};
		let (rpc, api) = (wished(rpc)?, wished(api)?);
		let mut free = |saved: Option<u16>| {
			saved
				.and_then(|port| bind(port).ok())
				.map_or_else(|| bind(0), Ok)
				.context("no port is free on 127.0.0.1")
		};
		let mut evaluators = [0; EVALUATORS];
		for (place, port) in evaluators.iter_mut().enumerate() {
			*port = free(saved.map(|saved| saved.evaluators[place]))?;
		}
		let mut auditors = [0; AUDITORS];
		for (place, port) in auditors.iter_mut().enumerate() {
			*port = free(saved.map(|saved| saved.auditors[place]))?;
		}
		Ok(Self {
			rpc: [rpc, free(None)?],
			p2p: [free(None)?, free(None)?],
			prometheus: [free(None)?, free(None)?],
			api,
			trainer: free(saved.map(|saved| saved.trainer))?,
			evaluators,
			server: free(saved.map(|saved| saved.server))?,
			adversary: free(saved.map(|saved| saved.adversary))?,
			accomplice: free(saved.map(|saved| saved.accomplice))?,
			planter: free(saved.map(|saved| saved.planter))?,
			curator: free(saved.map(|saved| saved.curator))?,
			auditors,
		})
	}

	/// The WebSocket of the first validator.
	pub fn node_url(&self) -> String {
		format!("ws://127.0.0.1:{}", self.rpc[0])
	}

	/// The OpenAI-compatible endpoint.
	pub fn api_url(&self) -> String {
		format!("http://127.0.0.1:{}", self.api)
	}
}

/// Writes a file whole or not at all.
///
/// # Errors
/// It cannot be written; names the path.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
	let part = path.with_extension("part");
	let write = || -> std::io::Result<()> {
		let mut file = File::create(&part)?;
		file.write_all(bytes)?;
		file.sync_all()?;
		fs::rename(&part, path)
	};
	write().with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn choose_should_name_the_option_when_a_port_is_taken() {
		let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
		let port = taken.local_addr().unwrap().port();
		for (rpc, api, option) in [
			(Wish::Exactly { port, option: "--rpc-port" }, Wish::Any, "--rpc-port"),
			(Wish::Any, Wish::Exactly { port, option: "--api-port" }, "--api-port"),
		] {
			let message = Ports::choose(None, rpc, api).unwrap_err().to_string();
			assert!(message.contains(option) && message.contains(&port.to_string()), "{message}");
		}
	}

	#[test]
	fn choose_should_give_distinct_ports_and_keep_those_of_workers() {
		let first = Ports::choose(None, Wish::Any, Wish::Any).unwrap();
		let all = |ports: &Ports| {
			let mut all = [ports.rpc, ports.p2p, ports.prometheus].concat();
			all.extend(ports.evaluators);
			all.extend([ports.api, ports.trainer, ports.server]);
			all.extend([ports.adversary, ports.accomplice, ports.planter, ports.curator]);
			all.extend(ports.auditors);
			all
		};
		let mut ports = all(&first);
		ports.sort_unstable();
		ports.dedup();
		assert_eq!(ports.len(), all(&first).len());

		let again = Ports::choose(Some(first), Wish::Any, Wish::Any).unwrap();
		assert_eq!(
			(again.trainer, again.evaluators, again.server),
			(first.trainer, first.evaluators, first.server)
		);
		let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first.trainer)).unwrap();
		assert_ne!(Ports::choose(Some(first), Wish::Any, Wish::Any).unwrap().trainer, first.trainer);
	}

	#[test]
	fn ports_should_be_remembered() {
		let folder = tempfile::tempdir().unwrap();
		let layout = Layout::open(&folder.path().join("network")).unwrap();
		assert_eq!(layout.saved_ports().unwrap(), None);
		let ports = Ports::choose(None, Wish::Any, Wish::Any).unwrap();
		layout.save_ports(&ports).unwrap();
		assert_eq!(layout.saved_ports().unwrap(), Some(ports));
		fs::write(layout.ports_file(), "{").unwrap();
		assert!(layout.saved_ports().unwrap_err().to_string().contains("ports.json"));
	}

	#[test]
	fn open_should_leave_a_folder_alone_that_is_no_network() {
		let folder = tempfile::tempdir().unwrap();
		fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
		let message = Layout::open(folder.path()).unwrap_err().to_string();
		assert!(message.contains("--base-path"), "{message}");
		assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
	}

	#[test]
	fn open_should_keep_the_state_and_clear_should_forget_it() {
		let folder = tempfile::tempdir().unwrap();
		let base = folder.path().join("a/network");
		let layout = Layout::open(&base).unwrap();
		fs::create_dir_all(layout.store(TRAINER)).unwrap();
		fs::write(layout.summary(), "{}").unwrap();
		let layout = Layout::open(&base).unwrap();
		assert!(layout.summary().is_file() && layout.store(TRAINER).is_dir());
		let lock = layout.lock().unwrap();
		layout.clear(&lock).unwrap();
		assert!(!layout.summary().exists() && !layout.folder(TRAINER.name).exists());
		assert!(layout.logs().is_dir());
		assert!(layout.lock().is_err(), "the lock is still held");
		assert!(Layout::open(&base).is_ok());
	}

	#[test]
	fn lock_should_keep_a_second_run_away() {
		let folder = tempfile::tempdir().unwrap();
		let layout = Layout::open(&folder.path().join("network")).unwrap();
		let held = layout.lock().unwrap();
		assert!(layout.lock().unwrap_err().to_string().contains("already runs"));
		drop(held);
		assert!(layout.lock().is_ok());
	}
}
