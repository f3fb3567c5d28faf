//! The clause of a claim, and the subjects that it names.

use std::ops::Range;

use super::RoleReader;
use crate::grounding::claim::{ClaimForm, NumberClaim};
use crate::grounding::subject::{ClaimSubject, NamedSubject};
use crate::grounding::token::Token;
use crate::grounding::words::{CONJUNCTIONS, ONLY_WORDS, SIDE_BY_SIDE, WordList};

/// What crossing into another part of the sentence adds to a distance in tokens.
const PART_DISTANCE: usize = 8;
/// What a name after the number adds to its distance, because most names are before it.
const AFTER_DISTANCE: usize = 3;
/// What a name adds that belongs to another number.
const TAKEN_DISTANCE: usize = 20;
/// The most tokens of a sentence on each side of a number.
const CLAUSE_TOKENS_MAX: usize = 60;
/// The most tokens between a name and the number to which it leads.
const LEADS_MAX: usize = 5;

impl RoleReader<'_, '_> {
    /// The tokens of the claim's sentence.
    pub(super) fn clause(&self, claim: &NumberClaim) -> Range<usize> {
        self.stretch(claim, |tokens, at| ends_clause(tokens, at))
    }

    /// The tokens of the claim's part of the sentence, between commas, parentheses and conjunctions.
    pub(super) fn part_of_sentence(&self, claim: &NumberClaim) -> Range<usize> {
        self.stretch(claim, |tokens, at| ends_clause(tokens, at) || ends_part(tokens, at))
    }

    fn stretch(&self, claim: &NumberClaim, ends: impl Fn(&Self, usize) -> bool) -> Range<usize> {
        let mut start = claim.tokens.start;
        while start > 0 && claim.tokens.start - start < CLAUSE_TOKENS_MAX && !ends(self, start - 1) {
            start -= 1;
        }
        let mut end = claim.tokens.end;
        while end < self.tokens.len() && end - claim.tokens.end < CLAUSE_TOKENS_MAX && !ends(self, end) {
            end += 1;
        }
        start..end
    }

    /// The names within a range of tokens.
    pub(super) fn names_in(&self, range: &Range<usize>) -> &[NamedSubject] {
        let from = self.names.partition_point(|name| name.start < range.start);
        let to = self.names.partition_point(|name| name.end <= range.end);
        self.names.get(from..to.max(from)).unwrap_or_default()
    }

    /// The claims that start within a range of tokens.
    pub(super) fn claims_in(&self, range: &Range<usize>) -> &[NumberClaim] {
        let from = self.claims.partition_point(|claim| claim.tokens.start < range.start);
        let to = self.claims.partition_point(|claim| claim.tokens.start < range.end);
        self.claims.get(from..to.max(from)).unwrap_or_default()
    }

    /// Whether a token is part of a claim.
    pub(super) fn is_in_claim(&self, at: usize) -> bool {
        let after = self.claims.partition_point(|claim| claim.tokens.start <= at);
        after
            .checked_sub(1)
            .and_then(|before| self.claims.get(before))
            .is_some_and(|claim| claim.tokens.contains(&at))
    }

    /// Whether the claim's part of the sentence names a subject.
    pub(super) fn names_in_part(&self, claim: &NumberClaim) -> bool {
        !self.names_in(&self.part_of_sentence(claim)).is_empty()
    }

    /// The facts that the claim's clause names, in their order, each once.
    pub(super) fn named_in_clause(&self, claim: &NumberClaim) -> Vec<ClaimSubject> {
        let mut subjects = Vec::new();
        for name in self.names_in(&self.clause(claim)) {
            if name.subject != ClaimSubject::Risk && !subjects.contains(&name.subject) {
                subjects.push(name.subject);
            }
        }
        subjects
    }

    /// The subject of a claim: the one to which the text leads, the one with its unit, the nearest one, or the driver's.
    pub(super) fn subject(&self, index: usize, claim: &NumberClaim) -> Option<ClaimSubject> {
        let of_unit = (self.facts_of_unit)(claim);
        if claim.unit.is_some() && !claim.is_percent() {
            return match of_unit.as_slice() {
                [] => claim.subject,
                [subject] => Some(*subject),
                several => {
                    let fits = |subject: &ClaimSubject| several.contains(subject);
                    let near = claim.subject.or_else(|| self.of_pair(index, claim)).filter(fits);
                    near.or_else(|| self.nearest_of(claim, |name| fits(&name.subject)))
                        .or(self.default.filter(fits))
                }
            };
        }
        claim.subject.or_else(|| self.of_pair(index, claim)).or_else(|| self.nearest(claim)).or(self.default)
    }

    /// The name that is nearest to a claim in its clause.
    pub(super) fn nearest(&self, claim: &NumberClaim) -> Option<ClaimSubject> {
        self.nearest_of(claim, |_| true)
    }

    fn nearest_of(&self, claim: &NumberClaim, fits: impl Fn(&NamedSubject) -> bool) -> Option<ClaimSubject> {
        let names = self.names_in(&self.clause(claim)).iter().filter(|name| fits(name));
        names.min_by_key(|name| self.cost(claim, name)).map(|name| name.subject)
    }

    /// The nearest fact that covers a window of time, by its name or by a number with its unit. A fact has a window
    /// besides its number. `None` if the part of the sentence has another number and names no such fact.
    pub(super) fn nearest_with_window(&self, claim: &NumberClaim) -> Option<ClaimSubject> {
        let (clause, part) = (self.clause(claim), self.part_of_sentence(claim));
        let others = self.claims_in(&clause).iter().filter(|other| *other != claim);
        let counted = others.clone().filter_map(|other| match (self.facts_of_unit)(other).as_slice() {
            [subject] => {
                Some(NamedSubject { start: other.tokens.start, end: other.tokens.end, subject: *subject })
            }
            _ => None,
        });
        let names = self.names_in(&clause).iter().copied().chain(counted);
        let names = names.filter(|name| (self.has_window)(name.subject));
        let near = names.min_by_key(|name| self.reach(claim, name));
        let is_near = near.is_some_and(|name| part.contains(&name.start));
        if !is_near
            && self.default.is_none()
            && others.clone().any(|other| part.contains(&other.tokens.start))
        {
            return None;
        }
        near.map(|name| name.subject).or(self.default.filter(|subject| (self.has_window)(*subject)))
    }

    /// The subject that is named last before the claim's clause.
    pub(super) fn named_before_clause(&self, claim: &NumberClaim) -> Option<ClaimSubject> {
        let start = self.clause(claim).start;
        let after = self.names.partition_point(|name| name.start < start);
        after.checked_sub(1).and_then(|last| self.names.get(last)).map(|name| name.subject)
    }

    /// The distance of a claim from the nearest name of a subject, in tokens.
    pub(super) fn distance_to(&self, claim: &NumberClaim, subject: ClaimSubject) -> Option<usize> {
        let names = self.names_in(&self.clause(claim)).iter().filter(|name| name.subject == subject);
        names.map(|name| gap(claim, name.start, name.end)).min()
    }

    /// The distance of a claim from the nearest word of a list in its clause, in tokens.
    pub(super) fn distance_to_word(&self, claim: &NumberClaim, list: &WordList) -> Option<usize> {
        let is_word = |at: &usize| self.tokens.get(*at).is_some_and(|word| word.is_in(list));
        self.clause(claim).filter(is_word).map(|at| gap(claim, at, at + 1)).min()
    }

    /// Whether a word of a list is in the clause.
    pub(super) fn has_word_in_clause(&self, claim: &NumberClaim, list: &WordList) -> bool {
        self.distance_to_word(claim, list).is_some()
    }

    /// How far a name is from a claim, with the penalties for other parts of the sentence and for names after it.
    fn reach(&self, claim: &NumberClaim, name: &NamedSubject) -> usize {
        let between = if name.end <= claim.tokens.start {
            name.end..claim.tokens.start
        } else {
            claim.tokens.end.min(name.start)..name.start
        };
        let parts = between.clone().filter(|at| ends_part(self, *at)).count();
        let is_after = name.start >= claim.tokens.end;
        between.len() + parts * PART_DISTANCE + if is_after { AFTER_DISTANCE } else { 0 }
    }

    /// How far a name is from a claim whose value it may have. A name with another value is less likely.
    fn cost(&self, claim: &NumberClaim, name: &NamedSubject) -> usize {
        let beside = name.start.saturating_sub(LEADS_MAX)..name.end + LEADS_MAX + 1;
        let is_taken = self.claims_in(&beside).iter().any(|other| {
            let leads = other.tokens.start.checked_sub(name.end).is_some_and(|gap| gap <= LEADS_MAX);
            other != claim
                && (leads && other.subject == Some(name.subject) || other.tokens.contains(&name.start))
        });
        self.reach(claim, name) + if is_taken { TAKEN_DISTANCE } else { 0 }
    }

    /// The subject of one of two numbers side by side, after two names side by side: `demand exceeds supply (90 vs. 30)`.
    pub(super) fn of_pair(&self, index: usize, claim: &NumberClaim) -> Option<ClaimSubject> {
        let first = index.checked_sub(1).filter(|before| self.are_beside(*before, index));
        let (at, place) = if let Some(first) = first {
            (first, 1)
        } else {
            if !self.are_beside(index, index + 1) {
                return None;
            }
            (index, 0)
        };
        let start = self.claims.get(at)?.tokens.start;
        self.pair_ending_at(start, claim).and_then(|pair| pair.get(place).copied())
    }

    /// Whether two claims are side by side: `82 vs. 31`, `82 and 31`.
    fn are_beside(&self, one: usize, other: usize) -> bool {
        let (Some(one), Some(other)) = (self.claims.get(one), self.claims.get(other)) else { return false };
        let links = (one.tokens.end..other.tokens.start).all(|at| {
            self.tokens.get(at).is_some_and(|token| {
                token.is_in(&SIDE_BY_SIDE) || matches!(token.text, "and" | "," | "&" | ".")
            })
        });
        let gap = other.tokens.start.checked_sub(one.tokens.end);
        gap.is_some_and(|gap| (1..=2).contains(&gap)) && links
    }

    /// Whether the number is compared with the one before or after it, and nothing says whose values they are.
    pub(super) fn is_versus(&self, index: usize) -> bool {
        let compared = |one: usize, other: usize| {
            let link = self.claims.get(one).and_then(|one| self.tokens.get(one.tokens.end));
            self.are_beside(one, other) && link.is_some_and(|link| link.is_in(&SIDE_BY_SIDE))
        };
        compared(index, index + 1) || index.checked_sub(1).is_some_and(|before| compared(before, index))
    }

    /// The subjects in the part of the sentence before the parenthesis that the number opens: `the call count (4)`.
    pub(super) fn named_before_parenthesis(&self, claim: &NumberClaim) -> Vec<ClaimSubject> {
        let Some(open) = claim.tokens.start.checked_sub(1) else { return Vec::new() };
        if self.tokens.get(open).is_none_or(|mark| mark.text != "(") {
            return Vec::new();
        }
        let mut start = open;
        while start > 0 && !ends_clause(self, start - 1) && !ends_part(self, start - 1) {
            start -= 1;
        }
        self.names_in(&(start..open)).iter().map(|name| name.subject).collect()
    }

    /// The subject beside a number between commas or at the start: `the demand score, 85, ...`, `at 72, health ...`.
    pub(super) fn in_apposition(&self, claim: &NumberClaim) -> Option<ClaimSubject> {
        let comma = |at: usize| self.tokens.get(at).is_some_and(|mark| mark.text == ",");
        // `few sessions, just 2.`, `supply, at 29, is low`
        let is_hedge = |word: &Token<'_>| word.is_in(&ONLY_WORDS) || word.is("at");
        let hedge = usize::from(self.tokens.back(claim.tokens.start, 1).is_some_and(is_hedge));
        let after_comma = claim.tokens.start.checked_sub(hedge + 1).filter(|at| hedge == 1 && comma(*at));
        if let Some(at) = after_comma {
            let names = self.names_in(&(at.saturating_sub(LEADS_MAX)..at));
            if let Some(name) = names.last().filter(|name| name.end == at) {
                return Some(name.subject);
            }
        }
        if !comma(claim.tokens.end) {
            return None;
        }
        let before = claim.tokens.start.checked_sub(1)?;
        if comma(before) {
            let names = self.names_in(&(before.saturating_sub(LEADS_MAX)..before));
            return names.last().filter(|name| name.end == before).map(|name| name.subject);
        }
        let leads = self.tokens.get(before).is_some_and(|word| word.is("at") || word.is("with"));
        // `Supply is plentiful at 85, demand is low`: the number has a name already.
        if !leads || self.names_in_part(claim) {
            return None;
        }
        let after = claim.tokens.end + 1;
        let article = usize::from(self.tokens.get(after).is_some_and(|word| word.is("the")));
        let names = self.names_in(&(after..after + LEADS_MAX));
        names.first().filter(|name| name.start == after + article).map(|name| name.subject)
    }

    /// The last two subjects that are named before a claim, if no number is between them.
    pub(super) fn pair_before(&self, claim: &NumberClaim) -> Option<Vec<ClaimSubject>> {
        self.pair_ending_at(claim.tokens.start, claim)
    }

    fn pair_ending_at(&self, end: usize, claim: &NumberClaim) -> Option<Vec<ClaimSubject>> {
        let clause = self.clause(claim);
        let mut before = self.names_in(&(clause.start..end)).iter().rev();
        let (second, first) = (before.next()?, before.next()?);
        // `Supply leads demand by 9 points (61 against 52)`: a number with a unit is not one of the two.
        let is_other = |other: &NumberClaim| other.unit.is_some() || other.form != ClaimForm::Plain;
        let free = self.claims_in(&(first.end..end)).iter().all(is_other);
        let differ = first.subject != second.subject;
        let facts = first.subject != ClaimSubject::Risk && second.subject != ClaimSubject::Risk;
        (free && differ && facts).then(|| vec![first.subject, second.subject])
    }
}

/// The number of tokens between a claim and other tokens; 0 if they overlap.
fn gap(claim: &NumberClaim, start: usize, end: usize) -> usize {
    if end <= claim.tokens.start { claim.tokens.start - end } else { start.saturating_sub(claim.tokens.end) }
}

fn ends_clause(reader: &RoleReader<'_, '_>, at: usize) -> bool {
    let Some(token) = reader.tokens.get(at) else { return true };
    let next_opens = reader.tokens.get(at + 1).is_none_or(|next| next.spaced);
    match token.text {
        ";" | "!" | "?" | "。" | "！" | "？" | "；" => true,
        "." => next_opens && !reader.tokens.back(at, 1).is_some_and(|word| word.is("vs")),
        _ => reader.tokens.get(at + 1).is_some_and(|next| next.opens_line && !token.opens_line),
    }
}

fn ends_part(reader: &RoleReader<'_, '_>, at: usize) -> bool {
    reader.tokens.get(at).is_some_and(|token: &Token<'_>| {
        matches!(token.text, "," | "(" | ")" | "—" | "–" | ":") || token.is_in(&CONJUNCTIONS)
    })
}
