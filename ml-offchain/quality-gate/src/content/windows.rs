//! The audit of a sample of a dataset's text.

use super::{pieces, DatasetDocument, Fault, LicenceText, Part};
use crate::{
	audit::{sample_length, GainProbe, Place, Prepared, Progress},
	read::{Malformation, RawRecord, ReadError},
	Audit, AuditError, AuditOptions,
};
use blyan_primitives::{
	cid::Cid,
	datasets::{windows, DatasetFinding, DatasetOffer},
	Hash,
};
use sha2::{Digest, Sha256};
use std::{
	fmt,
	fs::File,
	io::Read,
	ops::Range,
	path::{Path, PathBuf},
	sync::{
		atomic::{AtomicU64, Ordering},
		OnceLock,
	},
};

/// What an auditor found of a dataset, and what stands behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SampleAudit {
	/// What is committed to and revealed.
	pub finding: DatasetFinding,
	/// What stands behind a report.
	pub audit: Option<Audit>,
	/// Why there is no report.
	pub reason: Option<String>,
	/// The bytes of the text that were drawn.
	pub windows: Vec<Range<u64>>,
}

impl SampleAudit {
	fn without_report(finding: DatasetFinding, reason: String, windows: Vec<Range<u64>>) -> Self {
		Self { finding, audit: None, reason: Some(reason), windows }
	}

	/// The whole as a JSON document, the same bytes for the same audit.
	pub fn to_json(&self) -> serde_json::Value {
		let windows: Vec<[u64; 2]> = self.windows.iter().map(|window| [window.start, window.end]).collect();
		serde_json::json!({
			"finding": match &self.finding {
				DatasetFinding::Report(_) => "report",
				DatasetFinding::NotAsDeclared => "not_as_declared",
				DatasetFinding::Unfetchable => "unfetchable",
			},
			"reason": self.reason,
			"windows": windows,
			"audit": self.audit.as_ref().map(Audit::to_json),
		})
	}
}

impl fmt::Display for SampleAudit {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		let bytes: u64 = self.windows.iter().map(|window| window.end - window.start).sum();
		writeln!(f, "sample: {} windows, {bytes} bytes of the text", self.windows.len())?;
		match (&self.finding, &self.audit) {
			(DatasetFinding::Report(_), Some(audit)) => write!(f, "{audit}"),
			(finding, _) => {
				write!(f, "{finding:?}: {}", self.reason.as_deref().unwrap_or("no reason is known"))
			}
		}
	}
}

/// Audits a sample of what was offered, from the bytes that the offer's CID names: [`DatasetDocument::parse_offered`],
/// then [`audit_windows`]. A document that is none, or of another offer, is found not to be as declared.
///
/// # Errors
/// As [`audit_windows`].
pub fn audit_offered(
	document: &[u8],
	offer: &DatasetOffer,
	seed: Hash,
	fetch: &mut dyn FnMut(Cid, u64) -> Result<Option<PathBuf>, Fault>,
	options: &AuditOptions,
	probe: Option<&mut dyn GainProbe>,
	progress: &mut dyn FnMut(Progress),
) -> Result<SampleAudit, AuditError> {
	match DatasetDocument::parse_offered(document, offer) {
		Ok(document) => audit_windows(&document, seed, fetch, options, probe, progress),
		Err(error) => {
			let windows = windows(seed, offer.bytes);
			Ok(SampleAudit::without_report(DatasetFinding::NotAsDeclared, error.to_string(), windows))
		}
	}
}

/// Audits the samples that begin in the windows which `seed` draws from the document's text.
///
/// `fetch` is asked for the licence text and for each part in which a window is, by CID and length; it answers with a
/// local file of that content, or `None` if it could not be had. Whole parts are checked, then the samples are looked at
/// by the rules of [`audit`](crate::audit()). `options` holds what they are held against; its `licence` and `seed` are
/// not looked at. What is found depends on the document, the parts, the seed and the options, and on nothing else.
///
/// # Errors
/// [`AuditError`]: what is wrong here, and not with the dataset. Nothing can be said of it then.
pub fn audit_windows(
	document: &DatasetDocument,
	seed: Hash,
	fetch: &mut dyn FnMut(Cid, u64) -> Result<Option<PathBuf>, Fault>,
	options: &AuditOptions,
	probe: Option<&mut dyn GainProbe>,
	progress: &mut dyn FnMut(Progress),
) -> Result<SampleAudit, AuditError> {
	let windows = windows(seed, document.bytes);
	let without_report = |finding, reason| Ok(SampleAudit::without_report(finding, reason, windows.clone()));
	let looked_at = looked_at(document, &windows);
	let (mut parts, mut licence_text) = (Vec::new(), None);
	for about in &looked_at {
		let Some(path) = fetch(about.part.content, about.part.bytes).map_err(AuditError::Fetch)? else {
			let reason = format!("part {} ({}) could not be had", about.number, about.part.content);
			return without_report(DatasetFinding::Unfetchable, reason);
		};
		parts.push((about, path));
	}
	if let Some(about) = &document.licence_text {
		let Some(path) = fetch(about.content, about.bytes).map_err(AuditError::Fetch)? else {
			let reason = format!("the licence text ({}) could not be had", about.content);
			return without_report(DatasetFinding::Unfetchable, reason);
		};
		licence_text = match licence(about, &path)? {
			Ok(text) => Some(text),
			Err(reason) => return without_report(DatasetFinding::NotAsDeclared, reason),
		};
	}

	// All 32 bytes are of the chain's randomness; eight are enough to pick what is probed.
	let seed = seed.as_bytes().iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte));
	let options = AuditOptions { licence: document.licence.clone(), seed, ..options.clone() };
	let mut prepared = Prepared::new(&options)?;
	licence_text.iter().for_each(|text| prepared.note_licence_text(text));
	let total = parts.iter().map(|(about, _)| about.part.bytes).sum();
	let (bytes, torn) = (AtomicU64::new(0), OnceLock::new());
	let outcome = prepared.run(&options, &bytes, total, progress, |sink| {
		for (file, (about, path)) in parts.iter().enumerate() {
			let text = about.read(path)?.map_err(|reason| {
				let _ = torn.set(format!("part {} ({}): {reason}", about.number, about.part.content));
				ReadError::Stopped
			})?;
			about.records(&text, &mut |record, raw| sink(Place { file, record }, raw))?;
			bytes.fetch_add(about.part.bytes, Ordering::Relaxed);
		}
		Ok(())
	});
	if let Some(reason) = torn.into_inner() {
		return without_report(DatasetFinding::NotAsDeclared, reason);
	}
	outcome?;
	let files = parts.iter().map(|(about, _)| about.part.content.to_string().into()).collect();
	let audit = prepared.finish(files, probe)?;
	Ok(SampleAudit {
		finding: DatasetFinding::Report(audit.report.clone()),
		audit: Some(audit),
		reason: None,
		windows,
	})
}

/// A part in which windows are.
struct Looked<'a> {
	/// Which, from 0.
	number: usize,
	part: &'a Part,
	/// The windows, in bytes of the part.
	windows: Vec<Range<u64>>,
}

/// The parts in which windows are, and where in them.
fn looked_at<'a>(document: &'a DatasetDocument, windows: &[Range<u64>]) -> Vec<Looked<'a>> {
	let mut end = 0u64;
	let mut found = Vec::new();
	for (number, part) in document.parts.iter().enumerate() {
		let start = end;
		end = start.saturating_add(part.bytes);
		let within: Vec<Range<u64>> = windows
			.iter()
			.filter(|window| window.start < end && start < window.end)
			.map(|window| window.start.saturating_sub(start)..window.end.min(end) - start)
			.collect();
		if !within.is_empty() {
			found.push(Looked { number, part, windows: within });
		}
	}
	found
}

impl Looked<'_> {
	/// The part's text, or what about it is not as declared.
	fn read(&self, path: &Path) -> Result<Result<String, String>, ReadError> {
		let bytes = read_most(path, self.part.bytes)?;
		if bytes.len() as u64 != self.part.bytes {
			return Ok(Err(format!("it has not the {} bytes that the document states", self.part.bytes)));
		}
		if Sha256::digest(&bytes)[..] != self.part.sha256 {
			return Ok(Err("its SHA-256 is not the one that the document states".into()));
		}
		let text = match String::from_utf8(bytes) {
			Ok(text) => text,
			Err(error) => return Ok(Err(format!("it is not UTF-8: {}", error.utf8_error()))),
		};
		let pieces = match pieces(&text) {
			Ok(pieces) => pieces,
			Err(torn) => return Ok(Err(torn.to_string())),
		};
		let mut samples = 0;
		for (start, piece) in pieces {
			match sample_length(piece) {
				Ok(()) => samples += 1,
				// A window within it would show nothing of it.
				Err(Malformation::TooLong) => {
					return Ok(Err(format!("what begins at byte {start} of it is longer than a sample")));
				}
				Err(_) => {}
			}
		}
		if samples != self.part.samples {
			return Ok(Err(format!(
				"it has {samples} samples, and the document states {}",
				self.part.samples
			)));
		}
		Ok(Ok(text))
	}

	/// Hands over what begins in a window, with its number among the pieces of the part, from 1.
	fn records(
		&self,
		text: &str,
		sink: &mut dyn FnMut(u64, RawRecord) -> Result<(), ReadError>,
	) -> Result<(), ReadError> {
		let Ok(pieces) = pieces(text) else { return Ok(()) };
		for (record, (start, piece)) in (1..).zip(pieces) {
			if self.windows.iter().any(|window| window.contains(&(start as u64))) {
				let raw = match sample_length(piece) {
					Ok(()) => RawRecord::Text(piece.as_bytes().to_vec(), None),
					Err(why) => RawRecord::Malformed(why),
				};
				sink(record, raw)?;
			}
		}
		Ok(())
	}
}

/// The text of a licence, or what about it is not as declared.
fn licence(about: &LicenceText, path: &Path) -> Result<Result<String, String>, ReadError> {
	let bytes = read_most(path, about.bytes)?;
	// Of the codec `raw`: the document was checked for it.
	if bytes.len() as u64 != about.bytes || Sha256::digest(&bytes)[..] != about.content.digest {
		return Ok(Err("the licence text is not the one that the document names".into()));
	}
	Ok(String::from_utf8(bytes).map_err(|_| "the licence text is not UTF-8".into()))
}

/// A file's bytes, and of a longer one than that some more.
fn read_most(path: &Path, bytes: u64) -> Result<Vec<u8>, ReadError> {
	let mut read = Vec::new();
	File::open(path)
		.and_then(|file| file.take(bytes.saturating_add(1)).read_to_end(&mut read))
		.map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
	Ok(read)
}
