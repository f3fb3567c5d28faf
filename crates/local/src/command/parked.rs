//! `portend parked`: lists and shows refused events, runs them again, and deletes them.
//!
//! Never: replays an event of which only the beginning is stored.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Result, anyhow};
use clap::Subcommand;
use portend_core::alert::Alert;
use portend_core::clock::Clock;
use portend_core::limits::PAGE_MAX;
use portend_core::store::{Parked, Parking};
use portend_remote::SystemClock;
use portend_sqlite::Sqlite;
use serde_json::json;

use super::explain::{EventReport, ProcessedEvent};
use super::insights::open_existing;
use crate::any_store::AnyStore;
use crate::config::{Config, StoreName};
use crate::input::EventLocation;
use crate::runner::EventRunner;
use crate::show::output::{CommandOutcome, STRONG, json_line, note, paint, table};
use crate::show::text::{counted, minute, shown, shown_lines, thousands};

/// List, show, replay or delete refused events.
#[derive(Debug, Clone, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    list: ParkedListArgs,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// List parked events, newest first.
    List(ParkedListArgs),
    /// Show one parked event with the reason and what was expected.
    Show {
        /// Print it as one JSON object.
        #[arg(long)]
        json: bool,
        /// The event's id in the list: the beginning of its sha256.
        id: String,
    },
    /// Delete parked events for good. The ledger still counts them.
    Drop {
        /// Delete every parked event.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
        /// The events' ids in the list.
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
    },
    /// Run parked events again, after you have fixed the cause.
    ///
    /// Without ids, runs every parked event, except those cut at 64 KiB and those that an earlier replay has stored or
    /// counted as a repeat.
    Replay {
        /// Print one JSON object per event, as `portend explain` does.
        #[arg(long)]
        json: bool,
        /// The events' ids in the list.
        ids: Vec<String>,
    },
}

#[derive(Debug, Clone, clap::Args)]
struct ParkedListArgs {
    /// Print one JSON object per event.
    #[arg(long)]
    json: bool,
    /// The most events to list; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// The listed characters of the sha256, which are enough to distinguish events.
const ID_CHARS: usize = 12;

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    match args.command.unwrap_or(Command::List(args.list)) {
        Command::List(args) => list(&args, &config).await,
        Command::Show { json, id } => show(json, &id, &config).await,
        Command::Drop { all, ids } => drop_events(all, &ids, &config).await,
        Command::Replay { json, ids } => replay(json, &ids, &config).await,
    }
}

/// The parked events that match, newest first; a limit of 0 means all.
async fn all(store: &AnyStore, limit: usize, matches: impl Fn(&Parked) -> bool) -> Result<Vec<Parked>> {
    let limit = if limit == 0 { usize::MAX } else { limit };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.parked(after.as_ref(), PAGE_MAX.min(limit - found.len()), SystemClock.now()).await?;
        found.extend(page.events.into_iter().filter(&matches));
        found.truncate(limit);
        after = page.next;
        if after.is_none() || found.len() == limit {
            return Ok(found);
        }
    }
}

async fn list(args: &ParkedListArgs, config: &Config) -> Result<CommandOutcome> {
    let events = all(&open_existing(config).await?, args.limit, |_| true).await?;
    let mut out = anstream::stdout().lock();
    if args.json {
        events.iter().try_for_each(|event| json_line(&mut out, &to_json(event)))?;
    } else if events.is_empty() {
        note("there are no parked events");
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

/// The only event whose sha256 begins with `id`.
async fn find(store: &AnyStore, id: &str) -> Result<Parked> {
    let found = all(store, 2, |event| event.sha256.starts_with(id)).await?;
    match <[Parked; 1]>::try_from(found) {
        Ok([event]) => Ok(event),
        Err(found) if found.is_empty() => {
            Err(anyhow!("there is no parked event {id}; run portend parked to list the ids"))
        }
        Err(_) => {
            Err(anyhow!("several parked events have an id that begins with {id}; write more of the id"))
        }
    }
}

async fn show(json: bool, id: &str, config: &Config) -> Result<CommandOutcome> {
    let event = find(&open_existing(config).await?, id).await?;
    let mut out = anstream::stdout().lock();
    if json {
        json_line(&mut out, &to_json(&event))?;
        return Ok(CommandOutcome::Done);
    }
    let cut = if event.is_whole() { "" } else { ", which are not all stored, so it cannot be replayed" };
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

/// Deletes the events, if each id is that of one event.
async fn drop_events(is_all: bool, ids: &[String], config: &Config) -> Result<CommandOutcome> {
    let reader = open_existing(config).await?;
    let mut events = if is_all { all(&reader, 0, |_| true).await? } else { Vec::new() };
    for id in ids {
        events.push(find(&reader, id).await?);
    }
    let store = match &config.store {
        // The one above cannot write.
        StoreName::File(file) => AnyStore::Sqlite(Arc::new(Sqlite::open(file, SystemClock.now())?)),
        StoreName::DynamoDb(_) => reader,
    };
    events.sort_by(|one, other| one.sha256.cmp(&other.sha256));
    events.dedup_by(|one, other| one.sha256 == other.sha256);
    for event in &events {
        store.delete_parked(&event.sha256).await?;
    }
    note(&format!("{} deleted", counted(events.len() as u64, "parked event")));
    Ok(CommandOutcome::Done)
}

/// A parked event as JSON.
pub(crate) fn to_json(event: &Parked) -> serde_json::Value {
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
            // What the console on AWS put into the queue may have been parked again.
            event.is_whole()
                && event.outcome.as_deref().is_none_or(|outcome| ["parked", "queued"].contains(&outcome))
        };
        events = all(store, 0, open).await?;
        // Oldest first. Events of the same millisecond are in the order of their alerts' timestamps.
        events.sort_by_cached_key(|event| {
            let alert_time = runner.pipeline.receive(&event.event).alert().ok().map(Alert::timestamp);
            (event.received_at, alert_time)
        });
    }
    for id in ids {
        let event = find(store, id).await?;
        if !event.is_whole() {
            return Err(anyhow!(
                "the event {id} cannot be replayed, because only its beginning is stored; send it again from its source"
            ));
        }
        events.push(event);
    }
    if events.is_empty() {
        note("there are no parked events to replay");
        return Ok(CommandOutcome::Done);
    }
    let mut report = EventReport::new(json, false, runner.pipeline.types(), None);
    let mut out = anstream::stdout();
    for event in events {
        let result = runner.process(&event.event).await;
        if let Ok(outcome) = &result {
            store.replayed(&event.sha256, SystemClock.now(), outcome.status()).await?;
        }
        let location = EventLocation::of(event.sha256.get(..ID_CHARS).unwrap_or_default());
        out.write_all(&report.event(&ProcessedEvent { result, location, read_bytes: 0 })?)?;
    }
    report.end(false)
}
