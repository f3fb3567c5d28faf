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

use crate::calibration::CalibrationMap;
use crate::limits::QUIET_AFTER;
use crate::number::Number;

mod points;
mod recommendation;
mod conflict;
mod handling;
mod mapping;
mod wire;
mod lint;
mod folder;
mod built_in;

pub use conflict::Conflict;
pub use folder::FolderError;
pub use handling::{Dashboard, Handling, WrittenDuration};
pub use mapping::Mapping;
pub(crate) use mapping::{EpochUnit, MappedConstant, MappedField, MatchExpected, MatchRule, Pointer};
pub use points::{FactPoints, PointsCondition, PointsRow, PointsTable};
pub use recommendation::Recommendation;

/// The id of an optional number without points that says what is at stake, such as the yearly revenue, unless the type says
/// `at_stake = false`. It orders the worklist, and no model sees it.
pub const VALUE_FACT: &str = "value";
/// Digits of a version: enough to distinguish a changed type from the one before.
const VERSION_DIGITS: usize = 8;

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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) unsaid: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) recommendations: Vec<Recommendation>,
    #[serde(rename = "fact")]
    pub(crate) facts: Vec<Fact>,
    #[serde(rename = "scorecard")]
    pub(crate) points_table: PointsTable,
    #[serde(rename = "conflict", skip_serializing_if = "Vec::is_empty")]
    pub(crate) conflicts: Vec<Conflict>,
    #[serde(flatten)]
    pub(crate) handling: Handling,
    /// The sources whose payloads become alerts of this type.
    #[serde(rename = "from", serialize_with = "source_names", skip_serializing_if = "Vec::is_empty")]
    pub(crate) mappings: Vec<Mapping>,
    /// The map from the scorecard's score to a probability that the type's folder has.
    #[serde(skip)]
    pub(crate) map: Option<CalibrationMap>,
}

/// The form of an `entity_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityIdForm {
    /// Letters, digits and `._:-`, such as `stu_4532`.
    Token,
    /// Any printable name of at most 128 characters, such as `AP Calculus AB`.
    Name,
    /// Any printable text of at most 512 characters, such as an ARN.
    Any,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) short: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) short_one: Option<String>,
    /// Whether an alert may leave it out.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) optional: bool,
    /// Whether it says what is at stake.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) at_stake: bool,
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
    /// True or false.
    Boolean {
        /// What `true` and `false` mean.
        values: Vec<EnumValue>,
        /// The value that needs no attention.
        #[serde(skip_serializing_if = "Option::is_none")]
        healthy: Option<bool>,
    },
    /// A text for people, which is stored and shown, and never in a prompt.
    Text,
    /// One of a closed set of values.
    Enum {
        /// The values, in the file's order.
        values: Vec<EnumValue>,
        /// The value that needs no attention.
        #[serde(skip_serializing_if = "Option::is_none")]
        healthy: Option<String>,
    },
}

impl FactKind {
    /// The values of an enum or of a boolean. `None` for numbers and texts.
    pub fn values(&self) -> Option<&[EnumValue]> {
        match self {
            Self::Boolean { values, .. } | Self::Enum { values, .. } => Some(values),
            Self::Integer(_) | Self::Number(_) | Self::Text => None,
        }
    }
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

/// The value of one fact in an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FactValue {
    /// The value of an integer or a number.
    Number(Number),
    /// The value of a boolean.
    Flag(bool),
    /// The value of an enum or a text.
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
        let mut identity = serde_json::to_vec(&identity).unwrap_or_default();
        for fact in self.facts.iter().filter(|fact| fact.optional) {
            identity.extend(fact.id.as_bytes());
        }
        version_of_bytes(&identity)
    }

    /// The version of its points, as 8 hexadecimal digits. It changes with the base, a condition or a point.
    pub fn points_version(&self) -> String {
        let points: Vec<_> = self.points_table.points.iter().map(|each| (&each.fact, &each.add)).collect();
        version_of(&(self.points_table.base, points))
    }

    /// The map from the scorecard's score to a probability that its folder has, if it was fitted to these points.
    pub fn map(&self) -> Option<&CalibrationMap> {
        self.map.as_ref().filter(|map| map.source.prompt.as_ref() == Some(&self.points_version()))
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

    /// How long the producer must be silent about an entity until it counts as recovered: as the type says, or else
    /// [`QUIET_AFTER`].
    pub fn quiet_after(&self) -> Duration {
        self.handling().quiet_after().unwrap_or(QUIET_AFTER)
    }

    /// Whether every fact that has a healthy value is at it or beyond it. A type without healthy values never is.
    pub fn is_healthy<'v>(&self, value_of: impl Fn(&str) -> Option<&'v FactValue>) -> bool {
        let mut healthy =
            self.facts.iter().filter_map(|fact| fact.is_healthy(value_of(&fact.id)?)).peekable();
        healthy.peek().is_some() && healthy.all(|is_healthy| is_healthy)
    }

    /// The meanings of scores, by score: both ends of the scale, and scores between them.
    pub fn scale(&self) -> &BTreeMap<u8, String> {
        &self.scale
    }

    /// Causes and events that the facts never say, such as `refund`. An explanation must not claim one.
    pub fn unsaid(&self) -> &[String] {
        &self.unsaid
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

    /// How its alerts are handled: staleness, reuse of answers, silence, second opinions.
    pub fn handling(&self) -> &Handling {
        &self.handling
    }

    /// The rules for facts that contradict each other.
    pub fn conflicts(&self) -> &[Conflict] {
        &self.conflicts
    }

    /// The mappings from the payloads of other systems.
    pub fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// The horizon in words: `1 day`, `30 days`.
    pub fn horizon_words(&self) -> String {
        match self.horizon_days {
            1 => "1 day".into(),
            days => format!("{days} days"),
        }
    }

    /// The meaning of a score: that of the nearest score on the scale. Halfway between two, it is that of the higher one.
    pub fn meaning_of(&self, score: Number) -> &str {
        let distance = |point: u8| (f64::from(point) - score.get()).abs();
        let nearest = self.scale.iter().rev().min_by(|a, b| distance(*a.0).total_cmp(&distance(*b.0)));
        nearest.map_or("", |(_, meaning)| meaning)
    }
}

/// The first digits of the hash of a value's JSON. Every key is a text and every number finite, so it is JSON.
fn version_of(value: &impl Serialize) -> String {
    version_of_bytes(&serde_json::to_vec(value).unwrap_or_default())
}

fn version_of_bytes(bytes: &[u8]) -> String {
    let mut version = hex::encode(Sha256::digest(bytes));
    version.truncate(VERSION_DIGITS);
    version
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
            FactKind::Boolean { .. } | FactKind::Text | FactKind::Enum { .. } => None,
        }
    }

    /// Writes a value with its unit, in the few words that replace a reference to the fact: `5 calls`, `high demand`.
    pub fn short(&self, value: &FactValue) -> String {
        let short = if value.is_one() {
            self.short_one.as_ref().or(self.short.as_ref())
        } else {
            self.short.as_ref()
        };
        match short {
            Some(short) => short.replace("{value}", &value.to_words()),
            None => self.with_unit(value),
        }
    }

    /// How a reference to the fact reads, with `N` for a number. `None` for an enum without a `short` phrase.
    pub fn short_form(&self) -> Option<String> {
        let short = self.short.as_ref().map(|short| short.replace("{value}", "N"));
        short.or_else(|| Some(self.range()?.with_unit("N", false)))
    }

    /// Whether an alert may leave it out.
    pub fn is_optional(&self) -> bool {
        self.optional
    }

    /// Whether a prompt shows it. A text may contain anything, such as instructions, so that no prompt does; and what an
    /// entity is worth says nothing of its risk.
    pub fn is_in_prompt(&self) -> bool {
        !matches!(self.kind, FactKind::Text) && !self.at_stake
    }

    /// Whether it says what is at stake, such as the yearly revenue.
    pub fn is_at_stake(&self) -> bool {
        self.at_stake
    }

    /// Whether it is a part of what an alert says. A text is not, because nobody judges by it.
    pub(crate) fn is_identity(&self) -> bool {
        !matches!(self.kind, FactKind::Text)
    }

    /// Whether the value needs no attention: at or beyond `healthy` in the better direction. `None` if the type does not
    /// say what is healthy.
    pub fn is_healthy(&self, value: &FactValue) -> Option<bool> {
        match (&self.kind, value) {
            (FactKind::Integer(range) | FactKind::Number(range), FactValue::Number(number)) => {
                let healthy = range.healthy.as_ref()?;
                Some(if range.worse == Worse::Higher { number <= healthy } else { number >= healthy })
            }
            (FactKind::Boolean { healthy, .. }, FactValue::Flag(flag)) => Some((*healthy)? == *flag),
            (FactKind::Enum { healthy, .. }, FactValue::Word(word)) => Some(healthy.as_ref()? == word),
            (
                FactKind::Integer(_)
                | FactKind::Number(_)
                | FactKind::Boolean { .. }
                | FactKind::Enum { .. }
                | FactKind::Text,
                _,
            ) => None,
        }
    }

    /// What a value of a closed set or of a boolean means.
    pub fn meaning_of(&self, value: &FactValue) -> Option<&str> {
        let written = value.id()?;
        self.kind.values()?.iter().find(|value| value.id == written).map(|value| value.meaning.as_str())
    }

    /// Writes a value for use within a sentence: by the fact's phrase, or as `label: value unit` if it has none. Of a
    /// boolean without a phrase, the meaning of the value is written.
    pub fn describe(&self, value: &FactValue) -> String {
        let is_one = value.is_one();
        let phrase =
            if is_one { self.phrase_one.as_ref().or(self.phrase.as_ref()) } else { self.phrase.as_ref() };
        match phrase {
            Some(phrase) => phrase.replace("{value}", &value.to_words()),
            None => format!("{}: {}", self.label, self.with_unit(value)),
        }
    }

    /// The value with its unit: `3 days`, `1 day`, `65%`.
    fn with_unit(&self, value: &FactValue) -> String {
        let meaning = self.meaning_of(value).filter(|_| matches!(value, FactValue::Flag(_)));
        match self.range() {
            Some(range) => range.with_unit(&value.to_words(), value.is_one()),
            None => meaning.map_or_else(|| value.to_words(), str::to_owned),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's own form")]
fn is_false(flag: &bool) -> bool {
    !flag
}

fn source_names<S: serde::Serializer>(mappings: &[Mapping], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(mappings.iter().map(Mapping::source))
}

impl FactRange {
    /// Writes a number with its unit: `5 calls`, `1 call`, `12%`.
    fn with_unit(&self, number: &str, is_one: bool) -> String {
        match self.unit.as_str() {
            "%" => format!("{number}%"),
            unit => match unit.strip_suffix('s').filter(|stem| is_one && has_plural(stem)) {
                Some(singular) => format!("{number} {singular}"),
                None => format!("{number} {unit}"),
            },
        }
    }
}

/// Whether a unit has a plural. Abbreviations, such as `ms`, have none.
fn has_plural(singular: &str) -> bool {
    singular.len() >= 3 && !singular.ends_with('s')
}

impl FactValue {
    /// The id of an enum's or a boolean's value. `None` for a number.
    pub fn id(&self) -> Option<String> {
        match self {
            Self::Flag(flag) => Some(flag.to_string()),
            Self::Word(word) => Some(word.clone()),
            Self::Number(_) => None,
        }
    }

    /// Whether it is the number 1, which has a singular noun.
    fn is_one(&self) -> bool {
        matches!(self, Self::Number(number) if number.as_whole() == Some(1))
    }

    /// Writes the value for use within a sentence: `64.5`, `high demand`.
    pub fn to_words(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Word(word) => word.replace('_', " "),
        }
    }
}
