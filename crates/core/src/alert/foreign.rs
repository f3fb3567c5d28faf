//! Says in a few words what a JSON value is that is not an event.
//!
//! Never: quotes a value of it, except the name of a system or of a kind of message.

use super::json::StrictJson;

/// Keys that are listed at most.
const KEYS_MAX: usize = 5;

/// What came instead of an event, and where there is one, how to send events instead.
pub(super) fn described(json: &StrictJson) -> String {
    match json {
        StrictJson::Array(items) if items.is_empty() => "an empty array".into(),
        StrictJson::Array(items) => {
            format!("an array of {}: send JSON Lines, or one event per record", items.len())
        }
        StrictJson::Object(_) => object(json),
        StrictJson::Null | StrictJson::Bool(_) | StrictJson::Number(_) | StrictJson::String(_) => {
            json.quoted()
        }
    }
}

fn object(json: &StrictJson) -> String {
    let text = |key: &str| json.member(key).and_then(StrictJson::as_str);
    if text("Event") == Some("s3:TestEvent") {
        return "an S3 test event, which S3 sends when notifications are switched on: nothing is wrong"
            .into();
    }
    match text("Type") {
        Some("SubscriptionConfirmation") => {
            return "an SNS subscription confirmation: visit its `SubscribeURL` to confirm the subscription"
                .into();
        }
        Some("UnsubscribeConfirmation") => return "an SNS unsubscribe confirmation".into(),
        Some("Notification") => {
            return "an SNS notification outside a batch: send the event in its `Message`".into();
        }
        _ => {}
    }
    if let Some(StrictJson::Array(records)) = json.member("Records") {
        return batch(records);
    }
    if json.member("portend").is_some() {
        return "a command of Portend, which only a direct invocation takes".into();
    }
    let StrictJson::Object(members) = json else { return json.quoted() };
    let keys: Vec<_> = members.keys().take(KEYS_MAX).map(|key| StrictJson::quote(key)).collect();
    match (keys.len(), members.len()) {
        (0, _) => "an empty object".into(),
        (shown, all) if shown < all => {
            format!("an object with neither, but with {} and more", keys.join(", "))
        }
        _ => format!("an object with neither, but with {}", keys.join(", ")),
    }
}

/// Describes the records of a service whose records are not alerts.
fn batch(records: &[StrictJson]) -> String {
    let source = |record: &StrictJson| {
        let source = ["eventSource", "EventSource"].iter().find_map(|key| record.member(key));
        source.and_then(StrictJson::as_str).map(str::to_owned)
    };
    let records_of = |service: &str| format!("{} of {service}, which are not alerts", counted(records.len()));
    match records.first().and_then(source).as_deref() {
        _ if records.is_empty() => "a batch without records".into(),
        Some("aws:s3") => records_of("S3 about files"),
        Some("aws:kinesis") => records_of("a Kinesis stream"),
        Some("aws:dynamodb") => records_of("a DynamoDB stream"),
        Some("aws:ses") => records_of("SES about e-mails"),
        _ => format!("{} with neither a `messageId` and a `body` nor an `Sns`", counted(records.len())),
    }
}

fn counted(records: usize) -> String {
    if records == 1 { "1 record".into() } else { format!("{records} records") }
}
