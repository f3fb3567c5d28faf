//! Which objects are answers, and the one level of wrapping that is opened to find one.
//!
//! Takes: an object that stands in the text.
//! Gives: a [`Finding`]: an answer, or what else the object is.
//! Never: opens a second level, or looks for an answer deeper in an object.

use super::cursor::Cursor;
use super::fields::note_key_forms;
use super::parser::{Parsed, parse};
use super::repair::{Repair, Repairs};
use super::score::is_number_like;
use super::skim::{Sight, skim};
use super::string::Stop;
use super::unusable::Fault;
use super::value::{Member, Object, Value, is_key};

/// What an object of the text is.
pub(super) enum Finding {
    /// An object with a `risk_score` that says a number.
    Answer(Answer),
    /// A candidate that cannot be parsed, why, and what stands under its `risk_score`.
    Malformed(Fault, Sight),
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
pub(super) struct Answer {
    pub(super) object: Object,
    pub(super) repairs: Repairs,
    pub(super) unfit: bool,
}

/// The keys of an object with one key that holds an answer.
const ENVELOPES: [&str; 7] = ["result", "response", "answer", "output", "data", "insight", "json"];

/// The keys of a tool call that hold its arguments.
const ARGUMENTS: [&str; 2] = ["arguments", "input"];

/// Reads the candidate that begins at the cursor with a brace or a bracket. `may_open` allows one wrapping.
pub(super) fn read(cursor: &mut Cursor<'_>, may_open: bool) -> Finding {
    let start = cursor.at();
    match parse(cursor) {
        Ok(Parsed { value: Value::Object(object), repairs, unfit }) => {
            judge(Answer { object, repairs, unfit }, may_open, cursor)
        }
        Ok(Parsed { value: Value::List(items), repairs, unfit }) => {
            judge_list(items, repairs, unfit, may_open, cursor)
        }
        Ok(_) => Finding::Other,
        Err(Stop::End) => Finding::Cut,
        Err(Stop::Fault(fault)) => {
            cursor.go_to(start);
            match skim(cursor) {
                None => Finding::Cut,
                Some(sight) => Finding::Malformed(fault, sight),
            }
        }
    }
}

fn judge(answer: Answer, may_open: bool, cursor: &mut Cursor<'_>) -> Finding {
    let Answer { object, mut repairs, unfit } = answer;
    if object.get("risk_score").is_some() {
        return if object.all("risk_score").any(is_number_like) {
            Finding::Answer(Answer { object, repairs, unfit })
        } else {
            Finding::Echo
        };
    }
    if may_open && let Some(inside) = wrapped(&object) {
        repairs.note(Repair::Wrapper);
        note_key_forms(&object, &ENVELOPES, &mut repairs);
        note_key_forms(&object, &ARGUMENTS, &mut repairs);
        return match inside {
            Value::Object(inside) => judge(Answer { object: inside.clone(), repairs, unfit }, false, cursor),
            Value::Text(text) => {
                let mut inner = Cursor::new(text);
                let finding = judge_text(&mut inner, repairs, unfit);
                cursor.count(inner.steps());
                finding
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Unfit | Value::List(_) => Finding::Other,
        };
    }
    if object.get("explanation").is_some() || object.get("recommendations").is_some() {
        Finding::Partial
    } else {
        Finding::Other
    }
}

/// A list of one object is opened. One of several is not, even if they are equal.
fn judge_list(
    items: Vec<Value>,
    repairs: Repairs,
    unfit: bool,
    may_open: bool,
    cursor: &mut Cursor<'_>,
) -> Finding {
    let several = items.len() > 1;
    if !may_open && !several {
        return Finding::Other;
    }
    let mut found = Finding::Other;
    for item in items {
        let Value::Object(object) = item else { continue };
        let mut repairs = repairs;
        repairs.note(Repair::Wrapper);
        let finding = judge(Answer { object, repairs, unfit }, false, cursor);
        if several && matches!(finding, Finding::Answer(_)) {
            return Finding::Several;
        }
        if !matches!(finding, Finding::Other) {
            found = finding;
        }
    }
    found
}

/// The arguments of a tool call as a string: exactly one object, with nothing around it.
fn judge_text(inner: &mut Cursor<'_>, outer: Repairs, unfit: bool) -> Finding {
    inner.space();
    if inner.peek() != Some(b'{') {
        return Finding::Other;
    }
    let finding = read(inner, false);
    inner.space();
    let Finding::Answer(mut answer) = finding else { return finding };
    if inner.peek().is_some() {
        return Finding::Other;
    }
    answer.repairs.merge(outer);
    answer.unfit |= unfit;
    Finding::Answer(answer)
}

/// What the object wraps: the value under an envelope's one key, or a tool call's arguments, beside which stand
/// only names and numbers.
fn wrapped(object: &Object) -> Option<&Value> {
    let is_any = |key: &str, names: &[&str]| names.iter().any(|name| is_key(key, name));
    if let [Member { key, value: value @ Value::Object(_) }] = object.0.as_slice()
        && is_any(key, &ENVELOPES)
    {
        return Some(value);
    }
    let (arguments, others): (Vec<_>, Vec<_>) =
        object.0.iter().partition(|member| is_any(&member.key, &ARGUMENTS));
    let [Member { value, .. }] = arguments.as_slice() else { return None };
    let is_call = others.iter().all(|member| !matches!(member.value, Value::List(_) | Value::Object(_)));
    is_call.then_some(value)
}
