//! Tells of what a number is said where a name leads to it: `a health score of 65`, `Calls (14 days): 5`.
//!
//! Takes: an alert type's facts, and tokens.
//! Gives: a [`Subject`] where the language leaves no doubt.
//! Never: guesses. A number without a subject is still checked, against everything that the prompt said.

use super::numeral;
use super::token::{Token, Tokens};
use super::words::{
    AFTER_DISTANCES, BEFORE_COMPARED, COMPARING_LINKS, DISPENSABLE, GAP_WORDS, LINKS, SIDE_BY_SIDE,
    STRONG_LINKS, WORD_LINKS, Words,
};
use crate::alert_type::Fact;

/// Of what a number is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// The fact at this place of its type's list.
    Fact(usize),
    /// The reply's risk score.
    Risk,
}

/// Every name of every subject.
#[derive(Debug)]
pub(super) struct Names(Vec<Name>);

#[derive(Debug)]
struct Name {
    words: Vec<String>,
    subject: Subject,
    form: NameForm,
}

/// How sure a name is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum NameForm {
    /// An id, a label, or a label without `score`.
    Plain,
    /// What a fact counts: `Calls: 5`, but not `calls 5 times`.
    Counted,
    /// `risk`, which also stands in `at risk` and `risk (of churn)`.
    Risk,
}

/// The tokens around a number that leads from a name.
struct Place<'a, 't> {
    tokens: &'a Tokens<'t>,
    /// The first token of the name, the one after it, the first of the claim, and the one after that.
    name: usize,
    name_end: usize,
    claim: usize,
    claim_end: usize,
}

/// Tokens that may stand between a subject and its number: `is still well below`.
const LINKS_MAX: usize = 4;
/// Tokens of a remark between a name and its colon: `(last 14 days)`.
const REMARK_MAX: usize = 8;
/// Tokens before a name in which a gap can be spoken of: `the gap between the demand score and the supply score`.
const GAP_MAX: usize = 8;

impl Names {
    pub(super) fn new(facts: &[Fact]) -> Self {
        let name = |text: &str, subject, form| {
            let words = text.split_whitespace().map(str::to_lowercase).collect();
            Name { words, subject, form }
        };
        let risk =
            [name("risk score", Subject::Risk, NameForm::Plain), name("risk", Subject::Risk, NameForm::Risk)];
        let mut names = Vec::from(risk);
        for (index, fact) in facts.iter().enumerate() {
            let Some(range) = fact.range() else { continue };
            let subject = Subject::Fact(index);
            let head = fact.label().split([',', '(', ':']).next().unwrap_or_default().trim();
            names.push(name(fact.id(), subject, NameForm::Plain));
            names.push(name(head, subject, NameForm::Plain));
            if let Some((rest, _)) = head.rsplit_once(' ').filter(|(_, last)| DISPENSABLE.has(last)) {
                names.push(name(rest, subject, NameForm::Plain));
            }
            if head.split(' ').any(|word| word.eq_ignore_ascii_case(&range.unit)) {
                names.push(name(&range.unit, subject, NameForm::Counted));
            }
        }
        Self(names)
    }

    /// The subject of the claim that stands at these places.
    pub(super) fn subject_of(
        &self,
        tokens: &Tokens<'_>,
        claim: usize,
        claim_end: usize,
        has_unit: bool,
    ) -> Option<Subject> {
        let mut name_end = claim;
        while claim - name_end < LINKS_MAX
            && tokens.back(name_end, 1).is_some_and(|token| token.is_in(&LINKS))
        {
            name_end -= 1;
        }
        if tokens.get(name_end).is_some_and(|link| matches!(link.text, ":" | "=")) {
            name_end = before_remark(tokens, name_end);
        }
        let fits = |name: &&Name| {
            name_end.checked_sub(name.words.len()).is_some_and(|start| {
                let words = name.words.iter().zip(start..);
                words.into_iter().all(|(word, at)| tokens.get(at).is_some_and(|token| token.is(word)))
            })
        };
        // The longest name says the most.
        let name = self.0.iter().filter(fits).max_by_key(|name| name.words.len())?;
        let place = Place { tokens, name: name_end - name.words.len(), name_end, claim, claim_end };
        (place.allows(name.form) && place.leads(has_unit)).then_some(name.subject)
    }
}

/// Where the text stands before a remark in parentheses that ends at a place. A lone number there is no remark but
/// the value itself: `Health (65): 35 points are lost`.
fn before_remark(tokens: &Tokens<'_>, end: usize) -> usize {
    let closes = tokens.back(end, 1).is_some_and(|token| token.text == ")");
    if !closes || tokens.back(end, 2).is_some_and(Token::is_digits) {
        return end;
    }
    let opening =
        (2..=REMARK_MAX).find(|back| tokens.back(end, *back).is_some_and(|token| token.text == "("));
    opening.map_or(end, |back| end - back)
}

impl Place<'_, '_> {
    fn before(&self) -> Option<&Token<'_>> {
        self.tokens.back(self.name, 1)
    }

    fn is_linked_by(&self, links: &Words) -> bool {
        (self.name_end..self.claim).any(|at| self.tokens.get(at).is_some_and(|token| token.is_in(links)))
    }

    fn allows(&self, form: NameForm) -> bool {
        match form {
            NameForm::Plain => true,
            NameForm::Counted => self.is_linked_by(&STRONG_LINKS),
            NameForm::Risk => {
                self.is_linked_by(&WORD_LINKS) && !self.before().is_some_and(|word| word.is("at"))
            }
        }
    }

    /// Whether the number is the value of what is named right before it.
    fn leads(&self, has_unit: bool) -> bool {
        // `Supply lacks 80 points, demand 7.5 points`: with a unit, it may as well be a distance.
        let is_loose = self.name_end == self.claim && has_unit;
        let is_distance = self.tokens.get(self.claim_end).is_some_and(|word| word.is_in(&AFTER_DISTANCES));
        let is_compared = self.before().is_some_and(|word| word.is_in(&BEFORE_COMPARED))
            && self.is_linked_by(&COMPARING_LINKS)
            || self.before().is_some_and(|mark| mark.text == "/");
        let speaks_of_gap = (1..=GAP_MAX)
            .any(|back| self.tokens.back(self.name, back).is_some_and(|word| word.is_in(&GAP_WORDS)));
        !is_loose && !is_distance && !is_compared && !speaks_of_gap && !self.is_one_of_two()
    }

    /// `demand and supply of 60 and 55`, `demand exceeds supply (88 vs. 41.5)`: the other number may be the name's.
    fn is_one_of_two(&self) -> bool {
        let follows = |at: usize| numeral::at(self.tokens, at).is_some();
        let Some(link) = self.tokens.get(self.claim_end) else { return false };
        let abbreviated =
            usize::from(self.tokens.glued(self.claim_end + 1).is_some_and(|mark| mark.text == "."));
        let and = |token: &Token<'_>| matches!(token.text, "and" | "," | "&");
        let names_two = (self.before().is_some_and(and)
            || self.tokens.back(self.claim, 1).is_some_and(|mark| mark.text == "("))
            && and(link);
        (link.is_in(&SIDE_BY_SIDE) || names_two) && follows(self.claim_end + 1 + abbreviated)
    }
}
