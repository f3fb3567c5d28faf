//! Checks that an `entity_id` has the form that its alert type declares.
//!
//! Never: normalizes an id. Ids are compared byte by byte.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

use crate::alert_type::EntityIdForm;
use crate::limits::{
    ENTITY_ANY_BYTES_MAX, ENTITY_ANY_CHARS_MAX, ENTITY_NAME_CHARS_MAX, ENTITY_TOKEN_CHARS_MAX,
};

const ZERO_WIDTH_NON_JOINER: char = '\u{200C}';
const ZERO_WIDTH_JOINER: char = '\u{200D}';

/// Describes the form, for a refusal.
pub(super) fn expected(form: EntityIdForm) -> &'static str {
    match form {
        EntityIdForm::Token => "a letter or digit, then at most 63 letters, digits or `._:-`",
        EntityIdForm::Any => "1 to 512 visible characters",
        EntityIdForm::Name => "a name of 1 to 128 visible characters",
    }
}

/// Whether the id has this form.
pub(super) fn fits(form: EntityIdForm, id: &str) -> bool {
    match form {
        EntityIdForm::Token => is_token(id, ENTITY_TOKEN_CHARS_MAX),
        EntityIdForm::Name => is_name(id, ENTITY_NAME_CHARS_MAX),
        EntityIdForm::Any => is_name(id, ENTITY_ANY_CHARS_MAX) && id.len() <= ENTITY_ANY_BYTES_MAX,
    }
}

/// Whether the text matches `[A-Za-z0-9][A-Za-z0-9._:-]*` and has at most `chars_max` characters.
pub(super) fn is_token(text: &str, chars_max: usize) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b))
        && text.len() <= chars_max
}

/// Letters and symbols that are drawn as nothing: the fillers of Hangul, and the Braille pattern without a dot.
const BLANK: [char; 5] = ['\u{115F}', '\u{1160}', '\u{3164}', '\u{FFA0}', '\u{2800}'];

/// Whether the text is a name that looks like what it is: without invisible characters and without changes of the
/// writing direction. Zero-width joiners are allowed between two letters, where several scripts need them.
fn is_name(text: &str, chars_max: usize) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let in_word = |index: Option<usize>| {
        let group = index.and_then(|at| chars.get(at)).map(|each| each.general_category_group());
        matches!(group, Some(GeneralCategoryGroup::Letter | GeneralCategoryGroup::Mark))
    };
    let visible = chars.iter().enumerate().all(|(at, each)| match *each {
        ZERO_WIDTH_JOINER | ZERO_WIDTH_NON_JOINER => in_word(at.checked_sub(1)) && in_word(Some(at + 1)),
        each => is_printable(each),
    });
    (1..=chars_max).contains(&chars.len()) && visible && chars.iter().any(|each| is_drawn(*each))
}

/// Whether the character is seen where it is alone. A mark is not: it changes what it follows.
fn is_drawn(each: char) -> bool {
    !each.is_whitespace()
        && !BLANK.contains(&each)
        && each.general_category_group() != GeneralCategoryGroup::Mark
}

/// Whether the character is a letter, mark, number, punctuation mark, symbol or space. Format characters (bidirectional
/// overrides, zero width), controls, line separators, and private or unassigned characters are not printable.
fn is_printable(each: char) -> bool {
    each.general_category_group() != GeneralCategoryGroup::Other
        && !matches!(
            each.general_category(),
            GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_ascii_and_starts_with_a_letter_or_digit() {
        let longest = "a".repeat(64);
        for id in ["stu_4532", "4532", "a", "A.b:c-d_e", &longest] {
            assert!(fits(EntityIdForm::Token, id), "{id}");
        }
        let too_long = "a".repeat(65);
        for id in ["", "_a", "-a", " a", "a ", "stu 4532", "stü", "a#b", "a/b", "a\n", "a\0", &too_long] {
            assert!(!fits(EntityIdForm::Token, id), "{id:?}");
        }
    }

    #[test]
    fn any_printable_text_can_be_an_id_if_the_type_says_so() {
        let (longest, widest) = ("a".repeat(512), "ß".repeat(512));
        let arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:p99 > 2s / checkout";
        for id in [arn, "/var/log (95%)", "C:\\", "日本語", &longest, &widest] {
            assert!(fits(EntityIdForm::Any, id), "{id}");
        }
        let (too_long, too_wide) = ("a".repeat(513), "日".repeat(512 + 100));
        for id in ["", " ", "a\nb", "a\u{202e}b", &too_long, &too_wide, &"𝕏".repeat(512)] {
            assert!(!fits(EntityIdForm::Any, id), "{id:?}");
        }
    }

    #[test]
    fn a_name_is_any_text_of_visible_characters() {
        let longest = "ß".repeat(128);
        let names = [
            "Computer Science",
            "C#",
            "AP Calculus AB",
            "Français — débutant",
            "日本語",
            "العربية",
            "हिन्दी",
            "क्‍ष",
            "می‌خواهم",
            "x²",
            "1",
            "<script>",
            "=1+1",
            "🎓 Study",
            "\u{1112}\u{1160}",
            &longest,
        ];
        for name in names {
            assert!(fits(EntityIdForm::Name, name), "{name}");
        }
        let too_long = "ß".repeat(129);
        let hidden = [
            "",
            " ",
            "\u{3000}",
            "\u{3164}",
            "\u{115f}\u{1160} \u{ffa0}",
            "\u{2800}\u{2800}",
            "\u{fe0f}",
            "\u{34f}",
            "a\tb",
            "a\nb",
            "a\u{0}b",
            "a\u{7f}",
            "a\u{85}b",
            "abc\u{202e}def",
            "a\u{2066}b",
            "a\u{200b}b",
            "\u{feff}a",
            "a\u{200e}",
            "a\u{200d}",
            "\u{200c}a",
            "1\u{200d}2",
            "a\u{ad}b",
            "a\u{2028}b",
            "a\u{e000}",
            "a\u{2060}b",
            "a\u{e0041}",
            &too_long,
        ];
        for name in hidden {
            assert!(!fits(EntityIdForm::Name, name), "{name:?}");
        }
    }
}
