//! `portend types try`: judges alerts by alert types, and stores nothing.

use std::io::Write;
use std::path::PathBuf;

use anyhow::{Context, Result};
use portend_core::clock::Clock;
use portend_core::help::explained;
use portend_core::limits::EVENT_DEADLINE;
use portend_core::pipeline::{Pipeline, Preview};
use portend_remote::SystemClock;
use serde_json::json;

use super::folder::types_in;
use crate::config::Config;
use crate::input::{self, Input};
use crate::show::card::{CardContext, CardKind, card};
use crate::show::output::{CommandOutcome, STRONG, WrongUsage, YELLOW, json_line, paint};
use crate::show::text::shown;

/// Judge alerts, and store nothing: neither an insight, nor a claim, nor a parked event.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TryArgs {
    /// Print one JSON object per alert: `{"status": "judged", "alert_id", "insight"}` or
    /// `{"status": "refused", "reason", "message"}`.
    #[arg(long)]
    json: bool,

    /// Files with alerts (`-` is standard input), and folders of alert types, or of one type, to judge them by.
    #[arg(required = true, value_name = "FILE_OR_DIR")]
    paths: Vec<PathBuf>,
}

pub(crate) async fn run(args: TryArgs, config: &Config) -> Result<CommandOutcome> {
    let (folders, files): (Vec<_>, Vec<_>) = args.paths.into_iter().partition(|path| path.is_dir());
    let types = match folders.as_slice() {
        [] => config.alert_types().map_err(WrongUsage::from)?,
        [folder] => types_in(folder)?,
        [_, second, ..] => {
            let error =
                anyhow::anyhow!("{} is a second folder; name one folder of alert types", second.display());
            return Err(WrongUsage::from(error).into());
        }
    };
    if files.is_empty() {
        let error = anyhow::anyhow!("no file with alerts is named; add one, or - for standard input");
        return Err(WrongUsage::from(error).into());
    }
    let open = |path: &PathBuf| {
        Input::open(path).with_context(|| format!("cannot read {}; give a file with alerts", path.display()))
    };
    let inputs: Vec<Input> = files.iter().map(open).collect::<Result<_>>().map_err(WrongUsage::from)?;
    let aws = config.aws().await.map_err(WrongUsage::from)?;
    let models = config.chain.models(&aws).map_err(WrongUsage::from)?;
    let pipeline = Pipeline::new(types.clone(), (), SystemClock).with_models(models, config.chain.scorecard);
    let mut events = input::read(inputs, types.clone());
    let mut ended = CommandOutcome::Done;
    let mut out = anstream::stdout().lock();
    while let Some(event) = events.recv().await {
        let event = event.map_err(|(path, error)| {
            anyhow::Error::from(error).context(format!("cannot read {} any further", path.display()))
        })?;
        let mut run = pipeline.run(pipeline.clock().now().plus(EVENT_DEADLINE));
        let (reason, message) = match run.preview(&pipeline.receive(&event.bytes)).await {
            Preview::Insight(insight) => {
                if args.json {
                    let line =
                        json!({ "status": "judged", "alert_id": insight.alert_id(), "insight": insight });
                    json_line(&mut out, &line)?;
                } else {
                    let context =
                        CardContext { kind: CardKind::Tried, evidence: false, missing_probability: None };
                    writeln!(out, "{}", card(&insight, types.get(insight.prediction_type()), context))?;
                }
                continue;
            }
            Preview::Refused(refusal) => (refusal.reason().to_string(), refusal.message().to_owned()),
            Preview::NoAnswer(stop) => ("no_answer".to_owned(), explained(&stop)),
        };
        ended = CommandOutcome::Incomplete;
        let message = format!("{}: {message}", event.location);
        if args.json {
            json_line(&mut out, &json!({ "status": "refused", "reason": reason, "message": message }))?;
        } else {
            let head = format!("{} {}", paint(YELLOW.bold(), "refused"), paint(STRONG, &shown(&reason)));
            writeln!(out, "{head}\n     {}\n", shown(&message))?;
        }
    }
    Ok(ended)
}
