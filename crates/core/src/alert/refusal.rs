//! Why an event is parked.
//!
//! Takes: the rule that failed, and a sentence.
//! Gives: a [`Refusal`]: a stable reason code, and a sentence for people.
//! Never: is logged whole; the sentence may quote the event.

use std::fmt;

/// Why an event is parked: the code for machines, the sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Refusal {
    reason: Reason,
    message: String,
}

/// The rule that an event breaks. Its producer is at fault, but for the last two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// More bytes than an event may have.
    TooLarge,
    /// More levels than an event may have.
    TooDeep,
    /// Bytes that are not UTF-8.
    NotUtf8,
    /// Text that is not strict JSON.
    NotJson,
    /// One key twice in one object, with different values.
    DuplicateKey,
    /// JSON of none of the accepted shapes.
    NotAnEvent,
    /// An `alert_type` that no alert type has.
    UnknownAlertType,
    /// A `detail-type` or an `entity_type` that is not the alert type's.
    TypeMismatch,
    /// What stands at this path is missing.
    Missing(String),
    /// What stands at this path is not what its rule expects.
    Invalid(String),
    /// Every model call that one alert may cost has been made, and the chain has no scorecard.
    CallsSpent,
    /// A guardrail stopped the model, and the chain has no scorecard.
    Guardrail,
}

impl Refusal {
    /// A reason with its sentence.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// The rule that failed.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The sentence: the field by its JSON path, what was expected and what came.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Reason {
    /// The reason code, as `missing:$.detail.severity`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("too_large"),
            Self::TooDeep => f.write_str("too_deep"),
            Self::NotUtf8 => f.write_str("not_utf8"),
            Self::NotJson => f.write_str("not_json"),
            Self::DuplicateKey => f.write_str("duplicate_key"),
            Self::NotAnEvent => f.write_str("not_an_event"),
            Self::UnknownAlertType => f.write_str("unknown_alert_type"),
            Self::TypeMismatch => f.write_str("type_mismatch"),
            Self::Missing(path) => write!(f, "missing:{path}"),
            Self::Invalid(path) => write!(f, "invalid:{path}"),
            Self::CallsSpent => f.write_str("calls_spent"),
            Self::Guardrail => f.write_str("guardrail"),
        }
    }
}
