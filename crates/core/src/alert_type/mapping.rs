//! Turns the payload of another system into alerts of a type, by a file `from/SOURCE.toml`.
//!
//! A mapping says which payloads it matches, and where each field of an alert is in them, by JSON Pointers (RFC 6901).
//!
//! Never: reads a payload. The module `alert` does that.

mod read;

use std::fmt;

use indexmap::IndexMap;

/// How the payloads of one source become alerts of one type.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(crate) source: String,
    /// What must be in the payload.
    pub(crate) payload: Vec<MatchRule>,
    /// Where the array is whose elements are alerts. `None`: the payload is one alert.
    pub(crate) each: Option<Pointer>,
    /// What must be in the element.
    pub(crate) element: Vec<MatchRule>,
    pub(crate) entity_id: MappedField,
    pub(crate) timestamp: MappedField,
    pub(crate) severity: MappedField,
    pub(crate) message: Option<MappedField>,
    pub(crate) facts: IndexMap<String, MappedField>,
}

/// A condition of a payload or of an element.
#[derive(Debug, Clone)]
pub(crate) struct MatchRule {
    pub(crate) pointer: Pointer,
    pub(crate) expected: MatchExpected,
}

/// What a [`MatchRule`] expects at its pointer.
#[derive(Debug, Clone)]
pub(crate) enum MatchExpected {
    /// One of these values.
    OneOf(Vec<MappedConstant>),
    /// A text that starts with this.
    Starts(String),
    /// Anything, or nothing.
    Exists(bool),
}

/// A path in a payload, by RFC 6901: its reference tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer(pub(crate) Vec<String>);

/// Where the value of a field comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct MappedField {
    /// The first that is there counts, unless they are joined.
    pub(crate) paths: Vec<Pointer>,
    /// Whether all values that are there are joined to one text.
    pub(crate) joined: bool,
    /// Whether the paths start at the payload, also where an element is the alert.
    pub(crate) of_payload: bool,
    /// The value is a text that contains JSON; the pointer leads on inside it.
    pub(crate) json: Option<Pointer>,
    pub(crate) unit: Option<EpochUnit>,
    /// Values of the payload, and the values of the alert for them.
    pub(crate) values: IndexMap<String, MappedConstant>,
    /// The value if none of the paths is there.
    pub(crate) fallback: Option<MappedConstant>,
}

/// The unit of a timestamp that is a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EpochUnit {
    Seconds,
    Millis,
}

/// A value that is written in a mapping.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum MappedConstant {
    Text(String),
    /// As JSON writes it.
    Number(String),
    Flag(bool),
}

impl Mapping {
    /// The source's name: the file's, and that of its hook.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How many conditions it has. Of two mappings that match, the one with more is the right one.
    pub(crate) fn conditions(&self) -> usize {
        self.payload.len() + self.element.len()
    }
}

impl Pointer {
    /// Reads `/detail/alarmName`. `None` if it does not start with `/`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let tokens = text.strip_prefix('/')?.split('/');
        Some(Self(tokens.map(|token| token.replace("~1", "/").replace("~0", "~")).collect()))
    }

    /// The path of the token below this one.
    pub(crate) fn child(&self, token: &str) -> Self {
        Self(self.0.iter().cloned().chain([token.to_owned()]).collect())
    }

    /// The path of `rest` below this one.
    pub(crate) fn join(&self, rest: &Self) -> Self {
        Self(self.0.iter().chain(&rest.0).cloned().collect())
    }
}

impl fmt::Display for Pointer {
    /// Writes it as a refusal does: `$.alerts[0].labels.instance`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        self.0.iter().try_for_each(|token| {
            let is_index = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
            let is_plain = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
            match (is_index, is_plain) {
                (true, _) => write!(f, "[{token}]"),
                (false, true) => write!(f, ".{token}"),
                (false, false) => write!(f, "[{token:?}]"),
            }
        })
    }
}

impl fmt::Display for MappedConstant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Number(number) => f.write_str(number),
            Self::Flag(flag) => write!(f, "{flag}"),
        }
    }
}

impl fmt::Display for MatchExpected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OneOf(constants) => {
                let constants: Vec<_> = constants.iter().map(ToString::to_string).collect();
                f.write_str(&constants.join(" or "))
            }
            Self::Starts(start) => write!(f, "a text that starts with {start:?}"),
            Self::Exists(true) => f.write_str("a value"),
            Self::Exists(false) => f.write_str("nothing"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert_type::AlertTypes;

    /// A mapping with a mistake of every kind.
    const WRONG: &str = r#"
each = "alerts"
oops = true
[match]
"/source" = "x"
"status" = 2025-01-01
[entity_id]
paht = "/id"
[severity]
path = 5
unit = "epoch"
[facts]
ib_calls_14d = { path = "/calls", json = "yes" }
sessions = { path = "/sessions" }
"#;

    #[test]
    fn all_problems_of_a_mapping_are_reported_at_once_with_their_lines() {
        let types = AlertTypes::built_in();
        let alert_type = types.get("high_ib_call_frequency").unwrap();
        let found = |text: &str| {
            let findings = Mapping::read("from/x.toml", "x", text, alert_type).unwrap_err();
            findings.iter().map(|each| format!("{}: {}", each.line, each.message)).collect::<Vec<_>>()
        };
        assert_eq!(
            found(WRONG),
            [
                "1: the file has no `timestamp`",
                "3: unknown field `oops`",
                "8: unknown field `paht` in [entity_id]",
                "11: `unit` is `epoch`, not one of epoch_ms, epoch_s",
                "13: `json` in [facts.ib_calls_14d] is a text, not true or false",
            ]
        );
        let readable = WRONG.replace("\"yes\"", "true").replace("unit = \"epoch\"", "");
        assert_eq!(
            found(&readable),
            [
                "1: the file has no `timestamp`",
                "1: no field of [facts] sets the fact `health_score`",
                "2: `alerts` is not a JSON Pointer",
                "3: unknown field `oops`",
                "6: `status` is not a JSON Pointer",
                "6: the value is not a text, number or boolean",
                "7: `entity_id` has neither a `path` nor a `default`, or both a `path` and a `join`",
                "8: unknown field `paht` in [entity_id]",
                "10: `path` of `severity` is not a path",
                "14: `sessions` is not a fact of high_ib_call_frequency",
            ]
        );
    }
}
