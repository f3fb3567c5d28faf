//! Generated replies: answers, dialects of JSON, wrappings, noise, and mutations, each with what the reader must return.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::reply::Repair::{self, BareKey, Comment, Escape, Fence, Literal, NumberString, Prose};
use crate::reply::Repair::{Quotes, RawControl, ReasoningBlock, TrailingComma, Wrapper};

#[derive(Debug, Clone)]
pub(super) struct GeneratedAnswer {
    pub(super) score: (&'static str, f64),
    pub(super) explanation: String,
    pub(super) recommendations: Vec<String>,
}

/// How an answer is written. It is strict JSON if all is `false` and the quote is double.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is one repair, and they combine freely")]
pub(super) struct Dialect {
    quote: (&'static str, &'static str),
    bare_keys: bool,
    trailing_comma: bool,
    comment: bool,
    raw_breaks: bool,
    literal: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Noise {
    reasoning: &'static str,
    before: String,
    fence: bool,
    wrapping: Wrapping,
    after: String,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wrapping {
    Bare,
    Envelope,
    List,
    Call,
    CallText,
    Parameters,
    Marked,
    MarkedText,
    Text,
}

/// A text, the position of its answer's last brace, and the expected repairs.
#[derive(Debug)]
pub(super) struct GeneratedReply {
    pub(super) text: String,
    pub(super) last_brace: usize,
    pub(super) repairs: Vec<Repair>,
}

fn line() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "a",
        "5 calls",
        " ",
        "\"",
        "'",
        "’",
        "“",
        "”",
        "`",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\\",
        "\n",
        "\t",
        "```",
        "</think>",
        "<think>",
        "//",
        "/*",
        "#",
        "é",
        "😀",
        "\u{200b}",
        "72",
        "\u{1b}",
        "\u{7f}",
        "\"risk_score\": 30}",
        "\\u0041",
    ];
    prop::collection::vec(select(PIECES), 0..10).prop_map(|pieces| format!("x{}y", pieces.concat()))
}

pub(super) fn answer() -> impl Strategy<Value = GeneratedAnswer> {
    const SCORES: &[(&str, f64)] = &[
        ("72", 72.0),
        ("0", 0.0),
        ("-0.0", 0.0),
        ("100", 100.0),
        ("64.5", 64.5),
        ("7.2e1", 72.0),
        ("1", 1.0),
        ("\"72%\"", 72.0),
    ];
    (select(SCORES), line(), prop::collection::btree_set(line(), 2..4)).prop_map(
        |(score, explanation, lines)| GeneratedAnswer {
            score,
            explanation,
            recommendations: lines.into_iter().collect(),
        },
    )
}

/// JSON as the prompt asks for it.
pub(super) const STRICT: Dialect = Dialect {
    quote: ("\"", "\""),
    bare_keys: false,
    trailing_comma: false,
    comment: false,
    raw_breaks: false,
    literal: false,
};

pub(super) fn dialect() -> impl Strategy<Value = Dialect> {
    const QUOTES: &[(&str, &str)] = &[("\"", "\""), ("'", "'"), ("“", "”"), ("`", "`")];
    (select(QUOTES), any::<[bool; 5]>()).prop_map(
        |(quote, [bare_keys, trailing_comma, comment, raw_breaks, literal])| Dialect {
            quote,
            bare_keys,
            trailing_comma,
            comment,
            raw_breaks,
            literal,
        },
    )
}

fn prose() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "It's so. ",
        "He said \"no. ",
        "{name} ",
        "[1] ",
        "3 < 5 ",
        "\n",
        "“well” ",
        "} ",
        "\\ ",
        "{\"a\": 1} ",
    ];
    prop::collection::vec(select(PIECES), 0..4).prop_map(|pieces| pieces.concat())
}

pub(super) fn noise() -> impl Strategy<Value = Noise> {
    const REASONING: &[&str] = &[
        "",
        "",
        "<think>It's {\"risk_score\": 3</think>\n",
        "<SCRATCHPAD></scratchpad>",
        "I say \"go, don't </think>",
        "<think>{\"risk_score\": 3, \"explanation\": \"a\", \"recommendations\": [\"b\", \"c\"]}</think>",
    ];
    const WRAPPINGS: &[Wrapping] = &[
        Wrapping::Bare,
        Wrapping::Envelope,
        Wrapping::List,
        Wrapping::Call,
        Wrapping::CallText,
        Wrapping::Parameters,
        Wrapping::Marked,
        Wrapping::MarkedText,
        Wrapping::Text,
    ];
    (select(REASONING), prose(), any::<bool>(), select(WRAPPINGS), prose()).prop_map(
        |(reasoning, before, fence, wrapping, after)| Noise { reasoning, before, fence, wrapping, after },
    )
}

/// Writes a string in a dialect, and adds the expected repairs.
fn quoted(text: &str, dialect: &Dialect, repairs: &mut Vec<Repair>) -> String {
    let (open, close) = dialect.quote;
    let mut written = String::from(open);
    for c in text.chars() {
        match c {
            '\'' if close == "'" => {
                repairs.push(Escape);
                written.push_str("\\'");
            }
            '\n' | '\t' if dialect.raw_breaks => {
                repairs.push(RawControl);
                written.push(c);
            }
            '\\' => written.push_str("\\\\"),
            _ if c.is_ascii_control() || close.starts_with(c) => {
                write!(written, "\\u{:04X}", u32::from(c)).unwrap();
            }
            _ => written.push(c),
        }
    }
    if open != "\"" {
        repairs.push(Quotes);
    }
    written + close
}

fn write_answer(answer: &GeneratedAnswer, dialect: &Dialect, repairs: &mut Vec<Repair>) -> String {
    let key = |name: &str, repairs: &mut Vec<Repair>| {
        if dialect.bare_keys {
            repairs.push(BareKey);
            name.to_owned()
        } else {
            quoted(name, dialect, repairs)
        }
    };
    let expected = [
        (answer.score.0.starts_with('"'), NumberString),
        (dialect.comment, Comment),
        (dialect.literal, Literal),
        (dialect.trailing_comma, TrailingComma),
    ];
    repairs.extend(expected.iter().filter(|(is_expected, _)| *is_expected).map(|(_, repair)| *repair));
    let lines: Vec<_> = answer.recommendations.iter().map(|line| quoted(line, dialect, repairs)).collect();
    format!(
        "{{{}: {}, {}{}: {},\n {}: [{}]{}{}}}",
        key("risk_score", repairs),
        answer.score.0,
        if dialect.comment { "/* not 30} */ " } else { "" },
        key("explanation", repairs),
        quoted(&answer.explanation, dialect, repairs),
        key("recommendations", repairs),
        lines.join(","),
        if dialect.literal { ", \"other\": None" } else { "" },
        if dialect.trailing_comma { "," } else { "" },
    )
}

pub(super) fn write(answer: &GeneratedAnswer, dialect: &Dialect, noise: &Noise) -> GeneratedReply {
    let mut repairs = Vec::new();
    let object = write_answer(answer, dialect, &mut repairs);
    let object_text = serde_json::to_string(&object).unwrap();
    let (before, object, after) = match noise.wrapping {
        Wrapping::Bare => ("", object, ""),
        Wrapping::Envelope => ("{\"result\": ", object, "}"),
        Wrapping::List => ("[ ", object, "\n]"),
        Wrapping::Call => ("{\"name\": \"report\", \"arguments\": ", object, "}"),
        Wrapping::CallText => ("{\"input\": \"", object_text.trim_matches('"').to_owned(), "\"}"),
        Wrapping::Parameters => ("{\"name\": \"report\", \"parameters\": ", object, "}"),
        Wrapping::Marked => ("<|call|>{\"input\": ", object, "}<|/call|>"),
        Wrapping::MarkedText => ("<|call|>\"", object_text.trim_matches('"').to_owned(), "\"<|/call|>"),
        Wrapping::Text => ("\"", object_text.trim_matches('"').to_owned(), "\" "),
    };
    let mut text = noise.reasoning.to_owned();
    // A string with other text around it is prose.
    let around = noise.wrapping != Wrapping::Text;
    if around {
        text.push_str(&noise.before);
        text.push_str(if noise.fence { "```json\n" } else { "" });
    }
    text.push_str(before);
    text.push_str(&object);
    let last_brace = text.len() - 1;
    text.push_str(after);
    if around {
        text.push_str(if noise.fence { "\n```\n" } else { "" });
        text.push_str(&noise.after);
    }
    let expected = [
        (!noise.reasoning.is_empty(), ReasoningBlock),
        (around && noise.fence, Fence),
        (around && !(noise.before.trim().is_empty() && noise.after.trim().is_empty()), Prose),
        (noise.wrapping != Wrapping::Bare, Wrapper),
    ];
    repairs.extend(expected.iter().filter(|(is_expected, _)| *is_expected).map(|(_, repair)| *repair));
    repairs.sort_unstable();
    repairs.dedup();
    GeneratedReply { text, last_brace, repairs }
}

/// The pieces that mutations insert and of which random texts consist.
pub(super) const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "'",
    "`",
    "“",
    "”",
    "‘",
    "’",
    "\\",
    "\\\"",
    "\\u00",
    "\\ud83d",
    "\n",
    "\t",
    " ",
    "/*",
    "*/",
    "//",
    "#",
    "```",
    "<think>",
    "</think>",
    "null",
    "None",
    "true",
    "7",
    "0",
    ".",
    "-",
    "e",
    "1e400",
    "%",
    "/100",
    "risk_score",
    "\"risk_score\": 72",
    "\"explanation\": \"x\"",
    "\"recommendations\": [\"a\", \"b\"]",
    "\"drivers\": []",
    "\u{feff}",
    "\0",
    "é",
    "{\"risk_score\": 30, \"explanation\": \"a\", \"recommendations\": [\"b\", \"c\"]}",
    "...",
    "result",
    "health_score",
    "<one sentence>",
    "Calls rose. ",
    "arguments",
    "parameters",
    "<|call|>",
    "<|call|>\"",
    "😀",
];

#[derive(Debug, Clone)]
pub(super) enum Edit {
    Insert(Index, &'static str),
    Delete(Index),
    Replace(Index, &'static str),
    Swap(Index, Index),
    Repeat(Index, Index),
    Cut(Index),
}

pub(super) fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), select(PIECES)).prop_map(|(at, piece)| Edit::Insert(at, piece)),
        4 => at().prop_map(Edit::Delete),
        4 => (at(), select(PIECES)).prop_map(|(at, piece)| Edit::Replace(at, piece)),
        2 => (at(), at()).prop_map(|(a, b)| Edit::Swap(a, b)),
        2 => (at(), at()).prop_map(|(a, b)| Edit::Repeat(a, b)),
        1 => at().prop_map(Edit::Cut),
    ]
}

pub(super) fn mutated(text: &str, edits: &[Edit]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for edit in edits {
        if chars.is_empty() {
            break;
        }
        let position = |index: &Index| index.index(chars.len());
        match edit {
            Edit::Insert(at, piece) => drop(chars.splice(position(at)..position(at), piece.chars())),
            Edit::Delete(at) => drop(chars.remove(position(at))),
            Edit::Replace(at, piece) => drop(chars.splice(position(at)..=position(at), piece.chars())),
            Edit::Swap(a, b) => {
                let (a, b) = (position(a), position(b));
                chars.swap(a, b);
            }
            Edit::Repeat(a, b) => {
                let (a, b) = (position(a).min(position(b)), position(a).max(position(b)));
                let copy = chars[a..b].to_vec();
                chars.splice(b..b, copy);
            }
            Edit::Cut(at) => chars.truncate(position(at)),
        }
    }
    chars.into_iter().collect()
}

/// Any JSON, with any text but NUL.
pub(super) fn json() -> impl Strategy<Value = serde_json::Value> {
    let text = any::<String>().prop_map(|text| text.replace('\0', ""));
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        text.clone().prop_map(Into::into),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
            prop::collection::btree_map(text.clone(), inner, 0..6)
                .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
        ]
    })
}
