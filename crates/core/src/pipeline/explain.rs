//! From an event to its outcome: claim, judge, commit, notify; or count the repeat, or park.

use std::pin::pin;

use futures_util::future::{Either, join, select};

use super::judge::{Calls, JudgedAlert};
use super::reuse::{AskedBefore, EarlierAnswer, Plan, answer_to_store};
use super::{Failure, Outcome, Received, Run};
use crate::alert::{Alert, InsightKey, Reason, Refusal};
use crate::chain::StopReason;
use crate::clock::{Clock, random_name};
use crate::entity::EntityKey;
use crate::help::explained;
use crate::insight::{Insight, Provenance, StoredInsight};
use crate::limits::{BUSY_PAUSE_MAX, BUSY_PAUSE_MIN, EXPIRY_GRANULARITY, NOTIFY_AGAIN_AFTER, STORE_RESERVE};
use crate::model::Model;
use crate::notify::Notifier;
use crate::store::{Claim, Commit, EntityAhead, Lease, Parked, Release, Repeat, Store, Todo};

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

    /// Parks an alert about an entity that was forgotten after the alert's time, without the event. `None` if it was not.
    async fn park_forgotten(
        &self,
        received: &Received<'_>,
        alert: &Alert<'_>,
    ) -> Result<Option<Outcome>, Failure> {
        let entity = EntityKey::new(alert.alert_type().entity(), alert.entity_id());
        let Some(at) = self.forgotten_at(&entity).await?.filter(|at| alert.timestamp() <= *at) else {
            return Ok(None);
        };
        let message = format!("the entity was forgotten on request at {at}, after the alert's time");
        let refusal = Refusal::new(Reason::Forgotten, message);
        let parked = Parked::new(received.event, &refusal, received.received_at).without_event();
        self.park(&parked, &received.owner).await?;
        Ok(Some(Outcome::Parked(refusal)))
    }

    async fn explain(&mut self, received: &Received<'_>, alert: &Alert<'_>) -> Result<Outcome, Failure> {
        if let Some(outcome) = self.park_forgotten(received, alert).await? {
            return Ok(outcome);
        }
        // A claim needs time to be worked on, or to be released.
        let busy_until = self.deadline.minus(STORE_RESERVE).min(self.now().plus(self.pipeline.busy_wait_max));
        let (mut pause, mut was_missing) = (BUSY_PAUSE_MIN, false);
        let keys = &self.question_keys(alert);
        loop {
            // At the same time, because most claims are the worker's.
            let (claim, answers) = join(self.claim(received, alert), self.stored_answers(alert, keys)).await;
            match claim? {
                Claim::Mine(lease) => match self.work(alert, &lease, AskedBefore { keys, answers }).await? {
                    Worked::Done(outcome) => return Ok(outcome),
                    Worked::Parked(refusal) => return self.park_event(received, refusal).await,
                    // Its entity may have been forgotten meanwhile, with the claim.
                    Worked::Lost => {
                        // It is rare, and boxing it keeps the future small.
                        if let Some(outcome) = Box::pin(self.park_forgotten(received, alert)).await? {
                            return Ok(outcome);
                        }
                    }
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
    async fn work(
        &mut self,
        alert: &Alert<'_>,
        lease: &Lease,
        asked: AskedBefore<'_>,
    ) -> Result<Worked, Failure> {
        self.pipeline.hold(lease, self.now());
        let calls = Calls::of(lease);
        let worked = self.judge_and_commit(alert, lease, &calls, asked).await;
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
        asked: AskedBefore<'_>,
    ) -> Result<Worked, Failure> {
        let keys = asked.keys;
        let Plan { earlier, asking } = self.plan(alert, asked).await;
        let (judged, ahead) = self.judge_and_read_ahead(alert, calls, earlier).await;
        let (run, now) = (random_name(&self.pipeline.clock), self.now());
        let fresh = answer_to_store(alert, judged.given(), &run, now);
        if let Some((asking, fresh)) = asking.zip(fresh.clone()) {
            asking.answered(fresh, now);
        }
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
        let provenance = Provenance { run, attempts: judged.attempts, degraded: judged.degraded, now };
        let insight = self.pipeline.insight(alert, &lease.insight_key, judgement, provenance);
        let committed = self.commit_under_its_key(lease, insight, ahead.as_ref());
        match join(committed, self.store_answer(keys, fresh.as_ref())).await.0? {
            (Commit::Stored, insight) => {
                self.account.reused.extend(insight.reused().cloned());
                let stored = insight.to_stored();
                self.notify(&stored, insight.key()).await;
                Box::pin(self.notify_healthy(&insight)).await;
                Ok(Worked::Done(Outcome::Stored(stored)))
            }
            (Commit::Existing(stored), _) => Ok(Worked::Done(Outcome::Repeated(stored))),
            (Commit::Lost | Commit::KeyTaken, _) => Ok(Worked::Lost),
        }
    }

    /// Judges the alert, and reads the row of its entity while the model works. Never waits for the row.
    async fn judge_and_read_ahead(
        &mut self,
        alert: &Alert<'_>,
        calls: &Calls<'_>,
        earlier: Option<EarlierAnswer>,
    ) -> (JudgedAlert, Option<EntityAhead>) {
        let pipeline = self.pipeline;
        let entity = EntityKey::new(alert.alert_type().entity(), alert.entity_id());
        let (judge, read) =
            (pin!(self.judge(alert, calls, earlier)), pin!(pipeline.store.read_ahead(&entity)));
        match select(judge, read).await {
            Either::Left((judged, _)) => (judged, None),
            Either::Right((ahead, judge)) => (judge.await, ahead),
        }
    }

    /// Commits the insight, under a longer key for as long as another alert's has its key.
    async fn commit_under_its_key(
        &self,
        lease: &Lease,
        mut insight: Insight,
        ahead: Option<&EntityAhead>,
    ) -> Result<(Commit, Insight), Failure> {
        loop {
            match self.commit(lease, &insight, ahead).await? {
                Commit::KeyTaken => insight = insight.with_longer_key(),
                commit @ (Commit::Stored | Commit::Existing(_) | Commit::Lost) => {
                    return Ok((commit, insight));
                }
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
