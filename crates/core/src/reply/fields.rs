//! The values of an answer, each checked by its own rule.
//!
//! Takes: the one object that is an answer, and the ids of the facts that a driver can name.
//! Gives: [`AnswerFields`], or the first rule that a value breaks.
//! Never: cuts a text, drops an item, or takes a value from elsewhere.

use std::collections::HashMap;

use super::cursor::is_padding;
use super::repair::{Repair, Repairs};
use super::unusable::{ReplyError, ReplyKey, SyntaxFault};
use super::value::{ReplyObject, ReplyValue, letters};
use super::{ReplyDriver, score};
use crate::driver::Effect;
use crate::limits::{
    BECAUSE_CHARS_MAX, EXPLANATION_CHARS_MAX, RECOMMENDATION_CHARS_MAX, RECOMMENDATIONS_MAX,
    RECOMMENDATIONS_MIN,
};
use crate::number::Number;

/// The checked values of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AnswerFields {
    pub(super) risk_score: Number,
    pub(super) explanation: String,
    pub(super) recommendations: Vec<String>,
    /// `None` if they are absent or ignored.
    pub(super) drivers: Option<Vec<ReplyDriver>>,
}

const KEYS: [&str; 4] = ["risk_score", "explanation", "recommendations", "drivers"];

impl AnswerFields {
    /// Reads an answer's values. `unfit` says that some string of it can be no text.
    pub(super) fn read(
        object: &ReplyObject,
        unfit: bool,
        facts: &[&str],
        repairs: &mut Repairs,
    ) -> Result<Self, ReplyError> {
        if has_clash(object) {
            return Err(ReplyError::DuplicateKey);
        }
        let value = |key: ReplyKey| object.get(key.name()).ok_or(ReplyError::Missing(key));
        let fields = Self {
            risk_score: score::read(value(ReplyKey::RiskScore)?, repairs)?,
            explanation: text(value(ReplyKey::Explanation)?, ReplyKey::Explanation, EXPLANATION_CHARS_MAX)?,
            recommendations: recommendations(value(ReplyKey::Recommendations)?)?,
            drivers: object.get("drivers").and_then(|value| {
                let drivers = drivers(value, facts, repairs);
                if drivers.is_none() {
                    repairs.note(Repair::DriversIgnored);
                }
                drivers
            }),
        };
        if unfit {
            return Err(ReplyError::Malformed(SyntaxFault::Character));
        }
        note_key_forms(object, &KEYS, repairs);
        Ok(fields)
    }

    /// Whether two answers say the same. Drivers are not of the three values that an answer is.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.risk_score == other.risk_score
            && self.explanation == other.explanation
            && self.recommendations == other.recommendations
    }
}

/// Notes each key that is one of `names`, but not written so.
pub(super) fn note_key_forms(object: &ReplyObject, names: &[&str], repairs: &mut Repairs) {
    for member in &object.0 {
        if !names.contains(&member.key.as_str())
            && names.iter().any(|name| letters(name).eq(letters(&member.key)))
        {
            repairs.note(Repair::KeyForm);
        }
    }
}

/// Whether one key stands for different values.
fn has_clash(object: &ReplyObject) -> bool {
    let mut values: HashMap<String, &ReplyValue> = HashMap::with_capacity(object.0.len());
    object.0.iter().any(|member| {
        let first = *values.entry(letters(&member.key).collect()).or_insert(&member.value);
        *first != member.value
    })
}

fn text(value: &ReplyValue, key: ReplyKey, chars_max: usize) -> Result<String, ReplyError> {
    let ReplyValue::Text(text) = value else {
        return Err(ReplyError::Type(key));
    };
    let text = text.trim_matches(is_padding);
    if text.chars().all(|c| is_padding(c) || c.is_control()) {
        Err(ReplyError::Blank(key))
    } else if text.chars().count() > chars_max {
        Err(ReplyError::TooLong(key))
    } else {
        Ok(text.to_owned())
    }
}

fn recommendations(value: &ReplyValue) -> Result<Vec<String>, ReplyError> {
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
        let line = text(item, key, RECOMMENDATION_CHARS_MAX)?;
        if lines.contains(&line) {
            return Err(ReplyError::Repeated);
        }
        lines.push(line);
    }
    Ok(lines)
}

/// The drivers, or `None` if any of them is malformed: a part of the list could say the opposite of the whole.
fn drivers(value: &ReplyValue, facts: &[&str], repairs: &mut Repairs) -> Option<Vec<ReplyDriver>> {
    let ReplyValue::List(items) = value else { return None };
    // Each fact drives once, so a longer list is malformed without being read.
    if items.len() > facts.len() {
        return None;
    }
    let mut found: Vec<ReplyDriver> = Vec::with_capacity(items.len());
    let mut noted = Repairs::default();
    for item in items {
        let driver = driver(item, facts, &mut noted)?;
        if found.iter().any(|each| each.fact == driver.fact) {
            return None;
        }
        found.push(driver);
    }
    repairs.merge(noted);
    Some(found)
}

fn driver(value: &ReplyValue, facts: &[&str], repairs: &mut Repairs) -> Option<ReplyDriver> {
    let ReplyValue::Object(object) = value else { return None };
    if has_clash(object) {
        return None;
    }
    let get = |key: &str| match object.get(key) {
        Some(ReplyValue::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let fact = get("fact").filter(|fact| facts.contains(fact))?;
    let effect = match get("effect")? {
        "raises" => Effect::Raises,
        "lowers" => Effect::Lowers,
        _ => return None,
    };
    // Any key serves here, since what is refused is only ignored.
    let because = text(object.get("because")?, ReplyKey::Explanation, BECAUSE_CHARS_MAX).ok()?;
    note_key_forms(object, &["fact", "effect", "because"], repairs);
    Some(ReplyDriver { fact: fact.to_owned(), effect, because })
}
