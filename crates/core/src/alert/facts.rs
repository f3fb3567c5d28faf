//! Reads the facts of an alert from the event's `details`, and checks each against its type and range.
//!
//! Never: reads a field that the alert type does not name, or rounds, clamps or fills in a value.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::json::{EventObject, StrictJson};
use super::refusal::Refusal;
use crate::alert_type::{AlertType, Conflict, Fact, FactKind, FactRange, FactValue};
use crate::limits::FACT_TEXT_BYTES_MAX;
use crate::number::Number;

/// The values of an alert's facts, in the type's order. An optional fact that is not known has none.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(IndexMap<String, FactValue>);

/// The facts as a prompt shows them: without texts, and with the words [`NOT_KNOWN`] for an optional fact without a value.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct PromptFacts(IndexMap<String, FactValue>);

/// The value that a prompt and a driver show for an optional fact that is not known.
pub const NOT_KNOWN: &str = "not known";

impl Facts {
    pub(super) fn read(details: &EventObject<'_>, alert_type: &AlertType) -> Result<Self, Refusal> {
        let values = alert_type.facts().iter().filter_map(|fact| {
            let value = value(details, fact).transpose()?;
            Some(value.map(|value| (fact.id().to_owned(), value)))
        });
        Ok(Self(values.collect::<Result<_, Refusal>>()?))
    }

    /// The same facts in the type's order. `None` if one that the type requires is missing, or one no longer fits.
    pub(super) fn of(&self, alert_type: &AlertType) -> Option<Self> {
        let fitting = |fact: &Fact| match self.get(fact.id()) {
            Some(value) => Some(fits(fact, value).then(|| (fact.id().to_owned(), value.clone()))),
            None if fact.is_optional() => None,
            None => Some(None),
        };
        alert_type.facts().iter().filter_map(fitting).collect::<Option<_>>().map(Self)
    }

    /// The value of one fact.
    pub fn get(&self, fact: &str) -> Option<&FactValue> {
        self.0.get(fact)
    }

    /// All facts and their values, in the type's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &FactValue)> {
        self.0.iter().map(|(id, value)| (id.as_str(), value))
    }

    /// The ids of the optional facts that are not known.
    pub fn unknowns<'t>(&self, alert_type: &'t AlertType) -> Vec<&'t str> {
        alert_type.facts().iter().map(Fact::id).filter(|id| self.get(id).is_none()).collect()
    }

    /// The sentences of the type's conflict rules that these facts meet.
    pub fn conflicts<'t>(&self, alert_type: &'t AlertType) -> Vec<&'t str> {
        let holding = alert_type.conflicts().iter().filter(|conflict| conflict.holds(|fact| self.get(fact)));
        holding.map(Conflict::sentence).collect()
    }

    /// The facts that a prompt may show.
    pub fn for_prompt(&self, alert_type: &AlertType) -> PromptFacts {
        let shown = alert_type.facts().iter().filter(|fact| fact.is_in_prompt());
        let value =
            |fact: &Fact| self.get(fact.id()).cloned().unwrap_or_else(|| FactValue::Word(NOT_KNOWN.into()));
        PromptFacts(shown.map(|fact| (fact.id().to_owned(), value(fact))).collect())
    }
}

/// The fact's value. `None` if an optional fact is absent or null.
fn value(details: &EventObject<'_>, fact: &Fact) -> Result<Option<FactValue>, Refusal> {
    let expected = expected(fact);
    let json = match details.get(fact.id()) {
        None | Some(StrictJson::Null) if fact.is_optional() => return Ok(None),
        None => return Err(details.missing(fact.id(), &expected)),
        Some(json) => json,
    };
    let value = match fact.kind() {
        FactKind::Integer(_) | FactKind::Number(_) => number(json).map(FactValue::Number),
        FactKind::Boolean { .. } => match json {
            StrictJson::Bool(flag) => Some(FactValue::Flag(*flag)),
            StrictJson::Null
            | StrictJson::Number(_)
            | StrictJson::String(_)
            | StrictJson::Array(_)
            | StrictJson::Object(_) => None,
        },
        FactKind::Enum { .. } | FactKind::Text => json.as_str().map(|word| FactValue::Word(word.to_owned())),
    };
    value.filter(|value| fits(fact, value)).map(Some).ok_or_else(|| details.invalid(fact.id(), &expected))
}

/// Whether the fact can have this value.
fn fits(fact: &Fact, value: &FactValue) -> bool {
    match (fact.kind(), value) {
        (FactKind::Integer(FactRange { min, max, .. }), FactValue::Number(number)) => {
            number.is_whole() && (min..=max).contains(&number)
        }
        (FactKind::Number(FactRange { min, max, .. }), FactValue::Number(number)) => {
            (min..=max).contains(&number)
        }
        (FactKind::Boolean { .. }, FactValue::Flag(_)) => true,
        (FactKind::Enum { values, .. }, FactValue::Word(word)) => {
            values.iter().any(|value| value.id == *word)
        }
        (FactKind::Text, FactValue::Word(text)) => text.len() <= FACT_TEXT_BYTES_MAX,
        (
            FactKind::Integer(_)
            | FactKind::Number(_)
            | FactKind::Boolean { .. }
            | FactKind::Enum { .. }
            | FactKind::Text,
            _,
        ) => false,
    }
}

/// Reads a JSON number, or a decimal in a string, as some producers write them.
fn number(json: &StrictJson) -> Option<Number> {
    match json {
        StrictJson::Number(text) => Number::from_json(text),
        StrictJson::String(text) => Number::from_decimal(text),
        StrictJson::Null | StrictJson::Bool(_) | StrictJson::Array(_) | StrictJson::Object(_) => None,
    }
}

/// Describes the values that the fact can have, for a refusal.
fn expected(fact: &Fact) -> String {
    match fact.kind() {
        FactKind::Integer(FactRange { min, max, .. }) => format!("a whole number from {min} to {max}"),
        FactKind::Number(FactRange { min, max, .. }) => format!("a number from {min} to {max}"),
        FactKind::Boolean { .. } => "true or false".into(),
        FactKind::Text => format!("a text of at most {FACT_TEXT_BYTES_MAX} bytes"),
        FactKind::Enum { values, .. } => {
            let ids: Vec<_> = values.iter().map(|value| value.id.as_str()).collect();
            format!("one of {}", ids.join(", "))
        }
    }
}
