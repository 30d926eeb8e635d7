//! How fast stored content is verified, beside `openssl speed` in the same run; and how fast a file is
//! added, beside Helia.
//!
//! `cargo bench --profile dev -p blyan-store --bench verify -- [--mebibytes N] [--runs N] [--json FILE]
//! [--helia tests/js/helia-add.mjs]`
//!
//! Both sides use the same number of threads (all cores, as the store does, and one) and alternate; the
//! file is in the page cache. What is compared is the whole of `Store::verify`: opening, reading, hashing
//! every leaf, and the tree over them.
//!
//! Adding is `Store::put_file` of the same file, synced to the disk; Helia keeps what it adds in memory. Both
//! must come to the same CID.

use blyan_store::Store;
use std::{
	path::{Path, PathBuf},
	process::Command,
	time::Instant,
};

struct Options {
	mebibytes: usize,
	runs: usize,
	json: Option<PathBuf>,
	helia: Option<PathBuf>,
}

fn options() -> Result<Options, String> {
	let mut options = Options { mebibytes: 512, runs: 5, json: None, helia: None };
	let mut arguments = std::env::args().skip(1);
	while let Some(argument) = arguments.next() {
		let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
		match argument.as_str() {
			"--mebibytes" => options.mebibytes = value()?.parse().map_err(|e| format!("--mebibytes: {e}"))?,
			"--runs" => options.runs = value()?.parse().map_err(|e| format!("--runs: {e}"))?,
			"--json" => options.json = Some(value()?.into()),
			"--helia" => options.helia = Some(value()?.into()),
			// Cargo passes it to every bench.
			"--bench" => {}
			other => return Err(format!("unknown argument {other}; see the head of benches/verify.rs")),
		}
	}
	if options.mebibytes == 0 || options.runs == 0 {
		return Err("--mebibytes and --runs must be at least 1".into());
	}
	Ok(options)
}

/// MB/s of SHA-256 over blocks as long as a leaf, as openssl measures itself.
fn openssl_megabytes_per_second(threads: usize) -> Result<f64, Box<dyn std::error::Error>> {
	let mut command = Command::new("openssl");
	command.args(["speed", "-elapsed", "-bytes", "262144", "-seconds", "1", "-mr"]);
	if threads > 1 {
		command.args(["-multi", &threads.to_string()]);
	}
	let output =
		command.arg("sha256").output().map_err(|e| format!("cannot run openssl: {e}; install it"))?;
	let text = String::from_utf8(output.stdout)?;
	// The last summary line is of all threads together: `+F:6:sha256:508559360.00`.
	let line = text.lines().rev().find(|line| line.starts_with("+F:")).ok_or("openssl printed no summary")?;
	let bytes: f64 = line.rsplit(':').next().unwrap_or_default().trim().parse()?;
	Ok(bytes / 1e6)
}

/// MB/s of Helia adding that file, which has to give it that name.
fn helia_megabytes_per_second(
	script: &Path,
	file: &Path,
	expected: &str,
) -> Result<f64, Box<dyn std::error::Error>> {
	let output = Command::new("node").arg(script).arg(file).output()?;
	if !output.status.success() {
		return Err(format!("helia: {}", String::from_utf8_lossy(&output.stderr)).into());
	}
	let answer: serde_json::Value = serde_json::from_slice(&output.stdout)?;
	if answer["cid"] != expected {
		return Err(format!("helia names the file {}, not {expected}", answer["cid"]).into());
	}
	answer["megabytes_per_second"].as_f64().ok_or_else(|| "helia printed no figure".into())
}

fn median(mut samples: Vec<f64>) -> f64 {
	samples.sort_by(f64::total_cmp);
	samples[samples.len() / 2]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
	let options = options()?;
	let folder = tempfile::tempdir()?;
	let store = Store::open(folder.path())?;
	let bytes: Vec<u8> = (0..options.mebibytes << 20).map(|i| (i * 31 + 7) as u8).collect();
	let stored = store.put_bytes(&bytes)?;
	drop(bytes);
	let cores = std::thread::available_parallelism()?.get();
	let mut summary = serde_json::Map::new();
	println!("verifying {} MiB; medians of {} alternating runs, MB/s", options.mebibytes, options.runs);
	for (name, threads) in [("", cores), ("_one_thread", 1)] {
		let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
		let (mut ours, mut theirs) = (Vec::new(), Vec::new());
		for _ in 0..options.runs {
			theirs.push(openssl_megabytes_per_second(threads)?);
			let start = Instant::now();
			pool.install(|| store.verify(&stored.cid))?;
			ours.push(stored.bytes as f64 / 1e6 / start.elapsed().as_secs_f64());
		}
		let (ours, theirs) = (median(ours), median(theirs));
		println!("  {threads} threads: store {ours:.0}, openssl {theirs:.0}, ratio {:.2}", ours / theirs);
		summary.insert(format!("verify{name}_megabytes_per_second"), ours.into());
		summary.insert(format!("openssl{name}_megabytes_per_second"), theirs.into());
		summary.insert(format!("verify{name}_ratio_to_openssl"), (ours / theirs).into());
	}
	let (file, name) = (store.path(&stored.cid), stored.cid.to_string());
	let (mut ours, mut theirs) = (Vec::new(), Vec::new());
	for run in 0..options.runs.min(3) {
		let other = Store::open(folder.path().join(format!("add-{run}")))?;
		let start = Instant::now();
		other.put_file(&file)?;
		ours.push(stored.bytes as f64 / 1e6 / start.elapsed().as_secs_f64());
		other.remove(&stored.cid)?;
		if let Some(script) = &options.helia {
			theirs.push(helia_megabytes_per_second(script, &file, &name)?);
		}
	}
	let ours = median(ours);
	summary.insert("add_megabytes_per_second".into(), ours.into());
	print!("  adding, {cores} threads: store {ours:.0}");
	if theirs.is_empty() {
		println!();
	} else {
		let theirs = median(theirs);
		println!(", helia (in memory) {theirs:.0}, ratio {:.2}", ours / theirs);
		summary.insert("helia_add_megabytes_per_second".into(), theirs.into());
		summary.insert("add_ratio_to_helia".into(), (ours / theirs).into());
	}
	if let Some(path) = options.json {
		std::fs::write(path, format!("{:#}\n", serde_json::Value::from(summary)))?;
	}
	Ok(())
}
