//! The request and the response as a function URL and an HTTP API write them (payload format 2.0).

use std::collections::BTreeMap;
use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, header};
use http_body_util::BodyExt;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use portend_http::{Body, Problem, Router};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::base64::Base64;
use serde_with::serde_as;
use tower::ServiceExt;

/// What a path may not have, in addition to control characters. AWS decodes some of it.
const NOT_IN_PATH: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>').add(b'?').add(b'`').add(b'{').add(b'}');

/// A request.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HttpPayload {
    raw_path: String,
    #[serde(default)]
    raw_query_string: String,
    #[serde(default)]
    cookies: Vec<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    request_context: RequestContext,
    #[serde(default)]
    body: String,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Debug, Deserialize)]
struct RequestContext {
    http: RequestMethod,
}

#[derive(Debug, Deserialize)]
struct RequestMethod {
    method: String,
}

/// A response.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PayloadResponse {
    status_code: u16,
    headers: BTreeMap<String, String>,
    cookies: Vec<String>,
    body: String,
    is_base64_encoded: bool,
}

#[serde_as]
#[derive(Deserialize)]
struct EncodedBody(#[serde_as(as = "Base64")] Vec<u8>);

/// Answers a request by the routes.
pub(crate) async fn answer(routes: Router, payload: HttpPayload) -> PayloadResponse {
    let response = match payload.into_request() {
        // The routes cannot fail: an error is a response.
        Some(request) => routes.oneshot(request).await.unwrap_or_else(|never| match never {}),
        None => portend_http::response(Problem::bad(
            "bad_request",
            "the request cannot be read",
            "send a request that is valid HTTP",
        )),
    };
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let named = parts.headers.iter().filter(|(name, _)| *name != header::SET_COOKIE);
    PayloadResponse {
        status_code: parts.status.as_u16(),
        headers: named.map(|(name, value)| (name.to_string(), text(value))).collect(),
        cookies: parts.headers.get_all(header::SET_COOKIE).iter().map(text).collect(),
        // Every route responds with text.
        body: String::from_utf8_lossy(&bytes).into_owned(),
        is_base64_encoded: false,
    }
}

impl HttpPayload {
    /// The request; `None` if it is not one.
    fn into_request(self) -> Option<Request<Body>> {
        let path = utf8_percent_encode(&self.raw_path, NOT_IN_PATH);
        let uri = match self.raw_query_string.as_str() {
            "" => path.to_string(),
            query => format!("{path}?{query}"),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.insert(HeaderName::from_str(name).ok()?, HeaderValue::from_str(value).ok()?);
        }
        if !self.cookies.is_empty() {
            headers.insert(header::COOKIE, HeaderValue::from_str(&self.cookies.join("; ")).ok()?);
        }
        let body = if self.is_base64_encoded {
            serde_json::from_value::<EncodedBody>(Value::String(self.body)).ok()?.0
        } else {
            self.body.into_bytes()
        };
        let method = Method::from_str(&self.request_context.http.method).ok()?;
        let mut request = Request::builder().method(method).uri(uri).body(Body::from(body)).ok()?;
        *request.headers_mut() = headers;
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use portend_core::alert_type::AlertTypes;
    use portend_http::{Access, AccessToken, HttpApp, router};
    use portend_remote::{Aws, DynamoDb};
    use serde_json::json;

    use super::*;
    use crate::reader::TableReader;

    async fn send(method: &str, path: &str, headers: Value, body: &str) -> PayloadResponse {
        let types = AlertTypes::built_in();
        let table = DynamoDb::new("insights".into(), &types, Aws::ambient(None));
        let access = Access { token: AccessToken::new("secret"), hosts: None, ..Access::default() };
        let app = HttpApp::new(TableReader::new(table, types, false, None), access);
        let payload = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": "", "headers": headers,
            "requestContext": { "http": { "method": method } }, "body": body, "isBase64Encoded": true,
        });
        answer(router(Arc::new(app)), serde_json::from_value(payload).unwrap()).await
    }

    #[tokio::test]
    async fn a_request_of_aws_is_answered_by_the_routes() {
        let token = json!({ "authorization": "Bearer secret", "content-type": "application/json" });
        for (method, path, headers, body, status, text) in [
            ("GET", "/healthz", json!({}), "", 200, "ok"),
            ("GET", "/v1/insights", json!({}), "", 401, "no_token"),
            ("GET", "/alert-types", token.clone(), "", 200, "Alert types"),
            ("GET", "/alert-types/a b?#", token.clone(), "", 404, "not_found"),
            ("POST", "/v1/events", token.clone(), "e30=", 403, "read_only"),
            ("POST", "/v1/events", token.clone(), "?", 400, "bad_request"),
            ("GET", "/api/insights/recent", json!({}), "", 404, "Not found"),
            ("G T", "/", token, "", 400, "bad_request"),
        ] {
            let response = send(method, path, headers, body).await;
            assert_eq!(response.status_code, status, "{method} {path}: {response:?}");
            assert!(response.body.contains(text), "{method} {path}: {response:?}");
        }
    }
}
