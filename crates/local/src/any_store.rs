//! The store that the settings name, as one type.
//!
//! Takes: what every store takes.
//! Gives: what the named one gives.
//! Never: knows more of a store than its contract.

use std::sync::Arc;

use portend_core::alert::InsightKey;
use portend_core::insight::{Insight, StoredInsight};
use portend_core::store::{
    Claim, ClaimRequest, Cursor, Due, Lease, Page, Parked, ParkedPage, Put, Query, Repeat, Reserved, Store,
    StoreError, Todo, UpgradeClaim, UpgradeRequest,
};
use portend_core::time::Timestamp;
use portend_remote::DynamoDb;

use portend_sqlite::Sqlite;

/// A store on this machine or on AWS.
#[derive(Debug)]
pub(crate) enum AnyStore {
    /// In one file, which also holds the ledger.
    Sqlite(Arc<Sqlite>),
    /// In a table.
    DynamoDb(Box<DynamoDb>),
}

impl AnyStore {
    /// How many items were left out of what was read, since they cannot be read.
    pub(crate) fn unreadable(&self) -> usize {
        match self {
            Self::Sqlite(_) => 0,
            Self::DynamoDb(store) => store.unreadable(),
        }
    }
}

/// The same operation on whichever it is.
macro_rules! each {
    ($self:ident, $store:ident => $operation:expr) => {
        match $self {
            Self::Sqlite($store) => $operation,
            Self::DynamoDb($store) => $operation,
        }
    };
}

impl Store for AnyStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim, StoreError> {
        each!(self, store => store.claim(request).await)
    }

    async fn reserve_call(&self, lease: &Lease) -> Result<Reserved, StoreError> {
        each!(self, store => store.reserve_call(lease).await)
    }

    async fn put(&self, insight: &Insight, todo: Option<Todo>, now: Timestamp) -> Result<Put, StoreError> {
        each!(self, store => store.put(insight, todo, now).await)
    }

    async fn finish(&self, lease: &Lease, expires_at: Timestamp) -> Result<(), StoreError> {
        each!(self, store => store.finish(lease, expires_at).await)
    }

    async fn release(&self, lease: &Lease, until: Timestamp) -> Result<(), StoreError> {
        each!(self, store => store.release(lease, until).await)
    }

    async fn repeat(
        &self,
        key: &InsightKey,
        seen: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Repeat>, StoreError> {
        each!(self, store => store.repeat(key, seen, now).await)
    }

    async fn park(&self, parked: &Parked) -> Result<(), StoreError> {
        each!(self, store => store.park(parked).await)
    }

    async fn replayed(&self, sha256: &str, at: Timestamp, outcome: &str) -> Result<(), StoreError> {
        each!(self, store => store.replayed(sha256, at, outcome).await)
    }

    async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo) -> Result<(), StoreError> {
        each!(self, store => store.clear_todo(key, run, todo).await)
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        each!(self, store => store.due(now, after, limit).await)
    }

    async fn claim_upgrade(&self, request: &UpgradeRequest) -> Result<UpgradeClaim, StoreError> {
        each!(self, store => store.claim_upgrade(request).await)
    }

    async fn upgrade(
        &self,
        insight: &Insight,
        todo: Option<Todo>,
        now: Timestamp,
    ) -> Result<Option<StoredInsight>, StoreError> {
        each!(self, store => store.upgrade(insight, todo, now).await)
    }

    async fn insight(&self, key: &InsightKey, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        each!(self, store => store.insight(key, now).await)
    }

    async fn find(&self, alert_id: &str, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        each!(self, store => store.find(alert_id, now).await)
    }

    async fn insights(&self, query: &Query, now: Timestamp) -> Result<Page, StoreError> {
        each!(self, store => store.insights(query, now).await)
    }

    async fn parked(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ParkedPage, StoreError> {
        each!(self, store => store.parked(after, limit, now).await)
    }
}
