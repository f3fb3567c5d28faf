//! The entities: what is known about each, who does what about it, and the worklist of the open ones.

use std::future::Future;

use super::StoreError;
use crate::entity::{EntityKey, EntityRow, FeedbackEntry, FeedbackOutcome, FeedbackRequest, WorklistPlace};
use crate::time::Timestamp;

/// The rows of entities. A commit writes the row of its entity in its own transaction, and so does feedback.
pub trait Entities: Send + Sync {
    /// What is known about one entity. It is read consistently.
    fn entity(
        &self,
        key: &EntityKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<EntityRow>, StoreError>> + Send;

    /// The open entities after this place, the highest score first, at most `limit`. They may lag a moment behind. An
    /// open entity may be snoozed, or recovered without a note of it yet: [`EntityRow::is_listed`] says so.
    fn open_entities(
        &self,
        after: Option<&WorklistPlace>,
        limit: usize,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<EntityRow>, StoreError>> + Send;

    /// Writes a row if the stored one has the version before it, or there is none and this is the first. Returns whether
    /// it is stored now.
    fn write_entity(
        &self,
        row: &EntityRow,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Whether every insight's entity has a row: the store has no insight of an earlier version, or the rows of those
    /// were made since.
    fn are_entities_complete(&self) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Notes that every insight's entity has a row.
    fn set_entities_complete(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// What people say about insights. It is appended, and never overwritten.
pub trait Feedback: Send + Sync {
    /// Stores feedback and changes the state of its entity, in one transaction.
    fn give_feedback(
        &self,
        request: &FeedbackRequest,
    ) -> impl Future<Output = Result<FeedbackOutcome, StoreError>> + Send;

    /// The feedback about these insights, oldest first.
    fn feedback(
        &self,
        alert_ids: &[String],
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<FeedbackEntry>, StoreError>> + Send;
}
