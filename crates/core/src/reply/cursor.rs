//! A place in a text that moves forward, and counts.
//!
//! Takes: a text.
//! Gives: its next byte, word or comment, and the number of bytes stepped over so far.
//! Never: stands within a character, or past the end.

/// A place in a text. Every loop of the reader moves one, so `steps` measures the reader's work.
pub(super) struct TextCursor<'t> {
    text: &'t str,
    at: usize,
    steps: usize,
}

impl<'t> TextCursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0, steps: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// Counts the work that another cursor did on text that was taken out of this one's.
    pub(super) fn count(&mut self, steps: usize) {
        self.steps += steps;
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The text from an earlier place to this one.
    pub(super) fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Moves to a place that this cursor has passed. Whoever goes back does so a bounded number of times for each
    /// byte, or the work would not be linear; the steps of both ways count.
    pub(super) fn go_to(&mut self, at: usize) {
        self.at = at;
    }

    /// Steps over bytes that end at the end of a character.
    pub(super) fn pass(&mut self, bytes: usize) {
        self.at = self.text.len().min(self.at + bytes);
        self.steps += bytes;
    }

    pub(super) fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.pass(expected.len());
        }
        found
    }

    pub(super) fn eat_char(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.pass(next.len_utf8());
        Some(next)
    }

    /// Steps over all bytes that `fits` holds for. It must hold for all bytes of a character or for none.
    pub(super) fn eat_while(&mut self, fits: impl Fn(u8) -> bool) -> &'t str {
        let start = self.at;
        let rest = self.rest();
        self.pass(rest.bytes().position(|byte| !fits(byte)).unwrap_or(rest.len()));
        self.since(start)
    }

    /// Steps to the next place of `needle`, or to the end, and says whether there is one.
    pub(super) fn find(&mut self, needle: &str) -> bool {
        let rest = self.rest();
        let place = rest.find(needle);
        self.pass(place.unwrap_or(rest.len()));
        place.is_some()
    }

    /// Steps over white space as JSON has it.
    pub(super) fn space(&mut self) {
        self.eat_while(is_space);
    }

    /// Steps over a comment of JavaScript or Python, which runs to the end of its line, or to its `*/`.
    pub(super) fn comment(&mut self) -> bool {
        if self.at_line_comment() {
            self.eat_while(|byte| !matches!(byte, b'\n' | b'\r'));
            return true;
        }
        let block = self.eat("/*");
        if block && self.find("*/") {
            self.pass(2);
        }
        block
    }

    /// Steps over a word: everything up to white space, punctuation, a double quote or a comment.
    pub(super) fn word(&mut self) -> &'t str {
        let start = self.at;
        loop {
            self.eat_while(|byte| {
                !is_space(byte) && !matches!(byte, b'/' | b'#' | b'"') && !is_punctuation(byte)
            });
            if self.peek() != Some(b'/') || self.at_line_comment() || self.rest().starts_with("/*") {
                return self.since(start);
            }
            self.pass(1);
        }
    }

    fn at_line_comment(&self) -> bool {
        self.peek() == Some(b'#') || self.rest().starts_with("//")
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

pub(super) fn is_punctuation(byte: u8) -> bool {
    matches!(byte, b'{' | b'}' | b'[' | b']' | b',' | b':')
}

/// White space of any script and the zero-width characters: what is dropped at the ends of a text and of a value.
pub(super) fn is_padding(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}')
}
