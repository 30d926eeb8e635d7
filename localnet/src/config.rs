//! The workers' configurations, and what they are told to do in the demonstration.

use crate::layout::{
	write_atomically, Layout, Member, Ports, ACCOMPLICE, ADVERSARY, AUDITOR, CANARY_KEY, CURATOR, EVALUATOR,
	PLANTER, SERVER, TRAINER, VALIDATOR,
};
use anyhow::{Context, Result};
use blyan_primitives::{
	architecture::{Architecture, ExpertCount},
	dag::{Component, ModelId},
};
use blyan_worker::config::SubmitAs;
use serde::Serialize;
use std::{
	fs::{self, OpenOptions},
	io::Write,
	os::unix::fs::{OpenOptionsExt, PermissionsExt},
	path::{Path, PathBuf},
};

/// The model of a fresh chain is the first that is registered there.
pub const MODEL: ModelId = 0;
/// What the model is called.
pub const MODEL_NAME: &str = "jargon";
/// The expert that the second job trains, and that the dishonest submissions imitate.
pub const IMPROVED_EXPERT: Component = Component::Expert { layer: 1, index: 0 };

/// The expert of which a canary is planted: another one, so that neither is in the other's way.
pub const CANARY_EXPERT: Component = Component::Expert { layer: 0, index: 0 };

/// Held out for measuring: parts of the text, and shards of each.
pub const DOMAINS: u32 = 4;
/// Shards held out of each part.
pub const SHARDS_PER_DOMAIN: u32 = 64;
/// Bytes of a shard.
pub const SHARD_BYTES: u32 = 512;
/// What is asked of candidates: one per cent one-sided, by a five-hundredth of a bit, on 16 shards of each
/// part. A re-encoded copy differs from its original by less than a thousandth.
pub const GATE: &str = "z_milli=2326,delta=2000000,rho=20000000,tolerance=1000000,shards_per_domain=16";

/// How long evaluators look for content before they report that nobody serves it.
pub const FETCH_TIMEOUT_SECONDS: u32 = 8;
/// What each worker bonds.
pub const WORKER_BOND_BLY: u64 = 1_000;
/// What the accomplice bonds: so much that it is drawn for nearly every committee, for draws go by bonds.
pub const ACCOMPLICE_BOND_BLY: u64 = 100_000;
/// Most that an evaluator holds to contest others: twice what it takes for the accomplice, which is a fifth of what that
/// bonds.
const MAX_CONTEST_BLY: u64 = 40_000;

/// Small enough to learn something of a text in a minute on two cores.
pub const ARCHITECTURE: Architecture =
	Architecture::byte_level(2, ExpertCount { min: 2, current: 4, max: 8 }, 2, 128, 256, 4, 128);

/// A worker's configuration, as `blyan-worker` reads it. What is left out has the worker's default.
#[derive(Clone, Debug, Serialize)]
struct WorkerConfig {
	node_url: String,
	genesis_hash: String,
	key_file: String,
	data_dir: String,
	listen: String,
	#[serde(skip_serializing_if = "Option::is_none")]
	http_listen: Option<String>,
	bond_bly: u64,
	threads: u32,
	machine_id: String,
	#[serde(skip_serializing_if = "Option::is_none")]
	train: Option<TrainSection>,
	#[serde(skip_serializing_if = "Option::is_none")]
	plant: Option<PlantSection>,
	#[serde(skip_serializing_if = "Option::is_none")]
	evaluate: Option<EvaluateSection>,
	#[serde(skip_serializing_if = "Option::is_none")]
	watch: Option<WatchSection>,
	#[serde(skip_serializing_if = "Option::is_none")]
	audit: Option<AuditSection>,
	#[serde(skip_serializing_if = "Option::is_none")]
	vote: Option<VoteSection>,
	#[serde(skip_serializing_if = "Option::is_none")]
	serve: Option<ServeSection>,
}

#[derive(Clone, Debug, Serialize)]
struct TrainSection {
	model: ModelId,
	data: DataSection,
	jobs: Vec<Job>,
}

#[derive(Clone, Debug, Serialize)]
struct DataSection {
	policy: &'static str,
	seed: u64,
}

#[derive(Clone, Debug, Serialize)]
struct AuditSection {
	fetch_timeout_seconds: u32,
	validation: Vec<PathBuf>,
}

#[derive(Clone, Debug, Serialize)]
struct VoteSection {
	policy: &'static str,
}

#[derive(Clone, Debug, Serialize)]
struct PlantSection {
	canary_key_file: PathBuf,
}

#[derive(Clone, Debug, Serialize)]
struct Job {
	components: Components,
	steps: u32,
	batch: u32,
	sequence: u32,
	learning_rate: f64,
	seed: u64,
	submit_as: SubmitAs,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Components {
	All(&'static str),
	Some(Vec<String>),
}

#[derive(Clone, Debug, Serialize)]
struct EvaluateSection {
	models: Vec<ModelId>,
	fetch_timeout_seconds: u32,
}

#[derive(Clone, Debug, Serialize)]
struct WatchSection {
	max_bonded_bly: u64,
}

#[derive(Clone, Debug, Serialize)]
struct ServeSection {
	api_listen: String,
	model: ModelId,
}

/// The two jobs of the demonstration: first everything, then one expert alone, of which only the difference
/// is sent.
fn jobs() -> Vec<Job> {
	let job = Job {
		components: Components::All("all"),
		steps: 360,
		batch: 16,
		sequence: ARCHITECTURE.context,
		learning_rate: 3e-3,
		seed: 1,
		submit_as: SubmitAs::Weights,
	};
	let one_expert = Job {
		components: Components::Some(vec![IMPROVED_EXPERT.to_string()]),
		steps: 160,
		seed: 2,
		submit_as: SubmitAs::Deltas,
		..job.clone()
	};
	vec![job, one_expert]
}

/// What a canary looks like: the second job in small, of another expert.
fn canary_job() -> Job {
	Job {
		components: Components::Some(vec![CANARY_EXPERT.to_string()]),
		steps: 80,
		batch: 16,
		sequence: ARCHITECTURE.context,
		learning_rate: 3e-3,
		seed: 3,
		submit_as: SubmitAs::Deltas,
	}
}

/// Steps of each job, for progress bars.
pub fn steps_of_jobs() -> Vec<u64> {
	jobs().iter().map(|job| job.steps.into()).collect()
}

/// Writes the keys and configurations of all workers, and the architecture.
///
/// # Errors
/// A file that cannot be written; names it.
pub fn write_all(layout: &Layout, ports: &Ports, genesis_hash: &str) -> Result<()> {
	write_atomically(&layout.architecture(), toml::to_string(&ARCHITECTURE)?.as_bytes())?;
	let base = |member: Member, port: u16, threads: u32| WorkerConfig {
		node_url: ports.node_url(),
		genesis_hash: genesis_hash.into(),
		key_file: "key".into(),
		data_dir: "data".into(),
		listen: format!("127.0.0.1:{port}"),
		http_listen: None,
		bond_bly: WORKER_BOND_BLY,
		threads,
		// All share one machine here, which a real network would not allow.
		machine_id: format!("local network, {}", member.name),
		train: None,
		plant: None,
		evaluate: None,
		watch: None,
		audit: None,
		vote: None,
		serve: None,
	};
	// Whatever is approved; in the demonstration, one dataset is.
	let data = || DataSection { policy: "balanced", seed: 1 };
	write_worker(
		layout,
		TRAINER,
		&WorkerConfig {
			train: Some(TrainSection { model: MODEL, data: data(), jobs: jobs() }),
			..base(TRAINER, ports.trainer, 0)
		},
	)?;
	write_worker(
		layout,
		PLANTER,
		&WorkerConfig {
			train: Some(TrainSection { model: MODEL, data: data(), jobs: vec![canary_job()] }),
			plant: Some(PlantSection { canary_key_file: layout.canary_key() }),
			..base(PLANTER, ports.planter, 1)
		},
	)?;
	write_secret(&layout.canary_key(), CANARY_KEY)?;
	write_key(&layout.folder(VALIDATOR.name), VALIDATOR)?;
	let evaluate =
		|| Some(EvaluateSection { models: vec![MODEL], fetch_timeout_seconds: FETCH_TIMEOUT_SECONDS });
	for (member, port) in EVALUATOR.into_iter().zip(ports.evaluators) {
		let watch = Some(WatchSection { max_bonded_bly: MAX_CONTEST_BLY });
		// One thread each: a committee works at the same time.
		let config = WorkerConfig { evaluate: evaluate(), watch, ..base(member, port, 1) };
		write_worker(layout, member, &config)?;
	}
	// It contests nobody: by its own lies, everybody else would be wrong.
	let accomplice = WorkerConfig {
		evaluate: evaluate(),
		bond_bly: ACCOMPLICE_BOND_BLY,
		..base(ACCOMPLICE, ports.accomplice, 1)
	};
	write_worker(layout, ACCOMPLICE, &accomplice)?;
	let audit = || {
		let validation = vec![layout.held_out()];
		Some(AuditSection { fetch_timeout_seconds: FETCH_TIMEOUT_SECONDS, validation })
	};
	for (member, port) in AUDITOR.into_iter().zip(ports.auditors) {
		let vote = Some(VoteSection { policy: "by_report" });
		write_worker(layout, member, &WorkerConfig { audit: audit(), vote, ..base(member, port, 1) })?;
	}
	// It is found by its HTTP address, which is known before it starts.
	let http_listen = Some(format!("127.0.0.1:{}", ports.curator));
	write_worker(layout, CURATOR, &WorkerConfig { http_listen, audit: audit(), ..base(CURATOR, 0, 1) })?;
	// What it offers, this program serves for it.
	write_worker(layout, ADVERSARY, &base(ADVERSARY, 0, 1))?;
	let serve = ServeSection { api_listen: format!("127.0.0.1:{}", ports.api), model: MODEL };
	write_worker(layout, SERVER, &WorkerConfig { serve: Some(serve), ..base(SERVER, ports.server, 1) })
}

/// Where the adversary's content is served: over HTTP, as an IPFS gateway does.
pub fn gateway(port: u16) -> String {
	format!("http://127.0.0.1:{port}")
}

/// The file that holds a member's key.
pub fn key_file(layout: &Layout, member: Member) -> std::path::PathBuf {
	layout.folder(member.name).join("key")
}

fn write_worker(layout: &Layout, member: Member, config: &WorkerConfig) -> Result<()> {
	write_key(&layout.folder(member.name), member)?;
	write_atomically(&layout.worker_config(member), toml::to_string(config)?.as_bytes())
}

/// Makes the member's folder, with its key in it.
fn write_key(folder: &Path, member: Member) -> Result<()> {
	fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
	write_secret(&folder.join("key"), member.suri)
}

/// Writes a secret into a file that nobody else may read.
fn write_secret(path: &Path, suri: &str) -> Result<()> {
	let write = || -> std::io::Result<()> {
		let mut file = OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(path)?;
		// The mode above is for a file that is made; one that was there may have another.
		file.set_permissions(fs::Permissions::from_mode(0o600))?;
		writeln!(file, "{suri}")?;
		file.sync_all()
	};
	write().with_context(|| format!("the key file {} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::layout::Wish;
	use toml::Value;

	fn written() -> (tempfile::TempDir, Layout, Ports) {
		let folder = tempfile::tempdir().unwrap();
		let layout = Layout::open(&folder.path().join("network")).unwrap();
		let ports = Ports::choose(None, Wish::Any, Wish::Any).unwrap();
		write_all(&layout, &ports, "0x00").unwrap();
		(folder, layout, ports)
	}

	fn read(layout: &Layout, member: Member) -> Value {
		fs::read_to_string(layout.worker_config(member)).unwrap().parse::<toml::Table>().unwrap().into()
	}

	#[test]
	fn write_all_should_give_each_worker_its_section_port_and_machine() {
		let (_folder, layout, ports) = written();
		let trainer = read(&layout, TRAINER);
		assert_eq!(trainer["node_url"].as_str(), Some(ports.node_url().as_str()));
		assert_eq!(trainer["train"]["data"]["policy"].as_str(), Some("balanced"));
		assert_eq!(trainer["train"]["jobs"][0]["components"].as_str(), Some("all"));
		assert_eq!(trainer["train"]["jobs"][0]["submit_as"].as_str(), Some("weights"));
		assert_eq!(trainer["train"]["jobs"][1]["components"][0].as_str(), Some("expert(1,0)"));
		assert_eq!(trainer["train"]["jobs"][1]["submit_as"].as_str(), Some("deltas"));
		assert_eq!(
			read(&layout, EVALUATOR[2])["listen"].as_str(),
			Some(format!("127.0.0.1:{}", ports.evaluators[2]).as_str())
		);
		assert_eq!(
			read(&layout, SERVER)["serve"]["api_listen"].as_str(),
			Some(format!("127.0.0.1:{}", ports.api).as_str())
		);
		assert!(read(&layout, EVALUATOR[4])["watch"]["max_bonded_bly"].as_integer().unwrap() > 0);
		assert_eq!(read(&layout, ACCOMPLICE)["bond_bly"].as_integer(), Some(ACCOMPLICE_BOND_BLY as i64));
		assert!(read(&layout, ACCOMPLICE).get("watch").is_none());
		let planter = read(&layout, PLANTER);
		assert_eq!(planter["plant"]["canary_key_file"].as_str(), layout.canary_key().to_str());
		assert_eq!(planter["train"]["jobs"][0]["components"][0].as_str(), Some("expert(0,0)"));
		assert!(!trainer.as_table().unwrap().contains_key("plant"));
		let auditor = read(&layout, AUDITOR[1]);
		assert_eq!(auditor["audit"]["validation"][0].as_str(), layout.held_out().to_str());
		assert_eq!(auditor["vote"]["policy"].as_str(), Some("by_report"));
		let mut machines: Vec<String> = EVALUATOR
			.iter()
			.chain(&AUDITOR)
			.chain([&TRAINER, &SERVER, &ACCOMPLICE, &PLANTER, &CURATOR, &ADVERSARY])
			.map(|member| read(&layout, *member)["machine_id"].to_string())
			.collect();
		machines.sort();
		machines.dedup();
		assert_eq!(machines.len(), 13, "one machine, one worker");
	}

	#[test]
	fn write_all_should_keep_keys_from_other_users() {
		let (_folder, layout, _) = written();
		let members = [TRAINER, EVALUATOR[0], SERVER, ADVERSARY, PLANTER, VALIDATOR, CURATOR, AUDITOR[0]];
		let keys = members.map(|member| (key_file(&layout, member), member.suri));
		for (path, suri) in keys.into_iter().chain([(layout.canary_key(), CANARY_KEY)]) {
			assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
			assert_eq!(fs::read_to_string(&path).unwrap().trim(), suri);
		}
		fs::set_permissions(key_file(&layout, TRAINER), fs::Permissions::from_mode(0o644)).unwrap();
		write_key(&layout.folder(TRAINER.name), TRAINER).unwrap();
		assert_eq!(fs::metadata(key_file(&layout, TRAINER)).unwrap().permissions().mode() & 0o777, 0o600);
	}

	#[test]
	fn architecture_should_be_valid_and_survive_its_file() {
		let (_folder, layout, _) = written();
		assert_eq!(ARCHITECTURE.validate(), Ok(()));
		assert!(ARCHITECTURE.component_index(IMPROVED_EXPERT).is_some());
		let read: Architecture = toml::from_str(&fs::read_to_string(layout.architecture()).unwrap()).unwrap();
		assert_eq!(read, ARCHITECTURE);
	}
}
