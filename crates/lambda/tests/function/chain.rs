//! The chain: its order, failover, and the models that must not be called.

use serde_json::{Value, json};

use crate::harness::{Scene, alert, distinct_alert};
use portend_testing::http::Script;
use portend_testing::vendor::Vendor::{Bedrock, OpenAi};

fn denied() -> Script {
    Bedrock.fails(403, "AccessDeniedException", "canary")
}

fn outcomes(insight: &Value) -> Vec<&str> {
    insight["attempts"].as_array().unwrap().iter().map(|each| each["outcome"].as_str().unwrap()).collect()
}

/// Row 14: the chain fails over from a misconfigured model, and does not call it again.
#[test]
fn row_14_openai_replaces_a_misconfigured_bedrock_and_every_alert_raises_the_alarm() {
    let scene = Scene::new([denied()], std::iter::repeat_with(|| OpenAi.answers()));
    let function = scene.start();
    let first = function.invoke(&alert(1)).unwrap()["insight"].clone();
    assert_eq!(first["model_used"], "openai-compatible-llama3.2-fallback");
    assert_eq!((outcomes(&first), &first["degraded"]), (vec!["access_denied", "accepted"], &json!(false)));
    let second = function.invoke(&distinct_alert(2)).unwrap()["insight"].clone();
    assert_eq!(outcomes(&second), ["accepted"], "the breaker is open");
    assert_eq!(scene.calls(), [1, 2]);
    let log = function.log();
    let alarms = log.iter().filter(|line| line["reason"] == "access_denied").count();
    assert_eq!(alarms, 2, "an open breaker does not hide the alarm: {log:#?}");
}

#[test]
fn bedrock_is_not_called_if_it_is_switched_off() {
    let scene = Scene::answering().set("USE_BEDROCK", "false");
    let insight = scene.invoke(&alert(1)).unwrap()["insight"].clone();
    assert_eq!(insight["model_used"], "openai-compatible-llama3.2");
    assert_eq!(scene.calls(), [0, 1]);
}

#[test]
fn without_a_scorecard_an_alert_that_no_model_answers_is_an_error_and_nothing_is_stored() {
    let scene = Scene::new([denied()], [OpenAi.fails(401, "invalid_api_key", "canary")])
        .set("MODELS", "bedrock,openai");
    let (kind, sentence) = scene.invoke(&alert(1)).unwrap_err();
    assert_eq!(kind, "no_model");
    assert!(sentence.contains("no model answered"), "{sentence}");
    assert_eq!((scene.insights().len(), scene.published().len()), (0, 0));
    assert_eq!(scene.calls(), [1, 1]);
}

#[test]
fn a_guardrail_without_a_scorecard_parks_the_event() {
    let scene = Scene::new([Bedrock.ends("", "guardrail_intervened")], []).set("MODELS", "bedrock,openai");
    let response = scene.invoke(&alert(1)).unwrap();
    assert_eq!((&response["status"], &response["reason"]), (&json!("parked"), &json!("guardrail")));
    assert_eq!((scene.calls(), scene.parked()), ([1, 0], vec!["guardrail".to_owned()]));
}

/// The key is not read at the start or while another model answers. When it is needed, it is read once.
#[test]
fn the_secret_is_read_when_it_is_needed() {
    let scripts = || [Bedrock.answers(), denied()];
    let scene = Scene::new(scripts(), [])
        .unset("OPENAI_API_KEY")
        .unset("OPENAI_BASE_URL")
        .unset("OPENAI_MODEL")
        .set("OPENAI_API_KEY_SECRET", "portend/openai");
    let function = scene.start();
    assert_eq!(function.outcome(distinct_alert(1).to_string().as_bytes()), "stored");
    assert_eq!(scene.secret_reads(), 0);
    // A test cannot reach OpenAI itself, so the scorecard scores these alerts.
    for number in [2, 3] {
        assert_eq!(function.outcome(distinct_alert(number).to_string().as_bytes()), "stored");
        assert_eq!(scene.secret_reads(), 1, "the key is read once");
    }
}

/// The secret contains OpenAI's own key. With a base URL, it is not read, and no key is sent.
#[test]
fn the_secret_is_used_only_for_openai_itself() {
    let scene = Scene::answering()
        .unset("OPENAI_API_KEY")
        .set("OPENAI_API_KEY_SECRET", "portend/openai")
        .set("USE_BEDROCK", "false");
    let insight = scene.invoke(&alert(1)).unwrap()["insight"].clone();
    assert_eq!(insight["model_used"], "openai-compatible-llama3.2");
    assert_eq!(scene.requests(OpenAi)[0].header("authorization"), None);
    assert_eq!(scene.secret_reads(), 0);
}
