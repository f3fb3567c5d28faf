//! The values of an answer, each checked by its own rule.
//!
//! Never: truncates a text, drops an item, clamps or scales the score, or takes a value out of a sentence.

use std::collections::HashMap;

use super::ReplyDriver;
use super::cursor::is_padding;
use super::error::{ReplyError, ReplyKey, SyntaxFault};
use super::json::{ReplyObject, ReplyValue, key_letters, parse_number};
use super::repair::{Repair, Repairs};
use super::vocabulary::ReplyVocabulary;
use crate::driver::Effect;
use crate::limits::{
    BECAUSE_CHARS_MAX, EXPLANATION_CHARS_MAX, RECOMMENDATION_CHARS_MAX, RECOMMENDATIONS_MAX,
    RECOMMENDATIONS_MIN, RISK_SCORE_MAX, RISK_SCORE_MIN, SENTENCE_REPEATS_MAX,
};
use crate::number::Number;

/// The checked values of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AnswerFields {
    pub(super) risk_score: Number,
    pub(super) explanation: String,
    pub(super) recommendations: Vec<String>,
    /// `None` if they are missing or ignored.
    pub(super) drivers: Option<Vec<ReplyDriver>>,
}

const KEYS: [&str; 4] = ["risk_score", "explanation", "recommendations", "drivers"];

impl AnswerFields {
    /// Checks an answer's values. Returns the first rule that one of them breaks.
    pub(super) fn read(
        object: &ReplyObject,
        has_invalid_text: bool,
        vocabulary: &ReplyVocabulary,
        repairs: &mut Repairs,
    ) -> Result<Self, ReplyError> {
        if has_duplicate_key(object) {
            return Err(ReplyError::DuplicateKey);
        }
        let value = |key: ReplyKey| object.get(key.name()).ok_or(ReplyError::Missing(key));
        let fields = Self {
            risk_score: read_score(value(ReplyKey::RiskScore)?, repairs)?,
            explanation: read_explanation(value(ReplyKey::Explanation)?, vocabulary)?,
            recommendations: read_recommendations(value(ReplyKey::Recommendations)?, vocabulary)?,
            drivers: object.get("drivers").and_then(|value| {
                let drivers = read_drivers(value, vocabulary, repairs);
                if drivers.is_none() {
                    repairs.record(Repair::DriversIgnored);
                }
                drivers
            }),
        };
        if has_invalid_text {
            return Err(ReplyError::Malformed(SyntaxFault::Character));
        }
        record_key_forms(object, &KEYS, repairs);
        Ok(fields)
    }

    /// Whether two answers have the same three values. Drivers do not count.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.risk_score == other.risk_score
            && self.explanation == other.explanation
            && self.recommendations == other.recommendations
    }
}

/// Records a repair if a key is one of `names` in another form.
pub(super) fn record_key_forms(object: &ReplyObject, names: &[&str], repairs: &mut Repairs) {
    for member in &object.0 {
        if !names.contains(&member.key.as_str())
            && names.iter().any(|name| key_letters(name).eq(key_letters(&member.key)))
        {
            repairs.record(Repair::KeyForm);
        }
    }
}

/// Whether a score has a number in it. One that has none is a template's: `"<0-100>"`, `"number"`.
pub(super) fn is_number_like(score: &ReplyValue) -> bool {
    match score {
        ReplyValue::Number(_) => true,
        ReplyValue::Text(text) => is_number_like_text(text),
        ReplyValue::Null
        | ReplyValue::Bool(_)
        | ReplyValue::InvalidText
        | ReplyValue::List(_)
        | ReplyValue::Object(_) => false,
    }
}

/// Whether a text has a number in it. The ends of a scale do not count, unless one of them is the whole text.
pub(super) fn is_number_like_text(score: &str) -> bool {
    let mut numbers = score.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    parse_score(score).is_some() || numbers.any(|digits| !matches!(digits, "0" | "1" | "100"))
}

/// The value of a score's text: digits, an optional point with digits, and an optional `%` or `/100`.
pub(super) fn parse_score(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_padding);
    let text = text.strip_suffix('%').or_else(|| text.strip_suffix("/100")).unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(fraction)).then(|| parse_number(text))
}

/// The score: a JSON number, or a string that is exactly one.
fn read_score(value: &ReplyValue, repairs: &mut Repairs) -> Result<Number, ReplyError> {
    let score = match value {
        ReplyValue::Number(number) => *number,
        ReplyValue::Text(text) => {
            repairs.record(Repair::NumberString);
            parse_score(text).ok_or(ReplyError::Type(ReplyKey::RiskScore))?
        }
        ReplyValue::Null
        | ReplyValue::Bool(_)
        | ReplyValue::InvalidText
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
        // An infinity is outside the range.
        Number::new(score).ok_or(ReplyError::Range)
    }
}

fn read_text(
    value: &ReplyValue,
    key: ReplyKey,
    chars_max: usize,
    vocabulary: &ReplyVocabulary,
) -> Result<String, ReplyError> {
    let ReplyValue::Text(text) = value else {
        return Err(ReplyError::Type(key));
    };
    let text = text.trim_matches(is_padding);
    if !text.contains(char::is_alphabetic) {
        Err(ReplyError::Blank(key))
    } else if text.chars().count() > chars_max {
        Err(ReplyError::TooLong(key))
    } else if vocabulary.is_placeholder(text) {
        Err(ReplyError::Placeholder(key))
    } else {
        Ok(text.to_owned())
    }
}

fn read_explanation(value: &ReplyValue, vocabulary: &ReplyVocabulary) -> Result<String, ReplyError> {
    let text = read_text(value, ReplyKey::Explanation, EXPLANATION_CHARS_MAX, vocabulary)?;
    if is_repetitive(&text) { Err(ReplyError::Repetitive) } else { Ok(text) }
}

/// Whether a text says one sentence more than [`SENTENCE_REPEATS_MAX`] times. Case, punctuation and white space do not
/// count.
fn is_repetitive(text: &str) -> bool {
    let sentences = sentences(text);
    if sentences.len() <= SENTENCE_REPEATS_MAX {
        return false;
    }
    let mut repeats: HashMap<String, usize> = HashMap::with_capacity(sentences.len());
    sentences.into_iter().any(|sentence| {
        let letters = sentence.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let count = repeats.entry(letters).or_default();
        *count += 1;
        *count > SENTENCE_REPEATS_MAX
    })
}

/// The sentences of a text. A single word is not a sentence, because an abbreviation ends with a full stop as well. In a
/// script without spaces it is one.
fn sentences(text: &str) -> Vec<&str> {
    const WITHOUT_SPACES_FROM: char = '\u{2E80}';
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let ends = match c {
            '\n' | '。' | '！' | '？' | '।' | '؟' => true,
            '.' | '!' | '?' | '…' => !next.is_some_and(char::is_alphanumeric),
            _ => next.is_none(),
        };
        if ends {
            let end = at + c.len_utf8();
            sentences.extend(text.get(start..end));
            start = end;
        }
    }
    sentences.retain(|sentence| {
        let words = sentence.split_whitespace().filter(|word| word.contains(char::is_alphanumeric));
        words.count() > 1 || sentence.contains(|c| c >= WITHOUT_SPACES_FROM && char::is_alphabetic(c))
    });
    sentences
}

fn read_recommendations(value: &ReplyValue, vocabulary: &ReplyVocabulary) -> Result<Vec<String>, ReplyError> {
    let key = ReplyKey::Recommendations;
    let ReplyValue::List(items) = value else {
        return Err(ReplyError::Type(key));
    };
    if items.iter().any(|item| !matches!(item, ReplyValue::Text(_))) {
        return Err(ReplyError::Type(key));
    }
    if !(RECOMMENDATIONS_MIN..=RECOMMENDATIONS_MAX).contains(&items.len()) {
        return Err(ReplyError::Count);
    }
    let mut lines: Vec<String> = Vec::with_capacity(items.len());
    for item in items {
        let line = read_text(item, key, RECOMMENDATION_CHARS_MAX, vocabulary)?;
        if lines.contains(&line) {
            return Err(ReplyError::Repeated);
        }
        lines.push(line);
    }
    Ok(lines)
}

/// The drivers. `None` if one of them is malformed, because the others could say the opposite of the whole list.
fn read_drivers(
    value: &ReplyValue,
    vocabulary: &ReplyVocabulary,
    repairs: &mut Repairs,
) -> Option<Vec<ReplyDriver>> {
    let ReplyValue::List(items) = value else { return None };
    // Each fact is at most one driver, so a longer list is malformed whatever its items are.
    if items.len() > vocabulary.facts().len() {
        return None;
    }
    let mut drivers: Vec<ReplyDriver> = Vec::with_capacity(items.len());
    let mut driver_repairs = Repairs::default();
    for item in items {
        let driver = read_driver(item, vocabulary, &mut driver_repairs)?;
        if drivers.iter().any(|each| each.fact == driver.fact) {
            return None;
        }
        drivers.push(driver);
    }
    repairs.merge(driver_repairs);
    Some(drivers)
}

fn read_driver(
    value: &ReplyValue,
    vocabulary: &ReplyVocabulary,
    repairs: &mut Repairs,
) -> Option<ReplyDriver> {
    let ReplyValue::Object(object) = value else { return None };
    if has_duplicate_key(object) {
        return None;
    }
    let get = |key: &str| match object.get(key) {
        Some(ReplyValue::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let fact = get("fact").filter(|fact| vocabulary.facts().iter().any(|each| each == fact))?;
    let effect = match get("effect")? {
        "raises" => Effect::Raises,
        "lowers" => Effect::Lowers,
        _ => return None,
    };
    // The key only names the error, which is dropped here.
    let because =
        read_text(object.get("because")?, ReplyKey::Explanation, BECAUSE_CHARS_MAX, vocabulary).ok()?;
    record_key_forms(object, &["fact", "effect", "because"], repairs);
    Some(ReplyDriver { fact: fact.to_owned(), effect, because })
}

/// Whether a key occurs twice with different values.
pub(super) fn has_duplicate_key(object: &ReplyObject) -> bool {
    let mut values: HashMap<String, &ReplyValue> = HashMap::with_capacity(object.0.len());
    object.0.iter().any(|member| {
        let first = *values.entry(key_letters(&member.key).collect()).or_insert(&member.value);
        *first != member.value
    })
}
