//! The reliability table: rows in up to ten bins of equal size, each with the mean probability and the observed rate.

use serde::Serialize;

use crate::limits::BINS;
use crate::math::{float, wilson};
use crate::rows::Sample;

/// The rows of one bin, from the lowest probabilities on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReliabilityBin {
    /// The rows.
    pub n: usize,
    /// Their mean probability.
    pub mean: f64,
    /// The share with the event.
    pub rate: f64,
    /// The lower end of the rate's interval of 95 % (Wilson).
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The expected calibration error, and what it would be by chance alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct CalibrationError {
    pub(crate) ece: f64,
    pub(crate) floor: f64,
}

/// Bins the rows by the percentiles of their probabilities. Equal probabilities stay together, and a bin without rows is
/// no bin.
pub(crate) fn bins(sample: &Sample) -> (Vec<ReliabilityBin>, CalibrationError) {
    let edges = edges(&sample.probability);
    let mut groups = vec![BinSums::default(); usize::from(BINS)];
    for (probability, event) in sample.iter() {
        let number = edges.iter().filter(|edge| **edge < probability).count();
        if let Some(group) = groups.get_mut(number) {
            group.add(probability, event);
        }
    }
    let rows = float(sample.rows());
    let mut error = CalibrationError { ece: 0.0, floor: 0.0 };
    let mut bins = Vec::new();
    for group in groups.iter().filter(|group| group.rows > 0) {
        let n = float(group.rows);
        let (mean, rate) = (group.sum / n, float(group.events) / n);
        error.ece += n / rows * (mean - rate).abs();
        error.floor += n / rows * (std::f64::consts::FRAC_2_PI * (group.spread / n) / n).sqrt();
        let (low, high) = wilson(group.events, group.rows).unwrap_or((0.0, 1.0));
        bins.push(ReliabilityBin { n: group.rows, mean, rate, low, high });
    }
    (bins, error)
}

#[derive(Debug, Clone, Copy, Default)]
struct BinSums {
    rows: usize,
    events: usize,
    sum: f64,
    /// The sum of `p(1-p)`.
    spread: f64,
}

impl BinSums {
    fn add(&mut self, probability: f64, event: bool) {
        self.rows += 1;
        self.events += usize::from(event);
        self.sum += probability;
        self.spread += probability * (1.0 - probability);
    }
}

/// The percentiles at 10, 20, ... 90 %, interpolated linearly, as numpy does.
fn edges(values: &[f64]) -> Vec<f64> {
    let sorted = sorted(values);
    (1..BINS).filter_map(|tenth| percentile(&sorted, f64::from(tenth * 10) / 100.0)).collect()
}

/// The values in ascending order.
pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The value below which this share of the sorted values is, interpolated linearly, to the last bit as numpy does.
pub(crate) fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let position = float(last) * share;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a position between zero and the number of rows"
    )]
    let below = position.floor() as usize;
    let fraction = position - float(below);
    let a = *sorted.get(below.min(last))?;
    let b = *sorted.get((below + 1).min(last))?;
    let between = b - a;
    Some(if fraction >= 0.5 { b - between * (1.0 - fraction) } else { a + between * fraction })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_score_has_one_bin_and_its_error() {
        let sample = Sample { probability: vec![0.9; 200], event: vec![false; 200], ..Sample::default() };
        let (bins, error) = bins(&sample);
        assert_eq!(bins.len(), 1);
        assert!((error.ece - 0.9).abs() < 1e-12, "{error:?}");
    }
}
