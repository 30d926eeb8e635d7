//! The addresses that are answered.

use super::{
	admission::Admission,
	answer::{self, Event, Piece},
	config::ServeConfig,
	current::{Current, Receipt, Served},
	error::ApiError,
	metrics::{self, Metrics},
	reply::Head,
	request::{Asked, Endpoint},
	stream,
	usage::{self, Usage, CLIENT_HEADER},
};
use axum::{
	body::Bytes,
	extract::{rejection::BytesRejection, DefaultBodyLimit, MatchedPath, Path, Request, State},
	http::{header, HeaderMap, HeaderValue, Method, StatusCode, Uri},
	middleware::{self, Next},
	response::{IntoResponse, Response},
	routing::{get, post},
	Json, Router,
};
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

/// When to try again while there are no weights, in seconds: about a block.
const NOT_READY_RETRY_SECONDS: u64 = 2;
/// Bears the version root of an answer.
const VERSION_ROOT_HEADER: &str = "x-blyan-version-root";

/// What requests are answered with.
#[derive(Debug)]
pub struct Api {
	config: ServeConfig,
	current: watch::Receiver<Current>,
	admission: Admission,
	metrics: Arc<Metrics>,
	usage: Arc<Usage>,
	/// Breaks off answers under way.
	stop: CancellationToken,
}

/// The endpoints of the API.
pub fn router(
	config: ServeConfig,
	current: watch::Receiver<Current>,
	stop: CancellationToken,
	usage: Arc<Usage>,
) -> Router {
	let body_limit = DefaultBodyLimit::max(config.request_body_bytes);
	let admission = Admission::new(config.max_concurrent, config.queue);
	let api = Arc::new(Api { config, current, admission, metrics: Arc::default(), usage, stop });
	Router::new()
		.route("/v1/models", get(models))
		// A model's name may hold slashes.
		.route("/v1/models/{*model}", get(model))
		.route("/v1/completions", post(completions))
		.route("/v1/chat/completions", post(chat_completions))
		.route("/v1/blyan/usage/{client}", get(propose_receipt))
		.route("/v1/blyan/receipts", post(take_receipt))
		.route("/health", get(health))
		.route("/metrics", get(show_metrics))
		.fallback(unknown_url)
		.method_not_allowed_fallback(method_not_allowed)
		.layer(body_limit)
		.layer(middleware::from_fn_with_state(api.clone(), count))
		.with_state(api)
}

impl Api {
	fn served(&self) -> Result<Arc<Served>, ApiError> {
		let current = self.current.borrow();
		current.served.clone().ok_or_else(|| {
			let why = current.trouble.as_deref().unwrap_or("it is starting");
			ApiError::not_ready(why, NOT_READY_RETRY_SECONDS)
		})
	}

	/// The model of that name.
	fn called(&self, name: &str) -> Result<Arc<Served>, ApiError> {
		let served = self.served()?;
		if served.is_called(name) {
			return Ok(served);
		}
		Err(ApiError::model_not_found(name, &served.name))
	}
}

async fn completions(
	State(api): State<Arc<Api>>,
	headers: HeaderMap,
	body: Result<Bytes, BytesRejection>,
) -> Response {
	answer(&api, Endpoint::Completions, &headers, body).await.into_response()
}

async fn chat_completions(
	State(api): State<Arc<Api>>,
	headers: HeaderMap,
	body: Result<Bytes, BytesRejection>,
) -> Response {
	answer(&api, Endpoint::Chat, &headers, body).await.into_response()
}

async fn propose_receipt(
	State(api): State<Arc<Api>>,
	Path(client): Path<String>,
) -> Result<Response, ApiError> {
	Ok(Json(api.usage.propose(&usage::read_client(&client)?).await?).into_response())
}

async fn take_receipt(
	State(api): State<Arc<Api>>,
	body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
	let body = read_body(&api, body)?;
	let submission = serde_json::from_slice(&body).map_err(ApiError::not_json)?;
	Ok(Json(api.usage.take(&submission).await?).into_response())
}

fn read_body(api: &Api, body: Result<Bytes, BytesRejection>) -> Result<Bytes, ApiError> {
	body.map_err(|rejection| match rejection.status() {
		StatusCode::PAYLOAD_TOO_LARGE => ApiError::too_large(api.config.request_body_bytes),
		_ => ApiError::unread_body(),
	})
}

async fn answer(
	api: &Api,
	endpoint: Endpoint,
	headers: &HeaderMap,
	body: Result<Bytes, BytesRejection>,
) -> Result<Response, ApiError> {
	let body = read_body(api, body)?;
	let client = headers
		.get(CLIENT_HEADER)
		.map(|value| usage::read_client(&String::from_utf8_lossy(value.as_bytes())))
		.transpose()?;
	let asked = Asked::read(endpoint, &body, api.config.max_tokens_limit)?;
	drop(body);
	api.called(&asked.model)?;
	let permit =
		api.admission.admit().await.map_err(|_| {
			ApiError::queue_full(api.admission.retry_after_seconds(api.metrics.mean_answer()))
		})?;
	// Only now: an answer begins with the newest version, and ends with the one it began with.
	let served = api.called(&asked.model)?;
	let (metrics, stop) = (api.metrics.clone(), api.stop.clone());
	// A long text takes a while to become tokens.
	let (asked, prompt) = tokio::task::spawn_blocking({
		let served = served.clone();
		move || asked.tokens(served.weights()).map(|tokens| (asked, tokens))
	})
	.await
	.map_err(|_| ApiError::internal())??;
	let counted = api.usage.clone();
	let count = move |served: &Served, took| {
		if let Some(client) = client {
			counted.count(&client, served, took);
		}
	};
	let received = answer::begin(served.clone(), (&asked, prompt), permit, metrics, stop, count);
	let head = Head::new(&asked, served);
	let version_root = HeaderValue::try_from(format!("{:?}", head.served().receipt.version_root));
	let mut response = if asked.stream {
		stream::events(head, received).into_response()
	} else {
		whole(&head, received).await?
	};
	if let Ok(version_root) = version_root {
		response.headers_mut().insert(VERSION_ROOT_HEADER, version_root);
	}
	Ok(response)
}

/// Waits for the end. Dropped when the client disconnects, which ends the answer.
async fn whole(head: &Head, mut received: mpsc::Receiver<Event>) -> Result<Response, ApiError> {
	let mut whole = Piece::default();
	let result = loop {
		match received.recv().await {
			Some(Event::Piece(piece)) => whole.append(piece),
			Some(Event::Done(result)) => break Some(result),
			None => break None,
		}
	};
	let generation = stream::outcome(result)?;
	Ok(Json(head.whole(whole, &generation)).into_response())
}

#[derive(Serialize)]
struct Model<'a> {
	id: &'a str,
	object: &'static str,
	created: u64,
	owned_by: String,
	blyan: &'a Receipt,
}

impl<'a> Model<'a> {
	fn new(served: &'a Served) -> Self {
		Self {
			id: &served.name,
			object: "model",
			created: served.since_seconds,
			owned_by: served.owner(),
			blyan: &served.receipt,
		}
	}
}

#[derive(Serialize)]
struct Models<'a> {
	object: &'static str,
	data: [Model<'a>; 1],
}

async fn models(State(api): State<Arc<Api>>) -> Result<Response, ApiError> {
	let served = api.served()?;
	Ok(Json(Models { object: "list", data: [Model::new(&served)] }).into_response())
}

async fn model(State(api): State<Arc<Api>>, Path(name): Path<String>) -> Result<Response, ApiError> {
	let served = api.called(&name)?;
	Ok(Json(Model::new(&served)).into_response())
}

#[derive(Serialize)]
struct Health<'a> {
	status: &'static str,
	/// Why there are no weights, or why they are not the newest.
	trouble: Option<&'a str>,
	/// What answers come from.
	blyan: Option<&'a Receipt>,
}

async fn health(State(api): State<Arc<Api>>) -> Response {
	let Current { served, trouble } = api.current.borrow().clone();
	let is_ready = served.is_some();
	let health = Health {
		status: if is_ready { "ok" } else { "starting" },
		trouble: trouble.as_deref(),
		blyan: served.as_ref().map(|served| &served.receipt),
	};
	if is_ready {
		return Json(health).into_response();
	}
	let retry = [(header::RETRY_AFTER, HeaderValue::from(NOT_READY_RETRY_SECONDS))];
	(StatusCode::SERVICE_UNAVAILABLE, retry, Json(health)).into_response()
}

async fn show_metrics(State(api): State<Arc<Api>>) -> Response {
	let current = api.current.borrow().clone();
	let page = api.metrics.render(&api.admission, &current);
	([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], page).into_response()
}

async fn unknown_url(method: Method, uri: Uri) -> ApiError {
	ApiError::unknown_url(method.as_str(), uri.path())
}

async fn method_not_allowed(method: Method, uri: Uri) -> ApiError {
	ApiError::method_not_allowed(method.as_str(), uri.path())
}

/// Counts requests by endpoint and status; of a stream, the status that it began with.
async fn count(
	State(api): State<Arc<Api>>,
	path: Option<MatchedPath>,
	request: Request,
	next: Next,
) -> Response {
	// A name of ours, never one out of the request: there is no end to those.
	let endpoint = match path.as_ref().map(MatchedPath::as_str) {
		Some("/v1/completions") => Endpoint::Completions.name(),
		Some("/v1/chat/completions") => Endpoint::Chat.name(),
		Some("/v1/blyan/usage/{client}") => "usage",
		Some("/v1/blyan/receipts") => "receipts",
		Some("/v1/models" | "/v1/models/{*model}") => "models",
		Some("/health") => "health",
		Some("/metrics") => "metrics",
		_ => "other",
	};
	let response = next.run(request).await;
	api.metrics.request(endpoint, response.status().as_u16());
	response
}
