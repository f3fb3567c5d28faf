//! Fits a new table of points for an alert type, and says what it is worth on rows that it was not fitted to.
//!
//! The same rows give the same table and the same report, to the last digit.
//!
//! Never: judges a table on the rows that it was fitted to.

mod steps;
mod card;
mod rivals;

use std::time::Duration;

use portend_core::alert::Facts;
use portend_core::alert_type::{AlertType, PointsTable};
use portend_core::calibration::{CalibrationCurve, MapFigures};
use portend_core::time::Timestamp;
use serde::Serialize;

pub use card::{FittedCard, FittedFact};

use crate::auc::{Area, pearson};
use crate::calibration::{fit_curve, judge as judge_map};
use crate::figures::Figures;
use crate::limits::{CLASS_ROWS_MIN, FIT_CLASS_ROWS_MIN, HELD_OUT_SHARE, SAME_FACT_CORRELATION};
use crate::logistic::{LogisticRow, SlopeRule, fit as logistic};
use crate::math::{chi_square_tail, float, mean, midranks, sigmoid};
use crate::rows::Sample;
use card::FactRow;
use rivals::PlainLogistic;

/// An alert with its facts, and whether the event happened.
#[derive(Debug, Clone, PartialEq)]
pub struct FitRow {
    /// The time of the alert.
    pub t0: Timestamp,
    /// Whom it is about.
    pub entity_id: String,
    /// Its facts.
    pub facts: Facts,
    /// Whether the event happened within the horizon.
    pub event: bool,
}

/// A fitted table with its map and its report.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedType {
    /// The table, fitted to all rows.
    pub card: FittedCard,
    /// The map from its scores to probabilities, if it has one.
    pub curve: Option<(CalibrationCurve, MapFigures)>,
    /// What it is worth.
    pub report: FitReport,
}

/// What a fitted table is worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FitReport {
    /// The alert type.
    #[serde(rename = "type")]
    pub alert_type: String,
    /// The rows.
    pub n: usize,
    /// The entities that they are about.
    pub entities: usize,
    /// The rows with the event.
    pub events: usize,
    /// How the rows were divided.
    pub split: FitSplit,
    /// The new table on the held-out rows.
    pub new: JudgedCard,
    /// The table in use.
    pub in_use: JudgedCard,
    /// A plain logistic regression.
    pub logistic: Option<Figures>,
    /// The AUC of each fact alone, highest first.
    pub facts: Vec<FactAlone>,
    /// Facts that say the same.
    pub same: Vec<SameFacts>,
    /// The pair of facts whose joint effect the table misses most.
    pub pair: Option<FactPair>,
    /// Facts that the new table does not use.
    pub unused: Vec<String>,
}

/// How the rows were divided into those to fit and those to judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FitSplit {
    /// `time`: later rows are judged, after a gap of one horizon. `entity`: other entities are judged, because too few
    /// rows are late enough.
    pub by: &'static str,
    /// The rows to fit.
    pub fitted: usize,
    /// The rows to judge.
    pub judged: usize,
    /// Those of them with the event.
    pub judged_events: usize,
}

/// A table on the held-out rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JudgedCard {
    /// Of its scores.
    #[serde(flatten)]
    pub raw: Figures,
    /// After a map that was fitted to the other rows.
    pub calibrated: Option<Figures>,
}

/// The AUC of one fact alone.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FactAlone {
    /// The fact's id.
    pub fact: String,
    /// In its worse direction, on the held-out rows.
    pub auc: Option<f64>,
}

/// Two facts that say the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SameFacts {
    /// Their ids.
    pub facts: [String; 2],
    /// Spearman's rank correlation.
    pub spearman: f64,
}

/// A pair of facts whose joint effect the table does not have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FactPair {
    /// Their ids.
    pub facts: [String; 2],
    /// The score statistic of the product of their points.
    pub chi_square: f64,
    /// Its p, times the number of pairs.
    pub p: f64,
}

/// Why no table is fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoFit {
    /// There are fewer than 50 rows with the event, or fewer than 50 without it.
    #[error("{events} rows have the event and {others} do not; expected at least 50 of each")]
    FewEvents {
        /// The rows with it.
        events: usize,
        /// The rows without it.
        others: usize,
    },
    /// No fact goes with the event in its worse direction.
    #[error("no fact goes with the event in its worse direction")]
    NoSignal,
}

impl NoFit {
    /// A short stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::FewEvents { .. } => "few_events",
            Self::NoSignal => "no_signal",
        }
    }
}

impl PointsScore for PointsTable {
    fn score(&self, facts: &Facts) -> f64 {
        let points = facts.iter().filter_map(|(fact, value)| self.points_of(fact, value));
        f64::from(points.fold(u32::from(self.base), |sum, points| sum + u32::from(points)))
    }
}

impl PointsScore for FittedCard {
    fn score(&self, facts: &Facts) -> f64 {
        self.score(facts)
    }
}

/// A table that scores facts.
trait PointsScore {
    fn score(&self, facts: &Facts) -> f64;
}

/// Fits a table of points to rows, and judges it on rows that it was not fitted to.
pub fn fit_type(alert_type: &AlertType, rows: &[FitRow]) -> Result<FittedType, NoFit> {
    let mut rows: Vec<&FitRow> = rows.iter().collect();
    rows.sort_by(|a, b| (a.t0, &a.entity_id).cmp(&(b.t0, &b.entity_id)));
    let events = rows.iter().filter(|row| row.event).count();
    let others = rows.len() - events;
    if events.min(others) < FIT_CLASS_ROWS_MIN {
        return Err(NoFit::FewEvents { events, others });
    }
    let all = fact_rows(&rows);
    let card = FittedCard::fit(alert_type, &all).ok_or(NoFit::NoSignal)?;
    let (by, fitted, judged) = split(alert_type, &rows);
    let (learn, judge) = (fact_rows(&fitted), fact_rows(&judged));
    let on_judged = |table: &dyn PointsScore| judged_card(table, &learn, &judged);
    let first = FittedCard::fit(alert_type, &learn);
    let new = on_judged(first.as_ref().map_or(&card as &dyn PointsScore, |card| card));
    let plain = PlainLogistic::fit(alert_type, &learn);
    let entities: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.entity_id.as_str()).collect();
    let report = FitReport {
        alert_type: alert_type.id().to_owned(),
        n: rows.len(),
        entities: entities.len(),
        events,
        split: FitSplit {
            by,
            fitted: fitted.len(),
            judged: judged.len(),
            judged_events: judged.iter().filter(|row| row.event).count(),
        },
        new,
        in_use: on_judged(alert_type.points_table()),
        logistic: plain.map(|plain| Figures::of(&sample(&judged, |row| plain.probability(&row.facts)))),
        facts: facts_alone(alert_type, &learn, &judge, &judged),
        same: same_facts(alert_type, &all),
        pair: strongest_pair(&card, &all),
        unused: alert_type
            .facts()
            .iter()
            .filter(|fact| card.facts.iter().all(|used| used.fact != fact.id()))
            .map(|fact| fact.id().to_owned())
            .collect(),
    };
    // The map is published if one that was fitted to the other rows did well on the held-out ones.
    let curve = first.as_ref().and_then(|first| {
        let figures = judge_map(&scores(first, &learn), &scores(first, &judge)).ok()?;
        let allowed = figures.log_loss_raw.min(figures.log_loss_base_rate);
        let curve = fit_curve(&scores(&card, &all)).ok()?;
        (figures.log_loss <= allowed).then_some((curve, figures))
    });
    Ok(FittedType { card, curve, report })
}

fn fact_rows<'a>(rows: &[&'a FitRow]) -> Vec<FactRow<'a>> {
    rows.iter().map(|row| FactRow { facts: &row.facts, event: row.event }).collect()
}

fn scores(table: &dyn PointsScore, rows: &[FactRow<'_>]) -> Vec<(f64, bool)> {
    rows.iter().map(|row| (table.score(row.facts), row.event)).collect()
}

fn sample(rows: &[&FitRow], probability: impl Fn(&FitRow) -> f64) -> Sample {
    let mut sample = Sample::default();
    let mut numbers = std::collections::BTreeMap::new();
    for row in rows {
        let next = numbers.len();
        sample.entity.push(*numbers.entry(row.entity_id.as_str()).or_insert(next));
        sample.probability.push(probability(row));
        sample.event.push(row.event);
    }
    sample.entities = numbers.len();
    sample
}

/// Divides the rows by time, with a gap of one horizon; if too few are late enough, by entity.
fn split<'r>(
    alert_type: &AlertType,
    rows: &[&'r FitRow],
) -> (&'static str, Vec<&'r FitRow>, Vec<&'r FitRow>) {
    let horizon = Duration::from_hours(24 * u64::from(alert_type.horizon_days()));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count")]
    let learned = (float(rows.len()) * (1.0 - HELD_OUT_SHARE)) as usize;
    let (first, rest) = rows.split_at_checked(learned).unwrap_or((rows, &[]));
    let gap_end = first.last().map_or(Timestamp::EPOCH, |last| last.t0.plus(horizon));
    let later: Vec<&FitRow> = rest.iter().filter(|row| row.t0 >= gap_end).copied().collect();
    let is_enough = |rows: &[&FitRow]| {
        let events = rows.iter().filter(|row| row.event).count();
        events.min(rows.len() - events) >= CLASS_ROWS_MIN
    };
    if is_enough(&later) && is_enough(first) {
        return ("time", first.to_vec(), later);
    }
    let (held_out, fitted): (Vec<_>, Vec<_>) =
        rows.iter().copied().partition(|row| share_of(&row.entity_id) < HELD_OUT_SHARE);
    ("entity", fitted, held_out)
}

/// A share from 0 to 1 that depends on the entity alone: the FNV-1a hash, mixed.
fn share_of(entity_id: &str) -> f64 {
    let hash = entity_id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 31)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    f64::from(u32::try_from(mixed >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

fn judged_card(table: &dyn PointsScore, learn: &[FactRow<'_>], judged: &[&FitRow]) -> JudgedCard {
    let raw = Figures::of(&sample(judged, |row| table.score(&row.facts) / 100.0));
    let curve = fit_curve(&scores(table, learn)).ok();
    let calibrated =
        curve.map(|curve| Figures::of(&sample(judged, |row| curve.probability(table.score(&row.facts)))));
    JudgedCard { raw, calibrated }
}

fn facts_alone(
    alert_type: &AlertType,
    learn: &[FactRow<'_>],
    judge: &[FactRow<'_>],
    judged: &[&FitRow],
) -> Vec<FactAlone> {
    let empty = sample(judged, |_| 0.0);
    let enough = empty.events().min(empty.non_events()) >= CLASS_ROWS_MIN;
    let mut alone: Vec<FactAlone> = alert_type
        .facts()
        .iter()
        .map(|fact| {
            let values = rivals::alone(fact, learn, judge);
            let area = enough.then(|| Area::of(&empty.with(values))).flatten();
            FactAlone { fact: fact.id().to_owned(), auc: area.map(|area| area.auc) }
        })
        .collect();
    alone.sort_by(|a, b| b.auc.unwrap_or(0.0).total_cmp(&a.auc.unwrap_or(0.0)));
    alone
}

fn same_facts(alert_type: &AlertType, rows: &[FactRow<'_>]) -> Vec<SameFacts> {
    let ranks: Vec<(&str, Vec<f64>)> =
        alert_type.facts().iter().map(|fact| (fact.id(), midranks(&rivals::column(fact, rows)))).collect();
    let mut same = Vec::new();
    for (number, (a, of_a)) in ranks.iter().enumerate() {
        for (b, of_b) in ranks.iter().skip(number + 1) {
            if let Some(spearman) = pearson(of_a, of_b).filter(|rho| rho.abs() > SAME_FACT_CORRELATION) {
                same.push(SameFacts { facts: [(*a).to_owned(), (*b).to_owned()], spearman });
            }
        }
    }
    same
}

/// The pair of facts for which the product of their points would help the table most, by the score test.
fn strongest_pair(card: &FittedCard, rows: &[FactRow<'_>]) -> Option<FactPair> {
    let line: Vec<LogisticRow> = rows
        .iter()
        .map(|row| LogisticRow {
            features: vec![(0, card.score(row.facts))],
            rows: 1.0,
            events: f64::from(u8::from(row.event)),
        })
        .collect();
    let line = logistic(&line, &[SlopeRule::FREE])?;
    let slope = line.slopes.first().copied()?;
    let fitted: Vec<f64> =
        rows.iter().map(|row| sigmoid(line.intercept + slope * card.score(row.facts))).collect();
    let points: Vec<(&str, Vec<f64>)> = card
        .facts
        .iter()
        .map(|fact| {
            let alone = FittedCard { base: 0, facts: vec![fact.clone()] };
            let points: Vec<f64> = rows.iter().map(|row| alone.score(row.facts)).collect();
            let centre = mean(&points).unwrap_or_default();
            (fact.fact.as_str(), points.iter().map(|each| each - centre).collect())
        })
        .collect();
    let pairs = points.len() * points.len().saturating_sub(1) / 2;
    let mut best: Option<FactPair> = None;
    for (number, (a, of_a)) in points.iter().enumerate() {
        for (b, of_b) in points.iter().skip(number + 1) {
            let chi_square = score_statistic(of_a, of_b, rows, &fitted);
            if best.as_ref().is_none_or(|best| chi_square > best.chi_square) {
                let p = (chi_square_tail(chi_square, 1) * float(pairs)).min(1.0);
                best = Some(FactPair { facts: [(*a).to_owned(), (*b).to_owned()], chi_square, p });
            }
        }
    }
    best
}

/// The score statistic of the product of two columns, with the intercept taken out.
fn score_statistic(a: &[f64], b: &[f64], rows: &[FactRow<'_>], fitted: &[f64]) -> f64 {
    let product: Vec<f64> = a.iter().zip(b).map(|(x, y)| x * y).collect();
    let weight = |p: &f64| p * (1.0 - p);
    let total: f64 = fitted.iter().map(weight).sum();
    let centre: f64 = product.iter().zip(fitted).map(|(z, p)| z * weight(p)).sum::<f64>() / total.max(1e-12);
    let (mut score, mut spread) = (0.0, 0.0);
    for ((z, p), row) in product.iter().zip(fitted).zip(rows) {
        score += (z - centre) * (f64::from(u8::from(row.event)) - p);
        spread += (z - centre).powi(2) * weight(p);
    }
    if spread > 0.0 { score * score / spread } else { 0.0 }
}
