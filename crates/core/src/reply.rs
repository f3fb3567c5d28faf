//! Reads a model's raw text as a [`Reply`], and records every repair.
//!
//! It is lenient about syntax where a repair loses nothing, and strict about values.
//!
//! Never: looks at the alert, calls a model, or fills in a missing field.
//!
//! ```text
//! text ─▶ scan ─▶ candidate ─▶ json ─▶ fields ─▶ Reply
//!           │         └─▶ malformed: skipped to its end
//!           └─▶ tags: reasoning is dropped
//! ```

mod error;
mod repair;
mod cursor;
mod json;
mod vocabulary;
mod fields;
mod candidate;
mod tags;
mod scan;

pub use error::{ReplyError, ReplyKey, SyntaxFault};
pub use repair::Repair;
pub use vocabulary::ReplyVocabulary;

use serde::Serialize;

use crate::driver::Effect;
use crate::number::Number;

/// A checked reply. Only [`Reply::read`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    risk_score: Number,
    explanation: String,
    recommendations: Vec<String>,
    drivers: Vec<ReplyDriver>,
    repairs: Vec<Repair>,
}

/// A fact that moves the score, according to the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplyDriver {
    /// The id of a fact.
    pub fact: String,
    /// The direction in which it moves the score.
    pub effect: Effect,
    /// Why, in a sentence.
    pub because: String,
}

impl Reply {
    /// Reads a model's text of at most [`REPLY_BYTES_MAX`](crate::limits::REPLY_BYTES_MAX). The provider has already
    /// joined several text blocks by a newline.
    ///
    /// ```
    /// use portend_core::reply::{Repair, Reply, ReplyVocabulary};
    ///
    /// let vocabulary = ReplyVocabulary::new(&["health_score"], &[]);
    /// let text = r#"Here: {"risk_score": "72%", "explanation": "Low health.", "recommendations": ["Call.", "Review."]}"#;
    /// let reply = Reply::read(text, &vocabulary)?;
    /// assert_eq!(reply.risk_score().get(), 72.0);
    /// assert_eq!(reply.repairs(), [Repair::Prose, Repair::NumberString]);
    /// # Ok::<(), portend_core::reply::ReplyError>(())
    /// ```
    pub fn read(text: &str, vocabulary: &ReplyVocabulary) -> Result<Self, ReplyError> {
        Self::read_counting(text, vocabulary).0
    }

    /// The reply, and the number of bytes that the reader stepped over. It measures the work in the same way on every
    /// machine.
    fn read_counting(text: &str, vocabulary: &ReplyVocabulary) -> (Result<Self, ReplyError>, usize) {
        let mut steps = 0;
        let reply = scan::read(text, vocabulary, &mut steps).map(|(fields, repairs)| Self {
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

    /// The same reply with the median of several answers' scores.
    #[must_use]
    pub(crate) fn with_median_score(self, risk_score: Number) -> Self {
        Self { risk_score, ..self }
    }

    /// Why, in the model's words, trimmed.
    pub fn explanation(&self) -> &str {
        &self.explanation
    }

    /// What to do: two or three different lines, trimmed.
    pub fn recommendations(&self) -> &[String] {
        &self.recommendations
    }

    /// The facts that move the score, each at most once. Empty if the model named none, or if its list is malformed.
    pub fn drivers(&self) -> &[ReplyDriver] {
        &self.drivers
    }

    /// Every repair, sorted, each once. Empty for a reply that is nothing but its JSON object.
    pub fn repairs(&self) -> &[Repair] {
        &self.repairs
    }

    /// The answer as the JSON object that the prompt asks for. [`Reply::read`] accepts it without a repair.
    pub fn to_json(&self) -> String {
        let answer = AnswerJson {
            risk_score: self.risk_score,
            explanation: &self.explanation,
            recommendations: &self.recommendations,
            drivers: &self.drivers,
        };
        // Text and finite numbers under fixed keys always serialise.
        serde_json::to_string(&answer).unwrap_or_default()
    }
}

/// The JSON of an answer.
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
