//! Recognizes windows of time, and rates.

use super::{Claimed, NO_WINDOW, RoleReader, WindowTime};
use crate::grounding::claim::NumberClaim;
use crate::grounding::report::ClaimRole;
use crate::grounding::subject::ClaimSubject;
use crate::grounding::words::{AHEAD, BEFORE_RATES, LEAVING, NEVER_WINDOWS, PAST, WordList};

/// How many words before a duration can say that it is over or in the future.
const TIME_WORDS_MAX: usize = 3;
/// The days of a week.
const WEEK_DAYS: f64 = 7.0;

impl RoleReader<'_, '_> {
    /// The days of a rate: `5 calls a day`, `2 sessions per week`.
    pub(super) fn rate(&self, claim: &NumberClaim) -> Option<f64> {
        let after = claim.tokens.end;
        let word = self.tokens.get(after)?;
        if word.is("daily") {
            return Some(1.0);
        }
        if word.is("weekly") {
            return Some(7.0);
        }
        let at = after + usize::from(word.is("times"));
        let per = self.tokens.get(at).is_some_and(|word| word.is_in(&BEFORE_RATES) || word.text == "/");
        let unit = per.then(|| self.vocabulary.duration_at(self.tokens, at + 1)).flatten();
        unit.and_then(|unit| unit.days())
    }

    /// A duration: which one, and when it was or will be.
    pub(super) fn window(&self, index: usize, claim: &NumberClaim) -> Claimed {
        let never = self.word_before(claim, 1).is_some_and(|word| word.is_in(&NEVER_WINDOWS))
            || self.word_after(claim, 0).is_some_and(|word| word.is("ago") || word.is("old"));
        if never {
            return Claimed::Never(ClaimRole::Window, NO_WINDOW);
        }
        let subject = self.nearest_with_window(claim);
        // `the past 7 and 14 days`: each is the window of one of the facts.
        let before = index.checked_sub(1).and_then(|before| self.claims.get(before));
        let is_second = before.is_some_and(|before| {
            before.tokens.end + 1 == claim.tokens.start
                && before.unit == claim.unit
                && self.lacks_unit(before)
        });
        if self.lacks_unit(claim) || is_second {
            return Claimed::Window { subject: None, time: WindowTime::Either };
        }
        // `in 14 to 30 days`: the first end may be a window, and the second the horizon.
        let opens_range = self.claims.get(index + 1).is_some_and(|next| {
            claim.tokens.end + 1 == next.tokens.start
                && next.unit == claim.unit
                && self.tokens.get(claim.tokens.end).is_some_and(|link| !matches!(link.text, "," | "and"))
        });
        if opens_range {
            return Claimed::Window { subject: None, time: WindowTime::Either };
        }
        let before = |list: &WordList| self.has_before(claim, TIME_WORDS_MAX, list);
        let after = |list: &WordList| self.has_after(claim, 2, list);
        let time = if before(&PAST) {
            WindowTime::Past
        } else if before(&AHEAD) || after(&AHEAD) {
            WindowTime::Ahead
        } else {
            let leaving = self.distance_to_word(claim, &LEAVING);
            let fact = subject.and_then(|subject| self.distance_to(claim, subject));
            match (fact, leaving) {
                (Some(fact), Some(leaving)) if leaving < fact => WindowTime::Ahead,
                (Some(_), _) => WindowTime::Past,
                (None, Some(_)) => WindowTime::Ahead,
                (None, None) => WindowTime::Either,
            }
        };
        Claimed::Window { subject, time }
    }

    /// The fact whose window the number is, without its unit: `no calls in 14`.
    pub(super) fn of_bare_window(&self, claim: &NumberClaim) -> Option<ClaimSubject> {
        let near = self.nearest_with_window(claim).filter(|_| claim.after_in)?;
        let is_window = |days: f64| (self.is_window)(Some(near), days * claim.numeral.value);
        (is_window(1.0) || is_window(WEEK_DAYS)).then_some(near)
    }

    /// Whether the claim has its unit from a later number: the 7 of `7 and 14 days`.
    fn lacks_unit(&self, claim: &NumberClaim) -> bool {
        let last = claim.tokens.end.saturating_sub(1);
        claim.unit.is_some()
            && self.tokens.get(last).is_some_and(|token| token.is_digits() || token.is_number_word())
    }
}
