//! The chain's private parts. `tests/core/chain` asks scripted models.

mod permits;
mod policy;

use std::time::Duration;

use super::{Attempt, AttemptOutcome};
use crate::limits::REJECTED_TEXT_BYTES_MAX;
use crate::model::{Completion, ConfigurationFault, FinishReason, ModelError, ModelSpec};

/// A model's data as tests have it.
fn spec(name: &str, takes_schema: bool) -> ModelSpec {
    ModelSpec {
        name: name.into(),
        model_id: format!("{name}-1"),
        label: name.into(),
        endpoint: "here".into(),
        takes_schema,
        output_tokens_max: 8000,
        price: None,
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
        input_tokens: None,
        output_tokens: None,
    };
    let spec = spec("a", false);
    let mut attempt = Attempt::new(&spec, false, Duration::ZERO);
    attempt.reply(completion, AttemptOutcome::Length);
    assert_eq!(attempt.text.unwrap().len(), REJECTED_TEXT_BYTES_MAX - 1);
}
