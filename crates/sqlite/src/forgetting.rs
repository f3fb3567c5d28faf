//! Forgets an entity: deletes its rows, and what is left of them in the free space of the file and in the log.
//!
//! Never: leaves a copy of a deleted row in the file or its log, unless another process prevents it, which is an error.

use std::collections::BTreeSet;

use portend_core::entity::EntityKey;
use portend_core::limits::RETENTION;
use portend_core::store::{
    Document, ForgetCounts, ForgetRequest, Forgetting, StoreError, event_mentions, mentions,
};
use portend_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::Sqlite;

impl Forgetting for Sqlite {
    async fn forget(&self, request: &ForgetRequest) -> Result<ForgetCounts, StoreError> {
        let request = request.clone();
        let counts = self.write(move |connection| forget(connection, &request)).await?;
        // Rows that were overwritten or deleted before are still in the free space of the file.
        self.alone(|connection| connection.execute_batch("VACUUM")).await?;
        let is_busy = self
            .alone(|connection| {
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, bool>(0))
            })
            .await?;
        if is_busy {
            let path = self.path.display();
            let source =
                format!("{path}: another process reads the file, so its log cannot be emptied; end it");
            return Err(StoreError::Busy { source: source.into() });
        }
        Ok(counts)
    }

    async fn forgotten_at(
        &self,
        entity: &EntityKey,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let (hash, now) = (entity.forgotten_hash(), self.expiry_time(now));
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT at FROM forgotten WHERE hash = ?1 AND expires_at >= ?2")?;
            let at = statement.query_row(params![hash, now.as_secs()], |row| row.get(0)).optional()?;
            Ok(at.map(Timestamp::from_millis))
        })
        .await
    }
}

fn forget(connection: &Connection, request: &ForgetRequest) -> rusqlite::Result<ForgetCounts> {
    let ForgetRequest { entity, alert_types, now } = request;
    let mut counts =
        ForgetCounts { others: forget_documents(connection, request)?, ..ForgetCounts::default() };
    for alert_type in alert_types {
        let its = params![entity.entity_id, alert_type];
        counts.feedback += deleted(
            connection,
            "DELETE FROM feedback WHERE alert_id IN
                 (SELECT alert_id FROM insight WHERE entity_id = ?1 AND alert_type = ?2)",
            its,
        )?;
        counts.insights +=
            deleted(connection, "DELETE FROM insight WHERE entity_id = ?1 AND alert_type = ?2", its)?;
        counts.claims +=
            deleted(connection, "DELETE FROM claim WHERE entity_id = ?1 AND alert_type = ?2", its)?;
    }
    let its = params![entity.entity_type, entity.entity_id];
    counts.others +=
        deleted(connection, "DELETE FROM entity WHERE entity_type = ?1 AND entity_id = ?2", its)?;
    counts.parked = forget_parked(connection, &entity.entity_id)?;
    connection.execute(
        "INSERT OR REPLACE INTO forgotten (hash, at, expires_at) VALUES (?1, ?2, ?3)",
        params![entity.forgotten_hash(), now.as_millis(), now.plus(RETENTION).as_secs()],
    )?;
    Ok(counts)
}

/// Deletes outcomes, evaluation rows and measured drivers.
fn forget_documents(connection: &Connection, request: &ForgetRequest) -> rusqlite::Result<u64> {
    let mut alerts =
        connection.prepare("SELECT alert_id FROM insight WHERE entity_id = ?1 AND alert_type = ?2")?;
    let mut ids = BTreeSet::new();
    for alert_type in &request.alert_types {
        let found = alerts.query_map(params![request.entity.entity_id, alert_type], |row| row.get(0))?;
        ids.extend(found.collect::<rusqlite::Result<Vec<String>>>()?);
    }
    let mut statement = connection.prepare("SELECT pk, sk, body, expires_at FROM document")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let document = Document {
            pk: row.get(0)?,
            sk: row.get(1)?,
            body: row.get(2)?,
            expires_at: Timestamp::from_secs(row.get(3)?),
        };
        if document.is_about(&request.entity, |id| ids.contains(id)) {
            found.push((document.pk, document.sk));
        }
    }
    let mut delete = connection.prepare("DELETE FROM document WHERE pk = ?1 AND sk = ?2")?;
    for (pk, sk) in &found {
        delete.execute([pk, sk])?;
    }
    Ok(found.len() as u64)
}

fn deleted(connection: &Connection, sql: &str, values: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<u64> {
    Ok(connection.execute(sql, values)? as u64)
}

fn forget_parked(connection: &Connection, id: &str) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare("SELECT sha256, message, event FROM parked")?;
    let mut rows = statement.query([])?;
    let mut found: Vec<String> = Vec::new();
    while let Some(row) = rows.next()? {
        let (message, event): (String, Vec<u8>) = (row.get("message")?, row.get("event")?);
        if mentions(&message, id) || event_mentions(&event, id) {
            found.push(row.get("sha256")?);
        }
    }
    let mut delete = connection.prepare("DELETE FROM parked WHERE sha256 = ?1")?;
    for sha256 in &found {
        delete.execute([sha256])?;
    }
    Ok(found.len() as u64)
}
