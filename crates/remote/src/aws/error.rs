//! Why a call to an AWS service failed, and whether the same request may succeed a moment later.
//!
//! Never: repeats the service's text, because it may quote the request.

use std::fmt;
use std::time::Duration;

use portend_core::model::{ConfigurationFault, ModelError};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::response::{Response, plain_code};

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CallFailure {
    /// The service throttles, or fails temporarily: its code, or the status.
    Busy(String),
    /// There was no response: what went wrong.
    Unreachable(String),
    /// The service refuses the request, and would refuse it again: its code, or a sentence.
    Refused(String, ErrorBody),
    /// This machine's clock is known to be wrong by so much, so no time that it states can be used.
    WrongClock(Duration),
}

/// The body of an error response.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct ErrorBody(Value);

impl ErrorBody {
    /// Reads one member.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_value(self.0.get(name)?.clone()).ok()
    }
}

impl CallFailure {
    /// The failure in a response that is not a success.
    pub(crate) fn of(response: &Response) -> Self {
        let body = response.json().unwrap_or_default();
        let code = error_type(response, &body).and_then(plain_code);
        let code = code.map_or_else(|| response.status.to_string(), str::to_owned);
        if response.status >= 500 || BUSY.contains(&code.as_str()) {
            Self::Busy(code)
        } else {
            Self::Refused(code, ErrorBody(body))
        }
    }

    /// A refusal without a body, by a code or a sentence.
    pub(crate) fn refused(what: &str) -> Self {
        Self::Refused(what.to_owned(), ErrorBody::default())
    }

    /// The sentence for a person after `thing` could not be described: what is wrong, and how to fix it. `action` is
    /// the IAM action that describing needs.
    pub(crate) fn when_describing(self, thing: &str, action: &str) -> String {
        match self {
            Self::Refused(what, _) if what == "ResourceNotFoundException" => {
                format!(
                    "it does not exist in this region and account; deploy the stack, or name another {thing}"
                )
            }
            Self::Refused(what, _) if what == "AccessDeniedException" => {
                format!("these credentials may not describe it; allow {action}")
            }
            Self::WrongClock(_) => format!("{self}; set it"),
            Self::Refused(what, _) => {
                format!("it refuses the request ({what}); check the credentials and the region")
            }
            Self::Busy(what) | Self::Unreachable(what) => {
                format!("it cannot be reached ({what}); check the region, the network and the endpoint")
            }
        }
    }
}

/// The failure of a call that has no usable response.
impl From<ModelError> for CallFailure {
    fn from(error: ModelError) -> Self {
        let refused = Self::refused;
        match error {
            ModelError::Unreachable { what } => Self::Unreachable(what),
            ModelError::Unreadable { .. } => Self::Unreachable("unreadable response".to_owned()),
            ModelError::TimedOut => Self::Unreachable("no response in time".to_owned()),
            ModelError::Unavailable { what } => Self::Busy(what),
            ModelError::Configuration { fault: ConfigurationFault::NoCredentials } => {
                refused("no credentials were found")
            }
            ModelError::Configuration { fault: ConfigurationFault::BadCredentials } => {
                refused("the credentials are expired or not valid")
            }
            ModelError::Configuration { fault: ConfigurationFault::Refused(what) } => refused(&what),
            ModelError::Configuration { .. }
            | ModelError::Throttled { .. }
            | ModelError::OverQuota
            | ModelError::SchemaRefused
            | ModelError::SchemaUnsupported
            | ModelError::ParameterRefused { .. }
            | ModelError::Rejected { .. } => refused(error.code()),
        }
    }
}

/// The type of an error: the header up to `:`, otherwise `__type` in the body after `#`. For an unknown operation, the
/// service's frontend wraps the body in `Output`.
pub(crate) fn error_type<'a>(response: &'a Response, body: &'a Value) -> Option<&'a str> {
    let header = response.headers.get("x-amzn-errortype");
    let in_body = || body.get("__type").or_else(|| body.pointer("/Output/__type")).and_then(Value::as_str);
    let kind = header.or_else(in_body)?;
    let kind = kind.split(':').next().unwrap_or(kind);
    Some(kind.rsplit('#').next().unwrap_or(kind).trim())
}

/// Temporary failures whose status, 4xx, blames the request.
const BUSY: [&str; 9] = [
    "ThrottlingException",
    "Throttling",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "TransactionConflictException",
    "TransactionInProgressException",
    "ReplicatedWriteConflictException",
    "TooManyRequestsException",
];

impl fmt::Display for CallFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(what) | Self::Unreachable(what) | Self::Refused(what, _) => f.write_str(what),
            Self::WrongClock(by) => write!(f, "this machine's clock is wrong by {}", rounded(*by)),
        }
    }
}

/// A duration in its largest unit.
fn rounded(duration: Duration) -> String {
    let minutes = duration.as_secs() / 60;
    match minutes {
        0..120 => format!("{minutes} minutes"),
        120..2880 => format!("{} hours", minutes / 60),
        _ => format!("{} days", minutes / (24 * 60)),
    }
}

impl fmt::Debug for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErrorBody")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_identified_by_its_type_or_its_status() {
        let refused = CallFailure::refused;
        let busy = |what: &str| CallFailure::Busy(what.to_owned());
        let header = ("x-amzn-errortype", "AccessDeniedException:http://internal.amazon.com/");
        for (status, headers, body, expected) in [
            (400, &[header][..], "", refused("AccessDeniedException")),
            (400, &[header], r#"{"__type": "Other"}"#, refused("AccessDeniedException")),
            (
                400,
                &[],
                r#"{"__type": "com.amazon.coral#ValidationException"}"#,
                refused("ValidationException"),
            ),
            (
                400,
                &[],
                r#"{"Output": {"__type": "UnknownOperationException"}}"#,
                refused("UnknownOperationException"),
            ),
            (400, &[], r#"{"__type": "a text with canary"}"#, refused("400")),
            (400, &[], r#"{"__type": "ns#ThrottlingException"}"#, busy("ThrottlingException")),
            (
                400,
                &[],
                r#"{"__type": "TransactionInProgressException"}"#,
                busy("TransactionInProgressException"),
            ),
            (500, &[], r#"{"__type": "InternalServerError"}"#, busy("InternalServerError")),
            (503, &[], "<html>canary</html>", busy("503")),
            (307, &[], "", refused("307")),
            (404, &[], "[]", refused("404")),
        ] {
            let failure = CallFailure::of(&Response::scripted(status, headers, body));
            assert_eq!(failure.to_string(), expected.to_string(), "{body}");
            assert_eq!(std::mem::discriminant(&failure), std::mem::discriminant(&expected), "{body}");
            assert!(!format!("{failure:?}").contains("canary"));
        }
    }
}
