//! Reads a number from tokens: digits or words, with a magnitude after them.
//!
//! Takes: tokens, and the place of one.
//! Gives: a [`Reading`] and the place after it.
//! Never: reads `one` as a number, unless it stands within one: `twenty-one`, `one hundred`.

use super::digits::Numeral;
use super::token::{Kind, Token, Tokens};
use super::words::{FRACTIONS, MAGNITUDES, ORDINAL_ENDINGS, ORDINALS, SMALL, TENS};

/// What stands at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Reading {
    Numeral(Numeral),
    /// An ordinal or a fraction in words, which claims nothing.
    Nothing,
}

/// Reads the number that starts at a place, if one does.
pub(super) fn at(tokens: &Tokens<'_>, place: usize) -> Option<(Reading, usize)> {
    let first = tokens.get(place)?;
    let ((reading, next), in_digits) = match first.kind {
        Kind::Digits(numeral) => (with_ending(tokens, numeral, place + 1), true),
        Kind::Word => (in_words(tokens, first, place)?, false),
        Kind::Opaque | Kind::Mark => return None,
    };
    let Reading::Numeral(numeral) = reading else { return Some((reading, next)) };
    if let Some((word, next)) = joined(tokens, next)
        && word.is_in(&FRACTIONS)
    {
        return Some((Reading::Nothing, next));
    }
    let Some((times, after)) = magnitude(tokens, next) else {
        // `one` counts only in what it starts.
        return (in_digits || !first.is("one") || next > place + 1).then_some((reading, next));
    };
    // `1.2 million` is a rounding to a tenth of a million; `two hundred` and `two dozen` are exact.
    let half_place = if times > 100.0 { numeral.half_place * times } else { numeral.half_place };
    Some((Reading::Numeral(Numeral { value: numeral.value * times, half_place }), after))
}

/// `2nd` is an ordinal, and `2k` two thousand.
fn with_ending(tokens: &Tokens<'_>, numeral: Numeral, next: usize) -> (Reading, usize) {
    match tokens.glued(next) {
        Some(ending) if ending.is_in(&ORDINAL_ENDINGS) => (Reading::Nothing, next + 1),
        Some(ending) if ending.is("k") => {
            let thousands = Numeral { value: numeral.value * 1e3, half_place: numeral.half_place * 1e3 };
            (Reading::Numeral(thousands), next + 1)
        }
        _ => (Reading::Numeral(numeral), next),
    }
}

fn in_words(tokens: &Tokens<'_>, first: &Token<'_>, place: usize) -> Option<(Reading, usize)> {
    let exact = |value: f64, next| Some((Reading::Numeral(Numeral::whole(value)), next));
    if first.is("half") {
        let dozen = |at| tokens.get(at).is_some_and(|token| token.is("dozen"));
        let a_dozen =
            tokens.get(place + 1).is_some_and(|token| token.is("a") || token.is_hyphen()) && dozen(place + 2);
        return if a_dozen { exact(6.0, place + 3) } else { None };
    }
    if first.is("a") {
        let (times, next) = magnitude(tokens, place + 1)?;
        return exact(times, next);
    }
    if let Some(small) = small(first) {
        return exact(small, place + 1);
    }
    let tens = 20.0 + 10.0 * f64::from(TENS.position(first.text)?);
    match joined(tokens, place + 1) {
        Some((word, next)) if word.is_in(&ORDINALS) && tokens.glued(place + 1).is_some() => {
            Some((Reading::Nothing, next))
        }
        Some((word, next)) => match small(word).filter(|small| (1.0..10.0).contains(small)) {
            Some(ones) => exact(tens + ones, next),
            None => exact(tens, place + 1),
        },
        None => exact(tens, place + 1),
    }
}

/// The word after a number, behind white space or a hyphen, and the place after it.
fn joined<'a, 't>(tokens: &'a Tokens<'t>, next: usize) -> Option<(&'a Token<'t>, usize)> {
    if let Some(word) = tokens.spaced_word(next) {
        return Some((word, next + 1));
    }
    tokens.glued(next).filter(|token| token.is_hyphen())?;
    let word = tokens.glued(next + 1).filter(|token| token.is_word())?;
    Some((word, next + 2))
}

fn magnitude(tokens: &Tokens<'_>, next: usize) -> Option<(f64, usize)> {
    let (word, next) = joined(tokens, next)?;
    let (_, times) = MAGNITUDES.iter().find(|(name, _)| word.is(name))?;
    Some((*times, next))
}

fn small(word: &Token<'_>) -> Option<f64> {
    SMALL.position(word.text).map(f64::from)
}
