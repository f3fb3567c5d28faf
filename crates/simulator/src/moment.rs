//! A moment of simulated time, and the ways in which the producer writes it.
//!
//! Takes: microseconds since the first day, which is the same for every run.
//! Gives: moments that compare and add, and their text.
//! Never: reads the machine's clock or a time zone.

use std::fmt;

use jiff::ToSpan;
use jiff::civil::Date;

/// Day 0. A fixed day in the past, so that a run says the same whenever it is made, and so that no alert of the
/// longest run is ahead of the clock of whoever reads it.
const FIRST_DAY: Date = Date::constant(2025, 1, 1);

const MICROS_PER_MILLI: i64 = 1_000;
const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_MINUTE: i64 = 60;
const SECONDS_PER_HOUR: i64 = 3_600;
const SECONDS_PER_DAY: i64 = 24 * SECONDS_PER_HOUR;

/// Microseconds since the beginning of day 0, in UTC. Negative before it, while the marketplace warms up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(i64);

impl Moment {
    /// The first moment of a day.
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

    /// The moment in a form, to be shown.
    pub(crate) fn written(self, form: Form) -> Written {
        Written { moment: self, form }
    }
}

/// How a moment is written. It is UTC in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `2025-11-05T09:30:00.123456`, which says no zone.
    Naive,
    /// `2025-11-05T09:30:00.123456Z`.
    Zoned,
    /// `2025-11-05T09:30:00Z`, the second in which it lies.
    Seconds,
}

/// A [`Moment`] in a [`Form`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    moment: Moment,
    form: Form,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.moment.0.rem_euclid(MICROS_PER_SECOND);
        let seconds = self.moment.0.div_euclid(MICROS_PER_SECOND);
        let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let date = FIRST_DAY.saturating_add(seconds.div_euclid(SECONDS_PER_DAY).days());
        let hour = second_of_day / SECONDS_PER_HOUR;
        let minute = second_of_day / SECONDS_PER_MINUTE % SECONDS_PER_MINUTE;
        let second = second_of_day % SECONDS_PER_MINUTE;
        write!(f, "{date}T{hour:02}:{minute:02}:{second:02}")?;
        match self.form {
            Form::Naive => write!(f, ".{micros:06}"),
            Form::Zoned => write!(f, ".{micros:06}Z"),
            Form::Seconds => write!(f, "Z"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_each_form() {
        let moment = Moment::day(308).plus_hours(9).plus_seconds(1_800).plus_millis(123).plus_micros(6);
        assert_eq!(moment.written(Form::Naive).to_string(), "2025-11-05T09:30:00.123006");
        assert_eq!(moment.written(Form::Zoned).to_string(), "2025-11-05T09:30:00.123006Z");
        assert_eq!(moment.written(Form::Seconds).to_string(), "2025-11-05T09:30:00Z");
    }

    #[test]
    fn days_before_the_first_are_written_too() {
        let moment = Moment::day(0).plus_micros(-1);
        assert_eq!(moment.written(Form::Naive).to_string(), "2024-12-31T23:59:59.999999");
    }
}
