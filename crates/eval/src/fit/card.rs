//! Fits a table of points: steps of each fact, a logistic regression whose slopes are never negative, and whole points.

use std::collections::BTreeMap;

use portend_core::alert::Facts;
use portend_core::alert_type::{AlertType, FactKind, FactValue, PointsCondition, Worse};
use portend_core::number::Number;

use super::steps::Steps;
use crate::limits::{FACT_POINTS_MIN, FIT_RIDGE, PSEUDO_ROWS};
use crate::logistic::{LogisticFit, LogisticRow, SlopeRule, fit};
use crate::math::sigmoid;

/// The facts of an alert, and whether the event happened.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FactRow<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) event: bool,
}

/// A fitted table of points.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedCard {
    /// The score if no fact adds points.
    pub base: u8,
    /// The facts that add points, in the order of the alert type.
    pub facts: Vec<FittedFact>,
}

/// The points of one fact.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedFact {
    /// The fact's id.
    pub fact: String,
    /// The rows, from the fewest points on.
    pub rows: Vec<(PointsCondition, u8)>,
}

/// How a fact is turned into features that are 0 or 1.
#[derive(Debug, Clone)]
enum Coding {
    /// One feature for each threshold that is passed.
    Steps(Steps),
    /// One feature for each value, with its rows.
    Values(Vec<(FactValue, f64)>),
}

#[derive(Debug, Clone)]
struct CodedFact {
    fact: String,
    coding: Coding,
}

impl CodedFact {
    fn size(&self) -> usize {
        match &self.coding {
            Coding::Steps(steps) => steps.thresholds.len(),
            Coding::Values(values) => values.len(),
        }
    }

    /// The fact's features that are 1.
    fn features(&self, facts: &Facts) -> std::ops::Range<usize> {
        match (&self.coding, facts.get(&self.fact)) {
            (Coding::Steps(steps), Some(FactValue::Number(number))) => 0..steps.passed(number.get()),
            (Coding::Values(values), Some(stored)) => {
                values.iter().position(|(value, _)| value == stored).map_or(0..0, |at| at..at + 1)
            }
            _ => 0..0,
        }
    }

    /// The unrounded weight of each condition, from the weights of the features.
    fn weights(&self, slopes: &[f64]) -> Vec<(PointsCondition, f64)> {
        match &self.coding {
            Coding::Steps(steps) => {
                let mut sum = 0.0;
                let weight = |(threshold, slope): (&f64, &f64)| {
                    sum += slope;
                    let threshold = Number::new(*threshold)?;
                    let condition = match steps.worse {
                        Worse::Higher => PointsCondition::From(threshold),
                        Worse::Lower => PointsCondition::Below(threshold),
                    };
                    Some((condition, sum))
                };
                steps.thresholds.iter().zip(slopes).filter_map(weight).collect()
            }
            Coding::Values(values) => {
                let rows: f64 = values.iter().map(|(_, rows)| rows).sum();
                let centre: f64 =
                    values.iter().zip(slopes).map(|((_, rows), slope)| rows * slope).sum::<f64>()
                        / rows.max(1.0);
                let shrunk: Vec<f64> = values
                    .iter()
                    .zip(slopes)
                    .map(|((_, rows), slope)| (rows * slope + PSEUDO_ROWS * centre) / (rows + PSEUDO_ROWS))
                    .collect();
                let least = shrunk.iter().copied().fold(f64::INFINITY, f64::min);
                let mut weights: Vec<(PointsCondition, f64)> = values
                    .iter()
                    .zip(shrunk)
                    .map(|((value, _), slope)| (PointsCondition::Value(value.clone()), slope - least))
                    .collect();
                weights.sort_by(|a, b| a.1.total_cmp(&b.1));
                weights
            }
        }
    }
}

impl FittedCard {
    /// Fits a table to rows. `None` if no fact says anything.
    pub(crate) fn fit(alert_type: &AlertType, rows: &[FactRow<'_>]) -> Option<Self> {
        // What is at stake says nothing of the risk.
        let shown = alert_type.facts().iter().filter(|fact| fact.is_in_prompt());
        let mut coded: Vec<CodedFact> = shown.filter_map(|fact| code(fact.id(), fact.kind(), rows)).collect();
        loop {
            if coded.is_empty() {
                return None;
            }
            let fitted = regression(&coded, rows)?;
            let mut slopes = fitted.slopes.as_slice();
            let weights: Vec<Vec<(PointsCondition, f64)>> = coded
                .iter()
                .map(|fact| {
                    let (own, rest) = slopes.split_at_checked(fact.size()).unwrap_or((slopes, &[]));
                    slopes = rest;
                    fact.weights(own)
                })
                .collect();
            let largest: Vec<f64> = weights
                .iter()
                .map(|each| each.iter().map(|(_, weight)| *weight).fold(0.0, f64::max))
                .collect();
            let total: f64 = largest.iter().sum();
            if total <= 0.0 {
                return None;
            }
            let base = base_of(fitted.intercept);
            let scale = (100.0 - f64::from(base)) / total;
            let is_worth =
                |at: usize| largest.get(at).is_some_and(|weight| weight * scale >= FACT_POINTS_MIN);
            let before = coded.len();
            let mut number = 0..;
            let kept: Vec<CodedFact> =
                coded.iter().filter(|_| number.next().is_some_and(is_worth)).cloned().collect();
            if kept.len() == before {
                return Some(Self::rounded(base, scale, &coded, &weights));
            }
            coded = kept;
        }
    }

    /// Rounds the points. What rounding leaves of 100 goes to the base.
    fn rounded(base: u8, scale: f64, coded: &[CodedFact], weights: &[Vec<(PointsCondition, f64)>]) -> Self {
        let room = 100 - base;
        let tables = |scale: f64| -> Vec<FittedFact> {
            let of = |(fact, weights): (&CodedFact, &Vec<(PointsCondition, f64)>)| FittedFact {
                fact: fact.fact.clone(),
                rows: rows_of(weights, scale),
            };
            coded.iter().zip(weights).map(of).filter(|fact| !fact.rows.is_empty()).collect()
        };
        let mut scale = scale;
        let mut facts = tables(scale);
        while maxima(&facts) > u32::from(room) {
            scale *= 0.999;
            facts = tables(scale);
        }
        let rest = u8::try_from(100 - maxima(&facts)).unwrap_or(base);
        Self { base: rest, facts }
    }

    /// The score of an alert with these facts.
    pub fn score(&self, facts: &Facts) -> f64 {
        let points = |fact: &FittedFact| {
            let value = facts.get(&fact.fact)?;
            fact.rows.iter().filter(|(when, _)| when.holds(value)).map(|(_, points)| *points).max()
        };
        let sum: u32 = self.facts.iter().filter_map(points).map(u32::from).sum();
        f64::from(sum + u32::from(self.base))
    }
}

/// The sum of the most points of each fact.
fn maxima(facts: &[FittedFact]) -> u32 {
    facts.iter().filter_map(|fact| fact.rows.iter().map(|(_, points)| u32::from(*points)).max()).sum()
}

/// Rounds running sums, so that no rounding error adds up. A row that adds nothing to the one before is not written.
fn rows_of(weights: &[(PointsCondition, f64)], scale: f64) -> Vec<(PointsCondition, u8)> {
    let mut rows = Vec::new();
    let mut before = 0;
    for (condition, weight) in weights {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "points are from 0 to 100"
        )]
        let points = (weight * scale).round().clamp(0.0, 100.0) as u8;
        let is_value = matches!(condition, PointsCondition::Value(_));
        if points > before || (is_value && points > 0) {
            rows.push((condition.clone(), points));
            before = points;
        }
    }
    rows
}

/// The base: the lowest probability as a percentage, at most 10, so that the points have room.
fn base_of(intercept: f64) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a percentage, at most 10")]
    let base = (100.0 * sigmoid(intercept)).round().clamp(0.0, 10.0) as u8;
    base
}

fn code(fact: &str, kind: &FactKind, rows: &[FactRow<'_>]) -> Option<CodedFact> {
    let coding = match kind {
        FactKind::Integer(range) | FactKind::Number(range) => {
            let numeric = rows.iter().filter_map(|row| match row.facts.get(fact)? {
                FactValue::Number(number) => Some((number.get(), row.event)),
                FactValue::Flag(_) | FactValue::Word(_) => None,
            });
            let (values, events): (Vec<f64>, Vec<bool>) = numeric.unzip();
            let steps = Steps::find(range, &values, &events);
            if steps.thresholds.is_empty() {
                return None;
            }
            Coding::Steps(steps)
        }
        FactKind::Text => return None,
        FactKind::Boolean { values, .. } | FactKind::Enum { values, .. } => {
            let mut counts: BTreeMap<String, f64> = BTreeMap::new();
            for row in rows {
                if let Some(value) = row.facts.get(fact).and_then(FactValue::id) {
                    *counts.entry(value).or_default() += 1.0;
                }
            }
            let is_flag = matches!(kind, FactKind::Boolean { .. });
            let value_of = |id: &String| {
                if is_flag { FactValue::Flag(id == "true") } else { FactValue::Word(id.clone()) }
            };
            let count = |id: &String| (value_of(id), counts.get(id).copied().unwrap_or_default());
            Coding::Values(values.iter().map(|value| count(&value.id)).collect())
        }
    };
    Some(CodedFact { fact: fact.to_owned(), coding })
}

/// The regression over all features. Rows with the same features are taken together.
fn regression(coded: &[CodedFact], rows: &[FactRow<'_>]) -> Option<LogisticFit> {
    let mut cells: BTreeMap<Vec<usize>, (f64, f64)> = BTreeMap::new();
    for row in rows {
        let mut features = Vec::new();
        let mut offset = 0;
        for fact in coded {
            features.extend(fact.features(row.facts).map(|feature| offset + feature));
            offset += fact.size();
        }
        let cell = cells.entry(features).or_default();
        cell.0 += 1.0;
        cell.1 += f64::from(u8::from(row.event));
    }
    let cells: Vec<LogisticRow> = cells
        .into_iter()
        .map(|(features, (rows, events))| LogisticRow {
            features: features.into_iter().map(|feature| (feature, 1.0)).collect(),
            rows,
            events,
        })
        .collect();
    let size = coded.iter().map(CodedFact::size).sum();
    fit(&cells, &vec![SlopeRule { ridge: FIT_RIDGE, non_negative: true }; size])
}
