//! The function's log: one line of JSON for each event, and for each thing that a person must mend.
//!
//! Takes: what came of an event.
//! Gives: a line that reads alone and filters well, of the fields that are listed here.
//! Never: writes a body, a message, a reply, an entity id, an alert key or a secret; a panic's text may hold any of these.

use std::io::Write;

use portend_core::insight::StoredInsight;
use portend_core::pipeline::{Account, Outcome, Swept};
use serde::Serialize;

/// What came of one event.
#[derive(Debug, Serialize)]
pub(crate) struct Line<'a> {
    level: &'static str,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert_type: Option<&'a str>,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    attempts: usize,
    ms: u64,
    input_tokens: u64,
    output_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost_usd: Option<f64>,
}

impl<'a> Line<'a> {
    /// The line of an event, without what only an outcome or a failure knows.
    pub(crate) fn new(request_id: &'a str, alert_type: Option<&'a str>, account: &Account, ms: u64) -> Self {
        let attempts = &account.attempts;
        let tokens =
            |of: fn(&portend_core::insight::Attempt) -> Option<u64>| attempts.iter().filter_map(of).sum();
        let costs: Vec<f64> = attempts
            .iter()
            .filter_map(|attempt| attempt.cost_usd)
            .map(portend_core::number::Number::get)
            .collect();
        Self {
            level: "info",
            request_id,
            run: None,
            alert_type,
            status: "",
            reason: None,
            model: None,
            attempts: attempts.len(),
            ms,
            input_tokens: tokens(|attempt| attempt.input_tokens),
            output_tokens: tokens(|attempt| attempt.output_tokens),
            cost_usd: (!costs.is_empty()).then(|| costs.iter().sum()),
        }
    }

    /// The line of an event that ended so.
    pub(crate) fn ended(self, outcome: &'a Outcome, reason: Option<&'a str>) -> Self {
        let insight = outcome.insight().map(|insight: &StoredInsight| &**insight);
        Self {
            status: outcome.status(),
            reason,
            run: insight.and_then(|insight| insight.run.as_deref()),
            model: insight.map(|insight| insight.model_used.as_str()),
            ..self
        }
    }

    /// The line of an event that is handed back.
    pub(crate) fn handed_back(self, reason: &'a str) -> Self {
        Self { level: "error", status: "handed_back", reason: Some(reason), ..self }
    }

    /// Writes it.
    pub(crate) fn write(&self) {
        line(self);
    }
}

#[derive(Serialize)]
struct SweepLine<'a> {
    level: &'static str,
    request_id: &'a str,
    status: &'static str,
    #[serde(flatten)]
    swept: &'a Swept,
    attempts: usize,
}

/// The line of a sweep.
pub(crate) fn swept(request_id: &str, swept: &Swept, account: &Account) {
    line(&SweepLine { level: "info", request_id, status: "swept", swept, attempts: account.attempts.len() });
}

#[derive(Serialize)]
struct Mend<'a> {
    level: &'static str,
    request_id: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    message: String,
}

/// A line for each thing that a person must mend: a model that cannot work as it is configured, a bus that refuses.
pub(crate) fn mends(request_id: &str, account: &Account) {
    for alarm in &account.alarms {
        let (reason, message) = (alarm.error.code(), alarm.error.to_string());
        line(&Mend { level: "error", request_id, reason, model: Some(&alarm.model), message });
    }
    for error in &account.untold {
        line(&Mend {
            level: "warn",
            request_id,
            reason: error.code(),
            model: None,
            message: error.to_string(),
        });
    }
}

#[derive(Serialize)]
struct Stopped {
    level: &'static str,
    reason: &'static str,
    message: String,
}

/// The line of a function that cannot start, or can run no more.
pub(crate) fn stopped(error: &anyhow::Error) {
    line(&Stopped { level: "error", reason: "stopped", message: format!("{error:#}") });
}

/// From here on a panic writes where it was, and nothing of what it says.
pub(crate) fn hide_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        line(&Stopped { level: "error", reason: "panic", message: format!("a panic at {place}") });
    }));
}

/// One line at once, so that no other line is written into it. A log that cannot be written loses the line alone.
fn line(fields: &impl Serialize) {
    if let Ok(mut text) = serde_json::to_vec(fields) {
        text.push(b'\n');
        let _ = std::io::stdout().lock().write_all(&text);
    }
}
