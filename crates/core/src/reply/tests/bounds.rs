//! Bounded work: the reader on texts that are made to be hard, measured in steps and not in seconds.

use super::{REST, VOCABULARY};
use crate::limits::REPLY_BYTES_MAX;
use crate::limits::{BECAUSE_CHARS_MAX, EXPLANATION_CHARS_MAX, RECOMMENDATION_CHARS_MAX};
use crate::reply::{Reply, ReplyError};

/// A byte can be part of two candidates, each of which is parsed, skipped and searched for a tag. Before that, the scan
/// can read it as a bracket, a leading tag and a string. At last it is skipped as prose.
pub(super) const STEPS_PER_BYTE_MAX: usize = 10;
const LONG_BYTES: usize = 64 * 1024;

#[test]
fn hard_texts_take_a_few_steps_for_each_byte() {
    let pieces = [
        "{",
        "[",
        "[{",
        "{[",
        "{}",
        "{a}",
        "[{}",
        "[{}]",
        "\"",
        "'",
        "`",
        "“",
        "”",
        "\\",
        "{\"",
        "{'",
        "{“",
        "{\"a\":",
        "{\"\\",
        "\"{",
        "' {",
        "{a:'",
        "/*",
        "{/*",
        "//",
        "{//",
        "#",
        "{#",
        "{:",
        "{,",
        "<",
        "</",
        "<think>",
        "</think>",
        "{</think>",
        "<think></think>",
        "x<think></think>",
        "{<think>",
        "}",
        "]",
        "~",
        "```",
        "```{",
        "\u{200b}",
        "é",
        "{\"risk_score\":1}",
        "{\"risk_score\":1 x}",
        "{\"risk_score\":",
        "{risk_score: 1 ",
        "{\"input\":\"{",
        "{\"input\":\"{}\"}",
        "{\"input\":\"{\\\"input\\\":",
        "{\"result\":",
        "{\"parameters\":\"{",
        "<|",
        "<|a",
        "<|a|>",
        "<|a|>\"",
        "<|a|>\"\\",
        "<|a|>\"b\"",
        "<|a|>\"{}\"c",
        "<|a|>\"{</think>",
        "[[[ ",
        "{\"a\":1,",
        "\\u0000",
        "{\"a\":\"<think>\"}{x</think>",
        "{</think>{\"a\":\"<think>\"}",
        "{'a':'\\ud800',",
    ];
    for piece in pieces {
        for (before, after) in
            [("", ""), ("\"", "\""), ("{\"a\": \"", "\"}"), ("{\"risk_score\": ", "}"), ("<think>", "")]
        {
            let text = format!("{before}{}{after}", piece.repeat(LONG_BYTES / piece.len()));
            let (_, steps) = Reply::read_counting(&text, &VOCABULARY);
            assert!(steps <= STEPS_PER_BYTE_MAX * text.len(), "{piece:?} in {before:?}: {steps} steps");
        }
    }
}

#[test]
fn a_reply_of_the_largest_size_is_read_and_a_larger_one_is_not() {
    let answer = format!(r#"{{"risk_score": 72, {REST}}}"#);
    let padding = REPLY_BYTES_MAX - answer.len();
    for pad in [" ", "x", "\n", "`"] {
        let fits = format!("{}{answer}", pad.repeat(padding));
        assert!(Reply::read(&fits, &VOCABULARY).is_ok(), "{pad:?}");
        assert_eq!(Reply::read(&(fits + pad), &VOCABULARY), Err(ReplyError::TooLarge), "{pad:?}");
    }
    assert_eq!(Reply::read(&"x".repeat(400_000), &VOCABULARY), Err(ReplyError::TooLarge));
    assert_eq!(Reply::read(&"{".repeat(20_000), &VOCABULARY), Err(ReplyError::Truncated));
}

#[test]
fn nesting_is_read_to_64_levels_and_not_deeper() {
    for (levels, expected) in [(63, Ok(72.0)), (64, Err("no_object")), (100_000, Err("no_object"))] {
        let (open, close) = ("[".repeat(levels), "]".repeat(levels));
        let text = format!(r#"{{"risk_score": 72, {REST}, "note": {open}{close}}}"#);
        let score =
            Reply::read(&text, &VOCABULARY).map(|reply| reply.risk_score().get()).map_err(ReplyError::code);
        assert_eq!(score, expected, "{levels} levels");
    }
}

#[test]
fn texts_of_the_largest_length_are_read_and_longer_ones_are_not() {
    let read = |explanation: usize, line: usize| {
        let (explanation, line) = ("é".repeat(explanation), "ü".repeat(line));
        let text = format!(
            r#"{{"risk_score": 72, "explanation": " {explanation} ", "recommendations": ["{line} ", "b"]}}"#
        );
        Reply::read(&text, &VOCABULARY).map(|_| ()).map_err(ReplyError::code)
    };
    assert_eq!(read(EXPLANATION_CHARS_MAX, RECOMMENDATION_CHARS_MAX), Ok(()));
    assert_eq!(read(EXPLANATION_CHARS_MAX + 1, 1), Err("too_large"));
    assert_eq!(read(1, RECOMMENDATION_CHARS_MAX + 1), Err("too_large"));
}

#[test]
fn a_reason_of_the_largest_length_is_read_and_a_longer_one_is_ignored() {
    let drivers = |chars: usize| {
        let because = "x".repeat(chars);
        let driver = format!(r#"{{"fact": "health_score", "effect": "lowers", "because": "{because}"}}"#);
        let text = format!(r#"{{"risk_score": 72, {REST}, "drivers": [{driver}]}}"#);
        Reply::read(&text, &VOCABULARY).map(|reply| reply.drivers().len())
    };
    assert_eq!(drivers(BECAUSE_CHARS_MAX), Ok(1));
    assert_eq!(drivers(BECAUSE_CHARS_MAX + 1), Ok(0));
}
