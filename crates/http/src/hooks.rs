//! `POST /v1/hooks/{source}`: the payload of another system, by its mapping.
//!
//! Where the source has a secret, the request carries a signature: HMAC-SHA256 over the timestamp, a point and the body.
//!
//! Never: stores anything of a request whose signature is wrong, old, or was seen before.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, StatusCode};
use portend_core::time::Timestamp;
use sha2::Sha256;

use crate::app::App;
use crate::engine::{AcceptError, Engine, RequestSignature};
use crate::events::{AcceptedEvents, accept, not_accepted};
use crate::limits::SIGNATURE_AGE_MAX;
use crate::problem::Problem;
use crate::request::{PathId, WholeBody};

/// The header with the time of the signature, in seconds since 1970.
const TIMESTAMP: &str = "x-portend-timestamp";
/// The header with the signature, in hexadecimal, after `sha256=`.
const SIGNATURE: &str = "x-portend-signature";

/// Accept the payload of another system.
///
/// The source is one of the alert types' mappings, such as `alertmanager`. If the server has a secret for it, send
/// `X-Portend-Timestamp` (seconds since 1970) and `X-Portend-Signature: sha256=HEX`, the HMAC-SHA256 of the timestamp, a
/// dot and the body. A signature is accepted once.
#[utoipa::path(
    post,
    path = "/v1/hooks/{source}",
    tag = "events",
    params(("source" = String, Path, description = "The name of the mapping")),
    request_body(content = serde_json::Value, content_type = "application/json"),
    responses(
        (status = 202, description = "Durable, and judged soon", body = AcceptedEvents),
        (status = "4XX", description = "The request is refused", body = Problem, content_type = "application/problem+json"),
        (status = "5XX", description = "Try again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn post<E: Engine>(
    State(app): State<App<E>>,
    PathId(source): PathId,
    headers: HeaderMap,
    WholeBody(body): WholeBody,
) -> Result<Response, Problem> {
    if !app.engine.judges() {
        return Err(Problem::read_only());
    }
    if !app.engine.types().sources().any(|each| each == source) {
        let known: Vec<&str> = app.engine.types().sources().collect();
        let fix = if known.is_empty() {
            "add a file from/SOURCE.toml to an alert type".to_owned()
        } else {
            format!("use one of {}", known.join(", "))
        };
        return Err(Problem::not_found("no alert type has a mapping from this source", fix));
    }
    let secret = app.access.hook_secrets.get(&source);
    let signature = secret.map(|secret| checked(secret, &headers, &body, app.now())).transpose()?;
    if let Some(signature) = signature
        && app.engine.is_used(signature).await?
    {
        return Err(not_accepted(AcceptError::Replayed));
    }
    // What no mapping matches is parked as it was received.
    let events = app.engine.types().map(&source, &body).unwrap_or_else(|_| vec![body]);
    let accepted = accept(&app, events, signature).await?;
    Ok((StatusCode::ACCEPTED, Json(accepted)).into_response())
}

fn refused(detail: &str, fix: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "bad_signature", detail, fix)
}

/// The signature, if it is right and young.
fn checked(
    secret: &str,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<RequestSignature, Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(at), Some(signature)) = (text(TIMESTAMP), text(SIGNATURE)) else {
        return Err(refused(
            "the request is not signed",
            "send X-Portend-Timestamp and X-Portend-Signature, as /openapi.json describes",
        ));
    };
    let wrong =
        || refused("the signature is wrong", "sign the timestamp, a dot and the body with the secret");
    let seconds: i64 = at.parse().map_err(|_| wrong())?;
    let signed_at = Timestamp::from_secs(seconds);
    if now.since(signed_at).max(signed_at.since(now)) > SIGNATURE_AGE_MAX {
        return Err(refused("the timestamp is too old or in the future", "check the clock of the sender"));
    }
    let hexadecimal = signature.strip_prefix("sha256=").unwrap_or(signature);
    let bytes: [u8; 32] =
        hex::decode(hexadecimal).ok().and_then(|bytes| bytes.try_into().ok()).ok_or_else(wrong)?;
    let mut hmac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| wrong())?;
    hmac.update(at.as_bytes());
    hmac.update(b".");
    hmac.update(body);
    hmac.verify_slice(&bytes).map_err(|_| wrong())?;
    Ok(RequestSignature { bytes, expires_at: signed_at.plus(SIGNATURE_AGE_MAX) })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};
    use portend_core::time::Timestamp;

    use super::{SIGNATURE, TIMESTAMP, checked};

    /// `printf 1735732800.body | openssl dgst -sha256 -hmac secret`
    const RIGHT: &str = "0d884b8d630b4415c934bf66c5b3f419d3fbc688ebc50a52162209a9ddf51c40";

    #[test]
    fn only_a_right_and_young_signature_passes() {
        let now = Timestamp::from_secs(1_735_732_800);
        let later = Timestamp::from_secs(1_735_732_800 + 301);
        for (at, signature, now, passes) in [
            ("1735732800", format!("sha256={RIGHT}"), now, true),
            ("1735732800", RIGHT.to_owned(), now, true),
            ("1735732801", RIGHT.to_owned(), now, false),
            ("1735732800", RIGHT.to_owned(), later, false),
            ("1735732800", RIGHT.replace('0', "1"), now, false),
            ("1735732800", String::new(), now, false),
            ("now", RIGHT.to_owned(), now, false),
        ] {
            let pair =
                |name, value: &str| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
            let headers: HeaderMap = [pair(TIMESTAMP, at), pair(SIGNATURE, &signature)].into_iter().collect();
            assert_eq!(checked("secret", &headers, b"body", now).is_ok(), passes, "{at} {signature}");
        }
        assert!(checked("secret", &HeaderMap::new(), b"body", now).is_err(), "unsigned");
    }
}
