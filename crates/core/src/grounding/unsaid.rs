//! Finds what a text says without a number and the facts do not: a trend, a cause, the wrong end of a range, another
//! status, a driver that moves the score the wrong way.
//!
//! Never: judges a supposition, such as `may decline`, or words that it does not know.

use super::report::{UnsaidClaim, UnsaidKind};
use super::subject::{ClaimSubject, NamedSubject};
use super::token::{Token, Tokens};
use super::vocabulary::singular;
use super::words::{CAUSAL, CONDITIONS, MODALS, NEGATIONS, SUPPOSING};
use crate::alert::Facts;
use crate::alert_type::{AlertType, EnumValue, Fact, FactKind, FactValue, Worse};
use crate::driver::Effect;
use crate::reply::ReplyDriver;

mod direction;
mod status;
mod trend;

/// How many words before a word can make it a supposition or deny it.
const BEFORE_MAX: usize = 3;
/// How many words before a cause can deny it or make it a supposition: `no sign that they asked for a refund`.
const CAUSE_MAX: usize = 7;
/// How many words before a word can make its clause a condition: `if the health score were low`.
const CONDITION_MAX: usize = 8;
/// How many words around a change can say that it is the risk that changes.
const RISK_WORDS_MAX: usize = 3;
/// One text, and what it is about.
pub(super) struct UnsaidReader<'a, 't> {
    pub(super) tokens: &'a Tokens<'t>,
    pub(super) names: &'a [NamedSubject],
    pub(super) alert_type: &'a AlertType,
    pub(super) facts: &'a Facts,
}

/// Words in the order of a text, as token indices.
struct Found {
    start: usize,
    end: usize,
    kind: UnsaidKind,
}

impl UnsaidReader<'_, '_> {
    /// What the text says without a number. `text` is the text of the tokens.
    pub(super) fn read(&self, text: &str) -> Vec<UnsaidClaim> {
        let mut found = self.trends();
        found.extend(self.causes());
        found.extend(self.directions());
        found.extend(self.statuses());
        found.sort_by_key(|each| each.start);
        let quote = |each: Found| {
            let start = self.tokens.get(each.start)?.start;
            let end = self.tokens.back(each.end, 1)?.end();
            Some(UnsaidClaim { text: text.get(start..end)?.to_owned(), kind: each.kind })
        };
        found.into_iter().filter_map(quote).collect()
    }

    fn causes(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for phrase in self.alert_type.unsaid() {
            // The parts of `no-show` are tokens too.
            let words: Vec<_> = Tokens::read(phrase).iter().map(|token| singular(token.text)).collect();
            let fits = |at: usize| {
                words
                    .iter()
                    .zip(at..)
                    .all(|(word, at)| self.tokens.get(at).is_some_and(|token| singular(token.text) == *word))
            };
            let is_open = |at: usize| {
                let before = (1..=CAUSE_MAX).map_while(|back| self.tokens.back(at, back));
                before
                    .take_while(|token| token.is_word() && !token.is_in(&CAUSAL))
                    .any(|word| word.is_in(&SUPPOSING) || word.is_in(&NEGATIONS))
            };
            let starts = (0..self.tokens.len())
                .filter(|at| !words.is_empty() && fits(*at) && !self.is_supposed(*at) && !is_open(*at));
            found.extend(starts.map(|at| Found {
                start: at,
                end: at + words.len(),
                kind: UnsaidKind::Cause,
            }));
        }
        found
    }

    /// Whether two tokens are the words of the alert's own value of an enum: `high demand`.
    fn is_value_of_enum(&self, start: usize, end: usize) -> bool {
        self.enums()
            .any(|(_, value, _)| self.words_at(start, value).is_some_and(|next| next <= end.max(start + 2)))
    }

    /// The enums of the alert: each with its value, and all its values.
    fn enums(&self) -> impl Iterator<Item = (&Fact, &str, &[EnumValue])> {
        self.alert_type.facts().iter().filter_map(|fact| {
            let FactKind::Enum { values, .. } = fact.kind() else { return None };
            let FactValue::Word(own) = self.facts.get(fact.id())? else { return None };
            Some((fact, own.as_str(), values.as_slice()))
        })
    }

    /// The index after the words of a value of an enum, if they start at this token: `high demand`, `high_demand`.
    fn words_at(&self, start: usize, value: &str) -> Option<usize> {
        if self.tokens.get(start)?.is(value) {
            return Some(start + 1);
        }
        let mut at = start;
        for word in value.split('_') {
            if self.tokens.get(at)?.text == "-" && at > start {
                at += 1;
            }
            if !self.tokens.get(at)?.is(word) {
                return None;
            }
            at += 1;
        }
        Some(at)
    }

    /// Whether a word before it makes it a supposition, or denies it.
    fn is_supposed(&self, at: usize) -> bool {
        // `to increase`, but not `to 33`.
        let opens = |back: usize| {
            self.tokens.back(at, back).is_some_and(|word| {
                let before_number =
                    word.is("to") && self.tokens.back(at, back - 1).is_some_and(Token::is_digits);
                (word.is_in(&MODALS) || word.is_in(&NEGATIONS)) && !before_number
            })
        };
        (1..=BEFORE_MAX).any(opens)
            || (1..=CONDITION_MAX)
                .map_while(|back| self.tokens.back(at, back).filter(|word| word.is_word()))
                .any(|word| word.is_in(&CONDITIONS))
    }

    /// Whether it is the risk that changes: `the increased risk of churn`.
    fn is_of_risk(&self, at: usize) -> bool {
        let after = self.names.partition_point(|name| name.start < at.saturating_sub(2 * RISK_WORDS_MAX));
        let near = self.names.iter().skip(after).take(2 * RISK_WORDS_MAX);
        near.into_iter().any(|name| {
            name.subject == ClaimSubject::Risk
                && (name.end <= at && at - name.end < RISK_WORDS_MAX
                    || name.start > at && name.start - at <= RISK_WORDS_MAX)
        })
    }
}

/// The drivers that move the score the wrong way: up by a value that needs no attention, or down by a bad one.
pub(super) fn wrong_effects(
    drivers: &[ReplyDriver],
    alert_type: &AlertType,
    facts: &Facts,
) -> Vec<UnsaidClaim> {
    let is_wrong = |driver: &&ReplyDriver| {
        let (Some(fact), Some(value)) = (alert_type.fact(&driver.fact), facts.get(&driver.fact)) else {
            return false;
        };
        match driver.effect {
            Effect::Raises => is_good(alert_type, fact, value),
            Effect::Lowers => is_bad(alert_type, fact, value),
        }
    };
    let claim = |driver: &ReplyDriver| {
        let effect = match driver.effect {
            Effect::Raises => "raises",
            Effect::Lowers => "lowers",
        };
        UnsaidClaim { text: format!("{} {effect}", driver.fact), kind: UnsaidKind::Effect }
    };
    drivers.iter().filter(is_wrong).map(claim).collect()
}

/// Whether the value is at least as good as one that needs no attention, and adds no points.
fn is_good(alert_type: &AlertType, fact: &Fact, value: &FactValue) -> bool {
    let (Some(range), FactValue::Number(number)) = (fact.range(), value) else { return false };
    let is_best = || *number == if range.worse == Worse::Higher { range.min } else { range.max };
    fact.is_healthy(value).unwrap_or_else(is_best) && points_share(alert_type, fact, value) == 0.0
}

/// Whether the value needs attention and adds points.
fn is_bad(alert_type: &AlertType, fact: &Fact, value: &FactValue) -> bool {
    fact.is_healthy(value) != Some(true) && points_share(alert_type, fact, value) > 0.0
}

/// The share of the most points that a fact can add which its value adds, from 0 to 1.
fn points_share(alert_type: &AlertType, fact: &Fact, value: &FactValue) -> f64 {
    let Some(points) = alert_type.points_table().points.iter().find(|each| each.fact == fact.id()) else {
        return 0.0;
    };
    let max = points.add.iter().map(|row| row.points).max().unwrap_or(0);
    f64::from(points.points_of(Some(value))) / f64::from(max.max(1))
}
