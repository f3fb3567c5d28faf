//! Why a reply cannot be used.
//!
//! Takes: the first rule that the reply breaks.
//! Gives: a [`ReplyError`]: a stable reason code, and one sentence that the re-ask quotes to the model.
//! Never: quotes the reply; its text is untrusted, and the model that wrote it is sent it anyway.

use thiserror::Error;

use crate::limits::{
    EXPLANATION_CHARS_MAX, RECOMMENDATION_CHARS_MAX, RECOMMENDATIONS_MAX, RECOMMENDATIONS_MIN,
    REPLY_BYTES_MAX, REPLY_DEPTH_MAX,
};

/// Why a reply cannot be used. The model is at fault in each, and a second try may mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ReplyError {
    /// No object of the text is an answer: none has a `risk_score`.
    #[error(
        "the reply holds no answer: reply with exactly one JSON object with the keys risk_score, explanation and \
         recommendations"
    )]
    NoObject,
    /// The only answer is an object that cannot be parsed. Its code is that of no object at all.
    #[error("the JSON object cannot be read: {0}")]
    Malformed(SyntaxFault),
    /// An object, an array of objects or a reasoning block is not closed when the text ends.
    #[error(
        "the reply ends before everything that it opens is closed: reply with one short, complete JSON object"
    )]
    Truncated,
    /// Several answers that are not equal, or a list of several.
    #[error("the reply holds more than one answer: reply with exactly one JSON object")]
    Ambiguous,
    /// A required key is missing.
    #[error("the key {0} is missing: give it exactly this name, with {expected}", expected = .0.expected())]
    Missing(ReplyKey),
    /// A value is of the wrong kind.
    #[error("the value of {0} is of the wrong kind: give {expected}", expected = .0.expected())]
    Type(ReplyKey),
    /// The risk score lies outside the scale.
    #[error("risk_score lies outside the scale: give a number from 0 to 100")]
    Range,
    /// The risk score may be a fraction of 1.
    #[error("risk_score lies between 0 and 1, which may be a fraction: give it on the scale from 0 to 100")]
    Scale,
    /// Too few or too many recommendations.
    #[error(
        "recommendations has the wrong number of items: give at least {RECOMMENDATIONS_MIN} and at most \
         {RECOMMENDATIONS_MAX}"
    )]
    Count,
    /// Two recommendations are the same, so that there are fewer than it seems. Its code is that of the count.
    #[error("two recommendations are the same: give at least {RECOMMENDATIONS_MIN} that differ")]
    Repeated,
    /// A text without any visible character.
    #[error("{0} holds a blank text: give {expected}", expected = .0.expected())]
    Blank(ReplyKey),
    /// More bytes than a reply may have.
    #[error("the reply is longer than {REPLY_BYTES_MAX} bytes: reply with the JSON object alone")]
    TooLarge,
    /// A text with more characters than it may have. Its code is that of the whole reply.
    #[error("{0} holds too long a text: give {expected}", expected = .0.expected())]
    TooLong(ReplyKey),
    /// One key twice, with different values.
    #[error("one key of the JSON object occurs twice with different values: give each key once")]
    DuplicateKey,
}

/// A required key of the answer.
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

/// Why an object that is closed cannot be parsed. None of these is mended, since each mend would be a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SyntaxFault {
    /// Where a key belongs stands neither a string nor an identifier.
    #[error("a key is missing, or is not a string in double quotes")]
    Key,
    /// A key without its colon.
    #[error("a colon is missing after a key, or a double quote within the key is not escaped")]
    Colon,
    /// No comma between two members or items, most often because a string ended at an inner quote.
    #[error("a comma is missing after a value, or a double quote within a string is not escaped")]
    Comma,
    /// A word, a formula, an ellipsis, a number in a form that JSON does not have, or nothing.
    #[error("a value is missing, or is not a string, number, true, false, null, array or object")]
    Value,
    /// A backslash before a character that JSON does not escape.
    #[error("a string holds a backslash that JSON does not allow there")]
    Escape,
    /// A raw control character that is neither a line break nor a tab.
    #[error("a string holds a raw control character")]
    Control,
    /// A NUL, or one half of a surrogate pair, which no text can hold.
    #[error("a string holds a NUL character or half of a surrogate pair")]
    Character,
    /// More levels than a reply may have.
    #[error("it is nested more than {REPLY_DEPTH_MAX} levels deep")]
    Depth,
}

impl ReplyError {
    /// The stable name, for logs, metrics and the attempt's record.
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
            Self::TooLarge | Self::TooLong(_) => "too_large",
            Self::DuplicateKey => "duplicate_key",
        }
    }
}

impl ReplyKey {
    /// The key exactly as it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::RiskScore => "risk_score",
            Self::Explanation => "explanation",
            Self::Recommendations => "recommendations",
        }
    }

    /// What its value must be, for a sentence.
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
