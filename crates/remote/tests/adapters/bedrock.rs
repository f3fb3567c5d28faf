//! Bedrock: the requests, and every kind of response.

use portend_core::model::{Completion, ConfigurationFault, FinishReason, ModelError};
use portend_remote::AnyModel;
use serde_json::{Value, json};

use crate::harness::{
    CANARY, Kind, ask_with, check, configuration, refused, rejected, schema, throttled, unavailable,
};
use portend_testing::http::{Script, Server};

const MODEL: &str = "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse";

#[tokio::test]
async fn a_call_is_one_signed_converse_request() {
    let (result, request) =
        Kind::Bedrock.ask(Script::answer(200, Kind::Bedrock.response("yes").to_string())).await;
    assert_eq!(result, Ok(Kind::Bedrock.completion("yes")));
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", MODEL));
    let authorization = request.header("authorization").unwrap();
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIACANARY/"), "{authorization}");
    assert!(authorization.contains("/us-east-1/bedrock/aws4_request"), "{authorization}");
    let mut body: Value = serde_json::from_str(&request.body).unwrap();
    let definition = body.pointer_mut("/outputConfig/textFormat/structure/jsonSchema/schema").unwrap().take();
    let sent_schema: Value = serde_json::from_str(definition.as_str().unwrap()).unwrap();
    assert_eq!(sent_schema, schema());
    let expected = json!({
        "system": [{ "text": "the rules" }],
        "messages": [{ "role": "user", "content": [{ "text": r#"{"ib_calls_14d": 5}"# }] }],
        "inferenceConfig": { "maxTokens": 1000, "temperature": 0.0 },
        "outputConfig": {
            "textFormat": { "type": "json_schema", "structure": { "jsonSchema": { "name": "reply", "schema": null } } },
        },
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn a_model_that_thinks_gets_more_tokens_and_no_temperature() {
    use portend_remote::settings::{BedrockSettings, ModelTuning};
    let server = Server::start([Script::answer(200, Kind::Bedrock.response("yes").to_string())]);
    let model_id = Some("us.anthropic.claude-haiku-5-5".to_owned());
    let settings = BedrockSettings { name: "bedrock".to_owned(), model_id, tuning: ModelTuning::default() };
    let model = AnyModel::bedrock(settings, crate::harness::aws(&server.url())).unwrap();
    assert_eq!(ask_with(&model, None).await, Ok(Kind::Bedrock.completion("yes")));
    let requests = server.requests();
    check(&requests);
    assert_eq!(requests[0].path, "/model/us.anthropic.claude-haiku-5-5/converse");
    let body: Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(body["inferenceConfig"], json!({ "maxTokens": 3000 }));
    assert_eq!(body.get("outputConfig"), None);
}

#[tokio::test]
async fn the_end_of_a_model_is_asked_with_one_signed_request_and_a_failure_says_nothing() {
    let legacy = json!({ "modelDetails": {
        "modelId": "a", "modelLifecycle": { "status": "LEGACY", "endOfLifeTime": "2027-06-30T00:00:00Z" }
    }});
    for (script, expected) in [
        (Script::answer(200, legacy.to_string()), Some((true, Some("2027-06-30".to_owned())))),
        (Script::answer(403, r#"{"message":"not allowed"}"#), None),
        (Script::answer(200, "{}"), None),
    ] {
        let server = Server::start([script]);
        let live = Kind::Bedrock.model(&server.url()).lifecycle().await;
        let found = live.map(|live| (live.is_legacy, live.end_of_life.map(|day| day.to_string())));
        assert_eq!(found, expected);
        let requests = server.requests();
        let [request] = requests.as_slice() else { panic!("{requests:?}") };
        let path = "/foundation-models/anthropic.claude-haiku-4-5-20251001-v1%3A0";
        assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", path));
        assert!(request.header("authorization").unwrap().contains("/us-east-1/bedrock/aws4_request"));
    }
}

#[tokio::test]
async fn each_failure_is_translated() {
    for (status, kind, message, expected) in [
        (429, "ThrottlingException", "Too many tokens, please wait", throttled(Some(2000))),
        (429, "ModelNotReadyException", "", throttled(Some(2000))),
        (500, "InternalServerException", "", unavailable("500 InternalServerException")),
        (502, "", "", unavailable("502")),
        (503, "ServiceUnavailableException", "", unavailable("503 ServiceUnavailableException")),
        (504, "", "", unavailable("504")),
        (424, "ModelErrorException", "", unavailable("424 ModelErrorException")),
        (408, "ModelTimeoutException", "", ModelError::TimedOut),
        (400, "ServiceQuotaExceededException", "", ModelError::OverQuota),
        (
            400,
            "ValidationException",
            "The model returned the following errors: output_config.format: Extra inputs are not permitted",
            ModelError::SchemaRefused,
        ),
        (400, "ValidationException", "Input is too long for requested model.", rejected("input_too_long")),
        (
            400,
            "ValidationException",
            "with on-demand throughput isn't supported",
            configuration(ConfigurationFault::NeedsProfile),
        ),
        (
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
            configuration(ConfigurationFault::NoSuchModel),
        ),
        (400, "ValidationException", CANARY, refused("400 ValidationException")),
        (400, CANARY, CANARY, refused("400")),
        (403, "AccessDeniedException", "", configuration(ConfigurationFault::AccessDenied)),
        (403, "ExpiredTokenException", CANARY, configuration(ConfigurationFault::BadCredentials)),
        (403, "UnrecognizedClientException", "", configuration(ConfigurationFault::BadCredentials)),
        (404, "ResourceNotFoundException", "", configuration(ConfigurationFault::NoSuchModel)),
        (
            404,
            "ResourceNotFoundException",
            "has reached the end of its life",
            configuration(ConfigurationFault::EndOfLife),
        ),
        (307, "", "", configuration(ConfigurationFault::Redirect)),
        (418, "", "", refused("418")),
        (200, "ThrottlingException", "", throttled(Some(2000))),
        (200, "InternalServerException", "", unavailable("200 InternalServerException")),
    ] {
        let body = json!({ "message": message }).to_string();
        let script = Script::answer(status, body.clone()).header("retry-after", "2");
        let script = script.header("location", "https://example.com/");
        let typed = if kind.is_empty() {
            script.clone()
        } else {
            script.clone().header("x-amzn-ErrorType", format!("{kind}:http://internal.amazon.com/coral/"))
        };
        assert_eq!(Kind::Bedrock.ask(typed).await.0, Err(expected.clone()), "{status} {kind} {message}");
        if !kind.is_empty() {
            let body = json!({ "__type": format!("com.amazon.coral.service#{kind}"), "message": message });
            let script = Script::answer(status, body.to_string()).header("retry-after", "2");
            assert_eq!(Kind::Bedrock.ask(script).await.0, Err(expected), "{status} {body}");
        }
    }
}

#[tokio::test]
async fn each_finish_reason_is_read() {
    let empty = Kind::Bedrock.completion("");
    for (content, reason, expected) in [
        (
            json!([{ "text": "yes" }]),
            json!("stop_sequence"),
            Completion { text: "yes".to_owned(), ..empty.clone() },
        ),
        (
            json!([{ "text": "{\"risk_score\": 5}" }]),
            json!("max_tokens"),
            Completion {
                text: "{\"risk_score\": 5}".to_owned(),
                finish: FinishReason::Length,
                ..empty.clone()
            },
        ),
        (json!([]), json!("refusal"), Completion { finish: FinishReason::Refusal, ..empty.clone() }),
        (json!([]), json!("content_filtered"), Completion { finish: FinishReason::Refusal, ..empty.clone() }),
        (
            json!([{ "text": "blocked" }]),
            json!("guardrail_intervened"),
            Completion { text: "blocked".to_owned(), finish: FinishReason::Guardrail, ..empty.clone() },
        ),
        (
            json!([{ "reasoningContent": { "reasoningText": { "text": "hm" } } }, { "text": "a" }, { "text": "b" }]),
            json!("end_turn"),
            Completion { text: "a\nb".to_owned(), ..empty.clone() },
        ),
        (json!([{ "reasoningContent": {} }]), json!("end_turn"), empty.clone()),
        (json!([{ "hologram": { "text": "no" } }]), json!("end_turn"), empty.clone()),
        (json!([]), json!("end_turn"), empty.clone()),
        (json!(null), json!("end_turn"), empty.clone()),
        (
            json!([]),
            json!("moonrise"),
            Completion { finish: FinishReason::Unknown("moonrise".to_owned()), ..empty.clone() },
        ),
        (json!([]), json!(null), empty.clone()),
    ] {
        let mut body = Kind::Bedrock.response("");
        *body.pointer_mut("/output/message/content").unwrap() = content;
        body["stopReason"] = reason;
        let (result, _) = Kind::Bedrock.ask(Script::answer(200, body.to_string())).await;
        assert_eq!(result, Ok(expected), "{body}");
    }
}
