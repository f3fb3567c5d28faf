//! Recognizes percentages of facts, of things, and the chance, which is the risk score.

use super::{Claimed, END_WORDS_MAX, NO_PERCENTAGE, RoleReader};
use crate::grounding::claim::NumberClaim;
use crate::grounding::report::ClaimRole;
use crate::grounding::subject::ClaimSubject;
use crate::grounding::words::{
    CHANCES, DISTANCE_WORDS, FUNCTION_WORDS, GONE, LESS, MORE, POINT_DISTANCES, RATE_NOUNS,
};

/// How many words around a percentage can call it a chance.
const CHANCE_WORDS_MAX: usize = 4;
/// How many words after a percentage can call it a rate: `a 68% attendance rate`.
const RATE_WORDS_MAX: usize = 2;

impl RoleReader<'_, '_> {
    /// `20% of requests` is a percentage of a fact if the alert type speaks of requests.
    pub(super) fn thing_percentage(&self, claim: &NumberClaim) -> bool {
        (1..=2).any(|ahead| self.word_after(claim, ahead).is_some_and(|word| self.vocabulary.describes(word)))
    }

    /// A percentage that is not said of things.
    pub(super) fn percentage(&self, claim: &NumberClaim, subject: Option<ClaimSubject>) -> Claimed {
        let is_chance = self.has_after(claim, CHANCE_WORDS_MAX, &CHANCES)
            || self.has_before(claim, CHANCE_WORDS_MAX, &CHANCES);
        let has_percent = subject.is_some_and(|subject| (self.facts_of_unit)(claim).contains(&subject));
        let compared = if is_chance { Some(ClaimSubject::Risk) } else { subject }
            .filter(|compared| *compared == ClaimSubject::Risk || has_percent);
        if let (Some(compared), Some((order, is_close))) = (compared, self.comparison(claim)) {
            return Claimed::Comparison { subjects: vec![compared], order, is_close };
        }
        if is_chance {
            return Claimed::Chance;
        }
        // `a 68% attendance rate`, if no fact is about attendance.
        let rate = (1..=RATE_WORDS_MAX)
            .find(|ahead| self.word_after(claim, *ahead).is_some_and(|word| word.is_in(&RATE_NOUNS)));
        let is_other = |ahead: usize| {
            self.word_after(claim, ahead).is_some_and(|word| {
                word.is_word() && !word.is_in(&FUNCTION_WORDS) && !self.vocabulary.describes(word)
            })
        };
        if rate.is_some_and(|rate| (0..rate).all(is_other)) {
            return Claimed::Never(ClaimRole::Percentage, NO_PERCENTAGE);
        }
        // `73% higher than supply` is arithmetic with two facts, which the prompt does not have.
        let is_relative =
            self.word_after(claim, 0).is_some_and(|word| word.is_in(&MORE) || word.is_in(&LESS))
                && self.word_after(claim, 1).is_some_and(|word| word.is("than"))
                && !self.names_in(&(claim.tokens.end..claim.tokens.end + END_WORDS_MAX)).is_empty();
        if is_relative {
            return Claimed::Never(ClaimRole::Percentage, NO_PERCENTAGE);
        }
        let part_of = self
            .word_after(claim, 0)
            .filter(|word| word.is("of"))
            .and_then(|_| {
                self.names_in(&(claim.tokens.end + 1..claim.tokens.end + 1 + END_WORDS_MAX)).first()
            })
            .filter(|name| name.start == claim.tokens.end + 1)
            .map(|name| name.subject);
        if self.has_gap_before(claim) || self.word_after(claim, 0).is_some_and(|word| word.is("apart")) {
            let subjects = self.named_in_clause(claim);
            return Claimed::Distance { subjects, is_of_two: false, or_value: false };
        }
        let is_rest = self.has_after(claim, 3, &DISTANCE_WORDS)
            || self.has_after(claim, 3, &POINT_DISTANCES)
            || self.has_after(claim, 3, &GONE);
        Claimed::Percentage { subject, part_of, is_rest }
    }
}
