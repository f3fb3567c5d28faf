//! Finds the subject of a number whose name leads to it: `a health score of 65`, `Calls (14 days): 5`.
//!
//! Never: guesses. A number without a subject is checked against all evidence.

use super::numeral;
use super::token::{Token, Tokens};
use super::words::{
    AFTER_DISTANCES, BEFORE_COMPARED, CHANCE_NAMES, COMPARING_LINKS, DISPENSABLE, GAP_WORDS, LINKS,
    SIDE_BY_SIDE, STRONG_LINKS, UNIT_VERBS, WINDOW_UNITS, WORD_LINKS, WordList,
};
use crate::alert_type::Fact;

/// The subject of a number: whose value it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClaimSubject {
    /// The fact at this index of its type.
    Fact(usize),
    /// The reply's risk score.
    Risk,
}

/// All names of all subjects.
#[derive(Debug)]
pub(super) struct SubjectNames(Vec<SubjectName>);

/// A name in a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct NamedSubject {
    /// The indices of its first token, and of the one after it.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) subject: ClaimSubject,
}

#[derive(Debug)]
struct SubjectName {
    words: Vec<String>,
    subject: ClaimSubject,
    kind: NameKind,
}

/// How clearly a name refers to its subject.
#[derive(Debug, Clone, Copy, PartialEq)]
enum NameKind {
    /// An id, a label, or a label without `score`.
    Plain,
    /// The noun that a fact counts, or its verb: `Calls: 5`, but not `calls 5 times`.
    Counted,
    /// `risk`, which also occurs in `at risk` and `risk (of churn)`.
    Risk,
}

/// A name, the number to which it leads, and the tokens around them.
struct SubjectContext<'a, 't> {
    tokens: &'a Tokens<'t>,
    /// Indices: the first token of the name, the one after the name, the first of the claim, and the one after the
    /// claim.
    name: usize,
    name_end: usize,
    claim: usize,
    claim_end: usize,
}

/// The most tokens between a subject and its number: `is still well below`.
const LINKS_MAX: usize = 4;
/// The most tokens of a remark between a name and its colon: `(last 14 days)`.
const REMARK_MAX: usize = 8;
/// The most tokens between a word for a gap and a name: `the gap between the demand score and the supply score`.
const GAP_MAX: usize = 8;

impl SubjectNames {
    pub(super) fn new(facts: &[Fact], predicts: &str) -> Self {
        let mut names = Vec::new();
        let mut add = |text: &str, subject, kind| {
            let words: Vec<_> = Tokens::read(text).iter().map(|token| token.text.to_lowercase()).collect();
            if !words.is_empty() {
                names.push(SubjectName { words, subject, kind });
            }
        };
        add("risk score", ClaimSubject::Risk, NameKind::Plain);
        // `The risk of unmet demand is 85` is not about demand.
        if predicts.contains('_') {
            add(&predicts.replace('_', " "), ClaimSubject::Risk, NameKind::Plain);
        }
        for chance in CHANCE_NAMES.iter() {
            add(chance, ClaimSubject::Risk, NameKind::Risk);
        }
        for (index, fact) in facts.iter().enumerate() {
            let Some(range) = fact.range() else { continue };
            let subject = ClaimSubject::Fact(index);
            let head = fact.label().split([',', '(', ':']).next().unwrap_or_default().trim();
            add(fact.id(), subject, NameKind::Plain);
            add(&fact.id().replace('_', " "), subject, NameKind::Plain);
            add(fact.label(), subject, NameKind::Plain);
            add(head, subject, NameKind::Plain);
            if let Some((rest, _)) = head.rsplit_once(' ').filter(|(_, last)| DISPENSABLE.has(last)) {
                add(rest, subject, NameKind::Plain);
            }
            if head.split(' ').any(|word| word.eq_ignore_ascii_case(&range.unit)) {
                add(&range.unit, subject, NameKind::Counted);
            }
            let others = facts.iter().filter_map(Fact::range).filter(|other| other.unit == range.unit);
            if others.count() > 1 {
                continue;
            }
            let noun = range.unit.strip_suffix('s').unwrap_or(&range.unit);
            for (verb, _) in UNIT_VERBS.iter().filter(|(_, unit)| unit.eq_ignore_ascii_case(noun)) {
                add(verb, subject, NameKind::Counted);
            }
        }
        Self(names)
    }

    /// Every name in a text, in its order. Names do not overlap; of two at one place, the longer one counts.
    pub(super) fn all(&self, tokens: &Tokens<'_>) -> Vec<NamedSubject> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < tokens.len() {
            let Some((words, subject)) = self.longest_at(tokens, at) else {
                at += 1;
                continue;
            };
            found.push(NamedSubject { start: at, end: at + words, subject });
            at += words;
        }
        found
    }

    /// The subjects that are called a score.
    pub(super) fn scores(&self) -> Vec<ClaimSubject> {
        let is_score = |name: &&SubjectName| name.words.last().is_some_and(|last| DISPENSABLE.has(last));
        let mut subjects: Vec<_> = self.0.iter().filter(is_score).map(|name| name.subject).collect();
        subjects.dedup();
        subjects
    }

    /// The facts that count something that their names say.
    pub(super) fn counted(&self) -> Vec<ClaimSubject> {
        let counted = self.0.iter().filter(|name| name.kind == NameKind::Counted);
        let mut subjects: Vec<_> = counted.map(|name| name.subject).collect();
        subjects.dedup();
        subjects
    }

    /// Whether the name of a fact starts at this token.
    pub(super) fn starts_at(&self, tokens: &Tokens<'_>, at: usize) -> bool {
        self.longest_at(tokens, at).is_some_and(|(_, subject)| subject != ClaimSubject::Risk)
    }

    /// The number of words of the longest name at a token, and its subject.
    fn longest_at(&self, tokens: &Tokens<'_>, at: usize) -> Option<(usize, ClaimSubject)> {
        let fits = |name: &&SubjectName| {
            let counted = name.kind == NameKind::Counted;
            let at_risk = name.kind == NameKind::Risk && tokens.back(at, 1).is_some_and(|word| word.is("at"));
            let mut words = name.words.iter().zip(at..);
            !at_risk
                && words.all(|(word, at)| tokens.get(at).is_some_and(|token| is_word(token, word, counted)))
        };
        let name = self.0.iter().filter(fits).max_by_key(|name| name.words.len())?;
        Some((name.words.len(), name.subject))
    }

    /// Returns the subject of the claim at these token indices.
    pub(super) fn subject_of(
        &self,
        tokens: &Tokens<'_>,
        claim: usize,
        claim_end: usize,
        has_unit: bool,
    ) -> Option<ClaimSubject> {
        let mut name_end = claim;
        while claim - name_end < LINKS_MAX
            && tokens.back(name_end, 1).is_some_and(|token| token.is_in(&LINKS))
        {
            name_end -= 1;
        }
        // `Calls (last 14 days): 5`, `calls (14d) 5`
        let is_window = tokens.back(claim, 1).is_some_and(|mark| mark.text == ")")
            && tokens.back(claim, 2).is_some_and(|unit| unit.is_in(&WINDOW_UNITS));
        if is_window || tokens.get(name_end).is_some_and(|link| matches!(link.text, ":" | "=")) {
            name_end = before_remark(tokens, name_end);
        }
        let fits = |name: &&SubjectName| {
            name_end.checked_sub(name.words.len()).is_some_and(|start| {
                let words = name.words.iter().zip(start..);
                words.into_iter().all(|(word, at)| tokens.get(at).is_some_and(|token| token.is(word)))
            })
        };
        // The longest name is the most specific.
        let name = self.0.iter().filter(fits).max_by_key(|name| name.words.len())?;
        let context =
            SubjectContext { tokens, name: name_end - name.words.len(), name_end, claim, claim_end };
        (context.allows(name.kind) && context.is_value_of_name(has_unit)).then_some(name.subject)
    }
}

/// Whether a token is a word of a name. A counted noun may also be in the singular or a verb: `calls`, `call`, `called`.
fn is_word(token: &Token<'_>, word: &str, counted: bool) -> bool {
    if token.is(word) {
        return true;
    }
    let Some(stem) = word.strip_suffix('s').filter(|stem| counted && stem.len() > 2) else { return false };
    let text = token.text.to_lowercase();
    text.strip_prefix(stem).is_some_and(|ending| matches!(ending, "" | "ed" | "ing" | "'s" | "’s"))
}

/// Returns the index of the start of a remark in parentheses that ends at `end`, or else `end`. A number in
/// parentheses is not a remark but the value itself: `Health (65): 35 points are lost`.
fn before_remark(tokens: &Tokens<'_>, end: usize) -> usize {
    let closes = tokens.back(end, 1).is_some_and(|token| token.text == ")");
    if !closes || tokens.back(end, 2).is_some_and(Token::is_digits) {
        return end;
    }
    let opening =
        (2..=REMARK_MAX).find(|back| tokens.back(end, *back).is_some_and(|token| token.text == "("));
    opening.map_or(end, |back| end - back)
}

impl SubjectContext<'_, '_> {
    fn before(&self) -> Option<&Token<'_>> {
        self.tokens.back(self.name, 1)
    }

    fn is_linked_by(&self, links: &WordList) -> bool {
        (self.name_end..self.claim).any(|at| self.tokens.get(at).is_some_and(|token| token.is_in(links)))
    }

    fn allows(&self, kind: NameKind) -> bool {
        match kind {
            NameKind::Plain => true,
            NameKind::Counted => self.is_linked_by(&STRONG_LINKS),
            NameKind::Risk => {
                self.is_linked_by(&WORD_LINKS) && !self.before().is_some_and(|word| word.is("at"))
            }
        }
    }

    /// Whether the number is the value of the name before it.
    fn is_value_of_name(&self, has_unit: bool) -> bool {
        // `Supply lacks 80 points, demand 7.5 points`: a number with a unit may also be a distance.
        let may_be_distance = self.name_end == self.claim && has_unit;
        let is_distance = self.tokens.get(self.claim_end).is_some_and(|word| word.is_in(&AFTER_DISTANCES));
        let is_compared = self.before().is_some_and(|word| word.is_in(&BEFORE_COMPARED))
            && self.is_linked_by(&COMPARING_LINKS)
            || self.before().is_some_and(|mark| mark.text == "/");
        let mentions_gap = (1..=GAP_MAX)
            .any(|back| self.tokens.back(self.name, back).is_some_and(|word| word.is_in(&GAP_WORDS)));
        !may_be_distance && !is_distance && !is_compared && !mentions_gap && !self.is_one_of_two()
    }

    /// Whether the number is one of two that may each belong to the name: `demand and supply of 60 and 55`, `demand
    /// exceeds supply (88 vs. 41.5)`.
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
