//! `portend parked`: events that were refused, and running them again.
//!
//! Never: runs an event again of which only the beginning is stored, or forgets that one was replayed.

use std::io::Write;

use anyhow::{Result, anyhow};
use clap::Subcommand;
use portend_core::alert::Alert;
use portend_core::clock::Clock;
use portend_core::limits::PAGE_MAX;
use portend_core::store::{Parked, Parking};
use portend_remote::SystemClock;
use serde_json::json;

use super::explain::{EventReport, ProcessedEvent};
use super::insights::open_existing;
use crate::any_store::AnyStore;
use crate::config::Config;
use crate::input::Place;
use crate::runner::EventRunner;
use crate::show::output::{CommandOutcome, STRONG, json_line, note, paint, table};
use crate::show::text::{minute, shown, shown_lines, thousands};

/// List, show or replay events that were refused.
#[derive(Debug, Clone, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// List parked events, newest first.
    List(ListArgs),
    /// Show one parked event: its reason, what was expected, and the event itself.
    Show {
        /// Print it as one JSON object.
        #[arg(long)]
        json: bool,
        /// The event's id as listed: the beginning of its sha256.
        id: String,
    },
    /// Run parked events again, after the cause is fixed.
    ///
    /// Without ids: every event that is stored whole and has not become an insight or a repeat by an earlier replay.
    Replay {
        /// Print one JSON object per event, as `portend explain` does.
        #[arg(long)]
        json: bool,
        /// The events' ids as listed.
        ids: Vec<String>,
    },
}

#[derive(Debug, Clone, clap::Args)]
struct ListArgs {
    /// Print one JSON object per event.
    #[arg(long)]
    json: bool,
    /// At most this many; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// Characters of the sha256 that are listed; enough to distinguish events.
const ID_CHARS: usize = 12;

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    match args.command.unwrap_or(Command::List(args.list)) {
        Command::List(args) => list(&args, &config).await,
        Command::Show { json, id } => show(json, &id, &config).await,
        Command::Replay { json, ids } => replay(json, &ids, &config).await,
    }
}

/// Every parked event that passes, newest first.
async fn all(store: &AnyStore, limit: usize, passes: impl Fn(&Parked) -> bool) -> Result<Vec<Parked>> {
    let limit = if limit == 0 { usize::MAX } else { limit };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.parked(after.as_ref(), PAGE_MAX.min(limit - found.len()), SystemClock.now()).await?;
        found.extend(page.events.into_iter().filter(&passes));
        found.truncate(limit);
        after = page.next;
        if after.is_none() || found.len() == limit {
            return Ok(found);
        }
    }
}

async fn list(args: &ListArgs, config: &Config) -> Result<CommandOutcome> {
    let events = all(&open_existing(config).await?, args.limit, |_| true).await?;
    let mut out = anstream::stdout().lock();
    if args.json {
        events.iter().try_for_each(|event| json_line(&mut out, &to_json(event)))?;
    } else if events.is_empty() {
        note("no event is parked");
    } else {
        let rows = events.iter().map(|event| {
            vec![
                event.sha256.get(..ID_CHARS).unwrap_or(&event.sha256).to_owned(),
                minute(event.received_at),
                thousands(event.event_bytes as u64),
                shown(&event.reason),
                event.outcome.clone().unwrap_or_default(),
            ]
        });
        writeln!(out, "{}", table(&["id", "received", "bytes", "reason", "replay"], &[2], rows))?;
    }
    Ok(CommandOutcome::Done)
}

/// The one event whose sha256 begins so.
async fn find(store: &AnyStore, id: &str) -> Result<Parked> {
    let found = all(store, 2, |event| event.sha256.starts_with(id)).await?;
    match <[Parked; 1]>::try_from(found) {
        Ok([event]) => Ok(event),
        Err(found) if found.is_empty() => {
            Err(anyhow!("no parked event begins with {id}; portend parked lists them"))
        }
        Err(_) => Err(anyhow!("several parked events begin with {id}; give more of its characters")),
    }
}

async fn show(json: bool, id: &str, config: &Config) -> Result<CommandOutcome> {
    let event = find(&open_existing(config).await?, id).await?;
    let mut out = anstream::stdout().lock();
    if json {
        json_line(&mut out, &to_json(&event))?;
        return Ok(CommandOutcome::Done);
    }
    let cut =
        if event.is_whole() { "" } else { ", of which the first 64 KiB are stored; it cannot be replayed" };
    let replay = event.outcome.as_ref().zip(event.replayed_at);
    let replay = replay.map(|(outcome, at)| format!("replayed  {at}: {outcome}\n")).unwrap_or_default();
    write!(
        out,
        "{}\n{}\n\nreceived  {}\nsha256    {}\nsize      {} bytes{cut}\n{replay}\n{}\n",
        paint(STRONG, &shown(&event.reason)),
        shown(&event.message),
        event.received_at,
        event.sha256,
        thousands(event.event_bytes as u64),
        shown_lines(&String::from_utf8_lossy(&event.event)),
    )?;
    Ok(CommandOutcome::Done)
}

fn to_json(event: &Parked) -> serde_json::Value {
    let mut object = json!({
        "sha256": event.sha256,
        "reason": event.reason,
        "message": event.message,
        "received_at": event.received_at,
        "event_bytes": event.event_bytes,
        "event": String::from_utf8_lossy(&event.event),
    });
    if let Some(members) = object.as_object_mut() {
        members.extend(event.replayed_at.map(|at| ("replayed_at".to_owned(), json!(at))));
        members.extend(event.outcome.as_ref().map(|outcome| ("outcome".to_owned(), json!(outcome))));
    }
    object
}

async fn replay(json: bool, ids: &[String], config: &Config) -> Result<CommandOutcome> {
    open_existing(config).await?;
    let runner = EventRunner::open(config, None).await?;
    let store = runner.pipeline.store();
    let mut events = Vec::new();
    if ids.is_empty() {
        let open = |event: &Parked| {
            event.is_whole() && event.outcome.as_deref().is_none_or(|outcome| outcome == "parked")
        };
        events = all(store, 0, open).await?;
        // Oldest first, as they were received; of one millisecond, in the order of their alerts.
        events.sort_by_cached_key(|event| {
            let alert_time = runner.pipeline.receive(&event.event).alert().ok().map(Alert::timestamp);
            (event.received_at, alert_time)
        });
    }
    for id in ids {
        let event = find(store, id).await?;
        if !event.is_whole() {
            return Err(anyhow!(
                "only the beginning of the event {id} is stored, so it cannot be replayed; send it again from its source"
            ));
        }
        events.push(event);
    }
    if events.is_empty() {
        note("no parked event is left to replay");
        return Ok(CommandOutcome::Done);
    }
    let mut report = EventReport::new(json, false, runner.pipeline.types(), None);
    let mut out = anstream::stdout();
    for event in events {
        let result = runner.process(&event.event).await;
        if let Ok(outcome) = &result {
            store.replayed(&event.sha256, SystemClock.now(), outcome.status()).await?;
        }
        let place = Place::of(event.sha256.get(..ID_CHARS).unwrap_or_default());
        out.write_all(&report.event(&ProcessedEvent { result, place, read_bytes: 0 })?)?;
    }
    report.end(false)
}
