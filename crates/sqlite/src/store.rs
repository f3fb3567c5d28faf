//! The store's contract on SQLite.
//!
//! Takes: what every store takes.
//! Gives: what every store gives; a write is on the disk before its answer.
//! Never: decides anything of a claim itself; that is [`ClaimRow`]'s.

use portend_core::alert::{AlertKey, InsightKey};
use portend_core::insight::{Insight, StoredInsight};
use portend_core::store::{
    Claim, ClaimRequest, ClaimRow, Cursor, Due, Lease, Page, Parked, ParkedPage, Put, Query, Repeat,
    Reserved, State, Store, StoreError, Todo, UpgradeClaim, UpgradeRequest,
};
use portend_core::time::Timestamp;
use rusqlite::types::FromSqlError;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::{Sqlite, insights, parked};

impl Sqlite {
    /// Answers from one claim and writes it back if it changes, in one step.
    async fn step<T: Send + 'static>(
        &self,
        key: AlertKey,
        step: impl FnOnce(Option<&ClaimRow>) -> (T, Option<ClaimRow>) + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write(move |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM claim WHERE alert_key = ?1")?;
            let row = statement.query_row([key.as_bytes()], claim_row).optional()?;
            let (answer, written) = step(row.as_ref());
            if let Some(row) = written {
                write_claim(connection, key, &row)?;
            }
            Ok(answer)
        })
        .await
    }
}

fn claim_row(row: &Row<'_>) -> rusqlite::Result<ClaimRow> {
    let (pk, sk): (String, String) = (row.get("insight_pk")?, row.get("insight_sk")?);
    Ok(ClaimRow {
        state: State::from_code(&row.get::<_, String>("state")?).ok_or(FromSqlError::InvalidType)?,
        owner: row.get("owner")?,
        fence: row.get("fence")?,
        lease_until: Timestamp::from_millis(row.get("lease_until")?),
        calls: row.get("calls")?,
        upgrades: row.get("upgrades")?,
        insight_key: InsightKey::from_item(&pk, &sk).ok_or(FromSqlError::InvalidType)?,
        expires_at: Timestamp::from_secs(row.get("expires_at")?),
    })
}

fn write_claim(connection: &Connection, key: AlertKey, row: &ClaimRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO claim (alert_key, state, owner, fence, lease_until, calls, upgrades, insight_pk,
             insight_sk, expires_at)
         VALUES (:alert_key, :state, :owner, :fence, :lease_until, :calls, :upgrades, :insight_pk, :insight_sk,
             :expires_at)",
    )?;
    statement.execute(named_params! {
        ":alert_key": key.as_bytes(),
        ":state": row.state.code(),
        ":owner": row.owner,
        ":fence": row.fence,
        ":lease_until": row.lease_until.as_millis(),
        ":calls": row.calls,
        ":upgrades": row.upgrades,
        ":insight_pk": row.insight_key.pk(),
        ":insight_sk": row.insight_key.sk(),
        ":expires_at": row.expires_at.as_secs(),
    })?;
    Ok(())
}

impl Store for Sqlite {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim, StoreError> {
        let request = request.clone();
        self.step(request.alert_key, move |row| ClaimRow::claim(row, &request)).await
    }

    async fn reserve_call(&self, lease: &Lease) -> Result<Reserved, StoreError> {
        let lease = lease.clone();
        self.step(lease.alert_key, move |row| ClaimRow::reserve_call(row, &lease)).await
    }

    async fn put(&self, insight: &Insight, todo: Option<Todo>, now: Timestamp) -> Result<Put, StoreError> {
        let insight = insight.clone();
        let existing = self.write(move |connection| insights::put(connection, &insight, todo, now)).await?;
        Ok(existing.map_or(Put::Stored, Put::Existing))
    }

    async fn finish(&self, lease: &Lease, expires_at: Timestamp) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.step(lease.alert_key, move |row| ((), ClaimRow::finish(row, &lease, expires_at))).await
    }

    async fn release(&self, lease: &Lease, until: Timestamp) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.step(lease.alert_key, move |row| ((), ClaimRow::release(row, &lease, until))).await
    }

    async fn repeat(
        &self,
        key: &InsightKey,
        seen: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Repeat>, StoreError> {
        let key = key.clone();
        self.write(move |connection| insights::repeat(connection, &key, seen, now)).await
    }

    async fn park(&self, parked: &Parked) -> Result<(), StoreError> {
        let item = parked.clone();
        self.write(move |connection| parked::park(connection, &item)).await
    }

    async fn replayed(&self, sha256: &str, at: Timestamp, outcome: &str) -> Result<(), StoreError> {
        let (sha256, outcome) = (sha256.to_owned(), outcome.to_owned());
        self.write(move |connection| parked::replayed(connection, &sha256, at, &outcome)).await
    }

    async fn clear_todo(&self, key: &InsightKey, run: &str, todo: Todo) -> Result<(), StoreError> {
        let (key, run) = (key.clone(), run.to_owned());
        self.write(move |connection| insights::clear_todo(connection, &key, &run, todo)).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Vec<Due>, StoreError> {
        let after = after.cloned();
        self.read(move |connection| insights::due(connection, now, after.as_ref(), limit)).await
    }

    async fn claim_upgrade(&self, request: &UpgradeRequest) -> Result<UpgradeClaim, StoreError> {
        let request = request.clone();
        self.step(request.alert_key, move |row| ClaimRow::claim_upgrade(row, &request)).await
    }

    async fn upgrade(
        &self,
        insight: &Insight,
        todo: Option<Todo>,
        now: Timestamp,
    ) -> Result<Option<StoredInsight>, StoreError> {
        let insight = insight.clone();
        self.write(move |connection| insights::upgrade(connection, &insight, todo, now)).await
    }

    async fn insight(&self, key: &InsightKey, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        let key = key.clone();
        self.read(move |connection| insights::get(connection, &key, now)).await
    }

    async fn find(&self, alert_id: &str, now: Timestamp) -> Result<Option<StoredInsight>, StoreError> {
        let alert_id = alert_id.to_owned();
        self.read(move |connection| insights::find(connection, &alert_id, now)).await
    }

    async fn insights(&self, query: &Query, now: Timestamp) -> Result<Page, StoreError> {
        let query = query.clone();
        self.read(move |connection| insights::page(connection, &query, now)).await
    }

    async fn parked(
        &self,
        after: Option<&Cursor>,
        limit: usize,
        now: Timestamp,
    ) -> Result<ParkedPage, StoreError> {
        let after = after.cloned();
        self.read(move |connection| parked::page(connection, after.as_ref(), limit, now)).await
    }
}
