//! The insight: what Portend gives for an alert, checked, explained and with its evidence.
//!
//! Takes: an alert, the key that its claim fixed, and a [`Judgement`] of it.
//! Gives: an [`Insight`] to store, and a [`StoredInsight`] as it is read back.
//! Never: fills a field to have it filled. What is absent is absent.

use std::ops::Deref;

use serde::{Deserialize, Serialize};

use crate::alert::{Alert, AlertKey, Facts, InsightKey};
use crate::alert_type::AlertTypes;
use crate::driver::Driver;
use crate::grounding::{Grounded, Grounding};
use crate::limits::{KEPT, REPLY_KEPT_BYTES_MAX};
use crate::number::Number;
use crate::reply::Repair;
use crate::scorecard::{Baseline, Scored};
use crate::time::Timestamp;

/// The version of the insight's JSON. A reader that knows it can read every field of [`Fields`].
pub const SCHEMA: u32 = 1;

/// Who judged, and what came of it. The scorecard's judgement stands beside a model's, as its baseline.
#[derive(Debug, Clone)]
pub enum Judgement {
    /// A model, whose answer was checked.
    Model {
        /// The answer, with what was found of its numbers.
        grounded: Grounded,
        /// Whose it is.
        answerer: Box<Answerer>,
        /// The scorecard's judgement of the same alert.
        baseline: Scored,
    },
    /// The scorecard: no model is configured, or none gave an answer.
    Scorecard(Scored),
}

/// Whose answer it is, and to which question.
#[derive(Debug, Clone)]
pub struct Answerer {
    /// What `model_used` says: the model's label, with `-fallback` if it is not the first in the chain.
    pub label: String,
    /// The model that answered, as the response says; else the one that was asked.
    pub model_id: String,
    /// The question.
    pub prompt: PromptMark,
    /// The answer as received.
    pub reply: String,
}

/// Which prompt was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptMark {
    /// The version of its words.
    pub version: u32,
    /// The sha256 of all that was asked.
    pub sha256: String,
}

/// How an insight came about.
#[derive(Debug, Clone)]
pub struct Making {
    /// A random id, which the log lines of its making carry.
    pub run: String,
    /// Every model call that was made for it.
    pub attempts: Vec<Attempt>,
    /// Whether a configured model failed for a transient or configuration reason.
    pub degraded: bool,
    /// The time.
    pub now: Timestamp,
}

/// An insight that has been made and not yet stored. It is made by [`Insight::new`] alone, from a judgement.
#[derive(Debug, Clone)]
pub struct Insight {
    fields: Box<Fields>,
    key: InsightKey,
    alert_key: AlertKey,
}

/// An insight as a store gives it back, also one that the original handler wrote (no `schema`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredInsight(Box<Fields>);

/// The insight's JSON, schema 1. The original handler wrote `alert_id`, `entity_id`, `prediction_type`,
/// `risk_score`, `explanation`, `recommendations`, `timestamp` and `model_used`; every other field can be absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// [`SCHEMA`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<u32>,
    /// `{alert_type}_{entity_id}_{alert timestamp, ms}_{8 hex}`.
    pub alert_id: String,
    /// The student or subject.
    pub entity_id: String,
    /// `student`, `subject`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_type: Option<String>,
    /// The producer's severity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// The alert type.
    pub prediction_type: String,
    /// What the score measures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicts: Option<String>,
    /// How far ahead it looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub horizon_days: Option<u32>,
    /// 0 to 100.
    pub risk_score: Number,
    /// Why, in sentences.
    pub explanation: String,
    /// What to do: two or three lines.
    pub recommendations: Vec<String>,
    /// The facts that move the score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drivers: Option<Vec<Driver>>,
    /// The scorecard's sum, beside whatever a model says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// Who judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
    /// Whether a configured model failed, so that an upgrade may follow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub degraded: Option<bool>,
    /// The label of whoever answered.
    pub model_used: String,
    /// The model that answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_id: Option<String>,
    /// Every model call that was made for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempts: Option<Vec<Attempt>>,
    /// What was found of the numbers in a model's sentences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grounding: Option<Grounding>,
    /// The liberties that were taken with a model's syntax.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repairs: Option<Vec<Repair>>,
    /// The prompt that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<PromptMark>,
    /// The model's answer as received, at most its first 8 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// A random id, which the log lines of its making carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// What the alert said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub facts: Option<Facts>,
    /// The producer's sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When the producer saw it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alert_timestamp: Option<Timestamp>,
    /// When the insight was made.
    pub timestamp: Timestamp,
    /// How many alerts said this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurrences: Option<u64>,
    /// The timestamp of the latest of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// When it is forgotten, to the second.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "in_seconds")]
    pub expires_at: Option<Timestamp>,
}

/// Who judged an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// A language model, whose answer was checked.
    Model,
    /// Arithmetic over the facts.
    Scorecard,
}

/// One call to a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The model's name in the chain.
    pub model: String,
    /// The model that answered, as the response says; else the one that was asked.
    pub model_id: String,
    /// What came of it: `accepted`, or a reason code.
    pub outcome: String,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// Tokens of the request, if the response says them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, if the response says them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// What it cost, in US dollars, if the price and the tokens are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<Number>,
    /// What is wrong with a reply that was refused, as a re-ask says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub violations: Option<String>,
    /// A refused reply's first 2 KiB, as received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
}

#[expect(clippy::ref_option, reason = "the signature that serde calls")]
fn in_seconds<S: serde::Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    at.map(Timestamp::to_seconds_string).serialize(serializer)
}

impl Default for Fields {
    /// Nothing is known.
    fn default() -> Self {
        Self {
            schema: None,
            alert_id: String::new(),
            entity_id: String::new(),
            entity_type: None,
            severity: None,
            prediction_type: String::new(),
            predicts: None,
            horizon_days: None,
            risk_score: Number::from(0),
            explanation: String::new(),
            recommendations: Vec::new(),
            drivers: None,
            baseline: None,
            grade: None,
            degraded: None,
            model_used: String::new(),
            model_id: None,
            attempts: None,
            grounding: None,
            repairs: None,
            prompt: None,
            reply: None,
            run: None,
            facts: None,
            message: None,
            alert_timestamp: None,
            timestamp: Timestamp::from_millis(0),
            occurrences: None,
            last_seen: None,
            expires_at: None,
        }
    }
}

/// The part of the fields that a judgement fills.
fn judged(judgement: Judgement, facts: &Facts) -> Fields {
    match judgement {
        Judgement::Scorecard(scored) => Fields {
            risk_score: scored.baseline().risk_score,
            explanation: scored.explanation().into(),
            recommendations: scored.recommendations().to_vec(),
            drivers: Some(scored.drivers().to_vec()),
            baseline: Some(scored.baseline().clone()),
            grade: Some(Grade::Scorecard),
            model_used: "scorecard".into(),
            ..Fields::default()
        },
        Judgement::Model { grounded, answerer, baseline } => {
            let reply = grounded.reply();
            let drivers = reply.drivers().iter().filter_map(|driver| {
                let value = facts.get(&driver.fact)?.clone();
                Some(Driver {
                    fact: driver.fact.clone(),
                    value,
                    effect: driver.effect,
                    because: driver.because.clone(),
                })
            });
            Fields {
                risk_score: reply.risk_score(),
                explanation: reply.explanation().into(),
                recommendations: reply.recommendations().to_vec(),
                drivers: Some(drivers.collect()),
                baseline: Some(baseline.baseline().clone()),
                grade: Some(Grade::Model),
                model_used: answerer.label,
                model_id: Some(answerer.model_id),
                grounding: Some(grounded.grounding().clone()),
                repairs: Some(reply.repairs().to_vec()),
                prompt: Some(answerer.prompt),
                reply: Some(first_bytes(&answerer.reply, REPLY_KEPT_BYTES_MAX).to_owned()),
                ..Fields::default()
            }
        }
    }
}

/// The text's beginning, of at most so many bytes, cut between two characters.
pub(crate) fn first_bytes(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}

impl Insight {
    /// Makes the insight of an alert. `key` is what the first claim fixed: a worker that took over keeps it.
    pub fn new(alert: &Alert<'_>, key: &InsightKey, judgement: Judgement, making: Making) -> Self {
        let Making { run, attempts, degraded, now } = making;
        let alert_type = alert.alert_type();
        let judged = judged(judgement, alert.facts());
        let expires_at = Timestamp::from_secs(now.plus(KEPT).as_secs());
        let fields = Fields {
            schema: Some(SCHEMA),
            alert_id: key.alert_id(),
            entity_id: alert.entity_id().into(),
            entity_type: Some(alert_type.entity().into()),
            severity: Some(alert.severity().into()),
            prediction_type: alert_type.id().into(),
            predicts: Some(alert_type.predicts().into()),
            horizon_days: Some(alert_type.horizon_days()),
            degraded: Some(degraded),
            attempts: Some(attempts),
            run: Some(run),
            facts: Some(alert.facts().clone()),
            message: alert.message().map(str::to_owned),
            alert_timestamp: Some(key.alert_timestamp()),
            timestamp: now,
            occurrences: Some(1),
            last_seen: Some(alert.timestamp().max(key.alert_timestamp())),
            expires_at: Some(expires_at),
            ..judged
        };
        Self { fields: Box::new(fields), key: key.clone(), alert_key: alert.key() }
    }

    /// Where it is stored.
    pub fn key(&self) -> &InsightKey {
        &self.key
    }

    /// What its alert says; its claim stands under this.
    pub fn alert_key(&self) -> AlertKey {
        self.alert_key
    }

    /// When it and its claim are forgotten.
    pub fn expires_at(&self) -> Timestamp {
        self.fields.expires_at.unwrap_or(self.fields.timestamp)
    }

    /// It, as a store that has just stored it gives it back.
    pub fn to_stored(&self) -> StoredInsight {
        StoredInsight(self.fields.clone())
    }
}

impl Deref for Insight {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.fields
    }
}

impl StoredInsight {
    /// It with what the store counts beside it.
    #[must_use]
    pub fn seen(mut self, occurrences: u64, last_seen: Timestamp) -> Self {
        self.0.occurrences = Some(occurrences);
        self.0.last_seen = Some(last_seen);
        self
    }

    /// It with a model's judgement in place of the scorecard's. What counts its repeats stays, the attempts that failed
    /// before stay in front, and so does the time of its end, which is its claim's end too.
    #[must_use]
    pub fn upgraded(&self, insight: &Insight) -> Self {
        let Fields { occurrences, last_seen, expires_at, ref attempts, .. } = *self.0;
        let all = attempts.iter().chain(&insight.attempts).flatten().cloned().collect();
        let attempts = Some(all);
        Self(Box::new(Fields { attempts, occurrences, last_seen, expires_at, ..(*insight.fields).clone() }))
    }

    /// The alert that it was made of, so that it can be judged again. `None` if the alert types of today have no such
    /// type, or other facts, or if the original handler wrote it.
    pub fn to_alert<'t>(&self, types: &'t AlertTypes) -> Option<Alert<'t>> {
        let Fields { entity_id, severity, message, alert_timestamp, facts, .. } = &*self.0;
        let alert_type = types.get(&self.0.prediction_type)?;
        Alert::restored(
            alert_type,
            entity_id,
            severity.as_deref()?,
            message.clone(),
            (*alert_timestamp)?,
            facts.as_ref()?,
        )
    }

    /// Whether a model may still replace it.
    pub fn is_degraded(&self) -> bool {
        self.0.degraded == Some(true)
    }
}

impl Deref for StoredInsight {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

#[cfg(test)]
mod tests;
