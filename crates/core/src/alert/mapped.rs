//! Reads the payload of another system as an alert, by the mappings of the alert types.
//!
//! A payload with several alerts is first split into payloads with one each. So each is an event of its own: it is
//! parked, replayed and repeated alone.
//!
//! Never: maps an event that is already an alert, or fills in a value that neither the payload nor the mapping has.

use std::collections::BTreeMap;

use super::json::StrictJson;
use super::refusal::{Reason, Refusal};
use super::{is_own, read_json};
use crate::alert_type::{AlertType, AlertTypes, Fact, Mapping};
use crate::alert_type::{EpochUnit, MappedConstant, MappedField, MatchExpected, MatchRule, Pointer};
use crate::limits::{BATCH_BYTES_MAX, EVENT_DEPTH_MAX};
use crate::number::Number;
use crate::time::Timestamp;

/// A payload as the bare `detail` of an event.
pub(super) struct MappedPayload {
    pub(super) detail: StrictJson,
    /// Where each field of the detail comes from, by its path in it.
    pub(super) paths: BTreeMap<String, String>,
    pub(super) source: String,
}

/// What the mappings say of a JSON value.
pub(super) enum Mapped {
    /// It is an alert.
    Payload(Box<MappedPayload>),
    /// No mapping matches. One almost does, and this sentence says what differs.
    Almost(String),
    /// It is nothing that the mappings know.
    Unknown,
}

impl AlertTypes {
    /// The sources that have a mapping.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        let sources: std::collections::BTreeSet<_> =
            self.mappings().map(|(_, mapping)| mapping.source()).collect();
        sources.into_iter()
    }

    /// Returns the events in a payload of this source, each with one alert, to be received as any other event. An error
    /// says why the payload is to be parked.
    pub fn map(&self, source: &str, payload: &[u8]) -> Result<Vec<Vec<u8>>, Refusal> {
        if !self.sources().any(|each| each == source) {
            let known: Vec<_> = self.sources().collect();
            let message = format!(
                "no alert type has a mapping from {}; the sources are {}",
                StrictJson::quote(source),
                listed(&known)
            );
            return Err(Refusal::new(Reason::NotAnEvent, message));
        }
        let parts = self.split(payload).unwrap_or_else(|| vec![payload.to_owned()]);
        if let [only] = parts.as_slice() {
            let json = read_json(only)?;
            let matches = self.matching(&json).is_some_and(|(_, mapping)| mapping.source() == source);
            if !matches && !is_own(&json, self) {
                let detail = match self.mapped(&json) {
                    Mapped::Almost(difference) => difference,
                    Mapped::Payload(_) | Mapped::Unknown => format!("the payload is not one of {source}"),
                };
                return Err(Refusal::new(Reason::NotAnEvent, format!("no mapping matches: {detail}")));
            }
        }
        Ok(parts)
    }

    /// The payloads with one alert each, if a mapping finds two or more in this one.
    pub(super) fn split(&self, payload: &[u8]) -> Option<Vec<Vec<u8>>> {
        let mut with_each = self.mappings().filter(|(_, mapping)| mapping.each.is_some()).peekable();
        with_each.peek()?;
        if payload.len() > BATCH_BYTES_MAX || super::json::depth(payload) > EVENT_DEPTH_MAX {
            return None;
        }
        let text = std::str::from_utf8(payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(payload)).ok()?;
        // A payload has the name of its array in it. Most events do not, and are not parsed here.
        let mut named = with_each.filter(|(_, mapping)| {
            let last = mapping.each.as_ref().and_then(|each| each.0.last());
            last.is_some_and(|name| text.contains(name.as_str()))
        });
        let first = named.next()?;
        let json = StrictJson::read(text).ok()?;
        if is_own(&json, self) {
            return None;
        }
        let each = std::iter::once(first).chain(named).find_map(|(_, mapping)| {
            let each = mapping.each.as_ref()?;
            let is_matched = mapping.payload.iter().all(|rule| holds(rule, &json).is_ok());
            is_matched.then_some(each)
        })?;
        let Some(StrictJson::Array(items)) = json.at(each) else { return None };
        let part = |item: &StrictJson| {
            json.with(&each.0, StrictJson::Array(vec![item.clone()])).to_json().into_bytes()
        };
        (items.len() > 1).then(|| items.iter().map(part).collect())
    }

    fn mappings(&self) -> impl Iterator<Item = (&AlertType, &Mapping)> {
        self.iter().flat_map(|each| each.mappings().iter().map(move |mapping| (each, mapping)))
    }

    /// The mapping that matches with the most conditions, and its alert type.
    fn matching(&self, json: &StrictJson) -> Option<(&AlertType, &Mapping)> {
        let matching = self.mappings().filter(|(_, mapping)| differences(mapping, json).is_empty());
        matching.reduce(|best, each| if each.1.conditions() > best.1.conditions() { each } else { best })
    }

    /// Reads a JSON value that is not an event of this program.
    pub(super) fn mapped(&self, json: &StrictJson) -> Mapped {
        if let Some((alert_type, mapping)) = self.matching(json) {
            return Mapped::Payload(Box::new(mapped(alert_type, mapping, json)));
        }
        let almost = self.mappings().filter_map(|(alert_type, mapping)| {
            let differences = differences(mapping, json);
            match differences.as_slice() {
                [only] if mapping.conditions() > 1 => Some(format!(
                    "it is almost a payload that the mapping {} of {} knows, but {only}",
                    mapping.source(),
                    alert_type.id()
                )),
                _ => None,
            }
        });
        almost.take(1).next().map_or(Mapped::Unknown, Mapped::Almost)
    }
}

fn listed(names: &[&str]) -> String {
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// The one element that is the alert, with its path. The payload itself if the mapping has no `each`.
fn element<'j>(mapping: &Mapping, json: &'j StrictJson) -> Option<(&'j StrictJson, Pointer)> {
    let Some(each) = &mapping.each else { return Some((json, Pointer(Vec::new()))) };
    match json.at(each)? {
        StrictJson::Array(items) => match items.as_slice() {
            [only] => Some((only, each.child("0"))),
            _ => None,
        },
        StrictJson::Null
        | StrictJson::Bool(_)
        | StrictJson::Number(_)
        | StrictJson::String(_)
        | StrictJson::Object(_) => None,
    }
}

/// What keeps a mapping from matching, as sentences.
fn differences(mapping: &Mapping, json: &StrictJson) -> Vec<String> {
    let of_payload = mapping.payload.iter().filter_map(|rule| holds(rule, json).err());
    let Some((element, _)) = element(mapping, json) else {
        let missing = mapping.each.iter().map(|each| format!("{each} is not an array of one alert"));
        return of_payload.chain(missing).collect();
    };
    of_payload.chain(mapping.element.iter().filter_map(|rule| holds(rule, element).err())).collect()
}

/// Whether a rule holds. The error says what was expected and what is there.
fn holds(rule: &MatchRule, json: &StrictJson) -> Result<(), String> {
    let value = json.at(&rule.pointer);
    let is_met = match (&rule.expected, value) {
        (MatchExpected::Exists(exists), value) => value.is_some() == *exists,
        (MatchExpected::OneOf(constants), Some(value)) => {
            constants.iter().any(|each| is_constant(value, each))
        }
        (MatchExpected::Starts(start), Some(value)) => {
            value.as_str().is_some_and(|text| text.starts_with(start.as_str()))
        }
        (MatchExpected::OneOf(_) | MatchExpected::Starts(_), None) => false,
    };
    let got = || value.map_or_else(|| "nothing".into(), StrictJson::quoted);
    if is_met { Ok(()) } else { Err(format!("{} is {}, not {}", rule.pointer, got(), rule.expected)) }
}

fn is_constant(value: &StrictJson, constant: &MappedConstant) -> bool {
    match (value, constant) {
        (StrictJson::String(text), MappedConstant::Text(expected)) => text == expected,
        (StrictJson::Bool(flag), MappedConstant::Flag(expected)) => flag == expected,
        (StrictJson::Number(number), MappedConstant::Number(expected)) => {
            Number::from_json(number).is_some_and(|number| Some(number) == Number::from_json(expected))
        }
        (
            StrictJson::Null
            | StrictJson::Bool(_)
            | StrictJson::Number(_)
            | StrictJson::String(_)
            | StrictJson::Array(_)
            | StrictJson::Object(_),
            _,
        ) => false,
    }
}

impl From<&MappedConstant> for StrictJson {
    fn from(constant: &MappedConstant) -> Self {
        match constant {
            MappedConstant::Text(text) => Self::String(text.clone()),
            MappedConstant::Number(number) => Self::Number(number.clone()),
            MappedConstant::Flag(flag) => Self::Bool(*flag),
        }
    }
}

/// What is between two joined values.
const JOINT: &str = " / ";

/// The payload and the element that a mapping reads from.
struct MappingInput<'j> {
    payload: &'j StrictJson,
    element: &'j StrictJson,
    element_at: Pointer,
}

fn mapped(alert_type: &AlertType, mapping: &Mapping, json: &StrictJson) -> MappedPayload {
    let (element, element_at) = element(mapping, json).unwrap_or((json, Pointer(Vec::new())));
    let input = MappingInput { payload: json, element, element_at };
    let mut paths = BTreeMap::new();
    let mut read = |name: &str, field: &MappedField| {
        let (path, value) = input.read(field);
        // A value that the mapping itself wrote has no path in the payload.
        paths.extend(path.map(|path| (name.to_owned(), path)));
        value
    };
    let fields = [
        ("entity_id", Some(&mapping.entity_id)),
        ("severity", Some(&mapping.severity)),
        ("timestamp", Some(&mapping.timestamp)),
        ("message", mapping.message.as_ref()),
    ];
    let mut members = BTreeMap::new();
    for (name, field) in fields {
        if let Some(value) = field.and_then(|field| read(&format!("$.{name}"), field)) {
            members.insert(name.to_owned(), value);
        }
    }
    let fact = |fact: &Fact| {
        let field = mapping.facts.get(fact.id())?;
        Some((fact.id().to_owned(), read(&format!("$.details.{}", fact.id()), field)?))
    };
    let details = alert_type.facts().iter().filter_map(fact).collect();
    members.insert("details".into(), StrictJson::Object(details));
    members.insert("alert_type".into(), StrictJson::String(alert_type.id().into()));
    members.insert("entity_type".into(), StrictJson::String(alert_type.entity().into()));
    MappedPayload { detail: StrictJson::Object(members), paths, source: mapping.source().into() }
}

impl MappingInput<'_> {
    /// The path that a refusal names, and the field's value. `None`: nothing is there.
    fn read(&self, field: &MappedField) -> (Option<String>, Option<StrictJson>) {
        let (json, base) = if field.of_payload {
            (self.payload, Pointer(Vec::new()))
        } else {
            (self.element, self.element_at.clone())
        };
        let present = |path: &Pointer| json.at(path).filter(|value| !value.is_null()).cloned();
        let found = field.paths.iter().find_map(|path| Some((path, present(path)?)));
        let path = found.as_ref().map(|(path, _)| *path).or(field.paths.first());
        let mut named = path.map(|path| base.join(path).to_string());
        let mut value = if field.joined {
            let texts = field.paths.iter().filter_map(present).filter_map(|value| value.scalar_text());
            let joined = texts.collect::<Vec<_>>().join(JOINT);
            (!joined.is_empty()).then_some(StrictJson::String(joined))
        } else {
            found.map(|(_, value)| value)
        };
        if let (Some(then), Some(StrictJson::String(text))) = (&field.json, &value) {
            let inner = if super::json::depth(text.as_bytes()) > EVENT_DEPTH_MAX {
                None
            } else {
                StrictJson::read(text).ok()
            };
            // A text that is not JSON stays as it is, and is refused as the value of its field.
            if let Some(inner) = inner {
                value = inner.at(then).cloned();
                named = path.map(|path| base.join(path).join(then).to_string());
            }
        }
        let value = value.map(|value| translated(field, value));
        (named, value.or_else(|| field.fallback.as_ref().map(StrictJson::from)))
    }
}

/// Applies `values` and `unit`. A value that neither knows stays as it is.
fn translated(field: &MappedField, value: StrictJson) -> StrictJson {
    let key = value.scalar_text();
    if let Some(to) = key.as_ref().and_then(|key| field.values.get(key)) {
        return to.into();
    }
    if let Some(fallback) = field.fallback.as_ref().filter(|_| !field.values.is_empty()) {
        return fallback.into();
    }
    let number = key.filter(|_| field.unit.is_some()).and_then(|text| Number::from_decimal(&text));
    match (field.unit, number) {
        (Some(unit), Some(number)) => {
            let millis = match unit {
                EpochUnit::Millis => number.get(),
                EpochUnit::Seconds => number.get() * 1000.0,
            };
            #[expect(clippy::cast_possible_truncation, reason = "a float is clamped to the integer's range")]
            let timestamp = Timestamp::from_millis(millis.floor() as i64);
            StrictJson::String(timestamp.to_string())
        }
        (None, _) | (Some(_), None) => value,
    }
}
