//! Handles one invocation: an event, a batch of events at the same time, the sweep, or a look at the lives of the models.
//!
//! Never: lets one record of a batch make another fail, not even by a panic; or works in the last second before the
//! deadline.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use futures_util::FutureExt;
use futures_util::future::join_all;
use portend_core::alert::{Delivery, Record};
use portend_core::clock::{Clock, random_name};
use portend_core::help::explained;
use portend_core::limits::{MAPS_AGE_MAX, MAPS_WAIT_MAX};
use portend_core::model::Model;
use portend_core::outcome::OutcomeRow;
use portend_core::pipeline::{Account, Failure, Outcome, Pipeline, SweepReport, record_outcome};
use portend_core::store::{Outcomes, StoreError, keep_evaluations};
use portend_core::time::Timestamp;
use portend_remote::{AnyModel, DynamoDb, Notifiers, SentReport, SystemClock, end_of_life_notice};
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::Config;
use crate::log::{self, EventLine};
use crate::metrics::{EventStatus, Metrics};

/// The time before the deadline that is reserved for the response.
const END_MARGIN: Duration = Duration::from_secs(1);
/// The longest time that a blocked log delays a response.
const LOG_WAIT_MAX: Duration = Duration::from_millis(200);
/// How long an event waits for another worker's lease. After that, the queue delivers it again.
const BUSY_WAIT_MAX: Duration = Duration::from_secs(5);

/// The minimum time left to write the evaluation rows of one more day. The next sweep continues.
const EVALUATION_TIME_MIN: Duration = Duration::from_secs(5);

/// The pipeline with the store, bus and models of the settings.
pub(crate) struct Handler {
    pipeline: Pipeline<DynamoDb, SystemClock, AnyModel, Notifiers>,
    metrics: Metrics,
    /// When the maps of the store were last read.
    maps_read_at: Mutex<Option<Timestamp>>,
}

/// The response to an invocation.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum LambdaResponse {
    /// The outcome of a direct event: stored, repeated, parked or recorded.
    Event(Box<Outcome>),
    /// The outcomes of the records of an SNS event, or of the alerts of one payload.
    Several(Vec<Outcome>),
    /// The records of a batch that must be delivered again.
    Batch {
        /// The message ids of these records.
        #[serde(rename = "batchItemFailures")]
        failures: Vec<ItemFailure>,
    },
    /// The digest that was sent.
    Digest {
        /// Always `digested`.
        status: &'static str,
        /// The entities that have changed.
        changed: usize,
        /// The channels that received it. None does if nothing has changed.
        channels: usize,
    },
    /// The models whose lives end soon.
    Models {
        /// Always `looked`.
        status: &'static str,
        /// A sentence for each, by the model's name.
        notices: BTreeMap<String, String>,
    },
    /// The report of a sweep.
    Sweep {
        /// Always `swept`.
        status: &'static str,
        /// The counts of the sweep.
        #[serde(flatten)]
        report: SweepReport,
    },
}

/// A record that must be delivered again.
#[derive(Debug, Serialize)]
pub(crate) struct ItemFailure {
    #[serde(rename = "itemIdentifier")]
    item_identifier: String,
}

/// Why an event or a sweep is not finished. It must be delivered again.
#[derive(Debug)]
pub(crate) struct HandedBack {
    /// A short stable name.
    pub(crate) code: &'static str,
    /// What is wrong and how to fix it, as a sentence.
    pub(crate) message: String,
}

impl HandedBack {
    fn panicked() -> Self {
        let message = "the function panicked on this event; see its log, and run the event again";
        Self { code: "panic", message: message.to_owned() }
    }

    fn late() -> Self {
        let message = "the function's time was not enough; raise its timeout or find what is slow, and run the event again";
        Self { code: "deadline", message: message.to_owned() }
    }
}

/// Whether a direct payload requests this work: for the sweep, `{"portend": "upgrade"}` and nothing else.
fn requests(payload: &[u8], work: &str) -> bool {
    // A longer payload is an event, which is parsed later.
    const REQUEST_BYTES_MAX: usize = 100;
    let is_request =
        || serde_json::from_slice::<Value>(payload).is_ok_and(|value| value == json!({ "portend": work }));
    payload.len() <= REQUEST_BYTES_MAX && is_request()
}

impl Handler {
    /// Builds the pipeline. Calls nothing yet.
    pub(crate) async fn new(config: Config) -> Result<Self> {
        let parts = config.parts().await?;
        let (scorecard, holdout) = (config.scorecard(), config.holdout);
        let pipeline = Pipeline::new(config.types, parts.store, SystemClock)
            .with_models(parts.models, scorecard)
            .with_notifier(parts.notifiers)
            .holding_out(holdout)
            .waiting_at_most(BUSY_WAIT_MAX);
        Ok(Self { pipeline, metrics: Metrics::start()?, maps_read_at: Mutex::new(None) })
    }

    /// Reads the maps of the store, at most once in [`MAPS_AGE_MAX`]. Without an answer, the earlier ones are used.
    async fn refresh_maps(&self) {
        let now = self.pipeline.clock().now();
        {
            let mut read_at = self.maps_read_at.lock().unwrap_or_else(PoisonError::into_inner);
            if read_at.is_some_and(|at| now.since(at) < MAPS_AGE_MAX) {
                return;
            }
            // Also after a failure: a store that is down is not asked with every invocation.
            *read_at = Some(now);
        }
        if let Ok(Ok(maps)) = tokio::time::timeout(MAPS_WAIT_MAX, self.pipeline.store().maps(now)).await {
            self.pipeline.use_maps(maps);
        }
    }

    /// Handles one invocation.
    pub(crate) async fn invoke(
        &self,
        payload: &[u8],
        request_id: &str,
        deadline: Timestamp,
    ) -> Result<LambdaResponse, HandedBack> {
        // All work ends at this time. The rest is for the log and the response.
        let end = deadline.minus(END_MARGIN + LOG_WAIT_MAX);
        Box::pin(self.refresh_maps()).await;
        // These futures are large and rare, so they are boxed.
        let response = if requests(payload, "upgrade") {
            Box::pin(self.sweep(request_id, end)).await
        } else if requests(payload, "digest") {
            Box::pin(self.digest(request_id, end)).await
        } else if requests(payload, "doctor") {
            Ok(Box::pin(self.look_at_models(request_id, end)).await)
        } else {
            match Delivery::read(payload, self.pipeline.types()) {
                Delivery::One(event) => {
                    self.metrics.received(usize::from(!OutcomeRow::is_event(event)));
                    self.one(event, request_id, end)
                        .await
                        .map(|outcome| LambdaResponse::Event(Box::new(outcome)))
                }
                Delivery::Several(records) => {
                    self.metrics.received(alerts(&records));
                    self.several(records, request_id, end).await
                }
                Delivery::Batch(records) => {
                    self.metrics.received(alerts(&records));
                    Ok(self.batch(records, request_id, end).await)
                }
            }
        };
        self.metrics.flush();
        log::wait(LOG_WAIT_MAX);
        response
    }

    async fn batch(&self, records: Vec<Record>, request_id: &str, end: Timestamp) -> LambdaResponse {
        let outcomes = join_all(records.iter().map(|record| self.one(&record.body, request_id, end))).await;
        let failed = records.into_iter().zip(outcomes).filter(|(_, outcome)| outcome.is_err());
        let mut failures: Vec<_> = failed.map(|(record, _)| record.message_id).collect();
        // A record with several alerts fails once.
        failures.dedup();
        let failures = failures.into_iter().map(|item_identifier| ItemFailure { item_identifier });
        LambdaResponse::Batch { failures: failures.collect() }
    }

    /// Processes records that the transport delivers again together. If one fails, the invocation fails. The others are
    /// repeats the next time.
    async fn several(
        &self,
        records: Vec<Record>,
        request_id: &str,
        end: Timestamp,
    ) -> Result<LambdaResponse, HandedBack> {
        let outcomes = join_all(records.iter().map(|record| self.one(&record.body, request_id, end))).await;
        outcomes.into_iter().collect::<Result<_, _>>().map(LambdaResponse::Several)
    }

    /// Processes one event, logs its outcome and counts it.
    async fn one(&self, event: &[u8], request_id: &str, end: Timestamp) -> Result<Outcome, HandedBack> {
        if OutcomeRow::is_event(event) {
            return self.record(event, request_id, end).await;
        }
        let clock = self.pipeline.clock();
        let started = clock.now();
        let mut run = self.pipeline.run(end);
        let mut alert_type = None;
        let work = async {
            let received = self.pipeline.receive(event);
            alert_type = received.alert().ok().map(|alert| alert.alert_type().id().to_owned());
            run.process(&received).await
        };
        // It is large.
        let result = in_time(clock, end, Box::pin(work)).await;
        let account = run.into_account();
        let ms = millis_since(clock, started);
        let line = EventLine::new(request_id, alert_type.as_deref(), &account, ms);
        match &result {
            Ok(outcome) => line.outcome(outcome).write(),
            Err(HandedBack { code, .. }) => line.handed_back(code).write(),
        }
        log::alarms(request_id, &account);
        Metrics::took(&account);
        if let Some(status) = result.as_ref().map_or(Some(EventStatus::HandedBack), status) {
            Metrics::ended(status, ms);
        }
        result
    }

    /// Stores what happened to an entity. It is not an alert, so no metric of alerts counts it. A row that is refused is
    /// parked.
    async fn record(&self, event: &[u8], request_id: &str, end: Timestamp) -> Result<Outcome, HandedBack> {
        let (clock, store) = (self.pipeline.clock(), self.pipeline.store());
        let started = clock.now();
        let owner = random_name(clock);
        let result =
            in_time(clock, end, record_outcome(store, self.pipeline.types(), event, &owner, started)).await;
        let account = Account::default();
        let line = EventLine::new(request_id, None, &account, millis_since(clock, started));
        match &result {
            Ok(outcome) => line.outcome(outcome).write(),
            Err(HandedBack { code, .. }) => line.handed_back(code).write(),
        }
        result
    }

    /// Sends what changed since the last digest to the channels. A channel that failed is in the log.
    async fn digest(&self, request_id: &str, end: Timestamp) -> Result<LambdaResponse, HandedBack> {
        let clock = self.pipeline.clock();
        let started = clock.now();
        let Some(notifiers) = self.pipeline.notifier() else {
            let message = "there is no channel to send a digest to; set CHANNELS_SECRET".to_owned();
            return Err(HandedBack { code: "no_channel", message });
        };
        let work = notifiers.send_next_digest(self.pipeline.store(), self.pipeline.types(), started);
        let result = in_time(clock, end, work).await;
        let mut account = Account::default();
        let response = result.map(|SentReport { digest, channels, failures }| {
            let changed = digest.sections.iter().map(|section| section.lines.len()).sum();
            let channels = channels - failures.len().min(channels);
            account.notify_errors = failures;
            LambdaResponse::Digest { status: "digested", changed, channels }
        });
        log::alarms(request_id, &account);
        Metrics::took(&account);
        response
    }

    /// Asks when the lives of the models end, and logs and counts a warning for each that ends soon. No model is called.
    async fn look_at_models(&self, request_id: &str, end: Timestamp) -> LambdaResponse {
        let now = self.pipeline.clock().now();
        let mut notices = BTreeMap::new();
        for model in self.pipeline.models() {
            let time = end.since(self.pipeline.clock().now());
            let live = tokio::time::timeout(time, model.lifecycle()).await.ok().flatten();
            let table = Some(self.pipeline.store().table());
            let today = now.day().parse().ok();
            if let Some(notice) = today.and_then(|today| end_of_life_notice(model, live, today, table)) {
                log::end_of_life(request_id, &model.spec().name, &notice.says);
                Metrics::ends(notice.urgency);
                notices.insert(model.spec().name.clone(), notice.says);
            }
        }
        LambdaResponse::Models { status: "looked", notices }
    }

    async fn sweep(&self, request_id: &str, end: Timestamp) -> Result<LambdaResponse, HandedBack> {
        let clock = self.pipeline.clock();
        let started = clock.now();
        // The sweep starts every 15 minutes, so that one of them does this, once a day.
        if is_first_of_day(started) {
            self.look_at_models(request_id, end).await;
        }
        let mut run = self.pipeline.run(end);
        let result = in_time(clock, end, run.sweep(|_| ())).await;
        let account = run.into_account();
        if result.is_ok() {
            let (store, types) = (self.pipeline.store(), self.pipeline.types());
            let is_over = || clock.now().plus(EVALUATION_TIME_MIN) > end;
            let rows = keep_evaluations(store, types, started, is_over);
            if let Err(error) = in_time(clock, end, rows).await {
                log::evaluations(request_id, error.code);
            }
        }
        let line = EventLine::new(request_id, None, &account, millis_since(clock, started));
        match &result {
            Ok(report) => line.sweep(report, self.pipeline.store().unreadable()).write(),
            Err(HandedBack { code, .. }) => line.handed_back(code).write(),
        }
        log::alarms(request_id, &account);
        Metrics::took(&account);
        result.map(|report| LambdaResponse::Sweep { status: "swept", report })
    }
}

/// Whether this is the time of the first sweep of a day, in UTC.
fn is_first_of_day(at: Timestamp) -> bool {
    const SWEEP_INTERVAL: Duration = Duration::from_mins(15);
    at.since(at.day_start()) < SWEEP_INTERVAL
}

/// The number of records that do not say what happened.
fn alerts(records: &[Record]) -> usize {
    records.iter().filter(|record| !OutcomeRow::is_event(&record.body)).count()
}

impl From<StoreError> for HandedBack {
    fn from(error: StoreError) -> Self {
        Self { code: error.code(), message: explained(&error) }
    }
}

impl From<Failure> for HandedBack {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code(), message: explained(&failure) }
    }
}

/// Runs the work until `end`. A panic and a timeout are errors.
async fn in_time<T, E: Into<HandedBack>>(
    clock: &impl Clock,
    end: Timestamp,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, HandedBack> {
    let time = end.since(clock.now());
    // A panic leaves only this event unfinished: its lease ends, and the next delivery takes the claim over.
    match tokio::time::timeout(time, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(result)) => result.map_err(Into::into),
        Ok(Err(_)) => Err(HandedBack::panicked()),
        Err(_) => Err(HandedBack::late()),
    }
}

fn millis_since(clock: &impl Clock, started: Timestamp) -> u64 {
    u64::try_from(clock.now().since(started).as_millis()).unwrap_or(u64::MAX)
}

/// The status of an event in the metrics; `None` if none counts it.
fn status(outcome: &Outcome) -> Option<EventStatus> {
    match outcome {
        Outcome::Stored(insight) => Some(EventStatus::Stored { degraded: insight.is_degraded() }),
        Outcome::Repeated(_) => Some(EventStatus::Repeated),
        Outcome::Parked(_) => Some(EventStatus::Parked),
        Outcome::Recorded(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[test]
    fn only_the_exact_command_requests_a_sweep() {
        for (payload, expected) in [
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
            assert_eq!(requests(payload.as_bytes(), "upgrade"), expected, "{payload}");
        }
    }

    #[test]
    fn one_sweep_of_a_day_looks_at_the_models() {
        let midnight = Timestamp::parse("2026-11-27T00:00:00Z").unwrap();
        for second in [0, 1, 899] {
            let sweeps = (0..96).map(|sweep| midnight.plus(Duration::from_secs(sweep * 900 + second)));
            assert_eq!(sweeps.filter(|at| is_first_of_day(*at)).count(), 1, "{second}");
        }
    }

    /// The first panics, the second hangs, and the third succeeds.
    #[tokio::test]
    async fn a_panic_and_a_hang_do_not_affect_other_events() {
        let end = SystemClock.now().plus(Duration::from_millis(20));
        let one = async |number: u8| match number {
            0 => panic!("the first event panics"),
            1 => pending().await,
            _ => Ok::<_, Failure>(number),
        };
        let work = (0..3).map(|number| in_time(&SystemClock, end, one(number)));
        let results: Vec<_> =
            join_all(work).await.into_iter().map(|result| result.map_err(|error| error.code)).collect();
        assert_eq!(results, [Err("panic"), Err("deadline"), Ok(2)]);
    }
}
