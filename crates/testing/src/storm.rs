//! A storm of faults: many workers run the real pipeline in a simulated world under one seed, and a checker holds what the
//! store, the models' provider, the bus and the queue have seen against what must never happen.
//!
//! ```text
//! scenario ─▶ queue ─▶ workers ──────▶ store, models, bus ──▶ history ─▶ checker ─▶ violations
//!                        ▲   │ operations, each with its fate: done, refused, lost, late
//!                        └───┴── agenda: one clock, one thing at a time, all from the seed
//! ```
//!
//! An epoch is a world of its own, so that memory is bounded and both cores can work; its seed is the run's and its number.

mod bug;
mod scenario;
mod history;
mod table;
mod queue;
mod weather;
mod agenda;
mod world;
mod store;
mod services;
mod checker;
mod epoch;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use portend_core::alert_type::AlertTypes;

pub use bug::Bug;
pub use checker::{Violation, ViolationKind};
use epoch::{EpochReport, EpochSetup};

use crate::random::Random;

/// Alerts of one epoch.
const EPOCH_ALERTS: u64 = 1000;

/// What to play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storm {
    /// Messages that are sent for the first time: new alerts, repeats, malformed events and duplicates.
    pub alerts: u64,
    /// Everything follows from it.
    pub seed: u64,
    /// A bug to plant.
    pub bug: Option<Bug>,
}

/// What happened.
#[derive(Debug, Default)]
pub struct StormReport {
    /// Alerts so far. A storm ends with its first epoch that has a violation.
    pub alerts: u64,
    /// Processes that crashed.
    pub crashes: u64,
    /// Calls that the models' provider received.
    pub calls: u64,
    /// What is wrong.
    pub violations: Vec<Violation>,
}

impl Storm {
    /// Plays it on so many threads, which changes nothing but the time it takes. `observe` is called after each epoch.
    pub fn run(&self, threads: usize, mut observe: impl FnMut(&StormReport)) -> StormReport {
        let types = AlertTypes::built_in();
        let epochs = self.alerts.div_ceil(EPOCH_ALERTS);
        let (next, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        let mut report = StormReport::default();
        thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            for _ in 0..threads.max(1) {
                let (sender, types, next, is_over) = (sender.clone(), &types, &next, &is_over);
                scope.spawn(move || {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= epochs || is_over.load(Ordering::Relaxed) {
                            return;
                        }
                        let played = epoch::play(self.epoch(number, None), types);
                        // Nobody waits for an epoch after one that failed.
                        let _ = sender.send((number, played));
                    }
                });
            }
            drop(sender);
            for_each_in_order(&receiver, |number, played| {
                report.add(self.epoch(number, None), played);
                observe(&report);
                is_over.fetch_or(!report.violations.is_empty(), Ordering::Relaxed);
                !is_over.load(Ordering::Relaxed)
            });
        });
        report
    }

    /// Everything that happened to the alert of a violation, found by playing the report's last epoch once more.
    pub fn trace(&self, report: &StormReport, violation: &Violation) -> Vec<String> {
        let last = report.alerts.div_ceil(EPOCH_ALERTS).saturating_sub(1);
        epoch::play(self.epoch(last, Some(violation.alert)), &AlertTypes::built_in()).trace
    }

    fn epoch(&self, number: u64, traced: Option<usize>) -> EpochSetup {
        let messages = EPOCH_ALERTS.min(self.alerts - number * EPOCH_ALERTS);
        EpochSetup {
            seed: Random::of(self.seed, number).draw(),
            messages: usize::try_from(messages).unwrap_or(0),
            bug: self.bug,
            traced,
        }
    }
}

/// Calls `each` with what arrives in the order of its numbers, until it returns false.
fn for_each_in_order<T>(receiver: &mpsc::Receiver<(u64, T)>, mut each: impl FnMut(u64, T) -> bool) {
    let mut early = std::collections::BTreeMap::new();
    let mut expected = 0;
    for (number, item) in receiver {
        early.insert(number, item);
        while let Some(item) = early.remove(&expected) {
            if !each(expected, item) {
                return;
            }
            expected += 1;
        }
    }
}

impl StormReport {
    fn add(&mut self, setup: EpochSetup, played: EpochReport) {
        self.alerts += setup.messages as u64;
        self.crashes += played.crashes;
        self.calls += played.calls;
        self.violations.extend(played.violations);
    }

    /// How many violations are of this kind.
    pub fn count(&self, kind: ViolationKind) -> usize {
        self.violations.iter().filter(|violation| violation.kind == kind).count()
    }
}

impl fmt::Display for StormReport {
    /// As `storm: 10000 alerts, 2013 crashes, 0 lost, 0 twice, 0 unexplained calls`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { alerts, crashes, .. } = self;
        let [lost, twice, unexplained] =
            [ViolationKind::Lost, ViolationKind::Twice, ViolationKind::Unexplained]
                .map(|kind| self.count(kind));
        write!(
            f,
            "storm: {alerts} alerts, {crashes} crashes, {lost} lost, {twice} twice, {unexplained} unexplained calls"
        )
    }
}

#[cfg(test)]
mod tests;
