//! The chain's private parts. `tests/core/chain` asks scripted models.

mod permits;
mod policy;

use crate::model::{ConfigurationFault, ModelError, ModelSpec};

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
