//! Datasets in words.

use blyan_primitives::{
	api::{DataUseInfo, DatasetAuditInfo, DatasetAuditPhase, DatasetRecord, DatasetUtility},
	datasets::{
		DatasetFinding, DatasetOffer, DatasetStage, Licence, Ppm, QualityReport, Refusal, RejectionReason,
		Tier,
	},
	AccountId, BlockNumber, SLOT_MILLISECONDS,
};
use indicatif::HumanBytes;
use std::fmt::{self, Display, Formatter};

/// Parts per million of a per cent.
const PER_CENT: Ppm = 10_000;
/// Seconds of a minute.
const MINUTE_SECONDS: u64 = 60;
/// Seconds of an hour.
const HOUR_SECONDS: u64 = 3_600;

/// A share as per cent.
pub fn percent(share: Ppm) -> String {
	format!("{}.{:02} %", share / PER_CENT, share % PER_CENT / 100)
}

/// Text that the chain keeps as bytes, with nothing in it that moves a terminal's cursor.
pub fn text(bytes: &[u8]) -> String {
	String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).collect()
}

/// A deadline, and how long it is until then.
pub fn deadline(until: BlockNumber, height: BlockNumber) -> String {
	let Some(blocks) = until.checked_sub(height).filter(|blocks| *blocks > 0) else {
		return format!("until block {until}: the time is over");
	};
	let seconds = u64::from(blocks).saturating_mul(SLOT_MILLISECONDS) / 1_000;
	let left = match (seconds / HOUR_SECONDS, seconds / MINUTE_SECONDS) {
		(0, 0) => format!("{seconds} s"),
		(0, minutes) => format!("{minutes} min"),
		(hours, _) => format!("{hours} h"),
	};
	format!("until block {until}, {left} left")
}

/// A tier.
pub fn tier(tier: Tier) -> &'static str {
	match tier {
		Tier::Gold => "gold",
		Tier::Silver => "silver",
		Tier::Experimental => "experimental",
	}
}

/// Why a report is rejected.
pub fn rejection(reason: RejectionReason) -> &'static str {
	match reason {
		RejectionReason::NoSamples => "there is not one sample in it",
		RejectionReason::Malformed => "too many records are no samples",
		RejectionReason::Contamination => "samples are from a validation shard",
		RejectionReason::KnownWork => "samples are from a known work",
		RejectionReason::UnknownLicence => "the licence is unknown",
		RejectionReason::PersonalData => "too many samples hold personal data",
		RejectionReason::Toxicity => "too many samples are toxic",
		RejectionReason::Duplicates => "too many samples are duplicates",
		RejectionReason::NoTier => "it reaches no tier",
	}
}

/// Why a dataset is not approved.
pub fn refusal(reason: Refusal) -> &'static str {
	match reason {
		Refusal::Quality(reason) => rejection(reason),
		Refusal::NotAsDeclared => "auditors found that it is not what its contributor says",
		Refusal::Unfetchable => "auditors could not fetch it",
		Refusal::NoAudit => "auditors came to no quorum; nobody is to blame, and it may be offered again",
		Refusal::NoQuorum => "too few voted; nobody is to blame, and it may be offered again",
		Refusal::Votes => "too few of the votes were in favour",
		Refusal::Emergency => "it was quarantined in an emergency",
	}
}

/// Where a dataset is in its life, with its reason and deadline.
pub fn stage(record: &DatasetRecord<AccountId>, height: BlockNumber) -> String {
	match record.stage {
		DatasetStage::Pending => "in line for its audit".into(),
		DatasetStage::Audit => match &record.audit {
			Some(audit) => audit_phase(audit, height),
			None => "auditors will be drawn".into(),
		},
		DatasetStage::Vote { until, is_extended } => format!(
			"workers vote{}: {} in favour, {} against, {} must vote ({})",
			if is_extended { ", for longer since too few did" } else { "" },
			record.ayes,
			record.nays,
			record.quorum,
			deadline(until, height)
		),
		DatasetStage::Approved { tier: of, since } => {
			format!("approved as {} since block {since}; models may learn from it", tier(of))
		}
		DatasetStage::Rejected { reason, until } => {
			format!("rejected: {} (its contributor may appeal {})", refusal(reason), deadline(until, height))
		}
		DatasetStage::Quarantined { reason, tier: of, until } => format!(
			"quarantined, and was {}: {} (its contributor may appeal {})",
			tier(of),
			refusal(reason),
			deadline(until, height)
		),
		DatasetStage::Appealed { reason, until } => format!(
			"its contributor appeals against: {} (counts as denied if it is not decided {})",
			refusal(reason),
			deadline(until, height)
		),
	}
}

/// How far an audit is.
pub fn audit_phase(audit: &DatasetAuditInfo<AccountId>, height: BlockNumber) -> String {
	let of_all = |count: usize| format!("{count} of {}", audit.auditors.len());
	let attempt = match audit.attempt {
		0 => String::new(),
		attempt => format!("; {attempt} draws came to no quorum"),
	};
	let phase = match audit.phase {
		DatasetAuditPhase::AwaitingDraw => "auditors will be drawn".into(),
		DatasetAuditPhase::Commit { until } => format!(
			"auditors look at a sample, {} have committed ({})",
			of_all(audit.committed.len()),
			deadline(until, height)
		),
		DatasetAuditPhase::Reveal { until } => {
			format!("auditors reveal, {} have ({})", of_all(audit.revealed.len()), deadline(until, height))
		}
	};
	phase + &attempt
}

/// A report as a table.
pub struct ReportText<'a>(pub &'a QualityReport);

impl Display for ReportText<'_> {
	fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
		let report = self.0;
		writeln!(f, "  samples             {} of {} records", report.samples, report.records)?;
		for (name, share) in [
			("malformed", report.malformed),
			("duplicates", report.duplicates),
			("exact duplicates", report.exact_duplicates),
			("personal data", report.personal_data),
			("toxic", report.toxicity),
			("known works", report.known_work),
			("validation shards", report.contamination),
			("little information", report.low_information),
			("diversity", report.diversity),
		] {
			writeln!(f, "  {name:<20}{}", percent(share))?;
		}
		let licence = match report.licence {
			Licence::Unknown => "unknown",
			Licence::Declared => "declared, and nothing confirms it",
			Licence::Verified => "verified",
		};
		writeln!(f, "  licence             {licence}")?;
		let languages: Vec<_> = report
			.languages
			.iter()
			.map(|one| format!("{} {}", text(&one.language), percent(one.share)))
			.collect();
		writeln!(f, "  languages           {}", languages.join(", "))?;
		match report.expected_gain {
			Some(gain) => {
				let sign = if gain < 0 { "-" } else { "" };
				writeln!(f, "  expected gain       {sign}{}", percent(gain.unsigned_abs()))
			}
			None => writeln!(f, "  expected gain       not measured"),
		}
	}
}

/// A dataset as a person wants to see it.
pub struct DatasetText<'a> {
	/// What the chain has.
	pub record: &'a DatasetRecord<AccountId>,
	/// What came of it, if anything was learned.
	pub utility: Option<&'a DatasetUtility>,
	/// The chain's height.
	pub height: BlockNumber,
}

impl Display for DatasetText<'_> {
	fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
		let Self { record, utility, height } = self;
		let DatasetOffer { content, document_bytes, bytes, samples, version, .. } = &record.offer;
		let offer = &record.offer;
		let languages: Vec<_> = offer.languages.iter().map(|code| text(code)).collect();
		writeln!(f, "dataset         {} {version}", text(&offer.name))?;
		writeln!(f, "content         {content} (a document of {document_bytes} bytes)")?;
		writeln!(f, "text            {} in {samples} samples", HumanBytes(*bytes))?;
		writeln!(f, "about           {} ({})", text(&offer.domain), languages.join(", "))?;
		writeln!(f, "licence         {}", text(&offer.licence))?;
		writeln!(f, "contributor     {} (block {})", record.contributor, record.offered_at)?;
		writeln!(f, "stage           {}", stage(record, *height))?;
		if let Some(audit) = &record.audit {
			if !matches!(record.stage, DatasetStage::Audit) {
				writeln!(f, "re-scan {:<8}{}", audit.audit, audit_phase(audit, *height))?;
			}
			for auditor in &audit.auditors {
				let revealed = audit.revealed.iter().find(|(who, _)| who == auditor);
				let did = match revealed {
					Some((_, DatasetFinding::Report(_))) => "reported",
					Some((_, DatasetFinding::NotAsDeclared)) => "found that it is not as declared",
					Some((_, DatasetFinding::Unfetchable)) => "could not fetch it",
					None if audit.committed.contains(auditor) => "has committed",
					None => "has not committed",
				};
				writeln!(f, "auditor         {auditor}: {did}")?;
			}
		}
		if record.ayes > 0 || record.nays > 0 {
			let (ayes, nays, quorum) = (record.ayes, record.nays, record.quorum);
			writeln!(f, "votes           {ayes} in favour, {nays} against, {quorum} must vote")?;
		}
		match &record.report {
			Some(report) => {
				writeln!(f, "report          medians of the auditors'\n{}", ReportText(report))?;
				write!(f, "score           {}", percent(record.score))?;
			}
			None => write!(f, "report          none yet")?,
		}
		if let Some(utility) = utility {
			write!(
				f,
				"\nutility         {} submissions accepted, {} in a row since were not; {} BLY in its purse{}",
				utility.accepted,
				utility.rejected,
				crate::register::bly(utility.purse),
				if utility.is_zero { "; marked as of no use" } else { "" }
			)?;
		}
		Ok(())
	}
}

/// Datasets, a line each.
pub fn listing(records: &[DatasetRecord<AccountId>], height: BlockNumber) -> String {
	if records.is_empty() {
		return "no dataset is kept in that stage\n".into();
	}
	let line = |record: &DatasetRecord<AccountId>| {
		let DatasetOffer { content, name, version, .. } = &record.offer;
		format!("{content}  {} {version}  {}\n", text(name), stage(record, height))
	};
	records.iter().map(line).collect()
}

/// What learned from what, as a table.
pub fn lineage(uses: &[DataUseInfo]) -> String {
	if uses.is_empty() {
		return "nothing was learned yet that was accepted and verified\n".into();
	}
	let mut table =
		format!("{:>7}  {:<59}  {:>11}  {:>12}  rounds\n", "model", "dataset", "submissions", "sequences");
	for used in uses {
		let DataUseInfo { model, dataset, submissions, samples, first, last } = used;
		let dataset = dataset.to_string();
		table += &format!("{model:>7}  {dataset:<59}  {submissions:>11}  {samples:>12}  {first} to {last}\n");
	}
	table
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::datasets::tests::record;

	#[test]
	fn deadline_should_say_how_long_it_is_or_that_it_is_over() {
		assert_eq!(deadline(100, 90), "until block 100, 20 s left");
		assert_eq!(deadline(1_000, 100), "until block 1000, 30 min left");
		assert_eq!(deadline(129_600, 0), "until block 129600, 72 h left");
		assert_eq!(deadline(5, 5), "until block 5: the time is over");
	}

	#[test]
	fn stage_should_name_the_reason_and_the_deadline() {
		let reason = Refusal::Quality(RejectionReason::PersonalData);
		let rejected = record(DatasetStage::Rejected { reason, until: 40 });
		assert_eq!(
			stage(&rejected, 30),
			"rejected: too many samples hold personal data (its contributor may appeal until block 40, 20 s left)"
		);
		let vote = record(DatasetStage::Vote { until: 40, is_extended: true });
		assert!(
			stage(&vote, 30).contains("for longer since too few did: 0 in favour, 0 against, 1 must vote")
		);
		assert!(stage(&record(DatasetStage::Approved { tier: Tier::Silver, since: 7 }), 9)
			.contains("silver since block 7"));
	}

	#[test]
	fn dataset_text_should_show_report_score_and_utility_and_no_control_characters() {
		let mut record = record(DatasetStage::Approved { tier: Tier::Gold, since: 7 });
		record.offer.licence = b"MIT\x1b[2J".to_vec().try_into().unwrap();
		record.report =
			Some(QualityReport { personal_data: 12_300, samples: 4, records: 5, ..Default::default() });
		record.score = 640_000;
		let utility = DatasetUtility { accepted: 2, rejected: 0, is_zero: false, purse: 0 };
		let text = DatasetText { record: &record, utility: Some(&utility), height: 9 }.to_string();
		for part in [
			"personal data       1.23 %",
			"4 of 5 records",
			"score           64.00 %",
			"2 submissions accepted",
		] {
			assert!(text.contains(part), "{part}: {text}");
		}
		assert!(!text.contains('\u{1b}'), "{text:?}");
	}
}
