//! What a contributor does next: a pure function of its journal, the chain, and what just happened.
//!
//! The chain takes an offer once while it keeps it. What was signed is in the journal before it is sent, so a contributor
//! that is killed sends the very same call again, or finds it taken; and what was taken and forgotten is not offered
//! again unless somebody says so.

use crate::scale::ScaleHex;
use blyan_chain_client::SignedCall;
use blyan_primitives::{
	api::{DatasetAuditPhase, DatasetRecord},
	datasets::{DatasetStage, Refusal, Tier},
	AccountId, BlockNumber,
};
use serde::{Deserialize, Serialize};

/// What is written down before anybody is told of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
	/// The offer is signed, and about to be sent.
	Signed(ScaleHex<SignedCall>),
	/// The chain has it.
	Taken,
	/// It is to be offered again, though the chain had it once.
	Again,
}

/// What just happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
	/// A block was finalized, and this is what the chain has of the dataset in it.
	Seen(Option<Box<DatasetRecord<AccountId>>>),
	/// Sending returned.
	Returned(Sent),
}

/// What became of sending an offer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sent {
	/// It is in a finalized block.
	Done,
	/// It is not known, or nothing was sent: looked at again with the next block.
	Unknown,
	/// What was signed can come into no block any more, or was refused for what passes: signed anew.
	Dropped,
	/// The chain has the very content.
	Kept,
	/// The chain refuses it for good.
	Refused(String),
}

/// How it ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
	/// Models may learn from it.
	Approved(Tier),
	/// It was turned away; there is time to appeal.
	Rejected {
		/// Why.
		reason: Refusal,
		/// Until when there is.
		until: BlockNumber,
	},
	/// The chain had it, and keeps it no more.
	Forgotten,
	/// Somebody else offered the same content.
	OfferedBy(AccountId),
	/// It was to be offered again, and the chain keeps it still.
	StillKept,
	/// The chain refuses the call.
	Refused(String),
}

/// What to do, in the order given. If one cannot be done, those after it must not be.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
	/// Write it down, durably.
	Journal(Entry),
	/// Make the proof of work, sign, journal what was signed, and send; answer with `Returned`.
	Offer,
	/// Send what was signed before; answer with `Returned`.
	Resume(Box<SignedCall>),
	/// Tell where the dataset is in its life.
	Tell(Box<DatasetRecord<AccountId>>),
	/// Leave.
	End(End),
}

/// The stage, and how far its audit is: what a person is told of when it changes.
type Shown = (DatasetStage<BlockNumber>, Option<(u32, u32, DatasetAuditPhase)>);

/// What a contributor knows of its offer.
#[derive(Clone, Debug)]
pub struct State {
	me: AccountId,
	/// Signed, and perhaps sent.
	signed: Option<SignedCall>,
	is_taken: bool,
	/// Whether it is to be offered again, though the chain may still show how it ended.
	is_again: bool,
	/// Whether an approved dataset is followed on.
	stays: bool,
	shown: Option<Shown>,
}

impl State {
	/// The state of `me` after what its journal says. With `stays`, approval is not the end.
	pub fn new(me: AccountId, stays: bool, journal: impl IntoIterator<Item = Entry>) -> Self {
		let mut state = Self { me, signed: None, is_taken: false, is_again: false, stays, shown: None };
		journal.into_iter().for_each(|entry| state.keep(entry));
		state
	}

	/// Takes in what was journalled.
	pub fn keep(&mut self, entry: Entry) {
		match entry {
			Entry::Signed(signed) => self.signed = Some(signed.0),
			Entry::Taken => (self.is_taken, self.is_again, self.signed) = (true, false, None),
			Entry::Again => (self.is_taken, self.is_again, self.signed) = (false, true, None),
		}
	}

	/// Whether the chain had it.
	pub fn is_taken(&self) -> bool {
		self.is_taken
	}

	fn offer(&self) -> Action {
		match &self.signed {
			Some(signed) => Action::Resume(Box::new(signed.clone())),
			None => Action::Offer,
		}
	}

	fn seen(&mut self, record: Box<DatasetRecord<AccountId>>) -> Vec<Action> {
		if record.contributor != self.me {
			return vec![Action::End(End::OfferedBy(record.contributor))];
		}
		// What nobody is to blame for may be offered again at once.
		if self.is_again
			&& matches!(record.stage, DatasetStage::Rejected { reason, .. } if !reason.is_rejection())
		{
			return vec![self.offer()];
		}
		let mut actions = Vec::new();
		if !self.is_taken {
			self.keep(Entry::Taken);
			actions.push(Action::Journal(Entry::Taken));
		}
		let audit = record.audit.as_ref().map(|audit| (audit.audit, audit.attempt, audit.phase));
		let (stage, shown) = (record.stage, (record.stage, audit));
		if self.shown != Some(shown) {
			self.shown = Some(shown);
			actions.push(Action::Tell(record));
		}
		match stage {
			DatasetStage::Approved { tier, .. } if !self.stays => {
				actions.push(Action::End(End::Approved(tier)))
			}
			DatasetStage::Rejected { reason, until } => {
				actions.push(Action::End(End::Rejected { reason, until }))
			}
			_ => {}
		}
		actions
	}
}

/// What to do after `input`.
pub fn step(state: &mut State, input: Input) -> Vec<Action> {
	match input {
		Input::Seen(Some(record)) => state.seen(record),
		Input::Seen(None) if state.is_taken => vec![Action::End(End::Forgotten)],
		Input::Seen(None) => vec![state.offer()],
		Input::Returned(Sent::Done | Sent::Unknown) => vec![],
		Input::Returned(Sent::Kept) if state.is_again => vec![Action::End(End::StillKept)],
		Input::Returned(Sent::Dropped | Sent::Kept) => {
			state.signed = None;
			vec![]
		}
		Input::Returned(Sent::Refused(why)) => vec![Action::End(End::Refused(why))],
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::datasets::tests::{record, CONTRIBUTOR};
	use blyan_primitives::Hash;

	fn signed(nonce: u32) -> SignedCall {
		SignedCall {
			account: CONTRIBUTOR,
			call: "Datasets.offer".into(),
			nonce,
			transaction: Hash::repeat_byte(nonce as u8),
			valid_from: 1,
			valid_until: 65,
			bytes: vec![1],
		}
	}

	fn seen(stage: DatasetStage<u32>) -> Input {
		Input::Seen(Some(Box::new(record(stage))))
	}

	fn new(journal: impl IntoIterator<Item = Entry>) -> State {
		State::new(CONTRIBUTOR, false, journal)
	}

	const PENDING: DatasetStage<u32> = DatasetStage::Pending;
	const APPROVED: DatasetStage<u32> = DatasetStage::Approved { tier: Tier::Gold, since: 9 };

	#[test]
	fn offer_should_be_sent_once_told_by_stage_and_end_when_approved() {
		let mut state = new([]);
		assert_eq!(step(&mut state, Input::Seen(None)), [Action::Offer]);
		assert_eq!(step(&mut state, Input::Returned(Sent::Done)), []);
		let told = |stage| Action::Tell(Box::new(record(stage)));
		assert_eq!(step(&mut state, seen(PENDING)), [Action::Journal(Entry::Taken), told(PENDING)]);
		assert_eq!(step(&mut state, seen(PENDING)), [], "told once");
		assert_eq!(step(&mut state, seen(DatasetStage::Audit)), [told(DatasetStage::Audit)]);
		assert_eq!(
			step(&mut state, seen(APPROVED)),
			[told(APPROVED), Action::End(End::Approved(Tier::Gold))]
		);
		let mut stays = State::new(CONTRIBUTOR, true, [Entry::Taken]);
		assert_eq!(step(&mut stays, seen(APPROVED)), [told(APPROVED)]);
	}

	#[test]
	fn offer_should_be_resumed_with_what_was_signed_when_started_again_and_signed_anew_when_that_lapsed() {
		let mut state = new([Entry::Signed(ScaleHex(signed(1))), Entry::Signed(ScaleHex(signed(2)))]);
		assert_eq!(step(&mut state, Input::Seen(None)), [Action::Resume(Box::new(signed(2)))]);
		step(&mut state, Input::Returned(Sent::Unknown));
		assert_eq!(step(&mut state, Input::Seen(None)), [Action::Resume(Box::new(signed(2)))]);
		step(&mut state, Input::Returned(Sent::Dropped));
		assert_eq!(step(&mut state, Input::Seen(None)), [Action::Offer]);
	}

	#[test]
	fn offer_should_not_be_sent_when_it_is_there_was_there_or_is_another_s() {
		assert_eq!(step(&mut new([Entry::Taken]), Input::Seen(None)), [Action::End(End::Forgotten)]);
		assert_eq!(step(&mut new([Entry::Taken, Entry::Again]), Input::Seen(None)), [Action::Offer]);
		let other = AccountId::new([9; 32]);
		let mut state = State::new(other, false, []);
		assert_eq!(step(&mut state, seen(PENDING)), [Action::End(End::OfferedBy(CONTRIBUTOR))]);
		let told = step(&mut new([]), seen(PENDING));
		assert!(!told.contains(&Action::Offer), "{told:?}");
	}

	#[test]
	fn offer_should_be_sent_again_at_once_when_that_is_wanted_and_nobody_is_to_blame() {
		let rejected = |reason| seen(DatasetStage::Rejected { reason, until: 50 });
		let mut state = new([Entry::Taken, Entry::Again]);
		assert_eq!(step(&mut state, rejected(Refusal::NoQuorum)), [Action::Offer]);
		let mut early = state.clone();
		assert_eq!(step(&mut early, Input::Returned(Sent::Kept)), [Action::End(End::StillKept)]);
		assert!(step(&mut state, seen(PENDING)).contains(&Action::Journal(Entry::Taken)));
		let ended = step(&mut state, rejected(Refusal::NoQuorum));
		assert!(!ended.contains(&Action::Offer), "once: {ended:?}");
		let blamed = step(&mut new([Entry::Taken, Entry::Again]), rejected(Refusal::Votes));
		assert!(!blamed.contains(&Action::Offer), "{blamed:?}");
	}

	#[test]
	fn offer_should_end_with_the_reason_when_it_is_turned_away() {
		let rejected = DatasetStage::Rejected { reason: Refusal::Votes, until: 50 };
		let actions = step(&mut new([Entry::Taken]), seen(rejected));
		assert_eq!(actions.last(), Some(&Action::End(End::Rejected { reason: Refusal::Votes, until: 50 })));
		let refused = step(&mut new([]), Input::Returned(Sent::Refused("no".into())));
		assert_eq!(refused, [Action::End(End::Refused("no".into()))]);
	}
}
