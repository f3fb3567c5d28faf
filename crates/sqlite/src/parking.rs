//! Stores parked events, one row for each. Their number and total size are bounded; the oldest are deleted to make
//! room.

use portend_core::store::{Cursor, Parked, ParkedPage, Parking, StoreError};
use portend_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use crate::Sqlite;
use crate::ledger::{self, Receipt};

const COLUMNS: &str = "sha256, received_at, reason, message, event, event_bytes, replayed_at, outcome";
/// The most parked events in one file.
pub(crate) const PARKED_EVENTS_MAX: u32 = 100_000;
/// The most bytes that the parked events of one file take up together.
pub(crate) const PARKED_BYTES_MAX: u64 = 256 * 1024 * 1024;

impl Parking for Sqlite {
    async fn park(&self, parked: &Parked, owner: &str) -> Result<(), StoreError> {
        let (item, owner) = (parked.clone(), owner.to_owned());
        let expiry = self.expiry_time(parked.received_at);
        self.write(move |connection| {
            park(connection, &item, expiry)?;
            make_room(connection, item.received_at, PARKED_EVENTS_MAX, PARKED_BYTES_MAX)?;
            let receipt = Receipt { owner, received_at: item.received_at, alert_type: None };
            ledger::settle(connection, &receipt, "parked")
        })
        .await
    }

    async fn replayed(&self, sha256: &str, at: Timestamp, outcome: &str) -> Result<(), StoreError> {
        let (sha256, outcome) = (sha256.to_owned(), outcome.to_owned());
        self.write(move |connection| {
            let mut statement = connection
                .prepare_cached("UPDATE parked SET replayed_at = ?2, outcome = ?3 WHERE sha256 = ?1")?;
            statement.execute(params![sha256, at.as_millis(), outcome])?;
            Ok(())
        })
        .await
    }

    async fn parked(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ParkedPage, StoreError> {
        let (after, now) = (after.cloned(), self.expiry_time(now));
        self.read(move |connection| page(connection, after.as_ref(), limit, now)).await
    }

    async fn parked_event(&self, sha256: &str, now: Timestamp) -> Result<Option<Parked>, StoreError> {
        let sha256 = sha256.to_owned();
        self.read(move |connection| one(connection, &sha256, now)).await
    }

    async fn delete_parked(&self, sha256: &str) -> Result<(), StoreError> {
        let sha256 = sha256.to_owned();
        self.write(move |connection| {
            connection.prepare_cached("DELETE FROM parked WHERE sha256 = ?1")?.execute([sha256])?;
            Ok(())
        })
        .await
    }
}

fn one(connection: &Connection, sha256: &str, now: Timestamp) -> rusqlite::Result<Option<Parked>> {
    let sql = format!("SELECT {COLUMNS} FROM parked WHERE sha256 = ?1 AND expires_at >= ?2");
    connection.prepare_cached(&sql)?.query_row(params![sha256, now.as_secs()], read).optional()
}

/// Stores a parked event.
pub(crate) fn park(connection: &Connection, parked: &Parked, expiry: Timestamp) -> rusqlite::Result<()> {
    let earlier = one(connection, &parked.sha256, expiry)?;
    let item = earlier.map_or_else(|| parked.clone(), |earlier| earlier.again(parked));
    let mut statement = connection.prepare_cached(
        "INSERT INTO parked (sha256, received_at, reason, message, event, event_bytes, replayed_at, outcome,
             expires_at)
         VALUES (:sha256, :received_at, :reason, :message, :event, :event_bytes, :replayed_at, :outcome, :expires_at)
         ON CONFLICT (sha256) DO UPDATE SET received_at = excluded.received_at, reason = excluded.reason,
             message = excluded.message, replayed_at = excluded.replayed_at, outcome = excluded.outcome,
             expires_at = excluded.expires_at",
    )?;
    statement.execute(named_params! {
        ":sha256": item.sha256,
        ":received_at": item.received_at.as_millis(),
        ":reason": item.reason,
        ":message": item.message,
        ":event": item.event,
        ":event_bytes": item.event_bytes,
        ":replayed_at": item.replayed_at.map(Timestamp::as_millis),
        ":outcome": item.outcome,
        ":expires_at": item.expires_at().as_secs(),
    })?;
    Ok(())
}

/// Deletes and counts the oldest parked events until the rest are within the bounds. Triggers maintain the totals, so
/// that parking an event reads no other event.
pub(crate) fn make_room(
    connection: &Connection,
    now: Timestamp,
    events_max: u32,
    bytes_max: u64,
) -> rusqlite::Result<()> {
    let mut oldest =
        connection.prepare_cached("SELECT sha256 FROM parked ORDER BY received_at, sha256 LIMIT 1")?;
    let mut delete = connection.prepare_cached("DELETE FROM parked WHERE sha256 = ?1")?;
    let mut count = connection.prepare_cached(
        "INSERT INTO parked_dropped (day, dropped) VALUES (?1, 1) ON CONFLICT (day) DO UPDATE SET dropped = dropped + 1",
    )?;
    loop {
        let (events, bytes): (u32, u64) = connection
            .prepare_cached("SELECT events, bytes FROM parked_size")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if events <= events_max && bytes <= bytes_max {
            return Ok(());
        }
        let sha256: String = oldest.query_row([], |row| row.get(0))?;
        delete.execute([sha256])?;
        count.execute([now.day()])?;
    }
}

fn page(
    connection: &Connection,
    after: Option<&Cursor>,
    limit: usize,
    now: Timestamp,
) -> rusqlite::Result<ParkedPage> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM parked
         WHERE expires_at >= ?1 AND (?2 IS NULL OR (received_at, sha256) < (?2, ?3))
         ORDER BY received_at DESC, sha256 DESC LIMIT ?4"
    ))?;
    let (time, id) = after.map(|after| (after.time.as_millis(), &after.id)).unzip();
    let found = statement.query_map(params![now.as_secs(), time, id, limit + 1], read)?;
    let mut events = found.collect::<Result<Vec<_>, _>>()?;
    let more = events.len() > limit;
    events.truncate(limit);
    let next =
        events.last().filter(|_| more).map(|last| Cursor { time: last.received_at, id: last.sha256.clone() });
    Ok(ParkedPage { events, next })
}

fn read(row: &Row<'_>) -> rusqlite::Result<Parked> {
    Ok(Parked {
        sha256: row.get("sha256")?,
        received_at: Timestamp::from_millis(row.get("received_at")?),
        reason: row.get("reason")?,
        message: row.get("message")?,
        event: row.get("event")?,
        event_bytes: row.get("event_bytes")?,
        replayed_at: row.get::<_, Option<i64>>("replayed_at")?.map(Timestamp::from_millis),
        outcome: row.get("outcome")?,
    })
}
