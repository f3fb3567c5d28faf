//! Tests `portend upgrade`, which replaces the scorecard's insight with a model's. The tests check the store and count
//! the calls.
//!
//! Never: waits a quarter of an hour between two tries; the tests end the pause in the store.

use serde_json::{Value, json};

use super::harness::{Run, Scene, alert, text, texts};
use portend_testing::http::Script;
use portend_testing::vendor::Vendor::{Bedrock, OpenAi};

/// Ends the pause after a failed upgrade.
const PAUSE_IS_OVER: &str = "UPDATE claim SET lease_until = 0";

/// A scene with a degraded insight, made while Bedrock was throttled. Then Bedrock follows `scripts`.
fn degraded(scripts: Vec<Script>) -> Scene {
    let scripts = [Bedrock.is_busy(), Bedrock.is_busy()].into_iter().chain(scripts);
    let scene = Scene::in_order(Bedrock, scripts, Vec::new()).models("bedrock,scorecard");
    let insight = scene.explain(&[alert(1)]).insight();
    assert_eq!((&insight["degraded"], &insight["model_used"]), (&json!(true), &json!("scorecard")));
    assert_eq!(scene.asked(), [2, 0]);
    scene
}

fn upgrade(scene: &Scene) -> Run {
    scene.run(&["upgrade", "--json"])
}

fn statuses(run: &Run) -> Vec<String> {
    run.lines().iter().map(|line| text(&line["status"]).to_owned()).collect()
}

fn stored(scene: &Scene) -> Value {
    scene.run(&["insights", "--json"]).line()
}

#[test]
fn a_model_that_works_again_replaces_the_scorecards_insight_once() {
    let scene = degraded(vec![Bedrock.answers()]);
    let later = alert(1).replace("12:00:00", "13:00:00");
    assert_eq!(scene.explain(&[later]).line()["status"], "repeated");
    let before = stored(&scene);
    assert_eq!(before["occurrences"], 2);

    let run = upgrade(&scene);
    assert_eq!((run.code, statuses(&run)), (0, vec!["upgraded".to_owned()]));
    assert_eq!(run.errors, "1 entity has recovered\n1 upgraded, 0 to retry later, 0 given up\n");
    let after = stored(&scene);
    assert_eq!(run.line()["insight"], after);
    assert_eq!((text(&run.line()["alert_id"])), text(&after["alert_id"]));
    for same in [
        "alert_id",
        "entity_id",
        "severity",
        "message",
        "facts",
        "occurrences",
        "last_seen",
        "alert_timestamp",
        "expires_at",
        "baseline",
    ] {
        assert_eq!(after[same], before[same], "{same}");
    }
    for (changed, value) in [
        ("grade", json!("model")),
        ("degraded", json!(false)),
        ("model_used", json!(Bedrock.label())),
        ("risk_score", json!(72)),
    ] {
        assert_eq!(after[changed], value, "{changed}");
    }
    assert_eq!(scene.asked(), [3, 0]);

    let again = upgrade(&scene);
    assert_eq!((again.code, again.output.as_str()), (0, ""));
    assert_eq!(stored(&scene), after);
    assert_eq!(scene.explain(&[alert(1)]).line()["status"], "repeated");
    assert_eq!(scene.asked(), [3, 0], "nothing is left to upgrade");
}

/// An insight records every paid call, also those before its upgrade.
#[test]
fn every_attempt_stays_in_an_upgraded_insight() {
    let scene = degraded(vec![Bedrock.answers()]);
    upgrade(&scene);
    assert_eq!(texts(&stored(&scene)["attempts"], "outcome"), ["throttled", "throttled", "accepted"]);
}

#[test]
fn an_upgrade_is_tried_twice_with_two_calls_each_and_never_again() {
    let scene = degraded((0..8).map(|_| Bedrock.is_busy()).collect());
    let before = stored(&scene);
    for asked in [4, 6] {
        let run = upgrade(&scene);
        assert_eq!((run.code, statuses(&run)), (1, vec!["later".to_owned()]));
        assert_eq!(scene.asked(), [asked, 0]);
        // Before the pause ends, the sweep does not try again, and still reports the insight as `later`.
        let run = upgrade(&scene);
        assert_eq!((run.code, statuses(&run)), (1, vec!["later".to_owned()]));
        assert_eq!(scene.asked(), [asked, 0]);
        scene.change_store(PAUSE_IS_OVER);
    }
    let run = upgrade(&scene);
    assert_eq!((run.code, statuses(&run)), (0, vec!["never".to_owned()]));
    assert_eq!(scene.asked(), [6, 0]);
    assert_eq!(stored(&scene), before, "a failed upgrade changes nothing");
    assert_eq!(scene.explain(&[alert(1)]).line()["status"], "repeated");
}

/// An unusable reply is a failed try, and does not change the scorecard's insight.
#[test]
fn an_unusable_reply_upgrades_nothing() {
    let blocked = Bedrock.ends("Blocked.", "guardrail_intervened");
    for scripts in
        [vec![Bedrock.says("?"), Bedrock.says("?")], vec![Bedrock.ends("No.", "refusal")], vec![blocked]]
    {
        let calls = scripts.len();
        let scene = degraded(scripts);
        let before = stored(&scene);
        let run = upgrade(&scene);
        assert_eq!((run.code, statuses(&run)), (1, vec!["later".to_owned()]));
        assert_eq!((scene.asked(), stored(&scene)), ([2 + calls, 0], before));
    }
}

#[test]
fn an_upgrade_by_a_fallback_says_so() {
    let denied = Bedrock.fails(403, "AccessDeniedException", "no");
    let scene =
        Scene::in_order(Bedrock, [Bedrock.is_busy(), Bedrock.is_busy(), denied], vec![OpenAi.answers()]);
    let scene = scene.models("bedrock,scorecard");
    scene.explain(&[alert(1)]).insight();
    let scene = scene.models("bedrock,openai,scorecard");
    let run = upgrade(&scene);
    assert_eq!(run.line()["insight"]["model_used"], format!("{}-fallback", OpenAi.label()));
    assert!(run.errors.contains("the model bedrock cannot work"), "{}", run.errors);
    assert_eq!(scene.asked(), [3, 1]);
}

#[test]
fn only_a_degraded_insight_is_upgraded() {
    let refusal = OpenAi.ends("No.", "content_filter");
    let scene = Scene::alone(OpenAi, [refusal, OpenAi.answers()]).models("openai,scorecard");
    let input = scene.input(&[alert(1), alert(2)]);
    assert_eq!(scene.run(&["explain", "--concurrency", "1", &input]).code, 0);
    scene.run(&["explain", "--models", "scorecard", &scene.input(&[alert(3)])]);
    let run = upgrade(&scene);
    assert_eq!((run.code, run.output.as_str()), (0, ""));
    assert_eq!(scene.asked(), [0, 2]);
}

#[test]
fn an_upgrade_without_a_model_or_a_store_says_what_to_do() {
    let scene = degraded(Vec::new()).models("scorecard");
    let run = upgrade(&scene);
    assert_eq!((run.code, run.output.as_str()), (2, ""));
    assert!(run.errors.contains("--models"), "{}", run.errors);
    let scene = Scene::alone(OpenAi, []);
    let run = upgrade(&scene);
    assert_eq!(run.code, 1);
    assert!(run.errors.contains("run portend explain FILE to create one"), "{}", run.errors);
}

/// If the breaker skips the model, no call is made, so the try does not count.
#[test]
fn a_try_without_a_call_does_not_count() {
    let denied = std::iter::repeat_with(|| Bedrock.fails(403, "AccessDeniedException", "no"));
    let scene = Scene::alone(Bedrock, denied).models("bedrock,scorecard");
    let input = scene.input(&(1..=20).map(alert).collect::<Vec<_>>());
    assert_eq!(scene.run(&["explain", "--concurrency", "1", &input]).code, 0);
    let run = upgrade(&scene);
    assert_eq!((run.code, statuses(&run)), (1, vec!["later".to_owned(); 20]));
    // The first run made one call. The sweep makes at most eight calls at once, until the first opens the breaker.
    let calls = scene.asked()[0] - 1;
    assert!((1..=8).contains(&calls), "{calls}");
    // The configuration is at fault, and not the insight.
    assert_eq!(scene.count("SELECT sum(upgrades) FROM claim"), 0);
}

/// Insights that cannot be upgraded do not block others, however many there are.
#[test]
fn a_thousand_insights_that_cannot_be_upgraded_do_not_block_another() {
    let scene = Scene::alone(Bedrock, [Bedrock.answers()]).models("openai,scorecard");
    let scene = scene.set("OPENAI_BASE_URL", "http://127.0.0.1:9/v1");
    let alerts: Vec<_> = (1..=1000).map(alert).collect();
    assert_eq!(scene.explain(&alerts).code, 0);
    scene.change_store("UPDATE claim SET upgrades = 2");
    assert_eq!(scene.explain(&[alert(0)]).insight()["degraded"], true);
    let scene = scene.models("bedrock");
    let run = upgrade(&scene);
    let upgraded = statuses(&run).iter().filter(|status| *status == "upgraded").count();
    assert_eq!((run.code, upgraded, scene.asked()), (0, 1, [1, 0]), "{}", run.errors);
}

#[test]
fn four_upgrades_at_the_same_time_pay_once() {
    let scene = degraded(vec![Bedrock.answers()]);
    let runs = scene.run_together(4, &["upgrade", "--json"]);
    let upgraded = runs.iter().flat_map(statuses).filter(|status| status == "upgraded").count();
    assert_eq!(upgraded, 1, "{runs:?}");
    assert_eq!(scene.asked(), [3, 0]);
    assert_eq!(stored(&scene)["grade"], "model");
}
