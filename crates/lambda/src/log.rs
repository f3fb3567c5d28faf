//! The function's log: one line of JSON for each event and each alarm. A line can be understood without the others.
//!
//! Never: logs a body, a message, a reply, an entity id, an alert key, a secret, or a panic's text, which may contain
//! any of these.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use portend_core::help::explained;
use portend_core::insight::{AttemptRecord, StoredInsight};
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
    /// Earlier answers that were used instead of a model call; absent if none was.
    reused: Option<usize>,
    #[serde(flatten)]
    sweep: Option<SweepFields<'a>>,
}

/// The fields of a sweep.
#[derive(Debug, Serialize)]
struct SweepFields<'a> {
    #[serde(flatten)]
    report: &'a SweepReport,
    /// Items that were skipped because they cannot be read as insights.
    unreadable: usize,
}

impl<'a> EventLine<'a> {
    /// A line with the fields that do not depend on the outcome.
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
            reused: Some(account.reused.len()).filter(|reused| *reused > 0),
            sweep: None,
        }
    }

    /// Adds the outcome of an event.
    pub(crate) fn outcome(self, outcome: &'a Outcome) -> Self {
        let insight = outcome.insight();
        let reason = match outcome {
            Outcome::Parked(refusal) => Some(refusal.reason().to_string()),
            Outcome::Stored(_) | Outcome::Repeated(_) | Outcome::Recorded(_) => None,
        };
        Self {
            status: outcome.status(),
            reason,
            run: insight.map(StoredInsight::run).filter(|run| !run.is_empty()),
            model: insight.map(StoredInsight::model_used),
            ..self
        }
    }

    /// Adds the report of a sweep.
    pub(crate) fn sweep(self, report: &'a SweepReport, unreadable: usize) -> Self {
        Self { status: "swept", sweep: Some(SweepFields { report, unreadable }), ..self }
    }

    /// Adds the reason why the event must be delivered again.
    pub(crate) fn handed_back(self, reason: &'a str) -> Self {
        Self { level: "error", status: "handed_back", reason: Some(reason.to_owned()), ..self }
    }

    /// Writes the line.
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

/// Writes a line for each model that cannot work as configured, and for each notification that failed.
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
struct StopLine {
    level: &'static str,
    reason: &'static str,
    message: String,
}

/// Writes why the function cannot start or continue.
pub(crate) fn stopped(error: &anyhow::Error) {
    line(&StopLine { level: "error", reason: "stopped", message: format!("{error:#}") });
    wait(Duration::from_secs(1));
}

/// Writes that a model's life ends soon.
pub(crate) fn end_of_life(request_id: &str, model: &str, message: &str) {
    let message = message.to_owned();
    line(&AlarmLine { level: "warn", request_id, reason: "end_of_life", model: Some(model), message });
}

/// Writes why a sweep did not write every evaluation row. The next sweep writes them.
pub(crate) fn evaluations(request_id: &str, code: &'static str) {
    line(&AlarmLine {
        level: "warn",
        request_id,
        reason: "evaluation_rows",
        model: None,
        message: code.to_owned(),
    });
}

/// Makes every panic log its location in place of its message.
pub(crate) fn hide_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        line(&StopLine { level: "error", reason: "panic", message: format!("a panic at {place}") });
    }));
}

/// The queue of the log's thread. The runtime has only one thread, and a log that is not read would block it.
static QUEUE: OnceLock<SyncSender<QueueItem>> = OnceLock::new();
/// The most lines in the queue. Further lines are lost; events are not.
const QUEUE_LINES_MAX: usize = 1024;

enum QueueItem {
    Line(Vec<u8>),
    /// A request for a signal when the lines before it are written.
    Flush(SyncSender<()>),
}

/// Starts a thread that writes the lines. Without it, each line is written at once.
pub(crate) fn start() {
    let (sender, queue) = sync_channel(QUEUE_LINES_MAX);
    let write = move || {
        for item in queue {
            match item {
                QueueItem::Line(line) => drop(std::io::stdout().lock().write_all(&line)),
                QueueItem::Flush(done) => drop(done.send(())),
            }
        }
    };
    if std::thread::Builder::new().name("log".to_owned()).spawn(write).is_ok() {
        let _ = QUEUE.set(sender);
    }
}

/// Waits until the lines before are written, but at most this long. AWS freezes the function between invocations.
pub(crate) fn wait(time: Duration) {
    let (sender, written) = sync_channel(1);
    let is_queued = QUEUE.get().is_some_and(|queue| queue.try_send(QueueItem::Flush(sender)).is_ok());
    if is_queued {
        let _ = written.recv_timeout(time);
    }
}

/// Writes a line as one piece, so that lines do not mix.
fn line(fields: &impl Serialize) {
    if let Ok(mut text) = serde_json::to_vec(fields) {
        text.push(b'\n');
        lines(text);
    }
}

/// Writes complete lines. If the log cannot be written, only lines are lost.
pub(crate) fn lines(text: Vec<u8>) {
    match QUEUE.get() {
        Some(queue) => drop(queue.try_send(QueueItem::Line(text))),
        None => drop(std::io::stdout().lock().write_all(&text)),
    }
}
