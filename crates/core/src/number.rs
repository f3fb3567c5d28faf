//! A finite number that is printed and serialized as people write it: `65`, not `65.0`.
//!
//! Never: NaN or infinite, because neither JSON nor a store can hold such a value.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A finite `f64`. Minus zero is zero.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Number(f64);

/// The smallest magnitude that is not rounded to zero. The smallest number of DynamoDB is 1e-130.
const MAGNITUDE_MIN: f64 = 1e-100;
/// Whole numbers up to here are exact in an `f64`.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

impl Number {
    /// Makes a number. `None` for NaN and the infinities. A number so small that not every store can hold it becomes
    /// zero.
    pub fn new(value: f64) -> Option<Self> {
        // Adding zero turns minus zero into zero and leaves every other number alone.
        let value = if value.abs() < MAGNITUDE_MIN { 0.0 } else { value + 0.0 };
        value.is_finite().then_some(Self(value))
    }

    /// Reads the text of a JSON number. `None` if it is not one, or too large for an `f64`.
    pub fn from_json(text: &str) -> Option<Self> {
        // `f64::from_str` also accepts `NaN`, `inf`, `+1` and `.5`, which are not JSON.
        let starts_like_json =
            text.strip_prefix('-').unwrap_or(text).starts_with(|first: char| first.is_ascii_digit());
        let only_json =
            text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E'));
        if starts_like_json && only_json { Self::new(text.parse().ok()?) } else { None }
    }

    /// Reads a decimal: an optional minus, digits, optionally a point with digits, and optionally an exponent. A plus
    /// before the digits, white space and a leading zero are errors.
    pub fn from_decimal(text: &str) -> Option<Self> {
        let (decimal, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let digits = decimal.strip_prefix('-').unwrap_or(decimal);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let no_leading_zero = whole.len() == 1 || !whole.starts_with('0');
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if all_digits(whole) && all_digits(fraction) && all_digits(exponent) && no_leading_zero {
            Self::new(text.parse().ok()?)
        } else {
            None
        }
    }

    /// The number as an `f64`.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Whether it has no fraction.
    pub fn is_whole(self) -> bool {
        self.0.fract() == 0.0
    }

    /// The number as an integer, if it is whole and at most 2^53, so that it is exact.
    pub fn as_whole(self) -> Option<i64> {
        #[expect(clippy::cast_possible_truncation, reason = "the number is whole and within 2^53")]
        (self.is_whole() && self.0.abs() <= WHOLE_MAX).then_some(self.0 as i64)
    }
}

impl From<u8> for Number {
    fn from(value: u8) -> Self {
        Self(f64::from(value))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Number {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_whole() {
            Some(whole) => serializer.serialize_i64(whole),
            None => serializer.serialize_f64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        Self::new(value).ok_or_else(|| serde::de::Error::custom("expected a finite number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_is_digits_with_an_optional_fraction() {
        for (text, expected) in [
            ("65", 65.0),
            ("64.5", 64.5),
            ("-3.25", -3.25),
            ("0", 0.0),
            ("0.10", 0.1),
            ("6e1", 60.0),
            ("6.5E+1", 65.0),
            ("-650e-1", -65.0),
            ("1e-400", 0.0),
        ] {
            assert_eq!(Number::from_decimal(text).map(Number::get), Some(expected), "{text}");
        }
        for text in [
            "", ".", "65.", ".5", "+65", " 65", "65 ", "6e", "e1", "6e1.5", "6e+", "6e--1", "1e999", "NaN",
            "inf", "0x10", "1_000", "065", "٣", "--1",
        ] {
            assert_eq!(Number::from_decimal(text), None, "{text}");
        }
    }

    #[test]
    fn a_json_number_is_read_exactly_and_an_infinite_one_is_refused() {
        for (text, expected) in [("5.0", 5.0), ("-0", 0.0), ("6.5e1", 65.0), ("0.1", 0.1)] {
            assert_eq!(Number::from_json(text).map(Number::get), Some(expected), "{text}");
        }
        for text in ["1e999", "-1e999", "NaN", "infinity", "+1", ".5", "true", ""] {
            assert_eq!(Number::from_json(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_too_small_for_a_store_is_zero() {
        for (value, expected) in [(1e-101, 0.0), (-1e-200, 0.0), (1e-99, 1e-99), (f64::MIN_POSITIVE, 0.0)] {
            assert_eq!(Number::new(value).map(Number::get), Some(expected), "{value}");
        }
    }

    #[test]
    fn a_whole_number_is_written_without_a_fraction() {
        for (value, json) in [(65.0, "65"), (64.5, "64.5"), (-0.0, "0"), (1e15, "1000000000000000")] {
            let number = Number::new(value).unwrap();
            assert_eq!(serde_json::to_string(&number).unwrap(), json);
            assert_eq!(number.to_string(), json);
        }
    }
}
