//! Tests each rule for a failed call over HTTP: what the vendor returns, which attempts follow, and how the alert ends.
//!
//! Never: waits for the time limit of an attempt, which is 20 s. The tests of the core and of the adapters cover models
//! that hang or respond too slowly.

use serde_json::json;

use super::harness::{Scene, alert, each, equal};
use portend_testing::http::{Script, Server};
use portend_testing::vendor::Vendor::{self, Bedrock, OpenAi};
use portend_testing::vendor::{BOTH, answer};

/// What the vendors return, and how the alert ends.
struct Row {
    name: &'static str,
    first: Vendor,
    /// What the first model does. The second model answers.
    scripts: Vec<Script>,
    ends: &'static str,
}

fn row(first: Vendor, name: &'static str, scripts: Vec<Script>, ends: &'static str) -> Row {
    Row { name, first, scripts, ends }
}

fn check(rows: &[Row]) {
    each(rows, |Row { name, first, scripts, ends }| {
        let scene = Scene::in_order(*first, scripts.clone(), vec![first.other().answers()]);
        let run = scene.explain(&[alert(1)]);
        equal(&format!("{first:?}: {name}"), &scene.ending(*first, &run).as_str(), ends)
    });
}

/// The same row for each vendor.
fn of_both(name: &'static str, scripts: impl Fn(Vendor) -> Vec<Script>, ends: &'static str) -> Vec<Row> {
    BOTH.map(|first| row(first, name, scripts(first), ends)).into()
}

fn throttled(provider: Vendor) -> Script {
    match provider {
        Bedrock => provider.fails(429, "ThrottlingException", "Too many requests, please wait"),
        OpenAi => provider.fails(429, "rate_limit_exceeded", "Rate limit reached"),
    }
}

#[test]
fn a_throttled_model_is_retried_once_and_then_falls_through() {
    let soon = |script: Script| script.header("retry-after-ms", "1");
    let fits = |script: Script| script.header("retry-after", "1");
    let too_late = |script: Script| script.header("retry-after", "3600");
    let fixed = "1:throttled 1:accepted => 1";
    let twice = "1:throttled 1:throttled 2:accepted => 2-fallback";
    let mut rows = [
        of_both("throttled", |p| vec![throttled(p), p.answers()], fixed),
        of_both("throttled twice", |p| vec![throttled(p), throttled(p)], twice),
        of_both("until soon", |p| vec![soon(throttled(p)), p.answers()], fixed),
        of_both("until soon, twice", |p| vec![soon(throttled(p)), soon(throttled(p))], twice),
        of_both("for a second", |p| vec![fits(throttled(p)), p.answers()], fixed),
        of_both("for too long", |p| vec![too_late(throttled(p))], "1:throttled 2:accepted => 2-fallback"),
        of_both("429 without a reason", |p| vec![soon(p.fails(429, "", "")), p.answers()], fixed),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>();
    for (name, status, kind, message) in [
        ("not ready", 429, "ModelNotReadyException", "The model is not ready"),
        ("too many tokens", 429, "ThrottlingException", "Too many tokens, please wait before trying again."),
        (
            "too many tokens, as a 400",
            400,
            "ValidationException",
            "Too many tokens, please wait before trying again.",
        ),
    ] {
        let scripts = vec![soon(Bedrock.fails(status, kind, message)), Bedrock.answers()];
        rows.push(row(Bedrock, name, scripts, fixed));
    }
    let scripts = vec![soon(OpenAi.fails(429, "slow_down", "")), OpenAi.answers()];
    rows.push(row(OpenAi, "slow down", scripts, fixed));
    check(&rows);
}

#[test]
fn a_failure_of_the_vendor_is_retried_once_and_then_fails_over() {
    let fixed = "1:unavailable 1:accepted => 1";
    let twice = "1:unavailable 1:unavailable 2:accepted => 2-fallback";
    let mut rows = Vec::new();
    for (name, status) in [("500", 500), ("502", 502), ("503", 503), ("504", 504), ("529", 529)] {
        rows.extend(of_both(name, |p| vec![p.fails(status, "", "boom"), p.answers()], fixed));
    }
    rows.extend(of_both("twice", |p| vec![p.is_down(), p.is_down()], twice));
    for (name, status, kind) in [
        ("the model's own error", 424, "ModelErrorException"),
        ("internal", 500, "InternalServerException"),
        ("unavailable", 503, "ServiceUnavailableException"),
    ] {
        rows.push(row(Bedrock, name, vec![Bedrock.fails(status, kind, "boom"), Bedrock.answers()], fixed));
    }
    let model_error = || Bedrock.fails(424, "ModelErrorException", "boom");
    rows.push(row(Bedrock, "the model's own error, twice", vec![model_error(), model_error()], twice));
    let page = || Script::answer(502, "<html>Bad gateway</html>").header("content-type", "text/html");
    rows.extend(of_both("a proxy's page", |p| vec![page(), p.answers()], fixed));
    check(&rows);
}

#[test]
fn a_lost_connection_is_retried_once_and_then_fails_over() {
    let fixed = "1:unreachable 1:accepted => 1";
    let twice = "1:unreachable 1:unreachable 2:accepted => 2-fallback";
    check(
        &[
            of_both("closed", |p| vec![Script::close(), p.answers()], fixed),
            of_both("closed twice", |_| vec![Script::close(), Script::close()], twice),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>(),
    );
}

#[test]
fn an_endpoint_that_does_not_exist_or_has_no_tls_is_called_twice_and_fails_over() {
    let refused = || Server::start([]).url();
    let kinds = ["refused", "no TLS", "no such host"];
    let rows: Vec<_> = BOTH.into_iter().flat_map(|first| kinds.map(|kind| (first, kind))).collect();
    each(&rows, |(first, what)| {
        let plain = Server::start([]);
        let url = match *what {
            "refused" => refused(),
            "no TLS" => plain.url().replace("http:", "https:"),
            _ => "https://nowhere.invalid/v1".to_owned(),
        };
        let setting = match first {
            Bedrock => "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
            OpenAi => "OPENAI_BASE_URL",
        };
        let scene = Scene::in_order(*first, [], vec![first.other().answers()]).set(setting, url);
        let insight = scene.explain(&[alert(1)]).insight();
        let outcomes = super::harness::texts(&insight["attempts"], "outcome");
        equal(what, &outcomes, &vec!["unreachable", "unreachable", "accepted"])?;
        equal(what, &insight["model_used"], &json!(format!("{}-fallback", first.other().label())))?;
        equal(what, &scene.requests(*first).len(), &0)
    });
}

#[test]
fn an_unreadable_response_is_retried_once() {
    let fixed = "1:unreadable 1:accepted => 1";
    let twice = "1:unreadable 1:unreadable 2:accepted => 2-fallback";
    let html =
        || Script::answer(200, "<html>Welcome to the Wi-Fi</html>").header("content-type", "text/html");
    let not_utf8 = |p: Vendor| {
        let mut body = p.body(&json!("?"), "stop").to_string().into_bytes();
        let at = body.iter().position(|byte| *byte == b'?').expect("the text");
        body.splice(at..=at, [0xff]);
        Script::answer(200, body)
    };
    let huge = || Script::answer(200, format!("{{\"padding\": \"{}\"}}", "x".repeat(2 * 1024 * 1024)));
    check(
        &[
            of_both("half a body", |p| vec![p.answers().cut_after(60), p.answers()], fixed),
            of_both(
                "half a body, twice",
                |p| vec![p.answers().cut_after(60), p.answers().cut_after(0)],
                twice,
            ),
            of_both(
                "a longer length",
                |p| vec![p.answers().header("content-length", "9999"), p.answers()],
                fixed,
            ),
            of_both(
                "a shorter length",
                |p| vec![p.answers().header("content-length", "20"), p.answers()],
                fixed,
            ),
            of_both("not JSON", |p| vec![Script::answer(200, "yes"), p.answers()], fixed),
            of_both("not an object", |p| vec![Script::answer(200, "[1]"), p.answers()], fixed),
            of_both("an empty body", |p| vec![Script::answer(204, ""), p.answers()], fixed),
            of_both("a page", |p| vec![html(), p.answers()], fixed),
            of_both("not UTF-8", |p| vec![not_utf8(p), p.answers()], fixed),
            of_both("2 MiB", |p| vec![huge(), p.answers()], fixed),
            of_both("2 MiB, twice", |_| vec![huge(), huge()], twice),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>(),
    );
}

#[test]
fn a_right_body_with_a_wrong_content_type_is_read() {
    check(&of_both(
        "text/plain",
        |p| vec![p.answers().header("content-type", "text/plain; charset=iso-8859-1")],
        "1:accepted => 1",
    ));
}

/// A vendor may need minutes for a new native schema, so the first time-out steps down to a call without it.
#[test]
fn a_models_own_time_out_first_steps_down_and_then_fails_over() {
    let slow = |provider: Vendor| match provider {
        Bedrock => provider.fails(408, "ModelTimeoutException", "The model timed out"),
        OpenAi => provider.fails(408, "", "timeout"),
    };
    check(
        &[
            of_both("without the schema", |p| vec![slow(p), p.answers()], "1:timed_out 1:accepted => 1"),
            of_both("twice", |p| vec![slow(p), slow(p)], "1:timed_out 1:timed_out 2:accepted => 2-fallback"),
        ]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>(),
    );
    // These models accept no schema, so the schema cannot be the cause.
    for (first, setting, model, label) in [
        (Bedrock, "BEDROCK_MODEL_ID", "us.anthropic.claude-haiku-5-5", OpenAi.label()),
        (OpenAi, "OPENAI_MODEL", "gpt-4", Bedrock.label()),
    ] {
        let scene = Scene::in_order(first, [slow(first)], vec![first.other().answers()]).set(setting, model);
        let insight = scene.explain(&[alert(1)]).insight();
        assert_eq!(super::harness::texts(&insight["attempts"], "outcome"), ["timed_out", "accepted"]);
        assert_eq!(insight["model_used"], format!("{label}-fallback"));
        assert_eq!(scene.asked(), [1, 1]);
    }
}

#[test]
fn a_wrong_configuration_fails_over_at_once_and_is_reported() {
    let location = |script: Script| script.header("location", "http://127.0.0.1:9/elsewhere");
    let mut rows = Vec::new();
    for (first, name, status, kind, message, ends) in [
        (
            Bedrock,
            "model id",
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
            "no_such_model",
        ),
        (
            Bedrock,
            "bare id",
            400,
            "ValidationException",
            "Invocation of model ID x with on-demand throughput isn\u{2019}t supported. Retry your request with the ID \
             or ARN of an inference profile that contains this model.",
            "needs_profile",
        ),
        (Bedrock, "parameter", 400, "ValidationException", "top_p: may not be set", "refused"),
        (
            Bedrock,
            "no access",
            403,
            "AccessDeniedException",
            "You don't have access to the model.",
            "access_denied",
        ),
        (Bedrock, "expired", 403, "ExpiredTokenException", "expired", "bad_credentials"),
        (Bedrock, "bad token", 403, "UnrecognizedClientException", "invalid", "bad_credentials"),
        (Bedrock, "signature", 403, "InvalidSignatureException", "Signature expired", "bad_credentials"),
        (Bedrock, "403 alone", 403, "", "", "access_denied"),
        (
            Bedrock,
            "no such model",
            404,
            "ResourceNotFoundException",
            "Could not resolve the model",
            "no_such_model",
        ),
        (
            Bedrock,
            "end of life",
            404,
            "ResourceNotFoundException",
            "This model version has reached the end of its life.",
            "end_of_life",
        ),
        (OpenAi, "wrong key", 401, "invalid_api_key", "Incorrect API key provided: sk-canary", "wrong_key"),
        (OpenAi, "401 alone", 401, "", "", "wrong_key"),
        (OpenAi, "no access", 403, "", "", "access_denied"),
        (OpenAi, "no such model", 404, "model_not_found", "The model `x` does not exist", "no_such_model"),
        (OpenAi, "wrong path", 404, "", "", "refused"),
        (OpenAi, "parameter", 400, "unsupported_parameter", "Unsupported parameter: top_p", "refused"),
        (OpenAi, "unknown path", 404, "", "404 page not found", "wrong_path"),
        (OpenAi, "balance", 400, "", "Insufficient Balance", "quota_spent"),
        (OpenAi, "too large", 413, "", "", "refused"),
        (OpenAi, "no money", 402, "", "", "quota_spent"),
        (OpenAi, "quota", 429, "insufficient_quota", "You exceeded your quota", "quota_spent"),
        (OpenAi, "credit", 429, "credit_balance_exhausted", "", "quota_spent"),
        (OpenAi, "project's limit", 429, "project_spend_limit_exceeded", "", "quota_spent"),
        (OpenAi, "organisation's limit", 429, "organization_spend_limit_exceeded", "", "quota_spent"),
    ] {
        rows.push((first, name, location(first.fails(status, kind, message)), ends));
    }
    for first in BOTH {
        for (name, status, ends) in [
            ("301", 301, "redirect"),
            ("307", 307, "redirect"),
            ("308", 308, "redirect"),
            ("409", 409, "refused"),
            ("418", 418, "refused"),
        ] {
            rows.push((first, name, location(first.fails(status, "", "")), ends));
        }
    }
    each(&rows, |(first, name, script, code)| {
        let scene = Scene::in_order(*first, [script.clone()], vec![first.other().answers()]);
        let run = scene.explain(&[alert(1)]);
        let ends = format!("1:{code} 2:accepted => 2-fallback, alarm 1");
        equal(&format!("{first:?}: {name}"), &scene.ending(*first, &run), &ends)
    });
}

#[test]
fn a_redirect_sends_neither_facts_nor_a_key_elsewhere() {
    for first in BOTH {
        let elsewhere = Server::start([first.answers()]);
        let script =
            first.fails(307, "", "").header("location", format!("{}/v1/chat/completions", elsewhere.url()));
        let scene = Scene::in_order(first, [script], vec![first.other().answers()]);
        let run = scene.explain(&[alert(1)]);
        assert_eq!(scene.ending(first, &run), "1:redirect 2:accepted => 2-fallback, alarm 1");
        assert_eq!(elsewhere.requests(), []);
    }
}

#[test]
fn a_spent_quota_of_bedrock_fails_over_without_an_alarm() {
    let scripts = vec![Bedrock.fails(400, "ServiceQuotaExceededException", "quota")];
    check(&[row(Bedrock, "quota", scripts, "1:over_quota 2:accepted => 2-fallback")]);
}

#[test]
fn a_request_that_the_vendor_rejects_fails_over_and_is_reported() {
    let ends = "1:rejected 2:accepted => 2-fallback, alarm 1";
    let mut rows = Vec::new();
    for (name, message) in [
        ("too long", "Input is too long for requested model."),
        ("content policy", "Output blocked by content filtering policy"),
    ] {
        rows.push(row(Bedrock, name, vec![Bedrock.fails(400, "ValidationException", message)], ends));
    }
    for code in ["context_length_exceeded", "content_policy_violation", "content_filter", "invalid_prompt"] {
        rows.push(row(OpenAi, code, vec![OpenAi.fails(400, code, "no")], ends));
    }
    check(&rows);
}

#[test]
fn an_error_in_a_response_of_200_is_read_as_the_error() {
    let bedrock = |kind: &str, body: &str| Script::answer(200, body).header("x-amzn-ErrorType", kind);
    let coral =
        r#"{"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"}"#;
    let openai = |code: serde_json::Value| {
        Script::answer(200, json!({ "error": { "code": code, "message": "no" } }).to_string())
    };
    check(&[
        row(
            Bedrock,
            "throttled",
            vec![bedrock("ThrottlingException", "{}"), Bedrock.answers()],
            "1:throttled 1:accepted => 1",
        ),
        row(
            Bedrock,
            "denied",
            vec![bedrock("AccessDeniedException", "{}")],
            "1:access_denied 2:accepted => 2-fallback, alarm 1",
        ),
        row(
            Bedrock,
            "wrapped",
            vec![Script::answer(200, coral), Bedrock.answers()],
            "1:unavailable 1:accepted => 1",
        ),
        row(
            OpenAi,
            "throttled",
            vec![openai(json!("rate_limit_exceeded")), OpenAi.answers()],
            "1:throttled 1:accepted => 1",
        ),
        row(OpenAi, "down", vec![openai(json!(502)), OpenAi.answers()], "1:unavailable 1:accepted => 1"),
        row(
            OpenAi,
            "no money",
            vec![openai(json!("insufficient_quota"))],
            "1:quota_spent 2:accepted => 2-fallback, alarm 1",
        ),
        row(
            OpenAi,
            "in words",
            vec![Script::answer(200, r#"{"error": "out of memory"}"#), OpenAi.answers()],
            "1:unavailable 1:accepted => 1",
        ),
    ]);
}

#[test]
fn a_complete_reply_is_read() {
    let mut rows = Vec::new();
    for (provider, reason) in [(Bedrock, "end_turn"), (Bedrock, "stop_sequence"), (OpenAi, "stop")] {
        rows.push(row(
            provider,
            reason,
            vec![provider.ends(&answer().to_string(), reason)],
            "1:accepted => 1",
        ));
    }
    check(&rows);
}

#[test]
fn a_reply_at_the_token_limit_is_retried_with_a_higher_limit_even_if_it_looks_complete() {
    let cut = |provider: Vendor| {
        let reason = if provider == Bedrock { "max_tokens" } else { "length" };
        provider.ends(&answer().to_string(), reason)
    };
    check(&of_both("once", |p| vec![cut(p), p.answers()], "1:length 1:accepted => 1"));
    check(&of_both("twice", |p| vec![cut(p), cut(p)], "1:length 1:length 2:accepted => 2-fallback"));
    for provider in BOTH {
        let scene = Scene::alone(provider, [cut(provider), provider.answers()]);
        scene.explain(&[alert(1)]).insight();
        let requests = scene.requests(provider);
        let limits: Vec<_> = requests.iter().filter_map(|request| provider.ceiling_in(request)).collect();
        assert!(matches!(*limits, [first, then] if first < then), "{limits:?}");
        assert_eq!(provider.messages_in(&requests[1]).len(), 1, "the retry quotes the cut reply");
    }
}

#[test]
fn a_refusal_fails_over_without_a_retry() {
    let mut rows = Vec::new();
    for (provider, reason) in
        [(Bedrock, "refusal"), (Bedrock, "content_filtered"), (OpenAi, "content_filter")]
    {
        rows.push(row(
            provider,
            reason,
            vec![provider.ends("No.", reason)],
            "1:refusal 2:accepted => 2-fallback",
        ));
    }
    let mut refusal = OpenAi.body(&json!(null), "stop");
    refusal["choices"][0]["message"]["refusal"] = json!("I cannot help with that.");
    let scripts = vec![Script::answer(200, refusal.to_string())];
    rows.push(row(OpenAi, "by its own field", scripts, "1:refusal 2:accepted => 2-fallback"));
    check(&rows);
}

#[test]
fn an_empty_reply_is_retried_once() {
    let fixed = "1:empty 1:accepted => 1";
    let twice = "1:empty 1:empty 2:accepted => 2-fallback";
    let thought = json!([{ "reasoningContent": { "reasoningText": { "text": "hm", "signature": "x" } } }]);
    let without_choices = || Script::answer(200, r#"{"object": "chat.completion", "choices": []}"#);
    let null_message = || Script::answer(200, r#"{"choices": [{"message": null, "finish_reason": "stop"}]}"#);
    let of_bedrock = |content| Bedrock.sends(&content, "end_turn");
    let mut rows = of_both("blank", |p| vec![p.says(" \n"), p.answers()], fixed);
    rows.extend(of_both(
        "null",
        |p| vec![p.sends(&json!(null), if p == Bedrock { "end_turn" } else { "stop" }), p.answers()],
        fixed,
    ));
    rows.extend(of_both("twice", |p| vec![p.says(""), p.says("")], twice));
    rows.push(row(Bedrock, "no content", vec![of_bedrock(json!([])), Bedrock.answers()], fixed));
    rows.push(row(Bedrock, "only a thought", vec![of_bedrock(thought), Bedrock.answers()], fixed));
    let tool = json!([{ "toolUse": { "toolUseId": "1", "name": "f", "input": {} } }]);
    rows.push(row(Bedrock, "no text block", vec![of_bedrock(tool), Bedrock.answers()], fixed));
    rows.push(row(OpenAi, "no choices", vec![without_choices(), OpenAi.answers()], fixed));
    rows.push(row(OpenAi, "null message", vec![null_message(), OpenAi.answers()], fixed));
    check(&rows);
}

#[test]
fn a_reply_with_an_unknown_stop_reason_is_not_accepted() {
    let text = answer().to_string();
    let unknown = |provider: Vendor| provider.ends(&text, "moonrise");
    let mut rows = of_both("unknown", |p| vec![unknown(p), p.answers()], "1:unknown_stop 1:accepted => 1");
    rows.extend(of_both(
        "twice",
        |p| vec![unknown(p), unknown(p)],
        "1:unknown_stop 1:unknown_stop 2:accepted => 2-fallback",
    ));
    let mut unsaid = Bedrock.body(&json!([{ "text": text }]), "");
    unsaid.as_object_mut().expect("an object").remove("stopReason");
    let scripts = vec![Script::answer(200, unsaid.to_string()), Bedrock.answers()];
    rows.push(row(Bedrock, "none said", scripts, "1:accepted => 1"));
    check(&rows);
}

#[test]
fn a_guardrail_stops_the_chain() {
    let blocked = || Bedrock.ends("Blocked by policy.", "guardrail_intervened");
    check(&[
        row(Bedrock, "at once", vec![blocked()], "1:guardrail => scorecard"),
        row(
            Bedrock,
            "after a failure",
            vec![Bedrock.is_down(), blocked()],
            "1:unavailable 1:guardrail => scorecard",
        ),
        row(
            Bedrock,
            "at a re-ask",
            vec![Bedrock.says("not an object"), blocked()],
            "1:no_object 1:guardrail => scorecard",
        ),
    ]);
    let scene = Scene::in_order(OpenAi, [OpenAi.is_down(), OpenAi.is_down()], vec![blocked()]);
    let run = scene.explain(&[alert(1)]);
    assert_eq!(scene.ending(OpenAi, &run), "1:unavailable 1:unavailable 2:guardrail => scorecard");
}

/// An insight is degraded if a later call could succeed: the last attempt of a model failed for a reason that time or a
/// person can fix.
#[test]
fn when_all_models_fail_the_scorecard_says_whether_the_insight_is_degraded() {
    let down = |p: Vendor| vec![p.is_down(), p.is_down()];
    let says = |p: Vendor, text: &str| vec![p.says(text), p.says(text)];
    let refuses = |p: Vendor| vec![p.ends("No.", if p == Bedrock { "refusal" } else { "content_filter" })];
    let denied = |p: Vendor| vec![p.fails(403, "", "")];
    let rows = [
        (
            "both down",
            down(Bedrock),
            down(OpenAi),
            "1:unavailable 1:unavailable 2:unavailable 2:unavailable => scorecard degraded",
        ),
        (
            "both misconfigured",
            denied(Bedrock),
            denied(OpenAi),
            "1:access_denied 2:access_denied => scorecard degraded, alarm 1, alarm 2",
        ),
        (
            "nonsense of both",
            says(Bedrock, "?"),
            says(OpenAi, "?"),
            "1:no_object 1:no_object 2:no_object 2:no_object => scorecard degraded",
        ),
        (
            "both empty",
            says(Bedrock, ""),
            says(OpenAi, ""),
            "1:empty 1:empty 2:empty 2:empty => scorecard degraded",
        ),
        ("both refuse", refuses(Bedrock), refuses(OpenAi), "1:refusal 2:refusal => scorecard"),
        (
            "one down",
            down(Bedrock),
            refuses(OpenAi),
            "1:unavailable 1:unavailable 2:refusal => scorecard degraded",
        ),
        (
            "the other down",
            refuses(Bedrock),
            down(OpenAi),
            "1:refusal 2:unavailable 2:unavailable => scorecard degraded",
        ),
        (
            "down and then nonsense",
            vec![Bedrock.is_down(), Bedrock.says("?")],
            refuses(OpenAi),
            "1:unavailable 1:no_object 2:refusal => scorecard",
        ),
        (
            "the request rejected",
            vec![Bedrock.fails(400, "ValidationException", "Input is too long for requested model.")],
            vec![OpenAi.fails(400, "context_length_exceeded", "")],
            "1:rejected 2:rejected => scorecard, alarm 1, alarm 2",
        ),
    ];
    each(&rows, |(name, bedrock, openai, ends)| {
        let scene = Scene::in_order(Bedrock, bedrock.clone(), openai.clone());
        let run = scene.explain(&[alert(1)]);
        equal(name, &scene.ending(Bedrock, &run).as_str(), ends)
    });
}
