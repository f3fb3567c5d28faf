//! Cases: what stands around an answer.
//!
//! Takes: nothing.
//! Gives: tables for the check.
//! Never: varies the answer itself.

use super::ReplyCase;
use crate::reply::Repair::{self, Fence, Prose, ReasoningBlock};

pub(super) const TEXT: &[ReplyCase] = &[
    ("the answer alone", "@A", Ok((72.0, &[]))),
    ("white space at the ends", " \r\n\t@A\n\n", Ok((72.0, &[]))),
    ("a byte order mark", "\u{feff}@A", Ok((72.0, &[]))),
    ("zero-width characters at the ends", "\u{200b}\u{2060}@A\u{200d}\u{200c}", Ok((72.0, &[]))),
    ("nothing", "", Err("no_object")),
    ("white space alone", " \n ", Err("no_object")),
    ("prose alone", "The risk is 72 out of 100.", Err("no_object")),
    ("a refusal to answer", "I can't help with that.", Err("no_object")),
    ("members without braces", "risk_score: 72\nexplanation: Calls rose.", Err("no_object")),
    ("an object about something else", r#"{"error": "overloaded"}"#, Err("no_object")),
    ("an empty object", "{}", Err("no_object")),
    ("a NUL in prose is prose", "a\0b @A", Ok((72.0, &[Prose]))),
];

pub(super) const REASONING: &[ReplyCase] = &[
    ("a block before", "<think>Calls rose, so 72.</think>\n@A", Ok((72.0, &[ReasoningBlock]))),
    (
        "the other names, in any case",
        "<THINKING>x</Thinking><scratchpad>y</scratchpad> @A",
        Ok((72.0, &[ReasoningBlock])),
    ),
    ("a block that holds a draft", "<reasoning>Perhaps @B?</reasoning>@A", Ok((72.0, &[ReasoningBlock]))),
    (
        "a block that holds half an object",
        "<think>{\"risk_score\": \"</think>@A",
        Ok((72.0, &[ReasoningBlock])),
    ),
    ("a block after a byte order mark", "\u{feff}\n<think></think>@A", Ok((72.0, &[ReasoningBlock]))),
    (
        "a block, prose and a fence",
        "<think>x</think>Here:\n```json\n@A\n```",
        Ok((72.0, &[ReasoningBlock, Fence, Prose])),
    ),
    ("a block within a block", "<think>a<think>b</think>c @B</think>@A", Ok((72.0, &[ReasoningBlock]))),
    ("an unclosed block", "<think>Perhaps @A", Err("truncated")),
    ("a block closed by another name", "<think>x</thinking>@A", Err("truncated")),
    ("an unclosed block after a closed one", "<think>x</think><think>@A", Err("truncated")),
    ("an orphan closing tag", "Calls rose, so @B or so.</think>\n@A", Ok((72.0, &[ReasoningBlock]))),
    ("an orphan after a loose brace", "I open with { and \"go</think>@A", Ok((72.0, &[ReasoningBlock]))),
    (
        "an orphan after a cut draft",
        "{\"risk_score\": 30, \"explanation\": \"</think>@A",
        Ok((72.0, &[ReasoningBlock])),
    ),
    ("two orphans", "@B</think>@B</think>@A", Ok((72.0, &[ReasoningBlock]))),
    ("an orphan behind the answer", "@A</think>", Err("no_object")),
    ("an orphan behind the answer, then a cut one", "@A</think>{\"risk_score\": 3", Err("truncated")),
    (
        "an orphan and then a block with a draft",
        "x</think><think>@B</think>@A",
        Ok((72.0, &[ReasoningBlock])),
    ),
    ("an orphan and then a string", "x</think>\n@quoted", Ok((72.0, &[ReasoningBlock, Repair::Wrapper]))),
    ("a block in the middle closed by another name", "So: <think>x</thinking>@A", Err("truncated")),
    ("an orphan and then an unclosed block", "x</think><think>@A", Err("truncated")),
    ("tags within a string", r#"{"risk_score": 72, @rest, "note": "</think><think>"}"#, Ok((72.0, &[]))),
    ("a block in the middle, without an answer", "So: <think>hm</think> @A", Ok((72.0, &[Prose]))),
    ("a block in the middle, with another answer", "So: <think>@B</think> @A", Err("ambiguous")),
    ("a block in the middle, with the only answer", "So: <think>@A</think> Done.", Err("no_object")),
    ("a block opened in the middle", "So: <think>@A", Err("truncated")),
    ("a block opened behind the answer", "@A <think>But then", Err("truncated")),
    ("an unknown tag is prose", "<answer>@A</answer>", Ok((72.0, &[Prose]))),
    ("a tag with an attribute is prose", "<think hard>@A", Ok((72.0, &[Prose]))),
];

pub(super) const FENCES_AND_PROSE: &[ReplyCase] = &[
    ("a fence", "```json\n@A\n```", Ok((72.0, &[Fence]))),
    ("a fence without a language", "```\n@A\n```\n", Ok((72.0, &[Fence]))),
    ("a fence on one line", "```json @A```", Ok((72.0, &[Fence]))),
    ("a fence of tildes", "~~~~json5\n@A\n~~~~", Ok((72.0, &[Fence]))),
    ("a fence that is not closed", "```json\n@A", Ok((72.0, &[Fence]))),
    ("a fence that was not opened", "@A\n```", Ok((72.0, &[Fence]))),
    ("back quotes for code", "`@A`", Ok((72.0, &[Prose]))),
    ("prose before, with an apostrophe", "I don't know, but: @A", Ok((72.0, &[Prose]))),
    ("prose before, with an open quote", "He said \"no and 'so: @A", Ok((72.0, &[Prose]))),
    ("prose behind, with quotes", "@A\nIt's what \"you asked", Ok((72.0, &[Prose]))),
    ("prose behind, with a stray closing brace", "@A }", Ok((72.0, &[Prose]))),
    ("prose with a fence", "Here you are:\n```json\n@A\n```\nThat's all!", Ok((72.0, &[Fence, Prose]))),
    ("prose with a word in braces", "For {student_name} this holds: @A", Ok((72.0, &[Prose]))),
    ("prose with an apostrophe in braces", "As {the student's} coach: @A", Ok((72.0, &[Prose]))),
    (
        "prose with an address in braces, which begins a comment",
        "See {https://example.com/a}: @A",
        Err("truncated"),
    ),
    ("prose with braces in braces", "A set {a, {b}, c}: @A", Ok((72.0, &[Prose]))),
    ("prose with a note in brackets", "As said [1, 2] and [see below]: @A", Ok((72.0, &[Prose]))),
    ("prose with brackets within brackets", "[[ note ]] @A", Ok((72.0, &[Prose]))),
    ("prose with less-than signs", "If 3 < 5 <3 then @A", Ok((72.0, &[Prose]))),
    (
        "the alert repeated before",
        "For {\"ib_calls_14d\": 5, \"health_score\": 65}:\n@A",
        Ok((72.0, &[Prose])),
    ),
    ("another object behind", "@A\n{\"done\": true}", Ok((72.0, &[Prose]))),
    ("an assignment", "const answer = @A;", Ok((72.0, &[Prose]))),
    (
        "a fence within a string",
        r#"{"risk_score": 72, @rest, "note": "```json {\"risk_score\": 3}```"}"#,
        Ok((72.0, &[])),
    ),
    ("braces within a string", r#"{"risk_score": 72, "note": "}{ \"}", @rest}"#, Ok((72.0, &[]))),
];

pub(super) const SEVERAL: &[ReplyCase] = &[
    ("two different answers", "@A\n@B", Err("ambiguous")),
    ("a corrected answer", "@B\nWait, I should correct that:\n@A", Err("ambiguous")),
    ("two fences", "```json\n@B\n```\nor\n```json\n@A\n```", Err("ambiguous")),
    ("the same answer twice", "@A\n@A", Ok((72.0, &[Prose]))),
    ("the same answer three times", "@A, again @A\n```\n@A\n```", Ok((72.0, &[Fence, Prose]))),
    (
        "equal but for form",
        r#"@A {"explanation": " Calls rose.", "recommendations": ["Call the family.", "Offer a session. "], "risk_score": 72.0}"#,
        Ok((72.0, &[Prose])),
    ),
    ("two equal ones and a third", "@A @A @B", Err("ambiguous")),
    (
        "two that differ in the explanation alone",
        r#"@A {"risk_score": 72, "explanation": "Other.", "recommendations": ["Call the family.", "Offer a session."]}"#,
        Err("ambiguous"),
    ),
    (
        "two that differ in the order of lines",
        r#"@A {"risk_score": 72, "explanation": "Calls rose.", "recommendations": ["Offer a session.", "Call the family."]}"#,
        Err("ambiguous"),
    ),
    ("a valid and an invalid answer", r#"@A {"risk_score": 101, @rest}"#, Err("ambiguous")),
    ("a bare score and an answer", r#"{"risk_score": 72} @A"#, Err("ambiguous")),
    (
        "the same invalid answer twice",
        r#"{"risk_score": 101, @rest} {"risk_score": 101, @rest}"#,
        Err("range"),
    ),
    ("two invalid answers", r#"{"risk_score": 101, @rest} {"risk_score": 102, @rest}"#, Err("ambiguous")),
    ("a malformed answer and an answer", r#"{"risk_score": 30 "explanation": "x"} @A"#, Err("ambiguous")),
    (
        "an answer and a malformed answer",
        r#"@A {"explanation": "a "big" drop", "risk_score": 30}"#,
        Err("ambiguous"),
    ),
    ("a doubled brace and an answer", "{@B} @A", Err("ambiguous")),
    (
        "equal scores whose drivers differ",
        r#"@A {"risk_score": 72, @rest, "drivers": [{"fact": "health_score", "effect": "lowers", "because": "x"}]}"#,
        Ok((72.0, &[Prose, Repair::DriversIgnored])),
    ),
    (
        "a template before the answer",
        r#"{"risk_score": "<0-100>", "explanation": "...", "recommendations": ["..."]} @A"#,
        Ok((72.0, &[Prose])),
    ),
    (
        "a template that is no JSON",
        r#"{"risk_score": <integer from 0 to 100>, "explanation": "<why>", ...} @A"#,
        Ok((72.0, &[Prose])),
    ),
    ("a template with a type", "{ risk_score: number; explanation: string } @A", Ok((72.0, &[Prose]))),
    (
        "a template with placeholders in braces",
        r#"{"risk_score": {score}, "explanation": {why}} @A"#,
        Ok((72.0, &[Prose])),
    ),
    (
        "a template that ends in an ellipsis",
        r#"{"risk_score": 0-100, "recommendations": ["a", ...]} @A"#,
        Ok((72.0, &[Prose])),
    ),
    (
        "a schema before the answer",
        r#"{"type": "object", "properties": {"risk_score": {"type": "number"}}} @A"#,
        Ok((72.0, &[Prose])),
    ),
    (
        "an example with a number",
        r#"{"risk_score": 50, "explanation": "...", "recommendations": ["...", "...."]} @A"#,
        Err("ambiguous"),
    ),
    (
        "a template alone",
        r#"{"risk_score": "number", "explanation": "string", "recommendations": ["a", "b"]}"#,
        Err("type:risk_score"),
    ),
    (
        "a template alone that is no JSON",
        r#"{"risk_score": <0-100>, "explanation": "..."}"#,
        Err("type:risk_score"),
    ),
    ("a range beside an answer says a number", r#"{"risk_score": "70-80", @rest} @A"#, Err("ambiguous")),
];

pub(super) const CUT: &[ReplyCase] = &[
    ("in the score", r#"{"risk_score": 7"#, Err("truncated")),
    ("in a key", r#"{"risk_sco"#, Err("truncated")),
    ("in a string", r#"{"risk_score": 72, "explanation": "Calls"#, Err("truncated")),
    ("at a backslash", r#"{"risk_score": 72, "explanation": "Calls\"#, Err("truncated")),
    ("in an escape", r#"{"risk_score": 72, "explanation": "Calls \u00"#, Err("truncated")),
    ("in a list", r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", "b""#, Err("truncated")),
    ("before the last brace", r#"{"risk_score": 72, @rest"#, Err("truncated")),
    ("in a fence", "```json\n{\"risk_score\": 72, \"explanation\": \"x\n```", Err("truncated")),
    ("before a fence's end", "```json\n{\"risk_score\": 72, @rest\n```", Err("truncated")),
    ("after a complete answer", r#"@A {"risk_score": 72, "#, Err("truncated")),
    ("an open brace in prose", "As in { we say @A", Err("truncated")),
    ("an open brace behind", "@A {", Err("truncated")),
    ("in a comment", r#"{"risk_score": 72, @rest /* }"#, Err("truncated")),
    ("a line comment over the last brace", r#"{"risk_score": 72, @rest // so }"#, Err("truncated")),
    ("in a list of answers", "[@A", Err("truncated")),
    ("in a list of answers, after a comma", "[@A,", Err("truncated")),
    ("after a malformed part", r#"{"risk_score": 72 "explanation": "x", "#, Err("truncated")),
];
