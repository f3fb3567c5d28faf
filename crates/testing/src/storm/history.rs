//! What the store, the models' provider and the bus have seen of each alert, in its order.
//!
//! Never: says what the program thinks that it did.

use portend_core::alert::{AlertKey, InsightKey};
use portend_core::store::{ClaimRow, ClaimState};
use portend_core::time::Timestamp;

use crate::memory::MemoryState;

/// Who sent an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Requester {
    pub(super) worker: usize,
    /// One run of the pipeline. A process that was restarted is another run.
    pub(super) run: u64,
    /// The time on its own clock.
    pub(super) now: Timestamp,
    /// By its own clock.
    pub(super) deadline: Timestamp,
}

/// One thing that happened to an alert.
#[derive(Debug, Clone)]
pub(super) struct HistoryEntry {
    pub(super) at: Timestamp,
    pub(super) requester: Requester,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "most entries are of the large one")]
pub(super) enum What {
    /// The store changed the alert's claim, its insight, or both.
    Written { before: Rows, after: Rows },
    /// The store deleted the claim, because it had expired.
    ClaimExpired,
    /// The provider received a call.
    Called { call: usize },
    /// The bus published the insight that this run made.
    Published { by: u64 },
    /// The store parked this event.
    Parked { event: usize },
    /// An operation began after its run's deadline, though the run was never stalled.
    BeganLate { operation: &'static str },
}

/// An alert's claim and the insight at its key, as the store has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) claim: Option<ClaimView>,
    pub(super) insight: Option<InsightView>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ClaimView {
    pub(super) is_done: bool,
    /// The owner's random name as a number; 0 if it has been released since its last lease.
    pub(super) owner: u64,
    pub(super) fence: u64,
    pub(super) lease_until: Timestamp,
    pub(super) calls: u32,
    pub(super) upgrades: u32,
    pub(super) occurrences: u64,
    pub(super) expires_at: Timestamp,
}

/// What must not change of an insight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InsightView {
    /// The parts of its key in which two insights of one alert can differ.
    pub(super) key: (Timestamp, usize),
    /// The run that made it, by its random name.
    pub(super) by: u64,
    pub(super) is_degraded: bool,
    /// Whether an earlier answer was used for it.
    pub(super) is_reused: bool,
    pub(super) made_at: Timestamp,
    pub(super) attempts: usize,
    pub(super) expires_at: Timestamp,
}

/// Everything that happened, alert by alert.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) alerts: Vec<Vec<HistoryEntry>>,
    /// Of each call, whether the response was an answer; none if the caller did not wait for it.
    pub(super) calls: Vec<Option<bool>>,
    /// Calls whose prompt has the facts of no alert.
    pub(super) unknown_calls: u64,
}

impl History {
    pub(super) fn of(alerts: usize) -> Self {
        Self { alerts: vec![Vec::new(); alerts], ..Self::default() }
    }

    pub(super) fn add(&mut self, alert: usize, at: Timestamp, requester: Requester, what: What) {
        self.alerts[alert].push(HistoryEntry { at, requester, what });
    }
}

impl Rows {
    /// Those of this alert.
    pub(super) fn of(state: &MemoryState, key: AlertKey) -> Self {
        let claim = state.claim_row(key);
        let insight = claim.and_then(|claim| InsightView::of(state, &claim.insight_key, key));
        Self { claim: claim.map(ClaimView::of), insight }
    }
}

impl ClaimView {
    fn of(row: &ClaimRow) -> Self {
        Self {
            is_done: row.state == ClaimState::Done,
            owner: run_number(&row.owner),
            fence: row.fence,
            lease_until: row.lease_until,
            calls: row.calls,
            upgrades: row.upgrades,
            occurrences: row.occurrences,
            expires_at: row.expires_at,
        }
    }
}

impl InsightView {
    /// The insight under this key, if it is this alert's.
    fn of(state: &MemoryState, key: &InsightKey, alert_key: AlertKey) -> Option<Self> {
        let row = state.insight_row(key).filter(|row| row.alert_key == alert_key)?;
        let fields = row.insight.current()?;
        Some(Self {
            key: (key.alert_timestamp(), key.digits().len()),
            by: run_number(&fields.run),
            is_degraded: fields.degraded,
            is_reused: fields.reused().is_some(),
            made_at: fields.timestamp,
            attempts: fields.attempts.len(),
            expires_at: fields.expires_at,
        })
    }

    /// Whether it has not expired.
    pub(super) fn is_retained(&self, now: Timestamp) -> bool {
        !self.expires_at.is_past(now)
    }
}

/// A random name as the number that it was made of.
pub(super) fn run_number(name: &str) -> u64 {
    u64::from_str_radix(name, 16).unwrap_or(0)
}
