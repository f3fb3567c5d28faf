//! Asks about an alert with one fact worse. A score that is then lower contradicts the alert type.

use std::collections::BTreeMap;

use portend_core::alert::Facts;
use portend_core::alert_type::{AlertType, FactKind, FactValue, PointsCondition};
use portend_core::number::Number;
use serde::Serialize;

/// What the questions with one fact worse showed.
#[derive(Debug, Default, Serialize)]
pub(super) struct WorseFacts {
    /// The questions with an answer.
    pub(super) asked: u32,
    /// Those with a lower score, although nothing but the fact is different.
    pub(super) lower: u32,
    /// How often a worse value of each fact lowered the score.
    pub(super) facts: BTreeMap<String, u32>,
}

impl WorseFacts {
    /// Counts an answer with this fact worse. The model's own noise is not counted.
    pub(super) fn count(&mut self, fact: &str, score: f64, worse_score: f64, noise: f64) {
        self.asked += 1;
        if worse_score < score - noise {
            self.lower += 1;
            *self.facts.entry(fact.to_owned()).or_default() += 1;
        }
    }
}

/// The facts with one of them worse: the one to which the points table can add most, at the value that adds it. `None` if the
/// table can add nothing.
pub(super) fn one_fact_worse(alert_type: &AlertType, facts: &Facts) -> Option<(String, Facts)> {
    let table = alert_type.points_table();
    let candidates = table.points.iter().flat_map(|each| {
        let now = each.points_of(facts.get(&each.fact));
        let values = each.add.iter().filter_map(|row| value_of(alert_type, &each.fact, &row.when));
        values.map(move |value| (each.points_of(Some(&value)).saturating_sub(now), &each.fact, value))
    });
    let known = candidates.filter(|(_, fact, _)| facts.get(fact).is_some());
    let (_, fact, value) = known.filter(|(more, ..)| *more > 0).max_by_key(|(more, ..)| *more)?;
    Some((fact.clone(), facts.with(fact, value)))
}

/// A value for which the condition just holds.
fn value_of(alert_type: &AlertType, fact: &str, when: &PointsCondition) -> Option<FactValue> {
    match when {
        PointsCondition::From(from) => Some(FactValue::Number(*from)),
        PointsCondition::Value(value) => Some(value.clone()),
        PointsCondition::Below(below) => match alert_type.fact(fact)?.kind() {
            FactKind::Integer(range) | FactKind::Number(range) => {
                let lower = (below.get() - range.step.get()).max(range.min.get());
                Number::new(lower).map(FactValue::Number)
            }
            FactKind::Boolean { .. } | FactKind::Enum { .. } | FactKind::Text => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use portend_core::alert_type::AlertTypes;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_fact_that_can_add_most_gets_the_value_that_adds_it() {
        let types = AlertTypes::built_in();
        let alert_type = types.get("high_ib_call_frequency").unwrap();
        let table = alert_type.points_table();
        let sum = |facts: &Facts| -> u32 {
            table.points.iter().map(|each| u32::from(each.points_of(facts.get(&each.fact)))).sum()
        };
        let mut facts: Facts =
            serde_json::from_value(json!({ "ib_calls_14d": 0, "health_score": 90 })).unwrap();
        let mut changed = Vec::new();
        while let Some((fact, worse)) = one_fact_worse(alert_type, &facts) {
            assert!(sum(&worse) > sum(&facts), "{fact}");
            (facts, changed) = (worse, [changed, vec![fact]].concat());
        }
        assert_eq!(
            changed,
            ["ib_calls_14d", "health_score"],
            "each once, and the one with most points first"
        );
    }

    #[test]
    fn a_lower_score_counts_only_beyond_the_noise() {
        let mut worse = WorseFacts::default();
        for score in [80.0, 70.0, 69.0, 60.0] {
            worse.count("ib_calls_14d", 70.0, score, 1.0);
        }
        assert_eq!((worse.asked, worse.lower), (4, 1));
        assert_eq!(worse.facts, BTreeMap::from([("ib_calls_14d".to_owned(), 1)]));
    }
}
