//! The store's contract on one DynamoDB table, also for the items that the original handler wrote.
//!
//! | item    | `pk`                      | `sk`                                      | attributes                      |
//! |---------|---------------------------|-------------------------------------------|---------------------------------|
//! | insight | `insight#{entity_id}`     | `{alert timestamp}#{alert_type}#{digits}` | the insight's fields; `alert_key`; `todo`, `todo_day` while something is left to do |
//! | claim   | `claim#{alert_key}`       | `claim`                                   | `state`, `owner`, `fence`, `lease_until` (ms), `calls`, `upgrades`, `occurrences`, `last_seen`, `insight_pk`, `insight_sk` |
//! | parked  | `parked#{day received}`   | sha256 of the event                       | `alert_id`, `reason`, `message`, `event`, `event_bytes`, `received_at`, `replayed_at`, `outcome` |
//!
//! | index                 | key                             | holds          | serves                                     |
//! |-----------------------|---------------------------------|----------------|--------------------------------------------|
//! | `PredictionTypeIndex` | `prediction_type`, `timestamp`  | all attributes | the newest of a type; all types are merged |
//! | `RiskScoreIndex`      | `prediction_type`, `risk_score` | all attributes | readers beside this program                |
//! | `AlertIdIndex`        | `alert_id`                      | keys           | one insight, or one parked event, by its id |
//! | `TodoIndex`           | `todo_day`, `timestamp`         | keys           | what is still to be published or upgraded  |
//!
//! Every item has `ttl`, in epoch seconds. DynamoDB deletes late, so each condition and each reader takes what has
//! expired for absent.
//!
//! Never: reads before it writes where one conditional write does; tries a write again (the pipeline does, and every one
//! can be repeated); or puts an item's content into an error.

mod attribute;
mod request;
mod item;
mod claims;
mod insights;
mod commit;
mod queries;
mod parking;
mod table;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use backon::{ExponentialBuilder, Retryable};
use portend_core::alert::InsightKey;
use portend_core::alert_type::AlertTypes;
use portend_core::insight::StoredInsight;
use portend_core::store::{
    Claim, ClaimRequest, Claims, Commit, CommitRequest, Cursor, DueInsight, InsightPage, InsightQuery,
    Insights, Lease, Parked, ParkedPage, Parking, Queries, Release, Repeat, RepeatRequest, Reserved,
    StoreError, Todo, UpgradeClaim, UpgradeRequest,
};
use portend_core::time::Timestamp;

use self::claims::Updated;
use self::request::{TableRequest, Update};
use super::{Aws, Caller, Failure, Service};
use crate::limits::{PAGE_RETRY_PAUSE, PAGE_TIMEOUT, PAGE_TRIES_MAX, STORE_TIMEOUT, TABLE_BYTES_MAX};
use crate::network::Bounds;

pub use table::TableFinding;

/// A store in one DynamoDB table. Nothing is done until it is used.
pub struct DynamoDb {
    table: String,
    /// The alert types that "all types" means: an index has no other way to name them.
    types: Vec<String>,
    caller: Caller,
    /// Items that were left out of pages since they cannot be read.
    unreadable: AtomicUsize,
}

impl DynamoDb {
    /// What the running program does to the table and its indexes.
    pub const ACTIONS: [&str; 5] = [
        "dynamodb:BatchGetItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
    ];

    /// The table of this name, with insights of these types.
    pub fn new(table: String, types: &AlertTypes, aws: Aws) -> Self {
        let types = types.iter().map(|alert_type| alert_type.id().to_owned()).collect();
        let caller = Caller::new(Service::DYNAMO_DB, aws);
        Self { table, types, caller, unreadable: AtomicUsize::new(0) }
    }

    /// How many items were left out of what was read, since they are not what their keys say. One of them does not hide
    /// the others.
    pub fn unreadable(&self) -> usize {
        self.unreadable.load(Ordering::Relaxed)
    }

    /// What was read, or counted as unreadable.
    fn readable<T>(&self, read: Option<T>) -> Option<T> {
        if read.is_none() {
            self.unreadable.fetch_add(1, Ordering::Relaxed);
        }
        read
    }

    /// One of the pipeline's operations, each within a moment.
    async fn call<R: TableRequest>(&self, request: &R) -> Result<R::Response, Failure> {
        self.exchange(request, Bounds { time: Some(STORE_TIMEOUT), bytes: TABLE_BYTES_MAX }).await
    }

    /// A page, which takes longer; asked for again while that may help.
    async fn page<R: TableRequest>(&self, request: &R) -> Result<R::Response, StoreError> {
        let bounds = Bounds { time: Some(PAGE_TIMEOUT), bytes: TABLE_BYTES_MAX };
        let read = || async { self.exchange(request, bounds).await.map_err(|failure| self.error(&failure)) };
        let pauses =
            ExponentialBuilder::new().with_min_delay(PAGE_RETRY_PAUSE).with_max_times(PAGE_TRIES_MAX - 1);
        read.retry(pauses).when(StoreError::is_transient).await
    }

    /// The future of an exchange is large; boxed, it does not make every caller's so.
    async fn exchange<R: TableRequest>(&self, request: &R, bounds: Bounds) -> Result<R::Response, Failure> {
        Box::pin(self.caller.call(R::OPERATION, request, bounds)).await
    }

    /// A conditional update.
    async fn update(&self, update: &Update) -> Result<Updated, StoreError> {
        match self.call(update).await {
            Ok(updated) => Ok(Updated::Done(updated.attributes)),
            Err(Failure::Refused(code, body)) if code == "ConditionalCheckFailedException" => {
                Ok(Updated::Refused(body.read("Item")))
            }
            Err(failure) => Err(self.error(&failure)),
        }
    }

    /// What a failed operation means to the pipeline.
    fn error(&self, failure: &Failure) -> StoreError {
        let source = format!("the DynamoDB table {}: {failure}", self.table).into();
        match failure {
            Failure::Busy(_) => StoreError::Busy { source },
            Failure::Unreachable(_) => StoreError::Unreachable { source },
            Failure::Refused(code, _) => {
                let fix = match code.as_str() {
                    "ResourceNotFoundException" => "it does not exist in this region and account",
                    "ValidationException" => "it has other keys or lacks an index; portend doctor says which",
                    _ => "see the credentials and their policy",
                };
                let source = format!("the DynamoDB table {} ({failure}): {fix}", self.table).into();
                StoreError::Refused { source }
            }
        }
    }

    /// What is busy, for a reason of its own.
    fn busy(&self, what: &str) -> StoreError {
        StoreError::Busy { source: format!("the DynamoDB table {}: {what}", self.table).into() }
    }

    /// An item that is not what its key says.
    fn no_item(&self, what: &str) -> StoreError {
        StoreError::Unusable {
            source: format!("the DynamoDB table {}: {what} that cannot be read", self.table).into(),
        }
    }
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDb").field("table", &self.table).finish_non_exhaustive()
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
        commit::commit(self, request).await
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
}

impl Queries for DynamoDb {
    async fn find(&self, alert_id: &str, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        queries::find(self, alert_id, now).await
    }

    async fn insights(&self, query: &InsightQuery, now: Timestamp) -> Result<InsightPage, StoreError> {
        queries::insights(self, query, now).await
    }
}
