//! The interface to language models: the call, the completion, and what an error means.
//!
//! An adapter implements [`Model`] for a vendor. The [`Class`] of a [`ModelError`] says what the chain does next.
//!
//! Never: puts a key, a request or a body into an error, because a vendor's error text can contain part of a key.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::help::Help;
use crate::number::Number;
use crate::time::Timestamp;

/// A language model.
pub trait Model: Send + Sync {
    /// The model's names, capabilities and price.
    fn spec(&self) -> &ModelSpec;

    /// Calls the model once, without retries. Dropping the future cancels the call.
    fn ask(&self, call: &Call<'_>) -> impl Future<Output = Result<Completion, ModelError>> + Send;
}

/// The model type of a program without models. It has no values.
#[derive(Debug)]
pub enum NoModel {}

impl Model for NoModel {
    fn spec(&self) -> &ModelSpec {
        match *self {}
    }

    async fn ask(&self, _: &Call<'_>) -> Result<Completion, ModelError> {
        match *self {}
    }
}

/// A model's names, capabilities and price, from `models.toml` and the settings.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    /// The model's name in the chain: `bedrock`, `openai`, or the NAME of `[models.NAME]`.
    pub name: String,
    /// The vendor's id, or the inference profile's.
    pub model_id: String,
    /// The model in an insight's `model_used`, such as `bedrock-claude-haiku-4.5`.
    pub label: String,
    /// The endpoint: a region or a base URL. What the chain remembers of a model is per endpoint.
    pub endpoint: String,
    /// The most detailed form of the reply's schema that the model accepts, as far as is known. The chain remembers a
    /// refusal.
    pub schema: SchemaForm,
    /// The highest limit of output tokens that the model accepts.
    pub output_tokens_max: u32,
    /// The other parameters that the settings choose, such as a temperature. Answers by other parameters are not the same.
    pub parameters: String,
    /// The price, if it is known.
    pub price: Option<Price>,
    /// The longest time of one call, including the body of the response.
    pub timeout: Duration,
    /// Calls at the same time that the model is made for.
    pub concurrency: usize,
}

/// How a call describes the format of the reply, the most detailed form last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SchemaForm {
    /// Only the prompt describes it.
    PromptOnly,
    /// A native JSON schema without ranges, counts and lengths, which every vendor with native schemas accepts.
    Reduced,
    /// A native JSON schema with ranges, counts and lengths. Without them, a small model may not end its reply.
    Bounded,
}

impl SchemaForm {
    /// Whether the request contains a schema.
    pub fn is_native(self) -> bool {
        self != Self::PromptOnly
    }

    /// The next less detailed form.
    #[must_use]
    pub fn lower(self) -> Self {
        match self {
            Self::Bounded => Self::Reduced,
            Self::Reduced | Self::PromptOnly => Self::PromptOnly,
        }
    }
}

/// A form of the schema that one endpoint refuses, or answers with nothing useful, for one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaLimit {
    /// Where the model is.
    pub endpoint: String,
    /// The model.
    pub model_id: String,
    /// The most detailed form to send.
    pub form: SchemaForm,
    /// Until when that is remembered.
    pub until: Timestamp,
}

/// US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// The price of input tokens.
    pub input: Number,
    /// The price of output tokens.
    pub output: Number,
    /// The price of input tokens that are read from the vendor's prompt cache. `None`: that of other input tokens.
    pub cached: Option<Number>,
    /// The price of input tokens that are written to that cache. `None`: that of other input tokens.
    pub cache_write: Option<Number>,
}

/// The tokens of one call, as the response says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenUse {
    /// Tokens of the request, including those of the prompt cache.
    pub input: Option<u64>,
    /// The part of `input` that was read from the vendor's prompt cache.
    pub cached: Option<u64>,
    /// The part of `input` that was written to that cache.
    pub cache_write: Option<u64>,
    /// Tokens of the response.
    pub output: Option<u64>,
}

impl Price {
    /// The cost of these tokens, in US dollars, rounded to a millionth. `None` if the response does not say them.
    pub fn of(&self, tokens: TokenUse) -> Option<Number> {
        let input = tokens.input?;
        let cached = tokens.cached.unwrap_or(0).min(input);
        let written = tokens.cache_write.unwrap_or(0).min(input - cached);
        let parts = [
            (self.input, input - cached - written),
            (self.cached.unwrap_or(self.input), cached),
            (self.cache_write.unwrap_or(self.input), written),
            (self.output, tokens.output?),
        ];
        #[expect(clippy::cast_precision_loss, reason = "a token count is far below 2^53")]
        let millionths: f64 = parts.iter().map(|(price, tokens)| price.get() * *tokens as f64).sum();
        Number::new(millionths.round() / 1e6)
    }
}

/// One call to a model.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// The system text: role, rules, facts, scale and format. It is the same, byte for byte, for all alerts of a type,
    /// so that a vendor can cache it.
    pub system: &'a str,
    /// The facts as one JSON object in a sentence. A re-ask has more messages.
    pub messages: &'a [Message],
    /// The native JSON schema of the reply, in the forms that vendors accept. `None` if only the prompt describes the
    /// format.
    pub schema: Option<&'a serde_json::Value>,
    /// The limit of output tokens.
    pub output_tokens: u32,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The author.
    pub role: Role,
    /// The text.
    pub text: String,
}

/// The author of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Portend.
    User,
    /// The model, in an earlier reply.
    Assistant,
}

/// A model's response. The text is not checked yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The text blocks, joined by newlines. Empty if the response has no text.
    pub text: String,
    /// Why the completion ended.
    pub finish: FinishReason,
    /// The model that responded, if the response says so.
    pub model_id: Option<String>,
    /// The tokens of the call.
    pub tokens: TokenUse,
}

/// Why a completion ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FinishReason {
    /// The model finished.
    End,
    /// The limit of tokens was reached, even if the text looks complete.
    Length,
    /// The model, or the vendor's filter, refused.
    Refusal,
    /// A guardrail of the deployment intervened.
    Guardrail,
    /// A reason that this program does not know.
    Unknown(String),
}

/// Why a call returned no completion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Too many requests or tokens. It is nobody's fault, and temporary.
    #[error("the model throttles requests")]
    Throttled {
        /// How long the response asks to wait.
        retry_after: Option<Duration>,
    },
    /// The vendor failed, such as with 500, 503 or a model error. It may be temporary.
    #[error("the model failed with {what}")]
    Unavailable {
        /// The status, or the error's type.
        what: String,
    },
    /// No connection: refused, reset, TLS, DNS. The network or the endpoint is at fault.
    #[error("the model is unreachable ({what})")]
    Unreachable {
        /// What went wrong.
        what: String,
    },
    /// The response is truncated, too large, not UTF-8 or not JSON. The endpoint is at fault.
    #[error("the response is unreadable ({what})")]
    Unreadable {
        /// What is wrong with it.
        what: String,
    },
    /// No response in time: a timeout of the vendor or of this attempt.
    #[error("the model did not respond in time")]
    TimedOut,
    /// The account's quota for this model is used up for now.
    #[error("the account's quota for the model is used up")]
    OverQuota,
    /// The model refuses the native schema. It may accept a less detailed one.
    #[error("the model refuses the reply's schema")]
    SchemaRefused,
    /// The endpoint cannot make a grammar of the native schema, or the model's reply did not follow it. The model may
    /// accept the prompt without one.
    #[error("the model cannot follow the reply's schema")]
    SchemaUnsupported,
    /// The model refuses a parameter of the request. The next call leaves it out, or has its other name.
    #[error("the model refuses the parameter {parameter}")]
    ParameterRefused {
        /// The parameter's name.
        parameter: &'static str,
    },
    /// The request is too long for the model, or violates the vendor's content policy.
    #[error("the model refuses this request ({what})")]
    Rejected {
        /// The vendor's code.
        what: String,
    },
    /// The model cannot work as configured. The operator is at fault, and is notified each time.
    #[error("{fault}")]
    Configuration {
        /// What is wrong.
        fault: ConfigurationFault,
    },
}

/// What is wrong with a model's configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigurationFault {
    /// No credentials or no key were found.
    NoCredentials,
    /// The credentials have expired or are not valid.
    BadCredentials,
    /// The key is refused.
    WrongKey,
    /// The account may not use the model.
    AccessDenied,
    /// The account has no credit or no quota left.
    QuotaSpent,
    /// The configuration has a model id where an inference profile is needed.
    NeedsProfile,
    /// The model does not exist, or not in this region or account.
    NoSuchModel,
    /// The model has been shut down.
    EndOfLife,
    /// The endpoint redirects, and redirects are never followed.
    Redirect,
    /// The endpoint does not know the path below the base URL.
    WrongPath {
        /// The base URL.
        base_url: String,
    },
    /// Any other refusal of the request, with its status and the vendor's code.
    Refused(String),
}

/// What an error means for the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Wait once, then fail over.
    Wait,
    /// Fail over at once.
    FailOver,
    /// Call the same model again with a less detailed schema, or without one.
    StepDown,
    /// Call the same model again without the parameter that it refuses.
    Adjust,
    /// Fail over and open the breaker.
    Quota,
    /// Fail over and raise an alarm; the breaker stays closed.
    Rejected,
    /// Fail over, open the breaker and raise an alarm.
    Configuration,
}

impl ModelError {
    /// What the error means for the chain.
    pub fn class(&self) -> Class {
        match self {
            Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Unreachable { .. }
            | Self::Unreadable { .. } => Class::Wait,
            Self::TimedOut => Class::FailOver,
            Self::OverQuota => Class::Quota,
            Self::SchemaRefused | Self::SchemaUnsupported => Class::StepDown,
            Self::ParameterRefused { .. } => Class::Adjust,
            Self::Rejected { .. } => Class::Rejected,
            Self::Configuration { .. } => Class::Configuration,
        }
    }

    /// A short stable name, used as an attempt's outcome, a log field and a metric dimension.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::Unreachable { .. } => "unreachable",
            Self::Unreadable { .. } => "unreadable",
            Self::TimedOut => "timed_out",
            Self::OverQuota => "over_quota",
            Self::SchemaRefused | Self::SchemaUnsupported => "schema_refused",
            Self::ParameterRefused { .. } => "parameter_refused",
            Self::Rejected { .. } => "rejected",
            Self::Configuration { fault } => fault.code(),
        }
    }
}

impl ConfigurationFault {
    /// A short stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoCredentials => "no_credentials",
            Self::BadCredentials => "bad_credentials",
            Self::WrongKey => "wrong_key",
            Self::AccessDenied => "access_denied",
            Self::QuotaSpent => "quota_spent",
            Self::NeedsProfile => "needs_profile",
            Self::NoSuchModel => "no_such_model",
            Self::EndOfLife => "end_of_life",
            Self::Redirect => "redirect",
            Self::WrongPath { .. } => "wrong_path",
            Self::Refused(_) => "refused",
        }
    }
}

impl fmt::Display for ConfigurationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCredentials => "no credentials were found",
            Self::BadCredentials => "the credentials are expired or not valid",
            Self::WrongKey => "the key is refused",
            Self::AccessDenied => "the account may not use the model",
            Self::QuotaSpent => "the account's quota or credit is spent",
            Self::NeedsProfile => "the model needs an inference profile",
            Self::NoSuchModel => "the model does not exist here",
            Self::EndOfLife => "the model has reached its end of life",
            Self::Redirect => "the endpoint redirects, and Portend does not follow redirects",
            Self::WrongPath { base_url } => {
                return write!(f, "the endpoint does not know the path below the base URL {base_url}");
            }
            Self::Refused(what) => return write!(f, "the request is refused ({what})"),
        })
    }
}

impl Help for ModelError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Throttled { .. } => "lower the concurrency, or ask the vendor for a higher rate limit",
            Self::Unavailable { .. } => "retry, and see the vendor's status page if it persists",
            Self::Unreachable { .. } => "check that the endpoint is running and that its address is correct",
            Self::Unreadable { .. } => "check that the address is that of the API",
            Self::TimedOut => "retry, or put a faster model first in the chain",
            Self::OverQuota => "ask the vendor for a higher quota, or put another model first in the chain",
            Self::SchemaRefused | Self::SchemaUnsupported => {
                "nothing to do: the next call leaves the schema to the prompt"
            }
            Self::ParameterRefused { .. } => "nothing to do: the next call leaves the parameter out",
            Self::Rejected { .. } => "see the vendor's policy, or put another model first in the chain",
            Self::Configuration { fault } => return Some(fault.help()),
        };
        Some(help.to_owned())
    }
}

impl ConfigurationFault {
    /// How to fix it.
    fn help(&self) -> String {
        let help = match self {
            Self::NoCredentials => "configure a role, a profile or a key for the program",
            Self::BadCredentials => "renew the credentials",
            Self::WrongKey => "configure a valid key",
            Self::AccessDenied => "allow the model in the role's policy, and enable it in the account",
            Self::QuotaSpent => "raise the quota or the credit at the vendor",
            Self::NeedsProfile => "put the geography in front of the model id, such as us. or eu.",
            Self::NoSuchModel => "check the model id and the region",
            Self::EndOfLife => "choose a newer model",
            Self::Redirect => "configure the address to which it redirects",
            Self::WrongPath { base_url } if base_url.ends_with("/v1") => {
                "configure the base URL of an OpenAI-compatible API"
            }
            Self::WrongPath { base_url } => return format!("set the base URL to {base_url}/v1"),
            Self::Refused(_) => "check the model's settings",
        };
        help.to_owned()
    }
}

impl fmt::Debug for Call<'_> {
    /// Omits the texts, because a prompt must not reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages, schema, output_tokens, .. } = self;
        write!(
            f,
            "Call {{ messages: {}, schema: {}, output_tokens: {output_tokens} }}",
            messages.len(),
            schema.is_some()
        )
    }
}
