//! Finds what a text says without a number and the facts do not: a trend, a cause, the wrong end of a range, another
//! status, a driver that moves the score the wrong way.
//!
//! Never: judges a supposition, such as `may decline`, or words that it does not know.

use super::report::{UnsaidClaim, UnsaidKind};
use super::subject::{ClaimSubject, NamedSubject};
use super::token::{Token, Tokens};
use super::vocabulary::singular;
use super::words::{DEGREES, HIGH_WORDS, LINKS, LOW_WORDS, MODALS, NEGATIONS, TRENDS};
use crate::alert::Facts;
use crate::alert_type::{AlertType, Fact, FactKind, FactValue, Worse};
use crate::driver::Effect;
use crate::reply::ReplyDriver;

/// How many words before a word can make it a supposition or deny it.
const BEFORE_MAX: usize = 3;
/// How many words around a change can say that it is the risk that changes.
const RISK_WORDS_MAX: usize = 3;
/// How many words after a name can say that its value is high or low: `the score is still very low`.
const DEGREE_WORDS_MAX: usize = 4;
/// How many words from the name of an enum its value can be.
const STATUS_WORDS_MAX: usize = 5;
/// From this share of its range on, a value is not low.
const HIGH_SHARE: f64 = 0.7;
/// Up to this share of its range, a value is not high.
const LOW_SHARE: f64 = 0.3;
/// The largest end of a range whose share says whether a value is high. Above it, the range only bounds a count.
const CLOSED_RANGE_MAX: f64 = 100.0;

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

    fn trends(&self) -> Vec<Found> {
        let is_trend = |at: &usize| {
            self.tokens.get(*at).is_some_and(|word| word.is_in(&TRENDS))
                && !self.is_supposed(*at)
                && !self.is_of_risk(*at)
        };
        (0..self.tokens.len())
            .filter(is_trend)
            .map(|at| Found { start: at, end: at + 1, kind: UnsaidKind::Trend })
            .collect()
    }

    fn causes(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for phrase in self.alert_type.unsaid() {
            let words: Vec<_> = phrase.split_whitespace().map(singular).collect();
            let fits = |at: usize| {
                words.iter().zip(at..).all(|(word, at)| {
                    self.tokens.get(at).is_some_and(|token| token.is_word() && singular(token.text) == *word)
                })
            };
            let starts =
                (0..self.tokens.len()).filter(|at| !words.is_empty() && fits(*at) && !self.is_supposed(*at));
            found.extend(starts.map(|at| Found {
                start: at,
                end: at + words.len(),
                kind: UnsaidKind::Cause,
            }));
        }
        found
    }

    fn directions(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for name in self.names {
            let Some(share) = self.share(name.subject) else { continue };
            let contradicts = |at: usize| {
                self.tokens.get(at).is_some_and(|word| {
                    share >= HIGH_SHARE && word.is_in(&LOW_WORDS)
                        || share <= LOW_SHARE && word.is_in(&HIGH_WORDS)
                })
            };
            let before = name
                .start
                .checked_sub(1)
                .filter(|at| contradicts(*at) && !self.is_value_of_enum(*at, name.end));
            if let Some(at) = before.filter(|at| !self.is_supposed(*at)) {
                found.push(Found { start: at, end: name.end, kind: UnsaidKind::Direction });
                continue;
            }
            for at in name.end..name.end + DEGREE_WORDS_MAX {
                if contradicts(at) && !self.is_supposed(at) {
                    found.push(Found { start: name.start, end: at + 1, kind: UnsaidKind::Direction });
                    break;
                }
                let links = self.tokens.get(at).is_some_and(|word| {
                    word.is_in(&LINKS) && !matches!(word.text, ":" | "(") || word.is_in(&DEGREES)
                });
                if !links {
                    break;
                }
            }
        }
        found
    }

    /// Whether two tokens are the words of the alert's own value of an enum: `high demand`.
    fn is_value_of_enum(&self, start: usize, end: usize) -> bool {
        self.enums()
            .any(|(_, value, _)| self.words_at(start, value).is_some_and(|next| next <= end.max(start + 2)))
    }

    fn statuses(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for (fact, own, values) in self.enums() {
            let is_name = |at: usize| {
                let is_word = |token: &Token<'_>| fact.id().split('_').any(|word| token.is(word));
                self.tokens.get(at).is_some_and(is_word)
            };
            for value in values.iter().filter(|value| value.as_str() != own) {
                for start in 0..self.tokens.len() {
                    let Some(end) = self.words_at(start, value) else { continue };
                    let near = start.saturating_sub(STATUS_WORDS_MAX)..end + STATUS_WORDS_MAX;
                    // A longer value of the alert's own may contain this one.
                    let is_own = (start.saturating_sub(2)..=start)
                        .any(|at| self.words_at(at, own).is_some_and(|own_end| own_end >= end));
                    let named = near.clone().any(|at| is_name(at) && !(start..end).contains(&at));
                    let states_own = near.clone().any(|at| self.words_at(at, own).is_some());
                    if named && !is_own && !states_own && !self.is_supposed(start) {
                        found.push(Found { start, end, kind: UnsaidKind::Status });
                    }
                }
            }
        }
        found
    }

    /// The enums of the alert: each with its value, and all its values.
    fn enums(&self) -> impl Iterator<Item = (&Fact, &str, Vec<String>)> {
        self.alert_type.facts().iter().filter_map(|fact| {
            let FactKind::Enum { values, .. } = fact.kind() else { return None };
            let FactValue::Word(own) = self.facts.get(fact.id())? else { return None };
            Some((fact, own.as_str(), values.iter().map(|value| value.id.clone()).collect()))
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
        (1..=BEFORE_MAX).any(|back| {
            self.tokens.back(at, back).is_some_and(|word| word.is_in(&MODALS) || word.is_in(&NEGATIONS))
        })
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

    /// The share of a closed range that the value covers.
    fn share(&self, subject: ClaimSubject) -> Option<f64> {
        let ClaimSubject::Fact(index) = subject else { return None };
        let fact = self.alert_type.facts().get(index)?;
        let range = fact.range().filter(|range| range.max.get() <= CLOSED_RANGE_MAX)?;
        let FactValue::Number(value) = self.facts.get(fact.id())? else { return None };
        Some((value.get() - range.min.get()) / (range.max.get() - range.min.get()))
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
            Effect::Raises => is_good(fact, value),
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

/// Whether the value is at least as good as one that needs no attention.
fn is_good(fact: &Fact, value: &FactValue) -> bool {
    let (Some(range), FactValue::Number(value)) = (fact.range(), value) else { return false };
    match (range.worse, range.healthy) {
        (Worse::Higher, Some(healthy)) => *value <= healthy,
        (Worse::Lower, Some(healthy)) => *value >= healthy,
        (Worse::Higher, None) => *value == range.min,
        (Worse::Lower, None) => *value == range.max,
    }
}

/// Whether the value adds at least half of the points that its fact can add.
fn is_bad(alert_type: &AlertType, fact: &Fact, value: &FactValue) -> bool {
    let table = alert_type.points_table();
    let rows = table.points.iter().find(|points| points.fact == fact.id()).map(|points| &points.add);
    let max = rows.into_iter().flatten().map(|row| row.points).max().unwrap_or(0);
    max > 0
        && table
            .points_of(fact.id(), Some(value))
            .is_some_and(|points| u16::from(points) * 2 >= u16::from(max))
}
