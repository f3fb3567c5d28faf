//! The store's contract on one DynamoDB table.
//!
//! Takes: what every store takes.
//! Gives: what every store gives, also of the items that the original handler wrote.
//! Never: reads before it writes where one conditional write does; tries a write again (the pipeline does, and every one
//! can be repeated); or puts an item's content into an error.
//!
//! | item    | `pk`                      | `sk`                                            | attributes                      |
//! |---------|---------------------------|-------------------------------------------------|---------------------------------|
//! | insight | `insight#{entity_id}`     | `{alert timestamp}#{alert_type}#{8 hex}`         | the insight's fields; `alert_key`; `todo`, `todo_day` while something is left to do |
//! | claim   | `claim#{alert_key}`       | `claim`                                         | `state`, `owner`, `fence`, `lease_until` (ms), `calls`, `upgrades`, `insight_pk`, `insight_sk` |
//! | parked  | `parked#{day received}`   | sha256 of the event                             | `reason`, `message`, `event`, `event_bytes`, `received_at`, `replayed_at`, `outcome` |
//!
//! | index                 | key                             | serves                                     |
//! |-----------------------|---------------------------------|--------------------------------------------|
//! | `PredictionTypeIndex` | `prediction_type`, `timestamp`  | the newest of a type; all types are merged |
//! | `RiskScoreIndex`      | `prediction_type`, `risk_score` | readers beside this program                |
//! | `AlertIdIndex`        | `alert_id`                      | one insight by its id                      |
//! | `TodoIndex`           | `todo_day`, `timestamp`         | what is still to be told or upgraded       |
//!
//! Every item has `ttl`, in epoch seconds. DynamoDB deletes late, so each condition and each reader takes what has
//! expired for absent.

mod attribute;
mod request;
mod transaction;
mod claims;
mod insights;
mod parked;
mod pages;
mod table;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use portend_core::alert::InsightKey;
use portend_core::alert_type::AlertTypes;
use portend_core::insight::{Insight, StoredInsight};
use portend_core::store::{
    Claim, ClaimRequest, Cursor, Due, Lease, Page, Parked, ParkedPage, Put, Query, Repeat, Reserved, Store,
    StoreError, Todo, UpgradeClaim, UpgradeRequest,
};
use portend_core::time::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::attribute::Item;
use self::request::{Request, Returned};
use super::{Aws, Caller, Failure, Service};
use crate::limits::{PAGE_RETRY_PAUSE, PAGE_TIMEOUT, PAGE_TRIES_MAX, STORE_TIMEOUT, TABLE_BYTES_MAX};
use crate::network::Bounds;

pub use table::Finding;

/// A store in one DynamoDB table. Nothing is done until it is used.
pub struct DynamoDb {
    table: String,
    /// The alert types that "all types" means: an index has no other way to name them.
    types: Vec<String>,
    caller: Caller,
    /// Items that were skipped in pages because they cannot be read.
    unreadable: AtomicUsize,
}

/// Of the pipeline's operations, each within a moment.
const STORE: Bounds = Bounds { time: Some(STORE_TIMEOUT), bytes: TABLE_BYTES_MAX };
/// Of pages, which take longer.
const PAGE: Bounds = Bounds { time: Some(PAGE_TIMEOUT), bytes: TABLE_BYTES_MAX };

/// The outcome of a conditional write.
enum Updated {
    /// It was done; the item as it is now, if that was asked for.
    Done(Item),
    /// The condition did not hold; the item as it is, if there is one.
    Refused(Option<Item>),
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
        Self { table, types, caller: Caller::new(Service::DYNAMO_DB, aws), unreadable: AtomicUsize::new(0) }
    }

    /// How many items were left out of what was read, since they are no such items as they should be. One of them does
    /// not hide the others.
    pub fn unreadable(&self) -> usize {
        self.unreadable.load(Ordering::Relaxed)
    }

    /// Of what was read, what can be read.
    fn readable<T>(&self, item: Result<T, StoreError>) -> Option<T> {
        if item.is_err() {
            self.unreadable.fetch_add(1, Ordering::Relaxed);
        }
        item.ok()
    }

    /// Sends a conditional update.
    async fn update(&self, update: Request) -> Result<Updated, StoreError> {
        self.write("UpdateItem", update).await
    }

    /// Sends a conditional write.
    async fn write(&self, operation: &str, mut request: Request) -> Result<Updated, StoreError> {
        request.table_name.clone_from(&self.table);
        match self.caller.call(operation, &request, STORE).await {
            Ok(Returned { attributes, .. }) => Ok(Updated::Done(attributes)),
            Err(Failure::Refused(code, body)) if code == "ConditionalCheckFailedException" => {
                Ok(Updated::Refused(body.read("Item")))
            }
            Err(failure) => Err(self.error(failure)),
        }
    }

    /// Reads one item.
    async fn read(&self, mut request: Request) -> Result<Option<Item>, StoreError> {
        request.table_name.clone_from(&self.table);
        let Returned { item, .. } = self.send("GetItem", &request, STORE).await?;
        Ok(item)
    }

    /// Reads a page, and retries while that may help.
    async fn page<T: DeserializeOwned>(
        &self,
        operation: &str,
        input: &impl Serialize,
    ) -> Result<T, StoreError> {
        let mut pause = PAGE_RETRY_PAUSE;
        for _ in 1..PAGE_TRIES_MAX {
            match self.send(operation, input, PAGE).await {
                Err(error) if error.is_transient() => tokio::time::sleep(pause).await,
                page => return page,
            }
            pause *= 2;
        }
        self.send(operation, input, PAGE).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        operation: &str,
        input: &impl Serialize,
        bounds: Bounds,
    ) -> Result<T, StoreError> {
        self.caller.call(operation, input, bounds).await.map_err(|failure| self.error(failure))
    }

    /// What a failed operation means to the pipeline.
    fn error(&self, failure: Failure) -> StoreError {
        let source = |what: &str| format!("the DynamoDB table {}{what}", self.table).into();
        match failure {
            Failure::Busy(what) => StoreError::Busy { source: source(&format!(": {what}")) },
            Failure::Unreachable(what) => StoreError::Unreachable { source: source(&format!(": {what}")) },
            Failure::Refused(what, _) => {
                let mend = match what.as_str() {
                    "ResourceNotFoundException" => "it does not exist in this region and account",
                    "ValidationException" => "it has other keys or lacks an index; portend doctor says which",
                    _ => "see the credentials and their policy",
                };
                StoreError::Refused { source: source(&format!(" ({what}): {mend}")) }
            }
        }
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

impl Store for DynamoDb {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim, StoreError> {
        claims::claim(self, request).await
    }

    async fn reserve_call(&self, lease: &Lease) -> Result<Reserved, StoreError> {
        claims::reserve_call(self, lease).await
    }

    async fn put(&self, insight: &Insight, todo: Option<Todo>, now: Timestamp) -> Result<Put, StoreError> {
        insights::put(self, insight, todo, now).await
    }

    async fn finish(&self, lease: &Lease, expires_at: Timestamp) -> Result<(), StoreError> {
        claims::finish(self, lease, expires_at).await
    }

    async fn release(&self, lease: &Lease, until: Timestamp) -> Result<(), StoreError> {
        claims::release(self, lease, until).await
    }

    async fn repeat(
        &self,
        key: &InsightKey,
        seen: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Repeat>, StoreError> {
        insights::repeat(self, key, seen, now).await
    }

    async fn park(&self, parked: &Parked) -> Result<(), StoreError> {
        parked::park(self, parked).await
    }

    async fn replayed(&self, sha256: &str, at: Timestamp, outcome: &str) -> Result<(), StoreError> {
        parked::replayed(self, sha256, at, outcome).await
    }

    async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo) -> Result<(), StoreError> {
        insights::clear_todo(self, key, run, todo).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        pages::due(self, now, after, limit).await
    }

    async fn claim_upgrade(&self, request: &UpgradeRequest) -> Result<UpgradeClaim, StoreError> {
        claims::claim_upgrade(self, request).await
    }

    async fn upgrade(
        &self,
        insight: &Insight,
        todo: Option<Todo>,
        now: Timestamp,
    ) -> Result<Option<StoredInsight>, StoreError> {
        insights::upgrade(self, insight, todo, now).await
    }

    async fn insight(&self, key: &InsightKey, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        insights::insight(self, key, now).await
    }

    async fn find(&self, alert_id: &str, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        pages::find(self, alert_id, now).await
    }

    async fn insights(&self, query: &Query, now: Timestamp) -> Result<Page, StoreError> {
        pages::insights(self, query, now).await
    }

    async fn parked(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ParkedPage, StoreError> {
        parked::parked(self, after, limit, now).await
    }
}
