//! Batches: the records of a queue are processed at the same time, each as an event of its own.

use crate::harness::{Scene, alert, batch, handed_back};
use portend_testing::table::Plug;

fn bodies(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| alert(number).to_string()).collect()
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
