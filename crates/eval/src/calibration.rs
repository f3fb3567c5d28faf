//! Fits the map from a score to a probability, and judges it on later rows before anybody sees it.
//!
//! Never: returns a map that changes an order, or one that did worse than the raw score or the base rate.

use std::time::Duration;

use portend_core::calibration::{CalibrationCurve, CalibrationMethod, MapFigures};
use portend_core::time::Timestamp;
use serde::Serialize;

use crate::figures::log_loss;
use crate::limits::{
    BETA_EVENTS_MIN, CLASS_ROWS_MIN, MAP_LEARN_SHARE, PLATT_RIDGE, PROBABILITY_MIN, SLOPE_MIN,
};
use crate::logistic::{LogisticRow, SlopeRule, fit};
use crate::math::{float, mean};
use crate::rows::Sample;

/// A score with its time and its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedRow {
    /// The time of the alert.
    pub t0: Timestamp,
    /// The risk score, 0 to 100.
    pub score: f64,
    /// Whether the event happened.
    pub event: bool,
}

/// A map that did well enough on later rows.
#[derive(Debug, Clone, PartialEq)]
pub struct EarnedMap {
    /// Fitted to all rows.
    pub curve: CalibrationCurve,
    /// The rows.
    pub rows: usize,
    /// Those of them with the event.
    pub events: usize,
    /// The lowest and the highest score.
    pub scores: [f64; 2],
    /// The time of the first alert.
    pub from: Timestamp,
    /// The time of the last alert.
    pub until: Timestamp,
    /// How a map that was fitted to the first rows alone did on later ones.
    pub figures: MapFigures,
}

/// Why there is no map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum NoMap {
    /// There are fewer than ten rows with the event, or without it.
    #[error("fewer than 10 outcomes of one kind")]
    FewEvents,
    /// A higher score does not mean a higher rate.
    #[error("a higher score does not go with a higher rate")]
    NoSignal,
    /// No rows are late enough to judge the map, or the earlier ones are all of one kind.
    #[error("the outcomes are not spread over enough time to judge a map on later ones")]
    NotJudged,
    /// On later rows, the map was worse than the raw score or the base rate.
    #[error("on later outcomes, the map is worse than the raw score or the base rate")]
    NoBetter,
}

impl NoMap {
    /// A short stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::FewEvents => "few_events",
            Self::NoSignal => "no_signal",
            Self::NotJudged => "not_judged",
            Self::NoBetter => "no_better",
        }
    }
}

/// Fits a map to all rows, if a map of the first 70 % does as well on the rest as the raw score and the base rate. A
/// horizon between the two is not used, so that no outcome is in both.
pub fn earn_map(rows: &[TimedRow], horizon: Duration) -> Result<EarnedMap, NoMap> {
    let mut rows = rows.to_vec();
    rows.sort_by(|a, b| a.t0.cmp(&b.t0).then(a.score.total_cmp(&b.score)).then(a.event.cmp(&b.event)));
    let curve = fit_curve(&pairs(&rows))?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
    let learned = (float(rows.len()) * MAP_LEARN_SHARE) as usize;
    let (first, _) = rows.split_at_checked(learned).ok_or(NoMap::NotJudged)?;
    let gap_end = first.last().ok_or(NoMap::NotJudged)?.t0.plus(horizon);
    let later: Vec<TimedRow> = rows.iter().filter(|row| row.t0 >= gap_end).cloned().collect();
    // The earlier rows may be all of one kind, although all rows together are not.
    let figures = judge(&pairs(first), &pairs(&later)).map_err(|reason| match reason {
        NoMap::FewEvents => NoMap::NotJudged,
        NoMap::NoSignal | NoMap::NotJudged | NoMap::NoBetter => reason,
    })?;
    let allowed = figures.log_loss_raw.min(figures.log_loss_base_rate);
    if figures.log_loss > allowed {
        return Err(NoMap::NoBetter);
    }
    let from = rows.first().ok_or(NoMap::NotJudged)?.t0;
    let until = rows.last().ok_or(NoMap::NotJudged)?.t0;
    let events = rows.iter().filter(|row| row.event).count();
    let scores = score_range(rows.iter().map(|row| row.score));
    Ok(EarnedMap { curve, rows: rows.len(), events, scores, from, until, figures })
}

/// The lowest and the highest of these scores.
fn score_range(scores: impl Iterator<Item = f64>) -> [f64; 2] {
    scores.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], score| [low.min(score), high.max(score)])
}

fn pairs(rows: &[TimedRow]) -> Vec<(f64, bool)> {
    rows.iter().map(|row| (row.score, row.event)).collect()
}

/// How a map of some rows does on others.
pub(crate) fn judge(first: &[(f64, bool)], later: &[(f64, bool)]) -> Result<MapFigures, NoMap> {
    if later.is_empty() {
        return Err(NoMap::NotJudged);
    }
    let base_rate = float(first.iter().filter(|(_, event)| *event).count()) / float(first.len().max(1));
    let curve = fit_to(first)?;
    let loss = |probability: &dyn Fn(f64) -> f64| {
        log_loss(&Sample {
            probability: later.iter().map(|(score, _)| probability(*score)).collect(),
            event: later.iter().map(|(_, event)| *event).collect(),
            ..Sample::default()
        })
    };
    Ok(MapFigures {
        rows: later.len() as u64,
        events: later.iter().filter(|(_, event)| *event).count() as u64,
        log_loss: loss(&|score| curve.probability(score)),
        log_loss_raw: loss(&|score| score / 100.0),
        log_loss_base_rate: loss(&|_| base_rate.clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN)),
    })
}

/// Fits a curve to scores with outcomes: Platt's below 100 events, beta calibration from 100.
pub fn fit_curve(rows: &[(f64, bool)]) -> Result<CalibrationCurve, NoMap> {
    let events = rows.iter().filter(|(_, event)| *event).count();
    if events.min(rows.len() - events) < CLASS_ROWS_MIN {
        return Err(NoMap::FewEvents);
    }
    fit_to(rows)
}

fn fit_to(rows: &[(f64, bool)]) -> Result<CalibrationCurve, NoMap> {
    let events = rows.iter().filter(|(_, event)| *event).count();
    if events == 0 || events == rows.len() {
        return Err(NoMap::FewEvents);
    }
    let curve = if events < BETA_EVENTS_MIN { platt(rows) } else { beta(rows) };
    let curve = curve.ok_or(NoMap::NoSignal)?;
    // All slopes are zero or more, so one above zero makes the curve strictly increasing.
    let rises = curve.parameters.iter().skip(1).any(|slope| *slope > SLOPE_MIN);
    if rises { Ok(curve) } else { Err(NoMap::NoSignal) }
}

fn row(features: impl IntoIterator<Item = f64>, event: bool) -> LogisticRow {
    LogisticRow {
        features: features.into_iter().enumerate().collect(),
        rows: 1.0,
        events: f64::from(u8::from(event)),
    }
}

/// Platt's curve: one slope on the standardized score, with a ridge.
fn platt(rows: &[(f64, bool)]) -> Option<CalibrationCurve> {
    let shares: Vec<f64> = rows.iter().map(|(score, _)| score / 100.0).collect();
    let centre = mean(&shares)?;
    let variance = mean(&shares.iter().map(|share| (share - centre).powi(2)).collect::<Vec<_>>())?;
    let spread = variance.sqrt();
    if spread <= f64::EPSILON {
        return None;
    }
    let standard: Vec<LogisticRow> = rows
        .iter()
        .zip(&shares)
        .map(|((_, event), share)| row([(share - centre) / spread], *event))
        .collect();
    let fitted = fit(&standard, &[SlopeRule { ridge: PLATT_RIDGE, non_negative: true }])?;
    let slope = *fitted.slopes.first()?;
    // Back to the score's own share: the intercept and the slope are linear in the standardized ones.
    let at =
        |line: usize, column: usize| fitted.covariance.get(line).and_then(|row| row.get(column)).copied();
    let (a, ab, b) = (at(0, 0)?, at(0, 1)?, at(1, 1)?);
    let shift = -centre / spread;
    let cross = (ab + shift * b) / spread;
    Some(CalibrationCurve {
        method: CalibrationMethod::Platt,
        parameters: vec![fitted.intercept + slope * shift, slope / spread],
        covariance: vec![
            vec![a + 2.0 * shift * ab + shift * shift * b, cross],
            vec![cross, b / (spread * spread)],
        ],
    })
}

/// Beta calibration: a slope for the logarithm of the share, and one for that of the rest.
fn beta(rows: &[(f64, bool)]) -> Option<CalibrationCurve> {
    let method = CalibrationMethod::Beta;
    let features: Vec<LogisticRow> =
        rows.iter().map(|(score, event)| row(method.features(*score), *event)).collect();
    let rule = SlopeRule { ridge: 0.0, non_negative: true };
    let fitted = fit(&features, &[rule, rule])?;
    let mut parameters = vec![fitted.intercept];
    parameters.extend(fitted.slopes);
    Some(CalibrationCurve { method, parameters, covariance: fitted.covariance })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that looks random.
    fn mixed(number: u32) -> u32 {
        let mixed = (number ^ (number >> 7)).wrapping_mul(0x9E37_79B1);
        (mixed ^ (mixed >> 15)).wrapping_mul(0x85EB_CA77) >> 8
    }

    /// Rows over a year. Of those with a score of s, about `rate(s)` in 100 have the event.
    fn rows(count: u32, rate: impl Fn(u32) -> u32) -> Vec<TimedRow> {
        (0..count)
            .map(|i| {
                let score = i * 37 % 101;
                TimedRow {
                    t0: Timestamp::from_secs(i64::from(i) * 86_400 * 365 / i64::from(count)),
                    score: f64::from(score),
                    event: mixed(i) % 100 < rate(score),
                }
            })
            .collect()
    }

    const MONTH: Duration = Duration::from_hours(30 * 24);

    #[test]
    fn a_map_is_earned_where_the_rate_rises_with_the_score() {
        for (count, method) in [(300, CalibrationMethod::Platt), (2000, CalibrationMethod::Beta)] {
            let map = earn_map(&rows(count, |score| 5 + score / 4), MONTH).unwrap();
            assert_eq!(map.curve.method, method, "{count}");
            let low = map.curve.probability(5.0);
            let high = map.curve.probability(95.0);
            assert!((low - 0.06).abs() < 0.06 && (high - 0.29).abs() < 0.08, "{count}: {low} {high}");
            assert!(map.figures.log_loss <= map.figures.log_loss_raw);
        }
    }

    #[test]
    fn a_map_that_is_not_earned_has_a_reason() {
        for (rows, expected) in [
            (rows(60, |_| 10), NoMap::FewEvents),
            (rows(1000, |score| 40 - score / 4), NoMap::NoSignal),
            (
                rows(40, |score| score)
                    .into_iter()
                    .map(|row| TimedRow { t0: Timestamp::EPOCH, ..row })
                    .collect(),
                NoMap::NotJudged,
            ),
            // The event happens only in the last part.
            (
                rows(1000, |_| 50)
                    .into_iter()
                    .map(|row| TimedRow { event: row.t0.as_secs() > 86_400 * 290 && row.event, ..row })
                    .collect(),
                NoMap::NotJudged,
            ),
            // What the first part teaches does not hold later.
            (
                rows(1000, |score| score / 2)
                    .into_iter()
                    .map(|row| TimedRow { event: row.event != (row.t0.as_secs() > 86_400 * 280), ..row })
                    .collect(),
                NoMap::NoBetter,
            ),
        ] {
            assert_eq!(earn_map(&rows, MONTH).map(|map| map.curve), Err(expected));
        }
    }
}
