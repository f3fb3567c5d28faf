//! Splits a text into tokens: digits, words, marks, and opaque runs such as ids and dates, which contain no claims.
//!
//! Never: looks at more than a bounded number of characters around a token.

use super::digits::{Numeral, after, digits};
use super::words::{IDIOMS, SMALL, TENS, WordList};

/// One piece of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    pub(super) text: &'t str,
    /// The offset of its first byte.
    pub(super) start: usize,
    pub(super) kind: TokenKind,
    /// Whether white space or the start of the text is before it.
    pub(super) spaced: bool,
    /// Whether only bullets are before it on its line.
    pub(super) opens_line: bool,
    /// Whether it is within a parenthesis that was opened on its line.
    pub(super) enclosed: bool,
}

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum TokenKind {
    Digits(Numeral),
    Word,
    /// An id, a name with digits, a date, a time, an idiom, an address.
    Opaque,
    /// Any other character.
    Mark,
}

/// The tokens of a text, without white space. An index beyond either end returns `None`.
pub(super) struct Tokens<'t>(Vec<Token<'t>>);

/// The most groups of digits in one date. The rest of a longer chain becomes further opaque tokens.
const GROUPS_MAX: usize = 8;
/// The first letter after those of the Latin script.
const LATIN_END: char = '\u{250}';
/// The years that a number of four digits can mean.
pub(super) const YEARS: std::ops::RangeInclusive<u32> = 1900..=2099;

impl<'t> Tokens<'t> {
    pub(super) fn read(text: &'t str) -> Self {
        let mut list: Vec<Token<'t>> = Vec::new();
        let (mut at, mut spaced, mut opens_line, mut depth) = (0, true, true, 0_usize);
        while let Some(first) = after(text, at).chars().next() {
            if first.is_whitespace() {
                spaced = true;
                if first == '\n' {
                    (opens_line, depth) = (true, 0);
                }
                at += first.len_utf8();
                continue;
            }
            let (kind, length) = lex(after(text, at), list.last().filter(|_| !spaced));
            let piece = text.get(at..at + length).unwrap_or_default();
            list.push(Token { text: piece, start: at, kind, spaced, opens_line, enclosed: depth > 0 });
            match first {
                '(' => depth += 1,
                ')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            opens_line = opens_line && matches!(first, '-' | '*' | '•' | '–' | '·' | '>' | '#' | '(');
            spaced = false;
            at += length;
        }
        Self(list)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Token<'t>> {
        self.0.iter()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<&Token<'t>> {
        self.0.get(at)
    }

    /// The token that is `count` tokens before `at`.
    pub(super) fn back(&self, at: usize, count: usize) -> Option<&Token<'t>> {
        self.0.get(at.checked_sub(count)?)
    }

    /// The token, if no white space separates it from the one before it.
    pub(super) fn glued(&self, at: usize) -> Option<&Token<'t>> {
        self.get(at).filter(|token| !token.spaced)
    }

    /// The token, if it is a word with white space before it.
    pub(super) fn spaced_word(&self, at: usize) -> Option<&Token<'t>> {
        self.get(at).filter(|token| token.spaced && token.is_word())
    }
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub(super) fn is_word(&self) -> bool {
        self.kind == TokenKind::Word
    }

    pub(super) fn is_digits(&self) -> bool {
        matches!(self.kind, TokenKind::Digits(_))
    }

    pub(super) fn is(&self, text: &str) -> bool {
        self.text.eq_ignore_ascii_case(text)
    }

    pub(super) fn is_in(&self, list: &WordList) -> bool {
        list.has(self.text)
    }

    pub(super) fn is_number_word(&self) -> bool {
        self.is_in(&SMALL) || self.is_in(&TENS)
    }

    pub(super) fn is_hyphen(&self) -> bool {
        matches!(self.text, "-" | "\u{2010}" | "\u{2011}")
    }

    pub(super) fn has_capital(&self) -> bool {
        self.text.starts_with(char::is_uppercase)
    }

    /// Whether it looks like a noun in the plural, such as `tutors`. This is also true of some verbs, such as
    /// `reflects`.
    pub(super) fn ends_in_s(&self) -> bool {
        let ends = |ending| self.text.ends_with(ending);
        self.is_word()
            && self.text.len() > 3
            && ends("s")
            && !ends("ss")
            && !ends("us")
            && !ends("'s")
            && !ends("’s")
    }
}

/// Returns the kind and the length of the token at the start of a text. `glued_to` is the token before it, if no white
/// space separates them.
fn lex(text: &str, glued_to: Option<&Token<'_>>) -> (TokenKind, usize) {
    let first = text.chars().next().unwrap_or_default();
    let second = after(text, first.len_utf8()).chars().next().unwrap_or_default();
    let mark = (TokenKind::Mark, first.len_utf8());
    if glued_to.is_none()
        && let Some(length) = address(text)
    {
        return (TokenKind::Opaque, length);
    }
    if let Some(before) = glued_to.filter(|before| before.kind == TokenKind::Opaque) {
        let continues =
            matches!(first, '.' | '-') || first == ':' && before.text.ends_with(|c: char| c.is_ascii_digit());
        if continues && second.is_alphanumeric() {
            return (TokenKind::Opaque, first.len_utf8() + run(after(text, first.len_utf8())).len());
        }
    }
    let run = run(text);
    if let Some(length) = idiom(text).or_else(|| calendar(text)) {
        return (TokenKind::Opaque, length);
    }
    let leads_with_point =
        first == '.' && second.is_ascii_digit() && glued_to.is_none_or(|t| t.kind == TokenKind::Mark);
    if first.is_ascii_digit() || leads_with_point {
        // `14d` is a number with a unit, but `3f9a` and `5x5` are not.
        let rest = after(run, digits(run).len());
        if !rest.chars().all(char::is_alphabetic) {
            return (TokenKind::Opaque, run.len());
        }
        let (numeral, length) = Numeral::read(text);
        return (TokenKind::Digits(numeral), length);
    }
    if run.is_empty() {
        return mark;
    }
    let word = word(text);
    let kind = if word.contains(|c: char| c.is_ascii_digit()) { TokenKind::Opaque } else { TokenKind::Word };
    (kind, word.len())
}

/// The letters, digits and underscores at the start of a text.
fn run(text: &str) -> &str {
    let mut before = None;
    for (at, c) in text.char_indices() {
        if !c.is_alphanumeric() && c != '_' || before.is_some_and(|before| splits(before, c)) {
            return text.get(..at).unwrap_or_default();
        }
        before = Some(c);
    }
    text
}

/// Whether a token ends between two characters of a run: digits are apart from the letters of scripts that put no space
/// between a number and its noun.
fn splits(one: char, other: char) -> bool {
    let is_apart = |c: char| c >= LATIN_END && c.is_alphabetic();
    one.is_ascii_digit() && is_apart(other) || is_apart(one) && other.is_ascii_digit()
}

/// The run at the start of a text, and further ones after an apostrophe: `student's`.
fn word(text: &str) -> &str {
    let mut end = run(text).len();
    while let Some(rest) =
        after(text, end).strip_prefix(['\'', '’']).filter(|rest| rest.starts_with(char::is_alphabetic))
    {
        end = text.len() - rest.len() + run(rest).len();
    }
    text.get(..end).unwrap_or_default()
}

/// The length of the web or mail address at the start of a text. It ends at the next white space.
fn address(text: &str) -> Option<usize> {
    let chunk = text.split(char::is_whitespace).next()?;
    let is_address =
        chunk.contains("://") || chunk.starts_with("www.") || chunk.trim_matches('@').contains('@');
    is_address.then_some(chunk.len())
}

fn idiom(text: &str) -> Option<usize> {
    let starts =
        |idiom: &&str| text.get(..idiom.len()).is_some_and(|start| start.eq_ignore_ascii_case(idiom));
    let length = IDIOMS.iter().find(starts)?.len();
    let next = after(text, length).chars().next();
    next.is_none_or(|c| !c.is_alphanumeric()).then_some(length)
}

/// The length of the date or time at the start of a text: `2025-01-01T12:00:00Z`, `1/2/25`, `1.2.2025`, `2024-25`,
/// `9:30`. Versions and telephone numbers, which are also groups of digits, count as dates.
fn calendar(text: &str) -> Option<usize> {
    let mut groups = vec![digits(text)];
    let mut length = digits(text).len();
    let separator =
        after(text, length).chars().next().filter(|c| matches!(c, '-' | '–' | '/' | '.' | ':'))?;
    while groups.len() < GROUPS_MAX
        && let Some(group) =
            after(text, length).strip_prefix(separator).map(digits).filter(|group| !group.is_empty())
    {
        length += separator.len_utf8() + group.len();
        groups.push(group);
    }
    let number = |group: &str| group.parse::<u32>().unwrap_or(u32::MAX);
    let is_year = |group: &str| group.len() == 4 && YEARS.contains(&number(group));
    let is_calendar = match (separator, groups.as_slice()) {
        (_, [] | ["", ..] | [_]) => false,
        (':', [hour, rest @ ..]) => {
            number(hour) <= 24
                && rest.len() <= 2
                && rest.iter().all(|each| each.len() == 2 && number(each) < 60)
        }
        ('-' | '–' | '/', [year, to]) => {
            let follows = to.len() == 2 && (number(year) + 1) % 100 == number(to);
            is_year(year) && (follows || is_year(to))
        }
        (_, [_, _]) => false,
        _ => true,
    };
    let time = after(text, length).strip_prefix('T').filter(|_| is_calendar).map(|rest| {
        1 + rest.bytes().take_while(|byte| byte.is_ascii_digit() || b":.+-Z".contains(byte)).count()
    });
    is_calendar.then(|| length + time.unwrap_or_default())
}
