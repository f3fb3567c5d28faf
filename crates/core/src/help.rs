//! How an error says what to do: one sentence for what is wrong, its causes, and the fix.

use std::error::Error;

/// An error that knows how it is fixed.
pub trait Help: Error {
    /// What to do about it, as an instruction without a full stop. `None` if the error or its cause says it already.
    fn help(&self) -> Option<String>;
}

/// The error, its causes and the fix, as one line: `the store is busy: database is locked; try again in a moment`.
pub fn explained(error: &impl Help) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    if let Some(help) = error.help() {
        line.push_str("; ");
        line.push_str(&help);
    }
    line
}
