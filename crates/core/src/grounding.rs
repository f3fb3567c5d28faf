//! Checks that the prompt supports every number in a model's explanation.
//!
//! Never: corrects a text, judges words, or checks recommendations, which may contain new numbers.
//!
//! ```text
//! text -> token -> numeral -> claim (with its unit and its subject) -> evidence -> GroundingReport
//! ```
//!
//! A claim is a numeral that says how much or how many. It is supported if it equals one of these numbers, or is a
//! rounding of one:
//! - the value of a fact;
//! - the difference of two facts in the same unit, or of a fact and an end of its range;
//! - a fact's share of its range, or the rest of that range, as a percentage;
//! - a number in the type's labels, meanings or question, its horizon, or an end of the scale;
//! - the reply's own risk score;
//! - one of these, converted between days and weeks.
//!
//! If a unit follows the number, the evidence must have the same unit. If the name of a fact leads to the number ("a
//! demand score of 20"), the number must be the value of that fact. After a hedge ("about"), it may be rounded to tens.
//! A ratio ("5-fold"), a rate ("55% of families") and a number of entities are never supported.
//!
//! Ordinals, fractions in words, dates, times, list markers, idioms, and numbers in names and ids are not claims.
//!
//! The check compares numbers and does not understand the text. A number that matches unrelated evidence by chance
//! counts as supported.

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
mod non_claim;
mod claim;
mod evidence;

use claim::NumberClaim;
use evidence::Evidence;
use token::{Token, Tokens};
use vocabulary::Vocabulary;

/// The numbers and words in the prompts of an alert type. It depends only on the type, and is built once for each.
#[derive(Debug)]
pub struct Reference {
    vocabulary: Vocabulary,
    /// The claims in the type's own texts, which an explanation may repeat.
    prompt_claims: Vec<NumberClaim>,
}

/// Checks replies about one alert.
#[derive(Debug)]
pub struct Checker<'r> {
    vocabulary: &'r Vocabulary,
    evidence: Evidence,
}

/// The result of the check of one reply.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GroundingReport {
    /// The number of claims.
    pub numbers: usize,
    /// The unsupported claims, quoted from the texts, in order. A claim that occurs twice is listed twice.
    pub unsupported: Vec<String>,
}

/// A reply whose numbers have been checked. Only [`Checker::check`] makes it, and a model's reply can become an insight
/// only in this form.
#[derive(Debug, Clone, PartialEq)]
pub struct GroundedReply {
    reply: Reply,
    report: GroundingReport,
}

/// How many tokens longer a quote can be than the claim that is found without an alert type: the words before its unit,
/// and the unit.
const QUOTE_TOKENS_MAX: usize = 8;

impl Reference {
    /// Collects the numbers and words in the prompts of this alert type.
    pub fn new(alert_type: &AlertType) -> Self {
        let vocabulary = Vocabulary::new(alert_type);
        let mut prompt_claims = claim::read(alert_type.question(), &vocabulary);
        for fact in alert_type.facts() {
            prompt_claims.extend(claim::read(fact.label(), &vocabulary));
            // A number word in a meaning counts nothing that an explanation could repeat: "the two scores".
            let in_digits =
                |claim: &NumberClaim| fact.meaning().get(claim.span.clone()).is_some_and(starts_with_digit);
            prompt_claims.extend(claim::read(fact.meaning(), &vocabulary).into_iter().filter(in_digits));
        }
        Self { vocabulary, prompt_claims }
    }

    /// Makes a checker of replies about an alert of this type with these facts.
    pub fn checker(&self, alert_type: &AlertType, facts: &Facts) -> Checker<'_> {
        let mut evidence = Evidence::new(alert_type, facts);
        evidence.add_claims(&self.prompt_claims);
        Checker { vocabulary: &self.vocabulary, evidence }
    }
}

impl Checker<'_> {
    /// Checks a reply's explanation, and the `because` of each driver.
    pub fn check(&self, reply: Reply) -> GroundedReply {
        let becauses: Vec<&str> = reply.drivers().iter().map(|driver| driver.because.as_str()).collect();
        let report = self.report(reply.explanation(), &becauses, reply.risk_score());
        GroundedReply { reply, report }
    }

    /// Checks the explanation and then the `because` of each driver, of a reply with this risk score.
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

    /// The result of the check.
    pub fn report(&self) -> &GroundingReport {
        &self.report
    }
}

/// Finds the unsupported claims of a [`GroundingReport`] in their text. Returns byte ranges in ascending order that do
/// not overlap. It needs no alert type, so that a stored insight can be shown after its type has changed.
pub fn unsupported_spans(text: &str, unsupported: &[String]) -> Vec<Range<usize>> {
    let mut quotes: HashMap<&str, usize> = HashMap::new();
    for quote in unsupported {
        *quotes.entry(quote).or_default() += 1;
    }
    let tokens = Tokens::read(text);
    let mut spans: BTreeMap<usize, usize> = BTreeMap::new();
    // Without the type's words, a claim may look like a name: `IB Calls 12`. Such candidates are tried last.
    for with_non_claims in [false, true] {
        for claim in claim::read_tokens(&tokens, &Vocabulary::general(), with_non_claims) {
            let start = claim.span.start;
            let is_free =
                |end: &usize| spans.range(..end).next_back().is_none_or(|(_, taken)| *taken <= start);
            // The claim was found with the units of its type, so it may be longer than this one, but never shorter.
            let last = claim.tokens.end.saturating_sub(1);
            let ends =
                (last..=last + QUOTE_TOKENS_MAX).rev().filter_map(|index| tokens.get(index)).map(Token::end);
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
