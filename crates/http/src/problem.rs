//! What is wrong with a request, as `application/problem+json` with a stable code and how to fix it.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use portend_core::help::Help;
use portend_core::pipeline::Failure;
use portend_core::store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::limits::{BODY_BYTES_MAX, REQUEST_TIME_MAX, RETRY_AFTER_SECS};

/// The body of an error.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the code says which problem it is.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    kind: &'static str,
    /// The name of the status.
    #[schema(example = "Bad Request")]
    title: String,
    /// The status.
    #[schema(example = 400)]
    status: u16,
    /// A short stable name.
    #[schema(example = "bad_cursor")]
    code: &'static str,
    /// What is wrong, in a sentence.
    detail: String,
    /// How to fix it, as an instruction.
    fix: String,
}

impl Problem {
    /// A problem with this status.
    pub fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            fix: fix.into(),
        }
    }

    /// A parameter or a body that the caller must change.
    pub fn bad(code: &'static str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail, fix)
    }

    /// Something that does not exist.
    pub fn not_found(detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail, fix)
    }

    /// A route that this program does not serve.
    pub fn no_route() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "no_route",
            "there is no page or route with this path",
            "see /openapi.json for the routes",
        )
    }

    /// A method that the route does not have.
    pub fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "wrong_method",
            "this route does not have this method",
            "see /openapi.json for the methods of each route",
        )
    }

    /// A request that this program cannot answer, because it only reads.
    pub fn read_only() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "read_only",
            "this program only reads the store",
            "send events to the event bus or to `portend serve`",
        )
    }

    /// A request without the token.
    pub fn no_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "no_token",
            "the token is missing or wrong",
            "send the server's token as `Authorization: Bearer TOKEN`",
        )
    }

    /// More requests than are answered at the same time.
    pub fn busy() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "busy",
            "more requests arrived than can be answered at the same time",
            "send the request again after a second",
        )
    }

    /// A body that is too large.
    pub fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            format!("the body is too large: expected at most {BODY_BYTES_MAX} bytes"),
            "send the events in several requests",
        )
    }

    /// A body that does not arrive.
    pub fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_too_slow",
            format!("the body did not arrive within {} seconds", REQUEST_TIME_MAX.as_secs()),
            "send the request again, with a smaller body if the connection is slow",
        )
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// What is wrong and how to fix it, as a person reads it.
    pub fn sentence(&self) -> String {
        format!("{}; {}", self.detail, self.fix)
    }

    /// How to fix it.
    pub fn fix(&self) -> &str {
        &self.fix
    }

    /// What is wrong.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

/// The error and its causes, without the fix.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let fix = error.help().unwrap_or_else(|| "run portend doctor, which says what is wrong".to_owned());
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.code(), causes(&error), fix)
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let fix = failure.help().unwrap_or_else(|| "send the event again".to_owned());
        Self::new(StatusCode::SERVICE_UNAVAILABLE, failure.code(), causes(&failure), fix)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        // A page shows it in words.
        response.extensions_mut().insert(self);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECS));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"Portend\""));
        }
        response
    }
}
