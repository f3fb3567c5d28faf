//! Does what was left to do: tells what was not told, and asks the models again for what is degraded.
//!
//! Takes: the insights that are due, oldest first, and the deadline.
//! Gives: a [`Swept`]: how much was done, and whether the time sufficed.
//! Never: keeps a place. What is done is due no more, so the next sweep goes on where this one ended.

use std::future::ready;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use futures_util::stream;
use serde::Serialize;

use super::{Account, Failure, Pipeline, Upgraded};
use crate::clock::Clock;
use crate::limits::{ATTEMPT_TIME_MIN, EVENT_DEADLINE, STORE_RESERVE, SWEEP_AT_ONCE, SWEEP_PAGE, UNTOLD_MAX};
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

/// What came of one that was due.
enum Done {
    Told,
    Upgraded,
    Later,
    Never,
}

impl Swept {
    fn count(&mut self, done: &Done) {
        let counter = match done {
            Done::Told => &mut self.told,
            Done::Upgraded => &mut self.upgraded,
            Done::Later => &mut self.later,
            Done::Never => &mut self.never,
        };
        *counter += 1;
    }
}

impl<S: Store, C: Clock, M: Model, N: Notifier> Pipeline<S, C, M, N> {
    /// Does what is due, several at once, until nothing is left or the time is up.
    pub async fn sweep(&self, deadline: Timestamp, account: &mut Account) -> Result<Swept, Failure> {
        let mut swept = Swept::default();
        let mut after = None;
        loop {
            let page = self.store.due(self.clock.now(), after.as_ref(), SWEEP_PAGE).await?;
            after = page.last().map(Due::place);
            if after.is_none() {
                return Ok(Swept { complete: true, ..swept });
            }
            // What has begun is finished: a call may have been paid. Nothing more begins once the time is up, the store
            // fails or the bus is down.
            let is_over = AtomicBool::new(false);
            let goes_on = |_: &&Due| ready(!is_over.load(Ordering::Relaxed) && self.has_time(deadline));
            let mut work = stream::iter(&page)
                .take_while(goes_on)
                .map(|due| self.one(due, deadline))
                .buffer_unordered(SWEEP_AT_ONCE);
            let (mut looked_at, mut failure) = (0, None);
            while let Some((done, one)) = work.next().await {
                looked_at += 1;
                match done {
                    Ok(done) => swept.count(&done),
                    Err(error) => failure = failure.or(Some(error)),
                }
                account.add(one);
                if failure.is_some() || account.untold.len() >= UNTOLD_MAX {
                    is_over.store(true, Ordering::Relaxed);
                }
            }
            if let Some(failure) = failure {
                return Err(failure);
            }
            if looked_at < page.len() {
                return Ok(swept);
            }
        }
    }

    /// Whether one more call to a model could end, and its insight be stored.
    fn has_time(&self, deadline: Timestamp) -> bool {
        self.clock.now().plus(ATTEMPT_TIME_MIN + STORE_RESERVE) <= deadline
    }

    async fn one(&self, due: &Due, deadline: Timestamp) -> (Result<Done, Failure>, Account) {
        let mut account = Account::default();
        let deadline = deadline.min(self.clock.now().plus(EVENT_DEADLINE));
        let done = match due.todo {
            Todo::Tell => {
                let told = self.tell(&due.insight, &due.key, deadline, &mut account).await;
                Ok(if told { Done::Told } else { Done::Later })
            }
            Todo::Upgrade => self.upgrade(due, deadline, &mut account).await.map(|upgraded| match upgraded {
                Upgraded::Done(_) => Done::Upgraded,
                Upgraded::Later(_) => Done::Later,
                Upgraded::Never => Done::Never,
            }),
        };
        (done, account)
    }
}
