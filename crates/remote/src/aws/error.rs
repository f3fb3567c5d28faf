//! What a failed request to one of AWS's own services means.
//!
//! Takes: the SDK's error.
//! Gives: a [`Failure`]: whether the same request may succeed a moment later, and what to call it.
//! Never: repeats the service's text, which may quote what was sent.

use std::error::Error;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use portend_core::model::ModelError;

use crate::aws::unsent;
use crate::response::plain_code;

/// Why a service did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It is throttling, or fails for a moment: the service's code, or the status.
    Busy(String),
    /// There was no answer.
    Unreachable(String),
    /// It refuses, and will again: the service's code, or a sentence.
    Refused(String),
}

impl Failure {
    /// What the SDK's error means.
    pub(crate) fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        match error {
            SdkError::ServiceError(answer) => {
                let status = answer.raw().status();
                let code = answer.err().code().and_then(plain_code);
                let code = code.map_or_else(|| status.as_u16().to_string(), str::to_owned);
                if status.is_server_error() || BUSY.contains(&code.as_str()) {
                    Self::Busy(code)
                } else {
                    Self::Refused(code)
                }
            }
            SdkError::TimeoutError(_) => Self::Unreachable("no answer in time".to_owned()),
            SdkError::ResponseError(_) => Self::Unreachable("an answer that cannot be read".to_owned()),
            // The enum is open.
            SdkError::ConstructionFailure(_) | SdkError::DispatchFailure(_) | _ => Self::unsent(error),
        }
    }

    /// What it means to a person who has looked whether this is there, by this action; with the mend.
    pub(crate) fn of_a_look(self, thing: &str, action: &str) -> String {
        match self {
            Self::Refused(what) if what == "ResourceNotFoundException" => {
                format!(
                    "it does not exist in this region and account; deploy the stack, or name another {thing}"
                )
            }
            Self::Refused(what) if what == "AccessDeniedException" => {
                format!("it may not be described; allow {action}")
            }
            Self::Refused(what) => format!("it refuses ({what}); see the credentials and the region"),
            Self::Busy(what) | Self::Unreachable(what) => {
                format!("it cannot be reached ({what}); see the region, the network and the endpoint")
            }
        }
    }

    /// Why there was no answer at all.
    fn unsent<E: Error + 'static>(error: &SdkError<E, HttpResponse>) -> Self {
        let failure = unsent::error(error);
        if let ModelError::Unreachable { what } = failure {
            return Self::Unreachable(what);
        }
        Self::Refused(match failure.code() {
            "no_credentials" => "no credentials were found".to_owned(),
            "bad_credentials" => "the credentials cannot be used".to_owned(),
            code => code.to_owned(),
        })
    }
}

/// What passes although its status says that the request is at fault.
const BUSY: [&str; 8] = [
    "ThrottlingException",
    "Throttling",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "TransactionConflictException",
    "ReplicatedWriteConflictException",
    "TooManyRequestsException",
];

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(what) | Self::Unreachable(what) | Self::Refused(what) => f.write_str(what),
        }
    }
}
