//! Checks that every number in a model's explanation is something that the prompt said.
//!
//! Takes: an alert type and an alert's facts, which a prompt is made of; then a reply's texts and its score.
//! Gives: a [`Grounding`]: how many claims there are, and those that nothing supports, as they stand.
//! Never: corrects a text, judges words, or looks at recommendations, which may name new numbers.
//!
//! ```text
//! text -> token -> numeral -> claim (no aside; with its unit and its subject) -> evidence -> Grounding
//! ```
//!
//! A claim is supported if it equals, or is a rounding of:
//! - a fact's value, the difference of two facts in one unit, or of a fact and an end of its range;
//! - a fact's share of its range, or what is missing from it, as a percentage;
//! - a number that the type's labels, meanings or question show, the horizon, an end of the scale;
//! - the reply's own risk score;
//! - one of these converted between days and weeks.
//!
//! Where a unit follows a number, what supports it is in that unit; where a fact's name leads to a number ("a demand
//! score of 20"), it is that fact's value. "About" and the like admit tens. Nothing supports a ratio ("5-fold"), a
//! rate ("55% of families") or a number of entities. Numerals that claim nothing are ordinals, fractions in words,
//! dates, times, list markers, idioms, and numbers in names and ids.
//!
//! It compares numbers and cannot read: a number that is true of something else by chance counts as supported.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::alert::Facts;
use crate::alert_type::AlertType;
use crate::number::Number;
use crate::reply::Reply;

mod words;
mod digits;
mod token;
mod numeral;
mod subject;
mod vocabulary;
mod aside;
mod claim;
mod evidence;

use claim::Claim;
use evidence::Evidence;
use token::{Token, Tokens};
use vocabulary::Vocabulary;

/// What the prompt of an alert type says about numbers, whatever the alert. Made once for each type.
#[derive(Debug)]
pub struct Reference {
    vocabulary: Vocabulary,
    /// The claims of the type's own texts, which an explanation may repeat.
    shown: Vec<Claim>,
}

/// Checks replies about one alert.
#[derive(Debug)]
pub struct Checker<'r> {
    vocabulary: &'r Vocabulary,
    evidence: Evidence,
}

/// What was found of the numbers in a reply.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GroundingReport {
    /// Claims in all.
    pub numbers: usize,
    /// Claims that nothing supports, as they are written, in their order, repeated if they are repeated.
    pub unsupported: Vec<String>,
}

/// A reply whose numbers have been checked: the only form in which a model's answer can become an insight. It is made by
/// [`Checker::check`] alone.
#[derive(Debug, Clone, PartialEq)]
pub struct GroundedReply {
    reply: Reply,
    report: GroundingReport,
}

/// Tokens of a quote after those that are a claim without an alert type: the words before its unit, and the unit.
const QUOTE_TOKENS_MAX: usize = 8;

impl Reference {
    /// What the prompt says about every alert of this type.
    pub fn new(alert_type: &AlertType) -> Self {
        let vocabulary = Vocabulary::new(alert_type);
        let mut shown = claim::read(alert_type.question(), &vocabulary);
        for fact in alert_type.facts() {
            shown.extend(claim::read(fact.label(), &vocabulary));
            // Number words of a meaning count nothing that an explanation could repeat: "the two scores".
            let in_digits =
                |claim: &Claim| fact.meaning().get(claim.span.clone()).is_some_and(starts_with_digit);
            shown.extend(claim::read(fact.meaning(), &vocabulary).into_iter().filter(in_digits));
        }
        Self { vocabulary, shown }
    }

    /// A checker of replies about these facts of an alert of this type.
    pub fn checker(&self, alert_type: &AlertType, facts: &Facts) -> Checker<'_> {
        let mut evidence = Evidence::new(alert_type, facts);
        evidence.show(&self.shown);
        Checker { vocabulary: &self.vocabulary, evidence }
    }
}

impl Checker<'_> {
    /// Checks a reply's explanation, and the reasons of its drivers.
    pub fn check(&self, reply: Reply) -> GroundedReply {
        let becauses: Vec<&str> = reply.drivers().iter().map(|driver| driver.because.as_str()).collect();
        let report = self.report(reply.explanation(), &becauses, reply.risk_score());
        GroundedReply { reply, report }
    }

    /// Checks an explanation, then the `because` of each driver, of a reply with this risk score.
    fn report(&self, explanation: &str, becauses: &[&str], risk_score: Number) -> GroundingReport {
        let mut report = GroundingReport::default();
        for text in [explanation].iter().chain(becauses) {
            for claim in claim::read(text, self.vocabulary) {
                report.numbers += 1;
                if !self.evidence.supports(&claim, risk_score) {
                    report.unsupported.extend(text.get(claim.span).map(str::to_owned));
                }
            }
        }
        report
    }
}

impl GroundedReply {
    /// The reply.
    pub fn reply(&self) -> &Reply {
        &self.reply
    }

    /// What was found of its numbers.
    pub fn report(&self) -> &GroundingReport {
        &self.report
    }
}

/// Where a text holds the unsupported claims of its [`GroundingReport`], in bytes, ascending, none overlapping another. It
/// needs no alert type, so that an insight can be shown as it was judged, whatever became of its type.
pub fn unsupported_spans(text: &str, unsupported: &[String]) -> Vec<Range<usize>> {
    let mut quotes: HashMap<&str, usize> = HashMap::new();
    for quote in unsupported {
        *quotes.entry(quote).or_default() += 1;
    }
    let tokens = Tokens::read(text);
    let mut spans: BTreeMap<usize, usize> = BTreeMap::new();
    // What is a name to a reader without the type's words may be a claim: `IB Calls 12`. It is looked at last.
    for with_asides in [false, true] {
        for claim in claim::read_tokens(&tokens, &Vocabulary::general(), with_asides) {
            let start = claim.span.start;
            let is_free =
                |end: &usize| spans.range(..end).next_back().is_none_or(|(_, taken)| *taken <= start);
            // With its type's units, a claim may have been longer than it is without, and never shorter.
            let last = claim.places.end.saturating_sub(1);
            let ends =
                (last..=last + QUOTE_TOKENS_MAX).rev().filter_map(|place| tokens.get(place)).map(Token::end);
            let end = ends.filter(is_free).find(|end| {
                let left =
                    text.get(start..*end).and_then(|quote| quotes.get_mut(quote)).filter(|left| **left > 0);
                left.map(|left| *left -= 1).is_some()
            });
            spans.extend(end.map(|end| (start, end)));
        }
    }
    spans.into_iter().map(|(start, end)| start..end).collect()
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests;
