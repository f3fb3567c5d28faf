//! Recognizes numerals that are not claims: dates, times, list markers, and numbers in names.
//!
//! Ordinals, ids and idioms never get here, because they are not read as numerals.

use super::digits::{Numeral, same};
use super::token::{Token, TokenKind, Tokens, YEARS};
use super::vocabulary::Vocabulary;
use super::words::{
    AFTER_HOURS, BEFORE_AMOUNTS, BEFORE_DATES, BEFORE_MARKERS, BEFORE_YEARS, FUNCTION_WORDS, MONTHS,
    NOT_NAMES, NUMBER_PREFIXES,
};

/// A numeral that may not be a claim, and the tokens around it.
pub(super) struct NumeralContext<'a, 't> {
    pub(super) tokens: &'a Tokens<'t>,
    pub(super) vocabulary: &'a Vocabulary,
    /// The index of its first token.
    pub(super) first: usize,
    /// The index of the token after it.
    pub(super) next: usize,
    /// Whether a word with a capital before it can make it part of a name.
    pub(super) has_names: bool,
}

/// Digits of a list marker.
const MARKER_DIGITS_MAX: usize = 2;
/// The largest number of a list marker that a point follows. Explanations have no longer lists.
const MARKER_MAX: f64 = 20.0;
/// Digits of a number in a name.
const NAME_DIGITS_MAX: usize = 3;
/// The largest number in a name after a single word that may have its capital only because it starts a sentence:
/// `Algebra 2`.
const NAME_NUMBER_MAX: f64 = 20.0;
const MONTH_DAYS_MAX: f64 = 31.0;

/// The indices of the numbers that mark the items of an inline list: `1. Calls are frequent. 2. Health is low.` or `(1)
/// calls, (2) health`. They count up from 1, and each has a point or a parenthesis after it.
pub(super) fn inline_markers(tokens: &Tokens<'_>) -> Vec<usize> {
    let mut markers = Vec::new();
    let mut expected = 1.0;
    for index in 0..tokens.len() {
        let Some(TokenKind::Digits(numeral)) = tokens.get(index).map(|token| token.kind) else { continue };
        let closes = tokens.glued(index + 1).is_some_and(|mark| matches!(mark.text, "." | ")"));
        let item_follows = tokens.get(index + 2).is_some_and(|item| item.spaced);
        let opens = tokens.back(index, 1).is_none_or(|before| {
            matches!(before.text, "." | "!" | "?" | ":" | ";" | "," | "(" | "-" | "•")
                || before.is_in(&BEFORE_MARKERS)
        });
        if same(numeral.value, expected) && closes && item_follows && opens {
            markers.push(index);
            expected += 1.0;
        }
    }
    // A single one is a number at the end of a sentence.
    if markers.len() > 1 { markers } else { Vec::new() }
}

impl NumeralContext<'_, '_> {
    /// Whether the numeral is part of an id or a reference, and so not a claim even if a unit follows.
    pub(super) fn is_part_of_id(&self) -> bool {
        self.is_in_id() || self.is_reference()
    }

    /// Whether it is a date of two numbers: `on 3/14`.
    pub(super) fn is_day_of_month(&self) -> bool {
        let slash = self.tokens.glued(self.next).is_some_and(|mark| mark.text == "/");
        let is_date = |back: usize| self.back(back).is_some_and(|word| word.is_in(&BEFORE_DATES));
        slash && is_date(1) || self.back(1).is_some_and(|mark| mark.text == "/") && is_date(3)
    }

    /// Whether the numeral is not a claim if no unit follows it.
    pub(super) fn is_non_claim(&self, numeral: Numeral) -> bool {
        // `zero-tolerance`
        let hyphen = self.tokens.glued(self.next).is_some_and(Token::is_hyphen);
        if numeral.value == 0.0 && hyphen && self.tokens.glued(self.next + 1).is_some_and(Token::is_word) {
            return true;
        }
        self.tokens.get(self.first).filter(|token| token.is_digits()).is_some_and(|token| {
            self.is_list_marker(token, numeral)
                || self.is_time()
                || self.is_date(token, numeral)
                || self.has_names && self.is_in_name(token, numeral)
                || self.has_letters_attached()
        })
    }

    fn back(&self, count: usize) -> Option<&Token<'_>> {
        self.tokens.back(self.first, count)
    }

    /// Whether it is a list marker: `1. Calls`, `**2)** Health`, `(3) silence`, `for 1) calls and 2) silence`.
    fn is_list_marker(&self, token: &Token<'_>, numeral: Numeral) -> bool {
        let Some(closing) = self.tokens.glued(self.next) else { return false };
        if token.text.len() > MARKER_DIGITS_MAX || !matches!(closing.text, "." | ")") {
            return false;
        }
        let Some(item) = self.tokens.get(self.next + 1).filter(|item| !item.opens_line) else { return false };
        if token.opens_line {
            // `84. That is the score.`
            if closing.text == "." && numeral.value > MARKER_MAX {
                return false;
            }
            return item.is_word() || item.text == "*" || item.spaced && !token.enclosed;
        }
        let in_parentheses = self.back(1).is_some_and(|before| before.text == "(");
        let introduced = self.back(2).is_none_or(|before| {
            before.is_in(&BEFORE_MARKERS) || matches!(before.text, ":" | ";" | "," | ".")
        });
        closing.text == ")"
            && item.spaced
            && item.is_word()
            && (!token.enclosed || in_parentheses && introduced)
    }

    /// Whether it is a time: `5 pm`, `5 p.m.`, `5 o'clock`; `5:30` is a single token.
    fn is_time(&self) -> bool {
        let dotted = |at: usize| {
            self.tokens.glued(at).is_some_and(|token| token.text == ".")
                && self.tokens.glued(at + 1).is_some_and(|token| token.is("m"))
        };
        self.tokens.get(self.next).is_some_and(|word| {
            word.is_in(&AFTER_HOURS) || (word.is("a") || word.is("p")) && dotted(self.next + 1)
        })
    }

    /// Whether it is a day next to its month, or a year.
    fn is_date(&self, token: &Token<'_>, numeral: Numeral) -> bool {
        let is_month = |word: &Token<'_>| word.is_in(&MONTHS) && word.has_capital();
        let abbreviated = usize::from(self.back(1).is_some_and(|token| token.text == "."));
        let month_before = self.back(1 + abbreviated).is_some_and(is_month);
        let month_after = self.tokens.spaced_word(self.next).is_some_and(is_month);
        if numeral.value <= MONTH_DAYS_MAX && (month_before || month_after) {
            return true;
        }
        let is_year = token.text.len() == 4 && token.text.parse().is_ok_and(|year| YEARS.contains(&year));
        let as_of =
            self.back(1).is_some_and(|of| of.is("of")) && self.back(2).is_some_and(|word| word.is("as"));
        let after_date =
            month_before || as_of || self.back(1).is_some_and(|before| before.is_in(&BEFORE_YEARS));
        // `2000 lessons` and `rose to 1950` are amounts.
        let is_amount = self.tokens.spaced_word(self.next).is_some_and(Token::ends_in_s)
            || self.back(1).is_some_and(|before| before.is_in(&BEFORE_AMOUNTS));
        is_year && (after_date || !is_amount)
    }

    /// Whether it is a reference: `#1`, `No. 2`, or an emoji keycap.
    fn is_reference(&self) -> bool {
        let glued = self.tokens.glued(self.first).is_some();
        let abbreviated = |at: &Token<'_>| {
            at.text == "." && self.back(2).is_some_and(|word| matches!(word.text, "No" | "no"))
        };
        self.back(1)
            .is_some_and(|before| before.text == "#" && glued || abbreviated(before) && !before.spaced)
            || self.tokens.glued(self.next).is_some_and(|token| matches!(token.text, "\u{fe0f}" | "\u{20e3}"))
    }

    /// Whether it is part of an id: `COVID-19`, `gpt-4`, but not `mid-60` and not the end of the range `five-10`.
    fn is_in_id(&self) -> bool {
        let (Some(hyphen), Some(word)) = (self.back(1), self.back(2)) else { return false };
        let glued = self.tokens.glued(self.first).is_some() && hyphen.is_hyphen() && !hyphen.spaced;
        glued && word.is_word() && !word.is_number_word() && !word.is_in(&NUMBER_PREFIXES)
    }

    /// Whether it is part of a name: `AP Calculus 2`, `Grade 11`. It is whole and short, and follows a capitalized word
    /// that is not in the prompt.
    fn is_in_name(&self, token: &Token<'_>, numeral: Numeral) -> bool {
        let could_be = token.spaced && token.text.len() <= NAME_DIGITS_MAX && numeral.value.fract() == 0.0;
        let Some(word) = self.back(1).filter(|word| could_be && word.is_word() && word.has_capital()) else {
            return false;
        };
        let is_known =
            NOT_NAMES.has(word.text) || FUNCTION_WORDS.has(word.text) || !self.vocabulary.can_be_name(word);
        if is_known {
            return false;
        }
        let opens_sentence = word.opens_line
            || self
                .back(2)
                .is_none_or(|before| matches!(before.text, "." | "!" | "?" | ":" | ";" | "\"" | "“" | "—"));
        let is_verb = ["ing", "ed", "ly"].iter().any(|ending| word.text.ends_with(ending));
        // Words like `Only` in `Only 3` are known. An unknown word that opens a sentence before a number is mostly a
        // name.
        !opens_sentence || !is_verb && numeral.value <= NAME_NUMBER_MAX
    }

    /// Whether letters that are not a unit are attached: `3D`, `5m`. Only ASCII letters count, because other scripts
    /// write a counted noun without a space.
    fn has_letters_attached(&self) -> bool {
        self.tokens
            .glued(self.next)
            .is_some_and(|word| word.is_word() && word.text.is_ascii() && !word.is("x"))
    }
}
