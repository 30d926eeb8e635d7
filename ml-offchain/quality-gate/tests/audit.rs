//! The whole gate over files.

use blyan_primitives::datasets::{Licence, Outcome, RejectionReason, Tier};
use blyan_quality_gate::{
	audit,
	read::{Fields, Malformation, ReadError},
	Audit, AuditError, AuditOptions, GainProbe, Progress,
};
use parquet::{
	basic::{Compression, ZstdLevel},
	data_type::{ByteArray, ByteArrayType},
	file::{properties::WriterProperties, writer::SerializedFileWriter},
	schema::parser::parse_message_type,
};
use std::{
	fs::{self, File},
	io::Write,
	path::{Path, PathBuf},
	sync::Arc,
};

fn passages() -> Vec<String> {
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/passages.txt");
	fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn options() -> AuditOptions {
	AuditOptions { threads: 2, index_bytes: 8 << 20, ..AuditOptions::default() }
}

fn run(path: &Path, options: &AuditOptions) -> Audit {
	audit(path, options, None, &mut |_| ()).unwrap()
}

fn json_lines(path: &Path, texts: &[String]) {
	let lines: Vec<String> =
		texts.iter().map(|text| serde_json::json!({ "text": text }).to_string()).collect();
	fs::write(path, lines.join("\n")).unwrap();
}

fn parquet_file(path: &Path, texts: &[String], compression: Compression) {
	let schema = parse_message_type("message m { optional binary text (UTF8); required int64 id; }").unwrap();
	let properties = WriterProperties::builder()
		.set_compression(compression)
		.set_max_row_group_row_count(Some(40))
		.build();
	let mut writer =
		SerializedFileWriter::new(File::create(path).unwrap(), Arc::new(schema), Arc::new(properties))
			.unwrap();
	for texts in texts.chunks(40) {
		let mut group = writer.next_row_group().unwrap();
		let values: Vec<ByteArray> = texts.iter().map(|text| text.as_str().into()).collect();
		let mut column = group.next_column().unwrap().unwrap();
		column.typed::<ByteArrayType>().write_batch(&values, Some(&vec![1; values.len()]), None).unwrap();
		column.close().unwrap();
		let mut column = group.next_column().unwrap().unwrap();
		let ids: Vec<i64> = (0..values.len() as i64).collect();
		column.typed::<parquet::data_type::Int64Type>().write_batch(&ids, None, None).unwrap();
		column.close().unwrap();
		group.close().unwrap();
	}
	writer.close().unwrap();
}

#[test]
fn report_should_be_the_same_in_every_format() {
	let folder = tempfile::tempdir().unwrap();
	let texts = passages();
	let path = |name: &str| folder.path().join(name);
	json_lines(&path("a.jsonl"), &texts);
	let quoted = |separator: &str| {
		let rows: Vec<String> = texts
			.iter()
			.enumerate()
			.map(|(at, text)| format!("{at}{separator}\"{}\"\r\n", text.replace('"', "\"\"")))
			.collect();
		format!("id{separator}text\r\n{}", rows.concat())
	};
	fs::write(path("a.csv"), quoted(",")).unwrap();
	fs::write(path("a.tsv"), quoted("\t")).unwrap();
	fs::write(path("a.txt"), texts.join("\n\n")).unwrap();
	parquet_file(&path("plain.parquet"), &texts, Compression::UNCOMPRESSED);
	parquet_file(&path("snappy.parquet"), &texts, Compression::SNAPPY);
	parquet_file(&path("zstd.parquet"), &texts, Compression::ZSTD(ZstdLevel::default()));
	let mut gzip =
		flate2::write::GzEncoder::new(File::create(path("b.jsonl.gz")).unwrap(), flate2::Compression::fast());
	gzip.write_all(&fs::read(path("a.jsonl")).unwrap()).unwrap();
	gzip.finish().unwrap();
	let packed = zstd::encode_all(File::open(path("a.csv")).unwrap(), 3).unwrap();
	fs::write(path("b.csv.zst"), packed).unwrap();

	let expected = run(&path("a.jsonl"), &options()).report;
	assert_eq!((expected.records, expected.samples, expected.malformed), (100, 100, 0));
	assert_eq!(&expected.languages[0].language, b"eng");
	assert!(expected.diversity > 900_000);
	for name in [
		"a.csv",
		"a.tsv",
		"a.txt",
		"plain.parquet",
		"snappy.parquet",
		"zstd.parquet",
		"b.jsonl.gz",
		"b.csv.zst",
	] {
		assert_eq!(run(&path(name), &options()).report, expected, "{name}");
	}
	// All together: the first is new, the rest is known.
	let all = run(folder.path(), &options());
	assert_eq!(all.details.files.len(), 9);
	assert_eq!((all.details.samples, all.details.exact_duplicates), (900, 800));
}

#[test]
fn report_should_not_depend_on_the_number_of_threads() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("a.jsonl");
	let passages = passages();
	// Some three thousand samples, many of them near duplicates, more than a batch of each.
	let texts: Vec<String> = (0..3_000)
		.map(|at| {
			let words: Vec<&str> = passages[at % 97].split(' ').collect();
			words[at / 97 % 20..].join(" ").replacen(' ', &format!(" {} ", at % 11), 1 + at % 3)
		})
		.collect();
	json_lines(&path, &texts);
	let with = |threads| run(&path, &AuditOptions { threads, ..options() });
	let one = with(1);
	assert!(one.details.duplicates > one.details.exact_duplicates);
	for threads in [2, 3, 8] {
		let found = with(threads);
		assert_eq!(found, one, "{threads} threads");
		assert_eq!(found.to_json().to_string(), one.to_json().to_string());
	}
}

#[test]
fn duplicates_should_be_counted_within_and_against_what_is_approved() {
	let folder = tempfile::tempdir().unwrap();
	let (approved, offered) = (folder.path().join("approved.jsonl"), folder.path().join("offered.jsonl"));
	let texts = passages();
	json_lines(&approved, &texts[..30]);
	let mut samples = texts[20..60].to_vec();
	samples.push(texts[50].to_uppercase());
	samples.push(format!("Read this at once: {}", texts[55]));
	json_lines(&offered, &samples);

	let alone = run(&offered, &options());
	assert_eq!((alone.details.exact_duplicates, alone.details.duplicates), (1, 2));
	let against = run(&offered, &AuditOptions { approved: vec![approved], ..options() });
	assert_eq!((against.details.exact_duplicates, against.details.duplicates), (11, 12));
	assert_eq!(against.details.duplicates_of_approved, 10);
	assert_eq!(against.report.duplicates, 285_715);
}

#[test]
fn overlap_should_reject_when_shards_or_known_works_are_in_it() {
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name);
	let texts = passages();
	json_lines(&path("offered.jsonl"), &texts[..50]);
	fs::create_dir(path("shards")).unwrap();
	fs::write(path("shards/0"), &texts[60]).unwrap();
	let options = AuditOptions { validation: vec![path("shards")], licence: "CC0-1.0".into(), ..options() };
	assert_eq!(run(&path("offered.jsonl"), &options).outcome(), Outcome::Admissible(Tier::Experimental));

	fs::write(path("shards/1"), texts[7].replace(' ', "\n")).unwrap();
	let found = run(&path("offered.jsonl"), &options);
	assert_eq!(found.report.contamination, 20_000);
	assert_eq!(found.outcome(), Outcome::Rejected(RejectionReason::Contamination));
	let example = found.details.examples.iter().find(|example| example.rule == "contamination").unwrap();
	assert_eq!((example.file, example.record), (0, 8));

	let options = AuditOptions { known_works: vec![path("shards")], validation: vec![], ..options };
	let found = run(&path("offered.jsonl"), &options);
	assert_eq!(found.outcome(), Outcome::Rejected(RejectionReason::KnownWork));
}

#[test]
fn licence_should_be_verified_when_the_content_says_the_same() {
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name);
	json_lines(&path("a.jsonl"), &passages());
	let with = |licence: &str| run(folder.path(), &AuditOptions { licence: licence.into(), ..options() });
	assert_eq!(with("CC-BY-4.0").report.licence, Licence::Declared);
	assert_eq!(with("").outcome(), Outcome::Rejected(RejectionReason::UnknownLicence));
	fs::write(path("LICENSE"), "SPDX-License-Identifier: CC-BY-4.0\n").unwrap();
	assert_eq!(with("CC-BY-4.0").outcome(), Outcome::Admissible(Tier::Gold));
	assert_eq!(with("CC0-1.0").report.licence, Licence::Declared);
	let text = &passages()[0];
	fs::write(path("b.jsonl"), serde_json::json!({ "text": text, "license": "MIT" }).to_string()).unwrap();
	let found = with("CC-BY-4.0");
	assert!(found.details.licence_contradicted && found.report.licence == Licence::Declared);
}

#[test]
fn licence_should_be_verified_when_its_text_is_there() {
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name);
	json_lines(&path("a.jsonl"), &passages());
	let with = |licence: &str| run(folder.path(), &AuditOptions { licence: licence.into(), ..options() });
	let text = |id: &str| spdx::license_id(id).unwrap().text();
	let mit = text("MIT").replace("<year> <copyright holders>", "2026 Jane Roe");
	// A text about the data is no licence, whatever it is called.
	fs::write(path("README.md"), &mit).unwrap();
	assert_eq!(with("MIT").report.licence, Licence::Declared);
	fs::write(path("LICENSE-MIT"), &mit).unwrap();
	assert_eq!(with("MIT").outcome(), Outcome::Admissible(Tier::Gold));
	assert_eq!(with("MIT OR Apache-2.0").report.licence, Licence::Verified);
	assert_eq!(with("MIT OR CC-BY-NC-4.0").report.licence, Licence::Verified);
	assert_eq!(with("MIT AND Apache-2.0").report.licence, Licence::Declared);
	fs::write(path("LICENSE-APACHE"), text("Apache-2.0")).unwrap();
	assert_eq!(with("MIT AND Apache-2.0").report.licence, Licence::Verified);
	// It is verified that it is not open.
	fs::remove_file(path("LICENSE-MIT")).unwrap();
	fs::write(path("LICENSE-APACHE"), text("CC-BY-NC-4.0")).unwrap();
	assert_eq!(with("CC-BY-NC-4.0").report.licence, Licence::Declared);
	let other = with("CC-BY-4.0");
	assert!(other.details.licence_contradicted && other.report.licence == Licence::Declared);
	fs::write(path("LICENSE-APACHE"), "This text is in the public domain.").unwrap();
	assert_eq!(with("CC-PDM-1.0").report.licence, Licence::Verified);
	assert_eq!(with("MIT").report.licence, Licence::Declared);
	assert!(!with("MIT").details.licence_contradicted);
}

#[test]
fn document_should_name_places_and_never_repeat_personal_data() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("a.jsonl");
	let secrets = ["jane.roe@example.com", "4111 1111 1111 1111", "+1 212 555 0142", "219-09-9999"];
	let texts: Vec<String> =
		secrets.iter().map(|secret| format!("Here it is, é: {secret}, keep it.")).collect();
	json_lines(&path, &texts);
	let found = run(&path, &options());
	assert_eq!(found.report.personal_data, 1_000_000);
	let (json, human) = (found.to_json().to_string(), found.to_string());
	for secret in secrets {
		assert!(!json.contains(secret) && !human.contains(secret));
	}
	for (example, secret) in found.details.examples.iter().filter(|one| one.characters.is_some()).zip(secrets)
	{
		let characters = example.characters.clone().unwrap();
		assert_eq!((characters.start, characters.len()), (15, secret.chars().count()), "{example:?}");
	}
	assert_eq!(found.details.personal_data.len(), 4);
	assert_eq!(found.to_json()["report"]["personal_data"], 1_000_000);
}

#[test]
fn records_should_be_malformed_when_they_are_no_samples() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("a.jsonl");
	let sample = |length: usize| format!("{{\"text\": \"{}\"}}\n", "é".repeat(length));
	let mut lines: Vec<u8> = [sample(19), sample(20), sample(2_048), sample(2_049)].concat().into_bytes();
	lines
		.extend_from_slice(b"{\"text\": \"broken \xff\xfe in the middle of it\"}\nnot json\n{\"id\": 5}\n\n");
	fs::write(&path, lines).unwrap();
	let found = run(&path, &options());
	assert_eq!((found.report.records, found.report.samples, found.report.malformed), (7, 2, 714_286));
	let reasons: Vec<_> = found.details.malformed.into_iter().collect();
	use Malformation::*;
	assert_eq!(reasons, [(NotJson, 1), (NoText, 1), (NotUtf8, 1), (TooShort, 1), (TooLong, 1)]);
	assert_eq!(found.report.low_information, 1_000_000);

	fs::write(&path, "").unwrap();
	assert_eq!(run(&path, &options()).outcome(), Outcome::Rejected(RejectionReason::NoSamples));
}

struct Probe(Vec<usize>, Result<i32, &'static str>);

impl GainProbe for Probe {
	fn expected_gain(&mut self, samples: &[String]) -> Result<i32, Box<dyn std::error::Error + Send + Sync>> {
		self.0.push(samples.len());
		Ok(self.1?)
	}
}

#[test]
fn gain_should_be_what_the_probe_measured() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("a.jsonl");
	json_lines(&path, &passages());
	let mut probe = Probe(vec![], Ok(-12_345));
	let found = audit(&path, &options(), Some(&mut probe), &mut |_| ()).unwrap();
	assert_eq!((found.report.expected_gain, probe.0), (Some(-12_345), vec![100]));
	assert!(found.to_string().contains("-1.23 %"), "{found}");
	let mut probe = Probe(vec![], Err("no model"));
	let error = audit(&path, &options(), Some(&mut probe), &mut |_| ()).unwrap_err();
	assert!(error.to_string().contains("no model"), "{error}");
}

#[test]
fn progress_should_reach_the_whole() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("a.parquet");
	parquet_file(&path, &passages(), Compression::SNAPPY);
	let mut last = None;
	audit(&path, &options(), None, &mut |progress| last = Some(progress)).unwrap();
	let bytes = path.metadata().unwrap().len();
	assert_eq!(last, Some(Progress { bytes, total: bytes, records: 100 }));
}

#[test]
fn error_should_name_the_file_and_what_is_wrong() {
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name);
	let failed = |path: &PathBuf| audit(path, &options(), None, &mut |_| ()).unwrap_err();
	let read = |error| if let AuditError::Read(error) = error { error } else { panic!("{error}") };
	assert!(matches!(read(failed(&path("absent.jsonl"))), ReadError::Io { .. }));
	fs::write(path("a.zip"), "PK").unwrap();
	assert!(matches!(read(failed(&path("a.zip"))), ReadError::UnknownFormat { .. }));
	fs::write(path("a.csv"), "id,body\n1,2\n").unwrap();
	let error = failed(&path("a.csv")).to_string();
	assert!(error.contains("a.csv") && error.contains("\"text\"") && error.contains("id, body"), "{error}");
	parquet_file(&path("a.parquet"), &passages(), Compression::SNAPPY);
	let no_field =
		AuditOptions { fields: Fields { text: vec!["id".into()], ..Fields::default() }, ..options() };
	let error = audit(&path("a.parquet"), &no_field, None, &mut |_| ()).unwrap_err();
	assert!(matches!(read(error), ReadError::NoColumn { .. }));
	let whole = fs::read(path("a.parquet")).unwrap();
	fs::write(path("cut.parquet"), &whole[..whole.len() / 2]).unwrap();
	assert!(matches!(read(failed(&path("cut.parquet"))), ReadError::Damaged { .. }));
	fs::write(path("a.jsonl.gz"), b"\x1f\x8b\x08 and then nothing of use").unwrap();
	assert!(matches!(read(failed(&path("a.jsonl.gz"))), ReadError::Damaged { .. }));
}
