//! Recognizes thresholds, averages and earlier values, which no prompt has.

use super::{NO_EARLIER, NO_NORM, RoleReader};
use crate::grounding::claim::NumberClaim;
use crate::grounding::subject::ClaimSubject;
use crate::grounding::token::Token;
use crate::grounding::words::{
    ABOVE, BEFORE_NOW, BEFORE_PERIODS, BELOW, CHANGES, EARLIER, GOOD_LEVELS, LEVEL_NOUNS, NEEDS, NORM_NOUNS,
    OWNERS, PERIODS, PLACES,
};

/// The most words between a word for a norm and its number.
const NORM_WORDS_MAX: usize = 7;
/// How many words after a number can say that it is wanted: `that is needed`.
const NEED_WORDS_MAX: usize = 4;
/// How many words after a number can name an earlier period: `3 in the week before`.
const EARLIER_WORDS_MAX: usize = 4;
/// How many words after a number can name its period: `14 events were seen in the last hour`.
const PERIOD_WORDS_MAX: usize = 8;
/// The days of a month.
const MONTH_DAYS: f64 = 30.0;
/// How many words after `fall` can say that it is where the value is.
const PLACE_WORDS_MAX: usize = 3;
/// The most words between `to` and the number where a change ended: `from 2 to now about 5`.
const END_OF_CHANGE_MAX: usize = 3;
/// The most words between a number and the word that calls it a norm: `20 points below the healthy threshold`.
const NORM_AFTER_MAX: usize = 5;

impl RoleReader<'_, '_> {
    /// Why the number is a reference value. `None` if it is not one.
    pub(super) fn reference_value(
        &self,
        claim: &NumberClaim,
        subject: Option<ClaimSubject>,
    ) -> Option<&'static str> {
        if self.is_change(claim) || self.is_start(claim) {
            return Some(NO_EARLIER);
        }
        if self.norm_before(claim) {
            return Some(NO_NORM);
        }
        if self.earlier_before(claim, subject) || self.earlier_after(claim, subject) {
            return Some(NO_EARLIER);
        }
        self.norm_after(claim).then_some(NO_NORM)
    }

    /// Whether a word of the list is a few tokens before the claim, and the claim is a change: `fell by 20`.
    fn is_change(&self, claim: &NumberClaim) -> bool {
        let before = self.word_before(claim, 1);
        let by = before.is_some_and(|word| word.is("by"));
        let verb = if by { self.word_before(claim, 2) } else { before };
        let noun = |word: &Token<'_>| word.is_in(&CHANGES) && !word.is("up") && !word.is("down");
        // `the two sessions fall short of it`
        let is_place = (1..=PLACE_WORDS_MAX)
            .any(|ahead| self.word_after(claim, ahead).is_some_and(|word| word.is_in(&PLACES)));
        let after = self.word_after(claim, 0).is_some_and(noun) && !is_place
            || self.word_after(claim, 0).is_some_and(Token::is_hyphen)
                && self.word_after(claim, 1).is_some_and(noun);
        let of = before.is_some_and(|word| word.is("of")) && self.word_before(claim, 2).is_some_and(noun);
        verb.is_some_and(noun) || after || of
    }

    /// Whether the number is where a change began: `up from 2`, `fell from 85 to 65`.
    fn is_start(&self, claim: &NumberClaim) -> bool {
        if claim.is_end || !self.word_before(claim, 1).is_some_and(|word| word.is("from")) {
            return false;
        }
        // `from 2 to 5`, but not `double from 35 to match it`.
        let end = claim.tokens.end;
        let to = self.word_after(claim, 0).is_some_and(|word| word.is("to"))
            && !self.claims_in(&(end + 1..end + 1 + END_OF_CHANGE_MAX)).is_empty();
        to || (2..=4).any(|back| self.word_before(claim, back).is_some_and(|word| word.is_in(&CHANGES)))
    }

    /// Whether a word for a norm leads to the number: `the threshold of 85`, `the average family calls 5 times`.
    fn norm_before(&self, claim: &NumberClaim) -> bool {
        let part = self.part_of_sentence(claim);
        for back in 1..=NORM_WORDS_MAX {
            let Some(at) = claim.tokens.start.checked_sub(back).filter(|at| *at >= part.start) else { break };
            let Some(word) = self.tokens.get(at) else { break };
            if self.is_in_claim(at) {
                break;
            }
            let between = at + 1..claim.tokens.start;
            if word.is_in(&GOOD_LEVELS) {
                let all_levels = between
                    .clone()
                    .all(|at| self.tokens.get(at).is_some_and(|token| token.is_in(&LEVEL_NOUNS)));
                return all_levels;
            }
            if !self.is_norm(word) {
                continue;
            }
            return self.norm_leads(at, claim);
        }
        false
    }

    /// Whether the word for a norm at a token leads to the claim, and is not what the value is compared with: `below
    /// average at 65`, `an average health score of 65`.
    fn norm_leads(&self, at: usize, claim: &NumberClaim) -> bool {
        let article = self.tokens.back(at, 1);
        let is_article =
            |word: &Token<'_>| ["the", "a", "an", "its", "our", "this"].iter().any(|each| word.is(each));
        let hyphen = self.tokens.glued(at).is_some() && article.is_some_and(Token::is_hyphen);
        if hyphen {
            return false;
        }
        let back = 1 + usize::from(article.is_some_and(is_article));
        let comparator = self.tokens.back(at, back);
        let compares = comparator.is_some_and(|word| {
            word.is_in(&ABOVE)
                || word.is_in(&BELOW)
                || ["than", "near", "at", "under"].iter().any(|each| word.is(each))
        });
        let directly = at + 1 == claim.tokens.start;
        let of = (at + 1..claim.tokens.start).any(|at| {
            self.tokens.get(at).is_some_and(|word| word.is("of") || word.is("is") || word.text == ":")
        });
        if compares {
            return directly || of;
        }
        // `a typical health score of 65` is a judgement of the alert's own value.
        let is_judgement = claim.subject.is_some()
            && self.word_before(claim, 1).is_some_and(|word| word.is("of"))
            && article.is_some_and(|word| word.is("a") || word.is("an"))
            && self.names_in(&(at + 1..at + 1 + NORM_WORDS_MAX)).iter().any(|name| name.start == at + 1);
        !is_judgement
    }

    /// Whether a word after the number calls it a norm: `5 is the norm`, `the 85 threshold`, `20 points below average`.
    fn norm_after(&self, claim: &NumberClaim) -> bool {
        let hyphen = usize::from(self.word_after(claim, 0).is_some_and(Token::is_hyphen));
        let noun = |ahead: usize| {
            self.word_after(claim, ahead).is_some_and(|word| word.is_in(&NORM_NOUNS) && self.is_norm(word))
        };
        if noun(hyphen) || noun(0) {
            return true;
        }
        let on_average = self.word_after(claim, 0).is_some_and(|word| word.is("on")) && noun(1);
        let is_verb = self.word_after(claim, 0).is_some_and(|word| word.is("is") || word.is("are"));
        let article =
            usize::from(self.word_after(claim, 1).is_some_and(|word| word.is("the") || word.is("a")));
        let called = is_verb
            && claim.subject.is_none()
            && self.word_after(claim, 1 + article).is_some_and(|word| self.is_norm(word));
        // `the 30 that is needed`, `60 would be needed`
        let needed = claim.subject.is_none()
            && (1..NEED_WORDS_MAX).any(|ahead| {
                self.word_after(claim, ahead).is_some_and(|word| word.is_in(&NEEDS))
                    && self.word_after(claim, ahead - 1).is_some_and(|word| word.is("is") || word.is("be"))
            });
        on_average || needed || called || self.is_far_from_norm(claim)
    }

    /// Whether the number is the distance of a value from a norm.
    fn is_far_from_norm(&self, claim: &NumberClaim) -> bool {
        let marks =
            |word: &Token<'_>| word.is_in(&super::DISTANCE_WORDS) || word.is_in(&super::POINT_DISTANCES);
        self.word_after(claim, 0).is_some_and(marks)
            && !self.word_after(claim, 0).is_some_and(|word| word.is("over") || word.is("from"))
            && (self.any_after(claim, NORM_AFTER_MAX, |word| self.is_norm(word))
                || self.has_after(claim, NORM_AFTER_MAX, &GOOD_LEVELS))
    }

    /// Whether a word for an earlier time leads to the number: `last week's demand of 61`, `previously 2`.
    fn earlier_before(&self, claim: &NumberClaim, subject: Option<ClaimSubject>) -> bool {
        let part = self.part_of_sentence(claim);
        (1..=NORM_WORDS_MAX)
            .map_while(|back| claim.tokens.start.checked_sub(back))
            .take_while(|at| *at >= part.start)
            .any(|at| {
                let free = !(at..claim.tokens.start).any(|between| self.is_in_claim(between));
                free && (self.tokens.get(at).is_some_and(|word| word.is_in(&EARLIER))
                    || self.is_earlier_period(at, subject))
            })
    }

    /// Whether a word for an earlier time follows the number: `2 last month`, `3 sessions previously`.
    fn earlier_after(&self, claim: &NumberClaim, subject: Option<ClaimSubject>) -> bool {
        let at = claim.tokens.end;
        let is_earlier = |at: usize| {
            self.tokens.get(at).is_some_and(|word| word.is_in(&EARLIER))
                || self.is_earlier_period(at, subject)
        };
        let article = usize::from(
            self.tokens
                .get(at)
                .is_some_and(|word| ["the", "in", "during", "a", "from"].iter().any(|each| word.is(each))),
        );
        let second = usize::from(article > 0 && self.tokens.get(at + 1).is_some_and(|word| word.is("the")));
        let a_week_earlier = self.tokens.get(at + 2).is_some_and(|word| word.is("earlier") || word.is("ago"));
        // `called 5 times this month`
        let times = usize::from(self.tokens.get(at).is_some_and(|word| word.is("times")));
        let this_month = self.is_period(at + times, &["this"], subject, |days| days >= MONTH_DAYS);
        // `3 in the week before`
        let period_before = (at..at + EARLIER_WORDS_MAX).any(|at| {
            self.period_at(at).is_some()
                && self.tokens.get(at + 1).is_some_and(|word| word.is_in(&BEFORE_NOW))
        });
        is_earlier(at + article + second)
            || period_before
            || article > 0 && a_week_earlier
            || this_month
            || self.is_in_other_period(claim, subject)
    }

    /// Whether the claim's part of the sentence says another period than what the fact covers: `seen in the past hour`.
    fn is_in_other_period(&self, claim: &NumberClaim, subject: Option<ClaimSubject>) -> bool {
        let end = self.part_of_sentence(claim).end.min(claim.tokens.end + PERIOD_WORDS_MAX);
        let names_other = |at: usize| {
            let names = self.names_in(&(at..at + 1));
            names.iter().any(|name| subject.is_some_and(|subject| subject != name.subject))
        };
        (claim.tokens.end..end).take_while(|at| !self.is_in_claim(*at) && !names_other(*at)).any(|at| {
            let owner = usize::from(self.tokens.get(at + 1).is_some_and(|word| word.is_in(&OWNERS)));
            self.tokens.get(at).is_some_and(|word| word.is_in(&BEFORE_PERIODS))
                && self.is_earlier_period(at + 1 + owner, subject)
        })
    }

    /// Whether `last` or `past` and a period start at this token, and the period is not what the fact covers.
    fn is_earlier_period(&self, at: usize, subject: Option<ClaimSubject>) -> bool {
        self.is_period(at, &["last", "past"], subject, |_| true)
    }

    /// Whether one of these words and a period start at this token, and the period is not what the fact covers.
    fn is_period(
        &self,
        at: usize,
        words: &[&str],
        subject: Option<ClaimSubject>,
        is_long: impl Fn(f64) -> bool,
    ) -> bool {
        if !self.tokens.get(at).is_some_and(|word| words.iter().any(|each| word.is(each))) {
            return false;
        }
        self.period_at(at + 1).is_some_and(|days| is_long(days) && !(self.is_window)(subject, days))
    }

    /// The days of the period that is named at this token.
    fn period_at(&self, at: usize) -> Option<f64> {
        let period = self.tokens.spaced_word(at)?.text.trim_end_matches("'s").trim_end_matches("’s");
        PERIODS.iter().find(|(name, _)| period.eq_ignore_ascii_case(name)).map(|(_, days)| *days)
    }
}
