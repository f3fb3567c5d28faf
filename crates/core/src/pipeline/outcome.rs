//! The outcome of one event, as every caller gets it, and what the work on it took.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::alert::Refusal;
use crate::chain::{Alarm, StopReason};
use crate::help::Help;
use crate::insight::{AttemptRecord, ReusedAnswer, StoredInsight};
use crate::notify::NotifyError;
use crate::outcome::OutcomeRow;
use crate::store::StoreError;
use crate::time::Timestamp;

/// The outcome of one event. What has none is handed back as a [`Failure`].
#[derive(Debug)]
pub enum Outcome {
    /// A new insight.
    Stored(StoredInsight),
    /// An insight that says the same already.
    Repeated(StoredInsight),
    /// The event cannot become an alert; it is parked.
    Parked(Refusal),
    /// The event is not an alert: it says what happened to an entity, and that is stored.
    Recorded(OutcomeRow),
}

/// Why an event is handed back: it was neither stored nor parked, and must be delivered again.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The store did not do what it was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another worker has the alert.
    #[error("another worker has this alert until {until}")]
    Busy {
        /// The end of its lease.
        until: Timestamp,
    },
    /// No model answered, and the chain has no scorecard.
    #[error("no model answered")]
    NoAnswer {
        /// Why the chain stopped.
        #[source]
        stop: StopReason,
    },
    /// The claim says that the insight exists, but it does not.
    #[error("the store says that this alert has an insight, but the insight is missing")]
    InsightGone,
}

impl Failure {
    /// A short stable name, for logs and callers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Busy { .. } => "busy",
            Self::NoAnswer { .. } => "no_model",
            Self::InsightGone => "insight_gone",
        }
    }
}

impl Help for Failure {
    fn help(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.help(),
            Self::Busy { .. } => Some("run the event again after that".into()),
            Self::NoAnswer { stop } => stop.help(),
            Self::InsightGone => {
                Some("the insight was deleted; Portend can make it again when the claim expires, 90 days after it was made".into())
            }
        }
    }
}

impl Outcome {
    /// `stored`, `repeated`, `parked` or `recorded`.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Stored(_) => "stored",
            Self::Repeated(_) => "repeated",
            Self::Parked(_) => "parked",
            Self::Recorded(_) => "recorded",
        }
    }

    /// The insight, if the event has one.
    pub fn insight(&self) -> Option<&StoredInsight> {
        match self {
            Self::Stored(insight) | Self::Repeated(insight) => Some(insight),
            Self::Parked(_) | Self::Recorded(_) => None,
        }
    }
}

impl Serialize for Outcome {
    /// `{"status", "alert_id", "insight"}`, `{"status", "reason", "message"}` or `{"status"}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Outcome", 3)?;
        object.serialize_field("status", self.status())?;
        match self {
            Self::Stored(insight) | Self::Repeated(insight) => {
                object.serialize_field("alert_id", insight.alert_id())?;
                object.serialize_field("insight", insight)?;
            }
            Self::Parked(refusal) => {
                object.serialize_field("reason", &refusal.reason().to_string())?;
                object.serialize_field("message", refusal.message())?;
            }
            Self::Recorded(_) => {}
        }
        object.end()
    }
}

/// What work on an event, or on a sweep, took and met, whatever its outcome. It is for logs, metrics and people.
#[derive(Debug, Default)]
pub struct Account {
    /// Every model call that was made.
    pub attempts: Vec<AttemptRecord>,
    /// Earlier answers that were used instead of a call.
    pub reused: Vec<ReusedAnswer>,
    /// What the operator must know: one alarm for each model that cannot work as it is configured. Neither a fail-over
    /// nor an open breaker hides it.
    pub alarms: Vec<Alarm>,
    /// Why insights were not published that should have been.
    pub notify_errors: Vec<NotifyError>,
}

impl Account {
    /// Adds another account to this one.
    pub fn add(&mut self, other: Self) {
        self.attempts.extend(other.attempts);
        self.reused.extend(other.reused);
        self.alarms.extend(other.alarms);
        self.notify_errors.extend(other.notify_errors);
    }
}
