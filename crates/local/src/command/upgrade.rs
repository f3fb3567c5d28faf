//! `portend upgrade`: runs the sweep once. It publishes pending notifications, and calls the models for degraded
//! insights.

use std::pin::pin;

use anyhow::{Result, anyhow};
use indicatif::ProgressBar;
use portend_core::clock::Clock;
use portend_core::insight::StoredInsight;
use portend_core::pipeline::{SweepEvent, SweepReport};
use portend_core::store::keep_evaluations;
use portend_core::time::Timestamp;
use serde_json::json;
use tokio::sync::mpsc;

use super::explain::OUTPUT_TIME_MAX;
use super::insights::open_existing;
use super::stop_signal;
use crate::config::Config;
use crate::runner::EventRunner;
use crate::show::card::{CardContext, CardKind, card};
use crate::show::output::{CommandOutcome, WrongUsage, json_line, note};
use crate::show::text::{counted, thousands};
use crate::show::writer::OutputWriter;

/// Publish insights that the event bus did not accept, and upgrade degraded insights, which the scorecard made because
/// the models failed.
///
/// Exit code: 0 if nothing is left to do, 1 if something must wait, 130 if you stopped it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object per insight: `{"status": "told" | "untold" | "upgraded" | "later" | "never", "alert_id",
    /// "insight"}`. `told` means published, and `untold` means still to be published.
    #[arg(long)]
    json: bool,

    /// Ask at once: without the pause of 10 minutes after a failed upgrade, and also where every reply was unusable.
    ///
    /// Otherwise an insight with unusable replies waits until its model has changed or has returned a usable reply.
    #[arg(long)]
    now: bool,

    /// Call the models even if they answered the same question before. Their new answers are stored for later.
    #[arg(long)]
    no_reuse: bool,
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    drop(open_existing(&config).await?);
    let runner = EventRunner::open(&config, None).await?.reusing_answers(!args.no_reuse);
    let pipeline = &runner.pipeline;
    if pipeline.models().is_empty() && !pipeline.notifies() {
        let example = "name models with --models bedrock,scorecard, or a bus with --event-bus";
        return Err(
            WrongUsage::from(anyhow!("no model, event bus or channel is configured; {example}")).into()
        );
    }
    let mut writer = OutputWriter::start(ProgressBar::hidden())?;
    let (events, mut observed) = mpsc::unbounded_channel();
    // The sweep has no deadline of its own. Each insight has the usual deadline of an event.
    let run = pipeline.run(Timestamp::from_millis(i64::MAX));
    let mut run = if args.now { run.upgrading_now() } else { run };
    let mut soonest = None;
    let mut stop = pin!(stop_signal());
    let report = {
        let mut sweep = pin!(run.sweep(move |event| drop(events.send(event.clone()))));
        let mut report = None;
        loop {
            tokio::select! {
                biased;
                () = &mut stop => break None,
                swept = &mut sweep, if report.is_none() => report = Some(swept?),
                handed = writer.hand_over(), if writer.is_waiting() => handed?,
                event = observed.recv() => match (event, report) {
                    (Some(event), _) => {
                        if let SweepEvent::Later(_, until) = &event {
                            soonest = Some(soonest.map_or(*until, |soonest: Timestamp| soonest.min(*until)));
                        }
                        writer.push(&printed(&event, args.json, &runner)?);
                    }
                    (None, Some(report)) => break Some(report),
                    (None, None) => {}
                },
            }
        }
    };
    runner.report(run.account());
    let Some(report) = report else {
        tokio::select! {
            () = runner.release() => {}
            // The leases end by themselves.
            () = stop_signal() => {}
        }
        // A reader that is blocked does not keep the program from ending.
        let _ = tokio::time::timeout(OUTPUT_TIME_MAX, writer.finish()).await;
        note("stopped; run portend upgrade again to do the rest");
        return Ok(CommandOutcome::Interrupted);
    };
    writer.finish().await?;
    keep_evaluations(pipeline.store(), pipeline.types(), pipeline.clock().now(), || false).await?;
    notes(&report, soonest, &runner);
    let is_done = report.later + report.unpublished == 0 && report.complete;
    Ok(if is_done { CommandOutcome::Done } else { CommandOutcome::Incomplete })
}

/// The output for one insight.
fn printed(event: &SweepEvent, json: bool, runner: &EventRunner) -> Result<Vec<u8>> {
    let (status, insight): (_, &StoredInsight) = match event {
        // An entity is not an insight. The notes at the end count those that have recovered.
        SweepEvent::Recovered(_) => return Ok(Vec::new()),
        SweepEvent::Published(insight) => ("told", insight),
        SweepEvent::Unpublished(insight) => ("untold", insight),
        SweepEvent::Upgraded(insight) => ("upgraded", insight),
        SweepEvent::Later(insight, _) => ("later", insight),
        SweepEvent::Never(insight) => ("never", insight),
    };
    let mut text = Vec::new();
    if json {
        json_line(
            &mut text,
            &json!({ "status": status, "alert_id": insight.alert_id(), "insight": insight }),
        )?;
    } else if status == "upgraded" {
        let alert_type = runner.pipeline.types().get(insight.prediction_type());
        let context = CardContext { kind: CardKind::New, evidence: false, missing_probability: None };
        text = (card(insight, alert_type, context) + "\n").into_bytes();
    }
    Ok(text)
}

fn notes(report: &SweepReport, soonest: Option<Timestamp>, runner: &EventRunner) {
    let SweepReport { published, unpublished, upgraded, later, never, recovered, .. } = *report;
    if recovered > 0 {
        let entities = if recovered == 1 { "entity has" } else { "entities have" };
        note(&format!("{} {entities} recovered", thousands(recovered)));
    }
    if runner.pipeline.notifies() {
        note(&format!("{published} published, {unpublished} not accepted"));
    } else if unpublished > 0 {
        let waiting = counted(unpublished, "insight");
        note(&format!("{waiting} still to be published; name the event bus with --event-bus"));
    }
    if runner.pipeline.models().is_empty() {
        if later > 0 {
            let waiting = counted(later, "insight");
            note(&format!("{waiting} still to be upgraded; name a model with --models"));
        }
    } else {
        let when = soonest.map_or("later".to_owned(), |at| format!("after {}", at.to_seconds_string()));
        note(&format!("{upgraded} upgraded, {later} to retry {when}, {never} given up"));
    }
}
