//! An answer as server-sent events.

use super::{
	answer::{Event, Piece},
	error::ApiError,
	reply::Head,
};
use axum::response::sse::{self, KeepAlive, Sse};
use blyan_model::{Finish, Generation, ModelError};
use futures::{stream, Stream};
use serde::Serialize;
use std::{collections::VecDeque, convert::Infallible, time::Duration};
use tokio::sync::mpsc;

/// Most tokens that are put in one chunk when the client is slower than the model.
const MAX_CHUNK_TOKENS: usize = 256;
/// A comment is sent when there was nothing to say for so long, so that nobody in between hangs up.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The chunks of an answer, then `[DONE]`. An answer that breaks off ends with an event that holds
/// `error`, and without `[DONE]`.
///
/// Dropping the stream, as a client does that disconnects, ends the answer.
pub fn events(
	head: Head,
	received: mpsc::Receiver<Event>,
) -> Sse<impl Stream<Item = Result<sse::Event, Infallible>>> {
	let mut chunks = Chunks { head, received, ready: VecDeque::new(), is_over: false };
	if let Some(opening) = chunks.head.opening() {
		chunks.ready.push_back(data(&opening));
	}
	let stream =
		stream::unfold(chunks, |mut chunks| async { chunks.next().await.map(|event| (Ok(event), chunks)) });
	Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

struct Chunks {
	head: Head,
	received: mpsc::Receiver<Event>,
	ready: VecDeque<sse::Event>,
	is_over: bool,
}

impl Chunks {
	async fn next(&mut self) -> Option<sse::Event> {
		while self.ready.is_empty() && !self.is_over {
			match self.received.recv().await {
				Some(Event::Piece(piece)) => self.tell(piece),
				Some(Event::Done(result)) => self.end(Some(result)),
				None => self.end(None),
			}
		}
		self.ready.pop_front()
	}

	/// A chunk of this piece, and of what else is there by now.
	fn tell(&mut self, mut piece: Piece) {
		let mut ended = None;
		while piece.tokens.len() < MAX_CHUNK_TOKENS && ended.is_none() {
			match self.received.try_recv() {
				Ok(Event::Piece(more)) => piece.append(more),
				Ok(Event::Done(result)) => ended = Some(result),
				Err(_) => break,
			}
		}
		self.ready.push_back(data(&self.head.chunk(piece)));
		if ended.is_some() {
			self.end(ended);
		}
	}

	/// `None` when the thread died.
	fn end(&mut self, result: Option<Result<Generation, ModelError>>) {
		self.is_over = true;
		match outcome(result) {
			Ok(generation) => {
				self.ready.extend(self.head.closing(&generation).iter().map(data));
				self.ready.push_back(sse::Event::default().data("[DONE]"));
			}
			Err(error) => self.ready.push_back(data(&error.envelope())),
		}
	}
}

/// What became of an answer that somebody still waits for.
///
/// # Errors
/// What the client is told. The cause is in the log.
pub fn outcome(result: Option<Result<Generation, ModelError>>) -> Result<Generation, ApiError> {
	match result {
		// Somebody waits, so it was not the client who ended it.
		Some(Ok(Generation { finish: Finish::Cancelled, .. })) => Err(ApiError::stopping()),
		Some(Ok(generation)) => Ok(generation),
		Some(Err(_)) => Err(ApiError::internal()),
		None => {
			tracing::error!("a thread that computed an answer died");
			Err(ApiError::internal())
		}
	}
}

fn data(value: &impl Serialize) -> sse::Event {
	sse::Event::default().json_data(value).unwrap_or_else(|error| {
		tracing::error!(%error, "a chunk cannot be written as JSON");
		sse::Event::default().comment("a chunk was lost")
	})
}
