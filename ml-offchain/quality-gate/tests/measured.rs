//! What each rule finds of what it should, on the labelled lines of `tests/data`. The tables of the README are
//! what is measured here; `BLYAN_UPDATE_SNAPSHOTS=1` writes them anew.

use blyan_primitives::datasets::Licence;
use blyan_quality_gate::{
	language::language,
	licence::LicenceCheck,
	licence_text::LicenceWords,
	ngrams::NgramIndex,
	personal::Kind,
	sample::{Findings, Inspector, References},
	text::{Folded, Words},
	toxicity::TOXIC_FROM,
};
use std::{fmt::Write, fs, path::Path};

fn data(name: &str) -> Vec<(String, String)> {
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
	let text = fs::read_to_string(path).unwrap();
	text.lines()
		.map(|line| line.split_once('\t').unwrap())
		.map(|(label, text)| (label.into(), text.into()))
		.collect()
}

fn passages() -> Vec<String> {
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/passages.txt");
	fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn inspect(text: &str) -> Findings {
	let references = References::default();
	Inspector::new(&references).inspect(text)
}

#[derive(Default)]
struct Score {
	lines: u32,
	positives: u32,
	hits: u32,
	wrong: u32,
}

impl Score {
	fn add(&mut self, expected: bool, found: bool) {
		self.lines += 1;
		self.positives += u32::from(expected);
		self.hits += u32::from(expected && found);
		self.wrong += u32::from(!expected && found);
	}

	/// Says on standard error which lines of the file, from 1, the rule is wrong about.
	fn of<T>(items: &[T], judge: impl Fn(&T) -> (bool, bool)) -> Self {
		let mut score = Self::default();
		for (line, (expected, found)) in (1..).zip(items.iter().map(judge)) {
			score.add(expected, found);
			if expected != found {
				eprintln!("  line {line}: {}", if expected { "missed" } else { "mistaken" });
			}
		}
		score
	}

	fn precision(&self) -> f64 {
		f64::from(self.hits) / f64::from((self.hits + self.wrong).max(1))
	}

	fn recall(&self) -> f64 {
		f64::from(self.hits) / f64::from(self.positives.max(1))
	}

	fn row(&self, name: &str) -> String {
		format!(
			"| {name} | {} | {} | {:.3} | {:.3} |\n",
			self.lines,
			self.positives,
			self.precision(),
			self.recall()
		)
	}
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

/// The text with so many of a hundred words replaced by words of another text.
fn changed(text: &str, other: &str, percent: usize, numbers: &mut Numbers) -> String {
	let theirs: Vec<&str> = other.split(' ').collect();
	let mut words: Vec<&str> = text.split(' ').collect();
	for _ in 0..(words.len() * percent).div_ceil(100) {
		let (at, with) = (numbers.below(words.len()), numbers.below(theirs.len()));
		words[at] = theirs[with];
	}
	words.join(" ")
}

/// What may be done to a text: a name, whether the result is still the same text, and the doing.
type Edit = (&'static str, Option<bool>, fn(&str, &str, &mut Numbers) -> String);
const EDITS: &[Edit] = &[
	("case and punctuation changed", Some(true), |text, _, _| {
		text.to_uppercase().replace([',', '.', ';'], " ")
	}),
	("2 % of the words changed", Some(true), |text, other, numbers| changed(text, other, 2, numbers)),
	("5 % of the words changed", Some(true), |text, other, numbers| changed(text, other, 5, numbers)),
	("10 % of the words changed", Some(true), |text, other, numbers| changed(text, other, 10, numbers)),
	("20 % of the words changed", None, |text, other, numbers| changed(text, other, 20, numbers)),
	("last fifth cut off", Some(true), |text, _, _| {
		text.chars().take(text.chars().count() * 4 / 5).collect()
	}),
	("halves exchanged", Some(true), |text, _, _| {
		let words: Vec<&str> = text.split(' ').collect();
		let (first, second) = words.split_at(words.len() / 2);
		[second, first].concat().join(" ")
	}),
	("a line put before", Some(true), |text, _, _| format!("Read this, it is worth your while: {text}")),
	("second half of another text", Some(false), |text, other, _| {
		let half = |text: &str| text.split(' ').count() / 2;
		let (ours, theirs) = (half(text), half(other));
		let first = text.split(' ').take(ours);
		first.chain(other.split(' ').skip(theirs)).collect::<Vec<_>>().join(" ")
	}),
];

/// What may be done to a licence's text: whether it is still the same, and the doing.
type Rewrite = (bool, fn(&str) -> String);
const REWRITES: &[Rewrite] = &[
	(true, str::to_owned),
	(true, |text| {
		format!("Copyright (c) 2019-2026 Jane Roe and the contributors <jane@example.com>\n\n{text}")
	}),
	(true, |text| {
		text.replace("<year>", "2026").replace("<copyright holders>", "Roe").replace("<owner>", "Roe")
	}),
	(true, |text| text.split_whitespace().collect::<Vec<_>>().join(" ").replace(". ", ".\n")),
	(true, |text| text.lines().map(|line| format!("# {}\r\n", line.to_uppercase())).collect()),
	(true, |text| format!("The licence of this dataset:\n\n{text}\nhttps://example.com/licence")),
	(false, |text| text.chars().take(text.chars().count() / 2).collect()),
	(false, |text| format!("{text}\n\nIt must not be sold, and may be studied by schools alone.")),
	(false, |text| text.replacen(" the ", " the non-commercial ", 1)),
	(false, |text| format!("{text}\n\n{text}")),
	(false, |text| {
		// Without one word in twelve.
		let words = text.split_whitespace().enumerate().filter(|(at, _)| at % 12 != 7);
		words.map(|(_, word)| word).collect::<Vec<_>>().join(" ")
	}),
	(false, |text| {
		// Without the third quarter.
		let words: Vec<&str> = text.split_whitespace().collect();
		[&words[..words.len() / 2], &words[words.len() * 3 / 4..]].concat().join(" ")
	}),
];
const LICENCES: &[&str] = &[
	"MIT",
	"MIT-0",
	"Apache-2.0",
	"BSD-2-Clause",
	"BSD-3-Clause",
	"ISC",
	"Zlib",
	"Unlicense",
	"CC0-1.0",
	"CC-BY-3.0",
	"CC-BY-4.0",
	"CC-BY-SA-3.0",
	"CC-BY-SA-4.0",
	"CC-BY-NC-4.0",
	"CC-BY-ND-4.0",
	"CC-PDDC",
	"CC-PDM-1.0",
	"ODbL-1.0",
	"ODC-By-1.0",
	"PDDL-1.0",
	"CDLA-Permissive-1.0",
	"CDLA-Permissive-2.0",
	"CDLA-Sharing-1.0",
	"OGL-UK-3.0",
	"GPL-2.0-only",
	"GPL-3.0-or-later",
	"LGPL-2.1-only",
	"AGPL-3.0-only",
	"MPL-2.0",
	"GFDL-1.3-only",
	"EUPL-1.2",
];

/// Texts of licences: each of them rewritten, and held against each of the others.
fn licence_texts() -> Score {
	let mut score = Score::default();
	for id in LICENCES {
		let text = spdx::license_id(id).unwrap().text();
		for (at, (same, rewrite)) in REWRITES.iter().enumerate() {
			let found = LicenceWords::new(&rewrite(text)).is_of(id);
			score.add(*same, found);
			if *same != found {
				eprintln!("  {id}, rewrite {at}: {}", if *same { "missed" } else { "mistaken" });
			}
		}
		for other in LICENCES.iter().filter(|other| *other != id) {
			let found = LicenceWords::new(text).is_of(other);
			score.add(false, found);
			if found {
				eprintln!("  {id} is taken for {other}");
			}
		}
	}
	score
}

/// Near duplicates: a table of edits, and the score over all of them and all pairs of different texts.
fn near_duplicates() -> (String, Score) {
	let passages = passages();
	let bands: Vec<_> = passages.iter().map(|text| inspect(text).bands).collect();
	let share = |one: &[u64], other: &[u64]| one.iter().zip(other).any(|(one, other)| one == other);
	let (mut table, mut score) = (String::from("| edit | found |\n| --- | --- |\n"), Score::default());
	for (name, same, edit) in EDITS {
		let mut found = 0;
		for (at, text) in passages.iter().enumerate() {
			let other = &passages[(at + 1) % passages.len()];
			let edited = inspect(&edit(text, other, &mut Numbers(at as u64)));
			let is_found = share(&bands[at], &edited.bands);
			found += u32::from(is_found);
			if let Some(same) = same {
				score.add(*same, is_found);
			}
		}
		writeln!(table, "| {name} | {found} of {} |", passages.len()).unwrap();
	}
	let mut found = 0;
	for (at, one) in bands.iter().enumerate() {
		for other in &bands[at + 1..] {
			let is_found = share(one, other);
			found += u32::from(is_found);
			score.add(false, is_found);
		}
	}
	writeln!(table, "| different texts | {found} of {} |", passages.len() * (passages.len() - 1) / 2)
		.unwrap();
	(table, score)
}

/// Overlap with shards: half of the passages are shards.
fn overlap() -> Score {
	let passages = passages();
	let mut index = NgramIndex::default();
	let words = |text: &str| Words::new(Folded::new(text).text()).hashes;
	let (shards, others) = passages.split_at(passages.len() / 2);
	shards.iter().for_each(|shard| assert!(index.add(&words(shard))));
	let mut score = Score::default();
	for (at, (shard, other)) in shards.iter().zip(others).enumerate() {
		let mut numbers = Numbers(at as u64);
		for leaked in [
			shard.clone(),
			shard.to_uppercase(),
			shard.chars().take(shard.chars().count() / 2).collect(),
			format!("{other} {shard}"),
			changed(shard, other, 2, &mut numbers),
			changed(shard, other, 5, &mut numbers),
			// Every tenth word or so: few runs of eight are left, and some of these are missed.
			changed(shard, other, 10, &mut numbers),
		] {
			score.add(true, index.overlaps(&words(&leaked)));
		}
		score.add(false, index.overlaps(&words(other)));
		// A quotation of twenty words.
		let quoted = shard.split(' ').take(20).collect::<Vec<_>>().join(" ");
		score.add(false, index.overlaps(&words(&format!("{other} {quoted}"))));
	}
	score
}

fn kind_of(name: &str) -> impl Fn(&Kind) -> bool + '_ {
	move |kind| kind.name() == name
}

#[test]
fn readme_should_say_what_is_measured() {
	let mut rules = String::from(
		"| rule | labelled | of which positive | precision | recall |\n| --- | --- | --- | --- | --- |\n",
	);
	let mut least = Vec::new();
	let mut add = |name: &str, score: Score, precision: f64, recall: f64| {
		eprintln!("{name}, above");
		rules.push_str(&score.row(name));
		least.push((name.to_owned(), score.precision(), precision, score.recall(), recall));
	};

	let personal: Vec<(String, Vec<Kind>)> = data("personal.tsv")
		.into_iter()
		.map(|(label, text)| (label, inspect(&text).personal.into_iter().map(|(kind, _)| kind).collect()))
		.collect();
	for (kind, name) in [
		("email", "e-mail"),
		("phone", "telephone"),
		("card", "card (Luhn)"),
		("iban", "IBAN (mod 97)"),
		("national_id", "national number"),
	] {
		let score = Score::of(&personal, |(label, found)| {
			(label.split(',').any(|expected| expected == kind), found.iter().any(kind_of(kind)))
		});
		add(name, score, 0.85, 0.75);
	}
	let any = Score::of(&personal, |(label, found)| (label != "-", !found.is_empty()));
	add("any personal data", any, 0.9, 0.85);
	let toxic =
		Score::of(&data("toxic.tsv"), |(label, text)| (label == "1", inspect(text).toxicity >= TOXIC_FROM));
	add("toxicity", toxic, 0.75, 0.6);
	let low =
		Score::of(&data("information.tsv"), |(label, text)| (label == "low", inspect(text).low_information));
	add("little information", low, 0.8, 0.7);
	let licences: Vec<_> = data("licences.tsv")
		.into_iter()
		.map(|(label, expression)| {
			let mut check = LicenceCheck::new(&expression);
			check.note(&expression);
			(label, check.standing())
		})
		.collect();
	add(
		"licence unknown",
		Score::of(&licences, |(label, found)| (label == "unknown", *found == Licence::Unknown)),
		1.0,
		1.0,
	);
	add(
		"licence open",
		Score::of(&licences, |(label, found)| (label == "open", *found == Licence::Verified)),
		1.0,
		0.9,
	);
	add("licence text", licence_texts(), 0.99, 0.9);
	let (edits, near) = near_duplicates();
	add("near duplicate", near, 0.95, 0.85);
	add("overlap with shards", overlap(), 0.95, 0.85);

	let languages = data("languages.tsv");
	let right = languages.iter().filter(|(label, text)| language(text) == label.as_bytes()).count();
	let codes: std::collections::BTreeSet<_> = languages.iter().map(|(label, _)| label).collect();
	let language = format!(
		"Language: {right} of {} lines right ({:.3}), {} languages, 15 to 400 characters a line.\n",
		languages.len(),
		right as f64 / languages.len() as f64,
		codes.len()
	);
	assert!(right * 100 >= languages.len() * 80, "{language}");

	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
	let readme = fs::read_to_string(&path).unwrap();
	let (start, end) = ("<!-- measured -->\n", "<!-- end of measured -->");
	let measured = format!("{start}{rules}\n{edits}\n{language}{end}");
	let from = readme.find(start).unwrap();
	let to = readme.find(end).unwrap() + end.len();
	if std::env::var_os("BLYAN_UPDATE_SNAPSHOTS").is_some() {
		fs::write(&path, format!("{}{measured}{}", &readme[..from], &readme[to..])).unwrap();
	} else {
		assert_eq!(&readme[from..to], measured, "BLYAN_UPDATE_SNAPSHOTS=1 accepts the change");
	}
	for (name, precision, least_precision, recall, least_recall) in least {
		assert!(precision >= least_precision, "{name}: precision {precision} < {least_precision}");
		assert!(recall >= least_recall, "{name}: recall {recall} < {least_recall}");
	}
}
