//! How soon a component is ready to compute, beside the `safetensors` crate.
//!
//! `cargo bench --profile dev -p blyan-tensorblock --bench load -- [--mebibytes N] [--runs N] [--json FILE]`
//!
//! Both files hold one f32 matrix, are sparse, and their first pages are in the page cache. A load is:
//! open, map, check, and hold a `&[f32]` over the whole tensor. The two alternate within one run.

use blyan_tensorblock::{Container, Tensor};
use std::{
	fs::{self, File},
	hint::black_box,
	io::{Seek, Write},
	path::{Path, PathBuf},
	time::{Duration, Instant},
};

const COLUMNS: usize = 4096;

struct Options {
	mebibytes: usize,
	runs: usize,
	json: Option<PathBuf>,
}

fn options() -> Result<Options, String> {
	let mut options = Options { mebibytes: 1024, runs: 301, json: None };
	let mut arguments = std::env::args().skip(1);
	while let Some(argument) = arguments.next() {
		let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
		match argument.as_str() {
			"--mebibytes" => options.mebibytes = value()?.parse().map_err(|e| format!("--mebibytes: {e}"))?,
			"--runs" => options.runs = value()?.parse().map_err(|e| format!("--runs: {e}"))?,
			"--json" => options.json = Some(value()?.into()),
			// Cargo passes it to every bench.
			"--bench" => {}
			other => return Err(format!("unknown argument {other}; see the head of benches/load.rs")),
		}
	}
	if options.mebibytes == 0 || options.runs == 0 {
		return Err("--mebibytes and --runs must be at least 1".into());
	}
	Ok(options)
}

/// A TensorBlock container of zeros: the head is what the encoder writes for a tensor of one row, with
/// the numbers that depend on the length set; the rest of the file is a hole.
fn sparse_tensorblock(path: &Path, rows: usize) -> std::io::Result<()> {
	let row = vec![0f32; COLUMNS];
	let tensor = Tensor::from_f32("weight", &[1, COLUMNS], &row).map_err(std::io::Error::other)?;
	let mut head = blyan_tensorblock::encode(&[tensor]).map_err(std::io::Error::other)?;
	head.truncate(2 * 4096);
	let data = (rows * COLUMNS * 4) as u64;
	let set = |head: &mut [u8], at: usize, value: u64| head[at..at + 8].copy_from_slice(&value.to_le_bytes());
	set(&mut head, 32, 2 * 4096 + data);
	set(&mut head, 64 + 24, 4096 + data);
	set(&mut head, 4096 + 16, rows as u64);
	let mut file = File::create(path)?;
	file.write_all(&head)?;
	file.set_len(2 * 4096 + data)
}

fn sparse_safetensors(path: &Path, rows: usize) -> std::io::Result<()> {
	let data = rows * COLUMNS * 4;
	let mut header =
		format!(r#"{{"weight":{{"dtype":"F32","shape":[{rows},{COLUMNS}],"data_offsets":[0,{data}]}}}}"#);
	while header.len() % 8 != 0 {
		header.push(' ');
	}
	let mut file = File::create(path)?;
	file.write_all(&(header.len() as u64).to_le_bytes())?;
	file.write_all(header.as_bytes())?;
	let end = file.stream_position()?;
	file.set_len(end + data as u64)
}

fn load_tensorblock(path: &Path, elements: usize) -> Duration {
	let start = Instant::now();
	let container = Container::open(path).expect("the file was just written");
	let weight = container.tensor("weight").expect("it holds this tensor");
	let values = black_box(weight.as_f32().expect("a mapping is aligned"));
	let elapsed = start.elapsed();
	assert_eq!(values.len(), elements);
	elapsed
}

#[allow(unsafe_code)]
fn load_safetensors(path: &Path, elements: usize) -> Duration {
	let start = Instant::now();
	let file = File::open(path).expect("the file was just written");
	// SAFETY: the file is in this process's own temporary folder, and nothing changes it any more.
	let map = unsafe { blyan_tensorblock::Mmap::map(&file) }.expect("a file can be mapped");
	let tensors = safetensors::SafeTensors::deserialize(&map).expect("the file is valid");
	let weight = tensors.tensor("weight").expect("it holds this tensor");
	let values: &[f32] = black_box(bytemuck::cast_slice(weight.data()));
	let elapsed = start.elapsed();
	assert_eq!(values.len(), elements);
	elapsed
}

fn median_microseconds(mut samples: Vec<Duration>) -> f64 {
	samples.sort_unstable();
	samples[samples.len() / 2].as_secs_f64() * 1e6
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
	let options = options()?;
	let rows = (options.mebibytes << 20) / (COLUMNS * 4);
	let elements = rows * COLUMNS;
	let folder = tempfile::tempdir()?;
	let (ours, theirs) = (folder.path().join("weight.tblock"), folder.path().join("weight.safetensors"));
	sparse_tensorblock(&ours, rows)?;
	sparse_safetensors(&theirs, rows)?;
	let (mut tensorblock, mut safetensors) = (Vec::new(), Vec::new());
	for run in 0..options.runs + 5 {
		let pair = (load_tensorblock(&ours, elements), load_safetensors(&theirs, elements));
		// The first few bring the pages in.
		if run >= 5 {
			tensorblock.push(pair.0);
			safetensors.push(pair.1);
		}
	}
	let (tensorblock, safetensors) = (median_microseconds(tensorblock), median_microseconds(safetensors));
	let ratio = safetensors / tensorblock;
	println!(
		"one f32 matrix of {} MiB, ready to compute; medians of {} alternating runs",
		options.mebibytes, options.runs
	);
	println!("  tensorblock  {tensorblock:>8.1} us");
	println!("  safetensors  {safetensors:>8.1} us");
	println!("  speed beside safetensors: {ratio:.2} (1 is equal, more is faster)");
	if let Some(path) = options.json {
		let summary = serde_json::json!({
			"load_microseconds": tensorblock,
			"safetensors_load_microseconds": safetensors,
			"load_ratio_to_safetensors": ratio,
		});
		fs::write(path, format!("{summary:#}\n"))?;
	}
	Ok(())
}
