//! Reads the elements of a JSON array of objects one by one, so that an export of any size is read in bounded memory.

use std::io::{self, BufRead};

use portend_core::limits::BATCH_BYTES_MAX;

use super::EventLines;

/// The first bytes of an input that some programs write.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl EventLines<'_> {
    /// Whether an array of objects begins here, at the start of a line. If it does, its `[` is consumed. Otherwise all
    /// bytes that were looked at belong to the next line.
    pub(super) fn starts_array(&mut self) -> io::Result<bool> {
        let mut seen = std::mem::take(&mut self.ahead);
        let mut lines = 0;
        let mut is_open = false;
        while let Some(byte) = self.peek()? {
            match byte {
                b'[' if !is_open => is_open = true,
                b'{' if is_open => {
                    self.is_in_array = true;
                    self.started = true;
                    self.line += lines + 1;
                    return Ok(true);
                }
                // Lines are counted where they are read: a blank line before anything else is one of its own.
                b'\n' if !is_open => break,
                b'\n' => lines += 1,
                byte if byte.is_ascii_whitespace() => {}
                byte if !is_open && BYTE_ORDER_MARK.get(seen.len()) == Some(&byte) => {}
                _ => break,
            }
            seen.push(byte);
            self.consume();
        }
        self.ahead = seen;
        Ok(false)
    }

    /// Reads the next element of the array. After the last one, the array ends. What is not an object is an event too, and
    /// is refused as one.
    pub(super) fn next_element(&mut self) -> io::Result<()> {
        let (mut text, mut line) = (Vec::new(), self.line);
        let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
        while let Some(byte) = self.peek()? {
            let is_outside = depth == 0 && !in_string;
            if is_outside && byte == b']' {
                self.push(text.trim_ascii_end(), Some(line));
                self.consume();
                return self.end_array();
            }
            if text.is_empty() {
                line = self.line + u64::from(byte == b'\n');
            }
            self.line += u64::from(byte == b'\n');
            self.consume();
            if is_outside && byte == b',' {
                self.push(text.trim_ascii_end(), Some(line));
                return Ok(());
            }
            if text.is_empty() && byte.is_ascii_whitespace() {
                continue;
            }
            text.push(byte);
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => depth -= 1,
                _ => {}
            }
            // An object ends by itself, also where the comma after it is missing.
            let is_whole = byte == b'}' && depth == 0 && !in_string;
            if is_whole || text.len() > BATCH_BYTES_MAX {
                self.push(text.trim_ascii_end(), Some(line));
                return Ok(());
            }
        }
        self.is_in_array = false;
        self.push(text.trim_ascii_end(), Some(line));
        self.is_cut_off = true;
        Ok(())
    }

    /// Ends the array. Blanks up to the end of its line belong to it.
    fn end_array(&mut self) -> io::Result<()> {
        self.is_in_array = false;
        while let Some(byte) = self.peek()? {
            match byte {
                b'\n' => {
                    self.consume();
                    return Ok(());
                }
                byte if byte.is_ascii_whitespace() => self.consume(),
                _ => {
                    self.line -= 1;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        Ok(self.reader.fill_buf()?.first().copied())
    }

    fn consume(&mut self) {
        self.reader.consume(1);
        self.read_bytes += 1;
    }
}
