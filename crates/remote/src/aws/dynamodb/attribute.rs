//! JSON as DynamoDB's attributes, and back.
//!
//! Takes: values without NaN and infinity; JSON has none.
//! Gives: numbers as numbers, lists as lists, objects as maps, as the original handler wrote them.
//! Never: keeps the order of a map. DynamoDB has none, so what is read back is in the order of its keys.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use portend_core::time::Timestamp;
use serde_json::Value;

/// An item of the table.
pub(super) type Item = HashMap<String, AttributeValue>;

/// A text.
pub(super) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

/// A whole number.
pub(super) fn number(number: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(number.into().to_string())
}

/// An instant in milliseconds since 1970.
pub(super) fn millis(at: Timestamp) -> AttributeValue {
    number(at.as_millis())
}

/// An instant in seconds since 1970: a time to live, or what one is compared with.
pub(super) fn secs(at: Timestamp) -> AttributeValue {
    number(at.as_secs())
}

/// Any JSON value.
pub(super) fn from_json(value: Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(is_so) => AttributeValue::Bool(is_so),
        Value::Number(number) => AttributeValue::N(number.to_string()),
        Value::String(text) => AttributeValue::S(text),
        Value::Array(values) => AttributeValue::L(values.into_iter().map(from_json).collect()),
        Value::Object(fields) => {
            AttributeValue::M(fields.into_iter().map(|(name, value)| (name, from_json(value))).collect())
        }
    }
}

/// The JSON of an attribute; `None` for what no item of this table holds, such as a binary.
#[expect(clippy::wildcard_enum_match_arm, reason = "an open enum, of which items hold these")]
pub(super) fn to_json(attribute: &AttributeValue) -> Option<Value> {
    Some(match attribute {
        AttributeValue::Null(_) => Value::Null,
        AttributeValue::Bool(is_so) => Value::Bool(*is_so),
        AttributeValue::N(number) => Value::Number(serde_json::from_str(number).ok()?),
        AttributeValue::S(text) => Value::String(text.clone()),
        AttributeValue::L(values) => values.iter().map(to_json).collect::<Option<_>>()?,
        AttributeValue::Ss(texts) => texts.iter().cloned().map(Value::String).collect(),
        AttributeValue::M(fields) => {
            let field = |(name, value): (&String, &AttributeValue)| Some((name.clone(), to_json(value)?));
            Value::Object(fields.iter().map(field).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// A text of an item.
pub(super) fn text_of<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// A whole number of an item.
pub(super) fn number_of<T: std::str::FromStr>(item: &Item, name: &str) -> Option<T> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// Whether the item has not expired. An item without a time to live never does.
pub(super) fn is_live(item: &Item, now: Timestamp) -> bool {
    number_of(item, TTL).is_none_or(|ttl| !Timestamp::from_secs(ttl).has_passed(now))
}

/// The attribute by which DynamoDB deletes.
pub(super) const TTL: &str = "ttl";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_comes_back_as_it_went() {
        let value = json!({
            "n": [0, -3, 72, 64.5, 0.00155, 1e-7, 9_007_199_254_740_991_i64, 123_456_789.123_456_78],
            "t": ["", "Ünïcode", "a\nb"], "b": [true, false], "none": null, "deep": { "a": { "b": [[]] } },
        });
        assert_eq!(to_json(&from_json(value.clone())), Some(value));
    }

    #[test]
    fn a_set_is_read_as_a_list_and_a_binary_is_not_read() {
        assert_eq!(to_json(&AttributeValue::Ss(vec!["a".into()])), Some(json!(["a"])));
        assert_eq!(to_json(&AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new("x"))), None);
    }
}
