//! Attributes in DynamoDB's JSON: `{ "S": "a text" }`; and JSON as attributes, and back, as the original handler wrote
//! them: numbers as numbers, lists as lists, objects as maps.
//!
//! Never: keeps the order of a map. DynamoDB has none, so what is read back is in the order of its keys.

use std::collections::BTreeMap;
use std::str::FromStr;

use aws_smithy_types::base64;
use portend_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An item of the table.
pub(super) type Item = BTreeMap<String, Attribute>;

/// An attribute of an item. DynamoDB has no other types.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Attribute {
    #[serde(rename = "NULL")]
    Null(bool),
    #[serde(rename = "BOOL")]
    Bool(bool),
    /// A number, as text.
    #[serde(rename = "N")]
    Number(String),
    #[serde(rename = "S")]
    Text(String),
    /// Bytes, in base64.
    #[serde(rename = "B")]
    Binary(String),
    #[serde(rename = "L")]
    List(Vec<Attribute>),
    #[serde(rename = "M")]
    Map(Item),
    #[serde(rename = "SS")]
    Texts(Vec<String>),
    #[serde(rename = "NS")]
    Numbers(Vec<String>),
    #[serde(rename = "BS")]
    Binaries(Vec<String>),
}

/// A text.
pub(super) fn text(text: impl Into<String>) -> Attribute {
    Attribute::Text(text.into())
}

/// A whole number.
pub(super) fn number(number: impl Into<i128>) -> Attribute {
    Attribute::Number(number.into().to_string())
}

/// An instant in milliseconds since 1970.
pub(super) fn millis(at: Timestamp) -> Attribute {
    number(at.as_millis())
}

/// An instant in seconds since 1970: a time to live, or what one is compared with.
pub(super) fn secs(at: Timestamp) -> Attribute {
    number(at.as_secs())
}

/// Bytes: as a text where they are one.
pub(super) fn bytes(bytes: &[u8]) -> Attribute {
    match str::from_utf8(bytes) {
        Ok(bytes) => text(bytes),
        Err(_) => Attribute::Binary(base64::encode(bytes)),
    }
}

/// Any JSON value.
pub(super) fn from_json(value: Value) -> Attribute {
    match value {
        Value::Null => Attribute::Null(true),
        Value::Bool(is_so) => Attribute::Bool(is_so),
        Value::Number(number) => Attribute::Number(number.to_string()),
        Value::String(text) => Attribute::Text(text),
        Value::Array(values) => Attribute::List(values.into_iter().map(from_json).collect()),
        Value::Object(fields) => {
            Attribute::Map(fields.into_iter().map(|(name, value)| (name, from_json(value))).collect())
        }
    }
}

/// The JSON of an attribute; `None` for what no item of this table holds, such as a binary.
pub(super) fn to_json(attribute: &Attribute) -> Option<Value> {
    Some(match attribute {
        Attribute::Null(_) => Value::Null,
        Attribute::Bool(is_so) => Value::Bool(*is_so),
        Attribute::Number(number) => Value::Number(serde_json::from_str(number).ok()?),
        Attribute::Text(text) => Value::String(text.clone()),
        Attribute::List(values) => values.iter().map(to_json).collect::<Option<_>>()?,
        Attribute::Texts(texts) => texts.iter().cloned().map(Value::String).collect(),
        Attribute::Map(fields) => {
            let field = |(name, value): (&String, &Attribute)| Some((name.clone(), to_json(value)?));
            Value::Object(fields.iter().map(field).collect::<Option<_>>()?)
        }
        Attribute::Binary(_) | Attribute::Numbers(_) | Attribute::Binaries(_) => return None,
    })
}

/// A text of an item.
pub(super) fn text_of<'i>(item: &'i Item, name: &str) -> Option<&'i str> {
    if let Attribute::Text(text) = item.get(name)? { Some(text) } else { None }
}

/// A whole number of an item.
pub(super) fn number_of<T: FromStr>(item: &Item, name: &str) -> Option<T> {
    if let Attribute::Number(number) = item.get(name)? { number.parse().ok() } else { None }
}

/// The bytes of an item.
pub(super) fn bytes_of(item: &Item, name: &str) -> Option<Vec<u8>> {
    if let Attribute::Binary(bytes) = item.get(name)? {
        return base64::decode(bytes).ok();
    }
    text_of(item, name).map(|text| text.as_bytes().to_vec())
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
        assert_eq!(to_json(&Attribute::Texts(vec!["a".into()])), Some(json!(["a"])));
        assert_eq!(to_json(&bytes(b"\xff")), None);
    }

    #[test]
    fn each_type_is_written_and_read_as_dynamodb_does() {
        let json = json!({
            "a": { "NULL": true }, "b": { "BOOL": false }, "c": { "N": "1.5" }, "d": { "S": "" }, "e": { "B": "/w==" },
            "f": { "L": [{ "N": "1" }] }, "g": { "M": { "x": { "S": "y" } } }, "h": { "SS": ["a"] },
            "i": { "NS": ["1"] }, "j": { "BS": ["/w=="] },
        });
        let item: Item = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(&item).unwrap(), json);
        assert_eq!(bytes_of(&item, "e").unwrap(), b"\xff");
        assert_eq!(item["e"], bytes(b"\xff"));
    }
}
