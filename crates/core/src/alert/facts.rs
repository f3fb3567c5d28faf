//! The facts of an alert: typed and ranged by its alert type.
//!
//! Takes: the event's `details`, and the alert type.
//! Gives: a value for every fact that the type names, in its order.
//! Never: keeps a field that the type does not name, rounds, clamps or fills in.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::json::{Json, Object};
use super::refusal::Refusal;
use crate::alert_type::{AlertType, EnumValue, Fact, FactKind, FactValue, Range};
use crate::number::Number;

/// A value for each fact of the alert's type, in the type's order.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Facts(IndexMap<String, FactValue>);

impl Facts {
    pub(super) fn read(details: &Object<'_>, alert_type: &AlertType) -> Result<Self, Refusal> {
        let values = alert_type.facts().iter().map(|fact| Ok((fact.id().to_owned(), value(details, fact)?)));
        Ok(Self(values.collect::<Result<_, Refusal>>()?))
    }

    /// The value of one fact.
    pub fn get(&self, fact: &str) -> Option<&FactValue> {
        self.0.get(fact)
    }

    /// All of them, in the type's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &FactValue)> {
        self.0.iter().map(|(id, value)| (id.as_str(), value))
    }
}

fn value(details: &Object<'_>, fact: &Fact) -> Result<FactValue, Refusal> {
    let expected = expected(fact);
    let json = details.get(fact.id()).ok_or_else(|| details.missing(fact.id(), &expected))?;
    let value = match fact.kind() {
        FactKind::Integer(range) => {
            number(json, range).filter(|number| number.is_whole()).map(FactValue::Number)
        }
        FactKind::Number(range) => number(json, range).map(FactValue::Number),
        FactKind::Enum { values, .. } => word(json, values).map(FactValue::Word),
    };
    value.ok_or_else(|| details.invalid(fact.id(), &expected))
}

/// A number of JSON, or a decimal in a string, since some producers write decimals so.
fn number(json: &Json, range: &Range) -> Option<Number> {
    let number = match json {
        Json::Number(text) => Number::from_json(text),
        Json::String(text) => Number::from_decimal(text),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    };
    number.filter(|number| (range.min..=range.max).contains(number))
}

fn word(json: &Json, values: &[EnumValue]) -> Option<String> {
    values.iter().find(|value| json.as_str() == Some(&value.id)).map(|value| value.id.clone())
}

fn expected(fact: &Fact) -> String {
    match fact.kind() {
        FactKind::Integer(Range { min, max, .. }) => format!("a whole number from {min} to {max}"),
        FactKind::Number(Range { min, max, .. }) => format!("a number from {min} to {max}"),
        FactKind::Enum { values, .. } => {
            let ids: Vec<_> = values.iter().map(|value| value.id.as_str()).collect();
            format!("one of {}", ids.join(", "))
        }
    }
}
