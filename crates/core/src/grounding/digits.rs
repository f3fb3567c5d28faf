//! Reads a number in digits, without its sign, unit or magnitude.
//!
//! Takes: text that starts with a digit, or with a point and a digit.
//! Returns: the [`Numeral`] and its length in bytes.

/// A number as it is written in a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Numeral {
    /// The value.
    pub(super) value: f64,
    /// Half a unit in the last decimal place. The number is a rounding of every value at most this far from it.
    pub(super) half_place: f64,
}

/// Separators of thousands: commas, apostrophes, and spaces of every width.
const SEPARATORS: [char; 7] = [',', '\'', '\u{2019}', ' ', '\u{a0}', '\u{202f}', '\u{2009}'];
/// The tolerance for rounding errors in a difference or a share.
pub(super) const EPSILON: f64 = 1e-9;
/// The most digits after a decimal comma. Three digits are a group of thousands.
const COMMA_DECIMALS_MAX: usize = 2;

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
        // Digits with an optional point always parse. Too many of them make an infinity, which is never supported.
        let value = written.parse().unwrap_or(f64::INFINITY);
        (Self { value, half_place: 0.5 / ten_to(fraction.len()) }, length)
    }
}

/// The groups of three digits at the start of a text, all with the same separator: `,234,567`.
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

/// The digits after a decimal point, or after a decimal comma if `allow_comma`.
fn fraction(text: &str, allow_comma: bool) -> &str {
    if let Some(rest) = text.strip_prefix('.') {
        return digits(rest);
    }
    let Some(rest) = text.strip_prefix(',').filter(|_| allow_comma) else { return "" };
    let decimals = digits(rest);
    // `1,2,3` is a list.
    let continues =
        after(rest, decimals.len()).strip_prefix(',').is_some_and(|next| !digits(next).is_empty());
    if decimals.len() <= COMMA_DECIMALS_MAX && !continues { decimals } else { "" }
}

/// The ASCII digits at the start of a text.
pub(super) fn digits(text: &str) -> &str {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The text without its first `length` bytes.
pub(super) fn after(text: &str, length: usize) -> &str {
    text.get(length..).unwrap_or_default()
}

/// Whether two numbers are equal, except for rounding errors.
pub(super) fn same(one: f64, other: f64) -> bool {
    (one - other).abs() <= EPSILON * other.abs().max(1.0)
}

fn ten_to(decimals: usize) -> f64 {
    10_f64.powi(i32::try_from(decimals).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_in_the_formats_that_people_use() {
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
