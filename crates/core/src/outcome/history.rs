//! What happened to entities, to be looked up: which insight is judged by which outcome, and which is not judged yet or at
//! all.
//!
//! An insight at `t0` with the horizon H has exactly one state, so that the five counts add up to the insights:
//!
//! | state | when | counts as |
//! |---|---|---|
//! | gone | the event happened at or before `t0` | |
//! | pending | the time to know, less the report lag, is before `t0 + H`, even if the event is known already | |
//! | yes | the event happened after `t0` and at the latest at `t0 + H` | 1 |
//! | no | somebody looked until `t0 + H` or longer, and the event did not happen | 0 |
//! | unknown | `t0 + H` is over, and nobody looked so far | |
//!
//! Never: takes the absence of an event for a negative, or judges early what happens to be known early.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::{OutcomeFact, OutcomeRow};
use crate::time::Timestamp;

/// What an insight said, as far as an outcome can judge it.
#[derive(Debug, Clone, PartialEq)]
pub struct InsightClaim {
    /// The insight.
    pub alert_id: String,
    /// The kind of entity.
    pub entity_type: String,
    /// Whom it is about.
    pub entity_id: String,
    /// The event that it predicts.
    pub predicts: String,
    /// The time of its alert.
    pub t0: Timestamp,
    /// How far it looks ahead.
    pub horizon: Duration,
    /// The risk score, 0 to 100.
    pub score: f64,
    /// The scorecard's score, where a model gave the risk score.
    pub baseline: Option<f64>,
    /// Whether nobody was notified, because the entity is held out.
    pub is_held_out: bool,
}

/// Whether the event of a claim about the future happened, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeState {
    /// It is too early to judge.
    Pending,
    /// The event happened within the horizon.
    Yes,
    /// It did not, and somebody looked.
    No,
    /// It had happened before.
    Gone,
    /// Nobody looked long enough.
    Unknown,
}

/// Until when outcomes count.
#[derive(Debug, Clone, Copy)]
pub struct Cutoff {
    /// The time at which the question is asked.
    pub now: Timestamp,
    /// How long an event takes to be reported.
    pub report_lag: Duration,
}

/// What happened to every entity, to be looked up.
#[derive(Debug, Default)]
pub struct OutcomeIndex {
    /// By entity type, entity and outcome.
    events: BTreeMap<(String, String, String), EventHistory>,
    /// By entity type and outcome: until when somebody looked at everyone.
    census: BTreeMap<(String, String), Timestamp>,
    /// By entity type and entity, in ascending order.
    acts: BTreeMap<(String, String), Vec<Timestamp>>,
}

/// One event of one entity.
#[derive(Debug, Default)]
struct EventHistory {
    /// In ascending order.
    at: Vec<Timestamp>,
    followed_until: Option<Timestamp>,
}

impl OutcomeIndex {
    /// Takes every row that is stored.
    pub fn new<'a>(rows: impl IntoIterator<Item = &'a OutcomeRow>) -> Self {
        let mut index = Self::default();
        for row in rows {
            match (&row.fact, &row.entity_id) {
                (OutcomeFact::Event(event), Some(entity_id)) => {
                    let key = (row.entity_type.clone(), entity_id.clone(), event.outcome.clone());
                    let history = index.events.entry(key).or_default();
                    history.at.extend(event.at);
                    history.followed_until = history.followed_until.max(event.followed_until);
                }
                (OutcomeFact::Event(event), None) => {
                    let until = event.followed_until.unwrap_or(Timestamp::EPOCH);
                    let latest =
                        index.census.entry((row.entity_type.clone(), event.outcome.clone())).or_insert(until);
                    *latest = (*latest).max(until);
                }
                (OutcomeFact::Act(act), Some(entity_id)) => {
                    let key = (row.entity_type.clone(), entity_id.clone());
                    index.acts.entry(key).or_default().push(act.at);
                }
                // A census of acts is not a row.
                (OutcomeFact::Act(_), None) => {}
            }
        }
        index.events.values_mut().for_each(|history| history.at.sort_unstable());
        index.acts.values_mut().for_each(|acts| acts.sort_unstable());
        index
    }

    /// The state of a claim.
    pub fn state(&self, claim: &InsightClaim, cutoff: Cutoff) -> OutcomeState {
        let key = (claim.entity_type.clone(), claim.entity_id.clone(), claim.predicts.clone());
        let history = self.events.get(&key);
        let events = history.map(|history| history.at.as_slice()).unwrap_or_default();
        let end = claim.t0.plus(claim.horizon);
        if events.first().is_some_and(|first| *first <= claim.t0) {
            return OutcomeState::Gone;
        }
        if cutoff.now.minus(cutoff.report_lag) < end {
            return OutcomeState::Pending;
        }
        if let Some(first) = events.first() {
            // Until its first event, an entity was followed: otherwise nobody would know of it.
            return if *first <= end { OutcomeState::Yes } else { OutcomeState::No };
        }
        let census = self.census.get(&(claim.entity_type.clone(), claim.predicts.clone())).copied();
        let followed = history.and_then(|history| history.followed_until).max(census);
        if followed.is_some_and(|followed| end <= followed) {
            OutcomeState::No
        } else {
            OutcomeState::Unknown
        }
    }

    /// Whether somebody acted after `t0` and within the horizon.
    pub fn acted(&self, claim: &InsightClaim) -> bool {
        let acts = self.acts.get(&(claim.entity_type.clone(), claim.entity_id.clone()));
        let end = claim.t0.plus(claim.horizon);
        acts.is_some_and(|acts| acts.iter().any(|at| claim.t0 < *at && *at <= end))
    }

    /// Whether anybody acted on anything.
    pub fn has_acts(&self) -> bool {
        !self.acts.is_empty()
    }
}

impl OutcomeState {
    /// Whether the event happened, if the claim counts.
    pub fn event(self) -> Option<bool> {
        match self {
            Self::Yes => Some(true),
            Self::No => Some(false),
            Self::Pending | Self::Gone | Self::Unknown => None,
        }
    }
}
