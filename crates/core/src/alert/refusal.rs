//! Why an event is refused: a stable reason code, and a sentence for people.
//!
//! Never: reaches a log as a whole, because the sentence may quote the event.

use std::fmt;

/// Why an event is refused, and parked: a code for machines and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Refusal {
    reason: Reason,
    message: String,
}

/// The rule that an event breaks. The producer is at fault, except for [`CallsSpent`](Self::CallsSpent),
/// [`Guardrail`](Self::Guardrail) and [`Forgotten`](Self::Forgotten).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The event has too many bytes.
    TooLarge,
    /// The event has too many levels of `{` and `[`.
    TooDeep,
    /// The event is not UTF-8.
    NotUtf8,
    /// The event is not strict JSON.
    NotJson,
    /// A key is defined twice in one object, with different values.
    DuplicateKey,
    /// The JSON has none of the accepted shapes.
    NotAnEvent,
    /// The `alert_type` is not the id of a known alert type.
    UnknownAlertType,
    /// The `detail-type` or the `entity_type` is not the alert type's.
    TypeMismatch,
    /// The field at this JSON path is missing.
    Missing(String),
    /// The field at this JSON path does not have an expected value.
    Invalid(String),
    /// All model calls that one alert may use are spent, and the chain has no scorecard.
    CallsSpent,
    /// A guardrail blocked the model, and the chain has no scorecard.
    Guardrail,
    /// The entity was forgotten on request after the alert's time.
    Forgotten,
}

impl Refusal {
    /// Makes a refusal from a reason and a sentence.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// The rule that failed.
    pub fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The sentence: the JSON path of the field, the expected value and the received one.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Reason {
    /// Writes the reason code, such as `missing:$.detail.severity`.
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
            Self::Forgotten => f.write_str("forgotten"),
        }
    }
}
