//! What somebody would try with a dataset's document and parts against auditors, and with files against who packs them.
//! Memory is looked at where it matters; nextest gives each test a process.

use blyan_primitives::{
	cid::{Cid, CidCodec},
	dag::SemVer,
	datasets::{judge, DatasetFinding, Outcome, QualityLimits, RejectionReason},
	Hash,
};
use blyan_quality_gate::{
	audit,
	content::{
		audit_windows, pack, About, DatasetDocument, DocumentError, PackError, Part, SampleAudit, PART_BYTES,
	},
	read::{Fields, Malformation, ReadError},
	AuditOptions,
};
use sha2::{Digest, Sha256};
use std::{
	collections::BTreeMap,
	fs::{self, File, OpenOptions},
	io::Write,
	os::unix::fs::FileExt,
	path::{Path, PathBuf},
	process::Command,
};

const MIB: u64 = 1 << 20;
const SAMPLE: &str = "A sample of more than twenty characters.\n\n";

/// Most memory this process ever held, in bytes.
fn peak_memory() -> u64 {
	let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
	let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
	line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kib| kib * 1_024)
}

fn options() -> AuditOptions {
	AuditOptions { threads: 2, index_bytes: 1 << 20, ..AuditOptions::default() }
}

fn leaf(bytes: &[u8]) -> Cid {
	Cid { codec: CidCodec::Raw, digest: Sha256::digest(bytes).into() }
}

/// A dataset by hand, and where its parts are.
struct Offered {
	folder: tempfile::TempDir,
	document: DatasetDocument,
	parts: BTreeMap<Cid, PathBuf>,
}

impl Offered {
	/// Of parts as they are, with what is stated of them right but for the samples.
	fn new(parts: &[(&[u8], u64)]) -> Self {
		let folder = tempfile::tempdir().unwrap();
		let mut paths = BTreeMap::new();
		let parts: Vec<Part> = parts
			.iter()
			.enumerate()
			.map(|(at, (bytes, samples))| {
				let path = folder.path().join(at.to_string());
				fs::write(&path, bytes).unwrap();
				let content = leaf(bytes);
				paths.insert(content, path);
				Part { content, bytes: bytes.len() as u64, sha256: content.digest, samples: *samples }
			})
			.collect();
		let document = DatasetDocument {
			format: Default::default(),
			name: "by-hand".into(),
			version: SemVer::GENESIS,
			licence: "MIT".into(),
			domain: "any".into(),
			languages: vec![],
			bytes: parts.iter().map(|part| part.bytes).sum(),
			samples: parts.iter().map(|part| part.samples).sum(),
			description: String::new(),
			licence_text: None,
			sources: vec![],
			parts,
		};
		Self { folder, document, parts: paths }
	}

	fn path(&self, part: usize) -> PathBuf {
		self.folder.path().join(part.to_string())
	}

	fn audit(&self) -> SampleAudit {
		let mut fetch = |cid, _| Ok(self.parts.get(&cid).cloned());
		audit_windows(&self.document, Hash::repeat_byte(3), &mut fetch, &options(), None, &mut |_| ())
			.unwrap()
	}

	/// What is not as declared.
	fn refused(&self) -> String {
		let found = self.audit();
		assert_eq!(found.finding, DatasetFinding::NotAsDeclared);
		found.reason.unwrap()
	}
}

fn packed(from: &Path, to: &Path) -> Result<DatasetDocument, PackError> {
	let about = About {
		name: "attack".into(),
		version: SemVer::GENESIS,
		licence: "MIT".into(),
		domain: "any".into(),
		languages: vec![],
		description: String::new(),
		licence_text: None,
		fields: Fields::default(),
	};
	// Hashing what is large is the store's affair.
	let mut put = |path: &Path| Ok(leaf(path.as_os_str().as_encoded_bytes()));
	pack(from, to, &about, &mut put, &mut |_| ()).map(|packed| packed.document)
}

#[test]
fn bomb_should_not_be_packed() {
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name);
	let mut bomb = zstd::Encoder::new(File::create(path("bomb.jsonl.zst")).unwrap(), 1).unwrap();
	let lines = b"{\"text\": \"all the same, again and again\"}\n".repeat(25_000);
	(0..512).for_each(|_| bomb.write_all(&lines).unwrap());
	bomb.finish().unwrap();
	let error = packed(&path("bomb.jsonl.zst"), &path("to")).unwrap_err();
	assert!(matches!(&error, PackError::Read(ReadError::Bomb { .. })), "{error}");
	assert!(!path("to/dataset.json").exists());
	assert!(peak_memory() < 128 * MIB, "{} MiB", peak_memory() / MIB);
}

#[test]
fn line_of_ten_gigabytes_should_be_one_malformed_record() {
	// Through a pipe: it has no end that anybody could look for, and takes no room.
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("line.jsonl");
	assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
	let writer = std::thread::spawn({
		let path = path.clone();
		move || {
			let mut pipe = OpenOptions::new().write(true).open(path).unwrap();
			let zeros = vec![b'0'; MIB as usize];
			(0..10 << 10).for_each(|_| pipe.write_all(&zeros).unwrap());
			pipe.write_all(b"\n{\"text\": \"and then a sample as it should be\"}\n").unwrap();
		}
	});
	let found = audit(&path, &options(), None, &mut |_| ()).unwrap();
	writer.join().unwrap();
	assert_eq!((found.report.records, found.report.samples), (2, 1));
	assert_eq!(found.details.malformed.get(&Malformation::RecordTooLong), Some(&1));
	assert!(peak_memory() < 64 * MIB, "{} MiB", peak_memory() / MIB);
}

#[test]
fn line_of_a_gigabyte_should_be_left_out_of_what_is_packed() {
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name);
	let file = File::create(path("line.jsonl")).unwrap();
	file.write_all_at(b"\n{\"text\": \"and then a sample as it should be\"}\n", 1 << 30).unwrap();
	let document = packed(&path("line.jsonl"), &path("to")).unwrap();
	assert_eq!((document.samples, document.bytes), (1, 35));
	assert!(peak_memory() < 64 * MIB, "{} MiB", peak_memory() / MIB);
}

#[test]
fn document_should_be_refused_when_it_is_deep_or_has_a_million_parts() {
	// What the billion laughs are in JSON.
	let deep = |open: &str| open.repeat((15 << 20) / open.len());
	for bytes in [deep("["), deep("{\"parts\":"), deep("{\"parts\":[")] {
		assert!(matches!(DatasetDocument::parse(bytes.as_bytes()), Err(DocumentError::Format(_))));
	}
	let offered = Offered::new(&[(SAMPLE.as_bytes(), 1)]);
	let json = String::from_utf8(offered.document.to_bytes().unwrap()).unwrap();
	assert!(DatasetDocument::parse(json.as_bytes()).is_ok());
	let twice = json.replace("\"name\"", "\"name\": \"a\",\n\"name\"");
	assert!(matches!(DatasetDocument::parse(twice.as_bytes()), Err(DocumentError::Format(_))));

	let mut many = offered.document.clone();
	many.parts = (0u64..60_000)
		.map(|at| {
			let digest = Sha256::digest(at.to_le_bytes()).into();
			let content = Cid { codec: CidCodec::Raw, digest };
			Part { content, bytes: 22, sha256: digest, samples: 1 }
		})
		.collect();
	(many.bytes, many.samples) = (22 * 60_000, 60_000);
	let bytes = many.to_bytes().unwrap();
	let error = DatasetDocument::parse(&bytes).unwrap_err();
	assert!(matches!(error, DocumentError::PartTooShort { part: 0, bytes: 22 }), "{error}");
	// A million of them are no document any more.
	let parts = many.parts.clone();
	many.parts = (0..17).flat_map(|_| parts.clone()).collect();
	assert!(matches!(many.to_bytes(), Err(DocumentError::TooLong { .. })));
	let million = serde_json::to_vec(&many).unwrap();
	assert!(matches!(DatasetDocument::parse(&million), Err(DocumentError::TooLong { .. })));
}

#[test]
fn part_should_not_be_as_declared_when_it_changed_after_an_audit() {
	let text = SAMPLE.repeat(1_000);
	let offered = Offered::new(&[(text.as_bytes(), 1_000)]);
	assert!(matches!(offered.audit().finding, DatasetFinding::Report(_)));
	let with = |bytes: &[u8]| {
		fs::write(offered.path(0), bytes).unwrap();
		offered.refused()
	};
	assert!(with(text.replacen("twenty", "thirty", 1).as_bytes()).contains("SHA-256"));
	assert!(with(&text.as_bytes()[SAMPLE.len()..]).contains("bytes"));
	assert!(with(format!("{text}{SAMPLE}").as_bytes()).contains("bytes"));
	assert!(with(b"").contains("bytes"));
	// Of a file that is longer than the part no more is read than that.
	let file = File::create(offered.path(0)).unwrap();
	file.write_all_at(b"\n", 10 << 30).unwrap();
	assert!(offered.refused().contains("bytes"));
	assert!(peak_memory() < 64 * MIB, "{} MiB", peak_memory() / MIB);
	fs::write(offered.path(0), &text).unwrap();
	assert!(matches!(offered.audit().finding, DatasetFinding::Report(_)));
}

#[test]
fn part_should_not_be_as_declared_when_it_is_torn_or_no_text() {
	let half = &SAMPLE.as_bytes()[..20];
	let filler = SAMPLE.repeat((9 << 20) / SAMPLE.len());
	let count = (filler.len() / SAMPLE.len()) as u64;
	let cut = |end: &[u8], beginning: &[u8]| {
		let first = [filler.as_bytes(), end].concat();
		let second = [beginning, SAMPLE.as_bytes()].concat();
		Offered::new(&[(&first, count), (&second, 1)]).refused()
	};
	assert!(cut(half, &SAMPLE.as_bytes()[20..]).contains("part 0"));
	assert!(cut(&SAMPLE.as_bytes()[..SAMPLE.len() - 1], b"\n").contains("blank line"));
	// Within a character.
	assert!(cut(b"caf\xc3", b"\xa9 and more\n\n").contains("UTF-8"));
	assert!(cut(b"", b"\n").contains("part 1"));

	for broken in [&b"\x80"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xff\xfe"] {
		let bytes = [SAMPLE.as_bytes(), broken, b"\n\n"].concat();
		assert!(Offered::new(&[(&bytes, 1)]).refused().contains("UTF-8"));
	}
	for torn in [SAMPLE.trim_end(), &format!("\n{SAMPLE}"), &format!("{SAMPLE}\n{SAMPLE}"), "\n\n", " "] {
		Offered::new(&[(torn.as_bytes(), 1)]).refused();
	}
	for stated in [0, 2, u64::MAX] {
		assert!(Offered::new(&[(SAMPLE.as_bytes(), stated)]).refused().contains("samples"), "{stated}");
	}
}

#[test]
fn parts_that_overlap_should_count_as_duplicates() {
	let passages =
		fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/passages.txt")).unwrap();
	let words: Vec<&str> = passages.split_whitespace().collect();
	// Texts of words by chance (a generator of Lehmer's), so that none is near another.
	let mut state = 1u64;
	let mut text = String::new();
	let mut samples = 0;
	while text.len() < 9 << 20 {
		for _ in 0..80 {
			state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
			text.push_str(words[(state >> 33) as usize % words.len()]);
			text.push(' ');
		}
		text.push_str("\n\n");
		samples += 1;
	}
	let second = text.find("\n\n").unwrap() + 2;
	let once = Offered::new(&[(text.as_bytes(), samples)]).audit();
	let overlap =
		Offered::new(&[(text.as_bytes(), samples), (&text.as_bytes()[second..], samples - 1)]).audit();
	let duplicates = |found: &SampleAudit| found.audit.as_ref().unwrap().report.exact_duplicates;
	assert_eq!(duplicates(&once), 0);
	// A quarter of the windows are drawn, so some sixteenth of the text is there twice.
	assert!(duplicates(&overlap) > 20_000, "{}", duplicates(&overlap));
}

#[test]
fn part_should_not_be_as_declared_when_a_window_may_be_within_a_piece() {
	// Otherwise most of a text could be what no window shows the beginning of.
	let long = format!("{SAMPLE}{}\n\n", "a".repeat(2_049));
	assert!(Offered::new(&[(long.as_bytes(), 1)]).refused().contains("longer than a sample"));
	let whole = format!("{}\n\n", "a".repeat(PART_BYTES as usize - 2));
	assert!(Offered::new(&[(whole.as_bytes(), 0), (SAMPLE.as_bytes(), 1)]).refused().contains("byte 0"));
	let fits = format!("{}\n\n", "é".repeat(2_048));
	assert!(matches!(Offered::new(&[(fits.as_bytes(), 1)]).audit().finding, DatasetFinding::Report(_)));
}

#[test]
fn part_of_crumbs_should_be_rejected() {
	let crumbs = "a\n\n".repeat(PART_BYTES as usize / 3);
	let found = Offered::new(&[(crumbs.as_bytes(), 0), (SAMPLE.as_bytes(), 1)]).audit();
	let DatasetFinding::Report(report) = &found.finding else { panic!("{:?}", found.reason) };
	assert!(report.records > 1_000_000 && report.samples <= 1);
	let reason = match report.samples {
		0 => RejectionReason::NoSamples,
		_ => RejectionReason::Malformed,
	};
	assert_eq!(judge(report, &QualityLimits::default()), Outcome::Rejected(reason));
	assert!(peak_memory() < 256 * MIB, "{} MiB", peak_memory() / MIB);
}
