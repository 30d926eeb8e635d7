//! What a contributor says of a dataset.

use crate::{dag::SemVer, manifest::DatasetId, submission::work_bits, BlockNumber, Hash};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use polkadot_sdk::{
	sp_core::{bounded::BoundedVec, ConstU32},
	sp_runtime::traits::{BlakeTwo256, Hash as _},
};
use scale_info::TypeInfo;

use super::{LanguageCode, MAX_LANGUAGES};

/// Longest name of a dataset, in bytes.
pub const MAX_NAME_BYTES: u32 = 64;
/// Longest licence expression that is kept on chain, in bytes.
pub const MAX_LICENCE_BYTES: u32 = 128;
/// Longest tag of a domain, in bytes.
pub const MAX_DOMAIN_BYTES: u32 = 32;
/// Longest document of a dataset, in bytes: it has a line for each part.
pub const MAX_DATASET_DOCUMENT_BYTES: u64 = 16 << 20;

/// A dataset version as its contributor describes it.
///
/// Its **text** is what is audited and what is trained on: UTF-8, samples parted by blank lines, the parts that the
/// document names one after another. Its **document** is the content that [`Self::content`] names.
#[derive(Clone, PartialEq, Eq, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct DatasetOffer {
	/// The document. It names the dataset: other text is another dataset.
	pub content: DatasetId,
	/// Length of the document, in bytes; [`MAX_DATASET_DOCUMENT_BYTES`] at most.
	pub document_bytes: u32,
	/// Length of the text, in bytes.
	pub bytes: u64,
	/// Samples in the text.
	pub samples: u64,
	/// How its contributor calls it: lower-case letters, digits and single hyphens between them.
	pub name: BoundedVec<u8, ConstU32<MAX_NAME_BYTES>>,
	/// Which version of what is called so.
	pub version: SemVer,
	/// The SPDX expression under which it is given.
	pub licence: BoundedVec<u8, ConstU32<MAX_LICENCE_BYTES>>,
	/// What it is about, written as names are.
	pub domain: BoundedVec<u8, ConstU32<MAX_DOMAIN_BYTES>>,
	/// Its languages, the most frequent first.
	pub languages: BoundedVec<LanguageCode, ConstU32<MAX_LANGUAGES>>,
}

/// Why an offer is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OfferFlaw {
	/// The name is empty, or has other characters than it may.
	Name,
	/// Likewise the domain.
	Domain,
	/// The licence is empty, or not of printable ASCII.
	Licence,
	/// A language is named twice, or is not of three lower-case letters.
	Languages,
	/// The document or the text is empty or too long, or there are fewer bytes than samples.
	Sizes,
}

impl DatasetOffer {
	/// Checks what can be checked without the content. Whether the licence is an SPDX expression, auditors say.
	///
	/// # Errors
	/// The first rule that is broken.
	pub fn check(&self) -> Result<(), OfferFlaw> {
		is_slug(&self.name).then_some(()).ok_or(OfferFlaw::Name)?;
		is_slug(&self.domain).then_some(()).ok_or(OfferFlaw::Domain)?;
		let is_printable = self.licence.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
		(is_printable && !self.licence.is_empty()).then_some(()).ok_or(OfferFlaw::Licence)?;
		let are_codes = self.languages.iter().flatten().all(u8::is_ascii_lowercase);
		let are_distinct = self
			.languages
			.iter()
			.enumerate()
			.all(|(place, code)| !self.languages.iter().take(place).any(|other| other == code));
		(are_codes && are_distinct).then_some(()).ok_or(OfferFlaw::Languages)?;
		let holds = (1..=MAX_DATASET_DOCUMENT_BYTES).contains(&self.document_bytes.into())
			&& (1..=self.bytes).contains(&self.samples);
		holds.then_some(()).ok_or(OfferFlaw::Sizes)
	}
}

/// Lower-case letters and digits, with single hyphens between them.
fn is_slug(bytes: &[u8]) -> bool {
	bytes.split(|byte| *byte == b'-').all(|part| {
		!part.is_empty() && part.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
	})
}

/// The proof of work against spam that goes with an offer.
#[derive(
	Clone, Copy, PartialEq, Eq, Default, Debug, Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OfferWork {
	/// The number that makes the hash small enough.
	pub nonce: u64,
	/// The number of the recent block that it was made for.
	pub anchor: BlockNumber,
}

/// What the proof of work of an offer is for: bound to the account, the dataset and a recent block, so that it can
/// neither be passed on nor made in advance. `anchor` is the hash of that block.
pub fn offer_challenge<AccountId: Encode>(account: &AccountId, dataset: &DatasetId, anchor: &Hash) -> Hash {
	BlakeTwo256::hash_of(&(b"blyan/offer", account, dataset, anchor))
}

impl OfferWork {
	/// How many zero bits the work comes to; a demand is met by as many or more.
	pub fn bits(&self, challenge: &Hash) -> u32 {
		work_bits(challenge, self.nonce)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::cid::{Cid, CidCodec};
	use alloc::vec;

	fn bounded<const N: u32>(text: &str) -> BoundedVec<u8, ConstU32<N>> {
		text.as_bytes().to_vec().try_into().unwrap()
	}

	fn offer() -> DatasetOffer {
		DatasetOffer {
			content: Cid { codec: CidCodec::Raw, digest: [7; 32] },
			document_bytes: 900,
			bytes: 5_000,
			samples: 10,
			name: bounded("jargon-file"),
			version: SemVer { major: 4, minor: 4, patch: 7 },
			licence: bounded("CC0-1.0 OR MIT"),
			domain: bounded("computing"),
			languages: vec![*b"eng"].try_into().unwrap(),
		}
	}

	fn flaw(change: impl FnOnce(&mut DatasetOffer)) -> Option<OfferFlaw> {
		let mut offer = offer();
		change(&mut offer);
		offer.check().err()
	}

	#[test]
	fn offer_should_be_refused_with_the_first_rule_it_breaks() {
		assert_eq!(flaw(|_| ()), None);
		for name in ["", "Jargon", "jargon file", "-jargon", "jargon-", "jargon--file", "ja\u{307}rgon"] {
			assert_eq!(flaw(|offer| offer.name = bounded(name)), Some(OfferFlaw::Name), "{name}");
		}
		assert_eq!(flaw(|offer| offer.domain = bounded("")), Some(OfferFlaw::Domain));
		for licence in ["", "MIT\n", "MIT\u{e9}"] {
			assert_eq!(flaw(|offer| offer.licence = bounded(licence)), Some(OfferFlaw::Licence), "{licence}");
		}
		let languages = |codes: &[&[u8; 3]]| codes.iter().map(|code| **code).collect::<vec::Vec<_>>();
		for codes in [languages(&[b"eng", b"eng"]), languages(&[b"ENG"]), languages(&[b"en "])] {
			let codes = codes.try_into().unwrap();
			assert_eq!(flaw(|offer| offer.languages = codes), Some(OfferFlaw::Languages));
		}
		assert_eq!(flaw(|offer| offer.document_bytes = 0), Some(OfferFlaw::Sizes));
		assert_eq!(flaw(|offer| offer.document_bytes = (16 << 20) + 1), Some(OfferFlaw::Sizes));
		assert_eq!(flaw(|offer| offer.samples = 0), Some(OfferFlaw::Sizes));
		assert_eq!(flaw(|offer| offer.samples = 5_001), Some(OfferFlaw::Sizes));
	}

	#[test]
	fn challenge_should_differ_with_everything_it_is_bound_to() {
		let (dataset, anchor) = (offer().content, Hash::repeat_byte(1));
		let challenge = offer_challenge(&1u64, &dataset, &anchor);
		assert_ne!(challenge, offer_challenge(&2u64, &dataset, &anchor));
		let other = Cid { codec: CidCodec::Raw, digest: [8; 32] };
		assert_ne!(challenge, offer_challenge(&1u64, &other, &anchor));
		assert_ne!(challenge, offer_challenge(&1u64, &dataset, &Hash::repeat_byte(2)));
	}
}
