//! What came of one event, as every caller gets it.
//!
//! Takes: the pipeline's result.
//! Gives: an [`Outcome`], whose JSON is the Lambda's answer and the command line's line.
//! Never: says stored of what is not.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::alert::Refusal;
use crate::insight::StoredInsight;
use crate::store::StoreError;
use crate::time::Timestamp;

/// What came of one event.
#[derive(Debug)]
pub enum Outcome {
    /// A new insight.
    Stored(StoredInsight),
    /// An insight that says it already.
    Repeated(StoredInsight),
    /// It cannot become an alert; it is kept.
    Parked(Refusal),
    /// It could be neither stored nor parked; it must be delivered again.
    Failed(Failure),
}

/// Why an event is handed back.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The store did not do what it was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Another worker was at the same alert until the deadline.
    #[error("another worker has this alert until {until}; run the event again after that")]
    Busy {
        /// The end of its lease.
        until: Timestamp,
    },
    /// No model answered, and the chain has no scorecard.
    #[error(
        "no model answered ({why}); mend what `portend doctor` names and run the event again, or put scorecard at the end of MODELS"
    )]
    NoModel {
        /// `all_failed` or `deadline`.
        why: &'static str,
    },
    /// The claim says that there is an insight, and there is none.
    #[error(
        "the store says that this alert has an insight, and has none; somebody deleted it, and it can be made again when its claim expires"
    )]
    InsightGone,
}

impl Failure {
    /// A short stable name, for logs and callers.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Busy { .. } => "busy",
            Self::NoModel { .. } => "no_model",
            Self::InsightGone => "insight_gone",
        }
    }
}

impl Outcome {
    /// `stored`, `repeated`, `parked` or `failed`.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Stored(_) => "stored",
            Self::Repeated(_) => "repeated",
            Self::Parked(_) => "parked",
            Self::Failed(_) => "failed",
        }
    }

    /// The reason code of an event that has no insight.
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Stored(_) | Self::Repeated(_) => None,
            Self::Parked(refusal) => Some(refusal.reason().to_string()),
            Self::Failed(failure) => Some(failure.code().to_owned()),
        }
    }

    /// The sentence for an event that has no insight.
    pub fn message(&self) -> Option<String> {
        match self {
            Self::Stored(_) | Self::Repeated(_) => None,
            Self::Parked(refusal) => Some(refusal.message().to_owned()),
            Self::Failed(failure) => Some(failure.to_string()),
        }
    }

    /// The insight, of an event that has one.
    pub fn insight(&self) -> Option<&StoredInsight> {
        match self {
            Self::Stored(insight) | Self::Repeated(insight) => Some(insight),
            Self::Parked(_) | Self::Failed(_) => None,
        }
    }
}

impl Serialize for Outcome {
    /// `{"status", "alert_id", "insight"}` or `{"status", "reason", "message"}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Outcome", 3)?;
        object.serialize_field("status", self.status())?;
        if let Some(insight) = self.insight() {
            object.serialize_field("alert_id", &insight.alert_id)?;
            object.serialize_field("insight", insight)?;
        } else {
            object.serialize_field("reason", &self.reason())?;
            object.serialize_field("message", &self.message())?;
        }
        object.end()
    }
}
