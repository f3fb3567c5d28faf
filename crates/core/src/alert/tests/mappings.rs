//! Payloads of other systems, by the mappings of the folder `examples/`.

use std::path::{Path, PathBuf};

use crate::alert::{Alert, Delivery};
use crate::alert_type::AlertTypes;
use crate::time::Timestamp;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

fn types() -> AlertTypes {
    AlertTypes::from_folder(&folder()).unwrap_or_else(|error| panic!("{error}"))
}

fn payload(path: &str) -> String {
    std::fs::read_to_string(folder().join(path)).unwrap()
}

/// Reads the events in a payload: the alert's id without its digits, its severity and its facts, or the reason code.
fn read(payload: &str) -> Vec<String> {
    let types = types();
    let now = Timestamp::parse("2025-06-03T18:00:00Z").unwrap();
    let one = |event: &[u8]| match Alert::read(event, &types, now) {
        Ok(alert) => {
            let facts = serde_json::to_string(alert.facts()).unwrap();
            format!("{} {} {} {facts}", alert.entity_id(), alert.severity(), alert.timestamp())
        }
        Err(refusal) => refusal.reason().to_string(),
    };
    match Delivery::read(payload.as_bytes(), &types) {
        Delivery::One(event) => vec![one(event)],
        Delivery::Batch(records) | Delivery::Several(records) => {
            records.iter().map(|record| one(&record.body)).collect()
        }
    }
}

#[test]
fn each_shipped_mapping_reads_its_system() {
    for (path, expected) in [
        (
            "cloudwatch_alarm/from/cloudwatch/metric.json",
            vec![
                r#"checkout p99 latency > 2s warning 2025-06-03T14:05:12.516Z {"previous_state":"OK","datapoint":3.87,"threshold":2}"#,
            ],
        ),
        (
            "cloudwatch_alarm/from/cloudwatch/composite.json",
            vec![r#"shop-down warning 2025-06-03T14:06:00.180Z {"previous_state":"OK"}"#],
        ),
        (
            "cloudwatch_alarm/from/cloudwatch_sns/metric.json",
            vec![r#"orders-low warning 2025-06-03T14:06:00.123Z {"previous_state":"OK","threshold":10}"#],
        ),
        (
            "alertmanager_alert/from/alertmanager/group.json",
            vec![
                r#"NodeFilesystemSpaceFillingUp / 10.0.4.17:9100 critical 2025-06-03T13:58:47.105Z {"urgency":"critical","dropped_alerts":0}"#,
                r#"KubePodCrashLooping / cart-6d5f9c7b8-x2x7q warning 2025-06-03T13:40:12.500Z {"urgency":"warning","dropped_alerts":0}"#,
            ],
        ),
        (
            "grafana_alert/from/grafana/memory.json",
            vec![
                r#"High memory usage / db-2 warning 2025-06-03T14:20:00.000Z {"urgency":"warning","value":93.4}"#,
            ],
        ),
        (
            "datadog_monitor/from/datadog/triggered.json",
            vec![
                r#"[P2] [Triggered on {service:checkout}] Error rate of checkout is high critical 2025-06-03T14:05:10.000Z {"transition":"Triggered","priority":"P2"}"#,
            ],
        ),
        (
            "datadog_monitor/from/datadog/default-payload.json",
            vec![
                "[P2] [Triggered on {service:checkout}] Error rate of checkout is high warning 2025-06-03T14:05:10.000Z {}",
            ],
        ),
        (
            "sentry_issue/from/sentry/rule.json",
            vec![r#"1170820242 critical 2025-06-03T14:06:17.403Z {"level":"error"}"#],
        ),
        (
            "sentry_issue/from/sentry_issue/created.json",
            vec![r#"1170820243 critical 2025-06-03T14:06:17.403Z {"level":"error","events":128,"users":61}"#],
        ),
    ] {
        assert_eq!(read(&payload(path)), expected, "{path}");
    }
}

#[test]
fn a_path_that_is_missing_or_wrong_is_named_as_the_payload_has_it() {
    let cloudwatch = "cloudwatch_alarm/from/cloudwatch/metric.json";
    let group = "alertmanager_alert/from/alertmanager/group.json";
    for (path, from, to, expected) in [
        (cloudwatch, "\"alarmName\"", "\"name\"", vec!["missing:$.detail.alarmName"]),
        (cloudwatch, "\"previousState\"", "\"before\"", vec!["missing:$.detail.previousState.value"]),
        (cloudwatch, "\"value\": \"OK\"", "\"value\": \"ok\"", vec!["invalid:$.detail.previousState.value"]),
        (
            cloudwatch,
            "[3.87,",
            "[\\\"much\\\",",
            vec!["invalid:$.detail.state.reasonData.recentDatapoints[0]"],
        ),
        (
            cloudwatch,
            "\"{\\\"version\\\":\\\"1.0\\\",\\\"queryDate\\\":\\\"2025-06-03T14",
            "\"{\\\"2025-06-03T14",
            vec!["invalid:$.detail.state.reasonData"],
        ),
        (
            cloudwatch,
            "\"2025-06-03T14:05:12.516+0000\"",
            "1748959512516",
            vec!["invalid:$.detail.state.timestamp"],
        ),
        (cloudwatch, "\"value\": \"ALARM\"", "\"value\": \"OK\"", vec!["not_an_event"]),
        (cloudwatch, "\"aws.cloudwatch\"", "\"aws.ec2\"", vec!["not_an_event"]),
        (
            cloudwatch,
            "\"detail-type\": \"CloudWatch Alarm State Change\",\n  \"source\": \"aws.cloudwatch\"",
            "\"detail-type\": \"x\", \"source\": \"y\"",
            vec!["missing:$.detail.alert_type"],
        ),
        (
            "datadog_monitor/from/datadog/triggered.json",
            "\"1748959510000\"",
            "\"soon\"",
            vec!["invalid:$.date"],
        ),
        ("datadog_monitor/from/datadog/triggered.json", "\"P2\"\n", "\"P9\"\n", vec!["invalid:$.priority"]),
    ] {
        let text = payload(path);
        assert!(text.contains(from), "{path} has no {from}");
        assert_eq!(read(&text.replacen(from, to, 1)), expected, "{to}");
    }
    let text = payload(group);
    let resolved = text.replacen(
        "\"status\": \"firing\",\n      \"labels\"",
        "\"status\": \"resolved\",\n      \"labels\"",
        1,
    );
    assert_ne!(resolved, text);
    let outcomes = read(&resolved);
    assert_eq!((outcomes[0].as_str(), outcomes.len()), ("not_an_event", 2));
    assert!(outcomes[1].starts_with("KubePodCrashLooping"), "{outcomes:?}");
    let late = text.replacen("\"startsAt\": \"2025-06-03T13:40:12.5Z\",", "", 1);
    assert_eq!(read(&late)[1], "missing:$.alerts[0].startsAt");
}

#[test]
fn a_refusal_says_what_keeps_the_nearest_mapping_from_matching() {
    let text = payload("cloudwatch_alarm/from/cloudwatch/metric.json");
    let text = text.replace("\"value\": \"ALARM\"", "\"value\": \"OK\"");
    let types = types();
    let refusal = Alert::read(text.as_bytes(), &types, Timestamp::from_secs(1_760_000_000)).unwrap_err();
    assert_eq!(
        refusal.message(),
        "it is almost a payload that the mapping cloudwatch of cloudwatch_alarm knows, but $.detail.state.value is \
         \"OK\", not \"ALARM\""
    );
}

#[test]
fn a_hook_maps_the_payloads_of_its_source_alone() {
    let types = types();
    let group = payload("alertmanager_alert/from/alertmanager/group.json");
    let events = types.map("alertmanager", group.as_bytes()).unwrap();
    assert_eq!(events.len(), 2);
    for (source, payload, expected) in [
        ("grafana", group.as_str(), Ok(2)),
        ("grafana", "{\"orgId\":1}", Err("not_an_event")),
        ("nagios", "{}", Err("not_an_event")),
        ("grafana", "{", Err("not_json")),
    ] {
        let mapped = types.map(source, payload.as_bytes()).map(|events| events.len());
        assert_eq!(
            mapped.map_err(|refusal| refusal.reason().to_string()),
            expected.map_err(str::to_owned),
            "{source}"
        );
    }
    assert!(types.sources().eq([
        "alertmanager",
        "cloudwatch",
        "cloudwatch_sns",
        "datadog",
        "grafana",
        "sentry",
        "sentry_issue"
    ]));
}

#[test]
fn a_known_alert_is_never_mapped() {
    let own = r#"{"alert_type":"sentry_issue","entity_type":"issue","entity_id":"1","severity":"info",
        "timestamp":"2025-06-03T14:00:00Z","details":{"level":"info"},
        "orgId":1,"alerts":[{"status":"firing"},{"status":"firing"}]}"#;
    assert_eq!(read(own), [r#"1 info 2025-06-03T14:00:00.000Z {"level":"info"}"#]);
}
