//! Joins insights with outcomes: counts the states of their claims, and chooses the rows of those that count.
//!
//! Never: counts an entity twice in one horizon, unless every insight is asked for.

use std::collections::BTreeMap;

pub use portend_core::outcome::{Cutoff, InsightClaim, OutcomeIndex, OutcomeState};
use portend_core::time::Timestamp;
use serde::Serialize;

use crate::rows::ScoredRow;

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
    use std::time::Duration;

    use portend_core::outcome::{OutcomeEvent, OutcomeFact, OutcomeRow};

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
            // The event was before the insight, which no later day changes: it is gone at once, and is never counted.
            (vec![row(Some(5), None)], 12, 0, Gone),
            (vec![row(Some(10), None)], 39, 0, Gone),
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
