//! The dataset chain, as workers and people meet it.
//!
//! | module | |
//! | --- | --- |
//! | [`offer`] | making a dataset of files, offering it, and following what becomes of it |
//! | [`text`], [`gain`] | the text of a dataset, for trainers and auditors; what it would gain |
//! | [`vote`], [`voter`] | votes by the auditors' report, and settling them: a pure core, and its edge |
//! | [`cli`], [`commands`], [`words`] | what a person types and sees |
//!
//! Auditing datasets is the [auditor](crate::auditor)'s.

pub mod cli;
pub mod commands;
pub mod gain;
pub mod offer;
pub mod text;
pub mod vote;
pub mod voter;
pub mod words;

#[cfg(test)]
pub(crate) mod tests {
	use blyan_chain_client::fake::FakeChain;
	use blyan_primitives::{
		api::DatasetRecord,
		cid::{Cid, CidCodec},
		dag::SemVer,
		datasets::{DatasetOffer, DatasetStage, Tier},
		manifest::DatasetId,
		AccountId,
	};
	use blyan_quality_gate::content::{DatasetDocument, DocumentFormat, Part};
	use blyan_store::Store;
	use polkadot_sdk::sp_crypto_hashing::sha2_256;

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

	/// Approves a dataset of that text, in one part, whose content is in the store.
	pub(crate) fn offered(chain: &FakeChain, store: &Store, text: &[u8]) -> DatasetId {
		let part = store.put_bytes(text).unwrap();
		let document = DatasetDocument {
			format: DocumentFormat::V1,
			name: "a-text".into(),
			version: SemVer::GENESIS,
			licence: "CC0-1.0".into(),
			domain: "tests".into(),
			languages: vec![],
			bytes: part.bytes,
			samples: 1,
			description: String::new(),
			licence_text: None,
			sources: vec![],
			parts: vec![Part { content: part.cid, bytes: part.bytes, sha256: sha2_256(text), samples: 1 }],
		};
		let stored = store.put_bytes(&document.to_bytes().unwrap()).unwrap();
		let approved = DatasetStage::Approved { tier: Tier::Gold, since: 1 };
		let offer = document.offer(stored.cid, stored.bytes as u32).unwrap();
		chain.edit(|state| {
			state.kept_datasets.insert(stored.cid, DatasetRecord { offer, ..record(approved) })
		});
		stored.cid
	}
}
