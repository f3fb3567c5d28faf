//! Translates JSON to DynamoDB's attributes and back. Numbers, lists and objects become numbers, lists and maps, as the
//! original handler wrote them. A map has no order, so an object is read back in the order of its keys.

use std::collections::BTreeMap;
use std::str::FromStr;

use portend_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_with::base64::Base64;
use serde_with::serde_as;

/// An item: its attributes by name.
pub(super) type Item = BTreeMap<String, Attribute>;

/// An attribute's value, in DynamoDB's JSON: `{ "S": "text" }`.
#[serde_as]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Attribute {
    S(String),
    N(String),
    Bool(bool),
    Null(bool),
    L(Vec<Self>),
    M(Item),
    Ss(Vec<String>),
    Ns(Vec<String>),
    B(#[serde_as(as = "Base64")] Vec<u8>),
    Bs(#[serde_as(as = "Vec<Base64>")] Vec<Vec<u8>>),
}

/// The time to live: the attribute by which DynamoDB deletes expired items.
pub(super) const TTL: &str = "ttl";

/// A text attribute.
pub(super) fn text(text: impl Into<String>) -> Attribute {
    Attribute::S(text.into())
}

/// An attribute with a whole number.
pub(super) fn number(number: impl Into<i128>) -> Attribute {
    Attribute::N(number.into().to_string())
}

/// A time in milliseconds since 1970.
pub(super) fn millis(at: Timestamp) -> Attribute {
    number(at.as_millis())
}

/// A time in seconds since 1970, as in a time to live.
pub(super) fn secs(at: Timestamp) -> Attribute {
    number(at.as_secs())
}

/// The attribute of a JSON value.
pub(super) fn from_json(value: Value) -> Attribute {
    match value {
        Value::Null => Attribute::Null(true),
        Value::Bool(is_so) => Attribute::Bool(is_so),
        Value::Number(number) => Attribute::N(number.to_string()),
        Value::String(text) => Attribute::S(text),
        Value::Array(values) => Attribute::L(values.into_iter().map(from_json).collect()),
        Value::Object(fields) => {
            Attribute::M(fields.into_iter().map(|(name, value)| (name, from_json(value))).collect())
        }
    }
}

/// The JSON value of an attribute. `None` for binary values and sets of numbers, which insights do not contain.
pub(super) fn to_json(attribute: &Attribute) -> Option<Value> {
    Some(match attribute {
        Attribute::Null(_) => Value::Null,
        Attribute::Bool(is_so) => Value::Bool(*is_so),
        Attribute::N(number) => Value::Number(serde_json::from_str(number).ok()?),
        Attribute::S(text) => Value::String(text.clone()),
        Attribute::L(values) => values.iter().map(to_json).collect::<Option<_>>()?,
        Attribute::Ss(texts) => texts.iter().cloned().map(Value::String).collect(),
        Attribute::M(fields) => {
            let field = |(name, value): (&String, &Attribute)| Some((name.clone(), to_json(value)?));
            Value::Object(fields.iter().map(field).collect::<Option<_>>()?)
        }
        Attribute::Ns(_) | Attribute::B(_) | Attribute::Bs(_) => return None,
    })
}

/// Reads a text attribute.
pub(super) fn text_of<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    if let Attribute::S(text) = item.get(name)? { Some(text) } else { None }
}

/// Reads a whole number.
pub(super) fn number_of<T: FromStr>(item: &Item, name: &str) -> Option<T> {
    if let Attribute::N(number) = item.get(name)? { number.parse().ok() } else { None }
}

/// Reads a text attribute as a timestamp.
pub(super) fn time_of(item: &Item, name: &str) -> Option<Timestamp> {
    Timestamp::parse(text_of(item, name)?).ok()
}

/// Whether the item has not expired. An item without a time to live never expires.
pub(super) fn is_live(item: &Item, now: Timestamp) -> bool {
    number_of(item, TTL).is_none_or(|ttl| !Timestamp::from_secs(ttl).is_past(now))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_read_back_unchanged() {
        let value = json!({
            "n": [0, -3, 72, 64.5, 0.00155, 1e-7, 9_007_199_254_740_991_i64, 123_456_789.123_456_78],
            "t": ["", "Ünïcode", "a\nb"], "b": [true, false], "none": null, "deep": { "a": { "b": [[]] } },
        });
        assert_eq!(to_json(&from_json(value.clone())), Some(value));
    }

    #[test]
    fn every_kind_of_attribute_is_read_and_written_in_dynamodbs_form() {
        let wire = json!({
            "s": { "S": "a" }, "n": { "N": "1.5" }, "bool": { "BOOL": true }, "null": { "NULL": true },
            "l": { "L": [{ "S": "a" }] }, "m": { "M": { "a": { "N": "1" } } }, "ss": { "SS": ["a"] },
            "ns": { "NS": ["1"] }, "b": { "B": "/wB7" }, "bs": { "BS": ["/wB7"] },
        });
        let item: Item = serde_json::from_value(wire.clone()).unwrap();
        assert_eq!(item["b"], Attribute::B(b"\xff\x00{".to_vec()));
        assert_eq!(serde_json::to_value(&item).unwrap(), wire);
    }

    #[test]
    fn a_set_of_texts_is_read_as_a_list_and_a_binary_value_is_not_read() {
        assert_eq!(to_json(&Attribute::Ss(vec!["a".into()])), Some(json!(["a"])));
        assert_eq!(to_json(&Attribute::B(b"x".to_vec())), None);
    }
}
