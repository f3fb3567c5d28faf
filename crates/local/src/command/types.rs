//! `portend types`: lists the alert types, shows one with its facts and points, checks a folder of them, and helps to
//! write and to change one.

mod folder;
mod sheet;
mod payload;
mod scaffold;
mod attempt;
mod diff;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use clap::Subcommand;
use portend_core::alert_type::FolderError;

use super::samples;
use crate::config::Config;
use crate::runner::notices;
use crate::show::output::{CommandOutcome, WrongUsage, json_line, note, table};
use crate::show::text::{counted, shown};

/// List alert types, show one, check a folder of them, or write, try and compare them.
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
        /// Write the insight of each sample whose insight is missing or different, and the alerts of mappings.
        #[arg(long)]
        write_insights: bool,
        /// The folder.
        dir: PathBuf,
    },
    New(scaffold::NewArgs),
    Try(attempt::TryArgs),
    Diff(diff::DiffArgs),
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let types = || {
        let types = config.alert_types().map_err(WrongUsage::from)?;
        notices(&config);
        Ok::<_, WrongUsage>(types)
    };
    let command = match args.command {
        Some(Command::Check { write_insights, dir }) => return check(&dir, write_insights).await,
        Some(Command::New(args)) => return scaffold::run(&args).await,
        Some(Command::Try(args)) => return attempt::run(args, &config).await,
        Some(Command::Diff(args)) => return diff::run(args, &config).await,
        Some(command @ (Command::List { .. } | Command::Show { .. })) => command,
        None => Command::List { json: false },
    };
    let mut out = anstream::stdout().lock();
    match command {
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
                out.write_all(sheet::sheet(alert_type).as_bytes())?;
            }
        }
        Command::Check { .. } | Command::New(_) | Command::Try(_) | Command::Diff(_) => {}
    }
    Ok(CommandOutcome::Done)
}

async fn check(dir: &Path, write_insights: bool) -> Result<CommandOutcome> {
    let is_one_type = folder::is_one_type(dir);
    let types = match folder::read(dir) {
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
        let (mapped, of_mappings) = samples::mapped::check(&types, alert_type.id(), &folder, write_insights)?;
        count += samples + mapped;
        wrong.extend(of_mappings);
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
