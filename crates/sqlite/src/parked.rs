//! Parked events in their table.
//!
//! Takes: an open connection, within a transaction where it writes.
//! Gives: what the store's contract asks of parked events.
//! Never: makes two items of one event.

use portend_core::store::{Cursor, Parked, ParkedPage};
use portend_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

const COLUMNS: &str = "sha256, received_at, reason, message, event, event_bytes, replayed_at, outcome";

pub(crate) fn park(connection: &Connection, parked: &Parked) -> rusqlite::Result<()> {
    let mut statement = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM parked WHERE sha256 = ?1 AND expires_at >= ?2"))?;
    let earlier =
        statement.query_row(params![parked.sha256, parked.received_at.as_secs()], item).optional()?;
    let item = earlier.map_or_else(|| parked.clone(), |earlier| earlier.again(parked));
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO parked (sha256, received_at, reason, message, event, event_bytes, replayed_at, outcome,
             expires_at)
         VALUES (:sha256, :received_at, :reason, :message, :event, :event_bytes, :replayed_at, :outcome, :expires_at)",
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

pub(crate) fn replayed(
    connection: &Connection,
    sha256: &str,
    at: Timestamp,
    outcome: &str,
) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("UPDATE parked SET replayed_at = ?2, outcome = ?3 WHERE sha256 = ?1")?;
    statement.execute(params![sha256, at.as_millis(), outcome])?;
    Ok(())
}

pub(crate) fn page(
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
    let found = statement.query_map(params![now.as_secs(), time, id, limit + 1], item)?;
    let mut events = found.collect::<Result<Vec<_>, _>>()?;
    let more = events.len() > limit;
    events.truncate(limit);
    let next =
        events.last().filter(|_| more).map(|last| Cursor { time: last.received_at, id: last.sha256.clone() });
    Ok(ParkedPage { events, next })
}

fn item(row: &Row<'_>) -> rusqlite::Result<Parked> {
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
