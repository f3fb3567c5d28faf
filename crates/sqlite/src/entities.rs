//! The rows of entities, and feedback. Each row is JSON, with the columns that queries filter and order by.

use portend_core::entity::{
    EntityKey, EntityRow, FeedbackEntry, FeedbackOutcome, FeedbackRequest, WorklistPlace,
};
use portend_core::insight::{Insight, InsightFields};
use portend_core::number::Number;
use portend_core::store::{Entities, Feedback, StoreError};
use portend_core::time::Timestamp;
use rusqlite::types::FromSqlError;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Sqlite, forgotten};

impl Entities for Sqlite {
    async fn entity(&self, key: &EntityKey, now: Timestamp) -> Result<Option<EntityRow>, StoreError> {
        let (key, now) = (key.clone(), self.expiry_time(now));
        self.read(move |connection| live(connection, &key, now)).await
    }

    async fn open_entities(
        &self,
        after: Option<&WorklistPlace>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<EntityRow>, StoreError> {
        let (after, now) = (after.cloned(), self.expiry_time(now));
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT body FROM entity WHERE is_open AND expires_at >= ?1
                     AND (?2 IS NULL OR worst < ?2 OR (worst = ?2 AND (entity_type, entity_id) > (?3, ?4)))
                 ORDER BY worst DESC, entity_type, entity_id LIMIT ?5",
            )?;
            let place = after.as_ref();
            let found = statement.query_map(
                params![
                    now.as_secs(),
                    place.map(|place| place.worst.get()),
                    place.map(|place| &place.key.entity_type),
                    place.map(|place| &place.key.entity_id),
                    limit,
                ],
                body,
            )?;
            found.collect()
        })
        .await
    }

    async fn write_entity(&self, row: &EntityRow, now: Timestamp) -> Result<bool, StoreError> {
        let (row, now) = (row.clone(), self.expiry_time(now));
        self.write(move |connection| match stored(connection, &row.key)? {
            Some(stored) if stored.version + 1 != row.version => Ok(stored == row),
            Some(_) => write(connection, &row).map(|()| true),
            None if forgotten::entity_at(connection, &row.key, now)?
                .is_some_and(|at| row.latest_alert() <= at) =>
            {
                Ok(false)
            }
            None => write(connection, &row).map(|()| true),
        })
        .await
    }

    async fn are_entities_complete(&self) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM entities_complete)";
        self.read(move |connection| connection.query_row(sql, [], |row| row.get(0))).await
    }

    async fn set_entities_complete(&self) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute("INSERT OR IGNORE INTO entities_complete (id) VALUES (1)", []).map(drop)
        })
        .await
    }
}

impl Feedback for Sqlite {
    async fn give_feedback(&self, request: &FeedbackRequest) -> Result<FeedbackOutcome, StoreError> {
        let request = FeedbackRequest { now: self.expiry_time(request.now), ..request.clone() };
        self.write(move |connection| {
            let FeedbackRequest { entity, entry, expires_at, now, .. } = &request;
            let mut is_given = connection
                .prepare_cached("SELECT 1 FROM feedback WHERE alert_id = ?1 AND at = ?2 AND id = ?3")?;
            if is_given.exists(params![entry.alert_id, entry.at.as_millis(), entry.id])? {
                let row = live(connection, entity, *now)?;
                return Ok(
                    row.map_or(FeedbackOutcome::NoEntity, |row| FeedbackOutcome::Recorded(Box::new(row)))
                );
            }
            let (outcome, written) = EntityRow::change(stored(connection, entity)?.as_ref(), &request);
            if let FeedbackOutcome::Recorded(_) = outcome {
                let mut statement = connection.prepare_cached(
                    "INSERT INTO feedback (alert_id, at, id, expires_at, body) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?;
                let columns = (&entry.alert_id, entry.at.as_millis(), &entry.id);
                statement.execute(params![
                    columns.0,
                    columns.1,
                    columns.2,
                    expires_at.as_secs(),
                    to_json(entry)?
                ])?;
            }
            if let Some(row) = written {
                write(connection, &row)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn feedback(&self, alert_ids: &[String], now: Timestamp) -> Result<Vec<FeedbackEntry>, StoreError> {
        let (alert_ids, now) = (alert_ids.to_vec(), self.expiry_time(now));
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT body FROM feedback WHERE alert_id = ?1 AND expires_at >= ?2")?;
            let mut entries: Vec<FeedbackEntry> = Vec::new();
            for alert_id in &alert_ids {
                let found = statement.query_map(params![alert_id, now.as_secs()], body)?;
                entries.extend(found.collect::<Result<Vec<_>, _>>()?);
            }
            entries.sort_by_key(|entry| (entry.at, entry.id.clone()));
            Ok(entries)
        })
        .await
    }
}

/// Writes the row of an insight's entity.
pub(crate) fn judge(
    connection: &Connection,
    insight: &Insight,
    fields: &InsightFields,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let before = stored(connection, &insight.entity_key())?;
    match insight.judge_entity(fields, before.as_ref(), now) {
        Some(row) => write(connection, &row),
        None => Ok(()),
    }
}

fn live(connection: &Connection, key: &EntityKey, now: Timestamp) -> rusqlite::Result<Option<EntityRow>> {
    Ok(stored(connection, key)?.filter(|row| !row.expires_at.is_past(now)))
}

/// The row of an entity, expired or not.
fn stored(connection: &Connection, key: &EntityKey) -> rusqlite::Result<Option<EntityRow>> {
    let mut statement =
        connection.prepare_cached("SELECT body FROM entity WHERE entity_type = ?1 AND entity_id = ?2")?;
    statement.query_row(params![key.entity_type, key.entity_id], body).optional()
}

fn write(connection: &Connection, row: &EntityRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO entity (entity_type, entity_id, is_open, worst, version, expires_at, body)
         VALUES (:entity_type, :entity_id, :is_open, :worst, :version, :expires_at, :body)",
    )?;
    statement.execute(named_params! {
        ":entity_type": row.key.entity_type,
        ":entity_id": row.key.entity_id,
        ":is_open": row.state.is_open(),
        ":worst": Number::get(row.worst),
        ":version": row.version,
        ":expires_at": row.expires_at.as_secs(),
        ":body": to_json(row)?,
    })?;
    Ok(())
}

fn to_json(value: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Reads the body of a row.
fn body<T: DeserializeOwned>(row: &Row<'_>) -> rusqlite::Result<T> {
    let body: String = row.get("body")?;
    Ok(serde_json::from_str(&body).map_err(|error| FromSqlError::Other(Box::new(error)))?)
}
