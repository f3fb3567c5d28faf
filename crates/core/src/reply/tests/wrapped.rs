//! Cases: an answer in a wrapping.

use super::ReplyCase;
use crate::reply::Repair::{Fence, KeyForm, Prose, ReasoningBlock, Wrapper};

pub(super) const ENVELOPES: &[ReplyCase] = &[
    ("under `result`", r#"{"result": @A}"#, Ok((72.0, &[Wrapper]))),
    ("under `response`", r#"{"response": @A}"#, Ok((72.0, &[Wrapper]))),
    ("under `answer`", r#"{"answer": @A}"#, Ok((72.0, &[Wrapper]))),
    ("under `output`", r#"{"output": @A}"#, Ok((72.0, &[Wrapper]))),
    ("under `data`", r#"{"data": @A}"#, Ok((72.0, &[Wrapper]))),
    ("under `insight`", r#"{"insight": @A}"#, Ok((72.0, &[Wrapper]))),
    ("under `json`", r#"{"json": @A}"#, Ok((72.0, &[Wrapper]))),
    ("under `Result`", r#"{"Result": @A}"#, Ok((72.0, &[Wrapper, KeyForm]))),
    ("under `result`, fenced", "```json\n{\"result\": @A}\n```", Ok((72.0, &[Fence, Wrapper]))),
    ("under `result`, and again bare", r#"{"result": @A} @A"#, Ok((72.0, &[Prose, Wrapper]))),
    ("under `result`, and another bare", r#"{"result": @B} @A"#, Err("ambiguous")),
    ("under an unknown key", r#"{"assessment": @A}"#, Err("no_object")),
    ("under two levels", r#"{"result": {"data": @A}}"#, Err("no_object")),
    ("beside another member", r#"{"result": @A, "status": "ok"}"#, Err("no_object")),
    ("two in one object", r#"{"result": @A, "output": @B}"#, Err("no_object")),
    ("in a list under `result`", r#"{"result": [@A]}"#, Err("no_object")),
    ("as a string under `result`", r#"{"result": @quoted}"#, Err("no_object")),
    (
        "a part of one under `result`",
        r#"{"result": {"explanation": "Calls rose."}}"#,
        Err("missing:risk_score"),
    ),
    ("an invalid one under `result`", r#"{"result": {"risk_score": 101, @rest}}"#, Err("range")),
    ("a template under `result`", r#"{"result": {"risk_score": "0-100"}}"#, Err("type:risk_score")),
];

pub(super) const LISTS: &[ReplyCase] = &[
    ("a list of one", "[@A]", Ok((72.0, &[Wrapper]))),
    ("a list of one, spaced", "[\n  @A\n]\n", Ok((72.0, &[Wrapper]))),
    ("a list of one, fenced", "```json\n[@A]\n```", Ok((72.0, &[Fence, Wrapper]))),
    ("a list of one in prose", "Here: [@A] as asked", Ok((72.0, &[Prose, Wrapper]))),
    ("a list of two different answers", "[@A, @B]", Err("ambiguous")),
    ("a list of two equal answers", "[@A, @A]", Err("ambiguous")),
    ("a list of an answer and something else", r#"[@A, "done"]"#, Err("ambiguous")),
    ("a list of one in a list", "[[@A]]", Err("no_object")),
    ("a list of an envelope", r#"[{"result": @A}]"#, Err("no_object")),
    ("a list of other objects", r#"[{"a": 1}, {"b": 2}]"#, Err("no_object")),
    ("a list of other objects beside an answer", r#"[{"a": 1}, {"b": 2}] @A"#, Ok((72.0, &[Prose]))),
    ("a list of one that is malformed after it", "[@A and more]", Err("no_object")),
    ("an empty list", "[]", Err("no_object")),
];

pub(super) const TOOL_CALLS: &[ReplyCase] = &[
    ("arguments as an object", r#"{"name": "report", "arguments": @A}"#, Ok((72.0, &[Wrapper]))),
    ("arguments as a string", r#"{"name": "report", "arguments": @quoted}"#, Ok((72.0, &[Wrapper]))),
    (
        "input as an object",
        r#"{"type": "tool_use", "id": "t1", "name": "report", "input": @A}"#,
        Ok((72.0, &[Wrapper])),
    ),
    ("input as a string", r#"{"name": "report", "input": @quoted}"#, Ok((72.0, &[Wrapper]))),
    (
        "parameters as an object",
        r#"{"type": "function", "name": "report", "parameters": @A}"#,
        Ok((72.0, &[Wrapper])),
    ),
    ("parameters as a string", r#"{"name": "report", "parameters": @quoted}"#, Ok((72.0, &[Wrapper]))),
    ("`Parameters`", r#"{"name": "report", "Parameters": @A}"#, Ok((72.0, &[Wrapper, KeyForm]))),
    (
        "a tool's definition before the answer",
        r#"{"name": "report", "parameters": {"type": "object", "properties": {"risk_score": {}}}} @A"#,
        Ok((72.0, &[Prose])),
    ),
    ("both arguments and parameters", r#"{"arguments": @A, "parameters": @A}"#, Err("no_object")),
    ("a name twice, equal", r#"{"name": "r", "name": "r", "arguments": @A}"#, Ok((72.0, &[Wrapper]))),
    ("a name twice, different", r#"{"name": "r", "name": "s", "arguments": @A}"#, Err("no_object")),
    ("arguments alone", r#"{"arguments": @A}"#, Ok((72.0, &[Wrapper]))),
    (
        "in a tag",
        r#"<tool_call>{"name": "report", "arguments": @A}</tool_call>"#,
        Ok((72.0, &[Prose, Wrapper])),
    ),
    (
        "two calls that differ",
        r#"{"name": "r", "arguments": @A} {"name": "r", "arguments": @B}"#,
        Err("ambiguous"),
    ),
    (
        "arguments under `function`",
        r#"{"type": "function", "function": {"name": "report", "arguments": @A}}"#,
        Err("no_object"),
    ),
    ("in a list", r#"[{"name": "report", "arguments": @A}]"#, Err("no_object")),
    ("both arguments and input", r#"{"arguments": @A, "input": @A}"#, Err("no_object")),
    ("beside another object", r#"{"name": "report", "arguments": @A, "context": {}}"#, Err("no_object")),
    ("an envelope in the arguments", r#"{"name": "report", "arguments": {"result": @A}}"#, Err("no_object")),
    ("a list in the arguments", r#"{"name": "report", "arguments": [@A]}"#, Err("no_object")),
    ("prose in the arguments", r#"{"name": "report", "arguments": "Risk is 72."}"#, Err("no_object")),
    (
        "prose after the object in the arguments",
        r#"{"name": "report", "arguments": "{\"risk_score\": 72} so"}"#,
        Err("no_object"),
    ),
    (
        "arguments that are truncated",
        r#"{"name": "report", "arguments": "{\"risk_score\": 72, "}"#,
        Err("truncated"),
    ),
    (
        "arguments that are malformed",
        r#"{"name": "report", "arguments": "{\"risk_score\": 72 \"explanation\": 1}"}"#,
        Err("no_object"),
    ),
    (
        "arguments without a score",
        r#"{"name": "report", "arguments": {"explanation": "x"}}"#,
        Err("missing:risk_score"),
    ),
];

pub(super) const MARKERS: &[ReplyCase] = &[
    (
        "a tool call between markers",
        r#"<|python_tag|>{"name": "report", "parameters": @A}<|eom_id|>"#,
        Ok((72.0, &[Wrapper])),
    ),
    (
        "a tool call with a string between markers",
        "<|tool_call|>\n{\"name\": \"report\", \"arguments\": @quoted}\n<|/tool_call|>",
        Ok((72.0, &[Wrapper])),
    ),
    (
        "arguments as an object between markers",
        "<|tool_call_begin|>functions.report:0<|tool_call_argument_begin|>@A<|tool_call_end|>",
        Ok((72.0, &[Prose, Wrapper])),
    ),
    (
        "arguments as a string between markers",
        "<|tool_call_begin|>functions.report:0<|tool_call_argument_begin|>@quoted<|tool_call_end|>",
        Ok((72.0, &[Prose, Wrapper])),
    ),
    ("arguments as a string after a marker", "<|tool_call|>\n@quoted\n", Ok((72.0, &[Wrapper]))),
    ("arguments in a fence", "<|call|>```json\n@A\n```<|end|>", Ok((72.0, &[Fence, Wrapper]))),
    ("a bare answer between a chat's markers", "<|assistant|>\n@A<|im_end|>", Ok((72.0, &[Wrapper]))),
    ("a marker with letters of any script", "<|tool▁call|>@A", Ok((72.0, &[Wrapper]))),
    ("a marker in a string", r#"{"risk_score": 72, @rest, "note": "<|end|>"}"#, Ok((72.0, &[]))),
    (
        "a string after a marker that is not an object",
        r#"<|channel|>"final"<|message|>@A"#,
        Ok((72.0, &[Prose, Wrapper])),
    ),
    ("two that differ", "<|call|>@A<|call|>@B<|end|>", Err("ambiguous")),
    ("a string and an object that differ", "@B <|call|>@quoted<|end|>", Err("ambiguous")),
    ("a string and an object that are equal", "@A <|call|>@quoted<|end|>", Ok((72.0, &[Prose, Wrapper]))),
    ("an array of a tool call", r#"<|tool_call|>[{"name": "r", "arguments": @A}]"#, Err("no_object")),
    (
        "a tool call as a string",
        r#"<|tool_call|>"{\"arguments\": {\"risk_score\": 72}}"<|end|>"#,
        Err("no_object"),
    ),
    (
        "a string with prose around its object",
        r#"<|call|>"Here: {\"risk_score\": 72}"<|end|>"#,
        Err("no_object"),
    ),
    ("a string with other text after it", "<|call|>@quoted and more<|end|>", Err("no_object")),
    ("a string that is not closed", r#"<|call|>"{\"risk_score\": 72}<|end|>"#, Err("no_object")),
    ("a string that is truncated", r#"<|call|>"{\"risk_score\": 72, "<|end|>"#, Err("truncated")),
    ("a string with a lone surrogate", r#"<|call|>"{\"risk_score\": 72} \ud800"<|end|>"#, Err("no_object")),
    (
        "a string with a lone surrogate beside an answer",
        r#"<|call|>"{\"risk_score\": 72} \ud800"<|end|>@A"#,
        Err("ambiguous"),
    ),
    ("an object that is truncated", r#"<|call|>{"risk_score": 72, <|end|>"#, Err("truncated")),
    ("a marker without a name is prose", "<||>@A", Ok((72.0, &[Prose]))),
    ("a marker that is not closed is prose", "<|call @A", Ok((72.0, &[Prose]))),
    ("a string after a marker that is not closed", "<|call @quoted", Err("no_object")),
];

pub(super) const STRINGS: &[ReplyCase] = &[
    ("the reply as one string", "@quoted", Ok((72.0, &[Wrapper]))),
    ("the reply as one string, spaced", "\n @quoted \n", Ok((72.0, &[Wrapper]))),
    (
        "the reply as one string, after reasoning",
        "<think>x</think>@quoted",
        Ok((72.0, &[ReasoningBlock, Wrapper])),
    ),
    (
        "a string with prose in it",
        r#""Here: {\"risk_score\": 72, \"explanation\": \"a\", \"recommendations\": [\"b\", \"c\"]}""#,
        Ok((72.0, &[Prose, Wrapper])),
    ),
    ("a string in a string", r#""\"{\\\"risk_score\\\": 72}\"""#, Err("no_object")),
    ("a list of one in a string", r#""[{\"risk_score\": 72}]""#, Err("no_object")),
    ("an envelope in a string", r#""{\"result\": {\"risk_score\": 72}}""#, Err("no_object")),
    ("a string that is not closed", r#""{\"risk_score\": 72, \"explanation\": \"x\"}"#, Err("no_object")),
    ("a string that is truncated", r#""{\"risk_score\": 72, \"expl"#, Err("truncated")),
    ("a string with something after it", "@quoted and more", Err("no_object")),
    ("a string with a lone surrogate", r#""\ud800 {\"risk_score\": 72}""#, Err("no_object")),
    ("quotes around an object are prose", r#""@A""#, Ok((72.0, &[Prose]))),
    ("a string that says nothing", r#""I cannot say.""#, Err("no_object")),
];
