//! Tests every row of the table of failures, with errors as several servers write them.

use std::time::Duration;

use serde_json::json;

use super::*;

/// A request with a schema or without, and with these parameters.
fn sent(schema: bool, parameters: &[Parameter]) -> Sent<'_> {
    Sent { schema, parameters, base_url: "http://localhost:1234" }
}

fn meaning(status: u16, body: &Value, with_schema: bool) -> ModelError {
    EndpointError::of(status, body)
        .meaning(&Response::scripted(status, &[("retry-after-ms", "1500")], ""), &sent(with_schema, &[]))
}

fn wrong_path() -> ModelError {
    configuration(ConfigurationFault::WrongPath { base_url: "http://localhost:1234".to_owned() })
}

fn configuration(fault: ConfigurationFault) -> ModelError {
    ModelError::Configuration { fault }
}

fn refused(what: &str) -> ModelError {
    configuration(ConfigurationFault::Refused(what.to_owned()))
}

fn rejected(what: &str) -> ModelError {
    ModelError::Rejected { what: what.to_owned() }
}

fn unavailable(what: &str) -> ModelError {
    ModelError::Unavailable { what: what.to_owned() }
}

fn throttled() -> ModelError {
    ModelError::Throttled { retry_after: Some(Duration::from_millis(1500)) }
}

#[test]
#[expect(clippy::too_many_lines, reason = "the table of failures")]
fn each_failure_is_identified_by_its_code_and_status() {
    for (status, kind, code, message, expected) in [
        (429, "requests", "rate_limit_exceeded", "Rate limit reached", throttled()),
        (429, "", "", "", throttled()),
        (429, "", "slow_down", "", throttled()),
        (503, "", "slow_down", "", throttled()),
        (
            429,
            "insufficient_quota",
            "insufficient_quota",
            "You exceeded your quota",
            configuration(ConfigurationFault::QuotaSpent),
        ),
        (429, "insufficient_quota", "", "", configuration(ConfigurationFault::QuotaSpent)),
        (429, "", "credit_balance_exhausted", "", configuration(ConfigurationFault::QuotaSpent)),
        (429, "", "project_spend_limit_exceeded", "", configuration(ConfigurationFault::QuotaSpent)),
        (429, "", "organization_spend_limit_exceeded", "", configuration(ConfigurationFault::QuotaSpent)),
        (402, "", "", "", configuration(ConfigurationFault::QuotaSpent)),
        (
            401,
            "invalid_request_error",
            "invalid_api_key",
            "Incorrect API key provided: sk-ca***ary",
            configuration(ConfigurationFault::WrongKey),
        ),
        (401, "", "", "", configuration(ConfigurationFault::WrongKey)),
        (400, "", "invalid_api_key", "", configuration(ConfigurationFault::WrongKey)),
        (
            403,
            "",
            "unsupported_country_region_territory",
            "",
            configuration(ConfigurationFault::AccessDenied),
        ),
        (
            404,
            "invalid_request_error",
            "model_not_found",
            "The model `x` does not exist",
            configuration(ConfigurationFault::NoSuchModel),
        ),
        (
            404,
            "",
            "model_not_found",
            "The model `gpt-4` has been deprecated",
            configuration(ConfigurationFault::EndOfLife),
        ),
        (
            404,
            "not_found_error",
            "",
            "model \"x\" not found, try pulling it first",
            configuration(ConfigurationFault::NoSuchModel),
        ),
        (404, "not_found_error", "", "File Not Found", wrong_path()),
        (404, "", "", "", refused("404")),
        (
            400,
            "invalid_request_error",
            "context_length_exceeded",
            "too long",
            rejected("context_length_exceeded"),
        ),
        (
            400,
            "BadRequestError",
            "",
            "This model's maximum context length is 4096 tokens",
            rejected("context_length_exceeded"),
        ),
        (400, "exceed_context_size_error", "", "", rejected("exceed_context_size_error")),
        (400, "", "content_policy_violation", "", rejected("content_policy_violation")),
        (400, "", "content_filter", "", rejected("content_filter")),
        (
            400,
            "",
            "invalid_prompt",
            "flagged as potentially violating our usage policy",
            rejected("invalid_prompt"),
        ),
        (
            400,
            "invalid_request_error",
            "unsupported_parameter",
            "Unsupported parameter",
            refused("400 unsupported_parameter"),
        ),
        (400, "invalid_request_error", "", "bad", refused("400 invalid_request_error")),
        (400, "", "sk-canary-1", "", refused("400")),
        (408, "", "", "", ModelError::TimedOut),
        (409, "", "", "", refused("409")),
        (413, "", "", "", refused("413")),
        (500, "server_error", "", "", unavailable("500 server_error")),
        (424, "", "", "", unavailable("424")),
        (498, "", "", "", unavailable("498")),
        (529, "overloaded_error", "", "", unavailable("529 overloaded_error")),
        (502, "", "", "", unavailable("502")),
        (503, "", "", "", unavailable("503")),
        (504, "", "", "", unavailable("504")),
        (301, "", "", "", configuration(ConfigurationFault::Redirect)),
        (308, "", "insufficient_quota", "", configuration(ConfigurationFault::Redirect)),
    ] {
        let code = if code.is_empty() { Value::Null } else { json!(code) };
        let body = json!({ "error": { "message": message, "type": kind, "param": null, "code": code } });
        assert_eq!(meaning(status, &body, true), expected, "{status} {body}");
    }
}

#[test]
fn a_schema_is_refused_only_if_one_was_sent() {
    let message = |message: &str| json!({ "error": { "message": message, "param": "response_format" } });
    let refused_schema = ModelError::SchemaRefused;
    for (status, body, expected) in [
        (400, message("Invalid schema for response_format 'reply'"), &refused_schema),
        (400, message("The keyword maxLength is not supported in the schema"), &refused_schema),
        (400, message("The schema is too complex"), &refused_schema),
        (
            400,
            json!({ "error": { "message": "Unsupported parameter", "param": "text.format" } }),
            &refused_schema,
        ),
        (400, json!({ "error": "json_schema is not supported" }), &refused_schema),
        (422, json!({ "detail": "extra fields not permitted: response_format" }), &refused_schema),
    ] {
        assert_eq!(meaning(status, &body, true), *expected, "{body}");
        assert_eq!(meaning(status, &body, false), refused(&status.to_string()), "{body}");
    }
}

#[test]
fn an_error_is_read_in_each_shape() {
    for (body, expected) in [
        (json!({ "error": { "message": "m", "type": "t", "param": "P", "code": "c" } }), ("c", "t", "m p")),
        (json!({ "object": "error", "message": "M", "type": "t", "code": 400 }), ("", "t", "m")),
        (json!({ "error": "Boom" }), ("", "", "boom")),
        (json!({ "detail": "Boom" }), ("", "", "boom")),
        (json!({ "detail": [{ "msg": "X" }] }), ("", "", "[{\"msg\":\"x\"}]")),
        (json!({ "error": [{ "message": "M" }] }), ("", "", "m")),
        (json!({ "errors": [{ "message": "M" }] }), ("", "", "m")),
        (json!({ "error": { "message": "m", "metadata": { "flagged": 1 } } }), ("", "", "m {\"flagged\":1}")),
        (json!(null), ("", "", "")),
    ] {
        let EndpointError { status, code, kind, text } = EndpointError::of(400, &body);
        assert_eq!(
            (status, code.as_str(), kind.as_str(), text.as_str()),
            (400, expected.0, expected.1, expected.2),
            "{body}"
        );
    }
}

#[test]
fn an_error_in_a_success_is_translated() {
    let in_success = |body: &Value| {
        let response = Response::scripted(200, &[("retry-after-ms", "1500")], "");
        EndpointError::in_success(200, body).map(|error| error.meaning(&response, &sent(true, &[])))
    };
    for (body, expected) in [
        (json!({ "error": { "code": "rate_limit_exceeded" } }), throttled()),
        (json!({ "error": { "code": 429, "message": "slow" } }), throttled()),
        (json!({ "error": { "code": 502 } }), unavailable("502")),
        (json!({ "error": { "code": 401 } }), configuration(ConfigurationFault::WrongKey)),
        (json!({ "error": { "code": "insufficient_quota" } }), configuration(ConfigurationFault::QuotaSpent)),
        (json!({ "error": { "code": "server_error" } }), unavailable("200 server_error")),
        (json!({ "error": { "code": 7 } }), unavailable("200")),
        (json!({ "error": "boom" }), unavailable("200")),
        (json!({ "error": { "type": "invalid_request_error" } }), refused("200 invalid_request_error")),
        (json!({ "object": "error", "message": "boom", "code": 503 }), unavailable("503")),
        (json!({ "status": "failed", "error": { "code": "server_error" } }), unavailable("200 server_error")),
        (json!({ "status": "failed", "error": null }), unavailable("200")),
    ] {
        assert_eq!(in_success(&body), Some(expected), "{body}");
    }
    for body in [
        json!({}),
        json!({ "error": null, "status": "completed" }),
        json!({ "error": "" }),
        json!({ "error": {} }),
        json!({ "error": { "code": null, "message": "", "details": [] } }),
        json!({ "choices": [{ "error": {} }] }),
    ] {
        assert_eq!(in_success(&body), None, "{body}");
    }
}

#[test]
fn quota_is_spent_in_any_vendors_words() {
    let spent = || configuration(ConfigurationFault::QuotaSpent);
    for (status, kind, message, expected) in [
        (429, "exceeded_current_quota_error", "", spent()),
        (400, "insufficient_balance_error", "", spent()),
        (400, "", "Insufficient Balance", spent()),
        (429, "", "Your account balance is too low.", spent()),
        (429, "", "You exceeded your current quota, please check your plan and billing details.", spent()),
        (400, "invalid_request_error", "Your credit balance is too low to access the API.", spent()),
        (403, "", "This API requires billing to be enabled.", spent()),
        (
            429,
            "requests",
            "Rate limit reached for requests. Visit https://example.com/account/billing to add a payment method.",
            throttled(),
        ),
        (
            429,
            "",
            "Rate limit is exceeded. Go to https://example.com/quotaincrease for more quota.",
            throttled(),
        ),
        (429, "", "Too many requests: your quota is 60 per minute.", throttled()),
        (429, "", "busy", throttled()),
    ] {
        let body = json!({ "error": { "message": message, "type": kind } });
        assert_eq!(meaning(status, &body, true), expected, "{status} {body}");
    }
}

#[test]
fn a_moderated_request_is_rejected_and_an_unknown_path_is_named() {
    let refusal = |message: &str| json!({ "error": { "message": message } });
    for (status, body, expected) in [
        (403, refusal("Input was flagged by moderation"), rejected("moderation")),
        (
            403,
            json!({ "error": { "code": 403, "message": "x", "metadata": { "flagged_input": "y" } } }),
            rejected("moderation"),
        ),
        (403, refusal("No"), configuration(ConfigurationFault::AccessDenied)),
        (200, json!({ "error": "Unexpected endpoint or method. (POST /chat/completions)" }), wrong_path()),
        (404, json!({ "message": "404 page not found" }), wrong_path()),
        (404, json!({ "detail": "Not Found" }), wrong_path()),
        (404, refusal("Invalid URL (POST /chat/completions)"), wrong_path()),
        (404, refusal("model 'x' not found"), configuration(ConfigurationFault::NoSuchModel)),
    ] {
        assert_eq!(meaning(status, &body, true), expected, "{status} {body}");
    }
    let error = wrong_path();
    assert_eq!(
        portend_core::help::explained(&error),
        "the endpoint does not know the path below the base URL http://localhost:1234; set the base URL to \
         http://localhost:1234/v1"
    );
}

#[test]
fn a_grammar_or_a_parameter_steps_down() {
    let all = [Parameter::Temperature, Parameter::Effort, Parameter::TokenLimit];
    let parameter = |parameter| ModelError::ParameterRefused { parameter };
    let body = |code: &str, message: &str| json!({ "error": { "code": code, "message": message } });
    for (status, body, expected) in [
        (400, body("json_validate_failed", "Failed to generate JSON"), ModelError::SchemaUnsupported),
        (400, body("", "failed to parse grammar"), ModelError::SchemaUnsupported),
        (
            500,
            body("", "Failed to initialize samplers: failed to parse grammar"),
            ModelError::SchemaUnsupported,
        ),
        (400, body("unsupported_value", "'temperature' does not support 0"), parameter("temperature")),
        (
            400,
            body("unsupported_parameter", "'max_tokens' is not supported. Use 'max_completion_tokens'."),
            parameter("max_tokens"),
        ),
        (422, json!({ "detail": [{ "loc": ["body", "reasoning_effort"] }] }), parameter("reasoning_effort")),
        (400, body("", "max_tokens is too large: 3000"), refused("400")),
        (500, body("", "temperature"), unavailable("500")),
    ] {
        let error = EndpointError::of(status, &body);
        assert_eq!(
            error.meaning(&Response::scripted(status, &[], ""), &sent(true, &all)),
            expected,
            "{body}"
        );
    }
}

#[test]
fn the_body_of_a_failure_is_read_in_each_shape() {
    let body = |body: &str| failure_body(&Response::scripted(400, &[], body));
    for (text, expected) in [
        (r#"{"error": {"code": 1}}"#, json!({ "error": { "code": 1 } })),
        (r#"[{"error": {"code": 1}}]"#, json!({ "error": { "code": 1 } })),
        (r#""temperature is not supported""#, json!({ "message": "temperature is not supported" })),
        ("temperature is not supported\n", json!({ "message": "temperature is not supported" })),
        ("<html>canary</html>", json!(null)),
        ("", json!({ "message": "" })),
    ] {
        assert_eq!(body(text), expected, "{text}");
    }
    let success = |body: &str| success_body(&Response::scripted(200, &[], body));
    assert_eq!(success(r#"[{"error": {"code": 1}}]"#), Ok(json!({ "error": { "code": 1 } })));
    assert!(success("[1]").is_err() && success("[]").is_err());
}
