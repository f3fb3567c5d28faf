//! What there is to know about one kind of alert: its facts, its question, its scale and its scorecard's points.
//!
//! Takes: the text of an `alert.toml` (by [`AlertType::read`]), a folder of them, or the built-in ones.
//! Gives: an [`AlertType`] that the lint has passed, or every [`Finding`] with its line and how to fix it.
//! Never: names an alert type; they are data.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::number::Number;

mod built_in;
mod folder;
mod lint;
mod wire;

pub use folder::FolderError;

/// The alert types that a program knows, by id, in alphabetical order.
#[derive(Debug, Clone)]
pub struct AlertTypes(IndexMap<String, AlertType>);

/// One kind of alert, as its `alert.toml` says.
#[derive(Debug, Clone, Serialize)]
pub struct AlertType {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) entity: String,
    pub(crate) entity_id: EntityIdForm,
    pub(crate) predicts: String,
    pub(crate) question: String,
    pub(crate) horizon_days: u32,
    /// The file's own words, such as `24h`.
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

/// What an `entity_id` looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityIdForm {
    /// Letters, digits and `._:-`, as `stu_4532`.
    Token,
    /// Any printable name, as `AP Calculus AB`.
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

/// What values a fact takes.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum FactKind {
    /// A whole number in a range.
    Integer(Range),
    /// A number in a range.
    Number(Range),
    /// One of a closed set.
    Enum {
        /// The set, in the file's order.
        values: Vec<EnumValue>,
        /// The value that needs no attention.
        #[serde(skip_serializing_if = "Option::is_none")]
        healthy: Option<String>,
    },
}

/// The range of a numeric fact.
#[derive(Debug, Clone, Serialize)]
pub struct Range {
    /// The least value, included.
    pub min: Number,
    /// The greatest value, included.
    pub max: Number,
    /// What one of it is: `calls`.
    pub unit: String,
    /// Two values in the same step say the same (an alert's identity).
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
    /// More is worse.
    Higher,
    /// Less is worse.
    Lower,
}

/// One value of a closed set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnumValue {
    /// As it stands on the wire.
    pub id: String,
    /// What it means, in a sentence.
    pub meaning: String,
}

/// The points that a type's facts add to its scorecard.
#[derive(Debug, Clone, Serialize)]
pub struct PointsTable {
    /// The score when no fact adds anything.
    pub base: u8,
    /// By fact, in the file's order.
    pub points: Vec<FactPoints>,
    /// What to do when too few facts add points to give two lines of advice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub otherwise: Vec<String>,
}

/// The points of one fact.
#[derive(Debug, Clone, Serialize)]
pub struct FactPoints {
    /// The fact's id.
    pub fact: String,
    /// Of the rows that hold, the worst counts.
    pub add: Vec<PointsRow>,
    /// What to do about it.
    pub advice: String,
}

/// One row: a condition, and the points that it adds.
#[derive(Debug, Clone, Serialize)]
pub struct PointsRow {
    /// When it holds.
    #[serde(flatten)]
    pub when: When,
    /// What it adds, 0 to 100.
    pub points: u8,
}

/// The condition of a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// The value is this or more.
    From(Number),
    /// The value is less than this.
    Below(Number),
    /// The value is this one.
    Value(String),
}

/// What an alert says of one fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FactValue {
    /// Of an integer or a number.
    Number(Number),
    /// Of an enum.
    Word(String),
}

/// Something in an `alert.toml` that the lint refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub fix: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.file, self.line, self.message, self.fix)
    }
}

impl AlertTypes {
    /// The type with exactly this id: no folding of case, no trimming.
    pub fn get(&self, id: &str) -> Option<&AlertType> {
        self.0.get(id)
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = &AlertType> {
        self.0.values()
    }

    /// From types whose ids differ.
    pub(crate) fn from_list(list: impl IntoIterator<Item = AlertType>) -> Self {
        let mut types: IndexMap<_, _> = list.into_iter().map(|each| (each.id.clone(), each)).collect();
        types.sort_keys();
        Self(types)
    }
}

impl AlertType {
    /// Its folder, its value on the wire, its key in the store.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name for people.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The `entity_type` that its alerts carry.
    pub fn entity(&self) -> &str {
        &self.entity
    }

    /// What an `entity_id` of it looks like.
    pub fn entity_id(&self) -> EntityIdForm {
        self.entity_id
    }

    /// What the score measures, as `churn`.
    pub fn predicts(&self) -> &str {
        &self.predicts
    }

    /// The question that the score answers.
    pub fn question(&self) -> &str {
        &self.question
    }

    /// How far ahead the question looks.
    pub fn horizon_days(&self) -> u32 {
        self.horizon_days
    }

    /// How long an alert that says the same is a repeat; zero: never.
    pub fn repeat_window(&self) -> Duration {
        self.repeat_window
    }

    /// The same in the file's own words, as `24h`.
    pub fn repeat_window_text(&self) -> &str {
        &self.repeat_window_text
    }

    /// What the ends of the scale mean, and points between them.
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

    /// What a score means: the nearest point of the scale at or below it.
    pub fn meaning_of(&self, score: Number) -> &str {
        let at_or_below = self.scale.iter().rev().find(|(point, _)| f64::from(**point) <= score.get());
        at_or_below.map_or("", |(_, meaning)| meaning)
    }
}

impl Fact {
    /// Its key in an alert's `details`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its name for people, with its window.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// What it is, in a sentence.
    pub fn meaning(&self) -> &str {
        &self.meaning
    }

    /// What values it takes.
    pub fn kind(&self) -> &FactKind {
        &self.kind
    }

    /// The range of a numeric fact.
    pub fn range(&self) -> Option<&Range> {
        match &self.kind {
            FactKind::Integer(range) | FactKind::Number(range) => Some(range),
            FactKind::Enum { .. } => None,
        }
    }

    /// A value of it within a sentence: by its phrase, or as `label: value`.
    pub fn say(&self, value: &FactValue) -> String {
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
    /// As it stands within a sentence: `64.5`, `high demand`.
    pub fn to_words(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Word(word) => word.replace('_', " "),
        }
    }
}

impl PointsTable {
    /// The points that this value of this fact adds, if the table speaks of the fact.
    pub fn points_of(&self, fact: &str, value: &FactValue) -> Option<u8> {
        let table = self.points.iter().find(|each| each.fact == fact)?;
        Some(table.add.iter().filter(|row| row.when.holds(value)).map(|row| row.points).max().unwrap_or(0))
    }
}

impl When {
    /// Whether the row counts for this value.
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
