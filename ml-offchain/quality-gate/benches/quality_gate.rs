//! Samples a second of the whole gate, on two threads.
//!
//! `cargo bench --profile dev -p blyan-quality-gate --bench quality_gate -- --text FILE [--samples N] [--runs N]
//! [--keep FILE] [--json FILE]`
//!
//! Samples are 500 characters of the text, cut anywhere; of a hundred, four hold something else in their
//! middle: an e-mail address, a telephone number, a card number, an oath. Five in a hundred are earlier samples
//! with a few words changed. Held against a tenth of the text as validation shards. Median of the runs.

use blyan_quality_gate::{audit, AuditOptions};
use std::{
	fs::{self, File},
	io::{BufWriter, Write},
	path::{Path, PathBuf},
	time::Instant,
};

const CHARACTERS: usize = 500;
const PLANTED: [&str; 4] = [
	"write to jane.roe@example.com ",
	"call (212) 555-0142 now ",
	"4111 1111 1111 1111 ",
	"oh fuck, you idiot ",
];

struct Options {
	text: PathBuf,
	samples: usize,
	runs: usize,
	keep: Option<PathBuf>,
	json: Option<PathBuf>,
}

fn options() -> Result<Options, String> {
	let mut options = Options { text: PathBuf::new(), samples: 200_000, runs: 3, keep: None, json: None };
	let mut arguments = std::env::args().skip(1);
	while let Some(argument) = arguments.next() {
		let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
		match argument.as_str() {
			"--text" => options.text = value()?.into(),
			"--samples" => options.samples = value()?.parse().map_err(|e| format!("--samples: {e}"))?,
			"--runs" => options.runs = value()?.parse().map_err(|e| format!("--runs: {e}"))?,
			"--keep" => options.keep = Some(value()?.into()),
			"--json" => options.json = Some(value()?.into()),
			// Cargo passes it to every bench.
			"--bench" => {}
			other => {
				return Err(format!("unknown argument {other}; see the head of benches/quality_gate.rs"))
			}
		}
	}
	if options.samples == 0 || options.runs == 0 {
		return Err("--samples and --runs must be at least 1".into());
	}
	Ok(options)
}

/// SplitMix64.
struct Numbers(u64);

impl Numbers {
	fn below(&mut self, bound: usize) -> usize {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut number = self.0;
		number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		((number ^ (number >> 31)) % bound as u64) as usize
	}
}

fn write_samples(text: &str, count: usize, path: &Path) -> std::io::Result<()> {
	let characters: Vec<char> = text.split_whitespace().flat_map(|word| word.chars().chain([' '])).collect();
	let mut numbers = Numbers(1);
	let mut earlier: Vec<String> = Vec::new();
	let mut file = BufWriter::new(File::create(path)?);
	for at in 0..count {
		let mut sample: String = if numbers.below(100) < 5 && !earlier.is_empty() {
			let mut words: Vec<&str> = earlier[numbers.below(earlier.len())].split(' ').collect();
			for _ in 0..2 {
				let place = numbers.below(words.len());
				words[place] = "changed";
			}
			words.join(" ")
		} else {
			let start = numbers.below(characters.len() - CHARACTERS);
			characters[start..start + CHARACTERS].iter().collect()
		};
		if let Some(planted) = PLANTED.get(numbers.below(100)) {
			let middle = sample.char_indices().nth(CHARACTERS / 2).map_or(0, |(byte, _)| byte);
			sample.insert_str(middle, planted);
		}
		writeln!(file, "{}", serde_json::json!({ "id": at, "text": sample }))?;
		if earlier.len() < 10_000 {
			earlier.push(sample);
		}
	}
	file.flush()
}

/// Seconds of processor time that this process took so far: on a busy machine it says more than the clock.
fn processor_seconds() -> f64 {
	let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
	let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
	// utime and stime, in hundredths; the name, which may hold spaces, ends with the parenthesis.
	fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
	let options = options()?;
	let text =
		fs::read_to_string(&options.text).map_err(|error| format!("--text {:?}: {error}", options.text))?;
	let folder = tempfile::tempdir()?;
	let samples = options.keep.clone().unwrap_or_else(|| folder.path().join("samples.jsonl"));
	write_samples(&text, options.samples, &samples)?;
	let shards = folder.path().join("shards");
	let tenth: String = text.chars().take(text.chars().count() / 10).collect();
	fs::write(&shards, tenth)?;

	let audit_options = AuditOptions { validation: vec![shards], threads: 2, ..AuditOptions::default() };
	let (mut rates, mut last) = (Vec::new(), None);
	let before = processor_seconds();
	for _ in 0..options.runs {
		let start = Instant::now();
		last = Some(audit(&samples, &audit_options, None, &mut |_| ())?);
		rates.push(options.samples as f64 / start.elapsed().as_secs_f64());
	}
	let per_processor_second = (options.samples * options.runs) as f64 / (processor_seconds() - before);
	rates.sort_by(f64::total_cmp);
	let rate = rates[rates.len() / 2];
	let bytes = fs::metadata(&samples)?.len();
	println!(
		"{} samples of {CHARACTERS} characters, {:.1} MB, two threads",
		options.samples,
		bytes as f64 / 1e6
	);
	println!("{rate:.0} samples/s, {:.1} MB/s", rate * bytes as f64 / options.samples as f64 / 1e6);
	println!("{per_processor_second:.0} samples a second of processor time");
	if let Some(audit) = last {
		println!("\n{audit}");
	}
	if let Some(path) = options.json {
		let figures = serde_json::json!({ "samples": options.samples, "samples_per_second": rate,
			"samples_per_processor_second": per_processor_second });
		fs::write(path, serde_json::to_vec_pretty(&figures)?)?;
	}
	Ok(())
}
