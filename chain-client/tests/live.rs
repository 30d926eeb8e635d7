//! Against the real node: `blyan-node` of the same build, on a development chain of its own.

use blyan_chain_client::{
	Call, Chain, ChainError, ChainEvent, Client, ClientConfig, FinalizedBlocks, Signer, SubmitError, Wait,
};
use blyan_primitives::{economy::BLY, worker::Role, AccountId, Hash};
use futures::StreamExt;
use std::{
	fs::File,
	future::Future,
	net::TcpListener,
	path::PathBuf,
	process::{Child, Command, Stdio},
	time::Duration,
};
use tempfile::TempDir;

/// How long anything may take: a block comes every two seconds, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(120);

/// A node that is killed with the test.
struct Node {
	child: Child,
	folder: TempDir,
	rpc_port: u16,
	p2p_port: u16,
}

impl Drop for Node {
	fn drop(&mut self) {
		self.kill();
	}
}

fn free_port() -> u16 {
	TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

/// Beside the folder of the test binaries.
fn binary() -> PathBuf {
	let test = std::env::current_exe().expect("the path of this test");
	let path = test.ancestors().nth(2).expect("target/debug").join("blyan-node");
	assert!(path.exists(), "{} is not there: run `cargo build -p blyan-node` first", path.display());
	path
}

impl Node {
	fn start() -> Self {
		let folder = tempfile::tempdir().expect("a folder");
		let (rpc_port, p2p_port) = (free_port(), free_port());
		let child = Self::spawn(&folder, rpc_port, p2p_port);
		Self { child, folder, rpc_port, p2p_port }
	}

	fn spawn(folder: &TempDir, rpc_port: u16, p2p_port: u16) -> Child {
		let log = File::options().create(true).append(true).open(folder.path().join("log")).expect("a log");
		Command::new(binary())
			.arg("--dev")
			.arg("--base-path")
			.arg(folder.path())
			.args(["--rpc-port", &rpc_port.to_string(), "--port", &p2p_port.to_string()])
			.args(["--no-prometheus", "--no-telemetry", "--no-mdns"])
			.stdout(Stdio::null())
			.stderr(log)
			.spawn()
			.expect("the node starts")
	}

	fn config(&self) -> ClientConfig {
		ClientConfig::new(format!("ws://127.0.0.1:{}", self.rpc_port)).with_read_patience(PATIENCE)
	}

	async fn connect(&self) -> Client {
		self.within("connecting", Client::connect(self.config()))
			.await
			.unwrap_or_else(|error| self.fail(&error.to_string()))
	}

	/// `SIGKILL`: nothing is flushed, no connection is closed in order.
	fn kill(&mut self) {
		// It may be dead already, which is as well.
		let _ = self.child.kill();
		let _ = self.child.wait();
	}

	fn restart(&mut self) {
		self.child = Self::spawn(&self.folder, self.rpc_port, self.p2p_port);
	}

	async fn within<T>(&self, what: &str, future: impl Future<Output = T>) -> T {
		match tokio::time::timeout(PATIENCE, future).await {
			Ok(done) => done,
			Err(_) => self.fail(&format!("{what} took more than {PATIENCE:?}")),
		}
	}

	fn fail(&self, why: &str) -> ! {
		let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
		let tail: Vec<_> = log.lines().rev().take(30).collect();
		let tail: Vec<_> = tail.into_iter().rev().collect();
		panic!("{why}; the node's log ends:\n{}", tail.join("\n"))
	}

	/// The next `count` blocks, which must follow each other.
	async fn blocks(&self, stream: &mut FinalizedBlocks, count: usize) -> Vec<u32> {
		let mut numbers = Vec::new();
		for _ in 0..count {
			let block = self.within("a finalized block", stream.next()).await.expect("the stream goes on");
			numbers.push(block.unwrap_or_else(|error| self.fail(&error.to_string())).number);
		}
		assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "a gap: {numbers:?}");
		numbers
	}
}

fn alice() -> Signer {
	Signer::from_suri(&"//Alice".to_owned().into()).expect("a development key")
}

fn stranger(n: u8) -> AccountId {
	AccountId::new([n; 32])
}

#[tokio::test(flavor = "multi_thread")]
async fn client_should_read_transfer_and_refuse_another_chain_when_the_node_is_of_this_build() {
	let node = Node::start();
	// Connecting holds the runtime's metadata against every call, event and query of this crate.
	let client = node.connect().await;
	assert_refuses_another_chain(&node, client.genesis_hash()).await;
	assert_eq!(client.owed(&stranger(1)).await.unwrap().claimable, 0);
	assert_eq!(client.worker(&stranger(1)).await.unwrap(), None);
	assert_eq!(client.round(u64::MAX).await.unwrap(), None);
	assert_eq!(client.model(u32::MAX).await.unwrap(), None);
	client.models().await.unwrap();
	client.workers(Role::Evaluator).await.unwrap();
	client.rounds(0, 10).await.unwrap();

	// Many calls at once from one account, each with its own nonce.
	let transfers = (1..=20u8).map(|n| {
		let client = client.clone();
		async move { client.submit(&alice(), Call::transfer(stranger(n), n as u128 * BLY), Wait::Finalized).await }
	});
	let receipts = node.within("20 transfers", futures::future::join_all(transfers)).await;
	let mut nonces = Vec::new();
	for (receipt, n) in receipts.into_iter().zip(1..=20u8) {
		let receipt = receipt.unwrap_or_else(|error| node.fail(&error.to_string()));
		let moved = ChainEvent::Transferred {
			from: alice().account().clone(),
			to: stranger(n),
			amount: n as u128 * BLY,
		};
		assert!(receipt.events.contains(&moved), "{:?}", receipt.events);
		assert!(receipt.events.iter().any(|event| matches!(event, ChainEvent::TransactionFeePaid { .. })));
		assert_eq!(client.free_balance(&stranger(n)).await.unwrap(), n as u128 * BLY);
		nonces.push(receipt.nonce);
	}
	nonces.sort_unstable();
	assert_eq!(nonces, (nonces[0]..nonces[0] + 20).collect::<Vec<_>>());

	// What the pallet refuses, and what the pool refuses.
	let claimant = alice();
	let claim = client.submit(&claimant, Call::ClaimRewards { epoch: u32::MAX }, Wait::InBlock);
	let error = node.within("a claim", claim).await.unwrap_err();
	assert!(matches!(&error, SubmitError::Dispatch { pallet, .. } if pallet == "Rewards"), "{error}");
	let poor = Signer::from_suri(&"//Nobody//ever".to_owned().into()).unwrap();
	let error = client.submit(&poor, Call::transfer(stranger(1), BLY), Wait::InBlock).await.unwrap_err();
	assert!(matches!(&error, SubmitError::Refused { .. }), "{error}");
}

/// Here rather than in a test of its own: starting a node takes longer than all of this.
async fn assert_refuses_another_chain(node: &Node, genesis: Hash) {
	Client::connect(node.config().with_expected_genesis(genesis)).await.expect("the right chain");
	let wrong = Hash::repeat_byte(1);
	match Client::connect(node.config().with_expected_genesis(wrong)).await {
		Err(ChainError::WrongGenesis { expected, found, .. }) => {
			assert_eq!((expected, found), (wrong, genesis))
		}
		other => panic!("{other:?}"),
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn stream_and_calls_should_go_on_when_the_node_is_killed_and_started_again() {
	let mut node = Node::start();
	let client = node.connect().await;
	let mut stream = client.finalized_blocks(Some(0));
	let before = node.blocks(&mut stream, 4).await;
	assert_eq!(before[0], 0);

	// A call on its way when the node dies: its pool forgets it, the client does not.
	let in_flight = tokio::spawn({
		let client = client.clone();
		async move { client.submit(&alice(), Call::transfer(stranger(9), BLY), Wait::Finalized).await }
	});
	tokio::time::sleep(Duration::from_millis(300)).await;
	node.kill();
	assert!(!in_flight.is_finished());
	node.restart();

	let receipt = node.within("the transfer", in_flight).await.expect("no panic");
	receipt.unwrap_or_else(|error| node.fail(&error.to_string()));
	assert_eq!(client.free_balance(&stranger(9)).await.unwrap(), BLY, "once, not twice");
	let after = node.blocks(&mut stream, 4).await;
	assert_eq!(after[0], before[3] + 1, "no block is left out");
}
