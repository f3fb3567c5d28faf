//! The seam to language models: what is asked, what comes back, and what a failure means.
//!
//! Takes: a [`Call`], by an adapter that implements [`Model`].
//! Gives: a [`Completion`], or a [`ModelError`] whose [`Class`] says what to do next.
//! Never: carries a key, a request or a body in an error; a vendor's error text can hold part of a key.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::help::Help;
use crate::number::Number;

/// A language model that can be asked.
pub trait Model: Send + Sync {
    /// What is known of it.
    fn spec(&self) -> &ModelSpec;

    /// Asks it once. Nothing is tried again here. Dropping the future cancels the call.
    fn ask(&self, call: &Call<'_>) -> impl Future<Output = Result<Completion, ModelError>> + Send;
}

/// The model of a program that has none.
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

/// What is known of a model: from `models.toml` and the settings.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelSpec {
    /// Its name in the chain: `bedrock`, `openai`, or of `[models.NAME]`.
    pub name: String,
    /// The vendor's id, or the inference profile's.
    pub model_id: String,
    /// What `model_used` says of it: `bedrock-claude-haiku-4.5`.
    pub label: String,
    /// The endpoint, as remembered capabilities know it: a region or a base URL.
    pub endpoint: String,
    /// Whether it takes a JSON schema natively, as far as is known; what it refuses is remembered.
    pub takes_schema: bool,
    /// The most output tokens that may be asked for.
    pub output_tokens_max: u32,
    /// What it costs, if that is known.
    pub price: Option<Price>,
}

/// US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Of the input.
    pub input: Number,
    /// Of the output.
    pub output: Number,
}

impl Price {
    /// What so many tokens cost, in US dollars, to a millionth of one.
    pub fn of(&self, input_tokens: u64, output_tokens: u64) -> Option<Number> {
        #[expect(clippy::cast_precision_loss, reason = "no bill is that large")]
        let millionths = self.input.get() * input_tokens as f64 + self.output.get() * output_tokens as f64;
        Number::new(millionths.round() / 1e6)
    }
}

/// One question to a model.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Role, rules, dictionary and scale.
    pub system: &'a str,
    /// The facts, as one JSON object; a re-ask has more messages.
    pub messages: &'a [Message],
    /// The reply's JSON schema, natively; `None`: by the prompt alone.
    pub schema: Option<&'a serde_json::Value>,
    /// The ceiling of output tokens.
    pub output_tokens: u32,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whose it is.
    pub role: Role,
    /// Its text.
    pub text: String,
}

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Portend.
    User,
    /// The model, in an earlier reply.
    Assistant,
}

/// What a model answered. The text is not checked yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The text blocks, joined by a newline. Empty if there was none.
    pub text: String,
    /// Why it ended.
    pub finish: FinishReason,
    /// The model that answered, as the response says; absent if it does not.
    pub model_id: Option<String>,
    /// Tokens of the request, as the response says.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, as the response says.
    pub output_tokens: Option<u64>,
}

/// Why a completion ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FinishReason {
    /// It was finished.
    End,
    /// The ceiling of tokens was reached, even if the text looks whole.
    Length,
    /// The model, or the vendor's filter, refused.
    Refusal,
    /// A guardrail of the deployment's own intervened.
    Guardrail,
    /// A reason that this program does not know.
    Unknown(String),
}

/// Why a model gave no completion.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// Too many requests or tokens. Nobody's fault; it passes.
    #[error("it is throttling")]
    Throttled {
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// A failure of the vendor's, such as 500, 503 or a model error. It may pass.
    #[error("it failed with {what}")]
    Unavailable {
        /// The status, or the error's type.
        what: String,
    },
    /// No connection: refused, reset, TLS, DNS. The network or the endpoint is at fault.
    #[error("it cannot be reached ({what})")]
    Unreachable {
        /// What went wrong.
        what: String,
    },
    /// A response that is cut off, too large, not UTF-8 or not JSON. The endpoint is at fault.
    #[error("its response is unreadable ({what})")]
    Unreadable {
        /// What is wrong with it.
        what: String,
    },
    /// No response in time: the vendor's time, or this attempt's.
    #[error("it took too long")]
    TimedOut,
    /// The account's quota for this model is used up for now.
    #[error("the account's quota for it is used up")]
    OverQuota,
    /// It refuses the native schema. The prompt alone may do.
    #[error("it refuses the reply's schema")]
    SchemaRefused,
    /// The request is too long for it, or against the vendor's content policy.
    #[error("it refuses this request ({what})")]
    Rejected {
        /// The vendor's code.
        what: String,
    },
    /// It cannot work as it is configured. The operator is at fault, and hears of it every time.
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
    /// The account has no money or no quota left.
    QuotaSpent,
    /// The bare model id is given where an inference profile is needed.
    NeedsProfile,
    /// No such model, or not in this region or account.
    NoSuchModel,
    /// The model has been shut down.
    EndOfLife,
    /// The endpoint answers with a redirect, which is never followed.
    Redirect,
    /// Any other refusal of the request, by its status and the vendor's code.
    Refused(String),
}

/// What a failure means for the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Wait once, then fail over.
    Wait,
    /// Fail over at once.
    FailOver,
    /// Ask the same model again without the native schema.
    StepDown,
    /// Fail over and open the breaker.
    Quota,
    /// Fail over and raise an alarm; the breaker stays closed.
    Rejected,
    /// Fail over, open the breaker and raise an alarm.
    Configuration,
}

impl ModelError {
    /// What the failure means for the chain.
    pub fn class(&self) -> Class {
        match self {
            Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Unreachable { .. }
            | Self::Unreadable { .. } => Class::Wait,
            Self::TimedOut => Class::FailOver,
            Self::OverQuota => Class::Quota,
            Self::SchemaRefused => Class::StepDown,
            Self::Rejected { .. } => Class::Rejected,
            Self::Configuration { .. } => Class::Configuration,
        }
    }

    /// A short stable name: an attempt's outcome, a log field, the dimension of a metric.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::Unreachable { .. } => "unreachable",
            Self::Unreadable { .. } => "unreadable",
            Self::TimedOut => "timed_out",
            Self::OverQuota => "over_quota",
            Self::SchemaRefused => "schema_refused",
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
            Self::Redirect => "the endpoint redirects, which is never followed",
            Self::Refused(what) => return write!(f, "the request is refused ({what})"),
        })
    }
}

impl Help for ModelError {
    fn help(&self) -> Option<String> {
        let help = match self {
            Self::Throttled { .. } => "ask less at once, or ask the vendor for more",
            Self::Unavailable { .. } => "try again, and see the vendor's status page if it persists",
            Self::Unreachable { .. } => "check that the endpoint runs and that its address is right",
            Self::Unreadable { .. } => "check that its address is that of the API",
            Self::TimedOut => "try again, or put a faster model first",
            Self::OverQuota => "ask the vendor for more, or put another model first",
            Self::SchemaRefused => "it is asked by the prompt alone",
            Self::Rejected { .. } => "see the vendor's policy, or put another model first",
            Self::Configuration { fault } => return Some(fault.help().to_owned()),
        };
        Some(help.to_owned())
    }
}

impl ConfigurationFault {
    /// What to do about it.
    fn help(&self) -> &'static str {
        match self {
            Self::NoCredentials => "give the program a role, a profile or a key",
            Self::BadCredentials => "renew them",
            Self::WrongKey => "give the right one",
            Self::AccessDenied => "allow it in the role's policy, and enable the model",
            Self::QuotaSpent => "raise it at the vendor",
            Self::NeedsProfile => "give its id with the geography in front, such as us. or eu.",
            Self::NoSuchModel => "check the model id and the region",
            Self::EndOfLife => "choose a newer one",
            Self::Redirect => "give its final address",
            Self::Refused(_) => "check the model's settings",
        }
    }
}

impl fmt::Debug for Call<'_> {
    /// Without texts: a prompt is nobody's to log.
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
