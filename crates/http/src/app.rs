//! What every route works with: the program behind it, the rules of access, and the limits of the whole server.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portend_core::clock::Clock;
use portend_core::outcome::OutcomeRow;
use portend_core::store::{Outcomes, StoreError};
use portend_core::time::Timestamp;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::access::Access;
use crate::engine::{Engine, EvaluatedGroup};
use crate::limits::{REQUESTS_MAX, STREAMS_MAX};

/// The state of the router.
#[derive(Debug)]
pub struct HttpApp<E> {
    pub(crate) engine: E,
    pub(crate) access: Access,
    /// A permit for each request that is being answered.
    pub(crate) requests: Semaphore,
    /// A permit for each open stream.
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) counts: RequestCounts,
    /// The totals of the original dashboard's API, by their question, with the time at which they were computed.
    totals: Mutex<HashMap<String, (Timestamp, Value)>>,
    /// The figures of the page of quality, with the time at which they were computed. Whoever computes them holds the
    /// lock, so that many requests at once compute them once.
    pub(crate) quality: tokio::sync::Mutex<Option<(Timestamp, Arc<Vec<EvaluatedGroup>>)>>,
    is_closing: AtomicBool,
}

/// How requests ended.
#[derive(Debug, Default)]
pub(crate) struct RequestCounts {
    /// By the first digit of the status, from 1 to 5.
    pub(crate) by_class: [AtomicU64; 5],
    /// Requests that were refused because too many were being answered.
    pub(crate) shed: AtomicU64,
}

/// The state as the handlers share it.
pub(crate) type App<E> = Arc<HttpApp<E>>;

impl<E: Engine> HttpApp<E> {
    /// The routes of this program, under these rules.
    pub fn new(engine: E, access: Access) -> Self {
        Self {
            engine,
            access,
            requests: Semaphore::new(REQUESTS_MAX),
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            counts: RequestCounts::default(),
            totals: Mutex::default(),
            quality: tokio::sync::Mutex::default(),
            is_closing: AtomicBool::new(false),
        }
    }

    /// The program behind the routes.
    pub fn engine(&self) -> &E {
        &self.engine
    }

    /// Ends the live streams, so that the server can stop.
    pub fn close(&self) {
        self.is_closing.store(true, Ordering::Relaxed);
        self.engine.news().notify_waiters();
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.engine.clock().now()
    }

    /// Stores what happened. Figures that were computed without it are not shown any more.
    pub(crate) async fn put_outcomes(&self, rows: &[OutcomeRow]) -> Result<(), StoreError> {
        self.engine.store().put_outcomes(rows, self.now()).await?;
        *self.quality.lock().await = None;
        Ok(())
    }

    pub(crate) fn totals(&self) -> MutexGuard<'_, HashMap<String, (Timestamp, Value)>> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
