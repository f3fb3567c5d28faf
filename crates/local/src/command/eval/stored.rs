//! Judges the stored insights, as the arguments say.

use anyhow::{Result, anyhow};
use portend_core::clock::Clock;
use portend_eval::join::{Cutoff, RowChoice};
use portend_remote::SystemClock;

use super::Args;
use crate::command::insights::open_for_changes;
use crate::command::time::{duration, moment};
use crate::config::Config;
use crate::evaluation::{NamedReport, judge};
use crate::evidence;
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
    let store = open_for_changes(config).await?;
    let evidence = evidence::load(&store, &types, args.alert_type.as_deref(), since, now).await?;
    evidence.keep(&store, cutoff, now).await;
    Ok(judge(&evidence, args.by, cutoff, if args.all { RowChoice::All } else { RowChoice::FirstOfWindow }))
}
