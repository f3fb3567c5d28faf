//! Runs events concurrently, each with its row in the ledger. Alerts with the same key run one after another.

use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use portend_core::alert::{Alert, AlertKey};
use portend_core::chain::Alarm;
use portend_core::clock::{Clock, random_name};
use portend_core::help::explained;
use portend_core::limits::LEASE_MARGIN;
use portend_core::model::{Model, SchemaLimit};
use portend_core::outcome::OutcomeRow;
use portend_core::pipeline::{
    Account, Failure, Outcome, Pipeline, Preview, Received, event_time, record_outcome,
};
use portend_core::store::Outcomes;
use portend_core::time::Timestamp;
use portend_remote::{AnyModel, DynamoDb, Notifiers, SystemClock};
use portend_sqlite::{ClockJump, Receipt, Sqlite};
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

use crate::any_store::AnyStore;
use crate::changed_types::changed_types;
use crate::config::{Config, StoreName};
use crate::show::output::{WrongUsage, YELLOW, note, paint};
use crate::show::text::days;

/// Events that run at the same time with a file and without models. Concurrent events share commits, so they do not
/// each wait for the disk.
const CONCURRENCY: usize = 1024;
/// Events that run at the same time with a table and without models: as many calls as an account usually allows.
const REMOTE_CONCURRENCY: usize = 64;
/// An event without an outcome after this time was cut off with its process, unless slow models have more time.
const CUT_OFF_AFTER: Duration = Duration::from_mins(5);
/// The deadline of an event without models. It is short, because other processes wait as long for the lease of a
/// process that was cut off.
const SCORECARD_DEADLINE: Duration = Duration::from_secs(15);
/// The pause before retrying an alert that another process has claimed.
const BUSY_PAUSE: Duration = Duration::from_millis(250);
/// How long an alert waits for another process before this is reported. Short waits are common if processes share an
/// input.
const BUSY_REPORTED_AFTER: Duration = Duration::from_secs(5);
/// How often an alert that waits for its turn at a model looks whether another model is first by now.
const TURN_PAUSE: Duration = Duration::from_secs(1);
/// The time to release the leases of a run that the user stopped at once.
const RELEASE_TIME: Duration = Duration::from_secs(2);

/// The pipeline with the store, models and bus of the settings, and the ledger of this machine.
#[derive(Debug)]
pub(crate) struct EventRunner {
    pub(crate) pipeline: Pipeline<AnyStore, SystemClock, AnyModel, Notifiers>,
    ledger: Arc<Sqlite>,
    /// A lock for each alert key in progress. Without it, two alerts with the same key in one input would race for the
    /// claim, and chance would decide which of them makes the insight.
    key_locks: StdMutex<HashMap<AlertKey, Arc<Mutex<()>>>>,
    /// A permit for each running event. An event that waits for another process has no permit.
    permits: Semaphore,
    /// A permit for each running event whose first model is the one with this name: as many as the model gets calls at
    /// the same time. So an event's time begins when its model can be called.
    turns: HashMap<String, Semaphore>,
    concurrency: usize,
    /// Events that wait for another event or for another process, without a permit.
    waiting: AtomicUsize,
    /// The warnings that have been shown already.
    reported: StdMutex<BTreeSet<(String, &'static str)>>,
    /// Which schemas the models refuse, as it is stored for the next process.
    schema_limits: StdMutex<Vec<SchemaLimit>>,
}

/// Opens the store for writing, and creates a file that does not exist.
pub(crate) async fn open_store(config: &Config, now: Timestamp) -> Result<AnyStore> {
    match &config.store {
        StoreName::File(file) => Ok(AnyStore::Sqlite(Arc::new(Sqlite::open(file, now)?))),
        StoreName::DynamoDb(table) => {
            let types = config.alert_types().map_err(WrongUsage::from)?;
            let aws = config.aws().await.map_err(WrongUsage::from)?;
            Ok(AnyStore::DynamoDbReader(Box::new(DynamoDb::new(table.clone(), &types, aws))))
        }
    }
}

impl EventRunner {
    /// Opens the store and deletes expired data. Without `concurrency`, uses the default for the store and the models.
    pub(crate) async fn open(config: &Config, concurrency: Option<u16>) -> Result<Self> {
        let types = config.alert_types().map_err(WrongUsage::from)?;
        let aws = config.aws().await.map_err(WrongUsage::from)?;
        let models = config.chain.models(&aws).map_err(WrongUsage::from)?;
        // First, because settings that are refused need no notice.
        let notifiers = config.notifiers(&types, &aws).map_err(WrongUsage::from)?;
        notices(config);
        let is_remote = !models.is_empty() || matches!(config.store, StoreName::DynamoDb(_));
        // Each model has its own limit, and so have the alerts that begin with it.
        let asked_for = concurrency.map(usize::from);
        let limits = || models.iter().map(|model| asked_for.unwrap_or(model.spec().concurrency));
        let default = if is_remote { limits().max().unwrap_or(REMOTE_CONCURRENCY) } else { CONCURRENCY };
        let concurrency = asked_for.unwrap_or(default);
        let names = models.iter().map(|model| model.spec().name.clone());
        let turns = names.zip(limits().map(Semaphore::new)).collect();
        let clock = SystemClock;
        let ledger = Arc::new(Sqlite::open(&config.ledger, clock.now())?);
        ledger.sweep(clock.now()).await?;
        ledger.settle_cut_off(clock.now().minus(CUT_OFF_AFTER.max(event_time(&models)))).await?;
        report_clock(&ledger, clock.now());
        if matches!(config.store, StoreName::File(_)) {
            // Without an answer there is no warning; what is wrong with the store fails the work itself.
            for changed in changed_types(&*ledger, &types, clock.now()).await.unwrap_or_default() {
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
        let maps = store.maps(clock.now()).await?;
        let pipeline = Pipeline::new(types, store, clock)
            .with_maps(maps)
            .holding_out(config.holdout)
            .with_models(models, config.chain.scorecard)
            .with_concurrency(asked_for)
            .with_notifier(notifiers)
            // The runner itself waits for other processes, without a permit.
            .waiting_at_most(Duration::ZERO);
        let schema_limits = ledger.schema_limits(clock.now()).await?;
        pipeline.health().limit_schemas(schema_limits.clone());
        // A file of an earlier version has no rows of entities; it may have no sweep either.
        if matches!(config.store, StoreName::File(_)) {
            pipeline.run(Timestamp::from_millis(i64::MAX)).rebuild_entities().await?;
        }
        Ok(Self {
            pipeline,
            ledger,
            key_locks: StdMutex::default(),
            permits: Semaphore::new(concurrency),
            turns,
            concurrency,
            waiting: AtomicUsize::new(0),
            reported: StdMutex::default(),
            schema_limits: StdMutex::new(schema_limits),
        })
    }

    /// The same that uses accepted answers again, or calls the models each time.
    pub(crate) fn reusing_answers(mut self, reuses_answers: bool) -> Self {
        self.pipeline = self.pipeline.reusing_answers(reuses_answers);
        self
    }

    /// The number of events that run at the same time.
    pub(crate) fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// The file with the ledger and the inbox.
    pub(crate) fn ledger(&self) -> &Sqlite {
        &self.ledger
    }

    /// The number of events that wait for another event or for another process. They have no permit.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits without a permit.
    async fn wait<T>(&self, wait: impl Future<Output = T>) -> T {
        let _waiting = Waiting::new(&self.waiting);
        wait.await
    }

    /// Runs one event. One that says what happened to an entity is stored, and is not in the ledger unless it is parked.
    pub(crate) async fn process(&self, event: &[u8]) -> Result<Outcome, Failure> {
        if OutcomeRow::is_event(event) {
            let (pipeline, clock) = (&self.pipeline, self.pipeline.clock());
            let (owner, now) = (random_name(clock), clock.now());
            return Ok(record_outcome(pipeline.store(), pipeline.types(), event, &owner, now).await?);
        }
        self.process_in_turn(self.pipeline.receive(event)).await
    }

    /// Runs one event of the inbox, which has its owner already.
    pub(crate) async fn process_as(&self, event: &[u8], owner: String) -> Result<Outcome, Failure> {
        self.process_in_turn(self.pipeline.receive_as(event, owner)).await
    }

    async fn process_in_turn(&self, received: Received<'_>) -> Result<Outcome, Failure> {
        let Ok(key) = received.alert().map(Alert::key) else { return self.process_received(&received).await };
        // The lock is requested before the first wait, so that alerts with the same key stay in order.
        let lock = Arc::clone(self.key_locks().entry(key).or_default());
        let turn = match lock.try_lock() {
            Ok(turn) => turn,
            Err(_) => self.wait(lock.lock()).await,
        };
        let result = self.process_received(&received).await;
        drop(turn);
        let mut locks = self.key_locks();
        // Two references, this one and the map's, mean that no other event waits for the lock.
        if Arc::strong_count(&lock) == 2 {
            locks.remove(&key);
        }
        result
    }

    /// Judges one event without claiming or storing anything.
    pub(crate) async fn preview(&self, event: &[u8]) -> Preview {
        let received = self.pipeline.receive(event);
        let mut run = self.pipeline.run(self.deadline());
        let preview = run.preview(&received).await;
        self.report(run.account());
        preview
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
                Err(Failure::Busy { until }) if waited < self.busy_time_max() => {
                    if waited >= BUSY_REPORTED_AFTER {
                        self.report_busy(until);
                    }
                    self.wait(self.pipeline.clock().sleep(BUSY_PAUSE)).await;
                }
                result => break result,
            }
        };
        if result.is_err() {
            // If this fails, the ledger shows the event as unfinished, which is correct.
            let _ = self.ledger.settle(receipt(received), "failed").await;
        }
        result
    }

    async fn process_once(&self, received: &Received<'_>) -> Result<Outcome, Failure> {
        let turn = self.turn().await;
        let permit = self.permits.acquire().await;
        let mut run = self.pipeline.run(self.deadline());
        let result = run.process(received).await;
        drop((turn, permit));
        self.report(run.account());
        self.store_schema_limits().await;
        result
    }

    /// Stores which schemas the models refuse, if that has changed, so that the next process does not ask with them.
    async fn store_schema_limits(&self) {
        let limits = self.pipeline.health().schema_limits(self.pipeline.clock().now());
        let is_known = std::mem::replace(&mut *self.known_limits(), limits.clone()) == limits;
        if !is_known {
            // Without it, the next process finds out again.
            let _ = self.ledger.put_schema_limits(&limits).await;
        }
    }

    fn known_limits(&self) -> MutexGuard<'_, Vec<SchemaLimit>> {
        self.schema_limits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a turn at the first model that may be called. `None` if no model may be called.
    async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        loop {
            let now = self.pipeline.clock().now();
            let is_admitted = |model: &&AnyModel| self.pipeline.health().of(model.spec(), now).admits();
            let first = self.pipeline.models().iter().find(is_admitted)?;
            let turn = self.turns.get(&first.spec().name)?.acquire();
            if let Ok(turn) = tokio::time::timeout(TURN_PAUSE, turn).await {
                return turn.ok();
            }
        }
    }

    /// How long an alert waits for leases of other processes. A second process may take the alert over after the first.
    fn busy_time_max(&self) -> Duration {
        2 * (self.pipeline.event_time() + LEASE_MARGIN)
    }

    /// The deadline of an event that starts now.
    fn deadline(&self) -> Timestamp {
        let has_models = !self.pipeline.models().is_empty();
        let time = if has_models { self.pipeline.event_time() } else { SCORECARD_DEADLINE };
        self.pipeline.clock().now().plus(time)
    }

    /// Releases the leases of unfinished events, so that the next run does not wait for them.
    pub(crate) async fn release(&self) {
        self.pipeline.release_held(self.pipeline.clock().now().plus(RELEASE_TIME)).await;
    }

    /// Reports models that cannot work as configured and failed notifications, each only once.
    pub(crate) fn report(&self, account: &Account) {
        for Alarm { model, error, .. } in &account.alarms {
            self.report_once(model, error.code(), || {
                format!(
                    "the model {model} cannot work: {}. Run portend doctor for details.",
                    explained(error)
                )
            });
        }
        for error in &account.notify_errors {
            self.report_once(error.channel().unwrap_or("event bus"), error.code(), || {
                let fix = "Run portend upgrade later to publish them.";
                format!("insights are stored, but were not published: {}. {fix}", explained(error))
            });
        }
    }

    /// Reports once that alerts wait for another process.
    fn report_busy(&self, until: Timestamp) {
        self.report_once("busy", "", || {
            format!(
                "another process is working on some of these alerts, or was killed; they wait until {} at most, and \
                 all other alerts continue",
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

/// Prints what the user must know of the settings.
pub(crate) fn notices(config: &Config) {
    for sentence in config.notices() {
        note(&format!("{}: {sentence}", paint(YELLOW, "portend")));
    }
}

/// Counts an event as waiting until it is dropped.
struct Waiting<'r>(&'r AtomicUsize);

impl<'r> Waiting<'r> {
    fn new(count: &'r AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn receipt(received: &Received<'_>) -> Receipt {
    Receipt {
        owner: received.owner().to_owned(),
        received_at: received.received_at(),
        alert_type: received.alert().ok().map(|alert| alert.alert_type().id().to_owned()),
    }
}

/// Warns if the clock has jumped since the store was last used.
pub(crate) fn report_clock(store: &Sqlite, now: Timestamp) {
    let Some(jump) = store.clock_jump() else { return };
    note(&format!("{}: {}", paint(YELLOW, "portend"), clock_sentence(jump, now)));
}

/// The warning for a jump of the clock, with what to do.
pub(crate) fn clock_sentence(jump: ClockJump, now: Timestamp) -> String {
    let confirm = "if the clock is right, run portend doctor --confirm-clock";
    match jump {
        ClockJump::Ahead { latest } => format!(
            "the clock is {} ahead of this store's last use ({}), so nothing is deleted; {confirm}",
            days(now.since(latest)),
            latest.to_seconds_string()
        ),
        ClockJump::Behind { latest } => format!(
            "the clock is behind this store's last use ({}), so nothing is deleted; {confirm}",
            latest.to_seconds_string()
        ),
    }
}
