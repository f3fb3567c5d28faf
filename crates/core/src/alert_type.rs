//! Defines one kind of alert: its facts, its question, its scale and the points of its scorecard.
//!
//! An [`AlertType`] is read from an `alert.toml` without lint findings. Otherwise, each [`LintFinding`] names a line and
//! says how to fix it.
//!
//! Never: names an alert type. Alert types are data.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::number::Number;

mod wire;
mod lint;
mod folder;
mod built_in;

pub use folder::FolderError;

/// Digits of a version: enough to distinguish a changed type from the one before.
const FACTS_VERSION_DIGITS: usize = 8;

/// The known alert types, by id, in alphabetical order.
#[derive(Debug, Clone)]
pub struct AlertTypes(IndexMap<String, AlertType>);

/// One kind of alert, as defined in its `alert.toml`.
#[derive(Debug, Clone, Serialize)]
pub struct AlertType {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) entity: String,
    pub(crate) entity_id: EntityIdForm,
    pub(crate) predicts: String,
    pub(crate) question: String,
    pub(crate) horizon_days: u32,
    /// The duration as it is written in the file, such as `24h`.
    #[serde(rename = "repeat_window")]
    pub(crate) repeat_window_text: String,
    #[serde(skip)]
    pub(crate) repeat_window: Duration,
    pub(crate) scale: BTreeMap<u8, String>,
    #[serde(rename = "fact")]
    pub(crate) facts: Vec<Fact>,
    #[serde(rename = "scorecard")]
    pub(crate) points_table: PointsTable,
}

/// The form of an `entity_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityIdForm {
    /// Letters, digits and `._:-`, such as `stu_4532`.
    Token,
    /// Any printable name, such as `AP Calculus AB`.
    Name,
}

/// One fact that an alert of this type carries.
#[derive(Debug, Clone, Serialize)]
pub struct Fact {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) meaning: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phrase: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phrase_one: Option<String>,
    #[serde(flatten)]
    pub(crate) kind: FactKind,
}

/// The values that a fact can have.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FactKind {
    /// A whole number in a range.
    Integer(FactRange),
    /// A number in a range.
    Number(FactRange),
    /// One of a closed set of values.
    Enum {
        /// The values, in the file's order.
        values: Vec<EnumValue>,
        /// The value that needs no attention.
        #[serde(skip_serializing_if = "Option::is_none")]
        healthy: Option<String>,
    },
}

/// The range of a numeric fact.
#[derive(Debug, Clone, Serialize)]
pub struct FactRange {
    /// The lowest value, included.
    pub min: Number,
    /// The highest value, included.
    pub max: Number,
    /// The unit of the values, such as `calls`.
    pub unit: String,
    /// The width of a step, above 0. Values in the same step are the same in the identity of an alert.
    pub step: Number,
    /// The direction in which the fact looks worse.
    pub worse: Worse,
    /// A value that needs no attention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy: Option<Number>,
}

/// The direction in which a number looks worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Worse {
    /// Higher values are worse.
    Higher,
    /// Lower values are worse.
    Lower,
}

/// One value of a closed set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnumValue {
    /// The value on the wire.
    pub id: String,
    /// What it means, in a sentence.
    pub meaning: String,
}

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
    /// The recommendation when the fact adds points.
    pub advice: String,
}

/// One row: a condition, and the points that it adds.
#[derive(Debug, Clone, Serialize)]
pub struct PointsRow {
    /// When the row applies.
    #[serde(flatten)]
    pub when: PointsCondition,
    /// The points that the row adds, 0 to 100.
    pub points: u8,
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
    Value(String),
}

/// The value of one fact in an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FactValue {
    /// The value of an integer or a number.
    Number(Number),
    /// The value of an enum.
    Word(String),
}

/// A problem that the lint found in an `alert.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LintFinding {
    /// The file, as the caller names it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub fix: String,
}

impl fmt::Display for LintFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.file, self.line, self.message, self.fix)
    }
}

impl AlertTypes {
    /// The type with exactly this id. The lookup does not fold case or trim.
    pub fn get(&self, id: &str) -> Option<&AlertType> {
        self.0.get(id)
    }

    /// All types, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &AlertType> {
        self.0.values()
    }

    /// Makes the set from its types. Their ids must differ.
    pub(crate) fn from_list(list: impl IntoIterator<Item = AlertType>) -> Self {
        let mut types: IndexMap<_, _> = list.into_iter().map(|each| (each.id.clone(), each)).collect();
        types.sort_keys();
        Self(types)
    }
}

impl AlertType {
    /// The type's id: its folder, its value on the wire and its key in the store.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The type's name for people.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The `entity_type` that its alerts carry.
    pub fn entity(&self) -> &str {
        &self.entity
    }

    /// The form of its alerts' `entity_id`.
    pub fn entity_id(&self) -> EntityIdForm {
        self.entity_id
    }

    /// What the score measures, such as `churn`.
    pub fn predicts(&self) -> &str {
        &self.predicts
    }

    /// The question that the score answers.
    pub fn question(&self) -> &str {
        &self.question
    }

    /// The version of its facts, as 8 hexadecimal digits: of what an alert must say, and of what makes two alerts the
    /// same. It changes with a fact, a range, a step or a value, and with `repeat_window`; not with a text or a point.
    pub fn facts_version(&self) -> String {
        let facts: Vec<_> = self.facts.iter().map(|fact| (&fact.id, &fact.kind)).collect();
        let identity = (&self.entity, self.entity_id, &self.repeat_window_text, facts);
        // Every key is a text and every number finite, so it is JSON.
        let mut version = hex::encode(Sha256::digest(serde_json::to_vec(&identity).unwrap_or_default()));
        version.truncate(FACTS_VERSION_DIGITS);
        version
    }

    /// How far ahead the question looks, in days.
    pub fn horizon_days(&self) -> u32 {
        self.horizon_days
    }

    /// The length of the windows in which an alert with the same facts is a repeat. Zero: alerts are never repeats.
    pub fn repeat_window(&self) -> Duration {
        self.repeat_window
    }

    /// The repeat window as it is written in the file, such as `24h`.
    pub fn repeat_window_text(&self) -> &str {
        &self.repeat_window_text
    }

    /// The meanings of scores, by score: both ends of the scale, and scores between them.
    pub fn scale(&self) -> &BTreeMap<u8, String> {
        &self.scale
    }

    /// The facts, in the file's order.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// The fact with this id.
    pub fn fact(&self, id: &str) -> Option<&Fact> {
        self.facts.iter().find(|fact| fact.id == id)
    }

    /// The scorecard's points.
    pub fn points_table(&self) -> &PointsTable {
        &self.points_table
    }

    /// The meaning of a score: that of the nearest score on the scale at or below it.
    pub fn meaning_of(&self, score: Number) -> &str {
        let at_or_below = self.scale.iter().rev().find(|(point, _)| f64::from(**point) <= score.get());
        at_or_below.map_or("", |(_, meaning)| meaning)
    }
}

impl Fact {
    /// The fact's key in an alert's `details`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The fact's name for people, with its window.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The fact's definition, in a sentence.
    pub fn meaning(&self) -> &str {
        &self.meaning
    }

    /// The values that the fact can have.
    pub fn kind(&self) -> &FactKind {
        &self.kind
    }

    /// The range of a numeric fact.
    pub fn range(&self) -> Option<&FactRange> {
        match &self.kind {
            FactKind::Integer(range) | FactKind::Number(range) => Some(range),
            FactKind::Enum { .. } => None,
        }
    }

    /// Writes a value for use within a sentence: by the fact's phrase, or as `label: value` if it has none.
    pub fn describe(&self, value: &FactValue) -> String {
        let is_one = matches!(value, FactValue::Number(number) if number.as_whole() == Some(1));
        let phrase =
            if is_one { self.phrase_one.as_ref().or(self.phrase.as_ref()) } else { self.phrase.as_ref() };
        match phrase {
            Some(phrase) => phrase.replace("{value}", &value.to_words()),
            None => format!("{}: {}", self.label, value.to_words()),
        }
    }
}

impl FactValue {
    /// Writes the value for use within a sentence: `64.5`, `high demand`.
    pub fn to_words(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Word(word) => word.replace('_', " "),
        }
    }
}

impl PointsTable {
    /// The points that this value of the fact adds. `None` if the fact is not in the table.
    pub fn points_of(&self, fact: &str, value: &FactValue) -> Option<u8> {
        let table = self.points.iter().find(|each| each.fact == fact)?;
        Some(table.add.iter().filter(|row| row.when.holds(value)).map(|row| row.points).max().unwrap_or(0))
    }
}

impl PointsCondition {
    /// Whether the condition holds for this value.
    pub fn holds(&self, value: &FactValue) -> bool {
        match (self, value) {
            (Self::From(from), FactValue::Number(number)) => number >= from,
            (Self::Below(below), FactValue::Number(number)) => number < below,
            (Self::Value(expected), FactValue::Word(word)) => word == expected,
            (Self::From(_) | Self::Below(_), FactValue::Word(_)) | (Self::Value(_), FactValue::Number(_)) => {
                false
            }
        }
    }
}
