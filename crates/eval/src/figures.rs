//! The figures of a set of scored rows. What cannot be said is `None`, with a reason.
//!
//! Never: returns a number that a few rows could turn round, or treats rows of one entity as independent.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::auc::{Area, kolmogorov_smirnov, pearson};
use crate::bins::{ReliabilityBin, bins};
use crate::kendall::tau_b;
use crate::limits::{CLASS_ROWS_MIN, ECE_ROWS_MIN, PROBABILITY_MIN};
use crate::logistic::{LogisticRow, SlopeRule, fit};
use crate::math::{float, logit, mean, midranks, two_sided_p, wilson};
use crate::rows::{Sample, ScoredRow};

/// How good a set of probabilities is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// The rows.
    pub n: usize,
    /// The entities that they are about.
    pub entities: usize,
    /// The rows with the event.
    pub events: usize,
    /// Their share.
    pub base_rate: Option<f64>,
    /// The lower end of its interval of 95 % (Wilson).
    pub base_rate_low: Option<f64>,
    /// Its upper end.
    pub base_rate_high: Option<f64>,
    /// The probability that a row with the event scores higher than one without.
    pub auc: Option<f64>,
    /// Its standard error.
    pub auc_se: Option<f64>,
    /// The lower end of its interval of 95 %.
    pub auc_low: Option<f64>,
    /// Its upper end.
    pub auc_high: Option<f64>,
    /// The mean squared difference of probability and outcome.
    pub brier: Option<f64>,
    /// Its standard error.
    pub brier_se: Option<f64>,
    /// One less the share of the base rate's own Brier score that is left: above 0 is better than the base rate.
    pub brier_skill: Option<f64>,
    /// The mean negative log likelihood, with probabilities clipped to .005.
    pub log_loss: Option<f64>,
    /// The mean distance of probability and rate over the bins.
    pub ece: Option<f64>,
    /// What `ece` would be by chance if every probability were right.
    pub ece_floor: Option<f64>,
    /// The line that turns the scores' logits into the best ones.
    pub recalibration: Option<Recalibration>,
    /// The reliability table.
    pub bins: Vec<ReliabilityBin>,
    /// Why each figure that is `None` is.
    pub reasons: BTreeMap<&'static str, &'static str>,
}

/// The logistic regression of the outcome on the logit of the probability. Slope 1 and intercept 0 need no change.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Recalibration {
    /// Below 1: the scores are too extreme.
    pub slope: f64,
    /// Below 0: the scores are too high.
    pub intercept: f64,
}

/// Score and baseline on the same rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairedFigures {
    /// The rows that have both.
    pub n: usize,
    /// The score's AUC less the baseline's.
    pub auc_difference: Option<f64>,
    /// Its standard error (`DeLong`).
    pub se: Option<f64>,
    /// How likely a difference at least as large is without any, on either side.
    pub p: Option<f64>,
    /// The score's Brier score less the baseline's; below 0 is better than the baseline.
    pub brier_difference: Option<f64>,
    /// Spearman's rank correlation.
    pub spearman: Option<f64>,
    /// Kendall's tau-b.
    pub kendall_tau_b: Option<f64>,
    /// The mean of score less baseline, in points.
    pub mean_shift: Option<f64>,
    /// The mean distance, in points.
    pub mean_abs_shift: Option<f64>,
    /// The largest distance of the two distributions.
    pub ks: Option<f64>,
    /// Why each figure that is `None` is.
    pub reasons: BTreeMap<&'static str, &'static str>,
}

/// There are no rows.
pub const NO_ROWS: &str = "no_rows";
/// All rows have the event, or none has.
pub const ONE_CLASS: &str = "one_class";
/// There are fewer than ten rows with the event, or without.
pub const FEW_EVENTS: &str = "few_events";
/// There are fewer than a hundred rows.
pub const FEW_ROWS: &str = "few_rows";
/// All rows of a class, or all rows, are about one entity.
pub const ONE_ENTITY: &str = "one_entity";
/// All values are the same.
pub const CONSTANT: &str = "constant";
/// A threshold divides the classes without an error, so that no finite line is the best.
pub const SEPARATED: &str = "separated";

impl Figures {
    /// Computes the figures of the scores.
    pub fn of_scores(rows: &[ScoredRow]) -> Self {
        Self::of(&Sample::of(rows, |row| row.score / 100.0))
    }

    /// Computes the figures of probabilities that a map makes of the scores.
    pub fn of_mapped(rows: &[ScoredRow], map: impl Fn(f64) -> f64) -> Self {
        Self::of(&Sample::of(rows, |row| map(row.score)))
    }

    /// Computes the figures of the baseline, on the rows that have one.
    pub fn of_baseline(rows: &[ScoredRow]) -> Self {
        let paired = rows.iter().filter(|row| row.baseline.is_some());
        Self::of(&Sample::of(paired, |row| row.baseline.unwrap_or_default() / 100.0))
    }

    pub(crate) fn of(sample: &Sample) -> Self {
        let (n, events) = (sample.rows(), sample.events());
        let mut figures = Self::empty(sample);
        if n == 0 {
            figures.missing(&ALL, NO_ROWS);
            return figures;
        }
        let rate = float(events) / float(n);
        figures.base_rate = Some(rate);
        (figures.base_rate_low, figures.base_rate_high) = wilson(events, n).unzip();
        figures.area(sample);
        figures.brier(sample, rate);
        figures.log_loss = Some(log_loss(sample));
        let (table, error) = bins(sample);
        figures.bins = table;
        if n < ECE_ROWS_MIN {
            figures.missing(&["ece", "ece_floor"], FEW_ROWS);
        } else {
            (figures.ece, figures.ece_floor) = (Some(error.ece), Some(error.floor));
        }
        match recalibration(sample) {
            Ok(line) => figures.recalibration = Some(line),
            Err(reason) => figures.missing(&["recalibration"], reason),
        }
        figures
    }

    fn empty(sample: &Sample) -> Self {
        Self {
            n: sample.rows(),
            entities: sample.entities,
            events: sample.events(),
            base_rate: None,
            base_rate_low: None,
            base_rate_high: None,
            auc: None,
            auc_se: None,
            auc_low: None,
            auc_high: None,
            brier: None,
            brier_se: None,
            brier_skill: None,
            log_loss: None,
            ece: None,
            ece_floor: None,
            recalibration: None,
            bins: Vec::new(),
            reasons: BTreeMap::new(),
        }
    }

    fn missing(&mut self, names: &[&'static str], reason: &'static str) {
        self.reasons.extend(names.iter().map(|name| (*name, reason)));
    }

    fn area(&mut self, sample: &Sample) {
        match area(sample) {
            Err(reason) => self.missing(&["auc", "auc_se", "auc_low", "auc_high"], reason),
            Ok(area) => {
                self.auc = Some(area.auc);
                match area.interval(sample) {
                    None => self.missing(&["auc_se", "auc_low", "auc_high"], ONE_ENTITY),
                    Some(interval) => {
                        self.auc_se = Some(interval.se);
                        self.auc_low = Some(interval.low);
                        self.auc_high = Some(interval.high);
                    }
                }
            }
        }
    }

    fn brier(&mut self, sample: &Sample, rate: f64) {
        let squares = squares(sample);
        let Some(brier) = mean(&squares) else { return };
        self.brier = Some(brier);
        self.brier_se = sample.mean_error(&squares, brier);
        if self.brier_se.is_none() {
            self.missing(&["brier_se"], ONE_ENTITY);
        }
        let spread = rate * (1.0 - rate);
        if spread > 0.0 {
            self.brier_skill = Some(1.0 - brier / spread);
        } else {
            self.missing(&["brier_skill"], ONE_CLASS);
        }
    }
}

/// Every figure that may be `None`.
const ALL: [&str; 14] = [
    "base_rate",
    "base_rate_low",
    "base_rate_high",
    "auc",
    "auc_se",
    "auc_low",
    "auc_high",
    "brier",
    "brier_se",
    "brier_skill",
    "log_loss",
    "ece",
    "ece_floor",
    "recalibration",
];

/// The area, if there are enough rows of both classes.
fn area(sample: &Sample) -> Result<Area, &'static str> {
    if sample.rows() == 0 {
        return Err(NO_ROWS);
    }
    let area = Area::of(sample).ok_or(ONE_CLASS)?;
    let enough = sample.events().min(sample.non_events()) >= CLASS_ROWS_MIN;
    if enough { Ok(area) } else { Err(FEW_EVENTS) }
}

/// The squared distances of probability and outcome.
fn squares(sample: &Sample) -> Vec<f64> {
    sample.iter().map(|(probability, event)| (probability - f64::from(u8::from(event))).powi(2)).collect()
}

/// The probability with the ends cut off, for a logarithm.
pub(crate) fn clipped(probability: f64) -> f64 {
    probability.clamp(PROBABILITY_MIN, 1.0 - PROBABILITY_MIN)
}

/// The mean negative log likelihood of clipped probabilities. NaN without rows.
pub(crate) fn log_loss(sample: &Sample) -> f64 {
    let of = |(probability, event): (f64, bool)| {
        let probability = clipped(probability);
        if event { -probability.ln() } else { -(-probability).ln_1p() }
    };
    sample.iter().map(of).sum::<f64>() / float(sample.rows())
}

fn recalibration(sample: &Sample) -> Result<Recalibration, &'static str> {
    if sample.events() == 0 || sample.non_events() == 0 {
        return Err(ONE_CLASS);
    }
    let logits: Vec<f64> = sample.probability.iter().map(|each| logit(clipped(*each))).collect();
    if logits.iter().all(|each| Some(each) == logits.first()) {
        return Err(CONSTANT);
    }
    let row = |(logit, event): (&f64, &bool)| LogisticRow {
        features: vec![(0, *logit)],
        rows: 1.0,
        events: f64::from(u8::from(*event)),
    };
    let rows: Vec<LogisticRow> = logits.iter().zip(&sample.event).map(row).collect();
    let line = fit(&rows, &[SlopeRule::FREE]).ok_or(SEPARATED)?;
    let slope = line.slopes.first().copied().ok_or(SEPARATED)?;
    Ok(Recalibration { slope, intercept: line.intercept })
}

impl PairedFigures {
    /// Compares score and baseline on the rows that have both. `None` if no row has.
    pub fn of(rows: &[ScoredRow]) -> Option<Self> {
        let both: Vec<&ScoredRow> = rows.iter().filter(|row| row.baseline.is_some()).collect();
        if both.is_empty() {
            return None;
        }
        let score = Sample::of(both.iter().copied(), |row| row.score / 100.0);
        let baseline = score.with(both.iter().map(|row| row.baseline.unwrap_or_default() / 100.0).collect());
        let shifts: Vec<f64> = both.iter().map(|row| row.score - row.baseline.unwrap_or_default()).collect();
        let distances: Vec<f64> = shifts.iter().map(|shift| shift.abs()).collect();
        let mut reasons = BTreeMap::new();
        let (mut difference, mut se, mut p) = (None, None, None);
        match (area(&score), area(&baseline)) {
            (Ok(a), Ok(b)) => {
                difference = Some(a.auc - b.auc);
                se = a.difference_error(&b, &score);
                p = se.map(|se| certainty(a.auc - b.auc, se));
                if se.is_none() {
                    reasons.extend([("se", ONE_ENTITY), ("p", ONE_ENTITY)]);
                }
            }
            (Err(reason), _) | (_, Err(reason)) => {
                reasons.extend(["auc_difference", "se", "p"].map(|name| (name, reason)));
            }
        }
        let (a, b) = (&score.probability, &baseline.probability);
        let spearman = pearson(&midranks(a), &midranks(b));
        if spearman.is_none() {
            reasons.extend([("spearman", CONSTANT), ("kendall_tau_b", CONSTANT)]);
        }
        Some(Self {
            n: both.len(),
            auc_difference: difference,
            se,
            p,
            brier_difference: mean(&squares(&score)).zip(mean(&squares(&baseline))).map(|(a, b)| a - b),
            spearman,
            kendall_tau_b: tau_b(a, b),
            mean_shift: mean(&shifts),
            mean_abs_shift: mean(&distances),
            ks: kolmogorov_smirnov(a, b),
            reasons,
        })
    }
}

/// The two-sided p of a difference. Without any error, every difference is certain.
fn certainty(difference: f64, se: f64) -> f64 {
    if se > 0.0 {
        two_sided_p(difference / se)
    } else if difference == 0.0 {
        1.0
    } else {
        0.0
    }
}
