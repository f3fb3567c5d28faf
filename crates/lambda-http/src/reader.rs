//! The program behind the routes on AWS: it reads the table that the other function writes.

use std::sync::Arc;

use portend_core::alert_type::AlertTypes;
use portend_core::pipeline::{Failure, Outcome};
use portend_core::store::{ForgetCounts, StoreError};
use portend_http::{
    AcceptError, Engine, EvaluatedGroup, EvaluationQuery, FollowedAdvice, LedgerTotals, ModelStatus,
    RequestSignature,
};
use portend_remote::{AlertQueue, DynamoDb, SystemClock};
use tokio::sync::Notify;

/// A reader of the table.
#[derive(Debug)]
pub(crate) struct TableReader {
    table: DynamoDb,
    types: AlertTypes,
    takes_feedback: bool,
    queue: Option<AlertQueue>,
    news: Arc<Notify>,
}

impl TableReader {
    /// With the queue of the other function, parked events may be replayed and deleted.
    pub(crate) fn new(
        table: DynamoDb,
        types: AlertTypes,
        takes_feedback: bool,
        queue: Option<AlertQueue>,
    ) -> Self {
        Self { table, types, takes_feedback, queue, news: Arc::default() }
    }
}

/// The routes ask [`Engine::judges`] before they send an event.
fn only_reads() -> StoreError {
    StoreError::Refused { source: "this function only reads; send events to the event bus".into() }
}

impl Engine for TableReader {
    type Store = DynamoDb;
    type Clock = SystemClock;

    fn store(&self) -> &DynamoDb {
        &self.table
    }

    fn clock(&self) -> &SystemClock {
        &SystemClock
    }

    fn types(&self) -> &AlertTypes {
        &self.types
    }

    fn models(&self) -> Vec<ModelStatus> {
        Vec::new()
    }

    fn judges(&self) -> bool {
        false
    }

    fn replays(&self) -> bool {
        self.queue.is_some()
    }

    async fn replay(&self, event: Vec<u8>) -> Result<Option<Outcome>, Failure> {
        let queue = self.queue.as_ref().ok_or_else(only_reads)?;
        queue.send(&event).await?;
        Ok(None)
    }

    fn takes_feedback(&self) -> bool {
        self.takes_feedback
    }

    fn takes_outcomes(&self) -> bool {
        false
    }

    fn streams(&self) -> bool {
        false
    }

    async fn accept(&self, _: Vec<Vec<u8>>, _: Option<RequestSignature>) -> Result<(), AcceptError> {
        Err(only_reads().into())
    }

    async fn is_used(&self, _: RequestSignature) -> Result<bool, StoreError> {
        Err(only_reads())
    }

    async fn judge(&self, _: Vec<u8>) -> Result<Outcome, Failure> {
        Err(only_reads().into())
    }

    async fn forget(&self, _: &str) -> Result<Option<ForgetCounts>, StoreError> {
        Ok(None)
    }

    async fn ledger(&self) -> Result<Option<LedgerTotals>, StoreError> {
        Ok(None)
    }

    async fn evaluate(&self, _: &EvaluationQuery) -> Result<Option<Vec<EvaluatedGroup>>, StoreError> {
        Ok(None)
    }

    async fn followed_advice(&self) -> Result<Option<Vec<FollowedAdvice>>, StoreError> {
        Ok(None)
    }

    fn news(&self) -> &Arc<Notify> {
        &self.news
    }
}
