//! The versions of the file's schema, and the migration from each to the next.
//!
//! Never: changes a file that is not a Portend store or that a newer program wrote.

use std::time::Duration;

use backon::{BlockingRetryable, ConstantBuilder};
use portend_core::time::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior};

use crate::checksum;
use crate::error::SqliteError;

/// `Prtd` in ASCII: identifies an SQLite file as a Portend store.
pub(crate) const APPLICATION_ID: i32 = 0x5072_7464;
/// Retries of the switch to WAL while other processes open the file too: SQLite does not wait for that by itself.
const WAL_TRIES_MAX: usize = 200;
const WAL_PAUSE: Duration = Duration::from_millis(10);

/// The migrations: the first creates version 1, and each other one upgrades the version before it. A published
/// migration is never changed.
pub(crate) const MIGRATIONS: [&str; 7] = ["
    CREATE TABLE insight (
        entity_id       TEXT    NOT NULL,
        sk              TEXT    NOT NULL,
        alert_id        TEXT    NOT NULL,
        alert_type      TEXT    NOT NULL,
        alert_key       BLOB    NOT NULL,
        risk_score      REAL    NOT NULL,
        alert_timestamp INTEGER NOT NULL,
        timestamp       INTEGER NOT NULL,
        occurrences     INTEGER NOT NULL,
        last_seen       INTEGER NOT NULL,
        degraded        INTEGER NOT NULL,
        todo            TEXT,
        expires_at      INTEGER NOT NULL,
        body            TEXT    NOT NULL,
        PRIMARY KEY (entity_id, sk)
    ) STRICT;
    CREATE INDEX insight_newest   ON insight (timestamp, alert_id);
    CREATE INDEX insight_alert_id ON insight (alert_id);
    CREATE INDEX insight_expiry   ON insight (expires_at);
    CREATE INDEX insight_todo     ON insight (timestamp) WHERE todo IS NOT NULL;

    CREATE TABLE claim (
        alert_key   BLOB    NOT NULL PRIMARY KEY,
        state       TEXT    NOT NULL,
        owner       TEXT    NOT NULL,
        fence       INTEGER NOT NULL,
        lease_until INTEGER NOT NULL,
        calls       INTEGER NOT NULL,
        upgrades    INTEGER NOT NULL,
        insight_pk  TEXT    NOT NULL,
        insight_sk  TEXT    NOT NULL,
        expires_at  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX claim_expiry ON claim (expires_at);

    CREATE TABLE parked (
        sha256      TEXT    NOT NULL PRIMARY KEY,
        received_at INTEGER NOT NULL,
        reason      TEXT    NOT NULL,
        message     TEXT    NOT NULL,
        event       BLOB    NOT NULL,
        event_bytes INTEGER NOT NULL,
        replayed_at INTEGER,
        outcome     TEXT,
        expires_at  INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX parked_newest ON parked (received_at, sha256);
    CREATE INDEX parked_expiry ON parked (expires_at);

    CREATE TABLE intake (
        id          INTEGER NOT NULL PRIMARY KEY,
        received_at INTEGER NOT NULL,
        day         TEXT    NOT NULL,
        alert_type  TEXT,
        outcome     TEXT
    ) STRICT;
    CREATE INDEX intake_day        ON intake (day);
    CREATE INDEX intake_unfinished ON intake (received_at) WHERE outcome IS NULL;
", "
    ALTER TABLE insight RENAME TO insight_1;
    CREATE TABLE insight (
        entity_id       TEXT    NOT NULL,
        alert_timestamp INTEGER NOT NULL,
        alert_type      TEXT    NOT NULL,
        digits          TEXT    NOT NULL,
        alert_id        TEXT    NOT NULL,
        alert_key       BLOB    NOT NULL,
        risk_score      REAL    NOT NULL,
        timestamp       INTEGER NOT NULL,
        degraded        INTEGER NOT NULL,
        todo            TEXT,
        expires_at      INTEGER NOT NULL,
        body            TEXT    NOT NULL,
        checksum        BLOB    NOT NULL,
        PRIMARY KEY (entity_id, alert_timestamp, alert_type, digits)
    ) STRICT;
    INSERT INTO insight
        SELECT entity_id, alert_timestamp, alert_type, substr(sk, -8), alert_id, alert_key, risk_score, timestamp,
            degraded, todo, expires_at, body, x'' FROM insight_1;

    ALTER TABLE claim RENAME TO claim_1;
    CREATE TABLE claim (
        alert_key       BLOB    NOT NULL PRIMARY KEY,
        state           TEXT    NOT NULL,
        owner           TEXT    NOT NULL,
        fence           INTEGER NOT NULL,
        lease_until     INTEGER NOT NULL,
        calls           INTEGER NOT NULL,
        upgrades        INTEGER NOT NULL,
        occurrences     INTEGER NOT NULL,
        last_seen       INTEGER,
        entity_id       TEXT    NOT NULL,
        alert_timestamp INTEGER NOT NULL,
        alert_type      TEXT    NOT NULL,
        digits          TEXT    NOT NULL,
        expires_at      INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO claim
        SELECT claim_1.alert_key, CASE WHEN insight_1.alert_key IS NULL THEN state ELSE 'DONE' END, owner, fence,
            lease_until, calls, upgrades, coalesce(occurrences, 1), last_seen, substr(insight_pk, 9),
            CAST(round(unixepoch(substr(insight_sk, 1, 24), 'subsec') * 1000) AS INTEGER),
            substr(insight_sk, 26, length(insight_sk) - 34), substr(insight_sk, -8), claim_1.expires_at
        FROM claim_1 LEFT JOIN (
            -- An expired insight may still be in the file beside the one that was made after it.
            SELECT alert_key, occurrences, last_seen, max(timestamp) FROM insight_1 GROUP BY alert_key
        ) AS insight_1 ON insight_1.alert_key = claim_1.alert_key;

    ALTER TABLE intake RENAME TO intake_1;
    CREATE TABLE intake (
        owner       TEXT    NOT NULL PRIMARY KEY,
        received_at INTEGER NOT NULL,
        day         TEXT    NOT NULL,
        alert_type  TEXT,
        outcome     TEXT
    ) STRICT, WITHOUT ROWID;
    INSERT INTO intake SELECT 'row ' || id, received_at, day, alert_type, outcome FROM intake_1;

    CREATE TABLE parked_dropped (day TEXT NOT NULL PRIMARY KEY, dropped INTEGER NOT NULL) STRICT;
    CREATE TABLE parked_size (events INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
    INSERT INTO parked_size SELECT count(*), coalesce(sum(length(event)), 0) FROM parked;
    CREATE TRIGGER parked_in AFTER INSERT ON parked BEGIN
        UPDATE parked_size SET events = events + 1, bytes = bytes + length(new.event);
    END;
    CREATE TRIGGER parked_out AFTER DELETE ON parked BEGIN
        UPDATE parked_size SET events = events - 1, bytes = bytes - length(old.event);
    END;
    CREATE TABLE clock (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), latest INTEGER NOT NULL) STRICT;
    INSERT INTO clock SELECT 1, max(timestamp) FROM insight_1 HAVING count(*) > 0;

    DROP TABLE insight_1;
    DROP TABLE claim_1;
    DROP TABLE intake_1;
    CREATE INDEX insight_newest    ON insight (timestamp, alert_id);
    CREATE INDEX insight_alert_id  ON insight (alert_id);
    CREATE INDEX insight_expiry    ON insight (expires_at);
    CREATE INDEX insight_todo      ON insight (timestamp) WHERE todo IS NOT NULL;
    CREATE INDEX claim_expiry      ON claim (expires_at);
    CREATE INDEX intake_day        ON intake (day);
    CREATE INDEX intake_unfinished ON intake (received_at) WHERE outcome IS NULL;
", "
    CREATE TABLE answer (
        question    TEXT    NOT NULL PRIMARY KEY,
        reply       TEXT    NOT NULL,
        model_id    TEXT    NOT NULL,
        run         TEXT    NOT NULL,
        answered_at INTEGER NOT NULL,
        cost_usd    REAL,
        expires_at  INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX answer_expiry ON answer (expires_at);
    ALTER TABLE intake ADD COLUMN is_reused INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE intake ADD COLUMN saved_usd REAL;
", "
    CREATE TABLE entity (
        entity_type TEXT    NOT NULL,
        entity_id   TEXT    NOT NULL,
        is_open     INTEGER NOT NULL,
        worst       REAL    NOT NULL,
        version     INTEGER NOT NULL,
        expires_at  INTEGER NOT NULL,
        body        TEXT    NOT NULL,
        PRIMARY KEY (entity_type, entity_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX entity_open   ON entity (worst DESC, entity_type, entity_id) WHERE is_open;
    CREATE INDEX entity_expiry ON entity (expires_at);

    CREATE TABLE entities_complete (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1)) STRICT;
    INSERT INTO entities_complete SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM insight);

    CREATE TABLE feedback (
        alert_id   TEXT    NOT NULL,
        at         INTEGER NOT NULL,
        id         TEXT    NOT NULL,
        expires_at INTEGER NOT NULL,
        body       TEXT    NOT NULL,
        PRIMARY KEY (alert_id, at, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX feedback_expiry ON feedback (expires_at);

    CREATE TABLE forgotten (hash TEXT NOT NULL PRIMARY KEY, at INTEGER NOT NULL, expires_at INTEGER NOT NULL)
        STRICT, WITHOUT ROWID;
", "
    CREATE TABLE document (
        pk         TEXT    NOT NULL,
        sk         TEXT    NOT NULL,
        body       TEXT    NOT NULL,
        expires_at INTEGER NOT NULL,
        PRIMARY KEY (pk, sk)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX document_expiry ON document (expires_at);
", "
    CREATE TABLE inbox (
        id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        owner       TEXT    NOT NULL,
        received_at INTEGER NOT NULL,
        event       BLOB    NOT NULL
    ) STRICT;
", "
    ALTER TABLE answer ADD COLUMN second_opinion TEXT;
"];

/// Migrates the file to the latest version. Processes that do this at the same time wait for one another.
pub(crate) fn prepare(connection: &mut Connection, now: Timestamp) -> Result<(), SqliteError> {
    // The check comes before any write, because the file may be another program's.
    let found = version(connection)?;
    use_wal(connection)?;
    if found == latest() {
        return Ok(());
    }
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    let found = version(&transaction)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration (version INTEGER NOT NULL PRIMARY KEY, applied_at TEXT NOT NULL) STRICT",
    )?;
    for (number, sql) in (1..).zip(MIGRATIONS).skip(found as usize) {
        transaction.execute_batch(sql)?;
        let applied: (u32, String) = (number, now.to_string());
        transaction.execute("INSERT INTO migration (version, applied_at) VALUES (?1, ?2)", applied)?;
    }
    checksum::write_checksums(&transaction)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()?;
    Ok(())
}

/// Rejects a file that is not a store. Migrates nothing.
pub(crate) fn check(connection: &Connection) -> Result<(), SqliteError> {
    match version(connection)? {
        0 => Err(SqliteError::Empty),
        _ => Ok(()),
    }
}

fn latest() -> u32 {
    MIGRATIONS.iter().fold(0, |count, _| count + 1)
}

/// The file's version: 0 if it is empty.
fn version(connection: &Connection) -> Result<u32, SqliteError> {
    // One query reads both: between two queries, another process could create the file's tables.
    let query = "SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id";
    let (application_id, tables): (i32, u32) =
        connection.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if application_id != APPLICATION_ID {
        return if application_id == 0 && tables == 0 { Ok(0) } else { Err(SqliteError::NotOurs) };
    }
    let found = connection
        .query_row("SELECT max(version) FROM migration", [], |row| row.get::<_, Option<u32>>(0))
        .optional()?
        .flatten()
        .unwrap_or(0);
    let known = latest();
    if found > known { Err(SqliteError::Newer { found, known }) } else { Ok(found) }
}

fn use_wal(connection: &Connection) -> Result<(), SqliteError> {
    let is_busy = |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
    let switch = || connection.pragma_update(None, "journal_mode", "WAL");
    let pauses = ConstantBuilder::new().with_delay(WAL_PAUSE).with_max_times(WAL_TRIES_MAX);
    Ok(switch.retry(pauses).when(is_busy).call()?)
}
