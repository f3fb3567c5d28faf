//! What a worker does at each of its steps, and what fate does to it there.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::{Epoch, SimulatedPipeline};
use crate::storm::queue::QueueDelivery;
use crate::storm::weather::StepFate;
use crate::storm::world::Happening;

/// So many of a thousand processes that start again have a new pipeline. Another would know nothing of the models and the
/// leases of the process before it; but it takes longer to make than an alert to explain.
const NEW_PIPELINES_PER_MILLE: u64 = 50;

/// A worker of the epoch.
pub(super) struct StormWorker {
    pipeline: Arc<SimulatedPipeline>,
    work: Option<Work>,
    is_stalled: bool,
}

impl StormWorker {
    pub(super) fn of(pipeline: Arc<SimulatedPipeline>) -> Self {
        Self { pipeline, work: None, is_stalled: false }
    }

    /// Whether it works on nothing.
    pub(super) fn is_free(&self) -> bool {
        self.work.is_none()
    }
}

/// What it works on.
struct Work {
    task: Task,
    future: Pin<Box<dyn Future<Output = bool>>>,
    is_woken: Arc<Flag>,
}

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    Event(QueueDelivery),
    Sweep,
    /// Releases what it holds, and ends.
    Stop,
}

/// Whether a future has been woken.
#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Epoch<'_> {
    /// Starts work.
    pub(super) fn start(&mut self, worker: usize, task: Task) {
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
    pub(super) fn step(&mut self, worker: usize) {
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
            StepFate::Stalls => {
                let run = world.run_of(worker);
                let time = world.stall(worker);
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

    /// A new process waits for a message.
    pub(super) fn restart(&mut self, worker: usize) {
        if !self.scenario.workers[worker].is_sweeper {
            self.idle.push(worker);
        }
    }

    /// A stalled worker continues.
    pub(super) fn resume(&mut self, worker: usize) {
        self.workers[worker].is_stalled = false;
        self.poll(worker);
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
}
