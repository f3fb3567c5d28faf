//! What is known about one entity now: the current judgement of each alert type, how bad the worst is, and who does what
//! about it.
//!
//! A store keeps one [`EntityRow`] for each entity, written in the transaction that stores an insight. Every change of a
//! row is a pure step: a new judgement ([`EntityRow::judged`]), a person's feedback ([`EntityRow::change`]), or a recovery
//! ([`EntityRow::recovered`]).
//!
//! ```text
//!             ┌──────────── a person ─────────────┐        worse, or the time is over
//!   new ──────┼─▶ seen, assigned, snoozed, done ──┼──────────────────────────────▶ new
//!     ▲       └───────────────────────────────────┘
//!     │ relapse                   │ healthy facts, or no alert for long
//!     └─────────────── recovered ◀┘
//! ```
//!
//! Never: reads a clock; a step takes the time.

mod holdout;
mod change;
mod item;
mod history;
mod judged;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;
use sha2::{Digest, Sha256};

pub use change::{FeedbackAction, FeedbackEntry, FeedbackOutcome, FeedbackRequest};
pub use holdout::Holdout;
pub use item::{EarlierJudgement, EntityChange, WorklistItem};

use crate::alert::Facts;
use crate::limits::{RISK_SCORE_MAX, RISK_STEP, RISK_THRESHOLDS, WORKLIST_SHARDS};
use crate::number::Number;
use crate::time::Timestamp;

/// Which entity: a student, a subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EntityKey {
    /// `student`, `subject`.
    pub entity_type: String,
    /// Its id.
    pub entity_id: String,
}

impl EntityKey {
    /// Makes a key.
    pub fn new(entity_type: &str, entity_id: &str) -> Self {
        Self { entity_type: entity_type.to_owned(), entity_id: entity_id.to_owned() }
    }

    /// The part of the worklist's index that the entity is in, while it is open: 0 to 15, by its hash.
    pub fn shard(&self) -> u8 {
        let mut hash = Sha256::new();
        hash.update(self.entity_type.as_bytes());
        hash.update([0]);
        hash.update(self.entity_id.as_bytes());
        hash.finalize().first().map_or(0, |byte| byte % WORKLIST_SHARDS)
    }
}

/// What is known about one entity.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntityRow {
    /// Which entity.
    #[serde(flatten)]
    pub key: EntityKey,
    /// The latest judgement of each alert type, by the type's id.
    pub judgements: BTreeMap<String, CurrentJudgement>,
    /// The highest risk score of the judgements that were current at the time of the latest alert.
    pub worst: Number,
    /// Who does what about it.
    pub state: EntityState,
    /// Who takes care of it.
    pub assignee: Option<String>,
    /// When a snoozed entity returns by itself.
    pub until: Option<Timestamp>,
    /// The note with which a person set the state.
    pub reason: Option<String>,
    /// The latest change by a person.
    pub changed: Option<PersonalChange>,
    /// Why it is on the list again after a person or a recovery closed it.
    pub returned: Option<ReturnReason>,
    /// The worst score that a person knows of; 0 before the first change.
    pub known_worst: Number,
    /// When the present trouble began: the time of its first alert.
    pub opened_at: Timestamp,
    /// When it recovered.
    pub recovered_at: Option<Timestamp>,
    /// Grows with each write.
    pub version: u64,
    /// When the row expires: with the last of its insights.
    pub expires_at: Timestamp,
}

/// Who does what about an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntityState {
    /// Nobody has reacted to it.
    New,
    /// Somebody has looked at it.
    Seen,
    /// Somebody takes care of it.
    Assigned,
    /// It is off the list until a time, or until it gets worse.
    Snoozed,
    /// It is dealt with, and off the list until it gets worse or relapses.
    Done,
    /// Its facts are healthy again, or its producer has been silent for long.
    Recovered,
}

impl EntityState {
    /// As it is stored and shown.
    pub fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Seen => "seen",
            Self::Assigned => "assigned",
            Self::Snoozed => "snoozed",
            Self::Done => "done",
            Self::Recovered => "recovered",
        }
    }

    /// Whether somebody may still have to act.
    pub fn is_open(self) -> bool {
        match self {
            Self::New | Self::Seen | Self::Assigned | Self::Snoozed => true,
            Self::Done | Self::Recovered => false,
        }
    }
}

/// Why an entity is on the list again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReturnReason {
    /// Its risk rose by a step or crossed a threshold.
    Worse,
    /// It had recovered.
    Relapse,
    /// The time for which it was snoozed is over.
    Snoozed,
}

/// The latest judgement of one alert type about an entity.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurrentJudgement {
    /// The insight's id.
    pub alert_id: String,
    /// The insight's score.
    pub risk_score: Number,
    /// The scorecard's score.
    pub baseline: Number,
    /// What the score means as a probability, where there is a map for it.
    pub probability: Option<Number>,
    /// What is at stake, if the alert says it.
    pub value: Option<Number>,
    /// The producer's severity.
    pub severity: String,
    /// The first recommendation.
    pub advice: Option<String>,
    /// What the alert said.
    pub facts: Facts,
    /// Whether every fact is as good as the alert type calls healthy.
    pub healthy: bool,
    /// When the producer saw it.
    pub alert_timestamp: Timestamp,
    /// When the insight was made.
    pub timestamp: Timestamp,
    /// From then on it is no longer current if no newer alert has come: the end of the repeat window, and the type's
    /// `quiet_after`.
    pub quiet_at: Timestamp,
    /// The type's `quiet_after`, in seconds.
    pub quiet_after_secs: u64,
    /// When its insight expires.
    pub expires_at: Timestamp,
    /// The judgement before this one, of the same type.
    pub previous: Option<PreviousJudgement>,
    /// The scores of the latest judgements of the type, the oldest first and this one last, one for each second. A row of an
    /// earlier version has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<ScoreAt>,
}

/// A score at the time of its alert, in seconds since 1970: `[1735732800, 63]`. A row has many of them, so they are short.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ScoreAt(i64, Number);

impl ScoreAt {
    /// The score of an alert of this time.
    pub fn new(at: Timestamp, score: Number) -> Self {
        Self(at.as_secs(), score)
    }

    /// The alert's time, to the second.
    pub fn at(self) -> Timestamp {
        Timestamp::from_secs(self.0)
    }

    /// The score.
    pub fn score(self) -> Number {
        self.1
    }
}

/// What the judgement before the current one said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreviousJudgement {
    /// The insight's id.
    pub alert_id: String,
    /// Its score.
    pub risk_score: Number,
    /// What its alert said.
    pub facts: Facts,
    /// When the producer saw it.
    pub alert_timestamp: Timestamp,
}

/// A change of an entity's state by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalChange {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The id of the feedback, which distinguishes it from every other.
    pub id: String,
    /// The row's version after it.
    pub version: u64,
}

impl CurrentJudgement {
    /// Its score with its severity, and the score of the judgement before it, whose severity is not known.
    pub fn recent(&self) -> impl Iterator<Item = (Number, Option<&String>)> {
        let previous = self.previous.iter().map(|previous| (previous.risk_score, None));
        previous.chain([(self.risk_score, Some(&self.severity))])
    }

    /// Whether it is still a reason to act at this time.
    pub fn is_current(&self, at: Timestamp) -> bool {
        !self.healthy && at < self.quiet_at
    }

    /// The time from which it is no longer current, if `last_seen` is the time of the latest alert that says the same.
    pub fn quiet_after(&self, last_seen: Timestamp) -> Timestamp {
        last_seen.plus(Duration::from_secs(self.quiet_after_secs)).min(self.quiet_at)
    }
}

impl EntityRow {
    /// The part of the worklist's index that it is in; `None` if it is closed.
    pub fn open_shard(&self) -> Option<u8> {
        self.state.is_open().then(|| self.key.shard())
    }

    /// Whether it belongs on the list at this time: it is open, not snoozed, and has a current judgement.
    pub fn is_listed(&self, at: Timestamp) -> bool {
        let is_snoozed = self.state == EntityState::Snoozed && self.until.is_none_or(|until| at < until);
        self.state.is_open() && !is_snoozed && !self.is_recovered(at)
    }

    /// Whether none of its judgements is current at this time.
    pub fn is_recovered(&self, at: Timestamp) -> bool {
        !self.judgements.values().any(|judgement| judgement.is_current(at))
    }

    /// The current judgement with the highest score, with its alert type. Of equal scores, the newer one.
    pub fn worst_judgement(&self, at: Timestamp) -> Option<(&str, &CurrentJudgement)> {
        let current = self.judgements.iter().filter(|(_, judgement)| judgement.is_current(at));
        let worst = current.max_by(|(_, one), (_, other)| {
            let order = one.risk_score.get().total_cmp(&other.risk_score.get());
            order.then(one.alert_timestamp.cmp(&other.alert_timestamp))
        });
        worst.map(|(alert_type, judgement)| (alert_type.as_str(), judgement))
    }

    /// The state at this time. It may differ from the stored one until the next sweep.
    pub fn state_at(&self, at: Timestamp) -> EntityState {
        if self.state.is_open() && self.is_recovered(at) {
            EntityState::Recovered
        } else if self.state == EntityState::Snoozed && self.until.is_some_and(|until| until <= at) {
            EntityState::New
        } else {
            self.state
        }
    }

    /// Its place in the worklist: the highest score first, then by key.
    pub fn place(&self) -> WorklistPlace {
        WorklistPlace { worst: self.worst, key: self.key.clone() }
    }

    /// The time of the latest alert.
    pub fn latest_alert(&self) -> Timestamp {
        let times = self.judgements.values().map(|judgement| judgement.alert_timestamp);
        times.max().unwrap_or(Timestamp::EPOCH)
    }

    /// What is at stake, as the latest current alert says it that says it.
    pub fn value(&self, at: Timestamp) -> Option<Number> {
        let current = self.judgements.values().filter(|judgement| judgement.is_current(at));
        let stated = current.filter_map(|each| Some((each.alert_timestamp, each.value?)));
        stated.max_by_key(|(at, _)| *at).map(|(_, value)| value)
    }

    /// The value times the probability of the worst judgement. `None` if either is not known: a risk score is not a
    /// probability.
    pub fn value_at_stake(&self, at: Timestamp) -> Option<Number> {
        let probability = self.worst_judgement(at)?.1.probability?;
        Number::new(self.value(at)?.get() * probability.get())
    }

    /// The order by value, for a list: the value in proportion to the probability, or to the risk score where there is no
    /// probability. It is not an amount: it only compares entities. Without a value it is zero.
    pub fn value_order(&self, at: Timestamp) -> f64 {
        let Some(value) = self.value(at) else { return 0.0 };
        let risk = self.worst_judgement(at).map_or(0.0, |(_, worst)| {
            worst.probability.map_or(worst.risk_score.get() / RISK_SCORE_MAX, Number::get)
        });
        value.get() * risk
    }

    fn worst_score(&self, at: Timestamp) -> Number {
        self.worst_judgement(at).map_or(Number::from(0), |(_, judgement)| judgement.risk_score)
    }
}

/// The place of an entity in the worklist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorklistPlace {
    /// Its worst score.
    pub worst: Number,
    /// Which entity.
    pub key: EntityKey,
}

impl WorklistPlace {
    /// The order of the list: the highest score first.
    pub fn order(&self, other: &Self) -> std::cmp::Ordering {
        other.worst.get().total_cmp(&self.worst.get()).then_with(|| self.key.cmp(&other.key))
    }
}

/// Whether a risk is worse than the one that a person knows of: by [`RISK_STEP`], or past a threshold.
fn is_worse(known: Number, score: Number) -> bool {
    let (known, score) = (known.get(), score.get());
    score >= known + RISK_STEP
        || RISK_THRESHOLDS.iter().any(|threshold| (known < *threshold) && score >= *threshold)
}

#[cfg(test)]
mod tests;
