//! The document of a dataset.

use blyan_primitives::{
	cid::{Cid, CidCodec},
	dag::SemVer,
	datasets::{
		DatasetOffer, OfferFlaw, MAX_DATASET_DOCUMENT_BYTES, MAX_DOMAIN_BYTES, MAX_LANGUAGES,
		MAX_LICENCE_BYTES, MAX_NAME_BYTES,
	},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest part, in bytes: 16 MiB.
pub const PART_BYTES: u64 = 16 << 20;
/// Shortest part but for the last, in bytes: so that a window of a sample is in two parts at most.
pub const MIN_PART_BYTES: u64 = 8 << 20;
// It is one leaf, so that its CID is the hash of its bytes.
pub use crate::licence::LICENCE_TEXT_BYTES;
/// Longest description, in bytes.
pub const MAX_DESCRIPTION_BYTES: usize = 4 << 10;

/// Which format a document is of.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub enum DocumentFormat {
	/// The first.
	#[default]
	#[serde(rename = "blyan/dataset/1")]
	V1,
}

/// What a dataset is: its text part by part, and what its contributor says of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetDocument {
	/// Which format this is of.
	pub format: DocumentFormat,
	/// As in the offer, like all until `samples`.
	pub name: String,
	/// Three numbers with dots between them.
	#[serde(with = "version")]
	pub version: SemVer,
	/// The SPDX expression.
	pub licence: String,
	/// What it is about.
	pub domain: String,
	/// ISO 639-3 codes, the most frequent language first.
	pub languages: Vec<String>,
	/// Length of the text, in bytes.
	pub bytes: u64,
	/// Samples in it.
	pub samples: u64,
	/// What the contributor has to say; [`MAX_DESCRIPTION_BYTES`] at most.
	#[serde(default)]
	pub description: String,
	/// The text of the licence.
	#[serde(default)]
	pub licence_text: Option<LicenceText>,
	/// What it was made of. Nobody checks it.
	#[serde(default)]
	pub sources: Vec<Source>,
	/// The text, in order.
	pub parts: Vec<Part>,
}

/// A part of the text: [`PART_BYTES`] at most, and but for the last [`MIN_PART_BYTES`] at least.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
	/// Its content.
	pub content: Cid,
	/// Its length.
	pub bytes: u64,
	/// Of its bytes.
	#[serde(with = "hex")]
	pub sha256: [u8; 32],
	/// Pieces between blank lines that are samples: of 20 to 2,048 characters.
	pub samples: u64,
}

/// The text of a licence: UTF-8, of [`LICENCE_TEXT_BYTES`] at most.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LicenceText {
	/// Its content, of the codec `raw`.
	pub content: Cid,
	/// Its length.
	pub bytes: u64,
}

/// A file that a dataset was made of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
	/// Below the folder that was packed, with `/` between names.
	pub path: String,
	/// Its length.
	pub bytes: u64,
	/// Of its bytes, as they lay on disk.
	#[serde(with = "hex")]
	pub sha256: [u8; 32],
}

/// Why a document is none, or is of another offer.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
	/// Too long to be read.
	#[error("the document has {bytes} bytes; {MAX_DATASET_DOCUMENT_BYTES} at most are read")]
	TooLong {
		/// Its length.
		bytes: u64,
	},
	/// Not JSON of the format.
	#[error("the document is not of the format blyan/dataset/1: {0}")]
	Format(#[from] serde_json::Error),
	/// A field says what no offer may say.
	#[error("the document's {}", flaw(.0))]
	Offer(OfferFlaw),
	/// A field is longer than it may be.
	#[error("the document's {field} is longer than {most} bytes, or has more than {most} members")]
	FieldTooLong {
		/// Which.
		field: &'static str,
		/// The most.
		most: usize,
	},
	/// There is no text.
	#[error("the document names no part: a dataset without text")]
	NoParts,
	/// A part is empty or too long.
	#[error("part {part} is stated to have {bytes} bytes; a part has 1 to {PART_BYTES}")]
	PartLength {
		/// Which, from 0.
		part: usize,
		/// Its stated length.
		bytes: u64,
	},
	/// A part that is not the last is too short.
	#[error(
		"part {part} is stated to have {bytes} bytes; every part but the last has {MIN_PART_BYTES} at least"
	)]
	PartTooShort {
		/// Which, from 0.
		part: usize,
		/// Its stated length.
		bytes: u64,
	},
	/// A part is there twice.
	#[error("parts {first} and {again} are the same; a text is not offered twice")]
	PartRepeated {
		/// Which, from 0.
		first: usize,
		/// Which, from 0.
		again: usize,
	},
	/// The parts do not add up.
	#[error("the document states {stated} {what}, and its parts have {sum}")]
	Sum {
		/// What is added up.
		what: &'static str,
		/// What the document says.
		stated: u64,
		/// What the parts come to.
		sum: u64,
	},
	/// The licence text is too long, empty, or more than one leaf.
	#[error("the licence text must have 1 to {LICENCE_TEXT_BYTES} bytes and a CID of the codec raw")]
	LicenceText,
	/// It is not what the offer says.
	#[error("the document's {field} is not the offer's")]
	Differs {
		/// Which field.
		field: &'static str,
	},
}

/// What is wrong with a field, for a person.
fn flaw(flaw: &OfferFlaw) -> &'static str {
	match flaw {
		OfferFlaw::Name => "name must be of lower-case letters and digits, with single hyphens between them",
		OfferFlaw::Domain => {
			"domain must be of lower-case letters and digits, with single hyphens between them"
		}
		OfferFlaw::Licence => "licence must be an SPDX expression in printable ASCII",
		OfferFlaw::Languages => "languages must be distinct codes of three lower-case letters (ISO 639-3)",
		OfferFlaw::Sizes => "bytes and samples must be at least one, and no fewer bytes than samples",
	}
}

impl DatasetDocument {
	/// Reads a document, and checks all that can be checked without the content.
	///
	/// # Errors
	/// [`DocumentError`] says what is wrong.
	pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
		let length = bytes.len() as u64;
		if length > MAX_DATASET_DOCUMENT_BYTES {
			return Err(DocumentError::TooLong { bytes: length });
		}
		let document: Self = serde_json::from_slice(bytes)?;
		document.check()?;
		Ok(document)
	}

	/// Reads the document of an offer: [`Self::parse`], and it must be of the offer and of its length.
	///
	/// # Errors
	/// As [`Self::parse`] and [`Self::check_against`].
	pub fn parse_offered(bytes: &[u8], offer: &DatasetOffer) -> Result<Self, DocumentError> {
		if bytes.len() as u64 != u64::from(offer.document_bytes) {
			return Err(DocumentError::Differs { field: "own length" });
		}
		let document = Self::parse(bytes)?;
		document.check_against(offer)?;
		Ok(document)
	}

	/// The document as bytes: JSON on many lines, always the same for the same document.
	///
	/// # Errors
	/// [`DocumentError::TooLong`] if nobody would read it.
	pub fn to_bytes(&self) -> Result<Vec<u8>, DocumentError> {
		let mut bytes = serde_json::to_vec_pretty(self)?;
		bytes.push(b'\n');
		match bytes.len() as u64 {
			length if length > MAX_DATASET_DOCUMENT_BYTES => Err(DocumentError::TooLong { bytes: length }),
			_ => Ok(bytes),
		}
	}

	/// What is offered on chain of the document under that CID.
	///
	/// # Errors
	/// [`DocumentError::FieldTooLong`], [`DocumentError::Offer`].
	pub fn offer(&self, content: Cid, document_bytes: u32) -> Result<DatasetOffer, DocumentError> {
		let languages: Option<Vec<_>> =
			self.languages.iter().map(|code| code.as_bytes().try_into().ok()).collect();
		let languages = languages.ok_or(DocumentError::Offer(OfferFlaw::Languages))?;
		let offer = DatasetOffer {
			content,
			document_bytes,
			bytes: self.bytes,
			samples: self.samples,
			name: bounded("name", MAX_NAME_BYTES, self.name.as_bytes().to_vec())?,
			version: self.version,
			licence: bounded("licence", MAX_LICENCE_BYTES, self.licence.as_bytes().to_vec())?,
			domain: bounded("domain", MAX_DOMAIN_BYTES, self.domain.as_bytes().to_vec())?,
			languages: bounded("list of languages", MAX_LANGUAGES, languages)?,
		};
		offer.check().map_err(DocumentError::Offer)?;
		Ok(offer)
	}

	/// Checks that the offer says of the dataset what the document says. Whether the document is the one that the offer
	/// names is for who fetched it by its CID; its length: [`Self::parse_offered`].
	///
	/// # Errors
	/// [`DocumentError::Differs`] names the first field.
	pub fn check_against(&self, offer: &DatasetOffer) -> Result<(), DocumentError> {
		let own = self.offer(offer.content, offer.document_bytes)?;
		for (same, field) in [
			(own.name == offer.name, "name"),
			(own.version == offer.version, "version"),
			(own.licence == offer.licence, "licence"),
			(own.domain == offer.domain, "domain"),
			(own.languages == offer.languages, "languages"),
			(own.bytes == offer.bytes, "number of bytes"),
			(own.samples == offer.samples, "number of samples"),
		] {
			same.then_some(()).ok_or(DocumentError::Differs { field })?;
		}
		Ok(())
	}

	/// What can be checked without the content.
	fn check(&self) -> Result<(), DocumentError> {
		self.offer(Cid { codec: CidCodec::Raw, digest: [0; 32] }, 1)?;
		if self.description.len() > MAX_DESCRIPTION_BYTES {
			return Err(DocumentError::FieldTooLong { field: "description", most: MAX_DESCRIPTION_BYTES });
		}
		if let Some(LicenceText { content, bytes }) = &self.licence_text {
			let holds = content.codec == CidCodec::Raw && (1..=LICENCE_TEXT_BYTES).contains(bytes);
			holds.then_some(()).ok_or(DocumentError::LicenceText)?;
		}
		let last = self.parts.len().checked_sub(1).ok_or(DocumentError::NoParts)?;
		let (mut contents, mut hashes) = (BTreeMap::new(), BTreeMap::new());
		for (part, about) in self.parts.iter().enumerate() {
			let bytes = about.bytes;
			if !(1..=PART_BYTES).contains(&bytes) {
				return Err(DocumentError::PartLength { part, bytes });
			}
			if part < last && bytes < MIN_PART_BYTES {
				return Err(DocumentError::PartTooShort { part, bytes });
			}
			let before = contents.insert(about.content, part).or(hashes.insert(about.sha256, part));
			if let Some(first) = before {
				return Err(DocumentError::PartRepeated { first, again: part });
			}
		}
		let sum = |what, stated, of: fn(&Part) -> u64| {
			let sum = self.parts.iter().fold(0u64, |sum, part| sum.saturating_add(of(part)));
			(sum == stated).then_some(()).ok_or(DocumentError::Sum { what, stated, sum })
		};
		sum("bytes", self.bytes, |part| part.bytes)?;
		sum("samples", self.samples, |part| part.samples)
	}
}

/// A field as the chain has it.
fn bounded<T, B: TryFrom<Vec<T>>>(field: &'static str, most: u32, value: Vec<T>) -> Result<B, DocumentError> {
	value.try_into().map_err(|_| DocumentError::FieldTooLong { field, most: most as usize })
}

/// Numbers with dots.
mod version {
	use super::SemVer;
	use serde::{de::Error, Deserialize, Deserializer, Serializer};

	pub fn serialize<S: Serializer>(version: &SemVer, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_str(version)
	}

	pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SemVer, D::Error> {
		let text = String::deserialize(deserializer)?;
		let numbers: Option<Vec<u32>> = text.split('.').map(|number| number.parse().ok()).collect();
		let version = match numbers.as_deref() {
			Some([major, minor, patch]) => SemVer { major: *major, minor: *minor, patch: *patch },
			_ => return Err(D::Error::custom("a version is three numbers with dots: 1.0.0")),
		};
		// One way to write it: neither `+1.0.0` nor `01.0.0`.
		if version.to_string() != text {
			return Err(D::Error::custom(format!("a version is written {version}")));
		}
		Ok(version)
	}
}

/// SHA-256 in lower-case hexadecimal digits.
mod hex {
	use data_encoding::HEXLOWER;
	use serde::{de::Error, Deserialize, Deserializer, Serializer};

	pub fn serialize<S: Serializer>(digest: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
		serializer.serialize_str(&HEXLOWER.encode(digest))
	}

	pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
		let text = String::deserialize(deserializer)?;
		let bytes = HEXLOWER.decode(text.as_bytes()).ok();
		bytes
			.and_then(|bytes| bytes.try_into().ok())
			.ok_or_else(|| D::Error::custom("a SHA-256 has 64 lower-case hexadecimal digits"))
	}
}
