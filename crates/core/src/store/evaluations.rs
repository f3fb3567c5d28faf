//! Writes the evaluation rows of insights whose horizon is over, so that they outlive the insights.
//!
//! What was looked at is remembered for each alert type, so that each insight is read once. Whoever evaluates later writes
//! the outcomes that become known later.
//!
//! Never: judges an insight before its horizon is over.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Cursor, Document, Documents, EvaluationRow, InsightQuery, Outcomes, Queries, StoreError};
use crate::alert_type::{AlertType, AlertTypes};
use crate::limits::{EVALUATION_PAGE, EVALUATION_STEP, OUTCOME_RETENTION, RETENTION};
use crate::outcome::{Cutoff, OutcomeIndex};
use crate::time::Timestamp;

/// The key of the documents that say how far the insights of an alert type were looked at.
const PROGRESS_PK: &str = "evaluation-progress";

/// Writes the rows that are due. `is_over` says when to end; the next call continues. Returns how many rows were written.
pub async fn keep_evaluations<S: Documents + Queries>(
    store: &S,
    types: &AlertTypes,
    now: Timestamp,
    is_over: impl Fn() -> bool,
) -> Result<u64, StoreError> {
    let progress = store.documents(PROGRESS_PK, now).await?;
    let mut written = 0;
    for alert_type in types.iter() {
        let known = progress.iter().find(|document| document.sk == alert_type.id());
        let known = known.and_then(|document| Timestamp::parse(&document.body).ok());
        let horizon = Duration::from_hours(24 * u64::from(alert_type.horizon_days()));
        let (mut from, end) = (known.unwrap_or(Timestamp::EPOCH), now.minus(horizon));
        // Nothing older is stored.
        from = from.max(now.minus(RETENTION + EVALUATION_STEP));
        if known.is_none() && !has_any(store, alert_type, end, now).await? {
            from = end;
        }
        while from < end && !is_over() {
            let until = from.plus(EVALUATION_STEP).min(end);
            written += keep_between(store, alert_type, (from, until), now).await?;
            from = until;
            remember(store, alert_type, from, now).await?;
        }
    }
    Ok(written)
}

async fn remember(
    store: &impl Documents,
    alert_type: &AlertType,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), StoreError> {
    let document = Document {
        pk: PROGRESS_PK.to_owned(),
        sk: alert_type.id().to_owned(),
        body: until.to_string(),
        expires_at: now.plus(OUTCOME_RETENTION),
    };
    store.put_documents(&[document]).await
}

/// A query of the insights of a type that were made before a time, newest first.
fn made_before(alert_type: &AlertType, end: Timestamp, limit: usize) -> InsightQuery {
    InsightQuery {
        alert_type: Some(alert_type.id().to_owned()),
        after: Some(Cursor { time: end, id: String::new() }),
        limit,
        ..InsightQuery::default()
    }
}

async fn has_any(
    store: &impl Queries,
    alert_type: &AlertType,
    end: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    Ok(!store.insights(&made_before(alert_type, end, 1), now).await?.insights.is_empty())
}

/// Writes the rows of the insights that were made in this time.
async fn keep_between<S: Documents + Queries>(
    store: &S,
    alert_type: &AlertType,
    (from, until): (Timestamp, Timestamp),
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut query = InsightQuery { since: Some(from), ..made_before(alert_type, until, EVALUATION_PAGE) };
    let census = store.outcomes_of(alert_type.entity(), None, now).await?;
    let mut written = 0;
    loop {
        let page = store.insights(&query, now).await?;
        let rows: Vec<EvaluationRow> =
            page.insights.iter().filter_map(|insight| EvaluationRow::of(insight, None)).collect();
        let entities: BTreeSet<&str> = rows.iter().map(|row| row.entity_id.as_str()).collect();
        let mut outcomes = census.clone();
        for entity in entities {
            outcomes.extend(store.outcomes_of(alert_type.entity(), Some(entity), now).await?);
        }
        let (index, cutoff) = (OutcomeIndex::new(&outcomes), Cutoff { now, report_lag: Duration::ZERO });
        let judged = |row: EvaluationRow| {
            let y = index.state(&row.claim(), cutoff).event();
            EvaluationRow { y, ..row }
        };
        let rows: Vec<EvaluationRow> = rows.into_iter().map(judged).collect();
        store.put_evaluations(&rows, now).await?;
        written += rows.len() as u64;
        query.after = page.next;
        if query.after.is_none() {
            return Ok(written);
        }
    }
}
