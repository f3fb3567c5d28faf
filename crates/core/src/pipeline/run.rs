//! One run of the pipeline: its deadline, its account, and the store's operations with their retries.

use std::time::Duration;

use super::{Account, Pipeline};
use crate::alert::{Alert, InsightKey};
use crate::clock::Clock;
use crate::entity::{EntityKey, EntityRow, WorklistPlace};
use crate::insight::{Insight, StoredInsight};
use crate::limits::{
    LEASE_MARGIN, NOTIFY_TIME_MIN, STORE_RESERVE, STORE_RETRY_PAUSE, STORE_TRIES_MAX, STORE_TRY_TIME,
};
use crate::model::Model;
use crate::notify::Notifier;
use crate::store::Cursor;
use crate::store::{
    Claim, ClaimRequest, Commit, CommitRequest, DueInsight, EntityAhead, Lease, Parked, Release, Repeat,
    RepeatRequest, Reserved, Store, StoreError, Todo, UpgradeClaim, UpgradeRequest,
};
use crate::time::Timestamp;

use super::Received;

/// One run: work on one event, or on one sweep, that must end by a deadline.
#[derive(Debug)]
pub struct Run<'p, S, C, M, N> {
    pub(super) pipeline: &'p Pipeline<S, C, M, N>,
    pub(super) deadline: Timestamp,
    /// Whether degraded insights are upgraded without waiting for what they wait for.
    pub(super) upgrades_now: bool,
    /// Whether no second opinion is asked for, because the caller has a budget of its own.
    pub(super) is_single: bool,
    pub(super) account: Account,
}

impl<'p, S, C, M, N> Run<'p, S, C, M, N> {
    pub(super) fn new(pipeline: &'p Pipeline<S, C, M, N>, deadline: Timestamp) -> Self {
        Self { pipeline, deadline, upgrades_now: false, is_single: false, account: Account::default() }
    }

    /// The same that upgrades a degraded insight at once: without the pause after a failed upgrade, and without a sign
    /// that a model with unusable replies works now.
    #[must_use]
    pub fn upgrading_now(self) -> Self {
        Self { upgrades_now: true, ..self }
    }

    /// What the run took and met so far. It is complete even if the run was dropped before its end.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The same, at the end.
    pub fn into_account(self) -> Account {
        self.account
    }
}

impl<S, C: Clock, M, N> Run<'_, S, C, M, N> {
    pub(super) fn now(&self) -> Timestamp {
        self.pipeline.clock.now()
    }

    /// Whether this much time is left.
    pub(super) fn has(&self, time: Duration) -> bool {
        self.now().plus(time) <= self.deadline
    }

    /// Retries a transient error, [`STORE_TRIES_MAX`] tries in all, and starts none that cannot end by the deadline.
    async fn retry<T>(&self, operation: impl AsyncFnMut() -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.retry_until(self.deadline, STORE_TRIES_MAX, operation).await
    }

    /// Retries a transient error for as long as the run reserves to store an insight. The insight was paid for, or another
    /// worker waits.
    async fn retry_for_reserve<T>(
        &self,
        operation: impl AsyncFnMut() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let end = self.deadline.min(self.now().plus(STORE_RESERVE));
        self.retry_until(end, u32::MAX, operation).await
    }

    async fn retry_until<T>(
        &self,
        end: Timestamp,
        tries_max: u32,
        mut operation: impl AsyncFnMut() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut pause = STORE_RETRY_PAUSE;
        for _ in 1..tries_max {
            match operation().await {
                Err(error) if error.is_transient() && self.now().plus(pause + STORE_TRY_TIME) <= end => {
                    self.pipeline.clock.sleep(pause).await;
                    pause *= 2;
                }
                result => return result,
            }
        }
        operation().await
    }
}

/// The store's operations, each retried while that may help.
impl<S: Store, C: Clock, M: Model, N: Notifier> Run<'_, S, C, M, N> {
    fn store(&self) -> &S {
        &self.pipeline.store
    }

    pub(super) async fn claim(
        &self,
        received: &Received<'_>,
        alert: &Alert<'_>,
    ) -> Result<Claim, StoreError> {
        let request = ClaimRequest {
            alert_key: alert.key(),
            owner: received.owner.clone(),
            insight_key: alert.insight_key(),
            received_at: received.received_at,
            lease_until: self.deadline.plus(LEASE_MARGIN),
            reserve_call: !self.pipeline.models.is_empty(),
            now: self.now(),
        };
        self.retry(async || self.store().claim(&ClaimRequest { now: self.now(), ..request.clone() }).await)
            .await
    }

    /// A call that is counted twice because the first response was lost is one call fewer, never one more.
    pub(super) async fn reserve_call(&self, lease: &Lease) -> Result<Reserved, StoreError> {
        self.retry(async || self.store().reserve_call(lease).await).await
    }

    pub(super) async fn commit(
        &self,
        lease: &Lease,
        insight: &Insight,
        ahead: Option<&EntityAhead>,
    ) -> Result<Commit, StoreError> {
        let todo = self.todo(insight, insight.fields().degraded);
        let request = CommitRequest { lease, insight, todo, now: self.now() };
        self.retry_for_reserve(async || self.store().commit_with(&request, ahead).await).await
    }

    pub(super) async fn repeat(
        &self,
        received: &Received<'_>,
        alert: &Alert<'_>,
        key: &InsightKey,
    ) -> Result<Option<Repeat>, StoreError> {
        let request = RepeatRequest {
            alert_key: alert.key(),
            insight_key: key.clone(),
            owner: received.owner.clone(),
            received_at: received.received_at,
            seen: alert.timestamp(),
            now: self.now(),
        };
        self.retry(async || self.store().repeat(&request).await).await
    }

    /// Releases the lease at `until`. If that fails too, the lease ends by itself.
    pub(super) async fn release(&self, lease: &Lease, until: Timestamp) {
        self.release_as(lease, Release::at(until)).await;
    }

    pub(super) async fn release_as(&self, lease: &Lease, release: Release) {
        let _ = self.retry_for_reserve(async || self.store().release(lease, release).await).await;
        self.pipeline.held().remove(&lease.alert_key);
    }

    pub(super) async fn park(&self, parked: &Parked, owner: &str) -> Result<(), StoreError> {
        self.retry(async || self.store().park(parked, owner).await).await
    }

    pub(super) async fn insight(&self, key: &InsightKey) -> Result<Option<StoredInsight>, StoreError> {
        self.retry(async || self.store().insight(key, self.now()).await).await
    }

    pub(super) async fn due(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<DueInsight>, StoreError> {
        self.retry(async || self.store().due(self.now(), after, limit).await).await
    }

    pub(super) async fn open_entities(
        &self,
        after: Option<&WorklistPlace>,
        limit: usize,
    ) -> Result<Vec<EntityRow>, StoreError> {
        self.retry(async || self.store().open_entities(after, limit, self.now()).await).await
    }

    pub(super) async fn forgotten_at(&self, entity: &EntityKey) -> Result<Option<Timestamp>, StoreError> {
        self.retry(async || self.store().forgotten_at(entity, self.now()).await).await
    }

    pub(super) async fn write_entity(&self, row: &EntityRow) -> Result<bool, StoreError> {
        self.retry(async || self.store().write_entity(row, self.now()).await).await
    }

    /// If this fails, what is left to do is done once more.
    pub(super) async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo) {
        let _ = self.retry(async || self.store().clear_todo(key, run, todo).await).await;
    }

    pub(super) async fn claim_upgrade(
        &self,
        due: &DueInsight,
        owner: &str,
    ) -> Result<UpgradeClaim, StoreError> {
        let request = || UpgradeRequest {
            alert_key: due.alert_key,
            insight_key: due.key.clone(),
            owner: owner.to_owned(),
            lease_until: self.deadline.plus(LEASE_MARGIN),
            ignores_pause: self.upgrades_now,
            now: self.now(),
        };
        self.retry(async || self.store().claim_upgrade(&request()).await).await
    }

    pub(super) async fn commit_upgrade(
        &self,
        lease: &Lease,
        insight: &Insight,
        todo: Option<Todo>,
    ) -> Result<Option<StoredInsight>, StoreError> {
        let request = CommitRequest { lease, insight, todo, now: self.now() };
        self.retry_for_reserve(async || self.store().commit_upgrade(&request).await).await
    }

    /// What is left to do with an insight when it is stored.
    pub(super) fn todo(&self, insight: &Insight, degraded: bool) -> Option<Todo> {
        let is_held_out = insight.fields().holdout == Some(true);
        if self.pipeline.notifies() && !is_held_out {
            Some(Todo::Notify)
        } else {
            degraded.then_some(Todo::Upgrade)
        }
    }

    /// Publishes an insight, and notes that in the store. Returns whether it did; a repeat or the sweep publishes the
    /// others.
    pub(super) async fn notify(&mut self, insight: &StoredInsight, key: &InsightKey) -> bool {
        let Some(notifier) = &self.pipeline.notifier else { return false };
        if insight.is_held_out() || !self.has(NOTIFY_TIME_MIN) {
            return false;
        }
        if let Err(error) = notifier.notify(insight).await {
            self.account.notify_errors.push(error);
            return false;
        }
        self.clear_todo(key, insight.run(), Todo::Notify).await;
        true
    }

    /// Says that an entity has recovered. The row says it too, so a failure is only counted.
    pub(super) async fn notify_recovery(&mut self, row: &EntityRow) {
        let Some(notifier) = &self.pipeline.notifier else { return };
        if let Err(error) = notifier.notify_recovery(row).await {
            self.account.notify_errors.push(error);
        }
    }
}
