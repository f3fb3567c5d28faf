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
use portend_core::pipeline::{Account, Failure, Outcome, Pipeline, Swept};
use portend_core::time::Timestamp;
use portend_remote::{AnyModel, DynamoDb, EventBus, SystemClock};
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::Config;
use crate::log::{self, Line};
use crate::metrics::{Metrics, Status};

/// What is kept of the invocation's time, so that an answer is out before the function is cut off.
const END_MARGIN: Duration = Duration::from_secs(1);
/// How long a log that is not read keeps an answer back.
const LOG_WAIT_MAX: Duration = Duration::from_millis(200);
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

/// Whether a direct payload is the order to sweep: `{"portend": "upgrade"}` and nothing else.
fn orders_a_sweep(payload: &[u8]) -> bool {
    // Anything longer is no order, and is not read twice.
    const ORDER_BYTES_MAX: usize = 100;
    let order = || {
        serde_json::from_slice::<Value>(payload).is_ok_and(|order| order == json!({ "portend": "upgrade" }))
    };
    payload.len() <= ORDER_BYTES_MAX && order()
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
        // Whatever is done, is done by then; the rest of the time is for the log and the answer.
        let end = deadline.minus(END_MARGIN + LOG_WAIT_MAX);
        let answer = if orders_a_sweep(payload) {
            self.sweep(request_id, end).await
        } else {
            match Delivery::read(payload) {
                Delivery::One(event) => {
                    self.metrics.received(1);
                    self.one(event, request_id, end).await.map(|outcome| Answer::Event(Box::new(outcome)))
                }
                Delivery::Batch(records) => {
                    self.metrics.received(records.len());
                    Ok(self.batch(records, request_id, end).await)
                }
            }
        };
        self.metrics.flush();
        log::wait(LOG_WAIT_MAX);
        answer
    }

    async fn batch(&self, records: Vec<Record>, request_id: &str, end: Timestamp) -> Answer {
        let work = records.iter().map(|record| self.one(&record.body, request_id, end));
        let outcomes = join_all(work).await;
        let failed = records.into_iter().zip(outcomes).filter(|(_, outcome)| outcome.is_err());
        let failures = failed.map(|(record, _)| ItemFailure { item_identifier: record.message_id });
        Answer::Batch { failures: failures.collect() }
    }

    /// Works on one event, and accounts for it.
    async fn one(&self, event: &[u8], request_id: &str, end: Timestamp) -> Result<Outcome, HandedBack> {
        let clock = self.pipeline.clock();
        let begun = clock.now();
        let (mut account, mut alert_type) = (Account::default(), None);
        let work = async {
            let received = self.pipeline.receive(event);
            alert_type = received.alert().ok().map(|alert| alert.alert_type().id().to_owned());
            self.pipeline.process(&received, end, &mut account).await
        };
        let ended = in_time(clock, end, work).await.and_then(|outcome| match outcome {
            Outcome::Failed(failure) => Err(failure.into()),
            outcome @ (Outcome::Stored(_) | Outcome::Repeated(_) | Outcome::Parked(_)) => Ok(outcome),
        });
        let ms = millis_since(clock, begun);
        let line = Line::new(request_id, alert_type.as_deref(), &account, ms);
        match &ended {
            Ok(outcome) => line.ended(outcome, outcome.reason().as_deref()).write(),
            Err(HandedBack { code, .. }) => line.handed_back(code).write(),
        }
        log::mends(request_id, &account);
        Metrics::took(&account);
        Metrics::ended(ended.as_ref().map_or(Status::HandedBack, status), ms);
        ended
    }

    async fn sweep(&self, request_id: &str, end: Timestamp) -> Result<Answer, HandedBack> {
        let clock = self.pipeline.clock();
        let begun = clock.now();
        let mut account = Account::default();
        let work = self.pipeline.sweep(end, &mut account);
        let swept = in_time(clock, end, work).await.and_then(|swept| swept.map_err(HandedBack::from));
        let line = Line::new(request_id, None, &account, millis_since(clock, begun));
        match &swept {
            Ok(swept) => line.swept(swept, self.pipeline.store().unreadable()).write(),
            Err(HandedBack { code, .. }) => line.handed_back(code).write(),
        }
        log::mends(request_id, &account);
        Metrics::took(&account);
        swept.map(|swept| Answer::Swept { status: "swept", swept })
    }
}

impl From<Failure> for HandedBack {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code(), message: failure.to_string() }
    }
}

/// What the work gives, unless it panics or the time is up before.
async fn in_time<T>(
    clock: &impl Clock,
    end: Timestamp,
    work: impl Future<Output = T>,
) -> Result<T, HandedBack> {
    let time = end.since(clock.now());
    // What a panic leaves half done is this event's alone: the claim's lease ends, and the next delivery takes over.
    match tokio::time::timeout(time, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(came)) => Ok(came),
        Ok(Err(_)) => Err(HandedBack::panicked()),
        Err(_) => Err(HandedBack::late()),
    }
}

fn millis_since(clock: &impl Clock, begun: Timestamp) -> u64 {
    u64::try_from(clock.now().since(begun).as_millis()).unwrap_or(u64::MAX)
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

    #[test]
    fn only_the_order_itself_orders_a_sweep() {
        for (payload, orders) in [
            (r#"{"portend":"upgrade"}"#, true),
            (" { \"portend\" : \"upgrade\" }\n", true),
            (r#"["upgrade"]"#, false),
            (r#"[{"portend":"upgrade"}]"#, false),
            (r#"{"portend":"upgrade","x":1}"#, false),
            (r#"{"portend":["upgrade"]}"#, false),
            (r#"{"portend":"Upgrade"}"#, false),
            ("upgrade", false),
            ("", false),
        ] {
            assert_eq!(orders_a_sweep(payload.as_bytes()), orders, "{payload}");
        }
    }

    /// Both end while the third still works.
    #[tokio::test]
    async fn a_panic_and_a_hang_are_their_own_events_alone() {
        let end = SystemClock.now().plus(Duration::from_millis(20));
        let one = async |number: u8| match number {
            0 => panic!("at the first"),
            1 => pending().await,
            _ => number,
        };
        let work = (0..3).map(|number| in_time(&SystemClock, end, one(number)));
        let ended: Vec<_> =
            join_all(work).await.into_iter().map(|ended| ended.map_err(|back| back.code)).collect();
        assert_eq!(ended, [Err("panic"), Err("deadline"), Ok(2)]);
    }
}
