//! Forgetting an entity: everything that a store holds about it is deleted, and what was said before that moment is not
//! accepted again.

use std::future::Future;

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::StoreError;
use crate::entity::EntityKey;
use crate::time::Timestamp;

/// What a store deletes on request.
pub trait Forgetting: Send + Sync {
    /// Deletes everything about an entity, also from where it was overwritten or deleted before. Only a hash of the entity
    /// remains, with the time. It can be repeated after a failure.
    fn forget(
        &self,
        request: &ForgetRequest,
    ) -> impl Future<Output = Result<ForgetCounts, StoreError>> + Send;

    /// When the entity was forgotten; `None` if it was not. It may lag some minutes behind.
    fn forgotten_at(
        &self,
        entity: &EntityKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Timestamp>, StoreError>> + Send;
}

/// A request to forget an entity.
#[derive(Debug, Clone)]
pub struct ForgetRequest {
    /// Which entity.
    pub entity: EntityKey,
    /// The alert types about entities of this type.
    pub alert_types: Vec<String>,
    /// The time.
    pub now: Timestamp,
}

/// What was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ForgetCounts {
    /// Insights.
    pub insights: u64,
    /// Claims.
    pub claims: u64,
    /// Pieces of feedback.
    pub feedback: u64,
    /// Parked events that mention it.
    pub parked: u64,
    /// Accepted events that mention it and were not judged yet.
    #[serde(skip_serializing_if = "is_none")]
    pub waiting: u64,
    /// Everything else: its row, the answers that models gave about it, and what other parts of the program stored about
    /// it.
    pub others: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl std::ops::AddAssign for ForgetCounts {
    fn add_assign(&mut self, other: Self) {
        self.insights += other.insights;
        self.claims += other.claims;
        self.feedback += other.feedback;
        self.parked += other.parked;
        self.waiting += other.waiting;
        self.others += other.others;
    }
}

impl EntityKey {
    /// The hash that remains of a forgotten entity, in hexadecimal.
    pub fn forgotten_hash(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(b"forgotten\0");
        hash.update(self.entity_type.as_bytes());
        hash.update([0]);
        hash.update(self.entity_id.as_bytes());
        hex::encode(hash.finalize())
    }
}

/// Whether a text contains the id as a whole word: `stu_1` is not in `stu_12`.
pub fn mentions(text: &str, id: &str) -> bool {
    let is_word = |each: char| each.is_alphanumeric() || each == '_' || each == '-';
    !id.is_empty()
        && text.match_indices(id).any(|(at, _)| {
            let before = text.get(..at).and_then(|text| text.chars().next_back());
            let after = text.get(at + id.len()..).and_then(|text| text.chars().next());
            // A word ends where the id itself ends with no letter, as in `C#`.
            let begins_word = id.chars().next().is_some_and(is_word);
            let ends_word = id.chars().next_back().is_some_and(is_word);
            !(begins_word && before.is_some_and(is_word) || ends_word && after.is_some_and(is_word))
        })
}

/// Whether an event mentions the id: in its text as it was received, or in a string of its JSON, which may be escaped.
pub fn event_mentions(event: &[u8], id: &str) -> bool {
    fn any(value: &Value, id: &str) -> bool {
        match value {
            Value::String(text) => {
                mentions(text, id) || serde_json::from_str(text).is_ok_and(|inner| in_json(&inner, id))
            }
            Value::Array(values) => values.iter().any(|value| any(value, id)),
            Value::Object(fields) => fields.iter().any(|(name, value)| mentions(name, id) || any(value, id)),
            Value::Number(number) => number.to_string() == id,
            Value::Null | Value::Bool(_) => false,
        }
    }
    /// A text that is JSON itself, as a batch has it: an object or an array, because every number is JSON too.
    fn in_json(value: &Value, id: &str) -> bool {
        (value.is_object() || value.is_array()) && any(value, id)
    }
    mentions(&String::from_utf8_lossy(event), id)
        || serde_json::from_slice(event).is_ok_and(|value: Value| any(&value, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_mentioned_as_a_whole_word() {
        for (text, id, expected) in [
            ("Student stu_1 has 5 calls", "stu_1", true),
            ("Student stu_12 has 5 calls", "stu_1", false),
            ("xstu_1", "stu_1", false),
            ("\"stu_1\"", "stu_1", true),
            ("C# has more demand", "C#", true),
            ("AC#", "C#", false),
            ("the C#7 course", "C#", true),
            ("日本語", "日本語", true),
            ("anything", "", false),
        ] {
            assert_eq!(mentions(text, id), expected, "{id} in {text}");
        }
    }

    #[test]
    fn an_event_mentions_an_id_also_where_it_is_escaped() {
        for (event, id, expected) in [
            (r#"{"entity_id":"\u0073tu_1"}"#, "stu_1", true),
            (r#"{"body":"{\"entity_id\":\"st\\u0075_1\"}"}"#, "stu_1", true),
            (r#"{"entity_id":4532}"#, "4532", true),
            (r#"{"entity_id":"stu_12"}"#, "stu_1", false),
            ("{ not json stu_1", "stu_1", true),
        ] {
            assert_eq!(event_mentions(event.as_bytes(), id), expected, "{id} in {event}");
        }
    }
}
