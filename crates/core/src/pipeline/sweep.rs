//! Does what was left to do: publishes what was not published, asks the models again for what is degraded, and closes
//! the entities that have recovered.
//!
//! A sweep keeps no position. What is done, or given up, is due no more, so the next sweep continues where this one ended.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::StreamExt;
use futures_util::stream;
use serde::Serialize;

use super::{Failure, Run, UpgradeOutcome};
use crate::clock::Clock;
use crate::entity::EntityRow;
use crate::insight::StoredInsight;
use crate::limits::{
    ATTEMPT_TIME_MIN, NOTIFY_FAILURES_MAX, NOTIFY_TIME_MIN, STORE_RESERVE, SWEEP_CONCURRENCY, SWEEP_PAGE,
};
use crate::model::Model;
use crate::notify::Notifier;
use crate::store::{DueInsight, Store, Todo};
use crate::time::Timestamp;

/// What a sweep did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct SweepReport {
    /// Insights that were published.
    #[serde(rename = "told")]
    pub published: u64,
    /// Insights that are still to be published: the bus did not accept them, or none is configured.
    #[serde(rename = "untold")]
    pub unpublished: u64,
    /// Insights that a model's has replaced.
    pub upgraded: u64,
    /// Insights that are still to be upgraded, by a later sweep.
    pub later: u64,
    /// Degraded insights that stay as they are.
    pub never: u64,
    /// Entities that have recovered since the last sweep.
    #[serde(skip_serializing_if = "is_zero")]
    pub recovered: u64,
    /// Whether everything that is due was looked at.
    pub complete: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's own form")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What a sweep did with one insight.
#[derive(Debug, Clone, PartialEq)]
pub enum SweepEvent {
    /// It was published.
    Published(StoredInsight),
    /// It is still to be published.
    Unpublished(StoredInsight),
    /// It is a model's, in place of the scorecard's.
    Upgraded(StoredInsight),
    /// It may be upgraded after this time.
    Later(StoredInsight, Timestamp),
    /// It stays as it is.
    Never(StoredInsight),
    /// An entity has recovered.
    Recovered(Box<EntityRow>),
}

impl SweepReport {
    fn count(&mut self, event: &SweepEvent) {
        *match event {
            SweepEvent::Published(_) => &mut self.published,
            SweepEvent::Unpublished(_) => &mut self.unpublished,
            SweepEvent::Upgraded(_) => &mut self.upgraded,
            SweepEvent::Later(..) => &mut self.later,
            SweepEvent::Never(_) => &mut self.never,
            SweepEvent::Recovered(_) => &mut self.recovered,
        } += 1;
    }
}

/// What the works of one sweep know of each other.
#[derive(Debug, Default)]
struct SweepState {
    /// Nothing more begins.
    is_over: AtomicBool,
    notify_failures: AtomicUsize,
}

/// What was done with one insight.
#[derive(Debug, Default)]
struct DueWork {
    events: Vec<SweepEvent>,
    /// Whether there was no time, or the sweep was over.
    left: bool,
}

impl<S: Store, C: Clock, M: Model, N: Notifier> Run<'_, S, C, M, N> {
    /// Does what is due, several insights at once, until nothing is left or the time is up. `observe` is called with each
    /// result. Once the notifier has failed [`NOTIFY_FAILURES_MAX`] times, nothing more is published. Once the store
    /// fails, nothing more begins; what has begun is finished, because a call may have been paid.
    pub async fn sweep(&mut self, mut observe: impl FnMut(&SweepEvent)) -> Result<SweepReport, Failure> {
        let mut report = SweepReport { complete: true, ..SweepReport::default() };
        let state = SweepState::default();
        let mut after = None;
        while report.complete {
            let page = self.due(after.as_ref(), SWEEP_PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.place());
            let (pipeline, deadline, upgrades_now, state) =
                (self.pipeline, self.deadline, self.upgrades_now, &state);
            let mut work = stream::iter(page)
                .map(|due| async move {
                    let mut run = Run { upgrades_now, ..pipeline.run(deadline) };
                    let result = run.work_on(&due, state).await;
                    (result, run.account)
                })
                .buffer_unordered(SWEEP_CONCURRENCY);
            let mut failure = None;
            while let Some((result, account)) = work.next().await {
                self.account.add(account);
                match result {
                    Ok(DueWork { events, left }) => {
                        for event in &events {
                            report.count(event);
                            observe(event);
                        }
                        report.complete &= !left;
                    }
                    Err(error) => {
                        state.is_over.store(true, Ordering::Relaxed);
                        failure = failure.or(Some(error));
                    }
                }
            }
            if let Some(failure) = failure {
                return Err(failure);
            }
        }
        report.complete &= self.rebuild_entities().await?;
        let mut record = |event: &SweepEvent| {
            report.count(event);
            observe(event);
        };
        let is_complete = self.recover_entities(&mut record).await?;
        report.complete &= is_complete;
        Ok(report)
    }

    /// Does what is due of one insight, if there is time.
    async fn work_on(&mut self, due: &DueInsight, state: &SweepState) -> Result<DueWork, Failure> {
        let needed = match due.todo {
            Todo::Notify => NOTIFY_TIME_MIN,
            Todo::Upgrade => ATTEMPT_TIME_MIN + STORE_RESERVE,
        };
        if state.is_over.load(Ordering::Relaxed) || !self.has(needed) {
            return Ok(DueWork { left: true, ..DueWork::default() });
        }
        self.deadline = self.deadline.min(self.now().plus(self.pipeline.event_time()));
        let mut events = Vec::new();
        if due.todo == Todo::Notify {
            // After an upgrade, the copy that the sweep has is old, and the upgrade publishes its own insight.
            if self.pipeline.notifies() && !self.is_current(due).await? {
                return Ok(DueWork::default());
            }
            if self.publish(due, state).await {
                events.push(SweepEvent::Published(due.insight.clone()));
            } else {
                events.push(SweepEvent::Unpublished(due.insight.clone()));
                // Without a notifier there is nothing to wait for: the upgrade leaves the notification due.
                if self.pipeline.notifies() {
                    return Ok(DueWork { events, left: false });
                }
            }
        }
        if due.insight.is_degraded() {
            events.push(self.upgrade_due(due).await?);
        }
        Ok(DueWork { events, left: false })
    }

    /// Whether the store still has the insight that was due.
    async fn is_current(&self, due: &DueInsight) -> Result<bool, Failure> {
        Ok(self.insight(&due.key).await?.is_some_and(|stored| stored.run() == due.insight.run()))
    }

    async fn publish(&mut self, due: &DueInsight, state: &SweepState) -> bool {
        if state.notify_failures.load(Ordering::Relaxed) >= NOTIFY_FAILURES_MAX {
            return false;
        }
        let is_published = self.notify(&due.insight, &due.key).await;
        if !is_published && self.pipeline.notifies() {
            state.notify_failures.fetch_add(1, Ordering::Relaxed);
        }
        is_published
    }

    async fn upgrade_due(&mut self, due: &DueInsight) -> Result<SweepEvent, Failure> {
        if !self.has(ATTEMPT_TIME_MIN + STORE_RESERVE) {
            return Ok(SweepEvent::Later(due.insight.clone(), self.now()));
        }
        Ok(match self.upgrade(due).await? {
            UpgradeOutcome::Done(insight) => SweepEvent::Upgraded(insight),
            UpgradeOutcome::Later(until) => SweepEvent::Later(due.insight.clone(), until),
            UpgradeOutcome::Never => SweepEvent::Never(due.insight.clone()),
        })
    }
}
