//! What the events say of a dataset.

use super::Names;
use crate::{
	chronicle::Entry,
	money::Amount,
	summary::{Dataset, Vote},
};
use blyan_chain_client::ChainEvent;
use blyan_primitives::{
	datasets::{DatasetFinding, Refusal, Tier},
	manifest::DatasetId,
	AccountId,
};
use serde::Serialize;

/// The datasets that an account offered, in order; those offered again are named once.
pub fn offered_by(entries: &[Entry], who: &AccountId) -> Vec<DatasetId> {
	let mut found = Vec::new();
	for entry in entries {
		if let ChainEvent::DatasetOffered { dataset, contributor } = &entry.event {
			if contributor == who && !found.contains(dataset) {
				found.push(*dataset);
			}
		}
	}
	found
}

/// Whether a dataset's audit let it come to a vote.
pub fn is_in_vote(entries: &[Entry], wanted: DatasetId) -> Option<()> {
	let opened = |entry: &Entry| matches!(&entry.event, ChainEvent::DatasetVoteOpened { dataset, .. } if *dataset == wanted);
	entries.iter().any(opened).then_some(())
}

/// Whether a dataset was approved or turned away.
pub fn is_decided(entries: &[Entry], wanted: DatasetId) -> Option<()> {
	let decided = |entry: &Entry| match &entry.event {
		ChainEvent::DatasetApproved { dataset, .. } | ChainEvent::DatasetRejected { dataset, .. } => {
			*dataset == wanted
		}
		_ => false,
	};
	entries.iter().any(decided).then_some(())
}

/// Whether every vote on a dataset is settled.
pub fn are_votes_settled(entries: &[Entry], wanted: DatasetId) -> Option<()> {
	let count = |is: fn(&ChainEvent) -> Option<&DatasetId>| {
		entries.iter().filter(|entry| is(&entry.event) == Some(&wanted)).count()
	};
	let voted = count(|event| match event {
		ChainEvent::DatasetVoted { dataset, .. } => Some(dataset),
		_ => None,
	});
	let settled = count(|event| match event {
		ChainEvent::DatasetVoteSettled { dataset, .. } => Some(dataset),
		_ => None,
	});
	(voted == settled).then_some(())
}

/// Where a dataset stands, for people.
pub fn phase(entries: &[Entry], wanted: DatasetId, names: &Names) -> String {
	let (mut text, mut committed, mut revealed) = ("waiting for auditors".to_string(), 0, 0);
	let (mut ayes, mut nays) = (0, 0);
	for entry in entries {
		match &entry.event {
			ChainEvent::DatasetAuditorsDrawn { dataset, auditors, .. } if *dataset == wanted => {
				(committed, revealed) = (0, 0);
				text = format!("audited by {}", listed(auditors, names));
			}
			ChainEvent::DatasetFindingCommitted { dataset, .. } if *dataset == wanted => {
				committed += 1;
				text = format!("{committed} auditors committed");
			}
			ChainEvent::DatasetFindingRevealed { dataset, .. } if *dataset == wanted => {
				revealed += 1;
				text = format!("{committed} auditors committed, {revealed} revealed");
			}
			ChainEvent::DatasetVoteOpened { dataset, until, .. } if *dataset == wanted => {
				text = format!("vote until block {until}");
			}
			ChainEvent::DatasetVoted { dataset, aye, .. } if *dataset == wanted => {
				(ayes, nays) = if *aye { (ayes + 1, nays) } else { (ayes, nays + 1) };
				text = format!("vote: {ayes} for, {nays} against");
			}
			_ => (),
		}
	}
	text
}

/// What became of a dataset: fills in what the events say. `found` has what was offered.
pub fn follow(entries: &[Entry], wanted: DatasetId, mut found: Dataset, names: &Names) -> Dataset {
	found.stage = "pending".into();
	for entry in entries {
		match &entry.event {
			ChainEvent::DatasetAuditorsDrawn { dataset, auditors, .. } if *dataset == wanted => {
				found.stage = "audit".into();
				found.auditors = auditors.iter().map(|auditor| names.of(auditor)).collect();
			}
			ChainEvent::DatasetAuditClosed {
				dataset, finding: Some(DatasetFinding::Report(report)), ..
			} if *dataset == wanted => {
				found.report = Some(report.clone());
			}
			ChainEvent::DatasetAuditorFaulted { dataset, auditor, fault, slashed } if *dataset == wanted => {
				found.faults.push(format!(
					"{}: {fault:?}, slashed {} BLY",
					names.of(auditor),
					Amount(*slashed)
				))
			}
			ChainEvent::DatasetVoteOpened { dataset, .. } if *dataset == wanted => {
				found.stage = "vote".into()
			}
			ChainEvent::DatasetVoted { dataset, voter, aye } if *dataset == wanted => {
				found.votes.push(Vote { name: names.of(voter), aye: *aye, ..Vote::default() });
			}
			ChainEvent::DatasetVoteSettled { dataset, voter, returned, burned, reward }
				if *dataset == wanted =>
			{
				let name = names.of(voter);
				if let Some(vote) = found.votes.iter_mut().find(|vote| vote.name == name) {
					(vote.returned, vote.burned, vote.reward) =
						(Amount(*returned), Amount(*burned), Amount(*reward));
				}
			}
			ChainEvent::DatasetApproved { dataset, tier, score, .. } if *dataset == wanted => {
				(found.stage, found.tier, found.score) = ("approved".into(), Some(word(tier)), *score);
			}
			ChainEvent::DatasetRejected { dataset, reason, .. } if *dataset == wanted => {
				(found.stage, found.reason) = ("rejected".into(), Some(refusal(*reason)));
			}
			ChainEvent::DatasetQuarantined { dataset, reason, .. } if *dataset == wanted => {
				(found.stage, found.reason) = ("quarantined".into(), Some(refusal(*reason)));
			}
			ChainEvent::DatasetTierLowered { dataset, to, .. } if *dataset == wanted => {
				found.tier = Some(tier(*to));
			}
			_ => (),
		}
	}
	found
}

/// What was accrued for a dataset: of the data's share of what was gained, and out of its purse.
pub fn accrued_for(entries: &[Entry], wanted: DatasetId) -> (Amount, Amount) {
	let accrued = |entry: &Entry| match &entry.event {
		ChainEvent::DataAccrued { dataset, earned, purse, .. } if *dataset == wanted => {
			Some((Amount(*earned), Amount(*purse)))
		}
		_ => None,
	};
	let (earned, purse): (Vec<_>, Vec<_>) = entries.iter().filter_map(accrued).unzip();
	(earned.into_iter().sum(), purse.into_iter().sum())
}

/// What an account was paid out of the rewards.
pub fn paid_to(entries: &[Entry], who: &AccountId) -> Amount {
	let paid = |entry: &Entry| match &entry.event {
		ChainEvent::RewardPaid { account, amount, .. } if account == who => Some(Amount(*amount)),
		_ => None,
	};
	entries.iter().filter_map(paid).sum()
}

fn listed(accounts: &[AccountId], names: &Names) -> String {
	accounts.iter().map(|account| names.of(account)).collect::<Vec<_>>().join(", ")
}

fn refusal(reason: Refusal) -> String {
	match reason {
		Refusal::Quality(reason) => word(&reason),
		reason => word(&reason),
	}
}

fn tier(tier: Tier) -> String {
	word(&tier)
}

/// How a value without fields is written in JSON.
fn word(value: &impl Serialize) -> String {
	match serde_json::to_value(value) {
		Ok(serde_json::Value::String(word)) => word,
		other => format!("{other:?}"),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::summary::Offered;
	use blyan_primitives::{
		cid::{Cid, CidCodec},
		datasets::{QualityReport, RejectionReason},
		economy::BLY,
		worker::Fault,
		Hash,
	};

	const GOOD: DatasetId = Cid { codec: CidCodec::Raw, digest: [1; 32] };
	const BAD: DatasetId = Cid { codec: CidCodec::Raw, digest: [2; 32] };

	fn account(n: u8) -> AccountId {
		AccountId::new([n; 32])
	}

	fn names() -> Names {
		Names(vec![(account(1), "curator"), (account(2), "auditor-1"), (account(3), "server")])
	}

	fn entries() -> Vec<Entry> {
		let report = |personal_data| QualityReport { samples: 9, personal_data, ..QualityReport::default() };
		let drawn = |dataset, attempt| ChainEvent::DatasetAuditorsDrawn {
			dataset,
			audit: 0,
			attempt,
			auditors: vec![account(2), account(9)],
			seed: Hash::zero(),
			commit_until: 30,
		};
		let closed = |dataset, report| ChainEvent::DatasetAuditClosed {
			dataset,
			audit: 0,
			finding: Some(DatasetFinding::Report(report)),
		};
		let offered = |dataset| ChainEvent::DatasetOffered { dataset, contributor: account(1) };
		let voted = |voter, aye| ChainEvent::DatasetVoted { dataset: GOOD, voter: account(voter), aye };
		let settled = |voter, returned, burned, reward| ChainEvent::DatasetVoteSettled {
			dataset: GOOD,
			voter: account(voter),
			returned,
			burned,
			reward,
		};
		let accrued = |dataset, earned, purse| ChainEvent::DataAccrued {
			epoch: 1,
			dataset,
			contributor: account(1),
			earned,
			purse,
			submission: 4,
		};
		let events = vec![
			offered(GOOD),
			offered(BAD),
			ChainEvent::DatasetOffered { dataset: BAD, contributor: account(4) },
			offered(GOOD),
			drawn(GOOD, 0),
			drawn(BAD, 0),
			ChainEvent::DatasetAuditorFaulted {
				dataset: BAD,
				auditor: account(2),
				fault: Fault::NoReveal,
				slashed: BLY,
			},
			closed(GOOD, report(0)),
			closed(BAD, report(50_000)),
			ChainEvent::DatasetVoteOpened { dataset: GOOD, until: 50, quorum: 1 },
			ChainEvent::DatasetRejected {
				dataset: BAD,
				contributor: account(1),
				reason: Refusal::Quality(RejectionReason::PersonalData),
				until: 90,
			},
			voted(2, true),
			voted(3, false),
			ChainEvent::DatasetApproved {
				dataset: GOOD,
				contributor: account(1),
				tier: Tier::Gold,
				score: 7,
			},
			settled(2, BLY, 0, 5),
			settled(3, 0, BLY, 0),
			accrued(GOOD, 3, 2),
			accrued(BAD, 7, 7),
			accrued(GOOD, 1, 1),
			ChainEvent::RewardPaid { account: account(1), epoch: 2, amount: BLY },
			ChainEvent::RewardPaid { account: account(2), epoch: 2, amount: BLY },
			ChainEvent::RewardPaid { account: account(1), epoch: 3, amount: 2 * BLY },
		];
		events.into_iter().enumerate().map(|(block, event)| Entry { block: block as u32, event }).collect()
	}

	#[test]
	fn follow_should_put_each_dataset_together_from_its_own_events() {
		let entries = entries();
		let offered = |expected| Dataset { expected, ..Dataset::default() };
		let good = follow(&entries, GOOD, offered(Offered::Approved { is_confirmed: true }), &names());
		assert_eq!((good.stage.as_str(), good.tier.as_deref(), good.score), ("approved", Some("gold"), 7));
		assert_eq!((good.reason, good.faults.len(), good.auditors.len()), (None, 0, 2));
		let vote = |name: &str, aye, returned, burned, reward| Vote {
			name: name.into(),
			aye,
			returned: Amount(returned),
			burned: Amount(burned),
			reward: Amount(reward),
		};
		assert_eq!(good.votes, [vote("auditor-1", true, BLY, 0, 5), vote("server", false, 0, BLY, 0)]);
		let bad = follow(&entries, BAD, offered(Offered::RefusedForPersonalData), &names());
		assert_eq!((bad.stage.as_str(), bad.reason.as_deref()), ("rejected", Some("personal_data")));
		assert_eq!(bad.report.map(|report| report.personal_data), Some(50_000));
		assert_eq!(bad.faults, ["auditor-1: NoReveal, slashed 1 BLY"]);
		let before = follow(&entries[..5], BAD, Dataset::default(), &names());
		assert_eq!((before.stage.as_str(), before.report), ("pending", None));
	}

	#[test]
	fn stages_should_be_seen_when_their_events_are_there() {
		let entries = entries();
		assert_eq!(offered_by(&entries, &account(1)), [GOOD, BAD]);
		assert_eq!(offered_by(&entries, &account(2)), []);
		assert_eq!((is_in_vote(&entries, GOOD), is_in_vote(&entries, BAD)), (Some(()), None));
		assert_eq!((is_decided(&entries[..11], GOOD), is_decided(&entries[..11], BAD)), (None, Some(())));
		assert_eq!(
			(are_votes_settled(&entries[..14], GOOD), are_votes_settled(&entries, GOOD)),
			(None, Some(()))
		);
		assert_eq!(paid_to(&entries, &account(1)), Amount(3 * BLY));
		assert_eq!(accrued_for(&entries, GOOD), (Amount(4), Amount(3)));
		let phase = |count: usize| phase(&entries[..count], GOOD, &names());
		assert_eq!(phase(1), "waiting for auditors");
		assert!(phase(5).starts_with("audited by auditor-1, "));
		assert_eq!((phase(10), phase(13)), ("vote until block 50".into(), "vote: 1 for, 1 against".into()));
	}
}
