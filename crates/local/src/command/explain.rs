//! `portend explain`: alerts in, insights out, in the order of the input.

mod report;

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use portend_core::pipeline::{Failure, Outcome};

use crate::config::Config;
use crate::input::{self, Event, Input, Place};
use crate::runner::EventRunner;
use crate::show::output::{CommandOutcome, WrongUsage, is_closed_pipe, note};
use crate::show::writer::OutputWriter;

pub(crate) use report::EventReport;

/// Explain alerts: print an insight for each, and store it.
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

    /// Events to work on at once [default: 64 where models are asked or a table is written, otherwise 1024].
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
    pub(crate) place: Place,
    pub(crate) read_bytes: u64,
}

/// Events that are started, as a multiple of those that are worked on at once: some wait for their permit, some are done
/// and wait for the output of an earlier one.
const STARTED_FACTOR: usize = 4;
/// How long a stopped run waits for a reader that does not read.
const OUTPUT_TIME_MAX: Duration = Duration::from_secs(2);

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let inputs = args.files.iter().map(|path| {
        Input::open(path).with_context(|| {
            format!("cannot read {}; give a file with alerts, or - for standard input", path.display())
        })
    });
    let inputs: Vec<Input> = inputs.collect::<Result<_>>().map_err(WrongUsage::from)?;
    let size = inputs.iter().map(|input| input.size).sum();
    let runner = EventRunner::open(&config, args.concurrency).await?;
    let mut report = EventReport::new(args.json, args.evidence, runner.pipeline.types(), size);
    let writer = OutputWriter::start(report.bar().clone())?;
    match process_all(&runner, inputs, &mut report, writer).await? {
        Ended::Complete => report.end(false),
        Ended::Stopped => report.end(true),
        Ended::StoppedAtOnce => {
            runner.release().await;
            note("stopped at once; the events that were in work can be run again");
            Ok(CommandOutcome::Interrupted)
        }
        // The reader has seen enough. What was not read of the input is not done.
        Ended::Unread => Ok(CommandOutcome::Incomplete),
    }
}

/// How the work on all events ended.
enum Ended {
    /// Everything was read and done.
    Complete,
    /// The user stopped it; what was in work is done.
    Stopped,
    /// The user stopped it twice.
    StoppedAtOnce,
    /// Nobody reads the output any more.
    Unread,
}

async fn process_all(
    runner: &EventRunner,
    inputs: Vec<Input>,
    report: &mut EventReport<'_>,
    mut writer: OutputWriter,
) -> Result<Ended> {
    let mut events = input::read(inputs);
    let mut running = FuturesOrdered::new();
    let mut stop = pin!(stop_signal());
    let (mut is_stopped, mut reads_on) = (false, true);
    let mut unwritten = None;
    let started_max = runner.concurrency().saturating_mul(STARTED_FACTOR);
    while reads_on || !running.is_empty() {
        let has_room = running.len() < started_max && writer.has_room();
        tokio::select! {
            biased;
            () = &mut stop => {
                if is_stopped {
                    return Ok(Ended::StoppedAtOnce);
                }
                // What is in work is finished; nothing more is read.
                (is_stopped, reads_on) = (true, false);
                stop.set(stop_signal());
                note("stopping: the events in work are finished first; stop again to end at once");
            }
            handed = writer.hand_over(), if writer.is_waiting() && unwritten.is_none() => {
                if let Err(error) = handed {
                    // What is in work is finished, even if nobody reads of it.
                    (unwritten, reads_on) = (Some(error), false);
                }
            }
            read = events.recv(), if reads_on && has_room => match read {
                None => reads_on = false,
                Some(Ok(event)) => running.push_back(process(runner, event)),
                Some(Err((input, error))) => report.unreadable(&input.display().to_string(), &error),
            },
            Some(event) = running.next(), if !running.is_empty() => {
                let text = report.event(&event)?;
                if unwritten.is_none() {
                    writer.push(text);
                }
            }
        }
    }
    match unwritten {
        None => finish(writer, is_stopped, stop).await,
        Some(error) if is_closed_pipe(&error) => Ok(Ended::Unread),
        Some(error) => Err(error),
    }
}

/// Waits for the reader of the output; a run that is stopped waits only so long.
async fn finish(writer: OutputWriter, is_stopped: bool, stop: impl Future<Output = ()>) -> Result<Ended> {
    let ended = if is_stopped { Ended::Stopped } else { Ended::Complete };
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
            Err(error) if is_closed_pipe(&error) => Ok(Ended::Unread),
            Err(error) => Err(error),
        },
        () = stopped => {
            note("nobody reads the output: the rest of it is not printed; portend insights lists what is stored");
            Ok(Ended::Stopped)
        }
    }
}

async fn process(runner: &EventRunner, event: Event) -> ProcessedEvent {
    let result = runner.process(&event.bytes).await;
    ProcessedEvent { result, place: event.place, read_bytes: event.read_bytes }
}

/// Waits for the user, or the system, to stop the program.
async fn stop_signal() {
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
