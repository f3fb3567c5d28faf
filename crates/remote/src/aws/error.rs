//! What a call on one of AWS's services failed of: whether the same request may succeed a moment later, and what to
//! call it.
//!
//! Never: repeats the service's text, which may quote what was sent.

use std::fmt;

use portend_core::model::{ConfigurationFault, ModelError};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::response::{Response, plain_code};

/// Why a service did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It is throttling, or fails for a moment: the service's code, or the status.
    Busy(String),
    /// There was no response.
    Unreachable(String),
    /// It refuses, and will again: the service's code, or a sentence.
    Refused(String, ErrorBody),
}

/// What the service says beside its code, for whoever knows its shape.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct ErrorBody(Value);

impl ErrorBody {
    /// A member of it.
    pub(crate) fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_value(self.0.get(name)?.clone()).ok()
    }
}

impl Failure {
    /// What a response that is not a success means.
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

    /// It refuses, and what it says is known: a code, or a sentence.
    pub(crate) fn refused(what: &str) -> Self {
        Self::Refused(what.to_owned(), ErrorBody::default())
    }

    /// What it means to a person who has looked whether this is there, by this action; with how to fix it.
    pub(crate) fn of_a_look(self, thing: &str, action: &str) -> String {
        match self {
            Self::Refused(what, _) if what == "ResourceNotFoundException" => {
                format!(
                    "it does not exist in this region and account; deploy the stack, or name another {thing}"
                )
            }
            Self::Refused(what, _) if what == "AccessDeniedException" => {
                format!("it may not be described; allow {action}")
            }
            Self::Refused(what, _) => format!("it refuses ({what}); see the credentials and the region"),
            Self::Busy(what) | Self::Unreachable(what) => {
                format!("it cannot be reached ({what}); see the region, the network and the endpoint")
            }
        }
    }
}

/// Where there is no response to speak of.
impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        let refused = Self::refused;
        match error {
            ModelError::Unreachable { what } => Self::Unreachable(what),
            ModelError::Unreadable { .. } => Self::Unreachable("a response that cannot be read".to_owned()),
            ModelError::TimedOut => Self::Unreachable("no response in time".to_owned()),
            ModelError::Unavailable { what } => Self::Busy(what),
            ModelError::Configuration { fault: ConfigurationFault::NoCredentials } => {
                refused("no credentials were found")
            }
            ModelError::Configuration { fault: ConfigurationFault::BadCredentials } => {
                refused("the credentials cannot be used")
            }
            ModelError::Configuration { fault: ConfigurationFault::Refused(what) } => refused(&what),
            ModelError::Configuration { .. }
            | ModelError::Throttled { .. }
            | ModelError::OverQuota
            | ModelError::SchemaRefused
            | ModelError::Rejected { .. } => refused(error.code()),
        }
    }
}

/// An error's type: in the header cut at `:`, else in the body's `__type` cut before `#`. A frontend that does not know
/// the operation wraps its body in `Output`.
pub(crate) fn error_type<'a>(response: &'a Response, body: &'a Value) -> Option<&'a str> {
    let header = response.headers.get("x-amzn-errortype");
    let in_body = || body.get("__type").or_else(|| body.pointer("/Output/__type")).and_then(Value::as_str);
    let kind = header.or_else(in_body)?;
    let kind = kind.split(':').next().unwrap_or(kind);
    Some(kind.rsplit('#').next().unwrap_or(kind).trim())
}

/// What passes although its status says that the request is at fault.
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

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(what) | Self::Unreachable(what) | Self::Refused(what, _) => f.write_str(what),
        }
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
    fn a_failure_is_told_by_its_type_or_its_status() {
        let refused = Failure::refused;
        let busy = |what: &str| Failure::Busy(what.to_owned());
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
            let failure = Failure::of(&Response::scripted(status, headers, body));
            assert_eq!(failure.to_string(), expected.to_string(), "{body}");
            assert_eq!(std::mem::discriminant(&failure), std::mem::discriminant(&expected), "{body}");
            assert!(!format!("{failure:?}").contains("canary"));
        }
    }
}
