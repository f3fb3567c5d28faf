//! Tests every row of the table of failures, with errors as several servers write them.

use std::time::Duration;

use serde_json::json;

use super::*;

fn meaning(status: u16, body: &Value, with_schema: bool) -> ModelError {
    EndpointError::of(status, body)
        .meaning(&Response::scripted(status, &[("retry-after-ms", "1500")], ""), with_schema)
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
        (404, "not_found_error", "", "File Not Found", refused("404 not_found_error")),
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
    for (status, body) in [
        (
            400,
            json!({ "error": { "message": "Invalid schema for response_format 'reply'", "param": "response_format" } }),
        ),
        (400, json!({ "error": { "message": "Unsupported parameter", "param": "text.format" } })),
        (400, json!({ "error": "json_schema is not supported" })),
        (422, json!({ "detail": "extra fields not permitted: response_format" })),
    ] {
        assert_eq!(meaning(status, &body, true), ModelError::SchemaRefused, "{body}");
        assert_eq!(meaning(status, &body, false), refused(&status.to_string()), "{body}");
    }
}

#[test]
fn an_error_is_read_in_each_shape() {
    for (body, expected) in [
        (json!({ "error": { "message": "m", "type": "t", "param": "P", "code": "c" } }), ("c", "t", "m p  ")),
        (json!({ "object": "error", "message": "M", "type": "t", "code": 400 }), ("", "t", "m   ")),
        (json!({ "error": "Boom" }), ("", "", "   boom")),
        (json!({ "detail": "Boom" }), ("", "", "  boom ")),
        (json!({ "detail": [{ "msg": "X" }] }), ("", "", "  [{\"msg\":\"x\"}] ")),
        (json!(null), ("", "", "   ")),
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
        EndpointError::in_success(200, body).map(|error| error.meaning(&response, true))
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
    for body in [json!({}), json!({ "error": null, "status": "completed" }), json!({ "error": "" })] {
        assert_eq!(in_success(&body), None, "{body}");
    }
}
