//! Groups the stored insights, joins them with what happened, and judges each group.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use portend_core::calibration::CalibrationMap;
use portend_core::clock::Clock;
use portend_core::store::EvaluationRow;
use portend_eval::join::{Cutoff, InsightClaim, RowChoice};
use portend_eval::report::GroupReport;
use portend_remote::SystemClock;

use super::{Args, GroupName, Grouping, NamedReport};
use crate::command::evidence::{self, OutcomeEvidence, claim_of, open_writable};
use crate::command::time::{duration, moment};
use crate::config::Config;
use crate::show::output::WrongUsage;
use crate::show::text::shown;

/// The report of each group, in the order of their names.
pub(super) async fn reports(args: &Args, config: &Config) -> Result<Vec<NamedReport>> {
    let now = SystemClock.now();
    let types = config.alert_types().map_err(WrongUsage::from)?;
    if let Some(id) = args.alert_type.as_deref().filter(|id| types.get(id).is_none()) {
        let unknown = anyhow!("unknown alert type {}; portend types lists them", shown(id));
        return Err(WrongUsage::from(unknown).into());
    }
    let since = args.since.as_deref().map(|text| moment("--since", text, now)).transpose()?;
    let cutoff = Cutoff {
        now: args.as_of.as_deref().map_or(Ok(now), |text| moment("--as-of", text, now))?,
        report_lag: duration("--report-lag", &args.report_lag)?,
    };
    let store = open_writable(config, now).await?;
    let evidence = evidence::load(&store, &types, args.alert_type.as_deref(), since, now).await?;
    evidence.keep(&store, cutoff, now).await;
    Ok(judge(&evidence, args.by, cutoff, if args.all { RowChoice::All } else { RowChoice::FirstOfWindow }))
}

/// Judges each group of the evidence.
pub(super) fn judge(
    evidence: &OutcomeEvidence,
    by: Grouping,
    cutoff: Cutoff,
    choice: RowChoice,
) -> Vec<NamedReport> {
    let mut groups: BTreeMap<GroupName, (Vec<InsightClaim>, Option<&CalibrationMap>)> = BTreeMap::new();
    for row in &evidence.rows {
        let (claims, map) = groups.entry(name_of(row, by)).or_default();
        claims.push(claim_of(row));
        // A group of several models has no map of its own.
        *map = evidence.map(row).filter(|_| by != Grouping::Type);
    }
    let report = |(name, (claims, map)): (GroupName, (Vec<InsightClaim>, Option<&CalibrationMap>))| {
        let apply = map.map(|map| |score: f64| map.curve.probability(score));
        let apply = apply.as_ref().map(|apply| apply as &dyn Fn(f64) -> f64);
        let report = GroupReport::of_claims(&claims, &evidence.outcomes, cutoff, choice, apply);
        NamedReport { name, report }
    };
    groups.into_iter().map(report).collect()
}

fn name_of(row: &EvaluationRow, by: Grouping) -> GroupName {
    let mut name = GroupName {
        alert_type: Some(row.source.alert_type.clone()),
        predicts: Some(row.predicts.clone()),
        ..GroupName::default()
    };
    if by != Grouping::Type {
        name.model_used = Some(row.source.model_used.clone());
        name.model_id.clone_from(&row.source.model_id);
        name.prompt.clone_from(&row.source.prompt);
    }
    if by == Grouping::Month {
        let day = row.t0.day();
        name.month = day.rsplit_once('-').map(|(month, _)| month.to_owned());
    }
    name
}
