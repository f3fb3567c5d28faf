//! Whether the checker knows the words of a text.

use super::report::Language;
use super::token::{Token, Tokens};
use super::words::{ENGLISH, OTHER_LANGUAGES};

/// The first letter that English words do not have. Letters with accents are before it.
const LATIN_END: char = '\u{250}';
/// The fewest words of a text whose language can be recognized by its common words.
const WORDS_MIN: usize = 5;
/// English texts have at least one common word in this many words.
const COMMON_WORD_EVERY: usize = 9;

/// `Some` if the words of the text cannot be checked.
pub(super) fn of(tokens: &Tokens<'_>) -> Option<Language> {
    let words: Vec<_> = tokens.iter().filter(|token| token.text.contains(char::is_alphabetic)).collect();
    let is_other_script = |word: &&&Token<'_>| word.text.chars().any(|c| c.is_alphabetic() && c >= LATIN_END);
    if words.iter().filter(is_other_script).count() * 4 > words.len() {
        return Some(Language::Unknown);
    }
    let count = |list| words.iter().filter(|word| word.is_in(list)).count();
    let (english, other) = (count(&ENGLISH), count(&OTHER_LANGUAGES));
    let too_few = words.len() >= WORDS_MIN && english * COMMON_WORD_EVERY < words.len();
    (other > english || too_few && other > 0 || too_few && words.len() >= 2 * WORDS_MIN)
        .then_some(Language::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_in_another_language_is_recognized() {
        for (text, unknown) in [
            ("Five calls in 14 days and a health score of 65.", false),
            ("5 calls", false),
            ("Calls: 5. Health: 65.", false),
            ("Health score 65, calls 5, risk 72.", false),
            ("Cinco llamadas en 14 días y una puntuación de 65.", true),
            ("La familia llamó 5 veces en los últimos 14 días.", true),
            ("Fünf Anrufe in 14 Tagen und ein Wert von 65 sind ein Warnzeichen.", true),
            ("Cinq appels en 14 jours et un score de 65.", true),
            ("8次の電話と47点", true),
            ("14天内打了5次电话", true),
            ("За 14 дней семья позвонила 5 раз.", true),
            ("مكالمات 5 في 14 يوما", true),
            ("The family of José García called 5 times.", false),
        ] {
            assert_eq!(of(&Tokens::read(text)).is_some(), unknown, "{text}");
        }
    }
}
