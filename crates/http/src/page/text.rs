//! Text and times as a page shows them.
//!
//! Never: passes on a character that is invisible or changes the direction of the text around it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use portend_core::number::Number;
use portend_core::time::Timestamp;

/// What stays as it is in a part of a path.
const PATH_PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A text that others wrote, with invisible characters written out, such as `\u{202e}`. A page escapes its markup too.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || c == '\t' || !is_invisible(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    shown
}

/// Control characters, marks of direction, and characters without width.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// An id as part of a path.
pub(crate) fn path_part(id: &str) -> String {
    match id {
        // A browser would drop these parts of a path.
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        id => utf8_percent_encode(id, PATH_PART).to_string(),
    }
}

/// The class of a risk score, which has its colours.
pub(crate) fn level(score: Number) -> &'static str {
    match score.get() {
        score if score >= 80.0 => "top-risk",
        score if score >= 60.0 => "high",
        score if score >= 40.0 => "mid",
        _ => "low",
    }
}

/// A score without its fraction.
pub(crate) fn whole(score: Number) -> String {
    format!("{:.0}", score.get())
}

/// How long ago, as a person says it.
pub(crate) fn age(at: Timestamp, now: Timestamp) -> String {
    let minutes = now.since(at).as_secs() / 60;
    match minutes {
        0 => "now".to_owned(),
        1..=59 => format!("{minutes} min"),
        60..=2879 => format!("{} h", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    }
}

/// A time to the minute, such as `2025-01-01 12:00 UTC`.
pub(crate) fn minute(at: Timestamp) -> String {
    let text = at.to_seconds_string();
    format!("{} {} UTC", text.get(..10).unwrap_or_default(), text.get(11..16).unwrap_or_default())
}

/// A count with its noun.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{} {many}", thousands(count)) }
}

/// A count with a thin space between thousands.
pub(crate) fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// An id such as `low_health_score` as words.
pub(crate) fn words(id: &str) -> String {
    shown(&id.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::{path_part, shown, thousands};

    #[test]
    fn hidden_characters_are_written_out_and_ids_are_encoded() {
        for (text, expected) in [
            ("stu_1", "stu_1"),
            ("a\u{202e}b", "a\\u{202e}b"),
            ("\u{0}\u{1b}[31m", "\\u{0}\\u{1b}[31m"),
            ("Zoë 数学", "Zoë 数学"),
        ] {
            assert_eq!(shown(text), expected);
        }
        for (id, expected) in
            [("C#", "C%23"), ("a/b?c", "a%2Fb%3Fc"), ("..", "%2E%2E"), ("a b", "a%20b"), ("é", "%C3%A9")]
        {
            assert_eq!(path_part(id), expected);
        }
        assert_eq!(thousands(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
