//! The keys of an `alert.toml`, each value with its position in the file. The lint makes an
//! [`AlertType`](super::AlertType) from them.
//!
//! An unknown key is ignored here, because the lint has reported it.
//!
//! Never: validates a value. A required key is optional here if the lint can explain its absence better than the
//! parser.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::EntityIdForm;

#[derive(Deserialize)]
pub(super) struct AlertTypeToml {
    pub(super) id: Spanned<String>,
    pub(super) title: Spanned<String>,
    pub(super) entity: Spanned<String>,
    pub(super) entity_id: EntityIdForm,
    pub(super) predicts: Spanned<String>,
    pub(super) question: Spanned<String>,
    pub(super) horizon_days: Spanned<u32>,
    pub(super) repeat_window: Spanned<String>,
    pub(super) stale_after: Option<Spanned<String>>,
    pub(super) answer_reuse: Option<Spanned<String>>,
    pub(super) quiet_after: Option<Spanned<String>>,
    pub(super) samples: Option<Spanned<i64>>,
    pub(super) verify: Option<bool>,
    pub(super) dashboard: Option<DashboardToml>,
    pub(super) scale: Spanned<BTreeMap<String, Spanned<String>>>,
    #[serde(default)]
    pub(super) unsaid: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) fact: Vec<Spanned<FactToml>>,
    #[serde(default)]
    pub(super) conflict: Vec<Spanned<ConflictToml>>,
    #[serde(default)]
    pub(super) recommendation: Vec<Spanned<RecommendationToml>>,
    pub(super) scorecard: Spanned<ScorecardToml>,
}

#[derive(Deserialize)]
pub(super) struct DashboardToml {
    pub(super) category: Spanned<String>,
}

#[derive(Deserialize)]
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
    pub(super) values: Option<Spanned<Vec<ValueToml>>>,
    pub(super) optional: Option<Spanned<bool>>,
    pub(super) at_stake: Option<Spanned<bool>>,
}

/// A value of an enum or of a boolean.
#[derive(Deserialize)]
pub(super) struct ValueToml {
    pub(super) id: WordToml,
    pub(super) meaning: String,
}

/// A word, or a boolean that is written without quotes.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum WordToml {
    Flag(bool),
    Word(String),
}

impl WordToml {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Flag(flag) => flag.to_string(),
            Self::Word(word) => word.clone(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct ConflictToml {
    pub(super) when: Spanned<String>,
    pub(super) sentence: Spanned<String>,
}

#[derive(Deserialize)]
pub(super) struct RecommendationToml {
    pub(super) id: Spanned<String>,
    pub(super) text: Spanned<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum FactKindToml {
    Integer,
    Number,
    Boolean,
    Enum,
    Text,
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
pub(super) struct ScorecardToml {
    pub(super) base: Spanned<i64>,
    #[serde(default)]
    pub(super) points: Vec<Spanned<FactPointsToml>>,
    #[serde(default)]
    pub(super) otherwise: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
pub(super) struct FactPointsToml {
    pub(super) fact: Spanned<String>,
    pub(super) add: Vec<Spanned<PointsRowToml>>,
    pub(super) unknown: Option<Spanned<i64>>,
    pub(super) advice: Option<Spanned<String>>,
}

#[derive(Deserialize)]
pub(super) struct PointsRowToml {
    pub(super) from: Option<f64>,
    pub(super) below: Option<f64>,
    pub(super) value: Option<WordToml>,
    pub(super) points: i64,
    pub(super) advice: Option<Spanned<String>>,
}
