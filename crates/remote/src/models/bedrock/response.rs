//! Reads a response of Converse as a [`Completion`] or a [`ModelError`].
//!
//! | error type, otherwise status | meaning |
//! |---|---|
//! | `ThrottlingException`, `ModelNotReadyException`; 429 | throttled |
//! | `ServiceQuotaExceededException`, with a status of 400 | over quota |
//! | `ModelTimeoutException`; 408 | timed out |
//! | `ModelErrorException`; 424, 5xx | unavailable |
//! | `ValidationException`; 400 | by its message: schema or parameter refused, rejected, or a fault of the configuration |
//! | `AccessDeniedException`, `ResourceNotFoundException`, credentials; 3xx, any other 4xx | a fault of the configuration |
//!
//! Never: selects a content block by its position, or treats a 200 with an error object as a success.

use portend_core::model::{Completion, ConfigurationFault, ModelError, TokenUse};
use serde_json::Value;

use crate::aws::error_type;
use crate::models::parameter::{Parameter, Sent};
use crate::response::{Response, finish, model_id, status_and_code};

/// Reads the response to a request that contained `sent`.
pub(super) fn read(response: &Response, sent: &Sent<'_>) -> Result<Completion, ModelError> {
    let success = response.is_success();
    let body = match response.json() {
        Err(unreadable) if success => return Err(unreadable),
        // The status of a failure is enough. The body may be a proxy's page of HTML.
        body => body.unwrap_or_default(),
    };
    match error_type(response, &body) {
        None if success => completion(&body),
        kind => Err(failure(response, kind, &body, sent)),
    }
}

fn completion(body: &Value) -> Result<Completion, ModelError> {
    let blocks = body.pointer("/output/message/content").and_then(Value::as_array);
    let texts: Vec<&str> =
        blocks.into_iter().flatten().filter_map(|block| block.get("text")?.as_str()).collect();
    let tokens = |name: &str| body.pointer("/usage")?.get(name)?.as_u64();
    let (cached, cache_write) = (tokens("cacheReadInputTokens"), tokens("cacheWriteInputTokens"));
    Ok(Completion {
        text: texts.join("\n"),
        finish: finish(body.get("stopReason").and_then(Value::as_str))?,
        // Converse does not name the model, except if a prompt router chose one.
        model_id: model_id(body.pointer("/trace/promptRouter/invokedModelId").and_then(Value::as_str)),
        tokens: TokenUse {
            // Converse counts the tokens of the cache separately.
            input: tokens("inputTokens").map(|input| input + cached.unwrap_or(0) + cache_write.unwrap_or(0)),
            cached,
            cache_write,
            output: tokens("outputTokens"),
        },
    })
}

fn failure(response: &Response, kind: Option<&str>, body: &Value, sent: &Sent<'_>) -> ModelError {
    let status = response.status;
    let throttled = || ModelError::Throttled { retry_after: response.retry_after() };
    let unavailable = || ModelError::Unavailable { what: status_and_code(status, kind) };
    let message = body.get("message").or_else(|| body.get("Message")).and_then(Value::as_str);
    let message = message.unwrap_or_default().to_ascii_lowercase();
    let fault = match (kind.unwrap_or_default(), status) {
        ("ThrottlingException" | "TooManyRequestsException" | "ModelNotReadyException", _) => {
            return throttled();
        }
        ("ServiceQuotaExceededException", _) => return ModelError::OverQuota,
        ("ModelTimeoutException", _) => return ModelError::TimedOut,
        ("ModelErrorException" | "InternalServerException" | "ServiceUnavailableException", _) => {
            return unavailable();
        }
        ("ValidationException", _) => return invalid(status, kind, &message, sent, throttled),
        ("AccessDeniedException", _) => denied(&message),
        (
            "ExpiredTokenException"
            | "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "IncompleteSignatureException"
            | "MissingAuthenticationTokenException"
            | "InvalidClientTokenId"
            | "SignatureDoesNotMatch"
            | "RequestExpired"
            | "NotAuthorized",
            _,
        ) => ConfigurationFault::BadCredentials,
        ("ResourceNotFoundException", _) | (_, 404) => missing(&message),
        // A success with an unknown error type is a failure of the service.
        (_, 200..=299 | 424 | 500..) => return unavailable(),
        (_, 300..=399) => ConfigurationFault::Redirect,
        (_, 400) => return invalid(status, kind, &message, sent, throttled),
        (_, 401) => ConfigurationFault::BadCredentials,
        (_, 403) => denied(&message),
        (_, 408) => return ModelError::TimedOut,
        (_, 429) => return throttled(),
        (_, _) => ConfigurationFault::Refused(status_and_code(status, kind)),
    };
    ModelError::Configuration { fault }
}

/// The error for a refused request, by the words of its message.
fn invalid(
    status: u16,
    kind: Option<&str>,
    message: &str,
    sent: &Sent<'_>,
    throttled: impl Fn() -> ModelError,
) -> ModelError {
    let names = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    let rejected = |what: &str| ModelError::Rejected { what: what.to_owned() };
    let fault = if names(&["too many tokens, please wait"]) {
        return throttled();
    } else if sent.schema
        && names(&["output_config", "outputconfig", "response_format", "text.format", "textformat", "schema"])
    {
        return ModelError::SchemaRefused;
    } else if names(&["too long", "context limit", "context length", "context window"]) {
        return rejected("input_too_long");
    } else if names(&["content filtering policy", "content policy", "usage policy"]) {
        return rejected("content_policy");
    } else if let Some(parameter) = Parameter::blamed(message, sent.parameters) {
        return ModelError::ParameterRefused { parameter: parameter.name() };
    } else if ended(message) {
        ConfigurationFault::EndOfLife
    } else if names(&["on-demand throughput", "inference profile"]) {
        ConfigurationFault::NeedsProfile
    } else if names(&["model identifier"]) {
        ConfigurationFault::NoSuchModel
    } else {
        ConfigurationFault::Refused(status_and_code(status, kind))
    };
    ModelError::Configuration { fault }
}

fn denied(message: &str) -> ConfigurationFault {
    let credentials = ["security token", "signature", "api key", "token has expired"];
    if ended(message) {
        ConfigurationFault::EndOfLife
    } else if credentials.iter().any(|part| message.contains(part)) {
        ConfigurationFault::BadCredentials
    } else {
        ConfigurationFault::AccessDenied
    }
}

fn missing(message: &str) -> ConfigurationFault {
    if ended(message) {
        ConfigurationFault::EndOfLife
    } else if message.contains("use case details") {
        // The account has not submitted the use case that the vendor requires.
        ConfigurationFault::AccessDenied
    } else {
        ConfigurationFault::NoSuchModel
    }
}

fn ended(message: &str) -> bool {
    ["end of its life", "end of life", "provider as legacy"].iter().any(|part| message.contains(part))
}

#[cfg(test)]
mod tests;
