//! `portend digest`: what changed since a time, each student and subject once.

use std::io::Write;

use anyhow::Result;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::entity::EntityRow;
use portend_core::number::Number;
use portend_core::store::entity_of_insights;
use portend_core::time::Timestamp;
use portend_remote::SystemClock;

use super::insights::open_existing;
use super::today::open_entities;
use crate::any_store::AnyStore;
use crate::config::Config;
use crate::moment::{Direction, moment};
use crate::show::digest::{Digest, DigestFormat, DigestLine, DigestSection};
use crate::show::output::{CommandOutcome, WrongUsage, json_line};

/// Print what changed since a time: who is new, back, worse, better or recovered.
///
/// Each student or subject is in one section, and those that have not changed are only counted. For a report each
/// morning, run it from a schedule: `0 7 * * * portend digest --since 24h | mail -s Portend team@example.com`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Since a date (2025-01-31), a time (2025-01-31T09:00:00Z) or a duration ago (90m, 24h, 7d).
    #[arg(long, value_name = "TIME", default_value = "24h")]
    since: String,

    /// As of this time [default: now]. A duration in --since is then before it.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,

    /// The form.
    #[arg(long, value_name = "FORM", value_enum, default_value_t = DigestFormat::Text)]
    format: DigestFormat,
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let at = args.at.as_deref().map(|text| moment("--at", text, Direction::Past, now)).transpose();
    let at = at.map_err(WrongUsage::from)?.unwrap_or(now);
    let since = moment("--since", &args.since, Direction::Past, at).map_err(WrongUsage::from)?;
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let store = open_existing(&config).await?;
    let digest = digest(&store, &types, since, at, now).await?;
    let mut out = anstream::stdout().lock();
    match args.format {
        DigestFormat::Json => json_line(&mut out, &digest)?,
        DigestFormat::Text => out.write_all(digest.text().as_bytes())?,
        DigestFormat::Markdown => out.write_all(digest.markdown().as_bytes())?,
        DigestFormat::Html => out.write_all(digest.html().as_bytes())?,
    }
    Ok(CommandOutcome::Done)
}

/// The sections, in their order.
const TITLES: [&str; 5] = ["New", "Back", "Worse", "Better", "Recovered"];

async fn digest(
    store: &AnyStore,
    types: &AlertTypes,
    since: Timestamp,
    until: Timestamp,
    now: Timestamp,
) -> Result<Digest> {
    let entities = open_entities(store, types, until, now).await?;
    let mut lines: [Vec<DigestLine>; 5] = Default::default();
    let mut unchanged = 0;
    let [new, back, worse, better, recovered] = &mut lines;
    for row in &entities.listed {
        let before = if row.latest_alert() < since {
            Some(row.clone())
        } else {
            entity_of_insights(store, types, &row.key, since, now).await?
        };
        let before = before.and_then(|before| score(&before, since));
        let Some(line) = line(row, types, until, before) else { continue };
        match (before, line.risk_score) {
            (None, _) if row.opened_at < since || row.returned.is_some() => back.push(line),
            (None, _) => new.push(line),
            (Some(before), Some(present)) if present > before => worse.push(line),
            (Some(before), Some(present)) if present < before => better.push(line),
            (Some(_), _) => unchanged += 1,
        }
    }
    for row in &entities.recovered {
        // Who had recovered before was in an earlier digest.
        if let Some(before) = score(row, since) {
            let at = since.max(row.latest_alert());
            recovered.extend(line(row, types, at, Some(before)).map(|line| DigestLine {
                risk_score: None,
                advice: None,
                ..line
            }));
        }
    }
    let mut sections = Vec::new();
    for (title, mut lines) in TITLES.into_iter().zip(lines) {
        let order = |line: &DigestLine| line.risk_score.or(line.before).map_or(0.0, Number::get);
        lines.sort_by(|one, other| order(other).total_cmp(&order(one)));
        if !lines.is_empty() {
            sections.push(DigestSection { title, lines });
        }
    }
    Ok(Digest { since, until, sections, unchanged })
}

/// The worst score at a time; `None` if none is current.
fn score(row: &EntityRow, at: Timestamp) -> Option<Number> {
    row.worst_judgement(at).map(|(_, judgement)| judgement.risk_score)
}

fn line(row: &EntityRow, types: &AlertTypes, at: Timestamp, before: Option<Number>) -> Option<DigestLine> {
    let (alert_type, judgement) = row.worst_judgement(at)?;
    Some(DigestLine {
        entity_type: row.key.entity_type.clone(),
        entity_id: row.key.entity_id.clone(),
        before,
        risk_score: Some(judgement.risk_score),
        title: types.get(alert_type).map_or(alert_type, |each| each.title()).to_owned(),
        advice: judgement.advice.clone(),
    })
}
