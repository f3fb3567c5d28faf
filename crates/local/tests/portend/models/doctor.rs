//! Tests `portend doctor`, which names each cause in one sentence with its fix. The tests look only for the words that
//! name the cause and the fix.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::json;

use super::harness::{Scene, each, text};
use portend_testing::http::{Script, Server};
use portend_testing::vendor::BOTH;
use portend_testing::vendor::Vendor::{self, Bedrock, OpenAi};

/// The lines of the doctor about the models, as `state: sentence`, and the exit code.
fn of_models(scene: &Scene) -> (Vec<String>, i32) {
    let run = scene.run(&["doctor", "--json"]);
    assert_eq!(run.errors, "");
    let lines = run.lines();
    let models = lines.iter().filter(|line| text(&line["part"]).starts_with("model "));
    (models.map(|line| format!("{}: {}", text(&line["state"]), text(&line["says"]))).collect(), run.code)
}

/// A cause: what the vendor does, and words that name the cause and the fix.
type Cause = (Vendor, &'static str, Vec<Script>, &'static [&'static str]);

#[test]
fn each_cause_is_named_in_one_sentence_with_its_fix() {
    let bedrock = |status, kind, message| vec![Bedrock.fails(status, kind, message)];
    let openai = |status, code, message| vec![OpenAi.fails(status, code, message)];
    let rows: Vec<Cause> = vec![
        (
            Bedrock,
            "no access",
            bedrock(403, "AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized"),
            &["account may not use the model", "policy"],
        ),
        (
            Bedrock,
            "use case",
            bedrock(404, "ResourceNotFoundException", "Model use case details have not been submitted"),
            &["may not use the model", "enable"],
        ),
        (
            Bedrock,
            "expired",
            bedrock(403, "ExpiredTokenException", "The security token included in the request is expired"),
            &["credentials", "renew"],
        ),
        (
            Bedrock,
            "bare id",
            bedrock(
                400,
                "ValidationException",
                "Invocation of model ID x with on-demand throughput isn\u{2019}t supported.",
            ),
            &["inference profile", "us. or eu."],
        ),
        (
            Bedrock,
            "no such model",
            bedrock(400, "ValidationException", "The provided model identifier is invalid."),
            &["does not exist here", "region"],
        ),
        (
            Bedrock,
            "end of life",
            bedrock(404, "ResourceNotFoundException", "has reached the end of its life"),
            &["end of life", "newer"],
        ),
        (Bedrock, "quota", bedrock(400, "ServiceQuotaExceededException", ""), &["quota", "ask the vendor"]),
        (
            Bedrock,
            "throttled",
            bedrock(429, "ThrottlingException", ""),
            &["throttles requests", "rate limit"],
        ),
        (Bedrock, "down", bedrock(503, "ServiceUnavailableException", ""), &["503"]),
        (
            OpenAi,
            "wrong key",
            openai(401, "invalid_api_key", "Incorrect API key provided: sk-canary"),
            &["key is refused", "valid key"],
        ),
        (OpenAi, "no money", openai(429, "insufficient_quota", ""), &["quota or credit is spent", "raise"]),
        (
            OpenAi,
            "no such model",
            openai(404, "model_not_found", "The model `x` does not exist"),
            &["does not exist here", "model id"],
        ),
        (
            OpenAi,
            "end of life",
            openai(404, "model_not_found", "The model `gpt-4` has been deprecated"),
            &["end of life", "newer"],
        ),
        (
            OpenAi,
            "redirect",
            vec![OpenAi.fails(308, "", "").header("location", "http://127.0.0.1:9/")],
            &["redirects", "address to which it redirects"],
        ),
        (OpenAi, "not JSON", vec![Script::answer(200, "<html>")], &["unreadable", "not JSON"]),
        (OpenAi, "closed", vec![Script::close()], &["unreachable", "endpoint is running"]),
    ];
    each(&rows, |(provider, name, scripts, words)| {
        let scene = Scene::alone(*provider, scripts.clone());
        let (lines, code) = of_models(&scene);
        let line = lines.first().cloned().unwrap_or_default();
        // The sentence names the cause, then a semicolon, then the fix.
        let is_one = !line.contains('\n') && !line.replace("us. or", "us or").contains(". ");
        let names = line.contains("; ") && words.iter().all(|word| line.contains(word));
        let asked = scene.requests(*provider).len();
        if line.starts_with("failed: ") && is_one && names && code == 1 && asked == 1 {
            return Ok(());
        }
        Err(format!("{provider:?}: {name}: {lines:?}, exit code {code}, {asked} requests"))
    });
}

#[test]
fn a_cause_that_prevents_every_request_is_named_too() {
    let no_credentials = Scene::alone(Bedrock, []).unset("AWS_ACCESS_KEY_ID").unset("AWS_SECRET_ACCESS_KEY");
    let no_endpoint =
        Scene::alone(OpenAi, []).set("OPENAI_BASE_URL", format!("{}/v1", Server::start([]).url()));
    let no_tls = Scene::alone(OpenAi, []);
    let no_tls = no_tls.set("OPENAI_BASE_URL", without_tls());
    let keyless = Scene::alone(OpenAi, [OpenAi.fails(401, "", "")]).unset("OPENAI_API_KEY");
    for (scene, asked, words) in [
        (no_credentials, [0, 0], &["no credentials were found", "role, a profile or a key"][..]),
        (
            Scene::alone(Bedrock, []).set("AWS_REGION", "sa-east-1"),
            [0, 0],
            &["BEDROCK_MODEL_ID", "sa-east-1", "inference profile"],
        ),
        (
            Scene::alone(Bedrock, []).unset("AWS_REGION"),
            [0, 0],
            &["AWS_REGION is not set", "set it to the region of the model"],
        ),
        (no_endpoint, [0, 0], &["unreachable", "refused"]),
        (no_tls, [0, 0], &["unreachable", "TLS"]),
        (keyless, [0, 1], &["no credentials", "key"]),
        (
            Scene::alone(OpenAi, []).unset("OPENAI_API_KEY").unset("OPENAI_BASE_URL"),
            [0, 0],
            &["OPENAI_API_KEY is not set"],
        ),
        (Scene::alone(OpenAi, []).unset("OPENAI_MODEL"), [0, 0], &["OPENAI_MODEL is not set"]),
    ] {
        let (lines, code) = of_models(&scene);
        let line = &lines[0];
        assert!(line.starts_with("failed: ") && words.iter().all(|word| line.contains(word)), "{line}");
        assert_eq!((code, scene.asked()), (1, asked), "{line}");
    }
}

/// The `https` address of a server that answers one connection in plain HTTP.
fn without_tls() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        stream.read_exact(&mut [0; 16])?;
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")?;
        // Waits until the client has read the response.
        stream.read_to_end(&mut Vec::new())
    });
    format!("https://{address}/v1")
}

#[test]
fn each_part_that_works_has_a_line() {
    let scene =
        Scene::in_order(Bedrock, [Bedrock.says(r#"{"ok": true}"#)], vec![OpenAi.says(r#"{"ok": true}"#)]);
    let run = scene.run(&["doctor", "--json"]);
    assert_eq!((run.code, run.errors.as_str()), (0, ""));
    let lines = run.lines();
    let parts: Vec<_> =
        lines.iter().map(|line| format!("{}: {}", text(&line["state"]), text(&line["part"]))).collect();
    let openai = format!("model openai (llama3.2 at {})", scene.openai_url());
    assert_eq!(
        parts,
        [
            "ok: alert types",
            "ok: store",
            "ok: model bedrock (us.anthropic.claude-haiku-4-5-20251001-v1:0 at us-east-1)",
            &format!("ok: {openai}"),
            &format!("warning: {openai}"),
            "ok: scorecard",
        ]
    );
    assert!(text(&lines[4]["says"]).contains("price is not known"));
    assert_eq!(scene.asked(), [1, 1]);
    assert!(!scene.path("portend.db").exists(), "the doctor stored something");
    // The doctor's prompt contains no fact, id or rule of an alert.
    for provider in BOTH {
        assert!(!scene.requests(provider)[0].body.contains("risk"), "{provider:?}");
    }
}

#[test]
fn a_person_reads_a_line_for_each_part() {
    let scene = Scene::in_order(Bedrock, [Bedrock.says("{}")], vec![OpenAi.fails(401, "", "")]);
    let run = scene.run(&["doctor"]);
    assert_eq!(run.code, 1);
    let openai = format!("model openai (llama3.2 at {})", scene.openai_url());
    for line in [
        "ok       model bedrock (us.anthropic.claude-haiku-4-5-20251001-v1:0 at us-east-1): it replied in ",
        &format!("failed   {openai}: the key is refused; configure a valid key\n"),
        &format!("warning  {openai}: its price is not known"),
    ] {
        assert!(run.output.contains(line), "{line} is not in {}", run.output);
    }
}

#[test]
fn a_refused_schema_is_a_warning_and_not_a_failure() {
    let refuses = |p: Vendor| {
        p.fails(400, "ValidationException", "output_config.format: Extra inputs are not permitted: schema")
    };
    for provider in BOTH {
        let scene = Scene::alone(provider, [refuses(provider), provider.says("{}")]);
        let (lines, code) = of_models(&scene);
        assert!(
            lines[0].starts_with("warning: ")
                && lines[0].contains("schema")
                && lines[0].contains("only the prompt"),
            "{lines:?}"
        );
        assert_eq!((code, scene.requests(provider).len()), (0, 2));
    }
}

/// The doctor warns of a model at or after its end of life, even while the model answers.
#[test]
fn an_end_of_life_is_a_warning_while_the_model_still_answers() {
    let scene = Scene::alone(Bedrock, [Bedrock.says("{}")])
        .set("BEDROCK_MODEL_ID", "us.anthropic.claude-3-5-haiku-20241022-v1:0");
    let (lines, code) = of_models(&scene);
    assert!(lines[0].starts_with("ok: "), "{lines:?}");
    assert!(lines[1].contains("end of life was 2026-06-19") && lines[1].contains("newer"), "{lines:?}");
    assert_eq!(code, 0);
}

/// A status of 200 is not enough: a wrong path, or another service on the port, can return it too.
#[test]
fn an_endpoint_that_returns_no_reply_does_not_work() {
    for (provider, script) in [
        (OpenAi, Script::answer(200, "{}")),
        (OpenAi, Script::answer(200, r#"{"status": "ok", "service": "another"}"#)),
        (OpenAi, OpenAi.says("")),
        (OpenAi, OpenAi.says("I am a teapot {short} and stout")),
        (Bedrock, Script::answer(200, "{}")),
        (Bedrock, Bedrock.sends(&json!([]), "end_turn")),
        (Bedrock, Bedrock.ends("Blocked.", "guardrail_intervened")),
        (Bedrock, Bedrock.ends("No.", "refusal")),
    ] {
        let scene = Scene::alone(provider, [script.clone()]);
        let (lines, _) = of_models(&scene);
        assert!(!lines[0].starts_with("ok: "), "{script:?}: {lines:?}");
    }
}

#[test]
fn without_models_the_doctor_makes_no_request() {
    let scene = Scene::new([], []);
    let run = scene.run(&["doctor", "--json"]);
    assert_eq!((run.code, run.lines().len(), scene.asked()), (0, 3, [0, 0]));
}
