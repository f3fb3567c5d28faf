//! Translates an error of OpenAI or of a compatible endpoint to a [`ModelError`]. Servers write the error object in
//! several shapes; all are read.
//!
//! | code or type, otherwise status and words | meaning |
//! |---|---|
//! | `insufficient_quota`, `*_spend_limit_exceeded`, ...; 402; words about quota, balance or billing | quota spent |
//! | `rate_limit_exceeded`, `slow_down`; 429 | throttled |
//! | words about an unknown path | a fault of the configuration: the base URL |
//! | `context_length_exceeded`, a content policy; 403 with words about moderation | rejected |
//! | `invalid_api_key`; 401 | wrong key |
//! | `json_validate_failed`; 400, 422 or 500 that names a grammar | the schema cannot be followed |
//! | 400 or 422 that names the schema | schema refused |
//! | 400 or 422 that names a parameter that was sent | parameter refused |
//! | 408 | timed out |
//! | 424, 498, 5xx | unavailable |
//! | 3xx, 403, 404, any other 4xx | a fault of the configuration |
//!
//! Never: repeats a message, because the message of a 401 contains part of the key.

use portend_core::model::{ConfigurationFault, ModelError};
use serde_json::{Value, json};

use crate::limits::ERROR_TEXT_BYTES_MAX;
use crate::models::parameter::{Parameter, Sent};
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

/// The body of a success: an object, or an array of one.
pub(super) fn success_body(response: &Response) -> Result<Value, ModelError> {
    if let Value::Array(mut list) = response.read()?
        && list.len() == 1
        && list.iter().all(Value::is_object)
    {
        return Ok(list.pop().unwrap_or_default());
    }
    response.json()
}

/// The body of a failure as an object: of an array its first, and of a text its message. A proxy's page of HTML says
/// nothing; the status of a failure is enough.
pub(super) fn failure_body(response: &Response) -> Value {
    match response.read::<Value>() {
        Ok(Value::Array(list)) => list.into_iter().find(Value::is_object).unwrap_or_default(),
        Ok(Value::String(text)) => json!({ "message": text }),
        Ok(body) => body,
        Err(_) => {
            let text = String::from_utf8_lossy(&response.body);
            let text =
                text.trim().get(..text.trim().floor_char_boundary(ERROR_TEXT_BYTES_MAX)).unwrap_or_default();
            if text.starts_with('<') { Value::Null } else { json!({ "message": text }) }
        }
    }
}

/// Whether a value says nothing. Some servers send an error object without any content with each success.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) => false,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.trim().is_empty(),
        Value::Array(list) => list.iter().all(is_empty),
        Value::Object(members) => members.values().all(is_empty),
    }
}

impl EndpointError {
    /// Reads the error in the body of a success; `None` if there is none.
    pub(super) fn in_success(status: u16, body: &Value) -> Option<Self> {
        let failed = body.get("status").and_then(Value::as_str) == Some("failed");
        let error = body.get("error").is_some_and(|error| !is_empty(error));
        let is_one = body.get("object").and_then(Value::as_str) == Some("error");
        if failed || error || is_one {
            return Some(Self::of(status, body));
        }
        let of_choice = body.pointer("/choices/0/error").filter(|error| !is_empty(error))?;
        Some(Self::of(status, &json!({ "error": of_choice })))
    }

    /// Reads the error in a body: an object at `error`, the body itself, or a text at `error`, `message` or `detail`.
    /// If the body of a success contains a status, it replaces the response's.
    pub(super) fn of(status: u16, body: &Value) -> Self {
        let inside = [body.get("error"), body.pointer("/error/0"), body.pointer("/errors/0")];
        let error = inside.into_iter().flatten().find(|error| error.is_object()).unwrap_or(body);
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        // Validation frameworks write what is wrong as a list of objects, and gateways what the vendor says as an object.
        let list = |name: &str| {
            let list = error.get(name).filter(|detail| detail.is_array() || detail.is_object());
            list.map_or_else(|| text(name).to_owned(), Value::to_string)
        };
        let (detail, metadata) = (list("detail"), list("metadata"));
        let texts =
            [text("message"), text("param"), &detail, text("error"), text("status"), text("msg"), &metadata];
        let said: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        let number = error.get("code").or_else(|| error.get("status")).and_then(Value::as_u64);
        let inner = number.and_then(|code| u16::try_from(code).ok());
        Self {
            status: inner.filter(|inner| status < 300 && (400..600).contains(inner)).unwrap_or(status),
            code: text("code").to_owned(),
            kind: text("type").to_owned(),
            text: said.join(" ").to_ascii_lowercase(),
        }
    }

    /// Translates the error of a request that contained `sent`.
    pub(super) fn meaning(&self, response: &Response, sent: &Sent<'_>) -> ModelError {
        let throttled = || ModelError::Throttled { retry_after: response.retry_after() };
        let is = |names: &[&str]| names.iter().any(|name| self.code == *name || self.kind == *name);
        // A success with an error is translated like the failure that it contains.
        let is_refusal = matches!(self.status, 200..=299 | 400 | 422);
        let fault = if (300..400).contains(&self.status) {
            ConfigurationFault::Redirect
        } else if self.status == 402 || self.has_spent_code() {
            ConfigurationFault::QuotaSpent
        } else if is(&["rate_limit_exceeded", "slow_down"]) {
            return throttled();
        } else if self.speaks_of_money() {
            ConfigurationFault::QuotaSpent
        } else if self.is_about_the_path() {
            ConfigurationFault::WrongPath { base_url: sent.base_url.to_owned() }
        } else if let Some(what) = self.rejected() {
            return ModelError::Rejected { what };
        } else if self.status == 401 || is(&["invalid_api_key", "authentication_error"]) {
            ConfigurationFault::WrongKey
        } else if is(&["model_not_found"]) {
            self.missing()
        } else if sent.schema && self.names_the_grammar() {
            return ModelError::SchemaUnsupported;
        } else if sent.schema && is_refusal && self.names_the_schema() {
            return ModelError::SchemaRefused;
        } else if let Some(parameter) = Parameter::blamed(&self.text, sent.parameters).filter(|_| is_refusal)
        {
            return ModelError::ParameterRefused { parameter: parameter.name() };
        } else {
            match self.status {
                400 | 404 | 422 if self.names_the_model() => self.missing(),
                403 => ConfigurationFault::AccessDenied,
                408 => return ModelError::TimedOut,
                429 => return throttled(),
                // A success with an error that does not blame the request.
                200..=299 if !is(&["invalid_request_error"]) => return self.unavailable(),
                424 | 498 | 500.. => return self.unavailable(),
                _ => ConfigurationFault::Refused(self.shown()),
            }
        };
        ModelError::Configuration { fault }
    }

    fn has_spent_code(&self) -> bool {
        let spent = [
            "insufficient_quota",
            "exceeded_current_quota_error",
            "insufficient_balance_error",
            "credit_balance_exhausted",
            "billing_hard_limit_reached",
            "billing_not_active",
        ];
        [&self.code, &self.kind]
            .into_iter()
            .any(|name| spent.contains(&name.as_str()) || name.ends_with("_spend_limit_exceeded"))
    }

    /// Whether the endpoint refuses for want of money, in any vendor's words. The help about a rate limit often names the
    /// quota or the page about billing too; that is a throttle.
    fn speaks_of_money(&self) -> bool {
        let words: String =
            self.text.split_whitespace().filter(|word| !word.contains("://")).collect::<Vec<_>>().join(" ");
        let names = |parts: &[&str]| {
            parts
                .iter()
                .any(|part| [words.as_str(), &self.code, &self.kind].iter().any(|said| said.contains(part)))
        };
        let is_rate = names(&["rate limit", "rate_limit", "per minute", "per second", "too many requests"]);
        let is_money =
            names(&["quota", "balance", "billing", "insufficient credit", "out of credit", "arrear"]);
        matches!(self.status, 400 | 403 | 429) && is_money && !is_rate
    }

    /// Whether the endpoint does not know the path, and does not speak of a model.
    fn is_about_the_path(&self) -> bool {
        let unknown = [
            "unexpected endpoint",
            "page not found",
            "file not found",
            "invalid url",
            "unknown endpoint",
            "unknown path",
            "no such route",
            "route not found",
            "no route",
            "cannot post",
            "unknown url",
        ];
        let is_unknown =
            self.text.trim() == "not found" || unknown.iter().any(|part| self.text.contains(part));
        matches!(self.status, 200..=299 | 404 | 405) && is_unknown
    }

    /// The vendor's code, if the vendor rejects the content of the request.
    fn rejected(&self) -> Option<String> {
        let codes =
            ["context_length_exceeded", "exceed_context_size_error", "content_filter", "invalid_prompt"];
        let by_code = [&self.code, &self.kind]
            .into_iter()
            .find(|name| codes.contains(&name.as_str()) || name.ends_with("policy_violation"))
            .and_then(|name| plain_code(name).map(str::to_owned));
        let by_text = [
            ("maximum context length", "context_length_exceeded"),
            ("context length", "context_length_exceeded"),
            ("context window", "context_length_exceeded"),
            ("context size", "context_length_exceeded"),
            ("prompt is too long", "context_length_exceeded"),
            ("input is too long", "context_length_exceeded"),
            ("content policy", "content_policy_violation"),
            ("content management policy", "content_policy_violation"),
            ("moderation", "moderation"),
            ("flagged", "moderation"),
        ];
        let blames_the_request = matches!(self.status, 200..=299 | 400 | 403 | 413 | 422);
        by_code.or_else(|| {
            let (_, code) =
                by_text.iter().find(|(text, _)| blames_the_request && self.text.contains(text))?;
            Some((*code).to_owned())
        })
    }

    fn names_the_grammar(&self) -> bool {
        let is_failed = self.code == "json_validate_failed" || self.kind == "json_validate_failed";
        is_failed || matches!(self.status, 200..=299 | 400 | 422 | 500) && self.text.contains("grammar")
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
