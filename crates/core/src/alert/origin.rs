//! Where an event comes from, as its envelope says.
//!
//! Never: part of an alert's identity or of a prompt.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::json::StrictJson;
use crate::limits::ORIGIN_BYTES_MAX;
use crate::text::first_bytes;

/// The envelope of an event, as EventBridge writes it; of another system's payload, the name of its mapping.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EventOrigin {
    /// The producer's id of the event.
    pub id: Option<String>,
    /// The time of the event, as it is written.
    pub time: Option<String>,
    /// The producer.
    pub source: Option<String>,
    /// The AWS account of the producer.
    pub account: Option<String>,
    /// The AWS region of the producer.
    pub region: Option<String>,
}

impl EventOrigin {
    /// Reads the envelope beside a `detail`. Long texts are cut. `None` if it says nothing.
    pub(super) fn of_envelope(json: &StrictJson) -> Option<Self> {
        json.member("detail")?;
        let text = |key: &str| {
            let text = json.member(key)?.as_str()?;
            Some(first_bytes(text, ORIGIN_BYTES_MAX).to_owned())
        };
        let (id, time, source) = (text("id"), text("time"), text("source"));
        let origin = Self { id, time, source, account: text("account"), region: text("region") };
        (origin != Self::default()).then_some(origin)
    }

    /// The origin of a payload that only the mapping knows.
    pub(super) fn of_mapping(source: &str) -> Self {
        Self { source: Some(source.into()), ..Self::default() }
    }
}
