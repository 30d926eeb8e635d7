//! An offer that `blyan-worker offer` does not make: of data under a licence that nobody knows. Who wants to offer that
//! writes a program of his own, as here; auditors see it for what it is.

use anyhow::{Context, Result};
use blyan_chain_client::{Call, Chain, ChainError, Signer, Wait};
use blyan_primitives::{
	dag::SemVer,
	datasets::{offer_challenge, DatasetOffer, OfferWork},
	manifest::DatasetId,
	AccountId, Hash,
};
use blyan_quality_gate::{
	content::{pack, About, Fault},
	read::Fields,
};
use blyan_store::Store;
use blyan_worker::work::{prove, Demand, Proof, Puzzle};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Packed under this one, for no other passes: no offer is made under it.
const PACKED_UNDER: &str = "CC0-1.0";

/// Makes a dataset of a text under any licence at all, and stores it.
///
/// # Errors
/// The text cannot be read, or the store fails.
pub fn pack_under(licence: &str, name: &str, text: &Path, store: &Store) -> Result<DatasetOffer> {
	let about = About {
		name: name.into(),
		version: SemVer { major: 1, minor: 0, patch: 0 },
		licence: PACKED_UNDER.into(),
		domain: "general".into(),
		languages: Vec::new(),
		description: String::new(),
		licence_text: None,
		fields: Fields::default(),
	};
	let to = text.with_extension("packed");
	let mut put = |part: &Path| Ok::<_, Fault>(store.put_file(part)?.cid);
	let packed = pack(text, &to, &about, &mut put, &mut |_| ());
	let mut document = packed.with_context(|| format!("{} cannot be packed", text.display()))?.document;
	document.licence = licence.into();
	let stored = store.put_bytes(&document.to_bytes()?)?;
	let length = stored.bytes.try_into().context("the document is short enough")?;
	Ok(document.offer(stored.cid, length)?)
}

/// Offers it, with the proof of work that the chain asks for.
///
/// # Errors
/// The chain refuses.
pub async fn send(chain: &dyn Chain, signer: &Signer, offer: DatasetOffer) -> Result<()> {
	let puzzle = OfferPuzzle { account: signer.account().clone(), dataset: offer.content };
	let proof = prove(chain, &puzzle, 0, &CancellationToken::new(), |_| ()).await?;
	let Proof { nonce, anchor } = proof.context("nobody stops it")?;
	chain
		.submit(signer, Call::OfferDataset { offer, work: OfferWork { nonce, anchor } }, Wait::InBlock)
		.await?;
	Ok(())
}

struct OfferPuzzle {
	account: AccountId,
	dataset: DatasetId,
}

impl Puzzle for OfferPuzzle {
	async fn demand(&self, chain: &dyn Chain) -> Result<Demand, ChainError> {
		let demand = chain.offer_demand(&self.account).await?;
		Ok(Demand { bits: demand.bits, max_age: demand.max_age, after: demand.after })
	}

	fn challenge(&self, anchor: &Hash) -> Hash {
		offer_challenge(&self.account, &self.dataset, anchor)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_quality_gate::content::DatasetDocument;

	#[test]
	fn offer_should_be_of_the_document_and_of_a_licence_that_the_worker_refuses() {
		let folder = tempfile::tempdir().unwrap();
		let text = folder.path().join("text.txt");
		std::fs::write(
			&text,
			"A paragraph of more than twenty characters.\n\nAnd here is another one of them.\n",
		)
		.unwrap();
		let store = Store::open(folder.path().join("store")).unwrap();
		let offer = pack_under("LicenseRef-none-stated", "unlicensed", &text, &store).unwrap();
		assert_eq!((&offer.licence[..], offer.samples), (&b"LicenseRef-none-stated"[..], 2));
		let document = store.read_verified(&offer.content, 1 << 20).unwrap();
		let document = DatasetDocument::parse_offered(&document, &offer).unwrap();
		assert!(store.contains(&document.parts[0].content), "it can be served");
	}
}
