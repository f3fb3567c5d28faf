//! Publishes insights on an event bus of Amazon EventBridge. Each insight is one event with the source
//! `iops-dashboard.ai` and the detail-type `insight`. Existing rules route it by `detail.severity`.
//!
//! Never: sends `reply` or `attempts`, treats a request with a failed entry as a success, or retries.

use std::fmt;

use portend_core::insight::StoredInsight;
use portend_core::notify::{Notifier, NotifyError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Aws, CallFailure, Caller, Service};
use crate::limits::{BODY_BYTES_MAX, NOTIFY_TIMEOUT};
use crate::network::Bounds;
use crate::response::plain_code;

/// An event bus. It sends nothing until it is used.
pub struct EventBus {
    name: String,
    caller: Caller,
}

/// The source of insights.
const INSIGHT_SOURCE: &str = "iops-dashboard.ai";
/// The detail-type of insights.
const INSIGHT_DETAIL_TYPE: &str = "insight";
/// The source of alerts.
const ALERT_SOURCE: &str = "iops-dashboard.processor";

/// Fields of an insight that are not published: the model's unchecked text, and the attempts with their cost.
const UNPUBLISHED_FIELDS: [&str; 2] = ["reply", "attempts"];

impl EventBus {
    /// The IAM actions that publishing needs.
    pub const ACTIONS: [&str; 1] = ["events:PutEvents"];

    /// The bus with this name or ARN.
    pub fn new(name: String, aws: Aws) -> Self {
        Self { name, caller: Caller::new(Service::EVENT_BRIDGE, aws) }
    }

    /// The bus's name or ARN.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Checks that the bus exists. Otherwise returns what is wrong and how to fix it.
    pub async fn exists(&self) -> Result<(), String> {
        let described =
            self.caller.call::<Value>("DescribeEventBus", &json!({ "Name": self.name }), BOUNDS).await;
        described.map(drop).map_err(|failure| failure.when_describing("bus", "events:DescribeEventBus"))
    }

    /// Puts alerts on the bus as their producer does. Each alert is a pair of detail-type and detail; there are at most
    /// [`EVENTS_AT_ONCE`](crate::limits::EVENTS_AT_ONCE).
    pub async fn put_alerts(&self, alerts: &[(String, String)]) -> Result<(), NotifyError> {
        let entries =
            alerts.iter().map(|(detail_type, detail)| self.entry(ALERT_SOURCE, detail_type, detail));
        self.put(&entries.collect::<Vec<_>>()).await
    }

    fn entry<'a>(&'a self, source: &'a str, detail_type: &'a str, detail: &'a str) -> Entry<'a> {
        Entry { event_bus_name: &self.name, source, detail_type, detail }
    }

    async fn put(&self, entries: &[Entry<'_>]) -> Result<(), NotifyError> {
        let put = self.caller.call("PutEvents", &json!({ "Entries": entries }), BOUNDS).await;
        let PutEventsResponse { failed_entry_count, entries } = put.map_err(|failure| match failure {
            CallFailure::Busy(what) | CallFailure::Unreachable(what) => NotifyError::Unreachable { what },
            CallFailure::Refused(what, _) => NotifyError::Refused { what },
            wrong @ CallFailure::WrongClock(_) => NotifyError::Refused { what: wrong.to_string() },
        })?;
        // The request succeeded, but an entry of it may have failed.
        if failed_entry_count == 0 {
            return Ok(());
        }
        let code = entries.iter().find_map(|entry| entry.error_code.as_deref());
        Err(NotifyError::NotAccepted { what: code.and_then(plain_code).unwrap_or("unnamed").to_owned() })
    }
}

const BOUNDS: Bounds = Bounds { time: Some(NOTIFY_TIMEOUT), bytes: BODY_BYTES_MAX };

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    event_bus_name: &'a str,
    source: &'a str,
    detail_type: &'a str,
    detail: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEventsResponse {
    failed_entry_count: u32,
    #[serde(default)]
    entries: Vec<EntryResult>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EntryResult {
    error_code: Option<String>,
}

/// The event's detail: the insight's checked fields, and the fields that existing formatters read from an alert
/// (`alert_type`, `timestamp` and `details`).
fn detail(insight: &StoredInsight) -> String {
    let mut fields = match serde_json::to_value(insight) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::new(),
    };
    fields.retain(|name, _| !UNPUBLISHED_FIELDS.contains(&name.as_str()));
    fields.insert("alert_type".to_owned(), Value::from(insight.prediction_type()));
    if let Some(facts) = fields.get("facts").cloned() {
        fields.insert("details".to_owned(), facts);
    }
    Value::Object(fields).to_string()
}

impl Notifier for EventBus {
    async fn notify(&self, insight: &StoredInsight) -> Result<(), NotifyError> {
        // The future of a call is large. Boxing it keeps the callers' futures small.
        Box::pin(self.put(&[self.entry(INSIGHT_SOURCE, INSIGHT_DETAIL_TYPE, &detail(insight))])).await
    }
}

impl fmt::Debug for EventBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBus").field("name", &self.name).finish_non_exhaustive()
    }
}
