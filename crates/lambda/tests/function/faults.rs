//! Faults: the store, the bus or the process fails, or the time runs out.

use std::time::Duration;

use serde_json::json;

use crate::harness::{MINUTE, Scene, alert, batch, distinct_alert, handed_back};
use portend_testing::table::{Plug, number, number_of, text};
use portend_testing::vendor::Vendor::Bedrock;

/// Row 8: while the store is down, every event must be delivered again, and no model is called.
#[test]
fn row_08_while_the_store_is_down_no_model_is_called_and_no_event_is_lost() {
    let scene = Scene::answering();
    let function = scene.start();
    for plug in [Plug::Throttle, Plug::Fail, Plug::LoseRequest] {
        scene.proxy.pull("*", plug);
        let bodies: Vec<String> = (0..3).map(|number| distinct_alert(number).to_string()).collect();
        let response = function.invoke(&batch(bodies.iter().map(String::as_str)));
        assert_eq!(handed_back(&response).len(), 3, "{plug:?}");
        let (kind, sentence) = function.invoke(&distinct_alert(9)).unwrap_err();
        let expected = if plug == Plug::LoseRequest { "store_unreachable" } else { "store_busy" };
        assert_eq!(kind, expected);
        assert!(sentence.contains(&scene.table.name), "{sentence}");
        scene.proxy.restore();
    }
    assert_eq!(scene.calls(), [0, 0]);
    for number in [0, 1, 2, 9] {
        assert_eq!(function.outcome(distinct_alert(number).to_string().as_bytes()), "stored");
    }
    assert_eq!((scene.insights().len(), scene.calls()), (4, [4, 0]));
}

#[test]
fn the_error_for_a_missing_table_names_the_table() {
    let scene = Scene::answering().set("DYNAMODB_TABLE_NAME", "no-such-table");
    let (kind, sentence) = scene.invoke(&alert(1)).unwrap_err();
    assert_eq!(kind, "store_refused");
    assert!(sentence.contains("no-such-table") && sentence.contains("does not exist"), "{sentence}");
}

/// The commit is retried, because the call has been paid for.
#[test]
fn a_throttled_commit_costs_no_second_call() {
    let scene = Scene::answering();
    for _ in 0..4 {
        scene.proxy.pull("PutItem", Plug::Throttle);
    }
    assert_eq!(scene.start().outcome(alert(1).to_string().as_bytes()), "stored");
    assert_eq!((scene.insights().len(), scene.calls()), (1, [1, 0]));
}

/// Row 20: the log is not read, and every event still gets a response.
#[test]
fn row_20_a_blocked_log_stops_no_event() {
    let scene = Scene::answering();
    let function = scene.start_unread();
    // More lines than a pipe can buffer.
    for _ in 0..150 {
        assert_eq!(function.outcome(b"{"), "parked not_json");
    }
}

/// Rows 16 and 6 on the network: after a lost response, the function recognizes its own write.
#[test]
fn a_lost_response_costs_no_second_call() {
    for operation in ["UpdateItem", "PutItem"] {
        let scene = Scene::answering();
        scene.proxy.pull(operation, Plug::LoseAnswer);
        let function = scene.start();
        assert_eq!(function.outcome(alert(1).to_string().as_bytes()), "stored", "{operation}");
        assert_eq!((scene.insights().len(), scene.calls()), (1, [1, 0]), "{operation}");
    }
}

/// Row 19: the insight is stored, and the next delivery or the sweep publishes it.
#[test]
fn row_19_while_the_bus_is_down_insights_are_stored_and_published_later() {
    let scene = Scene::answering();
    scene.bus_is_down(true);
    let function = scene.start();
    assert_eq!(function.outcome(alert(1).to_string().as_bytes()), "stored");
    let item = scene.insights().remove(0);
    assert_eq!(item["todo"], text("tell"));
    let tried = scene.published().len();
    scene.bus_is_down(false);
    let swept = function.invoke(&json!({ "portend": "upgrade" })).unwrap();
    assert_eq!((&swept["status"], &swept["told"]), (&json!("swept"), &json!(1)));
    assert_eq!(scene.published().len(), tried + 1);
    assert!(!scene.insights().remove(0).contains_key("todo"));
    assert_eq!(scene.calls(), [1, 0]);
    let failures = function.log().iter().filter(|line| line["reason"] == "bus_not_taken").count();
    assert_eq!(failures, 1, "a failed entry is logged as a failure");
}

/// Row 11: the process is killed during a call. After the lease, another process takes the claim over.
#[test]
fn row_11_the_claim_of_a_killed_process_is_taken_over_after_its_lease() {
    let scene = Scene::new([portend_testing::http::Script::hang(), Bedrock.answers()], []);
    let function = scene.start();
    std::thread::scope(|scope| {
        let shared = &function;
        let has_no_response = scope.spawn(move || {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| shared.invoke(&alert(1)))).is_err()
        });
        while scene.calls() == [0, 0] {
            std::thread::yield_now();
        }
        function.interrupt();
        assert!(has_no_response.join().unwrap(), "a killed process does not respond");
    });
    drop(function);
    let claim = scene.table.items_of("claim#").remove(0);
    assert_eq!(claim["calls"], number("1"));
    let expired = claim.into_iter().map(|(name, value)| match name.as_str() {
        "lease_until" => (name, number("1")),
        _ => (name, value),
    });
    scene.table.put(&expired.collect());
    let response = scene.invoke(&alert(1)).unwrap();
    assert_eq!((&response["status"], scene.calls()), (&json!("stored"), [2, 0]));
}

/// While another worker has the lease, the event is returned as busy before the deadline.
#[test]
fn an_alert_of_another_worker_is_busy_after_five_seconds_at_most() {
    let scene = Scene::new([portend_testing::http::Script::hang()], []).set("MODELS", "bedrock,scorecard");
    let first = scene.start();
    std::thread::scope(|scope| {
        let function = &first;
        scope.spawn(move || {
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| function.invoke(&alert(1))));
        });
        while scene.calls() == [0, 0] {
            std::thread::yield_now();
        }
        let (kind, sentence) = scene.invoke(&alert(1)).unwrap_err();
        assert_eq!(kind, "busy", "{sentence}");
        first.interrupt();
    });
    assert_eq!(scene.calls(), [1, 0]);
}

/// I7: whatever hangs, the function responds a second before the deadline.
#[test]
fn an_invocation_ends_before_its_deadline_if_the_store_hangs() {
    let scene = Scene::answering();
    scene.proxy.pull("*", Plug::Hang);
    let function = scene.start();
    let (kind, sentence) =
        function.invoke_bytes(alert(1).to_string().as_bytes(), Duration::from_millis(1500)).unwrap_err();
    assert_eq!(kind, "deadline", "{sentence}");
    scene.proxy.restore();
    assert_eq!(function.outcome(alert(2).to_string().as_bytes()), "stored");
}

/// Row 21: every event is delivered again after 60 days.
#[test]
fn row_21_a_redrive_after_60_days_changes_nothing() {
    let scene = Scene::new([Bedrock.fails(403, "AccessDeniedException", "canary"), Bedrock.answers()], [])
        .set("MODELS", "bedrock,scorecard");
    let function = scene.start();
    assert_eq!(function.outcome(alert(1).to_string().as_bytes()), "stored", "degraded");
    drop(function);
    // Simulates that 60 days have passed: items that are retained for 90 days have 30 days left.
    for mut item in scene.table.items() {
        let ttl: i64 = number_of(&item, "ttl").parse().unwrap();
        item.insert("ttl".into(), number(&(ttl - 60 * 24 * 60 * 60).to_string()));
        scene.table.put(&item);
    }
    let before = scene.insights();
    let function = scene.start();
    for _ in 0..2 {
        let response = function.invoke_bytes(alert(1).to_string().as_bytes(), MINUTE).unwrap();
        let (status, insight) = (&response["status"], &response["insight"]);
        assert_eq!((status, &insight["degraded"]), (&json!("repeated"), &json!(true)));
    }
    assert_eq!((scene.insights(), scene.calls()), (before, [1, 0]));
}
