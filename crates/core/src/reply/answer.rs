//! Which objects are answers, and the one level of wrapping that is opened to find one.
//!
//! Takes: an object that stands in the text.
//! Gives: a [`Candidate`]: an answer, or what else the object is.
//! Never: opens a second level, or looks for an answer deeper in an object.

use super::cursor::TextCursor;
use super::fields::note_key_forms;
use super::parser::{Parsed, parse};
use super::repair::{Repair, Repairs};
use super::score::is_number_like;
use super::skim::{MalformedScore, skim};
use super::string::ParseStop;
use super::unusable::SyntaxFault;
use super::value::{ReplyMember, ReplyObject, ReplyValue, is_key};

/// What an object of the text is.
pub(super) enum Candidate {
    /// An object with a `risk_score` that says a number.
    Answer(AnswerObject),
    /// A candidate that cannot be parsed, why, and what stands under its `risk_score`.
    Malformed(SyntaxFault, MalformedScore),
    /// An object with a `risk_score` that is a template's words.
    Echo,
    /// An object with an `explanation` or `recommendations` alone.
    Partial,
    /// Anything else, which is prose.
    Other,
    /// Several answers in one list. Which of them is meant is not for a reader to say.
    Several,
    /// The text ends before it does.
    Cut,
}

/// An answer, not yet checked.
pub(super) struct AnswerObject {
    pub(super) object: ReplyObject,
    pub(super) repairs: Repairs,
    pub(super) unfit: bool,
}

/// The keys of an object with one key that holds an answer.
const ENVELOPES: [&str; 7] = ["result", "response", "answer", "output", "data", "insight", "json"];

/// The keys of a tool call that hold its arguments.
const ARGUMENTS: [&str; 2] = ["arguments", "input"];

/// Reads the candidate that begins at the cursor with a brace or a bracket. `may_open` allows one wrapping.
pub(super) fn read(cursor: &mut TextCursor<'_>, may_open: bool) -> Candidate {
    let start = cursor.at();
    match parse(cursor) {
        Ok(Parsed { value: ReplyValue::Object(object), repairs, unfit }) => {
            judge(AnswerObject { object, repairs, unfit }, may_open, cursor)
        }
        Ok(Parsed { value: ReplyValue::List(items), repairs, unfit }) => {
            judge_list(items, repairs, unfit, may_open, cursor)
        }
        Ok(_) => Candidate::Other,
        Err(ParseStop::End) => Candidate::Cut,
        Err(ParseStop::Fault(fault)) => {
            cursor.go_to(start);
            match skim(cursor) {
                None => Candidate::Cut,
                Some(sight) => Candidate::Malformed(fault, sight),
            }
        }
    }
}

fn judge(answer: AnswerObject, may_open: bool, cursor: &mut TextCursor<'_>) -> Candidate {
    let AnswerObject { object, mut repairs, unfit } = answer;
    if object.get("risk_score").is_some() {
        return if object.all("risk_score").any(is_number_like) {
            Candidate::Answer(AnswerObject { object, repairs, unfit })
        } else {
            Candidate::Echo
        };
    }
    if may_open && let Some(inside) = wrapped(&object) {
        repairs.note(Repair::Wrapper);
        note_key_forms(&object, &ENVELOPES, &mut repairs);
        note_key_forms(&object, &ARGUMENTS, &mut repairs);
        return match inside {
            ReplyValue::Object(inside) => {
                judge(AnswerObject { object: inside.clone(), repairs, unfit }, false, cursor)
            }
            ReplyValue::Text(text) => {
                let mut inner = TextCursor::new(text);
                let finding = judge_text(&mut inner, repairs, unfit);
                cursor.count(inner.steps());
                finding
            }
            ReplyValue::Null
            | ReplyValue::Bool(_)
            | ReplyValue::Number(_)
            | ReplyValue::Unfit
            | ReplyValue::List(_) => Candidate::Other,
        };
    }
    if object.get("explanation").is_some() || object.get("recommendations").is_some() {
        Candidate::Partial
    } else {
        Candidate::Other
    }
}

/// A list of one object is opened. One of several is not, even if they are equal.
fn judge_list(
    items: Vec<ReplyValue>,
    repairs: Repairs,
    unfit: bool,
    may_open: bool,
    cursor: &mut TextCursor<'_>,
) -> Candidate {
    let several = items.len() > 1;
    if !may_open && !several {
        return Candidate::Other;
    }
    let mut found = Candidate::Other;
    for item in items {
        let ReplyValue::Object(object) = item else { continue };
        let mut repairs = repairs;
        repairs.note(Repair::Wrapper);
        let finding = judge(AnswerObject { object, repairs, unfit }, false, cursor);
        if several && matches!(finding, Candidate::Answer(_)) {
            return Candidate::Several;
        }
        if !matches!(finding, Candidate::Other) {
            found = finding;
        }
    }
    found
}

/// The arguments of a tool call as a string: exactly one object, with nothing around it.
fn judge_text(inner: &mut TextCursor<'_>, outer: Repairs, unfit: bool) -> Candidate {
    inner.space();
    if inner.peek() != Some(b'{') {
        return Candidate::Other;
    }
    let finding = read(inner, false);
    inner.space();
    let Candidate::Answer(mut answer) = finding else { return finding };
    if inner.peek().is_some() {
        return Candidate::Other;
    }
    answer.repairs.merge(outer);
    answer.unfit |= unfit;
    Candidate::Answer(answer)
}

/// What the object wraps: the value under an envelope's one key, or a tool call's arguments, beside which stand
/// only names and numbers.
fn wrapped(object: &ReplyObject) -> Option<&ReplyValue> {
    let is_any = |key: &str, names: &[&str]| names.iter().any(|name| is_key(key, name));
    if let [ReplyMember { key, value: value @ ReplyValue::Object(_) }] = object.0.as_slice()
        && is_any(key, &ENVELOPES)
    {
        return Some(value);
    }
    let (arguments, others): (Vec<_>, Vec<_>) =
        object.0.iter().partition(|member| is_any(&member.key, &ARGUMENTS));
    let [ReplyMember { value, .. }] = arguments.as_slice() else { return None };
    let is_call =
        others.iter().all(|member| !matches!(member.value, ReplyValue::List(_) | ReplyValue::Object(_)));
    is_call.then_some(value)
}
