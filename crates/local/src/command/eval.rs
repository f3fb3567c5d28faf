//! `portend eval`: how good the scores were, from stored insights and outcomes, or from a file of rows.

mod rows;
mod stored;
mod text;
mod html;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use portend_eval::figures::Figures;
use portend_eval::report::GroupReport;

use crate::config::Config;
use crate::evaluation::{GroupName, Grouping, NamedReport};
use crate::show::output::{CommandOutcome, json_line, note};
use crate::show::text::cell;

/// Say how good the scores were: their order, their calibration, and both beside the scorecard's.
///
/// The base rate and the AUC have intervals of 95 %. If too few rows support a figure, the reason is printed instead.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Judge the rows of this file, as JSON Lines; - reads standard input.
    ///
    /// A row is {"score": 0..100, "outcome": 0 or 1}, and may have "entity" and "baseline" (0..100). Rows of one entity
    /// are not independent, and the standard errors take that into account.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["alert_type", "since", "as_of", "all", "by"])]
    rows: Option<PathBuf>,

    /// Only insights of this alert type.
    #[arg(long = "type", value_name = "ID")]
    alert_type: Option<String>,

    /// Only insights of alerts since a date (2025-01-31), a time (2025-01-31T09:00:00Z) or a duration ago (90m, 24h, 7d).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// Judge as if it were this time: a date, a time or a duration ago.
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,

    /// How long it takes until an event is reported, such as 7d.
    ///
    /// An insight is not judged before its horizon and this time are over.
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    report_lag: String,

    /// Judge every insight, not only the first of an entity in each horizon.
    ///
    /// The standard errors then take into account that insights about one entity are not independent.
    #[arg(long)]
    all: bool,

    /// One group for each model of each type (model), for each type (type), or for each month of each model (month).
    ///
    /// A model with another id or prompt is another model.
    #[arg(long, value_name = "GROUP", default_value = "model")]
    by: Grouping,

    /// Print one JSON object per group.
    #[arg(long, conflicts_with = "csv")]
    json: bool,

    /// Print CSV with a heading, one line per group.
    #[arg(long)]
    csv: bool,

    /// Also write the reports with their pictures to this file, as one page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Fail (exit code 1) if a figure of any group is lower than this or cannot be said, such as auc=.6.
    ///
    /// The figures are `auc` and `brier_skill`.
    #[arg(long, value_name = "FIGURE=LIMIT", value_parser = floor)]
    fail_under: Vec<Floor>,
}

/// A figure, and the least that it may be.
#[derive(Debug, Clone)]
pub(super) struct Floor {
    figure: String,
    least: f64,
}

fn floor(text: &str) -> Result<Floor, String> {
    let wrong = || "write auc=.6 or brier_skill=0".to_owned();
    let (figure, least) = text.split_once('=').ok_or_else(wrong)?;
    let least = least.parse::<f64>().ok().filter(|least| least.is_finite()).ok_or_else(wrong)?;
    let is_known = ["auc", "brier_skill"].contains(&figure);
    is_known.then(|| Floor { figure: figure.to_owned(), least }).ok_or_else(wrong)
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let (reports, refused) = match &args.rows {
        Some(file) => {
            let (rows, refused) = rows::read(file)?;
            let report = GroupReport::of_rows(&rows, None);
            (vec![NamedReport { name: GroupName::default(), report }], refused)
        }
        None => (stored::reports(&args, &config).await?, 0),
    };
    if let Some(file) = &args.html {
        html::write(file, &reports)?;
    }
    print(&args, &reports)?;
    if reports.is_empty() {
        note(
            "there are no insights to judge; portend explain makes them, portend outcomes import says what happened",
        );
    }
    let is_enough = is_enough(&args.fail_under, &reports);
    Ok(if refused > 0 || !is_enough { CommandOutcome::Incomplete } else { CommandOutcome::Done })
}

fn print(args: &Args, reports: &[NamedReport]) -> Result<()> {
    if args.json {
        let mut out = std::io::stdout().lock();
        return reports.iter().try_for_each(|report| json_line(&mut out, report));
    }
    if args.csv {
        return write_csv(reports);
    }
    let mut out = anstream::stdout().lock();
    for report in reports {
        out.write_all(text::report(report).as_bytes())?;
    }
    Ok(())
}

/// Whether every figure is at least its limit. Each one that is not is reported.
fn is_enough(floors: &[Floor], reports: &[NamedReport]) -> bool {
    let mut enough = true;
    for report in reports {
        for Floor { figure, least } in floors {
            let got = report.report.figure(figure);
            if got.is_none_or(|got| got < *least) {
                let got = got.map_or_else(|| "not known".to_owned(), |got| format!("{got:.4}"));
                note(&format!("{figure} is {got}, expected at least {least}{}", report.name.suffix()));
                enough = false;
            }
        }
    }
    enough
}

/// Reads one figure.
type FigureOf = fn(&Figures) -> Option<f64>;

/// The columns of the CSV that are figures.
const FIGURES: [(&str, FigureOf); 13] = [
    ("base_rate", |figures| figures.base_rate),
    ("base_rate_low", |figures| figures.base_rate_low),
    ("base_rate_high", |figures| figures.base_rate_high),
    ("auc", |figures| figures.auc),
    ("auc_se", |figures| figures.auc_se),
    ("auc_low", |figures| figures.auc_low),
    ("auc_high", |figures| figures.auc_high),
    ("brier", |figures| figures.brier),
    ("brier_se", |figures| figures.brier_se),
    ("brier_skill", |figures| figures.brier_skill),
    ("log_loss", |figures| figures.log_loss),
    ("ece", |figures| figures.ece),
    ("ece_floor", |figures| figures.ece_floor),
];

fn write_csv(reports: &[NamedReport]) -> Result<()> {
    let mut writer = csv::Writer::from_writer(std::io::stdout());
    let names = ["type", "model_used", "model_id", "prompt", "month"];
    let counts = ["pending", "yes", "no", "gone", "unknown", "n", "entities", "events"];
    let figures = FIGURES.iter().map(|(name, _)| *name);
    writer.write_record(names.into_iter().chain(counts).chain(figures).chain(["slope", "intercept"]))?;
    for NamedReport { name, report } in reports {
        let text = |value: &Option<String>| cell(value.as_deref().unwrap_or_default());
        let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        let mut record: Vec<String> =
            [&name.alert_type, &name.model_used, &name.model_id, &name.prompt, &name.month].map(text).into();
        let (states, of) = (&report.states, &report.figures);
        let counts = [
            states.pending,
            states.yes,
            states.no,
            states.gone,
            states.unknown,
            of.n,
            of.entities,
            of.events,
        ];
        record.extend(counts.iter().map(ToString::to_string));
        record.extend(FIGURES.iter().map(|(_, figure)| number(figure(of))));
        record.push(number(of.recalibration.map(|line| line.slope)));
        record.push(number(of.recalibration.map(|line| line.intercept)));
        writer.write_record(record)?;
    }
    Ok(writer.flush()?)
}
