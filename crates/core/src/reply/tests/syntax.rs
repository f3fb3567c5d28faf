//! Cases: text that is nearly JSON.

use super::ReplyCase;
use crate::reply::Repair::{BareKey, Comment, Escape, Literal, Prose, Quotes, RawControl, TrailingComma};

pub(super) const REPAIRED: &[ReplyCase] = &[
    ("a trailing comma in the object", r#"{"risk_score": 72, @rest,}"#, Ok((72.0, &[TrailingComma]))),
    (
        "a trailing comma in a list",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", "b" , ]}"#,
        Ok((72.0, &[TrailingComma])),
    ),
    ("a line comment", "{\"risk_score\": 72, // high\n @rest}", Ok((72.0, &[Comment]))),
    (
        "a line comment with braces and quotes",
        "{\"risk_score\": 72, // \"}{ it's\n @rest}",
        Ok((72.0, &[Comment])),
    ),
    (
        "a block comment with another score",
        r#"{"risk_score": /* "risk_score": 30} */ 72, @rest}"#,
        Ok((72.0, &[Comment])),
    ),
    ("a comment next to a number", "{\"risk_score\": 72/* high */, @rest}", Ok((72.0, &[Comment]))),
    ("a comment of Python", "{\"risk_score\": 72, # high }\n @rest}", Ok((72.0, &[Comment]))),
    (
        "a comment after a trailing comma",
        "{\"risk_score\": 72, @rest, // done\n}",
        Ok((72.0, &[TrailingComma, Comment])),
    ),
    (
        "unquoted keys",
        r#"{risk_score: 72, explanation: "x", recommendations: ["a", "b"]}"#,
        Ok((72.0, &[BareKey])),
    ),
    ("a bare key with a dollar", r#"{$id: 1, "risk_score": 72, @rest}"#, Ok((72.0, &[BareKey]))),
    (
        "literals of Python",
        r#"{"risk_score": 72, @rest, "a": None, "b": [True, False]}"#,
        Ok((72.0, &[Literal])),
    ),
    ("a literal of JavaScript", r#"{"risk_score": 72, @rest, "a": undefined}"#, Ok((72.0, &[Literal]))),
    ("literals of JSON", r#"{"risk_score": 72, @rest, "a": null, "b": [true, false]}"#, Ok((72.0, &[]))),
    (
        "a dictionary of Python",
        "{'risk_score': 72, 'explanation': \"It's bad\", 'recommendations': ['a', 'b'], 'note': None,}",
        Ok((72.0, &[TrailingComma, Quotes, Literal])),
    ),
    (
        "all at once",
        "{risk_score: 72, /* so */ explanation: 'x\ny', recommendations: [`a`, “it\\'s”,], other: None}",
        Ok((72.0, &[TrailingComma, Comment, Quotes, BareKey, Literal, RawControl, Escape])),
    ),
    ("all white space of JSON", "{\t\"risk_score\"\r\n:\n72 ,@rest }", Ok((72.0, &[]))),
];

pub(super) const STRINGS: &[ReplyCase] = &[
    (
        "single quotes",
        "{'risk_score': 72, 'explanation': 'x', 'recommendations': ['a', 'b']}",
        Ok((72.0, &[Quotes])),
    ),
    (
        "single quotes around double ones",
        r#"{"risk_score": 72, "note": 'say "no", {so}', @rest}"#,
        Ok((72.0, &[Quotes])),
    ),
    (
        "single quotes with an escaped apostrophe",
        r#"{"risk_score": 72, "note": 'it\'s', @rest}"#,
        Ok((72.0, &[Quotes, Escape])),
    ),
    ("single quotes with an apostrophe", r#"{"risk_score": 72, "note": 'it's', @rest}"#, Err("no_object")),
    (
        "double quotes with an escaped apostrophe",
        r#"{"risk_score": 72, "note": "it\'s", @rest}"#,
        Ok((72.0, &[Escape])),
    ),
    ("back quotes", "{`risk_score`: 72, @rest}", Ok((72.0, &[Quotes]))),
    (
        "English typographic quotes",
        "{“risk_score”: 72, “explanation”: “x”, “recommendations”: [“a”, “b”]}",
        Ok((72.0, &[Quotes])),
    ),
    ("typographic quotes closed as opened", "{”risk_score”: 72, @rest}", Ok((72.0, &[Quotes]))),
    ("German typographic quotes", "{„risk_score“: 72, ‚note‘: „x”, @rest}", Ok((72.0, &[Quotes]))),
    ("single typographic quotes", "{‘risk_score’: 72, @rest}", Ok((72.0, &[Quotes]))),
    (
        "single typographic quotes with an apostrophe",
        "{‘note’: ‘it’s’, \"risk_score\": 72, @rest}",
        Err("no_object"),
    ),
    (
        "typographic quotes within a string",
        "{\"risk_score\": 72, \"note\": \"“no” and ‘so’\", @rest}",
        Ok((72.0, &[])),
    ),
    (
        "typographic quotes around double ones",
        "{\"risk_score\": 72, “note”: “say \"no\"”, @rest}",
        Ok((72.0, &[Quotes])),
    ),
    ("a quote closed by another kind", "{“risk_score\": 72, @rest}", Err("truncated")),
    ("a raw line break", "{\"risk_score\": 72, \"note\": \"a\r\nb\", @rest}", Ok((72.0, &[RawControl]))),
    ("a raw tab", "{\"risk_score\": 72, \"note\": \"a\tb\", @rest}", Ok((72.0, &[RawControl]))),
    ("a raw control character", "{\"risk_score\": 72, \"note\": \"a\u{1b}[0m\", @rest}", Err("no_object")),
    ("an escaped control character", r#"{"risk_score": 72, "note": "a\u001b[0m", @rest}"#, Ok((72.0, &[]))),
    (
        "every escape of JSON",
        r#"{"risk_score": 72, "note": "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00", @rest}"#,
        Ok((72.0, &[])),
    ),
    ("an escaped score key", r#"{"risk\u005fscore": 72, @rest}"#, Ok((72.0, &[]))),
    ("an escape that JSON does not have", r#"{"risk_score": 72, "note": "a\d", @rest}"#, Err("no_object")),
    ("a hexadecimal escape", r#"{"risk_score": 72, "note": "\x41", @rest}"#, Err("no_object")),
    ("an escape with a sign", r#"{"risk_score": 72, "note": "\u+123", @rest}"#, Err("no_object")),
    ("a continued line", "{\"risk_score\": 72, \"note\": \"a\\\nb\", @rest}", Err("no_object")),
    ("a lone high surrogate", r#"{"risk_score": 72, "note": "\ud83d", @rest}"#, Err("no_object")),
    ("a lone low surrogate", r#"{"risk_score": 72, "note": "\ude00", @rest}"#, Err("no_object")),
    (
        "a high surrogate and no low one",
        r#"{"risk_score": 72, "note": "\ud83d\u0041", @rest}"#,
        Err("no_object"),
    ),
    ("an escaped NUL", r#"{"risk_score": 72, "note": "\u0000", @rest}"#, Err("no_object")),
    ("a raw NUL", "{\"risk_score\": 72, \"note\": \"a\0\", @rest}", Err("no_object")),
    ("a NUL in a key", r#"{"risk_score": 72, "no\u0000te": 1, @rest}"#, Err("no_object")),
];

pub(super) const NEVER: &[ReplyCase] = &[
    (
        "a comma that is missing",
        r#"{"risk_score": 72 "explanation": "x", "recommendations": ["a", "b"]}"#,
        Err("no_object"),
    ),
    ("a comma that is missing at a line's end", "{\"risk_score\": 72\n @rest}", Err("no_object")),
    (
        "a comma that is missing in a list",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a" "b"]}"#,
        Err("no_object"),
    ),
    ("a colon that is missing", r#"{"risk_score" 72, @rest}"#, Err("no_object")),
    ("an equals sign", r#"{"risk_score" = 72, @rest}"#, Err("no_object")),
    ("a value that is missing", r#"{"risk_score": 72, "note": , @rest}"#, Err("no_object")),
    ("a score that is missing", r#"{"risk_score": , @rest}"#, Err("type:risk_score")),
    ("two commas", r#"{"risk_score": 72,, @rest}"#, Err("no_object")),
    ("a comma first", r#"{, "risk_score": 72, @rest}"#, Err("no_object")),
    ("a comma alone in a list", r#"{"risk_score": 72, "note": [,], @rest}"#, Err("no_object")),
    ("an ellipsis", r#"{"risk_score": 72, @rest, ...}"#, Err("no_object")),
    (
        "an ellipsis in a list",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", "b", ...]}"#,
        Err("no_object"),
    ),
    (
        "inner quotes",
        r#"{"risk_score": 72, "explanation": "a "big" drop", "recommendations": ["a", "b"]}"#,
        Err("no_object"),
    ),
    (
        "inner quotes and a brace",
        r#"{"risk_score": 72, "explanation": "a "big } drop", "recommendations": ["a", "b"]}"#,
        Err("no_object"),
    ),
    (
        "inner quotes that close the object",
        r#"{"explanation": "use "} here", "risk_score": 72, "recommendations": ["a", "b"]}"#,
        Err("missing:risk_score"),
    ),
    (
        "strings joined by a plus",
        r#"{"risk_score": 72, "explanation": "a" + "b", "recommendations": ["a", "b"]}"#,
        Err("no_object"),
    ),
    (
        "strings side by side",
        r#"{"risk_score": 72, "explanation": "a" "b", "recommendations": ["a", "b"]}"#,
        Err("no_object"),
    ),
    (
        "a bare word as a value",
        r#"{"risk_score": 72, "explanation": high, "recommendations": ["a", "b"]}"#,
        Err("no_object"),
    ),
    ("literals in capitals", r#"{"risk_score": 72, "note": NULL, @rest}"#, Err("no_object")),
    (
        "a number that JSON does not have, elsewhere",
        r#"{"risk_score": 72, "note": NaN, @rest}"#,
        Err("no_object"),
    ),
    (
        "a number with a leading zero, elsewhere",
        r#"{"risk_score": 72, "note": 007, @rest}"#,
        Err("no_object"),
    ),
    (
        "a list closed by a brace",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", "b"}"#,
        Err("no_object"),
    ),
    (
        "a list that is not closed",
        r#"{"risk_score": 72, "recommendations": ["a", "b", "explanation": "x"}"#,
        Err("no_object"),
    ),
    ("a key with a hyphen, unquoted", "{risk-score: 72, @rest}", Err("no_object")),
    ("a number as a key", r#"{1: 2, "risk_score": 72, @rest}"#, Err("no_object")),
    ("a bracket as a key", r#"{[1]: 2, "risk_score": 72, @rest}"#, Err("no_object")),
    ("doubled braces", "{@A}", Err("no_object")),
    (
        "parentheses for a list",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ("a", "b")}"#,
        Err("no_object"),
    ),
    ("a space that is not JSON's", "{\"risk_score\":\u{a0}72, @rest}", Err("no_object")),
    ("a zero-width space between tokens", "{\u{200b}\"risk_score\": 72, @rest}", Err("no_object")),
    ("an object quoted as Markdown", "> {\"risk_score\": 72,\n> @rest}", Err("no_object")),
    ("escaped quotes outside a string", r#"{\"risk_score\": 72}"#, Err("no_object")),
    ("entities of HTML", "{&quot;risk_score&quot;: 72}", Err("no_object")),
    ("a malformed object without a score is prose", r#"{"explanation": x} @A"#, Ok((72.0, &[Prose]))),
];
