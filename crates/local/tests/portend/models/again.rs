//! Asking again: `portend drivers` and `portend compare`, with a model that scores by a rule.

use serde_json::{Value, json};

use super::harness::{Scene, alert};
use portend_testing::vendor::Vendor::{Bedrock, OpenAi};
use portend_testing::vendor::answer;

/// A reply with this score.
fn scores(score: u32) -> portend_testing::http::Script {
    let mut reply = answer();
    reply["explanation"] = json!("The family is not content.");
    reply["drivers"] = json!([{ "fact": "ib_calls_14d", "effect": "raises", "because": "There are calls." }]);
    reply["risk_score"] = json!(score);
    OpenAi.says(&reply.to_string())
}

#[test]
fn drivers_ask_once_for_each_fact_and_once_for_the_noise() {
    // The insight, the noise, then each fact at its healthy value.
    let scene = Scene::alone(OpenAi, [scores(70), scores(72), scores(40), scores(60)]);
    let insight = scene.explain(&[alert(1)]).line();
    let id = insight["alert_id"].as_str().unwrap();
    let measured: Value = scene.run(&["drivers", id, "--json"]).line();
    assert_eq!(scene.asked(), [0, 4], "{measured}");
    assert_eq!((&measured["calls"], &measured["noise"]), (&json!(3), &json!(2.0)));
    let effect = |fact: &str| {
        let all = measured["measured_drivers"].as_array().unwrap();
        let of_fact = all.iter().find(|each| each["fact"] == fact).unwrap();
        (of_fact["effect"].as_f64().unwrap(), of_fact["agrees"].as_bool().unwrap())
    };
    assert_eq!(effect("ib_calls_14d"), (30.0, true));
    assert_eq!(effect("health_score"), (10.0, false), "the insight does not name it");
}

#[test]
fn a_model_compared_with_itself_has_not_moved() {
    let scene = Scene::alone(OpenAi, std::iter::repeat_with(|| scores(70)));
    scene.explain(&(1..=5).map(alert).collect::<Vec<_>>());
    let report: Value = scene.run(&["compare", "--with", "openai", "--repeat", "2", "--json"]).line();
    assert_eq!(scene.asked(), [0, 15], "five insights, then ten questions");
    assert_eq!(
        (&report["n"], &report["mean_shift"], &report["over_10"]),
        (&json!(5), &json!(0.0), &json!(0.0))
    );
    assert_eq!((&report["within_noise"], &report["moved"]), (&json!(true), &json!(0.0)));
    assert_eq!(scene.count("SELECT count(*) FROM insight"), 5, "nothing more is stored");
}

#[test]
fn a_score_that_is_lower_with_one_fact_worse_is_found() {
    // Two insights; then each question, and each with one fact worse.
    let replies = [70, 70, 70, 80, 70, 50].map(scores);
    let scene = Scene::alone(OpenAi, replies);
    scene.explain(&[alert(1), alert(2)]);
    let compared = scene.run(&["compare", "--with", "openai", "--worse", "--json"]);
    let report: Value = compared.line();
    assert_eq!(scene.asked(), [0, 6], "{report}");
    assert_eq!(report["worse"], json!({ "asked": 2, "lower": 1, "facts": { "health_score": 1 } }));
    assert_eq!(report["mean_shift"], json!(0.0), "the questions with a worse fact are not part of the shift");
}

/// The successor that a notice of an end of life names is known by its id alone.
#[test]
fn a_model_is_compared_by_the_id_of_a_known_one() {
    let successor = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
    let scene = Scene::alone(Bedrock, std::iter::repeat_with(|| Bedrock.answers()))
        .set("BEDROCK_MODEL_ID", "us.anthropic.claude-3-5-haiku-20241022-v1:0");
    scene.explain(&[alert(1)]);
    let notice = scene.run(&["doctor", "--json"]).output;
    let command = format!("portend compare --with {successor} --budget 1.00 says");
    assert!(notice.contains(&command), "{notice}");
    let before = scene.asked()[0];
    let report = scene.run(&["compare", "--with", successor, "--budget", "1.00", "--json"]).line();
    assert_eq!((&report["with"], &report["n"]), (&json!("bedrock-claude-haiku-4.5"), &json!(1)), "{report}");
    let requests = scene.requests(Bedrock);
    let asked: Vec<_> = requests.iter().skip(before).map(|request| request.path.as_str()).collect();
    let is_successor = |path: &&str| path.contains("claude-haiku-4-5-20251001");
    assert!(!asked.is_empty() && asked.iter().all(is_successor), "{asked:?}");

    let unknown = scene.run(&["compare", "--with", "us.new.model-v9:0"]);
    let parts = ["not the id of a known model", "[models.NAME]", "model = \"us.new.model-v9:0\"", "use NAME"];
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(parts.iter().all(|part| unknown.errors.contains(part)), "{}", unknown.errors);
    // A name of the settings is not taken for an id.
    let scene = Scene::alone(OpenAi, std::iter::repeat_with(|| scores(70)))
        .file("[models.\"gpt-6-luna\"]\nmodel = \"mine\"\nbase_url = \"OPENAI\"\n");
    scene.explain(&[alert(1)]);
    scene.run(&["compare", "--with", "gpt-6-luna", "--json"]).line();
    let requests = scene.requests(OpenAi);
    assert!(requests.last().is_some_and(|request| request.body.contains("\"mine\"")), "{requests:?}");
}
