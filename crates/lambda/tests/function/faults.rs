//! Plugs that are pulled: the store, the bus, the process, the time.

use std::time::Duration;

use serde_json::json;

use crate::harness::{MINUTE, Scene, alert, batch, handed_back};
use portend_testing::table::{Plug, number, number_of, text};
use portend_testing::vendor::Vendor::Bedrock;

/// Row 8: while the store is down everything is handed back, and nothing is paid.
#[test]
fn row_08_a_store_that_is_down_costs_no_call_and_loses_nothing() {
    let scene = Scene::answering();
    let function = scene.start();
    for plug in [Plug::Throttle, Plug::Fail, Plug::LoseRequest] {
        scene.proxy.pull("*", plug);
        let bodies: Vec<String> = (0..3).map(|number| alert(number).to_string()).collect();
        let answer = function.invoke(&batch(bodies.iter().map(String::as_str)));
        assert_eq!(handed_back(&answer).len(), 3, "{plug:?}");
        let (kind, sentence) = function.invoke(&alert(9)).unwrap_err();
        let expected = if plug == Plug::LoseRequest { "store_unreachable" } else { "store_busy" };
        assert_eq!(kind, expected);
        assert!(sentence.contains(&scene.table.name), "{sentence}");
        scene.proxy.restore();
    }
    assert_eq!(scene.asked(), [0, 0]);
    for number in [0, 1, 2, 9] {
        assert_eq!(function.outcome(alert(number).to_string().as_bytes()), "stored");
    }
    assert_eq!((scene.insights().len(), scene.asked()), (4, [4, 0]));
}

#[test]
fn a_table_that_does_not_exist_is_an_error_that_names_it() {
    let scene = Scene::answering().set("DYNAMODB_TABLE_NAME", "no-such-table");
    let (kind, sentence) = scene.invoke(&alert(1)).unwrap_err();
    assert_eq!(kind, "store_refused");
    assert!(sentence.contains("no-such-table") && sentence.contains("does not exist"), "{sentence}");
}

/// What was paid for is kept at, as long as there is time for it.
#[test]
fn a_commit_that_is_throttled_for_a_while_costs_no_second_call() {
    let scene = Scene::answering();
    for _ in 0..4 {
        scene.proxy.pull("PutItem", Plug::Throttle);
    }
    assert_eq!(scene.start().outcome(alert(1).to_string().as_bytes()), "stored");
    assert_eq!((scene.insights().len(), scene.asked()), (1, [1, 0]));
}

/// Row 20: nobody reads the log, and every event is answered all the same.
#[test]
fn row_20_a_blocked_log_stops_no_event() {
    let scene = Scene::answering();
    let function = scene.start_unread();
    // Enough lines to fill a pipe, and then some.
    for _ in 0..150 {
        assert_eq!(function.outcome(b"{"), "parked not_json");
    }
}

/// Row 16 and row 6 on the wire: an answer that is lost is known as one's own.
#[test]
fn a_lost_answer_costs_no_second_call() {
    for operation in ["UpdateItem", "PutItem"] {
        let scene = Scene::answering();
        scene.proxy.pull(operation, Plug::LoseAnswer);
        let function = scene.start();
        assert_eq!(function.outcome(alert(1).to_string().as_bytes()), "stored", "{operation}");
        assert_eq!((scene.insights().len(), scene.asked()), (1, [1, 0]), "{operation}");
    }
}

/// Row 19: the insight is stored, and told by the next delivery or by the sweep.
#[test]
fn row_19_while_the_bus_is_down_insights_are_stored_and_told_later() {
    let scene = Scene::answering();
    scene.bus_is_down(true);
    let function = scene.start();
    assert_eq!(function.outcome(alert(1).to_string().as_bytes()), "stored");
    let item = scene.insights().remove(0);
    assert_eq!(item["todo"], text("tell"));
    let tried = scene.told().len();
    scene.bus_is_down(false);
    let swept = function.invoke(&json!({ "portend": "upgrade" })).unwrap();
    assert_eq!((&swept["status"], &swept["told"]), (&json!("swept"), &json!(1)));
    assert_eq!(scene.told().len(), tried + 1);
    assert!(!scene.insights().remove(0).contains_key("todo"));
    assert_eq!(scene.asked(), [1, 0]);
    let untold = function.log().iter().filter(|line| line["reason"] == "bus_not_taken").count();
    assert_eq!(untold, 1, "a failed entry is a failure");
}

/// Row 11: the process is killed while a model answers; after the lease, the next one takes over.
#[test]
fn row_11_a_killed_call_is_taken_over_after_its_lease() {
    let scene = Scene::new([portend_testing::http::Script::hang(), Bedrock.answers()], []);
    let function = scene.start();
    std::thread::scope(|scope| {
        let api = &function;
        let hanging = scope.spawn(move || {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| api.invoke(&alert(1)))).is_err()
        });
        while scene.asked() == [0, 0] {
            std::thread::yield_now();
        }
        function.interrupt();
        assert!(hanging.join().unwrap(), "nobody answers");
    });
    drop(function);
    let claim = scene.table.items_of("claim#").remove(0);
    assert_eq!(claim["calls"], number("1"));
    let freed = claim.into_iter().map(|(name, value)| match name.as_str() {
        "lease_until" => (name, number("1")),
        _ => (name, value),
    });
    scene.table.put(&freed.collect());
    let answer = scene.invoke(&alert(1)).unwrap();
    assert_eq!((&answer["status"], scene.asked()), (&json!("stored"), [2, 0]));
}

/// While another worker is at it, the event is handed back before the deadline.
#[test]
fn a_busy_alert_is_handed_back_after_five_seconds_at_most() {
    let scene = Scene::new([portend_testing::http::Script::hang()], []).set("MODELS", "bedrock,scorecard");
    let first = scene.start();
    std::thread::scope(|scope| {
        let function = &first;
        scope.spawn(move || {
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| function.invoke(&alert(1))));
        });
        while scene.asked() == [0, 0] {
            std::thread::yield_now();
        }
        let (kind, sentence) = scene.invoke(&alert(1)).unwrap_err();
        assert_eq!(kind, "busy", "{sentence}");
        first.interrupt();
    });
    assert_eq!(scene.asked(), [1, 0]);
}

/// I7: whatever hangs, the answer is out a second before the deadline.
#[test]
fn an_invocation_ends_before_its_deadline_whatever_hangs() {
    let scene = Scene::answering();
    scene.proxy.pull("*", Plug::Hang);
    let function = scene.start();
    let (kind, sentence) =
        function.invoke_bytes(alert(1).to_string().as_bytes(), Duration::from_millis(1500)).unwrap_err();
    assert_eq!(kind, "deadline", "{sentence}");
    scene.proxy.restore();
    assert_eq!(function.outcome(alert(2).to_string().as_bytes()), "stored");
}

/// Row 21: everything again after 60 days.
#[test]
fn row_21_a_redrive_after_60_days_changes_nothing() {
    let scene = Scene::new([Bedrock.fails(403, "AccessDeniedException", "canary"), Bedrock.answers()], [])
        .set("MODELS", "bedrock,scorecard");
    let function = scene.start();
    assert_eq!(function.outcome(alert(1).to_string().as_bytes()), "stored", "degraded");
    drop(function);
    // As if 60 days had passed: what is kept for 90 has 30 left.
    for mut item in scene.table.items() {
        let ttl: i64 = number_of(&item, "ttl").parse().unwrap();
        item.insert("ttl".into(), number(&(ttl - 60 * 24 * 60 * 60).to_string()));
        scene.table.put(&item);
    }
    let before = scene.insights();
    let function = scene.start();
    for _ in 0..2 {
        let answer = function.invoke_bytes(alert(1).to_string().as_bytes(), MINUTE).unwrap();
        assert_eq!((&answer["status"], &answer["insight"]["degraded"]), (&json!("repeated"), &json!(true)));
    }
    assert_eq!((scene.insights(), scene.asked()), (before, [1, 0]));
}
