//! Copies each insight to the table that the original dashboard's reader queries. The reader finds it by `EntityTypeIndex`.
//!
//! | attribute | value |
//! |---|---|
//! | `entity_id` | the alert id, because the reader shows one item for each value |
//! | `entity_type` | `insight` |
//! | `related_entity` | the student or subject |
//! | `timestamp`, `prediction_type`, `risk_score`, `explanation`, `recommendations`, `model_used`, `confidence`, `ttl` | as in the insight |
//!
//! Never: retries, or reads the table; one more put of the same insight changes nothing.

use std::fmt;

use portend_core::insight::StoredInsight;
use portend_core::notify::NotifyError;
use serde_json::{Value, json};

use super::{Aws, CallFailure, Caller, Service};
use crate::limits::{BODY_BYTES_MAX, NOTIFY_TIMEOUT};
use crate::network::Bounds;

/// The index by which the reader finds insights.
const READERS_INDEX: &str = "EntityTypeIndex";

/// The table of the original dashboard's reader. It sends nothing until it is used.
pub struct MirrorTable {
    name: String,
    caller: Caller,
}

impl MirrorTable {
    /// The IAM actions that copying needs.
    pub const ACTIONS: [&str; 1] = ["dynamodb:PutItem"];

    /// The table with this name.
    pub fn new(name: String, aws: Aws) -> Self {
        Self { name, caller: Caller::new(Service::DYNAMO_DB, aws) }
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts the insight, in place of an earlier one of the same alert.
    pub async fn put(&self, insight: &StoredInsight) -> Result<(), NotifyError> {
        let put = json!({ "TableName": self.name, "Item": item(insight) });
        // The future of a call is large. Boxing it keeps the callers' futures small.
        let sent = Box::pin(self.caller.call::<Value>("PutItem", &put, BOUNDS)).await;
        sent.map(drop).map_err(|failure| match failure {
            CallFailure::Busy(what) | CallFailure::Unreachable(what) => {
                NotifyError::MirrorUnreachable { what }
            }
            CallFailure::Refused(what, _) => NotifyError::MirrorRefused { what },
            wrong @ CallFailure::WrongClock(_) => NotifyError::MirrorRefused { what: wrong.to_string() },
        })
    }

    /// Checks that the table exists and has the reader's index. Otherwise returns what is wrong and how to fix it.
    pub async fn check(&self) -> Result<(), String> {
        let table = json!({ "TableName": self.name });
        let described = Box::pin(self.caller.call::<Value>("DescribeTable", &table, BOUNDS)).await;
        let described =
            described.map_err(|failure| failure.when_describing("table", "dynamodb:DescribeTable"))?;
        let indexes = described.pointer("/Table/GlobalSecondaryIndexes").and_then(Value::as_array);
        let has_index =
            indexes.is_some_and(|indexes| indexes.iter().any(|index| index["IndexName"] == READERS_INDEX));
        if has_index {
            return Ok(());
        }
        Err(format!(
            "it has no {READERS_INDEX}, by which the original reader finds insights; name the table of its metrics"
        ))
    }
}

const BOUNDS: Bounds = Bounds { time: Some(NOTIFY_TIMEOUT), bytes: BODY_BYTES_MAX };

/// The item, in DynamoDB's JSON.
fn item(insight: &StoredInsight) -> Value {
    let text = |text: &str| json!({ "S": text });
    let number = |number: String| json!({ "N": number });
    let recommendations: Vec<_> = insight.recommendations().iter().map(|each| text(each)).collect();
    let mut item = json!({
        "entity_id": text(insight.alert_id()),
        "entity_type": text("insight"),
        "related_entity": text(insight.entity_id()),
        "timestamp": text(&insight.timestamp().to_string()),
        "prediction_type": text(insight.prediction_type()),
        "risk_score": number(insight.risk_score().to_string()),
        "explanation": text(insight.explanation()),
        "recommendations": { "L": recommendations },
        "model_used": text(insight.model_used()),
        "confidence": number(insight.probability_or_zero().to_string()),
    });
    if let (Some(end), Value::Object(fields)) = (insight.expires_at(), &mut item) {
        fields.insert("ttl".to_owned(), number(end.as_secs().to_string()));
    }
    item
}

impl fmt::Debug for MirrorTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MirrorTable").field("name", &self.name).finish_non_exhaustive()
    }
}
