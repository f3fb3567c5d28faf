//! A refused event, as it is kept.
//!
//! Takes: the event as received, and why it was refused.
//! Gives: a [`Parked`], known by the sha256 of the whole event.
//! Never: keeps more than an event's first 64 KiB, or calls a cut one whole.

use sha2::{Digest, Sha256};

use super::Cursor;
use crate::alert::{Refusal, hex};
use crate::limits::{EVENT_BYTES_MAX, RETENTION};
use crate::time::Timestamp;

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
    /// What came of that.
    pub outcome: Option<String>,
}

/// One page of parked events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedPage {
    /// Newest first.
    pub events: Vec<Parked>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}

impl Parked {
    /// A refused event that has just been received.
    pub fn new(event: &[u8], refusal: &Refusal, received_at: Timestamp) -> Self {
        Self {
            sha256: hex(&Sha256::digest(event)),
            received_at,
            reason: refusal.reason().to_string(),
            message: refusal.message().to_owned(),
            event: event.get(..EVENT_BYTES_MAX).unwrap_or(event).to_vec(),
            event_bytes: event.len(),
            replayed_at: None,
            outcome: None,
        }
    }

    /// Whether the event is kept whole, so that it can be run again.
    pub fn is_whole(&self) -> bool {
        self.event.len() == self.event_bytes
    }

    /// When it is forgotten.
    pub fn expires_at(&self) -> Timestamp {
        self.received_at.plus(RETENTION)
    }

    /// The item for an event that is refused again: its first receipt stands, and the later reason.
    #[must_use]
    pub fn again(&self, later: &Self) -> Self {
        Self { reason: later.reason.clone(), message: later.message.clone(), ..self.clone() }
    }
}
