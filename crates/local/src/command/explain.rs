//! `portend explain`: alerts in, insights out.
//!
//! Takes: files or standard input, with events of any accepted shape.
//! Gives: a card or a line of JSON for each event, in the order of the input, and a tally.
//! Never: loses an event: each is stored, repeated, parked or said to have failed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use indicatif::{ProgressBar, ProgressStyle};
use portend_core::alert::Reason;
use portend_core::alert_type::AlertTypes;
use portend_core::insight::{Grade, StoredInsight};
use portend_core::pipeline::Outcome;
use serde::Serialize;

use crate::config::Config;
use crate::input::{self, Event, Input, Place};
use crate::show::card::{Heading, What, card};
use crate::show::output::{
    Answer, FAINT, RED, STRONG, WrongUsage, YELLOW, is_closed_pipe, json_line, note, paint,
};
use crate::show::text::{counted, shown, thousands};
use crate::work::Desk;

/// Explain alerts: print an insight for each, and keep it.
///
/// An event is an EventBridge event, the `detail` of one, or an SQS event with records. A file holds one event, or
/// JSON Lines. An alert that says nothing new is counted as a repeat; what cannot be an alert is parked with a reason.
///
/// Exit code: 0 if every event was stored or repeated, 1 if any was parked or failed, 2 for wrong usage, 130 if it
/// was stopped.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object per event: `{"status", "alert_id", "insight"}` or `{"status", "reason", "message"}`.
    #[arg(long)]
    json: bool,

    /// Show what each insight was made from: attempts, prompt, reply, repairs and grounding. JSON always has them.
    #[arg(long)]
    evidence: bool,

    /// Events to work on at once [default: 64 where models are asked or a table is written, else 1024].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    concurrency: Option<u16>,

    /// Files with events; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

pub(crate) async fn run(args: Args, config: Config) -> Result<Answer> {
    let inputs = args.files.iter().map(|path| {
        Input::open(path).with_context(|| {
            format!("cannot read {}; give a file with alerts, or - for standard input", path.display())
        })
    });
    let inputs: Vec<Input> = inputs.collect::<Result<_>>().map_err(WrongUsage::from)?;
    let size = inputs.iter().map(|input| input.size).sum();
    let desk = Desk::open(&config, args.concurrency).await?;
    let mut events = input::read(inputs);
    let mut running = FuturesUnordered::new();
    let mut report = Report::new(args.json, args.evidence, desk.pipeline.types(), size);
    let mut line = Line::default();
    let mut interrupt = std::pin::pin!(interrupted());
    let (mut was_interrupted, mut reads_on) = (false, true);
    let mut unwritten = None;
    while reads_on || !running.is_empty() {
        let has_room =
            running.len() < desk.room() && line.waiting() < desk.room().saturating_mul(WAITING_TURNS_MAX);
        tokio::select! {
            biased;
            () = &mut interrupt => {
                if was_interrupted {
                    note("stopped at once; what was in work can be run again");
                    return Ok(Answer::Interrupted);
                }
                // What is in work is finished; nothing more is read.
                (was_interrupted, reads_on) = (true, false);
                interrupt.set(interrupted());
                if std::io::stderr().is_terminal() {
                    note("stopping; what is in work is finished first. Once more stops at once.");
                }
            }
            read = events.recv(), if reads_on && has_room => match read {
                None => reads_on = false,
                Some(Ok(event)) => running.push(work(&desk, line.turn(), event)),
                Some(Err((input, error))) => report.unreadable(&input.display().to_string(), &error),
            },
            Some((turn, worked)) = running.next(), if !running.is_empty() => {
                for worked in line.done(turn, worked) {
                    // What is in work is finished, even if nobody can be told of it.
                    if unwritten.is_none() {
                        unwritten = report.event(&worked).err();
                        reads_on &= unwritten.is_none();
                    }
                }
            }
        }
    }
    match unwritten {
        // Whoever reads the output has seen enough. What was not read of the input is not done.
        Some(error) if is_closed_pipe(&error) => Ok(Answer::Incomplete),
        Some(error) => Err(error),
        None => report.end(was_interrupted),
    }
}

/// Events that may be done and wait for the turn of an earlier one, as a multiple of those in work.
const WAITING_TURNS_MAX: usize = 4;

async fn work(desk: &Desk, turn: u64, event: Event) -> (u64, Worked) {
    let outcome = desk.work(&event.bytes).await;
    (turn, Worked { outcome, place: event.place, read_bytes: event.read_bytes })
}

/// Puts what is done in any order back into the order of the input.
#[derive(Debug, Default)]
struct Line {
    given: u64,
    told: u64,
    done: BTreeMap<u64, Worked>,
}

impl Line {
    /// The next event's turn.
    fn turn(&mut self) -> u64 {
        self.given += 1;
        self.given - 1
    }

    /// Events that have a turn and have not been told of.
    fn waiting(&self) -> usize {
        usize::try_from(self.given - self.told).unwrap_or(usize::MAX)
    }

    /// What can be told of now that this turn is done, in order.
    fn done(&mut self, turn: u64, worked: Worked) -> Vec<Worked> {
        self.done.insert(turn, worked);
        let mut ready = Vec::new();
        while let Some(worked) = self.done.remove(&self.told) {
            self.told += 1;
            ready.push(worked);
        }
        ready
    }
}

/// Waits for the user, or the system, to stop the program.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut hang_up)) =
        (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
}

/// One event and what came of it.
#[derive(Debug)]
pub(crate) struct Worked {
    pub(crate) outcome: Outcome,
    pub(crate) place: Place,
    pub(crate) read_bytes: u64,
}

/// What is printed as events are done.
pub(crate) struct Report<'a> {
    json: bool,
    evidence: bool,
    types: &'a AlertTypes,
    tally: Tally,
    bar: ProgressBar,
    out: anstream::Stdout,
    unanswered: Unanswered,
    unreadable: bool,
}

/// New insights that the scorecard made though models were asked, and what the models' last calls ended in.
#[derive(Debug, Default)]
struct Unanswered {
    insights: u64,
    degraded: bool,
    outcomes: BTreeSet<String>,
}

impl Unanswered {
    fn note(&mut self, insight: &StoredInsight) {
        let last = insight.attempts.iter().flatten().last();
        if insight.grade == Some(Grade::Scorecard) && (last.is_some() || insight.is_degraded()) {
            self.insights += 1;
            self.degraded |= insight.is_degraded();
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

impl<'a> Report<'a> {
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
            out: anstream::stdout(),
            unanswered: Unanswered::default(),
            unreadable: false,
        }
    }

    pub(crate) fn event(&mut self, worked: &Worked) -> Result<()> {
        self.tally.count(&worked.outcome);
        if let Outcome::Stored(insight) = &worked.outcome {
            self.unanswered.note(insight);
        }
        self.bar.set_position(worked.read_bytes);
        self.bar.set_message(counted(self.tally.events(), "event"));
        let text = if self.json { None } else { Some(self.card(worked)) };
        let bar = self.bar.clone();
        let print = || -> Result<()> {
            match text {
                Some(text) => Ok(self.out.write_all(text.as_bytes())?),
                None => json_line(&mut self.out, &WorkedJson(worked)),
            }
        };
        // The bar and the cards share a terminal.
        if bar.is_hidden() { print() } else { bar.suspend(print) }
    }

    fn card(&self, worked: &Worked) -> String {
        let of_insight = |insight: &StoredInsight, what| {
            let heading = Heading { what, evidence: self.evidence };
            card(insight, self.types.get(&insight.prediction_type), heading) + "\n"
        };
        match &worked.outcome {
            Outcome::Stored(insight) => of_insight(insight, What::New),
            Outcome::Repeated(insight) => of_insight(insight, What::Repeat),
            Outcome::Parked(refusal) => {
                let reason = refusal.reason().to_string();
                let kept = if *refusal.reason() == Reason::TooLarge {
                    "portend parked lists it; its beginning alone is kept, so it must be sent again"
                } else {
                    "portend parked lists it; portend parked replay runs it again"
                };
                let head = format!("{} {}", paint(YELLOW.bold(), "parked"), paint(STRONG, &shown(&reason)));
                format!("{head}\n     {}\n     {}\n\n", said(worked), paint(FAINT, kept))
            }
            Outcome::Failed(failure) => {
                let head = format!("{} {}", paint(RED.bold(), "failed"), paint(STRONG, failure.code()));
                format!(
                    "{head}\n     {}\n     {}\n\n",
                    said(worked),
                    paint(FAINT, "nothing was kept of it; run it again")
                )
            }
        }
    }

    fn unreadable(&mut self, input: &str, error: &std::io::Error) {
        self.unreadable = true;
        let mend = "what was read before is done; run the rest again";
        self.bar.suspend(|| {
            note(&format!("{}: cannot read on in {}: {error}; {mend}", paint(RED, "portend"), shown(input)));
        });
    }

    pub(crate) fn end(self, was_interrupted: bool) -> Result<Answer> {
        self.bar.finish_and_clear();
        let events = self.tally.events();
        let tally = self.tally.to_string();
        if self.unanswered.insights > 0 {
            let insights = counted(self.unanswered.insights, "insight");
            let why: Vec<_> = self.unanswered.outcomes.iter().map(|outcome| shown(outcome)).collect();
            let why = if why.is_empty() { "no model could be asked".to_owned() } else { why.join(", ") };
            let again = if self.unanswered.degraded { "; portend upgrade asks again" } else { "" };
            note(&format!("{insights} by the scorecard, since no model gave an answer ({why}){again}"));
        }
        if was_interrupted {
            note(&format!("stopped; what was begun is finished: {tally}"));
            return Ok(Answer::Interrupted);
        }
        if events == 0 {
            note("there was no event in the input");
        } else if events > 1 && !self.json {
            anstream::stdout().write_all(format!("{tally}\n").as_bytes())?;
        } else if events > 1 && std::io::stderr().is_terminal() {
            note(&tally);
        }
        let complete = self.tally.parked + self.tally.failed == 0 && !self.unreadable;
        Ok(if complete { Answer::Done } else { Answer::Incomplete })
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The outcome's sentence, with its line in front: the event itself does not know where it stood.
fn said(worked: &Worked) -> String {
    let message = worked.outcome.message().unwrap_or_default();
    shown(&format!("{}: {message}", worked.place))
}

/// The outcome's JSON.
struct WorkedJson<'a>(&'a Worked);

impl Serialize for WorkedJson<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Worked { outcome, place, .. } = self.0;
        match outcome.message() {
            None => outcome.serialize(serializer),
            Some(message) => {
                #[derive(Serialize)]
                struct WithLine {
                    status: &'static str,
                    reason: Option<String>,
                    message: String,
                }
                let message = format!("{place}: {message}");
                WithLine { status: outcome.status(), reason: outcome.reason(), message }.serialize(serializer)
            }
        }
    }
}

impl Tally {
    fn count(&mut self, outcome: &Outcome) {
        *match outcome {
            Outcome::Stored(_) => &mut self.stored,
            Outcome::Repeated(_) => &mut self.repeated,
            Outcome::Parked(_) => &mut self.parked,
            Outcome::Failed(_) => &mut self.failed,
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
