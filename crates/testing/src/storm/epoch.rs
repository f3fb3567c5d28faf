//! One epoch: a world of its own, in which workers run the real pipeline until everything is at rest.
//!
//! Workers are polled one at a time, when something that they wait for has arrived. At each of these steps they may crash,
//! stall, or receive their event once more.

mod work;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portend_core::alert_type::AlertTypes;
use portend_core::limits::{RETENTION, UPGRADE_PAUSE};
use portend_core::pipeline::Pipeline;

use super::bug::Bug;
use super::checker::{self, Violation};
use super::scenario::{Scenario, SecondLife, WorkerSetup};
use super::services::{SimulatedBus, SimulatedClock, SimulatedModel};
use super::store::SimulatedStore;
use super::world::{Happening, Link, Trace, World};
use crate::random::Random;
use work::{StormWorker, Task};

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

/// The real pipeline, with everything around it simulated.
type SimulatedPipeline = Pipeline<SimulatedStore, SimulatedClock, SimulatedModel, SimulatedBus>;

/// Sweeps until nothing is due, at most.
const LAST_SWEEPS_MAX: u32 = 50;
/// How long operations can be on their way.
const SETTLING_TIME: Duration = Duration::from_mins(2);
/// How long it takes at most until everything is at rest.
const DRAIN_TIME_MAX: Duration = Duration::from_hours(12);

/// Plays an epoch.
pub(super) fn play(setup: EpochSetup, types: &AlertTypes) -> EpochReport {
    let mut random = Random::new(setup.seed);
    let scenario = Scenario::new(&mut random, types, setup.messages);
    let mut epoch = Epoch::new(&scenario, setup, types, random);
    epoch.play();
    epoch.report()
}

/// An epoch that is played.
pub(super) struct Epoch<'e> {
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

impl<'e> Epoch<'e> {
    pub(super) fn new(
        scenario: &'e Scenario,
        setup: EpochSetup,
        types: &'e AlertTypes,
        mut random: Random,
    ) -> Self {
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
            epoch.workers.push(StormWorker::of(pipeline));
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

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until everything is at rest for good.
    pub(super) fn play(&mut self) {
        self.first_life();
        if let Some(life) = self.scenario.second_life {
            self.second_life(life);
        }
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

    /// Until every message is deleted or dead, and nothing is on its way; what is never at rest is a violation.
    fn drain(&mut self) {
        let limit = self.world().now.plus(DRAIN_TIME_MAX);
        let mut end = limit;
        while self.world().now < end {
            self.turn();
            if self.is_at_rest() {
                end = end.min(self.world().now.plus(SETTLING_TIME));
            } else {
                end = limit;
            }
        }
    }

    fn is_at_rest(&self) -> bool {
        self.workers.iter().all(StormWorker::is_free) && self.world().queue.is_drained()
    }

    /// Until nothing is due.
    fn sweep_all(&mut self) {
        for _ in 0..LAST_SWEEPS_MAX {
            let mut world = self.world();
            if world.first_due().is_none() {
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
                    self.resume(worker);
                }
            }
            Happening::Restart { worker } => self.restart(worker),
            Happening::Sweep { worker } => {
                let pause = self.world().weather.sweep_pause();
                self.world().plan(pause, Happening::Sweep { worker });
                if self.workers[worker].is_free() {
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

    /// Delivers visible messages to idle workers.
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

    fn report(self) -> EpochReport {
        let mut world = self.world();
        let trace = world.trace.take().map_or_else(Vec::new, |Trace { lines, .. }| lines);
        let violations = checker::check(&world, self.scenario);
        let calls = world.history.calls.len() as u64;
        EpochReport { crashes: self.crashes, calls, violations, trace }
    }
}
