//! The rules of the dataset chain, as far as workers meet them.

use super::{refuse, TestChain};
use blyan_chain_client::{
	fake::{FakeState, PalletError},
	Call, ChainEvent,
};
use blyan_primitives::{
	api::{DatasetAuditInfo, DatasetAuditPhase, DatasetRecord},
	dag::SemVer,
	datasets::{
		best_tier, dataset_commitment, judge, medians, share_down, DatasetFinding, DatasetStage, Outcome,
		QualityLimits, Refusal, Tier,
	},
	manifest::DatasetId,
	worker::Role,
	AccountId, Hash,
};
use blyan_quality_gate::content::{DatasetDocument, DocumentFormat, Part};
use blyan_store::Store;
use polkadot_sdk::sp_crypto_hashing::sha2_256;
use std::collections::BTreeMap;

/// Auditors of a dataset.
pub const AUDITORS: usize = 3;
const PALLET: &str = "Datasets";

/// What the chain knows and does not show, and what a test decides.
#[derive(Default)]
pub struct Datasets {
	commitments: BTreeMap<(DatasetId, AccountId), Hash>,
	/// Whether auditors reveal as soon as all have committed.
	pub holds_reveals: bool,
	/// Votes that decide; audits do not begin before there are auditors, nor do votes end before these.
	pub quorum: u32,
}

type Outcomes = Result<Vec<ChainEvent>, PalletError>;

impl Datasets {
	/// What a call of this pallet brings about; `None` if it is another's.
	pub fn carry_out(&mut self, state: &mut FakeState, who: &AccountId, call: &Call) -> Option<Outcomes> {
		Some(match call.clone() {
			Call::OfferDataset { offer, .. } => {
				let dataset = offer.content;
				if state.kept_datasets.contains_key(&dataset) {
					return Some(refuse(PALLET, "DatasetKept"));
				}
				assert_eq!(offer.check(), Ok(()));
				let audit = DatasetAuditInfo {
					audit: 0,
					attempt: 0,
					seed: None,
					auditors: vec![],
					committed: vec![],
					revealed: vec![],
					phase: DatasetAuditPhase::AwaitingDraw,
				};
				let record = DatasetRecord {
					offer,
					contributor: who.clone(),
					offered_at: 1,
					stage: DatasetStage::Audit,
					audit: Some(audit),
					report: None,
					ayes: 0,
					nays: 0,
					quorum: self.quorum,
					score: 0,
				};
				state.kept_datasets.insert(dataset, record);
				Ok(vec![])
			}
			Call::CommitDatasetFinding { dataset, commitment } => {
				let audit = state.kept_datasets.get_mut(&dataset).unwrap().audit.as_mut().unwrap();
				assert!(audit.auditors.contains(who));
				if audit.committed.contains(who) {
					return Some(refuse(PALLET, "AlreadyCommitted"));
				}
				audit.committed.push(who.clone());
				self.commitments.insert((dataset, who.clone()), commitment);
				Ok(vec![])
			}
			Call::RevealDatasetFinding { dataset, finding, salt } => {
				let record = state.kept_datasets.get_mut(&dataset).unwrap();
				let Some(audit) = record.audit.as_mut() else { return Some(refuse(PALLET, "AuditNotFound")) };
				if audit.revealed.iter().any(|(other, _)| other == who) {
					return Some(refuse(PALLET, "AlreadyRevealed"));
				}
				let expected = dataset_commitment(who, &dataset, audit.audit, audit.attempt, &finding, &salt);
				assert_eq!(
					self.commitments.get(&(dataset, who.clone())),
					Some(&expected),
					"another commitment"
				);
				audit.revealed.push((who.clone(), finding));
				if audit.revealed.len() == AUDITORS {
					close_audit(record);
				}
				Ok(vec![])
			}
			Call::VoteOnDataset { dataset, aye } => {
				let record = state.kept_datasets.get_mut(&dataset).unwrap();
				assert!(matches!(record.stage, DatasetStage::Vote { .. }));
				assert!(state.dataset_votes.insert((dataset, who.clone()), aye).is_none(), "it votes once");
				*(if aye { &mut record.ayes } else { &mut record.nays }) += 1;
				Ok(vec![])
			}
			Call::SettleDatasetVote { dataset, voter } => match state.dataset_votes.remove(&(dataset, voter))
			{
				Some(_) => Ok(vec![]),
				None => refuse(PALLET, "VoteNotFound"),
			},
			_ => return None,
		})
	}

	/// Draws auditors, opens reveals and ends votes.
	pub fn tick(&mut self, state: &mut FakeState) {
		let auditors = |contributor: &AccountId| -> Vec<AccountId> {
			let workers = state.workers.values().filter(|worker| worker.roles.contains(Role::Auditor));
			workers
				.map(|worker| worker.account.clone())
				.filter(|who| who != contributor)
				.take(AUDITORS)
				.collect()
		};
		let mut drawn = BTreeMap::new();
		for (dataset, record) in &state.kept_datasets {
			drawn.insert(*dataset, auditors(&record.contributor));
		}
		let mut approved = Vec::new();
		for (dataset, record) in &mut state.kept_datasets {
			if let Some(audit) = &mut record.audit {
				match audit.phase {
					DatasetAuditPhase::AwaitingDraw if drawn[dataset].len() == AUDITORS => {
						audit.auditors = drawn[dataset].clone();
						audit.seed = Some(Hash::repeat_byte(7));
						audit.phase = DatasetAuditPhase::Commit { until: u32::MAX };
					}
					DatasetAuditPhase::Commit { .. }
						if audit.committed.len() == AUDITORS && !self.holds_reveals =>
					{
						audit.phase = DatasetAuditPhase::Reveal { until: u32::MAX };
					}
					_ => {}
				}
			}
			if matches!(record.stage, DatasetStage::Vote { .. }) && record.ayes + record.nays >= record.quorum
			{
				let approval = share_down(record.ayes.into(), u64::from(record.ayes + record.nays));
				let report = record.report.as_ref().unwrap();
				record.stage = match best_tier(report, approval, &QualityLimits::default()) {
					Some(tier) => DatasetStage::Approved { tier, since: 2 },
					None => DatasetStage::Rejected { reason: Refusal::Votes, until: u32::MAX },
				};
				if matches!(record.stage, DatasetStage::Approved { .. }) {
					approved.push(*dataset);
				}
			}
		}
		state.learnable.entry(0).or_default().extend(approved);
	}
}

/// Ends an audit whose auditors all revealed: a report is what most reported.
fn close_audit(record: &mut DatasetRecord<AccountId>) {
	let audit = record.audit.take().unwrap();
	let findings: Vec<DatasetFinding> = audit.revealed.into_iter().map(|(_, finding)| finding).collect();
	let reports: Vec<_> = findings
		.iter()
		.filter_map(|finding| match finding {
			DatasetFinding::Report(report) => Some(report.clone()),
			_ => None,
		})
		.collect();
	let turned_away = |reason| DatasetStage::Rejected { reason, until: u32::MAX };
	if reports.len() * 3 < AUDITORS * 2 {
		let are_absent = findings.iter().filter(|finding| **finding == DatasetFinding::Unfetchable).count();
		let reason =
			if are_absent * 3 >= AUDITORS * 2 { Refusal::Unfetchable } else { Refusal::NotAsDeclared };
		record.stage = turned_away(reason);
		return;
	}
	record.report = medians(&reports);
	record.stage = match judge(record.report.as_ref().unwrap(), &QualityLimits::default()) {
		Outcome::Admissible(_) => DatasetStage::Vote { until: u32::MAX, is_extended: false },
		Outcome::Rejected(reason) => turned_away(Refusal::Quality(reason)),
	};
}

/// Approves a dataset of that text, in one part, whose content is in the store.
pub fn approve(chain: &TestChain, store: &Store, text: &[u8]) -> DatasetId {
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
	let record = DatasetRecord {
		offer: document.offer(stored.cid, stored.bytes as u32).unwrap(),
		contributor: AccountId::new([3; 32]),
		offered_at: 1,
		stage: DatasetStage::Approved { tier: Tier::Gold, since: 1 },
		audit: None,
		report: None,
		ayes: 0,
		nays: 0,
		quorum: 0,
		score: 0,
	};
	chain.fake.edit(|state| state.kept_datasets.insert(stored.cid, record));
	stored.cid
}
