//! A direct event: its insight in the table, on the bus and in the response; and events that are parked.

use serde_json::{Value, json};

use crate::harness::{SAMPLE, Scene, alert};
use portend_testing::table::{Item, number, number_of, text, text_of};

fn secs(item: &Item, name: &str) -> i64 {
    number_of(item, name).parse().unwrap()
}

/// Readers of the original handler's items must be able to read this item.
#[test]
fn the_item_of_the_sample_event_has_the_original_handlers_attributes() {
    let scene = Scene::answering();
    let response = scene.start().invoke_bytes(SAMPLE.as_bytes(), crate::harness::MINUTE).unwrap();
    assert_eq!(response["status"], "stored");
    assert_eq!(response["alert_id"], response["insight"]["alert_id"]);
    assert_eq!(response["insight"]["model_used"], "bedrock-claude-haiku-4.5");
    let item = scene.insights().remove(0);
    for (name, value) in [
        ("pk", "insight#stu_4532"),
        ("entity_id", "stu_4532"),
        ("prediction_type", "high_ib_call_frequency"),
        ("explanation", "5 calls in 14 days, with a health score of 65."),
        ("model_used", "bedrock-claude-haiku-4.5"),
        ("alert_id", response["alert_id"].as_str().unwrap()),
    ] {
        assert_eq!(item[name], text(value), "{name}");
    }
    assert_eq!(item["risk_score"], number("72"));
    let lines = [text("Call the family."), text("Go through the last sessions with the tutor.")];
    assert_eq!(item["recommendations"], json!({ "L": lines }));
    let made = portend_core::time::Timestamp::parse(text_of(&item, "timestamp")).unwrap();
    assert_eq!(secs(&item, "ttl"), made.as_secs() + 90 * 24 * 60 * 60, "90 days ahead");
    assert!(!item.contains_key("todo"), "the insight has been published");
}

#[test]
fn the_item_is_found_by_entity_and_by_each_index_together_with_an_original_item() {
    let scene = Scene::answering();
    let original = Item::from_iter([
        ("pk".into(), text("insight#stu_4532")),
        ("sk".into(), text("2024-12-31T09:30:00.123456")),
        ("alert_id".into(), text("high_ib_call_frequency_stu_4532_1735637400123")),
        ("entity_id".into(), text("stu_4532")),
        ("prediction_type".into(), text("high_ib_call_frequency")),
        ("risk_score".into(), number("80")),
        ("explanation".into(), text("Many calls.")),
        ("recommendations".into(), json!({ "L": [text("Call."), text("Review.")] })),
        ("timestamp".into(), text("2024-12-31T09:30:00.123456")),
        ("model_used".into(), text("bedrock-claude-3.5-haiku")),
        ("ttl".into(), number("4102444800")),
    ]);
    scene.table.put(&original);
    scene.start().invoke_bytes(SAMPLE.as_bytes(), crate::harness::MINUTE).unwrap();
    let ours = scene.insights().into_iter().find(|item| item.contains_key("schema")).unwrap();
    let scores = |index: Option<&str>, partition: &str, value: &str| -> Vec<String> {
        let items = scene.table.newest(index, partition, value);
        items.iter().map(|item| number_of(item, "risk_score").to_owned()).collect()
    };
    assert_eq!(scores(None, "pk", "insight#stu_4532"), ["72", "80"], "newest first");
    let of_type = |index| scores(Some(index), "prediction_type", "high_ib_call_frequency");
    assert_eq!(of_type("PredictionTypeIndex"), ["72", "80"], "newest first");
    assert_eq!(of_type("RiskScoreIndex"), ["80", "72"], "highest first");
    let by_id = scene.table.newest(Some("AlertIdIndex"), "alert_id", text_of(&ours, "alert_id"));
    assert_eq!(by_id.iter().map(|keys| text_of(keys, "sk")).collect::<Vec<_>>(), [text_of(&ours, "sk")]);
}

#[test]
fn a_published_insight_has_the_fields_that_rules_and_formatters_read() {
    let scene = Scene::answering();
    scene.invoke(&alert(1)).unwrap();
    let published = scene.published();
    assert_eq!(published.len(), 1);
    let detail = &published[0];
    for (name, value) in [
        ("alert_type", json!("high_ib_call_frequency")),
        ("severity", json!("warning")),
        ("entity_id", json!("stu_canary_1")),
        ("entity_type", json!("student")),
        ("message", json!("canary message")),
        ("details", json!({ "ib_calls_14d": 5, "health_score": 65 })),
        ("risk_score", json!(72)),
        ("explanation", json!("5 calls in 14 days, with a health score of 65.")),
        ("grade", json!("model")),
    ] {
        assert_eq!(detail[name], value, "{name}");
    }
    assert!(detail["timestamp"].is_string() && detail["recommendations"].is_array());
    assert!(detail.get("reply").is_none() && detail.get("attempts").is_none());
}

#[test]
fn an_event_and_its_bare_detail_are_the_same_alert() {
    let scene = Scene::answering();
    let function = scene.start();
    let event: Value = serde_json::from_str(SAMPLE).unwrap();
    let first = function.invoke(&event).unwrap();
    let second = function.invoke(&event["detail"]).unwrap();
    assert_eq!((&first["status"], &second["status"]), (&json!("stored"), &json!("repeated")));
    assert_eq!(second["alert_id"], first["alert_id"]);
    assert_eq!((scene.calls(), scene.published().len()), ([1, 0], 1));
}

/// Row 4: hostile and malformed events.
#[test]
fn row_04_an_event_that_is_not_an_alert_is_parked_and_no_model_is_called() {
    let scene = Scene::answering();
    let function = scene.start();
    let deep = "[".repeat(40) + &"]".repeat(40);
    let large = format!(r#"{{"alert_type":"{}"}}"#, "x".repeat(70_000));
    let rows: [(&[u8], &str); 11] = [
        (b"", "not_json"),
        (b"{\"alert_type\":", "not_json"),
        (b"{\"alert_type\": NaN}", "not_json"),
        (b"\xff\xfe{}", "not_utf8"),
        (b"[]", "not_an_event"),
        (b"[\"upgrade\"]", "not_an_event"),
        (b"{\"portend\": \"downgrade\"}", "not_an_event"),
        (b"{\"detail-type\": \"x\", \"detail\": {\"alert_type\": \"x\"}}", "unknown_alert_type"),
        (b"{\"alert_type\": \"high_ib_call_frequency\", \"alert_type\": \"x\"}", "duplicate_key"),
        (deep.as_bytes(), "too_deep"),
        (large.as_bytes(), "too_large"),
    ];
    for (payload, reason) in rows {
        let shown = String::from_utf8_lossy(&payload[..payload.len().min(80)]).into_owned();
        assert_eq!(function.outcome(payload), format!("parked {reason}"), "{shown}");
        assert_eq!(function.outcome(payload), format!("parked {reason}"), "again: {shown}");
    }
    assert_eq!(scene.parked().len(), rows.len(), "each event is parked once");
    assert_eq!(scene.calls(), [0, 0]);
}

#[test]
fn an_invalid_setting_stops_the_function_with_one_sentence() {
    for (name, value, sentence) in [
        (
            "DYNAMODB_TABLE_NAME",
            "",
            "DYNAMODB_TABLE_NAME is not set; set it to the name of the insights table",
        ),
        ("MODELS", "claude", "MODELS: `claude` is not a known model; use bedrock, openai or scorecard"),
        ("USE_BEDROCK", "maybe", "USE_BEDROCK must be `true` or `false`"),
        ("ALERT_TYPES_DIR", "/nowhere", "ALERT_TYPES_DIR cannot be used"),
        ("OPENAI_BASE_URL", "http://example.com", "OPENAI_BASE_URL must begin with https://"),
        ("AWS_REGION", "sa-east-1", "the region `sa-east-1` has no default model; set it to the id of"),
    ] {
        let scene = Scene::answering().set(name, value);
        let (code, init_error, log) = scene.start().stops();
        assert_eq!(code, Some(1), "{name}");
        assert_eq!(log.lines().count(), 1, "{log}");
        assert!(log.contains(sentence) && init_error.unwrap().contains(sentence), "{log}");
    }
}

/// A person may start the program on a machine.
#[test]
fn outside_of_lambda_the_error_names_the_program_to_run_instead() {
    let scene = Scene::answering().unset("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
    let (code, _, log) = scene.start().stops();
    assert_eq!(code, Some(1));
    assert!(
        log.contains("AWS_LAMBDA_FUNCTION_MEMORY_SIZE is not set") && log.contains("run portend"),
        "{log}"
    );
}

/// DynamoDB cannot store a number as small as 1e-200.
#[test]
fn a_fact_that_is_nearly_zero_is_zero() {
    let scene = Scene::answering();
    let event = alert(1).to_string().replace(":65", ":1e-200");
    assert_eq!(scene.start().outcome(event.as_bytes()), "stored");
    let facts = &scene.insights().remove(0)["facts"]["M"];
    assert_eq!(facts["health_score"], number("0"));
}

/// The folder replaces the built-in alert types.
#[test]
fn alert_types_are_read_from_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let types = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../alert-types");
    let name = "low_health_score";
    std::fs::create_dir(folder.path().join(name)).unwrap();
    std::fs::copy(types.join(name).join("alert.toml"), folder.path().join(name).join("alert.toml")).unwrap();
    let scene = Scene::answering().set("ALERT_TYPES_DIR", folder.path().to_string_lossy());
    let function = scene.start();
    assert_eq!(function.outcome(alert(1).to_string().as_bytes()), "parked unknown_alert_type");
}

#[test]
fn an_event_that_says_what_happened_is_stored_and_one_that_is_not_valid_is_parked() {
    let scene = Scene::answering();
    let function = scene.start();
    let event = |at: &str| {
        json!({ "source": "iops-dashboard.processor", "detail-type": "outcome", "detail": {
            "entity_type": "student", "entity_id": "stu_1", "outcome": "churn", "at": at,
        }})
    };
    let response = function.invoke(&event("2025-01-03T09:50:26Z")).unwrap();
    assert_eq!(response, json!({ "status": "recorded" }));
    let item = scene.table.newest(None, "pk", "outcome#student#stu_1").remove(0);
    assert_eq!(item["sk"], text("churn#2025-01-03T09:50:26.000Z"));
    let sns = |at: &str| json!({ "Sns": { "MessageId": "m", "Message": event(at).to_string() } });
    let response =
        function.invoke(&json!({ "Records": [sns("2025-01-04T00:00:00Z"), sns("later")] })).unwrap();
    assert_eq!(response[0], json!({ "status": "recorded" }), "{response}");
    assert_eq!(response[1]["reason"], "invalid:$.detail.at", "{response}");
    assert_eq!(scene.table.newest(None, "pk", "outcome#student#stu_1").len(), 2);
    let refused = function.invoke(&event("soon")).unwrap();
    assert_eq!((&refused["status"], &refused["reason"]), (&json!("parked"), &json!("invalid:$.detail.at")));
    assert_eq!(scene.parked().len(), 2);
    assert_eq!(scene.calls(), [0, 0], "no model is asked");
}
