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
//!                                 └─ mine ─ judge ─ put if absent ─ finish ─ tell ▶ stored
//! ```
//!
//! A crash after the claim leaves a lease that ends; the next delivery takes over. One between put and finish leaves
//! an insight that the takeover finds.

mod account;
mod judge;
mod outcome;
mod retry;
mod upgrade;
mod sweep;

pub use account::Account;
pub use outcome::{Failure, Outcome};
pub use sweep::Swept;
pub use upgrade::Upgraded;

use std::time::Duration;

use crate::alert::{Alert, InsightKey, Refusal};
use crate::alert_type::AlertTypes;
use crate::chain::Health;
use crate::clock::{Clock, random_name};
use crate::insight::{Insight, Making, StoredInsight};
use crate::limits::{
    BUSY_PAUSE_MAX, BUSY_PAUSE_MIN, EXPIRY_STEP, LEASE_MARGIN, TELL_AGAIN_AFTER, TELL_TIME_MIN,
};
use crate::model::{Model, NoModel};
use crate::notify::{NoNotifier, Notifier};
use crate::store::{Claim, ClaimRequest, Due, Lease, Parked, Put, Repeat, Store, StoreError, Todo};
use crate::time::Timestamp;
use judge::{Judged, NoJudgement};
use retry::{kept_at, retried};

/// The alert types, the store and the clock that the steps work with; the models, and whoever is told.
#[derive(Debug)]
pub struct Pipeline<S, C, M = NoModel, N = NoNotifier> {
    types: AlertTypes,
    store: S,
    clock: C,
    models: Vec<M>,
    scorecard: bool,
    health: Health,
    notifier: Option<N>,
    busy_wait_max: Duration,
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
    /// A pipeline over these, in which the scorecard judges and nobody is told.
    pub fn new(types: AlertTypes, store: S, clock: C) -> Self {
        Self {
            types,
            store,
            clock,
            models: Vec::new(),
            scorecard: true,
            health: Health::default(),
            notifier: None,
            busy_wait_max: Duration::MAX,
        }
    }
}

impl<S, C, M, N> Pipeline<S, C, M, N> {
    /// The same with models, asked in this order. Without the scorecard behind them, an alert that no model answers
    /// gets no insight.
    pub fn with_models<O: Model>(self, models: Vec<O>, scorecard: bool) -> Pipeline<S, C, O, N> {
        let Self { types, store, clock, health, notifier, busy_wait_max, .. } = self;
        Pipeline { types, store, clock, models, scorecard, health, notifier, busy_wait_max }
    }

    /// The same with somebody who is told of each new and each upgraded insight.
    pub fn with_notifier<O: Notifier>(self, notifier: Option<O>) -> Pipeline<S, C, M, O> {
        let Self { types, store, clock, models, scorecard, health, busy_wait_max, .. } = self;
        Pipeline { types, store, clock, models, scorecard, health, notifier, busy_wait_max }
    }

    /// The same that waits at most so long for another worker's lease. Where events are delivered again, there is no
    /// need to wait until the deadline.
    #[must_use]
    pub fn waiting_at_most(self, busy_wait_max: Duration) -> Self {
        Self { busy_wait_max, ..self }
    }
}

impl<S: Store, C: Clock, M: Model, N: Notifier> Pipeline<S, C, M, N> {
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

    /// Reads an event. This takes no time and cannot fail: a refusal is an answer.
    pub fn receive<'a>(&'a self, event: &'a [u8]) -> Received<'a> {
        let received_at = self.clock.now();
        Received { event, received_at, alert: Alert::read(event, &self.types, received_at) }
    }

    /// Works on an event until it is stored, repeated, parked or failed, or `deadline` comes. What that takes is added
    /// to `account` as it happens.
    pub async fn process(
        &self,
        received: &Received<'_>,
        deadline: Timestamp,
        account: &mut Account,
    ) -> Outcome {
        match &received.alert {
            Err(refusal) => self.park(received, refusal, deadline).await,
            Ok(alert) => {
                self.explain(received, alert, deadline, account).await.unwrap_or_else(Outcome::Failed)
            }
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
        account: &mut Account,
    ) -> Result<Outcome, Failure> {
        let owner = random_name(&self.clock);
        let busy_until = deadline.min(self.clock.now().plus(self.busy_wait_max));
        let (mut pause, mut gone) = (BUSY_PAUSE_MIN, false);
        loop {
            match self.claim(alert, &owner, deadline).await? {
                Claim::Mine(lease) => match self.work(alert, &lease, deadline, account).await? {
                    Worked::Done(outcome) => return Ok(outcome),
                    Worked::Parked(refusal) => return Ok(self.park(received, &refusal, deadline).await),
                    // Whoever has taken over is at it, or done.
                    Worked::Lost => {}
                },
                Claim::Done(key) => {
                    if let Some(repeat) = self.repeat(alert, &key, deadline).await? {
                        self.tell_again(&repeat, &key, deadline, account).await;
                        return Ok(Outcome::Repeated(repeat.insight));
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
                    if self.clock.now().plus(pause) > busy_until {
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
    ) -> Result<Option<Repeat>, StoreError> {
        let seen = alert.timestamp();
        retried(&self.clock, deadline, || self.store.repeat(key, seen, self.clock.now())).await
    }

    /// Makes and stores the insight under the lease. A lease that ends without an insight is given back.
    async fn work(
        &self,
        alert: &Alert<'_>,
        lease: &Lease,
        deadline: Timestamp,
        account: &mut Account,
    ) -> Result<Worked, Failure> {
        let worked = self.judge_and_store(alert, lease, deadline, account).await;
        if !matches!(worked, Ok(Worked::Done(_))) {
            self.give_back(lease, self.clock.now(), deadline).await;
        }
        worked
    }

    async fn judge_and_store(
        &self,
        alert: &Alert<'_>,
        lease: &Lease,
        deadline: Timestamp,
        account: &mut Account,
    ) -> Result<Worked, Failure> {
        let key = &lease.insight_key;
        if lease.is_takeover()
            && let Some(repeat) = self.repeat(alert, key, deadline).await?
        {
            self.finish(lease, repeat.insight.expires_at, deadline).await;
            self.tell_again(&repeat, key, deadline, account).await;
            return Ok(Worked::Done(Outcome::Repeated(repeat.insight)));
        }
        let Judged { result, attempts, alarms, degraded } = self.judge(alert, lease, deadline).await;
        account.alarms.extend(alarms);
        account.attempts.extend_from_slice(&attempts);
        let judgement = match result {
            Ok(judgement) => judgement,
            Err(NoJudgement::Parked(refusal)) => return Ok(Worked::Parked(refusal)),
            Err(NoJudgement::Lost) => return Ok(Worked::Lost),
            Err(NoJudgement::NoModel(why)) => return Err(Failure::NoModel { why }),
            Err(NoJudgement::Store(error)) => return Err(error.into()),
        };
        let run = random_name(&self.clock);
        let making = Making { run, attempts, degraded, now: self.clock.now() };
        let insight = Insight::new(alert, key, judgement, making);
        let todo = self.todo(degraded);
        let put = kept_at(&self.clock, deadline, || self.store.put(&insight, todo, self.clock.now())).await?;
        let stored = match put {
            Put::Stored => insight.to_stored(),
            // A put whose answer was lost finds its own insight; a worker that slept through a takeover, another's.
            Put::Existing(stored) if stored.run == insight.run => stored,
            Put::Existing(stored) => {
                self.finish(lease, stored.expires_at, deadline).await;
                return Ok(Worked::Done(Outcome::Repeated(stored)));
            }
        };
        self.finish(lease, stored.expires_at, deadline).await;
        self.tell(&stored, key, deadline, account).await;
        Ok(Worked::Done(Outcome::Stored(stored)))
    }

    /// What is left to do with an insight when it is stored.
    fn todo(&self, degraded: bool) -> Option<Todo> {
        if self.notifier.is_some() { Some(Todo::Tell) } else { degraded.then_some(Todo::Upgrade) }
    }

    /// Tells of an insight, and notes that in the store. Whether it did; what it did not, a repeat or the sweep does.
    async fn tell(
        &self,
        insight: &StoredInsight,
        key: &InsightKey,
        deadline: Timestamp,
        account: &mut Account,
    ) -> bool {
        let Some(notifier) = &self.notifier else { return false };
        if self.clock.now().plus(TELL_TIME_MIN) > deadline {
            return false;
        }
        if let Err(error) = notifier.tell(insight).await {
            account.untold.push(error);
            return false;
        }
        let run = insight.run.as_deref().unwrap_or_default();
        self.clear_todo(key, run, Todo::Tell, deadline).await;
        true
    }

    /// Whether there is somebody to tell.
    pub fn tells(&self) -> bool {
        self.notifier.is_some()
    }

    /// Tells of an insight that is due to be told. Whether it did.
    pub async fn tell_due(&self, due: &Due, deadline: Timestamp, account: &mut Account) -> bool {
        self.tell(&due.insight, &due.key, deadline, account).await
    }

    /// Notes that this is no longer left to do. If that fails, it is done once more.
    async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo, deadline: Timestamp) {
        let _ = retried(&self.clock, deadline, || self.store.clear_todo(key, run, todo)).await;
    }

    /// Tells of what is stored and should have been told by now.
    async fn tell_again(
        &self,
        repeat: &Repeat,
        key: &InsightKey,
        deadline: Timestamp,
        account: &mut Account,
    ) {
        let Repeat { insight, todo } = repeat;
        if *todo == Some(Todo::Tell) && self.clock.now() > insight.timestamp.plus(TELL_AGAIN_AFTER) {
            self.tell(insight, key, deadline, account).await;
        }
    }

    /// Gives the lease back. If that fails too, it ends by itself.
    async fn give_back(&self, lease: &Lease, until: Timestamp, deadline: Timestamp) {
        let _ = kept_at(&self.clock, deadline, || self.store.release(lease, until)).await;
    }

    /// Marks the claim as done. If that fails, the alert is stored all the same, and the next delivery of it heals the
    /// claim: it takes over and finds the insight.
    async fn finish(&self, lease: &Lease, expires_at: Option<Timestamp>, deadline: Timestamp) {
        if let Some(expires_at) = expires_at {
            let _ = kept_at(&self.clock, deadline, || self.store.finish(lease, expires_at)).await;
        }
    }
}

#[cfg(test)]
mod tests;
