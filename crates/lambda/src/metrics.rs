//! The function's metrics, written to its log in the embedded metric format, which `CloudWatch` reads without an API
//! call.
//!
//! Never: uses an entity, an alert key or a text as a dimension.

use anyhow::{Context, Result};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use metrics_cloudwatch_embedded::{Builder, Collector};
use portend_core::insight::AttemptRecord;
use portend_core::pipeline::Account;

use crate::log;

/// The namespace of the metrics.
pub(crate) const NAMESPACE: &str = "Portend";
/// Every metric, for the test of the file that the stack's tests read.
#[cfg(test)]
pub(crate) const NAMES: [&str; 18] = [
    RECEIVED,
    STORED,
    REPEATED,
    PARKED,
    HANDED_BACK,
    DEGRADED,
    ATTEMPTS,
    CONFIGURATION_ALARMS,
    NOTIFY_FAILURES,
    LATENCY,
    INPUT_TOKENS,
    CACHED_TOKENS,
    OUTPUT_TOKENS,
    COST,
    UNUSABLE,
    REUSED_ANSWERS,
    SAVED,
    MODEL_END,
];

const RECEIVED: &str = "Received";
const STORED: &str = "Stored";
const REPEATED: &str = "Repeated";
const PARKED: &str = "Parked";
const HANDED_BACK: &str = "HandedBack";
const DEGRADED: &str = "Degraded";
const ATTEMPTS: &str = "Attempts";
const CONFIGURATION_ALARMS: &str = "ConfigurationAlarms";
const NOTIFY_FAILURES: &str = "NotifyFailures";
const LATENCY: &str = "LatencyMs";
const INPUT_TOKENS: &str = "InputTokens";
const CACHED_TOKENS: &str = "CachedTokens";
const OUTPUT_TOKENS: &str = "OutputTokens";
const COST: &str = "CostUsd";
/// 100 for each unusable reply and 0 for each usable one, so that its average is the unusable share in percent.
const UNUSABLE: &str = "UnusablePercent";
const REUSED_ANSWERS: &str = "ReusedAnswers";
const SAVED: &str = "SavedUsd";
/// How urgent the end of a model's life is: 1 from 90 days before it, 2 from 60, 3 from 30. Once a day, if it is near.
const MODEL_END: &str = "ModelEndUrgency";

/// The outcome of an event, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventStatus {
    /// A new insight.
    Stored {
        /// Whether a configured model failed.
        degraded: bool,
    },
    /// A repeat of an insight.
    Repeated,
    /// A parked event.
    Parked,
    /// An event that must be delivered again.
    HandedBack,
}

/// The counters of this process.
#[derive(Clone, Copy)]
pub(crate) struct Metrics(&'static Collector);

impl Metrics {
    /// Starts counting.
    pub(crate) fn start() -> Result<Self> {
        let collector = Builder::new().cloudwatch_namespace(NAMESPACE).init();
        let collector = collector.ok().context("the metrics of this process have been started already")?;
        for name in [RECEIVED, STORED, REPEATED, PARKED, HANDED_BACK, DEGRADED, ATTEMPTS] {
            describe_counter!(name, Unit::Count, "");
        }
        for name in [
            CONFIGURATION_ALARMS,
            NOTIFY_FAILURES,
            INPUT_TOKENS,
            CACHED_TOKENS,
            OUTPUT_TOKENS,
            REUSED_ANSWERS,
        ] {
            describe_counter!(name, Unit::Count, "");
        }
        describe_histogram!(LATENCY, Unit::Milliseconds, "");
        describe_histogram!(UNUSABLE, Unit::Percent, "");
        Ok(Self(collector))
    }

    /// Counts received events, and writes the count at once, so that events that are cut off later are counted too.
    pub(crate) fn received(self, events: usize) {
        counter!(RECEIVED).increment(events as u64);
        self.flush();
    }

    /// Counts the outcome of one event.
    pub(crate) fn ended(status: EventStatus, ms: u64) {
        let name = match status {
            EventStatus::Stored { .. } => STORED,
            EventStatus::Repeated => REPEATED,
            EventStatus::Parked => PARKED,
            EventStatus::HandedBack => HANDED_BACK,
        };
        counter!(name).increment(1);
        if status == (EventStatus::Stored { degraded: true }) {
            counter!(DEGRADED).increment(1);
        }
        #[expect(clippy::cast_precision_loss, reason = "no invocation lasts for 2^53 ms")]
        histogram!(LATENCY).record(ms as f64);
    }

    /// Counts the attempts, reused answers, alarms and failed notifications of a run.
    pub(crate) fn took(account: &Account) {
        for attempt in &account.attempts {
            let AttemptRecord {
                model, outcome, input_tokens, cached_tokens, output_tokens, cost_usd, ..
            } = attempt;
            counter!(ATTEMPTS, "Model" => model.clone(), "Class" => outcome.clone()).increment(1);
            counter!(INPUT_TOKENS).increment(input_tokens.unwrap_or(0));
            counter!(CACHED_TOKENS).increment(cached_tokens.unwrap_or(0));
            counter!(OUTPUT_TOKENS).increment(output_tokens.unwrap_or(0));
            if let Some(is_usable) = attempt.is_usable {
                histogram!(UNUSABLE, "Model" => model.clone()).record(if is_usable { 0.0 } else { 100.0 });
            }
            if let Some(cost) = cost_usd {
                histogram!(COST).record(cost.get());
            }
        }
        counter!(REUSED_ANSWERS).increment(account.reused.len() as u64);
        for cost in account.reused.iter().filter_map(|reused| reused.cost_usd) {
            histogram!(SAVED).record(cost.get());
        }
        for alarm in &account.alarms {
            counter!(CONFIGURATION_ALARMS).increment(1);
            counter!(CONFIGURATION_ALARMS, "Model" => alarm.model.clone()).increment(1);
        }
        counter!(NOTIFY_FAILURES).increment(account.notify_errors.len() as u64);
    }

    /// Records that a model's life ends soon.
    pub(crate) fn ends(urgency: u8) {
        histogram!(MODEL_END).record(f64::from(urgency));
    }

    /// Writes the counts since the last flush. If the log cannot be written, counts are lost, but no event.
    pub(crate) fn flush(self) {
        let mut lines = Vec::new();
        if self.0.flush(&mut lines).is_ok() {
            log::lines(lines);
        }
    }
}
