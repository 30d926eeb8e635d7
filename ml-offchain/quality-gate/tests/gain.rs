//! The expected gain of what is useful, and of what is not.

use blyan_quality_gate::{
	audit,
	gain::{GainError, NgramProbe},
	read::Fields,
	AuditOptions,
};
use std::{fs, path::Path};

fn data(name: &str) -> String {
	fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

/// Passages of the Jargon File: what is known, what is offered, what it is measured on.
fn passages() -> (Vec<String>, Vec<String>, Vec<String>) {
	let all: Vec<String> = data("passages.txt").lines().map(str::to_owned).collect();
	let every = |of: usize| all.iter().skip(of).step_by(3).cloned().collect();
	(every(0), every(1), every(2))
}

fn probe(reference: &[String], held_out: &[String]) -> NgramProbe {
	let texts = |texts: &[String]| texts.iter().map(|text| text.to_owned()).collect::<Vec<_>>();
	let (reference, held_out) = (texts(reference), texts(held_out));
	NgramProbe::new(reference.iter().map(String::as_str), held_out.iter().map(String::as_str)).unwrap()
}

/// Printable characters by chance (SplitMix64).
fn noise(texts: &[String]) -> Vec<String> {
	let mut state = 7u64;
	let mut next = || {
		state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut number = state;
		number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		char::from(b' ' + ((number ^ (number >> 31)) % 95) as u8)
	};
	texts.iter().map(|text| text.chars().map(|_| next()).collect()).collect()
}

fn other_languages() -> Vec<String> {
	let lines = data("languages.tsv");
	let lines = lines.lines().filter_map(|line| line.split_once('\t'));
	lines.filter(|(code, _)| *code != "eng").map(|(_, text)| text.to_owned()).collect()
}

#[test]
fn useful_text_should_gain_more_than_noise_repetition_and_other_languages() {
	let (reference, useful, held_out) = passages();
	for (reference, least) in [(reference.clone(), 100_000), (vec![], 100_000)] {
		let probe = probe(&reference, &held_out);
		let gain = probe.gain(&useful);
		assert!(gain > least, "{gain}");
		let shuffled: Vec<String> = useful
			.iter()
			.map(|text| {
				let mut bytes: Vec<char> = text.chars().collect();
				bytes.sort_unstable();
				bytes.into_iter().collect()
			})
			.collect();
		let once: Vec<String> = vec![useful[0].clone(); useful.len()];
		for (name, worse) in [
			("noise", noise(&useful)),
			("one sample again and again", once),
			("sorted characters", shuffled),
			("other languages", other_languages()),
			("nothing", vec![]),
		] {
			let found = probe.gain(&worse);
			assert!(found < gain / 4, "{name}: {found}, useful {gain}, reference {}", reference.len());
		}
	}
	let probe = probe(&reference, &held_out);
	let gain = probe.gain(&useful);
	let known = probe.gain(&reference);
	assert!(known < gain / 2, "what is known already: {known}, useful {gain}");
	assert_eq!(probe.gain(&[]), 0);
	// More of the same kind helps more.
	assert!(probe.gain(&useful[..useful.len() / 2]) < gain);
}

#[test]
fn gain_should_be_the_same_number_on_every_machine() {
	let (reference, useful, held_out) = passages();
	let probe = probe(&reference, &held_out);
	assert_eq!(
		(probe.gain(&useful), probe.gain(&noise(&useful)), probe.gain(&other_languages())),
		(150_088, 1_482, -2_773)
	);
	let mut longer = useful.clone();
	// What is past the bound is not looked at.
	longer.extend(vec!["the same again and again, ".repeat(70); 1_200]);
	let bounded = probe.gain(&longer);
	longer.extend(held_out);
	assert_eq!(probe.gain(&longer), bounded);
}

#[test]
fn gain_should_be_measured_in_an_audit_and_need_other_text() {
	let (reference, useful, held_out) = passages();
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name);
	fs::write(path("reference.txt"), reference.join("\n\n")).unwrap();
	fs::write(path("offered.txt"), useful.join("\n\n")).unwrap();
	fs::create_dir(path("shards")).unwrap();
	fs::write(path("shards/0"), held_out.join("\n")).unwrap();
	let fields = Fields::default();
	let mut probe = NgramProbe::from_files(&[path("reference.txt")], &[path("shards")], &fields).unwrap();
	let options = AuditOptions { threads: 2, index_bytes: 1 << 20, ..AuditOptions::default() };
	let found = audit(&path("offered.txt"), &options, Some(&mut probe), &mut |_| ()).unwrap();
	assert!(found.report.expected_gain.unwrap() > 30_000, "{:?}", found.report.expected_gain);
	let none = NgramProbe::from_files(&[path("reference.txt")], &[], &fields).unwrap_err();
	assert!(matches!(none, GainError::NoHeldOut), "{none}");
	let absent = NgramProbe::from_files(&[], &[path("absent")], &fields).unwrap_err();
	assert!(matches!(absent, GainError::Read(_)), "{absent}");
}
