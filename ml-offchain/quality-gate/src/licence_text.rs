//! Whether a text is that of a listed licence, but for names and years.

use crate::text::{Folded, Words};
use similar::{capture_diff_slices, Algorithm, DiffOp};
use std::collections::HashSet;

/// Words that may be added to the listed text, besides one in fifty: names, a title, an address.
const MORE_WORDS: usize = 12;
/// Words that may be left out of it, besides one in fifty. A clause is longer.
const FEWER_WORDS: usize = 6;
/// Fewest words of a listed text that is looked for: of a shorter one, too much would be free.
const LEAST_WORDS: usize = 40;
/// Words that may not be among them, for they bend what a licence says.
const BENDING: &[&str] = &[
	"academic",
	"ai",
	"army",
	"commercial",
	"commercially",
	"educational",
	"ethical",
	"evaluation",
	"evil",
	"except",
	"forbidden",
	"learning",
	"machine",
	"military",
	"no",
	"non",
	"noncommercial",
	"not",
	"nuclear",
	"only",
	"personal",
	"private",
	"prohibited",
	"research",
	"training",
	"unless",
	"without",
];
/// Words of a run, by which most texts are told apart.
const RUN_WORDS: usize = 3;
/// What follows it in a licence tells how to apply it, and may be left out.
const END: [&str; 5] = ["end", "of", "terms", "and", "conditions"];
/// Longest text that may be a dedication, in words.
const DEDICATION_WORDS: usize = 120;
/// What a short text must say to dedicate a work to the public domain, ...
const DEDICATIONS: &[&str] = &[
	"in the public domain",
	"into the public domain",
	"to the public domain",
	"waived all copyright and related or neighboring rights",
	"free of known copyright restrictions",
	"free of known restrictions under copyright law",
];
/// ... and what it must not.
const RESERVATIONS: &[&str] = &[
	"not in the public domain",
	"all rights reserved",
	"some rights reserved",
	"except",
	"parts of",
	"unless",
	"not been",
];
/// Licences by which nothing is kept back.
const PUBLIC_DOMAIN: &[&str] = &["CC-PDDC", "CC-PDM-1.0", "CC0-1.0", "PDDL-1.0", "Unlicense"];

/// A text as it is compared.
#[derive(Clone, Debug)]
pub struct LicenceWords(Vec<String>);

impl LicenceWords {
	/// The words, folded; without lines that say whose copyright it is.
	pub fn new(text: &str) -> Self {
		let lines: Vec<&str> = text.lines().filter(|line| !is_notice(line)).collect();
		let folded = Folded::new(&lines.join("\n"));
		let words = Words::new(folded.text());
		let word = |at| words.bytes(at, at).and_then(|bytes| folded.text().get(bytes));
		let spelling = |word: &str| match word {
			"https" => "http".to_owned(),
			"licence" => "license".to_owned(),
			other => other.to_owned(),
		};
		Self((0..words.len()).filter_map(word).map(spelling).collect())
	}

	/// Whether this is the text of the licence of that identifier.
	pub fn is_of(&self, id: &str) -> bool {
		spdx::license_id(id).is_some_and(|id| self.is_like(&Self::new(id.text()).0))
	}

	/// Some listed licence of which this is the text.
	pub fn any(&self) -> Option<&'static str> {
		let mut all = spdx::text::LICENSE_TEXTS.iter();
		// One in six bytes is a word, or more: most texts need not be cut into words.
		all.find(|(_, text)| text.len() / 16 <= self.0.len() && self.is_like(&Self::new(text).0))
			.map(|(id, _)| *id)
	}

	/// Whether this is a short statement that a work is in the public domain.
	pub fn is_dedication(&self) -> bool {
		let text = format!(" {} ", self.0.join(" "));
		let says = |phrase: &&str| text.contains(&format!(" {phrase} "));
		self.0.len() <= DEDICATION_WORDS && DEDICATIONS.iter().any(says) && !RESERVATIONS.iter().any(says)
	}

	/// Whether the two are the same but for a few words, or would be without what follows the template's end.
	fn is_like(&self, template: &[String]) -> bool {
		let end = template.windows(END.len()).position(|words| words == END).map(|at| at + END.len());
		is_same(&self.0, template)
			|| end.and_then(|end| template.get(..end)).is_some_and(|body| is_same(&self.0, body))
	}
}

/// Whether nothing is kept back by the licence of that identifier.
pub fn is_public_domain(id: &str) -> bool {
	PUBLIC_DOMAIN.contains(&id)
}

/// A line that says whose copyright it is, or names a licence by its identifier.
fn is_notice(line: &str) -> bool {
	let line = line.trim_start_matches(|c: char| !c.is_alphanumeric() && !"©(<".contains(c)).to_lowercase();
	if line.contains("spdx-license-identifier") || line.trim_end_matches('.') == "all rights reserved" {
		return true;
	}
	let line = line.strip_prefix("portions ").unwrap_or(&line);
	// `(c)` alone may be the third of some clauses, and `copyright` alone where a line was broken.
	let mut rest = line;
	while let Some(next) = ["copyright", "(c)", "©"].iter().find_map(|sign| rest.strip_prefix(sign)) {
		rest = next.trim_start();
	}
	rest.len() < line.len()
		&& (line.starts_with('©') || rest.starts_with(|c: char| c.is_numeric() || "<[{".contains(c)))
}

fn is_same(text: &[String], template: &[String]) -> bool {
	let (most_more, most_fewer) = (MORE_WORDS + template.len() / 50, FEWER_WORDS + template.len() / 50);
	if template.len() < LEAST_WORDS
		|| text.len() > template.len() + most_more
		|| template.len() > text.len() + most_fewer
	{
		return false;
	}
	// A word more or fewer changes three runs of three: where more are missing, there is nothing to compare, which takes
	// long where two texts have little in common.
	let runs: HashSet<&[String]> = text.windows(RUN_WORDS).collect();
	let missing = template.windows(RUN_WORDS).filter(|run| !runs.contains(run)).count();
	if missing > RUN_WORDS * (most_more + most_fewer) {
		return false;
	}
	let (mut more, mut fewer) = (0, 0);
	let bends = |words: &[String]| words.iter().any(|word| BENDING.contains(&word.as_str()));
	capture_diff_slices(Algorithm::Myers, template, text).iter().all(|op| {
		if matches!(op, DiffOp::Equal { .. }) {
			return true;
		}
		let (old, new) = (&template[op.old_range()], &text[op.new_range()]);
		fewer += old.len();
		more += new.len();
		fewer <= most_fewer && more <= most_more && !bends(old) && !bends(new)
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	fn text(id: &str) -> String {
		spdx::license_id(id).unwrap().text().to_owned()
	}

	fn is(text: &str, id: &str) -> bool {
		LicenceWords::new(text).is_of(id)
	}

	#[test]
	fn text_should_be_that_of_its_licence_when_names_and_layout_differ() {
		let mit = text("MIT");
		let named =
			mit.replace("<year> <copyright holders>", "2019-2026 Jane Roe and others <jane@example.com>");
		assert!(is(&named, "MIT") && is(&format!("The MIT License (MIT)\n\n{named}"), "MIT"));
		assert!(is(&named.to_uppercase().replace('\n', "\r\n    // "), "MIT"));
		let apache = text("Apache-2.0");
		let end = apache.find("APPENDIX").unwrap_or(apache.len());
		assert!(is(&apache, "Apache-2.0") && is(&apache[..end], "Apache-2.0"));
		assert!(is(&text("GPL-3.0"), "GPL-3.0-or-later"));
	}

	#[test]
	fn text_should_not_be_that_of_a_licence_when_its_meaning_is_bent() {
		let mit = text("MIT");
		for (from, to) in [
			("without restriction", "without restriction but for commercial use"),
			("The above", "You may not train machines with it.\n\nThe above"),
			("sublicense, and/or sell", "and not sublicense or sell"),
			("The above copyright notice and this permission notice shall be included in all copies", ""),
		] {
			let bent = mit.replace(from, to);
			assert_ne!(bent, mit, "{from}");
			assert!(!is(&bent, "MIT"), "{from}");
		}
		assert!(!is(&mit, "MIT-0") && !is(&text("MIT-0"), "MIT"));
		assert!(!is(&text("CC-BY-NC-4.0"), "CC-BY-4.0") && !is(&text("CC-BY-SA-4.0"), "CC-BY-4.0"));
		assert!(!is(&text("BSD-2-Clause"), "BSD-3-Clause"));
		assert!(!is("", "MIT") && !is(&mit.repeat(2), "MIT") && !is("MIT License", "MIT"));
		assert!(!is("MIT", "no licence at all"));
		// The same words in another order, which takes long to compare word by word.
		let backwards: Vec<String> = text("GPL-3.0").split_whitespace().rev().map(str::to_owned).collect();
		assert_eq!(LicenceWords::new(&backwards.join(" ")).any(), None);
		// Some listed texts are a line.
		assert_eq!(LicenceWords::new("As is.").any(), None);
		assert_eq!(LicenceWords::new(&mit).any(), Some("MIT"));
	}

	#[test]
	fn dedication_should_be_short_and_keep_nothing_back() {
		for (text, expected) in [
			("The Jargon File is in the public domain, to be freely used, shared and modified.", true),
			("To the extent possible under law, Jane has waived all copyright and related or neighboring rights to it.", true),
			("This work is not in the public domain.", false),
			("Parts of this are in the public domain. All rights reserved for the rest.", false),
			("A fine text, and nothing is said of its licence.", false),
		] {
			assert_eq!(LicenceWords::new(text).is_dedication(), expected, "{text}");
		}
		let long = format!("{} It is in the public domain.", "word ".repeat(200));
		assert!(!LicenceWords::new(&long).is_dedication());
	}
}
