//! Tests the native schema: the program sends it to a model that accepts it, and steps down where a vendor refuses it.
//!
//! Never: waits until the program forgets a refusal.

use serde_json::{Value, json};

use super::harness::{Scene, alert, alert_of, each, equal, texts};
use portend_testing::http::Script;
use portend_testing::vendor::Vendor::{self, Bedrock, OpenAi};
use portend_testing::vendor::{BOTH, answer_that};

/// Whether each request to a vendor had a native schema.
fn native(scene: &Scene, provider: Vendor) -> Vec<bool> {
    scene.requests(provider).iter().map(|request| provider.schema_in(request).is_some()).collect()
}

#[test]
fn the_schema_is_sent_natively_and_contains_nothing_of_the_alert() {
    for provider in BOTH {
        let text = answer_that("Many calls.");
        let scene = Scene::alone(provider, [provider.says(&text), provider.says(&text)]);
        let input = scene.input(&[alert_of(1, 4), alert_of(2, 4321)]);
        assert_eq!(scene.run(&["explain", "--json", "--no-reuse", "--concurrency", "1", &input]).code, 0);
        let requests = scene.requests(provider);
        let schemas: Vec<Value> = requests.iter().filter_map(|request| provider.schema_in(request)).collect();
        assert_eq!(schemas.len(), 2);
        assert_eq!(schemas[0], schemas[1], "the schema is the same for every alert of a type");
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
        // A compatible endpoint is asked with a less detailed schema first.
        let times = if *provider == OpenAi { 2 } else { 1 };
        let refusals = vec![refusal.clone(); times];
        let scripts: Vec<_> = refusals.into_iter().chain([provider.answers(), provider.answers()]).collect();
        let scene = Scene::alone(*provider, scripts);
        let input = scene.input(&[alert(1), alert(2)]);
        let run = scene.run(&["explain", "--json", "--no-reuse", "--concurrency", "1", &input]);
        equal(&name, &run.code, &0)?;
        let lines = run.lines();
        let outcomes = |index: usize| texts(&lines[index]["insight"]["attempts"], "outcome");
        let expected: Vec<_> = vec!["schema_refused"; times].into_iter().chain(["accepted"]).collect();
        equal(&name, &outcomes(0), &expected)?;
        equal(&name, &outcomes(1), &vec!["accepted"])?;
        equal(&name, &native(&scene, *provider), &[vec![true; times], vec![false; 2]].concat())?;
        equal(&name, &lines[0]["insight"]["model_used"], &json!(provider.label()))?;
        equal(&name, &run.errors.as_str(), &"")
    });
}

/// Whether each request had a schema with bounds, one without, or none.
fn forms(scene: &Scene) -> String {
    let form = |schema: Option<Value>| match schema {
        None => 'n',
        Some(schema) if schema.to_string().contains("maxLength") => 'b',
        Some(_) => 'r',
    };
    scene.requests(OpenAi).iter().map(|request| form(OpenAi.schema_in(request))).collect()
}

#[test]
fn a_compatible_endpoint_steps_down_by_the_form_that_it_can_take() {
    let refuses = |message: &str| OpenAi.fails(400, "", message);
    let cut = || OpenAi.ends("{", "length");
    let nothing = |reasoning: &str| {
        let mut body = OpenAi.body(&json!(null), "stop");
        body["choices"][0]["message"]["reasoning_content"] = json!(reasoning);
        Script::answer(200, body.to_string())
    };
    let rows = [
        (
            "bounds",
            vec![refuses("maxLength is not supported in the schema")],
            "brr",
            vec!["schema_refused", "accepted"],
        ),
        (
            "any schema",
            vec![
                refuses("Invalid schema for response_format"),
                refuses("Invalid schema for response_format"),
            ],
            "brnn",
            vec!["schema_refused", "schema_refused", "accepted"],
        ),
        ("grammar", vec![refuses("failed to parse grammar")], "bnn", vec!["schema_refused", "accepted"]),
        (
            "the model's own JSON",
            vec![OpenAi.fails(400, "json_validate_failed", "")],
            "bnn",
            vec!["schema_refused", "accepted"],
        ),
        ("null content", vec![nothing("{}")], "bnn", vec!["empty", "accepted"]),
        ("an empty text", vec![OpenAi.says("")], "bnn", vec!["empty", "accepted"]),
        ("garbage", vec![OpenAi.says("@@@@")], "bnn", vec!["no_object", "accepted"]),
        ("cut off", vec![cut()], "brb", vec!["length", "accepted"]),
        (
            "a parameter",
            vec![refuses("'temperature' does not support 0")],
            "bbb",
            vec!["parameter_refused", "accepted"],
        ),
        (
            "both",
            vec![refuses("failed to parse grammar"), refuses("'temperature' does not support 0")],
            "bnnn",
            vec!["schema_refused", "parameter_refused", "accepted"],
        ),
    ];
    each(&rows, |(name, scripts, expected, outcomes)| {
        let answers = [OpenAi.answers(), OpenAi.answers()];
        let scene = Scene::alone(OpenAi, scripts.iter().cloned().chain(answers).collect::<Vec<_>>());
        let input = scene.input(&[alert(1), alert(2)]);
        let run = scene.run(&["explain", "--json", "--no-reuse", "--concurrency", "1", &input]);
        equal(name, &run.code, &0)?;
        equal(name, &texts(&run.lines()[0]["insight"]["attempts"], "outcome"), outcomes)?;
        equal(name, &forms(&scene).as_str(), expected)
    });
}

#[test]
fn a_reply_that_was_cut_off_is_asked_for_again_shorter_and_with_more_room() {
    let scene = Scene::alone(OpenAi, [OpenAi.ends("{", "length"), OpenAi.answers()]);
    assert_eq!(scene.explain(&[alert(1)]).insight()["grade"], "model");
    let requests = scene.requests(OpenAi);
    let ceilings: Vec<_> = requests.iter().filter_map(|request| OpenAi.ceiling_in(request)).collect();
    assert!(ceilings[1] > ceilings[0], "{ceilings:?}");
    let messages = OpenAi.messages_in(&requests[1]);
    assert_eq!(messages.len(), 1, "the cut reply is not quoted");
    assert!(messages[0].contains("one driver per fact"), "{messages:?}");
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
            vec![refuses(OpenAi), refuses(OpenAi), OpenAi.answers()],
            "1:schema_refused 1:throttled 1:throttled 2:schema_refused 2:schema_refused => scorecard degraded",
        ),
        // The second request has no schema, so the vendor refused the request itself.
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
fn a_model_that_is_known_to_refuse_a_schema_gets_none() {
    for (provider, setting, model) in
        [(Bedrock, "BEDROCK_MODEL_ID", "us.anthropic.claude-haiku-5-5"), (OpenAi, "OPENAI_MODEL", "gpt-4")]
    {
        let scene = Scene::alone(provider, [provider.answers()]).set(setting, model);
        assert_eq!(scene.explain(&[alert(1)]).insight()["grade"], "model");
        assert_eq!(native(&scene, provider), [false]);
    }
    // This model refuses a temperature too.
    let scene =
        Scene::alone(Bedrock, [Bedrock.answers()]).set("BEDROCK_MODEL_ID", "us.anthropic.claude-haiku-5-5");
    scene.explain(&[alert(1)]).insight();
    let body = portend_testing::vendor::json_of(&scene.requests(Bedrock)[0]);
    assert_eq!(body["inferenceConfig"].get("temperature"), None);
}

#[test]
fn the_next_run_of_the_program_does_not_ask_with_a_schema_that_was_refused() {
    let refusal = OpenAi.fails(400, "", "response_format is not supported");
    let scripts = [refusal.clone(), refusal, OpenAi.answers(), OpenAi.answers()];
    let scene = Scene::alone(OpenAi, scripts);
    for event in [alert(1), alert(2)] {
        scene.explain(&[event]).insight();
    }
    assert_eq!(native(&scene, OpenAi), [true, true, false, false]);
}
