//! The report of one group of insights: their states, their figures, and the same after calibration and of the baseline.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::figures::{Figures, PairedFigures};
use crate::join::{Cutoff, InsightClaim, OutcomeIndex, OutcomeState, RowChoice, StateCounts, judged, scored};
use crate::math::{float, wilson};
use crate::rows::ScoredRow;

/// What one group of insights was worth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupReport {
    /// The insights in each state. They add up to the insights.
    #[serde(flatten)]
    pub states: StateCounts,
    /// The figures of the scores.
    #[serde(flatten)]
    pub figures: Figures,
    /// The figures after the map, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<Figures>,
    /// The figures of the scorecard's scores of the same alerts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Figures>,
    /// Score and baseline on the same rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paired: Option<PairedFigures>,
    /// The rows apart by whether somebody acted, if anybody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acts: Option<ActFigures>,
    /// The rows apart by whether somebody was notified, if entities are held out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holdout: Option<HoldoutFigures>,
    /// The rows in each ten of the score, by outcome.
    pub tens: Vec<ScoreTen>,
    /// The rate of each month, where the rows have a time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub months: Vec<MonthRate>,
}

/// The rows in one ten of the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ScoreTen {
    /// The lowest score of the ten.
    pub from: u8,
    /// Its rows with the event.
    pub events: usize,
    /// Its rows without.
    pub others: usize,
}

/// The rows of one month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonthRate {
    /// The month of the alerts, such as `2025-01`.
    pub month: String,
    /// The rows.
    pub n: usize,
    /// The share with the event.
    pub rate: f64,
    /// The lower end of its interval of 95 % (Wilson).
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The rows by whether somebody acted within the horizon. The difference is not the effect of acting: people act on those
/// about whom they worry.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActFigures {
    /// Nobody acted.
    pub not_acted: Figures,
    /// Somebody acted.
    pub acted: Figures,
}

/// The rows by whether their entities are held out. They differ by chance alone, so that the difference of the two rates is
/// what notifying people changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HoldoutFigures {
    /// People were notified.
    pub notified: Figures,
    /// Nobody was notified.
    pub held_out: Figures,
}

fn tens(rows: &[ScoredRow]) -> Vec<ScoreTen> {
    let mut tens: Vec<ScoreTen> =
        (0..10).map(|ten| ScoreTen { from: 10 * ten, events: 0, others: 0 }).collect();
    for row in rows {
        let number = tens.iter().rposition(|ten| f64::from(ten.from) <= row.score).unwrap_or(0);
        if let Some(ten) = tens.get_mut(number) {
            let count = if row.event { &mut ten.events } else { &mut ten.others };
            *count += 1;
        }
    }
    tens
}

fn months(judged: &[(&InsightClaim, bool)]) -> Vec<MonthRate> {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (claim, event) in judged {
        let day = claim.t0.day();
        let month = day.rsplit_once('-').map_or(day.as_str(), |(month, _)| month).to_owned();
        let count = counts.entry(month).or_default();
        *count = (count.0 + 1, count.1 + usize::from(*event));
    }
    let rate = |(month, (n, events)): (String, (usize, usize))| {
        let (low, high) = wilson(events, n)?;
        Some(MonthRate { month, n, rate: float(events) / float(n), low, high })
    };
    counts.into_iter().filter_map(rate).collect()
}

impl GroupReport {
    /// Judges rows as they are.
    pub fn of_rows(rows: &[ScoredRow], map: Option<&dyn Fn(f64) -> f64>) -> Self {
        let yes = rows.iter().filter(|row| row.event).count();
        let states = StateCounts { yes, no: rows.len() - yes, ..StateCounts::default() };
        Self::with_states(states, rows, map)
    }

    /// Joins the insights of one group with the outcomes, and judges them.
    pub fn of_claims<'c>(
        claims: impl IntoIterator<Item = &'c InsightClaim>,
        outcomes: &OutcomeIndex,
        cutoff: Cutoff,
        choice: RowChoice,
        map: Option<&dyn Fn(f64) -> f64>,
    ) -> Self {
        let mut states = StateCounts::default();
        let joined: Vec<(&InsightClaim, OutcomeState)> = claims
            .into_iter()
            .map(|claim| {
                let state = outcomes.state(claim, cutoff);
                states.add(state);
                (claim, state)
            })
            .collect();
        let judged = judged(joined, choice);
        let rows: Vec<ScoredRow> = judged.iter().map(|(claim, event)| scored(claim, *event)).collect();
        let mut report = Self::with_states(states, &rows, map);
        report.months = months(&judged);
        let figures = |chosen: &dyn Fn(&InsightClaim) -> bool| {
            let rows = judged.iter().filter(|(claim, _)| chosen(claim));
            Figures::of_scores(&rows.map(|(claim, event)| scored(claim, *event)).collect::<Vec<_>>())
        };
        if outcomes.has_acts() {
            report.acts = Some(ActFigures {
                not_acted: figures(&|claim| !outcomes.acted(claim)),
                acted: figures(&|claim| outcomes.acted(claim)),
            });
        }
        if judged.iter().any(|(claim, _)| claim.is_held_out) {
            report.holdout = Some(HoldoutFigures {
                notified: figures(&|claim| !claim.is_held_out),
                held_out: figures(&|claim| claim.is_held_out),
            });
        }
        report
    }

    fn with_states(states: StateCounts, rows: &[ScoredRow], map: Option<&dyn Fn(f64) -> f64>) -> Self {
        let has_baseline = rows.iter().any(|row| row.baseline.is_some());
        Self {
            states,
            figures: Figures::of_scores(rows),
            calibrated: map.map(|map| Figures::of_mapped(rows, map)),
            baseline: has_baseline.then(|| Figures::of_baseline(rows)),
            paired: PairedFigures::of(rows),
            acts: None,
            holdout: None,
            tens: tens(rows),
            months: Vec::new(),
        }
    }

    /// One figure by its name on the wire, if it can be said.
    pub fn figure(&self, name: &str) -> Option<f64> {
        match name {
            "auc" => self.figures.auc,
            "brier_skill" => self.figures.brier_skill,
            _ => None,
        }
    }
}
