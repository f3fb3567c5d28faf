//! Reads counts of the facts themselves: `two warning signs`, `two of the three facts`, `the two together`.
//!
//! Never: judges a count. The evidence does, except for a right part of the facts, which is not a claim.

use super::claim::ClaimReader;
use super::digits::Numeral;
use super::numeral::{self, NumeralReading};
use super::token::Token;
use super::words::{BEFORE_THE_FACTS, FACT_NOUNS, FUNCTION_WORDS, OWNERS, SMALL, VERBS};

/// The most words between a number and a noun for the facts.
const BEFORE_FACT_NOUN_MAX: usize = 2;
/// The most tokens between `of` and a noun for the facts: `of the student's three given facts`.
const AFTER_OF_MAX: usize = 6;

/// The most tokens between a noun for the facts and a pronoun for them: `the facts are clear: two of them are low`.
const BEFORE_PRONOUN_MAX: usize = 20;

/// What follows the number of a part of the facts.
struct FactsWhole {
    /// How many facts there are said to be.
    count: Option<f64>,
    /// The index of the token after it.
    end: usize,
}

impl ClaimReader<'_, '_> {
    /// The index after a part of the facts that the alert can have: `two of the three facts`. It is not a claim, nor is the
    /// number in it.
    pub(super) fn part_of_facts(&self, index: usize) -> Option<usize> {
        let (part, next) = match numeral::at(self.tokens, index) {
            Some((NumeralReading::Numeral(numeral), next)) => (numeral.value, next),
            Some((NumeralReading::NonClaim, _)) => return None,
            None => (1.0, index + usize::from(self.tokens.get(index)?.is("one"))),
        };
        if next == index {
            return None;
        }
        let facts = self.vocabulary.facts_count();
        let Some(whole) = self.whole_of_facts(next) else {
            let is_part = part.fract() == 0.0 && (0.0..=facts).contains(&part);
            let in_words = self.tokens.get(index)?.is_word();
            let of_facts = || self.refers_to_facts(index, next) || self.follows_facts(index, next);
            return (is_part && in_words && of_facts()).then_some(next);
        };
        let count = whole.count.unwrap_or(facts);
        (part.fract() == 0.0 && (0.0..=count).contains(&part) && count <= facts).then_some(whole.end)
    }

    /// Whether the number counts the facts: `two warning signs`, `the two together`, `two of the four facts`.
    pub(super) fn counts_facts(&self, numeral: Numeral, number: usize, next: usize) -> bool {
        if numeral.value.fract() != 0.0 {
            return false;
        }
        if self.whole_of_facts(next).is_some() {
            return true;
        }
        if numeral.value < 2.0 {
            return false;
        }
        let introduced = self.tokens.back(number, 1).is_some_and(|word| word.is_in(&BEFORE_THE_FACTS));
        let in_words = self.tokens.get(number).is_some_and(|word| word.is_in(&SMALL));
        self.after_fact_noun(next).is_some() || introduced && in_words && !self.plural_noun_at(next)
    }

    /// Whether it is the number of `two of them`, and the last noun in the plural before it means the facts.
    fn refers_to_facts(&self, index: usize, next: usize) -> bool {
        let is = |at: usize, list: &[&str]| {
            self.tokens.spaced_word(at).is_some_and(|word| list.iter().any(|each| word.is(each)))
        };
        let refers =
            is(next, &["of"]) && is(next + 1, &["them", "these", "those"]) && !self.plural_noun_at(next + 2);
        let nouns = (1..=BEFORE_PRONOUN_MAX).filter_map(|back| self.tokens.back(index, back));
        let is_noun = |word: &&Token<'_>| {
            let may_be_noun = !word.is_in(&VERBS) || self.vocabulary.knows(word.text);
            word.ends_in_s() && may_be_noun || word.is_in(&FACT_NOUNS)
        };
        let mut nouns = nouns.filter(is_noun);
        refers && nouns.next().is_some_and(|noun| noun.is_in(&FACT_NOUNS))
    }

    /// Whether it is the number of `of the three facts, two are low`.
    fn follows_facts(&self, index: usize, next: usize) -> bool {
        let back = |count: usize| self.tokens.back(index, count);
        let comma = usize::from(back(1).is_some_and(|mark| mark.text == ","));
        back(comma + 1).is_some_and(|noun| noun.is_in(&FACT_NOUNS))
            && (comma + 2..=comma + AFTER_OF_MAX).any(|count| back(count).is_some_and(|word| word.is("of")))
            && !self.plural_noun_at(next)
    }

    /// The index after a noun for the facts that follows, perhaps after a few words: `key risk factors`.
    fn after_fact_noun(&self, next: usize) -> Option<usize> {
        for at in next..=next + BEFORE_FACT_NOUN_MAX {
            let word = self.tokens.spaced_word(at)?;
            if word.is_in(&FACT_NOUNS) {
                return Some(at + 1);
            }
            if FUNCTION_WORDS.has(word.text) || word.ends_in_s() {
                return None;
            }
        }
        None
    }

    /// Reads what makes the number before it a part of the facts: `of the three facts`, `out of three indicators`,
    /// `facts out of three`, `/3 facts`.
    fn whole_of_facts(&self, next: usize) -> Option<FactsWhole> {
        let number = |at: usize| match numeral::at(self.tokens, at)? {
            (NumeralReading::Numeral(numeral), next) => Some((numeral.value, next)),
            (NumeralReading::NonClaim, _) => None,
        };
        if self.tokens.glued(next).is_some_and(|mark| mark.text == "/") {
            let (count, after) = number(next + 1)?;
            let end = self.after_fact_noun(after).or_else(|| Some(self.whole_of_facts(after)?.end))?;
            return Some(FactsWhole { count: Some(count), end });
        }
        let noun = self.after_fact_noun(next);
        let out = noun.unwrap_or(next);
        let of = out + usize::from(self.tokens.spaced_word(out)?.is("out"));
        self.tokens.spaced_word(of).filter(|word| word.is("of"))?;
        let mut at = of + 1;
        while at <= of + AFTER_OF_MAX {
            if let Some((count, end)) = number(at) {
                let count = Some(count);
                // `two of the three are low`, but not `two of the three sessions`.
                let introduced = self.tokens.back(at, 1).is_some_and(|word| word.is_in(&BEFORE_THE_FACTS));
                let in_words = self.tokens.get(at).is_some_and(|word| word.is_in(&SMALL));
                let alone = (noun.is_some() || introduced && in_words) && !self.plural_noun_at(end);
                return match self.after_fact_noun(end) {
                    Some(end) => Some(FactsWhole { count, end }),
                    None => alone.then_some(FactsWhole { count, end }),
                };
            }
            let word = self.tokens.spaced_word(at)?;
            if word.is_in(&FACT_NOUNS) {
                return Some(FactsWhole { count: None, end: at + 1 });
            }
            if !word.is_in(&OWNERS) && (FUNCTION_WORDS.has(word.text) || word.ends_in_s()) {
                return None;
            }
            at += 1;
        }
        None
    }
}
