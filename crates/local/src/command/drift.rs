//! `portend drift`: whether alerts and scores have changed, by entities and not by alerts.

use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Result;
use portend_core::alert_type::AlertType;
use portend_core::clock::Clock;
use portend_eval::drift::DriftTest;
use portend_eval::picture;
use portend_remote::SystemClock;

use super::insights::open_existing;
use super::time::{duration, moment};
use crate::config::Config;
use crate::drift::{DriftReport, drift, parked_shares};
use crate::show::html::{self, HtmlSection, HtmlTable};
use crate::show::output::{CommandOutcome, STRONG, WrongUsage, json_line, note, paint, table};
use crate::show::text::shown;

/// Say whether alerts and scores have changed.
///
/// Each entity counts once in each period, with its latest insight. A change is only reported if it is larger than
/// chance allows and large enough to matter.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The recent period: since a date, a time or a duration ago.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    since: String,

    /// The length of the period before it that it is compared with.
    #[arg(long, value_name = "DURATION", default_value = "30d")]
    against: String,

    /// The end of the recent period: a date, a time or a duration ago [default: now].
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,

    /// Only this alert type.
    #[arg(long = "type", value_name = "ID")]
    alert_type: Option<String>,

    /// Also write the report with its pictures to this file, as one page that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Print one JSON object per alert type.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let end = args.as_of.as_deref().map_or(Ok(now), |text| moment("--as-of", text, now))?;
    let since = moment("--since", &args.since, end)?;
    let from = since.minus(duration("--against", &args.against)?);
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let store = open_existing(&config).await?;
    let parked = parked_shares(&store, [from, since, end], now).await?;
    let mut out = anstream::stdout().lock();
    let (mut has_drifted, mut sections) = (false, Vec::new());
    for alert_type in types.iter().filter(|each| args.alert_type.as_deref().is_none_or(|id| id == each.id()))
    {
        let mut report = drift(&store, alert_type, [from, since, end], now).await?;
        report.shares.insert("parked", parked);
        has_drifted |= report.status == "drift";
        sections.push(section(alert_type, &report));
        if args.json {
            json_line(&mut out, &report)?;
        } else {
            out.write_all(text(alert_type, &report).as_bytes())?;
        }
    }
    if let Some(file) = &args.html {
        html::write(file, "Whether alerts and scores have changed", &sections)?;
    }
    if has_drifted {
        note(
            "after a change, judge the scores again with portend eval, and fit or calibrate with recent outcomes",
        );
    }
    Ok(CommandOutcome::Done)
}

/// The report as a part of a page, with a picture and a table of each fact.
fn section(alert_type: &AlertType, report: &DriftReport) -> HtmlSection {
    let mut section = HtmlSection::of_text(&text(alert_type, report));
    let facts = report.facts.iter().map(|fact| (fact.fact.as_str(), &fact.test));
    for (name, test) in facts.chain(report.score.as_ref().map(|test| ("score", test))) {
        let shares: Vec<(f64, f64)> =
            test.counts.iter().map(|bin| bin.shares(report.recent, report.reference)).collect();
        section.pictures.push(picture::two_periods(name, &shares));
        let rows = (1..).zip(&test.counts).map(|(number, bin)| {
            let cells =
                [number.to_string(), bin.bin.clone(), bin.recent.to_string(), bin.reference.to_string()];
            cells.to_vec()
        });
        let headings = vec!["", "row of points or value", "entities now", "entities before"];
        section.tables.push(HtmlTable { headings, rows: rows.collect() });
    }
    section
}

fn text(alert_type: &AlertType, report: &DriftReport) -> String {
    let mut text = format!("{}\n", paint(STRONG, &shown(alert_type.title())));
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{} entities now, {} before. {}",
        report.recent,
        report.reference,
        match report.status {
            "drift" => "Something has changed.",
            "none" => "No change can be shown.",
            _ => "Too few to say anything: 50 are needed in each period.",
        }
    );
    let line = |name: &str, test: &DriftTest| {
        let verdict = if test.drift { "changed" } else { "-" };
        vec![shown(name), format!("{:.3}", test.psi), format!("{:.4}", test.p), verdict.to_owned()]
    };
    let lines: Vec<Vec<String>> = report
        .facts
        .iter()
        .map(|fact| line(&fact.fact, &fact.test))
        .chain(report.score.as_ref().map(|test| line("the score", test)))
        .collect();
    if !lines.is_empty() {
        let _ = writeln!(text, "\n{}", table(&["fact", "psi", "p", ""], &[1, 2], lines));
    }
    let percent =
        |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", 100.0 * share));
    let shares = report
        .shares
        .iter()
        .map(|(name, [now, before])| vec![(*name).to_owned(), percent(*now), percent(*before)]);
    let _ = writeln!(text, "\n{}\n", table(&["share of insights", "now", "before"], &[1, 2], shares));
    text
}
