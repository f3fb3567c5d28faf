//! Replaces the references in a reply's text, such as `{health_score}`, by the values that they name.
//!
//! A reference is bound to its fact. If another unit follows it, the text is rejected, because the number would be right
//! and the sentence wrong.

use std::ops::Range;

use thiserror::Error;

use super::claim::{self, ClaimForm, NumberClaim};
use super::digits::same;
use super::subject::ClaimSubject;
use super::vocabulary::{ClaimUnit, Vocabulary};
use crate::alert::Facts;
use crate::alert_type::{AlertType, FactValue};
use crate::limits::{RISK_SCORE_MAX, RISK_SCORE_MIN};
use crate::number::Number;
use crate::prompt::SCORE_REFERENCE;

/// Why a reference cannot be replaced. The model is at fault, and a second reply may be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReferenceError {
    /// The alert has no fact of this name.
    #[error(
        "{{{0}}} is a reference to an unknown fact: write the id of a fact or risk_score between the braces"
    )]
    Unknown(String),
    /// The unit after a reference is not that of its fact.
    #[error("{{{reference}}} reads \"{reads}\", but {unit:?} follows it: write no unit after a reference")]
    OtherUnit {
        /// What is between the braces.
        reference: String,
        /// What the reference reads.
        reads: String,
        /// What follows it.
        unit: String,
    },
}

impl ReferenceError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown_reference",
            Self::OtherUnit { .. } => "misbound_reference",
        }
    }
}

/// A text whose references are replaced.
#[derive(Debug, PartialEq)]
pub(super) struct RenderedText {
    pub(super) text: String,
    /// The byte range of each value that replaced a reference, with its subject. `None` for an enum.
    pub(super) values: Vec<(Range<usize>, Option<ClaimSubject>)>,
}

/// What the references of one reply read.
#[derive(Debug)]
pub(super) struct ReferenceValues(Vec<ReferenceValue>);

#[derive(Debug)]
struct ReferenceValue {
    name: String,
    /// The value without its unit.
    bare: String,
    /// The value with its unit.
    short: String,
    subject: Option<ClaimSubject>,
    /// The units that may follow the reference. They replace its own.
    units: Vec<ClaimUnit>,
    /// The end of the range, in `65 out of 100`.
    end: Option<f64>,
    /// Whether the value counts something, so that `times` can follow it.
    is_count: bool,
}

/// The longest name of a reference that is quoted, in characters.
const NAME_CHARS_MAX: usize = 64;
/// The most bytes after a reference in which its unit is searched.
const UNIT_BYTES_MAX: usize = 120;

impl ReferenceValues {
    pub(super) fn new(alert_type: &AlertType, facts: &Facts, risk_score: Number) -> Self {
        let score = risk_score.to_string();
        let mut values = vec![ReferenceValue {
            name: SCORE_REFERENCE.to_owned(),
            bare: score.clone(),
            short: score,
            subject: Some(ClaimSubject::Risk),
            units: vec![ClaimUnit::point(), ClaimUnit::percent()],
            end: Some(RISK_SCORE_MAX),
            is_count: false,
        }];
        for (index, fact) in alert_type.facts().iter().enumerate() {
            let Some(value) = facts.get(fact.id()) else { continue };
            let mut units = Vec::new();
            if let Some(range) = fact.range() {
                units.push(ClaimUnit::new(&range.unit));
                if (range.min.get(), range.max.get()) == (RISK_SCORE_MIN, RISK_SCORE_MAX) {
                    units.push(ClaimUnit::percent());
                }
            }
            values.push(ReferenceValue {
                name: fact.id().to_owned(),
                bare: value.to_words(),
                short: fact.short(value),
                subject: matches!(value, FactValue::Number(_)).then_some(ClaimSubject::Fact(index)),
                units,
                end: fact.range().map(|range| range.max.get()),
                is_count: matches!(fact.kind(), crate::alert_type::FactKind::Integer(_)),
            });
        }
        Self(values)
    }

    /// Replaces the references of a text. Doubled braces become single ones.
    pub(super) fn render(&self, text: &str, vocabulary: &Vocabulary) -> Result<RenderedText, ReferenceError> {
        let mut rendered = RenderedText { text: String::with_capacity(text.len()), values: Vec::new() };
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            rendered.text.push_str(before);
            rest = if let Some(after) = doubled(from) {
                rendered.text.push_str(from.get(..1).unwrap_or_default());
                after
            } else if let Some((name, after)) = named(from) {
                self.replace(name, after, vocabulary, &mut rendered)?;
                after
            } else {
                rendered.text.push_str(from.get(..1).unwrap_or_default());
                from.get(1..).unwrap_or_default()
            };
        }
        rendered.text.push_str(rest);
        Ok(rendered)
    }

    fn replace(
        &self,
        name: &str,
        after: &str,
        vocabulary: &Vocabulary,
        rendered: &mut RenderedText,
    ) -> Result<(), ReferenceError> {
        let value = self.0.iter().find(|value| value.name.eq_ignore_ascii_case(name.trim()));
        let Some(value) = value else {
            return Err(ReferenceError::Unknown(name.chars().take(NAME_CHARS_MAX).collect()));
        };
        let written = match value.unit_after(after, vocabulary)? {
            FollowingUnit::Own => &value.bare,
            FollowingUnit::Absent => &value.short,
        };
        let start = rendered.text.len();
        rendered.text.push_str(written);
        rendered.values.push((start..rendered.text.len(), value.subject));
        Ok(())
    }
}

/// Whether the unit of a reference is written after it.
enum FollowingUnit {
    Own,
    Absent,
}

impl ReferenceValue {
    fn unit_after(&self, after: &str, vocabulary: &Vocabulary) -> Result<FollowingUnit, ReferenceError> {
        // A value of an enum has no unit.
        if self.subject.is_none() || after.starts_with(char::is_alphanumeric) {
            return Ok(FollowingUnit::Absent);
        }
        let mut length = after.len().min(UNIT_BYTES_MAX);
        while !after.is_char_boundary(length) {
            length -= 1;
        }
        // The words after the reference are read as those after a number.
        let text = format!("{}{}", self.bare, after.get(..length).unwrap_or_default());
        let Some(claim) =
            claim::read(&text, vocabulary).into_iter().next().filter(|each| each.span.start == 0)
        else {
            return Ok(FollowingUnit::Absent);
        };
        let other = |unit: &str| ReferenceError::OtherUnit {
            reference: self.name.clone(),
            reads: self.short.clone(),
            unit: unit.trim().to_owned(),
        };
        if let Some(end) = claim::things_after(&text, &claim, vocabulary) {
            return Err(other(text.get(self.bare.len()..end).unwrap_or_default()));
        }
        let quote = text.get(self.bare.len()..claim.span.end).unwrap_or_default();
        // Of things, the claim does not include the noun.
        let noun = || text.get(claim.span.end..).and_then(|rest| rest.split_whitespace().next());
        let quote = if quote.is_empty() { noun().unwrap_or_default() } else { quote };
        match self.fits(&claim, &text) {
            Some(following) => Ok(following),
            // An unknown adjective before the unit: `5 leave few calls` is a sentence, and not a number of calls.
            None if quote.split_whitespace().count() > 1 && !vocabulary.knows_all(quote) => {
                Ok(FollowingUnit::Absent)
            }
            None => Err(other(quote)),
        }
    }

    /// `None` if the claim has another unit.
    fn fits(&self, claim: &NumberClaim, text: &str) -> Option<FollowingUnit> {
        match claim.form {
            ClaimForm::OutOf(end) => self.end.filter(|own| same(*own, end)).map(|_| FollowingUnit::Own),
            ClaimForm::Plain | ClaimForm::Facts => {
                if let Some(unit) = &claim.unit {
                    return self.units.contains(unit).then_some(FollowingUnit::Own);
                }
                let after = text.get(claim.span.end..).unwrap_or_default();
                let counts = self.is_count && after.trim_start().starts_with("times");
                Some(if counts { FollowingUnit::Own } else { FollowingUnit::Absent })
            }
            ClaimForm::Ratio | ClaimForm::Things | ClaimForm::Decade => None,
        }
    }
}

/// The text after a doubled brace.
fn doubled(text: &str) -> Option<&str> {
    text.strip_prefix("{{").or_else(|| text.strip_prefix("}}"))
}

/// The name between the brace at the start of a text and the next one, and the text after that. `None` if it has no
/// letter, so that it is not a name.
fn named(text: &str) -> Option<(&str, &str)> {
    let (name, after) = text.strip_prefix('{')?.split_once('}')?;
    (!name.contains('{') && name.contains(char::is_alphabetic)).then_some((name, after))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::alert_type::AlertTypes;

    fn render(facts: &serde_json::Value, text: &str) -> Result<String, ReferenceError> {
        let types = AlertTypes::built_in();
        let has = |fact: &str| facts.get(fact).is_some();
        let id = match (has("demand_score"), has("sessions_7d")) {
            (true, _) => "supply_demand_imbalance",
            (false, true) => "low_health_score",
            (false, false) => "high_ib_call_frequency",
        };
        let alert_type = types.get(id).unwrap();
        let facts = serde_json::from_value(facts.clone()).unwrap();
        let values = ReferenceValues::new(alert_type, &facts, Number::from(72));
        values.render(text, &Vocabulary::new(alert_type)).map(|rendered| rendered.text)
    }

    #[test]
    fn a_reference_reads_its_value_with_its_unit() {
        let student = json!({ "health_score": 64.5, "sessions_7d": 1, "ib_calls_14d": 5 });
        let subject = json!({ "balance_status": "high_demand", "demand_score": 92.5, "supply_score": 20 });
        for (facts, text, expected) in [
            (&student, "{ib_calls_14d} in 14 days.", "5 calls in 14 days."),
            (&student, "Only {sessions_7d} was held.", "Only 1 session was held."),
            (&student, "A health score of {health_score}.", "A health score of 64.5 out of 100."),
            (&student, "A risk of { Risk_Score }.", "A risk of 72."),
            (&student, "{ib_calls_14d} calls, {ib_calls_14d} support calls.", "5 calls, 5 support calls."),
            (
                &student,
                "{ib_calls_14d} inbound support calls in 14 days",
                "5 inbound support calls in 14 days",
            ),
            (&student, "called {ib_calls_14d} times", "called 5 times"),
            (&student, "{health_score}/100, {health_score} out of 100", "64.5/100, 64.5 out of 100"),
            (&student, "{health_score} points, {risk_score}%", "64.5 points, 72%"),
            (
                &student,
                "{{health_score}} is literal, {5} and { too",
                "{health_score} is literal, {5} and { too",
            ),
            (&student, "{health_score} suggests few calls", "64.5 out of 100 suggests few calls"),
            (&student, "{health_score} and {ib_calls_14d} calls", "64.5 out of 100 and 5 calls"),
            (&student, "{ib_calls_14d} triggers concern", "5 calls triggers concern"),
            (&student, "{ib_calls_14d} warrants a call", "5 calls warrants a call"),
            (&student, "{ib_calls_14d} stands out and worries", "5 calls stands out and worries"),
            (&student, "{health_score} results in a risk", "64.5 out of 100 results in a risk"),
            (&student, "Check that {health_score} holds.", "Check that 64.5 out of 100 holds."),
            (&student, "{ib_calls_14d} drops and rises", "5 calls drops and rises"),
            (&student, "{ib_calls_14d} about lessons and tutors", "5 calls about lessons and tutors"),
            (&student, "{ib_calls_14d} concerning cancelled lessons", "5 calls concerning cancelled lessons"),
            (&student, "{ib_calls_14d} without any complaints", "5 calls without any complaints"),
            (&student, "{health_score}; sessions are few", "64.5 out of 100; sessions are few"),
            (&student, "{health_score}, tutors say,", "64.5 out of 100, tutors say,"),
            (&student, "{health_score} - tutors wait", "64.5 out of 100 - tutors wait"),
            (&student, "{health_score} matters.", "64.5 out of 100 matters."),
            (&student, "{ib_calls_14d} across 14 days", "5 calls across 14 days"),
            (&student, "{ib_calls_14d} total, {sessions_7d} lessons", "5 calls total, 1 lessons"),
            (&student, "{health_score} always means attention", "64.5 out of 100 always means attention"),
            (
                &student,
                "{ib_calls_14d} leave the family, who wants sessions",
                "5 calls leave the family, who wants sessions",
            ),
            (&student, "{ib_calls_14d} unanswered so far", "5 calls unanswered so far"),
            (&student, "{ib_calls_14d} suggest problems", "5 calls suggest problems"),
            (
                &student,
                "{ib_calls_14d} indicate problems and tensions",
                "5 calls indicate problems and tensions",
            ),
            (&student, "{health_score} reflects problems.", "64.5 out of 100 reflects problems."),
            (&subject, "The status is {balance_status}.", "The status is high demand."),
            (&subject, "{demand_score} meets {supply_score}", "92.5 out of 100 meets 20 out of 100"),
            (&subject, "{demand_score} of 100", "92.5 of 100"),
            (&subject, "no braces", "no braces"),
        ] {
            assert_eq!(render(facts, text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_unknown_or_misbound_reference_is_rejected() {
        let student = json!({ "health_score": 64.5, "sessions_7d": 1, "ib_calls_14d": 5 });
        for (text, code) in [
            ("{calls}", "unknown_reference"),
            ("{demand_score}", "unknown_reference"),
            ("{health_score:.1f}", "unknown_reference"),
            ("{ib_calls_14d.value} calls", "unknown_reference"),
            ("{health_score} calls", "misbound_reference"),
            ("{ib_calls_14d} points", "misbound_reference"),
            ("{ib_calls_14d} support sessions", "misbound_reference"),
            ("{ib_calls_14d}%", "misbound_reference"),
            ("{ib_calls_14d} percent", "misbound_reference"),
            ("{health_score}/10", "misbound_reference"),
            ("{sessions_7d} days", "misbound_reference"),
            ("{risk_score} calls", "misbound_reference"),
            ("{health_score} times the usual", "misbound_reference"),
            ("{sessions_7d}-call", "misbound_reference"),
        ] {
            assert_eq!(render(&student, text).map_err(|error| error.code()), Err(code), "{text}");
        }
        let caller = json!({ "health_score": 64.5, "ib_calls_14d": 5 });
        let subject = json!({ "balance_status": "high_demand", "demand_score": 92.5, "supply_score": 20 });
        for (facts, text, unit) in [
            (&caller, "{ib_calls_14d} sessions", "sessions"),
            (&caller, "{ib_calls_14d} sessions were held", "sessions"),
            (&caller, "{ib_calls_14d} tutoring sessions in 14 days", "tutoring sessions"),
            (&caller, "{ib_calls_14d} cancellations", "cancellations"),
            (&caller, "{ib_calls_14d} lessons and a health score", "lessons"),
            (&caller, "{ib_calls_14d} emails this week", "emails"),
            (&caller, "{ib_calls_14d} contacts have come in", "contacts"),
            (&caller, "{health_score} sessions, of which", "sessions"),
            (&caller, "{risk_score} complaints per month", "complaints"),
            (&caller, "{ib_calls_14d} students", "students"),
            (&student, "{sessions_7d} tutors", "tutors"),
            (&subject, "{supply_score} tutors are left", "tutors"),
            (&subject, "{demand_score} requests", "requests"),
        ] {
            let error = render(facts, text).unwrap_err();
            assert_eq!(error.code(), "misbound_reference", "{text}");
            assert!(error.to_string().contains(&format!("{unit:?} follows it")), "{text}: {error}");
        }
        let error = render(&student, "{health_score} calls").unwrap_err();
        assert_eq!(
            error.to_string(),
            "{health_score} reads \"64.5 out of 100\", but \"calls\" follows it: write no unit after a reference"
        );
    }
}
