//! One call to a model, and its outcome.
//!
//! Never: reads a reply itself, or decides what comes next.

use std::time::Duration;

use crate::limits::REJECTED_TEXT_BYTES_MAX;
use crate::model::{
    Class, Completion, ConfigurationFault, FinishReason, ModelError, ModelSpec, SchemaForm, TokenUse,
};
use crate::time::Timestamp;

/// One call to a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt<'m> {
    /// The model that was asked.
    pub spec: &'m ModelSpec,
    /// The model id that answered, if the response says it.
    pub answered_by: Option<String>,
    /// How the reply's schema was sent.
    pub form: SchemaForm,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// The tokens of the call, as the response says.
    pub tokens: TokenUse,
    /// The text of a rejected reply, at most its first 8 KiB; absent if there was none.
    pub text: Option<String>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum AttemptOutcome {
    /// With an answer.
    Accepted,
    /// With a usable answer that states unsupported numbers.
    Unsupported {
        /// How many.
        count: usize,
        /// Which, as a re-ask quotes them.
        violations: String,
    },
    /// With a reply that cannot be used.
    Unusable {
        /// The reason's stable name.
        code: &'static str,
        /// What is wrong with it, as a re-ask quotes it.
        violations: String,
    },
    /// At the ceiling of output tokens.
    Length,
    /// Without any text.
    Empty,
    /// For a reason that this program does not know.
    UnknownFinish {
        /// The vendor's word for it.
        reason: String,
    },
    /// The model refused, or its vendor.
    Refusal,
    /// The deployment's own guardrail intervened.
    Guardrail,
    /// The native schema failed, which says nothing yet about a less detailed one or the prompt alone.
    SchemaRejected {
        /// What the model says about the schema, or that it took too long.
        error: ModelError,
    },
    /// The model refused a parameter, which the next call leaves out.
    ParameterRejected {
        /// The refusal.
        error: ModelError,
    },
    /// With a failure.
    Failed {
        /// The failure.
        error: ModelError,
        /// When the same model may be asked again, if waiting can help.
        again_at: Option<Timestamp>,
    },
}

/// What the caller thinks of a reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict<T> {
    /// It is an answer.
    Accepted(T),
    /// It is an answer, but it states unsupported numbers.
    Unsupported {
        /// The answer, which is used if there is no better one.
        answer: T,
        /// How many.
        count: usize,
        /// Which, for the model to read.
        violations: String,
    },
    /// It cannot be used.
    Unusable {
        /// The reason's stable name.
        code: &'static str,
        /// What is wrong with it, for the model to read.
        violations: String,
    },
}

impl AttemptOutcome {
    /// The outcome of a response, and its answer. Only a finished reply with text is judged: a reply that ended for
    /// another reason is not used, even if its text looks whole.
    pub(super) fn of_reply<T>(
        completion: &Completion,
        judge: &mut impl FnMut(&Completion) -> Verdict<T>,
    ) -> (Self, Option<T>) {
        let outcome = match &completion.finish {
            FinishReason::Guardrail => Self::Guardrail,
            FinishReason::Refusal => Self::Refusal,
            FinishReason::Length => Self::Length,
            FinishReason::Unknown(reason) => Self::UnknownFinish { reason: reason.clone() },
            FinishReason::End if completion.text.trim().is_empty() => Self::Empty,
            FinishReason::End => match judge(completion) {
                Verdict::Accepted(answer) => return (Self::Accepted, Some(answer)),
                Verdict::Unsupported { answer, count, violations } => {
                    return (Self::Unsupported { count, violations }, Some(answer));
                }
                Verdict::Unusable { code, violations } => Self::Unusable { code, violations },
            },
        };
        (outcome, None)
    }

    /// The outcome of a call without a response. `form`: how the schema was sent; `unproven`: natively, and that has
    /// never worked yet with this model; `again_at`: when the model may be asked again, if waiting helps.
    pub(super) fn of_error(error: ModelError, form: SchemaForm, unproven: bool, again_at: Timestamp) -> Self {
        match error.class() {
            Class::StepDown if form.is_native() => Self::SchemaRejected { error },
            Class::Adjust => Self::ParameterRejected { error },
            // The one failure of this class is a timeout, and a schema's first compilation can be the reason.
            Class::FailOver if unproven => Self::SchemaRejected { error },
            // No schema was sent, so there is nothing to step down from: the endpoint refuses the request itself.
            Class::StepDown => {
                let fault = ConfigurationFault::Refused("a schema is refused where none was sent".into());
                Self::Failed { error: ModelError::Configuration { fault }, again_at: None }
            }
            Class::Wait => Self::Failed { error, again_at: Some(again_at) },
            Class::FailOver | Class::Quota | Class::Rejected | Class::Configuration => {
                Self::Failed { error, again_at: None }
            }
        }
    }

    /// A short stable name: the attempt's outcome.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Unsupported { .. } => "unsupported",
            Self::Unusable { code, .. } => code,
            Self::Length => "length",
            Self::Empty => "empty",
            Self::UnknownFinish { .. } => "unknown_stop",
            Self::Refusal => "refusal",
            Self::Guardrail => "guardrail",
            Self::SchemaRejected { error }
            | Self::ParameterRejected { error }
            | Self::Failed { error, .. } => error.code(),
        }
    }

    /// The failure, if there was no response.
    pub fn error(&self) -> Option<&ModelError> {
        match self {
            Self::SchemaRejected { error }
            | Self::ParameterRejected { error }
            | Self::Failed { error, .. } => Some(error),
            Self::Accepted
            | Self::Unsupported { .. }
            | Self::Unusable { .. }
            | Self::Length
            | Self::Empty
            | Self::UnknownFinish { .. }
            | Self::Refusal
            | Self::Guardrail => None,
        }
    }

    /// What is wrong with a reply that can be corrected, as a re-ask quotes it.
    pub fn violations(&self) -> Option<&str> {
        match self {
            Self::Unsupported { violations, .. } | Self::Unusable { violations, .. } => Some(violations),
            Self::Accepted
            | Self::Length
            | Self::Empty
            | Self::UnknownFinish { .. }
            | Self::Refusal
            | Self::Guardrail
            | Self::SchemaRejected { .. }
            | Self::ParameterRejected { .. }
            | Self::Failed { .. } => None,
        }
    }

    /// Whether there was a finished reply that does not have the form of an answer. One that has the form and says
    /// nothing, such as a placeholder, shows that the model follows the schema.
    pub(super) fn is_useless(&self) -> bool {
        match self {
            Self::Unusable { code, .. } => {
                let says_nothing = ["repetitive", "count", "range", "scale"];
                !says_nothing.contains(code)
                    && !code.starts_with("blank:")
                    && !code.starts_with("placeholder:")
            }
            Self::Empty => true,
            Self::Accepted
            | Self::Unsupported { .. }
            | Self::Length
            | Self::UnknownFinish { .. }
            | Self::Refusal
            | Self::Guardrail
            | Self::SchemaRejected { .. }
            | Self::ParameterRejected { .. }
            | Self::Failed { .. } => false,
        }
    }

    /// Whether there is an answer, with or without unsupported numbers.
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Accepted | Self::Unsupported { .. })
    }
}

impl<'m> Attempt<'m> {
    /// An attempt without a response so far.
    pub(super) fn new(spec: &'m ModelSpec, form: SchemaForm, took: Duration) -> Self {
        Self {
            spec,
            answered_by: None,
            form,
            outcome: AttemptOutcome::Empty,
            ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            tokens: TokenUse::default(),
            text: None,
        }
    }

    /// Notes the response.
    pub(super) fn reply(&mut self, completion: Completion, outcome: AttemptOutcome) {
        let Completion { mut text, model_id, tokens, .. } = completion;
        text.truncate(text.floor_char_boundary(REJECTED_TEXT_BYTES_MAX));
        let refused = outcome != AttemptOutcome::Accepted && !text.trim().is_empty();
        self.text = refused.then_some(text);
        self.answered_by = model_id;
        self.tokens = tokens;
        self.outcome = outcome;
    }

    /// The model that answered, as the response says; otherwise the one that was asked.
    pub fn model_id(&self) -> &str {
        self.answered_by.as_deref().unwrap_or(&self.spec.model_id)
    }

    /// What the failure means for the chain, if it was one.
    pub fn class(&self) -> Option<Class> {
        self.outcome.error().map(ModelError::class)
    }

    /// The reply's text and its violations, if a re-ask can quote them.
    pub(super) fn to_correct(&self) -> Option<(&str, &str)> {
        Some((self.text.as_deref()?, self.outcome.violations()?))
    }
}
