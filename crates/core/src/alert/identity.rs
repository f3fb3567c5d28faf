//! Which alerts say the same, and where their one insight stands.
//!
//! Takes: the checked parts of an alert.
//! Gives: an [`AlertKey`], and the [`InsightKey`] under which the insight is stored.
//! Never: looks at the event id, the order of keys, or how a number is written.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::facts::Facts;
use crate::alert_type::{AlertType, FactValue};
use crate::time::Timestamp;

/// The sha256 of what an alert says, in canonical JSON (RFC 8785):
/// `["v1", alert_type, entity_type, entity_id, facts, window]`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertKey([u8; 32]);

/// Where an insight stands: fixed by the first claim of its alert key, so that there can be only one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InsightKey {
    entity_id: String,
    alert_timestamp: Timestamp,
    alert_type: String,
    fingerprint: String,
}

impl AlertKey {
    pub(super) fn new(alert_type: &AlertType, entity_id: &str, facts: &Facts, timestamp: Timestamp) -> Self {
        let window_millis = i64::try_from(alert_type.repeat_window().as_millis()).unwrap_or(i64::MAX);
        let window = match window_millis {
            0 => timestamp.as_millis(),
            millis => timestamp.as_millis().div_euclid(millis),
        };
        let steps = facts.iter().map(|(id, value)| (id, step_of(alert_type, id, value)));
        // Canonical, since the map is ordered, every number is whole and below 2^53, and the identifiers are ASCII:
        // there, serde_json writes what RFC 8785 asks for.
        let steps: BTreeMap<_, _> = steps.collect();
        let said = ("v1", alert_type.id(), alert_type.entity(), entity_id, steps, window);
        let canonical = serde_json::to_vec(&said).unwrap_or_default();
        Self(Sha256::digest(canonical).into())
    }

    /// From its 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// From its 64 hexadecimal digits, as it prints itself.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn fingerprint(self) -> String {
        let mut hex = self.to_string();
        hex.truncate(8);
        hex
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Step<'a> {
    Number(i64),
    Word(&'a str),
}

fn step_of<'a>(alert_type: &AlertType, fact: &str, value: &'a FactValue) -> Step<'a> {
    match value {
        FactValue::Number(number) => {
            let step =
                alert_type.fact(fact).and_then(|fact| fact.range()).map_or(1.0, |range| range.step.get());
            #[expect(clippy::cast_possible_truncation, reason = "the lint bounds a range to 2^53 steps")]
            Step::Number((number.get() / step).floor() as i64)
        }
        FactValue::Word(word) => Step::Word(word),
    }
}

/// Bytes in hexadecimal, as hashes are written.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl fmt::Display for AlertKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for AlertKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlertKey({self})")
    }
}

impl InsightKey {
    pub(super) fn new(alert_type: &str, entity_id: &str, alert_timestamp: Timestamp, key: AlertKey) -> Self {
        Self {
            entity_id: entity_id.into(),
            alert_timestamp,
            alert_type: alert_type.into(),
            fingerprint: key.fingerprint(),
        }
    }

    /// From the two keys of a stored item; `None` if they are not an insight's.
    pub fn from_item(pk: &str, sk: &str) -> Option<Self> {
        let entity_id = pk.strip_prefix("insight#")?.to_owned();
        let mut parts = sk.splitn(3, '#');
        let alert_timestamp = Timestamp::parse(parts.next()?).ok()?;
        let (alert_type, fingerprint) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        Some(Self { entity_id, alert_timestamp, alert_type, fingerprint })
    }

    /// The item's partition key: `insight#{entity_id}`.
    pub fn pk(&self) -> String {
        format!("insight#{}", self.entity_id)
    }

    /// The item's sort key: `{alert timestamp}#{alert_type}#{first 8 hex of the alert key}`.
    pub fn sk(&self) -> String {
        format!("{}#{}#{}", self.alert_timestamp, self.alert_type, self.fingerprint)
    }

    /// The student or subject.
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// The timestamp of the alert that claimed first.
    pub fn alert_timestamp(&self) -> Timestamp {
        self.alert_timestamp
    }

    /// `{alert_type}_{entity_id}_{alert timestamp in epoch milliseconds}_{first 8 hex of the alert key}`.
    pub fn alert_id(&self) -> String {
        let Self { entity_id, alert_timestamp, alert_type, fingerprint } = self;
        format!("{alert_type}_{entity_id}_{}_{fingerprint}", alert_timestamp.as_millis())
    }
}
