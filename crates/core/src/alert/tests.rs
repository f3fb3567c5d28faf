//! Tests of every rule for events, and of what the identity of an alert depends on.

mod beyond_numbers;
mod foreign;
mod mappings;

use proptest::prelude::*;

use super::{Alert, Reason};
use crate::alert_type::{AlertTypes, FactValue};
use crate::time::Timestamp;

const EVENT: &str = r#"{ "version": "0", "id": "test-event-id", "detail-type": "high_ib_call_frequency",
  "source": "iops-dashboard.processor", "account": "123456789012", "time": "2025-01-01T12:00:00Z",
  "region": "us-east-1", "resources": [],
  "detail": { "alert_type": "high_ib_call_frequency", "severity": "warning", "entity_id": "stu_4532",
    "entity_type": "student", "details": { "ib_calls_14d": 5, "health_score": 65 },
    "message": "Student stu_4532 has 5 IB calls in 14 days", "timestamp": "2025-01-01T12:00:00Z" } }"#;

const SUBJECT: &str = r#"{ "alert_type": "supply_demand_imbalance", "severity": "info", "entity_id": "AP Calculus AB",
  "entity_type": "subject", "details": { "balance_status": "high_demand", "demand_score": 92.5, "supply_score": 20 },
  "timestamp": "2025-11-05T09:30:00.123456" }"#;

fn received_at() -> Timestamp {
    Timestamp::parse("2026-01-01T00:00:00Z").unwrap()
}

/// Reads an event. Returns the alert key and the alert id, or the reason code.
fn read(event: &[u8]) -> Result<(String, String), String> {
    let types = AlertTypes::built_in();
    let alert = Alert::read(event, &types, received_at());
    alert
        .map(|alert| (alert.key().to_string(), alert.insight_key().alert_id()))
        .map_err(|refusal| refusal.reason().to_string())
}

/// The event with one part of it replaced.
fn with(event: &str, from: &str, to: &str) -> String {
    assert!(event.contains(from), "the event has no {from:?}");
    event.replacen(from, to, 1)
}

fn bare(event: &str) -> String {
    let (_, detail) = event.split_once("\"detail\": ").unwrap();
    detail.trim_end().strip_suffix('}').unwrap().to_owned()
}

#[test]
fn the_sample_event_becomes_an_alert() {
    let types = AlertTypes::built_in();
    let alert = Alert::read(EVENT.as_bytes(), &types, received_at()).unwrap();
    assert_eq!(alert.alert_type().id(), "high_ib_call_frequency");
    assert_eq!((alert.entity_id(), alert.severity()), ("stu_4532", "warning"));
    assert_eq!(alert.message(), Some("Student stu_4532 has 5 IB calls in 14 days"));
    assert_eq!(alert.timestamp().to_string(), "2025-01-01T12:00:00.000Z");
    let facts: Vec<_> = alert.facts().iter().map(|(id, value)| (id, value.to_words())).collect();
    assert_eq!(facts, [("ib_calls_14d", "5".to_owned()), ("health_score", "65".into())]);
}

/// The canonical JSON was derived by hand from RFC 8785, and its hash with a separate tool:
/// `printf '["v1","high_ib_call_frequency","student","stu_4532",{"health_score":13,"ib_calls_14d":5},20089]' | sha256sum`.
#[test]
fn the_alert_key_is_the_sha256_of_canonical_json() {
    let (key, alert_id) = read(EVENT.as_bytes()).unwrap();
    assert_eq!(key, "69605f05fdd0a2010c80900665ed6f4443b934a02956d4228055a895975ae2b8");
    assert_eq!(alert_id, format!("high_ib_call_frequency_stu_4532_1735732800000_{}", key.get(..8).unwrap()));
}

#[test]
fn alerts_with_the_same_content_have_the_same_key() {
    let sample = read(EVENT.as_bytes()).unwrap();
    let reordered = r#"{"timestamp":"2025-01-01T12:00:00","details":{"extra":[1],"health_score":65.0,"ib_calls_14d":5},
        "entity_type":"student","entity_id":"stu_4532","severity":"critical","alert_type":"high_ib_call_frequency"}"#;
    let same = [
        with(EVENT, "test-event-id", "another-id"),
        with(EVENT, "\"region\": \"us-east-1\",", ""),
        with(EVENT, "65", "6.5e1"),
        with(EVENT, "65", "\"65.00\""),
        with(EVENT, "65", "\"6.5e1\""),
        with(EVENT, "65", "\"650E-1\""),
        with(EVENT, "12:00:00Z\" } }", "12:00+0000\" } }"),
        with(EVENT, " 5,", " \"5\","),
        with(EVENT, " 5,", " 5.0,"),
        with(EVENT, "\"health_score\": 65", "\"health_score\": 65, \"health_score\": 65.0"),
        with(EVENT, "\"message\": \"Student stu_4532 has 5 IB calls in 14 days\",", "\"message\": null,"),
        format!("\u{feff}{EVENT}\n"),
        bare(EVENT),
        reordered.to_owned(),
    ];
    for event in same {
        assert_eq!(read(event.as_bytes()), Ok(sample.clone()), "{event}");
    }
}

#[test]
fn alerts_with_different_content_have_different_keys() {
    let sample = read(EVENT.as_bytes()).unwrap();
    let same_step = read(with(EVENT, "65", "69.9").as_bytes()).unwrap();
    assert_eq!(same_step.0, sample.0, "the same step of five points");
    let same_window = read(with(EVENT, "12:00:00Z\" } }", "23:59:59.999Z\" } }").as_bytes()).unwrap();
    assert_eq!(same_window.0, sample.0, "the same window");
    for (from, to) in [
        (" 5,", " 6,"),
        ("65", "64.9"),
        ("65", "70"),
        ("\"stu_4532\"", "\"stu_4533\""),
        ("\"stu_4532\"", "\"STU_4532\""),
        ("2025-01-01T12:00:00Z\" } }", "2025-01-02T00:00:00Z\" } }"),
    ] {
        assert_ne!(read(with(EVENT, from, to).as_bytes()).unwrap().0, sample.0, "{from} -> {to}");
    }
}

#[test]
fn names_and_timestamps_without_a_zone_are_accepted() {
    let (_, alert_id) = read(SUBJECT.as_bytes()).unwrap();
    assert!(alert_id.starts_with("supply_demand_imbalance_AP Calculus AB_1762335000123_"), "{alert_id}");
    for name in ["C#", "日本語", "Français", "=1+1"] {
        assert!(read(with(SUBJECT, "AP Calculus AB", name).as_bytes()).is_ok(), "{name}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn each_broken_rule_has_its_own_reason() {
    let cases = [
        // Shape.
        ("", "", "[]", "not_an_event"),
        ("", "", "[{}]", "not_an_event"),
        ("", "", "5", "not_an_event"),
        ("", "", "null", "not_an_event"),
        ("", "", "\"detail\"", "not_an_event"),
        ("", "", "{}", "not_an_event"),
        ("", "", r#"{"Records":[{"Sns":{"Message":"{}"}}]}"#, "not_an_event"),
        ("", "", r#"{"portend":"upgrade"}"#, "not_an_event"),
        ("", "", r#"{"detail-type":"high_ib_call_frequency","source":"x"}"#, "missing:$.detail"),
        ("", "", r#"{"detail":null}"#, "invalid:$.detail"),
        ("", "", r#"{"detail":"{}"}"#, "invalid:$.detail"),
        ("", "", r#"{"detail":[]}"#, "invalid:$.detail"),
        ("", "", r#"{"detail":{}}"#, "missing:$.detail.alert_type"),
        // JSON.
        ("", "", "", "not_json"),
        ("", "", "{", "not_json"),
        ("", "", "{} {}", "not_json"),
        ("", "", "{'detail':{}}", "not_json"),
        ("", "", "{\"detail\":{},}", "not_json"),
        ("", "", "{\"detail\":\"\\ud800\"}", "not_json"),
        (" 5,", " NaN,", "", "not_json"),
        (" 5,", " 05,", "", "not_json"),
        (" 5,", " +5,", "", "not_json"),
        (" 5,", " 5, \"ib_calls_14d\": 6,", "", "duplicate_key"),
        ("\"version\": \"0\"", "\"version\": \"0\", \"version\": \"1\"", "", "duplicate_key"),
        ("\"resources\": []", "\"resources\": [{\"a\":{\"b\":1},\"a\":{\"b\":2}}]", "", "duplicate_key"),
        // Type.
        (
            "\"alert_type\": \"high_ib_call_frequency\"",
            "\"alert_type\": 5",
            "",
            "invalid:$.detail.alert_type",
        ),
        (
            "\"alert_type\": \"high_ib_call_frequency\"",
            "\"alert_type\": \"High_IB_call_frequency\"",
            "",
            "unknown_alert_type",
        ),
        (
            "\"alert_type\": \"high_ib_call_frequency\"",
            "\"alert_type\": \" high_ib_call_frequency\"",
            "",
            "unknown_alert_type",
        ),
        (
            "\"detail-type\": \"high_ib_call_frequency\"",
            "\"detail-type\": \"low_health_score\"",
            "",
            "type_mismatch",
        ),
        ("\"detail-type\": \"high_ib_call_frequency\"", "\"detail-type\": 7", "", "type_mismatch"),
        ("\"entity_type\": \"student\"", "\"entity_type\": \"subject\"", "", "type_mismatch"),
        ("\"entity_type\": \"student\",", "", "", "missing:$.detail.entity_type"),
        ("\"entity_type\": \"student\"", "\"entity_type\": null", "", "invalid:$.detail.entity_type"),
        // Entity, severity, timestamp.
        ("\"entity_id\": \"stu_4532\",", "", "", "missing:$.detail.entity_id"),
        ("\"stu_4532\"", "4532", "", "invalid:$.detail.entity_id"),
        ("\"stu_4532\"", "\"stu 4532\"", "", "invalid:$.detail.entity_id"),
        ("\"stu_4532\"", "\"\"", "", "invalid:$.detail.entity_id"),
        ("\"severity\": \"warning\",", "", "", "missing:$.detail.severity"),
        ("\"warning\"", "\"very bad\"", "", "invalid:$.detail.severity"),
        ("\"warning\"", "3", "", "invalid:$.detail.severity"),
        ("\"warning\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"", "", "invalid:$.detail.severity"),
        ("\"timestamp\": \"2025-01-01T12:00:00Z\" }", "\"at\": 1 }", "", "missing:$.detail.timestamp"),
        (
            "\"timestamp\": \"2025-01-01T12:00:00Z\"",
            "\"timestamp\": 1735732800",
            "",
            "invalid:$.detail.timestamp",
        ),
        (
            "\"timestamp\": \"2025-01-01T12:00:00Z\"",
            "\"timestamp\": \"2025-01-01\"",
            "",
            "invalid:$.detail.timestamp",
        ),
        (
            "\"timestamp\": \"2025-01-01T12:00:00Z\"",
            "\"timestamp\": \"1999-12-31T23:59:59Z\"",
            "",
            "invalid:$.detail.timestamp",
        ),
        (
            "\"timestamp\": \"2025-01-01T12:00:00Z\"",
            "\"timestamp\": \"2026-01-02T00:00:00.001Z\"",
            "",
            "invalid:$.detail.timestamp",
        ),
        // Facts.
        ("\"details\": {", "\"more\": {", "", "missing:$.detail.details"),
        ("\"details\": {", "\"details\": 5, \"more\": {", "", "invalid:$.detail.details"),
        ("\"ib_calls_14d\": 5, ", "", "", "missing:$.detail.details.ib_calls_14d"),
        (" 5,", " 5.5,", "", "invalid:$.detail.details.ib_calls_14d"),
        (" 5,", " true,", "", "invalid:$.detail.details.ib_calls_14d"),
        (" 5,", " null,", "", "invalid:$.detail.details.ib_calls_14d"),
        (" 5,", " -1,", "", "invalid:$.detail.details.ib_calls_14d"),
        (" 5,", " 10001,", "", "invalid:$.detail.details.ib_calls_14d"),
        (" 5,", " \"five\",", "", "invalid:$.detail.details.ib_calls_14d"),
        (" 5,", " [5],", "", "invalid:$.detail.details.ib_calls_14d"),
        ("65", "1e999", "", "invalid:$.detail.details.health_score"),
        ("65", "\"NaN\"", "", "invalid:$.detail.details.health_score"),
        ("65", "\"6.5e\"", "", "invalid:$.detail.details.health_score"),
        ("65", "\"6.5e999\"", "", "invalid:$.detail.details.health_score"),
        ("65", "\" 65\"", "", "invalid:$.detail.details.health_score"),
        ("65", "100.01", "", "invalid:$.detail.details.health_score"),
    ];
    for (from, to, whole, expected) in cases {
        let event = if from.is_empty() { whole.to_owned() } else { with(EVENT, from, to) };
        assert_eq!(read(event.as_bytes()), Err(expected.to_owned()), "{event}");
    }
    let of_a_subject = [
        ("\"high_demand\"", "\"HIGH_DEMAND\"", "invalid:$.details.balance_status"),
        ("\"high_demand\"", "5", "invalid:$.details.balance_status"),
        ("AP Calculus AB", "AP\\u202eBA", "invalid:$.entity_id"),
        ("\"severity\": \"info\",", "", "missing:$.severity"),
    ];
    for (from, to, expected) in of_a_subject {
        assert_eq!(read(with(SUBJECT, from, to).as_bytes()), Err(expected.to_owned()), "{to}");
    }
}

#[test]
fn size_depth_and_encoding_are_checked_in_this_order_before_anything_is_parsed() {
    let at_depth = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes();
    let not_utf8 = |mut bytes: Vec<u8>| {
        bytes.push(0xFF);
        bytes
    };
    let of_size = |bytes: usize| with(EVENT, "IB", &"x".repeat(bytes - EVENT.len() + 2)).into_bytes();
    let cases = [
        (of_size(65_536), None),
        (of_size(65_537), Some("too_large")),
        (not_utf8(of_size(65_536)), Some("too_large")),
        (at_depth(32), Some("not_an_event")),
        (at_depth(33), Some("too_deep")),
        (not_utf8(at_depth(33)), Some("too_deep")),
        (vec![b'{'; 60_000], Some("too_deep")),
        (
            br#"{"detail":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"[[[["}"#.to_vec(),
            Some("invalid:$.detail"),
        ),
        (not_utf8(b"{\"detail\":".to_vec()), Some("not_utf8")),
        (b"\xEF\xBB\xBF\xEF\xBB\xBF{}".to_vec(), Some("not_json")),
        (b"{\"detail\":\"\xED\xA0\x80\"}".to_vec(), Some("not_utf8")),
    ];
    for (event, expected) in cases {
        let start = String::from_utf8_lossy(event.get(..40).unwrap_or(&event)).into_owned();
        assert_eq!(read(&event).err().as_deref(), expected, "{start} ({} bytes)", event.len());
    }
}

#[test]
fn a_refusal_names_the_field_the_expected_value_and_the_received_one() {
    let types = AlertTypes::built_in();
    let sentence = |event: String| {
        let refusal = Alert::read(event.as_bytes(), &types, received_at()).unwrap_err();
        refusal.message().to_owned()
    };
    let long = "\u{1b}[31m".to_owned() + &"x".repeat(100);
    let sentences = [
        sentence(with(EVENT, "65", "165")),
        sentence(with(EVENT, " 5,", " \"five\",")),
        sentence(with(EVENT, "\"entity_id\": \"stu_4532\",", "")),
        sentence(with(EVENT, "\"alert_type\": \"high_ib_call_frequency\"", "\"alert_type\": \"low_sleep\"")),
        sentence(with(EVENT, "\"entity_type\": \"student\"", "\"entity_type\": \"subject\"")),
        sentence(with(
            SUBJECT,
            "\"high_demand\"",
            "\"\\u001b[31mxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"",
        )),
        sentence("[1]".into()),
        sentence("{\"a\":1,\"a\":2}".into()),
        sentence(format!("{EVENT}{long}")),
    ];
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn only_the_facts_of_the_type_are_read_in_its_order() {
    let types = AlertTypes::built_in();
    let event = with(
        EVENT,
        "\"ib_calls_14d\": 5, \"health_score\": 65",
        "\"x\": 1, \"health_score\": \"64.5\", \"ib_calls_14d\": 5.0",
    );
    let alert = Alert::read(event.as_bytes(), &types, received_at()).unwrap();
    assert_eq!(serde_json::to_string(alert.facts()).unwrap(), r#"{"ib_calls_14d":5,"health_score":64.5}"#);
    assert!(matches!(alert.facts().get("health_score"), Some(FactValue::Number(_))));
    assert_eq!(alert.facts().get("x"), None);
}

/// JSON, and text that is almost JSON.
fn nearly_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<f64>().prop_map(|number| number.to_string()),
        any::<i32>().prop_map(|number| number.to_string()),
        "\"[a-z_\\\\\"{}\\[\\]]{0,8}\"",
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let key = prop_oneof![
            Just("alert_type"),
            Just("detail"),
            Just("details"),
            Just("entity_id"),
            Just("timestamp"),
            Just("Records"),
            Just("x")
        ];
        let member = (key, inner.clone()).prop_map(|(key, value)| format!("\"{key}\":{value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

/// An event with some of its bytes replaced.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), 0..12_usize, prop::collection::vec(any::<u8>(), 0..6));
    (prop_oneof![Just(EVENT), Just(SUBJECT)], prop::collection::vec(edit, 1..4)).prop_map(|(event, edits)| {
        let mut bytes = event.as_bytes().to_vec();
        for (at, length, replacement) in edits {
            let start = at.index(bytes.len());
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, replacement);
        }
        bytes
    })
}

fn assert_read_or_refused(event: &[u8]) {
    let types = AlertTypes::built_in();
    if let Err(refusal) = Alert::read(event, &types, received_at()) {
        assert!(!refusal.message().is_empty() && !refusal.reason().to_string().is_empty());
        assert!(!matches!(refusal.reason(), Reason::CallsSpent | Reason::Guardrail));
    }
}

proptest! {
    #[test]
    fn the_reader_never_panics_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        assert_read_or_refused(&bytes);
    }

    #[test]
    fn the_reader_never_panics_on_text(text in nearly_json()) {
        assert_read_or_refused(text.as_bytes());
    }

    #[test]
    fn the_reader_never_panics_on_a_mutated_event(bytes in mutated()) {
        assert_read_or_refused(&bytes);
    }

    #[test]
    fn the_identity_ignores_key_order_number_format_and_event_id(
        calls in 0..10_000_u32, tenths in 0..1000_u32, order in Just([0, 1, 2, 3, 4, 5]).prop_shuffle(),
        form in 0..3_u8, facts_swapped: bool, id in "[a-z0-9-]{1,36}", enveloped: bool,
    ) {
        let health = f64::from(tenths) / 10.0;
        let written = |value: f64| match form {
            0 => value.to_string(),
            1 => format!("\"{value}\""),
            _ => format!("{value:.3}"),
        };
        let (calls, health) = (f64::from(calls), health);
        let plain = format!(r#"{{"ib_calls_14d":{calls},"health_score":{health}}}"#);
        let details = if facts_swapped {
            format!(r#"{{"health_score":{},"ib_calls_14d":{}}}"#, written(health), written(calls))
        } else {
            format!(r#"{{"ib_calls_14d":{},"health_score":{}}}"#, written(calls), written(health))
        };
        let members = |details: &str| [
            r#""alert_type":"high_ib_call_frequency""#.to_owned(), r#""severity":"warning""#.into(),
            r#""entity_id":"stu_1""#.into(), r#""entity_type":"student""#.into(),
            r#""timestamp":"2025-01-01T12:00:00""#.into(), format!(r#""details":{details}"#),
        ];
        let ordered = format!("{{{}}}", members(&plain).join(","));
        let shuffled: Vec<_> = order.iter().map(|index: &usize| members(&details)[*index].clone()).collect();
        let shuffled = format!("{{{}}}", shuffled.join(","));
        let event = if enveloped {
            format!(r#"{{"detail":{shuffled},"id":"{id}","detail-type":"high_ib_call_frequency"}}"#)
        } else {
            shuffled
        };
        prop_assert_eq!(read(event.as_bytes()).unwrap(), read(ordered.as_bytes()).unwrap());
    }
}
