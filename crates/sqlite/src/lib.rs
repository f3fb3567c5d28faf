//! The embedded store: one SQLite file, safe with several processes on it.
//!
//! Takes: a path.
//! Gives: a [`Sqlite`], on which the store's contract and the ledger stand.
//! Never: acknowledges what is not durable (WAL, synchronous FULL), or opens what is not its own.
//!
//! | table     | key                    | what it holds                                                          |
//! |-----------|------------------------|------------------------------------------------------------------------|
//! | insight   | `entity_id`, `sk`      | what queries ask for, repeats, what is left to do; the JSON as `body`  |
//! | claim     | `alert_key`            | state, owner, fence, lease, calls, upgrades, the insight's key         |
//! | parked    | `sha256`               | reason, sentence, the event's first 64 KiB, replay                     |
//! | intake    | `id`                   | one row per event received, and what came of it (the ledger)           |
//! | migration | `version`              | when the file took which shape                                         |
//!
//! Times are milliseconds since 1970; `expires_at` is in seconds. One thread writes, many operations to a commit; one
//! thread reads; both are asked and answer over channels.

mod error;
mod insights;
mod ledger;
mod migrations;
mod parked;
mod store;
mod worker;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use portend_core::limits::KEPT;
use portend_core::store::StoreError;
use portend_core::time::Timestamp;
use rusqlite::{Connection, OpenFlags};

use error::Failed;
pub use ledger::{Entry, LedgerRow};
use worker::Worker;

/// How long an operation waits for another process to finish its own.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// Expired rows that one sweep deletes of each table, so that no start takes long.
const SWEEP_ROWS_MAX: u32 = 20_000;

/// An open store.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    // Closed before the writer, which then is the last and folds the log into the file.
    reader: Worker,
    writer: Worker,
}

impl Sqlite {
    /// Opens the file for work, and makes it and its folder if they do not exist.
    pub fn open(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let name = |error: Failed| error.in_file(path);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| name(error.into()))?;
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut writer = connect(path, flags).map_err(name)?;
        migrations::prepare(&mut writer, now).map_err(name)?;
        let reader = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(name)?;
        Ok(Self { path: path.into(), writer: Worker::start(writer), reader: Worker::start(reader) })
    }

    /// Opens an existing file for reading alone.
    pub fn open_read_only(path: &Path) -> Result<Self, StoreError> {
        let name = |error: Failed| error.in_file(path);
        let connection = || -> Result<Connection, Failed> {
            // A process that was cut off may have left something to be put right first, which needs write access.
            let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            connection.pragma_update(None, "query_only", true)?;
            migrations::check(&connection)?;
            Ok(connection)
        };
        let (first, second) = (connection().map_err(name)?, connection().map_err(name)?);
        Ok(Self { path: path.into(), writer: Worker::start(first), reader: Worker::start(second) })
    }

    /// Whether it can be written now: takes and gives back the write lock.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.write(|_| Ok(())).await
    }

    /// Deletes what has expired. Nobody sees such rows anyway.
    pub async fn sweep(&self, now: Timestamp) -> Result<usize, StoreError> {
        let last_day = now.minus(KEPT).day();
        self.write(move |connection| {
            let mut deleted = 0;
            for (table, key) in [("insight", "rowid"), ("claim", "alert_key"), ("parked", "sha256")] {
                let sql = format!(
                    "DELETE FROM {table} WHERE {key} IN
                     (SELECT {key} FROM {table} WHERE expires_at < ?1 LIMIT {SWEEP_ROWS_MAX})"
                );
                deleted += connection.execute(&sql, [now.as_secs()])?;
            }
            let intake = format!(
                "DELETE FROM intake WHERE id IN (SELECT id FROM intake WHERE day < ?1 LIMIT {SWEEP_ROWS_MAX})"
            );
            deleted += connection.execute(&intake, [last_day])?;
            Ok(deleted)
        })
        .await
    }

    async fn write<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(operation).await.map_err(|error| error.in_file(&self.path))
    }

    async fn read<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.reader.read(operation).await.map_err(|error| error.in_file(&self.path))
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Failed> {
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder").into());
    }
    // A name is a file's name: SQLite knows others, as `:memory:` and `file:x?mode=memory`, that keep nothing.
    let file = if path.is_relative() { Path::new(".").join(path) } else { path.to_owned() };
    let connection = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(32);
    // A commit is on the disk before anything is acknowledged.
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

#[cfg(test)]
mod tests;
