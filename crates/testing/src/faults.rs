//! A store with faults: an error or a kill before or after one of its operations.

use std::future::{Future, pending};
use std::sync::Mutex;

use portend_core::alert::InsightKey;
use portend_core::entity::{
    EntityKey, EntityRow, FeedbackEntry, FeedbackOutcome, FeedbackRequest, WorklistPlace,
};
use portend_core::insight::StoredInsight;
use portend_core::store::{
    AnswerKey, Answers, Claim, ClaimRequest, Claims, Commit, CommitRequest, Cursor, DueInsight, Entities,
    Feedback, ForgetCounts, ForgetRequest, Forgetting, InsightPage, InsightQuery, Insights, Lease, Parked,
    ParkedPage, Parking, Queries, Release, Repeat, RepeatRequest, Reserved, Store, StoreError, StoredAnswer,
    Todo, UpgradeClaim, UpgradeRequest,
};
use portend_core::time::Timestamp;

/// What happens at an operation instead of its success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails, and has had no effect.
    ErrorBefore,
    /// It has its effect, and its response is lost.
    ErrorAfter,
    /// The process dies before it.
    KillBefore,
    /// The process dies after its effect.
    KillAfter,
}

impl Fault {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::ErrorBefore, Self::ErrorAfter, Self::KillBefore, Self::KillAfter];
}

/// An operation of a store on the path of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`Claims::claim`].
    Claim,
    /// [`Claims::commit`] and [`Claims::commit_upgrade`].
    Commit,
    /// [`Claims::release`].
    Release,
    /// [`Claims::repeat`].
    Repeat,
    /// [`Parking::park`].
    Park,
    /// [`Insights::clear_todo`].
    ClearTodo,
    /// [`Answers::answer`].
    Answer,
    /// [`Answers::store_answer`].
    StoreAnswer,
}

impl Operation {
    /// Those on the path of an alert.
    pub const OF_AN_ALERT: [Self; 5] =
        [Self::Claim, Self::Commit, Self::Release, Self::Repeat, Self::ClearTodo];
}

/// A store that does what it is asked, but for the planned faults. It never invents a response: a fault is an error or a
/// kill around the real operation.
#[derive(Debug)]
pub struct FaultyStore<'s, S> {
    store: &'s S,
    plan: Mutex<Vec<(Operation, Fault)>>,
    is_killed: Mutex<bool>,
    /// A first page of what is due that is not true any more.
    old_due: Option<Vec<DueInsight>>,
}

impl<'s, S> FaultyStore<'s, S> {
    /// The store, with these faults: each at the next use of its operation.
    pub fn new(store: &'s S, plan: &[(Operation, Fault)]) -> Self {
        Self { store, plan: Mutex::new(plan.to_vec()), is_killed: Mutex::new(false), old_due: None }
    }

    /// The same whose first page of what is due lags behind.
    #[must_use]
    pub fn with_old_due(self, due: Vec<DueInsight>) -> Self {
        Self { old_due: Some(due), ..self }
    }

    /// Whether a fault has killed the process.
    pub fn is_killed(&self) -> bool {
        *self.is_killed.lock().unwrap()
    }

    fn take(&self, operation: Operation) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        let index = plan.iter().position(|(each, _)| *each == operation)?;
        Some(plan.remove(index).1)
    }

    /// A killed process does nothing more: its future never continues, and is dropped.
    async fn die<T>(&self) -> T {
        *self.is_killed.lock().unwrap() = true;
        pending().await
    }

    async fn through<T>(
        &self,
        operation: Operation,
        real: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let lost = || StoreError::Unreachable { source: "the plug was pulled".into() };
        match self.take(operation) {
            None => real.await,
            Some(Fault::ErrorBefore) => Err(lost()),
            Some(Fault::ErrorAfter) => real.await.and(Err(lost())),
            Some(Fault::KillBefore) => self.die().await,
            Some(Fault::KillAfter) => {
                real.await?;
                self.die().await
            }
        }
    }
}

impl<S: Store> Answers for FaultyStore<'_, S> {
    async fn answer(&self, key: &AnswerKey, now: Timestamp) -> Result<Option<StoredAnswer>, StoreError> {
        self.through(Operation::Answer, self.store.answer(key, now)).await
    }

    async fn store_answer(&self, key: &AnswerKey, answer: &StoredAnswer) -> Result<(), StoreError> {
        self.through(Operation::StoreAnswer, self.store.store_answer(key, answer)).await
    }
}

impl<S: Store> Claims for FaultyStore<'_, S> {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim, StoreError> {
        self.through(Operation::Claim, self.store.claim(request)).await
    }

    async fn reserve_call(&self, lease: &Lease) -> Result<Reserved, StoreError> {
        self.store.reserve_call(lease).await
    }

    async fn commit(&self, request: &CommitRequest<'_>) -> Result<Commit, StoreError> {
        self.through(Operation::Commit, self.store.commit(request)).await
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError> {
        self.through(Operation::Release, self.store.release(lease, release)).await
    }

    async fn repeat(&self, request: &RepeatRequest) -> Result<Option<Repeat>, StoreError> {
        self.through(Operation::Repeat, self.store.repeat(request)).await
    }

    async fn claim_upgrade(&self, request: &UpgradeRequest) -> Result<UpgradeClaim, StoreError> {
        self.store.claim_upgrade(request).await
    }

    async fn commit_upgrade(&self, request: &CommitRequest<'_>) -> Result<Option<StoredInsight>, StoreError> {
        self.through(Operation::Commit, self.store.commit_upgrade(request)).await
    }
}

impl<S: Store> Insights for FaultyStore<'_, S> {
    async fn insight(&self, key: &InsightKey, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        self.store.insight(key, now).await
    }

    async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo) -> Result<(), StoreError> {
        self.through(Operation::ClearTodo, self.store.clear_todo(key, run, todo)).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<DueInsight>, StoreError> {
        match (&self.old_due, after) {
            (Some(due), None) => Ok(due.clone()),
            (Some(_) | None, _) => self.store.due(now, after, limit).await,
        }
    }
}

impl<S: Store> Parking for FaultyStore<'_, S> {
    async fn park(&self, parked: &Parked, owner: &str) -> Result<(), StoreError> {
        self.through(Operation::Park, self.store.park(parked, owner)).await
    }

    async fn replayed(&self, sha256: &str, at: Timestamp, outcome: &str) -> Result<(), StoreError> {
        self.store.replayed(sha256, at, outcome).await
    }

    async fn parked(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ParkedPage, StoreError> {
        self.store.parked(after, limit, now).await
    }

    async fn parked_event(&self, sha256: &str, now: Timestamp) -> Result<Option<Parked>, StoreError> {
        self.store.parked_event(sha256, now).await
    }

    async fn delete_parked(&self, sha256: &str) -> Result<(), StoreError> {
        self.store.delete_parked(sha256).await
    }
}

impl<S: Store> Queries for FaultyStore<'_, S> {
    async fn find(&self, alert_id: &str, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        self.store.find(alert_id, now).await
    }

    async fn insights(&self, query: &InsightQuery, now: Timestamp) -> Result<InsightPage, StoreError> {
        self.store.insights(query, now).await
    }
}

impl<S: Store> Entities for FaultyStore<'_, S> {
    async fn entity(&self, key: &EntityKey, now: Timestamp) -> Result<Option<EntityRow>, StoreError> {
        self.store.entity(key, now).await
    }

    async fn open_entities(
        &self,
        after: Option<&WorklistPlace>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<EntityRow>, StoreError> {
        self.store.open_entities(after, limit, now).await
    }

    async fn write_entity(&self, row: &EntityRow, now: Timestamp) -> Result<bool, StoreError> {
        self.store.write_entity(row, now).await
    }

    async fn are_entities_complete(&self) -> Result<bool, StoreError> {
        self.store.are_entities_complete().await
    }

    async fn set_entities_complete(&self) -> Result<(), StoreError> {
        self.store.set_entities_complete().await
    }
}

impl<S: Store> Feedback for FaultyStore<'_, S> {
    async fn give_feedback(&self, request: &FeedbackRequest) -> Result<FeedbackOutcome, StoreError> {
        self.store.give_feedback(request).await
    }

    async fn feedback(&self, alert_ids: &[String], now: Timestamp) -> Result<Vec<FeedbackEntry>, StoreError> {
        self.store.feedback(alert_ids, now).await
    }
}

impl<S: Store> Forgetting for FaultyStore<'_, S> {
    async fn forget(&self, request: &ForgetRequest) -> Result<ForgetCounts, StoreError> {
        self.store.forget(request).await
    }

    async fn forgotten_at(
        &self,
        entity: &EntityKey,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        self.store.forgotten_at(entity, now).await
    }
}
