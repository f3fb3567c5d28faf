//! Reads a number from tokens, in digits or words, with an optional magnitude after it.
//!
//! Never: reads `one` as a number, except as part of one: `twenty-one`, `one hundred`.

use super::digits::Numeral;
use super::token::{Token, TokenKind, Tokens};
use super::words::{FRACTIONS, MAGNITUDES, ORDINAL_ENDINGS, ORDINALS, SMALL, TENS};

/// The result of reading a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum NumeralReading {
    Numeral(Numeral),
    /// An ordinal or a fraction in words, which is not a claim.
    NonClaim,
}

/// Reads the number that starts at a token, if one does. Also returns the index of the token after it.
pub(super) fn at(tokens: &Tokens<'_>, index: usize) -> Option<(NumeralReading, usize)> {
    let first = tokens.get(index)?;
    let ((reading, next), in_digits) = match first.kind {
        TokenKind::Digits(numeral) => (with_ending(tokens, numeral, index + 1), true),
        TokenKind::Word => (in_words(tokens, first, index)?, false),
        TokenKind::Opaque | TokenKind::Mark => return None,
    };
    let NumeralReading::Numeral(numeral) = reading else { return Some((reading, next)) };
    if let Some((word, next)) = joined(tokens, next)
        && word.is_in(&FRACTIONS)
    {
        return Some((NumeralReading::NonClaim, next));
    }
    let Some((times, after)) = magnitude(tokens, next) else {
        // `one` counts only as the start of a longer number.
        return (in_digits || !first.is("one") || next > index + 1).then_some((reading, next));
    };
    // `1.2 million` is rounded to a tenth of a million, but `two hundred` and `two dozen` are exact.
    let half_place = if times > 100.0 { numeral.half_place * times } else { numeral.half_place };
    Some((NumeralReading::Numeral(Numeral { value: numeral.value * times, half_place }), after))
}

/// Reads digits with what is attached to them: `2nd` is an ordinal, and `2k` is two thousand.
fn with_ending(tokens: &Tokens<'_>, numeral: Numeral, next: usize) -> (NumeralReading, usize) {
    match tokens.glued(next) {
        Some(ending) if ending.is_in(&ORDINAL_ENDINGS) => (NumeralReading::NonClaim, next + 1),
        Some(ending) if ending.is("k") => {
            let thousands = Numeral { value: numeral.value * 1e3, half_place: numeral.half_place * 1e3 };
            (NumeralReading::Numeral(thousands), next + 1)
        }
        _ => (NumeralReading::Numeral(numeral), next),
    }
}

fn in_words(tokens: &Tokens<'_>, first: &Token<'_>, index: usize) -> Option<(NumeralReading, usize)> {
    let exact = |value: f64, next| Some((NumeralReading::Numeral(Numeral::whole(value)), next));
    if first.is("half") {
        let dozen = |at| tokens.get(at).is_some_and(|token| token.is("dozen"));
        let a_dozen =
            tokens.get(index + 1).is_some_and(|token| token.is("a") || token.is_hyphen()) && dozen(index + 2);
        return if a_dozen { exact(6.0, index + 3) } else { None };
    }
    if first.is("a") {
        let (times, next) = magnitude(tokens, index + 1)?;
        return exact(times, next);
    }
    if let Some(small) = small(first) {
        return exact(small, index + 1);
    }
    let tens = 20.0 + 10.0 * f64::from(TENS.position(first.text)?);
    match joined(tokens, index + 1) {
        Some((word, next)) if word.is_in(&ORDINALS) && tokens.glued(index + 1).is_some() => {
            Some((NumeralReading::NonClaim, next))
        }
        Some((word, next)) => match small(word).filter(|small| (1.0..10.0).contains(small)) {
            Some(ones) => exact(tens + ones, next),
            None => exact(tens, index + 1),
        },
        None => exact(tens, index + 1),
    }
}

/// Returns the word after a number, separated by white space or a hyphen, and the index of the token after it.
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
