//! Text that others wrote, made safe to show.
//!
//! Takes: names, messages and explanations as they came.
//! Gives: the same, with what a terminal or a spreadsheet would act on escaped.
//! Never: drops a character; an escape can be read back.

use std::fmt::Write as _;
use std::io;

use portend_core::time::Timestamp;

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

/// Whether a terminal acts on the character, or text around it turns: controls (C0, C1, DEL), marks of direction,
/// line and paragraph separators, and what cannot be seen at all.
fn acts(each: char) -> bool {
    each.is_control()
        || matches!(
            each,
            '\u{061C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
        )
}

/// For a cell of a spreadsheet: what would begin a formula is led by an apostrophe.
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
    let digits = number.to_string();
    let first = digits.len() % 3;
    let groups = digits.as_bytes().get(first..).unwrap_or_default().chunks(3);
    let mut parts: Vec<&str> = digits.get(..first).filter(|head| !head.is_empty()).into_iter().collect();
    parts.extend(groups.filter_map(|group| std::str::from_utf8(group).ok()));
    parts.join(",")
}

/// So many of something, as people write it.
pub(crate) fn counted(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", thousands(number))
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
            write!(writer, "{before}\\u{:04x}", u32::from(each))?;
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
        let text = "a\u{202e}\u{9b}\u{1b}\"é\n";
        let mut line = Vec::new();
        text.serialize(&mut serde_json::Serializer::with_formatter(&mut line, SafeJson)).unwrap();
        assert_eq!(std::str::from_utf8(&line).unwrap(), "\"a\\u202e\\u009b\\u001b\\\"é\\n\"");
        assert_eq!(serde_json::from_slice::<String>(&line).unwrap(), text);
    }

    #[test]
    fn thousands_stand_apart() {
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), expected);
        }
    }
}
