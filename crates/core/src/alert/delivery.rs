//! Splits a transport's payload into events: a single event, or the records of an SQS batch.
//!
//! Never: parses an event, or lets one record fail another.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::limits::BATCH_BYTES_MAX;

/// What a payload holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery<'a> {
    /// A payload that is not a batch. It may still not be a valid event.
    One(&'a [u8]),
    /// The records of an SQS event.
    Batch(Vec<Record>),
}

/// One record of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The transport's id of the record. Empty if the record has none.
    pub message_id: String,
    /// The event, as received.
    pub body: Vec<u8>,
}

#[derive(Deserialize)]
struct BatchWire<'a> {
    #[serde(rename = "Records", borrow)]
    records: Vec<&'a RawValue>,
    detail: Option<IgnoredAny>,
    alert_type: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct RecordWire<'a> {
    #[serde(rename = "messageId")]
    message_id: String,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl<'a> Delivery<'a> {
    /// Reads a payload as a batch if at least one of its `Records` has a `messageId` and a `body`, and as one event
    /// otherwise.
    pub fn read(payload: &'a [u8]) -> Self {
        Self::batch(payload).map_or(Self::One(payload), Self::Batch)
    }

    fn batch(payload: &[u8]) -> Option<Vec<Record>> {
        let has_records = payload.windows(RECORDS.len()).any(|window| window == RECORDS);
        if !has_records || payload.len() > BATCH_BYTES_MAX {
            return None;
        }
        let json = payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(payload);
        let batch: BatchWire<'_> = serde_json::from_slice(json).ok()?;
        let is_event = batch.detail.is_some() || batch.alert_type.is_some();
        if is_event {
            return None;
        }
        let records: Vec<_> = batch.records.iter().map(|raw| Record::read(raw)).collect();
        // One complete record makes a batch. Each incomplete one beside it is parked on its own.
        records.iter().any(Result::is_ok).then(|| {
            records.into_iter().map(|record| record.unwrap_or_else(|incomplete| incomplete)).collect()
        })
    }
}

const RECORDS: &[u8] = b"\"Records\"";

impl Record {
    /// Reads one record. A record without a `messageId`, or without a string as `body`, is an error: a record whose
    /// body is its own JSON.
    fn read(raw: &RawValue) -> Result<Self, Self> {
        let record = serde_json::from_str::<RecordWire<'_>>(raw.get()).ok();
        let Some(record) = record.filter(|record| record.body.get().starts_with('"')) else {
            return Err(Self { message_id: String::new(), body: raw.get().as_bytes().to_vec() });
        };
        let text = record.body.get();
        // A body that cannot be decoded (a lone surrogate) stays as received, and is parked as such.
        let body = serde_json::from_str(text).unwrap_or_else(|_| text.to_owned());
        Ok(Self { message_id: record.message_id, body: body.into_bytes() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bodies(payload: &str) -> Option<Vec<String>> {
        match Delivery::read(payload.as_bytes()) {
            Delivery::One(_) => None,
            Delivery::Batch(records) => {
                Some(records.into_iter().map(|record| String::from_utf8(record.body).unwrap()).collect())
            }
        }
    }

    #[test]
    fn every_record_of_a_batch_is_its_own_event() {
        let payload = r#"{"Records":[{"messageId":"1","body":"{\"a\":1}","attributes":{}},
            {"messageId":"2","body":"not json"},{"messageId":"3","body":"\ud800"}]}"#;
        let expected = vec!["{\"a\":1}".to_owned(), "not json".into(), "\"\\ud800\"".into()];
        assert_eq!(bodies(payload), Some(expected));
    }

    #[test]
    fn a_payload_that_is_not_a_batch_is_one_event() {
        for payload in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"Records":[]}"#,
            r#"{"Records":{}}"#,
            r#"{"Records":[{"body":"x"}]}"#,
            r#"{"Records":[{"messageId":"1"}]}"#,
            r#"{"Records":[{"messageId":"1","body":null}]}"#,
            r#"{"Records":[{"messageId":"1","body":{}}]}"#,
            r#"{"Records":[{"Sns":{"Message":"x"}}]}"#,
            r#"{"Records":[{"messageId":"1","body":"x"}],"detail":{}}"#,
        ] {
            assert_eq!(bodies(payload), None, "{payload}");
        }
    }

    #[test]
    fn a_record_without_a_body_does_not_affect_the_others() {
        let payload = r#"{"Records":[{"messageId":"1","body":"x"},{"messageId":"2"}, 5]}"#;
        let expected = vec!["x".to_owned(), r#"{"messageId":"2"}"#.into(), "5".into()];
        assert_eq!(bodies(payload), Some(expected));
    }

    #[test]
    fn a_batch_may_be_larger_than_an_event() {
        let body = "x".repeat(100_000);
        let payload = format!(r#"{{"Records":[{{"messageId":"1","body":"{body}"}}]}}"#);
        assert_eq!(bodies(&payload), Some(vec![body]));
    }
}
