//! What somebody would try against an auditor: files that are small and become large, that never end, or that
//! say of themselves what is not so. Memory is looked at where it matters; nextest gives each test a process.

use blyan_quality_gate::{
	audit,
	read::{read_file, Fields, FileKind, Malformation, RawRecord, ReadError},
	Audit, AuditError, AuditOptions,
};
use parquet::{
	basic::{Compression, ZstdLevel},
	data_type::{ByteArray, ByteArrayType},
	file::{properties::WriterProperties, writer::SerializedFileWriter},
	schema::parser::parse_message_type,
};
use proptest::prelude::*;
use std::{
	fs::{self, File},
	io::{self, BufWriter, Read, Write},
	os::unix::fs::FileExt,
	path::Path,
	sync::{atomic::AtomicU64, Arc},
};

const MIB: u64 = 1 << 20;

/// Most memory this process ever held, in bytes.
fn peak_memory() -> u64 {
	let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
	let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
	line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).map_or(0, |kib| kib * 1_024)
}

fn options() -> AuditOptions {
	AuditOptions { threads: 2, index_bytes: 1 << 20, ..AuditOptions::default() }
}

fn run(path: &Path) -> Result<Audit, AuditError> {
	audit(path, &options(), None, &mut |_| ())
}

fn refused(path: &Path) -> ReadError {
	match run(path) {
		Err(AuditError::Read(error)) => error,
		other => panic!("{other:?}"),
	}
}

/// Packs as much of the same bytes, without holding them.
fn packed(path: &Path, pattern: &[u8], bytes: u64) {
	let mut file = BufWriter::new(File::create(path).unwrap());
	let chunk = pattern.repeat(MIB as usize / pattern.len());
	let write = |to: &mut dyn Write| (0..bytes / MIB).for_each(|_| to.write_all(&chunk).unwrap());
	if path.extension().unwrap() == "gz" {
		let mut gzip = flate2::write::GzEncoder::new(&mut file, flate2::Compression::fast());
		write(&mut gzip);
		gzip.finish().unwrap();
	} else {
		let mut zstandard = zstd::Encoder::new(&mut file, 1).unwrap();
		write(&mut zstandard);
		zstandard.finish().unwrap();
	}
	file.flush().unwrap();
}

#[test]
fn bomb_should_be_refused_when_it_expands_without_measure() {
	let folder = tempfile::tempdir().unwrap();
	for (name, pattern) in [
		("lines.jsonl.zst", &b"{\"text\": \"all the same, again and again\"}\n"[..]),
		("zeros.txt.zst", b"\0"),
		("spaces.csv.zst", b"a b "),
		("zeros.jsonl.gz", b"0"),
	] {
		let path = folder.path().join(name);
		packed(&path, pattern, 512 * MIB);
		assert!(path.metadata().unwrap().len() < 4 * MIB);
		let error = refused(&path);
		assert!(matches!(&error, ReadError::Bomb { .. }), "{name}: {error}");
		assert!(error.to_string().contains(name));
	}
	assert!(peak_memory() < 256 * MIB, "{} MiB", peak_memory() / MIB);
}

#[test]
fn archive_should_be_refused_by_name() {
	let folder = tempfile::tempdir().unwrap();
	for name in ["bomb.zip", "data.jsonl.zip", "data.tar.gz", "data.json.gz", "data.jsonl.xz", "laughs.xml"] {
		let path = folder.path().join(name);
		fs::write(&path, "PK\x03\x04").unwrap();
		let error = refused(&path).to_string();
		assert!(error.contains(name) && error.contains(".jsonl"), "{error}");
	}
}

#[test]
fn nested_references_should_not_grow_when_they_are_ever_deeper() {
	// What the billion laughs are in JSON, which has no entities: depth.
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("deep.jsonl");
	let deep =
		|before: &str| format!("{{{before}\"other\": {}{}}}\n", "[".repeat(400_000), "]".repeat(400_000));
	let text = "\"text\": \"a sample of more than twenty characters\", ";
	fs::write(&path, deep("") + &deep(text) + &"{\"text\":".repeat(100_000)).unwrap();
	let found = run(&path).unwrap();
	assert_eq!(found.report.records, 3);
	assert!(found.report.samples <= 1);
}

/// A long file that takes no room on disk: a hole, which reads as zeros. (Ten gigabytes: `read/lines.rs`.)
fn hole(path: &Path, bytes: u64, end: &[u8]) {
	let file = File::create(path).unwrap();
	file.write_all_at(end, bytes).unwrap();
}

#[test]
fn line_of_a_gigabyte_should_be_one_malformed_record() {
	let folder = tempfile::tempdir().unwrap();
	let sample = b"\n{\"text\": \"and then a sample as it should be\"}\n";
	let path = folder.path().join("line.jsonl");
	hole(&path, 1 << 30, sample);
	let found = run(&path).unwrap();
	assert_eq!((found.report.records, found.report.samples), (2, 1));
	assert_eq!(found.details.malformed.get(&Malformation::RecordTooLong), Some(&1));
	assert!(peak_memory() < 128 * MIB, "{} MiB", peak_memory() / MIB);
}

#[test]
fn field_without_end_should_be_one_malformed_record() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("field.csv");
	let file = File::create(&path).unwrap();
	file.write_all_at(b"id,text\n1,\"", 0).unwrap();
	file.write_all_at(b"\"\n2,and then a sample as it should be\n", 256 * MIB).unwrap();
	let found = run(&path).unwrap();
	assert_eq!((found.report.records, found.report.samples), (2, 1));
	assert_eq!(found.details.malformed.get(&Malformation::RecordTooLong), Some(&1));
	assert!(peak_memory() < 128 * MIB, "{} MiB", peak_memory() / MIB);
}

#[test]
fn paragraph_without_end_should_be_cut_and_not_be_held() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("endless.txt");
	hole(&path, 16 * MIB, b"\n");
	let found = run(&path).unwrap();
	assert_eq!(found.report.samples, 8_192);
	assert_eq!(found.report.low_information, 1_000_000);
	assert!(peak_memory() < 256 * MIB, "{} MiB", peak_memory() / MIB);
}

#[test]
fn table_should_be_refused_or_skipped_when_it_has_a_million_columns() {
	let folder = tempfile::tempdir().unwrap();
	let wide = folder.path().join("header.csv");
	fs::write(&wide, format!("text{}\n", ",c".repeat(1_000_000))).unwrap();
	assert!(matches!(refused(&wide), ReadError::TooManyColumns { .. }));

	let row = folder.path().join("row.csv");
	fs::write(&row, format!("id,text\n1{}\n2,a sample as it should be\n", ",x".repeat(1_000_000))).unwrap();
	let found = run(&row).unwrap();
	assert_eq!(found.report.samples, 1);
	assert_eq!(found.details.malformed.get(&Malformation::Columns), Some(&1));
}

#[test]
fn broken_text_should_be_malformed_in_every_format() {
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name);
	// Continuation without a beginning, an overlong form, a surrogate, a character that ends too soon.
	for (at, broken) in [&b"\x80"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf0\x9f\x98"].into_iter().enumerate()
	{
		let text = [b"twenty characters and ", broken].concat();
		let json = path(&format!("{at}.jsonl"));
		fs::write(&json, [b"{\"text\": \"", &text[..], b"\"}"].concat()).unwrap();
		let csv = path(&format!("{at}.csv"));
		fs::write(&csv, [b"text\n", &text[..], b"\n"].concat()).unwrap();
		let plain = path(&format!("{at}.txt"));
		fs::write(&plain, &text).unwrap();
		let parquet = path(&format!("{at}.parquet"));
		table(&parquet, &[text], Compression::UNCOMPRESSED);
		for file in [json, csv, plain, parquet] {
			let found = run(&file).unwrap();
			assert_eq!(found.report.samples, 0, "{}", file.display());
			assert_eq!(found.details.malformed.get(&Malformation::NotUtf8), Some(&1), "{}", file.display());
		}
	}
	// An unpaired surrogate may be escaped in JSON, and is no text either.
	fs::write(path("s.jsonl"), "{\"text\": \"twenty characters and \\ud800\"}").unwrap();
	assert_eq!(run(&path("s.jsonl")).unwrap().report.samples, 0);
}

fn table(path: &Path, texts: &[Vec<u8>], compression: Compression) {
	let schema = parse_message_type("message m { required binary text; }").unwrap();
	let properties = WriterProperties::builder().set_compression(compression).build();
	let mut writer =
		SerializedFileWriter::new(File::create(path).unwrap(), Arc::new(schema), Arc::new(properties))
			.unwrap();
	let mut group = writer.next_row_group().unwrap();
	let values: Vec<ByteArray> = texts.iter().map(|text| text.clone().into()).collect();
	let mut column = group.next_column().unwrap().unwrap();
	column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
	column.close().unwrap();
	group.close().unwrap();
	writer.close().unwrap();
}

#[test]
fn parquet_should_be_refused_when_its_rows_expand_without_measure() {
	// A dictionary of one value, and runs of references to it.
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("same.parquet");
	table(&path, &vec![b"the very same text ".repeat(50); 300_000], Compression::ZSTD(ZstdLevel::default()));
	assert!(path.metadata().unwrap().len() < MIB);
	assert!(matches!(refused(&path), ReadError::Bomb { .. }));
}

#[test]
fn parquet_should_be_refused_when_a_page_states_gigabytes() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("page.parquet");
	table(&path, &[b"a text that nobody has ever seen before".to_vec()], Compression::UNCOMPRESSED);
	let mut bytes = fs::read(&path).unwrap();
	// Behind the magic number is the first page's header: field 1 (the kind), then field 2, its size.
	assert_eq!((bytes[4], bytes[6]), (0x15, 0x15));
	let at = 7;
	let length = bytes[at..].iter().position(|byte| *byte < 0x80).unwrap() + 1;
	// 1 GiB, zigzag, as a varint of five bytes; what follows moves, which nobody gets to see.
	bytes.splice(at..at + length, [0x80, 0x80, 0x80, 0x80, 0x08]);
	fs::write(&path, bytes).unwrap();
	let error = refused(&path);
	assert!(matches!(&error, ReadError::Damaged { reason, .. } if reason.contains("1073741824")), "{error}");
}

#[test]
fn parquet_should_be_refused_when_its_description_states_gigabytes() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("footer.parquet");
	fs::write(&path, b"PAR1\0\0\0\0\xff\xff\xff\x7fPAR1").unwrap();
	assert!(matches!(refused(&path), ReadError::Damaged { .. }));
}

/// Reads a file and says how it ended; what matters is that it ends.
fn read_all(path: &Path) -> Result<usize, ReadError> {
	let mut records = 0;
	let kind = FileKind::of(path).unwrap();
	read_file(path, kind, &Fields::default(), &AtomicU64::new(0), &mut |record| {
		records += 1;
		if let RawRecord::Text(text, _) = record {
			assert!(text.len() <= 1 << 20);
		}
		Ok(())
	})?;
	Ok(records)
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

	#[test]
	fn readers_should_take_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), name in prop::sample::select(vec![
		"a.jsonl", "a.csv", "a.tsv", "a.txt", "a.parquet", "a.jsonl.gz", "a.csv.zst",
	])) {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join(name);
		fs::write(&path, &bytes).unwrap();
		let _ = read_all(&path);
		fs::write(&path, [b"id,text\n", &bytes[..]].concat()).unwrap();
		let _ = read_all(&path);
	}

	#[test]
	fn parquet_should_never_be_fatal_when_bytes_of_it_are_changed(
		changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
	) {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("a.parquet");
		let texts: Vec<Vec<u8>> = (0..40).map(|at| format!("text number {at} of forty").into_bytes()).collect();
		table(&path, &texts, Compression::SNAPPY);
		let mut bytes = Vec::new();
		File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes)).map(drop).unwrap_or_else(|error: io::Error| panic!("{error}"));
		for (at, byte) in changes {
			let at = at.index(bytes.len());
			bytes[at] = byte;
		}
		fs::write(&path, &bytes).unwrap();
		let _ = read_all(&path);
	}
}
