//! `portend ledger`: counts the events and their outcomes by day and alert type, and checks that they add up.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;

use super::insights::open_file;
use crate::config::{Config, StoreName};
use crate::runner::notices;
use crate::show::output::{CommandOutcome, YELLOW, json_line, note, paint, table};
use crate::show::text::{counted, thousands};
use portend_core::number::Number;
use portend_sqlite::LedgerRow;

/// Show the outcome of every event: received = stored + repeated + parked + failed.
///
/// Exit code: 0 if the numbers add up, 1 if events have no outcome.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object per day and alert type, then one with the totals.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct SummaryRow<'a> {
    total: bool,
    adds_up: bool,
    parked_dropped: u64,
    #[serde(flatten)]
    row: &'a LedgerRow,
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    if let StoreName::DynamoDb(table) = &config.store {
        let file = config.ledger.display();
        note(&format!(
            "this ledger, in {file}, covers only the runs of this machine, and not what other machines did with the table {table}"
        ));
    }
    let store = open_file(&config.ledger)?;
    notices(&config);
    let rows = store.ledger().await?;
    let dropped = store.parked_dropped().await?;
    let total = total(&rows);
    let adds_up = total.unfinished == 0;
    let mut out = anstream::stdout().lock();
    if args.json {
        rows.iter().try_for_each(|row| json_line(&mut out, row))?;
        json_line(&mut out, &SummaryRow { total: true, adds_up, parked_dropped: dropped, row: &total })?;
    } else {
        let headings =
            ["day", "alert type", "received", "stored", "repeated", "parked", "failed", "unfinished"];
        let lines = rows.iter().chain([&total]).map(line);
        writeln!(out, "{}", table(&headings, &[2, 3, 4, 5, 6, 7], lines))?;
        if total.reused > 0 {
            writeln!(out, "{}", saved(&total))?;
        }
    }
    if dropped > 0 {
        let events = counted(dropped, "parked event");
        note(&format!("{events} deleted, the oldest first, because the number of parked events is limited"));
    }
    if adds_up {
        return Ok(CommandOutcome::Done);
    }
    let count = thousands(total.unfinished);
    note(&paint(
        YELLOW,
        &format!(
            "it does not add up; events without an outcome: {count}. They are in progress, or their process was killed. If it was killed, run the input again; nothing is stored twice. The next portend explain counts the events of a killed process as failed, 5 minutes after they were received."
        ),
    ));
    Ok(CommandOutcome::Incomplete)
}

/// What earlier answers to the same questions have saved.
fn saved(total: &LedgerRow) -> String {
    let insights = counted(total.reused, "insight");
    let saved = total.saved_usd.map(|usd| format!(", which saved ${usd}")).unwrap_or_default();
    format!("{insights} with an earlier answer to the same question, without a model call{saved}")
}

fn total(rows: &[LedgerRow]) -> LedgerRow {
    rows.iter().fold(LedgerRow { day: "total".into(), ..LedgerRow::default() }, |sum, row| LedgerRow {
        received: sum.received + row.received,
        stored: sum.stored + row.stored,
        repeated: sum.repeated + row.repeated,
        parked: sum.parked + row.parked,
        failed: sum.failed + row.failed,
        unfinished: sum.unfinished + row.unfinished,
        reused: sum.reused + row.reused,
        saved_usd: match (sum.saved_usd, row.saved_usd) {
            (Some(one), Some(other)) => Number::new(((one.get() + other.get()) * 1e6).round() / 1e6),
            (saved, None) | (None, saved) => saved,
        },
        ..sum
    })
}

fn line(row: &LedgerRow) -> Vec<String> {
    let is_total = row.day == "total";
    let alert_type = row.alert_type.as_deref().unwrap_or(if is_total { "" } else { "(unknown)" });
    let counts = [row.received, row.stored, row.repeated, row.parked, row.failed, row.unfinished];
    [row.day.clone(), alert_type.to_owned()].into_iter().chain(counts.map(thousands)).collect()
}
