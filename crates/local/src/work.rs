//! Works on events: each in the ledger, alerts of one key one after another, all others side by side.
//!
//! Takes: the settings, and events.
//! Gives: an [`Outcome`] for each, with its row in the ledger.
//! Never: starts on an event that the ledger does not know of.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use portend_core::alert::{Alert, AlertKey};
use portend_core::chain::Alarm;
use portend_core::clock::Clock;
use portend_core::limits::EVENT_DEADLINE;
use portend_core::pipeline::{Account, Failure, Outcome, Pipeline, Received};
use portend_core::time::Timestamp;
use portend_remote::{AnyModel, DynamoDb, EventBus, SystemClock};
use tokio::sync::{Mutex, Semaphore};

use crate::any_store::AnyStore;
use crate::config::{Config, StoreName};
use crate::show::output::{WrongUsage, YELLOW, note, paint};
use portend_sqlite::{Entry, Sqlite};

/// Events in work at once. They share commits: with one at a time, each would wait for the disk alone.
const CONCURRENCY: usize = 1024;
/// Events in work at once where models are asked or a table is written: as many calls as one account usually may have
/// open.
const REMOTE_CONCURRENCY: usize = 64;
/// The time after which an event without an outcome was cut off with its process: longer than any event is worked on.
const CUT_OFF_AFTER: Duration = Duration::from_mins(5);
/// The time for one event where no model is asked. It is short, since a process that is cut off keeps others waiting
/// for as long.
const SCORECARD_DEADLINE: Duration = Duration::from_secs(15);

/// The pipeline over the store that the settings name, with the ledger of this machine.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) pipeline: Pipeline<AnyStore, SystemClock, AnyModel, EventBus>,
    ledger: Arc<Sqlite>,
    /// Without them, two alerts of one key in one input would race for the claim, and which of them makes the insight
    /// would be chance.
    lanes: StdMutex<HashMap<AlertKey, Arc<Mutex<()>>>>,
    /// Events that are worked on at once. Their ledger's rows are written outside of it: a model need not wait for that.
    places: Semaphore,
    concurrency: usize,
    /// Alarms that the user has read already.
    heard: StdMutex<BTreeSet<(String, &'static str)>>,
}

impl Desk {
    /// Opens the store and sweeps what has expired. `concurrency` is the user's; without it, a number that suits.
    pub(crate) async fn open(config: &Config, concurrency: Option<u16>) -> Result<Self> {
        let types = config.alert_types().map_err(WrongUsage::from)?;
        let aws = config.aws().await.map_err(WrongUsage::from)?;
        let models = config.chain.models(&aws).map_err(WrongUsage::from)?;
        let is_remote = !models.is_empty() || matches!(config.store, StoreName::DynamoDb(_));
        let unless_said = if is_remote { REMOTE_CONCURRENCY } else { CONCURRENCY };
        let concurrency = concurrency.map_or(unless_said, usize::from);
        let clock = SystemClock;
        let ledger = Arc::new(Sqlite::open(&config.ledger, clock.now())?);
        ledger.sweep(clock.now()).await?;
        ledger.settle_cut_off(clock.now().minus(CUT_OFF_AFTER)).await?;
        let store = match &config.store {
            StoreName::File(_) => AnyStore::Sqlite(Arc::clone(&ledger)),
            StoreName::DynamoDb(table) => {
                AnyStore::DynamoDb(Box::new(DynamoDb::new(table.clone(), &types, aws.clone())))
            }
        };
        let pipeline = Pipeline::new(types, store, clock)
            .with_models(models, config.chain.scorecard)
            .with_notifier(config.event_bus(&aws));
        Ok(Self {
            pipeline,
            ledger,
            lanes: StdMutex::default(),
            places: Semaphore::new(concurrency),
            concurrency,
            heard: StdMutex::default(),
        })
    }

    /// Events that may be with the desk at once: those that are worked on, and some whose rows in the ledger are written.
    pub(crate) fn room(&self) -> usize {
        self.concurrency + self.concurrency.div_ceil(4)
    }

    /// Tells the user, once for each, of models that cannot work as they are configured, and of a bus that takes nothing.
    pub(crate) fn tell_alarms(&self, account: &Account) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let warning = paint(YELLOW, "portend");
        for Alarm { model, error, .. } in &account.alarms {
            if heard.insert((model.clone(), error.code())) {
                note(&format!(
                    "{warning}: the model {model} cannot work: {error}. portend doctor says more."
                ));
            }
        }
        for error in &account.untold {
            if heard.insert(("event bus".into(), error.code())) {
                let mend = "portend upgrade tells what was not told";
                note(&format!("{warning}: insights are stored and were not told: {error}. {mend}."));
            }
        }
    }

    /// Works on one event.
    pub(crate) async fn work(&self, event: &[u8]) -> Outcome {
        let received = self.pipeline.receive(event);
        let Ok(key) = received.alert().map(Alert::key) else { return self.account_for(&received).await };
        // Taken before anything is waited for, so that alerts of one key keep their order.
        let lane = Arc::clone(self.lanes().entry(key).or_default());
        let turn = lane.lock().await;
        let outcome = self.account_for(&received).await;
        drop(turn);
        let mut lanes = self.lanes();
        // This one's own, and the map's: nobody waits.
        if Arc::strong_count(&lane) == 2 {
            lanes.remove(&key);
        }
        outcome
    }

    fn lanes(&self) -> MutexGuard<'_, HashMap<AlertKey, Arc<Mutex<()>>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works on an event that the ledger knows of.
    async fn account_for(&self, received: &Received<'_>) -> Outcome {
        let alert_type = received.alert().ok().map(|alert| alert.alert_type().id().to_owned());
        let entry = Entry { received_at: received.received_at(), alert_type };
        let intake = match self.ledger.receive(&entry).await {
            Ok(intake) => intake,
            Err(error) => return Outcome::Failed(Failure::Store(error)),
        };
        let place = self.places.acquire().await;
        let mut account = Account::default();
        let mut outcome = self.pipeline.process(received, self.deadline(), &mut account).await;
        if let Outcome::Failed(Failure::Busy { until }) = outcome {
            // A queue would deliver the event again; here nobody else does. If the other worker was cut off, its lease
            // ends before this second wait does.
            self.tell_busy(until);
            outcome = self.pipeline.process(received, self.deadline(), &mut account).await;
        }
        drop(place);
        self.tell_alarms(&account);
        // If this fails, the ledger shows the event as unfinished: what came of it is known, but not to the ledger.
        let _ = self.ledger.settle(intake, outcome.status()).await;
        outcome
    }

    /// When work that begins now must be finished.
    fn deadline(&self) -> Timestamp {
        let time = if self.pipeline.models().is_empty() { SCORECARD_DEADLINE } else { EVENT_DEADLINE };
        self.pipeline.clock().now().plus(time)
    }

    /// Tells the user, once, why nothing seems to happen.
    fn tell_busy(&self, until: Timestamp) {
        if self.heard.lock().unwrap_or_else(PoisonError::into_inner).insert(("busy".into(), "")) {
            let sentence = "another process is at work on some of these alerts, or was cut off";
            note(&format!("{sentence}; waiting until {} at most", until.to_seconds_string()));
        }
    }
}
