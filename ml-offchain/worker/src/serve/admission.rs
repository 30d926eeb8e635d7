//! How many answers are made at once, and how many requests wait.

use std::{sync::Arc, time::Duration};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore, TryAcquireError};

/// Longest time that a client is told to wait, in seconds.
const MAX_RETRY_AFTER_SECONDS: u64 = 60;

/// Lets a bounded number of requests in, in the order in which they came.
#[derive(Debug)]
pub struct Admission {
	concurrent: usize,
	queue: usize,
	/// Answers under way and requests that wait.
	places: Arc<Semaphore>,
	/// Answers under way.
	slots: Arc<Semaphore>,
}

/// The right to compute an answer; given back when dropped.
#[derive(Debug)]
pub struct Permit {
	_slot: OwnedSemaphorePermit,
	_place: OwnedSemaphorePermit,
}

/// As many requests wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueFull;

impl From<TryAcquireError> for QueueFull {
	fn from(_: TryAcquireError) -> Self {
		Self
	}
}

impl From<AcquireError> for QueueFull {
	fn from(_: AcquireError) -> Self {
		Self
	}
}

impl Admission {
	/// `concurrent` answers at once, and `queue` requests that wait.
	pub fn new(concurrent: usize, queue: usize) -> Self {
		Self {
			concurrent,
			queue,
			places: Arc::new(Semaphore::new(concurrent + queue)),
			slots: Arc::new(Semaphore::new(concurrent)),
		}
	}

	/// Waits for a turn. A future that is dropped leaves the queue.
	///
	/// # Errors
	/// [`QueueFull`], at once.
	pub async fn admit(&self) -> Result<Permit, QueueFull> {
		let place = self.places.clone().try_acquire_owned()?;
		let slot = self.slots.clone().acquire_owned().await?;
		Ok(Permit { _slot: slot, _place: place })
	}

	/// Answers under way.
	pub fn running(&self) -> usize {
		self.concurrent.saturating_sub(self.slots.available_permits())
	}

	/// Requests that wait.
	pub fn waiting(&self) -> usize {
		let inside = (self.concurrent + self.queue).saturating_sub(self.places.available_permits());
		inside.saturating_sub(self.running())
	}

	/// When a place may be free, in seconds, if answers take `mean`: the next of those under way ends.
	pub fn retry_after_seconds(&self, mean: Duration) -> u64 {
		let seconds = mean.as_secs_f64() / self.concurrent.max(1) as f64;
		(seconds.ceil() as u64).clamp(1, MAX_RETRY_AFTER_SECONDS)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use futures::FutureExt;

	#[tokio::test]
	async fn admission_should_bound_answers_and_queue() {
		let admission = Admission::new(1, 1);
		let first = admission.admit().await.unwrap();
		let mut second = Box::pin(admission.admit());
		assert!(second.as_mut().now_or_never().is_none());
		assert_eq!((admission.running(), admission.waiting()), (1, 1));
		assert_eq!(admission.admit().await.unwrap_err(), QueueFull);
		drop(first);
		let second = second.await.unwrap();
		assert_eq!((admission.running(), admission.waiting()), (1, 0));
		drop(second);
		assert_eq!((admission.running(), admission.waiting()), (0, 0));
	}

	#[tokio::test]
	async fn place_should_be_free_again_when_who_waited_leaves() {
		let admission = Admission::new(1, 1);
		let _first = admission.admit().await.unwrap();
		let mut second = Box::pin(admission.admit());
		assert!(second.as_mut().now_or_never().is_none());
		drop(second);
		assert_eq!(admission.waiting(), 0);
	}

	#[test]
	fn retry_after_should_be_at_least_a_second_and_bounded() {
		let admission = Admission::new(2, 0);
		for (mean, seconds) in [(0.0, 1), (0.1, 1), (5.0, 3), (1e6, 60)] {
			assert_eq!(admission.retry_after_seconds(Duration::from_secs_f64(mean)), seconds);
		}
	}
}
