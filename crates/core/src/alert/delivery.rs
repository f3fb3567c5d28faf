//! Splits a transport's payload into events: a single event, or the records of a batch. The envelope of SNS is opened,
//! and a payload of another system with several alerts becomes one payload for each alert.
//!
//! Never: lets one record fail another, or loses a record that is not an event.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::alert_type::AlertTypes;
use crate::limits::BATCH_BYTES_MAX;

/// What a payload holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery<'a> {
    /// A payload that is not a batch. It may still not be a valid event.
    One(&'a [u8]),
    /// The records of an SQS event. The transport delivers each again by its id.
    Batch(Vec<Record>),
    /// The records of an SNS event, or the alerts of one payload. The transport delivers them again together.
    Several(Vec<Record>),
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

#[derive(Deserialize)]
struct SnsRecordWire {
    #[serde(rename = "Sns")]
    sns: SnsWire,
}

/// A message as SNS delivers it: in a record, or in the body of a queue's message.
#[derive(Deserialize)]
struct SnsWire {
    #[serde(rename = "Type")]
    kind: Option<String>,
    #[serde(rename = "MessageId", default)]
    message_id: String,
    #[serde(rename = "Message")]
    message: String,
}

/// Where the records of a batch come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RecordSource {
    Sqs,
    Sns,
}

impl<'a> Delivery<'a> {
    /// Reads a payload as a batch if at least one of its `Records` has a `messageId` and a `body`, or is a message of
    /// SNS, and as one event otherwise. The mappings of the alert types split a payload with several alerts.
    pub fn read(payload: &'a [u8], types: &AlertTypes) -> Self {
        match Self::batch(payload) {
            Some((RecordSource::Sqs, records)) => Self::Batch(split(records, types)),
            Some((RecordSource::Sns, records)) => Self::Several(split(records, types)),
            None => match types.split(payload) {
                Some(parts) => {
                    let record = |body| Record { message_id: String::new(), body };
                    Self::Several(parts.into_iter().map(record).collect())
                }
                None => Self::One(payload),
            },
        }
    }

    fn batch(payload: &[u8]) -> Option<(RecordSource, Vec<Record>)> {
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
        // One complete record makes a batch. Each incomplete one beside it is parked on its own.
        [
            (RecordSource::Sqs, Record::of_sqs as fn(&RawValue) -> Option<Record>),
            (RecordSource::Sns, Record::of_sns),
        ]
        .into_iter()
        .find_map(|(source, read)| {
            let records: Vec<_> = batch.records.iter().map(|raw| (*raw, read(raw))).collect();
            let is_batch = records.iter().any(|(_, record)| record.is_some());
            let record = |(raw, record): (&RawValue, Option<Record>)| {
                record.unwrap_or_else(|| Record {
                    message_id: String::new(),
                    body: raw.get().as_bytes().to_vec(),
                })
            };
            is_batch.then(|| (source, records.into_iter().map(record).collect()))
        })
    }
}

const RECORDS: &[u8] = b"\"Records\"";

/// Replaces each record whose payload holds several alerts by one record per alert, with the same id.
fn split(records: Vec<Record>, types: &AlertTypes) -> Vec<Record> {
    let parts = |record: Record| match types.split(&record.body) {
        Some(parts) => {
            let part = |body| Record { message_id: record.message_id.clone(), body };
            parts.into_iter().map(part).collect()
        }
        None => vec![record],
    };
    records.into_iter().flat_map(parts).collect()
}

impl Record {
    /// Reads a record of SQS. `None` without a `messageId`, or without a string as `body`.
    fn of_sqs(raw: &RawValue) -> Option<Self> {
        let record = serde_json::from_str::<RecordWire<'_>>(raw.get()).ok()?;
        let text = record.body.get();
        if !text.starts_with('"') {
            return None;
        }
        // A body that cannot be decoded (a lone surrogate) stays as received, and is parked as such.
        let body = serde_json::from_str(text).unwrap_or_else(|_| text.to_owned());
        let body = sns_message(&body).unwrap_or(body);
        Some(Self { message_id: record.message_id, body: body.into_bytes() })
    }

    /// Reads a record of SNS. `None` if it has no `Sns` with a `Message`.
    fn of_sns(raw: &RawValue) -> Option<Self> {
        let SnsRecordWire { sns } = serde_json::from_str(raw.get()).ok()?;
        Some(Self { message_id: sns.message_id, body: sns.message.into_bytes() })
    }
}

/// The message in an envelope of SNS, which a queue receives unless raw delivery is on.
fn sns_message(body: &str) -> Option<String> {
    // Only an envelope has both keys, so that most bodies are not parsed here.
    if !body.contains("\"Notification\"") || !body.contains("\"Message\"") {
        return None;
    }
    let envelope: SnsWire = serde_json::from_str(body).ok()?;
    (envelope.kind.as_deref() == Some("Notification")).then_some(envelope.message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kind of delivery, and the bodies of its records.
    fn read(payload: &str) -> (&'static str, Vec<String>) {
        let bodies = |records: Vec<Record>| {
            records.into_iter().map(|record| String::from_utf8(record.body).unwrap()).collect()
        };
        match Delivery::read(payload.as_bytes(), &AlertTypes::built_in()) {
            Delivery::One(_) => ("one", Vec::new()),
            Delivery::Batch(records) => ("batch", bodies(records)),
            Delivery::Several(records) => ("several", bodies(records)),
        }
    }

    #[test]
    fn every_record_of_a_batch_is_its_own_event() {
        let payload = r#"{"Records":[{"messageId":"1","body":"{\"a\":1}","attributes":{}},
            {"messageId":"2","body":"not json"},{"messageId":"3","body":"\ud800"}]}"#;
        let expected = vec!["{\"a\":1}".to_owned(), "not json".into(), "\"\\ud800\"".into()];
        assert_eq!(read(payload), ("batch", expected));
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
            r#"{"Records":[{"Sns":{"Message":5}}]}"#,
            r#"{"Records":[{"messageId":"1","body":"x"}],"detail":{}}"#,
        ] {
            assert_eq!(read(payload), ("one", Vec::new()), "{payload}");
        }
    }

    #[test]
    fn a_record_without_a_body_does_not_affect_the_others() {
        let payload = r#"{"Records":[{"messageId":"1","body":"x"},{"messageId":"2"}, 5]}"#;
        let expected = vec!["x".to_owned(), r#"{"messageId":"2"}"#.into(), "5".into()];
        assert_eq!(read(payload), ("batch", expected));
    }

    #[test]
    fn a_batch_may_be_larger_than_an_event() {
        let body = "x".repeat(100_000);
        let payload = format!(r#"{{"Records":[{{"messageId":"1","body":"{body}"}}]}}"#);
        assert_eq!(read(&payload), ("batch", vec![body]));
    }

    #[test]
    fn the_envelope_of_sns_is_opened_once() {
        let envelope = |kind: &str, message: &str| {
            let message = serde_json::to_string(message).unwrap();
            format!(r#"{{"Type":"{kind}","MessageId":"m","TopicArn":"arn:aws:sns:x","Message":{message}}}"#)
        };
        let in_sqs = |body: &str| {
            let body = serde_json::to_string(body).unwrap();
            format!(r#"{{"Records":[{{"messageId":"1","body":{body}}}]}}"#)
        };
        let event = r#"{"alert_type":"x"}"#;
        let (one, two) = (envelope("Notification", event), envelope("SubscriptionConfirmation", "subscribe"));
        let nested = envelope("Notification", &one);
        for (body, opened) in [(&one, event), (&nested, &one), (&two, &two)] {
            assert_eq!(read(&in_sqs(body)), ("batch", vec![opened.to_owned()]), "{body}");
        }
        let straight = format!(
            r#"{{"Records":[{{"EventSource":"aws:sns","EventVersion":"1.0","Sns":{one}}},{{"Sns":{{}}}}]}}"#
        );
        assert_eq!(read(&straight), ("several", vec![event.to_owned(), r#"{"Sns":{}}"#.into()]));
        assert_eq!(read(&one), ("one", Vec::new()), "an envelope outside a batch is not opened");
    }
}
