//! The parts together, over a node in memory and a runtime's metadata made by hand.

mod blocks;
mod metadata;
mod node;
mod reads;
mod runtime;
mod submission;

use crate::{backoff::BackoffLimits, config::Timing, Client, Signer};
use node::Node;
use std::{future::Future, sync::Arc, time::Duration};

/// Waits so short that no test is slow, and patience so long that none is flaky.
const TIMING: Timing = Timing {
	read_patience: Duration::from_secs(20),
	subscription_silence: Duration::from_millis(50),
	backoff: BackoffLimits { first: Duration::from_millis(1), longest: Duration::from_millis(5) },
};

async fn connect(node: &Node) -> Client {
	Client::over(Arc::new(node.clone()), TIMING).await.expect("the node is up and its runtime fits")
}

fn signer() -> Signer {
	Signer::from_suri(&"//Trainer".to_owned().into()).expect("a development key")
}

/// Fails a test that hangs.
async fn soon<T>(future: impl Future<Output = T>) -> T {
	tokio::time::timeout(Duration::from_secs(20), future).await.expect("it does not hang")
}
