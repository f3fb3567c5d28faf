//! The store's contract in memory: the reference, for tests.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

use portend_core::alert::{AlertKey, InsightKey};
use portend_core::entity::{
    EntityKey, EntityRow, FeedbackEntry, FeedbackOutcome, FeedbackRequest, WorklistPlace,
};
use portend_core::insight::{Insight, InsightFields, StoredInsight};
use portend_core::limits::RETENTION;
use portend_core::number::Number;
use portend_core::store::{
    AnswerKey, Answers, Claim, ClaimRequest, ClaimRow, Claims, Commit, CommitRequest, Cursor, Document,
    Documents, DueInsight, Entities, Feedback, ForgetCounts, ForgetRequest, Forgetting, InsightPage,
    InsightQuery, Insights, Lease, Parked, ParkedPage, Parking, Queries, Release, Repeat, RepeatRequest,
    Reserved, StoreError, StoredAnswer, Todo, UpgradeClaim, UpgradeRequest, event_mentions, mentions,
};
use portend_core::time::Timestamp;

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<MemoryState>);

/// What a store holds, with every operation of the contract as a function that returns at once.
#[derive(Debug, Default)]
pub(crate) struct MemoryState {
    claims: BTreeMap<AlertKey, ClaimRow>,
    insights: BTreeMap<InsightKey, InsightRow>,
    parked: BTreeMap<String, Parked>,
    answers: BTreeMap<AnswerKey, StoredAnswer>,
    entities: BTreeMap<EntityKey, EntityRow>,
    feedback: BTreeMap<(String, Timestamp, String), (FeedbackEntry, Timestamp)>,
    forgotten: BTreeMap<EntityKey, Timestamp>,
    documents: BTreeMap<(String, String), Document>,
}

/// A stored insight, without its repeats.
#[derive(Debug)]
pub(crate) struct InsightRow {
    pub(crate) insight: StoredInsight,
    pub(crate) alert_key: AlertKey,
    pub(crate) todo: Option<Todo>,
}

/// What the transaction of a commit did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PutOutcome {
    /// The insight is stored and its claim is done.
    Stored,
    /// Nothing: there is an insight under the key.
    Exists,
    /// Nothing: another worker has taken over.
    Lost,
}

impl InsightRow {
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
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
    /// A claim's row, expired or not.
    pub(crate) fn claim_row(&self, key: AlertKey) -> Option<&ClaimRow> {
        self.claims.get(&key)
    }

    /// The same, to be changed.
    pub(crate) fn claim_row_mut(&mut self, key: AlertKey) -> Option<&mut ClaimRow> {
        self.claims.get_mut(&key)
    }

    /// Removes a claim's row.
    pub(crate) fn remove_claim(&mut self, key: AlertKey) {
        self.claims.remove(&key);
    }

    /// Deletes some of what has expired: those that `is_chosen`, which is called for each in their order. Returns the keys
    /// of the claims, and of the claims of the insights.
    pub(crate) fn delete_expired(
        &mut self,
        now: Timestamp,
        mut is_chosen: impl FnMut() -> bool,
    ) -> (Vec<AlertKey>, Vec<AlertKey>) {
        let claims = self.claims.extract_if(.., |_, row| row.expires_at.is_past(now) && is_chosen());
        let claims = claims.map(|(key, _)| key).collect();
        let insights = self.insights.extract_if(.., |_, row| !row.is_live(now) && is_chosen());
        (claims, insights.map(|(_, row)| row.alert_key).collect())
    }

    /// An insight's row, expired or not.
    pub(crate) fn insight_row(&self, key: &InsightKey) -> Option<&InsightRow> {
        self.insights.get(key)
    }

    /// The same, to be changed.
    pub(crate) fn insight_row_mut(&mut self, key: &InsightKey) -> Option<&mut InsightRow> {
        self.insights.get_mut(key)
    }

    /// Removes an insight's row.
    pub(crate) fn remove_insight(&mut self, key: &InsightKey) {
        self.insights.remove(key);
    }

    /// Whether an event is parked, expired or not.
    pub(crate) fn is_parked(&self, sha256: &str) -> bool {
        self.parked.contains_key(sha256)
    }

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

    /// Responds from one claim and writes it back if it changes.
    fn step<T>(&mut self, key: AlertKey, step: impl FnOnce(Option<&ClaimRow>) -> (T, Option<ClaimRow>)) -> T {
        let (response, written) = step(self.claims.get(&key));
        self.claims.extend(written.map(|row| (key, row)));
        response
    }
}

/// Claims.
impl MemoryState {
    pub(crate) fn claim(&mut self, request: &ClaimRequest) -> Claim {
        self.step(request.alert_key, |row| ClaimRow::claim(row, request))
    }

    pub(crate) fn reserve_call(&mut self, lease: &Lease) -> Reserved {
        self.step(lease.alert_key, |row| ClaimRow::reserve_call(row, lease))
    }

    fn commit(&mut self, request: &CommitRequest<'_>) -> Commit {
        match self.put(request) {
            PutOutcome::Stored => Commit::Stored,
            refused @ (PutOutcome::Exists | PutOutcome::Lost) => self.existing(request, refused),
        }
    }

    /// The transaction of a commit: both writes, or none.
    pub(crate) fn put(&mut self, request: &CommitRequest<'_>) -> PutOutcome {
        let CommitRequest { lease, insight, todo, now } = *request;
        if self.live(insight.key(), now).is_some() {
            return PutOutcome::Exists;
        }
        let committed = ClaimRow::commit(self.claims.get(&lease.alert_key), lease, insight);
        let Some(claim) = committed else { return PutOutcome::Lost };
        self.claims.insert(lease.alert_key, claim);
        let row = InsightRow { insight: insight.to_stored(), alert_key: insight.alert_key(), todo };
        self.insights.insert(insight.key().clone(), row);
        self.judge_entity(insight, insight.fields(), now);
        PutOutcome::Stored
    }

    /// Writes the row of an insight's entity.
    fn judge_entity(&mut self, insight: &Insight, stored: &InsightFields, now: Timestamp) {
        let key = insight.entity_key();
        let row = insight.judge_entity(stored, self.entities.get(&key), now);
        self.entities.extend(row.map(|row| (key, row)));
    }

    /// What a refused transaction means to its caller.
    pub(crate) fn existing(&mut self, request: &CommitRequest<'_>, refused: PutOutcome) -> Commit {
        let CommitRequest { lease, insight, now, .. } = *request;
        match self.live(insight.key(), now).filter(|_| refused == PutOutcome::Exists) {
            Some(row) if row.alert_key != insight.alert_key() => Commit::KeyTaken,
            Some(row) => {
                let stored = self.joined(row);
                let expires_at = stored.expires_at().unwrap_or(now);
                self.step(lease.alert_key, |row| {
                    ((), ClaimRow::adopt(row, lease, insight.key(), expires_at))
                });
                let is_mine = stored.run() == insight.fields().run;
                if is_mine { Commit::Stored } else { Commit::Existing(stored) }
            }
            None => {
                // Another worker has taken over: its insight may be under another key than this one's.
                let claim = self.claims.get(&lease.alert_key);
                let row = claim.and_then(|claim| self.live(&claim.insight_key, now));
                // It may also be another alert's, whose key begins with the same digits.
                let stored = row.filter(|row| row.alert_key == lease.alert_key).map(|row| self.joined(row));
                stored.map_or(Commit::Lost, Commit::Existing)
            }
        }
    }

    pub(crate) fn release(&mut self, lease: &Lease, release: Release) {
        self.step(lease.alert_key, |row| ((), ClaimRow::release(row, lease, release)));
    }

    fn repeat(&mut self, request: &RepeatRequest) -> Option<Repeat> {
        self.read_repeat(request)?;
        self.count_repeat(request);
        self.read_repeat(request)
    }

    /// The half of a repeat that counts it.
    pub(crate) fn count_repeat(&mut self, request: &RepeatRequest) {
        self.step(request.alert_key, |row| ((), ClaimRow::repeat(row, request)));
    }

    /// The half of a repeat that reads the insight.
    pub(crate) fn read_repeat(&self, request: &RepeatRequest) -> Option<Repeat> {
        let row = self.live(&request.insight_key, request.now)?;
        let row = Some(row).filter(|row| row.alert_key == request.alert_key)?;
        Some(Repeat { insight: self.joined(row), todo: row.todo })
    }

    pub(crate) fn claim_upgrade(&mut self, request: &UpgradeRequest) -> UpgradeClaim {
        self.step(request.alert_key, |row| ClaimRow::claim_upgrade(row, request))
    }

    fn commit_upgrade(&mut self, request: &CommitRequest<'_>) -> Option<StoredInsight> {
        if !self.replace(request) {
            return None;
        }
        self.release(request.lease, Release::at(Timestamp::EPOCH));
        self.insight(request.insight.key(), request.now)
    }

    /// The part of an upgrade that replaces the insight, if it is degraded. Returns whether there is one.
    pub(crate) fn replace(&mut self, request: &CommitRequest<'_>) -> bool {
        let CommitRequest { insight, todo, now, .. } = *request;
        // Under the key there may also be another alert's, whose key begins with the same digits.
        let is_its = |row: &&mut InsightRow| row.is_live(now) && row.alert_key == insight.alert_key();
        let Some(row) = self.insights.get_mut(insight.key()).filter(is_its) else { return false };
        if row.insight.is_degraded() {
            row.insight = row.insight.upgraded(insight);
            row.todo = todo.or(row.todo.filter(|todo| *todo == Todo::Notify));
        }
        if let Some(stored) = row.insight.current().cloned() {
            self.judge_entity(insight, &stored, now);
        }
        true
    }
}

/// Insights.
impl MemoryState {
    pub(crate) fn insight(&self, key: &InsightKey, now: Timestamp) -> Option<StoredInsight> {
        self.live(key, now).map(|row| self.joined(row))
    }

    pub(crate) fn clear_todo(&mut self, key: &InsightKey, run: &str, todo: Todo) {
        let is_it = |row: &&mut InsightRow| row.todo == Some(todo) && row.insight.run() == run;
        if let Some(row) = self.insights.get_mut(key).filter(is_it) {
            row.todo = todo.after(row.insight.is_degraded());
        }
    }

    /// The keys of what is due, with their places, in their order.
    pub(crate) fn due_keys(&self, now: Timestamp) -> Vec<(Cursor, InsightKey)> {
        let due = self.insights.iter().filter(|(_, row)| row.todo.is_some() && row.is_live(now));
        let place =
            |insight: &StoredInsight| Cursor { time: insight.timestamp(), id: insight.alert_id().to_owned() };
        let mut keys: Vec<_> = due.map(|(key, row)| (place(&row.insight), key.clone())).collect();
        keys.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        keys
    }

    /// What is left to do with one insight.
    pub(crate) fn due_insight(&self, key: &InsightKey, now: Timestamp) -> Option<DueInsight> {
        let row = self.live(key, now)?;
        let todo = row.todo?;
        Some(DueInsight { insight: self.joined(row), key: key.clone(), alert_key: row.alert_key, todo })
    }

    fn due(&self, now: Timestamp, after: Option<&Cursor>, limit: usize) -> Vec<DueInsight> {
        let keys = self.due_keys(now).into_iter();
        let later = keys.filter(|(place, _)| after.is_none_or(|after| place > after));
        later.take(limit).filter_map(|(_, key)| self.due_insight(&key, now)).collect()
    }

    pub(crate) fn find(&self, alert_id: &str, now: Timestamp) -> Option<StoredInsight> {
        let mut live = self.insights.values().filter(|row| row.is_live(now));
        live.find(|row| row.insight.alert_id() == alert_id).map(|row| self.joined(row))
    }

    pub(crate) fn insights(&self, query: &InsightQuery, now: Timestamp) -> InsightPage {
        let live = self.insights.values().filter(|row| row.is_live(now)).map(|row| self.joined(row));
        let is_after =
            |insight: &StoredInsight| query.after.as_ref().is_none_or(|after| query.place(insight) < *after);
        let mut found: Vec<_> = live.filter(|each| query.matches(each) && is_after(each)).collect();
        found.sort_by_key(|insight| std::cmp::Reverse(query.place(insight)));
        found.truncate(query.limit + 1);
        query.page(found)
    }
}

/// Parked events.
impl MemoryState {
    pub(crate) fn park(&mut self, parked: &Parked) {
        let earlier = self
            .parked
            .get(&parked.sha256)
            .filter(|earlier| !earlier.expires_at().is_past(parked.received_at));
        let item = earlier.map_or_else(|| parked.clone(), |earlier| earlier.again(parked));
        self.parked.insert(item.sha256.clone(), item);
    }

    pub(crate) fn replayed(&mut self, sha256: &str, at: Timestamp, outcome: &str) {
        if let Some(item) = self.parked.get_mut(sha256) {
            item.replayed_at = Some(at);
            item.outcome = Some(outcome.to_owned());
        }
    }

    pub(crate) fn parked_event(&self, sha256: &str, now: Timestamp) -> Option<Parked> {
        self.parked.get(sha256).filter(|item| !item.expires_at().is_past(now)).cloned()
    }

    pub(crate) fn delete_parked(&mut self, sha256: &str) {
        self.parked.remove(sha256);
    }

    pub(crate) fn parked(&self, after: Option<&Cursor>, limit: usize, now: Timestamp) -> ParkedPage {
        let place = |item: &Parked| Cursor { time: item.received_at, id: item.sha256.clone() };
        let live = self.parked.values().filter(|item| !item.expires_at().is_past(now));
        let mut events: Vec<_> =
            live.filter(|item| after.is_none_or(|after| place(item) < *after)).cloned().collect();
        events.sort_by_key(|item| std::cmp::Reverse(place(item)));
        let more = events.len() > limit;
        events.truncate(limit);
        let next = events.last().filter(|_| more).map(place);
        ParkedPage { events, next }
    }
}

/// Answers.
impl MemoryState {
    pub(crate) fn answer(&self, key: &AnswerKey, now: Timestamp) -> Option<StoredAnswer> {
        self.answers.get(key).filter(|answer| !answer.expires_at.is_past(now)).cloned()
    }

    pub(crate) fn store_answer(&mut self, key: &AnswerKey, answer: &StoredAnswer) {
        self.answers.insert(key.clone(), answer.clone());
    }
}

impl Answers for MemoryStore {
    async fn answer(&self, key: &AnswerKey, now: Timestamp) -> Result<Option<StoredAnswer>, StoreError> {
        self.with(|state| state.answer(key, now)).await
    }

    async fn store_answer(&self, key: &AnswerKey, answer: &StoredAnswer) -> Result<(), StoreError> {
        self.with(|state| state.store_answer(key, answer)).await
    }
}

/// Entities and feedback.
impl MemoryState {
    pub(crate) fn entity(&self, key: &EntityKey, now: Timestamp) -> Option<EntityRow> {
        self.entities.get(key).filter(|row| !row.expires_at.is_past(now)).cloned()
    }

    pub(crate) fn open_entities(
        &self,
        after: Option<&WorklistPlace>,
        limit: usize,
        now: Timestamp,
        filter: impl Fn(&EntityRow) -> bool,
    ) -> Vec<EntityRow> {
        let order = |(worst, key): (Number, &EntityKey), (other_worst, other_key): (Number, &EntityKey)| {
            other_worst.get().total_cmp(&worst.get()).then_with(|| key.cmp(other_key))
        };
        let is_after = |row: &EntityRow| {
            after.is_none_or(|after| order((row.worst, &row.key), (after.worst, &after.key)).is_gt())
        };
        let open = self.entities.values().filter(|row| row.state.is_open() && !row.expires_at.is_past(now));
        let mut rows: Vec<_> = open.filter(|row| is_after(row) && filter(row)).collect();
        rows.sort_by(|one, other| order((one.worst, &one.key), (other.worst, &other.key)));
        rows.into_iter().take(limit).cloned().collect()
    }

    pub(crate) fn write_entity(&mut self, row: &EntityRow) -> bool {
        match self.entities.get(&row.key) {
            Some(stored) if stored.version + 1 != row.version => stored == row,
            Some(_) | None => {
                self.entities.insert(row.key.clone(), row.clone());
                true
            }
        }
    }

    pub(crate) fn give_feedback(&mut self, request: &FeedbackRequest) -> FeedbackOutcome {
        let FeedbackRequest { entity, entry, expires_at, now, .. } = request;
        let key = (entry.alert_id.clone(), entry.at, entry.id.clone());
        if self.feedback.contains_key(&key) {
            let row = self.entity(entity, *now);
            return row.map_or(FeedbackOutcome::NoEntity, |row| FeedbackOutcome::Recorded(Box::new(row)));
        }
        let (outcome, row) = EntityRow::change(self.entities.get(entity), request);
        if let FeedbackOutcome::Recorded(_) = outcome {
            self.feedback.insert(key, (entry.clone(), *expires_at));
        }
        self.entities.extend(row.map(|row| (row.key.clone(), row)));
        outcome
    }

    pub(crate) fn feedback(&self, alert_ids: &[String], now: Timestamp) -> Vec<FeedbackEntry> {
        let live = self.feedback.values().filter(|(_, expires_at)| !expires_at.is_past(now));
        let of_them = live.map(|(entry, _)| entry).filter(|entry| alert_ids.contains(&entry.alert_id));
        let mut entries: Vec<_> = of_them.cloned().collect();
        entries.sort_by_key(|entry| (entry.at, entry.id.clone()));
        entries
    }
}

/// Forgetting.
impl MemoryState {
    pub(crate) fn forget(&mut self, request: &ForgetRequest) -> ForgetCounts {
        let ForgetRequest { entity, alert_types, now } = request;
        let is_its = |key: &InsightKey| {
            key.entity_id() == entity.entity_id && alert_types.iter().any(|each| each == key.alert_type())
        };
        let insights: Vec<_> = self.insights.extract_if(.., |key, _| is_its(key)).collect();
        let ids: Vec<_> = insights.iter().map(|(_, row)| row.insight.alert_id().to_owned()).collect();
        let claims = self.claims.extract_if(.., |_, row| is_its(&row.insight_key)).count();
        let feedback = self.feedback.extract_if(.., |(id, ..), _| ids.contains(id)).count();
        let runs: Vec<_> = insights.iter().map(|(_, row)| row.insight.run().to_owned()).collect();
        let answers = self.answers.extract_if(.., |_, answer| {
            runs.contains(&answer.run) || mentions(&answer.reply, &entity.entity_id)
        });
        let answers = answers.count();
        let is_mentioned = |item: &Parked| {
            event_mentions(&item.event, &entity.entity_id) || mentions(&item.message, &entity.entity_id)
        };
        let parked = self.parked.extract_if(.., |_, item| is_mentioned(item)).count();
        let is_about = |document: &Document| document.is_about(entity, |id| ids.iter().any(|its| its == id));
        let documents = self.documents.extract_if(.., |_, document| is_about(document)).count();
        let others = documents + answers + usize::from(self.entities.remove(entity).is_some());
        self.forgotten.insert(entity.clone(), *now);
        ForgetCounts {
            insights: insights.len() as u64,
            claims: claims as u64,
            feedback: feedback as u64,
            parked: parked as u64,
            waiting: 0,
            others: others as u64,
        }
    }
}

impl Claims for MemoryStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim, StoreError> {
        self.with(|state| state.claim(request)).await
    }

    async fn reserve_call(&self, lease: &Lease) -> Result<Reserved, StoreError> {
        self.with(|state| state.reserve_call(lease)).await
    }

    async fn commit(&self, request: &CommitRequest<'_>) -> Result<Commit, StoreError> {
        self.with(|state| state.commit(request)).await
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError> {
        self.with(|state| state.release(lease, release)).await
    }

    async fn repeat(&self, request: &RepeatRequest) -> Result<Option<Repeat>, StoreError> {
        self.with(|state| state.repeat(request)).await
    }

    async fn claim_upgrade(&self, request: &UpgradeRequest) -> Result<UpgradeClaim, StoreError> {
        self.with(|state| state.claim_upgrade(request)).await
    }

    async fn commit_upgrade(&self, request: &CommitRequest<'_>) -> Result<Option<StoredInsight>, StoreError> {
        self.with(|state| state.commit_upgrade(request)).await
    }
}

impl Insights for MemoryStore {
    async fn insight(&self, key: &InsightKey, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        self.with(|state| state.insight(key, now)).await
    }

    async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo) -> Result<(), StoreError> {
        self.with(|state| state.clear_todo(key, run, todo)).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<DueInsight>, StoreError> {
        self.with(|state| state.due(now, after, limit)).await
    }
}

impl Parking for MemoryStore {
    async fn park(&self, parked: &Parked, _: &str) -> Result<(), StoreError> {
        self.with(|state| state.park(parked)).await
    }

    async fn replayed(&self, sha256: &str, at: Timestamp, outcome: &str) -> Result<(), StoreError> {
        self.with(|state| state.replayed(sha256, at, outcome)).await
    }

    async fn parked(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ParkedPage, StoreError> {
        self.with(|state| state.parked(after, limit, now)).await
    }

    async fn parked_event(&self, sha256: &str, now: Timestamp) -> Result<Option<Parked>, StoreError> {
        self.with(|state| state.parked_event(sha256, now)).await
    }

    async fn delete_parked(&self, sha256: &str) -> Result<(), StoreError> {
        self.with(|state| state.delete_parked(sha256)).await
    }
}

impl Documents for MemoryStore {
    async fn put_documents(&self, documents: &[Document]) -> Result<(), StoreError> {
        let keyed = documents.iter().map(|each| ((each.pk.clone(), each.sk.clone()), each.clone()));
        self.with(|state| state.documents.extend(keyed)).await
    }

    async fn remove_document(&self, pk: &str, sk: &str, now: Timestamp) -> Result<bool, StoreError> {
        let key = (pk.to_owned(), sk.to_owned());
        let is_live = |document: Document| !document.expires_at.is_past(now);
        self.with(|state| state.documents.remove(&key).is_some_and(is_live)).await
    }

    async fn documents(&self, pk: &str, now: Timestamp) -> Result<Vec<Document>, StoreError> {
        let is_found = |each: &&Document| each.pk == pk && !each.expires_at.is_past(now);
        self.with(|state| state.documents.values().filter(is_found).cloned().collect()).await
    }
}

impl Queries for MemoryStore {
    async fn find(&self, alert_id: &str, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        self.with(|state| state.find(alert_id, now)).await
    }

    async fn insights(&self, query: &InsightQuery, now: Timestamp) -> Result<InsightPage, StoreError> {
        self.with(|state| state.insights(query, now)).await
    }
}

impl Entities for MemoryStore {
    async fn entity(&self, key: &EntityKey, now: Timestamp) -> Result<Option<EntityRow>, StoreError> {
        self.with(|state| state.entity(key, now)).await
    }

    async fn open_entities(
        &self,
        after: Option<&WorklistPlace>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<EntityRow>, StoreError> {
        self.with(|state| state.open_entities(after, limit, now, |_| true)).await
    }

    async fn write_entity(&self, row: &EntityRow, _: Timestamp) -> Result<bool, StoreError> {
        self.with(|state| state.write_entity(row)).await
    }

    async fn are_entities_complete(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn set_entities_complete(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Feedback for MemoryStore {
    async fn give_feedback(&self, request: &FeedbackRequest) -> Result<FeedbackOutcome, StoreError> {
        self.with(|state| state.give_feedback(request)).await
    }

    async fn feedback(&self, alert_ids: &[String], now: Timestamp) -> Result<Vec<FeedbackEntry>, StoreError> {
        self.with(|state| state.feedback(alert_ids, now)).await
    }
}

impl Forgetting for MemoryStore {
    async fn forget(&self, request: &ForgetRequest) -> Result<ForgetCounts, StoreError> {
        self.with(|state| state.forget(request)).await
    }

    async fn forgotten_at(
        &self,
        entity: &EntityKey,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.with(|state| state.forgotten.get(entity).copied().filter(|at| !at.plus(RETENTION).is_past(now)))
            .await
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;

    use super::MemoryStore;

    crate::store_contract!(block_on, (MemoryStore::new(), ()));
}
