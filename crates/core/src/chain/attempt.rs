//! One call to a model, and how it ended.
//!
//! Takes: a [`Completion`] and the caller's [`Verdict`] on it, or a [`ModelError`].
//! Gives: an [`Attempt`] with its [`Ending`].
//! Never: reads a reply itself, or decides what comes next.

use std::time::Duration;

use crate::limits::REFUSED_TEXT_BYTES_MAX;
use crate::model::{Class, Completion, Fault, ModelError, ModelSpec, Stop};
use crate::time::Timestamp;

/// One call to a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The model's place in the chain, from 0.
    pub place: usize,
    /// Its name in the chain.
    pub model: String,
    /// The model id that was asked.
    pub model_id: String,
    /// The model id that answered, if the response says it.
    pub answered_by: Option<String>,
    /// Whether the reply's schema was sent natively.
    pub native: bool,
    /// How it ended.
    pub ending: Ending,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// Tokens of the request, as the response says.
    pub input_tokens: Option<u64>,
    /// Tokens of the answer, as the response says.
    pub output_tokens: Option<u64>,
    /// The text of a reply that is not the answer, at most its first 8 KiB; absent if there was none.
    pub text: Option<String>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// With an answer.
    Accepted,
    /// With a usable answer that states numbers which nothing supports.
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
    UnknownStop {
        /// The vendor's word for it.
        reason: String,
    },
    /// With the model's refusal, or its vendor's.
    Refusal,
    /// With the intervention of the deployment's own guardrail.
    Guardrail,
    /// In the native schema's failure, which says nothing yet of the prompt alone.
    SteppedDown {
        /// What the model said of the schema, or that it took too long over it.
        error: ModelError,
    },
    /// In a failure.
    Failed {
        /// The failure.
        error: ModelError,
        /// When the same model may be asked again, if waiting can help.
        again_at: Option<Timestamp>,
    },
}

/// What a reply is worth, as the caller judges it.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict<T> {
    /// It is an answer.
    Accepted(T),
    /// It is an answer, but states numbers which nothing supports.
    Unsupported {
        /// The answer, which is kept if there is no better one.
        answer: T,
        /// How many.
        count: usize,
        /// Which, for the model to read.
        violations: String,
    },
    /// It is no answer.
    Unusable {
        /// The reason's stable name.
        code: &'static str,
        /// What is wrong with it, for the model to read.
        violations: String,
    },
}

impl Ending {
    /// How a response ended, and its answer. Only a finished reply with text is judged: a reply that ended
    /// for another reason is not used, even if its text looks whole.
    pub(super) fn of_reply<T>(
        completion: &Completion,
        judge: &mut impl FnMut(&Completion) -> Verdict<T>,
    ) -> (Self, Option<T>) {
        let ending = match &completion.stop {
            Stop::Guardrail => Self::Guardrail,
            Stop::Refusal => Self::Refusal,
            Stop::Length => Self::Length,
            Stop::Unknown(reason) => Self::UnknownStop { reason: reason.clone() },
            Stop::End if completion.text.trim().is_empty() => Self::Empty,
            Stop::End => match judge(completion) {
                Verdict::Accepted(answer) => return (Self::Accepted, Some(answer)),
                Verdict::Unsupported { answer, count, violations } => {
                    return (Self::Unsupported { count, violations }, Some(answer));
                }
                Verdict::Unusable { code, violations } => Self::Unusable { code, violations },
            },
        };
        (ending, None)
    }

    /// How a call without a response ended. `native`: the schema was sent natively; `unproven`: so it was,
    /// and that has never worked yet with this model; `again_at`: when it may be asked again, if waiting
    /// helps.
    pub(super) fn of_error(error: ModelError, native: bool, unproven: bool, again_at: Timestamp) -> Self {
        match error.class() {
            Class::StepDown if native => Self::SteppedDown { error },
            // The one failure of this class is a time-out, and a schema's first compilation can be the
            // reason.
            Class::FailOver if unproven => Self::SteppedDown { error },
            // No schema was sent, so there is nothing to step down from: the endpoint refuses the request as
            // such.
            Class::StepDown => {
                let fault = Fault::Refused("a schema is refused where none was sent".into());
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
            Self::UnknownStop { .. } => "unknown_stop",
            Self::Refusal => "refusal",
            Self::Guardrail => "guardrail",
            Self::SteppedDown { error } | Self::Failed { error, .. } => error.code(),
        }
    }

    /// The failure, if there was no response to use.
    pub fn error(&self) -> Option<&ModelError> {
        match self {
            Self::SteppedDown { error } | Self::Failed { error, .. } => Some(error),
            Self::Accepted
            | Self::Unsupported { .. }
            | Self::Unusable { .. }
            | Self::Length
            | Self::Empty
            | Self::UnknownStop { .. }
            | Self::Refusal
            | Self::Guardrail => None,
        }
    }

    /// What is wrong with a reply, as a re-ask quotes it, if one came that can be corrected.
    pub fn violations(&self) -> Option<&str> {
        match self {
            Self::Unsupported { violations, .. } | Self::Unusable { violations, .. } => Some(violations),
            Self::Accepted
            | Self::Length
            | Self::Empty
            | Self::UnknownStop { .. }
            | Self::Refusal
            | Self::Guardrail
            | Self::SteppedDown { .. }
            | Self::Failed { .. } => None,
        }
    }

    /// Whether there is an answer, good or less good.
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Accepted | Self::Unsupported { .. })
    }
}

impl Attempt {
    /// An attempt without a response so far.
    pub(super) fn new(place: usize, spec: &ModelSpec, native: bool, took: Duration) -> Self {
        Self {
            place,
            model: spec.name.clone(),
            model_id: spec.model_id.clone(),
            answered_by: None,
            native,
            ending: Ending::Empty,
            ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
            input_tokens: None,
            output_tokens: None,
            text: None,
        }
    }

    /// Notes the response.
    pub(super) fn reply(&mut self, completion: Completion, ending: Ending) {
        let Completion { mut text, model_id, input_tokens, output_tokens, .. } = completion;
        text.truncate(text.floor_char_boundary(REFUSED_TEXT_BYTES_MAX));
        let refused = ending != Ending::Accepted && !text.trim().is_empty();
        self.text = refused.then_some(text);
        self.answered_by = model_id;
        self.input_tokens = input_tokens;
        self.output_tokens = output_tokens;
        self.ending = ending;
    }

    /// What the failure means for the chain, if it was one.
    pub fn class(&self) -> Option<Class> {
        self.ending.error().map(ModelError::class)
    }

    /// The reply's text and its violations, if a re-ask can quote them.
    pub(super) fn to_correct(&self) -> Option<(&str, &str)> {
        Some((self.text.as_deref()?, self.ending.violations()?))
    }
}
