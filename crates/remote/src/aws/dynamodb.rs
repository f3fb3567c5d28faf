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
mod claims;
mod insights;
mod pages;
mod parked;
mod table;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use portend_core::alert::InsightKey;
use portend_core::alert_type::AlertTypes;
use portend_core::insight::{Insight, StoredInsight};
use portend_core::store::{
    Claim, ClaimRequest, Cursor, Due, Lease, Page, Parked, ParkedPage, Put, Query, Repeat, Reserved, Store,
    StoreError, Todo, UpgradeClaim, UpgradeRequest,
};
use portend_core::time::Timestamp;
use tokio::sync::OnceCell;

use crate::aws::config::Aws;
use crate::aws::error::Failure;
use crate::limits::{PAGE_RETRY_PAUSE, PAGE_TIMEOUT, PAGE_TRIES_MAX, STORE_TIMEOUT};

pub use table::Finding;

/// A store in one DynamoDB table. Nothing is done until it is used.
pub struct DynamoDb {
    table: String,
    /// The alert types that "all types" means: an index has no other way to name them.
    types: Vec<String>,
    aws: Aws,
    /// For the pipeline's operations, each within a moment.
    client: OnceCell<Client>,
    /// For pages, which take longer.
    reader: OnceCell<Client>,
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
        let (client, reader) = (OnceCell::new(), OnceCell::new());
        Self { table, types, aws, client, reader, unreadable: AtomicUsize::new(0) }
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

    async fn reader(&self) -> &Client {
        self.reader.get_or_init(async || Client::new(&self.aws.service(Some(PAGE_TIMEOUT)).await)).await
    }

    /// A page, tried again while that may help.
    async fn page<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        mut read: impl FnMut() -> F,
    ) -> Result<T, StoreError> {
        let mut pause = PAGE_RETRY_PAUSE;
        for _ in 1..PAGE_TRIES_MAX {
            match read().await {
                Err(error) if error.is_transient() => tokio::time::sleep(pause).await,
                answer => return answer,
            }
            pause *= 2;
        }
        read().await
    }

    async fn client(&self) -> &Client {
        self.client.get_or_init(async || Client::new(&self.aws.service(Some(STORE_TIMEOUT)).await)).await
    }

    /// What a failed operation means to the pipeline.
    fn error<E>(&self, error: &SdkError<E, HttpResponse>) -> StoreError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let source = |failure: &Failure| format!("the DynamoDB table {}: {failure}", self.table).into();
        match Failure::of(error) {
            failure @ Failure::Busy(_) => StoreError::Busy { source: source(&failure) },
            failure @ Failure::Unreachable(_) => StoreError::Unreachable { source: source(&failure) },
            Failure::Refused(what) => {
                let mend = match what.as_str() {
                    "ResourceNotFoundException" => "it does not exist in this region and account",
                    "ValidationException" => "it has other keys or lacks an index; portend doctor says which",
                    _ => "see the credentials and their policy",
                };
                StoreError::Refused {
                    source: format!("the DynamoDB table {} ({what}): {mend}", self.table).into(),
                }
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

/// The SDK's futures are large; boxed, they do not make every caller's so.
impl Store for DynamoDb {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim, StoreError> {
        Box::pin(claims::claim(self, request)).await
    }

    async fn reserve_call(&self, lease: &Lease) -> Result<Reserved, StoreError> {
        Box::pin(claims::reserve_call(self, lease)).await
    }

    async fn put(&self, insight: &Insight, todo: Option<Todo>, now: Timestamp) -> Result<Put, StoreError> {
        Box::pin(insights::put(self, insight, todo, now)).await
    }

    async fn finish(&self, lease: &Lease, expires_at: Timestamp) -> Result<(), StoreError> {
        Box::pin(claims::finish(self, lease, expires_at)).await
    }

    async fn release(&self, lease: &Lease, until: Timestamp) -> Result<(), StoreError> {
        Box::pin(claims::release(self, lease, until)).await
    }

    async fn repeat(
        &self,
        key: &InsightKey,
        seen: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Repeat>, StoreError> {
        Box::pin(insights::repeat(self, key, seen, now)).await
    }

    async fn park(&self, parked: &Parked) -> Result<(), StoreError> {
        Box::pin(parked::park(self, parked)).await
    }

    async fn replayed(&self, sha256: &str, at: Timestamp, outcome: &str) -> Result<(), StoreError> {
        Box::pin(parked::replayed(self, sha256, at, outcome)).await
    }

    async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo) -> Result<(), StoreError> {
        Box::pin(insights::clear_todo(self, key, run, todo)).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        Box::pin(pages::due(self, now, after, limit)).await
    }

    async fn claim_upgrade(&self, request: &UpgradeRequest) -> Result<UpgradeClaim, StoreError> {
        Box::pin(claims::claim_upgrade(self, request)).await
    }

    async fn upgrade(
        &self,
        insight: &Insight,
        todo: Option<Todo>,
        now: Timestamp,
    ) -> Result<Option<StoredInsight>, StoreError> {
        Box::pin(insights::upgrade(self, insight, todo, now)).await
    }

    async fn insight(&self, key: &InsightKey, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        Box::pin(insights::insight(self, key, now)).await
    }

    async fn find(&self, alert_id: &str, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        Box::pin(pages::find(self, alert_id, now)).await
    }

    async fn insights(&self, query: &Query, now: Timestamp) -> Result<Page, StoreError> {
        Box::pin(pages::insights(self, query, now)).await
    }

    async fn parked(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ParkedPage, StoreError> {
        Box::pin(parked::parked(self, after, limit, now)).await
    }
}
