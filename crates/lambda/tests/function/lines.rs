//! The lines of the log and the metrics: their fields, and that they have no others.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Scene, batch, distinct_alert};
use portend_testing::vendor::Vendor::{Bedrock, OpenAi};

/// The fields of the log. Before you add one, make sure that it cannot identify a person.
const FIELDS: [&str; 22] = [
    "level",
    "request_id",
    "run",
    "alert_type",
    "status",
    "reason",
    "model",
    "attempts",
    "ms",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "reused",
    "message",
    "told",
    "untold",
    "upgraded",
    "later",
    "never",
    "recovered",
    "complete",
    "unreadable",
];

fn is_metrics(line: &Value) -> bool {
    line.get("_aws").is_some()
}

/// The sum of a metric over all lines, without dimensions.
fn sum(log: &[Value], name: &str) -> f64 {
    let values = log.iter().filter(|line| is_metrics(line) && line.get("Model").is_none());
    let values = values.filter_map(|line| line.get(name));
    // A counter is a number; a histogram is a list.
    values
        .flat_map(|value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]))
        .filter_map(|value| value.as_f64())
        .sum()
}

#[test]
fn an_event_is_one_line_whose_fields_identify_nobody() {
    let scene = Scene::new([Bedrock.answers(), Bedrock.fails(403, "AccessDeniedException", "canary")], []);
    let function = scene.start();
    let insight = function.invoke(&distinct_alert(1)).unwrap()["insight"].clone();
    function.invoke(&distinct_alert(1)).unwrap();
    function.invoke(&json!({ "alert_type": "canary" })).unwrap();
    function.invoke(&distinct_alert(2)).unwrap();
    function.invoke(&json!({ "portend": "upgrade" })).unwrap();
    let log = function.log();
    let lines: Vec<_> = log.iter().filter(|line| !is_metrics(line)).collect();
    for line in &lines {
        for name in line.as_object().unwrap().keys() {
            assert!(FIELDS.contains(&name.as_str()), "{name}");
        }
    }
    let outcomes: Vec<_> = lines.iter().filter(|line| line.get("status").is_some()).collect();
    let statuses: Vec<_> = outcomes.iter().map(|line| line["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["stored", "repeated", "parked", "stored", "swept"]);
    let first = outcomes[0];
    for (name, value) in [
        ("request_id", json!("request-1")),
        ("run", insight["run"].clone()),
        ("alert_type", json!("high_ib_call_frequency")),
        ("model", json!("bedrock-claude-haiku-4.5")),
        ("attempts", json!(1)),
        ("input_tokens", json!(612)),
        ("output_tokens", json!(188)),
        ("cost_usd", json!(0.001_552)),
    ] {
        assert_eq!(first[name], value, "{name}");
    }
    assert_eq!(outcomes[2]["reason"], "unknown_alert_type");
}

#[test]
fn metrics_add_up_and_received_events_are_counted_before_their_outcomes() {
    let scene = Scene::new(
        [Bedrock.answers(), Bedrock.fails(403, "AccessDeniedException", "canary")],
        [OpenAi.answers(), OpenAi.fails(401, "invalid_api_key", "canary")],
    )
    .unset("EVENT_BUS_NAME");
    let function = scene.start();
    let bodies = [distinct_alert(1).to_string(), distinct_alert(1).to_string(), "{".to_owned()];
    function.invoke(&batch(bodies.iter().map(String::as_str))).unwrap();
    function.invoke(&distinct_alert(2)).unwrap();
    function.invoke(&distinct_alert(3)).unwrap();
    scene.proxy.pull("*", portend_testing::table::Plug::Throttle);
    function.invoke(&distinct_alert(4)).unwrap_err();
    let log = function.log();
    assert!(log[0]["_aws"].is_object() && log[0]["Received"] == 3, "{}", log[0]);
    for (name, value) in [
        ("Received", 6.0),
        ("Stored", 3.0),
        ("Repeated", 1.0),
        ("Parked", 1.0),
        ("HandedBack", 1.0),
        ("Degraded", 1.0),
        ("ConfigurationAlarms", 3.0),
        ("InputTokens", 1224.0),
        ("OutputTokens", 376.0),
    ] {
        assert!((sum(&log, name) - value).abs() < 1e-9, "{name}: {} of {log:#?}", sum(&log, name));
    }
    let attempts: Vec<_> = log.iter().filter(|line| line.get("Attempts").is_some()).collect();
    let classes: BTreeSet<_> = attempts
        .iter()
        .map(|line| (line["Model"].as_str().unwrap(), line["Class"].as_str().unwrap()))
        .collect();
    let expected = [
        ("bedrock", "accepted"),
        ("bedrock", "access_denied"),
        ("openai", "accepted"),
        ("openai", "wrong_key"),
    ];
    assert_eq!(classes, BTreeSet::from(expected));
    for line in log.iter().filter(|line| is_metrics(line)) {
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Portend");
        for metric in directive["Metrics"].as_array().unwrap() {
            assert!(line.get(metric["Name"].as_str().unwrap()).is_some(), "{line}");
        }
    }
}

#[test]
fn a_look_at_the_models_says_what_to_run_and_sets_off_the_alarm() {
    let scene = Scene::answering()
        .set("MODELS", "bedrock,scorecard")
        .set("BEDROCK_MODEL_ID", "us.anthropic.claude-3-5-haiku-20241022-v1:0");
    let function = scene.start();
    let looked = function.invoke(&json!({ "portend": "doctor" })).unwrap();
    let notice = looked["notices"]["bedrock"].as_str().unwrap();
    let command =
        "portend compare --with us.anthropic.claude-haiku-4-5-20251001-v1:0 --budget 1.00 --store dynamodb:";
    assert!(looked["status"] == "looked" && notice.contains(command), "{looked}");
    let log = function.log();
    assert!(log.iter().any(|line| line["reason"] == "end_of_life" && line["message"] == notice), "{log:#?}");
    assert!((sum(&log, "ModelEndUrgency") - 3.0).abs() < 1e-9, "{log:#?}");
}
