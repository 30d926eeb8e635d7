//! What is known of a dataset's licence.

use crate::licence_text::{is_public_domain, LicenceWords};
use blyan_primitives::datasets::Licence;
use spdx::{Expression, LicenseItem, ParseMode};
use std::collections::BTreeSet;

/// Licences that permit training, commercial use and redistribution of what is derived, though perhaps with
/// attribution or under the same terms, and are not approved by OSI or FSF.
const OPEN_FOR_DATA: &[&str] = &[
	"CC0-1.0",
	"CC-BY-1.0",
	"CC-BY-2.0",
	"CC-BY-2.5",
	"CC-BY-3.0",
	"CC-BY-4.0",
	"CC-BY-SA-1.0",
	"CC-BY-SA-2.0",
	"CC-BY-SA-2.5",
	"CC-BY-SA-3.0",
	"CC-BY-SA-4.0",
	"CC-PDDC",
	"CC-PDM-1.0",
	"CDLA-Permissive-1.0",
	"CDLA-Permissive-2.0",
	"CDLA-Sharing-1.0",
	"ODbL-1.0",
	"ODC-By-1.0",
	"OGL-UK-1.0",
	"OGL-UK-2.0",
	"OGL-UK-3.0",
	"PDDL-1.0",
	"US-Government-Works",
];

/// An expression as it should be written, or why it says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LicenceError {
	/// Nothing, `NONE` or `NOASSERTION`.
	#[error("no licence is stated")]
	Absent,
	/// Not an expression of the SPDX list.
	#[error("{expression:?} is not an SPDX licence expression: {reason}; see https://spdx.org/licenses")]
	Invalid {
		/// What was given, its first 100 characters.
		expression: String,
		/// What is wrong with it.
		reason: String,
	},
	/// A reference to a licence outside the list, which nobody can judge by rule.
	#[error("{0} is not on the SPDX list")]
	Unlisted(String),
}

fn parse(expression: &str) -> Result<Expression, LicenceError> {
	let expression = expression.trim();
	if matches!(expression, "" | "NONE" | "NOASSERTION") {
		return Err(LicenceError::Absent);
	}
	let invalid = |reason: String| LicenceError::Invalid { expression: shortened(expression), reason };
	if expression.len() > MAX_EXPRESSION_BYTES {
		return Err(invalid(format!("longer than {MAX_EXPRESSION_BYTES} bytes")));
	}
	let parsed = Expression::parse_mode(expression, ParseMode::STRICT)
		.map_err(|error| invalid(error.reason.to_string()))?;
	for requirement in parsed.requirements() {
		if let LicenseItem::Other { .. } = requirement.req.license {
			return Err(LicenceError::Unlisted(shortened(&requirement.req.license.to_string())));
		}
	}
	Ok(parsed)
}

/// Longest expression that is looked at: the parser takes time and memory by length.
const MAX_EXPRESSION_BYTES: usize = 1_024;

fn shortened(text: &str) -> String {
	text.chars().take(100).collect()
}

/// Whether a licence permits training and redistribution.
fn is_open(id: spdx::LicenseId) -> bool {
	id.is_osi_approved() || id.is_fsf_free_libre() || OPEN_FOR_DATA.contains(&id.name)
}

/// Whether one choice among those the expression leaves is open.
fn permits(expression: &Expression) -> bool {
	expression.evaluate(|requirement| requirement.license.id().is_some_and(is_open))
}

/// Longest licence text that is looked at, in bytes: the longest of the list has some 100,000.
pub const LICENCE_TEXT_BYTES: u64 = 256 << 10;
/// Licence texts of a dataset that are looked at.
const MAX_TEXTS: usize = 16;

/// What stands in the content about its licence.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub struct Evidence {
	/// Some text says the same as what is declared.
	pub confirmed: bool,
	/// Some text says something else.
	pub contradicted: bool,
}

/// Two ways to write the same: spaces, and the order of what is joined, do not matter; the rest does.
fn same(one: &Expression, other: &Expression) -> bool {
	let canonical = |expression: &Expression| {
		let mut all: Vec<String> = expression.requirements().map(|one| one.req.to_string()).collect();
		let mut operators: Vec<String> = expression
			.iter()
			.filter_map(|node| match node {
				spdx::expression::ExprNode::Op(operator) => Some(format!("{operator:?}")),
				spdx::expression::ExprNode::Req(_) => None,
			})
			.collect();
		all.sort();
		operators.sort();
		(all, operators)
	};
	canonical(one) == canonical(other)
}

/// The declared licence, and what the content says of it.
#[derive(Clone, Debug)]
pub struct LicenceCheck {
	declared: Result<Expression, LicenceError>,
	evidence: Evidence,
	/// Licences of the expression whose text is there.
	texts: BTreeSet<&'static str>,
	/// Texts that were looked at.
	looked_at: usize,
}

impl LicenceCheck {
	/// Of a declared SPDX expression; empty if none is.
	pub fn new(declared: &str) -> Self {
		Self {
			declared: parse(declared),
			evidence: Evidence::default(),
			texts: BTreeSet::new(),
			looked_at: 0,
		}
	}

	/// Takes note of a licence that stands in the content: a record's field, or a file's
	/// `SPDX-License-Identifier`.
	pub fn note(&mut self, found: &str) {
		let Ok(declared) = &self.declared else { return };
		match parse(found) {
			Ok(found) if same(declared, &found) => self.evidence.confirmed = true,
			_ => self.evidence.contradicted = true,
		}
	}

	/// Looks for an `SPDX-License-Identifier` in a text about the dataset.
	pub fn note_text(&mut self, text: &str) {
		for line in text.lines() {
			if let Some((_, found)) = line.split_once("SPDX-License-Identifier:") {
				self.note(found.trim().trim_end_matches("-->").trim_end_matches("*/"));
			}
		}
	}

	/// Takes note of a text that stands for a licence: that of one of the expression's licences confirms it, once
	/// there are enough of them to satisfy it by open ones; so does a statement that the work is in the public domain,
	/// if the licence keeps nothing back. The text of another licence contradicts it. What is none of these, or is longer
	/// than [`LICENCE_TEXT_BYTES`], says nothing.
	pub fn note_licence_text(&mut self, text: &str) {
		self.note_text(text);
		let Ok(declared) = &self.declared else { return };
		if text.len() as u64 > LICENCE_TEXT_BYTES || self.looked_at >= MAX_TEXTS {
			return;
		}
		self.looked_at += 1;
		let ids: Vec<spdx::LicenseId> =
			declared.requirements().filter_map(|requirement| requirement.req.license.id()).collect();
		let words = LicenceWords::new(text);
		let is_dedication = words.is_dedication();
		let found = ids
			.iter()
			.filter(|id| words.is_of(id.name) || (is_dedication && is_public_domain(id.name)))
			.map(|id| id.name);
		let before = self.texts.len();
		self.texts.extend(found);
		if self.texts.len() == before {
			self.evidence.contradicted |= words.any().is_some_and(|other| !self.texts.contains(other));
			return;
		}
		self.evidence.confirmed |= declared.evaluate(|requirement| {
			requirement.license.id().is_some_and(|id| is_open(id) && self.texts.contains(id.name))
		});
	}

	/// What is wrong with what was declared.
	pub fn error(&self) -> Option<&LicenceError> {
		self.declared.as_ref().err()
	}

	/// What the content says.
	pub fn evidence(&self) -> &Evidence {
		&self.evidence
	}

	/// What is known.
	pub fn standing(&self) -> Licence {
		match &self.declared {
			Err(_) => Licence::Unknown,
			Ok(expression)
				if permits(expression) && self.evidence.confirmed && !self.evidence.contradicted =>
			{
				Licence::Verified
			}
			Ok(_) => Licence::Declared,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn standing(declared: &str, found: &[&str]) -> Licence {
		let mut check = LicenceCheck::new(declared);
		found.iter().for_each(|found| check.note(found));
		check.standing()
	}

	#[test]
	fn licence_should_be_verified_only_when_open_and_confirmed() {
		assert_eq!(standing("CC-BY-4.0", &["CC-BY-4.0", "CC-BY-4.0"]), Licence::Verified);
		assert_eq!(standing("MIT OR Apache-2.0", &["Apache-2.0  OR MIT"]), Licence::Verified);
		assert_eq!(standing("CC-BY-4.0", &[]), Licence::Declared);
		assert_eq!(standing("CC-BY-4.0", &["CC-BY-4.0", "CC-BY-SA-4.0"]), Licence::Declared);
		assert_eq!(standing("MIT AND Apache-2.0", &["Apache-2.0 OR MIT"]), Licence::Declared);
		assert_eq!(standing("CC-BY-NC-4.0", &["CC-BY-NC-4.0"]), Licence::Declared);
		// One open choice is enough; one closed part of a whole is too much.
		assert_eq!(standing("CC-BY-NC-4.0 OR MIT", &["CC-BY-NC-4.0 OR MIT"]), Licence::Verified);
		assert_eq!(standing("CC-BY-NC-4.0 AND MIT", &["CC-BY-NC-4.0 AND MIT"]), Licence::Declared);
	}

	#[test]
	fn licence_should_be_unknown_when_it_is_no_expression_of_the_list() {
		for declared in ["", "NOASSERTION", "free to use", "MIT/X11", "LicenseRef-mine", "MIT AND", "mit"] {
			let check = LicenceCheck::new(declared);
			assert_eq!(check.standing(), Licence::Unknown, "{declared}");
			assert!(check.error().is_some());
		}
		let long = vec!["MIT"; 1_000].join(" AND ");
		assert!(LicenceCheck::new(&long).error().unwrap().to_string().len() < 300);
	}
}
