//! The insight: what Portend says about an alert, checked, explained and with its evidence.
//!
//! An [`Insight`] is made by [`Insight::new`] alone, from a [`Judgement`] of an alert. A [`StoredInsight`] is what a store
//! returns, also of items that the original handler wrote.
//!
//! Never: fills a field only to have it filled. What is absent is absent.

mod second_opinion;
mod judgement;
mod disagreement;
mod stored;

use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use serde_with::skip_serializing_none;

pub use disagreement::Disagreement;
pub use judgement::{AnswerSource, DegradedBy, Judgement, PromptRef, Provenance};
pub(crate) use second_opinion::NO_NEXT_MODEL;
pub use second_opinion::{SecondOpinion, Verification, VerificationResult};
pub use stored::{OriginalInsight, StoredInsight};

use crate::alert::{Alert, AlertKey, EventOrigin, Facts, InsightKey};
use crate::alert_type::{AlertType, FactValue};
use crate::calibration::{CalibratedScore, CalibrationMaps, ScoreSource};
use crate::driver::Driver;
use crate::entity::{CurrentJudgement, EntityKey, EntityRow};
use crate::grounding::GroundingReport;
use crate::limits::RETENTION;
use crate::number::Number;
use crate::reply::Repair;
use crate::scorecard::Baseline;
use crate::time::Timestamp;

/// The version of the insight's JSON. A reader that knows it can read every field of [`InsightFields`].
pub const SCHEMA: u32 = 1;

/// An insight that has been made and not yet stored.
#[derive(Debug, Clone)]
pub struct Insight {
    fields: Box<InsightFields>,
    key: InsightKey,
    alert_key: AlertKey,
    currency: Currency,
}

/// What decides how long an insight's judgement is current.
#[derive(Debug, Clone, Copy)]
struct Currency {
    healthy: bool,
    repeat_window: Duration,
    quiet_after: Duration,
    /// What is at stake.
    value: Option<Number>,
}

impl Currency {
    fn of(alert_type: &AlertType, facts: &Facts) -> Self {
        Self {
            healthy: alert_type.is_healthy(|fact| facts.get(fact)),
            repeat_window: alert_type.repeat_window(),
            quiet_after: alert_type.quiet_after(),
            value: alert_type.facts().iter().filter(|fact| fact.is_at_stake()).find_map(|fact| {
                match facts.get(fact.id())? {
                    FactValue::Number(value) => Some(*value),
                    FactValue::Flag(_) | FactValue::Word(_) => None,
                }
            }),
        }
    }

    /// The judgement of an insight, as its entity's row has it.
    fn judgement(self, fields: &InsightFields) -> CurrentJudgement {
        // A repeat within the window is counted elsewhere, so the silence begins at the window's end.
        let window = i64::try_from(self.repeat_window.as_millis()).unwrap_or(i64::MAX);
        let seen = fields.alert_timestamp;
        let window_end = match window {
            0 => seen,
            _ => Timestamp::from_millis((seen.as_millis().div_euclid(window) + 1).saturating_mul(window)),
        };
        CurrentJudgement {
            alert_id: fields.alert_id.clone(),
            risk_score: fields.risk_score,
            baseline: fields.baseline.risk_score,
            value: self.value,
            probability: fields.calibrated.as_ref().map(|calibrated| calibrated.probability),
            severity: fields.severity.clone(),
            advice: fields.recommendations.first().cloned(),
            facts: fields.facts.clone(),
            healthy: self.healthy,
            alert_timestamp: seen,
            timestamp: fields.timestamp,
            quiet_at: window_end.plus(self.quiet_after),
            quiet_after_secs: self.quiet_after.as_secs(),
            expires_at: fields.expires_at,
            previous: None,
            scores: Vec::new(),
        }
    }
}

/// The insight's JSON, schema 1. The original handler wrote `alert_id`, `entity_id`, `prediction_type`, `risk_score`,
/// `explanation`, `recommendations`, `timestamp` and `model_used`, with these names and types.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InsightFields {
    /// [`SCHEMA`].
    pub schema: u32,
    /// `{alert_type}_{entity_id}_{alert timestamp, ms}_{8 hex}`.
    pub alert_id: String,
    /// The student or subject.
    pub entity_id: String,
    /// `student`, `subject`.
    pub entity_type: String,
    /// The producer's severity.
    pub severity: String,
    /// The alert type.
    pub prediction_type: String,
    /// What the score measures.
    pub predicts: String,
    /// How far ahead it looks.
    pub horizon_days: u32,
    /// 0 to 100.
    pub risk_score: Number,
    /// What the score means as a probability, where there is a map for it.
    pub calibrated: Option<CalibratedScore>,
    /// Why, in sentences.
    pub explanation: String,
    /// What to do: two or three lines.
    pub recommendations: Vec<String>,
    /// The facts that move the score.
    pub drivers: Vec<Driver>,
    /// The scorecard's sum, also beside a model's score.
    pub baseline: Baseline,
    /// By how much the model's score and the scorecard's differ. Absent if they are close, or without a model.
    pub disagreement: Option<Disagreement>,
    /// The further answers to the same question, if its type asks for them.
    pub second_opinion: Option<SecondOpinion>,
    /// Who judged.
    pub grade: Grade,
    /// Whether a configured model failed, so that an upgrade may follow.
    pub degraded: bool,
    /// Why no model answered, if it is degraded; absent from insights of an earlier program.
    pub degraded_by: Option<DegradedBy>,
    /// The label of the model that answered, or `scorecard`.
    pub model_used: String,
    /// The model that answered; absent for a scorecard's insight, as are the next four.
    pub model_id: Option<String>,
    /// Every model call that was made for it, or the earlier answer that was used instead.
    pub attempts: Vec<AttemptRecord>,
    /// What was found of the numbers in the model's sentences.
    pub grounding: Option<GroundingReport>,
    /// The repairs that the model's reply needed.
    pub repairs: Option<Vec<Repair>>,
    /// The prompt that was asked.
    pub prompt: Option<PromptRef>,
    /// The model's reply as received, at most its first 8 KiB.
    pub reply: Option<String>,
    /// A random id, which the log lines of this run carry.
    pub run: String,
    /// The version of the alert type's facts; absent from insights of an earlier program.
    pub facts_version: Option<String>,
    /// The version of the alert type's points; absent from insights of an earlier program.
    pub points_version: Option<String>,
    /// What the alert said.
    pub facts: Facts,
    /// The optional facts that the alert did not say.
    pub unknowns: Option<Vec<String>>,
    /// What in the facts contradicts what, in sentences.
    pub conflicts: Option<Vec<String>>,
    /// `true` if its entity is held out: nobody is notified of the insight, so that what happens without a notification is
    /// known.
    pub holdout: Option<bool>,
    /// `true` if the alert was older than its type's `stale_after` when it was received.
    pub stale: Option<bool>,
    /// The envelope of the alert's event, if there was one.
    pub event: Option<EventOrigin>,
    /// The producer's sentence, if it sent one.
    pub message: Option<String>,
    /// When the producer saw it.
    pub alert_timestamp: Timestamp,
    /// When the insight was made.
    pub timestamp: Timestamp,
    /// How many alerts said this.
    pub occurrences: u64,
    /// The timestamp of the latest of them.
    pub last_seen: Timestamp,
    /// When it is deleted, to the second.
    #[serde(serialize_with = "in_seconds")]
    pub expires_at: Timestamp,
}

impl InsightFields {
    /// The earlier answer that was used for it, if one was.
    pub fn reused(&self) -> Option<&ReusedAnswer> {
        self.attempts.iter().find_map(|attempt| attempt.reused.as_ref())
    }

    /// The model calls that were made for it.
    pub fn calls_made(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.reused.is_none()).count()
    }
}

/// Who judged an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// A language model, whose reply was checked.
    Model,
    /// A language model, whose score the next model doubts. It is lower than [`Grade::Model`].
    Doubted,
    /// Arithmetic over the facts.
    Scorecard,
}

impl Grade {
    /// Whether a model's reply is the judgement.
    pub fn is_of_model(self) -> bool {
        match self {
            Self::Model | Self::Doubted => true,
            Self::Scorecard => false,
        }
    }

    /// As in the insight's JSON.
    pub fn code(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Doubted => "doubted",
            Self::Scorecard => "scorecard",
        }
    }
}

/// One call to a model, as its insight shows it.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// The model's name in the chain.
    pub model: String,
    /// The model that answered, as the response says; otherwise the one that was asked.
    pub model_id: String,
    /// The model id that was asked, if the response says another.
    pub asked: Option<String>,
    /// `accepted`, `reused`, or a reason code.
    pub outcome: String,
    /// Whether there was a usable reply; `None` if there was no reply, or a refusal. It is not stored.
    #[serde(skip)]
    pub is_usable: Option<bool>,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// Tokens of the request, if the response says them.
    pub input_tokens: Option<u64>,
    /// The part of them that was read from the vendor's prompt cache, if the response says it.
    pub cached_tokens: Option<u64>,
    /// Tokens of the reply, if the response says them.
    pub output_tokens: Option<u64>,
    /// What it cost, in US dollars, if the price and the tokens are known.
    pub cost_usd: Option<Number>,
    /// What is wrong with a rejected reply, as a re-ask says it.
    pub violations: Option<String>,
    /// A rejected reply's first 2 KiB, as received.
    pub reply: Option<String>,
    /// The earlier answer that was used instead of a call.
    pub reused: Option<ReusedAnswer>,
}

/// An earlier answer that was used again: the one to the same question, of the same model.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReusedAnswer {
    /// The run that asked the model.
    pub run: String,
    /// When the model answered.
    pub timestamp: Timestamp,
    /// What that answer cost, in US dollars, and this one did not.
    pub cost_usd: Option<Number>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's own form")]
fn in_seconds<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.to_seconds_string())
}

/// The texts, if there are any.
fn listed(texts: Vec<&str>) -> Option<Vec<String>> {
    let texts: Vec<_> = texts.into_iter().map(str::to_owned).collect();
    (!texts.is_empty()).then_some(texts)
}

impl InsightFields {
    /// Which scores its score is one of. Scores of different sources are never judged together.
    pub fn score_source(&self) -> ScoreSource {
        let prompt = match self.grade {
            Grade::Scorecard => self.points_version.clone(),
            Grade::Model | Grade::Doubted => self.prompt.as_ref().and_then(|prompt| prompt.template.clone()),
        };
        ScoreSource {
            alert_type: self.prediction_type.clone(),
            model_used: self.model_used.clone(),
            model_id: self.model_id.clone(),
            prompt,
        }
    }
}

impl Insight {
    /// Makes the insight of an alert. `key` is what the first claim fixed: a worker that took over uses the same one.
    pub fn new(alert: &Alert<'_>, key: &InsightKey, judgement: Judgement, provenance: Provenance) -> Self {
        let Provenance { run, attempts, degraded, now } = provenance;
        let alert_type = alert.alert_type();
        let judged = judgement.into_judged(alert.facts());
        let disagreement = Disagreement::between(&judged);
        let fields = InsightFields {
            schema: SCHEMA,
            alert_id: key.alert_id(),
            entity_id: alert.entity_id().into(),
            entity_type: alert_type.entity().into(),
            severity: alert.severity().into(),
            prediction_type: alert_type.id().into(),
            predicts: alert_type.predicts().into(),
            horizon_days: alert_type.horizon_days(),
            risk_score: judged.risk_score,
            calibrated: None,
            explanation: judged.explanation,
            recommendations: judged.recommendations,
            drivers: judged.drivers,
            disagreement,
            second_opinion: judged.second_opinion,
            baseline: judged.baseline,
            grade: judged.grade,
            degraded: degraded.is_some(),
            degraded_by: degraded,
            model_used: judged.model_used,
            model_id: judged.model_id,
            attempts,
            grounding: judged.grounding,
            repairs: judged.repairs,
            prompt: judged.prompt,
            reply: judged.reply,
            run,
            facts_version: Some(alert_type.facts_version()),
            points_version: Some(alert_type.points_version()),
            facts: alert.facts().clone(),
            unknowns: listed(alert.facts().unknowns(alert_type)),
            conflicts: listed(alert.conflicts()),
            holdout: None,
            stale: alert.is_stale().then_some(true),
            event: alert.origin().cloned(),
            message: alert.message().map(str::to_owned),
            alert_timestamp: key.alert_timestamp(),
            timestamp: now,
            occurrences: 1,
            last_seen: alert.timestamp().max(key.alert_timestamp()),
            expires_at: Timestamp::from_secs(now.plus(RETENTION).as_secs()),
        };
        let currency = Currency::of(alert_type, alert.facts());
        Self { fields: Box::new(fields), key: key.clone(), alert_key: alert.key(), currency }
    }

    /// The same insight under a longer key, because another alert has its own.
    #[must_use]
    pub fn with_longer_key(mut self) -> Self {
        self.key = self.key.longer(self.alert_key);
        self.fields.alert_id = self.key.alert_id();
        self
    }

    /// The same insight with what its score means as a probability. The score itself stays.
    #[must_use]
    pub fn with_calibration(mut self, maps: &CalibrationMaps) -> Self {
        let map = maps.get(&self.fields.score_source());
        self.fields.calibrated = map.and_then(|map| map.apply(self.fields.risk_score));
        self
    }

    /// The same insight of an entity that is held out, or of one that is not.
    #[must_use]
    pub fn held_out(mut self, is_held_out: bool) -> Self {
        self.fields.holdout = is_held_out.then_some(true);
        self
    }

    /// What it says.
    pub fn fields(&self) -> &InsightFields {
        &self.fields
    }

    /// Whether every fact is as good as the alert type calls healthy.
    pub fn is_healthy(&self) -> bool {
        self.currency.healthy
    }

    /// The key that it is stored under.
    pub fn key(&self) -> &InsightKey {
        &self.key
    }

    /// What its alert says; the key of its claim.
    pub fn alert_key(&self) -> AlertKey {
        self.alert_key
    }

    /// The earlier answer that was used for it, if one was.
    pub fn reused(&self) -> Option<&ReusedAnswer> {
        self.fields.reused()
    }

    /// The entity that it is about.
    pub fn entity_key(&self) -> EntityKey {
        EntityKey::new(&self.fields.entity_type, &self.fields.entity_id)
    }

    /// The entity's row with this insight's judgement. `stored` is what is stored under the insight's key: after an
    /// upgrade, not exactly this insight. `None` if nothing changes.
    pub fn judge_entity(
        &self,
        stored: &InsightFields,
        before: Option<&EntityRow>,
        now: Timestamp,
    ) -> Option<EntityRow> {
        let judgement = self.currency.judgement(stored);
        EntityRow::judged(before, &self.entity_key(), &stored.prediction_type, &judgement, now)
    }

    /// As a store returns it that has just stored it.
    pub fn to_stored(&self) -> StoredInsight {
        StoredInsight::Current(self.fields.clone())
    }
}

#[cfg(test)]
mod tests;
