//! An entity as a list shows it: its worst current judgement, and what has changed since the one before.
//!
//! Never: changes an entity.

use serde::Serialize;
use serde_with::skip_serializing_none;

use super::{CurrentJudgement, EntityRow, EntityState, PersonalChange, ReturnReason, ScoreAt};
use crate::alert_type::FactValue;
use crate::number::Number;
use crate::time::Timestamp;

/// One line of the worklist.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorklistItem {
    /// Which entity.
    pub entity_type: String,
    /// Its id.
    pub entity_id: String,
    /// Who does what about it.
    pub state: EntityState,
    /// The score of the worst current judgement.
    pub risk_score: Number,
    /// What is at stake, if an alert says it.
    pub value: Option<Number>,
    /// The value times the probability, where both are known.
    pub value_at_stake: Option<Number>,
    /// Its insight.
    pub alert_id: String,
    /// Its alert type.
    pub alert_type: String,
    /// Its producer's severity.
    pub severity: String,
    /// When the producer saw it.
    pub alert_timestamp: Timestamp,
    /// The present trouble: every alert of the entity until it recovers belongs to the same case.
    pub case: String,
    /// The judgement before the worst one, of the same alert type, without its facts.
    pub previous: Option<EarlierJudgement>,
    /// When the present trouble began.
    pub opened_at: Timestamp,
    /// What changed since the judgement before, the most important first. Empty if it says the same.
    pub changes: Vec<EntityChange>,
    /// How many alerts said what the worst judgement says; absent if that was not read.
    pub occurrences: Option<u64>,
    /// The time of the latest of them.
    pub last_seen: Option<Timestamp>,
    /// What to do first.
    pub advice: Option<String>,
    /// Who takes care of it.
    pub assignee: Option<String>,
    /// When a snoozed entity returns.
    pub until: Option<Timestamp>,
    /// The note with which the state was set.
    pub reason: Option<String>,
    /// The latest change by a person.
    pub changed: Option<PersonalChange>,
    /// The scores of the worst alert type's latest judgements, the oldest first, each with its time in seconds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<ScoreAt>,
    /// The alert types with a current judgement.
    pub alert_types: Vec<String>,
    /// The version to send with a change, so that a change by somebody else in between is a conflict.
    pub version: u64,
}

/// The judgement before the current one, as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EarlierJudgement {
    /// The insight's id.
    pub alert_id: String,
    /// Its score.
    pub risk_score: Number,
    /// When the producer saw it.
    pub alert_timestamp: Timestamp,
}

/// What changed since the judgement before.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum EntityChange {
    /// It is on the list again.
    Returned {
        /// Why.
        why: ReturnReason,
    },
    /// An alert type is new for this entity.
    NewAlertType {
        /// The type.
        alert_type: String,
    },
    /// The score of the worst judgement.
    Score {
        /// Before.
        from: Number,
        /// Now.
        to: Number,
    },
    /// A fact of the worst judgement.
    Fact {
        /// The fact's id.
        fact: String,
        /// Before.
        from: FactValue,
        /// Now.
        to: FactValue,
    },
}

impl EntityRow {
    /// The entity as a list shows it at this time. `None` if it has no current judgement.
    pub fn item(&self, at: Timestamp) -> Option<WorklistItem> {
        let (alert_type, worst) = self.worst_judgement(at)?;
        let current = self.judgements.iter().filter(|(_, judgement)| judgement.is_current(at));
        Some(WorklistItem {
            entity_type: self.key.entity_type.clone(),
            entity_id: self.key.entity_id.clone(),
            state: self.state_at(at),
            risk_score: worst.risk_score,
            value: self.value(at),
            value_at_stake: self.value_at_stake(at),
            alert_id: worst.alert_id.clone(),
            alert_type: alert_type.to_owned(),
            severity: worst.severity.clone(),
            alert_timestamp: worst.alert_timestamp,
            case: self.case(),
            previous: worst.previous.as_ref().map(|previous| EarlierJudgement {
                alert_id: previous.alert_id.clone(),
                risk_score: previous.risk_score,
                alert_timestamp: previous.alert_timestamp,
            }),
            opened_at: self.opened_at,
            changes: self.changes(at, worst),
            occurrences: None,
            last_seen: None,
            advice: worst.advice.clone(),
            assignee: self.assignee.clone(),
            until: self.until,
            reason: self.reason.clone(),
            changed: self.changed.clone(),
            scores: worst.scores.clone(),
            alert_types: current.map(|(alert_type, _)| alert_type.clone()).collect(),
            version: self.version,
        })
    }

    /// The id of the present trouble: the entity, and when the trouble began.
    pub fn case(&self) -> String {
        format!("{}_{}_{}", self.key.entity_type, self.key.entity_id, self.opened_at.as_millis())
    }

    fn changes(&self, at: Timestamp, worst: &CurrentJudgement) -> Vec<EntityChange> {
        let mut changes: Vec<_> =
            self.returned.map(|why| EntityChange::Returned { why }).into_iter().collect();
        // The first type of a trouble is not news beside the trouble itself.
        let joined = self.judgements.iter().filter(|(_, each)| {
            each.is_current(at) && each.previous.is_none() && each.alert_timestamp > self.opened_at
        });
        changes.extend(joined.map(|(id, _)| EntityChange::NewAlertType { alert_type: id.clone() }));
        let Some(previous) = &worst.previous else { return changes };
        if previous.risk_score != worst.risk_score {
            changes.push(EntityChange::Score { from: previous.risk_score, to: worst.risk_score });
        }
        let facts = worst.facts.iter().filter_map(|(fact, to)| {
            let from = previous.facts.get(fact).filter(|from| *from != to)?;
            Some(EntityChange::Fact { fact: fact.to_owned(), from: from.clone(), to: to.clone() })
        });
        changes.extend(facts);
        changes
    }
}

impl WorklistItem {
    /// The item with how often its insight was said, and when last.
    #[must_use]
    pub fn with_repeats(self, occurrences: u64, last_seen: Timestamp) -> Self {
        Self { occurrences: Some(occurrences), last_seen: Some(last_seen), ..self }
    }
}
