//! The hashes of what was forgotten. Each write of a row about an entity looks them up in its own transaction, so that work
//! that began before the entity was forgotten stores nothing after it.
//!
//! Of an entity, one hash is stored for itself, and one for each alert type, because a claim names only its alert type.

use portend_core::alert::InsightKey;
use portend_core::entity::EntityKey;
use portend_core::limits::RETENTION;
use portend_core::store::{ForgetRequest, StoreError};
use portend_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use crate::Sqlite;

/// Notes that the entity is forgotten now.
pub(crate) fn note(connection: &Connection, request: &ForgetRequest) -> rusqlite::Result<()> {
    let ForgetRequest { entity, alert_types, now } = request;
    let of_types = alert_types.iter().map(|alert_type| hash_of(alert_type, &entity.entity_id));
    let mut statement =
        connection.prepare("INSERT OR REPLACE INTO forgotten (hash, at, expires_at) VALUES (?1, ?2, ?3)")?;
    for hash in of_types.chain([entity.forgotten_hash()]) {
        statement.execute(params![hash, now.as_millis(), now.plus(RETENTION).as_secs()])?;
    }
    Ok(())
}

/// When the entity was forgotten, unless that has expired.
pub(crate) fn entity_at(
    connection: &Connection,
    entity: &EntityKey,
    now: Timestamp,
) -> rusqlite::Result<Option<Timestamp>> {
    noted(connection, &entity.forgotten_hash(), now)
}

/// Whether the entity of this insight was forgotten at the alert's time or later.
pub(crate) fn covers(connection: &Connection, key: &InsightKey, now: Timestamp) -> rusqlite::Result<bool> {
    let at = noted(connection, &hash_of(key.alert_type(), key.entity_id()), now)?;
    Ok(at.is_some_and(|at| key.alert_timestamp() <= at))
}

/// The error of a write about a forgotten entity.
pub(crate) fn refusal() -> StoreError {
    let source = "its entity was forgotten on request a moment ago; send the event again, and it is parked";
    StoreError::Refused { source: source.into() }
}

impl Sqlite {
    /// Refuses work on an alert whose entity was forgotten at the alert's time or later.
    pub async fn refuse_forgotten(&self, key: &InsightKey, now: Timestamp) -> Result<(), StoreError> {
        let (key, now) = (key.clone(), self.expiry_time(now));
        let is_covered = self.read(move |connection| covers(connection, &key, now)).await?;
        if is_covered { Err(refusal()) } else { Ok(()) }
    }
}

fn noted(connection: &Connection, hash: &str, now: Timestamp) -> rusqlite::Result<Option<Timestamp>> {
    let mut statement =
        connection.prepare_cached("SELECT at FROM forgotten WHERE hash = ?1 AND expires_at >= ?2")?;
    let at = statement.query_row(params![hash, now.as_secs()], |row| row.get(0)).optional()?;
    Ok(at.map(Timestamp::from_millis))
}

fn hash_of(alert_type: &str, entity_id: &str) -> String {
    let mut hash = Sha256::new();
    for part in ["forgotten alerts", alert_type, entity_id] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex::encode(hash.finalize())
}
