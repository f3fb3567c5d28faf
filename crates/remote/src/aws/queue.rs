//! Sends events to the queue of the function that judges alerts, on Amazon SQS.
//!
//! Never: retries, or reads the queue.

use std::fmt;

use portend_core::store::StoreError;
use serde_json::{Value, json};

use super::{Aws, CallFailure, Caller, Service};
use crate::limits::{BODY_BYTES_MAX, NOTIFY_TIMEOUT};
use crate::network::Bounds;

/// The queue before the function that judges alerts. It sends nothing until it is used.
pub struct AlertQueue {
    url: String,
    caller: Caller,
}

impl AlertQueue {
    /// The queue with this URL.
    pub fn new(url: String, aws: Aws) -> Self {
        Self { url, caller: Caller::new(Service::SQS, aws) }
    }

    /// Sends an event as it was received. The queue accepts only text.
    pub async fn send(&self, event: &[u8]) -> Result<(), StoreError> {
        let Some(text) = std::str::from_utf8(event).ok().filter(|text| text.chars().all(is_accepted)) else {
            return Err(StoreError::Refused {
                source: "the queue accepts only text; use portend parked replay with --store dynamodb:TABLE"
                    .into(),
            });
        };
        let message = json!({ "QueueUrl": self.url, "MessageBody": text });
        // The future of a call is large. Boxing it keeps the callers' futures small.
        let sent = Box::pin(self.caller.call::<Value>("SendMessage", &message, BOUNDS)).await;
        sent.map(drop).map_err(|failure| match failure {
            CallFailure::Busy(what) | CallFailure::Unreachable(what) => StoreError::Unreachable {
                source: format!("the queue of alerts cannot be reached ({what})").into(),
            },
            CallFailure::Refused(what, _) => StoreError::Refused {
                source: format!("the queue of alerts refuses the event ({what})").into(),
            },
            wrong @ CallFailure::WrongClock(_) => StoreError::Refused { source: wrong.to_string().into() },
        })
    }
}

const BOUNDS: Bounds = Bounds { time: Some(NOTIFY_TIMEOUT), bytes: BODY_BYTES_MAX };

/// Whether SQS accepts a character in a message.
fn is_accepted(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r') || !(c < ' ' || matches!(c, '\u{FFFE}' | '\u{FFFF}'))
}

impl fmt::Debug for AlertQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlertQueue").field("url", &self.url).finish_non_exhaustive()
    }
}
