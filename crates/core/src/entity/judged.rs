//! The steps that no person makes: a new judgement, and a recovery.

use super::{CurrentJudgement, EntityKey, EntityRow, EntityState, ReturnReason, is_worse};
use crate::number::Number;
use crate::time::Timestamp;

impl EntityRow {
    /// The row after a judgement of this alert type. `None` if nothing changes.
    ///
    /// The alerts' own times decide what is current and what came before it, so that a backlog is judged as it happened,
    /// and alerts that are committed in another order make the same history. `now` decides only what has expired.
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
        let current = row.judgements.get(alert_type);
        let joined = judgement.joined(current);
        row.opened_at = row.opened_with(current, judgement);
        if current == Some(&joined) && row.opened_at == before.opened_at {
            return None;
        }
        let at = judgement.alert_timestamp.max(before.latest_alert());
        row.expires_at = row.expires_at.max(judgement.expires_at);
        row.judgements.insert(alert_type.to_owned(), joined);
        row.worst = row.worst_score(at);
        row.version += 1;
        let is_relapse = before.is_recovered(at) || before.state == EntityState::Recovered;
        // What was quiet by the time of the recovery does not undo it.
        row.move_on(before.recovery().map_or(at, |recovered_at| at.max(recovered_at)), is_relapse);
        Some(row)
    }

    /// When the trouble began, with a judgement whose alert may be older than others that were judged before.
    fn opened_with(&self, current: Option<&CurrentJudgement>, judgement: &CurrentJudgement) -> Timestamp {
        let (opened_at, at) = (self.opened_at, judgement.alert_timestamp);
        let begins = if at < opened_at {
            judgement.is_current(opened_at)
                && !current.is_some_and(|current| current.has_alert_between(at, opened_at))
        } else {
            !judgement.healthy
                && self.recovery().map_or_else(|| self.is_recovered(at), |recovered_at| recovered_at <= at)
        };
        if begins { at } else { opened_at }
    }

    /// When it recovered, if that is its state.
    fn recovery(&self) -> Option<Timestamp> {
        self.recovered_at.filter(|_| self.state == EntityState::Recovered)
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
        Self {
            key: key.clone(),
            judgements: [(alert_type.to_owned(), judgement.joined(None))].into(),
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
