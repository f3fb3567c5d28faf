//! A tolerant JSON parser that records its repairs.
//!
//! Never: closes anything, inserts a comma, a colon or a value, reads a bare word as text, ends a string at a quote that
//! does not match its first, or joins two strings.

use super::cursor::TextCursor;
use super::error::SyntaxFault;
use super::repair::{Repair, Repairs};
use crate::limits::REPLY_DEPTH_MAX;

/// A complete value, with the repairs that it needed.
pub(super) struct Parsed {
    pub(super) value: ReplyValue,
    pub(super) repairs: Repairs,
    /// Whether a string in it, a key or a value at any depth, is not valid text.
    pub(super) has_invalid_text: bool,
}

/// A JSON value as a model wrote it. The parser bounds its depth, so it can be compared and dropped on any stack.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ReplyValue {
    Null,
    Bool(bool),
    /// Never NaN. A number that is too large is an infinity.
    Number(f64),
    Text(String),
    /// A string with a NUL or half of a surrogate pair.
    InvalidText,
    List(Vec<ReplyValue>),
    Object(ReplyObject),
}

/// The members of an object in their order, with every one of those that share a key.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ReplyObject(pub(super) Vec<ReplyMember>);

/// A key as it was written, and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ReplyMember {
    pub(super) key: String,
    pub(super) value: ReplyValue,
}

/// Why the parser stopped before the end of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ParseStop {
    /// The text ends first.
    End,
    /// The value is not JSON, and no repair makes it JSON.
    Fault(SyntaxFault),
}

/// Reads one value, and moves the cursor past it.
pub(super) fn parse(cursor: &mut TextCursor<'_>) -> Result<Parsed, ParseStop> {
    let mut parser = Parser { cursor, repairs: Repairs::default(), has_invalid_text: false };
    let value = parser.value(0)?;
    Ok(Parsed { value, repairs: parser.repairs, has_invalid_text: parser.has_invalid_text })
}

impl ReplyObject {
    /// The first member with the key `name` in any form.
    pub(super) fn get(&self, name: &str) -> Option<&ReplyValue> {
        self.all(name).next()
    }

    /// All members with the key `name` in any form.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &ReplyValue> {
        self.0.iter().filter(move |member| is_key(&member.key, name)).map(|member| &member.value)
    }
}

/// Whether a key is the key `name` in any form.
pub(super) fn is_key(written: &str, name: &str) -> bool {
    key_letters(written).eq(key_letters(name))
}

/// A key without case, `_`, `-` and space. Two keys with the same letters are the same key.
pub(super) fn key_letters(key: &str) -> impl Iterator<Item = char> {
    key.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).map(|c| c.to_ascii_lowercase())
}

struct Parser<'c, 't> {
    cursor: &'c mut TextCursor<'t>,
    repairs: Repairs,
    has_invalid_text: bool,
}

impl Parser<'_, '_> {
    /// Reads a value within `depth` open braces and brackets. The depth bounds the recursion.
    fn value(&mut self, depth: usize) -> Result<ReplyValue, ParseStop> {
        match self.next()? {
            b'{' | b'[' if depth >= REPLY_DEPTH_MAX => Err(ParseStop::Fault(SyntaxFault::Depth)),
            b'{' => self.object(depth + 1).map(ReplyValue::Object),
            b'[' => self.list(depth + 1).map(ReplyValue::List),
            _ => match Quote::at(self.cursor) {
                Some(quote) => Ok(self.string(quote)?.map_or(ReplyValue::InvalidText, ReplyValue::Text)),
                None => self.word(),
            },
        }
    }

    fn object(&mut self, depth: usize) -> Result<ReplyObject, ParseStop> {
        self.cursor.advance(1);
        let mut members = Vec::new();
        while !self.eat_close_or_comma(b'}', members.is_empty())? {
            let key = self.key()?;
            if self.next()? != b':' {
                return Err(ParseStop::Fault(SyntaxFault::Colon));
            }
            self.cursor.advance(1);
            let value = self.value(depth)?;
            members.push(ReplyMember { key, value });
        }
        Ok(ReplyObject(members))
    }

    fn list(&mut self, depth: usize) -> Result<Vec<ReplyValue>, ParseStop> {
        self.cursor.advance(1);
        let mut items = Vec::new();
        while !self.eat_close_or_comma(b']', items.is_empty())? {
            items.push(self.value(depth)?);
        }
        Ok(items)
    }

    /// Steps over the closing brace or bracket, or else over the comma before the next member or item. Returns
    /// whether it was the closing one.
    fn eat_close_or_comma(&mut self, close: u8, first: bool) -> Result<bool, ParseStop> {
        let comma = !first && self.next()? == b',';
        if comma {
            self.cursor.advance(1);
        }
        let closes = self.next()? == close;
        if closes {
            self.cursor.advance(1);
            if comma {
                self.repairs.record(Repair::TrailingComma);
            }
        } else if !first && !comma {
            return Err(ParseStop::Fault(SyntaxFault::Comma));
        }
        Ok(closes)
    }

    fn key(&mut self) -> Result<String, ParseStop> {
        if let Some(quote) = Quote::at(self.cursor) {
            return Ok(self.string(quote)?.unwrap_or_default());
        }
        let name = self.cursor.eat_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'));
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(ParseStop::Fault(SyntaxFault::Key));
        }
        self.repairs.record(Repair::BareKey);
        Ok(name.to_owned())
    }

    fn string(&mut self, quote: &Quote) -> Result<Option<String>, ParseStop> {
        let text = quote.read(self.cursor, &mut self.repairs)?;
        self.has_invalid_text |= text.is_none();
        Ok(text)
    }

    fn word(&mut self) -> Result<ReplyValue, ParseStop> {
        let word = self.cursor.eat_word();
        let (value, repaired) = match word {
            "null" => (ReplyValue::Null, false),
            "true" => (ReplyValue::Bool(true), false),
            "false" => (ReplyValue::Bool(false), false),
            "None" | "undefined" => (ReplyValue::Null, true),
            "True" => (ReplyValue::Bool(true), true),
            "False" => (ReplyValue::Bool(false), true),
            _ if is_number(word) => (ReplyValue::Number(parse_number(word)), false),
            _ => return Err(ParseStop::Fault(SyntaxFault::Value)),
        };
        if repaired {
            self.repairs.record(Repair::Literal);
        }
        Ok(value)
    }

    /// The next byte that is not part of white space or a comment.
    fn next(&mut self) -> Result<u8, ParseStop> {
        self.cursor.eat_space();
        while self.cursor.eat_comment() {
            self.repairs.record(Repair::Comment);
            self.cursor.eat_space();
        }
        self.cursor.peek().ok_or(ParseStop::End)
    }
}

/// Whether a word is a JSON number: no plus, no leading zero, no bare point, no `0x`, no `_`.
pub(super) fn is_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = word.strip_prefix('-').unwrap_or(word);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && digits(fraction)
        && digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
}

/// The value of a JSON number. One that is too large is an infinity, and one that is too small is not zero, so that
/// neither becomes a valid score.
pub(super) fn parse_number(number: &str) -> f64 {
    let value: f64 = number.parse().unwrap_or(f64::INFINITY);
    let mantissa = number.split(['e', 'E']).next().unwrap_or_default();
    if value == 0.0 && mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        return f64::MIN_POSITIVE.copysign(value);
    }
    // Adding zero turns minus zero into zero and changes no other number.
    value + 0.0
}

/// A pair of quotes. All closing quotes of a pair begin with the same byte.
pub(super) struct Quote {
    open: &'static str,
    close: &'static [&'static str],
    close_byte: u8,
}

const DOUBLE: Quote = Quote { open: "\"", close: &["\""], close_byte: b'"' };

/// The first byte of every typographic quote in UTF-8.
const TYPOGRAPHIC: u8 = 0xE2;

/// ASCII quotes, English quotes, quotes that are closed as they are opened, and German and Polish low quotes.
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
    /// The quote that opens a string at the cursor.
    pub(super) fn at(cursor: &TextCursor<'_>) -> Option<&'static Self> {
        let first = cursor.peek().filter(|byte| matches!(byte, b'"' | b'\'' | b'`' | &TYPOGRAPHIC))?;
        QUOTES.iter().find(|quote| {
            quote.open.as_bytes().first() == Some(&first) && cursor.rest().starts_with(quote.open)
        })
    }

    /// Reads the string at the cursor and unescapes it. `None` if it has a NUL or half of a surrogate pair.
    pub(super) fn read(
        &self,
        cursor: &mut TextCursor<'_>,
        repairs: &mut Repairs,
    ) -> Result<Option<String>, ParseStop> {
        if self.open != DOUBLE.open {
            repairs.record(Repair::Quotes);
        }
        cursor.advance(self.open.len());
        let mut text = Some(String::new());
        loop {
            push(
                &mut text,
                cursor.eat_while(|byte| byte != self.close_byte && byte != b'\\' && byte >= b' '),
            );
            match cursor.peek() {
                None => return Err(ParseStop::End),
                Some(b'\\') => match unescape(cursor, repairs)? {
                    Some(c) => push(&mut text, c.encode_utf8(&mut [0; 4])),
                    None => text = None,
                },
                Some(0) => {
                    text = None;
                    cursor.advance(1);
                }
                Some(b'\n' | b'\r' | b'\t') => {
                    repairs.record(Repair::RawControl);
                    push(&mut text, cursor.eat_while(|byte| matches!(byte, b'\n' | b'\r' | b'\t')));
                }
                Some(byte) if byte < b' ' => return Err(ParseStop::Fault(SyntaxFault::Control)),
                Some(_) => {
                    if self.close.iter().any(|close| cursor.eat(close)) {
                        return Ok(text);
                    }
                    let start = cursor.position();
                    cursor.eat_char();
                    push(&mut text, cursor.text_from(start));
                }
            }
        }
    }

    /// Steps over the string at the cursor and returns the text between its quotes with all escapes. `None` if the
    /// text ends first.
    pub(super) fn skip<'t>(&self, cursor: &mut TextCursor<'t>) -> Option<&'t str> {
        cursor.advance(self.open.len());
        let start = cursor.position();
        loop {
            cursor.eat_while(|byte| byte != self.close_byte && byte != b'\\');
            let content = cursor.text_from(start);
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

/// The character that an escape means. `None` for a NUL or half of a surrogate pair.
fn unescape(cursor: &mut TextCursor<'_>, repairs: &mut Repairs) -> Result<Option<char>, ParseStop> {
    cursor.advance(1);
    let c = match cursor.eat_char().ok_or(ParseStop::End)? {
        c @ ('"' | '\\' | '/') => c,
        'b' => '\u{8}',
        'f' => '\u{C}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unescape_unicode(cursor),
        '\'' => {
            repairs.record(Repair::Escape);
            '\''
        }
        _ => return Err(ParseStop::Fault(SyntaxFault::Escape)),
    };
    Ok(Some(c))
}

/// The character of one `\uXXXX`, or of two that are a surrogate pair. The cursor is past the first `\u`.
fn unescape_unicode(cursor: &mut TextCursor<'_>) -> Result<Option<char>, ParseStop> {
    let first = utf16_unit(cursor)?;
    let high = (0xD800..0xDC00).contains(&first);
    if high && cursor.eat("\\u") {
        let second = utf16_unit(cursor)?;
        return Ok(char::decode_utf16([first, second]).next().and_then(Result::ok));
    }
    Ok(char::from_u32(first.into()).filter(|c| *c != '\0'))
}

/// The UTF-16 unit of four hexadecimal digits.
fn utf16_unit(cursor: &mut TextCursor<'_>) -> Result<u16, ParseStop> {
    // `from_str_radix` alone would also take a sign.
    let digits = cursor.rest().get(..4).filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
    cursor.advance(if unit.is_some() { 4 } else { 0 });
    unit.ok_or(ParseStop::Fault(SyntaxFault::Escape))
}
