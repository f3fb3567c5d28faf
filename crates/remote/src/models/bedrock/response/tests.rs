//! Tests every row of the table of failures, and how a success is read.

use std::time::Duration;

use serde_json::json;

use portend_core::model::FinishReason;

use super::*;

/// A request with a temperature, and with a schema or without.
fn sent(schema: bool) -> Sent<'static> {
    Sent { schema, parameters: &[Parameter::Temperature], base_url: "us-east-1" }
}

fn configuration(fault: ConfigurationFault) -> ModelError {
    ModelError::Configuration { fault }
}

fn refused(what: &str) -> ModelError {
    configuration(ConfigurationFault::Refused(what.to_owned()))
}

fn unavailable(what: &str) -> ModelError {
    ModelError::Unavailable { what: what.to_owned() }
}

fn rejected(what: &str) -> ModelError {
    ModelError::Rejected { what: what.to_owned() }
}

#[test]
#[expect(clippy::too_many_lines, reason = "the table of failures")]
fn each_failure_is_identified_by_its_type_and_status() {
    let throttled = ModelError::Throttled { retry_after: None };
    for (status, kind, message, expected) in [
        (
            429,
            "ThrottlingException",
            "Too many requests, please wait before trying again.",
            throttled.clone(),
        ),
        (429, "ThrottlingException", "Too many tokens, please wait before trying again.", throttled.clone()),
        (429, "ModelNotReadyException", "The model is not ready.", throttled.clone()),
        (400, "ThrottlingException", "Rate exceeded", throttled.clone()),
        (429, "", "", throttled.clone()),
        (400, "ValidationException", "Too many tokens, please wait before trying again.", throttled.clone()),
        (500, "InternalServerException", "", unavailable("500 InternalServerException")),
        (503, "ServiceUnavailableException", "", unavailable("503 ServiceUnavailableException")),
        (502, "", "", unavailable("502")),
        (504, "", "", unavailable("504")),
        (424, "ModelErrorException", "", unavailable("424 ModelErrorException")),
        (424, "", "", unavailable("424")),
        (408, "ModelTimeoutException", "", ModelError::TimedOut),
        (408, "", "", ModelError::TimedOut),
        (400, "ServiceQuotaExceededException", "", ModelError::OverQuota),
        (400, "ValidationException", "Input is too long for requested model.", rejected("input_too_long")),
        (
            400,
            "ValidationException",
            "Output blocked by content filtering policy",
            rejected("content_policy"),
        ),
        (
            400,
            "ValidationException",
            "Invocation of model ID anthropic.claude-haiku-4-5-20251001-v1:0 with on-demand throughput isn't supported. \
             Retry your request with the ID or ARN of an inference profile that contains this model.",
            configuration(ConfigurationFault::NeedsProfile),
        ),
        (
            400,
            "ValidationException",
            "The provided model identifier is invalid.",
            configuration(ConfigurationFault::NoSuchModel),
        ),
        (
            400,
            "ValidationException",
            "temperature: may not be set",
            ModelError::ParameterRefused { parameter: "temperature" },
        ),
        (400, "", "", refused("400")),
        (
            403,
            "AccessDeniedException",
            "You don't have access to the model.",
            configuration(ConfigurationFault::AccessDenied),
        ),
        (403, "", "", configuration(ConfigurationFault::AccessDenied)),
        (403, "ExpiredTokenException", "", configuration(ConfigurationFault::BadCredentials)),
        (403, "UnrecognizedClientException", "", configuration(ConfigurationFault::BadCredentials)),
        (403, "InvalidSignatureException", "", configuration(ConfigurationFault::BadCredentials)),
        (
            403,
            "",
            "The security token included in the request is expired",
            configuration(ConfigurationFault::BadCredentials),
        ),
        (401, "", "", configuration(ConfigurationFault::BadCredentials)),
        (
            404,
            "ResourceNotFoundException",
            "Could not find the model.",
            configuration(ConfigurationFault::NoSuchModel),
        ),
        (
            404,
            "ResourceNotFoundException",
            "This model version has reached the end of its life. Please refer to the AWS documentation.",
            configuration(ConfigurationFault::EndOfLife),
        ),
        (
            404,
            "ResourceNotFoundException",
            "Access denied. This Model is marked by provider as Legacy.",
            configuration(ConfigurationFault::EndOfLife),
        ),
        (
            404,
            "ResourceNotFoundException",
            "Model use case details have not been submitted for this account.",
            configuration(ConfigurationFault::AccessDenied),
        ),
        (302, "", "", configuration(ConfigurationFault::Redirect)),
        (307, "", "", configuration(ConfigurationFault::Redirect)),
        (410, "", "", refused("410")),
        (422, "ModelStreamErrorException", "", refused("422 ModelStreamErrorException")),
        (400, "sk-canary 1", "", refused("400")),
        // The error object counts, not the status 200.
        (200, "ThrottlingException", "", throttled),
        (200, "InternalServerException", "", unavailable("200 InternalServerException")),
        (200, "UnknownOperationException", "", unavailable("200 UnknownOperationException")),
        (200, "AccessDeniedException", "", configuration(ConfigurationFault::AccessDenied)),
    ] {
        let mut body = json!({ "message": message });
        if !kind.is_empty() {
            body["__type"] = json!(format!("com.amazon.coral.service#{kind}"));
        }
        let response = Response::scripted(status, &[], &body.to_string());
        assert_eq!(read(&response, &sent(false)), Err(expected), "{status} {kind} {message}");
    }
}

#[test]
fn the_type_is_read_from_the_header_before_the_body() {
    const HEADER: (&str, &str) =
        ("x-amzn-ErrorType", "ThrottlingException:http://internal.amazon.com/coral/");
    let response =
        Response::scripted(400, &[HEADER, ("retry-after", "3")], r#"{"__type": "ValidationException"}"#);
    let retry_after = Some(Duration::from_secs(3));
    assert_eq!(read(&response, &sent(false)), Err(ModelError::Throttled { retry_after }));
}

#[test]
fn a_schema_is_refused_only_if_one_was_sent() {
    for message in [
        "The model returned the following errors: output_config.format: Extra inputs are not permitted",
        "outputConfig.textFormat is not supported for this model",
        "Invalid JSON schema: additionalProperties must be false",
    ] {
        let body = json!({ "message": message }).to_string();
        let response = Response::scripted(400, &[("x-amzn-errortype", "ValidationException")], &body);
        assert_eq!(read(&response, &sent(true)), Err(ModelError::SchemaRefused), "{message}");
        assert_eq!(read(&response, &sent(false)), Err(refused("400 ValidationException")), "{message}");
    }
}

#[test]
fn a_failure_without_a_readable_body_is_identified_by_its_status() {
    let html = Response::scripted(503, &[], "<html>canary</html>");
    assert_eq!(read(&html, &sent(false)), Err(unavailable("503")));
    assert_eq!(
        read(&Response::scripted(200, &[], "<html>"), &sent(false)),
        Err(crate::response::unreadable("not JSON"))
    );
}

#[test]
fn a_wrapped_error_in_a_200_is_a_failure() {
    let body =
        r#"{"Output": {"__type": "com.amazon.coral.service#UnknownOperationException"}, "Version": "1.0"}"#;
    let expected = unavailable("200 UnknownOperationException");
    assert_eq!(read(&Response::scripted(200, &[], body), &sent(false)), Err(expected));
}

#[test]
fn content_blocks_are_selected_by_type() {
    let whole = json!({ "text": "yes" });
    let thinking = json!({ "reasoningContent": { "reasoningText": { "text": "canary" } } });
    for (content, text) in [
        (json!([whole]), "yes"),
        (json!([thinking, whole]), "yes"),
        (json!([whole, { "toolUse": { "name": "x", "input": {} } }, { "text": "no" }]), "yes\nno"),
        (json!([thinking]), ""),
        (json!([{ "text": null }, "text", 1]), ""),
        (json!([]), ""),
        (json!(null), ""),
        (json!("yes"), ""),
    ] {
        let body = json!({ "output": { "message": { "role": "assistant", "content": content } }, "stopReason": "end_turn" });
        let completion = read(&Response::scripted(200, &[], &body.to_string()), &sent(true)).unwrap();
        assert_eq!((completion.text.as_str(), completion.finish), (text, FinishReason::End), "{content}");
    }
}

#[test]
fn missing_members_of_a_response_are_absent() {
    let nothing = Completion {
        text: String::new(),
        finish: FinishReason::End,
        model_id: None,
        tokens: TokenUse::default(),
    };
    for body in
        ["{}", r#"{"output": null, "usage": null}"#, r#"{"message": "what?", "usage": {"inputTokens": -1}}"#]
    {
        assert_eq!(read(&Response::scripted(200, &[], body), &sent(false)), Ok(nothing.clone()), "{body}");
    }
}

#[test]
fn the_model_that_a_router_chose_is_read() {
    let body = json!({
        "output": { "message": { "content": [{ "text": "yes" }] } }, "stopReason": "max_tokens",
        "usage": { "inputTokens": 12, "outputTokens": 34, "totalTokens": 46 },
        "trace": { "promptRouter": { "invokedModelId": "us.anthropic.claude-haiku-5-5" } },
    });
    let expected = Completion {
        text: "yes".to_owned(),
        finish: FinishReason::Length,
        model_id: Some("us.anthropic.claude-haiku-5-5".to_owned()),
        tokens: TokenUse { input: Some(12), output: Some(34), ..TokenUse::default() },
    };
    assert_eq!(read(&Response::scripted(200, &[], &body.to_string()), &sent(false)), Ok(expected));
}

#[test]
fn tokens_of_the_cache_are_a_part_of_the_input() {
    let body = json!({
        "output": { "message": { "content": [{ "text": "yes" }] } }, "stopReason": "end_turn",
        "usage": { "inputTokens": 12, "outputTokens": 34, "cacheReadInputTokens": 100, "cacheWriteInputTokens": 50 },
    });
    let expected = TokenUse { input: Some(162), cached: Some(100), cache_write: Some(50), output: Some(34) };
    let read = read(&Response::scripted(200, &[], &body.to_string()), &sent(false)).unwrap();
    assert_eq!(read.tokens, expected);
}

#[test]
fn a_refused_temperature_steps_down() {
    let body = json!({ "message": "`temperature` is deprecated for this model." }).to_string();
    let response = Response::scripted(400, &[("x-amzn-errortype", "ValidationException")], &body);
    assert_eq!(read(&response, &sent(true)), Err(ModelError::ParameterRefused { parameter: "temperature" }));
    let without = Sent { parameters: &[], ..sent(true) };
    assert_eq!(read(&response, &without), Err(refused("400 ValidationException")));
}
