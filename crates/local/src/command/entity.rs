//! `portend entity`: one student or subject, its state, its current alerts, and everything that happened to it.

use std::io::Write;

use anyhow::Result;
use portend_core::alert_type::AlertTypes;
use portend_core::clock::Clock;
use portend_core::entity::{EntityKey, EntityRow, FeedbackAction, FeedbackEntry};
use portend_core::insight::StoredInsight;
use portend_core::limits::PAGE_MAX;
use portend_core::store::{Entities, Feedback, InsightQuery, Queries};
use portend_core::time::Timestamp;
use portend_remote::SystemClock;
use serde_json::json;

use super::insights::open_existing;
use super::today::with_repeats;
use crate::any_store::AnyStore;
use crate::config::Config;
use crate::short_id::{Resolved, entity_types, resolve};
use crate::show::output::{CommandOutcome, STRONG, WrongUsage, json_line, note, paint, table};
use crate::show::text::{clipped, minute, short_id, shown, zone};
use crate::show::worklist::item;

/// Show one student or subject: its state, its current alerts, and what happened to it, newest first.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// Print one JSON object: `{"entity", "insights", "feedback"}`.
    #[arg(long)]
    json: bool,

    /// The most insights to list; 0 for all.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,

    /// The student or subject, or one of its insights: an alert id, a unique beginning of it, or its eight digits.
    #[arg(value_name = "ID")]
    id: String,
}

pub(crate) async fn run(args: Args, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let store = open_existing(&config).await?;
    let mut id = args.id.clone();
    let mut row = row_of(&store, &types, &id, now).await?;
    let mut insights = insights_of(&store, &id, args.limit, now).await?;
    if row.is_none() && insights.is_empty() {
        let Resolved::Insight(insight) = resolve(&store, &types, &id, now).await? else {
            note(&format!(
                "there is no student or subject {}; portend today lists the open ones",
                shown(&id)
            ));
            return Ok(CommandOutcome::Incomplete);
        };
        insight.entity_id().clone_into(&mut id);
        row = row_of(&store, &types, &id, now).await?;
        insights = insights_of(&store, &id, args.limit, now).await?;
    }
    let ids: Vec<String> = insights.iter().map(|insight| insight.alert_id().to_owned()).collect();
    let feedback = store.feedback(&ids, now).await?;
    let mut out = anstream::stdout().lock();
    if args.json {
        json_line(&mut out, &json!({ "entity": row, "insights": insights, "feedback": feedback }))?;
        return Ok(CommandOutcome::Done);
    }
    if let Some(row) = &row {
        out.write_all(head(&store, row, &types, now).await?.as_bytes())?;
    } else {
        writeln!(out, "{}\n", paint(STRONG, &shown(&id)))?;
    }
    let rows = timeline(&insights, &feedback, &types);
    writeln!(out, "{}", table(&["time", "risk", "what", "seen", "id"], &[1, 3], rows))?;
    note(&format!("times are in {}", zone()));
    Ok(CommandOutcome::Done)
}

async fn row_of(store: &AnyStore, types: &AlertTypes, id: &str, now: Timestamp) -> Result<Option<EntityRow>> {
    for entity_type in entity_types(types) {
        if let Some(row) = store.entity(&EntityKey::new(entity_type, id), now).await? {
            return Ok(Some(row));
        }
    }
    Ok(None)
}

async fn insights_of(store: &AnyStore, id: &str, limit: usize, now: Timestamp) -> Result<Vec<StoredInsight>> {
    let limit = if limit == 0 { usize::MAX } else { limit };
    let mut query = InsightQuery { entity_id: Some(id.to_owned()), ..InsightQuery::default() };
    let mut insights = Vec::new();
    loop {
        query.limit = PAGE_MAX.min(limit - insights.len());
        let page = store.insights(&query, now).await?;
        insights.extend(page.insights);
        query.after = page.next;
        if query.after.is_none() || insights.len() >= limit {
            return Ok(insights);
        }
    }
}

/// The entity as the worklist shows it, or as it was at its latest alert.
async fn head(store: &AnyStore, row: &EntityRow, types: &AlertTypes, now: Timestamp) -> Result<String> {
    let at = if row.is_recovered(now) { row.latest_alert() } else { now };
    let Some(mut line) = row.item(at) else { return Ok(String::new()) };
    line.state = row.state_at(now);
    let line = with_repeats(store, line, now).await?;
    Ok(item(&line, types, now) + "\n")
}

/// The columns of what happened.
const WHAT_COLUMNS: usize = 36;

/// What happened, newest first: insights by their alerts' times, and what people said.
fn timeline(insights: &[StoredInsight], feedback: &[FeedbackEntry], types: &AlertTypes) -> Vec<Vec<String>> {
    let mut events: Vec<(Timestamp, [String; 4])> = Vec::new();
    for insight in insights {
        let title =
            types.get(insight.prediction_type()).map_or(insight.prediction_type(), |each| each.title());
        let seen = insight.current().map_or(1, |fields| fields.occurrences);
        events.push((
            insight.alert_timestamp().unwrap_or(insight.timestamp()),
            [
                insight.risk_score().to_string(),
                clipped(&shown(title), WHAT_COLUMNS),
                format!("{seen}×"),
                short_id(insight.alert_id()),
            ],
        ));
    }
    for entry in feedback {
        let what = match &entry.action {
            FeedbackAction::Assign { assignee } => format!("assigned to {assignee}"),
            FeedbackAction::Snooze { until } => format!("snoozed until {}", minute(*until)),
            FeedbackAction::RecommendationDone { recommendation } => {
                format!("did what was recommended: {recommendation}")
            }
            FeedbackAction::RecommendationSkipped { recommendation } => {
                format!("skipped what was recommended: {recommendation}")
            }
            action @ (FeedbackAction::Useful
            | FeedbackAction::Wrong
            | FeedbackAction::Note
            | FeedbackAction::Seen
            | FeedbackAction::Done
            | FeedbackAction::Reopen) => action.code().to_owned(),
        };
        let words = entry.note.as_deref().map(|text| format!(": {text}")).unwrap_or_default();
        let what = clipped(&shown(&format!("{} by {}{words}", what, entry.by)), WHAT_COLUMNS);
        events.push((entry.at, [String::new(), what, String::new(), short_id(&entry.alert_id)]));
    }
    events.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    events.into_iter().map(|(at, columns)| [vec![minute(at)], columns.to_vec()].concat()).collect()
}
