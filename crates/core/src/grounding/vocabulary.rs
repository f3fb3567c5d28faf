//! The words of an alert type: its units, the words that may precede them, and the names of its facts.
//!
//! Never: contains the value of a fact.

use std::collections::HashSet;

use super::digits::same;
use super::subject::{ClaimSubject, SubjectNames};
use super::token::{Token, Tokens};
use super::words::{
    DAYS, FOREIGN_DURATIONS, FUNCTION_WORDS, GENERAL_UNITS, LETTER_UNITS, MODIFIERS, MONTH, PERCENT,
    PERCENT_PAIRS, POINT, RATIO_UNITS, SHORT_UNITS, UNIT_SYNONYMS, WEEK,
};
use crate::alert_type::{AlertType, Fact};
use crate::limits::RISK_SCORE_MAX;

/// The unit of a number: its words in lower case and in the singular.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClaimUnit(String);

/// The words of an alert type that matter for reading numbers.
#[derive(Debug)]
pub(super) struct Vocabulary {
    units: Vec<ClaimUnit>,
    /// Other words for these units.
    synonyms: Vec<(String, ClaimUnit)>,
    entity: Option<ClaimUnit>,
    words: HashSet<String>,
    /// The words of one fact's label only, each with its fact.
    label_words: Vec<(String, ClaimSubject)>,
    /// The words of the meanings, which say what a share is a share of.
    meanings: HashSet<String>,
    names: SubjectNames,
    ends: Vec<f64>,
    facts_count: f64,
}

/// From here on, scripts do not put spaces between words.
const WITHOUT_SPACES_FROM: char = '\u{2e80}';
/// The most words between a number and its unit.
const MODIFIERS_MAX: usize = 3;

impl ClaimUnit {
    pub(super) fn new(text: &str) -> Self {
        let words: Vec<_> = text.split_whitespace().map(canonical).collect();
        Self(match words.join(" ").as_str() {
            "per cent" | "percentage point" => PERCENT.into(),
            unit => unit.into(),
        })
    }

    pub(super) fn percent() -> Self {
        Self(PERCENT.into())
    }

    pub(super) fn point() -> Self {
        Self(POINT.into())
    }

    pub(super) fn is_percent(&self) -> bool {
        self.0 == PERCENT
    }

    pub(super) fn is_point(&self) -> bool {
        self.0 == POINT
    }

    /// Whether its values are parts of a whole: `ratio`, `of 1`.
    pub(super) fn is_ratio(&self) -> bool {
        self.0 == "of 1" || RATIO_UNITS.has(&self.0)
    }

    /// The number of days in one unit of time.
    pub(super) fn days(&self) -> Option<f64> {
        DAYS.iter().find(|(unit, _)| *unit == self.0).map(|(_, days)| *days)
    }

    /// Whether it is a month, which has 28 to 31 days.
    pub(super) fn is_month(&self) -> bool {
        self.0 == MONTH
    }
}

impl Vocabulary {
    pub(super) fn new(alert_type: &AlertType) -> Self {
        let facts = alert_type.facts();
        let units: Vec<_> =
            facts.iter().filter_map(Fact::range).map(|range| ClaimUnit::new(&range.unit)).collect();
        let texts = facts.iter().flat_map(|fact| [fact.label(), fact.id()]).chain([alert_type.title()]);
        let words = texts.flat_map(|text| text.split(|c: char| !c.is_alphanumeric())).map(str::to_lowercase);
        let words = words.filter(|word| !word.is_empty() && !FUNCTION_WORDS.has(word)).collect();
        let ends = facts.iter().filter_map(Fact::range).map(|range| range.max.get());
        let ends = ends.chain([RISK_SCORE_MAX]).collect();
        let synonyms = synonyms(facts, &units);
        let label_words = label_words(facts);
        let entity = Some(ClaimUnit::new(alert_type.entity()));
        let meanings = facts.iter().flat_map(|fact| fact.meaning().split(|c: char| !c.is_alphanumeric()));
        let meanings = meanings.filter(|word| !word.is_empty() && !FUNCTION_WORDS.has(word));
        let meanings = meanings.map(str::to_lowercase).collect();
        Self {
            units,
            synonyms,
            entity,
            words,
            label_words,
            meanings,
            names: SubjectNames::new(facts, alert_type.predicts()),
            ends,
            facts_count: f64::from(u32::try_from(facts.len()).unwrap_or(u32::MAX)),
        }
    }

    /// The vocabulary without an alert type.
    pub(super) fn general() -> Self {
        let ends = vec![RISK_SCORE_MAX];
        let names = SubjectNames::new(&[], "");
        let (units, synonyms) = (Vec::new(), Vec::new());
        let (words, meanings) = (HashSet::new(), HashSet::new());
        let label_words = Vec::new();
        Self { units, synonyms, entity: None, words, label_words, meanings, names, ends, facts_count: 0.0 }
    }

    /// The names of the facts and of the risk score.
    pub(super) fn names(&self) -> &SubjectNames {
        &self.names
    }

    /// How many facts the alert type has.
    pub(super) fn facts_count(&self) -> f64 {
        self.facts_count
    }

    /// Whether a word is one of the alert type's labels, ids or title.
    pub(super) fn knows(&self, word: &str) -> bool {
        self.words.contains(&word.to_lowercase())
    }

    /// The fact whose label alone has this word.
    pub(super) fn fact_of_word(&self, word: &Token<'_>) -> Option<ClaimSubject> {
        self.label_words.iter().find(|(label, _)| word.is(label)).map(|(_, subject)| *subject)
    }

    /// The unit of a fact that starts at this token, and the index of the token after it.
    pub(super) fn fact_unit_at(&self, tokens: &Tokens<'_>, index: usize) -> Option<(ClaimUnit, usize)> {
        self.unit_at(tokens, index).filter(|(unit, _)| self.units.contains(unit) && !unit.is_point())
    }

    /// The unit of time that starts at this token.
    pub(super) fn duration_at(&self, tokens: &Tokens<'_>, index: usize) -> Option<ClaimUnit> {
        self.unit_at(tokens, index).map(|(unit, _)| unit).filter(|unit| unit.days().is_some())
    }

    /// Whether a word is in a label, an id or a meaning of the alert type.
    pub(super) fn describes(&self, word: &Token<'_>) -> bool {
        let word = word.text.to_lowercase();
        self.words.contains(&word) || self.meanings.contains(&word)
    }

    /// The week or month that starts at this token, and the index of the token after it. `One day` has another meaning.
    pub(super) fn unit_of_time_at(&self, tokens: &Tokens<'_>, index: usize) -> Option<(ClaimUnit, usize)> {
        self.unit_at(tokens, index).filter(|(unit, _)| unit.0 == WEEK || unit.0 == MONTH)
    }

    /// Whether a word is a name for the entities of the alert type. A prompt never says how many of them there are.
    pub(super) fn is_entity(&self, word: &Token<'_>) -> bool {
        self.entity.as_ref().is_some_and(|entity| word.is_word() && singular(word.text) == entity.0)
    }

    /// Whether a capitalized word can be part of a name, because it is not a word of the alert type.
    pub(super) fn can_be_name(&self, word: &Token<'_>) -> bool {
        !self.words.contains(&word.text.to_lowercase())
    }

    /// Whether all words of a text but the last are words of the alert type, or can be before any unit.
    pub(super) fn knows_all(&self, text: &str) -> bool {
        let words: Vec<_> = text.split_whitespace().collect();
        let (_, before) = words.split_last().unwrap_or((&"", &[]));
        before.iter().all(|word| MODIFIERS.has(word) || self.words.contains(&word.to_lowercase()))
    }

    /// Whether a scale ends at this number.
    pub(super) fn is_end(&self, number: f64) -> bool {
        self.ends.iter().any(|end| same(*end, number))
    }

    /// Returns the unit after a number, and the index of the token after it. The unit is attached to the number, after
    /// a hyphen, or a few words later.
    pub(super) fn unit_after(&self, tokens: &Tokens<'_>, number_end: usize) -> Option<(ClaimUnit, usize)> {
        let next = number_end + usize::from(tokens.glued(number_end).is_some_and(|token| token.text == "+"));
        let first = tokens.get(next)?;
        if first.text == "%" {
            return Some((ClaimUnit::percent(), next + 1));
        }
        if first.is_hyphen() && !first.spaced {
            tokens.glued(next + 1)?;
            return self.unit_at(tokens, next + 1);
        }
        if !first.spaced {
            return self.unit_at(tokens, next);
        }
        let mut unknown_words = 0;
        for index in next..=next + MODIFIERS_MAX {
            let word = tokens.spaced_word(index)?;
            if let Some(found) = self.unit_at(tokens, index) {
                return Some(found);
            }
            if !MODIFIERS.has(word.text) && !self.words.contains(&word.text.to_lowercase()) {
                unknown_words += 1;
            }
            if unknown_words > 1 || !is_adjective(word) {
                return None;
            }
        }
        None
    }

    fn unit_at(&self, tokens: &Tokens<'_>, index: usize) -> Option<(ClaimUnit, usize)> {
        let word = tokens.get(index).filter(|token| token.is_word())?;
        for unit in &self.units {
            let words: Vec<_> = unit.0.split(' ').collect();
            let fits = words.iter().enumerate().all(|(offset, expected)| {
                tokens
                    .get(index + offset)
                    .is_some_and(|token| token.is_word() && canonical(token.text) == *expected)
            });
            if fits {
                return Some((unit.clone(), index + words.len()));
            }
        }
        let singular = canonical(word.text);
        if let Some((_, unit)) = self.synonyms.iter().find(|(synonym, _)| *synonym == singular) {
            return Some((unit.clone(), index + 1));
        }
        if let Some(second) = tokens.spaced_word(index + 1)
            && PERCENT_PAIRS.iter().any(|(one, other)| word.is(one) && second.is(other))
        {
            return Some((ClaimUnit::percent(), index + 2));
        }
        if let Some(unit) = foreign_duration(word) {
            return Some((ClaimUnit(unit.to_owned()), index + 1));
        }
        let letter = LETTER_UNITS.iter().find(|(letter, _)| {
            let ends = tokens.get(index + 1).is_none_or(|next| !next.is_word());
            (!word.spaced || ends) && word.text == *letter
        });
        let unit = letter.map_or_else(|| canonical(word.text), |(_, unit)| (*unit).into());
        let is_general = GENERAL_UNITS.contains(&unit.as_str());
        is_general.then(|| (ClaimUnit(unit), index + 1))
    }
}

/// The words that only one numeric fact has in the first part of its label, before the noun that it counts: `support` of
/// the inbound support calls.
fn label_words(facts: &[Fact]) -> Vec<(String, ClaimSubject)> {
    let head = |fact: &Fact| {
        let head = fact.label().split([',', '(', ':']).next().unwrap_or_default();
        head.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>()
    };
    let mut found = Vec::new();
    for (index, fact) in facts.iter().enumerate() {
        let Some(range) = fact.range() else { continue };
        let words = head(fact);
        let is_only = |word: &String| {
            let others = facts.iter().enumerate().filter(|(other, _)| *other != index);
            others.into_iter().all(|(_, other)| !head(other).contains(word))
        };
        let noun = words.iter().position(|word| word.eq_ignore_ascii_case(&range.unit)).unwrap_or(0);
        let before = words.into_iter().take(noun).filter(is_only);
        found.extend(before.map(|word| (word, ClaimSubject::Fact(index))));
    }
    found
}

/// Other words for the units of facts: the well-known ones, and the noun at the end of a fact's `short`. A word for two
/// units is a word for none.
fn synonyms(facts: &[Fact], units: &[ClaimUnit]) -> Vec<(String, ClaimUnit)> {
    let known = UNIT_SYNONYMS.iter().map(|(word, unit)| ((*word).to_owned(), ClaimUnit((*unit).to_owned())));
    let shorts = facts.iter().filter_map(|fact| {
        let (short, unit) = (fact.short_form()?, ClaimUnit::new(&fact.range()?.unit));
        let last = short.strip_prefix("N ")?.rsplit(' ').next().map(canonical)?;
        let is_noun = last.chars().all(char::is_alphabetic) && !unit.is_point() && !unit.is_percent();
        is_noun.then_some((last, unit))
    });
    let all: Vec<_> = known.chain(shorts).filter(|(_, unit)| units.contains(unit)).collect();
    let is_clear = |(word, unit): &&(String, ClaimUnit)| {
        let is_unit = units.iter().any(|each| each.0 == *word);
        !is_unit && all.iter().all(|(other, other_unit)| other != word || other_unit == unit)
    };
    all.iter().filter(is_clear).cloned().collect()
}

/// The unit of time that a word of another language names. In a script without spaces, the word may continue.
fn foreign_duration(word: &Token<'_>) -> Option<&'static str> {
    let lower = word.text.to_lowercase();
    let without_spaces = |name: &str| name.chars().all(|c| c >= WITHOUT_SPACES_FROM);
    let names = |name: &str| lower == name || without_spaces(name) && !word.spaced && lower.starts_with(name);
    FOREIGN_DURATIONS.iter().find(|(name, _)| names(name)).map(|(_, unit)| *unit)
}

fn is_adjective(word: &Token<'_>) -> bool {
    !word.is_number_word()
        && !FUNCTION_WORDS.has(word.text)
        && !word.ends_in_s()
        && !word.text.ends_with("ing")
}

/// Returns a word of a unit in lower case, in the singular, and written out.
fn canonical(word: &str) -> String {
    let singular = singular(word);
    let short = SHORT_UNITS.iter().find(|(short, _)| *short == singular);
    short.map_or(singular, |(_, unit)| (*unit).to_owned())
}

/// Returns a noun in lower case, without its plural ending. A wrong guess does no harm, because both sides of a
/// comparison make the same one.
pub(super) fn singular(word: &str) -> String {
    let word = word.to_lowercase();
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| !stem.is_empty()) {
        return format!("{stem}y");
    }
    for ending in ["ses", "xes", "ches", "shes"] {
        if let Some(stem) = word.strip_suffix("es").filter(|_| word.ends_with(ending)) {
            return stem.to_owned();
        }
    }
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 1 && !stem.ends_with('s') => stem.to_owned(),
        _ => word,
    }
}
