//! `portend outcomes`: imports what happened to entities, and lists or retracts it.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use anyhow::{Result, anyhow, ensure};
use clap::Subcommand;
use portend_core::alert_type::{AlertType, AlertTypes};
use portend_core::clock::Clock;
use portend_core::outcome::{OutcomeAct, OutcomeEvent, OutcomeFact, OutcomeRow};
use portend_core::store::{EvaluationRow, Outcomes};
use portend_core::time::Timestamp;
use portend_http::limits::OUTCOME_PROBLEMS_MAX;
use portend_remote::SystemClock;
use serde_json::json;

use super::insights::{open_existing, open_for_changes};
use super::time::moment;
use crate::config::Config;
use crate::evidence::{self, ROWS_STORED_AT_ONCE};
use crate::outcome_file::{self, ReadOutcomes};
use crate::show::output::{CommandOutcome, WrongUsage, json_line, note, table};
use crate::show::text::{counted, shown};

/// What an act begins with in a list.
const ACT_PREFIX: &str = "acted:";

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
        /// Print one JSON object with the counts, and why lines were refused: the first 100.
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
    /// Remove a row that was wrong. The row of an act is named by `acted:` and what was done, and its time.
    Retract {
        /// The type of entity, such as student.
        entity_type: String,
        /// The entity; - for a census.
        entity_id: String,
        /// The event, such as churn; or an act, such as acted:called.
        outcome: String,
        /// The time of the event or act. Without it, the row that says that there was no event is removed.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// The third word is an act, such as called, and not an event.
        #[arg(long)]
        acted: bool,
    },
    /// List what happened. Of a table, without --entity, only what happened to the entities with insights.
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
            if let Some(expected) = OutcomeRow::expected_time(until, now) {
                let wrong = anyhow!("--until {until} is not a time of a census; give {expected}");
                return Err(WrongUsage::from(wrong).into());
            }
            let store = open_for_changes(&config).await?;
            store.put_outcomes(&[OutcomeRow::census(&entity_type, &outcome, until)], now).await?;
            note(&format!("every {entity_type} without {outcome} is followed until {until}"));
            Ok(CommandOutcome::Done)
        }
        Command::Retract { entity_type, entity_id, outcome, at, acted } => {
            let at = at.map(|text| moment("--at", &text, now)).transpose()?;
            let entity_id = (entity_id != "-").then_some(entity_id);
            let is_act = acted || outcome.starts_with(ACT_PREFIX);
            let fact = if is_act {
                act(&types, &entity_type, entity_id.as_deref(), &outcome, at).map_err(WrongUsage::from)?
            } else {
                check_event(&types, &entity_type, &outcome).map_err(WrongUsage::from)?;
                OutcomeFact::Event(OutcomeEvent { outcome, at, followed_until: None })
            };
            let row = OutcomeRow { entity_type, entity_id, fact };
            if open_for_changes(&config).await?.retract_outcome(&row, now).await? {
                note(&format!("removed {}", described(&row)));
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
    let (mut stored, mut refused, mut problems) = (0, 0, Vec::new());
    for file in files {
        let ReadOutcomes { rows, refused: of_file, problems: found } = outcome_file::read(file, types, now)?;
        refused += of_file;
        for problem in found {
            let mut problem = serde_json::to_value(problem)?;
            // Of one file, the line is enough.
            if let Some(members) = problem.as_object_mut().filter(|_| files.len() > 1) {
                members.insert("file".to_owned(), json!(file.display().to_string()));
            }
            problems.push(problem);
        }
        for rows in rows.chunks(ROWS_STORED_AT_ONCE) {
            store.put_outcomes(rows, now).await?;
        }
        stored += rows.len() as u64;
    }
    if as_json {
        problems.truncate(OUTCOME_PROBLEMS_MAX);
        let mut object = json!({"stored": stored, "refused": refused});
        if let Some(members) = object.as_object_mut().filter(|_| !problems.is_empty()) {
            members.insert("problems".to_owned(), problems.into());
        }
        json_line(&mut std::io::stdout().lock(), &object)?;
    } else {
        note(&format!("{} stored, {refused} refused", counted(stored, "row")));
    }
    Ok(if refused > 0 { CommandOutcome::Incomplete } else { CommandOutcome::Done })
}

/// The act of a row, as `list` prints it or without its prefix.
fn act(
    types: &AlertTypes,
    entity_type: &str,
    entity_id: Option<&str>,
    text: &str,
    at: Option<Timestamp>,
) -> Result<OutcomeFact> {
    let kinds: BTreeSet<&str> = types.iter().map(AlertType::entity).collect();
    let known: Vec<&str> = kinds.iter().copied().collect();
    ensure!(
        kinds.contains(entity_type),
        "no alert type is about a {}; write one of: {}",
        shown(entity_type),
        known.join(", ")
    );
    ensure!(entity_id.is_some(), "nobody acted on everyone at once; name the entity of the act");
    let at = at
        .ok_or_else(|| anyhow!("an act has a time; give it with --at, as portend outcomes list prints it"))?;
    let acted = text.strip_prefix(ACT_PREFIX).unwrap_or(text).to_owned();
    Ok(OutcomeFact::Act(OutcomeAct { acted, at, alert_id: None }))
}

/// A row in words.
fn described(row: &OutcomeRow) -> String {
    let whose = match &row.entity_id {
        Some(id) => format!("{} {}", shown(&row.entity_type), shown(id)),
        None => format!("every {}", shown(&row.entity_type)),
    };
    match &row.fact {
        OutcomeFact::Event(OutcomeEvent { outcome, at: Some(at), .. }) => {
            format!("the {} of {whose} at {at}", shown(outcome))
        }
        OutcomeFact::Event(OutcomeEvent { outcome, .. }) => {
            format!("the row that says that {whose} had no {}", shown(outcome))
        }
        OutcomeFact::Act(OutcomeAct { acted, at, .. }) => {
            format!("{ACT_PREFIX}{} of {whose} at {at}", shown(acted))
        }
    }
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
    let all = if entity.is_none() { store.all_outcomes(now).await? } else { None };
    let is_partial = entity.is_none() && all.is_none();
    let rows = match (all, entity) {
        (Some(rows), _) => rows,
        (None, Some(id)) => {
            let kinds = types.iter().map(|each| (each.entity(), id)).collect();
            evidence::outcomes_of(&store, types, &kinds, now).await?
        }
        (None, None) => {
            let seen = evidence::load(&store, types, None, None, now).await?;
            let of_row = |row: &EvaluationRow| (row.entity_type.clone(), row.entity_id.clone());
            let entities: BTreeSet<(String, String)> = seen.rows.iter().map(of_row).collect();
            let entities = entities.iter().map(|(kind, id)| (kind.as_str(), id.as_str())).collect();
            evidence::outcomes_of(&store, types, &entities, now).await?
        }
    };
    if is_partial {
        note(
            "a table is read by entity, so only the outcomes of entities with insights are listed; --entity ID lists those of another",
        );
    }
    if as_json {
        let mut out = std::io::stdout().lock();
        rows.iter().try_for_each(|row| json_line(&mut out, row))?;
        return Ok(CommandOutcome::Done);
    }
    if rows.is_empty() {
        let of_insights = if is_partial { " of entities with insights" } else { "" };
        let whose = entity.map_or_else(|| of_insights.to_owned(), |id| format!(" of {}", shown(id)));
        note(&format!("no outcomes{whose} are stored; portend outcomes import FILE imports them"));
        return Ok(CommandOutcome::Done);
    }
    let lines = rows.iter().map(|row| {
        let (what, at, until) = match &row.fact {
            OutcomeFact::Event(event) => (shown(&event.outcome), event.at, event.followed_until),
            OutcomeFact::Act(act) => (format!("{ACT_PREFIX}{}", shown(&act.acted)), Some(act.at), None),
        };
        // The whole time, because `retract` needs it.
        let time = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
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
