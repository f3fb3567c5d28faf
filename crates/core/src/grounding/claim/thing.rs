//! Recognizes numbers of things that are not the unit of a fact: `12% of the tutors`, `65 cancellations`.

use super::ClaimReader;
use crate::grounding::token::Token;
use crate::grounding::words::{AFTER_OUT_OF, BEFORE_THINGS, FUNCTION_WORDS, THINGS, VERBS};

impl ClaimReader<'_, '_> {
    /// Whether a noun in the plural makes a percentage a rate: `of all families`, `of the tutors`, but not `of its maximum`.
    pub(super) fn is_part_of_things(&self, next: usize) -> bool {
        let of = self.tokens.spaced_word(next).filter(|of| of.is("of"));
        let Some(word) = self.tokens.spaced_word(next + 1).filter(|_| of.is_some()) else { return false };
        if word.is_in(&AFTER_OUT_OF) {
            let noun = self.tokens.spaced_word(next + 2).filter(|noun| noun.ends_in_s());
            return noun.is_some_and(|noun| !noun.is_in(&VERBS) && !noun.is("points"));
        }
        self.plural_noun_at(next + 1 + usize::from(word.is_in(&BEFORE_THINGS)))
    }

    /// Whether a noun in the plural follows, perhaps after one more word.
    pub(in crate::grounding) fn plural_noun_at(&self, next: usize) -> bool {
        let word = |at: usize| self.tokens.spaced_word(at).filter(|word| !FUNCTION_WORDS.has(word.text));
        let Some(first) = word(next) else { return false };
        first.ends_in_s() || word(next + 1).is_some_and(Token::ends_in_s)
    }

    /// Whether a noun in the plural follows that is not a verb: `65 cancellations`, but not `65 suggests`.
    pub(super) fn counts_things(&self, next: usize) -> bool {
        let Some(word) = self.tokens.spaced_word(next).filter(|word| !FUNCTION_WORDS.has(word.text)) else {
            return false;
        };
        if word.ends_in_s() {
            return !word.is_in(&VERBS);
        }
        // `nine inbound contacts`: a word of the type before a noun means its fact.
        if self.vocabulary.knows(word.text) {
            return false;
        }
        // `20 tutor hours`, `3 unanswered emails`, but not `65 leaves students`.
        let noun =
            |noun: &&Token<'_>| noun.ends_in_s() && !noun.is_in(&VERBS) && !FUNCTION_WORDS.has(noun.text);
        let is_noun = !word.text.ends_with("ed") && !word.text.ends_with("ly");
        self.tokens.spaced_word(next + 1).filter(noun).is_some_and(|noun| is_noun || noun.is_in(&THINGS))
    }
}
