//! Making a dataset of files: packed, stored, and looked at by the quality gate.

use crate::{
	config::Config,
	datasets::{cli::OfferArgs, gain::probe, text::contents as contents_of},
	worker::random_hash,
};
use anyhow::{Context, Result};
use blyan_primitives::{
	cid::Cid,
	datasets::{DatasetOffer, MAX_DATASET_DOCUMENT_BYTES},
};
use blyan_quality_gate::{
	content::{self, audit_windows, About, DatasetDocument, Fault, SampleAudit},
	read::Fields,
	AuditOptions, GainProbe, Progress,
};
use blyan_store::{Store, StoreError};
use indicatif::ProgressBar;
use std::{fs, path::Path};

/// A dataset that lies in the store.
#[derive(Debug)]
pub struct Prepared {
	/// What to offer.
	pub offer: DatasetOffer,
	/// The document, and what it names.
	pub contents: Vec<Cid>,
	/// What the quality gate finds of it.
	pub audit: SampleAudit,
	/// Records that are no samples.
	pub left_out: u64,
}

/// Makes a dataset, stores it, and has the quality gate look at a sample as auditors do. The same files make
/// the same dataset.
///
/// # Errors
/// For a person, with what to do about it.
pub fn pack(args: &OfferArgs, config: &Config, bar: &ProgressBar) -> Result<Prepared> {
	let folder = &config.data_dir;
	fs::create_dir_all(folder)
		.with_context(|| format!("cannot make the data folder {}", folder.display()))?;
	let store = Store::open(config.store_dir())?;
	// What is cut off leaves no more than that behind.
	let scratch =
		tempfile::tempdir_in(folder).with_context(|| format!("cannot write to {}", folder.display()))?;
	let fields = Fields::default();
	let about = About {
		name: args.name.clone(),
		version: args.version,
		licence: args.licence.clone(),
		domain: args.domain.clone(),
		languages: args.languages.clone(),
		description: args.description.clone(),
		licence_text: args.licence_file.clone(),
		fields: Fields {
			text: if args.field.is_empty() { fields.text } else { args.field.clone() },
			licence: args.licence_field.clone(),
		},
	};
	let show = |Progress { bytes, total, records }: Progress| {
		bar.set_length(total);
		bar.set_position(bytes);
		bar.set_message(format!("{records} records"));
	};
	let mut put = |path: &Path| {
		let stored = store.put_file(path)?;
		// The store has its own; of a folder without end, twice would be too much.
		fs::remove_file(path)?;
		Ok::<_, Fault>(stored.cid)
	};
	let to = scratch.path().join("dataset");
	let packed = content::pack(&args.path, &to, &about, &mut put, &mut |progress| show(progress))?;
	let mut document = packed.document;
	let audit = look(&store, &document, config, &mut |progress| show(progress))?;
	bar.finish_and_clear();
	if let (true, Some(found)) = (document.languages.is_empty(), &audit.audit) {
		let codes =
			found.report.languages.iter().map(|one| String::from_utf8_lossy(&one.language).into_owned());
		document.languages = codes.collect();
	}
	let bytes = document.to_bytes()?;
	let stored = store.put_bytes(&bytes)?;
	let length = u32::try_from(stored.bytes).context("the document is too long")?;
	let offer = document.offer(stored.cid, length)?;
	let contents = contents_of(&document).chain([stored.cid]).collect();
	Ok(Prepared { offer, contents, audit, left_out: packed.left_out.values().sum() })
}

/// What auditors would find, on a sample that nobody knows beforehand.
fn look(
	store: &Store,
	document: &DatasetDocument,
	config: &Config,
	show: &mut dyn FnMut(Progress),
) -> Result<SampleAudit> {
	let options = AuditOptions {
		validation: config.audit.validation.clone(),
		known_works: config.audit.known_works.clone(),
		threads: config.audit_threads(),
		..AuditOptions::default()
	};
	let mut fetch = |cid: Cid, _: u64| Ok(Some(store.open_verified(&cid)?));
	let mut probe = probe(&options)?;
	let probe = probe.as_mut().map(|probe| probe as &mut dyn GainProbe);
	Ok(audit_windows(document, random_hash(), &mut fetch, &options, probe, show)?)
}

/// The content of an offer, as far as it is stored.
///
/// # Errors
/// The store failed.
pub fn contents(store: &Store, offer: &DatasetOffer) -> Result<Vec<Cid>, StoreError> {
	let mut contents = vec![offer.content];
	match store.read_verified(&offer.content, MAX_DATASET_DOCUMENT_BYTES) {
		Ok(bytes) => {
			contents.extend(DatasetDocument::parse_offered(&bytes, offer).iter().flat_map(contents_of))
		}
		Err(StoreError::Missing { .. } | StoreError::Altered { .. }) => {}
		Err(error) => return Err(error),
	}
	Ok(contents)
}
