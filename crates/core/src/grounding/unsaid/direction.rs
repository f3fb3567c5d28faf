//! Finds words for the wrong end of a fact's range: `very low` at 92, `many calls` at 0.
//!
//! Never: judges a comparison, such as `well above low`, or a word for a value near the middle of its range.

use super::super::numeral;
use super::super::report::UnsaidKind;
use super::super::subject::{ClaimSubject, NamedSubject};
use super::super::token::Token;
use super::super::words::{
    BEFORE_COMPARED_ENDS, DEGREES, DIRECTION_LINKS, FEW_WORDS, FUNCTION_WORDS, HIGH_WORDS, LOW_WORDS,
    MANY_WORDS, MODALS, ONLY_WORDS, OWNERS, QUANTITY_NOUNS, VALUE_NOUNS, VALUE_UNITS, WordList,
};
use super::{Found, UnsaidReader, is_bad, points_share};
use crate::alert_type::{Fact, FactKind, FactRange, FactValue, Worse};
use crate::number::Number;

/// How many words after a name can say that its value is high or low, besides a number: `the score is still very low`.
const DEGREE_WORDS_MAX: usize = 6;
/// How many words of its label can be before a name: `few inbound support calls`.
const LABEL_WORDS_MAX: usize = 3;
/// How many words before a word for an end of a range can make it a comparison: `far from a healthy score`.
const COMPARED_MAX: usize = 2;
/// From this share of its range on, a value is not low.
const HIGH_SHARE: f64 = 0.7;
/// Up to this share of its range, a value is not high.
const LOW_SHARE: f64 = 0.3;
/// How much nearer to the good end a value must be that adds points.
const BAD_MARGIN: f64 = 0.1;
/// The largest end of a range whose share says whether a value is high. Above it, the range only bounds a count.
const CLOSED_RANGE_MAX: f64 = 100.0;
/// From this share of a fact's points on, a count is clearly bad.
const BAD_POINTS_SHARE: f64 = 0.75;
/// A count that nobody calls high.
const NOT_MANY_MAX: f64 = 1.0;

impl UnsaidReader<'_, '_> {
    pub(super) fn directions(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for name in self.names {
            let Some((fact, wrong)) = self.wrong_words(name.subject) else { continue };
            let kind = UnsaidKind::Direction;
            if let Some(start) = self.wrong_word_before(name, fact, wrong) {
                found.push(Found { start, end: name.end, kind });
            } else if let Some(at) = self.wrong_word_after(name, wrong) {
                found.push(Found { start: name.start, end: at + 1, kind });
            }
        }
        found
    }

    /// The words that contradict the value of a fact, if the value is near an end of its range.
    fn wrong_words(&self, subject: ClaimSubject) -> Option<(&Fact, &'static WordList)> {
        let ClaimSubject::Fact(index) = subject else { return None };
        let fact = self.alert_type.facts().get(index)?;
        let (range, value) = (fact.range()?, self.facts.get(fact.id())?);
        let FactValue::Number(number) = value else { return None };
        let (is_high, is_low) = if range.max.get() <= CLOSED_RANGE_MAX {
            let share = (number.get() - range.min.get()) / (range.max.get() - range.min.get());
            // `Somewhat low` can be said of 75 if only 85 needs no attention.
            let margin = if is_bad(self.alert_type, fact, value) { BAD_MARGIN } else { 0.0 };
            let (high_margin, low_margin) = match range.worse {
                Worse::Higher => (0.0, margin),
                Worse::Lower => (margin, 0.0),
            };
            (share >= HIGH_SHARE + high_margin, share <= LOW_SHARE - low_margin)
        } else {
            let adds_most = points_share(self.alert_type, fact, value) >= BAD_POINTS_SHARE;
            let is_good = is_better_than_healthy(range, *number);
            let (is_high, is_low) = match range.worse {
                Worse::Higher => (adds_most, is_good),
                Worse::Lower => (is_good, adds_most),
            };
            // Nobody calls one thing many.
            let is_one = matches!(fact.kind(), FactKind::Integer(_)) && number.get() <= NOT_MANY_MAX;
            (is_high && !is_one, is_low || is_one)
        };
        let is_open = range.max.get() > CLOSED_RANGE_MAX;
        let words = match (is_high, is_low, is_open) {
            (true, _, false) => &LOW_WORDS,
            (true, _, true) => &FEW_WORDS,
            (_, true, false) => &HIGH_WORDS,
            (_, true, true) => &MANY_WORDS,
            (false, false, _) => return None,
        };
        Some((fact, words))
    }

    /// The index of a wrong word before a name: `a very low health score`, `a high number of support calls`.
    fn wrong_word_before(&self, name: &NamedSubject, fact: &Fact, wrong: &WordList) -> Option<usize> {
        let is_of_label =
            |word: &Token<'_>| fact.label().split(|c: char| !c.is_alphanumeric()).any(|each| word.is(each));
        let mut at = name.start;
        for _ in 0..LABEL_WORDS_MAX {
            at -= usize::from(self.tokens.back(at, 1).is_some_and(is_of_label));
        }
        // `a high number of these calls`, `few of the calls`.
        let of = at - usize::from(self.tokens.back(at, 1).is_some_and(|word| word.is_in(&OWNERS)));
        if self.tokens.back(of, 1).is_some_and(|word| word.is("of")) {
            at = of - 1;
            at -= usize::from(self.tokens.back(at, 1).is_some_and(|word| word.is_in(&QUANTITY_NOUNS)));
        }
        let at = at.checked_sub(1)?;
        let is_wrong = self.tokens.get(at)?.is_in(wrong)
            && !self.is_value_of_enum(at, name.end)
            && !self.is_a_few(at)
            && !self.is_supposed(at)
            && !self.is_compared(at)
            && !self.tokens.get(name.end).is_some_and(|word| word.is_in(&MODALS));
        is_wrong.then_some(at)
    }

    /// The index of a wrong word after a name, and perhaps after its value: `the score of 92 out of 100 is very low`,
    /// `Health score: 92 (low)`.
    fn wrong_word_after(&self, name: &NamedSubject, wrong: &WordList) -> Option<usize> {
        let (mut at, mut words) = (name.end, 0);
        // Whether no verb or a mark is between the name and the word, and whether a number is right before it.
        let (mut apart, mut after_value) = (true, false);
        while words < DEGREE_WORDS_MAX {
            if let Some(next) = self.value_at(at) {
                (at, after_value) = (next, true);
                continue;
            }
            let word = self.tokens.get(at)?;
            if word.is_in(wrong) {
                let is_wrong = self.ends_phrase(at, apart) && !self.is_supposed(at) && !self.is_a_few(at);
                return is_wrong.then_some(at);
            }
            if matches!(word.text, ":" | "(" | "=" | "a" | "an")
                || after_value && matches!(word.text, "," | "–" | "—" | "-" | "and")
            {
                apart = true;
            } else if word.is_in(&DIRECTION_LINKS) {
                apart = false;
            } else if !word.is_in(&DEGREES) {
                return None;
            }
            after_value = false;
            at += 1;
            words += 1;
        }
        None
    }

    /// The index after a number with its unit or whole: `92`, `(92)`, `, at 92,`, `92/100`, `92 out of 100`, `92 points`.
    fn value_at(&self, at: usize) -> Option<usize> {
        let text = |at: usize| self.tokens.get(at).map_or("", |token| token.text);
        let opens = matches!(text(at), "(" | ",");
        let first = at + usize::from(opens);
        let first = first + usize::from(opens && matches!(text(first), "at" | "of" | "now" | "="));
        let (_, mut next) = numeral::at(self.tokens, first)?;
        let of = next + usize::from(text(next) == "out");
        if matches!(text(of), "of" | "/")
            && let Some((_, end)) = numeral::at(self.tokens, of + 1)
        {
            next = end;
        }
        next += usize::from(self.tokens.get(next).is_some_and(|unit| unit.is_in(&VALUE_UNITS)));
        Some(next + usize::from(opens && matches!(text(next), ")" | ",")))
    }

    /// Whether a word describes the name before it, and not what follows: `calls, few sessions`, `Health: low risk`.
    fn ends_phrase(&self, at: usize, apart: bool) -> bool {
        let is_name = |at: usize| self.names.iter().any(|name| name.start == at);
        let Some(next) = self.tokens.get(at + 1) else { return true };
        if !next.is_word() {
            return next.spaced || !next.is_hyphen();
        }
        let is_content = !next.is_in(&FUNCTION_WORDS) && !next.is_in(&VALUE_NOUNS);
        !(is_name(at + 1) || is_content && (apart || is_name(at + 2)))
    }

    /// Whether it is the `few` of `a few calls`, which are not few. `Only a few calls` are.
    fn is_a_few(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|word| word.is("few"))
            && self.tokens.back(at, 1).is_some_and(|word| word.is("a"))
            && !self.tokens.back(at, 2).is_some_and(|word| word.is_in(&ONLY_WORDS))
    }

    /// Whether it is what a value is compared with: `far from a healthy score`.
    fn is_compared(&self, at: usize) -> bool {
        (1..=COMPARED_MAX)
            .any(|back| self.tokens.back(at, back).is_some_and(|word| word.is_in(&BEFORE_COMPARED_ENDS)))
    }
}

/// Whether a value is better than one that needs no attention, or the best of its range.
fn is_better_than_healthy(range: &FactRange, value: Number) -> bool {
    match range.worse {
        Worse::Higher => value == range.min || range.healthy.is_some_and(|healthy| value < healthy),
        Worse::Lower => value == range.max || range.healthy.is_some_and(|healthy| value > healthy),
    }
}
