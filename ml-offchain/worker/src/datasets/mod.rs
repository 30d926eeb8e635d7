//! The dataset chain, as workers and people meet it.
//!
//! | module | |
//! | --- | --- |
//! | [`vote`] | votes by the auditors' report, and settling them: a pure core |
//! | [`words`] | datasets as a person wants to see them |

pub mod vote;
pub mod words;

#[cfg(test)]
pub(crate) mod tests {
	use blyan_primitives::{
		api::DatasetRecord,
		cid::{Cid, CidCodec},
		dag::SemVer,
		datasets::{DatasetOffer, DatasetStage},
		AccountId,
	};

	pub(crate) const CONTRIBUTOR: AccountId = AccountId::new([3; 32]);

	/// A dataset in that stage.
	pub(crate) fn record(stage: DatasetStage<u32>) -> DatasetRecord<AccountId> {
		DatasetRecord {
			offer: DatasetOffer {
				content: Cid { codec: CidCodec::Raw, digest: [7; 32] },
				document_bytes: 900,
				bytes: 5_000,
				samples: 10,
				name: b"jargon-file".to_vec().try_into().unwrap(),
				version: SemVer { major: 4, minor: 4, patch: 7 },
				licence: b"CC0-1.0".to_vec().try_into().unwrap(),
				domain: b"computing".to_vec().try_into().unwrap(),
				languages: vec![*b"eng"].try_into().unwrap(),
			},
			contributor: CONTRIBUTOR,
			offered_at: 1,
			stage,
			audit: None,
			report: None,
			ayes: 0,
			nays: 0,
			quorum: 1,
			score: 0,
		}
	}
}
