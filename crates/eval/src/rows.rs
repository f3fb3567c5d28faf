//! Scores with their outcomes: what every figure is computed from.

use std::collections::BTreeMap;

use crate::math::float;

/// One score, and whether the event happened.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoredRow {
    /// The risk score, 0 to 100.
    pub score: f64,
    /// The scorecard's score of the same alert, if it is judged beside the score.
    pub baseline: Option<f64>,
    /// Whether the event happened.
    pub event: bool,
    /// Whom the row is about. Rows of one entity are not independent. A row without one is about nobody else.
    pub entity: Option<String>,
}

/// Probabilities with outcomes and the entities behind them, as columns of equal length.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sample {
    pub(crate) probability: Vec<f64>,
    pub(crate) event: Vec<bool>,
    /// The entity of each row, numbered in the order of their first rows.
    pub(crate) entity: Vec<usize>,
    pub(crate) entities: usize,
}

impl Sample {
    /// Takes a probability of each row.
    pub(crate) fn of<'a>(
        rows: impl IntoIterator<Item = &'a ScoredRow>,
        probability: impl Fn(&ScoredRow) -> f64,
    ) -> Self {
        let mut sample = Self::default();
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for row in rows {
            let next = sample.entities;
            let number = row.entity.as_deref().map_or(next, |id| *numbers.entry(id).or_insert(next));
            sample.entities += usize::from(number == next);
            sample.probability.push(probability(row));
            sample.event.push(row.event);
            sample.entity.push(number);
        }
        sample
    }

    /// The same rows with other probabilities.
    pub(crate) fn with(&self, probability: Vec<f64>) -> Self {
        Self { probability, ..self.clone() }
    }

    pub(crate) fn rows(&self) -> usize {
        self.event.len()
    }

    pub(crate) fn events(&self) -> usize {
        self.event.iter().filter(|event| **event).count()
    }

    pub(crate) fn non_events(&self) -> usize {
        self.rows() - self.events()
    }

    /// Each row's probability and outcome.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (f64, bool)> {
        self.probability.iter().copied().zip(self.event.iter().copied())
    }

    /// The sum of a column for each entity, and whether the entity has a row with this outcome. Only rows with this
    /// outcome count, if one is named.
    pub(crate) fn entity_sums(&self, column: &[f64], of: Option<bool>) -> EntitySums {
        let mut sums = vec![0.0; self.entities];
        let mut seen = vec![false; self.entities];
        for ((value, event), entity) in column.iter().zip(&self.event).zip(&self.entity) {
            if of.is_none_or(|of| of == *event)
                && let (Some(sum), Some(seen)) = (sums.get_mut(*entity), seen.get_mut(*entity))
            {
                *sum += value;
                *seen = true;
            }
        }
        let entities = seen.iter().filter(|seen| **seen).count();
        EntitySums { sums, entities }
    }

    /// The standard error of a column's mean, with rows of one entity taken as one observation. `None` if all rows are
    /// about one entity.
    pub(crate) fn mean_error(&self, column: &[f64], mean: f64) -> Option<f64> {
        let centred: Vec<f64> = column.iter().map(|value| value - mean).collect();
        let EntitySums { sums, entities } = self.entity_sums(&centred, None);
        let correction = float(entities) / float(entities.checked_sub(1).filter(|rest| *rest > 0)?);
        let squares: f64 = sums.iter().map(|sum| sum * sum).sum();
        Some((correction * squares).sqrt() / float(self.rows()))
    }
}

/// A column, added up for each entity.
pub(crate) struct EntitySums {
    pub(crate) sums: Vec<f64>,
    /// How many entities have a row that counts.
    pub(crate) entities: usize,
}
