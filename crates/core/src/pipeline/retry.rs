//! Tries a store operation again while that may help.
//!
//! Takes: the operation, and the deadline.
//! Gives: its answer, or its last error.
//! Never: repeats what was not made to be repeated; every operation of a store is.

use std::future::Future;

use crate::clock::Clock;
use crate::limits::{STORE_RESERVE, STORE_RETRY_PAUSE, STORE_TRIES_MAX};
use crate::store::StoreError;
use crate::time::Timestamp;

/// The operation's answer. A transient error is tried again, at most [`STORE_TRIES_MAX`] times in all and never past
/// the deadline.
pub(super) async fn retried<T, F: Future<Output = Result<T, StoreError>>>(
    clock: &impl Clock,
    deadline: Timestamp,
    operation: impl FnMut() -> F,
) -> Result<T, StoreError> {
    tried(clock, deadline, STORE_TRIES_MAX, operation).await
}

/// The same, where what is stored was paid for before: it is tried again for as long as is kept of an event's time to store
/// it, and never past the deadline.
pub(super) async fn kept_at<T, F: Future<Output = Result<T, StoreError>>>(
    clock: &impl Clock,
    deadline: Timestamp,
    operation: impl FnMut() -> F,
) -> Result<T, StoreError> {
    tried(clock, deadline.min(clock.now().plus(STORE_RESERVE)), u32::MAX, operation).await
}

async fn tried<T, F: Future<Output = Result<T, StoreError>>>(
    clock: &impl Clock,
    end: Timestamp,
    tries_max: u32,
    mut operation: impl FnMut() -> F,
) -> Result<T, StoreError> {
    let mut pause = STORE_RETRY_PAUSE;
    for _ in 1..tries_max {
        match operation().await {
            Err(error) if error.is_transient() && clock.now().plus(pause) <= end => {
                clock.sleep(pause).await;
                pause *= 2;
            }
            answer => return answer,
        }
    }
    operation().await
}
