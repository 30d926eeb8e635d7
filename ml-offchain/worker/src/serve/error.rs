//! What is said when a request cannot be answered, in OpenAI's shape.

use axum::{
	http::{header, HeaderValue, StatusCode},
	response::{IntoResponse, Response},
	Json,
};
use serde::Serialize;

/// Longest part of a client's own text that is said back to it, in characters.
const MAX_ECHO_CHARS: usize = 80;

/// Why a request is not answered: `{"error": {"message", "type", "param", "code"}}`, with the status and,
/// where waiting helps, `Retry-After`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
	status: StatusCode,
	retry_after_seconds: Option<u64>,
	body: ErrorBody,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ErrorBody {
	message: String,
	#[serde(rename = "type")]
	kind: &'static str,
	param: Option<String>,
	code: Option<&'static str>,
}

/// `{"error": ...}`, as it also stands in a stream that breaks off.
#[derive(Serialize)]
pub(super) struct Envelope<'a> {
	error: &'a ErrorBody,
}

impl ApiError {
	fn new(
		status: StatusCode,
		kind: &'static str,
		code: Option<&'static str>,
		message: impl Into<String>,
	) -> Self {
		let body = ErrorBody { message: message.into(), kind, param: None, code };
		Self { status, retry_after_seconds: None, body }
	}

	fn refused(status: StatusCode, code: Option<&'static str>, message: impl Into<String>) -> Self {
		Self::new(status, "invalid_request_error", code, message)
	}

	/// 400: a field that breaks a rule. `why` goes on after its name.
	pub fn field(param: impl Into<String>, why: impl AsRef<str>) -> Self {
		let param = param.into();
		let mut error = Self::refused(
			StatusCode::BAD_REQUEST,
			Some("invalid_value"),
			format!("`{param}` {}", why.as_ref()),
		);
		error.body.param = Some(param);
		error
	}

	/// 400: a body that is no JSON object.
	pub fn not_json(why: impl std::fmt::Display) -> Self {
		let message = format!("the request body is not a JSON object: {why}");
		Self::refused(StatusCode::BAD_REQUEST, Some("invalid_json"), message)
	}

	/// 400: a body that ended before its time.
	pub fn unread_body() -> Self {
		Self::refused(StatusCode::BAD_REQUEST, None, "the request body could not be read to its end")
	}

	/// 413.
	pub fn too_large(limit_bytes: usize) -> Self {
		let message =
			format!("the request body is longer than the {limit_bytes} bytes that this server reads");
		Self::refused(StatusCode::PAYLOAD_TOO_LARGE, Some("request_too_large"), message)
	}

	/// 404: a model that is not served here.
	pub fn model_not_found(asked: &str, served: &str) -> Self {
		let asked: String = asked.chars().take(MAX_ECHO_CHARS).collect();
		let message = format!("this server has no model `{asked}`; it serves `{served}` (see /v1/models)");
		let mut error = Self::refused(StatusCode::NOT_FOUND, Some("model_not_found"), message);
		error.body.param = Some("model".into());
		error
	}

	/// 404: an address that means nothing.
	pub fn unknown_url(method: &str, path: &str) -> Self {
		let path: String = path.chars().take(MAX_ECHO_CHARS).collect();
		Self::refused(
			StatusCode::NOT_FOUND,
			Some("unknown_url"),
			format!("unknown request URL: {method} {path}"),
		)
	}

	/// 405.
	pub fn method_not_allowed(method: &str, path: &str) -> Self {
		let path: String = path.chars().take(MAX_ECHO_CHARS).collect();
		let message = format!("{path} does not take {method}");
		Self::refused(StatusCode::METHOD_NOT_ALLOWED, Some("method_not_supported"), message)
	}

	/// 429: as many requests wait as may.
	pub fn queue_full(retry_after_seconds: u64) -> Self {
		let message =
			format!("as many requests wait for an answer as may; try again in {retry_after_seconds} s");
		let code = Some("rate_limit_exceeded");
		let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "requests", code, message);
		Self { retry_after_seconds: Some(retry_after_seconds), ..error }
	}

	/// 503: there are no weights to answer from, for now.
	pub fn not_ready(why: &str, retry_after_seconds: u64) -> Self {
		let message = format!("the model cannot answer yet: {why}");
		let error =
			Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", Some("model_not_ready"), message);
		Self { retry_after_seconds: Some(retry_after_seconds), ..error }
	}

	/// 503: the server stops, and an answer is broken off.
	pub fn stopping() -> Self {
		let message = "the server is stopping, and the answer was broken off";
		Self::new(StatusCode::SERVICE_UNAVAILABLE, "server_error", Some("server_stopping"), message)
	}

	/// 500: the model or a thread failed; the cause is in the server's log.
	pub fn internal() -> Self {
		let message = "the answer could not be computed; the server's log says why";
		Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", Some("internal_error"), message)
	}

	/// The body.
	pub(super) fn envelope(&self) -> Envelope<'_> {
		Envelope { error: &self.body }
	}

	/// The field at fault.
	#[cfg(test)]
	pub(super) fn param(&self) -> Option<&str> {
		self.body.param.as_deref()
	}
}

impl std::fmt::Display for ApiError {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		f.write_str(&self.body.message)
	}
}

impl std::error::Error for ApiError {}

impl IntoResponse for ApiError {
	fn into_response(self) -> Response {
		let mut response = (self.status, Json(self.envelope())).into_response();
		if let Some(seconds) = self.retry_after_seconds {
			response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
		}
		response
	}
}
