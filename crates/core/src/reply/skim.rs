//! Where a malformed candidate ends, and whether a score stands in it.
//!
//! Takes: a cursor at the first brace or bracket of a candidate that the parser refused.
//! Gives: the cursor behind the last, and what stands under a `risk_score`.
//! Never: reads a value. A malformed candidate is not an answer, but it can stand against one.

use super::cursor::{TextCursor, is_punctuation};
use super::parser::is_number;
use super::score::{is_number_like_text, read_text};
use super::string::Quote;
use super::value::is_key;

/// What stands under a `risk_score` of a malformed candidate, the worst for it last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MalformedScore {
    /// It has none, so it is prose in braces.
    Nothing,
    /// A template's words.
    Echo,
    /// Something with a number in it that is no score: `72 or so`, `+72`.
    NoScore,
    /// A score; the fault lies elsewhere.
    Score,
}

/// Steps over a candidate. `None` if the text ends before it is balanced.
///
/// Braces balance a candidate that begins with a brace; brackets are counted as well for one that begins with a
/// bracket. A quote opens a string only where a value or key can begin, so that neither an apostrophe nor an
/// inner quote that was not escaped hides the rest.
pub(super) fn skim(cursor: &mut TextCursor<'_>) -> Option<MalformedScore> {
    let brackets = cursor.peek() == Some(b'[');
    let mut skim =
        MalformedReader { cursor, before: b',', last: "", score: None, sight: MalformedScore::Nothing };
    let mut depth = 0_usize;
    loop {
        match skim.next()? {
            b'{' => depth += 1,
            b'[' if brackets => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b']' if brackets => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Some(skim.sight);
        }
    }
}

struct MalformedReader<'c, 't> {
    cursor: &'c mut TextCursor<'t>,
    /// The last byte of punctuation, or 0 after a string or word.
    before: u8,
    /// The last string or word: a key, if a colon follows.
    last: &'t str,
    /// The words, each after a space, of a `risk_score` that is being read.
    score: Option<String>,
    sight: MalformedScore,
}

impl MalformedReader<'_, '_> {
    /// Steps over one token and gives its punctuation, or 0 for a string or word.
    fn next(&mut self) -> Option<u8> {
        self.cursor.space();
        while self.cursor.comment() {
            self.cursor.space();
        }
        let byte = self.cursor.peek()?;
        if is_punctuation(byte) {
            self.end_score();
            self.cursor.pass(1);
            if byte == b':' && is_key(self.last.trim_matches(['"', '\'', '`']), "risk_score") {
                self.score = Some(String::new());
            }
            self.before = byte;
            return Some(byte);
        }
        let quote = Quote::at(self.cursor);
        if let Some(quote) = quote.filter(|_| matches!(self.before, b'{' | b'[' | b',' | b':')) {
            self.last = quote.skip(self.cursor)?;
            if self.score.take().is_some() {
                self.look(self.last, read_text(self.last).is_some());
            }
        } else {
            if quote.is_some() {
                // A quote here most often begins the next key, after a comma that is missing.
                self.end_score();
            }
            let start = self.cursor.at();
            self.cursor.eat_char();
            self.cursor.word();
            self.cursor.eat("\"");
            self.last = self.cursor.since(start);
            if let Some(score) = &mut self.score {
                score.push(' ');
                score.push_str(self.last);
            }
        }
        self.before = 0;
        Some(0)
    }

    fn end_score(&mut self) {
        if let Some(score) = self.score.take() {
            let score = score.trim();
            self.look(score, is_number(score));
        }
    }

    fn look(&mut self, score: &str, is_score: bool) {
        let sight = match (is_score, is_number_like_text(score)) {
            (true, _) => MalformedScore::Score,
            (false, true) => MalformedScore::NoScore,
            (false, false) => MalformedScore::Echo,
        };
        self.sight = self.sight.max(sight);
    }
}
