//! The sweep: degraded insights are upgraded, and published again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::harness::{Scene, alert, distinct_alert};
use portend_testing::table::{text, text_of};
use portend_testing::vendor::Vendor::{Bedrock, OpenAi};

/// Row 13: while every model is down, the scorecard scores the alerts. A model scores them later.
#[test]
fn row_13_insights_that_are_degraded_while_every_model_is_down_are_upgraded_later() {
    let is_down = Arc::new(AtomicBool::new(true));
    let (bedrock_is_down, openai_is_down) = (Arc::clone(&is_down), Arc::clone(&is_down));
    let bedrock = move || {
        let script = || Bedrock.fails(408, "ModelTimeoutException", "canary");
        if bedrock_is_down.load(Ordering::SeqCst) { script() } else { Bedrock.answers() }
    };
    let openai = move || {
        let script = || OpenAi.fails(401, "invalid_api_key", "canary");
        if openai_is_down.load(Ordering::SeqCst) { script() } else { OpenAi.answers() }
    };
    let scene = Scene::new(std::iter::repeat_with(bedrock), std::iter::repeat_with(openai));
    let function = scene.start();
    for number in 0..8 {
        let insight = function.invoke(&distinct_alert(number)).unwrap()["insight"].clone();
        assert_eq!(
            (&insight["grade"], &insight["degraded"]),
            (&json!("scorecard"), &json!(true)),
            "{insight}"
        );
    }
    // The first alert is also tried without the schema. A breaker opens after five failures, or after one configuration
    // failure.
    assert_eq!(scene.calls(), [6, 1]);
    drop(function);
    is_down.store(false, Ordering::SeqCst);
    assert_eq!(scene.published().len(), 8);
    // Another process has its own breakers.
    let function = scene.start();
    let sweep = || function.invoke(&json!({ "portend": "upgrade" })).unwrap();
    let swept = sweep();
    assert_eq!((&swept["upgraded"], &swept["complete"]), (&json!(8), &json!(true)), "{swept}");
    assert_eq!(scene.published().len(), 16, "an upgraded insight is published again");
    for item in scene.insights() {
        assert_eq!(text_of(&item, "grade"), "model");
        assert!(!item.contains_key("todo"));
    }
    assert_eq!(sweep()["upgraded"], 0);
    assert_eq!(scene.calls(), [14, 1]);
}

#[test]
fn a_sweep_without_pending_work_reports_zeros() {
    let scene = Scene::answering();
    let swept = scene.invoke(&json!({ "portend": "upgrade" })).unwrap();
    let expected = json!({
        "status": "swept", "told": 0, "untold": 0, "upgraded": 0, "later": 0, "never": 0, "complete": true,
    });
    assert_eq!(swept, expected);
}

#[test]
fn a_sweep_without_a_store_fails_and_is_logged() {
    let scene = Scene::answering();
    scene.proxy.pull("*", portend_testing::table::Plug::Throttle);
    let function = scene.start();
    assert_eq!(function.invoke(&json!({ "portend": "upgrade" })).unwrap_err().0, "store_busy");
    let log = function.log();
    assert!(
        log.iter().any(|line| line["status"] == "handed_back" && line["reason"] == "store_busy"),
        "{log:?}"
    );
}

#[test]
fn a_sweep_continues_after_a_temporary_failure_and_skips_unreadable_items() {
    let scene = Scene::answering();
    scene.bus_is_down(true);
    let function = scene.start();
    let insight = function.invoke(&alert(1)).unwrap()["insight"].clone();
    scene.bus_is_down(false);
    let stray =
        [("pk", "insight#zz"), ("sk", "1"), ("todo", "tell")].map(|(name, text)| (name, text.to_owned()));
    let made = insight["timestamp"].as_str().unwrap().to_owned();
    let dated = [("todo_day", made[..10].to_owned()), ("timestamp", made)];
    let stray = stray.into_iter().chain(dated).map(|(name, value)| (name.to_owned(), text(&value)));
    scene.table.put(&stray.collect());
    scene.proxy.pull("Query", portend_testing::table::Plug::Throttle);
    let swept = function.invoke(&json!({ "portend": "upgrade" })).unwrap();
    assert_eq!((&swept["told"], &swept["complete"]), (&json!(1), &json!(true)));
    let log = function.log();
    assert!(log.iter().any(|line| line["status"] == "swept" && line["unreadable"] != 0), "{log:?}");
}
