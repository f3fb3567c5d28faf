//! A moment of simulated time, and the formats in which the producer writes it.
//!
//! Never: reads a clock or a time zone.

use std::fmt;

use jiff::ToSpan;
use jiff::civil::Date;

/// Day 0. It is fixed, so that a run does not depend on its date, and far enough in the past that the longest run does
/// not reach the future.
const FIRST_DAY: Date = Date::constant(2025, 1, 1);

const MICROS_PER_MILLI: i64 = 1_000;
const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_MINUTE: i64 = 60;
const SECONDS_PER_HOUR: i64 = 3_600;
const SECONDS_PER_DAY: i64 = 24 * SECONDS_PER_HOUR;

/// Microseconds since the start of day 0, in UTC. Negative during the warm-up before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

impl Moment {
    /// The start of a day.
    pub(crate) fn day(day: i64) -> Self {
        Self(day * SECONDS_PER_DAY * MICROS_PER_SECOND)
    }

    pub(crate) fn plus_hours(self, hours: i64) -> Self {
        self.plus_seconds(hours * SECONDS_PER_HOUR)
    }

    pub(crate) fn plus_seconds(self, seconds: i64) -> Self {
        self.plus_micros(seconds * MICROS_PER_SECOND)
    }

    pub(crate) fn plus_millis(self, millis: i64) -> Self {
        self.plus_micros(millis * MICROS_PER_MILLI)
    }

    pub(crate) fn plus_micros(self, micros: i64) -> Self {
        Self(self.0 + micros)
    }

    /// The text of the moment in this format.
    pub(crate) fn text(self, format: MomentFormat) -> MomentText {
        MomentText { moment: self, format }
    }
}

/// The format of a moment. The time is UTC in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MomentFormat {
    /// `2025-11-05T09:30:00.123456`, without a zone.
    Naive,
    /// `2025-11-05T09:30:00.123456Z`.
    Zoned,
    /// `2025-11-05T09:30:00Z`, rounded down to the second.
    Seconds,
}

/// A [`Moment`] in a [`MomentFormat`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct MomentText {
    moment: Moment,
    format: MomentFormat,
}

impl fmt::Display for MomentText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.moment.0.rem_euclid(MICROS_PER_SECOND);
        let seconds = self.moment.0.div_euclid(MICROS_PER_SECOND);
        let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let date = FIRST_DAY.saturating_add(seconds.div_euclid(SECONDS_PER_DAY).days());
        let hour = second_of_day / SECONDS_PER_HOUR;
        let minute = second_of_day / SECONDS_PER_MINUTE % SECONDS_PER_MINUTE;
        let second = second_of_day % SECONDS_PER_MINUTE;
        write!(f, "{date}T{hour:02}:{minute:02}:{second:02}")?;
        match self.format {
            MomentFormat::Naive => write!(f, ".{micros:06}"),
            MomentFormat::Zoned => write!(f, ".{micros:06}Z"),
            MomentFormat::Seconds => write!(f, "Z"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_each_format() {
        let moment = Moment::day(308).plus_hours(9).plus_seconds(1_800).plus_millis(123).plus_micros(6);
        assert_eq!(moment.text(MomentFormat::Naive).to_string(), "2025-11-05T09:30:00.123006");
        assert_eq!(moment.text(MomentFormat::Zoned).to_string(), "2025-11-05T09:30:00.123006Z");
        assert_eq!(moment.text(MomentFormat::Seconds).to_string(), "2025-11-05T09:30:00Z");
    }

    #[test]
    fn a_moment_before_the_first_day_can_be_written() {
        let moment = Moment::day(0).plus_micros(-1);
        assert_eq!(moment.text(MomentFormat::Naive).to_string(), "2024-12-31T23:59:59.999999");
    }
}
