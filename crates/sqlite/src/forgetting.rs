//! Forgets an entity: deletes its rows, and what is left of them in the free space of the file and in the log.
//!
//! Never: leaves a copy of a deleted row in the file or its log, unless another process prevents it, which is an error.

use std::collections::BTreeSet;
use std::time::Duration;

use backon::{BlockingRetryable, ConstantBuilder};
use portend_core::alert::{Reason, Refusal};
use portend_core::entity::EntityKey;
use portend_core::store::{
    Document, ForgetCounts, ForgetRequest, Forgetting, Parked, StoreError, event_mentions, mentions,
};
use portend_core::time::Timestamp;
use rusqlite::{Connection, params};

use crate::inbox::{self, InboxEvent};
use crate::ledger::{self, Receipt};
use crate::{Sqlite, forgotten, parking};

/// The pause before the log is tried again. SQLite does not wait for another process that folds it into the file.
const LOG_PAUSE: Duration = Duration::from_millis(100);
/// How often the log is tried: for ten seconds.
const LOG_TRIES_MAX: usize = 100;

/// Folds the log into the file and empties it. Returns whether that was possible.
fn empty_log(connection: &Connection) -> rusqlite::Result<bool> {
    let is_emptied = || {
        let is_busy: bool =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(Some)?;
        if is_busy { Err(None) } else { Ok(()) }
    };
    let pauses = ConstantBuilder::new().with_delay(LOG_PAUSE).with_max_times(LOG_TRIES_MAX);
    match is_emptied.retry(pauses).when(Option::is_none).call() {
        Ok(()) => Ok(true),
        Err(None) => Ok(false),
        Err(Some(error)) => Err(error),
    }
}

impl Forgetting for Sqlite {
    async fn forget(&self, request: &ForgetRequest) -> Result<ForgetCounts, StoreError> {
        let request = request.clone();
        let counts = self.write(move |connection| forget(connection, &request)).await?;
        // Rows that were overwritten or deleted before are still in the free space of the file.
        self.alone(|connection| connection.execute_batch("VACUUM")).await?;
        if !self.alone(empty_log).await? {
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
        let (entity, now) = (entity.clone(), self.expiry_time(now));
        self.read(move |connection| forgotten::entity_at(connection, &entity, now)).await
    }
}

fn forget(connection: &Connection, request: &ForgetRequest) -> rusqlite::Result<ForgetCounts> {
    let request = &with_stored_types(connection, request)?;
    let entity = &request.entity;
    let mut counts = ForgetCounts {
        others: forget_documents(connection, request)? + forget_answers(connection, request)?,
        ..ForgetCounts::default()
    };
    for alert_type in &request.alert_types {
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
    counts.waiting = forget_inbox(connection, &entity.entity_id)?;
    forgotten::note(connection, request)?;
    Ok(counts)
}

/// The request, with the alert types that the program no longer knows and the entity has insights of.
fn with_stored_types(connection: &Connection, request: &ForgetRequest) -> rusqlite::Result<ForgetRequest> {
    let EntityKey { entity_type, entity_id } = &request.entity;
    let mut statement = connection.prepare(
        "SELECT DISTINCT alert_type FROM insight
         WHERE entity_id = ?1 AND json_valid(body) AND body ->> 'entity_type' = ?2",
    )?;
    let stored = statement.query_map([entity_id, entity_type], |row| row.get(0))?;
    let mut alert_types: BTreeSet<String> = stored.collect::<rusqlite::Result<_>>()?;
    alert_types.extend(request.alert_types.iter().cloned());
    Ok(ForgetRequest { alert_types: alert_types.into_iter().collect(), ..request.clone() })
}

/// Deletes the answers that models gave about the entity, and those whose text mentions it. Who asks the same question
/// again pays for it once more.
fn forget_answers(connection: &Connection, request: &ForgetRequest) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare(
        "SELECT body ->> 'run' FROM insight
         WHERE entity_id = ?1 AND alert_type = ?2 AND json_valid(body) AND body ->> 'run' IS NOT NULL",
    )?;
    let mut runs = BTreeSet::new();
    for alert_type in &request.alert_types {
        let found = statement.query_map([&request.entity.entity_id, alert_type], |row| row.get(0))?;
        runs.extend(found.collect::<rusqlite::Result<Vec<String>>>()?);
    }
    let mut statement = connection.prepare("SELECT question, run, reply FROM answer")?;
    let mut rows = statement.query([])?;
    let mut found: Vec<String> = Vec::new();
    while let Some(row) = rows.next()? {
        let (run, reply): (String, String) = (row.get("run")?, row.get("reply")?);
        if runs.contains(&run) || mentions(&reply, &request.entity.entity_id) {
            found.push(row.get("question")?);
        }
    }
    let mut delete = connection.prepare("DELETE FROM answer WHERE question = ?1")?;
    for question in &found {
        delete.execute([question])?;
    }
    Ok(found.len() as u64)
}

/// Takes the events that mention the entity out of the inbox. Each is parked without its content, so that the ledger has
/// its outcome. A server that works on one at this moment finds its claim gone.
fn forget_inbox(connection: &Connection, id: &str) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare("SELECT * FROM inbox")?;
    let mut rows = statement.query([])?;
    let mut found: Vec<InboxEvent> = Vec::new();
    while let Some(row) = rows.next()? {
        let event = inbox::read(row)?;
        if event_mentions(&event.event, id) {
            found.push(event);
        }
    }
    let mut delete = connection.prepare("DELETE FROM inbox WHERE id = ?1")?;
    let message = "an entity that it mentions was forgotten on request before it was judged";
    let refusal = Refusal::new(Reason::Forgotten, message);
    for InboxEvent { id, owner, received_at, event } in &found {
        if !ledger::is_settled(connection, owner)? {
            let parked = Parked::new(event, &refusal, *received_at).without_event();
            parking::park(connection, &parked, *received_at)?;
            let receipt = Receipt { owner: owner.clone(), received_at: *received_at, alert_type: None };
            ledger::settle(connection, &receipt, "parked")?;
        }
        delete.execute([id])?;
    }
    Ok(found.len() as u64)
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
