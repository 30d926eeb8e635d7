//! Voting on datasets by what auditors reported, and settling votes that are over: a pure core.

use crate::config::{VoteConfig, VotePolicy};
use blyan_primitives::{
	api::DatasetRecord,
	datasets::{judge, DatasetStage, Outcome, QualityLimits},
	manifest::DatasetId,
	AccountId,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What is written down before anybody is told of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
	/// A vote is about to be cast.
	Voted {
		/// On what.
		dataset: DatasetId,
		/// Whether in favour.
		aye: bool,
	},
	/// What was held for it is settled, or never was.
	Settled {
		/// On what.
		dataset: DatasetId,
	},
}

/// What just happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
	/// How things stand.
	Seen {
		/// Every dataset that is voted on, and how this worker voted, if the chain knows of it.
		open: Vec<(DatasetRecord<AccountId>, Option<bool>)>,
		/// Of the datasets that this worker voted on and that are not voted on any more: whether the chain keeps its
		/// vote still.
		over: Vec<(DatasetId, bool)>,
	},
	/// A call returned.
	Returned {
		/// Which.
		call: Call,
		/// Whether sending the same again is of any use.
		is_final: bool,
	},
}

/// A call to send.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Call {
	/// Vote.
	Vote {
		/// On what.
		dataset: DatasetId,
		/// Whether in favour.
		aye: bool,
	},
	/// Settle this worker's vote.
	Settle {
		/// On what.
		dataset: DatasetId,
	},
}

/// What to do, in the order given. If one cannot be done, those after it must not be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
	/// Write it down, durably.
	Journal(Entry),
	/// Send, without waiting; answer with `Returned`.
	Send(Call),
}

/// What a voter knows.
#[derive(Clone, Debug)]
pub struct State {
	me: AccountId,
	config: VoteConfig,
	limits: QualityLimits,
	/// Votes that are not settled, by the journal.
	voted: BTreeMap<DatasetId, bool>,
	/// Calls under way.
	sent: BTreeSet<Call>,
	/// Calls that are of no use.
	useless: BTreeSet<Call>,
}

impl State {
	/// The state of `me` after what its journal says; by those limits reports are judged.
	pub fn new(
		me: AccountId,
		config: VoteConfig,
		limits: QualityLimits,
		journal: impl IntoIterator<Item = Entry>,
	) -> Self {
		let (voted, sent, useless) = Default::default();
		let mut state = Self { me, config, limits, voted, sent, useless };
		journal.into_iter().for_each(|entry| state.keep(entry));
		state
	}

	/// Whether calls are under way.
	pub fn has_calls(&self) -> bool {
		!self.sent.is_empty()
	}

	/// The datasets that this worker voted on, and whose vote is not settled.
	pub fn unsettled(&self) -> impl Iterator<Item = DatasetId> + '_ {
		self.voted.keys().copied()
	}

	fn keep(&mut self, entry: Entry) {
		match entry {
			// What was decided first stands: the chain takes no other.
			Entry::Voted { dataset, aye } => {
				self.voted.entry(dataset).or_insert(aye);
			}
			Entry::Settled { dataset } => {
				self.voted.remove(&dataset);
			}
		}
	}

	fn journal(&mut self, actions: &mut Vec<Action>, entry: Entry) {
		self.keep(entry);
		actions.push(Action::Journal(entry));
	}

	fn send(&mut self, actions: &mut Vec<Action>, call: Call) {
		if !self.useless.contains(&call) && self.sent.insert(call) {
			actions.push(Action::Send(call));
		}
	}

	/// How it votes, if it does.
	fn opinion(&self, record: &DatasetRecord<AccountId>) -> Option<bool> {
		let is_open = matches!(record.stage, DatasetStage::Vote { .. });
		let may = is_open && record.contributor != self.me && self.config.policy == VotePolicy::ByReport;
		may.then(|| is_good(record, self.config, &self.limits)).flatten()
	}
}

/// Whether the auditors' report speaks for a dataset; `None` if there is none.
pub fn is_good(
	record: &DatasetRecord<AccountId>,
	config: VoteConfig,
	limits: &QualityLimits,
) -> Option<bool> {
	Some(match judge(record.report.as_ref()?, limits) {
		Outcome::Admissible(tier) => tier >= config.least_tier,
		Outcome::Rejected(_) => false,
	})
}

/// What to do after `input`.
pub fn step(state: &mut State, input: Input) -> Vec<Action> {
	let mut actions = Vec::new();
	match input {
		Input::Seen { open, over } => {
			let shown: BTreeSet<DatasetId> = open
				.iter()
				.map(|(record, _)| record.offer.content)
				.chain(over.iter().map(|(id, _)| *id))
				.collect();
			state
				.useless
				.retain(|(Call::Vote { dataset, .. } | Call::Settle { dataset })| shown.contains(dataset));
			for (record, cast) in open {
				let dataset = record.offer.content;
				if cast.is_some() {
					continue;
				}
				let aye = match state.voted.get(&dataset) {
					// Journalled, and killed before it was sent.
					Some(aye) => *aye,
					None => match state.opinion(&record) {
						Some(aye) => {
							state.journal(&mut actions, Entry::Voted { dataset, aye });
							aye
						}
						None => continue,
					},
				};
				state.send(&mut actions, Call::Vote { dataset, aye });
			}
			for (dataset, is_kept) in over {
				match is_kept {
					true => state.send(&mut actions, Call::Settle { dataset }),
					// Anybody may settle it; or it was never taken.
					false if state.voted.contains_key(&dataset) => {
						state.journal(&mut actions, Entry::Settled { dataset });
					}
					false => {}
				}
			}
		}
		Input::Returned { call, is_final } => {
			state.sent.remove(&call);
			if is_final {
				state.useless.insert(call);
			}
		}
	}
	actions
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::datasets::tests::{record, CONTRIBUTOR};
	use blyan_primitives::datasets::{Licence, QualityReport, Tier};

	const ME: AccountId = AccountId::new([7; 32]);
	const VOTE: DatasetStage<u32> = DatasetStage::Vote { until: 40, is_extended: false };

	fn clean(licence: Licence) -> DatasetRecord<AccountId> {
		let report = QualityReport { samples: 10, records: 10, licence, ..Default::default() };
		DatasetRecord { report: Some(report), ..record(VOTE) }
	}

	fn state(least_tier: Tier) -> State {
		let config = VoteConfig { policy: VotePolicy::ByReport, least_tier };
		State::new(ME, config, QualityLimits::default(), [])
	}

	fn seen(record: DatasetRecord<AccountId>, cast: Option<bool>) -> Input {
		Input::Seen { open: vec![(record, cast)], over: vec![] }
	}

	fn id() -> DatasetId {
		record(VOTE).offer.content
	}

	#[test]
	fn vote_should_be_as_the_report_admits_the_least_tier_and_journalled_first() {
		let voted = |aye| {
			[
				Action::Journal(Entry::Voted { dataset: id(), aye }),
				Action::Send(Call::Vote { dataset: id(), aye }),
			]
		};
		assert_eq!(step(&mut state(Tier::Gold), seen(clean(Licence::Verified), None)), voted(true));
		assert_eq!(step(&mut state(Tier::Silver), seen(clean(Licence::Declared), None)), voted(false));
		assert_eq!(step(&mut state(Tier::Experimental), seen(clean(Licence::Declared), None)), voted(true));
		assert_eq!(step(&mut state(Tier::Experimental), seen(clean(Licence::Unknown), None)), voted(false));
	}

	#[test]
	fn vote_should_not_be_cast_on_its_own_without_a_report_when_cast_or_when_off() {
		let own = DatasetRecord { contributor: ME, ..clean(Licence::Verified) };
		assert_ne!(own.contributor, CONTRIBUTOR);
		assert_eq!(step(&mut state(Tier::Gold), seen(own, None)), []);
		assert_eq!(step(&mut state(Tier::Gold), seen(record(VOTE), None)), []);
		assert_eq!(step(&mut state(Tier::Gold), seen(clean(Licence::Verified), Some(false))), []);
		let mut off = State::new(ME, VoteConfig::default(), QualityLimits::default(), []);
		assert_eq!(step(&mut off, seen(clean(Licence::Verified), None)), []);
	}

	#[test]
	fn vote_should_be_the_journalled_one_when_started_again() {
		let journal = [Entry::Voted { dataset: id(), aye: false }];
		let config = VoteConfig { policy: VotePolicy::ByReport, least_tier: Tier::Experimental };
		let mut state = State::new(ME, config, QualityLimits::default(), journal);
		let call = Call::Vote { dataset: id(), aye: false };
		assert_eq!(step(&mut state, seen(clean(Licence::Verified), None)), [Action::Send(call)]);
		assert_eq!(step(&mut state, seen(clean(Licence::Verified), None)), [], "under way");
		step(&mut state, Input::Returned { call, is_final: false });
		assert_eq!(
			step(&mut state, seen(clean(Licence::Verified), None)),
			[Action::Send(call)],
			"tried again"
		);
		step(&mut state, Input::Returned { call, is_final: true });
		assert_eq!(step(&mut state, seen(clean(Licence::Verified), None)), [], "of no use");
	}

	#[test]
	fn vote_should_be_settled_once_when_it_is_over() {
		let mut state = State::new(
			ME,
			VoteConfig::default(),
			QualityLimits::default(),
			[Entry::Voted { dataset: id(), aye: true }],
		);
		let over = |is_kept| Input::Seen { open: vec![], over: vec![(id(), is_kept)] };
		assert_eq!(state.unsettled().collect::<Vec<_>>(), [id()]);
		assert_eq!(step(&mut state, over(true)), [Action::Send(Call::Settle { dataset: id() })]);
		assert_eq!(step(&mut state, over(true)), [], "under way");
		step(&mut state, Input::Returned { call: Call::Settle { dataset: id() }, is_final: false });
		assert_eq!(step(&mut state, over(false)), [Action::Journal(Entry::Settled { dataset: id() })]);
		assert_eq!(state.unsettled().count(), 0);
		assert_eq!(step(&mut state, over(false)), []);
	}
}
