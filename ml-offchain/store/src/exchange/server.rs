//! The side that serves.

use super::RAW_BLOCK;
use crate::store::Store;
use axum::{
	extract::{Path, RawQuery, State},
	http::{header, HeaderMap, StatusCode},
	response::{IntoResponse, Response},
	routing::get,
	Router,
};
use blyan_primitives::cid::Cid;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Most blocks being read from disk at once; bounds memory to 16 MiB, whoever asks.
const MAX_READS: usize = 64;

#[derive(Clone)]
struct Exchange {
	store: Store,
	reads: Arc<Semaphore>,
}

/// Serves the blocks of a store: `GET` or `HEAD /ipfs/{cid}?format=raw` (or `Accept:
/// application/vnd.ipld.raw`) answers with the bytes of that leaf or node.
///
/// 400 for what is not a CID of this kind, 404 for a block that no file here has, 406 for another format,
/// 500 when the disk fails. Blocks are checked before they leave.
pub fn exchange_router(store: Store) -> Router {
	let exchange = Exchange { store, reads: Arc::new(Semaphore::new(MAX_READS)) };
	Router::new().route("/ipfs/{cid}", get(serve_block)).with_state(exchange)
}

async fn serve_block(
	State(exchange): State<Exchange>,
	Path(name): Path<String>,
	RawQuery(query): RawQuery,
	headers: HeaderMap,
) -> Response {
	let cid: Cid = match name.parse() {
		Ok(cid) => cid,
		Err(error) => return (StatusCode::BAD_REQUEST, format!("{name:?}: {error}\n")).into_response(),
	};
	if !wants_raw(query.as_deref(), &headers) {
		let message = format!("only raw blocks are served: ask for /ipfs/{cid}?format=raw\n");
		return (StatusCode::NOT_ACCEPTABLE, message).into_response();
	}
	// The semaphore is never closed; if it were, the answer would be the same as under too much load.
	let Ok(_permit) = exchange.reads.acquire().await else {
		return StatusCode::SERVICE_UNAVAILABLE.into_response();
	};
	let store = exchange.store.clone();
	match tokio::task::spawn_blocking(move || store.block(&cid)).await {
		Ok(Ok(Some(bytes))) => {
			let headers = [
				(header::CONTENT_TYPE, RAW_BLOCK.to_owned()),
				(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{cid}.bin\"")),
				(header::CACHE_CONTROL, "public, max-age=29030400, immutable".to_owned()),
				(header::ETAG, format!("\"{cid}.raw\"")),
				(header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
			];
			(headers, bytes).into_response()
		}
		Ok(Ok(None)) => (StatusCode::NOT_FOUND, format!("{cid} is not here\n")).into_response(),
		Ok(Err(error)) => {
			tracing::warn!(%cid, %error, "a block could not be served");
			let status =
				if error.is_retryable() { StatusCode::NOT_FOUND } else { StatusCode::INTERNAL_SERVER_ERROR };
			(status, format!("{cid} cannot be served now\n")).into_response()
		}
		Err(error) => {
			tracing::error!(%cid, %error, "reading a block ended early");
			StatusCode::INTERNAL_SERVER_ERROR.into_response()
		}
	}
}

/// `format` in the query goes before `Accept`, as the gateway's specification has it.
fn wants_raw(query: Option<&str>, headers: &HeaderMap) -> bool {
	let format = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("format=")));
	match format {
		Some(format) => format == "raw",
		None => headers
			.get_all(header::ACCEPT)
			.iter()
			.filter_map(|value| value.to_str().ok())
			.flat_map(|value| value.split(','))
			.any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == RAW_BLOCK)),
	}
}
