//! Which faults happen when: single ones at any time, and outages of the store, the bus and each model.

use std::time::Duration;

use portend_core::time::Timestamp;

use crate::random::Random;

/// The faults to come.
#[derive(Debug)]
pub(super) struct Weather {
    random: Random,
    /// No more faults.
    pub(super) is_calm: bool,
    store: Outages,
    bus: Outages,
    models: [Outages; 2],
}

/// Outages of one service, one after another.
#[derive(Debug, Default)]
struct Outages {
    is_down: bool,
    /// When that changes.
    until: Option<Timestamp>,
}

/// What happens to an operation of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoreFate {
    Done,
    /// It has no effect.
    Throttled,
    /// It has no effect.
    Unreachable,
    /// It has its effect, and its response is lost.
    ResponseLost,
    /// The caller waits no longer, and the operation has its effect after that.
    Late,
}

/// What happens to a call of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ModelFate {
    Accepted,
    Unsupported,
    Unusable,
    Empty,
    CutOff,
    Refused,
    Throttled,
    Unavailable,
    Hanging,
    SchemaRefused,
    OverQuota,
    Misconfigured,
}

/// What happens to a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BusFate {
    Published,
    NotPublished,
    ResponseLost,
}

/// What happens to a worker at one of its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StepFate {
    Continues,
    /// The process dies.
    Crashes,
    /// The process is asked to end: its work is dropped, and its leases are released.
    Stops,
    /// Nothing of it runs for a while.
    Stalls,
    /// The event that it works on is delivered once more.
    Delivered,
}

const STORE_FAILURES: [StoreFate; 4] =
    [StoreFate::Throttled, StoreFate::Unreachable, StoreFate::ResponseLost, StoreFate::Late];
/// Each failure of a model with how often it happens, of ten thousand calls.
const MODEL_FAILURES: [(ModelFate, u64); 11] = [
    (ModelFate::Unsupported, 250),
    (ModelFate::Unusable, 250),
    (ModelFate::Throttled, 200),
    (ModelFate::Unavailable, 150),
    (ModelFate::Hanging, 100),
    (ModelFate::Empty, 50),
    (ModelFate::CutOff, 50),
    (ModelFate::Refused, 50),
    (ModelFate::SchemaRefused, 20),
    (ModelFate::OverQuota, 5),
    (ModelFate::Misconfigured, 10),
];
const MODEL_OUTAGE: [ModelFate; 4] =
    [ModelFate::Unavailable, ModelFate::Unavailable, ModelFate::Throttled, ModelFate::Hanging];

impl Weather {
    pub(super) fn new(random: Random) -> Self {
        let [store, bus] = [Outages::default(), Outages::default()];
        Self { random, is_calm: false, store, bus, models: Default::default() }
    }

    pub(super) fn store_fate(&mut self, now: Timestamp) -> StoreFate {
        let is_down = self.store.is_down(now, &mut self.random);
        if self.fails(if is_down { 850 } else { 40 }) {
            return self.random.pick(&STORE_FAILURES[..if is_down { 2 } else { 4 }]);
        }
        StoreFate::Done
    }

    pub(super) fn model_fate(&mut self, model: usize, now: Timestamp) -> ModelFate {
        let is_down = self.models[model].is_down(now, &mut self.random);
        if is_down && self.fails(900) {
            return self.random.pick(&MODEL_OUTAGE);
        }
        let mut roll = self.random.below(10_000);
        for (fate, weight) in MODEL_FAILURES.into_iter().filter(|_| !self.is_calm) {
            if roll < weight {
                return fate;
            }
            roll -= weight;
        }
        ModelFate::Accepted
    }

    pub(super) fn bus_fate(&mut self, now: Timestamp) -> BusFate {
        let is_down = self.bus.is_down(now, &mut self.random);
        if self.fails(if is_down { 900 } else { 30 }) {
            return if self.random.chance(800) { BusFate::NotPublished } else { BusFate::ResponseLost };
        }
        BusFate::Published
    }

    pub(super) fn step_fate(&mut self) -> StepFate {
        if self.is_calm {
            return StepFate::Continues;
        }
        match self.random.below(1000) {
            0..25 => StepFate::Crashes,
            25..28 => StepFate::Stops,
            28..42 => StepFate::Stalls,
            42..50 => StepFate::Delivered,
            _ => StepFate::Continues,
        }
    }

    /// Whether a transaction meets another operation on its claim at the wrong moment.
    pub(super) fn conflicts(&mut self) -> bool {
        self.fails(500)
    }

    /// How long a worker stalls whose lease ends after this time: any time, or a little longer than its lease.
    pub(super) fn stall_time(&mut self, lease: Duration) -> Duration {
        if self.random.chance(500) { self.random.secs(10..150) } else { lease + self.random.secs(0..6) }
    }

    /// Whether the event of a stalled worker is delivered to another.
    pub(super) fn is_delivered_in_a_stall(&mut self) -> bool {
        self.fails(600)
    }

    fn fails(&mut self, per_mille: u64) -> bool {
        self.random.chance(per_mille) && !self.is_calm
    }

    /// The way to the store, or back.
    pub(super) fn way(&mut self) -> Duration {
        let slow = self.fails(20);
        self.random.millis(if slow { 50..500 } else { 1..10 })
    }

    /// How long an operation is on its way that its caller does not wait for any more.
    pub(super) fn late(&mut self) -> Duration {
        self.random.millis(100..20_000)
    }

    /// How long a model takes that responds.
    pub(super) fn model_time(&mut self) -> Duration {
        let slow = self.fails(30);
        self.random.millis(if slow { 8_000..25_000 } else { 300..5_000 })
    }

    /// From a crash to the next start.
    pub(super) fn restart_time(&mut self) -> Duration {
        self.random.secs(1..15)
    }

    /// From a delivery to the next one, if the message is not deleted.
    pub(super) fn visibility_timeout(&mut self) -> Duration {
        let short = self.random.chance(150);
        self.random.secs(if short { 5..70 } else { 130..200 })
    }

    /// From the failure of an event to its next delivery.
    pub(super) fn pause_after_failure(&mut self) -> Duration {
        self.random.secs(5..60)
    }

    /// From one sweep of a worker to its next.
    pub(super) fn sweep_pause(&mut self) -> Duration {
        self.random.secs(20..200)
    }
}

impl Outages {
    fn is_down(&mut self, now: Timestamp, random: &mut Random) -> bool {
        if self.until.is_none_or(|until| until < now) {
            // The first times are good ones, and so are those after a long time without a look.
            self.is_down = self.until.is_some() && !self.is_down;
            let length = if self.is_down { random.secs(10..240) } else { random.secs(60..1500) };
            self.until = Some(now.plus(length));
        }
        self.is_down
    }
}
