//! Translates an error of OpenAI or of a compatible endpoint to a [`ModelError`]. Servers write the error object in
//! several shapes; all are read.
//!
//! | code or type, otherwise status | meaning |
//! |---|---|
//! | `insufficient_quota`, `credit_balance_exhausted`, `*_spend_limit_exceeded`; 402 | quota spent |
//! | `rate_limit_exceeded`, `slow_down`; 429 | throttled |
//! | `context_length_exceeded`, a content policy | rejected |
//! | `invalid_api_key`; 401 | wrong key |
//! | 400 or 422 that names the schema | schema refused |
//! | 408 | timed out |
//! | 5xx | unavailable |
//! | 3xx, 403, 404, any other 4xx | a fault of the configuration |
//!
//! Never: repeats a message, because the message of a 401 contains part of the key.

use portend_core::model::{ConfigurationFault, ModelError};
use serde_json::Value;

use crate::response::{Response, plain_code, status_and_code};

/// The error in a response.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct EndpointError {
    status: u16,
    code: String,
    kind: String,
    /// The message and the parameter, in lower case. They are searched and never shown.
    text: String,
}

impl EndpointError {
    /// Reads the error in the body of a success; `None` if there is none.
    pub(super) fn in_success(status: u16, body: &Value) -> Option<Self> {
        let failed = body.get("status").and_then(Value::as_str) == Some("failed");
        let error = body.get("error").is_some_and(|error| match error {
            Value::Null | Value::Bool(false) => false,
            Value::String(text) => !text.is_empty(),
            Value::Bool(true) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
        });
        let is_one = body.get("object").and_then(Value::as_str) == Some("error");
        (failed || error || is_one).then(|| Self::of(status, body))
    }

    /// Reads the error in a body: an object at `error`, the body itself, or a text at `error`, `message` or `detail`.
    /// If the body of a success contains a status, it replaces the response's.
    pub(super) fn of(status: u16, body: &Value) -> Self {
        let error = body.get("error").filter(|error| error.is_object()).unwrap_or(body);
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        // Validation frameworks write what is wrong as a list of objects.
        let list = error.get("detail").filter(|detail| detail.is_array()).map(Value::to_string);
        let detail = list.as_deref().unwrap_or_else(|| text("detail"));
        let texts = [text("message"), text("param"), detail, text("error")];
        let inner = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
        Self {
            status: inner.filter(|inner| status < 300 && (400..600).contains(inner)).unwrap_or(status),
            code: text("code").to_owned(),
            kind: text("type").to_owned(),
            text: texts.join(" ").to_ascii_lowercase(),
        }
    }

    /// Translates the error. `with_schema` is whether the request contained a schema.
    pub(super) fn meaning(&self, response: &Response, with_schema: bool) -> ModelError {
        let throttled = || ModelError::Throttled { retry_after: response.retry_after() };
        let is = |names: &[&str]| names.iter().any(|name| self.code == *name || self.kind == *name);
        let fault = if (300..400).contains(&self.status) {
            ConfigurationFault::Redirect
        } else if self.status == 402 || self.quota_is_spent() {
            ConfigurationFault::QuotaSpent
        } else if is(&["rate_limit_exceeded", "slow_down"]) {
            return throttled();
        } else if let Some(what) = self.rejected() {
            return ModelError::Rejected { what };
        } else if self.status == 401 || is(&["invalid_api_key", "authentication_error"]) {
            ConfigurationFault::WrongKey
        } else if is(&["model_not_found"]) {
            self.missing()
        } else {
            match self.status {
                // A success with an error is translated like the failure that it contains.
                200..=299 | 400 | 422 if with_schema && self.names_the_schema() => {
                    return ModelError::SchemaRefused;
                }
                400 | 404 | 422 if self.names_the_model() => self.missing(),
                403 => ConfigurationFault::AccessDenied,
                408 => return ModelError::TimedOut,
                429 => return throttled(),
                // A success with an error that does not blame the request.
                200..=299 if !is(&["invalid_request_error"]) => return self.unavailable(),
                500.. => return self.unavailable(),
                _ => ConfigurationFault::Refused(self.shown()),
            }
        };
        ModelError::Configuration { fault }
    }

    fn quota_is_spent(&self) -> bool {
        let spent = [
            "insufficient_quota",
            "credit_balance_exhausted",
            "billing_hard_limit_reached",
            "billing_not_active",
        ];
        [&self.code, &self.kind]
            .into_iter()
            .any(|name| spent.contains(&name.as_str()) || name.ends_with("_spend_limit_exceeded"))
    }

    /// The vendor's code, if the vendor rejects the content of the request.
    fn rejected(&self) -> Option<String> {
        let codes =
            ["context_length_exceeded", "exceed_context_size_error", "content_filter", "invalid_prompt"];
        let by_code = [&self.code, &self.kind]
            .into_iter()
            .find(|name| codes.contains(&name.as_str()) || name.ends_with("policy_violation"))
            .and_then(|name| plain_code(name).map(str::to_owned));
        let blames_the_request = matches!(self.status, 200..=299 | 400 | 413 | 422);
        let by_text = [
            ("maximum context length", "context_length_exceeded"),
            ("content policy", "content_policy_violation"),
            ("content management policy", "content_policy_violation"),
        ];
        by_code.or_else(|| {
            let (_, code) =
                by_text.iter().find(|(text, _)| blames_the_request && self.text.contains(text))?;
            Some((*code).to_owned())
        })
    }

    fn names_the_schema(&self) -> bool {
        let names = ["response_format", "text.format", "output_config", "outputconfig", "schema"];
        [&self.text, &self.code, &self.kind]
            .into_iter()
            .any(|said| names.iter().any(|name| said.contains(name)))
    }

    fn names_the_model(&self) -> bool {
        let missing = ["not exist", "not found", "invalid model", "not a valid model", "deprecated"];
        self.text.contains("model") && missing.iter().any(|part| self.text.contains(part))
    }

    fn missing(&self) -> ConfigurationFault {
        let ended = ["deprecated", "shut down", "end of life", "no longer available"];
        if ended.iter().any(|part| self.text.contains(part)) {
            ConfigurationFault::EndOfLife
        } else {
            ConfigurationFault::NoSuchModel
        }
    }

    fn unavailable(&self) -> ModelError {
        ModelError::Unavailable { what: self.shown() }
    }

    /// The status with the code, or with the type if there is no code.
    fn shown(&self) -> String {
        status_and_code(self.status, plain_code(&self.code).or_else(|| plain_code(&self.kind)))
    }
}

#[cfg(test)]
mod tests;
