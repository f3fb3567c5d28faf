//! Paid calls, counted: two for each model and run, five for each alert, whatever fails and however often it is run.
//!
//! Takes: models that fail, and one store.
//! Gives: each run's ending, and every request that was made.
//! Never: waits for a breaker; each run is a process of its own.

use serde_json::json;

use super::harness::{Run, Scene, alert, text, texts, until};
use portend_testing::vendor::Vendor::{Bedrock, OpenAi};

/// What came of an event that has no insight, and the exit code.
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
    // Not a fallback: it is the first of the chain.
    assert_eq!(scene.explain(&[alert(1)]).line()["status"], "repeated");
    assert_eq!(scene.asked(), [0, 3]);
}

#[test]
fn five_calls_are_all_that_an_alert_has_in_all_its_runs() {
    let scene = Scene::alone(OpenAi, std::iter::repeat_with(|| OpenAi.is_busy()));
    for (ends, asked) in
        [(failed(), 2), (failed(), 4), (parked("calls_spent"), 5), (parked("calls_spent"), 5)]
    {
        assert_eq!(refused(&scene.explain(&[alert(1)])), ends);
        assert_eq!(scene.asked(), [0, asked]);
    }
    assert_eq!(scene.run(&["insights", "--json"]).output, "");
    assert_eq!(scene.run(&["parked", "--json"]).line()["reason"], "calls_spent");
    // Another alert has calls of its own.
    assert_eq!(refused(&scene.explain(&[alert(2)])), failed());
    assert_eq!(scene.asked(), [0, 7]);
}

/// A parked event names its mend, and that mend works.
#[test]
fn calls_that_are_spent_say_what_to_do_and_the_scorecard_is_it() {
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
    let judged = scene.run(&["parked", "replay", "--json"]).insight();
    assert_eq!((&judged["model_used"], &judged["degraded"]), (&"scorecard".into(), &true.into()));
    assert_eq!(scene.asked(), [0, 5], "its five calls are spent");
    let upgraded = scene.run(&["upgrade", "--json"]).line();
    assert_eq!(
        (&upgraded["status"], &upgraded["insight"]["model_used"]),
        (&"upgraded".into(), &OpenAi.label().into())
    );
    assert_eq!(scene.asked(), [0, 6], "the upgrade has calls of its own");
    let message = spent.line()["message"].clone();
    assert!(text(&message).contains("scorecard"), "a message names the mend: {message}");
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

/// A guardrail is the deployment's own policy; nothing goes round it, the scorecard being no model.
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
    // Run again, it ends the same: at its own request, and at no other model.
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
    // Another chain makes no difference to what is stored.
    let again = scene.models("openai,scorecard").explain(&[alert(1)]).line();
    assert_eq!(
        (&again["status"], &again["insight"]["model_used"]),
        (&"repeated".into(), &Bedrock.label().into())
    );
}

/// A breaker spares the alerts that follow, and never hides a fault of the configuration.
#[test]
fn a_model_that_cannot_work_is_asked_once_and_named_once_for_all_alerts() {
    let alerts: Vec<_> = (1..=5).map(alert).collect();
    let wrong_key = OpenAi.fails(401, "invalid_api_key", "wrong");
    let scene =
        Scene::in_order(OpenAi, [wrong_key], std::iter::repeat_with(|| Bedrock.answers()).take(5).collect());
    let run = scene.run(&["explain", "--json", "--concurrency", "1", &scene.input(&alerts)]);
    let used: Vec<_> = run.lines().iter().map(|line| line["insight"]["model_used"].clone()).collect();
    assert_eq!(used, vec![format!("{}-fallback", Bedrock.label()); 5]);
    assert_eq!(scene.asked(), [5, 1]);
    assert_eq!(run.errors.matches("the model openai cannot work").count(), 1, "{}", run.errors);
    assert!(run.errors.contains("the key is refused"), "{}", run.errors);
}

#[test]
fn without_the_scorecard_an_open_breaker_hands_back_what_it_skips() {
    let alerts: Vec<_> = (1..=3).map(alert).collect();
    let wrong_key = OpenAi.fails(401, "invalid_api_key", "wrong");
    let mended = std::iter::repeat_with(|| OpenAi.answers()).take(3);
    let scene = Scene::alone(OpenAi, [wrong_key].into_iter().chain(mended));
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

/// A request that is refused for what it says tells nothing of the next one.
#[test]
fn a_rejected_request_closes_no_breaker() {
    let alerts: Vec<_> = (1..=3).map(alert).collect();
    let too_long = || Bedrock.fails(400, "ValidationException", "Input is too long for requested model.");
    let scripts = [too_long(), too_long(), Bedrock.answers()];
    let scene = Scene::in_order(Bedrock, scripts, vec![OpenAi.answers(), OpenAi.answers()]);
    let run = scene.run(&["explain", "--json", "--concurrency", "1", &scene.input(&alerts)]);
    let used: Vec<_> = run.lines().iter().map(|line| line["insight"]["model_used"].clone()).collect();
    let fallback = format!("{}-fallback", OpenAi.label());
    assert_eq!(used, [fallback.clone(), fallback, Bedrock.label().to_owned()]);
    assert_eq!(scene.asked(), [3, 2]);
}

#[test]
fn nonsense_opens_no_breaker() {
    let alerts: Vec<_> = (1..=4).map(alert).collect();
    let nonsense = std::iter::repeat_with(|| Bedrock.says("?")).take(6);
    let scene =
        Scene::in_order(Bedrock, nonsense.chain([Bedrock.answers()]), Vec::new()).models("bedrock,scorecard");
    let run = scene.run(&["explain", "--json", "--concurrency", "1", &scene.input(&alerts)]);
    let used: Vec<_> = run.lines().iter().map(|line| line["insight"]["model_used"].clone()).collect();
    assert_eq!(used, ["scorecard", "scorecard", "scorecard", Bedrock.label()]);
    assert!(run.lines().iter().all(|line| line["insight"]["degraded"] == false));
    assert_eq!(scene.asked(), [7, 0]);
}

/// A worker that was killed has paid; who takes over pays again, and stores one insight.
#[test]
fn a_process_that_is_killed_in_a_call_costs_one_more() {
    let scene =
        Scene::in_order(Bedrock, [portend_testing::http::Script::hang(), Bedrock.answers()], Vec::new());
    let mut killed =
        scene.command(&["explain", "--json", &scene.input(&[alert(1)])]).spawn().expect("it runs");
    assert!(until(|| scene.asked() == [1, 0]));
    killed.kill().expect("it is killed");
    killed.wait().expect("it ends");
    // A minute later its lease has ended.
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
    let reused = scene.explain(&[alert(2)]).insight();
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
