//! Documents that outlive insights: what happened to entities, evaluation rows, calibration maps, and which schemas models refuse.
//!
//! | document       | `pk`                                    | `sk`                   |
//! |----------------|-----------------------------------------|------------------------|
//! | outcome        | `outcome#{entity_type}#{entity_id}`     | `{outcome}#{at}`       |
//! | census         | `outcome#{entity_type}#`                | `{outcome}#`           |
//! | evaluation row | `evaluation#{alert_type}#{month of t0}` | `{t0}#{alert_id}`      |
//! | map            | `calibration`                           | source and version     |
//! | progress | `evaluation-progress` | alert type |
//! | measured drivers | `drivers#{alert_id}`                  | `drivers`              |
//! | schema limit   | `schema-limit`                          | endpoint and model     |
//!
//! Outcomes and evaluation rows are retained for two years.

use std::future::Future;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StoreError;
use crate::alert::Facts;
use crate::calibration::{CalibrationMap, ScoreSource};
use crate::entity::EntityKey;
use crate::insight::StoredInsight;
use crate::limits::OUTCOME_RETENTION;
use crate::model::SchemaLimit;
use crate::number::Number;
use crate::outcome::{InsightClaim, OutcomeRow};
use crate::time::Timestamp;

/// One JSON document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Documents with the same one are read together.
    pub pk: String,
    /// Its place among them.
    pub sk: String,
    /// The JSON.
    pub body: String,
    /// When it is deleted.
    pub expires_at: Timestamp,
}

impl Document {
    /// Whether it is about this entity, or about one of its alerts.
    pub fn is_about(&self, entity: &EntityKey, is_its_alert: impl Fn(&str) -> bool) -> bool {
        let names_it = || {
            let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
            let is = |key: &str, value: &str| body.get(key).and_then(Value::as_str) == Some(value);
            is("entity_type", &entity.entity_type) && is("entity_id", &entity.entity_id)
        };
        self.pk == outcome_pk(&entity.entity_type, Some(&entity.entity_id))
            || self.pk.strip_prefix(DRIVERS_PK).is_some_and(is_its_alert)
            || names_it()
    }
}

/// The key of what was measured of an insight's drivers.
pub fn drivers_pk(alert_id: &str) -> String {
    format!("{DRIVERS_PK}{alert_id}")
}

/// Documents by key. A document that is put again replaces the earlier one.
pub trait Documents: Send + Sync {
    /// Stores documents. If this fails, some of them may be stored.
    fn put_documents(&self, documents: &[Document]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes a document. Returns whether there was one.
    fn remove_document(
        &self,
        pk: &str,
        sk: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The documents with this `pk`, in the order of their `sk`.
    fn documents(
        &self,
        pk: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<Document>, StoreError>> + Send;
}

/// An insight with what became of it, without its texts, so that it can be judged after the insight has expired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationRow {
    /// The insight.
    pub alert_id: String,
    /// The kind of entity.
    pub entity_type: String,
    /// Whom it is about.
    pub entity_id: String,
    /// Which scores its score is one of.
    #[serde(flatten)]
    pub source: ScoreSource,
    /// The event that it predicts.
    pub predicts: String,
    /// The time of its alert.
    pub t0: Timestamp,
    /// How far it looks ahead.
    pub horizon_days: u32,
    /// The risk score.
    pub score: Number,
    /// The scorecard's score.
    pub baseline: Number,
    /// The facts of the alert.
    pub facts: Facts,
    /// Whether a model failed.
    pub degraded: bool,
    /// `true` if nobody was notified, because the entity is held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout: Option<bool>,
    /// Whether the event happened within the horizon; `None` if that is not known.
    pub y: Option<bool>,
}

impl EvaluationRow {
    /// The row of an insight. `None` if the original handler wrote it.
    pub fn of(insight: &StoredInsight, y: Option<bool>) -> Option<Self> {
        let fields = insight.current()?;
        Some(Self {
            alert_id: fields.alert_id.clone(),
            entity_type: fields.entity_type.clone(),
            entity_id: fields.entity_id.clone(),
            source: fields.score_source(),
            predicts: fields.predicts.clone(),
            t0: fields.alert_timestamp,
            horizon_days: fields.horizon_days,
            score: fields.risk_score,
            baseline: fields.baseline.risk_score,
            facts: fields.facts.clone(),
            degraded: fields.degraded,
            holdout: fields.holdout,
            y,
        })
    }

    /// What it claimed, as far as an outcome can judge it. The scorecard's score is beside a model's.
    pub fn claim(&self) -> InsightClaim {
        InsightClaim {
            alert_id: self.alert_id.clone(),
            entity_type: self.entity_type.clone(),
            entity_id: self.entity_id.clone(),
            predicts: self.predicts.clone(),
            t0: self.t0,
            horizon: self.horizon(),
            score: self.score.get(),
            baseline: self.source.model_id.is_some().then(|| self.baseline.get()),
            is_held_out: self.holdout == Some(true),
        }
    }

    /// How far it looks ahead.
    pub fn horizon(&self) -> Duration {
        Duration::from_hours(24 * u64::from(self.horizon_days))
    }
}

/// What happened, evaluation rows, maps and schema limits, over the documents of any store.
pub trait Outcomes: Documents {
    /// Stores rows of what happened. Storing one twice changes nothing.
    fn put_outcomes(
        &self,
        rows: &[OutcomeRow],
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let document = |row: &OutcomeRow| Document {
            pk: outcome_pk(&row.entity_type, row.entity_id.as_deref()),
            sk: row.place(),
            body: json(row),
            expires_at: now.plus(OUTCOME_RETENTION),
        };
        let documents: Vec<Document> = rows.iter().map(document).collect();
        async move { self.put_documents(&documents).await }
    }

    /// What happened to one entity, or what censuses say of everyone.
    fn outcomes_of(
        &self,
        entity_type: &str,
        entity_id: Option<&str>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<OutcomeRow>, StoreError>> + Send {
        let pk = outcome_pk(entity_type, entity_id);
        async move { Ok(read(&self.documents(&pk, now).await?)) }
    }

    /// Removes a row. Returns whether there was one.
    fn retract_outcome(
        &self,
        row: &OutcomeRow,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        let (pk, sk) = (outcome_pk(&row.entity_type, row.entity_id.as_deref()), row.place());
        async move { self.remove_document(&pk, &sk, now).await }
    }

    /// Stores evaluation rows.
    fn put_evaluations(
        &self,
        rows: &[EvaluationRow],
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let document = |row: &EvaluationRow| Document {
            pk: evaluation_pk(&row.source.alert_type, row.t0),
            sk: format!("{}#{}", row.t0, row.alert_id),
            body: json(row),
            expires_at: now.plus(OUTCOME_RETENTION),
        };
        let documents: Vec<Document> = rows.iter().map(document).collect();
        async move { self.put_documents(&documents).await }
    }

    /// The evaluation rows of an alert type, from the month of `since` on.
    fn evaluations(
        &self,
        alert_type: &str,
        since: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<EvaluationRow>, StoreError>> + Send {
        let oldest = since.max(now.minus(OUTCOME_RETENTION).minus(MONTH));
        // A step of 28 days misses no month.
        let months = std::iter::successors(Some(oldest), |at| Some(at.plus(MONTH)));
        let mut partitions: Vec<String> =
            months.take_while(|at| *at <= now.plus(MONTH)).map(|at| evaluation_pk(alert_type, at)).collect();
        partitions.dedup();
        async move {
            let mut rows = Vec::new();
            for pk in partitions {
                rows.extend(read(&self.documents(&pk, now).await?));
            }
            Ok(rows)
        }
    }

    /// Stores a map.
    fn put_map(
        &self,
        map: &CalibrationMap,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let ScoreSource { alert_type, model_used, model_id, prompt } = &map.source;
        let part = |value: &Option<String>| value.clone().unwrap_or_default();
        let document = Document {
            pk: MAPS_PK.to_owned(),
            sk: format!("{alert_type}#{model_used}#{}#{}#{:06}", part(model_id), part(prompt), map.version),
            body: json(map),
            expires_at: now.plus(OUTCOME_RETENTION),
        };
        async move { self.put_documents(&[document]).await }
    }

    /// All stored maps.
    fn maps(&self, now: Timestamp) -> impl Future<Output = Result<Vec<CalibrationMap>, StoreError>> + Send {
        async move { Ok(read(&self.documents(MAPS_PK, now).await?)) }
    }

    /// Stores which schemas models refuse, each until its own time.
    fn put_schema_limits(
        &self,
        limits: &[SchemaLimit],
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let document = |limit: &SchemaLimit| Document {
            pk: SCHEMA_LIMITS_PK.to_owned(),
            sk: format!("{}#{}", limit.endpoint, limit.model_id),
            body: json(limit),
            expires_at: limit.until,
        };
        let documents: Vec<Document> = limits.iter().map(document).collect();
        async move { self.put_documents(&documents).await }
    }

    /// Which schemas models refuse at this time.
    fn schema_limits(
        &self,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<SchemaLimit>, StoreError>> + Send {
        async move { Ok(read(&self.documents(SCHEMA_LIMITS_PK, now).await?)) }
    }
}

impl<S: Documents> Outcomes for S {}

/// The rows of what happened among these documents.
pub fn outcome_rows(documents: &[Document]) -> Vec<OutcomeRow> {
    read(documents)
}

/// What the `pk` of every row of what happened begins with.
pub const OUTCOME_PK: &str = "outcome#";
const DRIVERS_PK: &str = "drivers#";
const MAPS_PK: &str = "calibration";
const SCHEMA_LIMITS_PK: &str = "schema-limit";
/// No month is shorter.
const MONTH: Duration = Duration::from_hours(28 * 24);

fn outcome_pk(entity_type: &str, entity_id: Option<&str>) -> String {
    // No entity has an empty id.
    format!("{OUTCOME_PK}{entity_type}#{}", entity_id.unwrap_or_default())
}

fn evaluation_pk(alert_type: &str, t0: Timestamp) -> String {
    let day = t0.day();
    let month = day.rsplit_once('-').map_or(day.as_str(), |(month, _)| month);
    format!("evaluation#{alert_type}#{month}")
}

fn json(value: &impl Serialize) -> String {
    // The keys are texts and the numbers are finite, so it is JSON.
    serde_json::to_string(value).unwrap_or_default()
}

/// The documents that can be read. A newer program may have written others.
fn read<T: DeserializeOwned>(documents: &[Document]) -> Vec<T> {
    documents.iter().filter_map(|document| serde_json::from_str(&document.body).ok()).collect()
}
