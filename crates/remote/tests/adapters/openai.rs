//! OpenAI and compatible endpoints: the requests, and every kind of response.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use portend_core::model::{Completion, ConfigurationFault, FinishReason, ModelError, TokenUse};
use portend_remote::AnyModel;
use portend_remote::secret::{KeyReader, KeySource, Secret};
use portend_remote::settings::OpenAiSettings;
use serde_json::{Value, json};

use crate::harness::{
    CANARY, Kind, ask, ask_with, check, configuration, openai, refused, rejected, schema, throttled,
    unavailable,
};
use portend_testing::http::{Script, Server};

#[tokio::test]
async fn the_vendor_is_called_by_the_responses_api() {
    let (result, request) =
        Kind::Vendor.ask(Script::answer(200, Kind::Vendor.response("yes").to_string())).await;
    assert_eq!(result, Ok(Kind::Vendor.completion("yes")));
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/responses"));
    assert_eq!(request.header("authorization"), Some("Bearer sk-canary-4f9d"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    let expected = json!({
        "model": "gpt-6-luna",
        "instructions": "the rules",
        "input": [{ "role": "user", "content": r#"{"ib_calls_14d": 5}"# }],
        "max_output_tokens": 1000,
        "store": false,
        "reasoning": { "effort": "none" },
        "text": { "format": { "type": "json_schema", "name": "reply", "strict": true, "schema": schema() } },
    });
    assert_eq!(serde_json::from_str::<Value>(&request.body).unwrap(), expected);
}

#[tokio::test]
async fn a_compatible_endpoint_without_a_key_is_called_by_chat_completions() {
    let server = Server::start([Script::answer(200, Kind::Compatible.response("yes").to_string())]);
    let model = AnyModel::openai(openai(&server.url(), KeySource::None, false, Some("llama3.2"))).unwrap();
    assert_eq!(ask_with(&model, None).await, Ok(Kind::Compatible.completion("yes")));
    let requests = server.requests();
    assert_eq!(requests[0].path, "/v1/chat/completions");
    assert_eq!(requests[0].header("authorization"), None);
    let body: Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!((&body["temperature"], body.get("response_format")), (&json!(0), None));
}

#[tokio::test]
async fn each_failure_is_translated() {
    for (status, code, message, expected) in [
        (429, "rate_limit_exceeded", "", throttled(Some(250))),
        (429, "slow_down", "", throttled(Some(250))),
        (429, "insufficient_quota", "", configuration(ConfigurationFault::QuotaSpent)),
        (429, "credit_balance_exhausted", "", configuration(ConfigurationFault::QuotaSpent)),
        (429, "project_spend_limit_exceeded", "", configuration(ConfigurationFault::QuotaSpent)),
        (500, "server_error", "", unavailable("500 server_error")),
        (502, "", "", unavailable("502")),
        (503, "", "", unavailable("503")),
        (504, "", "", unavailable("504")),
        (400, "", "Invalid schema for response_format 'reply'", ModelError::SchemaRefused),
        (400, "", "Unknown parameter: 'text.format'", ModelError::SchemaRefused),
        (400, "context_length_exceeded", "", rejected("context_length_exceeded")),
        (400, "content_policy_violation", "", rejected("content_policy_violation")),
        (400, "unsupported_parameter", CANARY, refused("400 unsupported_parameter")),
        (400, CANARY, CANARY, refused("400")),
        (
            401,
            "invalid_api_key",
            "Incorrect API key provided: sk-canary-4f9d",
            configuration(ConfigurationFault::WrongKey),
        ),
        (403, "", "", configuration(ConfigurationFault::AccessDenied)),
        (404, "model_not_found", "", configuration(ConfigurationFault::NoSuchModel)),
        (404, "", "", refused("404")),
        (409, "", "", refused("409")),
        (302, "", "", configuration(ConfigurationFault::Redirect)),
        (308, "", "", configuration(ConfigurationFault::Redirect)),
        (200, "rate_limit_exceeded", "", throttled(Some(250))),
        (200, "server_error", "", unavailable("200 server_error")),
        (200, "insufficient_quota", "", configuration(ConfigurationFault::QuotaSpent)),
    ] {
        let body =
            json!({ "error": { "message": message, "type": "", "param": null, "code": code } }).to_string();
        for kind in [Kind::Vendor, Kind::Compatible] {
            let script = Script::answer(status, body.clone()).header("retry-after-ms", "250");
            let script = script.header("location", "https://example.com/");
            assert_eq!(kind.ask(script).await.0, Err(expected.clone()), "{kind:?} {status} {body}");
        }
    }
}

#[tokio::test]
async fn a_success_with_the_status_failed_is_a_failure() {
    let body =
        json!({ "status": "failed", "error": { "code": "server_error", "message": CANARY }, "output": [] });
    let (result, _) = Kind::Vendor.ask(Script::answer(200, body.to_string())).await;
    assert_eq!(result, Err(unavailable("200 server_error")));
}

#[tokio::test]
async fn each_finish_reason_is_read() {
    let empty = Kind::Compatible.completion("");
    let yes = || Completion { text: "yes".to_owned(), ..empty.clone() };
    for (choice, expected) in [
        (json!({ "message": { "content": "yes" }, "finish_reason": null }), yes()),
        (
            json!({ "message": { "content": "yes" }, "finish_reason": "length" }),
            Completion { finish: FinishReason::Length, ..yes() },
        ),
        (
            json!({ "message": { "content": null, "refusal": "no" }, "finish_reason": "stop" }),
            Completion { finish: FinishReason::Refusal, ..empty.clone() },
        ),
        (
            json!({ "message": { "content": "" }, "finish_reason": "content_filter" }),
            Completion { finish: FinishReason::Refusal, ..empty.clone() },
        ),
        (json!({ "message": null, "finish_reason": "stop" }), empty.clone()),
        (json!({ "message": { "content": null }, "finish_reason": "stop" }), empty.clone()),
        (json!(null), empty.clone()),
        (
            json!({ "message": { "content": "yes" }, "finish_reason": "moonrise" }),
            Completion { finish: FinishReason::Unknown("moonrise".to_owned()), ..yes() },
        ),
    ] {
        let mut body = Kind::Compatible.response("");
        body["choices"] = if choice.is_null() { json!([]) } else { json!([choice]) };
        let (result, _) = Kind::Compatible.ask(Script::answer(200, body.to_string())).await;
        assert_eq!(result, Ok(expected), "{body}");
    }
}

#[tokio::test]
async fn reasoning_before_the_message_is_skipped() {
    let mut body = Kind::Vendor.response("yes");
    body["output"]
        .as_array_mut()
        .unwrap()
        .insert(0, json!({ "type": "reasoning", "summary": [{ "text": "hm" }] }));
    let (result, _) = Kind::Vendor.ask(Script::answer(200, body.to_string())).await;
    assert_eq!(result, Ok(Kind::Vendor.completion("yes")));
}

#[tokio::test]
async fn members_that_a_compatible_server_omits_are_absent() {
    let body = json!({ "choices": [{ "message": { "content": "yes" } }] }).to_string();
    let (result, _) = Kind::Compatible.ask(Script::answer(200, body)).await;
    let expected = Completion {
        text: "yes".to_owned(),
        finish: FinishReason::End,
        model_id: None,
        tokens: TokenUse::default(),
    };
    assert_eq!(result, Ok(expected));
}

/// A source that reads the first key once and the second key from then on, with a counter of the reads.
fn key_source([first, then]: [&'static str; 2]) -> (KeySource, Arc<AtomicUsize>) {
    let reads = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&reads);
    let next = move || {
        let key = if counter.fetch_add(1, Ordering::SeqCst) == 0 { first } else { then };
        std::future::ready(Ok(Secret::new(key)))
    };
    (KeySource::Read(KeyReader::new(next)), reads)
}

#[tokio::test]
async fn a_refused_key_is_read_again_once() {
    let no = || Script::answer(401, r#"{"error": {"code": "invalid_api_key", "message": "sk-canary"}}"#);
    let yes = || Script::answer(200, Kind::Vendor.response("yes").to_string());
    let wrong_key = Err(configuration(ConfigurationFault::WrongKey));
    for (keys, scripts, expected, sent, reads_expected) in [
        (["sk-canary-old", "sk-canary-new"], [no(), yes()], Ok(Kind::Vendor.completion("yes")), 2, 2),
        (["sk-canary-old", "sk-canary-new"], [no(), no()], wrong_key.clone(), 2, 2),
        // The key has not changed, so it would be refused again.
        (["sk-canary-old", "sk-canary-old"], [no(), yes()], wrong_key, 1, 2),
    ] {
        let server = Server::start(scripts);
        let (key, reads) = key_source(keys);
        let model = AnyModel::openai(openai(&server.url(), key, true, None)).unwrap();
        assert_eq!(ask(&model).await, expected);
        let requests = server.requests();
        check(&requests);
        let sent_keys: Vec<_> =
            requests.iter().filter_map(|request| request.header("authorization")).collect();
        assert_eq!(sent_keys.len(), sent);
        assert_eq!(sent_keys.first(), Some(&"Bearer sk-canary-old"));
        assert!(sent == 1 || sent_keys.last() == Some(&"Bearer sk-canary-new"));
        assert_eq!(reads.load(Ordering::SeqCst), reads_expected);
    }
}

#[tokio::test]
async fn an_endpoint_that_needs_a_key_without_a_key_has_no_credentials() {
    let server = Server::start([Script::answer(401, "{}")]);
    let model = AnyModel::openai(openai(&server.url(), KeySource::None, false, Some("llama3.2"))).unwrap();
    assert_eq!(ask(&model).await, Err(configuration(ConfigurationFault::NoCredentials)));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(std::iter::repeat_with(Script::close));
    let script = Script::answer(307, "").header("location", format!("{}/v1/responses", elsewhere.url()));
    assert_eq!(Kind::Vendor.ask(script).await.0, Err(configuration(ConfigurationFault::Redirect)));
    assert_eq!(elsewhere.requests(), []);
}

/// One call after another to one model, and the bodies of their requests.
async fn calls<const N: usize>(scripts: [Script; N]) -> (Vec<Result<Completion, ModelError>>, Vec<Value>) {
    let server = Server::start(scripts);
    let model =
        AnyModel::openai(openai(&server.url(), KeySource::None, false, Some("llama3.2"))).expect("a model");
    let mut results = Vec::new();
    for _ in 0..N {
        results.push(ask(&model).await);
    }
    let bodies =
        server.requests().iter().map(|request| serde_json::from_str(&request.body).expect("JSON")).collect();
    (results, bodies)
}

#[tokio::test]
async fn a_refused_parameter_is_not_sent_again() {
    let yes = || Script::answer(200, Kind::Compatible.response("yes").to_string());
    for (status, body, parameter, gone, instead) in [
        (
            400,
            r#"{"error": {"message": "'temperature' does not support 0"}}"#,
            "temperature",
            "temperature",
            None,
        ),
        (400, "temperature is not supported", "temperature", "temperature", None),
        (
            422,
            r#"[{"error": {"message": "use 'max_completion_tokens' in place of 'max_tokens'"}}]"#,
            "max_tokens",
            "max_tokens",
            Some("max_completion_tokens"),
        ),
    ] {
        let (results, bodies) = calls([Script::answer(status, body), yes(), yes()]).await;
        assert_eq!(results[0], Err(ModelError::ParameterRefused { parameter }));
        assert!(results[1].is_ok() && results[2].is_ok());
        assert!(bodies[0].get(gone).is_some());
        for body in &bodies[1..] {
            assert!(
                body.get(gone).is_none() && instead.is_none_or(|name| body.get(name).is_some()),
                "{body}"
            );
        }
    }
}

#[tokio::test]
async fn a_server_that_loads_its_model_is_waited_for() {
    let loading = || {
        Script::answer(503, r#"{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}"#)
    };
    let server =
        Server::start([loading(), Script::answer(200, Kind::Compatible.response("yes").to_string())]);
    let model = AnyModel::openai(openai(&server.url(), KeySource::None, false, Some("llama3.2"))).unwrap();
    assert_eq!(ask(&model).await, Ok(Kind::Compatible.completion("yes")));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_stream_is_read_to_its_end_and_no_further_than_the_bound() {
    let event = |content: &str, finish: Value| {
        let choice = json!({ "delta": { "content": content }, "finish_reason": finish });
        format!("data: {}\n\n", json!({ "model": "llama3.2", "choices": [choice] }))
    };
    let usage = format!(
        "data: {}\n\n",
        json!({ "choices": [], "usage": { "prompt_tokens": 612, "completion_tokens": 188 } })
    );
    let stream = |body: String| Script::answer(200, body).header("content-type", "text/event-stream");
    let whole = format!("{}{}{usage}data: [DONE]\n\n", event("ye", json!(null)), event("s", json!("stop")));
    assert_eq!(Kind::Compatible.ask(stream(whole)).await.0, Ok(Kind::Compatible.completion("yes")));
    let failed = "data: {\"error\":{\"code\":429,\"message\":\"slow\"}}\n\n".to_owned();
    assert_eq!(Kind::Compatible.ask(stream(failed)).await.0, Err(throttled(None)));
    for body in [event("ye", json!(null)), event("x", json!(null)).repeat(30_000)] {
        let (result, _) = Kind::Compatible.ask(stream(body)).await;
        assert!(matches!(result, Err(ModelError::Unreadable { .. })), "{result:?}");
    }
}

#[tokio::test]
async fn an_unknown_path_names_the_base_url() {
    for (status, body) in [
        (200, r#"{"error":"Unexpected endpoint or method. (POST /chat/completions)"}"#),
        (404, "404 page not found"),
    ] {
        let server = Server::start([Script::answer(status, body)]);
        let base_url = server.url();
        let settings = OpenAiSettings {
            base_url: Some(base_url.clone()),
            ..openai("", KeySource::None, false, Some("llama3.2"))
        };
        let result = ask(&AnyModel::openai(settings).unwrap()).await;
        assert_eq!(result, Err(configuration(ConfigurationFault::WrongPath { base_url })), "{body}");
    }
}

/// Two responses of a real llama.cpp with a small model, as `make real` recorded them.
#[tokio::test]
async fn the_responses_of_a_real_server_are_read() {
    for (body, cached) in
        [(include_str!("captured/first.json"), 0), (include_str!("captured/re-asked.json"), 711)]
    {
        let completion = Kind::Compatible.ask(Script::answer(200, body)).await.0.expect("a completion");
        assert_eq!(completion.finish, FinishReason::End);
        assert_eq!(completion.tokens.cached, Some(cached));
        assert!(completion.text.contains("risk_score"), "{}", completion.text);
    }
}
