//! Cases: explanations and recommendations.

use super::ReplyCase;

pub(super) const TEXTS: &[ReplyCase] = &[
    (
        "three recommendations",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", "b", "c"]}"#,
        Ok((72.0, &[])),
    ),
    (
        "one recommendation",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a"]}"#,
        Err("count"),
    ),
    (
        "four recommendations",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", "b", "c", "d"]}"#,
        Err("count"),
    ),
    ("no recommendations", r#"{"risk_score": 72, "explanation": "x", "recommendations": []}"#, Err("count")),
    (
        "two that are equal once trimmed",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", " a\n"]}"#,
        Err("count"),
    ),
    (
        "a blank one",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", " "]}"#,
        Err("blank:recommendations"),
    ),
    (
        "a blank fourth one is not dropped",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", "b", "c", ""]}"#,
        Err("count"),
    ),
    (
        "a null among them",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", "b", null]}"#,
        Err("type:recommendations"),
    ),
    (
        "an object among them",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", {"action": "b"}]}"#,
        Err("type:recommendations"),
    ),
    (
        "a number among them",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", 2]}"#,
        Err("type:recommendations"),
    ),
    (
        "a lone surrogate among them",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", "\ud800"]}"#,
        Err("type:recommendations"),
    ),
    (
        "a string for the list",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": "a; b"}"#,
        Err("type:recommendations"),
    ),
    (
        "an object for the list",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": {"1": "a", "2": "b"}}"#,
        Err("type:recommendations"),
    ),
    (
        "null for the list",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": null}"#,
        Err("type:recommendations"),
    ),
    ("no list", r#"{"risk_score": 72, "explanation": "x"}"#, Err("missing:recommendations")),
    (
        "a blank explanation",
        r#"{"risk_score": 72, "explanation": "\n\t ", "recommendations": ["a", "b"]}"#,
        Err("blank:explanation"),
    ),
    (
        "an invisible explanation",
        r#"{"risk_score": 72, "explanation": "\u200b\ufeff\u0007", "recommendations": ["a", "b"]}"#,
        Err("blank:explanation"),
    ),
    (
        "a list for the explanation",
        r#"{"risk_score": 72, "explanation": ["x"], "recommendations": ["a", "b"]}"#,
        Err("type:explanation"),
    ),
    (
        "null for the explanation",
        r#"{"risk_score": 72, "explanation": null, "recommendations": ["a", "b"]}"#,
        Err("type:explanation"),
    ),
    (
        "a NUL in the explanation",
        r#"{"risk_score": 72, "explanation": "a\u0000", "recommendations": ["a", "b"]}"#,
        Err("type:explanation"),
    ),
    (
        "a lone surrogate in the explanation",
        r#"{"risk_score": 72, "explanation": "\udc00", "recommendations": ["a", "b"]}"#,
        Err("type:explanation"),
    ),
    ("the score is checked first", r#"{"risk_score": 101, "recommendations": ["a"]}"#, Err("range")),
];

pub(super) const BLANK: &[ReplyCase] = &[
    (
        "an explanation of digits",
        r#"{"risk_score": 72, "explanation": "72", "recommendations": ["a", "b"]}"#,
        Err("blank:explanation"),
    ),
    (
        "an explanation of punctuation",
        r#"{"risk_score": 72, "explanation": "...", "recommendations": ["a", "b"]}"#,
        Err("blank:explanation"),
    ),
    (
        "an explanation of an emoji",
        r#"{"risk_score": 72, "explanation": "📉", "recommendations": ["a", "b"]}"#,
        Err("blank:explanation"),
    ),
    (
        "a recommendation of digits",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", "2."]}"#,
        Err("blank:recommendations"),
    ),
    (
        "letters of another script",
        r#"{"risk_score": 72, "explanation": "电话增多", "recommendations": ["Звонить", "連絡"]}"#,
        Ok((72.0, &[])),
    ),
];

pub(super) const PLACEHOLDERS: &[ReplyCase] = &[
    (
        "a fact's id",
        r#"{"risk_score": 72, "explanation": "ib_calls_14d", "recommendations": ["a", "b"]}"#,
        Err("placeholder:explanation"),
    ),
    (
        "a fact's id in another form",
        r#"{"risk_score": 72, "explanation": "Health Score.", "recommendations": ["a", "b"]}"#,
        Err("placeholder:explanation"),
    ),
    (
        "a fact's id in braces",
        r#"{"risk_score": 72, "explanation": "{health_score}", "recommendations": ["a", "b"]}"#,
        Err("placeholder:explanation"),
    ),
    (
        "an enum's value",
        r#"{"risk_score": 72, "explanation": "high_demand", "recommendations": ["a", "b"]}"#,
        Err("placeholder:explanation"),
    ),
    (
        "an enum's value in a recommendation",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", "`balanced`"]}"#,
        Err("placeholder:recommendations"),
    ),
    (
        "an effect",
        r#"{"risk_score": 72, "explanation": "raises", "recommendations": ["a", "b"]}"#,
        Err("placeholder:explanation"),
    ),
    (
        "the choice of effects",
        r#"{"risk_score": 72, "explanation": "\"raises\" or \"lowers\"", "recommendations": ["a", "b"]}"#,
        Err("placeholder:explanation"),
    ),
    (
        "a key of the answer",
        r#"{"risk_score": 72, "explanation": "explanation", "recommendations": ["a", "b"]}"#,
        Err("placeholder:explanation"),
    ),
    (
        "a key of a driver",
        r#"{"risk_score": 72, "explanation": "because", "recommendations": ["a", "b"]}"#,
        Err("placeholder:explanation"),
    ),
    (
        "one sentence",
        r#"{"risk_score": 72, "explanation": "one sentence", "recommendations": ["a", "b"]}"#,
        Err("placeholder:explanation"),
    ),
    (
        "<two to four sentences>",
        r#"{"risk_score": 72, "explanation": "<two to four sentences>", "recommendations": ["a", "b"]}"#,
        Err("placeholder:explanation"),
    ),
    (
        "an action",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["an action", "another action"]}"#,
        Err("placeholder:recommendations"),
    ),
    (
        "<action>",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", "<action>"]}"#,
        Err("placeholder:recommendations"),
    ),
    (
        "numbered actions",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["1. Action 1", "Action 2"]}"#,
        Err("placeholder:recommendations"),
    ),
    (
        "[Your explanation here.]",
        r#"{"risk_score": 72, "explanation": "[Your explanation here.]", "recommendations": ["a", "b"]}"#,
        Err("placeholder:explanation"),
    ),
    (
        "a schema's word",
        r#"{"risk_score": 72, "explanation": "string", "recommendations": ["a", "b"]}"#,
        Err("placeholder:explanation"),
    ),
    (
        "an id within a sentence",
        r#"{"risk_score": 72, "explanation": "health_score is low", "recommendations": ["a", "b"]}"#,
        Ok((72.0, &[])),
    ),
    (
        "a number and an id",
        r#"{"risk_score": 72, "explanation": "{ib_calls_14d} calls", "recommendations": ["a", "b"]}"#,
        Ok((72.0, &[])),
    ),
    (
        "a placeholder's words within a sentence",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["Take the first step now.", "b"]}"#,
        Ok((72.0, &[])),
    ),
    (
        "words of a placeholder without its noun",
        r#"{"risk_score": 72, "explanation": "x", "recommendations": ["a", "The second one."]}"#,
        Ok((72.0, &[])),
    ),
    (
        "a placeholder and an answer",
        r#"{"risk_score": 72, "explanation": "<one sentence>", "recommendations": ["a", "b"]} @A"#,
        Err("ambiguous"),
    ),
];

pub(super) const REPETITION: &[ReplyCase] = &[
    (
        "a sentence three times",
        r#"{"risk_score": 72, "explanation": "Calls rose. Calls rose. Calls rose.", "recommendations": ["a", "b"]}"#,
        Err("repetitive"),
    ),
    (
        "a sentence three times, apart and in another form",
        r#"{"risk_score": 72, "explanation": "Calls rose!\nHealth fell. CALLS  ROSE. So it is. Calls rose", "recommendations": ["a", "b"]}"#,
        Err("repetitive"),
    ),
    (
        "a sentence three times, in a list",
        r#"{"risk_score": 72, "explanation": "- Calls rose\n- Calls rose\n- Calls rose", "recommendations": ["a", "b"]}"#,
        Err("repetitive"),
    ),
    (
        "a sentence three times, numbered",
        r#"{"risk_score": 72, "explanation": "1. Calls rose. 2. Calls rose. 3. Calls rose.", "recommendations": ["a", "b"]}"#,
        Err("repetitive"),
    ),
    (
        "a sentence three times, in a script without spaces",
        r#"{"risk_score": 72, "explanation": "电话增多。电话增多。电话增多。", "recommendations": ["a", "b"]}"#,
        Err("repetitive"),
    ),
    (
        "a sentence twice",
        r#"{"risk_score": 72, "explanation": "Calls rose. Calls rose.", "recommendations": ["a", "b"]}"#,
        Ok((72.0, &[])),
    ),
    (
        "three sentences that differ by a number",
        r#"{"risk_score": 72, "explanation": "The 5 calls. The 6 calls. The 7 calls.", "recommendations": ["a", "b"]}"#,
        Ok((72.0, &[])),
    ),
    (
        "an abbreviation three times",
        r#"{"risk_score": 72, "explanation": "Approx. 5 calls. Approx. 6 calls. Approx. 7 calls, e.g. two.", "recommendations": ["a", "b"]}"#,
        Ok((72.0, &[])),
    ),
    (
        "a decimal three times",
        r#"{"risk_score": 72, "explanation": "From 64.5 to 64.5, then 64.5 again.", "recommendations": ["a", "b"]}"#,
        Ok((72.0, &[])),
    ),
    (
        "no sentence, three times",
        r#"{"risk_score": 72, "explanation": "So. . .\n\n\n... ... ...", "recommendations": ["a", "b"]}"#,
        Ok((72.0, &[])),
    ),
];
