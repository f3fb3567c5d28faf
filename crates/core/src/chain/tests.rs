//! The chain's private parts. `tests/core/chain` asks scripted models.

mod permits;
mod policy;

use std::time::Duration;

use super::{Attempt, AttemptOutcome};
use crate::limits::{ATTEMPT_TIMEOUT, MODEL_CONCURRENCY, REJECTED_TEXT_BYTES_MAX};
use crate::model::{
    Completion, ConfigurationFault, FinishReason, ModelError, ModelSpec, SchemaForm, TokenUse,
};

/// A model's data as tests have it.
fn spec(name: &str, schema: SchemaForm) -> ModelSpec {
    ModelSpec {
        name: name.into(),
        model_id: format!("{name}-1"),
        label: name.into(),
        endpoint: "here".into(),
        schema,
        output_tokens_max: 8000,
        parameters: String::new(),
        price: None,
        timeout: ATTEMPT_TIMEOUT,
        concurrency: MODEL_CONCURRENCY,
    }
}

/// The failure of this name.
fn error(name: &str) -> ModelError {
    match name {
        "unavailable" => ModelError::Unavailable { what: "503".into() },
        "timed_out" => ModelError::TimedOut,
        "over_quota" => ModelError::OverQuota,
        "rejected" => ModelError::Rejected { what: "503".into() },
        "key" => ModelError::Configuration { fault: ConfigurationFault::WrongKey },
        other => panic!("no failure is called {other}"),
    }
}

#[test]
fn a_rejected_reply_is_remembered_up_to_a_bound_and_cut_between_characters() {
    let text = "é".repeat(REJECTED_TEXT_BYTES_MAX);
    let completion = Completion {
        text: format!("x{text}"),
        finish: FinishReason::Length,
        model_id: None,
        tokens: TokenUse::default(),
    };
    let spec = spec("a", SchemaForm::PromptOnly);
    let mut attempt = Attempt::new(&spec, SchemaForm::PromptOnly, Duration::ZERO);
    attempt.reply(completion, AttemptOutcome::Length);
    assert_eq!(attempt.text.unwrap().len(), REJECTED_TEXT_BYTES_MAX - 1);
}
