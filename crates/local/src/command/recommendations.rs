//! `portend recommendations`: what alert types recommend, what people did with it, and what followed.

use std::io::Write;

use anyhow::{Result, anyhow};
use portend_core::alert_type::AlertType;
use portend_core::clock::Clock;
use portend_core::time::Timestamp;
use portend_eval::followed::RecommendationReport;
use portend_remote::SystemClock;
use serde::Serialize;

use super::insights::open_existing;
use crate::advice::{TypeAdvice, advice_of, event_words};
use crate::config::Config;
use crate::moment::{Direction, moment};
use crate::show::output::{CommandOutcome, STRONG, WrongUsage, json_line, note, paint};
use crate::show::text::shown;

/// Show what each alert type recommends, how often it was done or skipped, and what followed.
///
/// Say it with `portend feedback ALERT done --recommendation N`. The rates say what followed, and not why: people choose
/// whom they help. To see what notifying people changes, compare with the entities that the setting `holdout` chose.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Only this alert type.
    #[arg(long = "type", value_name = "ID")]
    alert_type: Option<String>,

    /// Only insights of alerts since a date (2025-01-31), a time (2025-01-31T09:00:00Z) or a duration ago (90m, 24h, 7d).
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// Print one JSON object per recommendation.
    #[arg(long)]
    json: bool,
}

/// A recommendation of an alert type with what followed it.
#[derive(Debug, Serialize)]
struct ReportedRecommendation<'a> {
    #[serde(rename = "type")]
    alert_type: &'a str,
    id: &'a str,
    text: &'a str,
    #[serde(flatten)]
    report: &'a RecommendationReport,
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let since = args.since.as_deref().map(|text| moment("--since", text, Direction::Past, now)).transpose();
    let since = since.map_err(WrongUsage::from)?.unwrap_or(Timestamp::EPOCH);
    if let Some(id) = args.alert_type.as_deref().filter(|id| types.get(id).is_none()) {
        let error = anyhow!("unknown alert type `{id}`; portend types lists them");
        return Err(WrongUsage::from(error).into());
    }
    let store = open_existing(&config).await?;
    let chosen = types.iter().filter(|each| args.alert_type.as_deref().is_none_or(|id| id == each.id()));
    let mut out = anstream::stdout().lock();
    for alert_type in chosen {
        let advice = advice_of(&store, &types, alert_type, since, now).await?;
        if args.json {
            advice
                .iter()
                .try_for_each(|each| json_line(&mut out, &ReportedRecommendation::new(alert_type, each)))?;
        } else {
            print(&mut out, alert_type, &advice)?;
        }
    }
    drop(out);
    if !args.json {
        note(
            "these rates say what followed, not what a recommendation caused: people choose whom they help. To measure an effect, use the setting `holdout`",
        );
    }
    Ok(CommandOutcome::Done)
}

impl<'a> ReportedRecommendation<'a> {
    fn new(alert_type: &'a AlertType, TypeAdvice { id, text, report }: &'a TypeAdvice) -> Self {
        Self { alert_type: alert_type.id(), id, text, report }
    }
}

fn print(out: &mut impl Write, alert_type: &AlertType, advice: &[TypeAdvice]) -> Result<()> {
    writeln!(out, "{}: {}", paint(STRONG, &shown(alert_type.title())), event_words(alert_type))?;
    for each in advice {
        writeln!(out, "  {}  {}", paint(STRONG, &each.id), shown(&each.text))?;
        if each.report.given == 0 {
            writeln!(out, "    never given")?;
        }
        for (name, sentence) in each.lines() {
            writeln!(out, "    {name:<9} {sentence}")?;
        }
    }
    writeln!(out)?;
    Ok(())
}
