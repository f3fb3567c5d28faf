//! Reads the facts of an alert from the event's `details`, and checks each against its type and range.
//!
//! Never: reads a field that the alert type does not name, or rounds, clamps or fills in a value.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::json::{EventObject, StrictJson};
use super::refusal::Refusal;
use crate::alert_type::{AlertType, Fact, FactKind, FactRange, FactValue};
use crate::number::Number;

/// A value for each fact of the alert's type, in the type's order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(IndexMap<String, FactValue>);

impl Facts {
    pub(super) fn read(details: &EventObject<'_>, alert_type: &AlertType) -> Result<Self, Refusal> {
        let values = alert_type.facts().iter().map(|fact| Ok((fact.id().to_owned(), value(details, fact)?)));
        Ok(Self(values.collect::<Result<_, Refusal>>()?))
    }

    /// The same facts in the type's order. `None` if one that the type names is missing or no longer fits.
    pub(super) fn of(&self, alert_type: &AlertType) -> Option<Self> {
        let fitting = |fact: &Fact| {
            let value = self.get(fact.id())?;
            fits(fact, value).then(|| (fact.id().to_owned(), value.clone()))
        };
        alert_type.facts().iter().map(fitting).collect::<Option<_>>().map(Self)
    }

    /// The same facts with another value of one of them.
    #[must_use]
    pub fn with(&self, fact: &str, value: FactValue) -> Self {
        let mut facts = self.clone();
        if let Some(slot) = facts.0.get_mut(fact) {
            *slot = value;
        }
        facts
    }

    /// The value of one fact.
    pub fn get(&self, fact: &str) -> Option<&FactValue> {
        self.0.get(fact)
    }

    /// All facts and their values, in the type's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &FactValue)> {
        self.0.iter().map(|(id, value)| (id.as_str(), value))
    }
}

fn value(details: &EventObject<'_>, fact: &Fact) -> Result<FactValue, Refusal> {
    let expected = expected(fact);
    let json = details.get(fact.id()).ok_or_else(|| details.missing(fact.id(), &expected))?;
    let value = match fact.kind() {
        FactKind::Integer(_) | FactKind::Number(_) => number(json).map(FactValue::Number),
        FactKind::Enum { .. } => json.as_str().map(|word| FactValue::Word(word.to_owned())),
    };
    value.filter(|value| fits(fact, value)).ok_or_else(|| details.invalid(fact.id(), &expected))
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
        (FactKind::Enum { values, .. }, FactValue::Word(word)) => {
            values.iter().any(|value| value.id == *word)
        }
        (FactKind::Integer(_) | FactKind::Number(_), FactValue::Word(_))
        | (FactKind::Enum { .. }, FactValue::Number(_)) => false,
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
        FactKind::Enum { values, .. } => {
            let ids: Vec<_> = values.iter().map(|value| value.id.as_str()).collect();
            format!("one of {}", ids.join(", "))
        }
    }
}
