//! Divides one fact into steps of rising rate: first at quantiles, then by pooling adjacent violators, then by merging
//! the neighbours that lose least likelihood.
//!
//! Thresholds are on the fact's own step, so that alerts that are the same get the same points.

use portend_core::alert_type::{FactRange, Worse};

use crate::bins::{percentile, sorted};
use crate::limits::{POINT_ROW_SHARE_MIN, POINT_ROWS_MAX, PREBINS};
use crate::math::float;

/// The thresholds of a numeric fact, from the best to the worst.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Steps {
    pub(crate) worse: Worse,
    /// A value passes a threshold by being this or more, or by being less, as it is worse.
    pub(crate) thresholds: Vec<f64>,
}

/// Rows between two thresholds.
#[derive(Debug, Clone, Copy)]
struct StepBin {
    /// The threshold that the rows pass. `None` for the best rows.
    threshold: Option<f64>,
    rows: f64,
    events: f64,
}

impl Steps {
    /// How many thresholds a value passes.
    pub(crate) fn passed(&self, value: f64) -> usize {
        self.thresholds.iter().filter(|threshold| passes(self.worse, value, **threshold)).count()
    }

    /// Finds the steps of a fact in values with outcomes.
    pub(crate) fn find(range: &FactRange, values: &[f64], events: &[bool]) -> Self {
        let candidates = candidates(range, values, events);
        let mut bins = count(range.worse, &candidates, values, events);
        pool(&mut bins);
        let least = float(values.len()) * POINT_ROW_SHARE_MIN;
        while bins.len() > 1 {
            let small = bins.iter().position(|bin| bin.rows < least);
            if small.is_none() && bins.len() <= POINT_ROWS_MAX + 1 {
                break;
            }
            // The pair of neighbours that loses least, among those with the small one if there is one.
            let pairs = bins.windows(2).enumerate().filter_map(|(at, pair)| {
                let [a, b] = pair else { return None };
                let is_near = small.is_none_or(|small| at == small || at + 1 == small);
                is_near.then(|| (at, lost(a, b)))
            });
            let Some((at, _)) = pairs.min_by(|a, b| a.1.total_cmp(&b.1)) else { break };
            merge(&mut bins, at);
        }
        Self { worse: range.worse, thresholds: bins.iter().filter_map(|bin| bin.threshold).collect() }
    }
}

fn passes(worse: Worse, value: f64, threshold: f64) -> bool {
    match worse {
        Worse::Higher => value >= threshold,
        Worse::Lower => value < threshold,
    }
}

/// Possible thresholds, from the best to the worst.
fn candidates(range: &FactRange, values: &[f64], events: &[bool]) -> Vec<f64> {
    let of_events: Vec<f64> =
        values.iter().zip(events).filter(|(_, event)| **event).map(|(value, _)| *value).collect();
    let mut found: Vec<f64> = Vec::new();
    for values in [values, of_events.as_slice()] {
        let values = sorted(values);
        let mut distinct = values.clone();
        distinct.dedup();
        if distinct.len() <= usize::from(2 * PREBINS) {
            found.extend(distinct.iter().map(|value| on_step(range, *value)));
        } else {
            let quantiles = (0..=PREBINS)
                .filter_map(|number| percentile(&values, f64::from(number) / f64::from(PREBINS)));
            found.extend(quantiles.map(|value| on_step(range, value)));
        }
    }
    found.retain(|threshold| (range.min.get()..=range.max.get()).contains(threshold));
    found.sort_by(f64::total_cmp);
    found.dedup();
    if range.worse == Worse::Lower {
        found.reverse();
    }
    found
}

/// The threshold on the fact's step that divides a value from the better ones.
fn on_step(range: &FactRange, value: f64) -> f64 {
    let step = range.step.get();
    let number = (value / step + 1e-9).floor();
    // A lower value is worse below the next step.
    let number = if range.worse == Worse::Lower { number + 1.0 } else { number };
    // As it is written: a product such as 3 * 0.1 has digits that nobody wrote.
    let text = step.to_string();
    let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    format!("{:.digits$}", number * step).parse().unwrap_or(number * step)
}

/// Counts the rows of each bin. A bin without rows is removed.
fn count(worse: Worse, thresholds: &[f64], values: &[f64], events: &[bool]) -> Vec<StepBin> {
    let empty = |threshold| StepBin { threshold, rows: 0.0, events: 0.0 };
    let mut bins: Vec<StepBin> =
        std::iter::once(None).chain(thresholds.iter().copied().map(Some)).map(empty).collect();
    for (value, event) in values.iter().zip(events) {
        let number = thresholds.partition_point(|threshold| passes(worse, *value, *threshold));
        if let Some(bin) = bins.get_mut(number) {
            bin.rows += 1.0;
            bin.events += f64::from(u8::from(*event));
        }
    }
    bins.retain(|bin| bin.rows > 0.0);
    // What is true of every row divides nothing.
    if let Some(first) = bins.first_mut() {
        first.threshold = None;
    }
    bins
}

/// Pools adjacent violators: afterwards, the rate rises from bin to bin.
fn pool(bins: &mut Vec<StepBin>) {
    let mut pooled: Vec<StepBin> = Vec::with_capacity(bins.len());
    for bin in bins.iter().copied() {
        pooled.push(bin);
        while let [.., before, last] = pooled.as_slice()
            && before.events * last.rows >= last.events * before.rows
        {
            let at = pooled.len() - 2;
            merge(&mut pooled, at);
        }
    }
    *bins = pooled;
}

/// Merges a bin with the next one.
fn merge(bins: &mut Vec<StepBin>, at: usize) {
    if at + 1 < bins.len() {
        let next = bins.remove(at + 1);
        if let Some(bin) = bins.get_mut(at) {
            bin.rows += next.rows;
            bin.events += next.events;
        }
    }
}

/// The log likelihood that is lost by merging two bins.
fn lost(a: &StepBin, b: &StepBin) -> f64 {
    let both = likelihood(a.rows + b.rows, a.events + b.events);
    likelihood(a.rows, a.events) + likelihood(b.rows, b.events) - both
}

fn likelihood(rows: f64, events: f64) -> f64 {
    let part = |count: f64| if count > 0.0 { count * (count / rows).ln() } else { 0.0 };
    part(events) + part(rows - events)
}

#[cfg(test)]
mod tests {
    use portend_core::number::Number;

    use super::*;

    fn range(worse: Worse, step: f64) -> FactRange {
        let number = |value| Number::new(value).unwrap();
        FactRange {
            min: number(0.0),
            max: number(1000.0),
            unit: "units".into(),
            step: number(step),
            worse,
            healthy: None,
        }
    }

    #[test]
    fn the_steps_are_where_the_rate_changes_and_on_the_step_of_the_fact() {
        for (worse, step, expected) in [
            (Worse::Higher, 1.0, vec![10.0, 30.0]),
            (Worse::Higher, 5.0, vec![10.0, 30.0]),
            (Worse::Lower, 1.0, vec![30.0, 10.0]),
            (Worse::Lower, 0.1, vec![29.1, 9.1]),
        ] {
            let values: Vec<f64> = (0..4000_u32).map(|i| f64::from(i % 40)).collect();
            let events: Vec<bool> = (0..4000_u32)
                .map(|i| {
                    let level = u32::from(i % 40 >= 10) + u32::from(i % 40 >= 30);
                    let level = if worse == Worse::Higher { level } else { 2 - level };
                    (i / 40) % 10 < 1 + 3 * level
                })
                .collect();
            let steps = Steps::find(&range(worse, step), &values, &events);
            assert_eq!(steps.thresholds, expected, "{worse:?} by {step}");
        }
    }

    #[test]
    fn a_fact_that_says_nothing_or_the_opposite_has_no_step() {
        let values: Vec<f64> = (0..400_u32).map(|i| f64::from(i % 20)).collect();
        let falling: Vec<bool> = (0..400_u32).map(|i| i % 20 < 5).collect();
        assert_eq!(Steps::find(&range(Worse::Higher, 1.0), &values, &falling).thresholds, Vec::<f64>::new());
        assert_eq!(
            Steps::find(&range(Worse::Higher, 1.0), &[3.0; 400], &falling).thresholds,
            Vec::<f64>::new()
        );
    }
}
