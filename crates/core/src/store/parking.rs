//! Refused events, as they are stored: by the sha256 of the whole event, with its first 64 KiB.

use std::future::Future;

use sha2::{Digest, Sha256};

use super::{Cursor, StoreError};
use crate::alert::Refusal;
use crate::limits::{EVENT_BYTES_MAX, RETENTION};
use crate::time::Timestamp;

/// Events that cannot become an alert.
pub trait Parking: Send + Sync {
    /// Stores a refused event, received under this name. The same event, refused again, is the same item with the later
    /// reason.
    fn park(&self, parked: &Parked, owner: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes the outcome of a parked event that was run again.
    fn replayed(
        &self,
        sha256: &str,
        at: Timestamp,
        outcome: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Deletes a parked event. Nothing happens if it is not there.
    fn drop_parked(&self, sha256: &str) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// One page of parked events, newest first. It may lag a moment behind.
    fn parked(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> impl Future<Output = Result<ParkedPage, StoreError>> + Send;
}

/// A refused event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Of the whole event, in hexadecimal.
    pub sha256: String,
    /// When it was first received.
    pub received_at: Timestamp,
    /// The reason code.
    pub reason: String,
    /// The sentence.
    pub message: String,
    /// The event's first 64 KiB, as received.
    pub event: Vec<u8>,
    /// The size of the whole event.
    pub event_bytes: usize,
    /// When it was last run again.
    pub replayed_at: Option<Timestamp>,
    /// The outcome of that run.
    pub outcome: Option<String>,
}

/// One page of parked events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedPage {
    /// Newest first.
    pub events: Vec<Parked>,
    /// Where the next page starts, if there is one.
    pub next: Option<Cursor>,
}

impl Parked {
    /// A refused event that has just been received.
    pub fn new(event: &[u8], refusal: &Refusal, received_at: Timestamp) -> Self {
        Self {
            sha256: hex::encode(Sha256::digest(event)),
            received_at,
            reason: refusal.reason().to_string(),
            message: refusal.message().to_owned(),
            event: event.get(..EVENT_BYTES_MAX).unwrap_or(event).to_vec(),
            event_bytes: event.len(),
            replayed_at: None,
            outcome: None,
        }
    }

    /// Whether the whole event is stored, so that it can be run again.
    pub fn is_whole(&self) -> bool {
        self.event.len() == self.event_bytes
    }

    /// When it is deleted.
    pub fn expires_at(&self) -> Timestamp {
        self.received_at.plus(RETENTION)
    }

    /// The item of an event that is refused again: the time of its first receipt stays, with the later reason.
    #[must_use]
    pub fn again(&self, later: &Self) -> Self {
        Self { reason: later.reason.clone(), message: later.message.clone(), ..self.clone() }
    }
}
