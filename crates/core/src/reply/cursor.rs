//! A position in a text that moves forward and counts its steps.
//!
//! Never: is within a character, or past the end of the text.

/// A position in a text. Every loop of the reader moves one, so its steps measure the reader's work.
pub(super) struct TextCursor<'t> {
    text: &'t str,
    position: usize,
    steps: usize,
}

impl<'t> TextCursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, position: 0, steps: 0 }
    }

    /// The byte that it is at.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The bytes that it has stepped over, each as often as it did so.
    pub(super) fn steps(&self) -> usize {
        self.steps
    }

    /// Adds the steps of another cursor that worked on a part of this text.
    pub(super) fn add_steps(&mut self, steps: usize) {
        self.steps += steps;
    }

    /// The next byte.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    /// The text from here to its end.
    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.position..).unwrap_or_default()
    }

    /// The text from an earlier position to here.
    pub(super) fn text_from(&self, start: usize) -> &'t str {
        self.text.get(start..self.position).unwrap_or_default()
    }

    /// Moves to a position that the cursor has already passed. To keep the work linear, a caller does so a bounded
    /// number of times for each byte. The steps of both passes count.
    pub(super) fn go_to(&mut self, position: usize) {
        self.position = position;
    }

    /// Steps over a number of bytes, the last of which ends a character.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.position = self.text.len().min(self.position + bytes);
        self.steps += bytes;
    }

    /// Steps over `expected` if it is next.
    pub(super) fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.advance(expected.len());
        }
        found
    }

    /// Steps over one character.
    pub(super) fn eat_char(&mut self) -> Option<char> {
        let next = self.rest().chars().next()?;
        self.advance(next.len_utf8());
        Some(next)
    }

    /// Steps over all bytes that match. A predicate must match all bytes of a character or none of them.
    pub(super) fn eat_while(&mut self, matches: impl Fn(u8) -> bool) -> &'t str {
        let start = self.position;
        let rest = self.rest();
        self.advance(rest.bytes().position(|byte| !matches(byte)).unwrap_or(rest.len()));
        self.text_from(start)
    }

    /// Steps to the next `needle`, or to the end of the text. Returns whether there is one.
    pub(super) fn advance_to(&mut self, needle: &str) -> bool {
        let rest = self.rest();
        let found = rest.find(needle);
        self.advance(found.unwrap_or(rest.len()));
        found.is_some()
    }

    /// Steps over the white space of JSON.
    pub(super) fn eat_space(&mut self) {
        self.eat_while(is_space);
    }

    /// Steps over white space of any script and zero-width characters.
    pub(super) fn eat_padding(&mut self) {
        let rest = self.rest();
        self.advance(rest.len() - rest.trim_start_matches(is_padding).len());
    }

    /// Steps over a comment of JavaScript or Python. It ends at the end of its line, or at its `*/`.
    pub(super) fn eat_comment(&mut self) -> bool {
        if self.at_line_comment() {
            self.eat_while(|byte| !matches!(byte, b'\n' | b'\r'));
            return true;
        }
        let block = self.eat("/*");
        if block && self.advance_to("*/") {
            self.advance(2);
        }
        block
    }

    /// Steps over a word: all text up to white space, punctuation, a double quote or a comment.
    pub(super) fn eat_word(&mut self) -> &'t str {
        let start = self.position;
        loop {
            self.eat_while(|byte| {
                !is_space(byte) && !matches!(byte, b'/' | b'#' | b'"') && !is_punctuation(byte)
            });
            if self.peek() != Some(b'/') || self.at_line_comment() || self.rest().starts_with("/*") {
                return self.text_from(start);
            }
            self.advance(1);
        }
    }

    fn at_line_comment(&self) -> bool {
        self.peek() == Some(b'#') || self.rest().starts_with("//")
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether a byte is punctuation of JSON.
pub(super) fn is_punctuation(byte: u8) -> bool {
    matches!(byte, b'{' | b'}' | b'[' | b']' | b',' | b':')
}

/// Whether a character is trimmed from the ends of a text and of a value: white space of any script, and the
/// zero-width characters.
pub(super) fn is_padding(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200B}'..='\u{200D}' | '\u{2060}' | '\u{FEFF}')
}
