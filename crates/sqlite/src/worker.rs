//! A thread that works on one connection. It receives operations over a channel, and responds to each over a channel of
//! its own. Writes that are waiting share one commit.
//!
//! Never: responds to a write before its commit.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::{io, thread};

use rusqlite::{Connection, Error};
use tokio::sync::oneshot;

use crate::error::SqliteError;

/// The most writes that share one commit. More would not be faster, and would lock the file for longer.
const WRITES_PER_COMMIT_MAX: usize = 512;

/// The handle of the thread. Dropping it ends the thread and closes the connection.
#[derive(Debug)]
pub(crate) struct Worker {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

enum Job {
    Read(Box<dyn FnOnce(&Connection) + Send>),
    Write(Write),
}

/// An operation on the connection, or on the error for which there will be no commit.
type Write = Box<dyn FnOnce(Result<&Connection, Error>) -> UncommittedWrite + Send>;

/// A write that has been executed and not yet committed.
struct UncommittedWrite {
    failed: Option<Error>,
    /// Responds to the caller. The argument is the error if there was no commit.
    respond: Box<dyn FnOnce(Option<SqliteError>) + Send>,
}

/// The file and its log as they were opened. If one of them is removed or replaced, writes to it are lost.
struct OpenFile {
    path: PathBuf,
    id: FileId,
    log: PathBuf,
    /// `None` until the log exists.
    log_id: Cell<Option<FileId>>,
}

/// Device and inode, which distinguish a file from another with the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    #[cfg(unix)]
    fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = path.metadata()?;
        Ok(Self(metadata.dev(), metadata.ino()))
    }

    /// On other systems, an open file cannot be removed or replaced.
    #[cfg(not(unix))]
    fn of(path: &Path) -> io::Result<Self> {
        path.metadata().map(|_| Self(0, 0))
    }
}

impl OpenFile {
    fn of(path: &Path) -> io::Result<Self> {
        // SQLite puts the log beside the file that a link names.
        let mut log = path.canonicalize()?.into_os_string();
        log.push("-wal");
        let log_id = Cell::new(FileId::of(Path::new(&log)).ok());
        Ok(Self { path: path.to_owned(), id: FileId::of(path)?, log: log.into(), log_id })
    }

    /// Whether the last commit is in the file and the log that have their names now.
    fn is_in_place(&self) -> bool {
        let Ok(log) = FileId::of(&self.log) else { return false };
        let opened = self.log_id.get().unwrap_or(log);
        self.log_id.set(Some(opened));
        log == opened && FileId::of(&self.path).is_ok_and(|id| id == self.id)
    }
}

impl Worker {
    /// Starts a thread on a connection to this file.
    pub(crate) fn start(connection: Connection, path: &Path) -> Result<Self, SqliteError> {
        let file = OpenFile::of(path)?;
        let (jobs, queue) = mpsc::channel();
        let thread =
            thread::Builder::new().name("store".into()).spawn(move || work(&connection, &queue, &file))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    fn send(&self, job: Job) -> Result<(), SqliteError> {
        let jobs = self.jobs.as_ref().ok_or(SqliteError::Ended)?;
        jobs.send(job).map_err(|_| SqliteError::Ended)
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, SqliteError> {
        let (sender, receiver) = oneshot::channel();
        // A caller that was cancelled needs no response.
        let job = Job::Read(Box::new(move |connection| drop(sender.send(operation(connection)))));
        self.send(job)?;
        Ok(receiver.await.map_err(|_| SqliteError::Ended)??)
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, SqliteError> {
        let (sender, receiver) = oneshot::channel();
        let job = Job::Write(Box::new(move |connection| {
            let result = connection.and_then(operation);
            let failed = result.as_ref().err().map(again);
            let respond = move |uncommitted: Option<SqliteError>| {
                drop(sender.send(uncommitted.map_or_else(|| result.map_err(SqliteError::from), Err)));
            };
            UncommittedWrite { failed, respond: Box::new(respond) }
        }));
        self.send(job)?;
        receiver.await.map_err(|_| SqliteError::Ended)?
    }
}

impl Drop for Worker {
    /// Waits until the connection is closed: closing the last connection folds the log into the file.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // If the thread has panicked, its callers have their errors already.
            let _ = thread.join();
        }
    }
}

fn work(connection: &Connection, queue: &mpsc::Receiver<Job>, file: &OpenFile) {
    while let Ok(first) = queue.recv() {
        let mut writes = Vec::new();
        let waiting = std::iter::once(first).chain(queue.try_iter().take(WRITES_PER_COMMIT_MAX - 1));
        for job in waiting {
            match job {
                Job::Read(read) => read(connection),
                Job::Write(write) => writes.push(write),
            }
        }
        if !writes.is_empty() {
            commit(connection, writes, file);
        }
    }
}

/// Executes the writes in one transaction. A write that fails is rolled back alone. All of them fail if the transaction
/// cannot begin or commit, if SQLite rolls it back (because the disk is full), or if the file is no longer in its
/// place.
fn commit(connection: &Connection, writes: Vec<Write>, file: &OpenFile) {
    let mut fault = connection.execute_batch("BEGIN IMMEDIATE").err();
    let mut done = Vec::with_capacity(writes.len());
    for write in writes {
        done.push(match &fault {
            Some(error) => write(Err(again(error))),
            None => one(connection, write, &mut fault),
        });
    }
    let fault = fault.or_else(|| connection.execute_batch("COMMIT").err());
    if fault.is_some() && !connection.is_autocommit() {
        // If this fails too, the next BEGIN fails and returns the reason.
        let _ = connection.execute_batch("ROLLBACK");
    }
    let is_in_place = file.is_in_place();
    for written in done {
        (written.respond)(match &fault {
            Some(error) => Some(SqliteError::Sqlite(again(error))),
            None if !is_in_place => Some(SqliteError::Gone),
            None => None,
        });
    }
}

/// Executes one write within the transaction; sets `fault` if the whole transaction has failed.
fn one(connection: &Connection, write: Write, fault: &mut Option<Error>) -> UncommittedWrite {
    let statement = |sql| connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    if let Err(error) = statement("SAVEPOINT one") {
        let written = write(Err(again(&error)));
        *fault = Some(error);
        return written;
    }
    let written = write(Ok(connection));
    *fault = match &written.failed {
        Some(error) if connection.is_autocommit() => Some(again(error)),
        Some(_) => statement("ROLLBACK TO one").and_then(|_| statement("RELEASE one")).err(),
        None => statement("RELEASE one").err(),
    };
    written
}

/// A copy of the error for another caller, because `rusqlite::Error` cannot be cloned.
fn again(error: &Error) -> Error {
    let code = error.sqlite_error().copied();
    let code = code.unwrap_or_else(|| rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_ERROR));
    Error::SqliteFailure(code, Some(error.to_string()))
}
