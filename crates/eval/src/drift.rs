//! Whether alerts and scores have changed: the population stability index (PSI) of two samples, with a test.
//!
//! A fixed limit of the index alarms without any drift where the samples are small. So the index must also be larger than
//! chance allows: PSI * n * m / (n + m) is about chi-square with one degree of freedom less than there are bins. Several
//! facts are tested together by Holm's rule.
//!
//! Never: counts an entity twice, or says anything about fewer than 50 of them.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::limits::{DRIFT_ENTITIES_MIN, DRIFT_LEVEL, DRIFT_PSI_MIN};
use crate::math::{chi_square_tail, float};

/// The entities in each bin of one fact, or of the score, now and before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BinnedEntities {
    bins: BTreeMap<String, (usize, usize)>,
}

/// Which of the two samples an entity is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftSample {
    /// Now.
    Recent,
    /// Before.
    Reference,
}

/// The test of one fact, or of the score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftTest {
    /// The population stability index.
    pub psi: f64,
    /// It times `n * m / (n + m)`.
    pub statistic: f64,
    /// The bins with entities.
    pub bins: usize,
    /// The probability of such a statistic without drift.
    pub p: f64,
    /// Whether it has drifted.
    pub drift: bool,
    /// The entities in each bin.
    pub counts: Vec<DriftBin>,
}

/// The entities in one bin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DriftBin {
    /// The bin.
    pub bin: String,
    /// Now.
    pub recent: usize,
    /// Before.
    pub reference: usize,
}

impl DriftBin {
    /// The shares of the entities that are in it, of so many now and before.
    pub fn shares(&self, recent: usize, reference: usize) -> (f64, f64) {
        (float(self.recent) / float(recent.max(1)), float(self.reference) / float(reference.max(1)))
    }
}

impl BinnedEntities {
    /// Counts an entity.
    pub fn add(&mut self, bin: impl Into<String>, sample: DriftSample) {
        let count = self.bins.entry(bin.into()).or_default();
        match sample {
            DriftSample::Recent => count.0 += 1,
            DriftSample::Reference => count.1 += 1,
        }
    }

    fn test(&self) -> DriftTest {
        let (n, m) = self.bins.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
        // Half an entity in each bin keeps the logarithm finite.
        let half = 0.5 * float(self.bins.len());
        let share = |count: usize, all: usize| (float(count) + 0.5) / (float(all) + half);
        let part = |(recent, reference): &(usize, usize)| {
            let (a, b) = (share(*recent, n), share(*reference, m));
            (a - b) * (a / b).ln()
        };
        let psi: f64 = self.bins.values().map(part).sum();
        let statistic = psi * float(n) * float(m) / float((n + m).max(1));
        let degrees = self.bins.len().saturating_sub(1);
        let p = if degrees == 0 { 1.0 } else { chi_square_tail(statistic, degrees) };
        let counts = self.bins.iter().map(|(bin, (recent, reference))| DriftBin {
            bin: bin.clone(),
            recent: *recent,
            reference: *reference,
        });
        DriftTest { psi, statistic, bins: self.bins.len(), p, drift: false, counts: counts.collect() }
    }
}

/// Whether both samples are large enough to say anything.
pub fn is_enough(recent: usize, reference: usize) -> bool {
    recent.min(reference) >= DRIFT_ENTITIES_MIN
}

/// Tests several facts together: the smallest p is compared with a share of the level, and so on, by Holm's rule.
pub fn test_together(facts: &[(String, BinnedEntities)]) -> Vec<(String, DriftTest)> {
    let mut tests: Vec<(String, DriftTest)> =
        facts.iter().map(|(name, bins)| (name.clone(), bins.test())).collect();
    let mut order: Vec<usize> = (0..tests.len()).collect();
    order.sort_by(|a, b| {
        let p = |index: &usize| tests.get(*index).map_or(1.0, |(_, test)| test.p);
        p(a).total_cmp(&p(b))
    });
    for (rank, index) in order.into_iter().enumerate() {
        let left = facts.len() - rank;
        let Some((_, test)) = tests.get_mut(index) else { break };
        if test.p > DRIFT_LEVEL / float(left) {
            break;
        }
        test.drift = test.psi >= DRIFT_PSI_MIN;
    }
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, from a seed.
    struct Draws(u64);

    impl Draws {
        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            f64::from(u32::try_from(mixed >> 32).unwrap()) / f64::from(u32::MAX)
        }

        /// About normal: the sum of twelve.
        fn normal(&mut self) -> f64 {
            (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
        }
    }

    /// Whether a fact drifts that is in five bins, with this shift of its mean.
    fn drifts(seed: u64, size: u32, shift: f64) -> bool {
        let mut draws = Draws(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut bins = BinnedEntities::default();
        let bin =
            |value: f64| [-0.84, -0.25, 0.25, 0.84].iter().filter(|edge| value > **edge).count().to_string();
        for _ in 0..size {
            bins.add(bin(draws.normal() + shift), DriftSample::Recent);
            bins.add(bin(draws.normal()), DriftSample::Reference);
        }
        test_together(&[("fact".into(), bins)])[0].1.drift
    }

    #[test]
    fn without_drift_it_alarms_in_at_most_one_of_twenty_pairs() {
        for size in [50, 100, 1000] {
            let alarms = (1..=400).filter(|seed| drifts(*seed, size, 0.0)).count();
            assert!(alarms <= 20, "{alarms} of 400 pairs of {size}");
        }
    }

    #[test]
    fn half_a_standard_deviation_is_always_found_in_a_thousand() {
        assert!((1..=400).all(|seed| drifts(seed, 1000, 0.5)));
    }

    #[test]
    fn a_large_sample_with_a_small_change_has_not_drifted() {
        assert!(!drifts(1, 100_000, 0.1));
    }

    #[test]
    fn a_fact_that_is_always_the_same_has_not_drifted() {
        let mut bins = BinnedEntities::default();
        for _ in 0..100 {
            bins.add("only", DriftSample::Recent);
            bins.add("only", DriftSample::Reference);
        }
        let tests = test_together(&[("fact".into(), bins)]);
        assert_eq!((tests[0].1.psi, tests[0].1.p, tests[0].1.drift), (0.0, 1.0, false));
    }
}
