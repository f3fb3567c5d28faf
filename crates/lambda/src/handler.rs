//! What one invocation is: an event, a batch of events side by side, or the sweep.
//!
//! Takes: the payload as received, and the invocation's deadline.
//! Gives: an [`Answer`], or a [`HandedBack`] with a stable name and a sentence.
//! Never: lets one record of a batch fail another, by a panic either; works past 1 s before the deadline.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt;
use futures_util::future::join_all;
use portend_core::alert::{Delivery, Record};
use portend_core::clock::Clock;
use portend_core::pipeline::{Account, Outcome, Pipeline, Swept};
use portend_core::time::Timestamp;
use portend_remote::{AnyModel, DynamoDb, EventBus, SystemClock};
use serde::Serialize;

use crate::config::Config;
use crate::log::{self, Line};
use crate::metrics::{Metrics, Status};

/// What is kept of the invocation's time, so that an answer is out before the function is cut off.
const END_MARGIN: Duration = Duration::from_secs(1);
/// How long another worker's lease is waited for; the queue delivers again.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(5);

/// The pipeline over what the settings name.
pub(crate) struct Handler {
    pipeline: Pipeline<DynamoDb, SystemClock, AnyModel, EventBus>,
    metrics: Metrics,
}

/// What an invocation is answered with.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    /// A direct event's outcome: stored, repeated or parked.
    Event(Box<Outcome>),
    /// The records of a batch that are handed back.
    Batch {
        /// Each by its message id.
        #[serde(rename = "batchItemFailures")]
        failures: Vec<ItemFailure>,
    },
    /// What a sweep did.
    Swept {
        /// `swept`.
        status: &'static str,
        /// How much.
        #[serde(flatten)]
        swept: Swept,
    },
}

/// A record that is handed back.
#[derive(Debug, Serialize)]
pub(crate) struct ItemFailure {
    #[serde(rename = "itemIdentifier")]
    item_identifier: String,
}

/// What could not be finished, and must be delivered again.
#[derive(Debug)]
pub(crate) struct HandedBack {
    /// A short stable name.
    pub(crate) code: &'static str,
    /// The sentence.
    pub(crate) message: String,
}

impl HandedBack {
    fn panicked() -> Self {
        let message =
            "the function panicked on this event; its log says where, and the event can be run again";
        Self { code: "panic", message: message.to_owned() }
    }

    fn late() -> Self {
        let message =
            "the time is up; give the function more of it, or see what is slow, and run the event again";
        Self { code: "deadline", message: message.to_owned() }
    }
}

/// The direct payload that starts the sweep.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    portend: String,
}

impl Handler {
    /// Builds the pipeline. Nothing is asked yet.
    pub(crate) async fn new(config: Config) -> Result<Self> {
        let parts = config.parts().await?;
        let scorecard = config.scorecard();
        let pipeline = Pipeline::new(config.types, parts.store, SystemClock)
            .with_models(parts.models, scorecard)
            .with_notifier(parts.bus)
            .waiting_at_most(BUSY_WAIT_MAX);
        Ok(Self { pipeline, metrics: Metrics::start()? })
    }

    /// Works on one invocation.
    pub(crate) async fn invoke(
        &self,
        payload: &[u8],
        request_id: &str,
        deadline: Timestamp,
    ) -> Result<Answer, HandedBack> {
        let command = serde_json::from_slice::<Command>(payload).ok();
        let answer = if command.is_some_and(|command| command.portend == "upgrade") {
            self.sweep(request_id, deadline).await
        } else {
            match Delivery::read(payload) {
                Delivery::One(event) => {
                    self.metrics.received(1);
                    self.one(event, request_id, deadline)
                        .await
                        .map(|outcome| Answer::Event(Box::new(outcome)))
                }
                Delivery::Batch(records) => {
                    self.metrics.received(records.len());
                    Ok(self.batch(records, request_id, deadline).await)
                }
            }
        };
        self.metrics.flush();
        answer
    }

    async fn batch(&self, records: Vec<Record>, request_id: &str, deadline: Timestamp) -> Answer {
        let work = records.iter().map(|record| self.one(&record.body, request_id, deadline));
        let outcomes = join_all(work).await;
        let failed = records.into_iter().zip(outcomes).filter(|(_, outcome)| outcome.is_err());
        let failures = failed.map(|(record, _)| ItemFailure { item_identifier: record.message_id });
        Answer::Batch { failures: failures.collect() }
    }

    /// Works on one event, and accounts for it.
    async fn one(&self, event: &[u8], request_id: &str, deadline: Timestamp) -> Result<Outcome, HandedBack> {
        let clock = self.pipeline.clock();
        let received = self.pipeline.receive(event);
        let mut account = Account::default();
        let work = self.pipeline.process(&received, deadline, &mut account);
        let ended = in_time(self.pipeline.clock(), deadline, work).await.and_then(|outcome| match outcome {
            Outcome::Failed(failure) => {
                Err(HandedBack { code: failure.code(), message: failure.to_string() })
            }
            outcome @ (Outcome::Stored(_) | Outcome::Repeated(_) | Outcome::Parked(_)) => Ok(outcome),
        });
        let ms = u64::try_from(clock.now().since(received.received_at()).as_millis()).unwrap_or(u64::MAX);
        let alert_type = received.alert().ok().map(|alert| alert.alert_type().id());
        let line = Line::new(request_id, alert_type, &account, ms);
        match &ended {
            Ok(outcome) => line.ended(outcome, outcome.reason().as_deref()).write(),
            Err(HandedBack { code, .. }) => line.handed_back(code).write(),
        }
        log::mends(request_id, &account);
        Metrics::took(&account);
        Metrics::ended(ended.as_ref().map_or(Status::HandedBack, status), ms);
        ended
    }

    async fn sweep(&self, request_id: &str, deadline: Timestamp) -> Result<Answer, HandedBack> {
        let mut account = Account::default();
        let work = self.pipeline.sweep(deadline.minus(END_MARGIN), &mut account);
        let swept = in_time(self.pipeline.clock(), deadline, work).await.and_then(|swept| {
            swept.map_err(|failure| HandedBack { code: failure.code(), message: failure.to_string() })
        });
        if let Ok(swept) = &swept {
            log::swept(request_id, swept, &account);
        }
        log::mends(request_id, &account);
        Metrics::took(&account);
        swept.map(|swept| Answer::Swept { status: "swept", swept })
    }
}

/// What the work gives, unless it panics or the time is up before.
async fn in_time<T>(
    clock: &impl Clock,
    deadline: Timestamp,
    work: impl Future<Output = T>,
) -> Result<T, HandedBack> {
    let time = deadline.minus(END_MARGIN).since(clock.now());
    // What a panic leaves half done is this event's alone: the claim's lease ends, and the next delivery takes over.
    match tokio::time::timeout(time, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(came)) => Ok(came),
        Ok(Err(_)) => Err(HandedBack::panicked()),
        Err(_) => Err(HandedBack::late()),
    }
}

fn status(outcome: &Outcome) -> Status {
    match outcome {
        Outcome::Stored(insight) => Status::Stored { degraded: insight.is_degraded() },
        Outcome::Repeated(_) => Status::Repeated,
        Outcome::Parked(_) => Status::Parked,
        Outcome::Failed(_) => Status::HandedBack,
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    /// Both end while the third still works.
    #[tokio::test]
    async fn a_panic_and_a_hang_are_their_own_events_alone() {
        let deadline = SystemClock.now().plus(END_MARGIN + Duration::from_millis(20));
        let one = async |number: u8| match number {
            0 => panic!("at the first"),
            1 => pending().await,
            _ => number,
        };
        let work = (0..3).map(|number| in_time(&SystemClock, deadline, one(number)));
        let ended: Vec<_> =
            join_all(work).await.into_iter().map(|ended| ended.map_err(|back| back.code)).collect();
        assert_eq!(ended, [Err("panic"), Err("deadline"), Ok(2)]);
    }
}
