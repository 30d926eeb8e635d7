//! Waiting longer and longer between attempts.

use crate::error::ChainError;
use rand::Rng;
use std::{future::Future, time::Duration};
use tokio::time::Instant;

/// Each wait is this many times the one before.
const FACTOR: u32 = 2;
/// Waits vary by this part either way, so that the clients of a node that restarts do not all come
/// back at once.
const JITTER: f64 = 0.2;

/// The first wait and the longest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BackoffLimits {
	pub first: Duration,
	pub longest: Duration,
}

/// Waits that double up to a limit.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
	limits: BackoffLimits,
	next: Duration,
}

impl Backoff {
	pub fn new(limits: BackoffLimits) -> Self {
		Self { limits, next: limits.first }
	}

	/// The wait before the next attempt.
	pub fn next_delay(&mut self) -> Duration {
		let delay = self.next.min(self.limits.longest);
		self.next = delay.saturating_mul(FACTOR);
		delay.mul_f64(rand::thread_rng().gen_range(1.0 - JITTER..=1.0 + JITTER))
	}

	/// Starts over, after a success.
	pub fn reset(&mut self) {
		self.next = self.limits.first;
	}
}

/// Repeats `attempt` while its error is retryable, until `give_up_after` has passed; forever if `None`.
pub(crate) async fn retry<T, F, Fut>(
	limits: BackoffLimits,
	give_up_after: Option<Duration>,
	mut attempt: F,
) -> Result<T, ChainError>
where
	F: FnMut() -> Fut,
	Fut: Future<Output = Result<T, ChainError>>,
{
	let mut backoff = Backoff::new(limits);
	let started = Instant::now();
	loop {
		let error = match attempt().await {
			Err(error) if error.is_retryable() => error,
			done => return done,
		};
		let delay = backoff.next_delay();
		if give_up_after.is_some_and(|limit| started.elapsed() + delay > limit) {
			return Err(error);
		}
		tracing::warn!(%error, retry_in_ms = delay.as_millis() as u64, "retrying");
		tokio::time::sleep(delay).await;
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::cell::Cell;

	const LIMITS: BackoffLimits =
		BackoffLimits { first: Duration::from_millis(1), longest: Duration::from_millis(5) };

	#[test]
	fn delay_should_double_up_to_the_limit_and_start_over_when_reset() {
		let mut backoff = Backoff::new(LIMITS);
		for expected_ms in [1.0, 2.0, 4.0, 5.0, 5.0] {
			let ms = backoff.next_delay().as_secs_f64() * 1e3;
			assert!((0.79..=1.21).contains(&(ms / expected_ms)), "{ms} ms, not about {expected_ms}");
		}
		backoff.reset();
		assert!(backoff.next_delay() < Duration::from_micros(1_300));
	}

	#[tokio::test]
	async fn retry_should_stop_at_success_at_a_lasting_error_and_at_the_limit() {
		let tried = Cell::new(0);
		let gone = || ChainError::disconnected("ws://a", "gone");
		let attempt = |succeed_at: u32, error: ChainError| {
			let tried = &tried;
			tried.set(0);
			move || {
				tried.set(tried.get() + 1);
				let result = if tried.get() == succeed_at { Ok(tried.get()) } else { Err(error.clone()) };
				async move { result }
			}
		};
		assert_eq!(retry(LIMITS, None, attempt(4, gone())).await.unwrap(), 4);

		let lasting = retry(LIMITS, None, attempt(4, ChainError::incompatible("x"))).await;
		assert!(matches!(lasting, Err(ChainError::Incompatible { .. })));
		assert_eq!(tried.get(), 1);

		let bounded = retry(LIMITS, Some(Duration::from_millis(30)), attempt(u32::MAX, gone())).await;
		assert!(bounded.unwrap_err().is_disconnect());
		assert!((3..40).contains(&tried.get()), "{} attempts in 30 ms", tried.get());
	}
}
