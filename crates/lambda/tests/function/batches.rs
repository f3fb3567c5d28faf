//! Batches: the records of a queue are processed at the same time, each as an event of its own.

use crate::harness::{Scene, alert, batch, distinct_alert, handed_back};
use portend_testing::table::Plug;
use serde_json::json;

/// The folder of alert types with mappings.
const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");

fn bodies(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| distinct_alert(number).to_string()).collect()
}

#[test]
fn each_record_is_processed_as_an_event() {
    let scene = Scene::answering();
    let mut bodies = bodies(0..4);
    bodies.push(bodies[0].clone());
    let response = scene.invoke(&batch(bodies.iter().map(String::as_str)));
    assert_eq!(handed_back(&response), Vec::<String>::new());
    assert_eq!(response.unwrap().as_object().unwrap().len(), 1, "the response contains only the failures");
    assert_eq!((scene.insights().len(), scene.calls(), scene.published().len()), (4, [4, 0], 4));
}

/// Row 5: one record is malformed, and the insight of another cannot be stored.
#[test]
fn row_05_a_failed_record_does_not_affect_the_others() {
    let scene = Scene::answering();
    let mut bodies = bodies(0..9);
    bodies.insert(3, "{\"alert_type\":".to_owned());
    // A commit is retried for 3 seconds, with pauses that double.
    for _ in 0..20 {
        scene.proxy.pull("TransactWriteItems stu_canary_5", Plug::Throttle);
    }
    let function = scene.start();
    let response = function.invoke(&batch(bodies.iter().map(String::as_str)));
    assert_eq!(handed_back(&response), ["message-6"]);
    assert_eq!((scene.insights().len(), scene.parked()), (8, vec!["not_json".to_owned()]));
    assert_eq!(scene.calls(), [9, 0]);
    scene.proxy.restore();
    let again = function.invoke(&batch([bodies[6].as_str()]));
    assert_eq!(handed_back(&again), Vec::<String>::new());
    assert_eq!(scene.insights().len(), 9);
}

/// Only those who may invoke the function may request a sweep. Others may be allowed to write to the queue.
#[test]
fn a_sweep_request_in_a_queue_is_parked() {
    let scene = Scene::answering();
    let response = scene.invoke(&batch([r#"{"portend": "upgrade"}"#]));
    assert_eq!(handed_back(&response), Vec::<String>::new());
    assert_eq!(scene.parked(), ["not_an_event"]);
}

/// A topic delivers its records again only if the whole invocation fails.
#[test]
fn the_records_of_a_topic_are_events_and_fail_together() {
    let scene = Scene::answering();
    let record = |number: usize| {
        json!({ "EventSource": "aws:sns", "EventVersion": "1.0",
            "Sns": { "Type": "Notification", "MessageId": format!("m-{number}"), "Message": alert(number).to_string() } })
    };
    let function = scene.start();
    let response = function.invoke(&json!({ "Records": [record(1), record(2)] })).unwrap();
    let statuses: Vec<_> =
        response.as_array().unwrap().iter().map(|outcome| outcome["status"].clone()).collect();
    assert_eq!(statuses, ["stored", "stored"]);
    for _ in 0..20 {
        scene.proxy.pull("TransactWriteItems stu_canary_3", Plug::Throttle);
    }
    assert!(function.invoke(&json!({ "Records": [record(3), record(4)] })).is_err());
    assert_eq!(scene.insights().len(), 3);
}

/// Payloads of other systems, by the mappings in the folder of alert types.
#[test]
fn a_payload_of_another_system_is_mapped() {
    let scene = Scene::answering().set("ALERT_TYPES_DIR", EXAMPLES).set("MODELS", "scorecard");
    let payload = |path: &str| std::fs::read_to_string(format!("{EXAMPLES}/{path}")).unwrap();
    let group = payload("alertmanager_alert/from/alertmanager/group.json");
    let alarm = payload("cloudwatch_alarm/from/cloudwatch/metric.json");
    let over = alarm.replace("\"value\": \"ALARM\"", "\"value\": \"OK\"");
    let response = scene.invoke(&batch([alarm.as_str(), group.as_str(), over.as_str()]));
    assert_eq!(handed_back(&response), Vec::<String>::new());
    assert_eq!((scene.insights().len(), scene.parked()), (3, vec!["not_an_event".to_owned()]));
    let direct = scene.invoke(&serde_json::from_str(&group).unwrap()).unwrap();
    let statuses: Vec<_> =
        direct.as_array().unwrap().iter().map(|outcome| outcome["status"].clone()).collect();
    assert_eq!(statuses, ["repeated", "repeated"]);
}
