//! Reads claims without a numeral: `no calls`, `one session`, `a couple of calls`, `twice`, `none were held`.
//!
//! Never: reads `no` or `one` without the unit of a fact after it, because both have other meanings.

use super::claim::{ClaimForm, ClaimReader, NumberClaim};
use super::digits::Numeral;
use super::token::Token;
use super::vocabulary::ClaimUnit;
use super::words::{
    BEFORE_HALVES, BEFORE_IDIOMS, CONDITIONS, MODALS, NONE_VERBS, NOT_ALL, RATIO_OBJECTS, RATIO_WORDS,
    SUPPOSITIONS, TIMES_WORDS,
};

/// The most words between `no` and a unit: `no inbound support calls`.
const WORDS_MAX: usize = 3;
/// The most words between `not` and `any`: `did not make any calls`.
const BEFORE_ANY_MAX: usize = 3;
/// The most words between a word for a supposition and `any`: `if the family does not make any calls`.
const SUPPOSED_MAX: usize = 8;

impl ClaimReader<'_, '_> {
    /// The claim that starts at a token, if it has no numeral.
    pub(super) fn word_claim(&self, index: usize) -> Option<NumberClaim> {
        let word = self.tokens.get(index).filter(|token| token.is_word())?;
        if let Some(ratio) = self.ratio_word(word, index) {
            return Some(self.made(index, index + 1, ratio, None, ClaimForm::Ratio));
        }
        if let Some(times) = self.times_word(word, index) {
            return Some(self.made(index, index + 1, times, None, ClaimForm::Plain));
        }
        if word.is("none") && self.is_count(index) {
            let subject = self.vocabulary.names().subject_of(self.tokens, index, index + 1, false);
            return Some(NumberClaim { subject, ..self.made(index, index + 1, 0.0, None, ClaimForm::Plain) });
        }
        let (value, after) = self.quantifier(word, index)?;
        let (unit, end) = self.unit_within(after, value)?;
        Some(self.made(index, end, value, Some(unit), ClaimForm::Plain))
    }

    fn ratio_word(&self, word: &Token<'_>, index: usize) -> Option<f64> {
        let (_, ratio) = RATIO_WORDS.iter().find(|(name, _)| word.is(name))?;
        let before = self.tokens.back(index, 1);
        let is_place = before.is_some_and(|before| before.is_in(&BEFORE_HALVES) || before.is_hyphen());
        let hyphen_follows = self.tokens.glued(index + 1).is_some_and(Token::is_hyphen);
        if is_place || hyphen_follows || word.has_capital() && before.is_some_and(|token| token.text != ".") {
            return None;
        }
        let next = self.tokens.spaced_word(index + 1);
        let has_object = next.is_some_and(|next| {
            next.is_in(&RATIO_OBJECTS) || self.vocabulary.names().starts_at(self.tokens, index + 1)
        });
        // `doubled` and `halved` need no object.
        (has_object || word.text.ends_with("ed")).then_some(*ratio)
    }

    /// How many times it was: `called twice`, but not `twice as often` nor `think twice`.
    fn times_word(&self, word: &Token<'_>, index: usize) -> Option<f64> {
        let (_, times) = TIMES_WORDS.iter().find(|(name, _)| word.is(name))?;
        let before = self.tokens.back(index, 1).filter(|before| before.is_word());
        let compares = self.tokens.spaced_word(index + 1).is_some_and(|next| next.is_in(&RATIO_OBJECTS));
        let is_idiom = before.is_none_or(|before| before.is_in(&BEFORE_IDIOMS));
        (!is_idiom && !compares).then_some(*times)
    }

    /// Whether `none` is the number of what a fact counts: `calls: none`, `none were held`.
    fn is_count(&self, index: usize) -> bool {
        self.tokens.spaced_word(index + 1).is_some_and(|verb| verb.is_in(&NONE_VERBS))
            || self.vocabulary.names().subject_of(self.tokens, index, index + 1, false).is_some()
    }

    /// Whether a word before `any` or `a single` denies it, and nothing makes it a supposition: `did not make any calls`.
    fn is_denied(&self, index: usize) -> bool {
        let back = |count: usize| self.tokens.back(index, count);
        let denies = |word: &Token<'_>| {
            word.is("not") || word.is("never") || word.text.ends_with("n't") || word.text.ends_with("n’t")
        };
        (1..=BEFORE_ANY_MAX).any(|count| back(count).is_some_and(denies))
            && !(1..=SUPPOSED_MAX)
                .map_while(back)
                .any(|word| word.is_in(&MODALS) && !word.is("to") || word.is_in(&CONDITIONS))
    }

    /// The number that a quantifier stands for, and the index of the token after it.
    fn quantifier(&self, word: &Token<'_>, index: usize) -> Option<(f64, usize)> {
        let is = |at: usize, text: &str| self.tokens.spaced_word(at).is_some_and(|token| token.is(text));
        let single = |at: usize| if is(at, "single") { at + 1 } else { at };
        if word.is("no") {
            return Some((0.0, index + 1));
        }
        if word.is("zero") {
            return None;
        }
        if word.is("any") && self.is_denied(index) {
            return Some((0.0, index + 1));
        }
        if word.is("without") {
            let any = is(index + 1, "any") || is(index + 1, "a") || is(index + 1, "one");
            return Some((0.0, single(index + 1 + usize::from(any))));
        }
        if word.is("not") && (is(index + 1, "a") || is(index + 1, "one")) && is(index + 2, "single") {
            return Some((0.0, index + 3));
        }
        if word.is("a") && is(index + 1, "couple") {
            return Some((2.0, index + 2 + usize::from(is(index + 2, "of"))));
        }
        if word.is("a") && is(index + 1, "single") {
            let value = if self.is_denied(index) { 0.0 } else { 1.0 };
            return Some((value, index + 2));
        }
        let alone = |before: &Token<'_>| before.is("no") || before.is("any") || before.is("every");
        (word.is("one") && !self.tokens.back(index, 1).is_some_and(alone)).then_some((1.0, index + 1))
    }

    /// The unit within a few words that belong to it, and the index of the token after it.
    fn unit_within(&self, after: usize, value: f64) -> Option<(ClaimUnit, usize)> {
        // `one-week`
        if self.tokens.glued(after).is_some_and(Token::is_hyphen) {
            return self.unit_of_fact_or_time(after + 1, value);
        }
        for at in after..=after + WORDS_MAX {
            let word = self.tokens.spaced_word(at)?;
            if let Some((unit, end)) = self.unit_of_fact_or_time(at, value) {
                let is_supposed = self.tokens.spaced_word(end).is_some_and(|next| next.is_in(&SUPPOSITIONS));
                return (!is_supposed).then_some((unit, end));
            }
            let belongs = self.vocabulary.knows(word.text) && !word.is_in(&NOT_ALL);
            if !belongs {
                return None;
            }
        }
        None
    }

    fn unit_of_fact_or_time(&self, at: usize, value: f64) -> Option<(ClaimUnit, usize)> {
        self.vocabulary.fact_unit_at(self.tokens, at).or_else(|| {
            let (unit, end) = self.vocabulary.unit_of_time_at(self.tokens, at)?;
            (value > 0.0).then_some((unit, end))
        })
    }

    fn made(
        &self,
        first: usize,
        end: usize,
        value: f64,
        unit: Option<ClaimUnit>,
        form: ClaimForm,
    ) -> NumberClaim {
        let start = self.tokens.get(first).map_or(0, |token| token.start);
        let last = self.tokens.back(end, 1).map_or(start, Token::end);
        NumberClaim {
            span: start..last,
            numeral: Numeral::whole(value),
            unit,
            form,
            subject: None,
            hedged: self.tokens.back(first, 1).is_some_and(|word| word.is_in(&super::words::HEDGES)),
            after_in: false,
            in_dozens: false,
            is_end: false,
            counts_things: false,
            tokens: first..end,
        }
    }
}
