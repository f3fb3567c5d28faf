//! Structured output: the schema goes natively where it works, and by the prompt alone where it does not.
//!
//! Takes: vendors that take the schema, and such that refuse it in their words.
//! Gives: which requests had it.
//! Never: waits for the day on which a refusal is forgotten.

use serde_json::{Value, json};

use super::harness::{Scene, alert, alert_of, each, equal, texts};
use portend_testing::http::Script;
use portend_testing::vendor::Vendor::{self, Bedrock, OpenAi};
use portend_testing::vendor::{BOTH, answer_that};

/// Whether each request of a vendor had a schema.
fn native(scene: &Scene, provider: Vendor) -> Vec<bool> {
    scene.requests(provider).iter().map(|request| provider.schema_in(request).is_some()).collect()
}

#[test]
fn the_schema_is_sent_natively_and_holds_nothing_of_the_alert() {
    for provider in BOTH {
        let text = answer_that("Many calls.");
        let scene = Scene::alone(provider, [provider.says(&text), provider.says(&text)]);
        let input = scene.input(&[alert_of(1, 4), alert_of(2, 4321)]);
        assert_eq!(scene.run(&["explain", "--json", "--concurrency", "1", &input]).code, 0);
        let requests = scene.requests(provider);
        let schemas: Vec<Value> = requests.iter().filter_map(|request| provider.schema_in(request)).collect();
        assert_eq!(schemas.len(), 2);
        assert_eq!(schemas[0], schemas[1], "it says the same of every alert of a type");
        let schema = &schemas[0];
        assert_eq!(schema["required"], json!(["drivers", "explanation", "recommendations", "risk_score"]));
        assert_eq!(
            schema["properties"]["drivers"]["items"]["properties"]["fact"]["enum"],
            json!(["ib_calls_14d", "health_score"])
        );
        // Only a compatible server gets the bounds.
        for bound in ["minimum", "maximum", "minItems", "maxItems", "maxLength"] {
            assert_eq!(schema.to_string().contains(bound), provider == OpenAi, "{bound} in {schema}");
        }
        for refused in ["minLength", "pattern"] {
            assert!(!schema.to_string().contains(refused), "{refused} in {schema}");
        }
        assert_eq!(schema.to_string().matches("\"additionalProperties\":false").count(), 2);
    }
    let scene = Scene::alone(OpenAi, [OpenAi.answers()]);
    scene.explain(&[alert(1)]).insight();
    let body = portend_testing::vendor::json_of(&scene.requests(OpenAi)[0]);
    assert_eq!(body["response_format"]["type"], "json_schema");
    assert_eq!(body["response_format"]["json_schema"]["strict"], true);
}

#[test]
fn a_refusal_that_names_the_schema_steps_down_and_is_remembered() {
    let bedrock = |message: &str| Bedrock.fails(400, "ValidationException", message);
    let openai = |status, message: &str| OpenAi.fails(status, "", message);
    let rows = [
        (
            Bedrock,
            bedrock(
                "The model returned the following errors: output_config.format: Extra inputs are not permitted",
            ),
        ),
        (Bedrock, bedrock("outputConfig.textFormat is not supported for this model")),
        (Bedrock, bedrock("Invalid JSON schema: additionalProperties")),
        (OpenAi, openai(400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported")),
        (OpenAi, openai(422, "extra fields not permitted: response_format")),
        (OpenAi, openai(400, "Unsupported value: 'text.format'")),
        (OpenAi, Script::answer(400, r#"{"error": "json_schema is not supported"}"#)),
        (
            OpenAi,
            Script::answer(
                422,
                r#"{"detail": [{"loc": ["body", "response_format"], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}]}"#,
            ),
        ),
    ];
    each(&rows, |(provider, refusal)| {
        let name = format!("{refusal:?}");
        let scripts = vec![refusal.clone(), provider.answers(), provider.answers()];
        let scene = Scene::alone(*provider, scripts);
        let input = scene.input(&[alert(1), alert(2)]);
        let run = scene.run(&["explain", "--json", "--concurrency", "1", &input]);
        equal(&name, &run.code, &0)?;
        let lines = run.lines();
        let outcomes = |index: usize| texts(&lines[index]["insight"]["attempts"], "outcome");
        equal(&name, &outcomes(0), &vec!["schema_refused", "accepted"])?;
        equal(&name, &outcomes(1), &vec!["accepted"])?;
        equal(&name, &native(&scene, *provider), &vec![true, false, false])?;
        equal(&name, &lines[0]["insight"]["model_used"], &json!(provider.label()))?;
        equal(&name, &run.errors.as_str(), &"")
    });
}

/// The step down counts towards the five calls, and not towards the model's two.
#[test]
fn after_the_step_down_the_model_still_has_its_two_calls() {
    let refuses =
        |p: Vendor| p.fails(400, "ValidationException", "response_format: the schema is not supported");
    for (scripts, others, ends) in [
        (
            vec![refuses(Bedrock), Bedrock.is_busy(), Bedrock.answers()],
            vec![],
            "1:schema_refused 1:throttled 1:accepted => 1",
        ),
        (
            vec![refuses(Bedrock), Bedrock.says("?"), Bedrock.says("?")],
            vec![OpenAi.answers()],
            "1:schema_refused 1:no_object 1:no_object 2:accepted => 2-fallback",
        ),
        (
            vec![refuses(Bedrock), Bedrock.is_busy(), Bedrock.is_busy()],
            vec![refuses(OpenAi), OpenAi.is_busy(), OpenAi.answers()],
            "1:schema_refused 1:throttled 1:throttled 2:schema_refused 2:throttled => scorecard degraded",
        ),
        // Where no schema is sent, a refusal of one is a refusal of the request.
        (
            vec![refuses(Bedrock), refuses(Bedrock)],
            vec![OpenAi.answers()],
            "1:schema_refused 1:refused 2:accepted => 2-fallback, alarm 1",
        ),
    ] {
        let scene = Scene::in_order(Bedrock, scripts, others);
        let run = scene.explain(&[alert(1)]);
        assert_eq!(scene.ending(Bedrock, &run), ends);
    }
}

#[test]
fn a_model_that_is_known_to_take_none_is_sent_none() {
    for (provider, setting, model) in
        [(Bedrock, "BEDROCK_MODEL_ID", "us.anthropic.claude-haiku-5-5"), (OpenAi, "OPENAI_MODEL", "gpt-4")]
    {
        let scene = Scene::alone(provider, [provider.answers()]).set(setting, model);
        assert_eq!(scene.explain(&[alert(1)]).insight()["grade"], "model");
        assert_eq!(native(&scene, provider), [false]);
    }
    // It refuses a temperature too.
    let scene =
        Scene::alone(Bedrock, [Bedrock.answers()]).set("BEDROCK_MODEL_ID", "us.anthropic.claude-haiku-5-5");
    scene.explain(&[alert(1)]).insight();
    let body = portend_testing::vendor::json_of(&scene.requests(Bedrock)[0]);
    assert_eq!(body["inferenceConfig"].get("temperature"), None);
}
