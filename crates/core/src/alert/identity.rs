//! Computes which alerts are the same, and the key of their one insight.
//!
//! Never: depends on the event id, the order of keys, or how a number is written.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::facts::Facts;
use crate::alert_type::{AlertType, Fact, FactValue};
use crate::time::Timestamp;

/// The identity of an alert: the SHA-256 of the canonical JSON (RFC 8785) of
/// `["v1", alert_type, entity_type, entity_id, facts, window]`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlertKey([u8; 32]);

/// The key of an insight. The first claim of an alert key sets it, so that each alert key has one insight.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InsightKey {
    entity_id: String,
    alert_timestamp: Timestamp,
    alert_type: String,
    digits: String,
}

impl AlertKey {
    pub(super) fn new(alert_type: &AlertType, entity_id: &str, facts: &Facts, timestamp: Timestamp) -> Self {
        let window_millis = i64::try_from(alert_type.repeat_window().as_millis()).unwrap_or(i64::MAX);
        let window = match window_millis {
            0 => timestamp.as_millis(),
            millis => timestamp.as_millis().div_euclid(millis),
        };
        // A text does not count as what an alert says, because a model is never asked about it.
        let judged = |id: &str| alert_type.fact(id).is_some_and(Fact::is_identity);
        let judged = facts.iter().filter(|(id, _)| judged(id));
        let steps = judged.map(|(id, value)| (id, step_of(alert_type, id, value)));
        // The map is ordered, every number is whole and below 2^53, and the identifiers are ASCII. For these, the
        // output of serde_json is canonical (RFC 8785).
        let steps: BTreeMap<_, _> = steps.collect();
        let identity = ("v1", alert_type.id(), alert_type.entity(), entity_id, steps, window);
        let canonical = serde_json::to_vec(&identity).unwrap_or_default();
        Self(Sha256::digest(canonical).into())
    }

    /// Makes a key from its 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads a key from its 64 hexadecimal digits, the form in which it is printed.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// The key's 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum IdentityStep<'a> {
    Number(i64),
    Flag(bool),
    Word(&'a str),
}

fn step_of<'a>(alert_type: &AlertType, fact: &str, value: &'a FactValue) -> IdentityStep<'a> {
    match value {
        FactValue::Number(number) => {
            let step =
                alert_type.fact(fact).and_then(|fact| fact.range()).map_or(1.0, |range| range.step.get());
            #[expect(clippy::cast_possible_truncation, reason = "the lint bounds a range to 2^53 steps")]
            IdentityStep::Number(whole_steps(number.get() / step) as i64)
        }
        FactValue::Flag(flag) => IdentityStep::Flag(*flag),
        FactValue::Word(word) => IdentityStep::Word(word),
    }
}

/// The relative error of a division of two decimals, with room to spare.
const DIVISION_ERROR: f64 = 1e-12;

/// Rounds down, but takes a quotient that is a whole number except for the error of its division as that number: 0.3 is
/// three steps of 0.1, although `0.3 / 0.1` is less than 3.
fn whole_steps(quotient: f64) -> f64 {
    let nearest = quotient.round();
    if (quotient - nearest).abs() <= DIVISION_ERROR * nearest.abs() { nearest } else { quotient.floor() }
}

impl fmt::Display for AlertKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for AlertKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AlertKey({self})")
    }
}

/// Digits of the alert key in an insight's key. If another alert already has them, as many more are added.
const DIGITS: usize = 8;

impl InsightKey {
    pub(super) fn new(alert_type: &str, entity_id: &str, alert_timestamp: Timestamp, key: AlertKey) -> Self {
        let mut digits = key.to_string();
        digits.truncate(DIGITS);
        Self { entity_id: entity_id.into(), alert_timestamp, alert_type: alert_type.into(), digits }
    }

    /// Makes a key from its stored parts. `None` if the digits cannot be the beginning of an alert key.
    pub fn from_parts(
        entity_id: String,
        alert_timestamp: Timestamp,
        alert_type: String,
        digits: String,
    ) -> Option<Self> {
        let is_digits = digits.len() >= DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_digits.then_some(Self { entity_id, alert_timestamp, alert_type, digits })
    }

    /// The key with eight more digits of the alert key, for use when another alert already has this one.
    #[must_use]
    pub fn longer(&self, key: AlertKey) -> Self {
        let mut digits = key.to_string();
        digits.truncate(self.digits.len() + DIGITS);
        Self { digits, ..self.clone() }
    }

    /// The student or subject that the insight is about.
    pub fn entity_id(&self) -> &str {
        &self.entity_id
    }

    /// The timestamp of the first alert that claimed the key.
    pub fn alert_timestamp(&self) -> Timestamp {
        self.alert_timestamp
    }

    /// The alert type's id.
    pub fn alert_type(&self) -> &str {
        &self.alert_type
    }

    /// The first hexadecimal digits of the alert key: 8, and 8 more for each key that another alert already has.
    pub fn digits(&self) -> &str {
        &self.digits
    }

    /// The id of the alert: `{alert_type}_{entity_id}_{alert timestamp in epoch milliseconds}_{digits}`.
    pub fn alert_id(&self) -> String {
        let Self { entity_id, alert_timestamp, alert_type, digits } = self;
        format!("{alert_type}_{entity_id}_{}_{digits}", alert_timestamp.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_the_edge_of_a_step_is_in_it() {
        for (value, step, expected) in [
            (0.3, 0.1, 3.0),
            (0.29, 0.01, 29.0),
            (0.2899, 0.01, 28.0),
            (-0.3, 0.1, -3.0),
            (-0.31, 0.1, -4.0),
            (0.0, 0.1, 0.0),
            (4.999, 5.0, 0.0),
        ] {
            assert_eq!(whole_steps(value / step).to_bits(), f64::to_bits(expected), "{value} / {step}");
        }
    }
}
