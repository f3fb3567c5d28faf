//! `portend today`: whom to look at now, worst first.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::Result;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::entity::{EntityRow, WorklistItem, WorklistPlace};
use portend_core::number::Number;
use portend_core::store::{
    Entities, Queries, done_entities, entity_as_it_was, entity_of_insights, longest_silence, recent_entities,
};
use portend_core::time::Timestamp;
use portend_remote::SystemClock;

use super::insights::{open_existing, risk_score};
use crate::any_store::AnyStore;
use crate::config::Config;
use crate::moment::{Direction, moment};
use crate::show::output::{CommandOutcome, WrongUsage, json_line, note};
use crate::show::text::{day_start, minute, shown, zone};
use crate::show::worklist::{heading, item};

/// The open entities that are read at once.
const READ_AT_ONCE: usize = 200;
/// The recovered entities that a note names.
const RECOVERED_MAX: usize = 10;

/// List the students and subjects to look at now, worst first.
///
/// Each has one entry, whatever the number of its alerts: its highest risk that is still current, what changed since the
/// alert before, and what to do first. Those that are done, snoozed or recovered are not listed.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object per student or subject.
    #[arg(long)]
    json: bool,

    /// As of this time: a date (2025-01-31), a time (2025-01-31T09:00:00Z) or a duration ago (90m, 24h, 7d).
    ///
    /// The states are those of then. An insight that was made later, because its alert came late, has its present state.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,

    /// The order: the highest risk first, or the most at stake.
    ///
    /// What is at stake is the optional fact `value` of an alert, in proportion to the probability, or to the risk score
    /// where no probability is known. Without a value, a student or subject is last.
    #[arg(long, value_name = "ORDER", default_value = "risk")]
    sort: TodayOrder,

    /// How many you can look at today: list only that many, less those that were set to done since midnight in this
    /// machine's time zone, and print the highest risk of the others.
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
    /// How many are open, among those that were read.
    open: usize,
    /// Whether there may be more, with a risk that is not higher.
    has_more: bool,
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let at = args.at.as_deref().map(|text| moment("--at", text, Direction::Past, now)).transpose();
    let at = at.map_err(WrongUsage::from)?.unwrap_or(now);
    let store = open_existing(&config).await?;
    // For a moment in the past, every entity is made again from its insights. What is at stake is not in the order of the risk.
    let reads_all = args.at.is_some() || args.n == 0 || args.sort == TodayOrder::Value;
    let enough = if reads_all { usize::MAX } else { args.n.max(args.capacity.unwrap_or(0)) };
    let mut entities = open_entities(&store, &types, at, now, enough).await?;
    let worst = |row: &EntityRow| worst_at(row, at);
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
    let done = match args.capacity {
        Some(_) => done_entities(&store, &types, (day_start(at), at), now, usize::MAX).await?,
        None => 0,
    };
    let listed_max = match args.capacity {
        Some(capacity) => capacity.saturating_sub(done),
        None if args.n == 0 => usize::MAX,
        None => args.n,
    };
    let waiting = entities.listed.get(listed_max..).unwrap_or_default().iter().map(worst).fold(0.0, f64::max);
    entities.listed.truncate(listed_max);
    let mut out = anstream::stdout().lock();
    if !args.json && !entities.listed.is_empty() {
        let listed = entities.listed.len();
        writeln!(out, "{}\n", heading(listed, (entities.open, entities.has_more), at, &zone()))?;
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
    notes(&args, &entities, &HiddenEntities { count: total - entities.listed.len(), worst: waiting, done });
    Ok(CommandOutcome::Done)
}

/// The entity's worst score at a time; 0 if none is current.
fn worst_at(row: &EntityRow, at: Timestamp) -> f64 {
    row.worst_judgement(at).map_or(0.0, |(_, judgement)| judgement.risk_score.get())
}

/// The open entities as they were at this time. One with a later alert is made again from its insights. Only so many are
/// read that the `enough` worst are among them, so that the time does not grow with the store.
pub(super) async fn open_entities(
    store: &AnyStore,
    types: &AlertTypes,
    at: Timestamp,
    now: Timestamp,
    enough: usize,
) -> Result<OpenEntities> {
    let (mut entities, mut known) = (OpenEntities::default(), BTreeSet::new());
    let mut after = None;
    loop {
        let page = store.open_entities(after.as_ref(), READ_AT_ONCE, now).await?;
        let is_last = page.len() < READ_AT_ONCE;
        after = page.last().map(EntityRow::place);
        for row in page {
            known.insert(row.key.clone());
            let Some(row) = as_of(store, types, row, at, now).await? else { continue };
            entities.add(row, at);
        }
        // The page is in the order of the scores at the latest alert, above which no present score is.
        let next = after.as_ref().map_or(0.0, |place: &WorklistPlace| place.worst.get());
        entities.has_more = !is_last;
        if is_last && at < now {
            break;
        }
        if is_last || entities.listed.iter().filter(|row| worst_at(row, at) >= next).count() >= enough {
            return Ok(entities);
        }
    }
    // Whoever was open then and is closed now.
    for key in recent_entities(store, at.minus(longest_silence(types)), at, usize::MAX).await? {
        if !known.contains(&key)
            && let Some(row) = entity_as_it_was(store, types, &key, at, now).await?
            && row.state.is_open()
        {
            entities.add(row, at);
        }
    }
    Ok(entities)
}

/// An open entity as it was at a time; `None` if it had no alert. Its state is the one of then, if its insight had been made
/// by then; of a backlog that was judged later, it is the present one.
async fn as_of(
    store: &AnyStore,
    types: &AlertTypes,
    row: EntityRow,
    at: Timestamp,
    now: Timestamp,
) -> Result<Option<EntityRow>> {
    let has_changed = |row: &EntityRow| {
        row.latest_alert() > at || row.changed.as_ref().is_some_and(|changed| changed.at > at)
    };
    if at >= now || !has_changed(&row) {
        return Ok(Some(row));
    }
    if let Some(past) = entity_as_it_was(store, types, &row.key, at, now).await? {
        return Ok(Some(past));
    }
    if row.latest_alert() <= at {
        return Ok(Some(row));
    }
    let past = entity_of_insights(store, types, &row.key, at, now).await?;
    Ok(past.map(|past| EntityRow { state: row.state, assignee: row.assignee, until: row.until, ..past }))
}

impl OpenEntities {
    fn add(&mut self, row: EntityRow, at: Timestamp) {
        self.open += usize::from(row.state.is_open());
        if row.is_listed(at) {
            self.listed.push(row);
        } else if row.is_recovered(at) {
            self.recovered.push(row);
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

/// Those that are not listed, because there are too many.
struct HiddenEntities {
    count: usize,
    /// The highest risk score of them.
    worst: f64,
    /// Those that were set to done on the day, if there is a capacity.
    done: usize,
}

fn notes(args: &Args, entities: &OpenEntities, hidden: &HiddenEntities) {
    let HiddenEntities { count, worst, done } = *hidden;
    if let Some(capacity) = args.capacity.filter(|_| count > 0) {
        let used = match done {
            0 => String::new(),
            1 => ", of which 1 is done".to_owned(),
            _ => format!(", of which {done} are done"),
        };
        note(&format!(
            "{count} more than today's capacity of {capacity}{used}; the highest risk of those not listed is {worst}"
        ));
    } else if count > 0 {
        let least = if entities.has_more { "at least " } else { "" };
        note(&format!("{least}{count} more; use -n to list more of them, or -n 0 for all"));
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
    if entities.listed.is_empty() && count == 0 {
        note("nobody needs attention now: no alert is current, or each is done or snoozed");
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
