//! Compares two ways to score the same alerts: how far the scores moved, whether the order stayed, and what followed.

use serde::Serialize;

use crate::figures::PairedFigures;
use crate::limits::{SHIFT_LARGE, TOP_SHARE, Z_95};
use crate::math::{ascending, float, mean};
use crate::rows::ScoredRow;

/// Two scores of one alert.
#[derive(Debug, Clone, PartialEq)]
pub struct ScorePair {
    /// The stored score.
    pub old: f64,
    /// The new score.
    pub new: f64,
    /// The new score of the same question, asked again.
    pub again: Option<f64>,
    /// Whether the event happened, if that is known.
    pub event: Option<bool>,
    /// Whom the alert is about.
    pub entity: String,
    /// The scores at which the meaning changes, on the scale of the alert type.
    pub thresholds: Vec<f64>,
}

/// What changes from the old scores to the new ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComparisonFigures {
    /// The alerts with both scores.
    pub n: usize,
    /// The mean of new less old, in points.
    pub mean_shift: Option<f64>,
    /// The lower end of its interval of 95 %.
    pub mean_shift_low: Option<f64>,
    /// Its upper end.
    pub mean_shift_high: Option<f64>,
    /// The mean distance.
    pub mean_abs_shift: Option<f64>,
    /// The share of alerts that moved by more than ten points.
    pub over_10: Option<f64>,
    /// Spearman's rank correlation.
    pub spearman: Option<f64>,
    /// Kendall's tau-b.
    pub kendall_tau_b: Option<f64>,
    /// The largest distance of the two distributions.
    pub ks: Option<f64>,
    /// The share of the highest tenth that is in both highest tenths.
    pub top_overlap: Option<f64>,
    /// The share of alerts whose meaning on the scale changes.
    pub moved: Option<f64>,
    /// The mean distance of the new model from itself, asked twice.
    pub noise: Option<f64>,
    /// Whether the new scores are as near to the old ones as to themselves.
    pub within_noise: Option<bool>,
    /// With outcomes: AUC and Brier score of new less old, on the same alerts.
    pub outcomes: Option<OutcomeDifference>,
}

/// The difference that outcomes show.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutcomeDifference {
    /// The alerts with a known outcome.
    pub n: usize,
    /// The new AUC less the old one.
    pub auc_difference: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// Its two-sided p.
    pub p: Option<f64>,
    /// The new Brier score less the old one.
    pub brier_difference: Option<f64>,
}

impl ComparisonFigures {
    /// Compares the scores of each pair.
    pub fn of(pairs: &[ScorePair]) -> Self {
        let row = |pair: &ScorePair| ScoredRow {
            score: pair.new,
            baseline: Some(pair.old),
            event: pair.event.unwrap_or_default(),
            entity: Some(pair.entity.clone()),
        };
        let rows: Vec<ScoredRow> = pairs.iter().map(row).collect();
        let paired = PairedFigures::of(&rows);
        let shifts: Vec<f64> = pairs.iter().map(|pair| pair.new - pair.old).collect();
        let shift = mean(&shifts);
        let half = shift.and_then(|shift| {
            let squares: f64 = shifts.iter().map(|each| (each - shift).powi(2)).sum();
            let degrees = shifts.len().checked_sub(1).filter(|degrees| *degrees > 0)?;
            Some(Z_95 * (squares / float(degrees) / float(shifts.len())).sqrt())
        });
        let share = |count: usize| (!pairs.is_empty()).then(|| float(count) / float(pairs.len()));
        let noise: Vec<f64> = pairs.iter().filter_map(|pair| Some((pair.new - pair.again?).abs())).collect();
        let noise = mean(&noise);
        let distance = paired.as_ref().and_then(|paired| paired.mean_abs_shift);
        let judged: Vec<ScoredRow> = pairs.iter().filter(|pair| pair.event.is_some()).map(row).collect();
        Self {
            n: pairs.len(),
            mean_shift: shift,
            mean_shift_low: shift.zip(half).map(|(shift, half)| shift - half),
            mean_shift_high: shift.zip(half).map(|(shift, half)| shift + half),
            mean_abs_shift: distance,
            over_10: share(shifts.iter().filter(|shift| shift.abs() > SHIFT_LARGE).count()),
            spearman: paired.as_ref().and_then(|paired| paired.spearman),
            kendall_tau_b: paired.as_ref().and_then(|paired| paired.kendall_tau_b),
            ks: paired.as_ref().and_then(|paired| paired.ks),
            top_overlap: top_overlap(pairs),
            moved: share(pairs.iter().filter(|pair| level(pair, pair.old) != level(pair, pair.new)).count()),
            noise,
            within_noise: noise.zip(distance).map(|(noise, distance)| distance <= noise),
            outcomes: PairedFigures::of(&judged).map(|of| OutcomeDifference {
                n: of.n,
                auc_difference: of.auc_difference,
                se: of.se,
                p: of.p,
                brier_difference: of.brier_difference,
            }),
        }
    }
}

/// How many thresholds a score has reached.
fn level(pair: &ScorePair, score: f64) -> usize {
    pair.thresholds.iter().filter(|threshold| **threshold <= score).count()
}

/// The share of the highest tenth by the old scores that is also in it by the new ones. Of equal scores, the earlier
/// alert is in it, by both.
fn top_overlap(pairs: &[ScorePair]) -> Option<f64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
    let size = (float(pairs.len()) * TOP_SHARE).ceil() as usize;
    let top = |score: fn(&ScorePair) -> f64| -> Vec<usize> {
        let negated: Vec<f64> = pairs.iter().map(|pair| -score(pair)).collect();
        ascending(&negated).into_iter().take(size).collect()
    };
    let (old, new) = (top(|pair| pair.old), top(|pair| pair.new));
    (size > 0).then(|| float(old.iter().filter(|each| new.contains(each)).count()) / float(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(shift: impl Fn(u32) -> f64) -> Vec<ScorePair> {
        (0..100_u32)
            .map(|number| {
                let old = f64::from(number * 37 % 90);
                ScorePair {
                    old,
                    new: old + shift(number),
                    again: Some(old + shift(number)),
                    event: Some(number % 5 == 0),
                    entity: number.to_string(),
                    thresholds: vec![25.0, 50.0, 75.0],
                }
            })
            .collect()
    }

    #[test]
    fn scores_compared_with_themselves_have_not_moved() {
        let figures = ComparisonFigures::of(&pairs(|_| 0.0));
        let same = [figures.mean_shift, figures.mean_abs_shift, figures.over_10, figures.ks, figures.moved];
        assert_eq!(same, [Some(0.0); 5]);
        let order = [figures.spearman, figures.kendall_tau_b, figures.top_overlap].map(Option::unwrap);
        assert!(order.iter().all(|each| (each - 1.0).abs() < 1e-12), "{order:?}");
        assert_eq!(figures.within_noise, Some(true));
        let outcomes = figures.outcomes.unwrap();
        assert_eq!(
            (outcomes.auc_difference, outcomes.p, outcomes.brier_difference),
            (Some(0.0), Some(1.0), Some(0.0))
        );
    }

    #[test]
    fn a_shift_is_seen_with_its_interval_and_the_order_stays() {
        let figures = ComparisonFigures::of(&pairs(|number| if number % 2 == 0 { 12.0 } else { 8.0 }));
        assert_eq!(figures.mean_shift, Some(10.0));
        assert!(figures.mean_shift_low.unwrap() > 9.5 && figures.mean_shift_high.unwrap() < 10.5);
        assert_eq!(figures.over_10, Some(0.5));
        assert_eq!(figures.within_noise, Some(false));
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        let figures = ComparisonFigures::of(&[]);
        assert_eq!(
            (figures.n, figures.mean_shift, figures.top_overlap, figures.moved),
            (0, None, None, None)
        );
    }
}
