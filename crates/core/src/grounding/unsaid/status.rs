//! Finds a status that the alert does not have: `the marketplace is balanced` when demand is high.
//!
//! Never: takes an everyday word for a status because it occurs: `a balanced plan`.

use super::super::report::UnsaidKind;
use super::super::token::Token;
use super::super::vocabulary::singular;
use super::super::words::{
    AFTER_STATUSES, DEGREES, ENGLISH, EVERYDAY_STATUSES, FUNCTION_WORDS, STATUS_DENIALS, STATUS_LINKS,
    STATUS_NOUNS, STATUS_OBJECTS, STATUS_SUBJECTS,
};
use super::{Found, UnsaidReader};
use crate::alert_type::{EnumValue, Fact, FactValue};

/// How many words from the name of an enum its value can be.
const STATUS_WORDS_MAX: usize = 6;
/// How many words before a status can deny it.
const DENIAL_WORDS_MAX: usize = 2;
/// How many words can be between a link and a status: `is still fairly balanced`.
const GRADING_WORDS_MAX: usize = 3;
/// How many words before a link its subject can be: `the subject of this alert is`.
const SUBJECT_WORDS_MAX: usize = 4;

/// The words that lead to the values of an enum.
struct StatusNames<'a> {
    /// The words of its id.
    id: Vec<&'a str>,
    /// The words of its id, its label and its phrase that are not in the names of other facts.
    all: Vec<String>,
    /// The words of the other facts' names.
    others: Vec<String>,
}

impl UnsaidReader<'_, '_> {
    pub(super) fn statuses(&self) -> Vec<Found> {
        let mut found = Vec::new();
        for (fact, own, values) in self.enums() {
            let names = self.status_names(fact, own);
            let meaning =
                |id: &str| values.iter().find(|value| value.id == id).map(|value| value.meaning.as_str());
            let own_meaning = meaning(own).unwrap_or_default();
            for value in values.iter().filter(|value| value.id != own && !means_same(value, own_meaning)) {
                for start in 0..self.tokens.len() {
                    let Some(end) = self.words_at(start, &value.id) else { continue };
                    let near = start.saturating_sub(STATUS_WORDS_MAX)..end + STATUS_WORDS_MAX;
                    // A longer value of the alert's own may contain this one.
                    let is_own = (start.saturating_sub(2)..=start)
                        .any(|at| self.words_at(at, own).is_some_and(|own_end| own_end >= end));
                    let states_own = near.clone().any(|at| self.words_at(at, own).is_some());
                    let is_denied = self.is_supposed(start)
                        || (1..=DENIAL_WORDS_MAX).any(|back| {
                            self.tokens.back(start, back).is_some_and(|word| word.is_in(&STATUS_DENIALS))
                        });
                    if !is_own && !states_own && !is_denied && self.is_status(&value.id, start, end, &names) {
                        found.push(Found { start, end, kind: UnsaidKind::Status });
                    }
                }
            }
        }
        found
    }

    fn status_names<'f>(&self, fact: &'f Fact, own: &str) -> StatusNames<'f> {
        let others = self.alert_type.facts().iter().filter(|other| other.id() != fact.id());
        let others: Vec<_> = others.flat_map(|other| words(other.id()).chain(words(other.label()))).collect();
        let phrase = fact.describe(&FactValue::Word(own.to_owned()));
        let all = words(fact.id()).chain(words(fact.label())).chain(words(&phrase));
        let all =
            all.filter(|word| !others.contains(word) && !words(own).any(|each| each == *word)).collect();
        StatusNames { id: fact.id().split('_').collect(), all, others }
    }

    /// Whether the words of a value say that it is the alert's status.
    fn is_status(&self, value: &str, start: usize, end: usize, names: &StatusNames<'_>) -> bool {
        let is_id = |word: &Token<'_>| names.id.iter().any(|each| word.is(each));
        let near = |is_name: &dyn Fn(&Token<'_>) -> bool| {
            (start.saturating_sub(STATUS_WORDS_MAX)..end + STATUS_WORDS_MAX)
                .any(|at| !(start..end).contains(&at) && self.tokens.get(at).is_some_and(is_name))
        };
        // `high demand` may also be said of the demand score.
        if words(value).any(|word| names.others.contains(&word)) {
            return value.contains('_') && self.tokens.get(start).is_some_and(|word| word.is(value))
                || near(&is_id);
        }
        if !words(value).all(|word| EVERYDAY_STATUSES.has(&word) || ENGLISH.has(&word)) {
            return true;
        }
        let is_name = |word: &Token<'_>| names.all.iter().any(|each| word.is(each));
        let is_entity = |word: &Token<'_>| singular(word.text) == singular(self.alert_type.entity());
        if self.is_linked_status(start, &|word| {
            is_name(word) || is_entity(word) || names.others.iter().any(|each| word.is(each))
        }) {
            return true;
        }
        // `a balanced marketplace`, but not `a balanced plan for the marketplace`.
        let next = self
            .tokens
            .spaced_word(end)
            .filter(|next| !next.is_in(&FUNCTION_WORDS) && !next.is_in(&AFTER_STATUSES));
        let after_article =
            self.tokens.back(start, 1).is_some_and(|word| word.is("a") || word.is("an") || word.is("more"));
        match next {
            Some(noun) => is_name(noun) || is_entity(noun) || noun.is_in(&STATUS_NOUNS),
            None => !after_article && near(&is_name),
        }
    }

    /// Whether a link leads from a subject to a status: `the subject is still fairly balanced`.
    fn is_linked_status(&self, start: usize, is_subject: &dyn Fn(&Token<'_>) -> bool) -> bool {
        let is_degree = |word: &Token<'_>| {
            word.is_in(&DEGREES) || ["well", "now", "still", "currently"].iter().any(|each| word.is(each))
        };
        let degrees = (1..=GRADING_WORDS_MAX)
            .take_while(|back| self.tokens.back(start, *back).is_some_and(is_degree))
            .count();
        let Some(link) = start.checked_sub(degrees + 1) else { return false };
        self.tokens.get(link).is_some_and(|word| word.is_in(&STATUS_LINKS))
            && (1..=SUBJECT_WORDS_MAX).filter_map(|back| link.checked_sub(back)).any(|at| {
                self.tokens.get(at).is_some_and(|word| is_subject(word) || word.is_in(&STATUS_SUBJECTS))
                    && !self.is_object(at)
            })
    }

    /// Whether a preposition makes a noun part of another one: `the plan for the subject`.
    fn is_object(&self, at: usize) -> bool {
        let article =
            usize::from(self.tokens.back(at, 1).is_some_and(|word| word.is("the") || word.is("this")));
        self.tokens.back(at, 1 + article).is_some_and(|word| word.is_in(&STATUS_OBJECTS))
    }
}

/// Whether a value says the same as the alert's own in other words, because one meaning begins with the other.
fn means_same(value: &EnumValue, own_meaning: &str) -> bool {
    let (one, other) = (value.meaning.as_str(), own_meaning);
    !one.is_empty() && !other.is_empty() && (one.starts_with(other) || other.starts_with(one))
}

/// The words of a name in lower case, without those that end a noun phrase.
fn words(name: &str) -> impl Iterator<Item = String> {
    name.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !FUNCTION_WORDS.has(word))
        .map(str::to_lowercase)
}
