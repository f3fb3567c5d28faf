//! The store's contract in memory: the reference, for tests and for dry runs.
//!
//! Takes: the same operations as every store.
//! Gives: the same answers.
//! Never: outlives its process.

use std::collections::{BTreeMap, HashMap};
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{
    Claim, ClaimRequest, ClaimRow, Cursor, Due, Lease, Page, Parked, ParkedPage, Put, Query, Repeat,
    Reserved, Store, StoreError, Todo, UpgradeClaim, UpgradeRequest,
};
use crate::alert::{AlertKey, InsightKey};
use crate::insight::{Insight, StoredInsight};
use crate::time::Timestamp;

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    claims: HashMap<AlertKey, ClaimRow>,
    insights: BTreeMap<InsightKey, Row>,
    parked: HashMap<String, Parked>,
}

#[derive(Debug)]
struct Row {
    insight: StoredInsight,
    alert_key: AlertKey,
    todo: Option<Todo>,
}

impl Row {
    fn is_live(&self, now: Timestamp) -> bool {
        self.insight.expires_at.is_none_or(|expires_at| !expires_at.is_past(now))
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// One operation, alone.
    fn with<T>(&self, operation: impl FnOnce(&mut State) -> T) -> std::future::Ready<Result<T, StoreError>> {
        let mut state: MutexGuard<'_, State> = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ready(Ok(operation(&mut state)))
    }
}

impl State {
    fn live(&self, key: &InsightKey, now: Timestamp) -> Option<&Row> {
        self.insights.get(key).filter(|row| row.is_live(now))
    }

    /// Answers from one claim and writes it back if it changes.
    fn step<T>(&mut self, key: AlertKey, step: impl FnOnce(Option<&ClaimRow>) -> (T, Option<ClaimRow>)) -> T {
        let (answer, written) = step(self.claims.get(&key));
        self.claims.extend(written.map(|row| (key, row)));
        answer
    }
}

impl Store for MemoryStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim, StoreError> {
        self.with(|state| state.step(request.alert_key, |row| ClaimRow::claim(row, request))).await
    }

    async fn reserve_call(&self, lease: &Lease) -> Result<Reserved, StoreError> {
        self.with(|state| state.step(lease.alert_key, |row| ClaimRow::reserve_call(row, lease))).await
    }

    async fn put(&self, insight: &Insight, todo: Option<Todo>, now: Timestamp) -> Result<Put, StoreError> {
        self.with(|state| {
            if let Some(row) = state.live(insight.key(), now) {
                return Put::Existing(row.insight.clone());
            }
            let row = Row { insight: insight.to_stored(), alert_key: insight.alert_key(), todo };
            state.insights.insert(insight.key().clone(), row);
            Put::Stored
        })
        .await
    }

    async fn finish(&self, lease: &Lease, expires_at: Timestamp) -> Result<(), StoreError> {
        self.with(|state| state.step(lease.alert_key, |row| ((), ClaimRow::finish(row, lease, expires_at))))
            .await
    }

    async fn release(&self, lease: &Lease, until: Timestamp) -> Result<(), StoreError> {
        self.with(|state| state.step(lease.alert_key, |row| ((), ClaimRow::release(row, lease, until)))).await
    }

    async fn repeat(
        &self,
        key: &InsightKey,
        seen: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Repeat>, StoreError> {
        self.with(|state| {
            let row = state.insights.get_mut(key).filter(|row| row.is_live(now))?;
            if row.insight.last_seen.is_some_and(|last_seen| last_seen < seen) {
                let occurrences = row.insight.occurrences.unwrap_or(1) + 1;
                row.insight = row.insight.clone().seen(occurrences, seen);
            }
            Some(Repeat { insight: row.insight.clone(), todo: row.todo })
        })
        .await
    }

    async fn park(&self, parked: &Parked) -> Result<(), StoreError> {
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

    async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo) -> Result<(), StoreError> {
        self.with(|state| {
            let is_it = |row: &&mut Row| row.todo == Some(todo) && row.insight.run.as_deref() == Some(run);
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
    ) -> Result<Vec<Due>, StoreError> {
        self.with(|state| {
            let mut due: Vec<Due> = state
                .insights
                .iter()
                .filter(|(_, row)| row.is_live(now))
                .filter_map(|(key, row)| {
                    let (insight, alert_key) = (row.insight.clone(), row.alert_key);
                    Some(Due { insight, key: key.clone(), alert_key, todo: row.todo? })
                })
                .collect();
            due.retain(|due| after.is_none_or(|after| due.place() > *after));
            due.sort_by_key(Due::place);
            due.truncate(limit);
            due
        })
        .await
    }

    async fn claim_upgrade(&self, request: &UpgradeRequest) -> Result<UpgradeClaim, StoreError> {
        self.with(|state| state.step(request.alert_key, |row| ClaimRow::claim_upgrade(row, request))).await
    }

    async fn upgrade(
        &self,
        insight: &Insight,
        todo: Option<Todo>,
        now: Timestamp,
    ) -> Result<Option<StoredInsight>, StoreError> {
        self.with(|state| {
            let row = state.insights.get_mut(insight.key()).filter(|row| row.is_live(now))?;
            if row.insight.is_degraded() {
                row.insight = row.insight.upgraded(insight);
                row.todo = todo.or(row.todo.filter(|todo| *todo == Todo::Tell));
            }
            Some(row.insight.clone())
        })
        .await
    }

    async fn insight(&self, key: &InsightKey, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        self.with(|state| state.live(key, now).map(|row| row.insight.clone())).await
    }

    async fn find(&self, alert_id: &str, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        self.with(|state| {
            let mut live = state.insights.values().filter(|row| row.is_live(now));
            live.find(|row| row.insight.alert_id == alert_id).map(|row| row.insight.clone())
        })
        .await
    }

    async fn insights(&self, query: &Query, now: Timestamp) -> Result<Page, StoreError> {
        self.with(|state| {
            let live = state.insights.values().filter(|row| row.is_live(now)).map(|row| &row.insight);
            let after = |insight: &&StoredInsight| {
                query.after.as_ref().is_none_or(|after| query.place(insight) < *after)
            };
            let mut found: Vec<_> = live.filter(|each| query.matches(each)).filter(after).cloned().collect();
            found.sort_by_key(|insight| std::cmp::Reverse(query.place(insight)));
            found.truncate(query.limit + 1);
            query.page(found)
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

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::MemoryStore;

    crate::store_contract!(block_on, (MemoryStore::new(), ()));
}
