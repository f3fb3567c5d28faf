//! Tells of insights on an event bus: Amazon EventBridge.
//!
//! Takes: an insight that is stored.
//! Gives: one event with source `iops-dashboard.ai` and detail-type `insight`, which existing rules route by
//! `detail.severity` and existing formatters read.
//! Never: sends `reply` or `attempts`; takes a request for a success whose entry failed; or tries twice.

use std::fmt;

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use portend_core::insight::StoredInsight;
use portend_core::notify::{Notifier, NotifyError};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use crate::aws::config::Aws;
use crate::aws::error::Failure;
use crate::limits::TELL_TIMEOUT;
use crate::response::plain_code;

/// An event bus by its name or ARN. Nothing is done until it is used.
pub struct EventBus {
    name: String,
    aws: Aws,
    client: OnceCell<Client>,
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
        Self { name, aws, client: OnceCell::new() }
    }

    /// Its name or ARN.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it exists; else what is wrong, with the mend.
    pub async fn exists(&self) -> Result<(), String> {
        let sent = self.client().await.describe_event_bus().name(&self.name).send().await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::of(&error).of_a_look("bus", "events:DescribeEventBus")),
        }
    }

    /// Puts alerts on the bus as their producer does, at most [`EVENTS_AT_ONCE`](crate::limits::EVENTS_AT_ONCE): pairs of detail-type and detail.
    pub async fn put_alerts(&self, alerts: &[(String, String)]) -> Result<(), NotifyError> {
        let entries =
            alerts.iter().map(|(detail_type, detail)| self.entry(ALERT_SOURCE, detail_type, detail));
        self.put(entries.collect()).await
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(async || Client::new(&self.aws.service(Some(TELL_TIMEOUT)).await)).await
    }

    fn entry(&self, source: &str, detail_type: &str, detail: &str) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(source)
            .detail_type(detail_type)
            .detail(detail)
            .build()
    }

    async fn put(&self, entries: Vec<PutEventsRequestEntry>) -> Result<(), NotifyError> {
        let sent = self.client().await.put_events().set_entries(Some(entries)).send().await;
        let answer = sent.map_err(|error| match Failure::of(&error) {
            Failure::Busy(what) | Failure::Unreachable(what) => NotifyError::Unreachable { what },
            Failure::Refused(what) => NotifyError::Refused { what },
        })?;
        // The request was taken; its entries may not have been.
        if answer.failed_entry_count == 0 {
            return Ok(());
        }
        let code = answer.entries().iter().find_map(|entry| entry.error_code());
        Err(NotifyError::NotTaken { what: code.and_then(plain_code).unwrap_or("unnamed").to_owned() })
    }
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
        let entry = self.entry(INSIGHT_SOURCE, INSIGHT_DETAIL_TYPE, &detail(insight));
        // The SDK's futures are large; boxed, they do not make every caller's so.
        Box::pin(self.put(vec![entry])).await
    }
}

impl fmt::Debug for EventBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBus").field("name", &self.name).finish_non_exhaustive()
    }
}
