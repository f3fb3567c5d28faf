//! The parameters of a request that a model may refuse, and which of them are not sent for now because it did.
//!
//! Never: sends a parameter again within a day after the endpoint has refused it for this model.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use portend_core::model::ModelError;
use tokio::time::Instant;

use crate::limits::PARAMETER_REFUSAL_RETENTION;

/// A parameter that a request can do without, or that has a second name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Parameter {
    /// `temperature`.
    Temperature,
    /// `reasoning_effort`, or `reasoning.effort`.
    Effort,
    /// `max_tokens`, whose second name is `max_completion_tokens`.
    TokenLimit,
}

impl Parameter {
    const ALL: [Self; 3] = [Self::Temperature, Self::Effort, Self::TokenLimit];

    /// The name in errors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::Effort => "reasoning_effort",
            Self::TokenLimit => "max_tokens",
        }
    }

    /// The first parameter of `sent` that an error's text, in lower case, blames.
    pub(crate) fn blamed(text: &str, sent: &[Self]) -> Option<Self> {
        // A limit that is too high for the model is not refused by name.
        let is_too_high =
            ["too large", "less than", "at most", "exceed"].iter().any(|part| text.contains(part));
        Self::ALL.into_iter().filter(|parameter| sent.contains(parameter)).find(|parameter| match parameter {
            Self::Temperature => text.contains("temperature"),
            Self::Effort => {
                ["reasoning_effort", "reasoning.effort", "'reasoning'"].iter().any(|name| text.contains(name))
            }
            Self::TokenLimit => {
                !is_too_high && ["max_tokens", "max_completion_tokens"].iter().any(|name| text.contains(name))
            }
        })
    }
}

/// The parameters that an endpoint has refused for one model.
#[derive(Debug, Default)]
pub(crate) struct RefusedParameters(Mutex<HashMap<Parameter, Instant>>);

impl RefusedParameters {
    /// Those that must not be sent now.
    pub(crate) fn now(&self) -> Vec<Parameter> {
        let refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Instant| at.elapsed() < PARAMETER_REFUSAL_RETENTION;
        refused.iter().filter(|(_, at)| is_recent(at)).map(|(parameter, _)| *parameter).collect()
    }

    /// Remembers a refusal, if the result is one.
    pub(crate) fn learn<T>(&self, result: &Result<T, ModelError>) {
        let Err(ModelError::ParameterRefused { parameter }) = result else { return };
        let Some(refused) = Parameter::ALL.into_iter().find(|each| each.name() == *parameter) else { return };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(refused, Instant::now());
    }
}

/// What a request contained that its error may be about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent<'a> {
    /// Whether it contained a schema.
    pub(crate) schema: bool,
    /// Its parameters, without those under their second name.
    pub(crate) parameters: &'a [Parameter],
    /// The base URL of the endpoint.
    pub(crate) base_url: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_blames_a_parameter_that_was_sent() {
        for (text, expected) in [
            (
                "unsupported value: 'temperature' does not support 0 with this model.",
                Some(Parameter::Temperature),
            ),
            ("`temperature` is deprecated for this model.", Some(Parameter::Temperature)),
            (
                "unsupported parameter: 'max_tokens' is not supported with this model. use 'max_completion_tokens' instead.",
                Some(Parameter::TokenLimit),
            ),
            ("extra inputs are not permitted: max_completion_tokens", Some(Parameter::TokenLimit)),
            ("max_tokens is too large: 3000. this model supports at most 2048 completion tokens", None),
            ("unrecognized request argument supplied: reasoning_effort", Some(Parameter::Effort)),
            ("unsupported parameter: reasoning.effort", Some(Parameter::Effort)),
            ("bad request", None),
        ] {
            assert_eq!(Parameter::blamed(text, &Parameter::ALL), expected, "{text}");
            assert_eq!(Parameter::blamed(text, &[]), None, "{text}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_remembered_for_a_day() {
        let refused = RefusedParameters::default();
        refused.learn::<()>(&Err(ModelError::TimedOut));
        assert_eq!(refused.now(), []);
        refused.learn::<()>(&Err(ModelError::ParameterRefused { parameter: "temperature" }));
        assert_eq!(refused.now(), [Parameter::Temperature]);
        tokio::time::advance(PARAMETER_REFUSAL_RETENTION).await;
        assert_eq!(refused.now(), []);
    }
}
