//! What is offered as datasets: the text, made fit for it, and three that must be turned away.

use crate::layout::write_atomically;
use anyhow::{ensure, Context, Result};
use blyan_quality_gate::{
	ngrams::NgramIndex,
	read::{read_file, Fields, FileKind, RawRecord},
	sample::{Inspector, References},
	text::{Folded, Words},
	MAX_CHARACTERS, MIN_CHARACTERS,
};
use std::{
	path::{Path, PathBuf},
	sync::atomic::AtomicU64,
};

/// One paragraph in so many is kept aside for the datasets that are turned away. They are of other paragraphs than the
/// good one: auditors count what is like an approved dataset as duplicate, and that is not the reason to be shown.
const ASIDE_EVERY: usize = 12;
/// Of the paragraphs of the dataset with personal data, one in so many has some: 5 %, and the limit is 1 %.
const PERSONAL_EVERY: usize = 20;
/// How often each paragraph is in the dataset of duplicates: 24 of 25 are, 96 %, and the limit is 95 %.
const COPIES: usize = 25;
/// Different paragraphs in the dataset of duplicates.
const COPIED: usize = 20;
/// Paragraphs that it takes to make all four.
const FEWEST: usize = 120;

/// The samples of a text, fit to be offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corpus {
	/// What is offered.
	pub good: Vec<String>,
	/// What the others are made of.
	aside: Vec<String>,
	/// What is in neither.
	pub left_out: LeftOut,
}

/// Paragraphs that a contributor leaves out of an honest offer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
	/// Too short to be samples, or torn where a shard was held out.
	pub fragments: u64,
	/// With an address, a telephone number or the like.
	pub personal: u64,
	/// That repeat what is held out for measuring.
	pub held_out: u64,
}

/// Where the datasets lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
	/// The honest one.
	pub good: PathBuf,
	/// With invented personal data.
	pub personal: PathBuf,
	/// The same over and over.
	pub repeated: PathBuf,
	/// As good as any, but for its licence.
	pub unlicensed: PathBuf,
}

impl Files {
	/// In that folder.
	pub fn under(folder: &Path) -> Self {
		let file = |name: &str| folder.join(name);
		Self {
			good: file("good.txt"),
			personal: file("personal.txt"),
			repeated: file("repeated.txt"),
			unlicensed: file("unlicensed.txt"),
		}
	}
}

impl Corpus {
	/// Reads a text as the quality gate does, paragraph by paragraph, and leaves out what would have it turned away.
	/// `held_out` is the text of the validation shards.
	///
	/// # Errors
	/// The text cannot be read, or too little of it is left.
	pub fn read(text: &Path, held_out: &Path) -> Result<Self> {
		let shards =
			std::fs::read(held_out).with_context(|| format!("{} cannot be read", held_out.display()))?;
		let mut validation = NgramIndex::default();
		let words = Words::new(Folded::new(&String::from_utf8_lossy(&shards)).text());
		ensure!(validation.add(&words.hashes), "{} is too long to compare with", held_out.display());
		let references = References { validation, ..References::default() };
		let inspector = Inspector::new(&references);

		let mut corpus = Self::default();
		let mut fit = 0usize;
		let mut take = |record: RawRecord| {
			let LeftOut { fragments, personal, held_out } = &mut corpus.left_out;
			let RawRecord::Text(bytes, _) = record else {
				*fragments += 1;
				return Ok(());
			};
			let Ok(sample) = String::from_utf8(bytes) else {
				*fragments += 1;
				return Ok(());
			};
			let characters = sample.chars().take(MAX_CHARACTERS + 1).count();
			if !(MIN_CHARACTERS..=MAX_CHARACTERS).contains(&characters) {
				*fragments += 1;
				return Ok(());
			}
			let findings = inspector.inspect(&sample);
			if findings.contaminated {
				*held_out += 1;
			} else if !findings.personal.is_empty() {
				*personal += 1;
			} else {
				fit += 1;
				if fit.is_multiple_of(ASIDE_EVERY) { &mut corpus.aside } else { &mut corpus.good }
					.push(sample);
			}
			Ok(())
		};
		let kind = FileKind::of(Path::new("text.txt")).context("plain text is a known format")?;
		read_file(text, kind, &Fields::default(), &AtomicU64::new(0), &mut take)?;
		let left = corpus.good.len() + corpus.aside.len();
		ensure!(
			left >= FEWEST,
			"{} has {left} paragraphs of {MIN_CHARACTERS} to {MAX_CHARACTERS} characters that can be offered as a \
			dataset (left out: {:?}); {FEWEST} are needed",
			text.display(),
			corpus.left_out
		);
		Ok(corpus)
	}

	/// Writes all four.
	///
	/// # Errors
	/// A file cannot be written; names it.
	pub fn write(&self, files: &Files) -> Result<()> {
		let personal = self.aside.iter().enumerate().map(|(place, sample)| match place % PERSONAL_EVERY {
			0 => format!("{sample}\n{}", invented(place / PERSONAL_EVERY)),
			_ => sample.clone(),
		});
		let copied = self.aside.iter().take(COPIED);
		let repeated = copied.flat_map(|sample| std::iter::repeat_n(sample.clone(), COPIES));
		write(&files.good, self.good.iter().cloned())?;
		write(&files.personal, personal)?;
		write(&files.repeated, repeated)?;
		write(&files.unlicensed, self.aside.iter().cloned())
	}
}

/// A line about somebody who does not exist. Addresses are under the names, numbers in the ranges, and accounts those
/// of the examples that are set aside for this: RFC 2606, 555-01xx, the card networks' test numbers, the IBAN registry.
fn invented(number: usize) -> String {
	const NAMES: [&str; 6] =
		["Ada Example", "Ben Sample", "Cleo Nobody", "Dan Specimen", "Eva Muster", "Finn Model"];
	let name = NAMES[number % NAMES.len()];
	let mailbox = name.to_lowercase().replace(' ', ".");
	match number % 4 {
		0 => format!("Write to {name} at {mailbox}{number}@example.com about it."),
		1 => format!("Call {name} on +1 202-555-01{:02} any evening.", number % 100),
		2 => format!("{name} paid with card 4111 1111 1111 1111, as always."),
		_ => format!("{name} has the account DE89 3704 0044 0532 0130 00 for it."),
	}
}

/// Paragraphs, parted by blank lines.
fn write(path: &Path, samples: impl Iterator<Item = String>) -> Result<()> {
	let text: Vec<String> = samples.map(|sample| format!("{}\n", sample.trim_end())).collect();
	write_atomically(path, text.join("\n").as_bytes())
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::datasets::{judge, Outcome, QualityLimits, RejectionReason, Tier};
	use blyan_quality_gate::{audit, AuditOptions};

	/// A paragraph like no other.
	fn paragraph(number: usize) -> String {
		let word = |place: usize| {
			let mut left = number * 131 + place * 7 + 17;
			let letters = (0..3 + (number + place) % 5).map(|_| {
				left = left * 48_271 % 2_147_483_647;
				char::from(b'a' + (left % 26) as u8)
			});
			letters.collect::<String>()
		};
		(0..24).map(word).collect::<Vec<_>>().join(" ")
	}

	/// A text with what must be left out of it, and the shards.
	fn text(folder: &Path, paragraphs: usize) -> (PathBuf, PathBuf) {
		let (text, shards) = (folder.join("text"), folder.join("shards"));
		let mut samples: Vec<String> = (0..paragraphs).map(paragraph).collect();
		samples.insert(3, "Short.".into());
		samples.insert(5, format!("{} write to ada@example.com", paragraph(9_001)));
		samples.insert(7, paragraph(9_002));
		std::fs::write(&text, samples.join("\n\n")).unwrap();
		std::fs::write(&shards, format!("{} {}", paragraph(9_003), paragraph(9_002))).unwrap();
		(text, shards)
	}

	fn judged(path: &Path, shards: &Path, licence: &str) -> Outcome {
		let options = AuditOptions {
			licence: licence.into(),
			validation: vec![shards.into()],
			threads: 1,
			index_bytes: 1 << 20,
			..AuditOptions::default()
		};
		judge(&audit(path, &options, None, &mut |_| ()).unwrap().report, &QualityLimits::default())
	}

	#[test]
	fn good_dataset_should_pass_the_gate_and_the_others_fail_for_what_they_are_when_judged() {
		let folder = tempfile::tempdir().unwrap();
		let (text, shards) = text(folder.path(), 600);
		let corpus = Corpus::read(&text, &shards).unwrap();
		assert_eq!(corpus.left_out, LeftOut { fragments: 1, personal: 1, held_out: 1 });
		assert_eq!((corpus.good.len(), corpus.aside.len()), (550, 50));
		let files = Files::under(folder.path());
		corpus.write(&files).unwrap();
		let judged = |path, licence| judged(path, &shards, licence);
		assert_eq!(
			judged(&files.good, "CC0-1.0"),
			Outcome::Admissible(Tier::Experimental),
			"it is only declared"
		);
		for (path, licence, reason) in [
			(&files.personal, "CC0-1.0", RejectionReason::PersonalData),
			(&files.repeated, "CC0-1.0", RejectionReason::Duplicates),
			(&files.unlicensed, "LicenseRef-none-stated", RejectionReason::UnknownLicence),
		] {
			assert_eq!(judged(path, licence), Outcome::Rejected(reason));
		}
		assert_eq!(judged(&files.unlicensed, "CC0-1.0"), Outcome::Admissible(Tier::Experimental));
	}

	#[test]
	fn read_should_say_how_much_is_missing_when_a_text_is_too_short() {
		let folder = tempfile::tempdir().unwrap();
		let (text, shards) = text(folder.path(), 100);
		let message = Corpus::read(&text, &shards).unwrap_err().to_string();
		assert!(message.contains("100 paragraphs") && message.contains("120"), "{message}");
	}
}
