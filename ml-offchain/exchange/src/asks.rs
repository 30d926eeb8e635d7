//! What one peer is asked for: who waits for which block. Pure.

use crate::message::AskKind;
use blyan_primitives::cid::Cid;
use blyan_store::Block;
use std::collections::{HashMap, HashSet, VecDeque};
use tokio::sync::oneshot;

/// Questions that are remembered, to tell a late answer from a wrong one: half a GiB of leaves.
const MAX_REMEMBERED: usize = 2_048;

/// Why a question got no block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
	/// The peer says that it does not have it.
	NotThere,
	/// The peer sent something else, of that many bytes.
	Wrong(usize),
	/// The peer cannot be reached any more.
	Lost(String),
}

/// What comes of a question.
pub(crate) type Reply = Result<Block, Refusal>;

/// What a block was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Receipt {
	/// Waited for.
	Wanted,
	/// Asked for once, and no longer waited for.
	Late,
	/// Never asked for.
	Unasked,
}

/// The questions to one peer.
#[derive(Default, Debug)]
pub(crate) struct Asks {
	waiting: HashMap<Cid, Vec<(u64, oneshot::Sender<Reply>)>>,
	unsent: Vec<(Cid, AskKind)>,
	remembered: HashSet<Cid>,
	order: VecDeque<Cid>,
	next: u64,
}

impl Asks {
	/// Asks for a block; the number withdraws the question.
	pub(crate) fn ask(&mut self, cid: Cid) -> (u64, oneshot::Receiver<Reply>) {
		let (sender, receiver) = oneshot::channel();
		let number = self.next;
		self.next += 1;
		let waiters = self.waiting.entry(cid).or_default();
		if waiters.is_empty() {
			self.unsent.push((cid, AskKind::Want));
		}
		waiters.push((number, sender));
		if self.remembered.insert(cid) {
			self.order.push_back(cid);
			if self.order.len() > MAX_REMEMBERED {
				if let Some(oldest) = self.order.pop_front() {
					self.remembered.remove(&oldest);
				}
			}
		}
		(number, receiver)
	}

	/// Takes a question back, unless it was answered.
	pub(crate) fn withdraw(&mut self, cid: &Cid, number: u64) {
		let Some(waiters) = self.waiting.get_mut(cid) else { return };
		waiters.retain(|(other, _)| *other != number);
		if waiters.is_empty() {
			self.waiting.remove(cid);
			let before = self.unsent.len();
			self.unsent.retain(|unsent| *unsent != (*cid, AskKind::Want));
			if self.unsent.len() == before {
				self.unsent.push((*cid, AskKind::Cancel));
			}
		}
	}

	/// Hands a block to whoever waits for it.
	pub(crate) fn received(&mut self, block: &Block) -> Receipt {
		match self.waiting.remove(&block.cid()) {
			Some(waiters) => {
				for (_, waiter) in waiters {
					// Who no longer waits is about to withdraw.
					let _ = waiter.send(Ok(block.clone()));
				}
				Receipt::Wanted
			}
			None if self.remembered.contains(&block.cid()) => Receipt::Late,
			None => Receipt::Unasked,
		}
	}

	/// The peer does not have that block.
	pub(crate) fn not_there(&mut self, cid: &Cid) {
		for (_, waiter) in self.waiting.remove(cid).into_iter().flatten() {
			let _ = waiter.send(Err(Refusal::NotThere));
		}
	}

	/// Ends every question.
	pub(crate) fn refuse_all(&mut self, refusal: &Refusal) {
		self.unsent.clear();
		for (_, waiter) in self.waiting.drain().flat_map(|(_, waiters)| waiters) {
			let _ = waiter.send(Err(refusal.clone()));
		}
	}

	/// What is to be sent, at most that many entries.
	pub(crate) fn take_unsent(&mut self, most: usize) -> Vec<(Cid, AskKind)> {
		self.unsent.drain(..self.unsent.len().min(most)).collect()
	}

	/// Whether there is nothing to send.
	pub(crate) fn is_sent(&self) -> bool {
		self.unsent.is_empty()
	}

	/// Whether nobody waits.
	pub(crate) fn is_idle(&self) -> bool {
		self.waiting.is_empty() && self.unsent.is_empty()
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use blyan_primitives::cid::CidCodec;
	use bytes::Bytes;

	fn block(number: u32) -> Block {
		Block::new(CidCodec::Raw, Bytes::copy_from_slice(&number.to_le_bytes()))
	}

	#[test]
	fn block_should_reach_everyone_who_waits_and_be_asked_for_once() {
		let mut asks = Asks::default();
		let block = block(1);
		let (_, mut first) = asks.ask(block.cid());
		let (_, mut second) = asks.ask(block.cid());
		assert_eq!(asks.take_unsent(9), [(block.cid(), AskKind::Want)]);
		assert!(asks.is_sent() && !asks.is_idle());
		assert_eq!(asks.received(&block), Receipt::Wanted);
		assert_eq!(first.try_recv().unwrap(), Ok(block.clone()));
		assert_eq!(second.try_recv().unwrap(), Ok(block.clone()));
		assert_eq!(asks.received(&block), Receipt::Late);
		assert!(asks.is_idle());
	}

	#[test]
	fn block_should_be_unasked_when_it_answers_no_question() {
		let mut asks = Asks::default();
		let (_, mut receiver) = asks.ask(block(1).cid());
		assert_eq!(asks.received(&block(2)), Receipt::Unasked);
		assert!(receiver.try_recv().is_err(), "the question stands");
	}

	#[test]
	fn withdrawing_should_send_a_cancel_only_when_the_question_was_sent_and_nobody_else_waits() {
		let mut asks = Asks::default();
		let cid = block(1).cid();
		let (first, _a) = asks.ask(cid);
		asks.withdraw(&cid, first);
		assert!(asks.is_idle(), "it was never sent");
		let (first, _a) = asks.ask(cid);
		let (second, _b) = asks.ask(cid);
		asks.take_unsent(9);
		asks.withdraw(&cid, first);
		assert!(asks.is_sent(), "the other still waits");
		asks.withdraw(&cid, second);
		asks.withdraw(&cid, second);
		assert_eq!(asks.take_unsent(9), [(cid, AskKind::Cancel)]);
		assert_eq!(asks.received(&block(1)), Receipt::Late, "it may have been on its way");
	}

	#[test]
	fn refusals_should_reach_those_they_concern() {
		let mut asks = Asks::default();
		let (_, mut one) = asks.ask(block(1).cid());
		let (_, mut two) = asks.ask(block(2).cid());
		asks.not_there(&block(1).cid());
		asks.not_there(&block(3).cid());
		assert_eq!(one.try_recv().unwrap(), Err(Refusal::NotThere));
		assert!(two.try_recv().is_err());
		asks.refuse_all(&Refusal::Wrong(7));
		assert_eq!(two.try_recv().unwrap(), Err(Refusal::Wrong(7)));
		assert!(asks.is_idle());
	}

	#[test]
	fn memory_should_be_bounded_whatever_is_asked() {
		let mut asks = Asks::default();
		for number in 0..3 * MAX_REMEMBERED as u32 {
			let (ask, _receiver) = asks.ask(block(number).cid());
			asks.take_unsent(usize::MAX);
			asks.received(&block(number));
			asks.withdraw(&block(number).cid(), ask);
		}
		assert!(asks.is_idle());
		assert_eq!((asks.remembered.len(), asks.order.len()), (MAX_REMEMBERED, MAX_REMEMBERED));
	}
}
