//! What `portend explain` prints: a card or a line of JSON for each event, progress, and a tally.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use portend_core::alert::Reason;
use portend_core::alert_type::AlertTypes;
use portend_core::help::explained;
use portend_core::insight::{Grade, StoredInsight};
use portend_core::pipeline::{Failure, Outcome};
use serde::Serialize;

use super::ProcessedEvent;
use crate::show::card::{CardContext, Shown, card};
use crate::show::output::{CommandOutcome, FAINT, RED, STRONG, YELLOW, json_line, note, paint};
use crate::show::text::{counted, shown, thousands};

/// What is printed as events are done.
pub(crate) struct EventReport<'a> {
    json: bool,
    evidence: bool,
    types: &'a AlertTypes,
    tally: Tally,
    bar: ProgressBar,
    unanswered: Unanswered,
    unreadable: bool,
}

/// New insights that the scorecard made although models were asked, and the outcomes of the models' last calls.
#[derive(Debug, Default)]
struct Unanswered {
    insights: u64,
    degraded: bool,
    outcomes: BTreeSet<String>,
}

impl Unanswered {
    fn note(&mut self, insight: &StoredInsight) {
        let Some(fields) = insight.current() else { return };
        let last = fields.attempts.last();
        if fields.grade == Grade::Scorecard && (last.is_some() || fields.degraded) {
            self.insights += 1;
            self.degraded |= fields.degraded;
            self.outcomes.extend(last.map(|attempt| format!("{}: {}", attempt.model, attempt.outcome)));
        }
    }
}

#[derive(Debug, Default)]
struct Tally {
    stored: u64,
    repeated: u64,
    parked: u64,
    failed: u64,
}

impl<'a> EventReport<'a> {
    /// A report that has counted nothing. `size` is that of all inputs, if it is known.
    pub(crate) fn new(json: bool, evidence: bool, types: &'a AlertTypes, size: Option<u64>) -> Self {
        // Only a terminal shows it, and only if the work takes long enough to be seen.
        let bar = match size {
            Some(size) => {
                ProgressBar::new(size).with_style(style("{bar:30} {percent}%  {msg}  {elapsed}, {eta} left"))
            }
            None => ProgressBar::no_length().with_style(style("{spinner} {msg}  {elapsed}")),
        };
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            json,
            evidence,
            types,
            tally: Tally::default(),
            bar,
            unanswered: Unanswered::default(),
            unreadable: false,
        }
    }

    /// The progress bar, which shares a terminal with the output.
    pub(crate) fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    /// Counts an event. Returns what is to be printed of it.
    pub(crate) fn event(&mut self, event: &ProcessedEvent) -> Result<Vec<u8>> {
        self.tally.count(&event.result);
        if let Ok(Outcome::Stored(insight)) = &event.result {
            self.unanswered.note(insight);
        }
        self.bar.set_position(event.read_bytes);
        self.bar.set_message(counted(self.tally.events(), "event"));
        if !self.json {
            return Ok(self.card(event).into_bytes());
        }
        let mut line = Vec::new();
        json_line(&mut line, &EventJson(event))?;
        Ok(line)
    }

    fn card(&self, event: &ProcessedEvent) -> String {
        let of_insight = |insight: &StoredInsight, shown| {
            let context = CardContext { shown, evidence: self.evidence };
            card(insight, self.types.get(insight.prediction_type()), context) + "\n"
        };
        match &event.result {
            Ok(Outcome::Stored(insight)) => of_insight(insight, Shown::New),
            Ok(Outcome::Repeated(insight)) => of_insight(insight, Shown::Repeat),
            Ok(Outcome::Parked(refusal)) => {
                let reason = refusal.reason().to_string();
                let next = if *refusal.reason() == Reason::TooLarge {
                    "portend parked lists it; only its beginning is stored, so it must be sent again"
                } else {
                    "portend parked lists it; portend parked replay runs it again"
                };
                let head = format!("{} {}", paint(YELLOW.bold(), "parked"), paint(STRONG, &shown(&reason)));
                let message = located(event, refusal.message());
                format!("{head}\n     {message}\n     {}\n\n", paint(FAINT, next))
            }
            Err(failure) => {
                let head = format!("{} {}", paint(RED.bold(), "failed"), paint(STRONG, failure.code()));
                let message = located(event, &explained(failure));
                format!("{head}\n     {message}\n     {}\n\n", paint(FAINT, "it is not stored; run it again"))
            }
        }
    }

    /// Reports that an input cannot be read any further.
    pub(crate) fn unreadable(&mut self, input: &str, error: &std::io::Error) {
        self.unreadable = true;
        let again = "what was read before is done; run the rest again";
        self.bar.suspend(|| {
            note(&format!(
                "{}: cannot read {} any further: {error}; {again}",
                paint(RED, "portend"),
                shown(input)
            ));
        });
    }

    /// Prints the tally.
    pub(crate) fn end(self, was_interrupted: bool) -> Result<CommandOutcome> {
        self.bar.finish_and_clear();
        let events = self.tally.events();
        let tally = self.tally.to_string();
        if self.unanswered.insights > 0 {
            let insights = counted(self.unanswered.insights, "insight");
            let why: Vec<_> = self.unanswered.outcomes.iter().map(|outcome| shown(outcome)).collect();
            let why = if why.is_empty() { "no model could be asked".to_owned() } else { why.join(", ") };
            let again = if self.unanswered.degraded { "; portend upgrade asks again" } else { "" };
            note(&format!("{insights} by the scorecard, because no model answered ({why}){again}"));
        }
        if was_interrupted {
            note(&format!("stopped; what was in work is finished: {tally}"));
            return Ok(CommandOutcome::Interrupted);
        }
        if events == 0 {
            note("there was no event in the input");
        } else if events > 1 && !self.json {
            anstream::stdout().write_all(format!("{tally}\n").as_bytes())?;
        } else if events > 1 && std::io::stderr().is_terminal() {
            note(&tally);
        }
        let complete = self.tally.parked + self.tally.failed == 0 && !self.unreadable;
        Ok(if complete { CommandOutcome::Done } else { CommandOutcome::Incomplete })
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The sentence, with the place of the event before it.
fn located(event: &ProcessedEvent, message: &str) -> String {
    shown(&format!("{}: {message}", event.place))
}

/// The event's line of JSON. A failure is `{"status": "failed", "reason", "message"}`.
struct EventJson<'a>(&'a ProcessedEvent);

impl Serialize for EventJson<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct WithoutInsight {
            status: &'static str,
            reason: String,
            message: String,
        }
        let ProcessedEvent { result, place, .. } = self.0;
        match result {
            Ok(outcome @ (Outcome::Stored(_) | Outcome::Repeated(_))) => outcome.serialize(serializer),
            Ok(Outcome::Parked(refusal)) => {
                let message = format!("{place}: {}", refusal.message());
                WithoutInsight { status: "parked", reason: refusal.reason().to_string(), message }
                    .serialize(serializer)
            }
            Err(failure) => {
                let message = format!("{place}: {}", explained(failure));
                WithoutInsight { status: "failed", reason: failure.code().to_owned(), message }
                    .serialize(serializer)
            }
        }
    }
}

impl Tally {
    fn count(&mut self, result: &Result<Outcome, Failure>) {
        *match result {
            Ok(Outcome::Stored(_)) => &mut self.stored,
            Ok(Outcome::Repeated(_)) => &mut self.repeated,
            Ok(Outcome::Parked(_)) => &mut self.parked,
            Err(_) => &mut self.failed,
        } += 1;
    }

    fn events(&self) -> u64 {
        self.stored + self.repeated + self.parked + self.failed
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { stored, repeated, parked, failed } = self;
        let counts = [(stored, "stored"), (repeated, "repeated"), (parked, "parked"), (failed, "failed")];
        let parts: Vec<_> =
            counts.iter().map(|(count, name)| format!("{} {name}", thousands(**count))).collect();
        write!(f, "{}: {}", counted(self.events(), "event"), parts.join(", "))
    }
}
