//! Works on events: each in the ledger, alerts of one key one after another, all others side by side.
//!
//! Takes: the settings, and events.
//! Gives: an [`Outcome`] for each, with its row in the ledger.
//! Never: starts on an event that the ledger does not know of.

use anyhow::Result;
use portend_core::alert::AlertKey;
use portend_core::clock::Clock;
use portend_core::limits::EVENT_DEADLINE;
use portend_core::pipeline::{Failure, Outcome, Pipeline};
use tokio::sync::Mutex;

use crate::clock::SystemClock;
use crate::config::Config;
use crate::output::{WrongUsage, store_error};
use crate::sqlite::{Entry, Sqlite};

/// Events in work at once. They share commits: with one at a time, each would wait for the disk alone.
pub(crate) const CONCURRENCY: usize = 1024;
/// Alerts of one key share a lane. So do some of different keys, at little cost.
const LANES: usize = 256;

/// The pipeline over the embedded store, with its ledger.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) pipeline: Pipeline<Sqlite, SystemClock>,
    /// Without them, two alerts of one key in one input would race for the claim, and which of them makes the insight
    /// would be chance.
    lanes: Vec<Mutex<()>>,
}

impl Desk {
    /// Opens the store and sweeps what has expired.
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        let types = config.alert_types().map_err(WrongUsage::from)?;
        let clock = SystemClock;
        let store = Sqlite::open(&config.store, clock.now()).map_err(store_error)?;
        store.sweep(clock.now()).await.map_err(store_error)?;
        let lanes = (0..LANES).map(|_| Mutex::new(())).collect();
        Ok(Self { pipeline: Pipeline::new(types, store, clock), lanes })
    }

    /// Works on one event.
    pub(crate) async fn work(&self, event: &[u8]) -> Outcome {
        let received = self.pipeline.receive(event);
        let key = received.alert().ok().map(portend_core::alert::Alert::key);
        // Taken before anything is waited for, so that alerts of one key keep their order.
        let _lane = match key.and_then(|key| self.lane(key)) {
            Some(lane) => Some(lane.lock().await),
            None => None,
        };
        let alert_type = received.alert().ok().map(|alert| alert.alert_type().id().to_owned());
        let entry = Entry { received_at: received.received_at(), alert_type };
        let intake = match self.pipeline.store().receive(&entry).await {
            Ok(intake) => intake,
            Err(error) => return Outcome::Failed(Failure::Store(error)),
        };
        let deadline = self.pipeline.clock().now().plus(EVENT_DEADLINE);
        let outcome = self.pipeline.process(&received, deadline).await;
        // If this fails, the ledger shows the event as unfinished: what came of it is known, but not to the ledger.
        let _ = self.pipeline.store().settle(intake, outcome.status()).await;
        outcome
    }

    fn lane(&self, key: AlertKey) -> Option<&Mutex<()>> {
        self.lanes.get(usize::from(key.as_bytes()[0]) % LANES)
    }
}
