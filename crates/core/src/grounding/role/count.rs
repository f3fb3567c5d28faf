//! Recognizes what a number counts if the words around it do not have a unit: `5 times in 14 days`.

use super::{Claimed, RoleReader};
use crate::grounding::claim::NumberClaim;
use crate::grounding::subject::ClaimSubject;
use crate::grounding::token::Token;
use crate::grounding::words::{BEFORE_PERIODS, TIMES, VERBS};

/// How many words can be between a number and its window: `5 times over the last 14 days`.
const WINDOW_WORDS_MAX: usize = 3;

impl RoleReader<'_, '_> {
    /// Whether the number is how often something was: `5 times`, `on three occasions`.
    pub(super) fn is_times(&self, claim: &NumberClaim) -> bool {
        self.word_after(claim, 0).is_some_and(|word| word.is_in(&TIMES))
    }

    /// The fact of whose label the words after the number are: `5 support contacts`.
    pub(super) fn of_label_word(&self, claim: &NumberClaim) -> Option<ClaimSubject> {
        let (next, second) = (self.word_after(claim, 0)?, self.word_after(claim, 1)?);
        let is_noun = second.ends_in_s() && !second.is_in(&VERBS);
        self.vocabulary.fact_of_word(next).filter(|_| is_noun)
    }

    /// The value of a fact that counts something, if the number is one of times or has a window: the fact that is named
    /// in its part of the sentence, or any with this window.
    pub(super) fn counted(&self, index: usize, claim: &NumberClaim) -> Option<Claimed> {
        let days = self.window_after(index, claim);
        let all = self.vocabulary.names().counted();
        if days.is_none() && !self.is_times(claim) || all.is_empty() {
            return None;
        }
        let named = self.subject(index, claim).filter(|_| self.names_in_part(claim));
        if let Some(subject) = named.filter(|subject| all.contains(subject)) {
            return Some(Claimed::Value { subject: Some(subject), or_score: false });
        }
        let fits = |subject: &ClaimSubject| days.is_some_and(|days| (self.is_window)(Some(*subject), days));
        let of_window: Vec<_> = all.iter().copied().filter(fits).collect();
        Some(Claimed::AnyOf(if of_window.is_empty() { all } else { of_window }))
    }

    /// The days of the window right after a number.
    fn window_after(&self, index: usize, claim: &NumberClaim) -> Option<f64> {
        let next = self.claims.get(index + 1)?;
        let start = claim.tokens.end + usize::from(self.is_times(claim));
        let leads = self.tokens.get(start).is_some_and(|word| word.is_in(&BEFORE_PERIODS));
        let mut between = start..next.tokens.start;
        let is_near = between.len() <= WINDOW_WORDS_MAX
            && between.all(|at| self.tokens.get(at).is_some_and(Token::is_word));
        let days = next.unit.as_ref()?.days()? * next.numeral.value;
        (leads && is_near).then_some(days)
    }
}
