//! The reader on labelled replies: tables of cases, behind one check.

mod around;
mod bounds;
mod generated;
mod properties;
mod syntax;
mod texts;
mod values;
mod wrapped;

use std::sync::LazyLock;

use super::{Repair, Reply, ReplyDriver, ReplyError, ReplyKey, ReplyVocabulary, SyntaxFault};
use crate::alert_type::AlertTypes;
use crate::driver::Effect;
use crate::prompt::PromptTemplate;

/// The name, the text, and the expected score with its repairs or the expected code. In the text, `@A` and `@B` are two
/// answers with the scores 72 and 30, `@rest` is their other members, and `@quoted` is the first as a JSON string.
type ReplyCase = (&'static str, &'static str, Result<(f64, &'static [Repair]), &'static str>);

static VOCABULARY: LazyLock<ReplyVocabulary> =
    LazyLock::new(|| ReplyVocabulary::new(&["ib_calls_14d", "health_score"], &["high_demand", "balanced"]));
const EXPLANATION: &str = "Calls rose.";
const RECOMMENDATIONS: [&str; 2] = ["Call the family.", "Offer a session."];
const REST: &str =
    r#""explanation": "Calls rose.", "recommendations": ["Call the family.", "Offer a session."]"#;

fn expand(text: &str) -> String {
    let answer = |score: u8| format!(r#"{{"risk_score": {score}, {REST}}}"#);
    let quoted = serde_json::to_string(&answer(72)).unwrap();
    text.replace("@A", &answer(72))
        .replace("@B", &answer(30))
        .replace("@quoted", &quoted)
        .replace("@rest", REST)
}

fn check(table: &[ReplyCase]) {
    let mut wrong = Vec::new();
    for (name, text, expected) in table {
        let expanded = expand(text);
        let reply = Reply::read(&expanded, &VOCABULARY);
        let outcome =
            reply.as_ref().map(|reply| (reply.risk_score().get(), reply.repairs())).map_err(|e| e.code());
        if outcome != *expected {
            wrong.push(format!("{name}: expected {expected:?}, got {outcome:?}: {expanded}"));
        }
        let Ok(reply) = reply else { continue };
        assert_reads_itself(&reply);
        if *text != expanded {
            assert_eq!(reply.explanation(), EXPLANATION, "{name}");
            assert_eq!(reply.recommendations(), RECOMMENDATIONS, "{name}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The accepted answer, serialised, is accepted unchanged with no repair.
fn assert_reads_itself(reply: &Reply) {
    let again = Reply::read(&reply.to_json(), &VOCABULARY).expect("an accepted answer is accepted again");
    assert_eq!(again, Reply { repairs: Vec::new(), ..reply.clone() });
}

#[test]
fn text_around_an_answer_is_skipped_but_not_a_second_answer() {
    check(around::TEXT);
    check(around::REASONING);
    check(around::FENCES_AND_PROSE);
    check(around::SEVERAL);
    check(around::TRUNCATED);
}

#[test]
fn one_level_of_wrapping_is_opened_and_not_two() {
    check(wrapped::ENVELOPES);
    check(wrapped::LISTS);
    check(wrapped::TOOL_CALLS);
    check(wrapped::MARKERS);
    check(wrapped::STRINGS);
}

#[test]
fn syntax_is_repaired_where_nothing_is_lost() {
    check(syntax::REPAIRED);
    check(syntax::STRINGS);
    check(syntax::NEVER);
}

#[test]
fn values_are_checked_and_never_improved() {
    check(values::KEYS);
    check(values::SCORES);
    check(values::DRIVERS);
}

#[test]
fn a_text_has_letters_and_is_neither_a_placeholder_nor_repetitive() {
    check(texts::TEXTS);
    check(texts::BLANK);
    check(texts::PLACEHOLDERS);
    check(texts::REPETITION);
}

#[test]
fn there_are_enough_cases() {
    let around =
        [around::TEXT, around::REASONING, around::FENCES_AND_PROSE, around::SEVERAL, around::TRUNCATED];
    let wrapped =
        [wrapped::ENVELOPES, wrapped::LISTS, wrapped::TOOL_CALLS, wrapped::MARKERS, wrapped::STRINGS];
    let syntax = [syntax::REPAIRED, syntax::STRINGS, syntax::NEVER];
    let values = [values::KEYS, values::SCORES, values::DRIVERS];
    let texts = [texts::TEXTS, texts::BLANK, texts::PLACEHOLDERS, texts::REPETITION];
    let tables = [&around[..], &wrapped, &syntax, &values, &texts].concat();
    let cases: usize = tables.iter().map(|table| table.len()).sum();
    assert!(cases >= 300, "{cases} cases");
}

#[test]
fn the_texts_of_an_answer_are_unescaped_and_trimmed() {
    let text = r#"{"risk_score": "64.5", "explanation": "\u00dcber 5 \"calls\"\n\ud83d\ude00 ", "recommendations":
        [" Call‘s {first} ", 'It\'s "now"', "\\n stays"]}"#;
    let reply = Reply::read(text, &VOCABULARY).unwrap();
    assert_eq!(reply.explanation(), "Über 5 \"calls\"\n😀");
    assert_eq!(reply.recommendations(), ["Call‘s {first}", "It's \"now\"", "\\n stays"]);
    assert_eq!(reply.repairs(), [Repair::Quotes, Repair::Escape, Repair::NumberString]);
    assert!(reply.to_json().starts_with(r#"{"risk_score":64.5,"explanation":"Über"#));
}

#[test]
fn drivers_are_read_with_their_facts() {
    let text = r#"{"risk_score": 72, @rest, "drivers": [{"fact": "ib_calls_14d", "effect": "raises",
        "because": " Five calls. ", "value": 5}]}"#;
    let reply = Reply::read(&expand(text), &VOCABULARY).unwrap();
    let (fact, because) = ("ib_calls_14d".into(), "Five calls.".into());
    assert_eq!(reply.drivers(), [ReplyDriver { fact, effect: Effect::Raises, because }]);
    assert_reads_itself(&reply);
}

/// No text of the prompt or of its schema can be copied as an answer.
#[test]
fn what_the_prompt_says_of_a_text_is_no_answer() {
    let types = AlertTypes::built_in();
    let alert_type = types.get("supply_demand_imbalance").unwrap();
    let vocabulary = ReplyVocabulary::of(alert_type);
    let template = PromptTemplate::new(alert_type);
    assert!(!template.system().contains('<'), "{}", template.system());
    let because = template
        .schema()
        .bounded()
        .pointer("/properties/drivers/items/properties/because/description")
        .and_then(serde_json::Value::as_str);
    let described = because.and_then(|text| text.split_inclusive('.').next()).unwrap();
    for text in [
        described,
        "why, in a full sentence about this alert",
        "A text of two to four full sentences about this alert.",
        "One concrete action that the team can take",
        "{demand_score}",
        "balance_status",
        "high_demand",
        "raises",
    ] {
        let reply =
            format!(r#"{{"risk_score": 72, "explanation": "{text}", "recommendations": ["a", "b"]}}"#);
        let code = Reply::read(&reply, &vocabulary).map(|_| ()).map_err(ReplyError::code);
        assert_eq!(code, Err("placeholder:explanation"), "{text}");
    }
}

#[test]
fn a_repair_serialises_as_its_code() {
    for repair in Repair::ALL {
        assert_eq!(serde_json::to_value(repair).unwrap(), repair.code());
    }
    assert!(Repair::ALL.is_sorted());
}

#[test]
fn an_error_says_what_is_wrong_and_what_to_write() {
    let all = [
        ReplyError::NoObject,
        ReplyError::Malformed(SyntaxFault::Key),
        ReplyError::Malformed(SyntaxFault::Colon),
        ReplyError::Malformed(SyntaxFault::Comma),
        ReplyError::Malformed(SyntaxFault::Value),
        ReplyError::Malformed(SyntaxFault::Escape),
        ReplyError::Malformed(SyntaxFault::Control),
        ReplyError::Malformed(SyntaxFault::Character),
        ReplyError::Malformed(SyntaxFault::Depth),
        ReplyError::Truncated,
        ReplyError::Ambiguous,
        ReplyError::Missing(ReplyKey::RiskScore),
        ReplyError::Type(ReplyKey::Recommendations),
        ReplyError::Range,
        ReplyError::Scale,
        ReplyError::Count,
        ReplyError::Repeated,
        ReplyError::Blank(ReplyKey::Explanation),
        ReplyError::Placeholder(ReplyKey::Recommendations),
        ReplyError::Repetitive,
        ReplyError::TooLarge,
        ReplyError::TooLong(ReplyKey::Recommendations),
        ReplyError::DuplicateKey,
    ];
    let sentences: Vec<_> = all.iter().map(|each| format!("{}: {each}", each.code())).collect();
    insta::assert_snapshot!(sentences.join("\n"), @r"
    no_object: the reply holds no answer: reply with exactly one JSON object with the keys risk_score, explanation and recommendations
    no_object: the JSON object cannot be read: a key is missing, or is not a string in double quotes
    no_object: the JSON object cannot be read: a colon is missing after a key, or a double quote within the key is not escaped
    no_object: the JSON object cannot be read: a comma is missing after a value, or a double quote within a string is not escaped
    no_object: the JSON object cannot be read: a value is missing, or is not a string, number, true, false, null, array or object
    no_object: the JSON object cannot be read: a string has a backslash that JSON does not allow there
    no_object: the JSON object cannot be read: a string has a raw control character
    no_object: the JSON object cannot be read: a string has a NUL character or half of a surrogate pair
    no_object: the JSON object cannot be read: it is nested more than 64 levels deep
    truncated: the reply ends before everything that it opens is closed: reply with one short, complete JSON object
    ambiguous: the reply holds more than one answer: reply with exactly one JSON object
    missing:risk_score: the key risk_score is missing: write exactly this key, with one number from 0 to 100, as digits without words
    type:recommendations: the value of recommendations has the wrong type: write an array of 2 or 3 strings of at most 2000 characters each
    range: risk_score is outside the scale: write a number from 0 to 100
    scale: risk_score is between 0 and 1, which may be a fraction: write it on the scale from 0 to 100
    count: recommendations has the wrong number of items: write at least 2 and at most 3
    count: two recommendations are the same: write at least 2 that differ
    blank:explanation: explanation has a text without a letter: write one string of at most 10000 characters, in words
    placeholder:recommendations: recommendations has a text that is only a name or a placeholder of the prompt: write an array of 2 or 3 strings of at most 2000 characters each, in whole sentences
    repetitive: explanation says one sentence more than 2 times: write each sentence once
    too_large: the reply is longer than 262144 bytes: reply with the JSON object alone
    too_large: recommendations has a text that is too long: write an array of 2 or 3 strings of at most 2000 characters each
    duplicate_key: one key of the JSON object occurs twice with different values: write each key once
    ");
}
