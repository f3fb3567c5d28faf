//! Makes the alerts that the tests send: a bare `detail`, or a `detail` inside an event, a batch or JSON Lines.
//!
//! Never: makes an invalid alert, unless the test asks for one.

use serde_json::{Value, json};

/// The path of the sample event.
pub(crate) const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../test/test-alert.json");
/// The path of the folder with the built-in alert types.
pub(crate) const ALERT_TYPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../alert-types");

/// An alert with 5 calls and a health score of 65. Its score is 63.
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

/// The same alert, `seconds` later. It is a repeat if it is in the same repeat window.
pub(crate) fn later(alert: &Value, seconds: u32) -> Value {
    let clock = format!("2025-01-01T12:{:02}:{:02}Z", seconds / 60, seconds % 60);
    with(alert, "/timestamp", json!(clock))
}

/// The alert with another value at a path, whose parent must exist.
pub(crate) fn with(alert: &Value, path: &str, value: Value) -> Value {
    let mut alert = alert.clone();
    let (parent, key) = path.rsplit_once('/').unwrap();
    alert.pointer_mut(parent).unwrap()[key] = value;
    alert
}

pub(crate) fn without(alert: &Value, path: &str) -> Value {
    let mut alert = alert.clone();
    let (parent, key) = path.rsplit_once('/').unwrap();
    alert.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    alert
}

/// The EventBridge event with this `detail`.
pub(crate) fn event(detail: &Value) -> Value {
    json!({
        "version": "0", "id": "1", "detail-type": detail["alert_type"], "source": "iops-dashboard.processor",
        "account": "123456789012", "time": "2025-01-01T12:00:00Z", "region": "us-east-1", "resources": [],
        "detail": detail
    })
}

/// An SQS event with one record for each body.
pub(crate) fn batch<B: ToString>(bodies: impl IntoIterator<Item = B>) -> Value {
    let record = |(number, body): (usize, B)| json!({ "messageId": number.to_string(), "body": body.to_string(), "eventSource": "aws:sqs" });
    json!({ "Records": bodies.into_iter().enumerate().map(record).collect::<Vec<_>>() })
}

/// JSON Lines with one alert on each line.
pub(crate) fn lines(alerts: impl IntoIterator<Item = Value>) -> String {
    alerts.into_iter().flat_map(|alert| [alert.to_string(), "\n".into()]).collect()
}

/// JSON Lines with one alert for each of `count` students.
pub(crate) fn students(count: usize) -> String {
    lines((0..count).map(|number| student(&format!("stu_{number}"))))
}
