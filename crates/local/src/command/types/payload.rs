//! Guesses a mapping from one payload of another system, for `portend types new`.
//!
//! The guess goes by names that many systems share: `startsAt` for the time, `hostname` for the entity. A person reads it
//! before it is used, so a wrong guess costs a correction, and a missing one a line.
//!
//! Never: guesses without a time and a name; then a person must write the mapping.

use std::fmt::Write as _;

use portend_core::time::Timestamp;
use serde_json::{Map, Value};

/// The most facts that are guessed.
const FACTS_MAX: usize = 6;
/// The longest text that is a value of a closed set, in bytes.
const WORD_BYTES_MAX: usize = 40;
/// Objects inside objects that are searched.
const DEPTH_MAX: usize = 6;

const TIMES: [&str; 12] = [
    "startsat",
    "starts_at",
    "timestamp",
    "triggered_at",
    "datetime",
    "time",
    "date",
    "updated_at",
    "last_updated",
    "created_at",
    "event_time",
    "ts",
];
const NAMES: [&str; 16] = [
    "entity_id",
    "alarmname",
    "instance",
    "hostname",
    "host",
    "service",
    "node",
    "pod",
    "monitor_name",
    "alertname",
    "alert_title",
    "title",
    "name",
    "resource",
    "issue_id",
    "id",
];
const SEVERITIES: [&str; 4] = ["severity", "urgency", "priority", "level"];
const MESSAGES: [&str; 6] = ["message", "summary", "reason", "description", "body", "text"];
/// Names at the top of a payload whose values say where it is from.
const KINDS: [&str; 7] = ["source", "detail-type", "kind", "event_type", "type", "action", "resource"];
/// Words of names that identify something, so they are not facts.
const IDENTIFIERS: [&str; 12] =
    ["id", "uid", "uuid", "version", "account", "org", "fingerprint", "key", "hash", "url", "port", "code"];
/// Words of names whose texts are values of a closed set.
const STATES: [&str; 7] = ["status", "state", "level", "priority", "urgency", "transition", "value"];

/// Words of names whose values are from before the alert.
const PAST: [&str; 4] = ["previous", "old", "before", "earlier"];

/// A guessed mapping, and what the alert type is made from.
#[derive(Debug)]
pub(super) struct Guess {
    /// The source's name.
    pub(super) source: String,
    /// The text of `from/SOURCE.toml`.
    pub(super) mapping: String,
    /// An alert of the type, as far as its definition needs it.
    pub(super) detail: Map<String, Value>,
}

/// A value in the payload that is neither an object nor an array.
#[derive(Debug, Clone)]
struct Leaf {
    path: String,
    /// The way inside a text that contains JSON.
    then: Option<String>,
    /// The last names of its path, the nearest first.
    names: Vec<String>,
    value: Value,
}

/// The mapping of a payload to the type `id`. `None` if no time or no name is found in it, or no fact.
pub(super) fn guess(id: &str, payload: &Value) -> Option<Guess> {
    let top = payload.as_object()?;
    let is_list =
        |value: &Value| value.as_array().is_some_and(|list| list.first().is_some_and(Value::is_object));
    let list = top.iter().find(|(_, value)| is_list(value)).filter(|_| !top.contains_key("detail"));
    let (each, elements) = match list {
        Some((key, list)) => (Some(key), list.as_array()?.as_slice()),
        None => (None, std::slice::from_ref(payload)),
    };
    let mut leaves = Vec::new();
    find_leaves(elements.first()?, "", &[], 0, &mut leaves);
    // What was before is not what the alert says, and what only some elements have is not where a field of each alert is.
    leaves.retain(|leaf| {
        !leaf.names.iter().flat_map(|name| words_of(name)).any(|word| PAST.contains(&word.as_str()))
    });
    leaves.retain(|leaf| elements.iter().all(|element| element.pointer(&leaf.path).is_some()));
    let time = best(&leaves, &TIMES, |leaf| leaf.then.is_none() && unit_of_time(&leaf.value).is_some())
        .or_else(|| {
            leaves.iter().find(|leaf| leaf.value.is_string() && unit_of_time(&leaf.value) == Some(None))
        })?;
    let name = best(&leaves, &NAMES, |leaf| leaf.then.is_none() && is_name(&leaf.value))?;
    let severity = best(&leaves, &SEVERITIES, |leaf| leaf.value.as_str().is_some_and(is_word));
    let message = best(&leaves, &MESSAGES, |leaf| leaf.then.is_none() && leaf.value.is_string());
    let used: Vec<&str> =
        [Some(time), Some(name), message].into_iter().flatten().map(|leaf| leaf.path.as_str()).collect();
    let facts = facts(&leaves, &used);
    if facts.is_empty() {
        return None;
    }
    let source = source_of(top).unwrap_or_else(|| id.to_owned());
    let mut mapping = format!(
        "# How a payload of {source} becomes an alert. Each path is a JSON Pointer (RFC 6901). This is a guess from one payload:\n\
         # read every line.\n"
    );
    if let Some(each) = each {
        let each = pointer("", each);
        // Writing to a string cannot fail.
        let _ = writeln!(
            mapping,
            "# Each element of this array is an alert; the other paths start at the element.\neach      = {}",
            quoted(&each)
        );
    }
    let unit =
        unit_of_time(&time.value).flatten().map(|unit| format!(", unit = \"{unit}\"")).unwrap_or_default();
    let _ = writeln!(mapping, "# What the alert is about.\nentity_id = {{ path = {} }}", quoted(&name.path));
    let _ = writeln!(mapping, "# When it happened.\ntimestamp = {{ path = {}{unit} }}", quoted(&time.path));
    let severity = severity.map_or_else(
        || "default = \"warning\"".to_owned(),
        |leaf| format!("{}, default = \"warning\"", leaf.source()),
    );
    let _ = writeln!(
        mapping,
        "# `values` translates words: values = {{ \"P1\" = \"critical\" }}.\nseverity  = {{ {severity} }}"
    );
    if let Some(message) = message {
        let _ = writeln!(
            mapping,
            "# It is stored and shown, and no model sees it.\nmessage   = {{ path = {} }}",
            quoted(&message.path)
        );
    }
    mapping.push_str("\n# Which payloads it is for: all of these must hold. Add the state in which it is an alert, such as \"/status\" = \"firing\".\n[match]\n");
    for rule in rules(top) {
        let _ = writeln!(mapping, "{rule}");
    }
    mapping.push_str("\n[facts]\n");
    let mut details = Map::new();
    for (fact, leaf) in facts {
        let _ = writeln!(mapping, "{fact} = {{ {} }}", leaf.source());
        details.insert(fact, leaf.value.clone());
    }
    let mut detail = Map::new();
    detail.insert("entity_type".into(), entity_type(name).into());
    // The form of the id must fit every element.
    let names = elements.iter().filter_map(|element| element.pointer(&name.path));
    let longest = names.max_by_key(|value| !value.as_str().is_some_and(is_word)).unwrap_or(&name.value);
    let longest = longest.as_str().map_or_else(|| longest.to_string(), str::to_owned);
    detail.insert("entity_id".into(), longest.into());
    detail.insert("details".into(), details.into());
    Some(Guess { source, mapping, detail })
}

/// Every value at and below this one; of an array, only its first element.
fn find_leaves(value: &Value, path: &str, names: &[String], depth: usize, leaves: &mut Vec<Leaf>) {
    let leaf = |then: Option<String>, names: &[String], value: &Value| Leaf {
        path: path.to_owned(),
        then,
        names: names.iter().rev().cloned().collect(),
        value: value.clone(),
    };
    match value {
        Value::Object(object) if depth <= DEPTH_MAX => {
            for (key, value) in object {
                let names: Vec<_> = names.iter().cloned().chain([key.clone()]).collect();
                find_leaves(value, &pointer(path, key), &names, depth + 1, leaves);
            }
        }
        Value::Array(items) if depth <= DEPTH_MAX => {
            if let Some(first) = items.first() {
                find_leaves(first, &pointer(path, "0"), names, depth + 1, leaves);
            }
        }
        Value::String(text) => {
            leaves.push(leaf(None, names, value));
            let inside: Option<Value> =
                text.starts_with('{').then(|| serde_json::from_str(text).ok()).flatten();
            let mut found = Vec::new();
            if let Some(inside) = inside {
                find_leaves(&inside, "", names, DEPTH_MAX - 1, &mut found);
            }
            leaves.extend(found.into_iter().filter(|each| each.value.is_number()).map(|each| Leaf {
                path: path.to_owned(),
                then: Some(each.path.clone()),
                ..each
            }));
        }
        Value::Number(_) | Value::Bool(_) => leaves.push(leaf(None, names, value)),
        Value::Null | Value::Object(_) | Value::Array(_) => {}
    }
}

/// The leaf whose name is the earliest of these; of several, the one nearest to the top.
fn best<'l>(leaves: &'l [Leaf], names: &[&str], fits: impl Fn(&Leaf) -> bool) -> Option<&'l Leaf> {
    let rank = |leaf: &Leaf| {
        names.iter().position(|name| leaf.names.first().is_some_and(|own| own.eq_ignore_ascii_case(name)))
    };
    let fitting = leaves
        .iter()
        .filter(|leaf| fits(leaf))
        .filter_map(|leaf| Some((rank(leaf)?, leaf.names.len(), leaf)));
    fitting.min_by_key(|(rank, depth, _)| (*rank, *depth)).map(|(_, _, leaf)| leaf)
}

/// `Some(unit)` of a value that is a time; the unit of one that is a number.
#[expect(clippy::option_option, reason = "whether it is a time, and then whether it has a unit")]
fn unit_of_time(value: &Value) -> Option<Option<&'static str>> {
    let digits = match value {
        Value::String(text) if Timestamp::parse(text).is_ok() => return Some(None),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    match digits.len() {
        10 if is_number => Some(Some("epoch_s")),
        13 if is_number => Some(Some("epoch_ms")),
        _ => None,
    }
}

/// The facts: numbers first, then booleans, then words of a closed set.
fn facts<'l>(leaves: &'l [Leaf], used: &[&str]) -> Vec<(String, &'l Leaf)> {
    let is_free = |leaf: &&Leaf| {
        let words = words_of(leaf.names.first().map_or("", String::as_str));
        (leaf.then.is_some() || !used.contains(&leaf.path.as_str()))
            && unit_of_time(&leaf.value).is_none()
            && !words.iter().any(|word| IDENTIFIERS.contains(&word.as_str()))
    };
    let is_state = |leaf: &Leaf| {
        let words = words_of(leaf.names.first().map_or("", String::as_str));
        leaf.value.as_str().is_some_and(is_word) && words.iter().any(|word| STATES.contains(&word.as_str()))
    };
    let kinds: [&dyn Fn(&Leaf) -> bool; 3] =
        [&|leaf| leaf.value.is_number(), &|leaf| leaf.value.is_boolean(), &is_state];
    let mut facts: Vec<(String, &Leaf)> = Vec::new();
    for is_of_kind in kinds {
        for leaf in leaves.iter().filter(is_free).filter(|leaf| is_of_kind(leaf)) {
            let id = (1..=leaf.names.len()).map(|names| leaf.fact_id(names)).find(|id| {
                let is_taken = facts.iter().any(|(known, _)| known == id);
                !is_taken
                    && !GENERIC.contains(&id.as_str())
                    && id.starts_with(|first: char| first.is_ascii_lowercase())
            });
            if let Some(id) = id.filter(|_| facts.len() < FACTS_MAX) {
                facts.push((id, leaf));
            }
        }
    }
    facts
}

/// Names that say nothing without the one above them.
const GENERIC: [&str; 4] = ["value", "count", "number", "amount"];

impl Leaf {
    /// The id of its fact, from so many of its names.
    fn fact_id(&self, names: usize) -> String {
        let names: Vec<_> = self.names.iter().take(names).rev().flat_map(|name| words_of(name)).collect();
        names.join("_")
    }

    /// Where it is, as a field of a mapping says it.
    fn source(&self) -> String {
        let path = quoted(&self.path);
        self.then.as_ref().map_or_else(
            || format!("path = {path}"),
            |then| format!("path = {path}, json = true, then = {}", quoted(then)),
        )
    }
}

/// The words of a name in lower case: `recentDatapoints` is `recent` and `datapoints`.
fn words_of(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        if !letter.is_ascii_alphanumeric() || letter.is_ascii_uppercase() && was_lower {
            words.push(String::new());
        }
        was_lower = letter.is_ascii_lowercase() || letter.is_ascii_digit();
        if let Some(word) = words.last_mut().filter(|_| letter.is_ascii_alphanumeric()) {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The conditions of the payload: values that say where it is from, then names that it has.
fn rules(top: &Map<String, Value>) -> Vec<String> {
    const RULES: usize = 10;
    let is_kind = |(key, value): &(&String, &Value)| KINDS.contains(&key.as_str()) && value.is_string();
    let mut rules: Vec<_> = top
        .iter()
        .filter(is_kind)
        .map(|(key, value)| format!("{} = {value}", quoted(&pointer("", key))))
        .collect();
    let others = top.keys().filter(|key| {
        !KINDS.contains(&key.as_str()) && !["id", "version", "time", "message"].contains(&key.as_str())
    });
    for key in others.take(RULES.saturating_sub(rules.len())) {
        rules.push(format!("{} = {{ exists = true }}", quoted(&pointer("", key))));
    }
    rules
}

/// The last word of the payload's own `source`: `cloudwatch` of `aws.cloudwatch`.
fn source_of(top: &Map<String, Value>) -> Option<String> {
    let source = top.get("source")?.as_str()?;
    let last = words_of(source.rsplit(['.', '/']).next()?).join("_");
    last.starts_with(|first: char| first.is_ascii_lowercase()).then_some(last)
}

fn entity_type(name: &Leaf) -> &'static str {
    match name.names.first().map(|name| name.to_ascii_lowercase()).as_deref() {
        Some("alarmname") => "alarm",
        Some("instance" | "hostname" | "host" | "node") => "host",
        Some("service") => "service",
        Some("pod") => "pod",
        Some("monitor_name" | "alertname" | "alert_title") => "monitor",
        _ => "entity",
    }
}

fn is_name(value: &Value) -> bool {
    const NAME_BYTES_MAX: usize = 512;
    value.is_u64()
        || value.as_str().is_some_and(|text| !text.trim().is_empty() && text.len() <= NAME_BYTES_MAX)
}

/// Whether a text is a value of a closed set rather than free text.
pub(super) fn is_word(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    !text.is_empty() && text.len() <= WORD_BYTES_MAX && text.bytes().all(is_part)
}

/// The JSON Pointer of a name below another.
fn pointer(path: &str, name: &str) -> String {
    format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// A text in TOML's quotes, which are JSON's for such texts.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
