//! What a `{...}` or `[...]` of the text is: an answer, perhaps in one level of wrapping, or something else.
//!
//! Never: opens a second level of wrapping, or searches an object for an answer deeper in it.

use super::cursor::{TextCursor, is_punctuation};
use super::error::SyntaxFault;
use super::fields::{has_duplicate_key, is_number_like, is_number_like_text, parse_score, record_key_forms};
use super::json::{ParseStop, Parsed, Quote, ReplyMember, ReplyObject, ReplyValue, is_key, is_number, parse};
use super::repair::{Repair, Repairs};

/// What a candidate is.
pub(super) enum ReplyCandidate {
    /// An object whose `risk_score` has a number in it.
    Answer(AnswerObject),
    /// Something that is not valid JSON: the fault, and what its `risk_score` is.
    Malformed(SyntaxFault, MalformedScore),
    /// An object whose `risk_score` has no number in it, as in a template that the model repeats.
    Template,
    /// An object with an `explanation` or `recommendations`, but without a `risk_score`.
    WithoutScore,
    /// Any other JSON, which counts as prose.
    Other,
    /// An array with an answer and other items.
    SeveralAnswers,
    /// The text ends before the candidate is closed.
    Truncated,
}

/// An answer whose values are not yet checked.
pub(super) struct AnswerObject {
    pub(super) object: ReplyObject,
    pub(super) repairs: Repairs,
    /// Whether a string of the candidate, at any depth, is not valid text.
    pub(super) has_invalid_text: bool,
}

/// What the `risk_score` of a malformed candidate is. Of several, the last in this order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum MalformedScore {
    /// There is no `risk_score`, so the candidate is prose in braces.
    Missing,
    /// Words without a number, as in a template.
    Template,
    /// Text with a number in it that is not a score: `72 or so`, `+72`.
    Invalid,
    /// A score. The fault is elsewhere.
    Valid,
}

/// The keys of an envelope: an object with one key, whose value is an answer.
const ENVELOPE_KEYS: [&str; 7] = ["result", "response", "answer", "output", "data", "insight", "json"];

/// The keys of a tool call whose value is its arguments.
const ARGUMENT_KEYS: [&str; 3] = ["arguments", "input", "parameters"];

impl ReplyCandidate {
    /// Reads the candidate whose first brace or bracket is at the cursor. `may_unwrap` allows one level of wrapping.
    pub(super) fn read(cursor: &mut TextCursor<'_>, may_unwrap: bool) -> Self {
        let start = cursor.position();
        match parse(cursor) {
            Ok(Parsed { value: ReplyValue::Object(object), repairs, has_invalid_text }) => {
                Self::of_object(AnswerObject { object, repairs, has_invalid_text }, may_unwrap, cursor)
            }
            Ok(Parsed { value: ReplyValue::List(items), repairs, has_invalid_text }) => {
                Self::of_list(items, repairs, has_invalid_text, may_unwrap, cursor)
            }
            Ok(_) => Self::Other,
            Err(ParseStop::End) => Self::Truncated,
            Err(ParseStop::Fault(fault)) => {
                cursor.go_to(start);
                match skip_malformed(cursor) {
                    None => Self::Truncated,
                    Some(score) => Self::Malformed(fault, score),
                }
            }
        }
    }

    fn of_object(answer: AnswerObject, may_unwrap: bool, cursor: &mut TextCursor<'_>) -> Self {
        let AnswerObject { object, mut repairs, has_invalid_text } = answer;
        if object.get("risk_score").is_some() {
            return if object.all("risk_score").any(is_number_like) {
                Self::Answer(AnswerObject { object, repairs, has_invalid_text })
            } else {
                Self::Template
            };
        }
        if may_unwrap && let Some(inner) = wrapped(&object) {
            repairs.record(Repair::Wrapper);
            record_key_forms(&object, &ENVELOPE_KEYS, &mut repairs);
            record_key_forms(&object, &ARGUMENT_KEYS, &mut repairs);
            return match inner {
                ReplyValue::Object(inner) => {
                    let inner = AnswerObject { object: inner.clone(), repairs, has_invalid_text };
                    Self::of_object(inner, false, cursor)
                }
                ReplyValue::Text(text) => Self::of_text(text, repairs, has_invalid_text, cursor),
                ReplyValue::Null
                | ReplyValue::Bool(_)
                | ReplyValue::Number(_)
                | ReplyValue::InvalidText
                | ReplyValue::List(_) => Self::Other,
            };
        }
        if object.get("explanation").is_some() || object.get("recommendations").is_some() {
            Self::WithoutScore
        } else {
            Self::Other
        }
    }

    /// An array of one object is unwrapped. An array of several items is not, even if they are equal.
    fn of_list(
        items: Vec<ReplyValue>,
        repairs: Repairs,
        has_invalid_text: bool,
        may_unwrap: bool,
        cursor: &mut TextCursor<'_>,
    ) -> Self {
        let several = items.len() > 1;
        if !may_unwrap && !several {
            return Self::Other;
        }
        let mut found = Self::Other;
        for item in items {
            let ReplyValue::Object(object) = item else { continue };
            let mut repairs = repairs;
            repairs.record(Repair::Wrapper);
            let candidate =
                Self::of_object(AnswerObject { object, repairs, has_invalid_text }, false, cursor);
            if several && matches!(candidate, Self::Answer(_)) {
                return Self::SeveralAnswers;
            }
            if !matches!(candidate, Self::Other) {
                found = candidate;
            }
        }
        found
    }

    /// Reads the arguments of a tool call that are a string: exactly one object, with nothing around it. `repairs` and
    /// `has_invalid_text` are those of the text around the string, in which `cursor` counts the steps.
    pub(super) fn of_text(
        text: &str,
        repairs: Repairs,
        has_invalid_text: bool,
        cursor: &mut TextCursor<'_>,
    ) -> Self {
        let mut inner = TextCursor::new(text);
        inner.eat_space();
        let mut candidate = match inner.peek() {
            Some(b'{') => Self::read(&mut inner, false),
            _ => Self::Other,
        };
        inner.eat_space();
        cursor.add_steps(inner.steps());
        if let Self::Answer(answer) = &mut candidate {
            if inner.peek().is_some() {
                return Self::Other;
            }
            answer.repairs.merge(repairs);
            answer.has_invalid_text |= has_invalid_text;
        }
        candidate
    }
}

/// The value that an object wraps: that of an envelope's one key, or the arguments of a tool call. The other members
/// of a tool call are neither arrays nor objects, and none of its keys has two values.
fn wrapped(object: &ReplyObject) -> Option<&ReplyValue> {
    let is_any = |key: &str, names: &[&str]| names.iter().any(|name| is_key(key, name));
    if let [ReplyMember { key, value: value @ ReplyValue::Object(_) }] = object.0.as_slice()
        && is_any(key, &ENVELOPE_KEYS)
    {
        return Some(value);
    }
    let (arguments, others): (Vec<_>, Vec<_>) =
        object.0.iter().partition(|member| is_any(&member.key, &ARGUMENT_KEYS));
    let [ReplyMember { value, .. }] = arguments.as_slice() else { return None };
    let is_call =
        others.iter().all(|member| !matches!(member.value, ReplyValue::List(_) | ReplyValue::Object(_)));
    (is_call && !has_duplicate_key(object)).then_some(value)
}

/// Steps over a malformed candidate and returns what its `risk_score` is. `None` if the text ends before the
/// candidate is balanced.
///
/// Braces balance a candidate that begins with a brace. Brackets count as well for one that begins with a bracket. A
/// quote opens a string only where a value or key can begin, so that neither an apostrophe nor an unescaped inner
/// quote hides the rest.
fn skip_malformed(cursor: &mut TextCursor<'_>) -> Option<MalformedScore> {
    let brackets = cursor.peek() == Some(b'[');
    let mut reader = MalformedReader {
        cursor,
        previous: b',',
        last: "",
        score_words: None,
        score: MalformedScore::Missing,
    };
    let mut depth = 0_usize;
    loop {
        match reader.next()? {
            b'{' => depth += 1,
            b'[' if brackets => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b']' if brackets => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return Some(reader.score);
        }
    }
}

struct MalformedReader<'c, 't> {
    cursor: &'c mut TextCursor<'t>,
    /// The previous token: its byte of punctuation, or 0 for a string or word.
    previous: u8,
    /// The last string or word. It is a key if a colon follows.
    last: &'t str,
    /// The words so far of the `risk_score` at the cursor, each after a space.
    score_words: Option<String>,
    score: MalformedScore,
}

impl MalformedReader<'_, '_> {
    /// Steps over one token. Returns its byte of punctuation, or 0 for a string or word.
    fn next(&mut self) -> Option<u8> {
        self.cursor.eat_space();
        while self.cursor.eat_comment() {
            self.cursor.eat_space();
        }
        let byte = self.cursor.peek()?;
        if is_punctuation(byte) {
            self.end_score();
            self.cursor.advance(1);
            if byte == b':' && is_key(self.last.trim_matches(['"', '\'', '`']), "risk_score") {
                self.score_words = Some(String::new());
            }
            self.previous = byte;
            return Some(byte);
        }
        let quote = Quote::at(self.cursor);
        if let Some(quote) = quote.filter(|_| matches!(self.previous, b'{' | b'[' | b',' | b':')) {
            self.last = quote.skip(self.cursor)?;
            if self.score_words.take().is_some() {
                self.classify(self.last, parse_score(self.last).is_some());
            }
        } else {
            if quote.is_some() {
                // A quote here most often begins the next key, after a missing comma.
                self.end_score();
            }
            let start = self.cursor.position();
            self.cursor.eat_char();
            self.cursor.eat_word();
            self.cursor.eat("\"");
            self.last = self.cursor.text_from(start);
            if let Some(words) = &mut self.score_words {
                words.push(' ');
                words.push_str(self.last);
            }
        }
        self.previous = 0;
        Some(0)
    }

    fn end_score(&mut self) {
        if let Some(words) = self.score_words.take() {
            let score = words.trim();
            self.classify(score, is_number(score));
        }
    }

    fn classify(&mut self, score: &str, is_valid: bool) {
        let class = match (is_valid, is_number_like_text(score)) {
            (true, _) => MalformedScore::Valid,
            (false, true) => MalformedScore::Invalid,
            (false, false) => MalformedScore::Template,
        };
        self.score = self.score.max(class);
    }
}
