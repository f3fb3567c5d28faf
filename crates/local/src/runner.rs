//! Runs events: alerts of one key one after another, all others side by side, each with its row in the ledger.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use portend_core::alert::{Alert, AlertKey};
use portend_core::chain::Alarm;
use portend_core::clock::Clock;
use portend_core::help::explained;
use portend_core::limits::{EVENT_DEADLINE, LEASE_MARGIN};
use portend_core::pipeline::{Account, Failure, Outcome, Pipeline, Received};
use portend_core::time::Timestamp;
use portend_remote::{AnyModel, DynamoDb, EventBus, SystemClock};
use portend_sqlite::{ClockJump, Receipt, Sqlite};
use tokio::sync::{Mutex, Semaphore};

use crate::any_store::AnyStore;
use crate::changed_types::changed_types;
use crate::config::{Config, StoreName};
use crate::show::output::{WrongUsage, YELLOW, note, paint};
use crate::show::text::days;

/// Events in work at once. They share commits: one at a time, each would wait for the disk alone.
const CONCURRENCY: usize = 1024;
/// Events in work at once where models are asked or a table is written: as many calls as one account usually may have
/// open.
const REMOTE_CONCURRENCY: usize = 64;
/// The time after which an event without an outcome was cut off with its process: longer than any event is worked on.
const CUT_OFF_AFTER: Duration = Duration::from_mins(5);
/// The time for one event where no model is asked. It is short, because a process that is cut off keeps others waiting
/// for as long.
const SCORECARD_DEADLINE: Duration = Duration::from_secs(15);
/// How often an alert is tried that another process has.
const BUSY_PAUSE: Duration = Duration::from_millis(250);
/// How long an alert waits for another process before that is reported. Processes that share an input meet often, and
/// wait for a moment.
const BUSY_REPORTED_AFTER: Duration = Duration::from_secs(5);
/// How long another process's lease is waited for: one more after it may have taken the alert over.
const BUSY_TIME_MAX: Duration = Duration::from_secs(2 * (EVENT_DEADLINE.as_secs() + LEASE_MARGIN.as_secs()));
/// The time to release the leases of a run that is stopped at once.
const RELEASE_TIME: Duration = Duration::from_secs(2);

/// The pipeline over the store that the settings name, with the ledger of this machine.
#[derive(Debug)]
pub(crate) struct EventRunner {
    pub(crate) pipeline: Pipeline<AnyStore, SystemClock, AnyModel, EventBus>,
    ledger: Arc<Sqlite>,
    /// Without them, two alerts of one key in one input would race for the claim, and which of them makes the insight
    /// would be chance.
    key_locks: StdMutex<HashMap<AlertKey, Arc<Mutex<()>>>>,
    /// Events that are worked on at once. An event that waits for another process has none.
    permits: Semaphore,
    concurrency: usize,
    /// What the user has read already.
    reported: StdMutex<BTreeSet<(String, &'static str)>>,
}

impl EventRunner {
    /// Opens the store and deletes what has expired. `concurrency` is the user's; without it, a number that suits.
    pub(crate) async fn open(config: &Config, concurrency: Option<u16>) -> Result<Self> {
        let types = config.alert_types().map_err(WrongUsage::from)?;
        let aws = config.aws().await.map_err(WrongUsage::from)?;
        let models = config.chain.models(&aws).map_err(WrongUsage::from)?;
        let is_remote = !models.is_empty() || matches!(config.store, StoreName::DynamoDb(_));
        let default = if is_remote { REMOTE_CONCURRENCY } else { CONCURRENCY };
        let concurrency = concurrency.map_or(default, usize::from);
        let clock = SystemClock;
        let ledger = Arc::new(Sqlite::open(&config.ledger, clock.now())?);
        ledger.sweep(clock.now()).await?;
        ledger.settle_cut_off(clock.now().minus(CUT_OFF_AFTER)).await?;
        report_clock(&ledger, clock.now());
        if matches!(config.store, StoreName::File(_)) {
            for changed in changed_types(&*ledger, &types, clock.now()).await? {
                note(&format!("{}: {}", paint(YELLOW, "portend"), changed.sentence()));
            }
        }
        let store = match &config.store {
            StoreName::File(_) => AnyStore::Sqlite(Arc::clone(&ledger)),
            StoreName::DynamoDb(table) => {
                let table = DynamoDb::new(table.clone(), &types, aws.clone());
                AnyStore::DynamoDb(Box::new(table), Arc::clone(&ledger))
            }
        };
        let pipeline = Pipeline::new(types, store, clock)
            .with_models(models, config.chain.scorecard)
            .with_notifier(config.event_bus(&aws))
            // An alert that another process has waits outside of its permit.
            .waiting_at_most(Duration::ZERO);
        Ok(Self {
            pipeline,
            ledger,
            key_locks: StdMutex::default(),
            permits: Semaphore::new(concurrency),
            concurrency,
            reported: StdMutex::default(),
        })
    }

    /// Events that may be in work at once.
    pub(crate) fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// Works on one event.
    pub(crate) async fn process(&self, event: &[u8]) -> Result<Outcome, Failure> {
        let received = self.pipeline.receive(event);
        let Ok(key) = received.alert().map(Alert::key) else { return self.process_received(&received).await };
        // Taken before anything is waited for, so that alerts of one key keep their order.
        let lock = Arc::clone(self.key_locks().entry(key).or_default());
        let turn = lock.lock().await;
        let result = self.process_received(&received).await;
        drop(turn);
        let mut locks = self.key_locks();
        // This one's own, and the map's: nobody waits.
        if Arc::strong_count(&lock) == 2 {
            locks.remove(&key);
        }
        result
    }

    fn key_locks(&self) -> MutexGuard<'_, HashMap<AlertKey, Arc<Mutex<()>>>> {
        self.key_locks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn process_received(&self, received: &Received<'_>) -> Result<Outcome, Failure> {
        let mut busy_from = None;
        let result = loop {
            let result = self.process_once(received).await;
            let now = self.pipeline.clock().now();
            let waited = now.since(*busy_from.get_or_insert(now));
            match result {
                Err(Failure::Busy { until }) if waited < BUSY_TIME_MAX => {
                    if waited >= BUSY_REPORTED_AFTER {
                        self.report_busy(until);
                    }
                    self.pipeline.clock().sleep(BUSY_PAUSE).await;
                }
                result => break result,
            }
        };
        if result.is_err() {
            // If this fails, the ledger shows the event as unfinished, which is true.
            let _ = self.ledger.settle(receipt(received), "failed").await;
        }
        result
    }

    async fn process_once(&self, received: &Received<'_>) -> Result<Outcome, Failure> {
        let permit = self.permits.acquire().await;
        let mut run = self.pipeline.run(self.deadline());
        let result = run.process(received).await;
        drop(permit);
        self.report(run.account());
        result
    }

    /// When work that begins now must be finished.
    fn deadline(&self) -> Timestamp {
        let time = if self.pipeline.models().is_empty() { SCORECARD_DEADLINE } else { EVENT_DEADLINE };
        self.pipeline.clock().now().plus(time)
    }

    /// Releases the leases of events that are not finished, so that the next run need not wait for them.
    pub(crate) async fn release(&self) {
        self.pipeline.release_held(self.pipeline.clock().now().plus(RELEASE_TIME)).await;
    }

    /// Reports, once each, models that cannot work as they are configured, and a bus that accepts nothing.
    pub(crate) fn report(&self, account: &Account) {
        for Alarm { model, error, .. } in &account.alarms {
            self.report_once(model, error.code(), || {
                format!("the model {model} cannot work: {}. See portend doctor.", explained(error))
            });
        }
        for error in &account.notify_errors {
            self.report_once("event bus", error.code(), || {
                let again = "portend upgrade publishes them later";
                format!("insights are stored, but were not published: {}. {again}.", explained(error))
            });
        }
    }

    /// Reports, once, why some alerts take long.
    fn report_busy(&self, until: Timestamp) {
        self.report_once("busy", "", || {
            format!(
                "another process works on some of these alerts, or was killed while it did; they wait until {} at \
                 most, and everything else continues",
                until.to_seconds_string()
            )
        });
    }

    fn report_once(&self, subject: &str, code: &'static str, sentence: impl FnOnce() -> String) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        if reported.insert((subject.to_owned(), code)) {
            note(&format!("{}: {}", paint(YELLOW, "portend"), sentence()));
        }
    }
}

fn receipt(received: &Received<'_>) -> Receipt {
    Receipt {
        owner: received.owner().to_owned(),
        received_at: received.received_at(),
        alert_type: received.alert().ok().map(|alert| alert.alert_type().id().to_owned()),
    }
}

/// Says that the clock has jumped since the store was last used, and how to confirm it.
pub(crate) fn report_clock(store: &Sqlite, now: Timestamp) {
    let Some(jump) = store.clock_jump() else { return };
    note(&format!("{}: {}", paint(YELLOW, "portend"), clock_sentence(jump, now)));
}

/// What a jump of the clock means, and what to do.
pub(crate) fn clock_sentence(jump: ClockJump, now: Timestamp) -> String {
    let confirm = "if the clock is right, run portend doctor --confirm-clock";
    match jump {
        ClockJump::Ahead { latest } => format!(
            "the clock is {} past this store's last use ({}); nothing is deleted meanwhile; {confirm}",
            days(now.since(latest)),
            latest.to_seconds_string()
        ),
        ClockJump::Behind { latest } => format!(
            "the clock is before this store's last use ({}); nothing is deleted meanwhile; {confirm}",
            latest.to_seconds_string()
        ),
    }
}
