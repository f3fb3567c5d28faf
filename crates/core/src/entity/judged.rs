//! The steps that no person makes: a new judgement, and a recovery.

use super::{
    CurrentJudgement, EntityKey, EntityRow, EntityState, PreviousJudgement, ReturnReason, ScoreAt, is_worse,
};
use crate::limits::SCORES_MAX;
use crate::number::Number;
use crate::time::Timestamp;

impl EntityRow {
    /// The row after a judgement of this alert type, which replaces the type's current one. `None` if nothing changes,
    /// because a newer alert was judged before.
    ///
    /// The alerts' own times decide what is current, so that a backlog is judged as it happened. `now` decides only what
    /// has expired.
    pub fn judged(
        before: Option<&Self>,
        key: &EntityKey,
        alert_type: &str,
        judgement: &CurrentJudgement,
        now: Timestamp,
    ) -> Option<Self> {
        let Some(before) = before.filter(|row| !row.expires_at.is_past(now)) else {
            return Some(Self::first(before, key, alert_type, judgement));
        };
        let mut row = before.clone();
        row.judgements.retain(|_, each| !each.expires_at.is_past(now));
        let mut judgement = judgement.clone();
        match row.judgements.get(alert_type) {
            // An upgrade of the same insight.
            Some(current) if current.alert_id == judgement.alert_id => {
                judgement.previous.clone_from(&current.previous);
                judgement.scores = judgement.scores_after(current.earlier_scores());
                if *current == judgement {
                    return None;
                }
            }
            Some(current) if current.place() >= judgement.place() => return None,
            Some(current) => {
                judgement.previous = Some(current.to_previous());
                judgement.scores = judgement.scores_after(current.all_scores());
            }
            None => judgement.scores = judgement.scores_after(Vec::new()),
        }
        let at = judgement.alert_timestamp.max(before.latest_alert());
        let is_relapse = before.is_recovered(at) || before.state == EntityState::Recovered;
        row.expires_at = row.expires_at.max(judgement.expires_at);
        row.judgements.insert(alert_type.to_owned(), judgement);
        row.worst = row.worst_score(at);
        row.version += 1;
        row.move_on(at, is_relapse);
        Some(row)
    }

    /// The row after its first judgement. An expired row leaves only its version.
    fn first(
        expired: Option<&Self>,
        key: &EntityKey,
        alert_type: &str,
        judgement: &CurrentJudgement,
    ) -> Self {
        let at = judgement.alert_timestamp;
        let is_healthy = judgement.healthy;
        let scores = judgement.scores_after(Vec::new());
        let judgement = CurrentJudgement { scores, ..judgement.clone() };
        Self {
            key: key.clone(),
            judgements: [(alert_type.to_owned(), judgement.clone())].into(),
            worst: if is_healthy { Number::from(0) } else { judgement.risk_score },
            state: if is_healthy { EntityState::Recovered } else { EntityState::New },
            assignee: None,
            until: None,
            reason: None,
            changed: None,
            returned: None,
            known_worst: Number::from(0),
            opened_at: at,
            recovered_at: is_healthy.then_some(at),
            version: expired.map_or(0, |row| row.version) + 1,
            expires_at: judgement.expires_at,
        }
    }

    /// Sets the state after a new judgement.
    fn move_on(&mut self, at: Timestamp, is_relapse: bool) {
        if self.is_recovered(at) {
            if self.state.is_open() {
                self.recover(at);
            }
        } else if is_relapse {
            self.reopen(ReturnReason::Relapse);
            self.opened_at = at;
        } else {
            let is_worse = is_worse(self.known_worst, self.worst);
            match self.state {
                EntityState::Seen | EntityState::Snoozed | EntityState::Done if is_worse => {
                    self.reopen(ReturnReason::Worse);
                }
                EntityState::Snoozed if self.until.is_some_and(|until| until <= at) => {
                    self.reopen(ReturnReason::Snoozed);
                }
                EntityState::New
                | EntityState::Seen
                | EntityState::Assigned
                | EntityState::Snoozed
                | EntityState::Done
                | EntityState::Recovered => {}
            }
        }
    }

    fn reopen(&mut self, reason: ReturnReason) {
        self.state = EntityState::New;
        self.returned = Some(reason);
        (self.until, self.reason, self.recovered_at) = (None, None, None);
    }

    fn recover(&mut self, at: Timestamp) {
        self.state = EntityState::Recovered;
        self.recovered_at = Some(at);
        self.known_worst = Number::from(0);
        (self.assignee, self.until, self.reason, self.returned) = (None, None, None, None);
    }

    /// The row once none of its judgements is current. `None` if it is closed, or one is current. So a recovery is
    /// reported once.
    pub fn recovered(&self, at: Timestamp) -> Option<Self> {
        if !self.state.is_open() || !self.is_recovered(at) {
            return None;
        }
        let since = self
            .judgements
            .values()
            .map(|judgement| if judgement.healthy { judgement.alert_timestamp } else { judgement.quiet_at });
        let since = since.max().unwrap_or(at);
        let mut row = self.clone();
        row.recover(since);
        row.version += 1;
        Some(row)
    }
}

impl CurrentJudgement {
    /// Which of two judgements is the newer.
    fn place(&self) -> (Timestamp, &str) {
        (self.alert_timestamp, &self.alert_id)
    }

    /// Its score, after these earlier ones.
    fn scores_after(&self, mut scores: Vec<ScoreAt>) -> Vec<ScoreAt> {
        scores.push(ScoreAt::new(self.alert_timestamp, self.risk_score));
        scores.drain(..scores.len().saturating_sub(SCORES_MAX));
        scores
    }

    /// The scores up to its own. A row of an earlier version knows only the one before.
    fn all_scores(&self) -> Vec<ScoreAt> {
        if self.scores.is_empty() { self.scores_after(self.earlier_scores()) } else { self.scores.clone() }
    }

    /// The scores before its own.
    fn earlier_scores(&self) -> Vec<ScoreAt> {
        if let Some((_, earlier)) = self.scores.split_last() {
            return earlier.to_vec();
        }
        self.previous.iter().map(|each| ScoreAt::new(each.alert_timestamp, each.risk_score)).collect()
    }

    fn to_previous(&self) -> PreviousJudgement {
        PreviousJudgement {
            alert_id: self.alert_id.clone(),
            risk_score: self.risk_score,
            facts: self.facts.clone(),
            alert_timestamp: self.alert_timestamp,
        }
    }
}
