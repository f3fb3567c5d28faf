//! `portend recommendations`: what alert types recommend, what people did with it, and what followed.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use anyhow::{Result, anyhow};
use portend_core::alert_type::AlertType;
use portend_core::clock::Clock;
use portend_core::limits::PAGE_MAX;
use portend_core::recommendation::recommendations_of;
use portend_core::store::{EvaluationRow, Feedback, InsightQuery, Queries};
use portend_core::time::Timestamp;
use portend_eval::followed::{FollowedRate, RecommendationReport, RecommendedClaim, followed};
use portend_eval::join::{Cutoff, OutcomeIndex};
use portend_remote::SystemClock;
use serde::Serialize;

use super::insights::open_existing;
use crate::any_store::AnyStore;
use crate::config::Config;
use crate::evidence::{claim_of, outcomes_of};
use crate::moment::{Direction, moment};
use crate::show::output::{CommandOutcome, STRONG, WrongUsage, json_line, note, paint};
use crate::show::text::{counted, shown};

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

/// The id under which the advice that is a model's own is counted.
const OWN: &str = "own";

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
        let claims = claims(&store, alert_type, since, now).await?;
        let entities = claims
            .iter()
            .map(|each| (each.claim.entity_type.as_str(), each.claim.entity_id.as_str()))
            .collect();
        let outcomes = OutcomeIndex::new(&outcomes_of(&store, &types, &entities, now).await?);
        let cutoff = Cutoff { now, report_lag: Duration::ZERO };
        let reports = followed(&claims, &outcomes, cutoff);
        print(&mut out, &args, alert_type, &reports)?;
    }
    drop(out);
    if !args.json {
        note(
            "these rates say what followed, not what a recommendation caused: people choose whom they help. To measure an effect, use the setting `holdout`",
        );
    }
    Ok(CommandOutcome::Done)
}

/// The insights of a type, with what people did with each of their recommendations.
async fn claims(
    store: &AnyStore,
    alert_type: &AlertType,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<RecommendedClaim>> {
    let mut query = InsightQuery {
        alert_type: Some(alert_type.id().to_owned()),
        limit: PAGE_MAX,
        ..InsightQuery::default()
    };
    let mut claims = Vec::new();
    loop {
        let page = store.insights(&query, now).await?;
        let ids: Vec<String> = page.insights.iter().map(|each| each.alert_id().to_owned()).collect();
        let feedback = store.feedback(&ids, now).await?;
        for insight in &page.insights {
            let Some(row) = EvaluationRow::of(insight, None).filter(|row| row.t0 >= since) else { continue };
            let given = recommendations_of(insight, Some(alert_type), &feedback);
            let recommendations = given.into_iter().map(|each| {
                // Each text of a model's own would be a row of its own.
                let id = if each.id.starts_with("own.") { OWN.to_owned() } else { each.id };
                (id, each.response)
            });
            let mut by_id: BTreeMap<String, _> = BTreeMap::new();
            for (id, response) in recommendations {
                let known = by_id.entry(id).or_insert(response);
                *known = known.or(response);
            }
            let recommendations = by_id.into_iter().collect();
            claims.push(RecommendedClaim { claim: claim_of(&row), recommendations });
        }
        query.after = page.next;
        if query.after.is_none() {
            return Ok(claims);
        }
    }
}

fn print(
    out: &mut impl Write,
    args: &Args,
    alert_type: &AlertType,
    reports: &BTreeMap<String, RecommendationReport>,
) -> Result<()> {
    let catalogue = alert_type.recommendations();
    let known = catalogue.iter().map(|each| (each.id.as_str(), each.text.as_str()));
    let none = RecommendationReport::default();
    if !args.json {
        let event = alert_type.predicts().replace('_', " ");
        let horizon = alert_type.horizon_words();
        writeln!(out, "{}: {event} within {horizon}", paint(STRONG, &shown(alert_type.title())))?;
    }
    for (id, text) in known.chain([(OWN, "Advice that a model wrote itself.")]) {
        let report = reports.get(id).unwrap_or(&none);
        if args.json {
            json_line(out, &ReportedRecommendation { alert_type: alert_type.id(), id, text, report })?;
            continue;
        }
        writeln!(out, "  {}  {}", paint(STRONG, id), shown(text))?;
        let parts = [("done", &report.done), ("skipped", &report.skipped), ("no answer", &report.unanswered)];
        if report.given == 0 {
            writeln!(out, "    never given")?;
        }
        for (name, rate) in parts.iter().filter(|(_, rate)| rate.insights > 0) {
            writeln!(out, "    {name:<9} {}", sentence(rate))?;
        }
    }
    if !args.json {
        writeln!(out)?;
    }
    Ok(())
}

/// The rate in words, with its number of rows.
fn sentence(rate: &FollowedRate) -> String {
    let FollowedRate { n, events, .. } = rate;
    let insights = counted(rate.insights as u64, "insight");
    match (rate.rate, rate.low, rate.high) {
        (Some(share), Some(low), Some(high)) => {
            let [share, low, high] = [share, low, high].map(|share| format!("{:.0}", 100.0 * share));
            format!(
                "{insights}; of {n} that can be judged, it happened in {events} ({share} %, likely {low} to {high} %)"
            )
        }
        _ => format!("{insights}; none can be judged yet"),
    }
}
