//! Finds words for a change over time: `declining`, `a drop in sessions`, `has become less active`, `fewer than before`.
//!
//! Never: judges a supposition, such as `may decline`, or a change of the risk.

use super::super::report::UnsaidKind;
use super::super::token::Token;
use super::super::words::{
    BECOMING, BEFORE_NOW, CHANGE_NOUNS, CHANGE_STARTS, CHANGE_VERBS, COMPARATIVES, DEGREES, MOVES, PLACES,
    TREND_NOUNS, TRENDS, WAYS, WordList,
};
use super::{Found, UnsaidReader};

impl UnsaidReader<'_, '_> {
    pub(super) fn trends(&self) -> Vec<Found> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < self.tokens.len() {
            let end = self.trend_at(at).filter(|_| !self.is_supposed(at) && !self.is_of_risk(at));
            found.extend(end.map(|end| Found { start: at, end, kind: UnsaidKind::Trend }));
            at = end.unwrap_or(at + 1);
        }
        found
    }

    /// The index after the words for a change that start at this token.
    fn trend_at(&self, at: usize) -> Option<usize> {
        let is = |at: usize, list: &WordList| self.tokens.get(at).is_some_and(|word| word.is_in(list));
        let word = |at: usize, text: &str| self.tokens.get(at).is_some_and(|word| word.is(text));
        if is(at, &BECOMING) {
            let comparative = at + 1 + usize::from(is(at + 1, &DEGREES));
            // `has become less active`
            let grades = word(comparative, "less") || word(comparative, "more");
            let adjective = grades && self.tokens.spaced_word(comparative + 1).is_some();
            if is(comparative, &COMPARATIVES) {
                return Some(comparative + 1 + usize::from(adjective));
            }
        }
        if is(at, &CHANGE_STARTS) && word(at + 1, "to") && is(at + 2, &CHANGE_VERBS) {
            return Some(at + 3);
        }
        if is(at, &MOVES) && is(at + 1, &WAYS) {
            return Some(at + 2);
        }
        // `on the rise`
        let back = |count: usize, text: &str| self.tokens.back(at, count).is_some_and(|word| word.is(text));
        if is(at, &CHANGE_NOUNS) && back(1, "the") && back(2, "on") {
            return Some(at + 1);
        }
        if word(at, "than") && is(at + 1, &BEFORE_NOW) {
            return Some(at + 2);
        }
        // A verb has `to` before it: `to increase in value`.
        let is_change = is(at, &CHANGE_NOUNS)
            && word(at + 1, "in")
            && !self.tokens.back(at, 1).is_some_and(|before| before.is("to"));
        let hyphen = self.tokens.glued(at + 1).is_some_and(Token::is_hyphen);
        if is(at, &CHANGE_NOUNS) && hyphen && word(at + 2, "off") {
            return Some(at + 3);
        }
        // `falling in the middle range` says where it is.
        if word(at, "falling") && is(at + 1, &PLACES) {
            return None;
        }
        (is(at, &TRENDS) || is(at, &TREND_NOUNS) || is_change).then_some(at + 1)
    }
}
