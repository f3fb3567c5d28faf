//! The function's log: one line of JSON for each event, and for each thing that a person must mend.
//!
//! Takes: what came of an event.
//! Gives: a line that reads alone and filters well, of the fields that are listed here.
//! Never: writes a body, a message, a reply, an entity id, an alert key or a secret; a panic's text may hold any of these.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

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
    #[serde(flatten)]
    swept: Option<SweptFields<'a>>,
}

/// What a sweep did.
#[derive(Debug, Serialize)]
struct SweptFields<'a> {
    #[serde(flatten)]
    swept: &'a Swept,
    /// Items that were left out, since they are no insights as they should be.
    unreadable: usize,
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
            swept: None,
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

    /// The line of a sweep.
    pub(crate) fn swept(self, swept: &'a Swept, unreadable: usize) -> Self {
        Self { status: "swept", swept: Some(SweptFields { swept, unreadable }), ..self }
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
    wait(Duration::from_secs(1));
}

/// From here on a panic writes where it was, and nothing of what it says.
pub(crate) fn hide_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        line(&Stopped { level: "error", reason: "panic", message: format!("a panic at {place}") });
    }));
}

/// The lines that wait to be written. The runtime has one thread, which a log that is not read would stop.
static WAITING: OnceLock<SyncSender<Waiting>> = OnceLock::new();
/// So many lines wait at most; what comes then is lost, and no event with it.
const WAITING_LINES_MAX: usize = 1024;

enum Waiting {
    Line(Vec<u8>),
    /// Somebody waits until the lines before this are written.
    Somebody(SyncSender<()>),
}

/// From here on lines are written beside the work. Without it they are written at once.
pub(crate) fn start() {
    let (sender, waiting) = sync_channel(WAITING_LINES_MAX);
    let write = move || {
        for each in waiting {
            match each {
                Waiting::Line(line) => drop(std::io::stdout().lock().write_all(&line)),
                Waiting::Somebody(somebody) => drop(somebody.send(())),
            }
        }
    };
    if std::thread::Builder::new().name("log".to_owned()).spawn(write).is_ok() {
        let _ = WAITING.set(sender);
    }
}

/// Waits until what was logged is written, but no longer than this. Between two invocations the function is frozen.
pub(crate) fn wait(time: Duration) {
    let (sender, written) = sync_channel(1);
    let asked = WAITING.get().is_some_and(|waiting| waiting.try_send(Waiting::Somebody(sender)).is_ok());
    if asked {
        let _ = written.recv_timeout(time);
    }
}

/// One line at once, so that no other line is written into it.
fn line(fields: &impl Serialize) {
    if let Ok(mut text) = serde_json::to_vec(fields) {
        text.push(b'\n');
        lines(text);
    }
}

/// Whole lines. A log that cannot be written loses them alone.
pub(crate) fn lines(text: Vec<u8>) {
    match WAITING.get() {
        Some(waiting) => drop(waiting.try_send(Waiting::Line(text))),
        None => drop(std::io::stdout().lock().write_all(&text)),
    }
}
