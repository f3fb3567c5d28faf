//! `portend fit`: fits a new table of points for an alert type, and writes it as a folder with a report.

mod report;
mod folder;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, anyhow};
use portend_core::alert::Alert;
use portend_core::alert_type::{AlertType, AlertTypes};
use portend_core::clock::Clock;
use portend_core::store::EvaluationRow;
use portend_core::time::Timestamp;
use portend_eval::fit::{FitRow, NoFit, fit_type};
use portend_eval::join::{Cutoff, InsightClaim, OutcomeIndex, RowChoice, judged};
use portend_remote::SystemClock;
use serde_json::json;

use super::insights::open_for_changes;
use crate::config::Config;
use crate::evidence::{self, claim_of};
use crate::outcome_file::{self, ReadOutcomes, RefusedLines};
use crate::show::html;
use crate::show::output::{CommandOutcome, WrongUsage, json_line, note};
use crate::show::text::{counted, shown};
use folder::Target;

/// Fit a new table of points to what happened, and say what it is worth.
///
/// The result is a new folder with the alert type and its new points, the map from scores to probabilities, and a
/// report. The type in use is not changed. The same input produces the same bytes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The alert type.
    #[arg(long = "type", value_name = "ID")]
    alert_type: String,

    /// The alerts, as JSON Lines; - reads standard input [default: those of the stored insights].
    #[arg(long, value_name = "FILE", requires = "outcomes")]
    alerts: Option<PathBuf>,

    /// What happened, as JSON Lines or CSV [default: the stored outcomes].
    #[arg(long, value_name = "FILE", requires = "alerts")]
    outcomes: Option<PathBuf>,

    /// Where to write the new folder.
    ///
    /// The folder of the type is created in it, unless its name is the type's id already.
    #[arg(long, value_name = "DIR", default_value = "fitted")]
    out: PathBuf,

    /// Fit as if it were this time: a date, a time or a duration ago.
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,

    /// How long it takes until an event is reported, such as 7d.
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    report_lag: String,

    /// Also write the report with its pictures to this file, as one page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Print the report as one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let unknown = || anyhow!("unknown alert type {}; portend types lists them", shown(&args.alert_type));
    let alert_type = types.get(&args.alert_type).ok_or_else(unknown).map_err(WrongUsage::from)?;
    let now = SystemClock.now();
    let cutoff = Cutoff {
        now: args.as_of.as_deref().map_or(Ok(now), |text| super::time::moment("--as-of", text, now))?,
        report_lag: super::time::duration("--report-lag", &args.report_lag)?,
    };
    let target = Target::new(&args.out, alert_type.id(), &config).map_err(WrongUsage::from)?;
    let (rows, refused) = match (&args.alerts, &args.outcomes) {
        (Some(alerts), Some(outcomes)) => joined(alerts, outcomes, &types, alert_type, cutoff)?,
        _ => (stored(&config, &types, alert_type, cutoff).await?, 0),
    };
    let fitted = match fit_type(alert_type, &rows) {
        Ok(fitted) => fitted,
        Err(reason) => return refuse(&args, reason),
    };
    let written = target.write(alert_type, &fitted, &rows, config.alert_types_folder())?;
    if let Some(file) = &args.html {
        html::write(
            file,
            &format!("New points for {}", alert_type.id()),
            &report::sections(alert_type, &fitted),
        )?;
    }
    if args.json {
        json_line(&mut std::io::stdout().lock(), &fitted.report)?;
    } else {
        use std::io::Write;
        anstream::stdout().lock().write_all(report::text(alert_type, &fitted).as_bytes())?;
        note(&format!("written to {}", shown(&written.display().to_string())));
    }
    Ok(if refused > 0 { CommandOutcome::Incomplete } else { CommandOutcome::Done })
}

fn refuse(args: &Args, reason: NoFit) -> Result<CommandOutcome> {
    if args.json {
        let refused = json!({"status": "refused", "reason": reason.code(), "message": reason.to_string()});
        json_line(&mut std::io::stdout().lock(), &refused)?;
    }
    note(&format!("{}: {reason}; nothing was written; use more alerts with known outcomes", reason.code()));
    Ok(CommandOutcome::Incomplete)
}

/// The rows to fit, from stored insights and outcomes.
async fn stored(
    config: &Config,
    types: &AlertTypes,
    alert_type: &AlertType,
    cutoff: Cutoff,
) -> Result<Vec<FitRow>> {
    let now = SystemClock.now();
    let store = open_for_changes(config).await?;
    let evidence = evidence::load(&store, types, Some(alert_type.id()), None, now).await?;
    evidence.keep(&store, cutoff, now).await;
    let has_facts =
        |row: &&EvaluationRow| alert_type.facts().iter().all(|fact| row.facts.get(fact.id()).is_some());
    let rows: BTreeMap<&str, &EvaluationRow> =
        evidence.rows.iter().filter(has_facts).map(|row| (row.alert_id.as_str(), row)).collect();
    let claims: Vec<InsightClaim> = rows.values().map(|row| claim_of(row)).collect();
    let states = claims.iter().map(|claim| (claim, evidence.outcomes.state(claim, cutoff)));
    let fit_row = |(claim, event): (&InsightClaim, bool)| {
        let facts = rows.get(claim.alert_id.as_str())?.facts.clone();
        Some(FitRow { t0: claim.t0, entity_id: claim.entity_id.clone(), facts, event })
    };
    Ok(judged(states, RowChoice::FirstOfWindow).into_iter().filter_map(fit_row).collect())
}

/// The rows to fit, from files: for each entity, the first alert that counts in each window of one horizon.
fn joined(
    alerts: &Path,
    outcomes: &Path,
    types: &AlertTypes,
    alert_type: &AlertType,
    cutoff: Cutoff,
) -> Result<(Vec<FitRow>, u64)> {
    let now = SystemClock.now();
    let ReadOutcomes { rows: outcomes, refused: refused_outcomes, .. } =
        outcome_file::read(outcomes, types, now)?;
    let index = OutcomeIndex::new(&outcomes);
    let (alerts, refused_alerts) = read_alerts(alerts, types, alert_type, now)?;
    let claims: Vec<InsightClaim> =
        alerts.iter().enumerate().map(|(number, alert)| claim(number, alert)).collect();
    let states: Vec<_> = claims.iter().map(|claim| (claim, index.state(claim, cutoff))).collect();
    let rows = judged(states, RowChoice::FirstOfWindow).into_iter().filter_map(|(claim, event)| {
        let alert = alerts.get(claim.alert_id.parse::<usize>().ok()?)?;
        Some(FitRow { t0: claim.t0, entity_id: claim.entity_id.clone(), facts: alert.facts().clone(), event })
    });
    Ok((rows.collect(), refused_outcomes + refused_alerts))
}

/// An alert as a claim, with its place in the file as its id.
fn claim(number: usize, alert: &Alert<'_>) -> InsightClaim {
    InsightClaim {
        alert_id: format!("{number:012}"),
        entity_type: alert.alert_type().entity().to_owned(),
        entity_id: alert.entity_id().to_owned(),
        predicts: alert.alert_type().predicts().to_owned(),
        t0: alert.timestamp(),
        horizon: Duration::from_hours(24 * u64::from(alert.alert_type().horizon_days())),
        score: 0.0,
        baseline: None,
        is_held_out: false,
    }
}

/// The alerts of one type in a file.
fn read_alerts<'t>(
    path: &Path,
    types: &'t AlertTypes,
    alert_type: &AlertType,
    now: Timestamp,
) -> Result<(Vec<Alert<'t>>, u64)> {
    let mut alerts = Vec::new();
    let mut others = 0;
    let mut refused = RefusedLines::of(path);
    let reader = outcome_file::open(path, "alerts as JSON Lines")?;
    outcome_file::lines(reader, path, |number, line| {
        match Alert::read(line, types, now) {
            Ok(alert) if alert.alert_type().id() == alert_type.id() => alerts.push(alert),
            Ok(_) => others += 1,
            Err(refusal) => refused.add(number, &refusal.to_string()),
        }
        Ok(())
    })?;
    refused.end();
    if others > 0 {
        note(&format!("{} of other types skipped", counted(others, "alert")));
    }
    Ok((alerts, refused.count))
}
