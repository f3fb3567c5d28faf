//! Tests many alerts at once, and many processes at once, with a model. The tests compare the insights with the
//! requests that the endpoint received.
//!
//! Never: measures the speed.

use std::collections::BTreeSet;
use std::time::Duration;

use super::harness::{Scene, alert_of, text, texts};
use super::paced::Paced;
use portend_testing::vendor::{Vendor::OpenAi, answer_that};

/// A reply without a number, which is right for every alert.
fn answer() -> String {
    let text = answer_that("Many calls, and a health score that is not good.");
    OpenAi.body(&serde_json::json!(text), "stop").to_string()
}

fn answering(pace: fn(usize) -> Duration) -> Paced {
    Paced::start(answer(), pace)
}

fn alerts(count: usize) -> Vec<String> {
    // Each alert has different facts, so each prompt is different.
    (1..=count).map(|number| alert_of(number, number)).collect()
}

/// The facts in the requests to an endpoint, which must all be different.
fn asked(endpoint: &Paced) -> BTreeSet<String> {
    let bodies = endpoint.bodies();
    let facts = |body: &String| {
        assert!(!body.contains("canary"), "{body}");
        let body: serde_json::Value = serde_json::from_str(body).expect("a request in JSON");
        text(&body["messages"][1]["content"]).to_owned()
    };
    let distinct: BTreeSet<String> = bodies.iter().map(facts).collect();
    assert_eq!(distinct.len(), bodies.len(), "two requests are about the same alert");
    distinct
}

#[test]
fn concurrency_limits_the_open_requests_and_each_alert_has_one() {
    // 50 ms on average. Every second request ends long before the one before it.
    let endpoint = answering(|number| Duration::from_millis(if number % 2 == 0 { 90 } else { 10 }));
    let scene = Scene::alone(OpenAi, []).set("OPENAI_BASE_URL", endpoint.url());
    let input = scene.input(&alerts(200));
    let explain = || scene.run(&["explain", "--json", "--concurrency", "64", &input]);
    let expected: Vec<_> = (1..=200).map(|number| format!("stu_canary_{number}")).collect();

    let first = explain();
    assert_eq!(first.code, 0, "{}", first.errors);
    let lines = first.lines();
    let entities: Vec<_> = lines.iter().map(|line| text(&line["insight"]["entity_id"])).collect();
    assert_eq!(entities, expected, "the lines are in the order of the input");
    assert!(lines.iter().all(|line| line["insight"]["model_used"] == OpenAi.label()));
    assert_eq!(asked(&endpoint).len(), 200);
    let most_open = endpoint.most_open();
    assert!((2..=64).contains(&most_open), "{most_open} requests were open at once");

    let again = explain();
    assert!(again.lines().iter().all(|line| line["status"] == "repeated"));
    assert_eq!(asked(&endpoint).len(), 200, "a repeat makes no call");
}

/// Only alerts with the same alert key wait for each other.
#[test]
fn as_many_alerts_as_allowed_are_in_progress_at_once() {
    let endpoint = Paced::gathering(answer(), 64);
    let scene = Scene::alone(OpenAi, []).set("OPENAI_BASE_URL", endpoint.url());
    let run = scene.run(&["explain", "--json", "--concurrency", "64", &scene.input(&alerts(64))]);
    assert_eq!((run.code, run.lines().len()), (0, 64));
    assert_eq!(endpoint.most_open(), 64);
}

#[test]
fn the_same_alert_many_times_in_one_input_makes_one_request() {
    let endpoint = answering(|_| Duration::from_millis(50));
    let scene = Scene::alone(OpenAi, []).set("OPENAI_BASE_URL", endpoint.url());
    let run = scene.explain(&vec![alert_of(1, 5); 64]);
    let lines = run.lines();
    let statuses: Vec<_> = lines.iter().map(|line| text(&line["status"])).collect();
    assert_eq!(statuses.split_first(), Some((&"stored", &["repeated"; 63][..])));
    assert_eq!(asked(&endpoint).len(), 1);
}

#[test]
fn a_concurrency_of_one_opens_one_request_at_a_time() {
    let endpoint = answering(|_| Duration::from_millis(5));
    let scene = Scene::alone(OpenAi, []).set("OPENAI_BASE_URL", endpoint.url());
    let run = scene.run(&["explain", "--json", "--concurrency", "1", &scene.input(&alerts(20))]);
    assert_eq!((run.code, run.lines().len()), (0, 20));
    assert_eq!((asked(&endpoint).len(), endpoint.most_open()), (20, 1));
}

/// A slow fallback on this machine does not slow down the model before it.
#[test]
fn each_model_of_a_chain_gets_as_many_requests_at_once_as_it_is_made_for() {
    let refusal = OpenAi.body(&serde_json::json!("no"), "content_filter").to_string();
    let (fast, slow) = (Paced::gathering(refusal, 8), answering(|_| Duration::from_millis(30)));
    let scene = Scene::alone(OpenAi, []).unset("MODELS").file(&format!(
        "chain = \"fast,slow,scorecard\"
        [models.fast]
        base_url = \"{}\"
        model = \"fast\"
        concurrency = 8
        [models.slow]
        base_url = \"{}\"
        model = \"slow\"",
        fast.url(),
        slow.url()
    ));
    let run = scene.run(&["explain", "--json", &scene.input(&alerts(16))]);
    let used: BTreeSet<_> =
        run.lines().iter().map(|line| text(&line["insight"]["model_used"]).to_owned()).collect();
    assert_eq!((run.code, used), (0, BTreeSet::from(["slow-slow-fallback".to_owned()])), "{}", run.errors);
    assert_eq!((fast.most_open(), slow.most_open()), (8, 2));
    assert_eq!((asked(&fast).len(), asked(&slow).len()), (16, 16));
}

#[test]
fn eight_processes_on_one_store_make_one_request_for_each_alert() {
    let endpoint = answering(|_| Duration::from_millis(50));
    let scene = Scene::alone(OpenAi, []).set("OPENAI_BASE_URL", endpoint.url());
    let input = scene.input(&alerts(100));
    let runs = scene.run_together(8, &["explain", "--json", &input]);
    let mut stored = 0;
    for run in &runs {
        assert_eq!((run.code, run.errors.as_str()), (0, ""));
        let lines = run.lines();
        assert_eq!(lines.len(), 100);
        stored += lines.iter().filter(|line| line["status"] == "stored").count();
    }
    assert_eq!(stored, 100);
    assert_eq!(asked(&endpoint).len(), 100);
    let listed = scene.run(&["insights", "--json", "--limit", "0"]).lines();
    assert_eq!(listed.len(), 100);
    assert!(listed.iter().all(|insight| texts(&insight["attempts"], "outcome") == ["accepted"]));
}

#[test]
fn eight_processes_share_the_five_calls_of_an_alert() {
    let scene = Scene::alone(OpenAi, std::iter::repeat_with(|| OpenAi.is_busy()));
    let input = scene.input(&alerts(1));
    let runs = scene.run_together(8, &["explain", "--json", &input]);
    let mut reasons: Vec<_> = runs.iter().map(|run| text(&run.line()["reason"]).to_owned()).collect();
    reasons.sort();
    let (spent, failed) = (vec!["calls_spent".to_owned(); 6], vec!["no_model".to_owned(); 2]);
    assert_eq!(reasons, [spent, failed].concat());
    assert_eq!(scene.asked(), [0, 5]);
}

#[test]
fn an_endpoint_that_is_down_receives_few_calls_from_many_alerts() {
    let scene = Scene::in_order(OpenAi, std::iter::repeat_with(|| OpenAi.is_down()), Vec::new());
    let scene = scene.models("openai,scorecard");
    let input = scene.input(&alerts(100));
    let run = scene.run(&["explain", "--json", "--concurrency", "4", &input]);
    assert_eq!(run.code, 0, "{}", run.errors);
    let lines = run.lines();
    assert_eq!(lines.len(), 100);
    assert!(lines.iter().all(|line| line["insight"]["degraded"] == true));
    // The breaker opens at the fifth failure in a row. Three other calls may have begun by then.
    let [_, asked] = scene.asked();
    assert!((5..=8).contains(&asked), "{asked} calls");
}
