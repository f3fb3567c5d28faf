//! Reads a model's raw text as a [`Reply`], noting every liberty taken.
//!
//! Takes: text as received, up to [`REPLY_BYTES_MAX`](crate::limits::REPLY_BYTES_MAX), and the ids of the facts that a driver can name.
//! Gives: a reply and the [`Repair`]s it needed, or a [`ReplyError`] that says why there is none.
//! Never: looks at the alert, calls a model, or fills in a missing field.
//!
//! It is lenient about syntax where a repair loses nothing, and strict about values.
//!
//! ```text
//! text -> scan: drops reasoning, finds candidates -> parser -> answer: opens one wrapping -> fields -> Reply
//!                                                        \-> skim: where a malformed candidate ends
//! ```

mod answer;
mod cursor;
mod fields;
mod found;
mod parser;
mod reasoning;
mod repair;
mod scan;
mod score;
mod skim;
mod string;
mod unusable;
mod value;

pub use repair::Repair;
pub use unusable::{ReplyError, ReplyKey, SyntaxFault};

use serde::Serialize;

use crate::driver::Effect;
use crate::number::Number;

/// A checked reply. It is made by [`Reply::read`] alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    risk_score: Number,
    explanation: String,
    recommendations: Vec<String>,
    drivers: Vec<ReplyDriver>,
    repairs: Vec<Repair>,
}

/// A fact that, as the model says, moves the score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplyDriver {
    /// The id of one of the facts that [`Reply::read`] was given.
    pub fact: String,
    /// The direction in which it moves the score.
    pub effect: Effect,
    /// Why, in a sentence.
    pub because: String,
}

impl Reply {
    /// Reads what a model answered. A provider's several text blocks are joined by a newline before.
    pub fn read(text: &str, facts: &[&str]) -> Result<Self, ReplyError> {
        Self::read_counting(text, facts).0
    }

    /// The reply, and the bytes that the reading stepped over: a measure of its work that no machine changes.
    fn read_counting(text: &str, facts: &[&str]) -> (Result<Self, ReplyError>, usize) {
        let mut steps = 0;
        let reply = scan::read(text, facts, &mut steps).map(|(fields, repairs)| Self {
            risk_score: fields.risk_score,
            explanation: fields.explanation,
            recommendations: fields.recommendations,
            drivers: fields.drivers.unwrap_or_default(),
            repairs: repairs.list(),
        });
        (reply, steps)
    }

    /// From 0 to 100, and never strictly between 0 and 1.
    pub fn risk_score(&self) -> Number {
        self.risk_score
    }

    /// Why, in the model's words, without white space at its ends.
    pub fn explanation(&self) -> &str {
        &self.explanation
    }

    /// What to do: two or three different lines, without white space at their ends.
    pub fn recommendations(&self) -> &[String] {
        &self.recommendations
    }

    /// The facts that move the score, each at most once. Empty if the model named none, or wrongly.
    pub fn drivers(&self) -> &[ReplyDriver] {
        &self.drivers
    }

    /// Every liberty taken, sorted, each once. Empty for a reply that is nothing but its JSON object.
    pub fn repairs(&self) -> &[Repair] {
        &self.repairs
    }

    /// The answer as the JSON object that was asked for. Reading it gives this answer with no repair.
    pub fn to_json(&self) -> String {
        let wire = AnswerJson {
            risk_score: self.risk_score,
            explanation: &self.explanation,
            recommendations: &self.recommendations,
            drivers: &self.drivers,
        };
        // Text and finite numbers under fixed keys have no way to fail.
        serde_json::to_string(&wire).unwrap_or_default()
    }
}

/// The answer's JSON.
#[derive(Serialize)]
struct AnswerJson<'a> {
    risk_score: Number,
    explanation: &'a str,
    recommendations: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    drivers: &'a [ReplyDriver],
}

#[cfg(test)]
mod tests;
