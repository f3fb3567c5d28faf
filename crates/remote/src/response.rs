//! A response, and what all adapters read from one: JSON, how long to wait, the stop reason, and a vendor's code that
//! is safe to repeat.
//!
//! Never: puts a body, or text that is not a plain code, into an error.

use std::fmt;
use std::time::Duration;

use aws_smithy_runtime_api::http::Headers;
use jiff::fmt::rfc2822::DateTimeParser;
use portend_core::model::{FinishReason, ModelError};
use portend_core::time::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::limits::{CODE_CHARS_MAX, MODEL_ID_CHARS_MAX};

/// A response that was read to its end.
#[derive(Clone)]
pub(crate) struct Response {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: Headers,
    /// The body. Empty if the response is a failure whose body could not be read.
    pub(crate) body: Vec<u8>,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response {{ status: {}, {} bytes }}", self.status, self.body.len())
    }
}

impl Response {
    /// Whether the status is a success.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Reads the body as JSON of type `T`.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, ModelError> {
        let text = std::str::from_utf8(&self.body).map_err(|_| unreadable("not UTF-8"))?;
        serde_json::from_str(text).map_err(|_| unreadable("not JSON"))
    }

    /// Reads the body as a JSON object.
    pub(crate) fn json(&self) -> Result<Value, ModelError> {
        let value: Value = self.read()?;
        if value.is_object() { Ok(value) } else { Err(unreadable("not a JSON object")) }
    }

    /// The time in a header.
    pub(crate) fn time(&self, header: &str) -> Option<Timestamp> {
        let time = DateTimeParser::new().parse_timestamp(self.headers.get(header)?.trim()).ok()?;
        Some(Timestamp::from_millis(time.as_millisecond()))
    }

    /// How long the response asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date. A date is
    /// compared with the response's own date, so this machine's clock does not matter.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let number = |name: &str| self.headers.get(name)?.trim().parse::<f64>().ok();
        let seconds =
            number("retry-after-ms").map(|millis| millis / 1000.0).or_else(|| number("retry-after"));
        match (seconds, self.time("retry-after"), self.time("date")) {
            (Some(seconds), _, _) => Duration::try_from_secs_f64(seconds).ok(),
            (None, Some(then), Some(now)) => {
                let millis = then.as_millis().checked_sub(now.as_millis())?;
                Some(Duration::from_millis(u64::try_from(millis).ok()?))
            }
            (None, _, _) => None,
        }
    }
}

/// The error for a response that cannot be read, with what is wrong with it.
pub(crate) fn unreadable(what: &str) -> ModelError {
    ModelError::Unreadable { what: what.to_owned() }
}

/// Translates a finish reason, whatever its case. One table serves all vendors, because their reasons do not collide and
/// gateways pass them on. A response without one is read, because a whole answer is an answer.
pub(crate) fn finish(reason: Option<&str>) -> Result<FinishReason, ModelError> {
    let reason = reason.unwrap_or_default().trim();
    Ok(match reason.to_ascii_lowercase().as_str() {
        "" | "null" => FinishReason::End,
        "stop" | "eos" | "eos_token" | "end" | "end_turn" | "stop_sequence" | "complete" | "completed" => {
            FinishReason::End
        }
        "length" | "max_tokens" | "max_output_tokens" => FinishReason::Length,
        "content_filter" | "content_filtered" | "sensitive" | "safety" | "refusal" => FinishReason::Refusal,
        "guardrail_intervened" => FinishReason::Guardrail,
        failed @ ("error" | "network_error" | "insufficient_system_resource") => {
            return Err(ModelError::Unavailable { what: failed.to_owned() });
        }
        _ => FinishReason::Unknown(plain_code(reason).unwrap_or("unreadable").to_owned()),
    })
}

/// A vendor's code, if it consists of letters and underscores. Anything else is text, which may contain part of a key.
pub(crate) fn plain_code(text: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    Some(text).filter(|text| !text.is_empty() && text.len() <= CODE_CHARS_MAX && text.bytes().all(plain))
}

/// The status with the vendor's code, if there is one.
pub(crate) fn status_and_code(status: u16, code: Option<&str>) -> String {
    match code.and_then(plain_code) {
        Some(code) => format!("{status} {code}"),
        None => status.to_string(),
    }
}

/// The model id in a response, if it is valid.
pub(crate) fn model_id(id: Option<&str>) -> Option<String> {
    let fits =
        |id: &&str| (1..=MODEL_ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    id.filter(fits).map(str::to_owned)
}

#[cfg(test)]
impl Response {
    /// A response for the tests of the translations.
    pub(crate) fn scripted(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Self {
        let mut all = Headers::new();
        for (name, value) in headers {
            all.insert(*name, *value);
        }
        Self { status, headers: all, body: body.as_bytes().to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_from_each_header() {
        const NOW: (&str, &str) = ("date", "Sun, 01 Nov 2026 12:00:00 GMT");
        for (headers, millis) in [
            (vec![], None),
            (vec![("retry-after", "2")], Some(2000)),
            (vec![("Retry-After", " 1.5 ")], Some(1500)),
            (vec![("retry-after-ms", "250")], Some(250)),
            (vec![("retry-after", "9"), ("retry-after-ms", "250")], Some(250)),
            (vec![("retry-after", "9"), ("retry-after-ms", "soon")], Some(9000)),
            (vec![("retry-after", "0")], Some(0)),
            (vec![("retry-after", "Sun, 01 Nov 2026 12:00:07 GMT"), NOW], Some(7000)),
            (vec![("retry-after", "Sun, 01 Nov 2026 11:59:59 GMT"), NOW], None),
            (vec![("retry-after", "Sun, 01 Nov 2026 12:00:07 GMT")], None),
            (vec![("retry-after", "-1")], None),
            (vec![("retry-after", "NaN")], None),
            (vec![("retry-after", "inf")], None),
            (vec![("retry-after", "1e300")], None),
            (vec![("retry-after", "later")], None),
        ] {
            let response = Response::scripted(429, &headers, "");
            assert_eq!(response.retry_after(), millis.map(Duration::from_millis), "{headers:?}");
        }
    }

    #[test]
    fn each_stop_reason_is_translated() {
        for (reason, expected) in [
            ("end_turn", FinishReason::End),
            ("stop_sequence", FinishReason::End),
            ("stop", FinishReason::End),
            ("max_tokens", FinishReason::Length),
            ("length", FinishReason::Length),
            ("refusal", FinishReason::Refusal),
            ("content_filtered", FinishReason::Refusal),
            ("content_filter", FinishReason::Refusal),
            ("guardrail_intervened", FinishReason::Guardrail),
            ("tool_use", FinishReason::Unknown("tool_use".to_owned())),
            ("malformed_model_output", FinishReason::Unknown("malformed_model_output".to_owned())),
            ("the key is sk-1", FinishReason::Unknown("unreadable".to_owned())),
            ("", FinishReason::End),
            ("null", FinishReason::End),
            ("eos", FinishReason::End),
            ("EOS_TOKEN", FinishReason::End),
            ("end", FinishReason::End),
            ("COMPLETE", FinishReason::End),
            ("Stop", FinishReason::End),
            ("LENGTH", FinishReason::Length),
            ("MAX_TOKENS", FinishReason::Length),
            ("sensitive", FinishReason::Refusal),
            ("SAFETY", FinishReason::Refusal),
        ] {
            assert_eq!(finish(Some(reason)), Ok(expected), "{reason}");
        }
        assert_eq!(finish(None), Ok(FinishReason::End));
        for reason in ["error", "network_error", "insufficient_system_resource"] {
            assert_eq!(finish(Some(reason)), Err(ModelError::Unavailable { what: reason.to_owned() }));
        }
    }

    #[test]
    fn only_a_plain_code_is_repeated() {
        for (code, expected) in [
            (Some("rate_limit_exceeded"), "429 rate_limit_exceeded"),
            (Some("ThrottlingException"), "429 ThrottlingException"),
            (Some("sk-proj-abc123"), "429"),
            (Some("a message"), "429"),
            (Some("x".repeat(65).as_str()), "429"),
            (Some(""), "429"),
            (None, "429"),
        ] {
            assert_eq!(status_and_code(429, code), expected);
        }
    }

    #[test]
    fn a_body_that_is_not_a_json_object_is_unreadable() {
        let json = |body: &[u8]| Response { body: body.to_vec(), ..Response::scripted(200, &[], "") }.json();
        for (body, what) in [
            (&b""[..], "not JSON"),
            (b"{", "not JSON"),
            (b"{} {}", "not JSON"),
            (b"<html>", "not JSON"),
            (b"[]", "not a JSON object"),
            (b"null", "not a JSON object"),
            (b"{\"text\": \"\xff\"}", "not UTF-8"),
            ("[".repeat(100_000).as_bytes(), "not JSON"),
        ] {
            assert_eq!(json(body), Err(unreadable(what)));
        }
        assert_eq!(json(b" {} ").unwrap(), serde_json::json!({}));
    }
}
