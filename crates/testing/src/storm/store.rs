//! The store as a worker sees it: every operation takes time, and may fail. Those for which DynamoDB needs several
//! requests are several here, and others may come between.

use std::sync::Arc;

use portend_core::alert::{AlertKey, InsightKey};
use portend_core::entity::{
    EntityKey, EntityRow, FeedbackEntry, FeedbackOutcome, FeedbackRequest, WorklistPlace,
};
use portend_core::insight::{Insight, StoredInsight};
use portend_core::store::{
    AnswerKey, Answers, Claim, ClaimRequest, Claims, Commit, CommitRequest, Cursor, DueInsight, Entities,
    Feedback, ForgetCounts, ForgetRequest, Forgetting, InsightPage, InsightQuery, Insights, Lease, Parked,
    ParkedPage, Parking, Queries, Release, Repeat, RepeatRequest, Reserved, StoreError, StoredAnswer, Todo,
    UpgradeClaim, UpgradeRequest,
};
use portend_core::time::Timestamp;

use super::bug::Bug;
use super::history::{Requester, What};
use super::table::SimulatedTable;
use super::world::{Link, OperationInfo, World};
use crate::memory::PutOutcome;

/// A worker's store.
#[derive(Debug)]
pub(super) struct SimulatedStore(pub(super) Link);

/// A commit that outlives its requester.
#[derive(Debug)]
struct SentCommit {
    lease: Lease,
    insight: Insight,
    todo: Option<Todo>,
    now: Timestamp,
}

impl SentCommit {
    fn of(request: &CommitRequest<'_>) -> Arc<Self> {
        let CommitRequest { lease, insight, todo, now } = *request;
        Arc::new(Self { lease: lease.clone(), insight: insight.clone(), todo, now })
    }

    fn request(&self) -> CommitRequest<'_> {
        let Self { lease, insight, todo, now } = self;
        CommitRequest { lease, insight, todo: *todo, now: *now }
    }
}

impl SimulatedStore {
    /// One request about one alert.
    async fn send<T: std::fmt::Debug + Send + 'static>(
        &self,
        name: &'static str,
        key: AlertKey,
        effect: impl FnOnce(&mut SimulatedTable) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let response = {
            let mut world = self.0.world();
            let operation = OperationInfo { name, alert: world.alert(key), is_transaction: false };
            world.send(self.0.worker, operation, |world, _| effect(&mut world.table))
        };
        response.await
    }

    /// One request about any alert, or about no single one.
    async fn send_any<T: std::fmt::Debug + Send + 'static>(
        &self,
        operation: OperationInfo,
        effect: impl FnOnce(&mut World, Requester) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let response = self.0.world().send(self.0.worker, operation, effect);
        response.await
    }

    /// A request about the insight under this key; without one, about the alert that the worker works on.
    fn about(&self, name: &'static str, key: &InsightKey) -> OperationInfo {
        let world = self.0.world();
        let owner = world.table.state.insight_row(key).and_then(|row| world.alert(row.alert_key));
        about_alert(name, owner.or_else(|| world.alert_of(self.0.worker)))
    }
}

fn about_alert(name: &'static str, alert: Option<usize>) -> OperationInfo {
    OperationInfo { name, alert, is_transaction: false }
}

impl Answers for SimulatedStore {
    async fn answer(&self, key: &AnswerKey, now: Timestamp) -> Result<Option<StoredAnswer>, StoreError> {
        let key = key.clone();
        let operation = about_alert("answer", None);
        self.send_any(operation, move |world, _| world.table.state.answer(&key, now)).await
    }

    async fn store_answer(&self, key: &AnswerKey, answer: &StoredAnswer) -> Result<(), StoreError> {
        let (key, answer) = (key.clone(), answer.clone());
        let operation = about_alert("store_answer", None);
        self.send_any(operation, move |world, _| world.table.state.store_answer(&key, &answer)).await
    }
}

impl Claims for SimulatedStore {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim, StoreError> {
        let request = request.clone();
        self.send("claim", request.alert_key, move |table| table.claim(&request)).await
    }

    async fn reserve_call(&self, lease: &Lease) -> Result<Reserved, StoreError> {
        let lease = lease.clone();
        self.send("reserve_call", lease.alert_key, move |table| table.reserve_call(&lease)).await
    }

    async fn commit(&self, request: &CommitRequest<'_>) -> Result<Commit, StoreError> {
        let (key, sent) = (request.lease.alert_key, SentCommit::of(request));
        let (alert, bug) = {
            let world = self.0.world();
            (world.alert(key), world.bug)
        };
        let first = Arc::clone(&sent);
        let transaction = OperationInfo { name: "commit", alert, is_transaction: true };
        let put = self.send_any(transaction, move |world, _| world.table.put(&first.request())).await;
        if bug == Some(Bug::RefusedIsStored) && matches!(put, Err(StoreError::Busy { .. })) {
            return Ok(Commit::Stored);
        }
        match put? {
            PutOutcome::Stored => Ok(Commit::Stored),
            refused @ (PutOutcome::Exists | PutOutcome::Lost) => {
                self.send("existing", key, move |table| table.existing(&sent.request(), refused)).await
            }
        }
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.send("release", lease.alert_key, move |table| table.release(&lease, release)).await
    }

    async fn repeat(&self, request: &RepeatRequest) -> Result<Option<Repeat>, StoreError> {
        let (key, count, read) = (request.alert_key, request.clone(), request.clone());
        self.send("count_repeat", key, move |table| table.count_repeat(&count)).await?;
        self.send("read_repeat", key, move |table| table.read_repeat(&read)).await
    }

    async fn claim_upgrade(&self, request: &UpgradeRequest) -> Result<UpgradeClaim, StoreError> {
        let request = request.clone();
        self.send("claim_upgrade", request.alert_key, move |table| table.claim_upgrade(&request)).await
    }

    async fn commit_upgrade(&self, request: &CommitRequest<'_>) -> Result<Option<StoredInsight>, StoreError> {
        let (key, now, sent) = (request.lease.alert_key, request.now, SentCommit::of(request));
        let (first, second) = (Arc::clone(&sent), Arc::clone(&sent));
        if !self.send("replace", key, move |table| table.replace(&first.request())).await? {
            return Ok(None);
        }
        let end = Release::at(Timestamp::EPOCH);
        self.send("end_upgrade", key, move |table| table.release(&second.lease, end)).await?;
        self.send("read_upgrade", key, move |table| table.insight(sent.insight.key(), now)).await
    }
}

impl Insights for SimulatedStore {
    async fn insight(&self, key: &InsightKey, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        let (operation, key) = (self.about("insight", key), key.clone());
        self.send_any(operation, move |world, _| world.table.insight(&key, now)).await
    }

    async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo) -> Result<(), StoreError> {
        let (operation, key, run) = (self.about("clear_todo", key), key.clone(), run.to_owned());
        self.send_any(operation, move |world, _| world.table.state.clear_todo(&key, &run, todo)).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<DueInsight>, StoreError> {
        let after = after.cloned();
        self.send_any(about_alert("due", None), move |world, _| {
            world.table.due(now, after.as_ref(), limit, world.now)
        })
        .await
    }
}

impl Parking for SimulatedStore {
    async fn park(&self, parked: &Parked, _: &str) -> Result<(), StoreError> {
        let parked = parked.clone();
        let operation = about_alert("park", self.0.world().alert_of(self.0.worker));
        self.send_any(operation, move |world, requester| {
            world.table.park(&parked);
            let event = world.by_bytes.get(parked.event.as_slice()).copied();
            if let Some(event) = event.filter(|_| world.table.state.is_parked(&parked.sha256)) {
                let (alert, now) = (world.event_alerts[event], world.now);
                world.history.add(alert, now, requester, What::Parked { event });
            }
        })
        .await
    }

    async fn replayed(&self, sha256: &str, at: Timestamp, outcome: &str) -> Result<(), StoreError> {
        let (sha256, outcome) = (sha256.to_owned(), outcome.to_owned());
        self.send_any(about_alert("replayed", None), move |world, _| {
            world.table.state.replayed(&sha256, at, &outcome);
        })
        .await
    }

    async fn parked(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ParkedPage, StoreError> {
        let after = after.cloned();
        self.send_any(about_alert("parked", None), move |world, _| {
            world.table.state.parked(after.as_ref(), limit, now)
        })
        .await
    }

    async fn parked_event(&self, sha256: &str, now: Timestamp) -> Result<Option<Parked>, StoreError> {
        let sha256 = sha256.to_owned();
        self.send_any(about_alert("parked_event", None), move |world, _| {
            world.table.state.parked_event(&sha256, now)
        })
        .await
    }

    async fn delete_parked(&self, sha256: &str) -> Result<(), StoreError> {
        let sha256 = sha256.to_owned();
        self.send_any(about_alert("delete_parked", None), move |world, _| {
            world.table.state.delete_parked(&sha256);
        })
        .await
    }
}

impl Queries for SimulatedStore {
    async fn find(&self, alert_id: &str, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        let id = alert_id.to_owned();
        self.send_any(about_alert("find", None), move |world, _| world.table.state.find(&id, now)).await
    }

    async fn insights(&self, query: &InsightQuery, now: Timestamp) -> Result<InsightPage, StoreError> {
        let query = query.clone();
        self.send_any(about_alert("insights", None), move |world, _| world.table.state.insights(&query, now))
            .await
    }
}

impl Entities for SimulatedStore {
    async fn entity(&self, key: &EntityKey, now: Timestamp) -> Result<Option<EntityRow>, StoreError> {
        let key = key.clone();
        self.send_any(about_alert("entity", None), move |world, _| world.table.state.entity(&key, now)).await
    }

    async fn open_entities(
        &self,
        after: Option<&WorklistPlace>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<EntityRow>, StoreError> {
        let after = after.cloned();
        self.send_any(about_alert("open_entities", None), move |world, _| {
            // Only the sweep asks, for those that have recovered. To copy all rows would take most of the storm's time.
            let is_quiet = |row: &EntityRow| row.judgements.values().any(|each| each.quiet_at <= now);
            world.table.state.open_entities(after.as_ref(), limit, now, is_quiet)
        })
        .await
    }

    async fn write_entity(&self, row: &EntityRow, _: Timestamp) -> Result<bool, StoreError> {
        let row = row.clone();
        self.send_any(about_alert("write_entity", None), move |world, _| world.table.state.write_entity(&row))
            .await
    }

    async fn are_entities_complete(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn set_entities_complete(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Feedback for SimulatedStore {
    async fn give_feedback(&self, request: &FeedbackRequest) -> Result<FeedbackOutcome, StoreError> {
        let request = request.clone();
        self.send_any(about_alert("give_feedback", None), move |world, _| {
            world.table.state.give_feedback(&request)
        })
        .await
    }

    async fn feedback(&self, alert_ids: &[String], now: Timestamp) -> Result<Vec<FeedbackEntry>, StoreError> {
        let alert_ids = alert_ids.to_vec();
        self.send_any(about_alert("feedback", None), move |world, _| {
            world.table.state.feedback(&alert_ids, now)
        })
        .await
    }
}

impl Forgetting for SimulatedStore {
    async fn forget(&self, request: &ForgetRequest) -> Result<ForgetCounts, StoreError> {
        let request = request.clone();
        self.send_any(about_alert("forget", None), move |world, _| world.table.state.forget(&request)).await
    }

    async fn forgotten_at(&self, _: &EntityKey, _: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }
}
