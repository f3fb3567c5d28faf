//! The function's log: one line of JSON for each event, and for each alarm. A line reads alone and filters well.
//!
//! Never: writes a body, a message, a reply, an entity id, an alert key or a secret; a panic's text may hold any of these.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use portend_core::help::explained;
use portend_core::insight::AttemptRecord;
use portend_core::number::Number;
use portend_core::pipeline::{Account, Outcome, SweepReport};
use serde::Serialize;
use serde_with::skip_serializing_none;

/// The line of one event, or of a sweep.
#[skip_serializing_none]
#[derive(Debug, Serialize)]
pub(crate) struct EventLine<'a> {
    level: &'static str,
    request_id: &'a str,
    run: Option<&'a str>,
    alert_type: Option<&'a str>,
    status: &'a str,
    reason: Option<String>,
    model: Option<&'a str>,
    attempts: usize,
    ms: u64,
    input_tokens: u64,
    output_tokens: u64,
    cost_usd: Option<f64>,
    #[serde(flatten)]
    sweep: Option<SweepFields<'a>>,
}

/// What a sweep did.
#[derive(Debug, Serialize)]
struct SweepFields<'a> {
    #[serde(flatten)]
    report: &'a SweepReport,
    /// Items that were skipped because they cannot be read as insights.
    unreadable: usize,
}

impl<'a> EventLine<'a> {
    /// The line of an event, without what only an outcome or a failure knows.
    pub(crate) fn new(request_id: &'a str, alert_type: Option<&'a str>, account: &Account, ms: u64) -> Self {
        let attempts = &account.attempts;
        let tokens = |of: fn(&AttemptRecord) -> Option<u64>| attempts.iter().filter_map(of).sum();
        let costs: Vec<f64> =
            attempts.iter().filter_map(|attempt| attempt.cost_usd).map(Number::get).collect();
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
            sweep: None,
        }
    }

    /// The line of an event with this outcome.
    pub(crate) fn outcome(self, outcome: &'a Outcome) -> Self {
        let insight = outcome.insight();
        let reason = match outcome {
            Outcome::Parked(refusal) => Some(refusal.reason().to_string()),
            Outcome::Stored(_) | Outcome::Repeated(_) => None,
        };
        Self {
            status: outcome.status(),
            reason,
            run: insight.map(|insight| insight.run()).filter(|run| !run.is_empty()),
            model: insight.map(|insight| insight.model_used()),
            ..self
        }
    }

    /// The line of a sweep.
    pub(crate) fn sweep(self, report: &'a SweepReport, unreadable: usize) -> Self {
        Self { status: "swept", sweep: Some(SweepFields { report, unreadable }), ..self }
    }

    /// The line of an event that is handed back.
    pub(crate) fn handed_back(self, reason: &'a str) -> Self {
        Self { level: "error", status: "handed_back", reason: Some(reason.to_owned()), ..self }
    }

    /// Writes it.
    pub(crate) fn write(&self) {
        line(self);
    }
}

#[skip_serializing_none]
#[derive(Serialize)]
struct AlarmLine<'a> {
    level: &'static str,
    request_id: &'a str,
    reason: &'a str,
    model: Option<&'a str>,
    message: String,
}

/// A line for each alarm: a model that cannot work as it is configured, a bus that refuses.
pub(crate) fn alarms(request_id: &str, account: &Account) {
    for alarm in &account.alarms {
        let (reason, message) = (alarm.error.code(), explained(&alarm.error));
        line(&AlarmLine { level: "error", request_id, reason, model: Some(&alarm.model), message });
    }
    for error in &account.notify_errors {
        let (reason, message) = (error.code(), explained(error));
        line(&AlarmLine { level: "warn", request_id, reason, model: None, message });
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

/// From now on a panic writes where it was, and not its message.
pub(crate) fn hide_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        line(&Stopped { level: "error", reason: "panic", message: format!("a panic at {place}") });
    }));
}

/// The lines that wait to be written. The runtime has one thread, which a log that is not read would block.
static WAITING: OnceLock<SyncSender<Waiting>> = OnceLock::new();
/// The most lines that wait. Further lines are lost, and no event with them.
const WAITING_LINES_MAX: usize = 1024;

enum Waiting {
    Line(Vec<u8>),
    /// Somebody waits until the lines before this are written.
    Somebody(SyncSender<()>),
}

/// From now on lines are written beside the work. Without this they are written at once.
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
