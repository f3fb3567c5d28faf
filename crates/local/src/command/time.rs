//! Reads times and durations of arguments.

use std::time::Duration;

use anyhow::{Result, anyhow};
use portend_core::time::Timestamp;

use crate::show::output::WrongUsage;

/// Reads a date, a time or a duration ago.
pub(crate) fn moment(flag: &str, text: &str, now: Timestamp) -> Result<Timestamp, WrongUsage> {
    let date = || Timestamp::parse(&format!("{text}T00:00:00Z"));
    if let Ok(timestamp) = Timestamp::parse(text).or_else(|_| date()) {
        return Ok(timestamp);
    }
    let wrong =
        || anyhow!("{flag} {text} is not a time; write 2025-01-31, 2025-01-31T09:00:00Z, 90m, 24h or 7d");
    Ok(now.minus(span(text).ok_or_else(wrong)?))
}

/// Reads a duration such as `7d`.
pub(crate) fn duration(flag: &str, text: &str) -> Result<Duration, WrongUsage> {
    let wrong = || anyhow!("{flag} {text} is not a duration; write 90m, 24h or 7d");
    Ok(span(text).ok_or_else(wrong)?)
}

fn span(text: &str) -> Option<Duration> {
    let span = text.parse::<jiff::Span>().ok()?;
    let signed = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?;
    Duration::try_from(signed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_a_time_or_a_duration_ago() {
        let now = Timestamp::parse("2025-03-10T12:00:00Z").unwrap();
        for (text, expected) in [
            ("2025-01-31", "2025-01-31T00:00:00.000Z"),
            ("2025-01-31T09:00:00", "2025-01-31T09:00:00.000Z"),
            ("90m", "2025-03-10T10:30:00.000Z"),
            ("7d", "2025-03-03T12:00:00.000Z"),
        ] {
            assert_eq!(moment("--since", text, now).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "yesterday", "7", "2025-02-30", "-7d"] {
            assert!(moment("--since", text, now).is_err(), "{text}");
        }
    }
}
