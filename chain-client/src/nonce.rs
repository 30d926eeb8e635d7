//! Which nonce comes next, for many calls in flight from one account.

use blyan_primitives::{AccountId, Nonce};
use std::{
	collections::HashMap,
	future::Future,
	sync::{Arc, Mutex},
};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// What is known of one account.
#[derive(Debug, Default)]
struct Account {
	/// The next nonce, if all before it were taken by the node; else the node is asked.
	next: Option<Nonce>,
	/// The node's answer is not believed below this: these nonces are known to be used.
	floor: Nonce,
}

/// Hands out nonces, one account at a time.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
	accounts: Mutex<HashMap<AccountId, Arc<AsyncMutex<Account>>>>,
}

impl Nonces {
	/// Waits until no other call of `account` is between its nonce and the node's pool. So a call that
	/// the node refuses never leaves a gap below one that it took.
	pub async fn lock(&self, account: &AccountId) -> NonceSlot {
		let slot = {
			let mut accounts = self.accounts.lock().expect("nothing panics while it holds the lock; qed");
			accounts.entry(account.clone()).or_default().clone()
		};
		NonceSlot { account: slot.lock_owned().await }
	}

	/// Forgets what was counted: some transaction was lost on its way.
	pub async fn forget(&self, account: &AccountId) {
		self.lock(account).await.account.next = None;
	}
}

/// The right to use an account's next nonce. Dropped without [`Self::accepted`], the node is asked
/// anew next time: whatever happened in between, no nonce is skipped.
pub(crate) struct NonceSlot {
	account: OwnedMutexGuard<Account>,
}

impl NonceSlot {
	/// The nonce to use; `ask` is what the node counts, its pool included.
	pub async fn take<E>(&mut self, ask: impl Future<Output = Result<Nonce, E>>) -> Result<Nonce, E> {
		match self.account.next.take() {
			Some(next) => Ok(next),
			None => Ok(ask.await?.max(self.account.floor)),
		}
	}

	/// The node took the transaction with that nonce.
	pub fn accepted(mut self, nonce: Nonce) {
		self.account.next = nonce.checked_add(1);
		self.account.floor = 0;
	}

	/// The node says that the nonce is used by another transaction.
	pub fn taken(&mut self, nonce: Nonce) {
		self.account.next = None;
		self.account.floor = nonce.saturating_add(1);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::sync::atomic::{AtomicU32, Ordering};

	fn account(n: u8) -> AccountId {
		AccountId::new([n; 32])
	}

	async fn node(answer: Nonce, asked: &AtomicU32) -> Result<Nonce, ()> {
		asked.fetch_add(1, Ordering::SeqCst);
		Ok(answer)
	}

	#[tokio::test]
	async fn nonces_should_be_consecutive_and_asked_for_once_when_many_calls_are_in_flight() {
		let nonces = Arc::new(Nonces::default());
		let asked = Arc::new(AtomicU32::new(0));
		let calls = (0..50).map(|_| {
			let (nonces, asked) = (nonces.clone(), asked.clone());
			tokio::spawn(async move {
				let mut slot = nonces.lock(&account(1)).await;
				let nonce = slot.take(node(7, &asked)).await.unwrap();
				tokio::task::yield_now().await;
				slot.accepted(nonce);
				nonce
			})
		});
		let mut used: Vec<Nonce> = futures::future::try_join_all(calls).await.unwrap();
		used.sort_unstable();
		assert_eq!(used, (7..57).collect::<Vec<_>>());
		assert_eq!(asked.load(Ordering::SeqCst), 1);
	}

	#[tokio::test]
	async fn accounts_should_not_wait_for_each_other() {
		let nonces = Nonces::default();
		let asked = AtomicU32::new(0);
		let mut first = nonces.lock(&account(1)).await;
		let mut second = nonces.lock(&account(2)).await;
		assert_eq!(first.take(node(1, &asked)).await, Ok(1));
		assert_eq!(second.take(node(9, &asked)).await, Ok(9));
	}

	#[tokio::test]
	async fn node_should_be_asked_again_when_a_call_was_dropped_before_it_was_accepted() {
		let nonces = Nonces::default();
		let asked = AtomicU32::new(0);
		let mut slot = nonces.lock(&account(1)).await;
		let nonce = slot.take(node(3, &asked)).await.unwrap();
		slot.accepted(nonce);
		let mut slot = nonces.lock(&account(1)).await;
		assert_eq!(slot.take(node(0, &asked)).await, Ok(4));
		drop(slot);
		let mut slot = nonces.lock(&account(1)).await;
		assert_eq!(slot.take(node(4, &asked)).await, Ok(4), "what was never sent is used again");
		assert_eq!(asked.load(Ordering::SeqCst), 2);
	}

	#[tokio::test]
	async fn nonce_should_move_on_when_it_is_taken_and_the_node_lags_behind() {
		let nonces = Nonces::default();
		let asked = AtomicU32::new(0);
		let mut slot = nonces.lock(&account(1)).await;
		assert_eq!(slot.take(node(3, &asked)).await, Ok(3));
		slot.taken(3);
		assert_eq!(slot.take(node(3, &asked)).await, Ok(4));
		slot.taken(4);
		assert_eq!(slot.take(node(9, &asked)).await, Ok(9));
		slot.accepted(9);
		nonces.forget(&account(1)).await;
		let mut slot = nonces.lock(&account(1)).await;
		assert_eq!(slot.take(node(6, &asked)).await, Ok(6), "after a loss the node's count is believed");
	}
}
