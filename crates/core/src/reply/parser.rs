//! One tolerant parser of JSON, which notes what it tolerates.
//!
//! Takes: a cursor at the first byte of a value.
//! Gives: the value with the cursor behind it, or why there is none.
//! Never: closes anything, inserts a comma, a colon or a value, or reads a bare word as a text.

use super::cursor::TextCursor;
use super::repair::{Repair, Repairs};
use super::string::{ParseStop, Quote};
use super::unusable::SyntaxFault;
use super::value::{ReplyMember, ReplyObject, ReplyValue};
use crate::limits::REPLY_DEPTH_MAX;

/// A value that has been read whole.
pub(super) struct Parsed {
    pub(super) value: ReplyValue,
    pub(super) repairs: Repairs,
    /// Whether some string in it, a key or a value at any depth, can be no text.
    pub(super) unfit: bool,
}

/// Reads one value.
pub(super) fn parse(cursor: &mut TextCursor<'_>) -> Result<Parsed, ParseStop> {
    let mut parser = Parser { cursor, repairs: Repairs::default(), unfit: false };
    let value = parser.value(0)?;
    Ok(Parsed { value, repairs: parser.repairs, unfit: parser.unfit })
}

struct Parser<'c, 't> {
    cursor: &'c mut TextCursor<'t>,
    repairs: Repairs,
    unfit: bool,
}

impl Parser<'_, '_> {
    /// `depth` is the number of open braces and brackets. It bounds the recursion.
    fn value(&mut self, depth: usize) -> Result<ReplyValue, ParseStop> {
        match self.next()? {
            b'{' | b'[' if depth >= REPLY_DEPTH_MAX => Err(ParseStop::Fault(SyntaxFault::Depth)),
            b'{' => self.object(depth + 1).map(ReplyValue::Object),
            b'[' => self.list(depth + 1).map(ReplyValue::List),
            _ => match Quote::at(self.cursor) {
                Some(quote) => Ok(self.string(quote)?.map_or(ReplyValue::Unfit, ReplyValue::Text)),
                None => self.word(),
            },
        }
    }

    fn object(&mut self, depth: usize) -> Result<ReplyObject, ParseStop> {
        self.cursor.pass(1);
        let mut members = Vec::new();
        while !self.closes(b'}', members.is_empty())? {
            let key = self.key()?;
            if self.next()? != b':' {
                return Err(ParseStop::Fault(SyntaxFault::Colon));
            }
            self.cursor.pass(1);
            let value = self.value(depth)?;
            members.push(ReplyMember { key, value });
        }
        Ok(ReplyObject(members))
    }

    fn list(&mut self, depth: usize) -> Result<Vec<ReplyValue>, ParseStop> {
        self.cursor.pass(1);
        let mut items = Vec::new();
        while !self.closes(b']', items.is_empty())? {
            items.push(self.value(depth)?);
        }
        Ok(items)
    }

    /// Steps over the closing brace or bracket, or else over the comma that the next member or item needs.
    fn closes(&mut self, close: u8, first: bool) -> Result<bool, ParseStop> {
        let comma = !first && self.next()? == b',';
        if comma {
            self.cursor.pass(1);
        }
        let closes = self.next()? == close;
        if closes {
            self.cursor.pass(1);
            if comma {
                self.repairs.note(Repair::TrailingComma);
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
        self.repairs.note(Repair::BareKey);
        Ok(name.to_owned())
    }

    fn string(&mut self, quote: &Quote) -> Result<Option<String>, ParseStop> {
        let text = quote.read(self.cursor, &mut self.repairs)?;
        self.unfit |= text.is_none();
        Ok(text)
    }

    fn word(&mut self) -> Result<ReplyValue, ParseStop> {
        let word = self.cursor.word();
        let (value, literal) = match word {
            "null" => (ReplyValue::Null, false),
            "true" => (ReplyValue::Bool(true), false),
            "false" => (ReplyValue::Bool(false), false),
            "None" | "undefined" => (ReplyValue::Null, true),
            "True" => (ReplyValue::Bool(true), true),
            "False" => (ReplyValue::Bool(false), true),
            _ if is_number(word) => (ReplyValue::Number(number(word)), false),
            _ => return Err(ParseStop::Fault(SyntaxFault::Value)),
        };
        if literal {
            self.repairs.note(Repair::Literal);
        }
        Ok(value)
    }

    /// The next byte that is neither white space nor comment.
    fn next(&mut self) -> Result<u8, ParseStop> {
        self.cursor.space();
        while self.cursor.comment() {
            self.repairs.note(Repair::Comment);
            self.cursor.space();
        }
        self.cursor.peek().ok_or(ParseStop::End)
    }
}

/// Whether a word is a number of JSON: no plus, no leading zero, no bare point, no `0x`, no `_`.
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

/// The value of digits with perhaps a sign, a point and an exponent: an infinity if it is too large, and still
/// not zero if it is too small, so that neither passes for a score.
pub(super) fn number(digits: &str) -> f64 {
    let value: f64 = digits.parse().unwrap_or(f64::INFINITY);
    let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
    if value == 0.0 && mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        return f64::MIN_POSITIVE.copysign(value);
    }
    // Adding zero turns minus zero into zero and leaves every other number alone.
    value + 0.0
}
