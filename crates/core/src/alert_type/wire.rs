//! An `alert.toml` as it is written: every key known, each value with its place in the file.
//!
//! Takes: the file's text.
//! Gives: [`Written`], which the lint turns into an [`AlertType`](super::AlertType).
//! Never: judges; a key that the lint can explain better than a parser is optional here.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{EntityIdForm, EnumValue};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    pub(super) id: Spanned<String>,
    pub(super) title: Spanned<String>,
    pub(super) entity: Spanned<String>,
    pub(super) entity_id: EntityIdForm,
    pub(super) predicts: Spanned<String>,
    pub(super) question: Spanned<String>,
    pub(super) horizon_days: Spanned<u32>,
    pub(super) repeat_window: Spanned<String>,
    pub(super) scale: Spanned<BTreeMap<String, Spanned<String>>>,
    #[serde(default)]
    pub(super) fact: Vec<Spanned<WrittenFact>>,
    pub(super) scorecard: Spanned<WrittenScorecard>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenFact {
    pub(super) id: Spanned<String>,
    pub(super) label: Option<Spanned<String>>,
    pub(super) meaning: Option<Spanned<String>>,
    pub(super) phrase: Option<Spanned<String>>,
    pub(super) phrase_one: Option<Spanned<String>>,
    #[serde(rename = "type")]
    pub(super) kind: WrittenKind,
    pub(super) min: Option<Spanned<f64>>,
    pub(super) max: Option<Spanned<f64>>,
    pub(super) unit: Option<Spanned<String>>,
    pub(super) step: Option<Spanned<f64>>,
    pub(super) worse: Option<Spanned<WrittenWorse>>,
    pub(super) healthy: Option<Spanned<toml::Value>>,
    pub(super) values: Option<Spanned<Vec<EnumValue>>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum WrittenKind {
    Integer,
    Number,
    Enum,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum WrittenWorse {
    Higher,
    Lower,
    #[serde(rename = "by value", alias = "by_value", alias = "value")]
    ByValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenScorecard {
    pub(super) base: Spanned<i64>,
    #[serde(default)]
    pub(super) points: Vec<Spanned<WrittenPoints>>,
    #[serde(default)]
    pub(super) otherwise: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenPoints {
    pub(super) fact: Spanned<String>,
    pub(super) add: Vec<Spanned<WrittenRow>>,
    pub(super) advice: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRow {
    pub(super) from: Option<f64>,
    pub(super) below: Option<f64>,
    pub(super) value: Option<String>,
    pub(super) points: i64,
}
