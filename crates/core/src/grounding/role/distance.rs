//! Recognizes distances and comparisons.

use super::{Claimed, ComparisonOrder, RoleReader};
use crate::grounding::claim::{ClaimForm, NumberClaim};
use crate::grounding::subject::ClaimSubject;
use crate::grounding::token::Token;
use crate::grounding::vocabulary::ClaimUnit;
use crate::grounding::words::{
    ABOVE, ABOVE_OF, BELOW, BELOW_OF, BETWEEN, DISTANCE_WORDS, END_WORDS, GAPS, HEDGES, HEDGING_BY, LESS,
    MORE, POINT_DISTANCES, WordList,
};

/// How many words around a number can say that it is a distance.
const GAP_WORDS_MAX: usize = 4;
/// How many words a word for a distance can be before its number.
const GAP_LEAD_MAX: usize = 10;
/// How many words after a distance can name the other fact: `points ahead of the demand score`.
const OTHER_WORDS_MAX: usize = 5;
/// How many words after a number can name an end of the range.
const END_WORDS_MAX: usize = 5;

impl RoleReader<'_, '_> {
    pub(super) fn distance(&self, claim: &NumberClaim, subject: Option<ClaimSubject>) -> Option<Claimed> {
        let next = self.word_after(claim, 0);
        let of_points = claim.unit.as_ref().is_none_or(ClaimUnit::is_point);
        let or_more = |word: &Token<'_>| word.is("or");
        let is_distance = next.is_some_and(|word| {
            (word.is_in(&DISTANCE_WORDS) || of_points && word.is_in(&POINT_DISTANCES)) && !or_more(word)
        });
        let hedges = (1..=2)
            .take_while(|back| self.word_before(claim, *back).is_some_and(|word| word.is_in(&HEDGES)))
            .count();
        let by = self.word_before(claim, hedges + 1).is_some_and(|word| word.is("by"));
        // `5 within 7 days` does not name a gap.
        let of_gap =
            of_points && self.any_after(claim, GAP_WORDS_MAX, |word| word.is_in(&GAPS) && !word.is("within"));
        let lies_between = of_points && self.has_after(claim, GAP_WORDS_MAX, &BETWEEN);
        let gap = lies_between
            || self.has_gap_before(claim)
            || next.is_some_and(|word| word.is_in(&GAPS))
            || of_gap;
        // `Supply is 80 points below its maximum, demand 7.5 points.`
        let continues = claim.unit.is_some()
            && of_points
            && self
                .names_in(&(claim.tokens.start.saturating_sub(END_WORDS_MAX)..claim.tokens.start))
                .iter()
                .any(|name| name.end == claim.tokens.start)
            && self.has_word_in_clause(claim, &DISTANCE_WORDS);
        let to_end = of_points && claim.subject.is_none() && self.has_after(claim, END_WORDS_MAX, &END_WORDS);
        if !(is_distance || by || gap || continues || to_end) {
            return None;
        }
        // `92 is near the top` may also be the value.
        let only_to_end = !(is_distance || by || gap || continues);
        if only_to_end && (self.is_of_score(claim) || self.in_apposition(claim).is_some()) {
            return None;
        }
        let mut subjects = if self.only_says_score(claim) {
            self.vocabulary.names().scores()
        } else if only_to_end {
            subject.filter(|_| self.names_in_part(claim)).into_iter().collect()
        } else {
            let named = self.named_in_clause(claim);
            let other = subject.filter(|subject| !named.contains(subject));
            named.into_iter().chain(other).collect()
        };
        subjects.retain(|subject| *subject != ClaimSubject::Risk);
        let is_of_two = self.is_of_two(claim, by);
        Some(Claimed::Distance { subjects, is_of_two, or_value: !(is_distance || by || gap) })
    }

    /// Whether the text compares two facts: `20 points ahead of demand`, `demand exceeds supply by 20`.
    fn is_of_two(&self, claim: &NumberClaim, by: bool) -> bool {
        let part = self.part_of_sentence(claim);
        let in_range = |range: std::ops::Range<usize>| {
            let mut subjects: Vec<_> = self.names_in(&range).iter().map(|name| name.subject).collect();
            subjects.retain(|subject| *subject != ClaimSubject::Risk);
            subjects.dedup();
            subjects.len()
        };
        let after = claim.tokens.end..part.end.min(claim.tokens.end + OTHER_WORDS_MAX);
        let to_end = self.has_after(claim, END_WORDS_MAX, &END_WORDS);
        let before = in_range(part.start..claim.tokens.start);
        !to_end && (by && before > 1 || !by && before > 0 && in_range(after) > 0)
    }

    /// Whether a word for a distance leads to the number: `the gap between demand and supply is 60`.
    pub(super) fn has_gap_before(&self, claim: &NumberClaim) -> bool {
        let clause = self.clause(claim);
        let before = self.claims_in(&(clause.start..claim.tokens.start)).iter();
        let last = before
            .rev()
            .find(|other| other.form != ClaimForm::Facts)
            .map_or(clause.start, |other| other.tokens.end);
        // `the gap between 70 and 35`: the numbers are the values.
        if self.word_before(claim, 1).is_some_and(|word| word.is("between")) {
            return false;
        }
        let start = claim.tokens.start.saturating_sub(GAP_LEAD_MAX).max(last);
        (start..claim.tokens.start).any(|at| self.tokens.get(at).is_some_and(|word| word.is_in(&GAPS)))
    }

    pub(super) fn comparison(&self, claim: &NumberClaim) -> Option<(ComparisonOrder, bool)> {
        let mut at = 1;
        while self.word_before(claim, at).is_some_and(|word| word.is_in(&HEDGES) || word.is("the")) {
            at += 1;
        }
        let before = self.word_before(claim, at);
        let is = |token: Option<&Token<'_>>, list: &WordList| token.is_some_and(|token| token.is_in(list));
        let word = |token: Option<&Token<'_>>, text: &str| token.is_some_and(|token| token.is(text));
        let (one, two) = (self.word_before(claim, at + 1), self.word_before(claim, at + 2));
        let is_close = is(one, &HEDGING_BY);
        let negated = word(two, "no") || word(two, "not");
        if word(before, "than") && is(one, &MORE) {
            return Some((if negated { ComparisonOrder::AtMost } else { ComparisonOrder::Above }, false));
        }
        if word(before, "than") && is(one, &LESS) {
            return Some((if negated { ComparisonOrder::AtLeast } else { ComparisonOrder::Below }, false));
        }
        let or_equal = |sign: &str, mark: &str| word(before, sign) || word(before, "=") && word(one, mark);
        if word(before, "least") && word(one, "at") || or_equal("≥", ">") {
            return Some((ComparisonOrder::AtLeast, false));
        }
        let at_most = word(before, "most") && word(one, "at") || word(before, "to") && word(one, "up");
        if at_most || or_equal("≤", "<") {
            return Some((ComparisonOrder::AtMost, false));
        }
        // `12 points above 57`: the number is the other value, and not a limit.
        let start = claim.tokens.start;
        let ends_distance = self
            .claims_in(&(start.saturating_sub(at)..start))
            .iter()
            .any(|other| other.tokens.end + at == start)
            || start.checked_sub(at + 1).is_some_and(|before| {
                self.claims_in(&(before..before + 1)).iter().any(|other| other.tokens.end + at == start)
            });
        // `beyond the two sessions`: besides them.
        let is_besides = word(before, "beyond") && at > 1 && claim.unit.is_some();
        let of = word(before, "of") && !ends_distance;
        if of && (is(one, &ABOVE_OF) || is(one, &BELOW_OF)) {
            let order = if is(one, &ABOVE_OF) { ComparisonOrder::Above } else { ComparisonOrder::Below };
            return Some((order, is(two, &HEDGING_BY)));
        }
        if is(before, &ABOVE) && !ends_distance && !is_besides {
            return Some((ComparisonOrder::Above, is_close));
        }
        if is(before, &BELOW) && !ends_distance {
            return Some((ComparisonOrder::Below, is_close));
        }
        let (next, second) = (self.word_after(claim, 0), self.word_after(claim, 1));
        if word(next, "or") && is(second, &MORE) || word(next, "or") && is(second, &ABOVE) {
            return Some((ComparisonOrder::AtLeast, false));
        }
        if word(next, "or") && (is(second, &LESS) || is(second, &BELOW)) {
            return Some((ComparisonOrder::AtMost, false));
        }
        None
    }
}
