//! `portend types`: lists the alert types, shows one with its facts and points, and checks a folder of them.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::Subcommand;
use portend_core::alert_type::{
    AlertType, AlertTypes, Fact, FactKind, FactRange, FolderError, PointsCondition, PointsTable,
};

use super::samples;
use crate::config::Config;
use crate::show::output::{CommandOutcome, FAINT, STRONG, WrongUsage, json_line, note, paint, table};
use crate::show::text::{counted, shown};

/// List alert types, show one, or check a folder of them.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// List the alert types.
    List {
        /// Print one JSON object per type.
        #[arg(long)]
        json: bool,
    },
    /// Show one alert type: its question, scale, facts and points.
    Show {
        /// Print it as one JSON object.
        #[arg(long)]
        json: bool,
        /// The alert type's id.
        id: String,
    },
    /// Check a folder of alert types, or the folder of one type: its definition and its samples.
    Check {
        /// Write the insight of each sample whose insight is missing or different.
        #[arg(long)]
        write_insights: bool,
        /// The folder.
        dir: PathBuf,
    },
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let types = || config.alert_types().map_err(WrongUsage::from);
    let mut out = anstream::stdout().lock();
    match args.command.unwrap_or(Command::List { json: false }) {
        Command::List { json: true } => types()?.iter().try_for_each(|each| json_line(&mut out, each))?,
        Command::List { json: false } => {
            let types = types()?;
            let rows = types.iter().map(|each| {
                vec![
                    shown(each.id()),
                    shown(each.title()),
                    shown(each.entity()),
                    shown(each.predicts()),
                    each.facts().len().to_string(),
                ]
            });
            writeln!(out, "{}", table(&["id", "title", "entity", "predicts", "facts"], &[4], rows))?;
        }
        Command::Show { json, id } => {
            let types = types()?;
            let unknown = || anyhow!("unknown alert type {id}; portend types lists them");
            let alert_type = types.get(&id).ok_or_else(unknown)?;
            if json {
                json_line(&mut out, alert_type)?;
            } else {
                out.write_all(sheet(alert_type).as_bytes())?;
            }
        }
        Command::Check { write_insights, dir } => return check(&dir, write_insights).await,
    }
    Ok(CommandOutcome::Done)
}

async fn check(dir: &Path, write_insights: bool) -> Result<CommandOutcome> {
    let is_one_type = dir.join("alert.toml").is_file();
    let types = if is_one_type { AlertTypes::from_type_folder(dir) } else { AlertTypes::from_folder(dir) };
    let types = match types {
        Ok(types) => types,
        Err(error @ FolderError::Lint(_)) => {
            writeln!(anstream::stdout(), "{}", crate::show::text::shown_lines(&error.to_string()))?;
            return Ok(CommandOutcome::Incomplete);
        }
        Err(
            error @ (FolderError::Folder { .. }
            | FolderError::File { .. }
            | FolderError::Map { .. }
            | FolderError::Empty { .. }),
        ) => {
            return Err(WrongUsage::from(anyhow::Error::from(error)).into());
        }
    };
    let (mut count, mut wrong) = (0, Vec::new());
    for alert_type in types.iter() {
        let folder = if is_one_type { dir.to_owned() } else { dir.join(alert_type.id()) };
        let (samples, findings) = samples::check(&types, &folder, write_insights).await?;
        count += samples;
        if samples == 0 {
            note(&format!(
                "{} has no sample; add samples/NAME/alert.json, so that a change of its points shows its effect",
                alert_type.id()
            ));
        }
        wrong.extend(findings);
    }
    let mut out = anstream::stdout().lock();
    if wrong.is_empty() {
        writeln!(
            out,
            "{} and {} are valid",
            counted(types.iter().count() as u64, "alert type"),
            counted(count as u64, "sample")
        )?;
        return Ok(CommandOutcome::Done);
    }
    wrong.iter().try_for_each(|finding| writeln!(out, "{}", crate::show::text::shown_lines(finding)))?;
    Ok(CommandOutcome::Incomplete)
}

/// Everything that a type defines, formatted for people.
fn sheet(alert_type: &AlertType) -> String {
    let mut sheet = String::new();
    // Writing to a string cannot fail.
    let mut line = |text: &str| {
        let _ = writeln!(sheet, "{}", text.trim_end());
    };
    line(&format!("{}  {}", paint(STRONG, &shown(alert_type.title())), paint(FAINT, alert_type.id())));
    line(&shown(alert_type.question()));
    line(&format!(
        "About a {}, over {} days; predicts {}; an alert with the same facts within {} is a repeat.",
        alert_type.entity(),
        alert_type.horizon_days(),
        alert_type.predicts(),
        alert_type.repeat_window_text()
    ));
    line("");
    line(&paint(STRONG, "Scale"));
    for (point, meaning) in alert_type.scale() {
        line(&format!("  {point:>3}  {}", shown(meaning)));
    }
    for fact in alert_type.facts() {
        line("");
        line(&format!("{}  {}", paint(STRONG, &shown(fact.label())), paint(FAINT, fact.id())));
        fact_lines(fact, alert_type.points_table(), &mut line);
    }
    let table = alert_type.points_table();
    line("");
    line(&format!("{}  {} points for every alert", paint(STRONG, "Base"), table.base));
    for advice in &table.otherwise {
        line(&format!("  otherwise  {}", shown(advice)));
    }
    sheet
}

fn fact_lines(fact: &Fact, table: &PointsTable, line: &mut impl FnMut(&str)) {
    line(&format!("  {}", shown(fact.meaning())));
    match fact.kind() {
        FactKind::Integer(range) | FactKind::Number(range) => {
            let FactRange { min, max, unit, step, worse, .. } = range;
            let whole = if matches!(fact.kind(), FactKind::Integer(_)) { "whole, " } else { "" };
            let worse = format!("{worse:?}").to_lowercase();
            line(&format!("  {whole}{min} to {max} {}, in steps of {step}; {worse} is worse", shown(unit)));
        }
        FactKind::Enum { values, .. } => {
            for value in values {
                line(&format!("  {}: {}", shown(&value.id), shown(&value.meaning)));
            }
        }
    }
    for each in table.points.iter().filter(|each| each.fact == fact.id()) {
        for row in &each.add {
            let when = match &row.when {
                PointsCondition::From(from) => format!("from {from}"),
                PointsCondition::Below(below) => format!("below {below}"),
                PointsCondition::Value(value) => value.clone(),
            };
            line(&format!("  {:>+4}  {when}", row.points));
        }
        line(&format!("  advice: {}", shown(&each.advice)));
    }
}
