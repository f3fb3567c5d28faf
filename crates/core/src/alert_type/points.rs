//! The points that a type's facts add to its scorecard.
//!
//! Never: subtracts points. A fact that looks good adds none.

use serde::Serialize;

use super::FactValue;
use crate::number::Number;

/// The points that a type's facts add to its scorecard.
#[derive(Debug, Clone, Serialize)]
pub struct PointsTable {
    /// The score when no fact adds points.
    pub base: u8,
    /// The points of each fact, in the file's order.
    pub points: Vec<FactPoints>,
    /// Advice for an alert in which fewer than two facts add points.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<String>,
}

/// The points of one fact.
#[derive(Debug, Clone, Serialize)]
pub struct FactPoints {
    /// The fact's id.
    pub fact: String,
    /// The rows. Of those that apply, the one with the most points counts.
    pub add: Vec<PointsRow>,
    /// The points when an optional fact is not known.
    #[serde(skip_serializing_if = "is_zero")]
    pub unknown: u8,
    /// The recommendation when the fact adds points, unless the row that counts has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// One row: a condition, and the points that it adds.
#[derive(Debug, Clone, Serialize)]
pub struct PointsRow {
    /// When the row applies.
    #[serde(flatten)]
    pub when: PointsCondition,
    /// The points that the row adds, 0 to 100.
    pub points: u8,
    /// The recommendation when this row counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// The condition of a row of points.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PointsCondition {
    /// The value is this or more.
    From(Number),
    /// The value is less than this.
    Below(Number),
    /// The value is this one.
    Value(FactValue),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's own form")]
fn is_zero(points: &u8) -> bool {
    *points == 0
}

impl PointsTable {
    /// The points that this value of the fact adds. `None` for the value: the fact is not known. `None` if the fact is
    /// not in the table.
    pub fn points_of(&self, fact: &str, value: Option<&FactValue>) -> Option<u8> {
        Some(self.points.iter().find(|each| each.fact == fact)?.points_of(value))
    }
}

impl FactPoints {
    /// The points that this value adds. `None`: the fact is not known.
    pub fn points_of(&self, value: Option<&FactValue>) -> u8 {
        match value {
            Some(value) => self.row_of(value).map_or(0, |row| row.points),
            None => self.unknown,
        }
    }

    /// The recommendation for this value: that of the row that counts, otherwise the fact's, otherwise that of the row
    /// with the fewest points.
    pub fn advice_of(&self, value: Option<&FactValue>) -> Option<&str> {
        let of_row = value.and_then(|value| self.row_of(value)?.advice.as_deref());
        let mildest = || self.add.iter().filter(|row| row.advice.is_some()).min_by_key(|row| row.points);
        of_row.or(self.advice.as_deref()).or_else(|| mildest()?.advice.as_deref())
    }

    /// Every line that [`advice_of`](Self::advice_of) can return.
    pub(super) fn advice_lines(&self) -> impl Iterator<Item = &str> {
        self.advice
            .iter()
            .chain(self.add.iter().filter_map(|row| row.advice.as_ref()))
            .map(|line| line.trim())
    }

    /// The row that counts: of those that apply, the first of those with the most points.
    fn row_of(&self, value: &FactValue) -> Option<&PointsRow> {
        let applying = self.add.iter().filter(|row| row.when.holds(value));
        applying.reduce(|most, row| if row.points > most.points { row } else { most })
    }
}

impl PointsCondition {
    /// Whether the condition holds for this value.
    pub fn holds(&self, value: &FactValue) -> bool {
        match (self, value) {
            (Self::From(from), FactValue::Number(number)) => number >= from,
            (Self::Below(below), FactValue::Number(number)) => number < below,
            (Self::From(_) | Self::Below(_), FactValue::Flag(_) | FactValue::Word(_)) => false,
            (Self::Value(expected), value) => expected == value,
        }
    }
}
