//! Notifies of insights on an event bus: Amazon EventBridge. An insight is one event with source `iops-dashboard.ai`
//! and detail-type `insight`, which existing rules route by `detail.severity` and existing formatters read.
//!
//! Never: sends `reply` or `attempts`; takes a request for a success whose entry failed; or retries.

use std::fmt;

use portend_core::insight::StoredInsight;
use portend_core::notify::{Notifier, NotifyError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Aws, Caller, Failure, Service};
use crate::limits::{BODY_BYTES_MAX, TELL_TIMEOUT};
use crate::network::Bounds;
use crate::response::plain_code;

/// An event bus by its name or ARN. Nothing is done until it is used.
pub struct EventBus {
    name: String,
    caller: Caller,
}

/// Where the insights come from, as rules know it.
const INSIGHT_SOURCE: &str = "iops-dashboard.ai";
/// What they are.
const INSIGHT_DETAIL_TYPE: &str = "insight";
/// Where alerts come from, as rules know it.
const ALERT_SOURCE: &str = "iops-dashboard.processor";

/// Fields of the insight that stay in the store: texts of a model that nobody has checked, and their cost.
const KEPT_BACK: [&str; 2] = ["reply", "attempts"];

impl EventBus {
    /// What telling does.
    pub const ACTIONS: [&str; 1] = ["events:PutEvents"];

    /// The bus of this name or ARN.
    pub fn new(name: String, aws: Aws) -> Self {
        Self { name, caller: Caller::new(Service::EVENT_BRIDGE, aws) }
    }

    /// Its name or ARN.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it exists; else what is wrong, with how to fix it.
    pub async fn exists(&self) -> Result<(), String> {
        let asked =
            self.caller.call::<Value>("DescribeEventBus", &json!({ "Name": self.name }), BOUNDS).await;
        asked.map(drop).map_err(|failure| failure.of_a_look("bus", "events:DescribeEventBus"))
    }

    /// Puts alerts on the bus as their producer does, at most [`EVENTS_AT_ONCE`](crate::limits::EVENTS_AT_ONCE): pairs of detail-type and detail.
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
        let Put { failed_entry_count, entries } = put.map_err(|failure| match failure {
            Failure::Busy(what) | Failure::Unreachable(what) => NotifyError::Unreachable { what },
            Failure::Refused(what, _) => NotifyError::Refused { what },
        })?;
        // The request was taken; its entries may not have been.
        if failed_entry_count == 0 {
            return Ok(());
        }
        let code = entries.iter().find_map(|entry| entry.error_code.as_deref());
        Err(NotifyError::NotTaken { what: code.and_then(plain_code).unwrap_or("unnamed").to_owned() })
    }
}

const BOUNDS: Bounds = Bounds { time: Some(TELL_TIMEOUT), bytes: BODY_BYTES_MAX };

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
struct Put {
    failed_entry_count: u32,
    #[serde(default)]
    entries: Vec<PutEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutEntry {
    error_code: Option<String>,
}

/// The event's detail: what formatters read of an alert (`alert_type`, `timestamp`, `details`), and of the insight all
/// that is checked.
fn detail(insight: &StoredInsight) -> String {
    let mut fields = match serde_json::to_value(insight) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::new(),
    };
    fields.retain(|name, _| !KEPT_BACK.contains(&name.as_str()));
    fields.insert("alert_type".to_owned(), Value::from(insight.prediction_type.as_str()));
    if let Some(facts) = fields.get("facts").cloned() {
        fields.insert("details".to_owned(), facts);
    }
    Value::Object(fields).to_string()
}

impl Notifier for EventBus {
    async fn tell(&self, insight: &StoredInsight) -> Result<(), NotifyError> {
        self.put(&[self.entry(INSIGHT_SOURCE, INSIGHT_DETAIL_TYPE, &detail(insight))]).await
    }
}

impl fmt::Debug for EventBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBus").field("name", &self.name).finish_non_exhaustive()
    }
}
