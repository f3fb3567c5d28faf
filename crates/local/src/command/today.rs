//! `portend today`: whom to look at now, worst first.

use std::io::Write;

use anyhow::Result;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::entity::{EntityRow, WorklistItem};
use portend_core::limits::PAGE_MAX;
use portend_core::number::Number;
use portend_core::store::{Entities, Queries, entity_of_insights};
use portend_core::time::Timestamp;
use portend_remote::SystemClock;

use super::insights::{open_existing, risk_score};
use crate::any_store::AnyStore;
use crate::config::Config;
use crate::moment::{Direction, moment};
use crate::show::output::{CommandOutcome, WrongUsage, json_line, note};
use crate::show::text::{minute, shown, zone};
use crate::show::worklist::{heading, item};

/// The recovered entities that a note names.
const RECOVERED_MAX: usize = 10;

/// List the students and subjects to look at now, worst first.
///
/// Each has one line, whatever the number of its alerts: its highest risk that is still current, what changed since the
/// alert before, and what to do first. Those that are done, snoozed or recovered are not listed.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object per student or subject.
    #[arg(long)]
    json: bool,

    /// As of this time: a date (2025-01-31), a time (2025-01-31T09:00:00Z) or a duration ago (90m, 24h, 7d).
    #[arg(long, value_name = "TIME")]
    at: Option<String>,

    /// The order: the highest risk first, or the most at stake.
    ///
    /// What is at stake is the optional fact `value` of an alert, in proportion to the probability, or to the risk score
    /// where no probability is known. Without a value, a student or subject is last.
    #[arg(long, value_name = "ORDER", default_value = "risk")]
    sort: TodayOrder,

    /// How many you can look at today: list only so many, and say how bad the first of the others is.
    #[arg(long, value_name = "N", conflicts_with = "n")]
    capacity: Option<usize>,

    /// The most students and subjects to list; 0 for all.
    #[arg(long, short = 'n', value_name = "N", default_value_t = 20)]
    n: usize,

    /// Only those with at least this risk score, 0 to 100.
    #[arg(long, value_name = "SCORE", value_parser = risk_score)]
    min_risk: Option<Number>,
}

/// The order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum TodayOrder {
    /// The highest risk score first.
    Risk,
    /// The most at stake first.
    Value,
}

/// The open entities at one time.
#[derive(Debug, Default)]
pub(super) struct OpenEntities {
    /// Those to look at.
    pub(super) listed: Vec<EntityRow>,
    /// Those whose alerts are all over.
    pub(super) recovered: Vec<EntityRow>,
    open: usize,
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let at = args.at.as_deref().map(|text| moment("--at", text, Direction::Past, now)).transpose();
    let at = at.map_err(WrongUsage::from)?.unwrap_or(now);
    let store = open_existing(&config).await?;
    let mut entities = open_entities(&store, &types, at, now).await?;
    let worst =
        |row: &EntityRow| row.worst_judgement(at).map_or(0.0, |(_, judgement)| judgement.risk_score.get());
    let min = args.min_risk.map_or(0.0, Number::get);
    entities.listed.retain(|row| worst(row) >= min);
    entities.listed.sort_by(|one, other| {
        let by_value = match args.sort {
            TodayOrder::Risk => std::cmp::Ordering::Equal,
            TodayOrder::Value => other.value_order(at).total_cmp(&one.value_order(at)),
        };
        by_value
            .then_with(|| worst(other).total_cmp(&worst(one)))
            .then_with(|| other.latest_alert().cmp(&one.latest_alert()))
    });
    let total = entities.listed.len();
    let room = args.capacity.unwrap_or(if args.n == 0 { usize::MAX } else { args.n });
    let waiting = entities.listed.get(room..).unwrap_or_default().iter().map(worst).fold(0.0, f64::max);
    entities.listed.truncate(room);
    let mut out = anstream::stdout().lock();
    if !args.json && !entities.listed.is_empty() {
        let listed = entities.listed.len();
        writeln!(out, "{}\n", heading(listed, entities.open, at, &zone()))?;
    }
    for row in &entities.listed {
        let Some(line) = row.item(at) else { continue };
        let line = with_repeats(&store, line, now).await?;
        if args.json {
            json_line(&mut out, &line)?;
        } else {
            out.write_all(item(&line, &types, at).as_bytes())?;
        }
    }
    drop(out);
    notes(&args, &entities, total, waiting);
    Ok(CommandOutcome::Done)
}

/// The open entities as they were at this time. One with a later alert is made again from its insights.
pub(super) async fn open_entities(
    store: &AnyStore,
    types: &AlertTypes,
    at: Timestamp,
    now: Timestamp,
) -> Result<OpenEntities> {
    let mut entities = OpenEntities::default();
    let mut after = None;
    loop {
        let page = store.open_entities(after.as_ref(), PAGE_MAX, now).await?;
        let is_last = page.len() < PAGE_MAX;
        after = page.last().map(EntityRow::place);
        for row in page {
            let row = if row.latest_alert() > at {
                let past = entity_of_insights(store, types, &row.key, at, now).await?;
                let Some(past) = past else { continue };
                EntityRow { state: row.state, assignee: row.assignee, until: row.until, ..past }
            } else {
                row
            };
            entities.open += 1;
            if row.is_listed(at) {
                entities.listed.push(row);
            } else if row.is_recovered(at) {
                entities.recovered.push(row);
            }
        }
        if is_last {
            return Ok(entities);
        }
    }
}

/// The item with how often its insight was said.
pub(crate) async fn with_repeats(
    store: &AnyStore,
    item: WorklistItem,
    now: Timestamp,
) -> Result<WorklistItem> {
    let insight = store.find(&item.alert_id, now).await?;
    Ok(match insight.as_ref().and_then(|insight| insight.current()) {
        Some(fields) => item.with_repeats(fields.occurrences, fields.last_seen),
        None => item,
    })
}

/// `waiting` is the highest risk score of those that are not listed.
fn notes(args: &Args, entities: &OpenEntities, total: usize, waiting: f64) {
    if let Some(capacity) = args.capacity.filter(|_| total > entities.listed.len()) {
        note(&format!(
            "{} more than today's capacity of {capacity}; the highest risk of them is {waiting}",
            total - entities.listed.len()
        ));
    } else if total > entities.listed.len() {
        note(&format!(
            "{} more; use -n to list more of them, or -n 0 for all",
            total - entities.listed.len()
        ));
    }
    if args.json {
        return;
    }
    if !entities.recovered.is_empty() && !entities.listed.is_empty() {
        let names = entities.recovered.iter().take(RECOVERED_MAX).map(|row| shown(&row.key.entity_id));
        let names: Vec<_> = names.collect();
        let more = entities.recovered.len().saturating_sub(names.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        note(&format!("recovered, with no current alert: {}{more}", names.join(", ")));
    }
    if entities.listed.is_empty() {
        note("nobody needs a look now: there is no current alert that is not done or snoozed");
        let latest = entities.recovered.iter().map(EntityRow::latest_alert).max();
        if let Some(latest) = latest.filter(|_| args.at.is_none()) {
            note(&format!(
                "the latest alert is of {}; to see the list as it was then, run portend today --at {}",
                minute(latest),
                latest.to_seconds_string()
            ));
        }
    }
}
