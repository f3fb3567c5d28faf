//! An instant in UTC, to the millisecond. It is written as `2025-01-01T12:00:00.000Z`.
//!
//! Never: reads a clock, assumes a zone other than UTC, or accepts a format that is not listed here.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is not a timestamp. The message says what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a date and time, such as 2025-01-31T09:30:00Z, 2025-01-31 09:30+01:00 or, in UTC, 2025-01-31T09:30"
)]
pub struct InvalidTimestamp;

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);

    /// Makes a timestamp from milliseconds since 1970. It is clamped to the years -9999 to 9999, so that every
    /// timestamp can be printed.
    pub fn from_millis(millis: i64) -> Self {
        let (first, last) =
            (jiff::Timestamp::MIN.as_second() * 1000, jiff::Timestamp::MAX.as_second() * 1000);
        Self(millis.clamp(first, last))
    }

    /// Makes a timestamp from seconds since 1970.
    pub fn from_secs(secs: i64) -> Self {
        Self::from_millis(secs.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down: the granularity of a time to live.
    pub fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Reads a timestamp such as `2025-11-05T09:30:00.123456`: a `T` or a space between date and time, seconds and their
    /// fraction optional, then `Z`, an offset (`+05:30`, `+0530`, `-05`) or neither (then it is UTC). Digits after the
    /// milliseconds are truncated, not rounded, so that no timestamp moves into the next repeat window.
    ///
    /// The format is checked here, byte by byte, because calendar libraries accept more formats than this one.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let (minutes, rest) = text.as_bytes().split_at_checked(MINUTES_FORM.len()).ok_or(InvalidTimestamp)?;
        let seconds = after_form(rest, b":dd");
        let (fraction, zone) = match seconds {
            Some(rest) => split_fraction(rest).ok_or(InvalidTimestamp)?,
            None => (0, rest),
        };
        if !has_form(minutes, MINUTES_FORM) {
            return Err(InvalidTimestamp);
        }
        let written = |from: usize, to: usize| text.get(from..to).ok_or(InvalidTimestamp);
        let (date, minutes) = (written(0, 10)?, written(11, 16)?);
        let seconds = if seconds.is_some() { written(17, 19)? } else { "00" };
        let zone = offset(zone).ok_or(InvalidTimestamp)?;
        let instant: jiff::Timestamp =
            format!("{date}T{minutes}:{seconds}{zone}").parse().map_err(|_| InvalidTimestamp)?;
        Ok(Self(instant.as_millisecond() + i64::from(fraction)))
    }

    /// Whether an item that expires at this time has expired. A time to live counts in whole seconds.
    pub fn is_past(self, now: Self) -> bool {
        self.as_secs() < now.as_secs()
    }

    /// The UTC day, such as `2025-01-01`.
    pub fn day(self) -> String {
        self.instant().strftime("%Y-%m-%d").to_string()
    }

    /// The beginning of its UTC day.
    #[must_use]
    pub fn day_start(self) -> Self {
        const DAY: i64 = 24 * 3600;
        Self::from_secs(self.as_secs().div_euclid(DAY) * DAY)
    }

    /// The UTC year.
    pub fn year(self) -> i16 {
        self.instant().to_zoned(jiff::tz::TimeZone::UTC).year()
    }

    /// The timestamp in whole seconds, such as `2025-04-01T12:00:02Z`.
    pub fn to_seconds_string(self) -> String {
        self.instant().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// The timestamp this much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(millis(duration)))
    }

    /// The timestamp this much earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(millis(duration)))
    }

    /// The time from `earlier` to this timestamp. Zero if `earlier` is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    fn instant(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

/// A date and a time up to the minutes. `d` is a digit, and `T` also a space.
const MINUTES_FORM: &[u8] = b"dddd-dd-ddTdd:dd";

fn has_form(bytes: &[u8], form: &[u8]) -> bool {
    bytes.len() == form.len()
        && bytes.iter().zip(form).all(|(byte, expected)| match expected {
            b'd' => byte.is_ascii_digit(),
            b'T' => matches!(byte, b'T' | b't' | b' '),
            other => byte == other,
        })
}

/// The rest after bytes of this form. `None` if they do not have it.
fn after_form<'a>(bytes: &'a [u8], form: &[u8]) -> Option<&'a [u8]> {
    let (fixed, rest) = bytes.split_at_checked(form.len())?;
    has_form(fixed, form).then_some(rest)
}

/// Writes an offset as `Z` or `+hh:mm`. `None` if it is not an offset of less than a day.
fn offset(zone: &[u8]) -> Option<String> {
    let (sign, hours, minutes) = match zone {
        b"" | b"Z" | b"z" => return Some("Z".into()),
        [sign @ (b'+' | b'-'), h1, h2] => (sign, [h1, h2], [&b'0', &b'0']),
        [sign @ (b'+' | b'-'), h1, h2, m1, m2] | [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            (sign, [h1, h2], [m1, m2])
        }
        _ => return None,
    };
    let number = |digits: [&u8; 2]| {
        let digits = digits.map(|digit| digit.is_ascii_digit().then(|| digit - b'0'));
        Some(digits[0]? * 10 + digits[1]?)
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then(|| format!("{}{hours:02}:{minutes:02}", char::from(*sign)))
}

/// Returns the milliseconds of the fraction, or zero without a fraction, and the rest.
fn split_fraction(rest: &[u8]) -> Option<(u16, &[u8])> {
    let Some((b'.', digits)) = rest.split_first() else { return Some((0, rest)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (fraction, zone) = digits.split_at_checked(count)?;
    let padded = fraction.iter().copied().chain([b'0'; 3]).take(3);
    let millis = padded.fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    (count > 0).then_some((millis, zone))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.instant().strftime("%Y-%m-%dT%H:%M:%S%.3fZ"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formats_of_producers_are_read_as_utc() {
        for (text, expected) in [
            ("2025-01-01T12:00:00Z", "2025-01-01T12:00:00.000Z"),
            ("2025-11-05T09:30:00.123456", "2025-11-05T09:30:00.123Z"),
            ("2025-11-05T09:30:00.9999", "2025-11-05T09:30:00.999Z"),
            ("2025-11-05T09:30:00.5z", "2025-11-05T09:30:00.500Z"),
            ("2025-11-05t09:30:00", "2025-11-05T09:30:00.000Z"),
            ("2025-11-05T09:30:00+05:30", "2025-11-05T04:00:00.000Z"),
            ("2025-11-05T00:30:00.25-01:00", "2025-11-05T01:30:00.250Z"),
            ("2024-02-29T23:59:59.999Z", "2024-02-29T23:59:59.999Z"),
            ("2026-11-01T12:00Z", "2026-11-01T12:00:00.000Z"),
            ("2026-11-01T12:00", "2026-11-01T12:00:00.000Z"),
            ("2026-11-01 12:00", "2026-11-01T12:00:00.000Z"),
            ("2026-11-01 12:00:30.5", "2026-11-01T12:00:30.500Z"),
            ("2026-11-01 12:00:30+00:00", "2026-11-01T12:00:30.000Z"),
            ("2026-11-01T12:00:00+0000", "2026-11-01T12:00:00.000Z"),
            ("2026-11-01T12:00:00.123+0530", "2026-11-01T06:30:00.123Z"),
            ("2026-11-01T12:00:00-05", "2026-11-01T17:00:00.000Z"),
            ("2026-11-01T12:00-05", "2026-11-01T17:00:00.000Z"),
            ("2026-11-01T12:00+05:30", "2026-11-01T06:30:00.000Z"),
            ("2026-11-01T12:00:00-00:00", "2026-11-01T12:00:00.000Z"),
            ("2026-11-01T12:00:00+23:59", "2026-10-31T12:01:00.000Z"),
            ("1969-12-31T23:59:59.250Z", "1969-12-31T23:59:59.250Z"),
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn every_other_format_is_refused() {
        for text in [
            "",
            "2025-01-01",
            "2025-01-01T12",
            "2025-01-01T12Z",
            "2025-01-01  12:00:00",
            "2025-01-01_12:00:00",
            "2025-01-01T12:00.5",
            "2025-01-01T12:00:0",
            "2025-01-01T12:0",
            "2025-01-01T1:00",
            "20250101T120000Z",
            "1735732800",
            "2025-01-01T12:00:00.",
            "2025-01-01T12:00:00,5",
            "2025-01-01T12:00:00 Z",
            "2025-01-01T12:00:00+5",
            "2025-01-01T12:00:00+053",
            "2025-01-01T12:00:00+053000",
            "2025-01-01T12:00:00+2400",
            "2025-01-01T12:00:00-24",
            "2025-01-01T12:00:00+0x00",
            "2025-01-01T12:00:00 +0000",
            "2025-01-01T12:00:00+05:3",
            "2025-01-01T12:00:00UTC",
            "2025-01-01T12:00:00GMT",
            "2025-W01-1T12:00:00",
            "2025-001T12:00:00",
            "1735732800.5",
            "Wed, 01 Jan 2025 12:00:00 GMT",
            "2025-02-29T12:00:00Z",
            "2025-13-01T12:00:00Z",
            "2025-01-01T25:00:00Z",
            "2025-01-01T12:00:00Z[UTC]",
            "01/02/2025 12:00",
            "2025-01-01T12:00:00+99:00",
            "2025-01-01T12:00:00+24:00",
            "2025-01-01T12:00:00+01:60",
            "２０25-01-01T12:00:00",
            "2025-01-01T12:00:00.1Z2",
        ] {
            assert_eq!(Timestamp::parse(text), Err(InvalidTimestamp), "{text}");
        }
    }

    #[test]
    fn a_printed_timestamp_reads_back_as_itself() {
        for millis in [0, 1, 1_735_732_800_000, -1, 253_402_207_199_999, i64::MAX, i64::MIN] {
            let timestamp = Timestamp::from_millis(millis);
            if timestamp.year() >= 0 {
                assert_eq!(Timestamp::parse(&timestamp.to_string()), Ok(timestamp), "{millis}");
            }
        }
    }
}
