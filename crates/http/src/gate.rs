//! What every request passes before its route, and every response after it: the host, the token, other sites, the number of
//! requests, and the headers that protect a browser.

use std::sync::atomic::Ordering;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use tokio::sync::SemaphorePermit;

use crate::access::is_cross_site;
use crate::app::{App, HttpApp};
use crate::engine::Engine;
use crate::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX};
use crate::original::OriginalRequest;
use crate::page::layout::broken;
use crate::problem::Problem;

/// The route that answers under any load.
pub const HEALTH_PATH: &str = "/healthz";

const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
];

/// The layer around every route.
pub(crate) async fn gate<E: Engine>(State(app): State<App<E>>, request: Request, next: Next) -> Response {
    let original = OriginalRequest::of(request.uri());
    let wants_page = original.is_none() && wants_page(&request);
    let mut response = match admitted(&app, &request, original.is_some()) {
        Ok(permit) => {
            let response = match original {
                None => next.run(request).await,
                Some(original) => {
                    let (parts, _) = request.into_parts();
                    original.answer(&app, &parts.method, &parts.uri, &parts.headers).await
                }
            };
            drop(permit);
            response
        }
        Err(problem) if original.is_some() => OriginalRequest::refused(&app, &problem, request.headers()),
        Err(problem) => problem.into_response(),
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>().filter(|_| wants_page) {
        response = broken(&problem);
    }
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, value);
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    let class = usize::from(response.status().as_u16() / 100).saturating_sub(1);
    if let Some(count) = app.counts.by_class.get(class) {
        count.fetch_add(1, Ordering::Relaxed);
    }
    response
}

/// Admits a request, or says why not. The permit counts the requests that are being answered.
fn admitted<'a, E: Engine>(
    app: &'a HttpApp<E>,
    request: &Request,
    is_original: bool,
) -> Result<Option<SemaphorePermit<'a>>, Problem> {
    let (headers, path) = (request.headers(), request.uri().path());
    if path == HEALTH_PATH {
        return Ok(None);
    }
    let head_bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    let address_bytes = request.uri().path_and_query().map_or(0, |address| address.as_str().len());
    if head_bytes + address_bytes > HEAD_BYTES_MAX {
        return Err(Problem::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "head_too_large",
            format!("the head of the request is too large: expected at most {HEAD_BYTES_MAX} bytes"),
            "send fewer or shorter headers, and a shorter address",
        ));
    }
    if !app.access.is_our_host(headers, request.uri()) {
        return Err(Problem::new(
            StatusCode::MISDIRECTED_REQUEST,
            "wrong_host",
            "the Host of the request is not a name of this server",
            "use its address, or add the name with --host",
        ));
    }
    if !is_original {
        if !is_for_everyone(path) && !is_signed(app, path) && !app.access.has_token(headers) {
            return Err(Problem::no_token());
        }
        if is_cross_site(request.method(), headers) {
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "cross_site",
                "another site sent a request that changes something",
                "send it from a page of this server, or without the headers of a browser",
            ));
        }
    }
    let length = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    // A little more is read and discarded, so that the caller gets the response.
    if length.is_some_and(|length: usize| length > 8 * BODY_BYTES_MAX) {
        return Err(Problem::too_large());
    }
    app.requests.try_acquire().map(Some).map_err(|_| {
        app.counts.shed.fetch_add(1, Ordering::Relaxed);
        Problem::busy()
    })
}

/// Whether a person asks, with a browser.
fn wants_page(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    !request.uri().path().starts_with("/v1/") && accept.is_some_and(|accept| accept.contains("text/html"))
}

/// Whether the route checks a signature in place of the token.
fn is_signed<E: Engine>(app: &HttpApp<E>, path: &str) -> bool {
    path.strip_prefix("/v1/hooks/").is_some_and(|source| app.access.hook_secrets.contains_key(source))
}

/// The page with which a person signs in, and what it needs.
fn is_for_everyone(path: &str) -> bool {
    ["/sign-in", "/console.css", "/console.js", "/icon.svg"].contains(&path)
}
