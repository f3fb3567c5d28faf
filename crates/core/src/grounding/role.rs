//! Decides what each number of a text is said to be, from the words around it.
//!
//! Never: knows the value of a fact.

use super::claim::{ClaimForm, NumberClaim};
use super::report::ClaimRole;
use super::subject::{ClaimSubject, NamedSubject};
use super::token::{Token, Tokens};
use super::vocabulary::Vocabulary;
use super::words::{
    CONTRARY, DISPENSABLE, DISTANCE_WORDS, END_WORDS, GENERIC_VALUES, GROUPS, LINKS, NORMS, PAST,
    POINT_DISTANCES, TIME_NOUNS, WordList,
};

mod clause;
mod count;
mod distance;
mod percentage;
mod reference_value;
mod window;

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
    /// The distance between two of these facts, or of one of them from an end of its range, unless it is said to be of two.
    Distance { subjects: Vec<ClaimSubject>, is_of_two: bool, or_value: bool },
    /// A number with which the value of one of these subjects is compared; of any one, if none is named.
    Comparison { subjects: Vec<ClaimSubject>, order: ComparisonOrder, is_close: bool },
    /// A duration.
    Window { subject: Option<ClaimSubject>, time: WindowTime },
    /// A number in each of these many days.
    Rate { subject: Option<ClaimSubject>, days: f64 },
    /// How many times as large the first of these facts is as the second, or as the end of its range if there is no
    /// second. If it is said of time, it may also be that of their windows.
    Ratio { subjects: Vec<ClaimSubject>, order: Option<ComparisonOrder>, of_time: bool },
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

/// Whether a duration is over or in the future.
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
/// How many words can be between a noun and its number: `a score that is still at 38`.
const LINKS_MAX: usize = 3;
/// How many words after a ratio can say that it is one of two windows.
const TIME_NOUN_MAX: usize = 3;

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
        // A limit of the value in its window, `over 8 calls per fortnight`, is a comparison.
        let limits = |days: &f64| (self.is_window)(subject, *days) && self.comparison(claim).is_some();
        if let Some(days) = self.rate(claim).filter(|days| !limits(days)) {
            return Claimed::Rate { subject, days };
        }
        if claim.is_percent() {
            return self.percentage(claim, subject);
        }
        if let Some(distance) = self.distance(claim, subject) {
            return distance;
        }
        if claim.subject.is_none() && claim.counts_things && !self.is_times(claim) || self.is_contrary(claim)
        {
            return Claimed::Never(ClaimRole::CountedNoun, NO_COUNT);
        }
        if let Some((order, is_close)) = self.comparison(claim) {
            return if self.is_of_group(claim) {
                Claimed::Never(ClaimRole::ReferenceValue, NO_NORM)
            } else {
                Claimed::Comparison { subjects: self.compared(claim, subject), order, is_close }
            };
        }
        self.value(index, claim)
    }

    fn value(&self, index: usize, claim: &NumberClaim) -> Claimed {
        let subject = self.subject(index, claim);
        if claim.unit.is_some() || claim.subject.is_some() {
            return Claimed::Value { subject, or_score: false };
        }
        let direct = self.of_bare_window(claim).or_else(|| self.of_pair(index, claim));
        if let Some(subject) = direct.or_else(|| self.in_apposition(claim)) {
            return Claimed::Value { subject: Some(subject), or_score: false };
        }
        if self.is_of_score(claim) {
            return Claimed::AnyOf(self.vocabulary.names().scores());
        }
        if let Some(subject) = self.of_label_word(claim) {
            return Claimed::Value { subject: Some(subject), or_score: false };
        }
        if let Some(counted) = self.counted(index, claim) {
            return counted;
        }
        // `The reading is 97.3`: the value of any fact.
        if self.linked_before(claim).is_some_and(|word| word.is_in(&GENERIC_VALUES)) {
            return Claimed::Value { subject: None, or_score: true };
        }
        if self.names_in_part(claim) || self.default.is_some() && self.named_in_clause(claim).is_empty() {
            return Claimed::Value { subject, or_score: false };
        }
        let before = self.named_before_parenthesis(claim);
        if !before.is_empty() {
            return Claimed::AnyOf(before);
        }
        // The part of the sentence names nothing. The number is that of any subject in the sentence that has no other.
        let mut subjects = self.named_in_clause(claim);
        if self.is_versus(index) || subjects.iter().all(|subject| self.has_own_number(*subject, claim)) {
            return Claimed::Value { subject: None, or_score: true };
        }
        if self.clause(claim).any(|at| self.tokens.get(at).is_some_and(|word| word.is("scores"))) {
            subjects.extend(self.vocabulary.names().scores());
        }
        if self.linked_before(claim).is_some_and(|word| word.is("it")) {
            subjects.extend(self.named_before_clause(claim));
        }
        subjects.push(ClaimSubject::Risk);
        Claimed::AnyOf(subjects)
    }

    /// Whether another number of the claim's clause is said to be the value of a subject.
    fn has_own_number(&self, subject: ClaimSubject, claim: &NumberClaim) -> bool {
        let mut others = self.claims_in(&self.clause(claim)).iter().filter(|other| *other != claim);
        others.any(|other| other.subject == Some(subject) || (self.facts_of_unit)(other) == [subject])
    }

    /// Whose value is compared with the number. In `the score of 81 is above 80, and calls are few`, it is that of a score.
    fn compared(&self, claim: &NumberClaim, subject: Option<ClaimSubject>) -> Vec<ClaimSubject> {
        if self.only_says_score(claim) {
            return self.vocabulary.names().scores();
        }
        subject.map_or_else(|| (self.facts_of_unit)(claim), |subject| vec![subject])
    }

    /// Whether the part of the sentence before the number says `score`, and names no subject.
    fn only_says_score(&self, claim: &NumberClaim) -> bool {
        let start = self.part_of_sentence(claim).start;
        let is_score = |at: usize| self.tokens.get(at).is_some_and(|word| word.is_in(&DISPENSABLE));
        claim.subject.is_none() && !self.names_in_part(claim) && (start..claim.tokens.start).any(is_score)
    }

    /// The word that leads to the number, over words such as `is still`.
    fn linked_before(&self, claim: &NumberClaim) -> Option<&Token<'_>> {
        let links = (1..=LINKS_MAX)
            .take_while(|back| self.word_before(claim, *back).is_some_and(|word| word.is_in(&LINKS)))
            .count();
        self.word_before(claim, links + 1)
    }

    /// Whether the number is that of a score that is not named: `a score of 38`.
    pub(super) fn is_of_score(&self, claim: &NumberClaim) -> bool {
        let noun = self.linked_before(claim);
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
        self.any_after(claim, count, |word| word.is_in(list))
    }

    fn any_after(&self, claim: &NumberClaim, count: usize, is: impl Fn(&Token<'_>) -> bool) -> bool {
        let part = self.part_of_sentence(claim);
        (0..count).any(|ahead| {
            claim.tokens.end + ahead < part.end && self.word_after(claim, ahead).is_some_and(&is)
        })
    }

    /// Whether a word names a norm, and not a fact of the type: the `threshold` of an alarm may be one.
    fn is_norm(&self, word: &Token<'_>) -> bool {
        word.is_in(&NORMS) && !self.vocabulary.knows(word.text)
    }

    fn part(&self, claim: &NumberClaim, whole: f64) -> Claimed {
        let subjects = if let Some(subject) = claim.subject {
            vec![subject]
        } else {
            let nearest = self.nearest(claim).filter(|_| self.names_in_part(claim));
            let one = nearest.or_else(|| self.in_apposition(claim));
            self.pair_before(claim).or_else(|| one.map(|one| vec![one])).unwrap_or_default()
        };
        Claimed::Part { subjects, whole }
    }

    fn ratio(&self, claim: &NumberClaim) -> Claimed {
        let subjects = self.named_in_clause(claim);
        let is_norm = self.any_after(claim, 4, |word| self.is_norm(word)) || self.has_after(claim, 3, &PAST);
        let order = self.comparison(claim).map(|(order, _)| order);
        // `half of the scale`
        let of_range = self.has_after(claim, END_WORDS_MAX, &END_WORDS);
        if let Some(subject) = self.nearest(claim).or(self.default).filter(|_| of_range && !is_norm) {
            return Claimed::Ratio { subjects: vec![subject], order, of_time: false };
        }
        if subjects.len() < 2 || is_norm {
            return Claimed::Never(ClaimRole::Ratio, "no other value was given");
        }
        Claimed::Ratio { subjects, order, of_time: self.has_after(claim, TIME_NOUN_MAX, &TIME_NOUNS) }
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
}
