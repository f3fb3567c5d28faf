//! The store's contract: one insight per alert, and how it stays one.
//!
//! Takes: claims, insights, repeats, parked events.
//! Gives: the [`Store`] seam, what it answers, and [`MemoryStore`], the reference.
//! Never: two insights for one alert key, whatever a clock, a lease or a crash does: the first claim fixes the
//! insight's key, and the insight is put only if it is absent. The lease sees to it that, short of a crash, only
//! one worker pays for it.
//!
//! | item    | key                                       | what it holds                                            |
//! |---------|-------------------------------------------|----------------------------------------------------------|
//! | insight | entity, alert timestamp, type, fingerprint | the insight; what is left to do with it (`todo`)         |
//! | claim   | alert key                                 | state, owner, fence, lease, calls, upgrades, insight key |
//! | parked  | sha256 of the event                       | reason, sentence, the event's first 64 KiB               |
//!
//! Everything is kept for 90 days. What has expired is absent, whether it has been swept yet or not. The time is
//! always the caller's: a store has no clock.

mod claim;
mod memory;
mod parked;
mod query;

use std::future::Future;

pub use claim::{ClaimRow, State};
pub use memory::MemoryStore;
pub use parked::{Parked, ParkedPage};
pub use query::{Cursor, Page, Query};

use crate::alert::{AlertKey, InsightKey};
use crate::insight::{Insight, StoredInsight};
use crate::time::Timestamp;

/// Where insights, claims and parked events are kept.
pub trait Store: Send + Sync {
    /// Asks for the alert's lease.
    fn claim(&self, request: &ClaimRequest) -> impl Future<Output = Result<Claim, StoreError>> + Send;

    /// Notes a model call before it is made. Without [`Reserved::Call`] there is no call.
    fn reserve_call(&self, lease: &Lease) -> impl Future<Output = Result<Reserved, StoreError>> + Send;

    /// Puts the insight if there is none under its key.
    fn put(
        &self,
        insight: &Insight,
        todo: Option<Todo>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Put, StoreError>> + Send;

    /// Marks the claim as done and lets it live as long as its insight. Nothing happens if another worker has taken
    /// over; it will find the insight.
    fn finish(
        &self,
        lease: &Lease,
        expires_at: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Gives the lease back: from `until` on the alert, or its upgrade, can be claimed again. Nothing happens if
    /// another worker has taken over.
    fn release(&self, lease: &Lease, until: Timestamp)
    -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Counts a repeat, if `seen` is later than the insight's `last_seen`. Gives what is stored either way; `None` if
    /// there is none.
    fn repeat(
        &self,
        key: &InsightKey,
        seen: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Repeat>, StoreError>> + Send;

    /// Keeps a refused event. The same event, refused again, is the same item; the later reason stands.
    fn park(&self, parked: &Parked) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes what came of a parked event that was run again.
    fn replayed(
        &self,
        sha256: &str,
        at: Timestamp,
        outcome: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes that this is no longer left to do with the insight which this run made. After telling, a degraded one is
    /// still to be upgraded. What has been upgraded meanwhile is another run's, and still to be told.
    fn clear_todo(
        &self,
        key: &InsightKey,
        run: &str,
        todo: Todo,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Insights with something left to do, oldest first, after this place, at most `limit`.
    fn due(
        &self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Due>, StoreError>> + Send;

    /// Asks for the lease of a degraded insight's upgrade. Its claim stays done.
    fn claim_upgrade(
        &self,
        request: &UpgradeRequest,
    ) -> impl Future<Output = Result<UpgradeClaim, StoreError>> + Send;

    /// Replaces a degraded insight, once; what counts its repeats stays, and so does that it is still to be told. Gives
    /// what is stored then; `None` if there is no such insight.
    fn upgrade(
        &self,
        insight: &Insight,
        todo: Option<Todo>,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<StoredInsight>, StoreError>> + Send;

    /// The insight under this key.
    fn insight(
        &self,
        key: &InsightKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<StoredInsight>, StoreError>> + Send;

    /// The insight with this `alert_id`.
    fn find(
        &self,
        alert_id: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<StoredInsight>, StoreError>> + Send;

    /// One page of insights, newest first.
    fn insights(
        &self,
        query: &Query,
        now: Timestamp,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;

    /// One page of parked events, newest first.
    fn parked(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> impl Future<Output = Result<ParkedPage, StoreError>> + Send;
}

/// A worker's wish to work on an alert.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// What the alert says.
    pub alert_key: AlertKey,
    /// Random per event being processed; kept only across the tries of this one request.
    pub owner: String,
    /// Where the insight goes, if no earlier claim has fixed that.
    pub insight_key: InsightKey,
    /// When the lease ends unless it is given back.
    pub lease_until: Timestamp,
    /// The time.
    pub now: Timestamp,
}

/// The answer to a [`ClaimRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The lease is the caller's.
    Mine(Lease),
    /// The insight exists; the alert is a repeat of it.
    Done(InsightKey),
    /// Another worker has the lease until then.
    Busy(Timestamp),
}

/// The right to work on one alert, or on one upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// What the alert says.
    pub alert_key: AlertKey,
    /// Grows with each lease of the alert: a late worker's writes fail by it.
    pub fence: u64,
    /// Where the insight goes: fixed by the first claim.
    pub insight_key: InsightKey,
    /// The calls that the claim may count up to under this lease.
    pub calls_max: u32,
}

impl Lease {
    /// Whether another worker had it before, and may have stored the insight.
    pub fn is_takeover(&self) -> bool {
        self.fence > 1
    }
}

/// The answer to a wish to call a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reserved {
    /// Call: this is the claim's so-manieth call.
    Call(u32),
    /// Every call of this claim has been made.
    Spent,
    /// Another worker has taken over.
    Lost,
}

/// The answer to [`Store::put`].
#[derive(Debug, Clone, PartialEq)]
pub enum Put {
    /// The insight is stored.
    Stored,
    /// There was one already: this one.
    Existing(StoredInsight),
}

/// The answer to [`Store::repeat`].
#[derive(Debug, Clone, PartialEq)]
pub struct Repeat {
    /// What is stored.
    pub insight: StoredInsight,
    /// What is left to do with it.
    pub todo: Option<Todo>,
}

/// What is left to do with a stored insight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Todo {
    /// Put it on the event bus.
    Tell,
    /// Ask a model again.
    Upgrade,
}

impl Todo {
    /// What is left once this is done.
    pub fn after(self, is_degraded: bool) -> Option<Self> {
        match self {
            Self::Tell => is_degraded.then_some(Self::Upgrade),
            Self::Upgrade => None,
        }
    }

    /// As it is stored.
    pub fn code(self) -> &'static str {
        match self {
            Self::Tell => "tell",
            Self::Upgrade => "upgrade",
        }
    }

    /// From how it is stored.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Tell, Self::Upgrade].into_iter().find(|todo| todo.code() == code)
    }
}

/// An insight with something left to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// The insight.
    pub insight: StoredInsight,
    /// Where it stands.
    pub key: InsightKey,
    /// Where its claim stands.
    pub alert_key: AlertKey,
    /// What is left.
    pub todo: Todo,
}

impl Due {
    /// Its place among those that are due.
    pub fn place(&self) -> Cursor {
        Cursor { time: self.insight.timestamp, id: self.insight.alert_id.clone() }
    }
}

/// A worker's wish to upgrade a degraded insight.
#[derive(Debug, Clone)]
pub struct UpgradeRequest {
    /// What the alert says.
    pub alert_key: AlertKey,
    /// As of a claim.
    pub owner: String,
    /// When the lease ends unless it is given back.
    pub lease_until: Timestamp,
    /// The time.
    pub now: Timestamp,
}

/// The answer to an [`UpgradeRequest`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpgradeClaim {
    /// The lease is the caller's.
    Mine(Lease),
    /// Another worker has it, or a failed upgrade is not to be tried again before then.
    Busy(Timestamp),
    /// Every upgrade has been tried, or there is no such insight.
    Never,
}

/// Why a store does not do what it is asked. The operator is at fault, or the machine; never the event.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds it, or it answers too slowly. It is worth trying again.
    #[error("the store is busy: {source}; others use it too, try again in a moment")]
    Busy {
        /// What the store said.
        source: Cause,
    },
    /// It cannot be reached. It is worth trying again.
    #[error("the store cannot be reached: {source}; see that it runs and try again")]
    Unreachable {
        /// What the store said.
        source: Cause,
    },
    /// It has no room.
    #[error("the store is full: {source}; make room on its disk and run the same input again")]
    Full {
        /// What the store said.
        source: Cause,
    },
    /// It may be read but not written.
    #[error(
        "the store cannot be written: {source}; give write access to the file and its folder, or another --store"
    )]
    ReadOnly {
        /// What the store said.
        source: Cause,
    },
    /// A newer program wrote it.
    #[error(
        "{source}: the store has version {found} and this program knows {known}; use the newer program, or another --store"
    )]
    Newer {
        /// The store's version.
        found: u32,
        /// The latest version that this program knows.
        known: u32,
        /// The store, by name.
        source: Cause,
    },
    /// The service that keeps it refuses: no such table, no permission, bad credentials.
    #[error("the store refuses: {source}")]
    Refused {
        /// What it refuses, with the mend.
        source: Cause,
    },
    /// It is no store, or damaged, or says what it cannot say.
    #[error("the store cannot be used: {source}; see that it is a portend store, or give another --store")]
    Unusable {
        /// What the store said.
        source: Cause,
    },
}

/// What lies under a [`StoreError`].
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl StoreError {
    /// A short stable name, for logs and callers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Busy { .. } => "store_busy",
            Self::Unreachable { .. } => "store_unreachable",
            Self::Full { .. } => "store_full",
            Self::ReadOnly { .. } => "store_read_only",
            Self::Newer { .. } => "store_newer",
            Self::Refused { .. } => "store_refused",
            Self::Unusable { .. } => "store_unusable",
        }
    }

    /// Whether the same operation may succeed a moment later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Unreachable { .. } => true,
            Self::Full { .. }
            | Self::ReadOnly { .. }
            | Self::Newer { .. }
            | Self::Refused { .. }
            | Self::Unusable { .. } => false,
        }
    }
}
