//! Makes text safe to print: escapes the characters that a terminal or a spreadsheet would act on.
//!
//! Never: drops a character.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use indicatif::HumanCount;
use jiff::tz::TimeZone;
use portend_core::time::Timestamp;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Makes text safe for a terminal: control, escape and bidirectional characters become escapes such as `\u{202e}`.
pub(crate) fn shown(text: &str) -> String {
    escaped(text, |_| false)
}

/// Like [`shown`], but does not escape line breaks and tabs.
pub(crate) fn shown_lines(text: &str) -> String {
    escaped(text, |each| matches!(each, '\n' | '\t'))
}

fn escaped(text: &str, is_allowed: impl Fn(char) -> bool) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, each| {
        if is_unsafe(each) && !is_allowed(each) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", each.escape_unicode());
        } else {
            shown.push(each);
        }
        shown
    })
}

/// Whether a terminal acts on the character, or the character is invisible or changes the direction of text. These are
/// controls, format characters (except the joiners of scripts and emoji), line and paragraph separators, and private or
/// unassigned code points.
fn is_unsafe(each: char) -> bool {
    const UNSAFE: [GeneralCategory; 7] = [
        GeneralCategory::Control,
        GeneralCategory::Format,
        GeneralCategory::LineSeparator,
        GeneralCategory::ParagraphSeparator,
        GeneralCategory::PrivateUse,
        GeneralCategory::Surrogate,
        GeneralCategory::Unassigned,
    ];
    if each.is_ascii() {
        return each.is_ascii_control();
    }
    !matches!(each, '\u{200C}' | '\u{200D}') && UNSAFE.contains(&each.general_category())
}

/// Makes text safe for a spreadsheet cell: puts an apostrophe before text that would be a formula.
pub(crate) fn cell(text: &str) -> String {
    let shown = shown_lines(text);
    let formula = shown.trim_start().starts_with(['=', '+', '-', '@']);
    if formula { format!("'{shown}") } else { shown }
}

/// A time in the machine's time zone, with minutes but without seconds, for a table. [`zone`] names the zone.
pub(crate) fn minute(at: Timestamp) -> String {
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    instant.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The beginning of a time's day in the machine's time zone.
pub(crate) fn day_start(at: Timestamp) -> Timestamp {
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default();
    let start = instant.to_zoned(TimeZone::system()).start_of_day();
    start.map_or(at, |start| Timestamp::from_millis(start.timestamp().as_millisecond()))
}

/// The name of the machine's time zone, such as `Europe/Berlin`.
pub(crate) fn zone() -> String {
    let zone = TimeZone::system();
    zone.iana_name().filter(|name| !name.starts_with("Etc/U")).unwrap_or("UTC").to_owned()
}

/// How long ago something was, in the largest unit that fits: `3d`, `5h`, `12m`.
pub(crate) fn age(duration: Duration) -> String {
    let minutes = duration.as_secs() / 60;
    match minutes {
        0..60 => format!("{minutes}m"),
        60..2880 => format!("{}h", minutes / 60),
        _ => format!("{}d", minutes / 1440),
    }
}

/// The text's beginning that fits into this many columns, with an ellipsis if it is cut.
pub(crate) fn clipped(text: &str, columns: usize) -> String {
    use textwrap::core::display_width;
    if display_width(text) <= columns {
        return text.to_owned();
    }
    let mut clipped = String::new();
    for each in text.chars() {
        clipped.push(each);
        if display_width(&clipped) >= columns {
            clipped.pop();
            break;
        }
    }
    clipped.truncate(clipped.trim_end().len());
    clipped.push('…');
    clipped
}

/// The characters of an alert id that a list shows: the first eight of its digits.
pub(crate) fn short_id(alert_id: &str) -> String {
    let digits = alert_id.rsplit('_').next().unwrap_or(alert_id);
    shown(digits.get(..8).unwrap_or(digits))
}

/// A whole number with separators between thousands.
pub(crate) fn thousands(number: u64) -> String {
    HumanCount(number).to_string()
}

/// A number with its noun, in the singular or the plural.
pub(crate) fn counted(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", thousands(number))
}

/// The pairs of which an AUC is the share that is ranked right.
pub(crate) fn pairs_of(event: &str) -> String {
    format!("of 100 pairs of one with {} and one without", event.replace('_', " "))
}

/// How many of 100 pairs are ranked right, with the interval.
pub(crate) fn ranked(auc: f64, low: f64, high: f64) -> String {
    format!("{:.0} right (likely {:.0} to {:.0})", 100.0 * auc, 100.0 * low, 100.0 * high)
}

/// A duration in whole days, or in hours if it is shorter than two days.
pub(crate) fn days(duration: Duration) -> String {
    let hours = duration.as_secs() / 3600;
    if hours < 48 { counted(hours, "hour") } else { counted(hours / 24, "day") }
}

/// A JSON formatter that escapes the characters that a terminal would act on.
pub(crate) struct SafeJson;

impl serde_json::ser::Formatter for SafeJson {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, each)) = rest.char_indices().find(|(_, each)| is_unsafe(*each)) {
            let (before, after) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            // JSON escapes a character outside the basic plane as two UTF-16 units.
            for unit in each.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = after.get(each.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;

    #[test]
    fn only_characters_that_a_terminal_acts_on_are_escaped() {
        for (text, expected) in [
            ("AP Calculus AB", "AP Calculus AB"),
            ("日本語 é 🎓", "日本語 é 🎓"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\u{202e}b\u{9b}c\r\n", "a\\u{202e}b\\u{9b}c\\u{d}\\u{a}"),
            ("a\u{e0041}b\u{ad}c\u{e000}d\u{180e}", "a\\u{e0041}b\\u{ad}c\\u{e000}d\\u{180e}"),
            ("क्\u{200d}ष 👩\u{200d}🎓", "क्\u{200d}ष 👩\u{200d}🎓"),
        ] {
            assert_eq!(shown(text), expected);
        }
        assert_eq!(shown_lines("a\n\tb\u{7}"), "a\n\tb\\u{7}");
    }

    #[test]
    fn a_cell_is_never_a_formula() {
        for (text, expected) in
            [("=1+1", "'=1+1"), (" @x", "' @x"), ("-5", "'-5"), ("+1", "'+1"), ("C#", "C#"), ("a=b", "a=b")]
        {
            assert_eq!(cell(text), expected);
        }
    }

    #[test]
    fn safe_json_is_equal_after_parsing() {
        let text = "a\u{202e}\u{9b}\u{1b}\"é\n\u{e0041}";
        let mut line = Vec::new();
        text.serialize(&mut serde_json::Serializer::with_formatter(&mut line, SafeJson)).unwrap();
        assert_eq!(std::str::from_utf8(&line).unwrap(), "\"a\\u202e\\u009b\\u001b\\\"é\\n\\udb40\\udc41\"");
        assert_eq!(serde_json::from_slice::<String>(&line).unwrap(), text);
    }

    #[test]
    fn a_day_begins_at_midnight_in_the_zone_of_this_machine() {
        let at = Timestamp::from_secs(1_767_225_600 + 12 * 3600);
        let start = day_start(at);
        assert!(start <= at && at.since(start) < Duration::from_hours(25), "{start}");
        assert!(minute(start).ends_with(" 00:00"), "{}", minute(start));
    }

    #[test]
    fn thousands_have_separators() {
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), expected);
        }
    }

    #[test]
    fn an_age_is_in_the_largest_unit_that_fits() {
        for (minutes, expected) in [(0, "0m"), (59, "59m"), (60, "1h"), (47 * 60, "47h"), (48 * 60, "2d")] {
            assert_eq!(age(Duration::from_mins(minutes)), expected);
        }
    }

    #[test]
    fn a_clipped_text_fits_its_columns() {
        for (text, columns, expected) in [
            ("short", 5, "short"),
            ("too long", 5, "too…"),
            ("日本語の名前", 6, "日本…"),
            ("abcdef", 4, "abc…"),
        ] {
            assert_eq!(clipped(text, columns), expected);
        }
    }

    #[test]
    fn a_duration_below_two_days_is_in_hours() {
        for (hours, expected) in [(1, "1 hour"), (47, "47 hours"), (48, "2 days"), (95 * 24 + 3, "95 days")] {
            assert_eq!(days(Duration::from_hours(hours)), expected);
        }
    }
}
