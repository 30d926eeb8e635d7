//! Processes of an earlier run that was killed before it could stop them.

use crate::layout::write_atomically;
use anyhow::{Context, Result};
use rustix::process::{kill_process_group, Pid, Signal};
use std::{
	fs,
	os::unix::ffi::OsStrExt,
	path::{Path, PathBuf},
	thread::sleep,
	time::{Duration, Instant},
};

/// How long one may take to stop by itself before it is killed.
const GRACE: Duration = Duration::from_secs(10);
/// How often it is looked whether it is gone.
const POLL: Duration = Duration::from_millis(50);

/// Which processes run on a folder, written down so that the next run can find them.
#[derive(Clone, Debug)]
pub struct Roster {
	base: PathBuf,
	file: PathBuf,
}

impl Roster {
	/// The roster of the network in `base`.
	pub fn new(base: &Path) -> Self {
		Self { base: base.to_path_buf(), file: base.join("processes.json") }
	}

	/// Writes down who runs now.
	///
	/// # Errors
	/// The file cannot be written.
	pub fn write(&self, running: impl Iterator<Item = Pid>) -> Result<()> {
		let pids: Vec<i32> = running.map(Pid::as_raw_nonzero).map(i32::from).collect();
		write_atomically(&self.file, &serde_json::to_vec(&pids)?)
	}

	/// Stops what an earlier run left behind, and returns how many processes that were. A number that
	/// meanwhile belongs to another program is left alone: what is stopped has this folder among its
	/// arguments.
	///
	/// # Errors
	/// The file is there and cannot be read.
	pub fn stop_leftovers(&self) -> Result<usize> {
		let bytes = match fs::read(&self.file) {
			Ok(bytes) => bytes,
			Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
			Err(error) => {
				return Err(error).with_context(|| format!("{} cannot be read", self.file.display()))
			}
		};
		let pids: Vec<i32> = serde_json::from_slice(&bytes).with_context(|| {
			format!("{} is damaged; remove it once no process of the network runs", self.file.display())
		})?;
		let left: Vec<Pid> =
			pids.into_iter().filter_map(Pid::from_raw).filter(|pid| self.is_ours(*pid)).collect();
		for pid in &left {
			// Gone meanwhile is as good.
			let _ = kill_process_group(*pid, Signal::TERM);
		}
		let started = Instant::now();
		while left.iter().any(|pid| self.is_ours(*pid)) && started.elapsed() < GRACE {
			sleep(POLL);
		}
		for pid in left.iter().filter(|pid| self.is_ours(**pid)) {
			let _ = kill_process_group(*pid, Signal::KILL);
		}
		Ok(left.len())
	}

	/// Whether a process runs that has a path in our folder among its arguments. Where there is no /proc,
	/// nothing is known, and nothing is ours.
	fn is_ours(&self, pid: Pid) -> bool {
		let arguments = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
		arguments
			.split(|byte| *byte == 0)
			.any(|argument| Path::new(std::ffi::OsStr::from_bytes(argument)).starts_with(&self.base))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::{
		os::unix::process::CommandExt,
		process::{Child, Command},
	};

	fn start(argument: &Path) -> Child {
		// `sh -c SCRIPT NAME ARGUMENT` keeps the argument on its command line.
		Command::new("/bin/sh")
			.args(["-c", "while :; do sleep 0.05; done", "sh"])
			.arg(argument)
			.process_group(0)
			.spawn()
			.unwrap()
	}

	#[test]
	fn stop_leftovers_should_stop_ours_and_leave_others_alone() {
		let folder = tempfile::tempdir().unwrap();
		let roster = Roster::new(folder.path());
		assert_eq!(roster.stop_leftovers().unwrap(), 0, "no earlier run");
		let mut ours = start(&folder.path().join("alice"));
		let mut other = start(Path::new("/elsewhere/alice"));
		let pid = |child: &Child| Pid::from_raw(child.id().cast_signed()).unwrap();
		roster.write([pid(&ours), pid(&other)].into_iter()).unwrap();
		// The shell has to be executed before its arguments show.
		while !roster.is_ours(pid(&ours)) {
			sleep(POLL);
		}
		let reaper = std::thread::spawn(move || ours.wait().unwrap());
		assert_eq!(roster.stop_leftovers().unwrap(), 1);
		assert!(!reaper.join().unwrap().success());
		assert!(other.try_wait().unwrap().is_none(), "another program was stopped");
		other.kill().unwrap();
		other.wait().unwrap();
	}

	#[test]
	fn stop_leftovers_should_name_a_damaged_file() {
		let folder = tempfile::tempdir().unwrap();
		fs::write(folder.path().join("processes.json"), "[1,").unwrap();
		assert!(Roster::new(folder.path())
			.stop_leftovers()
			.unwrap_err()
			.to_string()
			.contains("processes.json"));
	}
}
