//! Why a reply is rejected: a stable code, and one sentence that the re-ask quotes to the model.
//!
//! Never: quotes the reply. Its text is untrusted, and the re-ask sends it to the model anyway.

use thiserror::Error;

use crate::limits::{
    EXPLANATION_CHARS_MAX, RECOMMENDATION_CHARS_MAX, RECOMMENDATIONS_MAX, RECOMMENDATIONS_MIN,
    REPLY_BYTES_MAX, REPLY_DEPTH_MAX, SENTENCE_REPEATS_MAX,
};

/// Why a reply is rejected. The model is at fault in each case, and a second reply may be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReplyError {
    /// The text has no object with a `risk_score`.
    #[error(
        "the reply holds no answer: reply with exactly one JSON object with the keys risk_score, explanation and \
         recommendations"
    )]
    NoObject,
    /// The only answer is an object that is not valid JSON. Its code is the same as without any object.
    #[error("the JSON object cannot be read: {0}")]
    Malformed(SyntaxFault),
    /// An object, an array of objects or a reasoning block is not closed when the text ends.
    #[error(
        "the reply ends before everything that it opens is closed: reply with one short, complete JSON object"
    )]
    Truncated,
    /// The text has several answers that are not equal, or an array of several.
    #[error("the reply holds more than one answer: reply with exactly one JSON object")]
    Ambiguous,
    /// A required key is missing.
    #[error("the key {0} is missing: write exactly this key, with {expected}", expected = .0.expected())]
    Missing(ReplyKey),
    /// A value has the wrong type.
    #[error("the value of {0} has the wrong type: write {expected}", expected = .0.expected())]
    Type(ReplyKey),
    /// The risk score is below 0 or above 100.
    #[error("risk_score is outside the scale: write a number from 0 to 100")]
    Range,
    /// The risk score is between 0 and 1, so it may be a fraction.
    #[error("risk_score is between 0 and 1, which may be a fraction: write it on the scale from 0 to 100")]
    Scale,
    /// There are too few or too many recommendations.
    #[error(
        "recommendations has the wrong number of items: write at least {RECOMMENDATIONS_MIN} and at most \
         {RECOMMENDATIONS_MAX}"
    )]
    Count,
    /// Two recommendations are equal. The code is the count's, because there are fewer than it seems.
    #[error("two recommendations are the same: write at least {RECOMMENDATIONS_MIN} that differ")]
    Repeated,
    /// A text has no letter of any script.
    #[error("{0} has a text without a letter: write {expected}, in words", expected = .0.expected())]
    Blank(ReplyKey),
    /// A text is only a name of the alert type, a key of the answer, or a placeholder of the prompt.
    #[error(
        "{0} has a text that is only a name or a placeholder of the prompt: write {expected}, in whole sentences",
        expected = .0.expected()
    )]
    Placeholder(ReplyKey),
    /// The explanation says one sentence more than [`SENTENCE_REPEATS_MAX`] times.
    #[error("explanation says one sentence more than {SENTENCE_REPEATS_MAX} times: write each sentence once")]
    Repetitive,
    /// The reply has too many bytes.
    #[error("the reply is longer than {REPLY_BYTES_MAX} bytes: reply with the JSON object alone")]
    TooLarge,
    /// A text has too many characters. The code is the same as for a whole reply.
    #[error("{0} has a text that is too long: write {expected}", expected = .0.expected())]
    TooLong(ReplyKey),
    /// A key occurs twice with different values.
    #[error("one key of the JSON object occurs twice with different values: write each key once")]
    DuplicateKey,
}

/// A required key of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReplyKey {
    /// `risk_score`.
    #[error("risk_score")]
    RiskScore,
    /// `explanation`.
    #[error("explanation")]
    Explanation,
    /// `recommendations`.
    #[error("recommendations")]
    Recommendations,
}

/// Why a closed object is not valid JSON. The reader repairs none of these, because each repair would be a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SyntaxFault {
    /// Expected a key, got neither a string nor an identifier.
    #[error("a key is missing, or is not a string in double quotes")]
    Key,
    /// A key without its colon.
    #[error("a colon is missing after a key, or a double quote within the key is not escaped")]
    Colon,
    /// Two members or items without a comma, most often because a string ended at an inner quote.
    #[error("a comma is missing after a value, or a double quote within a string is not escaped")]
    Comma,
    /// Expected a value, got a word, a formula, an ellipsis, a number in a form that JSON does not have, or nothing.
    #[error("a value is missing, or is not a string, number, true, false, null, array or object")]
    Value,
    /// A backslash before a character that JSON does not escape.
    #[error("a string has a backslash that JSON does not allow there")]
    Escape,
    /// A raw control character other than a line break or a tab.
    #[error("a string has a raw control character")]
    Control,
    /// A NUL or half of a surrogate pair, which is not valid text.
    #[error("a string has a NUL character or half of a surrogate pair")]
    Character,
    /// Too many levels of braces and brackets.
    #[error("it is nested more than {REPLY_DEPTH_MAX} levels deep")]
    Depth,
}

impl ReplyError {
    /// The stable code for logs, metrics and the attempt's record.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoObject | Self::Malformed(_) => "no_object",
            Self::Truncated => "truncated",
            Self::Ambiguous => "ambiguous",
            Self::Missing(ReplyKey::RiskScore) => "missing:risk_score",
            Self::Missing(ReplyKey::Explanation) => "missing:explanation",
            Self::Missing(ReplyKey::Recommendations) => "missing:recommendations",
            Self::Type(ReplyKey::RiskScore) => "type:risk_score",
            Self::Type(ReplyKey::Explanation) => "type:explanation",
            Self::Type(ReplyKey::Recommendations) => "type:recommendations",
            Self::Range => "range",
            Self::Scale => "scale",
            Self::Count | Self::Repeated => "count",
            Self::Blank(ReplyKey::RiskScore) => "blank:risk_score",
            Self::Blank(ReplyKey::Explanation) => "blank:explanation",
            Self::Blank(ReplyKey::Recommendations) => "blank:recommendations",
            Self::Placeholder(ReplyKey::RiskScore) => "placeholder:risk_score",
            Self::Placeholder(ReplyKey::Explanation) => "placeholder:explanation",
            Self::Placeholder(ReplyKey::Recommendations) => "placeholder:recommendations",
            Self::Repetitive => "repetitive",
            Self::TooLarge | Self::TooLong(_) => "too_large",
            Self::DuplicateKey => "duplicate_key",
        }
    }
}

impl ReplyKey {
    /// The key as the prompt writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::RiskScore => "risk_score",
            Self::Explanation => "explanation",
            Self::Recommendations => "recommendations",
        }
    }

    /// What its value must be, as part of a sentence.
    fn expected(self) -> String {
        match self {
            Self::RiskScore => "one number from 0 to 100, as digits without words".into(),
            Self::Explanation => format!("one string of at most {EXPLANATION_CHARS_MAX} characters"),
            Self::Recommendations => format!(
                "an array of {RECOMMENDATIONS_MIN} or {RECOMMENDATIONS_MAX} strings of at most \
                 {RECOMMENDATION_CHARS_MAX} characters each"
            ),
        }
    }
}
