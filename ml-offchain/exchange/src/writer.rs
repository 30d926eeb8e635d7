//! What is sent to one peer: its questions' answers, and ours.

use crate::{
	message::{encode_answers, encode_asks, Answer, Want, WantKind},
	metrics::add,
	peer::{Peer, Shared, Work},
	protocol::Open,
	wire::write_message,
};
use blyan_store::{Block, Store, StoreError};
use bytes::Bytes;
use litep2p::substream::Substream;
use std::{sync::Arc, time::Duration};
use tokio::sync::oneshot;

/// How long a peer may take to be reached and to accept a stream.
const OPEN_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a peer may take to read a message of half a MiB.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);
/// A stream that is idle for longer is closed, before the other side does: what is written into a stream
/// that the other side just closed is lost without a word.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a stream may take to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Writes until there is nothing to write for a while, or the peer is lost.
pub(crate) async fn run(shared: Arc<Shared>, peer: Arc<Peer>) {
	let mut stream = None;
	loop {
		let Some(work) = peer.next_work() else {
			if tokio::time::timeout(IDLE_TIMEOUT, peer.wake.notified()).await.is_ok() {
				continue;
			}
			if peer.retire_writer() {
				break;
			}
			continue;
		};
		let (message, sent) = match work {
			Work::Asks(asks) => (encode_asks(&asks), Sent::default()),
			Work::Wants(wants) => {
				let answers = answers(&shared, wants).await;
				if answers.is_empty() {
					continue;
				}
				let sent = Sent::of(&answers);
				(encode_answers(answers), sent)
			}
		};
		match send(&shared, &peer, &mut stream, &message).await {
			Ok(()) => {
				add(&shared.counters.blocks_sent, sent.blocks);
				add(&shared.counters.bytes_sent, sent.bytes);
				peer.sent(sent.bytes);
			}
			Err(why) => {
				tracing::debug!(peer = %peer.id, why, "a peer cannot be written to");
				shared.unreachable(&peer.id, why);
				return;
			}
		}
	}
	if let Some(stream) = stream {
		let _ = tokio::time::timeout(CLOSE_TIMEOUT, stream.close()).await;
	}
	shared.retired(&peer.id);
}

#[derive(Clone, Copy, Default)]
struct Sent {
	blocks: u64,
	bytes: u64,
}

impl Sent {
	fn of(answers: &[Answer]) -> Self {
		answers.iter().fold(Self::default(), |sent, answer| match answer {
			Answer::Block(_, block) => {
				Self { blocks: sent.blocks + 1, bytes: sent.bytes + block.bytes().len() as u64 }
			}
			Answer::Have(_) | Answer::DontHave(_) => sent,
		})
	}
}

/// Sends a message over the open stream, or over a new one.
async fn send(
	shared: &Shared,
	peer: &Peer,
	stream: &mut Option<Substream>,
	message: &[u8],
) -> Result<(), String> {
	loop {
		let (mut open, is_fresh) = match stream.take() {
			Some(open) => (open, false),
			None => (open(shared, peer).await?, true),
		};
		match tokio::time::timeout(WRITE_TIMEOUT, write_message(&mut open, message)).await {
			Ok(Ok(())) => {
				*stream = Some(open);
				return Ok(());
			}
			// The other side may close a stream when it likes; then another is opened, once.
			Ok(Err(_)) if !is_fresh => {}
			Ok(Err(error)) => return Err(format!("the stream broke: {error}")),
			Err(_) => return Err(format!("it did not read a message within {WRITE_TIMEOUT:?}")),
		}
	}
}

async fn open(shared: &Shared, peer: &Peer) -> Result<Substream, String> {
	let (reply, opened) = oneshot::channel();
	let request = Open { peer: peer.id, addresses: peer.addresses(), reply };
	let open = async {
		shared.opens.send(request).await.map_err(|_| "the network has stopped".to_owned())?;
		opened.await.map_err(|_| "the network has stopped".to_owned())?
	};
	tokio::time::timeout(OPEN_TIMEOUT, open)
		.await
		.map_err(|_| format!("it was not reached within {OPEN_TIMEOUT:?}"))?
}

/// Reads what is wanted from the store; nothing for wants that are to be passed over in silence.
async fn answers(shared: &Shared, wants: Vec<Want>) -> Vec<Answer> {
	// The semaphore is never closed.
	let Ok(_permit) = shared.reads.acquire().await else { return Vec::new() };
	let store = shared.store.clone();
	let read = tokio::task::spawn_blocking(move || {
		wants.into_iter().filter_map(|want| answer(&store, want)).collect()
	});
	read.await.unwrap_or_else(|error| {
		tracing::error!(%error, "reading blocks ended early");
		Vec::new()
	})
}

fn answer(store: &Store, want: Want) -> Option<Answer> {
	let Want { cid: name, kind, send_dont_have } = want;
	let found = match (name.cid(), kind) {
		(None, _) => Ok(None),
		(Some(cid), WantKind::Have) => {
			store.has_block(&cid).map(|has| has.then(|| Answer::Have(name.clone())))
		}
		(Some(cid), WantKind::Block) => store.block(&cid).map(|bytes| {
			bytes.map(|bytes| Answer::Block(name.clone(), Block::new(cid.codec, Bytes::from(bytes))))
		}),
	};
	match found {
		Ok(Some(answer)) => Some(answer),
		Ok(None) => send_dont_have.then_some(Answer::DontHave(name)),
		Err(error) => {
			if !matches!(error, StoreError::Altered { .. }) {
				tracing::warn!(%error, "a block could not be served");
			}
			send_dont_have.then_some(Answer::DontHave(name))
		}
	}
}
