//! Checks what a model's explanation says: its references, its numbers, and what it says without a number.
//!
//! Never: corrects a text, or checks the numbers of recommendations, which may be new.
//!
//! ```text
//! text ─▶ references replaced ─▶ normal ─▶ token ─▶ numeral ─▶ claim ─▶ role ─▶ evidence ─▶ GroundingReport
//!                                            └─▶ unsaid ────────────────────────────────────────┘
//! ```
//!
//! A number belongs where the model writes a reference, `{fact_id}` or `{risk_score}`. Code replaces it by the value, so
//! it cannot be wrong. A number that the model writes itself is a claim. It has a role, and each role its own evidence:
//! - the value of a fact: that of the nearest fact that is named, or whose unit it has; in a driver's reason, the
//!   driver's fact;
//! - a percentage: of a fact in percent or from 0 to 1, a share of a range, or the chance, which is the risk score;
//! - a distance: of the two facts that are named, or of a fact from an end of its range;
//! - a comparison: it holds for the fact's value;
//! - a window: what the fact covers, or the horizon, in any unit of time;
//! - a ratio: of the two facts that are named;
//! - the score: the reply's own;
//! - a threshold, an average, an earlier value, a number of other things: nothing supports it.
//!
//! Ordinals, fractions in words, dates, times, list markers, idioms, a part of the facts (`two of the three facts`), and
//! numbers in names and ids are not claims.
//!
//! In a language whose words the checker does not know, a number has no role. It must be any number of the prompt.
//!
//! The check does not understand the text. `tests/misses.rs` lists what it is known to get wrong.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use crate::alert::Facts;
use crate::alert_type::{AlertType, Fact};
use crate::number::Number;
use crate::reply::Reply;

mod words;
mod report;
mod normal;
mod digits;
mod token;
mod numeral;
mod subject;
mod vocabulary;
mod non_claim;
mod claim;
mod fact_count;
mod word_claim;
mod role;
mod evidence;
mod reference;
mod language;
mod unsaid;

pub use reference::ReferenceError;
pub use report::{ClaimRole, GroundingReport, Language, UnsaidClaim, UnsaidKind, UnsupportedClaim};

use claim::ClaimScope;
use evidence::Evidence;
use normal::NormalText;
use reference::{ReferenceValues, RenderedText};
use role::RoleReader;
use subject::ClaimSubject;
use token::{Token, Tokens};
use unsaid::UnsaidReader;
use vocabulary::Vocabulary;

/// The part of the check that depends only on the alert type. It is built once for each.
#[derive(Debug)]
pub struct CheckerTemplate {
    vocabulary: Vocabulary,
    /// The windows of time that each fact covers, in days, in the type's order.
    windows: Vec<Vec<f64>>,
}

/// Checks replies about one alert.
#[derive(Debug)]
pub struct Checker<'r> {
    template: &'r CheckerTemplate,
    alert_type: &'r AlertType,
    facts: &'r Facts,
    evidence: Evidence,
}

/// A reply whose references are replaced and whose texts have been checked. Only [`Checker::check`] makes it, and a
/// model's reply can become an insight only in this form.
#[derive(Debug, Clone, PartialEq)]
pub struct GroundedReply {
    reply: Reply,
    explanation: String,
    recommendations: Vec<String>,
    becauses: Vec<String>,
    report: GroundingReport,
    /// The sentence of each unsupported claim.
    sentences: Vec<String>,
}

/// How many tokens longer a quote can be than the claim that is found without an alert type: the words before its unit,
/// and the unit.
const QUOTE_TOKENS_MAX: usize = 8;

/// The longest sentence that a re-ask quotes. A longer one would be most of the reply, which it quotes too.
const QUOTED_SENTENCE_BYTES_MAX: usize = 300;

impl CheckerTemplate {
    /// Collects the words and windows in the prompts of this alert type.
    pub fn new(alert_type: &AlertType) -> Self {
        let vocabulary = Vocabulary::new(alert_type);
        let windows = alert_type.facts().iter().map(|fact| windows(fact, &vocabulary)).collect();
        Self { vocabulary, windows }
    }

    /// Makes a checker of replies about an alert of this type with these facts.
    pub fn checker<'r>(&'r self, alert_type: &'r AlertType, facts: &'r Facts) -> Checker<'r> {
        let evidence = Evidence::new(alert_type, facts, &self.windows);
        Checker { template: self, alert_type, facts, evidence }
    }
}

/// The windows of a fact, in days, as its label and its meaning say: `last 14 days`.
fn windows(fact: &Fact, vocabulary: &Vocabulary) -> Vec<f64> {
    let mut windows = Vec::new();
    for text in [fact.label(), fact.meaning()] {
        for claim in claim::read(text, vocabulary) {
            let days = claim.unit.as_ref().and_then(vocabulary::ClaimUnit::days);
            let window = days.map(|days| days * claim.numeral.value);
            windows.extend(window.filter(|window| !windows.contains(window)));
        }
    }
    windows
}

impl Checker<'_> {
    /// Replaces the references of a reply, and checks its explanation and the `because` of each driver.
    pub fn check(&self, reply: Reply) -> Result<GroundedReply, ReferenceError> {
        let values = ReferenceValues::new(self.alert_type, self.facts, reply.risk_score());
        let render = |text: &str| values.render(text, &self.template.vocabulary);
        let explanation = render(reply.explanation())?;
        let becauses = reply.drivers().iter().map(|driver| render(&driver.because));
        let becauses = becauses.collect::<Result<Vec<_>, _>>()?;
        let recommendations = reply.recommendations().iter().map(|text| render(text).map(|text| text.text));
        let recommendations = recommendations.collect::<Result<_, _>>()?;

        let (mut report, mut sentences) = (GroundingReport::default(), Vec::new());
        let score = reply.risk_score();
        sentences.extend(self.check_text(&explanation, None, score, &mut report));
        for (driver, because) in reply.drivers().iter().zip(&becauses) {
            let fact = self.alert_type.facts().iter().position(|fact| fact.id() == driver.fact);
            sentences.extend(self.check_text(because, fact.map(ClaimSubject::Fact), score, &mut report));
        }
        report.unsaid.extend(unsaid::wrong_effects(reply.drivers(), self.alert_type, self.facts));
        let becauses = becauses.into_iter().map(|because| because.text).collect();
        let explanation = explanation.text;
        Ok(GroundedReply { reply, explanation, recommendations, becauses, report, sentences })
    }

    /// Checks one text. `default` is the fact of the driver whose reason it is. Returns the sentence of each unsupported
    /// claim.
    fn check_text(
        &self,
        rendered: &RenderedText,
        default: Option<ClaimSubject>,
        risk_score: Number,
        report: &mut GroundingReport,
    ) -> Vec<String> {
        let mut sentences = Vec::new();
        let normal = NormalText::new(&rendered.text);
        let tokens = Tokens::read(normal.text());
        let vocabulary = &self.template.vocabulary;
        let language = language::of(&tokens);
        let scope = if language.is_some() { ClaimScope::OtherLanguage } else { ClaimScope::English };
        let claims = claim::read_tokens(&tokens, vocabulary, scope);
        let names = vocabulary.names().all(&tokens);
        let facts_of_unit = |claim: &claim::NumberClaim| self.evidence.facts_of_unit(claim);
        let has_window = |subject| self.evidence.has_window(subject);
        let is_window = |subject, days| self.evidence.is_window(subject, days);
        let reader = RoleReader {
            tokens: &tokens,
            vocabulary,
            claims: &claims,
            names,
            default,
            facts_of_unit: &facts_of_unit,
            has_window: &has_window,
            is_window: &is_window,
        };
        for (index, claim) in claims.iter().enumerate() {
            report.numbers += 1;
            let span = normal.original(&claim.span);
            let unsupported = if language.is_some() {
                self.evidence.check_loosely(claim, risk_score)
            } else {
                let claimed = reader.role(index);
                // A value that replaced a reference is that of its fact.
                let is_reference = claimed.is_value()
                    && rendered.values.iter().any(|(value, subject)| {
                        value.contains(&span.start) && (claim.subject.is_none() || claim.subject == *subject)
                    });
                if is_reference { None } else { self.evidence.check(claim, &claimed, risk_score) }
            };
            if let (Some((role, reason)), Some(quote)) = (unsupported, rendered.text.get(span.clone())) {
                sentences.push(sentence_around(&rendered.text, &span).to_owned());
                report.unsupported.push(UnsupportedClaim {
                    claim: quote.to_owned(),
                    role: Some(role),
                    reason,
                });
            }
        }
        if language.is_some() {
            report.language = language;
            return sentences;
        }
        let unsaid = UnsaidReader {
            tokens: &tokens,
            names: &reader.names,
            alert_type: self.alert_type,
            facts: self.facts,
        };
        report.unsaid.extend(unsaid.read(normal.text()));
        sentences
    }
}

impl GroundedReply {
    /// The reply as the model wrote it.
    pub fn reply(&self) -> &Reply {
        &self.reply
    }

    /// The explanation, with the values in place of the references.
    pub fn explanation(&self) -> &str {
        &self.explanation
    }

    /// The recommendations, with the values in place of the references.
    pub fn recommendations(&self) -> &[String] {
        &self.recommendations
    }

    /// The `because` of each driver, in the order of the drivers, with the values in place of the references.
    pub fn becauses(&self) -> &[String] {
        &self.becauses
    }

    /// What is wrong with the texts, for the re-ask.
    pub fn violations(&self) -> String {
        self.report.violations(&self.sentences)
    }

    /// The result of the check.
    pub fn report(&self) -> &GroundingReport {
        &self.report
    }
}

/// The sentence around a part of a text, without white space at its ends; of a very long one, the part itself.
fn sentence_around<'t>(text: &'t str, part: &Range<usize>) -> &'t str {
    let ends = |at: &usize| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        let is_end = before.is_some_and(|mark| matches!(mark, '.' | '!' | '?' | '。' | '！' | '？' | '\n'));
        // A point within a number does not end a sentence.
        is_end && text.get(*at..).is_some_and(|after| !after.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    let start = (0..=part.start).rev().find(ends).unwrap_or(0);
    let end = (part.end..=text.len()).find(ends).unwrap_or(text.len());
    let sentence = text.get(start..end).unwrap_or_default().trim();
    let part = text.get(part.clone()).unwrap_or_default();
    if sentence.len() > QUOTED_SENTENCE_BYTES_MAX { part } else { sentence }
}

/// Finds the unsupported claims of a [`GroundingReport`] in their text. Returns byte ranges in ascending order that do
/// not overlap. It needs no alert type, so that a stored insight can be shown after its type has changed.
pub fn unsupported_spans(text: &str, unsupported: &[UnsupportedClaim]) -> Vec<Range<usize>> {
    let mut quotes: HashMap<&str, usize> = HashMap::new();
    for claim in unsupported {
        *quotes.entry(&claim.claim).or_default() += 1;
    }
    let tokens = Tokens::read(text);
    let mut spans: BTreeMap<usize, usize> = BTreeMap::new();
    // Without the type's words, a claim may look like a name: `IB Calls 12`. Such candidates are tried last.
    for scope in [ClaimScope::English, ClaimScope::EveryNumeral] {
        for claim in claim::read_tokens(&tokens, &Vocabulary::general(), scope) {
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
    // A claim without a numeral, or in other digits, is found by its words.
    for claim in unsupported {
        let quote = claim.claim.as_str();
        let Some(left) = quotes.get_mut(quote).filter(|left| **left > 0 && !quote.is_empty()) else {
            continue;
        };
        let is_free = |at: usize| {
            let end = at + quote.len();
            spans.range(..end).next_back().is_none_or(|(_, taken)| *taken <= at) && is_bounded(text, at, end)
        };
        if let Some((at, _)) = text.match_indices(quote).find(|(at, _)| is_free(*at)) {
            spans.insert(at, at + quote.len());
            *left -= 1;
        }
    }
    spans.into_iter().map(|(start, end)| start..end).collect()
}

/// Whether a part of a text neither starts nor ends within a word or a number.
fn is_bounded(text: &str, start: usize, end: usize) -> bool {
    let joins = |one: Option<char>, other: Option<char>| {
        one.zip(other).is_some_and(|(one, other)| {
            one.is_ascii_alphanumeric() && other.is_ascii_alphanumeric()
                || one.is_numeric() && other.is_numeric()
        })
    };
    let part = text.get(start..end).unwrap_or_default();
    let before = text.get(..start).and_then(|before| before.chars().next_back());
    let after = text.get(end..).and_then(|after| after.chars().next());
    !joins(before, part.chars().next()) && !joins(part.chars().next_back(), after)
}

#[cfg(test)]
mod tests;
