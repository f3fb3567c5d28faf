//! Decides what each number of a text is said to be, from the words around it.
//!
//! Never: knows the value of a fact.

use super::claim::{ClaimForm, NumberClaim};
use super::report::ClaimRole;
use super::subject::{ClaimSubject, NamedSubject};
use super::token::{Token, Tokens};
use super::vocabulary::Vocabulary;
use super::words::{
    AHEAD, BEFORE_RATES, CHANCES, CHANGES, CONTRARY, DISPENSABLE, DISTANCE_WORDS, GROUPS, LEAVING, LINKS,
    NEVER_WINDOWS, NORMS, PAST, POINT_DISTANCES, WordList,
};

mod clause;
mod distance;
mod reference_value;

/// What a number is said to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Claimed {
    /// The value of a subject. `None` if the text names none, so that it may be any.
    Value { subject: Option<ClaimSubject>, or_score: bool },
    /// The value of one of these.
    AnyOf(Vec<ClaimSubject>),
    /// A percentage of the subject, of another fact, or the chance.
    Percentage { subject: Option<ClaimSubject>, part_of: Option<ClaimSubject>, is_rest: bool },
    /// A percentage of things of which a fact has the share.
    Share,
    /// The chance, which is the risk score.
    Chance,
    /// The distance between two of these facts, or of one of them from an end of its range.
    Distance { subjects: Vec<ClaimSubject>, or_value: bool },
    /// A number with which the value of the subject is compared.
    Comparison { subject: Option<ClaimSubject>, order: ComparisonOrder, is_close: bool },
    /// A duration.
    Window { subject: Option<ClaimSubject>, time: WindowTime },
    /// A number in each of these many days.
    Rate { subject: Option<ClaimSubject>, days: f64 },
    /// How many times as large the first of these facts is as the second.
    Ratio { subjects: Vec<ClaimSubject>, order: Option<ComparisonOrder> },
    /// Parts of a whole, or of two facts side by side.
    Part { subjects: Vec<ClaimSubject>, whole: f64 },
    /// A number of the alert's facts.
    Facts,
    /// A number that nothing in the prompt supports.
    Never(ClaimRole, &'static str),
}

impl Claimed {
    /// Whether the number is said to be a value, and nothing else.
    pub(super) fn is_value(&self) -> bool {
        match self {
            Self::Value { .. }
            | Self::AnyOf(_)
            | Self::Part { .. }
            | Self::Distance { or_value: true, .. } => true,
            Self::Percentage { .. }
            | Self::Share
            | Self::Chance
            | Self::Distance { or_value: false, .. }
            | Self::Comparison { .. }
            | Self::Window { .. }
            | Self::Rate { .. }
            | Self::Ratio { .. }
            | Self::Facts
            | Self::Never(..) => false,
        }
    }
}

/// Which way a comparison goes, seen from the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ComparisonOrder {
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// Whether a duration is over or lies ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WindowTime {
    Past,
    Ahead,
    /// The text does not say it.
    Either,
}

/// The reason for a number that things count.
pub(super) const NO_COUNT: &str = "no fact counts this";
/// The reason for a percentage.
pub(super) const NO_PERCENTAGE: &str = "no fact has this percentage";
/// The reason for a threshold or an average.
pub(super) const NO_NORM: &str = "no threshold, average or target was given";
/// The reason for an earlier value or a change.
pub(super) const NO_EARLIER: &str = "no earlier value was given";
/// The reason for a duration.
pub(super) const NO_WINDOW: &str = "no such duration was given";

/// How many words after a number can name an end of the range.
const END_WORDS_MAX: usize = 5;
/// How many words around a percentage can call it a chance.
const CHANCE_WORDS_MAX: usize = 4;
/// How many words before a duration can say that it is over or lies ahead.
const TIME_WORDS_MAX: usize = 3;

/// Reads the roles of the claims of one text.
pub(super) struct RoleReader<'a, 't> {
    pub(super) tokens: &'a Tokens<'t>,
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) claims: &'a [NumberClaim],
    pub(super) names: Vec<NamedSubject>,
    /// The fact of the driver whose reason the text is.
    pub(super) default: Option<ClaimSubject>,
    /// The facts with the unit of each claim.
    pub(super) facts_of_unit: &'a dyn Fn(&NumberClaim) -> Vec<ClaimSubject>,
    /// Whether a fact covers a window of time.
    pub(super) has_window: &'a dyn Fn(ClaimSubject) -> bool,
    /// Whether a duration is the window of a fact: `last week` of a fact that covers 7 days.
    pub(super) is_window: &'a dyn Fn(Option<ClaimSubject>, f64) -> bool,
}

impl RoleReader<'_, '_> {
    /// What the claim at this index says.
    pub(super) fn role(&self, index: usize) -> Claimed {
        let Some(claim) = self.claims.get(index) else { return Claimed::Facts };
        match claim.form {
            ClaimForm::Facts => return Claimed::Facts,
            ClaimForm::Decade => return self.value(index, claim),
            ClaimForm::Things if claim.is_percent() => {
                return if self.thing_percentage(claim) {
                    Claimed::Share
                } else {
                    Claimed::Never(ClaimRole::Percentage, NO_PERCENTAGE)
                };
            }
            ClaimForm::Things => return Claimed::Never(ClaimRole::CountedNoun, NO_COUNT),
            ClaimForm::OutOf(whole) => return self.part(claim, whole),
            ClaimForm::Ratio => return self.ratio(claim),
            ClaimForm::Plain => {}
        }
        if claim.unit.as_ref().is_some_and(|unit| unit.days().is_some()) {
            return self.window(index, claim);
        }
        let subject = self.subject(index, claim);
        if let Some(reason) = self.reference_value(claim, subject) {
            return Claimed::Never(ClaimRole::ReferenceValue, reason);
        }
        if let Some(days) = self.rate(claim) {
            return Claimed::Rate { subject, days };
        }
        if claim.is_percent() {
            return self.percentage(claim, subject);
        }
        if let Some(distance) = self.distance(claim, subject) {
            return distance;
        }
        if claim.subject.is_none() && claim.counts_things || self.is_contrary(claim) {
            return Claimed::Never(ClaimRole::CountedNoun, NO_COUNT);
        }
        if let Some((order, is_close)) = self.comparison(claim) {
            return if self.is_of_group(claim) {
                Claimed::Never(ClaimRole::ReferenceValue, NO_NORM)
            } else {
                Claimed::Comparison { subject, order, is_close }
            };
        }
        self.value(index, claim)
    }

    fn value(&self, index: usize, claim: &NumberClaim) -> Claimed {
        let subject = self.subject(index, claim);
        if claim.unit.is_some() || claim.subject.is_some() {
            return Claimed::Value { subject, or_score: false };
        }
        if let Some(subject) = self.of_pair(index, claim).or_else(|| self.in_apposition(claim)) {
            return Claimed::Value { subject: Some(subject), or_score: false };
        }
        if self.is_of_score(claim) {
            return Claimed::AnyOf(self.vocabulary.names().scores());
        }
        if self.names_in_part(claim) || self.default.is_some() && self.named_in_clause(claim).is_empty() {
            return Claimed::Value { subject, or_score: false };
        }
        // The part of the sentence names nothing. The number is that of any subject in the sentence.
        let mut subjects = self.named_in_clause(claim);
        if subjects.is_empty() {
            return Claimed::Value { subject: None, or_score: true };
        }
        subjects.push(ClaimSubject::Risk);
        Claimed::AnyOf(subjects)
    }

    /// Whether the number is that of a score that is not named: `a score of 38`.
    fn is_of_score(&self, claim: &NumberClaim) -> bool {
        let links = (1..=3)
            .take_while(|back| self.word_before(claim, *back).is_some_and(|word| word.is_in(&LINKS)))
            .count();
        let noun = self.word_before(claim, links + 1);
        let after = self.word_after(claim, 0).is_some_and(|word| word.is("as"));
        noun.is_some_and(|word| word.is_in(&DISPENSABLE))
            || after && self.has_after(claim, 4, &DISPENSABLE) && !self.names_in_part(claim)
    }

    fn word_after(&self, claim: &NumberClaim, count: usize) -> Option<&Token<'_>> {
        self.tokens.get(claim.tokens.end + count)
    }

    fn word_before(&self, claim: &NumberClaim, count: usize) -> Option<&Token<'_>> {
        self.tokens.back(claim.tokens.start, count)
    }

    /// Whether one of the `count` tokens before a claim is in a list, within its part of the sentence.
    fn has_before(&self, claim: &NumberClaim, count: usize, list: &WordList) -> bool {
        let part = self.part_of_sentence(claim);
        (1..=count).any(|back| {
            claim.tokens.start >= part.start + back
                && self.word_before(claim, back).is_some_and(|word| word.is_in(list))
        })
    }

    /// Whether one of the `count` tokens after a claim is in a list, within its part of the sentence.
    fn has_after(&self, claim: &NumberClaim, count: usize, list: &WordList) -> bool {
        let part = self.part_of_sentence(claim);
        (0..count).any(|ahead| {
            claim.tokens.end + ahead < part.end
                && self.word_after(claim, ahead).is_some_and(|word| word.is_in(list))
        })
    }

    /// `20% of requests` is a percentage of a fact if the alert type speaks of requests.
    fn thing_percentage(&self, claim: &NumberClaim) -> bool {
        (1..=2).any(|ahead| self.word_after(claim, ahead).is_some_and(|word| self.vocabulary.describes(word)))
    }

    fn part(&self, claim: &NumberClaim, whole: f64) -> Claimed {
        let subjects = if let Some(subject) = claim.subject {
            vec![subject]
        } else {
            let nearest = self.nearest(claim).filter(|_| self.names_in_part(claim));
            self.pair_before(claim).or_else(|| nearest.map(|near| vec![near])).unwrap_or_default()
        };
        Claimed::Part { subjects, whole }
    }

    fn ratio(&self, claim: &NumberClaim) -> Claimed {
        let subjects = self.named_in_clause(claim);
        let is_norm = self.has_after(claim, 4, &NORMS) || self.has_after(claim, 3, &PAST);
        if subjects.len() < 2 || is_norm {
            return Claimed::Never(ClaimRole::Ratio, "no other value was given");
        }
        Claimed::Ratio { subjects, order: self.comparison(claim).map(|(order, _)| order) }
    }

    /// The days of a rate: `5 calls a day`, `2 sessions per week`.
    fn rate(&self, claim: &NumberClaim) -> Option<f64> {
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

    fn percentage(&self, claim: &NumberClaim, subject: Option<ClaimSubject>) -> Claimed {
        let is_chance = self.has_after(claim, CHANCE_WORDS_MAX, &CHANCES)
            || self.has_before(claim, CHANCE_WORDS_MAX, &CHANCES);
        if is_chance {
            return Claimed::Chance;
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
            return Claimed::Distance { subjects: self.named_in_clause(claim), or_value: false };
        }
        let is_rest = self.has_after(claim, 3, &DISTANCE_WORDS)
            || self.has_after(claim, 3, &POINT_DISTANCES)
            || self.has_after(claim, 3, &super::words::GONE);
        Claimed::Percentage { subject, part_of, is_rest }
    }

    /// Whether the number is said of a group: `families with more than 3 calls`.
    fn is_of_group(&self, claim: &NumberClaim) -> bool {
        let clause = self.clause(claim);
        (clause.start..claim.tokens.start)
            .filter_map(|at| self.tokens.get(at))
            .any(|word| word.is_in(&GROUPS) || word.ends_in_s() && self.vocabulary.is_entity(word))
    }

    /// Whether the words around a unit make its things others than those that the fact counts: `5 missed sessions`, `5
    /// sessions were cancelled`, `missed 5 sessions`.
    fn is_contrary(&self, claim: &NumberClaim) -> bool {
        if claim.unit.is_none() {
            return false;
        }
        let is_contrary = |token: Option<&Token<'_>>| {
            token.is_some_and(|word| word.is_in(&CONTRARY) && !self.vocabulary.knows(word.text))
        };
        let inside = claim.tokens.clone().any(|at| is_contrary(self.tokens.get(at)));
        let after = self.word_after(claim, 0).is_some_and(|word| word.is("were") || word.is("was"));
        inside
            || is_contrary(self.word_before(claim, 1))
            || is_contrary(self.word_after(claim, 0))
            || after && is_contrary(self.word_after(claim, 1))
    }

    fn window(&self, index: usize, claim: &NumberClaim) -> Claimed {
        let never = self.word_before(claim, 1).is_some_and(|word| word.is_in(&NEVER_WINDOWS))
            || self.word_after(claim, 0).is_some_and(|word| word.is("ago") || word.is("old"));
        if never {
            return Claimed::Never(ClaimRole::Window, NO_WINDOW);
        }
        let subject = self.nearest_with_window(claim);
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

    /// Whether a word of the list is a few tokens before the claim, and the claim is a change: `fell by 20`.
    fn is_change(&self, claim: &NumberClaim) -> bool {
        let before = self.word_before(claim, 1);
        let by = before.is_some_and(|word| word.is("by"));
        let verb = if by { self.word_before(claim, 2) } else { before };
        let noun = |word: &Token<'_>| word.is_in(&CHANGES) && !word.is("up") && !word.is("down");
        let after = self.word_after(claim, 0).is_some_and(noun)
            || self.word_after(claim, 0).is_some_and(Token::is_hyphen)
                && self.word_after(claim, 1).is_some_and(noun);
        let of = before.is_some_and(|word| word.is("of")) && self.word_before(claim, 2).is_some_and(noun);
        verb.is_some_and(noun) || after || of
    }
}
