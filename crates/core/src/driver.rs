//! A fact that moves a risk score, and how.
//!
//! Takes: nothing; it is data that a judgement makes.
//! Gives: [`Driver`], as it stands in an insight.
//! Never: stands for a fact that the alert does not carry.

use serde::{Deserialize, Serialize};

use crate::alert_type::FactValue;

/// A fact that moves the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Driver {
    /// The fact's id.
    pub fact: String,
    /// The alert's value of it.
    pub value: FactValue,
    /// The direction in which it moves the score.
    pub effect: Effect,
    /// Why, in a sentence.
    pub because: String,
}

/// The direction in which a fact moves the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The risk is higher for it.
    Raises,
    /// The risk is lower for it.
    Lowers,
}
