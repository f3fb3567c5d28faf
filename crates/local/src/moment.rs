//! Reads a time as people write it: a date, a time, or a duration before or after now.

use anyhow::{Result, anyhow};
use portend_core::time::Timestamp;

/// In which direction from now a duration goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// `7d` is seven days ago.
    Past,
    /// `7d` is in seven days.
    Future,
}

/// Reads the value of an option as a time. A date is its first moment in UTC.
pub(crate) fn moment(option: &str, text: &str, direction: Direction, now: Timestamp) -> Result<Timestamp> {
    let date = || Timestamp::parse(&format!("{text}T00:00:00Z"));
    if let Ok(timestamp) = Timestamp::parse(text).or_else(|_| date()) {
        return Ok(timestamp);
    }
    let span = text.parse::<jiff::Span>().ok();
    let span = span.and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
    let span = span.and_then(|duration| std::time::Duration::try_from(duration).ok());
    let wrong =
        || anyhow!("{option} {text} is not a time; write 2025-01-31, 2025-01-31T09:00:00Z, 90m, 24h or 7d");
    let span = span.ok_or_else(wrong)?;
    Ok(match direction {
        Direction::Past => now.minus(span),
        Direction::Future => now.plus(span),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_a_time_or_a_duration() {
        use Direction::{Future, Past};
        let now = Timestamp::parse("2025-03-10T12:00:00Z").unwrap();
        for (text, direction, expected) in [
            ("2025-01-31", Past, "2025-01-31T00:00:00.000Z"),
            ("2025-01-31T09:00:00", Future, "2025-01-31T09:00:00.000Z"),
            ("90m", Past, "2025-03-10T10:30:00.000Z"),
            ("7d", Past, "2025-03-03T12:00:00.000Z"),
            ("7d", Future, "2025-03-17T12:00:00.000Z"),
        ] {
            assert_eq!(moment("--since", text, direction, now).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "yesterday", "7", "2025-02-30", "-7d"] {
            assert!(moment("--since", text, Past, now).is_err(), "{text}");
        }
    }
}
