//! Reads a number that is written in digits.
//!
//! Takes: text that starts with a digit, or with a point and a digit.
//! Gives: a [`Numeral`] and its length in bytes.
//! Never: a sign, a unit or a magnitude, which are words around it.

/// A number as a text gives it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Numeral {
    /// What it says.
    pub(super) value: f64,
    /// Half of its last place: it is a rounding of every number that is at most this far from it.
    pub(super) half_place: f64,
}

/// What separates thousands: commas, apostrophes, and spaces of every width.
const SEPARATORS: [char; 7] = [',', '\'', '\u{2019}', ' ', '\u{a0}', '\u{202f}', '\u{2009}'];
/// Room for the last bits of a difference or a share.
pub(super) const EPSILON: f64 = 1e-9;
/// A decimal comma has at most this many digits after it; three are a group of thousands.
const COMMA_PLACES_MAX: usize = 2;

impl Numeral {
    pub(super) fn whole(value: f64) -> Self {
        Self { value, half_place: 0.5 }
    }

    pub(super) fn read(text: &str) -> (Self, usize) {
        let whole = digits(text);
        let mut written = whole.to_owned();
        let mut length = whole.len();
        let groups =
            if (1..=3).contains(&whole.len()) && whole != "0" { groups(after(text, length)) } else { "" };
        written.extend(groups.chars().filter(char::is_ascii_digit));
        length += groups.len();
        let fraction = fraction(after(text, length), groups.is_empty());
        if !fraction.is_empty() {
            written.push('.');
            written.push_str(fraction);
            length += 1 + fraction.len();
        }
        // Digits with perhaps a point always parse; too many of them make an infinity, which nothing supports.
        let value = written.parse().unwrap_or(f64::INFINITY);
        (Self { value, half_place: 0.5 / ten_to(fraction.len()) }, length)
    }
}

/// `,234,567`: groups of three digits, all after the same separator.
fn groups(text: &str) -> &str {
    let Some(separator) = text.chars().next().filter(|c| SEPARATORS.contains(c)) else { return "" };
    let mut length = 0;
    while let Some(group) =
        after(text, length).strip_prefix(separator).map(digits).filter(|group| group.len() == 3)
    {
        length += separator.len_utf8() + group.len();
    }
    text.get(..length).unwrap_or_default()
}

/// The digits after a decimal point, or after a decimal comma where a comma can be one.
fn fraction(text: &str, comma_can_be: bool) -> &str {
    if let Some(rest) = text.strip_prefix('.') {
        return digits(rest);
    }
    let Some(rest) = text.strip_prefix(',').filter(|_| comma_can_be) else { return "" };
    let places = digits(rest);
    // `1,2,3` is a list.
    let goes_on = after(rest, places.len()).strip_prefix(',').is_some_and(|next| !digits(next).is_empty());
    if places.len() <= COMMA_PLACES_MAX && !goes_on { places } else { "" }
}

/// The ASCII digits that a text starts with.
pub(super) fn digits(text: &str) -> &str {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

pub(super) fn after(text: &str, length: usize) -> &str {
    text.get(length..).unwrap_or_default()
}

/// Whether two numbers are the same but for the last bits of a difference or a share.
pub(super) fn same(one: f64, other: f64) -> bool {
    (one - other).abs() <= EPSILON * other.abs().max(1.0)
}

fn ten_to(places: usize) -> f64 {
    10_f64.powi(i32::try_from(places).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_people_write_them() {
        for (text, value, half_place, length) in [
            ("5", 5.0, 0.5, 1),
            ("5.", 5.0, 0.5, 1),
            ("64.50 is", 64.5, 0.005, 5),
            (".5", 0.5, 0.05, 2),
            ("64,5 is", 64.5, 0.05, 4),
            ("1,234,567.8", 1_234_567.8, 0.05, 11),
            ("1,234", 1234.0, 0.5, 5),
            ("1'234", 1234.0, 0.5, 5),
            ("10 000 calls", 10_000.0, 0.5, 6),
            ("1,2,3", 1.0, 0.5, 1),
            ("5, 65", 5.0, 0.5, 1),
            ("2025,1", 2025.1, 0.05, 6),
            ("0,5", 0.5, 0.05, 3),
            ("1,2345", 1.0, 0.5, 1),
        ] {
            assert_eq!(Numeral::read(text), (Numeral { value, half_place }, length), "{text}");
        }
    }
}
