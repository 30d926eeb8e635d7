//! Datasets as content: packed, described, and audited by windows.

use blyan_primitives::{
	cid::{Cid, CidCodec},
	dag::SemVer,
	datasets::{windows, DatasetFinding, DatasetOffer, Licence, OfferFlaw, QualityReport},
	Hash,
};
use blyan_quality_gate::{
	audit,
	content::{
		audit_offered, audit_windows, pack, About, DatasetDocument, DocumentError, Fault, LicenceText,
		PackError, Packed, Part, SampleAudit, MAX_DESCRIPTION_BYTES, MIN_PART_BYTES, PART_BYTES,
	},
	read::{Fields, Malformation, ReadError},
	AuditError, AuditOptions,
};
use sha2::{Digest, Sha256};
use std::{
	collections::BTreeMap,
	fs,
	path::{Path, PathBuf},
};

fn passages() -> Vec<String> {
	let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/passages.txt");
	fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn json_lines(path: &Path, texts: &[String]) {
	let lines: Vec<String> =
		texts.iter().map(|text| serde_json::json!({ "text": text }).to_string()).collect();
	fs::write(path, lines.join("\n")).unwrap();
}

fn about() -> About {
	About {
		name: "jargon-file".into(),
		version: SemVer { major: 4, minor: 4, patch: 7 },
		licence: "CC0-1.0".into(),
		domain: "computing".into(),
		languages: vec!["eng".into()],
		description: "What hackers say, and why.".into(),
		licence_text: None,
		fields: Fields::default(),
	}
}

/// A store that keeps files where they are; its CIDs are those of leaves, however long the file.
#[derive(Default)]
struct Store(BTreeMap<Cid, PathBuf>);

impl Store {
	fn cid(bytes: &[u8]) -> Cid {
		Cid { codec: CidCodec::Raw, digest: Sha256::digest(bytes).into() }
	}

	fn put(&mut self, path: &Path) -> Result<Cid, Fault> {
		let cid = Self::cid(&fs::read(path)?);
		self.0.insert(cid, path.to_owned());
		Ok(cid)
	}

	fn audit(&self, document: &DatasetDocument, seed: u8, options: &AuditOptions) -> SampleAudit {
		let mut fetch = |cid, _| Ok(self.0.get(&cid).cloned());
		audit_windows(document, Hash::repeat_byte(seed), &mut fetch, options, None, &mut |_| ()).unwrap()
	}
}

fn packed(from: &Path, to: &Path, store: &mut Store) -> Result<Packed, PackError> {
	pack(from, to, &about(), &mut |path| store.put(path), &mut |_| ())
}

fn options() -> AuditOptions {
	AuditOptions { threads: 2, index_bytes: 8 << 20, ..AuditOptions::default() }
}

fn report(found: &SampleAudit) -> &QualityReport {
	match &found.finding {
		DatasetFinding::Report(report) => report,
		other => panic!("{other:?}: {:?}", found.reason),
	}
}

/// A dataset of one part with that text.
fn of_text(store: &mut Store, folder: &Path, bytes: &[u8], samples: u64) -> DatasetDocument {
	let path = folder.join(format!("{:?}", Store::cid(bytes)));
	fs::write(&path, bytes).unwrap();
	let content = store.put(&path).unwrap();
	let length = bytes.len() as u64;
	DatasetDocument {
		format: Default::default(),
		name: "by-hand".into(),
		version: SemVer::GENESIS,
		licence: "MIT".into(),
		domain: "any".into(),
		languages: vec![],
		bytes: length,
		samples,
		description: String::new(),
		licence_text: None,
		sources: vec![],
		parts: vec![Part { content, bytes: length, sha256: content.digest, samples }],
	}
}

#[test]
fn pack_should_make_the_same_of_the_same_and_leave_out_what_is_no_sample() {
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name);
	fs::create_dir_all(path("from/more")).unwrap();
	json_lines(&path("from/a.jsonl"), &passages()[..40]);
	fs::write(path("from/b.txt"), format!("too short\n\n{}\n\n\n\n{}", passages()[40], passages()[41]))
		.unwrap();
	let gaps = serde_json::json!({ "text": " One line.\r\n\r\n \nAnd another, after a gap.\n" });
	fs::write(
		path("from/more/c.jsonl"),
		format!("{gaps}\nnot json\n{{\"text\": \"{}\"}}\n", "a".repeat(2_049)),
	)
	.unwrap();
	fs::write(path("from/LICENSE"), "SPDX-License-Identifier: CC0-1.0\n").unwrap();
	let mut store = Store::default();
	let mut last = None;
	let made =
		pack(&path("from"), &path("to"), &about(), &mut |path| store.put(path), &mut |now| last = Some(now))
			.unwrap();

	let document = &made.document;
	let text = fs::read_to_string(path("to/part-000000.txt")).unwrap();
	let expected: String = passages()[..42]
		.iter()
		.map(String::as_str)
		.chain(["One line.\nAnd another, after a gap."])
		.map(|text| format!("{text}\n\n"))
		.collect();
	assert_eq!(text, expected);
	assert_eq!((document.bytes, document.samples, document.parts.len()), (text.len() as u64, 43, 1));
	let left_out: Vec<_> = made.left_out.into_iter().collect();
	assert_eq!(
		left_out,
		[(Malformation::NotJson, 1), (Malformation::TooShort, 1), (Malformation::TooLong, 1)]
	);
	assert!(made.licence.confirmed && !made.licence.contradicted);
	let named: Vec<_> = document.sources.iter().map(|source| source.path.as_str()).collect();
	assert_eq!(named, ["a.jsonl", "b.txt", "more/c.jsonl"]);
	assert_eq!(document.sources[1].sha256[..], Sha256::digest(fs::read(path("from/b.txt")).unwrap())[..]);
	let licence = document.licence_text.as_ref().unwrap();
	assert_eq!(fs::read(&store.0[&licence.content]).unwrap(), fs::read(path("from/LICENSE")).unwrap());
	let last = last.unwrap();
	assert_eq!((last.bytes, last.records), (last.total, 46));

	let bytes = fs::read(&made.path).unwrap();
	assert_eq!(bytes.len(), made.document_bytes as usize);
	assert_eq!(DatasetDocument::parse(&bytes).unwrap(), made.document);
	let again = packed(&path("from"), &path("again"), &mut Store::default()).unwrap();
	assert_eq!(fs::read(again.path).unwrap(), bytes);
}

#[test]
fn pack_should_replace_what_was_cut_off_and_refuse_everything_else() {
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name);
	let from = path("a.jsonl");
	json_lines(&from, &passages());
	// A store that fails leaves a folder without a document.
	let failing = pack(&from, &path("to"), &about(), &mut |_| Err("full".into()), &mut |_| ());
	assert!(matches!(failing, Err(PackError::Store { .. })), "{failing:?}");
	assert!(!path("to/dataset.json").exists() && path("to/part-000000.txt").exists());
	fs::write(path("to/dataset.json.partial"), "{").unwrap();
	fs::write(path("to/part-000007.txt.partial"), "half a sam").unwrap();
	let mut store = Store::default();
	let made = packed(&from, &path("to"), &mut store).unwrap();
	let mut names: Vec<_> = fs::read_dir(path("to"))
		.unwrap()
		.map(|entry| entry.unwrap().file_name().into_string().unwrap())
		.collect();
	names.sort();
	assert_eq!(names, ["dataset.json", "part-000000.txt"]);
	assert_eq!(made.document.samples, 100);

	let refused = |from: &Path, to: &str| packed(from, &path(to), &mut Store::default()).unwrap_err();
	assert!(matches!(refused(&from, "to"), PackError::Exists { .. }));
	fs::create_dir(path("other")).unwrap();
	fs::write(path("other/mine"), "precious").unwrap();
	assert!(matches!(refused(&from, "other"), PackError::NotEmpty { .. }));
	assert!(path("other/mine").exists());
	fs::create_dir(path("data")).unwrap();
	fs::copy(&from, path("data/a.jsonl")).unwrap();
	assert!(matches!(refused(&path("data"), "data/within"), PackError::Within { .. }));
	fs::write(path("short.txt"), "nothing\n\nof use").unwrap();
	assert!(matches!(refused(&path("short.txt"), "short"), PackError::NoSamples { left_out: 2, .. }));
	assert!(matches!(refused(&path("absent.txt"), "absent"), PackError::Read(ReadError::Io { .. })));
	let with = |change: fn(&mut About)| {
		let mut about = about();
		change(&mut about);
		pack(&from, &path("with"), &about, &mut |path| Store::default().put(path), &mut |_| ()).unwrap_err()
	};
	assert!(matches!(with(|about| about.licence = "free".into()), PackError::Licence(_)));
	let name = with(|about| about.name = "The Jargon File".into());
	assert!(matches!(name, PackError::Document(DocumentError::Offer(OfferFlaw::Name))), "{name}");
	assert!(!path("with/dataset.json").exists());
	fs::write(path("binary"), b"\xff\xfe").unwrap();
	let mut about = about();
	about.licence_text = Some(path("binary"));
	let binary = pack(&from, &path("with"), &about, &mut |path| Store::default().put(path), &mut |_| ());
	assert!(matches!(binary, Err(PackError::LicenceText { .. })), "{binary:?}");
}

#[test]
fn sample_of_a_short_text_should_be_audited_as_the_whole_is() {
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name);
	let mut texts = passages();
	texts.extend([texts[3].clone(), "Write to jane.roe@example.com for more of it.".into()]);
	json_lines(&path("a.jsonl"), &texts);
	let mut store = Store::default();
	let document = packed(&path("a.jsonl"), &path("to"), &mut store).unwrap().document;
	let found = store.audit(&document, 1, &options());
	let whole = audit(
		&path("to/part-000000.txt"),
		&AuditOptions { licence: "CC0-1.0".into(), ..options() },
		None,
		&mut |_| (),
	)
	.unwrap();
	assert_eq!(report(&found), &whole.report);
	assert_eq!((whole.report.samples, whole.details.exact_duplicates), (102, 1));
	let audited = found.audit.as_ref().unwrap();
	assert_eq!(audited.details.examples, whole.details.examples);
	assert_eq!(audited.details.files, [PathBuf::from(document.parts[0].content.to_string())]);
	let again = store.audit(&document, 1, &AuditOptions { threads: 7, ..options() });
	assert_eq!(again.to_json().to_string(), found.to_json().to_string());
	assert!(found.to_string().contains("1 windows") && !found.to_json().to_string().contains("jane.roe"));
}

#[test]
fn sample_of_a_long_text_should_be_what_begins_in_its_windows() {
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name);
	let passages = passages();
	// Some forty megabytes, each sample with a number of its own in it.
	let texts: Vec<String> = (0..70_000)
		.map(|at| format!("{at} {}", passages[at % 100]))
		.filter(|text| text.len() < 2_000)
		.collect();
	json_lines(&path("a.jsonl"), &texts);
	let mut store = Store::default();
	let document = packed(&path("a.jsonl"), &path("to"), &mut store).unwrap().document;
	assert!(document.parts.len() >= 3);
	assert!(document.parts.iter().all(|part| part.bytes <= PART_BYTES));
	assert!(document.parts.iter().rev().skip(1).all(|part| part.bytes > PART_BYTES - 9_000));
	assert_eq!(document.samples, texts.len() as u64);

	let mut expected = 0;
	let drawn = windows(Hash::repeat_byte(5), document.bytes);
	assert_eq!(drawn.len(), 64);
	let mut at = 0;
	for text in &texts {
		expected += u64::from(drawn.iter().any(|window| window.contains(&at)));
		at += text.len() as u64 + 2;
	}
	assert_eq!(at, document.bytes);
	let found = store.audit(&document, 5, &options());
	assert_eq!(report(&found).samples, expected);
	assert_eq!(report(&found).malformed, 0);
	assert_eq!(found.windows, drawn);
	assert_ne!(report(&store.audit(&document, 6, &options())), report(&found));

	// A part in which no window is need not be there.
	let needed = |seed| {
		let mut asked = Vec::new();
		let mut fetch = |cid, bytes| {
			asked.push((cid, bytes));
			Ok(store.0.get(&cid).cloned())
		};
		audit_windows(&document, seed, &mut fetch, &options(), None, &mut |_| ()).unwrap();
		asked
	};
	let all: Vec<_> = document.parts.iter().map(|part| (part.content, part.bytes)).collect();
	assert_eq!(needed(Hash::repeat_byte(5)), all);
}

#[test]
fn pieces_that_are_too_short_should_be_malformed() {
	let folder = tempfile::tempdir().unwrap();
	let mut store = Store::default();
	let text = "short\n\nA sample of more than twenty characters.\n\nshort again\n\n";
	let document = of_text(&mut store, folder.path(), text.as_bytes(), 1);
	let found = store.audit(&document, 1, &options());
	let found = report(&found);
	assert_eq!((found.records, found.samples, found.malformed), (3, 1, 666_667));
	assert_eq!(found.licence, Licence::Declared);
}

#[test]
fn licence_should_be_verified_when_the_document_names_its_text() {
	let folder = tempfile::tempdir().unwrap();
	let path = |name: &str| folder.path().join(name);
	fs::create_dir(path("from")).unwrap();
	json_lines(&path("from/a.jsonl"), &passages());
	fs::write(path("from/LICENSE"), spdx::license_id("CC0-1.0").unwrap().text()).unwrap();
	let mut store = Store::default();
	let made = packed(&path("from"), &path("to"), &mut store).unwrap();
	assert!(made.licence.confirmed);
	let mut document = made.document;
	assert_eq!(report(&store.audit(&document, 1, &options())).licence, Licence::Verified);
	document.licence = "MIT".into();
	assert_eq!(report(&store.audit(&document, 1, &options())).licence, Licence::Declared);
	document.licence_text = None;
	document.licence = "CC0-1.0".into();
	assert_eq!(report(&store.audit(&document, 1, &options())).licence, Licence::Declared);
}

#[test]
fn finding_should_be_unfetchable_when_something_needed_is_not_there() {
	let folder = tempfile::tempdir().unwrap();
	let mut store = Store::default();
	let text = b"A sample of more than twenty characters.\n\n";
	let mut document = of_text(&mut store, folder.path(), text, 1);
	document.licence_text = Some(LicenceText { content: Store::cid(b"MIT"), bytes: 3 });
	let found = store.audit(&document, 1, &options());
	assert_eq!(found.finding, DatasetFinding::Unfetchable);
	assert!(found.reason.unwrap().contains("licence text"));
	document.licence_text = None;
	assert!(matches!(store.audit(&document, 1, &options()).finding, DatasetFinding::Report(_)));
	store.0.clear();
	let found = store.audit(&document, 1, &options());
	assert_eq!(found.finding, DatasetFinding::Unfetchable);
	assert!(found.reason.unwrap().contains("part 0"));

	// What is wrong here is not said of the dataset.
	let broken = |outcome: fn() -> Result<Option<PathBuf>, Fault>| {
		let mut fetch = |_, _| outcome();
		audit_windows(&document, Hash::zero(), &mut fetch, &options(), None, &mut |_| ()).unwrap_err()
	};
	assert!(matches!(broken(|| Err("disk full".into())), AuditError::Fetch(_)));
	assert!(matches!(broken(|| Ok(Some("/nowhere/at/all".into()))), AuditError::Read(ReadError::Io { .. })));
}

#[test]
fn offer_should_be_that_of_the_document_and_of_no_other() {
	let folder = tempfile::tempdir().unwrap();
	let from = folder.path().join("a.jsonl");
	json_lines(&from, &passages());
	let mut store = Store::default();
	let made = packed(&from, &folder.path().join("to"), &mut store).unwrap();
	let bytes = fs::read(&made.path).unwrap();
	let offer = made.document.offer(Store::cid(&bytes), made.document_bytes).unwrap();
	assert_eq!(DatasetDocument::parse_offered(&bytes, &offer).unwrap(), made.document);
	let found = |offer: &DatasetOffer| {
		let mut fetch = |cid, _| Ok(store.0.get(&cid).cloned());
		audit_offered(&bytes, offer, Hash::zero(), &mut fetch, &options(), None, &mut |_| ()).unwrap()
	};
	assert!(matches!(found(&offer).finding, DatasetFinding::Report(_)));
	let changes: [(&str, fn(&mut DatasetOffer)); 8] = [
		("own length", |offer| offer.document_bytes += 1),
		("name", |offer| offer.name = b"other".to_vec().try_into().unwrap()),
		("version", |offer| offer.version.patch += 1),
		("licence", |offer| offer.licence = b"MIT".to_vec().try_into().unwrap()),
		("domain", |offer| offer.domain = b"other".to_vec().try_into().unwrap()),
		("languages", |offer| offer.languages = Default::default()),
		("number of bytes", |offer| offer.bytes += 1),
		("number of samples", |offer| offer.samples -= 1),
	];
	for (named, change) in changes {
		let mut other = offer.clone();
		change(&mut other);
		let error = DatasetDocument::parse_offered(&bytes, &other).unwrap_err();
		assert!(matches!(error, DocumentError::Differs { field } if field == named), "{named}: {error}");
		assert_eq!(found(&other).finding, DatasetFinding::NotAsDeclared, "{named}");
	}
}

fn licence_text(content: Cid, bytes: u64) -> LicenceText {
	LicenceText { content, bytes }
}

#[test]
fn document_should_be_refused_with_what_is_wrong() {
	let folder = tempfile::tempdir().unwrap();
	let mut store = Store::default();
	let document = of_text(&mut store, folder.path(), b"A sample of more than twenty characters.\n\n", 1);
	let refused = |change: &dyn Fn(&mut DatasetDocument)| {
		let mut document = document.clone();
		change(&mut document);
		DatasetDocument::parse(&document.to_bytes().unwrap()).unwrap_err()
	};
	let parts = |lengths: &[u64]| {
		let part = |(at, bytes): (usize, &u64)| Part {
			content: Store::cid(&[at as u8]),
			bytes: *bytes,
			sha256: [at as u8; 32],
			samples: 1,
		};
		let parts: Vec<Part> = lengths.iter().enumerate().map(part).collect();
		move |document: &mut DatasetDocument| {
			document.bytes = parts.iter().map(|part| part.bytes).sum();
			document.samples = parts.len() as u64;
			document.parts = parts.clone();
		}
	};
	use DocumentError::*;
	assert!(DatasetDocument::parse(&{
		let mut good = document.clone();
		parts(&[MIN_PART_BYTES, PART_BYTES, 1])(&mut good);
		good.to_bytes().unwrap()
	})
	.is_ok());
	// Without text the sizes of the offer are wrong already.
	assert!(matches!(refused(&|document| document.parts.clear()), NoParts));
	assert!(matches!(refused(&parts(&[PART_BYTES, 0])), PartLength { part: 1, bytes: 0 }));
	assert!(matches!(refused(&parts(&[PART_BYTES + 1])), PartLength { part: 0, .. }));
	assert!(matches!(refused(&parts(&[MIN_PART_BYTES - 1, 9])), PartTooShort { part: 0, .. }));
	let twice = |change: fn(&mut Part)| {
		move |document: &mut DatasetDocument| {
			parts(&[PART_BYTES, PART_BYTES, 5])(document);
			change(&mut document.parts[2]);
		}
	};
	assert!(matches!(
		refused(&twice(|part| part.content = Store::cid(&[0]))),
		PartRepeated { first: 0, again: 2 }
	));
	assert!(matches!(refused(&twice(|part| part.sha256 = [1; 32])), PartRepeated { first: 1, again: 2 }));
	assert!(matches!(refused(&|document| document.bytes += 1), Sum { what: "bytes", .. }));
	assert!(matches!(refused(&|document| document.samples += 1), Sum { what: "samples", stated: 2, sum: 1 }));
	assert!(matches!(refused(&|document| document.parts[0].samples = u64::MAX), Sum { .. }));
	assert!(matches!(refused(&|document| document.domain = "A".into()), Offer(OfferFlaw::Domain)));
	assert!(matches!(refused(&|document| document.licence = "é".into()), Offer(OfferFlaw::Licence)));
	assert!(matches!(
		refused(&|document| document.languages = vec!["en".into()]),
		Offer(OfferFlaw::Languages)
	));
	assert!(matches!(refused(&|document| document.samples = 0), Offer(OfferFlaw::Sizes)));
	assert!(matches!(
		refused(&|document| document.name = "a".repeat(65)),
		FieldTooLong { field: "name", most: 64 }
	));
	assert!(matches!(
		refused(&|document| document.description = "a".repeat(MAX_DESCRIPTION_BYTES + 1)),
		FieldTooLong { field: "description", .. }
	));
	for (codec, bytes) in [(CidCodec::DagPb, 5), (CidCodec::Raw, 0), (CidCodec::Raw, 1 << 20)] {
		let text = licence_text(Cid { codec, ..Store::cid(b"") }, bytes);
		assert!(matches!(refused(&move |document| document.licence_text = Some(text.clone())), LicenceText));
	}
	let json = String::from_utf8(document.to_bytes().unwrap()).unwrap();
	for (from, to, says) in [
		("dataset/1", "dataset/2", "blyan/dataset/1"),
		("\"name\"", "\"nom\"", "nom"),
		("0.1.0", "0.1", "three numbers"),
		("0.1.0", "00.1.0", "0.1.0"),
		("\"sha256\": \"", "\"sha256\": \"A", "hexadecimal"),
		("\"content\": \"b", "\"content\": \"z", "base32"),
		("\"samples\": 1", "\"samples\": -1", "u64"),
	] {
		assert!(json.contains(from), "{json}");
		let error = DatasetDocument::parse(json.replace(from, to).as_bytes()).unwrap_err();
		assert!(matches!(&error, Format(inner) if inner.to_string().contains(says)), "{error}");
	}
	let long = vec![b' '; (16 << 20) + 1];
	assert!(matches!(DatasetDocument::parse(&long).unwrap_err(), TooLong { .. }));
}
