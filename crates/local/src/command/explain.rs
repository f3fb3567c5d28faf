//! `portend explain`: processes alerts, and prints their insights in the order of the input.

mod report;
mod again;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Result, anyhow};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use portend_core::pipeline::{Failure, Outcome};

use super::stop_signal;
use crate::config::Config;
use crate::input::{self, Event, EventLocation, Input};
use crate::runner::EventRunner;
use crate::show::output::{CommandOutcome, WrongUsage, is_closed_pipe, note};
use crate::show::writer::OutputWriter;

pub(crate) use report::EventReport;

/// Explain alerts: print an insight for each, and store it.
///
/// An event is an EventBridge event, the `detail` of one, an SQS or SNS event with records, or another system's payload
/// for which an alert type has a mapping. A file holds one event, JSON Lines or an array of events, and may be
/// compressed (`.gz`). An alert with the same facts as an earlier one is counted as a repeat. An EventBridge event with the
/// detail-type `outcome` says what happened to an entity, as a row of portend outcomes import does. Any other event that is
/// not an alert is parked with a reason.
///
/// Exit code: 0 if every event was stored, repeated or recorded, 1 if any was parked or failed, 2 for wrong usage, 130 if you
/// stopped it.
#[derive(Debug, Clone, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Args {
    /// Print one JSON object per event: `{"status", "alert_id", "insight"}` or `{"status", "reason", "message"}`; `{"status": "recorded"}` of what happened.
    #[arg(long)]
    json: bool,

    /// Show the provenance of each insight: attempts, prompt, reply, repairs and grounding. JSON always contains them.
    #[arg(long)]
    evidence: bool,

    /// Judge the alerts as they would be judged now, even those with insights. Nothing is stored, and each insight is
    /// shown with its evidence. In JSON, its status is `again`, and that of an event that is not an alert is `refused`.
    #[arg(long)]
    again: bool,

    /// Call the models even if they answered the same question before. Their new answers are stored for later.
    ///
    /// Alerts of one type with the same facts ask the same question. By default, an accepted answer is used again for as
    /// long as `answer_reuse` of the alert type says.
    #[arg(long)]
    no_reuse: bool,

    /// How many events to process, and how many calls to make to each model, at the same time [default: the limit
    /// of each model; without models, 64 with a table and 1024 with a file].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    concurrency: Option<u16>,

    /// Files with events; `-` is standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// One event and its result.
#[derive(Debug)]
pub(crate) struct ProcessedEvent {
    pub(crate) result: Result<Outcome, Failure>,
    pub(crate) location: EventLocation,
    pub(crate) read_bytes: u64,
}

/// The most events that run or wait for a permit, as a multiple of the concurrency.
const STARTED_FACTOR: usize = 4;
/// The most events that wait for another event or another process. They have no permit.
const WAITING_MAX: usize = 16 * 1024;
/// The most results that wait until an earlier event is done. With more, the earlier event is printed later, when it is
/// done.
const UNPRINTED_MAX: usize = 16 * 1024;
/// How often it is checked whether events that waited for a permit now wait for another process.
const ROOM_PAUSE: Duration = Duration::from_millis(250);
/// How long a stopped run waits for a blocked reader of its output.
pub(crate) const OUTPUT_TIME_MAX: Duration = Duration::from_secs(2);

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let inputs = args.files.iter().map(|path| {
        Input::open(path).map_err(|error| {
            anyhow!(
                "cannot read {}: {error:#}; give a file with alerts, or - for standard input",
                path.display()
            )
        })
    });
    let inputs: Vec<Input> = inputs.collect::<Result<_>>().map_err(WrongUsage::from)?;
    let size = inputs.iter().map(|input| input.size).sum();
    let runner = EventRunner::open(&config, args.concurrency).await?.reusing_answers(!args.no_reuse);
    if args.again {
        return again::again(&runner, inputs, args.json).await;
    }
    let mut report = EventReport::new(args.json, args.evidence, runner.pipeline.types(), size);
    let writer = OutputWriter::start(report.bar().clone())?;
    match process_all(&runner, inputs, &mut report, writer).await? {
        RunEnd::Complete => report.end(false),
        RunEnd::Stopped => report.end(true),
        RunEnd::StoppedAtOnce => {
            tokio::select! {
                () = runner.release() => {}
                // The leases end by themselves.
                () = stop_signal() => {}
            }
            note("stopped at once; run the unfinished events again");
            Ok(CommandOutcome::Interrupted)
        }
        // The reader closed the output, so the rest of the input is not processed.
        RunEnd::Unread => Ok(CommandOutcome::Incomplete),
    }
}

/// How a run ended.
enum RunEnd {
    /// Every event was processed.
    Complete,
    /// The user stopped the run. The events in progress are finished.
    Stopped,
    /// The user stopped the run twice. The events in progress are not finished.
    StoppedAtOnce,
    /// The reader closed the output.
    Unread,
}

async fn process_all(
    runner: &EventRunner,
    inputs: Vec<Input>,
    report: &mut EventReport<'_>,
    mut writer: OutputWriter,
) -> Result<RunEnd> {
    let mut events = input::read(inputs, runner.pipeline.types().clone());
    let mut running = FuturesUnordered::new();
    let mut results = ResultsInOrder::default();
    let mut started = 0;
    let mut stop = pin!(stop_signal());
    let (mut is_stopped, mut reads_on) = (false, true);
    let mut unwritten = None;
    let started_max = runner.concurrency().saturating_mul(STARTED_FACTOR);
    while reads_on || !running.is_empty() {
        let waiting = runner.waiting();
        // Results wait for the oldest event. More events begin meanwhile only if it may be waiting for another process.
        let unprinted = if waiting == 0 { results.unprinted.len() } else { 0 };
        let active = running.len().saturating_sub(waiting) + unprinted;
        let is_free = active < started_max && waiting < WAITING_MAX;
        let has_room = is_free && writer.has_room();
        tokio::select! {
            biased;
            () = &mut stop => {
                if is_stopped {
                    return Ok(RunEnd::StoppedAtOnce);
                }
                // The events in progress are finished; no more are read.
                (is_stopped, reads_on) = (true, false);
                stop.set(stop_signal());
                note("stopping after the events in progress; stop again to end at once");
            }
            handed = writer.hand_over(), if writer.is_waiting() && unwritten.is_none() => {
                if let Err(error) = handed {
                    // The events in progress are finished, even if they cannot be printed.
                    (unwritten, reads_on) = (Some(error), false);
                }
            }
            read = events.recv(), if reads_on && has_room => match read {
                None => reads_on = false,
                Some(Ok(event)) => {
                    running.push(process(runner, started, event));
                    started += 1;
                }
                Some(Err((input, error))) => report.unreadable(&input.display().to_string(), &error),
            },
            Some((number, event)) = running.next(), if !running.is_empty() => {
                results.add(number, event);
                while let Some(event) = results.next() {
                    let text = report.event(&event)?;
                    if unwritten.is_none() {
                        writer.push(&text);
                    }
                }
            }
            () = tokio::time::sleep(ROOM_PAUSE), if reads_on && !is_free => {}
        }
    }
    match unwritten {
        None => finish(writer, is_stopped, stop).await,
        Some(error) if is_closed_pipe(&error) => Ok(RunEnd::Unread),
        Some(error) => Err(error),
    }
}

/// Waits until the output is written; a stopped run waits at most [`OUTPUT_TIME_MAX`].
async fn finish(writer: OutputWriter, is_stopped: bool, stop: impl Future<Output = ()>) -> Result<RunEnd> {
    let ended = if is_stopped { RunEnd::Stopped } else { RunEnd::Complete };
    let mut finished = pin!(writer.finish());
    let stopped = async {
        if !is_stopped {
            stop.await;
        }
        tokio::time::sleep(OUTPUT_TIME_MAX).await;
    };
    tokio::select! {
        written = &mut finished => match written {
            Ok(()) => Ok(ended),
            Err(error) if is_closed_pipe(&error) => Ok(RunEnd::Unread),
            Err(error) => Err(error),
        },
        () = stopped => {
            note("the output is not read, so the rest of it is lost; run portend insights to list the stored insights");
            Ok(RunEnd::Stopped)
        }
    }
}

async fn process(runner: &EventRunner, number: u64, event: Event) -> (u64, ProcessedEvent) {
    let result = runner.process(&event.bytes).await;
    (number, ProcessedEvent { result, location: event.location, read_bytes: event.read_bytes })
}

/// Results by the number of their event, to be printed in the order of the input.
#[derive(Debug, Default)]
struct ResultsInOrder {
    /// The number of the next event to print.
    next: u64,
    unprinted: BTreeMap<u64, ProcessedEvent>,
}

impl ResultsInOrder {
    fn add(&mut self, number: u64, event: ProcessedEvent) {
        self.unprinted.insert(number, event);
    }

    /// The next result to print. An event that takes long does not hold back more than [`UNPRINTED_MAX`] results.
    fn next(&mut self) -> Option<ProcessedEvent> {
        let first = self.unprinted.first_entry()?;
        let number = *first.key();
        // A lower number is that of an event that was passed over.
        if number > self.next && self.unprinted.len() <= UNPRINTED_MAX {
            return None;
        }
        self.next = self.next.max(number + 1);
        self.unprinted.pop_first().map(|(_, event)| event)
    }
}
