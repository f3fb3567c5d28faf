//! `portend drift`: whether alerts and scores have changed, by entities and not by alerts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use anyhow::Result;
use portend_core::alert::Facts;
use portend_core::alert_type::{AlertType, FactValue};
use portend_core::clock::Clock;
use portend_core::insight::{InsightFields, StoredInsight};
use portend_core::limits::PAGE_MAX;
use portend_core::number::Number;
use portend_core::store::{InsightQuery, Parking, Queries};
use portend_core::time::Timestamp;
use portend_eval::drift::{BinnedEntities, DriftSample, DriftTest, is_enough, test_together};
use portend_remote::SystemClock;
use serde::Serialize;

use super::insights::open_existing;
use super::time::{duration, moment};
use crate::any_store::AnyStore;
use crate::config::Config;
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

    /// Print one JSON object per alert type.
    #[arg(long)]
    json: bool,
}

/// What changed in one alert type.
#[derive(Debug, Serialize)]
struct DriftReport {
    #[serde(rename = "type")]
    alert_type: String,
    /// `drift`, `none` or `too_few`.
    status: &'static str,
    /// Entities in the recent period.
    recent: usize,
    /// Entities in the period before it.
    reference: usize,
    facts: Vec<FactDrift>,
    score: Option<DriftTest>,
    /// Shares of the insights now and before.
    shares: BTreeMap<&'static str, [Option<f64>; 2]>,
}

#[derive(Debug, Serialize)]
struct FactDrift {
    fact: String,
    #[serde(flatten)]
    test: DriftTest,
}

/// The insights of one alert type in both periods.
#[derive(Default)]
struct Periods {
    /// The latest insight of each entity.
    latest: BTreeMap<(bool, String), Box<InsightFields>>,
    /// Insights, and those of them with each property.
    counts: [BTreeMap<&'static str, usize>; 2],
}

const SHARES: [&str; 4] = ["fallback", "degraded", "unusable", "unsupported"];

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let end = args.as_of.as_deref().map_or(Ok(now), |text| moment("--as-of", text, now))?;
    let since = moment("--since", &args.since, end)?;
    let from = since.minus(duration("--against", &args.against)?);
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let store = open_existing(&config).await?;
    let parked = parked_shares(&store, from, since, end, now).await?;
    let mut out = anstream::stdout().lock();
    let mut has_drifted = false;
    for alert_type in types.iter().filter(|each| args.alert_type.as_deref().is_none_or(|id| id == each.id()))
    {
        let periods = periods(&store, alert_type, from, since, end, now).await?;
        let mut report = report(alert_type, &periods);
        report.shares.insert("parked", parked);
        has_drifted |= report.status == "drift";
        if args.json {
            json_line(&mut out, &report)?;
        } else {
            out.write_all(text(alert_type, &report).as_bytes())?;
        }
    }
    if has_drifted {
        note(
            "after a change, judge the scores again with portend eval, and fit or calibrate with recent outcomes",
        );
    }
    Ok(CommandOutcome::Done)
}

/// Reads the insights of both periods, by the times of their alerts.
async fn periods(
    store: &AnyStore,
    alert_type: &AlertType,
    from: Timestamp,
    since: Timestamp,
    end: Timestamp,
    now: Timestamp,
) -> Result<Periods> {
    let mut periods = Periods::default();
    let mut query = InsightQuery {
        alert_type: Some(alert_type.id().to_owned()),
        limit: PAGE_MAX,
        ..InsightQuery::default()
    };
    loop {
        let page = store.insights(&query, now).await?;
        for insight in page.insights {
            if let StoredInsight::Current(fields) = insight
                && (from..end).contains(&fields.alert_timestamp)
            {
                periods.add(fields, since);
            }
        }
        query.after = page.next;
        if query.after.is_none() {
            return Ok(periods);
        }
    }
}

/// The share of received events that were parked, now and before. They have no alert type.
async fn parked_shares(
    store: &AnyStore,
    from: Timestamp,
    since: Timestamp,
    end: Timestamp,
    now: Timestamp,
) -> Result<[Option<f64>; 2]> {
    let (mut parked, mut stored) = ([0_u32; 2], [0_u32; 2]);
    let count = |counts: &mut [u32; 2], at: Timestamp| {
        if (from..end).contains(&at)
            && let Some(count) = counts.get_mut(usize::from(at < since))
        {
            *count += 1;
        }
    };
    let mut after = None;
    loop {
        let page = store.parked(after.as_ref(), PAGE_MAX, now).await?;
        page.events.iter().for_each(|event| count(&mut parked, event.received_at));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut query = InsightQuery { since: Some(from), limit: PAGE_MAX, ..InsightQuery::default() };
    loop {
        let page = store.insights(&query, now).await?;
        page.insights.iter().for_each(|insight| count(&mut stored, insight.timestamp()));
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    let share = |parked: u32, stored: u32| {
        let all = parked + stored;
        (all > 0).then(|| f64::from(parked) / f64::from(all))
    };
    let ([parked_now, parked_before], [stored_now, stored_before]) = (parked, stored);
    Ok([share(parked_now, stored_now), share(parked_before, stored_before)])
}

impl Periods {
    fn add(&mut self, fields: Box<InsightFields>, since: Timestamp) {
        let is_recent = fields.alert_timestamp >= since;
        let [recent, reference] = &mut self.counts;
        let counts = if is_recent { recent } else { reference };
        let unsupported = fields.grounding.as_ref().is_some_and(|report| !report.unsupported.is_empty());
        let unusable = fields.attempts.iter().any(|attempt| attempt.violations.is_some());
        let has = [fields.model_used.ends_with("-fallback"), fields.degraded, unusable, unsupported];
        *counts.entry("all").or_default() += 1;
        for (name, has) in SHARES.iter().zip(has) {
            *counts.entry(name).or_default() += usize::from(has);
        }
        let key = (is_recent, fields.entity_id.clone());
        let is_later =
            self.latest.get(&key).is_none_or(|before| fields.alert_timestamp > before.alert_timestamp);
        if is_later {
            self.latest.insert(key, fields);
        }
    }

    fn entities(&self, recent: bool) -> usize {
        self.latest.keys().filter(|(is_recent, _)| *is_recent == recent).count()
    }
}

fn report(alert_type: &AlertType, periods: &Periods) -> DriftReport {
    let (recent, reference) = (periods.entities(true), periods.entities(false));
    let share = |counts: &BTreeMap<&str, usize>, name: &str| {
        let count =
            |name: &str| u32::try_from(counts.get(name).copied().unwrap_or_default()).unwrap_or(u32::MAX);
        (count("all") > 0).then(|| f64::from(count(name)) / f64::from(count("all")))
    };
    let [now, before] = &periods.counts;
    let shares = SHARES.iter().map(|name| (*name, [share(now, name), share(before, name)])).collect();
    let alert_type_id = alert_type.id().to_owned();
    if !is_enough(recent, reference) {
        let (facts, score) = (Vec::new(), None);
        return DriftReport {
            alert_type: alert_type_id,
            status: "too_few",
            recent,
            reference,
            facts,
            score,
            shares,
        };
    }
    let facts: Vec<(String, BinnedEntities)> = alert_type
        .facts()
        .iter()
        .filter_map(|fact| {
            let binned = binned(periods, |fields| bin_of(alert_type, fact.id(), &fields.facts))?;
            Some((fact.id().to_owned(), binned))
        })
        .collect();
    let facts: Vec<FactDrift> =
        test_together(&facts).into_iter().map(|(fact, test)| FactDrift { fact, test }).collect();
    let score = binned(periods, |fields| Some(tens(fields.risk_score)))
        .and_then(|bins| test_together(&[("score".to_owned(), bins)]).pop())
        .map(|(_, test)| test);
    let drifted = facts.iter().any(|fact| fact.test.drift) || score.as_ref().is_some_and(|test| test.drift);
    let status = if drifted { "drift" } else { "none" };
    DriftReport { alert_type: alert_type_id, status, recent, reference, facts, score, shares }
}

/// The entities of both periods by bin. `None` if there is no bin for a fact.
fn binned(periods: &Periods, bin: impl Fn(&InsightFields) -> Option<String>) -> Option<BinnedEntities> {
    let mut binned = BinnedEntities::default();
    for ((is_recent, _), fields) in &periods.latest {
        let sample = if *is_recent { DriftSample::Recent } else { DriftSample::Reference };
        binned.add(bin(fields)?, sample);
    }
    Some(binned)
}

/// The row of the points table that counts, or the value of an enum. `None` if the table does not use the fact.
fn bin_of(alert_type: &AlertType, fact: &str, facts: &Facts) -> Option<String> {
    let value = facts.get(fact)?;
    match alert_type.points_table().points_of(fact, value) {
        Some(points) if matches!(value, FactValue::Number(_)) => Some(format!("{points} points")),
        Some(_) | None => match value {
            FactValue::Word(word) => Some(word.clone()),
            FactValue::Number(_) => None,
        },
    }
}

/// The ten in which a score is, such as `40 to 50`.
fn tens(score: Number) -> String {
    let ten = (score.get() / 10.0).floor().min(9.0) * 10.0;
    format!("{ten} to {}", ten + 10.0)
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
