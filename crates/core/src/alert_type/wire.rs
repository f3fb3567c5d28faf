//! The keys of an `alert.toml`, each value with its position in the file. The lint makes an
//! [`AlertType`](super::AlertType) from them.
//!
//! Never: validates a value. A required key is optional here if the lint can explain its absence better than the
//! parser.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{EntityIdForm, EnumValue};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertTypeToml {
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
    pub(super) unsaid: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) fact: Vec<Spanned<FactToml>>,
    pub(super) scorecard: Spanned<ScorecardToml>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactToml {
    pub(super) id: Spanned<String>,
    pub(super) label: Option<Spanned<String>>,
    pub(super) meaning: Option<Spanned<String>>,
    pub(super) phrase: Option<Spanned<String>>,
    pub(super) phrase_one: Option<Spanned<String>>,
    pub(super) short: Option<Spanned<String>>,
    pub(super) short_one: Option<Spanned<String>>,
    #[serde(rename = "type")]
    pub(super) kind: FactKindToml,
    pub(super) min: Option<Spanned<f64>>,
    pub(super) max: Option<Spanned<f64>>,
    pub(super) unit: Option<Spanned<String>>,
    pub(super) step: Option<Spanned<f64>>,
    pub(super) worse: Option<Spanned<WorseToml>>,
    pub(super) healthy: Option<Spanned<toml::Value>>,
    pub(super) values: Option<Spanned<Vec<EnumValue>>>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum FactKindToml {
    Integer,
    Number,
    Enum,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum WorseToml {
    Higher,
    Lower,
    #[serde(rename = "by value", alias = "by_value", alias = "value")]
    ByValue,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScorecardToml {
    pub(super) base: Spanned<i64>,
    #[serde(default)]
    pub(super) points: Vec<Spanned<FactPointsToml>>,
    #[serde(default)]
    pub(super) otherwise: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactPointsToml {
    pub(super) fact: Spanned<String>,
    pub(super) add: Vec<Spanned<PointsRowToml>>,
    pub(super) advice: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PointsRowToml {
    pub(super) from: Option<f64>,
    pub(super) below: Option<f64>,
    pub(super) value: Option<String>,
    pub(super) points: i64,
}
