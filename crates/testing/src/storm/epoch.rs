//! One epoch: a world of its own, in which workers run the real pipeline until everything is at rest.
//!
//! Workers are polled one at a time, when something that they wait for has arrived. At each of these steps they may crash,
//! stall, or receive their event once more.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use portend_core::alert_type::AlertTypes;
use portend_core::limits::{RETENTION, UPGRADE_PAUSE};
use portend_core::pipeline::Pipeline;

use super::bug::Bug;
use super::checker::{self, Violation};
use super::queue::QueueDelivery;
use super::scenario::{Scenario, SecondLife, WorkerSetup};
use super::services::{SimulatedBus, SimulatedClock, SimulatedModel};
use super::store::SimulatedStore;
use super::weather::StepFate;
use super::world::{Happening, Link, Trace, World};
use crate::random::Random;

/// Which epoch, and what is planted in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct EpochSetup {
    pub(super) seed: u64,
    pub(super) messages: usize,
    pub(super) bug: Option<Bug>,
    /// The alert whose every event is written down.
    pub(super) traced: Option<usize>,
}

/// What happened in an epoch.
#[derive(Debug, Default)]
pub(super) struct EpochReport {
    pub(super) crashes: u64,
    pub(super) calls: u64,
    pub(super) violations: Vec<Violation>,
    pub(super) trace: Vec<String>,
}

type SimulatedPipeline = Pipeline<SimulatedStore, SimulatedClock, SimulatedModel, SimulatedBus>;

/// So many of a thousand processes that start again have a new pipeline. Another would know nothing of the models and the
/// leases of the process before it; but it takes longer to make than an alert to explain.
const NEW_PIPELINES_PER_MILLE: u64 = 100;
/// Sweeps until nothing is due, at most.
const LAST_SWEEPS_MAX: u32 = 50;
/// How long operations can be on their way.
const SETTLING_TIME: Duration = Duration::from_mins(2);

/// Plays an epoch.
pub(super) fn play(setup: EpochSetup, types: &AlertTypes) -> EpochReport {
    let mut random = Random::new(setup.seed);
    let scenario = Scenario::new(&mut random, types, setup.messages);
    let mut epoch = Epoch::new(&scenario, setup, types, random);
    epoch.first_life();
    if let Some(life) = scenario.second_life {
        epoch.second_life(life);
    }
    epoch.report()
}

struct Epoch<'e> {
    world: Arc<Mutex<World>>,
    scenario: &'e Scenario,
    types: &'e AlertTypes,
    workers: Vec<StormWorker>,
    /// Workers that wait for a message.
    idle: Vec<usize>,
    /// Messages to come, as events with the pause before each.
    to_send: Vec<(Duration, usize)>,
    random: Random,
    crashes: u64,
}

struct StormWorker {
    pipeline: Arc<SimulatedPipeline>,
    work: Option<Work>,
    is_stalled: bool,
}

struct Work {
    task: Task,
    future: Pin<Box<dyn Future<Output = bool>>>,
    /// Whether the future has been woken.
    is_woken: Arc<Flag>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Event(QueueDelivery),
    Sweep,
    /// Releases what it holds, and ends.
    Stop,
}

#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<'e> Epoch<'e> {
    fn new(scenario: &'e Scenario, setup: EpochSetup, types: &'e AlertTypes, mut random: Random) -> Self {
        let world = World::new(scenario, setup.bug, setup.traced, &mut random);
        let mut epoch = Self {
            world: Arc::new(Mutex::new(world)),
            scenario,
            types,
            workers: Vec::new(),
            idle: Vec::new(),
            to_send: Vec::new(),
            random,
            crashes: 0,
        };
        for worker in 0..scenario.workers.len() {
            let pipeline = epoch.pipeline(worker);
            epoch.workers.push(StormWorker { pipeline, work: None, is_stalled: false });
            if !scenario.workers[worker].is_sweeper {
                epoch.idle.push(worker);
            }
        }
        epoch
    }

    /// A new process of this worker: it knows nothing of what the last one did.
    fn pipeline(&mut self, worker: usize) -> Arc<SimulatedPipeline> {
        let WorkerSetup { models, has_scorecard, busy_wait_max, .. } = self.scenario.workers[worker];
        let link = Link::new(&self.world, worker);
        let clock = SimulatedClock::new(link.clone(), self.random.draw());
        let chain = (0..models).map(|position| SimulatedModel::new(link.clone(), position)).collect();
        let bus = self.scenario.has_bus.then(|| SimulatedBus(link.clone()));
        let pipeline = Pipeline::new(self.types.clone(), SimulatedStore(link), clock)
            .with_models(chain, has_scorecard)
            .with_notifier(bus)
            .waiting_at_most(busy_wait_max);
        Arc::new(pipeline)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every message once.
    fn first_life(&mut self) {
        let arrivals = self.scenario.arrivals.iter().rev();
        self.to_send = arrivals.map(|arrival| (arrival.pause, arrival.event)).collect();
        self.live();
    }

    /// The world moves on to the end of the retention, some expired items are deleted and others are not, and a part of
    /// the events is delivered again.
    fn second_life(&mut self, life: SecondLife) {
        let since_start = self.world().now.since(self.scenario.start);
        let to_end = RETENTION.saturating_sub(since_start);
        let pause = match life {
            SecondLife::AfterRetention => RETENTION + Duration::from_hours(24),
            SecondLife::AtRetention => to_end,
        };
        let mut random = self.random.clone();
        let mut world = self.world();
        world.clear_agenda();
        world.now = world.now.plus(pause);
        world.delete_expired(&mut random);
        drop(world);
        let again = self.scenario.arrivals.iter().rev().filter(|_| random.chance(300));
        self.to_send = again.map(|arrival| (arrival.pause * 3, arrival.event)).collect();
        self.random = random;
        self.live();
    }

    /// Works on what is sent until everything is at rest.
    fn live(&mut self) {
        let mut world = self.world();
        world.weather.is_calm = false;
        world.plan(Duration::ZERO, Happening::Arrival);
        for (worker, setup) in self.scenario.workers.iter().enumerate().filter(|(_, setup)| setup.is_sweeper)
        {
            world.plan(setup.time_per_event, Happening::Sweep { worker });
        }
        drop(world);
        while !self.to_send.is_empty() {
            self.turn();
        }
        self.world().weather.is_calm = true;
        self.drain();
        if self.random.chance(500) && self.world().queue.redrive() {
            self.drain();
        }
        self.sweep_all();
    }

    /// Until every message is deleted or dead, and nothing is on its way.
    fn drain(&mut self) {
        while !self.is_at_rest() {
            self.turn();
        }
        let end = self.world().now.plus(SETTLING_TIME);
        while self.world().now < end || !self.is_at_rest() {
            self.turn();
        }
    }

    fn is_at_rest(&self) -> bool {
        self.workers.iter().all(|worker| worker.work.is_none()) && self.world().queue.is_drained()
    }

    /// Until nothing is due.
    fn sweep_all(&mut self) {
        for _ in 0..LAST_SWEEPS_MAX {
            let mut world = self.world();
            if world.table.is_nothing_due(world.now) {
                return;
            }
            world.now = world.now.plus(UPGRADE_PAUSE + SETTLING_TIME);
            drop(world);
            self.turn();
            self.drain();
        }
    }

    /// The next thing that happens.
    fn turn(&mut self) {
        let happening = self.world().next();
        match happening.expect("sweeps are always planned") {
            Happening::Arrival => self.send_next(),
            Happening::Appearance(delivery) => self.world().queue.appear(delivery),
            Happening::Response { worker, run, slot } => {
                slot.arrive();
                if self.world().run_of(worker) == run {
                    self.step(worker);
                }
            }
            Happening::Resumption { worker, run } => {
                if self.world().run_of(worker) == run {
                    self.workers[worker].is_stalled = false;
                    self.poll(worker);
                }
            }
            Happening::Restart { worker } => self.restart(worker),
            Happening::Sweep { worker } => {
                let pause = self.world().weather.sweep_pause();
                self.world().plan(pause, Happening::Sweep { worker });
                if self.workers[worker].work.is_none() {
                    self.start(worker, Task::Sweep);
                }
            }
            Happening::Effect(_) => {}
        }
        self.deliver();
    }

    /// The producer sends its next message.
    fn send_next(&mut self) {
        let Some((_, event)) = self.to_send.pop() else { return };
        let mut world = self.world();
        world.queue.send(event);
        let alert = world.event_alerts[event];
        world.note(Some(alert), || format!("event {event} is sent"));
        if let Some((pause, _)) = self.to_send.last() {
            world.plan(*pause, Happening::Arrival);
        }
    }

    /// Gives visible messages to idle workers.
    fn deliver(&mut self) {
        while !self.idle.is_empty() {
            let Some(delivery) = self.world().queue.receive() else { return };
            let index = self.random.index(self.idle.len());
            let worker = self.idle.swap_remove(index);
            let mut world = self.world();
            let timeout = world.weather.visibility_timeout();
            world.plan(timeout, Happening::Appearance(delivery));
            if world.bug == Some(Bug::EarlyAcknowledgement) {
                let now = world.now;
                world.queue.delete(delivery.message, now);
            }
            drop(world);
            self.start(worker, Task::Event(delivery));
        }
    }

    /// Starts work.
    fn start(&mut self, worker: usize, task: Task) {
        let pipeline = Arc::clone(&self.workers[worker].pipeline);
        let time = self.scenario.workers[worker].time_per_event;
        let mut world = self.world();
        let event = if let Task::Event(delivery) = task {
            let number = world.queue.messages[delivery.message].event;
            Some((number, world.event_alerts[number]))
        } else {
            None
        };
        let alert = event.map(|(_, alert)| alert);
        let deadline = world.begin_run(worker, time, alert);
        let run = world.run_of(worker);
        world.note(alert, || format!("worker {worker}, run {run}: receives the event"));
        drop(world);
        let future: Pin<Box<dyn Future<Output = bool>>> = match (task, event) {
            (Task::Event(_), Some((number, _))) => {
                let bytes = Arc::clone(&self.scenario.events[number].bytes);
                Box::pin(async move {
                    let received = pipeline.receive(&bytes);
                    pipeline.run(deadline).process(&received).await.is_ok()
                })
            }
            (Task::Stop, _) => Box::pin(async move {
                pipeline.release_held(deadline).await;
                true
            }),
            (Task::Sweep | Task::Event(_), _) => {
                Box::pin(async move { pipeline.run(deadline).sweep(|_| ()).await.is_ok() })
            }
        };
        self.workers[worker].work = Some(Work { task, future, is_woken: Arc::default() });
        self.step(worker);
    }

    /// Something has arrived at a worker: it continues, unless fate intervenes.
    fn step(&mut self, worker: usize) {
        let StormWorker { work: Some(work), is_stalled: false, .. } = &self.workers[worker] else { return };
        let task = work.task;
        let mut world = self.world();
        let fate = if task == Task::Stop { StepFate::Continues } else { world.weather.step_fate() };
        if fate != StepFate::Continues {
            let (alert, run) = (world.alert_of(worker), world.run_of(worker));
            world.note(alert, || format!("worker {worker}, run {run}: {fate:?}"));
        }
        match fate {
            StepFate::Continues => {}
            StepFate::Delivered => {
                if let Task::Event(delivery) = task {
                    world.queue.duplicate(delivery.message);
                }
            }
            StepFate::Stalls(time) => {
                let run = world.run_of(worker);
                world.stall(worker);
                if let Task::Event(delivery) = task
                    && world.weather.is_delivered_in_a_stall()
                {
                    world.queue.duplicate(delivery.message);
                }
                world.plan(time, Happening::Resumption { worker, run });
                drop(world);
                self.workers[worker].is_stalled = true;
                return;
            }
            StepFate::Stops => {
                drop(world);
                self.workers[worker].work = None;
                return self.start(worker, Task::Stop);
            }
            StepFate::Crashes => {
                drop(world);
                self.crashes += 1;
                return self.end_process(worker);
            }
        }
        drop(world);
        self.poll(worker);
    }

    /// The process is gone. Its message appears again by itself.
    fn end_process(&mut self, worker: usize) {
        self.workers[worker].work = None;
        if self.random.chance(NEW_PIPELINES_PER_MILLE) {
            self.workers[worker].pipeline = self.pipeline(worker);
        }
        let mut world = self.world();
        world.begin_run(worker, Duration::ZERO, None);
        let pause = world.weather.restart_time();
        world.plan(pause, Happening::Restart { worker });
    }

    fn restart(&mut self, worker: usize) {
        if !self.scenario.workers[worker].is_sweeper {
            self.idle.push(worker);
        }
    }

    fn poll(&mut self, worker: usize) {
        let Some(work) = &mut self.workers[worker].work else { return };
        let waker = Waker::from(Arc::clone(&work.is_woken));
        let mut context = Context::from_waker(&waker);
        loop {
            work.is_woken.0.store(false, Ordering::Relaxed);
            match work.future.as_mut().poll(&mut context) {
                Poll::Ready(is_ok) => {
                    let task = work.task;
                    return self.finish(worker, task, is_ok);
                }
                // It may have woken itself.
                Poll::Pending if !work.is_woken.0.load(Ordering::Relaxed) => return,
                Poll::Pending => {}
            }
        }
    }

    /// The work is done. The process may still crash before it acknowledges the event.
    fn finish(&mut self, worker: usize, task: Task, is_ok: bool) {
        self.workers[worker].work = None;
        if task == Task::Stop {
            return self.end_process(worker);
        }
        let mut world = self.world();
        let (alert, run) = (world.alert_of(worker), world.run_of(worker));
        if world.weather.step_fate() == StepFate::Crashes {
            world.note(alert, || format!("worker {worker}, run {run}: Crashes at its end"));
            drop(world);
            self.crashes += 1;
            return self.end_process(worker);
        }
        world.note(alert, || {
            format!("worker {worker}, run {run}: {}", if is_ok { "ends" } else { "hands the event back" })
        });
        if let Task::Event(delivery) = task {
            let now = world.now;
            if is_ok {
                world.queue.delete(delivery.message, now);
            } else {
                let pause = world.weather.pause_after_failure();
                world.plan(pause, Happening::Appearance(delivery));
            }
            world.begin_run(worker, Duration::ZERO, None);
            drop(world);
            self.idle.push(worker);
        }
    }

    fn report(self) -> EpochReport {
        let mut world = self.world();
        let trace = world.trace.take().map_or_else(Vec::new, |Trace { lines, .. }| lines);
        let violations = checker::check(&world, self.scenario);
        let calls = world.history.calls.len() as u64;
        EpochReport { crashes: self.crashes, calls, violations, trace }
    }
}
