//! The area under the ROC curve, with `DeLong`'s standard error, or Obuchowski's (1997) where entities have
//! several rows.
//!
//! With one row for each entity, both are the same.

use crate::limits::Z_95;
use crate::math::{ascending, float, mean};
use crate::rows::Sample;

/// The area, with what its standard error is computed from.
#[derive(Debug, Clone)]
pub(crate) struct Area {
    pub(crate) auc: f64,
    /// For each row, the share of the other class that it is on the right side of, less the area.
    placements: Vec<f64>,
}

/// An estimate with its standard error and its interval of 95 %.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AreaInterval {
    pub(crate) se: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Area {
    /// The probability that a random row with the event has a higher value than one without it. `None` if there is one
    /// class only.
    pub(crate) fn of(sample: &Sample) -> Option<Self> {
        let (events, others) = (float(sample.events()), float(sample.non_events()));
        if events <= 0.0 || others <= 0.0 {
            return None;
        }
        let value = |row: &usize| sample.probability.get(*row).copied();
        let is_event = |row: &usize| sample.event.get(*row).copied().unwrap_or_default();
        let mut placements = vec![0.0; sample.rows()];
        let (mut events_below, mut others_below, mut pairs) = (0.0, 0.0, 0.0);
        for ties in ascending(&sample.probability).chunk_by(|a, b| value(a) == value(b)) {
            let tied_events = float(ties.iter().filter(|row| is_event(row)).count());
            let tied_others = float(ties.len()) - tied_events;
            for row in ties {
                let placement = if is_event(row) {
                    (others_below + tied_others / 2.0) / others
                } else {
                    (events - events_below - tied_events / 2.0) / events
                };
                if let Some(slot) = placements.get_mut(*row) {
                    *slot = placement;
                }
            }
            pairs += tied_events * (others_below + tied_others / 2.0);
            events_below += tied_events;
            others_below += tied_others;
        }
        let auc = pairs / (events * others);
        for placement in &mut placements {
            *placement -= auc;
        }
        Some(Self { auc, placements })
    }

    /// The standard error. `None` if one class has rows of one entity only.
    pub(crate) fn error(&self, sample: &Sample) -> Option<f64> {
        error(&self.placements, sample)
    }

    /// The standard error of the difference of two areas on the same rows.
    pub(crate) fn difference_error(&self, other: &Self, sample: &Sample) -> Option<f64> {
        let differences: Vec<f64> =
            self.placements.iter().zip(&other.placements).map(|(a, b)| a - b).collect();
        error(&differences, sample)
    }

    /// The interval of 95 %, within 0 and 1.
    pub(crate) fn interval(&self, sample: &Sample) -> Option<AreaInterval> {
        let se = self.error(sample)?;
        Some(AreaInterval { se, low: (self.auc - Z_95 * se).max(0.0), high: (self.auc + Z_95 * se).min(1.0) })
    }
}

/// Obuchowski's standard error from the centred placements.
fn error(placements: &[f64], sample: &Sample) -> Option<f64> {
    let (events, others) = (float(sample.events()), float(sample.non_events()));
    let of_events = sample.entity_sums(placements, Some(true));
    let of_others = sample.entity_sums(placements, Some(false));
    let corrected =
        |entities: usize| Some(float(entities) / float(entities.checked_sub(1).filter(|rest| *rest > 0)?));
    let squares = |sums: &[f64]| sums.iter().map(|sum| sum * sum).sum::<f64>();
    let products: f64 = of_events.sums.iter().zip(&of_others.sums).map(|(a, b)| a * b).sum();
    let variance = corrected(of_events.entities)? * squares(&of_events.sums) / (events * events)
        + corrected(of_others.entities)? * squares(&of_others.sums) / (others * others)
        + 2.0 * corrected(sample.entities)? * products / (events * others);
    Some(variance.max(0.0).sqrt())
}

/// The largest distance between the distributions of two columns: Kolmogorov's and Smirnov's statistic.
pub(crate) fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let mut all: Vec<(f64, f64)> = a.iter().map(|value| (*value, 1.0 / float(a.len()))).collect();
    all.extend(b.iter().map(|value| (*value, -1.0 / float(b.len()))));
    all.sort_by(|x, y| x.0.total_cmp(&y.0));
    let (mut distance, mut largest) = (0.0_f64, 0.0_f64);
    for ties in all.chunk_by(|x, y| x.0.total_cmp(&y.0).is_eq()) {
        distance += ties.iter().map(|(_, step)| step).sum::<f64>();
        largest = largest.max(distance.abs());
    }
    Some(largest)
}

/// Pearson's correlation. `None` if one of the columns is constant.
pub(crate) fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let (mean_a, mean_b) = (mean(a)?, mean(b)?);
    let (mut aa, mut bb, mut ab) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (x - mean_a, y - mean_b);
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    (aa > 0.0 && bb > 0.0).then(|| (ab / (aa.sqrt() * bb.sqrt())).clamp(-1.0, 1.0))
}
