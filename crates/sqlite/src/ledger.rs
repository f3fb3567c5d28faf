//! The ledger: a row for each event received, and what came of it.
//!
//! Takes: receipts and outcomes.
//! Gives: per day and alert type, what was received and what it became. They must add up.
//! Never: holds anything of an event but its type.

use portend_core::store::StoreError;
use portend_core::time::Timestamp;
use rusqlite::params;
use serde::Serialize;

use crate::Sqlite;

/// The row of one received event.
#[derive(Debug, Clone, Copy)]
pub struct IntakeId(i64);

/// What is known of an event when it is received.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When.
    pub received_at: Timestamp,
    /// The alert type, if it is a known one.
    pub alert_type: Option<String>,
}

/// One day and alert type of the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LedgerRow {
    /// The UTC day of receipt.
    pub day: String,
    /// The alert type; absent for events of no known type.
    pub alert_type: Option<String>,
    /// Events received.
    pub received: u64,
    /// New insights.
    pub stored: u64,
    /// Repeats of an insight.
    pub repeated: u64,
    /// Kept with a reason.
    pub parked: u64,
    /// Handed back.
    pub failed: u64,
    /// Received, and nothing has come of it: work that was cut off, or is going on.
    pub unfinished: u64,
}

impl Sqlite {
    /// Notes the receipt of an event, before anything is done about it.
    pub async fn receive(&self, entry: &Entry) -> Result<IntakeId, StoreError> {
        let Entry { received_at, alert_type } = entry.clone();
        self.write(move |connection| {
            let mut statement = connection
                .prepare_cached("INSERT INTO intake (received_at, day, alert_type) VALUES (?1, ?2, ?3)")?;
            Ok(IntakeId(statement.insert(params![received_at.as_millis(), received_at.day(), alert_type])?))
        })
        .await
    }

    /// Notes what came of it: `stored`, `repeated`, `parked` or `failed`.
    pub async fn settle(&self, id: IntakeId, outcome: &'static str) -> Result<(), StoreError> {
        self.write(move |connection| {
            let mut statement = connection.prepare_cached("UPDATE intake SET outcome = ?2 WHERE id = ?1")?;
            statement.execute(params![id.0, outcome])?;
            Ok(())
        })
        .await
    }

    /// Notes as failed what was received before this time and has no outcome: its process was cut off, and whoever sent
    /// it must send it again.
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
                     count(*) FILTER (WHERE outcome IS NULL)
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
                })
            })?;
            rows.collect()
        })
        .await
    }
}
