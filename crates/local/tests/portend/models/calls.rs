//! Counts paid calls. An alert has at most two calls to each model in a run, and at most five in all, whatever fails
//! and however often it runs.
//!
//! Never: waits for a breaker, because each run is another process.

use serde_json::json;

use super::harness::{Run, Scene, alert, text, texts, until};
use portend_testing::vendor::Vendor::{Bedrock, OpenAi};

/// The status and reason of an event without an insight, and the exit code.
fn refused(run: &Run) -> (String, String, i32) {
    let line = run.line();
    (text(&line["status"]).to_owned(), text(&line["reason"]).to_owned(), run.code)
}

fn failed() -> (String, String, i32) {
    ("failed".into(), "no_model".into(), 1)
}

fn parked(reason: &str) -> (String, String, i32) {
    ("parked".into(), reason.into(), 1)
}

#[test]
fn without_the_scorecard_an_alert_that_no_model_answers_fails_and_can_be_run_again() {
    let scene = Scene::alone(OpenAi, [OpenAi.is_busy(), OpenAi.is_busy(), OpenAi.answers()]);
    let first = scene.explain(&[alert(1)]);
    assert_eq!(refused(&first), failed());
    assert!(text(&first.line()["message"]).contains("portend doctor"), "{first:?}");
    assert_eq!(scene.asked(), [0, 2]);
    assert_eq!(scene.run(&["insights", "--json"]).output, "", "nothing is stored");
    assert_eq!(scene.run(&["parked", "--json"]).output, "", "nothing is parked");

    let again = scene.explain(&[alert(1)]).line();
    assert_eq!((text(&again["status"]), &again["insight"]["model_used"]), ("stored", &OpenAi.label().into()));
    assert_eq!(scene.asked(), [0, 3]);
    // The first model of the chain answered, so `model_used` does not say `-fallback`.
    assert_eq!(scene.explain(&[alert(1)]).line()["status"], "repeated");
    assert_eq!(scene.asked(), [0, 3]);
}

#[test]
fn an_alert_has_five_calls_in_all_its_runs() {
    let scene = Scene::alone(OpenAi, std::iter::repeat_with(|| OpenAi.is_busy()));
    for (ends, asked) in
        [(failed(), 2), (failed(), 4), (parked("calls_spent"), 5), (parked("calls_spent"), 5)]
    {
        assert_eq!(refused(&scene.explain(&[alert(1)])), ends);
        assert_eq!(scene.asked(), [0, asked]);
    }
    assert_eq!(scene.run(&["insights", "--json"]).output, "");
    assert_eq!(scene.run(&["parked", "--json"]).line()["reason"], "calls_spent");
    // Another alert has five calls of its own.
    assert_eq!(refused(&scene.explain(&[alert(2)])), failed());
    assert_eq!(scene.asked(), [0, 7]);
}

/// A parked event says how to fix it, and the fix works.
#[test]
fn spent_calls_suggest_the_scorecard_and_the_scorecard_works() {
    let wrong_key = || OpenAi.fails(401, "invalid_api_key", "wrong");
    let scripts = std::iter::repeat_with(wrong_key).take(5).chain([OpenAi.answers()]);
    let scene = Scene::alone(OpenAi, scripts);
    for _ in 0..5 {
        assert_eq!(refused(&scene.explain(&[alert(1)])), failed());
    }
    let spent = scene.explain(&[alert(1)]);
    assert_eq!(refused(&spent), parked("calls_spent"));
    assert_eq!(scene.asked(), [0, 5]);
    let scene = scene.models("openai,scorecard");
    let replayed = scene.run(&["parked", "replay", "--json"]).insight();
    assert_eq!((&replayed["model_used"], &replayed["degraded"]), (&"scorecard".into(), &true.into()));
    assert_eq!(scene.asked(), [0, 5], "a replay makes no further call");
    let upgraded = scene.run(&["upgrade", "--json"]).line();
    assert_eq!(
        (&upgraded["status"], &upgraded["insight"]["model_used"]),
        (&"upgraded".into(), &OpenAi.label().into())
    );
    assert_eq!(scene.asked(), [0, 6], "an upgrade has calls of its own");
    let message = spent.line()["message"].clone();
    assert!(text(&message).contains("scorecard"), "the message does not suggest a fix: {message}");
}

#[test]
fn a_chain_of_four_stops_at_five_calls() {
    let file = r#"
        chain = "bedrock,openai,third,fourth,scorecard"
        [models.third]
        base_url = "OPENAI"
        model = "third"
        [models.fourth]
        base_url = "OPENAI"
        model = "fourth"
    "#;
    let down = || std::iter::repeat_with(|| OpenAi.is_busy());
    let scene = Scene::new(std::iter::repeat_with(|| Bedrock.is_busy()), down()).file(file);
    let insight = scene.explain(&[alert(1)]).insight();
    assert_eq!(texts(&insight["attempts"], "model"), ["bedrock", "bedrock", "openai", "openai", "third"]);
    assert_eq!((&insight["model_used"], &insight["degraded"]), (&"scorecard".into(), &true.into()));
    assert_eq!(scene.asked(), [2, 3]);

    let without = Scene::new(std::iter::repeat_with(|| Bedrock.is_busy()), down());
    let without = without.file(&file.replace(",scorecard", ""));
    assert_eq!(refused(&without.explain(&[alert(1)])), parked("calls_spent"));
    assert_eq!(without.asked(), [2, 3]);
}

/// A guardrail is the deployment's own policy, so no other model is called. Only the scorecard can follow it.
#[test]
fn without_the_scorecard_a_guardrail_parks() {
    let blocked = || Bedrock.ends("Blocked.", "guardrail_intervened");
    let scene =
        Scene::in_order(Bedrock, [blocked(), blocked()], vec![OpenAi.answers()]).models("bedrock,openai");
    let run = scene.explain(&[alert(1)]);
    assert_eq!(refused(&run), parked("guardrail"));
    assert!(text(&run.line()["message"]).contains("policy"), "{run:?}");
    assert_eq!(scene.asked(), [1, 0]);
    assert_eq!(scene.run(&["insights", "--json"]).output, "");
    // A replay calls the same model again, and no other model.
    assert_eq!(refused(&scene.run(&["parked", "replay", "--json"])), parked("guardrail"));
    assert_eq!(scene.asked(), [2, 0]);
}

#[test]
fn a_stored_insight_is_never_paid_for_again() {
    let scene = Scene::in_order(Bedrock, [Bedrock.answers()], Vec::new());
    let first = scene.explain(&[alert(1)]).insight();
    for _ in 0..2 {
        let again = scene.explain(&[alert(1), alert(1)]);
        assert!(
            again
                .lines()
                .iter()
                .all(|line| line["status"] == "repeated" && line["alert_id"] == first["alert_id"])
        );
    }
    // Another chain does not change the stored insight.
    let again = scene.models("openai,scorecard").explain(&[alert(1)]).line();
    assert_eq!(
        (&again["status"], &again["insight"]["model_used"]),
        (&"repeated".into(), &Bedrock.label().into())
    );
}

/// The breaker prevents calls for the next alerts, and the program still reports the wrong configuration.
#[test]
fn a_model_that_cannot_work_is_called_once_and_reported_once_for_all_alerts() {
    let alerts: Vec<_> = (1..=5).map(alert).collect();
    let wrong_key = OpenAi.fails(401, "invalid_api_key", "wrong");
    let scene =
        Scene::in_order(OpenAi, [wrong_key], std::iter::repeat_with(|| Bedrock.answers()).take(5).collect());
    let run = scene.run(&["explain", "--json", "--no-reuse", "--concurrency", "1", &scene.input(&alerts)]);
    let used: Vec<_> = run.lines().iter().map(|line| line["insight"]["model_used"].clone()).collect();
    assert_eq!(used, vec![format!("{}-fallback", Bedrock.label()); 5]);
    assert_eq!(scene.asked(), [5, 1]);
    assert_eq!(run.errors.matches("the model openai cannot work").count(), 1, "{}", run.errors);
    assert!(run.errors.contains("the key is refused"), "{}", run.errors);
}

#[test]
fn without_the_scorecard_an_alert_that_a_breaker_skips_can_run_again() {
    let alerts: Vec<_> = (1..=3).map(alert).collect();
    let wrong_key = OpenAi.fails(401, "invalid_api_key", "wrong");
    let fixed = std::iter::repeat_with(|| OpenAi.answers()).take(3);
    let scene = Scene::alone(OpenAi, [wrong_key].into_iter().chain(fixed));
    let input = scene.input(&alerts);
    let run = scene.run(&["explain", "--json", "--concurrency", "1", &input]);
    let lines = run.lines();
    let reasons: Vec<_> = lines.iter().map(|line| text(&line["reason"])).collect();
    assert_eq!((run.code, reasons), (1, vec!["no_model"; 3]));
    assert_eq!(scene.asked(), [0, 1]);
    let again = scene.run(&["explain", "--json", "--no-reuse", "--concurrency", "1", &input]);
    assert_eq!(again.code, 0, "{again:?}");
    assert!(again.lines().iter().all(|line| line["status"] == "stored"));
    assert_eq!(scene.asked(), [0, 4]);
}

/// A vendor may reject the text of one request and accept the next one.
#[test]
fn a_rejected_request_does_not_open_the_breaker() {
    let alerts: Vec<_> = (1..=3).map(alert).collect();
    let too_long = || Bedrock.fails(400, "ValidationException", "Input is too long for requested model.");
    let scripts = [too_long(), too_long(), Bedrock.answers()];
    let scene = Scene::in_order(Bedrock, scripts, vec![OpenAi.answers()]);
    let run = scene.run(&["explain", "--json", "--concurrency", "1", &scene.input(&alerts)]);
    let used: Vec<_> = run.lines().iter().map(|line| line["insight"]["model_used"].clone()).collect();
    let fallback = format!("{}-fallback", OpenAi.label());
    assert_eq!(used, [fallback.clone(), fallback, Bedrock.label().to_owned()]);
    assert_eq!(scene.asked(), [3, 1], "the second alert uses the answer of the first");
}

#[test]
fn unusable_replies_do_not_open_the_breaker() {
    let alerts: Vec<_> = (1..=4).map(alert).collect();
    let nonsense = std::iter::repeat_with(|| Bedrock.says("?")).take(6);
    let scene =
        Scene::in_order(Bedrock, nonsense.chain([Bedrock.answers()]), Vec::new()).models("bedrock,scorecard");
    let run = scene.run(&["explain", "--json", "--concurrency", "1", &scene.input(&alerts)]);
    let used: Vec<_> = run.lines().iter().map(|line| line["insight"]["model_used"].clone()).collect();
    assert_eq!(used, ["scorecard", "scorecard", "scorecard", Bedrock.label()]);
    let by: Vec<_> = run.lines().iter().map(|line| line["insight"]["degraded_by"].clone()).collect();
    assert_eq!(by, [json!("unusable"), json!("unusable"), json!("unusable"), json!(null)]);
    assert_eq!(scene.asked(), [7, 0]);
}

/// The killed worker has paid for a call. The next worker pays for another, and stores one insight.
#[test]
fn a_kill_during_a_call_costs_one_more_call() {
    let scene =
        Scene::in_order(Bedrock, [portend_testing::http::Script::hang(), Bedrock.answers()], Vec::new());
    let mut killed =
        scene.command(&["explain", "--json", &scene.input(&[alert(1)])]).spawn().expect("the program starts");
    assert!(until(|| scene.asked() == [1, 0]));
    killed.kill().expect("the kill succeeds");
    killed.wait().expect("the program ends");
    // Its lease would end a minute later.
    scene.change_store("UPDATE claim SET lease_until = 0");
    let insight = scene.explain(&[alert(1)]).insight();
    assert_eq!(texts(&insight["attempts"], "outcome"), ["accepted"]);
    assert_eq!(scene.asked(), [2, 0]);
    assert_eq!(scene.run(&["insights", "--json"]).lines().len(), 1);
}

/// Alerts of different students with the same facts ask the same question.
#[test]
fn an_earlier_answer_costs_no_call_and_the_ledger_says_what_it_saved() {
    let scene = Scene::alone(Bedrock, [Bedrock.answers(), Bedrock.answers()]);
    scene.explain(&[alert(1)]).insight();
    let reused = scene.run(&["explain", "--json", &scene.input(&[alert(2)])]).insight();
    let attempt = &reused["attempts"][0];
    assert_eq!((&attempt["outcome"], &attempt["cost_usd"]), (&json!("reused"), &json!(0)));
    assert_eq!(attempt["reused"]["cost_usd"], json!(0.001_552));
    assert_eq!(scene.requests(Bedrock).len(), 1);
    let run = scene.run(&["ledger", "--json"]);
    let total = run.lines().pop().unwrap();
    assert_eq!((&total["reused"], &total["saved_usd"]), (&json!(1), &json!(0.001_552)));
    let text = scene.run(&["ledger"]).output;
    assert!(text.contains("1 insight with an earlier answer") && text.contains("saved $0.001552"), "{text}");
    let asked = scene.run(&["explain", "--json", "--no-reuse", &scene.input(&[alert(3)])]).insight();
    assert_eq!((&asked["attempts"][0]["outcome"], scene.requests(Bedrock).len()), (&json!("accepted"), 2));
}
