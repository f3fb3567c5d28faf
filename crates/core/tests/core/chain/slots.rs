//! Tests how many calls each model gets at the same time, and what happens to the alerts that wait.
//!
//! Never: waits in real time.

use super::script::{START, World, end};

/// Asks of so many alerts at the same time. Returns the start of each call in seconds, and each outcome.
fn crowd(alerts: usize, script: &str, slots: &[usize]) -> (Vec<String>, Vec<String>) {
    let world = World::new();
    let mut models = world.models(script);
    for (model, slots) in models.iter_mut().zip(slots) {
        model.spec.concurrency = *slots;
    }
    let asked = world.clock.run_all((0..alerts).map(|_| world.ask(&models)).collect());
    let made = world.made.lock().unwrap();
    let mut calls: Vec<_> =
        made.iter().map(|made| (made.at.as_millis() / 1000 - START, &made.model)).collect();
    calls.sort();
    let calls = calls.into_iter().map(|(at, model)| format!("{model} {at}")).collect();
    (calls, asked.iter().map(end).collect())
}

#[test]
fn each_model_gets_as_many_calls_as_it_is_made_for() {
    for (alerts, script, slots, expected) in [
        (4, "ok@4", &[2][..], "a 0, a 0, a 4, a 4"),
        (3, "ok@4", &[64], "a 0, a 0, a 0"),
        (3, "ok@4", &[0], "a 0, a 4, a 8"),
        // The fallback has its own number, and does not slow the first model down.
        (4, "refusal@1 | ok@5", &[4, 1], "a 0, a 0, a 0, a 0, b 1, b 6, b 11, b 16"),
        // Between two calls of one alert, its slot is its own.
        (2, "bad@1 ok@1 ok@1", &[1], "a 0, a 1, a 2"),
    ] {
        let (calls, outcomes) = crowd(alerts, script, slots);
        assert_eq!(calls.join(", "), expected, "{script}");
        assert!(outcomes.iter().all(|each| each == "ok"), "{script}: {outcomes:?}");
    }
}

#[test]
fn who_gets_no_slot_in_time_asks_the_next_model() {
    let (calls, outcomes) = crowd(4, "ok@18 | ok@2", &[1, 2]);
    // At 57 s everything is over; the next model has 6 s, and a call needs 5. The third call is cut off at 51 s.
    assert_eq!(calls, ["a 0", "a 18", "a 36", "b 46", "b 51"]);
    assert_eq!(outcomes, ["ok", "ok", "ok", "ok"]);
    let (calls, outcomes) = crowd(4, "ok@18", &[1]);
    assert_eq!(calls, ["a 0", "a 18", "a 36"]);
    assert_eq!(outcomes, ["ok", "ok", "ok", "deadline degraded:budget"]);
}
