//! The store in one DynamoDB table. It also reads the items that the original handler wrote.
//!
//! | item    | `pk`                      | `sk`                                      | attributes                      |
//! |---------|---------------------------|-------------------------------------------|---------------------------------|
//! | insight | `insight#{entity_id}`     | `{alert timestamp}#{alert_type}#{digits}` | the insight's fields; `alert_key`; `todo` and `todo_day` while work is pending |
//! | claim   | `claim#{alert_key}`       | `claim`                                   | `state`, `owner`, `fence`, `lease_until` (ms), `calls`, `upgrades`, `occurrences`, `last_seen`, `insight_pk`, `insight_sk` |
//! | answer  | `answer#{sha256 of the question}` | `answer`                          | `reply`, `model_id`, `run`, `answered_at`, `cost_usd` |
//! | entity  | `entity#{entity_type}#{entity_id}` | `entity`                         | the row's fields; `open_shard` (0 to 15) while it is open |
//! | forgotten | `forgotten`             | hash of an entity                         | `at`                            |
//! | note    | `entities`                | `complete`                                | `complete`, if every insight's entity has a row |
//! | feedback | `feedback#{alert_id}`    | `{time}#{id}`                             | the entry's fields, without `alert_id` |
//! | parked  | `parked#{day received}`   | sha256 of the event                       | `alert_id`, `reason`, `message`, `event`, `event_bytes`, `received_at`, `replayed_at`, `outcome` |
//! | outcome, evaluation row, map | as in the core's `store/documents.rs` | | `document` |
//!
//! | index                 | key                             | projects       | used for                                    |
//! |-----------------------|---------------------------------|----------------|---------------------------------------------|
//! | `PredictionTypeIndex` | `prediction_type`, `timestamp`  | all attributes | the newest insights of one type, or of all  |
//! | `RiskScoreIndex`      | `prediction_type`, `risk_score` | all attributes | other programs                              |
//! | `AlertIdIndex`        | `alert_id`                      | keys           | one insight, or one parked event, by its id |
//! | `TodoIndex`           | `todo_day`, `timestamp`         | keys           | insights to be published or upgraded        |
//! | `WorklistIndex`       | `open_shard`, `worst`           | all attributes | the open entities, the highest score first  |
//!
//! Every item has `ttl`, in seconds since 1970. DynamoDB deletes items late, so every condition and every read treats
//! an expired item as absent.
//!
//! Never: reads before it writes if one conditional write is enough; retries a write (the pipeline does, and every
//! write can be repeated); or puts an item's content into an error.

mod attribute;
mod request;
mod item;
mod claims;
mod insights;
mod commit;
mod entities;
mod queries;
mod parking;
mod answers;
mod feedback;
mod documents;
mod forgetting;
mod table;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use backon::{ExponentialBuilder, Retryable};
use portend_core::alert::InsightKey;
use portend_core::alert_type::AlertTypes;
use portend_core::entity::{
    EntityKey, EntityRow, FeedbackEntry, FeedbackOutcome, FeedbackRequest, WorklistPlace,
};
use portend_core::insight::StoredInsight;
use portend_core::store::{
    AnswerKey, Answers, Claim, ClaimRequest, Claims, Commit, CommitRequest, Cursor, Document, Documents,
    DueInsight, Entities, EntityAhead, Feedback, ForgetCounts, ForgetRequest, Forgetting, InsightPage,
    InsightQuery, Insights, Lease, Parked, ParkedPage, Parking, Queries, Release, Repeat, RepeatRequest,
    Reserved, StoreError, StoredAnswer, Todo, UpgradeClaim, UpgradeRequest,
};
use portend_core::time::Timestamp;

use self::claims::UpdateResult;
use self::forgetting::ForgottenCache;
use self::request::{TableRequest, Update};
use super::{Aws, CallFailure, Caller, Service};
use crate::limits::{PAGE_RETRY_PAUSE, PAGE_TIMEOUT, PAGE_TRIES_MAX, STORE_TIMEOUT, TABLE_BYTES_MAX};
use crate::network::Bounds;

pub use table::TableFinding;

/// A store in one DynamoDB table. It sends nothing until it is used.
pub struct DynamoDb {
    table: String,
    /// The known alert types. A query for all types is one query for each of them.
    types: Vec<String>,
    caller: Caller,
    /// Items that pages skipped because they cannot be read.
    unreadable: AtomicUsize,
    /// The forgotten entities, as they were a moment ago.
    forgotten: Mutex<ForgottenCache>,
    /// Who reads them now.
    forgotten_reader: tokio::sync::Mutex<()>,
}

impl DynamoDb {
    /// The IAM actions that the function needs on the table and its indexes. Only the command line deletes parked events,
    /// which needs `dynamodb:DeleteItem`.
    pub const ACTIONS: [&str; 5] = [
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    ];

    /// The name of the table.
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The table with this name, for insights of these types.
    pub fn new(table: String, types: &AlertTypes, aws: Aws) -> Self {
        let types = types.iter().map(|alert_type| alert_type.id().to_owned()).collect();
        let caller = Caller::new(Service::DYNAMO_DB, aws);
        Self {
            table,
            types,
            caller,
            unreadable: AtomicUsize::new(0),
            forgotten: Mutex::default(),
            forgotten_reader: tokio::sync::Mutex::default(),
        }
    }

    /// The number of items that were skipped because they cannot be read. An unreadable item does not hide the others.
    pub fn unreadable(&self) -> usize {
        self.unreadable.load(Ordering::Relaxed)
    }

    fn forgotten(&self) -> MutexGuard<'_, ForgottenCache> {
        self.forgotten.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Passes an item on, or counts it as unreadable if it is `None`.
    fn readable<T>(&self, read: Option<T>) -> Option<T> {
        if read.is_none() {
            self.unreadable.fetch_add(1, Ordering::Relaxed);
        }
        read
    }

    /// One operation of the pipeline, within [`STORE_TIMEOUT`].
    async fn call<R: TableRequest>(&self, request: &R) -> Result<R::Response, CallFailure> {
        self.exchange(request, Bounds { time: Some(STORE_TIMEOUT), bytes: TABLE_BYTES_MAX }).await
    }

    /// Reads a page, within [`PAGE_TIMEOUT`]. Retries temporary failures.
    async fn page<R: TableRequest>(&self, request: &R) -> Result<R::Response, StoreError> {
        let bounds = Bounds { time: Some(PAGE_TIMEOUT), bytes: TABLE_BYTES_MAX };
        let read = || async { self.exchange(request, bounds).await.map_err(|failure| self.error(&failure)) };
        let pauses =
            ExponentialBuilder::new().with_min_delay(PAGE_RETRY_PAUSE).with_max_times(PAGE_TRIES_MAX - 1);
        read.retry(pauses).when(StoreError::is_transient).await
    }

    /// One exchange. Its future is large; boxing it keeps the callers' futures small.
    async fn exchange<R: TableRequest>(
        &self,
        request: &R,
        bounds: Bounds,
    ) -> Result<R::Response, CallFailure> {
        // A condition with a wrong time would take an insight or a lease for expired.
        let wrong_clock = || self.caller.clock_error().map(CallFailure::WrongClock);
        if let Some(failure) = wrong_clock() {
            return Err(failure);
        }
        let result = Box::pin(self.caller.call(R::OPERATION, request, bounds)).await;
        result.map_err(|failure| wrong_clock().unwrap_or(failure))
    }

    /// A conditional update.
    async fn update(&self, update: &Update) -> Result<UpdateResult, StoreError> {
        match self.call(update).await {
            Ok(updated) => Ok(UpdateResult::Done(updated.attributes)),
            Err(CallFailure::Refused(code, body)) if code == "ConditionalCheckFailedException" => {
                Ok(UpdateResult::Refused(body.read("Item")))
            }
            Err(failure) => Err(self.error(&failure)),
        }
    }

    /// The store error for a failed call.
    fn error(&self, failure: &CallFailure) -> StoreError {
        let source = format!("the DynamoDB table `{}`: {failure}", self.table).into();
        match failure {
            CallFailure::Busy(_) => StoreError::Busy { source },
            CallFailure::Unreachable(_) => StoreError::Unreachable { source },
            CallFailure::WrongClock(_) => {
                let source = format!("the DynamoDB table `{}`: {failure}; set it", self.table).into();
                StoreError::Refused { source }
            }
            CallFailure::Refused(code, _) => {
                let (wrong, fix) = match code.as_str() {
                    "ResourceNotFoundException" => (
                        "it does not exist in this region and account",
                        "deploy the stack, or name another table",
                    ),
                    "ValidationException" => {
                        ("it has other keys or lacks an index", "run portend doctor to see which")
                    }
                    _ => ("the request is not allowed", "check the credentials and their policy"),
                };
                let source =
                    format!("the DynamoDB table `{}`: {wrong} ({failure}); {fix}", self.table).into();
                StoreError::Refused { source }
            }
        }
    }

    /// The error for a table that is busy without an error of the service.
    fn busy(&self, what: &str) -> StoreError {
        StoreError::Busy { source: format!("the DynamoDB table `{}`: {what}", self.table).into() }
    }

    /// The error for an item that cannot be read.
    fn unreadable_item(&self, what: &str) -> StoreError {
        StoreError::DamagedItem {
            source: format!("the DynamoDB table `{}` contains {what} that cannot be read", self.table).into(),
        }
    }
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDb").field("table", &self.table).finish_non_exhaustive()
    }
}

impl Answers for DynamoDb {
    async fn answer(&self, key: &AnswerKey, now: Timestamp) -> Result<Option<StoredAnswer>, StoreError> {
        answers::answer(self, key, now).await
    }

    async fn store_answer(&self, key: &AnswerKey, answer: &StoredAnswer) -> Result<(), StoreError> {
        answers::store_answer(self, key, answer).await
    }
}

impl Claims for DynamoDb {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim, StoreError> {
        claims::claim(self, request).await
    }

    async fn reserve_call(&self, lease: &Lease) -> Result<Reserved, StoreError> {
        claims::reserve_call(self, lease).await
    }

    async fn commit(&self, request: &CommitRequest<'_>) -> Result<Commit, StoreError> {
        commit::commit(self, request, None).await
    }

    async fn commit_with(
        &self,
        request: &CommitRequest<'_>,
        ahead: Option<&EntityAhead>,
    ) -> Result<Commit, StoreError> {
        commit::commit(self, request, ahead).await
    }

    async fn read_ahead(&self, entity: &EntityKey) -> Option<EntityAhead> {
        self.get_entity(entity).await.ok().map(EntityAhead)
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError> {
        claims::release(self, lease, release).await
    }

    async fn repeat(&self, request: &RepeatRequest) -> Result<Option<Repeat>, StoreError> {
        insights::repeat(self, request).await
    }

    async fn claim_upgrade(&self, request: &UpgradeRequest) -> Result<UpgradeClaim, StoreError> {
        claims::claim_upgrade(self, request).await
    }

    async fn commit_upgrade(&self, request: &CommitRequest<'_>) -> Result<Option<StoredInsight>, StoreError> {
        insights::commit_upgrade(self, request).await
    }
}

impl Insights for DynamoDb {
    async fn insight(&self, key: &InsightKey, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        insights::insight(self, key, now).await
    }

    async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo) -> Result<(), StoreError> {
        insights::clear_todo(self, key, run, todo).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<DueInsight>, StoreError> {
        queries::due(self, now, after, limit).await
    }
}

impl Parking for DynamoDb {
    async fn park(&self, parked: &Parked, _: &str) -> Result<(), StoreError> {
        parking::park(self, parked).await
    }

    async fn replayed(&self, sha256: &str, at: Timestamp, outcome: &str) -> Result<(), StoreError> {
        parking::replayed(self, sha256, at, outcome).await
    }

    async fn parked(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ParkedPage, StoreError> {
        parking::parked(self, after, limit, now).await
    }

    async fn parked_event(&self, sha256: &str, now: Timestamp) -> Result<Option<Parked>, StoreError> {
        parking::parked_event(self, sha256, now).await
    }

    async fn delete_parked(&self, sha256: &str) -> Result<(), StoreError> {
        parking::delete_parked(self, sha256).await
    }
}

impl Documents for DynamoDb {
    async fn put_documents(&self, documents: &[Document]) -> Result<(), StoreError> {
        documents::put(self, documents).await
    }

    async fn remove_document(&self, pk: &str, sk: &str, now: Timestamp) -> Result<bool, StoreError> {
        documents::remove(self, pk, sk, now).await
    }

    async fn documents(&self, pk: &str, now: Timestamp) -> Result<Vec<Document>, StoreError> {
        documents::documents(self, pk, now).await
    }
}

impl Queries for DynamoDb {
    async fn find(&self, alert_id: &str, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        queries::find(self, alert_id, now).await
    }

    async fn insights(&self, query: &InsightQuery, now: Timestamp) -> Result<InsightPage, StoreError> {
        queries::insights(self, query, now).await
    }
}

impl Entities for DynamoDb {
    async fn entity(&self, key: &EntityKey, now: Timestamp) -> Result<Option<EntityRow>, StoreError> {
        entities::entity(self, key, now).await
    }

    async fn open_entities(
        &self,
        after: Option<&WorklistPlace>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<EntityRow>, StoreError> {
        entities::open_entities(self, after, limit, now).await
    }

    async fn write_entity(&self, row: &EntityRow, _: Timestamp) -> Result<bool, StoreError> {
        entities::write_entity(self, row).await
    }

    async fn are_entities_complete(&self) -> Result<bool, StoreError> {
        entities::are_complete(self).await
    }

    async fn set_entities_complete(&self) -> Result<(), StoreError> {
        entities::set_complete(self).await
    }
}

impl Feedback for DynamoDb {
    async fn give_feedback(&self, request: &FeedbackRequest) -> Result<FeedbackOutcome, StoreError> {
        feedback::give_feedback(self, request).await
    }

    async fn feedback(&self, alert_ids: &[String], now: Timestamp) -> Result<Vec<FeedbackEntry>, StoreError> {
        feedback::feedback(self, alert_ids, now).await
    }
}

impl Forgetting for DynamoDb {
    async fn forget(&self, request: &ForgetRequest) -> Result<ForgetCounts, StoreError> {
        forgetting::forget(self, request).await
    }

    async fn forgotten_at(
        &self,
        entity: &EntityKey,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        forgetting::forgotten_at(self, entity, now).await
    }
}
