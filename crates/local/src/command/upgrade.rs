//! `portend upgrade`: asks the models again for what the scorecard had to judge, and tells what was not told.
//!
//! Takes: the store's degraded insights, and the settings' models.
//! Gives: a card or a line of JSON for each upgraded insight, and a tally.
//! Never: touches an insight that is not degraded; tries one more than twice.

use std::io::Write;

use anyhow::{Result, anyhow};
use portend_core::clock::Clock;
use portend_core::limits::{EVENT_DEADLINE, PAGE_MAX};
use portend_core::pipeline::{Account, Upgraded};
use portend_core::store::{Due, Store, Todo};
use portend_core::time::Timestamp;
use serde_json::json;

use super::insights::open_existing;
use crate::config::Config;
use crate::show::card::{Heading, What, card};
use crate::show::output::{Answer, WrongUsage, json_line, note};
use crate::work::Desk;

/// Do what was left to do: ask the models again for insights that the scorecard made since a model failed; tell the event
/// bus, if one is configured, of insights that it did not take.
///
/// Exit code: 0 if nothing is left to do, 1 if something must wait.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object per insight: `{"status": "told" | "untold" | "upgraded" | "later" | "never", "alert_id",
    /// "insight"}`.
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: Args, config: Config) -> Result<Answer> {
    drop(open_existing(&config).await?);
    let desk = Desk::open(&config, None).await?;
    let pipeline = &desk.pipeline;
    if pipeline.models().is_empty() && !pipeline.tells() {
        let mend = "name one in MODELS, as --models bedrock,scorecard";
        return Err(WrongUsage::from(anyhow!(
            "no model is configured that could upgrade an insight; {mend}"
        ))
        .into());
    }
    let mut tally = Tally::default();
    let mut out = anstream::stdout();
    let mut after = None;
    loop {
        let page = pipeline.store().due(pipeline.clock().now(), after.as_ref(), PAGE_MAX).await?;
        after = page.last().map(Due::place);
        if after.is_none() {
            break;
        }
        for due in &page {
            if due.todo == Todo::Tell && pipeline.tells() {
                tell(&desk, due, args.json, &mut out, &mut tally).await?;
            }
            if due.insight.is_degraded() && !pipeline.models().is_empty() {
                one(&desk, due, args.json, &mut out, &mut tally).await?;
            }
        }
    }
    let Tally { told, untold, upgraded, later, never, soonest } = tally;
    if pipeline.tells() {
        note(&format!("{told} told, {untold} not taken by the event bus"));
    }
    if !pipeline.models().is_empty() {
        let when = soonest.map(|at| format!(" (not before {})", at.to_seconds_string())).unwrap_or_default();
        note(&format!("{upgraded} upgraded, {later} to try again later{when}, {never} stay as they are"));
    }
    Ok(if later + untold == 0 { Answer::Done } else { Answer::Incomplete })
}

#[derive(Debug, Default)]
struct Tally {
    told: u64,
    untold: u64,
    upgraded: u64,
    later: u64,
    never: u64,
    /// When the first of those for later may be tried again.
    soonest: Option<Timestamp>,
}

async fn tell(desk: &Desk, due: &Due, json: bool, out: &mut impl Write, tally: &mut Tally) -> Result<()> {
    let pipeline = &desk.pipeline;
    let mut account = Account::default();
    let is_told = pipeline.tell_due(due, pipeline.clock().now().plus(EVENT_DEADLINE), &mut account).await;
    desk.tell_alarms(&account);
    let (status, counter) = if is_told { ("told", &mut tally.told) } else { ("untold", &mut tally.untold) };
    *counter += 1;
    if json {
        let insight = &due.insight;
        json_line(out, &json!({ "status": status, "alert_id": insight.alert_id, "insight": insight }))?;
    }
    Ok(())
}

async fn one(desk: &Desk, due: &Due, json: bool, out: &mut impl Write, tally: &mut Tally) -> Result<()> {
    let pipeline = &desk.pipeline;
    let deadline = pipeline.clock().now().plus(EVENT_DEADLINE);
    let mut account = Account::default();
    let result = pipeline.upgrade(due, deadline, &mut account).await?;
    desk.tell_alarms(&account);
    let (status, insight) = match &result {
        Upgraded::Done(insight) => {
            tally.upgraded += 1;
            ("upgraded", insight)
        }
        Upgraded::Later(until) => {
            tally.later += 1;
            tally.soonest = Some(tally.soonest.map_or(*until, |soonest: Timestamp| soonest.min(*until)));
            ("later", &due.insight)
        }
        Upgraded::Never => {
            tally.never += 1;
            ("never", &due.insight)
        }
    };
    if json {
        json_line(out, &json!({ "status": status, "alert_id": insight.alert_id, "insight": insight }))?;
    } else if let Upgraded::Done(insight) = &result {
        let alert_type = pipeline.types().get(&insight.prediction_type);
        let card = card(insight, alert_type, Heading { what: What::New, evidence: false });
        writeln!(out, "{card}")?;
    }
    Ok(())
}
