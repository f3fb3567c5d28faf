//! Joins insights with outcomes: which insight is judged by which outcome, and which is not judged yet or at all.
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

use portend_core::outcome::{OutcomeFact, OutcomeRow};
use portend_core::time::Timestamp;
use serde::Serialize;

use crate::rows::ScoredRow;

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

/// What became of an insight's claim.
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

/// How many insights are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StateCounts {
    /// It is too early to judge.
    pub pending: usize,
    /// The event happened within the horizon.
    pub yes: usize,
    /// It did not, and somebody looked.
    pub no: usize,
    /// It had happened before.
    pub gone: usize,
    /// Nobody looked long enough.
    pub unknown: usize,
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

impl StateCounts {
    /// Counts one more.
    pub fn add(&mut self, state: OutcomeState) {
        match state {
            OutcomeState::Pending => self.pending += 1,
            OutcomeState::Yes => self.yes += 1,
            OutcomeState::No => self.no += 1,
            OutcomeState::Gone => self.gone += 1,
            OutcomeState::Unknown => self.unknown += 1,
        }
    }

    /// All of them.
    pub fn total(&self) -> usize {
        self.pending + self.yes + self.no + self.gone + self.unknown
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

/// Which claims become rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowChoice {
    /// For each entity, the first claim that counts in each window of one horizon.
    FirstOfWindow,
    /// Every claim that counts.
    All,
}

/// The claims that count, with what happened. They must all be about the same event.
pub fn judged<'c>(
    claims: impl IntoIterator<Item = (&'c InsightClaim, OutcomeState)>,
    choice: RowChoice,
) -> Vec<(&'c InsightClaim, bool)> {
    let mut counted: Vec<(&InsightClaim, bool)> =
        claims.into_iter().filter_map(|(claim, state)| Some((claim, state.event()?))).collect();
    counted.sort_by(|(a, _), (b, _)| (a.t0, &a.alert_id).cmp(&(b.t0, &b.alert_id)));
    if choice == RowChoice::All {
        return counted;
    }
    let mut free_from: BTreeMap<(&str, &str), Timestamp> = BTreeMap::new();
    counted.retain(|(claim, _)| {
        let key = (claim.entity_type.as_str(), claim.entity_id.as_str());
        let is_free = free_from.get(&key).is_none_or(|from| claim.t0 >= *from);
        if is_free {
            free_from.insert(key, claim.t0.plus(claim.horizon));
        }
        is_free
    });
    counted
}

/// A judged claim as a row for the figures.
pub fn scored(claim: &InsightClaim, event: bool) -> ScoredRow {
    ScoredRow { score: claim.score, baseline: claim.baseline, event, entity: Some(claim.entity_id.clone()) }
}

#[cfg(test)]
mod tests {
    use portend_core::outcome::OutcomeEvent;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn day(number: u32) -> Timestamp {
        Timestamp::parse("2025-01-01T00:00:00Z").unwrap().plus(DAY * number)
    }

    fn claim(entity_id: &str, t0: u32) -> InsightClaim {
        InsightClaim {
            alert_id: format!("{entity_id}_{t0}"),
            entity_type: "student".into(),
            entity_id: entity_id.into(),
            predicts: "churn".into(),
            t0: day(t0),
            horizon: DAY * 30,
            score: 50.0,
            baseline: None,
            is_held_out: false,
        }
    }

    fn row(at: Option<u32>, followed_until: Option<u32>) -> OutcomeRow {
        let event = OutcomeEvent {
            outcome: "churn".into(),
            at: at.map(day),
            followed_until: followed_until.map(day),
        };
        OutcomeRow {
            entity_type: "student".into(),
            entity_id: Some("s".into()),
            fact: OutcomeFact::Event(event),
        }
    }

    /// An insight on day 10, judged on day `now`, with the rows that are known then.
    fn state(rows: &[OutcomeRow], now: u32, lag: u32) -> OutcomeState {
        let cutoff = Cutoff { now: day(now), report_lag: DAY * lag };
        OutcomeIndex::new(rows).state(&claim("s", 10), cutoff)
    }

    #[test]
    fn each_insight_has_one_state() {
        use OutcomeState::{Gone, No, Pending, Unknown, Yes};
        let census = OutcomeRow::census("student", "churn", day(40));
        for (rows, now, lag, expected) in [
            (vec![], 39, 0, Pending),
            (vec![], 40, 0, Unknown),
            (vec![row(Some(12), None)], 39, 0, Pending),
            (vec![row(Some(12), None)], 40, 0, Yes),
            (vec![row(Some(12), None)], 40, 1, Pending),
            (vec![row(Some(12), None)], 41, 1, Yes),
            (vec![row(Some(40), None)], 90, 0, Yes),
            (vec![row(Some(41), None)], 90, 0, No),
            (vec![row(Some(10), None)], 90, 0, Gone),
            (vec![row(Some(5), None), row(Some(12), None)], 90, 0, Gone),
            (vec![row(None, Some(39))], 90, 0, Unknown),
            (vec![row(None, Some(40))], 90, 0, No),
            (vec![row(None, Some(39)), row(None, Some(40))], 90, 0, No),
            (vec![row(None, Some(40))], 39, 0, Pending),
            (vec![census.clone()], 90, 0, No),
            (vec![census, row(Some(12), None)], 90, 0, Yes),
        ] {
            assert_eq!(state(&rows, now, lag), expected, "{rows:?} on day {now} with a lag of {lag}");
        }
    }

    #[test]
    fn the_first_insight_of_each_window_counts_and_a_hundred_copies_change_nothing() {
        let claims: Vec<InsightClaim> =
            [0, 0, 1, 29, 30, 45, 59, 61].iter().map(|t0| claim("s", *t0)).chain([claim("t", 3)]).collect();
        let with = |state| claims.iter().map(move |claim| (claim, state)).collect::<Vec<_>>();
        let days = |claims: Vec<(&InsightClaim, bool)>| {
            claims.iter().map(|(claim, _)| claim.alert_id.clone()).collect::<Vec<_>>()
        };
        let first = judged(with(OutcomeState::No), RowChoice::FirstOfWindow);
        assert_eq!(days(first), ["s_0", "t_3", "s_30", "s_61"]);
        assert_eq!(judged(with(OutcomeState::No), RowChoice::All).len(), 9);
        assert_eq!(judged(with(OutcomeState::Unknown), RowChoice::All), []);
        let copies: Vec<_> = with(OutcomeState::No).into_iter().cycle().take(900).collect();
        assert_eq!(days(judged(copies, RowChoice::FirstOfWindow)), ["s_0", "t_3", "s_30", "s_61"]);
    }
}
