//! The local network as a whole: its folder, its processes, and how they are started.

use crate::{
	cli::{Binaries, Cli},
	layout::{Layout, Member, Ports, Validator, VALIDATORS},
	leftovers::Roster,
	network::{run_to_end, Network, Spec, Tier},
	summary::StepTime,
	ui::{Step, Ui},
};
use anyhow::Result;
use std::{ffi::OsString, future::Future, path::PathBuf, time::Duration};

/// Everything that a step needs.
pub struct Localnet {
	/// What was typed.
	pub cli: Cli,
	/// The programs.
	pub binaries: Binaries,
	/// The folder.
	pub layout: Layout,
	/// Who listens where.
	pub ports: Ports,
	/// Where steps are shown.
	pub ui: Ui,
	/// What runs.
	pub network: Network,
	/// How long steps took.
	pub steps: Vec<StepTime>,
	/// Whether all came out as told, once that is known.
	pub verdict: Option<bool>,
}

impl Localnet {
	/// Ends a step, shows what came of it, and remembers how long it took.
	pub fn done(&mut self, step: Step, name: &str, outcome: &str) {
		let seconds = step.done(outcome).as_secs_f64();
		self.steps.push(StepTime { name: name.into(), seconds });
	}

	/// Starts a validator. The second finds the first by its known peer id.
	///
	/// # Errors
	/// It cannot be started.
	pub fn start_validator(&mut self, place: usize) -> Result<()> {
		let spec = self.validator_spec(place);
		self.network.start(spec)?;
		self.write_roster()
	}

	/// Runs a command of the node to its end.
	///
	/// # Errors
	/// It fails; with the end of its log.
	pub async fn run_node(&self, name: &str, arguments: &[&str]) -> Result<String> {
		let spec = Spec {
			name: name.into(),
			tier: Tier::Node,
			program: self.binaries.node.clone(),
			arguments: arguments.iter().map(OsString::from).collect(),
			log: self.layout.log(name),
		};
		run_to_end(&spec).await
	}

	fn validator_spec(&self, place: usize) -> Spec {
		let Validator { name, node_key, .. } = VALIDATORS[place];
		let mut arguments: Vec<OsString> = vec![
			"--chain".into(),
			self.layout.chain_spec().into(),
			"--base-path".into(),
			self.layout.folder(name).into(),
		];
		let mut add = |option: &str, value: String| arguments.extend([option.into(), value.into()]);
		add("--rpc-port", self.ports.rpc[place].to_string());
		add("--prometheus-port", self.ports.prometheus[place].to_string());
		// Loopback alone: keys that everyone knows must not be reachable from outside.
		add("--listen-addr", format!("/ip4/127.0.0.1/tcp/{}", self.ports.p2p[place]));
		add("--node-key", node_key.into());
		for (other, validator) in VALIDATORS.iter().enumerate().filter(|(other, _)| *other != place) {
			add(
				"--bootnodes",
				format!("/ip4/127.0.0.1/tcp/{}/p2p/{}", self.ports.p2p[other], validator.peer_id),
			);
		}
		// Every state is kept: a demonstration is followed from its first block, and so are a model's versions.
		add("--state-pruning", "archive".into());
		add("--blocks-pruning", "archive".into());
		arguments.push(format!("--{name}").into());
		arguments
			.extend(["--validator", "--no-telemetry", "--no-mdns", "--allow-private-ip"].map(OsString::from));
		Spec {
			name: name.into(),
			tier: Tier::Node,
			program: self.binaries.node.clone(),
			arguments,
			log: self.layout.log(name),
		}
	}

	/// What runs commands of workers to their end.
	pub fn commands(&self) -> Commands {
		Commands { worker: self.binaries.worker.clone(), layout: self.layout.clone() }
	}

	/// A process of a worker: `blyan-worker ARGUMENTS`.
	fn worker_spec(&self, member: Member, arguments: impl IntoIterator<Item = OsString>) -> Spec {
		self.commands().spec(member, arguments)
	}

	/// Starts a worker that stays.
	///
	/// # Errors
	/// It cannot be started.
	pub fn start_worker(&mut self, member: Member, command: &str) -> Result<()> {
		self.start_worker_with(member, self.with_config(member, command))
	}

	/// Starts a worker that stays, by the arguments.
	///
	/// # Errors
	/// It cannot be started.
	pub fn start_worker_with(&mut self, member: Member, arguments: Vec<OsString>) -> Result<()> {
		let spec = self.worker_spec(member, arguments);
		self.network.start(spec)?;
		self.write_roster()
	}

	/// Starts a worker that stays, and hands over what it prints.
	///
	/// # Errors
	/// It cannot be started.
	pub fn start_talking_worker(
		&mut self,
		member: Member,
		command: &str,
		options: &[&str],
	) -> Result<tokio::sync::mpsc::Receiver<String>> {
		let mut arguments = self.with_config(member, command);
		arguments.extend(options.iter().map(OsString::from));
		let spec = self.worker_spec(member, arguments);
		let lines = self.network.start_with_lines(spec)?;
		self.write_roster()?;
		Ok(lines)
	}

	/// Runs a worker's command to its end.
	pub fn run_worker(
		&self,
		member: Member,
		arguments: impl IntoIterator<Item = OsString>,
	) -> impl Future<Output = Result<String>> {
		let (commands, arguments) = (self.commands(), arguments.into_iter().collect::<Vec<_>>());
		async move { commands.run(member, arguments).await }
	}

	/// `COMMAND --config FILE`.
	pub fn with_config(&self, member: Member, command: &str) -> Vec<OsString> {
		vec![command.into(), "--config".into(), self.layout.worker_config(member).into()]
	}

	fn write_roster(&self) -> Result<()> {
		Roster::new(self.layout.base()).write(self.network.running())
	}
}

/// Runs commands of workers to their end, beside whatever else is done with the network.
#[derive(Clone, Debug)]
pub struct Commands {
	worker: PathBuf,
	layout: Layout,
}

impl Commands {
	fn spec(&self, member: Member, arguments: impl IntoIterator<Item = OsString>) -> Spec {
		Spec {
			name: member.name.into(),
			tier: Tier::Worker,
			program: self.worker.clone(),
			// What it does goes to its log, for whoever wants to know why it stopped.
			arguments: arguments.into_iter().chain(["-v".into()]).collect(),
			log: self.layout.log(member.name),
		}
	}

	/// Runs `blyan-worker ARGUMENTS` and returns what it prints.
	///
	/// # Errors
	/// It fails; with the end of its log.
	pub async fn run(&self, member: Member, arguments: Vec<OsString>) -> Result<String> {
		let mut spec = self.spec(member, arguments);
		if let Some(command) = spec.arguments.first() {
			spec.name = format!("blyan-worker {}", command.to_string_lossy());
		}
		run_to_end(&spec).await
	}
}

/// Bounds a wait.
///
/// # Errors
/// That of the future, or that it did not come to an end; `what` says what did not happen.
pub async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = Result<T>>) -> Result<T> {
	tokio::time::timeout(limit, future)
		.await
		.unwrap_or_else(|_| Err(anyhow::anyhow!("{what} within {} s", limit.as_secs())))
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::layout::{Wish, TRAINER};
	use clap::Parser;

	fn localnet(base: &std::path::Path) -> Localnet {
		Localnet {
			cli: Cli::parse_from(["blyan-localnet"]),
			binaries: Binaries { node: "/bin/blyan-node".into(), worker: "/bin/blyan-worker".into() },
			layout: Layout::open(base).unwrap(),
			ports: Ports::choose(None, Wish::Any, Wish::Any).unwrap(),
			ui: Ui::new(),
			network: Network::default(),
			steps: Vec::new(),
			verdict: None,
		}
	}

	#[test]
	fn validators_should_know_each_other_and_have_folders_and_ports_of_their_own() {
		let folder = tempfile::tempdir().unwrap();
		let local = localnet(&folder.path().join("network"));
		for (place, other) in [(0, 1), (1, 0)] {
			let spec = local.validator_spec(place);
			let text = spec
				.arguments
				.iter()
				.map(|argument| argument.to_string_lossy())
				.collect::<Vec<_>>()
				.join(" ");
			assert!(text.contains(&format!("--{}", VALIDATORS[place].name)), "{text}");
			assert!(
				text.contains(&format!("/tcp/{}/p2p/{}", local.ports.p2p[other], VALIDATORS[other].peer_id)),
				"{text}"
			);
			assert!(text.contains(&format!("--rpc-port {}", local.ports.rpc[place])), "{text}");
			assert!(
				text.contains(&local.layout.folder(VALIDATORS[place].name).display().to_string()),
				"{text}"
			);
		}
	}

	#[tokio::test]
	async fn within_should_say_what_did_not_happen() {
		let never = within::<()>(Duration::from_millis(10), "no block became final", std::future::pending());
		assert!(never.await.unwrap_err().to_string().starts_with("no block became final within"));
		assert_eq!(within(Duration::from_secs(1), "", async { Ok(3) }).await.unwrap(), 3);
	}

	#[test]
	fn worker_should_be_started_with_its_configuration() {
		let folder = tempfile::tempdir().unwrap();
		let local = localnet(&folder.path().join("network"));
		let spec = local.worker_spec(TRAINER, local.with_config(TRAINER, "train"));
		assert_eq!(spec.arguments[0], "train");
		assert_eq!(spec.arguments[2], local.layout.worker_config(TRAINER).into_os_string());
	}
}
