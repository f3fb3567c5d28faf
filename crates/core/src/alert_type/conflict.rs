//! Rules for facts that contradict each other, such as `status = high_demand and demand < supply`.
//!
//! Never: changes a score. A conflict is said beside it.

use serde::Serialize;

use super::{Fact, FactKind, FactValue};
use crate::number::Number;

/// A rule: when all its comparisons hold, the facts contradict each other.
#[derive(Debug, Clone, Serialize)]
pub struct Conflict {
    when: String,
    sentence: String,
    #[serde(skip)]
    comparisons: Vec<FactComparison>,
}

/// A comparison of a fact with a value or with another fact.
#[derive(Debug, Clone, PartialEq)]
struct FactComparison {
    fact: String,
    operator: Operator,
    operand: Operand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Fact(String),
    Value(FactValue),
}

/// The operators as they are written. One that begins with another is before it.
const OPERATORS: [(&str, Operator); 6] = [
    ("!=", Operator::Unequal),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
];

impl Conflict {
    /// Reads a rule. An error says what is wrong with `when`, and how to fix it.
    pub(super) fn read(when: &str, sentence: &str, facts: &[Fact]) -> Result<Self, (String, String)> {
        let comparisons = when.split(" and ").map(|part| FactComparison::read(part.trim(), facts));
        Ok(Self {
            when: when.into(),
            sentence: sentence.into(),
            comparisons: comparisons.collect::<Result<_, _>>()?,
        })
    }

    /// The rule as it is written in the file.
    pub fn when(&self) -> &str {
        &self.when
    }

    /// What contradicts what, for people and models.
    pub fn sentence(&self) -> &str {
        &self.sentence
    }

    /// Whether these values contradict each other. A fact without a value contradicts nothing.
    pub fn holds<'v>(&self, value: impl Fn(&str) -> Option<&'v FactValue>) -> bool {
        self.comparisons.iter().all(|comparison| comparison.holds(&value))
    }
}

impl FactComparison {
    fn read(text: &str, facts: &[Fact]) -> Result<Self, (String, String)> {
        let found =
            OPERATORS.iter().find_map(|(written, operator)| Some((text.split_once(written)?, *operator)));
        let Some(((left, right), operator)) = found else {
            let fix = "write comparisons such as `calls > 3`, joined by ` and `, with = != < <= > or >=";
            return Err((format!("`{text}` in `when` is not a comparison"), fix.into()));
        };
        let (left, right) = (left.trim(), right.trim());
        let known = |id: &str| facts.iter().find(|fact| fact.id() == id);
        let Some(fact) = known(left) else {
            let ids: Vec<_> = facts.iter().map(Fact::id).collect();
            let fix = format!("compare one of the facts {}", ids.join(", "));
            return Err((format!("`{left}` in `when` is not a fact"), fix));
        };
        let is_ordered = !matches!(operator, Operator::Equal | Operator::Unequal);
        let operand = match fact.kind() {
            FactKind::Integer(_) | FactKind::Number(_) => {
                let other = known(right).filter(|other| other.range().is_some());
                let other = other.map(|other| Operand::Fact(other.id().into()));
                other.or_else(|| {
                    Number::from_decimal(right).map(|number| Operand::Value(FactValue::Number(number)))
                })
            }
            FactKind::Enum { values, .. } => {
                let is_value = values.iter().any(|value| value.id == right) && !is_ordered;
                is_value.then(|| Operand::Value(FactValue::Word(right.into())))
            }
            FactKind::Boolean { .. } => {
                let flag = right.parse().ok().filter(|_| !is_ordered);
                flag.map(|flag| Operand::Value(FactValue::Flag(flag)))
            }
            FactKind::Text => None,
        };
        let operand = operand.ok_or_else(|| {
            let fix = match fact.kind() {
                FactKind::Integer(_) | FactKind::Number(_) => {
                    "compare it with a number or another numeric fact"
                }
                FactKind::Enum { .. } => "compare it by = or != with one of its values",
                FactKind::Boolean { .. } => "compare it by = or != with true or false",
                FactKind::Text => "remove the comparison, because a text has no known values",
            };
            (format!("`{left}` cannot be compared with `{right}` in `when`"), fix.to_owned())
        })?;
        Ok(Self { fact: left.into(), operator, operand })
    }

    fn holds<'v>(&self, value: &impl Fn(&str) -> Option<&'v FactValue>) -> bool {
        let (Some(left), Some(right)) = (
            value(&self.fact),
            match &self.operand {
                Operand::Fact(fact) => value(fact),
                Operand::Value(value) => Some(value),
            },
        ) else {
            return false;
        };
        let numbers = match (left, right) {
            (FactValue::Number(left), FactValue::Number(right)) => Some((left, right)),
            (FactValue::Number(_) | FactValue::Flag(_) | FactValue::Word(_), _) => None,
        };
        let ordered =
            |holds: fn(&Number, &Number) -> bool| numbers.is_some_and(|(left, right)| holds(left, right));
        match self.operator {
            Operator::Equal => left == right,
            Operator::Unequal => left != right,
            Operator::Less => ordered(|left, right| left < right),
            Operator::AtMost => ordered(|left, right| left <= right),
            Operator::Greater => ordered(|left, right| left > right),
            Operator::AtLeast => ordered(|left, right| left >= right),
        }
    }
}
