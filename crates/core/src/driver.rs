//! A driver: a fact that raises or lowers a risk score, and why.
//!
//! Never: about a fact that the alert does not have.

use serde::{Deserialize, Serialize};

use crate::alert_type::FactValue;

/// A fact that raises or lowers the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Driver {
    /// The fact's id.
    pub fact: String,
    /// The fact's value in the alert.
    pub value: FactValue,
    /// Whether the fact raises or lowers the score.
    pub effect: Effect,
    /// The reason, in a sentence.
    pub because: String,
}

/// Whether a fact raises or lowers the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The fact makes the risk higher.
    Raises,
    /// The fact makes the risk lower.
    Lowers,
}
