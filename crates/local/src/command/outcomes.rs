//! `portend outcomes`: imports what happened to entities, and lists or retracts it.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, anyhow, ensure};
use clap::Subcommand;
use portend_core::alert_type::{AlertType, AlertTypes};
use portend_core::clock::Clock;
use portend_core::outcome::{OutcomeEvent, OutcomeFact, OutcomeRow};
use portend_core::store::Outcomes;
use portend_core::time::Timestamp;
use portend_remote::SystemClock;
use serde_json::json;

use super::insights::{open_existing, open_for_changes};
use super::time::moment;
use crate::config::Config;
use crate::evidence::{self, ROWS_STORED_AT_ONCE};
use crate::outcome_file;
use crate::show::output::{CommandOutcome, WrongUsage, json_line, note, table};
use crate::show::text::{counted, minute, shown};

/// Say what happened to students and subjects, so that scores can be judged.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Import rows from files, as JSON Lines or CSV with a heading; - reads standard input.
    ///
    /// A row has `entity_type`, `entity_id`, `outcome` and `at`, or `at` null with `followed_until`; or `acted` and `at`. A row with the
    /// same key replaces the earlier one, and importing twice changes nothing. A line that is refused is reported with
    /// its reason, the others are stored, and the exit code is 1.
    Import {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Print one JSON object with the counts.
        #[arg(long)]
        json: bool,
    },
    /// Say that everyone of a type was followed until a time, so that those without an event had none.
    Census {
        /// The type of entity, such as student.
        entity_type: String,
        /// The event, such as churn.
        outcome: String,
        /// Until when: a date, a time or a duration ago.
        #[arg(long, value_name = "TIME")]
        until: String,
    },
    /// Remove a row that was wrong.
    Retract {
        /// The type of entity, such as student.
        entity_type: String,
        /// The entity; - for a census.
        entity_id: String,
        /// The event, such as churn.
        outcome: String,
        /// The time of the event. Without it, the row that says that there was none is removed.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// List what happened to the entities with insights.
    List {
        /// Only this student or subject.
        #[arg(long, value_name = "ID")]
        entity: Option<String>,
        /// Print one JSON object per row, as it can be imported.
        #[arg(long)]
        json: bool,
    },
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let types = config.alert_types().map_err(WrongUsage::from)?;
    match args.command {
        Command::Import { files, json } => import(&config, &types, &files, json, now).await,
        Command::Census { entity_type, outcome, until } => {
            check_event(&types, &entity_type, &outcome).map_err(WrongUsage::from)?;
            let until = moment("--until", &until, now)?;
            let store = open_for_changes(&config).await?;
            store.put_outcomes(&[OutcomeRow::census(&entity_type, &outcome, until)], now).await?;
            note(&format!("every {entity_type} without {outcome} is followed until {until}"));
            Ok(CommandOutcome::Done)
        }
        Command::Retract { entity_type, entity_id, outcome, at } => {
            check_event(&types, &entity_type, &outcome).map_err(WrongUsage::from)?;
            let at = at.map(|text| moment("--at", &text, now)).transpose()?;
            let event = OutcomeEvent { outcome, at, followed_until: None };
            let entity_id = (entity_id != "-").then_some(entity_id);
            let row = OutcomeRow { entity_type, entity_id, fact: OutcomeFact::Event(event) };
            if open_for_changes(&config).await?.retract_outcome(&row, now).await? {
                return Ok(CommandOutcome::Done);
            }
            note("there is no such row; portend outcomes list shows the rows of an entity");
            Ok(CommandOutcome::Incomplete)
        }
        Command::List { entity, json } => list(&config, &types, entity.as_deref(), json, now).await,
    }
}

async fn import(
    config: &Config,
    types: &AlertTypes,
    files: &[PathBuf],
    as_json: bool,
    now: Timestamp,
) -> Result<CommandOutcome> {
    let store = crate::runner::open_store(config, now).await?;
    let (mut stored, mut refused) = (0, 0);
    for file in files {
        let (rows, of_file) = outcome_file::read(file, types, now)?;
        refused += of_file;
        for rows in rows.chunks(ROWS_STORED_AT_ONCE) {
            store.put_outcomes(rows, now).await?;
        }
        stored += rows.len() as u64;
    }
    if as_json {
        json_line(&mut std::io::stdout().lock(), &json!({"stored": stored, "refused": refused}))?;
    } else {
        note(&format!("{} stored, {refused} refused", counted(stored, "row")));
    }
    Ok(if refused > 0 { CommandOutcome::Incomplete } else { CommandOutcome::Done })
}

fn check_event(types: &AlertTypes, entity_type: &str, outcome: &str) -> Result<()> {
    let known = types.iter().any(|each| each.entity() == entity_type && each.predicts() == outcome);
    let pairs: BTreeSet<String> =
        types.iter().map(|each| format!("{} {}", each.entity(), each.predicts())).collect();
    let pairs: Vec<String> = pairs.into_iter().collect();
    ensure!(
        known,
        "no alert type predicts {} of a {}; write one of: {}",
        shown(outcome),
        shown(entity_type),
        pairs.join(", ")
    );
    Ok(())
}

async fn list(
    config: &Config,
    types: &AlertTypes,
    entity: Option<&str>,
    as_json: bool,
    now: Timestamp,
) -> Result<CommandOutcome> {
    let store = open_existing(config).await?;
    let all;
    let kinds: BTreeSet<&str> = types.iter().map(AlertType::entity).collect();
    let entities: BTreeSet<(&str, &str)> = if let Some(id) = entity {
        kinds.iter().map(|kind| (*kind, id)).collect()
    } else {
        all = evidence::load(&store, types, None, None, now).await?;
        all.rows.iter().map(|row| (row.entity_type.as_str(), row.entity_id.as_str())).collect()
    };
    let rows = evidence::outcomes_of(&store, types, &entities, now).await?;
    if as_json {
        let mut out = std::io::stdout().lock();
        rows.iter().try_for_each(|row| json_line(&mut out, row))?;
        return Ok(CommandOutcome::Done);
    }
    if rows.is_empty() {
        let whose = entity.map(|id| format!(" of {}", shown(id))).unwrap_or_default();
        note(&format!("no outcomes{whose} are stored; portend outcomes import FILE imports them"));
        return Ok(CommandOutcome::Done);
    }
    let lines = rows.iter().map(|row| {
        let (what, at, until) = match &row.fact {
            OutcomeFact::Event(event) => (shown(&event.outcome), event.at, event.followed_until),
            OutcomeFact::Act(act) => (format!("acted: {}", shown(&act.acted)), Some(act.at), None),
        };
        let time = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), minute);
        let entity = row.entity_id.as_deref().map_or_else(|| "everyone".to_owned(), shown);
        vec![shown(&row.entity_type), entity, what, time(at), time(until)]
    });
    writeln!(
        anstream::stdout(),
        "{}",
        table(&["type", "entity", "what", "at", "followed until"], &[], lines)
    )
    .map_err(|error| anyhow!(error))?;
    Ok(CommandOutcome::Done)
}
