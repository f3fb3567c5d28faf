//! Who answers: the chain's order, its fall-backs, and what is never asked.

use serde_json::{Value, json};

use crate::harness::{Scene, alert};
use portend_testing::http::Script;
use portend_testing::vendor::Vendor::{Bedrock, OpenAi};

fn denied() -> Script {
    Bedrock.fails(403, "AccessDeniedException", "canary")
}

fn outcomes(insight: &Value) -> Vec<&str> {
    insight["attempts"].as_array().unwrap().iter().map(|each| each["outcome"].as_str().unwrap()).collect()
}

/// Row 14: a model that is misconfigured fails over, and is asked no more.
#[test]
fn row_14_openai_answers_for_bedrock_and_every_alert_raises_the_alarm() {
    let scene = Scene::new([denied()], std::iter::repeat_with(|| OpenAi.answers()));
    let function = scene.start();
    let first = function.invoke(&alert(1)).unwrap()["insight"].clone();
    assert_eq!(first["model_used"], "openai-compatible-llama3.2-fallback");
    assert_eq!((outcomes(&first), &first["degraded"]), (vec!["access_denied", "accepted"], &json!(false)));
    let second = function.invoke(&alert(2)).unwrap()["insight"].clone();
    assert_eq!(outcomes(&second), ["accepted"], "the breaker is open");
    assert_eq!(scene.asked(), [1, 2]);
    let log = function.log();
    let alarms = log.iter().filter(|line| line["reason"] == "access_denied").count();
    assert_eq!(alarms, 2, "and masks nothing: {log:#?}");
}

#[test]
fn bedrock_is_left_out_where_it_is_switched_off() {
    let scene = Scene::answering().set("USE_BEDROCK", "false");
    let insight = scene.invoke(&alert(1)).unwrap()["insight"].clone();
    assert_eq!(insight["model_used"], "openai-compatible-llama3.2");
    assert_eq!(scene.asked(), [0, 1]);
}

#[test]
fn without_a_scorecard_an_unanswered_alert_is_an_error_and_nothing_is_stored() {
    let scene = Scene::new([denied()], [OpenAi.fails(401, "invalid_api_key", "canary")])
        .set("MODELS", "bedrock,openai");
    let (kind, sentence) = scene.invoke(&alert(1)).unwrap_err();
    assert_eq!(kind, "no_model");
    assert!(sentence.contains("no model answered"), "{sentence}");
    assert_eq!((scene.insights().len(), scene.told().len()), (0, 0));
    assert_eq!(scene.asked(), [1, 1]);
}

#[test]
fn a_guardrail_without_a_scorecard_parks_the_event() {
    let scene = Scene::new([Bedrock.ends("", "guardrail_intervened")], []).set("MODELS", "bedrock,openai");
    let answer = scene.invoke(&alert(1)).unwrap();
    assert_eq!((&answer["status"], &answer["reason"]), (&json!("parked"), &json!("guardrail")));
    assert_eq!((scene.asked(), scene.parked()), ([1, 0], vec!["guardrail".to_owned()]));
}

/// The key is not read at the start, nor while another model answers; then once.
#[test]
fn the_secret_is_read_when_it_is_needed_and_not_before() {
    let scripts = || [Bedrock.answers(), denied()];
    let scene = Scene::new(scripts(), [])
        .unset("OPENAI_API_KEY")
        .unset("OPENAI_BASE_URL")
        .unset("OPENAI_MODEL")
        .set("OPENAI_API_KEY_SECRET", "portend/openai");
    let function = scene.start();
    assert_eq!(function.outcome(alert(1).to_string().as_bytes()), "stored");
    assert_eq!(scene.secret_reads(), 0);
    // OpenAI itself is out of reach here, so the scorecard answers in the end.
    for number in [2, 3] {
        assert_eq!(function.outcome(alert(number).to_string().as_bytes()), "stored");
        assert_eq!(scene.secret_reads(), 1, "read once, and kept");
    }
}

/// The secret's key is OpenAI's own: with another address it is not read, and no key is sent.
#[test]
fn the_secret_is_for_openai_alone() {
    let scene = Scene::answering()
        .unset("OPENAI_API_KEY")
        .set("OPENAI_API_KEY_SECRET", "portend/openai")
        .set("USE_BEDROCK", "false");
    let insight = scene.invoke(&alert(1)).unwrap()["insight"].clone();
    assert_eq!(insight["model_used"], "openai-compatible-llama3.2");
    assert_eq!(scene.requests(OpenAi)[0].header("authorization"), None);
    assert_eq!(scene.secret_reads(), 0);
}
