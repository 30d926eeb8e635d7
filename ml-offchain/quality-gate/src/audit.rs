//! The whole gate over files: one thread reads, some look at samples, one counts, in the order of the files.
//! What is found does not depend on how many threads there are.

use crate::{
	bloom::Bloom,
	content::Fault,
	given::ngram_index,
	language::{language, UNDETERMINED},
	licence::LicenceCheck,
	near::BANDS,
	ngrams::MAX_NGRAMS,
	read::{
		data_files, is_licence, parse_json, read_file, Fields, FileKind, Malformation, RawRecord, ReadError,
	},
	report::{Audit, Details, Example, Overlap},
	sample::{Findings, Inspector, References},
	sketch::Least,
	toxicity::TOXIC_FROM,
	MAX_CHARACTERS, MIN_CHARACTERS, RULES,
};
use blyan_primitives::datasets::{share_down, share_up, LanguageShare, QualityReport, MAX_LANGUAGES};
use rayon::prelude::*;
use std::{
	collections::BTreeMap,
	fs::File,
	io::Read,
	path::{Path, PathBuf},
	sync::{
		atomic::{AtomicU64, Ordering},
		mpsc::{channel, sync_channel, Receiver, Sender, SyncSender},
		Mutex, PoisonError,
	},
};

/// Records of a batch, ...
const BATCH_RECORDS: usize = 256;
/// ... or bytes, whichever comes first.
const BATCH_BYTES: usize = 1 << 20;
/// Batches on their way for each thread.
const BATCHES_PER_THREAD: usize = 4;
/// Members of the sketch of word triples: a standard error of 0.8 %.
const TRIPLES_KEPT: usize = 1 << 14;
/// Samples, of least hash, that are looked at for what takes long: language, expected gain.
pub const PROBED_SAMPLES: usize = 4_096;
/// Examples of a kind that a report names.
const EXAMPLES: usize = 20;
/// Bytes of a text about the dataset that are read.
const COMPANION_BYTES: u64 = 1 << 20;

/// Measures what a dataset would do for a small model.
pub trait GainProbe {
	/// By how much the model's perplexity on text it has not seen falls when it is trained on these samples, in
	/// parts per million; negative if it rises.
	fn expected_gain(&mut self, samples: &[String]) -> Result<i32, Fault>;
}

/// What to hold a dataset against, and how.
#[derive(Clone, Debug)]
pub struct AuditOptions {
	/// Which fields hold text and licence.
	pub fields: Fields,
	/// The declared SPDX expression; empty if there is none.
	pub licence: String,
	/// Datasets that are approved: what is like them counts as duplicate.
	pub approved: Vec<PathBuf>,
	/// Files of validation shards.
	pub validation: Vec<PathBuf>,
	/// Works that must not be trained on.
	pub known_works: Vec<PathBuf>,
	/// Threads that look at samples; at least one.
	pub threads: usize,
	/// Memory for what was seen, in bytes. Part of the rules: auditors who compare reports use the default.
	pub index_bytes: usize,
	/// Picks the samples that are probed, from randomness that the contributor could not know.
	pub seed: u64,
}

/// Memory of the index where nothing else is said: 100,000 samples without an error to speak of.
pub const INDEX_BYTES: usize = 256 << 20;

impl Default for AuditOptions {
	fn default() -> Self {
		Self {
			fields: Fields::default(),
			licence: String::new(),
			approved: Vec::new(),
			validation: Vec::new(),
			known_works: Vec::new(),
			threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
			index_bytes: INDEX_BYTES,
			seed: 0,
		}
	}
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
	/// A file cannot be read to its end.
	#[error(transparent)]
	Read(#[from] ReadError),
	/// There is too much to hold the dataset against.
	#[error("{path}: with it there are more than {MAX_NGRAMS} sequences of words to hold samples against; give fewer texts")]
	TooManyReferences {
		/// Which file.
		path: PathBuf,
	},
	/// A part of a dataset could not be fetched for a reason of this machine.
	#[error("a part of the dataset cannot be fetched: {0}")]
	Fetch(#[source] Fault),
	/// The probe failed.
	#[error("the expected gain cannot be measured: {0}")]
	Probe(#[source] Fault),
}

/// How far it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
	/// Bytes read of the files, as they lie on disk.
	pub bytes: u64,
	/// Bytes there are.
	pub total: u64,
	/// Records looked at.
	pub records: u64,
}

/// Audits a file or a folder. `progress` is called now and then, from this thread.
pub fn audit(
	path: &Path,
	options: &AuditOptions,
	probe: Option<&mut dyn GainProbe>,
	progress: &mut dyn FnMut(Progress),
) -> Result<Audit, AuditError> {
	let mut prepared = Prepared::new(options)?;
	let (files, companions) = data_files(path)?;
	for companion in &companions {
		note_companion(&mut prepared.tally.licence, companion)?;
	}
	let (bytes, total) = (AtomicU64::new(0), length_on_disk(&files));
	prepared.run(options, &bytes, total, progress, records_of(&files, &options.fields, &bytes))?;
	prepared.finish(files.into_iter().map(|(path, _)| path).collect(), probe)
}

/// An audit before anything was read: what samples are held against, and nothing counted.
pub(crate) struct Prepared {
	references: References,
	tally: Tally,
}

impl Prepared {
	pub(crate) fn new(options: &AuditOptions) -> Result<Self, AuditError> {
		let references = References {
			validation: ngram_index(&options.validation, &options.fields)?,
			known_works: ngram_index(&options.known_works, &options.fields)?,
		};
		Ok(Self { references, tally: Tally::new(options, approved_index(options)?) })
	}

	/// Takes note of a text about the dataset's licence.
	pub(crate) fn note_licence_text(&mut self, text: &str) {
		self.tally.licence.note_licence_text(text);
	}

	/// Looks at the records that `source` hands over, which adds what it has read to `bytes`, of `total`.
	pub(crate) fn run(
		&mut self,
		options: &AuditOptions,
		bytes: &AtomicU64,
		total: u64,
		progress: &mut dyn FnMut(Progress),
		source: impl FnOnce(&mut PlacedSink) -> Result<(), ReadError> + Send,
	) -> Result<(), ReadError> {
		let Self { references, tally } = self;
		let mut progress =
			|records| progress(Progress { bytes: bytes.load(Ordering::Relaxed), total, records });
		pipeline(source, &options.fields, references, options.threads, &mut progress, &mut |verdict, at| {
			tally.take(verdict, at)
		})
	}

	/// What follows from what was counted.
	pub(crate) fn finish(
		self,
		files: Vec<PathBuf>,
		probe: Option<&mut dyn GainProbe>,
	) -> Result<Audit, AuditError> {
		self.tally.finish(files, &self.references, probe)
	}
}

/// Takes records and their places; an error ends the reading.
pub(crate) type PlacedSink<'a> = dyn FnMut(Place, RawRecord) -> Result<(), ReadError> + 'a;

/// Hands over the records of files.
fn records_of<'a>(
	files: &'a [(PathBuf, FileKind)],
	fields: &'a Fields,
	bytes: &'a AtomicU64,
) -> impl FnOnce(&mut PlacedSink) -> Result<(), ReadError> + Send + 'a {
	move |sink| {
		for (file, (path, kind)) in files.iter().enumerate() {
			let mut record = 0;
			read_file(path, *kind, fields, bytes, &mut |raw| {
				record += 1;
				sink(Place { file, record }, raw)
			})?;
		}
		Ok(())
	}
}

/// Bytes of the files, as they lie on disk.
pub(crate) fn length_on_disk(files: &[(PathBuf, FileKind)]) -> u64 {
	files.iter().filter_map(|(path, _)| path.metadata().ok()).map(|about| about.len()).sum()
}

/// What a record turned out to be.
pub(crate) enum Verdict {
	Sample { text: String, licence: Option<String>, findings: Box<Findings> },
	Malformed(Malformation),
}

/// Where a record is.
#[derive(Clone, Copy)]
pub(crate) struct Place {
	/// Which file, from 0.
	pub(crate) file: usize,
	/// Number within the file, from 1.
	pub(crate) record: u64,
}

type Batch = Vec<(Place, RawRecord)>;
type Done = Vec<(Place, Verdict)>;

/// Looks at every record of a source, and hands the verdicts over in order.
fn pipeline(
	source: impl FnOnce(&mut PlacedSink) -> Result<(), ReadError> + Send,
	fields: &Fields,
	references: &References,
	threads: usize,
	progress: &mut dyn FnMut(u64),
	take: &mut dyn FnMut(Verdict, Place),
) -> Result<(), ReadError> {
	let threads = threads.max(1);
	// A batch goes to whoever is free, and the place where its result will be to the one who counts: so results
	// come in order, and no more batches are under way than the second channel holds.
	let (to_workers, work) = channel::<(Batch, SyncSender<Done>)>();
	let (to_counter, results) = sync_channel::<Receiver<Done>>(threads * BATCHES_PER_THREAD);
	let work = Mutex::new(work);
	std::thread::scope(|scope| {
		for _ in 0..threads {
			scope.spawn(|| {
				let inspector = Inspector::new(references);
				loop {
					let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
					let Ok((batch, result)) = next else { return };
					let done = batch
						.into_iter()
						.map(|(at, record)| (at, verdict(record, fields, &inspector)))
						.collect();
					// Whoever counts has gone only if all is over.
					let _ = result.send(done);
				}
			});
		}
		let reader = scope.spawn(|| {
			let mut batches = Batches { to_workers, to_counter, batch: Batch::new(), bytes: 0 };
			source(&mut |at, raw| batches.push(at, raw))?;
			batches.flush()
		});
		let mut records = 0;
		for result in &results {
			let Ok(done) = result.recv() else { break };
			records += done.len() as u64;
			done.into_iter().for_each(|(at, verdict)| take(verdict, at));
			progress(records);
		}
		drop(results);
		reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
	})
}

struct Batches {
	to_workers: Sender<(Batch, SyncSender<Done>)>,
	to_counter: SyncSender<Receiver<Done>>,
	batch: Batch,
	bytes: usize,
}

impl Batches {
	fn push(&mut self, at: Place, record: RawRecord) -> Result<(), ReadError> {
		self.bytes += match &record {
			RawRecord::Json(bytes) | RawRecord::Text(bytes, _) => bytes.len(),
			RawRecord::Malformed(_) => 0,
		};
		self.batch.push((at, record));
		if self.batch.len() >= BATCH_RECORDS || self.bytes >= BATCH_BYTES {
			self.flush()?;
		}
		Ok(())
	}

	fn flush(&mut self) -> Result<(), ReadError> {
		self.bytes = 0;
		let (result, place) = sync_channel(1);
		let stopped = |_| ReadError::Stopped;
		self.to_counter.send(place).map_err(stopped)?;
		self.to_workers.send((std::mem::take(&mut self.batch), result)).map_err(|_| ReadError::Stopped)
	}
}

/// Looks at a record.
fn verdict(record: RawRecord, fields: &Fields, inspector: &Inspector) -> Verdict {
	let parsed = match record {
		RawRecord::Json(line) => parse_json(&line, fields),
		RawRecord::Text(bytes, licence) => {
			String::from_utf8(bytes).map(|text| (text, licence)).map_err(|_| Malformation::NotUtf8)
		}
		RawRecord::Malformed(why) => Err(why),
	};
	let (text, licence) = match parsed {
		Ok(parsed) => parsed,
		Err(why) => return Verdict::Malformed(why),
	};
	match sample_length(&text) {
		Ok(()) => {
			let findings = Box::new(inspector.inspect(&text));
			Verdict::Sample { text, licence, findings }
		}
		Err(why) => Verdict::Malformed(why),
	}
}

/// Whether a text has as many characters as a sample.
pub(crate) fn sample_length(text: &str) -> Result<(), Malformation> {
	match text.chars().take(MAX_CHARACTERS + 1).count() {
		..MIN_CHARACTERS => Err(Malformation::TooShort),
		MIN_CHARACTERS..=MAX_CHARACTERS => Ok(()),
		_ => Err(Malformation::TooLong),
	}
}

/// What was seen: a filter for whole samples, and one for each band.
struct Seen {
	whole: Bloom,
	bands: Vec<Bloom>,
}

impl Seen {
	fn new(bytes: usize) -> Self {
		let each = bytes / (BANDS + 1);
		Self { whole: Bloom::new(each), bands: vec![Bloom::new(each); BANDS] }
	}

	/// Remembers a sample; whether the same one, and whether one near it, was there before.
	fn insert(&mut self, findings: &Findings) -> (bool, bool) {
		let same = self.whole.insert(findings.hash);
		let near = self
			.bands
			.iter_mut()
			.zip(findings.bands)
			.fold(false, |near, (band, key)| band.insert(key) | near);
		(same, near)
	}

	fn contains(&self, findings: &Findings) -> (bool, bool) {
		let near = self.bands.iter().zip(findings.bands).any(|(band, key)| band.contains(key));
		(self.whole.contains(findings.hash), near)
	}

	/// Of samples like no other, how many it takes for duplicates now, in parts per million; at most.
	fn false_positives(&self) -> u32 {
		let bands = self.bands.iter().map(Bloom::false_positives);
		bands.fold(self.whole.false_positives(), u32::saturating_add).min(1_000_000)
	}
}

/// Fills an index with the approved datasets; none if there are none.
fn approved_index(options: &AuditOptions) -> Result<Option<Seen>, AuditError> {
	if options.approved.is_empty() {
		return Ok(None);
	}
	let mut seen = Seen::new(options.index_bytes);
	let none = References::default();
	for path in &options.approved {
		let (files, _) = data_files(path)?;
		let bytes = AtomicU64::new(0);
		let source = records_of(&files, &options.fields, &bytes);
		pipeline(source, &options.fields, &none, options.threads, &mut |_| (), &mut |verdict, _| {
			if let Verdict::Sample { findings, .. } = verdict {
				seen.insert(&findings);
			}
		})?;
	}
	Ok(Some(seen))
}

/// Takes note of what a text beside the data says of its licence.
pub(crate) fn note_companion(licence: &mut LicenceCheck, path: &Path) -> Result<(), ReadError> {
	let failed = |source| ReadError::Io { path: path.to_owned(), source };
	let mut text = Vec::new();
	File::open(path).and_then(|file| file.take(COMPANION_BYTES).read_to_end(&mut text)).map_err(failed)?;
	let text = String::from_utf8_lossy(&text);
	match is_licence(path) {
		true => licence.note_licence_text(&text),
		false => licence.note_text(&text),
	}
	Ok(())
}

/// The counts.
struct Tally {
	details: Details,
	licence: LicenceCheck,
	seen: Seen,
	approved: Option<Seen>,
	triples: Least<()>,
	probed: Least<String>,
	seed: u64,
	examples: BTreeMap<&'static str, usize>,
}

impl Tally {
	fn new(options: &AuditOptions, approved: Option<Seen>) -> Self {
		Self {
			details: Details::default(),
			licence: LicenceCheck::new(&options.licence),
			seen: Seen::new(options.index_bytes),
			approved,
			triples: Least::new(TRIPLES_KEPT),
			probed: Least::new(PROBED_SAMPLES),
			seed: crate::hash::mix(options.seed),
			examples: BTreeMap::new(),
		}
	}

	fn example(&mut self, rule: &'static str, at: Place, characters: Option<std::ops::Range<u32>>) {
		let count = self.examples.entry(rule).or_default();
		if *count < EXAMPLES {
			*count += 1;
			self.details.examples.push(Example { rule, file: at.file, record: at.record, characters });
		}
	}

	fn take(&mut self, verdict: Verdict, at: Place) {
		self.details.records += 1;
		let (text, licence, findings) = match verdict {
			Verdict::Sample { text, licence, findings } => (text, licence, findings),
			Verdict::Malformed(why) => {
				*self.details.malformed.entry(why).or_default() += 1;
				self.example("malformed", at, None);
				return;
			}
		};
		self.details.samples += 1;
		self.details.characters += text.chars().count() as u64;
		if let Some(licence) = licence {
			self.licence.note(&licence);
		}

		let (same, near) = self.seen.insert(&findings);
		let (approved_same, approved_near) =
			self.approved.as_ref().map_or((false, false), |seen| seen.contains(&findings));
		self.details.exact_duplicates += u64::from(same || approved_same);
		self.details.duplicates += u64::from(same || near || approved_same || approved_near);
		self.details.duplicates_of_approved += u64::from(approved_same || approved_near);
		if same || near || approved_same || approved_near {
			self.example("duplicate", at, None);
		}

		if !findings.personal.is_empty() {
			self.details.with_personal_data += 1;
			let mut kinds: Vec<_> = findings.personal.iter().map(|(kind, _)| *kind).collect();
			kinds.sort_unstable();
			kinds.dedup();
			for kind in kinds {
				*self.details.personal_data.entry(kind.name().into()).or_default() += 1;
			}
			for (kind, characters) in &findings.personal {
				self.example(kind.name(), at, Some(characters.clone()));
			}
		}
		self.details.toxicity_sum += u64::from(findings.toxicity);
		for (applies, rule, count) in [
			(findings.toxicity >= TOXIC_FROM, "toxic", &mut self.details.toxic),
			(findings.low_information, "low_information", &mut self.details.low_information),
			(findings.known_work, "known_work", &mut self.details.known_work),
			(findings.contaminated, "contamination", &mut self.details.contaminated),
		] {
			if applies {
				*count += 1;
				let seen = self.examples.entry(rule).or_default();
				if *seen < EXAMPLES {
					*seen += 1;
					self.details.examples.push(Example {
						rule,
						file: at.file,
						record: at.record,
						characters: None,
					});
				}
			}
		}

		self.details.triples += findings.triples.len() as u64;
		for triple in &findings.triples {
			self.triples.offer(*triple, ());
		}
		let order = crate::hash::mix(findings.hash ^ self.seed);
		if order < self.probed.limit() {
			self.probed.offer(order, text);
		}
	}

	fn finish(
		mut self,
		files: Vec<PathBuf>,
		references: &References,
		probe: Option<&mut dyn GainProbe>,
	) -> Result<Audit, AuditError> {
		let samples: Vec<String> = self.probed.into_members().collect();
		let mut languages = BTreeMap::new();
		for code in samples.par_iter().map(|text| language(text)).collect::<Vec<_>>() {
			*languages.entry(code).or_insert(0u64) += 1;
		}
		let expected_gain = match probe {
			Some(probe) if !samples.is_empty() => {
				Some(probe.expected_gain(&samples).map_err(AuditError::Probe)?)
			}
			_ => None,
		};
		let mut shares: Vec<LanguageShare> = languages
			.iter()
			.map(|(code, count)| LanguageShare {
				language: *code,
				share: share_down(*count, samples.len() as u64),
			})
			.collect();
		shares.sort_by(|a, b| b.share.cmp(&a.share).then(a.language.cmp(&b.language)));
		shares.truncate(MAX_LANGUAGES as usize);

		let details = &mut self.details;
		details.distinct_triples = self.triples.distinct().min(details.triples);
		details.languages_looked_at = samples.len() as u64;
		details.languages_undetermined = languages.get(&UNDETERMINED).copied().unwrap_or(0);
		details.index_false_positives =
			self.seen.false_positives().max(self.approved.as_ref().map_or(0, Seen::false_positives));
		details.licence_error = self.licence.error().map(ToString::to_string);
		details.licence_confirmed = self.licence.evidence().confirmed;
		details.licence_contradicted = self.licence.evidence().contradicted;
		details.validation = Overlap {
			ngrams: references.validation.len() as u64,
			looked_for: !references.validation.is_empty(),
		};
		details.known_works = Overlap {
			ngrams: references.known_works.len() as u64,
			looked_for: !references.known_works.is_empty(),
		};
		details.files = files;

		let (records, samples) = (details.records, details.samples);
		let of_samples = |count| share_up(count, samples);
		let report = QualityReport {
			rules: RULES,
			records,
			samples,
			malformed: share_up(records - samples, records),
			exact_duplicates: of_samples(details.exact_duplicates),
			duplicates: of_samples(details.duplicates),
			personal_data: of_samples(details.with_personal_data),
			toxicity: of_samples(details.toxic),
			known_work: of_samples(details.known_work),
			contamination: of_samples(details.contaminated),
			low_information: of_samples(details.low_information),
			diversity: share_down(details.distinct_triples, details.triples),
			licence: self.licence.standing(),
			languages: shares.try_into().unwrap_or_default(),
			expected_gain,
		};
		Ok(Audit { report, details: self.details })
	}
}
