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
    let scene = Scene::in_order(Bedrock, [Bedrock.answers()], vec![OpenAi.answers()]);
    let run = scene.run(&["doctor", "--json"]);
    assert_eq!((run.code, run.errors.as_str()), (0, ""));
    let lines = run.lines();
    let parts: Vec<_> =
        lines.iter().map(|line| format!("{}: {}", text(&line["state"]), text(&line["part"]))).collect();
    let is_setting = |part: &&String| part.starts_with("ok: setting") || *part == "ok: program";
    let parts: Vec<_> = parts.iter().filter(|part| !is_setting(part)).cloned().collect();
    let openai = format!("model openai (llama3.2 at {})", scene.openai_url());
    assert_eq!(
        parts,
        [
            "ok: alert types",
            "ok: store",
            "ok: model bedrock (us.anthropic.claude-haiku-4-5-20251001-v1:0 at us-east-1)",
            &format!("ok: {openai}"),
            "ok: scorecard",
        ]
    );
    let says = |part: &str, state: &str| {
        let line = lines.iter().find(|line| line["part"] == part && line["state"] == state);
        text(&line.unwrap()["says"]).to_owned()
    };
    let says = says(&openai, "ok");
    assert!(says.contains(" ms (the limit is 120 s), with 612 + 188 tokens (its context"), "{says}");
    assert_eq!(scene.asked(), [1, 1]);
    assert!(!scene.path("portend.db").exists(), "the doctor stored something");
    // It is the real prompt with the real schema, about a sample.
    for provider in BOTH {
        let request = &scene.requests(provider)[0];
        assert!(request.body.contains("ib_calls_14d"), "{provider:?}");
        assert!(provider.schema_in(request).is_some(), "{provider:?}");
    }
}

#[test]
fn a_person_reads_a_line_for_each_part() {
    let scene = Scene::in_order(Bedrock, [Bedrock.answers()], vec![OpenAi.fails(401, "", "")]);
    let run = scene.run(&["doctor"]);
    assert_eq!(run.code, 1);
    let openai = format!("model openai (llama3.2 at {})", scene.openai_url());
    for line in [
        "ok       model bedrock (us.anthropic.claude-haiku-4-5-20251001-v1:0 at us-east-1): it replied in ",
        &format!("failed   {openai}: the key is refused; configure a valid key\n"),
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
        // A compatible endpoint is asked with a less detailed schema first.
        let times = if provider == OpenAi { 2 } else { 1 };
        let scripts: Vec<_> =
            vec![refuses(provider); times].into_iter().chain([provider.answers()]).collect();
        let scene = Scene::alone(provider, scripts);
        let (lines, code) = of_models(&scene);
        assert!(
            lines[0].starts_with("warning: ")
                && lines[0].contains("schema")
                && lines[0].contains("only the prompt"),
            "{lines:?}"
        );
        assert_eq!((code, scene.requests(provider).len()), (0, times + 1));
    }
}

/// The doctor warns of a model at or after its end of life, even while the model answers.
#[test]
fn an_end_of_life_is_a_warning_while_the_model_still_answers() {
    let scene = Scene::alone(Bedrock, [Bedrock.answers()])
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

/// A local server that says the size of its context, as llama.cpp and vLLM do.
#[test]
fn the_context_of_a_server_on_this_machine_is_compared_with_the_longest_prompt() {
    let of_server = |server: &str| OpenAi.answers().header("server", server);
    let says = |body: &str| Script::answer(200, body);
    let props = |tokens: u32| says(&format!(r#"{{"default_generation_settings":{{"n_ctx":{tokens}}}}}"#));
    let absent = || {
        Script::answer(404, r#"{"error":{"code":404,"message":"File Not Found","type":"not_found_error"}}"#)
    };
    let list = says(r#"{"data":[{"id":"other","max_model_len":9},{"id":"llama3.2","max_model_len":8192}]}"#);
    for (scripts, expected) in [
        (
            vec![of_server("llama.cpp"), props(4096)],
            Some("ok: its context has 4096 tokens; the prompt of supply_demand_imbalance, "),
        ),
        (vec![of_server("llama.cpp"), props(1500)], Some("warning: its context has 1500 tokens")),
        (vec![of_server("llama.cpp"), props(900)], Some("failed: its context has 900 tokens")),
        (vec![of_server("uvicorn"), absent(), list], Some("ok: its context has 8192 tokens")),
        (vec![of_server("uvicorn"), absent(), says("[]")], None),
        (vec![of_server("another")], None),
    ] {
        let requests = scripts.len();
        let scene = Scene::alone(OpenAi, scripts);
        let (lines, code) = of_models(&scene);
        let context = lines.iter().find(|line| line.contains("its context has"));
        assert_eq!(context.is_some(), expected.is_some(), "{lines:?}");
        let is_expected = context.is_none_or(|line| line.starts_with(expected.unwrap_or_default()));
        assert!(is_expected, "{context:?}, not {expected:?}");
        assert_eq!(code, i32::from(expected.is_some_and(|line| line.starts_with("failed"))));
        let asked: Vec<_> = scene.requests(OpenAi).iter().map(|request| request.path.clone()).collect();
        let paths = ["/v1/chat/completions", "/props", "/v1/models"];
        assert_eq!(asked, paths[..requests]);
    }
}

/// The doctor asks what an alert asks, so what an alert cannot use is said.
#[test]
fn a_model_that_replies_but_cannot_judge_is_a_warning() {
    let nonsense = || OpenAi.says(r#"{"ok": true}"#);
    for (scripts, expected) in [
        (vec![nonsense(), nonsense()], "warning: it replied in "),
        (vec![nonsense(), OpenAi.answers()], "warning: it replied in "),
        (vec![OpenAi.says(""), OpenAi.answers()], "warning: it replied in "),
        (
            vec![OpenAi.says(""), OpenAi.says("")],
            "failed: the response is unreadable (the response contains no reply)",
        ),
        (
            vec![OpenAi.fails(
                400,
                "exceed_context_size_error",
                "the request exceeds the available context size",
            )],
            "failed: the model refuses this request (exceed_context_size_error): the prompt of an alert is too long for it; \
             give the model a context of at least 4096 tokens",
        ),
        (
            vec![OpenAi.fails(400, "", "'temperature' does not support 0"), OpenAi.answers()],
            "ok: it replied in ",
        ),
    ] {
        let scene = Scene::alone(OpenAi, scripts);
        let (lines, _) = of_models(&scene);
        assert!(lines[0].starts_with(expected), "{lines:?}");
    }
    let scene = Scene::alone(OpenAi, [nonsense(), OpenAi.answers()]);
    assert!(of_models(&scene).0[0].contains("its reply is usable only without the reply's schema"));
}

#[test]
fn without_models_the_doctor_makes_no_request() {
    let scene = Scene::new([], []);
    let run = scene.run(&["doctor", "--json"]);
    let is_model = |line: &serde_json::Value| text(&line["part"]).starts_with("model ");
    assert_eq!((run.code, run.lines().iter().filter(|line| is_model(line)).count()), (0, 0));
    assert_eq!(scene.asked(), [0, 0]);
}

/// The lines of `portend doctor` about a part: `state: sentence`.
fn of_part(scene: &Scene, part: &str) -> Vec<String> {
    let lines = scene.run(&["doctor", "--json"]).lines();
    let of_part = lines.iter().filter(|line| text(&line["part"]) == part);
    of_part.map(|line| format!("{}: {}", text(&line["state"]), text(&line["says"]))).collect()
}

#[test]
fn the_version_and_the_origin_of_each_value_are_shown() {
    let scene = Scene::new([], []).file("event_bus = \"alerts\"\nopenai_model = \"a\"\n").models("scorecard");
    let scene = scene.set("EVENT_BUS_NAME", "");
    let of = |part: &str| of_part(&scene, part).concat();
    assert!(of("program").starts_with("ok: portend 0."), "{}", of("program"));
    for (part, says) in [
        ("setting models", "ok: scorecard, from MODELS"),
        ("setting event_bus", "ok: alerts, from the settings file"),
        ("setting openai_model", "ok: llama3.2, from OPENAI_MODEL"),
        ("setting alert_types", "ok: built in, the default"),
        ("setting openai_api_key", "ok: set, from OPENAI_API_KEY"),
    ] {
        assert_eq!(of(part), says, "{part}");
    }
    let run = scene.run(&["doctor", "--json", "--models", "openai,scorecard"]);
    assert!(run.output.contains("openai,scorecard, from the flag"), "{}", run.output);
}

#[test]
fn a_misspelt_variable_a_wrong_region_and_a_missing_profile_are_named() {
    let scene = Scene::new([], []).set("OPENAI_MODLE", "a").set("PORTEND_MODELS", "b").models("scorecard");
    assert_eq!(
        of_part(&scene, "environment"),
        [
            "warning: OPENAI_MODLE is not a setting and is not read; did you mean OPENAI_MODEL?",
            "warning: PORTEND_MODELS is not a setting and is not read; did you mean MODELS?",
        ]
    );
    let scene = Scene::alone(Bedrock, [Bedrock.says("{}")])
        .set("AWS_REGION", "us-esat-1")
        .set("AWS_PROFILE", "prodcution")
        .set("BEDROCK_MODEL_ID", "us.anthropic.claude-haiku-4-5-20251001-v1:0");
    std::fs::create_dir_all(scene.path("home/.aws")).unwrap();
    std::fs::write(scene.path("home/.aws/config"), "[profile production]\nregion = us-east-1\n").unwrap();
    let run = scene.run(&["doctor", "--json"]);
    assert!(
        run.output.contains("us-esat-1 is not a known region; did you mean us-east-1?"),
        "{}",
        run.output
    );
    assert!(
        run.output.contains("AWS_PROFILE is prodcution") && run.output.contains("did you mean production?")
    );
    assert_eq!(run.code, 1);
    // Without AWS, nobody needs them.
    let run = scene.models("scorecard").run(&["doctor", "--json"]);
    assert!(run.code == 0 && !run.output.contains("AWS_PROFILE"), "{}", run.output);
}

#[test]
fn a_folder_in_which_nothing_can_be_created_is_named() {
    let scene = Scene::new([], []).set("PORTEND_STORE", "/proc/none/portend.db");
    let says = of_part(&scene, "store").concat();
    assert!(
        says.starts_with("failed: ") && says.contains("/proc") && says.contains("; give write access"),
        "{says}"
    );
}
