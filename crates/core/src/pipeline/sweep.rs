//! Does what was left to do: tells what was not told, and asks the models again for what is degraded.
//!
//! Takes: the insights that are due, oldest first, and the deadline.
//! Gives: a [`Swept`]: how much was done, and whether the time sufficed.
//! Never: keeps a place. What is done, or given up, is due no more, so the next sweep goes on where this one ended.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use futures_util::stream;
use serde::Serialize;

use super::retry::retried;
use super::{Account, Failure, Pipeline, Upgraded};
use crate::clock::Clock;
use crate::limits::{
    ATTEMPT_TIME_MIN, EVENT_DEADLINE, STORE_RESERVE, SWEEP_AT_ONCE, SWEEP_PAGE, TELL_TIME_MIN, UNTOLD_MAX,
};
use crate::model::Model;
use crate::notify::Notifier;
use crate::store::{Due, Store, Todo};
use crate::time::Timestamp;

/// What a sweep did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Insights that were told.
    pub told: u64,
    /// Insights that a model has replaced.
    pub upgraded: u64,
    /// Insights that are still to be told or upgraded, by a later sweep.
    pub later: u64,
    /// Degraded insights that stay as they are.
    pub never: u64,
    /// Whether everything that is due was looked at.
    pub complete: bool,
}

impl Swept {
    fn add(&mut self, other: Self) {
        self.told += other.told;
        self.upgraded += other.upgraded;
        self.later += other.later;
        self.never += other.never;
    }
}

impl<S: Store, C: Clock, M: Model, N: Notifier> Pipeline<S, C, M, N> {
    /// Does what is due, several at once, until nothing is left or the time is up. What has begun is finished: a call may
    /// have been paid. Nothing more begins once the store fails or the bus is down.
    pub async fn sweep(&self, deadline: Timestamp, account: &mut Account) -> Result<Swept, Failure> {
        let mut swept = Swept { complete: true, ..Swept::default() };
        let mut after = None;
        while swept.complete {
            let now = self.clock.now();
            let look = || self.store.due(now, after.as_ref(), SWEEP_PAGE);
            let page = retried(&self.clock, deadline, look).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.place());
            let is_over = AtomicBool::new(false);
            let mut work = stream::iter(&page)
                .map(|due| self.one(due, deadline, &is_over))
                .buffer_unordered(SWEEP_AT_ONCE);
            let mut failure = None;
            while let Some((done, one)) = work.next().await {
                account.add(one);
                match done {
                    Ok(Some(done)) => swept.add(done),
                    Ok(None) => swept.complete = false,
                    Err(error) => failure = failure.or(Some(error)),
                }
                if failure.is_some() || account.untold.len() >= UNTOLD_MAX {
                    is_over.store(true, Ordering::Relaxed);
                    swept.complete = false;
                }
            }
            if let Some(failure) = failure {
                return Err(failure);
            }
        }
        Ok(swept)
    }

    /// Does what is due of one insight; `None` if there is no time for it.
    async fn one(
        &self,
        due: &Due,
        deadline: Timestamp,
        is_over: &AtomicBool,
    ) -> (Result<Option<Swept>, Failure>, Account) {
        let mut account = Account::default();
        if is_over.load(Ordering::Relaxed) || !self.has_time(due.todo, deadline) {
            return (Ok(None), account);
        }
        let deadline = deadline.min(self.clock.now().plus(EVENT_DEADLINE));
        let done = self.what_is_due(due, deadline, &mut account).await;
        (done.map(Some), account)
    }

    async fn what_is_due(
        &self,
        due: &Due,
        deadline: Timestamp,
        account: &mut Account,
    ) -> Result<Swept, Failure> {
        let mut swept = Swept::default();
        if due.todo == Todo::Tell {
            if self.notifier.is_none() {
                // There is nobody to tell any more.
                let run = due.insight.run.as_deref().unwrap_or_default();
                self.clear_todo(&due.key, run, Todo::Tell, deadline).await;
            } else if self.tell(&due.insight, &due.key, deadline, account).await {
                swept.told += 1;
            } else {
                swept.later += 1;
                return Ok(swept);
            }
            if !due.insight.is_degraded() {
                return Ok(swept);
            }
        }
        if !self.has_time(Todo::Upgrade, deadline) {
            swept.later += 1;
            return Ok(swept);
        }
        match self.upgrade(due, deadline, account).await? {
            Upgraded::Done(_) => swept.upgraded += 1,
            Upgraded::Later(_) => swept.later += 1,
            Upgraded::Never => swept.never += 1,
        }
        Ok(swept)
    }

    /// Whether there is time to tell; or for one more call to a model, and to store what comes of it.
    fn has_time(&self, todo: Todo, deadline: Timestamp) -> bool {
        let time = match todo {
            Todo::Tell => TELL_TIME_MIN,
            Todo::Upgrade => ATTEMPT_TIME_MIN + STORE_RESERVE,
        };
        self.clock.now().plus(time) <= deadline
    }
}
