//! Text that others wrote, made safe to show: what a terminal or a spreadsheet would act on is escaped.
//!
//! Never: drops a character; an escape can be read back.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use indicatif::HumanCount;
use portend_core::time::Timestamp;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// For a terminal: control, escape and bidirectional characters as `\u{202e}`.
pub(crate) fn shown(text: &str) -> String {
    escaped(text, |_| false)
}

/// As [`shown`], with line breaks and tabs left as they are.
pub(crate) fn shown_lines(text: &str) -> String {
    escaped(text, |each| matches!(each, '\n' | '\t'))
}

fn escaped(text: &str, kept: impl Fn(char) -> bool) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, each| {
        if acts(each) && !kept(each) {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", each.escape_unicode());
        } else {
            shown.push(each);
        }
        shown
    })
}

/// Whether a terminal acts on the character, text around it turns, or it cannot be seen: controls, formats (marks of
/// direction, tags) but for the joiners of scripts and emoji, line and paragraph separators, and code points that are
/// private or not assigned.
fn acts(each: char) -> bool {
    const ACTING: [GeneralCategory; 7] = [
        GeneralCategory::Control,
        GeneralCategory::Format,
        GeneralCategory::LineSeparator,
        GeneralCategory::ParagraphSeparator,
        GeneralCategory::PrivateUse,
        GeneralCategory::Surrogate,
        GeneralCategory::Unassigned,
    ];
    !matches!(each, '\u{200C}' | '\u{200D}') && ACTING.contains(&each.general_category())
}

/// For a cell of a spreadsheet: what would begin a formula gets an apostrophe before it.
pub(crate) fn cell(text: &str) -> String {
    let shown = shown_lines(text);
    let formula = shown.trim_start().starts_with(['=', '+', '-', '@']);
    if formula { format!("'{shown}") } else { shown }
}

/// A time to the minute, for a table.
pub(crate) fn minute(at: Timestamp) -> String {
    let text = at.to_string();
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

/// A whole number with its thousands apart.
pub(crate) fn thousands(number: u64) -> String {
    HumanCount(number).to_string()
}

/// A number of things, as people write it.
pub(crate) fn counted(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", thousands(number))
}

/// A duration in whole days, or in hours below two days.
pub(crate) fn days(duration: Duration) -> String {
    let hours = duration.as_secs() / 3600;
    if hours < 48 { counted(hours, "hour") } else { counted(hours / 24, "day") }
}

/// JSON for a line of output, in which what a terminal would act on is escaped as JSON escapes it.
pub(crate) struct SafeJson;

impl serde_json::ser::Formatter for SafeJson {
    fn write_string_fragment<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, each)) = rest.char_indices().find(|(_, each)| acts(*each)) {
            let (before, after) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            // JSON escapes a character beyond the first plane as two.
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
    fn what_a_terminal_acts_on_is_escaped_and_the_rest_is_left() {
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
    fn a_line_of_json_is_safe_to_show_and_says_the_same() {
        let text = "a\u{202e}\u{9b}\u{1b}\"é\n\u{e0041}";
        let mut line = Vec::new();
        text.serialize(&mut serde_json::Serializer::with_formatter(&mut line, SafeJson)).unwrap();
        assert_eq!(std::str::from_utf8(&line).unwrap(), "\"a\\u202e\\u009b\\u001b\\\"é\\n\\udb40\\udc41\"");
        assert_eq!(serde_json::from_slice::<String>(&line).unwrap(), text);
    }

    #[test]
    fn thousands_are_apart() {
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), expected);
        }
    }

    #[test]
    fn days_are_hours_until_there_are_two() {
        for (hours, expected) in [(1, "1 hour"), (47, "47 hours"), (48, "2 days"), (95 * 24 + 3, "95 days")] {
            assert_eq!(days(Duration::from_hours(hours)), expected);
        }
    }
}
