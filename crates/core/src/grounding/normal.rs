//! Writes a text in the characters that the checker reads, and finds each part in the original text again.
//!
//! Decimal digits of any script become ASCII, and so do full-width forms, minus signs and fractions such as `½`.

use std::ops::Range;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// A text in normal form.
#[derive(Debug)]
pub(super) struct NormalText {
    text: String,
    /// For each byte of `text`, and for its end, the byte of the original text from which it comes.
    origins: Vec<usize>,
}

/// Full-width forms are at this distance from ASCII.
const FULL_WIDTH: std::ops::RangeInclusive<char> = '\u{ff01}'..='\u{ff5e}';
const FULL_WIDTH_OFFSET: u32 = 0xfee0;
/// The five sets of mathematical digits are next to each other.
const DIGITS: u32 = 10;

impl NormalText {
    pub(super) fn new(original: &str) -> Self {
        let mut normal = Self { text: String::with_capacity(original.len()), origins: Vec::new() };
        let mut chars = original.char_indices().peekable();
        let mut before = None;
        while let Some((at, c)) = chars.next() {
            let after = chars.peek().map(|(_, next)| *next);
            match replacement(c, before, after) {
                Some(text) => normal.push(&text, at),
                None => normal.push(c.encode_utf8(&mut [0; 4]), at),
            }
            before = Some(c);
        }
        normal.origins.push(original.len());
        normal
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The part of the original text from which a part of the normal one comes.
    pub(super) fn original(&self, span: &Range<usize>) -> Range<usize> {
        let last = self.origins.last().copied().unwrap_or_default();
        let origin = |at: usize| self.origins.get(at).copied().unwrap_or(last);
        let start = origin(span.start);
        // A character that became several is never cut.
        let ends = (span.end..self.origins.len()).map(origin);
        let end = ends.into_iter().find(|end| *end > start).unwrap_or(last);
        start..end
    }

    fn push(&mut self, text: &str, origin: usize) {
        self.text.push_str(text);
        // Bytes within one original character keep their distance, unless the character was replaced.
        self.origins.extend(std::iter::repeat_n(origin, text.len()));
    }
}

fn replacement(c: char, before: Option<char>, after: Option<char>) -> Option<String> {
    if c.is_ascii() {
        return None;
    }
    if let Some(digit) = decimal_digit(c) {
        return Some(digit.to_string());
    }
    let between_digits = || {
        let is_digit = |c: Option<char>| c.is_some_and(|c| decimal_digit(c).is_some());
        is_digit(before) && is_digit(after)
    };
    let text = match c {
        '\u{2212}' | '\u{fe63}' | '\u{ff0d}' => "\u{2212}",
        '\u{66a}' | '\u{fe6a}' => "%",
        // The decimal and thousands separators of Arabic.
        '\u{66b}' if between_digits() => ".",
        '\u{66c}' if between_digits() => ",",
        '½' => fraction(before, ".5", "0.5"),
        '¼' => fraction(before, ".25", "0.25"),
        '¾' => fraction(before, ".75", "0.75"),
        _ if FULL_WIDTH.contains(&c) => {
            let ascii = char::from_u32(u32::from(c) - FULL_WIDTH_OFFSET)?;
            return Some(ascii.to_string());
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// A fraction after a digit continues its number: `2½`.
fn fraction(before: Option<char>, continued: &'static str, alone: &'static str) -> &'static str {
    if before.is_some_and(|c| c.is_ascii_digit()) { continued } else { alone }
}

/// The value of a decimal digit of any script.
fn decimal_digit(c: char) -> Option<u32> {
    if let Some(digit) = c.to_digit(DIGITS) {
        return Some(digit);
    }
    let is_decimal = |c: char| c.general_category() == GeneralCategory::DecimalNumber;
    if c.is_ascii() || !is_decimal(c) {
        return None;
    }
    let code = u32::from(c);
    // Each script has its digits in one run from 0 to 9.
    let before = (1..=code).take_while(|back| char::from_u32(code - back).is_some_and(is_decimal)).count();
    u32::try_from(before).ok().map(|before| before % DIGITS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_digit_is_written_in_ascii() {
        for (text, expected) in [
            ("5 calls", "5 calls"),
            ("８次…４７分", "8次…47分"),
            ("٥ مكالمات", "5 مكالمات"),
            ("६५ अंक", "65 अंक"),
            ("65％", "65%"),
            ("٦٤٫٥", "64.5"),
            ("2½ weeks, ½", "2.5 weeks, 0.5"),
            ("𝟔𝟓", "65"),
            ("－5", "\u{2212}5"),
            ("½", "0.5"),
        ] {
            assert_eq!(NormalText::new(text).text(), expected, "{text}");
        }
    }

    #[test]
    fn a_part_is_found_in_the_original_text() {
        let original = "é ８次 ½ und ٤٧!";
        let normal = NormalText::new(original);
        for (part, expected) in
            [("8", "８"), ("0.5", "½"), ("47", "٤٧"), ("und", "und"), ("é", "é"), ("0", "½")]
        {
            let at = normal.text().find(part).unwrap();
            assert_eq!(&original[normal.original(&(at..at + part.len()))], expected, "{part}");
        }
    }
}
