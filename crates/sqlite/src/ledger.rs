//! The ledger: a row for each event received, with its outcome.
//!
//! One transaction writes the claim and the row; another writes the commit, repeat or parked event and the outcome. So
//! the ledger never differs from the store. Of the event itself, a row contains only the alert type.

use portend_core::insight::ReusedAnswer;
use portend_core::number::Number;
use portend_core::store::StoreError;
use portend_core::time::Timestamp;
use rusqlite::{Connection, params};
use serde::Serialize;

use crate::Sqlite;

/// The receipt of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The event's random id, which owns its claim.
    pub owner: String,
    /// When it was received.
    pub received_at: Timestamp,
    /// The alert type, if it is known.
    pub alert_type: Option<String>,
}

/// The ledger's counts for one day and alert type.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LedgerRow {
    /// The UTC day on which the events were received.
    pub day: String,
    /// The alert type; absent for events whose type is not known.
    pub alert_type: Option<String>,
    /// Events received.
    pub received: u64,
    /// New insights.
    pub stored: u64,
    /// Repeats of an insight.
    pub repeated: u64,
    /// Parked events.
    pub parked: u64,
    /// Events that failed; their producer must send them again.
    pub failed: u64,
    /// Events without an outcome: work in progress, or work that was cut off.
    pub unfinished: u64,
    /// New insights for which an earlier answer to the same question was used instead of a model call.
    pub reused: u64,
    /// What those answers had cost and these insights did not, in US dollars, if that is known of any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_usd: Option<Number>,
}

/// Records that an event was received, unless that is recorded already.
pub(crate) fn receive(connection: &Connection, receipt: &Receipt) -> rusqlite::Result<()> {
    let Receipt { owner, received_at, alert_type } = receipt;
    let mut statement = connection.prepare_cached(
        "INSERT INTO intake (owner, received_at, day, alert_type) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
    )?;
    statement.execute(params![owner, received_at.as_millis(), received_at.day(), alert_type])?;
    Ok(())
}

/// Records the outcome of an event, and its receipt unless that is recorded already. A failure does not replace an outcome.
pub(crate) fn settle(connection: &Connection, receipt: &Receipt, outcome: &str) -> rusqlite::Result<()> {
    let Receipt { owner, received_at, alert_type } = receipt;
    let mut statement = connection.prepare_cached(
        "INSERT INTO intake (owner, received_at, day, alert_type, outcome) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (owner) DO UPDATE SET outcome = excluded.outcome
             WHERE excluded.outcome <> 'failed' OR intake.outcome IS NULL",
    )?;
    statement.execute(params![owner, received_at.as_millis(), received_at.day(), alert_type, outcome])?;
    Ok(())
}

/// Records the outcome of an event whose receipt is recorded, and the earlier answer that was used for its insight.
pub(crate) fn settle_owner(
    connection: &Connection,
    owner: &str,
    outcome: &str,
    reused: Option<&ReusedAnswer>,
) -> rusqlite::Result<()> {
    let mut statement = connection
        .prepare_cached("UPDATE intake SET outcome = ?2, is_reused = ?3, saved_usd = ?4 WHERE owner = ?1")?;
    let saved = reused.and_then(|reused| reused.cost_usd).map(Number::get);
    statement.execute(params![owner, outcome, reused.is_some(), saved])?;
    Ok(())
}

/// Whether an event has an outcome that is not a failure.
pub(crate) fn is_settled(connection: &Connection, owner: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM intake WHERE owner = ?1 AND outcome IN ('stored', 'repeated', 'parked'))";
    connection.prepare_cached(sql)?.query_row([owner], |row| row.get(0))
}

impl Sqlite {
    /// Records the receipt of an event whose insight is in another store.
    pub async fn receive(&self, receipt: Receipt) -> Result<(), StoreError> {
        self.write(move |connection| receive(connection, &receipt)).await
    }

    /// Records an outcome that no other operation of this store records: `failed`, or an outcome of another store.
    pub async fn settle(&self, receipt: Receipt, outcome: &'static str) -> Result<(), StoreError> {
        self.write(move |connection| settle(connection, &receipt, outcome)).await
    }

    /// Records the outcome of an event whose receipt is recorded and whose insight is in another store.
    pub async fn settle_owner(
        &self,
        owner: &str,
        outcome: &'static str,
        reused: Option<&ReusedAnswer>,
    ) -> Result<(), StoreError> {
        let (owner, reused) = (owner.to_owned(), reused.cloned());
        self.write(move |connection| settle_owner(connection, &owner, outcome, reused.as_ref())).await
    }

    /// Records each event that was received before this time and has no outcome as failed: its process was cut off, and
    /// its producer must send it again.
    pub async fn settle_cut_off(&self, before: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE intake SET outcome = 'failed' WHERE outcome IS NULL AND received_at < ?1",
            )?;
            statement.execute([before.as_millis()])?;
            Ok(())
        })
        .await
    }

    /// The whole ledger, by day and alert type.
    pub async fn ledger(&self) -> Result<Vec<LedgerRow>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT day, alert_type, count(*),
                     count(*) FILTER (WHERE outcome = 'stored'), count(*) FILTER (WHERE outcome = 'repeated'),
                     count(*) FILTER (WHERE outcome = 'parked'), count(*) FILTER (WHERE outcome = 'failed'),
                     count(*) FILTER (WHERE outcome IS NULL), sum(is_reused), round(sum(saved_usd), 6)
                 FROM intake GROUP BY day, alert_type ORDER BY day, alert_type",
            )?;
            let rows = statement.query_map([], |row| {
                let count = |index| row.get(index);
                Ok(LedgerRow {
                    day: row.get(0)?,
                    alert_type: row.get(1)?,
                    received: count(2)?,
                    stored: count(3)?,
                    repeated: count(4)?,
                    parked: count(5)?,
                    failed: count(6)?,
                    unfinished: count(7)?,
                    reused: count(8)?,
                    saved_usd: row.get::<_, Option<f64>>(9)?.and_then(Number::new),
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// The number of parked events that were deleted, since the file was created, because there were too many.
    pub async fn parked_dropped(&self) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(sum(dropped), 0) FROM parked_dropped";
        self.read(move |connection| connection.query_row(sql, [], |row| row.get(0))).await
    }
}
