//! Alerts to send.
//!
//! Takes: who it is about, and what is different about it.
//! Gives: the bare `detail`, or a shape around it.
//! Never: anything that the contract refuses, unless asked.

use serde_json::{Value, json};

/// The sample event of the contract, in the repository.
pub(crate) const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/test-alert.json");
/// The folder of the built-in alert types.
pub(crate) const ALERT_TYPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../alert-types");

/// 5 calls and a health score of 65: 63 points.
pub(crate) fn student(id: &str) -> Value {
    json!({
        "alert_type": "high_ib_call_frequency", "severity": "warning", "entity_id": id, "entity_type": "student",
        "details": { "ib_calls_14d": 5, "health_score": 65 },
        "message": format!("Student {id} has 5 IB calls in 14 days"), "timestamp": "2025-01-01T12:00:00Z"
    })
}

pub(crate) fn subject(name: &str) -> Value {
    json!({
        "alert_type": "supply_demand_imbalance", "severity": "info", "entity_id": name, "entity_type": "subject",
        "details": { "balance_status": "high_demand", "demand_score": 90, "supply_score": 20 },
        "message": format!("{name} has more demand than tutors"), "timestamp": "2025-01-01T12:00:00Z"
    })
}

/// The alert, so many seconds later: the same thing again, as far as the next window is not reached.
pub(crate) fn later(alert: &Value, seconds: u32) -> Value {
    let clock = format!("2025-01-01T12:{:02}:{:02}Z", seconds / 60, seconds % 60);
    with(alert, "/timestamp", json!(clock))
}

/// The alert with a value at a path; what stands above it is there.
pub(crate) fn with(alert: &Value, path: &str, value: Value) -> Value {
    let mut alert = alert.clone();
    let (above, key) = path.rsplit_once('/').unwrap();
    alert.pointer_mut(above).unwrap()[key] = value;
    alert
}

pub(crate) fn without(alert: &Value, path: &str) -> Value {
    let mut alert = alert.clone();
    let (above, key) = path.rsplit_once('/').unwrap();
    alert.pointer_mut(above).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    alert
}

/// The EventBridge event of an alert.
pub(crate) fn event(detail: &Value) -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": detail["alert_type"], "source": "iops-dashboard.processor",
        "account": "123456789012", "time": "2025-01-01T12:00:00Z", "region": "us-east-1", "resources": [],
        "detail": detail
    })
}

/// The SQS event whose records have these bodies.
pub(crate) fn batch<B: ToString>(bodies: impl IntoIterator<Item = B>) -> Value {
    let record = |(number, body): (usize, B)| json!({ "messageId": number.to_string(), "body": body.to_string(), "eventSource": "aws:sqs" });
    json!({ "Records": bodies.into_iter().enumerate().map(record).collect::<Vec<_>>() })
}

/// One on each line.
pub(crate) fn lines(alerts: impl IntoIterator<Item = Value>) -> String {
    alerts.into_iter().flat_map(|alert| [alert.to_string(), "\n".into()]).collect()
}

/// So many students, each with one alert.
pub(crate) fn students(count: usize) -> String {
    lines((0..count).map(|number| student(&format!("stu_{number}"))))
}
