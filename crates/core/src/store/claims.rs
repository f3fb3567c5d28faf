//! Who may work on an alert: claims, counted model calls, the commit, repeats and upgrades.

use std::future::{Future, ready};

use super::{StoreError, Todo};
use crate::alert::{AlertKey, InsightKey};
use crate::entity::{EntityKey, EntityRow};
use crate::insight::{Insight, StoredInsight};
use crate::time::Timestamp;

/// Leases on alerts, and what is done under one. A store that keeps a ledger of events writes it in the same transactions.
pub trait Claims: Send + Sync {
    /// Asks for the alert's lease. Where the request says so, the first model call is counted in the same write.
    fn claim(&self, request: &ClaimRequest) -> impl Future<Output = Result<Claim, StoreError>> + Send;

    /// Counts a further model call before it is made. Without [`Reserved::Call`] there must be no call.
    fn reserve_call(&self, lease: &Lease) -> impl Future<Output = Result<Reserved, StoreError>> + Send;

    /// Puts the insight if its key is absent, marks its claim as done, and gives back a call that was not made, in one
    /// transaction.
    fn commit(&self, request: &CommitRequest<'_>) -> impl Future<Output = Result<Commit, StoreError>> + Send;

    /// The same, with the entity's row as it was read ahead. The result is the same; a store that has read ahead saves a
    /// read.
    fn commit_with(
        &self,
        request: &CommitRequest<'_>,
        ahead: Option<&EntityAhead>,
    ) -> impl Future<Output = Result<Commit, StoreError>> + Send {
        let _ = ahead;
        self.commit(request)
    }

    /// Reads the entity's row for a commit that follows. `None` if the store does not read ahead, or the read failed.
    fn read_ahead(&self, entity: &EntityKey) -> impl Future<Output = Option<EntityAhead>> + Send {
        let _ = entity;
        ready(None)
    }

    /// Ends a lease without an insight. Nothing happens if another worker has taken over.
    fn release(&self, lease: &Lease, release: Release)
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Counts a repeat on the claim, if it is later than the last one. `None` if the insight does not exist.
    fn repeat(
        &self,
        request: &RepeatRequest,
    ) -> impl Future<Output = Result<Option<Repeat>, StoreError>> + Send;

    /// Asks for the lease of a degraded insight's upgrade. Its claim stays done.
    fn claim_upgrade(
        &self,
        request: &UpgradeRequest,
    ) -> impl Future<Output = Result<UpgradeClaim, StoreError>> + Send;

    /// Replaces a degraded insight by the request's, and ends the lease. What counts its repeats stays, and so does a
    /// notification that is still due. Returns what is stored afterwards: another insight than the request's if that one
    /// was not degraded any more; `None` if there is no insight under the key.
    fn commit_upgrade(
        &self,
        request: &CommitRequest<'_>,
    ) -> impl Future<Output = Result<Option<StoredInsight>, StoreError>> + Send;
}

/// A worker's request to work on an alert.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// What the alert says.
    pub alert_key: AlertKey,
    /// Random for each event that is processed. The same owner asks again only if it got no response.
    pub owner: String,
    /// Where the insight goes, if no earlier claim has fixed that.
    pub insight_key: InsightKey,
    /// When the event was received.
    pub received_at: Timestamp,
    /// When the lease ends unless it is released.
    pub lease_until: Timestamp,
    /// Whether to count the first model call in the same write.
    pub reserve_call: bool,
    /// The time.
    pub now: Timestamp,
}

/// The response to a [`ClaimRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The lease is the caller's.
    Mine(Lease),
    /// The insight exists, under this key; the alert is a repeat of it.
    Done(InsightKey),
    /// Another worker has the lease until then.
    Busy(Timestamp),
}

/// The right to work on one alert, or on one upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What the alert says.
    pub alert_key: AlertKey,
    /// Who asked for it.
    pub owner: String,
    /// Grows with each lease of the alert, so that the writes of a late worker fail.
    pub fence: u64,
    /// Where the insight goes: fixed by the first claim.
    pub insight_key: InsightKey,
    /// The number of calls that the claim may count up to under this lease.
    pub calls_max: u32,
    /// The call that was counted together with the claim, if one was asked for.
    pub first_call: Option<Reserved>,
}

impl Lease {
    /// The number of the claim's calls after the commit of this insight, if that is not what is counted: the call that was
    /// counted with the claim was not made, because an earlier answer was used or no model could be called. A number, so
    /// that a commit after a release, which gives the call back too, changes nothing.
    pub fn calls_after(&self, insight: &Insight) -> Option<u32> {
        let Some(Reserved::Call(calls)) = self.first_call else { return None };
        (insight.fields().calls_made() == 0).then_some(calls.saturating_sub(1))
    }
}

/// The response to a request for a model call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// The call may be made. It is the claim's call of this number, counted from 1.
    Call(u32),
    /// Every call of this claim has been made.
    Spent,
    /// Another worker has taken over.
    Lost,
}

impl Reserved {
    /// Of a count that includes this call.
    pub fn of_count(calls: u32, calls_max: u32) -> Self {
        if calls > calls_max { Self::Spent } else { Self::Call(calls) }
    }
}

/// An insight to store under a lease.
#[derive(Debug, Clone, Copy)]
pub struct CommitRequest<'a> {
    /// The lease.
    pub lease: &'a Lease,
    /// The insight.
    pub insight: &'a Insight,
    /// What is left to do with it.
    pub todo: Option<Todo>,
    /// The time. Every repetition of one commit says the same time.
    pub now: Timestamp,
}

/// An entity's row as it was read before its commit; `None` if it had none. If it has changed since, the commit reads it
/// again.
#[derive(Debug, Clone, PartialEq)]
pub struct EntityAhead(pub Option<EntityRow>);

/// The response to a commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Commit {
    /// The insight is stored and its claim is done.
    Stored,
    /// The alert already has this insight.
    Existing(StoredInsight),
    /// Another alert's insight has the key; the alert's needs a longer one.
    KeyTaken,
    /// Another worker has taken over, and has not stored the insight yet.
    Lost,
}

/// How a lease ends without an insight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// From then on the alert, or its upgrade, can be claimed again.
    pub until: Timestamp,
    /// Whether the call that was counted with the claim was never made; it is given back.
    pub unused_call: bool,
    /// Whether an upgrade was tried and failed, which counts.
    pub failed_upgrade: bool,
}

impl Release {
    /// At once, with every counted call made.
    pub fn at(until: Timestamp) -> Self {
        Self { until, unused_call: false, failed_upgrade: false }
    }
}

/// An alert that says what an insight already says.
#[derive(Debug, Clone)]
pub struct RepeatRequest {
    /// What the alert says.
    pub alert_key: AlertKey,
    /// Where its insight is.
    pub insight_key: InsightKey,
    /// As in the claim.
    pub owner: String,
    /// When the event was received.
    pub received_at: Timestamp,
    /// The alert's own time.
    pub seen: Timestamp,
    /// The time.
    pub now: Timestamp,
}

/// The response to a [`RepeatRequest`].
#[derive(Debug, Clone, PartialEq)]
pub struct Repeat {
    /// What is stored.
    pub insight: StoredInsight,
    /// What is left to do with it.
    pub todo: Option<Todo>,
}

/// A worker's request to upgrade a degraded insight.
#[derive(Debug, Clone)]
pub struct UpgradeRequest {
    /// What the alert says.
    pub alert_key: AlertKey,
    /// Where its degraded insight is.
    pub insight_key: InsightKey,
    /// As in a claim.
    pub owner: String,
    /// When the lease ends unless it is released.
    pub lease_until: Timestamp,
    /// Whether the pause after a failed upgrade does not matter. A lease that a worker has still does.
    pub ignores_pause: bool,
    /// The time.
    pub now: Timestamp,
}

/// The response to an [`UpgradeRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpgradeClaim {
    /// The lease is the caller's.
    Mine(Lease),
    /// Another worker has it, or a failed upgrade is not to be tried again before then.
    Busy(Timestamp),
    /// Every upgrade has been tried and failed, or there is no such insight.
    Never,
}
