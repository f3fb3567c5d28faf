//! The sweep: what was degraded is upgraded, and told again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::harness::{Scene, alert};
use portend_testing::table::{text, text_of};
use portend_testing::vendor::Vendor::{Bedrock, OpenAi};

/// Row 13: every model is down; the scorecard answers at once, and a model later.
#[test]
fn row_13_every_model_is_down_and_what_is_degraded_is_upgraded_later() {
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
        let insight = function.invoke(&alert(number)).unwrap()["insight"].clone();
        assert_eq!(
            (&insight["grade"], &insight["degraded"]),
            (&json!("scorecard"), &json!(true)),
            "{insight}"
        );
    }
    // The first alert also asks without the schema. After five failures, and after one of the configuration, nobody is
    // asked any more.
    assert_eq!(scene.asked(), [6, 1]);
    drop(function);
    is_down.store(false, Ordering::SeqCst);
    assert_eq!(scene.told().len(), 8);
    // Another process, another breaker.
    let function = scene.start();
    let sweep = || function.invoke(&json!({ "portend": "upgrade" })).unwrap();
    let swept = sweep();
    assert_eq!((&swept["upgraded"], &swept["complete"]), (&json!(8), &json!(true)), "{swept}");
    assert_eq!(scene.told().len(), 16, "an upgraded insight is told again");
    for item in scene.insights() {
        assert_eq!(text_of(&item, "grade"), "model");
        assert!(!item.contains_key("todo"));
    }
    assert_eq!(sweep()["upgraded"], 0);
    assert_eq!(scene.asked(), [14, 1]);
}

#[test]
fn a_sweep_with_nothing_to_do_says_so() {
    let scene = Scene::answering();
    let swept = scene.invoke(&json!({ "portend": "upgrade" })).unwrap();
    let expected = json!({
        "status": "swept", "told": 0, "untold": 0, "upgraded": 0, "later": 0, "never": 0, "complete": true,
    });
    assert_eq!(swept, expected);
}

#[test]
fn a_sweep_without_its_store_is_an_error_and_has_its_line() {
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

/// A hiccup of the store is not the end of a sweep; an item that is none of ours hides no other.
#[test]
fn a_sweep_goes_past_a_hiccup_and_past_what_it_cannot_read() {
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
