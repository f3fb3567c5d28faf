//! What every route works with: the program behind it, the rules of access, and the limits of the whole server.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portend_core::clock::Clock;
use portend_core::outcome::OutcomeRow;
use portend_core::store::{Outcomes, StoreError};
use portend_core::time::Timestamp;
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::access::Access;
use crate::engine::{Engine, EvaluatedGroup, FollowedAdvice};
use crate::limits::{FIGURES_AGE_MAX, FIGURES_AGE_TIMES, FIGURES_OLDEST, REQUESTS_MAX, STREAMS_MAX};
use crate::problem::Problem;

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
    /// How good the scores were.
    pub(crate) quality: RecentFigures<EvaluatedGroup>,
    /// What followed where people did what was recommended.
    pub(crate) advice: RecentFigures<FollowedAdvice>,
    is_closing: AtomicBool,
}

/// Figures that are computed from everything that is stored, and are used again for a while.
#[derive(Debug)]
pub(crate) struct RecentFigures<T> {
    /// Whoever computes them holds the lock, so that many requests at once compute them once.
    known: tokio::sync::Mutex<Option<ComputedFigures<T>>>,
    /// How often something was stored that changes them.
    changes: AtomicU64,
}

#[derive(Debug)]
struct ComputedFigures<T> {
    figures: Arc<Vec<T>>,
    at: Timestamp,
    age_max: Duration,
    /// The changes before they were computed.
    changes: u64,
}

impl<T> ComputedFigures<T> {
    fn is_recent(&self, now: Timestamp) -> bool {
        self.at <= now && now.since(self.at) < self.age_max
    }
}

impl<T> Default for RecentFigures<T> {
    fn default() -> Self {
        Self { known: tokio::sync::Mutex::new(None), changes: AtomicU64::new(0) }
    }
}

impl<T> RecentFigures<T> {
    /// The figures: at most [`FIGURES_AGE_MAX`] old, or older if it takes long to compute them.
    pub(crate) async fn get(
        &self,
        clock: &impl Clock,
        computed: impl Future<Output = Result<Vec<T>, Problem>>,
    ) -> Result<Arc<Vec<T>>, Problem> {
        let mut known = self.known.lock().await;
        let (now, changes) = (clock.now(), self.changes.load(Ordering::Relaxed));
        let is_valid = |known: &&ComputedFigures<T>| known.changes == changes && known.is_recent(now);
        if let Some(known) = known.as_ref().filter(is_valid) {
            return Ok(Arc::clone(&known.figures));
        }
        let figures = Arc::new(computed.await?);
        let at = clock.now();
        let age_max = (at.since(now) * FIGURES_AGE_TIMES).clamp(FIGURES_AGE_MAX, FIGURES_OLDEST);
        // As long as there is nothing to compute them of, that costs nothing.
        *known = (!figures.is_empty()).then(|| ComputedFigures {
            figures: Arc::clone(&figures),
            at,
            age_max,
            changes,
        });
        Ok(figures)
    }

    /// The figures as they are known, even if something has changed since. `None` if they are unknown or too old, and also
    /// while they are computed.
    pub(crate) fn known(&self, now: Timestamp) -> Option<Arc<Vec<T>>> {
        let known = self.known.try_lock().ok()?;
        known.as_ref().filter(|known| known.is_recent(now)).map(|known| Arc::clone(&known.figures))
    }

    /// Whether they are computed now.
    pub(crate) fn is_busy(&self) -> bool {
        self.known.try_lock().is_err()
    }

    /// Something was stored that changes them.
    pub(crate) fn clear(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }
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
            quality: RecentFigures::default(),
            advice: RecentFigures::default(),
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
        self.quality.clear();
        self.advice.clear();
        Ok(())
    }

    pub(crate) fn totals(&self) -> MutexGuard<'_, HashMap<String, (Timestamp, Value)>> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
