//! The embedded store: one SQLite file, with the ledger of events. Several processes can use it at the same time.
//!
//! | table            | key                                         | what it contains                                     |
//! |------------------|---------------------------------------------|------------------------------------------------------|
//! | insight          | entity, alert timestamp, alert type, digits | the columns that queries filter by, the pending work; the JSON as `body`, with a checksum |
//! | claim            | alert key                                   | state, owner, fence, lease, calls, upgrades, repeats, the insight's key |
//! | entity           | entity type, entity                         | whether it is open, its worst score, its version; the JSON as `body` |
//! | `entities_complete` | at most one row                          | present if every insight's entity has a row          |
//! | feedback         | alert id, time, random id                   | the JSON as `body`                                   |
//! | parked           | sha256 of the event                         | reason, message, the event's first 64 KiB, replay    |
//! | answer           | sha256 of the question                      | an accepted answer of a model, with its run, time and cost |
//! | forgotten        | hash of an entity, alone or with an alert type | when it was forgotten                             |
//! | `parked_size`    | one row                                     | the number of parked events and their size in bytes  |
//! | `parked_dropped` | day                                         | the number of parked events deleted to make room     |
//! | intake           | owner                                       | the ledger: one row for each event received, with its outcome, and the cost that an earlier answer saved |
//! | document         | pk, sk                                      | what happened, evaluation rows, calibration maps, and used signatures |
//! | inbox            | a number, in the order of receipt           | events that the server has accepted and not yet finished |
//! | clock            | one row                                     | the latest time that the store has seen              |
//! | migration        | version                                     | when the migration to this version was applied       |
//!
//! Times are in milliseconds since 1970; `expires_at` is in seconds. One thread writes, and puts many operations into
//! one commit; another thread reads. Both receive operations and respond over channels.
//!
//! Never: acknowledges a write that is not durable (WAL, synchronous FULL, and the file still in its place), or opens a
//! file of another program.

mod error;
mod worker;
mod clock;
mod checksum;
mod insights;
mod migrations;
mod ledger;
mod forgotten;
mod entities;
mod inbox;
mod claims;
mod parking;
mod answers;
mod forgetting;
mod documents;

use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use portend_core::limits::RETENTION;
use portend_core::store::StoreError;
use portend_core::time::Timestamp;
use rusqlite::{Connection, OpenFlags};

pub use clock::ClockJump;
use clock::ClockWatch;
use error::SqliteError;
pub use inbox::InboxEvent;
pub use ledger::{LedgerRow, Receipt};
use worker::Worker;

/// How long an operation waits for another process to finish its transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// The size of each connection's page cache, in KiB. SQLite's default of 2,000 is for small devices.
const CACHE_KIB: i64 = 32 * 1024;
/// The most expired rows that one sweep deletes from each table, so that no start takes long.
const SWEEP_ROWS_MAX: u32 = 20_000;

/// An open store.
#[derive(Debug)]
pub struct Sqlite {
    path: PathBuf,
    clock: ClockWatch,
    /// Damaged insights that pages skipped.
    unreadable: AtomicUsize,
    // Fields are dropped in order: the writer's connection is closed last, and folds the log into the file.
    reader: Worker,
    writer: Worker,
}

impl Sqlite {
    /// Opens the file for reading and writing. Creates the file and its folder if they do not exist; only the owner may
    /// read a new file.
    pub fn open(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let named = |error: SqliteError| error.in_file(path);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| named(error.into()))?;
        }
        create_private(path).map_err(|error| named(error.into()))?;
        let mut writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(named)?;
        migrations::prepare(&mut writer, now).map_err(named)?;
        clock::observe(&writer, now).map_err(|error| named(error.into()))?;
        let clock = ClockWatch::of(&writer, now).map_err(|error| named(error.into()))?;
        let reader = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(named)?;
        Ok(Self {
            path: path.into(),
            clock,
            unreadable: AtomicUsize::new(0),
            writer: Worker::start(writer, path).map_err(named)?,
            reader: Worker::start(reader, path).map_err(named)?,
        })
    }

    /// Opens an existing file for reading only.
    pub fn open_read_only(path: &Path, now: Timestamp) -> Result<Self, StoreError> {
        let named = |error: SqliteError| error.in_file(path);
        let connection = || -> Result<Connection, SqliteError> {
            // SQLite repairs the file after a process that was cut off, and needs write access to do so.
            let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
            migrations::check(&connection)?;
            migrations::prepare(&mut connection, now)?;
            connection.pragma_update(None, "query_only", true)?;
            Ok(connection)
        };
        let (first, second) = (connection().map_err(named)?, connection().map_err(named)?);
        Ok(Self {
            path: path.into(),
            clock: ClockWatch::of(&first, now).map_err(|error| named(error.into()))?,
            unreadable: AtomicUsize::new(0),
            writer: Worker::start(first, path).map_err(named)?,
            reader: Worker::start(second, path).map_err(named)?,
        })
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same with a clock that cannot jump, as in a simulation.
    #[must_use]
    pub fn trusting_clock(self) -> Self {
        Self { clock: ClockWatch::trusting(), ..self }
    }

    /// How the clock has jumped since the store was last used; `None` if it has not. After a jump, nothing is deleted and
    /// nothing expires until the time is confirmed.
    pub fn clock_jump(&self) -> Option<ClockJump> {
        self.clock.jump()
    }

    /// Observes the time, and returns the time by which data have expired.
    pub(crate) fn expiry_time(&self, now: Timestamp) -> Timestamp {
        self.clock.expiry_time(now)
    }

    /// Confirms that the time is right, so that the sweep deletes again.
    pub async fn confirm_clock(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection| clock::confirm(connection, now)).await?;
        self.clock.confirm(now);
        Ok(())
    }

    /// Checks that the file can be written now: takes and releases the write lock.
    pub async fn probe(&self) -> Result<(), StoreError> {
        self.write(|_| Ok(())).await
    }

    /// Reads the whole file and checks its structure. Returns one line for each fault.
    pub async fn check(&self) -> Result<Vec<String>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare("PRAGMA quick_check(10)")?;
            let mut lines: Vec<String> =
                statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            lines.retain(|line| line != "ok");
            Ok(lines)
        })
        .await
    }

    /// The alert ids of the insights that do not match their checksum. Reads every insight.
    pub async fn damaged_insights(&self) -> Result<Vec<String>, StoreError> {
        self.read(checksum::damaged).await
    }

    /// Deletes expired rows, unless the clock has jumped, and returns their number. Reads ignore expired rows whether
    /// they have been deleted or not.
    pub async fn sweep(&self, now: Timestamp) -> Result<usize, StoreError> {
        let last_day = now.minus(RETENTION).day();
        self.write(move |connection| {
            if clock::observe(connection, now)?.is_some() {
                return Ok(0);
            }
            let mut deleted = 0;
            for (table, key) in [
                ("insight", "rowid"),
                ("claim", "alert_key"),
                ("parked", "sha256"),
                ("answer", "question"),
                ("entity", "(entity_type, entity_id)"),
                ("feedback", "(alert_id, at, id)"),
                ("forgotten", "hash"),
            ] {
                let columns = key.trim_matches(['(', ')']);
                let sql = format!(
                    "DELETE FROM {table} WHERE {key} IN
                     (SELECT {columns} FROM {table} WHERE expires_at < ?1 LIMIT {SWEEP_ROWS_MAX})"
                );
                deleted += connection.execute(&sql, [now.as_secs()])?;
            }
            let documents = format!(
                "DELETE FROM document WHERE (pk, sk) IN
                 (SELECT pk, sk FROM document WHERE expires_at < ?1 LIMIT {SWEEP_ROWS_MAX})"
            );
            deleted += connection.execute(&documents, [now.as_secs()])?;
            let intake = format!(
                "DELETE FROM intake WHERE owner IN (SELECT owner FROM intake WHERE day < ?1 LIMIT {SWEEP_ROWS_MAX})"
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
        let observed = self.clock.unrecorded();
        let operation = move |connection: &Connection| {
            if let Some(now) = observed {
                // If this fails, the operation fails too, or the next one records the time.
                let _ = clock::observe(connection, now);
            }
            operation(connection)
        };
        self.writer.write(operation).await.map_err(|error| error.in_file(&self.path))
    }

    /// An operation of the writer outside any transaction.
    async fn alone<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.read(operation).await.map_err(|error| error.in_file(&self.path))
    }

    async fn read<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.reader.read(operation).await.map_err(|error| error.in_file(&self.path))
    }
}

/// Creates the file if it does not exist, so that only its owner may read it. SQLite's log gets the same permissions.
fn create_private(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, not a file"));
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map(drop),
    }
}

/// The end of a range of texts that begin with this one: no such text, if it goes on, sorts after it and the last character
/// of all.
fn prefix_end(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, SqliteError> {
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, not a file").into());
    }
    // SQLite gives some names a meaning of their own, such as `:memory:` and `file:x?mode=memory`. A path that begins
    // with `.` or `/` is always the name of a file.
    let file = if path.is_relative() { Path::new(".").join(path) } else { path.to_owned() };
    let connection = Connection::open_with_flags(file, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(48);
    // A commit must be on the disk before it is acknowledged. On macOS, only `fullfsync` flushes the drive's own cache.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "fullfsync", true)?;
    // The savepoint of each write remembers the pages that it changes. They fit into memory.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // The keys are random, so a commit of many writes touches pages of the whole file.
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(connection)
}

#[cfg(test)]
mod tests;
