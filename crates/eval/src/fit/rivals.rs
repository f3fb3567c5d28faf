//! What a fitted table is compared with: a plain logistic regression, and each fact alone.

use std::collections::BTreeMap;

use portend_core::alert::Facts;
use portend_core::alert_type::{AlertType, Fact, FactKind, FactValue, Worse};

use super::card::FactRow;
use crate::limits::{FIT_RIDGE, PSEUDO_ROWS};
use crate::logistic::{LogisticFit, LogisticRow, SlopeRule, fit};
use crate::math::{float, mean, sigmoid};

/// A logistic regression on standardized numbers, with a feature for each value of an enum.
#[derive(Debug)]
pub(crate) struct PlainLogistic {
    features: Vec<PlainFeature>,
    fitted: LogisticFit,
}

#[derive(Debug, Clone)]
enum PlainFeature {
    Number { fact: String, centre: f64, spread: f64 },
    Value { fact: String, value: String },
}

impl PlainFeature {
    fn of(&self, facts: &Facts) -> f64 {
        match self {
            Self::Number { fact, centre, spread } => {
                number(facts, fact).map_or(0.0, |value| (value - centre) / spread)
            }
            Self::Value { fact, value } => {
                let is_it = facts.get(fact).and_then(FactValue::id).as_ref() == Some(value);
                f64::from(u8::from(is_it))
            }
        }
    }
}

pub(crate) fn number(facts: &Facts, fact: &str) -> Option<f64> {
    match facts.get(fact)? {
        FactValue::Number(number) => Some(number.get()),
        FactValue::Flag(_) | FactValue::Word(_) => None,
    }
}

impl PlainLogistic {
    /// Fits it. `None` if it has no finite solution.
    pub(crate) fn fit(alert_type: &AlertType, rows: &[FactRow<'_>]) -> Option<Self> {
        let features: Vec<PlainFeature> =
            alert_type.facts().iter().flat_map(|fact| features(fact, rows)).collect();
        let row = |row: &FactRow<'_>| LogisticRow {
            features: features.iter().map(|feature| feature.of(row.facts)).enumerate().collect(),
            rows: 1.0,
            events: f64::from(u8::from(row.event)),
        };
        let rows: Vec<LogisticRow> = rows.iter().map(row).collect();
        let rules = vec![SlopeRule { ridge: FIT_RIDGE, non_negative: false }; features.len()];
        Some(Self { fitted: fit(&rows, &rules)?, features })
    }

    /// The probability for an alert with these facts.
    pub(crate) fn probability(&self, facts: &Facts) -> f64 {
        let terms = self.features.iter().zip(&self.fitted.slopes);
        sigmoid(self.fitted.intercept + terms.map(|(feature, slope)| slope * feature.of(facts)).sum::<f64>())
    }
}

fn features(fact: &Fact, rows: &[FactRow<'_>]) -> Vec<PlainFeature> {
    match fact.kind() {
        FactKind::Integer(_) | FactKind::Number(_) => {
            let values: Vec<f64> = rows.iter().filter_map(|row| number(row.facts, fact.id())).collect();
            let centre = mean(&values).unwrap_or_default();
            let squares: Vec<f64> = values.iter().map(|value| (value - centre).powi(2)).collect();
            let spread = mean(&squares).unwrap_or_default().sqrt();
            // A constant has no slope.
            if spread <= 1e-12 {
                return Vec::new();
            }
            vec![PlainFeature::Number { fact: fact.id().to_owned(), centre, spread }]
        }
        FactKind::Boolean { values, .. } | FactKind::Enum { values, .. } => values
            .iter()
            .map(|value| PlainFeature::Value { fact: fact.id().to_owned(), value: value.id.clone() })
            .collect(),
        FactKind::Text => Vec::new(),
    }
}

/// What each row is worth by one fact alone: the value in its worse direction, or the shrunk rate of an enum's value.
pub(crate) fn alone(fact: &Fact, learn: &[FactRow<'_>], judge: &[FactRow<'_>]) -> Vec<f64> {
    match fact.kind() {
        FactKind::Integer(range) | FactKind::Number(range) => {
            let sign = if range.worse == Worse::Higher { 1.0 } else { -1.0 };
            judge.iter().map(|row| sign * number(row.facts, fact.id()).unwrap_or_default()).collect()
        }
        FactKind::Boolean { .. } | FactKind::Enum { .. } | FactKind::Text => {
            let mut counts: BTreeMap<String, (f64, f64)> = BTreeMap::new();
            let mut all = (0.0, 0.0);
            for row in learn {
                let event = f64::from(u8::from(row.event));
                all = (all.0 + 1.0, all.1 + event);
                if let Some(value) = row.facts.get(fact.id()).and_then(FactValue::id) {
                    let count = counts.entry(value).or_default();
                    *count = (count.0 + 1.0, count.1 + event);
                }
            }
            let base = all.1 / f64::max(all.0, 1.0);
            let rate = |row: &FactRow<'_>| {
                let value = row.facts.get(fact.id()).and_then(FactValue::id);
                let (rows, events) = value.and_then(|value| counts.get(&value).copied()).unwrap_or_default();
                (events + PSEUDO_ROWS * base) / (rows + PSEUDO_ROWS)
            };
            judge.iter().map(rate).collect()
        }
    }
}

/// Numbers for the ranks of a fact: its value, or the place of an enum's value in the type.
pub(crate) fn column(fact: &Fact, rows: &[FactRow<'_>]) -> Vec<f64> {
    let of =
        |row: &FactRow<'_>| match (fact.kind().values(), row.facts.get(fact.id()).and_then(FactValue::id)) {
            (Some(values), Some(id)) => values.iter().position(|value| value.id == id).map_or(-1.0, float),
            _ => number(row.facts, fact.id()).unwrap_or_default(),
        };
    rows.iter().map(of).collect()
}
