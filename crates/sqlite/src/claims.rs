//! Claims, commits, repeats and upgrades in SQLite. Each operation is one transaction, which also writes the ledger's
//! row.

use portend_core::alert::{AlertKey, InsightKey};
use portend_core::insight::StoredInsight;
use portend_core::store::{
    Claim, ClaimRequest, ClaimRow, ClaimState, Claims, Commit, CommitRequest, Lease, Release, Repeat,
    RepeatRequest, Reserved, StoreError, Todo, UpgradeClaim, UpgradeRequest,
};
use portend_core::time::Timestamp;
use rusqlite::types::FromSqlError;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::ledger::{self, Receipt};
use crate::{Sqlite, entities, forgotten, insights};

impl Claims for Sqlite {
    async fn claim(&self, request: &ClaimRequest) -> Result<Claim, StoreError> {
        let (request, expiry) = (request.clone(), self.expiry_time(request.now));
        let claim = self.write(move |connection| {
            if forgotten::covers(connection, &request.insight_key, expiry)? {
                return Ok(None);
            }
            let claim = step_at(connection, request.alert_key, request.now, expiry, |row| {
                ClaimRow::claim(row, &request)
            })?;
            if let Claim::Mine(_) = claim {
                ledger::receive(
                    connection,
                    &receipt(&request.owner, request.received_at, &request.insight_key),
                )?;
            }
            Ok(Some(claim))
        });
        claim.await?.ok_or_else(forgotten::refusal)
    }

    async fn reserve_call(&self, lease: &Lease) -> Result<Reserved, StoreError> {
        let lease = lease.clone();
        self.write(move |connection| {
            step(connection, lease.alert_key, |row| ClaimRow::reserve_call(row, &lease))
        })
        .await
    }

    async fn commit(&self, request: &CommitRequest<'_>) -> Result<Commit, StoreError> {
        let CommitRequest { lease, insight, todo, now } = *request;
        let (lease, insight, now) = (lease.clone(), insight.clone(), self.expiry_time(now));
        self.write(move |connection| {
            let request = CommitRequest { lease: &lease, insight: &insight, todo, now };
            let commit = commit(connection, &request)?;
            let (outcome, reused) = match &commit {
                Commit::Stored => ("stored", insight.reused()),
                Commit::Existing(_) => ("repeated", None),
                Commit::KeyTaken | Commit::Lost => return Ok(commit),
            };
            ledger::settle_owner(connection, &lease.owner, outcome, reused)?;
            Ok(commit)
        })
        .await
    }

    async fn release(&self, lease: &Lease, release: Release) -> Result<(), StoreError> {
        let lease = lease.clone();
        self.write(move |connection| {
            step(connection, lease.alert_key, |row| ((), ClaimRow::release(row, &lease, release)))
        })
        .await
    }

    async fn repeat(&self, request: &RepeatRequest) -> Result<Option<Repeat>, StoreError> {
        let now = self.expiry_time(request.now);
        let request = RepeatRequest { now, ..request.clone() };
        self.write(move |connection| {
            let RepeatRequest { alert_key, insight_key, owner, received_at, .. } = &request;
            let found = insights::get_of(connection, insight_key, *alert_key, now)?;
            let Some((insight, todo)) = found else { return Ok(None) };
            let repeats = step(connection, *alert_key, |row| {
                let counted = ClaimRow::repeat(row, &request);
                (counted.as_ref().map(|row| (row.occurrences, row.last_seen)), counted)
            })?;
            ledger::settle(connection, &receipt(owner, *received_at, insight_key), "repeated")?;
            let insight = match repeats {
                Some((occurrences, last_seen)) => insight.with_repeats(occurrences, last_seen),
                None => insight,
            };
            Ok(Some(Repeat { insight, todo }))
        })
        .await
    }

    async fn claim_upgrade(&self, request: &UpgradeRequest) -> Result<UpgradeClaim, StoreError> {
        let (request, expiry) = (request.clone(), self.expiry_time(request.now));
        self.write(move |connection| {
            step_at(connection, request.alert_key, request.now, expiry, |row| {
                ClaimRow::claim_upgrade(row, &request)
            })
        })
        .await
    }

    async fn commit_upgrade(&self, request: &CommitRequest<'_>) -> Result<Option<StoredInsight>, StoreError> {
        let CommitRequest { lease, insight, todo, now } = *request;
        let (lease, insight, now) = (lease.clone(), insight.clone(), self.expiry_time(now));
        self.write(move |connection| {
            let key = insight.key();
            let before = insights::get_of(connection, key, lease.alert_key, now)?;
            let Some((before, before_todo)) = before else { return Ok(None) };
            if before.is_degraded() {
                let unpublished = before_todo.filter(|todo| *todo == Todo::Notify);
                let upgraded = before.upgraded(&insight);
                let fields = upgraded.current().unwrap_or(insight.fields());
                insights::write(connection, &insight, fields, todo.or(unpublished))?;
                entities::judge(connection, &insight, fields, now)?;
            } else if let Some(fields) = before.current() {
                entities::judge(connection, &insight, fields, now)?;
            }
            let release = Release::at(Timestamp::EPOCH);
            step(connection, lease.alert_key, |row| ((), ClaimRow::release(row, &lease, release)))?;
            insights::get(connection, key, now)
        })
        .await
    }
}

fn commit(connection: &Connection, request: &CommitRequest<'_>) -> rusqlite::Result<Commit> {
    let CommitRequest { lease, insight, todo, now } = *request;
    if let Some(alert_key) = insights::alert_key(connection, insight.key(), now)? {
        if alert_key != insight.alert_key() {
            return Ok(Commit::KeyTaken);
        }
        let stored = insights::get(connection, insight.key(), now)?.ok_or(FromSqlError::InvalidType)?;
        let expires_at = stored.expires_at().unwrap_or(now);
        step(connection, alert_key, |row| ((), ClaimRow::adopt(row, lease, insight.key(), expires_at)))?;
        let is_mine = stored.run() == insight.fields().run;
        return Ok(if is_mine { Commit::Stored } else { Commit::Existing(stored) });
    }
    let row = claim_row(connection, lease.alert_key)?;
    let Some(committed) = ClaimRow::commit(row.as_ref(), lease, insight) else {
        // Another worker took the claim over. Its insight may be under a different key from this one's.
        let stored = match row {
            Some(row) => insights::get_of(connection, &row.insight_key, lease.alert_key, now)?,
            None => None,
        };
        return Ok(stored.map_or(Commit::Lost, |(stored, _)| Commit::Existing(stored)));
    };
    insights::write(connection, insight, insight.fields(), todo)?;
    entities::judge(connection, insight, insight.fields(), now)?;
    write_claim(connection, lease.alert_key, &committed)?;
    Ok(Commit::Stored)
}

/// Applies one step to a claim's row, which has expired only if it has expired at `expiry`.
fn step_at<T>(
    connection: &Connection,
    key: AlertKey,
    now: Timestamp,
    expiry: Timestamp,
    respond: impl FnOnce(Option<&ClaimRow>) -> (T, Option<ClaimRow>),
) -> rusqlite::Result<T> {
    step(connection, key, |row| {
        let retained = row.filter(|row| !row.expires_at.is_past(expiry));
        let retained = retained.map(|row| ClaimRow { expires_at: row.expires_at.max(now), ..row.clone() });
        respond(retained.as_ref().or(row))
    })
}

/// Applies one step to a claim's row, writes the row back if it changed, and returns the step's result.
fn step<T>(
    connection: &Connection,
    key: AlertKey,
    step: impl FnOnce(Option<&ClaimRow>) -> (T, Option<ClaimRow>),
) -> rusqlite::Result<T> {
    let row = claim_row(connection, key)?;
    let (response, written) = step(row.as_ref());
    if let Some(row) = written {
        write_claim(connection, key, &row)?;
    }
    Ok(response)
}

fn receipt(owner: &str, received_at: Timestamp, key: &InsightKey) -> Receipt {
    Receipt { owner: owner.to_owned(), received_at, alert_type: Some(key.alert_type().to_owned()) }
}

fn claim_row(connection: &Connection, key: AlertKey) -> rusqlite::Result<Option<ClaimRow>> {
    let mut statement = connection.prepare_cached("SELECT * FROM claim WHERE alert_key = ?1")?;
    statement.query_row([key.as_bytes()], read_claim).optional()
}

fn read_claim(row: &Row<'_>) -> rusqlite::Result<ClaimRow> {
    Ok(ClaimRow {
        state: ClaimState::from_code(&row.get::<_, String>("state")?).ok_or(FromSqlError::InvalidType)?,
        owner: row.get("owner")?,
        fence: row.get("fence")?,
        lease_until: Timestamp::from_millis(row.get("lease_until")?),
        calls: row.get("calls")?,
        upgrades: row.get("upgrades")?,
        occurrences: row.get("occurrences")?,
        last_seen: row.get::<_, Option<i64>>("last_seen")?.map(Timestamp::from_millis),
        insight_key: insights::read_key(row)?,
        expires_at: Timestamp::from_secs(row.get("expires_at")?),
    })
}

fn write_claim(connection: &Connection, key: AlertKey, row: &ClaimRow) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR REPLACE INTO claim (alert_key, state, owner, fence, lease_until, calls, upgrades, occurrences,
             last_seen, entity_id, alert_timestamp, alert_type, digits, expires_at)
         VALUES (:alert_key, :state, :owner, :fence, :lease_until, :calls, :upgrades, :occurrences, :last_seen,
             :entity_id, :alert_timestamp, :alert_type, :digits, :expires_at)",
    )?;
    statement.execute(named_params! {
        ":alert_key": key.as_bytes(),
        ":state": row.state.code(),
        ":owner": row.owner,
        ":fence": row.fence,
        ":lease_until": row.lease_until.as_millis(),
        ":calls": row.calls,
        ":upgrades": row.upgrades,
        ":occurrences": row.occurrences,
        ":last_seen": row.last_seen.map(Timestamp::as_millis),
        ":entity_id": row.insight_key.entity_id(),
        ":alert_timestamp": row.insight_key.alert_timestamp().as_millis(),
        ":alert_type": row.insight_key.alert_type(),
        ":digits": row.insight_key.digits(),
        ":expires_at": row.expires_at.as_secs(),
    })?;
    Ok(())
}
