//! The processes of the network: each in a group of its own, watched while it runs, stopped in order.
//!
//! A group of its own keeps the terminal's Ctrl-C from reaching a child before we decide the order in
//! which they stop, and lets us stop what a child may have started itself.

use anyhow::{Context, Result};
use rustix::process::{kill_process_group, Pid, Signal};
use std::{
	ffi::OsString,
	fmt,
	fs::{File, OpenOptions},
	io::{Read, Seek, SeekFrom, Write},
	path::{Path, PathBuf},
	process::{ExitStatus, Stdio},
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc,
	},
	time::{Duration, Instant},
};
use tokio::{
	io::{AsyncBufReadExt, BufReader},
	process::{Child, Command},
	sync::{mpsc, watch},
};

/// How long a process may take to stop by itself before it is killed.
const STOP_GRACE: Duration = Duration::from_secs(20);
/// The same, when this program is going down by accident.
const DROP_GRACE: Duration = Duration::from_secs(3);
/// How often it is looked whether a process is gone, in that case.
const DROP_POLL: Duration = Duration::from_millis(20);
/// How much of a log is shown when its process fails.
const TAIL_LINES: usize = 20;
const TAIL_BYTES: u64 = 16 * 1024;
/// Lines of a process's output that may wait to be read before it has to wait itself.
const LINES_BUFFERED: usize = 1_024;

/// In which order processes stop: all of a tier before any of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
	/// They need the chain to leave in good order.
	Worker,
	/// The chain.
	Node,
}

/// A process to start.
#[derive(Clone, Debug)]
pub struct Spec {
	/// What people call it.
	pub name: String,
	/// When it stops.
	pub tier: Tier,
	/// The program.
	pub program: PathBuf,
	/// Its arguments.
	pub arguments: Vec<OsString>,
	/// Where its output is kept; appended to.
	pub log: PathBuf,
}

impl Spec {
	fn open_log(&self) -> Result<File> {
		OpenOptions::new()
			.create(true)
			.append(true)
			.open(&self.log)
			.with_context(|| format!("the log {} cannot be written", self.log.display()))
	}

	fn command(&self) -> Command {
		let mut command = Command::new(&self.program);
		command.args(&self.arguments).stdin(Stdio::null()).process_group(0);
		command
	}

	fn spawn(&self, command: &mut Command) -> Result<Child> {
		command
			.spawn()
			.with_context(|| format!("{} ({}) cannot be started", self.name, self.program.display()))
	}
}

/// A process that stopped though nobody asked it to, or that did not do what it was started for.
#[derive(Clone, Debug)]
pub struct Failure {
	name: String,
	/// What it did: stop by itself, or fail.
	did: &'static str,
	status: ExitStatus,
	log: PathBuf,
	tail: String,
}

impl Failure {
	fn new(spec: &Spec, did: &'static str, status: ExitStatus) -> Self {
		Self { name: spec.name.clone(), did, status, log: spec.log.clone(), tail: tail(&spec.log) }
	}
}

impl fmt::Display for Failure {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		let Self { name, did, status, log, tail } = self;
		write!(f, "{name} {did} ({status}); the end of its log, {}:\n{tail}", log.display())
	}
}

impl std::error::Error for Failure {}

struct Process {
	name: String,
	tier: Tier,
	pid: Pid,
	signals: mpsc::UnboundedSender<Signal>,
	/// Set before it is asked to stop.
	may_stop: Arc<AtomicBool>,
	stopped: watch::Receiver<bool>,
}

impl Process {
	fn has_stopped(&self) -> bool {
		*self.stopped.borrow()
	}

	fn signal(&self, signal: Signal) {
		self.may_stop.store(true, Ordering::SeqCst);
		// Its watcher is gone only if the process is.
		let _ = self.signals.send(signal);
	}

	async fn wait(&mut self) {
		// An error means that the watcher is gone, and with it the process.
		let _ = self.stopped.wait_for(|stopped| *stopped).await;
	}
}

/// All processes that were started.
pub struct Network {
	processes: Vec<Process>,
	failure: watch::Sender<Option<Failure>>,
}

impl Default for Network {
	fn default() -> Self {
		Self { processes: Vec::new(), failure: watch::Sender::new(None) }
	}
}

impl Network {
	/// Starts a process whose output is of interest to its log alone.
	///
	/// # Errors
	/// It cannot be started; names the program.
	pub fn start(&mut self, spec: Spec) -> Result<()> {
		let log = spec.open_log()?;
		let errors = log.try_clone().context("the log cannot be opened twice")?;
		let child = spec.spawn(spec.command().stdout(log).stderr(errors))?;
		self.watch(spec, child)
	}

	/// Starts a process, and hands over the lines of its standard output as they come. They go to the
	/// log besides.
	///
	/// # Errors
	/// It cannot be started; names the program.
	pub fn start_with_lines(&mut self, spec: Spec) -> Result<mpsc::Receiver<String>> {
		let mut log = spec.open_log()?;
		let errors = log.try_clone().context("the log cannot be opened twice")?;
		let mut child = spec.spawn(spec.command().stdout(Stdio::piped()).stderr(errors))?;
		let stdout = child.stdout.take().context("standard output was asked to be piped")?;
		let (sender, receiver) = mpsc::channel(LINES_BUFFERED);
		tokio::spawn(async move {
			let mut lines = BufReader::new(stdout).lines();
			let mut sender = Some(sender);
			// Read to the end even if nobody listens any more, so that the process never has to wait.
			while let Ok(Some(line)) = lines.next_line().await {
				let _ = writeln!(log, "{line}");
				if let Some(listener) = &sender {
					if listener.send(line).await.is_err() {
						sender = None;
					}
				}
			}
		});
		self.watch(spec, child)?;
		Ok(receiver)
	}

	fn watch(&mut self, spec: Spec, mut child: Child) -> Result<()> {
		let pid = child
			.id()
			.and_then(|id| Pid::from_raw(id.cast_signed()))
			.context("the process is gone already")?;
		let (signals, mut requests) = mpsc::unbounded_channel();
		let (stopped_sender, stopped) = watch::channel(false);
		let may_stop = Arc::new(AtomicBool::new(false));
		self.processes.push(Process {
			name: spec.name.clone(),
			tier: spec.tier,
			pid,
			signals,
			may_stop: may_stop.clone(),
			stopped,
		});
		let failure = self.failure.clone();
		tokio::spawn(async move {
			let status = loop {
				tokio::select! {
					status = child.wait() => break status,
					// The number is the process's own until it is waited for, just above.
					Some(signal) = requests.recv() => { let _ = kill_process_group(pid, signal); },
				}
			};
			stopped_sender.send_replace(true);
			if let (false, Ok(status)) = (may_stop.load(Ordering::SeqCst), status) {
				let news = Failure::new(&spec, "stopped by itself", status);
				// The first one counts: the others may only follow from it.
				failure.send_if_modified(|known| known.is_none() && known.replace(news).is_none());
			}
		});
		Ok(())
	}

	/// The processes that run, by the numbers of their groups.
	pub fn running(&self) -> impl Iterator<Item = Pid> + '_ {
		self.processes.iter().filter(|process| !process.has_stopped()).map(|process| process.pid)
	}

	/// Resolves when a process stops by itself.
	pub fn failure(&self) -> impl std::future::Future<Output = Failure> {
		let mut failure = self.failure.subscribe();
		async move {
			match failure.wait_for(Option::is_some).await.map(|known| known.clone()) {
				Ok(Some(failure)) => failure,
				// The network was dropped: nothing can fail any more.
				_ => std::future::pending().await,
			}
		}
	}

	/// Asks every process to stop, workers first, and kills those that do not within a while.
	/// Returns the names of those that had to be killed.
	pub async fn stop(&mut self) -> Vec<String> {
		let mut killed = Vec::new();
		for tier in [Tier::Worker, Tier::Node] {
			let mut members: Vec<&mut Process> =
				self.processes.iter_mut().filter(|process| process.tier == tier).collect();
			for process in &members {
				process.signal(Signal::TERM);
			}
			let deadline = tokio::time::Instant::now() + STOP_GRACE;
			for process in &mut members {
				if tokio::time::timeout_at(deadline, process.wait()).await.is_err() {
					process.signal(Signal::KILL);
					process.wait().await;
					killed.push(process.name.clone());
				}
			}
		}
		self.processes.clear();
		killed
	}

	/// Kills everything at once.
	pub async fn kill(&mut self) {
		for process in &mut self.processes {
			process.signal(Signal::KILL);
			process.wait().await;
		}
		self.processes.clear();
	}
}

impl Drop for Network {
	/// The way out when something panicked: no process is left behind.
	fn drop(&mut self) {
		let left = || self.processes.iter().filter(|process| !process.has_stopped());
		for process in left() {
			process.may_stop.store(true, Ordering::SeqCst);
			let _ = kill_process_group(process.pid, Signal::TERM);
		}
		let started = Instant::now();
		while left().next().is_some() && started.elapsed() < DROP_GRACE {
			std::thread::sleep(DROP_POLL);
		}
		for process in left() {
			let _ = kill_process_group(process.pid, Signal::KILL);
		}
	}
}

/// Runs a program to its end and returns its standard output. Its other output goes to the log.
///
/// # Errors
/// It cannot be started, or fails: then with the end of its log.
pub async fn run_to_end(spec: &Spec) -> Result<String> {
	let log = spec.open_log()?;
	let mut command = spec.command();
	let child = spec.spawn(command.stdout(Stdio::piped()).stderr(log).kill_on_drop(true))?;
	let output =
		child.wait_with_output().await.with_context(|| format!("{} cannot be waited for", spec.name))?;
	if !output.status.success() {
		return Err(Failure::new(spec, "failed", output.status).into());
	}
	String::from_utf8(output.stdout)
		.with_context(|| format!("{} wrote something that is not UTF-8", spec.name))
}

/// The last lines of a log, indented; says so if there are none.
fn tail(log: &Path) -> String {
	let read = || -> std::io::Result<Vec<u8>> {
		let mut file = File::open(log)?;
		let length = file.metadata()?.len();
		file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
		let mut bytes = Vec::new();
		file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
		Ok(bytes)
	};
	match read() {
		Ok(bytes) => {
			let text = String::from_utf8_lossy(&bytes);
			let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
			let last = lines.len().saturating_sub(TAIL_LINES);
			if lines.is_empty() {
				"    (empty)".into()
			} else {
				lines[last..].iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
			}
		}
		Err(error) => format!("    (cannot be read: {error})"),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use rustix::process::test_kill_process;

	fn shell(folder: &Path, name: &str, tier: Tier, script: &str) -> Spec {
		Spec {
			name: name.into(),
			tier,
			program: "/bin/sh".into(),
			arguments: vec!["-c".into(), script.into()],
			log: folder.join(format!("{name}.log")),
		}
	}

	fn is_running(pid: Pid) -> bool {
		test_kill_process(pid).is_ok()
	}

	#[tokio::test(flavor = "multi_thread")]
	async fn failure_should_name_the_process_and_show_the_end_of_its_log() {
		let folder = tempfile::tempdir().unwrap();
		let mut network = Network::default();
		network.start(shell(folder.path(), "steady", Tier::Node, "sleep 60")).unwrap();
		network
			.start(shell(folder.path(), "evaluator-2", Tier::Worker, "echo out of luck >&2; exit 3"))
			.unwrap();
		let message = network.failure().await.to_string();
		assert!(message.contains("evaluator-2") && message.contains("exit status: 3"), "{message}");
		assert!(message.contains("out of luck"), "{message}");
		network.stop().await;
	}

	#[tokio::test(flavor = "multi_thread")]
	async fn stop_should_end_workers_before_nodes_and_not_count_as_failure() {
		let folder = tempfile::tempdir().unwrap();
		let order = folder.path().join("order");
		let script = |name: &str| {
			format!(
				"trap 'echo {name} >> {}; exit 0' TERM; echo ready; while :; do sleep 0.05; done",
				order.display()
			)
		};
		let mut network = Network::default();
		for (name, tier) in [("alice", Tier::Node), ("bob", Tier::Node), ("trainer", Tier::Worker)] {
			let mut lines =
				network.start_with_lines(shell(folder.path(), name, tier, &script(name))).unwrap();
			assert_eq!(lines.recv().await.as_deref(), Some("ready"));
		}
		let failure = network.failure();
		assert_eq!(network.stop().await, Vec::<String>::new());
		let stopped = std::fs::read_to_string(order).unwrap();
		assert_eq!(stopped.lines().next(), Some("trainer"));
		assert_eq!(stopped.lines().count(), 3);
		assert!(tokio::time::timeout(Duration::from_millis(100), failure).await.is_err());
	}

	#[tokio::test(flavor = "multi_thread")]
	async fn kill_should_end_what_does_not_listen_and_its_children() {
		let folder = tempfile::tempdir().unwrap();
		let mut network = Network::default();
		let script = "trap '' TERM; sleep 60 & echo $!; wait";
		let mut lines = network.start_with_lines(shell(folder.path(), "deaf", Tier::Worker, script)).unwrap();
		let child: i32 = lines.recv().await.unwrap().parse().unwrap();
		let (deaf, child) = (network.processes[0].pid, Pid::from_raw(child).unwrap());
		assert!(is_running(deaf) && is_running(child));
		network.kill().await;
		assert!(!is_running(deaf));
		// The grandchild is reaped by the machine's first process, in its own time.
		let is_gone = || {
			let stat =
				std::fs::read_to_string(format!("/proc/{}/stat", child.as_raw_nonzero())).unwrap_or_default();
			!is_running(child)
				|| stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
		};
		for _ in 0..100 {
			if is_gone() {
				return;
			}
			tokio::time::sleep(Duration::from_millis(20)).await;
		}
		panic!("the process's child still runs");
	}

	#[tokio::test(flavor = "multi_thread")]
	async fn drop_should_leave_no_process_behind() {
		let folder = tempfile::tempdir().unwrap();
		let mut network = Network::default();
		network.start(shell(folder.path(), "left", Tier::Node, "sleep 60")).unwrap();
		let pid = network.processes[0].pid;
		assert!(is_running(pid));
		tokio::task::spawn_blocking(move || drop(network)).await.unwrap();
		assert!(!is_running(pid));
	}

	#[tokio::test(flavor = "multi_thread")]
	async fn start_should_name_the_program_when_it_is_missing() {
		let folder = tempfile::tempdir().unwrap();
		let spec =
			Spec { program: "/nowhere/blyan-node".into(), ..shell(folder.path(), "alice", Tier::Node, "") };
		let message = format!("{:#}", Network::default().start(spec).unwrap_err());
		assert!(message.contains("alice") && message.contains("/nowhere/blyan-node"), "{message}");
	}

	#[tokio::test]
	async fn run_to_end_should_return_the_output_or_the_end_of_the_log() {
		let folder = tempfile::tempdir().unwrap();
		let good = shell(folder.path(), "import", Tier::Worker, "echo '{}'; echo noise >&2");
		assert_eq!(run_to_end(&good).await.unwrap(), "{}\n");
		let bad = shell(folder.path(), "import", Tier::Worker, "echo not UTF-8 at byte 7 >&2; exit 1");
		let message = run_to_end(&bad).await.unwrap_err().to_string();
		assert!(message.contains("not UTF-8 at byte 7") && message.contains("import failed"), "{message}");
	}

	#[test]
	fn tail_should_show_the_last_lines_only() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("log");
		let lines: Vec<String> = (0..5_000).map(|line| format!("line {line}")).collect();
		std::fs::write(&path, lines.join("\n")).unwrap();
		let shown = tail(&path);
		assert_eq!(shown.lines().count(), TAIL_LINES);
		assert!(shown.ends_with("line 4999"));
		std::fs::write(&path, "").unwrap();
		assert!(tail(&path).contains("empty"));
		assert!(tail(&folder.path().join("absent")).contains("cannot be read"));
	}
}
