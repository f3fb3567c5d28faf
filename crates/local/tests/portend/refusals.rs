//! Tests every reason to refuse an event, from the input to the parked event.

use serde_json::{Value, json};

use super::alerts::{batch, event, student, subject, with, without};
use super::harness::Home;

const EVENT_BYTES_MAX: usize = 64 * 1024;

/// An event of exactly `bytes` bytes.
fn sized(bytes: usize) -> Vec<u8> {
    let alert = with(&student("stu_large"), "/message", json!(""));
    let message = "x".repeat(bytes - alert.to_string().len());
    with(&alert, "/message", json!(message)).to_string().into_bytes()
}

/// An event with `levels` levels of nesting.
fn deep(levels: usize) -> Vec<u8> {
    let inner = (2..levels).fold(json!({}), |inner, _| json!([inner]));
    with(&student("stu_deep"), "/extra", inner).to_string().into_bytes()
}

/// An alert in which `to` replaces `from`.
fn replaced(from: &str, to: &[u8]) -> Vec<u8> {
    let text = student("stu_1").to_string();
    let (before, after) = text.split_once(from).unwrap();
    [before.as_bytes(), to, after.as_bytes()].concat()
}

/// What is wrong, the event, its reason code, and a part of its sentence.
type Refused = (&'static str, Vec<u8>, &'static str, &'static str);

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// Events that are refused as a whole, before any field is read.
fn of_whole_events() -> Vec<Refused> {
    let two_values = replaced(":65", b":65,\"health_score\":66");
    vec![
        ("one byte too long", sized(EVENT_BYTES_MAX + 1), "too_large", "at most 65536 bytes, got 65537"),
        ("one level too deep", deep(33), "too_deep", "32 levels"),
        ("a byte that is not UTF-8", replaced("stu_1", b"stu_\xff"), "not_utf8", "byte"),
        ("not JSON", b"nonsense".to_vec(), "not_json", "strict JSON"),
        ("NaN", replaced(":65", b":NaN"), "not_json", "strict JSON"),
        ("two documents on one line", replaced("\"severity\"", b"}{\"severity\""), "not_json", "strict JSON"),
        ("half a character", replaced("stu_1", br"\ud800"), "not_json", "strict JSON"),
        ("two values", two_values, "duplicate_key", "health_score"),
        ("not a known shape", b"{}".to_vec(), "not_an_event", "an object with neither"),
    ]
}

/// EventBridge events with a missing or wrong field.
fn of_events() -> Vec<Refused> {
    let event = event(&student("stu_1"));
    let changed = |path, value: &str| bytes(&with(&event, path, value.into()));
    let missing = |path| bytes(&without(&event, path));
    vec![
        (
            "another detail-type",
            changed("/detail-type", "low_health_score"),
            "type_mismatch",
            "$.detail-type",
        ),
        ("no detail", missing("/detail"), "missing:$.detail", "the object"),
        ("a detail that is text", changed("/detail", "{}"), "invalid:$.detail", "got \"{}\""),
        ("no type", missing("/detail/alert_type"), "missing:$.detail.alert_type", "is missing"),
        ("no entity", missing("/detail/entity_id"), "missing:$.detail.entity_id", "is missing"),
        ("no details", missing("/detail/details"), "missing:$.detail.details", "an object"),
        (
            "no fact",
            missing("/detail/details/health_score"),
            "missing:$.detail.details.health_score",
            "is missing",
        ),
    ]
}

/// Bare details with a missing or wrong field.
fn of_fields() -> Vec<Refused> {
    let changed = |path, value: Value| bytes(&with(&student("stu_1"), path, value));
    let named = |name: &str| bytes(&subject(name));
    let (id, at) = ("invalid:$.entity_id", "invalid:$.timestamp");
    let missing = |path| bytes(&without(&student("stu_1"), path));
    let unknown = |id: &str| changed("/alert_type", id.into());
    let time = |text: &str| changed("/timestamp", text.into());
    vec![
        ("an unknown type", unknown("dropped_sessions"), "unknown_alert_type", "got \"dropped_sessions\""),
        ("the type in capitals", unknown("LOW_HEALTH_SCORE"), "unknown_alert_type", "exact spelling"),
        ("the type with a space", unknown("low_health_score "), "unknown_alert_type", "$.alert_type"),
        ("the type is a number", changed("/alert_type", 5.into()), "invalid:$.alert_type", "got 5"),
        (
            "another entity",
            changed("/entity_type", "subject".into()),
            "type_mismatch",
            "$.entity_type: expected \"student\"",
        ),
        ("no entity type", missing("/entity_type"), "missing:$.entity_type", "is missing"),
        ("a space in an id", changed("/entity_id", "stu 1".into()), id, "got \"stu 1\""),
        ("an id too long", changed("/entity_id", "s".repeat(65).into()), id, "at most 63"),
        ("a name that reverses the text", named("C\u{202e}#"), id, "\\u{202e}"),
        ("an invisible name", named(" "), id, "1 to 128 visible characters"),
        ("a name too long", named(&"ß".repeat(129)), id, "1 to 128 visible characters"),
        ("no severity", missing("/severity"), "missing:$.severity", "is missing"),
        (
            "a severity too long",
            changed("/severity", "s".repeat(33).into()),
            "invalid:$.severity",
            "at most 32",
        ),
        ("no timestamp", missing("/timestamp"), "missing:$.timestamp", "RFC 3339"),
        ("a date alone", time("2025-01-01"), at, "got \"2025-01-01\""),
        ("a number for a time", changed("/timestamp", 1_735_732_800.into()), at, "got 1735732800"),
        ("a zero value", time("1999-12-31T23:59:59Z"), at, "2000"),
        ("the far future", time("2999-01-01T00:00:00Z"), at, "24 hours"),
    ]
}

/// Facts that are missing, of the wrong type or out of range.
fn of_facts() -> Vec<Refused> {
    let (calls, score) = ("invalid:$.details.ib_calls_14d", "invalid:$.details.health_score");
    let calls_are = |value: Value| bytes(&with(&student("stu_1"), "/details/ib_calls_14d", value));
    let score_is = |value: Value| bytes(&with(&student("stu_1"), "/details/health_score", value));
    let status = bytes(&with(&subject("C#"), "/details/balance_status", "High_demand".into()));
    let none = bytes(&without(&student("stu_1"), "/details/health_score"));
    let expected = "a number from 0 to 100";
    vec![
        ("no fact", none, "missing:$.details.health_score", expected),
        ("half a call", calls_are(2.5.into()), calls, "a whole number from 0 to 10000, got 2.5"),
        ("below the range", calls_are((-1).into()), calls, "got -1"),
        ("above the range", score_is(100.1.into()), score, "got 100.1"),
        ("more than a number holds", replaced(":65", b":1e999"), score, "got 1e999"),
        ("a truth value", score_is(true.into()), score, "got true"),
        ("null", score_is(Value::Null), score, "got null"),
        ("text that says NaN", score_is("NaN".into()), score, expected),
        ("text that says infinity", score_is("inf".into()), score, expected),
        ("text that is not a decimal", score_is("6e".into()), score, expected),
        ("an unknown status", status, "invalid:$.details.balance_status", "one of balanced"),
    ]
}

fn refused() -> Vec<Refused> {
    [of_whole_events(), of_events(), of_fields(), of_facts()].concat()
}

#[test]
fn every_refused_event_is_parked_once_unchanged_with_its_reason() {
    let home = Home::new();
    let refused = refused();
    let input: Vec<u8> = refused.iter().flat_map(|(_, event, _, _)| [event, &b"\n"[..]].concat()).collect();
    for _ in 0..2 {
        let run = home.explain(&input).exits(1);
        assert_eq!(run.json().len(), refused.len());
        for (number, (line, (name, _, reason, part))) in run.json().iter().zip(&refused).enumerate() {
            assert_eq!((&line["status"], &line["reason"]), (&"parked".into(), &(*reason).into()), "{name}");
            let message = line["message"].as_str().unwrap();
            assert!(
                message.starts_with(&format!("line {} of standard input: ", number + 1)),
                "{name}: {message}"
            );
            assert!(message.contains(part), "{name}: {message}");
        }
    }
    // The second run stored no further parked events.
    let parked = home.parked();
    assert_eq!(parked.len(), refused.len());
    for (name, event, reason, part) in &refused {
        let text = String::from_utf8_lossy(&event[..event.len().min(EVENT_BYTES_MAX)]);
        let item = parked.iter().find(|item| item["event"] == *text && item["reason"] == *reason);
        let item = item.unwrap_or_else(|| panic!("{name} is not parked"));
        assert_eq!(item["event_bytes"], event.len(), "{name}");
        assert!(item["message"].as_str().unwrap().contains(part), "{name}: {item}");
    }
    assert_eq!(home.insights().len(), 0);
    let ledger = home.ledger();
    assert_eq!(
        (&ledger["received"], &ledger["parked"]),
        (&(2 * refused.len()).into(), &(2 * refused.len()).into())
    );
}

#[test]
fn the_reason_is_the_first_rule_that_fails() {
    let home = Home::new();
    // The test fixes one field after another, in the order of the rules.
    let fixes: [(&str, Value); 7] = [
        ("/alert_type", "high_ib_call_frequency".into()),
        ("/entity_type", "student".into()),
        ("/entity_id", "stu_1".into()),
        ("/severity", "warning".into()),
        ("/timestamp", "2025-01-01T12:00:00Z".into()),
        ("/details/ib_calls_14d", 5.into()),
        ("/details/health_score", 65.into()),
    ];
    let mut alert = fixes.iter().fold(student("stu_1"), |alert, (path, _)| with(&alert, path, "?".into()));
    let mut reasons = Vec::new();
    for (path, fix) in fixes {
        reasons.extend(home.explain(alert.to_string()).outcomes());
        alert = with(&alert, path, fix);
    }
    reasons.extend(home.explain(alert.to_string()).outcomes());
    let facts = ["invalid:$.details.ib_calls_14d", "invalid:$.details.health_score"];
    let expected = [
        "unknown_alert_type",
        "type_mismatch",
        "invalid:$.entity_id",
        "invalid:$.severity",
        "invalid:$.timestamp",
    ];
    assert_eq!(reasons, [&expected[..], &facts, &["stored"]].concat());
}

#[test]
fn an_event_at_a_limit_is_accepted() {
    let home = Home::new();
    let subject_of = |name: String| with(&subject("x"), "/entity_id", name.into()).to_string().into_bytes();
    let student_of = |path, value| with(&student("stu_fits"), path, value).to_string().into_bytes();
    for (name, event) in [
        ("the largest event", sized(EVENT_BYTES_MAX)),
        ("the deepest event", deep(32)),
        ("the longest id", student_of("/entity_id", "s".repeat(64).into())),
        ("the longest name", subject_of("ß".repeat(128))),
        ("a name in another script", subject_of("می‌خواهم".into())),
        ("an unknown severity of the longest length", student_of("/severity", "s".repeat(32).into())),
        ("the lowest facts", student_of("/details", json!({ "ib_calls_14d": 0, "health_score": 0 }))),
        (
            "the highest facts",
            student_of("/details", json!({ "ib_calls_14d": "10000", "health_score": "100" })),
        ),
        ("one key twice with one value", replaced(":65", b":65,\"health_score\":65.0")),
    ] {
        assert_eq!(home.explain(event).outcomes(), ["stored"], "{name}");
    }
}

#[test]
fn the_path_of_a_field_in_a_record_begins_at_its_body() {
    let home = Home::new();
    let bare = without(&student("stu_1"), "/severity");
    let run = home.explain(batch([bare.clone(), event(&bare)]).to_string()).exits(1);
    assert_eq!(run.outcomes(), ["missing:$.severity", "missing:$.detail.severity"]);
    assert_eq!(home.parked().len(), 2);
}
