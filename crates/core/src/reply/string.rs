//! Strings: the quotes that delimit one, and the text within.
//!
//! Takes: a cursor at an opening quote.
//! Gives: the unescaped text, with notes of other quotes, raw line breaks and `\'`.
//! Never: ends a string at a quote that does not match its first, mends an inner quote, or joins two strings.

use super::cursor::TextCursor;
use super::repair::{Repair, Repairs};
use super::unusable::SyntaxFault;

/// Why the reading of a candidate stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParseStop {
    /// The text ends first.
    End,
    /// It is no JSON, and no repair makes it so.
    Fault(SyntaxFault),
}

/// A pair of quotes. All that close it begin with the same byte.
pub(super) struct Quote {
    open: &'static str,
    close: &'static [&'static str],
    close_byte: u8,
}

const DOUBLE: Quote = Quote { open: "\"", close: &["\""], close_byte: b'"' };

/// Typographic closing quotes all begin with this byte in UTF-8.
const TYPOGRAPHIC: u8 = 0xE2;

/// English quotes, those closed as they are opened, and German and Polish low ones.
const QUOTES: [Quote; 9] = [
    DOUBLE,
    Quote { open: "'", close: &["'"], close_byte: b'\'' },
    Quote { open: "`", close: &["`"], close_byte: b'`' },
    Quote { open: "“", close: &["”"], close_byte: TYPOGRAPHIC },
    Quote { open: "”", close: &["”"], close_byte: TYPOGRAPHIC },
    Quote { open: "„", close: &["“", "”"], close_byte: TYPOGRAPHIC },
    Quote { open: "‘", close: &["’"], close_byte: TYPOGRAPHIC },
    Quote { open: "’", close: &["’"], close_byte: TYPOGRAPHIC },
    Quote { open: "‚", close: &["‘", "’"], close_byte: TYPOGRAPHIC },
];

impl Quote {
    /// The quote that opens a string here.
    pub(super) fn at(cursor: &TextCursor<'_>) -> Option<&'static Self> {
        let first = cursor.peek().filter(|byte| matches!(byte, b'"' | b'\'' | b'`' | &TYPOGRAPHIC))?;
        QUOTES.iter().find(|quote| {
            quote.open.as_bytes().first() == Some(&first) && cursor.rest().starts_with(quote.open)
        })
    }

    /// Reads the string. `None` stands for one that holds a NUL or half of a surrogate pair.
    pub(super) fn read(
        &self,
        cursor: &mut TextCursor<'_>,
        repairs: &mut Repairs,
    ) -> Result<Option<String>, ParseStop> {
        if self.open != DOUBLE.open {
            repairs.note(Repair::Quotes);
        }
        cursor.pass(self.open.len());
        let mut text = Some(String::new());
        loop {
            push(
                &mut text,
                cursor.eat_while(|byte| byte != self.close_byte && byte != b'\\' && byte >= b' '),
            );
            match cursor.peek() {
                None => return Err(ParseStop::End),
                Some(b'\\') => match escape(cursor, repairs)? {
                    Some(c) => push(&mut text, c.encode_utf8(&mut [0; 4])),
                    None => text = None,
                },
                Some(0) => {
                    text = None;
                    cursor.pass(1);
                }
                Some(b'\n' | b'\r' | b'\t') => {
                    repairs.note(Repair::RawControl);
                    push(&mut text, cursor.eat_while(|byte| matches!(byte, b'\n' | b'\r' | b'\t')));
                }
                Some(byte) if byte < b' ' => return Err(ParseStop::Fault(SyntaxFault::Control)),
                Some(_) => {
                    if self.close.iter().any(|close| cursor.eat(close)) {
                        return Ok(text);
                    }
                    let start = cursor.at();
                    cursor.eat_char();
                    push(&mut text, cursor.since(start));
                }
            }
        }
    }

    /// Steps over the string and gives what stands between its quotes, escapes and all. `None` if the text ends.
    pub(super) fn skip<'t>(&self, cursor: &mut TextCursor<'t>) -> Option<&'t str> {
        cursor.pass(self.open.len());
        let start = cursor.at();
        loop {
            cursor.eat_while(|byte| byte != self.close_byte && byte != b'\\');
            let content = cursor.since(start);
            if self.close.iter().any(|close| cursor.eat(close)) {
                return Some(content);
            }
            if cursor.eat_char()? == '\\' {
                cursor.eat_char()?;
            }
        }
    }
}

fn push(text: &mut Option<String>, piece: &str) {
    if let Some(text) = text {
        text.push_str(piece);
    }
}

/// The character that an escape stands for; `None` for a NUL or half of a surrogate pair.
fn escape(cursor: &mut TextCursor<'_>, repairs: &mut Repairs) -> Result<Option<char>, ParseStop> {
    cursor.pass(1);
    let c = match cursor.eat_char().ok_or(ParseStop::End)? {
        c @ ('"' | '\\' | '/') => c,
        'b' => '\u{8}',
        'f' => '\u{C}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unicode(cursor),
        '\'' => {
            repairs.note(Repair::Escape);
            '\''
        }
        _ => return Err(ParseStop::Fault(SyntaxFault::Escape)),
    };
    Ok(Some(c))
}

/// The character of `\uXXXX`, or of two of them that make a surrogate pair.
fn unicode(cursor: &mut TextCursor<'_>) -> Result<Option<char>, ParseStop> {
    let first = unit(cursor).ok_or(ParseStop::Fault(SyntaxFault::Escape))?;
    let high = (0xD800..0xDC00).contains(&first);
    if high && cursor.eat("\\u") {
        let second = unit(cursor).ok_or(ParseStop::Fault(SyntaxFault::Escape))?;
        return Ok(char::decode_utf16([first, second]).next().and_then(Result::ok));
    }
    Ok(char::from_u32(first.into()).filter(|c| *c != '\0'))
}

/// Four hexadecimal digits.
fn unit(cursor: &mut TextCursor<'_>) -> Option<u16> {
    let digits = cursor.rest().get(..4)?;
    // `from_str_radix` alone would also take a sign.
    let unit =
        digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16))?.ok()?;
    cursor.pass(4);
    Some(unit)
}
