//! Tests that keys, ids and messages do not leak: through errors that vendors echo, through settings that cannot be
//! read, or through any command. Each secret contains a canary. The harness looks for canaries in the requests, errors
//! and stores of all other tests too.

use serde_json::json;

use super::harness::{AWS_KEY_ID, AWS_SECRET, CANARY, KEY, Run, Scene, alert, each, equal, text};
use portend_testing::http::Script;
use portend_testing::vendor::Vendor::{Bedrock, OpenAi};
use portend_testing::vendor::{BOTH, answer_that};

/// A word that only a model's reply contains.
const REPLY_WORD: &str = "lanternfish";

#[test]
fn no_request_shows_an_id_a_name_a_message_an_unknown_field_or_a_key() {
    let student = alert(1);
    let subject = json!({
        "version": "0", "id": "canary event", "detail-type": "supply_demand_imbalance",
        "source": "iops-dashboard.processor", "account": "canary account", "time": "2025-01-01T12:00:00Z",
        "detail": {
            "alert_type": "supply_demand_imbalance", "severity": "warning", "entity_id": "canary calculus",
            "entity_type": "subject", "message": "canary calculus is short of tutors",
            "details": {
                "balance_status": "high_demand", "demand_score": 91.5, "supply_score": 7,
                "note": "canary field", "nested": { "canary": ["canary"] },
            },
            "timestamp": "2025-01-01T12:00:00Z", "canary": "canary",
        },
    });
    for provider in BOTH {
        // Every kind of request: the first, a re-ask, one with a higher token limit, and one without the schema.
        let cut = if provider == Bedrock { "max_tokens" } else { "length" };
        let scripts = [
            provider.fails(
                400,
                "ValidationException",
                "output_config.format: Extra inputs are not permitted: response_format",
            ),
            provider.says(REPLY_WORD),
            provider.answers(),
            provider.ends(REPLY_WORD, cut),
            provider.says(&answer_that("Demand is high.")),
        ];
        let scene = Scene::alone(provider, scripts);
        let input = scene.input(&[student.clone(), subject.to_string()]);
        let run = scene.run(&["explain", "--json", "--concurrency", "1", &input]);
        assert_eq!(run.code, 0, "{run:?}");
        let requests = scene.requests(provider);
        assert_eq!(requests.len(), 5);
        // The harness has looked for canaries. The facts show that these are the right requests.
        assert!(requests[0].body.contains("ib_calls_14d") && requests[4].body.contains("91.5"));
        assert!(requests.iter().all(|request| !request.shows(CANARY)));
    }
}

#[test]
fn only_the_insight_and_its_card_show_the_id_and_the_message() {
    let scene = Scene::in_order(
        Bedrock,
        [Bedrock.is_busy(), Bedrock.says(REPLY_WORD)],
        vec![OpenAi.says(&answer_that(REPLY_WORD))],
    );
    let run = scene.run(&["explain", "--evidence", &scene.input(&[alert(7)])]);
    assert!(run.output.contains("stu_canary_7") && run.output.contains("canary message"), "{}", run.output);
    assert!(run.output.contains(REPLY_WORD));
    assert!(!run.errors.contains(REPLY_WORD), "{}", run.errors);
    assert!(!run.output.contains("canary field"));
    for quiet in [&["ledger"][..], &["doctor"], &["types"], &["parked"]] {
        let run = scene.run(quiet);
        assert!(
            !run.output.contains("stu_canary") && !run.output.contains("canary message"),
            "{}",
            run.output
        );
        assert!(!run.output.contains(REPLY_WORD) && !run.errors.contains(REPLY_WORD));
    }
}

/// Vendors echo what they refuse. For example, a 401 from OpenAI contains part of the key.
#[test]
fn a_vendors_echo_is_not_printed() {
    let echo = format!("{KEY} {AWS_SECRET} {AWS_KEY_ID} stu_canary_1");
    let statuses = [400, 401, 403, 404, 409, 429, 500];
    let rows: Vec<_> = statuses.into_iter().flat_map(|status| BOTH.map(|each| (status, each))).collect();
    each(&rows, |(status, provider)| {
        let name = format!("{status} of {provider:?}");
        let echoes = || {
            let error = json!({ "message": echo, "type": echo, "code": echo, "param": echo });
            let body = json!({ "message": echo, "__type": echo, "error": error });
            Script::answer(*status, body.to_string())
                .header("x-amzn-ErrorType", format!("{KEY}:http://x/"))
                .header("x-request-id", KEY)
                .header("retry-after-ms", "1")
        };
        let scene = Scene::alone(*provider, [echoes(), echoes(), echoes(), echoes()]);
        let run = scene.explain(&[alert(1)]);
        equal(&name, &run.line()["reason"], &json!("no_model"))?;
        equal(&run.output, &run.output.contains(CANARY), &false)?;
        let run = scene.run(&["doctor", "--json"]);
        equal(&run.output, &run.output.contains(CANARY), &false)
    });
}

#[test]
fn a_vendors_model_id_is_stored_only_if_it_is_plain_text() {
    for (named, stored) in [
        ("llama3.2-q4", "llama3.2-q4"),
        ("two words", "llama3.2"),
        ("\u{1b}[31m", "llama3.2"),
        ("", "llama3.2"),
    ] {
        let mut body = OpenAi.body(&json!(answer_that("Many calls.")), "stop");
        body["model"] = json!(named);
        let scene = Scene::alone(OpenAi, [Script::answer(200, body.to_string())]);
        assert_eq!(text(&scene.explain(&[alert(1)]).insight()["model_id"]), stored);
    }
}

#[test]
fn an_error_about_an_unreadable_setting_does_not_print_the_key() {
    let files = [
        "openai_api_key = \"sk-canary-5f02c1",
        "openai_api_key = sk-canary-5f02c1",
        "openai_api_key = [\"sk-canary-5f02c1\"]",
        "openai_key = \"sk-canary-5f02c1\"",
        "openai_api_key = \"sk-canary-5f02c1\"\nopenai_api_key = \"sk-canary-5f02c1\"",
        "[models]\nx = \"sk-canary-5f02c1\"",
        "[models.x]\nkey = \"sk-canary-5f02c1\"",
        "[models.x]\napi_key = { value = \"sk-canary-5f02c1\" }",
        "[models.x]\napi_key = 'sk-canary-5f02c1' 'twice'",
        "sk-canary-5f02c1",
        "openai_api_key = 502150215021",
        "[models.x]\napi_key = 502150215021",
    ];
    each(&files, |file| {
        let scene = Scene::new([], []).models("scorecard").file(file);
        let output = scene.command(&["insights"]).output().expect("the program runs");
        let Run { code, output, errors } = Run::of(&output);
        equal(file, &(code, output.as_str()), &(2, ""))?;
        equal(&format!("{file}: {errors}"), &(errors.contains(CANARY) || errors.contains("5021")), &false)
    });
}

#[test]
fn a_key_in_the_wrong_setting_is_not_printed() {
    for (name, value) in [
        ("OPENAI_API_KEY", "sk-canary 5f02c1"),
        ("OPENAI_API_KEY", "\"sk-canary-5f02c1\u{e9}\""),
        ("OPENAI_BASE_URL", "https://user:sk-canary-5f02c1@example.com/v1"),
        ("OPENAI_BASE_URL", "https://example.com/v1?key=sk-canary-5f02c1"),
        ("OPENAI_MODEL", "sk-canary 5f02c1"),
        ("BEDROCK_MODEL_ID", "canary secret"),
    ] {
        let scene = Scene::new([], []).models("bedrock,openai").set(name, value);
        for command in [&["explain", "-"][..], &["upgrade"]] {
            let run = scene.run(command);
            assert_eq!((run.code == 0, run.output.as_str()), (false, ""), "{name} {command:?}");
        }
        let run = scene.run(&["doctor"]);
        assert!(!run.output.contains(CANARY), "{}", run.output);
    }
}
