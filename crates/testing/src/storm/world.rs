//! The world: its time, what happens when, and everything outside the workers.
//!
//! An operation has its effect when it reaches its service, whether or not its worker still runs; the response reaches the
//! worker after that. Everything follows from the seed.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portend_core::alert::AlertKey;
use portend_core::insight::DegradedBy;
use portend_core::limits::LEASE_MARGIN;
use portend_core::store::{StoreError, Todo};
use portend_core::time::Timestamp;

use super::agenda::{Agenda, Arrive, PendingResponse, Slot};
use super::bug::Bug;
use super::history::{History, Requester, Rows, What};
use super::queue::{Queue, QueueDelivery};
use super::scenario::{Scenario, WorkerSetup, WorstClock};
use super::table::SimulatedTable;
use super::weather::{StoreFate, Weather};
use crate::memory::InsightRow;
use crate::random::Random;
use crate::store_contract::insights::COLLISION;

/// The world.
pub(super) struct World {
    pub(super) now: Timestamp,
    agenda: Agenda<Happening>,
    pub(super) bug: Option<Bug>,
    pub(super) weather: Weather,
    pub(super) processes: Vec<Process>,
    runs: u64,
    pub(super) table: SimulatedTable,
    pub(super) queue: Queue,
    pub(super) history: History,
    /// By alert: its key, if it is one; the worst clock of the workers that touched it; operations of it on their way.
    keys: Vec<Option<AlertKey>>,
    pub(super) clocks: Vec<WorstClock>,
    on_the_way: Vec<u32>,
    by_key: HashMap<AlertKey, usize>,
    pub(super) by_calls: HashMap<u32, usize>,
    pub(super) by_bytes: HashMap<Arc<[u8]>, usize>,
    pub(super) event_alerts: Vec<usize>,
    pub(super) trace: Option<Trace>,
}

/// A worker's machine.
#[derive(Debug)]
pub(super) struct Process {
    skew_ms: i64,
    clock: WorstClock,
    run: u64,
    deadline: Timestamp,
    was_stalled: bool,
    /// The alert that it works on.
    alert: Option<usize>,
}

/// Everything that happens to one alert, in words.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) alert: usize,
    pub(super) lines: Vec<String>,
}

/// What can happen.
pub(super) enum Happening {
    /// The next message is sent.
    Arrival,
    /// A message is visible again.
    Appearance(QueueDelivery),
    /// An operation reaches its service.
    Effect(Box<dyn FnOnce(&mut World) + Send>),
    /// A response, or the end of a wait, reaches the worker.
    Response { worker: usize, run: u64, slot: Arc<dyn Arrive> },
    /// A stalled worker continues.
    Resumption { worker: usize, run: u64 },
    /// A crashed worker starts again.
    Restart { worker: usize },
    /// It is time for a sweep.
    Sweep { worker: usize },
}

/// An operation of the store, for the history and the trace.
#[derive(Debug, Clone, Copy)]
pub(super) struct OperationInfo {
    pub(super) name: &'static str,
    pub(super) alert: Option<usize>,
    pub(super) is_transaction: bool,
}

impl World {
    pub(super) fn new(
        scenario: &Scenario,
        bug: Option<Bug>,
        traced: Option<usize>,
        random: &mut Random,
    ) -> Self {
        let alerts = scenario.alerts.len();
        let process = |setup: &WorkerSetup| Process {
            skew_ms: setup.skew_ms,
            clock: setup.clock(),
            run: 0,
            deadline: Timestamp::EPOCH,
            was_stalled: false,
            alert: None,
        };
        let bytes = scenario.events.iter().enumerate();
        Self {
            now: scenario.start,
            agenda: Agenda::default(),
            bug,
            weather: Weather::new(Random::new(random.draw())),
            processes: scenario.workers.iter().map(process).collect(),
            runs: 0,
            table: SimulatedTable::new(bug, Random::new(random.draw())),
            queue: Queue::default(),
            history: History::of(alerts),
            keys: scenario.alerts.iter().map(|alert| alert.key).collect(),
            clocks: vec![WorstClock::Fair; alerts],
            on_the_way: vec![0; alerts],
            by_key: scenario.by_key(),
            by_calls: scenario.by_calls(),
            by_bytes: bytes.map(|(index, event)| (Arc::clone(&event.bytes), index)).collect(),
            event_alerts: scenario.events.iter().map(|event| event.alert).collect(),
            trace: traced.map(|alert| Trace { alert, lines: Vec::new() }),
        }
    }

    /// Plans something.
    pub(super) fn plan(&mut self, after: Duration, happening: Happening) {
        self.agenda.plan(self.now.plus(after), happening);
    }

    /// Moves on to what happens next, and returns it unless it happens in the world alone.
    pub(super) fn next(&mut self) -> Option<Happening> {
        loop {
            let (at, happening) = self.agenda.next()?;
            self.now = self.now.max(at);
            match happening {
                Happening::Effect(effect) => effect(self),
                other @ (Happening::Arrival
                | Happening::Appearance(_)
                | Happening::Response { .. }
                | Happening::Resumption { .. }
                | Happening::Restart { .. }
                | Happening::Sweep { .. }) => return Some(other),
            }
        }
    }

    /// Forgets everything that was planned.
    pub(super) fn clear_agenda(&mut self) {
        self.agenda = Agenda::default();
    }

    /// Adds a line to the trace, if it is this alert's.
    pub(super) fn note(&mut self, alert: Option<usize>, text: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = self.trace.as_mut().filter(|trace| Some(trace.alert) == alert) {
            trace.lines.push(format!("{now} {}", text()));
        }
    }

    /// An alert whose insight has something left to do, if there is one. A worker that is lost in time can take the claim
    /// away from its insight, which is then due until it expires. An insight whose models gave only unusable replies waits
    /// for a usable one, which may not come once the last event is done.
    pub(super) fn first_due(&self) -> Option<usize> {
        let waits = |row: &&InsightRow| {
            let fields = row.insight.current();
            row.todo == Some(Todo::Upgrade)
                && fields.is_some_and(|fields| fields.degraded_by == Some(DegradedBy::Unusable))
        };
        let due = self.table.state.due_keys(self.now).into_iter();
        let rows = due.filter_map(|(_, key)| self.table.state.insight_row(&key)).filter(|row| !waits(row));
        let mut alerts = rows.filter_map(|row| self.alert(row.alert_key));
        alerts.find(|alert| self.clocks[*alert] != WorstClock::Lost)
    }
}

/// Workers.
impl World {
    /// The time on a worker's clock.
    pub(super) fn own_now(&self, worker: usize) -> Timestamp {
        Timestamp::from_millis(self.now.as_millis() + self.processes[worker].skew_ms)
    }

    /// Begins a run. Nothing of the one before it is the worker's any more.
    pub(super) fn begin_run(&mut self, worker: usize, time: Duration, alert: Option<usize>) -> Timestamp {
        self.runs += 1;
        let (run, deadline) = (self.runs, self.own_now(worker).plus(time));
        let process = &mut self.processes[worker];
        *process = Process { run, deadline, alert, was_stalled: false, ..*process };
        deadline
    }

    pub(super) fn run_of(&self, worker: usize) -> u64 {
        self.processes[worker].run
    }

    /// The alert that a worker works on.
    pub(super) fn alert_of(&self, worker: usize) -> Option<usize> {
        self.processes[worker].alert
    }

    /// Stalls a worker. Returns for how long.
    pub(super) fn stall(&mut self, worker: usize) -> Duration {
        let lease_end = self.processes[worker].deadline.plus(LEASE_MARGIN);
        self.processes[worker].was_stalled = true;
        self.weather.stall_time(lease_end.since(self.own_now(worker)))
    }

    fn requester(&self, worker: usize) -> Requester {
        let Process { run, deadline, .. } = self.processes[worker];
        Requester { worker, run, now: self.own_now(worker), deadline }
    }

    /// Notes that an operation begins.
    pub(super) fn begin(
        &mut self,
        worker: usize,
        operation: &'static str,
        alert: Option<usize>,
    ) -> Requester {
        let requester = self.requester(worker);
        if let Some(alert) = alert {
            self.touch(alert, self.processes[worker].clock);
            if requester.now > requester.deadline && !self.processes[worker].was_stalled {
                self.history.add(alert, self.now, requester, What::BeganLate { operation });
            }
        }
        self.note(alert, || {
            let Requester { worker, run, now, deadline } = requester;
            format!("worker {worker}, run {run}: {operation} (its time {now}, deadline {deadline})")
        });
        requester
    }
}

/// The store's operations.
impl World {
    /// Notes whose clock touches an alert. The alerts of the collision share one insight key: a worker that is lost in time
    /// takes the insight of either for expired, and puts its own in the place.
    fn touch(&mut self, alert: usize, clock: WorstClock) {
        let touched = if alert < COLLISION.len() { 0..COLLISION.len() } else { alert..alert + 1 };
        for worst in self.clocks.iter_mut().take(touched.end).skip(touched.start) {
            *worst = (*worst).max(clock);
        }
    }

    /// The alert of this key.
    pub(super) fn alert(&self, key: AlertKey) -> Option<usize> {
        self.by_key.get(&key).copied()
    }

    /// Sends an operation to the store.
    pub(super) fn send<T: Debug + Send + 'static>(
        &mut self,
        worker: usize,
        operation: OperationInfo,
        effect: impl FnOnce(&mut Self, Requester) -> T + Send + 'static,
    ) -> PendingResponse<Result<T, StoreError>> {
        let OperationInfo { name, alert, is_transaction } = operation;
        let requester = self.begin(worker, name, alert);
        let slot = Arc::new(Slot::default());
        let (there, back) = (self.weather.way(), self.weather.way());
        let fate = self.weather.store_fate(self.now);
        let early = match fate {
            StoreFate::Throttled => Some(throttled()),
            StoreFate::Unreachable | StoreFate::Late => Some(unreachable()),
            StoreFate::Done | StoreFate::ResponseLost => None,
        };
        if fate != StoreFate::Done {
            self.note(alert, || format!("  {name} of run {}: {fate:?}", requester.run));
        }
        let is_answered = early.is_some();
        if let Some(error) = early {
            self.respond(there + back, requester, &slot, Err(error));
        }
        if matches!(fate, StoreFate::Throttled | StoreFate::Unreachable) {
            return PendingResponse::of(slot);
        }
        if let Some(alert) = alert {
            self.on_the_way[alert] += 1;
        }
        let late = if fate == StoreFate::Late { back + self.weather.late() } else { Duration::ZERO };
        let arrived = Arc::clone(&slot);
        let reach = move |world: &mut Self| {
            let result = if world.is_refused(alert, is_transaction) {
                world.note(alert, || format!("  {name} of run {}: conflict", requester.run));
                Err(throttled())
            } else {
                Ok(world.apply(operation, requester, effect))
            };
            if !is_answered {
                let result = if fate == StoreFate::ResponseLost { Err(unreachable()) } else { result };
                world.respond(back, requester, &arrived, result);
            }
        };
        self.plan(there + late, Happening::Effect(Box::new(reach)));
        PendingResponse::of(slot)
    }

    /// Whether a transaction meets another operation of its claim.
    fn is_refused(&mut self, alert: Option<usize>, is_transaction: bool) -> bool {
        let Some(alert) = alert else { return false };
        self.on_the_way[alert] -= 1;
        is_transaction && self.on_the_way[alert] > 0 && self.weather.conflicts()
    }

    /// Lets an operation have its effect, and records what it changes.
    fn apply<T: Debug>(
        &mut self,
        operation: OperationInfo,
        requester: Requester,
        effect: impl FnOnce(&mut Self, Requester) -> T,
    ) -> T {
        let key = operation.alert.and_then(|alert| self.keys[alert]);
        let before = key.map(|key| Rows::of(&self.table.state, key));
        let response = effect(self, requester);
        if let (Some(alert), Some(key), Some(before)) = (operation.alert, key, before) {
            let after = Rows::of(&self.table.state, key);
            if before != after {
                self.history.add(alert, self.now, requester, What::Written { before, after });
            }
            self.note(Some(alert), || {
                let text: String = format!("{response:?}").chars().take(120).collect();
                let changed = if before == after { String::new() } else { format!("; now {after:?}") };
                format!("  {} of run {} has its effect: {text}{changed}", operation.name, requester.run)
            });
        }
        response
    }

    /// Deletes some of what has expired.
    pub(super) fn delete_expired(&mut self, random: &mut Random) {
        let (claims, insights) = self.table.state.delete_expired(self.now, || random.chance(500));
        let nobody = Requester { worker: 0, run: 0, now: self.now, deadline: self.now };
        for alert in claims.iter().filter_map(|key| self.by_key.get(key).copied()) {
            self.history.add(alert, self.now, nobody, What::ClaimExpired);
        }
        for (keys, what) in [(&claims, "claim"), (&insights, "insight")] {
            for key in keys {
                self.note(self.alert(*key), || format!("the {what} is deleted, because it has expired"));
            }
        }
    }
}

fn throttled() -> StoreError {
    StoreError::Busy { source: "throttled".into() }
}

fn unreachable() -> StoreError {
    StoreError::Unreachable { source: "no response".into() }
}

/// Responses and waits.
impl World {
    /// Lets a response reach its requester after this time.
    pub(super) fn respond<T: Send + 'static>(
        &mut self,
        after: Duration,
        requester: Requester,
        slot: &Arc<Slot<T>>,
        value: T,
    ) {
        slot.fill(value);
        let Requester { worker, run, .. } = requester;
        self.plan(after, Happening::Response { worker, run, slot: Arc::clone(slot) as Arc<dyn Arrive> });
    }

    /// A wait.
    pub(super) fn sleep(&mut self, worker: usize, duration: Duration) -> PendingResponse<()> {
        let slot = Arc::new(Slot::default());
        self.respond(duration, self.requester(worker), &slot, ());
        PendingResponse::of(slot)
    }
}

/// A worker's connection to the world.
#[derive(Debug, Clone)]
pub(super) struct Link {
    world: Arc<Mutex<World>>,
    pub(super) worker: usize,
}

impl Link {
    pub(super) fn new(world: &Arc<Mutex<World>>, worker: usize) -> Self {
        Self { world: Arc::clone(world), worker }
    }

    /// The world, which no two use at once.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "World {{ now: {} }}", self.now)
    }
}
