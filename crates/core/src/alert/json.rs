//! Reads an event's text as strict JSON. An object knows its path, so that a refusal can name the field.
//!
//! It differs from `serde_json::Value` in two ways. A key that occurs twice with different values is an error. A number
//! stays text until its field reads it, so that `1e999` is an error of that field and not of the whole event.
//!
//! Takes: text whose depth has been checked; reading is recursive.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::refusal::{Reason, Refusal};
use crate::alert_type::Pointer;
use crate::limits::QUOTED_CHARS_MAX;
use crate::number::Number;

/// A JSON value of an event.
#[derive(Debug, Clone)]
pub(super) enum StrictJson {
    Null,
    Bool(bool),
    /// The number as it is written.
    Number(String),
    String(String),
    Array(Vec<StrictJson>),
    Object(BTreeMap<String, StrictJson>),
}

/// A JSON object of an event, with its path.
pub(super) struct EventObject<'a> {
    members: &'a BTreeMap<String, StrictJson>,
    path: String,
    /// Where the members come from, by their paths, if a mapping made the object.
    origins: Option<&'a BTreeMap<String, String>>,
}

/// Counts the levels of `{` and `[` in bytes that may not be JSON.
pub(super) fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl StrictJson {
    pub(super) fn read(text: &str) -> Result<Self, Refusal> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        Self::from_raw(raw)
    }

    fn from_raw(raw: &RawValue) -> Result<Self, Refusal> {
        // The grammar has been checked, so the first byte identifies the kind.
        let text = raw.get();
        Ok(match text.as_bytes().first() {
            Some(b'{') => Self::Object(members(text)?),
            Some(b'[') => {
                let items = serde_json::Deserializer::from_str(text).deserialize_seq(ArrayVisitor);
                let items = items.map_err(|error| not_json(&error))?;
                Self::Array(items.into_iter().map(Self::from_raw).collect::<Result<_, _>>()?)
            }
            // A lone surrogate follows the grammar but is not valid text.
            Some(b'"') => Self::String(serde_json::from_str(text).map_err(|error| not_json(&error))?),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Null,
            _ => Self::Number(text.to_owned()),
        })
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The member of an object.
    pub(super) fn member(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.get(key),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Array(_) => None,
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A text, number or boolean as a text.
    pub(super) fn scalar_text(&self) -> Option<String> {
        match self {
            Self::String(text) | Self::Number(text) => Some(text.clone()),
            Self::Bool(flag) => Some(flag.to_string()),
            Self::Null | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The value at a pointer.
    pub(super) fn at(&self, pointer: &Pointer) -> Option<&Self> {
        pointer.0.iter().try_fold(self, |value, token| match value {
            Self::Object(members) => members.get(token),
            Self::Array(items) => items.get(token.parse::<usize>().ok()?),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) => None,
        })
    }

    /// The same with another value at a path of members.
    pub(super) fn with(&self, path: &[String], value: Self) -> Self {
        match (self, path) {
            (_, []) => value,
            (Self::Object(members), [name, rest @ ..]) => {
                let replaced = |(key, member): (&String, &Self)| {
                    let member = if key == name { member.with(rest, value.clone()) } else { member.clone() };
                    (key.clone(), member)
                };
                Self::Object(members.iter().map(replaced).collect())
            }
            (Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Array(_), _) => {
                self.clone()
            }
        }
    }

    /// Writes the value as JSON, its numbers as they were written.
    pub(super) fn to_json(&self) -> String {
        let text = |text: &str| serde_json::to_string(text).unwrap_or_default();
        match self {
            Self::Null => "null".into(),
            Self::Bool(value) => value.to_string(),
            Self::Number(number) => number.clone(),
            Self::String(value) => text(value),
            Self::Array(items) => {
                let items: Vec<_> = items.iter().map(Self::to_json).collect();
                format!("[{}]", items.join(","))
            }
            Self::Object(members) => {
                let member = |(key, value): (&String, &Self)| format!("{}:{}", text(key), value.to_json());
                let members: Vec<_> = members.iter().map(member).collect();
                format!("{{{}}}", members.join(","))
            }
        }
    }

    /// Quotes the value for a refusal. A long one is shortened.
    pub(super) fn quoted(&self) -> String {
        match self {
            Self::Null => "null".into(),
            Self::Bool(value) => value.to_string(),
            Self::Number(text) => shorten(text),
            Self::String(text) => Self::quote(text),
            Self::Array(_) => "an array".into(),
            Self::Object(_) => "an object".into(),
        }
    }

    /// Quotes a text for a refusal, with its control characters escaped. A long one is shortened.
    pub(super) fn quote(text: &str) -> String {
        format!("{:?}", shorten(text))
    }

    /// Whether two values are equal, however their numbers are written.
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => {
                a == b || Number::from_json(a).is_some_and(|a| Some(a) == Number::from_json(b))
            }
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Array(a), Self::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            (Self::Object(a), Self::Object(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && a.same(b))
            }
            (
                Self::Null
                | Self::Bool(_)
                | Self::Number(_)
                | Self::String(_)
                | Self::Array(_)
                | Self::Object(_),
                _,
            ) => false,
        }
    }
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn not_json(error: &serde_json::Error) -> Refusal {
    Refusal::new(Reason::NotJson, format!("the event is not strict JSON: {error}"))
}

fn members(text: &str) -> Result<BTreeMap<String, StrictJson>, Refusal> {
    let raw_members = serde_json::Deserializer::from_str(text).deserialize_map(ObjectVisitor);
    let mut members = BTreeMap::new();
    for (name, raw) in raw_members.map_err(|error| not_json(&error))? {
        let value = StrictJson::from_raw(raw)?;
        if members.get(&name).is_some_and(|earlier| !value.same(earlier)) {
            let message = format!(
                "the key {} is defined twice in one object, with different values",
                StrictJson::quote(&name)
            );
            return Err(Refusal::new(Reason::DuplicateKey, message));
        }
        members.insert(name, value);
    }
    Ok(members)
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

struct ArrayVisitor;

impl<'de> Visitor<'de> for ArrayVisitor {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}

impl<'a> EventObject<'a> {
    pub(super) fn root(json: &'a StrictJson) -> Option<Self> {
        match json {
            StrictJson::Object(members) => Some(Self { members, path: "$".into(), origins: None }),
            StrictJson::Null
            | StrictJson::Bool(_)
            | StrictJson::Number(_)
            | StrictJson::String(_)
            | StrictJson::Array(_) => None,
        }
    }

    /// The same object, whose fields come from these paths of a payload.
    pub(super) fn with_origins(self, origins: &'a BTreeMap<String, String>) -> Self {
        Self { origins: Some(origins), ..self }
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a StrictJson> {
        self.members.get(key)
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        let path = format!("{}.{key}", self.path);
        self.origins.and_then(|origins| origins.get(&path)).cloned().unwrap_or(path)
    }

    /// Returns the member as an object.
    pub(super) fn object(&self, key: &str) -> Result<Self, Refusal> {
        match self.get(key) {
            Some(StrictJson::Object(members)) => {
                Ok(Self { members, path: self.path_of(key), origins: self.origins })
            }
            Some(_) => Err(self.invalid(key, "an object")),
            None => Err(self.missing(key, "an object")),
        }
    }

    /// Returns the member as a string.
    pub(super) fn str(&self, key: &str, expected: &str) -> Result<&'a str, Refusal> {
        let value = self.get(key).ok_or_else(|| self.missing(key, expected))?;
        value.as_str().ok_or_else(|| self.invalid(key, expected))
    }

    pub(super) fn missing(&self, key: &str, expected: &str) -> Refusal {
        let path = self.path_of(key);
        let message = format!("{path} is missing: expected {expected}");
        Refusal::new(Reason::Missing(path), message)
    }

    pub(super) fn invalid(&self, key: &str, expected: &str) -> Refusal {
        let path = self.path_of(key);
        let got = self.get(key).map_or_else(|| "nothing".into(), StrictJson::quoted);
        let message = format!("{path}: expected {expected}, got {got}");
        Refusal::new(Reason::Invalid(path), message)
    }
}
