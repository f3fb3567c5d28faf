//! An alert in, an insight out: the steps, in their order, with what holds between them.
//!
//! Takes: an event as received, and the deadline by which it must be finished.
//! Gives: an [`Outcome`]: stored, repeated, parked or failed; for every event exactly one.
//! Never: judges without a claim, stores what was not judged, or loses an event: what is neither stored nor parked
//! is handed back as failed, and can be delivered again.
//!
//! ```text
//! event ─ read ─┬─ refused ─ park ──────────────────────────────────────────────▶ parked
//!               └─ alert ─ claim ─┬─ done ─ count the repeat ───────────────────▶ repeated
//!                                 ├─ busy ─ wait, claim again; at the deadline ─▶ failed
//!                                 └─ mine ─ judge ─ put if absent ─ finish ─────▶ stored
//! ```
//!
//! A crash after the claim leaves a lease that ends; the next delivery takes over. One between put and finish leaves
//! an insight that the takeover finds.

mod judge;
mod outcome;
mod retry;
mod upgrade;

pub use outcome::{Failure, Outcome};
pub use upgrade::Upgraded;

use std::sync::{Mutex, PoisonError};

use crate::alert::{Alert, InsightKey, Refusal};
use crate::alert_type::AlertTypes;
use crate::chain::{Alarm, Health};
use crate::clock::{Clock, random_name};
use crate::insight::{Insight, Making, StoredInsight};
use crate::limits::{BUSY_PAUSE_MAX, BUSY_PAUSE_MIN, EXPIRY_STEP, LEASE_MARGIN};
use crate::model::{Model, NoModel};
use crate::store::{Claim, ClaimRequest, Lease, Parked, Put, Store, StoreError, Todo};
use crate::time::Timestamp;
use judge::{Judged, NoJudgement};
use retry::retried;

/// The alert types, the store and the clock that the steps work with.
#[derive(Debug)]
pub struct Pipeline<S, C, M = NoModel> {
    types: AlertTypes,
    store: S,
    clock: C,
    models: Vec<M>,
    scorecard: bool,
    health: Health,
    alarms: Mutex<Vec<Alarm>>,
}

/// What came of work under a lease.
enum Worked {
    /// An insight.
    Done(Outcome),
    /// The chain ended in a reason to park the event.
    Parked(Refusal),
    /// Another worker has taken over.
    Lost,
}

/// An event that has been received and read, and not yet worked on.
#[derive(Debug)]
pub struct Received<'a> {
    event: &'a [u8],
    received_at: Timestamp,
    alert: Result<Alert<'a>, Refusal>,
}

impl<'a> Received<'a> {
    /// The alert that the event is, or why it is none.
    pub fn alert(&self) -> Result<&Alert<'a>, &Refusal> {
        self.alert.as_ref()
    }

    /// When it was received.
    pub fn received_at(&self) -> Timestamp {
        self.received_at
    }
}

impl<S: Store, C: Clock> Pipeline<S, C> {
    /// A pipeline over these, in which the scorecard judges.
    pub fn new(types: AlertTypes, store: S, clock: C) -> Self {
        Self {
            types,
            store,
            clock,
            models: Vec::new(),
            scorecard: true,
            health: Health::default(),
            alarms: Mutex::default(),
        }
    }

    /// The same with models, asked in this order. Without the scorecard behind them, an alert that no model answers
    /// gets no insight.
    pub fn with_models<M: Model>(self, models: Vec<M>, scorecard: bool) -> Pipeline<S, C, M> {
        let Self { types, store, clock, health, alarms, .. } = self;
        Pipeline { types, store, clock, models, scorecard, health, alarms }
    }
}

impl<S: Store, C: Clock, M: Model> Pipeline<S, C, M> {
    /// Its alert types.
    pub fn types(&self) -> &AlertTypes {
        &self.types
    }

    /// Its store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Its clock.
    pub fn clock(&self) -> &C {
        &self.clock
    }

    /// Its models, in the order in which they are asked.
    pub fn models(&self) -> &[M] {
        &self.models
    }

    /// What the operator must hear of since the last call of this: one alarm for each alert that met a model which
    /// cannot work as it is configured. Nothing masks it, neither a fail-over nor an open breaker.
    pub fn take_alarms(&self) -> Vec<Alarm> {
        std::mem::take(&mut *self.alarms.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads an event. This takes no time and cannot fail: a refusal is an answer.
    pub fn receive<'a>(&'a self, event: &'a [u8]) -> Received<'a> {
        let received_at = self.clock.now();
        Received { event, received_at, alert: Alert::read(event, &self.types, received_at) }
    }

    /// Works on an event until it is stored, repeated, parked or failed, or `deadline` comes.
    pub async fn process(&self, received: &Received<'_>, deadline: Timestamp) -> Outcome {
        match &received.alert {
            Err(refusal) => self.park(received, refusal, deadline).await,
            Ok(alert) => self.explain(received, alert, deadline).await.unwrap_or_else(Outcome::Failed),
        }
    }

    async fn park(&self, received: &Received<'_>, refusal: &Refusal, deadline: Timestamp) -> Outcome {
        let parked = Parked::new(received.event, refusal, received.received_at);
        match retried(&self.clock, deadline, || self.store.park(&parked)).await {
            Ok(()) => Outcome::Parked(refusal.clone()),
            Err(error) => Outcome::Failed(error.into()),
        }
    }

    async fn explain(
        &self,
        received: &Received<'_>,
        alert: &Alert<'_>,
        deadline: Timestamp,
    ) -> Result<Outcome, Failure> {
        let owner = random_name(&self.clock);
        let (mut pause, mut gone) = (BUSY_PAUSE_MIN, false);
        loop {
            match self.claim(alert, &owner, deadline).await? {
                Claim::Mine(lease) => match self.work(alert, &lease, deadline).await? {
                    Worked::Done(outcome) => return Ok(outcome),
                    Worked::Parked(refusal) => return Ok(self.park(received, &refusal, deadline).await),
                    // Whoever has taken over is at it, or done.
                    Worked::Lost => {}
                },
                Claim::Done(key) => {
                    if let Some(stored) = self.repeat(alert, &key, deadline).await? {
                        return Ok(Outcome::Repeated(stored));
                    }
                    // Either the insight expired between the two looks, and its claim will have in a second; or
                    // somebody deleted it.
                    if gone {
                        return Err(Failure::InsightGone);
                    }
                    gone = true;
                    self.clock.sleep(EXPIRY_STEP).await;
                }
                Claim::Busy(until) => {
                    if self.clock.now().plus(pause) > deadline {
                        return Err(Failure::Busy { until });
                    }
                    self.clock.sleep(pause).await;
                    pause = (pause * 2).min(BUSY_PAUSE_MAX);
                }
            }
        }
    }

    async fn claim(&self, alert: &Alert<'_>, owner: &str, deadline: Timestamp) -> Result<Claim, StoreError> {
        let request = || ClaimRequest {
            alert_key: alert.key(),
            owner: owner.to_owned(),
            insight_key: alert.insight_key(),
            lease_until: deadline.plus(LEASE_MARGIN),
            now: self.clock.now(),
        };
        retried(&self.clock, deadline, async || self.store.claim(&request()).await).await
    }

    async fn repeat(
        &self,
        alert: &Alert<'_>,
        key: &InsightKey,
        deadline: Timestamp,
    ) -> Result<Option<StoredInsight>, StoreError> {
        let seen = alert.timestamp();
        retried(&self.clock, deadline, || self.store.repeat(key, seen, self.clock.now())).await
    }

    /// Makes and stores the insight under the lease. A lease that ends without an insight is given back.
    async fn work(&self, alert: &Alert<'_>, lease: &Lease, deadline: Timestamp) -> Result<Worked, Failure> {
        let worked = self.judge_and_store(alert, lease, deadline).await;
        if !matches!(worked, Ok(Worked::Done(_))) {
            // If this fails too, the lease ends by itself.
            let _ = self.store.release(lease, self.clock.now()).await;
        }
        worked
    }

    async fn judge_and_store(
        &self,
        alert: &Alert<'_>,
        lease: &Lease,
        deadline: Timestamp,
    ) -> Result<Worked, Failure> {
        if lease.is_takeover() {
            let earlier = self.repeat(alert, &lease.insight_key, deadline).await?;
            if let Some(stored) = earlier {
                self.finish(lease, stored.expires_at, deadline).await;
                return Ok(Worked::Done(Outcome::Repeated(stored)));
            }
        }
        let Judged { result, attempts, alarms, degraded } = self.judge(alert, lease, deadline).await;
        self.raise(alarms);
        let judgement = match result {
            Ok(judgement) => judgement,
            Err(NoJudgement::Parked(refusal)) => return Ok(Worked::Parked(refusal)),
            Err(NoJudgement::Lost) => return Ok(Worked::Lost),
            Err(NoJudgement::NoModel(why)) => return Err(Failure::NoModel { why }),
            Err(NoJudgement::Store(error)) => return Err(error.into()),
        };
        let run = random_name(&self.clock);
        let making = Making { run, attempts, degraded, now: self.clock.now() };
        let insight = Insight::new(alert, &lease.insight_key, judgement, making);
        let todo = degraded.then_some(Todo::Upgrade);
        let put = retried(&self.clock, deadline, || self.store.put(&insight, todo, self.clock.now())).await?;
        let (stored, outcome): (_, fn(StoredInsight) -> Outcome) = match put {
            Put::Stored => (insight.to_stored(), Outcome::Stored),
            // A put whose answer was lost finds its own insight; so does a worker that slept through a takeover.
            Put::Existing(stored) if stored.run == insight.run => (stored, Outcome::Stored),
            Put::Existing(stored) => (stored, Outcome::Repeated),
        };
        self.finish(lease, stored.expires_at, deadline).await;
        Ok(Worked::Done(outcome(stored)))
    }

    fn raise(&self, alarms: Vec<Alarm>) {
        self.alarms.lock().unwrap_or_else(PoisonError::into_inner).extend(alarms);
    }

    /// Marks the claim as done. If that fails, the alert is stored all the same, and the next delivery of it heals the
    /// claim: it takes over and finds the insight.
    async fn finish(&self, lease: &Lease, expires_at: Option<Timestamp>, deadline: Timestamp) {
        if let Some(expires_at) = expires_at {
            let _ = retried(&self.clock, deadline, || self.store.finish(lease, expires_at)).await;
        }
    }
}

#[cfg(test)]
mod tests;
