//! `portend forget` deletes everything about one student or subject; `portend export` prints it first.

use std::io::Write;

use anyhow::{Result, anyhow};
use portend_core::alert_type::AlertTypes;
use portend_core::clock::{Clock, random_name};
use portend_core::entity::EntityKey;
use portend_core::insight::StoredInsight;
use portend_core::limits::PAGE_MAX;
use portend_core::store::{
    Entities, EvaluationRow, Feedback, ForgetCounts, InsightQuery, Outcomes, Parking, Queries,
    event_mentions, mentions,
};
use portend_core::time::Timestamp;
use portend_remote::SystemClock;
use portend_sqlite::Sqlite;
use serde_json::{Value, json};

use super::insights::{open_existing, open_for_changes};
use super::parked;
use crate::any_store::AnyStore;
use crate::config::{Config, StoreName};
use crate::short_id::entity_types;
use crate::show::output::{CommandOutcome, WrongUsage, json_line, note};
use crate::show::text::{counted, shown};

/// Delete everything about a student or subject, for good: insights, claims, feedback, parked and accepted events.
///
/// An event that a running server has accepted and not judged yet is deleted too, and so are the stored answers of models
/// about it.
/// Alerts of an earlier time are not accepted again: a replay parks them without their content. Only a hash of the
/// student or subject remains, for 90 days. The receipt does not name it. Run `portend export` first to keep a copy.
///
/// Exit code: 1 if nothing was stored about it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ForgetArgs {
    /// Print the receipt as one JSON object.
    #[arg(long)]
    json: bool,

    /// The type, if students and subjects can have the same id [default: every type].
    #[arg(long = "type", value_name = "TYPE")]
    entity_type: Option<String>,

    /// The student or subject, exactly as its alerts name it.
    #[arg(value_name = "ENTITY")]
    entity: String,
}

/// Print everything that is stored about a student or subject, as one JSON object: its state, insights, feedback, parked
/// events, outcomes and evaluation rows.
///
/// Exit code: 1 if nothing is stored about it.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ExportArgs {
    /// The type, if students and subjects can have the same id [default: every type].
    #[arg(long = "type", value_name = "TYPE")]
    entity_type: Option<String>,

    /// The student or subject, exactly as its alerts name it.
    #[arg(value_name = "ENTITY")]
    entity: String,
}

/// The entities that are meant: one of each type, or of one type.
fn keys(types: &AlertTypes, entity_type: Option<&str>, id: &str) -> Result<Vec<EntityKey>> {
    let known = entity_types(types);
    if let Some(entity_type) = entity_type.filter(|each| !known.contains(each)) {
        let known = known.join(", ");
        return Err(anyhow!("--type {} is not a known type; write one of {known}", shown(entity_type)));
    }
    let wanted = known.into_iter().filter(|each| entity_type.is_none_or(|wanted| wanted == *each));
    Ok(wanted.map(|each| EntityKey::new(each, id)).collect())
}

pub(crate) async fn forget(args: ForgetArgs, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let keys = keys(&types, args.entity_type.as_deref(), &args.entity).map_err(WrongUsage::from)?;
    let store = open_for_changes(&config).await?;
    let ledger = match &config.store {
        StoreName::DynamoDb(_) if config.ledger.exists() => Some(Sqlite::open(&config.ledger, now)?),
        StoreName::DynamoDb(_) | StoreName::File(_) => None,
    };
    let sum = store.forget_all(ledger.as_ref(), &types, keys, now).await?;
    let (receipt, is_known) = (random_name(&SystemClock), sum != ForgetCounts::default());
    let mut out = std::io::stdout().lock();
    if args.json {
        let kind = match config.store {
            StoreName::File(_) => "sqlite",
            StoreName::DynamoDb(_) => "dynamodb",
        };
        json_line(
            &mut out,
            &json!({ "receipt": receipt, "forgotten_at": now, "store": kind, "deleted": sum }),
        )?;
    } else {
        writeln!(out, "receipt {receipt}, {now}: deleted {}", words(&sum))?;
    }
    if !is_known {
        note(
            "nothing was stored about it; alerts about it from before now are refused from now on; check that the name is exactly as its alerts name it",
        );
    }
    Ok(if is_known { CommandOutcome::Done } else { CommandOutcome::Incomplete })
}

fn words(counts: &ForgetCounts) -> String {
    [
        counted(counts.insights, "insight"),
        counted(counts.claims, "claim"),
        format!("{} of feedback", counted(counts.feedback, "piece")),
        counted(counts.parked, "parked event"),
        counted(counts.waiting, "accepted event"),
        counted(counts.others, "other item"),
    ]
    .join(", ")
}

pub(crate) async fn export(args: ExportArgs, config: Config) -> Result<CommandOutcome> {
    let now = SystemClock.now();
    let types = config.alert_types().map_err(WrongUsage::from)?;
    let keys = keys(&types, args.entity_type.as_deref(), &args.entity).map_err(WrongUsage::from)?;
    let store = open_existing(&config).await?;
    let mut entities = Vec::new();
    for key in &keys {
        entities.extend(store.entity(key, now).await?);
    }
    let insights = insights(&store, &keys, &args.entity, now).await?;
    let ids: Vec<String> = insights.iter().map(|insight| insight.alert_id().to_owned()).collect();
    let feedback = store.feedback(&ids, now).await?;
    let parked = parked_events(&store, &args.entity, now).await?;
    let mut outcomes = Vec::new();
    for key in &keys {
        outcomes.extend(store.outcomes_of(&key.entity_type, Some(&key.entity_id), now).await?);
    }
    let evaluations = evaluations(&store, &types, &keys, now).await?;
    let has_history = !(insights.is_empty() && outcomes.is_empty() && evaluations.is_empty());
    if has_history || !(entities.is_empty() && parked.is_empty()) {
        json_line(
            &mut std::io::stdout().lock(),
            &json!({
                "entity_id": args.entity, "exported_at": now, "entities": entities, "insights": insights,
                "feedback": feedback, "parked": parked, "outcomes": outcomes, "evaluations": evaluations,
            }),
        )?;
        return Ok(CommandOutcome::Done);
    }
    note(&format!(
        "nothing is stored about {}; check that the name is exactly as its alerts name it",
        shown(&args.entity)
    ));
    Ok(CommandOutcome::Incomplete)
}

async fn insights(
    store: &AnyStore,
    keys: &[EntityKey],
    id: &str,
    now: Timestamp,
) -> Result<Vec<StoredInsight>> {
    let mut query =
        InsightQuery { entity_id: Some(id.to_owned()), limit: PAGE_MAX, ..InsightQuery::default() };
    let mut insights = Vec::new();
    loop {
        let page = store.insights(&query, now).await?;
        let is_meant = |insight: &StoredInsight| insight.entity_key().is_none_or(|key| keys.contains(&key));
        insights.extend(page.insights.into_iter().filter(is_meant));
        query.after = page.next;
        if query.after.is_none() {
            return Ok(insights);
        }
    }
}

/// The evaluation rows of these entities, which outlive their insights.
async fn evaluations(
    store: &AnyStore,
    types: &AlertTypes,
    keys: &[EntityKey],
    now: Timestamp,
) -> Result<Vec<EvaluationRow>> {
    let is_meant = |row: &EvaluationRow| {
        keys.iter().any(|key| key.entity_type == row.entity_type && key.entity_id == row.entity_id)
    };
    let mut found = Vec::new();
    for alert_type in types.iter() {
        let rows = store.evaluations(alert_type.id(), Timestamp::EPOCH, now).await?;
        found.extend(rows.into_iter().filter(is_meant));
    }
    Ok(found)
}

async fn parked_events(store: &AnyStore, id: &str, now: Timestamp) -> Result<Vec<Value>> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.parked(after.as_ref(), PAGE_MAX, now).await?;
        let about =
            page.events.iter().filter(|item| event_mentions(&item.event, id) || mentions(&item.message, id));
        found.extend(about.map(parked::to_json));
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}
