//! The records of a queue, side by side.

use crate::harness::{Scene, alert, batch, handed_back};
use portend_testing::table::Plug;

fn bodies(numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|number| alert(number).to_string()).collect()
}

#[test]
fn each_record_is_an_event_of_its_own() {
    let scene = Scene::answering();
    let mut bodies = bodies(0..4);
    bodies.push(bodies[0].clone());
    let answer = scene.invoke(&batch(bodies.iter().map(String::as_str)));
    assert_eq!(handed_back(&answer), Vec::<String>::new());
    assert_eq!(answer.unwrap().as_object().unwrap().len(), 1, "nothing but the failures");
    assert_eq!((scene.insights().len(), scene.asked(), scene.told().len()), (4, [4, 0], 4));
}

/// Row 5: one is malformed, and one's insight cannot be stored.
#[test]
fn row_05_one_record_fails_alone() {
    let scene = Scene::answering();
    let mut bodies = bodies(0..9);
    bodies.insert(3, "{\"alert_type\":".to_owned());
    // A commit is tried for 3 seconds, with pauses that double.
    for _ in 0..20 {
        scene.proxy.pull("TransactWriteItems stu_canary_5", Plug::Throttle);
    }
    let function = scene.start();
    let answer = function.invoke(&batch(bodies.iter().map(String::as_str)));
    assert_eq!(handed_back(&answer), ["message-6"]);
    assert_eq!((scene.insights().len(), scene.parked()), (8, vec!["not_json".to_owned()]));
    assert_eq!(scene.asked(), [9, 0]);
    scene.proxy.restore();
    let again = function.invoke(&batch([bodies[6].as_str()]));
    assert_eq!(handed_back(&again), Vec::<String>::new());
    assert_eq!(scene.insights().len(), 9);
}

/// The command is for whoever may invoke the function, not for whoever may write to the queue.
#[test]
fn a_command_in_a_queue_is_no_command() {
    let scene = Scene::answering();
    let answer = scene.invoke(&batch([r#"{"portend": "upgrade"}"#]));
    assert_eq!(handed_back(&answer), Vec::<String>::new());
    assert_eq!(scene.parked(), ["not_an_event"]);
}
