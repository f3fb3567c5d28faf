//! The store's contract in memory: the reference, for tests.

use std::collections::{BTreeMap, HashMap};
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

use portend_core::alert::{AlertKey, InsightKey};
use portend_core::insight::StoredInsight;
use portend_core::store::{
    Claim, ClaimRequest, ClaimRow, Claims, Commit, CommitRequest, Cursor, DueInsight, InsightPage,
    InsightQuery, Insights, Lease, Parked, ParkedPage, Parking, Queries, Release, Repeat, RepeatRequest,
    Reserved, StoreError, Todo, UpgradeClaim, UpgradeRequest,
};
use portend_core::time::Timestamp;

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<MemoryState>);

#[derive(Debug, Default)]
struct MemoryState {
    claims: HashMap<AlertKey, ClaimRow>,
    insights: BTreeMap<InsightKey, InsightRow>,
    parked: HashMap<String, Parked>,
}

#[derive(Debug)]
struct InsightRow {
    insight: StoredInsight,
    alert_key: AlertKey,
    todo: Option<Todo>,
}

impl InsightRow {
    fn is_live(&self, now: Timestamp) -> bool {
        self.insight.expires_at().is_none_or(|expires_at| !expires_at.is_past(now))
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// One operation, alone.
    fn with<T>(
        &self,
        operation: impl FnOnce(&mut MemoryState) -> T,
    ) -> std::future::Ready<Result<T, StoreError>> {
        let mut state: MutexGuard<'_, MemoryState> = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ready(Ok(operation(&mut state)))
    }
}

impl MemoryState {
    fn live(&self, key: &InsightKey, now: Timestamp) -> Option<&InsightRow> {
        self.insights.get(key).filter(|row| row.is_live(now))
    }

    /// The insight with its repeats.
    fn joined(&self, row: &InsightRow) -> StoredInsight {
        match self.claims.get(&row.alert_key) {
            Some(claim) => row.insight.clone().with_repeats(claim.occurrences, claim.last_seen),
            None => row.insight.clone(),
        }
    }

    fn insight(&self, key: &InsightKey, now: Timestamp) -> Option<StoredInsight> {
        self.live(key, now).map(|row| self.joined(row))
    }

    /// Responds from one claim and writes it back if it changes.
    fn step<T>(&mut self, key: AlertKey, step: impl FnOnce(Option<&ClaimRow>) -> (T, Option<ClaimRow>)) -> T {
        let (response, written) = step(self.claims.get(&key));
        self.claims.extend(written.map(|row| (key, row)));
        response
    }

    fn commit(&mut self, request: &CommitRequest<'_>) -> Commit {
        let CommitRequest { lease, insight, todo, now } = *request;
        if let Some(row) = self.live(insight.key(), now) {
            if row.alert_key != insight.alert_key() {
                return Commit::KeyTaken;
            }
            let stored = self.joined(row);
            let expires_at = stored.expires_at().unwrap_or(now);
            self.step(lease.alert_key, |row| ((), ClaimRow::adopt(row, lease, insight.key(), expires_at)));
            let is_mine = stored.run() == insight.fields().run;
            return if is_mine { Commit::Stored } else { Commit::Existing(stored) };
        }
        let committed = ClaimRow::commit(self.claims.get(&lease.alert_key), lease, insight);
        let Some(claim) = committed else {
            // Another worker has taken over: its insight may be under another key than this one's.
            let key = self.claims.get(&lease.alert_key).map(|row| row.insight_key.clone());
            let stored = key.and_then(|key| self.insight(&key, now));
            return stored.map_or(Commit::Lost, Commit::Existing);
        };
        self.claims.insert(lease.alert_key, claim);
        let row = InsightRow { insight: insight.to_stored(), alert_key: insight.alert_key(), todo };
        self.insights.insert(insight.key().clone(), row);
        Commit::Stored
    }
}

impl Claims for MemoryStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim, StoreError> {
        self.with(|state| state.step(request.alert_key, |row| ClaimRow::claim(row, request))).await
    }

    async fn reserve_call(&self, lease: &Lease) -> Result<Reserved, StoreError> {
        self.with(|state| state.step(lease.alert_key, |row| ClaimRow::reserve_call(row, lease))).await
    }

    async fn commit(&self, request: &CommitRequest<'_>) -> Result<Commit, StoreError> {
        self.with(|state| state.commit(request)).await
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError> {
        self.with(|state| state.step(lease.alert_key, |row| ((), ClaimRow::release(row, lease, release))))
            .await
    }

    async fn repeat(&self, request: &RepeatRequest) -> Result<Option<Repeat>, StoreError> {
        self.with(|state| {
            let todo = state.live(&request.insight_key, request.now)?.todo;
            state.step(request.alert_key, |row| ((), ClaimRow::repeat(row, request.seen)));
            Some(Repeat { insight: state.insight(&request.insight_key, request.now)?, todo })
        })
        .await
    }

    async fn claim_upgrade(&self, request: &UpgradeRequest) -> Result<UpgradeClaim, StoreError> {
        self.with(|state| state.step(request.alert_key, |row| ClaimRow::claim_upgrade(row, request))).await
    }

    async fn commit_upgrade(&self, request: &CommitRequest<'_>) -> Result<Option<StoredInsight>, StoreError> {
        let CommitRequest { lease, insight, todo, now } = *request;
        self.with(|state| {
            let row = state.insights.get_mut(insight.key()).filter(|row| row.is_live(now))?;
            if row.insight.is_degraded() {
                row.insight = row.insight.upgraded(insight);
                row.todo = todo.or(row.todo.filter(|todo| *todo == Todo::Notify));
            }
            let release = Release::at(Timestamp::EPOCH);
            state.step(lease.alert_key, |row| ((), ClaimRow::release(row, lease, release)));
            state.insight(insight.key(), now)
        })
        .await
    }
}

impl Insights for MemoryStore {
    async fn insight(&self, key: &InsightKey, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        self.with(|state| state.insight(key, now)).await
    }

    async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo) -> Result<(), StoreError> {
        self.with(|state| {
            let is_it = |row: &&mut InsightRow| row.todo == Some(todo) && row.insight.run() == run;
            if let Some(row) = state.insights.get_mut(key).filter(is_it) {
                row.todo = todo.after(row.insight.is_degraded());
            }
        })
        .await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<DueInsight>, StoreError> {
        self.with(|state| {
            let mut due: Vec<DueInsight> = state
                .insights
                .iter()
                .filter(|(_, row)| row.is_live(now))
                .filter_map(|(key, row)| {
                    let (insight, alert_key) = (state.joined(row), row.alert_key);
                    Some(DueInsight { insight, key: key.clone(), alert_key, todo: row.todo? })
                })
                .collect();
            due.retain(|due| after.is_none_or(|after| due.place() > *after));
            due.sort_by_key(DueInsight::place);
            due.truncate(limit);
            due
        })
        .await
    }
}

impl Parking for MemoryStore {
    async fn park(&self, parked: &Parked, _: &str) -> Result<(), StoreError> {
        self.with(|state| {
            let earlier = state
                .parked
                .get(&parked.sha256)
                .filter(|earlier| !earlier.expires_at().is_past(parked.received_at));
            let item = earlier.map_or_else(|| parked.clone(), |earlier| earlier.again(parked));
            state.parked.insert(item.sha256.clone(), item);
        })
        .await
    }

    async fn replayed(&self, sha256: &str, at: Timestamp, outcome: &str) -> Result<(), StoreError> {
        self.with(|state| {
            if let Some(item) = state.parked.get_mut(sha256) {
                item.replayed_at = Some(at);
                item.outcome = Some(outcome.to_owned());
            }
        })
        .await
    }

    async fn parked(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ParkedPage, StoreError> {
        let place = |item: &Parked| Cursor { time: item.received_at, id: item.sha256.clone() };
        self.with(|state| {
            let live = state.parked.values().filter(|item| !item.expires_at().is_past(now));
            let mut events: Vec<_> =
                live.filter(|item| after.is_none_or(|after| place(item) < *after)).cloned().collect();
            events.sort_by_key(|item| std::cmp::Reverse(place(item)));
            let more = events.len() > limit;
            events.truncate(limit);
            let next = events.last().filter(|_| more).map(place);
            ParkedPage { events, next }
        })
        .await
    }
}

impl Queries for MemoryStore {
    async fn find(&self, alert_id: &str, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        self.with(|state| {
            let mut live = state.insights.values().filter(|row| row.is_live(now));
            live.find(|row| row.insight.alert_id() == alert_id).map(|row| state.joined(row))
        })
        .await
    }

    async fn insights(&self, query: &InsightQuery, now: Timestamp) -> Result<InsightPage, StoreError> {
        self.with(|state| {
            let live = state.insights.values().filter(|row| row.is_live(now)).map(|row| state.joined(row));
            let is_after = |insight: &StoredInsight| {
                query.after.as_ref().is_none_or(|after| query.place(insight) < *after)
            };
            let mut found: Vec<_> = live.filter(|each| query.matches(each) && is_after(each)).collect();
            found.sort_by_key(|insight| std::cmp::Reverse(query.place(insight)));
            found.truncate(query.limit + 1);
            query.page(found)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::MemoryStore;

    crate::store_contract!(block_on, (MemoryStore::new(), ()));
}
