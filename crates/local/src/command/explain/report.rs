//! The output of `portend explain`: a card or a line of JSON for each event, the progress, and a tally.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use portend_core::alert::Reason;
use portend_core::alert_type::AlertTypes;
use portend_core::help::explained;
use portend_core::insight::{Grade, StoredInsight};
use portend_core::outcome::OutcomeRow;
use portend_core::pipeline::{Failure, Outcome};
use serde::Serialize;

use super::ProcessedEvent;
use crate::show::card::{CardContext, CardKind, card};
use crate::show::output::{CommandOutcome, FAINT, RED, STRONG, YELLOW, json_line, note, paint};
use crate::show::text::{counted, shown, thousands};

/// Formats each finished event, and counts the outcomes.
pub(crate) struct EventReport<'a> {
    json: bool,
    evidence: bool,
    types: &'a AlertTypes,
    tally: Tally,
    bar: ProgressBar,
    fallbacks: Fallbacks,
    unreadable: bool,
}

/// The new insights that the scorecard made because no model answered, and the outcomes of the models' last calls.
#[derive(Debug, Default)]
struct Fallbacks {
    insights: u64,
    degraded: bool,
    outcomes: BTreeSet<String>,
}

impl Fallbacks {
    fn count(&mut self, insight: &StoredInsight) {
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
    /// Events that are not alerts, and say what happened.
    recorded: u64,
}

impl<'a> EventReport<'a> {
    /// An empty report. `size` is the size of all inputs in bytes, if it is known.
    pub(crate) fn new(json: bool, evidence: bool, types: &'a AlertTypes, size: Option<u64>) -> Self {
        // The bar is shown only on a terminal, and only if the run takes long enough.
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
            fallbacks: Fallbacks::default(),
            unreadable: false,
        }
    }

    /// The progress bar, which shares the terminal with the output.
    pub(crate) fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    /// Counts an event, and returns its output.
    pub(crate) fn event(&mut self, event: &ProcessedEvent) -> Result<Vec<u8>> {
        self.tally.count(&event.result);
        if let Ok(Outcome::Stored(insight)) = &event.result {
            self.fallbacks.count(insight);
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
        let of_insight = |insight: &StoredInsight, kind| {
            let context = CardContext { kind, evidence: self.evidence, missing_probability: None };
            card(insight, self.types.get(insight.prediction_type()), context) + "\n"
        };
        match &event.result {
            Ok(Outcome::Stored(insight)) => of_insight(insight, CardKind::New),
            Ok(Outcome::Repeated(insight)) => of_insight(insight, CardKind::Repeat),
            Ok(Outcome::Parked(refusal)) => {
                let reason = refusal.reason().to_string();
                let next = next_step(refusal.reason());
                let head = format!("{} {}", paint(YELLOW.bold(), "parked"), paint(STRONG, &shown(&reason)));
                let message = located(event, refusal.message());
                format!("{head}\n     {message}\n     {}\n\n", paint(FAINT, next))
            }
            Ok(Outcome::Recorded(OutcomeRow { entity_type, entity_id, .. })) => {
                let whom = shown(entity_id.as_deref().unwrap_or_default());
                format!("{} what happened to {} {whom}\n\n", paint(STRONG, "recorded"), shown(entity_type))
            }
            Err(failure) => {
                let head = format!("{} {}", paint(RED.bold(), "failed"), paint(STRONG, failure.code()));
                let message = located(event, &explained(failure));
                format!(
                    "{head}\n     {message}\n     {}\n\n",
                    paint(FAINT, "the event is not stored; run it again")
                )
            }
        }
    }

    /// Reports that an input cannot be read any further.
    pub(crate) fn unreadable(&mut self, input: &str, error: &std::io::Error) {
        self.unreadable = true;
        let again = "the events before are processed; run the rest again";
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
        if self.fallbacks.insights > 0 {
            let insights = counted(self.fallbacks.insights, "insight");
            let why: Vec<_> = self.fallbacks.outcomes.iter().map(|outcome| shown(outcome)).collect();
            let why = if why.is_empty() { "no model could be called".to_owned() } else { why.join(", ") };
            let again = if self.fallbacks.degraded { "; run portend upgrade to ask again" } else { "" };
            note(&format!("{insights} by the scorecard, because no model answered ({why}){again}"));
        }
        if was_interrupted {
            note(&format!("stopped after the events in progress: {tally}"));
            return Ok(CommandOutcome::Interrupted);
        }
        if events == 0 {
            note("the input contains no event");
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

/// What helps a parked event. To run it again helps only after its cause is fixed, and not if the cause is in the event.
fn next_step(reason: &Reason) -> &'static str {
    match reason {
        Reason::TooLarge => "only its beginning is stored, so send it again; portend parked lists it",
        Reason::TooDeep | Reason::NotUtf8 | Reason::NotJson | Reason::DuplicateKey => {
            "no replay helps: fix the producer, and send it again"
        }
        Reason::NotAnEvent => "fix the producer, or add a mapping and run portend parked replay",
        Reason::UnknownAlertType => "add the type, or name its --alert-types; then run portend parked replay",
        Reason::TypeMismatch | Reason::Missing(_) | Reason::Invalid(_) => {
            "fix the producer, or the alert type and run portend parked replay"
        }
        Reason::CallsSpent | Reason::Guardrail => "add scorecard to --models, then run portend parked replay",
        Reason::Forgotten => "its entity was forgotten, and its content is not stored; no replay helps",
    }
}

/// The sentence with the event's location before it.
fn located(event: &ProcessedEvent, message: &str) -> String {
    shown(&format!("{}: {message}", event.location))
}

/// An event as a line of JSON. A failure is `{"status": "failed", "reason", "message"}`.
struct EventJson<'a>(&'a ProcessedEvent);

impl Serialize for EventJson<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct WithoutInsight {
            status: &'static str,
            reason: String,
            message: String,
        }
        let ProcessedEvent { result, location, .. } = self.0;
        match result {
            Ok(outcome @ (Outcome::Stored(_) | Outcome::Repeated(_) | Outcome::Recorded(_))) => {
                outcome.serialize(serializer)
            }
            Ok(Outcome::Parked(refusal)) => {
                let message = format!("{location}: {}", refusal.message());
                WithoutInsight { status: "parked", reason: refusal.reason().to_string(), message }
                    .serialize(serializer)
            }
            Err(failure) => {
                let message = format!("{location}: {}", explained(failure));
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
            Ok(Outcome::Recorded(_)) => &mut self.recorded,
            Err(_) => &mut self.failed,
        } += 1;
    }

    fn events(&self) -> u64 {
        self.stored + self.repeated + self.parked + self.failed + self.recorded
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { stored, repeated, parked, failed, recorded } = self;
        let counts = [(stored, "stored"), (repeated, "repeated"), (parked, "parked"), (failed, "failed")];
        // Few inputs have such events.
        let recorded = (*recorded > 0).then_some((recorded, "recorded"));
        let counts = counts.into_iter().chain(recorded);
        let parts: Vec<_> = counts.map(|(count, name)| format!("{} {name}", thousands(*count))).collect();
        write!(f, "{}: {}", counted(self.events(), "event"), parts.join(", "))
    }
}
