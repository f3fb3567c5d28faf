//! The risk score: a number of JSON, or a string that is exactly one.
//!
//! Takes: the value that stands under `risk_score`.
//! Gives: a number from 0 to 100, or the rule that it breaks.
//! Never: clamps, scales, calculates, or takes a number out of a sentence.

use super::cursor::is_padding;
use super::parser::number;
use super::repair::{Repair, Repairs};
use super::unusable::{ReplyError, ReplyKey};
use super::value::ReplyValue;
use crate::limits::{RISK_SCORE_MAX, RISK_SCORE_MIN};
use crate::number::Number;

/// Reads the score.
pub(super) fn read(value: &ReplyValue, repairs: &mut Repairs) -> Result<Number, ReplyError> {
    let score = match value {
        ReplyValue::Number(number) => *number,
        ReplyValue::Text(text) => {
            repairs.note(Repair::NumberString);
            read_text(text).ok_or(ReplyError::Type(ReplyKey::RiskScore))?
        }
        ReplyValue::Null
        | ReplyValue::Bool(_)
        | ReplyValue::Unfit
        | ReplyValue::List(_)
        | ReplyValue::Object(_) => {
            return Err(ReplyError::Type(ReplyKey::RiskScore));
        }
    };
    if !(RISK_SCORE_MIN..=RISK_SCORE_MAX).contains(&score) {
        Err(ReplyError::Range)
    } else if score > 0.0 && score < 1.0 {
        Err(ReplyError::Scale)
    } else {
        // What is not finite is not in the range.
        Number::new(score).ok_or(ReplyError::Range)
    }
}

/// Reads digits, perhaps a point and digits, perhaps `%` or `/100`.
pub(super) fn read_text(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_padding);
    let text = text.strip_suffix('%').or_else(|| text.strip_suffix("/100")).unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(fraction)).then(|| number(text))
}

/// Whether a score says any number at all. One that does not is a template's: `"<0-100>"`, `"number"`.
pub(super) fn is_number_like(value: &ReplyValue) -> bool {
    match value {
        ReplyValue::Number(_) => true,
        ReplyValue::Text(text) => is_number_like_text(text),
        ReplyValue::Null
        | ReplyValue::Bool(_)
        | ReplyValue::Unfit
        | ReplyValue::List(_)
        | ReplyValue::Object(_) => false,
    }
}

/// See [`is_number_like`]. A text with digits says a number, unless they are only the ends of a scale, and not
/// one of them alone.
pub(super) fn is_number_like_text(text: &str) -> bool {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    read_text(text).is_some() || numbers.any(|digits| !matches!(digits, "0" | "1" | "100"))
}
