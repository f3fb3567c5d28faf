//! From an event to its outcome: claim, judge, commit, notify; or count the repeat, or park.

use super::judge::Calls;
use super::{Failure, Outcome, Received, Run};
use crate::alert::{Alert, InsightKey, Reason, Refusal};
use crate::chain::StopReason;
use crate::clock::{Clock, random_name};
use crate::help::explained;
use crate::insight::{Insight, Provenance, StoredInsight};
use crate::limits::{BUSY_PAUSE_MAX, BUSY_PAUSE_MIN, EXPIRY_GRANULARITY, NOTIFY_AGAIN_AFTER, STORE_RESERVE};
use crate::model::Model;
use crate::notify::Notifier;
use crate::store::{Claim, Commit, Lease, Parked, Release, Repeat, Store, Todo};

/// How work under a lease ended.
enum Worked {
    /// With an insight.
    Done(Outcome),
    /// With a reason to park the event.
    Parked(Refusal),
    /// Another worker has taken over.
    Lost,
}

impl<S: Store, C: Clock, M: Model, N: Notifier> Run<'_, S, C, M, N> {
    /// Works on an event until it is stored, repeated or parked, or the deadline comes.
    pub async fn process(&mut self, received: &Received<'_>) -> Result<Outcome, Failure> {
        match &received.alert {
            Err(refusal) => self.park_event(received, refusal.clone()).await,
            Ok(alert) => self.explain(received, alert).await,
        }
    }

    async fn park_event(&self, received: &Received<'_>, refusal: Refusal) -> Result<Outcome, Failure> {
        let parked = Parked::new(received.event, &refusal, received.received_at);
        self.park(&parked, &received.owner).await?;
        Ok(Outcome::Parked(refusal))
    }

    async fn explain(&mut self, received: &Received<'_>, alert: &Alert<'_>) -> Result<Outcome, Failure> {
        // A claim needs time to be worked on, or to be released.
        let busy_until = self.deadline.minus(STORE_RESERVE).min(self.now().plus(self.pipeline.busy_wait_max));
        let (mut pause, mut was_missing) = (BUSY_PAUSE_MIN, false);
        loop {
            match self.claim(received, alert).await? {
                Claim::Mine(lease) => match self.work(alert, &lease).await? {
                    Worked::Done(outcome) => return Ok(outcome),
                    Worked::Parked(refusal) => return self.park_event(received, refusal).await,
                    Worked::Lost => {}
                },
                Claim::Done(key) => {
                    if let Some(repeat) = self.repeat(received, alert, &key).await? {
                        self.notify_again(&repeat, &key).await;
                        return Ok(Outcome::Repeated(repeat.insight));
                    }
                    // Either the insight expired between the two reads, and its claim expires within a second; or
                    // somebody deleted it.
                    if was_missing {
                        return Err(Failure::InsightGone);
                    }
                    was_missing = true;
                    self.pipeline.clock.sleep(EXPIRY_GRANULARITY).await;
                }
                Claim::Busy(until) => {
                    if self.now().plus(pause) > busy_until {
                        return Err(Failure::Busy { until });
                    }
                    self.pipeline.clock.sleep(pause).await;
                    pause = (pause * 2).min(BUSY_PAUSE_MAX);
                }
            }
        }
    }

    /// Makes and stores the insight under the lease. A lease that ends without an insight is released.
    async fn work(&mut self, alert: &Alert<'_>, lease: &Lease) -> Result<Worked, Failure> {
        self.pipeline.hold(lease, self.now());
        let calls = Calls::of(lease);
        let worked = self.judge_and_commit(alert, lease, &calls).await;
        if matches!(worked, Ok(Worked::Done(_))) {
            self.pipeline.held().remove(&lease.alert_key);
        } else {
            let release = Release { unused_call: calls.has_unmade(), ..Release::at(self.now()) };
            self.release_as(lease, release).await;
        }
        worked
    }

    async fn judge_and_commit(
        &mut self,
        alert: &Alert<'_>,
        lease: &Lease,
        calls: &Calls<'_>,
    ) -> Result<Worked, Failure> {
        let judged = self.judge(alert, calls).await;
        let Some(judgement) = judged.judgement else {
            let parked = |reason| Ok(Worked::Parked(Refusal::new(reason, explained(&judged.stop))));
            return match judged.stop {
                StopReason::Lost => Ok(Worked::Lost),
                StopReason::CallsSpent => parked(Reason::CallsSpent),
                StopReason::Guardrail => parked(Reason::Guardrail),
                stop @ (StopReason::Answered
                | StopReason::AllFailed
                | StopReason::Deadline
                | StopReason::StoreFailed) => {
                    Err(calls.take_error().map_or(Failure::NoAnswer { stop }, Failure::Store))
                }
            };
        };
        let run = random_name(&self.pipeline.clock);
        let provenance =
            Provenance { run, attempts: judged.attempts, degraded: judged.degraded, now: self.now() };
        let mut insight = Insight::new(alert, &lease.insight_key, judgement, provenance);
        loop {
            match self.commit(lease, &insight, self.todo(judged.degraded)).await? {
                Commit::Stored => {
                    let stored = insight.to_stored();
                    self.notify(&stored, insight.key()).await;
                    return Ok(Worked::Done(Outcome::Stored(stored)));
                }
                Commit::Existing(stored) => return Ok(Worked::Done(Outcome::Repeated(stored))),
                Commit::KeyTaken => insight = insight.with_longer_key(),
                Commit::Lost => return Ok(Worked::Lost),
            }
        }
    }

    /// Publishes what is stored and should have been published by now. Until then, its own run may be about to do it.
    async fn notify_again(&mut self, repeat: &Repeat, key: &InsightKey) {
        let Repeat { insight, todo } = repeat;
        if *todo == Some(Todo::Notify) && self.is_overdue(insight) {
            self.notify(insight, key).await;
        }
    }

    fn is_overdue(&self, insight: &StoredInsight) -> bool {
        self.now() > insight.timestamp().plus(NOTIFY_AGAIN_AFTER)
    }
}
