//! Splits what a transport hands over into events.
//!
//! Takes: a payload as received.
//! Gives: one event, or the records of an SQS batch, each with its own body.
//! Never: lets one record fail another, or parses an event.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::limits::BATCH_BYTES_MAX;

/// What a payload holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery<'a> {
    /// One event, which may yet turn out to be none.
    One(&'a [u8]),
    /// The records of an SQS event.
    Batch(Vec<Record>),
}

/// One record of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What the transport calls it.
    pub message_id: String,
    /// Its event, as received.
    pub body: Vec<u8>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(rename = "Records", borrow)]
    records: Vec<&'a RawValue>,
    detail: Option<IgnoredAny>,
    alert_type: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct WrittenRecord<'a> {
    #[serde(rename = "messageId")]
    message_id: String,
    #[serde(borrow)]
    body: &'a RawValue,
}

impl<'a> Delivery<'a> {
    /// A payload is a batch if it has `Records` of which any has a `messageId` and a `body`.
    pub fn read(payload: &'a [u8]) -> Self {
        Self::batch(payload).map_or(Self::One(payload), Self::Batch)
    }

    fn batch(payload: &[u8]) -> Option<Vec<Record>> {
        let named = payload.windows(RECORDS.len()).any(|window| window == RECORDS);
        if !named || payload.len() > BATCH_BYTES_MAX {
            return None;
        }
        let json = payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(payload);
        let envelope: Envelope<'_> = serde_json::from_slice(json).ok()?;
        let is_event = envelope.detail.is_some() || envelope.alert_type.is_some();
        if is_event {
            return None;
        }
        let records: Vec<_> = envelope.records.iter().map(|raw| Record::read(raw)).collect();
        // One whole record makes a batch; what stands beside it is parked by itself.
        records
            .iter()
            .any(Result::is_ok)
            .then(|| records.into_iter().map(|each| each.unwrap_or_else(|it| it)).collect())
    }
}

const RECORDS: &[u8] = b"\"Records\"";

impl Record {
    /// The record; or, if it has no `messageId` with a text for `body`, the whole of it as its own body.
    fn read(raw: &RawValue) -> Result<Self, Self> {
        let written = serde_json::from_str::<WrittenRecord<'_>>(raw.get()).ok();
        let Some(written) = written.filter(|written| written.body.get().starts_with('"')) else {
            return Err(Self { message_id: String::new(), body: raw.get().as_bytes().to_vec() });
        };
        let text = written.body.get();
        // A body that is no text (a lone surrogate) stays as it is written, and is parked for it.
        let body = serde_json::from_str(text).unwrap_or_else(|_| text.to_owned());
        Ok(Self { message_id: written.message_id, body: body.into_bytes() })
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
    fn every_record_of_a_batch_is_an_event_of_its_own() {
        let payload = r#"{"Records":[{"messageId":"1","body":"{\"a\":1}","attributes":{}},
            {"messageId":"2","body":"not json"},{"messageId":"3","body":"\ud800"}]}"#;
        let expected = vec!["{\"a\":1}".to_owned(), "not json".into(), "\"\\ud800\"".into()];
        assert_eq!(bodies(payload), Some(expected));
    }

    #[test]
    fn what_is_no_batch_stays_one_event() {
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
    fn a_record_without_a_body_does_not_take_its_neighbours_with_it() {
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
