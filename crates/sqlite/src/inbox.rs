//! The inbox of the server: the events that it has accepted and not yet finished. An event leaves it after its outcome
//! is stored, so a restart finishes what was accepted. Events of a signed request are accepted once: the signature is
//! remembered in the transaction that accepts them.
//!
//! Never: counts an accepted event twice in the ledger. An event that runs again gets a new owner, and the ledger's row of
//! the earlier run is removed in the same transaction.

use portend_core::store::{ClaimState, StoreError};
use portend_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::Sqlite;

/// The documents that remember the signatures of accepted requests, by their hexadecimal digits.
const USED_SIGNATURES: &str = "used_signature";

/// An event in the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxEvent {
    /// Its place: the number grows with each event.
    pub id: i64,
    /// The random id of its next run, which owns its claim and its row in the ledger.
    pub owner: String,
    /// When it was received.
    pub received_at: Timestamp,
    /// The event, as received.
    pub event: Vec<u8>,
}

impl Sqlite {
    /// Puts events into the inbox, all or none. They are durable when this returns. The signature of their request, if it has
    /// one, is remembered until its time. Returns false, and stores nothing, if it was used before.
    pub async fn accept(
        &self,
        events: Vec<Vec<u8>>,
        signature: Option<([u8; 32], Timestamp)>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.write(move |connection| {
            if let Some((signature, expires_at)) = signature {
                let mut statement = connection.prepare_cached(
                    "INSERT OR IGNORE INTO document (pk, sk, body, expires_at) VALUES (?1, lower(hex(?2)), '{}', ?3)",
                )?;
                let values = params![USED_SIGNATURES, signature, expires_at.as_secs()];
                if statement.execute(values)? == 0 {
                    return Ok(false);
                }
            }
            insert(connection, &events, now)?;
            Ok(true)
        })
        .await
    }

    /// Whether the events of a request with this signature were accepted.
    pub async fn is_signature_used(&self, signature: [u8; 32]) -> Result<bool, StoreError> {
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT 1 FROM document WHERE pk = ?1 AND sk = lower(hex(?2))")?;
            statement.exists(params![USED_SIGNATURES, signature])
        })
        .await
    }

    /// Prepares the inbox after a restart: removes events that were finished, ends the leases of the others, and returns
    /// their number. Only one process at a time may work on the inbox of a file, so the owners of these leases have ended.
    pub async fn reopen_inbox(&self) -> Result<u64, StoreError> {
        self.write(|connection| {
            connection.execute(
                "DELETE FROM inbox WHERE owner IN
                 (SELECT owner FROM intake WHERE outcome IN ('stored', 'repeated', 'parked'))",
                [],
            )?;
            if count(connection)? == 0 {
                return Ok(0);
            }
            connection.execute(
                "UPDATE claim SET lease_until = 0
                 WHERE state = ?1 AND owner IN (SELECT owner FROM inbox)",
                [ClaimState::Claimed.code()],
            )?;
            connection.execute("DELETE FROM intake WHERE owner IN (SELECT owner FROM inbox)", [])?;
            connection.execute("UPDATE inbox SET owner = lower(hex(randomblob(8)))", [])?;
            count(connection)
        })
        .await
    }

    /// The events after this place, in the order of their receipt, at most `limit`.
    pub async fn inbox_after(&self, id: i64, limit: usize) -> Result<Vec<InboxEvent>, StoreError> {
        // The writer reads, so that an event that was just accepted is seen.
        self.write(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM inbox WHERE id > ?1 ORDER BY id LIMIT ?2")?;
            statement.query_map(params![id, limit], read)?.collect()
        })
        .await
    }

    /// Removes a finished event.
    pub async fn finish_inbox(&self, id: i64) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection.prepare_cached("DELETE FROM inbox WHERE id = ?1")?.execute([id])?;
            Ok(())
        })
        .await
    }

    /// Prepares another run of an event whose last run failed, and returns the event. `None` if it is not in the inbox.
    pub async fn retry_inbox(&self, id: i64) -> Result<Option<InboxEvent>, StoreError> {
        self.write(move |connection| {
            connection
                .execute("DELETE FROM intake WHERE owner = (SELECT owner FROM inbox WHERE id = ?1)", [id])?;
            let sql = "UPDATE inbox SET owner = lower(hex(randomblob(8))) WHERE id = ?1 RETURNING *";
            connection.query_row(sql, [id], read).optional()
        })
        .await
    }

    /// The number of events in the inbox.
    pub async fn inbox_count(&self) -> Result<u64, StoreError> {
        self.read(count).await
    }
}

fn insert(connection: &Connection, events: &[Vec<u8>], now: Timestamp) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO inbox (owner, received_at, event) VALUES (lower(hex(randomblob(8))), ?1, ?2)",
    )?;
    for event in events {
        statement.execute(params![now.as_millis(), event])?;
    }
    Ok(())
}

fn count(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT count(*) FROM inbox", [], |row| row.get(0))
}

/// Reads a row of the inbox.
pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<InboxEvent> {
    Ok(InboxEvent {
        id: row.get("id")?,
        owner: row.get("owner")?,
        received_at: Timestamp::from_millis(row.get("received_at")?),
        event: row.get("event")?,
    })
}
