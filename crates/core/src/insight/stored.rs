//! An insight as a store returns it: this program's, or one of the original handler's items.

use serde::{Deserialize, Serialize};

use super::{Currency, Disagreement, Insight, InsightFields};
use crate::alert::Alert;
use crate::alert_type::AlertTypes;
use crate::entity::{EntityKey, EntityRow};
use crate::limits::DISAGREEMENT_LISTED_MIN;
use crate::number::Number;
use crate::time::Timestamp;

/// An insight as a store returns it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum StoredInsight {
    /// This program's, which has a `schema`.
    Current(Box<InsightFields>),
    /// The original handler's.
    Original(Box<OriginalInsight>),
}

/// What the original handler wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OriginalInsight {
    /// Ends in 13 digits of milliseconds.
    pub alert_id: String,
    /// The student or subject.
    pub entity_id: String,
    /// The alert type.
    pub prediction_type: String,
    /// 0 to 100.
    pub risk_score: Number,
    /// Why, in sentences.
    pub explanation: String,
    /// What to do.
    pub recommendations: Vec<String>,
    /// When it was made; written without a zone, and read as UTC.
    pub timestamp: Timestamp,
    /// As `bedrock-claude-3.5-haiku`.
    pub model_used: String,
    /// When it is deleted, if the item says so.
    #[serde(skip)]
    pub expires_at: Option<Timestamp>,
}

/// A field that both forms have.
macro_rules! either {
    ($self:ident, $fields:ident => $value:expr) => {
        match $self {
            Self::Current($fields) => $value,
            Self::Original($fields) => $value,
        }
    };
}

impl StoredInsight {
    /// Its id.
    pub fn alert_id(&self) -> &str {
        either!(self, fields => &fields.alert_id)
    }

    /// The student or subject.
    pub fn entity_id(&self) -> &str {
        either!(self, fields => &fields.entity_id)
    }

    /// The alert type.
    pub fn prediction_type(&self) -> &str {
        either!(self, fields => &fields.prediction_type)
    }

    /// 0 to 100.
    pub fn risk_score(&self) -> Number {
        either!(self, fields => fields.risk_score)
    }

    /// The score that decides whether the insight is listed: the greater of the model's and the scorecard's where they
    /// differ by [`DISAGREEMENT_LISTED_MIN`] or more, so that a model's low score hides no alert.
    pub fn listed_score(&self) -> Number {
        let score = self.risk_score();
        let table = self.current().map_or(score, |fields| fields.baseline.risk_score);
        if table.get() - score.get() >= DISAGREEMENT_LISTED_MIN { table } else { score }
    }

    /// How the model and the scorecard disagree, if they do.
    pub fn disagreement(&self) -> Option<Disagreement> {
        self.current().and_then(|fields| fields.disagreement)
    }

    /// Why, in sentences.
    pub fn explanation(&self) -> &str {
        either!(self, fields => &fields.explanation)
    }

    /// The calibrated probability; 0 without a map, because readers that exist expect a number.
    pub fn probability_or_zero(&self) -> f64 {
        let calibrated = self.current().and_then(|fields| fields.calibrated.as_ref());
        calibrated.map_or(0.0, |calibrated| calibrated.probability.get())
    }

    /// What to do.
    pub fn recommendations(&self) -> &[String] {
        either!(self, fields => &fields.recommendations)
    }

    /// When it was made.
    pub fn timestamp(&self) -> Timestamp {
        either!(self, fields => fields.timestamp)
    }

    /// The label of the model that answered, or `scorecard`.
    pub fn model_used(&self) -> &str {
        either!(self, fields => &fields.model_used)
    }

    /// The fields that only this program writes.
    pub fn current(&self) -> Option<&InsightFields> {
        match self {
            Self::Current(fields) => Some(fields),
            Self::Original(_) => None,
        }
    }

    /// When the producer saw the alert.
    pub fn alert_timestamp(&self) -> Option<Timestamp> {
        self.current().map(|fields| fields.alert_timestamp)
    }

    /// When it is deleted.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::Current(fields) => Some(fields.expires_at),
            Self::Original(fields) => fields.expires_at,
        }
    }

    /// The run that made it; empty for the original handler's.
    pub fn run(&self) -> &str {
        self.current().map_or("", |fields| &fields.run)
    }

    /// Whether its entity is held out, so that nobody is notified of it.
    pub fn is_held_out(&self) -> bool {
        self.current().is_some_and(|fields| fields.holdout == Some(true))
    }

    /// Whether a model may still replace it.
    pub fn is_degraded(&self) -> bool {
        self.current().is_some_and(|fields| fields.degraded)
    }

    /// The insight with the repeats that its claim counted. An item of an earlier version counted them itself; the
    /// greater value holds.
    #[must_use]
    pub fn with_repeats(mut self, occurrences: u64, last_seen: Option<Timestamp>) -> Self {
        if let Self::Current(fields) = &mut self {
            fields.occurrences = fields.occurrences.max(occurrences);
            fields.last_seen =
                last_seen.map_or(fields.last_seen, |last_seen| last_seen.max(fields.last_seen));
        }
        self
    }

    /// The insight with a model's judgement in place of the scorecard's. Its repeats stay, the failed attempts stay in
    /// front, and so does its end, which is also its claim's.
    #[must_use]
    pub fn upgraded(&self, insight: &Insight) -> Self {
        let Self::Current(before) = self else { return self.clone() };
        Self::Current(Box::new(InsightFields {
            attempts: [before.attempts.as_slice(), &insight.fields().attempts].concat(),
            occurrences: before.occurrences,
            last_seen: before.last_seen,
            expires_at: before.expires_at,
            ..insight.fields().clone()
        }))
    }

    /// The entity that it is about; `None` for the original handler's, which does not say the entity's type.
    pub fn entity_key(&self) -> Option<EntityKey> {
        self.current().map(|fields| EntityKey::new(&fields.entity_type, &fields.entity_id))
    }

    /// The entity's row with this insight's judgement. `None` if nothing changes, or today's alert types do not have
    /// this type.
    pub fn judge_entity(
        &self,
        before: Option<&EntityRow>,
        types: &AlertTypes,
        now: Timestamp,
    ) -> Option<EntityRow> {
        let fields = self.current()?;
        let judgement = Currency::of(types.get(&fields.prediction_type)?, &fields.facts).judgement(fields);
        EntityRow::judged(before, &self.entity_key()?, &fields.prediction_type, &judgement, now)
    }

    /// The alert that it was made of, so that it can be judged again. `None` if today's alert types do not have this
    /// type, or the type has other facts, or the original handler wrote it.
    pub fn to_alert<'t>(&self, types: &'t AlertTypes) -> Option<Alert<'t>> {
        let fields = self.current()?;
        let alert = Alert::restored(
            types.get(&fields.prediction_type)?,
            &fields.entity_id,
            &fields.severity,
            fields.message.clone(),
            fields.alert_timestamp,
            &fields.facts,
        )?;
        Some(alert.with_origin(fields.event.clone(), fields.stale == Some(true)))
    }
}
